// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_vq with drivers that break the rules: every code of QueueError is provoked on queues of
// either direction, while frames flow on all others. The code must be the right one and come once;
// the other queues lose nothing (but frames to a VF that is down); nothing outside the function's
// region is touched, nothing at all once the queue's VF is down; and a queue that begins anew
// works. Messages are written behind everything before.
//
// bench-args: -MAKEFLAGS OPT_FAST=-O1 ${rtl}/hp_vio_pkg.sv ${rtl}/hp_vq_pkg.sv ${rtl}/hp_soc_pkg.sv ${rtl}/../tb/vq_shape_pkg.sv
// bench: -GDATA_W=512 +rounds=40
// bench: -GDATA_W=128 +rounds=40

module tb_vq_bad #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 4,
  parameter int unsigned N_QP = 8
);
`include "vq_bench.svh"

  int unsigned told [12];                    // by code

  // ---- a queue goes bad ----
  // Kinds: 1 to 7 and 10 are the codes; 8, 9 a buffer of another function; 11 to 14 a ring of
  // another function.
  task automatic spoil(input int unsigned q, input int unsigned kind);
    int unsigned n, code, bells_by_hand;
    logic [63:0] foreign;
    u_host.u_mem.wild[u_host.fn[q]] = 1'b1;
    lossy[q_vf(q)] = 1'b1;
    bad_q   = q;
    bad_len = 200 + 12;
    code    = kind;
    foreign = u_host.u_mem.base((u_host.fn[q] % N_VF) + 1) + 64'h1000;
    unique case (kind)
      2: bad_shape = BadHead;
      3: bad_shape = BadNext;
      4: bad_shape = BadLoop;
      5: bad_shape = BadFlags;
      6: bad_shape = chance(50) ? BadEmpty : BadWrap;
      7: bad_shape = chance(50) ? BadTable : BadNested;
      8, 9: bad_shape = BadForeign;
      10: bad_shape = BadShort;
      default: bad_shape = GoodChain;
    endcase
    if (kind > 7 && !q[0]) bad_len = 60 + 12;          // every frame reaches its end
    if (kind == 10) bad_len = 1 + below(11);
    if (kind == 8 || kind == 9) code = q[0] ? 32'(VQERR_READ) : 32'(VQERR_WRITE);
    if (kind > 10) begin
      // A queue that has its ring elsewhere from the beginning.
      command(1'b0, q);
      u_host.setup(q, slot_bytes);
      u_host.en[q] = 1'b0;
      next_tx[q] = 0;
      last_rx[q] = 0;
      qcmd_avail = (kind == 11) ? foreign : u_host.avail[q];
      qcmd_used  = (kind == 12) ? foreign : u_host.used[q];
      qcmd_desc  = (kind == 13) ? foreign : u_host.desc[q];
      code = (kind == 12) ? 32'(VQERR_WRITE) : 32'(VQERR_READ);
      expect_code[q] = code;
      u_host.en[q] = 1'b1;
      command_at(1'b1, q, qcmd_desc, qcmd_avail, qcmd_used);
    end
    expect_code[q] = code;
    if (kind == 1) begin
      n = 32'(u_host.avail_idx[q]) + (1 << u_host.lg[q]) + 1 + below(30000);
      mute[q] = 1'b1;
      u_host.put(q, u_host.avail[q] + 2, 2, 64'(n[15:0]));
    end else if (kind <= 10) begin
      bad_due = 1'b1;
    end
    // The bell by hand: the driver of a bad queue cannot be trusted with it.
    n = 0;
    bells_by_hand = 0;
    while (!dead[q]) begin
      step();
      n++;
      if (n % 2000 == 0 && !(bad_due && kind != 1)) begin
        hand_bell_q = q;
        hand_bell   = 1'b1;
        bells_by_hand++;
      end
      if (n == 20_000) want_rx_ready = 0;            // the others lose what nobody fetches
      if (n > 200_000) begin
        dump();
        $fatal(1, "queue %0d: kind %0d is not noticed", q, kind);
      end
    end
    told[code]++;
    bad_due = 1'b0;
    want_rx_ready = 90;
  endtask

  logic [63:0] qcmd_desc, qcmd_avail, qcmd_used;

  // An interrupt vector's write, behind everything before: seen when the message is.
  task automatic message(input int unsigned v);
    logic [31:0] data;
    data = rnd();
    msg = '{fn: fn_t'(v + 1), data: data,
            addr: u_host.u_mem.base(v + 1) + 64'(u_host.REGION) - 64'd64};
    for (int unsigned i = 0; i < 4; i++) begin
      u_host.u_mem.may[u_host.u_mem.at(v + 1, msg.addr + 64'(i))] = 2'b10;
    end
    msg_taken = 1'b0;
    msg_valid = 1'b1;
    while (!msg_taken) step();
    msg_valid = 1'b0;
    for (int unsigned n = 0; u_host.u_mem.word(v + 1, msg.addr) != data; n++) begin
      step();
      if (n > 20_000) $fatal(1, "the message does not come");
    end
  endtask

  initial begin
    int unsigned rounds, goal, n, v, q, kind;
    void'(seed_from_args("tb_vq_bad"));
    if ($value$plusargs("rounds=%d", rounds) == 0) rounds = 40;
    repeat (5) @(negedge clk);
    rst_n = 1'b1;
    running = 1'b1;
    for (int unsigned r = 0; r < rounds; r++) begin
      draw();
      frame_max   = 60 + below(340);
      odd_lengths = 1'b0;
      slot_bytes  = 768;
      want_rx_ready = 90;
      for (int unsigned i = 0; i < N_VF; i++) begin_vf(i);
      post_tx = 1'b1;
      for (int unsigned i = 0; i < below(3000); i++) step();
      v = below(N_VF);
      q = 2 * 32'(pairs[v].base) + below(2 * 32'(pairs[v].count));
      kind = 1 + (r % 13);
      spoil(q, kind);
      goal = frames_in + 300;
      n = 0;
      while (frames_in < goal) begin
        step();
        n++;
        if (n > 1_000_000) $fatal(1, "round %0d: the others do not go on", r);
      end
      message((v + 1) % N_VF);
      // The registers take the VF down; what is left of it does not matter, and nothing of it is
      // touched any more.
      end_vf(v);
      for (int unsigned i = 0; i < below(1000); i++) step();
      u_host.u_mem.wild[v+1] = 1'b0;
      begin_vf(v);
      lossy[v] = 1'b1;
      goal = frames_in + 200;
      while (frames_in < goal) step();
      drain($sformatf("round %0d, kind %0d", r, kind));
      for (int unsigned i = 0; i < N_VF; i++) end_vf(i);
    end
    for (int unsigned i = 1; i <= 10; i++) begin
      $display("code %0d: %0d times", i, told[i]);
      if (told[i] == 0) $fatal(1, "code %0d was never told", i);
    end
    $display("PASS: %0d frames, %0d errors on the bus, %0d bad frames", frames_in,
             u_host.u_mem.errors, bad_frames);
    $finish;
  end
endmodule
