// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What hp_vio_regs must know of every VF at all times: who owns a pool, who is live, what is to be done for whom,
// and function-level reset.
//
// `acts_i` is about `v_i`; what it does is seen in the next clock. What is to be done is offered for one VF at a time,
// in turn: a reset or queues to enable (`job`, while none is under way), a configuration interrupt, interrupts
// that may have become deliverable (both while `msg_free_i`). `poll_take_i` takes what is offered, the first of them.

`include "hp_assert.svh"

module hp_vio_vfs
  import hp_vio_regs_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  localparam int unsigned IdxW = (N_VF > 1) ? $clog2(N_VF) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic [N_VF-1:0] flr_req_i,
  output logic [N_VF-1:0] flr_done_o,
  input  logic [N_VF-1:0] msix_open_i,      // enabled and not masked

  input  logic [IdxW-1:0] v_i,
  input  acts_t           acts_i,

  input  logic            job_busy_i,
  input  logic            job_end_i,        // the end of a reset
  input  logic [IdxW-1:0] job_v_i,
  output logic            job_gone_o,       // with it the pool is given up
  output logic [N_VF-1:0] reset_o,          // a reset has ended; a pulse
  input  logic            msg_free_i,
  input  logic            announced_i,      // its guest has announced itself
  input  hp_pkg::port_t   announced_v_i,
  output logic [N_VF-1:0] announce_o,       // its guest is to announce itself (virtio 1.2, 5.1.6.5.4)

  output logic            poll_valid_o,
  output logic [IdxW-1:0] poll_v_o,
  output logic            poll_reset_o,
  output logic            poll_full_o,      // of a reset: MSI-X too
  output logic            poll_enable_o,
  output logic            poll_notify_o,
  input  logic            poll_take_i,

  output logic [N_VF-1:0] owner_o,          // owns its pool
  output logic [N_VF-1:0] visible_o,        // its registers can be seen
  output logic [N_VF-1:0] resetting_o,
  output logic [N_VF-1:0] live_o,
  output logic            idle_o
);
  logic [N_VF-1:0] owner_q, leave_q, full_q, resetting_q, todo_q, live_q, enable_q, notify_q, scan_q;
  logic [N_VF-1:0] flr_seen_q, flr_new;
  logic [N_VF-1:0] at_v, at_job, at_poll, ended;
  logic [IdxW-1:0] poll_q;
  logic            poll_scan;

  for (genvar i = 0; i < int'(N_VF); i++) begin : gen_at
    assign at_v[i]    = v_i == IdxW'(i);
    assign at_job[i]  = job_v_i == IdxW'(i);
    assign at_poll[i] = poll_q == IdxW'(i);
  end

  // A reset that was asked for again meanwhile has not ended.
  assign flr_new    = flr_req_i & ~flr_seen_q & owner_q;
  assign ended      = {N_VF{job_end_i}} & at_job & ~todo_q & ~flr_new;
  assign job_gone_o = |(ended & leave_q);
  assign reset_o    = {N_VF{job_end_i}} & at_job;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      owner_q     <= '0;
      leave_q     <= '0;
      full_q      <= '0;
      resetting_q <= '0;
      todo_q      <= '0;
      live_q      <= '0;
      enable_q    <= '0;
      notify_q    <= '0;
      scan_q      <= '0;
      flr_seen_q  <= '0;
      announce_o  <= '0;
      flr_done_o  <= '0;
      poll_q      <= '0;
    end else begin
      for (int unsigned i = 0; i < N_VF; i++) begin
        // What was taken is no longer offered.
        if (poll_take_i && at_poll[i]) begin
          if (poll_reset_o) todo_q[i] <= 1'b0;
          if (poll_reset_o || poll_enable_o) enable_q[i] <= 1'b0;
          else if (poll_notify_o) notify_q[i] <= 1'b0;
          else scan_q[i] <= 1'b0;
        end

        if (at_v[i]) begin
          if (acts_i.claim) owner_q[i] <= 1'b1;
          if (acts_i.leave) leave_q[i] <= 1'b1;
          if (acts_i.up) live_q[i] <= 1'b1;
          if (acts_i.down) live_q[i] <= 1'b0;
          if (acts_i.enable) enable_q[i] <= 1'b1;
          if (acts_i.notify) notify_q[i] <= 1'b1;
          if (acts_i.scan) scan_q[i] <= 1'b1;
        end

        if (resetting_o[i] || (announced_i && announced_v_i == hp_pkg::port_t'(i))) announce_o[i] <= 1'b0;
        else if (at_v[i] && acts_i.announce) announce_o[i] <= 1'b1;

        if (ended[i]) begin
          resetting_q[i] <= 1'b0;
          full_q[i]      <= 1'b0;
          enable_q[i]    <= 1'b0;
          notify_q[i]    <= 1'b0;
          scan_q[i]      <= 1'b0;
          if (leave_q[i]) begin
            owner_q[i] <= 1'b0;
            leave_q[i] <= 1'b0;
          end
        end

        // The first clock of a request: a VF without a pool has no state.
        flr_seen_q[i] <= flr_req_i[i];
        if (!flr_req_i[i]) flr_done_o[i] <= 1'b0;
        else if (ended[i] || (!flr_seen_q[i] && !owner_q[i])) flr_done_o[i] <= 1'b1;

        if ((at_v[i] && (acts_i.leave || acts_i.reset)) || flr_new[i]) begin
          resetting_q[i] <= 1'b1;
          todo_q[i]      <= 1'b1;
          live_q[i]      <= 1'b0;
        end
        if ((at_v[i] && acts_i.leave) || flr_new[i]) full_q[i] <= 1'b1;
      end

      if (!poll_valid_o || poll_take_i) begin
        poll_q <= (32'(poll_q) == N_VF - 1) ? '0 : poll_q + 1'b1;
      end
    end
  end

  assign poll_v_o      = poll_q;
  assign poll_reset_o  = |(at_poll & todo_q) && !job_busy_i;
  assign poll_full_o   = |(at_poll & full_q);
  assign poll_enable_o = |(at_poll & enable_q) && !job_busy_i;
  assign poll_notify_o = |(at_poll & notify_q) && msg_free_i;
  assign poll_scan   = |(at_poll & scan_q & msix_open_i) && msg_free_i;
  assign poll_valid_o  = poll_reset_o || poll_enable_o || poll_notify_o || poll_scan;

  assign owner_o     = owner_q;
  assign visible_o   = owner_q & ~full_q & ~flr_req_i;
  assign resetting_o = resetting_q | flr_new;
  assign live_o      = live_q & ~flr_req_i;
  assign idle_o      = (todo_q | enable_q | notify_q | (scan_q & msix_open_i) | flr_new) == '0;

  `HP_ASSERT(LiveIsOwner_A, (live_q & (~owner_q | resetting_q)) == '0)
  `HP_ASSERT(TodoIsResetting_A, (todo_q & ~resetting_q) == '0)
  `HP_ASSERT(ResetOfOwner_A, (resetting_q & ~owner_q) == '0)
  `HP_ASSERT(FullIsReset_A, ((full_q | leave_q) & ~resetting_q) == '0)
endmodule
