// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// MSI-X vectors that pause after a message for used buffers, until each is due again. A vector is here once at most:
// whoever puts it in remembers so.
//
// Ticks are 2^6 clocks. A vector that was put in for `gap` ticks is offered more than `gap` and at most `gap` + 1
// ticks later, and 2 clocks for each vector that is here (they go round). One that is offered stays until it is
// taken, and the others wait; a put is taken always.

`include "hp_assert.svh"

module hp_vio_gaps
  import hp_vio_regs_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  localparam int unsigned IdxW = (N_VF > 1) ? $clog2(N_VF) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            put_i,
  input  logic [IdxW-1:0] put_v_i,
  input  logic [3:0]      put_e_i,
  input  gap_t            put_gap_i,

  output logic            due_valid_o,
  output logic [IdxW-1:0] due_v_o,
  output logic [3:0]      due_e_o,
  input  logic            due_take_i,

  output logic            idle_o            // no vector is here
);
  localparam int unsigned TickLog2 = 6;
  localparam int unsigned TickW    = $bits(gap_t) + 2;   // one that is late by as many ticks again is still late
  localparam int unsigned Depth    = 2 ** $clog2(N_VF * MaxVectors);

  typedef logic [TickW-1:0] tick_t;
  typedef struct packed {
    logic [IdxW-1:0] v;
    logic [3:0]      e;
    tick_t           due;
  } pause_t;

  logic [TickLog2-1:0]    clocks_q;
  tick_t                  tick_q, past;
  pause_t                 first, at_q, back;
  logic                   some, at_valid_q, due_q, full, pop, push, turn;
  logic [$clog2(Depth):0] count;

  // One is looked at: it is due, or goes back behind the others.
  assign past = tick_q - at_q.due;
  assign turn = at_valid_q && !due_q && past[TickW-1] && !put_i;
  assign pop  = some && !at_valid_q;
  assign push = put_i || turn;
  assign back = put_i ? '{v: put_v_i, e: put_e_i, due: tick_q + tick_t'(put_gap_i) + tick_t'(1)} : at_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      clocks_q   <= '0;
      tick_q     <= '0;
      at_valid_q <= 1'b0;
      due_q      <= 1'b0;
    end else begin
      clocks_q <= clocks_q + 1'b1;
      if (clocks_q == '1) tick_q <= tick_q + 1'b1;
      if (pop) at_valid_q <= 1'b1;
      else if (turn || due_take_i) at_valid_q <= 1'b0;
      due_q <= at_valid_q && !due_take_i && (due_q || !past[TickW-1]);
    end
    if (pop) at_q <= first;
  end

  hp_deep_fifo #(.WIDTH($bits(pause_t)), .DEPTH(Depth)) u_fifo (
    .clk_i, .rst_ni,
    .push_i (push),
    .data_i (back),
    .full_o (full),
    .pop_i  (pop),
    .valid_o(some),
    .data_o (first),
    .count_o(count)
  );

  assign due_valid_o = due_q;
  assign due_v_o     = at_q.v;
  assign due_e_o     = at_q.e;
  assign idle_o      = count == '0 && !at_valid_q;

  `HP_ASSERT(Fits_A, !(push && full))
  `HP_ASSERT(TakesDue_A, !due_take_i || due_q)
endmodule
