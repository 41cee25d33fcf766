// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What the ECP5's flip-flop looks like; the tools know what it is.

(* blackbox *)
module TRELLIS_FF #(
  parameter GSR = "ENABLED",
  parameter CEMUX = "CE",
  parameter CLKMUX = "CLK",
  parameter LSRMUX = "LSR",
  parameter REGSET = "RESET"
) (
  input  CLK,
  input  LSR,
  input  CE,
  input  DI,
  output Q
);
endmodule
