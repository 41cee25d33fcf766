// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Small FIFO in registers or distributed RAM, first-word-fall-through: an entry pushed in cycle t is at
// the output in t+1. Full throughput. All outputs come from registers; a push while `full_o` and a pop
// while not `valid_o` are errors of the user.

`include "hp_assert.svh"

module hp_fifo #(
  parameter int unsigned WIDTH = 8,
  parameter int unsigned DEPTH = 4,
  localparam int unsigned CountW = $clog2(DEPTH + 1)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              push_i,
  input  logic [WIDTH-1:0]  data_i,
  output logic              full_o,

  input  logic              pop_i,
  output logic              valid_o,
  output logic [WIDTH-1:0]  data_o,

  output logic [CountW-1:0] count_o
);
  localparam int unsigned AddrW = (DEPTH > 1) ? $clog2(DEPTH) : 1;

  // The head is in a register, the others wait behind it.
  logic [WIDTH-1:0]  mem [DEPTH];
  logic [AddrW-1:0]  wr_q, rd_q;
  logic [CountW-1:0] count_d;
  logic              more_q, head_free, behind;

  assign head_free = pop_i || !valid_o;
  assign behind    = push_i && !(head_free && !more_q);
  assign count_d = push_i ? count_o + 1'b1 : count_o - 1'b1;

  always_ff @(posedge clk_i) begin
    if (head_free) data_o <= more_q ? mem[rd_q] : data_i;
    if (push_i) mem[wr_q] <= data_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      wr_q    <= '0;
      rd_q    <= '0;
      count_o <= '0;
      full_o  <= 1'b0;
      valid_o <= 1'b0;
      more_q  <= 1'b0;
    end else begin
      if (behind) wr_q <= (32'(wr_q) == DEPTH - 1) ? '0 : wr_q + 1'b1;
      if (pop_i && more_q) rd_q <= (32'(rd_q) == DEPTH - 1) ? '0 : rd_q + 1'b1;
      if (push_i != pop_i) begin
        count_o <= count_d;
        full_o  <= push_i && count_o == CountW'(DEPTH - 1);
        valid_o <= push_i || more_q;
        more_q  <= push_i ? valid_o : count_o > CountW'(2);
      end
    end
  end

  `HP_ASSERT_INIT(Shape_A, WIDTH > 0 && DEPTH > 1)
  `HP_ASSERT(NoOverflow_A, !(push_i && full_o))
  `HP_ASSERT(NoUnderflow_A, !(pop_i && !valid_o))
endmodule
