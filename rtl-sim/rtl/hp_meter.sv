// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Token bucket per vPort for group frames. One decision per clock, latency 1.
//
// A bucket holds at most `burst` tokens and gains one at every multiple of 2^shift of `time`, worked out
// when it is asked (`ask_i`), so that idle vPorts cost nothing. It is full at reset and after its PORT row
// was written (`fresh_set_i`).

module hp_meter
  import hp_pkg::*;
#(
  parameter int unsigned N_VF = 8
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic [N_VF-1:0] fresh_set_i,
  input  logic            ask_i,
  input  port_t           port_i,
  input  logic [47:0]     epoch_i,      // time >> shift
  input  logic [7:0]      burst_i,
  output logic            refused_o     // next clock
);
  localparam int unsigned IdxW = (N_VF > 1) ? $clog2(N_VF) : 1;

  logic [N_VF-1:0] fresh_q, fresh_now;
  logic [7:0]      tokens_q [N_VF];
  logic [47:0]     epoch_q [N_VF];
  logic [IdxW-1:0] idx;
  logic [47:0]     old_epoch;
  logic [7:0]      tokens;

  // The verdict needs no arithmetic: a bucket that was empty and has gained nothing is empty.
  logic empty, refused;

  assign idx       = port_i[IdxW-1:0];
  assign fresh_now = fresh_q | fresh_set_i;
  assign old_epoch = epoch_q[idx];
  assign refused   = burst_i == '0 || (!fresh_now[idx] && empty && epoch_i == old_epoch);

  // What is left is worked out in the next clock, and is known to a question in that clock.
  logic            ask2_q, full2_q, none2, burst_le1_q, more2, left_none, same2;
  logic [IdxW-1:0] idx2_q;
  logic [47:0]     gained2_q;
  logic [7:0]      tokens2_q, burst_m1_q, left;
  logic [8:0]      burst_p1_q;
  logic [9:0]      excess;
  logic            over;

  assign same2     = ask2_q && idx2_q == idx;
  assign tokens    = same2 ? left : tokens_q[idx];
  assign empty     = same2 ? left_none : tokens_q[idx] == '0;
  assign excess    = 10'(tokens2_q) + 10'(gained2_q[7:0]) - 10'(burst_p1_q);
  assign more2   = |gained2_q[47:8];
  assign over      = full2_q || more2 || !excess[9];
  assign none2   = tokens2_q == '0 && gained2_q[7:0] == '0;
  assign left      = over ? burst_m1_q : none2 ? '0 : tokens2_q + gained2_q[7:0] + 8'hFF;
  assign left_none = over ? burst_le1_q
                          : none2 || (tokens2_q == 8'd1 && gained2_q[7:0] == '0) ||
                            (tokens2_q == '0 && gained2_q[7:0] == 8'd1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fresh_q <= '1;
      ask2_q  <= 1'b0;
    end else begin
      fresh_q <= fresh_now;
      if (ask_i) fresh_q[idx] <= 1'b0;
      ask2_q  <= ask_i;
    end
    if (ask_i) epoch_q[idx] <= epoch_i;
    if (ask2_q) tokens_q[idx2_q] <= left;
    refused_o   <= ask_i && refused;
    idx2_q      <= idx;
    full2_q     <= fresh_now[idx];
    gained2_q   <= epoch_i - old_epoch;
    tokens2_q   <= tokens;
    burst_le1_q <= burst_i <= 8'd1;
    burst_m1_q  <= (burst_i == '0) ? '0 : burst_i - 8'd1;
    burst_p1_q  <= 9'(burst_i) + 9'd1;
  end

  logic unused_port;
  assign unused_port = ^{port_i, excess};
endmodule
