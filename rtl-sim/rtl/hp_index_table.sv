// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A table read by index every clock, with one command port for reads and writes.
//
// Lookup latency: index in cycle t, row in t+2. A write in cycle t is seen by the lookup of cycle t. The
// command port serves one command at a time: the row read with `cmd_en_i` in cycle t is at `cmd_row_o` in t+2.
// Lookups and commands have a copy each: two ports on one RAM would keep small tables out of distributed RAM.

module hp_index_table #(
  parameter int unsigned WIDTH = 32,
  parameter int unsigned DEPTH = 64,
  localparam int unsigned AddrW = $clog2(DEPTH)
) (
  input  logic             clk_i,

  input  logic [AddrW-1:0] idx_i,
  output logic [WIDTH-1:0] row_o,

  input  logic             cmd_en_i,
  input  logic             cmd_we_i,
  input  logic [AddrW-1:0] cmd_idx_i,
  input  logic [WIDTH-1:0] cmd_row_i,
  output logic [WIDTH-1:0] cmd_row_o
);
  logic we;
  assign we = cmd_en_i && cmd_we_i;

  hp_ram_1r1w #(.WIDTH(WIDTH), .DEPTH(DEPTH), .FORWARD(1'b1)) u_lookup (
    .clk_i, .we_i(we), .waddr_i(cmd_idx_i), .wdata_i(cmd_row_i),
    .re_i(1'b1), .raddr_i(idx_i), .rdata_o(row_o)
  );
  hp_ram_1r1w #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_command (
    .clk_i, .we_i(we), .waddr_i(cmd_idx_i), .wdata_i(cmd_row_i),
    .re_i(cmd_en_i && !cmd_we_i), .raddr_i(cmd_idx_i), .rdata_o(cmd_row_o)
  );
endmodule
