// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Stream editor on the way out: inserts 0, 4 or 8 bytes after byte 12 of a canonical frame, pads
// it with zeros to 60 bytes and makes tkeep and tlast. Bytes past the input frame's length must
// be zero.
//
// SOURCES streams stand in front of it, `in_sel_i` says whose beat `in_valid_i` is about; it may
// change between frames only. What can be done before the choice is known is done for each.
//
// Latency: one register. A frame leaves in the fewest beats it fits in; the input is held only
// while a beat that the insertion added goes out, so frames follow one another without bubbles.
// Backpressure: `m_tready_i` reaches `in_ready_o` in the same cycle. `in_last_i`, `in_single_i`,
// `in_ins_i`, `in_tag_i` and `in_user_i` are read in the first beat of a frame.

`include "hp_assert.svh"

module hp_tag_edit
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W  = 512,
  parameter int unsigned USER_W  = 1,
  parameter int unsigned SOURCES = 1,
  localparam int unsigned Bytes = DATA_W / 8,
  localparam int unsigned SelW  = (SOURCES > 1) ? $clog2(SOURCES) : 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              in_valid_i,
  output logic              in_ready_o,
  input  logic [SelW-1:0]   in_sel_i,
  input  logic [SOURCES-1:0][DATA_W-1:0] in_data_i,
  input  logic [SOURCES-1:0]             in_eof_i,
  input  len_t [SOURCES-1:0]             in_last_i,    // index of the last byte on the bus (bus_last)
  input  logic [SOURCES-1:0]             in_single_i,  // one beat on the bus: in_last_i < Bytes
  input  logic [SOURCES-1:0][1:0]        in_ins_i,     // 0: none, 1: 4 bytes, 2: 8 bytes
  input  logic [SOURCES-1:0][63:0]       in_tag_i,     // first byte on the wire in [7:0]
  input  logic [SOURCES-1:0][USER_W-1:0] in_user_i,

  output logic              m_tvalid_o,
  input  logic              m_tready_i,
  output logic [DATA_W-1:0] m_tdata_o,
  output logic [Bytes-1:0]  m_tkeep_o,
  output logic              m_tlast_o,
  output len_t              m_len_o,    // bytes of the frame on the bus
  output logic [USER_W-1:0] m_user_o
);
  localparam int unsigned BeatW = $clog2(Bytes);
  localparam int unsigned HeadW = 12 * 8;  // the addresses, in front of the insertion

  logic        m_free, move;               // the output register is free; takes a beat
  logic        first_q, flush_q;           // flush: the input frame is over, the output frame is not
  logic        last, last_q;               // this beat is the last one; the next one will be
  logic [1:0]  ins_q;
  logic [63:0] carry_q;
  len_t        bus_last_q, left_q, left_d;
  logic        eof;

  logic [DATA_W+64-1:0] wide;

  assign m_free     = !m_tvalid_o || m_tready_i;
  assign in_ready_o = m_free && !flush_q;
  assign move       = m_free && (flush_q || in_valid_i);
  assign eof        = in_eof_i[in_sel_i];

  // Each source's beat, edited.
  logic [SOURCES-1:0][DATA_W+64-1:0] edited;
  logic [SOURCES-1:0][Bytes-1:0]     keep;
  logic [SOURCES-1:0]                two;

  for (genvar s = 0; s < int'(SOURCES); s++) begin : gen_source
    logic [DATA_W-1:0]    data;
    logic [63:0]          tag;
    logic [1:0]           ins;
    logic [DATA_W+64-1:0] wide_s;

    assign data      = in_data_i[s];
    assign tag       = in_tag_i[s];
    assign ins       = first_q ? in_ins_i[s] : ins_q;
    assign two[s]    = in_last_i[s] >> BeatW == len_t'(1);
    assign edited[s] = wide_s;

    always_comb begin
      unique case ({first_q, ins})
        3'b1_01: wide_s = {32'b0, data[DATA_W-1:HeadW], tag[31:0], data[HeadW-1:0]};
        3'b1_10: wide_s = {data[DATA_W-1:HeadW], tag, data[HeadW-1:0]};
        3'b0_01: wide_s = {32'b0, data, carry_q[31:0]};
        3'b0_10: wide_s = {data, carry_q};
        default: wide_s = {64'b0, data};
      endcase
      for (int unsigned i = 0; i < Bytes; i++) begin
        keep[s][i] = !in_single_i[s] || BeatW'(i) <= in_last_i[s][BeatW-1:0];
      end
    end
  end

  assign wide   = flush_q ? (DATA_W + 64)'(carry_q) : edited[in_sel_i];
  assign last   = first_q ? in_single_i[in_sel_i] : last_q;
  assign left_d = first_q ? in_last_i[in_sel_i] >> BeatW : left_q - len_t'(1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      m_tvalid_o <= 1'b0;
      first_q    <= 1'b1;
      flush_q    <= 1'b0;
    end else begin
      if (m_free) m_tvalid_o <= flush_q || in_valid_i;
      if (move) begin
        first_q <= last;
        flush_q <= (flush_q || eof) && !last;
      end
    end
  end

  // What only `m_tvalid_o` makes count need not wait for `move`.
  always_ff @(posedge clk_i) begin
    if (m_free) begin
      m_tdata_o <= wide[DATA_W-1:0];
      m_tlast_o <= last;
      for (int unsigned i = 0; i < Bytes; i++) begin
        m_tkeep_o[i] <= first_q ? keep[in_sel_i][i]
                                : !last_q || BeatW'(i) <= bus_last_q[BeatW-1:0];
      end
      if (first_q) begin
        bus_last_q <= in_last_i[in_sel_i];
        m_user_o   <= in_user_i[in_sel_i];
      end
    end
    if (move) begin
      carry_q <= wide[DATA_W +: 64];
      left_q  <= left_d;
      last_q  <= first_q ? two[in_sel_i] : left_q == len_t'(2);
      if (first_q) ins_q <= in_ins_i[in_sel_i];
    end
  end

  assign m_len_o = bus_last_q + len_t'(1);

  `HP_ASSERT_INIT(Width_A, DATA_W >= 128 && DATA_W == 2 ** $clog2(DATA_W))
  `HP_ASSERT(LengthFits_A, !(in_valid_i && first_q && !flush_q) ||
             32'(in_last_i[in_sel_i]) < MaxFrame + 8)
  `HP_ASSERT(Single_A, !(in_valid_i && first_q && !flush_q) ||
             in_single_i[in_sel_i] == (32'(in_last_i[in_sel_i]) < Bytes))
  `HP_ASSERT(InsertKnown_A, !(in_valid_i && first_q && !flush_q) || in_ins_i[in_sel_i] != 2'd3)
  `HP_ASSERT(EofNotAfterLast_A, !(move && last && !flush_q) || eof)
  `HP_ASSERT(Stable_A, !(m_tvalid_o && !m_tready_i) || !move)
endmodule
