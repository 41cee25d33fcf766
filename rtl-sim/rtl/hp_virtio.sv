// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The virtio host side: a virtio-net device per VF on the NIC's host stream, one AXI4 master to host memory.
// docs/src/architecture/virtio.md says what its parts promise one another.

module hp_virtio import hp_pkg::*, hp_vio_pkg::*; #(
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
  input  logic [11:0]       pf_addr_i,        // byte offset in the window
  input  logic [31:0]       pf_wdata_i,
  output logic              pf_ack_o,
  output logic [31:0]       pf_rdata_o,

  // Function-level reset: done follows req, and falls with it.
  input  logic [N_VF-1:0]   flr_req_i,
  output logic [N_VF-1:0]   flr_done_o,

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
endmodule
