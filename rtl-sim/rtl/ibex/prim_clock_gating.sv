// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Stands for Ibex's primitive: no clock gate. A sleeping Ibex also stands still with its clock running, and
// FPGAs have few gates to give.

module prim_clock_gating #(
  parameter bit NoFpgaGate    = 1'b0,
  parameter bit FpgaBufGlobal = 1'b1
) (
  input  logic clk_i,
  input  logic en_i,
  input  logic test_en_i,
  output logic clk_o
);
  assign clk_o = clk_i;
endmodule
