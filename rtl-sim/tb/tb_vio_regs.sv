// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_vio_regs against a model that knows what each VF, queue and MSI-X vector must be: every access is checked, every
// command to the rings, every notification, every message. First a driver as Linux's virtio_pci_modern and each
// rule with its negative, then hostile guests on all VFs at once, resets and function-level resets at any moment,
// with rings that take their time. Of the block's inside the bench takes only when a thing happened.
//
// bench-args: ${rtl}/hp_vio_pkg.sv ${rtl}/hp_vio_regs_pkg.sv
// bench: -GN_VF=8 -GN_QP=32
// bench: -GN_VF=5 -GN_QP=7
// bench: -GN_VF=1 -GN_QP=1
// bench: -GN_VF=6 -GN_QP=16 -GCTRL_VQ=1'b1
// bench: -GN_VF=64 -GN_QP=64 -GCTRL_VQ=1'b1 -GMQ=1'b1 +steps=30000

module tb_vio_regs
  import hp_vio_pkg::*;
#(
  parameter int unsigned N_VF    = 8,
  parameter int unsigned N_QP    = 32,
  parameter bit          CTRL_VQ = 1'b0,
  parameter bit          MQ      = 1'b0
);
  import tb_pkg::*;

  localparam int unsigned Lq = 2 * N_QP + 1;        // local queue numbers
  localparam logic [63:0] Offered = 64'h8000_0003_3001_802B | (CTRL_VQ ? 64'hAE_0000 : 64'h0) |
                                    (MQ ? 64'h40_0000 : 64'h0);

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic             vf_req = 1'b0, vf_we = 1'b0, vf_ack, pf_req = 1'b0, pf_we = 1'b0, pf_ack;
  fn_t              vf_fn = '0;
  logic [15:0]      vf_addr = '0;
  logic [31:0]      vf_wdata = '0, vf_wmask = '0, vf_rdata, pf_wdata = '0, pf_rdata;
  logic [11:0]      pf_addr = '0;
  logic [N_VF-1:0]  flr_req = '0, flr_done, msix_enable = '0, msix_mask = '0, live;
  logic             qcmd_valid, qcmd_ready = 1'b0, bell_valid, qerr_valid = 1'b0, irq_valid = 1'b0, irq_ready;
  logic             msg_valid, msg_ready = 1'b0, nobuf_valid = 1'b0, refused_valid = 1'b0, filtered_valid = 1'b0, idle;
  vq_cmd_t          qcmd;
  qid_t             bell_q, qerr_q = '0, irq_q = '0;
  vf_pairs_t [N_VF-1:0] vf_pairs;
  logic [7:0]       qerr_code = '0;
  msg_t             msg;
  hp_pkg::port_t    nobuf_vport = '0, refused_vport = '0, filtered_vport = '0;
  logic [N_VF-1:0]  vlan_filter, reset;
  logic             rate_set;
  logic [5:0]       rate_vf;
  logic [31:0]      rate;

  // What the block looks at in the same clock comes from registers here.
  logic [N_VF-1:0] flr_want = '0, enable_q = '0, mask_q = '0;
  logic            irq_want = 1'b0, qerr_want = 1'b0;
  always @(posedge clk) begin
    flr_req    <= flr_want;
    enable_q   <= msix_enable;
    mask_q     <= msix_mask;
    qerr_valid <= qerr_want;
    irq_valid  <= irq_want || (irq_valid && !irq_ready);
  end

  // Guests that ask for queue pairs, some time after they have begun; a reset makes it one again.
  qp_t [N_VF-1:0]     vf_pool, want_pairs;
  int unsigned        age [N_VF];
  logic               pairs_set = 1'b0;
  hp_pkg::port_t      pairs_vport = '0;
  qp_t                pairs = '0;
  logic               asks_live;
  // Guests that say that they have announced themselves, and how long ago: the model is not exact to the clock.
  logic               announced = 1'b0;
  int unsigned        announced_age [N_VF];

  assign asks_live = (live & (N_VF'(1) << pairs_vport)) != '0;

  always @(posedge clk) begin
    automatic int who = $urandom() % N_VF;
    pairs_set   <= age[who] > 2000 && live[who] && $urandom() % 32 == 0;
    pairs_vport <= hp_pkg::port_t'(who);
    announced   <= live[who] && $urandom() % 512 == 0;
    pairs       <= qp_t'(1 + $urandom() % 4);
    for (int v = 0; v < N_VF; v++) begin
      age[v] <= live[v] ? age[v] + 1 : 0;
      announced_age[v] <= announced_age[v] + 1;
      if (announced && asks_live && 32'(pairs_vport) == v) begin
        announced_age[v] <= 0;
        m[v].announce = 1'b0;
      end
      if (!live[v]) want_pairs[v] <= 7'd1;
      else if (pairs_set && 32'(pairs_vport) == v) want_pairs[v] <= pairs;
    end
  end

  hp_vio_regs #(.N_VF(N_VF), .N_QP(N_QP), .CTRL_VQ(CTRL_VQ), .MQ(MQ)) u_dut (
    .clk_i(clk), .rst_ni(rst_n),
    .vf_req_i(vf_req), .vf_we_i(vf_we), .vf_fn_i(vf_fn), .vf_addr_i(vf_addr), .vf_wdata_i(vf_wdata),
    .vf_wmask_i(vf_wmask), .vf_ack_o(vf_ack), .vf_rdata_o(vf_rdata),
    .pf_req_i(pf_req), .pf_we_i(pf_we), .pf_addr_i(pf_addr), .pf_wdata_i(pf_wdata), .pf_ack_o(pf_ack),
    .pf_rdata_o(pf_rdata), .flr_req_i(flr_req), .flr_done_o(flr_done), .reset_o(reset), .msix_enable_i(enable_q),
    .msix_mask_i(mask_q), .qcmd_valid_o(qcmd_valid), .qcmd_ready_i(qcmd_ready), .qcmd_o(qcmd),
    .bell_valid_o(bell_valid), .bell_q_o(bell_q), .vf_live_o(live), .vf_pairs_o(vf_pairs),
    .vf_pool_o(vf_pool), .vlan_filter_o(vlan_filter), .pairs_set_i(pairs_set && asks_live), .pairs_vport_i(pairs_vport), .pairs_i(pairs),
    .announced_i(announced && asks_live),
    .qerr_valid_i(qerr_valid), .qerr_q_i(qerr_q), .qerr_code_i(qerr_code),
    .rate_set_o(rate_set), .rate_vf_o(rate_vf), .rate_o(rate),
    .irq_valid_i(irq_valid), .irq_ready_o(irq_ready), .irq_q_i(irq_q),
    .msg_valid_o(msg_valid), .msg_ready_i(msg_ready), .msg_o(msg),
    .nobuf_valid_i(nobuf_valid), .nobuf_vport_i(nobuf_vport),
    .refused_valid_i(refused_valid), .refused_vport_i(refused_vport),
    .filtered_valid_i(filtered_valid), .filtered_vport_i(filtered_vport), .idle_o(idle)
  );

  always @(posedge clk) if ((reset & vlan_filter) != '0) $fatal(1, "a VF that was reset filters VLANs: %b", vlan_filter);

  // The model.
  typedef struct packed {
    logic        owner, leaving, resetting, full;
    logic [31:0] w0, w1, w2, w3;                  // as the PF wrote them, what holds of it
    logic [31:0] dev_sel, drv_sel;
    logic [15:0] queue_sel, vec;
    logic [63:0] features;
    logic [7:0]  gen, status;
    logic [1:0]  isr;
    logic        announce;
    logic        bad;
    logic [7:0]  bad_code, bad_queue;
    logic [31:0] nobuf, refused, filtered;
    logic [31:0] rate;
    logic [11:0] gap;
  } vf_t;
  typedef struct packed {
    logic        on;                              // enabled, as the driver sees it
    logic [15:0] size, vec;
    logic [63:0] desc, avail, used;
    logic        kick;                            // a notification that the rings have to hear of
  } q_t;
  typedef struct packed {
    logic [63:0] addr;
    logic [31:0] data;
    logic        masked, owed;                    // owed: a message, since the last one
    logic [15:0] due;                             // causes since all was quiet
    logic [15:0] config_due;                      // those of them that do not wait for a pause
  } mx_t;
  vf_t  m [64];
  q_t   mq [64][Lq];
  mx_t  mx [64][16];
  int unsigned now, told_at [64][16], told_gap [64][16];   // the last message for used buffers, the pause behind it
  logic [31:0] told_rate [64];                    // what hp_tx_rate was told
  logic rings_on [256];                           // as the rings know it
  int   rings_vf [256], rings_local [256];        // whose it is

  int unsigned enables, disables, bells, messages, resets, flrs, claims, refusals, bads, late, pauses, announces_n;
  int unsigned slow = 4;                          // clocks that the rings take, at most
  int unsigned msg_slow = 4;

  function automatic int unsigned base_of(input int v);
    return 32'(m[v].w0[14:8]);
  endfunction
  function automatic int unsigned count_of(input int v);
    return 32'(m[v].w0[22:16]);
  endfunction
  function automatic int unsigned vectors_of(input int v);
    return m[v].w0[31:24] > 8'd16 ? 16 : 32'(m[v].w0[31:24]);
  endfunction
  function automatic int unsigned pairs_of(input int v);
    return (m[v].features[22] && m[v].status[3]) ? count_of(v) : 1;
  endfunction
  function automatic logic [63:0] offered_of(input int v);
    return m[v].w2[31:16] < 16'd68 ? Offered & ~64'h8 : Offered;
  endfunction
  function automatic bit exists(input int v, input int unsigned i);
    return i < 2 * pairs_of(v) + (CTRL_VQ ? 1 : 0);
  endfunction
  function automatic qid_t qid_of(input int v, input int unsigned i);
    return i == 2 * pairs_of(v) ? qid_t'(128 + v) : qid_t'(2 * base_of(v) + i);
  endfunction
  function automatic bit live_of(input int v);
    return m[v].owner && !m[v].resetting && m[v].status[2] && !m[v].status[6] && !flr_req[v];
  endfunction

  task automatic clear_driver(input int v, input bit full);
    m[v].dev_sel = '0;
    m[v].drv_sel = '0;
    m[v].queue_sel = '0;
    m[v].vec = 16'hFFFF;
    m[v].features = '0;
    m[v].gen = '0;
    m[v].status = '0;
    m[v].isr = '0;
    m[v].announce = 1'b0;
    m[v].bad = 1'b0;
    m[v].bad_code = '0;
    m[v].bad_queue = '0;
    for (int unsigned i = 0; i < Lq; i++) begin
      mq[v][i] = '0;
      mq[v][i].size = 16'd256;
      mq[v][i].vec = 16'hFFFF;
    end
    for (int unsigned e = 0; e < 16; e++) begin
      mx[v][e].owed = 1'b0;
      mx[v][e].due  = '0;
      mx[v][e].config_due = '0;
      if (full) mx[v][e] = '{masked: 1'b1, default: '0};
    end
  endtask

  // The end of a reset, seen at its clock: the rings must have let go, and no message may be left.
  logic [N_VF-1:0] resetting_was = '0, flr_was = '0, done_was = '0;
  always @(posedge clk) if (rst_n) begin
    #1;
    for (int v = 0; v < int'(N_VF); v++) begin
      if (resetting_was[v] && !u_dut.u_vfs.resetting_q[v]) begin
        if (!m[v].resetting) $fatal(1, "VF %0d: a reset that nobody asked for", v);
        for (int i = 0; i < 256; i++) begin
          if (rings_on[i] && rings_vf[i] == v) $fatal(1, "VF %0d: reset, but queue %0d is on", v, i);
        end
        if (msg_valid && 32'(msg.fn) == v + 1) $fatal(1, "VF %0d: reset, but a message is left", v);
        clear_driver(v, m[v].full);
        if (m[v].leaving) m[v].owner = 1'b0;
        m[v].leaving   = 1'b0;
        m[v].resetting = 1'b0;
        m[v].full      = 1'b0;
        resets++;
      end
      if (flr_done[v] && !done_was[v] && (!flr_req[v] || m[v].resetting || u_dut.u_vfs.resetting_q[v]))
        $fatal(1, "VF %0d: FLR done too early", v);
      if (flr_done[v] && !flr_req[v] && !flr_was[v]) $fatal(1, "VF %0d: FLR done for ever", v);
    end
    resetting_was = u_dut.u_vfs.resetting_q;
    flr_was       = flr_req;
    done_was      = flr_done;
  end

  // The rings.
  logic    qcmd_was = 1'b0;
  vq_cmd_t qcmd_first;
  int unsigned qcmd_wait;
  always @(posedge clk) begin
    #1;
    if (rst_n && qcmd_ready && qcmd_was) begin
      rings_on[qcmd_first.q] = qcmd_first.enable;
      qcmd_was = 1'b0;
    end
    qcmd_ready = 1'b0;
    if (rst_n && qcmd_valid) begin
      if (!qcmd_was) begin
        qcmd_was   = 1'b1;
        qcmd_first = qcmd;
        qcmd_wait  = below(slow + 1);
        check_command(qcmd);
      end
      if (qcmd != qcmd_first) $fatal(1, "command changed");
      if (qcmd_wait == 0) qcmd_ready = 1'b1;
      else qcmd_wait--;
    end
  end

  task automatic check_command(input vq_cmd_t c);
    int v;
    int unsigned i;
    v = int'(c.fn) - 1;
    if (v < 0 || v >= int'(N_VF)) $fatal(1, "command for function %0d", c.fn);
    if (c.enable) begin
      if (!m[v].owner) $fatal(1, "VF %0d: enables without a pool", v);
      i = (32'(c.q) >= 128) ? 2 * pairs_of(v) : 32'(c.q) - 2 * base_of(v);
      if (i >= Lq || !exists(v, i) || qid_of(v, i) != c.q) $fatal(1, "VF %0d: queue %0d is not its own", v, c.q);
      if (rings_on[c.q]) $fatal(1, "queue %0d enabled twice", c.q);
      if (!mq[v][i].on || !m[v].status[3]) $fatal(1, "VF %0d queue %0d: nobody enabled it", v, i);
      if (c.desc != mq[v][i].desc || c.avail != mq[v][i].avail || c.used != mq[v][i].used ||
          16'd1 << c.size_log2 != mq[v][i].size) $fatal(1, "VF %0d queue %0d: wrong rings", v, i);
      if (c.desc % 16 != 0 || c.avail % 2 != 0 || c.used % 4 != 0) $fatal(1, "VF %0d queue %0d: alignment", v, i);
      if (65'(c.desc) + 65'(mq[v][i].size) * 16 > 65'h1_0000_0000_0000_0000 ||
          65'(c.avail) + 65'(mq[v][i].size) * 2 + 6 > 65'h1_0000_0000_0000_0000 ||
          65'(c.used) + 65'(mq[v][i].size) * 8 + 6 > 65'h1_0000_0000_0000_0000)
        $fatal(1, "VF %0d queue %0d: rings end past the address space", v, i);
      if ({c.event_idx, c.indirect, c.mrg, c.csum} !=
          {m[v].features[29], m[v].features[28], m[v].features[15], m[v].features[c.q[0] ? 0 : 1]} || vlan_filter[v] != m[v].features[19])
        $fatal(1, "VF %0d queue %0d: features", v, i);
      rings_vf[c.q]    = v;
      rings_local[c.q] = int'(i);
      enables++;
    end else begin
      if (!rings_on[c.q] || rings_vf[c.q] != v) $fatal(1, "queue %0d disabled, it is not VF %0d's", c.q, v);
      if (!m[v].resetting) $fatal(1, "VF %0d: disables without a reset", v);
      disables++;
    end
  endtask

  // Notifications.
  logic [N_VF-1:0] live_was = '0;
  always @(posedge clk) begin
    #1;
    if (rst_n && bell_valid) begin
      if (!rings_on[bell_q]) $fatal(1, "notification for queue %0d, which is off", bell_q);
      if (!live_was[rings_vf[bell_q]]) $fatal(1, "notification of VF %0d, which is not live", rings_vf[bell_q]);
      mq[rings_vf[bell_q]][rings_local[bell_q]].kick = 1'b0;
      bells++;
    end
    live_was = live;
  end

  // Messages: to one vector of that function that is unmasked and has a cause.
  logic            msg_was = 1'b0;
  logic [N_VF-1:0] open_was = '0;
  always @(posedge clk) begin
    #1;
    if (rst_n && msg_ready && msg_was) msg_was = 1'b0;
    if (rst_n && msg_valid && !msg_was) check_message();
    msg_was   = msg_valid;
    msg_ready = msg_valid && below(msg_slow + 1) == 0;
    open_was  = enable_q & ~mask_q;
  end

  task automatic check_message();
    int v;
    v = int'(msg.fn) - 1;
    messages++;
    if (v < 0 || v >= int'(N_VF)) $fatal(1, "message of function %0d", msg.fn);
    if (!open_was[v]) $fatal(1, "VF %0d: message, but the function is masked", v);
    for (int unsigned e = 0; e < 16; e++) begin
      if (!mx[v][e].masked && mx[v][e].due != 0 && mx[v][e].addr == msg.addr && mx[v][e].data == msg.data) begin
        mx[v][e].due--;
        mx[v][e].owed = 1'b0;
        check_pause(v, e);
        return;
      end
    end
    $fatal(1, "VF %0d: message %h to %h has no cause", v, msg.data, msg.addr);
  endtask

  // One message for used buffers per pause. Of one that may be another vector's, or for the configuration, nothing
  // is known.
  task automatic check_pause(input int v, input int unsigned e);
    bit sure;
    sure = mx[v][e].config_due == 0;
    for (int unsigned i = 0; i < 16; i++)
      if (i != e && mx[v][i].addr == msg.addr && mx[v][i].data == msg.data) sure = 1'b0;
    if (sure && now - told_at[v][e] < 64 * told_gap[v][e])
      $fatal(1, "VF %0d vector %0d: a message %0d clocks after another", v, e, now - told_at[v][e]);
    if (!sure && now - told_at[v][e] < 64 * told_gap[v][e]) return;
    told_at[v][e]  = now;
    told_gap[v][e] = sure ? 32'(m[v].gap) : 0;
    if (sure && told_gap[v][e] != 0) pauses++;
  endtask

  always @(posedge clk) begin
    now++;
    if (rst_n && rate_set) told_rate[rate_vf] = rate;
  end

  task automatic cause(input int v, input logic [15:0] vec);
    if (msix_enable[v] && vec != 16'hFFFF) begin
      mx[v][vec[3:0]].due++;
      mx[v][vec[3:0]].owed = 1'b1;
    end
  endtask

  // One access, and the model's word on it.
  logic here_was, resetting_at;
  always @(posedge clk) begin
    if (u_dut.u_access.start_i) here_was <= u_dut.u_access.here_o;
    if (u_dut.u_access.exec_i) resetting_at <= u_dut.resetting[u_dut.u_access.v_o];
  end

  task automatic clocks(input int unsigned n);
    repeat (n) @(negedge clk);
  endtask

  logic [31:0] got;

  task automatic do_vf(input int v, input bit we, input int unsigned addr, input logic [31:0] data,
                       input logic [3:0] strb);
    int unsigned t;
    logic [31:0] want;
    vf_req = 1'b1;
    vf_we = we;
    vf_fn = fn_t'(v + 1);
    vf_addr = 16'(addr);
    vf_wdata = data;
    for (int b = 0; b < 4; b++) vf_wmask[8*b+:8] = {8{strb[b]}};
    @(negedge clk);
    vf_req = 1'b0;
    t = 0;
    while (!vf_ack) begin
      @(negedge clk);
      t++;
      if (t > 50000) $fatal(1, "VF %0d: no answer at %h", v, addr);
    end
    got = vf_rdata;
    // Once a mask is written, or a pending bit read, no older message may come.
    if (here_was && addr >= 'h2000 && addr < 'h2000 + 16 * vectors_of(v) && msg_valid)
      $fatal(1, "VF %0d: a message waits behind an access to the table", v);
    model_vf(v, we, 16'(addr & ~32'd3), data, strb, here_was, resetting_at, want);
    if (!we && got != want) $fatal(1, "VF %0d reads %h at %h, expected %h", v, got, addr, want);
    check_live();
  endtask

  task automatic do_pf(input int v, input bit we, input int unsigned word, input logic [31:0] data);
    int unsigned t;
    logic [31:0] want;
    pf_req = 1'b1;
    pf_we = we;
    pf_addr = 12'(v * 64 + word * 4);
    pf_wdata = data;
    @(negedge clk);
    pf_req = 1'b0;
    t = 0;
    while (!pf_ack) begin
      @(negedge clk);
      t++;
      if (t > 50000) $fatal(1, "PF: no answer");
    end
    got = pf_rdata;
    model_pf(v, we, word, data, want);
    if (!we && got != want) $fatal(1, "PF reads %h in word %0d of VF %0d, expected %h", got, word, v, want);
    check_live();
  endtask

  task automatic check_live();
    for (int i = 0; i < int'(N_VF); i++) begin
      if (live[i] != live_of(i)) $fatal(1, "VF %0d: live %b", i, live[i]);
      if (live[i] && vf_pairs[i] != {7'(base_of(i)), want_pairs[i]}) $fatal(1, "VF %0d: pairs %h", i, vf_pairs[i]);
    end
  endtask

  task automatic model_vf(input int v, input bit we, input logic [15:0] addr, input logic [31:0] data,
                          input logic [3:0] strb, input bit here, input bit busy, output logic [31:0] want);
    int unsigned e, q;
    bit          w, queue;
    want = '0;
    if (v < 0 || v >= int'(N_VF)) return;
    if (here && !m[v].owner) $fatal(1, "VF %0d is seen without a pool", v);
    if (!here) begin
      if (m[v].owner && !m[v].full && !flr_req[v]) $fatal(1, "VF %0d is not seen", v);
      return;
    end
    if (busy != m[v].resetting) $fatal(1, "VF %0d: resetting %b", v, busy);
    w     = we && !busy;
    e     = 32'(addr[7:4]);
    q     = 32'(m[v].queue_sel);
    queue = exists(v, q);
    case (addr) inside
      16'h0000: begin
        want = m[v].dev_sel;
        if (w && strb == 4'hF) m[v].dev_sel = data;
      end
      16'h0004: want = m[v].dev_sel == 0 ? 32'(offered_of(v)) : m[v].dev_sel == 1 ? 32'(offered_of(v) >> 32) : 0;
      16'h0008: begin
        want = m[v].drv_sel;
        if (w && strb == 4'hF) m[v].drv_sel = data;
      end
      16'h000C: begin
        want = m[v].drv_sel == 0 ? m[v].features[31:0] : m[v].drv_sel == 1 ? m[v].features[63:32] : 0;
        if (w && strb == 4'hF && !m[v].status[3]) begin
          if (m[v].drv_sel == 0) m[v].features[31:0] = data;
          if (m[v].drv_sel == 1) m[v].features[63:32] = data;
        end
      end
      16'h0010: begin
        want = {16'((MQ ? 2 * count_of(v) : 2) + (CTRL_VQ ? 1 : 0)), m[v].vec};
        if (w && strb[1:0] == 2'b11) m[v].vec = 32'(data[15:0]) < vectors_of(v) ? data[15:0] : 16'hFFFF;
      end
      16'h0014: begin
        want = {m[v].queue_sel, m[v].gen, m[v].status};
        if (w && strb[3:2] == 2'b11) m[v].queue_sel = data[31:16];
        if (w && strb[0]) model_status(v, data[7:0]);
      end
      16'h0018: if (queue) begin
        want = {mq[v][q].vec, mq[v][q].size};
        if (w && m[v].status[3] && !m[v].status[6]) begin
          if (strb[1:0] == 2'b11 && !mq[v][q].on && $onehot(data[15:0]) && data[15:0] <= 16'd256)
            mq[v][q].size = data[15:0];
          if (strb[3:2] == 2'b11) mq[v][q].vec = 32'(data[31:16]) < vectors_of(v) ? data[31:16] : 16'hFFFF;
        end
      end
      16'h001C: if (queue) begin
        want = {16'(q), 15'd0, mq[v][q].on};
        if (w && strb[1:0] == 2'b11 && data[15:0] == 1 && m[v].status[3] && !m[v].status[6] && !mq[v][q].on)
          model_enable(v, q);
      end
      [16'h0020 : 16'h0037]: if (queue) begin
        int unsigned sh;
        sh = addr[2] ? 32 : 0;
        want = 32'((addr[5:3] == 4 ? mq[v][q].desc : addr[5:3] == 5 ? mq[v][q].avail : mq[v][q].used) >> sh);
        if (w && strb == 4'hF && m[v].status[3] && !m[v].status[6] && !mq[v][q].on) begin
          if (addr[5:3] == 4) mq[v][q].desc[sh+:32] = data;
          else if (addr[5:3] == 5) mq[v][q].avail[sh+:32] = data;
          else mq[v][q].used[sh+:32] = data;
        end
      end
      16'h0100: begin
        want = {30'd0, m[v].isr};
        if (!we) m[v].isr = '0;
      end
      16'h0200: want = {m[v].w1[23:16], m[v].w1[31:24], m[v].w2[7:0], m[v].w2[15:8]};
      16'h0204: want = {14'd0, announces(v, got[17]), m[v].w0[1], m[v].w1[7:0], m[v].w1[15:8]};
      16'h0208: want = {m[v].w2[31:16], MQ ? 16'(count_of(v)) : 16'd1};
      16'h020C: want = m[v].w3;
      16'h0210: want = 32'd1;
      [16'h1000 : 16'h1FFF]: begin
        q = 32'(addr[11:2]);
        if (w && strb[0] && exists(v, q) && mq[v][q].on && live_of(v)) begin
          // It may have come already.
          if (!(bell_valid && bell_q == qid_of(v, q))) mq[v][q].kick = 1'b1;
        end
      end
      [16'h2000 : 16'h20FF]: if (e < vectors_of(v)) begin
        logic [31:0] old;
        old = addr[3:2] == 0 ? mx[v][e].addr[31:0] : addr[3:2] == 1 ? mx[v][e].addr[63:32] :
              addr[3:2] == 2 ? mx[v][e].data : 32'(mx[v][e].masked);
        want = old;
        if (we) begin
          for (int b = 0; b < 4; b++) if (strb[b]) old[8*b+:8] = data[8*b+:8];
          if (addr[3:2] == 0) mx[v][e].addr[31:0] = {old[31:2], 2'b00};
          else if (addr[3:2] == 1) mx[v][e].addr[63:32] = old;
          else if (addr[3:2] == 2) mx[v][e].data = old;
          else mx[v][e].masked = old[0];
        end
      end
      16'h3000: begin
        // Vectors that may be sent at any moment may read as either.
        for (int i = 0; i < 16; i++) begin
          want[i] = mx[v][i].owed;
          if (!mx[v][i].masked && open_was[v]) want[i] = got[i];
          // What waits for the end of a pause is not pending yet.
          if (m[v].gap != 0 || now - told_at[v][i] < 64 * (told_gap[v][i] + 4)) want[i] = got[i] && mx[v][i].owed;
        end
      end
      default: ;
    endcase
    // Under reset the status stays; queues and pending bits go one by one.
    if (busy && (addr inside {[16'h0018 : 16'h0037]} || addr == 16'h3000)) want = got;
  endtask

  // Whether a guest is to announce itself.
  function automatic bit announces(input int v, input bit read);
    return (announced_age[v] < 100) ? read : m[v].announce && !m[v].resetting;
  endfunction

  task automatic model_status(input int v, input logic [7:0] s);
    logic [7:0] old;
    old = m[v].status;
    if (s == 0) begin
      if (old == 0) begin
        clear_driver(v, 1'b0);
      end else begin
        m[v].resetting = 1'b1;
      end
      return;
    end
    m[v].status |= s & 8'b1000_0011;
    if (old[6] || !m[v].status[1]) return;
    if (s[3] && m[v].features[32] && (m[v].features & ~offered_of(v)) == 0 &&
        ((m[v].features & 64'hEC_0000) == 0 || m[v].features[17])) m[v].status[3] = 1'b1;
    if (s[2] && old[3]) m[v].status[2] = 1'b1;
  endtask

  task automatic model_bad(input int v, input logic [7:0] code, input int unsigned q);
    bads++;
    m[v].status[6] = 1'b1;
    if (!m[v].bad) begin
      m[v].bad       = 1'b1;
      m[v].bad_code  = code;
      m[v].bad_queue = 8'(q);
    end
    notify(v);
    settle();
  endtask

  // The driver is to hear of its configuration.
  task automatic notify(input int v);
    if (!m[v].owner || !m[v].status[2] || m[v].resetting) return;
    m[v].isr[1] = 1'b1;
    if (msix_enable[v] && m[v].vec != 16'hFFFF) mx[v][m[v].vec[3:0]].config_due++;
    cause(v, m[v].vec);
  endtask

  task automatic model_enable(input int v, input int unsigned q);
    logic [64:0] n;
    n = 65'(mq[v][q].size);
    if (mq[v][q].desc[3:0] != 0 || mq[v][q].avail[0] || mq[v][q].used[1:0] != 0 ||
        65'(mq[v][q].desc) + n * 16 > 65'h1_0000_0000_0000_0000 ||
        65'(mq[v][q].avail) + n * 2 + 6 > 65'h1_0000_0000_0000_0000 ||
        65'(mq[v][q].used) + n * 8 + 6 > 65'h1_0000_0000_0000_0000) model_bad(v, 8'd6, q);
    else mq[v][q].on = 1'b1;
  endtask

  function automatic bit pool_is_free(input int v);
    if (count_of(v) == 0 || base_of(v) + count_of(v) > N_QP) return 1'b0;
    for (int i = 0; i < int'(N_VF); i++) begin
      if (i != v && m[i].owner && base_of(i) < base_of(v) + count_of(v) && base_of(v) < base_of(i) + count_of(i))
        return 1'b0;
    end
    return 1'b1;
  endfunction

  task automatic model_pf(input int v, input bit we, input int unsigned word, input logic [31:0] data,
                          output logic [31:0] want);
    bit changed;
    want = '0;
    if (v >= int'(N_VF)) return;
    case (word)
      0: want = ({8'(vectors_of(v)), m[v].w0[23:1], m[v].owner} & 32'hFF7F_7F03) | 32'(announces(v, got[2])) << 2;
      1: want = m[v].w1;
      2: want = m[v].w2;
      3: want = m[v].w3;
      4: want = {7'd0, m[v].bad, m[v].bad_queue, m[v].bad_code, m[v].status};
      5: want = m[v].status[3] ? m[v].features[31:0] : '0;
      6: want = m[v].status[3] ? m[v].features[63:32] : '0;
      7: want = m[v].nobuf;
      8: want = m[v].refused;
      9: want = m[v].rate;
      10: want = 32'(m[v].gap);
      11: want = m[v].filtered;
      default: ;
    endcase
    if (!we) return;
    changed = 1'b0;
    case (word)
      0: begin
        changed = m[v].w0[1] != data[1];
        m[v].w0[1] = data[1];
        if (!m[v].owner) m[v].w0[31:2] = data[31:2];
        if (data[0] && data[2] && m[v].owner && !resetting_at && m[v].status[2] && m[v].features[21]) begin
          changed       = 1'b1;
          m[v].announce = 1'b1;
          announces_n++;
        end
      end
      1: begin
        changed = m[v].w1 != data;
        m[v].w1 = data;
      end
      2: begin
        changed = m[v].w2 != data;
        m[v].w2 = data;
      end
      3: begin
        changed = m[v].w3 != data;
        m[v].w3 = data;
      end
      9: begin
        m[v].rate = data;
        if (told_rate[v] != data) $fatal(1, "VF %0d: the rate that is in force is %h", v, told_rate[v]);
      end
      10: m[v].gap = data[11:0];
      default: ;
    endcase
    if (changed && m[v].owner) begin
      m[v].gen++;
      notify(v);
    end
    if (word == 0 && !data[0] && m[v].owner) begin
      m[v].leaving   = 1'b1;
      m[v].resetting = 1'b1;
      m[v].full      = 1'b1;
    end else if (word == 0 && data[0] && !m[v].owner) begin
      if (pool_is_free(v)) begin
        claims++;
        m[v].owner   = 1'b1;
        m[v].nobuf   = '0;
        m[v].refused = '0;
        m[v].filtered = '0;
      end else refusals++;
    end
    if (changed) settle();
  endtask

  // What can be done without the rings is done.
  task automatic settle();
    int unsigned quiet;
    quiet = 0;
    while (quiet < 6) begin
      @(negedge clk);
      quiet = (u_dut.u_vfs.notify_q == '0 && !u_dut.bad_valid && 32'(u_dut.state_q) == 1) ? quiet + 1 : 0;
    end
  endtask

  // Everything is done: what is owed is masked, and all notifications have come.
  task automatic do_quiet();
    int unsigned t;
    slow = 4;
    msg_slow = 2;
    t = 0;
    clocks(2);
    while (!idle) begin
      @(negedge clk);
      t++;
      if (t > 200000) $fatal(1, "does not come to rest");
    end
    clocks(3);
    for (int v = 0; v < int'(N_VF); v++) begin
      if (m[v].resetting) $fatal(1, "VF %0d: the reset never ended", v);
      for (int e = 0; e < 16; e++) begin
        if (mx[v][e].owed && !mx[v][e].masked && msix_enable[v] && !msix_mask[v])
          $fatal(1, "VF %0d vector %0d: a message is missing", v, e);
        mx[v][e].due = 16'(mx[v][e].owed);
        if (!mx[v][e].owed) mx[v][e].config_due = '0;
      end
      for (int i = 0; i < int'(Lq); i++) begin
        if (mq[v][i].kick && live_of(v)) $fatal(1, "VF %0d queue %0d: a notification is missing", v, i);
        if (mq[v][i].on && !rings_on[qid_of(v, i)]) $fatal(1, "VF %0d queue %0d was never enabled", v, i);
        mq[v][i].kick = 1'b0;
      end
    end
  endtask

  task automatic do_irq(input int v, input int unsigned q);
    irq_q = qid_of(v, q);
    irq_want = 1'b1;
    @(negedge clk);
    irq_want = 1'b0;
    while (irq_valid) @(negedge clk);
    // Of the state that counts nothing can change now but by us.
    if (live_of(v)) begin
      if (!msix_enable[v]) m[v].isr[0] = 1'b1;
      else cause(v, mq[v][q].vec);
    end
    settle();
  endtask

  task automatic do_qerr(input int v, input int unsigned q, input logic [7:0] code);
    qerr_want  = 1'b1;
    qerr_q     = qid_of(v, q);
    qerr_code  = code;
    @(negedge clk);
    qerr_want  = 1'b0;
    @(negedge clk);
    if (!m[v].resetting) model_bad(v, code, q);
  endtask

  task automatic do_flr(input int v, input bit on);
    flr_want[v] = on;
    @(posedge clk);
    #2;
    if (on) flrs++;
    if (on && m[v].owner) begin
      m[v].resetting = 1'b1;
      m[v].full      = 1'b1;
    end
    @(negedge clk);
  endtask

  task automatic do_wait_reset(input int v);
    int unsigned t;
    t = 0;
    @(negedge clk);
    while (m[v].resetting) begin
      @(negedge clk);
      t++;
      if (t > 20000)
        $fatal(1, "VF %0d: no end of the reset: state %0d, todo %b, job %b of VF %0d at %0d, command %b, message %b flr %b %b %b %b", v,
               u_dut.state_q, u_dut.u_vfs.todo_q, u_dut.job_q, u_dut.job_v_q, u_dut.job_i_q, qcmd_valid, msg_valid, flr_req, u_dut.u_vfs.flr_seen_q, flr_done, u_dut.u_vfs.owner_q);
    end
  endtask

  // One process does what the cases ask for: Verilator copies a task to each place that calls it, and these are long.
  typedef enum {Vf, Pf, Quiet, Irq, Qerr, Flr, WaitReset} job_e;
  job_e        job;
  bit          job_busy = 1'b0, job_we;
  int          job_v;
  int unsigned job_at;
  logic [31:0] job_data;
  logic [3:0]  job_strb;

  always @(negedge clk) if (job_busy) begin
    if ($test$plusargs("verbose")) begin
      $display("%0t: %s VF %0d %b %h %h %h", $time, job.name(), job_v, job_we, job_at, job_data, job_strb);
    end
    case (job)
      Vf:      do_vf(job_v, job_we, job_at, job_data, job_strb);
      Pf:      do_pf(job_v, job_we, job_at, job_data);
      Quiet:   do_quiet();
      Irq:     do_irq(job_v, job_at);
      Qerr:    do_qerr(job_v, job_at, job_data[7:0]);
      Flr:     do_flr(job_v, job_we);
      default: do_wait_reset(job_v);
    endcase
    job_busy = 1'b0;
  end

  task automatic ask(input job_e what, input int v, input bit we, input int unsigned at, input logic [31:0] data,
                     input logic [3:0] strb);
    job      = what;
    job_v    = v;
    job_we   = we;
    job_at   = at;
    job_data = data;
    job_strb = strb;
    job_busy = 1'b1;
    while (job_busy) @(negedge clk);
  endtask

  task automatic vf(input int v, input bit we, input int unsigned addr, input logic [31:0] data = '0,
                    input logic [3:0] strb = 4'hF);
    ask(Vf, v, we, addr, data, strb);
  endtask
  task automatic pf(input int v, input bit we, input int unsigned word, input logic [31:0] data = '0);
    ask(Pf, v, we, word, data, 4'hF);
  endtask
  task automatic quiet();
    ask(Quiet, 0, 1'b0, 0, '0, '0);
  endtask
  task automatic irq(input int v, input int unsigned q);
    ask(Irq, v, 1'b0, q, '0, '0);
  endtask
  task automatic qerr(input int v, input int unsigned q, input logic [7:0] code);
    ask(Qerr, v, 1'b0, q, 32'(code), '0);
  endtask
  task automatic flr(input int v, input bit on);
    ask(Flr, v, on, 0, '0, '0);
  endtask
  task automatic wait_reset(input int v);
    ask(WaitReset, v, 1'b0, 0, '0, '0);
  endtask

`include "tb_vio_regs_cases.svh"

  initial begin
    int unsigned seed, steps;
    seed = seed_from_args("tb_vio_regs");
    if ($value$plusargs("steps=%d", steps) == 0) steps = 60000;
    for (int v = 0; v < 64; v++) begin
      m[v] = '0;
      clear_driver(v, 1'b1);
    end
    for (int i = 0; i < 256; i++) rings_on[i] = 1'b0;
    clocks(5);
    rst_n = 1'b1;
    clocks(2);
    driver();
    rules();
    interrupts();
    gaps();
    resets_under_way();
    hostile(steps);
    $display("%0d claims (%0d refused), %0d enables, %0d disables, %0d notifications, %0d messages, %0d resets, %0d FLRs, %0d bad, %0d to announce",
             claims, refusals, enables, disables, bells, messages, resets, flrs, bads, announces_n);
    if (CTRL_VQ && announces_n == 0) $fatal(1, "nobody was asked to announce itself");
    if (seed != 0 && (enables == 0 || disables == 0 || bells == 0 || messages == 0 || resets == 0 || bads == 0 || pauses == 0))
      $fatal(1, "something was never tried");
    $display("PASS");
    $finish;
  end
endmodule
