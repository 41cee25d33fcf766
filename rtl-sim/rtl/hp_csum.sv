// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The Internet checksum of a run of beats: ones' complement of the ones' complement sum of 16-bit
// words (RFC 1071), the first byte of a beat in the high half. A run that begins at an odd byte
// (`odd_i`) has its words across ours: the sum is then the same with its bytes exchanged. Bytes
// that do not count are zeros. Zero comes out as 0xFFFF, which is the same number: as Linux does
// (skb_checksum_help), for a UDP checksum of zero says that there is none.
//
// A beat per clock; the result comes 5 clocks after the last one, with the tag that came with it,
// and has no backpressure.

`include "hp_assert.svh"

module hp_csum #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned TAG_W = 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              valid_i,
  input  logic              first_i,
  input  logic              last_i,
  input  logic [DATA_W-1:0] data_i,
  input  logic              odd_i,         // with the last beat, as the tag
  input  logic [TAG_W-1:0]  tag_i,

  output logic              valid_o,
  output logic [15:0]       csum_o,
  output logic [TAG_W-1:0]  tag_o
);
  localparam int unsigned Words = DATA_W / 16;
  localparam int unsigned Groups = Words / 8;

  typedef struct packed {
    logic             valid;
    logic             first;
    logic             last;
    logic             odd;
    logic [TAG_W-1:0] tag;
  } ctl_t;

  ctl_t                    a_q, b_q, c_q, d_q;
  logic [DATA_W-1:0]       data_q;
  logic [Groups-1:0][18:0] group_d, group_q;
  logic [20:0]             all;
  logic [16:0]             beat_q, acc_q;       // folded once
  logic [17:0]             next;
  logic [15:0]             sum;

  always_comb begin
    group_d = '0;
    for (int unsigned g = 0; g < Groups; g++) begin
      for (int unsigned w = 0; w < 8; w++) begin
        group_d[g] = group_d[g] +
                     19'({data_q[(g * 8 + w) * 16+:8], data_q[(g * 8 + w) * 16 + 8+:8]});
      end
    end
    all = '0;
    for (int unsigned g = 0; g < Groups; g++) all = all + 21'(group_q[g]);
  end

  assign next = 18'(beat_q) + (c_q.first ? 18'd0 : 18'(acc_q));
  assign sum  = acc_q[15:0] + 16'(acc_q[16]);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      a_q     <= '0;
      b_q     <= '0;
      c_q     <= '0;
      d_q     <= '0;
      valid_o <= 1'b0;
    end else begin
      a_q     <= '{valid: valid_i, first: first_i, last: last_i, odd: odd_i, tag: tag_i};
      b_q     <= a_q;
      c_q     <= b_q;
      d_q     <= c_q;
      valid_o <= d_q.valid && d_q.last;
    end
    if (valid_i) data_q <= data_i;
    group_q <= group_d;
    beat_q  <= 17'(all[15:0]) + 17'(all[20:16]);
    if (c_q.valid) acc_q <= 17'(next[15:0]) + 17'(next[17:16]);
    csum_o <= (sum == '1) ? '1 : d_q.odd ? ~{sum[7:0], sum[15:8]} : ~sum;
    tag_o  <= d_q.tag;
  end

  logic unused_first;
  assign unused_first = d_q.first;

  `HP_ASSERT_INIT(Shape_A, DATA_W % 128 == 0 && DATA_W <= 1024)
  `HP_ASSERT(Folds_A, !d_q.valid || !(&acc_q[16:4]))
endmodule
