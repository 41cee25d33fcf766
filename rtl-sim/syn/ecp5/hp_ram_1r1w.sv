// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// ECP5 version of the block RAM with one write and one read port: same ports, same latency (data in t+2).
//
// The tile is the widest that is deep enough, so that no multiplexer follows the output registers:
// 512 x 36, 1024 x 18, 2048 x 9, 4096 x 4, 8192 x 2, 16384 x 1. Up to 64 words lie in distributed RAM: a
// block would be nearly empty.

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
  localparam int unsigned TileW = (DEPTH <= 512) ? 36 : (DEPTH <= 1024) ? 18 : (DEPTH <= 2048) ? 9 :
                                  (DEPTH <= 4096) ? 4 : (DEPTH <= 8192) ? 2 : 1;
  localparam int unsigned Shift = (TileW == 36) ? 5 : (TileW == 18) ? 4 : (TileW == 9) ? 3 :
                                  (TileW == 4) ? 2 : (TileW == 2) ? 1 : 0;
  localparam int unsigned Tiles = (WIDTH + TileW - 1) / TileW;
  // Byte enables in the low address bits.
  localparam logic [13:0] Enables = (TileW == 36) ? 14'hF : (TileW == 18) ? 14'h3 : 14'h0;

  logic [13:0]            waddr, raddr;
  logic [Tiles*TileW-1:0] wdata, rdata;

  if (DEPTH > 16384) begin : gen_too_deep
    $error("hp_ram_1r1w: DEPTH is more than 16384");
  end

  assign waddr = (14'(waddr_i) << Shift) | Enables;
  assign raddr = 14'(raddr_i) << Shift;
  assign wdata = (Tiles * TileW)'(wdata_i);

  if (DEPTH <= 64) begin : gen_distributed
    (* ram_style = "distributed" *)
    logic [Tiles*TileW-1:0] mem [DEPTH];
    logic [Tiles*TileW-1:0] read_q, out_q;

    if (INIT_ZERO) begin : gen_zero
      initial for (int unsigned i = 0; i < DEPTH; i++) mem[i] = '0;
    end
    always_ff @(posedge clk_i) begin
      if (we_i) mem[waddr_i] <= wdata;
      if (re_i) read_q <= mem[raddr_i];
      out_q <= read_q;
    end
    assign rdata = out_q;
  end else begin : gen_block
    for (genvar t = 0; t < Tiles; t++) begin : gen_tile
      logic [35:0] tile_in, tile_out;
      logic [17:0] a_out, b_out;

      assign tile_in = 36'(wdata[t*TileW +: TileW]);
      assign rdata[t*TileW +: TileW] = tile_out[TileW-1:0];
      assign tile_out = (TileW == 36) ? {b_out, a_out} : {18'h0, b_out};

      hp_ecp5_bram #(
        .WIDTH(TileW)
      ) u_bram (
        .clk_i,
        .a_en_i   (we_i),
        .a_we_i   (we_i),
        .a_addr_i (waddr),
        .a_wdata_i(tile_in[17:0]),
        .a_rdata_o(a_out),
        .b_en_i   (re_i),
        .b_we_i   (1'b0),
        .b_addr_i (raddr),
        .b_wdata_i(tile_in[35:18]),
        .b_rdata_o(b_out)
      );
    end
  end

  if (FORWARD) begin : gen_forward
    logic             fwd_q, fwd_out_q;
    logic [WIDTH-1:0] new_q, new_out_q;

    always_ff @(posedge clk_i) begin
      if (re_i) begin
        fwd_q <= we_i && (waddr_i == raddr_i);
        new_q <= wdata_i;
      end
      fwd_out_q <= fwd_q;
      new_out_q <= new_q;
    end

    assign rdata_o = fwd_out_q ? new_out_q : rdata[WIDTH-1:0];
  end else begin : gen_plain
    assign rdata_o = rdata[WIDTH-1:0];
  end
endmodule
