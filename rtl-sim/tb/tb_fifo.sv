// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_fifo and hp_deep_fifo against a queue: order, count, latency 1 when empty, one push and one pop per
// clock without a pause, over a matrix of push and pop rates.
//
// bench: -GDEEP=1'b0 -GDEPTH=2
// bench: -GDEEP=1'b0 -GDEPTH=5
// bench: -GDEEP=1'b1 -GDEPTH=8
// bench: -GDEEP=1'b1 -GDEPTH=64

module tb_fifo #(
  parameter bit DEEP = 1'b1,
  parameter int unsigned DEPTH = 16
);
  import tb_pkg::*;

  localparam int unsigned Width = 33;
  typedef logic [Width-1:0] word_t;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic  push = 1'b0, pop = 1'b0, full, valid;
  word_t wdata = '0, rdata;
  int unsigned count;

  if (DEEP) begin : gen_deep
    logic [$clog2(DEPTH):0] dut_count;
    hp_deep_fifo #(.WIDTH(Width), .DEPTH(DEPTH)) u_dut (
      .clk_i(clk), .rst_ni(rst_n), .push_i(push), .data_i(wdata), .full_o(full),
      .pop_i(pop), .valid_o(valid), .data_o(rdata), .count_o(dut_count)
    );
    assign count = 32'(dut_count);
  end else begin : gen_small
    logic [$clog2(DEPTH + 1)-1:0] dut_count;
    hp_fifo #(.WIDTH(Width), .DEPTH(DEPTH)) u_dut (
      .clk_i(clk), .rst_ni(rst_n), .push_i(push), .data_i(wdata), .full_o(full),
      .pop_i(pop), .valid_o(valid), .data_o(rdata), .count_o(dut_count)
    );
    assign count = 32'(dut_count);
  end

  word_t model[$];
  int unsigned moved;
  int unsigned was_full, was_empty;

  // One clock, called in its second half: the outputs are those of the state before the next edge.
  task automatic step(input bit want_push, input bit want_pop);
    if (count != model.size()) $fatal(1, "count %0d, model %0d", count, model.size());
    if (valid && (model.size() == 0 || rdata !== model[0]))
      $fatal(1, "head %h, model has %0d entries", rdata, model.size());
    if (full && model.size() != DEPTH) $fatal(1, "full with %0d", model.size());
    push = want_push && !full;
    pop = want_pop && valid;
    wdata = {1'b0, rnd()};
    if (pop) begin
      void'(model.pop_front());
      moved++;
    end
    if (push) model.push_back(wdata);
    if (full) was_full++;
    if (!valid) was_empty++;
    @(negedge clk);
    push = 1'b0;
    pop = 1'b0;
  endtask

  initial begin
    void'(seed_from_args("tb_fifo"));
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);

    // Latency 1 when empty, pushed every few clocks.
    for (int unsigned gap = 0; gap < 8; gap++) begin
      for (int n = 0; n < 50; n++) begin
        step(1'b1, 1'b1);
        if (!valid) $fatal(1, "not at the output one clock after a push into the empty FIFO");
        step(1'b0, 1'b1);
        if (valid) $fatal(1, "still there after its pop");
        repeat (gap) step(1'b0, 1'b0);
      end
    end
    // One in, one out, every clock, from empty and from nearly full.
    for (int unsigned fill = 1; fill < DEPTH; fill = (fill * 2 < DEPTH) ? fill * 2 : fill + 1) begin
      repeat (fill) step(1'b1, 1'b0);
      repeat (8) step(1'b0, 1'b0);
      moved = 0;
      repeat (1000) step(1'b1, 1'b1);
      if (moved != 1000) $fatal(1, "throughput: %0d of 1000 with %0d stored", moved, fill);
      while (model.size() != 0) step(1'b0, 1'b1);
      repeat (8) step(1'b0, 1'b1);
    end
    // Filled to the brim, emptied without a gap.
    repeat (DEPTH + 8) step(1'b1, 1'b0);
    if (!full) $fatal(1, "holds fewer than DEPTH entries");
    moved = 0;
    repeat (DEPTH) step(1'b0, 1'b1);
    if (moved != DEPTH) $fatal(1, "gap: %0d of %0d", moved, DEPTH);
    // Rates.
    for (int unsigned wr = 10; wr <= 100; wr += 30) begin
      for (int unsigned rd = 10; rd <= 100; rd += 30) begin
        repeat (2000) step(chance(wr), chance(rd));
      end
    end
    if (was_full < 100 || was_empty < 100) $fatal(1, "rates never reached full or empty");
    $display("PASS");
    $finish;
  end
endmodule
