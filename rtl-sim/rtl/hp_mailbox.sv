// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The admin mailbox. `ring_i` takes over a command and its number; the firmware's answer with that number
// completes it, one with another number is ignored. A new ring replaces a command that waits. `clear_i`
// (the core is in reset) forgets a command that waits: a new firmware must not run it.

module hp_mailbox (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         clear_i,

  input  logic         ring_i,
  input  logic [15:0]  ring_seq_i,
  input  logic [511:0] cmd_i,
  output logic [511:0] cmd_o,
  output logic [15:0]  seq_o,
  output logic         pending_o,

  input  logic         answer_i,
  input  logic [15:0]  answer_seq_i,
  input  logic [255:0] rsp_i,
  output logic [255:0] rsp_o,
  output logic         done_o,
  output logic         done_pulse_o
);
  logic complete;

  assign complete = pending_o && answer_i && (answer_seq_i == seq_o) && !ring_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cmd_o        <= '0;
      seq_o        <= '0;
      rsp_o        <= '0;
      pending_o    <= 1'b0;
      done_o       <= 1'b0;
      done_pulse_o <= 1'b0;
    end else begin
      done_pulse_o <= complete;
      if (ring_i) begin
        cmd_o     <= cmd_i;
        seq_o     <= ring_seq_i;
        pending_o <= !clear_i;
        done_o    <= 1'b0;
      end else if (clear_i) begin
        pending_o <= 1'b0;
      end else if (complete) begin
        rsp_o     <= rsp_i;
        pending_o <= 1'b0;
        done_o    <= 1'b1;
      end
    end
  end
endmodule
