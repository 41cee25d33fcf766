// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_fifo with every legal user: nothing is lost, invented, changed or overtaken.

`include "hp_assert.svh"

module fv_fifo #(
  parameter int unsigned WIDTH = 2,
  parameter int unsigned DEPTH = 4
) (
  input logic             clk_i,
  input logic             push_i,
  input logic             pop_i,
  input logic             mark_i,    // follow the entry that is pushed now
  input logic [WIDTH-1:0] data_i
);
  localparam int unsigned CountW = $clog2(DEPTH + 1);

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic              push, pop, full, valid;
  logic [WIDTH-1:0]  data;
  logic [CountW-1:0] count;
  assign push = push_i && !full && rst_ni;
  assign pop  = pop_i && valid && rst_ni;

  hp_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_dut (
    .clk_i, .rst_ni, .push_i(push), .data_i, .full_o(full),
    .pop_i(pop), .valid_o(valid), .data_o(data), .count_o(count)
  );

  fv_queue #(.WIDTH(WIDTH), .MOST(DEPTH)) u_queue (
    .clk_i, .rst_ni, .push_i(push), .commit_i(push), .rollback_i(1'b0), .pop_i(pop), .mark_i, .data_i,
    .full_i(full), .valid_i(valid), .head_i(data), .count_i(32'(count))
  );
endmodule
