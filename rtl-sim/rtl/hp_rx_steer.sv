// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Receive queue selection: on the way from the NIC's host stream to the rings, every frame gets the
// queue pair it goes to (`m_qp_o`, valid from its first beat on). Docs:
// docs/src/architecture/virtio.md, "Receive steering".
//
// For the frame's VF the first of these that names a queue in use: EtherType filters, the priority
// of its outer tag, five-tuple filters, Toeplitz hash and indirection table; else its queue 0. "In
// use" is what `vf_pairs_i` says while the frame's header passes.
//
// On the way, frames of VLANs that their guest does not take are dropped (hp_rx_vlans), a beat per clock
// and told, and it is said what of a frame its checksum is about (hp_rx_l4).
//
// Beats wait in a FIFO until their frame's header has come through a pipeline that never stalls.
// Latency: 15 clocks from the beat that completes the header (the frame's last, or the one that
// holds byte 95). Throughput: a beat per clock, also of frames that have one beat; an access to the
// configuration holds the input for up to 20 clocks. Backpressure: `rx_tready_o` comes from
// registers.
//
// Stages: 1 header, 4 key, 5 VLAN priority and hash input, 6 EtherType, 11 five-tuple and hash, 12
// choice.

`include "hp_assert.svh"

module hp_rx_steer
  import hp_pkg::*, hp_vio_pkg::*, hp_soc_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  parameter int unsigned N_FILTER = 32,
  parameter int unsigned N_ETHERTYPE = 8,
  localparam int unsigned Bytes = DATA_W / 8,
  localparam int unsigned VfW = (N_VF > 1) ? $clog2(N_VF) : 1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Configuration: req for one clock, ack later.
  input  logic                 cfg_req_i,
  input  logic                 cfg_we_i,
  input  logic [13:0]          cfg_addr_i,     // byte offset from 0x9000 of the PF BAR
  input  logic [31:0]          cfg_wdata_i,
  output logic                 cfg_ack_o,
  output logic [31:0]          cfg_rdata_o,

  input  vf_pairs_t [N_VF-1:0] vf_pairs_i,

  // VLANs: which guests filter, resets of VFs, a change.
  input  logic [N_VF-1:0]      vlan_filter_i,
  input  logic [N_VF-1:0]      vf_reset_i,
  input  vlan_op_t             vlan_op_i,
  input  logic [VfW-1:0]       vlan_op_v_i,
  input  vlan_t                vlan_op_vid_i,
  output logic                 vlan_busy_o,
  output logic                 filtered_valid_o,
  output port_t                filtered_vport_o,

  input  logic                 rx_tvalid_i,
  output logic                 rx_tready_o,
  input  logic [DATA_W-1:0]    rx_tdata_i,
  input  logic [Bytes-1:0]     rx_tkeep_i,
  input  logic                 rx_tlast_i,
  input  port_t                rx_tdest_i,     // vPort
  input  len_t                 rx_len_i,       // of the whole frame, from its first beat on

  output logic                 m_tvalid_o,
  input  logic                 m_tready_i,
  output logic [DATA_W-1:0]    m_tdata_o,
  output logic [Bytes-1:0]     m_tkeep_o,
  output logic                 m_tlast_o,
  output port_t                m_tdest_o,
  output len_t                 m_len_o,
  output qp_t                  m_qp_o,
  output l4_sum_t              m_sum_o,
  output logic                 idle_o
);
  localparam int unsigned FltW  = (N_FILTER > 1) ? $clog2(N_FILTER) : 1;
  localparam int unsigned EthW  = (N_ETHERTYPE > 1) ? $clog2(N_ETHERTYPE) : 1;
  localparam int unsigned Depth = 32;          // beats: the pipeline's length and six of a header
  localparam int unsigned Last  = 12;

  // Beats.
  typedef struct packed {
    logic [DATA_W-1:0] data;
    logic [Bytes-1:0]  keep;
    logic              last;
    port_t             dest;
    len_t              len;
  } beat_t;

  beat_t beat_in, beat_out;
  logic  take, pop, full, beat_valid, qp_valid, hold, drop;

  assign rx_tready_o = !full && !hold;
  assign take        = rx_tvalid_i && rx_tready_o;
  assign beat_in     = '{
    data: rx_tdata_i, keep: rx_tkeep_i, last: rx_tlast_i, dest: rx_tdest_i, len: rx_len_i
  };
  assign m_tvalid_o  = beat_valid && qp_valid && !drop;
  assign pop         = beat_valid && qp_valid && (drop || m_tready_i);
  assign m_tdata_o   = beat_out.data;
  assign m_tkeep_o   = beat_out.keep;
  assign m_tlast_o   = beat_out.last;
  assign m_tdest_o   = beat_out.dest;
  assign m_len_o     = beat_out.len;

  assign filtered_valid_o = pop && drop && beat_out.last;
  assign filtered_vport_o = beat_out.dest;

  logic [$clog2(Depth+1)-1:0] unused_beats, unused_qps, unused_heads;
  logic [1:0]                 unused_full;
  logic                       unused_valid;

  hp_fifo #(.WIDTH($bits(beat_t)), .DEPTH(Depth)) u_beats (
    .clk_i,
    .rst_ni,
    .push_i (take),
    .data_i (beat_in),
    .full_o (full),
    .pop_i  (pop),
    .valid_o(beat_valid),
    .data_o (beat_out),
    .count_o(unused_beats)
  );

  // Header: tags and window at stage 1, key at stage 4.
  logic         early, valid_1;
  logic [767:0] win_1;
  len_t         len_1;
  port_t        dest_1;
  logic [1:0]   tags_1;
  logic [2:0]   pcp_1;
  logic [15:0]  tpid;
  flow_key_t    key_4;
  logic         ip_4, ports_4;

  hp_rx_window #(.DATA_W(DATA_W)) u_window (
    .clk_i,
    .rst_ni,
    .beat_i (take),
    .data_i (rx_tdata_i),
    .last_i (rx_tlast_i),
    .dest_i (rx_tdest_i),
    .len_i  (rx_len_i),
    .tpid_i (tpid),
    .early_o(early),
    .valid_o(valid_1),
    .win_o  (win_1),
    .len_o  (len_1),
    .dest_o (dest_1),
    .tags_o (tags_1),
    .pcp_o  (pcp_1)
  );

  hp_key_parse #(.KEEP_IP(1'b1)) u_key (
    .clk_i,
    .win_i  (win_1),
    .len_i  (len_1),
    .src_i  (dest_1),
    .vvlan_i('0),
    .tags_i (tags_1),
    .key_o  (key_4),
    .ip_o   (ip_4)
  );
  assign ports_4 = key_4.proto inside {8'd6, 8'd17, 8'd132};   // zero in an unkeyable frame

  // Beside the key.
  logic [Last:2]       valid_q;
  logic [4:2][VfW-1:0] vf_q;
  logic [4:2]          tagged_q;
  logic [4:2][2:0]     pcp_q;
  vf_pairs_t           pairs_5_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[Last-1:2], valid_1};
    vf_q      <= {vf_q[3:2], dest_1[VfW-1:0]};
    tagged_q  <= {tagged_q[3:2], tags_1 != 2'd0};
    pcp_q     <= {pcp_q[3:2], pcp_1};
    pairs_5_q <= vf_pairs_i[vf_q[4]];
  end

  // VLAN and checksum at stage 4.
  logic    drop_4;
  vlan_t   vid_1;
  l4_sum_t sum_4;

  assign vid_1 = {win_1[8*14 +: 4], win_1[8*15 +: 8]};

  hp_rx_vlans #(.N_VF(N_VF)) u_vlans (
    .clk_i,
    .rst_ni,
    .filter_i(vlan_filter_i),
    .reset_i (vf_reset_i),
    .op_i    (vlan_op_i),
    .op_v_i  (vlan_op_v_i),
    .op_vid_i(vlan_op_vid_i),
    .busy_o  (vlan_busy_o),
    .valid_i (valid_1),
    .v_i     (dest_1[VfW-1:0]),
    .tagged_i(win_1[8*12 +: 16] == 16'h0081),
    .vid_i   (vid_1),
    .drop_o  (drop_4)
  );

  hp_rx_l4 u_l4 (
    .clk_i,
    .win_i (win_1),
    .len_i (len_1),
    .tags_i(tags_1),
    .sum_o (sum_4)
  );

  hp_fifo #(.WIDTH(1 + $bits(l4_sum_t)), .DEPTH(Depth)) u_heads (
    .clk_i,
    .rst_ni,
    .push_i (valid_q[4]),
    .data_i ({drop_4, sum_4}),
    .full_o (unused_full[1]),
    .pop_i  (pop && beat_out.last),
    .valid_o(unused_valid),                    // it is there when the queue is
    .data_o ({drop, m_sum_o}),
    .count_o(unused_heads)
  );

  // Configuration.
  logic            cfg_we, eth_req, flt_req, vf_req;
  logic [31:0]     cfg_wdata, eth_rdata, flt_rdata, vf_rdata;
  logic [EthW-1:0] eth_idx;
  logic [FltW-1:0] flt_idx;
  logic [3:0]      flt_word;
  logic [VfW-1:0]  vf_idx;
  logic [5:0]      vf_word;

  hp_rx_cfg #(.N_VF(N_VF), .N_FILTER(N_FILTER), .N_ETHERTYPE(N_ETHERTYPE)) u_cfg (
    .clk_i,
    .rst_ni,
    .cfg_req_i,
    .cfg_we_i,
    .cfg_addr_i,
    .cfg_wdata_i,
    .cfg_ack_o,
    .cfg_rdata_o,
    .hold_o     (hold),
    .busy_i     (early || valid_1 || (|valid_q)),
    .we_o       (cfg_we),
    .wdata_o    (cfg_wdata),
    .eth_req_o  (eth_req),
    .eth_idx_o  (eth_idx),
    .eth_rdata_i(eth_rdata),
    .flt_req_o  (flt_req),
    .flt_idx_o  (flt_idx),
    .flt_word_o (flt_word),
    .flt_rdata_i(flt_rdata),
    .vf_req_o   (vf_req),
    .vf_idx_o   (vf_idx),
    .vf_word_o  (vf_word),
    .vf_rdata_i (vf_rdata),
    .tpid_o     (tpid)
  );

  // Four opinions.
  typedef struct packed {
    logic hit;
    qp_t  qp;
  } pick_t;

  pick_t eth_6, pcp_5, flt_11, rss_11, eth_11, pcp_11;
  vf_pairs_t pairs_11;

  hp_rx_ethertype #(.N_VF(N_VF), .N_QP(N_QP), .N_ETHERTYPE(N_ETHERTYPE)) u_ethertype (
    .clk_i,
    .rst_ni,
    .cfg_we_i   (eth_req && cfg_we),
    .cfg_idx_i  (eth_idx),
    .cfg_wdata_i(cfg_wdata),
    .cfg_rdata_o(eth_rdata),
    .valid_i    (valid_q[4]),
    .vf_i       (key_4.src),
    .ethertype_i(key_4.ethertype),
    .hit_o      (eth_6.hit),
    .queue_o    (eth_6.qp)
  );

  hp_rx_filters #(.N_VF(N_VF), .N_QP(N_QP), .N_FILTER(N_FILTER)) u_filters (
    .clk_i,
    .rst_ni,
    .cfg_req_i  (flt_req),
    .cfg_we_i   (cfg_we),
    .cfg_idx_i  (flt_idx),
    .cfg_word_i (flt_word),
    .cfg_wdata_i(cfg_wdata),
    .cfg_rdata_o(flt_rdata),
    .valid_i    (valid_q[4]),
    .vf_i       (key_4.src),
    .key_i      (key_4),
    .ip_i       (ip_4),
    .ports_i    (ports_4),
    .hit_o      (flt_11.hit),
    .queue_o    (flt_11.qp)
  );

  hp_rx_rss #(.N_VF(N_VF), .N_QP(N_QP)) u_rss (
    .clk_i,
    .rst_ni,
    .cfg_req_i  (vf_req),
    .cfg_we_i   (cfg_we),
    .cfg_vf_i   (vf_idx),
    .cfg_word_i (vf_word),
    .cfg_wdata_i(cfg_wdata),
    .cfg_rdata_o(vf_rdata),
    .valid_m2_i (valid_q[2]),
    .vf_m2_i    (vf_q[2]),
    .valid_i    (valid_q[4]),
    .vf_i       (vf_q[4]),
    .key_i      (key_4),
    .ip_i       (ip_4),
    .tagged_i   (tagged_q[4]),
    .pcp_i      (pcp_q[4]),
    .count_p1_i (pairs_5_q.count),
    .pcp_hit_o  (pcp_5.hit),
    .pcp_queue_o(pcp_5.qp),
    .rss_hit_o  (rss_11.hit),
    .rss_queue_o(rss_11.qp)
  );

  hp_delay #(.WIDTH($bits(pick_t)), .CYCLES(5)) u_wait_eth (
    .clk_i, .rst_ni, .d_i(eth_6), .q_o(eth_11)
  );
  hp_delay #(.WIDTH($bits(pick_t) + $bits(vf_pairs_t)), .CYCLES(6)) u_wait_pcp (
    .clk_i, .rst_ni, .d_i({pcp_5, pairs_5_q}), .q_o({pcp_11, pairs_11})
  );

  // The choice.
  pick_t [3:0] order;
  qp_t         qp, qp_12_q;
  assign order = {eth_11, pcp_11, flt_11, rss_11};
  always_comb begin
    qp = '0;
    for (int unsigned i = 0; i < 4; i++) begin   // the last one that is sure of itself
      if (order[i].hit && order[i].qp < pairs_11.count) qp = order[i].qp;
    end
  end
  always_ff @(posedge clk_i) qp_12_q <= pairs_11.base + qp;

  hp_fifo #(.WIDTH($bits(qp_t)), .DEPTH(Depth)) u_qps (
    .clk_i,
    .rst_ni,
    .push_i (valid_q[Last]),
    .data_i (qp_12_q),
    .full_o (unused_full[0]),
    .pop_i  (pop && beat_out.last),
    .valid_o(qp_valid),
    .data_o (m_qp_o),
    .count_o(unused_qps)
  );

  assign idle_o = !rx_tvalid_i && !beat_valid && !early && !valid_1 && valid_q == '0 && !vlan_busy_o;

  logic unused_bits;
  assign unused_bits = ^{unused_beats, unused_qps, unused_heads, unused_full, unused_valid};

  `HP_ASSERT_INIT(Vf_A, N_VF >= 1 && N_VF <= MaxVf)
  `HP_ASSERT(Dest_A, !rx_tvalid_i || 32'(rx_tdest_i) < N_VF)
endmodule
