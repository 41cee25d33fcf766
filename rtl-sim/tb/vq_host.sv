// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Drivers of split virtqueues, for the benches of the virtqueue engine: rings in vq_memory, chains
// of every shape, buffers at any address. A driver sleeps until its interrupt, and rings the bell
// only when the device asked for it. Every frame's bytes follow from its number, so a frame is
// checked wherever it turns up.

module vq_host import hp_vio_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_FN = 5,
  parameter int unsigned NQ = 16,                    // queues
  parameter int unsigned REGION = 1 << 22,
  parameter logic [15:0] FIRST = 16'd0,
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
  import vq_shape_pkg::*;

  vq_memory #(.DATA_W(DATA_W), .N_FN(N_FN), .REGION(REGION)) u_mem (.*);

  localparam int unsigned MaxSeg = 32;
  localparam int unsigned Room = 1 << 18;            // of a queue in its function's region
  localparam int unsigned TableAt = 16384, SlotAt = 65536;
  localparam int unsigned TableSize = 560;
  localparam int unsigned Hdr = 12;

  // ---- what the bench sets and sees ----
  bit          en [NQ], evt [NQ], ind [NQ], mrg [NQ], csum [NQ], awake [NQ], rx_small [NQ];
  int unsigned fn [NQ], place [NQ], lg [NQ], max_seg [NQ], slots [NQ], slot_size [NQ];
  logic [63:0] desc [NQ], avail [NQ], used [NQ];
  logic [15:0] avail_idx [NQ], used_idx [NQ], bell_idx [NQ];
  int unsigned out [NQ];                             // chains with the device
  int unsigned bells, bells_saved, irqs, spurious;
  bit          bell_due [NQ];
  int unsigned tx_done, rx_done, rx_buffers;

  // ---- descriptors, slots of buffers, chains ----
  bit          d_busy [NQ][256];
  bit          s_busy [NQ][256];
  bit          h_out [NQ][256], h_foreign [NQ][256];
  int unsigned h_slot [NQ][256], h_nd [NQ][256], h_n [NQ][256], h_id [NQ][256];
  int unsigned h_d [NQ][256][MaxSeg+1];
  logic [63:0] h_addr [NQ][256][MaxSeg];
  int unsigned h_len [NQ][256][MaxSeg];

  // ---- frames ----
  int unsigned f_len [$];                            // by number
  int unsigned f_q [$];                              // where it was sent

  int unsigned f_next;                               // length of the one that is being made

  // Of three frames one is IPv4, one IPv6 (UDP), both with sound headers if they are long enough: they are
  // spread over a VF's queues.
  function automatic byte unsigned frame_byte(input int unsigned id, input int unsigned i);
    int unsigned x, n;
    n = (id < f_len.size()) ? f_len[id] : f_next;
    if (i < 4) return 8'(id >> (8 * i));
    if (i == 12) return (id % 3 == 0) ? 8'h08 : (id % 3 == 1) ? 8'h86 : 8'(id);
    if (i == 13) return (id % 3 == 0) ? 8'h00 : (id % 3 == 1) ? 8'hDD : 8'(id >> 8);
    if (id % 3 == 0) begin
      if (i == 14) return 8'h45;
      if (i == 16 || i == 17) return 8'((n - 14) >> (8 * (17 - i)));
      if (i == 20 || i == 21) return 8'h00;          // no fragment
    end else if (id % 3 == 1) begin
      if (i == 14) return 8'h60;
      if (i == 18 || i == 19) return 8'((n - 54) >> (8 * (19 - i)));
      if (i == 20) return 8'd17;
    end
    x = id * 32'd2654435761 + (i >> 2) * 32'd40503;
    x = (x ^ (x >> 15)) * 32'd2246822519;
    return 8'((x ^ (x >> 13)) >> (8 * (i & 3)));
  endfunction

  // ---- headers of frames to send ----
  int unsigned summed;                               // frames with NEEDS_CSUM
  byte unsigned hdr [Hdr];
  byte unsigned field [2];                           // what the frame has in its checksum's place
  int unsigned field_at;

  // The header of frame `id`. With CSUM it may ask for a checksum: the field then has what makes
  // the frame's own bytes come out, by arithmetic that has nothing of the device's. `spoil`: one
  // that no frame can have.
  task automatic draw_header(input int unsigned q, input int unsigned id, input int unsigned n,
                             input bit spoil);
    int unsigned first, at, sum, want, x;
    for (int unsigned i = 0; i < Hdr; i++) hdr[i] = 8'(below(256));
    field_at = n;
    if (!csum[q]) return;
    hdr[0] &= 8'hFE;
    hdr[1] = 8'd0;
    if (n < 2) return;
    first = chance(30) ? n - 2 - below((n < 9) ? n - 1 : 8) : below(n - 1);
    x     = n - 1 - first;
    at    = first + below((chance(50) && x > 64) ? 64 : x);
    want  = 256 * frame_byte(id, at) + 32'(frame_byte(id, at + 1));
    if (spoil) begin
      x = below(4);
      if (x == 0) hdr[1] = 8'(1 + below(255));
      else hdr[0] |= 8'd1;
      // One byte too far, far, and so far that a sum of 16 bits is a place again.
      if (x == 1) at = n - 1;
      if (x == 2) at = n - 1 + below(65536 - n);
      if (x == 3) first = 65535 - below(1000);
      if (x == 3) at = 65536 + below(n);
      if (x == 2 && chance(50)) first = at;
      if (at - first > 65535) first = at - 65535;
    end else if (want != 0 && chance(80)) begin
      hdr[0] |= 8'd1;
      sum = 0;
      for (int unsigned i = first; i < n; i++) begin
        if (i == at || i == at + 1) continue;
        sum += 32'(frame_byte(id, i)) << (((i - first) % 2 == 0) ? 8 : 0);
      end
      x = (65535 - want + 65535 - sum % 65535) % 65535;
      if (x == 0 && chance(50)) x = 65535;
      field_at = at;
      field[0] = ((at - first) % 2 == 0) ? x[15:8] : x[7:0];
      field[1] = ((at - first) % 2 == 0) ? x[7:0] : x[15:8];
      summed++;
    end
    hdr[6] = first[7:0];
    hdr[7] = first[15:8];
    hdr[8] = 8'(at - first);
    hdr[9] = 8'((at - first) >> 8);
  endtask

  // ---- memory ----
  function automatic logic [63:0] off32(input int unsigned x);
    return {32'd0, x};
  endfunction
  task automatic put8(input int unsigned q, input logic [63:0] a, input byte unsigned v);
    u_mem.mem[u_mem.at(fn[q], a)] = v;
  endtask
  task automatic put(input int unsigned q, input logic [63:0] a, input int unsigned n,
                     input logic [63:0] v);
    for (int unsigned i = 0; i < n; i++) put8(q, a + 64'(i), v[i*8+:8]);
  endtask
  function automatic logic [63:0] get(input int unsigned q, input logic [63:0] a,
                                      input int unsigned n);
    logic [63:0] v;
    v = '0;
    for (int unsigned i = 0; i < n; i++) v[i*8+:8] = u_mem.mem[u_mem.at(fn[q], a + 64'(i))];
    return v;
  endfunction
  task automatic allow(input int unsigned q, input logic [63:0] a, input int unsigned n,
                       input bit [1:0] what);
    for (int unsigned i = 0; i < n; i++) u_mem.may[u_mem.at(fn[q], a + 64'(i))] = what;
  endtask
  task automatic put_desc(input int unsigned q, input logic [63:0] a, input logic [63:0] addr,
                          input logic [31:0] len, input logic [15:0] flags,
                          input logic [15:0] next);
    put(q, a, 8, addr);
    put(q, a + 8, 8, {next, flags, len});
  endtask

  // ---- a queue begins: what the caller did not set is drawn ----
  task automatic setup(input int unsigned q, input int unsigned slot_bytes);
    logic [63:0] at;
    at = u_mem.base(fn[q]) + 64'(place[q] * Room);
    for (int unsigned i = 0; i < Room; i++) u_mem.may[u_mem.at(fn[q], at + 64'(i))] = 2'b00;
    desc[q]  = at + 64'(16 * below(64));
    avail[q] = at + 8192 + 64'(2 * below(512));
    used[q]  = at + 12288 + 64'(4 * below(256));
    for (int unsigned i = 8192; i < 16384; i++) put8(q, at + 64'(i), 8'd0);
    avail_idx[q] = FIRST;
    bell_idx[q]  = FIRST;
    used_idx[q]  = FIRST;
    put(q, avail[q] + 2, 2, 64'(FIRST));
    put(q, avail[q] + 4 + 64'(2 << lg[q]), 2, 64'(FIRST));
    put(q, used[q] + 2, 2, 64'(FIRST));
    put(q, used[q] + 4 + 64'(8 << lg[q]), 2, 64'(FIRST));
    allow(q, desc[q], 16 << lg[q], 2'b01);
    allow(q, avail[q], 4 + (2 << lg[q]) + 2, 2'b01);
    allow(q, used[q] + 2, 2 + (8 << lg[q]) + 2, 2'b10);
    slot_size[q] = slot_bytes;
    for (int unsigned i = 0; i < 256; i++) begin
      d_busy[q][i] = i >= (1 << lg[q]);
      h_out[q][i]  = 1'b0;
      s_busy[q][i] = i >= slots[q];
    end
    if (SlotAt + slots[q] * slot_bytes > Room) $fatal(1, "slots");
    out[q]      = 0;
    awake[q]    = 1'b1;
    bell_due[q] = 1'b0;
    en[q]       = 1'b1;
  endtask

  function automatic int unsigned free_descs(input int unsigned q);
    free_descs = 0;
    for (int unsigned i = 0; i < (1 << lg[q]); i++) free_descs += d_busy[q][i] ? 0 : 1;
  endfunction

  function automatic int unsigned take_desc(input int unsigned q);
    int unsigned i;
    i = below(1 << lg[q]);
    while (d_busy[q][i]) i = (i + 1) % (1 << lg[q]);
    d_busy[q][i] = 1'b1;
    return i;
  endfunction

  // ---- a chain goes to the device: up to max_seg pieces. False: no room for it ----
  function automatic bit post(input int unsigned q, input int unsigned total, input int unsigned id,
                              input shape_e shape, input bit spoil_header);
    int unsigned n, slot, left, head, nd, direct, len, cut, prev;
    logic [63:0] a, table_at, entry, foreign;
    bit tx, in_table;
    logic [15:0] flags;
    tx = q[0];
    n = 1 + below(max_seg[q]);
    if (chance(30)) n = 1;
    if (n > total) n = total;
    // An indirect table holds all, or what comes after a few direct ones.
    in_table = ind[q] && chance(60);
    if (shape == BadNested) in_table = ind[q];
    direct = in_table ? (chance(30) ? below(n) : 0) : n;
    nd = direct + (in_table ? 1 : 0);
    if (free_descs(q) < nd || out[q] >= slots[q]) return 1'b0;
    slot = 0;
    while (s_busy[q][slot]) slot++;
    s_busy[q][slot] = 1'b1;
    a = u_mem.base(fn[q]) + off32(place[q] * Room + SlotAt + slot * slot_size[q]) + 64'(below(16));
    table_at = u_mem.base(fn[q]) +
               off32(place[q] * Room + TableAt + (slot % 80) * TableSize + below(17));
    if (slot >= 80 && in_table) begin
      s_busy[q][slot] = 1'b0;
      return 1'b0;
    end
    left = total;
    foreign = u_mem.base((fn[q] % (N_FN - 1)) + 1) + 64'(below(REGION / 2));
    head = take_desc(q);
    h_nd[q][head] = nd;
    h_d[q][head][0] = head;
    for (int unsigned i = 1; i < nd; i++) h_d[q][head][i] = take_desc(q);
    for (int unsigned i = 0; i < n; i++) begin
      // What is left must do for one byte per piece to come.
      cut = left - (n - 1 - i);
      len = (i == n - 1) ? left : 1 + below((cut < 2 * total / n) ? cut : 2 * total / n);
      if (tx && i == 0 && n > 1 && chance(40) && cut > Hdr) len = Hdr;
      left -= len;
      h_addr[q][head][i] = a;
      h_len[q][head][i]  = len;
      allow(q, a, len, tx ? 2'b01 : 2'b10);
      flags = {14'd0, !tx, i != n - 1 && i + 1 != direct};
      if (i + 1 == direct && in_table) flags[0] = 1'b1;
      entry = (i < direct) ? desc[q] + 64'(16 * h_d[q][head][i])
                           : table_at + off32(16 * (i - direct));
      prev = (i < direct) ? ((i + 1 < nd) ? h_d[q][head][i+1] : below(65536)) : i + 1 - direct;
      put_desc(q, entry, a, len, flags, 16'(prev));
      // Where things go wrong: the last piece.
      if (i == n - 1) begin
        unique case (shape)
          BadNext: put_desc(q, entry, a, len, flags | 16'd1,
                            in_table ? 16'(n - direct + below(9)) : 16'((1 << lg[q]) + below(9)));
          BadLoop: put_desc(q, entry, a, len, flags | 16'd1,
                            in_table ? 16'(n - 1 - direct) : 16'(h_d[q][head][i]));
          BadFlags: put_desc(q, entry, a, len, flags ^ 16'd2, 16'd0);
          BadEmpty: put_desc(q, entry, a, 0, flags, 16'd0);
          BadWrap: put_desc(q, entry, 64'hFFFF_FFFF_FFFF_FFF0, 17 + below(100), flags, 16'd0);
          BadForeign: put_desc(q, entry, foreign, len, flags, 16'd0);
          BadTable: put_desc(q, entry, a, 16 * below(3) + (ind[q] ? 1 + below(15) : 16), 16'd4,
                             16'd0);
          BadNested: put_desc(q, entry, a, 16, 16'd4, 16'd0);
          default: ;
        endcase
      end
      a = a + 64'(len) + off32(chance(50) ? 32'd0 : below(8));
    end
    if (in_table) begin
      allow(q, table_at, 16 * (n - direct), 2'b01);
      put_desc(q, desc[q] + 64'(16 * h_d[q][head][direct]), table_at, 16 * (n - direct),
               16'd4 | 16'(2 * below(2)), 16'(below(65536)));
    end
    h_n[q][head]    = n;
    h_foreign[q][head] = shape == BadForeign;
    h_slot[q][head] = slot;
    h_id[q][head]   = id;
    h_out[q][head]  = 1'b1;
    out[q]++;
    if (tx) begin
      int unsigned k, pos;
      k = 0;
      pos = 0;
      draw_header(q, id, (total > Hdr) ? total - Hdr : 0, spoil_header);
      for (int unsigned i = 0; i < n; i++) begin
        for (int unsigned j = 0; j < h_len[q][head][i]; j++) begin
          put8(q, h_addr[q][head][i] + 64'(j),
               (pos < Hdr) ? hdr[pos] : (pos - Hdr == field_at) ? field[0] :
               (pos - Hdr == field_at + 1) ? field[1] : frame_byte(id, pos - Hdr));
          pos++;
        end
      end
    end
    put(q, avail[q] + 4 + off32(2 * (32'(avail_idx[q]) % (1 << lg[q]))), 2,
        off32((shape == BadHead) ? (1 << lg[q]) + below(99) : head));
    avail_idx[q]++;
    put(q, avail[q] + 2, 2, 64'(avail_idx[q]));
    return 1'b1;
  endfunction

  // ---- shall the bell be rung for what was added since it was looked at last? ----
  function automatic bit bell(input int unsigned q);
    logic [15:0] event_at;
    if (bell_idx[q] == avail_idx[q]) return 1'b0;
    event_at = 16'(get(q, used[q] + 4 + 64'(8 << lg[q]), 2));
    bell = !evt[q] || 16'(avail_idx[q] - event_at - 16'd1) < 16'(avail_idx[q] - bell_idx[q]);
    if (!evt[q] && get(q, used[q], 2) != '0) $fatal(1, "flags of the used ring were written");
    bell_idx[q] = avail_idx[q];
    if (bell) bells++;
    else bells_saved++;
  endfunction

  // ---- used elements ----
  task automatic give_back(input int unsigned q, input int unsigned head);
    for (int unsigned i = 0; i < h_n[q][head]; i++) begin
      if (u_mem.inside_region(fn[q], h_addr[q][head][i], h_len[q][head][i]))
        allow(q, h_addr[q][head][i], h_len[q][head][i], 2'b00);
    end
    for (int unsigned i = 0; i < h_nd[q][head]; i++) d_busy[q][h_d[q][head][i]] = 1'b0;
    s_busy[q][h_slot[q][head]] = 1'b0;
    h_out[q][head] = 1'b0;
    out[q]--;
  endtask

  task automatic next_used(input int unsigned q, output int unsigned head, output int unsigned len);
    logic [63:0] e;
    e = get(q, used[q] + 4 + off32(8 * (32'(used_idx[q]) % (1 << lg[q]))), 8);
    if (e[31:0] >= 256 || !h_out[q][e[7:0]])
      $fatal(1, "queue %0d: used element %0d names %0d, which the device does not have", q,
             used_idx[q], e[31:0]);
    head = e[31:0];
    len  = e[63:32];
    used_idx[q]++;
  endtask

  function automatic int unsigned used_waiting(input int unsigned q);
    logic [15:0] n;
    n = 16'(get(q, used[q] + 2, 2)) - used_idx[q];
    if (32'(n) > out[q]) $fatal(1, "queue %0d: used index %0d ahead, %0d out", q, n, out[q]);
    return 32'(n);
  endfunction

  task automatic take_sent(input int unsigned q);
    int unsigned head, len;
    next_used(q, head, len);
    if (len != 0) $fatal(1, "a sent chain has %0d bytes written", len);
    give_back(q, head);
    tx_done++;
  endtask

  // A received frame, over its buffers: its number, checked in every byte. A used element does not
  // wait for the answers of the frame's writes, so a buffer that is another function's can come back
  // before its refusal is told: then `foreign`, and nothing of the queue is to be believed.
  task automatic take_received(input int unsigned q, output int unsigned id, output bit foreign);
    int unsigned head, len, buffers, want, n, pos, k, left;
    byte unsigned v;
    bit [31:0] num;
    int unsigned waiting;
    waiting = used_waiting(q);
    n = 0;
    pos = 0;
    buffers = 1;
    num = '0;
    id = 0;
    want = 0;
    foreign = 1'b0;
    while (n < buffers) begin
      if (n == waiting) $fatal(1, "queue %0d: %0d of %0d buffers of a frame", q, n, buffers);
      next_used(q, head, len);
      foreign = h_foreign[q][head];
      if (foreign) return;
      left = len;
      for (int unsigned i = 0; i < h_n[q][head] && left != 0; i++) begin
        for (int unsigned j = 0; j < h_len[q][head][i] && left != 0; j++) begin
          v = u_mem.mem[u_mem.at(fn[q], h_addr[q][head][i] + 64'(j))];
          if (pos < 10 && v != 0) $fatal(1, "queue %0d: header byte %0d is %h", q, pos, v);
          if (pos == 10) buffers = 32'(v);
          if (pos == 11) buffers += 256 * 32'(v);
          if (pos >= 12 && pos < 16) begin
            id |= 32'(v) << (8 * (pos - 12));
            if (pos == 15) begin
              if (id >= f_len.size()) $fatal(1, "queue %0d: frame %0d?", q, id);
              want = (f_len[id] < 60) ? 60 : f_len[id];
            end
          end else if (pos >= 16) begin
            k = pos - Hdr;
            if (v != ((k < f_len[id]) ? frame_byte(id, k) : 8'd0))
              $fatal(1, "queue %0d: byte %0d of frame %0d (%0d) is %h", q, k, id, f_len[id], v);
          end
          pos++;
          left--;
        end
      end
      if (left != 0) $fatal(1, "queue %0d: %0d bytes in a buffer that is shorter", q, len);
      give_back(q, head);
      n++;
      rx_buffers++;
    end
    if (pos != want + Hdr)
      $fatal(1, "queue %0d: %0d bytes of frame %0d, not %0d", q, pos, id, want);
    if (buffers == 0 || (!mrg[q] && buffers != 1)) $fatal(1, "num_buffers %0d", buffers);
    rx_done++;
  endtask

  // ---- sleep and wake ----
  // To sleep: ask for an interrupt at the next used element, then look once more.
  task automatic doze(input int unsigned q);
    put(q, avail[q], 2, 64'd0);
    put(q, avail[q] + 4 + 64'(2 << lg[q]), 2, 64'(used_idx[q]));
    awake[q] = used_waiting(q) != 0;
  endtask
  // Awake: no interrupts, by the flag; an event index just stays behind.
  task automatic wake(input int unsigned q);
    awake[q] = 1'b1;
    if (!evt[q] && chance(50)) put(q, avail[q], 2, 64'd1);
  endtask
endmodule
