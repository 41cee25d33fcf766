// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The cases of tb_vio_regs.

  localparam int unsigned Common = 'h0000, Isr = 'h0100, Config = 'h0200, Notify = 'h1000, Table = 'h2000,
                          Pending = 'h3000;

  task automatic rd(input int v, input int unsigned addr, input logic [31:0] want, input string what);
    vf(v, 1'b0, addr);
    if (got != want) $fatal(1, "VF %0d: %s reads %h, expected %h", v, what, got, want);
  endtask

  task automatic status(input int v, input logic [7:0] s);
    vf(v, 1'b1, 'h14, 32'(s), 4'b0001);
  endtask

  task automatic expect_status(input int v, input logic [7:0] s, input string what);
    vf(v, 1'b0, 'h14);
    if (got[7:0] != s) $fatal(1, "VF %0d: %s: status %h, expected %h", v, what, got[7:0], s);
  endtask

  task automatic choose_queue(input int v, input int unsigned q);
    vf(v, 1'b1, 'h14, q << 16, 4'b1100);
  endtask

  // The PF gives a VF its pool, its address and its vectors.
  task automatic do_give(input int v, input int unsigned base, input int unsigned count, input int unsigned vectors);
    pf(v, 1'b1, 1, 32'hDDEE_FF00 + v);
    pf(v, 1'b1, 2, {16'd1500, 16'h02BB});
    pf(v, 1'b1, 3, 32'd100_000);
    pf(v, 1'b1, 0, {8'(vectors), 8'(count), 8'(base), 8'h03});
  endtask

  // Pools side by side, as many pairs each as there are.
  localparam int unsigned Share = N_QP / N_VF;

  task automatic features(input int v, input logic [63:0] f);
    vf(v, 1'b1, 'h08, 0);
    vf(v, 1'b1, 'h0C, f[31:0]);
    vf(v, 1'b1, 'h08, 1);
    vf(v, 1'b1, 'h0C, f[63:32]);
  endtask

  // vp_reset, register_virtio_device, features.
  task automatic do_negotiate(input int v, input logic [63:0] f);
    status(v, 8'd0);
    while (m[v].resetting) vf(v, 1'b0, 'h14);
    expect_status(v, 8'd0, "reset");
    status(v, 8'd1);
    status(v, 8'd3);
    features(v, f);
    status(v, 8'd11);
  endtask

  // setup_vq and vp_modern_set_queue_enable.
  task automatic set_queue(input int v, input int unsigned q, input int unsigned size, input int unsigned vec,
                           input logic [63:0] at);
    choose_queue(v, q);
    vf(v, 1'b0, 'h18);
    vf(v, 1'b1, 'h18, size, 4'b0011);
    for (int unsigned i = 0; i < 3; i++) begin
      vf(v, 1'b1, 'h20 + 8 * i, 32'(at + 64'(i * 'h2000)));
      vf(v, 1'b1, 'h24 + 8 * i, 32'((at + 64'(i * 'h2000)) >> 32));
    end
    vf(v, 1'b1, 'h18, vec << 16, 4'b1100);
  endtask

  task automatic enable_queue(input int v);
    vf(v, 1'b1, 'h1C, 32'd1, 4'b0011);
  endtask

  task automatic set_vector(input int v, input int unsigned e, input bit masked);
    vf(v, 1'b1, Table + 16 * e, 32'hFEE0_0000 + v * 256 + e * 4);
    vf(v, 1'b1, Table + 16 * e + 4, 32'h0000_0001);
    vf(v, 1'b1, Table + 16 * e + 8, 32'h4000_0000 + v * 256 + e);
    vf(v, 1'b1, Table + 16 * e + 12, 32'(masked));
  endtask

  task automatic do_bring_up(input int v);
    do_negotiate(v, offered_of(v) & ~64'h40_0000);
    if (!m[v].status[3]) $fatal(1, "VF %0d: features", v);
    for (int unsigned e = 0; e < vectors_of(v); e++) set_vector(v, e, 1'b0);
    vf(v, 1'b1, 'h10, 32'd0, 4'b0011);
    for (int unsigned q = 0; exists(v, q); q++) begin
      set_queue(v, q, 256 >> below(9), 1 + q, {24'd0, 8'(v), 8'(q), 24'h0});
      enable_queue(v);
    end
    status(v, 8'd15);
  endtask

  // A second process for what is long and called often.
  typedef enum {Give, Negotiate, BringUp, Look, TakeAll} macro_e;
  macro_e      macro;
  bit          macro_busy = 1'b0;
  int          macro_v;
  int unsigned macro_base, macro_count, macro_vectors;
  logic [63:0] macro_features;

  always @(negedge clk) if (macro_busy) begin
    case (macro)
      Give:      do_give(macro_v, macro_base, macro_count, macro_vectors);
      Negotiate: do_negotiate(macro_v, macro_features);
      BringUp:   do_bring_up(macro_v);
      Look:      do_look();
      default:   do_take_all();
    endcase
    macro_busy = 1'b0;
  end

  task automatic run(input macro_e what, input int v);
    macro      = what;
    macro_v    = v;
    macro_busy = 1'b1;
    while (macro_busy) @(negedge clk);
  endtask

  task automatic give(input int v, input int unsigned base, input int unsigned count, input int unsigned vectors);
    macro_base    = base;
    macro_count   = count;
    macro_vectors = vectors;
    run(Give, v);
  endtask
  task automatic negotiate(input int v, input logic [63:0] f);
    macro_features = f;
    run(Negotiate, v);
  endtask
  task automatic bring_up(input int v);
    run(BringUp, v);
  endtask
  task automatic look();
    run(Look, 0);
  endtask
  task automatic take_all();
    run(TakeAll, 0);
  endtask

  task automatic give_all();
    for (int v = 0; v < int'(N_VF); v++) give(v, v * Share, Share, 4);
  endtask

  task automatic do_take_all();
    for (int v = 0; v < int'(N_VF); v++) begin
      pf(v, 1'b1, 0, 32'd0);
      wait_reset(v);
      pf(v, 1'b0, 0);
    end
    quiet();
  endtask

  // All that can be read of all VFs, compared by the accesses themselves.
  task automatic do_look();
    for (int v = 0; v < int'(N_VF); v++) begin
      for (int unsigned w = 0; w < 16; w++) pf(v, 1'b0, w);
      for (int unsigned a = 0; a < 'h40; a += 4) vf(v, 1'b0, a);
      for (int unsigned a = 0; a < 'h20; a += 4) vf(v, 1'b0, Config + a);
      for (int unsigned a = 0; a < 'h100; a += 4) vf(v, 1'b0, Table + a);
      vf(v, 1'b0, Pending);
      vf(v, 1'b0, Pending + 4);
      vf(v, 1'b0, Notify);
    end
  endtask

  // A driver, each step against numbers of the standard.
  task automatic driver();
    logic [63:0] f;
    int unsigned n;
    // Before the PF has given anything, a VF reads as zero.
    rd(0, 'h14, 32'd0, "status of nobody");
    vf(0, 1'b1, 'h14, 32'd1, 4'b0001);
    rd(0, Config, 32'd0, "configuration of nobody");
    give(0, 0, 1, 3);
    msix_enable[0] = 1'b1;
    rd(0, 'h14, 32'd0, "status");
    vf(0, 1'b1, 'h00, 32'd0);
    vf(0, 1'b0, 'h04);
    f[31:0] = got;
    vf(0, 1'b1, 'h00, 32'd1);
    vf(0, 1'b0, 'h04);
    f[63:32] = got;
    if (f != Offered) $fatal(1, "features %h", f);
    vf(0, 1'b1, 'h00, 32'd2);
    rd(0, 'h04, 32'd0, "features of more");
    negotiate(0, Offered & ~64'h40_0000);
    expect_status(0, 8'd11, "features");
    rd(0, 'h10, {CTRL_VQ ? 16'd3 : 16'd2, 16'hFFFF}, "queues");
    rd(0, Config, 32'hEEDD_BB02, "MAC");
    rd(0, Config + 4, 32'h0001_00FF, "MAC and link");
    rd(0, Config + 8, {16'd1500, 16'd1}, "MTU");
    rd(0, Config + 12, 32'd100_000, "speed");
    rd(0, Config + 16, 32'd1, "duplex");
    for (int unsigned e = 0; e < 3; e++) begin
      rd(0, Table + 16 * e + 12, 32'd1, "vector control");
      set_vector(0, e, 1'b0);
    end
    rd(0, Table + 16 * 3 + 12, 32'd0, "a vector too many");
    vf(0, 1'b1, 'h10, 32'd0, 4'b0011);
    vf(0, 1'b0, 'h10);
    if (got[15:0] != 0) $fatal(1, "config_msix_vector");
    for (int unsigned q = 0; q < 2; q++) begin
      choose_queue(0, q);
      rd(0, 'h18, {16'hFFFF, 16'd256}, "size and vector");
      rd(0, 'h1C, q << 16, "notify_off");
      set_queue(0, q, 64, 1 + q, 64'h1_0000_0000 + 64'(q) * 64'h1_0000);
      rd(0, 'h18, {16'(1 + q), 16'd64}, "size and vector as set");
      enable_queue(0);
      rd(0, 'h1C, q << 16 | 1, "enabled");
    end
    choose_queue(0, 99);
    rd(0, 'h18, 32'd0, "a queue that is not there");
    enable_queue(0);
    rd(0, 'h1C, 32'd0, "a queue that is not there, enabled");
    n = bells;
    vf(0, 1'b1, Notify, 32'd0, 4'b0011);
    quiet();
    if (bells != n) $fatal(1, "notification before DRIVER_OK");
    status(0, 8'd15);
    expect_status(0, 8'd15, "driver ok");
    vf(0, 1'b1, Notify + 4, 32'd1, 4'b0011);
    quiet();
    if (bells != n + 1) $fatal(1, "notification");
    n = messages;
    irq(0, 0);
    irq(0, 1);
    quiet();
    if (messages != n + 2) $fatal(1, "interrupts");
    rd(0, Isr, 32'd0, "ISR with MSI-X");
    // The link goes down: a new generation, ISR and message.
    pf(0, 1'b1, 0, {8'd3, 8'd1, 8'd0, 8'h01});
    quiet();
    if (messages != n + 3) $fatal(1, "configuration interrupt");
    rd(0, 'h14, {16'd99, 8'd1, 8'd15}, "generation");
    rd(0, Config + 4, 32'h0000_00FF, "MAC and no link");
    rd(0, Isr, 32'd2, "ISR");
    rd(0, Isr, 32'd0, "ISR, read again");
    // The PF sees what was accepted.
    pf(0, 1'b0, 6);
    if (got != 32'(Offered >> 32)) $fatal(1, "features in the window");
    // Lost frames.
    repeat (5) begin
      nobuf_valid   = 1'b1;
      refused_valid = 1'b1;
      @(negedge clk);
    end
    nobuf_valid = 1'b0;
    @(negedge clk);
    refused_valid  = 1'b0;
    filtered_valid = 1'b1;
    repeat (3) @(negedge clk);
    filtered_valid = 1'b0;
    m[0].nobuf = 5;
    m[0].refused = 6;
    m[0].filtered = 3;
    clocks(3);
    look();
    take_all();
    rd(0, Config, 32'd0, "configuration after all");
  endtask

  // Each rule broken.
  task automatic rules();
    logic [63:0] good, bad [6];
    give(0, 0, 1, 3);
    msix_enable[0] = 1'b1;
    good = Offered & ~64'h40_0000;
    // Features: without VERSION_1, with one that was not offered, each of them.
    negotiate(0, good & ~64'h1_0000_0000);
    expect_status(0, 8'd3, "without VERSION_1");
    for (int b = 0; b < 64; b++) if (!Offered[b]) begin
      negotiate(0, good | (64'd1 << b));
      expect_status(0, 8'd3, "not offered");
    end
    if (MQ) begin
      negotiate(0, Offered & ~64'h2_0000);
      expect_status(0, 8'd3, "MQ without CTRL_VQ");
    end
    pf(0, 1'b1, 2, {16'd67, 16'h02BB});
    negotiate(0, good);
    expect_status(0, 8'd3, "MTU too small to be offered");
    pf(0, 1'b1, 2, {16'd68, 16'h02BB});
    // Status out of order.
    negotiate(0, 64'h1_0000_0000);
    expect_status(0, 8'd11, "VERSION_1 alone");
    status(0, 8'd0);
    wait_reset(0);
    features(0, good);
    status(0, 8'd8);
    expect_status(0, 8'd0, "FEATURES_OK of no driver");
    status(0, 8'd7);
    expect_status(0, 8'd3, "DRIVER_OK without features");
    status(0, 8'd15);
    expect_status(0, 8'd11, "both at once");
    status(0, 8'd64);
    expect_status(0, 8'd11, "NEEDS_RESET by the driver");
    features(0, 64'h0);
    rd(0, 'h0C, 32'(good >> 32), "features after FEATURES_OK");
    status(0, 8'd1);
    expect_status(0, 8'd11, "bits taken back");
    status(0, 8'h80);
    expect_status(0, 8'h8B, "FAILED");
    // Sizes.
    choose_queue(0, 1);
    for (int unsigned s = 0; s < 600; s++) begin
      vf(0, 1'b1, 'h18, s, 4'b0011);
      vf(0, 1'b0, 'h18);
    end
    for (int unsigned e = 0; e < 20; e++) begin
      vf(0, 1'b1, 'h18, e << 16, 4'b1100);
      vf(0, 1'b0, 'h18);
      if (got[31:16] != (e < 3 ? 16'(e) : 16'hFFFF)) $fatal(1, "queue_msix_vector %0d reads %h", e, got[31:16]);
      vf(0, 1'b1, 'h10, e, 4'b0011);
      vf(0, 1'b0, 'h10);
      if (got[15:0] != (e < 3 ? 16'(e) : 16'hFFFF)) $fatal(1, "config_msix_vector %0d reads %h", e, got[15:0]);
    end
    // What covers a field in part leaves it, and what is not there.
    for (int unsigned s = 1; s < 15; s++) begin
      for (int unsigned a = 0; a < 'h40; a += 4) begin
        if (a != 'h14) vf(0, 1'b1, a, 32'h5A5A_5A5A ^ a, 4'(s));
        vf(0, 1'b0, a);
      end
      vf(0, 1'b1, 'h14, {16'd1, 8'hFF, 8'h01}, 4'(s));
    end
    vf(0, 1'b1, 'h3C, 32'hFFFF_FFFF);
    vf(0, 1'b1, 'h38, 32'h0001_0001);
    rd(0, 'h38, 32'd0, "queue_reset");
    vf(0, 1'b1, Config, 32'hFFFF_FFFF);
    vf(0, 1'b1, Isr, 32'hFFFF_FFFF);
    vf(0, 1'b1, Pending, 32'hFFFF_FFFF);
    look();
    // Addresses: alignment, the end of the address space, by one.
    status(0, 8'd0);
    wait_reset(0);
    bad[0] = 64'h1008;
    bad[1] = 64'hFFFF_FFFF_FFFF_FFF0;
    bad[2] = 64'h1001;
    bad[3] = 64'hFFFF_FFFF_FFFF_FFFA;      // a ring of one entry has 8 bytes
    bad[4] = 64'h1002;
    bad[5] = 64'hFFFF_FFFF_FFFF_FFF4;      // of one entry: 14 bytes
    for (int i = 0; i < 6; i++) begin
      bring_up_one(0, 2, 64'h1_0000);
      vf(0, 1'b1, 'h20 + 8 * (i / 2), 32'(bad[i]));
      vf(0, 1'b1, 'h24 + 8 * (i / 2), 32'(bad[i] >> 32));
      if (i != 1) vf(0, 1'b1, 'h18, 1, 4'b0011);
      enable_queue(0);
      expect_status(0, 8'd75, "bad ring");
      rd(0, 'h1C, 32'h0001_0000, "bad ring enabled");
      pf(0, 1'b0, 4);
      if (got != 32'h0101_064B) $fatal(1, "bad ring in the window: %h", got);
      enable_queue(0);
      status(0, 8'd15);
      expect_status(0, 8'd75, "DRIVER_OK of a VF in need of a reset");
    end
    // Just before the end it is good.
    bring_up_one(0, 1, 64'h1_0000);
    vf(0, 1'b1, 'h20, 32'hFFFF_FFF0);
    vf(0, 1'b1, 'h24, 32'hFFFF_FFFF);
    vf(0, 1'b1, 'h28, 32'hFFFF_FFF8);
    vf(0, 1'b1, 'h2C, 32'hFFFF_FFFF);
    vf(0, 1'b1, 'h30, 32'hFFFF_FFF0);
    vf(0, 1'b1, 'h34, 32'hFFFF_FFFF);
    enable_queue(0);
    expect_status(0, 8'd11, "rings at the end");
    rd(0, 'h1C, 32'h0001_0001, "rings at the end, enabled");
    // Enabled: nothing can be changed but the vector; it cannot be disabled.
    for (int unsigned a = 'h18; a < 'h3C; a += 4) begin
      vf(0, 1'b1, a, 32'h0002_0002);
      vf(0, 1'b0, a);
    end
    vf(0, 1'b1, 'h1C, 32'd0, 4'b0011);
    rd(0, 'h1C, 32'h0001_0001, "disabled by a write");
    // A bad queue that the rings found, before DRIVER_OK and after: the first one counts.
    status(0, 8'd15);
    quiet();
    qerr(0, 1, 8'd3);
    expect_status(0, 8'd79, "bad queue");
    rd(0, Isr, 32'd2, "ISR");
    qerr(0, 1, 8'd4);
    pf(0, 1'b0, 4);
    if (got != 32'h0101_034F) $fatal(1, "bad queue in the window: %h", got);
    quiet();
    // Pools that cannot be.
    if (N_VF > 1) begin
      give(1, 0, 1, 1);
      pf(1, 1'b0, 0);
      if (got[0]) $fatal(1, "a pool twice");
      rd(1, 'h14, 32'd0, "status of nobody");
      give(1, N_QP, 1, 1);
      give(1, 1, 0, 1);
      give(1, 1, N_QP, 1);
      give(1, 127, 127, 1);
      pf(1, 1'b0, 0);
      if (got[0]) $fatal(1, "a pool that is not there");
      give(1, 1, N_QP - 1, 200);
      pf(1, 1'b0, 0);
      if (!got[0] || got[31:24] != 8'd16) $fatal(1, "the rest as a pool: %h", got);
      // While it is owned it stands still.
      pf(1, 1'b1, 0, {8'd3, 8'd1, 8'd0, 8'h03});
      pf(1, 1'b0, 0);
      if (got != {8'd16, 8'(N_QP - 1), 8'd1, 8'h03}) $fatal(1, "pool changed: %h", got);
    end
    if (N_VF < 64) begin
      vf(int'(N_VF), 1'b1, 'h14, 32'd1);
      rd(int'(N_VF), 'h14, 32'd0, "a VF too many");
      pf(int'(N_VF), 1'b1, 0, 32'h0101_0003);
      pf(int'(N_VF), 1'b0, 0);
      if (got != 0) $fatal(1, "a VF too many in the window");
    end
    take_all();
  endtask

  task automatic bring_up_one(input int v, input int unsigned size, input logic [63:0] at);
    negotiate(v, Offered & ~64'h40_0008);
    set_queue(v, 1, size, 1, at);
  endtask

  // MSI-X: masks, pending bits, vectors that are none.
  task automatic interrupts();
    int unsigned n;
    give(0, 0, 1, 16);
    msix_enable[0] = 1'b1;
    bring_up(0);
    quiet();
    n = messages;
    set_vector(0, 1, 1'b1);
    irq(0, 0);
    irq(0, 0);
    quiet();
    if (messages != n) $fatal(1, "a masked vector was sent");
    rd(0, Pending, 32'd2, "pending");
    // Address and data may change while it is masked; then one message for all.
    vf(0, 1'b1, Table + 16, 32'hFEE1_0003);
    rd(0, Table + 16, 32'hFEE1_0000, "address");
    vf(0, 1'b1, Table + 16 + 12, 32'd0);
    quiet();
    if (messages != n + 1) $fatal(1, "%0d messages at unmasking", messages - n);
    rd(0, Pending, 32'd0, "pending afterwards");
    // The function's mask; two vectors and the configuration.
    msix_mask[0] = 1'b1;
    irq(0, 0);
    irq(0, 1);
    pf(0, 1'b1, 2, {16'd9000, 16'h02BB});
    quiet();
    rd(0, Pending, 32'd7, "pending");
    set_vector(0, 2, 1'b1);
    msix_mask[0] = 1'b0;
    quiet();
    if (messages != n + 3) $fatal(1, "%0d messages at unmasking of the function", messages - n);
    rd(0, Pending, 32'd4, "pending, one masked");
    set_vector(0, 2, 1'b0);
    quiet();
    rd(0, Isr, 32'd2, "ISR");
    // No vector, and MSI-X off: then the ISR tells.
    choose_queue(0, 0);
    vf(0, 1'b1, 'h18, 32'hFFFF_0000, 4'b1100);
    n = messages;
    irq(0, 0);
    rd(0, Isr, 32'd0, "ISR of a queue without a vector");
    msix_enable[0] = 1'b0;
    clocks(1);
    irq(0, 1);
    pf(0, 1'b1, 2, {16'd1500, 16'h02BB});
    rd(0, Isr, 32'd3, "ISR without MSI-X");
    quiet();
    if (messages != n) $fatal(1, "message without a vector");
    msix_enable[0] = 1'b1;
    quiet();
    // Pending bits do not outlive a reset; the table outlives the driver's, not the function's.
    msix_mask[0] = 1'b1;
    irq(0, 1);
    quiet();
    status(0, 8'd0);
    wait_reset(0);
    rd(0, Pending, 32'd0, "pending after a reset");
    rd(0, Table + 16 * 2 + 12, 32'd0, "mask after a reset");
    bring_up(0);
    irq(0, 1);
    quiet();
    flr(0, 1'b1);
    wait_reset(0);
    rd(0, 'h14, 32'd0, "status during FLR");
    flr(0, 1'b0);
    rd(0, Table + 16 * 2, 32'd0, "table after FLR");
    rd(0, Table + 16 * 2 + 12, 32'd1, "mask after FLR");
    rd(0, Pending, 32'd0, "pending after FLR");
    msix_mask[0] = 1'b0;
    // Bits that ask for nothing.
    flr(0, 1'b1);
    wait_reset(0);
    clocks(1);
    if (!flr_done[0]) $fatal(1, "FLR of a VF at rest");
    flr(0, 1'b0);
    clocks(1);
    if (flr_done[0]) $fatal(1, "FLR done stays");
    take_all();
    flr(0, 1'b1);
    clocks(3);
    if (!flr_done[0]) $fatal(1, "FLR of a VF without a pool");
    flr(0, 1'b0);
    clocks(2);
  endtask

  // Waits for the next message, `from` to `to` clocks from now; 0, 0: none comes in the next `from`.
  task automatic expect_message(input int unsigned from, input int unsigned to, input string what);
    int unsigned n, t;
    n = messages;
    for (t = 0; messages == n && t <= to; t++) @(negedge clk);
    if (messages == n || t < from || t > to) $fatal(1, "%s: %0d messages after %0d clocks", what, messages - n, t);
  endtask

  // Pauses between the messages of a vector.
  task automatic gaps();
    int unsigned n, at;
    localparam int unsigned Gap = 10, Clocks = 64 * Gap, Long = 100;
    msg_slow = 0;
    give(0, 0, 1, 16);
    msix_enable[0] = 1'b1;
    pf(0, 1'b1, 10, 32'hFFFF_F000 | Gap);
    pf(0, 1'b0, 10);
    if (got != Gap) $fatal(1, "gap reads %h", got);
    pf(0, 1'b1, 9, 32'h8765_4321);
    bring_up(0);
    rd(0, 'h14, {16'(CTRL_VQ ? 2 : 1), 8'd0, 8'd15}, "generation behind limits");
    quiet();
    // The first goes at once, those that follow make one message at the end of the pause, then it is quiet.
    n = messages;
    irq(0, 0);
    if (messages != n + 1) $fatal(1, "the first message waits");
    at = now;
    repeat (5) irq(0, 0);
    // Another vector has a pause of its own; the configuration has none, and does not end one.
    irq(0, 1);
    if (messages != n + 2) $fatal(1, "another vector waits");
    vf(0, 1'b1, 'h10, 32'd1, 4'b0011);
    pf(0, 1'b1, 3, 32'd7);
    clocks(12);
    if (messages != n + 3) $fatal(1, "the configuration waits");
    rd(0, Pending, 32'd0, "pending in a pause");
    expect_message(Clocks - (now - at) - 20, Clocks + 64 + 40 - (now - at), "end of the pause");
    n = messages;
    clocks(5);
    quiet();
    if (messages != n) $fatal(1, "%0d messages too many", messages - n);
    irq(0, 0);
    if (messages != n + 1) $fatal(1, "a message after a pause waits");
    // A vector that is masked in its pause is pending afterwards, and goes when it is unmasked: then it pauses.
    irq(0, 0);
    vf(0, 1'b1, Table + 16 + 12, 32'd1);
    rd(0, Pending, 32'd0, "pending in a pause, masked");
    quiet();
    rd(0, Pending, 32'd2, "pending behind a pause, masked");
    if (messages != n + 1) $fatal(1, "a masked vector was sent");
    vf(0, 1'b1, Table + 16 + 12, 32'd0);
    clocks(70);
    if (messages != n + 2) $fatal(1, "unmasked, and no message");
    irq(0, 0);
    clocks(Clocks / 2);
    if (messages != n + 2) $fatal(1, "no pause behind an unmasked message");
    quiet();
    if (messages != n + 3) $fatal(1, "no message behind the pause");
    // The same with the function's mask.
    irq(0, 0);
    irq(0, 0);
    msix_mask[0] = 1'b1;
    quiet();
    rd(0, Pending, 32'd2, "pending behind a pause, function masked");
    msix_mask[0] = 1'b0;
    quiet();
    if (messages != n + 5) $fatal(1, "%0d messages with the function's mask", messages - n);
    // A reset takes what is held; limits stay.
    pf(0, 1'b1, 10, Long);
    irq(0, 0);
    irq(0, 0);
    n = messages;
    status(0, 8'd0);
    wait_reset(0);
    quiet();
    if (messages != n) $fatal(1, "a message behind a reset");
    bring_up(0);
    irq(0, 0);
    irq(0, 0);
    n = messages;
    flr(0, 1'b1);
    wait_reset(0);
    flr(0, 1'b0);
    bring_up(0);
    // The pause of before goes on: then one, and after one more pause the other.
    irq(0, 0);
    if (messages != n) $fatal(1, "a reset ends a pause");
    quiet();
    if (messages != n + 1) $fatal(1, "%0d messages after a reset in a pause", messages - n);
    pf(0, 1'b0, 9);
    if (got != 32'h8765_4321) $fatal(1, "rate after resets: %h", got);
    pf(0, 1'b0, 10);
    if (got != Long) $fatal(1, "gap after resets: %h", got);
    // No gap, no pause.
    pf(0, 1'b1, 10, 32'd0);
    n = messages;
    repeat (3) irq(0, 0);
    if (messages != n + 3) $fatal(1, "a pause without a gap");
    quiet();
    take_all();
    msg_slow = 4;
  endtask

  // Resets of every kind a number of clocks into a bring-up with slow rings; and one while another is under way.
  task automatic resets_under_way();
    int unsigned n;
    if (Share == 0) return;
    give_all();
    msix_enable = '1;
    for (int unsigned k = 0; k < 60; k++) begin
      for (int v = 0; v < int'(N_VF); v++) if (v < 8) begin
        slow = 200;
        msg_slow = chance(50) ? below(30) : 600;
        bring_up(v);
        vf(v, 1'b1, Notify + 4, 32'd1, 4'b0011);
        if (rings_on[qid_of(v, 0)] && rings_vf[qid_of(v, 0)] == v) irq(v, 0);
        clocks(below(3 * k + 1));
        case (below(4))
          0: status(v, 8'd0);
          1: flr(v, 1'b1);
          2: pf(v, 1'b1, 0, 32'd2);
          default: begin
            status(v, 8'd0);
            clocks(below(100));
            if (chance(50)) flr(v, 1'b1);
            if (chance(50)) pf(v, 1'b1, 0, 32'd2);
          end
        endcase
        expect_busy(v);
      end
      for (int v = 0; v < int'(N_VF); v++) begin
        wait_reset(v);
        if (flr_req[v]) begin
          clocks(2);
          if (!flr_done[v]) $fatal(1, "VF %0d: FLR is not done", v);
          flr(v, 1'b0);
        end
        if (!m[v].owner) give(v, v * Share, Share, 4);
      end
      n = resets;
      look();
      if (n != resets) $fatal(1, "a reset on its own");
    end
    take_all();
    slow = 4;
  endtask

  // Under reset the status reads as it was, writes do nothing; the PF cannot give the pool anew.
  task automatic expect_busy(input int v);
    vf(v, 1'b0, 'h14);
    vf(v, 1'b1, 'h14, 32'h0001_000F);
    vf(v, 1'b0, 'h14);
    vf(v, 1'b1, 'h1C, 32'd1);
    if (m[v].leaving) begin
      pf(v, 1'b1, 0, {8'd4, 8'd1, 8'd0, 8'h03});
      pf(v, 1'b0, 0);
    end
  endtask

  // Guests that write anything anywhere, and drivers that get far, on all VFs; the PF gives and takes.
  task automatic hostile(input int unsigned steps);
    int v;
    int unsigned q, used;
    logic [31:0] data;
    msix_enable = '1;
    for (int unsigned i = 0; i < steps; i++) begin
      v = int'(below(N_VF));
      if (i % 64 == 0) begin
        slow     = chance(30) ? 400 : below(20);
        msg_slow = chance(20) ? 300 : below(20);
      end
      case (below(48))
        0: if (!m[v].owner) give(v, below(4 * N_VF) < 3 * N_VF ? v * Share : below(N_QP + 2),
                                 chance(80) ? (Share == 0 ? 1 : Share) : below(N_QP + 2), below(20));
        1: if (m[v].owner && !m[v].resetting && !flr_req[v]) bring_up(v);
        2: if (chance(30)) pf(v, 1'b1, 0, rnd() & ~32'd1);
        3: pf(v, 1'b1, 1 + below(9), chance(20) ? rnd() : {16'd1500, 16'h02BB});
        4: pf(v, 1'b1, 10, chance(50) ? 0 : below(40));
        20: if (chance(30) && !flr_req[v]) flr(v, 1'b1);
        5, 6: if (flr_done[v]) flr(v, 1'b0);
        7: if (m[v].owner) pf(v, 1'b1, 0, {m[v].w0[31:3], 3'b101 | {1'b0, m[v].w0[1], 1'b0}});
        8: begin
          q = below(2 * pairs_of(v) + 1);
          if (chance(40) && exists(v, q) && rings_on[qid_of(v, q)] && rings_vf[qid_of(v, q)] == v && m[v].owner &&
              mq[v][q].on && !m[v].resetting) begin
            // The queue must be on by the registers' word too.
            clocks(12);
            qerr(v, q, 8'(1 + below(11)));
          end
        end
        9: begin
          msix_mask[v]   = chance(30);
          msix_enable[v] = chance(90);
          clocks(1);
        end
        11: if (chance(20)) quiet();
        12: if (chance(5)) look();
        13: begin
          nobuf_vport   = 7'(v);
          refused_vport = 7'(v);
          filtered_vport = 7'(v);
          nobuf_valid   = 1'b1;
          refused_valid = 1'b1;
          filtered_valid = 1'b1;
          used = 1 + below(4);
          clocks(used);
          nobuf_valid   = 1'b0;
          refused_valid = 1'b0;
          clocks(1);
          filtered_valid = 1'b0;
          clocks(2);
          m[v].nobuf += used;
          m[v].refused += used;
          m[v].filtered += used + 1;
        end
        14: clocks(below(60));
        15: if (chance(30)) status(v, 8'd0);
        7, 16, 17: begin
          q = below(2 * pairs_of(v) + 1);
          if (exists(v, q) && rings_on[qid_of(v, q)] && rings_vf[qid_of(v, q)] == v && m[v].owner && mq[v][q].on) begin
            irq(v, q);
          end
        end
        10, 18, 19: if (m[v].owner && live_of(v)) vf(v, 1'b1, Notify + 4 * below(4), rnd(), 4'b0011);
        21: if (m[v].owner && m[v].status == '0 && !flr_req[v] && !m[v].resetting) bring_up(v);
        default: begin
          // Few addresses outside the regions, many of the common configuration.
          case (below(8))
            0: q = below('h10000);
            1: q = Table + below('h110);
            2: q = (chance(50) ? Notify : Pending) + below('h20);
            3: q = Isr + below(4) * 64;
            default: q = below('h40);
          endcase
          data = rnd();
          case (below(5))
            0: data = 32'd1 << below(32);
            1: data = below(20);
            2: data = {12'd0, 4'(below(5)), 16'(below(16))};
            3: data = data & 32'hFFFF_FFF0;
            default: ;
          endcase
          vf(v, chance(60), q, data, chance(60) ? 4'hF : 4'(rnd()));
        end
      endcase
    end
    for (int i = 0; i < int'(N_VF); i++) begin
      wait_reset(i);
      if (flr_req[i]) flr(i, 1'b0);
    end
    quiet();
    look();
    for (int i = 0; i < int'(N_VF); i++) msix_mask[i] = 1'b0;
    for (int i = 0; i < int'(N_VF); i++) pf(i, 1'b1, 10, 0);
    quiet();
    take_all();
    for (int i = 0; i < 256; i++) if (rings_on[i]) $fatal(1, "queue %0d is left on", i);
  endtask
