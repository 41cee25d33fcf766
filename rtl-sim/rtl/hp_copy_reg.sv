// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A register that stays one: synthesis must not merge it with another that holds the same, because each
// stands beside its own reader. Latency 1, no reset; comes up zero.

`include "hp_assert.svh"

module hp_copy_reg #(
  parameter int unsigned WIDTH = 8
) (
  input  logic             clk_i,
  input  logic [WIDTH-1:0] d_i,
  output logic [WIDTH-1:0] q_o
);
  initial q_o = '0;

  always_ff @(posedge clk_i) q_o <= d_i;

  `HP_ASSERT_INIT(Shape_A, WIDTH > 0)
endmodule
