// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The virtio host side: a virtio-net device per VF on the NIC's host stream, one AXI4 master to host memory.
// docs/src/architecture/virtio.md says what its parts promise one another.

module hp_virtio import hp_pkg::*, hp_vio_pkg::*, hp_soc_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF   = 8,
  parameter int unsigned N_QP   = 32,
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // Accesses to BAR 0 of VFs, and to the PF's window: one at a time; req for one clock, ack then or later.
  input  logic              vf_req_i,
  input  logic              vf_we_i,
  input  fn_t               vf_fn_i,
  input  logic [15:0]       vf_addr_i,
  input  logic [31:0]       vf_wdata_i,
  input  logic [31:0]       vf_wmask_i,
  output logic              vf_ack_o,
  output logic [31:0]       vf_rdata_o,
  input  logic              pf_req_i,
  input  logic              pf_we_i,
  input  logic [12:0]       pf_addr_i,        // byte offset in the window
  input  logic [31:0]       pf_wdata_i,
  output logic              pf_ack_o,
  output logic [31:0]       pf_rdata_o,

  // Function-level reset: done follows req, and falls with it.
  input  logic [N_VF-1:0]   flr_req_i,
  output logic [N_VF-1:0]   flr_done_o,

  // MSI-X as PCI configuration space has it: enable, function mask.
  input  logic [N_VF-1:0]   msix_enable_i,
  input  logic [N_VF-1:0]   msix_mask_i,

  // Requests on control queues, to the firmware.
  output guest_to_core_t    guest_o,
  input  core_to_guest_t    guest_i,

  // To the NIC: its host stream.
  output logic [N_VF-1:0]   host_req_o,
  input  logic              host_grant_valid_i,
  output logic              host_grant_ready_o,
  input  port_t             host_grant_vport_i,
  output logic              tx_tvalid_o,
  input  logic              tx_tready_i,
  output logic [DATA_W-1:0] tx_tdata_o,
  output logic [Bytes-1:0]  tx_tkeep_o,
  output logic              tx_tlast_o,
  output logic              tx_tuser_o,
  output port_t             tx_tdest_o,
  output logic [N_VF-1:0]   host_rx_ready_o,
  input  logic              rx_tvalid_i,
  output logic              rx_tready_o,
  input  logic [DATA_W-1:0] rx_tdata_i,
  input  logic [Bytes-1:0]  rx_tkeep_i,
  input  logic              rx_tlast_i,
  input  port_t             rx_tdest_i,
  input  len_t              rx_len_i,         // of the whole frame on the bus, from its first beat on

  // AXI4 master to host memory.
  output logic              m_axi_awvalid_o,
  input  logic              m_axi_awready_i,
  output logic [63:0]       m_axi_awaddr_o,
  output logic [7:0]        m_axi_awlen_o,
  output dma_user_t         m_axi_awuser_o,
  output logic              m_axi_wvalid_o,
  input  logic              m_axi_wready_i,
  output logic [DATA_W-1:0] m_axi_wdata_o,
  output logic [Bytes-1:0]  m_axi_wstrb_o,
  output logic              m_axi_wlast_o,
  input  logic              m_axi_bvalid_i,
  output logic              m_axi_bready_o,
  input  logic [1:0]        m_axi_bresp_i,
  output logic              m_axi_arvalid_o,
  input  logic              m_axi_arready_i,
  output logic [63:0]       m_axi_araddr_o,
  output logic [7:0]        m_axi_arlen_o,
  output dma_user_t         m_axi_aruser_o,
  input  logic              m_axi_rvalid_i,
  output logic              m_axi_rready_o,
  input  logic [DATA_W-1:0] m_axi_rdata_i,
  input  logic [1:0]        m_axi_rresp_i,
  input  logic              m_axi_rlast_i,

  output logic              idle_o            // no command, frame or request under way
);
  logic                 qcmd_valid, qcmd_ready, bell_valid, qerr_valid, irq_valid, irq_ready;
  logic                 msg_valid, msg_ready, nobuf_valid, refused_valid, regs_idle, vq_idle;
  vq_cmd_t              qcmd;
  qid_t                 bell_q, qerr_q, irq_q;
  logic [N_VF-1:0]      vf_live;
  vf_pairs_t [N_VF-1:0] vf_pairs;
  logic [7:0]           qerr_code;
  msg_t                 msg;
  port_t                nobuf_vport, refused_vport, pairs_vport;
  qp_t [N_VF-1:0]       vf_pool;
  logic                 regs_ack, steer_ack, rate_set;
  logic [5:0]           rate_vf;
  logic [31:0]          rate;
  logic [N_VF-1:0]      rings_req;
  logic [31:0]          regs_rdata, steer_rdata;
  logic                 pairs_set, announced, filtered_valid;
  port_t                filtered_vport;
  logic [N_VF-1:0]      vlan_filter;
  qp_t                  pairs;
  logic [N_VF-1:0]      reset, gone_q;
  guest_to_core_t       guest;

  hp_vio_regs #(.N_VF(N_VF), .N_QP(N_QP), .CTRL_VQ(1'b1), .MQ(1'b1)) u_regs (
    .clk_i, .rst_ni,
    .vf_req_i, .vf_we_i, .vf_fn_i, .vf_addr_i, .vf_wdata_i, .vf_wmask_i, .vf_ack_o, .vf_rdata_o,
    .pf_req_i       (pf_req_i && !pf_addr_i[12]),
    .pf_we_i,
    .pf_addr_i      (pf_addr_i[11:0]),
    .pf_wdata_i,
    .pf_ack_o       (regs_ack),
    .pf_rdata_o     (regs_rdata),
    .flr_req_i, .flr_done_o,
    .reset_o        (reset),
    .msix_enable_i, .msix_mask_i,
    .qcmd_valid_o   (qcmd_valid),
    .qcmd_ready_i   (qcmd_ready),
    .qcmd_o         (qcmd),
    .bell_valid_o   (bell_valid),
    .bell_q_o       (bell_q),
    .vf_live_o      (vf_live),
    .vf_pairs_o     (vf_pairs),
    .vf_pool_o      (vf_pool),
    .vlan_filter_o  (vlan_filter),
    .pairs_set_i    (pairs_set),
    .pairs_vport_i  (pairs_vport),
    .pairs_i        (pairs),
    .announced_i    (announced),
    .qerr_valid_i   (qerr_valid),
    .qerr_q_i       (qerr_q),
    .qerr_code_i    (qerr_code),
    .rate_set_o     (rate_set),
    .rate_vf_o      (rate_vf),
    .rate_o         (rate),
    .irq_valid_i    (irq_valid),
    .irq_ready_o    (irq_ready),
    .irq_q_i        (irq_q),
    .msg_valid_o    (msg_valid),
    .msg_ready_i    (msg_ready),
    .msg_o          (msg),
    .nobuf_valid_i  (nobuf_valid),
    .nobuf_vport_i  (nobuf_vport),
    .refused_valid_i(refused_valid),
    .refused_vport_i(refused_vport),
    .filtered_valid_i(filtered_valid),
    .filtered_vport_i(filtered_vport),
    .idle_o         (regs_idle)
  );

  hp_vq #(.DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP)) u_vq (
    .clk_i, .rst_ni,
    .qcmd_valid_i   (qcmd_valid),
    .qcmd_ready_o   (qcmd_ready),
    .qcmd_i         (qcmd),
    .bell_valid_i   (bell_valid),
    .bell_q_i       (bell_q),
    .vf_live_i      (vf_live),
    .vf_pairs_i     (vf_pairs),
    .vf_reset_i     (reset),
    .vlan_filter_i  (vlan_filter),
    .steer_req_i    (pf_req_i && pf_addr_i[12]),
    .steer_we_i     (pf_we_i),
    .steer_addr_i   (pf_addr_i[11:0]),
    .steer_wdata_i  (pf_wdata_i),
    .steer_ack_o    (steer_ack),
    .steer_rdata_o  (steer_rdata),
    .qerr_valid_o   (qerr_valid),
    .qerr_q_o       (qerr_q),
    .qerr_code_o    (qerr_code),
    .irq_valid_o    (irq_valid),
    .irq_ready_i    (irq_ready),
    .irq_q_o        (irq_q),
    .msg_valid_i    (msg_valid),
    .msg_ready_o    (msg_ready),
    .msg_i          (msg),
    .nobuf_valid_o  (nobuf_valid),
    .nobuf_vport_o  (nobuf_vport),
    .refused_valid_o(refused_valid),
    .refused_vport_o(refused_vport),
    .filtered_valid_o(filtered_valid),
    .filtered_vport_o(filtered_vport),
    .vf_pool_i      (vf_pool),
    .guest_o        (guest),
    .guest_i,
    .pairs_set_o    (pairs_set),
    .pairs_vport_o  (pairs_vport),
    .pairs_o        (pairs),
    .announced_o    (announced),
    .host_req_o     (rings_req),
    .host_grant_valid_i, .host_grant_ready_o, .host_grant_vport_i,
    .tx_tvalid_o, .tx_tready_i, .tx_tdata_o, .tx_tkeep_o, .tx_tlast_o, .tx_tuser_o, .tx_tdest_o,
    .host_rx_ready_o,
    .rx_tvalid_i, .rx_tready_o, .rx_tdata_i, .rx_tkeep_i, .rx_tlast_i, .rx_tdest_i, .rx_len_i,
    .m_axi_awvalid_o, .m_axi_awready_i, .m_axi_awaddr_o, .m_axi_awlen_o, .m_axi_awuser_o,
    .m_axi_wvalid_o, .m_axi_wready_i, .m_axi_wdata_o, .m_axi_wstrb_o, .m_axi_wlast_o,
    .m_axi_bvalid_i, .m_axi_bready_o, .m_axi_bresp_i,
    .m_axi_arvalid_o, .m_axi_arready_i, .m_axi_araddr_o, .m_axi_arlen_o, .m_axi_aruser_o,
    .m_axi_rvalid_i, .m_axi_rready_o, .m_axi_rdata_i, .m_axi_rresp_i, .m_axi_rlast_i,
    .idle_o         (vq_idle)
  );

  // What the guest of a VF that was reset had asked for is to be forgotten. The core may be in reset itself meanwhile.
  for (genvar v = 0; v < int'(N_VF); v++) begin : gen_gone
    always_ff @(posedge clk_i) begin
      if (!rst_ni) gone_q[v] <= 1'b0;
      else if (reset[v]) gone_q[v] <= 1'b1;
      else if (guest_i.forget && guest_i.forget_vport == 6'(v)) gone_q[v] <= 1'b0;
    end
  end
  always_comb begin
    guest_o      = guest;
    guest_o.gone = 64'(gone_q);
  end

  hp_tx_rate #(.DATA_W(DATA_W), .N_VF(N_VF)) u_rate (
    .clk_i, .rst_ni,
    .set_i        (rate_set),
    .set_vf_i     (rate_vf),
    .set_rate_i   (rate),
    .host_req_i   (rings_req),
    .host_req_o,
    .grant_i      (host_grant_valid_i && host_grant_ready_o),
    .grant_vport_i(host_grant_vport_i),
    .beat_i       (tx_tvalid_o && tx_tready_i),
    .beat_last_i  (tx_tlast_o),
    .beat_keep_i  (tx_tkeep_o),
    .beat_vport_i (tx_tdest_o)
  );

  assign pf_ack_o   = regs_ack || steer_ack;
  assign pf_rdata_o = steer_ack ? steer_rdata : regs_rdata;
  assign idle_o     = regs_idle && vq_idle;
endmodule
