// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Flow key of a canonical frame. Latency 3 from the header window; one header per clock.
//
// The window is the frame's first 96 bytes (zeros past its end). Everything a key may hold lies in its
// first 86: MACs, two tags, EtherType, an IPv4 header with all options, four bytes of L4.
//
// With KEEP_IP a frame that has no key only for want of ports (a fragment, an extension header, L4 cut off)
// keeps its addresses and `is_v6`; `ip_o` says that there are addresses.

`include "hp_assert.svh"

module hp_key_parse
  import hp_pkg::*;
#(
  parameter bit KEEP_IP = 1'b0
) (
  input  logic         clk_i,
  input  logic [767:0] win_i,       // byte 0 in bits 7:0
  input  len_t         len_i,       // canonical length
  input  port_t        src_i,
  input  vlan_t        vvlan_i,
  input  logic [1:0]   tags_i,      // tenant tags: 0, 1, 2, or 3 for more than two
  output flow_key_t    key_o,
  output logic         ip_o
);
  // Network byte order at a byte offset.
  function automatic logic [15:0] be16(input logic [15:0] x);
    return {x[7:0], x[15:8]};
  endfunction
  function automatic logic [31:0] be32(input logic [31:0] x);
    return {x[7:0], x[15:8], x[23:16], x[31:24]};
  endfunction
  function automatic logic [127:0] be128(input logic [127:0] x);
    logic [127:0] y;
    for (int unsigned i = 0; i < 16; i++) y[8*i +: 8] = x[8*(15-i) +: 8];
    return y;
  endfunction
  function automatic logic [47:0] be48(input logic [47:0] x);
    logic [47:0] y;
    for (int unsigned i = 0; i < 6; i++) y[8*i +: 8] = x[8*(5-i) +: 8];
    return y;
  endfunction

  // Stage 1: skip the tenant's tags. `l3` starts behind the EtherType.
  flow_key_t    s1_q;
  logic [511:0] l3_q;
  len_t         l3_len_q;
  logic         toomany_q;

  always_ff @(posedge clk_i) begin
    s1_q        <= '0;
    s1_q.src    <= src_i;
    s1_q.vvlan  <= vvlan_i;
    s1_q.da     <= be48(win_i[0 +: 48]);
    s1_q.sa     <= be48(win_i[48 +: 48]);
    toomany_q   <= tags_i == 2'd3;
    unique case (tags_i)
      2'd0: begin
        s1_q.ethertype <= be16(win_i[8*12 +: 16]);
        l3_q           <= win_i[8*14 +: 512];
        l3_len_q       <= len_i - 14'd14;
      end
      2'd1: begin
        s1_q.ethertype <= be16(win_i[8*16 +: 16]);
        l3_q           <= win_i[8*18 +: 512];
        l3_len_q       <= len_i - 14'd18;
      end
      default: begin
        s1_q.ethertype <= be16(win_i[8*20 +: 16]);
        l3_q           <= win_i[8*22 +: 512];
        l3_len_q       <= len_i - 14'd22;
      end
    endcase
  end

  // Stage 2: L3. `l4_room_q` : the IP length covers four bytes of L4.
  flow_key_t   s2_d, s2_q;
  logic [5:0]  hdr4;
  logic [3:0]  l4_at;
  logic [15:0] total4, payload6, l3_len;
  logic        bad4, bad6, part4, ext6, is4, is6;
  logic        ip_d, ip_q;
  logic        l4_room_d, l4_room_q;
  logic [10:0][31:0] l4_choice;
  logic [31:0] l4_d, l4_q;
  logic [7:0]  proto_d;

  assign l4_at    = l3_q[3:0] - 4'd5;
  assign l3_len   = 16'(l3_len_q);
  assign is4      = s1_q.ethertype == 16'h0800;
  assign is6      = s1_q.ethertype == 16'h86DD;
  assign hdr4     = {l3_q[3:0], 2'b00};
  assign total4   = be16(l3_q[8*2 +: 16]);
  assign payload6 = be16(l3_q[8*4 +: 16]);
  assign proto_d  = is4 ? l3_q[8*9 +: 8] : l3_q[8*6 +: 8];

  always_comb begin
    bad4 = (l3_q[7:4] != 4'd4) || (l3_q[3:0] < 4'd5) || (16'(hdr4) > l3_len) ||
           (total4 < 16'(hdr4)) || (total4 > l3_len);
    part4 = (be16(l3_q[8*6 +: 16]) & 16'h3FFF) != '0;
    bad6 = (l3_q[7:4] != 4'd6) || (l3_len < 16'd40) || (payload6 > l3_len - 16'd40);
    ext6 = proto_d inside {8'd0, 8'd43, 8'd44, 8'd50, 8'd51, 8'd60, 8'd135, 8'd139, 8'd140};
    for (int unsigned i = 0; i < 11; i++) l4_choice[i] = l3_q[8*(20 + 4*i) +: 32];
    l4_d = is6 ? l3_q[8*40 +: 32] : (l3_q[3:0] >= 4'd5) ? l4_choice[l4_at] : '0;
    l4_room_d = 1'b1;
    if (is4 && (total4 - 16'(hdr4)) < 16'd4) l4_room_d = 1'b0;
    if (is6 && payload6 < 16'd4) l4_room_d = 1'b0;

    s2_d = s1_q;
    ip_d = !toomany_q && ((is4 && !bad4) || (is6 && !bad6));
    s2_d.unkeyable = toomany_q || (is4 && (bad4 || part4)) || (is6 && (bad6 || ext6));
    if (is4 || is6) s2_d.proto = proto_d;
    s2_d.is_v6 = is6;
    if (is4) begin
      s2_d.ip_src = 128'(be32(l3_q[8*12 +: 32]));
      s2_d.ip_dst = 128'(be32(l3_q[8*16 +: 32]));
    end else if (is6) begin
      s2_d.ip_src = be128(l3_q[8*8 +: 128]);
      s2_d.ip_dst = be128(l3_q[8*24 +: 128]);
    end
  end
  always_ff @(posedge clk_i) begin
    s2_q      <= s2_d;
    l4_q      <= l4_d;
    l4_room_q <= l4_room_d;
    ip_q      <= ip_d;
  end

  // Stage 3: L4, and nothing of IP in a key that cannot be one.
  flow_key_t s3_d;
  logic      is_ip, has_ports, has_type;
  assign is_ip     = s2_q.ethertype inside {16'h0800, 16'h86DD};
  assign has_ports = is_ip && s2_q.proto inside {8'd6, 8'd17, 8'd132};
  assign has_type  = is_ip && s2_q.proto inside {8'd1, 8'd58};

  always_comb begin
    s3_d = s2_q;
    if ((has_ports || has_type) && !l4_room_q) s3_d.unkeyable = 1'b1;
    if (has_ports) begin
      s3_d.sport = be16(l4_q[15:0]);
      s3_d.dport = be16(l4_q[31:16]);
    end else if (has_type) begin
      s3_d.sport = 16'(l4_q[7:0]);
      s3_d.dport = 16'(l4_q[15:8]);
    end
    if (s3_d.unkeyable) begin
      if (!(KEEP_IP && ip_q)) begin
        s3_d.is_v6  = 1'b0;
        s3_d.ip_src = '0;
        s3_d.ip_dst = '0;
      end
      s3_d.proto  = '0;
      s3_d.sport  = '0;
      s3_d.dport  = '0;
    end
  end
  always_ff @(posedge clk_i) begin
    key_o <= s3_d;
    ip_o  <= ip_q;
  end

  logic unused_win;
  assign unused_win = ^win_i[767:688];
endmodule
