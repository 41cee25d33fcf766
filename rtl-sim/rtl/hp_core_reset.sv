// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Reset of the soft core. The core runs while `run_i` and leaves reset only after the datapath side has seen
// it in reset and forgotten what the core had asked for, at any ratio of the clocks: `held` goes over, comes
// back as `ack`, falls, and `ack` falls. A reset pin must be low for at least eight clocks of the slower
// clock.

module hp_core_reset (
  input  logic core_clk_i,
  input  logic core_rst_ni,
  output logic core_run_no,     // low: everything of the core is in reset
  output logic core_held_o,     // level, core clock: in reset, memory may be loaded

  input  logic clk_i,
  input  logic rst_ni,
  input  logic run_i,           // from the host
  input  logic idle_i,          // nothing of the core is under way in the datapath clock
  output logic held_o,          // level, datapath clock
  output logic clear_o,         // forget the core's state
  output logic started_o        // pulse: the core is leaving reset
);
  typedef enum logic [1:0] {
    StHeld,
    StRelease,
    StRun
  } state_e;

  state_e state_q;
  logic   run_core, ack_core, held_sync, held_last_q, must_hold_q;

  // Datapath side. A short stop still has to be seen by the core.
  hp_cdc_sync u_held (
    .clk_i,
    .rst_ni,
    .d_i (core_held_o),
    .q_o (held_sync)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      must_hold_q <= 1'b1;
      held_last_q <= 1'b0;
    end else begin
      if (!run_i) must_hold_q <= 1'b1;
      else if (held_sync) must_hold_q <= 1'b0;
      held_last_q <= held_sync;
    end
  end

  logic run_q, ack_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      run_q <= 1'b0;
      ack_q <= 1'b0;
    end else begin
      run_q <= run_i && !must_hold_q;
      ack_q <= held_sync && idle_i;
    end
  end

  assign held_o    = held_sync && !run_q;
  assign clear_o   = held_sync;
  assign started_o = held_last_q && !held_sync;

  // Core side.
  hp_cdc_sync #(
    .WIDTH(2)
  ) u_run (
    .clk_i  (core_clk_i),
    .rst_ni (core_rst_ni),
    .d_i    ({run_q, ack_q}),
    .q_o    ({run_core, ack_core})
  );

  always_ff @(posedge core_clk_i) begin
    if (!core_rst_ni) begin
      state_q     <= StHeld;
      core_held_o <= 1'b1;
      core_run_no <= 1'b0;
    end else begin
      core_held_o <= 1'b0;
      core_run_no <= 1'b0;
      unique case (state_q)
        StHeld: begin
          core_held_o <= !(run_core && ack_core);
          if (run_core && ack_core) state_q <= StRelease;
        end
        StRelease: begin
          core_held_o <= !run_core;
          if (!run_core) state_q <= StHeld;
          else if (!ack_core) state_q <= StRun;
        end
        StRun: begin
          core_held_o <= !run_core;
          core_run_no <= run_core;
          if (!run_core) state_q <= StHeld;
        end
        default: state_q <= StHeld;
      endcase
    end
  end
endmodule
