// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Asks the NIC for grants and binds each to the oldest chain of one of the vPort's queues, in turn.
//
// `host_req_o` follows from registers and is true to what no grant covers, from the cycle behind a
// grant on; it rests while the FIFO of bound chains is nearly full, so a grant is always taken
// when it is offered. A grant of cycle t is bound in t+1. A revocation takes two clocks without
// grants. Markers travel with the bound chains.

`include "hp_assert.svh"

module hp_vq_grant import hp_pkg::*, hp_vio_pkg::*; #(
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  parameter int unsigned SEGS = 32,
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1,
  localparam int unsigned VW = (N_VF > 1) ? $clog2(N_VF) : 1,
  localparam int unsigned EW = $clog2(SEGS)
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic [N_VF-1:0]      vf_live_i,
  input  logic [N_QP-1:0][VW-1:0] vf_i,          // whose the queues are
  input  logic [N_QP-1:0][2:0] plog_i,

  input  logic                 chain_valid_i,
  input  logic [QW-1:0]        chain_q_i,
  input  logic                 skip_valid_i,     // a slot of a chain that nobody sends
  input  logic [QW-1:0]        skip_q_i,
  input  logic                 revoke_valid_i,
  output logic                 revoke_ready_o,
  input  logic [QW-1:0]        revoke_q_i,
  output logic [EW:0]          revoke_count_o,
  input  logic                 marker_valid_i,
  output logic                 marker_ready_o,
  input  logic [QW-1:0]        marker_q_i,

  output logic [N_VF-1:0]      host_req_o,
  input  logic                 host_grant_valid_i,
  output logic                 host_grant_ready_o,
  input  port_t                host_grant_vport_i,

  output logic                 bound_valid_o,
  input  logic                 bound_pop_i,
  output logic                 bound_marker_o,
  output logic [QW-1:0]        bound_q_o,
  output logic [EW-1:0]        bound_slot_o,
  output logic                 idle_o
);
  localparam int unsigned Depth = 16;
  localparam int unsigned CountW = $clog2(N_QP * SEGS + 1);

  logic [N_QP-1:0][EW:0]       count_q;         // chains that no grant covers
  logic [N_QP-1:0][EW-1:0]     slot_q;          // the oldest of them
  logic [N_VF-1:0][CountW-1:0] open_q, open_d;  // the same, per vPort
  logic [N_VF-1:0]             some_q;
  logic [N_VF-1:0][QW-1:0]     turn_q;          // queue that was bound last
  logic [VW-1:0]               grant_v, bind_v_q, chain_v, revoke_v;
  logic                        bind_q, calm_q, room_q, push, full, found;
  logic [QW-1:0]               pick;
  logic [N_QP-1:0]             cand, high;
  logic [$clog2(Depth+1)-1:0]  level;

  assign grant_v            = host_grant_vport_i[VW-1:0];
  assign chain_v            = vf_i[chain_q_i];
  assign revoke_v           = vf_i[revoke_q_i];
  assign host_grant_ready_o = 1'b1;
  assign host_req_o         = (room_q && !revoke_valid_i) ? some_q & vf_live_i : '0;
  assign revoke_ready_o     = calm_q && !bind_q;
  assign revoke_count_o     = count_q[revoke_q_i];

  always_comb begin
    open_d = open_q;
    if (revoke_valid_i && revoke_ready_o) begin
      open_d[revoke_v] = open_d[revoke_v] - CountW'(count_q[revoke_q_i]);
    end
    if (chain_valid_i) open_d[chain_v] = open_d[chain_v] + 1'b1;
    if (host_grant_valid_i) open_d[grant_v] = open_d[grant_v] - 1'b1;
  end

  // Binding: the next queue of the vPort behind the one that was bound last.
  always_comb begin
    for (int unsigned i = 0; i < N_QP; i++) begin
      cand[i] = count_q[i] != '0 && vf_i[i] == bind_v_q;
      high[i] = cand[i] && i > 32'(turn_q[bind_v_q]);
    end
    found = cand != '0;
    pick  = '0;
    for (int unsigned i = N_QP; i > 0; i--) begin
      if ((high != '0) ? high[i-1] : cand[i-1]) pick = QW'(i - 1);
    end
  end

  assign push           = bind_q || (marker_valid_i && marker_ready_o);
  assign marker_ready_o = !bind_q && !full;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q <= '0;
      slot_q  <= '0;
      open_q  <= '0;
      some_q  <= '0;
      turn_q  <= '0;
      bind_q  <= 1'b0;
      calm_q  <= 1'b0;
      room_q  <= 1'b0;
    end else begin
      open_q <= open_d;
      for (int unsigned v = 0; v < N_VF; v++) some_q[v] <= open_d[v] != '0;
      bind_q <= host_grant_valid_i;
      calm_q <= revoke_valid_i && !revoke_ready_o;
      room_q <= 32'(level) < Depth - 4;
      if (bind_q) turn_q[bind_v_q] <= pick;
      for (int unsigned i = 0; i < N_QP; i++) begin
        if (revoke_valid_i && revoke_ready_o && revoke_q_i == QW'(i)) begin
          count_q[i] <= '0;
          slot_q[i]  <= '0;
        end else begin
          count_q[i] <= count_q[i] + (EW + 1)'(chain_valid_i && chain_q_i == QW'(i)) -
                        (EW + 1)'(bind_q && pick == QW'(i));
          if ((bind_q && pick == QW'(i)) || (skip_valid_i && skip_q_i == QW'(i))) begin
            slot_q[i] <= slot_q[i] + EW'(32'd1 << plog_i[i]);
          end
        end
      end
    end
    bind_v_q <= grant_v;
  end

  hp_fifo #(.WIDTH(1 + QW + EW), .DEPTH(Depth)) u_bound (
    .clk_i, .rst_ni,
    .push_i(push), .data_i({!bind_q, bind_q ? pick : marker_q_i, slot_q[pick]}), .full_o(full),
    .pop_i(bound_pop_i), .valid_o(bound_valid_o),
    .data_o({bound_marker_o, bound_q_o, bound_slot_o}), .count_o(level)
  );

  assign idle_o = open_q == '0 && !bind_q && !bound_valid_o && !revoke_valid_i;

  logic unused_port;
  assign unused_port = ^host_grant_vport_i;

  `HP_ASSERT(GrantCovers_A, !host_grant_valid_i || open_q[grant_v] != '0)
  `HP_ASSERT(SkipOldest_A, !skip_valid_i || count_q[skip_q_i] == '0)
  `HP_ASSERT(BindFinds_A, !bind_q || found)
  `HP_ASSERT(RevokeQuiet_A, !(revoke_valid_i && revoke_ready_o) || !chain_valid_i ||
             chain_q_i != revoke_q_i)
endmodule
