// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A pulse from one clock to another. Pulses must be at least three destination clocks apart; a closer one
// may be lost.

module hp_cdc_pulse (
  input  logic src_clk_i,
  input  logic src_rst_ni,
  input  logic src_pulse_i,

  input  logic dst_clk_i,
  input  logic dst_rst_ni,
  output logic dst_pulse_o
);
  logic toggle_q, sync, last_q;

  always_ff @(posedge src_clk_i) begin
    if (!src_rst_ni) toggle_q <= 1'b0;
    else if (src_pulse_i) toggle_q <= !toggle_q;
  end

  hp_cdc_sync u_sync (
    .clk_i  (dst_clk_i),
    .rst_ni (dst_rst_ni),
    .d_i    (toggle_q),
    .q_o    (sync)
  );

  // A reset of one side alone may show as one pulse.
  always_ff @(posedge dst_clk_i) begin
    if (!dst_rst_ni) last_q <= 1'b0;
    else last_q <= sync;
  end

  assign dst_pulse_o = sync != last_q;
endmodule
