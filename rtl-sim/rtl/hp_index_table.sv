// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A table read by index every clock, with one command port for reads and writes.
//
// Lookup latency: index in cycle t, row in t+2. A write in cycle t is seen by the lookup of cycle t (the
// collision is answered with the new row). The command port serves one command at a time: the row
// read with `cmd_en_i` in cycle t is at `cmd_row_o` in t+2; `cmd_row_i` stays put for two cycles after a write.

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
  logic [WIDTH-1:0] rdata;
  logic             coll, unused_coll;

  hp_ram_tdp #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH)
  ) u_ram (
    .clk_i,
    .a_en_i   (1'b1),
    .a_we_i   (1'b0),
    .a_addr_i (idx_i),
    .a_wdata_i('0),
    .a_rdata_o(rdata),
    .coll_a_o (coll),
    .b_en_i   (cmd_en_i),
    .b_we_i   (cmd_we_i),
    .b_addr_i (cmd_idx_i),
    .b_wdata_i(cmd_row_i),
    .b_rdata_o(cmd_row_o),
    .coll_b_o (unused_coll)
  );

  assign row_o = coll ? cmd_row_i : rdata;
endmodule
