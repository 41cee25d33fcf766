// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Rewinds of one direction's queues, one at a time: wait until no read of the queue is under way,
// take back what its consumer has not begun, then ask for a check until the consumer is done with
// the rest (`rewound_i`). A check is asked for again when a chain was freed. `rewind_o[q]`: the
// queue rewinds, or waits for its turn; from `set_i` or the end of `ok_i` on. The consumer answers
// a revocation when it can; nothing else waits for it.

`include "hp_assert.svh"

module hp_vq_rewind #(
  parameter int unsigned N_QP = 32,
  parameter int unsigned EW = 5,
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic [N_QP-1:0] ok_i,
  input  logic [N_QP-1:0] quiet_i,           // no read of the queue is under way
  input  logic            now_valid_i,       // an event of this queue is being dealt with
  input  logic [QW-1:0]   now_q_i,
  input  logic            set_i,             // it rewinds
  input  logic            clear_i,           // it begins anew
  input  logic            rewound_i,
  output logic [N_QP-1:0] rewind_o,
  output logic [N_QP-1:0] settled_o,         // it is not ok, and nothing of it is left

  output logic            revoke_valid_o,
  input  logic            revoke_ready_i,
  output logic [QW-1:0]   revoke_q_o,
  input  logic [EW:0]     revoke_count_i,

  output logic            check_o,
  input  logic            check_taken_i,
  input  logic            freed_i,
  output logic [EW:0]     count_o            // chains that were taken back
);
  typedef enum logic [1:0] { StIdle, StRevoke, StCheck } state_e;

  state_e          state_q;
  logic [N_QP-1:0] ok_q, rewind_q, ready;
  logic            some, stale_q;
  logic [QW-1:0]   pick;

  always_comb begin
    ready     = rewind_q & quiet_i;
    settled_o = ~(ok_i | ok_q | rewind_q) & quiet_i;
    if (now_valid_i) begin
      ready[now_q_i]     = 1'b0;
      settled_o[now_q_i] = 1'b0;
    end
  end

  hp_vq_pick #(.N(N_QP)) u_pick (
    .clk_i, .rst_ni, .req_i(ready), .take_i(state_q == StIdle && some), .valid_o(some), .idx_o(pick)
  );

  assign rewind_o       = rewind_q;
  assign revoke_valid_o = state_q == StRevoke;
  assign check_o        = state_q == StCheck && !stale_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q  <= StIdle;
      stale_q  <= 1'b0;
      ok_q     <= '0;
      rewind_q <= '0;
    end else begin
      ok_q <= ok_i;
      for (int unsigned i = 0; i < N_QP; i++) begin
        if (ok_q[i] && !ok_i[i]) rewind_q[i] <= 1'b1;
        else if (now_q_i == QW'(i) && (clear_i || rewound_i)) rewind_q[i] <= 1'b0;
        else if (now_q_i == QW'(i) && set_i) rewind_q[i] <= 1'b1;
      end
      unique case (state_q)
        StIdle: if (some) state_q <= StRevoke;
        StRevoke: if (revoke_ready_i) state_q <= StCheck;
        default: if (rewound_i) state_q <= StIdle;
      endcase
      if (check_taken_i) stale_q <= 1'b1;
      else if (state_q != StCheck || freed_i) stale_q <= 1'b0;
    end
    if (state_q == StIdle) revoke_q_o <= pick;
    if (state_q == StRevoke) count_o <= revoke_count_i;
  end

  `HP_ASSERT(RewoundInTurn_A, !rewound_i || (state_q == StCheck && now_q_i == revoke_q_o))
endmodule
