// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Just enough of an RV32I assembler for the benches: no compiler is needed to run them. Write the program
// as a task of `emit(...)` lines, run it twice: labels found in the first run are right in the second.

package rv_asm_pkg;
  int unsigned pc;
  int unsigned label[64];
  logic [31:0] mem[1024];

  function automatic void at(input int unsigned addr);
    pc = addr;
  endfunction

  function automatic void mark(input int unsigned l);
    label[l] = pc;
  endfunction

  function automatic void emit(input logic [31:0] word);
    mem[pc/4] = word;
    pc += 4;
  endfunction

  function automatic logic [31:0] i_type(input logic [11:0] imm, input logic [4:0] rs1,
                                         input logic [2:0] f3, input logic [4:0] rd,
                                         input logic [6:0] op);
    return {imm, rs1, f3, rd, op};
  endfunction

  function automatic void lui(input logic [4:0] rd, input logic [19:0] imm);
    emit({imm, rd, 7'h37});
  endfunction

  function automatic void addi(input logic [4:0] rd, input logic [4:0] rs1, input int imm);
    emit(i_type(12'(imm), rs1, 3'd0, rd, 7'h13));
  endfunction

  function automatic void andi(input logic [4:0] rd, input logic [4:0] rs1, input int imm);
    emit(i_type(12'(imm), rs1, 3'd7, rd, 7'h13));
  endfunction

  function automatic void lw(input logic [4:0] rd, input logic [4:0] rs1, input int imm);
    emit(i_type(12'(imm), rs1, 3'd2, rd, 7'h03));
  endfunction

  function automatic void store(input logic [2:0] f3, input logic [4:0] rs2, input logic [4:0] rs1,
                                input int imm);
    logic [11:0] i;
    i = 12'(imm);
    emit({i[11:5], rs2, rs1, f3, i[4:0], 7'h23});
  endfunction

  function automatic void sw(input logic [4:0] rs2, input logic [4:0] rs1, input int imm);
    store(3'd2, rs2, rs1, imm);
  endfunction

  function automatic void sb(input logic [4:0] rs2, input logic [4:0] rs1, input int imm);
    store(3'd0, rs2, rs1, imm);
  endfunction

  function automatic void branch(input logic [2:0] f3, input logic [4:0] rs1, input logic [4:0] rs2,
                                 input int unsigned l);
    logic [12:0] o;
    o = 13'(label[l] - pc);
    emit({o[12], o[10:5], rs2, rs1, f3, o[4:1], o[11], 7'h63});
  endfunction

  function automatic void beq(input logic [4:0] rs1, input logic [4:0] rs2, input int unsigned l);
    branch(3'd0, rs1, rs2, l);
  endfunction

  function automatic void bne(input logic [4:0] rs1, input logic [4:0] rs2, input int unsigned l);
    branch(3'd1, rs1, rs2, l);
  endfunction

  function automatic void j(input int unsigned l);
    logic [20:0] o;
    o = 21'(label[l] - pc);
    emit({o[20], o[10:1], o[11], o[19:12], 5'd0, 7'h6F});
  endfunction

  function automatic void csrrw(input logic [4:0] rd, input logic [11:0] csr, input logic [4:0] rs1);
    emit(i_type(csr, rs1, 3'd1, rd, 7'h73));
  endfunction

  function automatic void csrrs(input logic [4:0] rd, input logic [11:0] csr, input logic [4:0] rs1);
    emit(i_type(csr, rs1, 3'd2, rd, 7'h73));
  endfunction

  function automatic void wfi();
    emit(32'h1050_0073);
  endfunction
endpackage
