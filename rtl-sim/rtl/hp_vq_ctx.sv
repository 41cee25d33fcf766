// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What a block remembers of each queue: a small memory, written at the clock, read within it
// (distributed RAM). Nothing is cleared: a queue's word is written when the queue is enabled.

`include "hp_assert.svh"

module hp_vq_ctx #(
  parameter int unsigned WIDTH = 32,
  parameter int unsigned DEPTH = 32,
  localparam int unsigned AddrW = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic             clk_i,
  input  logic             we_i,
  input  logic [AddrW-1:0] waddr_i,
  input  logic [WIDTH-1:0] wdata_i,
  input  logic [AddrW-1:0] raddr_i,
  output logic [WIDTH-1:0] rdata_o
);
  logic [WIDTH-1:0] mem [DEPTH];

  always_ff @(posedge clk_i) begin
    if (we_i) mem[waddr_i] <= wdata_i;
  end

  assign rdata_o = mem[raddr_i];

  `HP_ASSERT_INIT(Shape_A, WIDTH > 0 && DEPTH > 0)
endmodule
