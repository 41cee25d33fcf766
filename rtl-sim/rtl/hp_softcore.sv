// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The soft core: Ibex (RV32IMC) with its memory and watchdog in `core_clk_i`, its peripherals in `clk_i`. The
// clocks may have any ratio; `core_*` signals inside are in the core's clock.
//
// The core runs while `host_i.run` and `core_rst_ni`. A reset pin must stay low for at least eight clocks of
// the slower clock. Boot address 0: the first instruction is at 0x80, the trap vector where firmware puts it.

`include "hp_assert.svh"

module hp_softcore
  import hp_pkg::*, hp_soc_pkg::*;
#(
  parameter int unsigned DATA_W    = 512,
  parameter int unsigned N_VF      = 8,
  parameter int unsigned N_QP      = 32,
  parameter int unsigned MAC_DEPTH = 1024,
  parameter int unsigned FLOW_DEPTH = 1024,
  parameter int unsigned TCM_KIB   = 64
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              core_clk_i,
  input  logic              core_rst_ni,
  input  logic [63:0]       time_i,
  output logic              core_sleep_o,
  output logic              idle_o,          // no frame of the firmware under way

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

  output logic              tx_hold_set_o,
  output logic [N_VF-1:0]   tx_hold_o,
  input  logic              tx_settled_i,

  output logic              inj_valid_o,
  input  logic              inj_ready_i,
  output logic [DATA_W-1:0] inj_data_o,
  output logic              inj_sof_o,
  output logic              inj_eof_o,
  output frame_meta_t       inj_meta_o,

  input  guest_to_core_t    guest_i,
  output core_to_guest_t    guest_o
);
  localparam int unsigned AddrW = $clog2(TCM_KIB * 256);

  // An access to the peripherals, and what travels with it from the core's clock.
  typedef struct packed {
    logic        fault_valid;
    logic [29:0] fault_addr;
    logic [31:0] cycle;
    logic        we;
    logic [3:0]  be;
    logic [15:0] addr;
    logic [31:0] wdata;
  } access_t;

  typedef struct packed {
    logic        err;
    logic [31:0] rdata;
  } answer_t;

  // Reset.
  logic core_run_n, core_held, acc_idle, held, clear, started;

  hp_core_reset u_reset (
    .core_clk_i,
    .core_rst_ni,
    .core_run_no (core_run_n),
    .core_held_o (core_held),
    .clk_i,
    .rst_ni,
    .run_i       (host_i.run),
    .idle_i      (acc_idle),
    .held_o      (held),
    .clear_o     (clear),
    .started_o   (started)
  );

  // Core.
  logic        instr_req, instr_gnt, instr_rvalid, instr_err;
  logic [31:0] instr_addr, instr_rdata;
  logic        data_req, data_gnt, data_rvalid, data_we, data_err;
  logic [3:0]  data_be;
  logic [31:0] data_addr, data_wdata, data_rdata;
  logic        core_irq, core_sleep;

  hp_ibex u_ibex (
    .clk_i          (core_clk_i),
    .rst_ni         (core_run_n),
    .instr_req_o    (instr_req),
    .instr_gnt_i    (instr_gnt),
    .instr_rvalid_i (instr_rvalid),
    .instr_addr_o   (instr_addr),
    .instr_rdata_i  (instr_rdata),
    .instr_err_i    (instr_err),
    .data_req_o     (data_req),
    .data_gnt_i     (data_gnt),
    .data_rvalid_i  (data_rvalid),
    .data_we_o      (data_we),
    .data_be_o      (data_be),
    .data_addr_o    (data_addr),
    .data_wdata_o   (data_wdata),
    .data_rdata_i   (data_rdata),
    .data_err_i     (data_err),
    .irq_i          (core_irq),
    .sleep_o        (core_sleep)
  );

  // Buses and memory.
  logic             tcm_instr_en, tcm_data_en, reg_valid, reg_ready, reg_done;
  logic [AddrW-1:0] tcm_instr_addr, tcm_data_addr;
  logic [31:0]      tcm_rdata;
  logic             core_fault;
  logic [29:0]      core_fault_addr;
  logic [31:0]      core_cycle_q;
  access_t          core_access;
  answer_t          core_answer;

  hp_core_bus #(
    .TCM_KIB(TCM_KIB)
  ) u_bus (
    .clk_i            (core_clk_i),
    .rst_ni           (core_run_n),
    .instr_req_i      (instr_req),
    .instr_gnt_o      (instr_gnt),
    .instr_rvalid_o   (instr_rvalid),
    .instr_addr_i     (instr_addr),
    .instr_err_o      (instr_err),
    .data_req_i       (data_req),
    .data_gnt_o       (data_gnt),
    .data_rvalid_o    (data_rvalid),
    .data_addr_i      (data_addr),
    .data_rdata_o     (data_rdata),
    .data_err_o       (data_err),
    .tcm_instr_en_o   (tcm_instr_en),
    .tcm_instr_addr_o (tcm_instr_addr),
    .tcm_data_en_o    (tcm_data_en),
    .tcm_data_addr_o  (tcm_data_addr),
    .tcm_rdata_i      (tcm_rdata),
    .reg_valid_o      (reg_valid),
    .reg_ready_i      (reg_ready),
    .reg_done_i       (reg_done),
    .reg_err_i        (core_answer.err),
    .reg_rdata_i      (core_answer.rdata),
    .fault_valid_o    (core_fault),
    .fault_addr_o     (core_fault_addr)
  );

  // The loader's word crosses as a level: valid, taken, no longer valid, no longer taken.
  logic core_load, core_load_q, load_write, load_ack, load_level_q, load_taken_q, load_ready;

  hp_cdc_sync u_load (
    .clk_i  (core_clk_i),
    .rst_ni (core_rst_ni),
    .d_i    (load_level_q),
    .q_o    (core_load)
  );

  hp_cdc_sync u_load_ack (
    .clk_i,
    .rst_ni,
    .d_i (core_load_q),
    .q_o (load_ack)
  );

  assign load_write = core_load && !core_load_q && core_held;
  assign load_ready = load_taken_q && !load_ack;

  always_ff @(posedge core_clk_i) begin
    if (!core_rst_ni) core_load_q <= 1'b0;
    else core_load_q <= core_load;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      load_level_q <= 1'b0;
      load_taken_q <= 1'b0;
    end else begin
      if (load_level_q) load_level_q <= !load_ack;
      else load_level_q <= host_i.load_valid && !load_taken_q && !load_ack;
      if (load_level_q && load_ack) load_taken_q <= 1'b1;
      else if (load_ready) load_taken_q <= 1'b0;
    end
  end

  hp_tcm #(
    .KIB(TCM_KIB)
  ) u_tcm (
    .clk_i     (core_clk_i),
    .a_en_i    (tcm_instr_en || load_write),
    .a_we_i    (load_write),
    .a_addr_i  (load_write ? host_i.load_addr[2+:AddrW] : tcm_instr_addr),
    .a_wdata_i (host_i.load_data),
    .a_rdata_o (instr_rdata),
    .b_en_i    (tcm_data_en),
    .b_we_i    (data_we),
    .b_be_i    (data_be),
    .b_addr_i  (tcm_data_addr),
    .b_wdata_i (data_wdata),
    .b_rdata_o (tcm_rdata)
  );

  // Peripherals, in the datapath's clock.
  logic    acc_valid, acc_done;
  access_t access;
  answer_t answer;

  always_ff @(posedge core_clk_i) begin
    if (!core_run_n) core_cycle_q <= '0;
    else core_cycle_q <= core_cycle_q + 1'b1;
  end

  assign core_access = '{
    fault_valid: core_fault, fault_addr: core_fault_addr, cycle: core_cycle_q, we: data_we, be: data_be,
    addr: data_addr[15:0], wdata: data_wdata
  };

  hp_cdc_bus #(
    .REQ_W($bits(access_t)),
    .RSP_W($bits(answer_t))
  ) u_cross (
    .src_clk_i   (core_clk_i),
    .src_rst_ni  (core_run_n),
    .src_valid_i (reg_valid),
    .src_ready_o (reg_ready),
    .src_req_i   (core_access),
    .src_done_o  (reg_done),
    .src_rsp_o   (core_answer),
    .dst_clk_i   (clk_i),
    .dst_rst_ni  (rst_ni),
    .dst_clear_i (clear),
    .dst_idle_o  (acc_idle),
    .dst_valid_o (acc_valid),
    .dst_req_o   (access),
    .dst_done_i  (acc_done),
    .dst_rsp_i   (answer)
  );

  core_to_host_t   periph_host;
  logic            irq, pending, feed, inj_busy;
  logic [N_VF-1:0] tx_hold;

  hp_core_periph #(
    .DATA_W   (DATA_W),
    .N_VF     (N_VF),
    .N_QP     (N_QP),
    .MAC_DEPTH(MAC_DEPTH),
    .FLOW_DEPTH(FLOW_DEPTH)
  ) u_periph (
    .clk_i,
    .rst_ni,
    .clear_i           (clear && acc_idle),
    .time_i,
    .acc_valid_i       (acc_valid),
    .acc_we_i          (access.we),
    .acc_addr_i        (access.addr),
    .acc_wdata_i       (access.wdata),
    .acc_be_i          (access.be),
    .acc_cycle_i       (access.cycle),
    .acc_fault_valid_i (access.fault_valid),
    .acc_fault_addr_i  (access.fault_addr),
    .acc_done_o        (acc_done),
    .acc_err_o         (answer.err),
    .acc_rdata_o       (answer.rdata),
    .irq_o             (irq),
    .pending_o         (pending),
    .feed_o            (feed),
    .host_i,
    .host_o            (periph_host),
    .tbl_req_valid_o,
    .tbl_req_ready_i,
    .tbl_req_o,
    .tbl_rsp_valid_i,
    .tbl_rsp_i,
    .hash_seed_o,
    .learn_valid_i,
    .learn_slot_i,
    .learn_event_i,
    .learn_waiting_i,
    .learn_act_o,
    .learn_act_slot_o,
    .learn_verdict_o,
    .learn_busy_i,
    .learn_status_i,
    .punt_valid_i,
    .punt_slot_i,
    .punt_src_i,
    .punt_vvlan_i,
    .punt_reason_i,
    .punt_len_i,
    .punt_rd_req_o,
    .punt_rd_addr_o,
    .punt_rd_valid_i,
    .punt_rd_data_i,
    .punt_pop_o,
    .punt_send_o,
    .punt_nopunt_o,
    .punt_tomb_o,
    .punt_tomb_reason_o,
    .punt_busy_i,
    .punt_full_i,
    .punt_quota_i,
    .punt_seen_o,
    .flows_waiting_i,
    .tx_hold_set_o,
    .tx_hold_o         (tx_hold),
    .tx_settled_i,
    .inj_valid_o,
    .inj_ready_i,
    .inj_data_o,
    .inj_sof_o,
    .inj_eof_o,
    .inj_meta_o,
    .inj_busy_o        (inj_busy),
    .guest_i,
    .guest_o
  );

  // Levels and pulses between the clocks.
  logic irq_q, pending_q, core_pending, core_feed, core_hung;
  logic hung, asleep;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) {irq_q, pending_q} <= '0;
    else {irq_q, pending_q} <= {irq, pending};
  end

  hp_cdc_sync #(
    .WIDTH(2)
  ) u_to_core (
    .clk_i  (core_clk_i),
    .rst_ni (core_rst_ni),
    .d_i    ({irq_q, pending_q}),
    .q_o    ({core_irq, core_pending})
  );

  hp_cdc_pulse u_feed (
    .src_clk_i   (clk_i),
    .src_rst_ni  (rst_ni),
    .src_pulse_i (feed),
    .dst_clk_i   (core_clk_i),
    .dst_rst_ni  (core_rst_ni),
    .dst_pulse_o (core_feed)
  );

  hp_wdt u_wdt (
    .clk_i    (core_clk_i),
    .rst_ni   (core_run_n),
    .cycles_i (host_i.wdt_cycles),
    .feed_i   (core_feed),
    .rest_i   (core_sleep && !core_pending),
    .hung_o   (core_hung)
  );

  logic core_sleep_q;

  always_ff @(posedge core_clk_i) begin
    core_sleep_q <= core_sleep;
  end

  hp_cdc_sync #(
    .WIDTH(2)
  ) u_to_host (
    .clk_i,
    .rst_ni,
    .d_i ({core_hung, core_sleep_q}),
    .q_o ({hung, asleep})
  );

  always_comb begin
    host_o            = periph_host;
    host_o.load_ready = load_ready;
    host_o.held       = held;
    host_o.started    = started;
    host_o.hung       = hung;
    host_o.asleep     = asleep;
  end

  // Nor does a core that hangs keep a vPort back.
  assign tx_hold_o = hung ? '0 : tx_hold;

  assign core_sleep_o = asleep && !irq && !irq_q;
  assign idle_o       = !inj_busy && !punt_busy_i;

  `HP_ASSERT_INIT(Tcm_A, TCM_KIB >= 4 && TCM_KIB <= 1024)
endmodule
