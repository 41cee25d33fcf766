// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_rx_steer against rx_model_pkg: random frames and gaps, random backpressure, and words of the
// configuration written and read at any moment. An access holds the input back, so each frame has
// exactly one right queue: the one of the words that were there when the beat that completes its
// header was taken. Every beat comes out as it went in. Then a beat per clock, and the hashes that
// Microsoft publishes: on hp_toeplitz all 32 bits, on the whole block those that choose a queue.
//
// bench-args: --unroll-count 8 ${rtl}/hp_vio_pkg.sv ${rtl}/hp_soc_pkg.sv ${rtl}/../tb/rx_model_pkg.sv ${rtl}/../tb/rx_frames_pkg.sv
// bench: -GDATA_W=512
// bench: -GDATA_W=256 -GN_VF=5 -GN_QP=9 -GN_FILTER=3 -GN_ETHERTYPE=1
// bench: -GDATA_W=128 -GN_VF=64 -GN_QP=64 -GN_ETHERTYPE=48
// bench: -GDATA_W=512 -GN_VF=1 -GN_QP=4

module tb_rx_steer
  import hp_pkg::*, hp_vio_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  parameter int unsigned N_FILTER = 32,
  parameter int unsigned N_ETHERTYPE = 8
);
  import tb_pkg::*;
  import rx_model_pkg::*;
  import rx_frames_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned Head  = (96 + Bytes - 1) / Bytes;   // beats of a header at most

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic                 cfg_req = 1'b0, cfg_we = 1'b0, cfg_ack;
  logic [13:0]          cfg_addr = '0;
  logic [31:0]          cfg_wdata = '0, cfg_rdata;
  vf_pairs_t [N_VF-1:0] pairs = '0;
  logic                 rx_valid = 1'b0, rx_ready, rx_last = 1'b0, m_valid, m_ready = 1'b0, m_last;
  logic [DATA_W-1:0]    rx_data = '0, m_data;
  logic [Bytes-1:0]     rx_keep = '0, m_keep;
  port_t                rx_dest = '0, m_dest;
  len_t                 rx_len = '0, m_len;
  qp_t                  m_qp;
  logic                 rests;

  hp_rx_steer #(
    .DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP), .N_FILTER(N_FILTER), .N_ETHERTYPE(N_ETHERTYPE)
  ) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .cfg_req_i(cfg_req), .cfg_we_i(cfg_we), .cfg_addr_i(cfg_addr),
    .cfg_wdata_i(cfg_wdata), .cfg_ack_o(cfg_ack), .cfg_rdata_o(cfg_rdata), .vf_pairs_i(pairs),
    .vlan_filter_i('0), .vf_reset_i('0), .vlan_op_i('0), .vlan_op_v_i('0), .vlan_op_vid_i('0),
    .vlan_busy_o(), .filtered_valid_o(), .filtered_vport_o(), .m_sum_o(),
    .rx_tvalid_i(rx_valid), .rx_tready_o(rx_ready), .rx_tdata_i(rx_data), .rx_tkeep_i(rx_keep),
    .rx_tlast_i(rx_last), .rx_tdest_i(rx_dest), .rx_len_i(rx_len), .m_tvalid_o(m_valid),
    .m_tready_i(m_ready), .m_tdata_o(m_data), .m_tkeep_o(m_keep), .m_tlast_o(m_last),
    .m_tdest_o(m_dest), .m_len_o(m_len), .m_qp_o(m_qp), .idle_o(rests)
  );

  // The sink: every beat as it was sent, every frame to its queue.
  typedef struct packed {
    logic [DATA_W-1:0] data;
    logic [Bytes-1:0]  keep;
    logic              last;
    port_t             dest;
    len_t              len;
  } beat_t;
  typedef struct packed {
    logic any;                         // the VF has no pair: whatever
    qp_t  qp;
  } want_t;
  beat_t       beats [$];
  want_t       wants [$];
  int unsigned sink_percent = 50, frames_out = 0, beats_out = 0, clocks = 0;
  int unsigned out_first = 0, out_last = 0;
  qp_t         last_qp;

  always @(posedge clk) begin
    beat_t b;
    clocks++;
    if (clocks > 2000000) $fatal(1, "no end: %0d frames to send, %0d beats inside, %0d accesses to make, at rest %0d", todo,
                                 beats.size(), ops.size(), at_rest);
    if (rst_n && rests && beats.size() != 0) $fatal(1, "idle with %0d beats inside", beats.size());
    if (rst_n && m_valid && m_ready) begin
      if (beats.size() == 0) $fatal(1, "a beat from nowhere");
      if (wants.size() == 0) $fatal(1, "a beat before its header was complete");
      b = beats.pop_front();
      if ({m_data, m_keep, m_last, m_dest, m_len} != b) $fatal(1, "beat %0d is not what was sent", beats_out);
      if (!wants[0].any && m_qp != wants[0].qp) begin
        $fatal(1, "frame %0d of VF %0d: queue pair %0d, want %0d", frames_out, m_dest, m_qp, wants[0].qp);
      end
      if (beats_out == 0) out_first = clocks;
      out_last = clocks;
      last_qp  = m_qp;
      beats_out++;
      if (m_last) begin
        frames_out++;
        void'(wants.pop_front());
      end
    end
    m_ready <= chance(sink_percent);
  end

  // Inputs change at the falling edge; a beat is taken at the next rising one if the block is ready
  // by then. The source: so many frames of a kind. Its expectation is made when the header's last
  // beat is taken.
  typedef enum {Random, Steady, Published} kind_e;
  kind_e       kind = Random;
  int unsigned todo = 0, steady_bytes = 60, vector = 0, waited = 0, beats_in = 0, in_first = 0, in_last = 0;
  int unsigned gap_percent = 20;
  logic [287:0] hash_in = '0;
  logic [31:0]  hash_want, hash_out;

  initial forever begin : source
    beat_t       b;
    want_t       want;
    int unsigned last, vf;
    while (todo == 0) @(negedge clk);
    vf = 0;
    case (kind)
      Random: begin
        make_frame();
        vf = chance(20) ? below(N_VF) : some_vf();
      end
      Steady: begin
        make_steady(steady_bytes);
        vf = below(N_VF);
      end
      default: hash_want = make_vector(vector, hash_in);
    endcase
    last = (len + Bytes - 1) / Bytes - 1;
    for (int unsigned i = 0; i <= last; i++) begin
      rx_valid = 1'b0;
      while (chance(gap_percent)) @(negedge clk);
      b = '0;
      for (int unsigned k = 0; k < Bytes; k++) begin
        if (i * Bytes + k < len) begin
          b.data[8*k +: 8] = fr[i*Bytes + k];
          b.keep[k]        = 1'b1;
        end
      end
      b.last = i == last;
      b.dest = port_t'(vf);
      b.len  = len_t'(len);
      {rx_data, rx_keep, rx_last, rx_dest, rx_len} = b;
      rx_valid = 1'b1;
      waited   = 0;
      while (!rx_ready) begin
        waited++;
        if (waited > 5000) $fatal(1, "the block takes no more");
        @(negedge clk);
      end
      if (beats_in == 0) in_first = clocks;
      in_last = clocks;
      beats_in++;
      beats.push_back(b);
      if (i == ((last < Head - 1) ? last : Head - 1)) begin
        want.any = count[vf] == 0;
        want.qp  = qp_t'(base[vf] + queue_of(vf));
        wants.push_back(want);
      end
      @(negedge clk);
    end
    rx_valid = 1'b0;
    todo--;
  end

  task automatic frames(input kind_e what, input int unsigned n);
    int unsigned idle = 0;
    kind = what;
    todo = n;
    while (todo != 0) @(negedge clk);
    while (beats.size() != 0) begin
      @(negedge clk);
      idle++;
      if (idle > 5000) $fatal(1, "%0d beats never came out", beats.size());
    end
    repeat (20) @(negedge clk);
  endtask

  // Accesses, one after the other. What one changes holds from the clock on in which the input is
  // held back.
  int unsigned accesses = 0, longest = 0;
  bit          configure = 0, at_rest = 0;

  initial forever begin : config_port
    op_t         o;
    logic [31:0] want;
    int unsigned n;
    while (ops.size() == 0) begin
      at_rest = !configure;
      if (configure) some_ops();
      repeat (1 + below(60)) @(negedge clk);
    end
    at_rest   = 0;
    o         = ops.pop_front();
    cfg_req   = 1'b1;
    cfg_we    = o.we;
    cfg_addr  = o.at;
    cfg_wdata = o.w;
    @(negedge clk);
    cfg_req   = 1'b0;
    cfg_addr  = 14'(rnd());
    cfg_wdata = rnd();
    if (rx_ready) $fatal(1, "an access does not hold the input");
    if (o.we) write_model(32'(o.at), o.w);
    want = read_model(32'(o.at));
    n    = 1;
    while (!cfg_ack) begin
      @(negedge clk);
      n++;
      if (n > 20) $fatal(1, "an access to %h is not answered", o.at);
    end
    if (n > longest) longest = n;
    if (!o.we && cfg_rdata != want) $fatal(1, "%h reads %h, want %h", o.at, cfg_rdata, want);
    accesses++;
  end

  task automatic config_done();
    configure = 0;
    at_rest   = 0;
    while (!at_rest) @(negedge clk);
  endtask

  task automatic run(input int unsigned n);
    configure = 1;
    for (int unsigned i = 0; i < n; i += 100) begin
      for (int unsigned v = 0; v < N_VF; v++) begin
        count[v] = chance(5) ? 0 : chance(50) ? N_QP : 1 + below(N_QP);
        base[v]  = below(N_QP - count[v] + 1);
        pairs[v] = '{base: qp_t'(base[v]), count: qp_t'(count[v])};
      end
      sink_percent = chance(40) ? 100 : 5 + below(95);
      gap_percent  = chance(40) ? 0 : below(90);
      frames(Random, 100);
    end
    config_done();
  endtask

  task automatic reset();
    rst_n = 1'b0;
    repeat (3) @(negedge clk);
    reset_model();
    rst_n = 1'b1;
    repeat (3) @(negedge clk);
  endtask

  // Without a gap on either side a beat comes out per clock.
  task automatic throughput(input int unsigned bytes);
    gap_percent  = 0;
    sink_percent = 100;
    steady_bytes = bytes;
    repeat (3) @(negedge clk);
    beats_in  = 0;
    beats_out = 0;
    frames(Steady, 400);
    if (in_last - in_first + 1 != beats_in || out_last - out_first + 1 != beats_out || beats_in != beats_out)
      $fatal(1, "%0d beats of %0d byte frames went in in %0d clocks and came out in %0d", beats_in, bytes,
             in_last - in_first + 1, out_last - out_first + 1);
  endtask

  // The published hashes: all bits on hp_toeplitz; on the whole block what the default key makes of
  // them, with all queue pairs in use.
  hp_toeplitz u_toeplitz (.clk_i(clk), .valid_i(1'b1), .key_i(MsKey), .data_i(hash_in), .hash_o(hash_out));

  task automatic published();
    for (int unsigned v = 0; v < N_VF; v++) begin
      base[v]  = 0;
      count[v] = N_QP;
      pairs[v] = '{base: '0, count: qp_t'(N_QP)};
    end
    for (vector = 0; vector < 16; vector++) begin
      frames(Published, 1);
      if (hash_out != hash_want) $fatal(1, "hash %h, published %h", hash_out, hash_want);
      if (last_qp != qp_t'(hash_want % 128 % N_QP)) $fatal(1, "published hash %h: queue pair %0d", hash_want, last_qp);
    end
  endtask

  int unsigned n_frames;
  string       must [18] = '{
    "truncated", "addresses only", "ethertype", "ethertype not in use", "priority", "priority not in use",
    "several filters", "filter v4", "filter v6", "filter, addresses only", "filter not in use", "hash",
    "default hash", "hash v4 ports", "hash v6 ports", "entry not in use", "zero", "zero for IP"
  };
  initial begin
    void'(seed_from_args("tb_rx_steer"));
    if ($value$plusargs("frames=%d", n_frames) == 0) n_frames = 6000;
    n_vf = N_VF;
    n_qp = N_QP;
    n_filter = N_FILTER;
    n_ethertype = N_ETHERTYPE;
    clear_model();
    reset();

    published();
    for (int unsigned f = 0; f < N_FILTER; f++) write_filter(f);
    config_done();
    run(n_frames);
    reset();     // nothing is enabled after one, and what was written is still there
    for (int unsigned f = 0; f < N_FILTER; f++) op(0, 'h800 + 64 * f + 40, 0);
    op(1, 'h800 + 40, {1'b1, flt[0][10][30:0]});
    op(0, 'h800 + 40, 0);
    config_done();
    run(n_frames);
    throughput(60);
    throughput(64);
    throughput(65);
    throughput(3 * Bytes + 1);
    repeat (20) @(negedge clk);
    if (!rests) $fatal(1, "never idle");
    foreach (must[i]) if (steps[must[i]] == 0) $fatal(1, "never: %s", must[i]);
    foreach (steps[s]) $display("  %-24s %0d", s, steps[s]);
    $display("PASS %0d frames, %0d accesses, the longest took %0d clocks", frames_out, accesses, longest);
    $finish;
  end
endmodule
