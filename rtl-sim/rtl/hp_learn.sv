// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Learn events: source addresses that a learning vPort showed and the MAC table does not know there.
//
// An event may come in every clock. It takes a slot, unless a slot has the same {V.VLAN, SA, vPort}: then the
// frame is suppressed. The firmware answers the oldest event that waits (`act_*`): install it, refuse it
// (the slot stays and suppresses for RefuseTicks, or until an event finds no free slot), or forget it. An
// install goes to the tables; its slot is free when every frame that could not see it has been decided.

`include "hp_assert.svh"

module hp_learn
  import hp_pkg::*;
  import hp_abi_pkg::*;
(
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [31:0]  time_i,

  input  learn_event_t ev_i,

  // The oldest event.
  output logic         valid_o,
  output logic [3:0]   slot_o,
  output learn_event_t event_o,
  output logic [4:0]   waiting_o,
  input  logic         act_i,          // ignored unless it names the oldest event and no install is busy
  input  logic [3:0]   act_slot_i,
  input  logic [1:0]   act_verdict_i,
  output logic         busy_o,
  output logic [3:0]   status_o,       // of the last install

  output logic         req_valid_o,
  input  logic         req_ready_i,
  output learn_req_t   req_o,          // stays until `done_i`
  input  logic         done_i,
  input  logic [3:0]   done_status_i,

  output logic         count_event_o,
  output logic         count_suppressed_o,
  output logic         count_no_slot_o
);
  localparam int unsigned Slots = 16;
  localparam int unsigned RefuseBits = 16;   // 2^16 ticks
  localparam int unsigned KeyW = $bits(vlan_t) + $bits(mac_t) + PortW;

  typedef enum logic [1:0] {
    SlFree,
    SlWait,      // for the firmware
    SlInstall,
    SlRefuse
  } slot_e;

  slot_e            slot_q [Slots];
  logic [KeyW-1:0]  key_q [Slots];
  logic [$bits(learn_event_t)-1:0] data_q [Slots];
  logic [31:0]      since_q [Slots];

  // The event, against every slot.
  learn_event_t     ev_q;
  logic [KeyW-1:0]  ev_key;
  logic [Slots-1:0] same, is_free, is_refuse, pick_from;
  logic [3:0]       pick;
  logic             known, room, push;

  assign ev_key = {ev_q.vvlan, ev_q.sa, ev_q.vport};
  always_comb begin
    for (int unsigned i = 0; i < Slots; i++) begin
      same[i]      = (slot_q[i] != SlFree) && (key_q[i] == ev_key);
      is_free[i]   = slot_q[i] == SlFree;
      is_refuse[i] = slot_q[i] == SlRefuse;
    end
    pick_from = (|is_free) ? is_free : is_refuse;
    pick      = '0;
    for (int i = int'(Slots) - 1; i >= 0; i--) if (pick_from[i]) pick = 4'(i);
  end
  assign known = |same;
  assign room  = |pick_from;
  assign push  = ev_q.valid && !known && room;

  assign count_event_o      = push;
  assign count_suppressed_o = ev_q.valid && known;
  assign count_no_slot_o    = ev_q.valid && !known && !room;

  // The order of those that wait.
  logic pop, full;
  hp_fifo #(.WIDTH(4), .DEPTH(Slots)) u_order (
    .clk_i, .rst_ni, .push_i(push), .data_i(pick), .full_o(full), .pop_i(pop),
    .valid_o, .data_o(slot_o), .count_o(waiting_o)
  );
  assign event_o = learn_event_t'(data_q[slot_o]);

  // The answer.
  logic       accept, install_q, asked_q;
  logic [3:0] slot_busy_q, scan_q;
  logic       keep, expired;

  assign accept      = act_i && valid_o && (act_slot_i == slot_o) && !install_q &&
                       (act_verdict_i inside {LEARN_INSTALL, LEARN_REFUSE, LEARN_FORGET});
  assign pop         = accept;
  assign busy_o      = install_q;
  assign req_valid_o = install_q && !asked_q;
  assign keep        = done_status_i inside {ST_FULL, ST_QUOTA, ST_REFUSED};
  assign expired     = (slot_q[scan_q] == SlRefuse) && |(32'(time_i - since_q[scan_q]) >> RefuseBits);

  always_ff @(posedge clk_i) begin
    ev_q       <= ev_i;
    ev_q.valid <= ev_i.valid && rst_ni;
    if (!rst_ni) begin
      install_q <= 1'b0;
      asked_q   <= 1'b0;
      status_o  <= '0;
      scan_q    <= '0;
      for (int unsigned i = 0; i < Slots; i++) slot_q[i] <= SlFree;
    end else begin
      scan_q <= scan_q + 4'd1;
      if (expired) slot_q[scan_q] <= SlFree;
      if (accept) begin
        unique case (act_verdict_i)
          LEARN_INSTALL: slot_q[slot_o] <= SlInstall;
          LEARN_REFUSE:  slot_q[slot_o] <= SlRefuse;
          default:       slot_q[slot_o] <= SlFree;
        endcase
        install_q <= act_verdict_i == LEARN_INSTALL;
      end
      if (req_valid_o && req_ready_i) asked_q <= 1'b1;
      if (done_i) begin
        install_q           <= 1'b0;
        asked_q             <= 1'b0;
        status_o            <= done_status_i;
        slot_q[slot_busy_q] <= keep ? SlRefuse : SlFree;
      end
      if (push) slot_q[pick] <= SlWait;
    end
    if (push) begin
      key_q[pick]  <= ev_key;
      data_q[pick] <= ev_q;
    end
    if (accept) begin
      slot_busy_q <= slot_o;
      req_o       <= '{vvlan: event_o.vvlan, sa: event_o.sa, vport: event_o.vport,
                       inst: event_o.inst, seen: event_o.seen};
    end
    if (accept || done_i) since_q[done_i ? slot_busy_q : slot_o] <= time_i;
  end

  logic unused_full;
  assign unused_full = full;

  `HP_ASSERT(Ordered_A, !(push && full))
  `HP_ASSERT(Asked_A, !done_i || asked_q)
endmodule
