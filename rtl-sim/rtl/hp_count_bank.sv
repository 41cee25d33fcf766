// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// 64-bit counters in block RAM, LANES of them side by side at each index. One event per clock for
// ever, any index, none lost: read, add and write are pipelined, and the sums of the three events
// before are forwarded, since the RAM does not hold them yet.
//
// A read (`rd_req_i`, held until `rd_done_o`) takes the first clock without an event; it sees
// every event that came before it. After reset the bank writes zeros, one index per clock, until
// `ready_o`; no event may come before.

`include "hp_assert.svh"

module hp_count_bank #(
  parameter int unsigned DEPTH = 64,
  parameter int unsigned LANES = 1,
  parameter int unsigned INC_W = 16,
  localparam int unsigned IndexW = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  output logic                   ready_o,

  input  logic                   ev_valid_i,
  input  logic [IndexW-1:0]      ev_index_i,
  input  logic [LANES*INC_W-1:0] ev_inc_i,
  input  logic                   ev_clear_i,     // it starts again from zero

  input  logic                   rd_req_i,
  input  logic [IndexW-1:0]      rd_index_i,
  output logic                   rd_done_o,
  output logic [LANES*64-1:0]    rd_data_o
);
  localparam int unsigned W = LANES * 64;

  // Cycle t: RAM address. t+2: old value, sum. t+3: write. The sums of the events two and three
  // before are chosen between in t+1 already.
  logic                   ev1_q, ev2_q, ev3_q, ev4_q, rd1_q, rd2_q, rd_go;
  logic [IndexW-1:0]      index, index1_q, index2_q, index3_q, index4_q, clear_q;
  logic [LANES*INC_W-1:0] inc1_q, inc2_q;
  logic                   clear1_q, clear2_q;
  logic                   same3_q, same4, same45_q;  // as the event one, two, two or three before
  logic [W-1:0]           ram_data, value, sum, sum3_q, sum4_q, older_q;

  assign rd_go = rd_req_i && !ev_valid_i && !rd1_q && !rd2_q && !rd_done_o && ready_o;
  assign index = ev_valid_i ? ev_index_i : rd_index_i;

  hp_ram_1r1w #(
    .WIDTH(W),
    .DEPTH(DEPTH)
  ) u_ram (
    .clk_i,
    .we_i   (rst_ni && (ev3_q || !ready_o)),
    .waddr_i(ready_o ? index3_q : clear_q),
    .wdata_i(ready_o ? sum3_q : '0),
    .re_i   (rst_ni && (ev_valid_i || rd_go)),
    .raddr_i(index),
    .rdata_o(ram_data)
  );

  assign value = same3_q ? sum3_q : same45_q ? older_q : ram_data;
  assign same4 = ev3_q && index1_q == index3_q;

  for (genvar l = 0; l < int'(LANES); l++) begin : gen_lane
    assign sum[l*64 +: 64] = (clear2_q ? 64'd0 : value[l*64 +: 64]) + 64'(inc2_q[l*INC_W +: INC_W]);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ev1_q     <= 1'b0;
      ev2_q     <= 1'b0;
      ev3_q     <= 1'b0;
      ev4_q     <= 1'b0;
      rd1_q     <= 1'b0;
      rd2_q     <= 1'b0;
      rd_done_o <= 1'b0;
      ready_o   <= 1'b0;
      clear_q   <= '0;
    end else begin
      ev1_q     <= ev_valid_i;
      ev2_q     <= ev1_q;
      ev3_q     <= ev2_q;
      ev4_q     <= ev3_q;
      rd1_q     <= rd_go;
      rd2_q     <= rd1_q;
      rd_done_o <= rd2_q;
      if (!ready_o) begin
        clear_q <= clear_q + 1'b1;
        ready_o <= 32'(clear_q) == DEPTH - 1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    index1_q  <= index;
    index2_q  <= index1_q;
    index3_q  <= index2_q;
    index4_q  <= index3_q;
    inc1_q    <= ev_inc_i;
    inc2_q    <= inc1_q;
    clear1_q  <= ev_clear_i;
    clear2_q  <= clear1_q;
    same3_q   <= ev2_q && index1_q == index2_q;
    same45_q  <= same4 || (ev4_q && index1_q == index4_q);
    older_q   <= same4 ? sum3_q : sum4_q;
    sum3_q    <= sum;
    sum4_q    <= sum3_q;
    rd_data_o <= value;
  end

  `HP_ASSERT_INIT(Shape_A, LANES > 0 && INC_W <= 64)
  `HP_ASSERT(EventsWhenReady_A, !ev_valid_i || ready_o)
  `HP_ASSERT(IndexInRange_A, !ev_valid_i || 32'(ev_index_i) < DEPTH)
endmodule
