// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Control queues of the VFs: one request at a time, in turn. Reads the request's bytes into a window for the
// firmware, waits for its answer, writes the answer to the guest, interrupts.
//
// A request is a chain: bytes the device reads (class, command, data), then one that it writes (virtio 1.2,
// 5.1.6.5). Each word of the rings is read once and checked; a fault quarantines this queue alone. Bytes beyond
// WINDOW are not read. A VF that the firmware does not allow waits in its ring and keeps nobody. What is under way
// of a queue that ends is dropped; its requests to memory are answered before the end is told.
//
// Speed does not count here: one read or write is under way, some dozen clocks per descriptor besides memory.

`include "hp_assert.svh"

module hp_vq_ctrl import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*, hp_soc_pkg::*; #(
  parameter int unsigned N_VF = 8,
  parameter int unsigned WINDOW = 512,             // bytes, a power of two
  parameter logic [15:0] FIRST_IDX = 16'd0,
  localparam int unsigned VW = (N_VF > 1) ? $clog2(N_VF) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  // Commands for control queues only; as for the rings.
  input  logic            qcmd_valid_i,
  output logic            qcmd_ready_o,
  input  vq_cmd_t         qcmd_i,
  input  logic            bell_valid_i,
  input  logic [VW-1:0]   bell_v_i,
  input  logic [N_VF-1:0] vf_live_i,
  input  qp_t [N_VF-1:0]  pool_i,                  // queue pairs that a VF may use

  output logic            read_valid_o,
  input  logic            read_ready_i,
  output word_read_t      read_o,
  input  logic            word_valid_i,
  input  logic [127:0]    word_data_i,
  input  logic            word_err_i,
  output logic            write_valid_o,
  input  logic            write_ready_i,
  output wr_job_t         write_o,
  input  logic            ans_valid_i,             // a write of ours has been answered
  input  logic            ans_err_i,

  output logic            err_valid_o,
  input  logic            err_ready_i,
  output logic [VW-1:0]   err_v_o,
  output logic [7:0]      err_code_o,
  output logic            irq_valid_o,
  input  logic            irq_ready_i,
  output logic [VW-1:0]   irq_v_o,

  // The firmware, and what its answer changes.
  output guest_to_core_t  guest_o,
  input  core_to_guest_t  guest_i,
  output logic            pairs_set_o,
  output logic [VW-1:0]   pairs_v_o,
  output qp_t             pairs_o,
  output logic            announced_o,             // by pairs_v_o
  output vlan_op_t        vlan_op_o,               // likewise
  output vlan_t           vid_o,

  output logic            idle_o
);
  localparam int unsigned PosW = $clog2(WINDOW);

  typedef logic [VW-1:0] vf_t;

  typedef struct packed {
    fn_t         fn;
    logic [63:0] desc;
    logic [63:0] avail;
    logic [63:0] used;
    logic [3:0]  size_log2;
    logic        event_idx;
    logic        indirect;
  } fixed_t;

  // Requests read (the used index is the same), and the index at the last interrupt check.
  typedef struct packed {
    logic [15:0] next;
    logic [15:0] told;
  } seen_t;

  typedef enum logic [3:0] {
    StIdle, StIndex, StEvent, StHead, StDesc, StBytes, StFlush, StAsk, StAck, StUsedId, StUsedLen,
    StUsedIndex, StLook, StIrq, StError
  } state_e;

  state_e           state_q;
  logic [N_VF-1:0]  live_q, want_q, waiting, turns;
  logic             some, again_q, asked_q, gone;
  vf_t              v_q, pick, cmd_v;
  fixed_t           f;
  seen_t            seen, seen_d;
  logic             seen_we;
  logic [16:0]      size, entries_q, table_n;
  logic [15:0]      head_q, at;
  logic [5:0]       count_q;
  logic             in_table_q, is_table, more, to_answer;
  logic [15:0]      link, id_q;
  logic [63:0]      table_q, addr_q, base;
  bytes_t           left_q;
  logic [PosW:0]    pos_q;
  logic             cut_q;
  logic [3:0]       tag_q;
  logic [7:0]       ack_q, code_q;
  logic [127:0]     bytes_q;
  logic [4:0]       have_q;
  logic [31:0]      word_q;

  assign cmd_v = vf_t'(qcmd_i.q - qid_t'(CtrlBase));

  hp_vq_ctx #(.WIDTH($bits(fixed_t)), .DEPTH(N_VF)) u_fixed (
    .clk_i, .we_i(qcmd_valid_i && qcmd_ready_o && qcmd_i.enable), .waddr_i(cmd_v),
    .wdata_i({qcmd_i.fn, qcmd_i.desc, qcmd_i.avail, qcmd_i.used, qcmd_i.size_log2,
              qcmd_i.event_idx, qcmd_i.indirect}),
    .raddr_i(v_q), .rdata_o(f)
  );

  hp_vq_ctx #(.WIDTH($bits(seen_t)), .DEPTH(N_VF)) u_seen (
    .clk_i, .we_i(seen_we || (qcmd_valid_i && qcmd_ready_o && qcmd_i.enable)),
    .waddr_i(seen_we ? v_q : cmd_v), .wdata_i(seen_we ? seen_d : {2{FIRST_IDX}}),
    .raddr_i(v_q), .rdata_o(seen)
  );

  // ---- commands: an end waits until nothing of the queue is under way ----

  logic mine;
  assign mine         = state_q != StIdle && v_q == cmd_v;
  assign qcmd_ready_o = !mine && !seen_we && (qcmd_i.enable || !live_q[cmd_v]);
  assign gone         = !live_q[v_q] || !vf_live_i[v_q];

  // ---- whose turn it is ----

  assign waiting = live_q & vf_live_i & want_q;
  assign turns   = waiting & N_VF'(guest_i.allow);

  hp_vq_pick #(.N(N_VF)) u_turn (
    .clk_i, .rst_ni, .req_i(turns), .take_i(state_q == StIdle && some), .valid_o(some), .idx_o(pick)
  );

  // ---- memory: one access at a time; `asked_q` from its start to its answer ----

  logic        reads, writes, start, answer, failed;
  word_read_t  read;
  wr_job_t     job;
  logic [15:0] delta, ahead, passed;
  logic [63:0] used_at, avail_end, used_end;
  bytes_t      word_len;
  seg_t        seg;
  logic [7:0]  fault, desc_code;

  assign size      = 17'd1 << f.size_log2;
  assign at        = seen.next & 16'(size - 17'd1);
  assign used_at   = f.used + 64'd4 + {45'd0, at, 3'd0};
  assign avail_end = f.avail + 64'd4 + {46'd0, size, 1'b0};
  assign used_end  = f.used + 64'd4 + {44'd0, size, 3'd0};
  assign base      = in_table_q ? table_q : f.desc;
  assign word_len  = (left_q < 14'd16) ? left_q : 14'd16;

  logic full;                 // the window
  assign full = 32'(pos_q) == WINDOW;

  always_comb begin
    read    = '{fn: f.fn, addr: f.avail, len: 5'd4};
    job     = '0;
    job.tag = '{kind: WrCtrl, default: '0};
    job.fn  = f.fn;
    reads   = 1'b0;
    writes  = 1'b0;
    unique case (state_q)
      StIndex: reads = 1'b1;
      StHead: {reads, read.addr, read.len} = {1'b1, f.avail + 64'd4 + {47'd0, at, 1'b0}, 5'd2};
      StDesc: {reads, read.addr, read.len} = {1'b1, base + {44'd0, head_q, 4'd0}, 5'd16};
      StBytes: {reads, read.addr, read.len} = {have_q == '0 && left_q != '0 && !full, addr_q, 5'(word_len)};
      StLook: {reads, read.addr, read.len} = {1'b1, f.event_idx ? avail_end : f.avail, 5'd2};
      StEvent: {writes, job.addr, job.len, job.data} = {1'b1, used_end, 14'd2, 16'd0, seen.next};
      StAck: {writes, job.addr, job.len, job.data} = {1'b1, addr_q, 14'd1, 24'd0, ack_q};
      StUsedId: {writes, job.addr, job.len, job.data} = {1'b1, used_at, 14'd4, 16'd0, id_q};
      StUsedLen: {writes, job.addr, job.len, job.data} = {1'b1, used_at + 64'd4, 14'd4, 32'd1};
      StUsedIndex: {writes, job.addr, job.len, job.data} =
          {1'b1, f.used + 64'd2, 14'd2, 16'd0, seen.next + 16'd1};
      default: ;
    endcase
  end

  assign read_valid_o  = reads && !asked_q && !gone;
  assign read_o        = read;
  assign write_valid_o = writes && !asked_q && !gone;
  assign write_o       = job;
  assign start         = (read_valid_o && read_ready_i) || (write_valid_o && write_ready_i);
  assign answer        = asked_q && (word_valid_i || ans_valid_i);
  assign failed        = word_valid_i ? word_err_i : ans_err_i;

  // ---- what a descriptor says: as one to send, or it is where the answer goes ----

  assign to_answer = word_data_i[97] && !word_data_i[98];

  hp_vq_desc #(.TX(1'b1)) u_desc (
    .desc_i({word_data_i[127:98], 1'b0, word_data_i[96] && !to_answer, word_data_i[95:0]}),
    .indirect_i(f.indirect), .in_table_i(in_table_q), .before_i(count_q), .entries_i(entries_q),
    .code_o(fault), .table_o(is_table), .table_n_o(table_n), .more_o(more), .next_o(link), .seg_o(seg)
  );

  assign desc_code = (fault == '0 && !is_table && !to_answer && !more) ? hp_abi_pkg::VQERR_CONTROL
                                                                        : fault;

  assign delta  = word_data_i[31:16] - seen.next;
  assign ahead  = word_data_i[15:0];
  assign passed = seen.next - ahead - 16'd1;

  always_comb begin
    seen_d  = seen;
    seen_we = 1'b0;
    if (answer && !failed && state_q == StUsedIndex) begin
      seen_we     = 1'b1;
      seen_d.next = seen.next + 16'd1;
    end
    if (answer && !failed && state_q == StLook) begin
      seen_we     = 1'b1;
      seen_d.told = seen.next;
    end
  end

  // ---- the window: bytes one by one, written as words ----

  logic push, flush;
  assign push  = state_q == StBytes && have_q != '0 && !full;
  assign flush = state_q == StFlush && pos_q[1:0] != '0;


  logic [31:0] window_word, window_read;
  logic        window_we;
  logic [1:0]  rd_q;
  always_comb begin
    window_word = (push && pos_q[1:0] == '0) ? '0 : word_q;
    if (push) window_word[8*pos_q[1:0] +: 8] = bytes_q[7:0];
  end
  always_ff @(posedge clk_i) word_q <= window_word;
  assign window_we = (push && pos_q[1:0] == 2'd3) || flush;

  hp_ram_1r1w #(.WIDTH(32), .DEPTH(WINDOW / 4), .FORWARD(1'b1)) u_window (
    .clk_i, .we_i(window_we), .waddr_i(pos_q[PosW-1:2]), .wdata_i(window_word),
    .re_i(guest_i.rd), .raddr_i((PosW-2)'(guest_i.raddr)), .rdata_o(window_read)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) rd_q <= '0;
    else rd_q <= {rd_q[0], guest_i.rd};
  end

  assign guest_o = '{
    valid: state_q == StAsk && !gone, vport: 7'(v_q), len: 10'(pos_q), cut: cut_q, tag: tag_q,
    pairs: pool_i[v_q], gone: '0, rvalid: rd_q[1], rdata: window_read
  };

  logic answered;
  assign answered    = guest_o.valid && guest_i.answer && guest_i.tag == tag_q;
  assign pairs_set_o = answered && guest_i.pairs != '0 && guest_i.pairs <= pool_i[v_q];
  assign pairs_v_o   = v_q;
  assign pairs_o     = guest_i.pairs;
  assign announced_o = answered && guest_i.announced;
  assign vlan_op_o   = answered ? guest_i.vlan_op : '0;
  assign vid_o       = guest_i.vid;

  // ---- one request ----

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      live_q  <= '0;
      want_q  <= '0;
      asked_q <= 1'b0;
      tag_q   <= '0;
    end else begin
      if (start) asked_q <= 1'b1;
      else if (answer) asked_q <= 1'b0;

      if (state_q == StIdle && some) want_q[pick] <= 1'b0;
      if (bell_valid_i) want_q[bell_v_i] <= 1'b1;

      unique case (state_q)
        StIdle: if (some) state_q <= StIndex;
        StIndex: begin
          if (answer && 17'(delta) > size) state_q <= StError;
          else if (answer && delta != '0) state_q <= StHead;
          else if (answer) state_q <= (f.event_idx && !again_q) ? StEvent : StIdle;
        end
        StEvent: if (answer) state_q <= StIndex;
        StHead: if (answer) state_q <= (17'(word_data_i[15:0]) >= size) ? StError : StDesc;
        StDesc: begin
          if (answer && desc_code != '0) state_q <= StError;
          else if (answer && is_table) state_q <= StDesc;
          else if (answer) state_q <= to_answer ? StFlush : StBytes;
        end
        StBytes: if (!asked_q && have_q == '0 && left_q == '0) state_q <= StDesc;
        StFlush: state_q <= StAsk;
        StAsk: if (answered) state_q <= StAck;
        StAck: if (answer) state_q <= StUsedId;
        StUsedId: if (answer) state_q <= StUsedLen;
        StUsedLen: if (answer) state_q <= StUsedIndex;
        StUsedIndex: if (answer) state_q <= StLook;
        StLook: begin
          if (answer) begin
            state_q <= (f.event_idx ? passed < seen.next - seen.told : !word_data_i[0]) ? StIrq : StIdle;
            want_q[v_q] <= 1'b1;
          end
        end
        StIrq: if (irq_ready_i) state_q <= StIdle;
        default: if (err_ready_i) state_q <= StIdle;  // StError
      endcase
      if (answer && failed) state_q <= StError;
      if (answered) tag_q <= tag_q + 4'd1;

      // A queue that is no more: at once, or when memory has answered.
      if (state_q != StIdle && gone && !asked_q && !start) state_q <= StIdle;
      if (state_q == StError && err_ready_i) live_q[v_q] <= 1'b0;
      if (qcmd_valid_i && !qcmd_i.enable) live_q[cmd_v] <= 1'b0;
      if (qcmd_valid_i && qcmd_ready_o && qcmd_i.enable) begin
        live_q[cmd_v] <= 1'b1;
        want_q[cmd_v] <= 1'b0;
      end
    end

    if (state_q == StIdle) begin
      v_q     <= pick;
      again_q <= 1'b0;
    end
    if (state_q == StEvent) again_q <= 1'b1;

    if (state_q == StHead) begin
      head_q     <= word_data_i[15:0];
      id_q       <= word_data_i[15:0];
      entries_q  <= size;
      in_table_q <= 1'b0;
      count_q    <= '0;
      pos_q      <= '0;
      cut_q      <= 1'b0;
    end
    if (state_q == StDesc && answer) begin
      addr_q <= seg.addr;
      left_q <= seg.len;
      have_q <= '0;
      if (is_table) begin
        in_table_q <= 1'b1;
        table_q    <= seg.addr;
        entries_q  <= table_n;
        head_q     <= '0;
      end else begin
        head_q     <= link;
        count_q    <= count_q + 6'd1;
      end
    end
    // Bytes past the window are not read.
    if (state_q == StBytes && full && left_q != '0 && !asked_q && !start) begin
      left_q <= '0;
      cut_q  <= 1'b1;
    end
    if (state_q == StBytes && answer) begin
      bytes_q <= word_data_i;
      have_q  <= 5'(word_len);
      addr_q  <= addr_q + 64'(word_len);
      left_q  <= left_q - word_len;
    end else if (state_q == StBytes && have_q != '0) begin
      bytes_q <= bytes_q >> 8;
      have_q  <= have_q - 5'd1;
      pos_q   <= full ? pos_q : pos_q + 1'b1;
      cut_q   <= cut_q || full;
    end
    if (answered) ack_q <= 8'(guest_i.ack);

    if (answer) begin
      if (failed) code_q <= word_valid_i ? hp_abi_pkg::VQERR_READ : hp_abi_pkg::VQERR_WRITE;
      else if (state_q == StIndex) code_q <= hp_abi_pkg::VQERR_AVAIL_INDEX;
      else if (state_q == StHead) code_q <= hp_abi_pkg::VQERR_HEAD;
      else code_q <= desc_code;
    end
  end

  assign err_valid_o = state_q == StError && !gone;
  assign err_v_o     = v_q;
  assign err_code_o  = code_q;
  assign irq_valid_o = state_q == StIrq && !gone;
  assign irq_v_o     = v_q;
  // One that is not allowed waits for the firmware's time to pass.
  assign idle_o      = state_q == StIdle && waiting == '0 && !qcmd_valid_i && !bell_valid_i;

  logic unused;
  assign unused = ^{qcmd_i, guest_i};

  `HP_ASSERT_INIT(Window_A, WINDOW >= 16 && 2 ** PosW == WINDOW && WINDOW <= 512)
  `HP_ASSERT(OneAnswer_A, !(word_valid_i && ans_valid_i))
  `HP_ASSERT(AnswerOfOurs_A, !(word_valid_i || ans_valid_i) || asked_q)
endmodule
