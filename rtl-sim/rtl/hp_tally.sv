// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// How many entries each owner has: 64 counters, read in the clock they are asked for, which see a change two
// clocks later. One may go up and one down in the same clock; the one that goes down then waits a clock, in
// which nothing else may come.
//
// After reset the counters are cleared, one per clock, until `ready_o`.

`include "hp_assert.svh"

module hp_tally #(
  parameter int unsigned WIDTH = 16
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  output logic             ready_o,

  input  logic             up_i,
  input  logic [5:0]       up_idx_i,
  input  logic             down_i,
  input  logic [5:0]       down_idx_i,

  input  logic [5:0]       idx_i,
  output logic [WIDTH-1:0] count_o
);
  logic [WIDTH-1:0] count_q [64];
  logic [5:0]       clear_q, late_idx_q, addr;
  logic             late_q, both, up, down, up_q, down_q;
  logic [5:0]       up_idx_q, down_idx_q;
  logic [WIDTH-1:0] old_count;

  assign both = up_q && down_q;
  assign up   = up_q && !(both && up_idx_q == down_idx_q);
  assign down = (down_q && !up_q) || late_q;
  assign addr = !ready_o ? clear_q : up ? up_idx_q : late_q ? late_idx_q : down_idx_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ready_o <= 1'b0;
      clear_q <= '0;
      late_q  <= 1'b0;
      up_q    <= 1'b0;
      down_q  <= 1'b0;
    end else begin
      late_q <= both && up;
      up_q   <= up_i;
      down_q <= down_i;
      if (!ready_o) begin
        clear_q <= clear_q + 6'd1;
        ready_o <= &clear_q;
      end
    end
    up_idx_q   <= up_idx_i;
    down_idx_q <= down_idx_i;
    late_idx_q <= down_idx_q;
    if (!ready_o) count_q[addr] <= '0;
    else if (up) count_q[addr] <= old_count + 1'b1;
    else if (down) count_q[addr] <= old_count - 1'b1;
  end

  assign old_count  = count_q[addr];
  assign count_o = count_q[idx_i];

  `HP_ASSERT(LateAlone_A, !(late_q && (up_q || down_q)))
  `HP_ASSERT(Exists_A, !down || up || !ready_o || old_count != '0)
  `HP_ASSERT(WhenReady_A, !(up_i || down_i) || ready_o)
endmodule
