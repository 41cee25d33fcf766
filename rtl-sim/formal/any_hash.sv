// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Stands in for hp_hash where a proof is to hold for every hash: the seed is the table of the slots. With a
// seed that is free but constant, each key has any slot in each bank, the same one always. Keys of three bits.
//
// Latency 2, as the real one.

`include "hp_assert.svh"

module hp_hash #(
  parameter int unsigned BANK  = 0,
  parameter int unsigned IDX_W = 1
) (
  input  logic             clk_i,
  input  logic [127:0]     seed_i,
  input  logic [59:0]      key_i,
  output logic [IDX_W-1:0] idx_o
);
  logic [7:0][IDX_W-1:0] slots;
  logic [IDX_W-1:0]      slot_q;
  assign slots = seed_i[32*BANK +: 8*IDX_W];
  always_ff @(posedge clk_i) begin
    slot_q <= slots[key_i[2:0]];
    idx_o  <= slot_q;
  end

  `HP_ASSERT_INIT(Width_A, IDX_W >= 1 && IDX_W <= 4 && BANK < 4)
endmodule
