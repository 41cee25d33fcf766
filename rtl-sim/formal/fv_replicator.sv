// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_replicator, tiny, with every stream of frames and every reader there could be. One copy of one frame, any, is
// followed: either its frame is reported lost in the next clock, and then no copy of it comes, or the copy comes,
// once, whole and unchanged, and soon if the reader takes what is offered. The replicator never
// says that it is idle while it owes one.

`include "hp_assert.svh"

module fv_replicator
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 16,
  parameter int unsigned N_VF   = 2,
  parameter int unsigned BEATS  = 4,
  parameter int unsigned FRAMES = 2,
  // A copy may wait for the frames before it, each beat for each port, and for the pipeline.
  parameter int unsigned MOST   = BEATS * N_VF + 8
) (
  input logic              clk_i,
  input logic              sof_i,       // a frame begins, if none is under way
  input logic              group_i,
  input logic [3:0]        len_i,
  input logic [N_VF-1:0]   targets_i,
  input logic [DATA_W-1:0] data_i,
  input logic              ready_i,
  input logic              abort_i,
  input logic              mark_i,      // follow the frame that begins now
  input logic              any_port_i,  // its copy for this port
  input logic [1:0]        any_beat_i   // and this beat of it
);
  localparam int unsigned Bytes = DATA_W / 8;

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic       first_q = 1'b1, any_port_q;
  logic [1:0] any_beat_q;
  always_ff @(posedge clk_i) begin
    first_q    <= 1'b0;
    any_port_q <= any_port_i;
    any_beat_q <= any_beat_i;
  end
  always_comb assume (first_q || (any_port_i == any_port_q && any_beat_i == any_beat_q));

  // Frames without gaps, each with its own number; what it says of itself stays.
  logic            inside_q, sof, valid;
  logic [3:0]      left_q, len_q, len;
  logic [N_VF-1:0] targets_q, targets;
  logic            group_q, group;
  logic [1:0]      beat_q, beat;
  seq_t            seq_q;
  assign sof     = rst_ni && !inside_q && sof_i;
  assign valid   = sof || (rst_ni && inside_q);
  assign len     = sof ? len_i : len_q;
  assign targets = sof ? targets_i : targets_q;
  assign group   = sof ? group_i : group_q;
  assign beat    = sof ? 2'd0 : beat_q;
  always_comb assume (len_i != '0 && 32'(len_i) <= BEATS * Bytes);

  logic [3:0] beats;
  assign beats = 4'((32'(len) + Bytes - 1) / Bytes);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      inside_q <= 1'b0;
      seq_q    <= '0;
    end else begin
      if (sof) begin
        {len_q, targets_q, group_q} <= {len_i, targets_i, group_i};
        left_q   <= beats - 4'd1;
        inside_q <= beats != 4'd1;
      end else if (inside_q) begin
        left_q   <= left_q - 4'd1;
        inside_q <= left_q != 4'd1;
      end
      beat_q <= beat + 2'd1;
      if (sof) seq_q <= seq_q + 1'b1;
    end
  end

  egress_meta_t meta;
  seq_t         seq;
  assign seq = sof ? seq_q : seq_q - 1'b1;
  always_comb begin
    meta         = '0;
    meta.seq     = seq;
    meta.len     = len_t'(len);
    meta.group   = group;
    meta.targets = MaxVf'(targets);
  end

  logic              out_valid, out_sof, out_eof, idle;
  logic [DATA_W-1:0] out_data;
  port_t             out_port;
  seq_t              out_seq;
  logic [3:0]        out_copy;
  trace_loss_t       loss;
  cnt_loss_t         cnt_loss;

  // A reader gives up only a copy that it has begun, and whose end it has not taken yet.
  logic       reading_q, abort;
  logic [3:0] reading_copy_q;
  assign abort = abort_i && reading_q && rst_ni;

  hp_replicator #(.DATA_W(DATA_W), .N_VF(N_VF), .BEATS(BEATS), .FRAMES(FRAMES)) u_dut (
    .clk_i, .rst_ni,
    .eg_valid_i(valid), .eg_sof_i(sof), .eg_data_i(data_i), .eg_meta_i(meta),
    .out_valid_o(out_valid), .out_ready_i(ready_i), .out_data_o(out_data), .out_sof_o(out_sof),
    .out_eof_o(out_eof), .out_port_o(out_port), .out_tag_o(), .out_vvlan_o(), .out_last_o(),
    .out_single_o(), .out_cost_o(), .out_seq_o(out_seq), .out_vvidx_valid_o(), .out_vvidx_o(),
    .out_copy_o(out_copy), .abort_i(abort), .abort_copy_i(reading_copy_q),
    .loss_o(loss), .cnt_loss_o(cnt_loss), .idle_o(idle)
  );

  logic out;
  assign out = out_valid && ready_i && rst_ni;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) reading_q <= 1'b0;
    else if (out) reading_q <= !out_eof;
    if (out) reading_copy_q <= out_copy;
  end

  // The copy that is followed: asked for, and in the clock after its frame's first beat owed or lost.
  logic              marked_q, asked_q, owed_q, lost_q, done_q, given_up_q, begun_q;
  seq_t              mine_q;
  logic [3:0]        beats_q, got_q;
  logic [DATA_W-1:0] data_q;
  logic [5:0]        waits_q;
  logic              asks, mine, my_out;
  assign asks   = group && targets[any_port_i];
  assign mine   = marked_q && valid && seq == mine_q;
  assign my_out = out && out_seq == mine_q && out_port == port_t'(any_port_i) && marked_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {marked_q, asked_q, owed_q, lost_q, done_q, given_up_q, begun_q} <= '0;
      got_q   <= '0;
      waits_q <= '0;
    end else begin
      if (sof && mark_i && !marked_q) begin
        marked_q <= 1'b1;
        asked_q  <= asks;
        mine_q   <= seq;
        beats_q  <= beats;
      end
      if (asked_q) begin
        asked_q <= 1'b0;
        lost_q  <= loss.valid;
        owed_q  <= !loss.valid;
      end
      if ((mine || (sof && mark_i && !marked_q)) && beat == any_beat_i) data_q <= data_i;
      if (my_out) begin
        begun_q <= 1'b1;
        got_q   <= got_q + 4'd1;
        if (out_eof) {owed_q, done_q} <= {1'b0, owed_q};
      end
      if (abort && begun_q && owed_q) given_up_q <= 1'b1;
      if (owed_q && ready_i) waits_q <= waits_q + 6'd1;
    end
  end

  `HP_ASSERT(LossSaysWhich_A, !asked_q || !loss.valid || (loss.seq == mine_q && cnt_loss.valid))
  `HP_ASSERT(LossOnlyThen_A, loss.valid == cnt_loss.valid)
  `HP_ASSERT(LostStaysAway_A, !my_out || owed_q)
  `HP_ASSERT(Whole_A, !(my_out && out_eof) || given_up_q || got_q + 4'd1 == beats_q)
  `HP_ASSERT(Begin_A, !my_out || out_sof == (got_q == '0))
  `HP_ASSERT(Data_A, !my_out || given_up_q || got_q != 4'(any_beat_i) || out_data == data_q)
  `HP_ASSERT(Owed_A, !(owed_q && idle))
  `HP_ASSERT(Soon_A, 32'(waits_q) <= MOST)

  // Cases: a frame is lost; a copy comes after a given up one, and after the buffer's end.
  `HP_ASSERT(Lost_C, !lost_q)
  `HP_ASSERT(Late_C, !(done_q && mine_q == 16'd3 && beats_q == 4'd2))
  `HP_ASSERT(GivenUp_C, !(done_q && given_up_q && got_q < beats_q))
endmodule
