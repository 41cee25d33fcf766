// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_arb with three models of stores: every beat once and in order, no gap inside a frame, a new frame in every
// clock, numbers in order, uplink before host before core, one slot in 64 for the core, stalls at frame starts.

module tb_arb;
  import tb_pkg::*;
  import hp_pkg::*;

  localparam int unsigned DataW = 64;
  localparam int unsigned Up = 0, Host = 1, Core = 2;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic stall_host = 1'b0, stall_all = 1'b0;
  logic [2:0] valid = '0, eof = '0, pop;
  frame_meta_t up_meta, host_meta, core_meta;
  logic [DataW-1:0] up_data = '0, host_data = '0, core_data = '0;
  logic pl_valid, pl_sof, pl_eof;
  logic [DataW-1:0] pl_data;
  frame_meta_t pl_meta;

  hp_arb #(.DATA_W(DataW)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .stall_host_i(stall_host), .stall_all_i(stall_all),
    .up_valid_i(valid[Up]), .up_meta_i(up_meta), .up_data_i(up_data), .up_eof_i(eof[Up]),
    .up_pop_o(pop[Up]),
    .host_valid_i(valid[Host]), .host_meta_i(host_meta), .host_data_i(host_data),
    .host_eof_i(eof[Host]), .host_pop_o(pop[Host]),
    .core_valid_i(valid[Core]), .core_meta_i(core_meta), .core_data_i(core_data),
    .core_eof_i(eof[Core]), .core_pop_o(pop[Core]),
    .pl_valid_o(pl_valid), .pl_sof_o(pl_sof), .pl_eof_o(pl_eof), .pl_data_o(pl_data),
    .pl_meta_o(pl_meta)
  );

  // A source: its frame at the head (`left` beats to go of `len`), how often it has one.
  int unsigned frame [3], len [3], left [3], rate [3], max_len [3];
  bit          tomb [3];
  int unsigned starts [3], beats, since_core, longest_core, clocks, bubbles, grant;
  int          inside_of;  // source of the frame under way, or -1
  bit          due;
  seq_t        seq;

  // What the output register must show next.
  bit               want_valid, want_sof, want_eof;
  logic [DataW-1:0] want_data;
  frame_meta_t      want_meta;

  function automatic logic [DataW-1:0] beat_data(input int unsigned s);
    return {8'(s), 24'(frame[s]), 16'(len[s] - left[s]), 16'hBEA7};
  endfunction

  function automatic frame_meta_t head_meta(input int unsigned s);
    frame_meta_t m;
    m = '0;
    m.src = s == Up ? PortUplink : port_t'(s);
    m.core = s == Core;
    m.slot = 8'(frame[s]);
    m.tomb = tomb[s];
    m.tomb_reason = tomb[s] ? 6'd41 : 6'd0;
    m.count = 16'd1;
    m.len = len_t'(len[s] * 8);
    return m;
  endfunction

  task automatic step();
    logic [2:0] now_valid, now_eof;
    bit may_core, may_host, may_up;
    int pick;
    for (int unsigned s = 0; s < 3; s++) begin
      if (left[s] == 0 && chance(rate[s])) begin
        frame[s]++;
        tomb[s] = chance(10);
        len[s] = tomb[s] ? 1 : 1 + below(max_len[s]);
        left[s] = len[s];
      end
      now_valid[s] = left[s] != 0;
      now_eof[s] = left[s] == 1;
    end
    valid = now_valid;
    eof = now_eof;
    up_meta = head_meta(Up);
    host_meta = head_meta(Host);
    core_meta = head_meta(Core);
    up_data = beat_data(Up);
    host_data = beat_data(Host);
    core_data = beat_data(Core);
    #3;

    // The rule, once more.
    may_up = now_valid[Up] && !stall_all;
    may_host = now_valid[Host] && !stall_all && !stall_host;
    may_core = now_valid[Core] && !stall_all && !stall_host;
    due = since_core >= 63;
    if (inside_of >= 0) pick = inside_of;
    else if (may_core && due) pick = Core;
    else if (may_up) pick = Up;
    else if (may_host) pick = Host;
    else if (may_core) pick = Core;
    else pick = -1;
    for (int s = 0; s < 3; s++) begin
      if (pop[s] != (pick == s)) $fatal(1, "pop %b, want source %0d (due %b)", pop, pick, due);
    end

    // The output shows the beat of the clock before.
    if (pl_valid != want_valid) $fatal(1, "pl_valid %b, want %b", pl_valid, want_valid);
    if (want_valid && (pl_sof != want_sof || pl_eof != want_eof || pl_data !== want_data ||
                       pl_meta != want_meta))
      $fatal(1, "beat sof %b eof %b data %h, want %b %b %h", pl_sof, pl_eof, pl_data, want_sof,
             want_eof, want_data);

    clocks++;
    want_valid = pick >= 0;
    if (pick < 0) begin
      if (now_valid != 0 && !stall_all && !stall_host) bubbles++;
    end else begin
      want_sof = inside_of < 0;
      want_eof = now_eof[pick];
      want_data = tomb[pick] ? '0 : beat_data(pick);
      want_meta = head_meta(pick);
      want_meta.seq = seq;
      beats++;
      left[pick]--;
      if (want_sof) starts[pick]++;
      inside_of = want_eof ? -1 : pick;
      if (want_eof) seq++;
    end
    if (!now_valid[Core] || pick == Core) since_core = 0;
    else if (pick >= 0 && want_eof) since_core++;
    if (!stall_host && !stall_all && since_core > longest_core) longest_core = since_core;
    @(negedge clk);
  endtask

  task automatic setup(input int unsigned up, input int unsigned host, input int unsigned core,
                       input int unsigned longest);
    rate[Up] = up;
    rate[Host] = host;
    rate[Core] = core;
    for (int unsigned s = 0; s < 3; s++) begin
      max_len[s] = longest;
      starts[s] = 0;
    end
    beats = 0;
    clocks = 0;
    longest_core = 0;
  endtask

  initial begin
    void'(seed_from_args("tb_arb"));
    for (int unsigned s = 0; s < 3; s++) begin
      frame[s] = 0;
      len[s] = 0;
      left[s] = 0;
      tomb[s] = 1'b0;
    end
    inside_of = -1;
    want_valid = 1'b0;
    seq = '0;
    since_core = 0;
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);

    // One-beat frames from all three at once: a frame in every clock; uplink takes all but the core's 1/64.
    setup(100, 100, 100, 1);
    repeat (6400) step();
    if (beats != 6400) $fatal(1, "%0d beats in 6400 clocks", beats);
    if (starts[Core] != 100) $fatal(1, "core got %0d of 6400 slots", starts[Core]);
    if (starts[Host] > 1) $fatal(1, "host before uplink");
    // Without the uplink, host and core.
    setup(0, 100, 100, 1);
    repeat (6400) step();
    if (beats != 6400 || starts[Core] < 99 || starts[Core] > 101)
      $fatal(1, "host and core: %0d beats, core %0d", beats, starts[Core]);
    // The core alone has all.
    setup(0, 0, 100, 1);
    repeat (1000) step();
    if (starts[Core] < 998) $fatal(1, "idle core share: %0d", starts[Core]);
    // Mixed lengths, still no bubble.
    setup(100, 100, 100, 9);
    repeat (20000) step();
    if (beats != 20000) $fatal(1, "%0d beats in 20000 clocks", beats);
    if (longest_core > 63) $fatal(1, "core waited %0d frames", longest_core);
    // Everything at random, with stalls.
    for (int n = 0; n < 60; n++) begin
      setup(below(101), below(101), below(60), 1 + below(12));
      repeat (1000) begin
        if (chance(5)) stall_host = chance(40);
        if (chance(5)) stall_all = chance(20);
        step();
      end
    end
    if (bubbles != 0) $fatal(1, "%0d bubbles", bubbles);
    $display("PASS frames %0d", seq);
    $finish;
  end
endmodule
