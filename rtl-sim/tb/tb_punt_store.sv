// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_punt_store: random frames in, random window reads, pops, sends and tombstones, with the
// core's own frames on the inject port and backpressure on the core stream. Every frame is
// popped, sent back byte for byte, or lost with one event; frames on the core stream never mix;
// window words past the frame read as zero. Frames that teach are offered for their install in their order, whatever the
// others do, and leave nothing else.
//
// bench-args: --unroll-count 8
// bench: -GDATA_W=128
// bench: -GDATA_W=512

module tb_punt_store
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512
);
  import tb_pkg::*;

  localparam int unsigned Bytes  = DATA_W / 8;
  localparam int unsigned Frames = 4000;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic              eg_valid = 1'b0, eg_sof = 1'b0, eg_eof = 1'b0;
  logic [DATA_W-1:0] eg_data = '0, inj_data = '0, core_data;
  egress_meta_t      eg_meta = '0;
  logic              p_valid, rd_req = 1'b0, rd_valid, pop = 1'b0, send = 1'b0, nopunt = 1'b0;
  logic              tomb = 1'b0, busy, inj_valid = 1'b0, inj_ready, inj_sof = 1'b0, inj_eof = 1'b0;
  logic              core_valid, core_ready = 1'b0, core_sof, core_eof, idle;
  logic [7:0]        slot, took_slot;
  logic              took, taught_valid, taught_done = 1'b0;
  logic              room, full, quota, seen = 1'b0;
  logic [7:0]        taught_slot;
  logic [3:0]        taught_status = '0;
  port_t             taught_port;
  port_t             src;
  vlan_t             vvlan;
  reason_t           reason, tomb_reason = '0;
  len_t              len;
  seq_t              seq;
  logic [6:0]        rd_addr = '0;
  logic [31:0]       rd_data;
  frame_meta_t       inj_meta = '0, core_meta;
  cnt_out_t          cnt_out;
  trace_loss_t       loss;
  cnt_loss_t         cnt_loss;

  hp_punt_store #(.DATA_W(DATA_W)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .eg_valid_i(eg_valid), .eg_sof_i(eg_sof), .eg_eof_i(eg_eof),
    .eg_data_i(eg_data), .eg_meta_i(eg_meta), .punt_valid_o(p_valid), .punt_slot_o(slot),
    .punt_src_o(src), .punt_vvlan_o(vvlan), .punt_reason_o(reason), .punt_len_o(len),
    .punt_seq_o(seq), .punt_rd_req_i(rd_req), .punt_rd_addr_i(rd_addr), .punt_rd_valid_o(rd_valid),
    .punt_rd_data_o(rd_data), .punt_pop_i(pop), .punt_send_i(send), .punt_nopunt_i(nopunt),
    .punt_tomb_i(tomb), .punt_tomb_reason_i(tomb_reason), .punt_busy_o(busy),
    .punt_full_o(full), .punt_quota_o(quota), .punt_seen_i(seen), .taught_room_o(room), .taught_valid_o(taught_valid),
    .taught_slot_o(taught_slot), .taught_port_o(taught_port),
    .taught_done_i(taught_done), .taught_status_i(taught_status),
    .store_we_o(took), .store_slot_o(took_slot),
    .inj_valid_i(inj_valid), .inj_ready_o(inj_ready), .inj_data_i(inj_data), .inj_sof_i(inj_sof),
    .inj_eof_i(inj_eof), .inj_meta_i(inj_meta), .core_valid_o(core_valid),
    .core_ready_i(core_ready), .core_data_o(core_data), .core_sof_o(core_sof),
    .core_eof_o(core_eof), .core_meta_o(core_meta), .cnt_out_o(cnt_out), .loss_o(loss),
    .cnt_loss_o(cnt_loss), .idle_o(idle)
  );

  egress_meta_t frame[65536];
  bit           in_store[65536];
  int unsigned  next_seq, next_inj, stored, lost, popped, sent, tombs, injected, words;
  int           last_seq, slots_used[256];

  function automatic logic [7:0] body(input int unsigned s, input int unsigned i);
    return 8'((s * 32'h9E3779B1 + i * 32'h85EBCA6B) >> 13);
  endfunction

  function automatic logic [DATA_W-1:0] body_beat(input int unsigned s, input int unsigned length,
                                                  input int unsigned b);
    logic [DATA_W-1:0] d;
    d = '0;
    for (int unsigned i = 0; i < Bytes; i++)
      if (b * Bytes + i < length) d[8*i +: 8] = body(s, b * Bytes + i);
    return d;
  endfunction

  // Ingress: frames without gaps inside; two that teach are apart, often none at all for a while.
  int unsigned beat, apart;
  bit          sending;
  task automatic drive_frames();
    bit taught_before;
    taught_before = apart != 0;
    if (apart != 0) apart--;
    if (!sending && next_seq < Frames && chance(20)) begin
      eg_meta = '0;
      eg_meta.to_core = 1'b1;
      eg_meta.seq = seq_t'(next_seq);
      eg_meta.src = chance(20) ? PortUplink : port_t'(below(64));
      eg_meta.vvlan = vlan_t'(rnd());
      eg_meta.reason = reason_t'(rnd());
      eg_meta.to_host = room && !taught_before && chance(30);
      eg_meta.host_port = port_t'(rnd());
      eg_meta.len = len_t'(chance(90) ? 52 + below(200) : 52 + below(9173));
      eg_meta.vvidx = 6'(rnd());
      eg_meta.vvidx_valid = chance(50);
      if (eg_meta.to_host) apart = 8;
      frame[next_seq] = eg_meta;
      next_seq++;
      sending = 1'b1;
      beat = 0;
    end
    eg_valid = sending;
    if (sending) begin
      eg_sof = beat == 0;
      eg_eof = (beat + 1) * Bytes >= 32'(eg_meta.len);
      eg_data = body_beat(32'(eg_meta.seq), 32'(eg_meta.len), beat);
      if (eg_eof) in_store[eg_meta.seq] = !eg_meta.to_host;
      beat++;
      sending = !eg_eof;
    end
  endtask

  // Inject: frames with gaps, held until taken.
  int unsigned inj_beat;
  bit          inj_busy;
  task automatic drive_inject();
    if (inj_valid && inj_ready_before) begin
      inj_valid = 1'b0;
      inj_beat++;
      if (inj_eof) inj_busy = 1'b0;
    end
    if (!inj_busy && next_seq < Frames && chance(2)) begin
      inj_busy = 1'b1;
      inj_beat = 0;
      inj_meta = '0;
      inj_meta.direct = 1'b1;
      inj_meta.core = 1'b1;
      inj_meta.direct_port = port_t'(below(65));
      inj_meta.len = len_t'(60 + below(1500));
      inj_meta.seq = seq_t'(next_inj);
      next_inj++;
    end
    if (inj_busy && !inj_valid && chance(50)) begin
      inj_valid = 1'b1;
      inj_sof = inj_beat == 0;
      inj_eof = (inj_beat + 1) * Bytes >= 32'(inj_meta.len);
      inj_data = body_beat(32'(inj_meta.seq) + 100000, 32'(inj_meta.len), inj_beat);
    end
  endtask

  // The tables: they take their time, now and then a long one.
  int unsigned installs, unasked, table_rate, lessons_used[256];
  int          last_lesson;
  seq_t        lessons_due[$];
  bit          want_full, want_quota;
  task automatic drive_tables();
    seq_t at;
    // The flags of the answer a clock ago.
    if (full != want_full || quota != want_quota) $fatal(1, "full %0d, quota %0d", full, quota);
    seen = chance(5);
    if (seen) {want_full, want_quota} = '0;
    taught_done = taught_valid && chance(table_rate);
    taught_status = 4'(below(10));
    unasked = (taught_valid || lessons_due.size() == 0) ? 0 : unasked + 1;
    if (unasked > 2 || (taught_valid && lessons_due.size() == 0))
      $fatal(1, "frames that teach: %0d wait", lessons_due.size());
    if (!taught_done) return;
    at = lessons_due.pop_front();
    if (taught_port != frame[at].host_port || taught_slot != slot_of[at]) $fatal(1, "seq %0d teaches", at);
    if (taught_status == hp_abi_pkg::ST_FULL) want_full = 1'b1;
    if (taught_status == hp_abi_pkg::ST_QUOTA) want_quota = 1'b1;
    lessons_used[taught_slot]++;
    installs++;
  endtask

  // The core: reads the window, then pops or sends.
  frame_meta_t     want;
  bit              want_valid, inj_ready_before;
  int unsigned     want_seq;
  logic [31:0]     words_due[$];
  int unsigned     read_rate, command_rate;
  task automatic drive_core();
    pop = 1'b0;
    send = 1'b0;
    rd_req = p_valid && chance(read_rate);
    rd_addr = 7'(rnd());
    if (rd_req) begin
      logic [31:0] w;
      w = '0;
      for (int unsigned i = 0; i < 4; i++)
        if (32'({rd_addr[6:2], 2'b0}) + i < 32'(len))
          w[8*i +: 8] = body(32'(seq), 32'({rd_addr[6:2], 2'b0}) + i);
      words_due.push_back(w);
    end
    if (p_valid && !busy && chance(command_rate)) begin
      if (!in_store[seq] || int'(seq) <= last_seq || src != frame[seq].src ||
          len != frame[seq].len || vvlan != frame[seq].vvlan || reason != frame[seq].reason)
        $fatal(1, "head seq %0d", seq);
      if (frame[seq].to_host) $fatal(1, "the core sees seq %0d, which teaches", seq);
      last_seq = int'(seq);
      in_store[seq] = 1'b0;
      slots_used[slot]++;
      nopunt = chance(50);
      tomb = chance(20);
      tomb_reason = reason_t'(rnd());
      if (chance(30)) begin
        pop = 1'b1;
        popped++;
      end else begin
        send = 1'b1;
        if (tomb) tombs++;
        else sent++;
        want = '0;
        want.src = src;
        want.core = 1'b1;
        want.nopunt = nopunt;
        want.vvlan = vvlan;
        want.slot = slot;
        want.tomb = tomb;
        want.tomb_reason = tomb ? tomb_reason : '0;
        want.count = 16'd1;
        want.len = len;
        want_seq = 32'(seq);
        want_valid = 1'b1;
      end
    end
  endtask

  // The core stream.
  int unsigned core_beat, owner_len, owner_seq;
  bit          core_mid, owner_inj;
  task automatic watch_core();
    if (!(core_valid && core_ready)) return;
    if (core_sof !== !core_mid) $fatal(1, "core sof");
    if (!core_mid) begin
      owner_inj = core_meta.direct;
      if (owner_inj) begin
        owner_seq = 32'(core_meta.seq) + 100000;
        if (core_meta !== inj_meta) $fatal(1, "inject meta");
      end else begin
        if (!want_valid || core_meta !== want)
          $fatal(1, "sent meta: %h, expected %h", core_meta, want);
        owner_seq = want_seq;
        want_valid = 1'b0;
      end
      owner_len = core_meta.tomb ? 1 : 32'(core_meta.len);
      core_beat = 0;
    end
    if (core_eof !== ((core_beat + 1) * Bytes >= owner_len)) $fatal(1, "core eof");
    if (core_data !== (core_meta.tomb ? '0 : body_beat(owner_seq, owner_len, core_beat)))
      $fatal(1, "core data, beat %0d of seq %0d", core_beat, owner_seq);
    core_beat++;
    core_mid = !core_eof;
    if (core_eof && owner_inj) injected++;
  endtask

  // Slots are taken in turn; the frame that takes one is told a clock after its last beat.
  logic [7:0] slot_of[65536];
  seq_t       last_beat_seq;
  bit         last_beat;
  task automatic watch_slots();
    if (took) begin
      if (!last_beat) $fatal(1, "a slot without a frame");
      slot_of[last_beat_seq] = took_slot;
      if (frame[last_beat_seq].to_host) lessons_due.push_back(last_beat_seq);
      if (frame[last_beat_seq].to_host != (took_slot >= 8'd16)) $fatal(1, "slot %0d", took_slot);
    end
    last_beat     = eg_valid && eg_eof;
    last_beat_seq = eg_meta.seq;
    if (p_valid && slot != slot_of[seq]) $fatal(1, "seq %0d in slot %0d, told %0d", seq, slot, slot_of[seq]);
  endtask

  task automatic watch();
    if (cnt_out.valid) begin
      if (cnt_out.port != PortCore) $fatal(1, "counted at port %0d", cnt_out.port);
      stored++;
    end
    if (loss.valid) begin
      if (loss.reason != hp_abi_pkg::RSN_LEARN_BUSY || loss.port != frame[loss.seq].src ||
          !cnt_loss.valid || cnt_loss.port != loss.port)
        $fatal(1, "loss");
      lost++;
    end
    if (rd_valid) begin
      if (words_due.size() == 0) $fatal(1, "a word nobody asked for");
      if (rd_data !== words_due[0]) $fatal(1, "word %h, expected %h", rd_data, words_due[0]);
      void'(words_due.pop_front());
      words++;
    end
    if (words_due.size() > 3) $fatal(1, "a word is late");
  endtask

  int unsigned core_rate, quiet_for;
  always @(negedge clk) if (rst_n) begin
    if (next_seq % 200 == 0) begin
      core_rate = 20 + below(81);
      command_rate = chance(50) ? 30 : 2;
      table_rate = chance(50) ? 30 : 1;
      read_rate = below(60);
    end
    drive_frames();
    drive_inject();
    drive_core();
    core_ready = chance(core_rate);
    #1;
    inj_ready_before = inj_ready;
    watch_slots();
    watch();
    drive_tables();
    watch_core();
    quiet_for = (next_seq == Frames && idle && !inj_busy) ? quiet_for + 1 : 0;
  end

  initial begin
    int unsigned n;
    void'(seed_from_args("tb_punt_store"));
    last_seq = -1;
    core_rate = 100;
    command_rate = 30;
    table_rate = 30;
    read_rate = 50;
    repeat (3) @(posedge clk);
    rst_n = 1'b1;
    n = 0;
    while (quiet_for < 20) begin
      @(posedge clk);
      n++;
      if (n > 2000000) $fatal(1, "never quiet");
    end
    $display("stored %0d, lost %0d, popped %0d, sent %0d, tombstones %0d, injected %0d, words %0d",
             stored, lost, popped, sent, tombs, injected, words);
    if (stored + lost != Frames || popped + sent + tombs + installs != stored)
      $fatal(1, "%0d frames in, not all accounted for", Frames);
    if (injected != next_inj || lost == 0 || sent == 0 || tombs == 0 || words == 0 || injected == 0 || installs == 0)
      $fatal(1, "a case was never reached");
    for (int i = 0; i < 16; i++)
      if (slots_used[i] == 0 || lessons_used[16+i] == 0) $fatal(1, "slot %0d never used", i);
    $display("PASS");
    $finish;
  end
endmodule
