// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Asks for the payload of granted chains, in the order of the grants, in pieces that stay in a page
// and have room in the payload FIFO: with the virtio_net_hdr if the queue's driver accepted CSUM,
// else without. What is to be made of the answers goes ahead in `piece_o`.
//
// The slot is free when the last piece was asked for. A chain of a queue that is not `ok` any more
// is not read: its grant is answered with a bad frame. About 4 clocks per chain, 2 more per
// descriptor, 1 per further piece; waits for room in the FIFOs and for the bus.

`include "hp_assert.svh"

module hp_vq_tx_req import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  parameter int unsigned SEGS = 32,
  parameter int unsigned BEATS = 256,                // of the payload FIFO
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1,
  localparam int unsigned VW = (N_VF > 1) ? $clog2(N_VF) : 1,
  localparam int unsigned EW = $clog2(SEGS)
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,

  input  logic [N_QP-1:0]         ok_i,
  input  logic [N_QP-1:0][VW-1:0] vf_i,
  input  logic [N_QP-1:0]         csum_i,

  input  logic                    bound_valid_i,
  output logic                    bound_pop_o,
  input  logic                    bound_marker_i,
  input  logic [QW-1:0]           bound_q_i,
  input  logic [EW-1:0]           bound_slot_i,

  output logic                    chain_re_o,
  output logic [QW+EW-1:0]        chain_addr_o,
  input  chain_t                  chain_i,
  output logic                    seg_re_o,
  output logic [QW+EW-1:0]        seg_addr_o,
  input  seg_t                    seg_i,
  output logic                    free_valid_o,
  input  logic                    free_ready_i,
  output logic [QW-1:0]           free_q_o,

  output logic                    read_valid_o,
  input  logic                    read_ready_i,
  output data_read_t              read_o,
  input  logic                    beat_pop_i,         // a beat has left the payload FIFO

  output logic                    piece_valid_o,
  input  logic                    piece_pop_i,
  output piece_t                  piece_o,
  output logic                    idle_o
);
  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned OffW = $clog2(Bytes);
  localparam int unsigned BeatW = $clog2(BEATS + 1);

  typedef enum logic [2:0] { StIdle, StLoad, StSeg, StPiece, StPad, StFree } state_e;

  state_e          state_q;
  logic            wait_q;
  chain_t          chain_q;
  logic [4:0]      seg_n_q;                           // descriptors begun
  logic [3:0]      skip_q, skip;                      // bytes of the header that are not read
  logic [63:0]     addr_q;
  bytes_t          left_q;
  bytes_t          frame;
  logic [12:0]     page;
  logic [10:0]     bytes;
  logic [BeatW-1:0] room_q, beats;
  logic            hdr_q;
  logic            fits, ask, last_bytes, pad, piece_full, push, kill, marker, last_seg;
  logic [QW-1:0]   q_q;
  logic [EW-1:0]   slot_q;
  piece_t          piece;

  assign kill   = bound_valid_i && !bound_marker_i && !ok_i[bound_q_i];
  assign marker = bound_valid_i && bound_marker_i;
  assign frame  = chain_q.total - bytes_t'(VirtioHdr);
  assign pad    = frame < bytes_t'(MinFrame);

  // ---- the piece ----

  assign page       = 13'd4096 - 13'(addr_q[11:0]);
  always_comb begin
    bytes = 11'(MaxPiece);
    if (left_q < bytes_t'(bytes)) bytes = 11'(left_q);
    if (page < 13'(bytes)) bytes = 11'(page);
  end
  assign beats      = BeatW'((12'(bytes) + 12'(addr_q[OffW-1:0]) + 12'(Bytes - 1)) >> OffW);
  assign fits       = beats <= room_q;
  assign last_bytes = bytes_t'(bytes) == left_q;
  assign last_seg   = seg_n_q == chain_q.last;
  assign read_valid_o = state_q == StPiece && fits && !piece_full;
  assign read_o     = '{fn: fn_t'(vf_i[q_q]) + 8'd1, addr: addr_q, len: bytes};
  assign ask        = read_valid_o && read_ready_i;

  assign skip = (bytes_t'(skip_q) > seg_i.len) ? 4'(seg_i.len) : skip_q;

  // A killed chain has its slot free at once.
  always_comb begin
    push         = 1'b0;
    piece        = '0;
    piece.q      = 8'({q_q, 1'b1});
    piece.vport  = port_t'(vf_i[q_q]);
    piece.head   = chain_q.head;
    piece.hdr    = hdr_q;
    piece.len    = frame;
    unique case (state_q)
      StIdle: begin
        push         = (marker || (kill && free_ready_i)) && !piece_full;
        piece.marker = marker;
        piece.kill   = kill;
        piece.hdr    = 1'b0;
        piece.last   = 1'b1;
        piece.q      = 8'({bound_q_i, 1'b1});
        piece.vport  = port_t'(vf_i[bound_q_i]);
      end
      StPiece: begin
        push        = ask;
        piece.last  = last_bytes && last_seg && !pad;
        piece.off   = 6'(addr_q[OffW-1:0]);
        piece.bytes = bytes;
      end
      StPad: begin
        push        = !piece_full;
        piece.zeros = 1'b1;
        piece.last  = 1'b1;
        piece.bytes = 11'(bytes_t'(MinFrame) - frame);
      end
      default: ;
    endcase
  end

  assign bound_pop_o  = state_q == StIdle && bound_valid_i &&
                        ((marker || kill) ? push : 1'b1);
  assign chain_re_o   = state_q == StIdle;
  assign chain_addr_o = {bound_q_i, bound_slot_i};
  assign seg_re_o     = state_q == StIdle || (state_q == StSeg && wait_q == '0 && !last_seg);
  assign seg_addr_o   = (state_q == StIdle) ? {bound_q_i, bound_slot_i}
                                            : {q_q, slot_q + EW'(seg_n_q) + EW'(1)};
  assign free_valid_o = (state_q == StFree) || (state_q == StIdle && kill && !piece_full);
  assign free_q_o     = (state_q == StFree) ? q_q : bound_q_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      room_q  <= BeatW'(BEATS);
    end else begin
      room_q <= room_q + BeatW'(beat_pop_i) - (ask ? beats : '0);
      unique case (state_q)
        StIdle: if (bound_valid_i && !marker && !kill) state_q <= StLoad;
        StLoad: if (wait_q == '0) state_q <= StSeg;
        StSeg: begin
          if (wait_q == '0 && seg_i.len != bytes_t'(skip)) state_q <= StPiece;
        end
        StPiece: begin
          if (ask && last_bytes) state_q <= !last_seg ? StSeg : pad ? StPad : StFree;
        end
        StPad: if (!piece_full) state_q <= StFree;
        default: if (free_ready_i) state_q <= StIdle;
      endcase
    end
    if (state_q == StIdle) begin
      q_q     <= bound_q_i;
      slot_q  <= bound_slot_i;
      hdr_q   <= csum_i[bound_q_i];
      skip_q  <= csum_i[bound_q_i] ? '0 : 4'(VirtioHdr);
      seg_n_q <= '0;
      wait_q  <= 1'b1;
    end else if (wait_q != '0) begin
      wait_q  <= 1'b0;
    end else if (state_q == StLoad) begin
      chain_q <= chain_i;
    end
    if (state_q == StSeg && wait_q == '0) begin
      addr_q <= seg_i.addr + 64'(skip);
      left_q <= seg_i.len - bytes_t'(skip);
      skip_q <= skip_q - skip;
      wait_q <= 1'b1;
      if (seg_i.len == bytes_t'(skip)) seg_n_q <= seg_n_q + 1'b1;
    end
    if (ask) begin
      addr_q  <= addr_q + 64'(bytes);
      left_q  <= left_q - bytes_t'(bytes);
      if (last_bytes && !last_seg) seg_n_q <= seg_n_q + 1'b1;
    end
  end

  hp_vq_fifo #(.WIDTH($bits(piece_t)), .DEPTH(32)) u_piece (
    .clk_i, .rst_ni, .push_i(push), .data_i(piece), .full_o(piece_full),
    .pop_i(piece_pop_i), .valid_o(piece_valid_o), .data_o(piece_o)
  );

  assign idle_o = state_q == StIdle && !bound_valid_i && !piece_valid_o;

  `HP_ASSERT_INIT(Beats_A, BEATS * Bytes >= MaxPiece + Bytes)
  `HP_ASSERT(RoomBound_A, 32'(room_q) <= BEATS)
  `HP_ASSERT(WholeFrame_A, state_q != StSeg || seg_n_q <= chain_q.last)
endmodule
