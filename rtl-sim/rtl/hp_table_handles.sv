// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The free handles of a table: first 0, 1, 2, ... in turn, then those that came back, oldest first.
//
// `next_o` is valid while `avail_o`, and settles four clocks after a take or a give. A take while not
// `avail_o` and a give of a handle that is not out are errors of the user.

`include "hp_assert.svh"

module hp_table_handles #(
  parameter int unsigned COUNT = 4096,   // a power of two
  localparam int unsigned HandleW = $clog2(COUNT)
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  output logic               avail_o,
  output logic [HandleW-1:0] next_o,
  input  logic               take_i,
  input  logic               give_i,
  input  logic [HandleW-1:0] handle_i,

  output logic [HandleW:0]   occupied_o
);
  logic [HandleW:0]   fresh_q;           // COUNT: every handle was out once
  logic [HandleW-1:0] wr_q, rd_q, back;
  logic               used_up;
  assign used_up = fresh_q[HandleW];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fresh_q    <= '0;
      wr_q       <= '0;
      rd_q       <= '0;
      occupied_o <= '0;
    end else begin
      if (give_i) wr_q <= wr_q + 1'b1;
      if (take_i && used_up) rd_q <= rd_q + 1'b1;
      if (take_i && !used_up) fresh_q <= fresh_q + 1'b1;
      occupied_o <= occupied_o + (HandleW + 1)'(take_i) - (HandleW + 1)'(give_i);
    end
    avail_o <= !occupied_o[HandleW];
    next_o  <= used_up ? back : fresh_q[HandleW-1:0];
  end

  hp_ram_1r1w #(.WIDTH(HandleW), .DEPTH(COUNT)) u_back (
    .clk_i, .we_i(give_i), .waddr_i(wr_q), .wdata_i(handle_i),
    .re_i(1'b1), .raddr_i(rd_q), .rdata_o(back)
  );

  `HP_ASSERT(Take_A, !take_i || !occupied_o[HandleW])
  `HP_ASSERT(Give_A, !give_i || occupied_o != '0)
  `HP_ASSERT(NotBoth_A, !(take_i && give_i))
  `HP_ASSERT_INIT(Count_A, COUNT == 2 ** HandleW)
endmodule
