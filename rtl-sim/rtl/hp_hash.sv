// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Keyed, non-linear hash of 60 bits to a slot of one bank. Latency 2, one key per clock.
//
// A small substitution-permutation network: every bit of the 60-bit key is spread over three S-boxes (an
// invertible XOR, so that counting keys move many boxes), whitened with the seed, goes through a layer of 4-bit
// S-boxes (PRESENT's), a permutation, a second whitening and S-box layer, and is folded. Without
// the seed (set at boot) nobody outside can aim at a slot. BANK picks its part of the seed, its spread and its fold.
//
// The S-boxes are bit-sliced: box n takes bit n of four 15-bit planes. One LUT4 per bit in silicon,
// a handful of word operations in simulation.

`include "hp_assert.svh"

module hp_hash #(
  parameter int unsigned BANK  = 0,
  parameter int unsigned IDX_W = 10
) (
  input  logic             clk_i,
  input  logic [127:0]     seed_i,
  input  logic [59:0]      key_i,
  output logic [IDX_W-1:0] idx_o
);
  typedef logic [14:0] plane_t;
  typedef plane_t [3:0] state_t;

  function automatic state_t substitute(input state_t x);
    state_t y;
    y[0] = x[0] ^ x[2] ^ x[3] ^ (x[1] & x[2]);
    y[1] = x[1] ^ x[3] ^ (x[1] & x[3]) ^ (x[2] & x[3]) ^
           (x[0] & ((x[1] & x[2]) ^ (x[1] & x[3]) ^ (x[2] & x[3])));
    y[2] = ~(x[2] ^ x[3] ^ (x[0] & x[1]) ^ (x[0] & x[3]) ^ (x[1] & x[3]) ^
             (x[0] & x[3] & (x[1] ^ x[2])));
    y[3] = ~(x[0] ^ x[1] ^ x[3] ^ (x[1] & x[2]) ^
             (x[0] & ((x[1] & x[2]) ^ (x[1] & x[3]) ^ (x[2] & x[3]))));
    return y;
  endfunction

  function automatic plane_t rotate(input plane_t x, input int unsigned by);
    return plane_t'({x, x} >> (15 - by % 15));
  endfunction

  // Bank b whitens with bits from 32*b on and from 32*b+64 on, of the seed read as a ring.
  logic [255:0] seed2;
  state_t       k1, k2, first, mixed_q, second, last;
  assign seed2 = {seed_i, seed_i};
  assign k1    = seed2[32*BANK +: 60] ^ 60'h9E3_779B_97F4_A7C1;
  assign k2    = seed2[(32*BANK + 64) % 128 +: 60] ^ 60'h3C6_EF37_2FE9_4F82;

  // 1 + x^A + x^B has no factor in common with x^60 + 1: nothing is lost.
  localparam int unsigned SpreadA = (BANK == 0) ? 20 : (BANK == 1) ? 23 : (BANK == 2) ? 26 : 28;
  localparam int unsigned SpreadB = (BANK == 0) ? 42 : (BANK == 1) ? 50 : (BANK == 2) ? 48 : 55;
  logic [59:0] spread;
  assign spread = key_i ^ 60'({key_i, key_i} >> SpreadA) ^ 60'({key_i, key_i} >> SpreadB);

  // The four bits of a box go to four different boxes of the next layer.
  assign first = substitute(spread ^ k1);
  always_ff @(posedge clk_i) begin
    mixed_q <= k2 ^ {rotate(first[3], 9), rotate(first[2], 4), rotate(first[1], 1), first[0]};
  end
  assign second = substitute(mixed_q);
  assign last   = {rotate(second[3], BANK), rotate(second[2], 1 + BANK),
                   rotate(second[1], 4 + BANK), rotate(second[0], 9 + BANK)};

  // Fold: pieces of IDX_W bits, each turned differently, XORed.
  localparam int unsigned Pieces = (60 + IDX_W - 1) / IDX_W;
  logic [Pieces*IDX_W-1:0] padded;
  logic [IDX_W-1:0]        piece, fold;
  assign padded = (Pieces*IDX_W)'(last);
  always_comb begin
    fold = '0;
    for (int unsigned g = 0; g < Pieces; g++) begin
      piece = padded[g*IDX_W +: IDX_W];
      fold ^= IDX_W'({piece, piece} >> (IDX_W - (g * (2*BANK + 1)) % IDX_W));
    end
  end
  always_ff @(posedge clk_i) idx_o <= fold;

  logic unused_seed;
  assign unused_seed = ^seed2;

  `HP_ASSERT_INIT(Width_A, IDX_W >= 1 && IDX_W <= 12 && BANK < 4)
endmodule
