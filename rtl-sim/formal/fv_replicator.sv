// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_replicator, tiny, with every stream of frames and every reader that takes its copies to their end. One copy of one frame, any, is
// followed: either its frame is reported lost in the next clock, and then no copy of it comes, or the copy comes,
// once, whole and unchanged, and a reader that takes what is offered never waits eight clocks for it or for those before it. The replicator never
// says that it is idle while it owes one.

`include "hp_assert.svh"

module fv_replicator
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 16,
  parameter int unsigned N_VF   = 2,
  parameter int unsigned BEATS  = 2,
  parameter int unsigned FRAMES = 2
) (
  input logic              clk_i,
  input logic              sof_i,       // a frame begins, if none is under way
  input logic              group_i,
  input logic [3:0]        len_i,
  input logic [N_VF-1:0]   targets_i,
  input logic              data_i,      // the last bit of a beat; the others are zero
  input logic              ready_i,
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

  // Frames without gaps; what one says of itself stays. The followed one has number 1, the others 0.
  logic            inside_q, sof, valid;
  logic [3:0]      left_q, len_q, len;
  logic [N_VF-1:0] targets_q, targets;
  logic            group_q, group;
  logic [1:0]      beat_q, beat;
  logic            marked_q, marks, mine_q, mine;
  assign marks = sof && mark_i && !marked_q;
  assign mine  = valid && (sof ? marks : mine_q);
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
      marked_q <= 1'b0;
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
      if (marks) marked_q <= 1'b1;
      mine_q <= mine;
    end
  end

  egress_meta_t meta;
  always_comb begin
    meta         = '0;
    meta.seq     = seq_t'(mine);
    meta.len     = len_t'(len);
    meta.group   = group;
    meta.targets = MaxVf'(targets);
  end

  logic              out_valid, out_sof, out_eof, idle;
  logic [DATA_W-1:0] out_data;
  port_t             out_port;
  seq_t              out_seq;
  trace_loss_t       loss;
  cnt_loss_t         cnt_loss;

  hp_replicator #(.DATA_W(DATA_W), .N_VF(N_VF), .BEATS(BEATS), .FRAMES(FRAMES)) u_dut (
    .clk_i, .rst_ni,
    .eg_valid_i(valid), .eg_sof_i(sof), .eg_data_i(DATA_W'(data_i)), .eg_meta_i(meta),
    .out_valid_o(out_valid), .out_ready_i(ready_i), .out_data_o(out_data), .out_sof_o(out_sof),
    .out_eof_o(out_eof), .out_port_o(out_port), .out_tag_o(), .out_vvlan_o(), .out_last_o(),
    .out_single_o(), .out_cost_o(), .out_seq_o(out_seq), .out_vvidx_valid_o(), .out_vvidx_o(),
    .out_copy_o(), .abort_i(1'b0), .abort_copy_i('0),
    .loss_o(loss), .cnt_loss_o(cnt_loss), .idle_o(idle)
  );

  logic out;
  assign out = out_valid && ready_i && rst_ni;

  // Beats taken so far, up to four: the buffer's end.
  logic [2:0] filled_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) filled_q <= '0;
    else if (valid && group && targets != '0) filled_q <= filled_q + 3'(!filled_q[2]);
  end

  // The copy that is followed: asked for, and in the clock after its frame's first beat owed or lost.
  logic              asked_q, owed_q, lost_q, done_q, late_q;
  logic [3:0]        beats_q, got_q;
  logic              data_q;
  logic [3:0]        waits_q;      // clocks in which the reader waits for it, and for those before it
  logic              asks, my_out;
  assign asks   = group && targets[any_port_i];
  assign my_out = out && out_seq[0] && out_port == port_t'(any_port_i);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {asked_q, owed_q, lost_q, done_q} <= '0;
      got_q   <= '0;
      waits_q <= '0;
    end else begin
      if (marks) begin
        asked_q <= asks;
        beats_q <= beats;
        late_q  <= filled_q[2];
      end
      if (asked_q) begin
        asked_q <= 1'b0;
        lost_q  <= loss.valid;
        owed_q  <= !loss.valid;
      end
      if (mine && beat == any_beat_i) data_q <= data_i;
      if (my_out) begin
        got_q   <= got_q + 4'd1;
        if (out_eof) {owed_q, done_q} <= {1'b0, owed_q};
      end
      waits_q <= (owed_q && ready_i && !out_valid) ? waits_q + 4'(waits_q != '1) : '0;
    end
  end

  `HP_ASSERT(LossSaysWhich_A, !asked_q || !loss.valid || (loss.seq == 16'd1 && cnt_loss.valid))
  `HP_ASSERT(LossOnlyThen_A, loss.valid == cnt_loss.valid)
  `HP_ASSERT(LostStaysAway_A, !my_out || owed_q)
  `HP_ASSERT(Whole_A, !(my_out && out_eof) || got_q + 4'd1 == beats_q)
  `HP_ASSERT(Begin_A, !my_out || out_sof == (got_q == '0))
  `HP_ASSERT(Data_A, !my_out || got_q != 4'(any_beat_i) || out_data[0] == data_q)
  `HP_ASSERT(Owed_A, !(owed_q && idle))
  `HP_ASSERT(Soon_A, waits_q <= 4'd7)

  // Cases: a frame is lost; a frame of two beats is delivered that came when the buffer had gone round.
  `HP_ASSERT(Lost_C, !lost_q)
  `HP_ASSERT(Late_C, !(done_q && late_q && beats_q == 4'd2))
endmodule
