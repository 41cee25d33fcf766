// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Host memory behind AXI4, for the benches of the virtqueue engine: a region per function, and for
// every byte whether the device may read (bit 0) or write (bit 1) it now. A request outside the
// function's region is answered with SLVERR; one that is inside and not allowed ends the bench,
// unless the function is `wild`.
//
// Within the rules of the bus it is as unkind as it can: writes become visible with their answers
// at the latest moment, reads of words are taken at the earliest, ready comes and goes, bytes that
// were not asked for are noise.

module vq_memory import hp_vio_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_FN = 5,                   // functions 1 to N_FN - 1 have memory
  parameter int unsigned REGION = 1 << 22,
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              awvalid_i,
  output logic              awready_o,
  input  logic [63:0]       awaddr_i,
  input  logic [7:0]        awlen_i,
  input  dma_user_t         awuser_i,
  input  logic              wvalid_i,
  output logic              wready_o,
  input  logic [DATA_W-1:0] wdata_i,
  input  logic [Bytes-1:0]  wstrb_i,
  input  logic              wlast_i,
  output logic              bvalid_o,
  input  logic              bready_i,
  output logic [1:0]        bresp_o,
  input  logic              arvalid_i,
  output logic              arready_o,
  input  logic [63:0]       araddr_i,
  input  logic [7:0]        arlen_i,
  input  dma_user_t         aruser_i,
  output logic              rvalid_o,
  input  logic              rready_i,
  output logic [DATA_W-1:0] rdata_o,
  output logic [1:0]        rresp_o,
  output logic              rlast_o
);
  import tb_pkg::*;

  typedef struct packed {
    logic [63:0]  addr;
    logic [12:0]  len;
    logic [7:0]   fn;
    logic [31:0]  due;
    logic         bad;
    logic         early;
    logic [127:0] word;
  } read_t;

  typedef struct packed {
    logic [63:0] addr;
    logic [12:0] len;
    logic [7:0]  fn;
    logic [7:0]  beats;
  } write_t;

  typedef struct packed {
    logic [DATA_W-1:0] data;
    logic [Bytes-1:0]  strobe;
    logic              last;
  } beat_t;

  typedef struct packed {
    logic [31:0] due;
    logic        bad;
  } answer_t;

  // What the bench sets.
  int unsigned latency = 0, ready_rate = 100;
  bit          late = 1'b0;                          // writes visible with their answers
  bit [63:0]   wild = '0, off = '0;                  // per function; off: no request may come

  byte unsigned mem [N_FN * REGION];
  bit [1:0]     may [N_FN * REGION];
  int unsigned  now, reads, writes, errors;

  read_t   arq[$];
  write_t  awq[$], doneq[$];
  beat_t   wq[$], lateq[$];
  answer_t bq[$];
  int unsigned r_beat, w_beat, bytes = Bytes;        // a variable, so that loops stay loops

  initial begin
    awready_o = 1'b0;
    wready_o  = 1'b0;
    arready_o = 1'b0;
    bvalid_o  = 1'b0;
    rvalid_o  = 1'b0;
  end

  // Function f has the addresses from base(f) on; they differ in more than the function's number.
  function automatic logic [63:0] base(input int unsigned f);
    return 64'h00A5_0000_0000_0000 + 64'(f) * 64'h0000_0011_0000_0000;
  endfunction

  function automatic bit inside_region(input int unsigned f, input logic [63:0] addr,
                                       input int unsigned len);
    return f >= 1 && f < N_FN && addr >= base(f) && addr - base(f) + 64'(len) <= 64'(REGION);
  endfunction

  function automatic int unsigned at(input int unsigned f, input logic [63:0] addr);
    return f * REGION + 32'(addr - base(f));
  endfunction

  function automatic logic [31:0] word(input int unsigned f, input logic [63:0] addr);
    for (int unsigned i = 0; i < 4; i++) word[i*8+:8] = mem[at(f, addr + 64'(i))];
  endfunction

  task automatic check_may(input int unsigned f, input logic [63:0] addr, input int unsigned len,
                           input int unsigned what);
    if (off[f]) $fatal(1, "function %0d is off: access to %h", f, addr);
    if (wild[f]) return;
    for (int unsigned i = 0; i < len; i++) begin
      if (!may[at(f, addr + 64'(i))][what])
        $fatal(1, "function %0d may not %s %h (%0d of %0d at %h)", f, what == 0 ? "read" : "write",
               addr + 64'(i), i, len, addr);
    end
  endtask

  task automatic apply(input write_t w, input beat_t b, input int unsigned beat);
    logic [63:0] first;
    first = (w.addr & ~(64'(Bytes) - 64'd1)) + 64'(beat * Bytes);
    for (int unsigned i = 0; i < bytes; i++) begin
      if (b.strobe[i]) mem[at(32'(w.fn), first + 64'(i))] = b.data[i*8+:8];
    end
  endtask

  function automatic int unsigned beats_of(input logic [63:0] addr, input int unsigned len);
    return (32'(addr & (64'(Bytes) - 64'd1)) + len + Bytes - 1) / Bytes;
  endfunction

  always @(posedge clk_i) begin
    read_t r;
    write_t w;
    beat_t b;
    answer_t a;
    now <= now + 1;

    // ---- reads ----
    if (arvalid_i && arready_o) begin
      reads++;
      r = '0;
      r.addr = araddr_i;
      r.len  = aruser_i.len;
      r.fn   = aruser_i.fn;
      r.due  = now + latency;
      r.bad  = !inside_region(32'(r.fn), r.addr, 32'(r.len));
      if (off[r.fn[5:0]]) $fatal(1, "function %0d is off: read of %h", r.fn, r.addr);
      if (r.len == '0 || 32'(r.addr[11:0]) + 32'(r.len) > 4096)
        $fatal(1, "read of %0d at %h leaves its page", r.len, r.addr);
      if (32'(arlen_i) + 1 != beats_of(r.addr, 32'(r.len))) $fatal(1, "arlen %0d", arlen_i);
      if (!r.bad) check_may(32'(r.fn), r.addr, 32'(r.len), 0);
      r.early = !r.bad && r.len <= 13'd16 && chance(50);
      if (r.early) begin
        for (int unsigned i = 0; i < 32'(r.len); i++) begin
          r.word[i*8+:8] = mem[at(32'(r.fn), r.addr + 64'(i))];
        end
      end
      arq.push_back(r);
    end
    arready_o <= chance(ready_rate);

    if (!rvalid_o || rready_i) begin
      rvalid_o <= 1'b0;
      if (arq.size() != 0 && arq[0].due <= now && chance(ready_rate)) begin
        logic [63:0] first, x;
        r = arq[0];
        first = (r.addr & ~(64'(Bytes) - 64'd1)) + 64'(r_beat * Bytes);
        for (int unsigned i = 0; i < bytes; i++) begin
          x = first + 64'(i);
          if (!r.bad && x >= r.addr && x < r.addr + 64'(r.len)) begin
            rdata_o[i*8+:8] <= r.early ? r.word[32'(x - r.addr)*8+:8] : mem[at(32'(r.fn), x)];
          end else begin
            rdata_o[i*8+:8] <= 8'(now * 7 + i * 11 + 32'h5D);
          end
        end
        rvalid_o <= 1'b1;
        rresp_o  <= r.bad ? 2'b10 : 2'b00;
        r_beat++;
        rlast_o  <= r_beat == beats_of(r.addr, 32'(r.len));
        if (r_beat == beats_of(r.addr, 32'(r.len))) begin
          r_beat = 0;
          if (r.bad) errors++;
          r = arq.pop_front();
        end
      end
    end

    // ---- writes ----
    if (awvalid_i && awready_o) begin
      writes++;
      w = '0;
      w.addr  = awaddr_i;
      w.len   = awuser_i.len;
      w.fn    = awuser_i.fn;
      w.beats = awlen_i;
      if (off[w.fn[5:0]]) $fatal(1, "function %0d is off: write to %h", w.fn, w.addr);
      if (w.len == '0 || 32'(w.addr[11:0]) + 32'(w.len) > 4096)
        $fatal(1, "write of %0d at %h leaves its page", w.len, w.addr);
      if (32'(awlen_i) + 1 != beats_of(w.addr, 32'(w.len))) $fatal(1, "awlen %0d", awlen_i);
      if (inside_region(32'(w.fn), w.addr, 32'(w.len))) begin
        check_may(32'(w.fn), w.addr, 32'(w.len), 1);
      end
      awq.push_back(w);
    end
    if (wvalid_i && wready_o) begin
      b.data   = wdata_i;
      b.strobe = wstrb_i;
      b.last   = wlast_i;
      wq.push_back(b);
    end
    awready_o <= chance(ready_rate);
    wready_o  <= chance(ready_rate);
    while (awq.size() != 0 && wq.size() != 0) begin
      logic [Bytes-1:0] want;
      logic [63:0] x;
      w = awq[0];
      b = wq.pop_front();
      for (int unsigned i = 0; i < bytes; i++) begin
        x = (w.addr & ~(64'(Bytes) - 64'd1)) + 64'(w_beat) * 64'(Bytes) + 64'(i);
        want[i] = x >= w.addr && x < w.addr + 64'(w.len);
      end
      if (b.strobe != want) $fatal(1, "strobes %h, not %h", b.strobe, want);
      if (b.last != (w_beat == 32'(w.beats))) $fatal(1, "wlast");
      a.bad = !inside_region(32'(w.fn), w.addr, 32'(w.len));
      if (late) lateq.push_back(b);
      else if (!a.bad) apply(w, b, w_beat);
      w_beat++;
      if (b.last) begin
        w_beat = 0;
        a.due = now + latency / 2;
        bq.push_back(a);
        w = awq.pop_front();
        if (late) doneq.push_back(w);
      end
    end
    if (!bvalid_o || bready_i) begin
      bvalid_o <= 1'b0;
      if (bq.size() != 0 && bq[0].due <= now && chance(ready_rate)) begin
        a = bq.pop_front();
        bvalid_o <= 1'b1;
        bresp_o  <= a.bad ? 2'b10 : 2'b00;
        if (a.bad) errors++;
        if (doneq.size() != 0) begin
          int unsigned n;
          w = doneq.pop_front();
          n = 0;
          do begin
            b = lateq.pop_front();
            if (!a.bad) apply(w, b, n);
            n++;
          end while (!b.last);
        end
      end
    end
  end
endmodule
