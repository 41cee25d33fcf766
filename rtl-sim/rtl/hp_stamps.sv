// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// When each entry was last used, by handle. A hit (`touch_i`) and a change (`set_i`) may both come in every
// clock; a change or a read takes the second port, and only one of them may come in a clock.
//
// A read in cycle t is on `stamp_o` from t+3 until the next one.

`include "hp_assert.svh"

module hp_stamps #(
  parameter int unsigned HANDLES = 4096,
  localparam int unsigned HandleW = $clog2(HANDLES)
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic [15:0]        now_i,

  input  logic               touch_i,
  input  logic [HandleW-1:0] touch_handle_i,
  input  logic               set_i,
  input  logic [HandleW-1:0] set_handle_i,
  input  logic               read_i,
  input  logic [HandleW-1:0] read_handle_i,
  output logic [15:0]        stamp_o
);
  logic        both, coll, unused_coll;
  logic        read1_q, read2_q;
  logic [15:0] rdata, unused_rdata;

  assign both = set_i && (set_handle_i == touch_handle_i);  // they would write the same

  hp_ram_tdp #(.WIDTH(16), .DEPTH(HANDLES)) u_ram (
    .clk_i,
    .a_en_i   (touch_i && !both),
    .a_we_i   (1'b1),
    .a_addr_i (touch_handle_i),
    .a_wdata_i(now_i),
    .a_rdata_o(unused_rdata),
    .coll_a_o (unused_coll),
    .b_en_i   (set_i || read_i),
    .b_we_i   (set_i),
    .b_addr_i (set_i ? set_handle_i : read_handle_i),
    .b_wdata_i(now_i),
    .b_rdata_o(rdata),
    .coll_b_o (coll)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) {read2_q, read1_q} <= '0;
    else {read2_q, read1_q} <= {read1_q, read_i};
    if (read2_q) stamp_o <= coll ? now_i : rdata;
  end

  `HP_ASSERT(OneSide_A, !(set_i && read_i))
endmodule
