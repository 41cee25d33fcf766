// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// One five-tuple filter: what it asks for, and whether a key has it. Latency 2 from the key, one
// key per clock.
//
// Words (docs/src/architecture/virtio.md): 0 to 3 source address, 4 to 7 destination address, 8
// ports, 9 what is compared, 10 queue, VF, priority, enable. Writing any word disables the filter;
// word 10 enables it if all that it says and word 9 said makes sense. Words change only while no
// key is under way.

`include "hp_assert.svh"

module hp_rx_filter
  import hp_pkg::*, hp_vio_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        cfg_we_i,
  input  logic [3:0]  cfg_word_i,
  input  logic [31:0] cfg_wdata_i,
  output logic        enable_o,

  input  logic        valid_i,
  input  port_t       vf_i,
  input  flow_key_t   key_i,
  input  logic        ip_i,         // the key has addresses
  input  logic        ports_i,      // and ports
  output logic        match_o,
  output logic [2:0]  prio_o,
  output qp_t         queue_o
);
  // Of an address as a number, the bits that a prefix covers. IPv4 has only the low 32.
  function automatic logic [127:0] prefix_mask(input logic [7:0] prefix, input logic v4);
    logic [127:0] mask;
    for (int unsigned b = 0; b < 128; b++) begin
      mask[b] = (v4 ? (b < 32 ? 31 - b : 255) : 127 - b) < 32'(prefix);
    end
    return mask;
  endfunction

  logic [3:0][31:0] src_q, dst_q, src_mask_q, dst_mask_q;
  logic [15:0]      sport_q, dport_q;
  logic [7:0]       proto_q;
  logic             by_proto_q, by_sport_q, by_dport_q, v4_q, v6_q;
  logic             sound_q;      // word 9 makes sense
  port_t            vf_q;

  // Word 9.
  logic [7:0] src_prefix, dst_prefix, longest;
  logic       v4, v6, sound;
  assign src_prefix = cfg_wdata_i[7:0];
  assign dst_prefix = cfg_wdata_i[15:8];
  assign v4         = cfg_wdata_i[28];
  assign v6         = cfg_wdata_i[29];
  assign longest    = (v4 && v6) ? 8'd0 : v4 ? 8'd32 : 8'd128;
  assign sound      = (v4 || v6) && src_prefix <= longest && dst_prefix <= longest;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      enable_o <= 1'b0;
      sound_q  <= 1'b0;
    end else if (cfg_we_i) begin
      enable_o <= cfg_word_i == 4'd10 && cfg_wdata_i[31] && sound_q &&
                  32'(cfg_wdata_i[6:0]) < N_QP && 32'(cfg_wdata_i[14:8]) < N_VF;
      if (cfg_word_i == 4'd9) sound_q <= sound;
    end
  end

  always_ff @(posedge clk_i) begin
    if (cfg_we_i) begin
      unique case (cfg_word_i) inside
        [4'd0:4'd3]: src_q[cfg_word_i[1:0]] <= cfg_wdata_i;
        [4'd4:4'd7]: dst_q[cfg_word_i[1:0]] <= cfg_wdata_i;
        4'd8: {dport_q, sport_q} <= cfg_wdata_i;
        4'd9: begin
          src_mask_q <= prefix_mask(src_prefix, v4);
          dst_mask_q <= prefix_mask(dst_prefix, v4);
          proto_q    <= cfg_wdata_i[23:16];
          {by_dport_q, by_sport_q, by_proto_q} <= cfg_wdata_i[26:24];
          {v6_q, v4_q} <= {v6, v4};
        end
        4'd10: begin
          queue_o <= cfg_wdata_i[6:0];
          vf_q    <= cfg_wdata_i[14:8];
          prio_o  <= cfg_wdata_i[18:16];
        end
        default: ;
      endcase
    end
  end

  // Comparison: words of addresses and the rest, then all of it.
  logic [3:0][31:0] src, dst;
  logic [3:0]       src_ok_q, dst_ok_q;
  logic             proto_ok_q, sport_ok_q, dport_ok_q, here_q, valid_q;
  assign src = key_i.ip_src;
  assign dst = key_i.ip_dst;

  always_ff @(posedge clk_i) begin
    valid_q <= valid_i && enable_o;
    if (valid_i && enable_o) begin
      for (int unsigned w = 0; w < 4; w++) begin
        src_ok_q[w] <= ((src[w] ^ src_q[w]) & src_mask_q[w]) == '0;
        dst_ok_q[w] <= ((dst[w] ^ dst_q[w]) & dst_mask_q[w]) == '0;
      end
      proto_ok_q <= !by_proto_q || (!key_i.unkeyable && key_i.proto == proto_q);
      sport_ok_q <= !by_sport_q || (ports_i && key_i.sport == sport_q);
      dport_ok_q <= !by_dport_q || (ports_i && key_i.dport == dport_q);
      here_q     <= ip_i && vf_i == vf_q && (key_i.is_v6 ? v6_q : v4_q);
    end
    match_o <= valid_q && here_q && (&src_ok_q) && (&dst_ok_q) && proto_ok_q && sport_ok_q &&
               dport_ok_q;
  end

  logic unused_bits;
  assign unused_bits = ^{cfg_wdata_i, key_i};
endmodule
