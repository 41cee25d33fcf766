// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_table, tiny, by induction over the steps of its maintenance, for every hash (any_hash.sv).
//
// Rest: the engine could begin a step, or an insert waits for room. What holds at rest, and nothing more, is the
// invariant: no write is on its way; each entry in a bank is in its own slot, no key is in two places, each handle
// belongs to one entry or is free, and the books of the stash, the handles and the sweep are right.
// The proof begins at rest with anything that the invariant allows, one step runs, and at the next rest, which
// has to come in time, the invariant holds again. So it holds after any number of steps.
//
// One key, any, is followed. Lookups, of any keys, begin in every clock of the step; each is followed to its
// answer, into whatever comes after the step: the followed key hits with its handle and the action written last while
// it is there, and misses from the clock on in which its deletion is asked for.
//
// STEP chooses the step; what is not one of the others is a part of the sweep, so none is left out.
// StepNew is where it all begins: after a reset the invariant holds.

`include "hp_assert.svh"

module fv_table
  import hp_abi_pkg::*;
#(
  parameter int unsigned STEP  = 0,
  parameter int unsigned STEP_CLOCKS = 60,  // within so many the next rest comes
  parameter int unsigned KEY_W = 3,
  parameter int unsigned ACT_W = 1,
  parameter int unsigned STASH = 3,
  parameter int unsigned MOVES = 1,
  localparam int unsigned DEPTH = 2,
  localparam int unsigned HandleW = 3,
  localparam int unsigned PlaceW = 4
) (
  input logic               clk_i,
  input logic [31:0]        any_slots_i,    // of each key in each bank
  input logic [KEY_W-1:0]   any_key_i,      // the key that is followed
  input logic [PlaceW-1:0]  any_place_i,
  input logic [HandleW-1:0] any_handle_i,
  input logic               any_judged_i,
  input logic [KEY_W-1:0]   key_i,
  input logic               req_valid_i,
  input logic [1:0]         req_op_i,
  input logic [PlaceW-1:0]  req_place_i,
  input logic [KEY_W-1:0]   req_key_i,
  input logic [ACT_W-1:0]   req_act_i,
  input logic               own_live_i,
  input logic               own_aged_i,
  input logic               own_ok_i,
  input logic               own_wash_i,
  input logic [ACT_W-1:0]   own_act_i,
  input logic               sweep_start_i
);
  localparam int unsigned StepInsert = 0;
  localparam int unsigned StepPlace  = 1;   // the rest of an insert, once there is room, or none
  localparam int unsigned StepDelete = 2;
  localparam int unsigned StepLookup = 3;   // or a read
  localparam int unsigned StepWalk   = 4;   // on its own, or because an insert needs room
  localparam int unsigned StepSweep  = 5;
  localparam int unsigned StepNew    = 6;

  localparam int unsigned StIdle  = 0;      // states of hp_table_maint
  localparam int unsigned StOffer = 1;
  localparam int unsigned StRoom  = 14;

  localparam int unsigned Handles = 4 * DEPTH;
  localparam int unsigned Places  = 4 * DEPTH + STASH;
  localparam int unsigned EntryW  = 1 + HandleW + KEY_W;
  localparam int unsigned EL      = 9;      // changes count for keys of so many clocks before
  localparam int unsigned AL      = EL + 2; // and actions
  localparam int unsigned Clocks  = 14;     // key to hit

  typedef struct packed {
    logic               valid;
    logic [HandleW-1:0] handle;
    logic [KEY_W-1:0]   key;
  } entry_t;

  // ---- Time, and what is chosen once ----

  // The reset of StepNew takes eight clocks: the engine's pipelines have none of their own and run empty meanwhile.
  logic       first_q = 1'b1, rst_n;
  logic [6:0] clock_q = '0;
  assign rst_n = (STEP != StepNew) || clock_q > 7'd7;
  logic [31:0]        slots, slots_q;
  logic [KEY_W-1:0]   any_key, any_key_q;
  logic [PlaceW-1:0]  any_place, any_place_q;
  logic [HandleW-1:0] any_handle, any_handle_q;
  assign slots      = first_q ? any_slots_i : slots_q;
  assign any_key    = first_q ? any_key_i : any_key_q;
  assign any_handle = first_q ? any_handle_i : any_handle_q;
  assign any_place  = !first_q ? any_place_q : (32'(any_place_i) < Places) ? any_place_i : '0;
  always_ff @(posedge clk_i) begin
    first_q      <= 1'b0;
    clock_q      <= clock_q + 7'(clock_q != '1);
    slots_q      <= slots;
    any_key_q    <= any_key;
    any_place_q  <= any_place;
    any_handle_q <= any_handle;
  end
  logic [127:0] seed;
  assign seed = {24'd0, slots[31:24], 24'd0, slots[23:16], 24'd0, slots[15:8], 24'd0, slots[7:0]};

  // ---- The table and its user ----

  logic               hit, req_ready, rsp_valid, rsp_entry, own_valid, chg_insert, chg_delete, chg_aged,
                      chg_update, chg_dead, sweep_begin, sweep_done, move;
  logic [HandleW-1:0] handle, rsp_handle, chg_handle;
  logic [ACT_W-1:0]   act, rsp_act;
  logic [3:0]         rsp_status, op, op_q, own_status;
  logic [KEY_W-1:0]   own_key, rsp_key, chg_key;

  assign op = (req_op_i == 2'd0) ? OP_INSERT : (req_op_i == 2'd1) ? OP_DELETE :
              (req_op_i == 2'd2) ? OP_LOOKUP : OP_READ;
  assign own_status = own_ok_i ? ST_OK : ST_REFUSED;

  // What is washed stays the same until it has been taken.
  logic [ACT_W-1:0] washed, washed_q;
  logic [4:0]       since_q = '0;   // clocks since the owner was asked
  assign washed = since_q[4] ? washed_q : own_act_i;
  always_ff @(posedge clk_i) begin
    since_q  <= {since_q[3:0], own_valid};
    washed_q <= washed;
  end

  hp_table #(
    .KEY_W(KEY_W), .ACT_W(ACT_W), .DEPTH(DEPTH), .STASH(STASH), .MOVES(MOVES), .COPIES(1), .EXTRA(1'b0)
  ) u_dut (
    .clk_i, .rst_ni(rst_n), .seed_i(seed),
    .key_i, .hit_o(hit), .handle_o(handle), .act_o(act), .mix_o(),
    .req_valid_i(req_valid_i && rst_n), .req_ready_o(req_ready), .req_op_i(op),
    .req_place_i, .req_key_i, .req_act_i,
    .rsp_valid_o(rsp_valid), .rsp_status_o(rsp_status), .rsp_entry_o(rsp_entry), .rsp_key_o(rsp_key),
    .rsp_act_o(rsp_act), .rsp_handle_o(rsp_handle),
    .own_valid_o(own_valid), .own_insert_o(), .own_sweep_o(), .own_found_o(), .own_key_o(own_key), .own_act_o(),
    .own_handle_o(), .own_live_i, .own_aged_i, .own_status_i(own_status),
    .own_wash_i, .own_act_i(washed),
    .chg_insert_o(chg_insert), .chg_delete_o(chg_delete), .chg_aged_o(chg_aged), .chg_update_o(chg_update),
    .chg_revive_o(), .chg_dead_o(chg_dead), .chg_key_o(chg_key), .chg_act_o(), .chg_handle_o(chg_handle),
    .sweep_start_i(sweep_start_i && rst_n), .sweep_busy_o(), .sweep_begin_o(sweep_begin), .sweep_done_o(sweep_done),
    .occupied_o(), .move_o(move)
  );

  logic [24:0] st;
  logic        rest;
  assign st   = u_dut.u_maint.st_q;
  assign rest = st[StIdle] || st[StOffer] || st[StRoom];

  // A request stays until its response; with that the next one may come.
  logic              valid_q, ready_q, busy, busy_q;
  logic [PlaceW-1:0] place_q;
  logic [KEY_W-1:0]  key_q;
  logic [ACT_W-1:0]  act_req_q;
  assign busy = first_q ? st[StRoom] : (busy_q || (valid_q && ready_q));
  always_ff @(posedge clk_i) begin
    valid_q <= req_valid_i && rst_n;
    ready_q <= req_ready;
    busy_q  <= rst_n && busy && !rsp_valid;
    {op_q, place_q, key_q, act_req_q} <= {op, req_place_i, req_key_i, req_act_i};
  end
  logic held, stays;
  assign held  = first_q || {op_q, place_q, key_q, act_req_q} == {op, req_place_i, req_key_i, req_act_i};
  assign stays = !first_q && valid_q && !ready_q;
  always_comb assume (!req_valid_i || op != OP_READ || 32'(req_place_i) < Places);
  always_comb assume (!(busy && !rsp_valid) || (held && !req_valid_i));
  always_comb assume (!stays || (held && req_valid_i));

  // ---- What the table holds ----

  entry_t [Places-1:0] entry;
  logic [Places-1:0]   in_slot;
  for (genvar b = 0; b < 4; b++) begin : gen_bank
    for (genvar s = 0; s < DEPTH; s++) begin : gen_slot
      assign entry[DEPTH*b+s]   = u_dut.gen_copy[0].u_lookup.gen_bank[b].u_ram.mem[s];
      assign in_slot[DEPTH*b+s] = slots[32'(8*b) + 32'(entry[DEPTH*b+s].key)] == 1'(s);
    end
  end
  for (genvar p = 0; p < STASH; p++) begin : gen_stash
    assign entry[4*DEPTH+p]   = u_dut.stash[p];
    assign in_slot[4*DEPTH+p] = 1'b1;
  end

  logic               here;
  logic [HandleW-1:0] here_handle;
  logic [ACT_W-1:0]   here_act;
  always_comb begin
    here        = 1'b0;
    here_handle = '0;
    for (int unsigned p = 0; p < Places; p++) begin
      if (entry[p].valid && entry[p].key == any_key) begin
        here = 1'b1;
        here_handle |= entry[p].handle;
      end
    end
    here_act = u_dut.gen_copy[0].u_lookup.u_act.mem[here_handle];
  end

  // ---- The invariant ----

  // Whatever holds for a key, a place and a handle that the solver chooses holds for all of them.
  logic [Places-1:0]  slot_bad, key_twice, handle_twice;
  logic [Handles-1:0] used, out;
  assign out = u_dut.u_handles.out_q;
  always_comb begin
    used = '0;
    for (int unsigned p = 0; p < Places; p++) begin
      slot_bad[p]     = entry[p].valid && !in_slot[p];
      key_twice[p]    = 1'b0;
      handle_twice[p] = 1'b0;
      for (int unsigned o = 0; o < p; o++) begin
        if (entry[p].valid && entry[o].valid) begin
          if (entry[p].key == entry[o].key) key_twice[p] = 1'b1;
          if (entry[p].handle == entry[o].handle) handle_twice[p] = 1'b1;
        end
      end
      if (entry[p].valid) used[entry[p].handle] = 1'b1;
    end
  end
  logic [Places-1:0] has_key, has_handle;
  always_comb begin
    for (int unsigned p = 0; p < Places; p++) begin
      has_key[p]    = entry[p].valid && entry[p].key == any_key;
      has_handle[p] = entry[p].valid && entry[p].handle == any_handle;
    end
  end

  // The stash is a ring: what is valid is among the places in use, and one is free for a victim.
  logic [1:0] head, tail, count;
  logic       stash_ok;
  assign head  = u_dut.u_stash.head_q;
  assign tail  = u_dut.u_stash.tail_q;
  assign count = u_dut.u_stash.count_q;
  function automatic int unsigned turn(input int unsigned pos);
    return (pos >= STASH) ? pos - STASH : pos;
  endfunction
  always_comb begin
    stash_ok = 32'(head) < STASH && 32'(tail) < STASH && 32'(count) < STASH &&
               32'(tail) == turn(32'(head) + 32'(count));
    for (int unsigned p = 0; p < STASH; p++) begin
      if (entry[4*DEPTH+p].valid && turn(p + STASH - 32'(head)) >= 32'(count)) stash_ok = 1'b0;
    end
    if (u_dut.u_stash.head_valid_o && (count == '0 || !entry[4*DEPTH+32'(head)].valid)) stash_ok = 1'b0;
    if (u_dut.u_stash.skip_q && (count == '0 || entry[4*DEPTH+32'(head)].valid)) stash_ok = 1'b0;
    if (u_dut.u_stash.room_o && 32'(count) > STASH - 2) stash_ok = 1'b0;
  end

  // No write, no change and no search is on its way; what a step relies on is as it was left.
  logic writes_done, engine_ok, insert_ok, sweep_ok, new_key;
  assign writes_done = u_dut.u_handles.since_q == '1 && u_dut.b_we == '0 && !u_dut.act_en && !u_dut.act_we &&
    !u_dut.stash_push && !u_dut.stash_clear && !u_dut.gen_copy[0].u_lookup.act_en_q && !u_dut.gen_copy[0].u_lookup.act_we_q &&
    !u_dut.gen_copy[0].u_lookup.gen_bank[0].b_we_q && !u_dut.gen_copy[0].u_lookup.gen_bank[1].b_we_q &&
    !u_dut.gen_copy[0].u_lookup.gen_bank[2].b_we_q && !u_dut.gen_copy[0].u_lookup.gen_bank[3].b_we_q;
  assign engine_ok = $onehot(st) && u_dut.u_maint.timer_q == 10'd1 && !u_dut.u_maint.last_q &&
    u_dut.u_maint.cmd_q == st[StRoom] && u_dut.u_maint.gave_q == '0 &&
    !u_dut.u_maint.u_find.load_q && u_dut.u_maint.u_find.scan_q == '0 &&
    !u_dut.u_maint.u_find.valid_q && !u_dut.u_maint.u_find.match_q &&
    (u_dut.u_maint.chg_wait_q == '0 || u_dut.u_maint.chg_q == '0) &&
    !chg_insert && !chg_delete && !chg_aged && !chg_update && !chg_dead &&
    u_dut.gen_copy[0].u_lookup.u_answer.ptr_q < 2'd3;
  always_comb begin
    new_key = 1'b1;
    for (int unsigned p = 0; p < Places; p++) begin
      if (entry[p].valid && entry[p].key == req_key_i) new_key = 1'b0;
    end
  end
  assign insert_ok = !st[StRoom] || (op == OP_INSERT && u_dut.u_maint.insert_q && !u_dut.u_maint.by_place_q &&
    u_dut.u_maint.status_q == ST_OK && u_dut.u_maint.entry_q && new_key &&
    u_dut.u_maint.steps_out_q == (32'(u_dut.u_maint.steps_q) == MOVES) && u_dut.u_maint.held_key_q == req_key_i &&
    u_dut.u_maint.held_act_q == req_act_i);
  assign sweep_ok = !u_dut.u_maint.sweeping_q ||
    (32'(u_dut.u_maint.sweep_place_q) <= Places &&
     u_dut.u_maint.sweep_end_q == (32'(u_dut.u_maint.sweep_place_q) == Places) &&
     (st[StIdle] || st[StRoom] || !u_dut.u_maint.sweep_end_q));

  logic quiet;
  assign quiet    = writes_done && engine_ok && insert_ok && sweep_ok;

  // ---- The step ----

  logic walks;
  logic [2:0] step;
  assign walks = u_dut.u_maint.stash_head_valid_i && !u_dut.u_maint.room_go && !u_dut.u_maint.room_none;
  always_comb begin
    if (st[StRoom]) step = walks ? 3'(StepWalk) : 3'(StepPlace);
    else if (st[StOffer] && req_valid_i) begin
      step = (op == OP_INSERT) ? 3'(StepInsert) : (op == OP_DELETE) ? 3'(StepDelete) : 3'(StepLookup);
    end
    else if (st[StOffer] && u_dut.u_stash.head_valid_o) step = 3'(StepWalk);
    else step = 3'(StepSweep);
  end

  if (STEP != StepNew) begin : gen_begin
    // The design's own assertion about matches counts from where the lookups of this step come to it: the step
    // before has answered for the others.
    always_comb assume (!first_q || (rest && step == 3'(STEP) && slot_bad == '0 && key_twice == '0 &&
                                     handle_twice == '0 && used == out && stash_ok && quiet && u_dut.gen_copy[0].u_lookup.warm_q == 4'd6));
  end

  logic runs_q = 1'b1, runs, over;
  assign over = runs_q && rest && rst_n && (STEP == StepNew || !first_q);   // the next rest
  assign runs = runs_q && !over;
  always_ff @(posedge clk_i) runs_q <= runs;
  `HP_ASSERT(Next_A, !runs || 32'(clock_q) < STEP_CLOCKS, clk_i, 1'b0)
  `HP_ASSERT(Slots_A, !over || !slot_bad[any_place], clk_i, 1'b0)
  `HP_ASSERT(Keys_A, !over || $onehot0(has_key), clk_i, 1'b0)
  `HP_ASSERT(Handles_A, !over || ($onehot0(has_handle) && (|has_handle) == out[any_handle]), clk_i, 1'b0)
  `HP_ASSERT(Stash_A, !over || stash_ok, clk_i, 1'b0)
  `HP_ASSERT(Quiet_A, !over || quiet, clk_i, 1'b0)

  // ---- The key that is followed ----

  logic                  washes;
  logic [2:0]            wash_q = '0;
  logic [2:0][ACT_W-1:0] wash_act_q;
  logic               there_q, there, mine;
  logic [ACT_W-1:0]   act_q, act_d;
  logic [HandleW-1:0] handle_q, handle_d;
  assign mine     = chg_key == any_key;
  assign there    = first_q ? here : (there_q || (chg_insert && mine)) &&
                                     !((chg_delete || chg_aged || chg_dead) && mine);
  assign act_d    = first_q ? here_act : ((chg_insert || chg_update) && mine) ? req_act_i :
                    wash_q[2] ? wash_act_q[2] : act_q;
  assign handle_d = first_q ? here_handle : (chg_insert && mine) ? chg_handle : handle_q;
  always_ff @(posedge clk_i) {there_q, act_q, handle_q} <= {there, act_d, handle_d};

  // The owner's word, four clocks after it was asked. What is dead may go from then on; that, and what is too old,
  // is gone at the next rest.
  logic [3:0] asked_q = '0;
  logic       live_q, judges, doomed, goes, doomed_q = 1'b0, goes_q = 1'b0;
  always_ff @(posedge clk_i) begin
    asked_q <= {asked_q[2:0], own_valid};
    if (asked_q[3]) live_q <= own_live_i;
    doomed_q <= doomed;
    goes_q   <= goes;
  end
  assign judges = asked_q[3] && own_key == any_key &&
                  (u_dut.u_maint.job_q.head || u_dut.u_maint.job_q.victim || u_dut.u_maint.job_q.sweep);
  assign doomed = doomed_q || (judges && !own_live_i);
  assign goes   = goes_q || (judges && (!own_live_i || (own_aged_i && u_dut.u_maint.job_q.sweep)));

  // What stays and is to have another action, has it three clocks later.
  assign washes = judges && own_wash_i && own_live_i && !(own_aged_i && u_dut.u_maint.job_q.sweep);
  always_ff @(posedge clk_i) begin
    wash_q     <= {wash_q[1:0], washes};
    wash_act_q <= {wash_act_q[1:0], washed};
  end

  // The sweep: what it has not come to yet, and what was there when it began, has been judged since.
  logic judged, judged_q, passed;
  logic [PlaceW-1:0] sweep_place;
  assign sweep_place = u_dut.u_maint.sweep_place_q;
  assign judged = first_q ? any_judged_i : !sweep_begin && (judged_q || judges ||
                                                            ((chg_insert || chg_update) && mine));
  always_ff @(posedge clk_i) judged_q <= judged;
  always_comb begin
    passed = 1'b0;
    for (int unsigned p = 0; p < Places; p++) begin
      if (has_key[p] && p < 32'(sweep_place)) passed = 1'b1;
    end
  end
  logic visited;
  assign visited = !u_dut.u_maint.sweeping_q || judged || !passed;
  always_comb assume (!first_q || visited || STEP == StepNew);

  // What a lookup has to find is settled EL clocks after its key, its action AL clocks after. A deletion
  // counts if it is asked for a clock after the key.
  logic dying;
  assign dying = op == OP_DELETE && req_key_i == any_key && (req_valid_i || (busy && !rsp_valid)) && rst_n;

  logic [Clocks-1:0]                 look_q = '0;
  logic [Clocks-1:0]                 doomed_past_q;
  logic [Clocks-2:0]                 dying_past_q;
  logic [Clocks-EL-1:0]              there_past_q;
  logic [Clocks-EL-1:0][HandleW-1:0] handle_past_q;
  logic [Clocks-AL-1:0][ACT_W-1:0]   act_past_q;
  always_ff @(posedge clk_i) begin
    look_q        <= {look_q[Clocks-2:0], runs && key_i == any_key && STEP != StepNew};
    doomed_past_q <= {doomed_past_q[Clocks-2:0], doomed};
    dying_past_q  <= {dying_past_q[Clocks-3:0], dying};
    there_past_q  <= {there_past_q[Clocks-EL-2:0], there};
    handle_past_q <= {handle_past_q[Clocks-EL-2:0], handle_d};
    act_past_q    <= {act_past_q[Clocks-AL-2:0], act_d};
  end
  logic               look, want, deleted, free_to_go;
  logic [HandleW-1:0] want_handle;
  logic [ACT_W-1:0]   want_act;
  assign look        = look_q[Clocks-1];
  assign want        = there_past_q[Clocks-EL-1];
  assign want_handle = handle_past_q[Clocks-EL-1];
  assign want_act    = act_past_q[Clocks-AL-1];
  assign deleted     = dying_past_q[Clocks-2];
  assign free_to_go  = doomed_past_q[Clocks-1];

  if (STEP != StepNew) begin : gen_lookups
    `HP_ASSERT(NoMiss_A, !(look && want && !deleted && !free_to_go) || hit, clk_i, 1'b0)
    `HP_ASSERT(NoStray_A, !(look && hit) || want, clk_i, 1'b0)
    `HP_ASSERT(AtOnce_A, !(look && deleted) || !hit, clk_i, 1'b0)
    `HP_ASSERT(Handle_A, !(look && hit) || handle == want_handle, clk_i, 1'b0)
    `HP_ASSERT(Act_A, !(look && hit) || act == want_act, clk_i, 1'b0)
    // What was followed is what is there.
    `HP_ASSERT(Followed_A, !over || (here == there && (!here || (here_handle == handle_d && here_act == act_d))),
               clk_i, 1'b0)
  end

  if (STEP != StepNew) begin : gen_swept
    `HP_ASSERT(Visited_A, !over || visited, clk_i, 1'b0)
  end
  if (STEP == StepSweep) begin : gen_sweep
    `HP_ASSERT(Swept_A, first_q || !sweep_done || !here || judged, clk_i, 1'b0)
  end
  if (STEP == StepWalk || STEP == StepSweep) begin : gen_goes
    `HP_ASSERT(Goes_A, !(over && goes) || !here, clk_i, 1'b0)
  end

  // ---- What a command answers is so ----

  logic about, so;
  assign about = runs && rsp_valid && key_q == any_key;
  assign so    = rsp_key == any_key && rsp_handle == handle_d && rsp_act == act_d;
  if (STEP == StepInsert || STEP == StepPlace) begin : gen_insert
    `HP_ASSERT(Inserted_A, !(about && rsp_status inside {ST_OK, ST_UPDATED}) || (there && rsp_entry && so),
               clk_i, 1'b0)
  end
  if (STEP == StepPlace) begin : gen_place
    `HP_ASSERT(Full_A, !(about && rsp_status == ST_FULL) || !(there || rsp_entry), clk_i, 1'b0)
  end
  if (STEP == StepDelete) begin : gen_delete
    `HP_ASSERT(Deleted_A, !about || !there, clk_i, 1'b0)
  end
  if (STEP == StepLookup) begin : gen_lookup
    entry_t at;
    assign at = entry[place_q];
    `HP_ASSERT(Found_A, !(about && op_q == OP_LOOKUP) || (rsp_entry == (there && live_q) && (!rsp_entry || so)),
               clk_i, 1'b0)
    `HP_ASSERT(Read_A, !(runs && rsp_valid && op_q == OP_READ) ||
                       (rsp_entry == (at.valid && live_q) &&
                        (!rsp_entry || {1'b1, rsp_handle, rsp_key} == at)), clk_i, 1'b0)
  end

  // ---- Cases: the step did what it is there for, and the lookups after it are answered ----

  logic did, did_q = 1'b0, room_q = 1'b0, updated_q = 1'b0;
  logic [Clocks+1:0] over_q = '0;
  always_comb begin
    unique case (STEP)
      StepInsert: did = st[StRoom];
      StepPlace:  did = chg_insert && mine;
      StepDelete: did = chg_delete && mine;
      StepLookup: did = rsp_valid && rsp_entry;
      StepWalk:   did = move;
      StepSweep:  did = chg_aged && mine;
      default:    did = rst_n;
    endcase
  end
  always_ff @(posedge clk_i) begin
    if (runs_q && !first_q && did) did_q <= 1'b1;
    if (runs_q && chg_update && mine) updated_q <= 1'b1;
    if (first_q) room_q <= st[StRoom];
    over_q <= {over_q[Clocks:0], over};
  end
  // Nothing is asked beyond the answers.
  always_comb assume (!over_q[Clocks+1]);
  `HP_ASSERT(Done_C, !(over_q[Clocks-1] && did_q), clk_i, 1'b0)
  if (STEP == StepInsert) begin : gen_update
    `HP_ASSERT(Updated_C, !(over_q[Clocks-1] && updated_q), clk_i, 1'b0)
  end
  if (STEP == StepWalk) begin : gen_for_insert
    `HP_ASSERT(ForInsert_C, !(over_q[Clocks-1] && did_q && room_q), clk_i, 1'b0)
  end
endmodule
