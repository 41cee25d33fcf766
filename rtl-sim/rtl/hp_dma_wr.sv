// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Writes to host memory, one after the other on one AXI ID, so that they become visible in the
// order in which they were taken. N_SMALL users bring their data with the job; the first of them
// up to a beat, the others up to 4 bytes. Received frames come from a window of two beats
// (hp_vq_window) out of which any run of bytes can be had.
//
// A job is split at pages and put to its place in the beats. One beat per clock, also from job to
// job; a job waits (ready low) for those before it, and a frame's job waits for the frame's bytes:
// they come without anybody else's help. Every job is answered, in order, when its last write has
// been (`err`: one of them failed). A fence, a job without bytes, is answered when everything
// before it has been. Who takes answers may hold them back for a while.

`include "hp_assert.svh"

module hp_dma_wr import hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_SMALL = 4,
  parameter int unsigned UNDER_WAY = 64,
  localparam int unsigned Bytes = DATA_W / 8,
  localparam int unsigned OffW = $clog2(Bytes)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic    [N_SMALL-1:0] small_valid_i,
  output logic    [N_SMALL-1:0] small_ready_o,
  input  wr_job_t [N_SMALL-1:0] small_i,
  input  logic    [DATA_W-1:0]  small_data_i,   // of the first

  input  logic                  frame_valid_i,
  output logic                  frame_ready_o,
  input  wr_job_t               frame_i,
  input  logic    [OffW+1:0]    win_have_i,     // bytes in the window
  input  logic    [OffW-1:0]    win_pos_i,      // of the first one
  input  logic    [DATA_W-1:0]  win_data_i,     // a beat's worth from there, each in its lane
  output logic                  win_take_o,
  output logic    [OffW:0]      win_bytes_o,

  output logic                  ans_valid_o,
  input  logic                  ans_ready_i,
  output wr_tag_t               ans_tag_o,
  output logic                  ans_err_o,

  output logic                  m_axi_awvalid_o,
  input  logic                  m_axi_awready_i,
  output logic    [63:0]        m_axi_awaddr_o,
  output logic    [7:0]         m_axi_awlen_o,
  output dma_user_t             m_axi_awuser_o,
  output logic                  m_axi_wvalid_o,
  input  logic                  m_axi_wready_i,
  output logic    [DATA_W-1:0]  m_axi_wdata_o,
  output logic    [Bytes-1:0]   m_axi_wstrb_o,
  output logic                  m_axi_wlast_o,
  input  logic                  m_axi_bvalid_i,
  output logic                  m_axi_bready_o,
  input  logic    [1:0]         m_axi_bresp_i,

  output logic                  idle_o
);
  localparam int unsigned N = N_SMALL + 1;
  localparam int unsigned IdxW = $clog2(N);
  localparam int unsigned AwW = 64 + 8 + $bits(dma_user_t);
  localparam int unsigned WW = DATA_W + Bytes + 1;
  localparam int unsigned WayW = $bits(wr_tag_t) + 1;

  logic [N-1:0]      req;
  logic [IdxW-1:0]   who;
  logic              some, load, busy_q, is_frame_q, fence_q, start_q, finish, step, fence_step;
  wr_job_t           job, job_q;
  logic [DATA_W-1:0] data_q, source, placed;
  logic [OffW-1:0]   pos_q, off, turn;
  logic [12:0]       page, piece, piece_q;
  logic [OffW:0]     bytes;
  logic [12:0]       span;
  logic [Bytes-1:0]  strobe;
  logic              have, aw_full, w_full, way_full, last_beat, last_piece;

  // ---- jobs ----

  assign req  = {frame_valid_i, small_valid_i};
  assign load = some && (!busy_q || finish);

  hp_vq_pick #(.N(N)) u_pick (
    .clk_i, .rst_ni, .req_i(req), .take_i(load), .valid_o(some), .idx_o(who)
  );

  always_comb begin
    job = frame_i;
    for (int unsigned i = 0; i < N_SMALL; i++) begin
      if (who == IdxW'(i)) job = small_i[i];
    end
    for (int unsigned i = 0; i < N_SMALL; i++) small_ready_o[i] = load && who == IdxW'(i);
    frame_ready_o = load && who == IdxW'(N_SMALL);
  end

  // ---- one beat of the job ----

  assign off        = job_q.addr[OffW-1:0];
  assign page       = 13'd4096 - 13'(job_q.addr[11:0]);
  assign piece      = !start_q ? piece_q : (job_q.len > bytes_t'(page)) ? page : 13'(job_q.len);
  assign bytes      = (piece > 13'(Bytes) - 13'(off)) ? (OffW + 1)'(Bytes - 32'(off))
                                                      : (OffW + 1)'(piece);
  assign span       = piece + 13'(off) - 13'd1;
  assign last_beat  = 13'(bytes) == piece;
  assign last_piece = bytes_t'(piece) == job_q.len;
  assign have       = !is_frame_q || win_have_i >= (OffW + 2)'(bytes);
  assign step       = busy_q && !fence_q && have && !w_full && !(start_q && (aw_full || way_full));
  assign fence_step = busy_q && fence_q && !way_full;
  assign finish     = fence_step || (step && last_beat && last_piece);

  assign win_take_o  = step && is_frame_q;
  assign win_bytes_o = bytes;
  assign source      = is_frame_q ? win_data_i : data_q;
  assign turn        = off - (is_frame_q ? win_pos_i : pos_q);

  always_comb begin
    placed = DATA_W'({source, source} >> {~turn + 1'b1, 3'b000});
    for (int unsigned i = 0; i < Bytes; i++) begin
      strobe[i] = i >= 32'(off) && i < 32'(off) + 32'(bytes);
      if (!strobe[i]) placed[i*8+:8] = '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
    end else if (load) begin
      busy_q <= 1'b1;
    end else if (finish) begin
      busy_q <= 1'b0;
    end
    if (load) begin
      job_q      <= job;
      is_frame_q <= who == IdxW'(N_SMALL);
      fence_q    <= job.len == '0;
      data_q     <= (who == '0) ? small_data_i : DATA_W'(job.data);
      pos_q      <= '0;
      start_q    <= 1'b1;
    end else if (step) begin
      job_q.addr <= job_q.addr + 64'(bytes);
      job_q.len  <= job_q.len - bytes_t'(bytes);
      pos_q      <= pos_q + OffW'(bytes);
      piece_q    <= piece - 13'(bytes);
      start_q    <= last_beat;
    end
  end

  // ---- out ----

  logic aw_some, w_some;

  hp_vq_fifo #(.WIDTH(AwW), .DEPTH(4)) u_aw (
    .clk_i, .rst_ni,
    .push_i(step && start_q), .full_o(aw_full),
    .data_i({job_q.addr, 8'(span >> OffW), piece, job_q.fn}),
    .pop_i(aw_some && m_axi_awready_i), .valid_o(aw_some),
    .data_o({m_axi_awaddr_o, m_axi_awlen_o, m_axi_awuser_o})
  );

  hp_vq_fifo #(.WIDTH(WW), .DEPTH(4)) u_w (
    .clk_i, .rst_ni,
    .push_i(step), .full_o(w_full),
    .data_i({placed, strobe, last_beat}),
    .pop_i(w_some && m_axi_wready_i), .valid_o(w_some),
    .data_o({m_axi_wdata_o, m_axi_wstrb_o, m_axi_wlast_o})
  );

  assign m_axi_awvalid_o = aw_some;
  assign m_axi_wvalid_o  = w_some;

  // ---- answers ----

  logic    way_some, way_pop, way_last, fence_head, err_q, bad;
  wr_tag_t way_tag;

  hp_vq_fifo #(.WIDTH(WayW), .DEPTH(UNDER_WAY)) u_way (
    .clk_i, .rst_ni,
    .push_i((step && start_q) || fence_step), .data_i({job_q.tag, fence_q || last_piece}),
    .full_o(way_full),
    .pop_i(way_pop), .valid_o(way_some), .data_o({way_tag, way_last})
  );

  assign fence_head     = way_some && way_tag.kind == WrFence;
  assign m_axi_bready_o = way_some && !fence_head && (ans_ready_i || !ans_valid_o);
  assign way_pop        = (m_axi_bvalid_i && m_axi_bready_o) ||
                          (fence_head && (ans_ready_i || !ans_valid_o));
  assign bad            = err_q || (!fence_head && m_axi_bresp_i != 2'b00);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ans_valid_o <= 1'b0;
      err_q       <= 1'b0;
    end else begin
      if (way_pop) begin
        ans_valid_o <= way_last;
        err_q       <= bad && !way_last;
      end else if (ans_ready_i) begin
        ans_valid_o <= 1'b0;
      end
    end
    if (way_pop) begin
      ans_tag_o <= way_tag;
      ans_err_o <= bad;
    end
  end

  logic unused_job;
  assign unused_job = ^job_q;

  assign idle_o = !busy_q && !way_some && !ans_valid_o && !aw_some && !w_some;

  `HP_ASSERT_INIT(Width_A, DATA_W >= 128 && 2 ** OffW == Bytes)
  `HP_ASSERT(FenceKind_A, !busy_q || fence_q == (job_q.tag.kind == WrFence))
  `HP_ASSERT(InPage_A, !m_axi_awvalid_o ||
             13'(m_axi_awaddr_o[11:0]) + m_axi_awuser_o.len <= 13'd4096)
  `HP_ASSERT(Answered_A, !m_axi_bvalid_i || way_some)
  for (genvar i = 0; i < N_SMALL; i++) begin : gen_small_check
    `HP_ASSERT(SmallLen_A, !small_valid_i[i] ||
               32'(small_i[i].len) <= ((i == 0) ? Bytes : 32'd4))
  end
endmodule
