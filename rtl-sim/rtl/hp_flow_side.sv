// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The flow cache: the engine with what is its own here: who lives (epochs), who may come in (teachers, the
// V.VLAN's quota), who is too old (stamps), the keys of punted frames, and the commands.
//
// Lookups: masked key at stage 8, the engine's answer at 18, what lives at 19. A command (`cmd_i`, a pulse
// with `cmd_*`, which then stay put) is answered by `done_o`; its key is `key_i`, INSTALL's are made here.
// The frame's vPort is the one that its key comes from: of a frame from the uplink, that of its source address.
// A read answers with the key on `done_key_o`. `chg_o` as in hp_mac_side, with `chg_key_o`.
//
// Only learned entries are ever pending; how they are taken into use is in hp_flow_batches.

`include "hp_assert.svh"

module hp_flow_side
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned DEPTH = 1024,        // slots per bank, four banks
  parameter int unsigned PUNT_SLOTS = 16,
  localparam int unsigned HandleW = $clog2(DEPTH) + 2
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic [127:0]        hash_seed_i,
  input  logic [15:0]         now_i,            // stamp
  output logic                ready_o,

  input  logic [FlowKeyW-1:0] key_8_i,          // stage 8
  output logic [59:0]         mix_o,            // stage 10: a keyed hash of it
  input  logic [5:0]          frame_inst_i,     // stage 18
  input  logic [5:0]          frame_src_i,
  output logic                live_o,           // stage 19
  output flow_act_t           act_o,
  output logic [HandleW-1:0]  handle_o,
  output epoch_t [2:0]        frame_teacher_o,  // stage 19: epochs that its key would be installed with
  output epoch_t              frame_inst_o,
  output epoch_t              frame_src_o,
  input  logic                touch_i,          // any stage: this entry was used
  input  logic [HandleW-1:0]  touch_handle_i,

  input  logic                punt_we_i,        // a punt slot was taken
  input  logic [7:0]          punt_slot_i,
  input  punt_key_t           punt_key_i,

  input  logic                cmd_i,
  input  logic [3:0]          cmd_op_i,         // INSERT, DELETE, LOOKUP, READ, INSTALL
  input  logic [15:0]         cmd_index_i,      // instance, place, or punt slot
  input  logic [63:0]         cmd_data_i,
  input  logic [FlowKeyW-1:0] cmd_key_i,
  output logic                done_o,
  output logic [3:0]          done_status_o,
  output logic [191:0]        done_row_o,
  output logic                done_entry_o,
  output logic [FlowKeyW-1:0] done_key_o,

  input  logic                teach_i,          // pulse: close, or use (see hp_flow_batches)
  input  logic                teach_use_i,
  output logic [3:0]          teach_status_o,   // what either would be answered now ...
  output logic                teach_changes_o,  // ... and whether it would change something
  output logic [79:0]         teach_row_o,
  output logic                waiting_o,        // a close would have something new

  input  logic                bump_i,
  input  logic [1:0]          scope_i,
  input  logic [5:0]          which_i,
  output logic                guard_o,

  input  logic                age_cmd_i,
  input  logic [15:0]         age_i,
  input  logic [1:0]          age_top_i,
  output logic                age_busy_o,
  input  logic                age_ok_i,         // an entry may be removed for age ...
  output logic                age_take_o,       // ... and is

  input  logic                quota_we_i,       // VVLAN row written: flow_quota
  input  logic [5:0]          quota_inst_i,
  input  logic [3:0]          quota_i,

  output tbl_chg_t            chg_o,
  output logic [FlowKeyW-1:0] chg_key_o,
  output tbl_count_t          count_o,
  output logic [HandleW:0]    occupied_o
);
  localparam int unsigned PlaceW = HandleW + 1;
  localparam int unsigned EntryW = $bits(flow_entry_t);
  localparam int unsigned PuntW  = $clog2(PUNT_SLOTS);

  typedef enum logic [2:0] {StIdle, StKey, StPrep, StAsk, StWait, StStamp, StDone} state_e;
  state_e state_q;

  // The engine.
  logic                lk_hit, req_ready, rsp_valid, rsp_entry, move;
  logic [HandleW-1:0]  lk_handle, rsp_handle, own_handle, chg_handle;
  flow_entry_t         hit_18, new_q, own_act, own_washed, rsp_act, chg_act;
  logic [3:0]          rsp_status, eng_op;
  logic [FlowKeyW-1:0] key_q, rsp_key, own_key, chg_key;
  logic                own_valid, own_insert, own_sweep, own_found, own_live_q, own_aged, own_wash_q;
  logic [3:0]          own_status;
  logic                chg_insert, chg_delete, chg_aged, chg_update, chg_revive, chg_dead;
  logic                sweep_start, sweep_busy, sweep_begin, sweep_done, install;

  assign install = cmd_op_i == OP_INSTALL;
  assign eng_op  = install ? OP_INSERT : cmd_op_i;

  hp_table #(.KEY_W(FlowKeyW), .ACT_W(EntryW), .DEPTH(DEPTH), .COPIES(1), .EXTRA(1'b1)) u_table (
    .clk_i,
    .rst_ni,
    .seed_i       (hash_seed_i),
    .key_i        (key_8_i),
    .hit_o        (lk_hit),
    .handle_o     (lk_handle),
    .act_o        (hit_18),
    .mix_o,
    .req_valid_i  (state_q == StAsk),
    .req_ready_o  (req_ready),
    .req_op_i     (eng_op),
    .req_place_i  (cmd_index_i[PlaceW-1:0]),
    .req_key_i    (key_q),
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
    .own_wash_i   (own_wash_q),
    .own_act_i    (own_washed),
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

  // Who lives. Readers of the epochs: the hit, the entry that the engine shows, the frame, the command.
  flow_key_t         own_k, cmd_k;
  port_t             hit_src;
  epoch_t [2:0]      teacher;
  logic [3:0][5:0]   inst_idx;
  epoch_t [3:0]      e_inst;
  logic [6:0][5:0]   port_idx;
  epoch_t [6:0]      e_port;
  logic              epochs_ready;
  flow_act_t         act;       // of the command
  logic [5:0]        inst;

  assign own_k    = flow_key_t'({1'b0, own_key});
  assign cmd_k    = flow_key_t'({1'b0, key_q});
  assign inst_idx = {inst, frame_inst_i, own_act.inst, hit_18.inst};
  assign port_idx = {act.port[5:0], cmd_k.src[5:0], frame_src_i, own_act.act.port[5:0],
                     own_k.src[5:0], hit_18.act.port[5:0], hit_src[5:0]};

  hp_delay #(.WIDTH(PortW), .CYCLES(10)) u_src (
    .clk_i, .rst_ni, .d_i(key_8_i[FlowKeyW-1 -: PortW]), .q_o(hit_src)
  );
  hp_epochs #(.TEACHERS(3), .INST_READS(4), .PORT_READS(7)) u_epochs (
    .clk_i, .rst_ni, .ready_o(epochs_ready), .bump_i, .scope_i, .which_i,
    .teacher_o(teacher), .inst_i(inst_idx), .inst_o(e_inst), .port_i(port_idx), .port_o(e_port)
  );

  function automatic epoch_t of_teacher(input logic [1:0] t, input epoch_t [2:0] e);
    return (t == 2'd0) ? e[0] : (t == 2'd1) ? e[1] : e[2];
  endfunction
  // A port from 64 on is no vPort: nothing depends on it.
  function automatic logic lives(input flow_seen_t seen, input logic [1:0] by, input logic no_src,
                                 input logic no_port, input epoch_t [2:0] t, input epoch_t i, input epoch_t s,
                                 input epoch_t p);
    return (seen.teacher == of_teacher(by, t)) && (seen.inst == i) &&
           (no_src || seen.src == s) && (no_port || seen.port == p);
  endfunction

  logic [3:0] in_use;         // batches whose flows are pending no more
  always_ff @(posedge clk_i) begin
    live_o          <= lk_hit && lives(hit_18.seen, hit_18.act.teacher, hit_src[PortW-1],
                                       hit_18.act.port[PortW-1], teacher, e_inst[0], e_port[0],
                                       e_port[1]);
    act_o           <= hit_18.act;
    act_o.pending   <= hit_18.act.pending && !in_use[hit_18.batch];
    handle_o        <= lk_handle;
    own_wash_q      <= own_act.act.pending && in_use[own_act.batch];
    own_live_q      <= lives(own_act.seen, own_act.act.teacher, own_k.src[PortW-1],
                             own_act.act.port[PortW-1], teacher, e_inst[1], e_port[2], e_port[3]);
    frame_teacher_o <= teacher;
    frame_inst_o    <= e_inst[2];
    frame_src_o     <= e_port[4];
  end

  punt_key_t slot_q;
  logic      reverse_q;                // INSTALL: the second of two

  // Flows that wait for their path change. What was taken into use is pending no more once a sweep has been there.
  batch_t batch;
  logic   wash, waits;
  always_comb begin
    own_washed             = own_act;
    own_washed.act.pending = 1'b0;
  end
  assign waits = (chg_insert || chg_revive) && chg_act.act.pending;
  hp_flow_batches u_batches (
    .clk_i, .rst_ni,
    .add_i       (waits),
    .add_src_i   ((install && !reverse_q) ? slot_q.key.src : cmd_k.src),
    // A key with neither source port nor source address.
    .add_all_i   (install && !slot_q.mask[0] && !slot_q.mask[2]),
    .batch_o     (batch),
    .in_use_o    (in_use),
    .act_i       (teach_i),
    .use_i       (teach_use_i),
    .status_o    (teach_status_o),
    .changes_o   (teach_changes_o),
    .row_o       (teach_row_o),
    .waiting_o,
    .forget_i    (bump_i && (scope_i == SCOPE_ALL || (scope_i == SCOPE_TEACHER && which_i == 6'(TEACHER_LEARNED)))),
    .wash_o      (wash),
    .sweep_begin_i(sweep_begin),
    .sweep_done_i (sweep_done)
  );

  // Keys of punted frames.
  logic [$bits(punt_key_t)-1:0] punt_q [PUNT_SLOTS];
  logic [FlowKeyW-1:0]          slot_key;
  flow_act_t                    fwd, rev;
  logic                         stale;

  flow_row_t fwd_row, rev_row;
  assign fwd_row = flow_row_t'(192'(cmd_data_i[31:0]));
  assign rev_row = flow_row_t'(192'(cmd_data_i[63:32]));
  assign fwd  = '{action: fwd_row.action, teacher: fwd_row.teacher, pending: fwd_row.pending,
                  port: fwd_row.port};
  assign rev  = '{action: rev_row.action, teacher: rev_row.teacher, pending: rev_row.pending,
                  port: rev_row.port};
  assign act  = reverse_q ? rev : fwd;
  assign inst = install ? slot_q.inst : cmd_index_i[5:0];

  logic [PUNT_SLOTS-1:0] late;
  logic                  late_q;
  hp_late #(.SLOTS(PUNT_SLOTS)) u_late (
    .clk_i, .rst_ni, .bump_i, .we_i(punt_we_i), .slot_i(punt_slot_i[PuntW-1:0]), .late_o(late)
  );

  always_ff @(posedge clk_i) begin
    late_q <= late[cmd_index_i[PuntW-1:0]];
    if (punt_we_i) punt_q[punt_slot_i[PuntW-1:0]] <= punt_key_i;
    slot_q <= punt_key_t'(punt_q[cmd_index_i[PuntW-1:0]]);
  end
  hp_flow_key u_slot_key (
    .key_i   (slot_q.key),
    .mask_i  (slot_q.mask),
    .mirror_i(reverse_q),
    .port_i  ((fwd.action == FLOW_UPLINK) ? PortUplink : fwd.port),
    .key_o   (slot_key)
  );
  // What the frame was seen with; its vPort is the forward key's source.
  assign stale = install && (late_q || (slot_q.e_inst != e_inst[3]) ||
                             (of_teacher(act.teacher, slot_q.teacher) !=
                              of_teacher(act.teacher, teacher)) ||
                             (!reverse_q && !cmd_k.src[PortW-1] && slot_q.mask[0] &&
                              slot_q.e_src != e_port[5]));

  // How many entries a V.VLAN has, and may have.
  logic        tally_ready, own_had_q, full_q, over_q;
  logic [5:0]  own_inst_q;
  logic [15:0] tally, most;
  logic [3:0]  quota;

  // What the key of an insert had before; an update comes later than the engine shows it.
  always_ff @(posedge clk_i) begin
    if (own_valid && own_insert) begin
      own_had_q  <= own_found;
      own_inst_q <= own_act.inst;
    end
    full_q <= tally >= most;
    over_q <= tally > most;
  end
  assign most = (quota == '0) ? '0 : 16'd1 << quota;

  hp_tally u_tally (
    .clk_i, .rst_ni, .ready_o(tally_ready),
    .up_i(chg_insert || chg_update), .up_idx_i(chg_act.inst),
    .down_i(chg_delete || chg_aged || chg_dead || (chg_update && own_had_q)),
    .down_idx_i(chg_update ? own_inst_q : chg_act.inst), .idx_i(inst), .count_o(tally)
  );
  hp_ram_1r1w #(.WIDTH(4), .DEPTH(64)) u_quota (
    .clk_i, .we_i(quota_we_i), .waddr_i(quota_inst_i), .wdata_i(quota_i),
    .re_i(!quota_we_i), .raddr_i(inst), .rdata_o(quota)
  );

  always_comb begin
    own_status = ST_OK;
    // What lives stays as it is if the new entry would be pending.
    if (own_found && own_live_q && (own_act.act.teacher > act.teacher || act.pending)) own_status = ST_REFUSED;
    // A dead entry of the V.VLAN is counted already.
    else if ((own_had_q && own_inst_q == inst) ? (!own_live_q && over_q) : full_q)
      own_status = ST_QUOTA;
  end

  // Ages.
  logic        again_q, rsp_read, old, too_old_q, read1_q, read2_q, read3_q;
  logic [3:0]  own_sweep_q;
  logic [15:0] age, stamp, stamp_q;
  logic [1:0]  top;
  logic [HandleW-1:0] rsp_handle_q;

  hp_stamps #(.HANDLES(4 * DEPTH)) u_stamps (
    .clk_i, .rst_ni, .now_i, .touch_i, .touch_handle_i,
    .set_i        (chg_insert || chg_update),
    .set_handle_i (chg_handle),
    .read_i       ((own_valid && own_sweep) || rsp_read),
    .read_handle_i((own_valid && own_sweep) ? own_handle : rsp_handle_q),
    .stamp_o      (stamp)
  );
  hp_tbl_sweep u_sweep (
    .clk_i, .rst_ni, .bump_i, .wash_i(wash), .guard_o,
    .age_cmd_i, .age_cmd_age_i(age_i), .age_cmd_top_i(age_top_i), .age_busy_o,
    .start_o(sweep_start), .begin_i(sweep_begin), .done_i(sweep_done), .again_i(again_q),
    .age_o(age), .top_o(top)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) own_sweep_q <= '0;
    else own_sweep_q <= {own_sweep_q[2:0], own_valid && own_sweep};
    again_q   <= rst_ni && old && !age_ok_i;
    too_old_q <= (age != '0) && (16'(now_i - stamp) >= age);
  end
  assign old        = own_sweep_q[3] && too_old_q && own_live_q && (own_act.act.teacher <= top);
  assign own_aged   = old && age_ok_i;
  assign age_take_o = own_aged;

  // Commands.
  logic [3:0]  status_q;
  logic        entry_q, bad_row, more;
  flow_act_t   act_q;

  assign bad_row  = (act.action > FLOW_REDIRECT) || (act.teacher > TEACHER_POLICY) ||
                    (act.port > PortUplink) || (act.pending && act.teacher != TEACHER_LEARNED);
  assign more     = install && !reverse_q && cmd_data_i[63] && status_q inside {ST_OK, ST_UPDATED};
  assign rsp_read = (state_q == StStamp) && !(read1_q || read2_q || read3_q) &&
                    !(own_valid && own_sweep) && !(chg_insert || chg_update);

  // INSTALL: the slot is there in the second clock of StKey.
  logic key2_q, refuse;
  assign refuse = (eng_op == OP_INSERT) && (bad_row || stale || (install && !slot_q.usable));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= StIdle;
      key2_q    <= 1'b0;
      reverse_q <= 1'b0;
      {read3_q, read2_q, read1_q} <= '0;
    end else begin
      {read3_q, read2_q, read1_q} <= {read2_q, read1_q, rsp_read};
      key2_q <= (state_q == StKey) && !key2_q;
      unique case (state_q)
        StIdle: if (cmd_i) begin
          state_q   <= StKey;
          reverse_q <= 1'b0;
        end
        StKey:   if (key2_q) state_q <= StPrep;
        StPrep:  state_q <= refuse ? StDone : StAsk;
        StAsk:   if (req_ready) state_q <= StWait;
        StWait:  if (rsp_valid) state_q <= rsp_entry ? StStamp : StDone;
        StStamp: if (read3_q) state_q <= StDone;
        default: begin
          state_q   <= more ? StKey : StIdle;
          reverse_q <= more;
        end
      endcase
    end
    if (state_q == StKey) key_q <= install ? slot_key : cmd_key_i;
    if (state_q == StPrep) begin
      new_q    <= '{seen: '{teacher: of_teacher(act.teacher, teacher), inst: e_inst[3],
                            src: e_port[5], port: e_port[6]}, inst: inst, batch: batch, act: act};
      status_q <= bad_row ? ST_BAD_OP : stale ? ST_STALE : ST_NOT_FOUND;
      entry_q  <= 1'b0;
      act_q    <= act;
    end
    if (state_q == StWait && rsp_valid) begin
      status_q     <= rsp_status;
      entry_q      <= rsp_entry;
      act_q        <= rsp_act.act;
      act_q.pending <= rsp_act.act.pending && !in_use[rsp_act.batch];
      rsp_handle_q <= rsp_handle;
      // The key of anything else is still needed if it is refused.
      if (eng_op == OP_READ) key_q <= rsp_key;
    end
    if (read3_q) stamp_q <= stamp;
  end

  function automatic flow_row_t row(input flow_act_t a, input logic valid);
    flow_row_t r;
    r         = '0;
    r.action  = a.action;
    r.teacher = a.teacher;
    r.pending = a.pending;
    r.port    = a.port;
    r.valid   = valid;
    return r;
  endfunction

  logic finished;
  assign finished      = state_q == StDone;
  assign done_o        = finished && !more;
  assign done_status_o = status_q;
  flow_row_t done_row;
  always_comb begin
    done_row = row(act_q, entry_q);
    if (entry_q) begin
      done_row.stamp  = stamp_q;
      done_row.handle = 16'(rsp_handle_q);
    end
  end
  assign done_row_o    = 192'(done_row);
  assign done_entry_o  = entry_q;
  assign done_key_o    = key_q;

  // What changed, for the trace and the counters.
  always_comb begin
    chg_o         = '0;
    chg_o.insert  = chg_insert;
    chg_o.update  = chg_update;
    chg_o.revive  = chg_revive;
    chg_o.aged    = chg_aged;
    chg_o.swept   = chg_dead;
    chg_o.refused = finished && eng_op == OP_INSERT &&
                    !(status_q inside {ST_OK, ST_UPDATED, ST_BAD_OP, ST_NOT_FOUND});
    chg_o.handle  = 16'(chg_handle);
    chg_o.status  = chg_o.refused ? status_q : (chg_update && !chg_revive) ? ST_UPDATED : ST_OK;
    chg_o.data    = 192'(row(chg_o.refused ? act : chg_act.act, 1'b1));
    // w5: what an INSERT and a SWEEP were asked with.
    if (chg_insert || chg_update) chg_o.data[165:160] = chg_act.inst;
    if (chg_o.refused) chg_o.data[165:160] = inst;
    if (chg_o.aged) chg_o.data[177:160] = {top, age};
    chg_key_o     = chg_o.refused ? key_q : chg_key;
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
  assign unused_bits = ^{sweep_busy, own_k, cmd_k, cmd_index_i, punt_slot_i, rsp_act, chg_act, cmd_data_i,
                         fwd_row, rev_row};

  `HP_ASSERT(OneCommand_A, !cmd_i || state_q == StIdle)
endmodule
