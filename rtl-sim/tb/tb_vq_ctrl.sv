// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_vq_ctrl against guests that ask, alone and at the same time, a memory that answers late, and a firmware that answers
// late: every request's bytes reach the firmware, each answer reaches its guest, used ring and interrupt follow;
// bad rings end with their code and harm nobody; a queue can end at any moment. Every byte of the guests' memory
// that the device may not write is checked.
//
// bench-args: -Wno-WIDTH ${rtl}/hp_vio_pkg.sv ${rtl}/hp_vq_pkg.sv ${rtl}/hp_soc_pkg.sv
// bench:

module tb_vq_ctrl;
  import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*, hp_soc_pkg::*, hp_abi_pkg::*;

  localparam int unsigned N_VF = 4;
  localparam int unsigned Mem = 8192;          // bytes of each guest, from address 0x10000 * (vf + 1) on
  localparam int unsigned Size = 8;            // entries of a ring
  localparam int unsigned Desc = 0, Avail = 256, Used = 512, Table = 1024, Data = 2048;

  logic clk = 1'b0, rst_n = 1'b0;
  always #1 clk = !clk;

  logic            qcmd_valid = 1'b0, qcmd_ready, bell = 1'b0, read_valid, read_ready = 1'b0;
  logic            word_valid = 1'b0, word_err = 1'b0, write_valid, write_ready = 1'b0, ans = 1'b0;
  logic            ans_err = 1'b0, err_valid, irq_valid, irq_ready = 1'b0, pairs_set, announced, idle;
  vq_cmd_t         qcmd = '0;
  logic [1:0]      bell_v = '0, err_v, irq_v, pairs_v;
  logic [N_VF-1:0] live = '1;
  qp_t [N_VF-1:0]  pool = {7'd4, 7'd3, 7'd2, 7'd1};
  word_read_t      rd;
  logic [127:0]    word = '0;
  wr_job_t         wr;
  logic [7:0]      err_code;
  guest_to_core_t  req;
  core_to_guest_t  act = '{allow: '1, default: '0};
  qp_t             pairs;
  vlan_op_t        vlan_op;
  vlan_t           vid;

  hp_vq_ctrl #(.N_VF(N_VF), .FIRST_IDX(16'd65533)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .qcmd_valid_i(qcmd_valid), .qcmd_ready_o(qcmd_ready),
    .qcmd_i(qcmd), .bell_valid_i(bell), .bell_v_i(bell_v), .vf_live_i(live), .pool_i(pool),
    .read_valid_o(read_valid), .read_ready_i(read_ready), .read_o(rd), .word_valid_i(word_valid),
    .word_data_i(word), .word_err_i(word_err), .write_valid_o(write_valid),
    .write_ready_i(write_ready), .write_o(wr), .ans_valid_i(ans), .ans_err_i(ans_err),
    .err_valid_o(err_valid), .err_ready_i(1'b1), .err_v_o(err_v), .err_code_o(err_code),
    .irq_valid_o(irq_valid), .irq_ready_i(irq_ready), .irq_v_o(irq_v), .guest_o(req),
    .guest_i(act), .pairs_set_o(pairs_set), .pairs_v_o(pairs_v), .pairs_o(pairs), .announced_o(announced),
    .vlan_op_o(vlan_op), .vid_o(vid), .idle_o(idle)
  );

  function automatic int unsigned below(input int unsigned n);
    return $urandom() % n;
  endfunction

  // ---- memory: one access at a time, and what the device may write ----

  byte unsigned mem [N_VF][Mem];
  bit           may [N_VF][Mem];
  int unsigned  late;
  bit           busy, is_read, bad;
  word_read_t   now_rd;
  wr_job_t      now_wr;

  function automatic bit inside_of(input fn_t fn, input logic [63:0] addr, input int unsigned len);
    return fn >= 8'd1 && 32'(fn) <= N_VF && addr >= 64'h10000 * 64'(fn) &&
           addr + 64'(len) <= 64'h10000 * 64'(fn) + Mem;
  endfunction

  always @(posedge clk) begin
    automatic int unsigned v, at;
    automatic logic [127:0] data = {4{$urandom()}};
    read_ready  <= below(3) == 0;
    write_ready <= below(3) == 0;
    irq_ready   <= below(4) == 0;
    word_valid  <= 1'b0;
    ans         <= 1'b0;
    if ((read_valid && read_ready) || (write_valid && write_ready)) begin
      if (busy) $fatal(1, "two accesses");
      if (read_valid && write_valid) $fatal(1, "read and write");
      busy    <= 1'b1;
      is_read <= read_valid;
      now_rd  <= rd;
      now_wr  <= wr;
      late    <= below(20);
    end else if (busy && late != 0) begin
      late <= late - 1;
    end else if (busy) begin
      busy <= 1'b0;
      if (is_read) begin
        bad = !inside_of(now_rd.fn, now_rd.addr, 32'(now_rd.len));
        v   = 32'(now_rd.fn) - 1;
        at  = 32'(now_rd.addr[15:0]);
        if (bad) data = '1;
        else for (int unsigned i = 0; i < 32'(now_rd.len); i++) data[8*i +: 8] = mem[v][at+i];
        word       <= data;
        word_valid <= 1'b1;
        word_err   <= bad;
      end else begin
        bad = !inside_of(now_wr.fn, now_wr.addr, 32'(now_wr.len));
        v   = 32'(now_wr.fn) - 1;
        at  = 32'(now_wr.addr[15:0]);
        for (int unsigned i = 0; i < 32'(now_wr.len) && !bad; i++) begin
          if (!may[v][at+i]) $fatal(1, "vf%0d: %h must not be written", v, at + i);
          mem[v][at+i] = now_wr.data[8*i +: 8];
        end
        ans     <= 1'b1;
        ans_err <= bad;
      end
    end
  end

  // ---- firmware: reads what it may, repeats it in its answer ----

  byte unsigned seen [$];
  int unsigned  asked [N_VF], irqs [N_VF];
  logic [7:0]   errs [N_VF];
  int unsigned  announces = 0, announced_n = 0, sets = 0, vlans = 0, vlans_n = 0;
  bit           answering = 1'b1;

  always @(posedge clk) begin
    if (irq_valid && irq_ready) irqs[irq_v] <= irqs[irq_v] + 1;
    if (err_valid) errs[err_v] <= err_code;
    // Only what an answer says that names the request.
    if ((announced && !act.announced) || (pairs_set && (pairs != act.pairs || pairs == '0 || pairs > pool[pairs_v])))
      $fatal(1, "vf%0d: announced %b, %0d pairs", pairs_v, announced, pairs);
    if (vlan_op != '0 && (vlan_op != act.vlan_op || vid != act.vid)) $fatal(1, "vf%0d: VLAN %0d %0d", pairs_v, vlan_op, vid);
    if (vlan_op != '0) vlans <= vlans + 1;
    if (announced) announces <= announces + 1;
    if (pairs_set) sets <= sets + 1;
  end

  byte unsigned want [N_VF][$];
  bit           cut [N_VF];

  initial begin
    forever begin
      automatic logic [3:0] tag;
      automatic int unsigned v, len;
      automatic bit right;
      @(negedge clk);
      act.answer = 1'b0;
      if (!req.valid || !answering || below(10) != 0) continue;
      v     = 32'(req.vport);
      len   = 32'(req.len);
      tag   = req.tag;
      right = len == want[v].size() && req.cut == cut[v] && req.pairs == pool[v];
      for (int unsigned i = 0; i < (len + 3) / 4; i++) begin
        act.rd    = 1'b1;
        act.raddr = 7'(i);
        @(negedge clk);
        act.rd = 1'b0;
        while (!req.rvalid) @(negedge clk);
        for (int unsigned j = 0; j < 4 && 4 * i + j < len; j++) begin
          if (right && req.rdata[8*j +: 8] != want[v][4*i+j]) begin
            if (req.valid && req.tag == tag) $fatal(1, "vf%0d: byte %0d", v, 4 * i + j);
          end
        end
      end
      // It may have been reset meanwhile: then the answer must do nothing.
      if (req.valid && req.tag == tag && !right) $fatal(1, "vf%0d: %0d bytes", v, len);
      if (req.valid && req.tag == tag) asked[v]++;
      act.answer = 1'b1;
      act.tag    = tag;
      act.ack    = 4'(10 + v);
      act.vid    = 12'(below(4096));
      act.vlan_op = 3'(below(5));
      act.pairs  = 7'(below(6));
      act.announced = below(2) == 0;
      if (req.valid && req.tag == tag && act.announced) announced_n++;
      if (req.valid && req.tag == tag && act.vlan_op != '0) vlans_n++;
    end
  end

  // ---- guests ----

  logic [15:0] avail_idx [N_VF], used_idx [N_VF];
  bit          event_idx [N_VF], indirect [N_VF];

  task automatic put(input int unsigned v, input int unsigned at, input logic [63:0] value, input int unsigned n);
    for (int unsigned i = 0; i < n; i++) mem[v][at+i] = value[8*i +: 8];
  endtask

  function automatic logic [15:0] get16(input int unsigned v, input int unsigned at);
    return {mem[v][at+1], mem[v][at]};
  endfunction

  bit taken;                                   // command port and bell

  task automatic command(input bit enable, input int unsigned v);
    while (taken) @(negedge clk);
    taken = 1'b1;
    @(negedge clk);
    qcmd = '{enable: enable, q: 8'(CtrlBase + v), fn: 8'(v + 1), desc: 64'h10000 * (v + 1) + Desc,
             avail: 64'h10000 * (v + 1) + Avail, used: 64'h10000 * (v + 1) + Used, size_log2: 4'd3,
             event_idx: event_idx[v], indirect: indirect[v], mrg: 1'b0, csum: 1'b1};
    qcmd_valid = 1'b1;
    while (!qcmd_ready) @(negedge clk);
    @(negedge clk);
    qcmd_valid = 1'b0;
    taken = 1'b0;
  endtask

  task automatic ring(input int unsigned v);
    while (taken) @(negedge clk);
    taken = 1'b1;
    @(negedge clk);
    bell   = 1'b1;
    bell_v = 2'(v);
    @(negedge clk);
    bell = 1'b0;
    taken = 1'b0;
  endtask

  task automatic begin_queue(input int unsigned v);
    foreach (mem[v][i]) begin
      mem[v][i] = 8'($urandom());
      may[v][i] = 1'b0;
    end
    for (int unsigned i = 2; i < 4 + 8 * Size + 2; i++) may[v][Used+i] = 1'b1;
    event_idx[v] = 1'($urandom());
    indirect[v]  = 1'($urandom());
    avail_idx[v] = 16'd65533;
    used_idx[v]  = 16'd65533;
    put(v, Avail, 0, 2);
    put(v, Avail + 2, 64'(avail_idx[v]), 2);
    put(v, Avail + 4 + 2 * Size, 64'(used_idx[v]), 2);
    put(v, Used + 2, 64'(used_idx[v]), 2);
    errs[v] = '0;
    command(1'b1, v);
  endtask

  task automatic descriptor(input int unsigned v, input int unsigned at, input logic [63:0] addr,
                            input logic [31:0] len, input logic [15:0] flags, input int unsigned next);
    put(v, at, addr, 8);
    put(v, at + 8, 64'(len), 4);
    put(v, at + 12, 64'(flags), 2);
    put(v, at + 14, 64'(next), 2);
  endtask

  // A request of `n` parts; returns its head and where the answer goes. `fault` is a code to provoke.
  task automatic build(input int unsigned v, input int unsigned fault, output int unsigned head,
                       output int unsigned ack_at);
    automatic int unsigned parts = 1 + below(4), at = Data + below(64), total, len, place, base, next;
    automatic bit table_ = indirect[v] && (below(2) == 0 || fault == 32'(VQERR_INDIRECT));
    automatic logic [63:0] top = 64'h10000 * (v + 1);
    want[v] = {};
    total   = 0;
    head    = below(Size);
    base    = table_ ? Table : Desc;
    place   = table_ ? 0 : head;
    for (int unsigned i = 0; i < parts; i++) begin
      len = (below(6) == 0) ? 1 + below(400) : 1 + below(20);
      for (int unsigned j = 0; j < len; j++) if (total + j < 512) want[v].push_back(mem[v][at+j]);
      total += len;
      next = table_ ? i + 1 : (place + 1) % Size;
      descriptor(v, base + 16 * place, top + 64'(at), len, 16'h1, next);
      at   += len + below(8);
      place = next;
    end
    cut[v]         = total > 512;
    ack_at         = at;
    may[v][ack_at] = 1'b1;
    mem[v][ack_at] = 8'h55;
    descriptor(v, base + 16 * place, top + 64'(at), 1 + below(3), 16'h2, 0);
    // A table's own direction says nothing.
    if (table_) descriptor(v, Desc + 16 * head, top + Table, 16 * (parts + 1), 16'h4 | 16'(2 * below(2)), 0);
    case (fault)
      32'(VQERR_NEXT): put(v, base + 16 * (table_ ? 0 : head) + 14, table_ ? parts + 1 : Size, 2);
      32'(VQERR_CHAIN): put(v, base + 16 * (table_ ? 0 : head) + 14, table_ ? 0 : head, 2);
      32'(VQERR_LENGTH): put(v, base + 16 * place + 8, 0, 4);
      32'(VQERR_CONTROL): put(v, base + 16 * place + 12, 0, 2);
      32'(VQERR_READ): put(v, base + 16 * (table_ ? 0 : head), 64'h10000 * ((v + 1) % N_VF + 5), 8);
      32'(VQERR_WRITE): put(v, base + 16 * place, 64'h90000, 8);
      32'(VQERR_INDIRECT): put(v, Desc + 16 * head + 8, 64'd24, 4);
      32'(VQERR_FLAGS): descriptor(v, Desc + 16 * head, top + Data, 16, 16'h5, 0);
      32'(VQERR_HEAD): head = Size + below(100);
      default: ;
    endcase
  endtask

  task automatic publish(input int unsigned v, input int unsigned head, input int unsigned by);
    put(v, Avail + 4 + 2 * (32'(avail_idx[v]) % Size), 64'(head), 2);
    avail_idx[v] = avail_idx[v] + 16'(by);
    put(v, Avail + 2, 64'(avail_idx[v]), 2);
    ring(v);
  endtask

  // A request from its beginning to its interrupt.
  task automatic ask(input int unsigned v);
    automatic int unsigned head, ack_at, was = irqs[v], patience = 20000, slot = Used + 4 + 8 * (32'(used_idx[v]) % Size);
    build(v, 0, head, ack_at);
    may[v][Used+4+8*Size] = 1'b1;
    may[v][Used+5+8*Size] = 1'b1;
    publish(v, head, 1);
    while (irqs[v] == was) begin
      @(negedge clk);
      patience--;
      if (patience == 0 || errs[v] != 0) $fatal(1, "vf%0d: no interrupt, fault %0d", v, errs[v]);
    end
    used_idx[v]++;
    if (get16(v, Used + 2) != used_idx[v]) $fatal(1, "vf%0d: used index %h", v, get16(v, Used + 2));
    if (get16(v, slot) != 16'(head) || get16(v, slot + 2) != '0) $fatal(1, "vf%0d: used id", v);
    if (mem[v][slot+4] != 8'd1 || get16(v, slot + 5) != '0) $fatal(1, "vf%0d: used length", v);
    if (mem[v][ack_at] != 8'(10 + v)) $fatal(1, "vf%0d: answer %h", v, mem[v][ack_at]);
    may[v][ack_at] = 1'b0;
    put(v, Avail + 4 + 2 * Size, 64'(used_idx[v]), 2);   // used_event: the next one, please
  endtask

  task automatic spoil(input int unsigned v);
    automatic int unsigned codes[10] = '{32'(VQERR_AVAIL_INDEX), 32'(VQERR_HEAD), 32'(VQERR_NEXT),
                                         32'(VQERR_CHAIN), 32'(VQERR_FLAGS), 32'(VQERR_LENGTH),
                                         32'(VQERR_INDIRECT), 32'(VQERR_READ), 32'(VQERR_WRITE), 32'(VQERR_CONTROL)};
    automatic int unsigned fault = codes[below(10)], head, ack_at, patience = 20000;
    if (fault == 32'(VQERR_INDIRECT)) begin
      command(1'b0, v);
      indirect[v] = 1'b1;
      command(1'b1, v);
      avail_idx[v] = 16'd65533;
      used_idx[v]  = 16'd65533;
    end
    build(v, fault, head, ack_at);
    publish(v, head, (fault == 32'(VQERR_AVAIL_INDEX)) ? Size + 1 : 1);
    while (errs[v] == '0) begin
      @(negedge clk);
      patience--;
      if (patience == 0) $fatal(1, "vf%0d: fault %0d was not found", v, fault);
    end
    if (32'(errs[v]) != fault && !(fault == 32'(VQERR_FLAGS) && errs[v] == VQERR_INDIRECT))
      $fatal(1, "vf%0d: fault %0d, told %0d", v, fault, errs[v]);
    ring(v);
    repeat (200) @(negedge clk);
  endtask

  int unsigned seed, turns, faults, ends;

  task automatic guest(input int unsigned v);
    for (int unsigned i = 0; i < 60; i++) begin
      begin_queue(v);
      repeat (below(12)) begin
        ask(v);
        turns++;
      end
      if (below(2) == 0) begin
        spoil(v);
        faults++;
      end else if (below(2) == 0) begin
        // It ends in the middle of a request.
        automatic int unsigned head, ack_at;
        build(v, 0, head, ack_at);
        publish(v, head, 1);
        repeat (below(300)) @(negedge clk);
        ends++;
      end
      command(1'b0, v);
    end
  endtask

  initial begin
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    $display("tb_vq_ctrl: seed=%0d", seed);
    void'($urandom(seed));
    repeat (4) @(negedge clk);
    rst_n = 1'b1;
    fork
      guest(0);
      guest(1);
      guest(2);
      guest(3);
    join
    // A guest that may not ask waits; the others do not.
    for (int unsigned v = 0; v < 2; v++) begin_queue(v);
    act.allow[0] = 1'b0;
    begin
      automatic int unsigned head, ack_at, was;
      build(0, 0, head, ack_at);
      was = asked[0];
      publish(0, head, 1);
      ask(1);
      repeat (2000) @(negedge clk);
      if (asked[0] != was) $fatal(1, "asked without leave");
      if (idle) $fatal(1, "idle while a request waits");
      act.allow[0] = 1'b1;
      repeat (4000) @(negedge clk);
      if (asked[0] != was + 1) $fatal(1, "never asked");
    end
    repeat (100) @(negedge clk);
    if (!idle) $fatal(1, "not idle");
    if (turns < 100 || faults < 20 || ends < 20 || sets < 20 || announces < 20 || announces > announced_n || vlans < 20 || vlans > vlans_n)
      $fatal(1, "%0d, %0d, %0d; %0d pairs set, %0d of %0d announced", turns, faults, ends, sets, announces, announced_n);
    $display("%0d requests, %0d faults, %0d ends", turns, faults, ends);
    $display("PASS");
    $finish;
  end

  initial begin
    #4000000 $fatal(1, "too long");
  end
endmodule
