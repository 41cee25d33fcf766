// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The MAC table: {V.VLAN, MAC} -> action. Four banks, one keyed hash each, full keys stored and compared.
//
// Two keys (DA and SA) are looked up every clock: keys in cycle t, hit and action in t+8. Each lookup has
// its own copy of the table; port B of both copies belongs to the maintenance engine, which serves one
// request at a time (valid/ready, one response). An entry holds {valid, key}; its action is kept apart
// and indexed by the entry's handle (today: the place it was inserted at).
//
// Serialization: an insert takes effect after the lookup that reads its slot in the same cycle, a delete
// and an update before it. `chg_*` pulse in the cycle of the write.

`include "hp_assert.svh"

module hp_mac_table
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned DEPTH = 1024,  // slots per bank
  parameter int unsigned ACT_W = 10,
  localparam int unsigned SlotW = $clog2(DEPTH),
  localparam int unsigned HandleW = SlotW + 2
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [127:0]     seed_i,

  input  logic [59:0]      da_key_i,
  input  logic [59:0]      sa_key_i,
  output logic             da_hit_o,
  output logic [ACT_W-1:0] da_act_o,
  output logic             sa_hit_o,
  output logic [ACT_W-1:0] sa_act_o,

  // Maintenance: op is OP_INSERT, OP_DELETE, OP_LOOKUP (by key) or OP_READ (index = handle).
  input  logic             req_valid_i,
  output logic             req_ready_o,
  input  logic [3:0]       req_op_i,
  input  logic [15:0]      req_index_i,
  input  logic [59:0]      req_key_i,
  input  logic [ACT_W-1:0] req_act_i,
  output logic             rsp_valid_o,
  output logic [3:0]       rsp_status_o,
  output logic             rsp_entry_valid_o,
  output logic [59:0]      rsp_key_o,
  output logic [ACT_W-1:0] rsp_act_o,

  output logic             chg_bank_o,    // an entry was inserted or deleted
  output logic             chg_update_o   // an action was replaced
);
  localparam int unsigned EntryW = 61;

  typedef enum logic [2:0] {
    StIdle,
    StFind,     // hash, read, compare: one register after each step, `wait_q` counts them
    StPick,
    StAct,
    StWrite,
    StRsp
  } state_e;

  state_e             state_q;
  logic [2:0]         wait_q;
  logic [3:0]         op_q;
  logic [59:0]        key_q;
  logic [ACT_W-1:0]   act_q;
  logic [HandleW-1:0] handle_q;
  logic [3:0]         status_q;
  logic               valid_q, by_index;

  // Port B, shared by both copies.
  logic [SlotW-1:0]   mt_slot [4];
  logic [SlotW-1:0]   b_slot [4];
  logic [3:0]         b_we;
  logic [EntryW-1:0]  b_wdata;
  logic [EntryW-1:0]  b_rdata [4];
  logic               act_en, act_we;
  logic [ACT_W-1:0]   act_rdata;

  for (genvar b = 0; b < 4; b++) begin : gen_mt_hash
    hp_mac_hash #(.BANK(b), .IDX_W(SlotW)) u_hash (
      .clk_i, .seed_i, .key_i(key_q), .idx_o(mt_slot[b])
    );
  end

  // Lookups, one per copy.
  logic [59:0]       lk_key [2];
  logic              lk_hit [2];
  logic [ACT_W-1:0]  lk_act [2];
  logic [EntryW-1:0] copy_rdata [2][4];
  logic [ACT_W-1:0]  copy_act_rdata [2];
  assign lk_key[0] = da_key_i;
  assign lk_key[1] = sa_key_i;

  for (genvar c = 0; c < 2; c++) begin : gen_copy
    logic [59:0]        key_q4;          // t+4, beside the entries
    logic [3:0][9:0]    eq_q;
    logic [3:0]         live_q;
    logic [3:0]         match;
    logic [HandleW-1:0] handle_d, hit_handle_q;
    logic [SlotW-1:0]   slot [4];
    logic [SlotW-1:0]   slot_t5 [4];
    logic               hit_q, hit_q2, hit_q3, act_coll, unused_coll;
    logic [ACT_W-1:0]   act;

    hp_delay #(.WIDTH(60), .CYCLES(4)) u_key (.clk_i, .rst_ni, .d_i(lk_key[c]), .q_o(key_q4));

    for (genvar b = 0; b < 4; b++) begin : gen_bank
      logic [EntryW-1:0] entry;
      logic              coll, unused_b;
      logic [SlotW-1:0]  slot_q, slot_q2;

      hp_mac_hash #(.BANK(b), .IDX_W(SlotW)) u_hash (
        .clk_i, .seed_i, .key_i(lk_key[c]), .idx_o(slot[b])
      );
      hp_ram_tdp #(.WIDTH(EntryW), .DEPTH(DEPTH)) u_ram (
        .clk_i,
        .a_en_i(1'b1), .a_we_i(1'b0), .a_addr_i(slot[b]), .a_wdata_i('0), .a_rdata_o(entry),
        .coll_a_o(coll),
        .b_en_i(1'b1), .b_we_i(b_we[b]), .b_addr_i(b_slot[b]), .b_wdata_i(b_wdata),
        .b_rdata_o(copy_rdata[c][b]), .coll_b_o(unused_b)
      );

      // t+5: equality in chunks. A collision is a miss in this bank, whichever way the write goes.
      always_ff @(posedge clk_i) begin
        live_q[b] <= entry[60] && !coll;
        for (int unsigned n = 0; n < 10; n++) begin
          eq_q[b][n] <= entry[6*n +: 6] == key_q4[6*n +: 6];
        end
        slot_q     <= slot[b];
        slot_q2    <= slot_q;
        slot_t5[b] <= slot_q2;
      end
      assign match[b] = live_q[b] && (&eq_q[b]);
    end

    always_comb begin
      handle_d = '0;
      for (int unsigned b = 0; b < 4; b++) begin
        if (match[b]) handle_d |= {2'(b), slot_t5[b]};
      end
    end

    always_ff @(posedge clk_i) begin
      hit_handle_q <= handle_d;
      hit_q        <= |match;
      hit_q2       <= hit_q;
      hit_q3       <= hit_q2;
    end

    hp_ram_tdp #(.WIDTH(ACT_W), .DEPTH(4 * DEPTH)) u_act (
      .clk_i,
      .a_en_i(1'b1), .a_we_i(1'b0), .a_addr_i(hit_handle_q), .a_wdata_i('0), .a_rdata_o(act),
      .coll_a_o(act_coll),
      .b_en_i(act_en), .b_we_i(act_we), .b_addr_i(handle_q), .b_wdata_i(act_q),
      .b_rdata_o(copy_act_rdata[c]), .coll_b_o(unused_coll)
    );
    // act_q still holds the new action when a colliding lookup comes out.
    assign lk_act[c] = act_coll ? act_q : act;
    assign lk_hit[c] = hit_q3;

    `HP_ASSERT(OneHit_A, $onehot0(match))
  end

  assign da_hit_o  = lk_hit[0];
  assign da_act_o  = lk_act[0];
  assign sa_hit_o  = lk_hit[1];
  assign sa_act_o  = lk_act[1];
  assign b_rdata   = copy_rdata[0];
  assign act_rdata = copy_act_rdata[0];

  // Maintenance: nothing hurries, so every step of the search is registered.
  logic [3:0][9:0]    mt_eq_q;
  logic [3:0]         mt_live_q, mt_match_q, mt_free_q;
  logic               found_q, any_free_q;
  logic [1:0]         bank_q;
  logic [HandleW-1:0] place;
  logic [EntryW-1:0]  by_index_q;
  for (genvar b = 0; b < 4; b++) begin : gen_mt
    always_ff @(posedge clk_i) begin
      for (int unsigned n = 0; n < 10; n++) begin
        mt_eq_q[b][n] <= b_rdata[b][6*n +: 6] == key_q[6*n +: 6];
      end
      mt_live_q[b]  <= b_rdata[b][60];
      mt_match_q[b] <= mt_live_q[b] && (&mt_eq_q[b]);
      mt_free_q[b]  <= !mt_live_q[b];
    end
    assign b_slot[b] = (by_index || state_q == StWrite) ? handle_q[SlotW-1:0] : mt_slot[b];
    assign b_we[b]   = (state_q == StWrite) && (handle_q[HandleW-1 -: 2] == 2'(b));
  end
  always_ff @(posedge clk_i) begin
    found_q    <= |mt_match_q;
    any_free_q <= |mt_free_q;
    bank_q     <= '0;
    for (int b = 3; b >= 0; b--) begin
      if ((|mt_match_q) ? mt_match_q[b] : mt_free_q[b]) bank_q <= 2'(b);
    end
    by_index_q <= b_rdata[handle_q[HandleW-1 -: 2]];
  end
  assign place = {bank_q, mt_slot[bank_q]};
  assign by_index = op_q == OP_READ;
  assign b_wdata  = (op_q == OP_INSERT) ? {1'b1, key_q} : '0;
  assign act_en   = (state_q == StAct);
  assign act_we   = act_en && (op_q == OP_INSERT) && (wait_q == '0);

  // Slots two clocks after the key, entries two after the slots, match and pick one clock each: eight.
  localparam logic [2:0] FindClocks = 3'd7;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
    end else begin
      unique case (state_q)
        StIdle: if (req_valid_i) begin
          state_q <= StFind;
          wait_q  <= FindClocks;
        end
        StFind: begin
          wait_q <= wait_q - 3'd1;
          if (wait_q == '0) state_q <= StPick;
        end
        StPick: begin
          wait_q <= '0;
          if (by_index) state_q <= StAct;
          else if (op_q == OP_INSERT) state_q <= (found_q || any_free_q) ? StAct : StRsp;
          else if (!found_q) state_q <= StRsp;
          else state_q <= (op_q == OP_DELETE) ? StWrite : StAct;
        end
        StAct: begin  // one write, or a read that takes two clocks
          wait_q <= wait_q + 3'd1;
          if (op_q == OP_INSERT) state_q <= (status_q == ST_UPDATED) ? StRsp : StWrite;
          else if (wait_q == 3'd2) state_q <= StRsp;
        end
        StWrite: state_q <= StRsp;
        default: state_q <= StIdle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StIdle) begin
      op_q     <= req_op_i;
      key_q    <= req_key_i;
      handle_q <= HandleW'(req_index_i);
      if (req_valid_i) act_q <= req_act_i;
      valid_q  <= 1'b1;
      status_q <= ST_OK;
    end
    if (state_q == StPick) begin
      if (by_index) {valid_q, key_q} <= by_index_q;
      else handle_q <= place;
      if (op_q == OP_INSERT) begin
        status_q <= found_q ? ST_UPDATED : any_free_q ? ST_OK : ST_FULL;
      end else if (!by_index && !found_q) begin
        status_q <= ST_NOT_FOUND;
        valid_q  <= 1'b0;
      end
    end
    if (state_q == StAct && op_q != OP_INSERT && wait_q == 3'd2) act_q <= act_rdata;
  end

  assign req_ready_o       = state_q == StIdle;
  assign rsp_valid_o       = state_q == StRsp;
  assign rsp_status_o      = status_q;
  assign rsp_entry_valid_o = valid_q;
  assign rsp_key_o         = key_q;
  assign rsp_act_o         = act_q;
  assign chg_bank_o        = state_q == StWrite;
  assign chg_update_o      = act_we && (status_q == ST_UPDATED);

  logic unused_index;
  assign unused_index = ^req_index_i;

  `HP_ASSERT(OneMatch_A, state_q != StPick || by_index || $onehot0(mt_match_q))
  `HP_ASSERT_INIT(Depth_A, DEPTH == 2 ** SlotW && HandleW <= 16)
endmodule
