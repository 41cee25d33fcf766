// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Fetches the buffers of one direction's queues: available index, entries, descriptors. Everything
// is read once, checked, and kept until its consumer is done with it.
//
// Each queue has places for SEGS descriptors, in slots of 2^plog; a chain takes one slot, and
// slots are used in a ring, so chains of a queue may be fetched side by side and still are handed
// on in order. A queue begins with slots of one. A chain that needs more makes the queue *rewind*:
// what was fetched and not consumed is forgotten, the slots double, and fetching starts again
// where the consumer stands. Chains to send that stay small halve them. A queue that is not `ok`
// any more (disabled, quarantined) rewinds too. So no queue takes anything from another but its
// turns: TOKENS reads under way are shared, and a queue gets at most 8 at a time.
//
// One event is dealt with at a time: stage A picks it, stage B reads the queue's state, decides
// and writes it back within one clock (one more per head of a batch). Answers go first; they
// always find room. A queue sleeps when its index did not move, with EVENT_IDX once more after
// avail_event has been written; it wakes by its bell, and looks once by itself when it begins.

`include "hp_assert.svh"

module hp_vq_fetch import hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter bit          TX = 1'b0,
  parameter int unsigned N_QP = 32,
  parameter int unsigned SEGS = 32,
  parameter int unsigned TOKENS = 64,
  parameter logic [15:0] FIRST_IDX = 16'd0,
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1,
  localparam int unsigned EW = $clog2(SEGS)
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // A queue begins (while it is not ok), and what may be said of one that has ended.
  input  logic                 enable_valid_i,
  output logic                 enable_ready_o,
  input  vq_cmd_t              enable_i,
  input  logic [N_QP-1:0]      ok_i,
  input  logic                 bell_valid_i,
  input  logic [QW-1:0]        bell_q_i,
  output logic [N_QP-1:0]      settled_o,       // nothing of it is under way, nothing kept

  // Reads, and writes of avail_event.
  output logic                 read_valid_o,
  input  logic                 read_ready_i,
  output word_read_t           read_o,
  input  logic                 word_valid_i,
  input  logic [127:0]         word_data_i,
  input  logic                 word_err_i,
  output logic                 event_valid_o,
  input  logic                 event_ready_i,
  output wr_job_t              event_o,
  input  logic                 event_ans_i,     // pulse
  input  logic [QW-1:0]        event_ans_q_i,

  // To the consumer: a chain more, in order; slots; what it had not consumed; a chain consumed.
  output logic                 chain_valid_o,
  output logic [QW-1:0]        chain_q_o,
  output logic [N_QP-1:0][2:0] plog_o,
  output logic                 revoke_valid_o,
  input  logic                 revoke_ready_i,
  output logic [QW-1:0]        revoke_q_o,
  input  logic [EW:0]          revoke_count_i,
  input  logic                 free_valid_i,
  output logic                 free_ready_o,
  input  logic [QW-1:0]        free_q_i,

  // Its view of what is kept: two clocks after `*_re_i`.
  input  logic                 chain_re_i,
  input  logic [QW+EW-1:0]     chain_addr_i,
  output chain_t               chain_o,
  input  logic                 seg_re_i,
  input  logic [QW+EW-1:0]     seg_addr_i,
  output seg_t                 seg_o,

  // TX: a chain that no frame can be. A queue that is bad.
  output logic                 refused_valid_o,
  input  logic                 refused_ready_i,
  output logic [QW-1:0]        refused_q_o,
  output logic [7:0]           refused_head_o,
  output logic                 err_valid_o,
  input  logic                 err_ready_i,
  output logic [QW-1:0]        err_q_o,
  output logic [7:0]           err_code_o,

  output logic                 idle_o
);
  localparam int unsigned Depth = 32;                  // reads under way
  localparam int unsigned Events = 8;                  // writes of avail_event under way
  localparam int unsigned TokW = $clog2(TOKENS + 1);

  typedef logic [QW-1:0] q_t;
  typedef logic [EW-1:0] entry_t;
  typedef logic [EW:0]   count_t;

  typedef enum logic [1:0] { RdIndex, RdBatch, RdDesc } rd_e;

  // A read, and what is known of the chain it is for.
  typedef struct packed {
    rd_e         kind;
    q_t          q;
    entry_t      slot;
    logic [3:0]  heads;        // RdBatch
    logic [7:0]  head;
    logic [5:0]  count;        // descriptors before this one
    bytes_t      total;        // their bytes
    logic        in_table;
    logic [63:0] base;         // of the indirect table
    logic [16:0] entries;      // of the table it reads from
  } way_t;

  typedef struct packed {
    way_t       way;
    word_read_t read;
  } ask_t;

  // What stays as the queue was enabled.
  typedef struct packed {
    fn_t         fn;
    logic [63:0] desc;
    logic [63:0] avail;
    logic [63:0] used;
    logic [3:0]  size_log2;
    logic        event_idx;
    logic        indirect;
  } fixed_t;

  typedef struct packed {
    logic [15:0]     avail;    // index that was read last
    logic [15:0]     fetch;    // next entry to fetch
    entry_t          alloc;    // slot for it
    entry_t          done;     // oldest slot that was not handed on
    count_t          used;     // slots taken
    count_t          open;     // of these: not handed on
    logic [SEGS-1:0] whole;    // slots with a whole chain, not handed on
    logic [SEGS-1:0] refuse;   // of these: no frame can be that
    logic [6:0]      flight;   // reads and writes under way, a batch as its heads
    logic            last;     // avail_event has been written: this look at the index is the last
    logic [5:0]      halves;   // chains in a row that half a slot would do for
    logic            grow;     // why it rewinds
    logic            shrink;
  } state_t;

  typedef enum logic [2:0] { EvAnswer, EvFree, EvWritten, EvRewound, EvTurn, EvEnable } ev_e;

  // ---- A: pick an event ----

  logic            b_valid_q, b_more_q, b_end, a_load, a_valid, push, advance;
  ev_e             b_kind_q, a_kind;
  q_t              b_q_q, a_q;
  way_t            b_way_q;
  logic            b_err_q, b_cancel_q;
  logic [127:0]    b_data_q;
  logic [3:0]      b_i_q;

  logic            event_valid, ans_valid, ans_cancel, ans_err, ans_pop, asks_idle;
  way_t            way, ask_way;
  logic [127:0]    ans_data;
  logic            free_valid, free_full, written_valid, written_pop, turn_valid, check;
  q_t              free_q, written_q, turn_q;
  count_t          revoked;
  logic [TokW-1:0] tokens_q;
  logic            roomy, may_event, want_index, want_event, busy;
  logic [3:0]      events_q;
  logic [N_QP-1:0] rewinding, quiet;
  logic [N_QP-1:0][2:0] plog_q;

  assign roomy     = tokens_q >= TokW'(16);
  assign may_event = events_q < 4'(Events);

  always_comb begin
    a_valid = 1'b1;
    a_kind  = EvAnswer;
    a_q     = way.q;
    if (ans_valid) begin
      a_kind = EvAnswer;
    end else if (free_valid) begin
      a_kind = EvFree;
      a_q    = free_q;
    end else if (written_valid && roomy) begin
      a_kind = EvWritten;
      a_q    = written_q;
    end else if (check) begin
      a_kind = EvRewound;
      a_q    = revoke_q_o;
    end else if (enable_valid_i && !(b_valid_q && b_kind_q == EvEnable)) begin
      a_kind = EvEnable;
      a_q    = enable_i.q[QW:1];
    end else begin
      a_kind  = EvTurn;
      a_q     = turn_q;
      a_valid = turn_valid;
    end
  end

  assign a_load         = !b_valid_q || b_end;
  assign ans_pop        = a_load && a_valid && a_kind == EvAnswer;
  assign enable_ready_o = b_valid_q && b_kind_q == EvEnable;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      b_valid_q <= 1'b0;
      b_more_q  <= 1'b0;
    end else if (a_load) begin
      b_valid_q <= a_valid;
      b_more_q  <= 1'b0;
    end else begin
      b_more_q  <= b_more_q || advance;
    end
    if (a_load) begin
      b_kind_q   <= a_kind;
      b_q_q      <= a_q;
      b_way_q    <= way;
      b_cancel_q <= ans_cancel;
      b_err_q    <= ans_err;
      b_data_q   <= ans_data;
      b_i_q      <= '0;
    end else if (push) begin
      b_i_q    <= b_i_q + 4'd1;
      b_data_q <= b_data_q >> 16;
    end
  end

  // ---- B: the queue's state ----

  fixed_t          f;
  state_t          c, d;
  logic            write, do_write, ends, hold, live, ready, rewind, rewound, clear;
  logic            set_index, clr_index, set_event, clr_event, set_busy, clr_busy;
  ask_t            ask;
  logic [4:0]      take, give;                         // tokens
  logic [7:0]      code, desc_code;
  logic [EW:0]     slot_n, slots, spare;
  entry_t          next_done;
  logic            is_table, more, keep_seg, keep_chain, refuse;
  logic [16:0]     table_n, size;
  logic [15:0]     next, ahead, at, delta, todo;
  seg_t            seg;
  logic [14:0]     sum;
  bytes_t          total;
  chain_t          chain;
  logic [15:0]     head;
  word_read_t      read_index;

  hp_vq_ctx #(.WIDTH($bits(fixed_t)), .DEPTH(N_QP)) u_fixed (
    .clk_i, .we_i(b_valid_q && b_kind_q == EvEnable), .waddr_i(b_q_q),
    .wdata_i({enable_i.fn, enable_i.desc, enable_i.avail, enable_i.used, enable_i.size_log2,
              enable_i.event_idx, enable_i.indirect}),
    .raddr_i(b_q_q), .rdata_o(f)
  );

  hp_vq_ctx #(.WIDTH($bits(state_t)), .DEPTH(N_QP)) u_state (
    .clk_i, .we_i(do_write), .waddr_i(b_q_q), .wdata_i(d), .raddr_i(b_q_q), .rdata_o(c)
  );

  hp_vq_desc #(.TX(TX)) u_desc (
    .desc_i(b_data_q), .indirect_i(f.indirect), .in_table_i(b_way_q.in_table),
    .before_i(b_way_q.count), .entries_i(b_way_q.entries),
    .code_o(desc_code), .table_o(is_table), .table_n_o(table_n), .more_o(more), .next_o(next),
    .seg_o(seg)
  );

  assign size      = 17'd1 << f.size_log2;
  assign live      = ok_i[b_q_q] && !rewinding[b_q_q];
  assign slot_n    = count_t'(1) << plog_q[b_q_q];
  assign slots     = count_t'(SEGS) >> plog_q[b_q_q];
  assign spare     = slots - c.used;
  assign next_done = c.done + entry_t'(slot_n);
  assign ahead     = c.avail - c.fetch;
  assign at        = c.fetch & 16'(size - 17'd1);
  assign delta     = b_data_q[31:16] - c.fetch;        // flags first, then the index
  assign head      = b_data_q[15:0];
  assign sum       = 15'(b_way_q.total) + 15'(seg.len);
  assign total     = sum[14] ? BytesMax : bytes_t'(sum);
  assign refuse    = TX && (32'(total) < VirtioHdr + MinPacket ||
                            32'(total) > VirtioHdr + MaxPacket);
  assign chain     = '{head: b_way_q.head, last: 5'(b_way_q.count), total: total};

  assign read_index = '{fn: f.fn, addr: {f.avail[63:1], 1'b0}, len: 5'd4};

  // Heads of the next batch: what is there, up to the ring's end, in free slots.
  always_comb begin
    todo = 16'd8;
    if (ahead < todo) todo = ahead;
    if (16'(size) - at < todo) todo = 16'(size) - at;
    if (16'(spare) < todo) todo = 16'(spare);
  end

  always_comb begin
    d          = c;
    write      = 1'b0;
    ends      = b_valid_q;
    push       = 1'b0;
    ask        = '0;
    ask.way.q  = b_q_q;
    advance    = 1'b0;
    ready      = 1'b0;
    rewind     = 1'b0;
    rewound    = 1'b0;
    clear      = 1'b0;
    take       = '0;
    give       = '0;
    code       = '0;
    set_index  = 1'b0;
    clr_index  = 1'b0;
    set_event  = 1'b0;
    clr_event  = 1'b0;
    set_busy   = 1'b0;
    clr_busy   = 1'b0;
    keep_seg   = 1'b0;
    keep_chain = 1'b0;
    refused_valid_o = 1'b0;
    event_valid     = 1'b0;

    if (!b_valid_q) begin
      write = 1'b0;
    end else if (b_more_q) begin
      // Hand on whole chains in order; one that is refused when it is the oldest that is kept.
      if (live && c.whole[c.done]) begin
        if (!c.refuse[c.done]) begin
          ready   = 1'b1;
          ends   = !c.whole[next_done];
        end else if (c.used == c.open) begin
          refused_valid_o = 1'b1;
          ends           = 1'b0;
        end
        if (ready || refused_valid_o) begin
          write           = 1'b1;
          d.whole[c.done] = 1'b0;
          d.done          = next_done;
          d.open          = c.open - 1'b1;
          if (!ready) d.used = c.used - 1'b1;
        end
      end
    end else begin
      unique case (b_kind_q)
        EvEnable: begin
          write   = 1'b1;
          clear   = 1'b1;
          d       = '0;
          d.avail = FIRST_IDX;
          d.fetch = FIRST_IDX;
        end

        EvFree: begin
          write   = 1'b1;
          d.used  = c.used - 1'b1;
          advance = live && c.whole[c.done];
          ends   = !advance;
        end

        EvWritten: begin
          write  = 1'b1;
          d.last = 1'b1;
          if (live) begin
            push         = 1'b1;
            take         = 5'd1;
            ask.way.kind = RdIndex;
            ask.read     = read_index;
          end else begin
            d.flight = c.flight - 1'b1;
            clr_busy = 1'b1;
          end
        end

        EvRewound: begin
          if (c.used == c.open + revoked) begin
            write    = 1'b1;
            rewound  = 1'b1;
            d        = '0;
            d.avail  = c.avail;
            d.fetch  = c.fetch - 16'(c.used);
          end
        end

        EvTurn: begin
          if (!live) begin
            write = 1'b0;
          end else if (want_event && may_event) begin
            write       = 1'b1;
            event_valid = 1'b1;
            clr_event   = 1'b1;
            d.flight    = c.flight + 1'b1;
          end else if (ahead != '0 && c.used < slots) begin
            write         = 1'b1;
            push          = 1'b1;
            take          = 5'(todo);
            ask.way.kind  = RdBatch;
            ask.way.heads = 4'(todo);
            ask.way.slot  = c.alloc;
            ask.read      = '{fn: f.fn, addr: {f.avail[63:1], 1'b0} + 64'd4 + {47'd0, at, 1'b0},
                              len: {todo[3:0], 1'b0}};
            d.fetch       = c.fetch + todo;
            d.alloc       = c.alloc + entry_t'(todo << plog_q[b_q_q]);
            d.used        = c.used + count_t'(todo);
            d.open        = c.open + count_t'(todo);
            d.flight      = c.flight + 7'(todo);
            set_index     = ahead == todo;
          end else if (ahead == '0 && want_index && !busy) begin
            write        = 1'b1;
            push         = 1'b1;
            take         = 5'd1;
            ask.way.kind = RdIndex;
            ask.read     = read_index;
            d.flight     = c.flight + 1'b1;
            d.last       = 1'b0;
            clr_index    = 1'b1;
            set_busy     = 1'b1;
          end
        end

        default: begin  // EvAnswer
          write = 1'b1;
          if (b_cancel_q || !live) begin
            give = (b_way_q.kind == RdBatch) ? 5'(b_way_q.heads - b_i_q) : 5'd1;
          end else if (b_err_q) begin
            code = hp_abi_pkg::VQERR_READ;
            give = (b_way_q.kind == RdBatch) ? 5'(b_way_q.heads) : 5'd1;
          end else if (b_way_q.kind == RdIndex) begin
            give = 5'd1;
            if (17'(delta) > size) code = hp_abi_pkg::VQERR_AVAIL_INDEX;
            d.avail  = b_data_q[31:16];
            clr_busy = delta != '0 || !f.event_idx || c.last;
            set_event = !clr_busy;
          end else if (b_way_q.kind == RdBatch) begin
            if (17'(head) >= size) begin
              code = hp_abi_pkg::VQERR_HEAD;
              give = 5'(b_way_q.heads - b_i_q);
            end else begin
              push            = 1'b1;
              ask.way.kind    = RdDesc;
              ask.way.slot    = b_way_q.slot + (entry_t'(b_i_q) << plog_q[b_q_q]);
              ask.way.head    = head[7:0];
              ask.way.entries = size;
              ask.read        = '{fn: f.fn, addr: {f.desc[63:4], 4'd0} + {44'd0, head, 4'd0},
                                  len: 5'd16};
              write           = 1'b0;
              ends           = b_i_q + 4'd1 == b_way_q.heads;
            end
          end else if (desc_code != '0) begin
            code = desc_code;
            give = 5'd1;
          end else if (is_table) begin
            push             = 1'b1;
            ask.way          = b_way_q;
            ask.way.in_table = 1'b1;
            ask.way.base     = seg.addr;
            ask.way.entries  = table_n;
            ask.read         = '{fn: f.fn, addr: seg.addr, len: 5'd16};
          end else if (count_t'(b_way_q.count) == slot_n) begin
            rewind = 1'b1;
            d.grow = 1'b1;
            give   = 5'd1;
          end else if (more) begin
            keep_seg      = 1'b1;
            push          = 1'b1;
            ask.way       = b_way_q;
            ask.way.count = b_way_q.count + 6'd1;
            ask.way.total = total;
            ask.read      = '{fn: f.fn, len: 5'd16, addr: {44'd0, next, 4'd0} +
                              (b_way_q.in_table ? b_way_q.base : {f.desc[63:4], 4'd0})};
          end else begin
            give = 5'd1;
            if (32'(total) < VirtioHdr) begin
              code = hp_abi_pkg::VQERR_HEADER;
            end else begin
              keep_seg   = 1'b1;
              keep_chain = 1'b1;
              d.halves    = (count_t'(b_way_q.count) < (slot_n >> 1)) ? c.halves + 6'd1 : '0;
              if (b_way_q.slot == c.done && !refuse) begin
                ready   = 1'b1;
                d.done  = next_done;
                d.open  = c.open - 1'b1;
                advance = c.whole[next_done];
              end else begin
                d.whole[b_way_q.slot]  = 1'b1;
                d.refuse[b_way_q.slot] = refuse;
                advance                = b_way_q.slot == c.done;
              end
              ends = !advance;
              if (TX && d.halves == '1) begin
                rewind   = 1'b1;
                d.shrink = 1'b1;
                d.halves  = '0;
              end
            end
          end
          d.flight = c.flight - 7'(give);
        end
      endcase
    end
  end

  // It waits until an error, or a chain that is refused, is taken.
  assign hold     = (code != '0 && !err_ready_i) || (refused_valid_o && !refused_ready_i);
  assign b_end    = ends && !hold;
  assign do_write = write && !hold;

  assign err_valid_o   = code != '0;
  assign err_q_o       = b_q_q;
  assign err_code_o    = code;
  assign chain_valid_o = ready;
  assign chain_q_o     = b_q_q;
  assign refused_q_o   = b_q_q;
  assign plog_o        = plog_q;

  // ---- what A must know of every queue ----

  hp_vq_turns #(.N_QP(N_QP)) u_turns (
    .clk_i, .rst_ni, .ok_i(ok_i & ~rewinding), .roomy_i(roomy), .events_i(may_event),
    .bell_valid_i, .bell_q_i, .q_i(b_q_q), .begin_i(clear || rewound),
    .set_index_i(set_index), .clr_index_i(clr_index),
    .set_event_i(set_event && !hold), .clr_event_i(clr_event),
    .set_busy_i(set_busy), .clr_busy_i(clr_busy && !hold),
    .write_i(do_write), .work_i(d.avail != d.fetch), .room_i(d.used < slots),
    .quiet_i(d.flight == '0),
    .index_o(want_index), .event_o(want_event), .busy_o(busy), .quiet_o(quiet),
    .turn_valid_o(turn_valid), .turn_take_i(a_load && a_valid && a_kind == EvTurn),
    .turn_q_o(turn_q)
  );

  hp_vq_rewind #(.N_QP(N_QP), .EW(EW)) u_rewind (
    .clk_i, .rst_ni, .ok_i, .quiet_i(quiet), .now_valid_i(b_valid_q), .now_q_i(b_q_q),
    .set_i(rewind), .clear_i(clear), .rewound_i(rewound), .rewind_o(rewinding), .settled_o,
    .revoke_valid_o, .revoke_ready_i, .revoke_q_o, .revoke_count_i,
    .check_o(check), .check_taken_i(a_load && a_valid && a_kind == EvRewound),
    .freed_i(b_valid_q && b_kind_q == EvFree), .count_o(revoked)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tokens_q <= TokW'(TOKENS);
      events_q <= '0;
      plog_q   <= '0;
    end else begin
      tokens_q <= tokens_q - TokW'(take) + (hold ? '0 : TokW'(give));
      events_q <= events_q + 4'(event_valid) - 4'(written_pop);
      if (clear) plog_q[b_q_q] <= '0;
      else if (rewound && c.grow) plog_q[b_q_q] <= plog_q[b_q_q] + 3'd1;
      else if (rewound && c.shrink) plog_q[b_q_q] <= plog_q[b_q_q] - 3'd1;
    end
  end

  // ---- reads, and what comes back from elsewhere ----

  hp_vq_asks #(.WAY_W($bits(way_t)), .PENDING(TOKENS), .UNDER_WAY(Depth)) u_asks (
    .clk_i, .rst_ni,
    .push_i(push), .push_way_i(ask.way), .push_read_i(ask.read),
    .way_o(ask_way), .cancel_i(!ok_i[ask_way.q] || rewinding[ask_way.q]),
    .read_valid_o, .read_ready_i, .read_o, .word_valid_i, .word_data_i, .word_err_i,
    .ans_valid_o(ans_valid), .ans_pop_i(ans_pop), .ans_way_o(way), .ans_cancel_o(ans_cancel),
    .ans_data_o(ans_data), .ans_err_o(ans_err), .idle_o(asks_idle)
  );

  hp_vq_fifo #(.WIDTH(QW), .DEPTH(4)) u_free (
    .clk_i, .rst_ni, .push_i(free_valid_i && free_ready_o), .data_i(free_q_i), .full_o(free_full),
    .pop_i(a_load && a_valid && a_kind == EvFree), .valid_o(free_valid), .data_o(free_q)
  );
  assign free_ready_o = !free_full;

  logic written_full, event_full;
  assign written_pop = a_load && a_valid && a_kind == EvWritten;

  hp_vq_fifo #(.WIDTH(QW), .DEPTH(Events)) u_written (
    .clk_i, .rst_ni, .push_i(event_ans_i), .data_i(event_ans_q_i), .full_o(written_full),
    .pop_i(written_pop), .valid_o(written_valid), .data_o(written_q)
  );

  wr_job_t event_job;
  always_comb begin
    event_job      = '0;
    event_job.tag  = '{kind: WrEvent, q: 8'({b_q_q, TX}), info: '0};
    event_job.fn   = f.fn;
    event_job.addr = {f.used[63:2], 2'd0} + 64'd4 + {44'd0, size, 3'd0};
    event_job.len  = 14'd2;
    event_job.data = 32'(c.fetch);
  end

  hp_vq_fifo #(.WIDTH($bits(wr_job_t)), .DEPTH(Events)) u_event (
    .clk_i, .rst_ni, .push_i(event_valid), .data_i(event_job), .full_o(event_full),
    .pop_i(event_valid_o && event_ready_i), .valid_o(event_valid_o), .data_o(event_o)
  );

  hp_vq_kept #(.TX(TX), .N_QP(N_QP), .SEGS(SEGS)) u_kept (
    .clk_i, .q_i(b_q_q), .slot_i(b_way_q.slot),
    .seg_we_i(keep_seg), .seg_n_i(entry_t'(b_way_q.count)), .seg_i(seg),
    .chain_we_i(keep_chain), .chain_i(chain),
    .chain_re_i, .chain_addr_i, .chain_o, .seg_re_i, .seg_addr_i, .seg_o,
    .head_slot_i(c.done), .head_o(refused_head_o)
  );

  assign idle_o = asks_idle && !b_valid_q && !free_valid && !written_valid && events_q == '0 &&
                  !turn_valid && rewinding == '0;

  logic unused_enable;
  assign unused_enable = ^{enable_i, ask_way};

  `HP_ASSERT_INIT(Segs_A, SEGS >= MaxChain && 2 ** EW == SEGS)
  `HP_ASSERT_INIT(Tokens_A, TOKENS >= 32)
  `HP_ASSERT(TokensLeft_A, TokW'(take) <= tokens_q)
  `HP_ASSERT(TokensBack_A, 32'(tokens_q) + 32'(give) <= TOKENS + 32'(take))
  `HP_ASSERT(SlotsUsed_A, !write || d.open <= d.used)
  `HP_ASSERT(WrittenFits_A, !(event_ans_i && written_full))
  `HP_ASSERT(EventFits_A, !(event_valid && event_full))
  `HP_ASSERT(EnableIdle_A, !(b_valid_q && b_kind_q == EvEnable) || !ok_i[b_q_q])
endmodule
