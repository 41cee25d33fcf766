// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_tag_edit against a byte-wise model: every length around the beat and padding borders, random
// ones up to the largest frame, the three insertions, idle × backpressure. Each frame must leave
// in the fewest beats, and without idle and backpressure not one output cycle may be empty.
//
// bench: -GDATA_W=128
// bench: -GDATA_W=256
// bench: -GDATA_W=512

module tb_tag_edit
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512
);
  import tb_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  typedef logic [DATA_W-1:0] data_t;

  typedef struct packed {
    data_t            data;
    logic [Bytes-1:0] keep;
    logic             last;
    len_t             len;
    logic [15:0]      user;
  } beat_t;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic             in_valid = 1'b0, in_ready, in_eof = 1'b0, tready = 1'b0;
  data_t            in_data = '0;
  len_t             in_last = '0;
  logic [1:0]       in_ins = '0;
  logic [63:0]      in_tag = '0;
  logic [15:0]      in_user = '0;
  logic             tvalid;
  beat_t            got;

  hp_tag_edit #(.DATA_W(DATA_W), .USER_W(16)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .in_valid_i(in_valid), .in_ready_o(in_ready), .in_sel_i(1'b0),
    .in_data_i(in_data), .in_eof_i(in_eof), .in_last_i(in_last), .in_single_i(32'(in_last) < Bytes),
    .in_ins_i(in_ins), .in_tag_i(in_tag), .in_user_i(in_user), .m_tvalid_o(tvalid), .m_tready_i(tready), .m_tdata_o(got.data),
    .m_tkeep_o(got.keep), .m_tlast_o(got.last), .m_len_o(got.len),
    .m_user_o(got.user)
  );

  beat_t       expected[$];
  int unsigned beats, frames, empty, ready_rate, idle_rate;
  bit          started;

  // One clock; true when the input beat was taken.
  task automatic step(output bit taken);
    tready = chance(ready_rate);
    #1;
    taken = in_valid && in_ready;
    if (tvalid && tready) begin
      beat_t want;
      if (expected.size() == 0) $fatal(1, "a beat out of nothing");
      want = expected.pop_front();
      if (got !== want) $fatal(1, "frame %0d: got %h, expected %h", frames, got, want);
      beats++;
      if (want.last) frames++;
      started = 1'b1;
    end
    if (started && !tvalid && expected.size() != 0) empty++;
    @(negedge clk);
  endtask

  task automatic send(input int unsigned len, input int unsigned ins);
    logic [7:0]  in_bytes[$], out_bytes[$];
    logic [63:0] tag;
    logic [15:0] user;
    int unsigned n;
    beat_t       b;
    bit          taken;

    tag = {rnd(), rnd()};
    user = 16'(rnd());
    in_bytes.delete();
    out_bytes.delete();
    for (int unsigned i = 0; i < len; i++) in_bytes.push_back(8'(rnd()));
    for (int unsigned i = 0; i < len; i++) begin
      if (i == 12) for (int unsigned t = 0; t < ins; t++) out_bytes.push_back(tag[8*t +: 8]);
      out_bytes.push_back(in_bytes[i]);
    end
    while (out_bytes.size() < 60) out_bytes.push_back(8'h00);
    n = (out_bytes.size() + Bytes - 1) / Bytes;
    for (int unsigned k = 0; k < n; k++) begin
      b = '0;
      for (int unsigned i = 0; i < Bytes && k * Bytes + i < out_bytes.size(); i++) begin
        b.data[8*i +: 8] = out_bytes[k*Bytes+i];
        b.keep[i] = 1'b1;
      end
      b.last = k == n - 1;
      b.len = len_t'(out_bytes.size());
      b.user = user;
      expected.push_back(b);
    end
    n = (len + Bytes - 1) / Bytes;
    for (int unsigned k = 0; k < n; k++) begin
      while (chance(idle_rate)) begin
        in_valid = 1'b0;
        step(taken);
      end
      in_valid = 1'b1;
      in_data = '0;
      for (int unsigned i = 0; i < Bytes && k * Bytes + i < len; i++)
        in_data[8*i +: 8] = in_bytes[k*Bytes+i];
      in_eof = k == n - 1;
      // Side data count in the first beat only.
      in_last = (k == 0) ? bus_last(len_t'(len), 2'(ins / 4)) : len_t'(rnd() % 9000);
      if (k == 0 && 32'(in_last) != out_bytes.size() - 1) $fatal(1, "bus_last");
      in_ins = 2'((k == 0) ? ins / 4 : below(3));
      in_tag = (k == 0) ? tag : {rnd(), rnd()};
      in_user = (k == 0) ? user : 16'(rnd());
      do step(taken); while (!taken);
    end
    in_valid = 1'b0;
  endtask

  task automatic drain();
    bit taken;
    ready_rate = 100;
    while (expected.size() != 0) step(taken);
    repeat (4) step(taken);
    if (tvalid) $fatal(1, "a beat too many");
    started = 1'b0;
  endtask

  initial begin
    void'(seed_from_args("tb_tag_edit"));
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);
    for (int unsigned mode = 0; mode < 9; mode++) begin
      int unsigned rates[3];
      rates = '{100, 60, 15};
      for (int unsigned len = 14; len < 3 * Bytes + 80; len++) begin
        for (int unsigned ins = 0; ins <= 8; ins += 4) begin
          ready_rate = rates[mode % 3];
          idle_rate = 100 - rates[mode / 3];
          send(len, ins);
        end
      end
      for (int unsigned f = 0; f < 300; f++) begin
        ready_rate = rates[mode % 3];
        idle_rate = 100 - rates[mode / 3];
        send(chance(80) ? 52 + below(140) : 52 + below(9165), 4 * below(3));
      end
      if (mode == 0) begin
        send(9216, 8);
        send(9216, 4);
        send(9224, 0);
      end
      drain();
      if (mode == 0 && empty != 0) $fatal(1, "%0d empty output cycles at full load", empty);
      empty = 0;
    end
    $display("PASS %0d frames, %0d beats", frames, beats);
    $finish;
  end
endmodule
