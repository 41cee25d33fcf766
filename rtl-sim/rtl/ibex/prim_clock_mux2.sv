// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Stands for Ibex's primitive: used for a shadow core's reset only, which Hairpin does not build.

module prim_clock_mux2 #(
  parameter bit NoFpgaBufG = 1'b0
) (
  input  logic clk0_i,
  input  logic clk1_i,
  input  logic sel_i,
  output logic clk_o
);
  assign clk_o = sel_i ? clk1_i : clk0_i;
endmodule
