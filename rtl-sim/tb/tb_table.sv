// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_table against a model that changes in the clock that `chg_*` promises: commands, random death and age,
// sweeps, and a lookup on every clock, most of them on keys that just changed or move. A live key never
// misses, an absent or dead one never hits, a new action shows from its clock on and not before.
// Tables are small, so that the walk never rests.
//
// bench: -GDEPTH=8 -GSTASH=4 -GMOVES=24 +clocks=600000
// bench: -GDEPTH=16 +clocks=600000
// bench: -GDEPTH=2 -GSTASH=3 -GMOVES=3 +clocks=600000
// bench: -GDEPTH=8 -GKEY_W=428 -GEXTRA=1'b1 -GCOPIES=1 -GACT_W=51 +clocks=600000
// bench: -GDEPTH=16 -GSTASH=5 -GKEY_W=428 -GEXTRA=1'b1 -GCOPIES=1 -GACT_W=51 -GMOVES=40 +clocks=600000

module tb_table #(
  parameter int unsigned KEY_W = 60,
  parameter int unsigned ACT_W = 34,
  parameter int unsigned DEPTH = 16,
  parameter int unsigned STASH = 8,
  parameter int unsigned MOVES = 64,
  parameter int unsigned COPIES = 2,
  parameter bit EXTRA = 1'b0
);
  import tb_pkg::*;
  import hp_abi_pkg::*;

  localparam int unsigned SlotW = $clog2(DEPTH), HandleW = SlotW + 2, PlaceW = HandleW + 1;
  localparam int unsigned Handles = 4 * DEPTH, Places = Handles + STASH;
  localparam int unsigned Pool = Handles + Handles / 4 + 8;
  localparam int unsigned EL = EXTRA ? 6 : 9, Latency = EXTRA ? 10 : 14;
  localparam int unsigned Groups = 8;
  localparam logic [3:0] StRefused = 4'd9, StQuota = 4'd8;

  typedef logic [KEY_W-1:0] key_t;
  typedef logic [ACT_W-1:0] act_t;   // group 2:0, epoch 18:3, age class 20:19, anything
  typedef logic [HandleW-1:0] handle_t;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic [127:0] seed;
  logic [COPIES-1:0][KEY_W-1:0] key = '0;
  logic [COPIES-1:0] hit;
  logic [COPIES-1:0][HandleW-1:0] handle;
  logic [COPIES-1:0][ACT_W-1:0] act;
  logic req_valid = 1'b0, req_ready, rsp_valid, rsp_entry;
  logic [3:0] req_op = OP_LOOKUP, rsp_status;
  logic [PlaceW-1:0] req_place = '0;
  key_t req_key = '0, rsp_key, own_key, chg_key;
  act_t req_act = '0, rsp_act, own_act, chg_act;
  handle_t rsp_handle, own_handle, chg_handle;
  logic own_valid, own_insert, own_sweep, own_found, own_live = 1'b0, own_aged = 1'b0;
  logic [3:0] own_status = '0;
  logic own_wash = 1'b0;
  act_t own_washed = '0;
  logic chg_insert, chg_delete, chg_aged, chg_update, chg_revive, chg_dead;
  logic sweep_start = 1'b0, sweep_busy, sweep_begin, sweep_done, move;
  logic [HandleW:0] occupied;

  hp_table #(
    .KEY_W(KEY_W), .ACT_W(ACT_W), .DEPTH(DEPTH), .STASH(STASH), .MOVES(MOVES), .COPIES(COPIES), .EXTRA(EXTRA)
  ) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .seed_i(seed),
    .key_i(key), .hit_o(hit), .handle_o(handle), .act_o(act), .mix_o(),
    .req_valid_i(req_valid), .req_ready_o(req_ready), .req_op_i(req_op), .req_place_i(req_place),
    .req_key_i(req_key), .req_act_i(req_act), .rsp_valid_o(rsp_valid), .rsp_status_o(rsp_status),
    .rsp_entry_o(rsp_entry), .rsp_key_o(rsp_key), .rsp_act_o(rsp_act), .rsp_handle_o(rsp_handle),
    .own_valid_o(own_valid), .own_insert_o(own_insert), .own_sweep_o(own_sweep), .own_found_o(own_found),
    .own_key_o(own_key), .own_act_o(own_act), .own_handle_o(own_handle),
    .own_live_i(own_live), .own_aged_i(own_aged), .own_status_i(own_status), .own_wash_i(own_wash), .own_act_i(own_washed),
    .chg_insert_o(chg_insert), .chg_delete_o(chg_delete), .chg_aged_o(chg_aged), .chg_update_o(chg_update),
    .chg_revive_o(chg_revive), .chg_dead_o(chg_dead), .chg_key_o(chg_key), .chg_act_o(chg_act),
    .chg_handle_o(chg_handle),
    .sweep_start_i(sweep_start), .sweep_busy_o(sweep_busy), .sweep_begin_o(sweep_begin),
    .sweep_done_o(sweep_done), .occupied_o(occupied), .move_o(move)
  );

  // The model. Key n of the pool is there if `there[n]`, with the action of its handle.
  key_t keys[Pool];
  bit there[Pool], doomed[Pool], dirty[Pool];
  handle_t handle_of[Pool];
  act_t act_of[Handles];
  int owner_of[Handles];               // key, or -1: the handle is free
  int unsigned n_there, fresh;
  logic [15:0] epoch[Groups];
  logic [1:0] age_class;
  bit ages, sweeping;

  function automatic bit alive(input act_t a);
    return a[18:3] == epoch[a[2:0]];
  endfunction

  // Random words as wide as a key or an action.
  function automatic key_t any_key();
    logic [KEY_W+31:0] k;
    k = '0;
    for (int unsigned n = 0; n < KEY_W; n += 32) k[n +: 32] = rnd();
    return k[KEY_W-1:0];
  endfunction
  function automatic act_t any_act();
    logic [63:0] a;
    a = {rnd(), rnd()};
    a[18:3] = epoch[a[2:0]];
    return a[ACT_W-1:0];
  endfunction

  int unsigned now;
  // The command under way.
  bit cmd, taken, asked, ans_live, saw_insert, saw_update, saw_revive, saw_delete, saw_dead;
  int cmd_key;
  logic [3:0] ans_status;
  int unsigned moves, refuse, die;     // refuse: percent of inserts; die: a group dies in one of so many clocks
  // The owner's last question.
  int unsigned answer_at, washed_at;   // its answer; when a new action counts that was the answer
  int unsigned n_washed;
  bit q_live, q_aged, q_insert, q_sweep, q_found;
  key_t q_key;
  act_t q_act;
  handle_t q_handle;
  // Lookups on their way, by the clock of their key. -1: a key that is in no pool.
  int look[64][COPIES];
  bit want_there[64][COPIES];
  bit killed[64][COPIES];              // its delete had been asked for
  handle_t want_handle[64][COPIES];
  act_t want_act[64][COPIES];
  // Keys that something happened to.
  int hot[4];

  int unsigned n_hit, n_miss, n_dead_hit, n_moves, n_full, n_insert, n_update, n_revive, n_delete, n_dead, n_aged,
               n_sweeps, n_refused, n_race, n_killed;
  int unsigned changed_at, n_quiet;
  bit walked;

  task automatic touch(input int n);
    hot[below(4)] = n;
  endtask

  task automatic observe_owner();
    if (own_valid) begin
      if (now < answer_at) $fatal(1, "a question before the answer");
      answer_at = now + 4;
      {q_insert, q_sweep, q_found, q_key, q_act, q_handle} = {own_insert, own_sweep, own_found, own_key, own_act,
                                                               own_handle};
      if (own_found) begin
        int n;
        n = owner_of[own_handle];
        if (n < 0) $fatal(1, "asked about handle %0d, which is free", own_handle);
        if (own_key !== keys[n] || own_act !== act_of[own_handle]) $fatal(1, "asked about the wrong entry");
        touch(n);
      end else if (own_act !== '0) begin
        $fatal(1, "an action without an entry");
      end
      if (own_insert && (!taken || req_op != OP_INSERT)) $fatal(1, "no insert is under way");
      if (own_insert && own_found != there[cmd_key]) $fatal(1, "insert: found %b", own_found);
      if (own_sweep && !sweeping) $fatal(1, "no sweep is under way");
    end
    if (now == answer_at) begin
      if ({q_insert, q_sweep, q_found, q_key, q_act, q_handle} !== {own_insert, own_sweep, own_found, own_key,
          own_act, own_handle}) $fatal(1, "the question changed before the answer");
      q_live = own_found && alive(own_act);
      q_aged = ages && own_act[20:19] == age_class;
      own_live = q_live;
      own_aged = q_aged;
      own_status = chance(refuse) ? (chance(50) ? StRefused : StQuota) : ST_OK;
      // What is dirty is washed, unless a command looks at it.
      own_wash = own_found && own_act[ACT_W-1];
      own_washed = own_act;
      own_washed[ACT_W-1] = 1'b0;
      if (own_wash && q_live && !(own_sweep && q_aged) && !(taken && !asked && !own_sweep)) washed_at = now + 3;
      if (taken && !asked && !own_sweep) begin
        asked = 1'b1;
        ans_live = q_live;
        ans_status = own_status;
      end
    end else begin
      own_live = chance(50);
      own_aged = chance(50);
      own_status = 4'(rnd());
      own_wash = chance(50);
      if (now != answer_at + 1) own_washed = {$bits(act_t){1'b1}};
    end
    if (now == washed_at) begin
      int n;
      n = owner_of[q_handle];
      if (n < 0 || !act_of[q_handle][ACT_W-1]) $fatal(1, "washed handle %0d", q_handle);
      act_of[q_handle][ACT_W-1] = 1'b0;
      dirty[n] = 1'b0;
      n_washed++;
      touch(n);
    end
  endtask

  task automatic observe_changes();
    int n;
    if ($countones({chg_insert, chg_delete, chg_aged, chg_update, chg_dead}) > 1 || (chg_revive && !chg_update))
      $fatal(1, "two changes at once");
    if (chg_insert || chg_delete || chg_aged || chg_update || chg_dead) changed_at = now;
    if (chg_insert) begin
      if (!taken || req_op != OP_INSERT || ans_status != ST_OK || there[cmd_key]) $fatal(1, "insert out of place");
      if (chg_key !== req_key || chg_act !== req_act) $fatal(1, "insert: wrong key or action");
      if (owner_of[chg_handle] >= 0) $fatal(1, "handle %0d is in use", chg_handle);
      if (fresh < Handles && 32'(chg_handle) != fresh) $fatal(1, "handle %0d, expected %0d", chg_handle, fresh);
      if (fresh < Handles) fresh++;
      there[cmd_key] = 1'b1;
      handle_of[cmd_key] = chg_handle;
      owner_of[chg_handle] = cmd_key;
      act_of[chg_handle] = chg_act;
      n_there++;
      n_insert++;
      saw_insert = 1'b1;
      touch(cmd_key);
    end
    if (chg_update || chg_delete || chg_aged || chg_dead) begin
      n = owner_of[chg_handle];
      if (n < 0) $fatal(1, "change of handle %0d, which is free", chg_handle);
      if (chg_key !== keys[n]) $fatal(1, "change of handle %0d with another key", chg_handle);
      if ((chg_update || chg_delete) && (!taken || n != cmd_key)) $fatal(1, "change of a key nobody named");
      if (chg_update && (req_op != OP_INSERT || chg_act !== req_act || chg_revive == ans_live))
        $fatal(1, "update out of place");
      if (!chg_update && chg_act !== act_of[chg_handle]) $fatal(1, "removed with another action");
      if (chg_delete && (req_op != OP_DELETE || !ans_live)) $fatal(1, "delete out of place");
      if ((chg_aged || chg_dead) && chg_handle !== q_handle) $fatal(1, "removed, but not asked for");
      if (chg_aged && !(q_sweep && q_live && q_aged)) $fatal(1, "aged out of place");
      if (chg_dead && (q_live || alive(act_of[chg_handle]))) $fatal(1, "a live entry was dropped");
      touch(n);
      if (chg_update) begin
        act_of[chg_handle] = chg_act;
        {doomed[n], dirty[n]} = '0;
        saw_update = 1'b1;
        saw_revive = chg_revive;
        if (chg_revive) n_revive++;
        else n_update++;
      end else begin
        there[n] = 1'b0;
        {doomed[n], dirty[n]} = '0;
        owner_of[chg_handle] = -1;
        n_there--;
        if (chg_delete) {saw_delete, n_delete} = {1'b1, n_delete + 1};
        if (chg_dead) {saw_dead, n_dead} = {1'b1, n_dead + 1};
        if (chg_aged) n_aged++;
      end
    end
  endtask

  task automatic observe_sweep();
    if (sweep_begin) begin
      if (sweeping) $fatal(1, "a sweep began in a sweep");
      sweeping = 1'b1;
      for (int n = 0; n < Pool; n++) doomed[n] = there[n] && !alive(act_of[handle_of[n]]);
    end
    if (sweep_done) begin
      if (!sweeping) $fatal(1, "a sweep ended that never began");
      sweeping = 1'b0;
      n_sweeps++;
      for (int n = 0; n < Pool; n++) begin
        if (doomed[n]) $fatal(1, "the sweep left key %0d, dead since it began", n);
        if (dirty[n]) $fatal(1, "the sweep left key %0d, dirty since it began", n);
      end
    end
    if (sweeping && !sweep_busy) $fatal(1, "sweeping, but not busy");
  endtask

  // What a lookup has to find is settled EL clocks after its key, its action two clocks later.
  task automatic observe_lookups();
    for (int c = 0; c < COPIES; c++) begin
      int n, at;
      at = (now - EL) % 64;
      n = look[at][c];
      want_there[at][c] = n >= 0 && there[n];
      if (n >= 0) want_handle[at][c] = handle_of[n];
      at = (now - EL - 2) % 64;
      want_act[at][c] = act_of[want_handle[at][c]];
      at = (now - Latency) % 64;
      if (now > Latency + 1) begin
        if (killed[at][c] && want_there[at][c]) n_killed++;
        if (hit[c] && (killed[at][c] || !want_there[at][c] || handle[c] !== want_handle[at][c] || act[c] !== want_act[at][c]))
          $fatal(1, "clock %0d copy %0d: key %0d hits handle %0d action %h, expected %b %0d %h", now, c, look[at][c],
                 handle[c], act[c], want_there[at][c], want_handle[at][c], want_act[at][c]);
        if (want_there[at][c] && !killed[at][c] && alive(want_act[at][c]) && !hit[c])
          $fatal(1, "clock %0d copy %0d: key %0d, alive, misses", now, c, look[at][c]);
        if (hit[c] && alive(act[c])) n_hit++;
        else if (hit[c]) n_dead_hit++;
        else n_miss++;
        if (now - changed_at < 12 && look[at][c] == cmd_key) n_race++;
      end
    end
  endtask

  task automatic drive_lookups();
    for (int c = 0; c < COPIES; c++) begin
      int n;
      n = chance(60) ? hot[below(4)] : int'(below(Pool));
      if (cmd && chance(25)) n = cmd_key;
      key[c] = keys[n];
      if (chance(8)) begin
        int unsigned bit_n;
        bit_n = KEY_W / 2 + below(KEY_W - KEY_W / 2);
        key[c][bit_n] = !key[c][bit_n];
        n = -1;
      end
      look[now % 64][c] = n;
      killed[now % 64][c] = 1'b0;
    end
  endtask

  task automatic tick();
    bit takes;
    takes = req_valid && req_ready;
    if ((req_valid || taken) && req_op == OP_DELETE) begin
      for (int unsigned back = 0; back < 2; back++) begin
        for (int c = 0; c < COPIES; c++) if (look[(now - back) % 64][c] == cmd_key) killed[(now - back) % 64][c] = 1'b1;
      end
    end
    @(negedge clk);
    if (takes) begin
      taken = 1'b1;
      moves = 0;
      req_valid = 1'b0;
    end
    now++;
    sweep_start = 1'b0;
    observe_changes();
    observe_owner();
    observe_sweep();
    observe_lookups();
    if (u_dut.stash_head_valid) walked = 1'b1;
    if (move) {moves, n_moves} = {moves + 1, n_moves + 1};
    if (die != 0 && below(die) == 0) begin
      int unsigned g;
      g = below(Groups);
      epoch[g]++;
    end
    drive_lookups();
  endtask

  task automatic command(input logic [3:0] op, input int n, input int unsigned place);
    int unsigned limit;
    {cmd, taken, asked, saw_insert, saw_update, saw_revive, saw_delete, saw_dead} = 8'h80;
    cmd_key = n;
    ans_status = ST_OK;
    req_valid = 1'b1;
    req_op = op;
    req_key = keys[n];
    req_act = any_act();
    req_place = PlaceW'(place);
    limit = now + 200 + 60 * MOVES;
    do begin
      tick();
      if (now > limit) $fatal(1, "no response to operation %0d", op);
    end while (!rsp_valid);
    if (occupied != (HandleW + 1)'(n_there)) $fatal(1, "%0d occupied, model %0d", occupied, n_there);
    if (!rsp_entry && (rsp_key !== '0 || rsp_act !== '0 || rsp_handle !== '0)) $fatal(1, "no entry, but a row");
    check_response(op, n);
    cmd = 1'b0;
    taken = 1'b0;
  endtask

  task automatic check_response(input logic [3:0] op, input int n);
    bit changed, want_entry;
    changed = saw_insert || saw_update || saw_delete || saw_dead;
    unique case (op)
      OP_INSERT: begin
        if (!asked) $fatal(1, "insert without asking the owner");
        want_entry = rsp_status inside {ST_OK, ST_UPDATED};
        if (ans_status != ST_OK) begin
          if (rsp_status != ans_status || saw_insert || saw_update) $fatal(1, "insert that was refused");
          n_refused++;
        end else if (rsp_status == ST_OK) begin
          if (!saw_insert && !saw_revive) $fatal(1, "inserted nothing");
        end else if (rsp_status == ST_UPDATED) begin
          if (!saw_update || saw_revive || !ans_live) $fatal(1, "updated nothing");
        end else begin
          if (rsp_status != ST_FULL || saw_insert || saw_update) $fatal(1, "insert: status %0d", rsp_status);
          if (n_there != Handles && moves + STASH < MOVES) $fatal(1, "full after %0d moves", moves);
          n_full++;
        end
        if (want_entry && (rsp_key !== req_key || rsp_act !== req_act || rsp_handle !== handle_of[n]))
          $fatal(1, "insert: wrong row");
      end
      OP_DELETE, OP_LOOKUP: begin
        want_entry = asked && ans_live;
        if (!asked && there[n]) $fatal(1, "key %0d was not found", n);
        if (rsp_status != (want_entry ? ST_OK : ST_NOT_FOUND)) $fatal(1, "status %0d", rsp_status);
        if (op == OP_LOOKUP && (saw_delete || changed && !saw_dead)) $fatal(1, "a lookup changed something");
        if (op == OP_DELETE && (there[n] || (asked && !saw_delete && !saw_dead))) $fatal(1, "not deleted");
        if (want_entry && (rsp_key !== keys[n])) $fatal(1, "wrong key");
        if (want_entry && op == OP_LOOKUP && (rsp_act !== act_of[handle_of[n]] || rsp_handle !== handle_of[n]))
          $fatal(1, "lookup: wrong row");
      end
      default: begin
        want_entry = asked && ans_live;
        if (rsp_status != ST_OK) $fatal(1, "read: status %0d", rsp_status);
        if (want_entry && (owner_of[rsp_handle] < 0 || rsp_key !== keys[owner_of[rsp_handle]] ||
            rsp_act !== act_of[rsp_handle])) $fatal(1, "read: wrong row");
      end
    endcase
    if (rsp_entry != want_entry) $fatal(1, "operation %0d: entry %b, expected %b", op, rsp_entry, want_entry);
  endtask

  // Every place read in one go, nothing may move meanwhile: each live entry once.
  task automatic dump();
    bit seen[Handles];
    int unsigned was_die, count, want;
    was_die = die;
    die = 0;
    ages = 1'b0;
    count = 0;
    foreach (seen[h]) seen[h] = 1'b0;
    want = 0;
    // A walk step may be under way until the first command is taken.
    command(OP_LOOKUP, int'(below(Pool)), 0);
    for (int unsigned p = 0; p < Places; p++) begin
      command(OP_READ, 0, p);
      if (rsp_entry) begin
        if (seen[rsp_handle]) $fatal(1, "handle %0d is in two places", rsp_handle);
        seen[rsp_handle] = 1'b1;
        count++;
      end
    end
    for (int n = 0; n < Pool; n++) if (there[n] && alive(act_of[handle_of[n]])) want++;
    if (count != want) $fatal(1, "%0d live entries, %0d of them read", want, count);
    die = was_die;
  endtask

  // Nothing else happens: one sweep finds every aged entry. Only the walk may carry one past it, while there is
  // something in the stash.
  task automatic quiet_sweep();
    int unsigned was_die, limit;
    was_die = die;
    die = 0;
    repeat (100 + 60 * STASH) tick();
    ages = 1'b1;
    age_class = 2'(rnd());
    sweep_start = 1'b1;
    walked = 1'b0;
    limit = now + 80 * Places + 2000;
    do begin
      tick();
      if (now > limit) $fatal(1, "the sweep does not end");
    end while (!sweep_done || sweep_busy);
    if (!walked) begin
      n_quiet++;
      for (int n = 0; n < Pool; n++) begin
        if (there[n] && act_of[handle_of[n]][20:19] == age_class) $fatal(1, "key %0d is too old and still there", n);
      end
    end
    ages = 1'b0;
    die = was_die;
  endtask

  initial begin
    int unsigned clocks, inserts, n_phase;
    void'(seed_from_args("tb_table"));
    if ($value$plusargs("clocks=%d", clocks) == 0) clocks = 100000;
    seed = {rnd(), rnd(), rnd(), rnd()};
    for (int n = 0; n < Pool; n++) begin
      keys[n] = any_key();
      // Some differ from another in one bit only.
      if (n > 0 && n % 4 == 0) begin
        int unsigned bit_n;
        bit_n = below(KEY_W / 2);
        keys[n] = keys[n-1];
        keys[n][bit_n] = !keys[n][bit_n];
      end
    end
    foreach (owner_of[h]) owner_of[h] = -1;
    foreach (epoch[g]) epoch[g] = 16'(rnd());
    foreach (look[t, c]) look[t][c] = -1;
    foreach (want_handle[t, c]) want_handle[t][c] = '0;
    repeat (20) @(negedge clk);
    rst_n = 1'b1;
    repeat (20) @(negedge clk);

    while (now < clocks) begin
      // One mix of commands for a while: filling, churning or emptying, with or without death.
      inserts = (n_phase % 3 == 0) ? 90 : (n_phase % 3 == 1) ? 60 : 30;
      die = (n_phase % 4 == 1) ? 5000 : (n_phase % 4 == 3) ? 400 : 0;
      refuse = (n_phase % 2 == 1) ? 10 : 0;
      repeat (4 * Handles) begin
        int n;
        n = int'(below(Pool));
        if (chance(2)) begin
          sweep_start = 1'b1;
          ages = chance(30);
          age_class = 2'(rnd());
        end
        if (chance(inserts)) command(OP_INSERT, n, 0);
        else if (chance(60)) command(OP_DELETE, n, 0);
        else if (chance(50)) command(OP_LOOKUP, n, 0);
        else command(OP_READ, n, below(Places));
        if (chance(40)) repeat (below(60)) tick();
      end
      dump();
      if (chance(50)) quiet_sweep();
      n_phase++;
    end
    $display("%0d hits, %0d misses, %0d hits of dead entries, %0d lookups near a change", n_hit, n_miss, n_dead_hit,
             n_race);
    $display("%0d inserts, %0d updates, %0d revived, %0d deletes, %0d refused, %0d full", n_insert, n_update, n_revive,
             n_delete, n_refused, n_full);
    $display("%0d moves, %0d dead entries dropped, %0d aged, %0d washed, %0d sweeps", n_moves, n_dead, n_aged, n_washed,
             n_sweeps);
    if (n_hit < 1000 || n_miss < 1000 || n_race < 100 || n_killed < 100) $fatal(1, "too few lookups of a kind");
    if (n_insert < 50 || n_update < 20 || n_delete < 20 || n_revive < 3 || n_refused < 5) $fatal(1, "too few changes");
    if (n_moves < 50 || n_full < 5 || n_dead < 20 || n_aged < 5 || n_sweeps < 5 || n_quiet == 0 || n_washed < 100)
      $fatal(1, "too little upkeep");
    $display("PASS");
    $finish;
  end
endmodule
