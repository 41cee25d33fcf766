// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Checksum offload of frames to send (VIRTIO_NET_F_CSUM). Frames of queues whose driver accepted it
// come with their virtio_net_hdr, which is cut off here. With NEEDS_CSUM the checksum from
// csum_start to the end is written at csum_start + csum_offset. A frame in which there is no such
// place, or that is to be segmented (gso_type, which we never offer), ends as a bad one and is told
// (`refused`).
//
// Everything stays in order. A frame to be summed waits in a RAM until its sum is there, and leaves
// 7 clocks after its last beat at the earliest; others go through it as they come, a beat within 3
// clocks. One beat per clock. Waits for the stream, and for the taker of the frame that was refused
// before.

`include "hp_assert.svh"

module hp_vq_tx_csum import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  localparam int unsigned Bytes = DATA_W / 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              s_tvalid_i,
  output logic              s_tready_o,
  input  logic [DATA_W-1:0] s_tdata_i,      // zeros behind the end
  input  logic [Bytes-1:0]  s_tkeep_i,
  input  logic              s_tlast_i,
  input  logic              s_tuser_i,
  input  port_t             s_tdest_i,
  input  logic              s_hdr_i,        // the frame begins with its header
  input  bytes_t            s_len_i,        // of the frame, without header and padding

  output logic              m_tvalid_o,
  input  logic              m_tready_i,
  output logic [DATA_W-1:0] m_tdata_o,
  output logic [Bytes-1:0]  m_tkeep_o,
  output logic              m_tlast_o,
  output logic              m_tuser_o,
  output port_t             m_tdest_o,

  output logic              refused_valid_o,
  input  logic              refused_ready_i,
  output port_t             refused_vport_o,
  output logic              idle_o
);
  localparam int unsigned OffW  = $clog2(Bytes);
  localparam int unsigned Rest  = Bytes - VirtioHdr;
  localparam int unsigned Beats = 2 ** $clog2((MaxPacket + Bytes - 1) / Bytes);
  localparam int unsigned Sums  = 16;       // frames to be summed in the RAM
  localparam int unsigned SumW  = $clog2(Sums + 1);

  typedef logic [OffW:0] count_t;           // bytes of a beat

  typedef struct packed {
    logic              patch;
    logic              last;
    logic              bad;
    port_t             vport;
    count_t            bytes;
    logic [DATA_W-1:0] data;
  } entry_t;

  // ---- the beat that is held, and what its frame's header says ----

  logic              hold_q, hdr_q, hold_last_q, hold_bad_q, first_q, s_first_q;
  logic              patch_q, refuse_q, load, push, merged, full, turn;
  logic [DATA_W-1:0] data_q;
  count_t            bytes_q, s_bytes;
  port_t             vport_q;
  bytes_t            pos_q;
  logic              odd_q;
  logic [15:0]       skip_q;                // bytes before those that are summed
  logic [SumW-1:0]   sums_q;
  entry_t            cut, head;
  logic              sums_full, told, out_pop, out_valid, sum_pop;
  logic [$clog2(Beats):0] level;

  logic              needs, refuse;
  logic [15:0]       start, offset;
  logic [16:0]       place;

  assign start  = s_tdata_i[6*8+:16];
  assign offset = s_tdata_i[8*8+:16];
  assign place  = 17'(start) + 17'(offset);
  assign needs  = s_hdr_i && s_tdata_i[0];
  assign refuse = s_hdr_i && (s_tdata_i[15:8] != '0 ||
                              (s_tdata_i[0] && 18'(place) + 18'd2 > 18'(s_len_i)));

  always_comb begin
    s_bytes = '0;
    for (int unsigned i = 0; i < Bytes; i++) begin
      if (s_tkeep_i[i] && (i == Bytes - 1 || !s_tkeep_i[(i+1)%Bytes])) s_bytes = count_t'(i + 1);
    end
  end

  // ---- without the header: the beat's rest, and the beginning of the next one ----

  assign turn   = hdr_q && !hold_last_q;    // the next one is needed
  assign merged = turn && s_tlast_i && s_bytes <= count_t'(VirtioHdr);

  always_comb begin
    cut       = '0;
    cut.patch = patch_q;
    cut.vport = vport_q;
    cut.last  = hold_last_q || merged;
    cut.bad   = hold_last_q ? hold_bad_q : (merged && s_tuser_i);
    cut.bad   = cut.last && (cut.bad || refuse_q);
    cut.data  = data_q;
    cut.bytes = bytes_q;
    if (hdr_q) begin
      cut.data  = {turn ? s_tdata_i[VirtioHdr*8-1:0] : {VirtioHdr{8'd0}},
                   data_q[DATA_W-1:VirtioHdr*8]};
      cut.bytes = hold_last_q ? bytes_q - count_t'(VirtioHdr) :
                  merged ? count_t'(Rest) + s_bytes : count_t'(Bytes);
    end
  end

  assign sums_full = first_q && patch_q && sums_q == SumW'(Sums);
  assign told      = refuse_q && cut.last && !(hold_last_q ? hold_bad_q : s_tuser_i);
  assign push      = hold_q && (!turn || s_tvalid_i) && !full && !sums_full &&
                     !(told && refused_valid_o);
  assign s_tready_o = !hold_q || push;
  assign load       = s_tvalid_i && s_tready_o && !(hold_q && merged);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      hold_q          <= 1'b0;
      s_first_q       <= 1'b1;
      sums_q          <= '0;
      refused_valid_o <= 1'b0;
    end else begin
      if (load) hold_q <= 1'b1;
      else if (push) hold_q <= 1'b0;
      if (s_tvalid_i && s_tready_o) s_first_q <= s_tlast_i;
      sums_q <= sums_q + SumW'(push && first_q && patch_q) - SumW'(sum_pop);
      if (push && told) refused_valid_o <= 1'b1;
      else if (refused_ready_i) refused_valid_o <= 1'b0;
    end
    if (push && told) refused_vport_o <= vport_q;
    if (push) skip_q <= (skip_q > 16'(Bytes)) ? skip_q - 16'(Bytes) : '0;
    if (load) begin
      data_q      <= s_tdata_i;
      bytes_q     <= s_bytes;
      hold_last_q <= s_tlast_i;
      hold_bad_q  <= s_tuser_i;
      first_q     <= s_first_q;
      if (s_first_q) begin
        hdr_q    <= s_hdr_i;
        vport_q  <= s_tdest_i;
        patch_q  <= needs && !refuse;
        refuse_q <= refuse;
        skip_q   <= start;
        odd_q    <= start[0];
        pos_q    <= bytes_t'(place);
      end
    end
  end

  // ---- the sum ----

  logic [DATA_W-1:0] counted;
  logic              sum_done, sum_valid, sums_bad;
  logic [15:0]       done_csum, csum;
  bytes_t            done_pos, pos;
  logic [SumW-1:0]   sums_level;

  always_comb begin
    for (int unsigned i = 0; i < Bytes; i++) begin
      counted[i*8+:8] = (16'(i) >= skip_q) ? cut.data[i*8+:8] : 8'd0;
    end
  end

  hp_csum #(.DATA_W(DATA_W), .TAG_W($bits(bytes_t))) u_csum (
    .clk_i, .rst_ni, .valid_i(push && patch_q), .first_i(first_q), .last_i(cut.last),
    .data_i(counted), .odd_i(odd_q), .tag_i(pos_q),
    .valid_o(sum_done), .csum_o(done_csum), .tag_o(done_pos)
  );

  hp_fifo #(.WIDTH(16 + $bits(bytes_t)), .DEPTH(Sums)) u_sums (
    .clk_i, .rst_ni, .push_i(sum_done), .data_i({done_csum, done_pos}), .full_o(sums_bad),
    .pop_i(sum_pop), .valid_o(sum_valid), .data_o({csum, pos}), .count_o(sums_level)
  );

  // ---- out: a frame to be patched when its sum is there ----

  hp_deep_fifo #(.WIDTH($bits(entry_t)), .DEPTH(Beats)) u_store (
    .clk_i, .rst_ni, .push_i(push), .data_i(cut), .full_o(full),
    .pop_i(out_pop), .valid_o(out_valid), .data_o(head), .count_o(level)
  );

  bytes_t            at_q, next;            // of the beat; of the checksum's second byte
  logic [DATA_W-1:0] patched;

  assign out_pop = out_valid && (!head.patch || sum_valid) && (!m_tvalid_o || m_tready_i);
  assign sum_pop = out_pop && head.patch && head.last;
  assign next    = pos + bytes_t'(1);

  always_comb begin
    patched = head.data;
    for (int unsigned i = 0; i < Bytes; i++) begin
      if (head.patch && at_q[$bits(bytes_t)-1:OffW] == pos[$bits(bytes_t)-1:OffW] &&
          pos[OffW-1:0] == OffW'(i)) patched[i*8+:8] = csum[15:8];
      if (head.patch && at_q[$bits(bytes_t)-1:OffW] == next[$bits(bytes_t)-1:OffW] &&
          next[OffW-1:0] == OffW'(i)) patched[i*8+:8] = csum[7:0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      m_tvalid_o <= 1'b0;
      at_q       <= '0;
    end else begin
      if (out_pop) m_tvalid_o <= 1'b1;
      else if (m_tready_i) m_tvalid_o <= 1'b0;
      if (out_pop) at_q <= head.last ? '0 : at_q + bytes_t'(Bytes);
    end
    if (out_pop) begin
      m_tdata_o <= patched;
      m_tlast_o <= head.last;
      m_tuser_o <= head.bad;
      m_tdest_o <= head.vport;
      for (int unsigned i = 0; i < Bytes; i++) m_tkeep_o[i] <= count_t'(i) < head.bytes;
    end
  end

  assign idle_o = !s_tvalid_i && !hold_q && level == '0 && !m_tvalid_o && !refused_valid_o;

  logic unused_level;
  assign unused_level = ^sums_level;

  `HP_ASSERT_INIT(Shape_A, Bytes > VirtioHdr && Beats * Bytes >= MaxPacket)
  `HP_ASSERT(SumsFit_A, !(sum_done && sums_bad))
  `HP_ASSERT(FrameFits_A, !push || first_q || 32'(level) < Beats)
  `HP_ASSERT(HeaderWhole_A, !(load && s_first_q && s_hdr_i) || s_bytes >= count_t'(VirtioHdr))
  `HP_ASSERT(SomeBytes_A, !push || cut.bytes != '0)
endmodule
