// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Gives chains back: used elements, then the used index, then, when the index has been answered, a
// look at whether the driver wants to hear of it.
//
// Elements of one queue that follow one another are written together, up to a beat. An index is
// written when no element waits, or after a few writes at the latest, and only to the end of a
// frame. One look per queue is under way at a time; it covers what was written until it began, and
// what comes later starts the next. One chain per clock comes in; waits for the bus. What belongs
// to a queue that is not `ok` is thrown away. A marker is answered (`settled_o`) when every write
// before it has been, and no look at its queue is under way.

`include "hp_assert.svh"

module hp_vq_used import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_QP = 32,
  parameter int unsigned N_IN = 3,
  parameter logic [15:0] FIRST_IDX = 16'd0,
  localparam int unsigned N_Q = 2 * N_QP,
  localparam int unsigned QW = $clog2(N_Q)
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic                enable_i,         // pulse
  input  vq_cmd_t             enable_cmd_i,
  input  logic    [N_Q-1:0]   ok_i,

  input  logic    [N_IN-1:0]  done_valid_i,
  output logic    [N_IN-1:0]  done_ready_o,
  input  done_t   [N_IN-1:0]  done_i,

  output logic                write_valid_o,
  input  logic                write_ready_i,
  output wr_job_t             write_o,
  output logic   [DATA_W-1:0] write_data_o,
  input  logic                ans_valid_i,      // pulse: of this block's writes
  input  wr_tag_t             ans_tag_i,

  output logic                read_valid_o,
  input  logic                read_ready_i,
  output word_read_t          read_o,
  input  logic                word_valid_i,
  input  logic [127:0]        word_data_i,
  input  logic                word_err_i,

  output logic                irq_valid_o,
  input  logic                irq_ready_i,
  output qid_t                irq_q_o,
  output logic                err_valid_o,
  input  logic                err_ready_i,
  output qid_t                err_q_o,
  output logic                settled_o,        // pulse
  output logic                idle_o
);
  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned Batch = Bytes / 8;
  localparam int unsigned BatchW = $clog2(Batch + 1);
  localparam int unsigned InW = (N_IN > 1) ? $clog2(N_IN) : 1;
  localparam int unsigned Looks = 32;

  typedef logic [QW-1:0] q_t;
  typedef logic [15:0] idx_t;

  typedef struct packed {
    fn_t         fn;
    logic [63:0] avail;
    logic [63:0] used;
    logic [3:0]  size_log2;
    logic        event_idx;
  } fixed_t;

  typedef struct packed {
    idx_t written;             // elements
    idx_t whole;               // up to the end of a frame
  } count_t;

  // ---- chains come in ----

  logic           in_some, in_full, head_some, head_pop;
  logic [InW-1:0] in_who;
  done_t          head;

  hp_vq_pick #(.N(N_IN)) u_in (
    .clk_i, .rst_ni, .req_i(done_valid_i), .take_i(in_some && !in_full), .valid_o(in_some),
    .idx_o(in_who)
  );

  always_comb begin
    for (int unsigned i = 0; i < N_IN; i++) done_ready_o[i] = !in_full && in_who == InW'(i);
  end

  hp_vq_fifo #(.WIDTH($bits(done_t)), .DEPTH(16)) u_done (
    .clk_i, .rst_ni, .push_i(in_some && !in_full), .data_i(done_i[in_who]), .full_o(in_full),
    .pop_i(head_pop), .valid_o(head_some), .data_o(head)
  );

  // ---- a batch of elements ----

  q_t                q_q, q, index_q;
  logic [BatchW-1:0] n_q;
  count_t            count_q, now, counts;
  idx_t              first_q, mask;
  logic [DATA_W-1:0] data_q;
  fixed_t            fixed, index_fixed;
  logic              fits, add, flush, put, put_index, put_fence, index_some, dirty_set;
  logic [N_Q-1:0]    dirty_q;
  logic [3:0]        urge_q;
  logic              fence_q, wait_q, fenced_q;   // a marker: fence to write; waits; answered
  count_t            index_count;

  assign q    = head.q[QW-1:0];
  assign mask = idx_t'((17'd1 << fixed.size_log2) - 17'd1);
  assign now  = (n_q == '0) ? counts : count_q;

  // The ring's state, of the batch's queue once there is one.
  hp_vq_ctx #(.WIDTH($bits(fixed_t)), .DEPTH(N_Q)) u_fixed (
    .clk_i, .we_i(enable_i), .waddr_i(enable_cmd_i.q[QW-1:0]),
    .wdata_i({enable_cmd_i.fn, enable_cmd_i.avail, enable_cmd_i.used, enable_cmd_i.size_log2,
              enable_cmd_i.event_idx}),
    .raddr_i((n_q == '0) ? q : q_q), .rdata_o(fixed)
  );

  hp_vq_ctx #(.WIDTH($bits(count_t)), .DEPTH(N_Q)) u_count (
    .clk_i, .we_i(enable_i || (put && write_ready_i)),
    .waddr_i(enable_i ? enable_cmd_i.q[QW-1:0] : q_q),
    .wdata_i(enable_i ? {FIRST_IDX, FIRST_IDX} : count_q), .raddr_i(q), .rdata_o(counts)
  );

  assign fits  = n_q == '0 ||
                 (q == q_q && n_q != BatchW'(Batch) && (count_q.written & mask) != '0);
  assign add   = head_some && !head.marker && ok_i[q] && fits;
  assign flush = n_q != '0 && !add;
  assign put   = flush && ok_i[q_q] && !urge_q[3] && !enable_i;
  assign dirty_set = put && write_ready_i && count_q.whole != first_q;
  assign head_pop = head_some && (add || (!head.marker && !ok_i[q]) ||
                                  (head.marker && n_q == '0 && !fence_q && !wait_q));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      n_q    <= '0;
      urge_q <= '0;
    end else begin
      if (add) n_q <= n_q + 1'b1;
      else if (flush && (!ok_i[q_q] || (put && write_ready_i))) n_q <= '0;
      if (put_index || dirty_q == '0) urge_q <= '0;
      else if (put && write_ready_i) urge_q <= urge_q + 1'b1;
    end
    if (add) begin
      q_q <= q;
      if (n_q == '0) first_q <= counts.whole;
      count_q.written <= now.written + 1'b1;
      count_q.whole   <= head.last ? now.written + 1'b1 : now.whole;
      for (int unsigned i = 0; i < Batch; i++) begin
        if (n_q == BatchW'(i)) data_q[i*64+:64] <= {18'd0, head.len, 24'd0, head.head};
      end
    end
  end

  // ---- indices and fences ----

  hp_vq_pick #(.N(N_Q)) u_index (
    .clk_i, .rst_ni, .req_i(dirty_q & ok_i), .take_i(put_index && write_ready_i),
    .valid_o(index_some), .idx_o(index_q)
  );

  hp_vq_ctx #(.WIDTH($bits(fixed_t)), .DEPTH(N_Q)) u_index_fixed (
    .clk_i, .we_i(enable_i), .waddr_i(enable_cmd_i.q[QW-1:0]),
    .wdata_i({enable_cmd_i.fn, enable_cmd_i.avail, enable_cmd_i.used, enable_cmd_i.size_log2,
              enable_cmd_i.event_idx}),
    .raddr_i(index_q), .rdata_o(index_fixed)
  );

  hp_vq_ctx #(.WIDTH($bits(count_t)), .DEPTH(N_Q)) u_index_count (
    .clk_i, .we_i(enable_i || (put && write_ready_i)),
    .waddr_i(enable_i ? enable_cmd_i.q[QW-1:0] : q_q),
    .wdata_i(enable_i ? {FIRST_IDX, FIRST_IDX} : count_q), .raddr_i(index_q),
    .rdata_o(index_count)
  );

  assign put_index = !put && index_some && (urge_q[3] || (n_q == '0 && !head_some)) && !enable_i;
  assign put_fence = !put && !put_index && fence_q;

  always_comb begin
    write_o       = '0;
    write_valid_o = put || put_index || put_fence;
    write_data_o  = data_q;
    if (put) begin
      write_o.tag  = '{kind: WrUsed, q: 8'(q_q), info: '0};
      write_o.fn   = fixed.fn;
      write_o.addr = {fixed.used[63:2], 2'd0} + 64'd4 +
                     {45'd0, (count_q.written - 16'(n_q)) & mask, 3'd0};
      write_o.len  = 14'({n_q, 3'd0});
    end else if (put_index) begin
      write_o.tag  = '{kind: WrIndex, q: 8'(index_q), info: index_count.whole};
      write_o.fn   = index_fixed.fn;
      write_o.addr = {index_fixed.used[63:2], 2'd2};
      write_o.len  = 14'd2;
      write_data_o = DATA_W'(index_count.whole);
    end else begin
      write_o.tag.kind = WrFence;
    end
  end

  // ---- is the driver told? ----

  logic [N_Q-1:0] need_q, looking_q;
  logic           ask_event, look_some, look_go, ans_some, ans_cancel, ans_err, ans_pop;
  logic           asks_idle, event_idx;
  logic           notify, look_room;
  q_t             look_q, ask_q, ans_q;
  idx_t           look_idx, ask_idx, ans_idx, old_idx, new_event;
  logic [127:0]   ans_data;
  fixed_t         look_fixed;
  logic [5:0]     looks_q;

  assign look_room = looks_q != 6'(Looks);
  assign look_go   = look_some && look_room;

  hp_vq_pick #(.N(N_Q)) u_look (
    .clk_i, .rst_ni, .req_i(need_q & ok_i & ~looking_q), .take_i(look_go), .valid_o(look_some),
    .idx_o(look_q)
  );

  hp_vq_ctx #(.WIDTH($bits(fixed_t)), .DEPTH(N_Q)) u_look_fixed (
    .clk_i, .we_i(enable_i), .waddr_i(enable_cmd_i.q[QW-1:0]),
    .wdata_i({enable_cmd_i.fn, enable_cmd_i.avail, enable_cmd_i.used, enable_cmd_i.size_log2,
              enable_cmd_i.event_idx}),
    .raddr_i(look_q), .rdata_o(look_fixed)
  );

  // The index that was answered last.
  hp_vq_ctx #(.WIDTH(16), .DEPTH(N_Q)) u_answered (
    .clk_i, .we_i(ans_valid_i && ans_tag_i.kind == WrIndex), .waddr_i(ans_tag_i.q[QW-1:0]),
    .wdata_i(ans_tag_i.info), .raddr_i(look_q), .rdata_o(look_idx)
  );

  word_read_t look_read;
  always_comb begin
    look_read = '{fn: look_fixed.fn, addr: {look_fixed.avail[63:1], 1'b0}, len: 5'd2};
    if (look_fixed.event_idx) begin
      look_read.addr = look_read.addr + 64'd4 + {46'd0, 18'd2 << look_fixed.size_log2};
    end
  end

  hp_vq_asks #(.WAY_W(QW + 16 + 1), .PENDING(Looks), .UNDER_WAY(Looks)) u_asks (
    .clk_i, .rst_ni,
    .push_i(look_go), .push_way_i({look_q, look_idx, look_fixed.event_idx}),
    .push_read_i(look_read),
    .way_o({ask_q, ask_idx, ask_event}), .cancel_i(!ok_i[ask_q]),
    .read_valid_o, .read_ready_i, .read_o, .word_valid_i, .word_data_i, .word_err_i,
    .ans_valid_o(ans_some), .ans_pop_i(ans_pop), .ans_way_o({ans_q, ans_idx, event_idx}),
    .ans_cancel_o(ans_cancel), .ans_data_o(ans_data), .ans_err_o(ans_err), .idle_o(asks_idle)
  );

  // The index of the last look: later ones are news.
  hp_vq_ctx #(.WIDTH(16), .DEPTH(N_Q)) u_old (
    .clk_i, .we_i(enable_i || ans_pop), .waddr_i(enable_i ? enable_cmd_i.q[QW-1:0] : ans_q),
    .wdata_i(enable_i ? FIRST_IDX : ans_idx), .raddr_i(ans_q), .rdata_o(old_idx)
  );

  assign err_valid_o = ans_some && !ans_cancel && ans_err && ok_i[ans_q] && !enable_i;
  assign err_q_o     = 8'(ans_q);
  assign ans_pop     = ans_some && !enable_i && (!err_valid_o || err_ready_i);
  assign new_event   = ans_idx - ans_data[15:0] - 16'd1;
  assign notify      = ans_pop && !ans_cancel && !ans_err && ok_i[ans_q] &&
                       (event_idx ? new_event < ans_idx - old_idx : !ans_data[0]);

  // ---- what is to be done, per queue ----

  logic [N_Q-1:0] irq_q;
  logic           irq_some, irq_take;
  q_t             irq_pick, fence_queue_q;

  hp_vq_pick #(.N(N_Q)) u_irq (
    .clk_i, .rst_ni, .req_i(irq_q & ok_i), .take_i(irq_take), .valid_o(irq_some),
    .idx_o(irq_pick)
  );
  assign irq_take  = irq_some && (!irq_valid_o || irq_ready_i);
  assign settled_o = wait_q && fenced_q && !looking_q[fence_queue_q];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      dirty_q     <= '0;
      need_q      <= '0;
      looking_q   <= '0;
      irq_q       <= '0;
      irq_valid_o <= 1'b0;
      fence_q     <= 1'b0;
      wait_q      <= 1'b0;
      fenced_q    <= 1'b0;
      looks_q     <= '0;
    end else begin
      // Nothing of a queue that is not ok.
      dirty_q <= dirty_q & ok_i;
      need_q  <= need_q & ok_i;
      irq_q   <= irq_q & ok_i;
      looks_q <= looks_q + 6'(look_go) - 6'(ans_pop);
      if (put_index && write_ready_i) dirty_q[index_q] <= 1'b0;
      if (dirty_set) dirty_q[q_q] <= 1'b1;
      if (look_go) begin
        need_q[look_q]    <= 1'b0;
        looking_q[look_q] <= 1'b1;
      end
      if (ans_pop) looking_q[ans_q] <= 1'b0;
      if (ans_valid_i && ans_tag_i.kind == WrIndex && ok_i[ans_tag_i.q[QW-1:0]]) begin
        need_q[ans_tag_i.q[QW-1:0]] <= 1'b1;
      end
      if (irq_take) irq_q[irq_pick] <= 1'b0;
      if (notify) irq_q[ans_q] <= 1'b1;
      if (irq_take) irq_valid_o <= 1'b1;
      else if (irq_ready_i || !ok_i[irq_q_o[QW-1:0]]) irq_valid_o <= 1'b0;

      if (head_pop && head.marker) fence_q <= 1'b1;
      else if (put_fence && write_ready_i) fence_q <= 1'b0;
      if (put_fence && write_ready_i) wait_q <= 1'b1;
      else if (settled_o) wait_q <= 1'b0;
      if (ans_valid_i && ans_tag_i.kind == WrFence) fenced_q <= 1'b1;
      else if (settled_o) fenced_q <= 1'b0;
    end
    if (irq_take) irq_q_o <= 8'(irq_pick);
    if (head_pop && head.marker) fence_queue_q <= q;
  end

  assign idle_o = !head_some && n_q == '0 && dirty_q == '0 && need_q == '0 && looking_q == '0 &&
                  asks_idle && irq_q == '0 && !irq_valid_o && !fence_q && !wait_q;

  logic unused;
  assign unused = ^{ask_idx, ask_event, ans_data, enable_cmd_i, ans_tag_i, fixed, index_fixed,
                    look_fixed, index_count};

  `HP_ASSERT_INIT(Batch_A, Batch >= 1 && N_IN >= 1)
  `HP_ASSERT(OneMarker_A, !(head_some && head.marker) || (!fence_q && !wait_q))
endmodule
