// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_epochs and hp_tbl_sweep with an engine that does what hp_table promises: a sweep judges every entry once at least
// between its begin and its end, and what is dead then is gone. One entry, any, is followed: once an
// invalidation has killed it, it never lives again, however often its epochs come round.
//
// Invalidations come whenever hp_tables lets them: not while `guard_o`, not in the clock of an insert.
// The epochs begin with any values, which covers those after their clearing.

`include "hp_assert.svh"

module fv_epochs
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned INST = 5,    // the entry's V.VLAN instance and vPort: all are alike
  parameter int unsigned PORT = 9
) (
  input logic       clk_i,
  input logic       bump_i,
  input logic       wash_i,
  input logic [1:0] scope_i,
  input logic [5:0] which_i,
  input logic       insert_i,
  input logic       no_port_i,   // the new entry depends on no vPort
  input logic       teacher_i,
  input logic       begin_i,
  input logic       judge_i,
  input logic       done_i,
  input logic       age_cmd_i,
  input logic       again_i
);
  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  // The entry that is followed; what it holds stays when it is gone.
  logic       there_q, killed_q, no_port_q, teacher_q, live, bump, insert;
  mac_seen_t  seen_q;

  logic         ready, guard, age_busy, start;
  logic [15:0]  age;
  logic [1:0]   top;
  epoch_t [1:0] teachers;
  epoch_t       inst, port;

  hp_epochs #(.TEACHERS(2), .INST_READS(1), .PORT_READS(1)) u_dut (
    .clk_i, .rst_ni(1'b1), .ready_o(ready), .bump_i(bump), .scope_i, .which_i,
    .teacher_o(teachers), .inst_i(6'(INST)), .inst_o(inst),
    .port_i(6'(PORT)), .port_o(port)
  );
  always_comb assume (rst_ni || ready);

  // The engine's sweep.
  logic want_q, sweeping_q, judged_q, begin_q, done_q;
  hp_tbl_sweep u_dut_sweep (
    .clk_i, .rst_ni, .bump_i(bump), .wash_i(wash_i && rst_ni), .guard_o(guard),
    .age_cmd_i(age_cmd_i && rst_ni && !age_busy), .age_cmd_age_i(16'd1), .age_cmd_top_i(2'd0),
    .age_busy_o(age_busy), .start_o(start), .begin_i(begin_q), .done_i(done_q),
    .again_i(again_i && sweeping_q), .age_o(age), .top_o(top)
  );
  always_ff @(posedge clk_i) begin
    begin_q <= 1'b0;
    done_q  <= 1'b0;
    if (!rst_ni) begin
      want_q     <= 1'b0;
      sweeping_q <= 1'b0;
      judged_q   <= 1'b0;
    end else begin
      if (sweeping_q) begin
        if (judge_i) judged_q <= 1'b1;
        if (done_i && (judged_q || !there_q)) begin
          sweeping_q <= 1'b0;
          done_q     <= 1'b1;
        end
      end else if (want_q && begin_i) begin
        sweeping_q <= 1'b1;
        judged_q   <= 1'b0;
        begin_q    <= 1'b1;
        want_q     <= 1'b0;
      end
      if (start) want_q <= 1'b1;
    end
  end

  assign bump   = bump_i && !guard && rst_ni;
  assign insert = insert_i && !bump && rst_ni;
  assign live   = teachers[teacher_q] == seen_q.teacher && inst == seen_q.inst &&
                  (no_port_q || port == seen_q.port);

  logic mine;
  always_comb begin
    unique case (scope_i)
      SCOPE_ALL:     mine = 1'b1;
      SCOPE_TEACHER: mine = which_i == 6'(teacher_q);
      SCOPE_VVLAN:   mine = which_i == 6'(INST);
      default:       mine = which_i == 6'(PORT) && !no_port_q;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      there_q  <= 1'b0;
      killed_q <= 1'b0;
    end else if (insert) begin
      there_q   <= 1'b1;
      killed_q  <= 1'b0;
      teacher_q <= teacher_i;
      no_port_q <= no_port_i;
      seen_q    <= '{teacher: teachers[teacher_i], inst: inst, port: port};
    end else begin
      if (there_q && bump && mine) killed_q <= 1'b1;
      // Judged in a sweep, or on a walk.
      if (judge_i && !live) there_q <= 1'b0;
    end
  end

  `HP_ASSERT(NeverAgain_A, !(there_q && killed_q && live))
  `HP_ASSERT(Killed_A, !there_q || live || killed_q)
  // Cases: an invalidation has to wait; the epochs of an entry come round when it is gone.
  `HP_ASSERT(Guard_C, !(guard && there_q && killed_q))
  `HP_ASSERT(Wrap_C, !(!there_q && killed_q && live))
endmodule
