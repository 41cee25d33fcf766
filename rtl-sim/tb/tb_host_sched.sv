// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_host_sched: never a grant without a request, one grant per clock, offered grants stay, and fair shares in
// beats between vPorts with small and with large frames, also when grants run ahead of the data.
//
// bench: -GN_VF=8
// bench: -GN_VF=3

module tb_host_sched #(
  parameter int unsigned N_VF = 8
);
  import tb_pkg::*;
  import hp_pkg::*;

  localparam int unsigned Jumbo = 144;  // beats

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic [N_VF-1:0] req = '0;
  logic  grant_valid, grant_ready = 1'b0, beat = 1'b0;
  port_t grant_vport, beat_vport = '0;

  hp_host_sched #(.DATA_W(512), .N_VF(N_VF)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .host_req_i(req),
    .host_grant_valid_o(grant_valid), .host_grant_ready_i(grant_ready),
    .host_grant_vport_o(grant_vport), .beat_i(beat), .beat_vport_i(beat_vport)
  );

  // The source: frames waiting per vPort, grants taken but not yet sent.
  int unsigned waiting [N_VF], beats_of [N_VF], sent [N_VF];
  port_t       granted[$];
  int unsigned ahead, ready_rate, left, grants, longest_wait, waited [N_VF];
  bit          held;
  port_t       held_vport;

  // One clock: requests follow the queues; a grant offered now may be taken at the edge.
  task automatic step();
    logic [N_VF-1:0] now;
    for (int unsigned v = 0; v < N_VF; v++) now[v] = waiting[v] != 0;
    req = now;
    grant_ready = granted.size() < ahead && chance(ready_rate);
    // A beat on the host stream.
    beat = 1'b0;
    if (left == 0 && granted.size() != 0) begin
      beat_vport = granted.pop_front();
      left = beats_of[beat_vport[$clog2(N_VF)-1:0]];
    end
    if (left != 0) begin
      beat = 1'b1;
      left--;
      sent[beat_vport[$clog2(N_VF)-1:0]]++;
    end
    #4;  // settled, before the edge
    if (grant_valid != (now != '0)) $fatal(1, "grant valid %b for requests %b", grant_valid, now);
    if (grant_valid) begin
      if (32'(grant_vport) >= N_VF || !now[grant_vport[$clog2(N_VF)-1:0]])
        $fatal(1, "granted %0d, requests %b", grant_vport, now);
      if (held && grant_vport != held_vport) $fatal(1, "an offered grant changed");
    end
    held = grant_valid && !grant_ready;
    held_vport = grant_vport;
    if (grant_valid && grant_ready) begin
      grants++;
      granted.push_back(grant_vport);
      waiting[grant_vport[$clog2(N_VF)-1:0]]--;
      for (int unsigned v = 0; v < N_VF; v++) begin
        if (now[v] && port_t'(v) != grant_vport) waited[v]++;
        else waited[v] = 0;
        if (waited[v] > longest_wait) longest_wait = waited[v];
      end
    end
    @(negedge clk);
  endtask

  task automatic clear();
    ahead = 64;
    ready_rate = 100;
    while (held) step();
    for (int unsigned v = 0; v < N_VF; v++) waiting[v] = 0;
    while (granted.size() != 0 || left != 0) step();
    for (int unsigned v = 0; v < N_VF; v++) sent[v] = 0;
    grants = 0;
  endtask

  // All of `mask` always have frames; each must get its share of beats within `percent`.
  task automatic fair(input string what, input logic [N_VF-1:0] mask, input int unsigned clocks,
                      input int unsigned percent);
    int unsigned total, n, share;
    total = 0;
    n = 0;
    for (int unsigned v = 0; v < N_VF; v++) if (mask[v]) waiting[v] = 32'h7fffffff;
    repeat (clocks) step();
    for (int unsigned v = 0; v < N_VF; v++) begin
      total += sent[v];
      if (mask[v]) n++;
    end
    share = total / n;
    if (total < clocks * 95 / 100 && ready_rate == 100)
      $fatal(1, "%s: %0d beats in %0d clocks", what, total, clocks);
    for (int unsigned v = 0; v < N_VF; v++) begin
      if (mask[v] && (sent[v] * 100 < share * (100 - percent) ||
                      sent[v] * 100 > share * (100 + percent)))
        $fatal(1, "%s: vPort %0d (%0d beats each) got %0d beats, share %0d", what, v, beats_of[v],
               sent[v], share);
    end
    clear();
  endtask

  initial begin
    void'(seed_from_args("tb_host_sched"));
    for (int unsigned v = 0; v < N_VF; v++) begin
      waiting[v] = 0;
      beats_of[v] = 1;
      sent[v] = 0;
      waited[v] = 0;
    end
    ahead = 4;
    ready_rate = 100;
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);

    // One vPort alone, and all: a frame of one beat in every clock.
    waiting[N_VF-1] = 1000;
    repeat (1000) step();
    if (grants != 1000 || waiting[N_VF-1] != 0) $fatal(1, "one vPort: %0d grants", grants);
    repeat (10) step();
    clear();
    for (int unsigned v = 0; v < N_VF; v++) waiting[v] = 10000;
    repeat (5000) step();
    if (grants != 5000) $fatal(1, "all vPorts: %0d grants of 5000", grants);
    clear();

    fair("small", '1, 20000 * N_VF / 4, 3);
    for (int unsigned deep = 4; deep <= 32; deep *= 2) begin
      // The frames granted ahead are a debt, not an error that grows: the clocks scale with them.
      // vPort 0 sends the largest frames, the others the smallest.
      ahead = deep;
      beats_of[0] = Jumbo;
      fair("one large", '1, 40000 * deep / 8 * N_VF / 4, 8);
      // Random sizes, and a slow taker.
      ahead = deep;
      for (int unsigned v = 0; v < N_VF; v++) beats_of[v] = 1 + below(Jumbo);
      ready_rate = 30;
      fair("mixed, slow", '1, 80000 * deep / 8 * N_VF / 4, 8);
      for (int unsigned v = 0; v < N_VF; v++) beats_of[v] = 1;
    end

    // A vPort that is silent gains nothing: after its return it gets its share, not the past.
    beats_of[0] = Jumbo;
    beats_of[1] = Jumbo;
    ahead = 8;
    fair("alone", 1, 20000, 0);
    ahead = 8;
    fair("return", 3, 80000, 4);
    // Grants far ahead of the data, taken while alone, cost it a bounded debt later.
    fair("alone, far ahead", 1, 20000, 0);
    ahead = 8;
    fair("return from far ahead", 3, 80000, 8);
    // Random requests: nobody waits for ever.
    for (int unsigned v = 0; v < N_VF; v++) beats_of[v] = 1 + below(24);
    longest_wait = 0;
    repeat (30000) begin
      ready_rate = 50;
      ahead = 3;
      if (chance(40)) begin
        int unsigned v;
        v = below(N_VF);
        if (waiting[v] < 100) waiting[v] += 1 + below(4);
      end
      step();
    end
    if (longest_wait > 400 * N_VF) $fatal(1, "a vPort waited %0d grants", longest_wait);
    $display("PASS longest wait %0d grants", longest_wait);
    $finish;
  end
endmodule
