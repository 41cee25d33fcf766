// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Simulation top: hp_nic with its trace flattened into the words of the event log, and hp_virtio beside it.
//
// rings_i says who is at hp_nic's host stream: the simulator itself (0), or hp_virtio with its rings in
// host memory (1). It does not change while the clock runs.
//
// The word layouts of dec_o, cmd_o and loss_*_o are the payloads that cpp/hp_shim.h describes and
// src/trace.rs decodes; nothing else in the simulator knows the packing of the trace structs.

module hp_sim_top import hp_pkg::*, hp_vio_pkg::*, hp_soc_pkg::*; #(
  parameter int unsigned DATA_W    = 512,
  parameter int unsigned N_VF      = 8,
  parameter int unsigned N_QP      = 32,
  parameter int unsigned MAC_DEPTH = 1024,
  parameter int unsigned FLOW_DEPTH = 1024,
  parameter int unsigned TCM_KIB   = 64
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                core_clk_i,
  input  logic                core_rst_ni,
  input  logic [63:0]         time_i,

  input  logic [7:0]          s_csr_fn_i,
  input  logic [2:0]          s_csr_bar_i,
  input  logic                s_csr_awvalid_i,
  output logic                s_csr_awready_o,
  input  logic [15:0]         s_csr_awaddr_i,
  input  logic                s_csr_wvalid_i,
  output logic                s_csr_wready_o,
  input  logic [31:0]         s_csr_wdata_i,
  input  logic [3:0]          s_csr_wstrb_i,
  output logic                s_csr_bvalid_o,
  input  logic                s_csr_bready_i,
  output logic [1:0]          s_csr_bresp_o,
  input  logic                s_csr_arvalid_i,
  output logic                s_csr_arready_o,
  input  logic [15:0]         s_csr_araddr_i,
  output logic                s_csr_rvalid_o,
  input  logic                s_csr_rready_i,
  output logic [31:0]         s_csr_rdata_o,
  output logic [1:0]          s_csr_rresp_o,
  output logic                irq_o,

  input  logic [63:0]         host_req_i,
  output logic                host_grant_valid_o,
  input  logic                host_grant_ready_i,
  output logic [6:0]          host_grant_vport_o,
  input  logic                s_host_tvalid_i,
  output logic                s_host_tready_o,
  input  logic [DATA_W-1:0]   s_host_tdata_i,
  input  logic [DATA_W/8-1:0] s_host_tkeep_i,
  input  logic                s_host_tlast_i,
  input  logic                s_host_tuser_i,
  input  logic [6:0]          s_host_tdest_i,
  input  logic [63:0]         host_rx_ready_i,
  output logic                m_host_tvalid_o,
  input  logic                m_host_tready_i,
  output logic [DATA_W-1:0]   m_host_tdata_o,
  output logic [DATA_W/8-1:0] m_host_tkeep_o,
  output logic                m_host_tlast_o,
  output logic [6:0]          m_host_tdest_o,
  output logic [15:0]         m_host_tid_o,

  input  logic                s_wire_tvalid_i,
  output logic                s_wire_tready_o,
  input  logic [DATA_W-1:0]   s_wire_tdata_i,
  input  logic [DATA_W/8-1:0] s_wire_tkeep_i,
  input  logic                s_wire_tlast_i,
  input  logic                s_wire_tuser_i,
  output logic                m_wire_tvalid_o,
  input  logic                m_wire_tready_i,
  output logic [DATA_W-1:0]   m_wire_tdata_o,
  output logic [DATA_W/8-1:0] m_wire_tkeep_o,
  output logic                m_wire_tlast_o,
  output logic [15:0]         m_wire_tid_o,

  output logic                core_sleep_o,
  output logic                idle_o,

  input  logic                rings_i,
  input  logic [63:0]         flr_req_i,
  output logic [63:0]         flr_done_o,
  input  logic [63:0]         msix_enable_i,
  input  logic [63:0]         msix_mask_i,
  output logic                m_axi_awvalid_o,
  input  logic                m_axi_awready_i,
  output logic [63:0]         m_axi_awaddr_o,
  output logic [7:0]          m_axi_awlen_o,
  output logic [20:0]         m_axi_awuser_o,     // dma_user_t
  output logic                m_axi_wvalid_o,
  input  logic                m_axi_wready_i,
  output logic [DATA_W-1:0]   m_axi_wdata_o,
  output logic [DATA_W/8-1:0] m_axi_wstrb_o,
  output logic                m_axi_wlast_o,
  input  logic                m_axi_bvalid_i,
  output logic                m_axi_bready_o,
  input  logic [1:0]          m_axi_bresp_i,
  output logic                m_axi_arvalid_o,
  input  logic                m_axi_arready_i,
  output logic [63:0]         m_axi_araddr_o,
  output logic [7:0]          m_axi_arlen_o,
  output logic [20:0]         m_axi_aruser_o,     // dma_user_t
  input  logic                m_axi_rvalid_i,
  output logic                m_axi_rready_o,
  input  logic [DATA_W-1:0]   m_axi_rdata_i,
  input  logic [1:0]          m_axi_rresp_i,
  input  logic                m_axi_rlast_i,

  // hp_nic's host stream as it is, whoever drives it.
  output logic                host_tvalid_o,
  output logic                host_tready_o,
  output logic [DATA_W-1:0]   host_tdata_o,
  output logic [DATA_W/8-1:0] host_tkeep_o,
  output logic                host_tlast_o,
  output logic                host_tuser_o,
  output logic [6:0]          host_tdest_o,
  output logic                host_rx_tready_o,

  output logic                entry_o,        // a frame enters the pipeline (cycle 0 of its latency)
  output logic [15:0]         entry_seq_o,
  output logic                tbl_taken_o,    // the eSwitch takes a table command
  output logic [31:0]         tbl_what_o,     // that command: {index, table, op}
  output logic                tbl_done_o,     // it answers the one before
  output logic [3:0]          tbl_status_o,
  output logic                dec_valid_o,
  output logic                cmd_valid_o,
  output logic                loss_valid_o,   // any of the three
  output logic [24*32-1:0]    dec_o,
  output logic [22*32-1:0]    cmd_o,
  output logic [31:0]         loss_host_o,
  output logic [31:0]         loss_rep_o,
  output logic [31:0]         loss_other_o
);
  trace_dec_t  dec;
  trace_cmd_t  cmd;
  trace_loss_t loss_host, loss_rep, loss_other;

  // Who drives the host stream.
  logic [N_VF-1:0]     host_req, rx_ready, vq_req, vq_rx_ready;
  logic                grant_ready, vq_grant_ready;
  logic                tx_tvalid, vq_tvalid, tx_tready, tx_tlast, vq_tlast, tx_tuser, vq_tuser;
  logic [DATA_W-1:0]   tx_tdata, vq_tdata;
  logic [DATA_W/8-1:0] tx_tkeep, vq_tkeep;
  port_t               tx_tdest, vq_tdest;
  logic                rx_tready, vq_rx_tready;
  len_t                rx_len;
  logic                nic_idle, vq_idle;

  assign host_req    = rings_i ? vq_req : host_req_i[N_VF-1:0];
  assign rx_ready    = rings_i ? vq_rx_ready : host_rx_ready_i[N_VF-1:0];
  assign grant_ready = rings_i ? vq_grant_ready : host_grant_ready_i;
  assign tx_tvalid   = rings_i ? vq_tvalid : s_host_tvalid_i;
  assign tx_tdata    = rings_i ? vq_tdata : s_host_tdata_i;
  assign tx_tkeep    = rings_i ? vq_tkeep : s_host_tkeep_i;
  assign tx_tlast    = rings_i ? vq_tlast : s_host_tlast_i;
  assign tx_tuser    = rings_i ? vq_tuser : s_host_tuser_i;
  assign tx_tdest    = rings_i ? vq_tdest : s_host_tdest_i;
  assign rx_tready   = rings_i ? vq_rx_tready : m_host_tready_i;

  assign s_host_tready_o  = tx_tready;
  assign idle_o           = nic_idle && (!rings_i || vq_idle);
  assign host_tvalid_o    = tx_tvalid;
  assign host_tready_o    = tx_tready;
  assign host_tdata_o     = tx_tdata;
  assign host_tkeep_o     = tx_tkeep;
  assign host_tlast_o     = tx_tlast;
  assign host_tuser_o     = tx_tuser;
  assign host_tdest_o     = tx_tdest;
  assign host_rx_tready_o = rx_tready;

  logic        vf_req, vf_we, vf_ack, pf_req, pf_we, pf_ack;
  logic [7:0]  vf_fn;
  logic [15:0] vf_addr;
  logic [12:0] pf_addr;
  logic [31:0] vf_wdata, vf_wmask, vf_rdata, pf_wdata, pf_rdata;

  guest_to_core_t guest_to_core;
  core_to_guest_t core_to_guest;

  hp_nic #(
    .DATA_W   (DATA_W),
    .N_VF     (N_VF),
    .N_QP     (N_QP),
    .MAC_DEPTH(MAC_DEPTH),
    .FLOW_DEPTH(FLOW_DEPTH),
    .TCM_KIB  (TCM_KIB),
    .VIRTQ    (1'b1)
  ) nic (
    .guest_i           (guest_to_core),
    .guest_o           (core_to_guest),
    .host_req_i        (host_req),
    .host_rx_ready_i   (rx_ready),
    .host_grant_ready_i(grant_ready),
    .s_host_tvalid_i   (tx_tvalid),
    .s_host_tready_o   (tx_tready),
    .s_host_tdata_i    (tx_tdata),
    .s_host_tkeep_i    (tx_tkeep),
    .s_host_tlast_i    (tx_tlast),
    .s_host_tuser_i    (tx_tuser),
    .s_host_tdest_i    (tx_tdest),
    .m_host_tready_i   (rx_tready),
    .m_host_len_o      (rx_len),
    .vf_req_o          (vf_req),
    .vf_we_o           (vf_we),
    .vf_fn_o           (vf_fn),
    .vf_addr_o         (vf_addr),
    .vf_wdata_o        (vf_wdata),
    .vf_wmask_o        (vf_wmask),
    .vf_ack_i          (vf_ack),
    .vf_rdata_i        (vf_rdata),
    .pf_req_o          (pf_req),
    .pf_we_o           (pf_we),
    .pf_addr_o         (pf_addr),
    .pf_wdata_o        (pf_wdata),
    .pf_ack_i          (pf_ack),
    .pf_rdata_i        (pf_rdata),
    .idle_o            (nic_idle),
    .trace_dec_o       (dec),
    .trace_cmd_o       (cmd),
    .trace_loss_host_o (loss_host),
    .trace_loss_rep_o  (loss_rep),
    .trace_loss_other_o(loss_other),
    .*
  );

  logic [N_VF-1:0] flr_done;
  assign flr_done_o = 64'(flr_done);

  // The clock of hp_virtio stands from 16 clocks after it was idle, when what hp_tx_rate began is through too (a
  // bucket's turn and the look at it: 12), until somebody asks anything of it, or a frame comes: half of a model's code
  // then never runs. Buckets of VFs with a limit fill up with the clock.
  logic        virtio_asked, virtio_runs, virtio_clk;
  logic [15:0] virtio_asked_q;
  assign virtio_asked = !rst_ni || vf_req || pf_req || core_to_guest.rd || core_to_guest.answer ||
                        core_to_guest.forget || |flr_req_i || !vq_idle ||
                        (rings_i && (m_host_tvalid_o || host_grant_valid_o || |virtio.u_rate.limited_q));
  always_ff @(posedge clk_i) virtio_asked_q <= {virtio_asked_q[14:0], virtio_asked};
  always_latch if (!clk_i) virtio_runs = virtio_asked || |virtio_asked_q;
  assign virtio_clk = clk_i && virtio_runs;

  hp_virtio #(
    .DATA_W(DATA_W),
    .N_VF  (N_VF),
    .N_QP  (N_QP)
  ) virtio (
    .clk_i             (virtio_clk),
    .guest_o           (guest_to_core),
    .guest_i           (core_to_guest),
    .vf_req_i          (vf_req),
    .vf_we_i           (vf_we),
    .vf_fn_i           (vf_fn),
    .vf_addr_i         (vf_addr),
    .vf_wdata_i        (vf_wdata),
    .vf_wmask_i        (vf_wmask),
    .vf_ack_o          (vf_ack),
    .vf_rdata_o        (vf_rdata),
    .pf_req_i          (pf_req),
    .pf_we_i           (pf_we),
    .pf_addr_i         (pf_addr),
    .pf_wdata_i        (pf_wdata),
    .pf_ack_o          (pf_ack),
    .pf_rdata_o        (pf_rdata),
    .flr_req_i         (flr_req_i[N_VF-1:0]),
    .flr_done_o        (flr_done),
    .msix_enable_i     (msix_enable_i[N_VF-1:0]),
    .msix_mask_i       (msix_mask_i[N_VF-1:0]),
    .host_req_o        (vq_req),
    .host_grant_valid_i(host_grant_valid_o && rings_i),
    .host_grant_ready_o(vq_grant_ready),
    .host_grant_vport_i(host_grant_vport_o),
    .tx_tvalid_o       (vq_tvalid),
    .tx_tready_i       (tx_tready && rings_i),
    .tx_tdata_o        (vq_tdata),
    .tx_tkeep_o        (vq_tkeep),
    .tx_tlast_o        (vq_tlast),
    .tx_tuser_o        (vq_tuser),
    .tx_tdest_o        (vq_tdest),
    .host_rx_ready_o   (vq_rx_ready),
    .rx_tvalid_i       (m_host_tvalid_o && rings_i),
    .rx_tready_o       (vq_rx_tready),
    .rx_tdata_i        (m_host_tdata_o),
    .rx_tkeep_i        (m_host_tkeep_o),
    .rx_tlast_i        (m_host_tlast_o),
    .rx_tdest_i        (m_host_tdest_o),
    .rx_len_i          (rx_len),
    .idle_o            (vq_idle),
    .*
  );

  assign entry_o      = nic.u_eswitch.pl_valid && nic.u_eswitch.pl_sof;
  assign entry_seq_o  = nic.u_eswitch.pl_meta.seq;
  assign tbl_taken_o  = nic.u_eswitch.tbl_req_valid_i && nic.u_eswitch.tbl_req_ready_o;
  assign tbl_what_o   = {nic.u_eswitch.tbl_req_i.index, 8'd0, nic.u_eswitch.tbl_req_i.tbl,
                         nic.u_eswitch.tbl_req_i.op};
  assign tbl_done_o   = nic.u_eswitch.tbl_rsp_valid_o;
  assign tbl_status_o = nic.u_eswitch.tbl_rsp_o.status;
  assign dec_valid_o  = dec.valid;
  assign cmd_valid_o  = cmd.valid;
  assign loss_valid_o = loss_host.valid | loss_rep.valid | loss_other.valid;

  assign dec_o = {
    14'd0, dec.told, dec.flow_hit, dec.flow_handle,                 // 23
    dec.key.dport, dec.key.sport,                                   // 22
    dec.key.ip_dst,                                                 // 18..21
    dec.key.ip_src,                                                 // 14..17
    8'd0, dec.key.proto, dec.key.sa,                                // 12, 13
    dec.key.ethertype, dec.key.da,                                  // 10, 11
    4'd0, dec.key.vvlan, 9'd0, dec.key.src,                         // 9
    dec.time_q,                                                     // 7, 8
    dec.targets,                                                    // 5, 6
    4'd0, dec.meta.vvlan, 4'd0, dec.vvlan,                          // 4
    2'd0, dec.len, 2'd0, dec.meta.len,                              // 3
    2'd0, dec.meta.tomb_reason, dec.meta.slot, dec.vvidx,           // 2
    dec.key.is_v6, dec.key.unkeyable, dec.key_valid, dec.served, dec.to_uplink,
    dec.vvidx_valid, dec.meta.tomb, dec.meta.direct, dec.meta.nopunt, dec.meta.core,
    dec.meta.count, dec.meta.seq,                                   // 1
    5'd0, dec.kind, 2'd0, dec.reason, 1'b0, dec.meta.direct_port, 1'b0, dec.meta.src  // 0
  };

  assign cmd_o = {
    32'd0,                                                          // 21
    20'd0, cmd.flow_key,                                            // 7..20
    cmd.data,                                                       // 1..6
    cmd.index, 4'd0, cmd.status, cmd.tbl, cmd.op                    // 0
  };

  function automatic logic [31:0] loss_word(trace_loss_t l);
    return {l.valid, 1'b0, l.reason, 1'b0, l.port, l.seq};
  endfunction
  assign loss_host_o  = loss_word(loss_host);
  assign loss_rep_o   = loss_word(loss_rep);
  assign loss_other_o = loss_word(loss_other);
endmodule
