// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Exact-match table: four banks with one keyed hash each, a stash, full keys stored and compared. An entry in
// a bank or in the stash is {valid, handle, key}; its action is kept apart, indexed by the handle, so that
// an entry can move.
//
// Lookups: COPIES keys every clock, never stalled; key in cycle t, hit, handle and action in t+14, or in t+10
// with EXTRA (a first hash stage, for keys wider than 60 bits, but no registers beside the RAMs). An entry hits
// whether the owner calls it alive or dead: that is the owner's business.
//
// `mix_o`: the first key's hash before that of the banks, in t+2 with EXTRA.
//
// Maintenance: one command at a time, valid/ready, then one `rsp_valid_o`; the request has to stay until then.
// OP_INSERT, OP_DELETE, OP_LOOKUP by key, OP_READ by place (bank * DEPTH + slot, from 4 * DEPTH on the
// stash). A delete takes effect at once: the key of a request of OP_DELETE that shows in clock x misses for keys
// presented in x-1 or later, long before the entry is found and gone. `rsp_entry_o`: a live entry was found, read, removed or written, `rsp_key/act/handle_o` are it, for
// an insert with the new action; without it they are zero.
//
// Owner: `own_valid_o` in cycle c offers an entry, stable until c+4; the answer is taken in cycle c+4. Without
// an entry (`own_found_o` = 0: an insert of a new key) `own_act_o` is zero. `own_aged_i` counts while
// `own_sweep_o`, `own_status_i` while `own_insert_o`. `own_wash_i`: the action of an entry that stays is to be `own_act_i`
// from now on; obeyed for every entry at least once between `sweep_begin_o` and `sweep_done_o`, and not reported.
//
// Changes: with EL = 9 (6 with EXTRA), `chg_insert/delete/aged_o` in cycle c takes effect for keys presented
// in c-EL or later, `chg_update_o` for those in c-EL-2 or later. `chg_key/act/handle_o` go with them and with
// `chg_dead_o` (a dead entry is gone, no lookup can tell): the new action, or the one removed.
//
// The RAMs are empty once configured and not cleared by `rst_ni`, which belongs to the configuration.

