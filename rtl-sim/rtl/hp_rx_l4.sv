// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Where in a received frame the bytes are that its TCP or UDP checksum is about. Latency 3 from the
// header window; one header per clock.
//
// The sum goes from the IP addresses to the end of the packet: they stand in front of L4 in IPv6 and in
// an IPv4 header without options, and what else is in the pseudo header, protocol and length, is
// `want`. Nothing is to be checked (`check` = 0) in any other frame: with options or extension headers,
// a fragment, one that does not hold what its lengths say, UDP without a checksum.

module hp_rx_l4 import hp_pkg::*, hp_vio_pkg::*; (
  input  logic         clk_i,
  input  logic [767:0] win_i,       // byte 0 in bits 7:0
  input  len_t         len_i,
  input  logic [1:0]   tags_i,      // 0, 1, 2, or 3 for more than two
  output l4_sum_t      sum_o
);
  function automatic logic [15:0] be16(input logic [15:0] x);
    return {x[7:0], x[15:8]};
  endfunction

  // Stage 1: skip the tags.
  logic [15:0]     type_q;
  logic [48*8-1:0] l3_q;
  logic [5:0]      at_q;            // of L3 in the frame
  logic            few_q;
  len_t            len_q;

  always_ff @(posedge clk_i) begin
    few_q <= tags_i != 2'd3;
    len_q <= len_i;
    unique case (tags_i)
      2'd0: {at_q, l3_q, type_q} <= {6'd14, win_i[8*12 +: 50*8]};
      2'd1: {at_q, l3_q, type_q} <= {6'd18, win_i[8*16 +: 50*8]};
      default: {at_q, l3_q, type_q} <= {6'd22, win_i[8*20 +: 50*8]};
    endcase
  end

  // Stage 2: the lengths.
  logic            v4, v6, udp_q, sound_q;
  logic [15:0]     total4, l4_len_d, l4_len_q, udp_len_q, udp_sum_q;
  logic [7:0]      proto_d, proto_q;
  logic [5:0]      first_q;
  len_t            past_q, len2_q;

  assign v4       = be16(type_q) == 16'h0800 && l3_q[7:0] == 8'h45 &&
                   (be16(l3_q[8*6 +: 16]) & 16'h3FFF) == '0;
  assign v6       = be16(type_q) == 16'h86DD && l3_q[7:4] == 4'd6;
  assign total4   = be16(l3_q[8*2 +: 16]);
  assign l4_len_d = v6 ? be16(l3_q[8*4 +: 16]) : total4 - 16'd20;
  assign proto_d  = v6 ? l3_q[8*6 +: 8] : l3_q[8*9 +: 8];

  always_ff @(posedge clk_i) begin
    sound_q   <= few_q && (v6 || (v4 && total4 >= 16'd20)) && proto_d inside {8'd6, 8'd17} &&
                 l4_len_d <= 16'(MaxFrame);
    udp_q     <= proto_d == 8'd17;
    proto_q   <= proto_d;
    l4_len_q  <= l4_len_d;
    udp_len_q <= be16(v6 ? l3_q[8*44 +: 16] : l3_q[8*24 +: 16]);
    udp_sum_q <= v6 ? l3_q[8*46 +: 16] : l3_q[8*26 +: 16];
    first_q   <= at_q + (v6 ? 6'd8 : 6'd12);
    past_q    <= len_t'(at_q) + (v6 ? len_t'(40) : len_t'(20)) + len_t'(l4_len_d);
    len2_q    <= len_q;
  end

  // Stage 3.
  always_ff @(posedge clk_i) begin
    sum_o.check <= sound_q && past_q <= len2_q &&
                   (udp_q ? l4_len_q >= 16'd8 && udp_len_q == l4_len_q && udp_sum_q != '0
                          : l4_len_q >= 16'd20);
    sum_o.first <= first_q;
    sum_o.past  <= past_q;
    sum_o.want  <= l4_len_q + 16'(proto_q);
  end

  logic unused;
  assign unused = ^{win_i[767:8*70], win_i[8*12-1:0], l3_q};
endmodule
