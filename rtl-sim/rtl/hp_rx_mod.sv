// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// `i` modulo `n`, for 7 bits of both: a division by trial, two quotient bits a stage. Latency 4,
// one per clock. Modulo 0 is `i`.

module hp_rx_mod (
  input  logic       clk_i,
  input  logic [6:0] i_i,
  input  logic [6:0] n_i,
  output logic [6:0] rest_o
);
  // What is left when `n` times 2 to the `shift` was taken away, if it can be.
  function automatic logic [6:0] step(input logic [6:0] left, input logic [6:0] n,
                                      input int unsigned shift);
    logic [13:0] part;
    part = 14'(n) << shift;
    return (14'(left) >= part) ? left - part[6:0] : left;
  endfunction

  logic [3:1][6:0] rest_q, n_q;

  always_ff @(posedge clk_i) begin
    rest_q[1] <= step(step(i_i, n_i, 6), n_i, 5);
    rest_q[2] <= step(step(rest_q[1], n_q[1], 4), n_q[1], 3);
    rest_q[3] <= step(step(rest_q[2], n_q[2], 2), n_q[2], 1);
    rest_o    <= step(rest_q[3], n_q[3], 0);
    n_q       <= {n_q[2:1], n_i};
  end
endmodule
