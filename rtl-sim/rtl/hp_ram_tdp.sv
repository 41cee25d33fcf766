// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Block RAM, true dual port, one clock.
//
// Latency: an address with `x_en_i` and without `x_we_i` in cycle t gives `x_rdata_o` in t+2. A write, or
// an idle cycle, leaves that port's output as it is.
// Rule: both ports on one address in the same cycle with a write involved is a collision. The reader
// gets poison here (anything in silicon) together with `coll_x_o`; two writers both get `coll_x_o` two
// cycles later and leave poison in the RAM.

`include "hp_assert.svh"

module hp_ram_tdp #(
  parameter int unsigned WIDTH = 18,
  parameter int unsigned DEPTH = 1024,
  parameter bit INIT_ZERO = 1'b1,
  localparam int unsigned AddrW = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic             clk_i,

  input  logic             a_en_i,
  input  logic             a_we_i,
  input  logic [AddrW-1:0] a_addr_i,
  input  logic [WIDTH-1:0] a_wdata_i,
  output logic [WIDTH-1:0] a_rdata_o,
  output logic             coll_a_o,

  input  logic             b_en_i,
  input  logic             b_we_i,
  input  logic [AddrW-1:0] b_addr_i,
  input  logic [WIDTH-1:0] b_wdata_i,
  output logic [WIDTH-1:0] b_rdata_o,
  output logic             coll_b_o
);
  logic [WIDTH-1:0] mem [DEPTH];
  logic [WIDTH-1:0] a_read_q, b_read_q;
  logic             same, coll_a_d, coll_b_d, coll_a_q, coll_b_q;

  assign same     = a_en_i && b_en_i && (a_addr_i == b_addr_i);
  assign coll_a_d = same && b_we_i;
  assign coll_b_d = same && a_we_i;

`ifdef SYNTHESIS
  if (INIT_ZERO) begin : gen_zero
    initial mem = '{default: '0};
  end
`elsif HP_ANY_RAM   // a proof begins with a RAM in use
  localparam logic [WIDTH-1:0] Poison = WIDTH'({(WIDTH + 15) / 16{16'hDEAD}});
`else
  localparam logic [WIDTH-1:0] Poison = WIDTH'({(WIDTH + 15) / 16{16'hDEAD}});

  initial begin
    for (int unsigned i = 0; i < DEPTH; i++) mem[i] = INIT_ZERO ? '0 : Poison;
  end
`endif

  always_ff @(posedge clk_i) begin
    if (a_en_i && a_we_i) mem[a_addr_i] <= a_wdata_i;
    if (b_en_i && b_we_i) mem[b_addr_i] <= b_wdata_i;
    if (a_en_i && !a_we_i) a_read_q <= mem[a_addr_i];
    if (b_en_i && !b_we_i) b_read_q <= mem[b_addr_i];
`ifndef SYNTHESIS
    if (coll_a_d && !a_we_i) a_read_q <= Poison;
    if (coll_b_d && !b_we_i) b_read_q <= Poison;
    if (coll_a_d && coll_b_d) mem[a_addr_i] <= Poison;
`endif
    coll_a_q  <= coll_a_d;
    coll_b_q  <= coll_b_d;
    coll_a_o  <= coll_a_q;
    coll_b_o  <= coll_b_q;
    a_rdata_o <= a_read_q;
    b_rdata_o <= b_read_q;
  end

`ifndef SYNTHESIS
  // Enables are meaningful once their owners' reset has seen a clock.
  logic [1:0] armed_q = 2'b00;
  always_ff @(posedge clk_i) armed_q <= {armed_q[0], 1'b1};
`endif
  `HP_ASSERT_INIT(Shape_A, WIDTH > 0 && DEPTH > 0)
  `HP_ASSERT(AInRange_A, !a_en_i || 32'(a_addr_i) < DEPTH, clk_i, !armed_q[1])
  `HP_ASSERT(BInRange_A, !b_en_i || 32'(b_addr_i) < DEPTH, clk_i, !armed_q[1])
endmodule
