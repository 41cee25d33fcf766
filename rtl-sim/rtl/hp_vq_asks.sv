// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Word reads of one user: those that wait, those under way, and their answers, in order. WAY_W
// bits come back with each answer. A read that is `cancel_i` when its turn comes is not made, and
// comes back as cancelled.
//
// Answers always find room. `push_i` needs room for PENDING reads to be kept by the user; an
// answer waits until it is taken. Latency: a read is offered one clock after its push.

`include "hp_assert.svh"

module hp_vq_asks import hp_vq_pkg::*; #(
  parameter int unsigned WAY_W = 8,
  parameter int unsigned PENDING = 64,
  parameter int unsigned UNDER_WAY = 32
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             push_i,
  input  logic [WAY_W-1:0] push_way_i,
  input  word_read_t       push_read_i,

  output logic [WAY_W-1:0] way_o,          // of the read whose turn it is
  input  logic             cancel_i,
  output logic             read_valid_o,
  input  logic             read_ready_i,
  output word_read_t       read_o,
  input  logic             word_valid_i,
  input  logic [127:0]     word_data_i,
  input  logic             word_err_i,

  output logic             ans_valid_o,
  input  logic             ans_pop_i,
  output logic [WAY_W-1:0] ans_way_o,
  output logic             ans_cancel_o,
  output logic [127:0]     ans_data_o,
  output logic             ans_err_o,

  output logic             idle_o
);
  logic pend_valid, pend_full, under_full, under_valid, word_full, word_some, go;

  hp_vq_fifo #(.WIDTH(WAY_W + $bits(word_read_t)), .DEPTH(PENDING)) u_pend (
    .clk_i, .rst_ni,
    .push_i, .data_i({push_way_i, push_read_i}), .full_o(pend_full),
    .pop_i(go), .valid_o(pend_valid), .data_o({way_o, read_o})
  );

  assign read_valid_o = pend_valid && !under_full && !cancel_i;
  assign go           = pend_valid && !under_full && (cancel_i || read_ready_i);

  hp_vq_fifo #(.WIDTH(WAY_W + 1), .DEPTH(UNDER_WAY)) u_under (
    .clk_i, .rst_ni,
    .push_i(go), .data_i({way_o, cancel_i}), .full_o(under_full),
    .pop_i(ans_pop_i), .valid_o(under_valid), .data_o({ans_way_o, ans_cancel_o})
  );

  hp_vq_fifo #(.WIDTH(129), .DEPTH(UNDER_WAY)) u_word (
    .clk_i, .rst_ni,
    .push_i(word_valid_i), .data_i({word_data_i, word_err_i}), .full_o(word_full),
    .pop_i(ans_pop_i && !ans_cancel_o), .valid_o(word_some), .data_o({ans_data_o, ans_err_o})
  );

  assign ans_valid_o = under_valid && (ans_cancel_o || word_some);
  assign idle_o      = !pend_valid && !under_valid;

  `HP_ASSERT(PendingFits_A, !(push_i && pend_full))
  `HP_ASSERT(AnswerFits_A, !(word_valid_i && word_full))
  `HP_ASSERT(PopWhatIsThere_A, !ans_pop_i || ans_valid_o)
endmodule
