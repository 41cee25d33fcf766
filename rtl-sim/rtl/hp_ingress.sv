// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The three ingresses and their arbiter: wire, host stream and core in, one gapless stream of whole frames
// and tombstones out (`pl_*`), numbered in order. The wire is never held back, the other two are.
// The core stream carries complete good frames; its meta holds for all beats of a frame.

`include "hp_assert.svh"

module hp_ingress import hp_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8,
  parameter int unsigned STORE_BEATS = 512 * 512 / DATA_W  // per store, a power of two
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic [N_VF-1:0]     vswitch_mask_i,

  input  logic [N_VF-1:0]     host_req_i,
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

  input  logic                s_wire_tvalid_i,
  output logic                s_wire_tready_o,
  input  logic [DATA_W-1:0]   s_wire_tdata_i,
  input  logic [DATA_W/8-1:0] s_wire_tkeep_i,
  input  logic                s_wire_tlast_i,
  input  logic                s_wire_tuser_i,

  input  logic                core_valid_i,
  output logic                core_ready_o,
  input  logic [DATA_W-1:0]   core_data_i,
  input  logic                core_sof_i,
  input  logic                core_eof_i,
  input  frame_meta_t         core_meta_i,

  input  logic                stall_host_i,
  input  logic                stall_all_i,

  output logic                pl_valid_o,
  output logic                pl_sof_o,
  output logic                pl_eof_o,
  output logic [DATA_W-1:0]   pl_data_o,
  output frame_meta_t         pl_meta_o,

  output logic                busy_o
);
  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned CoreBeats = 1 << $clog2((MaxFrame + 8 + Bytes - 1) / Bytes);

  logic              up_valid, up_eof, up_pop, up_busy;
  logic              host_valid, host_eof, host_pop, host_busy;
  logic              core_valid, core_eof, core_pop, core_full;
  frame_meta_t       up_meta, host_meta, core_meta;
  logic [DATA_W-1:0] up_data, host_data, core_data;
  logic [$clog2(CoreBeats):0] core_count;

  hp_host_sched #(
    .DATA_W(DATA_W),
    .N_VF  (N_VF)
  ) u_sched (
    .clk_i,
    .rst_ni,
    .host_req_i,
    .host_grant_valid_o,
    .host_grant_ready_i,
    .host_grant_vport_o,
    .beat_i      (s_host_tvalid_i && s_host_tready_o),
    .beat_vport_i(s_host_tdest_i)
  );

  hp_ingress_store #(
    .DATA_W  (DATA_W),
    .N_VF    (N_VF),
    .BEATS   (STORE_BEATS),
    .UPLINK  (1'b1),
    .LOSSLESS(1'b0)
  ) u_up (
    .clk_i,
    .rst_ni,
    .vswitch_mask_i('0),
    .s_tvalid_i    (s_wire_tvalid_i),
    .s_tready_o    (s_wire_tready_o),
    .s_tdata_i     (s_wire_tdata_i),
    .s_tkeep_i     (s_wire_tkeep_i),
    .s_tlast_i     (s_wire_tlast_i),
    .s_tuser_i     (s_wire_tuser_i),
    .s_tdest_i     (PortUplink),
    .valid_o       (up_valid),
    .meta_o        (up_meta),
    .data_o        (up_data),
    .eof_o         (up_eof),
    .pop_i         (up_pop),
    .busy_o        (up_busy)
  );

  hp_ingress_store #(
    .DATA_W  (DATA_W),
    .N_VF    (N_VF),
    .BEATS   (STORE_BEATS),
    .UPLINK  (1'b0),
    .LOSSLESS(1'b1)
  ) u_host (
    .clk_i,
    .rst_ni,
    .vswitch_mask_i,
    .s_tvalid_i(s_host_tvalid_i),
    .s_tready_o(s_host_tready_o),
    .s_tdata_i (s_host_tdata_i),
    .s_tkeep_i (s_host_tkeep_i),
    .s_tlast_i (s_host_tlast_i),
    .s_tuser_i (s_host_tuser_i),
    .s_tdest_i (s_host_tdest_i),
    .valid_o   (host_valid),
    .meta_o    (host_meta),
    .data_o    (host_data),
    .eof_o     (host_eof),
    .pop_i     (host_pop),
    .busy_o    (host_busy)
  );

  // Commit at the end of a frame: only whole frames are offered.
  hp_spec_fifo #(
    .WIDTH(DATA_W + 1 + $bits(frame_meta_t)),
    .DEPTH(CoreBeats)
  ) u_core (
    .clk_i,
    .rst_ni,
    .push_i    (core_valid_i && core_ready_o),
    .data_i    ({core_eof_i, core_meta_i, core_data_i}),
    .commit_i  (core_valid_i && core_ready_o && core_eof_i),
    .rollback_i(1'b0),
    .full_o    (core_full),
    .pop_i     (core_pop),
    .valid_o   (core_valid),
    .data_o    ({core_eof, core_meta, core_data}),
    .count_o   (core_count)
  );

  assign core_ready_o = !core_full;

  hp_arb #(
    .DATA_W(DATA_W)
  ) u_arb (
    .clk_i,
    .rst_ni,
    .stall_host_i,
    .stall_all_i,
    .up_valid_i  (up_valid),
    .up_meta_i   (up_meta),
    .up_data_i   (up_data),
    .up_eof_i    (up_eof),
    .up_pop_o    (up_pop),
    .host_valid_i(host_valid),
    .host_meta_i (host_meta),
    .host_data_i (host_data),
    .host_eof_i  (host_eof),
    .host_pop_o  (host_pop),
    .core_valid_i(core_valid),
    .core_meta_i (core_meta),
    .core_data_i (core_data),
    .core_eof_i  (core_eof),
    .core_pop_o  (core_pop),
    .pl_valid_o,
    .pl_sof_o,
    .pl_eof_o,
    .pl_data_o,
    .pl_meta_o
  );

  assign busy_o = up_busy || host_busy || core_count != '0 || pl_valid_o;

`ifdef SYNTHESIS
  logic unused_sof;
  assign unused_sof = core_sof_i;
`else
  // The core's frames: one sof, at the start; tombstones are one beat.
  logic core_inside_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) core_inside_q <= 1'b0;
    else if (core_valid_i && core_ready_o) core_inside_q <= !core_eof_i;
  end
`endif

  `HP_ASSERT(CoreFraming_A, !core_valid_i || core_sof_i == !core_inside_q)
  `HP_ASSERT(CoreTomb_A, !core_valid_i || !core_meta_i.tomb || (core_sof_i && core_eof_i))
  `HP_ASSERT(Ungranted_A, !s_host_tvalid_i || 32'(s_host_tdest_i) < N_VF)
endmodule
