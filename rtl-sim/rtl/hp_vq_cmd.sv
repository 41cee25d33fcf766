// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Which queues live: commands of the registers, and errors of the rings. A queue lives from the
// end of `enable` until `disable` or its first error; what comes after that of it is not told.
//
// A disable ends when the queue's fetches have come back and a marker has gone the way of its
// frames up to an answered fence behind its last write. Errors wait for their turn, one per clock.
// Control queues (CtrlBase and up) and queues that are not there: taken, nothing happens.

`include "hp_assert.svh"

module hp_vq_cmd import hp_vio_pkg::*; #(
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  parameter int unsigned N_ERR = 5,
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1,
  localparam int unsigned VW = (N_VF > 1) ? $clog2(N_VF) : 1
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,

  input  logic                        qcmd_valid_i,
  output logic                        qcmd_ready_o,
  input  vq_cmd_t                     qcmd_i,
  input  logic [N_VF-1:0]             vf_live_i,

  // Per direction: [0] receive, [1] transmit.
  output logic [1:0][N_QP-1:0]        ok_o,
  output logic [1:0][N_QP-1:0][VW-1:0] vf_o,
  output logic [N_QP-1:0]             mrg_o,
  output logic [1:0][N_QP-1:0]        csum_o,
  input  logic [1:0][N_QP-1:0]        settled_i,
  output logic [1:0]                  enable_valid_o,
  input  logic [1:0]                  enable_ready_i,
  output logic [1:0]                  marker_valid_o,
  input  logic [1:0]                  marker_ready_i,
  output logic [QW-1:0]               marker_q_o,
  input  logic                        marker_done_i,

  input  logic [N_ERR-1:0]            err_valid_i,
  output logic [N_ERR-1:0]            err_ready_o,
  input  qid_t [N_ERR-1:0]            err_q_i,
  input  logic [N_ERR-1:0][7:0]       err_code_i,
  output logic                        qerr_valid_o,
  output qid_t                        qerr_q_o,
  output logic [7:0]                  qerr_code_o,
  output logic                        idle_o
);
  typedef enum logic [2:0] {
    StIdle, StWait, StBegin, StEnd, StSettle, StMarker, StFence, StDone
  } state_e;

  state_e                     state_q;
  logic [1:0][N_QP-1:0]       live_q;
  logic                       dir, known, settled, err_some, err_live;
  logic [QW-1:0]              q, err_q;
  logic [$clog2(N_ERR)-1:0]   who;
  logic                       err_dir;

  assign dir     = qcmd_i.q[0];
  assign q       = qcmd_i.q[QW:1];
  assign known   = 32'(qcmd_i.q) < 2 * N_QP &&
                   (!qcmd_i.enable || (qcmd_i.fn != '0 && 32'(qcmd_i.fn) <= N_VF));
  assign settled = settled_i[dir][q];

  always_comb begin
    for (int unsigned d = 0; d < 2; d++) begin
      for (int unsigned i = 0; i < N_QP; i++) ok_o[d][i] = live_q[d][i] && vf_live_i[vf_o[d][i]];
      enable_valid_o[d] = state_q == StBegin && dir == 1'(d);
      marker_valid_o[d] = state_q == StMarker && dir == 1'(d);
    end
  end
  assign marker_q_o   = q;
  assign qcmd_ready_o = state_q == StDone;

  // ---- errors ----

  hp_vq_pick #(.N(N_ERR)) u_err (
    .clk_i, .rst_ni, .req_i(err_valid_i), .take_i(err_some), .valid_o(err_some), .idx_o(who)
  );

  always_comb begin
    for (int unsigned i = 0; i < N_ERR; i++) begin
      err_ready_o[i] = err_valid_i[i] && who == ($clog2(N_ERR))'(i);
    end
  end

  assign err_dir  = err_q_i[who][0];
  assign err_q    = err_q_i[who][QW:1];
  assign err_live = err_some && live_q[err_dir][err_q];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q      <= StIdle;
      live_q       <= '0;
      vf_o         <= '0;
      mrg_o        <= '0;
      csum_o       <= '0;
      qerr_valid_o <= 1'b0;
    end else begin
      qerr_valid_o <= err_live;
      if (err_live) live_q[err_dir][err_q] <= 1'b0;
      unique case (state_q)
        StIdle: begin
          if (qcmd_valid_i) begin
            if (!known || (qcmd_i.enable && live_q[dir][q])) state_q <= StDone;
            else if (qcmd_i.enable) state_q <= StWait;
            else state_q <= StEnd;
          end
        end
        StWait: if (settled) state_q <= StBegin;
        StBegin: begin
          if (enable_ready_i[dir]) begin
            live_q[dir][q] <= 1'b1;
            vf_o[dir][q]   <= VW'(qcmd_i.fn - 8'd1);
            if (!dir) mrg_o[q] <= qcmd_i.mrg;
            csum_o[dir][q] <= qcmd_i.csum;
            state_q        <= StDone;
          end
        end
        StEnd: begin
          live_q[dir][q] <= 1'b0;
          state_q        <= StSettle;
        end
        StSettle: if (settled) state_q <= StMarker;
        StMarker: if (marker_ready_i[dir]) state_q <= StFence;
        StFence: if (marker_done_i) state_q <= StDone;
        default: state_q <= StIdle;
      endcase
    end
    qerr_q_o    <= err_q_i[who];
    qerr_code_o <= err_code_i[who];
  end

  assign idle_o = state_q == StIdle && !qcmd_valid_i && !qerr_valid_o;

  logic unused_cmd;
  assign unused_cmd = ^qcmd_i;

  `HP_ASSERT(CommandStays_A, state_q == StIdle || qcmd_valid_i)
endmodule
