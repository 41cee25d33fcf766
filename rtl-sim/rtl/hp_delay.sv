// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Delays a word by CYCLES clocks (>= 2), never stalls. A ring in distributed RAM instead of a chain of
// registers: one word moves per clock, in silicon and in simulation.

`include "hp_assert.svh"

module hp_delay #(
  parameter int unsigned WIDTH  = 8,
  parameter int unsigned CYCLES = 2
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [WIDTH-1:0] d_i,
  output logic [WIDTH-1:0] q_o
);
  localparam int unsigned Depth = CYCLES - 1;
  localparam int unsigned PtrW  = (Depth > 1) ? $clog2(Depth) : 1;

  logic [WIDTH-1:0] ring [Depth];
  logic [PtrW-1:0]  ptr_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) ptr_q <= '0;
    else ptr_q <= (ptr_q == PtrW'(Depth - 1)) ? '0 : ptr_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    q_o         <= ring[ptr_q];
    ring[ptr_q] <= d_i;
  end

  `HP_ASSERT_INIT(Cycles_A, CYCLES >= 2)
endmodule
