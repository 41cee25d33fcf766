// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The MAC table: the engine with what is its own here: who lives (epochs), who may come in (static entries,
// the vPort's quota), who is too old (stamps), and the commands.
//
// Lookups: DA and SA keys at stage 2, the engine's answer at 16, the epochs at 17, what lives at 18. A command
// (`cmd_i`, a pulse with `cmd_req_i`, which then stays put) is answered by `done_o`. `chg_o` reports each
// change with the clock its effect is counted from (docs: "The engine").

`include "hp_assert.svh"

module hp_mac_side
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned DEPTH = 1024,        // slots per bank, four banks
  localparam int unsigned HandleW = $clog2(DEPTH) + 2
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [127:0] hash_seed_i,
  input  logic [15:0]  now_i,                 // stamp
  output logic         ready_o,

  input  logic [59:0]  da_key_i,              // stage 2
  input  logic [59:0]  sa_key_i,
  input  logic [5:0]   frame_inst_i,          // stage 16
  input  logic [5:0]   frame_src_i,
  output mac_seen_t    frame_seen_o,          // stage 17: epochs that its SA would be learned with
  output logic         da_hit_o,              // stage 18
  output mac_act_t     da_act_o,
  output logic         sa_hit_o,
  output mac_act_t     sa_act_o,
  input  logic         touch_i,               // stage 18: SA's entry was used

  input  logic         cmd_i,
  input  logic [3:0]   cmd_op_i,              // INSERT, DELETE, LOOKUP, READ
  input  logic [15:0]  cmd_index_i,           // instance, or place
  input  logic [59:0]  cmd_key_i,
  input  mac_act_t     cmd_act_i,
  input  logic         cmd_check_i,           // INSERT only if the epochs are still these
  input  mac_seen_t    cmd_seen_i,
  input  logic         cmd_late_i,            // ... which nobody can tell any more
  output logic         done_o,
  output logic [3:0]   done_status_o,
  output logic [191:0] done_row_o,

  input  logic         bump_i,
  input  logic [1:0]   scope_i,
  input  logic [5:0]   which_i,
  output logic         guard_o,

  input  logic         age_cmd_i,
  input  logic [15:0]  age_i,
  output logic         age_busy_o,
  input  logic         age_ok_i,              // an entry may be removed for age ...
  output logic         age_take_o,            // ... and is

  input  logic         limit_we_i,            // PORT row written: max_macs
  input  logic [5:0]   limit_port_i,
  input  logic [7:0]   limit_i,

  output tbl_chg_t     chg_o,
  output tbl_count_t   count_o,
  output logic [HandleW:0] occupied_o
);
  localparam int unsigned PlaceW = HandleW + 1;
  localparam int unsigned EntryW = $bits(mac_entry_t);

  typedef enum logic [2:0] {StIdle, StPrep, StAsk, StWait, StStamp, StDone} state_e;
  state_e state_q;

  // The engine.
  logic [1:0]              lk_hit;
  logic [1:0][HandleW-1:0] lk_handle;
  logic [1:0][EntryW-1:0]  lk_act;
  mac_entry_t              da_16, sa_16, new_q, own_act, rsp_act, chg_act;
  logic                    req_ready, rsp_valid, rsp_entry;
  logic [3:0]              rsp_status;
  logic [59:0]             rsp_key, own_key, chg_key;
  logic [HandleW-1:0]      rsp_handle, own_handle, chg_handle;
  logic                    own_valid, own_insert, own_sweep, own_found, own_live_q, own_aged;
  logic [3:0]              own_status;
  logic                    chg_insert, chg_delete, chg_aged, chg_update, chg_revive, chg_dead, move;
  logic                    sweep_start, sweep_busy, sweep_begin, sweep_done;
  logic [59:0]             unused_mix;

  hp_table #(.KEY_W(60), .ACT_W(EntryW), .DEPTH(DEPTH), .COPIES(2), .EXTRA(1'b0)) u_table (
    .clk_i,
    .rst_ni,
    .seed_i       (hash_seed_i),
    .key_i        ({sa_key_i, da_key_i}),
    .hit_o        (lk_hit),
    .handle_o     (lk_handle),
    .act_o        (lk_act),
    .mix_o        (unused_mix),
    .req_valid_i  (state_q == StAsk),
    .req_ready_o  (req_ready),
    .req_op_i     (cmd_op_i),
    .req_place_i  (cmd_index_i[PlaceW-1:0]),
    .req_key_i    (cmd_key_i),
    .req_act_i    (new_q),
    .rsp_valid_o  (rsp_valid),
    .rsp_status_o (rsp_status),
    .rsp_entry_o  (rsp_entry),
    .rsp_key_o    (rsp_key),
    .rsp_act_o    (rsp_act),
    .rsp_handle_o (rsp_handle),
    .own_valid_o  (own_valid),
    .own_insert_o (own_insert),
    .own_sweep_o  (own_sweep),
    .own_found_o  (own_found),
    .own_key_o    (own_key),
    .own_act_o    (own_act),
    .own_handle_o (own_handle),
    .own_live_i   (own_live_q),
    .own_aged_i   (own_aged),
    .own_status_i (own_status),
    .own_wash_i   (1'b0),
    .own_act_i    ('0),
    .chg_insert_o (chg_insert),
    .chg_delete_o (chg_delete),
    .chg_aged_o   (chg_aged),
    .chg_update_o (chg_update),
    .chg_revive_o (chg_revive),
    .chg_dead_o   (chg_dead),
    .chg_key_o    (chg_key),
    .chg_act_o    (chg_act),
    .chg_handle_o (chg_handle),
    .sweep_start_i(sweep_start),
    .sweep_busy_o (sweep_busy),
    .sweep_begin_o(sweep_begin),
    .sweep_done_o (sweep_done),
    .occupied_o,
    .move_o       (move)
  );
  assign {sa_16, da_16} = lk_act;

  // Who lives. Readers of the epochs: DA, SA, the entry that the engine shows, the frame, the command.
  epoch_t [1:0]      teacher;
  epoch_t [4:0]      e_inst, e_port;
  logic [4:0][5:0]   inst_idx, port_idx;
  logic              epochs_ready;
  mac_seen_t         current;

  assign inst_idx = {cmd_index_i[5:0], frame_inst_i, own_act.inst, sa_16.inst, da_16.inst};
  assign port_idx = {cmd_act_i.target[5:0], frame_src_i, own_act.act.target[5:0],
                     sa_16.act.target[5:0], da_16.act.target[5:0]};

  hp_epochs #(.TEACHERS(2), .INST_READS(5), .PORT_READS(5)) u_epochs (
    .clk_i, .rst_ni, .ready_o(epochs_ready), .bump_i, .scope_i, .which_i,
    .teacher_o(teacher), .inst_i(inst_idx), .inst_o(e_inst), .port_i(port_idx), .port_o(e_port)
  );

  function automatic logic lives(input mac_seen_t seen, input logic is_static, input logic is_group,
                                 input epoch_t [1:0] t, input epoch_t i, input epoch_t p);
    return (seen.teacher == t[is_static]) && (seen.inst == i) &&
           (is_static || is_group || seen.port == p);
  endfunction

  // What was found, with the epochs of now; a clock later whether it lives.
  typedef struct packed {
    logic         hit;
    mac_entry_t   entry;
    epoch_t [1:0] teacher;
    epoch_t       inst;
    epoch_t       port;
  } found_t;
  found_t             da_17_q, sa_17_q;
  logic [HandleW-1:0] sa_handle_17_q, sa_handle_18_q;

  always_ff @(posedge clk_i) begin
    da_17_q <= '{hit: lk_hit[0], entry: da_16, teacher: teacher, inst: e_inst[0], port: e_port[0]};
    sa_17_q <= '{hit: lk_hit[1], entry: sa_16, teacher: teacher, inst: e_inst[1], port: e_port[1]};
    da_hit_o <= da_17_q.hit && lives(da_17_q.entry.seen, da_17_q.entry.act.is_static, da_17_q.entry.act.is_group,
                                     da_17_q.teacher, da_17_q.inst, da_17_q.port);
    sa_hit_o <= sa_17_q.hit && lives(sa_17_q.entry.seen, sa_17_q.entry.act.is_static, sa_17_q.entry.act.is_group,
                                     sa_17_q.teacher, sa_17_q.inst, sa_17_q.port);
    da_act_o       <= da_17_q.entry.act;
    sa_act_o       <= sa_17_q.entry.act;
    sa_handle_17_q <= lk_handle[1];
    sa_handle_18_q <= sa_handle_17_q;
    own_live_q     <= lives(own_act.seen, own_act.act.is_static, own_act.act.is_group, teacher,
                            e_inst[2], e_port[2]);
    frame_seen_o   <= '{teacher: teacher[0], inst: e_inst[3], port: e_port[3]};
  end
  assign current = '{teacher: teacher[cmd_act_i.is_static], inst: e_inst[4], port: e_port[4]};

  // How many dynamic entries a vPort has, and may have.
  logic       up, down, tally_ready, own_counts, chg_counts, cmd_counts, own_counts_q, full_q, over_q;
  logic [5:0] down_idx, own_target_q;
  logic [15:0] tally;
  logic [7:0] limit;

  assign own_counts = !own_act.act.is_static && !own_act.act.is_group;
  assign chg_counts = !chg_act.act.is_static && !chg_act.act.is_group;
  assign cmd_counts = !cmd_act_i.is_static && !cmd_act_i.is_group;

  // What the key of an insert had before; an update comes later than the engine shows it.
  always_ff @(posedge clk_i) begin
    if (own_valid && own_insert) begin
      own_counts_q <= own_found && own_counts;
      own_target_q <= own_act.act.target[5:0];
    end
    full_q <= tally >= 16'(limit);
    over_q <= tally > 16'(limit);
  end
  assign up       = (chg_insert || chg_update) && chg_counts;
  assign down     = ((chg_delete || chg_aged || chg_dead) && chg_counts) || (chg_update && own_counts_q);
  assign down_idx = chg_update ? own_target_q : chg_act.act.target[5:0];

  hp_tally u_tally (
    .clk_i, .rst_ni, .ready_o(tally_ready), .up_i(up), .up_idx_i(chg_act.act.target[5:0]),
    .down_i(down), .down_idx_i(down_idx), .idx_i(cmd_act_i.target[5:0]), .count_o(tally)
  );
  hp_ram_1r1w #(.WIDTH(8), .DEPTH(64)) u_limit (
    .clk_i, .we_i(limit_we_i), .waddr_i(limit_port_i), .wdata_i(limit_i),
    .re_i(!limit_we_i), .raddr_i(cmd_act_i.target[5:0]), .rdata_o(limit)
  );

  // The clock after the engine shows an entry: may the insert go on? Registers only.
  logic same_owner;
  assign same_owner = own_counts_q && own_target_q == cmd_act_i.target[5:0];
  always_comb begin
    own_status = ST_OK;
    if (!cmd_act_i.is_static) begin
      if (own_found && own_live_q && own_act.act.is_static) own_status = ST_REFUSED;
      // A dead entry of the vPort is counted already.
      else if (cmd_counts && (same_owner ? (!own_live_q && over_q) : full_q)) own_status = ST_QUOTA;
    end
  end

  // Ages.
  logic        again_q, rsp_read, old, too_old_q, read1_q, read2_q, read3_q;
  logic [3:0]  own_sweep_q;
  logic [15:0] age, stamp, stamp_q;
  logic [1:0]  unused_top;
  logic [HandleW-1:0] rsp_handle_q;

  hp_stamps #(.HANDLES(4 * DEPTH)) u_stamps (
    .clk_i, .rst_ni, .now_i,
    .touch_i       (touch_i),
    .touch_handle_i(sa_handle_18_q),
    .set_i         (chg_insert || chg_update),
    .set_handle_i  (chg_handle),
    .read_i        ((own_valid && own_sweep) || rsp_read),
    .read_handle_i ((own_valid && own_sweep) ? own_handle : rsp_handle_q),
    .stamp_o       (stamp)
  );
  hp_tbl_sweep u_sweep (
    .clk_i, .rst_ni, .bump_i, .wash_i(1'b0), .guard_o,
    .age_cmd_i, .age_cmd_age_i(age_i), .age_cmd_top_i(2'd0), .age_busy_o,
    .start_o(sweep_start), .begin_i(sweep_begin), .done_i(sweep_done), .again_i(again_q),
    .age_o(age), .top_o(unused_top)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) own_sweep_q <= '0;
    else own_sweep_q <= {own_sweep_q[2:0], own_valid && own_sweep};
    again_q   <= rst_ni && old && !age_ok_i;
    too_old_q <= (age != '0) && (16'(now_i - stamp) >= age);
  end
  assign old        = own_sweep_q[3] && too_old_q && own_live_q && own_counts;
  assign own_aged   = old && age_ok_i;
  assign age_take_o = own_aged;

  // Commands.
  logic [3:0]         status_q;
  logic               entry_q;
  logic [59:0]        key_q;
  mac_act_t           act_q;
  logic               stale;

  assign stale    = cmd_check_i && (cmd_late_i || cmd_seen_i != current);
  assign rsp_read = (state_q == StStamp) && !(read1_q || read2_q || read3_q) &&
                    !(own_valid && own_sweep) && !(chg_insert || chg_update);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      {read3_q, read2_q, read1_q} <= '0;
    end else begin
      {read3_q, read2_q, read1_q} <= {read2_q, read1_q, rsp_read};
      unique case (state_q)
        StIdle:  if (cmd_i) state_q <= StPrep;
        StPrep:  state_q <= (cmd_op_i == OP_INSERT && stale) ? StDone : StAsk;
        StAsk:   if (req_ready) state_q <= StWait;
        StWait:  if (rsp_valid) state_q <= rsp_entry ? StStamp : StDone;
        StStamp: if (read3_q) state_q <= StDone;
        default: state_q <= StIdle;
      endcase
    end
    if (state_q == StPrep) begin
      new_q    <= '{seen: current, inst: cmd_index_i[5:0], act: cmd_act_i};
      status_q <= ST_STALE;
      entry_q  <= 1'b0;
      key_q    <= cmd_key_i;
      act_q    <= cmd_act_i;
    end
    if (state_q == StWait && rsp_valid) begin
      status_q     <= rsp_status;
      entry_q      <= rsp_entry;
      key_q        <= rsp_key;
      act_q        <= rsp_act.act;
      rsp_handle_q <= rsp_handle;
    end
    if (read3_q) stamp_q <= stamp;
  end

  function automatic logic [191:0] row(input logic [59:0] key, input mac_act_t act);
    mac_row_t r;
    r           = '0;
    r.mac       = key[47:0];
    r.vvlan     = key[59:48];
    r.target    = act.target;
    r.is_group  = act.is_group;
    r.is_static = act.is_static;
    return 192'(r);
  endfunction

  mac_row_t done_row;
  always_comb begin
    done_row       = mac_row_t'(row(key_q, act_q));
    done_row.valid = entry_q;
    if (entry_q) begin
      done_row.stamp  = stamp_q;
      done_row.handle = 16'(rsp_handle_q);
    end
  end
  assign done_o        = state_q == StDone;
  assign done_status_o = status_q;
  assign done_row_o    = 192'(done_row);

  // What changed, for the trace and the counters.
  always_comb begin
    chg_o         = '0;
    chg_o.insert  = chg_insert;
    chg_o.update  = chg_update;
    chg_o.revive  = chg_revive;
    chg_o.aged    = chg_aged;
    chg_o.swept   = chg_dead;
    chg_o.refused = done_o && cmd_op_i == OP_INSERT && !(status_q inside {ST_OK, ST_UPDATED});
    chg_o.handle  = 16'(chg_handle);
    chg_o.status  = chg_o.refused ? status_q : (chg_update && !chg_revive) ? ST_UPDATED : ST_OK;
    chg_o.data    = chg_o.refused ? row(cmd_key_i, cmd_act_i) : row(chg_key, chg_act.act);
    // w5: what an INSERT and a SWEEP were asked with.
    if (chg_insert || chg_update) chg_o.data[165:160] = chg_act.inst;
    if (chg_o.refused) chg_o.data[165:160] = cmd_index_i[5:0];
    if (chg_o.aged) chg_o.data[175:160] = age;
  end
  always_comb begin
    count_o.chg_insert = chg_insert || chg_revive;
    count_o.chg_aged   = chg_o.aged;
    count_o.chg_swept  = chg_dead;
    count_o.full       = chg_o.refused && status_q == ST_FULL;
    count_o.stale      = chg_o.refused && status_q == ST_STALE;
    count_o.quota      = chg_o.refused && status_q == ST_QUOTA;
    count_o.refused    = chg_o.refused && status_q == ST_REFUSED;
    count_o.move       = move;
    count_o.invalidate = bump_i;
  end

  assign ready_o = epochs_ready && tally_ready;

  logic unused_bits;
  assign unused_bits = ^{sweep_busy, lk_handle[0], own_key, chg_act, cmd_index_i, rsp_act, tally};

  `HP_ASSERT(OneCommand_A, !cmd_i || state_q == StIdle)
endmodule
