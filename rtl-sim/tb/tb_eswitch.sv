// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The eSwitch, directed: tables by command, one frame at a time, every output byte compared, and the promised
// latency: 24 clocks from the arbiter's register to the first beat on the bus. Then flows, learning packets, learning and ageing.
// Random traffic against the golden model is the co-simulation's work.
//
// bench: -GDATA_W=512
// bench: -GDATA_W=256

module tb_eswitch #(
  parameter int unsigned DATA_W = 512
);
  import tb_pkg::*;
  import hp_pkg::*;
  import hp_abi_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned NVf = 8;
  typedef logic [7:0] frame_t[$];
  int lengths [10] = '{60, 63, 64, 65, 68, 120, 127, 128, 1514, 9216};

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;
  logic [63:0] now = '0;
  logic [63:0] jump = '0;
  always @(posedge clk) now <= now + 1 + jump;

  logic [NVf-1:0] req = '0;
  logic gv, gr = 1'b1, hv = 1'b0, hr, hl = 1'b0, wv = 1'b0, wr, wl = 1'b0;
  logic [6:0] gp, hdest = '0, mhdest;
  logic [DATA_W-1:0] hd = '0, wd = '0, mhd, mwd;
  logic [Bytes-1:0] hk = '0, wk = '0, mhk, mwk;
  logic mhv, mhl, mwv, mwl, tv = 1'b0, tr, rv, idle, crd = 1'b0, cdone;
  logic [15:0] mhid, mwid, caddr = '0;
  logic [63:0] cdata;
  tbl_req_t tq;
  tbl_rsp_t trsp;
  trace_dec_t dec;
  trace_cmd_t cmd;
  logic punt_v, core_send = 1'b0;
  port_t punt_src;
  vlan_t punt_vvlan;
  reason_t punt_reason;
  logic lv, lact = 1'b0, lbusy;
  logic [3:0] lslot, lstatus;
  logic [1:0] lverdict = '0;
  learn_event_t lev;
  logic [7:0] pslot;
  logic waiting;

  hp_eswitch #(.DATA_W(DATA_W), .N_VF(NVf), .MAC_DEPTH(256), .FLOW_DEPTH(64)) dut (
    .clk_i(clk), .rst_ni(rst_n), .time_i(now), .hash_seed_i(128'h0123_4567_89AB_CDEF_0F1E_2D3C_4B5A_6978),
    .tx_hold_set_i(1'b0), .tx_hold_i('0), .tx_settled_o(),
    .host_req_i(req), .host_grant_valid_o(gv), .host_grant_ready_i(gr), .host_grant_vport_o(gp),
    .s_host_tvalid_i(hv), .s_host_tready_o(hr), .s_host_tdata_i(hd), .s_host_tkeep_i(hk),
    .s_host_tlast_i(hl), .s_host_tuser_i(1'b0), .s_host_tdest_i(hdest), .host_rx_ready_i('1),
    .m_host_tvalid_o(mhv), .m_host_tready_i(1'b1), .m_host_tdata_o(mhd), .m_host_tkeep_o(mhk),
    .m_host_tlast_o(mhl), .m_host_tdest_o(mhdest), .m_host_tid_o(mhid), .m_host_len_o(),
    .s_wire_tvalid_i(wv), .s_wire_tready_o(wr), .s_wire_tdata_i(wd), .s_wire_tkeep_i(wk),
    .s_wire_tlast_i(wl), .s_wire_tuser_i(1'b0),
    .m_wire_tvalid_o(mwv), .m_wire_tready_i(1'b1), .m_wire_tdata_o(mwd), .m_wire_tkeep_o(mwk),
    .m_wire_tlast_o(mwl), .m_wire_tid_o(mwid),
    .tbl_req_valid_i(tv), .tbl_req_ready_o(tr), .tbl_core_i(1'b1), .tbl_req_i(tq), .tbl_rsp_valid_o(rv), .tbl_rsp_o(trsp),
    .learn_valid_o(lv), .learn_slot_o(lslot), .learn_event_o(lev), .learn_waiting_o(), .learn_act_i(lact),
    .learn_act_slot_i(lslot), .learn_verdict_i(lverdict), .learn_busy_o(lbusy), .learn_status_o(lstatus),
    .punt_valid_o(punt_v), .punt_slot_o(pslot), .punt_src_o(punt_src), .punt_vvlan_o(punt_vvlan),
    .punt_reason_o(punt_reason), .punt_len_o(), .punt_seq_o(), .punt_rd_req_i(1'b0),
    .punt_rd_addr_i('0), .punt_rd_valid_o(), .punt_rd_data_o(), .punt_pop_i(1'b0),
    .punt_send_i(core_send), .punt_nopunt_i(1'b1), .punt_tomb_i(1'b0), .punt_tomb_reason_i('0),
    .punt_busy_o(), .punt_full_o(), .punt_quota_o(), .punt_seen_i(1'b0), .flows_waiting_o(waiting), .inj_valid_i(1'b0), .inj_ready_o(), .inj_data_i('0), .inj_sof_i(1'b0),
    .inj_eof_i(1'b0), .inj_meta_i('0), .cnt_rd_valid_i(crd), .cnt_rd_addr_i(caddr),
    .cnt_rd_done_o(cdone), .cnt_rd_data_o(cdata), .idle_o(idle),
    .trace_dec_o(dec), .trace_cmd_o(cmd), .trace_loss_host_o(), .trace_loss_rep_o(),
    .trace_loss_other_o()
  );

  initial begin
    #9000000 $fatal(1, "stuck: idle %b, ingress busy %b, pipeline busy %b, egress idle %b, grant %b, %0d reasons",
                idle, dut.ingress_busy, dut.pipeline_busy, dut.egress_idle, gv, reasons.size());
  end

  // What came out, and when.
  frame_t    host_q [NVf][$], wire_q[$], host_now, wire_now;
  longint    entered[logic [15:0]];
  reason_t   reasons[$];
  int        lat_host = -1, lat_wire = -1;
  bit        host_first = 1'b1, wire_first = 1'b1;
  always @(posedge clk) if (rst_n) begin
    if (dut.pl_valid && dut.pl_sof) entered[dut.pl_meta.seq] = now;
    if (dec.valid) reasons.push_back(dec.reason);
    if (mhv) begin
      if (host_first) lat_host = int'(now - entered[mhid]);
      host_first = mhl;
      for (int i = 0; i < Bytes; i++) if (mhk[i]) host_now.push_back(mhd[8*i +: 8]);
      if (mhl) begin
        host_q[mhdest[2:0]].push_back(host_now);
        host_now = {};
      end
    end
    if (mwv) begin
      if (wire_first) lat_wire = int'(now - entered[mwid]);
      wire_first = mwl;
      for (int i = 0; i < Bytes; i++) if (mwk[i]) wire_now.push_back(mwd[8*i +: 8]);
      if (mwl) begin
        wire_q.push_back(wire_now);
        wire_now = {};
      end
    end
  end

  task automatic tick(input int n = 1);
    repeat (n) @(posedge clk);
    #1;
  endtask

  task automatic command(input logic [3:0] op, input logic [3:0] tbl, input int index,
                         input logic [191:0] data, input logic [3:0] want = ST_OK);
    tq = '{op: op, tbl: tbl, index: 16'(index), data: data};
    tv = 1'b1;
    while (!tr) tick();
    tick();
    tv = 1'b0;
    while (!rv) tick();
    if (trsp.status != want) $fatal(1, "command %0d on %0d: status %0d, want %0d", op, tbl, trsp.status, want);
    tick();
  endtask

  function automatic logic [191:0] port_row(input bit vswitch, input mac_t mac, input int vvlan);
    port_row_t r = '0;
    r.enabled  = 1'b1;
    r.vswitch  = vswitch;
    r.spoofchk = !vswitch;
    r.vvlan    = 12'(vvlan);
    r.mac      = mac;
    return 192'(r);
  endfunction
  function automatic logic [191:0] mac_row(input mac_t mac, input int vvlan, input int target);
    return {96'd0, 22'd0, 1'b1, 9'(target), 4'd0, 12'(vvlan), mac[47:32], mac[31:0]};
  endfunction

  function automatic frame_t make(input mac_t da, input mac_t sa, input int len);
    frame_t f;
    f = {};  // not a new queue in each turn of a loop, says Verilator 5.006
    for (int i = 0; i < 6; i++) f.push_back(da[8*(5-i) +: 8]);
    for (int i = 0; i < 6; i++) f.push_back(sa[8*(5-i) +: 8]);
    f.push_back(8'h90);
    f.push_back(8'h00);
    while (f.size() < len) f.push_back(8'($urandom));
    return f;
  endfunction
  function automatic frame_t insert(input frame_t f, input logic [63:0] tags, input int n);
    frame_t r = f;
    for (int i = 0; i < n; i++) r.insert(12 + i, tags[8*(n-1-i) +: 8]);
    return r;
  endfunction

  task automatic send_host(input int vport, input frame_t f);
    req[vport] = 1'b1;
    while (!gv) tick();
    req[vport] = 1'b0;
    tick();
    for (int at = 0; at < f.size(); at += Bytes) begin
      hv = 1'b1;
      hdest = 7'(vport);
      hd = '0;
      hk = '0;
      for (int i = 0; i < Bytes && at + i < f.size(); i++) begin
        hd[8*i +: 8] = f[at+i];
        hk[i] = 1'b1;
      end
      hl = at + Bytes >= f.size();
      while (!hr) tick();
      tick();
    end
    hv = 1'b0;
  endtask
  task automatic send_wire(input frame_t f);
    for (int at = 0; at < f.size(); at += Bytes) begin
      wv = 1'b1;
      wd = '0;
      wk = '0;
      for (int i = 0; i < Bytes && at + i < f.size(); i++) begin
        wd[8*i +: 8] = f[at+i];
        wk[i] = 1'b1;
      end
      wl = at + Bytes >= f.size();
      tick();
    end
    wv = 1'b0;
  endtask

  task automatic settle();
    tick(8);
    while (!idle && !punt_v) tick();
    tick(60);
  endtask
  task automatic expect_host(input int vport, input frame_t want);
    frame_t got;
    if (host_q[vport].size() == 0) $fatal(1, "vf%0d got nothing; reasons %p", vport, reasons);
    got = host_q[vport].pop_front();
    if (got != want) $fatal(1, "vf%0d got %p, want %p", vport, got, want);
  endtask
  task automatic expect_wire(input frame_t want);
    frame_t got;
    if (wire_q.size() == 0) $fatal(1, "the wire got nothing; reasons %p", reasons);
    got = wire_q.pop_front();
    if (got != want) $fatal(1, "the wire got %p, want %p", got, want);
  endtask
  task automatic expect_quiet();
    for (int i = 0; i < NVf; i++) if (host_q[i].size() != 0) $fatal(1, "vf%0d got too much", i);
    if (wire_q.size() != 0) $fatal(1, "the wire got too much: %p", wire_q[0]);
  endtask
  task automatic expect_reason(input reason_t want);
    reason_t got;
    if (reasons.size() == 0) $fatal(1, "no decision");
    got = reasons.pop_front();
    if (got != want) $fatal(1, "reason %0d, want %0d", got, want);
  endtask
  task automatic expect_counter(input int addr, input longint want);
    caddr = 16'(addr);
    crd = 1'b1;
    tick();
    crd = 1'b0;
    while (!cdone) tick();
    if (cdata != 64'(want)) $fatal(1, "counter %h is %0d, want %0d", addr, cdata, want);
  endtask

  // The trace of what went for its age, and the last flow that was applied.
  int unsigned aged;
  logic [15:0] last_handle;
  always @(posedge clk) if (rst_n && dec.valid && dec.flow_hit) last_handle = dec.flow_handle;
  always @(posedge clk) if (rst_n && cmd.valid && cmd.op == OP_SWEEP) aged++;

  task automatic stage_key(input flow_key_t k);
    for (int i = 0; i < 3; i++) command(OP_WRITE, TBL_KEY, i, 192'({84'd0, k[FlowKeyW-1:0]} >> (192 * i)));
  endtask
  function automatic flow_key_t flow_key(input port_t src, input mac_t da, input mac_t sa);
    flow_key_t k = '0;
    k.src       = src;
    k.vvlan     = 12'd100;
    k.da        = da;
    k.sa        = sa;
    k.ethertype = 16'h9000;
    return k;
  endfunction
  function automatic logic [31:0] flow_row(input logic [2:0] action, input logic [1:0] teacher, input port_t port);
    flow_row_t r = '0;
    r.action  = action;
    r.teacher = teacher;
    r.port    = port;
    r.valid   = 1'b1;
    return r[31:0];
  endfunction
  task automatic invalidate(input logic [3:0] tbl, input logic [1:0] scope, input int which);
    command(OP_INVALIDATE, tbl, int'(scope), 192'(which));
  endtask

  localparam mac_t Mac0 = 48'h02_00_00_00_00_01, Mac1 = 48'h02_00_00_00_00_02;
  localparam mac_t MacV = 48'h02_00_00_00_00_77, Far = 48'h02_00_00_00_00_99, New0 = 48'h02_00_00_00_01_00;
  localparam logic [63:0] Up = {16'h8100, 16'h000A, 16'h8100, 16'h0064};  // VLAN 10, V.VLAN 100

  // The flow cache: a key by command, then by INSTALL from a punt slot, with its mirror.
  task automatic flows(input vvlan_row_t row);
    frame_t f, g;
    vvlan_row_t vv = row;
    logic [15:0] handle;
    int found = 0;
    vv.cache      = 1'b1;
    vv.key_mask   = 16'h01FF;
    vv.flow_quota = 4'd1;
    vv.id         = 12'd100;
    vv.used       = 1'b1;
    command(OP_WRITE, TBL_VVLAN, 3, 192'(vv));
    command(OP_INSERT, TBL_MAC, 3, mac_row(Mac1, 100, 1));
    f = make(Mac1, Mac0, 64);
    send_host(0, f);
    settle();
    expect_host(1, f);
    expect_reason(RSN_MAC_HIT);
    stage_key(flow_key(7'd0, Mac1, Mac0));
    command(OP_INSERT, TBL_FLOW, 3, 192'(flow_row(FLOW_UPLINK, TEACHER_FLOW, 7'd64)));
    handle = trsp.data[63:48];
    command(OP_INSERT, TBL_FLOW, 3, 192'(flow_row(FLOW_DROP, TEACHER_LEARNED, 7'd64)), ST_REFUSED);
    command(OP_INSERT, TBL_FLOW, 3, 192'(flow_row(3'd5, TEACHER_FLOW, 7'd64)), ST_BAD_OP);
    send_host(0, f);
    settle();
    expect_wire(insert(f, Up, 8));
    expect_reason(RSN_FLOW_UPLINK);
    if (last_handle != handle) $fatal(1, "handle %0d, traced %0d", handle, last_handle);
    expect_counter(32'h8000 + 2 * 32'(handle), 1);
    expect_counter(32'h8000 + 2 * 32'(handle) + 1, 64);
    expect_counter(32'hA000 + 3 * 4, 1);
    expect_counter(32'hA000 + 3 * 4 + 2, 1);
    expect_counter(32'hC000 + 16, 1);
    expect_counter(32'hC000 + 16 + 9, 1);
    // READ by place finds it once, and puts its key into the buffer.
    stage_key('0);
    for (int i = 0; i < 4 * 64 + 8; i++) begin
      command(OP_READ, TBL_FLOW, i, '0);
      found += 32'(trsp.data[31]);
      if (trsp.data[31] && trsp.data[63:48] != handle) $fatal(1, "READ at %0d says %h, handle %0d", i, trsp.data, handle);
    end
    if (found != 1) $fatal(1, "READ found %0d flows", found);
    command(OP_READ, TBL_FLOW, 4 * 64 + 8, '0, ST_BAD_INDEX);
    command(OP_LOOKUP, TBL_FLOW, 0, '0);
    if (trsp.data[6:0] != {2'd0, TEACHER_FLOW, FLOW_UPLINK}) $fatal(1, "flow row %h", trsp.data);
    // Invalidations: another vPort, then its own.
    invalidate(TBL_FLOW, SCOPE_VPORT, 1);
    send_host(0, f);
    settle();
    expect_wire(insert(f, Up, 8));
    expect_reason(RSN_FLOW_UPLINK);
    invalidate(TBL_FLOW, SCOPE_VPORT, 0);
    send_host(0, f);
    settle();
    expect_host(1, f);
    expect_reason(RSN_MAC_HIT);
    command(OP_LOOKUP, TBL_FLOW, 0, '0, ST_NOT_FOUND);
    command(OP_INVALIDATE, TBL_FLOW, 1, 192'd3, ST_BAD_INDEX);

    // Unknown traffic to the firmware, which installs it and sends it on.
    vv.miss = MISS_SLOWPATH;
    vv.flow_quota = 4'd2;
    command(OP_WRITE, TBL_VVLAN, 3, 192'(vv));
    send_host(0, f);
    settle();
    expect_reason(RSN_MISS_SLOWPATH);
    command(OP_INSTALL, TBL_FLOW, int'(pslot),
            {128'd0, flow_row(FLOW_REDIRECT, TEACHER_POLICY, 7'd0), flow_row(FLOW_REDIRECT, TEACHER_POLICY, 7'd1)});
    core_send = 1'b1;
    tick();
    core_send = 1'b0;
    settle();
    expect_host(1, f);
    expect_reason(RSN_FLOW_REDIRECT);
    g = make(Mac0, Mac1, 70);
    send_host(1, g);
    settle();
    expect_host(0, g);
    expect_reason(RSN_FLOW_REDIRECT);
    // The vPort goes down and comes back: both its flows are gone. What was seen before is stale.
    command(OP_WRITE, TBL_PORT, 1, '0);
    command(OP_WRITE, TBL_PORT, 1, port_row(0, Mac1, 100));
    send_host(1, g);
    settle();
    expect_reason(RSN_MISS_SLOWPATH);
    command(OP_INSTALL, TBL_FLOW, 32, '0, ST_BAD_INDEX);
    invalidate(TBL_FLOW, SCOPE_TEACHER, int'(TEACHER_POLICY));
    command(OP_INSTALL, TBL_FLOW, int'(pslot), 192'(flow_row(FLOW_DROP, TEACHER_POLICY, 7'd64)), ST_STALE);
    command(OP_INSTALL, TBL_FLOW, int'(pslot), 192'(flow_row(FLOW_DROP, TEACHER_LEARNED, 7'd64)));
    core_send = 1'b1;
    tick();
    core_send = 1'b0;
    settle();
    expect_host(0, g);                // mode veb: nothing learned counts
    expect_reason(RSN_MAC_HIT);
    vv.mode = MODE_VEPA;
    command(OP_WRITE, TBL_VVLAN, 3, 192'(vv));
    send_host(1, g);
    settle();
    expect_reason(RSN_FLOW_DROP);
    expect_quiet();
    expect_counter(32'hC000 + 16 + 7, 1);
    command(OP_WRITE, TBL_VVLAN, 3, 192'(row));
  endtask

  // Learning packets: what vf0 sent to vf1 comes back with a mark. vf1 gets it; it teaches once; the entry made of
  // it is for vf0's frames.
  int unsigned told_count;
  always @(posedge clk) if (rst_n && dec.valid && dec.told) told_count++;
  task automatic lesson(input frame_t f, input bit marked, input bit told);
    int unsigned had;
    had = told_count;
    send_wire(insert(f, Up | (64'(marked) << 44), 8));
    settle();
    expect_host(1, f);
    expect_reason(RSN_MAC_HIT);
    if (lat_host != 24) $fatal(1, "latency of a learning packet is %0d clocks, promised 24", lat_host);
    if (told_count != had + 32'(told)) $fatal(1, "told %0d times", told_count - had);
    if (punt_v) $fatal(1, "the core got a frame, reason %0d", punt_reason);
  endtask

  // TEACH on: the flow is in the table before anybody looks. It is in use with its batch.
  task automatic teach(input frame_t f);
    jump = 64'd1 << 17;
    tick();
    jump = '0;
    lesson(f, 1'b1, 1'b1);
  endtask
  task automatic goes(input frame_t f, input bit inside_);
    send_host(0, f);
    settle();
    if (inside_) expect_host(1, f);
    else expect_wire(insert(f, Up, 8));
    expect_reason(inside_ ? RSN_FLOW_HIT : RSN_MISS_EXTERNAL);
  endtask
  task automatic close(input logic [63:0] vports, input int count, input logic [3:0] want = ST_OK);
    command(OP_TEACH, TBL_FLOW, int'(TEACH_CLOSE), '0, want);
    if (want == ST_OK && trsp.data != {112'd0, 16'(count), vports}) $fatal(1, "closed: %h", trsp.data);
  endtask
  // Until there is a number for the next batch.
  int unsigned fulls;
  task automatic close_soon();
    tick(1);
    while (1) begin
      tq = '{op: OP_TEACH, tbl: TBL_FLOW, index: 16'(TEACH_CLOSE), data: '0};
      tv = 1'b1;
      while (!tr) tick();
      tick();
      tv = 1'b0;
      while (!rv) tick();
      if (trsp.status != ST_FULL) break;
      fulls++;
      tick(1000);
    end
    if (trsp.status != ST_OK || trsp.data != {112'd0, 16'd1, 64'd1})
      $fatal(1, "close: status %0d, %h", trsp.status, trsp.data);
    tick();
  endtask
  task automatic batches();
    frame_t f, g, h;
    flow_key_t g_key;
    f = make(Mac1, Mac0, 80);
    g = f;
    h = f;
    g[13] = 8'h01;
    h[13] = 8'h02;
    command(OP_TEACH, TBL_FLOW, 4, '0, ST_BAD_INDEX);
    command(OP_TEACH, TBL_MAC, 0, '0, ST_BAD_OP);
    close('0, 0, ST_NOT_FOUND);
    command(OP_TEACH, TBL_FLOW, int'(TEACH_USE), '0, ST_NOT_FOUND);
    command(OP_TEACH, TBL_FLOW, int'(TEACH_ON), '0);
    teach(f);
    if (!waiting) $fatal(1, "nothing waits");
    goes(f, 1'b0);
    close(64'd1, 1);
    if (waiting) $fatal(1, "a closed batch waits");
    // What comes later, and what is not used yet.
    teach(g);
    close(64'd1, 1);
    goes(f, 1'b0);
    command(OP_TEACH, TBL_FLOW, int'(TEACH_USE), '0);
    goes(f, 1'b1);
    goes(g, 1'b0);
    stage_key(flow_key(7'd0, Mac1, Mac0));
    command(OP_LOOKUP, TBL_FLOW, 0, '0);
    if (trsp.data[5] || trsp.data[14:8] != 7'd1) $fatal(1, "in use: %h", trsp.data);
    // Taught again it stays as it is.
    teach(f);
    goes(f, 1'b1);
    expect_counter(32'hC000 + 16 + 9, 2);
    // Batch after batch; none is open again before a sweep has been at it.
    for (int n = 0; n < 9; n++) begin
      close_soon();
      command(OP_TEACH, TBL_FLOW, int'(TEACH_USE), '0);
      goes(g, 1'b1);
      stage_key(flow_key(7'd0, Mac1, Mac0));
      invalidate(TBL_FLOW, SCOPE_TEACHER, int'(TEACHER_FLOW));
      if (n % 3 == 0) tick(12000);
      goes(f, 1'b1);
      command(OP_LOOKUP, TBL_FLOW, 0, '0);
      if (trsp.data[5]) $fatal(1, "pending again: %h", trsp.data);
      command(OP_DELETE, TBL_FLOW, 0, '0);
      teach(f);
      goes(f, 1'b0);
      if (n == 8) break;
      close_soon();
      command(OP_TEACH, TBL_FLOW, int'(TEACH_USE), '0);
      goes(f, 1'b1);
      // The next round's.
      g_key = flow_key(7'd0, Mac1, Mac0);
      g_key.ethertype = 16'h9001;
      stage_key(g_key);
      command(OP_DELETE, TBL_FLOW, 0, '0);
      teach(g);
      goes(g, 1'b0);
    end
    if (fulls == 0) $fatal(1, "a close never had to wait");
    // What is forgotten is not taken into use, closed or not.
    close_soon();
    teach(h);
    invalidate(TBL_FLOW, SCOPE_TEACHER, int'(TEACHER_LEARNED));
    if (waiting) $fatal(1, "dead flows wait");
    command(OP_TEACH, TBL_FLOW, int'(TEACH_USE), '0, ST_NOT_FOUND);
    for (int n = 0; n < 3; n++) goes((n == 0) ? f : (n == 1) ? g : h, 1'b0);
    // Only what is learned is ever pending, and then it takes nobody's place.
    command(OP_INSERT, TBL_FLOW, 3, 192'(flow_row(FLOW_LOCAL, TEACHER_FLOW, 7'd1)) | 192'h20, ST_BAD_OP);
    command(OP_INSERT, TBL_FLOW, 3, 192'(flow_row(FLOW_UPLINK, TEACHER_LEARNED, 7'd64)));
    command(OP_INSERT, TBL_FLOW, 3, 192'(flow_row(FLOW_LOCAL, TEACHER_LEARNED, 7'd1)) | 192'h20, ST_REFUSED);
    command(OP_TEACH, TBL_FLOW, int'(TEACH_OFF), '0);
  endtask
  task automatic lessons(input vvlan_row_t row);
    frame_t f;
    cfg_row_t cfg;
    vvlan_row_t vv = row;
    vv.cache      = 1'b1;
    vv.key_mask   = 16'h01FF;
    vv.flow_quota = 4'd5;
    vv.mode       = MODE_VEPA;
    vv.miss       = MISS_EXTERNAL;
    command(OP_WRITE, TBL_VVLAN, 3, 192'(vv));
    cfg = '0;
    cfg.tpid      = 16'h8100;
    cfg.reflects  = 1'b1;
    cfg.mark_mask = 6'd1;
    cfg.mark_set  = 6'd1;
    command(OP_WRITE, TBL_CFG, 0, 192'(cfg));
    command(OP_READ, TBL_CFG, 0, '0);
    if (trsp.data != 192'(cfg)) $fatal(1, "CFG reads back as %h", trsp.data);
    f = make(Mac1, Mac0, 80);
    send_host(0, f);
    settle();
    expect_wire(insert(f, Up, 8));
    expect_reason(RSN_MISS_EXTERNAL);
    lesson(f, 1'b0, 1'b0);
    // Nothing is installed while TEACH is off.
    lesson(f, 1'b1, 1'b1);
    stage_key(flow_key(7'd0, Mac1, Mac0));
    command(OP_LOOKUP, TBL_FLOW, 0, '0, ST_NOT_FOUND);
    if (waiting) $fatal(1, "flows wait that were not installed");
    lesson(f, 1'b1, 1'b0);
    expect_counter(32'hC000 + 35, 1);
    expect_counter(32'hC000 + 36, 1);
    // Its vPort's flows are invalidated between decision and install.
    command(OP_TEACH, TBL_FLOW, int'(TEACH_ON), '0);
    jump = 64'd1 << 17;
    tick();
    jump = '0;
    send_wire(insert(f, Up | (64'd1 << 44), 8));
    while (!(dec.valid && dec.told)) tick();
    invalidate(TBL_FLOW, SCOPE_VPORT, 0);
    settle();
    expect_host(1, f);
    expect_reason(RSN_MAC_HIT);
    command(OP_LOOKUP, TBL_FLOW, 0, '0, ST_NOT_FOUND);
    expect_counter(32'hC000 + 16 + 7, 2);
    expect_quiet();
    command(OP_TEACH, TBL_FLOW, int'(TEACH_OFF), '0);
    batches();
    expect_quiet();
    cfg = '0;
    cfg.tpid = 16'h8100;
    command(OP_WRITE, TBL_CFG, 0, 192'(cfg));
    command(OP_WRITE, TBL_VVLAN, 3, 192'(row));
  endtask

  // Learning, its quota, and ageing.
  task automatic learning();
    frame_t f;
    port_row_t p;
    mac_t sa = New0;
    p = port_row_t'(port_row(0, Mac1, 100));
    p.spoofchk = 1'b0;
    p.learning = 1'b1;
    p.max_macs = 8'd1;
    command(OP_WRITE, TBL_PORT, 1, 192'(p));
    for (int n = 0; n < 2; n++) begin
      f = make(Mac0, sa, 60);
      repeat (2) begin
        send_host(1, f);
        settle();
        expect_host(0, f);
        expect_reason(RSN_MAC_HIT);
      end
      if (!lv || lev.sa != sa || lev.vvlan != 12'd100 || lev.vport != 7'd1 || lev.from_valid)
        $fatal(1, "learn event %0d: %p", lv, lev);
      lverdict = LEARN_INSTALL;
      lact = 1'b1;
      tick();
      lact = 1'b0;
      tick();
      while (lbusy) tick();
      if (lstatus != ((n == 0) ? ST_OK : ST_QUOTA)) $fatal(1, "install %0d: status %0d", n, lstatus);
      send_host(1, f);
      settle();
      expect_host(0, f);
      expect_reason(RSN_MAC_HIT);
      if (lv) $fatal(1, "an event of an address that is known, or refused");
      sa = sa + 1;
    end
    command(OP_LOOKUP, TBL_MAC, 0, mac_row(New0, 100, 0));
    if (trsp.data[73:64] != 10'd1) $fatal(1, "learned %h", trsp.data);
    expect_counter(32'hC000 + 32, 2);
    expect_counter(32'hC000 + 33, 3);
    expect_counter(32'hC000 + 8, 1);
    // Ageing: what a frame used since stays, what is static too.
    command(OP_SWEEP, TBL_MAC, 0, 192'd5);
    tick(8000);
    if (aged != 0) $fatal(1, "a young entry aged");
    jump = 64'd10 << STAMP_SHIFT;
    tick();
    jump = '0;
    f = make(Mac0, New0, 60);
    send_host(1, f);
    settle();
    expect_host(0, f);
    expect_reason(RSN_MAC_HIT);
    command(OP_SWEEP, TBL_MAC, 0, 192'd5);
    tick(8000);
    if (aged != 0) $fatal(1, "an entry in use aged");
    jump = 64'd10 << STAMP_SHIFT;
    tick();
    jump = '0;
    command(OP_SWEEP, TBL_MAC, 0, 192'd5);
    tick(8000);
    if (aged != 1) $fatal(1, "%0d entries aged", aged);
    command(OP_LOOKUP, TBL_MAC, 0, mac_row(New0, 100, 0), ST_NOT_FOUND);
    command(OP_LOOKUP, TBL_MAC, 0, mac_row(Mac0, 100, 0));
    expect_counter(32'hC000 + 4, 1);
    expect_counter(32'hC000, 2);
  endtask

  // A trusted vPort of V.VLAN 200.
  task automatic trusted(input int vport, input mac_t mac, input bit trust);
    port_row_t p;
    p = port_row_t'(port_row(0, mac, 200));
    p.trust = trust;
    command(OP_WRITE, TBL_PORT, vport, 192'(p));
  endtask
  task automatic asks(input int vport, input bit promisc, input bit allmulti);
    rxmode_row_t r;
    r          = '0;
    r.mac      = 48'h02_AA_00_00_00_00 + 48'(vport);
    r.vvlan    = 12'd200;
    r.valid    = 1'b1;
    r.promisc  = promisc;
    r.allmulti = allmulti;
    command(OP_WRITE, TBL_RXMODE, 8 * vport, 192'(r));
    command(OP_READ, TBL_RXMODE, 8 * vport, '0);
    if (trsp.data != 192'(r)) $fatal(1, "a mode reads back as %h", trsp.data);
  endtask
  task automatic from_wire(input mac_t da, input bit to2, input bit to3, input reason_t why);
    frame_t f;
    f = make(da, Far, 64);
    send_wire(insert(f, {16'h8100, 16'h0014, 32'h8100_00C8}, 8));
    settle();
    expect_reason(why);
    if (to2) expect_host(2, f);
    if (to3) expect_host(3, f);
    expect_quiet();
  endtask

  // What guests asked for: of V.VLAN 200, which has no vSwitch.
  task automatic modes();
    localparam mac_t Mac2 = 48'h02_00_00_00_02_02, Mac3 = 48'h02_00_00_00_02_03, Group = 48'h03_00_00_00_00_05;
    vvlan_row_t vv;
    frame_t f;
    vv = '0;
    vv.vlan = 12'd20;
    vv.members = 64'hC;
    command(OP_WRITE, TBL_VVLAN, 4, 192'(vv));
    command(OP_WRITE, TBL_VVMAP, 200, 192'h8000_0004);
    trusted(2, Mac2, 1'b0);
    trusted(3, Mac3, 1'b1);
    command(OP_INSERT, TBL_MAC, 4, mac_row(Mac3, 200, 3));
    from_wire(New0, 1'b0, 1'b0, RSN_UNKNOWN_UNICAST);
    asks(2, 1'b1, 1'b0);
    from_wire(New0, 1'b0, 1'b0, RSN_UNKNOWN_UNICAST);       // not trusted
    trusted(2, Mac2, 1'b1);
    from_wire(New0, 1'b1, 1'b0, RSN_PROMISCUOUS);
    asks(3, 1'b1, 1'b0);
    from_wire(New0, 1'b1, 1'b1, RSN_PROMISCUOUS);
    from_wire(Mac3, 1'b0, 1'b1, RSN_MAC_HIT);
    asks(2, 1'b0, 1'b0);
    from_wire(New0, 1'b0, 1'b1, RSN_PROMISCUOUS);
    // A group with one member.
    command(OP_WRITE, TBL_GROUP, 5, 192'h8);
    command(OP_INSERT, TBL_MAC, 4, mac_row(Group, 200, 256 + 5));
    from_wire(Group, 1'b0, 1'b1, RSN_GROUP_MEMBERS);
    asks(2, 1'b0, 1'b1);
    from_wire(Group, 1'b1, 1'b1, RSN_GROUP_MEMBERS);
    // A source that is the vPort's by the table, or not.
    f = make(Mac3, New0, 70);
    send_host(2, f);
    settle();
    expect_reason(RSN_SOURCE_MAC);
    command(OP_INSERT, TBL_MAC, 4, mac_row(New0, 200, 3));
    send_host(2, f);
    settle();
    expect_reason(RSN_SOURCE_MAC);
    command(OP_INSERT, TBL_MAC, 4, mac_row(New0, 200, 2), ST_UPDATED);
    send_host(2, f);
    settle();
    expect_reason(RSN_MAC_HIT);
    expect_host(3, f);
    trusted(2, Mac2, 1'b0);
    send_host(2, f);
    settle();
    expect_reason(RSN_SOURCE_MAC);
    expect_quiet();
    command(OP_WRITE, TBL_RXMODE, 8 * NVf, '0, ST_BAD_INDEX);
    command(OP_INSERT, TBL_RXMODE, 0, '0, ST_BAD_OP);
  endtask

  initial begin
    frame_t f, g;
    vvlan_row_t vv;
    void'(seed_from_args("tb_eswitch"));
    tq = '0;
    tick(4);
    rst_n = 1'b1;
    tick(20);

    vv = '0;
    vv.vlan = 12'd10;
    vv.vswitch_valid = 1'b1;
    vv.vswitch_port = 7'd7;
    vv.members = 64'h83;
    command(OP_WRITE, TBL_VVLAN, 3, 192'(vv));
    command(OP_WRITE, TBL_VVMAP, 100, 192'h8000_0003);
    command(OP_WRITE, TBL_PORT, 0, port_row(0, Mac0, 100));
    command(OP_WRITE, TBL_PORT, 1, port_row(0, Mac1, 100));
    command(OP_WRITE, TBL_PORT, 7, port_row(1, '0, 0));
    command(OP_INSERT, TBL_MAC, 0, mac_row(Mac0, 100, 0));
    command(OP_INSERT, TBL_MAC, 0, mac_row(Mac1, 100, 5));
    command(OP_INSERT, TBL_MAC, 0, mac_row(Mac1, 100, 1), ST_UPDATED);
    command(OP_LOOKUP, TBL_MAC, 0, mac_row(Mac1, 100, 0));
    if (trsp.data[71:64] != 8'd1 || !trsp.data[95]) $fatal(1, "lookup answers %h", trsp.data);
    command(OP_LOOKUP, TBL_MAC, 0, mac_row(Far, 100, 0), ST_NOT_FOUND);
    command(OP_READ, TBL_VVLAN, 3, '0);
    if (trsp.data != 192'(vv)) $fatal(1, "row reads back as %h", trsp.data);
    command(OP_WRITE, TBL_PORT, NVf, '0, ST_BAD_INDEX);
    command(OP_INSERT, TBL_PORT, 0, '0, ST_BAD_OP);

    // vPort to vPort, one beat and several; the promised latency.
    foreach (lengths[n]) begin
      f = make(Mac1, Mac0, lengths[n]);
      send_host(0, f);
      settle();
      expect_host(1, f);
      expect_reason(RSN_MAC_HIT);
      if (lat_host != 24) $fatal(1, "vPort latency is %0d clocks, promised 24", lat_host);
    end
    // To the uplink with both tags, and back from it without.
    foreach (lengths[n]) begin
      f = make(Far, Mac0, lengths[n]);
      send_host(0, f);
      settle();
      expect_wire(insert(f, Up, 8));
      expect_reason(RSN_UNKNOWN_UPLINK);
      if (lat_wire != 24) $fatal(1, "uplink latency is %0d clocks, promised 24", lat_wire);
      f = make(Mac1, Far, lengths[n]);
      send_wire(insert(f, Up, 8));
      settle();
      expect_host(1, f);
      expect_reason(RSN_MAC_HIT);
      if (lat_host != 24) $fatal(1, "latency from the uplink is %0d clocks, promised 24", lat_host);
    end
    // A short tagged frame from the wire is padded for the vPort.
    f = make(Mac1, Far, 52);
    g = f;
    while (g.size() < 60) g.push_back(8'd0);
    send_wire(insert(f, Up, 8));
    settle();
    expect_host(1, g);
    expect_reason(RSN_MAC_HIT);
    // Unknown unicast from the wire: to the vswitch vPort, V.VLAN tag in front.
    f = make(MacV, Far, 100);
    send_wire(insert(f, Up, 8));
    settle();
    expect_host(7, insert(f, 64'h8100_0064, 4));
    expect_reason(RSN_DEFAULT_VSWITCH);
    // Broadcast: members but the source, and the uplink with served = 1.
    f = make('1, Mac0, 60);
    send_host(0, f);
    settle();
    expect_host(1, f);
    expect_host(7, insert(f, 64'h8100_0064, 4));
    expect_wire(insert(f, Up | 64'h1000, 8));
    expect_reason(RSN_GROUP_LOCAL);
    // A vSwitched VM's first broadcast goes to the core; sent back it is forwarded.
    f = make('1, MacV, 80);
    send_host(7, insert(f, 64'h8100_0064, 4));
    settle();
    expect_reason(RSN_LEARN);
    expect_quiet();
    if (!punt_v || punt_src != 7'd7 || punt_vvlan != 12'd100 || punt_reason != RSN_LEARN)
      $fatal(1, "punt %0d from %0d, V.VLAN %0d, reason %0d", punt_v, punt_src, punt_vvlan, punt_reason);
    core_send = 1'b1;
    tick();
    core_send = 1'b0;
    settle();
    expect_reason(RSN_GROUP_LOCAL);
    expect_host(0, f);
    expect_host(1, f);
    expect_wire(insert(f, Up | 64'h1000, 8));
    // Drops.
    send_host(0, make(Mac1, Far, 60));
    settle();
    expect_reason(RSN_SOURCE_MAC);
    send_host(0, make(Mac0, Mac0, 60));
    settle();
    expect_reason(RSN_SAME_PORT);
    send_wire(insert(make(Mac1, Far, 60), Up ^ 64'h1_0000, 8));  // no inner tag
    settle();
    expect_reason(RSN_NO_VVLAN);
    send_wire(insert(make(Mac1, Far, 60), {16'h8100, 16'h000B, 32'h8100_0064}, 8));
    settle();
    expect_reason(RSN_VLAN_PAIR);
    send_wire(make(Mac1, Far, 60));
    settle();
    expect_reason(RSN_UNTAGGED);
    send_wire(make(Mac1, Far, 59));
    settle();
    expect_reason(RSN_RUNT);
    command(OP_DELETE, TBL_MAC, 0, mac_row(Mac1, 100, 0));
    f = make(Mac1, Mac0, 61);
    send_host(0, f);
    settle();
    expect_wire(insert(f, Up, 8));
    expect_reason(RSN_UNKNOWN_UPLINK);
    expect_quiet();
    expect_counter(32'h4000 + 0 * 64 + 32'(RSN_SOURCE_MAC), 1);
    expect_counter(32'h4000 + 64 * 64 + 32'(RSN_RUNT), 1);
    expect_counter(0, 2 * $size(lengths) + 4);
    flows(vv);
    lessons(vv);
    learning();
    modes();
    $display("PASS");
    $finish;
  end

endmodule
