// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Events from the firmware to the host. A push into the full queue is lost and counted, saturating.

module hp_event_queue #(
  parameter int unsigned DEPTH = 16
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        push_i,
  input  logic [63:0] data_i,
  input  logic        pop_i,
  output logic [63:0] data_o,     // zero while empty
  output logic [7:0]  count_o,
  output logic        full_o,
  output logic [15:0] lost_o
);
  localparam int unsigned CountW = $clog2(DEPTH + 1);

  logic              valid;
  logic [63:0]       head;
  logic [CountW-1:0] count;

  hp_fifo #(
    .WIDTH(64),
    .DEPTH(DEPTH)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .push_i  (push_i && !full_o),
    .data_i,
    .full_o,
    .pop_i   (pop_i && valid),
    .valid_o (valid),
    .data_o  (head),
    .count_o (count)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) lost_o <= '0;
    else if (push_i && full_o && lost_o != '1) lost_o <= lost_o + 1'b1;
  end

  assign data_o  = valid ? head : '0;
  assign count_o = 8'(count);
endmodule
