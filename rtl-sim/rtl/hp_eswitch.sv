// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The eSwitch: three ingresses, the forwarding pipeline, the egress side with its counters. Standard
// streams outside; the table command bus, the punt port and the counter port belong to the soft core and
// the host interface. From a frame's first beat behind the arbiter to its first beat out: 24 clocks.

module hp_eswitch
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8,
  parameter int unsigned MAC_DEPTH = 1024,  // slots per bank, four banks
  parameter int unsigned FLOW_DEPTH = 1024, // likewise; 0: no flow cache
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [63:0]       time_i,
  input  logic [127:0]      hash_seed_i,

  // Transmit hold (see hp_tx_hold).
  input  logic              tx_hold_set_i,
  input  logic [N_VF-1:0]   tx_hold_i,
  output logic              tx_settled_o,

  // Host stream.
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

  // Table command bus.
  input  logic              tbl_req_valid_i,
  output logic              tbl_req_ready_o,
  input  logic              tbl_core_i,         // the core asks, not the host
  input  tbl_req_t          tbl_req_i,
  output logic              tbl_rsp_valid_o,
  output tbl_rsp_t          tbl_rsp_o,

  // The firmware's side of learning (see hp_learn).
  output logic              learn_valid_o,
  output logic [3:0]        learn_slot_o,
  output learn_event_t      learn_event_o,
  output logic [4:0]        learn_waiting_o,
  input  logic              learn_act_i,
  input  logic [3:0]        learn_act_slot_i,
  input  logic [1:0]        learn_verdict_i,
  output logic              learn_busy_o,
  output logic [3:0]        learn_status_o,

  // Punt port and the soft core's own frames (see hp_punt_store).
  output logic              punt_valid_o,
  output logic [7:0]        punt_slot_o,
  output port_t             punt_src_o,
  output vlan_t             punt_vvlan_o,
  output reason_t           punt_reason_o,
  output len_t              punt_len_o,
  output seq_t              punt_seq_o,
  input  logic              punt_rd_req_i,
  input  logic [6:0]        punt_rd_addr_i,
  output logic              punt_rd_valid_o,
  output logic [31:0]       punt_rd_data_o,
  input  logic              punt_pop_i,
  input  logic              punt_send_i,
  input  logic              punt_nopunt_i,
  input  logic              punt_tomb_i,
  input  reason_t           punt_tomb_reason_i,
  output logic              punt_busy_o,
  output logic              punt_full_o,
  output logic              punt_quota_o,
  input  logic              punt_seen_i,
  output logic              flows_waiting_o,
  input  logic              inj_valid_i,
  output logic              inj_ready_o,
  input  logic [DATA_W-1:0] inj_data_i,
  input  logic              inj_sof_i,
  input  logic              inj_eof_i,
  input  frame_meta_t       inj_meta_i,

  // Counters.
  input  logic              cnt_rd_valid_i,
  input  logic [15:0]       cnt_rd_addr_i,
  output logic              cnt_rd_done_o,
  output logic [63:0]       cnt_rd_data_o,

  output logic              idle_o,
  output trace_dec_t        trace_dec_o,
  output trace_cmd_t        trace_cmd_o,
  output trace_loss_t       trace_loss_host_o,
  output trace_loss_t       trace_loss_rep_o,
  output trace_loss_t       trace_loss_other_o
);
  logic [N_VF-1:0]   vswitch_mask;
  logic              pl_valid, pl_sof, pl_eof, eg_valid, eg_sof, eg_eof;
  logic              core_valid, core_ready, core_sof, core_eof;
  logic              stall_host, stall_all, stall_host_q, stall_all_q;
  logic              ingress_busy, pipeline_busy, egress_idle;
  logic [DATA_W-1:0] pl_data, eg_data, core_data;
  frame_meta_t       pl_meta, core_meta;
  egress_meta_t      eg_meta;
  cnt_dec_t          cnt_dec;
  logic              taught_valid, taught_done, taught_room;
  logic [3:0]        taught_status;
  logic [7:0]        taught_slot;
  port_t             taught_port;
  logic              punt_we, stall_tables, tables_ready;
  logic [7:0]        punt_we_slot;

  always_ff @(posedge clk_i) begin
    stall_host_q <= stall_host;
    stall_all_q  <= stall_all || stall_tables;
  end

  // Counters: two blocks, told apart by the bank.
  logic        at_tables, traffic_done, tables_done, tables_q;
  logic [63:0] traffic_data, tables_data;
  assign at_tables = cnt_rd_addr_i[15];
  always_ff @(posedge clk_i) if (cnt_rd_valid_i) tables_q <= at_tables;
  assign cnt_rd_done_o = traffic_done || tables_done;
  assign cnt_rd_data_o = tables_q ? tables_data : traffic_data;

  logic [N_VF-1:0] host_req;
  hp_tx_hold #(.N_VF(N_VF)) u_hold (
    .clk_i, .rst_ni,
    .set_i     (tx_hold_set_i),
    .hold_i    (tx_hold_i),
    .settled_o (tx_settled_o),
    .host_req_i,
    .host_req_o(host_req),
    .offered_i (host_grant_valid_o),
    .taken_i   (host_grant_valid_o && host_grant_ready_i),
    .dec_i     (cnt_dec)
  );

  hp_ingress #(.DATA_W(DATA_W), .N_VF(N_VF)) u_ingress (
    .clk_i,
    .rst_ni,
    .vswitch_mask_i(vswitch_mask),
    .host_req_i    (host_req),
    .host_grant_valid_o, .host_grant_ready_i, .host_grant_vport_o,
    .s_host_tvalid_i, .s_host_tready_o, .s_host_tdata_i, .s_host_tkeep_i, .s_host_tlast_i,
    .s_host_tuser_i, .s_host_tdest_i,
    .s_wire_tvalid_i, .s_wire_tready_o, .s_wire_tdata_i, .s_wire_tkeep_i, .s_wire_tlast_i,
    .s_wire_tuser_i,
    .core_valid_i  (core_valid),
    .core_ready_o  (core_ready),
    .core_data_i   (core_data),
    .core_sof_i    (core_sof),
    .core_eof_i    (core_eof),
    .core_meta_i   (core_meta),
    .stall_host_i  (stall_host_q),
    .stall_all_i   (stall_all_q),
    .pl_valid_o    (pl_valid),
    .pl_sof_o      (pl_sof),
    .pl_eof_o      (pl_eof),
    .pl_data_o     (pl_data),
    .pl_meta_o     (pl_meta),
    .busy_o        (ingress_busy)
  );

  hp_pipeline #(.DATA_W(DATA_W), .N_VF(N_VF), .MAC_DEPTH(MAC_DEPTH), .FLOW_DEPTH(FLOW_DEPTH)) u_pipeline (
    .clk_i,
    .rst_ni,
    .time_i,
    .hash_seed_i,
    .vswitch_mask_o(vswitch_mask),
    .pl_valid_i    (pl_valid),
    .pl_sof_i      (pl_sof),
    .pl_eof_i      (pl_eof),
    .pl_data_i     (pl_data),
    .pl_meta_i     (pl_meta),
    .eg_valid_o    (eg_valid),
    .eg_sof_o      (eg_sof),
    .eg_eof_o      (eg_eof),
    .eg_data_o     (eg_data),
    .eg_meta_o     (eg_meta),
    .tbl_req_valid_i, .tbl_req_ready_o, .tbl_core_i, .tbl_req_i, .tbl_rsp_valid_o, .tbl_rsp_o,
    .learn_valid_o, .learn_slot_o, .learn_event_o, .learn_waiting_o, .learn_act_i, .learn_act_slot_i,
    .learn_verdict_i, .learn_busy_o, .learn_status_o,
    .taught_room_i  (taught_room),
    .taught_valid_i (taught_valid),
    .taught_slot_i  (taught_slot),
    .taught_port_i  (taught_port),
    .taught_done_o  (taught_done),
    .taught_status_o(taught_status),
    .flows_waiting_o,
    .punt_we_i     (punt_we),
    .punt_slot_i   (punt_we_slot),
    .cnt_rd_valid_i(cnt_rd_valid_i && at_tables),
    .cnt_rd_addr_i,
    .cnt_rd_done_o (tables_done),
    .cnt_rd_data_o (tables_data),
    .stall_o       (stall_tables),
    .ready_o       (tables_ready),
    .cnt_dec_o     (cnt_dec),
    .trace_dec_o,
    .trace_cmd_o,
    .busy_o        (pipeline_busy)
  );

  hp_egress #(.DATA_W(DATA_W), .N_VF(N_VF)) u_egress (
    .clk_i,
    .rst_ni,
    .eg_valid_i    (eg_valid),
    .eg_sof_i      (eg_sof),
    .eg_eof_i      (eg_eof),
    .eg_data_i     (eg_data),
    .eg_meta_i     (eg_meta),
    .cnt_dec_i     (cnt_dec),
    .stall_host_o  (stall_host),
    .stall_all_o   (stall_all),
    .host_rx_ready_i,
    .m_host_tvalid_o, .m_host_tready_i, .m_host_tdata_o, .m_host_tkeep_o, .m_host_tlast_o,
    .m_host_tdest_o, .m_host_tid_o, .m_host_len_o,
    .m_wire_tvalid_o, .m_wire_tready_i, .m_wire_tdata_o, .m_wire_tkeep_o, .m_wire_tlast_o,
    .m_wire_tid_o,
    .punt_valid_o, .punt_slot_o, .punt_src_o, .punt_vvlan_o, .punt_reason_o, .punt_len_o,
    .punt_seq_o, .punt_rd_req_i, .punt_rd_addr_i, .punt_rd_valid_o, .punt_rd_data_o,
    .punt_pop_i, .punt_send_i, .punt_nopunt_i, .punt_tomb_i, .punt_tomb_reason_i, .punt_busy_o,
    .punt_full_o, .punt_quota_o, .punt_seen_i,
    .taught_room_o  (taught_room),
    .taught_valid_o (taught_valid),
    .taught_slot_o  (taught_slot),
    .taught_port_o  (taught_port),
    .taught_done_i  (taught_done),
    .taught_status_i(taught_status),
    .punt_we_o     (punt_we),
    .punt_we_slot_o(punt_we_slot),
    .inj_valid_i, .inj_ready_o, .inj_data_i, .inj_sof_i, .inj_eof_i, .inj_meta_i,
    .core_valid_o  (core_valid),
    .core_ready_i  (core_ready),
    .core_data_o   (core_data),
    .core_sof_o    (core_sof),
    .core_eof_o    (core_eof),
    .core_meta_o   (core_meta),
    .cnt_rd_valid_i(cnt_rd_valid_i && !at_tables),
    .cnt_rd_addr_i,
    .cnt_rd_done_o (traffic_done),
    .cnt_rd_data_o (traffic_data),
    .idle_o        (egress_idle),
    .trace_loss_host_o,
    .trace_loss_rep_o,
    .trace_loss_other_o
  );

  assign idle_o = !ingress_busy && !pipeline_busy && tables_ready && egress_idle;
endmodule
