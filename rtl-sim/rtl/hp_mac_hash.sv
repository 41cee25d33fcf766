// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Keyed, non-linear hash of {V.VLAN, MAC} to a slot of one bank. Latency 2, one key per clock.
//
// A small substitution-permutation network: the 60-bit key is whitened with the seed, goes through
// 4-bit S-boxes, a bit permutation, a second whitening and S-box layer, and is folded. Without the seed
// (set at boot) nobody outside can aim at a slot. BANK picks another part of the seed and another fold.

`include "hp_assert.svh"

module hp_mac_hash #(
  parameter int unsigned BANK  = 0,
  parameter int unsigned IDX_W = 10
) (
  input  logic             clk_i,
  input  logic [127:0]     seed_i,
  input  logic [59:0]      key_i,
  output logic [IDX_W-1:0] idx_o
);
  // The PRESENT S-box.
  function automatic logic [3:0] sbox(input logic [3:0] x);
    unique case (x)
      4'h0: return 4'hC; 4'h1: return 4'h5; 4'h2: return 4'h6; 4'h3: return 4'hB;
      4'h4: return 4'h9; 4'h5: return 4'h0; 4'h6: return 4'hA; 4'h7: return 4'hD;
      4'h8: return 4'h3; 4'h9: return 4'hE; 4'hA: return 4'hF; 4'hB: return 4'h8;
      4'hC: return 4'h4; 4'hD: return 4'h7; 4'hE: return 4'h1; default: return 4'h2;
    endcase
  endfunction

  // Rotations of the seed: bank b uses bits from 32*b on, and from 32*b+64 on.
  logic [255:0] seed2;
  logic [59:0]  k1, k2;
  assign seed2 = {seed_i, seed_i};
  assign k1 = seed2[32*BANK +: 60] ^ 60'h9E3_779B_97F4_A7C1;
  assign k2 = seed2[(32*BANK + 64) % 128 +: 60] ^ 60'h3C6_EF37_2FE9_4F82;

  logic [59:0] white_d, mixed_q, perm, second, slot_bits;
  logic [IDX_W-1:0] fold;
  assign white_d = key_i ^ k1;

  always_ff @(posedge clk_i) begin
    for (int unsigned n = 0; n < 15; n++) mixed_q[4*n +: 4] <= sbox(white_d[4*n +: 4]);
  end

  // A bit permutation that spreads each nibble over four others (multiplication by 17 mod 60).
  for (genvar i = 0; i < 60; i++) begin : gen_perm
    assign perm[(17 * i) % 60] = mixed_q[i];
  end
  assign second = perm ^ k2;
  for (genvar n = 0; n < 15; n++) begin : gen_second
    assign slot_bits[4*n +: 4] = sbox(second[4*n +: 4]);
  end

  // Each group of IDX_W bits is rotated differently and XORed on.
  always_comb begin
    fold = '0;
    for (int unsigned i = 0; i < 60; i++) fold[(i + (i / IDX_W) * (2*BANK + 1)) % IDX_W] ^= slot_bits[i];
  end
  always_ff @(posedge clk_i) idx_o <= fold;

  logic unused_seed;
  assign unused_seed = ^seed2;

  `HP_ASSERT_INIT(Width_A, IDX_W >= 4 && IDX_W <= 12 && BANK < 4)
endmodule
