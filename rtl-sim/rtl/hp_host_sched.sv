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

  mask_t in_debt, solvent, turn_q, pick, after;
  logic  new_pick, refill, hold_q;
  port_t vport, hold_vport_q;

  // Bits behind the lowest one.
  function automatic mask_t behind(input mask_t x);
    logic seen;
    seen = 1'b0;
    for (int unsigned i = 0; i < N_VF; i++) begin
      behind[i] = seen;
      seen      = seen || x[i];
    end
  endfunction

  // The next in turn: the lowest candidate not before the turn mask, else the lowest of all. Who is
  // in debt is a candidate only when all are. The four cases are worked out side by side.
  assign solvent = host_req_i & ~in_debt;

  always_comb begin
    if (|(solvent & turn_q)) begin
      after = behind(solvent & turn_q);
      pick  = solvent & turn_q & ~behind(solvent & turn_q);
    end else if (|solvent) begin
      after = behind(solvent);
      pick  = solvent & ~behind(solvent);
    end else if (|(host_req_i & turn_q)) begin
      after = behind(host_req_i & turn_q);
      pick  = host_req_i & turn_q & ~behind(host_req_i & turn_q);
    end else begin
      after = behind(host_req_i);
      pick  = host_req_i & ~behind(host_req_i);
    end
  end

  always_comb begin
    vport = '0;
    for (int unsigned i = 0; i < N_VF; i++) begin
      if (pick[i]) vport |= port_t'(i);
    end
  end

  assign new_pick = !hold_q && (|host_req_i);
  assign refill   = new_pick && (solvent == '0);

  assign host_grant_valid_o = hold_q || (|host_req_i);
  assign host_grant_vport_o = hold_q ? hold_vport_q : vport;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      hold_q <= 1'b0;
      turn_q <= '0;
    end else begin
      hold_q <= host_grant_valid_o && !host_grant_ready_i;
      if (new_pick) turn_q <= after;
    end
    hold_vport_q <= host_grant_vport_o;
  end

  for (genvar v = 0; v < N_VF; v++) begin : gen_credit
    credit_t credit_q, kept, refilled, credit_d;
    logic    pay;

    assign in_debt[v] = credit_q[CreditW-1];
    assign pay        = beat_i && (beat_vport_i == port_t'(v));

    // Without a refill, and with one.
    always_comb begin
      kept     = credit_q + ((pay && credit_q != CreditMin) ? '1 : '0);
      refilled = credit_q + (pay ? credit_t'(Quantum - 1) : credit_t'(Quantum));
      if (!host_req_i[v] && credit_q >= -credit_t'(Quantum)) refilled = pay ? '1 : '0;
      credit_d = refill ? refilled : kept;
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
