// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_table, tiny and in use: the banks hold entries, one or none in each, and one command comes, an insert, a delete
// or a lookup of any key. Whatever the walk then moves, each entry hits in every clock until it is deleted, with
// its own handle and the action written last, and no other key hits. The key that is followed is looked up in
// every clock. Handles 4 to 7 belong to the entries in the banks, a new one gets another.
//
// With WALK the command is an insert of a new key whose four slots are all taken, so that an entry has to move.

`include "hp_assert.svh"

module fv_table
  import hp_abi_pkg::*;
#(
  parameter int unsigned KEY_W = 3,
  parameter int unsigned ACT_W = 1,
  parameter int unsigned STASH = 3,
  parameter int unsigned MOVES = 1,
  parameter bit WALK = 1'b0,
  localparam bit EXTRA = 1'b0
) (
  input logic             clk_i,
  input logic [KEY_W-1:0] any_key_i,    // the key that is followed
  input logic [KEY_W-1:0] new_key_i,
  input logic [ACT_W-1:0] new_act_i,
  input logic             new_i,
  input logic [1:0]       op_i
);
  localparam int unsigned DEPTH = 2;
  localparam int unsigned HandleW = 3;
  localparam int unsigned EntryW = 1 + HandleW + KEY_W;
  localparam int unsigned EL = EXTRA ? 6 : 9;        // changes count for keys of so many clocks before
  localparam int unsigned AL = EL + 2;               // and rewritten actions
  localparam int unsigned Clocks = EXTRA ? 10 : 14;  // key to hit
  localparam int unsigned Steps = 20;                // from a move to the answers of lookups after it
  localparam logic [127:0] Seed = 128'h3b1f_92c4_77a0_5d1e_c6e8_0f43_9a2b_d175;

  // A reset of eight clocks: the engine's pipelines have none of their own and run empty meanwhile.
  logic [3:0] up_q = 4'd0;
  logic       rst_n;
  always_ff @(posedge clk_i) up_q <= up_q + 4'(!up_q[3]);
  assign rst_n = up_q[3];

  logic               hit, req_ready, rsp_valid, rsp_entry, chg_insert, chg_delete,
                      chg_update, move;
  logic [HandleW-1:0] handle, chg_handle;
  logic [ACT_W-1:0]   act, own_act;
  logic [3:0]         rsp_status;
  logic [KEY_W-1:0]   chg_key;

  // One command, if any; its request stays.
  logic first_q = 1'b1, asked_q, new_q;
  logic [KEY_W-1:0] any_key_q, new_key_q;
  logic [ACT_W-1:0] new_act_q;
  logic [1:0]       op_q;
  logic [3:0]       op;
  assign op = (op_i == 2'd0) ? OP_INSERT : (op_i == 2'd1) ? OP_DELETE : OP_LOOKUP;
  always_ff @(posedge clk_i) begin
    first_q <= 1'b0;
    {any_key_q, new_key_q, new_act_q, new_q, op_q} <=
      {any_key_i, new_key_i, new_act_i, new_i, op_i};
    asked_q <= rst_n && (asked_q || (new_i && req_ready));
  end
  always_comb assume (first_q || {any_key_q, new_key_q, new_act_q, new_q, op_q} ==
                                 {any_key_i, new_key_i, new_act_i, new_i, op_i});

  hp_table #(
    .KEY_W(KEY_W), .ACT_W(ACT_W), .DEPTH(DEPTH), .STASH(STASH), .MOVES(MOVES), .COPIES(1), .EXTRA(EXTRA)
  ) u_dut (
    .clk_i, .rst_ni(rst_n), .seed_i(Seed),
    .key_i(any_key_i), .hit_o(hit), .handle_o(handle), .act_o(act),
    .req_valid_i(rst_n && new_i && !asked_q), .req_ready_o(req_ready), .req_op_i(op),
    .req_place_i('0), .req_key_i(new_key_i), .req_act_i(new_act_i),
    .rsp_valid_o(rsp_valid), .rsp_status_o(rsp_status), .rsp_entry_o(rsp_entry), .rsp_key_o(), .rsp_act_o(),
    .rsp_handle_o(),
    .own_valid_o(), .own_insert_o(), .own_sweep_o(), .own_found_o(), .own_key_o(), .own_act_o(own_act),
    .own_handle_o(), .own_live_i(1'b1), .own_aged_i(1'b0), .own_status_i(ST_OK),
    .chg_insert_o(chg_insert), .chg_delete_o(chg_delete), .chg_aged_o(), .chg_update_o(chg_update),
    .chg_revive_o(), .chg_dead_o(), .chg_key_o(chg_key), .chg_act_o(), .chg_handle_o(chg_handle),
    .sweep_start_i(1'b0), .sweep_busy_o(), .sweep_begin_o(), .sweep_done_o(), .occupied_o(),
    .move_o(move)
  );

  // What is in the banks to begin with: in its own slot, one in each at most, no key twice.
  logic [3:0][EntryW-1:0] entry;
  logic [3:0]             slot_ok, valid, here, in_way;
  logic [ACT_W-1:0]       here_act;
  logic [HandleW-1:0]     here_handle;
  logic                   apart;
  for (genvar b = 0; b < 4; b++) begin : gen_bank
    logic [1:0][EntryW-1:0] slots;
    logic                   slot, new_slot;
    assign slots[0] = u_dut.gen_copy[0].u_lookup.gen_bank[b].u_ram.mem[0];
    assign slots[1] = u_dut.gen_copy[0].u_lookup.gen_bank[b].u_ram.mem[1];
    assign entry[b] = slots[0][EntryW-1] ? slots[0] : slots[1];
    assign valid[b] = entry[b][EntryW-1];
    hp_hash #(.BANK(b), .IDX_W(1)) u_dut_hash (
      .clk_i, .seed_i(Seed), .key_i(60'(entry[b][KEY_W-1:0])), .idx_o(slot)
    );
    hp_hash #(.BANK(b), .IDX_W(1)) u_dut_new_hash (
      .clk_i, .seed_i(Seed), .key_i(60'(new_key_i)), .idx_o(new_slot)
    );
    assign in_way[b]  = slots[new_slot][EntryW-1] && entry[b][KEY_W-1:0] != new_key_i;
    assign slot_ok[b] = !valid[b] || (!(slots[0][EntryW-1] && slots[1][EntryW-1]) &&
                                      slots[slot][EntryW-1] && entry[b][KEY_W +: HandleW] == 3'(4 + b));
    assign here[b]    = valid[b] && entry[b][KEY_W-1:0] == any_key_i;
  end
  always_comb begin
    apart       = 1'b1;
    here_act    = '0;
    here_handle = '0;
    for (int unsigned b = 0; b < 4; b++) begin
      for (int unsigned c = 0; c < b; c++) begin
        if (valid[b] && valid[c] && entry[b][KEY_W-1:0] == entry[c][KEY_W-1:0]) apart = 1'b0;
      end
      if (here[b]) here_handle = 3'(4 + b);
    end
    here_act = u_dut.gen_copy[0].u_lookup.u_act.mem[here_handle];
  end
  always_comb assume (up_q != 4'd5 || (apart && (&slot_ok) && (!WALK || (&in_way))));
  always_comb assume (!WALK || (new_i && op_i == 2'd0));

  // The key that is followed.
  logic               there_q, there, mine;
  logic [ACT_W-1:0]   act_q, act_d;
  logic [HandleW-1:0] handle_q, handle_d;
  assign mine     = rst_n && chg_key == any_key_i;
  assign there    = (there_q || (chg_insert && mine)) && !(chg_delete && mine);
  assign act_d    = ((chg_insert || chg_update) && mine) ? new_act_i : act_q;
  assign handle_d = (chg_insert && mine) ? chg_handle : handle_q;
  always_ff @(posedge clk_i) begin
    there_q  <= rst_n ? there : |here;
    act_q    <= rst_n ? act_d : here_act;
    handle_q <= rst_n ? handle_d : here_handle;
  end

  // What a lookup has to find is settled EL clocks after its key, its action AL clocks after.
  logic [Clocks-1:0]                 look_q;
  logic [Clocks-EL-1:0]              there_past_q;
  logic [Clocks-EL-1:0][HandleW-1:0] handle_past_q;
  logic [Clocks-AL-1:0][ACT_W-1:0]   act_past_q;
  always_ff @(posedge clk_i) begin
    look_q        <= rst_n ? {look_q[Clocks-2:0], 1'b1} : '0;
    there_past_q  <= {there_past_q[Clocks-EL-2:0], there};
    handle_past_q <= {handle_past_q[Clocks-EL-2:0], handle_d};
    act_past_q    <= {act_past_q[Clocks-AL-2:0], act_d};
  end
  logic               look, want;
  logic [HandleW-1:0] want_handle;
  logic [ACT_W-1:0]   want_act;
  assign look        = look_q[Clocks-1];
  assign want        = there_past_q[Clocks-EL-1];
  assign want_handle = handle_past_q[Clocks-EL-1];
  assign want_act    = act_past_q[Clocks-AL-1];

  `HP_ASSERT(NoMiss_A, !(look && want) || hit, clk_i, !rst_n)
  `HP_ASSERT(NoStray_A, !(look && hit) || want, clk_i, !rst_n)
  `HP_ASSERT(Handle_A, !(look && hit) || handle == want_handle, clk_i, !rst_n)
  `HP_ASSERT(Act_A, !(look && hit) || act == want_act, clk_i, !rst_n)

  // What the command answered is so.
  logic about;
  assign about = rsp_valid && new_key_i == any_key_i;
  `HP_ASSERT(Inserted_A, !(about && op == OP_INSERT && rsp_status inside {ST_OK, ST_UPDATED}) || there,
             clk_i, !rst_n)

  // Cases: an entry was moved out of the way, and lookups that began after it are answered; a delete is.
  if (WALK) begin : gen_walk
    logic [Steps-1:0] moved_q;
    always_ff @(posedge clk_i) moved_q <= rst_n ? {moved_q[Steps-2:0], move} : '0;
    `HP_ASSERT(Moved_C, !moved_q[0], clk_i, !rst_n)
    `HP_ASSERT(Placed_C, !moved_q[Steps-1], clk_i, !rst_n)
  end else begin : gen_command
    `HP_ASSERT(Deleted_A, !(about && op == OP_DELETE) || !there, clk_i, !rst_n)
    `HP_ASSERT(Found_A, !(about && op == OP_LOOKUP) || rsp_entry == there, clk_i, !rst_n)
    `HP_ASSERT(Gone_C, !(look && !want && want_handle[2]), clk_i, !rst_n)
  end
endmodule
