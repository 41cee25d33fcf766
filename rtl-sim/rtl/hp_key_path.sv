// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The flow key beside the pipeline: from the canonical beats at stage 2 to the whole key at stage 8, the
// masked one at stage 8 and the whole one again, with the decision, at stage 22. One header per clock.
//
// The header window is complete at stage 3 (512 bits) or 4; the key then takes three stages (hp_key_parse).

`include "hp_assert.svh"

module hp_key_path
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned LAST   = 22
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic                cb_valid_i,   // stage 2
  input  logic                cb_sof_i,
  input  logic [DATA_W-1:0]   cb_data_i,
  input  hdr_t                h3_i,
  input  hdr_t                h4_i,
  input  logic [KeyMaskW-1:0] mask_i,       // stage 6

  output logic                keyable_8_o,
  output logic [FlowKeyW-1:0] masked_8_o,
  output flow_key_t           key_last_o,   // stage LAST
  output logic [KeyMaskW-1:0] mask_last_o
);
  localparam int unsigned KeyStage = (DATA_W == 512) ? 3 : 4;  // the first 96 bytes are here
  localparam int unsigned MaskedStage = 8;

  // The window.
  logic [767:0]      win;
  logic [DATA_W-1:0] cb3_q;
  logic              cb3_more_q;   // stage 3 holds a frame's second or later beat
  logic              cb_more;

  assign cb_more = cb_valid_i && !cb_sof_i;
  always_ff @(posedge clk_i) begin
    cb3_q      <= cb_data_i;
    cb3_more_q <= cb_more;
  end
  if (DATA_W == 512) begin : gen_win_512
    assign win = {cb_more ? cb_data_i[255:0] : 256'd0, cb3_q};
  end else begin : gen_win_256
    logic [DATA_W-1:0] cb4_q;
    always_ff @(posedge clk_i) cb4_q <= cb3_q;
    assign win = {(cb3_more_q && cb_more) ? cb_data_i : 256'd0, cb3_more_q ? cb3_q : 256'd0, cb4_q};
  end

  // The key, at stage 7 for every width.
  hdr_t      h_key;
  flow_key_t key, key_7, key_8_q;
  logic      unused_ip;
  assign h_key = (KeyStage == 3) ? h3_i : h4_i;

  hp_key_parse u_key (
    .clk_i,
    .win_i  (win),
    .len_i  (h_key.w.len),
    .src_i  (h_key.w.meta.src),
    .vvlan_i(h_key.vvlan),
    .tags_i (h_key.tags),
    .key_o  (key),
    .ip_o   (unused_ip)
  );
  if (KeyStage == 3) begin : gen_align
    flow_key_t key_7_q;
    always_ff @(posedge clk_i) key_7_q <= key;
    assign key_7 = key_7_q;
  end else begin : gen_no_align
    assign key_7 = key;
  end

  // Masked at stage 8.
  logic [KeyMaskW-1:0] mask_7_q, mask_8_q;
  logic [FlowKeyW-1:0] masked_7;
  hp_flow_key u_mask (
    .key_i(key_7), .mask_i(mask_7_q), .mirror_i(1'b0), .port_i('0), .key_o(masked_7)
  );
  always_ff @(posedge clk_i) begin
    mask_7_q   <= mask_i;
    mask_8_q   <= mask_7_q;
    masked_8_o <= masked_7;
    key_8_q    <= key_7;
  end
  assign keyable_8_o = !key_8_q.unkeyable;

  hp_delay #(.WIDTH($bits(flow_key_t) + KeyMaskW), .CYCLES(LAST - MaskedStage)) u_wait (
    .clk_i, .rst_ni, .d_i({key_8_q, mask_8_q}), .q_o({key_last_o, mask_last_o})
  );

  logic unused_bits;
  assign unused_bits = ^{h3_i, h4_i, h_key, cb3_more_q};
endmodule
