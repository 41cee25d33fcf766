// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What a guest has done for it on receive: hp_rx_steer with hp_vq_rx_csum behind it, a source and a sink
// that both stall. Frames of every kind and length, right and with a wrong byte anywhere: a checksum is
// said to be good if a model that works byte by byte says so, of no other frame, and only for queues
// that asked. Frames of VLANs that a guest does not take are lost and told once; VLANs come and go one by
// one, all at once, and with a reset at any moment, beside the traffic of the other VFs. All in order,
// each byte; a beat per clock goes through.
//
// bench-args: -MAKEFLAGS OPT_FAST=-O1 ${rtl}/hp_vio_pkg.sv ${rtl}/hp_soc_pkg.sv ${rtl}/hp_vq_pkg.sv
// bench: -GDATA_W=512
// bench: -GDATA_W=256 -GN_VF=3
// bench: -GDATA_W=128 -GN_VF=1

module tb_rx_offload #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8
);
  import tb_pkg::*;
  import hp_pkg::*, hp_vio_pkg::*, hp_soc_pkg::*, hp_abi_pkg::*;

  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned N_QP  = 2 * N_VF;
  localparam int unsigned VW    = (N_VF > 1) ? $clog2(N_VF) : 1;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  vf_pairs_t [N_VF-1:0] pairs;
  logic [N_VF-1:0]      filter = '0, vf_reset = '0;
  logic [N_QP-1:0]      csum = '0;
  vlan_op_t             op = '0;
  logic [VW-1:0]        op_v = '0;
  vlan_t                op_vid = '0;
  logic                 busy, filtered, steer_idle, csum_idle;
  port_t                filtered_vport;
  logic                 rx_valid = 1'b0, rx_ready, rx_last = 1'b0;
  logic [DATA_W-1:0]    rx_data = '0, st_data, m_data;
  logic [Bytes-1:0]     rx_keep = '0;
  port_t                rx_dest = '0, st_dest, m_dest;
  len_t                 rx_len = '0, st_len, m_len;
  logic                 st_valid, st_ready, st_last, m_valid, m_ready = 1'b0, m_last, m_good;
  qp_t                  st_qp, m_qp;
  l4_sum_t              st_sum;

  hp_rx_steer #(.DATA_W(DATA_W), .N_VF(N_VF), .N_QP(N_QP)) u_steer (
    .clk_i(clk), .rst_ni(rst_n), .cfg_req_i(1'b0), .cfg_we_i(1'b0), .cfg_addr_i('0), .cfg_wdata_i('0),
    .cfg_ack_o(), .cfg_rdata_o(), .vf_pairs_i(pairs), .vlan_filter_i(filter), .vf_reset_i(vf_reset),
    .vlan_op_i(op), .vlan_op_v_i(op_v), .vlan_op_vid_i(op_vid), .vlan_busy_o(busy),
    .filtered_valid_o(filtered), .filtered_vport_o(filtered_vport),
    .rx_tvalid_i(rx_valid), .rx_tready_o(rx_ready), .rx_tdata_i(rx_data), .rx_tkeep_i(rx_keep),
    .rx_tlast_i(rx_last), .rx_tdest_i(rx_dest), .rx_len_i(rx_len),
    .m_tvalid_o(st_valid), .m_tready_i(st_ready), .m_tdata_o(st_data), .m_tkeep_o(), .m_tlast_o(st_last),
    .m_tdest_o(st_dest), .m_len_o(st_len), .m_qp_o(st_qp), .m_sum_o(st_sum), .idle_o(steer_idle)
  );

  hp_vq_rx_csum #(.DATA_W(DATA_W), .N_QP(N_QP)) u_csum (
    .clk_i(clk), .rst_ni(rst_n), .csum_i(csum), .s_tvalid_i(st_valid), .s_tready_o(st_ready), .s_tdata_i(st_data),
    .s_tlast_i(st_last), .s_tdest_i(st_dest), .s_len_i(st_len), .s_qp_i(st_qp), .s_sum_i(st_sum),
    .m_tvalid_o(m_valid), .m_tready_i(m_ready), .m_tdata_o(m_data), .m_tlast_o(m_last), .m_tdest_o(m_dest),
    .m_len_o(m_len), .m_qp_o(m_qp), .m_good_o(m_good), .idle_o(csum_idle)
  );

  // ---- the frame that goes in ----
  byte unsigned f [$];
  string        what;                        // it is
  bit           right;                       // the model: its checksum can be, and is, verified

  task automatic put16(input int unsigned at, input int unsigned x);
    f[at]   = 8'(x >> 8);
    f[at+1] = 8'(x);
  endtask

  // Of VLANs, a word of bits: the first ones and the last.
  function automatic int unsigned some_word();
    int unsigned n = below(4);
    return 32 * ((n == 3) ? 127 : n);
  endfunction

  function automatic int unsigned get16(input int unsigned at);
    return {16'd0, f[at], f[at+1]};
  endfunction

  // Of the pseudo header and L4 from `l4` on, as a number modulo 65535.
  function automatic int unsigned total(input int unsigned addrs, input int unsigned l4, input int unsigned n,
                                        input int unsigned proto);
    longint unsigned s = 64'(proto) + 64'(n);
    for (int unsigned i = addrs; i < l4; i++) s += 64'(f[i]) << (((i - addrs) & 1) != 0 ? 0 : 8);
    for (int unsigned i = 0; i < n; i++) s += 64'(f[l4+i]) << ((i & 1) != 0 ? 0 : 8);
    return 32'(s % 65535);
  endfunction

  task automatic make(input int unsigned longest);
    int unsigned tags, l3, hdr, l4, n, proto, sum_at, addrs, pad, tpid;
    bit          v6, options, fragment, zero_sum;
    f.delete();
    for (int unsigned i = 0; i < 12; i++) f.push_back(8'(rnd()));
    tags = chance(50) ? 0 : 1 + below(3);
    for (int unsigned i = 0; i < tags; i++) begin
      case (below(4))
        0: tpid = 'h88a8;
        1: tpid = 'h9100;
        default: tpid = 'h8100;
      endcase
      f.push_back(8'(tpid >> 8));
      f.push_back(8'(tpid));
      // Few VLANs, and 0.
      tpid = (below(8) << 13) | (some_word() + (chance(50) ? 31 : below(4)));
      f.push_back(8'(tpid >> 8));
      f.push_back(8'(tpid));
    end
    v6       = chance(50);
    options  = !v6 && chance(10);
    fragment = !v6 && chance(10);
    case (below(10))
      0: proto = 1;
      1: proto = 132;
      2: proto = 0;                              // hop by hop options
      3, 4, 5: proto = 17;
      default: proto = 6;
    endcase
    hdr = v6 ? 40 : options ? 24 : 20;
    n   = (proto == 17) ? 8 : 20;
    if (chance(50)) n += below(60);
    else if (chance(30)) n += Bytes * below(4) + below(3);
    else n += below(longest - 100);
    l3  = 14 + 4 * tags;
    l4  = l3 + hdr;
    f.push_back(v6 ? 8'h86 : 8'h08);
    f.push_back(v6 ? 8'hdd : 8'h00);
    if (chance(5)) f[l3-1] ^= 8'h01;             // not IP
    for (int unsigned i = 0; i < hdr + n; i++) f.push_back(chance(70) ? 8'(rnd()) : 8'hff);
    if (v6) begin
      f[l3]   = {4'd6, 4'(rnd())};
      put16(l3 + 4, n);
      f[l3+6] = 8'(proto);
      addrs   = l3 + 8;
    end else begin
      f[l3]   = options ? 8'h46 : 8'h45;
      put16(l3 + 2, hdr + n);
      put16(l3 + 6, fragment ? (chance(50) ? 'h2000 : 1 + below('h1fff)) : chance(50) ? 'h4000 : 0);
      f[l3+9] = 8'(proto);
      addrs   = l3 + 12;
    end
    sum_at   = l4 + ((proto == 17) ? 6 : 16);
    zero_sum = 1'b0;
    if (proto inside {6, 17}) begin
      if (proto == 17) put16(l4 + 4, n - (chance(8) ? 1 + below(3) : 0));
      put16(sum_at, 0);
      if (options) begin
        // Options stand between addresses and L4: a right sum is without them.
        int unsigned s = total(l4, l4, n, proto);
        for (int unsigned i = 0; i < 8; i++) s += 32'(f[addrs+i]) << ((i & 1) != 0 ? 0 : 8);
        s = 65535 - s % 65535;
        put16(sum_at, s);
      end else begin
        put16(sum_at, 65535 - total(addrs, l4, n, proto));
      end
      if (proto == 17 && chance(5)) begin
        zero_sum = 1'b1;
        put16(sum_at, 0);
      end
    end
    pad = chance(30) ? below(50) : 0;
    for (int unsigned i = 0; i < pad; i++) f.push_back(8'(rnd()));
    // Lengths that are wrong, and bytes.
    if (chance(10)) put16(v6 ? l3 + 4 : l3 + 2, get16(v6 ? l3 + 4 : l3 + 2) + below(80) - 40);
    if (chance(25)) f[below(f.size())] ^= 8'(1 << below(8));
    if (chance(5)) repeat (1 + below(30)) void'(f.pop_back());
    while (f.size() < 60) f.push_back(8'(rnd()));
    judge();
  endtask

  // What the standards say of the bytes that are there now.
  task automatic judge();
    int unsigned at, n, proto, tags, hdr;
    right = 1'b0;
    what  = "other";
    at    = 12;
    tags  = 0;
    for (int unsigned i = 0; i < 3; i++) begin
      n = get16(at);
      if (tags == i && (n inside {'h8100, 'h88a8, 'h9100})) begin
        at += 4;
        tags++;
      end
    end
    if (tags == 3) return;
    if (get16(at) == 'h0800) begin
      at += 2;
      if (f[at] != 8'h45) return;
      if ((get16(at + 6) & 'h3fff) != 0) return;
      hdr   = 20;
      n     = get16(at + 2) - 20;
      proto = 32'(f[at+9]);
    end else if (get16(at) == 'h86dd) begin
      at += 2;
      if (f[at][7:4] != 4'd6) return;
      hdr   = 40;
      n     = get16(at + 4);
      proto = 32'(f[at+6]);
    end else return;
    if (n > 65000 || at + hdr + n > f.size()) return;
    if (proto == 6 && n < 20) return;
    if (proto == 17 && (n < 8 || get16(at + hdr + 4) != n || get16(at + hdr + 6) == 0)) return;
    if (!(proto inside {6, 17})) return;
    right = total(at + hdr - ((hdr == 20) ? 8 : 32), at + hdr, n, proto) == 0;
    what  = $sformatf("%s v%0d %0d tags", right ? "right" : "wrong", (hdr == 20) ? 4 : 6, tags);
  endtask

  // ---- what must come out ----
  typedef struct packed {
    logic        good;
    port_t       dest;
    logic [31:0] len;
    logic [31:0] tag;                            // the first one, for a message
  } frame_t;
  frame_t       out [$];
  byte unsigned want [$];                        // of all frames behind one another
  int unsigned  lost [N_VF], told [N_VF], came, goods, wrongs, at, kinds [string];
  int unsigned  source_rate = 100, sink_rate = 100;
  int unsigned  clocks, out_first, out_last, out_beats;

  // The guests' VLANs.
  bit           takes [N_VF][4096], all [N_VF];
  int unsigned  quiet = N_VF;                    // the VF whose VLANs change: it gets no frames

  always @(posedge clk) begin
    clocks++;
    if (clocks > 5_000_000) $fatal(1, "no end");
    if (filtered) told[32'(filtered_vport)]++;
    if (rst_n && m_valid && m_ready) begin
      if (out.size() == 0) $fatal(1, "a beat from nowhere");
      if (out_beats == 0) out_first = clocks;
      out_last = clocks;
      out_beats++;
      if (m_dest != out[0].dest || 32'(m_len) != out[0].len || m_qp != qp_t'(2 * 32'(out[0].dest)))
        $fatal(1, "frame %0d: to %0d, %0d bytes, want %0d, %0d, tag %h", came, m_dest, m_len, out[0].dest, out[0].len, out[0].tag);
      if (m_good != out[0].good) $fatal(1, "frame %0d of vf%0d: good %b, want %b", came, m_dest, m_good, out[0].good);
      for (int unsigned i = 0; i < Bytes && at + i < out[0].len; i++) begin
        if (m_data[8*i +: 8] != want.pop_front()) $fatal(1, "frame %0d: byte %0d", came, at + i);
      end
      at += Bytes;
      if (m_last != (at >= out[0].len)) $fatal(1, "frame %0d: its end", came);
      if (m_last) begin
        if (out[0].good) goods++;
        else wrongs++;
        void'(out.pop_front());
        at = 0;
        came++;
      end
    end
    m_ready <= chance(sink_rate);
  end

  task automatic send(input int unsigned vf);
    frame_t      o;
    int unsigned vid;
    bit          mine;
    vid  = get16(14) & 'hfff;
    mine = !(filter[vf] && !all[vf] && get16(12) == 'h8100 && vid != 0 && !takes[vf][vid]);
    o    = '{good: right && csum[2*vf], dest: port_t'(vf), len: f.size(), tag: {16'(get16(12)), 16'(get16(14))}};
    if (mine) begin
      out.push_back(o);
      foreach (f[i]) want.push_back(f[i]);
    end else lost[vf]++;
    if (csum[2*vf]) kinds[what]++;
    for (int unsigned b = 0; b * Bytes < f.size(); b++) begin
      while (!chance(source_rate)) @(negedge clk);
      rx_valid = 1'b1;
      rx_data  = '0;
      rx_keep  = '0;
      rx_dest  = port_t'(vf);
      rx_len   = len_t'(f.size());
      for (int unsigned i = 0; i < Bytes && b * Bytes + i < f.size(); i++) begin
        rx_data[8*i +: 8] = f[b*Bytes+i];
        rx_keep[i]        = 1'b1;
      end
      rx_last = (b + 1) * Bytes >= f.size();
      #1;
      while (!rx_ready) begin
        @(negedge clk);
        #1;
      end
      @(negedge clk);
      rx_valid = 1'b0;
    end
  endtask

  task automatic drain();
    int unsigned n = 0;
    while (!steer_idle || !csum_idle || out.size() != 0) begin
      @(negedge clk);
      n++;
      if (n > 50000) $fatal(1, "%0d frames never came out", out.size());
    end
    foreach (told[v]) if (told[v] != lost[v]) $fatal(1, "vf%0d: %0d frames lost, %0d told", v, lost[v], told[v]);
  endtask

  // Changes of the quiet VF's VLANs, beside the frames of the others.
  int unsigned todo, changes, resets, cut;
  bit          reset_due;

  always @(negedge clk) begin
    int unsigned vid;
    op       = '0;
    op_vid   = vlan_t'(rnd());
    op_v     = VW'(below(N_VF));
    vf_reset = '0;
    if (reset_due || (todo != 0 && chance(1))) begin
      reset_due = 1'b0;
      if (busy) cut++;
      vf_reset[quiet] = 1'b1;
      all[quiet]      = 1'b0;
      for (int unsigned i = 0; i < 4096; i++) takes[quiet][i] = 1'b0;
      resets++;
    end else if (todo != 0 && !busy && chance(50)) begin
      vid = some_word() + (chance(50) ? 31 : below(4));
      case (below(10))
        0: op = GVLAN_ALL;
        1, 2: op = GVLAN_LISTED;
        3, 4: op = GVLAN_REMOVE;
        default: op = GVLAN_ADD;
      endcase
      op_v   = VW'(quiet);
      op_vid = vlan_t'(vid);
      case (op)
        GVLAN_ALL: all[quiet] = 1'b1;
        GVLAN_LISTED: all[quiet] = 1'b0;
        default: takes[quiet][vid] = op == GVLAN_ADD;
      endcase
      todo--;
      changes++;
    end
  end

  int unsigned rounds;
  initial begin
    void'(seed_from_args("tb_rx_offload"));
    if ($value$plusargs("rounds=%d", rounds) == 0) rounds = 100;
    for (int unsigned v = 0; v < N_VF; v++) pairs[v] = '{base: qp_t'(2 * v), count: 7'd1};
    // VLANs are none, whatever the RAM held; frames do not wait for the clearing.
    filter = '1;
    csum   = '1;
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    for (int unsigned r = 0; r < rounds; r++) begin
      source_rate = chance(50) ? 100 : 10 + below(90);
      sink_rate   = chance(50) ? 100 : 10 + below(90);
      quiet       = below(N_VF);
      if (r > 3 && N_VF > 1) todo = 1 + below(30);
      repeat (40) begin
        int unsigned v = below(N_VF);
        make(chance(10) ? 9000 : 400);
        if (v != quiet || N_VF == 1) send(v);
      end
      drain();
      if (N_VF == 1) todo = 5;
      while (todo != 0) @(negedge clk);
      // A change holds from its own end on, a reset at once: frames come while VLANs are being cleared.
      repeat (2) @(negedge clk);
      while (u_steer.u_vlans.op_q != '0 || (u_steer.u_vlans.state_q inside {2, 3})) @(negedge clk);
      reset_due = chance(50);
      repeat (3 + below(60)) @(negedge clk);
      filter = N_VF'(rnd() | rnd());
      csum   = N_QP'(rnd() | rnd());
    end
    drain();
    if (goods < 500 || wrongs < 500 || resets < 20 || cut == 0)
      $fatal(1, "%0d good, %0d not; %0d resets, %0d", goods, wrongs, resets, cut);
    // A beat per clock.
    filter      = '0;
    csum        = '1;
    source_rate = 100;
    sink_rate   = 100;
    foreach (f[i]) f[i] = 0;
    for (int unsigned len = 64; len <= 9216; len = 2 * len + Bytes) begin
      do make(9000); while (!right || f.size() < len || f.size() % Bytes != 0);
      repeat (20) @(negedge clk);
      out_beats = 0;
      repeat (40) send(0);
      drain();
      if (out_last - out_first + 1 != out_beats)
        $fatal(1, "%0d beats of %0d bytes in %0d clocks", out_beats, f.size(), out_last - out_first + 1);
    end
    foreach (kinds[k]) $display("  %-20s %0d", k, kinds[k]);
    $display("PASS %0d frames, %0d good, %0d changes, %0d resets, %0d of them within another", came, goods, changes, resets, cut);
    $finish;
  end
endmodule
