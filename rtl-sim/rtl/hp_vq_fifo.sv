// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_fifo for who does not count: the same ports without the level.

module hp_vq_fifo #(
  parameter int unsigned WIDTH = 8,
  parameter int unsigned DEPTH = 4
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             push_i,
  input  logic [WIDTH-1:0] data_i,
  output logic             full_o,
  input  logic             pop_i,
  output logic             valid_o,
  output logic [WIDTH-1:0] data_o
);
  logic [$clog2(DEPTH+1)-1:0] unused_count;

  hp_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_fifo (
    .clk_i, .rst_ni, .push_i, .data_i, .full_o, .pop_i, .valid_o, .data_o, .count_o(unused_count)
  );
endmodule
