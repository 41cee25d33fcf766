// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// One lookup port of a table with its own copy of the banks and of the actions; never stalls.
//
// Latency: key in cycle t; hit, handle and action in t+8, or t+10 with EXTRA. On the way the key is compared
// with the stash in t+1 and reads the banks in t+BankRead (2, or 4 with EXTRA) and the action four later.
// Maintenance (port B) is registered here, near the RAMs: an address or a write in cycle t reaches them in
// t+1, what was read is back in t+3.
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

  input  logic [STASH-1:0][EntryW-1:0] stash_i,

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
  localparam int unsigned Pre    = EXTRA ? 2 : 0;
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

  logic [KEY_W-1:0] key_q1, key_late;   // t+1, and beside the entries in t+4+Pre
  logic [59:0]      key60;
  always_ff @(posedge clk_i) key_q1 <= key_i;
  hp_delay #(.WIDTH(KEY_W), .CYCLES(3 + Pre)) u_key (.clk_i, .rst_ni, .d_i(key_q1), .q_o(key_late));

  if (EXTRA) begin : gen_mix
    hp_key_mix #(.KEY_W(KEY_W)) u_mix (.clk_i, .seed_i, .key_i, .mix_o(key60));
  end else begin : gen_plain
    assign key60 = 60'(key_i);
  end

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

  // Until the banks' answer is there, in t+5+Pre.
  logic [Pre:0][HandleW:0] st_late_q;
  logic [HandleW-1:0]      st_handle;
  logic                    st_hit;
  always_ff @(posedge clk_i) begin
    st_late_q[0] <= {st_hit_q, st_handle_q};
    for (int unsigned n = 1; n <= Pre; n++) st_late_q[n] <= st_late_q[n-1];
  end
  assign {st_hit, st_handle} = st_late_q[Pre];

  // The banks.
  eq_t [3:0]               eq_q;
  logic [3:0]              live_q, match;
  logic [3:0][HandleW-1:0] bank_handle_q;
  logic [3:0][EntryW-1:0]  b_rdata;

  for (genvar b = 0; b < 4; b++) begin : gen_bank
    logic [SlotW-1:0]  slot, b_slot_q;
    logic [EntryW-1:0] entry;
    (* keep *) logic [EntryW-1:0] b_wdata_q;   // one copy for each RAM: they lie far apart
    logic              b_we_q, coll, unused_coll;

    initial b_we_q = 1'b0;   // the RAM's contents must outlive the first clock of the reset

    always_ff @(posedge clk_i) begin
      b_slot_q  <= b_slot_i[b];
      b_wdata_q <= b_wdata_i;
      b_we_q    <= b_we_i[b] && rst_ni;
    end

    hp_hash #(.BANK(b), .IDX_W(SlotW)) u_hash (.clk_i, .seed_i, .key_i(key60), .idx_o(slot));
    hp_ram_tdp #(.WIDTH(EntryW), .DEPTH(DEPTH)) u_ram (
      .clk_i,
      .a_en_i(1'b1), .a_we_i(1'b0), .a_addr_i(slot), .a_wdata_i('0), .a_rdata_o(entry),
      .coll_a_o(coll),
      .b_en_i(1'b1), .b_we_i(b_we_q), .b_addr_i(b_slot_q), .b_wdata_i(b_wdata_q),
      .b_rdata_o(b_rdata[b]), .coll_b_o(unused_coll)
    );

    always_ff @(posedge clk_i) begin
      live_q[b]        <= entry[EntryW-1] && !coll;
      eq_q[b]          <= compare(entry[KEY_W-1:0], key_late);
      bank_handle_q[b] <= entry[KEY_W +: HandleW];
    end
    assign match[b] = live_q[b] && (&eq_q[b]);
  end
  assign b_rdata_o = b_rdata;

  // One of five, or the same handle twice while an entry moves.
  logic [HandleW-1:0] handle_d, handle_q, handle_q2;
  logic               hit_q, hit_q2;
  always_comb begin
    handle_d = st_handle;
    for (int unsigned b = 0; b < 4; b++) begin
      if (match[b]) handle_d |= bank_handle_q[b];
    end
  end
  always_ff @(posedge clk_i) begin
    handle_q  <= handle_d;
    handle_q2 <= handle_q;
    handle_o  <= handle_q2;
    hit_q     <= (|match) || st_hit;
    hit_q2    <= hit_q;
    hit_o     <= hit_q2;
  end

  // Actions.
  logic               act_en_q, act_we_q, act_coll, unused_act_coll;
  logic [HandleW-1:0] act_handle_q;
  logic [ACT_W-1:0]   act_wdata_q, act;

  initial act_we_q = 1'b0;
  always_ff @(posedge clk_i) begin
    act_en_q     <= act_en_i && rst_ni;
    act_we_q     <= act_we_i && rst_ni;
    act_handle_q <= act_handle_i;
    if (act_we_i) act_wdata_q <= act_wdata_i;   // held until a colliding lookup comes out
  end
  hp_ram_tdp #(.WIDTH(ACT_W), .DEPTH(4 * DEPTH)) u_act (
    .clk_i,
    .a_en_i(1'b1), .a_we_i(1'b0), .a_addr_i(handle_q), .a_wdata_i('0), .a_rdata_o(act),
    .coll_a_o(act_coll),
    .b_en_i(act_en_q), .b_we_i(act_we_q), .b_addr_i(act_handle_q), .b_wdata_i(act_wdata_q),
    .b_rdata_o(act_rdata_o), .coll_b_o(unused_act_coll)
  );
  assign act_o = act_coll ? act_wdata_q : act;

`ifndef SYNTHESIS
  logic same_handle;
  always_comb begin
    same_handle = (!st_hit || st_handle == handle_d) && $onehot0(st_match_q);
    for (int unsigned b = 0; b < 4; b++) begin
      if (match[b] && bank_handle_q[b] != handle_d) same_handle = 1'b0;
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
