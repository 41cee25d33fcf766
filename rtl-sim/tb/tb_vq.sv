// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_vq against drivers (vq_host), a memory that answers as late or as early as it may
// (vq_memory), and a switch that sends each frame on to another vPort (vq_bench.svh). Rounds of
// drawn configurations: every byte of every frame, order within a queue, used rings, num_buffers,
// no access to a byte that was not offered, no interrupt missed, no doorbell waited for in vain;
// checksums of frames to send, and frames in which there is no place for one;
// VFs are taken down and brought up again meanwhile, and nothing of one is touched after that.
//
// bench-args: -MAKEFLAGS OPT_FAST=-O1 ${rtl}/hp_vio_pkg.sv ${rtl}/hp_vq_pkg.sv ${rtl}/hp_soc_pkg.sv ${rtl}/../tb/vq_shape_pkg.sv
// bench: -GDATA_W=512 +rounds=12
// bench: -GDATA_W=128 +rounds=8

module tb_vq #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 4,
  parameter int unsigned N_QP = 8
);
`include "vq_bench.svh"

  task automatic traffic(input int unsigned frames, input int unsigned resets);
    int unsigned goal, n, v;
    goal = frames_in + frames;
    n = 0;
    post_tx = 1'b1;
    while (frames_in < goal) begin
      step();
      n++;
      if (n > 2_000_000) $fatal(1, "stuck: %0d frames to go", goal - frames_in);
      if (resets != 0 && below(2000) == 0) begin
        v = below(N_VF);
        lossy[v] = 1'b1;
        end_vf(v);
        for (int unsigned i = 0; i < below(300); i++) step();
        begin_vf(v);
        lossy[v] = 1'b1;
      end
    end
  endtask

  initial begin
    int unsigned rounds, seed;
    seed = seed_from_args("tb_vq");
    if ($value$plusargs("rounds=%d", rounds) == 0) rounds = 10;
    repeat (5) @(negedge clk);
    rst_n = 1'b1;
    running = 1'b1;
    for (int unsigned r = 0; r < rounds; r++) begin
      draw();
      for (int unsigned v = 0; v < N_VF; v++) begin_vf(v);
      traffic((frame_max > 1000) ? 300 : 2000, r % 2);
      drain($sformatf("round %0d", r));
      $display("round %0d: latency %0d, ready %0d%%, to %0d: %0d sent, %0d received, %0d, %0d",
               r, u_host.u_mem.latency, u_host.u_mem.ready_rate, frame_max, frames_in,
               u_host.rx_done, u_host.rx_buffers, cycle);
      for (int unsigned v = 0; v < N_VF; v++) end_vf(v);
    end
    if (u_host.summed == 0 || bad_frames == 0)
      $fatal(1, "%0d checksums, %0d bad frames", u_host.summed, bad_frames);
    if (u_host.bells == 0 || u_host.bells_saved == 0 || u_host.irqs == 0)
      $fatal(1, "bells %0d, saved %0d, interrupts %0d", u_host.bells, u_host.bells_saved,
             u_host.irqs);
    $display("PASS: %0d frames, %0d bells, %0d saved, %0d interrupts (%0d awake), %0d bad frames, %0d sums",
             frames_in, u_host.bells, u_host.bells_saved, u_host.irqs, u_host.spurious, bad_frames,
             u_host.summed);
    $finish;
  end
endmodule
