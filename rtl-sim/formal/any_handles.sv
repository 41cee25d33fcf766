// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Stands in for hp_table_handles where a proof is to hold for every order of the free handles: `next_o` is any that is
// not out. Until four clocks after a take or a give both answers are anything. The job `handles` proves
// that the real one does no more than this.

`include "hp_assert.svh"

module hp_table_handles #(
  parameter int unsigned COUNT = 8,
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
  logic [COUNT-1:0]   out_q;
  logic [2:0]         since_q;
  logic [HandleW-1:0] next_q;
  logic               settled;

  // Without a driver: the solver's choice in every clock.
  logic [HandleW-1:0] any_next;
  logic               any_avail;

  always_ff @(posedge clk_i) begin
    since_q <= (take_i || give_i || (!rst_ni && out_q != '0)) ? '0 : {since_q[1:0], 1'b1};
    if (!settled) next_q <= any_next;
    if (!rst_ni) begin
      out_q <= '0;
    end else begin
      if (take_i) out_q[next_o] <= 1'b1;
      if (give_i) out_q[handle_i] <= 1'b0;
    end
  end
  assign settled    = since_q[2];
  assign avail_o    = settled ? !(&out_q) : any_avail;
  assign next_o     = settled ? next_q : any_next;
  assign occupied_o = (HandleW + 1)'($countones(out_q));
  always_comb assume (!settled || (&out_q) || !out_q[next_q]);

  `HP_ASSERT(Take_A, !take_i || (settled && avail_o))
  `HP_ASSERT(Give_A, !give_i || out_q[handle_i])
  `HP_ASSERT(NotBoth_A, !(take_i && give_i))
endmodule
