// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Everything behind the decision: uplink, host stream with replication, punt store, counters.
//
// Latency: `eg_*` (cycle 22 of the NIC) to the first beat on a bus, two cycles; group copies
// later. No backpressure to the pipeline; `stall_host_o` and `stall_all_o` hold the arbiter in
// time.

`include "hp_assert.svh"

module hp_egress
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF   = 8,
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // From the pipeline.
  input  logic              eg_valid_i,
  input  logic              eg_sof_i,
  input  logic              eg_eof_i,
  input  logic [DATA_W-1:0] eg_data_i,
  input  egress_meta_t      eg_meta_i,
  input  cnt_dec_t          cnt_dec_i,
  output logic              stall_host_o,
  output logic              stall_all_o,

  // Host stream.
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
  output logic              m_wire_tvalid_o,
  input  logic              m_wire_tready_i,
  output logic [DATA_W-1:0] m_wire_tdata_o,
  output logic [Bytes-1:0]  m_wire_tkeep_o,
  output logic              m_wire_tlast_o,
  output logic [15:0]       m_wire_tid_o,

  // Punt port of the soft core, its own frames, and the core ingress stream (see hp_punt_store).
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
  output logic              taught_room_o,
  output logic              taught_valid_o,
  output logic [7:0]        taught_slot_o,
  output port_t             taught_port_o,
  input  logic              taught_done_i,
  input  logic [3:0]        taught_status_i,
  output logic              punt_we_o,
  output logic [7:0]        punt_we_slot_o,
  input  logic              inj_valid_i,
  output logic              inj_ready_o,
  input  logic [DATA_W-1:0] inj_data_i,
  input  logic              inj_sof_i,
  input  logic              inj_eof_i,
  input  frame_meta_t       inj_meta_i,
  output logic              core_valid_o,
  input  logic              core_ready_i,
  output logic [DATA_W-1:0] core_data_o,
  output logic              core_sof_o,
  output logic              core_eof_o,
  output frame_meta_t       core_meta_o,

  // Counters (see hp_counters).
  input  logic              cnt_rd_valid_i,
  input  logic [15:0]       cnt_rd_addr_i,
  output logic              cnt_rd_done_o,
  output logic [63:0]       cnt_rd_data_o,

  output logic              idle_o,
  output trace_loss_t       trace_loss_host_o,
  output trace_loss_t       trace_loss_rep_o,
  output trace_loss_t       trace_loss_other_o
);
  cnt_out_t    out_host, out_uplink, out_core;
  cnt_loss_t   cnt_loss_host, cnt_loss_rep, cnt_loss_uplink, cnt_loss_punt;
  trace_loss_t loss_uplink, loss_punt;
  logic        stall_room, stall_counters, counters_ready, idle_uplink, idle_host, idle_punt;

  hp_uplink_egress #(
    .DATA_W(DATA_W)
  ) u_uplink (
    .clk_i,
    .rst_ni,
    .eg_valid_i,
    .eg_sof_i,
    .eg_eof_i,
    .eg_data_i,
    .eg_meta_i,
    .stall_host_o,
    .m_wire_tvalid_o,
    .m_wire_tready_i,
    .m_wire_tdata_o,
    .m_wire_tkeep_o,
    .m_wire_tlast_o,
    .m_wire_tid_o,
    .cnt_out_o (out_uplink),
    .loss_o    (loss_uplink),
    .cnt_loss_o(cnt_loss_uplink),
    .idle_o    (idle_uplink)
  );

  hp_host_egress #(
    .DATA_W(DATA_W),
    .N_VF  (N_VF)
  ) u_host (
    .clk_i,
    .rst_ni,
    .eg_valid_i,
    .eg_sof_i,
    .eg_eof_i,
    .eg_data_i,
    .eg_meta_i,
    .stall_all_o   (stall_room),
    .host_rx_ready_i,
    .m_host_tvalid_o,
    .m_host_tready_i,
    .m_host_tdata_o,
    .m_host_tkeep_o,
    .m_host_tlast_o,
    .m_host_tdest_o,
    .m_host_tid_o,
    .m_host_len_o,
    .cnt_out_o     (out_host),
    .loss_o        (trace_loss_host_o),
    .cnt_loss_o    (cnt_loss_host),
    .rep_loss_o    (trace_loss_rep_o),
    .rep_cnt_loss_o(cnt_loss_rep),
    .idle_o        (idle_host)
  );

  hp_punt_store #(
    .DATA_W(DATA_W)
  ) u_punt (
    .clk_i,
    .rst_ni,
    .eg_valid_i,
    .eg_sof_i,
    .eg_eof_i,
    .eg_data_i,
    .eg_meta_i,
    .punt_valid_o,
    .punt_slot_o,
    .punt_src_o,
    .punt_vvlan_o,
    .punt_reason_o,
    .punt_len_o,
    .punt_seq_o,
    .punt_rd_req_i,
    .punt_rd_addr_i,
    .punt_rd_valid_o,
    .punt_rd_data_o,
    .punt_pop_i,
    .punt_send_i,
    .punt_nopunt_i,
    .punt_tomb_i,
    .punt_tomb_reason_i,
    .punt_busy_o,
    .punt_full_o,
    .punt_quota_o,
    .punt_seen_i,
    .taught_room_o,
    .taught_valid_o,
    .taught_slot_o,
    .taught_port_o,
    .taught_done_i,
    .taught_status_i,
    .store_we_o  (punt_we_o),
    .store_slot_o(punt_we_slot_o),
    .inj_valid_i,
    .inj_ready_o,
    .inj_data_i,
    .inj_sof_i,
    .inj_eof_i,
    .inj_meta_i,
    .core_valid_o,
    .core_ready_i,
    .core_data_o,
    .core_sof_o,
    .core_eof_o,
    .core_meta_o,
    .cnt_out_o (out_core),
    .loss_o    (loss_punt),
    .cnt_loss_o(cnt_loss_punt),
    .idle_o    (idle_punt)
  );

  // No frame goes to the core and to the uplink, so the two do not meet.
  assign trace_loss_other_o = loss_punt.valid ? loss_punt : loss_uplink;

  hp_counters #(
    .N_VF(N_VF)
  ) u_counters (
    .clk_i,
    .rst_ni,
    .dec_i       (cnt_dec_i),
    .out_host_i  (out_host),
    .out_uplink_i(out_uplink),
    .out_core_i  (out_core),
    .loss_host_i (cnt_loss_host),
    .loss_rep_i  (cnt_loss_rep),
    .loss_other_i(cnt_loss_punt.valid ? cnt_loss_punt : cnt_loss_uplink),
    .cnt_rd_valid_i,
    .cnt_rd_addr_i,
    .cnt_rd_done_o,
    .cnt_rd_data_o,
    .stall_o     (stall_counters),
    .ready_o     (counters_ready)
  );

  assign stall_all_o = stall_room || stall_counters;
  assign idle_o      = counters_ready && idle_uplink && idle_host && idle_punt && !eg_valid_i;

  `HP_ASSERT_INIT(Width_A, DATA_W == 128 || DATA_W == 256 || DATA_W == 512)
  `HP_ASSERT(PuntAlone_A, !(eg_valid_i && eg_meta_i.to_core) || !(eg_meta_i.to_uplink || eg_meta_i.group))
  `HP_ASSERT(HostOneWay_A, !(eg_valid_i && eg_meta_i.to_host && eg_meta_i.group))
  `HP_ASSERT(OneOtherLoss_A, !(loss_punt.valid && loss_uplink.valid))
endmodule
