// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The table command bus of two masters, host and core, in turn. One command at a time, at least SPACING
// clocks from one to the next. A command its master may not give is answered `denied` here and never
// reaches the tables.

`include "hp_assert.svh"

module hp_tbl_arb
  import hp_pkg::*, hp_abi_pkg::OP_WRITE, hp_abi_pkg::OP_READ, hp_abi_pkg::TBL_PORT,
         hp_abi_pkg::TBL_CFG, hp_abi_pkg::TBL_KEY, hp_abi_pkg::ST_DENIED;
#(
  parameter int unsigned SPACING = 16
) (
  input  logic     clk_i,
  input  logic     rst_ni,

  input  logic     host_req_valid_i,
  output logic     host_req_ready_o,
  input  tbl_req_t host_req_i,
  output logic     host_rsp_valid_o,
  output tbl_rsp_t host_rsp_o,

  input  logic     core_req_valid_i,
  output logic     core_req_ready_o,
  input  tbl_req_t core_req_i,
  output logic     core_rsp_valid_o,
  output tbl_rsp_t core_rsp_o,

  output logic     tbl_req_valid_o,
  input  logic     tbl_req_ready_i,
  output logic     tbl_core_o,       // the core asks
  output tbl_req_t tbl_req_o,
  input  logic     tbl_rsp_valid_i,
  input  tbl_rsp_t tbl_rsp_i,

  output logic     idle_o
);
  localparam int unsigned CountW = $clog2(SPACING + 1);

  typedef enum logic [1:0] {
    StIdle,
    StAsk,     // offered to the tables
    StWait,    // taken, no answer yet
    StRefuse
  } state_e;

  state_e            state_q;
  logic              core_q, core_next_q, pick_core, take;
  tbl_req_t          pick, req_q;
  logic [CountW-1:0] gap_q;
  logic              static_table, allowed, answer;

  assign pick_core    = core_req_valid_i && (core_next_q || !host_req_valid_i);
  assign pick         = pick_core ? core_req_i : host_req_i;
  assign take         = (state_q == StIdle) && (host_req_valid_i || core_req_valid_i);
  assign static_table = (pick.tbl == TBL_PORT) || (pick.tbl == TBL_CFG);
  assign allowed      = pick_core ? !(pick.op == OP_WRITE && static_table)
                                  : (pick.op == OP_READ) || (pick.op == OP_WRITE &&
                                                             (static_table || pick.tbl == TBL_KEY));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q     <= StIdle;
      core_q      <= 1'b0;
      core_next_q <= 1'b0;
      gap_q       <= '0;
    end else begin
      if (gap_q != '0) gap_q <= gap_q - 1'b1;
      unique case (state_q)
        StIdle: begin
          if (take) begin
            core_q      <= pick_core;
            core_next_q <= !pick_core;
            state_q     <= allowed ? StAsk : StRefuse;
          end
        end
        StAsk: begin
          if (tbl_req_valid_o && tbl_req_ready_i) begin
            gap_q   <= CountW'(SPACING - 1);
            state_q <= StWait;
          end
        end
        StWait: if (tbl_rsp_valid_i) state_q <= StIdle;
        StRefuse: state_q <= StIdle;
      endcase
    end
    if (take) req_q <= pick;
  end

  assign host_req_ready_o = take && !pick_core;
  assign core_req_ready_o = take && pick_core;
  assign tbl_req_valid_o  = (state_q == StAsk) && (gap_q == '0);
  assign tbl_core_o       = core_q;
  assign tbl_req_o        = req_q;

  assign answer           = (state_q == StWait && tbl_rsp_valid_i) || (state_q == StRefuse);
  assign host_rsp_valid_o = answer && !core_q;
  assign core_rsp_valid_o = answer && core_q;
  assign host_rsp_o       = (state_q == StRefuse) ? '{status: ST_DENIED, data: '0} : tbl_rsp_i;
  assign core_rsp_o       = host_rsp_o;
  assign idle_o           = (state_q == StIdle) && !host_req_valid_i && !core_req_valid_i;

  `HP_ASSERT(Answered_A, !tbl_rsp_valid_i || state_q == StWait)
  `HP_ASSERT_INIT(Spacing_A, SPACING >= 1)
endmodule
