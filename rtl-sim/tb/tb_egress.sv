// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_egress as a whole, every output byte checked: each copy comes out once or has one loss event
// of the right reason, in order per port and class; two cycles of latency; no output gap at full
// load; group copies get a quarter under contention; a dead receiver holds nobody up; a dead wire
// releases the host; counters agree at the end.
//
// bench-args: --unroll-count 8
// bench: -GDATA_W=512
// bench: -GDATA_W=256
// bench: -GDATA_W=128 -GN_VF=5

module tb_egress
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF   = 8
);
  import tb_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned Delay = 30;  // clocks from a stall to its effect here

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic              eg_valid = 1'b0, eg_sof = 1'b0, eg_eof = 1'b0, stall_host, stall_all;
  logic [DATA_W-1:0] eg_data = '0;
  egress_meta_t      eg_meta = '0;
  logic [N_VF-1:0]   rx_ready = '1, rx_next;
  logic [MaxVf-1:0]  rx_before = '1;
  logic              h_valid, h_ready = 1'b0, h_last, w_valid, w_ready = 1'b0, w_last;
  logic [DATA_W-1:0] h_data, w_data;
  logic [Bytes-1:0]  h_keep, w_keep;
  logic [6:0]        h_dest;
  logic [15:0]       h_id, w_id;
  len_t              h_len;
  logic              punt_valid, punt_pop = 1'b0, punt_busy, cnt_rd = 1'b0, cnt_done, idle;
  logic [7:0]        punt_slot;
  port_t             punt_src;
  vlan_t             punt_vvlan;
  reason_t           punt_reason;
  len_t              punt_len;
  seq_t              punt_seq;
  logic [15:0]       cnt_addr = '0;
  logic [63:0]       cnt_data;
  trace_loss_t       loss_host, loss_rep, loss_other;

  hp_egress #(.DATA_W(DATA_W), .N_VF(N_VF)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .eg_valid_i(eg_valid), .eg_sof_i(eg_sof), .eg_eof_i(eg_eof),
    .eg_data_i(eg_data), .eg_meta_i(eg_meta), .cnt_dec_i('0), .stall_host_o(stall_host),
    .stall_all_o(stall_all), .host_rx_ready_i(rx_ready), .m_host_tvalid_o(h_valid),
    .m_host_tready_i(h_ready), .m_host_tdata_o(h_data), .m_host_tkeep_o(h_keep),
    .m_host_tlast_o(h_last), .m_host_tdest_o(h_dest), .m_host_tid_o(h_id), .m_host_len_o(h_len),
    .m_wire_tvalid_o(w_valid), .m_wire_tready_i(w_ready), .m_wire_tdata_o(w_data),
    .m_wire_tkeep_o(w_keep), .m_wire_tlast_o(w_last), .m_wire_tid_o(w_id),
    .punt_valid_o(punt_valid), .punt_slot_o(punt_slot), .punt_src_o(punt_src),
    .punt_vvlan_o(punt_vvlan), .punt_reason_o(punt_reason), .punt_len_o(punt_len),
    .punt_seq_o(punt_seq), .punt_full_o(), .punt_quota_o(), .punt_seen_i(1'b0), .taught_room_o(), .taught_valid_o(), .taught_slot_o(),
    .taught_port_o(), .taught_done_i(1'b0),
    .taught_status_i(hp_abi_pkg::ST_DENIED), .punt_we_o(), .punt_we_slot_o(),
    .punt_rd_req_i(1'b0), .punt_rd_addr_i('0), .punt_rd_valid_o(),
    .punt_rd_data_o(), .punt_pop_i(punt_pop), .punt_send_i(1'b0), .punt_nopunt_i(1'b0),
    .punt_tomb_i(1'b0), .punt_tomb_reason_i('0), .punt_busy_o(punt_busy), .inj_valid_i(1'b0),
    .inj_ready_o(), .inj_data_i('0), .inj_sof_i(1'b0), .inj_eof_i(1'b0), .inj_meta_i('0),
    .core_valid_o(), .core_ready_i(1'b1), .core_data_o(), .core_sof_o(), .core_eof_o(),
    .core_meta_o(), .cnt_rd_valid_i(cnt_rd), .cnt_rd_addr_i(cnt_addr), .cnt_rd_done_o(cnt_done),
    .cnt_rd_data_o(cnt_data), .idle_o(idle), .trace_loss_host_o(loss_host),
    .trace_loss_rep_o(loss_rep), .trace_loss_other_o(loss_other)
  );

  // The model: every frame by its number, and what is still owed for it.
  egress_meta_t     frame[65536];
  logic [MaxVf-1:0] owed[65536];
  bit               owed_wire[65536], owed_core[65536];
  int unsigned      sent_at[65536];
  longint unsigned  count[65536];  // counter model, by address
  int unsigned      next_seq, outstanding, now;
  int               last_uni[MaxVf], last_grp[MaxVf], last_wire, last_core;
  int unsigned      uni_beats, grp_beats, empty, latency_checked;
  int unsigned      n_rx_full, n_rep_full, n_up_full, n_busy, n_stall_host, n_stall_all;
  bit               watch_gap, check_latency;
  int unsigned      h_rate, w_rate, punt_rate, rx_rate;
  logic [N_VF-1:0]  dead;
  logic [Delay-1:0] all_hist, host_hist;

  function automatic logic [7:0] body(input seq_t s, input int unsigned i);
    return 8'((32'(s) * 32'h9E3779B1 + i * 32'h85EBCA6B) >> 13);
  endfunction

  function automatic logic [7:0] tag_byte(input egress_meta_t m, input int unsigned ins,
                                          input int unsigned i);
    logic [63:0] t;  // first byte on the wire in the high bits
    if (ins == 8) t = {m.tpid, m.pcp, 1'b0, m.vlan, 16'h8100, m.pcp, m.served, m.vvlan};
    else t = {16'h8100, 4'h0, m.vvlan, 32'h0};
    return t[63 - 8*i -: 8];
  endfunction

  function automatic logic [7:0] want_byte(input egress_meta_t m, input int unsigned ins,
                                           input int unsigned i);
    /* verilator no_inline_task */
    int unsigned k;
    if (i >= 12 && i < 12 + ins) return tag_byte(m, ins, i - 12);
    k = (i < 12) ? i : i - ins;
    return (k < 32'(m.len)) ? body(m.seq, k) : 8'h00;
  endfunction

  task automatic check_beat(input string what, input egress_meta_t m, input int unsigned ins,
                            input int unsigned beat, input logic [DATA_W-1:0] data,
                            input logic [Bytes-1:0] keep, input logic last);
    int unsigned total;
    total = (32'(m.len) + ins < 60) ? 60 : 32'(m.len) + ins;
    if (last !== (total <= (beat + 1) * Bytes)) $fatal(1, "%s seq %0d: tlast", what, m.seq);
    for (int unsigned i = 0; i < Bytes; i++) begin
      int unsigned p;
      p = beat * Bytes + i;
      if (keep[i] !== (p < total)) $fatal(1, "%s seq %0d: tkeep %h", what, m.seq, keep);
      if (data[8*i +: 8] !== want_byte(m, ins, p))
        $fatal(1, "%s seq %0d byte %0d: got %h, expected %h", what, m.seq, p, data[8*i +: 8],
               want_byte(m, ins, p));
    end
  endtask

  task automatic count_out(input int unsigned port, input egress_meta_t m, input int unsigned ins);
    int unsigned total;
    total = (32'(m.len) + ins < 60) ? 60 : 32'(m.len) + ins;
    count[port*4+2] += 1;
    count[port*4+3] += 64'(total);
    if (m.vvidx_valid) begin
      count[1<<13 | 32'(m.vvidx)*4+2] += 1;
      count[1<<13 | 32'(m.vvidx)*4+3] += 64'(total);
    end
  endtask

  task automatic count_loss(input trace_loss_t l);
    count[2<<13 | 32'(l.port)<<6 | 32'(l.reason)] += 1;
    if (frame[l.seq].vvidx_valid) count[3<<13 | 32'(frame[l.seq].vvidx)<<6 | 32'(l.reason)] += 1;
  endtask

  int unsigned h_beat, w_beat;

  task automatic watch_host();
    egress_meta_t m;
    int unsigned  ins;
    m = frame[h_id];
    if (watch_gap && !h_valid && outstanding != 0) empty++;
    if (!(h_valid && h_ready)) return;
    ins = (m.group ? m.tag_mask[h_dest[5:0]] : m.host_tag) ? 4 : 0;
    if (!owed[h_id][h_dest[5:0]]) $fatal(1, "seq %0d at port %0d is not owed", h_id, h_dest);
    check_beat("host", m, ins, h_beat, h_data, h_keep, h_last);
    if (32'(h_len) != ((32'(m.len) + ins < 60) ? 60 : 32'(m.len) + ins))
      $fatal(1, "host seq %0d beat %0d: length %0d", m.seq, h_beat, h_len);
    if (m.group) grp_beats++;
    else uni_beats++;
    if (h_beat == 0) begin
      if (m.group) begin
        if (int'(h_id) <= last_grp[h_dest[5:0]]) $fatal(1, "group order at port %0d", h_dest);
        last_grp[h_dest[5:0]] = int'(h_id);
      end else begin
        if (int'(h_id) <= last_uni[h_dest[5:0]]) $fatal(1, "order at port %0d", h_dest);
        last_uni[h_dest[5:0]] = int'(h_id);
        if (check_latency) begin
          if (now - sent_at[h_id] != 2) $fatal(1, "latency %0d", now - sent_at[h_id]);
          latency_checked++;
        end
      end
    end
    h_beat = h_last ? 0 : h_beat + 1;
    if (h_last) begin
      owed[h_id][h_dest[5:0]] = 1'b0;
      outstanding--;
      count_out(32'(h_dest), m, ins);
    end
  endtask

  // A copy that starts on the bus had a ready receiver the cycle before.
  bit h_was_start;
  task automatic watch_rx();
    if (h_valid && h_was_start && !rx_before[h_dest[5:0]])
      $fatal(1, "seq %0d sent to port %0d, which was not ready", h_id, h_dest);
    h_was_start = h_valid ? (h_ready && h_last) : 1'b1;
  endtask

  task automatic watch_wire();
    if (!(w_valid && w_ready)) return;
    if (!owed_wire[w_id]) $fatal(1, "seq %0d on the wire is not owed", w_id);
    check_beat("wire", frame[w_id], frame[w_id].raw ? 0 : 8, w_beat, w_data, w_keep, w_last);
    if (w_beat == 0) begin
      if (int'(w_id) <= last_wire) $fatal(1, "order on the wire");
      last_wire = int'(w_id);
      if (check_latency && now - sent_at[w_id] != 2)
        $fatal(1, "wire latency %0d", now - sent_at[w_id]);
    end
    w_beat = w_last ? 0 : w_beat + 1;
    if (w_last) begin
      owed_wire[w_id] = 1'b0;
      outstanding--;
      count_out(64, frame[w_id], frame[w_id].raw ? 0 : 8);
    end
  endtask

  task automatic watch_losses();
    if (loss_host.valid) begin
      if (loss_host.reason != hp_abi_pkg::RSN_RX_FULL) $fatal(1, "host loss reason");
      if (!owed[loss_host.seq][loss_host.port[5:0]])
        $fatal(1, "seq %0d lost at port %0d but not owed", loss_host.seq, loss_host.port);
      if (rx_before[loss_host.port[5:0]]) $fatal(1, "lost although the receiver was ready");
      owed[loss_host.seq][loss_host.port[5:0]] = 1'b0;
      outstanding--;
      n_rx_full++;
      count_loss(loss_host);
    end
    if (loss_rep.valid) begin
      if (loss_rep.reason != hp_abi_pkg::RSN_REPLICATION_FULL ||
          loss_rep.port != frame[loss_rep.seq].src || !frame[loss_rep.seq].group ||
          owed[loss_rep.seq] != frame[loss_rep.seq].targets)
        $fatal(1, "seq %0d: replication loss", loss_rep.seq);
      outstanding -= $countones(owed[loss_rep.seq]);
      owed[loss_rep.seq] = '0;
      n_rep_full++;
      count_loss(loss_rep);
    end
    if (loss_other.valid) begin
      outstanding--;
      count_loss(loss_other);
      if (loss_other.reason == hp_abi_pkg::RSN_UPLINK_FULL) begin
        if (!owed_wire[loss_other.seq] || loss_other.port != PortUplink) $fatal(1, "uplink loss");
        owed_wire[loss_other.seq] = 1'b0;
        n_up_full++;
      end else if (loss_other.reason == hp_abi_pkg::RSN_LEARN_BUSY) begin
        if (!owed_core[loss_other.seq] || loss_other.port != frame[loss_other.seq].src)
          $fatal(1, "punt loss");
        owed_core[loss_other.seq] = 1'b0;
        n_busy++;
      end else $fatal(1, "other loss reason");
    end
  endtask

  task automatic watch_punts();
    if (!punt_pop) return;
    if (!owed_core[punt_seq] || punt_src != frame[punt_seq].src ||
        punt_vvlan != frame[punt_seq].vvlan || punt_len != frame[punt_seq].len ||
        punt_reason != frame[punt_seq].reason || int'(punt_seq) <= last_core)
      $fatal(1, "punt head: seq %0d", punt_seq);
    last_core = int'(punt_seq);
    owed_core[punt_seq] = 1'b0;
    outstanding--;
    count[65*4+2] += 1;
    count[65*4+3] += 64'(punt_len);
    if (frame[punt_seq].vvidx_valid) begin
      count[1<<13 | 32'(frame[punt_seq].vvidx)*4+2] += 1;
      count[1<<13 | 32'(frame[punt_seq].vvidx)*4+3] += 64'(punt_len);
    end
  endtask

  // One process owns the clock: it draws the handshakes, drives `eg_*`, looks at everything.
  egress_meta_t todo;              // the next frame, from the phases below
  bit           todo_valid, sending, quiet;
  int unsigned  beat, beats;

  task automatic start_frame();
    seq_t s;
    if (next_seq > 65535) $fatal(1, "the bench ran out of numbers");
    s = seq_t'(next_seq);
    next_seq++;
    todo_valid = 1'b0;
    eg_meta = todo;
    eg_meta.seq = s;
    frame[s] = eg_meta;
    owed[s] = '0;
    if (todo.to_host) owed[s][todo.host_port[5:0]] = 1'b1;
    if (todo.group) owed[s] = todo.targets;
    owed_wire[s] = todo.to_uplink;
    owed_core[s] = todo.to_core;
    outstanding += $countones(owed[s]) + 32'(todo.to_uplink) + 32'(todo.to_core);
    sent_at[s] = now + 1;
    sending = 1'b1;
    beat = 0;
    beats = (32'(todo.len) + Bytes - 1) / Bytes;
  endtask

  always @(negedge clk) begin
    h_ready = chance(h_rate);
    w_ready = chance(w_rate);
    rx_next = '0;
    for (int unsigned v = 0; v < N_VF; v++) rx_next[v] = chance(rx_rate);
    rx_ready = rx_next & ~dead;
    punt_pop = punt_valid && !punt_busy && chance(punt_rate);
    if (!sending && todo_valid && !all_hist[Delay-1] &&
        (todo.src == PortUplink || !host_hist[Delay-1])) start_frame();
    eg_valid = sending;
    if (sending) begin
      eg_sof = beat == 0;
      eg_eof = beat == beats - 1;
      for (int unsigned i = 0; i < Bytes; i++)
        eg_data[8*i +: 8] = (beat * Bytes + i < 32'(eg_meta.len))
                            ? body(eg_meta.seq, beat * Bytes + i) : 8'h00;
      beat++;
      sending = !eg_eof;
    end
    #1;
    if (rst_n) begin
      now++;
      watch_rx();
      watch_losses();
      watch_host();
      watch_wire();
      watch_punts();
      if (outstanding != 0 && idle) $fatal(1, "idle with %0d copies under way", outstanding);
      n_stall_host += 32'(stall_host);
      n_stall_all += 32'(stall_all);
      all_hist = {all_hist[Delay-2:0], stall_all};
      host_hist = {host_hist[Delay-2:0], stall_host};
      rx_before = MaxVf'(rx_ready);
      quiet = idle && outstanding == 0 && !todo_valid && !sending;
    end
  end

  task automatic step();
    @(posedge clk);
  endtask

  task automatic run(input int unsigned n);
    repeat (n) step();
  endtask

  // A frame with everything but its destination drawn.
  function automatic egress_meta_t any_frame(input int unsigned len);
    egress_meta_t m;
    m = '0;
    m.src = chance(25) ? PortUplink : port_t'(below(N_VF));
    m.len = len_t'(len);
    m.vvlan = vlan_t'(1 + below(4094));
    m.vvidx = 6'(below(64));
    m.vvidx_valid = chance(90);
    m.tpid = 16'(rnd());
    m.pcp = 3'(rnd());
    m.vlan = vlan_t'(rnd());
    m.served = chance(50);
    m.reason = reason_t'(1 + below(12));
    return m;
  endfunction

  function automatic int unsigned any_len();
    if (chance(60)) return 52 + below(3 * Bytes);
    return chance(85) ? 52 + below(1500) : 52 + below(9165);
  endfunction

  task automatic send(input egress_meta_t meta);
    while (todo_valid) step();
    todo = meta;
    todo_valid = 1'b1;
  endtask

  task automatic send_unicast(input int unsigned len, input int unsigned port);
    egress_meta_t m;
    m = any_frame(len);
    m.to_host = 1'b1;
    m.host_port = port_t'(port);
    m.host_tag = chance(20);
    send(m);
  endtask

  task automatic send_group(input int unsigned len, input logic [63:0] targets, input bit wire_too);
    egress_meta_t m;
    m = any_frame(len);
    m.group = 1'b1;
    m.targets = targets & ((64'd1 << N_VF) - 64'd1);
    m.tag_mask = {rnd(), rnd()};
    if (wire_too) begin
      m.src = port_t'(below(N_VF));
      m.to_uplink = 1'b1;
    end
    send(m);
  endtask

  task automatic send_uplink(input int unsigned len);
    egress_meta_t m;
    m = any_frame(len);
    m.src = port_t'(below(N_VF));
    m.to_uplink = 1'b1;
    m.raw = chance(10);
    send(m);
  endtask

  task automatic send_punt(input int unsigned len);
    egress_meta_t m;
    m = any_frame(len);
    m.to_core = 1'b1;
    send(m);
  endtask

  task automatic rates(input int unsigned h, input int unsigned w, input int unsigned p,
                       input int unsigned rx);
    h_rate = h;
    w_rate = w;
    punt_rate = p;
    rx_rate = rx;
  endtask

  task automatic drain();
    int unsigned n;
    rates(100, 100, 100, 100);
    n = 0;
    step();
    while (!quiet) begin
      step();
      if (++n > 200000) $fatal(1, "%0d copies never came out", outstanding);
    end
  endtask

  // Anything to anywhere, rates changing.
  task automatic phase_random(input int unsigned frames);
    for (int unsigned f = 0; f < frames; f++) begin
      if (f % 100 == 0) rates(20 + below(81), 20 + below(81), below(30), 60 + below(41));
      while (chance(10)) step();
      case (below(10))
        0, 1, 2: send_unicast(any_len(), below(N_VF));
        3, 4, 5: send_uplink(any_len());
        6: send_group(any_len(), {rnd(), rnd()}, 1'b0);
        7: send_group(chance(70) ? 60 : any_len(), {rnd(), rnd()}, 1'b1);
        default: send_punt(chance(70) ? 52 + below(100) : any_len());
      endcase
    end
    drain();
  endtask

  // Full load on an empty NIC: constant latency, no gap.
  task automatic phase_full_rate();
    rates(100, 100, 100, 100);
    check_latency = 1'b1;
    for (int unsigned f = 0; f < 2000; f++) begin
      egress_meta_t m;
      m = any_frame(64);  // whole beats, no padding
      m.to_host = 1'b1;
      m.host_port = port_t'(below(N_VF));
      send(m);
      if (f == 3) watch_gap = 1'b1;
    end
    watch_gap = 1'b0;
    drain();
    for (int unsigned f = 0; f < 500; f++) begin
      send_uplink(60 + below(200));
      run(300 / Bytes + 2);
    end
    check_latency = 1'b0;
    drain();
    // A tagged frame whose tag takes a beat of its own: one beat more, no other gap.
    for (int unsigned f = 0; f < 300; f++) begin
      egress_meta_t m;
      m = any_frame(Bytes >= 64 ? 64 : 4 * Bytes);
      m.to_host = 1'b1;
      m.host_port = port_t'(below(N_VF));
      m.host_tag = 1'b1;
      send(m);
      if (f == 3) watch_gap = 1'b1;
    end
    while (outstanding > 2) step();
    watch_gap = 1'b0;
    drain();
    if (empty != 0) $fatal(1, "%0d empty cycles at full load", empty);
    if (latency_checked < 2000) $fatal(1, "latency not checked");
  endtask

  // Unicast and group copies both want all of the output: the groups get a quarter of the beats.
  task automatic phase_share(input int unsigned uni_len, input int unsigned grp_len,
                             input int unsigned grp_rate);
    int unsigned start, total, stalls_before;
    rates(100, 100, 100, 100);
    repeat (12) send_group(grp_len, '1, 1'b0);
    stalls_before = n_stall_all;
    while (n_stall_all == stalls_before) begin
      if (chance(grp_rate)) send_group(grp_len, '1, 1'b0);
      else send_unicast(uni_len, below(N_VF));
    end
    uni_beats = 0;
    grp_beats = 0;
    start = now;
    while (now - start < 12000) begin
      if (chance(grp_rate)) send_group(grp_len, '1, 1'b0);
      else send_unicast(uni_len, below(N_VF));
    end
    total = uni_beats + grp_beats;
    if (grp_beats * 4 > total + 4 * (grp_len / Bytes + 1))
      $fatal(1, "groups took %0d of %0d beats", grp_beats, total);
    if (grp_beats * 4 + 8 * (grp_len / Bytes + 1) + 64 < total)
      $fatal(1, "groups were starved: %0d of %0d beats", grp_beats, total);
    $display("share %0d/%0d bytes: groups %0d of %0d beats", uni_len, grp_len, grp_beats, total);
    drain();
  endtask

  // One receiver without buffers: nobody else loses anything or waits for its frames.
  task automatic phase_dead_receiver();
    int unsigned n_before, stalls_before, lost, start;
    rates(100, 100, 100, 100);
    dead = 1;
    n_before = n_rx_full;
    stalls_before = n_stall_all;
    lost = 0;
    for (int unsigned f = 0; f < 1500; f++) begin
      int unsigned port;
      port = below(N_VF);
      if (port == 0) lost++;
      send_unicast(chance(90) ? 60 : 60 + below(1500), port);
    end
    if (n_stall_all != stalls_before) $fatal(1, "one dead receiver stalled the NIC");
    drain();
    for (int unsigned f = 0; f < 200; f++) begin
      send_group(60 + below(1400), '1, 1'b0);
      lost++;
      while (outstanding > 3 * N_VF) step();
    end
    drain();
    if (n_rx_full - n_before != lost)
      $fatal(1, "%0d lost, expected %0d", n_rx_full - n_before, lost);
    // While long frames are discarded, the output belongs to the other side.
    send_group(9000, '1, 1'b0);
    start = now;
    repeat (20) send_unicast(9000, 0);
    drain();
    if (now - start > 22 * (9000 / Bytes + 1) + 200)
      $fatal(1, "discarding cost %0d cycles", now - start);
    dead = '0;
  endtask

  // A wire that stands still: first the host is held back, then released and the frames are lost.
  task automatic phase_dead_wire();
    int unsigned n_before;
    rates(100, 0, 100, 100);
    n_before = n_up_full;
    repeat (3) send_uplink(9216);
    send_uplink(60);
    run(2000);
    if (!stall_host || !todo_valid) $fatal(1, "the host is not held back");
    run(4096);
    if (stall_host || todo_valid) $fatal(1, "the host is still held back");
    if (n_up_full != n_before) $fatal(1, "lost before the release");
    repeat (50) send_uplink(1500);
    if (n_up_full == n_before) $fatal(1, "a dead wire loses nothing?");
    drain();
  endtask

  // More than the queues hold.
  task automatic phase_overload();
    rates(100, 100, 0, 100);
    repeat (60) send_group(60, '1, 1'b0);
    repeat (30) send_punt(60);
    repeat (5) send_group(9216, '1, 1'b1);
    drain();
    rates(100, 100, 0, 100);
    repeat (4) send_punt(9000);
    drain();
    rates(0, 100, 0, 100);
    repeat (6000) begin
      if (!todo_valid) send_unicast(9216, below(N_VF));
      step();
    end
    if (!stall_all) $fatal(1, "a full host FIFO does not stall");
    drain();
  endtask

  task automatic check_counters();
    for (int unsigned b = 0; b < 4; b++) begin
      for (int unsigned i = 0; i < 66 * 64; i++) begin
        int unsigned a;
        a = b << 13 | i;
        if (count[a] != 0 || (b < 2 && i < 264) || chance(1)) begin
          @(negedge clk);
          cnt_rd = 1'b1;
          cnt_addr = 16'(a);
          @(negedge clk);
          cnt_rd = 1'b0;
          while (!cnt_done) @(negedge clk);
          if (cnt_data != count[a])
            $fatal(1, "counter %h: read %0d, model %0d", a, cnt_data, count[a]);
        end
      end
    end
  endtask

  initial begin
    void'(seed_from_args("tb_egress"));
    foreach (last_uni[p]) last_uni[p] = -1;
    foreach (last_grp[p]) last_grp[p] = -1;
    last_wire = -1;
    last_core = -1;
    dead = '0;
    all_hist = '1;
    host_hist = '0;
    h_was_start = 1'b1;
    rates(100, 100, 100, 100);
    repeat (3) @(posedge clk);
    rst_n = 1'b1;
    phase_full_rate();
    phase_random(4000);
    phase_share(60, 60, 8);
    phase_share(1500, 300, 40);
    phase_share(300, 4000, 1);
    phase_dead_receiver();
    phase_dead_wire();
    phase_overload();
    phase_random(2000);
    check_counters();
    if (n_rx_full == 0 || n_rep_full == 0 || n_up_full == 0 || n_busy == 0 || n_stall_host == 0 ||
        n_stall_all == 0)
      $fatal(1, "a case was never reached");
    $display("PASS %0d frames", next_seq);
    $display("lost: rx-full %0d, replication-full %0d, uplink-full %0d, learn-busy %0d", n_rx_full,
             n_rep_full, n_up_full, n_busy);
    $finish;
  end
endmodule
