// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Grants host frames to vPorts: surplus round robin in beats, one grant per clock.
//
// `host_req_i[v]`: vPort v has a frame that no grant has covered yet. A grant (valid and ready) covers one, so
// the bit must be true to that from the next cycle on. The grant follows the requests combinationally,
// which is what lets one vPort be granted a frame in every clock without ever being granted one too
// many; once offered, it stays until it is taken. Grants run ahead of the data as far as the source takes them.
//
// Each vPort has a credit in beats, paid as its beats come in on the host stream, so it may fall below zero by
// the frames under way; that debt is kept (up to 16 largest frames, or a little more). vPorts with credit take turns, frame by frame. When none that
// requests has credit, all are given one largest frame more and the next in turn is granted: no clock
// is lost, and over time all that request get the same number of beats, whatever their frame sizes.
// An idle vPort keeps its debt, but no credit.

`include "hp_assert.svh"

module hp_host_sched import hp_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic [N_VF-1:0] host_req_i,
  output logic            host_grant_valid_o,
  input  logic            host_grant_ready_i,
  output port_t           host_grant_vport_o,

  // A beat of the host stream was taken.
  input  logic            beat_i,
  input  port_t           beat_vport_i
);
  localparam int unsigned Quantum = (MaxFrame + 4 + DATA_W / 8 - 1) / (DATA_W / 8);
  localparam int unsigned CreditW = 1 + $clog2(16 * Quantum);

  typedef logic [N_VF-1:0] mask_t;
  typedef logic signed [CreditW-1:0] credit_t;

  localparam credit_t CreditMin = {1'b1, {(CreditW - 1){1'b0}}};

  mask_t in_debt, candidates, rotated, turn_q, pick;
  logic  new_pick, refill, hold_q;
  port_t vport, hold_vport_q;

  // The next in turn: the lowest candidate not before the turn mask, else the lowest of all.
  assign candidates = (|(host_req_i & ~in_debt)) ? host_req_i & ~in_debt : host_req_i;
  assign rotated    = (|(candidates & turn_q)) ? candidates & turn_q : candidates;
  assign pick       = rotated & (~rotated + 1'b1);

  always_comb begin
    vport = '0;
    for (int unsigned i = 0; i < N_VF; i++) begin
      if (pick[i]) vport |= port_t'(i);
    end
  end

  assign new_pick = !hold_q && (|host_req_i);
  assign refill   = new_pick && ((host_req_i & ~in_debt) == '0);

  assign host_grant_valid_o = hold_q || (|host_req_i);
  assign host_grant_vport_o = hold_q ? hold_vport_q : vport;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      hold_q <= 1'b0;
      turn_q <= '0;
    end else begin
      hold_q <= host_grant_valid_o && !host_grant_ready_i;
      if (new_pick) turn_q <= ~(pick | (pick - 1'b1));
    end
    hold_vport_q <= host_grant_vport_o;
  end

  for (genvar v = 0; v < N_VF; v++) begin : gen_credit
    credit_t credit_q, refilled, credit_d;
    logic    pay;

    assign in_debt[v] = credit_q[CreditW-1];
    assign pay        = beat_i && (beat_vport_i == port_t'(v));

    always_comb begin
      refilled = credit_q;
      if (refill) begin
        refilled = credit_q + credit_t'(Quantum);
        if (!host_req_i[v] && !refilled[CreditW-1]) refilled = '0;
      end
      credit_d = refilled;
      if (pay && refilled != CreditMin) credit_d = refilled - credit_t'(1);
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) credit_q <= '0;
      else credit_q <= credit_d;
    end

    `HP_ASSERT(CreditBound_A, credit_q <= credit_t'(Quantum))
  end

  `HP_ASSERT_INIT(VfCount_A, N_VF >= 1 && N_VF <= MaxVf)
  `HP_ASSERT(BeatOfVf_A, !beat_i || 32'(beat_vport_i) < N_VF)
endmodule
