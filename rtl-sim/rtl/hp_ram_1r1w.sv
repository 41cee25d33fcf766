// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Block RAM, one write port, one read port, one clock.
//
// Latency: an address with `re_i` in cycle t gives `rdata_o` in cycle t+2 (the RAM's own read
// register, then its output register). Without `re_i` the output holds its value.
// A write in cycle t is seen by reads from t+1 on. A read and a write of one address in the same cycle
// return poison here and anything in silicon, unless FORWARD is set: then the new data.

`include "hp_assert.svh"

module hp_ram_1r1w #(
  parameter int unsigned WIDTH = 32,
  parameter int unsigned DEPTH = 512,
  parameter bit FORWARD = 1'b0,
  parameter bit INIT_ZERO = 1'b1,
  localparam int unsigned AddrW = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic             clk_i,
  input  logic             we_i,
  input  logic [AddrW-1:0] waddr_i,
  input  logic [WIDTH-1:0] wdata_i,
  input  logic             re_i,
  input  logic [AddrW-1:0] raddr_i,
  output logic [WIDTH-1:0] rdata_o
);
  logic [WIDTH-1:0] mem [DEPTH];
  logic [WIDTH-1:0] read_q, out_q;
  logic             coll;

  assign coll = we_i && (waddr_i == raddr_i);

`ifdef SYNTHESIS
  if (INIT_ZERO) begin : gen_zero
    initial mem = '{default: '0};
  end
`else
  localparam logic [WIDTH-1:0] Poison = WIDTH'({(WIDTH + 15) / 16{16'hDEAD}});

  initial begin
    for (int unsigned i = 0; i < DEPTH; i++) mem[i] = INIT_ZERO ? '0 : Poison;
  end
`endif

  always_ff @(posedge clk_i) begin
    if (we_i) mem[waddr_i] <= wdata_i;
    if (re_i) begin
      read_q <= mem[raddr_i];
`ifndef SYNTHESIS
      if (coll) read_q <= Poison;
`endif
    end
    out_q <= read_q;
  end

  if (FORWARD) begin : gen_forward
    logic             fwd_q, fwd_out_q;
    logic [WIDTH-1:0] new_q, new_out_q;

    always_ff @(posedge clk_i) begin
      if (re_i) begin
        fwd_q <= coll;
        new_q <= wdata_i;
      end
      fwd_out_q <= fwd_q;
      new_out_q <= new_q;
    end

    assign rdata_o = fwd_out_q ? new_out_q : out_q;
  end else begin : gen_plain
`ifdef SYNTHESIS
    logic unused_coll;
    assign unused_coll = coll;
`endif
    assign rdata_o = out_q;
  end

`ifndef SYNTHESIS
  // Enables are meaningful once their owners' reset has seen a clock.
  logic [1:0] armed_q = 2'b00;
  always_ff @(posedge clk_i) armed_q <= {armed_q[0], 1'b1};
`endif
  `HP_ASSERT_INIT(Shape_A, WIDTH > 0 && DEPTH > 0)
  `HP_ASSERT(WriteInRange_A, !we_i || 32'(waddr_i) < DEPTH, clk_i, !armed_q[1])
  `HP_ASSERT(ReadInRange_A, !re_i || 32'(raddr_i) < DEPTH, clk_i, !armed_q[1])
endmodule
