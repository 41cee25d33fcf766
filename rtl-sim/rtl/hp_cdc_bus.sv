// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// One word access at a time from one clock to another, at any ratio of the clocks.
//
// Source: `src_valid_i` with the access for one clock while `src_ready_o`; later `src_done_o` for one clock
// with the answer. Destination: `dst_valid_o` for one clock with the access, which stays on the outputs until
// the answer, `dst_done_i` for one clock (the same one at the earliest). The access and the answer are held
// in registers that do not move while the other side may look at them; two toggles tell of them.
// About 2 source + 4 destination + 3 source clocks in all.
//
// A reset of the source alone needs `dst_clear_i` (level, destination clock) before the source runs again;
// `dst_idle_o` says that no access is under way there. A reset of the destination alone needs one of the source.

module hp_cdc_bus #(
  parameter int unsigned REQ_W = 32,
  parameter int unsigned RSP_W = 32
) (
  input  logic             src_clk_i,
  input  logic             src_rst_ni,
  input  logic             src_valid_i,
  output logic             src_ready_o,
  input  logic [REQ_W-1:0] src_req_i,
  output logic             src_done_o,
  output logic [RSP_W-1:0] src_rsp_o,

  input  logic             dst_clk_i,
  input  logic             dst_rst_ni,
  input  logic             dst_clear_i,
  output logic             dst_idle_o,
  output logic             dst_valid_o,
  output logic [REQ_W-1:0] dst_req_o,
  input  logic             dst_done_i,
  input  logic [RSP_W-1:0] dst_rsp_i
);
  logic             req_q, ack_q;         // toggles
  logic             req_sync, ack_sync;
  logic             src_busy_q, dst_busy_q;
  logic [REQ_W-1:0] payload_q;
  logic [RSP_W-1:0] answer_q;

  // Source.
  assign src_ready_o = !src_busy_q;
  assign src_done_o  = src_busy_q && (ack_sync == req_q);
  assign src_rsp_o   = answer_q;

  always_ff @(posedge src_clk_i) begin
    if (!src_rst_ni) begin
      req_q      <= 1'b0;
      src_busy_q <= 1'b0;
    end else if (src_valid_i && src_ready_o) begin
      req_q      <= !req_q;
      src_busy_q <= 1'b1;
    end else if (src_done_o) begin
      src_busy_q <= 1'b0;
    end
    if (src_valid_i && src_ready_o) payload_q <= src_req_i;
  end

  hp_cdc_sync u_ack (
    .clk_i  (src_clk_i),
    .rst_ni (src_rst_ni),
    .d_i    (ack_q),
    .q_o    (ack_sync)
  );

  // Destination.
  hp_cdc_sync u_req (
    .clk_i  (dst_clk_i),
    .rst_ni (dst_rst_ni),
    .d_i    (req_q),
    .q_o    (req_sync)
  );

  assign dst_valid_o = (req_sync != ack_q) && !dst_busy_q && !dst_clear_i;
  assign dst_req_o   = payload_q;
  assign dst_idle_o  = !dst_busy_q;

  always_ff @(posedge dst_clk_i) begin
    if (!dst_rst_ni) begin
      ack_q      <= 1'b0;
      dst_busy_q <= 1'b0;
    end else begin
      if (dst_valid_o && !dst_done_i) dst_busy_q <= 1'b1;
      else if (dst_done_i) dst_busy_q <= 1'b0;
      if (dst_done_i) ack_q <= req_sync;
      if (dst_clear_i && !dst_busy_q) ack_q <= 1'b0;
    end
    if (dst_done_i) answer_q <= dst_rsp_i;
  end
endmodule
