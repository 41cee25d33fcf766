// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Epochs of one table: a number per teacher, per V.VLAN instance and per vPort. An entry holds copies of
// those it depends on and lives while they are equal. `bump_i` in cycle t adds one: readers, which answer in
// the clock they ask, see it from t+1 on.
//
// After reset the numbers are cleared, one index per clock, until `ready_o`.

`include "hp_assert.svh"

module hp_epochs
  import hp_pkg::*;
#(
  parameter int unsigned TEACHERS   = 3,
  parameter int unsigned INST_READS = 1,
  parameter int unsigned PORT_READS = 1
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  output logic                        ready_o,

  input  logic                        bump_i,
  input  logic [1:0]                  scope_i,    // 0 all, 1 teacher, 2 instance, 3 vPort
  input  logic [5:0]                  which_i,

  output epoch_t [TEACHERS-1:0]       teacher_o,
  input  logic [INST_READS-1:0][5:0]  inst_i,
  output epoch_t [INST_READS-1:0]     inst_o,
  input  logic [PORT_READS-1:0][5:0]  port_i,
  output epoch_t [PORT_READS-1:0]     port_o
);
  import hp_abi_pkg::SCOPE_ALL;
  import hp_abi_pkg::SCOPE_TEACHER;
  import hp_abi_pkg::SCOPE_VVLAN;
  import hp_abi_pkg::SCOPE_VPORT;

  epoch_t     inst_q [64];
  epoch_t     port_q [64];
  logic [5:0] clear_q, addr;

  assign addr = ready_o ? which_i : clear_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ready_o   <= 1'b0;
      clear_q   <= '0;
      teacher_o <= '0;
    end else begin
      if (!ready_o) begin
        clear_q <= clear_q + 6'd1;
        ready_o <= &clear_q;
      end
      for (int unsigned i = 0; i < TEACHERS; i++) begin
        if (bump_i && (scope_i == SCOPE_ALL || (scope_i == SCOPE_TEACHER && which_i == 6'(i))))
          teacher_o[i] <= teacher_o[i] + 1'b1;
      end
    end
    if (!ready_o || (bump_i && scope_i == SCOPE_VVLAN))
      inst_q[addr] <= ready_o ? inst_q[addr] + 1'b1 : '0;
    if (!ready_o || (bump_i && scope_i == SCOPE_VPORT))
      port_q[addr] <= ready_o ? port_q[addr] + 1'b1 : '0;
  end

  for (genvar i = 0; i < int'(INST_READS); i++) begin : gen_inst
    assign inst_o[i] = inst_q[inst_i[i]];
  end
  for (genvar i = 0; i < int'(PORT_READS); i++) begin : gen_port
    assign port_o[i] = port_q[port_i[i]];
  end

  `HP_ASSERT(BumpWhenReady_A, !bump_i || ready_o)
endmodule
