// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Two beats of a received frame, the virtio_net_hdr in front of it: a run of up to a beat's worth
// of bytes may be taken from wherever the last one ended.
//
// `start_i` (only while `empty_o`) begins a frame of `len_i` bytes on the bus: the header stands
// at the end of the first beat. Then beats are popped as there is room: one per clock, up to the
// frame's last. `skip_i` throws the rest of the frame away, a beat per clock. Takes are answered
// within the clock.

`include "hp_assert.svh"

module hp_vq_window import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  localparam int unsigned Bytes = DATA_W / 8,
  localparam int unsigned OffW = $clog2(Bytes)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              start_i,
  input  len_t              len_i,
  input  logic [15:0]       buffers_i,       // num_buffers
  input  logic              good_i,          // DATA_VALID: its checksum was verified
  input  logic              skip_i,
  output logic              empty_o,

  input  logic              beat_valid_i,
  input  logic [DATA_W-1:0] beat_data_i,
  input  logic              beat_last_i,
  output logic              beat_pop_o,

  output logic [OffW+1:0]   have_o,
  output logic [OffW-1:0]   pos_o,
  output logic [DATA_W-1:0] data_o,
  input  logic              take_i,
  input  logic [OffW:0]     bytes_i
);
  logic              inside_q;               // the frame's last beat has not been popped
  logic              v0_q, v1_q, shift, to_w0, skip_q;
  logic [DATA_W-1:0] w0_q, w1_q, header;
  logic [OffW-1:0]   pos_q;
  logic [OffW:0]     next;
  bytes_t            left_q, after;

  assign header = {buffers_i, 72'd0, 6'd0, good_i, 1'b0, {(DATA_W - 96){1'b0}}};
  assign next   = {1'b0, pos_q} + bytes_i;
  assign after  = left_q - bytes_t'(bytes_i);
  assign shift  = take_i && next[OffW];

  // The last beat may be short of a whole one; nobody takes more than the frame has.
  assign have_o = (OffW + 2)'((v0_q ? Bytes - 32'(pos_q) : 0) + (v1_q ? Bytes : 0));
  assign pos_o  = pos_q;
  always_comb begin
    for (int unsigned i = 0; i < Bytes; i++) begin
      data_o[i*8+:8] = (i >= 32'(pos_q)) ? w0_q[i*8+:8] : w1_q[i*8+:8];
    end
  end

  // Into the first place when that is empty, or becomes so.
  assign to_w0      = beat_pop_o && (!v0_q || (shift && !v1_q));
  assign beat_pop_o = beat_valid_i && inside_q && (!v1_q || shift || skip_q);
  assign empty_o    = !inside_q && left_q == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      inside_q <= 1'b0;
      v0_q     <= 1'b0;
      v1_q     <= 1'b0;
      skip_q   <= 1'b0;
      left_q   <= '0;
    end else if (start_i) begin
      inside_q <= 1'b1;
      v0_q     <= !skip_i;
      v1_q     <= 1'b0;
      skip_q   <= skip_i;
      left_q   <= skip_i ? '0 : bytes_t'(len_i) + bytes_t'(VirtioHdr);
    end else if (skip_i || skip_q) begin
      skip_q <= !empty_o;
      left_q <= '0;
      v0_q   <= 1'b0;
      v1_q   <= 1'b0;
      if (beat_pop_o && beat_last_i) inside_q <= 1'b0;
    end else begin
      if (beat_pop_o && beat_last_i) inside_q <= 1'b0;
      if (take_i) left_q <= after;
      if (take_i && after == '0) begin
        v0_q <= 1'b0;
        v1_q <= 1'b0;
      end else begin
        v0_q <= (v0_q && !shift) || v1_q || beat_pop_o;
        v1_q <= (v1_q && !shift) || (beat_pop_o && !to_w0);
      end
    end
    if (start_i) begin
      w0_q  <= header;
      pos_q <= OffW'(Bytes - VirtioHdr);
    end else begin
      if (take_i) pos_q <= next[OffW-1:0];
      if (to_w0) w0_q <= beat_data_i;
      else if (shift) w0_q <= w1_q;
      if (beat_pop_o) w1_q <= beat_data_i;
    end
  end

  `HP_ASSERT(StartEmpty_A, !start_i || empty_o)
  `HP_ASSERT(TakeWhatIsThere_A, !take_i || (OffW + 2)'(bytes_i) <= have_o)
  `HP_ASSERT(TakeOfFrame_A, !take_i || bytes_t'(bytes_i) <= left_q)
endmodule
