// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What the benches of hp_vq share: the engine, its hosts and memory, the NIC's scheduler, and a
// switch that sends each frame on to another vPort. `step` is a clock with everything going on;
// everything that can be checked in it is.

  import tb_pkg::*;
  import vq_shape_pkg::*;
  import hp_pkg::*;
  import hp_vio_pkg::*;
  import hp_abi_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned NQ = 2 * N_QP;
  localparam logic [15:0] First = 16'd65530;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic              qcmd_valid = 1'b0, qcmd_ready, bell_valid = 1'b0, qerr_valid;
  vq_cmd_t           qcmd = '0;
  qid_t              bell_q = '0, qerr_q, irq_q;
  logic [N_VF-1:0]   vf_live = '0, host_req, rx_ready;
  vf_pairs_t [N_VF-1:0] pairs = '0;
  logic [7:0]        qerr_code;
  logic              irq_valid, irq_ready = 1'b0, msg_valid = 1'b0, msg_ready, nobuf, refused;
  msg_t              msg = '0;
  port_t             nobuf_vport, refused_vport, grant_vport, tx_dest, rx_dest = '0;
  logic              grant_valid, grant_ready, tx_valid, tx_ready = 1'b0, tx_last, tx_user;
  logic [DATA_W-1:0] tx_data, rx_data = '0;
  logic [Bytes-1:0]  tx_keep, rx_keep = '0;
  logic              rx_valid = 1'b0, rx_tready, rx_last = 1'b0, idle;
  len_t              rx_len = '0;

  logic awvalid, awready, wvalid, wready, wlast, bvalid, bready, arvalid, arready, rvalid, rready;
  logic rlast;
  logic [63:0] awaddr, araddr;
  logic [7:0]  awlen, arlen;
  logic [1:0]  bresp, rresp;
  logic [DATA_W-1:0] wdata, rdata;
  logic [Bytes-1:0]  wstrb;
  dma_user_t   awuser, aruser;

  hp_vq #(.DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP), .FIRST_IDX(First)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .qcmd_valid_i(qcmd_valid), .qcmd_ready_o(qcmd_ready),
    .qcmd_i(qcmd), .bell_valid_i(bell_valid), .bell_q_i(bell_q), .vf_live_i(vf_live),
    .vf_pairs_i(pairs), .steer_req_i(1'b0), .steer_we_i(1'b0), .steer_addr_i('0),
    .vf_reset_i('0), .vlan_filter_i('0), .filtered_valid_o(), .filtered_vport_o(),
    .steer_wdata_i('0), .steer_ack_o(), .steer_rdata_o(), .vf_pool_i('0), .guest_o(), .guest_i('0),
    .pairs_set_o(), .pairs_vport_o(), .pairs_o(), .announced_o(), .qerr_valid_o(qerr_valid), .qerr_q_o(qerr_q), .qerr_code_o(qerr_code),
    .irq_valid_o(irq_valid), .irq_ready_i(irq_ready), .irq_q_o(irq_q), .msg_valid_i(msg_valid),
    .msg_ready_o(msg_ready), .msg_i(msg), .nobuf_valid_o(nobuf), .nobuf_vport_o(nobuf_vport),
    .refused_valid_o(refused), .refused_vport_o(refused_vport), .host_req_o(host_req),
    .host_grant_valid_i(grant_valid), .host_grant_ready_o(grant_ready),
    .host_grant_vport_i(grant_vport), .tx_tvalid_o(tx_valid), .tx_tready_i(tx_ready),
    .tx_tdata_o(tx_data), .tx_tkeep_o(tx_keep), .tx_tlast_o(tx_last), .tx_tuser_o(tx_user),
    .tx_tdest_o(tx_dest), .host_rx_ready_o(rx_ready), .rx_tvalid_i(rx_valid),
    .rx_tready_o(rx_tready), .rx_tdata_i(rx_data), .rx_tkeep_i(rx_keep), .rx_tlast_i(rx_last),
    .rx_tdest_i(rx_dest), .rx_len_i(rx_len),
    .m_axi_awvalid_o(awvalid), .m_axi_awready_i(awready), .m_axi_awaddr_o(awaddr),
    .m_axi_awlen_o(awlen), .m_axi_awuser_o(awuser), .m_axi_wvalid_o(wvalid),
    .m_axi_wready_i(wready), .m_axi_wdata_o(wdata), .m_axi_wstrb_o(wstrb), .m_axi_wlast_o(wlast),
    .m_axi_bvalid_i(bvalid), .m_axi_bready_o(bready), .m_axi_bresp_i(bresp),
    .m_axi_arvalid_o(arvalid), .m_axi_arready_i(arready), .m_axi_araddr_o(araddr),
    .m_axi_arlen_o(arlen), .m_axi_aruser_o(aruser), .m_axi_rvalid_i(rvalid),
    .m_axi_rready_o(rready), .m_axi_rdata_i(rdata), .m_axi_rresp_i(rresp), .m_axi_rlast_i(rlast),
    .idle_o(idle)
  );

  vq_host #(.DATA_W(DATA_W), .N_FN(N_VF + 1), .NQ(NQ), .FIRST(First)) u_host (
    .clk_i(clk), .awvalid_i(awvalid), .awready_o(awready), .awaddr_i(awaddr), .awlen_i(awlen),
    .awuser_i(awuser), .wvalid_i(wvalid), .wready_o(wready), .wdata_i(wdata), .wstrb_i(wstrb),
    .wlast_i(wlast), .bvalid_o(bvalid), .bready_i(bready), .bresp_o(bresp), .arvalid_i(arvalid),
    .arready_o(arready), .araddr_i(araddr), .arlen_i(arlen), .aruser_i(aruser),
    .rvalid_o(rvalid), .rready_i(rready), .rdata_o(rdata), .rresp_o(rresp), .rlast_o(rlast)
  );

  // The NIC's scheduler, as it is.
  hp_host_sched #(.DATA_W(DATA_W), .N_VF(N_VF)) u_sched (
    .clk_i(clk), .rst_ni(rst_n), .host_req_i(host_req), .host_grant_valid_o(grant_valid),
    .host_grant_ready_i(grant_ready), .host_grant_vport_o(grant_vport),
    .beat_i(tx_valid && tx_ready), .beat_vport_i(tx_dest)
  );

  // ---- what the rounds set ----
  int unsigned stream_rate = 100, drive = 4, want_rx_ready = 100, frame_max = 300, frame_min = 14;
  int unsigned cycle, slot_bytes;
  bit          running = 1'b0, command_done, msg_taken, bad_due = 1'b0;
  bit          hand_bell = 1'b0;
  int unsigned hand_bell_q = 0;
  int unsigned bad_q = 0, bad_len = 0;
  shape_e      bad_shape = GoodChain;
  int unsigned bytes = Bytes;                // a variable, so that loops stay loops
  bit          post_tx, odd_lengths, perf = 1'b0, with_csum = 1'b0;
  int unsigned active_vfs = N_VF;
  bit          lossy [N_VF];                 // frames to it may be gone

  // ---- the switch ----
  int unsigned sw_id [$], sw_dst [$];
  int unsigned granted, frames_in, beats_left, cur_id, cur_dst, cur_pos, gap;
  int unsigned to_vf [N_VF], lost_vf [N_VF], got_vf [N_VF], refused_vf [N_VF], odd_vf [N_VF];
  int unsigned spoilt_vf [N_VF], bad_vf [N_VF];    // impossible headers; frames that ended bad
  int unsigned next_tx [NQ];                 // last number + 1: they come in order
  int unsigned last_rx [NQ];                 // order at the receiver, by number of sending
  int unsigned f_sent [$];                   // by frame: when it was sent to its receiver
  int unsigned sends;
  byte unsigned tx_buf [$];
  int unsigned bad_frames;
  logic        rx_tready_seen = 1'b0;

  // Errors that a round expects: code per queue, 0 none.
  int unsigned expect_code [NQ];
  bit          dead [NQ], mute [NQ];         // bad; its driver does nothing

  function automatic bit has_rx(input int unsigned v);
    return pairs[v].count != 0;
  endfunction

  task automatic take_tx_frame(input int unsigned v);
    int unsigned id, n, q;
    n = tx_buf.size();
    if (tx_user) begin
      bad_vf[v]++;
      if (!lossy[v] && bad_vf[v] > spoilt_vf[v]) $fatal(1, "a bad frame of vPort %0d", v);
      bad_frames++;
    end else begin
      if (n < 60) $fatal(1, "%0d bytes", n);
      id = {tx_buf[3], tx_buf[2], tx_buf[1], tx_buf[0]};
      if (id >= u_host.f_len.size()) $fatal(1, "frame %0d?", id);
      q = u_host.f_q[id];
      if (u_host.fn[q] != v + 1) $fatal(1, "frame %0d of queue %0d at vPort %0d", id, q, v);
      if (id < next_tx[q]) $fatal(1, "frame %0d of queue %0d behind %0d", id, q, next_tx[q]);
      next_tx[q] = id + 1;
      if (n != ((u_host.f_len[id] < 60) ? 60 : u_host.f_len[id]))
        $fatal(1, "frame %0d: %0d bytes of %0d", id, n, u_host.f_len[id]);
      for (int unsigned i = 0; i < n; i++) begin
        if (tx_buf[i] != ((i < u_host.f_len[id]) ? u_host.frame_byte(id, i) : 8'd0))
          $fatal(1, "frame %0d: byte %0d is %h", id, i, tx_buf[i]);
      end
      frames_in++;
      sw_id.push_back(id);
      sw_dst.push_back(perf ? (v + 1) % active_vfs : below(N_VF));
    end
    tx_buf.delete();
  endtask

  task automatic drive_rx();
    logic [Bytes-1:0]  keep;
    logic [DATA_W-1:0] data;
    if (rx_valid && !rx_tready_seen) return;
    rx_valid = 1'b0;
    if (beats_left == 0) begin
      if (sw_id.size() == 0 || gap != 0) begin
        if (gap != 0) gap--;
        return;
      end
      if (!rx_ready[sw_dst[0]] && chance(want_rx_ready)) return;
      cur_id  = sw_id.pop_front();
      cur_dst = sw_dst.pop_front();
      cur_pos = 0;
      rx_len  = len_t'((u_host.f_len[cur_id] < 60) ? 60 : u_host.f_len[cur_id]);
      beats_left = (32'(rx_len) + Bytes - 1) / Bytes;
      rx_dest = port_t'(cur_dst);
      to_vf[cur_dst]++;
      while (f_sent.size() <= cur_id) f_sent.push_back(0);
      sends++;
      f_sent[cur_id] = sends;
      gap = perf ? 0 : below(3);
    end else if (!chance(stream_rate)) begin
      return;
    end
    // Whole values, not parts: Verilator 5.006 does not see the parts change.
    rx_valid = 1'b1;
    for (int unsigned i = 0; i < bytes; i++) begin
      keep[i] = cur_pos + i < 32'(rx_len);
      data[i*8+:8] = (cur_pos + i < u_host.f_len[cur_id]) ? u_host.frame_byte(cur_id, cur_pos + i)
                                                           : 8'd0;
    end
    rx_keep = keep;
    rx_data = data;
    cur_pos += Bytes;
    beats_left--;
    rx_last = beats_left == 0;
  endtask

  // ---- drivers ----
  function automatic int unsigned q_vf(input int unsigned q);
    return u_host.fn[q] - 1;
  endfunction

  // A chain more: good ones as the rounds want them, or the bad one that was asked for.
  task automatic add(input int unsigned q, input bit spoil);
    int unsigned id, len;
    bit odd, spoil_header;
    id = u_host.f_len.size();
    odd = 1'b0;
    spoil_header = 1'b0;
    if (spoil) begin
      len = bad_len;
    end else if (q[0]) begin
      len = 12 + frame_min + below(frame_max - frame_min + 1);
      if (odd_lengths && chance(3)) len = 12 + (chance(50) ? below(14) : 9221 + below(50));
      odd = len < 12 + 14 || len > 12 + 9220;
      spoil_header = !odd && odd_lengths && u_host.csum[q] && chance(3);
    end else begin
      len = 60 + 12 + frame_max + below(100);
      if (u_host.mrg[q] && u_host.rx_small[q]) len = 12 + below(len);
    end
    u_host.f_next = len - 12;
    if (u_host.post(q, len, id, spoil ? bad_shape : GoodChain, spoil_header)) begin
      if (spoil) bad_due = 1'b0;
      if (q[0]) begin
        u_host.f_len.push_back(len - 12);
        u_host.f_q.push_back(q);
        if (odd || spoil_header) odd_vf[q_vf(q)]++;
        if (spoil_header) spoilt_vf[q_vf(q)]++;
      end
    end
  endtask

  task automatic use_used(input int unsigned q);
    int unsigned n, id;
    bit foreign;
    n = u_host.used_waiting(q);
    while (n != 0) begin
      if (q[0]) begin
        u_host.take_sent(q);
      end else begin
        u_host.take_received(q, id, foreign);
        if (foreign) begin
          mute[q] = 1'b1;
          return;
        end
        got_vf[q_vf(q)]++;
        if (f_sent[id] <= last_rx[q]) $fatal(1, "queue %0d: frame %0d out of order", q, id);
        last_rx[q] = f_sent[id];
      end
      n = u_host.used_waiting(q);
    end
  endtask

  task automatic drivers();
    int unsigned q, n;
    bell_valid = hand_bell;
    bell_q     = qid_t'(hand_bell_q);
    hand_bell  = 1'b0;
    for (int unsigned k = 0; k < drive; k++) begin
      q = perf ? (cycle * drive + k) % (2 * active_vfs) : below(NQ);
      if (!u_host.en[q] || dead[q] || mute[q]) continue;
      if (u_host.awake[q]) begin
        use_used(q);
        if (!perf && chance(30)) u_host.doze(q);
        if (perf) u_host.doze(q);
      end
      n = (q[0] && !post_tx) ? 0 : perf ? 8 : 1 + below(4);
      if (bad_due && q == bad_q) n++;
      for (int unsigned i = 0; i < n; i++) add(q, bad_due && q == bad_q);
      if (!bell_valid && vf_live[q_vf(q)] && (perf || chance(70))) begin
        bell_valid = u_host.bell(q);
        bell_q = qid_t'(q);
      end
    end
  endtask

  // ---- one clock ----

  always @(negedge clk) begin : clock
    if (running) drivers();
    drive_rx();
    tx_ready  = chance(stream_rate);
    irq_ready = chance(perf ? 100 : 50);
    #4;
    rx_tready_seen = rx_tready;
    if (tx_valid && tx_ready) begin
      for (int unsigned i = 0; i < bytes; i++) begin
        if (tx_keep[i]) tx_buf.push_back(tx_data[i*8+:8]);
        else if (tx_data[i*8+:8] != 0) $fatal(1, "data beyond the frame");
      end
      if (!tx_last && tx_keep != '1) $fatal(1, "a hole in a frame");
      if (tx_last) take_tx_frame(32'(tx_dest));
    end
    if (grant_valid && grant_ready) granted++;
    if (irq_valid && irq_ready) begin
      u_host.irqs++;
      if (!u_host.en[irq_q[$clog2(NQ)-1:0]]) $fatal(1, "interrupt of queue %0d: off", irq_q);
      if (u_host.awake[irq_q[$clog2(NQ)-1:0]]) u_host.spurious++;
      u_host.wake(32'(irq_q));
    end
    if (nobuf) lost_vf[nobuf_vport[$clog2(N_VF)-1:0]]++;
    if (refused) refused_vf[refused_vport[$clog2(N_VF)-1:0]]++;
    if (qerr_valid) begin
      if (dead[qerr_q[$clog2(NQ)-1:0]]) $fatal(1, "queue %0d told twice", qerr_q);
      if (expect_code[qerr_q[$clog2(NQ)-1:0]] != 32'(qerr_code))
        $fatal(1, "queue %0d: code %0d, not %0d", qerr_q, qerr_code,
               expect_code[qerr_q[$clog2(NQ)-1:0]]);
      dead[qerr_q[$clog2(NQ)-1:0]] = 1'b1;
    end
    if (qcmd_valid && qcmd_ready) command_done = 1'b1;
    if (msg_valid && msg_ready) msg_taken = 1'b1;
    cycle++;
  end

  // The rounds go on here, behind the clock.
  task automatic step();
    @(posedge clk);
    #1;
  endtask

  // ---- commands ----
  task automatic command(input bit enable, input int unsigned q);
    command_at(enable, q, u_host.desc[q], u_host.avail[q], u_host.used[q]);
  endtask

  task automatic command_at(input bit enable, input int unsigned q, input logic [63:0] desc,
                            input logic [63:0] avail, input logic [63:0] used);
    int unsigned n;
    qcmd = '{enable: enable, q: qid_t'(q), fn: fn_t'(u_host.fn[q]), desc: desc, avail: avail,
             used: used, size_log2: 4'(u_host.lg[q]),
             event_idx: u_host.evt[q], indirect: u_host.ind[q], mrg: u_host.mrg[q],
             csum: u_host.csum[q]};
    qcmd_valid = 1'b1;
    n = 0;
    command_done = 1'b0;
    while (!command_done) begin
      step();
      n++;
      if (n > 100_000) $fatal(1, "%s of queue %0d does not end", enable ? "enable" : "disable", q);
    end
    qcmd_valid = 1'b0;
    if (!enable) begin
      u_host.en[q] = 1'b0;
      dead[q] = 1'b0;
      mute[q] = 1'b0;
      expect_code[q] = 0;
    end
  endtask

  task automatic begin_queue(input int unsigned q);
    next_tx[q] = 0;
    last_rx[q] = 0;
    dead[q]    = 1'b0;
    expect_code[q] = 0;
    u_host.setup(q, slot_bytes);
    command(1'b1, q);
  endtask

  // A VF: features, sizes, rings; live when its queues are there.
  task automatic begin_vf(input int unsigned v);
    bit e, i, m, c;
    int unsigned q;
    e = chance(60);
    i = chance(60);
    m = chance(60);
    c = chance(60);
    u_host.u_mem.off[v+1] = 1'b0;
    lossy[v]      = 1'b0;
    to_vf[v]      = 0;
    lost_vf[v]    = 0;
    got_vf[v]     = 0;
    refused_vf[v] = 0;
    odd_vf[v]     = 0;
    spoilt_vf[v]  = 0;
    bad_vf[v]     = 0;
    for (int unsigned k = 0; k < 2 * 32'(pairs[v].count); k++) begin
      q = 2 * 32'(pairs[v].base) + k;
      u_host.fn[q]  = v + 1;
      u_host.place[q] = k;
      u_host.evt[q] = perf ? 1'b1 : e;
      u_host.ind[q] = perf ? 1'b0 : i;
      u_host.mrg[q] = perf ? 1'b1 : m;
      u_host.csum[q] = perf ? with_csum : c;
      u_host.lg[q]  = perf ? 8 : below(9);
      u_host.rx_small[q] = !perf && u_host.lg[q] >= 4 && chance(50);
      u_host.max_seg[q] = perf ? 1 : chance(40) ? 1 + below(2) : 1 + below(32);
      // Of long chains few are fetched ahead; a frame must find room in those.
      if (u_host.rx_small[q]) u_host.max_seg[q] = 1 + below(4);
      u_host.slots[q] = (u_host.SlotAt < 196608 / slot_bytes) ? 1 : 196608 / slot_bytes;
      if (u_host.slots[q] > 256) u_host.slots[q] = 256;
      begin_queue(q);
    end
    vf_live[v] = 1'b1;
  endtask

  task automatic end_vf(input int unsigned v);
    for (int unsigned k = 0; k < 2 * 32'(pairs[v].count); k++)
      command(1'b0, 2 * 32'(pairs[v].base) + k);
    vf_live[v] = 1'b0;
    u_host.u_mem.off[v+1] = 1'b1;
    u_host.u_mem.wild[v+1] = 1'b0;
  endtask

  task automatic dump();
    $display("%0d reads wait", u_host.u_mem.arq.size());
    $display("idle: cmd %b rd %b wr %b grant %b req %b data %b rx %b used %b fetch %b",
             u_dut.idle_cmd, u_dut.idle_rd, u_dut.idle_wr, u_dut.idle_grant, u_dut.idle_req,
             u_dut.idle_data, u_dut.idle_rx, u_dut.idle_used, u_dut.fetch_idle);
    $display("switch: %0d frames, rx valid %b ready %b", sw_id.size(), rx_valid, rx_ready);
    for (int unsigned q = 0; q < NQ; q++) begin
      if (u_host.en[q]) begin
        $display("queue %0d: vf %0d size %0d evt %b ind %b mrg %b awake %b dead %b", q, q_vf(q),
                 1 << u_host.lg[q], u_host.evt[q], u_host.ind[q], u_host.mrg[q], u_host.awake[q],
                 dead[q]);
        $display("  out %0d avail %0d bell %0d used %0d/%0d plog %0d", u_host.out[q],
                 u_host.avail_idx[q], u_host.bell_idx[q], u_host.used_idx[q],
                 u_host.used_waiting(q), u_dut.plog[q%2][q/2]);
      end
    end
  endtask

  // Until nothing moves; then nothing may have been forgotten.
  task automatic drain(input string what);
    int unsigned quiet, n;
    post_tx = 1'b0;
    quiet = 0;
    n = 0;
    while (quiet < 400) begin
      step();
      n++;
      if (n == 20_000) want_rx_ready = 0;    // slow receivers lose the rest
      if (idle && sw_id.size() == 0 && !rx_valid && beats_left == 0 && !irq_valid) quiet++;
      else if (sw_id.size() != 0 && !rx_ready[sw_dst[0]]) begin
        // A receiver that has no buffers any more.
        if (dead_rx(sw_dst[0]) || !has_rx(sw_dst[0]) || !vf_live[sw_dst[0]]) begin
          void'(sw_id.pop_front());
          void'(sw_dst.pop_front());
        end
        quiet = 0;
      end else quiet = 0;
      if (n > 400_000) begin
        dump();
        $fatal(1, "%s: it does not come to rest", what);
      end
    end
    for (int unsigned q = 0; q < NQ; q++) begin
      if (!u_host.en[q] || dead[q]) continue;
      if (u_host.used_waiting(q) != 0 && !u_host.awake[q])
        $fatal(1, "%s: queue %0d sleeps, %0d used elements wait", what, q, u_host.used_waiting(q));
      if (q[0] && u_host.out[q] != 0)
        $fatal(1, "%s: %0d chains of queue %0d were not sent", what, u_host.out[q], q);
    end
    for (int unsigned v = 0; v < N_VF; v++) begin
      if (!lossy[v] && vf_live[v] && to_vf[v] != got_vf[v] + lost_vf[v])
        $fatal(1, "%s: VF %0d: %0d frames, %0d received, %0d without buffer", what, v, to_vf[v],
               got_vf[v], lost_vf[v]);
      if (!lossy[v] && vf_live[v] && refused_vf[v] != odd_vf[v])
        $fatal(1, "%s: VF %0d: %0d of %0d odd frames refused", what, v, refused_vf[v], odd_vf[v]);
      if (!lossy[v] && vf_live[v] && bad_vf[v] != spoilt_vf[v])
        $fatal(1, "%s: VF %0d: %0d of %0d frames ended bad", what, v, bad_vf[v], spoilt_vf[v]);
    end
  endtask

  function automatic bit dead_rx(input int unsigned v);
    dead_rx = 1'b1;
    for (int unsigned k = 0; k < 32'(pairs[v].count); k++)
      if (!dead[2 * (32'(pairs[v].base) + k)]) dead_rx = 1'b0;
  endfunction

  task automatic draw();
    u_host.u_mem.latency    = (below(4) == 0) ? 156 : below(40);
    u_host.u_mem.ready_rate = chance(30) ? 100 : 40 + below(60);
    u_host.u_mem.late       = chance(50);
    stream_rate   = chance(30) ? 100 : 40 + below(60);
    want_rx_ready = chance(70) ? 100 : 90;
    frame_max     = chance(30) ? 9220 : 60 + below(340);
    frame_min     = 14;
    odd_lengths   = chance(30);
    slot_bytes    = (odd_lengths || frame_max > 400) ? 9830 : 768;
    for (int unsigned v = 0; v < N_VF; v++) begin
      pairs[v].base  = qp_t'(v * (N_QP / N_VF));
      pairs[v].count = qp_t'(1 + below(N_QP / N_VF));
    end
  endtask

