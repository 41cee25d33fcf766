// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The firmware's log, 4 KiB: written by the core by byte, read by the host by word. Data two clocks after
// `rd_i`. A read in the clock of a write to the same word gets the new bytes.

module hp_log_ring (
  input  logic        clk_i,
  input  logic        we_i,
  input  logic [3:0]  be_i,
  input  logic [9:0]  waddr_i,
  input  logic [31:0] wdata_i,
  input  logic        rd_i,
  input  logic [9:0]  raddr_i,
  output logic [31:0] rdata_o
);
  for (genvar i = 0; i < 4; i++) begin : gen_lane
    hp_ram_1r1w #(
      .WIDTH  (8),
      .DEPTH  (1024),
      .FORWARD(1'b1)
    ) u_ram (
      .clk_i,
      .we_i    (we_i && be_i[i]),
      .waddr_i,
      .wdata_i (wdata_i[8*i+:8]),
      .re_i    (rd_i),
      .raddr_i,
      .rdata_o (rdata_o[8*i+:8])
    );
  end
endmodule
