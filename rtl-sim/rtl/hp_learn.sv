// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Learn events: source addresses that a learning vPort showed and the MAC table does not know there.
//
// An event may come in every clock. It takes a slot in the fourth, unless a slot has the same {V.VLAN, SA, vPort}: then
// the frame is suppressed. SHARE bounds the slots of one vPort that wait: a flood from it leaves room to others. The firmware answers the oldest event that waits (`act_*`): install it, refuse it
// (the slot stays and suppresses for RefuseTicks, or until an event finds no free slot), or forget it. An
// install goes to the tables; its slot is free when every frame that could not see it has been decided.

`include "hp_assert.svh"

module hp_learn
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned N_VF  = 8,
  parameter int unsigned SHARE = 4    // slots of one vPort that wait
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [31:0]  time_i,
  input  logic         bump_i,         // the MAC table: an invalidation

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
  localparam int unsigned Chunk = 8;         // bits of a key compared in the first of two clocks
  localparam int unsigned Chunks = (KeyW + Chunk - 1) / Chunk;
  localparam int unsigned ShareW = $clog2(SHARE + 1);
  localparam int unsigned PortIdxW = (N_VF > 1) ? $clog2(N_VF) : 1;

  typedef enum logic [1:0] {
    SlFree,
    SlWait,      // for the firmware
    SlInstall,
    SlRefuse
  } slot_e;
  typedef logic [KeyW-1:0] key_t;
  typedef logic [Chunks-1:0] eq_t;

  function automatic eq_t compare(input key_t a, input key_t b);
    key_t differ;
    logic [Chunks*Chunk-1:0] diff;
    eq_t eq;
    differ = a ^ b;
    diff = (Chunks * Chunk)'(differ);
    for (int unsigned n = 0; n < Chunks; n++) eq[n] = diff[Chunk*n +: Chunk] == '0;
    return eq;
  endfunction

  slot_e            slot_q [Slots];
  key_t             key_q [Slots];
  logic [$bits(learn_event_t)-1:0] data_q [Slots];

  // An event meets every slot and the two events ahead of it, which may take one meanwhile: chunks are compared in
  // the first clock, put together in the second; in the third it takes a slot.
  learn_event_t       ev1_q, ev2_q, ev3_q;
  key_t               key1, key2, key3;
  eq_t  [Slots-1:0]   slot_eq_q;
  eq_t  [1:0]         ahead_eq_q;         // the next ahead, and the one before that
  logic [Slots-1:0]   slot_used_q;
  logic               same_slot_q, full_q, push_q, push2_q, known, push;
  logic [1:0]         same_ahead_q;
  logic [ShareW-1:0]  waits_q [N_VF];     // slots of each vPort that wait for the firmware
  logic [PortIdxW-1:0] port2, port3, port_oldest;

  // The slot for the next event: a free one, else one that only refuses. Both are worked out, with the slot that is
  // taken in this clock and without.
  function automatic logic [Slots-1:0] lowest(input logic [Slots-1:0] a, input logic [Slots-1:0] b);
    logic [Slots-1:0] from;
    from = (|a) ? a : b;
    return from & (~from + 1'b1);
  endfunction
  logic [Slots-1:0] is_free, is_refuse, pick_q;
  logic [3:0]       pick_slot;
  always_comb begin
    pick_slot = '0;
    for (int unsigned i = 0; i < Slots; i++) begin
      is_free[i]   = slot_q[i] == SlFree;
      is_refuse[i] = slot_q[i] == SlRefuse;
      if (pick_q[i]) pick_slot |= 4'(i);
    end
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) pick_q <= '0;
    else if (push) pick_q <= lowest(is_free & ~pick_q, is_refuse & ~pick_q);
    else pick_q <= lowest(is_free, is_refuse);
  end

  assign key1  = {ev1_q.vvlan, ev1_q.sa, ev1_q.vport};
  assign key2  = {ev2_q.vvlan, ev2_q.sa, ev2_q.vport};
  assign key3  = {ev3_q.vvlan, ev3_q.sa, ev3_q.vport};
  assign port2 = ev2_q.vport[PortIdxW-1:0];
  assign port3 = ev3_q.vport[PortIdxW-1:0];
  assign known = same_slot_q || (same_ahead_q[0] && push_q) || (same_ahead_q[1] && push2_q);
  assign push  = ev3_q.valid && !known && !full_q && (|pick_q);

  always_ff @(posedge clk_i) begin
    ev1_q       <= ev_i;
    ev2_q       <= ev1_q;
    ev3_q       <= ev2_q;
    ev1_q.valid <= ev_i.valid && rst_ni;
    ev2_q.valid <= ev1_q.valid && rst_ni;
    ev3_q.valid <= ev2_q.valid && rst_ni;
    for (int unsigned i = 0; i < Slots; i++) begin
      slot_eq_q[i]   <= compare(key_q[i], key1);
      slot_used_q[i] <= slot_q[i] != SlFree;
    end
    ahead_eq_q  <= {compare(key3, key1), compare(key2, key1)};
    same_slot_q <= 1'b0;
    for (int unsigned i = 0; i < Slots; i++) if (slot_used_q[i] && (&slot_eq_q[i])) same_slot_q <= 1'b1;
    same_ahead_q <= {&ahead_eq_q[1], &ahead_eq_q[0]};
    push_q       <= push;
    push2_q      <= push_q;
    full_q       <= waits_q[port2] >= ShareW'(SHARE) ||
                    (push && port2 == port3 && waits_q[port2] >= ShareW'(SHARE - 1));
  end

  assign count_event_o      = push;
  assign count_suppressed_o = ev3_q.valid && known;
  assign count_no_slot_o    = ev3_q.valid && !known && !push;

  // The order of those that wait.
  logic pop, full;
  hp_fifo #(.WIDTH(4), .DEPTH(Slots)) u_order (
    .clk_i, .rst_ni, .push_i(push), .data_i(pick_slot), .full_o(full), .pop_i(pop),
    .valid_o, .data_o(slot_o), .count_o(waiting_o)
  );
  assign event_o     = learn_event_t'(data_q[slot_o]);
  assign port_oldest = event_o.vport[PortIdxW-1:0];

  // The answer.
  logic       accept, install_q, asked_q, keep;
  logic [3:0] slot_busy_q;

  assign accept      = act_i && valid_o && (act_slot_i == slot_o) && !install_q &&
                       (act_verdict_i inside {LEARN_INSTALL, LEARN_REFUSE, LEARN_FORGET});
  assign pop         = accept;
  assign busy_o      = install_q;
  assign req_valid_o = install_q && !asked_q;
  assign keep        = done_status_i inside {ST_FULL, ST_QUOTA, ST_REFUSED};

  // One slot after the other, whether it has refused long enough.
  logic [31:0] since_q [Slots];
  logic [31:0] since1_q;
  logic [3:0]  scan_q, scan1_q, scan2_q;
  logic        refuse1_q, old2_q;
  always_ff @(posedge clk_i) begin
    scan_q    <= rst_ni ? scan_q + 4'd1 : '0;
    scan1_q   <= scan_q;
    scan2_q   <= scan1_q;
    since1_q  <= since_q[scan_q];
    refuse1_q <= slot_q[scan_q] == SlRefuse;
    old2_q    <= refuse1_q && |(32'(time_i - since1_q) >> RefuseBits) && rst_ni;
    if (accept || done_i) since_q[done_i ? slot_busy_q : slot_o] <= time_i;
  end

  logic [Slots-1:0] late;
  hp_late #(.SLOTS(Slots)) u_late (
    .clk_i, .rst_ni, .bump_i, .we_i(push), .slot_i(pick_slot), .late_o(late)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      install_q <= 1'b0;
      asked_q   <= 1'b0;
      status_o  <= '0;
      for (int unsigned i = 0; i < Slots; i++) slot_q[i] <= SlFree;
      for (int unsigned n = 0; n < N_VF; n++) waits_q[n] <= '0;
    end else begin
      for (int unsigned i = 0; i < Slots; i++) begin
        if (old2_q && scan2_q == 4'(i) && slot_q[i] == SlRefuse) slot_q[i] <= SlFree;
      end
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
      for (int unsigned i = 0; i < Slots; i++) if (push && pick_q[i]) slot_q[i] <= SlWait;
      for (int unsigned n = 0; n < N_VF; n++) begin
        waits_q[n] <= waits_q[n] + ShareW'(push && 32'(port3) == n) - ShareW'(pop && 32'(port_oldest) == n);
      end
    end
    for (int unsigned i = 0; i < Slots; i++) begin
      if (push && pick_q[i]) begin
        key_q[i]  <= key3;
        data_q[i] <= ev3_q;
      end
    end
    if (accept) begin
      slot_busy_q <= slot_o;
      req_o       <= '{vvlan: event_o.vvlan, sa: event_o.sa, vport: event_o.vport,
                       inst: event_o.inst, seen: event_o.seen, late: late[slot_o]};
    end
  end

  logic unused_full;
  assign unused_full = full;

  `HP_ASSERT(Ordered_A, !(push && full))
  `HP_ASSERT(Asked_A, !done_i || asked_q)
  `HP_ASSERT(Vport_A, !ev1_q.valid || 32'(ev1_q.vport) < N_VF)
  `HP_ASSERT_INIT(Share_A, SHARE >= 1 && N_VF >= 1)
endmodule
