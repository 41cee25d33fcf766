// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_ingress_store: frames of all lengths, good, bad, too short, too long, with broken tkeep, with idle
// beats, against a slow or fast reader. Checks order, bytes, lengths, zeroed tails, gaplessness, and that every
// frame comes out exactly once: whole, as a tombstone, or in the number of a merged one.
//
// bench: -GDATA_W=512 -GBEATS=256 -GUPLINK=1'b1
// bench: -GDATA_W=128 -GBEATS=1024 -GUPLINK=1'b1
// bench: -GDATA_W=512 -GBEATS=256 -GUPLINK=1'b0
// bench: -GDATA_W=256 -GBEATS=512 -GUPLINK=1'b0

module tb_ingress_store #(
  parameter int unsigned DATA_W = 128,
  parameter int unsigned BEATS = 1024,
  parameter bit UPLINK = 1'b0
);
  import tb_pkg::*;
  import hp_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned NVf = 4;
  localparam int unsigned Frames = 16 * BEATS;
  localparam bit Lossless = !UPLINK;

  typedef logic [DATA_W-1:0] data_t;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic [NVf-1:0] vswitch_mask = '0;
  logic           tvalid = 1'b0, tready, tlast = 1'b0, tuser = 1'b0;
  data_t          tdata = '0;
  logic [Bytes-1:0] tkeep = '0;
  port_t          tdest = '0;
  logic           valid, eof, pop = 1'b0, busy;
  frame_meta_t    meta;
  data_t          data;

  hp_ingress_store #(
    .DATA_W(DATA_W), .N_VF(NVf), .BEATS(BEATS), .UPLINK(UPLINK), .LOSSLESS(Lossless)
  ) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .vswitch_mask_i(vswitch_mask),
    .s_tvalid_i(tvalid), .s_tready_o(tready), .s_tdata_i(tdata), .s_tkeep_i(tkeep),
    .s_tlast_i(tlast), .s_tuser_i(tuser), .s_tdest_i(tdest),
    .valid_o(valid), .meta_o(meta), .data_o(data), .eof_o(eof), .pop_i(pop), .busy_o(busy)
  );

  typedef struct {
    int unsigned id;
    int unsigned len;
    port_t       src;
    int unsigned fault;  // 0: must live (or be lost to a full store), else the reason
  } frame_t;

  frame_t expected[$];
  int unsigned idle_rate, pop_rate, faults, lives, merged, alone, biggest;
  bit done;

  function automatic logic [7:0] payload(input int unsigned id, input int unsigned i);
    int unsigned x = id * 32'd2654435761 + i * 32'd40503;
    return 8'(x >> 13);
  endfunction

  // ---- source ----
  // A beat is built aside: a waiting process writing DUT inputs bit by bit is not seen by 5.006.
  data_t            next_data;
  logic [Bytes-1:0] next_keep;

  task automatic beat_out();
    while (chance(idle_rate)) @(negedge clk);
    tvalid = 1'b1;
    tdata  = next_data;
    tkeep  = next_keep;
    if (UPLINK && !tready) $fatal(1, "the wire was held back");
    while (!tready) @(negedge clk);
    @(negedge clk);
    tvalid = 1'b0;
    tdata = {Bytes{8'hA5}};
  endtask

  task automatic send(input int unsigned id, input int unsigned len, input bit user,
                      input bit broken);
    frame_t f;
    int unsigned limit, beats, hole;
    f.id = id;
    f.len = len > 16383 ? 16383 : len;
    f.src = UPLINK ? PortUplink : port_t'(below(NVf));
    if (chance(10)) vswitch_mask = NVf'(rnd());
    limit = UPLINK ? 9224 : vswitch_mask[f.src[1:0]] ? 9220 : 9216;
    f.fault = (user || broken) ? 32'(hp_abi_pkg::RSN_BAD_FRAME) :
              len > limit ? 32'(hp_abi_pkg::RSN_OVERSIZE) :
              len < 60 ? 32'(hp_abi_pkg::RSN_RUNT) : 0;
    expected.push_back(f);
    if (f.fault != 0) faults++;
    beats = (len + Bytes - 1) / Bytes;
    hole = below(beats);
    for (int unsigned b = 0; b < beats; b++) begin
      for (int unsigned i = 0; i < Bytes; i++) begin
        next_keep[i] = b * Bytes + i < len;
        next_data[8*i +: 8] = next_keep[i] ? payload(id, b * Bytes + i) : 8'(rnd());
      end
      tlast = b == beats - 1;
      tuser = tlast ? user : chance(50);  // only the last beat's counts
      tdest = UPLINK ? port_t'(rnd()) : f.src;
      // A hole in tkeep: a missing byte that is not at the end of the frame.
      if (broken && b == hole) next_keep[(tlast && len % Bytes == 1) ? 0 : below(
          tlast ? (len - 1) % Bytes + 1 : Bytes)] = 1'b0;
      if (broken && b == hole && tlast && f.len != 0 && is_prefix()) next_keep[0] = 1'b0;
      beat_out();
    end
  endtask

  function automatic bit is_prefix();
    return (next_keep & (next_keep + 1'b1)) == '0;
  endfunction

  function automatic int unsigned some_length();
    case (below(12))
      0, 1, 2: return 60 + below(10);
      3, 4: return 60 + below(4 * Bytes);
      5: return Bytes * (1 + below(6)) + below(3) + 58;
      6: return 1 + below(59);
      7: return 60 + below(1500);
      8: return chance(30) ? 9210 + below(20) : 64;
      9: return chance(10) ? 9230 + below(20000) : 60;
      default: return 60 + below(200);
    endcase
  endfunction

  initial begin
    void'(seed_from_args("tb_ingress_store"));
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);
    if (busy) $fatal(1, "busy when empty");
    for (int unsigned n = 0; n < Frames; n++) begin
      if (n % (BEATS * 3 / 2) == 0) begin
        idle_rate = chance(40) ? 0 : below(80);
        case (below(4))
          0: pop_rate = 100;
          1: pop_rate = 2;
          2: pop_rate = 0;
          default: pop_rate = 1 + below(60);
        endcase
        if (Lossless && pop_rate == 0) pop_rate = 1;
      end
      // Nothing is read: tombstones fill the store up to merging. Then lengths are short.
      send(n, pop_rate == 0 ? 1 + below(120) : some_length(), chance(5), chance(3));
    end
    pop_rate = 100;
    repeat (BEATS * 3 + 100) @(negedge clk);
    if (expected.size() != 0) $fatal(1, "%0d frames never came out", expected.size());
    if (busy) $fatal(1, "busy when drained");
    if (faults < 500 || lives < 1000) $fatal(1, "too few: faults %0d, lives %0d", faults, lives);
    if (!Lossless && (alone == 0 || biggest < 20)) $fatal(1, "no overflow seen");
    if (Lossless && alone + merged != 0) $fatal(1, "a lossless store lost a frame");
    $display("PASS whole %0d, faulty %0d, store-full %0d + %0d merged (most %0d)", lives, faults,
             alone, merged, biggest);
    $finish;
  end

  // ---- reader ----
  bit midframe;
  int unsigned at;
  frame_meta_t head;

  task automatic check_tomb();
    frame_t f;
    int unsigned n = 32'(meta.count);
    if (!eof || n == 0) $fatal(1, "tombstone: eof %b count %0d", eof, n);
    if (n > expected.size()) $fatal(1, "tombstone of %0d, only %0d sent", n, expected.size());
    f = expected.pop_front();
    if (meta.src != f.src) $fatal(1, "tombstone of port %0d, sent by %0d", meta.src, f.src);
    if (meta.tomb_reason == hp_abi_pkg::RSN_STORE_FULL) begin
      for (int unsigned i = 1; i < n; i++) void'(expected.pop_front());
      if (meta.len == 0) begin
        merged += n;
        if (n > biggest) biggest = n;
      end else begin
        if (n != 1 || f.fault != 0 || 32'(meta.len) != f.len)
          $fatal(1, "store-full: frame %0d fault %0d len %0d", f.id, f.fault, f.len);
        alone++;
      end
    end else if (32'(meta.tomb_reason) != f.fault || n != 1) begin
      $fatal(1, "frame %0d len %0d: reason %0d, want %0d", f.id, f.len, meta.tomb_reason, f.fault);
    end else if (f.fault != 32'(hp_abi_pkg::RSN_BAD_FRAME) && 32'(meta.len) != f.len) begin
      $fatal(1, "frame %0d: tombstone length %0d, want %0d", f.id, meta.len, f.len);
    end
  endtask

  task automatic check_beat();
    frame_t f;
    f = expected[0];
    if (at == 0) begin
      head = meta;
      if (f.fault != 0 || 32'(meta.len) != f.len || meta.src != f.src || meta.count != 1)
        $fatal(1, "frame %0d: fault %0d, len %0d want %0d", f.id, f.fault, meta.len, f.len);
    end
    if (meta != head) $fatal(1, "meta changed inside a frame");
    for (int unsigned i = 0; i < Bytes; i++) begin
      logic [7:0] want;
      want = at + i < f.len ? payload(f.id, at + i) : 8'h0;
      if (data[8*i +: 8] !== want)
        $fatal(1, "frame %0d byte %0d: got %h, want %h", f.id, at + i, data[8*i +: 8], want);
    end
    at += Bytes;
    if (eof != (at >= f.len)) $fatal(1, "frame %0d: eof %b at %0d of %0d", f.id, eof, at, f.len);
    if (eof) begin
      at = 0;
      lives++;
      void'(expected.pop_front());
    end
  endtask

  always @(negedge clk) begin
    pop = 1'b0;
    if (rst_n) begin
      if (midframe && !valid) $fatal(1, "gap inside a frame");
      if (valid && !busy) $fatal(1, "not busy with a frame at the output");
      if (valid && (midframe || chance(pop_rate))) begin
        if (expected.size() == 0) $fatal(1, "a frame out of nothing");
        pop = 1'b1;
        if (meta.tomb) check_tomb();
        else check_beat();
        midframe = !eof;
      end
    end
  end
endmodule
