// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What a descriptor says, and what is wrong with it: combinational. The first fault counts; code 0
// is none.

module hp_vq_desc import hp_vio_pkg::*, hp_vq_pkg::*; #(
  parameter bit TX = 1'b0
) (
  input  logic [127:0] desc_i,
  input  logic         indirect_i,    // negotiated
  input  logic         in_table_i,    // the descriptor stands in an indirect table
  input  logic [5:0]   before_i,      // descriptors of the chain before it
  input  logic [16:0]  entries_i,     // of the table it stands in

  output logic [7:0]   code_o,
  output logic         table_o,       // it leads to an indirect table
  output logic [16:0]  table_n_o,     // with that many entries
  output logic         more_o,        // the chain goes on
  output logic [15:0]  next_o,
  output seg_t         seg_o
);
  logic [63:0] addr;
  logic [31:0] len;
  logic [64:0] last;
  logic        write;

  assign addr      = desc_i[63:0];
  assign len       = desc_i[95:64];
  assign more_o    = desc_i[96];
  assign write     = desc_i[97];
  assign table_o   = desc_i[98];
  assign next_o    = desc_i[127:112];
  assign last      = {1'b0, addr} + 65'(len) - 65'd1;   // of a length that is not zero
  assign seg_o     = '{addr: addr, len: (len > 32'(BytesMax)) ? BytesMax : bytes_t'(len)};
  assign table_n_o = (len[31:20] != '0) ? 17'h10000 : 17'(len[19:4]);

  always_comb begin
    code_o = 8'd0;
    if (table_o) begin
      if (!indirect_i || in_table_i) code_o = hp_abi_pkg::VQERR_INDIRECT;
      else if (more_o) code_o = hp_abi_pkg::VQERR_FLAGS;
      else if (len == '0 || len[3:0] != '0) code_o = hp_abi_pkg::VQERR_INDIRECT;
      else if (last[64]) code_o = hp_abi_pkg::VQERR_LENGTH;
    end else if (write == TX) begin
      code_o = hp_abi_pkg::VQERR_FLAGS;
    end else if (len == '0 || last[64]) begin
      code_o = hp_abi_pkg::VQERR_LENGTH;
    end else if (more_o && 17'(next_o) >= entries_i) begin
      code_o = hp_abi_pkg::VQERR_NEXT;
    end else if (more_o && before_i + 6'd1 >= 6'(MaxChain)) begin
      code_o = hp_abi_pkg::VQERR_CHAIN;
    end
  end

  logic unused_flags;
  assign unused_flags = ^{desc_i[111:99], last[63:0]};
endmodule
