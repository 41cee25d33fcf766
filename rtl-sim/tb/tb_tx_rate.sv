// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_tx_rate with hp_host_sched and a source that sends what was granted some clocks later, against exact buckets of
// the bench's own: what is earned in each clock, what each beat takes. A VF without a limit asks in every clock it wants
// to. One with a limit that always has frames gets `rate` times the clocks, more or less by what is asserted
// here, whatever the others do, and the stream has no gap while one without a limit sends. Limits change under way.
//
// bench: -GN_VF=8
// bench: -GN_VF=3 -GDATA_W=128
// bench: -GN_VF=1
// bench: -GN_VF=64

module tb_tx_rate #(
  parameter int unsigned N_VF   = 8,
  parameter int unsigned DATA_W = 512
);
  import tb_pkg::*;
  import hp_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  localparam longint      One   = 64'd1 << 24;         // a byte
  localparam longint      Depth = 16384 * One;
  localparam longint      Bytes64 = longint'(DATA_W) / 8, N64 = longint'(N_VF);
  localparam int unsigned Slots = (N_VF > 4) ? 2 ** $clog2(N_VF) : 4;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic             set = 1'b0, grant_valid, grant_ready = 1'b0, beat = 1'b0, beat_last = 1'b0;
  logic [5:0]       set_vf = '0;
  logic [31:0]      set_rate = '0;
  logic [N_VF-1:0]  req = '0, req_out;
  logic [Bytes-1:0] keep = '0;
  port_t            grant_vport, beat_vport = '0;

  hp_tx_rate #(.DATA_W(DATA_W), .N_VF(N_VF)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .set_i(set), .set_vf_i(set_vf), .set_rate_i(set_rate),
    .host_req_i(req), .host_req_o(req_out), .grant_i(grant_valid && grant_ready), .grant_vport_i(grant_vport),
    .beat_i(beat), .beat_last_i(beat_last), .beat_keep_i(keep), .beat_vport_i(beat_vport)
  );
  hp_host_sched #(.DATA_W(DATA_W), .N_VF(N_VF)) u_sched (
    .clk_i(clk), .rst_ni(rst_n), .host_req_i(req_out), .host_grant_valid_o(grant_valid),
    .host_grant_ready_i(grant_ready), .host_grant_vport_o(grant_vport), .beat_i(beat), .beat_vport_i(beat_vport)
  );

  // What the rounds set.
  longint      rate [64];                            // as the bench asked for it
  int unsigned min_len [64], max_len [64];
  bit          wants [64];
  int unsigned latency, stream_rate, ahead;            // ahead: grants that the source takes before it sends

  // The buckets, and what became of the frames.
  longint      level [64], low [64], high [64];
  longint      sent [64];
  int unsigned due_at [$], due_v [$], due_len [$];     // granted
  int unsigned cycle, left, waits, gaps, masked;

  function automatic longint clocks(input int unsigned n);
    return longint'({32'd0, n});
  endfunction

  task automatic step();
    int unsigned n;
    logic [Bytes-1:0] k;
    logic [N_VF-1:0]  w;
    for (int unsigned v = 0; v < N_VF; v++) begin
      level[v] += rate[v];
      if (level[v] > Depth || rate[v] == 0) level[v] = Depth;
    end
    // The stream: a beat of the oldest frame, when it is due.
    beat = 1'b0;
    if (due_at.size() != 0 && due_at[0] <= cycle && chance(stream_rate)) begin
      if (left == 0) left = due_len[0];
      n = (left > Bytes) ? Bytes : left;
      for (int unsigned i = 0; i < Bytes; i++) k[i] = i < n;
      keep = k;
      beat = 1'b1;
      beat_vport = port_t'(due_v[0]);
      left -= n;
      beat_last = left == 0;
    end else if (due_at.size() != 0 && due_at[0] > cycle) waits++;
    else if (due_at.size() == 0) gaps++;
    grant_ready = due_at.size() < ahead;
    // Whole values, not parts: Verilator 5.006 does not see the parts change.
    for (int unsigned v = 0; v < N_VF; v++) w[v] = wants[v];
    req = w;
    #4;
    for (int unsigned v = 0; v < N_VF; v++) begin
      if (req_out[v] && !req[v]) $fatal(1, "VF %0d asks for nothing", v);
      if (rate[v] == 0 && req_out[v] != req[v]) $fatal(1, "VF %0d has no limit and waits", v);
      masked += 32'(req[v] && !req_out[v]);
    end
    if (beat) begin
      level[beat_vport[5:0]] -= clocks(n) * One;
      sent[beat_vport[5:0]]  += clocks(n);
      if (beat_last) begin
        void'(due_at.pop_front());
        void'(due_v.pop_front());
        void'(due_len.pop_front());
      end
      if (level[beat_vport[5:0]] < low[beat_vport[5:0]]) low[beat_vport[5:0]] = level[beat_vport[5:0]];
    end
    if (grant_valid && grant_ready) begin
      due_at.push_back(cycle + latency);
      due_v.push_back(32'(grant_vport));
      due_len.push_back(min_len[grant_vport[5:0]] + below(max_len[grant_vport[5:0]] - min_len[grant_vport[5:0]] + 1));
    end
    for (int unsigned v = 0; v < N_VF; v++) if (level[v] > high[v]) high[v] = level[v];
    cycle++;
    @(negedge clk);
  endtask

  task automatic limit(input int unsigned v, input longint r);
    set      = 1'b1;
    set_vf   = 6'(v);
    set_rate = 32'(r);
    step();
    set      = 1'b0;
    rate[v]  = r;
  endtask

  task automatic run(input int unsigned n);
    repeat (n) step();
  endtask

  task automatic fresh();
    for (int unsigned v = 0; v < N_VF; v++) begin
      wants[v]   = 1'b0;
      min_len[v] = 60;
      max_len[v] = 1514;
      limit(v, 0);
    end
    latency     = 40;
    stream_rate = 100;
    ahead       = 16;
    while (due_at.size() != 0) step();
    // The scheduler owes nobody anything.
    rst_n = 1'b0;
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    run(4 * Slots);
  endtask

  // From here on.
  task automatic watch();
    for (int unsigned v = 0; v < N_VF; v++) begin
      sent[v] = 0;
      low[v]  = level[v];
      high[v] = level[v];
    end
    gaps   = 0;
    waits  = 0;
    masked = 0;
  endtask

  // One VF at `r`, lengths from `from` to `to`; `others` without a limit.
  task automatic saturate(input longint r, input int unsigned from, input int unsigned to, input int unsigned others,
                          input int unsigned n);
    longint start, most, least, slack;
    int unsigned v;
    fresh();
    v = below(N_VF);
    for (int unsigned o = 0; o < others; o++) wants[(v + 1 + o) % N_VF] = 1'b1;
    min_len[v] = from;
    max_len[v] = to;
    limit(v, r);
    wants[v] = 1'b1;
    // The full bucket goes first.
    run(ahead * (to / Bytes + 2) + 200);
    for (int unsigned i = 0; level[v] >= 0; i++) begin
      step();
      if (i > 500_000) $fatal(1, "the bucket does not empty");
    end
    for (int unsigned i = 0; level[v] < 0; i++) begin
      step();
      if (i > 500_000) $fatal(1, "the debt is not paid: %0d bytes", -level[v] / One);
    end
    watch();
    start = level[v];
    run(n);
    // Never more than a frame ahead; and the next one begins as soon as it may: at the first look, its grant, its way,
    // and behind what others were granted before.
    slack = r * clocks(2 * Slots + 10);
    most  = clocks(to) * One + slack;
    least = r * clocks(latency + 2 * Slots + 12 + to / Bytes) + One;
    if (others != 0) least += r * clocks(ahead * (1514 / Bytes + 2) + (others + 1) * (9220 / Bytes + 1));
    if (-low[v] > most)
      $fatal(1, "VF %0d, rate %0d: %0d bytes ahead", v, r, -low[v] / One);
    if (high[v] > least)
      $fatal(1, "VF %0d, rate %0d: %0d bytes behind, %0d were promised", v, r, high[v] / One, least / One);
    if (sent[v] * One > r * clocks(n) + start + most || sent[v] * One < r * clocks(n) - least)
      $fatal(1, "VF %0d, rate %0d: %0d bytes in %0d clocks", v, r, sent[v], n);
    if (masked == 0) $fatal(1, "nothing was limited");
    if (others != 0 && (gaps != 0 || waits != 0)) $fatal(1, "the stream stood still: %0d, %0d", gaps, waits);
    $display("  %0d/2^24 bytes per clock, frames of %0d to %0d, %0d others: ", r, from, to, others,
             "%0d bytes in %0d clocks, %0d ahead, %0d behind", sent[v], n, -low[v] / One, high[v] / One);
  endtask

  // A rate that one frame at a time cannot carry: then frames go ahead, and the rate is kept over time.
  task automatic fast(input longint r, input int unsigned len, input int unsigned n);
    longint most, got;
    fresh();
    latency    = 200;
    ahead      = 48;
    min_len[0] = len;
    max_len[0] = len;
    limit(0, r);
    wants[0] = 1'b1;
    run(2000);
    watch();
    run(n);
    most = Depth + clocks(ahead * len) * One;
    got  = sent[0] * One;
    if (got > r * clocks(n) + most || got < r * clocks(n) - most)
      $fatal(1, "rate %0d: %0d bytes of %0d in %0d clocks", r, sent[0], len, n);
    if (high[0] == Depth) $fatal(1, "rate %0d: the bucket is full, something was lost", r);
    $display("  %0d/2^24 bytes per clock, frames of %0d: %0d bytes in %0d clocks", r, len, sent[0], n);
  endtask

  initial begin
    int unsigned v;
    longint was;
    void'(seed_from_args("tb_tx_rate"));
    for (int unsigned i = 0; i < N_VF; i++) begin
      rate[i]  = 0;
      level[i] = Depth;
      wants[i] = 1'b0;
      min_len[i] = 60;
      max_len[i] = 60;
    end
    latency = 1;
    ahead = 16;
    stream_rate = 100;
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    run(2 * Slots + 8);

    // 100 Mb/s, 1 and 2.5 Gb/s at 156.25 MHz.
    saturate(One * 8 / 100, 60, 60, 0, 60_000);
    saturate(One * 8 / 10, 1514, 1514, 0, 200_000);
    saturate(One * 8 / 10, 9216, 9216, 0, 200_000);
    saturate(One * 2, 60, 1514, 0, 100_000);
    if (N_VF > 1) begin
      // Behind what the other was granted one frame at a time must carry the rate.
      saturate(One * Bytes64 / 80, 60, 1514, 1, 100_000);
      // A quarter of its even share.
      saturate(One * Bytes64 / (4 * N64) + 12345, 60, 9216, N_VF - 1, 200_000);
    end
    // 40 Gb/s, of small frames and of large ones.
    if (DATA_W == 512) begin
      fast(One * 32, 1514, 100_000);
      fast(One * 32, 9216, 100_000);
      fast(One * 8, 64, 20_000);
    end else fast(One * 8, 1514, 100_000);

    // More than the stream carries: no clock is lost, but those of the way of the first frame.
    fresh();
    limit(0, 64'hFFFF_FFFF);
    wants[0] = 1'b1;
    run(500);
    watch();
    run(20_000);
    if (gaps != 0) $fatal(1, "a limit above the stream's rate costs %0d clocks", gaps);

    // Everybody limited, each otherwise, limits that change, streams that wait.
    fresh();
    for (int unsigned round = 0; round < 300; round++) begin
      stream_rate = chance(50) ? 100 : 30 + below(70);
      latency     = 1 + below(100);
      v = below(N_VF);
      wants[v]   = chance(70);
      min_len[v] = 60;
      max_len[v] = chance(30) ? 60 : chance(70) ? 1514 : 9216;
      if (chance(40)) limit(v, chance(30) ? 0 : 1 + clocks(rnd() % (1 << 26)));
      run(1 + below(400));
    end
    fresh();

    // A limit that comes back finds a full bucket; a new one finds the old debt.
    limit(0, One / 10);
    min_len[0] = 1500;
    max_len[0] = 1500;
    wants[0]   = 1'b1;
    run(3000);
    if (level[0] > 1500 * One) $fatal(1, "not spent: %0d", level[0] / One);
    limit(0, 1);
    watch();
    run(3000);
    was = level[0];
    if (sent[0] > 3000) $fatal(1, "a new limit forgets the debt: %0d bytes", sent[0]);
    limit(0, 0);
    run(200);
    wants[0] = 1'b0;
    while (due_at.size() != 0) step();
    run(4 * Slots);
    limit(0, 1);
    wants[0] = 1'b1;
    watch();
    run(20_000);
    if (sent[0] < 16384) $fatal(1, "a bucket that is not full: %0d bytes after %0d", sent[0], was);
    if (sent[0] > clocks(16384 + (ahead + 1) * 1500)) $fatal(1, "%0d bytes without a token", sent[0]);
    was = sent[0];
    run(20_000);
    if (sent[0] != was) $fatal(1, "%0d bytes without a token", sent[0] - was);
    $display("PASS");
    $finish;
  end
endmodule
