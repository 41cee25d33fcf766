// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_spec_fifo with every legal user: nothing is lost, invented, changed or overtaken, what was rolled
// back never shows, and what is committed shows within four clocks.

`include "hp_assert.svh"

module fv_spec_fifo #(
  parameter int unsigned WIDTH = 1,
  parameter int unsigned DEPTH = 8
) (
  input logic             clk_i,
  input logic             push_i,
  input logic             commit_i,
  input logic             rollback_i,
  input logic             pop_i,
  input logic             mark_i,
  input logic [WIDTH-1:0] data_i
);
  localparam int unsigned PtrW = $clog2(DEPTH) + 1;

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic             push, pop, commit, rollback, full, valid;
  logic [WIDTH-1:0] data;
  logic [PtrW-1:0]  count;
  assign push     = push_i && !full && rst_ni;
  assign pop      = pop_i && valid && rst_ni;
  assign commit   = commit_i && rst_ni;
  assign rollback = rollback_i && rst_ni;

  hp_spec_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_dut (
    .clk_i, .rst_ni, .push_i(push), .data_i, .commit_i(commit), .rollback_i(rollback), .full_o(full),
    .pop_i(pop), .valid_o(valid), .data_o(data), .count_o(count)
  );

  fv_queue #(.WIDTH(WIDTH), .MOST(DEPTH), .LAG(3)) u_queue (
    .clk_i, .rst_ni, .push_i(push), .commit_i(commit), .rollback_i(rollback), .pop_i(pop), .mark_i,
    .data_i, .full_i(full), .valid_i(valid), .head_i(data), .count_i(32'(count))
  );
endmodule
