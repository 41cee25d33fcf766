// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Block RAM FIFO, first-word-fall-through, one push and one pop per clock for ever. An entry pushed into
// the empty FIFO in cycle t is at the output in t+1; into one that is not, it is there in its turn.
// A push while `full_o` and a pop while not `valid_o` are errors of the user.

module hp_deep_fifo #(
  parameter int unsigned WIDTH = 32,
  parameter int unsigned DEPTH = 512,  // a power of two, at least 8
  localparam int unsigned CountW = $clog2(DEPTH) + 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              push_i,
  input  logic [WIDTH-1:0]  data_i,
  output logic              full_o,

  input  logic              pop_i,
  output logic              valid_o,
  output logic [WIDTH-1:0]  data_o,

  output logic [CountW-1:0] count_o
);
  hp_spec_fifo #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .push_i,
    .data_i,
    .commit_i  (push_i),
    .rollback_i(1'b0),
    .full_o,
    .pop_i,
    .valid_o,
    .data_o,
    .count_o
  );
endmodule
