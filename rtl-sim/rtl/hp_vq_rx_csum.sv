// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Checksums of received frames (VIRTIO_NET_F_GUEST_CSUM): `m_good_o` of a frame says that the checksum
// that hp_rx_l4 found in it was verified, for queues whose driver accepted that. The frame itself is
// not changed, right or wrong.
//
// Everything stays in order. A frame to be verified waits in a RAM for its end and leaves 7 clocks
// after it at the earliest; others go through the RAM as they come, a beat within 2 clocks. One beat
// per clock. Waits for the stream only.

`include "hp_assert.svh"

module hp_vq_rx_csum import hp_pkg::*, hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_QP = 32,
  localparam int unsigned Bytes = DATA_W / 8,
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic [N_QP-1:0]   csum_i,

  input  logic              s_tvalid_i,
  output logic              s_tready_o,
  input  logic [DATA_W-1:0] s_tdata_i,
  input  logic              s_tlast_i,
  input  port_t             s_tdest_i,
  input  len_t              s_len_i,         // this and the next two: of the frame, from its first beat on
  input  qp_t               s_qp_i,
  input  l4_sum_t           s_sum_i,

  output logic              m_tvalid_o,
  input  logic              m_tready_i,
  output logic [DATA_W-1:0] m_tdata_o,
  output logic              m_tlast_o,
  output port_t             m_tdest_o,
  output len_t              m_len_o,
  output qp_t               m_qp_o,
  output logic              m_good_o,
  output logic              idle_o
);
  localparam int unsigned Beats = 2 ** $clog2((MaxPacket + Bytes - 1) / Bytes);
  localparam int unsigned Sums  = 16;        // frames to be verified in the RAM
  localparam int unsigned SumW  = $clog2(Sums + 1);

  typedef struct packed {
    logic              check;
    logic              last;
    port_t             dest;
    len_t              len;
    qp_t               qp;
    logic [DATA_W-1:0] data;
  } entry_t;

  entry_t                 in, head;
  logic                   first_q, check_q, check, push, pop, full, good, good_valid, sum_done, sum_pop;
  logic [SumW-1:0]        sums_q, level_sums;
  logic [$clog2(Beats):0] level;
  len_t                   at_q;              // of the beat
  logic [DATA_W-1:0]      counted;
  logic [15:0]            done_csum, done_want;
  logic                   goods_full, stored;

  // ---- in ----

  assign check      = first_q ? s_sum_i.check && 32'(s_qp_i) < N_QP && csum_i[s_qp_i[QW-1:0]] : check_q;
  assign s_tready_o = !full && !(first_q && check && sums_q == SumW'(Sums));
  assign push       = s_tvalid_i && s_tready_o;
  assign in         = '{
    check: check, last: s_tlast_i, dest: s_tdest_i, len: s_len_i, qp: s_qp_i, data: s_tdata_i
  };

  always_comb begin
    for (int unsigned i = 0; i < Bytes; i++) begin
      counted[i*8+:8] = (at_q + len_t'(i) >= len_t'(s_sum_i.first) && at_q + len_t'(i) < s_sum_i.past)
                        ? s_tdata_i[i*8+:8] : 8'd0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      first_q <= 1'b1;
      at_q    <= '0;
      sums_q  <= '0;
    end else begin
      if (push) first_q <= s_tlast_i;
      if (push) at_q <= s_tlast_i ? '0 : at_q + len_t'(Bytes);
      sums_q <= sums_q + SumW'(push && first_q && check) - SumW'(sum_pop);
    end
    if (push) check_q <= check;
  end

  // With what is added in the pseudo header a right sum is zero: the checksum of the rest is that.
  hp_csum #(.DATA_W(DATA_W), .TAG_W(16)) u_csum (
    .clk_i, .rst_ni, .valid_i(push && check), .first_i(first_q), .last_i(s_tlast_i),
    .data_i(counted), .odd_i(1'b0), .tag_i(s_sum_i.want),
    .valid_o(sum_done), .csum_o(done_csum), .tag_o(done_want)
  );

  hp_fifo #(.WIDTH(1), .DEPTH(Sums)) u_goods (
    .clk_i, .rst_ni, .push_i(sum_done), .data_i(done_csum == done_want), .full_o(goods_full),
    .pop_i(sum_pop), .valid_o(good_valid), .data_o(good), .count_o(level_sums)
  );

  // ---- out ----

  hp_deep_fifo #(.WIDTH($bits(entry_t)), .DEPTH(Beats)) u_store (
    .clk_i, .rst_ni, .push_i(push), .data_i(in), .full_o(full),
    .pop_i(pop), .valid_o(stored), .data_o(head), .count_o(level)
  );

  assign m_tvalid_o = stored && (!head.check || good_valid);
  assign pop        = m_tvalid_o && m_tready_i;
  assign sum_pop    = pop && head.check && head.last;
  assign m_tdata_o  = head.data;
  assign m_tlast_o  = head.last;
  assign m_tdest_o  = head.dest;
  assign m_len_o    = head.len;
  assign m_qp_o     = head.qp;
  assign m_good_o   = head.check && good;
  assign idle_o     = !s_tvalid_i && level == '0;

  logic unused;
  assign unused = ^level_sums;

  `HP_ASSERT_INIT(Shape_A, Beats * Bytes >= MaxPacket)
  `HP_ASSERT(SumsFit_A, !(sum_done && goods_full))
  `HP_ASSERT(FrameFits_A, !push || first_q || 32'(level) < Beats)
endmodule
