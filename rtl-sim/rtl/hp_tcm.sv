// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The soft core's memory: two 32-bit ports, one clock. Port A reads instructions and takes the words of the
// loader, port B is for data, with byte enables. A read gives its data in the next clock.
// A read of port A in the clock in which port B writes the same word gives poison here and anything in
// silicon: code does not change under a running core.

`include "hp_assert.svh"

module hp_tcm #(
  parameter int unsigned KIB = 64,
  localparam int unsigned Words = KIB * 256,
  localparam int unsigned AddrW = $clog2(Words)
) (
  input  logic             clk_i,

  input  logic             a_en_i,
  input  logic             a_we_i,
  input  logic [AddrW-1:0] a_addr_i,
  input  logic [31:0]      a_wdata_i,
  output logic [31:0]      a_rdata_o,

  input  logic             b_en_i,
  input  logic             b_we_i,
  input  logic [3:0]       b_be_i,
  input  logic [AddrW-1:0] b_addr_i,
  input  logic [31:0]      b_wdata_i,
  output logic [31:0]      b_rdata_o
);
  logic [31:0] mem [Words];

`ifdef SYNTHESIS
  initial mem = '{default: '0};
`else
  initial begin
    for (int unsigned i = 0; i < Words; i++) mem[i] = '0;
  end
`endif

  always_ff @(posedge clk_i) begin
    if (a_en_i && a_we_i) mem[a_addr_i] <= a_wdata_i;
    if (b_en_i && b_we_i) begin
      for (int unsigned i = 0; i < 4; i++) begin
        if (b_be_i[i]) mem[b_addr_i][8*i+:8] <= b_wdata_i[8*i+:8];
      end
    end
    if (a_en_i && !a_we_i) begin
      a_rdata_o <= mem[a_addr_i];
`ifndef SYNTHESIS
      if (b_en_i && b_we_i && a_addr_i == b_addr_i) a_rdata_o <= 32'hDEADDEAD;
`endif
    end
    if (b_en_i && !b_we_i) b_rdata_o <= mem[b_addr_i];
  end

  `HP_ASSERT_INIT(Shape_A, KIB >= 4 && 2 ** AddrW == Words)
  `HP_ASSERT(LoadAlone_A, !(a_en_i && a_we_i && b_en_i), clk_i, 1'b0)
endmodule
