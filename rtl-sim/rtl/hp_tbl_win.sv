// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A register window on the table command bus: `start_i` sends the command on the inputs and `busy_o` stays
// until its answer is on the outputs. A start while busy is ignored. The answer takes the place of the
// command's data.

module hp_tbl_win
  import hp_pkg::*;
(
  input  logic         clk_i,
  input  logic         rst_ni,

  input  logic         start_i,
  input  tbl_req_t     req_i,
  output logic         busy_o,
  output logic [3:0]   code_o,
  output logic [191:0] rsp_o,

  output logic         tbl_req_valid_o,
  input  logic         tbl_req_ready_i,
  output tbl_req_t     tbl_req_o,
  input  logic         tbl_rsp_valid_i,
  input  tbl_rsp_t     tbl_rsp_i
);
  logic     busy_q, ask_q;
  tbl_req_t req_q;
  logic [3:0] code_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      ask_q  <= 1'b0;
      code_q <= '0;
      req_q  <= '0;
    end else if (!busy_q) begin
      if (start_i) begin
        busy_q <= 1'b1;
        ask_q  <= 1'b1;
        req_q  <= req_i;
      end
    end else begin
      if (tbl_req_ready_i) ask_q <= 1'b0;
      if (tbl_rsp_valid_i) begin
        busy_q     <= 1'b0;
        code_q     <= tbl_rsp_i.status;
        req_q.data <= tbl_rsp_i.data;
      end
    end
  end

  assign busy_o          = busy_q;
  assign code_o          = code_q;
  assign rsp_o           = req_q.data;
  assign tbl_req_valid_o = ask_q;
  assign tbl_req_o       = req_q;
endmodule
