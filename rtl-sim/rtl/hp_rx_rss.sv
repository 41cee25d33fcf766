// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What a VF's own rows say of a frame: the queue of its VLAN priority, and the one of its Toeplitz
// hash. Latency: the VF two clocks before the key (`vf_m2_i`, then `vf_i`), `pcp_*` 1 clock behind
// the key, `rss_*` 7; one key per clock.
//
// Words of a VF (docs/src/architecture/virtio.md): 0 to 9 key, 10 and 11 queues of the priorities,
// 12 control, 32 to 63 indirection table. A VF without `enable` has the default: the key that
// Microsoft publishes, all hash types, and entry i modulo the pairs in use. Accesses come only
// while no key is under way; `cfg_rdata_o` has latency 3.

`include "hp_assert.svh"

module hp_rx_rss
  import hp_pkg::*, hp_vio_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  localparam int unsigned VfW = (N_VF > 1) ? $clog2(N_VF) : 1
) (
  input  logic           clk_i,
  input  logic           rst_ni,

  input  logic           cfg_req_i,      // for one clock
  input  logic           cfg_we_i,
  input  logic [VfW-1:0] cfg_vf_i,       // stays, as the next two
  input  logic [5:0]     cfg_word_i,
  input  logic [31:0]    cfg_wdata_i,
  output logic [31:0]    cfg_rdata_o,

  input  logic           valid_m2_i,
  input  logic [VfW-1:0] vf_m2_i,
  input  logic           valid_i,
  input  logic [VfW-1:0] vf_i,
  input  flow_key_t      key_i,
  input  logic           ip_i,           // the key has addresses
  input  logic           tagged_i,
  input  logic [2:0]     pcp_i,
  input  qp_t            count_p1_i,     // pairs in use, a clock behind the key
  output logic           pcp_hit_o,
  output qp_t            pcp_queue_o,
  output logic           rss_hit_o,
  output qp_t            rss_queue_o
);
  localparam int unsigned KeyWords = 10;
  localparam int unsigned Rows     = 13;   // words of a VF beside its table
  localparam logic [3:0]  PcpWord  = 4'd10;
  localparam logic [3:0]  CtlWord  = 4'd12;
  localparam logic [319:0] DefaultKey = {
    160'h6d5a56da_255b0ec2_4167253d_43a38fb0_d0ca2bcb,
    160'hae7b30b4_77cb2da3_8030f20c_6a42b73b_beac01fa
  };

  // Rows in RAM; a reset leaves them, so what must be off then is in registers: `enable`, and
  // whether the priorities' words were written since.
  logic [N_VF-1:0]       enable_q;
  logic [N_VF-1:0][1:0]  pcp_set_q;
  logic [Rows-1:0][31:0] row;
  logic                  cfg_row, cfg_tbl, row_re;
  logic [31:0]           row_wdata;

  assign cfg_row = cfg_req_i && !cfg_word_i[5];
  assign cfg_tbl = cfg_req_i && cfg_word_i[5];
  assign row_re  = valid_m2_i || (cfg_row && !cfg_we_i);

  always_comb begin
    row_wdata = cfg_wdata_i;
    if (cfg_word_i[3:0] == PcpWord || cfg_word_i[3:0] == PcpWord + 4'd1) begin
      for (int unsigned i = 0; i < 4; i++) begin
        row_wdata[8*i + 7] = cfg_wdata_i[8*i + 7] && 32'(cfg_wdata_i[8*i +: 7]) < N_QP;
      end
    end
  end

  for (genvar w = 0; w < Rows; w++) begin : gen_row
    hp_ram_1r1w #(.WIDTH(32), .DEPTH(N_VF)) u_row (
      .clk_i,
      .we_i   (cfg_row && cfg_we_i && 32'(cfg_word_i) == w),
      .waddr_i(cfg_vf_i),
      .wdata_i(row_wdata),
      .re_i   (row_re),
      .raddr_i(valid_m2_i ? vf_m2_i : cfg_vf_i),
      .rdata_o(row[w])
    );
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      enable_q  <= '0;
      pcp_set_q <= '0;
    end else if (cfg_row && cfg_we_i) begin
      if (32'(cfg_word_i) < KeyWords) enable_q[cfg_vf_i] <= 1'b0;
      if (cfg_word_i[3:0] == CtlWord && !cfg_word_i[4]) enable_q[cfg_vf_i] <= cfg_wdata_i[0];
      if (cfg_word_i[4:1] == PcpWord[3:0] >> 1) pcp_set_q[cfg_vf_i][cfg_word_i[0]] <= 1'b1;
    end
  end

  // The key arrives: what is hashed, and with what.
  logic         own, small_table, tcp, udp, with_ports, hashed;
  logic [5:0]   types;
  logic [319:0] own_key;
  logic [287:0] data;
  logic [31:0]  ports;

  assign own         = enable_q[vf_i];
  assign small_table = own && row[CtlWord][1];
  assign types       = own ? row[CtlWord][13:8] : '1;
  assign tcp         = !key_i.unkeyable && key_i.proto == 8'd6;
  assign udp         = !key_i.unkeyable && key_i.proto == 8'd17;

  always_comb begin
    for (int unsigned i = 0; i < 40; i++) own_key[319 - 8*i -: 8] = row[i/4][8*(i%4) +: 8];
    with_ports = (tcp && types[key_i.is_v6 ? 4 : 1]) || (udp && types[key_i.is_v6 ? 5 : 2]);
    hashed     = ip_i && (with_ports || types[key_i.is_v6 ? 3 : 0]);
    ports      = with_ports ? {key_i.sport, key_i.dport} : '0;
    data       = key_i.is_v6 ? {key_i.ip_src, key_i.ip_dst, ports}
                             : {key_i.ip_src[31:0], key_i.ip_dst[31:0], ports, 192'd0};
  end

  // Stages count from the key.
  logic [319:0]         key_1_q;
  logic [287:0]         data_1_q;
  logic [7:1]           valid_q, own_q, hashed_q;
  logic [3:1]           small_q;
  logic [3:1][VfW-1:0]  vf_q;
  qp_t                  count_2_q, count_3_q;
  logic [31:0]          hash_3;
  logic [6:0]           entry_3, mod_7;
  logic [5:4][1:0]      lane_q;
  logic [7:6][6:0]      tbl_q;
  logic [31:0]          tbl_5;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[6:1], valid_i};
    own_q    <= {own_q[6:1], own};
    hashed_q <= {hashed_q[6:1], hashed};
    small_q  <= {small_q[2:1], small_table};
    vf_q     <= {vf_q[2:1], vf_i};
    if (valid_i) begin
      key_1_q  <= own ? own_key : DefaultKey;
      data_1_q <= data;
    end
    count_2_q <= count_p1_i;
    count_3_q <= count_2_q;
  end

  hp_toeplitz #(.BITS(288)) u_hash (
    .clk_i, .valid_i(valid_q[1]), .key_i(key_1_q), .data_i(data_1_q), .hash_o(hash_3)
  );

  // The indirection table, four entries a word.
  assign entry_3   = {hash_3[6] && !small_q[3], hash_3[5:0]};
  hp_ram_1r1w #(.WIDTH(32), .DEPTH(32 << VfW)) u_table (
    .clk_i,
    .we_i   (cfg_tbl && cfg_we_i),
    .waddr_i({cfg_vf_i, cfg_word_i[4:0]}),
    .wdata_i(cfg_wdata_i & 32'h7F7F_7F7F),
    .re_i   (valid_q[3] || (cfg_tbl && !cfg_we_i)),
    .raddr_i(valid_q[3] ? {vf_q[3], entry_3[6:2]} : {cfg_vf_i, cfg_word_i[4:0]}),
    .rdata_o(tbl_5)
  );
  hp_rx_mod u_mod (.clk_i, .i_i(entry_3), .n_i(count_3_q), .rest_o(mod_7));

  always_ff @(posedge clk_i) begin
    lane_q <= {lane_q[4], entry_3[1:0]};
    tbl_q  <= {tbl_q[6], tbl_5[8*lane_q[5] +: 7]};
  end
  assign rss_hit_o   = valid_q[7] && hashed_q[7];
  assign rss_queue_o = own_q[7] ? tbl_q[7] : mod_7;

  // The tag's priority.
  logic [7:0][7:0] pcp_row;
  assign pcp_row = row[PcpWord+1:PcpWord];
  always_ff @(posedge clk_i) begin
    pcp_hit_o   <= tagged_i && pcp_set_q[vf_i][pcp_i[2]] && pcp_row[pcp_i][7];
    pcp_queue_o <= pcp_row[pcp_i][6:0];
  end

  // Reading back.
  always_ff @(posedge clk_i) begin
    cfg_rdata_o <= '0;
    if (cfg_word_i[5]) cfg_rdata_o <= tbl_5;
    else if (32'(cfg_word_i) < KeyWords) cfg_rdata_o <= row[cfg_word_i[3:0]];
    else if (cfg_word_i[4:1] == PcpWord >> 1) begin
      cfg_rdata_o <= pcp_set_q[cfg_vf_i][cfg_word_i[0]] ? row[cfg_word_i[3:0]] : '0;
    end else if (cfg_word_i[4:0] == 5'(CtlWord)) begin
      cfg_rdata_o <= {18'd0, row[CtlWord][13:8], 6'd0, row[CtlWord][1], enable_q[cfg_vf_i]};
    end
  end

  logic unused_bits;
  assign unused_bits = ^{key_i, hash_3};

  `HP_ASSERT(Alone_A, !cfg_req_i || !(valid_m2_i || valid_i || (|valid_q)))
endmodule
