// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_table, tiny, with every command and every lookup there could be: one key, any, is followed. It hits from
// the clock that `chg_insert_o` promises until the one of `chg_delete/aged_o`, with the action that was
// written last; a dead entry never hits; what a command answered is so.
// An entry's action says in bit 0 whether it lives.

`include "hp_assert.svh"

module fv_table
  import hp_abi_pkg::*;
#(
  parameter int unsigned KEY_W = 3,
  parameter int unsigned ACT_W = 2,
  parameter int unsigned DEPTH = 2,
  parameter int unsigned STASH = 3,
  parameter int unsigned MOVES = 1,
  parameter bit EXTRA = 1'b0,
  localparam int unsigned SlotW = $clog2(DEPTH),
  localparam int unsigned HandleW = SlotW + 2,
  localparam int unsigned PlaceW = HandleW + 1
) (
  input logic              clk_i,
  input logic [KEY_W-1:0]  any_key_i,
  input logic [KEY_W-1:0]  key_i,
  input logic              req_valid_i,
  input logic [1:0]        req_op_i,
  input logic [PlaceW-1:0] req_place_i,
  input logic [KEY_W-1:0]  req_key_i,
  input logic [ACT_W-1:0]  req_act_i,
  input logic              own_aged_i,
  input logic              own_refuse_i,
  input logic              sweep_start_i
);
  localparam int unsigned EL = EXTRA ? 6 : 9;        // changes count for keys of so many clocks before
  localparam int unsigned AL = EL + 2;               // and rewritten actions
  localparam int unsigned Clocks = EXTRA ? 10 : 14;  // key to hit
  localparam int unsigned Places = 4 * DEPTH + STASH;

  // A reset of eight clocks: the engine's pipelines have none of their own and run empty meanwhile.
  logic [3:0] up_q = 4'd0;
  logic       rst_n;
  always_ff @(posedge clk_i) up_q <= up_q + 4'(!up_q[3]);
  assign rst_n = up_q[3];

  logic               hit, req_ready, rsp_valid, rsp_entry, own_valid, own_insert, own_sweep, own_found;
  logic [HandleW-1:0] handle, rsp_handle, own_handle, chg_handle;
  logic [ACT_W-1:0]   act, rsp_act, own_act, chg_act;
  logic [KEY_W-1:0]   rsp_key, own_key, chg_key;
  logic [3:0]         op, rsp_status;
  logic               chg_insert, chg_delete, chg_aged, chg_update, chg_revive, chg_dead;
  logic               sweep_busy, sweep_begin, sweep_done, move;
  logic [HandleW:0]   occupied;

  assign op = (req_op_i == 2'd0) ? OP_INSERT : (req_op_i == 2'd1) ? OP_DELETE :
              (req_op_i == 2'd2) ? OP_LOOKUP : OP_READ;

  hp_table #(
    .KEY_W(KEY_W), .ACT_W(ACT_W), .DEPTH(DEPTH), .STASH(STASH), .MOVES(MOVES), .COPIES(1),
    .EXTRA(EXTRA)
  ) u_dut (
    .clk_i, .rst_ni(rst_n), .seed_i(128'h3b1f_92c4_77a0_5d1e_c6e8_0f43_9a2b_d175),
    .key_i, .hit_o(hit), .handle_o(handle), .act_o(act),
    .req_valid_i, .req_ready_o(req_ready), .req_op_i(op), .req_place_i, .req_key_i, .req_act_i,
    .rsp_valid_o(rsp_valid), .rsp_status_o(rsp_status), .rsp_entry_o(rsp_entry), .rsp_key_o(rsp_key),
    .rsp_act_o(rsp_act), .rsp_handle_o(rsp_handle),
    .own_valid_o(own_valid), .own_insert_o(own_insert), .own_sweep_o(own_sweep), .own_found_o(own_found),
    .own_key_o(own_key), .own_act_o(own_act), .own_handle_o(own_handle),
    .own_live_i(own_act[0]), .own_aged_i, .own_status_i(own_refuse_i ? 4'd9 : ST_OK),
    .chg_insert_o(chg_insert), .chg_delete_o(chg_delete), .chg_aged_o(chg_aged), .chg_update_o(chg_update),
    .chg_revive_o(chg_revive), .chg_dead_o(chg_dead), .chg_key_o(chg_key), .chg_act_o(chg_act),
    .chg_handle_o(chg_handle),
    .sweep_start_i, .sweep_busy_o(sweep_busy), .sweep_begin_o(sweep_begin), .sweep_done_o(sweep_done),
    .occupied_o(occupied), .move_o(move)
  );

  // The environment: a request stays until it is answered.
  logic               first_q = 1'b1, offered_q = 1'b0, busy_q = 1'b0;
  logic [KEY_W-1:0]   any_key_q, req_key_q;
  logic [ACT_W-1:0]   req_act_q;
  logic [PlaceW-1:0]  req_place_q;
  logic [1:0]         req_op_q;
  always_ff @(posedge clk_i) begin
    first_q     <= 1'b0;
    any_key_q   <= any_key_i;
    req_key_q   <= req_key_i;
    req_act_q   <= req_act_i;
    req_place_q <= req_place_i;
    req_op_q    <= req_op_i;
    offered_q   <= rst_n && req_valid_i && !req_ready;
    busy_q      <= rst_n && ((req_valid_i && req_ready) || (busy_q && !rsp_valid));
  end
  always_comb begin
    assume (first_q || any_key_i == any_key_q);
    assume (32'(req_place_i) < Places);
    assume (!(offered_q || busy_q) ||
            {req_key_i, req_act_i, req_place_i, req_op_i} == {req_key_q, req_act_q, req_place_q, req_op_q});
    assume (!offered_q || req_valid_i);
    assume (!busy_q || !req_valid_i);
    assume (rst_n || !req_valid_i);
  end

  // The key that is followed.
  logic             mine, there_q, there;
  logic [ACT_W-1:0] act_q, act_d;
  logic [HandleW-1:0] handle_q, handle_d;
  assign mine  = chg_key == any_key_i;
  assign there = (there_q || (chg_insert && mine)) && !((chg_delete || chg_aged || chg_dead) && mine);
  assign act_d = ((chg_insert || chg_update) && mine) ? chg_act : act_q;
  assign handle_d = (chg_insert && mine) ? chg_handle : handle_q;
  always_ff @(posedge clk_i) begin
    there_q  <= rst_n && there;
    act_q    <= act_d;
    handle_q <= handle_d;
  end

  // What a lookup has to find is settled EL clocks after its key, its action AL clocks after.
  logic [Clocks-1:0]                 look_q;    // bit n: n+1 clocks ago
  logic [Clocks-EL-1:0]              there_past_q;
  logic [Clocks-EL-1:0][HandleW-1:0] handle_past_q;
  logic [Clocks-AL-1:0][ACT_W-1:0]   act_past_q;
  always_ff @(posedge clk_i) begin
    look_q        <= rst_n ? {look_q[Clocks-2:0], key_i == any_key_i} : '0;
    there_past_q  <= {there_past_q[Clocks-EL-2:0], there};
    handle_past_q <= {handle_past_q[Clocks-EL-2:0], handle_d};
    act_past_q    <= {act_past_q[Clocks-AL-2:0], act_d};
  end
  logic               look, want;
  logic [ACT_W-1:0]   want_act;
  assign look     = look_q[Clocks-1];
  assign want     = there_past_q[Clocks-EL-1];
  assign want_act = act_past_q[Clocks-AL-1];

  `HP_ASSERT(NoStray_A, !(look && hit) || want, clk_i, !rst_n)
  `HP_ASSERT(NoMiss_A, !(look && want && want_act[0]) || hit, clk_i, !rst_n)
  `HP_ASSERT(Act_A, !(look && hit) || act == want_act, clk_i, !rst_n)
  `HP_ASSERT(Handle_A, !(look && hit) || handle == handle_past_q[Clocks-EL-1], clk_i, !rst_n)

  // Answers.
  logic about;
  assign about = rsp_valid && (req_key_q == any_key_i);
  `HP_ASSERT(Inserted_A, !(about && req_op_q == 2'd0 && rsp_status inside {ST_OK, ST_UPDATED}) || there,
             clk_i, !rst_n)
  `HP_ASSERT(Deleted_A, !(about && req_op_q == 2'd1) || !there, clk_i, !rst_n)
  `HP_ASSERT(Found_A, !(about && req_op_q == 2'd2) || rsp_entry == (there && act_d[0]), clk_i, !rst_n)

  `HP_ASSERT(Once_A, !(chg_insert && mine && there_q), clk_i, !rst_n)
  `HP_ASSERT(Gone_A, !((chg_delete || chg_aged || chg_dead || chg_update) && mine) || there_q, clk_i, !rst_n)
  `HP_ASSERT(Alive_A, !(chg_dead && mine && act_q[0]), clk_i, !rst_n)
endmodule
