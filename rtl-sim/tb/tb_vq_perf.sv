// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// How fast hp_vq is: frames from VF to VF with rings that are never empty, one descriptor per
// chain, in cycles per frame over both directions. Fails when it is slower than it was promised.
//
// bench-args: ${rtl}/hp_vio_pkg.sv ${rtl}/hp_vq_pkg.sv ${rtl}/hp_soc_pkg.sv ${rtl}/../tb/vq_shape_pkg.sv
// bench: -GDATA_W=512

module tb_vq_perf #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 8
);
`include "vq_bench.svh"

  // `vfs` of them send; cycles per 100 frames of `len` bytes.
  task automatic measure(input int unsigned vfs, input int unsigned latency, input int unsigned len,
                         input int unsigned limit);
    int unsigned from, at, cost;
    string what;
    u_host.u_mem.latency    = latency;
    u_host.u_mem.ready_rate = 100;
    u_host.u_mem.late       = 1'b0;
    frame_min  = len;
    frame_max  = len;
    slot_bytes = (len > 400) ? 9830 : 768;
    drive      = 2;
    active_vfs = vfs;
    for (int unsigned v = 0; v < N_VF; v++) begin
      pairs[v] = '{base: qp_t'(v), count: qp_t'((v < vfs) ? 1 : 0)};
      begin_vf(v);
    end
    post_tx = 1'b1;
    repeat (6000) step();
    from = u_host.rx_done;
    at   = cycle;
    repeat (10_000) step();
    cost = 100 * (cycle - at) / (u_host.rx_done - from);
    what = "";
    if (with_csum) what = ", checksums";
    $display("%0d VFs, latency %0d, %0d bytes%s: %0d.%02d cycles per frame", vfs, latency, len, what,
             cost / 100, cost % 100);
    if (cost > limit) $fatal(1, "slower than %0d.%02d", limit / 100, limit % 100);
    drain("measured");
    for (int unsigned v = 0; v < N_VF; v++) end_vf(v);
  endtask

  initial begin
    void'(seed_from_args("tb_vq_perf"));
    perf = 1'b1;
    repeat (5) @(negedge clk);
    rst_n = 1'b1;
    running = 1'b1;
    // Without checksums, then with.
    for (int unsigned c = 0; c < 2; c++) begin
      with_csum = c == 1;
      measure(8, 0, 64, 800);
      measure(2, 0, 64, 800);
      measure(8, 156, 64, 900);
      measure(2, 156, 64, 1000);
      measure(8, 156, 1514, 4000);
      measure(8, 0, 9000, 17000);
    end
    $display("PASS");
    $finish;
  end
endmodule
