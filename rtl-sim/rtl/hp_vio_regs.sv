// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The registers of every VF's virtio-net device, its MSI-X, and what the PF sets of it. The layout is in
// docs/src/architecture/virtio.md.
//
// One thing is done at a time, whole: an access, an interrupt of a queue, a bad queue, a step of the job. Rows of
// VFs, queues and MSI-X vectors are in RAMs; a thing reads a row (3 clocks), decides and writes it back. An access
// takes 4 to 10 clocks, of the pending bits 52, and up to 50 more when something else was begun; one to the MSI-X table
// or the pending bits waits until a message before it was taken. The job is the reset of a VF, or the enabling
// of its queues: it sends the commands to the rings, and goes on with other things while they take their time.
//
// A vector may pause after a message for used buffers: one that comes in between is `held` in its row until hp_vio_gaps
// says that the pause is over. It is not pending before: those bits are of masked vectors.
//
// After reset the RAMs are cleared, one row per clock; accesses wait.

`include "hp_assert.svh"

module hp_vio_regs
  import hp_vio_pkg::*, hp_vio_regs_pkg::*;
#(
  parameter int unsigned N_VF    = 8,
  parameter int unsigned N_QP    = 32,
  parameter bit          CTRL_VQ = 1'b0,
  parameter bit          MQ      = 1'b0     // only with CTRL_VQ
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  // Accesses, one at a time.
  input  logic             vf_req_i,
  input  logic             vf_we_i,
  input  fn_t              vf_fn_i,
  input  logic [15:0]      vf_addr_i,
  input  logic [31:0]      vf_wdata_i,
  input  logic [31:0]      vf_wmask_i,
  output logic             vf_ack_o,
  output logic [31:0]      vf_rdata_o,
  input  logic             pf_req_i,
  input  logic             pf_we_i,
  input  logic [11:0]      pf_addr_i,
  input  logic [31:0]      pf_wdata_i,
  output logic             pf_ack_o,
  output logic [31:0]      pf_rdata_o,

  // PCI configuration space.
  input  logic [N_VF-1:0]  flr_req_i,
  output logic [N_VF-1:0]  flr_done_o,
  output logic [N_VF-1:0]  reset_o,           // a reset of the VF has ended; a pulse
  input  logic [N_VF-1:0]  msix_enable_i,
  input  logic [N_VF-1:0]  msix_mask_i,

  // The rings.
  output logic             qcmd_valid_o,
  input  logic             qcmd_ready_i,
  output vq_cmd_t          qcmd_o,
  output logic             bell_valid_o,
  output qid_t             bell_q_o,
  output logic [N_VF-1:0]  vf_live_o,
  output vf_pairs_t [N_VF-1:0] vf_pairs_o,
  output qp_t [N_VF-1:0]       vf_pool_o,         // queue pairs that it may use
  output logic [N_VF-1:0]      vlan_filter_o,     // its driver has accepted CTRL_VLAN
  input  logic                 pairs_set_i,       // the firmware's answer to its request
  input  hp_pkg::port_t        pairs_vport_i,
  input  qp_t                  pairs_i,
  input  logic                 announced_i,       // the guest of pairs_vport_i has announced itself
  input  logic             qerr_valid_i,
  input  qid_t             qerr_q_i,
  input  logic [7:0]       qerr_code_i,
  output logic             rate_set_o,        // a VF's limit: hp_tx_rate
  output logic [5:0]       rate_vf_o,
  output logic [31:0]      rate_o,
  input  logic             irq_valid_i,
  output logic             irq_ready_o,
  input  qid_t             irq_q_i,
  output logic             msg_valid_o,
  input  logic             msg_ready_i,
  output msg_t             msg_o,
  input  logic             nobuf_valid_i,
  input  hp_pkg::port_t    nobuf_vport_i,
  input  logic             refused_valid_i,
  input  hp_pkg::port_t    refused_vport_i,
  input  logic             filtered_valid_i,
  input  hp_pkg::port_t    filtered_vport_i,

  output logic             idle_o
);
  localparam int unsigned IdxW = (N_VF > 1) ? $clog2(N_VF) : 1;
  typedef logic [IdxW-1:0] vf_idx_t;

  // The thing under way: its VF, queue and vector, and their rows once `exec`.
  typedef enum logic [3:0] {
    Init, Idle, Access, IrqQueue, IrqIsr, ConfigVf, Deliver, DeliverUsed, Due, Scan, BadQueue, BadVf, JobVf,
    JobQueue, JobEntry, JobEnd
  } state_e;
  state_e     state_q, state_d;
  logic [1:0] step_q;
  logic       exec, again, rows_ready;
  vf_idx_t    v_q, v_d;
  qid_t       q_q, q_d;
  logic [3:0] e_q, e_d;
  vf_row_t    vf;
  vq_row_t    vq;
  msix_row_t  mx;
  writes_t    writes;
  acts_t      acts;

  assign exec = step_q == 2'd2;

  hp_vio_rows #(.N_VF(N_VF), .N_QP(N_QP)) u_rows (
    .clk_i, .rst_ni,
    .ready_o (rows_ready),
    .re_i    (state_q != Init && state_q != Idle && step_q == 2'd0),
    .v_i     (v_q),
    .q_i     (q_q),
    .e_i     (e_q),
    .vf_o    (vf),
    .vq_o    (vq),
    .mx_o    (mx),
    .writes_i(writes)
  );

  // Flags of the VFs.
  logic            poll_valid, poll_reset, poll_full, poll_enable, poll_notify, vfs_idle;
  logic            job_q, job_reset_q, job_full_q, job_end, job_gone;
  vf_idx_t         poll_v, job_v_q;
  logic [N_VF-1:0] owner, visible, resetting, announce, msix_open;
  logic [3:0]      ask, pick;                            // poll, step of the job, interrupt, access

  assign msix_open = msix_enable_i & ~msix_mask_i;

  hp_vio_vfs #(.N_VF(N_VF)) u_vfs (
    .clk_i, .rst_ni, .flr_req_i, .flr_done_o,
    .msix_open_i  (msix_open),
    .v_i          (v_q),
    .acts_i       (acts),
    .job_busy_i   (job_q),
    .job_end_i    (job_end),
    .job_v_i      (job_v_q),
    .job_gone_o   (job_gone),
    .reset_o,
    .announced_i,
    .announced_v_i(pairs_vport_i),
    .announce_o   (announce),
    .msg_free_i   (!msg_valid_o),
    .poll_valid_o (poll_valid),
    .poll_v_o     (poll_v),
    .poll_reset_o (poll_reset),
    .poll_full_o  (poll_full),
    .poll_enable_o(poll_enable),
    .poll_notify_o(poll_notify),
    .poll_take_i  (pick[3]),
    .owner_o      (owner),
    .visible_o    (visible),
    .resetting_o  (resetting),
    .live_o       (vf_live_o),
    .idle_o       (vfs_idle)
  );

  // Frames that were lost.
  logic [31:0] nobuf, refused, filtered;

  hp_vio_tally #(.N_VF(N_VF)) u_nobuf (
    .clk_i, .rst_ni,
    .event_i    (nobuf_valid_i),
    .event_idx_i(nobuf_vport_i),
    .clear_i    (acts.claim),
    .idx_i      (6'(v_q)),
    .count_o    (nobuf)
  );

  hp_vio_tally #(.N_VF(N_VF)) u_refused (
    .clk_i, .rst_ni,
    .event_i    (refused_valid_i),
    .event_idx_i(refused_vport_i),
    .clear_i    (acts.claim),
    .idx_i      (6'(v_q)),
    .count_o    (refused)
  );

  hp_vio_tally #(.N_VF(N_VF)) u_filtered (
    .clk_i, .rst_ni,
    .event_i    (filtered_valid_i),
    .event_idx_i(filtered_vport_i),
    .clear_i    (acts.claim),
    .idx_i      (6'(v_q)),
    .count_o    (filtered)
  );

  // Pools. One may be claimed that is there, and that nobody owns a part of.
  logic [N_QP-1:0] pool_q, pool_mask;
  logic            pool_free;

  always_comb begin
    for (int unsigned i = 0; i < N_QP; i++) begin
      pool_mask[i] = i >= 32'(vf.pf.base) && i < 32'(vf.pf.base) + 32'(vf.pf.count);
    end
  end
  assign pool_free = vf.pf.count != '0 && 32'(vf.pf.base) + 32'(vf.pf.count) <= N_QP &&
                     (pool_mask & pool_q) == '0;

  // Accesses.
  logic       acc_valid, acc_here, acc_more, acc_wait, acc_bell, acc_bad;
  vf_idx_t    acc_v;
  qid_t       acc_queue;
  logic [3:0] acc_entry;
  writes_t    acc_writes;
  acts_t      acc_acts;

  hp_vio_access #(.N_VF(N_VF), .CTRL_VQ(CTRL_VQ), .MQ(MQ)) u_access (
    .clk_i, .rst_ni,
    .vf_req_i, .vf_we_i, .vf_fn_i, .vf_addr_i, .vf_wdata_i, .vf_wmask_i, .vf_ack_o, .vf_rdata_o,
    .pf_req_i, .pf_we_i, .pf_addr_i, .pf_wdata_i, .pf_ack_o, .pf_rdata_o,
    .owner_i    (owner),
    .visible_i  (visible),
    .resetting_i(resetting),
    .live_i     (vf_live_o),
    .pool_free_i(pool_free),
    .msg_free_i (!msg_valid_o),
    .announce_i (announce),
    .nobuf_i    (nobuf),
    .refused_i  (refused),
    .filtered_i (filtered),
    .valid_o    (acc_valid),
    .here_o     (acc_here),
    .v_o        (acc_v),
    .start_i    (pick[0]),
    .exec_i     (state_q == Access && exec),
    .vf_i       (vf),
    .vq_i       (vq),
    .mx_i       (mx),
    .more_o     (acc_more),
    .wait_o     (acc_wait),
    .q_o        (acc_queue),
    .e_o        (acc_entry),
    .rate_set_o,
    .rate_o,
    .writes_o   (acc_writes),
    .acts_o     (acc_acts),
    .bell_o     (acc_bell),
    .bad_o      (acc_bad)
  );

  assign rate_vf_o = 6'(v_q);

  // Vectors that pause.
  logic       put, due_valid, due_turn_q, due_pick, gaps_idle;
  vf_idx_t    due_v;
  logic [3:0] due_e;

  hp_vio_gaps #(.N_VF(N_VF)) u_gaps (
    .clk_i, .rst_ni,
    .put_i      (put),
    .put_v_i    (v_q),
    .put_e_i    (e_q),
    .put_gap_i  (vf.pf.gap),
    .due_valid_o(due_valid),
    .due_v_o    (due_v),
    .due_e_o    (due_e),
    .due_take_i (pick[1] && due_pick),
    .idle_o     (gaps_idle)
  );

  // Bad queues, until their turn comes: at most one per queue that is on.
  logic       bad_valid, bad_pop, bad_full;
  qid_t       bad_q;
  logic [7:0] bad_code, bad_code_q;

  hp_fifo #(.WIDTH(16), .DEPTH(2 * N_QP + N_VF)) u_bad (
    .clk_i,
    .rst_ni,
    .push_i (qerr_valid_i),
    .data_i ({qerr_q_i, qerr_code_i}),
    .full_o (bad_full),
    .pop_i  (bad_pop),
    .valid_o(bad_valid),
    .data_o ({bad_q, bad_code}),
    /* verilator lint_off PINCONNECTEMPTY */
    .count_o()
    /* verilator lint_on PINCONNECTEMPTY */
  );

  // The job: all queues of the pool, for a reset then the vectors and the VF itself. While a command is out nothing
  // of it goes on; nor does a reset end before the VF's last message is out.
  typedef enum logic [1:0] {Queue, Entry, End} phase_e;
  phase_e     phase_q, phase_d;
  logic [7:0] job_i_q, job_i_d, job_queues_q;
  qid_t       job_base_q, job_queue;
  logic       job_event_q, job_indirect_q, job_mrg_q, job_step, job_take, job_over;
  logic [1:0] job_csum_q;                                // receive, transmit
  logic       cmd, cmd_enable, cmd_done_q, cmd_used;     // done: the command for this queue; used: seen

  assign job_step  = job_q && !qcmd_valid_o && !(phase_q == End && msg_valid_o);
  assign job_queue = (job_i_q == {job_queues_q[7:1], 1'b0}) ? qid_t'(CtrlBase) + qid_t'(job_v_q)
                                                            : job_base_q + job_i_q;

  // Whose turn it is. A bad queue comes first, then the one that had its turn the longest time ago.
  logic [1:0] turn_q;

  assign ask     = {poll_valid, job_step, (irq_valid_i || due_valid) && !msg_valid_o, acc_valid};
  assign bad_pop = state_q == Idle && bad_valid;
  always_comb begin
    pick = '0;
    for (int unsigned i = 4; i > 0; i--) begin
      if (ask[2'(32'(turn_q) + i)]) pick = 4'd1 << 2'(32'(turn_q) + i);
    end
    if (state_q != Idle || bad_valid) pick = '0;
  end
  // Interrupts that come and those that are due take turns.
  assign due_pick    = due_valid && (due_turn_q || !irq_valid_i);
  assign irq_ready_o = pick[1] && !due_pick;

  // What is done.
  logic    bell, bad, send, pause;
  vf_idx_t irq_v;
  qp_t     pairs;

  assign irq_v = vq.vf[IdxW-1:0];
  assign pairs = pairs_of(vf);

  always_comb begin
    state_d    = state_q;
    again      = 1'b0;
    v_d        = v_q;
    q_d        = q_q;
    e_d        = e_q;
    writes     = '{vf_we: 1'b0, vf: vf, vq_we: 1'b0, vq: vq, mx_we: 1'b0, mx: mx};
    acts       = '0;
    bell       = 1'b0;
    bad        = 1'b0;
    send       = 1'b0;
    pause      = 1'b0;
    put        = 1'b0;
    cmd        = 1'b0;
    cmd_enable = 1'b0;
    cmd_used   = 1'b0;
    job_take   = 1'b0;
    job_over   = 1'b0;
    job_end    = 1'b0;
    job_i_d    = job_i_q;
    phase_d    = phase_q;

    unique case (state_q)
      Init: if (rows_ready) state_d = Idle;

      Idle: begin
        if (bad_pop) begin
          state_d = BadQueue;
          q_d     = bad_q;
        end else if (pick[0]) begin
          if (acc_here) state_d = Access;
          v_d = acc_here ? acc_v : v_q;
        end else if (pick[1]) begin
          state_d = due_pick ? Due : IrqQueue;
          v_d     = due_pick ? due_v : v_q;
          e_d     = due_pick ? due_e : e_q;
          q_d     = due_pick ? q_q : irq_q_i;
        end else if (pick[2]) begin
          state_d = (phase_q == Queue) ? JobQueue : (phase_q == Entry) ? JobEntry : JobEnd;
          v_d     = job_v_q;
          q_d     = (phase_q == Queue) ? job_queue : q_q;
          e_d     = job_i_q[3:0];
        end else if (pick[3]) begin
          state_d = (poll_reset || poll_enable) ? JobVf : poll_notify ? ConfigVf : Scan;
          v_d     = poll_v;
          e_d     = '0;
        end
      end

      Access: if (exec && !acc_wait) begin
        writes = acc_writes;
        acts   = acc_acts;
        bell   = acc_bell;
        bad    = acc_bad;
        again  = acc_more;
        q_d    = acc_more ? acc_queue : q_q;
        e_d    = acc_entry;
        if (!acc_more) state_d = Idle;
      end

      // Interrupts.
      IrqQueue: if (exec) begin
        state_d = Idle;
        if (vq.state == QueueOn && vf_live_o[irq_v]) begin
          v_d = irq_v;
          e_d = vq.vec.idx;
          if (!msix_enable_i[irq_v]) state_d = IrqIsr;
          else if (vq.vec.valid) state_d = DeliverUsed;
        end
      end

      IrqIsr: if (exec) begin
        state_d                 = Idle;
        writes.vf_we            = 1'b1;
        writes.vf.drv.isr_queue = 1'b1;
      end

      ConfigVf: if (exec) begin
        state_d = Idle;
        if (vf.drv.status[SDriverOk] && !resetting[v_q]) begin
          writes.vf_we             = 1'b1;
          writes.vf.drv.isr_config = 1'b1;
          e_d                      = vf.drv.vec.idx;
          if (vf.drv.vec.valid && msix_enable_i[v_q]) state_d = Deliver;
        end
      end

      // What a pausing vector has to tell of used buffers waits.
      Deliver, DeliverUsed: if (exec) begin
        state_d = Idle;
        if (state_q == DeliverUsed && mx.pausing) begin
          writes.mx_we   = 1'b1;
          writes.mx.held = 1'b1;
        end else begin
          send              = mx.unmasked && msix_open[v_q];
          pause             = state_q == DeliverUsed;
          writes.mx_we      = 1'b1;
          writes.mx.pending = !send;             // one that was pending is told by it as well
          acts.scan         = !send;
        end
      end

      Due: if (exec) begin
        state_d           = Idle;
        send              = mx.held && mx.unmasked && msix_open[v_q] && !resetting[v_q];
        pause             = 1'b1;
        acts.scan         = mx.held && !send && !resetting[v_q];
        writes.mx_we      = 1'b1;
        writes.mx.pausing = 1'b0;
        writes.mx.held    = 1'b0;
        writes.mx.pending = mx.pending || acts.scan;
      end

      Scan: if (exec) begin
        e_d               = e_q + 4'd1;
        again             = 1'b1;
        send              = mx.pending && mx.unmasked && msix_open[v_q] && !resetting[v_q];
        writes.mx_we      = send;
        writes.mx.pending = 1'b0;
        pause             = !mx.pausing;
        acts.scan         = send || !msix_open[v_q];
        if (e_q == '1 || acts.scan) state_d = Idle;
      end

      // Bad queues. One that is not on any more was reset meanwhile.
      BadQueue: if (exec) begin
        state_d = Idle;
        if (vq.state == QueueOn) begin
          state_d = BadVf;
          v_d     = irq_v;
        end
      end

      BadVf: if (exec) begin
        state_d = Idle;
        bad     = !resetting[v_q];
      end

      // The job.
      JobVf: if (exec) begin
        state_d  = Idle;
        job_take = 1'b1;
      end

      JobQueue: if (exec) begin
        state_d = Idle;
        if (job_i_q == job_queues_q) begin
          phase_d  = Entry;
          job_i_d  = '0;
          job_over = !job_reset_q;
        end else if (job_reset_q && vq.state == QueueOn && !cmd_done_q) begin
          cmd = 1'b1;
        end else if (!job_reset_q && vq.state == QueueWanted && !cmd_done_q && !resetting[v_q]) begin
          cmd        = 1'b1;
          cmd_enable = 1'b1;
        end else begin
          job_i_d         = job_i_q + 8'd1;
          cmd_used        = 1'b1;
          writes.vq_we    = job_reset_q || cmd_done_q;
          writes.vq.state = QueueOn;
          if (job_reset_q) writes.vq = '0;
          // A notification that came before the queue was on was not passed on.
          bell = !job_reset_q && cmd_done_q && vf_live_o[v_q];
        end
      end

      JobEntry: if (exec) begin
        state_d           = Idle;
        writes.mx_we      = 1'b1;
        writes.mx.pending = 1'b0;
        writes.mx.held    = 1'b0;
        // A pause goes on: its end is under way.
        if (job_full_q) writes.mx = '{pausing: mx.pausing, default: '0};
        job_i_d = job_i_q + 8'd1;
        if (job_i_q[3:0] == '1) phase_d = End;
      end

      JobEnd: if (exec) begin
        state_d       = Idle;
        writes.vf_we  = 1'b1;
        writes.vf.drv = '0;
        job_end       = 1'b1;
        job_over      = 1'b1;
      end

      default: state_d = Idle;
    endcase

    if (send && pause && vf.pf.gap != '0) begin
      put               = 1'b1;
      writes.mx_we      = 1'b1;
      writes.mx.pausing = 1'b1;
    end

    // The VF needs a reset; its first bad queue is noted.
    if (bad) begin
      writes.vf_we                      = 1'b1;
      writes.vf.drv.status[SNeedsReset] = 1'b1;
      acts.down                         = 1'b1;
      acts.notify                       = 1'b1;
      if (!vf.drv.bad) begin
        writes.vf.drv.bad       = 1'b1;
        writes.vf.drv.bad_code  = (state_q == BadVf) ? bad_code_q : hp_abi_pkg::VQERR_LENGTH;
        writes.vf.drv.bad_queue = (state_q != BadVf) ? vf.drv.queue_sel[7:0] :
                                  q_q[7] ? {pairs, 1'b0} : q_q - {vf.pf.base, 1'b0};
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q      <= Init;
      step_q       <= '0;
      v_q          <= '0;
      q_q          <= '0;
      e_q          <= '0;
      turn_q       <= '0;
      due_turn_q   <= 1'b0;
      pool_q       <= '0;
      job_q        <= 1'b0;
      cmd_done_q   <= 1'b0;
      qcmd_valid_o <= 1'b0;
      bell_valid_o <= 1'b0;
      msg_valid_o  <= 1'b0;
    end else begin
      state_q <= state_d;
      v_q     <= v_d;
      q_q     <= q_d;
      e_q     <= e_d;
      if (state_d != state_q || again) step_q <= '0;
      else if (!exec) step_q <= step_q + 2'd1;
      for (int unsigned i = 0; i < 4; i++) if (pick[i]) turn_q <= 2'(i);
      if (pick[1]) due_turn_q <= !due_pick;

      if (acts.claim) pool_q <= pool_q | pool_mask;
      else if (job_gone) pool_q <= pool_q & ~pool_mask;

      if (job_take) job_q <= 1'b1;
      else if (job_over) job_q <= 1'b0;

      if (cmd) qcmd_valid_o <= 1'b1;
      else if (qcmd_ready_i) qcmd_valid_o <= 1'b0;
      if (qcmd_valid_o && qcmd_ready_i) cmd_done_q <= 1'b1;
      else if (cmd_used) cmd_done_q <= 1'b0;

      bell_valid_o <= bell;
      if (send) msg_valid_o <= 1'b1;
      else if (msg_ready_i) msg_valid_o <= 1'b0;
    end

    if (bad_pop) bad_code_q <= bad_code;
    bell_q_o <= q_q;
    if (send) msg_o <= '{fn: fn_t'(v_q) + 8'd1, addr: mx.addr, data: mx.data};
    if (acts.claim) vf_pairs_o[v_q] <= '{base: vf.pf.base, count: 7'd1};

    if (pick[3] && (poll_reset || poll_enable)) begin
      job_v_q     <= poll_v;
      job_reset_q <= poll_reset;
      job_full_q  <= poll_full;
    end
    // One pair until the guest asks for more.
    if (job_take && job_reset_q) vf_pairs_o[v_q].count <= 7'd1;
    if (job_take) vf_pool_o[v_q] <= vf.drv.features[FMq] ? vf.pf.count : 7'd1;
    if (job_take) vlan_filter_o[v_q] <= vf.drv.features[FCtrlVlan] && !job_reset_q;
    for (int unsigned i = 0; i < N_VF; i++) begin
      if (pairs_set_i && 32'(pairs_vport_i) == i) vf_pairs_o[i].count <= pairs_i;
    end

    if (job_take) begin
      job_base_q     <= {vf.pf.base, 1'b0};
      job_queues_q   <= {vf.pf.count, 1'b0} + 8'(CTRL_VQ);
      job_event_q    <= vf.drv.features[FEventIdx];
      job_indirect_q <= vf.drv.features[FIndirectDesc];
      job_mrg_q      <= vf.drv.features[FMrgRxbuf];
      job_csum_q     <= {vf.drv.features[FCsum], vf.drv.features[FGuestCsum]};
    end
    job_i_q <= job_take ? '0 : job_i_d;
    phase_q <= job_take ? Queue : phase_d;

    if (cmd) begin
      qcmd_o <= '{
        enable: cmd_enable, q: q_q, fn: fn_t'(v_q) + 8'd1, desc: vq.desc, avail: vq.avail, used: vq.used,
        size_log2: 4'(MaxQueueLog2) - vq.shrink, event_idx: job_event_q, indirect: job_indirect_q, mrg: job_mrg_q,
        csum: job_csum_q[q_q[0]]
      };
    end
  end

  assign idle_o = state_q == Idle && !acc_valid && !irq_valid_i && !bad_valid && !job_q && vfs_idle && gaps_idle &&
                  !msg_valid_o && !qcmd_valid_o && !bell_valid_o && !qerr_valid_i;

  `HP_ASSERT_INIT(Shape_A, N_VF >= 1 && N_VF <= 64 && N_QP >= 1 && N_QP <= 64 && (CTRL_VQ || !MQ))
  `HP_ASSERT(OneAccess_A, !(vf_req_i || pf_req_i) || (!acc_valid && !(vf_req_i && pf_req_i)))
  `HP_ASSERT(BadFits_A, !(qerr_valid_i && bad_full))
  `HP_ASSERT(JobOfOwner_A, !job_end || owner[job_v_q])
  `HP_ASSERT(OneMessage_A, !(send && msg_valid_o))
  `HP_ASSERT(OneCommand_A, !(cmd && qcmd_valid_o))
endmodule
