// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Frames to the vPorts: a FIFO of unicast copies and the replicator's stream share the host stream,
// whole frames at a time.
//
// Latency: two cycles from `eg_*` to `m_host_*` for a unicast copy. No backpressure to the
// pipeline: `stall_all_o` asks the arbiter to start no frame while a largest frame behind the
// beats in flight might not fit.
//
// Share: a group copy that goes before a waiting unicast one is a debt, and a beat of unicast pays
// a third of a beat back. While both sides have a copy to send, a group copy waits until there is no
// debt: a quarter in the long run, and never starved.
//
// Receivers: `host_rx_ready_i` is read when a copy's turn comes, before its first beat enters the
// output register. A copy whose receiver is not ready is discarded beside the output (the other
// side may send meanwhile) and counted as `rx-full`. The next copy's turn may come in the cycle
// in which the last beat of the one before it is transferred: a receiver takes one frame beyond
// the last ready it showed.

`include "hp_assert.svh"

module hp_host_egress
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W     = 512,
  parameter int unsigned N_VF       = 8,
  parameter int unsigned BEATS      = 32768 / (DATA_W / 8),  // a power of two
  parameter int unsigned COPY_BEATS = 16384 / (DATA_W / 8),  // a power of two
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              eg_valid_i,
  input  logic              eg_sof_i,
  input  logic              eg_eof_i,
  input  logic [DATA_W-1:0] eg_data_i,
  input  egress_meta_t      eg_meta_i,
  output logic              stall_all_o,

  input  logic [N_VF-1:0]   host_rx_ready_i,
  output logic              m_host_tvalid_o,
  input  logic              m_host_tready_i,
  output logic [DATA_W-1:0] m_host_tdata_o,
  output logic [Bytes-1:0]  m_host_tkeep_o,
  output logic              m_host_tlast_o,
  output logic [6:0]        m_host_tdest_o,
  output logic [15:0]       m_host_tid_o,
  output len_t              m_host_len_o,    // of the whole frame on the bus, from its first beat on

  output cnt_out_t          cnt_out_o,
  output trace_loss_t       loss_o,
  output cnt_loss_t         cnt_loss_o,
  output trace_loss_t       rep_loss_o,
  output cnt_loss_t         rep_cnt_loss_o,
  output logic              idle_o
);
  localparam int unsigned BeatW    = $clog2(Bytes);
  localparam int unsigned CountW   = $clog2(BEATS) + 1;
  localparam int unsigned FreeW    = CountW + BeatW;  // free beats in bytes
  localparam int unsigned InFlight = 40;
  localparam int unsigned MaxBeats = (MaxFrame + 8 + Bytes - 1) / Bytes;
  localparam int unsigned Reserve  = MaxBeats + InFlight;
  localparam int unsigned CreditW  = 1 + $clog2(4 * MaxBeats);
  localparam int unsigned CostW    = $clog2(3 * (MaxFrame + 8 + Bytes) / Bytes + 1);
  localparam int unsigned IdxW     = (N_VF > 1) ? $clog2(N_VF) : 1;

  typedef struct packed {
    port_t      port;
    logic       tag;
    vlan_t      vvlan;
    len_t       last;          // index of the last byte on the bus
    logic       single;        // one beat on the bus
    seq_t       seq;
    logic       vvidx_valid;
    logic [5:0] vvidx;
  } meta_t;

  // Unicast copies. When a frame comes, all beats of the ones before are in the FIFO, so the free
  // beats need no promises; its length is compared with them in bytes, unrounded.
  logic [CountW-1:0] free_q, fifo_count;
  logic              here, fits, admit_q, push, fifo_full;
  len_t              in_last;
  meta_t             in_meta, dir_meta;
  logic              dir_valid, dir_pop, dir_eof, dir_first_q;
  logic [DATA_W-1:0] dir_data;

  assign here = eg_valid_i && eg_meta_i.to_host;
  assign fits = !({free_q, BeatW'(0)} < FreeW'(eg_meta_i.len));
  assign push = here && (eg_sof_i ? fits : admit_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      free_q      <= CountW'(BEATS);
      admit_q     <= 1'b0;
      dir_first_q <= 1'b1;
      stall_all_o <= 1'b0;
    end else begin
      if (dir_pop && !push) free_q <= free_q + 1'b1;
      else if (push && !dir_pop) free_q <= free_q - 1'b1;
      if (here && eg_sof_i) admit_q <= fits;
      if (dir_pop) dir_first_q <= dir_eof;
      stall_all_o <= 32'(free_q) < Reserve;
    end
  end

  assign in_last = bus_last(eg_meta_i.len, {1'b0, eg_meta_i.host_tag});
  assign in_meta = '{
    port: eg_meta_i.host_port, tag: eg_meta_i.host_tag, vvlan: eg_meta_i.vvlan,
    last: in_last, single: 32'(in_last) < Bytes,
    seq: eg_meta_i.seq, vvidx_valid: eg_meta_i.vvidx_valid, vvidx: eg_meta_i.vvidx
  };

  // The meta data ride on every beat: frames may be one beat each.
  hp_deep_fifo #(
    .WIDTH(DATA_W + 1 + $bits(meta_t)),
    .DEPTH(BEATS)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .push_i (push),
    .data_i ({in_meta, eg_eof_i, eg_data_i}),
    .full_o (fifo_full),
    .pop_i  (dir_pop),
    .valid_o(dir_valid),
    .data_o ({dir_meta, dir_eof, dir_data}),
    .count_o(fifo_count)
  );

  // Group copies.
  meta_t             rep_meta;
  logic              rep_valid, rep_pop, rep_sof, rep_eof, rep_idle, rep_abort;
  logic [3:0]        rep_copy;
  logic [CostW-1:0]  rep_cost;
  logic [DATA_W-1:0] rep_data;

  hp_replicator #(
    .DATA_W(DATA_W),
    .N_VF  (N_VF),
    .BEATS (COPY_BEATS)
  ) u_replicator (
    .clk_i,
    .rst_ni,
    .eg_valid_i,
    .eg_sof_i,
    .eg_data_i,
    .eg_meta_i,
    .out_valid_o      (rep_valid),
    .out_ready_i      (rep_pop),
    .out_data_o       (rep_data),
    .out_sof_o        (rep_sof),
    .out_eof_o        (rep_eof),
    .out_port_o       (rep_meta.port),
    .out_tag_o        (rep_meta.tag),
    .out_vvlan_o      (rep_meta.vvlan),
    .out_last_o       (rep_meta.last),
    .out_single_o     (rep_meta.single),
    .out_cost_o       (rep_cost),
    .out_seq_o        (rep_meta.seq),
    .out_vvidx_valid_o(rep_meta.vvidx_valid),
    .out_vvidx_o      (rep_meta.vvidx),
    .out_copy_o       (rep_copy),
    .abort_i          (rep_abort),
    .abort_copy_i     (rep_copy),
    .loss_o           (rep_loss_o),
    .cnt_loss_o       (rep_cnt_loss_o),
    .idle_o           (rep_idle)
  );

  // Whose turn it is. A side that sends keeps the output to the end of its frame; a side that
  // discards drains at one beat per clock on its own.
  typedef enum logic [1:0] {Wait, Send, Discard} side_e;
  side_e dir_q, rep_q;

  logic [2**IdxW-1:0] rx_ready;
  logic               edit_ready, turn, dir_head, rep_head, dir_rx, rep_rx, dir_ok, rep_ok;
  logic               dir_go, rep_go, dir_kill, rep_kill, dir_send, rep_send, kill_rep_first_q;
  logic               rep_paid;
  logic [CreditW-1:0] credit_q, dir_beats;  // signed, in thirds of a beat

  assign dir_head = dir_valid && dir_first_q && dir_q == Wait;
  assign rep_head = rep_valid && rep_sof && rep_q == Wait;
  assign rx_ready = (2 ** IdxW)'(host_rx_ready_i);
  assign dir_rx   = rx_ready[dir_meta.port[IdxW-1:0]];
  assign rep_rx   = rx_ready[rep_meta.port[IdxW-1:0]];
  assign turn     = edit_ready && dir_q != Send && rep_q != Send;
  assign dir_ok   = dir_head && dir_rx;
  assign rep_ok   = rep_head && rep_rx;

  assign rep_paid  = !credit_q[CreditW-1];
  assign dir_beats = CreditW'(dir_meta.last >> BeatW) + 1'b1;
  assign rep_go    = turn && rep_ok && (!dir_ok || rep_paid);
  assign dir_go    = turn && dir_ok && !(rep_ok && rep_paid);

  // One loss per cycle; the sides alternate.
  assign dir_kill = turn && dir_head && !dir_rx && !(rep_head && !rep_rx && kill_rep_first_q);
  assign rep_kill = turn && rep_head && !rep_rx && !(dir_head && !dir_rx && !kill_rep_first_q);

  assign dir_send  = dir_go || (dir_q == Send && dir_valid);
  assign rep_send  = rep_go || (rep_q == Send && rep_valid);
  assign dir_pop   = (dir_send && edit_ready) || dir_kill || (dir_q == Discard && dir_valid);
  assign rep_pop   = (rep_send && edit_ready) || rep_kill || (rep_q == Discard && rep_valid);
  assign rep_abort = rep_kill && !rep_eof;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      dir_q            <= Wait;
      rep_q            <= Wait;
      credit_q         <= '0;
      kill_rep_first_q <= 1'b0;
    end else begin
      if (dir_pop) dir_q <= dir_eof ? Wait : dir_go ? Send : dir_kill ? Discard : dir_q;
      if (rep_pop) rep_q <= rep_eof ? Wait : rep_go ? Send : rep_kill ? Discard : rep_q;

      if (dir_kill) kill_rep_first_q <= 1'b1;
      else if (rep_kill) kill_rep_first_q <= 1'b0;

      if (rep_go && dir_ok) credit_q <= credit_q - CreditW'(rep_cost);
      else if (dir_go && !rep_paid) credit_q <= credit_q + dir_beats;
    end
  end

  // Editor: the V.VLAN tag of a vswitch vPort's copy, {0x8100, PCP 0, DEI 0, V.VLAN}.
  typedef struct packed {
    port_t      port;
    seq_t       seq;
    logic       vvidx_valid;
    logic [5:0] vvidx;
  } user_t;

  // The choice of a side needs no room in the editor, only what it is worth does.
  user_t dir_user, rep_user, out_user;
  logic  sel_rep, sel_valid;

  function automatic logic [63:0] tag_bytes(input vlan_t vvlan);
    return {32'b0, vvlan[7:0], 4'b0, vvlan[11:8], 16'h0081};
  endfunction

  assign sel_rep   = rep_q == Send || (dir_q != Send && rep_ok && (!dir_ok || rep_paid));
  assign sel_valid = (rep_q == Send) ? rep_valid : (dir_q == Send) ? dir_valid : dir_ok || rep_ok;
  assign dir_user  = '{port: dir_meta.port, seq: dir_meta.seq, vvidx_valid: dir_meta.vvidx_valid,
                       vvidx: dir_meta.vvidx};
  assign rep_user  = '{port: rep_meta.port, seq: rep_meta.seq, vvidx_valid: rep_meta.vvidx_valid,
                       vvidx: rep_meta.vvidx};

  hp_tag_edit #(
    .DATA_W (DATA_W),
    .USER_W ($bits(user_t)),
    .SOURCES(2)
  ) u_edit (
    .clk_i,
    .rst_ni,
    .in_valid_i (sel_valid),
    .in_ready_o (edit_ready),
    .in_sel_i   (sel_rep),
    .in_data_i  ({rep_data, dir_data}),
    .in_eof_i   ({rep_eof, dir_eof}),
    .in_last_i  ({rep_meta.last, dir_meta.last}),
    .in_single_i({rep_meta.single, dir_meta.single}),
    .in_ins_i   ({1'b0, rep_meta.tag, 1'b0, dir_meta.tag}),
    .in_tag_i   ({tag_bytes(rep_meta.vvlan), tag_bytes(dir_meta.vvlan)}),
    .in_user_i  ({rep_user, dir_user}),
    .m_tvalid_o (m_host_tvalid_o),
    .m_tready_i (m_host_tready_i),
    .m_tdata_o  (m_host_tdata_o),
    .m_tkeep_o  (m_host_tkeep_o),
    .m_tlast_o  (m_host_tlast_o),
    .m_len_o    (m_host_len_o),
    .m_user_o   (out_user)
  );

  assign m_host_tdest_o = out_user.port;
  assign m_host_tid_o   = out_user.seq;

  // What happened.
  meta_t lost;
  logic  kill;

  assign kill = dir_kill || rep_kill;
  assign lost = rep_kill ? rep_meta : dir_meta;

  logic unused;
  assign unused = ^{lost, eg_meta_i};

  always_ff @(posedge clk_i) begin
    loss_o.valid           <= rst_ni && kill;
    loss_o.seq             <= lost.seq;
    loss_o.port            <= lost.port;
    loss_o.reason          <= hp_abi_pkg::RSN_RX_FULL;
    cnt_loss_o.valid       <= rst_ni && kill;
    cnt_loss_o.port        <= lost.port;
    cnt_loss_o.vvidx_valid <= lost.vvidx_valid;
    cnt_loss_o.vvidx       <= lost.vvidx;
    cnt_loss_o.reason      <= hp_abi_pkg::RSN_RX_FULL;
    cnt_out_o.valid        <= rst_ni && m_host_tvalid_o && m_host_tready_i && m_host_tlast_o;
    cnt_out_o.port         <= out_user.port;
    cnt_out_o.len          <= m_host_len_o;
    cnt_out_o.vvidx_valid  <= out_user.vvidx_valid;
    cnt_out_o.vvidx        <= out_user.vvidx;
  end

  assign idle_o = 32'(free_q) == BEATS && rep_idle && !m_host_tvalid_o && !here && !loss_o.valid &&
                  !cnt_out_o.valid;

  `HP_ASSERT_INIT(Room_A, BEATS > Reserve)
  `HP_ASSERT(NeverFull_A, !(push && fifo_full))
  `HP_ASSERT(StalledInTime_A, !(here && eg_sof_i) || fits)
  `HP_ASSERT(OneSource_A, !(dir_send && rep_send))
  `HP_ASSERT(FreeIsFree_A, 32'(free_q) + 32'(fifo_count) == BEATS)
  `HP_ASSERT(SelectedSends_A, !edit_ready || ((dir_send || rep_send) == sel_valid &&
             (!sel_valid || rep_send == sel_rep)))
  `HP_ASSERT(LocalPort_A, !here || 32'(eg_meta_i.host_port) < N_VF)
endmodule
