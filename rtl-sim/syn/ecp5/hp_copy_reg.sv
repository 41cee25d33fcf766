// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// ECP5 version of the register that stays one: flip-flops as primitives, which Yosys does not merge.

module hp_copy_reg #(
  parameter int unsigned WIDTH = 8
) (
  input  logic             clk_i,
  input  logic [WIDTH-1:0] d_i,
  output logic [WIDTH-1:0] q_o
);
  for (genvar n = 0; n < WIDTH; n++) begin : gen_ff
    TRELLIS_FF #(
      .GSR("AUTO"),
      .CEMUX("1"),
      .CLKMUX("CLK"),
      .LSRMUX("LSR"),
      .REGSET("RESET")
    ) u_ff (
      .CLK(clk_i),
      .LSR(1'b0),
      .DI (d_i[n]),
      .Q  (q_o[n])
    );
  end
endmodule
