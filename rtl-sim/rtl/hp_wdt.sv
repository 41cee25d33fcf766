// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Watchdog in core clocks. `hung_o` rises when `cycles_i` clocks pass without `feed_i`, and stays until reset.
// `cycles_i` = 0: off. A core that sleeps with nothing to do is not hung, so the count rests while `rest_i`.

module hp_wdt (
  input  logic        clk_i,
  input  logic        rst_ni,       // the core's reset
  input  logic [31:0] cycles_i,     // stable outside of reset
  input  logic        feed_i,
  input  logic        rest_i,
  output logic        hung_o
);
  logic [31:0] limit_q, count_q;

  // The value comes from another clock; it is taken over during reset only.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      limit_q <= cycles_i;
      count_q <= '0;
      hung_o  <= 1'b0;
    end else if (feed_i || limit_q == '0) begin
      count_q <= '0;
    end else if (!rest_i) begin
      count_q <= count_q + 1'b1;
      if (count_q == limit_q - 1'b1) hung_o <= 1'b1;
    end
  end
endmodule
