// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The five-tuple filters: all are compared at once; of those that match, the highest priority wins,
// then the lowest index. Latency 7 from the key, one key per clock. What software wrote is kept in
// a RAM for reading back (latency 2), where `enable` shows what became of it.

`include "hp_assert.svh"

module hp_rx_filters
  import hp_pkg::*, hp_vio_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  parameter int unsigned N_FILTER = 32,
  localparam int unsigned IdxW = (N_FILTER > 1) ? $clog2(N_FILTER) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            cfg_req_i,      // for one clock
  input  logic            cfg_we_i,
  input  logic [IdxW-1:0] cfg_idx_i,      // stays for two clocks more
  input  logic [3:0]      cfg_word_i,
  input  logic [31:0]     cfg_wdata_i,
  output logic [31:0]     cfg_rdata_o,

  input  logic            valid_i,
  input  port_t           vf_i,
  input  flow_key_t       key_i,
  input  logic            ip_i,
  input  logic            ports_i,
  output logic            hit_o,
  output qp_t             queue_o
);
  // Stages count from the key: matches at 2, then which priorities there are, who has the highest,
  // who is first of those, its queue.
  logic [N_FILTER-1:0]      enable, match_2, match_3_q, best_4_q, first_5_q;
  logic [N_FILTER-1:0][2:0] prio;
  qp_t  [N_FILTER-1:0]      queue;
  logic [7:0]               levels_d, levels_3_q;
  logic [2:0]               top;
  logic                     hit_6_q;
  qp_t                      queue_d, queue_6_q;

  for (genvar f = 0; f < N_FILTER; f++) begin : gen_filter
    hp_rx_filter #(.N_VF(N_VF), .N_QP(N_QP)) u_filter (
      .clk_i,
      .rst_ni,
      .cfg_we_i   (cfg_req_i && cfg_we_i && 32'(cfg_idx_i) == f),
      .cfg_word_i,
      .cfg_wdata_i,
      .enable_o   (enable[f]),
      .valid_i,
      .vf_i,
      .key_i,
      .ip_i,
      .ports_i,
      .match_o    (match_2[f]),
      .prio_o     (prio[f]),
      .queue_o    (queue[f])
    );
  end

  always_comb begin
    levels_d = '0;
    queue_d  = '0;
    top      = '0;
    for (int unsigned f = 0; f < N_FILTER; f++) begin
      if (match_2[f]) levels_d[prio[f]] = 1'b1;
      if (first_5_q[f]) queue_d |= queue[f];
    end
    for (int unsigned p = 0; p < 8; p++) if (levels_3_q[p]) top = 3'(p);
  end

  always_ff @(posedge clk_i) begin
    match_3_q  <= match_2;
    levels_3_q <= levels_d;
    for (int unsigned f = 0; f < N_FILTER; f++) best_4_q[f] <= match_3_q[f] && prio[f] == top;
    first_5_q  <= best_4_q & (~best_4_q + 1'b1);
    hit_6_q    <= |first_5_q;
    queue_6_q  <= queue_d;
    hit_o      <= hit_6_q;
    queue_o    <= queue_6_q;
  end

  // Reading back.
  logic [31:0] kept;
  hp_ram_1r1w #(.WIDTH(32), .DEPTH(N_FILTER * 16)) u_kept (
    .clk_i,
    .we_i   (cfg_req_i && cfg_we_i && cfg_word_i < 4'd11),
    .waddr_i({cfg_idx_i, cfg_word_i}),
    .wdata_i(cfg_wdata_i),
    .re_i   (cfg_req_i && !cfg_we_i),
    .raddr_i({cfg_idx_i, cfg_word_i}),
    .rdata_o(kept)
  );
  assign cfg_rdata_o = {cfg_word_i == 4'd10 ? enable[cfg_idx_i] : kept[31], kept[30:0]};

  `HP_ASSERT_INIT(Shape_A, N_FILTER >= 2 && N_FILTER <= 32)
  `HP_ASSERT(Index_A, !cfg_req_i || 32'(cfg_idx_i) < N_FILTER)
endmodule
