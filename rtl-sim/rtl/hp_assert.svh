// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Assertions that really run: on under Verilator (build with --assert) and in formal, absent from
// synthesis (define SYNTHESIS). A failure ends the simulation and names the instance.
//
//   `HP_ASSERT(NoOverflow_A, !(push_i && full))            clock clk_i, off while !rst_ni
//   `HP_ASSERT(NoOverflow_A, !(push_i && full), clk, rst)  other clock, other (active-high) reset
//   `HP_ASSERT_INIT(Width_A, WIDTH > 0)                    a parameter check at time 0
//
// `prop` is a plain boolean of the current cycle: write an implication as `!a || b`.

`ifndef HP_ASSERT_SVH
`define HP_ASSERT_SVH

`ifdef SYNTHESIS
`define HP_ASSERT(name_, prop_, clk_ = clk_i, rst_ = !rst_ni)
`define HP_ASSERT_INIT(name_, cond_)
`elsif FORMAL
`define HP_ASSERT(name_, prop_, clk_ = clk_i, rst_ = !rst_ni) \
  always @(posedge clk_) if (!(rst_)) name_: assert (prop_);
`define HP_ASSERT_INIT(name_, cond_) \
  initial name_: assert (cond_);
`else
`define HP_ASSERT(name_, prop_, clk_ = clk_i, rst_ = !rst_ni) \
  name_: assert property (@(posedge clk_) disable iff (rst_) (prop_)) \
    else $fatal(1, "HP_ASSERT failed: %m: %s", `"name_`");
`define HP_ASSERT_INIT(name_, cond_) \
  initial begin : name_ \
    if (!(cond_)) $fatal(1, "HP_ASSERT_INIT failed: %m: %s", `"name_`"); \
  end
`endif

`endif
