// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What a queue of MOST entries has to be like, beside its pins. One entry, any, is followed from its push to
// its pop: it comes out in its turn and unchanged. A committed entry shows within LAG clocks.
// Entries are numbered as they come, modulo more than fit.

`include "hp_assert.svh"

module fv_queue #(
  parameter int unsigned WIDTH = 2,
  parameter int unsigned MOST  = 4,
  parameter int unsigned LAG   = 0
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic             push_i,
  input logic             commit_i,
  input logic             rollback_i,
  input logic             pop_i,
  input logic             mark_i,      // follow the entry that is pushed now
  input logic [WIDTH-1:0] data_i,
  input logic             full_i,
  input logic             valid_i,
  input logic [WIDTH-1:0] head_i,
  input logic [31:0]      count_i
);
  localparam int unsigned NumberW = $clog2(MOST) + 1;
  typedef logic [NumberW-1:0] number_t;

  // The next to be pushed, the next that may be rolled back, the next to be popped.
  number_t    push_q, sure_q, pop_q, push_d;
  logic [3:0] late_q;
  assign push_d = push_q + number_t'(push_i);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      push_q <= '0;
      sure_q <= '0;
      pop_q  <= '0;
      late_q <= '0;
    end else begin
      push_q <= rollback_i ? sure_q : push_d;
      if (commit_i && !rollback_i) sure_q <= push_d;
      pop_q  <= pop_q + number_t'(pop_i);
      late_q <= (sure_q == pop_q || valid_i) ? '0 : late_q + 4'(late_q != '1);
    end
  end

  number_t held;
  assign held = push_q - pop_q;
  `HP_ASSERT(Count_A, count_i == 32'(held))
  `HP_ASSERT(Full_A, full_i == (32'(held) == MOST))
  `HP_ASSERT(NotEarly_A, !valid_i || sure_q != pop_q)
  `HP_ASSERT(NotLost_A, sure_q == pop_q || valid_i || 32'(late_q) < LAG)

  // The entry that is followed.
  logic             in_q, mine_sure_q;
  number_t          mine_q;
  logic [WIDTH-1:0] data_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_q <= 1'b0;
    end else if (in_q) begin
      if (commit_i && !rollback_i) mine_sure_q <= 1'b1;
      if ((pop_i && mine_q == pop_q) || (rollback_i && !mine_sure_q)) in_q <= 1'b0;
    end else if (push_i && mark_i && !rollback_i) begin
      in_q        <= 1'b1;
      mine_sure_q <= commit_i;
      mine_q      <= push_q;
      data_q      <= data_i;
    end
  end
  `HP_ASSERT(Order_A, !(in_q && mine_q == pop_q && valid_i) || head_i == data_q)
endmodule
