// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The soft core's timer event. A write of the compare value (low half of a time at most 2^31 ticks away)
// becomes a full deadline, so that a jump of the time cannot step over it. `pending_o` is high from the
// deadline on while enabled, until the next write. Two clocks late at most.

module hp_core_timer (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [63:0] time_i,
  input  logic        set_i,
  input  logic [31:0] cmp_i,
  input  logic        enable_i,
  output logic        pending_o
);
  logic        armed_q;
  logic [63:0] deadline_q;
  logic [31:0] delta;

  assign delta = cmp_i - time_i[31:0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      armed_q   <= 1'b0;
      pending_o <= 1'b0;
    end else begin
      if (set_i) armed_q <= 1'b1;
      pending_o <= enable_i && armed_q && !set_i && (time_i >= deadline_q);
    end
    if (set_i) deadline_q <= time_i + {{32{delta[31]}}, delta};
  end
endmodule
