// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// One lookup port of a table with its own copy of the banks and of the actions; never stalls.
//
// Latency: key in cycle t; hit, handle and action in t+14, or t+10 with EXTRA, which leaves registers out beside
// the RAMs and has two hash stages more. On the way the key is compared with the stash in t+1, reads the banks in
// t+4 and the action three clocks before the end.
// Maintenance (port B) is registered here, near the RAMs: an address or a write in cycle t reaches them in
// t+1, what was read is back in t+4.
// A collision of a bank write with a lookup is a miss in that bank; of an action write, the new action.

`include "hp_assert.svh"

module hp_table_lookup #(
  parameter int unsigned KEY_W = 60,
  parameter int unsigned ACT_W = 34,
  parameter int unsigned DEPTH = 1024,
  parameter int unsigned STASH = 8,
  parameter bit EXTRA = 1'b0,
  localparam int unsigned SlotW = $clog2(DEPTH),
  localparam int unsigned HandleW = SlotW + 2,
  localparam int unsigned EntryW = 1 + HandleW + KEY_W   // {valid, handle, key}
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,
  input  logic [127:0]                 seed_i,

  input  logic [KEY_W-1:0]             key_i,
  output logic                         hit_o,
  output logic [HandleW-1:0]           handle_o,
  output logic [ACT_W-1:0]             act_o,
  output logic [59:0]                  mix_o,        // in t+2 with EXTRA: what the banks' hashes are made of

  input  logic [STASH-1:0][EntryW-1:0] stash_i,
  input  logic                         dead_i,       // in t+2: this key misses, whatever is stored
  input  logic [KEY_W-1:0]             dead_key_i,

  input  logic [3:0][SlotW-1:0]        b_slot_i,
  input  logic [3:0]                   b_we_i,
  input  logic [EntryW-1:0]            b_wdata_i,
  output logic [3:0][EntryW-1:0]       b_rdata_o,
  input  logic                         act_en_i,
  input  logic                         act_we_i,
  input  logic [HandleW-1:0]           act_handle_i,
  input  logic [ACT_W-1:0]             act_wdata_i,
  output logic [ACT_W-1:0]             act_rdata_o
);
  localparam int unsigned Pre    = EXTRA ? 2 : 1;    // clocks before the bank hashes
  localparam int unsigned Near   = EXTRA ? 0 : 1;    // registers on both sides of every RAM, and behind the match
  localparam int unsigned Chunk  = EXTRA ? 12 : 8;   // bits compared in the first of two clocks
  localparam int unsigned Chunks = (KEY_W + Chunk - 1) / Chunk;

  typedef logic [Chunks-1:0] eq_t;

  function automatic eq_t compare(input logic [KEY_W-1:0] a, input logic [KEY_W-1:0] b);
    logic [KEY_W-1:0] differ;
    logic [Chunks*Chunk-1:0] diff;
    eq_t eq;
    differ = a ^ b;
    diff = (Chunks * Chunk)'(differ);
    for (int unsigned n = 0; n < Chunks; n++) eq[n] = diff[Chunk*n +: Chunk] == '0;
    return eq;
  endfunction

  logic [KEY_W-1:0] key_q1, key_early;   // t+1, and a clock before the entries
  logic [59:0]      key60;
  always_ff @(posedge clk_i) key_q1 <= key_i;
  hp_delay #(.WIDTH(KEY_W), .CYCLES(2 + Pre + 2 * Near)) u_key (.clk_i, .rst_ni, .d_i(key_q1), .q_o(key_early));

  if (EXTRA) begin : gen_mix
    hp_key_mix #(.KEY_W(KEY_W)) u_mix (.clk_i, .seed_i, .key_i, .mix_o(key60));
  end else begin : gen_plain
    assign key60 = 60'(key_i);
  end

  assign mix_o = key60;

  // The stash: chunks in t+1, match in t+2, handle in t+3. A place is not used again so soon that its handle
  // could change on the way.
  eq_t [STASH-1:0]    st_eq_q;
  logic [STASH-1:0]   st_live_q, st_match_q;
  logic [HandleW-1:0] st_handle_d, st_handle_q;
  logic               st_hit_q;
  for (genvar p = 0; p < STASH; p++) begin : gen_stash
    always_ff @(posedge clk_i) begin
      st_eq_q[p]    <= compare(stash_i[p][KEY_W-1:0], key_q1);
      st_live_q[p]  <= stash_i[p][EntryW-1];
      st_match_q[p] <= st_live_q[p] && (&st_eq_q[p]);
    end
  end
  always_comb begin
    st_handle_d = '0;
    for (int unsigned p = 0; p < STASH; p++) begin
      if (st_match_q[p]) st_handle_d |= stash_i[p][KEY_W +: HandleW];
    end
  end
  always_ff @(posedge clk_i) begin
    st_handle_q <= st_handle_d;
    st_hit_q    <= |st_match_q;
  end

  // The key that is being deleted, a clock later than the stash: its compare has its own copy of the key.
  logic [KEY_W-1:0] key_dead_q;
  eq_t              dead_eq_q;
  logic             dead_live_q, dead_q;
  hp_copy_reg #(.WIDTH(KEY_W)) u_key_dead (.clk_i, .d_i(key_q1), .q_o(key_dead_q));
  always_ff @(posedge clk_i) begin
    dead_eq_q   <= compare(dead_key_i, key_dead_q);
    dead_live_q <= dead_i;
    dead_q      <= dead_live_q && (&dead_eq_q);
  end

  // Until the banks' answer is there.
  localparam int unsigned Late = Pre + 3 * Near;
  logic [Late:0][HandleW+1:0] st_late_q;
  logic [HandleW-1:0]         st_handle;
  logic                       st_hit, dead;
  always_ff @(posedge clk_i) begin
    st_late_q[0] <= {dead_q, st_hit_q, st_handle_q};
    for (int unsigned n = 1; n <= Late; n++) st_late_q[n] <= st_late_q[n-1];
  end
  assign {dead, st_hit, st_handle} = st_late_q[Late];

  // The banks.
  logic [3:0]              match;
  logic [3:0][HandleW-1:0] bank_handle;

  for (genvar b = 0; b < 4; b++) begin : gen_bank
    logic [SlotW-1:0]   hash, slot;
    logic [EntryW-1:0]  ram, entry, b_rdata, b_rdata_q;
    logic [HandleW-1:0] entry_handle_q;
    logic [59:0]        hash_key;
    eq_t                eq_q;
    logic               live_q, ram_coll, coll, unused_coll;
    // Every bank has its own copy of these: the RAMs lie far apart.
    logic [KEY_W-1:0]   key_late_q;
    logic [EntryW-1:0]  b_wdata_q;
    logic [SlotW-1:0]   b_slot_q;
    logic               b_we_q;

    hp_copy_reg #(.WIDTH(KEY_W)) u_key_late (.clk_i, .d_i(key_early), .q_o(key_late_q));
    hp_copy_reg #(.WIDTH(1 + SlotW + EntryW)) u_write (
      .clk_i,
      .d_i({b_we_i[b] && rst_ni, b_slot_i[b], b_wdata_i}),
      .q_o({b_we_q, b_slot_q, b_wdata_q})
    );
    always_ff @(posedge clk_i) b_rdata_q <= b_rdata;
    assign b_rdata_o[b] = b_rdata_q;

    if (Near != 0) begin : gen_key
      hp_copy_reg #(.WIDTH(60)) u_key (.clk_i, .d_i(key60), .q_o(hash_key));
    end else begin : gen_no_key
      assign hash_key = key60;
    end
    hp_hash #(.BANK(b), .IDX_W(SlotW)) u_hash (.clk_i, .seed_i, .key_i(hash_key), .idx_o(hash));
    if (Near != 0) begin : gen_near
      hp_copy_reg #(.WIDTH(SlotW)) u_slot (.clk_i, .d_i(hash), .q_o(slot));
      always_ff @(posedge clk_i) {coll, entry} <= {ram_coll, ram};
    end else begin : gen_no_near
      assign slot          = hash;
      assign {coll, entry} = {ram_coll, ram};
    end
    hp_ram_tdp #(.WIDTH(EntryW), .DEPTH(DEPTH)) u_ram (
      .clk_i,
      .a_en_i(1'b1), .a_we_i(1'b0), .a_addr_i(slot), .a_wdata_i('0), .a_rdata_o(ram),
      .coll_a_o(ram_coll),
      .b_en_i(1'b1), .b_we_i(b_we_q), .b_addr_i(b_slot_q), .b_wdata_i(b_wdata_q),
      .b_rdata_o(b_rdata), .coll_b_o(unused_coll)
    );

    always_ff @(posedge clk_i) begin
      live_q         <= entry[EntryW-1] && !coll;
      eq_q           <= compare(entry[KEY_W-1:0], key_late_q);
      entry_handle_q <= entry[KEY_W +: HandleW];
    end

    if (Near != 0) begin : gen_match
      logic               match_q;
      logic [HandleW-1:0] handle_q;
      always_ff @(posedge clk_i) begin
        match_q  <= live_q && (&eq_q);
        handle_q <= entry_handle_q;
      end
      assign match[b]       = match_q;
      assign bank_handle[b] = handle_q;
    end else begin : gen_no_match
      assign match[b]       = live_q && (&eq_q);
      assign bank_handle[b] = entry_handle_q;
    end
  end

  // One of five, or the same handle twice while an entry moves.
  logic [HandleW-1:0] handle_d, handle_q;
  logic               hit_q;
  always_comb begin
    handle_d = st_handle;
    for (int unsigned b = 0; b < 4; b++) begin
      if (match[b]) handle_d |= bank_handle[b];
    end
  end
  always_ff @(posedge clk_i) begin
    handle_q <= handle_d;
    hit_q    <= ((|match) || st_hit) && !dead;
  end
  hp_delay #(.WIDTH(1 + HandleW), .CYCLES(2 + 2 * Near)) u_answer (
    .clk_i, .rst_ni, .d_i({hit_q, handle_q}), .q_o({hit_o, handle_o})
  );

  // Actions.
  logic               act_en_q, act_we_q, act_coll, unused_act_coll;
  logic [HandleW-1:0] act_handle_q, act_read;
  logic [ACT_W-1:0]   act_wdata_q, act, act_rdata, act_now;

  initial act_we_q = 1'b0;
  always_ff @(posedge clk_i) begin
    act_en_q     <= act_en_i && rst_ni;
    act_we_q     <= act_we_i && rst_ni;
    act_handle_q <= act_handle_i;
    if (act_we_i) act_wdata_q <= act_wdata_i;   // held until a colliding lookup comes out
  end
  hp_ram_tdp #(.WIDTH(ACT_W), .DEPTH(4 * DEPTH)) u_act (
    .clk_i,
    .a_en_i(1'b1), .a_we_i(1'b0), .a_addr_i(act_read), .a_wdata_i('0), .a_rdata_o(act),
    .coll_a_o(act_coll),
    .b_en_i(act_en_q), .b_we_i(act_we_q), .b_addr_i(act_handle_q), .b_wdata_i(act_wdata_q),
    .b_rdata_o(act_rdata), .coll_b_o(unused_act_coll)
  );
  always_ff @(posedge clk_i) act_rdata_o <= act_rdata;
  assign act_now = act_coll ? act_wdata_q : act;
  if (Near != 0) begin : gen_act
    always_ff @(posedge clk_i) begin
      act_read <= handle_q;
      act_o    <= act_now;
    end
  end else begin : gen_no_act
    assign act_read = handle_q;
    assign act_o    = act_now;
  end

`ifndef SYNTHESIS
  logic same_handle;
  always_comb begin
    same_handle = (!st_hit || st_handle == handle_d) && $onehot0(st_match_q);
    for (int unsigned b = 0; b < 4; b++) begin
      if (match[b] && bank_handle[b] != handle_d) same_handle = 1'b0;
    end
  end
  // Fresh after reset: what entered before it may be anything.
  logic [3:0] warm_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) warm_q <= '0;
    else if (warm_q != '1) warm_q <= warm_q + 4'd1;
  end
  `HP_ASSERT(SameHandle_A, warm_q != '1 || same_handle)
`endif
  `HP_ASSERT_INIT(Key_A, EXTRA || KEY_W <= 60)
endmodule
