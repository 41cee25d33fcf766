// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Reads of host memory: words of up to 16 bytes for N_WORD users in turn, and payload. One AXI ID:
// data come back in the order of the requests, and a FIFO of what is under way says whose they
// are.
//
// R is never held back. Who asks for a word has room for it, and gets it as a pulse; the page and
// beat borders within it are dealt with here. Payload comes as beats, as they are on the bus; who
// asks has room for all of them. Latency: a request is on AR one clock after it was taken, data
// are handed on two clocks after R. A request waits (ready low) for AR and for the FIFO only.

`include "hp_assert.svh"

module hp_dma_rd import hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_WORD = 3,
  parameter int unsigned UNDER_WAY = 128
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  input  logic       [N_WORD-1:0]  word_valid_i,
  output logic       [N_WORD-1:0]  word_ready_o,
  input  word_read_t [N_WORD-1:0]  word_i,
  output logic       [N_WORD-1:0]  word_valid_o,
  output logic       [127:0]       word_data_o,
  output logic                     word_err_o,

  input  logic                     data_valid_i,
  output logic                     data_ready_o,
  input  data_read_t               data_i,
  output logic                     beat_valid_o,
  output logic       [DATA_W-1:0]  beat_data_o,
  output logic                     beat_err_o,

  output logic                     m_axi_arvalid_o,
  input  logic                     m_axi_arready_i,
  output logic       [63:0]        m_axi_araddr_o,
  output logic       [7:0]         m_axi_arlen_o,
  output dma_user_t                m_axi_aruser_o,
  input  logic                     m_axi_rvalid_i,
  output logic                     m_axi_rready_o,
  input  logic       [DATA_W-1:0]  m_axi_rdata_i,
  input  logic       [1:0]         m_axi_rresp_i,
  input  logic                     m_axi_rlast_i,

  output logic                     idle_o
);
  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned OffW = $clog2(Bytes);
  localparam int unsigned N = N_WORD + 1;              // the last one: payload
  localparam int unsigned IdxW = $clog2(N);
  localparam int unsigned WayW = IdxW + OffW + 5 + 1;

  typedef struct packed {
    logic [IdxW-1:0] who;
    logic [OffW-1:0] off;      // of the first byte in the first beat
    logic [4:0]      pos;      // and in the word
    logic            part;     // the rest of the word follows, from the next page
  } way_t;

  logic [N-1:0]    req;
  logic [IdxW-1:0] who;
  logic            some, free, take, crosses, rest_q;
  fn_t             fn, rest_fn_q;
  logic [63:0]     addr, rest_addr_q;
  logic [12:0]     len, first, ask;
  logic [4:0]      rest_len_q, rest_pos_q;
  logic [IdxW-1:0] rest_who_q;
  logic [12:0]     span;
  way_t            way, way_out;
  logic            way_full, way_valid, way_pop;

  // ---- requests ----

  assign req  = {data_valid_i, word_valid_i};
  assign free = (!m_axi_arvalid_o || m_axi_arready_i) && !way_full;
  assign take = some && free && !rest_q;

  hp_vq_pick #(.N(N)) u_pick (
    .clk_i, .rst_ni, .req_i(req), .take_i(take), .valid_o(some), .idx_o(who)
  );

  always_comb begin
    fn   = data_i.fn;
    addr = data_i.addr;
    len  = 13'(data_i.len);
    for (int unsigned i = 0; i < N_WORD; i++) begin
      if (who == IdxW'(i)) begin
        fn   = word_i[i].fn;
        addr = word_i[i].addr;
        len  = 13'(word_i[i].len);
      end
    end
    first   = 13'd4096 - 13'(addr[11:0]);
    crosses = len > first;
    ask     = crosses ? first : len;
    way     = '{who: who, off: addr[OffW-1:0], pos: '0, part: crosses};
    if (rest_q) begin
      fn   = rest_fn_q;
      addr = rest_addr_q;
      ask  = 13'(rest_len_q);
      way  = '{who: rest_who_q, off: '0, pos: rest_pos_q, part: 1'b0};
    end
    span = ask + 13'(addr[OffW-1:0]) - 13'd1;
  end

  always_comb begin
    for (int unsigned i = 0; i < N_WORD; i++) word_ready_o[i] = take && who == IdxW'(i);
    data_ready_o = take && who == IdxW'(N_WORD);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      m_axi_arvalid_o <= 1'b0;
      rest_q          <= 1'b0;
    end else begin
      if (free) begin
        m_axi_arvalid_o <= some || rest_q;
        rest_q          <= take && crosses;
      end else if (m_axi_arready_i) begin
        m_axi_arvalid_o <= 1'b0;
      end
    end
    if (free && (some || rest_q)) begin
      m_axi_araddr_o <= addr;
      m_axi_arlen_o  <= 8'(span >> OffW);
      m_axi_aruser_o <= '{len: ask, fn: fn};
      rest_fn_q      <= fn;
      rest_addr_q    <= {addr[63:12] + 52'd1, 12'd0};
      rest_len_q     <= 5'(len - first);
      rest_pos_q     <= 5'(first);
      rest_who_q     <= who;
    end
  end

  hp_vq_fifo #(.WIDTH(WayW), .DEPTH(UNDER_WAY)) u_way (
    .clk_i, .rst_ni,
    .push_i(free && (some || rest_q)), .data_i(way), .full_o(way_full),
    .pop_i(way_pop), .valid_o(way_valid), .data_o(way_out)
  );

  // ---- data: R into a register, then to its owner ----

  logic              r_valid_q, r_err_q, r_last_q;
  logic [DATA_W-1:0] r_data_q;
  logic              inside_q, err_q, err;
  logic [OffW-1:0]   off;
  logic [4:0]        pos, pos_q;
  logic [127:0]      shifted, placed, word_q, word;
  logic              mine;

  assign m_axi_rready_o = 1'b1;
  assign way_pop        = r_valid_q && r_last_q;
  assign off            = inside_q ? '0 : way_out.off;
  assign pos            = inside_q ? pos_q : way_out.pos;
  assign mine           = way_out.who != IdxW'(N_WORD);
  assign err            = r_err_q || ((inside_q || way_out.pos != '0) && err_q);
  assign shifted        = 128'(r_data_q >> {off, 3'b000});
  assign placed         = shifted << {pos, 3'b000};

  always_comb begin
    for (int unsigned i = 0; i < 16; i++) begin
      word[i*8+:8] = (5'(i) >= pos) ? placed[i*8+:8] : word_q[i*8+:8];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      r_valid_q    <= 1'b0;
      inside_q     <= 1'b0;
      word_valid_o <= '0;
      beat_valid_o <= 1'b0;
    end else begin
      r_valid_q    <= m_axi_rvalid_i;
      word_valid_o <= '0;
      beat_valid_o <= r_valid_q && !mine;
      if (r_valid_q) begin
        inside_q <= !r_last_q;
        if (mine && r_last_q && !way_out.part) begin
          for (int unsigned i = 0; i < N_WORD; i++) word_valid_o[i] <= way_out.who == IdxW'(i);
        end
      end
    end
    r_data_q <= m_axi_rdata_i;
    r_err_q  <= m_axi_rresp_i != 2'b00;
    r_last_q <= m_axi_rlast_i;
    if (r_valid_q) begin
      // A word has two beats of one read at most: the second begins at a beat's border.
      pos_q  <= 5'(Bytes - 32'(off)) + pos;
      err_q  <= err;
      word_q <= word;
    end
    word_data_o <= word;
    word_err_o  <= err;
    beat_data_o <= r_data_q;
    beat_err_o  <= r_err_q;
  end

  assign idle_o = !m_axi_arvalid_o && !way_valid && !rest_q && !r_valid_q && word_valid_o == '0 &&
                  !beat_valid_o;

  `HP_ASSERT_INIT(Width_A, DATA_W >= 128 && 2 ** OffW == Bytes)
  `HP_ASSERT(Expected_A, !r_valid_q || way_valid)
  `HP_ASSERT(ArStable_A, !(m_axi_arvalid_o && !m_axi_arready_i) || !free)
  `HP_ASSERT(InPage_A, !m_axi_arvalid_o ||
             13'(m_axi_araddr_o[11:0]) + m_axi_aruser_o.len <= 13'd4096)
  for (genvar i = 0; i < N_WORD; i++) begin : gen_word_check
    `HP_ASSERT(WordLen_A, !word_valid_i[i] || (word_i[i].len >= 5'd1 && word_i[i].len <= 5'd16))
  end
endmodule
