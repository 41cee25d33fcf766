// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What a queue of MOST entries has to be like, beside its pins. One entry, any, is followed from its push to its pop: it
// comes out in its turn and unchanged. With LAG, a committed entry shows within that many clocks.

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
  input logic             mark_i,
  input logic [WIDTH-1:0] data_i,
  input logic             full_i,
  input logic             valid_i,
  input logic [WIDTH-1:0] head_i,
  input logic [31:0]      count_i
);
  localparam int unsigned CountW = $clog2(MOST + 1);
  typedef logic [CountW-1:0] count_t;

  // Entries in the queue, those of them that are committed, and clocks since one could have shown.
  count_t     all_q, all_d, sure_q;
  logic [3:0] late_q;
  assign all_d = rollback_i ? sure_q - count_t'(pop_i) : all_q + count_t'(push_i) - count_t'(pop_i);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      all_q  <= '0;
      sure_q <= '0;
      late_q <= '0;
    end else begin
      all_q  <= all_d;
      sure_q <= (commit_i && !rollback_i) ? all_d : sure_q - count_t'(pop_i);
      late_q <= (sure_q == '0 || valid_i) ? '0 : late_q + 4'(late_q != '1);
    end
  end

  `HP_ASSERT(Count_A, count_i == 32'(all_q))
  `HP_ASSERT(Full_A, full_i == (32'(all_q) == MOST))
  `HP_ASSERT(NotEarly_A, !valid_i || sure_q != '0)
  `HP_ASSERT(NotLost_A, sure_q == '0 || valid_i || 32'(late_q) < LAG)

  // The entry that is followed, and how many are before it.
  logic             in_q, mine_sure_q;
  count_t           before_q;
  logic [WIDTH-1:0] data_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_q <= 1'b0;
    end else if (in_q) begin
      if (pop_i) before_q <= before_q - 1'b1;
      if (commit_i && !rollback_i) mine_sure_q <= 1'b1;
      if ((pop_i && before_q == '0) || (rollback_i && !mine_sure_q)) in_q <= 1'b0;
    end else if (push_i && mark_i && !rollback_i) begin
      in_q        <= 1'b1;
      mine_sure_q <= commit_i;
      before_q    <= all_q - count_t'(pop_i);
      data_q      <= data_i;
    end
  end

  `HP_ASSERT(Order_A, !(in_q && before_q == '0 && valid_i) || head_i == data_q)
endmodule
