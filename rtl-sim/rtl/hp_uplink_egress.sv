// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Decided frames to the wire: a FIFO, then the editor that adds the two NIC tags.
//
// Latency: two cycles from `eg_*` to `m_wire_*`. No backpressure to the pipeline: a frame that
// does not fit whole is lost (`uplink-full`). `stall_host_o` asks the arbiter for no more frames
// that could come here while a largest frame behind the beats in flight might not fit. A wire
// that has not moved for `StuckCycles` no longer holds the host back: its frames are then lost
// here.

`include "hp_assert.svh"

module hp_uplink_egress
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned BEATS  = 32768 / (DATA_W / 8),  // a power of two
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              eg_valid_i,
  input  logic              eg_sof_i,
  input  logic              eg_eof_i,
  input  logic [DATA_W-1:0] eg_data_i,
  input  egress_meta_t      eg_meta_i,
  output logic              stall_host_o,

  output logic              m_wire_tvalid_o,
  input  logic              m_wire_tready_i,
  output logic [DATA_W-1:0] m_wire_tdata_o,
  output logic [Bytes-1:0]  m_wire_tkeep_o,
  output logic              m_wire_tlast_o,
  output logic [15:0]       m_wire_tid_o,

  output cnt_out_t          cnt_out_o,
  output trace_loss_t       loss_o,
  output cnt_loss_t         cnt_loss_o,
  output logic              idle_o
);
  localparam int unsigned BeatW       = $clog2(Bytes);
  localparam int unsigned CountW      = $clog2(BEATS) + 1;
  localparam int unsigned FreeW    = CountW + BeatW;  // free beats in bytes
  localparam int unsigned InFlight    = 40;
  localparam int unsigned Reserve     = (MaxFrame + 8 + Bytes - 1) / Bytes + InFlight;
  localparam int unsigned StuckCycles = 4096;
  localparam int unsigned StuckW      = $clog2(StuckCycles + 1);

  typedef struct packed {
    logic        raw;
    logic [15:0] tpid;
    logic [2:0]  pcp;
    vlan_t       vlan;
    logic        served;
    vlan_t       vvlan;
    len_t        last;          // index of the last byte on the bus
    logic        single;        // one beat on the bus
    seq_t        seq;
    logic        vvidx_valid;
    logic [5:0]  vvidx;
  } meta_t;

  typedef struct packed {
    seq_t        seq;
    logic        vvidx_valid;
    logic [5:0]  vvidx;
  } user_t;

  // Admission, by whole frames. When a frame comes, all beats of the ones before are in the FIFO,
  // so the free beats need no promises; its length is compared with them in bytes, unrounded.
  logic [CountW-1:0] free_q;
  logic              here, fits, admit_q, push, pop;

  assign here = eg_valid_i && eg_meta_i.to_uplink;
  assign fits = !({free_q, BeatW'(0)} < FreeW'(eg_meta_i.len));
  assign push = here && (eg_sof_i ? fits : admit_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      free_q  <= CountW'(BEATS);
      admit_q <= 1'b0;
    end else begin
      if (pop && !push) free_q <= free_q + 1'b1;
      else if (push && !pop) free_q <= free_q - 1'b1;
      if (here && eg_sof_i) admit_q <= fits;
    end
  end

  always_ff @(posedge clk_i) begin
    loss_o.valid           <= rst_ni && here && eg_sof_i && !fits;
    loss_o.seq             <= eg_meta_i.seq;
    loss_o.port            <= PortUplink;
    loss_o.reason          <= hp_abi_pkg::RSN_UPLINK_FULL;
    cnt_loss_o.valid       <= rst_ni && here && eg_sof_i && !fits;
    cnt_loss_o.port        <= PortUplink;
    cnt_loss_o.vvidx_valid <= eg_meta_i.vvidx_valid;
    cnt_loss_o.vvidx       <= eg_meta_i.vvidx;
    cnt_loss_o.reason      <= hp_abi_pkg::RSN_UPLINK_FULL;
  end

  // FIFO. The meta data ride on every beat: frames may be one beat each, so a FIFO of their own
  // would have to be just as deep.
  meta_t             in_meta, out_meta;
  logic              fifo_full, fifo_valid, fifo_eof, edit_ready;
  logic [DATA_W-1:0] fifo_data;
  logic [CountW-1:0] fifo_count;

  len_t in_last;
  assign in_last = bus_last(eg_meta_i.len, eg_meta_i.raw ? 2'd0 : 2'd2);

  assign in_meta = '{
    raw: eg_meta_i.raw, tpid: eg_meta_i.tpid, pcp: eg_meta_i.pcp, vlan: eg_meta_i.vlan,
    served: eg_meta_i.served, vvlan: eg_meta_i.vvlan, last: in_last,
    single: 32'(in_last) < Bytes, seq: eg_meta_i.seq,
    vvidx_valid: eg_meta_i.vvidx_valid, vvidx: eg_meta_i.vvidx
  };

  hp_deep_fifo #(
    .WIDTH(DATA_W + 1 + $bits(meta_t)),
    .DEPTH(BEATS)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .push_i (push),
    .data_i ({in_meta, eg_eof_i, eg_data_i}),
    .full_o (fifo_full),
    .pop_i  (pop),
    .valid_o(fifo_valid),
    .data_o ({out_meta, fifo_eof, fifo_data}),
    .count_o(fifo_count)
  );

  assign pop = fifo_valid && edit_ready;

  // Tags: outer {tpid, pcp, DEI 0, vlan}, inner {0x8100, pcp, served, vvlan}; the first byte is
  // [7:0].
  logic [63:0] tag;
  logic [15:0] outer, inner;
  user_t       in_user, out_user;
  len_t        out_len;

  assign outer = {out_meta.pcp, 1'b0, out_meta.vlan};
  assign inner = {out_meta.pcp, out_meta.served, out_meta.vvlan};
  assign tag   = {inner[7:0], inner[15:8], 16'h0081,
                  outer[7:0], outer[15:8], out_meta.tpid[7:0], out_meta.tpid[15:8]};
  assign in_user = '{seq: out_meta.seq, vvidx_valid: out_meta.vvidx_valid, vvidx: out_meta.vvidx};

  hp_tag_edit #(
    .DATA_W(DATA_W),
    .USER_W($bits(user_t))
  ) u_edit (
    .clk_i,
    .rst_ni,
    .in_valid_i(fifo_valid),
    .in_ready_o(edit_ready),
    .in_sel_i  (1'b0),
    .in_data_i (fifo_data),
    .in_eof_i  (fifo_eof),
    .in_last_i  (out_meta.last),
    .in_single_i(out_meta.single),
    .in_ins_i  (out_meta.raw ? 2'd0 : 2'd2),
    .in_tag_i  (tag),
    .in_user_i (in_user),
    .m_tvalid_o(m_wire_tvalid_o),
    .m_tready_i(m_wire_tready_i),
    .m_tdata_o (m_wire_tdata_o),
    .m_tkeep_o (m_wire_tkeep_o),
    .m_tlast_o (m_wire_tlast_o),
    .m_len_o   (out_len),
    .m_user_o  (out_user)
  );

  assign m_wire_tid_o = out_user.seq;

  logic unused_meta;
  assign unused_meta = ^eg_meta_i;

  always_ff @(posedge clk_i) begin
    cnt_out_o.valid       <= rst_ni && m_wire_tvalid_o && m_wire_tready_i && m_wire_tlast_o;
    cnt_out_o.port        <= PortUplink;
    cnt_out_o.len         <= out_len;
    cnt_out_o.vvidx_valid <= out_user.vvidx_valid;
    cnt_out_o.vvidx       <= out_user.vvidx;
  end

  // Stall, and its release when the wire stands still.
  logic [StuckW-1:0] stuck_q;
  logic              stuck;

  assign stuck = 32'(stuck_q) == StuckCycles;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      stuck_q      <= '0;
      stall_host_o <= 1'b0;
    end else begin
      if (!m_wire_tvalid_o || m_wire_tready_i) stuck_q <= '0;
      else if (!stuck) stuck_q <= stuck_q + 1'b1;
      stall_host_o <= (32'(free_q) < Reserve) && !stuck;
    end
  end

  assign idle_o = 32'(free_q) == BEATS && !m_wire_tvalid_o && !here && !loss_o.valid && !cnt_out_o.valid;

  `HP_ASSERT_INIT(Room_A, BEATS > Reserve)
  `HP_ASSERT(NeverFull_A, !(push && fifo_full))
  `HP_ASSERT(FreeIsFree_A, 32'(free_q) + 32'(fifo_count) == BEATS)
endmodule
