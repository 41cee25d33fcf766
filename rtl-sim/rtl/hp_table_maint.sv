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

`include "hp_assert.svh"

module hp_table_maint
  import hp_abi_pkg::*;
#(
  parameter int unsigned KEY_W = 60,
  parameter int unsigned ACT_W = 34,
  parameter int unsigned DEPTH = 1024,
  parameter int unsigned STASH = 8,
  parameter int unsigned MOVES = 256,
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

  output logic                         own_valid_o,
  output logic                         own_insert_o,
  output logic                         own_sweep_o,
  output logic                         own_found_o,
  input  logic                         own_live_i,
  input  logic                         own_aged_i,
  input  logic [3:0]                   own_status_i,

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

  // Banks and actions: a read comes back four clocks after the address (see hp_table_lookup).
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
  input  logic                         stash_room_i,
  output logic                         stash_push_o,
  output logic                         stash_clear_o,
  output logic [PosW-1:0]              stash_clear_pos_o,

  input  logic                         handle_avail_i,
  input  logic [HandleW-1:0]           handle_next_i,
  output logic                         handle_take_o,
  output logic                         handle_give_o
);
  localparam int unsigned EL     = EXTRA ? 6 : 4;
  localparam int unsigned Chunk  = EXTRA ? 12 : 6;
  localparam int unsigned Chunks = (KEY_W + Chunk - 1) / Chunk;
  localparam int unsigned Places = 4 * DEPTH + STASH;
  localparam int unsigned StepW  = $clog2(MOVES + 1);

  // Clocks spent in a state, less one.
  localparam logic [3:0] FindLast   = EXTRA ? 4'd7 : 4'd5;  // key to slots, to the banks and back
  localparam logic [3:0] PlaceLast  = 4'd3;                 // slot to the banks and back
  localparam logic [3:0] LoadLast   = 4'd1;                 // candidate to `ent_q`
  localparam logic [3:0] DrainLast  = 4'd3;                 // last candidate to `found_q`
  localparam logic [3:0] ActLast    = 4'd4;                 // handle to action RAM and back
  localparam logic [3:0] AskLast    = 4'd4;
  localparam logic [3:0] GapLast    = 4'd2;
  localparam logic [3:0] SettleLast = 4'd9;
  localparam logic [3:0] ShortLast  = 4'd2;                 // the same if no handle and no change is on its way

  // From the decision to a change's `chg_*`, less one: lookups see it in the clock that is promised there.
  localparam logic [2:0] ChgUpdate = 3'd1;
  localparam logic [2:0] ChgBank   = 3'd3;
  localparam logic [2:0] ChgStash  = 3'(EL);

  // Candidates: the four banks, the places of the stash, and the request as a new entry.
  localparam int unsigned SelW = $clog2(STASH + 5);
  localparam logic [SelW-1:0] SelReq = SelW'(STASH + 4);

  typedef enum logic [4:0] {
    StIdle,
    StLoad,      // candidate into `ent_q`
    StKey,       // it is what is searched, or placed
    StFind,      // wait for its four slots
    StScan,      // candidates, one per clock
    StDrain,
    StPick,
    StPlace,     // wait for a slot that is read by place
    StSeen,
    StAct,       // read the action
    StAsk,       // the owner judges
    StVerdict,
    StUpdate,
    StRoom,      // an insert needs a handle and room in the stash
    StNew,
    StRemove,
    StPush,      // walk: the victim into the stash
    StPushGap,
    StWrite,     // walk: the head into its slot
    StFree,      // walk: the head's place is free
    StSettle,
    StStepDone,
    StClose,
    StRsp
  } state_e;

  typedef enum logic [2:0] {
    JobFind,     // a command's search
    JobRead,
    JobNew,      // the entry of an insert
    JobHead,     // walk: the oldest entry of the stash
    JobVictim,   // walk: the entry in its way
    JobSweep
  } job_e;

  typedef enum logic [2:0] {
    ChgNone,
    ChgInsert,
    ChgDelete,
    ChgAged,
    ChgDead,
    ChgRewrite,
    ChgRevive
  } chg_e;

  state_e             state_q;
  job_e               job_q;
  logic [3:0]         wait_q;
  logic               last;            // of the clocks this state takes
  logic [3:0]         op_q, status_q, verdict_q;
  logic               cmd_q;           // a command is being served
  logic               entry_q, live_q, aged_q, short_q;
  logic [StepW-1:0]   steps_q;
  logic               steps_out_q;
  logic               is_insert;

  logic [EntryW-1:0]  ent_q;
  logic [HandleW-1:0] ent_handle, key_handle_q;
  logic               ent_valid;
  logic [ACT_W-1:0]   act_q;
  logic [KEY_W-1:0]   key_q;

  logic               sweeping_q, sweep_want_q, sweep_turn_q, sweep_end_q;
  logic [PlaceW-1:0]  sweep_place_q;
  logic               sweep_edge, take_cmd, take_walk, take_sweep;

  assign {ent_valid, ent_handle} = ent_q[EntryW-1 -: HandleW + 1];
  assign is_insert = op_q == OP_INSERT;

  // ---- Slots ----

  logic [3:0][SlotW-1:0] key_slot;
  logic [PlaceW-1:0]     place_q;
  logic                  by_place_q;
  logic [59:0]           key60;

  if (EXTRA) begin : gen_mix
    hp_key_mix #(.KEY_W(KEY_W)) u_mix (.clk_i, .seed_i, .key_i(key_q), .mix_o(key60));
  end else begin : gen_plain
    assign key60 = 60'(key_q);
  end
  for (genvar b = 0; b < 4; b++) begin : gen_hash
    hp_hash #(.BANK(b), .IDX_W(SlotW)) u_hash (
      .clk_i, .seed_i, .key_i(key60), .idx_o(key_slot[b])
    );
    always_ff @(posedge clk_i) b_slot_o[b] <= by_place_q ? place_q[SlotW-1:0] : key_slot[b];
  end

  // ---- Candidates: picked, into `ent_q`, compared, one clock each ----

  logic [SelW-1:0]   sel_q, sel_q2, sel_q3, sel_q4, sel_q5, found_sel_q;
  logic [PosW-1:0]   sel_pos;
  logic              sel_valid_q2, scan_q2, scan_q3, scan_q4, match_q, ent_valid_q;
  logic [EntryW-1:0] bank_q, stash_q;
  logic [Chunks-1:0] eq_q;
  logic              found_q, free_q, forget;
  logic [1:0]        free_bank_q, random, way;
  logic [KEY_W-1:0]  differ;
  logic [Chunks*Chunk-1:0] diff;

  assign sel_pos = PosW'(sel_q - SelW'(4));
  assign differ  = ent_q[KEY_W-1:0] ^ key_q;
  assign diff    = (Chunks * Chunk)'(differ);

  always_ff @(posedge clk_i) begin
    bank_q       <= b_rdata_i[sel_q[1:0]];
    stash_q      <= stash_i[sel_pos];
    sel_q2       <= sel_q;
    sel_q3       <= sel_q2;
    sel_q4       <= sel_q3;
    sel_q5       <= sel_q4;
    sel_valid_q2 <= (state_q == StScan) || (state_q == StLoad && wait_q == '0);
    scan_q2      <= (state_q == StScan);
    scan_q3      <= scan_q2;
    scan_q4      <= scan_q3;

    if (forget) ent_q <= '0;
    else if (sel_valid_q2) begin
      if (sel_q2 < SelW'(4)) ent_q <= bank_q;
      else if (sel_q2 == SelReq) ent_q <= {1'b1, handle_next_i, req_key_i};
      else ent_q <= stash_q;
    end

    for (int unsigned n = 0; n < Chunks; n++) eq_q[n] <= diff[Chunk*n +: Chunk] == '0;
    ent_valid_q <= ent_valid;
    match_q     <= scan_q4 && ent_valid_q && (&eq_q);

    if (state_q == StIdle || state_q == StKey) begin
      found_q <= 1'b0;
    end else if (match_q) begin
      found_q     <= 1'b1;
      found_sel_q <= sel_q5;
    end
  end

  // A free slot of the four, else the one whose entry has to go.
  logic [3:0] free_banks_q;
  always_ff @(posedge clk_i) begin
    for (int unsigned b = 0; b < 4; b++) free_banks_q[b] <= !b_rdata_i[b][EntryW-1];
    free_q <= |free_banks_q;
    for (int b = 3; b >= 0; b--) begin
      if (free_banks_q[b]) free_bank_q <= 2'(b);
    end
  end

  logic [15:0] lfsr_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) lfsr_q <= 16'hACE1;
    else lfsr_q <= {1'b0, lfsr_q[15:1]} ^ (lfsr_q[0] ? 16'hB400 : 16'h0);
  end
  assign random = lfsr_q[1:0];
  assign way    = free_q ? free_bank_q : random;

  // ---- The steps ----

  // Between steps: first what a sweep waits for, so that it gets on under any load; then commands, then
  // the walk; walk and sweep by turns.
  assign sweep_edge  = sweeping_q ? sweep_end_q : sweep_want_q;
  assign req_ready_o = (state_q == StIdle) && !sweep_edge && !(sweeping_q && sweep_turn_q);
  assign take_cmd    = req_ready_o && req_valid_i;
  assign take_walk   = req_ready_o && !req_valid_i && stash_head_valid_i;
  assign take_sweep  = (state_q == StIdle) && !sweep_edge && sweeping_q &&
                       (sweep_turn_q || !(req_valid_i || stash_head_valid_i));

  always_comb begin
    unique case (state_q)
      StLoad:     last = wait_q == LoadLast;
      StFind:     last = wait_q == FindLast;
      StPlace:    last = wait_q == PlaceLast;
      StDrain:    last = wait_q == DrainLast;
      StAct:      last = wait_q == ActLast;
      StAsk:      last = wait_q == AskLast;
      StPushGap:  last = wait_q == GapLast;
      StSettle:   last = wait_q == (short_q ? ShortLast : SettleLast);
      default:    last = 1'b1;
    endcase
  end

  logic verdict_ok, gone;   // an insert is allowed; a judged entry goes
  assign verdict_ok = verdict_q == ST_OK;
  assign gone       = !live_q || (aged_q && job_q == JobSweep);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      wait_q  <= '0;
      cmd_q   <= 1'b0;
    end else begin
      wait_q <= last ? '0 : wait_q + 4'd1;
      unique case (state_q)
        StIdle: begin
          if (take_cmd) begin
            cmd_q   <= 1'b1;
            job_q   <= (req_op_i == OP_READ) ? JobRead : JobFind;
            state_q <= (req_op_i == OP_READ) ? StPlace : StLoad;
          end else if (take_walk) begin
            job_q   <= JobHead;
            state_q <= StLoad;
          end else if (take_sweep) begin
            job_q   <= JobSweep;
            state_q <= StPlace;
          end
        end
        StLoad: if (last) begin
          unique case (job_q)
            JobFind: state_q <= found_q ? StAct : StKey;
            JobHead: state_q <= StKey;
            JobNew:  state_q <= StNew;
            JobVictim: state_q <= StAct;
            default: state_q <= StSeen;
          endcase
        end
        StKey: state_q <= (job_q == JobHead) ? StAct : StFind;
        StFind: if (last) state_q <= StScan;
        StScan: if (32'(sel_q) == STASH + 3) state_q <= StDrain;
        StDrain: if (last) state_q <= StPick;
        StPick: begin
          if (job_q == JobHead) begin
            state_q <= free_q ? StWrite : StLoad;
            job_q   <= JobVictim;
          end else if (found_q) state_q <= StLoad;
          else state_q <= is_insert ? StAsk : StClose;
        end
        StPlace: if (last) state_q <= StLoad;
        StSeen: begin
          if (ent_valid) state_q <= StAct;
          else state_q <= (job_q == JobRead) ? StClose : StIdle;
        end
        StAct: if (last) state_q <= StAsk;
        StAsk: if (last) state_q <= StVerdict;
        StVerdict: begin
          unique case (job_q)
            JobFind: begin
              if (op_q == OP_DELETE) state_q <= StRemove;
              else if (!is_insert || !verdict_ok) state_q <= StClose;
              else state_q <= found_q ? StUpdate : StRoom;
            end
            JobHead:   state_q <= gone ? StRemove : StPick;
            JobVictim: state_q <= gone ? StWrite : StPush;
            JobSweep:  state_q <= gone ? StRemove : StIdle;
            default:   state_q <= StClose;
          endcase
        end
        StRoom: begin
          if (!handle_avail_i) begin
            state_q <= StClose;
          end else if (stash_room_i) begin
            job_q   <= JobNew;
            state_q <= StLoad;
          end else if (stash_head_valid_i) begin
            job_q   <= JobHead;
            state_q <= steps_out_q ? StClose : StLoad;
          end
        end
        StUpdate, StNew, StRemove, StFree: state_q <= StSettle;
        StPush: state_q <= StPushGap;
        StPushGap: if (last) state_q <= StWrite;
        StWrite: state_q <= StFree;
        StSettle: if (last) begin
          unique case (job_q)
            JobHead, JobVictim: state_q <= StStepDone;
            JobSweep:           state_q <= StIdle;
            default:            state_q <= StClose;
          endcase
        end
        StStepDone: state_q <= cmd_q ? StRoom : StIdle;
        StClose: state_q <= StRsp;
        default: begin  // StRsp
          cmd_q   <= 1'b0;
          state_q <= StIdle;
        end
      endcase
    end
  end

  // What each step leaves behind.
  logic [SelW-1:0] head_sel;
  assign head_sel = SelW'(stash_head_i) + SelW'(4);
  assign forget   = (state_q == StClose && !entry_q) || (state_q == StPick && job_q == JobFind && !found_q);

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StIdle: begin
        op_q       <= req_op_i;
        status_q   <= ST_OK;
        entry_q    <= 1'b0;
        steps_q    <= '0;
        by_place_q <= take_sweep || (take_cmd && req_op_i == OP_READ);
        place_q    <= take_sweep ? sweep_place_q : req_place_i;
        sel_q      <= take_cmd ? SelReq : head_sel;
      end
      StKey: begin
        key_q        <= ent_q[KEY_W-1:0];
        key_handle_q <= ent_handle;
      end
      StScan: sel_q <= sel_q + 1'b1;
      StPick: begin
        if (job_q == JobHead) sel_q <= SelW'(way);
        else sel_q <= found_sel_q;
        if (!is_insert && !found_q) status_q <= ST_NOT_FOUND;
      end
      StPlace: sel_q <= place_q[HandleW] ? SelW'(place_q[HandleW-1:0]) + SelW'(4)
                                         : SelW'(place_q[HandleW-1 -: 2]);
      StVerdict: begin
        if (cmd_q && job_q == JobFind) begin
          entry_q <= is_insert ? verdict_ok : live_q;
          if (!is_insert) status_q <= live_q ? ST_OK : ST_NOT_FOUND;
          else if (!verdict_ok) status_q <= verdict_q;
          else status_q <= (found_q && live_q) ? ST_UPDATED : ST_OK;
        end
        if (job_q == JobRead) entry_q <= live_q;
      end
      StRoom: begin
        sel_q <= stash_room_i ? SelReq : head_sel;
        if (!handle_avail_i || (!stash_room_i && stash_head_valid_i && steps_out_q)) begin
          status_q <= ST_FULL;
          entry_q  <= 1'b0;
        end
      end
      StWrite: steps_q <= steps_q + 1'b1;
      StFree: short_q <= live_q;
      StUpdate, StNew, StRemove: short_q <= 1'b0;
      default: ;
    endcase
    if (state_q == StFind && last) sel_q <= '0;
    steps_out_q <= 32'(steps_q) == MOVES;

    if (state_q == StAsk && last) begin
      live_q    <= own_live_i;
      aged_q    <= own_aged_i;
      verdict_q <= own_status_i;
    end
    if (forget) act_q <= '0;
    else if (state_q == StAct && last) act_q <= act_rdata_i;
    else if (state_q == StUpdate || state_q == StNew) act_q <= req_act_i;
  end

  // ---- Writes ----

  logic victim_dead;
  assign victim_dead   = (state_q == StFree) && !live_q;
  assign handle_take_o = state_q == StNew;
  assign handle_give_o = (state_q == StRemove) || victim_dead;
  assign ent_o         = ent_q;
  assign act_o         = act_q;

  always_ff @(posedge clk_i) begin
    b_wdata_o         <= (state_q == StWrite) ? {1'b1, key_handle_q, key_q} : '0;
    act_handle_o      <= ent_handle;
    stash_clear_pos_o <= (state_q == StFree) ? stash_head_i : sel_pos;
    if (!rst_ni) begin
      b_we_o        <= '0;
      act_en_o      <= 1'b0;
      act_we_o      <= 1'b0;
      stash_push_o  <= 1'b0;
      stash_clear_o <= 1'b0;
      move_o        <= 1'b0;
    end else begin
      for (int unsigned b = 0; b < 4; b++) begin
        b_we_o[b] <= (state_q == StWrite || (state_q == StRemove && sel_q < SelW'(4))) &&
                     (sel_q[1:0] == 2'(b));
      end
      act_we_o      <= state_q == StUpdate || state_q == StNew;
      act_en_o      <= state_q == StUpdate || state_q == StNew || (state_q == StAct && wait_q == '0);
      stash_push_o  <= state_q == StPush || state_q == StNew;
      stash_clear_o <= state_q == StFree || (state_q == StRemove && sel_q >= SelW'(4));
      move_o        <= state_q == StPush;
    end
  end

  // ---- Changes, reported in the clock that the lookups' order asks for ----

  chg_e       chg_q;
  logic [2:0] chg_wait_q;
  logic       chg_now;
  assign chg_now = chg_wait_q == 3'd1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      chg_wait_q <= '0;
    end else begin
      unique case (state_q)
        StUpdate: chg_wait_q <= ChgUpdate;
        StNew:    chg_wait_q <= ChgStash;
        StRemove: chg_wait_q <= (sel_q < SelW'(4)) ? ChgBank : ChgStash;
        StFree:   chg_wait_q <= ChgBank;
        default:  if (chg_wait_q != '0) chg_wait_q <= chg_wait_q - 3'd1;
      endcase
    end
    unique case (state_q)
      StUpdate: chg_q <= live_q ? ChgRewrite : ChgRevive;
      StNew:    chg_q <= ChgInsert;
      StRemove: chg_q <= !live_q ? ChgDead : (job_q == JobSweep) ? ChgAged : ChgDelete;
      StFree:   chg_q <= live_q ? ChgNone : ChgDead;
      default: ;
    endcase
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
      if (state_q == StIdle && sweep_edge) begin
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

  assign rsp_valid_o  = state_q == StRsp;
  assign rsp_status_o = status_q;
  assign rsp_entry_o  = entry_q;
  assign own_valid_o  = (state_q == StAsk) && (wait_q == '0);
  assign own_insert_o = (job_q == JobFind) && is_insert;
  assign own_sweep_o  = job_q == JobSweep;
  assign own_found_o  = !own_insert_o || found_q;

  `HP_ASSERT(OneMatch_A, !(match_q && found_q))
  `HP_ASSERT(Op_A, !take_cmd || req_op_i == OP_INSERT || req_op_i == OP_DELETE ||
                   req_op_i == OP_LOOKUP || req_op_i == OP_READ)
  `HP_ASSERT(Place_A, !take_cmd || req_op_i != OP_READ || 32'(req_place_i) < Places)

`ifndef SYNTHESIS
  logic [KEY_W-1:0] held_key_q;
  logic [ACT_W-1:0] held_act_q;
  always_ff @(posedge clk_i) begin
    if (state_q == StIdle) begin
      held_key_q <= req_key_i;
      held_act_q <= req_act_i;
    end
  end
  `HP_ASSERT(Held_A, !cmd_q || state_q == StRsp || op_q != OP_INSERT ||
                     (req_key_i == held_key_q && req_act_i == held_act_q))

  // A handle that came back rests before its next action is written.
  logic [9:0]              gave_q;
  logic [9:0][HandleW-1:0] gave_handle_q;
  logic                    rests;
  always_ff @(posedge clk_i) begin
    gave_q        <= rst_ni ? {gave_q[8:0], handle_give_o} : '0;
    gave_handle_q <= {gave_handle_q[8:0], ent_handle};
  end
  always_comb begin
    rests = 1'b1;
    for (int unsigned n = 0; n < 10; n++) begin
      if (gave_q[n] && gave_handle_q[n] == ent_handle) rests = 1'b0;
    end
  end
  `HP_ASSERT(Rests_A, !handle_take_o || rests)
`endif
  `HP_ASSERT_INIT(Shape_A, DEPTH == 2 ** SlotW && MOVES >= 1 && 32'(SelReq) == STASH + 4)
endmodule
