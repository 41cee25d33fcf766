// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// First hash stage for keys wider than 60 bits: a keyed, non-linear compression to 60 bits. Latency 2, one
// key per clock.
//
// The key is cut into chunks of 60 bits. Each is spread as in hp_hash, whitened with its own part of a schedule
// made of the seed, goes through a layer of 4-bit S-boxes (PRESENT's), a permutation, a second whitening and S-box layer, and is
// rotated by its own amount; the chunks are XORed. Registers before the second layer and after the XOR.

`include "hp_assert.svh"

module hp_key_mix #(
  parameter int unsigned KEY_W = 428
) (
  input  logic             clk_i,
  input  logic [127:0]     seed_i,
  input  logic [KEY_W-1:0] key_i,
  output logic [59:0]      mix_o
);
  localparam int unsigned Chunks = (KEY_W + 59) / 60;

  typedef logic [14:0] plane_t;
  typedef plane_t [3:0] state_t;

  // Box n takes bit n of the four planes.
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

  // Whitening n: the seed, read as a ring from a bit of its own on, and a constant of its own.
  function automatic logic [59:0] white(input logic [127:0] seed, input int unsigned n);
    return 60'({seed, seed} >> ((n * 41 + 19) % 128)) ^
           60'((64'h9E37_79B9_7F4A_7C15 * 64'(2 * n + 1)) >> 3);
  endfunction

  logic [Chunks*60-1:0]    padded;
  logic [Chunks-1:0][59:0] turned;
  logic [59:0]             mix;
  assign padded = (Chunks * 60)'(key_i);

  for (genvar n = 0; n < Chunks; n++) begin : gen_chunk
    logic [59:0] chunk, spread;
    state_t      first, mixed_q, second;

    assign chunk  = padded[60*n +: 60];
    assign spread = chunk ^ 60'({chunk, chunk} >> 21) ^ 60'({chunk, chunk} >> 41);


    // The four bits of a box go to four different boxes of the next layer.
    assign first = substitute(spread ^ white(seed_i, 2 * n));
    always_ff @(posedge clk_i) begin
      mixed_q <= white(seed_i, 2 * n + 1) ^
                 {rotate(first[3], 9), rotate(first[2], 4), rotate(first[1], 1), first[0]};
    end
    assign second = substitute(mixed_q);
    assign turned[n] = 60'({second, second} >> ((7 * n) % 60));
  end

  always_comb begin
    mix = '0;
    for (int unsigned n = 0; n < Chunks; n++) mix ^= turned[n];
  end
  always_ff @(posedge clk_i) mix_o <= mix;

  `HP_ASSERT_INIT(Width_A, KEY_W >= 1)
endmodule
