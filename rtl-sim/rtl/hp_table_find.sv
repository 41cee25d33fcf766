// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The data path of a table's maintenance: the entry at hand, the key that is searched or placed, its four
// slots, and the comparison of one candidate per clock. Every step is registered.
//
// Latency: a candidate selected in cycle t (`load_i`) is the entry at hand in t+2 and, with `scan_i`, found in
// t+5. A key loaded in cycle t has its slots at the banks in t+SlotClocks and its candidates from
// there on back in t+SlotClocks+5 (see hp_table_lookup).

`include "hp_assert.svh"

module hp_table_find #(
  parameter int unsigned KEY_W = 60,
  parameter int unsigned DEPTH = 1024,
  parameter int unsigned STASH = 8,
  parameter bit EXTRA = 1'b0,
  localparam int unsigned SlotW = $clog2(DEPTH),
  localparam int unsigned HandleW = SlotW + 2,
  localparam int unsigned PosW = $clog2(STASH),
  localparam int unsigned EntryW = 1 + HandleW + KEY_W
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,
  input  logic [127:0]                 seed_i,

  // Candidates: a bank, a place of the stash, or the request as a new entry.
  input  logic                         sel_req_i,
  input  logic                         sel_stash_i,
  input  logic [1:0]                   sel_bank_i,
  input  logic [PosW-1:0]              sel_pos_i,
  input  logic                         load_i,
  input  logic                         scan_i,
  input  logic [3:0][EntryW-1:0]       b_rdata_i,
  input  logic [STASH-1:0][EntryW-1:0] stash_i,
  input  logic [HandleW-1:0]           handle_next_i,
  input  logic [KEY_W-1:0]             req_key_i,

  input  logic                         forget_i,      // the entry at hand becomes zero
  input  logic                         key_load_i,    // it becomes the key
  input  logic                         clear_i,       // nothing is found yet

  input  logic                         by_place_i,
  input  logic [SlotW-1:0]             place_slot_i,
  output logic [3:0][SlotW-1:0]        b_slot_o,

  output logic [EntryW-1:0]            ent_o,
  output logic [HandleW+KEY_W-1:0]     key_o,         // with its handle
  output logic                         found_o,
  output logic                         found_stash_o,
  output logic [1:0]                   found_bank_o,
  output logic [PosW-1:0]              found_pos_o,
  output logic                         free_o,        // one of the four slots is free
  output logic [1:0]                   free_bank_o
);
  localparam int unsigned Chunk  = EXTRA ? 12 : 8;
  localparam int unsigned Chunks = (KEY_W + Chunk - 1) / Chunk;

  logic [EntryW-1:0]        ent_q;
  logic [HandleW+KEY_W-1:0] key_q;
  assign ent_o = ent_q;
  assign key_o = key_q;

  // Slots.
  logic [3:0][SlotW-1:0] key_slot;
  logic [59:0]           key60;
  if (EXTRA) begin : gen_mix
    hp_key_mix #(.KEY_W(KEY_W)) u_mix (
      .clk_i, .seed_i, .key_i(key_q[KEY_W-1:0]), .mix_o(key60)
    );
  end else begin : gen_plain
    assign key60 = 60'(key_q[KEY_W-1:0]);
  end
  for (genvar b = 0; b < 4; b++) begin : gen_hash
    hp_hash #(.BANK(b), .IDX_W(SlotW)) u_hash (
      .clk_i, .seed_i, .key_i(key60), .idx_o(key_slot[b])
    );
    always_ff @(posedge clk_i) b_slot_o[b] <= by_place_i ? place_slot_i : key_slot[b];
  end

  // t+1: picked. t+2: at hand.
  logic              load_q, sel_req_q, sel_stash_q;
  logic [EntryW-1:0] bank_q, stash_q;
  always_ff @(posedge clk_i) begin
    load_q      <= load_i;
    sel_req_q   <= sel_req_i;
    sel_stash_q <= sel_stash_i;
    bank_q      <= b_rdata_i[sel_bank_i];
    stash_q     <= stash_i[sel_pos_i];
    if (forget_i) ent_q <= '0;
    else if (load_q) begin
      ent_q <= sel_req_q ? {1'b1, handle_next_i, req_key_i} : sel_stash_q ? stash_q : bank_q;
    end
    if (key_load_i) key_q <= ent_q[EntryW-2:0];
  end

  // t+3: compared in chunks. t+4: matches. t+5: found.
  logic [Chunks-1:0]       eq_q;
  logic [KEY_W-1:0]        differ;
  logic [Chunks*Chunk-1:0] diff;
  logic                    valid_q, match_q;
  logic [1:0]              scan_q;
  logic [3:0][PosW+2:0]    where_q;   // {stash, bank, place}
  assign differ = ent_q[KEY_W-1:0] ^ key_q[KEY_W-1:0];
  assign diff   = (Chunks * Chunk)'(differ);

  always_ff @(posedge clk_i) begin
    scan_q  <= {scan_q[0], scan_i};
    where_q <= {where_q[2:0], {sel_stash_i, sel_bank_i, sel_pos_i}};
    for (int unsigned n = 0; n < Chunks; n++) eq_q[n] <= diff[Chunk*n +: Chunk] == '0;
    valid_q <= ent_q[EntryW-1] && scan_q[1];
    match_q <= valid_q && (&eq_q);
    if (clear_i) begin
      found_o <= 1'b0;
    end else if (match_q) begin
      found_o <= 1'b1;
      {found_stash_o, found_bank_o, found_pos_o} <= where_q[3];
    end
  end

  // Free slots, from what the banks say.
  logic [3:0] free_q;
  always_ff @(posedge clk_i) begin
    for (int unsigned b = 0; b < 4; b++) free_q[b] <= !b_rdata_i[b][EntryW-1];
    free_o      <= |free_q;
    free_bank_o <= free_q[0] ? 2'd0 : free_q[1] ? 2'd1 : free_q[2] ? 2'd2 : 2'd3;
  end

  `HP_ASSERT(OneMatch_A, !(match_q && found_o) || clear_i)
endmodule
