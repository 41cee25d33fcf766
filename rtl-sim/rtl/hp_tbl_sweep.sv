// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// When a table is swept, and how many invalidations it may have.
//
// Each invalidation (`bump_i`) asks for a sweep that begins after it; so does a SWEEP command, which also
// says what is too old. `guard_o`: no further invalidation now, because an epoch could come back to a
// value that an entry still holds: so many came since the start of the last completed sweep. `again_i`:
// an entry that is too old was spared, one more sweep of the same kind is due.

`include "hp_assert.svh"

module hp_tbl_sweep
  import hp_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        bump_i,
  input  logic        wash_i,      // a sweep that begins from now on is asked for
  output logic        guard_o,

  input  logic        age_cmd_i,   // only while !age_busy_o
  input  logic [15:0] age_cmd_age_i,
  input  logic [1:0]  age_cmd_top_i,
  output logic        age_busy_o,

  // The engine.
  output logic        start_o,     // a pulse; the engine keeps it
  input  logic        begin_i,
  input  logic        done_i,
  input  logic        again_i,

  output logic [15:0] age_o,       // of the running sweep; 0: nothing ages
  output logic [1:0]  top_o
);
  localparam epoch_t Limit = '1 - 1'b1;

  logic        again_q;
  logic [15:0] next_age_q;
  logic [1:0]  next_top_q;
  epoch_t      since_q, since_begin_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      start_o       <= 1'b0;
      again_q       <= 1'b0;
      age_o         <= '0;
      top_o         <= '0;
      next_age_q    <= '0;
      next_top_q    <= '0;
      since_q       <= '0;
      since_begin_q <= '0;
    end else begin
      if (begin_i) begin
        age_o      <= next_age_q;
        top_o      <= next_top_q;
        next_age_q <= '0;
      end else if (done_i) begin
        if (again_q || again_i) begin
          next_age_q <= age_o;
          next_top_q <= top_o;
        end
        age_o <= '0;
      end
      if (age_cmd_i) begin
        next_age_q <= age_cmd_age_i;
        next_top_q <= age_cmd_top_i;
      end
      again_q <= (again_q || again_i) && !begin_i && !done_i;

      start_o <= bump_i || wash_i || age_cmd_i || (done_i && (again_q || again_i));

      if (begin_i) since_begin_q <= epoch_t'(bump_i);
      else since_begin_q <= since_begin_q + epoch_t'(bump_i);
      if (done_i) since_q <= since_begin_q + epoch_t'(bump_i);
      else since_q <= since_q + epoch_t'(bump_i);
    end
  end

  assign guard_o    = since_q >= Limit;
  assign age_busy_o = (next_age_q != '0) || (age_o != '0);

  `HP_ASSERT(Guarded_A, !(bump_i && since_q > Limit))
  `HP_ASSERT(OneAge_A, !(age_cmd_i && age_busy_o))
endmodule
