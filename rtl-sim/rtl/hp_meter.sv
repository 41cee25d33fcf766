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
  logic [47:0]     gained;
  logic [8:0]      sum;
  logic [7:0]      tokens;

  assign idx       = port_i[IdxW-1:0];
  assign fresh_now = fresh_q | fresh_set_i;
  assign gained    = epoch_i - epoch_q[idx];
  assign sum       = {1'b0, tokens_q[idx]} + {1'b0, gained[7:0]};
  assign tokens    = (fresh_now[idx] || (gained > 48'd255) || (sum > {1'b0, burst_i}))
                     ? burst_i : sum[7:0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fresh_q <= '1;
    end else begin
      fresh_q <= fresh_now;
      if (ask_i) fresh_q[idx] <= 1'b0;
    end
    if (ask_i) begin
      tokens_q[idx] <= (tokens == '0) ? '0 : tokens - 8'd1;
      epoch_q[idx]  <= epoch_i;
    end
    refused_o <= ask_i && (tokens == '0);
  end

  logic unused_port;
  assign unused_port = ^port_i;
endmodule
