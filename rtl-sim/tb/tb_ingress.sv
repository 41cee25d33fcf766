// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_ingress as a whole: wire, granted host frames and core frames at random, under stalls. Each source's frames
// must come out once, in order and gapless; numbers count up; `busy_o` falls only when all is out.
// Also at full rate: one-beat frames from one vPort leave one per clock.
//
// bench: -GDATA_W=128 -GN_VF=5

module tb_ingress #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8
);
  import tb_pkg::*;
  import hp_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned Up = 0, Host = 1, Core = 2;
  typedef logic [DATA_W-1:0] data_t;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic [N_VF-1:0] host_req = '0;
  logic  grant_valid, grant_ready = 1'b0;
  port_t grant_vport;
  logic  wire_tvalid = 1'b0, wire_tlast = 1'b0, wire_tuser = 1'b0;
  logic  host_tvalid = 1'b0, host_tlast = 1'b0, host_tuser = 1'b0;
  data_t wire_tdata = '0, host_tdata = '0, core_data = '0;
  logic [Bytes-1:0] wire_tkeep = '0, host_tkeep = '0;
  logic  host_tready, wire_tready, core_valid = 1'b0, core_ready, core_sof = 1'b0, core_eof = 1'b0;
  port_t host_tdest = '0;
  frame_meta_t core_meta = '0, pl_meta;
  logic  stall_host = 1'b0, stall_all = 1'b0, pl_valid, pl_sof, pl_eof, busy;
  data_t pl_data;

  hp_ingress #(.DATA_W(DATA_W), .N_VF(N_VF)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .vswitch_mask_i('0),
    .host_req_i(host_req), .host_grant_valid_o(grant_valid), .host_grant_ready_i(grant_ready),
    .host_grant_vport_o(grant_vport),
    .s_host_tvalid_i(host_tvalid), .s_host_tready_o(host_tready), .s_host_tdata_i(host_tdata),
    .s_host_tkeep_i(host_tkeep), .s_host_tlast_i(host_tlast), .s_host_tuser_i(host_tuser),
    .s_host_tdest_i(host_tdest),
    .s_wire_tvalid_i(wire_tvalid), .s_wire_tready_o(wire_tready), .s_wire_tdata_i(wire_tdata),
    .s_wire_tkeep_i(wire_tkeep), .s_wire_tlast_i(wire_tlast), .s_wire_tuser_i(wire_tuser),
    .core_valid_i(core_valid), .core_ready_o(core_ready), .core_data_i(core_data),
    .core_sof_i(core_sof), .core_eof_i(core_eof), .core_meta_i(core_meta),
    .stall_host_i(stall_host), .stall_all_i(stall_all),
    .pl_valid_o(pl_valid), .pl_sof_o(pl_sof), .pl_eof_o(pl_eof), .pl_data_o(pl_data),
    .pl_meta_o(pl_meta), .busy_o(busy)
  );

  typedef struct packed {
    int unsigned id;
    int unsigned len;
    port_t       src;
    int unsigned fault;
  } frame_t;

  frame_t      sent [4][$];  // a power of two: 5.006 cannot bound-check an array of queues
  frame_t      now [4];
  int unsigned at [3], next_id, rate [3], longest, out_frames [3], lost, tombs, beats, waiting [N_VF];
  port_t       granted[$];
  bit          active [3], midframe, one_vport;
  int unsigned out_of, out_at;
  seq_t        seq;
  frame_meta_t first_meta;

  function automatic logic [7:0] payload(input int unsigned id, input int unsigned i);
    int unsigned x = id * 32'd2654435761 + i * 32'd40503;
    return 8'(x >> 13);
  endfunction

  task automatic start(input int unsigned s, input port_t src);
    active[s] = 1'b1;
    at[s] = 0;
    now[s].id = next_id++;
    now[s].src = src;
    now[s].len = longest <= 60 ? 60 : 60 + below(longest - 60);
    now[s].fault = 0;
    if (s != Core && longest > 60 && chance(3)) now[s].fault = 32'(hp_abi_pkg::RSN_BAD_FRAME);
    if (s == Core && chance(20)) begin
      now[s].fault = 32'(hp_abi_pkg::RSN_LEARN_REFUSED);
      now[s].len = 60;
    end
    sent[s].push_back(now[s]);
  endtask

  function automatic data_t beat_of(input int unsigned s);
    data_t d;
    for (int unsigned i = 0; i < Bytes; i++) begin
      d[8*i +: 8] = at[s] + i < now[s].len ? payload(now[s].id, at[s] + i) : 8'h0;
    end
    return d;
  endfunction

  // Source s, once per clock: advances when the beat now offered will be taken.
  task automatic source(input int unsigned s);
    data_t d;
    logic [Bytes-1:0] keep;
    bit last;
    if (!active[s] && s == Host && granted.size() != 0) start(s, granted.pop_front());
    if (!active[s] && s == Up && chance(rate[s])) start(s, PortUplink);
    if (!active[s] && s == Core && chance(rate[s])) start(s, port_t'(below(N_VF)));
    last = at[s] + Bytes >= now[s].len || (s == Core && now[s].fault != 0);
    d = beat_of(s);
    for (int unsigned i = 0; i < Bytes; i++) keep[i] = at[s] + i < now[s].len;
    if (s == Core) begin
      core_valid = active[s];
      core_sof = at[s] == 0;
      core_eof = last;
      core_data = d;
      core_meta = '0;
      core_meta.core = 1'b1;
      core_meta.src = now[s].src;
      core_meta.len = len_t'(now[s].len);
      core_meta.tomb = now[s].fault != 0;
      core_meta.tomb_reason = reason_t'(now[s].fault);
      core_meta.count = 16'd1;
    end else if (s == Up) begin
      wire_tvalid = active[s];
      wire_tdata = d;
      wire_tkeep = keep;
      wire_tlast = last;
      wire_tuser = last && now[s].fault != 0;
    end else begin
      host_tvalid = active[s];
      host_tdata = d;
      host_tkeep = keep;
      host_tlast = last;
      host_tuser = last && now[s].fault != 0;
      host_tdest = now[s].src;
    end
    if (active[s] && (s == Up ? wire_tready : s == Host ? host_tready : core_ready)) begin
      at[s] += Bytes;
      if (last) active[s] = 1'b0;
    end
  endtask

  task automatic sink();
    frame_t f;
    if (midframe && !pl_valid) $fatal(1, "gap inside a frame");
    if (pl_valid) begin
      beats++;
      if (pl_sof == midframe) $fatal(1, "sof %b inside %b", pl_sof, midframe);
      if (!busy) $fatal(1, "a beat while not busy");
      if (pl_sof) begin
        out_of = pl_meta.core ? Core : pl_meta.src == PortUplink ? Up : Host;
        out_at = 0;
        first_meta = pl_meta;
        if (pl_meta.seq != seq) $fatal(1, "number %0d, want %0d", pl_meta.seq, seq);
        seq++;
      end
      if (pl_meta != first_meta) $fatal(1, "meta changed inside a frame");
      if (32'(pl_meta.count) > sent[out_of].size()) $fatal(1, "source %0d: not sent", out_of);
      f = sent[out_of][0];
      if (pl_meta.tomb) begin
        if (!pl_eof) $fatal(1, "a tombstone of more than one beat");
        tombs++;
        if (pl_meta.tomb_reason == hp_abi_pkg::RSN_STORE_FULL && out_of == Up) begin
          repeat (32'(pl_meta.count)) void'(sent[out_of].pop_front());
          lost += 32'(pl_meta.count);
        end else begin
          if (32'(pl_meta.tomb_reason) != f.fault || pl_meta.src != f.src)
            $fatal(1, "source %0d: tombstone %0d, want %0d", out_of, pl_meta.tomb_reason, f.fault);
          void'(sent[out_of].pop_front());
        end
      end else begin
        if (f.fault != 0 || 32'(pl_meta.len) != f.len || pl_meta.src != f.src)
          $fatal(1, "source %0d frame %0d: len %0d want %0d", out_of, f.id, pl_meta.len, f.len);
        for (int unsigned i = 0; i < Bytes; i++) begin
          if (pl_data[8*i +: 8] !== (out_at + i < f.len ? payload(f.id, out_at + i) : 8'h0))
            $fatal(1, "source %0d frame %0d: byte %0d differs", out_of, f.id, out_at + i);
        end
        out_at += Bytes;
        if (pl_eof != (out_at >= f.len)) $fatal(1, "frame %0d: eof %b at %0d", f.id, pl_eof, out_at);
        if (pl_eof) begin
          void'(sent[out_of].pop_front());
          out_frames[out_of]++;
        end
      end
      midframe = !pl_eof;
    end
  endtask

  task automatic step();
    logic [N_VF-1:0] req;
    sink();
    source(Up);
    source(Host);
    source(Core);
    for (int unsigned v = 0; v < N_VF; v++) begin
      if (waiting[v] < 8 && chance(rate[Host]) && (!one_vport || v == 0)) waiting[v]++;
      req[v] = waiting[v] != 0;
    end
    host_req = req;
    grant_ready = granted.size() < 4;
    #4;
    if (grant_valid && grant_ready) begin
      if (waiting[grant_vport[$clog2(N_VF)-1:0]] == 0) $fatal(1, "granted %0d in vain", grant_vport);
      waiting[grant_vport[$clog2(N_VF)-1:0]]--;
      granted.push_back(grant_vport);
    end
    @(negedge clk);
  endtask

  task automatic drain();
    int unsigned patience = 300000;
    for (int unsigned s = 0; s < 3; s++) rate[s] = 0;
    stall_host = 1'b0;
    stall_all = 1'b0;
    while (busy || granted.size() != 0 || host_req != '0 || active[0] || active[1] || active[2])
    begin
      if (patience == 0) $fatal(1, "never done");
      patience--;
      step();
    end
    repeat (10) step();
    if (sent[Up].size() + sent[Host].size() + sent[Core].size() != 0) $fatal(1, "frames missing");
  endtask

  initial begin
    void'(seed_from_args("tb_ingress"));
    seq = '0;
    for (int unsigned s = 0; s < 3; s++) begin
      active[s] = 1'b0;
      at[s] = 0;
      rate[s] = 0;
    end
    for (int unsigned v = 0; v < N_VF; v++) waiting[v] = 0;
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);

    // Shortest frames of one vPort: as fast as the host stream itself.
    one_vport = 1'b1;
    longest = 60;
    rate[Host] = 100;
    repeat (100) step();
    beats = 0;
    repeat (2000) step();
    if (beats < 1999) $fatal(1, "%0d beats in 2000 clocks from one vPort", beats);
    drain();
    one_vport = 1'b0;

    for (int n = 0; n < 40; n++) begin
      longest = (n % 8 == 7) ? 9216 : 61 + below(600);
      rate[Up] = below(101);
      rate[Host] = below(101);
      rate[Core] = below(40);
      repeat (1500) begin
        if (chance(3)) stall_host = chance(40);
        if (chance(2)) stall_all = chance(n % 4 == 3 ? 80 : 20);
        step();
      end
      // Nothing leaves for long: the wire's store overflows.
      if (n % 8 == 5) begin
        rate[Up] = 100;
        stall_all = 1'b1;
        repeat (4000) step();
      end
      drain();
    end
    if (out_frames[Up] < 500 || out_frames[Host] < 500 || out_frames[Core] < 100 || lost == 0)
      $fatal(1, "too little: %0d %0d %0d lost %0d", out_frames[Up], out_frames[Host],
             out_frames[Core], lost);
    $display("PASS uplink %0d (lost %0d), host %0d, core %0d, tombstones %0d", out_frames[Up], lost,
             out_frames[Host], out_frames[Core], tombs);
    $finish;
  end
endmodule
