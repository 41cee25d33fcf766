// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_vq_tx_csum between a source and a sink that both stall: frames of every length with and
// without a header, with checksums at every place, even and odd, at the borders of beats and of the
// frame; places that are not in the frame, segmentation that was not offered, frames that are bad
// already. The checksum is computed here byte by byte as a number modulo 65535. All in order, each
// frame once, each byte; a frame that waits for nothing begins to leave before its end has come;
// refused ones are told once, with their vPort, however long that waits; a beat per clock goes
// through.
//
// bench-args: ${rtl}/hp_vio_pkg.sv ${rtl}/hp_vq_pkg.sv
// bench: -GDATA_W=512 +frames=20000
// bench: -GDATA_W=128 +frames=8000

module tb_vq_tx_csum #(
  parameter int unsigned DATA_W = 512
);
  import tb_pkg::*;
  import hp_pkg::*;
  import hp_vq_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned Hdr = 12;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic              s_valid = 1'b0, s_ready, s_last = 1'b0, s_user = 1'b0, s_hdr = 1'b0;
  logic [DATA_W-1:0] s_data = '0, m_data;
  logic [Bytes-1:0]  s_keep = '0, m_keep;
  port_t             s_dest = '0, m_dest, refused_vport;
  bytes_t            s_len = '0;
  logic              m_valid, m_ready = 1'b0, m_last, m_user, refused, refused_ready = 1'b0, idle;

  hp_vq_tx_csum #(.DATA_W(DATA_W)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .s_tvalid_i(s_valid), .s_tready_o(s_ready), .s_tdata_i(s_data),
    .s_tkeep_i(s_keep), .s_tlast_i(s_last), .s_tuser_i(s_user), .s_tdest_i(s_dest), .s_hdr_i(s_hdr),
    .s_len_i(s_len), .m_tvalid_o(m_valid), .m_tready_i(m_ready), .m_tdata_o(m_data),
    .m_tkeep_o(m_keep), .m_tlast_o(m_last), .m_tuser_o(m_user), .m_tdest_o(m_dest), .refused_valid_o(refused),
    .refused_ready_i(refused_ready), .refused_vport_o(refused_vport), .idle_o(idle)
  );

  // ---- frames that are under way: what must come out ----
  typedef struct packed {
    logic        bad;
    logic        summed;
    port_t       vport;
    logic [31:0] len;                       // with padding
    logic [31:0] number;
  } frame_t;
  frame_t      out [$];
  byte unsigned want [$];                   // of all frames behind one another
  port_t       told [$];                    // vPorts of frames to be told as refused
  int unsigned made, came, sums, odd_starts, splits, refusals, mangled, early, waits;
  bit          flat = 1'b0;                 // words of zeros and ones only: sums of zero
  bit          fast = 1'b0;                 // 64 bytes, all summed
  int unsigned source_rate = 100, sink_rate = 100, told_rate = 100, longest = 9216, asks = 50;

  // ---- the frame that goes in ----
  byte unsigned src [$];
  int unsigned at, len, total, gone;
  bit          hdr, bad;
  port_t       vport;
  int unsigned bytes = Bytes;               // a variable, so that loops stay loops

  function automatic int unsigned pick_len();
    if (chance(40)) return 14 + below(120);
    if (chance(30)) return Bytes * (1 + below(longest / Bytes)) - below(16);
    if (chance(5)) return longest;
    return 14 + below(longest - 13);
  endfunction

  task automatic make();
    frame_t f;
    int unsigned start, place, sum, kind, padded;
    bit needs, refuse, some;
    byte unsigned b;
    hdr   = chance(80);
    bad   = chance(3);
    vport = port_t'(below(64));
    len   = pick_len();
    if (len < 14) len = 14;
    src.delete();
    needs  = hdr && chance(asks);
    refuse = 1'b0;
    kind   = below(100);
    if (fast) begin
      hdr   = 1'b1;
      bad   = 1'b0;
      needs = 1'b1;
      len   = 64;
      kind  = 50;
    end
    padded = (len < 60) ? 60 : len;
    start  = chance(20) ? 0 : below(len - 1);
    if (chance(30)) start = len - 2 - below(10);
    place  = start + below(len - 1 - start);
    if (chance(40)) begin                   // at a border of two beats
      place = Bytes * (1 + below((len + Bytes - 1) / Bytes)) - 1;
      if (place + 2 > len) place = len - 2;
      if (start > place) start = below(place + 1);
    end
    if (hdr) begin
      for (int unsigned i = 0; i < Hdr; i++) src.push_back(8'(below(256)));
      src[0] = {src[0][7:1], needs};
      src[1] = 8'd0;
      if (needs && kind < 4) begin
        place  = len - 1 + below(3);
        refuse = 1'b1;
      end else if (needs && kind < 8) begin // far away, or around 65536 and in the frame again
        place  = chance(50) ? len - 1 + below(70000 - len) : 65536 + below(len);
        if (place > 65535) start = place - 65535 + below(131071 - place);
        refuse = 1'b1;
      end else if (kind >= 95) begin
        src[1] = 8'd1 << below(8);
        refuse = 1'b1;
      end
      {src[7], src[6]} = 16'(start);
      {src[9], src[8]} = 16'(place - start);
    end
    b = 8'd0;
    for (int unsigned i = 0; i < len; i++) begin
      if (i % 2 == 0 || !flat) b = flat ? (chance(20) ? 8'hFF : 8'h00) : 8'(below(256));
      src.push_back(b);
    end
    for (int unsigned i = len; i < padded; i++) src.push_back(8'd0);
    total = src.size();
    f = '{bad: bad || refuse, summed: needs && !refuse, vport: vport, len: padded, number: made};
    gone = want.size();
    for (int unsigned i = 0; i < padded; i++) want.push_back(src[i + (hdr ? Hdr : 0)]);
    if (f.summed) begin
      // Words begin at `start`; 65536 is 1.
      sum  = 0;
      some = 1'b0;
      for (int unsigned i = start; i < len; i++) begin
        b = want[gone + i];
        some |= b != 0;
        sum = (sum + ((((i - start) & 1) == 0) ? 256 * 32'(b) : 32'(b))) % 65535;
      end
      sum = 65535 - sum;                    // never 0: 65535 is the other zero
      if (sum == 65535 && some) mangled++;
      want[gone + place]     = sum[15:8];
      want[gone + place + 1] = sum[7:0];
      sums++;
      if (start % 2 == 1) odd_starts++;
      if (place % Bytes == Bytes - 1) splits++;
    end
    if (refuse && !bad) begin
      told.push_back(vport);
      refusals++;
    end
    out.push_back(f);
    at = 0;
    made++;
  endtask

  task automatic drive();
    logic [Bytes-1:0]  keep;
    logic [DATA_W-1:0] data;
    if (s_valid && !took) return;
    s_valid = 1'b0;
    if (!chance(source_rate)) return;
    if (at == total) begin
      if (made == goal) return;
      make();
    end
    for (int unsigned i = 0; i < bytes; i++) begin
      keep[i] = at + i < total;
      data[i*8+:8] = keep[i] ? src[at + i] : 8'd0;
    end
    at     += Bytes;
    if (at > total) at = total;
    s_valid = 1'b1;
    s_data  = data;
    s_keep  = keep;
    s_last  = at == total;
    s_user  = s_last && bad;
    s_dest  = vport;
    s_hdr   = hdr;
    s_len   = bytes_t'(len);
  endtask

  // ---- what comes out ----
  int unsigned pos, goal;
  bit          took = 1'b0;

  task automatic take();
    frame_t f;
    f = out[0];
    if (m_dest != f.vport) $fatal(1, "frame %0d: vPort %0d, not %0d", f.number, m_dest, f.vport);
    if (pos == 0 && f.number + 1 == made && at != total) early++;
    if (f.summed && f.number + 1 == made && (at != total || s_valid))
      $fatal(1, "frame %0d leaves without its end", f.number);
    for (int unsigned i = 0; i < bytes; i++) begin
      if (m_keep[i] != (pos + i < f.len))
        $fatal(1, "frame %0d: keep %h at %0d of %0d", f.number, m_keep, pos, f.len);
      if (m_data[i*8+:8] != (m_keep[i] ? want[i] : 8'd0))
        $fatal(1, "frame %0d (%0d bytes): byte %0d is %h, not %h", f.number, f.len, pos + i,
               m_data[i*8+:8], m_keep[i] ? want[i] : 8'd0);
    end
    for (int unsigned i = 0; i < bytes && pos + i < f.len; i++) void'(want.pop_front());
    pos += Bytes;
    if (m_last != (pos >= f.len)) $fatal(1, "frame %0d: last at %0d of %0d", f.number, pos, f.len);
    if (m_last) begin
      if (m_user != f.bad) $fatal(1, "frame %0d: bad is %b", f.number, m_user);
      pos = 0;
      came++;
      void'(out.pop_front());
    end else if (m_user) $fatal(1, "frame %0d: bad before its end", f.number);
  endtask

  initial begin
    int unsigned frames, quiet, beats;
    void'(seed_from_args("tb_vq_tx_csum"));
    if ($value$plusargs("frames=%d", frames) == 0) frames = 5000;
    repeat (5) @(negedge clk);
    rst_n = 1'b1;
    quiet  = 0;
    for (int unsigned round = 0; round < 11; round++) begin
      source_rate = (round == 0 || round == 5) ? 100 : 30 + below(71);
      sink_rate   = (round < 2) ? 100 : 20 + below(81);
      told_rate   = chance(50) ? 100 : 1 + below(30);
      longest     = chance(50) ? 9216 : chance(50) ? 300 : 1600;
      asks        = (round == 1) ? 100 : 20 + below(70);
      flat        = round == 4;
      fast        = round == 10;
      if (fast) begin
        source_rate = 100;
        sink_rate   = 100;
      end
      goal        = made + ((longest > 2000 && round != 10) ? frames / 80 : frames / 10);
      quiet       = 0;
      waits       = 0;
      while (quiet < 20) begin
        @(negedge clk);
        drive();
        m_ready = chance(sink_rate);
        refused_ready = chance(told_rate);
        #4;
        if (m_valid && m_ready) take();
        if (refused && refused_ready) begin
          if (told.size() == 0 || told[0] != refused_vport)
            $fatal(1, "refused of vPort %0d", refused_vport);
          void'(told.pop_front());
        end
        took = s_ready;
        waits++;
        if (waits > 3_000_000) $fatal(1, "stuck: frame %0d of %0d", came, goal);
        quiet = (made == goal && at == total && !s_valid && idle) ? quiet + 1 : 0;
      end
      if (out.size() != 0 || want.size() != 0 || told.size() != 0)
        $fatal(1, "%0d frames, %0d refusals are left", out.size(), told.size());
      // A beat per clock, whether summed or not.
      beats = (64 + Hdr + Bytes - 1) / Bytes;
      if (fast && waits > beats * (frames / 10) + 60)
        $fatal(1, "%0d clocks for %0d frames of %0d beats", waits, frames / 10, beats);
    end
    if (sums == 0 || odd_starts == 0 || splits == 0 || refusals == 0 || mangled == 0 || early == 0)
      $fatal(1, "%0d sums, %0d odd, %0d split, %0d zeros, %0d refused, %0d early", sums, odd_starts,
             splits, mangled, refusals, early);
    $display("PASS: %0d frames, %0d sums, %0d odd, %0d split, %0d zeros, %0d refused, %0d early",
             came, sums, odd_starts, splits, mangled, refusals, early);
    $finish;
  end
endmodule
