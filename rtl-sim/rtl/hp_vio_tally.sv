// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A 32-bit counter per VF. One event per clock for ever; a count is read in the clock it is asked for and sees
// an event two clocks later. A counter that is cleared counts from zero with the next event.

`include "hp_assert.svh"

module hp_vio_tally #(
  parameter int unsigned N_VF = 8
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        event_i,
  input  hp_pkg::port_t event_idx_i,
  input  logic        clear_i,
  input  logic [5:0]  idx_i,           // to read or to clear
  output logic [31:0] count_o
);
  logic [31:0]     count_q [64];
  logic [63:0]     zero_q;             // this counter is zero, whatever it holds
  logic            event_q;
  logic [5:0]      event_idx_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      event_q <= 1'b0;
      zero_q  <= '1;
    end else begin
      event_q <= event_i;
      if (event_q) zero_q[event_idx_q] <= 1'b0;
      if (clear_i) zero_q[idx_i] <= 1'b1;
    end
    event_idx_q <= event_idx_i[5:0];
    if (event_q) count_q[event_idx_q] <= zero_q[event_idx_q] ? 32'd1 : count_q[event_idx_q] + 32'd1;
  end

  assign count_o = zero_q[idx_i] ? '0 : count_q[idx_i];

  `HP_ASSERT(Exists_A, !event_i || 32'(event_idx_i) < N_VF)
endmodule
