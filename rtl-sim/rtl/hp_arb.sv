// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Frame arbiter in front of the pipeline: uplink first, then host, then core; the core, when it waits, gets
// at least one of 64 frame slots. Sources offer whole frames, so that once begun a frame leaves
// one beat per clock, and the next one follows without a bubble, whatever its source.
//
// A host or core frame does not start while `stall_host_i`, none while `stall_all_i`. The output is a
// register: latency 1, no backpressure. `pl_meta_o` holds for the whole frame and carries its number.

`include "hp_assert.svh"

module hp_arb import hp_pkg::*; #(
  parameter int unsigned DATA_W = 512
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              stall_host_i,
  input  logic              stall_all_i,

  // Heads of the three stores: uplink, host, core. A tombstone is one beat, its data is not used.
  input  logic              up_valid_i,
  input  frame_meta_t       up_meta_i,
  input  logic [DATA_W-1:0] up_data_i,
  input  logic              up_eof_i,
  output logic              up_pop_o,

  input  logic              host_valid_i,
  input  frame_meta_t       host_meta_i,
  input  logic [DATA_W-1:0] host_data_i,
  input  logic              host_eof_i,
  output logic              host_pop_o,

  input  logic              core_valid_i,
  input  frame_meta_t       core_meta_i,
  input  logic [DATA_W-1:0] core_data_i,
  input  logic              core_eof_i,
  output logic              core_pop_o,

  output logic              pl_valid_o,
  output logic              pl_sof_o,
  output logic              pl_eof_o,
  output logic [DATA_W-1:0] pl_data_o,
  output frame_meta_t       pl_meta_o
);
  localparam int unsigned CoreShare = 64;
  localparam int unsigned WaitW = $clog2(CoreShare);

  typedef struct packed {
    logic up;
    logic host;
    logic core;
  } source_t;

  source_t          may_start, first, source, source_q;
  logic             inside_q, valid, eof;
  frame_meta_t      meta;
  logic [WaitW-1:0] core_wait_q;
  logic             core_due_q;
  seq_t             seq_q;

  assign may_start.up   = up_valid_i && !stall_all_i;
  assign may_start.host = host_valid_i && !stall_all_i && !stall_host_i;
  assign may_start.core = core_valid_i && !stall_all_i && !stall_host_i;

  always_comb begin
    first = '0;
    if (may_start.core && core_due_q) first.core = 1'b1;
    else if (may_start.up)          first.up   = 1'b1;
    else if (may_start.host)        first.host = 1'b1;
    else if (may_start.core)        first.core = 1'b1;
  end

  assign source     = inside_q ? source_q : first;
  assign up_pop_o   = source.up;
  assign host_pop_o = source.host;
  assign core_pop_o = source.core;

  assign valid = |source;
  assign eof   = (source.up && up_eof_i) || (source.host && host_eof_i) ||
                 (source.core && core_eof_i);

  always_comb begin
    meta     = ({$bits(frame_meta_t){source.up}} & up_meta_i) |
               ({$bits(frame_meta_t){source.host}} & host_meta_i) |
               ({$bits(frame_meta_t){source.core}} & core_meta_i);
    meta.seq = seq_q;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      inside_q    <= 1'b0;
      source_q    <= '0;
      core_wait_q <= '0;
      core_due_q  <= 1'b0;
      seq_q       <= '0;
      pl_valid_o  <= 1'b0;
    end else begin
      inside_q   <= valid && !eof;
      source_q   <= source;
      pl_valid_o <= valid;
      if (valid && eof) seq_q <= seq_q + 1'b1;
      if (!core_valid_i || source.core) begin
        core_wait_q <= '0;
        core_due_q  <= 1'b0;
      end else if (valid && eof && !core_due_q) begin
        core_wait_q <= core_wait_q + 1'b1;
        core_due_q  <= core_wait_q == WaitW'(CoreShare - 2);
      end
    end
    pl_sof_o  <= !inside_q;
    pl_eof_o  <= eof;
    pl_meta_o <= meta;
    pl_data_o <= ({DATA_W{source.up && !up_meta_i.tomb}} & up_data_i) |
                 ({DATA_W{source.host && !host_meta_i.tomb}} & host_data_i) |
                 ({DATA_W{source.core && !core_meta_i.tomb}} & core_data_i);
  end

  `HP_ASSERT(NoGapUplink_A, !(inside_q && source_q.up) || up_valid_i)
  `HP_ASSERT(NoGapHost_A, !(inside_q && source_q.host) || host_valid_i)
  `HP_ASSERT(NoGapCore_A, !(inside_q && source_q.core) || core_valid_i)
  `HP_ASSERT(TombIsOneBeat_A, !(valid && meta.tomb) || (!inside_q && eof))
endmodule
