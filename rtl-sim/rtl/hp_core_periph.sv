// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The soft core's peripherals, all in the datapath clock: register block, mailbox, table window, timer, log
// ring, host events, learning, punt and inject ports, transmit hold. One access at a time (`acc_*`); its answer comes in the same
// clock, or later for the memories. `clear_i` (level) resets what belongs to one life of the core; the hash
// seeds, the log ring's bytes and the queue of host events stay.

`include "hp_assert.svh"

module hp_core_periph
  import hp_pkg::*, hp_soc_pkg::*;
#(
  parameter int unsigned DATA_W    = 512,
  parameter int unsigned N_VF      = 8,
  parameter int unsigned N_QP      = 32,
  parameter int unsigned MAC_DEPTH = 1024,
  parameter int unsigned FLOW_DEPTH = 1024
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              clear_i,
  input  logic [63:0]       time_i,

  input  logic              acc_valid_i,
  input  logic              acc_we_i,
  input  logic [15:0]       acc_addr_i,
  input  logic [31:0]       acc_wdata_i,
  input  logic [3:0]        acc_be_i,
  input  logic [31:0]       acc_cycle_i,        // core clock of the access
  input  logic              acc_fault_valid_i,  // FAULT register
  input  logic [29:0]       acc_fault_addr_i,
  output logic              acc_done_o,
  output logic              acc_err_o,
  output logic [31:0]       acc_rdata_o,

  output logic              irq_o,              // pending and not masked
  output logic              pending_o,          // pending, masked or not
  output logic              feed_o,             // pulse: watchdog

  // Host side; the fields that the core's reset and memory own are zero here.
  input  host_to_core_t     host_i,
  output core_to_host_t     host_o,

  output logic              tbl_req_valid_o,
  input  logic              tbl_req_ready_i,
  output tbl_req_t          tbl_req_o,
  input  logic              tbl_rsp_valid_i,
  input  tbl_rsp_t          tbl_rsp_i,
  output logic [127:0]      hash_seed_o,

  input  logic              learn_valid_i,
  input  logic [3:0]        learn_slot_i,
  input  learn_event_t      learn_event_i,
  input  logic [4:0]        learn_waiting_i,
  output logic              learn_act_o,
  output logic [3:0]        learn_act_slot_o,
  output logic [1:0]        learn_verdict_o,
  input  logic              learn_busy_i,
  input  logic [3:0]        learn_status_i,

  input  logic              punt_valid_i,
  input  logic [7:0]        punt_slot_i,
  input  port_t             punt_src_i,
  input  vlan_t             punt_vvlan_i,
  input  reason_t           punt_reason_i,
  input  len_t              punt_len_i,
  output logic              punt_rd_req_o,
  output logic [6:0]        punt_rd_addr_o,
  input  logic              punt_rd_valid_i,
  input  logic [31:0]       punt_rd_data_i,
  output logic              punt_pop_o,
  output logic              punt_send_o,
  output logic              punt_nopunt_o,
  output logic              punt_tomb_o,
  output reason_t           punt_tomb_reason_o,
  input  logic              punt_busy_i,
  input  logic              punt_full_i,
  input  logic              punt_quota_i,
  output logic              punt_seen_o,
  input  logic              flows_waiting_i,

  output logic              tx_hold_set_o,      // pulse, with a new mask
  output logic [N_VF-1:0]   tx_hold_o,
  input  logic              tx_settled_i,

  output logic              inj_valid_o,
  input  logic              inj_ready_i,
  output logic [DATA_W-1:0] inj_data_o,
  output logic              inj_sof_o,
  output logic              inj_eof_o,
  output frame_meta_t       inj_meta_o,
  output logic              inj_busy_o,

  input  guest_to_core_t    guest_i,
  output core_to_guest_t    guest_o
);
  import hp_abi_pkg::FW_READY;

  hp_core_regs_pkg::hairpin_core__in_t  hwif_in;
  hp_core_regs_pkg::hairpin_core__out_t hwif_out;

  // Register block. `regs_rst_n` falls only between two accesses.
  logic        regs_rst_n;
  logic        rd_ack, rd_err, wr_ack, wr_err, stall_wr, stall_rd;
  logic [31:0] wmask;

  always_ff @(posedge clk_i) begin
    regs_rst_n <= rst_ni && !clear_i;
  end

  for (genvar i = 0; i < 4; i++) begin : gen_mask
    assign wmask[8*i+:8] = {8{acc_be_i[i]}};
  end

  hp_core_regs u_regs (
    .clk                  (clk_i),
    .rst_n                (regs_rst_n),
    .s_cpuif_req          (acc_valid_i),
    .s_cpuif_req_is_wr    (acc_we_i),
    .s_cpuif_addr         ({acc_addr_i[15:2], 2'b00}),
    .s_cpuif_wr_data      (acc_wdata_i),
    .s_cpuif_wr_biten     (wmask),
    .s_cpuif_req_stall_wr (stall_wr),
    .s_cpuif_req_stall_rd (stall_rd),
    .s_cpuif_rd_ack       (rd_ack),
    .s_cpuif_rd_err       (rd_err),
    .s_cpuif_rd_data      (acc_rdata_o),
    .s_cpuif_wr_ack       (wr_ack),
    .s_cpuif_wr_err       (wr_err),
    .hwif_in,
    .hwif_out
  );

  assign acc_done_o = rd_ack || wr_ack;
  assign acc_err_o  = (rd_ack && rd_err) || (wr_ack && wr_err);

  // The block takes a written value at the end of the clock of `swmod`; it is used one clock later.
  logic tbl_start_q, cmp_set_q, answer_q, ev_push_q;
  logic [3:0] seed_set_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tbl_start_q <= 1'b0;
      cmp_set_q   <= 1'b0;
      answer_q    <= 1'b0;
      ev_push_q   <= 1'b0;
      seed_set_q  <= '0;
    end else begin
      tbl_start_q <= hwif_out.tbl.CMD.index.swmod;
      cmp_set_q   <= hwif_out.timer.CMP.value.swmod;
      answer_q    <= hwif_out.mbox.RSP_DONE.seq.swmod;
      ev_push_q   <= hwif_out.ev.HOST1.value.swmod;
      seed_set_q  <= {
        hwif_out.tbl.HASH_SEED3.value.swmod, hwif_out.tbl.HASH_SEED2.value.swmod,
        hwif_out.tbl.HASH_SEED1.value.swmod, hwif_out.tbl.HASH_SEED0.value.swmod
      };
    end
  end

  // Identification.
  assign hwif_in.id.MAP_HASH_LO.value.next     = hp_map_hash_pkg::MapHash[31:0];
  assign hwif_in.id.MAP_HASH_HI.value.next     = hp_map_hash_pkg::MapHash[63:32];
  assign hwif_in.id.CAP0.n_vf.next             = 8'(N_VF);
  assign hwif_in.id.CAP0.n_qp.next             = 8'(N_QP);
  assign hwif_in.id.CAP0.data_bytes.next       = 16'(DATA_W / 8);
  assign hwif_in.id.CAP1.mac_capacity.next     = 16'(MAC_DEPTH * 4);
  assign hwif_in.id.CAP1.vvlan_instances.next  = 8'd64;
  assign hwif_in.id.CAP1.group_log2.next       = 4'd8;
  assign hwif_in.id.CAP2.flow_capacity.next    = 16'(FLOW_DEPTH * 4);
  assign hwif_in.id.SEED0.value.next            = host_i.seed[0+:32];
  assign hwif_in.id.SEED1.value.next            = host_i.seed[32+:32];
  assign hwif_in.id.SEED2.value.next            = host_i.seed[64+:32];
  assign hwif_in.id.SEED3.value.next            = host_i.seed[96+:32];

  // Time and timer.
  logic [31:0] time_hi_q;
  logic        timer_pending;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) time_hi_q <= '0;
    else if (hwif_out.timer.TIME_LO.value.swacc) time_hi_q <= time_i[63:32];
  end

  assign hwif_in.timer.TIME_LO.value.next = time_i[31:0];
  assign hwif_in.timer.TIME_HI.value.next = time_hi_q;
  assign hwif_in.timer.CYCLE.value.next   = acc_cycle_i;
  assign feed_o                           = hwif_out.wdt.FEED.feed.value;

  hp_core_timer u_timer (
    .clk_i,
    .rst_ni    (regs_rst_n),
    .time_i,
    .set_i     (cmp_set_q),
    .cmp_i     (hwif_out.timer.CMP.value.value),
    .enable_i  (hwif_out.timer.CTRL.enable.value),
    .pending_o (timer_pending)
  );

  // What the firmware says of itself. The core's clock of an access is kept here: by the time the state
  // has changed, the core may be at its next access.
  logic [31:0] cycle_q, ready_cycles_q;
  logic [3:0]  state, state_q;

  assign state = hwif_out.fw.STATE.state.value;

  always_ff @(posedge clk_i) begin
    if (!regs_rst_n) begin
      ready_cycles_q <= '0;
    end else if (state == FW_READY && ready_cycles_q == '0) begin
      ready_cycles_q <= cycle_q;
    end
    if (!rst_ni) state_q <= '0;
    else state_q <= state;
    if (acc_valid_i) cycle_q <= acc_cycle_i;
  end

  assign hwif_in.fw.READY_CYCLES.value.next = ready_cycles_q;

  // Mailbox.
  logic [511:0] mbox_cmd;
  logic [255:0] mbox_rsp, fw_rsp;
  logic [15:0]  mbox_seq;
  logic         mbox_pending, mbox_done, mbox_answer;

  hp_mailbox u_mailbox (
    .clk_i,
    .rst_ni,
    .clear_i,
    .ring_i       (host_i.mbox_ring),
    .ring_seq_i   (host_i.mbox_seq),
    .cmd_i        (host_i.mbox_cmd),
    .cmd_o        (mbox_cmd),
    .seq_o        (mbox_seq),
    .pending_o    (mbox_pending),
    .answer_i     (answer_q),
    .answer_seq_i (hwif_out.mbox.RSP_DONE.seq.value),
    .rsp_i        (fw_rsp),
    .rsp_o        (mbox_rsp),
    .done_o       (mbox_done),
    .done_pulse_o (mbox_answer)
  );

  assign hwif_in.mbox.CMD0.value.next = mbox_cmd[0+:32];
  assign hwif_in.mbox.CMD1.value.next = mbox_cmd[32+:32];
  assign hwif_in.mbox.CMD2.value.next = mbox_cmd[64+:32];
  assign hwif_in.mbox.CMD3.value.next = mbox_cmd[96+:32];
  assign hwif_in.mbox.CMD4.value.next = mbox_cmd[128+:32];
  assign hwif_in.mbox.CMD5.value.next = mbox_cmd[160+:32];
  assign hwif_in.mbox.CMD6.value.next = mbox_cmd[192+:32];
  assign hwif_in.mbox.CMD7.value.next = mbox_cmd[224+:32];
  assign hwif_in.mbox.CMD8.value.next = mbox_cmd[256+:32];
  assign hwif_in.mbox.CMD9.value.next = mbox_cmd[288+:32];
  assign hwif_in.mbox.CMD10.value.next = mbox_cmd[320+:32];
  assign hwif_in.mbox.CMD11.value.next = mbox_cmd[352+:32];
  assign hwif_in.mbox.CMD12.value.next = mbox_cmd[384+:32];
  assign hwif_in.mbox.CMD13.value.next = mbox_cmd[416+:32];
  assign hwif_in.mbox.CMD14.value.next = mbox_cmd[448+:32];
  assign hwif_in.mbox.CMD15.value.next = mbox_cmd[480+:32];
  assign hwif_in.mbox.SEQ.seq.next     = mbox_seq;
  assign hwif_in.mbox.SEQ.pending.next = mbox_pending;
  assign fw_rsp = {
    hwif_out.mbox.RSP7.value.value, hwif_out.mbox.RSP6.value.value, hwif_out.mbox.RSP5.value.value,
    hwif_out.mbox.RSP4.value.value, hwif_out.mbox.RSP3.value.value, hwif_out.mbox.RSP2.value.value,
    hwif_out.mbox.RSP1.value.value, hwif_out.mbox.RSP0.value.value
  };

  // Table window. A command under way at the core's reset ends by itself.
  tbl_req_t     tbl_cmd;
  logic [191:0] tbl_data;

  assign tbl_cmd = '{
    op: hwif_out.tbl.CMD.op.value,
    tbl: hwif_out.tbl.CMD.tbl.value,
    index: hwif_out.tbl.CMD.index.value,
    data: {
      hwif_out.tbl.DATA5.value.value, hwif_out.tbl.DATA4.value.value, hwif_out.tbl.DATA3.value.value,
      hwif_out.tbl.DATA2.value.value, hwif_out.tbl.DATA1.value.value, hwif_out.tbl.DATA0.value.value
    }
  };

  hp_tbl_win u_tbl (
    .clk_i,
    .rst_ni,
    .start_i (tbl_start_q),
    .req_i   (tbl_cmd),
    .busy_o  (hwif_in.tbl.STATUS.busy.next),
    .code_o  (hwif_in.tbl.STATUS.code.next),
    .rsp_o   (tbl_data),
    .tbl_req_valid_o,
    .tbl_req_ready_i,
    .tbl_req_o,
    .tbl_rsp_valid_i,
    .tbl_rsp_i
  );

  assign hwif_in.tbl.RSP0.value.next = tbl_data[0+:32];
  assign hwif_in.tbl.RSP1.value.next = tbl_data[32+:32];
  assign hwif_in.tbl.RSP2.value.next = tbl_data[64+:32];
  assign hwif_in.tbl.RSP3.value.next = tbl_data[96+:32];
  assign hwif_in.tbl.RSP4.value.next = tbl_data[128+:32];
  assign hwif_in.tbl.RSP5.value.next = tbl_data[160+:32];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      hash_seed_o <= '0;
    end else begin
      if (seed_set_q[0]) hash_seed_o[31:0] <= hwif_out.tbl.HASH_SEED0.value.value;
      if (seed_set_q[1]) hash_seed_o[63:32] <= hwif_out.tbl.HASH_SEED1.value.value;
      if (seed_set_q[2]) hash_seed_o[95:64] <= hwif_out.tbl.HASH_SEED2.value.value;
      if (seed_set_q[3]) hash_seed_o[127:96] <= hwif_out.tbl.HASH_SEED3.value.value;
    end
  end

  // Learning.
  logic act_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) act_q <= 1'b0;
    else act_q <= hwif_out.learn.ACT.slot.swmod;
  end

  assign learn_act_o      = act_q;
  assign learn_act_slot_o = hwif_out.learn.ACT.slot.value;
  assign learn_verdict_o  = hwif_out.learn.ACT.verdict.value;

  assign hwif_in.learn.EVENT.slot.next       = learn_slot_i;
  assign hwif_in.learn.EVENT.status.next     = learn_status_i;
  assign hwif_in.learn.EVENT.vport.next      = learn_event_i.vport;
  assign hwif_in.learn.EVENT.busy.next       = learn_busy_i;
  assign hwif_in.learn.EVENT.from.next       = learn_event_i.from;
  assign hwif_in.learn.EVENT.from_valid.next = learn_event_i.from_valid;
  assign hwif_in.learn.EVENT.waiting.next    = learn_waiting_i;
  assign hwif_in.learn.EVENT.valid.next      = learn_valid_i;
  assign hwif_in.learn.KEY0.mac.next       = learn_event_i.sa[31:0];
  assign hwif_in.learn.KEY1.mac.next      = learn_event_i.sa[47:32];
  assign hwif_in.learn.KEY1.vvlan.next       = learn_event_i.vvlan;
  assign hwif_in.learn.RESULT.status.next    = learn_status_i;
  assign hwif_in.learn.RESULT.busy.next      = learn_busy_i;

  // Punt port: one action at a time, only on a frame that is there.
  logic punt_free;

  assign punt_free          = punt_valid_i && !punt_busy_i;
  assign punt_pop_o         = hwif_out.punt.CTRL.pop.value && punt_free;
  assign punt_nopunt_o      = hwif_out.punt.CTRL.send_nopunt.value;
  assign punt_tomb_o        = hwif_out.punt.CTRL.send_tomb.value;
  assign punt_send_o        = (punt_nopunt_o || punt_tomb_o) && !hwif_out.punt.CTRL.pop.value && punt_free;
  assign punt_tomb_reason_o = hwif_out.punt.CTRL.tomb_reason.value;

  assign hwif_in.punt.STATUS.valid.next = punt_valid_i;
  assign hwif_in.punt.STATUS.busy.next  = punt_busy_i;
  assign hwif_in.punt.STATUS.full.next  = punt_full_i;
  assign hwif_in.punt.STATUS.quota.next = punt_quota_i;
  assign punt_seen_o                    = hwif_out.punt.CTRL.seen.value;
  assign hwif_in.punt.INFO0.slot.next   = punt_slot_i;
  assign hwif_in.punt.INFO0.src.next    = punt_src_i;
  assign hwif_in.punt.INFO0.reason.next = punt_reason_i;
  assign hwif_in.punt.INFO1.vvlan.next  = punt_vvlan_i;
  assign hwif_in.punt.INFO1.len.next    = punt_len_i;

  assign punt_rd_req_o               = hwif_out.punt_window.req;
  assign punt_rd_addr_o              = hwif_out.punt_window.addr;
  assign hwif_in.punt_window.rd_ack  = punt_rd_valid_i;
  assign hwif_in.punt_window.rd_data = punt_rd_data_i;
  assign hwif_in.punt_window.wr_ack  = 1'b0;

  // Transmit hold. A core that is stopped keeps nobody back: `clear_i` clears the mask.
  always_ff @(posedge clk_i) begin
    tx_hold_set_o <= rst_ni && (hwif_out.tx.HOLD0.vports.swmod || hwif_out.tx.HOLD1.vports.swmod);
  end
  assign tx_hold_o = N_VF'({hwif_out.tx.HOLD1.vports.value, hwif_out.tx.HOLD0.vports.value});
  assign hwif_in.tx.STATE.settled.next = tx_settled_i && !tx_hold_set_o;

  // Inject port.
  logic [3:0] inj_be;

  for (genvar i = 0; i < 4; i++) begin : gen_be
    assign inj_be[i] = hwif_out.inject_buffer.wr_biten[8*i];
  end

  assign hwif_in.inject.STATUS.busy.next = inj_busy_o;
  assign hwif_in.inject_buffer.wr_ack    = hwif_out.inject_buffer.req;
  assign hwif_in.inject_buffer.rd_ack    = 1'b0;
  assign hwif_in.inject_buffer.rd_data   = '0;

  hp_inject #(
    .DATA_W(DATA_W)
  ) u_inject (
    .clk_i,
    .rst_ni,
    .we_i    (hwif_out.inject_buffer.req),
    .be_i    (inj_be),
    .waddr_i (hwif_out.inject_buffer.addr[10:2]),
    .wdata_i (hwif_out.inject_buffer.wr_data),
    .start_i (hwif_out.inject.CTRL.start.value),
    .len_i   (hwif_out.inject.CTRL.len.value),
    .port_i  (hwif_out.inject.CTRL.direct_port.value),
    .busy_o  (inj_busy_o),
    .inj_valid_o,
    .inj_ready_i,
    .inj_data_o,
    .inj_sof_o,
    .inj_eof_o,
    .inj_meta_o
  );

  // Requests of guests.
  logic guest_answer_q, guest_forget_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      guest_answer_q <= 1'b0;
      guest_forget_q <= 1'b0;
    end else begin
      guest_answer_q <= hwif_out.guest.ANSWER.ack.swmod;
      guest_forget_q <= hwif_out.guest.FORGET.vport.swmod;
    end
  end

  assign guest_o = '{
    rd: hwif_out.guest_window.req,
    raddr: hwif_out.guest_window.addr[8:2],
    answer: guest_answer_q,
    ack: hwif_out.guest.ANSWER.ack.value,
    pairs: hwif_out.guest.ANSWER.pairs.value,
    announced: hwif_out.guest.ANSWER.announced.value,
    vlan_op: hwif_out.guest.ANSWER.vlan_op.value,
    vid: hwif_out.guest.ANSWER.vid.value,
    tag: hwif_out.guest.ANSWER.tag.value,
    allow: {hwif_out.guest.ALLOW1.vports.value, hwif_out.guest.ALLOW0.vports.value},
    forget: guest_forget_q,
    forget_vport: hwif_out.guest.FORGET.vport.value
  };
  assign hwif_in.guest.REQUEST.valid.next = guest_i.valid;
  assign hwif_in.guest.REQUEST.vport.next = guest_i.vport;
  assign hwif_in.guest.REQUEST.len.next   = guest_i.len;
  assign hwif_in.guest.REQUEST.cut.next   = guest_i.cut;
  assign hwif_in.guest.REQUEST.tag.next   = guest_i.tag;
  assign hwif_in.guest.INFO.pairs.next    = guest_i.pairs;
  assign {hwif_in.guest.GONE1.vports.next, hwif_in.guest.GONE0.vports.next} = guest_i.gone;
  assign hwif_in.guest_window.rd_ack      = guest_i.rvalid;
  assign hwif_in.guest_window.rd_data     = guest_i.rdata;
  assign hwif_in.guest_window.wr_ack      = 1'b0;

  // Log ring.
  logic [3:0]  log_be;
  logic [31:0] log_rdata;

  for (genvar i = 0; i < 4; i++) begin : gen_log_be
    assign log_be[i] = hwif_out.log_ring.wr_biten[8*i];
  end

  assign hwif_in.log_ring.wr_ack  = hwif_out.log_ring.req;
  assign hwif_in.log_ring.rd_ack  = 1'b0;
  assign hwif_in.log_ring.rd_data = '0;

  hp_log_ring u_log (
    .clk_i,
    .we_i    (hwif_out.log_ring.req),
    .be_i    (log_be),
    .waddr_i (hwif_out.log_ring.addr[11:2]),
    .wdata_i (hwif_out.log_ring.wr_data),
    .rd_i    (host_i.log_rd),
    .raddr_i (host_i.log_addr),
    .rdata_o (log_rdata)
  );

  // Events.
  logic [63:0] ev_data;
  logic [7:0]  ev_count;
  logic [15:0] ev_lost;
  logic        ev_full;

  hp_event_queue u_events (
    .clk_i,
    .rst_ni,
    .push_i  (ev_push_q),
    .data_i  ({hwif_out.ev.HOST1.value.value, hwif_out.ev.HOST0.value.value}),
    .pop_i   (host_i.ev_pop),
    .data_o  (ev_data),
    .count_o (ev_count),
    .full_o  (ev_full),
    .lost_o  (ev_lost)
  );

  assign hwif_in.ev.HOST_STATUS.count.next = ev_count;
  assign hwif_in.ev.HOST_STATUS.full.next  = ev_full;
  assign hwif_in.ev.PENDING.mbox.next      = mbox_pending;
  assign hwif_in.ev.PENDING.punt.next      = punt_valid_i && !punt_busy_i;
  assign hwif_in.ev.PENDING.timer.next     = timer_pending;

  // While an install is busy the next event can only be looked at.
  logic       learn_pending, guest_pending;
  logic [5:0] pending, mask;

  assign learn_pending = learn_valid_i && !learn_busy_i;
  assign hwif_in.ev.PENDING.learn.next = learn_pending;
  assign guest_pending = guest_i.valid || |guest_i.gone;
  assign hwif_in.ev.PENDING.guest.next = guest_pending;
  assign hwif_in.ev.PENDING.flows.next = flows_waiting_i;
  assign pending = {
    flows_waiting_i, guest_pending, learn_pending, timer_pending, punt_valid_i && !punt_busy_i,
    mbox_pending
  };
  assign mask = {
    hwif_out.ev.MASK.flows.value, hwif_out.ev.MASK.guest.value, hwif_out.ev.MASK.learn.value,
    hwif_out.ev.MASK.timer.value, hwif_out.ev.MASK.punt.value, hwif_out.ev.MASK.mbox.value
  };
  // Flows may have to wait for their turn: that is no reason to be awake.
  assign pending_o = |pending[4:0];
  assign irq_o     = |(pending & mask);

  assign hwif_in.soc.FAULT.valid.next = acc_fault_valid_i;
  assign hwif_in.soc.FAULT.addr.next  = acc_fault_addr_i;

  always_comb begin
    host_o              = '0;
    host_o.state        = state;
    host_o.code         = hwif_out.fw.STATE.code.value;
    host_o.state_change = state != state_q;
    host_o.heartbeat    = hwif_out.fw.HEARTBEAT.value.value;
    host_o.map_hash     = {hwif_out.fw.MAP_HASH_HI.value.value, hwif_out.fw.MAP_HASH_LO.value.value};
    host_o.build_id     = hwif_out.fw.BUILD_ID.value.value;
    host_o.ready_cycles = ready_cycles_q;
    host_o.mbox_seq     = mbox_seq;
    host_o.mbox_done    = mbox_done;
    host_o.mbox_answer  = mbox_answer;
    host_o.mbox_rsp     = mbox_rsp;
    host_o.log_head     = hwif_out.log.HEAD.value.value;
    host_o.log_dropped  = hwif_out.log.DROPPED.value.value;
    host_o.log_rdata    = log_rdata;
    host_o.ev_push      = ev_push_q && !ev_full;
    host_o.ev_count     = ev_count;
    host_o.ev_lost      = ev_lost;
    host_o.ev_data      = ev_data;
  end

  // Sideband of the access only: byte lanes, host fields of the core's reset and memory.
  logic unused;
  assign unused = ^{acc_addr_i[1:0], host_i, hwif_out, learn_event_i};

  `HP_ASSERT(OneAccess_A, !acc_valid_i || !(stall_wr || stall_rd))
endmodule
