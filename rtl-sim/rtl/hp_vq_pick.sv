// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Round robin: the lowest request above the last one that was taken, else the lowest.
// Combinational from the requests; `take_i` says that the offered one was taken. No request waits
// for more than N - 1 others.

module hp_vq_pick #(
  parameter int unsigned N = 4,
  localparam int unsigned IdxW = (N > 1) ? $clog2(N) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic [N-1:0]    req_i,
  input  logic            take_i,
  output logic            valid_o,
  output logic [IdxW-1:0] idx_o
);
  logic [N-1:0]    above_q, high, from;
  logic [IdxW-1:0] idx;

  assign high = req_i & above_q;
  assign from = (high != '0) ? high : req_i;

  always_comb begin
    idx = '0;
    for (int unsigned i = N; i > 0; i--) begin
      if (from[i-1]) idx = IdxW'(i - 1);
    end
  end

  assign valid_o = req_i != '0;
  assign idx_o   = idx;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      above_q <= '0;
    end else if (take_i) begin
      for (int unsigned i = 0; i < N; i++) above_q[i] <= i > 32'(idx);
    end
  end
endmodule
