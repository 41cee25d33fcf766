// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_table_handles, in what any_handles.sv promises of it: from four clocks after a take or a give on, `avail_o` says
// whether a handle is free, and `next_o` is one that is. Only what is out is given back; that the table keeps to this is
// asserted there.

`include "hp_assert.svh"

module fv_handles #(
  parameter int unsigned COUNT = 4,
  localparam int unsigned HandleW = $clog2(COUNT)
) (
  input logic               clk_i,
  input logic               take_i,
  input logic               give_i,
  input logic [HandleW-1:0] handle_i
);
  logic [2:0] up_q = '0;
  logic       rst_n;
  always_ff @(posedge clk_i) up_q <= {up_q[1:0], 1'b1};
  assign rst_n = up_q[2];

  logic               avail, take, give, settled;
  logic [HandleW-1:0] next;
  logic [COUNT-1:0]   out_q = '0;
  logic [2:0]         since_q = '0;
  assign settled = since_q[2];
  assign take    = rst_n && take_i && settled && avail;
  assign give    = rst_n && give_i && !take && out_q[handle_i];
  always_ff @(posedge clk_i) begin
    since_q <= (take || give || !rst_n) ? '0 : {since_q[1:0], 1'b1};
    if (take) out_q[next] <= 1'b1;
    if (give) out_q[handle_i] <= 1'b0;
  end

  hp_table_handles #(.COUNT(COUNT)) u_dut (
    .clk_i, .rst_ni(rst_n), .avail_o(avail), .next_o(next), .take_i(take), .give_i(give), .handle_i,
    .occupied_o()
  );
  `HP_ASSERT(Avail_A, !settled || avail == !(&out_q), clk_i, !rst_n)
  `HP_ASSERT(Next_A, !(settled && avail) || !out_q[next], clk_i, !rst_n)

  // One that came back was handed out again.
  logic [COUNT-1:0] back_q = '0;
  always_ff @(posedge clk_i) if (give) back_q[handle_i] <= 1'b1;
  `HP_ASSERT(Again_C, !(take && back_q[next]), clk_i, !rst_n)
endmodule
