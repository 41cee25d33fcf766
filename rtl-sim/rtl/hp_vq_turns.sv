// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What each queue of a direction waits for, and whose turn it is: round robin over those that want
// to write avail_event, to fetch a batch of heads, or to look at their available index. Changes
// come from the one event that is dealt with (`q_i`) and from bells. A turn is offered from
// registers: it may be stale by a clock, so that who takes it looks again.

module hp_vq_turns #(
  parameter int unsigned N_QP = 32,
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic [N_QP-1:0] ok_i,              // and not rewinding
  input  logic            roomy_i,           // there are tokens for a read
  input  logic            events_i,          // avail_event may be written
  input  logic            bell_valid_i,
  input  logic [QW-1:0]   bell_q_i,

  input  logic [QW-1:0]   q_i,
  input  logic            begin_i,           // from the start: look at the index
  input  logic            set_index_i,
  input  logic            clr_index_i,
  input  logic            set_event_i,
  input  logic            clr_event_i,
  input  logic            set_busy_i,        // an index, or an avail_event, is under way
  input  logic            clr_busy_i,
  input  logic            write_i,
  input  logic            work_i,            // with write: entries to fetch ...
  input  logic            room_i,            // ... slots for them ...
  input  logic            quiet_i,           // ... nothing under way
  output logic            index_o,           // of q: it wants to look at its index ...
  output logic            event_o,           // ... to write avail_event
  output logic            busy_o,
  output logic [N_QP-1:0] quiet_o,

  output logic            turn_valid_o,
  input  logic            turn_take_i,
  output logic [QW-1:0]   turn_q_o
);
  logic [N_QP-1:0] index_q, event_q, work_q, room_q, busy_q, turns;

  assign turns = ok_i & ((event_q & {N_QP{events_i}}) |
                         ({N_QP{roomy_i}} & ((work_q & room_q) | (index_q & ~work_q & ~busy_q))));

  hp_vq_pick #(.N(N_QP)) u_turn (
    .clk_i, .rst_ni, .req_i(turns), .take_i(turn_take_i), .valid_o(turn_valid_o), .idx_o(turn_q_o)
  );

  assign index_o = index_q[q_i];
  assign event_o = event_q[q_i];
  assign busy_o  = busy_q[q_i];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      index_q <= '0;
      event_q <= '0;
      work_q  <= '0;
      room_q  <= '0;
      busy_q  <= '0;
      quiet_o <= '1;
    end else begin
      if (set_event_i) event_q[q_i] <= 1'b1;
      if (clr_event_i || begin_i) event_q[q_i] <= 1'b0;
      if (set_busy_i) busy_q[q_i] <= 1'b1;
      if (clr_busy_i || begin_i) busy_q[q_i] <= 1'b0;
      if (write_i) begin
        work_q[q_i]  <= work_i;
        room_q[q_i]  <= room_i || begin_i;
        quiet_o[q_i] <= quiet_i;
      end
      if (clr_index_i) index_q[q_i] <= 1'b0;
      if (set_index_i || begin_i) index_q[q_i] <= 1'b1;
      if (bell_valid_i) index_q[bell_q_i] <= 1'b1;
    end
  end
endmodule
