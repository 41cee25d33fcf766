// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Hairpin: the whole NIC. Standard buses outside (AXI4-Lite, AXI4-Stream), the eSwitch, the host interface
// and the soft core inside. `clk_i` and `core_clk_i` may be asynchronous. `trace_*` serve the simulator and
// vanish in synthesis when unconnected.

`include "hp_assert.svh"

module hp_nic
  import hp_pkg::*, hp_soc_pkg::*;
#(
  parameter int unsigned DATA_W    = 512,
  parameter int unsigned N_VF      = 8,
  parameter int unsigned N_QP      = 32,
  parameter int unsigned MAC_DEPTH = 1024,   // slots per bank, four banks
  parameter int unsigned FLOW_DEPTH = 1024,  // likewise; 0: no flow cache
  parameter int unsigned TCM_KIB   = 64,
  parameter bit          VIRTQ     = 1'b0,   // VFs have virtqueues: hp_virtio is outside
  parameter logic [31:0] BUILD_ID  = 32'd0,
  localparam int unsigned Bytes    = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              core_clk_i,
  input  logic              core_rst_ni,
  input  logic [63:0]       time_i,          // clocks of clk_i; may jump while idle_o and core_sleep_o

  // CSR: AXI4-Lite, function number and BAR as sidebands.
  input  logic [7:0]        s_csr_fn_i,
  input  logic [2:0]        s_csr_bar_i,
  input  logic              s_csr_awvalid_i,
  output logic              s_csr_awready_o,
  input  logic [15:0]       s_csr_awaddr_i,
  input  logic              s_csr_wvalid_i,
  output logic              s_csr_wready_o,
  input  logic [31:0]       s_csr_wdata_i,
  input  logic [3:0]        s_csr_wstrb_i,
  output logic              s_csr_bvalid_o,
  input  logic              s_csr_bready_i,
  output logic [1:0]        s_csr_bresp_o,
  input  logic              s_csr_arvalid_i,
  output logic              s_csr_arready_o,
  input  logic [15:0]       s_csr_araddr_i,
  output logic              s_csr_rvalid_o,
  input  logic              s_csr_rready_i,
  output logic [31:0]       s_csr_rdata_o,
  output logic [1:0]        s_csr_rresp_o,
  output logic              irq_o,

  // Accesses to BAR 0 of VFs, and to the PF's window of them (VIRTQ): one at a time; req for one clock, ack then
  // or later.
  output logic              vf_req_o,
  output logic              vf_we_o,
  output logic [7:0]        vf_fn_o,
  output logic [15:0]       vf_addr_o,
  output logic [31:0]       vf_wdata_o,
  output logic [31:0]       vf_wmask_o,
  input  logic              vf_ack_i,
  input  logic [31:0]       vf_rdata_i,
  output logic              pf_req_o,
  output logic              pf_we_o,
  output logic [12:0]       pf_addr_o,
  output logic [31:0]       pf_wdata_o,
  input  logic              pf_ack_i,
  input  logic [31:0]       pf_rdata_i,

  // Host stream. The NIC grants; the source then sends one whole frame of that vPort.
  input  logic [N_VF-1:0]   host_req_i,
  output logic              host_grant_valid_o,
  input  logic              host_grant_ready_i,
  output logic [6:0]        host_grant_vport_o,
  input  logic              s_host_tvalid_i,
  output logic              s_host_tready_o,
  input  logic [DATA_W-1:0] s_host_tdata_i,
  input  logic [Bytes-1:0]  s_host_tkeep_i,
  input  logic              s_host_tlast_i,
  input  logic              s_host_tuser_i,
  input  logic [6:0]        s_host_tdest_i,
  input  logic [N_VF-1:0]   host_rx_ready_i,
  output logic              m_host_tvalid_o,
  input  logic              m_host_tready_i,
  output logic [DATA_W-1:0] m_host_tdata_o,
  output logic [Bytes-1:0]  m_host_tkeep_o,
  output logic              m_host_tlast_o,
  output logic [6:0]        m_host_tdest_o,
  output logic [15:0]       m_host_tid_o,
  output len_t              m_host_len_o,    // of the whole frame on the bus, from its first beat on

  // Wire.
  input  logic              s_wire_tvalid_i,
  output logic              s_wire_tready_o,
  input  logic [DATA_W-1:0] s_wire_tdata_i,
  input  logic [Bytes-1:0]  s_wire_tkeep_i,
  input  logic              s_wire_tlast_i,
  input  logic              s_wire_tuser_i,
  output logic              m_wire_tvalid_o,
  input  logic              m_wire_tready_i,
  output logic [DATA_W-1:0] m_wire_tdata_o,
  output logic [Bytes-1:0]  m_wire_tkeep_o,
  output logic              m_wire_tlast_o,
  output logic [15:0]       m_wire_tid_o,

  // Control queues of the VFs.
  input  guest_to_core_t    guest_i,
  output core_to_guest_t    guest_o,

  output logic              core_sleep_o,
  output logic              idle_o,
  output trace_dec_t        trace_dec_o,
  output trace_cmd_t        trace_cmd_o,
  output trace_loss_t       trace_loss_host_o,
  output trace_loss_t       trace_loss_rep_o,
  output trace_loss_t       trace_loss_other_o
);
  host_to_core_t host_to_core;
  core_to_host_t core_to_host;

  // Table command bus: host and core windows, arbiter, tables.
  logic     host_tv, host_tr, host_rv, core_tv, core_tr, core_rv, tbl_v, tbl_r, tbl_rv, tbl_core;
  tbl_req_t host_tq, core_tq, tbl_q;
  tbl_rsp_t host_rsp, core_rsp, tbl_rsp;
  logic [127:0] hash_seed;

  // Counters.
  logic        cnt_rd, cnt_done;
  logic [15:0] cnt_addr;
  logic [63:0] cnt_data;

  // Punt port and the core's own frames.
  logic              punt_valid, punt_rd, punt_rvalid, punt_pop, punt_send, punt_nopunt, punt_tomb;
  logic              punt_busy, inj_valid, inj_ready, inj_sof, inj_eof;
  logic              flows_waiting, punt_full, punt_quota, punt_seen;
  logic [7:0]        punt_slot;
  port_t             punt_src;
  vlan_t             punt_vvlan;
  reason_t           punt_reason, punt_tomb_reason;
  len_t              punt_len;
  seq_t              punt_seq;
  logic [6:0]        punt_raddr;
  logic [31:0]       punt_rdata;
  logic [DATA_W-1:0] inj_data;
  frame_meta_t       inj_meta;

  // Transmit hold.
  logic            tx_hold_set, tx_settled;
  logic [N_VF-1:0] tx_hold;

  // Learning.
  logic         learn_valid, learn_act, learn_busy;
  logic [3:0]   learn_slot, learn_act_slot, learn_status;
  logic [4:0]   learn_waiting;
  logic [1:0]   learn_verdict;
  learn_event_t learn_event;

  logic eswitch_idle, arb_idle, core_idle;

  hp_host_if #(
    .DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP), .MAC_DEPTH(MAC_DEPTH), .FLOW_DEPTH(FLOW_DEPTH),
    .TCM_KIB(TCM_KIB), .VIRTQ(VIRTQ),
    .BUILD_ID(BUILD_ID)
  ) u_host_if (
    .clk_i, .rst_ni, .time_i,
    .uplink_up_i    (1'b1),
    .s_csr_fn_i, .s_csr_bar_i,
    .s_csr_awvalid_i, .s_csr_awready_o, .s_csr_awaddr_i,
    .s_csr_wvalid_i, .s_csr_wready_o, .s_csr_wdata_i, .s_csr_wstrb_i,
    .s_csr_bvalid_o, .s_csr_bready_i, .s_csr_bresp_o,
    .s_csr_arvalid_i, .s_csr_arready_o, .s_csr_araddr_i,
    .s_csr_rvalid_o, .s_csr_rready_i, .s_csr_rdata_o, .s_csr_rresp_o,
    .irq_o,
    .vf_req_o, .vf_we_o, .vf_fn_o, .vf_addr_o, .vf_wdata_o, .vf_wmask_o, .vf_ack_i, .vf_rdata_i,
    .pf_req_o, .pf_we_o, .pf_addr_o, .pf_wdata_o, .pf_ack_i, .pf_rdata_i,
    .tbl_req_valid_o(host_tv),
    .tbl_req_ready_i(host_tr),
    .tbl_req_o      (host_tq),
    .tbl_rsp_valid_i(host_rv),
    .tbl_rsp_i      (host_rsp),
    .cnt_rd_valid_o (cnt_rd),
    .cnt_rd_addr_o  (cnt_addr),
    .cnt_rd_done_i  (cnt_done),
    .cnt_rd_data_i  (cnt_data),
    .core_o         (host_to_core),
    .core_i         (core_to_host)
  );

  hp_softcore #(
    .DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP), .MAC_DEPTH(MAC_DEPTH), .FLOW_DEPTH(FLOW_DEPTH),
    .TCM_KIB(TCM_KIB)
  ) u_softcore (
    .clk_i, .rst_ni, .core_clk_i, .core_rst_ni, .time_i, .core_sleep_o,
    .idle_o            (core_idle),
    .host_i            (host_to_core),
    .host_o            (core_to_host),
    .tbl_req_valid_o   (core_tv),
    .tbl_req_ready_i   (core_tr),
    .tbl_req_o         (core_tq),
    .tbl_rsp_valid_i   (core_rv),
    .tbl_rsp_i         (core_rsp),
    .hash_seed_o       (hash_seed),
    .learn_valid_i     (learn_valid),
    .learn_slot_i      (learn_slot),
    .learn_event_i     (learn_event),
    .learn_waiting_i   (learn_waiting),
    .learn_act_o       (learn_act),
    .learn_act_slot_o  (learn_act_slot),
    .learn_verdict_o   (learn_verdict),
    .learn_busy_i      (learn_busy),
    .learn_status_i    (learn_status),
    .punt_valid_i      (punt_valid),
    .punt_slot_i       (punt_slot),
    .punt_src_i        (punt_src),
    .punt_vvlan_i      (punt_vvlan),
    .punt_reason_i     (punt_reason),
    .punt_len_i        (punt_len),
    .punt_rd_req_o     (punt_rd),
    .punt_rd_addr_o    (punt_raddr),
    .punt_rd_valid_i   (punt_rvalid),
    .punt_rd_data_i    (punt_rdata),
    .punt_pop_o        (punt_pop),
    .punt_send_o       (punt_send),
    .punt_nopunt_o     (punt_nopunt),
    .punt_tomb_o       (punt_tomb),
    .punt_tomb_reason_o(punt_tomb_reason),
    .punt_busy_i       (punt_busy),
    .punt_full_i       (punt_full),
    .punt_quota_i      (punt_quota),
    .punt_seen_o       (punt_seen),
    .flows_waiting_i   (flows_waiting),
    .tx_hold_set_o     (tx_hold_set),
    .tx_hold_o         (tx_hold),
    .tx_settled_i      (tx_settled),
    .inj_valid_o       (inj_valid),
    .inj_ready_i       (inj_ready),
    .inj_data_o        (inj_data),
    .inj_sof_o         (inj_sof),
    .inj_eof_o         (inj_eof),
    .inj_meta_o        (inj_meta),
    .guest_i,
    .guest_o
  );

  hp_tbl_arb u_tbl_arb (
    .clk_i,
    .rst_ni,
    .host_req_valid_i(host_tv),
    .host_req_ready_o(host_tr),
    .host_req_i      (host_tq),
    .host_rsp_valid_o(host_rv),
    .host_rsp_o      (host_rsp),
    .core_req_valid_i(core_tv),
    .core_req_ready_o(core_tr),
    .core_req_i      (core_tq),
    .core_rsp_valid_o(core_rv),
    .core_rsp_o      (core_rsp),
    .tbl_req_valid_o (tbl_v),
    .tbl_req_ready_i (tbl_r),
    .tbl_core_o      (tbl_core),
    .tbl_req_o       (tbl_q),
    .tbl_rsp_valid_i (tbl_rv),
    .tbl_rsp_i       (tbl_rsp),
    .idle_o          (arb_idle)
  );

  hp_eswitch #(.DATA_W(DATA_W), .N_VF(N_VF), .MAC_DEPTH(MAC_DEPTH), .FLOW_DEPTH(FLOW_DEPTH)) u_eswitch (
    .clk_i, .rst_ni, .time_i,
    .hash_seed_i       (hash_seed),
    .tx_hold_set_i     (tx_hold_set),
    .tx_hold_i         (tx_hold),
    .tx_settled_o      (tx_settled),
    .host_req_i, .host_grant_valid_o, .host_grant_ready_i, .host_grant_vport_o,
    .s_host_tvalid_i, .s_host_tready_o, .s_host_tdata_i, .s_host_tkeep_i, .s_host_tlast_i,
    .s_host_tuser_i, .s_host_tdest_i, .host_rx_ready_i,
    .m_host_tvalid_o, .m_host_tready_i, .m_host_tdata_o, .m_host_tkeep_o, .m_host_tlast_o,
    .m_host_tdest_o, .m_host_tid_o, .m_host_len_o,
    .s_wire_tvalid_i, .s_wire_tready_o, .s_wire_tdata_i, .s_wire_tkeep_i, .s_wire_tlast_i,
    .s_wire_tuser_i,
    .m_wire_tvalid_o, .m_wire_tready_i, .m_wire_tdata_o, .m_wire_tkeep_o, .m_wire_tlast_o,
    .m_wire_tid_o,
    .tbl_req_valid_i   (tbl_v),
    .tbl_req_ready_o   (tbl_r),
    .tbl_core_i        (tbl_core),
    .tbl_req_i         (tbl_q),
    .tbl_rsp_valid_o   (tbl_rv),
    .tbl_rsp_o         (tbl_rsp),
    .learn_valid_o     (learn_valid),
    .learn_slot_o      (learn_slot),
    .learn_event_o     (learn_event),
    .learn_waiting_o   (learn_waiting),
    .learn_act_i       (learn_act),
    .learn_act_slot_i  (learn_act_slot),
    .learn_verdict_i   (learn_verdict),
    .learn_busy_o      (learn_busy),
    .learn_status_o    (learn_status),
    .punt_valid_o      (punt_valid),
    .punt_slot_o       (punt_slot),
    .punt_src_o        (punt_src),
    .punt_vvlan_o      (punt_vvlan),
    .punt_reason_o     (punt_reason),
    .punt_len_o        (punt_len),
    .punt_seq_o        (punt_seq),
    .punt_rd_req_i     (punt_rd),
    .punt_rd_addr_i    (punt_raddr),
    .punt_rd_valid_o   (punt_rvalid),
    .punt_rd_data_o    (punt_rdata),
    .punt_pop_i        (punt_pop),
    .punt_send_i       (punt_send),
    .punt_nopunt_i     (punt_nopunt),
    .punt_tomb_i       (punt_tomb),
    .punt_tomb_reason_i(punt_tomb_reason),
    .punt_busy_o       (punt_busy),
    .punt_full_o       (punt_full),
    .punt_quota_o      (punt_quota),
    .punt_seen_i       (punt_seen),
    .flows_waiting_o   (flows_waiting),
    .inj_valid_i       (inj_valid),
    .inj_ready_o       (inj_ready),
    .inj_data_i        (inj_data),
    .inj_sof_i         (inj_sof),
    .inj_eof_i         (inj_eof),
    .inj_meta_i        (inj_meta),
    .cnt_rd_valid_i    (cnt_rd),
    .cnt_rd_addr_i     (cnt_addr),
    .cnt_rd_done_o     (cnt_done),
    .cnt_rd_data_o     (cnt_data),
    .idle_o            (eswitch_idle),
    .trace_dec_o, .trace_cmd_o, .trace_loss_host_o, .trace_loss_rep_o, .trace_loss_other_o
  );

  assign idle_o = eswitch_idle && arb_idle && core_idle;

  logic unused_seq;
  assign unused_seq = ^punt_seq;
endmodule
