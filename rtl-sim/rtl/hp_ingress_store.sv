// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Complete-frame store of one ingress. Frames come in over AXI4-Stream; only whole, good ones are seen
// at the output, with their length, and their beats then leave without gaps.
//
// Frames that are bad (`tuser` on the last beat, or a malformed `tkeep`), too long or too short die here.
// Each leaves a tombstone in its place: an entry without beats that says why. LOSSLESS stores hold
// the source back when they are full; the others always accept (`s_tready_o` = 1) and drop: a frame that
// does not fit leaves a `store-full` tombstone, and those (and any frame, good or bad) that find no room
// even for a tombstone, or arrive before such a merged one is written, share one with their number.
// A frame with several faults is, first match, bad, oversize, runt, store-full.
//
// Bytes that `tkeep` leaves out are zeroed. Latency: a one-beat frame entering an empty store in cycle t is
// at the output in t+2; a longer one 5 cycles after its last beat.

`include "hp_assert.svh"

module hp_ingress_store import hp_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8,
  parameter int unsigned BEATS = 512,
  parameter bit UPLINK = 1'b0,         // source is the uplink, not `s_tdest_i`; its tag length
  parameter bit LOSSLESS = 1'b1
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic [N_VF-1:0]     vswitch_mask_i,  // vPorts that may send one tag more

  input  logic                s_tvalid_i,
  output logic                s_tready_o,
  input  logic [DATA_W-1:0]   s_tdata_i,
  input  logic [DATA_W/8-1:0] s_tkeep_i,
  input  logic                s_tlast_i,
  input  logic                s_tuser_i,
  input  port_t               s_tdest_i,

  // Head of the store. `meta_o` stays until the pop of the beat with `eof_o`. A tombstone is one beat.
  output logic                valid_o,
  output frame_meta_t         meta_o,
  output logic [DATA_W-1:0]   data_o,
  output logic                eof_o,
  input  logic                pop_i,

  output logic                busy_o
);
  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned ByteW = $clog2(Bytes + 1);
  localparam len_t LenMax = '1;
  localparam len_t LimitPlain = len_t'(UPLINK ? MaxFrame + 8 : MaxFrame);
  localparam len_t LimitTagged = len_t'(UPLINK ? MaxFrame + 8 : MaxFrame + 4);
  localparam int unsigned LostW = 32;

  // Beat register: bytes counted and cleaned.
  logic              beat_valid_q, beat_ready, beat_last_q, beat_bad_q, beat_vswitch_q;
  logic [DATA_W-1:0] beat_data_q, data_clean;
  logic [ByteW-1:0]  beat_bytes_q, bytes;
  port_t             beat_src_q;
  logic [Bytes-1:0]  keep_end;
  logic              keep_broken, is_vswitch;

  // A good `tkeep` is ones, then zeros, and zeros only in the last beat.
  assign keep_end    = s_tkeep_i & ~(s_tkeep_i >> 1);
  assign keep_broken = !s_tkeep_i[0] || (|((s_tkeep_i >> 1) & ~s_tkeep_i)) ||
                       !(s_tlast_i || s_tkeep_i[Bytes-1]);

  always_comb begin
    bytes = '0;
    for (int unsigned i = 0; i < Bytes; i++) begin
      if (keep_end[i]) bytes = bytes | ByteW'(i + 1);
    end
  end

  for (genvar i = 0; i < Bytes; i++) begin : gen_clean
    assign data_clean[8*i +: 8] = s_tkeep_i[i] ? s_tdata_i[8*i +: 8] : 8'h0;
  end

  always_comb begin
    is_vswitch = 1'b0;
    for (int unsigned i = 0; i < N_VF; i++) begin
      if (s_tdest_i == port_t'(i)) is_vswitch = vswitch_mask_i[i];
    end
  end

  assign s_tready_o = !LOSSLESS || !beat_valid_q || beat_ready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_valid_q <= 1'b0;
    end else if (s_tready_o) begin
      beat_valid_q <= s_tvalid_i;
    end
    if (s_tready_o && s_tvalid_i) begin
      beat_data_q    <= data_clean;
      beat_bytes_q   <= bytes;
      beat_last_q    <= s_tlast_i;
      beat_bad_q     <= keep_broken || (s_tlast_i && s_tuser_i);
      beat_src_q     <= UPLINK ? PortUplink : s_tdest_i;
      beat_vswitch_q <= is_vswitch;
    end
  end

  // The frame so far. Beside its length stand the bytes it may still have and those it still needs,
  // so that a verdict is one comparison with the beat.
  len_t frame_len_q, frame_len, limit, allowed_q;
  logic [5:0] needed_q;
  logic frame_sof_q, frame_bad_q, frame_over_q, frame_lost_q;
  logic bad, over, runt, lost, dead, dying, take, last;
  logic data_full, meta_full, merge, room;
  logic [14:0] len_sum;

  assign limit     = beat_vswitch_q ? LimitTagged : LimitPlain;
  assign len_sum   = {1'b0, frame_sof_q ? len_t'(0) : frame_len_q} + 15'(beat_bytes_q);
  assign frame_len = len_sum[14] ? LenMax : len_sum[13:0];
  assign bad       = frame_bad_q || beat_bad_q;
  assign over      = frame_over_q || (!frame_sof_q && len_t'(beat_bytes_q) > allowed_q);
  assign runt      = 14'(beat_bytes_q) < 14'(needed_q);
  assign lost      = frame_lost_q || (data_full && !over);
  assign dead      = bad || over || (runt && beat_last_q) || lost;
  assign dying     = frame_bad_q || frame_over_q || frame_lost_q;  // dead by an earlier beat

  // A lossless store waits for room: for a beat, and for the entry of the frame.
  assign room       = (!data_full || frame_bad_q || frame_over_q) && (!meta_full || !beat_last_q);
  assign beat_ready = !LOSSLESS || room;
  assign take       = beat_valid_q && beat_ready;
  assign last       = take && beat_last_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      frame_sof_q  <= 1'b1;
      frame_bad_q  <= 1'b0;
      frame_over_q <= 1'b0;
      frame_lost_q <= 1'b0;
      needed_q     <= 6'(MinFrame);
    end else if (take) begin
      frame_sof_q  <= beat_last_q;
      frame_bad_q  <= bad && !beat_last_q;
      frame_over_q <= over && !beat_last_q;
      frame_lost_q <= lost && !LOSSLESS && !beat_last_q;
      if (beat_last_q) needed_q <= 6'(MinFrame);
      else needed_q <= runt ? needed_q - 6'(beat_bytes_q) : '0;
    end
    if (take) begin
      frame_len_q <= frame_len;
      allowed_q   <= (frame_sof_q ? limit : allowed_q) - len_t'(beat_bytes_q);
    end
  end

  // Merged tombstone: frames that left no entry of their own yet. Their number is written in pieces
  // of 2^15, then the rest, each with the frame that joins meanwhile.
  logic [LostW-1:0] merged_q;
  logic             merged_any_q, merged_big, merged_put;
  logic [15:0]      merged_chunk;

  assign merge        = !LOSSLESS && last && (meta_full || merged_any_q);
  assign merged_put   = !LOSSLESS && merged_any_q && !meta_full;
  assign merged_big   = |merged_q[LostW-1:15];
  assign merged_chunk = merged_big ? {1'b1, 14'd0, merge} : {1'b0, merged_q[14:0]} + 16'(merge);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      merged_q     <= '0;
      merged_any_q <= 1'b0;
    end else if (merged_put) begin
      merged_q[LostW-1:15] <= merged_big ? merged_q[LostW-1:15] - 1'b1 : '0;
      if (!merged_big) merged_q[14:0] <= '0;
      merged_any_q <= merged_big && (merged_q[LostW-1:15] != (LostW-15)'(1) ||
                                     merged_q[14:0] != '0);
    end else if (merge) begin
      if (merged_q != '1) merged_q <= merged_q + 1'b1;
      merged_any_q <= 1'b1;
    end
  end

  typedef struct packed {
    port_t       src;
    logic        tomb;
    reason_t     reason;
    logic [15:0] count;
    len_t        len;
  } entry_t;

  entry_t entry_in, entry_out;
  logic   entry_push, entry_valid, entry_pop;

  always_comb begin
    entry_in.src    = UPLINK ? PortUplink : beat_src_q;
    entry_in.tomb   = dead;
    if (!dead)     entry_in.reason = '0;
    else if (bad)  entry_in.reason = hp_abi_pkg::RSN_BAD_FRAME;
    else if (over) entry_in.reason = hp_abi_pkg::RSN_OVERSIZE;
    else if (runt) entry_in.reason = hp_abi_pkg::RSN_RUNT;
    else           entry_in.reason = hp_abi_pkg::RSN_STORE_FULL;
    entry_in.count  = 16'd1;
    entry_in.len    = frame_len;
    if (merged_put) begin
      entry_in.tomb   = 1'b1;
      entry_in.reason = hp_abi_pkg::RSN_STORE_FULL;
      entry_in.count  = merged_chunk;
      entry_in.len    = '0;
    end
  end

  assign entry_push = merged_put || (last && !merge);

  logic [$clog2(BEATS):0] data_count, entry_count;
  logic                   data_valid, data_eof, data_push, data_pop;

  // Speculation ends with the frame. The beats after the one that killed it are not pushed.
  assign data_push = take && !dying && !data_full;

  hp_spec_fifo #(
    .WIDTH(DATA_W + 1),
    .DEPTH(BEATS)
  ) u_data (
    .clk_i,
    .rst_ni,
    .push_i    (data_push),
    .data_i    ({beat_last_q, beat_data_q}),
    .commit_i  (last && !dead && !merge),
    .rollback_i(last && (dead || merge)),
    .full_o    (data_full),
    .pop_i     (data_pop),
    .valid_o   (data_valid),
    .data_o    ({data_eof, data_o}),
    .count_o   (data_count)
  );

  hp_deep_fifo #(
    .WIDTH($bits(entry_t)),
    .DEPTH(BEATS)
  ) u_meta (
    .clk_i,
    .rst_ni,
    .push_i (entry_push),
    .data_i (entry_in),
    .full_o (meta_full),
    .pop_i  (entry_pop),
    .valid_o(entry_valid),
    .data_o (entry_out),
    .count_o(entry_count)
  );

  assign valid_o   = entry_valid && (entry_out.tomb || data_valid);
  assign eof_o     = entry_out.tomb || data_eof;
  assign data_pop  = pop_i && !entry_out.tomb;
  assign entry_pop = pop_i && eof_o;
  assign busy_o    = beat_valid_q || !frame_sof_q || data_count != '0 || entry_count != '0 ||
                     merged_any_q;

  always_comb begin
    meta_o             = '0;
    meta_o.src         = entry_out.src;
    meta_o.tomb        = entry_out.tomb;
    meta_o.tomb_reason = entry_out.reason;
    meta_o.count       = entry_out.count;
    meta_o.len         = entry_out.len;
  end

  `HP_ASSERT_INIT(DataWidth_A, DATA_W >= 64 && DATA_W % 8 == 0)
  `HP_ASSERT_INIT(HoldsOneFrame_A, BEATS * Bytes >= MaxFrame + 8)
  `HP_ASSERT(PopValid_A, !pop_i || valid_o)
endmodule
