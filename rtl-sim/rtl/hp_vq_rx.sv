// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Frames from the NIC into buffers of the queue that hp_rx_steer chose: header and frame over as
// many chains as MRG_RXBUF allows, each chain then reported as done. What is fetched is all there
// is: a frame that finds no room in it, or whose queue is not `ok`, is dropped, a beat per clock,
// and counted.
//
// A frame takes 6 clocks, or as long as its data, 2 more for each further descriptor, 4 for each
// further chain. It waits for the bus and for the takers of chains; meanwhile frames wait in the
// NIC. A queue that turns bad within a frame: the frame is given up between two descriptors.

`include "hp_assert.svh"

module hp_vq_rx import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  parameter int unsigned SEGS = 32,
  localparam int unsigned Bytes = DATA_W / 8,
  localparam int unsigned OffW = $clog2(Bytes),
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1,
  localparam int unsigned VW = (N_VF > 1) ? $clog2(N_VF) : 1,
  localparam int unsigned EW = $clog2(SEGS)
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,

  input  logic [N_QP-1:0]         ok_i,
  input  logic [N_QP-1:0]         mrg_i,
  input  logic [N_QP-1:0][VW-1:0] vf_i,
  input  logic [N_QP-1:0][2:0]    plog_i,

  output logic [N_VF-1:0]         host_rx_ready_o,
  input  logic                    rx_tvalid_i,
  output logic                    rx_tready_o,
  input  logic [DATA_W-1:0]       rx_tdata_i,
  input  logic                    rx_tlast_i,
  input  port_t                   rx_tdest_i,
  input  len_t                    rx_len_i,
  input  qp_t                     rx_qp_i,       // of the frame, as its length
  input  logic                    rx_good_i,     // likewise: its checksum was verified

  input  logic                    chain_valid_i,
  input  logic [QW-1:0]           chain_q_i,
  input  logic                    revoke_valid_i,
  output logic                    revoke_ready_o,
  input  logic [QW-1:0]           revoke_q_i,
  output logic [EW:0]             revoke_count_o,
  input  logic                    marker_valid_i,
  output logic                    marker_ready_o,
  input  logic [QW-1:0]           marker_q_i,

  output logic                    chain_re_o,
  output logic [QW+EW-1:0]        chain_addr_o,
  input  chain_t                  chain_i,
  output logic                    seg_re_o,
  output logic [QW+EW-1:0]        seg_addr_o,
  input  seg_t                    seg_i,
  output logic                    free_valid_o,
  input  logic                    free_ready_i,
  output logic [QW-1:0]           free_q_o,

  output logic                    frame_valid_o,
  input  logic                    frame_ready_i,
  output wr_job_t                 frame_o,
  output logic [OffW+1:0]         win_have_o,
  output logic [OffW-1:0]         win_pos_o,
  output logic [DATA_W-1:0]       win_data_o,
  input  logic                    win_take_i,
  input  logic [OffW:0]           win_bytes_i,

  output logic                    done_valid_o,
  input  logic                    done_ready_i,
  output done_t                   done_o,
  output logic                    nobuf_valid_o,
  output port_t                   nobuf_vport_o,
  output logic                    idle_o
);
  localparam int unsigned HdrW = 1 + $bits(qp_t) + $bits(port_t) + $bits(len_t);
  localparam int unsigned Depth = 8;

  // ---- in: beats, and ahead of them where the frames go ----

  logic              inside_q, accept, beat_full, beat_valid, beat_last, beat_pop;
  logic              hdr_full, hdr_valid, hdr_pop, hdr_good, room_q;
  logic [DATA_W-1:0] beat_data;
  qp_t               hdr_pair;
  port_t             hdr_vport;
  len_t              hdr_len;
  logic [$clog2(Depth+1)-1:0] hdr_level;

  assign rx_tready_o = !beat_full && (inside_q || room_q);
  assign accept      = rx_tvalid_i && rx_tready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      inside_q <= 1'b0;
      room_q   <= 1'b0;
    end else begin
      if (accept) inside_q <= !rx_tlast_i;
      room_q <= 32'(hdr_level) < Depth - 4;
    end
  end

  hp_fifo #(.WIDTH(HdrW), .DEPTH(Depth)) u_hdr (
    .clk_i, .rst_ni,
    .push_i(accept && !inside_q), .data_i({rx_good_i, rx_qp_i, rx_tdest_i, rx_len_i}), .full_o(hdr_full),
    .pop_i(hdr_pop), .valid_o(hdr_valid), .data_o({hdr_good, hdr_pair, hdr_vport, hdr_len}),
    .count_o(hdr_level)
  );

  hp_vq_fifo #(.WIDTH(DATA_W + 1), .DEPTH(Depth)) u_beat (
    .clk_i, .rst_ni,
    .push_i(accept), .data_i({rx_tlast_i, rx_tdata_i}), .full_o(beat_full),
    .pop_i(beat_pop), .valid_o(beat_valid), .data_o({beat_last, beat_data})
  );

  // ---- which chains are there ----

  logic [N_QP-1:0][EW:0]   count_q;
  logic [N_QP-1:0][EW-1:0] slot_q;
  logic                    consume, revoked;
  logic [QW-1:0]           q, q_q;
  logic [N_VF-1:0]         ready_d;

  always_comb begin
    ready_d = '0;
    for (int unsigned i = 0; i < N_QP; i++) begin
      for (int unsigned v = 0; v < N_VF; v++) begin
        if (ok_i[i] && count_q[i] != '0 && vf_i[i] == VW'(v)) ready_d[v] = 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q         <= '0;
      slot_q          <= '0;
      host_rx_ready_o <= '0;
    end else begin
      host_rx_ready_o <= ready_d;
      for (int unsigned i = 0; i < N_QP; i++) begin
        if (revoked && revoke_q_i == QW'(i)) begin
          count_q[i] <= '0;
          slot_q[i]  <= '0;
        end else begin
          count_q[i] <= count_q[i] + (EW + 1)'(chain_valid_i && chain_q_i == QW'(i)) -
                        (EW + 1)'(consume && q_q == QW'(i));
          if (consume && q_q == QW'(i)) slot_q[i] <= slot_q[i] + EW'(32'd1 << plog_i[i]);
        end
      end
    end
  end

  // ---- a frame ----

  typedef enum logic [2:0] { StIdle, StLook, StStart, StLoad, StSeg, StDone, StGiveUp } state_e;

  state_e        state_q;
  logic          wait_q, usable, fits, more, begun_q, start, skip, empty, last_seg, ended;
  logic          live, job_ok, reload, next_chain;
  port_t         vport_q;
  logic          good_q;
  len_t          len_q;
  logic [EW:0]   chains_q, chains;
  logic [EW-1:0] look_q;                     // slot that is looked at
  logic [19:0]   sum_q, sum;                 // bytes in chains looked at
  bytes_t        need, left_q, untaken_q, written_q, bytes;
  chain_t        chain_q;
  logic [4:0]    seg_n_q;

  assign q      = hdr_pair[QW-1:0];
  assign usable = 32'(hdr_pair) < N_QP && ok_i[q] && count_q[q] != '0 &&
                  port_t'(vf_i[q]) == hdr_vport;
  assign need   = bytes_t'(len_q) + bytes_t'(VirtioHdr);
  assign sum    = sum_q + 20'(chain_i.total);
  assign chains = chains_q + 1'b1;
  assign fits   = sum >= 20'(need);
  assign more   = mrg_i[q_q] && chains != count_q[q_q];
  assign live   = ok_i[q_q];
  assign bytes  = (seg_i.len < left_q) ? seg_i.len : left_q;
  assign ended  = left_q == '0;
  assign last_seg = seg_n_q == chain_q.last;

  assign revoke_ready_o = state_q == StIdle;
  assign revoked        = revoke_valid_i && revoke_ready_o;
  assign revoke_count_o = count_q[revoke_q_i];
  assign marker_ready_o = state_q == StIdle && !revoke_valid_i && done_ready_i;

  assign hdr_pop = state_q == StIdle && hdr_valid && !revoke_valid_i && !marker_valid_i;
  // Given up: before it has begun, or between two descriptors when all bytes of the jobs were
  // taken.
  assign start   = (state_q == StStart || (state_q == StGiveUp && !begun_q)) && empty;
  assign skip    = state_q == StGiveUp && (begun_q ? untaken_q == left_q : empty);
  assign job_ok  = state_q == StSeg && !wait_q && live;

  assign frame_valid_o = job_ok;
  always_comb begin
    frame_o      = '0;
    frame_o.tag  = '{kind: WrFrame, q: 8'({q_q, 1'b0}), info: '0};
    frame_o.fn   = fn_t'(vf_i[q_q]) + 8'd1;
    frame_o.addr = seg_i.addr;
    frame_o.len  = bytes;
  end

  assign consume      = state_q == StDone && done_ready_i && free_ready_i;
  assign free_valid_o = state_q == StDone && done_ready_i;
  assign free_q_o     = q_q;
  assign done_valid_o = (state_q == StDone && free_ready_i) ||
                        (state_q == StIdle && marker_valid_i && !revoke_valid_i);
  always_comb begin
    done_o = '{marker: 1'b0, q: 8'({q_q, 1'b0}), head: chain_q.head, len: written_q, last: ended};
    if (state_q == StIdle) done_o = '{marker: 1'b1, q: 8'({marker_q_i, 1'b0}), default: '0};
  end

  // Reload: from the first chain on, after a look at several.
  assign reload       = start && chains_q != (EW + 1)'(1) && state_q == StStart;
  assign next_chain   = consume && !ended;
  assign chain_re_o   = state_q == StIdle || (state_q == StLook && !wait_q) || reload || next_chain;
  assign seg_re_o     = state_q == StIdle || reload || next_chain ||
                        (job_ok && frame_ready_i && !last_seg);
  assign nobuf_valid_o = state_q == StGiveUp && skip;
  assign nobuf_vport_o = vport_q;

  always_comb begin
    chain_addr_o = {q, slot_q[q]};
    seg_addr_o   = {q, slot_q[q]};
    if (state_q != StIdle) begin
      chain_addr_o = {q_q, look_q};
      seg_addr_o   = {q_q, look_q};
      if (state_q == StLook) chain_addr_o = {q_q, look_q + EW'(32'd1 << plog_i[q_q])};
      if (reload) begin
        chain_addr_o = {q_q, slot_q[q_q]};
        seg_addr_o   = {q_q, slot_q[q_q]};
      end else if (state_q == StDone) begin
        chain_addr_o = {q_q, slot_q[q_q] + EW'(32'd1 << plog_i[q_q])};
        seg_addr_o   = chain_addr_o;
      end else if (state_q == StSeg) begin
        seg_addr_o   = {q_q, slot_q[q_q] + EW'(seg_n_q) + EW'(1)};
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= StIdle;
      left_q    <= '0;
      untaken_q <= '0;
    end else begin
      unique case (state_q)
        StIdle: begin
          if (hdr_pop) state_q <= usable ? StLook : StGiveUp;
        end
        StLook: begin
          if (!wait_q) state_q <= fits ? StStart : more ? StLook : StGiveUp;
        end
        StStart: if (start) state_q <= reload ? StLoad : StSeg;
        StLoad: if (!wait_q) state_q <= StSeg;
        StSeg: begin
          if (!wait_q && !live) state_q <= StGiveUp;
          else if (job_ok && frame_ready_i && (last_seg || left_q == bytes)) state_q <= StDone;
        end
        StDone: if (consume) state_q <= ended ? StIdle : StLoad;
        default: if (skip) state_q <= StIdle;
      endcase
      if (start && !skip) untaken_q <= need;
      else if (win_take_i) untaken_q <= untaken_q - bytes_t'(win_bytes_i);
      if (start && !skip) left_q <= need;
      else if (job_ok && frame_ready_i) left_q <= left_q - bytes;
    end
    wait_q <= 1'b0;
    unique case (state_q)
      StIdle: begin
        q_q      <= q;
        vport_q  <= hdr_vport;
        good_q   <= hdr_good;
        len_q    <= hdr_len;
        chains_q <= '0;
        begun_q  <= 1'b0;
        look_q   <= slot_q[q];
        sum_q    <= '0;
        wait_q   <= 1'b1;
      end
      StLook: begin
        if (!wait_q) begin
          chains_q <= chains;
          sum_q    <= sum;
          look_q   <= look_q + EW'(32'd1 << plog_i[q_q]);
          chain_q  <= chain_i;
          wait_q   <= !fits;
        end
      end
      StStart: begin
        begun_q   <= start;
        seg_n_q   <= '0;
        written_q <= '0;
        wait_q    <= reload;
      end
      StLoad: begin
        if (!wait_q) chain_q <= chain_i;
        seg_n_q   <= '0;
        written_q <= '0;
      end
      StSeg: begin
        if (job_ok && frame_ready_i) begin
          written_q <= written_q + bytes;
          seg_n_q   <= seg_n_q + 5'd1;
          wait_q    <= 1'b1;
        end
      end
      StDone: wait_q <= 1'b1;
      default: ;
    endcase
  end

  hp_vq_window #(.DATA_W(DATA_W)) u_window (
    .clk_i, .rst_ni,
    .start_i(start), .len_i(len_q), .buffers_i(16'(chains_q)), .good_i(good_q), .skip_i(skip), .empty_o(empty),
    .beat_valid_i(beat_valid), .beat_data_i(beat_data), .beat_last_i(beat_last),
    .beat_pop_o(beat_pop),
    .have_o(win_have_o), .pos_o(win_pos_o), .data_o(win_data_o),
    .take_i(win_take_i), .bytes_i(win_bytes_i)
  );

  assign idle_o = state_q == StIdle && !hdr_valid && !beat_valid && empty &&
                  !inside_q && !rx_tvalid_i;

  logic unused_chain;
  assign unused_chain = ^chain_q;

  `HP_ASSERT(HdrFits_A, !(accept && !inside_q && hdr_full))
  `HP_ASSERT(ConsumeWhatIsThere_A, !consume || count_q[q_q] != '0)
  `HP_ASSERT(RevokeQuiet_A, !revoked || !chain_valid_i || chain_q_i != revoke_q_i)
  `HP_ASSERT(FrameFits_A, !(state_q == StDone) || ended || mrg_i[q_q])
endmodule
