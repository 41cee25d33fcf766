// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Limits how fast a VF sends: a token bucket per VF, between the rings' requests for grants and the NIC. A VF without
// a limit is let through untouched, in the same clock.
//
// A bucket earns `rate` / 2^24 bytes per clock and holds at most Depth bytes; each beat of the host stream takes its
// bytes from it. Below zero the VF asks for no grant. What was granted goes through and is paid for, so the
// debt is paid back before the next frame. Of a VF with less than a largest frame in its bucket one frame at a time is
// under way, and its bytes count before the next is asked for: it is never more than that frame ahead. One
// that has saved up more is granted ahead as if it had no limit: at high rates this is what keeps it at its rate.
//
// One VF per clock is looked at, each once in Slots clocks, and earns for all of them then; a look takes 4 clocks. Both
// sides of a bucket are counters that run round: what was earned, and what was spent. Each has one writer. A bucket
// is full when its VF gets a limit; a new limit leaves it as it is.

`include "hp_assert.svh"

module hp_tx_rate import hp_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF   = 8,
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             set_i,              // pulse: a new limit
  input  logic [5:0]       set_vf_i,
  input  logic [31:0]      set_rate_i,         // 2^-24 bytes per clock; 0: none

  input  logic [N_VF-1:0]  host_req_i,
  output logic [N_VF-1:0]  host_req_o,
  input  logic             grant_i,            // a grant is taken
  input  port_t            grant_vport_i,
  input  logic             beat_i,             // a beat of the host stream is taken
  input  logic             beat_last_i,
  input  logic [Bytes-1:0] beat_keep_i,        // without holes
  input  port_t            beat_vport_i
);
  localparam int unsigned Depth    = 16384;    // bytes in a full bucket
  localparam int unsigned SlotLog2 = (N_VF > 4) ? $clog2(N_VF) : 2;
  localparam int unsigned IdxW     = (N_VF > 1) ? $clog2(N_VF) : 1;
  localparam int unsigned FracW    = 24;
  localparam int unsigned IntW     = 22;       // bytes, for a debt of as many largest frames as can be ahead
  localparam int unsigned AheadW   = 7;        // frames that are granted and not sent

  typedef logic [IdxW-1:0]  idx_t;
  typedef logic [IntW-1:0]  whole_t;
  typedef logic [IntW+FracW-1:0] fine_t;
  typedef struct packed {
    logic   valid;
    logic   limited;
    idx_t   v;
  } look_t;

  logic [N_VF-1:0]             limited_q, debt_q, rich_q, stale_q, looking_q, ahead_some;
  logic [N_VF-1:0][AheadW-1:0] ahead_q;

  // ---- what is spent ----

  logic                     pay_q, pay_last_q;
  idx_t                     pay_v_q;
  logic [$clog2(Bytes):0]   pay_bytes_q, bytes;
  whole_t                   spent_q [N_VF];

  always_comb begin
    bytes = '0;
    for (int unsigned i = 0; i < Bytes; i++) begin
      if (beat_keep_i[i] && (i == Bytes - 1 || !beat_keep_i[(i+1)%Bytes])) bytes |= ($clog2(Bytes) + 1)'(i + 1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) pay_q <= 1'b0;
    else pay_q <= beat_i;
    pay_last_q  <= beat_last_i;
    pay_v_q     <= idx_t'(beat_vport_i);
    pay_bytes_q <= bytes;
    if (pay_q) spent_q[pay_v_q] <= spent_q[pay_v_q] + whole_t'(pay_bytes_q);
  end

  // ---- what is earned ----

  logic [31:0]         rate_q [N_VF];
  fine_t               earned_q [N_VF];
  logic [SlotLog2-1:0] slot_q;
  logic                slot_here;
  idx_t                slot_v;
  look_t               read_q, sum_q, level_q;          // the three steps of a look
  fine_t               read_earned_q, read_inc_q, sum_fine_q, level_fine_q, earned;
  whole_t              read_spent_q, sum_spent_q, level_spent_q;
  logic signed [IntW-1:0] level_bytes_q;
  logic                full;

  assign slot_v    = idx_t'(slot_q);
  assign slot_here = 32'(slot_q) < N_VF;
  assign full      = level_bytes_q >= $signed(IntW'(Depth));
  // A full bucket keeps no part of a byte.
  assign earned    = (full || !level_q.limited) ? {level_spent_q + whole_t'(Depth), FracW'(0)} : level_fine_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      slot_q  <= '0;
      read_q  <= '0;
      sum_q   <= '0;
      level_q <= '0;
    end else begin
      slot_q  <= slot_q + 1'b1;
      read_q  <= '{valid: slot_here, limited: limited_q[slot_v], v: slot_v};
      sum_q   <= read_q;
      level_q <= sum_q;
    end
    if (slot_here) begin
      read_earned_q <= earned_q[slot_v];
      read_spent_q  <= spent_q[slot_v];
      read_inc_q    <= fine_t'(rate_q[slot_v]) << SlotLog2;
    end
    sum_fine_q    <= read_earned_q + read_inc_q;
    sum_spent_q   <= read_spent_q;
    level_fine_q  <= sum_fine_q;
    level_spent_q <= sum_spent_q;
    level_bytes_q <= $signed(sum_fine_q[FracW+:IntW] - sum_spent_q);
    if (level_q.valid) earned_q[level_q.v] <= earned;
    if (set_i) rate_q[idx_t'(set_vf_i)] <= set_rate_i;
  end

  // ---- who may ask ----

  for (genvar v = 0; v < int'(N_VF); v++) begin : gen_vf
    logic granted, sent, looked;

    assign granted = grant_i && grant_vport_i == port_t'(v);
    assign sent    = pay_q && pay_last_q && pay_v_q == idx_t'(v);
    assign looked  = level_q.valid && level_q.v == idx_t'(v);

    // `stale`: a look has yet to begin that sees the last frame's bytes. `looking`: it has not ended.
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        limited_q[v] <= 1'b0;
        debt_q[v]    <= 1'b0;
        rich_q[v]    <= 1'b0;
        stale_q[v]   <= 1'b0;
        looking_q[v] <= 1'b0;
        ahead_q[v]   <= '0;
      end else begin
        if (set_i && set_vf_i == 6'(v)) limited_q[v] <= set_rate_i != '0;
        if (looked) begin
          debt_q[v]    <= level_q.limited && level_bytes_q < 0;
          rich_q[v]    <= !level_q.limited || level_bytes_q >= $signed(IntW'(MaxFrame));
          looking_q[v] <= 1'b0;
        end
        if (slot_here && slot_v == idx_t'(v)) begin
          stale_q[v]   <= 1'b0;
          looking_q[v] <= stale_q[v];
        end
        if (sent) stale_q[v] <= 1'b1;
        ahead_q[v] <= ahead_q[v] + AheadW'(granted) - AheadW'(sent);
      end
    end

    assign ahead_some[v] = ahead_q[v] != '0;

    `HP_ASSERT(Granted_A, !sent || ahead_some[v])
    `HP_ASSERT(AheadFits_A, !granted || ahead_q[v] != '1)
  end

  assign host_req_o = host_req_i & ~(limited_q & ~rich_q & (debt_q | ahead_some | stale_q | looking_q));

  logic unused_port;
  assign unused_port = ^{beat_vport_i, grant_vport_i, set_vf_i};

  `HP_ASSERT_INIT(VfCount_A, N_VF >= 1 && N_VF <= MaxVf && Depth >= MaxFrame)
  `HP_ASSERT(BeatOfVf_A, !beat_i || 32'(beat_vport_i) < N_VF)
  `HP_ASSERT(SetOfVf_A, !set_i || 32'(set_vf_i) < N_VF)
  `HP_ASSERT(DebtBound_A, !(level_q.valid && level_q.limited) || 32'(level_bytes_q) > int'(Depth) - (1 << (IntW - 1)))
endmodule
