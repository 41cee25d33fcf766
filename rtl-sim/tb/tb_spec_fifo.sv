// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_spec_fifo against queues: frames committed or rolled back with their last beat or later, nothing
// uncommitted visible, no gap inside a committed frame.
//
// bench: -GDEPTH=16
// bench: -GDEPTH=128

module tb_spec_fifo #(
  parameter int unsigned DEPTH = 16
);
  import tb_pkg::*;

  localparam int unsigned Frames = 20000;
  typedef logic [31:0] word_t;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic  push = 1'b0, commit = 1'b0, rollback = 1'b0, pop = 1'b0, full, valid;
  word_t wdata = '0, rdata;
  logic [$clog2(DEPTH):0] count;

  hp_spec_fifo #(.WIDTH(32), .DEPTH(DEPTH)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .push_i(push), .data_i(wdata), .commit_i(commit),
    .rollback_i(rollback), .full_o(full), .pop_i(pop), .valid_o(valid), .data_o(rdata),
    .count_o(count)
  );

  // Entry: bit 31 last of its frame, bit 30 first.
  word_t visible[$], pending[$];
  int unsigned commits, rollbacks, since_commit;
  bit midframe;

  // One clock with the write side as set up by the caller.
  task automatic step(input int unsigned pop_rate);
    if (32'(count) != visible.size() + pending.size())
      $fatal(1, "count %0d, model %0d + %0d", count, visible.size(), pending.size());
    if (valid && (visible.size() == 0 || rdata !== visible[0]))
      $fatal(1, "head %h, model has %0d", rdata, visible.size());
    if (midframe && !valid) $fatal(1, "gap inside a frame");
    if (visible.size() != 0 && !valid && since_commit > 4) $fatal(1, "committed but not visible");
    pop = valid && (midframe || chance(pop_rate));
    if (pop) midframe = !rdata[31];
    if (push) pending.push_back(wdata);
    if (pop) void'(visible.pop_front());
    if (rollback) begin
      pending.delete();
      rollbacks++;
    end else if (commit) begin
      while (pending.size() != 0) visible.push_back(pending.pop_front());
      commits++;
    end
    since_commit = commit ? 0 : since_commit + 1;
    @(negedge clk);
    push = 1'b0;
    commit = 1'b0;
    rollback = 1'b0;
  endtask

  initial begin
    int unsigned len, pop_rate, gap_rate;
    bit late, kill;

    void'(seed_from_args("tb_spec_fifo"));
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);
    for (int unsigned f = 0; f < Frames; f++) begin
      if (f % 500 == 0) begin
        pop_rate = 5 + below(96);
        gap_rate = chance(30) ? 0 : below(60);
      end
      len = chance(50) ? 1 : 1 + below(DEPTH / 2);
      kill = chance(30);
      late = chance(20);
      for (int unsigned b = 0; b < len; b++) begin
        while (chance(gap_rate)) step(pop_rate);
        while (full) step(pop_rate);
        push = 1'b1;
        wdata = {b == len - 1, b == 0, 30'(rnd())};
        commit = (b == len - 1) && !late && (!kill || chance(50));
        rollback = (b == len - 1) && !late && kill;
        step(pop_rate);
      end
      if (late) begin
        repeat (below(3)) step(pop_rate);
        commit = !kill;
        rollback = kill;
        step(pop_rate);
      end
    end
    while (visible.size() != 0) step(100);
    repeat (8) step(100);
    if (commits < Frames / 4 || rollbacks < Frames / 8) $fatal(1, "too few commits or rollbacks");
    $display("PASS commits %0d, rollbacks %0d", commits, rollbacks);
    $finish;
  end
endmodule
