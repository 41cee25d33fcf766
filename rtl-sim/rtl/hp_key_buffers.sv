// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The flow keys that the two masters of the command bus work with, one each: written and read by thirds of
// 192 bits, or whole. A read answers in the clock it is asked.

module hp_key_buffers
  import hp_pkg::*;
(
  input  logic                clk_i,
  input  logic                core_i,      // whose
  input  logic                we_i,        // a third
  input  logic [1:0]          index_i,
  input  logic [191:0]        row_i,
  output logic [191:0]        row_o,
  input  logic                key_we_i,    // or all of it
  input  logic [FlowKeyW-1:0] key_i,
  output logic [FlowKeyW-1:0] key_o
);
  localparam int unsigned LastW = FlowKeyW - 384;

  logic [191:0]     row0_q [2];
  logic [191:0]     row1_q [2];
  logic [LastW-1:0] row2_q [2];

  always_ff @(posedge clk_i) begin
    if (key_we_i || (we_i && index_i == 2'd0)) row0_q[core_i] <= key_we_i ? key_i[191:0] : row_i;
    if (key_we_i || (we_i && index_i == 2'd1)) row1_q[core_i] <= key_we_i ? key_i[383:192] : row_i;
    if (key_we_i || (we_i && index_i == 2'd2))
      row2_q[core_i] <= key_we_i ? key_i[FlowKeyW-1:384] : row_i[LastW-1:0];
  end

  assign key_o = {row2_q[core_i], row1_q[core_i], row0_q[core_i]};
  assign row_o = (index_i == 2'd0) ? key_o[191:0] : (index_i == 2'd1) ? key_o[383:192] :
                 192'(key_o[FlowKeyW-1:384]);
endmodule
