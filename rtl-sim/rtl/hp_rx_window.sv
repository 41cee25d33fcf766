// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The first 96 bytes of every received frame, its tags counted: one header per frame, as soon as
// its last beat of interest was taken. Gaps between beats are allowed. Latency: the header is at
// the output two clocks after that beat; `early_o` says one clock before that one comes.

`include "hp_assert.svh"

module hp_rx_window
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              beat_i,       // a beat is taken
  input  logic [DATA_W-1:0] data_i,
  input  logic              last_i,
  input  port_t             dest_i,
  input  len_t              len_i,
  input  logic [15:0]       tpid_i,       // one more TPID

  output logic              early_o,
  output logic              valid_o,
  output logic [767:0]      win_o,        // zeros past the frame's end
  output len_t              len_o,
  output port_t             dest_o,
  output logic [1:0]        tags_o,       // 0, 1, 2, or 3 for more than two
  output logic [2:0]        pcp_o         // of the first tag
);
  localparam int unsigned Beats = (768 + DATA_W - 1) / DATA_W;
  localparam int unsigned IdxW  = $clog2(Beats + 1);

  logic [IdxW-1:0] idx_q;      // of the beat to come; Beats: the window is behind
  logic            wanted;
  logic [767:0]    win_q;
  len_t            len_q;
  port_t           dest_q;

  assign wanted = beat_i && 32'(idx_q) < Beats;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      idx_q   <= '0;
      early_o <= 1'b0;
      valid_o <= 1'b0;
    end else begin
      if (beat_i && last_i) idx_q <= '0;
      else if (wanted) idx_q <= idx_q + 1'b1;
      early_o <= wanted && (last_i || 32'(idx_q) == Beats - 1);
      valid_o <= early_o;
    end
  end

  for (genvar b = 0; b < Beats; b++) begin : gen_beat
    localparam int unsigned Low   = b * DATA_W;
    localparam int unsigned Width = (768 - Low < DATA_W) ? 768 - Low : DATA_W;
    always_ff @(posedge clk_i) begin
      if (wanted && 32'(idx_q) == b) win_q[Low +: Width] <= data_i[Width-1:0];
      else if (wanted && idx_q == '0) win_q[Low +: Width] <= '0;
    end
  end
  always_ff @(posedge clk_i) begin
    if (wanted && idx_q == '0) begin
      len_q  <= len_i;
      dest_q <= dest_i;
    end
  end

  // Tags.
  function automatic logic is_tag(input logic [15:0] t, input logic [15:0] tpid);
    return (t inside {16'h8100, 16'h88A8, 16'h9100}) || (t == tpid);
  endfunction

  logic [2:0] tag;
  for (genvar t = 0; t < 3; t++) begin : gen_tag
    assign tag[t] = is_tag({win_q[8*(12+4*t) +: 8], win_q[8*(13+4*t) +: 8]}, tpid_i);
  end

  always_ff @(posedge clk_i) begin
    win_o  <= win_q;
    len_o  <= len_q;
    dest_o <= dest_q;
    tags_o <= !tag[0] ? 2'd0 : !tag[1] ? 2'd1 : !tag[2] ? 2'd2 : 2'd3;
    pcp_o  <= win_q[8*14 + 5 +: 3];
  end

  `HP_ASSERT_INIT(DataW_A, DATA_W == 128 || DATA_W == 256 || DATA_W == 512)
endmodule
