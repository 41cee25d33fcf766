// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The Toeplitz hash of receive-side scaling: a network of XORs. Latency 2, one hash per clock; the
// output holds its value while no input comes.
//
// Every input bit that is set adds the 32 bits of the key that begin at its place. Zeros at the end
// add nothing, so a shorter input is one with zeros behind it.

`include "hp_assert.svh"

module hp_toeplitz #(
  parameter int unsigned BITS = 288,        // of the input: 36 bytes of an IPv6 flow
  localparam int unsigned KeyW = 320
) (
  input  logic            clk_i,
  input  logic            valid_i,
  input  logic [KeyW-1:0] key_i,            // first byte on top
  input  logic [BITS-1:0] data_i,           // first byte on top
  output logic [31:0]     hash_o
);
  localparam int unsigned Group  = 32;      // input bits per partial sum
  localparam int unsigned Groups = (BITS + Group - 1) / Group;

  // Sums of 32 input bits each; then their sum.
  function automatic logic [Groups-1:0][31:0] parts(input logic [KeyW-1:0] key,
                                                    input logic [BITS-1:0] data);
    logic [Groups-1:0][31:0] sums;
    sums = '0;
    for (int unsigned i = 0; i < BITS; i++) begin
      sums[i/Group] ^= key[KeyW-1-i -: 32] & {32{data[BITS-1-i]}};
    end
    return sums;
  endfunction

  logic [Groups-1:0][31:0] part_q;
  logic                    valid_q;
  logic [31:0]             sum;

  always_comb begin
    sum = '0;
    for (int unsigned g = 0; g < Groups; g++) sum ^= part_q[g];
  end

  always_ff @(posedge clk_i) begin
    valid_q <= valid_i;
    if (valid_i) part_q <= parts(key_i, data_i);
    if (valid_q) hash_o <= sum;
  end

  logic unused_key;
  assign unused_key = ^key_i[KeyW-BITS-31:0];

  `HP_ASSERT_INIT(Bits_A, BITS > 0 && BITS + 31 < KeyW)
endmodule
