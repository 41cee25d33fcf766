// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// ECP5 version of the true dual port block RAM: same ports, same latency (data in t+2), same collision flags.
//
// The tile is the widest true dual port one that is deep enough, so that no multiplexer follows the
// output registers: 1024 x 18, 2048 x 9, 4096 x 4, 8192 x 2, 16384 x 1.

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
  localparam int unsigned TileW = (DEPTH <= 1024) ? 18 : (DEPTH <= 2048) ? 9 :
                                  (DEPTH <= 4096) ? 4 : (DEPTH <= 8192) ? 2 : 1;
  localparam int unsigned Shift = (TileW == 18) ? 4 : (TileW == 9) ? 3 :
                                  (TileW == 4) ? 2 : (TileW == 2) ? 1 : 0;
  localparam int unsigned Tiles = (WIDTH + TileW - 1) / TileW;
  localparam logic [13:0] Enables = (TileW == 18) ? 14'h3 : 14'h0;

  logic [13:0]            a_addr, b_addr;
  logic [Tiles*TileW-1:0] a_wdata, a_rdata, b_wdata, b_rdata;
  logic                   same, coll_a_q, coll_b_q;

  if (DEPTH > 16384) begin : gen_too_deep
    $error("hp_ram_tdp: DEPTH is more than 16384");
  end

  assign a_addr    = (14'(a_addr_i) << Shift) | Enables;
  assign b_addr    = (14'(b_addr_i) << Shift) | Enables;
  assign a_wdata   = (Tiles * TileW)'(a_wdata_i);
  assign b_wdata   = (Tiles * TileW)'(b_wdata_i);
  assign a_rdata_o = a_rdata[WIDTH-1:0];
  assign b_rdata_o = b_rdata[WIDTH-1:0];

  for (genvar t = 0; t < Tiles; t++) begin : gen_tile
    logic [17:0] a_out, b_out;

    assign a_rdata[t*TileW +: TileW] = a_out[TileW-1:0];
    assign b_rdata[t*TileW +: TileW] = b_out[TileW-1:0];

    hp_ecp5_bram #(
      .WIDTH(TileW)
    ) u_bram (
      .clk_i,
      .a_en_i,
      .a_we_i,
      .a_addr_i (a_addr),
      .a_wdata_i(18'(a_wdata[t*TileW +: TileW])),
      .a_rdata_o(a_out),
      .b_en_i,
      .b_we_i,
      .b_addr_i (b_addr),
      .b_wdata_i(18'(b_wdata[t*TileW +: TileW])),
      .b_rdata_o(b_out)
    );
  end

  assign same = a_en_i && b_en_i && (a_addr_i == b_addr_i);

  always_ff @(posedge clk_i) begin
    coll_a_q <= same && b_we_i;
    coll_b_q <= same && a_we_i;
    coll_a_o <= coll_a_q;
    coll_b_o <= coll_b_q;
  end
endmodule
