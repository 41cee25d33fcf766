// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// EtherType filters: the one with the lowest index that matches a frame's VF and EtherType says
// which queue. Latency 2 from the key, one key per clock.
//
// A filter is one word: `[15:0]` EtherType `[22:16]` VF `[30:24]` queue `[31]` enable. A word that
// names no VF or no queue of this NIC is taken without `enable`. Words change only while no key is
// under way.

`include "hp_assert.svh"

module hp_rx_ethertype
  import hp_pkg::*, hp_vio_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  parameter int unsigned N_ETHERTYPE = 8,
  localparam int unsigned IdxW = (N_ETHERTYPE > 1) ? $clog2(N_ETHERTYPE) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            cfg_we_i,
  input  logic [IdxW-1:0] cfg_idx_i,
  input  logic [31:0]     cfg_wdata_i,
  output logic [31:0]     cfg_rdata_o,

  input  logic            valid_i,
  input  port_t           vf_i,
  input  logic [15:0]     ethertype_i,
  output logic            hit_o,
  output qp_t             queue_o
);
  typedef struct packed {
    logic        enable;
    qp_t         qp;
    logic        zero;
    port_t       vf;
    logic [15:0] ethertype;
  } filter_t;

  filter_t [N_ETHERTYPE-1:0] filter_q;
  filter_t                   word;
  logic [N_ETHERTYPE-1:0]    match_q;
  logic                      hit;
  qp_t                       qp;

  always_comb begin
    word        = cfg_wdata_i;
    word.zero   = 1'b0;
    word.enable = cfg_wdata_i[31] && 32'(word.vf) < N_VF && 32'(word.qp) < N_QP;
    hit         = 1'b0;
    qp          = '0;
    for (int i = int'(N_ETHERTYPE) - 1; i >= 0; i--) begin
      if (match_q[i]) begin
        hit   = 1'b1;
        qp    = filter_q[i].qp;
      end
    end
  end
  assign cfg_rdata_o = filter_q[cfg_idx_i];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      filter_q <= '0;
    end else if (cfg_we_i) begin
      filter_q[cfg_idx_i] <= word;
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < N_ETHERTYPE; i++) begin
      match_q[i] <= filter_q[i].enable && filter_q[i].vf == vf_i &&
                    filter_q[i].ethertype == ethertype_i;
    end
    if (!valid_i) match_q <= '0;
    hit_o   <= hit;
    queue_o <= qp;
  end

  logic unused_bit;
  assign unused_bit = cfg_wdata_i[23];

  `HP_ASSERT_INIT(Shape_A, N_ETHERTYPE >= 1 && N_ETHERTYPE <= 48)
endmodule
