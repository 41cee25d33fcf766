// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Stream editor on the way out: inserts 0, 4 or 8 bytes after byte 12 of a canonical frame, pads
// it with zeros to 60 bytes and makes tkeep and tlast. Bytes past the input frame's length must
// be zero.
//
// Latency: one register. A frame leaves in the fewest beats it fits in; the input is held only
// while a beat that the insertion added goes out, so frames follow one another without bubbles.
// Backpressure: `m_tready_i` reaches `in_ready_o` in the same cycle. `in_len_i`, `in_ins_i`,
// `in_tag_i` and `in_user_i` are read in the first beat of a frame.

`include "hp_assert.svh"

module hp_tag_edit
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned USER_W = 1,
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              in_valid_i,
  output logic              in_ready_o,
  input  logic [DATA_W-1:0] in_data_i,
  input  logic              in_eof_i,
  input  len_t              in_len_i,   // bytes before the insertion
  input  logic [1:0]        in_ins_i,   // 0: none, 1: 4 bytes, 2: 8 bytes
  input  logic [63:0]       in_tag_i,   // first byte on the wire in [7:0]
  input  logic [USER_W-1:0] in_user_i,
  output logic              in_first_o, // the next beat taken starts a frame

  output logic              m_tvalid_o,
  input  logic              m_tready_i,
  output logic [DATA_W-1:0] m_tdata_o,
  output logic [Bytes-1:0]  m_tkeep_o,
  output logic              m_tlast_o,
  output logic              m_first_o,
  output len_t              m_len_o,    // bytes of the frame on the bus
  output logic [USER_W-1:0] m_user_o
);
  localparam int unsigned BeatW = $clog2(Bytes);
  localparam int unsigned HeadW = 12 * 8;  // the addresses, in front of the insertion

  logic             move;               // the output register takes a beat
  logic             first_q, flush_q;   // flush: the input frame is over, the output frame is not
  logic [1:0]       ins_q, ins;
  logic [63:0]      carry_q;
  len_t             len_d, beats_m1, left_q, left_d;
  logic [BeatW-1:0] tail;
  logic             last;

  logic [DATA_W-1:0]    data;
  logic [DATA_W+64-1:0] wide;

  assign in_ready_o = (!m_tvalid_o || m_tready_i) && !flush_q;
  assign in_first_o = first_q;
  assign move       = (!m_tvalid_o || m_tready_i) && (flush_q || in_valid_i);

  // Length.
  always_comb begin
    len_d = in_len_i + len_t'({in_ins_i, 2'b00});
    if (len_d < len_t'(MinFrame)) len_d = len_t'(MinFrame);
  end

  assign beats_m1 = (len_d - len_t'(1)) >> BeatW;
  assign left_d   = first_q ? beats_m1 : left_q - len_t'(1);
  assign last     = left_d == '0;
  assign tail     = first_q ? len_d[BeatW-1:0] : m_len_o[BeatW-1:0];

  // Data.
  assign ins  = first_q ? in_ins_i : ins_q;
  assign data = flush_q ? '0 : in_data_i;

  always_comb begin
    unique case ({first_q, ins})
      3'b1_01: wide = {32'b0, data[DATA_W-1:HeadW], in_tag_i[31:0], data[HeadW-1:0]};
      3'b1_10: wide = {data[DATA_W-1:HeadW], in_tag_i, data[HeadW-1:0]};
      3'b0_01: wide = {32'b0, data, carry_q[31:0]};
      3'b0_10: wide = {data, carry_q};
      default: wide = {64'b0, data};
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      m_tvalid_o <= 1'b0;
      first_q    <= 1'b1;
      flush_q    <= 1'b0;
    end else begin
      if (m_tready_i) m_tvalid_o <= 1'b0;
      if (move) begin
        m_tvalid_o <= 1'b1;
        first_q    <= last;
        flush_q    <= (flush_q || in_eof_i) && !last;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (move) begin
      {carry_q, m_tdata_o} <= wide;
      m_tlast_o            <= last;
      m_first_o            <= first_q;
      m_tkeep_o            <= (last && tail != '0) ? ~({Bytes{1'b1}} << tail) : '1;
      left_q               <= left_d;
      if (first_q) begin
        ins_q    <= in_ins_i;
        m_len_o  <= len_d;
        m_user_o <= in_user_i;
      end
    end
  end

  `HP_ASSERT_INIT(Width_A, DATA_W >= 128 && DATA_W == 2 ** $clog2(DATA_W))
  `HP_ASSERT(LengthFits_A, !(in_valid_i && first_q && !flush_q) || 32'(in_len_i) <= MaxFrame + 8)
  `HP_ASSERT(InsertKnown_A, !(in_valid_i && first_q && !flush_q) || in_ins_i != 2'd3)
  `HP_ASSERT(EofNotAfterLast_A, !(move && last && !flush_q) || in_eof_i)
  `HP_ASSERT(Stable_A, !(m_tvalid_o && !m_tready_i) || !move)
endmodule
