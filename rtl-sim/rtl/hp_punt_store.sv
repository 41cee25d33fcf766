// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Frames for the soft core, whole, and the way back. The key of a frame is kept by its slot with the flow cache. A
// frame that goes to a vPort as well teaches a flow: of it there is only the key, in a queue and with slots of its own, and
// where it went (`taught_*`: valid until done). Nobody waits for the core, and what becomes of it nobody but the core
// is told: `punt_full_o` and `punt_quota_o`, until `punt_seen_i`. The head frame's facts are on `punt_*`; its
// first 128 bytes are read by word (`punt_rd_*`, three cycles, zeros past the frame).
// `punt_pop_i` drops the head, `punt_send_i` moves it, or a tombstone in its place, into the core
// ingress stream and then drops it; both are pulses, given only while `punt_valid_o &&
// !punt_busy_o`. The firmware's own frames (`inj_*`) join the core ingress stream here, frame by
// frame.
//
// No backpressure to the pipeline: a frame that does not fit whole is lost (`learn-busy`, at its
// source). Frames that teach come only while `taught_room_o`, and apart.

`include "hp_assert.svh"

module hp_punt_store
  import hp_pkg::*;
  import hp_abi_pkg::ST_FULL, hp_abi_pkg::ST_QUOTA;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned BEATS  = 16384 / (DATA_W / 8),  // a power of two
  parameter int unsigned SLOTS  = 16,                    // a power of two
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              eg_valid_i,
  input  logic              eg_sof_i,
  input  logic              eg_eof_i,
  input  logic [DATA_W-1:0] eg_data_i,
  input  egress_meta_t      eg_meta_i,

  output logic              punt_valid_o,
  output logic [7:0]        punt_slot_o,
  output port_t             punt_src_o,
  output vlan_t             punt_vvlan_o,
  output reason_t           punt_reason_o,
  output len_t              punt_len_o,
  output seq_t              punt_seq_o,
  input  logic              punt_rd_req_i,
  input  logic [6:0]        punt_rd_addr_i,     // byte address in the head frame; [1:0] ignored
  output logic              punt_rd_valid_o,
  output logic [31:0]       punt_rd_data_o,
  input  logic              punt_pop_i,
  input  logic              punt_send_i,
  input  logic              punt_nopunt_i,
  input  logic              punt_tomb_i,
  input  reason_t           punt_tomb_reason_i,
  output logic              punt_busy_o,
  output logic              punt_full_o,
  output logic              punt_quota_o,
  input  logic              punt_seen_i,
  output logic              taught_room_o,      // no other may come without
  output logic              taught_valid_o,
  output logic [7:0]        taught_slot_o,
  output port_t             taught_port_o,
  input  logic              taught_done_i,
  input  logic [3:0]        taught_status_i,
  output logic              store_we_o,         // the frame at `eg_*` a clock ago took this slot
  output logic [7:0]        store_slot_o,

  input  logic              inj_valid_i,
  output logic              inj_ready_o,
  input  logic [DATA_W-1:0] inj_data_i,
  input  logic              inj_sof_i,
  input  logic              inj_eof_i,
  input  frame_meta_t       inj_meta_i,

  output logic              core_valid_o,
  input  logic              core_ready_i,
  output logic [DATA_W-1:0] core_data_o,
  output logic              core_sof_o,
  output logic              core_eof_o,
  output frame_meta_t       core_meta_o,

  output cnt_out_t          cnt_out_o,
  output trace_loss_t       loss_o,
  output cnt_loss_t         cnt_loss_o,
  output logic              idle_o
);
  localparam int unsigned BeatW  = $clog2(Bytes);
  localparam int unsigned AddrW  = $clog2(BEATS);
  localparam int unsigned CountW = AddrW + 1;
  localparam int unsigned FreeW    = CountW + BeatW;  // free beats in bytes
  localparam int unsigned SlotW  = $clog2(SLOTS);

  typedef struct packed {
    port_t             src;
    vlan_t             vvlan;
    reason_t           reason;
    len_t              len;
    seq_t              seq;
    logic [AddrW-1:0]  base;
    logic [CountW-1:0] beats;
  } desc_t;

  // Store. A frame becomes visible with its last beat. When a frame comes, all beats of the ones
  // before have been written, so the free beats need no promises; its length is compared with them
  // in bytes, unrounded.
  logic              teaches, lesson, lost, taught_full;
  logic [CountW-1:0] free_q, freed_q, beats;
  logic [AddrW-1:0]  wr_q, base_q;
  logic              here, fits, admit_q, write, push, pop, desc_full, desc_valid;
  logic [SlotW-1:0]  slot_q;
  desc_t             desc_in, head;
  logic [$clog2(SLOTS+1)-1:0] desc_count;

  assign here  = eg_valid_i && eg_meta_i.to_core;
  assign beats = CountW'((eg_meta_i.len + len_t'(Bytes - 1)) >> BeatW);
  assign teaches = eg_meta_i.to_host;
  assign fits  = !desc_full && !({free_q, BeatW'(0)} < FreeW'(eg_meta_i.len));
  assign write = here && !teaches && (eg_sof_i ? fits : admit_q);
  assign push  = write && eg_eof_i;
  assign lesson = here && teaches && eg_eof_i;
  assign lost   = here && !teaches && eg_sof_i && !fits;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      free_q  <= CountW'(BEATS);
      freed_q <= '0;
      wr_q    <= '0;
      base_q  <= '0;
      admit_q <= 1'b0;
      slot_q  <= '0;
    end else begin
      freed_q <= pop ? head.beats : '0;
      free_q  <= free_q + freed_q - CountW'(write);
      if (write) wr_q <= wr_q + 1'b1;
      if (push) base_q <= wr_q + 1'b1;
      if (here && eg_sof_i) admit_q <= fits;
      if (pop) slot_q <= slot_q + 1'b1;
    end
  end

  assign desc_in = '{
    src: eg_meta_i.src, vvlan: eg_meta_i.vvlan, reason: eg_meta_i.reason, len: eg_meta_i.len,
    seq: eg_meta_i.seq, base: base_q, beats: beats
  };

  hp_fifo #(
    .WIDTH($bits(desc_t)),
    .DEPTH(SLOTS)
  ) u_desc (
    .clk_i,
    .rst_ni,
    .push_i (push),
    .data_i (desc_in),
    .full_o (desc_full),
    .pop_i  (pop),
    .valid_o(desc_valid),
    .data_o (head),
    .count_o(desc_count)
  );

  always_ff @(posedge clk_i) begin
    loss_o.valid           <= rst_ni && lost;
    loss_o.seq             <= eg_meta_i.seq;
    loss_o.port            <= eg_meta_i.src;
    loss_o.reason          <= hp_abi_pkg::RSN_LEARN_BUSY;
    cnt_loss_o.valid       <= rst_ni && lost;
    cnt_loss_o.port        <= eg_meta_i.src;
    cnt_loss_o.vvidx_valid <= eg_meta_i.vvidx_valid;
    cnt_loss_o.vvidx       <= eg_meta_i.vvidx;
    cnt_loss_o.reason      <= hp_abi_pkg::RSN_LEARN_BUSY;
    cnt_out_o.valid        <= rst_ni && (push || lesson);
    cnt_out_o.port         <= PortCore;
    cnt_out_o.len          <= eg_meta_i.len;
    cnt_out_o.vvidx_valid  <= eg_meta_i.vvidx_valid;
    cnt_out_o.vvidx        <= eg_meta_i.vvidx;
  end

  // Frames that teach.
  logic [SlotW-1:0]           lesson_q;
  logic [$clog2(SLOTS+1)-1:0] lessons;
  hp_fifo #(
    .WIDTH(PortW),
    .DEPTH(SLOTS)
  ) u_taught (
    .clk_i,
    .rst_ni,
    .push_i (lesson),
    .data_i (eg_meta_i.host_port),
    .full_o (taught_full),
    .pop_i  (taught_done_i),
    .valid_o(taught_valid_o),
    .data_o (taught_port_o),
    .count_o(lessons)
  );
  assign taught_slot_o = 8'(SLOTS) + 8'(lesson_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      lesson_q     <= '0;
      taught_room_o <= 1'b0;
      punt_full_o  <= 1'b0;
      punt_quota_o <= 1'b0;
    end else begin
      // The last one told of may come a clock later than this knows.
      taught_room_o <= 32'(lessons) < SLOTS - 1;
      if (taught_done_i) lesson_q <= lesson_q + 1'b1;
      punt_full_o  <= (taught_done_i && taught_status_i == ST_FULL) || (punt_full_o && !punt_seen_i);
      punt_quota_o <= (taught_done_i && taught_status_i == ST_QUOTA) || (punt_quota_o && !punt_seen_i);
    end
  end

  // The key of a frame is kept elsewhere, by slot.
  logic [SlotW-1:0] taken, taken_lesson;
  assign taken        = slot_q + SlotW'(desc_count);
  assign taken_lesson = lesson_q + SlotW'(lessons);
  always_ff @(posedge clk_i) begin
    store_we_o   <= rst_ni && (push || lesson);
    store_slot_o <= teaches ? 8'(SLOTS) + 8'(taken_lesson) : 8'(taken);
  end

  assign punt_valid_o  = desc_valid;
  assign punt_slot_o   = 8'(slot_q);
  assign punt_src_o    = head.src;
  assign punt_vvlan_o  = head.vvlan;
  assign punt_reason_o = head.reason;
  assign punt_len_o    = head.len;
  assign punt_seq_o    = head.seq;

  // RAM reads: a word for the core goes before a beat for the way back.
  logic              ram_re, word1_q, word2_q, in1_q, in2_q, beat_req, beat1_q, beat2_q;
  logic [AddrW-1:0]  ram_raddr;
  logic [6:0]        addr1_q, addr2_q;
  logic [DATA_W-1:0] ram_data, shifted;
  logic [CountW-1:0] sent_q;
  logic              in_frame;
  logic [AddrW-1:0]  word_beat;

  assign word_beat = AddrW'(punt_rd_addr_i) >> BeatW;
  assign in_frame  = desc_valid && CountW'(word_beat) < head.beats;
  assign ram_re    = (punt_rd_req_i && in_frame) || beat_req;
  assign ram_raddr = head.base + (punt_rd_req_i ? word_beat : sent_q[AddrW-1:0]);

  hp_ram_1r1w #(
    .WIDTH(DATA_W),
    .DEPTH(BEATS)
  ) u_ram (
    .clk_i,
    .we_i   (write),
    .waddr_i(wr_q),
    .wdata_i(eg_data_i),
    .re_i   (ram_re),
    .raddr_i(ram_raddr),
    .rdata_o(ram_data)
  );

  assign shifted = ram_data >> {addr2_q[$clog2(Bytes > 128 ? 128 : Bytes)-1:2], 5'b0};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word1_q         <= 1'b0;
      word2_q         <= 1'b0;
      beat1_q         <= 1'b0;
      beat2_q         <= 1'b0;
      punt_rd_valid_o <= 1'b0;
    end else begin
      word1_q         <= punt_rd_req_i;
      word2_q         <= word1_q;
      beat1_q         <= beat_req;
      beat2_q         <= beat1_q;
      punt_rd_valid_o <= word2_q;
    end
  end

  always_ff @(posedge clk_i) begin
    in1_q          <= in_frame;
    in2_q          <= in1_q;
    addr1_q        <= punt_rd_addr_i;
    addr2_q        <= addr1_q;
    punt_rd_data_o <= in2_q ? shifted[31:0] : '0;
  end

  // The way back: one beat at a time, read, wait, offer. It is slow on purpose: a learned frame
  // costs the core hundreds of cycles, and one beat register is all the storage this takes.
  typedef enum logic [1:0] {Idle, Read, Fetch, Offer} send_e;
  send_e             send_q;
  logic              tomb_q, nopunt_q, send_take, send_last, beat_last_q;
  reason_t           tomb_reason_q;
  logic [DATA_W-1:0] beat_q;
  frame_meta_t       send_meta;

  assign beat_req  = send_q == Read && !punt_rd_req_i;
  assign send_last = tomb_q || beat_last_q;
  assign pop       = (punt_pop_i && desc_valid && send_q == Idle) || (send_take && send_last);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      send_q <= Idle;
    end else begin
      unique case (send_q)
        Idle: if (punt_send_i && desc_valid && !punt_pop_i) send_q <= punt_tomb_i ? Offer : Read;
        Read: if (!punt_rd_req_i) send_q <= Fetch;
        Fetch: if (beat2_q) send_q <= Offer;
        Offer: if (send_take) send_q <= send_last ? Idle : Read;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (send_q == Idle) begin
      sent_q        <= '0;
      tomb_q        <= punt_tomb_i;
      nopunt_q      <= punt_nopunt_i;
      tomb_reason_q <= punt_tomb_reason_i;
      beat_q        <= '0;
    end
    if (beat2_q) beat_q <= ram_data;
    if (send_take) sent_q <= sent_q + 1'b1;
    beat_last_q <= sent_q + 1'b1 == head.beats;  // settled long before the beat is offered
  end

  assign punt_busy_o = send_q != Idle;

  always_comb begin
    send_meta             = '0;
    send_meta.src         = head.src;
    send_meta.core        = 1'b1;
    send_meta.nopunt      = nopunt_q;
    send_meta.vvlan       = head.vvlan;
    send_meta.slot        = 8'(slot_q);
    send_meta.tomb        = tomb_q;
    send_meta.tomb_reason = tomb_q ? tomb_reason_q : '0;
    send_meta.count       = 16'd1;
    send_meta.len         = head.len;
  end

  // Merge, frame by frame; the side that did not go last goes first.
  logic inj_own_q, send_own_q, inj_first_q, inj_sel, send_offer;

  assign send_offer = send_q == Offer;
  assign inj_sel    = inj_own_q || (!send_own_q && inj_valid_i && (inj_first_q || !send_offer));

  assign core_valid_o = inj_sel ? inj_valid_i : send_offer;
  assign core_data_o  = inj_sel ? inj_data_i : beat_q;
  assign core_sof_o   = inj_sel ? inj_sof_i : sent_q == '0;
  assign core_eof_o   = inj_sel ? inj_eof_i : send_last;
  assign core_meta_o  = inj_sel ? inj_meta_i : send_meta;
  assign inj_ready_o  = inj_sel && core_ready_i;
  assign send_take    = send_offer && !inj_sel && core_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      inj_own_q   <= 1'b0;
      send_own_q  <= 1'b0;
      inj_first_q <= 1'b0;
    end else begin
      // An offered beat keeps the stream until it is taken.
      if (inj_sel && inj_valid_i) begin
        inj_own_q   <= !(core_ready_i && inj_eof_i);
        inj_first_q <= 1'b0;
      end
      if (send_offer && !inj_sel) begin
        send_own_q  <= !(core_ready_i && send_last);
        inj_first_q <= 1'b1;
      end
    end
  end

  assign idle_o = 32'(free_q) == BEATS && !taught_valid_o && !here && !core_valid_o && !inj_own_q && !loss_o.valid &&
                  !cnt_out_o.valid;

  logic unused;
  assign unused = ^{desc_count, lessons, punt_rd_addr_i[1:0], addr2_q, shifted[DATA_W-1:32], eg_meta_i};

  `HP_ASSERT_INIT(Room_A, BEATS * Bytes >= MaxFrame + 8 && BEATS == 2 ** AddrW)
  `HP_ASSERT_INIT(Slots_A, SLOTS == 2 ** SlotW && SLOTS <= 128)
  `HP_ASSERT(CommandHasHead_A, !(punt_pop_i || punt_send_i) || (punt_valid_o && !punt_busy_o))
  `HP_ASSERT(TaughtRoom_A, !(lesson && taught_full))
  `HP_ASSERT(Taught_A, !taught_done_i || taught_valid_o)
  `HP_ASSERT(OneCommand_A, !(punt_pop_i && punt_send_i))
endmodule
