// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_event_queue with any user at all: each event is in the queue or counted as lost, and what is in comes out in
// its turn and unchanged. The first and the last bit of an event are followed; the others go the same way.

`include "hp_assert.svh"

module fv_event_queue #(
  parameter int unsigned DEPTH = 4
) (
  input logic        clk_i,
  input logic        push_i,
  input logic        pop_i,
  input logic        mark_i,
  input logic [63:0] data_i
);
  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic        push, full;
  logic [63:0] data;
  logic [7:0]  count;
  logic [15:0] lost;
  assign push = push_i && rst_ni;

  hp_event_queue #(.DEPTH(DEPTH)) u_dut (
    .clk_i, .rst_ni, .push_i(push), .data_i, .pop_i, .data_o(data), .count_o(count), .full_o(full),
    .lost_o(lost)
  );

  // Taken: there was room, as the queue's own count says it.
  logic taken, popped;
  assign taken  = push && 32'(count) < DEPTH;
  assign popped = pop_i && count != '0 && rst_ni;

  fv_queue #(.WIDTH(2), .MOST(DEPTH)) u_queue (
    .clk_i, .rst_ni, .push_i(taken), .commit_i(taken), .rollback_i(1'b0), .pop_i(popped), .mark_i,
    .data_i({data_i[63], data_i[0]}), .full_i(full), .valid_i(count != '0), .head_i({data[63], data[0]}),
    .count_i(32'(count))
  );

  // Lost: all others, up to the largest number.
  logic [15:0] lost_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) lost_q <= '0;
    else if (push && !taken && lost_q != '1) lost_q <= lost_q + 1'b1;
  end
  `HP_ASSERT(Lost_A, lost == lost_q)
  `HP_ASSERT(Empty_A, count != '0 || data == '0)
endmodule
