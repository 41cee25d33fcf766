// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The host's side of the PF BAR: AXI4-Lite, register block, interrupts, table and counter windows, firmware
// load. Everything the firmware has a part in goes through `core_i` and `core_o`. With VIRTQ, accesses to VFs
// (`vf_*`) and to the window of what the PF sets for them (`pf_*`) go out: one at a time, `req` for one clock,
// `ack` in the same or later.

`include "hp_assert.svh"

module hp_host_if
  import hp_pkg::*, hp_soc_pkg::*;
#(
  parameter int unsigned DATA_W    = 512,
  parameter int unsigned N_VF      = 8,
  parameter int unsigned N_QP      = 32,
  parameter int unsigned MAC_DEPTH = 1024,
  parameter int unsigned FLOW_DEPTH = 1024,
  parameter int unsigned TCM_KIB   = 64,
  parameter bit          VIRTQ     = 1'b0,
  parameter logic [31:0] BUILD_ID  = 32'd0
) (
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic [63:0]   time_i,
  input  logic          uplink_up_i,

  input  logic [7:0]    s_csr_fn_i,
  input  logic [2:0]    s_csr_bar_i,
  input  logic          s_csr_awvalid_i,
  output logic          s_csr_awready_o,
  input  logic [15:0]   s_csr_awaddr_i,
  input  logic          s_csr_wvalid_i,
  output logic          s_csr_wready_o,
  input  logic [31:0]   s_csr_wdata_i,
  input  logic [3:0]    s_csr_wstrb_i,
  output logic          s_csr_bvalid_o,
  input  logic          s_csr_bready_i,
  output logic [1:0]    s_csr_bresp_o,
  input  logic          s_csr_arvalid_i,
  output logic          s_csr_arready_o,
  input  logic [15:0]   s_csr_araddr_i,
  output logic          s_csr_rvalid_o,
  input  logic          s_csr_rready_i,
  output logic [31:0]   s_csr_rdata_o,
  output logic [1:0]    s_csr_rresp_o,
  output logic          irq_o,

  output logic          vf_req_o,
  output logic          vf_we_o,
  output logic [7:0]    vf_fn_o,
  output logic [15:0]   vf_addr_o,
  output logic [31:0]   vf_wdata_o,
  output logic [31:0]   vf_wmask_o,
  input  logic          vf_ack_i,
  input  logic [31:0]   vf_rdata_i,
  output logic          pf_req_o,
  output logic          pf_we_o,
  output logic [11:0]   pf_addr_o,
  output logic [31:0]   pf_wdata_o,
  input  logic          pf_ack_i,
  input  logic [31:0]   pf_rdata_i,

  output logic          tbl_req_valid_o,
  input  logic          tbl_req_ready_i,
  output tbl_req_t      tbl_req_o,
  input  logic          tbl_rsp_valid_i,
  input  tbl_rsp_t      tbl_rsp_i,

  output logic          cnt_rd_valid_o,
  output logic [15:0]   cnt_rd_addr_o,
  input  logic          cnt_rd_done_i,
  input  logic [63:0]   cnt_rd_data_i,

  output host_to_core_t core_o,
  input  core_to_host_t core_i
);
  localparam logic [31:0] Magic       = 32'h4E49_5048;  // "HPIN", first byte first
  localparam int unsigned MapMajor    = 0;
  localparam int unsigned MapMinor    = 1;
  localparam int unsigned Reasons     = 64;
  localparam int unsigned LoadTimeout = 4096;

  hp_pf_regs_pkg::hairpin_pf__in_t  hwif_in;
  hp_pf_regs_pkg::hairpin_pf__out_t hwif_out;

  // Register block. It sees an access for one clock and answers in the same, memories later.
  logic        any_req, req, we, rd_ack, rd_err, wr_ack, wr_err, stall_wr, stall_rd;
  logic [7:0]  fn;
  logic [15:0] addr;
  logic [31:0] wdata, wmask, rdata;
  logic        load_err, win_err;

  hp_axil_slave #(.N_VF(VIRTQ ? N_VF : 0)) u_axil (
    .clk_i,
    .rst_ni,
    .s_csr_fn_i,
    .s_csr_bar_i,
    .s_csr_awvalid_i,
    .s_csr_awready_o,
    .s_csr_awaddr_i,
    .s_csr_wvalid_i,
    .s_csr_wready_o,
    .s_csr_wdata_i,
    .s_csr_wstrb_i,
    .s_csr_bvalid_o,
    .s_csr_bready_i,
    .s_csr_bresp_o,
    .s_csr_arvalid_i,
    .s_csr_arready_o,
    .s_csr_araddr_i,
    .s_csr_rvalid_o,
    .s_csr_rready_i,
    .s_csr_rdata_o,
    .s_csr_rresp_o,
    .req_o   (any_req),
    .we_o    (we),
    .fn_o    (fn),
    .addr_o  (addr),
    .wdata_o (wdata),
    .wmask_o (wmask),
    .ack_i   (rd_ack || wr_ack || vf_ack_i),
    .err_i   ((rd_ack && (rd_err || win_err)) || (wr_ack && (wr_err || load_err || win_err))),
    .rdata_i (vf_ack_i ? vf_rdata_i : rdata)
  );

  assign req        = any_req && fn == 8'd0;
  assign vf_req_o   = any_req && fn != 8'd0;
  assign vf_we_o    = we;
  assign vf_fn_o    = fn;
  assign vf_addr_o  = addr;
  assign vf_wdata_o = wdata;
  assign vf_wmask_o = wmask;

  hp_pf_regs u_regs (
    .clk                  (clk_i),
    .rst_n                (rst_ni),
    .s_cpuif_req          (req),
    .s_cpuif_req_is_wr    (we),
    .s_cpuif_addr         (addr),
    .s_cpuif_wr_data      (wdata),
    .s_cpuif_wr_biten     (wmask),
    .s_cpuif_req_stall_wr (stall_wr),
    .s_cpuif_req_stall_rd (stall_rd),
    .s_cpuif_rd_ack       (rd_ack),
    .s_cpuif_rd_err       (rd_err),
    .s_cpuif_rd_data      (rdata),
    .s_cpuif_wr_ack       (wr_ack),
    .s_cpuif_wr_err       (wr_err),
    .hwif_in,
    .hwif_out
  );

  // The block takes a written value at the end of the clock of `swmod`; it is used one clock later.
  logic tbl_start_q, ring_q, cnt_start_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tbl_start_q <= 1'b0;
      ring_q      <= 1'b0;
      cnt_start_q <= 1'b0;
    end else begin
      tbl_start_q <= hwif_out.tbl.CMD.index.swmod;
      ring_q      <= hwif_out.mbox.DOORBELL.seq.swmod;
      cnt_start_q <= hwif_out.cnt.ADDR.bank.swmod;
    end
  end

  // Identification.
  assign hwif_in.id.MAGIC.value.next          = Magic;
  assign hwif_in.id.VERSION.major.next        = 16'(MapMajor);
  assign hwif_in.id.VERSION.minor.next        = 16'(MapMinor);
  assign hwif_in.id.MAP_HASH_LO.value.next    = hp_map_hash_pkg::MapHash[31:0];
  assign hwif_in.id.MAP_HASH_HI.value.next    = hp_map_hash_pkg::MapHash[63:32];
  assign hwif_in.id.BUILD_ID.value.next       = BUILD_ID;
  assign hwif_in.id.CAP0.n_vf.next            = 8'(N_VF);
  assign hwif_in.id.CAP0.n_qp.next            = 8'(N_QP);
  assign hwif_in.id.CAP0.data_bytes.next      = 16'(DATA_W / 8);
  assign hwif_in.id.CAP1.mac_capacity.next    = 16'(MAC_DEPTH * 4);
  assign hwif_in.id.CAP1.vvlan_instances.next = 8'd64;
  assign hwif_in.id.CAP1.group_log2.next      = 4'd8;
  assign hwif_in.id.CAP2.flow_cache.next      = FLOW_DEPTH != 0;
  assign hwif_in.id.CAP2.virtqueues.next      = VIRTQ;
  assign hwif_in.id.CAP2.reason_count.next    = 8'(Reasons);
  assign hwif_in.id.CAP3.flow_capacity.next   = 16'(FLOW_DEPTH * 4);

  // Port, time, interrupts.
  logic [31:0] time_hi_q;
  logic        hung_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      time_hi_q <= '0;
      hung_q    <= 1'b0;
      irq_o     <= 1'b0;
    end else begin
      if (hwif_out.port.TIME_LO.value.swacc) time_hi_q <= time_i[63:32];
      hung_q <= core_i.hung;
      irq_o  <= (hwif_out.port.IRQ_STATUS.host_event.value && hwif_out.port.IRQ_MASK.host_event.value)
             || (hwif_out.port.IRQ_STATUS.mbox.value && hwif_out.port.IRQ_MASK.mbox.value)
             || (hwif_out.port.IRQ_STATUS.hung.value && hwif_out.port.IRQ_MASK.hung.value)
             || (hwif_out.port.IRQ_STATUS.fw_state.value && hwif_out.port.IRQ_MASK.fw_state.value);
    end
  end

  assign hwif_in.port.UPLINK_STATUS.up.next        = uplink_up_i;
  assign hwif_in.port.TIME_LO.value.next           = time_i[31:0];
  assign hwif_in.port.TIME_HI.value.next           = time_hi_q;
  assign hwif_in.port.IRQ_STATUS.host_event.hwset  = core_i.ev_push;
  assign hwif_in.port.IRQ_STATUS.mbox.hwset        = core_i.mbox_answer;
  assign hwif_in.port.IRQ_STATUS.hung.hwset        = core_i.hung && !hung_q;
  assign hwif_in.port.IRQ_STATUS.fw_state.hwset    = core_i.state_change;

  // Table window.
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

  // Counter window.
  logic        cnt_busy_q;
  logic [63:0] cnt_value_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cnt_busy_q     <= 1'b0;
      cnt_rd_valid_o <= 1'b0;
      cnt_rd_addr_o  <= '0;
      cnt_value_q    <= '0;
    end else begin
      cnt_rd_valid_o <= 1'b0;
      if (!cnt_busy_q && cnt_start_q) begin
        cnt_busy_q     <= 1'b1;
        cnt_rd_valid_o <= 1'b1;
        cnt_rd_addr_o  <= {hwif_out.cnt.ADDR.bank.value, hwif_out.cnt.ADDR.index.value};
      end else if (cnt_busy_q && cnt_rd_done_i) begin
        cnt_busy_q  <= 1'b0;
        cnt_value_q <= cnt_rd_data_i;
      end
    end
  end

  assign hwif_in.cnt.STATUS.busy.next    = cnt_busy_q;
  assign hwif_in.cnt.VALUE_LO.value.next = cnt_value_q[31:0];
  assign hwif_in.cnt.VALUE_HI.value.next = cnt_value_q[63:32];

  // Firmware load. A word is kept until the core's side has taken it; the host waits only when it brings the
  // next one earlier, or the first one before the core is really in reset. A core without a clock ends
  // that wait with an error.
  logic        load_req, load_wait_q, load_now, load_ok, load_late, load_ack, load_q;
  logic [$clog2(LoadTimeout+1)-1:0] load_count_q;
  logic [31:0] load_addr, load_addr_q, load_data_q;
  logic        run;

  assign run       = hwif_out.fw.CTRL.run.value;
  assign load_addr = hwif_out.fw.LOAD_ADDR.value.value;
  assign load_req  = hwif_out.fw.LOAD_DATA.req;
  assign load_now  = load_req || load_wait_q;
  assign load_ok   = !run && load_addr < 32'(TCM_KIB) * 1024 && load_addr[1:0] == '0;
  assign load_late = load_wait_q && load_count_q == '0;
  assign load_err  = load_now && (!load_ok || load_late);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      load_wait_q  <= 1'b0;
      load_q       <= 1'b0;
      load_count_q <= '0;
    end else begin
      load_wait_q  <= load_now && !load_ack;
      load_count_q <= load_wait_q ? load_count_q - 1'b1 : $bits(load_count_q)'(LoadTimeout);
      if (load_ack && !load_err) load_q <= 1'b1;
      else if (core_i.load_ready) load_q <= 1'b0;
    end
    if (load_ack && !load_err) begin
      load_addr_q <= load_addr;
      load_data_q <= wdata;
    end
  end

  assign load_ack                         = load_now && ((core_i.held && !load_q) || load_err);
  assign hwif_in.fw.LOAD_DATA.wr_ack      = load_ack;
  assign hwif_in.fw.LOAD_ADDR.value.we    = load_ack && !load_err;
  assign hwif_in.fw.LOAD_ADDR.value.next  = load_addr + 32'd4;

  // Firmware state.
  logic [31:0] restarts_q;
  logic        started_q, run_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      run_q      <= 1'b0;
      started_q  <= 1'b0;
      restarts_q <= '0;
    end else begin
      run_q <= run;
      if (core_i.started) started_q <= 1'b1;
      if (core_i.started && started_q) restarts_q <= restarts_q + 1'b1;
    end
  end

  assign hwif_in.fw.STATUS.state.next        = core_i.state;
  assign hwif_in.fw.STATUS.code.next         = core_i.code;
  assign hwif_in.fw.STATUS.hung.next         = core_i.hung;
  assign hwif_in.fw.STATUS.asleep.next       = core_i.asleep;
  assign hwif_in.fw.HEARTBEAT.value.next     = core_i.heartbeat;
  assign hwif_in.fw.MAP_HASH_LO.value.next   = core_i.map_hash[31:0];
  assign hwif_in.fw.MAP_HASH_HI.value.next   = core_i.map_hash[63:32];
  assign hwif_in.fw.BUILD_ID.value.next      = core_i.build_id;
  assign hwif_in.fw.READY_CYCLES.value.next  = core_i.ready_cycles;
  assign hwif_in.fw.RESTARTS.value.next      = restarts_q;

  // Mailbox, log, events.
  assign hwif_in.mbox.RSP0.value.next = core_i.mbox_rsp[0+:32];
  assign hwif_in.mbox.RSP1.value.next = core_i.mbox_rsp[32+:32];
  assign hwif_in.mbox.RSP2.value.next = core_i.mbox_rsp[64+:32];
  assign hwif_in.mbox.RSP3.value.next = core_i.mbox_rsp[96+:32];
  assign hwif_in.mbox.RSP4.value.next = core_i.mbox_rsp[128+:32];
  assign hwif_in.mbox.RSP5.value.next = core_i.mbox_rsp[160+:32];
  assign hwif_in.mbox.RSP6.value.next = core_i.mbox_rsp[192+:32];
  assign hwif_in.mbox.RSP7.value.next = core_i.mbox_rsp[224+:32];
  assign hwif_in.mbox.RSP_STATUS.seq.next  = core_i.mbox_seq;
  assign hwif_in.mbox.RSP_STATUS.done.next = core_i.mbox_done;
  assign hwif_in.log.HEAD.value.next       = core_i.log_head;
  assign hwif_in.log.DROPPED.value.next    = core_i.log_dropped;
  assign hwif_in.ev.STATUS.count.next      = core_i.ev_count;
  assign hwif_in.ev.STATUS.lost.next       = core_i.ev_lost;
  assign hwif_in.ev.DATA0.value.next       = core_i.ev_data[31:0];
  assign hwif_in.ev.DATA1.value.next       = core_i.ev_data[63:32];

  logic [1:0] log_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) log_q <= '0;
    else log_q <= {log_q[0], hwif_out.log_ring.req};
  end

  assign hwif_in.log_ring.rd_ack  = log_q[1];
  assign hwif_in.log_ring.rd_data = core_i.log_rdata;
  assign hwif_in.log_ring.wr_ack  = 1'b0;

  // Window of the VFs. What it refuses, or is not there, ends with an error at once.
  assign win_err    = hwif_out.virtio.req && (!VIRTQ || (hwif_out.virtio.req_is_wr && wmask != '1));
  assign pf_req_o   = hwif_out.virtio.req && !win_err;
  assign pf_we_o    = hwif_out.virtio.req_is_wr;
  assign pf_addr_o  = hwif_out.virtio.addr;
  assign pf_wdata_o = hwif_out.virtio.wr_data;

  assign hwif_in.virtio.rd_ack  = (pf_ack_i || win_err) && !we;
  assign hwif_in.virtio.wr_ack  = (pf_ack_i || win_err) && we;
  assign hwif_in.virtio.rd_data = pf_rdata_i;

  // The watchdog's time may change only while the core is stopped.
  logic [31:0] wdt_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) wdt_q <= '0;
    else if (!run_q) wdt_q <= hwif_out.fw.WDT_CYCLES.value.value;
  end

  assign core_o = '{
    run: run_q,
    load_valid: load_q,
    load_addr: load_addr_q,
    load_data: load_data_q,
    seed: {
      hwif_out.fw.SEED3.value.value, hwif_out.fw.SEED2.value.value,
      hwif_out.fw.SEED1.value.value, hwif_out.fw.SEED0.value.value
    },
    wdt_cycles: wdt_q,
    mbox_ring: ring_q,
    mbox_seq: hwif_out.mbox.DOORBELL.seq.value,
    mbox_cmd: {
      hwif_out.mbox.CMD15.value.value, hwif_out.mbox.CMD14.value.value,
      hwif_out.mbox.CMD13.value.value, hwif_out.mbox.CMD12.value.value,
      hwif_out.mbox.CMD11.value.value, hwif_out.mbox.CMD10.value.value,
      hwif_out.mbox.CMD9.value.value, hwif_out.mbox.CMD8.value.value,
      hwif_out.mbox.CMD7.value.value, hwif_out.mbox.CMD6.value.value,
      hwif_out.mbox.CMD5.value.value, hwif_out.mbox.CMD4.value.value,
      hwif_out.mbox.CMD3.value.value, hwif_out.mbox.CMD2.value.value,
      hwif_out.mbox.CMD1.value.value, hwif_out.mbox.CMD0.value.value
    },
    log_rd: hwif_out.log_ring.req,
    log_addr: hwif_out.log_ring.addr[11:2],
    ev_pop: hwif_out.ev.POP.pop.value
  };

  logic unused;
  assign unused = ^hwif_out;

  `HP_ASSERT(OneAccess_A, !req || !(stall_wr || stall_rd))
  `HP_ASSERT(NoVfWithoutQueues_A, VIRTQ || !(vf_req_o || pf_req_o || vf_ack_i || pf_ack_i))
endmodule
