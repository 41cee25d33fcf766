// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A flow key after a V.VLAN's key mask, and the key of the answers: first mirrored, if asked, then masked.
// Combinational. A field whose bit in the mask is 0 is zero; the V.VLAN is always in.

module hp_flow_key
  import hp_pkg::*;
(
  input  flow_key_t           key_i,
  input  logic [KeyMaskW-1:0] mask_i,
  input  logic                mirror_i,
  input  port_t               port_i,      // source port of the mirrored key
  output logic [FlowKeyW-1:0] key_o
);
  localparam logic [7:0] ProtoIcmp = 8'd1, ProtoIcmp6 = 8'd58;

  flow_key_t   whole, masked;
  logic [15:0] type_back;    // the ICMP type that answers
  logic        is_icmp;

  always_comb begin
    is_icmp   = key_i.proto inside {ProtoIcmp, ProtoIcmp6};
    type_back = key_i.sport;
    if (key_i.proto == ProtoIcmp && key_i.sport == 16'd8) type_back = 16'd0;
    if (key_i.proto == ProtoIcmp && key_i.sport == 16'd0) type_back = 16'd8;
    if (key_i.proto == ProtoIcmp6 && key_i.sport == 16'd128) type_back = 16'd129;
    if (key_i.proto == ProtoIcmp6 && key_i.sport == 16'd129) type_back = 16'd128;

    whole = key_i;
    if (mirror_i) begin
      whole.src    = port_i;
      whole.da     = key_i.sa;
      whole.sa     = key_i.da;
      whole.ip_src = key_i.ip_dst;
      whole.ip_dst = key_i.ip_src;
      whole.sport  = is_icmp ? type_back : key_i.dport;
      whole.dport  = is_icmp ? key_i.dport : key_i.sport;
    end
  end

  always_comb begin
    masked = whole;
    if (!mask_i[0]) masked.src = '0;
    if (!mask_i[1]) masked.da = '0;
    if (!mask_i[2]) masked.sa = '0;
    if (!mask_i[3]) masked.ethertype = '0;
    if (!mask_i[4]) masked.ip_src = '0;
    if (!mask_i[5]) masked.ip_dst = '0;
    if (!mask_i[6]) masked.proto = '0;
    if (!mask_i[7]) masked.sport = '0;
    if (!mask_i[8]) masked.dport = '0;
    if (mask_i[5:3] == '0) masked.is_v6 = 1'b0;
  end
  assign key_o = masked[FlowKeyW-1:0];

  logic unused_bit;
  assign unused_bit = masked.unkeyable;
endmodule
