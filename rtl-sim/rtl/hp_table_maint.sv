// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Maintenance of a table: commands, the walk that empties the stash, and the sweep, one step at a time.
//
// Everything is registered and nothing hurries. The lookups' correctness rests on how far apart the writes of
// a step are; a write decided here in cycle x reaches bank, stash and action RAM in x+2.
// - A step of the walk pushes the entry that has to go (the victim), then overwrites its slot with the head of
//   the stash, then clears the head's place: every lookup finds both in one place at least.
// - A handle that comes back gets its next action ten clocks later at the earliest: lookups that still
//   matched the old entry have read its action by then.
// A command's request has to stay until its response.
//
// The state is one-hot, and what a step needs to know is decided a clock before: three levels of logic at most.

`include "hp_assert.svh"

module hp_table_maint
  import hp_abi_pkg::*;
#(
  parameter int unsigned KEY_W = 60,
  parameter int unsigned ACT_W = 34,
  parameter int unsigned DEPTH = 1024,
  parameter int unsigned STASH = 8,
  parameter int unsigned MOVES = 512,
  parameter bit EXTRA = 1'b0,
  localparam int unsigned SlotW = $clog2(DEPTH),
  localparam int unsigned HandleW = SlotW + 2,
  localparam int unsigned PlaceW = HandleW + 1,
  localparam int unsigned PosW = $clog2(STASH),
  localparam int unsigned EntryW = 1 + HandleW + KEY_W
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,
  input  logic [127:0]                 seed_i,

  input  logic                         req_valid_i,
  output logic                         req_ready_o,
  input  logic [3:0]                   req_op_i,
  input  logic [PlaceW-1:0]            req_place_i,
  input  logic [KEY_W-1:0]             req_key_i,
  input  logic [ACT_W-1:0]             req_act_i,
  output logic                         rsp_valid_o,
  output logic [3:0]                   rsp_status_o,
  output logic                         rsp_entry_o,
  output logic                         dead_o,       // `req_key_i` is being deleted

  output logic                         own_valid_o,
  output logic                         own_insert_o,
  output logic                         own_sweep_o,
  output logic                         own_found_o,
  input  logic                         own_live_i,
  input  logic                         own_aged_i,
  input  logic [3:0]                   own_status_i,
  input  logic                         own_wash_i,   // the action is to be this one:
  input  logic [ACT_W-1:0]             own_act_i,

  // The entry at hand: what is judged, answered, removed, or put into the stash; and its action.
  output logic [EntryW-1:0]            ent_o,
  output logic [ACT_W-1:0]             act_o,

  output logic                         chg_insert_o,
  output logic                         chg_delete_o,
  output logic                         chg_aged_o,
  output logic                         chg_update_o,
  output logic                         chg_revive_o,
  output logic                         chg_dead_o,

  input  logic                         sweep_start_i,
  output logic                         sweep_busy_o,
  output logic                         sweep_begin_o,
  output logic                         sweep_done_o,
  output logic                         move_o,

  // Banks and actions: a read comes back five clocks after the address (see hp_table_lookup).
  output logic [3:0][SlotW-1:0]        b_slot_o,
  output logic [3:0]                   b_we_o,
  output logic [EntryW-1:0]            b_wdata_o,
  input  logic [3:0][EntryW-1:0]       b_rdata_i,
  output logic                         act_en_o,
  output logic                         act_we_o,
  output logic [HandleW-1:0]           act_handle_o,
  input  logic [ACT_W-1:0]             act_rdata_i,

  input  logic [STASH-1:0][EntryW-1:0] stash_i,
  input  logic [PosW-1:0]              stash_head_i,
  input  logic                         stash_head_valid_i,
  input  logic [1:0]                   stash_head_from_i,
  input  logic                         stash_room_i,
  output logic                         stash_push_o,
  output logic [1:0]                   stash_from_o,  // the bank it was in
  output logic                         stash_clear_o,
  output logic [PosW-1:0]              stash_clear_pos_o,

  input  logic                         handle_avail_i,
  input  logic [HandleW-1:0]           handle_next_i,
  output logic                         handle_take_o,
  output logic                         handle_give_o
);
  localparam int unsigned EL     = EXTRA ? 6 : 9;
  localparam int unsigned Places = 4 * DEPTH + STASH;
  localparam int unsigned StepW  = $clog2(MOVES + 1);

  // States that last longer than a clock, in clocks.
  localparam int unsigned LoadClocks   = 2;               // candidate to `ent_q`
  localparam int unsigned FindClocks   = EXTRA ? 9 : 7;   // key to slots, to the banks and back
  localparam int unsigned DrainClocks  = 4;               // last candidate to `found`
  localparam int unsigned PlaceClocks  = 5;               // slot to the banks and back
  localparam int unsigned ActClocks    = 6;               // handle to the action RAM and back
  localparam int unsigned AskClocks    = 5;
  localparam int unsigned GapClocks    = 3;
  localparam int unsigned SettleClocks = 10;
  localparam int unsigned ShortClocks  = 3;               // the same if no handle and no change is on its way

  // From the decision to a change's `chg_*`, less one: lookups see it in the clock that is promised there.
  localparam logic [3:0] ChgUpdate = 4'd1;
  localparam logic [3:0] ChgBank   = 4'(EL - 3);
  localparam logic [3:0] ChgStash  = 4'(EL);

  localparam int unsigned StIdle    = 0;
  localparam int unsigned StOffer   = 1;    // a command may come
  localparam int unsigned StLoad    = 2;    // candidate into `ent_q`
  localparam int unsigned StKey     = 3;    // it is what is searched, or placed
  localparam int unsigned StFind    = 4;    // wait for its four slots
  localparam int unsigned StScan    = 5;    // candidates, one per clock
  localparam int unsigned StDrain   = 6;
  localparam int unsigned StPick    = 7;
  localparam int unsigned StPlace   = 8;    // wait for a slot that is read by place
  localparam int unsigned StSeen    = 9;
  localparam int unsigned StAct     = 10;   // read the action
  localparam int unsigned StAsk     = 11;   // the owner judges
  localparam int unsigned StVerdict = 12;
  localparam int unsigned StUpdate  = 13;
  localparam int unsigned StRoom    = 14;   // an insert needs a handle and room in the stash
  localparam int unsigned StNew     = 15;
  localparam int unsigned StRemove  = 16;
  localparam int unsigned StPush    = 17;   // walk: the victim into the stash
  localparam int unsigned StGap     = 18;
  localparam int unsigned StWrite   = 19;   // walk: the head into its slot
  localparam int unsigned StFree    = 20;   // walk: the head's place is free
  localparam int unsigned StSettle  = 21;
  localparam int unsigned StStep    = 22;   // a step of the walk is done
  localparam int unsigned StClose   = 23;
  localparam int unsigned StRsp     = 24;
  localparam int unsigned States    = 25;

  typedef struct packed {
    logic find;     // a command's search
    logic read;     // a command's place
    logic fresh;    // the new entry of an insert
    logic head;     // walk: the oldest entry of the stash
    logic victim;   // walk: the entry in its way
    logic sweep;
  } job_t;

  typedef enum logic [2:0] {
    ChgNone,
    ChgInsert,
    ChgDelete,
    ChgAged,
    ChgDead,
    ChgRewrite,
    ChgRevive
  } chg_e;

  logic [States-1:0]  st_q, st_d;
  logic [9:0]         timer_q;         // clocks in a state, one-hot
  logic               last_q;          // the last of them
  job_t               job_q;
  logic               insert_q, delete_q, cmd_q;   // the command under way
  logic [3:0]         status_q, verdict_q;
  logic               entry_q, live_q, gone_q, ok_q, short_q, wash_q, wash;
  logic [StepW-1:0]   steps_q;
  logic               steps_out_q;

  logic               sel_req_q, sel_stash_q, scan_last_q;
  logic [1:0]         sel_bank_q;
  logic [PosW-1:0]    sel_pos_q;
  logic [PlaceW-1:0]  place_q;
  logic               by_place_q;

  logic [EntryW-1:0]  ent;
  logic [ACT_W-1:0]   act_q;
  logic [HandleW+KEY_W-1:0] key;
  logic               ent_valid, forget;
  logic               found, found_stash, free;
  logic [1:0]         found_bank, free_bank;
  logic [PosW-1:0]    found_pos;

  logic               sweeping_q, sweep_want_q, sweep_turn_q, sweep_end_q;
  logic [PlaceW-1:0]  sweep_place_q;
  logic               sweep_edge, take_cmd, take_walk, take_sweep;

  hp_table_find #(.KEY_W(KEY_W), .DEPTH(DEPTH), .STASH(STASH), .EXTRA(EXTRA)) u_find (
    .clk_i,
    .rst_ni,
    .seed_i,
    .sel_req_i    (sel_req_q),
    .sel_stash_i  (sel_stash_q),
    .sel_bank_i   (sel_bank_q),
    .sel_pos_i    (sel_pos_q),
    .load_i       (st_q[StScan] || (st_q[StLoad] && timer_q[0])),
    .scan_i       (st_q[StScan]),
    .b_rdata_i,
    .stash_i,
    .handle_next_i,
    .req_key_i,
    .forget_i     (forget),
    .key_load_i   (st_q[StKey]),
    .clear_i      (st_q[StOffer] || st_q[StKey]),
    .by_place_i   (by_place_q),
    .place_slot_i (place_q[SlotW-1:0]),
    .b_slot_o,
    .ent_o        (ent),
    .key_o        (key),
    .found_o      (found),
    .found_stash_o(found_stash),
    .found_bank_o (found_bank),
    .found_pos_o  (found_pos),
    .free_o       (free),
    .free_bank_o  (free_bank)
  );
  assign ent_valid = ent[EntryW-1];

  // Which of four entries has to go: any but the one that the head itself made way for.
  logic [15:0] lfsr_q;
  logic [1:0]  way_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) lfsr_q <= 16'hACE1;
    else lfsr_q <= {1'b0, lfsr_q[15:1]} ^ (lfsr_q[0] ? 16'hB400 : 16'h0);
    way_q <= lfsr_q[1:0] + 2'(lfsr_q[1:0] == stash_head_from_i);
  end

  // ---- The steps ----

  // Between steps: first what a sweep waits for, so that it gets on under any load; then commands, then
  // the walk; walk and sweep by turns.
  assign sweep_edge = sweeping_q ? sweep_end_q : sweep_want_q;
  assign take_cmd   = st_q[StOffer] && req_valid_i;
  assign take_walk  = st_q[StOffer] && !req_valid_i && stash_head_valid_i;
  assign take_sweep = sweeping_q && ((st_q[StIdle] && !sweep_edge && sweep_turn_q) ||
                                     (st_q[StOffer] && !req_valid_i && !stash_head_valid_i));

  logic op_read, wait_on, room_go, room_none;
  assign op_read   = req_op_i == OP_READ;
  assign wait_on   = !last_q;
  assign room_go   = handle_avail_i && stash_room_i;
  assign room_none = !handle_avail_i || (!stash_room_i && stash_head_valid_i && steps_out_q);

  always_comb begin
    st_d = '0;
    st_d[StIdle]    = (st_q[StIdle] && sweep_edge) ||
                      (st_q[StOffer] && !req_valid_i && !stash_head_valid_i && !sweeping_q && sweep_want_q) ||
                      (st_q[StSeen] && !ent_valid && !job_q.read) ||
                      (st_q[StVerdict] && job_q.sweep && !gone_q && !wash_q) ||
                      (st_q[StSettle] && last_q && job_q.sweep) ||
                      (st_q[StStep] && !cmd_q) || st_q[StRsp];
    st_d[StOffer]   = (st_q[StIdle] && !sweep_edge && !take_sweep) ||
                      (st_q[StOffer] && !req_valid_i && !stash_head_valid_i && !sweeping_q && !sweep_want_q);
    st_d[StLoad]    = (take_cmd && !op_read) || take_walk || (st_q[StLoad] && wait_on) ||
                      (st_q[StPick] && (job_q.head ? !free : found)) ||
                      (st_q[StPlace] && last_q) ||
                      (st_q[StRoom] && (room_go || (!room_none && stash_head_valid_i)));
    st_d[StKey]     = st_q[StLoad] && last_q && (job_q.head || (job_q.find && !found));
    st_d[StFind]    = (st_q[StKey] && job_q.find) || (st_q[StFind] && wait_on);
    st_d[StScan]    = (st_q[StFind] && last_q) || (st_q[StScan] && !scan_last_q);
    st_d[StDrain]   = (st_q[StScan] && scan_last_q) || (st_q[StDrain] && wait_on);
    st_d[StPick]    = (st_q[StDrain] && last_q) || (st_q[StVerdict] && job_q.head && !gone_q);
    st_d[StPlace]   = (take_cmd && op_read) || take_sweep || (st_q[StPlace] && wait_on);
    st_d[StSeen]    = st_q[StLoad] && last_q && (job_q.read || job_q.sweep);
    st_d[StAct]     = (st_q[StLoad] && last_q && (job_q.victim || (job_q.find && found))) ||
                      (st_q[StKey] && job_q.head) || (st_q[StSeen] && ent_valid) ||
                      (st_q[StAct] && wait_on);
    st_d[StAsk]     = (st_q[StAct] && last_q) || (st_q[StAsk] && wait_on) ||
                      (st_q[StPick] && job_q.find && !found && insert_q);
    st_d[StVerdict] = st_q[StAsk] && last_q;
    st_d[StUpdate]  = st_q[StVerdict] && job_q.find && insert_q && ok_q && found;
    st_d[StRoom]    = (st_q[StVerdict] && job_q.find && insert_q && ok_q && !found) ||
                      (st_q[StStep] && cmd_q) ||
                      (st_q[StRoom] && !room_none && !room_go && !stash_head_valid_i);
    st_d[StNew]     = st_q[StLoad] && last_q && job_q.fresh;
    st_d[StRemove]  = st_q[StVerdict] && ((job_q.find && delete_q) ||
                                          ((job_q.head || job_q.sweep) && gone_q));
    st_d[StPush]    = st_q[StVerdict] && job_q.victim && !gone_q;
    st_d[StGap]     = st_q[StPush] || (st_q[StGap] && wait_on);
    st_d[StWrite]   = (st_q[StGap] && last_q) || (st_q[StPick] && job_q.head && free) ||
                      (st_q[StVerdict] && job_q.victim && gone_q);
    st_d[StFree]    = st_q[StWrite];
    st_d[StSettle]  = (wash && job_q.sweep) || st_q[StUpdate] || st_q[StNew] || st_q[StRemove] || st_q[StFree] ||
                      (st_q[StSettle] && wait_on);
    st_d[StStep]    = st_q[StSettle] && last_q && (job_q.head || job_q.victim);
    st_d[StClose]   = (st_q[StPick] && job_q.find && !found && !insert_q) ||
                      (st_q[StSeen] && !ent_valid && job_q.read) ||
                      (st_q[StVerdict] && (job_q.read || (job_q.find && !delete_q && !(insert_q && ok_q)))) ||
                      (st_q[StRoom] && room_none) ||
                      (st_q[StSettle] && last_q && (job_q.find || job_q.fresh));
    st_d[StRsp]     = st_q[StClose];
  end

  logic waits;
  assign waits = st_q[StLoad] || st_q[StFind] || st_q[StDrain] || st_q[StPlace] || st_q[StAct] ||
                 st_q[StAsk] || st_q[StGap] || st_q[StSettle];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      st_q    <= States'(1);
      timer_q <= 10'd1;
      last_q  <= 1'b0;
      cmd_q   <= 1'b0;
      dead_o  <= 1'b0;
    end else begin
      st_q    <= st_d;
      // With the response the request may change.
      dead_o  <= (req_valid_i || (cmd_q && !st_q[StClose] && !st_q[StRsp])) && (req_op_i == OP_DELETE);
      timer_q <= (!waits || last_q) ? 10'd1 : {timer_q[8:0], 1'b0};
      last_q  <= (st_q[StLoad] && timer_q[LoadClocks-2]) || (st_q[StFind] && timer_q[FindClocks-2]) ||
                 (st_q[StDrain] && timer_q[DrainClocks-2]) || (st_q[StPlace] && timer_q[PlaceClocks-2]) ||
                 (st_q[StAct] && timer_q[ActClocks-2]) || (st_q[StAsk] && timer_q[AskClocks-2]) ||
                 (st_q[StGap] && timer_q[GapClocks-2]) ||
                 (st_q[StSettle] && timer_q[short_q ? ShortClocks-2 : SettleClocks-2]);
      if (take_cmd) cmd_q <= 1'b1;
      if (st_q[StRsp]) cmd_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (st_q[StIdle]) job_q <= '{sweep: 1'b1, default: 1'b0};
    if (st_q[StOffer]) begin
      job_q <= '{find:  req_valid_i && !op_read,
                 read:  req_valid_i && op_read,
                 head:  !req_valid_i && stash_head_valid_i,
                 sweep: !req_valid_i && !stash_head_valid_i,
                 default: 1'b0};
    end
    if (st_q[StPick] && job_q.head) job_q <= '{victim: 1'b1, default: 1'b0};
    if (st_q[StRoom]) job_q <= '{fresh: stash_room_i, head: !stash_room_i, default: 1'b0};
  end

  // ---- What each step leaves behind ----

  assign forget = (st_q[StClose] && !entry_q) || (st_q[StPick] && job_q.find && !found);

  always_ff @(posedge clk_i) begin
    // The candidate.
    scan_last_q <= st_q[StScan] && sel_stash_q && (sel_pos_q == PosW'(STASH - 2));
    if (st_q[StOffer] || st_q[StRoom]) begin
      sel_req_q   <= st_q[StOffer] ? req_valid_i : stash_room_i;
      sel_stash_q <= 1'b1;
      sel_pos_q   <= stash_head_i;
    end
    if (st_q[StPlace]) begin
      sel_req_q   <= 1'b0;
      sel_stash_q <= place_q[HandleW];
      sel_bank_q  <= place_q[HandleW-1 -: 2];
      sel_pos_q   <= PosW'(place_q);
    end
    if (st_q[StFind]) begin
      sel_req_q   <= 1'b0;
      sel_stash_q <= 1'b0;
      sel_bank_q  <= '0;
      sel_pos_q   <= '0;
    end
    if (st_q[StScan]) begin
      sel_stash_q <= sel_stash_q || (sel_bank_q == 2'd3);
      sel_bank_q  <= sel_bank_q + 2'd1;
      sel_pos_q   <= sel_pos_q + PosW'(sel_stash_q);
    end
    if (st_q[StPick]) begin
      sel_stash_q <= job_q.find && found_stash;
      sel_bank_q  <= job_q.find ? found_bank : free ? free_bank : way_q;
      sel_pos_q   <= found_pos;
    end

    if (st_q[StIdle] || st_q[StOffer]) begin
      place_q    <= (st_q[StOffer] && req_valid_i) ? req_place_i : sweep_place_q;
      by_place_q <= st_q[StIdle] || (req_valid_i ? op_read : !stash_head_valid_i);
      steps_q    <= '0;
    end
    if (st_q[StWrite]) steps_q <= steps_q + 1'b1;
    steps_out_q <= 32'(steps_q) == MOVES;

    // The owner's word.
    if (st_q[StAsk] && last_q) begin
      live_q    <= own_live_i;
      gone_q    <= !own_live_i || (own_aged_i && job_q.sweep);
      verdict_q <= own_status_i;
      ok_q      <= own_status_i == ST_OK;
      wash_q    <= own_wash_i && !job_q.find && !job_q.read;
    end

    // The answer.
    if (st_q[StOffer]) begin
      insert_q <= req_op_i == OP_INSERT;
      delete_q <= req_op_i == OP_DELETE;
      status_q <= ST_OK;
      entry_q  <= 1'b0;
    end
    if (st_q[StPick] && job_q.find && !found && !insert_q) status_q <= ST_NOT_FOUND;
    if (st_q[StVerdict] && job_q.find) begin
      entry_q <= insert_q ? ok_q : live_q;
      if (insert_q) status_q <= !ok_q ? verdict_q : (found && live_q) ? ST_UPDATED : ST_OK;
      else status_q <= live_q ? ST_OK : ST_NOT_FOUND;
    end
    if (st_q[StVerdict] && job_q.read) entry_q <= live_q;
    if (st_q[StRoom] && room_none) begin
      status_q <= ST_FULL;
      entry_q  <= 1'b0;
    end

    if (forget) act_q <= '0;
    else if (st_q[StAct] && last_q) act_q <= act_rdata_i;
    else if (st_q[StUpdate] || st_q[StNew]) act_q <= req_act_i;
    else if (wash) act_q <= own_act_i;
    if (!st_q[StSettle]) short_q <= st_q[StFree] && live_q;
  end

  // ---- Writes ----

  assign handle_take_o = st_q[StNew];
  assign handle_give_o = st_q[StRemove] || (st_q[StFree] && !live_q);
  assign ent_o         = ent;
  assign act_o         = act_q;
  // What stays and is looked at on the way, by the sweep or because it moves.
  assign wash          = st_q[StVerdict] && wash_q && !gone_q;

  always_ff @(posedge clk_i) begin
    b_wdata_o         <= st_q[StWrite] ? {1'b1, key} : '0;
    act_handle_o      <= ent[KEY_W +: HandleW];
    stash_from_o      <= sel_bank_q;
    stash_clear_pos_o <= st_q[StFree] ? stash_head_i : sel_pos_q;
    if (!rst_ni) begin
      b_we_o        <= '0;
      act_en_o      <= 1'b0;
      act_we_o      <= 1'b0;
      stash_push_o  <= 1'b0;
      stash_clear_o <= 1'b0;
      move_o        <= 1'b0;
    end else begin
      for (int unsigned b = 0; b < 4; b++) begin
        b_we_o[b] <= (st_q[StWrite] || (st_q[StRemove] && !sel_stash_q)) && (sel_bank_q == 2'(b));
      end
      act_we_o      <= st_q[StUpdate] || st_q[StNew] || wash;
      act_en_o      <= st_q[StUpdate] || st_q[StNew] || wash || (st_q[StAct] && timer_q[0]);
      stash_push_o  <= st_q[StPush] || st_q[StNew];
      stash_clear_o <= st_q[StFree] || (st_q[StRemove] && sel_stash_q);
      move_o        <= st_q[StPush];
    end
  end

  // ---- Changes, reported in the clock that the lookups' order asks for ----

  chg_e       chg_q;
  logic [3:0] chg_wait_q;
  logic       chg_now;
  assign chg_now = chg_wait_q == 4'd1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) chg_wait_q <= '0;
    else if (st_q[StUpdate]) chg_wait_q <= ChgUpdate;
    else if (st_q[StNew]) chg_wait_q <= ChgStash;
    else if (st_q[StRemove]) chg_wait_q <= sel_stash_q ? ChgStash : ChgBank;
    else if (st_q[StFree]) chg_wait_q <= ChgBank;
    else if (chg_wait_q != '0) chg_wait_q <= chg_wait_q - 4'd1;

    if (st_q[StUpdate]) chg_q <= live_q ? ChgRewrite : ChgRevive;
    if (st_q[StNew])    chg_q <= ChgInsert;
    if (st_q[StRemove]) chg_q <= !live_q ? ChgDead : job_q.sweep ? ChgAged : ChgDelete;
    if (st_q[StFree])   chg_q <= live_q ? ChgNone : ChgDead;
    chg_insert_o <= chg_now && (chg_q == ChgInsert) && rst_ni;
    chg_delete_o <= chg_now && (chg_q == ChgDelete) && rst_ni;
    chg_aged_o   <= chg_now && (chg_q == ChgAged) && rst_ni;
    chg_dead_o   <= chg_now && (chg_q == ChgDead) && rst_ni;
    chg_update_o <= chg_now && (chg_q == ChgRewrite || chg_q == ChgRevive) && rst_ni;
    chg_revive_o <= chg_now && (chg_q == ChgRevive) && rst_ni;
  end

  // ---- Sweep ----

  always_ff @(posedge clk_i) begin
    sweep_begin_o <= 1'b0;
    sweep_done_o  <= 1'b0;
    if (!rst_ni) begin
      sweeping_q   <= 1'b0;
      sweep_want_q <= 1'b0;
      sweep_turn_q <= 1'b0;
      sweep_end_q  <= 1'b0;
    end else begin
      sweep_end_q <= 32'(sweep_place_q) == Places;
      if (take_sweep) begin
        sweep_place_q <= sweep_place_q + 1'b1;
        sweep_turn_q  <= 1'b0;
      end else if (take_cmd || take_walk) begin
        sweep_turn_q <= 1'b1;
      end
      if (st_q[StIdle] && sweep_edge) begin
        sweeping_q    <= !sweeping_q;
        sweep_begin_o <= !sweeping_q;
        sweep_done_o  <= sweeping_q;
        sweep_end_q   <= 1'b0;
        sweep_place_q <= '0;
        if (!sweeping_q) sweep_want_q <= 1'b0;
      end
      if (sweep_start_i) sweep_want_q <= 1'b1;
    end
  end
  assign sweep_busy_o = sweeping_q || sweep_want_q;

  // ---- Ports ----

  assign req_ready_o  = st_q[StOffer];
  assign rsp_valid_o  = st_q[StRsp];
  assign rsp_status_o = status_q;
  assign rsp_entry_o  = entry_q;
  assign own_valid_o  = st_q[StAsk] && timer_q[0];
  assign own_insert_o = job_q.find && insert_q;
  assign own_sweep_o  = job_q.sweep;
  assign own_found_o  = !own_insert_o || found;

  `HP_ASSERT(State_A, $onehot(st_q))
  `HP_ASSERT(Op_A, !take_cmd || req_op_i == OP_INSERT || req_op_i == OP_DELETE ||
                   req_op_i == OP_LOOKUP || req_op_i == OP_READ)
  `HP_ASSERT(Place_A, !take_cmd || req_op_i != OP_READ || 32'(req_place_i) < Places)

`ifndef SYNTHESIS
  logic [KEY_W-1:0] held_key_q;
  logic [ACT_W-1:0] held_act_q;
  always_ff @(posedge clk_i) begin
    if (st_q[StOffer]) begin
      held_key_q <= req_key_i;
      held_act_q <= req_act_i;
    end
  end
  `HP_ASSERT(Held_A, !cmd_q || st_q[StRsp] || !insert_q ||
                     (req_key_i == held_key_q && req_act_i == held_act_q))

  // A handle that came back rests before its next action is written.
  logic [9:0]              gave_q;
  logic [9:0][HandleW-1:0] gave_handle_q;
  logic                    rests;
  always_ff @(posedge clk_i) begin
    gave_q        <= rst_ni ? {gave_q[8:0], handle_give_o} : '0;
    gave_handle_q <= {gave_handle_q[8:0], ent[KEY_W +: HandleW]};
  end
  always_comb begin
    rests = 1'b1;
    for (int unsigned n = 0; n < 10; n++) begin
      if (gave_q[n] && gave_handle_q[n] == ent[KEY_W +: HandleW]) rests = 1'b0;
    end
  end
  `HP_ASSERT(Rests_A, !handle_take_o || rests)
`endif
  `HP_ASSERT_INIT(Shape_A, DEPTH == 2 ** SlotW && MOVES >= 1)
endmodule
