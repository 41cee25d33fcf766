// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// One ECP5 block RAM (DP16KD) with its output registers on: data two clocks after the address.
//
// Addresses are in bits, as the primitive counts them: word << log2(width rounded down to a power of two);
// the low bits are byte enables at width 18 and 36. At width 36 port A writes and port B reads, the upper
// half of each word on the other port's pins. Contents at power-up: zero.

module hp_ecp5_bram #(
  parameter int unsigned WIDTH = 18  // of one port: 1, 2, 4, 9, 18 or 36
) (
  input  logic        clk_i,

  input  logic        a_en_i,
  input  logic        a_we_i,
  input  logic [13:0] a_addr_i,
  input  logic [17:0] a_wdata_i,
  output logic [17:0] a_rdata_o,

  input  logic        b_en_i,
  input  logic        b_we_i,
  input  logic [13:0] b_addr_i,
  input  logic [17:0] b_wdata_i,
  output logic [17:0] b_rdata_o
);
  DP16KD #(
    .DATA_WIDTH_A(WIDTH),
    .DATA_WIDTH_B(WIDTH),
    .REGMODE_A("OUTREG"),
    .REGMODE_B("OUTREG"),
    .RESETMODE("SYNC"),
    .ASYNC_RESET_RELEASE("SYNC"),
    .CSDECODE_A("0b000"),
    .CSDECODE_B("0b000"),
    .CLKAMUX("CLKA"),
    .CLKBMUX("CLKB"),
    .WRITEMODE_A("NORMAL"),
    .WRITEMODE_B("NORMAL"),
    .GSR("AUTO")
  ) u_ebr (
    .CLKA(clk_i), .CEA(a_en_i), .OCEA(1'b1), .WEA(a_we_i), .RSTA(1'b0),
    .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
    .ADA0(a_addr_i[0]), .ADA1(a_addr_i[1]), .ADA2(a_addr_i[2]),
    .ADA3(a_addr_i[3]), .ADA4(a_addr_i[4]), .ADA5(a_addr_i[5]),
    .ADA6(a_addr_i[6]), .ADA7(a_addr_i[7]), .ADA8(a_addr_i[8]),
    .ADA9(a_addr_i[9]), .ADA10(a_addr_i[10]), .ADA11(a_addr_i[11]),
    .ADA12(a_addr_i[12]), .ADA13(a_addr_i[13]),
    .DIA0(a_wdata_i[0]), .DIA1(a_wdata_i[1]), .DIA2(a_wdata_i[2]),
    .DIA3(a_wdata_i[3]), .DIA4(a_wdata_i[4]), .DIA5(a_wdata_i[5]),
    .DIA6(a_wdata_i[6]), .DIA7(a_wdata_i[7]), .DIA8(a_wdata_i[8]),
    .DIA9(a_wdata_i[9]), .DIA10(a_wdata_i[10]), .DIA11(a_wdata_i[11]),
    .DIA12(a_wdata_i[12]), .DIA13(a_wdata_i[13]), .DIA14(a_wdata_i[14]),
    .DIA15(a_wdata_i[15]), .DIA16(a_wdata_i[16]), .DIA17(a_wdata_i[17]),
    .DOA0(a_rdata_o[0]), .DOA1(a_rdata_o[1]), .DOA2(a_rdata_o[2]),
    .DOA3(a_rdata_o[3]), .DOA4(a_rdata_o[4]), .DOA5(a_rdata_o[5]),
    .DOA6(a_rdata_o[6]), .DOA7(a_rdata_o[7]), .DOA8(a_rdata_o[8]),
    .DOA9(a_rdata_o[9]), .DOA10(a_rdata_o[10]), .DOA11(a_rdata_o[11]),
    .DOA12(a_rdata_o[12]), .DOA13(a_rdata_o[13]), .DOA14(a_rdata_o[14]),
    .DOA15(a_rdata_o[15]), .DOA16(a_rdata_o[16]), .DOA17(a_rdata_o[17]),
    .CLKB(clk_i), .CEB(b_en_i), .OCEB(1'b1), .WEB(b_we_i), .RSTB(1'b0),
    .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),
    .ADB0(b_addr_i[0]), .ADB1(b_addr_i[1]), .ADB2(b_addr_i[2]),
    .ADB3(b_addr_i[3]), .ADB4(b_addr_i[4]), .ADB5(b_addr_i[5]),
    .ADB6(b_addr_i[6]), .ADB7(b_addr_i[7]), .ADB8(b_addr_i[8]),
    .ADB9(b_addr_i[9]), .ADB10(b_addr_i[10]), .ADB11(b_addr_i[11]),
    .ADB12(b_addr_i[12]), .ADB13(b_addr_i[13]),
    .DIB0(b_wdata_i[0]), .DIB1(b_wdata_i[1]), .DIB2(b_wdata_i[2]),
    .DIB3(b_wdata_i[3]), .DIB4(b_wdata_i[4]), .DIB5(b_wdata_i[5]),
    .DIB6(b_wdata_i[6]), .DIB7(b_wdata_i[7]), .DIB8(b_wdata_i[8]),
    .DIB9(b_wdata_i[9]), .DIB10(b_wdata_i[10]), .DIB11(b_wdata_i[11]),
    .DIB12(b_wdata_i[12]), .DIB13(b_wdata_i[13]), .DIB14(b_wdata_i[14]),
    .DIB15(b_wdata_i[15]), .DIB16(b_wdata_i[16]), .DIB17(b_wdata_i[17]),
    .DOB0(b_rdata_o[0]), .DOB1(b_rdata_o[1]), .DOB2(b_rdata_o[2]),
    .DOB3(b_rdata_o[3]), .DOB4(b_rdata_o[4]), .DOB5(b_rdata_o[5]),
    .DOB6(b_rdata_o[6]), .DOB7(b_rdata_o[7]), .DOB8(b_rdata_o[8]),
    .DOB9(b_rdata_o[9]), .DOB10(b_rdata_o[10]), .DOB11(b_rdata_o[11]),
    .DOB12(b_rdata_o[12]), .DOB13(b_rdata_o[13]), .DOB14(b_rdata_o[14]),
    .DOB15(b_rdata_o[15]), .DOB16(b_rdata_o[16]), .DOB17(b_rdata_o[17])
  );
endmodule
