// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A mark in the DSCP of the tenant's IP header: noted, then set to `clear` in every frame that comes in, so
// that a frame looks the same whichever way it goes and nobody's mark leaves the NIC. The checksum of an IPv4
// header is kept as right, or as wrong, as it is (RFC 1624, equation 3).
//
// Canonical beats at stage 2 in, at stage 6 out: stage 3 finds the header, 4 what its checksum changes by, 5 its
// checksum. The header's findings belong to the frame whose first beat is at stage 3 (`h3_i`); `marked_4_o` is with
// it a clock later. With 256 bits the checksum behind two tags lies in the second beat.

`include "hp_assert.svh"

module hp_dscp
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned DATA_W = 512
) (
  input  logic              clk_i,

  input  logic              cb_sof_i,     // stage 2
  input  logic [DATA_W-1:0] cb_data_i,
  input  logic              v3_i,         // a header is at stage 3
  input  hdr_t              h3_i,
  input  cfg_row_t          cfg_3_i,

  output logic              marked_4_o,
  output logic [DATA_W-1:0] cb6_data_o
);
  localparam int unsigned Bytes  = DATA_W / 8;
  localparam int unsigned SumAt  = 10;     // in the IPv4 header
  localparam bit          Second = 14 + 8 + SumAt + 2 > Bytes;

  function automatic logic [15:0] be16(input logic [15:0] x);
    return {x[7:0], x[15:8]};
  endfunction

  // ~(~sum + ~old + now), each sum with its carry added at the low end.
  function automatic logic [15:0] plus(input logic [15:0] a, input logic [15:0] b);
    logic [16:0] s;
    s = {1'b0, a} + {1'b0, b};
    return s[15:0] + 16'(s[16]);
  endfunction

  logic              b3_sof_q;
  logic [DATA_W-1:0] b3_data_q;

  always_ff @(posedge clk_i) begin
    b3_sof_q  <= cb_sof_i;
    b3_data_q <= cb_data_i;
  end

  // Stage 3. The IP header: behind no, one or two tags.
  logic [15:0] ethertype, class_old, class_new;
  logic [5:0]  dscp, dscp_new;
  len_t        at, room;
  logic        on, ours, is4, is6, ip;

  always_comb begin
    unique case (h3_i.tags)
      2'd0: {at, ethertype, class_old} = {14'd14, b3_data_q[8*12 +: 16], b3_data_q[8*14 +: 16]};
      2'd1: {at, ethertype, class_old} = {14'd18, b3_data_q[8*16 +: 16], b3_data_q[8*18 +: 16]};
      default: {at, ethertype, class_old} = {14'd22, b3_data_q[8*20 +: 16], b3_data_q[8*22 +: 16]};
    endcase
    ethertype = be16(ethertype);
    class_old = be16(class_old);

    on   = v3_i && cfg_3_i.mark_field == 2'd3 && cfg_3_i.mark_mask != '0;
    ours = !h3_i.w.meta.core && !h3_i.w.meta.tomb && (h3_i.vport || h3_i.w.strip8);
    room = h3_i.w.len - at;
    is4  = ethertype == 16'h0800 && class_old[15:12] == 4'd4 && class_old[11:8] >= 4'd5 &&
           room >= len_t'({class_old[11:8], 2'b00});
    is6  = ethertype == 16'h86DD && class_old[15:12] == 4'd6 && room >= 14'd40;
    ip   = on && ours && h3_i.tags != 2'd3 && (is4 || is6);

    dscp      = is4 ? class_old[7:2] : class_old[11:6];
    dscp_new  = (dscp & ~cfg_3_i.mark_mask) | cfg_3_i.mark_clear;
    class_new = class_old;
    if (is4) class_new[7:2] = dscp_new;
    else class_new[11:6] = dscp_new;
  end

  logic [DATA_W-1:0] b4_data_q, b5_data_q;
  logic [15:0]       old_4_q, new_4_q;
  logic [1:0]        tags_4_q;
  logic              edit_4_q, is4_4_q;

  always_ff @(posedge clk_i) begin
    b4_data_q  <= b3_data_q;
    edit_4_q   <= b3_sof_q && ip;
    is4_4_q    <= is4;
    tags_4_q   <= h3_i.tags;
    old_4_q    <= class_old;
    new_4_q    <= class_new;
    marked_4_o <= ip && h3_i.w.strip8 && (dscp & cfg_3_i.mark_mask) == cfg_3_i.mark_set;
  end

  // Stage 4. The checksum's word: in this beat, or the first of the next one.
  logic [15:0] delta, sum_old, delta_5_q, sum_5_q, new_5_q;
  logic [1:0]  tags_5_q;
  logic        edit_5_q, is4_5_q, later_5_q, next_5_q;

  assign delta = plus(~old_4_q, new_4_q);

  always_comb begin
    unique case (tags_4_q)
      2'd0:    sum_old = b4_data_q[8*(14+SumAt) +: 16];
      2'd1:    sum_old = b4_data_q[8*(18+SumAt) +: 16];
      default: sum_old = b4_data_q[8*((22+SumAt) % Bytes) +: 16];
    endcase
    if (later_5_q) sum_old = b4_data_q[15:0];
  end

  always_ff @(posedge clk_i) begin
    b5_data_q <= b4_data_q;
    edit_5_q  <= edit_4_q;
    is4_5_q   <= is4_4_q;
    tags_5_q  <= tags_4_q;
    new_5_q   <= new_4_q;
    sum_5_q   <= be16(sum_old);
    later_5_q <= Second && edit_4_q && is4_4_q && tags_4_q == 2'd2;
    next_5_q  <= later_5_q;
    if (!later_5_q) delta_5_q <= delta;
  end

  // Stage 5.
  logic [15:0]       sum_new;
  logic [DATA_W-1:0] edited;

  assign sum_new = be16(~plus(~sum_5_q, delta_5_q));

  always_comb begin
    edited = b5_data_q;
    if (edit_5_q) begin
      unique case (tags_5_q)
        2'd0: begin
          edited[8*14 +: 16] = be16(new_5_q);
          if (is4_5_q) edited[8*(14+SumAt) +: 16] = sum_new;
        end
        2'd1: begin
          edited[8*18 +: 16] = be16(new_5_q);
          if (is4_5_q) edited[8*(18+SumAt) +: 16] = sum_new;
        end
        default: begin
          edited[8*22 +: 16] = be16(new_5_q);
          if (is4_5_q && !Second) edited[8*((22+SumAt) % Bytes) +: 16] = sum_new;
        end
      endcase
    end
    if (next_5_q) edited[15:0] = sum_new;
  end

  always_ff @(posedge clk_i) cb6_data_o <= edited;

  logic unused;
  assign unused = ^{h3_i, cfg_3_i, at};

  `HP_ASSERT_INIT(DataW_A, DATA_W == 256 || DATA_W == 512)
endmodule
