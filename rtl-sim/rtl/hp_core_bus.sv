// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The soft core's two buses: instructions from the memory, data from the memory (one clock) or, through the
// clock crossing, from the register block at 0x1000_0000 (64 KiB). Anything else is answered with a bus
// error in the next clock. The first data access that failed is kept for the FAULT register.

module hp_core_bus #(
  parameter int unsigned TCM_KIB = 64,
  localparam int unsigned AddrW  = $clog2(TCM_KIB * 256)
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             instr_req_i,
  output logic             instr_gnt_o,
  output logic             instr_rvalid_o,
  input  logic [31:0]      instr_addr_i,
  output logic             instr_err_o,

  input  logic             data_req_i,
  output logic             data_gnt_o,
  output logic             data_rvalid_o,
  input  logic [31:0]      data_addr_i,
  output logic [31:0]      data_rdata_o,
  output logic             data_err_o,

  output logic             tcm_instr_en_o,
  output logic [AddrW-1:0] tcm_instr_addr_o,
  output logic             tcm_data_en_o,
  output logic [AddrW-1:0] tcm_data_addr_o,
  input  logic [31:0]      tcm_rdata_i,

  output logic             reg_valid_o,
  input  logic             reg_ready_i,
  input  logic             reg_done_i,
  input  logic             reg_err_i,
  input  logic [31:0]      reg_rdata_i,

  output logic             fault_valid_o,
  output logic [29:0]      fault_addr_o    // bits 31:2
);
  localparam logic [31:0] TcmBytes = 32'(TCM_KIB) * 1024;
  localparam logic [15:0] RegPage  = 16'h1000;

  // Instructions.
  logic instr_hit, instr_bad_q, instr_valid_q;

  assign instr_hit        = instr_addr_i < TcmBytes;
  assign instr_gnt_o      = 1'b1;
  assign tcm_instr_en_o   = instr_req_i && instr_hit;
  assign tcm_instr_addr_o = instr_addr_i[2+:AddrW];
  assign instr_rvalid_o   = instr_valid_q;
  assign instr_err_o      = instr_bad_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) instr_valid_q <= 1'b0;
    else instr_valid_q <= instr_req_i;
    instr_bad_q <= !instr_hit;
  end

  // Data.
  typedef enum logic [1:0] {
    StNone,
    StTcm,    // the memory's data is there
    StReg,    // waiting for the register block
    StError
  } state_e;

  state_e      state_q;
  logic        hit_tcm, hit_reg, accept, last, fail;
  logic [29:0] addr_q;

  assign hit_tcm         = data_addr_i < TcmBytes;
  assign hit_reg         = data_addr_i[31:16] == RegPage;
  assign data_gnt_o      = (state_q != StReg) && reg_ready_i;
  assign accept          = data_req_i && data_gnt_o;
  assign tcm_data_en_o   = accept && hit_tcm;
  assign tcm_data_addr_o = data_addr_i[2+:AddrW];
  assign reg_valid_o     = accept && hit_reg;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q       <= StNone;
      fault_valid_o <= 1'b0;
    end else begin
      if (accept) state_q <= hit_tcm ? StTcm : hit_reg ? StReg : StError;
      else if (last) state_q <= StNone;
      if (fail) fault_valid_o <= 1'b1;
    end
    if (accept) addr_q <= data_addr_i[31:2];
    if (fail && !fault_valid_o) fault_addr_o <= addr_q;
  end

  assign last          = (state_q != StReg) || reg_done_i;
  assign fail          = (state_q == StError) || (state_q == StReg && reg_done_i && reg_err_i);
  assign data_rvalid_o = (state_q == StTcm) || fail || (state_q == StReg && reg_done_i);
  assign data_rdata_o  = (state_q == StReg) ? reg_rdata_i : tcm_rdata_i;
  assign data_err_o    = fail;

  logic [1:0] unused_instr_addr;
endmodule