`include "hp_assert.svh"

module hp_table
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned KEY_W  = 60,
  parameter int unsigned ACT_W  = 34,
  parameter int unsigned DEPTH  = 1024,  // slots per bank, a power of two
  parameter int unsigned STASH  = 8,
  parameter int unsigned MOVES  = 512,   // steps of the walk before an insert is refused
  parameter int unsigned COPIES = 2,     // lookups per clock
  parameter bit          EXTRA  = 1'b0,
  localparam int unsigned SlotW = $clog2(DEPTH),
  localparam int unsigned HandleW = SlotW + 2,
  localparam int unsigned PlaceW = HandleW + 1
) (
  input  logic                           clk_i,
  input  logic                           rst_ni,
  input  logic [127:0]                   seed_i,

  input  logic [COPIES-1:0][KEY_W-1:0]   key_i,
  output logic [COPIES-1:0]              hit_o,
  output logic [COPIES-1:0][HandleW-1:0] handle_o,
  output logic [COPIES-1:0][ACT_W-1:0]   act_o,
  output logic [59:0]                    mix_o,

  input  logic                           req_valid_i,
  output logic                           req_ready_o,
  input  logic [3:0]                     req_op_i,
  input  logic [PlaceW-1:0]              req_place_i,
  input  logic [KEY_W-1:0]               req_key_i,
  input  logic [ACT_W-1:0]               req_act_i,
  output logic                           rsp_valid_o,
  output logic [3:0]                     rsp_status_o,
  output logic                           rsp_entry_o,
  output logic [KEY_W-1:0]               rsp_key_o,
  output logic [ACT_W-1:0]               rsp_act_o,
  output logic [HandleW-1:0]             rsp_handle_o,

  output logic                           own_valid_o,
  output logic                           own_insert_o,
  output logic                           own_sweep_o,
  output logic                           own_found_o,
  output logic [KEY_W-1:0]               own_key_o,
  output logic [ACT_W-1:0]               own_act_o,
  output logic [HandleW-1:0]             own_handle_o,
  input  logic                           own_live_i,
  input  logic                           own_aged_i,
  input  logic [3:0]                     own_status_i,
  input  logic                           own_wash_i,
  input  logic [ACT_W-1:0]               own_act_i,

  output logic                           chg_insert_o,
  output logic                           chg_delete_o,
  output logic                           chg_aged_o,
  output logic                           chg_update_o,
  output logic                           chg_revive_o,   // with chg_update_o: the old entry was dead
  output logic                           chg_dead_o,
  output logic [KEY_W-1:0]               chg_key_o,
  output logic [ACT_W-1:0]               chg_act_o,
  output logic [HandleW-1:0]             chg_handle_o,

  input  logic                           sweep_start_i,  // latched; one that comes during a sweep: another follows
  output logic                           sweep_busy_o,
  output logic                           sweep_begin_o,
  output logic                           sweep_done_o,   // all that was dead at `sweep_begin_o` is gone

  output logic [HandleW:0]               occupied_o,     // handles in use
  output logic                           move_o          // an entry was moved out of another's way
);
  localparam int unsigned EntryW = 1 + HandleW + KEY_W;
  localparam int unsigned PosW   = $clog2(STASH);

  logic [STASH-1:0][EntryW-1:0] stash;
  logic [PosW-1:0]              stash_head, stash_clear_pos;
  logic                         stash_head_valid, stash_room, stash_push, stash_clear;
  logic [1:0]                   stash_from, stash_head_from;
  logic [3:0][SlotW-1:0]        b_slot;
  logic [3:0]                   b_we;
  logic [EntryW-1:0]            b_wdata, ent;
  logic                         act_en, act_we;
  logic [HandleW-1:0]           act_handle, handle_next;
  logic [ACT_W-1:0]             act;
  logic                         handle_avail, handle_take, handle_give, dead;

  // Every copy holds the same; maintenance reads the first.
  logic [COPIES-1:0][3:0][EntryW-1:0] b_rdata;
  logic [COPIES-1:0][ACT_W-1:0]       act_rdata;
  logic [COPIES-1:0][59:0]            mix;

  for (genvar c = 0; c < COPIES; c++) begin : gen_copy
    hp_table_lookup #(
      .KEY_W(KEY_W), .ACT_W(ACT_W), .DEPTH(DEPTH), .STASH(STASH), .EXTRA(EXTRA)
    ) u_lookup (
      .clk_i,
      .rst_ni,
      .seed_i,
      .key_i       (key_i[c]),
      .hit_o       (hit_o[c]),
      .handle_o    (handle_o[c]),
      .act_o       (act_o[c]),
      .mix_o       (mix[c]),
      .stash_i     (stash),
      .dead_i      (dead),
      .dead_key_i  (req_key_i),
      .b_slot_i    (b_slot),
      .b_we_i      (b_we),
      .b_wdata_i   (b_wdata),
      .b_rdata_o   (b_rdata[c]),
      .act_en_i    (act_en),
      .act_we_i    (act_we),
      .act_handle_i(act_handle),
      .act_wdata_i (act),
      .act_rdata_o (act_rdata[c])
    );
  end

  assign mix_o = mix[0];

  hp_table_stash #(.ENTRY_W(EntryW), .STASH(STASH)) u_stash (
    .clk_i,
    .rst_ni,
    .push_i      (stash_push),
    .data_i      (ent[EntryW-2:0]),
    .from_i      (stash_from),
    .clear_i     (stash_clear),
    .clear_pos_i (stash_clear_pos),
    .stash_o     (stash),
    .head_o      (stash_head),
    .head_valid_o(stash_head_valid),
    .head_from_o (stash_head_from),
    .room_o      (stash_room)
  );

  hp_table_handles #(.COUNT(4 * DEPTH)) u_handles (
    .clk_i,
    .rst_ni,
    .avail_o (handle_avail),
    .next_o  (handle_next),
    .take_i  (handle_take),
    .give_i  (handle_give),
    .handle_i(ent[KEY_W +: HandleW]),
    .occupied_o
  );

  hp_table_maint #(
    .KEY_W(KEY_W), .ACT_W(ACT_W), .DEPTH(DEPTH), .STASH(STASH), .MOVES(MOVES), .EXTRA(EXTRA)
  ) u_maint (
    .clk_i,
    .rst_ni,
    .seed_i,
    .req_valid_i,
    .req_ready_o,
    .req_op_i,
    .req_place_i,
    .req_key_i,
    .req_act_i,
    .rsp_valid_o,
    .rsp_status_o,
    .rsp_entry_o,
    .dead_o            (dead),
    .own_valid_o,
    .own_insert_o,
    .own_sweep_o,
    .own_found_o,
    .own_live_i,
    .own_aged_i,
    .own_status_i,
    .own_wash_i,
    .own_act_i,
    .ent_o             (ent),
    .act_o             (act),
    .chg_insert_o,
    .chg_delete_o,
    .chg_aged_o,
    .chg_update_o,
    .chg_revive_o,
    .chg_dead_o,
    .sweep_start_i,
    .sweep_busy_o,
    .sweep_begin_o,
    .sweep_done_o,
    .move_o,
    .b_slot_o          (b_slot),
    .b_we_o            (b_we),
    .b_wdata_o         (b_wdata),
    .b_rdata_i         (b_rdata[0]),
    .act_en_o          (act_en),
    .act_we_o          (act_we),
    .act_handle_o      (act_handle),
    .act_rdata_i       (act_rdata[0]),
    .stash_i           (stash),
    .stash_head_i      (stash_head),
    .stash_head_valid_i(stash_head_valid),
    .stash_head_from_i (stash_head_from),
    .stash_room_i      (stash_room),
    .stash_push_o      (stash_push),
    .stash_from_o      (stash_from),
    .stash_clear_o     (stash_clear),
    .stash_clear_pos_o (stash_clear_pos),
    .handle_avail_i    (handle_avail),
    .handle_next_i     (handle_next),
    .handle_take_o     (handle_take),
    .handle_give_o     (handle_give)
  );

  assign rsp_key_o    = ent[KEY_W-1:0];
  assign rsp_act_o    = act;
  assign rsp_handle_o = ent[KEY_W +: HandleW];
  assign own_key_o    = rsp_key_o;
  assign own_act_o    = act;
  assign own_handle_o = rsp_handle_o;
  assign chg_key_o    = rsp_key_o;
  assign chg_act_o    = act;
  assign chg_handle_o = rsp_handle_o;

  logic unused_bits;
  assign unused_bits = ^{b_rdata, act_rdata, mix, ent[EntryW-1]};

  `HP_ASSERT_INIT(Shape_A, DEPTH == 2 ** SlotW && DEPTH >= 2 && COPIES >= 1)
endmodule
