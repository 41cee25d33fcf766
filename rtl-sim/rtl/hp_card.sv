// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The whole card for a board: hp_nic and, on its host stream, hp_virtio. What is outside is PCIe (AXI4-Lite for BARs,
// AXI4 for host memory, resets and MSI-X bits of configuration space) and the port.
// docs/src/architecture/virtio.md

module hp_card import hp_pkg::*, hp_vio_pkg::*; #(
  parameter int unsigned DATA_W     = 512,
  parameter int unsigned N_VF       = 8,
  parameter int unsigned N_QP       = 32,
  parameter int unsigned MAC_DEPTH  = 1024,
  parameter int unsigned FLOW_DEPTH = 1024,
  parameter int unsigned TCM_KIB    = 64,
  parameter logic [31:0] BUILD_ID   = 32'd0,
  localparam int unsigned Bytes     = DATA_W / 8
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

  // Configuration space of the VFs: function-level reset (done follows req, and falls with it), MSI-X enable and
  // function mask.
  input  logic [N_VF-1:0]   flr_req_i,
  output logic [N_VF-1:0]   flr_done_o,
  input  logic [N_VF-1:0]   msix_enable_i,
  input  logic [N_VF-1:0]   msix_mask_i,

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

  output logic              core_sleep_o,
  output logic              idle_o
);
  logic              vf_req, vf_we, vf_ack, pf_req, pf_we, pf_ack, nic_idle, virtio_idle;
  fn_t               vf_fn;
  logic [15:0]       vf_addr;
  logic [11:0]       pf_addr;
  logic [31:0]       vf_wdata, vf_wmask, vf_rdata, pf_wdata, pf_rdata;
  logic [N_VF-1:0]   host_req, host_rx_ready;
  logic              grant_valid, grant_ready;
  port_t             grant_vport, tx_tdest, rx_tdest;
  logic              tx_tvalid, tx_tready, tx_tlast, tx_tuser, rx_tvalid, rx_tready, rx_tlast;
  logic [DATA_W-1:0] tx_tdata, rx_tdata;
  logic [Bytes-1:0]  tx_tkeep, rx_tkeep;
  len_t              rx_len;

  hp_nic #(
    .DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP), .MAC_DEPTH(MAC_DEPTH), .FLOW_DEPTH(FLOW_DEPTH), .TCM_KIB(TCM_KIB),
    .VIRTQ(1'b1), .BUILD_ID(BUILD_ID)
  ) u_nic (
    .clk_i, .rst_ni, .core_clk_i, .core_rst_ni, .time_i,
    .s_csr_fn_i, .s_csr_bar_i,
    .s_csr_awvalid_i, .s_csr_awready_o, .s_csr_awaddr_i,
    .s_csr_wvalid_i, .s_csr_wready_o, .s_csr_wdata_i, .s_csr_wstrb_i,
    .s_csr_bvalid_o, .s_csr_bready_i, .s_csr_bresp_o,
    .s_csr_arvalid_i, .s_csr_arready_o, .s_csr_araddr_i,
    .s_csr_rvalid_o, .s_csr_rready_i, .s_csr_rdata_o, .s_csr_rresp_o,
    .irq_o,
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
    .host_req_i        (host_req),
    .host_grant_valid_o(grant_valid),
    .host_grant_ready_i(grant_ready),
    .host_grant_vport_o(grant_vport),
    .s_host_tvalid_i   (tx_tvalid),
    .s_host_tready_o   (tx_tready),
    .s_host_tdata_i    (tx_tdata),
    .s_host_tkeep_i    (tx_tkeep),
    .s_host_tlast_i    (tx_tlast),
    .s_host_tuser_i    (tx_tuser),
    .s_host_tdest_i    (tx_tdest),
    .host_rx_ready_i   (host_rx_ready),
    .m_host_tvalid_o   (rx_tvalid),
    .m_host_tready_i   (rx_tready),
    .m_host_tdata_o    (rx_tdata),
    .m_host_tkeep_o    (rx_tkeep),
    .m_host_tlast_o    (rx_tlast),
    .m_host_tdest_o    (rx_tdest),
    .m_host_len_o      (rx_len),
    .s_wire_tvalid_i, .s_wire_tready_o, .s_wire_tdata_i, .s_wire_tkeep_i, .s_wire_tlast_i,
    .s_wire_tuser_i,
    .m_wire_tvalid_o, .m_wire_tready_i, .m_wire_tdata_o, .m_wire_tkeep_o, .m_wire_tlast_o,
    .core_sleep_o,
    .idle_o            (nic_idle),
    // Only the simulator has a use for these.
    /* verilator lint_off PINCONNECTEMPTY */
    .m_host_tid_o      (),
    .m_wire_tid_o      (),
    .trace_dec_o       (),
    .trace_cmd_o       (),
    .trace_loss_host_o (),
    .trace_loss_rep_o  (),
    .trace_loss_other_o()
    /* verilator lint_on PINCONNECTEMPTY */
  );

  hp_virtio #(.DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP)) u_virtio (
    .clk_i, .rst_ni,
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
    .flr_req_i, .flr_done_o, .msix_enable_i, .msix_mask_i,
    .host_req_o        (host_req),
    .host_grant_valid_i(grant_valid),
    .host_grant_ready_o(grant_ready),
    .host_grant_vport_i(grant_vport),
    .tx_tvalid_o       (tx_tvalid),
    .tx_tready_i       (tx_tready),
    .tx_tdata_o        (tx_tdata),
    .tx_tkeep_o        (tx_tkeep),
    .tx_tlast_o        (tx_tlast),
    .tx_tuser_o        (tx_tuser),
    .tx_tdest_o        (tx_tdest),
    .host_rx_ready_o   (host_rx_ready),
    .rx_tvalid_i       (rx_tvalid),
    .rx_tready_o       (rx_tready),
    .rx_tdata_i        (rx_tdata),
    .rx_tkeep_i        (rx_tkeep),
    .rx_tlast_i        (rx_tlast),
    .rx_tdest_i        (rx_tdest),
    .rx_len_i          (rx_len),
    .m_axi_awvalid_o, .m_axi_awready_i, .m_axi_awaddr_o, .m_axi_awlen_o, .m_axi_awuser_o,
    .m_axi_wvalid_o, .m_axi_wready_i, .m_axi_wdata_o, .m_axi_wstrb_o, .m_axi_wlast_o,
    .m_axi_bvalid_i, .m_axi_bready_o, .m_axi_bresp_i,
    .m_axi_arvalid_o, .m_axi_arready_i, .m_axi_araddr_o, .m_axi_arlen_o, .m_axi_aruser_o,
    .m_axi_rvalid_i, .m_axi_rready_o, .m_axi_rdata_i, .m_axi_rresp_i, .m_axi_rlast_i,
    .idle_o            (virtio_idle)
  );

  assign idle_o = nic_idle && virtio_idle;
endmodule
