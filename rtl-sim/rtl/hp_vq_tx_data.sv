// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Makes frames of payload: joins the pieces whatever their place and length, pads, and reports the
// chain as done behind the frame's last byte. A frame one of whose reads failed ends as a bad one;
// its queue is bad and the chain is not given back. A marker waits until all frames before it have
// left (`sent_i`: nothing is behind the output).
//
// One beat per clock, two for the last when it does not fit; waits for the stream, for payload,
// and at a frame's end for the takers of chains and errors. Latency: a beat is at the output one
// clock after the byte that fills it.

`include "hp_assert.svh"

module hp_vq_tx_data import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  localparam int unsigned Bytes = DATA_W / 8,
  localparam int unsigned OffW = $clog2(Bytes)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              piece_valid_i,
  output logic              piece_pop_o,
  input  piece_t            piece_i,
  input  logic              beat_valid_i,
  output logic              beat_pop_o,
  input  logic [DATA_W-1:0] beat_data_i,
  input  logic              beat_err_i,

  output logic              tx_tvalid_o,
  input  logic              tx_tready_i,
  output logic [DATA_W-1:0] tx_tdata_o,
  output logic [Bytes-1:0]  tx_tkeep_o,
  output logic              tx_tlast_o,
  output logic              tx_tuser_o,
  output port_t             tx_tdest_o,
  output logic              tx_hdr_o,          // from the first beat on, as `tx_len_o`
  output bytes_t            tx_len_o,
  input  logic              sent_i,

  output logic              done_valid_o,
  input  logic              done_ready_i,
  output done_t             done_o,
  output logic              err_valid_o,
  input  logic              err_ready_i,
  output qid_t              err_q_o,
  output logic              idle_o
);
  logic              can_out, step, at_end, flush_q, bad_q, bad, room, emit, told;
  logic              inside_q;                     // within a piece
  logic [OffW-1:0]   off, pos_q, turn;
  logic [10:0]       left, left_q;
  logic [OffW:0]     bytes, over_q;
  logic [OffW+1:0]   sum;
  logic              marker;
  logic [DATA_W-1:0] acc_q, source, turned, joined;
  logic [Bytes-1:0]  keep;

  assign can_out = !tx_tvalid_o || tx_tready_i;
  assign off     = inside_q ? '0 : piece_i.off[OffW-1:0];
  assign left    = inside_q ? left_q : piece_i.bytes;
  assign bytes   = (left > 11'(Bytes) - 11'(off)) ? (OffW + 1)'(Bytes - 32'(off))
                                                  : (OffW + 1)'(left);
  assign at_end  = 11'(bytes) == left;
  assign sum     = (OffW + 2)'(pos_q) + (OffW + 2)'(bytes);
  assign turn    = pos_q - off;
  assign bad     = bad_q || (!piece_i.zeros && beat_err_i);

  // The end of a frame needs its taker: of the chain, or of the error.
  assign told = !(piece_i.last && at_end) || (bad ? err_ready_i : done_ready_i);
  assign room = (piece_i.zeros || beat_valid_i) && can_out && !flush_q;
  assign step = piece_valid_i && !piece_i.marker && !piece_i.kill && room && told;
  assign emit = step && (sum >= (OffW + 2)'(Bytes) || (piece_i.last && at_end));

  assign marker       = piece_i.marker && !flush_q && !tx_tvalid_o && sent_i;
  assign piece_pop_o  = piece_valid_i && (piece_i.marker ? marker && done_ready_i :
                                          piece_i.kill ? can_out && !flush_q : step && at_end);
  assign beat_pop_o   = step && !piece_i.zeros;
  assign done_valid_o = piece_valid_i &&
                        (marker || (!piece_i.marker && !piece_i.kill && room && piece_i.last &&
                                    at_end && !bad));
  assign done_o       = '{marker: piece_i.marker, q: piece_i.q, head: piece_i.head, len: '0,
                          last: 1'b1};
  assign err_valid_o  = piece_valid_i && !piece_i.marker && !piece_i.kill && room && piece_i.last &&
                        at_end && bad;
  assign err_q_o      = piece_i.q;

  always_comb begin
    source = piece_i.zeros ? '0 : beat_data_i;
    turned = DATA_W'({source, source} >> {~turn + 1'b1, 3'b000});
    for (int unsigned i = 0; i < Bytes; i++) begin
      keep[i]          = (OffW + 2)'(i) < sum;
      joined[i*8+:8]   = (i < 32'(pos_q)) ? acc_q[i*8+:8] : keep[i] ? turned[i*8+:8] : 8'd0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tx_tvalid_o <= 1'b0;
      flush_q     <= 1'b0;
      inside_q    <= 1'b0;
      bad_q       <= 1'b0;
      pos_q       <= '0;
    end else begin
      if (can_out) begin
        tx_tvalid_o <= emit || flush_q || (piece_valid_i && piece_i.kill);
        flush_q     <= emit && piece_i.last && at_end && sum > (OffW + 2)'(Bytes);
      end
      if (step) begin
        inside_q <= !at_end;
        bad_q    <= bad && !(piece_i.last && at_end);
        pos_q    <= (piece_i.last && at_end) ? '0 : sum[OffW-1:0];
      end
    end
    if (can_out && (emit || (piece_valid_i && piece_i.kill && !flush_q))) begin
      tx_tdata_o <= piece_i.kill ? '0 : joined;
      tx_tkeep_o <= piece_i.kill ? '1 : keep;
      tx_tlast_o <= piece_i.kill || (piece_i.last && at_end && sum <= (OffW + 2)'(Bytes));
      tx_tuser_o <= piece_i.kill || bad;
      tx_tdest_o <= piece_i.vport;
      tx_hdr_o   <= piece_i.hdr;
      tx_len_o   <= piece_i.len;
    end else if (can_out && flush_q) begin
      // The bytes that did not fit into the last beat; the rest of the accumulator is clear.
      tx_tdata_o <= acc_q;
      tx_tlast_o <= 1'b1;
      for (int unsigned i = 0; i < Bytes; i++) tx_tkeep_o[i] <= (OffW + 1)'(i) < over_q;
    end
    if (step) begin
      left_q <= left - 11'(bytes);
      over_q <= (OffW + 1)'(sum - (OffW + 2)'(Bytes));
      if (emit) begin
        for (int unsigned i = 0; i < Bytes; i++) begin
          acc_q[i*8+:8] <= ((OffW + 2)'(i + Bytes) < sum) ? turned[i*8+:8] : 8'd0;
        end
      end else begin
        acc_q <= joined;
      end
    end
  end

  assign idle_o = !tx_tvalid_o && !piece_valid_i && !flush_q;

  `HP_ASSERT(Stable_A, !(tx_tvalid_o && !tx_tready_i) || !(step && emit))
  `HP_ASSERT(BytesInPiece_A, !step || bytes != '0)
endmodule
