// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_host_if, hp_softcore with the real Ibex, and hp_tbl_arb, at several ratios of the clocks. A small program
// is loaded through the PF BAR and answers the mailbox; every path between host, core and datapath is used
// once: state, log, seeds, mailbox, table commands, events, timer, punt, inject, transmit hold, bus error, watchdog,
// restart.
// Then resets and stops at random times: the core must come back each time.
//
// bench-needs: HAIRPIN_IBEX
// bench-args: -f ${rtl}/ibex/ibex.f ${rtl}/generated/hp_map_hash_pkg.sv ${rtl}/generated/hp_pf_regs_pkg.sv ${rtl}/generated/hp_core_regs_pkg.sv ${rtl}/hp_soc_pkg.sv ${rtl}/../tb/rv_asm_pkg.sv
// bench: -GDATA_W=128

module tb_softcore
  import hp_pkg::*, hp_soc_pkg::*;
#(
  parameter int unsigned DATA_W = 512
);
  import tb_pkg::*;
  import rv_asm_pkg::*;

  logic clk = 1'b0, rst_n = 1'b0, core_clk = 1'b0, core_rst_n = 1'b0;
  int unsigned clk_ps = 4000, core_ps = 4000;
  always #(clk_ps / 2) clk = ~clk;
  always #(core_ps / 2) core_clk = ~core_clk;

  logic [63:0] now = '0, jump = '0;
  always @(posedge clk) now <= rst_n ? now + 1 + jump : 64'hFFFF_FF00;

  // AXI4-Lite.
  logic [7:0]  fn = '0;
  logic [2:0]  bar = '0;
  logic        awvalid = '0, awready, wvalid = '0, wready, bvalid, bready = '0;
  logic        arvalid = '0, arready, rvalid, rready = '0;
  logic [15:0] awaddr = '0, araddr = '0;
  logic [31:0] wdata = '0, rdata;
  logic [1:0]  bresp, rresp;
  logic [3:0]  wstrb = 4'hF;
  logic        irq, core_sleep, idle, arb_idle;

  logic     h_valid, h_ready, h_rsp, c_valid, c_ready, c_rsp, t_valid, t_ready, t_rsp;
  tbl_req_t h_req, c_req, t_req;
  tbl_rsp_t h_ans, c_ans, t_ans;
  logic        cnt_valid, cnt_done = 1'b0;
  logic [15:0] cnt_addr;
  logic [63:0] cnt_data = '0;
  logic [127:0] hash_seed;
  host_to_core_t to_core;
  core_to_host_t to_host;

  logic        punt_valid = 1'b0, punt_rd_req, punt_rd_valid = 1'b0, punt_pop, punt_send, punt_nopunt;
  logic        punt_tomb, punt_busy = 1'b0;
  logic [6:0]  punt_rd_addr;
  logic [31:0] punt_rd_data = '0;
  reason_t     punt_tomb_reason;
  logic              inj_valid, inj_ready = 1'b0, inj_sof, inj_eof;
  logic [DATA_W-1:0] inj_data;
  frame_meta_t       inj_meta;

  // Learning: one event, answered and then gone.
  logic         learn_valid = 1'b0, learn_act, learn_busy = 1'b0, t_core;
  logic [3:0]   learn_slot;
  logic [1:0]   learn_verdict;
  learn_event_t learn_event = '{
    valid: 1'b1, vvlan: 12'hABC, sa: 48'h0211_2233_4455, vport: 7'd6, from_valid: 1'b1, from: 7'd2, inst: 6'd1,
    seen: '0
  };
  int unsigned  learns;
  always @(posedge clk) if (rst_n && learn_act) begin
    if (learn_slot != 4'd11 || learn_verdict != hp_abi_pkg::LEARN_INSTALL) $fatal(1, "learn answer");
    learn_valid <= 1'b0;
    learns      <= learns + 1;
  end

  // VFs and the PF's window of them: the answer comes after a few clocks, or at once, and tells what was asked.
  logic        vf_req, vf_we, vf_ack, pf_req, pf_we, pf_ack;
  logic [7:0]  vf_fn;
  logic [15:0] vf_addr;
  logic [31:0] vf_wdata, vf_wmask, vf_rdata, pf_wdata, pf_rdata;
  logic [12:0] pf_addr;
  logic [2:0]  side_q = '0, side_wait = '0;
  logic        side_vf_q = 1'b0;
  logic [31:0] vf_last = '0, pf_last = '0;
  int unsigned vf_reqs, pf_reqs;

  assign vf_ack   = (vf_req && side_wait == '0) || (side_q == 3'd1 && side_vf_q);
  assign pf_ack   = (pf_req && side_wait == '0) || (side_q == 3'd1 && !side_vf_q);
  assign vf_rdata = vf_ack ? {vf_fn, 8'hF5, vf_addr} : '1;
  assign pf_rdata = pf_ack ? {19'h3F5BF, pf_addr} : '1;

  always @(posedge clk) begin
    if (side_q != '0) side_q <= side_q - 1'b1;
    if (vf_req || pf_req) begin
      if (vf_req && pf_req || side_q != '0) $fatal(1, "two accesses at once");
      side_q    <= side_wait;
      side_vf_q <= vf_req;
      side_wait <= side_wait + 3'd1;
      vf_reqs   <= vf_reqs + 32'(vf_req);
      pf_reqs   <= pf_reqs + 32'(pf_req);
    end
    if (vf_req && vf_we) vf_last <= (vf_wdata & vf_wmask) ^ {vf_fn, 8'h00, vf_addr};
    if (pf_req && pf_we) pf_last <= pf_wdata ^ {19'h0, pf_addr};
  end

  hp_host_if #(.DATA_W(DATA_W), .N_VF(8), .VIRTQ(1'b1), .BUILD_ID(32'hB01D)) u_host (
    .clk_i(clk), .rst_ni(rst_n), .time_i(now), .uplink_up_i(1'b1),
    .s_csr_fn_i(fn), .s_csr_bar_i(bar), .s_csr_awvalid_i(awvalid), .s_csr_awready_o(awready),
    .s_csr_awaddr_i(awaddr), .s_csr_wvalid_i(wvalid), .s_csr_wready_o(wready), .s_csr_wdata_i(wdata),
    .s_csr_wstrb_i(wstrb), .s_csr_bvalid_o(bvalid), .s_csr_bready_i(bready), .s_csr_bresp_o(bresp),
    .s_csr_arvalid_i(arvalid), .s_csr_arready_o(arready), .s_csr_araddr_i(araddr),
    .s_csr_rvalid_o(rvalid), .s_csr_rready_i(rready), .s_csr_rdata_o(rdata), .s_csr_rresp_o(rresp),
    .irq_o(irq),
    .vf_req_o(vf_req), .vf_we_o(vf_we), .vf_fn_o(vf_fn), .vf_addr_o(vf_addr), .vf_wdata_o(vf_wdata),
    .vf_wmask_o(vf_wmask), .vf_ack_i(vf_ack), .vf_rdata_i(vf_rdata),
    .pf_req_o(pf_req), .pf_we_o(pf_we), .pf_addr_o(pf_addr), .pf_wdata_o(pf_wdata), .pf_ack_i(pf_ack),
    .pf_rdata_i(pf_rdata),
    .tbl_req_valid_o(h_valid), .tbl_req_ready_i(h_ready), .tbl_req_o(h_req),
    .tbl_rsp_valid_i(h_rsp), .tbl_rsp_i(h_ans),
    .cnt_rd_valid_o(cnt_valid), .cnt_rd_addr_o(cnt_addr), .cnt_rd_done_i(cnt_done),
    .cnt_rd_data_i(cnt_data), .core_o(to_core), .core_i(to_host)
  );

  // A guest's request: words tell their address; it is gone when it is answered.
  guest_to_core_t guest = '0;
  core_to_guest_t guest_act;
  int unsigned    guest_answers;
  logic           guest_rd_q;

  always @(posedge clk) begin
    guest_rd_q   <= guest_act.rd;
    guest.rvalid <= guest_rd_q;
    if (guest_act.rd) guest.rdata <= 32'hCD00_0000 | 32'(guest_act.raddr);
    if (rst_n && guest_act.answer) begin
      if ({guest_act.tag, guest_act.pairs, guest_act.ack} != {4'd9, 7'd5, 4'd1}) $fatal(1, "answer");
      guest.valid   <= 1'b0;
      guest_answers <= guest_answers + 1;
    end
  end

  logic        hold_set, settled = 1'b1;
  logic [7:0]  hold;
  int unsigned hold_sets, settle;

  hp_softcore #(.DATA_W(DATA_W)) u_core (
    .clk_i(clk), .rst_ni(rst_n), .core_clk_i(core_clk), .core_rst_ni(core_rst_n), .time_i(now),
    .core_sleep_o(core_sleep), .idle_o(idle), .host_i(to_core), .host_o(to_host),
    .tbl_req_valid_o(c_valid), .tbl_req_ready_i(c_ready), .tbl_req_o(c_req),
    .tbl_rsp_valid_i(c_rsp), .tbl_rsp_i(c_ans), .hash_seed_o(hash_seed),
    .learn_valid_i(learn_valid), .learn_slot_i(4'd11), .learn_event_i(learn_event), .learn_waiting_i(5'd1),
    .learn_act_o(learn_act), .learn_act_slot_o(learn_slot), .learn_verdict_o(learn_verdict),
    .learn_busy_i(learn_busy), .learn_status_i(4'd8),
    .punt_valid_i(punt_valid), .punt_slot_i(8'd9), .punt_src_i(7'd3), .punt_vvlan_i(12'h123),
    .punt_reason_i(6'd10), .punt_len_i(14'd777), .punt_rd_req_o(punt_rd_req),
    .punt_rd_addr_o(punt_rd_addr), .punt_rd_valid_i(punt_rd_valid), .punt_rd_data_i(punt_rd_data),
    .punt_pop_o(punt_pop), .punt_send_o(punt_send), .punt_nopunt_o(punt_nopunt),
    .punt_tomb_o(punt_tomb), .punt_tomb_reason_o(punt_tomb_reason), .punt_busy_i(punt_busy),
    .punt_full_i(1'b0), .punt_quota_i(1'b0), .punt_seen_o(), .flows_waiting_i(1'b0),
    .tx_hold_set_o(hold_set), .tx_hold_o(hold), .tx_settled_i(settled),
    .inj_valid_o(inj_valid), .inj_ready_i(inj_ready), .inj_data_o(inj_data), .inj_sof_o(inj_sof),
    .inj_eof_o(inj_eof), .inj_meta_o(inj_meta),
    .guest_i(guest), .guest_o(guest_act)
  );

  hp_tbl_arb u_arb (
    .clk_i(clk), .rst_ni(rst_n),
    .host_req_valid_i(h_valid), .host_req_ready_o(h_ready), .host_req_i(h_req),
    .host_rsp_valid_o(h_rsp), .host_rsp_o(h_ans),
    .core_req_valid_i(c_valid), .core_req_ready_o(c_ready), .core_req_i(c_req),
    .core_rsp_valid_o(c_rsp), .core_rsp_o(c_ans),
    .tbl_req_valid_o(t_valid), .tbl_req_ready_i(t_ready), .tbl_core_o(t_core), .tbl_req_o(t_req),
    .tbl_rsp_valid_i(t_rsp), .tbl_rsp_i(t_ans), .idle_o(arb_idle)
  );

  // The datapath: a mask has settled 200 of its clocks after it came.
  always @(posedge clk) begin
    hold_sets <= hold_sets + 32'(hold_set);
    settle    <= hold_set ? 200 : (settle != 0) ? settle - 1 : 0;
    settled   <= !hold_set && settle == 0;
  end

  // Tables: the answer is the request's data inverted, after a few clocks. Counts and spaces commands.
  int unsigned tables, gap = 1000;
  int          t_wait = -1;
  tbl_req_t    t_last = '0;

  assign t_ready = t_wait < 0;
  assign t_rsp   = t_wait == 0;
  assign t_ans   = '{status: 4'd1, data: ~t_last.data};

  always @(posedge clk) begin
    gap <= gap + 1;
    if (!rst_n) t_wait <= -1;
    else if (t_wait >= 0) t_wait <= t_wait - 1;
    if (rst_n && t_valid && t_ready) begin
      if (gap < 16) $fatal(1, "commands %0d clocks apart", gap);
      gap    <= 1;
      tables <= tables + 1;
      t_last <= t_req;
      t_wait <= 9;
    end
  end

  // Counters: the address is the value.
  always @(posedge clk) begin
    cnt_done <= cnt_valid;
    cnt_data <= {32'hC0, 16'h0, cnt_addr};
  end

  // Punt store: words tell their address; a sent frame is gone after a while.
  int unsigned sends, pops;
  logic [1:0]  rd_pipe = '0;
  logic [6:0]  rd_addr_q = '0;

  always @(posedge clk) begin
    rd_pipe       <= {rd_pipe[0], punt_rd_req};
    punt_rd_valid <= rd_pipe[1];
    if (punt_rd_req) rd_addr_q <= punt_rd_addr;
    punt_rd_data  <= 32'hAB00_0000 | 32'(rd_addr_q);
    if (punt_send || punt_pop) begin
      if (!punt_valid || punt_busy) $fatal(1, "action on no frame");
      if (punt_send && !(punt_nopunt && !punt_tomb)) $fatal(1, "wrong kind of send");
      punt_valid <= 1'b0;
      sends      <= sends + 32'(punt_send);
      pops       <= pops + 32'(punt_pop);
    end
  end

  // Injected frame.
  byte unsigned frame[$];
  int unsigned  frames;

  always @(posedge clk) begin
    inj_ready <= chance(50);
    if (inj_valid && inj_ready) begin
      if (inj_sof) frame.delete();
      for (int unsigned i = 0; i < DATA_W / 8; i++) frame.push_back(inj_data[8*i+:8]);
      if (inj_eof) frames <= frames + 1;
      if (!inj_meta.direct || !inj_meta.core || inj_meta.direct_port != 7'd64 || inj_meta.len != 14'd75
          || inj_meta.tomb) $fatal(1, "meta of an injected frame");
    end
  end

  // Bus access. Everything is driven at the falling edge.
  logic last_err;

  task automatic wr(input int unsigned addr, input logic [31:0] data);
    int unsigned patience = 20000;
    int unsigned lead;
    @(negedge clk);
    lead    = below(3);  // address first, data first, both
    awaddr  = 16'(addr);
    wdata   = data;
    awvalid = lead != 1;
    wvalid  = lead != 0;
    bready  = 1'b0;
    forever begin
      logic a, w;
      a = awvalid && awready;
      w = wvalid && wready;
      @(negedge clk);
      if (a) awvalid = 1'b0;
      if (w) wvalid = 1'b0;
      if (lead == 0 && a) wvalid = 1'b1;
      if (lead == 1 && w) awvalid = 1'b1;
      if (!awvalid && !wvalid) break;
      patience = patience - 1;
      if (patience == 0) $fatal(1, "write %h not taken", addr);
    end
    while (!bvalid) begin
      @(negedge clk);
      patience = patience - 1;
      if (patience == 0) $fatal(1, "write %h not answered", addr);
    end
    if (chance(30)) repeat (below(4)) @(negedge clk);
    bready   = 1'b1;
    last_err = bresp != 2'b00;
    @(negedge clk);
    bready = 1'b0;
  endtask

  task automatic rd(input int unsigned addr, output logic [31:0] data);
    int unsigned patience = 20000;
    @(negedge clk);
    araddr  = 16'(addr);
    arvalid = 1'b1;
    while (!arready) @(negedge clk);
    @(negedge clk);
    arvalid = 1'b0;
    while (!rvalid) begin
      @(negedge clk);
      patience = patience - 1;
      if (patience == 0) $fatal(1, "read %h not answered", addr);
    end
    if (chance(30)) repeat (below(4)) @(negedge clk);
    data     = rdata;
    last_err = rresp != 2'b00;
    rready   = 1'b1;
    @(negedge clk);
    rready = 1'b0;
  endtask

  task automatic expect_rd(input int unsigned addr, input logic [31:0] want, input string what);
    logic [31:0] got;
    rd(addr, got);
    if (last_err || got !== want) $fatal(1, "%s: got %h (error %b), want %h", what, got, last_err, want);
  endtask

  task automatic wait_rd(input int unsigned addr, input logic [31:0] mask, input logic [31:0] want,
                         input string what);
    logic [31:0] got;
    for (int unsigned i = 0; i < 3000 * (1 + core_ps / clk_ps); i++) begin
      rd(addr, got);
      if ((got & mask) == want) return;
    end
    $fatal(1, "%s: %h never became %h (clocks of %0d ps, %0d ps)", what, got, want, clk_ps, core_ps);
  endtask

  task automatic expect_err(input bit want, input string what);
    if (last_err != want) $fatal(1, "%s: error %b", what, last_err);
  endtask

  // The program. Registers: x1 = peripherals, x3 = log ring, x8 = punt window, x9 = inject buffer.
  localparam int unsigned LLoop = 0, LPunt = 1, LTimer = 2, LAnswer = 3, LSpin = 4, LTbl = 5, LInject = 6,
                          LFault = 7, LNext = 8, LTrap = 9, LTblWait = 10, LArm = 11, LCopy = 12, LLearn = 13,
                          LHold = 14, LSettle = 15, LGuest = 16;

  task automatic program_text();
    at(0);                       // trap vector: exceptions
    j(LTrap);
    at('h80);
    lui(1, 20'h10000);
    lui(3, 20'h10002);
    lui(8, 20'h10001);
    addi(9, 8, 'h7FC);           // inject buffer at 0x1800
    addi(9, 9, 4);
    addi(2, 0, 1);
    sw(2, 1, 'h80);              // booting
    addi(2, 0, "H");
    sb(2, 3, 0);
    addi(2, 0, "i");
    sb(2, 3, 1);
    addi(2, 0, 2);
    sw(2, 1, 'h380);             // log head
    lw(2, 1, 'h10);              // seed 0 and 3
    sw(2, 1, 'h238);
    lw(2, 1, 'h1C);
    sw(2, 1, 'h244);
    lw(2, 1, 'h00);              // map hash
    sw(2, 1, 'h88);
    lw(2, 1, 'h04);
    sw(2, 1, 'h8C);
    addi(2, 0, 31);
    sw(2, 1, 'h3C4);             // mask
    lui(2, 20'h00001);           // machine external interrupt
    addi(2, 2, -2048);
    csrrs(0, 12'h304, 2);
    addi(2, 0, 2);
    sw(2, 1, 'h80);              // ready
    mark(LLoop);
    wfi();
    lw(5, 1, 'h84);              // heartbeat
    addi(5, 5, 1);
    sw(5, 1, 'h84);
    addi(2, 0, 1);
    sw(2, 1, 'h60);              // feed
    lw(6, 1, 'h3C0);             // pending
    andi(7, 6, 2);
    bne(7, 0, LPunt);
    andi(7, 6, 4);
    bne(7, 0, LTimer);
    andi(7, 6, 8);
    bne(7, 0, LLearn);
    andi(7, 6, 16);
    bne(7, 0, LGuest);
    andi(7, 6, 1);
    beq(7, 0, LLoop);
    lw(10, 1, 'h100);            // command
    addi(2, 0, 1);
    beq(10, 2, LSpin);
    addi(2, 0, 2);
    beq(10, 2, LTbl);
    addi(2, 0, 3);
    beq(10, 2, LInject);
    addi(2, 0, 4);
    beq(10, 2, LFault);
    addi(2, 0, 5);
    beq(10, 2, LArm);
    addi(2, 0, 6);
    beq(10, 2, LHold);
    addi(11, 10, 100);           // any other: echo + 100
    mark(LAnswer);
    sw(11, 1, 'h144);
    lw(2, 1, 'h13C);             // command 15
    sw(2, 1, 'h160);             // response 7
    lw(2, 1, 'h140);
    sw(2, 1, 'h164);
    j(LLoop);
    mark(LSpin);
    j(LSpin);
    mark(LTbl);                  // insert into MAC with arguments 1, 2
    lw(2, 1, 'h104);
    sw(2, 1, 'h200);
    lw(2, 1, 'h108);
    sw(2, 1, 'h214);
    lw(2, 1, 'h10C);
    sw(2, 1, 'h218);
    mark(LTblWait);
    lw(2, 1, 'h21C);
    andi(12, 2, 1);
    bne(12, 0, LTblWait);
    sw(2, 1, 'h148);             // response 1: status
    lw(2, 1, 'h234);
    sw(2, 1, 'h14C);             // response 2: data 5
    lw(11, 1, 'h220);
    j(LAnswer);
    mark(LPunt);                 // event {word 1, info 0}, then send
    lw(2, 8, 4);
    sw(2, 1, 'h3C8);
    lw(2, 1, 'h304);
    sw(2, 1, 'h3CC);
    addi(2, 0, 2);
    sw(2, 1, 'h30C);
    j(LLoop);
    mark(LLearn);                // event {key 1, event}, then {key 0, result}, then install slot 11
    lw(2, 1, 'h288);
    sw(2, 1, 'h3C8);
    lw(2, 1, 'h280);
    sw(2, 1, 'h3CC);
    lw(2, 1, 'h284);
    sw(2, 1, 'h3C8);
    lw(2, 1, 'h290);
    sw(2, 1, 'h3CC);
    addi(2, 0, 'h10B);
    sw(2, 1, 'h28C);
    j(LLoop);
    mark(LGuest);                // event {word 127, pairs}; the answer repeats the request
    lui(2, 20'h10003);
    lw(2, 2, 508);
    sw(2, 1, 'h3C8);
    lw(2, 1, 'h3A4);
    sw(2, 1, 'h3CC);
    lw(2, 1, 'h3A0);
    sw(2, 1, 'h3A8);
    j(LLoop);
    mark(LTimer);
    sw(0, 1, 'h50);
    addi(2, 0, 66);
    sw(2, 1, 'h3C8);
    sw(0, 1, 'h3CC);
    j(LLoop);
    mark(LInject);               // 75 bytes: words count up, one byte changed on its own
    addi(2, 0, 0);
    addi(12, 9, 0);
    mark(LCopy);
    sw(2, 12, 0);
    addi(2, 2, 1);
    addi(12, 12, 4);
    addi(13, 0, 32);
    bne(2, 13, LCopy);
    addi(2, 0, 'h5A);
    sb(2, 9, 3);
    lui(2, 20'h80400);
    addi(2, 2, 75);
    sw(2, 1, 'h340);
    lw(11, 1, 'h344);
    j(LAnswer);
    mark(LFault);                // a load from nowhere, the trap goes on at LNext
    lw(2, 1, 'h104);
    lw(11, 2, 0);
    mark(LNext);
    lw(11, 1, 'h3E4);
    j(LAnswer);
    mark(LArm);                  // timer: now + argument 1
    lw(2, 1, 'h40);
    lw(14, 1, 'h44);
    lw(12, 1, 'h104);
    emit({7'd0, 5'd12, 5'd2, 3'd0, 5'd2, 7'h33});  // add x2, x2, x12
    sw(2, 1, 'h4C);
    addi(2, 0, 1);
    sw(2, 1, 'h50);
    addi(11, 14, 0);
    j(LAnswer);
    mark(LHold);                 // keep the vPorts of argument 1 back; argument 2: and crash, else until it has settled
    lw(2, 1, 'h104);
    sw(2, 1, 'h360);
    lw(12, 1, 'h108);
    bne(12, 0, LSpin);
    addi(11, 0, 0);
    mark(LSettle);               // how often it was not
    addi(11, 11, 1);
    lw(2, 1, 'h368);
    beq(2, 0, LSettle);
    j(LAnswer);
    mark(LTrap);
    csrrs(12, 12'h342, 0);       // cause
    sw(12, 1, 'h148);
    csrrs(12, 12'h341, 0);
    addi(12, 12, 4);
    csrrw(0, 12'h341, 12);
    emit(32'h3020_0073);         // mret
  endtask

  logic [15:0] seq = 16'd7;

  task automatic mail(input int unsigned op, input logic [31:0] arg1 = '0, input logic [31:0] arg2 = '0,
                      input logic [31:0] arg3 = '0);
    seq++;
    wr('h300, op);
    wr('h304, arg1);
    wr('h308, arg2);
    wr('h30C, arg3);
    wr('h33C, 32'hF00D_0000 | 32'(seq));
    wr('h340, 32'(seq));
  endtask

  task automatic answered(input logic [31:0] rsp0, input string what);
    wait_rd('h344, 32'h1FFFF, 32'h10000 | 32'(seq), {what, ": answer"});
    expect_rd('h348, rsp0, what);
    expect_rd('h364, 32'hF00D_0000 | 32'(seq), {what, ": last word"});
  endtask

  task automatic answered_any(output logic [31:0] rsp0, input string what);
    wait_rd('h344, 32'h1FFFF, 32'h10000 | 32'(seq), {what, ": answer"});
    rd('h348, rsp0);
  endtask

  task automatic load();
    program_text();
    program_text();
    wr('h504, 32'h0);
    for (int unsigned a = 0; a < 'h340; a += 4) begin
      wr('h508, mem[a/4]);
      expect_err(1'b0, "load");
    end
    expect_rd('h504, 32'h340, "load address");
  endtask

  task automatic start();
    logic [31:0] ready;
    wr('h500, 1);
    wait_rd('h50C, 32'hF, 32'h2, "ready");
    rd('h520, ready);
    if (ready < 20 || ready > 2000) $fatal(1, "cycles to ready %0d", ready);
  endtask

  task automatic stop();
    logic [31:0] unused;
    wr('h500, 0);
    wait_rd('h50C, 32'h0001_000F, 32'h0, "stop");
    rd('h500, unused);
  endtask

  // Tests.
  task automatic registers();
    logic [31:0] lo, hi;
    expect_rd('h000, 32'h4E49_5048, "magic");
    expect_rd('h008, hp_map_hash_pkg::MapHash[31:0], "map hash");
    expect_rd('h010, 32'hB01D, "build id");
    expect_rd('h014, 32'(DATA_W / 8) << 16 | 32'h2008, "capabilities");
    wr('h020, 32'h1234_5678);
    expect_rd('h020, 32'h1234_5678, "scratch");
    rd('h10C, lo);
    rd('h110, hi);
    if (hi != (lo < 32'hFFFF_FF00 ? 32'd1 : 32'd0)) $fatal(1, "time %h %h", hi, lo);
    // Nothing there: an address, a hole, an odd address, another function, another BAR.
    rd('h028, lo);
    expect_err(1'b1, "hole");
    wr('hFFFC, 0);
    expect_err(1'b1, "end of the BAR");
    rd('h5000, lo);
    expect_err(1'b1, "past the log ring");
    rd('h002, lo);
    expect_err(1'b1, "odd address");
    // VFs, by function, and the window of them; whole words there.
    vf_reqs = 0;
    pf_reqs = 0;
    for (int unsigned i = 1; i <= 8; i++) begin
      fn = 8'(i);
      expect_rd(i * 'h1234, {fn, 8'hF5, 16'(i * 'h1234)}, "VF read");
      wstrb = 4'(i);
      wr(i * 'h0ABC, 32'hFFFF_FFFF);
      expect_err(1'b0, "VF write");
      for (int unsigned b = 0; b < 4; b++) lo[8*b+:8] = {8{wstrb[b]}};
      if (vf_last != (lo ^ {fn, 8'h00, 16'(i * 'h0ABC)})) $fatal(1, "VF write %h", vf_last);
      fn    = 8'd0;
      wstrb = 4'hF;
      expect_rd('h8000 + i * 'h44, {19'h3F5BF, 13'(i * 'h44)}, "window read");
      wr('h9FFC - i * 8, 32'hA5A5_0000 + i);
      expect_err(1'b0, "window write");
      if (pf_last != ((32'hA5A5_0000 + i) ^ (32'h1FFC - i * 8))) $fatal(1, "window write %h", pf_last);
    end
    wstrb = 4'h7;
    wr('h8000, 0);
    expect_err(1'b1, "part of a word in the window");
    wstrb = 4'hF;
    rd('hA000, lo);
    expect_err(1'b1, "past the window");
    if (vf_reqs != 16 || pf_reqs != 16) $fatal(1, "%0d accesses to VFs, %0d to the window", vf_reqs, pf_reqs);
    fn = 8'd9;
    rd('h000, lo);
    expect_err(1'b1, "other function");
    if (lo != '1) $fatal(1, "other function reads %h", lo);
    wr('h020, 32'hDEAD);
    expect_err(1'b1, "other function, write");
    fn  = 8'd0;
    bar = 3'd2;
    wr('h020, 32'hDEAD);
    expect_err(1'b1, "other BAR, write");
    fn  = 8'd1;
    wr('h020, 32'hDEAD);
    expect_err(1'b1, "other BAR of a VF, write");
    if (vf_reqs != 16) $fatal(1, "other BAR of a VF");
    fn  = 8'd0;
    bar = 3'd0;
    expect_rd('h020, 32'h1234_5678, "scratch unharmed");
    // Writes to what is read only, reads of what is write only: harmless.
    wr('h000, 0);
    wr('h4000, 32'h5555);
    rd('h508, lo);
    rd('h70C, lo);
    expect_rd('h000, 32'h4E49_5048, "magic unharmed");
    // A write without its data does not hold up a read.
    @(negedge clk);
    awvalid = 1'b1;
    awaddr  = 16'h020;
    @(negedge clk);
    awvalid = 1'b0;
    expect_rd('h020, 32'h1234_5678, "read past half a write");
    wvalid = 1'b1;
    wdata  = 32'h77;
    @(negedge clk);
    wvalid = 1'b0;
    // An answer that is not taken does not hold up a read.
    expect_rd('h010, 32'hB01D, "read past an untaken answer");
    while (!bvalid) @(negedge clk);
    bready = 1'b1;
    @(negedge clk);
    bready = 1'b0;
    expect_rd('h020, 32'h77, "half a write, completed");
    wr('h400, 32'h6123);
    wait_rd('h404, 32'h1, 32'h0, "counter");
    expect_rd('h408, 32'h6123, "counter low");
    expect_rd('h40C, 32'hC0, "counter high");
  endtask

  task automatic host_tables();
    int unsigned first;
    for (int unsigned i = 0; i < 6; i++) wr('h200 + 4 * i, 32'h100 + i);
    first = tables;
    wr('h218, 32'h0003_0001);  // WRITE PORT 3
    wait_rd('h21C, 32'h1, 32'h0, "table");
    expect_rd('h21C, 32'h10, "updated");
    expect_rd('h234, ~32'h105, "table data");
    if (t_last.index != 16'd3 || t_last.op != 4'd1 || t_last.tbl != 4'd0) $fatal(1, "request");
    wr('h218, 32'h0000_0052);  // READ MAC
    wait_rd('h21C, 32'h1, 32'h0, "table read");
    expect_rd('h21C, 32'h10, "may read");
    if (tables != first + 2) $fatal(1, "%0d commands", tables - first);
    foreach (denied[i]) begin
      wr('h218, denied[i]);
      wait_rd('h21C, 32'h1, 32'h0, "denied table");
      expect_rd('h21C, 32'h40, "denied");
    end
    if (tables != first + 2) $fatal(1, "a denied command got through");
  endtask

  logic [31:0] denied[8] = '{32'h21, 32'h31, 32'h53, 32'h54, 32'h55, 32'h66, 32'h68, 32'h00};

  task automatic firmware();
    logic [31:0] a, b;
    expect_rd('h600, 32'd2, "log head");
    rd('h4000, a);
    if (a[15:0] != "iH") $fatal(1, "log %h", a);
    expect_rd('h514, hp_map_hash_pkg::MapHash[31:0], "image's hash");
    expect_rd('h518, hp_map_hash_pkg::MapHash[63:32], "image's hash");
    if (hash_seed != {32'h5EED_0003, 64'h0, 32'h5EED_0000}) $fatal(1, "seed %h", hash_seed);
    mail(30);
    answered(130, "echo");
    for (int unsigned i = 0; i < 20; i++) begin
      mail(200 + i);
      answered(300 + i, "echo again");
    end
    // Core table commands: allowed, and denied.
    mail(2, 32'h11, 32'h22, 32'h0000_0053);
    answered(~32'h11, "core insert");
    expect_rd('h34C, 32'h10, "core status");
    expect_rd('h350, ~32'h22, "core data 5");
    if (t_last.tbl != 4'd5 || t_last.op != 4'd3) $fatal(1, "core request");
    mail(2, 32'h11, 32'h22, 32'h0003_0001);
    answered(32'h0, "core write to PORT");
    expect_rd('h34C, 32'h40, "core denied");
    // Punt: the event carries a word of the frame.
    wr('h108, 32'h1);
    wr('h104, 32'hF);
    while (irq) @(negedge clk);
    a = 32'(sends);
    @(negedge clk);
    punt_valid = 1'b1;
    wait_rd('h700, 32'hFF, 32'h1, "event");
    expect_rd('h704, 32'hAB00_0004, "punted word");
    expect_rd('h708, 32'h000A_0309, "punt info");
    if (!irq) $fatal(1, "no interrupt");
    wr('h104, 32'h1);
    repeat (3) @(negedge clk);
    if (irq) $fatal(1, "interrupt stays");
    wr('h70C, 32'h1);
    expect_rd('h700, 32'h0, "popped");
    repeat (400) @(negedge clk);
    if (sends != a + 1 || punt_valid) $fatal(1, "sent %0d", sends - a);
    // Learn: what the unit shows, then the core's answer.
    a = 32'(learns);
    @(negedge clk);
    learn_valid = 1'b1;
    wait_rd('h700, 32'hFF, 32'h2, "learn events");
    expect_rd('h704, 32'h0ABC_0211, "learn key 1");
    expect_rd('h708, 32'h8182_068B, "learn event");
    wr('h70C, 32'h1);
    expect_rd('h704, 32'h2233_4455, "learn key 0");
    expect_rd('h708, 32'h8, "learn result");
    wr('h70C, 32'h1);
    repeat (400) @(negedge clk);
    if (learns != a + 1 || learn_valid) $fatal(1, "%0d learn answers", learns - a);
    // A guest asks.
    a = 32'(guest_answers);
    @(negedge clk);
    guest.vport = 7'd5;
    guest.tag   = 4'd9;
    guest.pairs = 7'd4;
    guest.valid = 1'b1;
    wait_rd('h700, 32'hFF, 32'h1, "guest event");
    expect_rd('h704, 32'hCD00_007F, "guest window");
    expect_rd('h708, 32'h4, "guest's pairs");
    wr('h70C, 32'h1);
    repeat (400) @(negedge clk);
    if (guest_answers != a + 1 || guest.valid) $fatal(1, "%0d answers", guest_answers - a);
    if (guest_act.allow != '1) $fatal(1, "allow %h", guest_act.allow);
    // Inject.
    a = 32'(frames);
    mail(3);
    wait_rd('h344, 32'h1FFFF, 32'h10000 | 32'(seq), "inject");
    while (!idle) @(negedge clk);
    repeat (3) @(negedge clk);
    if (frames != a + 1) $fatal(1, "%0d frames", frames - a);
    if (frame.size() != ((75 * 8 + DATA_W - 1) / DATA_W) * (DATA_W / 8)) $fatal(1, "%0d bytes", frame.size());
    foreach (frame[i]) begin
      b = (i == 3) ? 32'h5A : (i >= 75) ? 32'h0 : (i % 4 == 0) ? 32'(i / 4) : 32'h0;
      if (32'(frame[i]) != b) $fatal(1, "byte %0d is %h, not %h", i, frame[i], b);
    end
    // Nothing at an address: a trap with the cause "load access fault", FAULT names it.
    mail(4, 32'h2000_0010);
    answered(32'h2000_0011, "outside");
    expect_rd('h34C, 32'd5, "cause");
    mail(4, 32'h1000_0FFC);
    answered(32'h2000_0011, "hole, first fault stays");
    // Sleep; the timer wakes, even when the time jumps over the deadline by more than 2^32.
    for (int unsigned i = 0; i < 2; i++) begin
      mail(5, 32'd5000);
      wait_rd('h344, 32'h1FFFF, 32'h10000 | 32'(seq), "arm");
      wait_rd('h50C, 32'h2_0000, 32'h2_0000, "asleep");
      if (!core_sleep) $fatal(1, "not asleep");
      rd('h700, a);
      if (a[7:0] != 0) $fatal(1, "timer too early");
      if (i == 1) begin
        @(negedge clk);
        jump = 64'h7_0000_0000;
        @(negedge clk);
        jump = '0;
      end
      wait_rd('h700, 32'hFF, 32'h1, "timer");
      expect_rd('h704, 32'd66, "timer event");
      wr('h70C, 32'h1);
    end
    // Loading a running core is refused.
    wr('h504, 32'h0);
    wr('h508, 32'h0);
    expect_err(1'b1, "load while running");
    expect_rd('h504, 32'h0, "load address stays");
    mail(77);
    answered(177, "still there");
  endtask

  task automatic watchdog();
    logic [31:0] first, second;
    wr('h104, 32'hF);
    stop();
    wr('h528, 32'd3000);
    start();
    // Asleep with nothing to do is not hung.
    repeat (2 * 3000 * (core_ps / clk_ps + 1)) @(negedge clk);
    expect_rd('h50C, 32'h2_0002, "sleeper");
    wr('h104, 32'hF);
    wr('h108, 32'h4);
    rd('h524, first);
    mail(6, 32'hA5, 32'd1);
    wait (hold == 8'hA5);
    wait_rd('h50C, 32'h1_0000, 32'h1_0000, "hung");
    if (hold != '0) $fatal(1, "a core that hangs keeps vPorts back");
    if (!irq) $fatal(1, "no interrupt of the watchdog");
    repeat (100) @(negedge clk);
    wait_rd('h50C, 32'h1_0000, 32'h1_0000, "still hung");
    host_tables();
    wr('h500, 0);
    load();
    wait_rd('h50C, 32'h1_000F, 32'h0, "no longer hung");
    if (hash_seed[31:0] != 32'h5EED_0000) $fatal(1, "hash seed lost with the core");
    wr('h528, 32'd0);
    start();
    rd('h524, second);
    if (second != first + 1) $fatal(1, "restarts %0d after %0d", second, first);
    mail(40);
    answered(140, "after the watchdog");
    if (hold != '0) $fatal(1, "a core that starts anew keeps vPorts back");
  endtask

  // The mask goes out with a pulse; the core sees `settled` only after the datapath has answered it.
  task automatic transmit_hold();
    logic [31:0] turns;
    mail(6, 32'h5A);
    answered_any(turns, "hold");
    if (hold != 8'h5A || hold_sets == 0) $fatal(1, "hold %h after %0d pulses", hold, hold_sets);
    if (turns < 2) $fatal(1, "settled at once");
    mail(6, 32'h0);
    answered_any(turns, "no hold");
    if (hold != '0) $fatal(1, "hold %h", hold);
    // A core that is stopped keeps nobody back.
    mail(6, 32'hFF, 32'd1);
    wait (hold == 8'hFF);
    stop();
    if (hold != '0) $fatal(1, "hold %h of a core that is stopped", hold);
    start();
    mail(41);
    answered(141, "after the hold");
    if (hold != '0) $fatal(1, "hold %h of a core that starts anew", hold);
  endtask

  // Stops, core resets and bus traffic at any moment.
  task automatic abuse();
    for (int unsigned i = 0; i < 40; i++) begin
      if (chance(50)) mail(50 + i);
      repeat (below(300)) @(negedge clk);
      if (chance(50)) begin
        wr('h500, 0);
        if (chance(50)) repeat (below(100)) @(negedge clk);
        wr('h500, 1);
      end else begin
        @(negedge core_clk);
        core_rst_n = 1'b0;
        repeat (8 * (1 + clk_ps / core_ps) + below(10)) @(negedge core_clk);
        core_rst_n = 1'b1;
      end
      if (chance(70)) begin
        // What was running has gone: state 0 or booting is passed, then ready.
        repeat (50 * (1 + core_ps / clk_ps)) @(negedge clk);
        wait_rd('h50C, 32'hF, 32'h2, "ready again");
        mail(500 + i);
        answered(600 + i, "after abuse");
      end
    end
    // The NIC's reset.
    @(negedge clk);
    rst_n = 1'b0;
    repeat (8 * (1 + core_ps / clk_ps)) @(negedge clk);
    rst_n = 1'b1;
    wait_rd('h50C, 32'h3_000F, 32'h2_0000, "after reset");
  endtask

  task automatic seeds();
    wr('h52C, 32'h5EED_0000);
    wr('h538, 32'h5EED_0003);
  endtask

  // Power-up to the end at one pair of clocks.
  task automatic run();
    @(negedge clk);
    rst_n      = 1'b0;
    core_rst_n = 1'b0;
    repeat (20 * (1 + core_ps / clk_ps)) @(negedge clk);
    rst_n      = 1'b1;
    core_rst_n = 1'b1;
    repeat (20 * (1 + core_ps / clk_ps)) @(negedge clk);
    registers();
    host_tables();
    wr('h504, 32'h1_0000);
    wr('h508, 32'h0);
    expect_err(1'b1, "load past the memory");
    seeds();
    load();
    start();
    firmware();
    transmit_hold();
    watchdog();
    abuse();
    seeds();
    load();
    start();
    mail(9);
    answered(109, "after reset");
    $display("clocks of %0d ps and %0d ps: %0d table commands, %0d frames", clk_ps, core_ps, tables, frames);
  endtask

  initial begin
    void'(seed_from_args("tb_softcore"));
    run();
    core_ps = 14300;
    run();
    clk_ps  = 14300;
    core_ps = 1700;
    run();
    for (int unsigned i = 0; i < 4; i++) begin
      clk_ps  = 2000 + 2 * below(5000);
      core_ps = 2000 + 2 * below(10000);
      run();
    end
    $display("PASS");
    $finish;
  end

  initial begin
    #(64'd400_000_000_000);
    $fatal(1, "timeout");
  end
endmodule
