// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Slots that hold epochs, and how many invalidations each has seen: an epoch has 8 bits, and after 256 it could
// be what it was. A slot is late from its 64th to 128th invalidation on, and stays so until it is taken again.
// `late_o` follows `bump_i` and `we_i` by a clock.

`include "hp_assert.svh"

module hp_late #(
  parameter int unsigned SLOTS = 16,
  localparam int unsigned SlotW = $clog2(SLOTS)
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             bump_i,   // an invalidation
  input  logic             we_i,     // a slot is taken
  input  logic [SlotW-1:0] slot_i,
  output logic [SLOTS-1:0] late_o
);
  // Invalidations are counted in lots of 64; a slot that was taken two lots ago is late.
  logic [5:0] count_q;
  logic [1:0] lot_q;
  logic [1:0] taken_q [SLOTS];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q <= '0;
      lot_q   <= '0;
      late_o  <= '1;
    end else begin
      {lot_q, count_q} <= {lot_q, count_q} + 8'(bump_i);
      for (int unsigned i = 0; i < SLOTS; i++) begin
        if (bump_i && (&count_q) && taken_q[i] == lot_q - 2'd1) late_o[i] <= 1'b1;
        if (we_i && slot_i == SlotW'(i)) late_o[i] <= 1'b0;
      end
    end
    if (we_i) taken_q[slot_i] <= lot_q;
  end

  `HP_ASSERT_INIT(Shape_A, SLOTS == 2 ** SlotW && SLOTS >= 2)
endmodule
