// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The ring side of hp_virtio: split virtqueues of every VF on one AXI4 master.
//
//   bells -> fetch (per direction) -> grant -> ask for payload -> frames -> checksum -> NIC
//                              \                                         \--------------+-> used
//                               \--> frames from the NIC into buffers -----------------+
//
// docs/src/architecture/virtio.md says what its ports promise; each block's header says when it
// waits. Nothing here waits for a ring: reads find room for their answers before they are asked
// for, and what a queue has fetched lies in places of its own. FIRST_IDX (other than 0 for tests
// only) is the index queues begin at.

`include "hp_assert.svh"

module hp_vq import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*, hp_soc_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF   = 8,
  parameter int unsigned N_QP   = 32,
  parameter logic [15:0] FIRST_IDX = 16'd0,
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic                  qcmd_valid_i,
  output logic                  qcmd_ready_o,
  input  vq_cmd_t               qcmd_i,
  input  logic                  bell_valid_i,
  input  qid_t                  bell_q_i,
  input  logic [N_VF-1:0]       vf_live_i,
  input  vf_pairs_t [N_VF-1:0]  vf_pairs_i,
  input  logic [N_VF-1:0]       vf_reset_i,
  input  logic [N_VF-1:0]       vlan_filter_i,
  input  logic                  steer_req_i,     // its configuration: hp_rx_steer
  input  logic                  steer_we_i,
  input  logic [11:0]           steer_addr_i,
  input  logic [31:0]           steer_wdata_i,
  output logic                  steer_ack_o,
  output logic [31:0]           steer_rdata_o,
  output logic                  qerr_valid_o,
  output qid_t                  qerr_q_o,
  output logic [7:0]            qerr_code_o,
  output logic                  irq_valid_o,
  input  logic                  irq_ready_i,
  output qid_t                  irq_q_o,
  input  logic                  msg_valid_i,
  output logic                  msg_ready_o,
  input  msg_t                  msg_i,
  output logic                  nobuf_valid_o,
  output port_t                 nobuf_vport_o,
  output logic                  refused_valid_o,
  output port_t                 refused_vport_o,
  output logic                  filtered_valid_o,
  output port_t                 filtered_vport_o,

  input  qp_t [N_VF-1:0]        vf_pool_i,
  output guest_to_core_t        guest_o,
  input  core_to_guest_t        guest_i,
  output logic                  pairs_set_o,
  output port_t                 pairs_vport_o,
  output qp_t                   pairs_o,
  output logic                  announced_o,

  output logic [N_VF-1:0]       host_req_o,
  input  logic                  host_grant_valid_i,
  output logic                  host_grant_ready_o,
  input  port_t                 host_grant_vport_i,
  output logic                  tx_tvalid_o,
  input  logic                  tx_tready_i,
  output logic [DATA_W-1:0]     tx_tdata_o,
  output logic [Bytes-1:0]      tx_tkeep_o,
  output logic                  tx_tlast_o,
  output logic                  tx_tuser_o,
  output port_t                 tx_tdest_o,
  output logic [N_VF-1:0]       host_rx_ready_o,
  input  logic                  rx_tvalid_i,
  output logic                  rx_tready_o,
  input  logic [DATA_W-1:0]     rx_tdata_i,
  input  logic [Bytes-1:0]      rx_tkeep_i,
  input  logic                  rx_tlast_i,
  input  port_t                 rx_tdest_i,
  input  len_t                  rx_len_i,

  output logic                  m_axi_awvalid_o,
  input  logic                  m_axi_awready_i,
  output logic [63:0]           m_axi_awaddr_o,
  output logic [7:0]            m_axi_awlen_o,
  output dma_user_t             m_axi_awuser_o,
  output logic                  m_axi_wvalid_o,
  input  logic                  m_axi_wready_i,
  output logic [DATA_W-1:0]     m_axi_wdata_o,
  output logic [Bytes-1:0]      m_axi_wstrb_o,
  output logic                  m_axi_wlast_o,
  input  logic                  m_axi_bvalid_i,
  output logic                  m_axi_bready_o,
  input  logic [1:0]            m_axi_bresp_i,
  output logic                  m_axi_arvalid_o,
  input  logic                  m_axi_arready_i,
  output logic [63:0]           m_axi_araddr_o,
  output logic [7:0]            m_axi_arlen_o,
  output dma_user_t             m_axi_aruser_o,
  input  logic                  m_axi_rvalid_i,
  output logic                  m_axi_rready_o,
  input  logic [DATA_W-1:0]     m_axi_rdata_i,
  input  logic [1:0]            m_axi_rresp_i,
  input  logic                  m_axi_rlast_i,

  output logic                  idle_o
);
  localparam int unsigned Segs = 64;           // descriptors kept per queue
  localparam int unsigned Beats = 256;         // of payload under way
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1;
  localparam int unsigned VW = (N_VF > 1) ? $clog2(N_VF) : 1;
  localparam int unsigned EW = $clog2(Segs);
  localparam int unsigned OffW = $clog2(Bytes);

  // Users: words 0 receive fetch, 1 transmit fetch, 2 looks, 3 control; writes 0 used, 1, 2 avail_event, 3 messages,
  // 4 control.
  localparam int unsigned Words = 4;
  localparam int unsigned Smalls = 5;
  // Errors: 0, 1 fetch, 2 payload, 3 looks, 4 writes.
  localparam int unsigned Errs = 5;

  logic [1:0][N_QP-1:0]         ok;
  logic [1:0][N_QP-1:0][VW-1:0] vf;
  logic [N_QP-1:0]              mrg;
  logic [1:0][N_QP-1:0]         csum;
  logic [1:0][N_QP-1:0]         settled;
  logic [1:0]                   enable_valid, enable_ready, marker_valid, marker_ready;
  logic [QW-1:0]                marker_q;
  logic                         marker_done;
  logic [Errs-1:0]              err_valid, err_ready;
  qid_t [Errs-1:0]              err_q;
  logic [Errs-1:0][7:0]         err_code;
  logic [2*N_QP-1:0]            ok_both;

  logic [Words-1:0]             word_ask, word_taken, word_valid;
  word_read_t [Words-1:0]       word_read;
  logic [127:0]                 word_data;
  logic                         word_err;
  logic                         data_ask, data_taken, beat_valid, beat_err;
  data_read_t                   data_read;
  logic [DATA_W-1:0]            beat_data;

  logic [Smalls-1:0]            small_valid, small_ready;
  wr_job_t [Smalls-1:0]         smalls;
  logic [DATA_W-1:0]            used_data;
  logic                         frame_valid, frame_ready, win_take;
  wr_job_t                      frame;
  logic [OffW+1:0]              win_have;
  logic [OffW-1:0]              win_pos;
  logic [OffW:0]                win_bytes;
  logic [DATA_W-1:0]            win_data;
  logic                         ans_valid, ans_ready, ans_err, ans;
  wr_tag_t                      ans_tag;

  logic [1:0]                   chain_valid, revoke_valid, revoke_ready, free_valid, free_ready;
  logic [1:0][QW-1:0]           chain_q, revoke_q, free_q, fetch_err_q;
  logic [1:0][N_QP-1:0][2:0]    plog;
  logic [1:0][EW:0]             revoke_count;
  logic [1:0]                   chain_re, seg_re, refused_some, refused_taken, fetch_idle;
  logic [1:0][QW+EW-1:0]        chain_addr, seg_addr;
  chain_t [1:0]                 chain;
  seg_t [1:0]                   seg;
  logic [1:0][QW-1:0]           refused_q;
  logic [1:0][7:0]              refused_head;

  // Chains that are done: 0 received, 1 sent, 2 refused.
  logic [2:0]                   done_valid, done_ready;
  done_t [2:0]                  done;

  logic                         bound_valid, bound_pop, bound_marker;
  logic [QW-1:0]                bound_q;
  logic [EW-1:0]                bound_slot;
  logic                         piece_valid, piece_pop, fifo_valid, fifo_pop, fifo_err, fifo_full;
  piece_t                       piece;
  logic [DATA_W-1:0]            fifo_data;
  logic [$clog2(Beats):0]       fifo_level;
  logic                         td_tvalid, td_tready, td_tlast, td_tuser, td_hdr;
  logic [DATA_W-1:0]            td_tdata;
  logic [Bytes-1:0]             td_tkeep;
  port_t                        td_tdest, csum_vport;
  bytes_t                       td_len;
  logic                         csum_refused, idle_csum, skip;
  logic                         st_tvalid, st_tready, st_tlast, idle_steer;
  logic [DATA_W-1:0]            st_tdata;
  logic [Bytes-1:0]             st_tkeep;
  port_t                        st_tdest;
  len_t                         st_len;
  qp_t                          st_qp;
  l4_sum_t                      st_sum;
  logic                         rc_tvalid, rc_tready, rc_tlast, rc_good, idle_rx_csum;
  logic [DATA_W-1:0]            rc_tdata;
  port_t                        rc_tdest;
  len_t                         rc_len;
  qp_t                          rc_qp;
  vlan_op_t                     vlan_op;
  vlan_t                        vlan_vid;
  logic                         vlan_busy;
  guest_to_core_t               guest;
  logic                         to_ctrl, ctrl_ready, rings_ready, rings_err, ctrl_err, ctrl_irq, ring_irq;
  logic                         irq_lock_q, irq_ctrl_q, irq_ctrl, idle_ctrl;
  logic [VW-1:0]                ctrl_err_v, ctrl_irq_v, pairs_v;
  logic [7:0]                   rings_err_code, ctrl_err_code;
  qid_t                         rings_err_q, ring_irq_q;
  logic                         idle_cmd, idle_rd, idle_wr, idle_grant, idle_req, idle_data, idle_rx,
                                idle_used;

  // ---- commands, errors ----

  hp_vq_cmd #(.N_VF(N_VF), .N_QP(N_QP), .N_ERR(Errs)) u_cmd (
    .clk_i, .rst_ni, .qcmd_valid_i(qcmd_valid_i && !to_ctrl), .qcmd_ready_o(rings_ready),
    .qcmd_i, .vf_live_i,
    .ok_o(ok), .vf_o(vf), .mrg_o(mrg), .csum_o(csum), .settled_i(settled),
    .enable_valid_o(enable_valid), .enable_ready_i(enable_ready),
    .marker_valid_o(marker_valid), .marker_ready_i(marker_ready), .marker_q_o(marker_q),
    .marker_done_i(marker_done),
    .err_valid_i(err_valid), .err_ready_o(err_ready), .err_q_i(err_q), .err_code_i(err_code),
    .qerr_valid_o(rings_err), .qerr_q_o(rings_err_q), .qerr_code_o(rings_err_code),
    .idle_o(idle_cmd)
  );

  assign to_ctrl      = 32'(qcmd_i.q) >= CtrlBase;
  assign qcmd_ready_o = to_ctrl ? ctrl_ready : rings_ready;
  assign qerr_valid_o = rings_err || ctrl_err;
  assign qerr_q_o     = rings_err ? rings_err_q : qid_t'(CtrlBase) + qid_t'(ctrl_err_v);
  assign qerr_code_o  = rings_err ? rings_err_code : ctrl_err_code;

  always_comb begin
    for (int unsigned i = 0; i < N_QP; i++) ok_both[2*i+:2] = {ok[1][i], ok[0][i]};
  end

  // ---- host memory ----

  hp_dma_rd #(.DATA_W(DATA_W), .N_WORD(Words)) u_rd (
    .clk_i, .rst_ni,
    .word_valid_i(word_ask), .word_ready_o(word_taken), .word_i(word_read),
    .word_valid_o(word_valid), .word_data_o(word_data), .word_err_o(word_err),
    .data_valid_i(data_ask), .data_ready_o(data_taken), .data_i(data_read),
    .beat_valid_o(beat_valid), .beat_data_o(beat_data), .beat_err_o(beat_err),
    .m_axi_arvalid_o, .m_axi_arready_i, .m_axi_araddr_o, .m_axi_arlen_o, .m_axi_aruser_o,
    .m_axi_rvalid_i, .m_axi_rready_o, .m_axi_rdata_i, .m_axi_rresp_i, .m_axi_rlast_i,
    .idle_o(idle_rd)
  );

  hp_dma_wr #(.DATA_W(DATA_W), .N_SMALL(Smalls)) u_wr (
    .clk_i, .rst_ni,
    .small_valid_i(small_valid), .small_ready_o(small_ready), .small_i(smalls),
    .small_data_i(used_data),
    .frame_valid_i(frame_valid), .frame_ready_o(frame_ready), .frame_i(frame),
    .win_have_i(win_have), .win_pos_i(win_pos), .win_data_i(win_data),
    .win_take_o(win_take), .win_bytes_o(win_bytes),
    .ans_valid_o(ans_valid), .ans_ready_i(ans_ready), .ans_tag_o(ans_tag), .ans_err_o(ans_err),
    .m_axi_awvalid_o, .m_axi_awready_i, .m_axi_awaddr_o, .m_axi_awlen_o, .m_axi_awuser_o,
    .m_axi_wvalid_o, .m_axi_wready_i, .m_axi_wdata_o, .m_axi_wstrb_o, .m_axi_wlast_o,
    .m_axi_bvalid_i, .m_axi_bready_o, .m_axi_bresp_i, .idle_o(idle_wr)
  );

  // A failed write of a queue is told before the answer counts.
  assign err_valid[4] = ans_valid && ans_err && !(ans_tag.kind inside {WrMsg, WrFence, WrCtrl});
  assign err_q[4]     = ans_tag.q;
  assign err_code[4]  = hp_abi_pkg::VQERR_WRITE;
  assign ans_ready    = !err_valid[4] || err_ready[4];
  assign ans          = ans_valid && ans_ready;

  always_comb begin
    smalls[3]      = '0;
    smalls[3].tag  = '{kind: WrMsg, default: '0};
    smalls[3].fn   = msg_i.fn;
    smalls[3].addr = msg_i.addr;
    smalls[3].len  = 14'd4;
    smalls[3].data = msg_i.data;
  end
  assign small_valid[3] = msg_valid_i;
  assign msg_ready_o    = small_ready[3];

  // ---- both directions' rings ----

  for (genvar d = 0; d < 2; d++) begin : gen_fetch
    hp_vq_fetch #(.TX(d == 1), .N_QP(N_QP), .SEGS(Segs), .FIRST_IDX(FIRST_IDX)) u_fetch (
      .clk_i, .rst_ni,
      .enable_valid_i(enable_valid[d]), .enable_ready_o(enable_ready[d]), .enable_i(qcmd_i),
      .ok_i(ok[d]), .settled_o(settled[d]),
      .bell_valid_i(bell_valid_i && 32'(bell_q_i) < 2 * N_QP && bell_q_i[0] == 1'(d)),
      .bell_q_i(bell_q_i[QW:1]),
      .read_valid_o(word_ask[d]), .read_ready_i(word_taken[d]), .read_o(word_read[d]),
      .word_valid_i(word_valid[d]), .word_data_i(word_data), .word_err_i(word_err),
      .event_valid_o(small_valid[1+d]), .event_ready_i(small_ready[1+d]), .event_o(smalls[1+d]),
      .event_ans_i(ans && ans_tag.kind == WrEvent && ans_tag.q[0] == 1'(d)),
      .event_ans_q_i(ans_tag.q[QW:1]),
      .chain_valid_o(chain_valid[d]), .chain_q_o(chain_q[d]), .plog_o(plog[d]),
      .revoke_valid_o(revoke_valid[d]), .revoke_ready_i(revoke_ready[d]),
      .revoke_q_o(revoke_q[d]), .revoke_count_i(revoke_count[d]),
      .free_valid_i(free_valid[d]), .free_ready_o(free_ready[d]), .free_q_i(free_q[d]),
      .chain_re_i(chain_re[d]), .chain_addr_i(chain_addr[d]), .chain_o(chain[d]),
      .seg_re_i(seg_re[d]), .seg_addr_i(seg_addr[d]), .seg_o(seg[d]),
      .refused_valid_o(refused_some[d]), .refused_ready_i(refused_taken[d]),
      .refused_q_o(refused_q[d]), .refused_head_o(refused_head[d]),
      .err_valid_o(err_valid[d]), .err_ready_i(err_ready[d]), .err_q_o(fetch_err_q[d]),
      .err_code_o(err_code[d]), .idle_o(fetch_idle[d])
    );
    assign err_q[d] = 8'({fetch_err_q[d], 1'(d)});
  end

  // ---- transmit ----

  hp_vq_grant #(.N_VF(N_VF), .N_QP(N_QP), .SEGS(Segs)) u_grant (
    .clk_i, .rst_ni, .vf_live_i, .vf_i(vf[1]), .plog_i(plog[1]),
    .chain_valid_i(chain_valid[1]), .chain_q_i(chain_q[1]),
    .skip_valid_i(skip), .skip_q_i(refused_q[1]),
    .revoke_valid_i(revoke_valid[1]), .revoke_ready_o(revoke_ready[1]),
    .revoke_q_i(revoke_q[1]), .revoke_count_o(revoke_count[1]),
    .marker_valid_i(marker_valid[1]), .marker_ready_o(marker_ready[1]), .marker_q_i(marker_q),
    .host_req_o, .host_grant_valid_i, .host_grant_ready_o, .host_grant_vport_i,
    .bound_valid_o(bound_valid), .bound_pop_i(bound_pop), .bound_marker_o(bound_marker),
    .bound_q_o(bound_q), .bound_slot_o(bound_slot), .idle_o(idle_grant)
  );

  hp_vq_tx_req #(.DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP), .SEGS(Segs), .BEATS(Beats)) u_tx_req (
    .clk_i, .rst_ni, .ok_i(ok[1]), .vf_i(vf[1]), .csum_i(csum[1]),
    .bound_valid_i(bound_valid), .bound_pop_o(bound_pop), .bound_marker_i(bound_marker),
    .bound_q_i(bound_q), .bound_slot_i(bound_slot),
    .chain_re_o(chain_re[1]), .chain_addr_o(chain_addr[1]), .chain_i(chain[1]),
    .seg_re_o(seg_re[1]), .seg_addr_o(seg_addr[1]), .seg_i(seg[1]),
    .free_valid_o(free_valid[1]), .free_ready_i(free_ready[1]), .free_q_o(free_q[1]),
    .read_valid_o(data_ask), .read_ready_i(data_taken), .read_o(data_read),
    .beat_pop_i(fifo_pop),
    .piece_valid_o(piece_valid), .piece_pop_i(piece_pop), .piece_o(piece), .idle_o(idle_req)
  );

  hp_deep_fifo #(.WIDTH(DATA_W + 1), .DEPTH(Beats)) u_payload (
    .clk_i, .rst_ni, .push_i(beat_valid), .data_i({beat_err, beat_data}), .full_o(fifo_full),
    .pop_i(fifo_pop), .valid_o(fifo_valid), .data_o({fifo_err, fifo_data}), .count_o(fifo_level)
  );

  hp_vq_tx_data #(.DATA_W(DATA_W)) u_tx_data (
    .clk_i, .rst_ni,
    .piece_valid_i(piece_valid), .piece_pop_o(piece_pop), .piece_i(piece),
    .beat_valid_i(fifo_valid), .beat_pop_o(fifo_pop), .beat_data_i(fifo_data),
    .beat_err_i(fifo_err),
    .tx_tvalid_o(td_tvalid), .tx_tready_i(td_tready), .tx_tdata_o(td_tdata), .tx_tkeep_o(td_tkeep),
    .tx_tlast_o(td_tlast), .tx_tuser_o(td_tuser), .tx_tdest_o(td_tdest), .tx_hdr_o(td_hdr),
    .tx_len_o(td_len), .sent_i(idle_csum),
    .done_valid_o(done_valid[1]), .done_ready_i(done_ready[1]), .done_o(done[1]),
    .err_valid_o(err_valid[2]), .err_ready_i(err_ready[2]), .err_q_o(err_q[2]),
    .idle_o(idle_data)
  );
  assign err_code[2] = hp_abi_pkg::VQERR_READ;

  hp_vq_tx_csum #(.DATA_W(DATA_W)) u_tx_csum (
    .clk_i, .rst_ni,
    .s_tvalid_i(td_tvalid), .s_tready_o(td_tready), .s_tdata_i(td_tdata), .s_tkeep_i(td_tkeep),
    .s_tlast_i(td_tlast), .s_tuser_i(td_tuser), .s_tdest_i(td_tdest), .s_hdr_i(td_hdr),
    .s_len_i(td_len),
    .m_tvalid_o(tx_tvalid_o), .m_tready_i(tx_tready_i), .m_tdata_o(tx_tdata_o),
    .m_tkeep_o(tx_tkeep_o), .m_tlast_o(tx_tlast_o), .m_tuser_o(tx_tuser_o), .m_tdest_o(tx_tdest_o),
    .refused_valid_o(csum_refused), .refused_ready_i(!skip), .refused_vport_o(csum_vport),
    .idle_o(idle_csum)
  );

  // ---- receive ----

  hp_rx_steer #(.DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP)) u_steer (
    .clk_i, .rst_ni,
    .cfg_req_i(steer_req_i), .cfg_we_i(steer_we_i), .cfg_addr_i({2'd0, steer_addr_i}),
    .cfg_wdata_i(steer_wdata_i), .cfg_ack_o(steer_ack_o), .cfg_rdata_o(steer_rdata_o),
    .vf_pairs_i, .vlan_filter_i, .vf_reset_i, .vlan_op_i(vlan_op), .vlan_op_v_i(pairs_v),
    .vlan_op_vid_i(vlan_vid), .vlan_busy_o(vlan_busy), .filtered_valid_o, .filtered_vport_o,
    .rx_tvalid_i, .rx_tready_o, .rx_tdata_i, .rx_tkeep_i, .rx_tlast_i, .rx_tdest_i,
    .rx_len_i,
    .m_tvalid_o(st_tvalid), .m_tready_i(st_tready), .m_tdata_o(st_tdata), .m_tkeep_o(st_tkeep),
    .m_tlast_o(st_tlast), .m_tdest_o(st_tdest), .m_len_o(st_len), .m_qp_o(st_qp),
    .m_sum_o(st_sum), .idle_o(idle_steer)
  );

  hp_vq_rx_csum #(.DATA_W(DATA_W), .N_QP(N_QP)) u_rx_csum (
    .clk_i, .rst_ni, .csum_i(csum[0]),
    .s_tvalid_i(st_tvalid), .s_tready_o(st_tready), .s_tdata_i(st_tdata), .s_tlast_i(st_tlast),
    .s_tdest_i(st_tdest), .s_len_i(st_len), .s_qp_i(st_qp), .s_sum_i(st_sum),
    .m_tvalid_o(rc_tvalid), .m_tready_i(rc_tready), .m_tdata_o(rc_tdata), .m_tlast_o(rc_tlast),
    .m_tdest_o(rc_tdest), .m_len_o(rc_len), .m_qp_o(rc_qp), .m_good_o(rc_good), .idle_o(idle_rx_csum)
  );

  hp_vq_rx #(.DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP), .SEGS(Segs)) u_rx (
    .clk_i, .rst_ni, .ok_i(ok[0]), .mrg_i(mrg), .vf_i(vf[0]), .plog_i(plog[0]),
    .host_rx_ready_o, .rx_tvalid_i(rc_tvalid), .rx_tready_o(rc_tready), .rx_tdata_i(rc_tdata),
    .rx_tlast_i(rc_tlast), .rx_tdest_i(rc_tdest), .rx_len_i(rc_len), .rx_qp_i(rc_qp), .rx_good_i(rc_good),
    .chain_valid_i(chain_valid[0]), .chain_q_i(chain_q[0]),
    .revoke_valid_i(revoke_valid[0]), .revoke_ready_o(revoke_ready[0]),
    .revoke_q_i(revoke_q[0]), .revoke_count_o(revoke_count[0]),
    .marker_valid_i(marker_valid[0]), .marker_ready_o(marker_ready[0]), .marker_q_i(marker_q),
    .chain_re_o(chain_re[0]), .chain_addr_o(chain_addr[0]), .chain_i(chain[0]),
    .seg_re_o(seg_re[0]), .seg_addr_o(seg_addr[0]), .seg_i(seg[0]),
    .free_valid_o(free_valid[0]), .free_ready_i(free_ready[0]), .free_q_o(free_q[0]),
    .frame_valid_o(frame_valid), .frame_ready_i(frame_ready), .frame_o(frame),
    .win_have_o(win_have), .win_pos_o(win_pos), .win_data_o(win_data),
    .win_take_i(win_take), .win_bytes_i(win_bytes),
    .done_valid_o(done_valid[0]), .done_ready_i(done_ready[0]), .done_o(done[0]),
    .nobuf_valid_o, .nobuf_vport_o, .idle_o(idle_rx)
  );

  // ---- done ----

  assign done_valid[2]    = refused_some[1];
  assign done[2]          = '{q: 8'({refused_q[1], 1'b1}), head: refused_head[1], last: 1'b1,
                              default: '0};
  assign refused_taken    = {done_ready[2], 1'b1};
  assign skip             = done_valid[2] && done_ready[2];
  assign refused_valid_o  = skip || csum_refused;
  assign refused_vport_o  = skip ? port_t'(vf[1][refused_q[1]]) : csum_vport;

  hp_vq_used #(.DATA_W(DATA_W), .N_QP(N_QP), .N_IN(3), .FIRST_IDX(FIRST_IDX)) u_used (
    .clk_i, .rst_ni,
    .enable_i((enable_valid & enable_ready) != '0), .enable_cmd_i(qcmd_i), .ok_i(ok_both),
    .done_valid_i(done_valid), .done_ready_o(done_ready), .done_i(done),
    .write_valid_o(small_valid[0]), .write_ready_i(small_ready[0]), .write_o(smalls[0]),
    .write_data_o(used_data), .ans_valid_i(ans), .ans_tag_i(ans_tag),
    .read_valid_o(word_ask[2]), .read_ready_i(word_taken[2]), .read_o(word_read[2]),
    .word_valid_i(word_valid[2]), .word_data_i(word_data), .word_err_i(word_err),
    .irq_valid_o(ring_irq), .irq_ready_i(irq_ready_i && !irq_ctrl), .irq_q_o(ring_irq_q),
    .err_valid_o(err_valid[3]), .err_ready_i(err_ready[3]), .err_q_o(err_q[3]),
    .settled_o(marker_done), .idle_o(idle_used)
  );
  assign err_code[3] = hp_abi_pkg::VQERR_READ;

  // ---- control queues ----

  hp_vq_ctrl #(.N_VF(N_VF), .FIRST_IDX(FIRST_IDX)) u_ctrl (
    .clk_i, .rst_ni, .qcmd_valid_i(qcmd_valid_i && to_ctrl), .qcmd_ready_o(ctrl_ready), .qcmd_i,
    .bell_valid_i(bell_valid_i && 32'(bell_q_i) >= CtrlBase && 32'(bell_q_i) < CtrlBase + N_VF),
    .bell_v_i(VW'(bell_q_i - qid_t'(CtrlBase))), .vf_live_i, .pool_i(vf_pool_i),
    .read_valid_o(word_ask[3]), .read_ready_i(word_taken[3]), .read_o(word_read[3]),
    .word_valid_i(word_valid[3]), .word_data_i(word_data), .word_err_i(word_err),
    .write_valid_o(small_valid[4]), .write_ready_i(small_ready[4]), .write_o(smalls[4]),
    .ans_valid_i(ans && ans_tag.kind == WrCtrl), .ans_err_i(ans_err),
    .err_valid_o(ctrl_err), .err_ready_i(!rings_err), .err_v_o(ctrl_err_v),
    .err_code_o(ctrl_err_code), .irq_valid_o(ctrl_irq), .irq_ready_i(irq_ready_i && irq_ctrl),
    .irq_v_o(ctrl_irq_v), .guest_o(guest), .guest_i, .pairs_set_o, .pairs_v_o(pairs_v), .pairs_o,
    .announced_o, .vlan_op_o(vlan_op), .vid_o(vlan_vid), .idle_o(idle_ctrl)
  );
  assign pairs_vport_o = port_t'(pairs_v);

  // While VLANs are being cleared no request is shown, for its answer could change one.
  always_comb begin
    guest_o       = guest;
    guest_o.valid = guest.valid && !vlan_busy;
  end

  // Interrupts of both; one that is offered stays.
  assign irq_ctrl    = irq_lock_q ? irq_ctrl_q : !ring_irq;
  assign irq_valid_o = irq_ctrl ? ctrl_irq : ring_irq;
  assign irq_q_o     = irq_ctrl ? qid_t'(CtrlBase) + qid_t'(ctrl_irq_v) : ring_irq_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) irq_lock_q <= 1'b0;
    else irq_lock_q <= irq_valid_o && !irq_ready_i;
    irq_ctrl_q <= irq_ctrl;
  end

  assign idle_o = idle_cmd && idle_rd && idle_wr && idle_grant && idle_req && idle_data &&
                  idle_csum && idle_rx && idle_rx_csum && idle_steer && idle_used && idle_ctrl &&
                  fetch_idle == '1 && !bell_valid_i && !msg_valid_i;

  logic unused;
  assign unused = ^{st_tkeep, refused_some[0], refused_q[0], refused_head[0], fifo_level};

  `HP_ASSERT_INIT(Sizes_A, N_VF >= 1 && N_VF <= MaxVf && N_QP >= 1 && 2 * N_QP <= CtrlBase)
  `HP_ASSERT(PayloadFits_A, !(beat_valid && fifo_full))
endmodule
