// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The tables that forwarding reads, behind the table command bus. Lookups never stall; where each table is
// read and answers is said in hp_row_tables, hp_mac_side and hp_flow_side.
//
// One command at a time, of the learn unit, the bus, or of a frame that teaches a flow: that is an INSTALL of
// a learned flow, pending, if TEACH has switched it on (else `denied`). It changes one table at one place in the frame order;
// `trace_cmd_o` reports that aligned with the frames' decisions (stage 22), and the response comes when
// every earlier frame has been decided. Removals for age happen between commands that change something, so
// that no two reports meet. FLOW_DEPTH = 0 leaves the flow cache out.

`include "hp_assert.svh"

module hp_tables
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  parameter int unsigned MAC_DEPTH = 1024,    // slots per bank, four banks
  parameter int unsigned FLOW_DEPTH = 1024,
  localparam int unsigned FlowHandleW = (FLOW_DEPTH > 0) ? $clog2(FLOW_DEPTH) + 2 : 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic [127:0]        hash_seed_i,
  input  logic [15:0]         now_i,            // stamp

  input  logic                tbl_req_valid_i,
  output logic                tbl_req_ready_o,
  input  logic                tbl_core_i,       // the core asks, not the host
  input  tbl_req_t            tbl_req_i,
  output logic                tbl_rsp_valid_o,
  output tbl_rsp_t            tbl_rsp_o,
  input  logic                learn_valid_i,
  output logic                learn_ready_o,
  input  learn_req_t          learn_i,
  output logic                learn_done_o,
  output logic [3:0]          learn_status_o,
  input  logic                taught_valid_i,   // stays until it is done
  input  logic [7:0]          taught_slot_i,
  input  port_t               taught_port_i,    // where the frame went
  output logic                taught_done_o,
  output logic [3:0]          taught_status_o,
  output logic                flows_waiting_o,  // TEACH close would have something new
  output trace_cmd_t          trace_cmd_o,

  // Stage 0.
  output cfg_row_t            cfg_o,
  output logic [N_VF-1:0]     vswitch_mask_o,
  input  port_t               port_idx_i,
  output port_row_t           port_row_o,       // stage 2
  // Stage 2.
  input  vlan_t               vvmap_idx_i,
  output logic                vvmap_valid_o,    // stage 4
  output logic [5:0]          vvmap_inst_o,
  input  logic [59:0]         da_key_i,
  input  logic [59:0]         sa_key_i,
  // Stage 4.
  input  logic [5:0]          vvlan_idx_i,
  output vvlan_row_t          vvlan_row_o,      // stage 6
  // Stage 7: the vPort's PORT row was written since; cleared by the meter.
  output logic [N_VF-1:0]     meter_fresh_set_o,
  // Stage 8.
  input  logic [FlowKeyW-1:0] flow_key_i,
  output logic [59:0]         flow_mix_o,       // stage 10: a hash of it
  // Stage 16: the frame's V.VLAN instance and vPort.
  input  logic [5:0]          inst_16_i,
  input  logic [5:0]          src_16_i,
  output mac_seen_t           learn_seen_o,     // stage 17
  // Stage 18.
  output logic                da_hit_o,
  output mac_act_t            da_act_o,
  output logic                sa_hit_o,
  output mac_act_t            sa_act_o,
  input  logic                sa_touch_i,
  input  logic [5:0]          inst_18_i,
  input  logic [5:0]          src_18_i,
  input  logic [7:0]          group_idx_i,
  output logic [N_VF-1:0]     group_row_o,      // stage 20
  // Stage 19.
  output logic                flow_live_o,
  output flow_act_t           flow_act_o,
  output logic [15:0]         flow_handle_o,
  output epoch_t [2:0]        flow_teacher_o,   // epochs that the frame's key would be installed with
  output epoch_t              flow_inst_o,
  output epoch_t              flow_src_o,
  output logic [N_VF-1:0]     enabled_mask_o,   // what the target checks need of every vPort
  output logic [N_VF-1:0]     tag_mask_o,
  output logic [N_VF-1:0]     reflect_mask_o,
  output logic [N_VF-1:0]     promisc_mask_o,
  output logic [N_VF-1:0]     allmulti_mask_o,
  // Stage 22: a flow was applied.
  input  logic                flow_touch_i,
  input  logic [15:0]         flow_touch_handle_i,

  input  logic                punt_we_i,        // a punt slot was taken
  input  logic [7:0]          punt_slot_i,
  input  punt_key_t           punt_key_i,

  output logic                flow_new_o,       // a handle was given out
  output logic [15:0]         flow_new_handle_o,
  output tbl_count_t          mac_count_o,
  output logic [15:0]         mac_occupied_o,
  output tbl_count_t          flow_count_o,
  output logic [15:0]         flow_occupied_o,
  output logic                busy_o
);
  localparam int unsigned MacPlaces  = 4 * MAC_DEPTH + 8;
  localparam int unsigned FlowPlaces = 4 * FLOW_DEPTH + 8;
  localparam int unsigned PuntSlots  = 32;  // those of frames that teach among them
  localparam bit          HasFlow    = FLOW_DEPTH != 0;
  // Clocks until every frame that came before a command has been decided.
  localparam logic [4:0]  Drain      = 5'd24;
  localparam int unsigned MacHandleW = $clog2(MAC_DEPTH) + 2;

  typedef enum logic [2:0] {
    StIdle,
    StGo,      // wait until it may begin
    StRun,
    StDrain,
    StRsp,
    StLast     // a delete has been answered, its entry is still there
  } state_e;

  typedef enum logic [2:0] {ToRows, ToKey, ToMac, ToFlow, ToEpoch, ToSweep, ToTeach, ToNone} unit_e;

  state_e       state_q;
  unit_e        unit_q;
  tbl_req_t     req_q, pick, learn_req, taught_req;
  logic         learn_q, taught_q, taught, teach_on_q, core_q, is_mac, go, changes, quiet, take, is_delete, gone_q;
  logic [4:0]   drain_q;
  logic [3:0]   status_q;
  logic [191:0] data_q;

  function automatic logic [3:0] check(input tbl_req_t r);
    logic rw, which_ok;
    rw = r.op inside {OP_READ, OP_WRITE};
    unique case (r.index[1:0])
      SCOPE_ALL:     which_ok = 1'b1;
      SCOPE_TEACHER: which_ok = r.data[7:0] < ((r.tbl == TBL_MAC) ? 8'd2 : 8'd3);
      default:       which_ok = r.data[7:0] < 8'd64;
    endcase
    unique case (r.tbl)
      TBL_PORT:  return !rw ? ST_BAD_OP : (r.index < 16'(N_VF)) ? ST_OK : ST_BAD_INDEX;
      TBL_CFG:   return !rw ? ST_BAD_OP : (r.index == '0) ? ST_OK : ST_BAD_INDEX;
      TBL_VVMAP: return !rw ? ST_BAD_OP : (r.index < 16'd4096) ? ST_OK : ST_BAD_INDEX;
      TBL_VVLAN: return !rw ? ST_BAD_OP : (r.index < 16'd64) ? ST_OK : ST_BAD_INDEX;
      TBL_GROUP: return !rw ? ST_BAD_OP : (r.index < 16'd256) ? ST_OK : ST_BAD_INDEX;
      TBL_RXMODE: return !rw ? ST_BAD_OP : (r.index < 16'(RXMODE_ROWS * N_VF)) ? ST_OK : ST_BAD_INDEX;
      TBL_KEY:   return !(rw && HasFlow) ? ST_BAD_OP : (r.index < 16'd3) ? ST_OK : ST_BAD_INDEX;
      TBL_MAC, TBL_FLOW: begin
        if (r.tbl == TBL_FLOW && !HasFlow) return ST_BAD_OP;
        unique case (r.op)
          OP_READ:
            return (32'(r.index) < ((r.tbl == TBL_MAC) ? MacPlaces : FlowPlaces)) ? ST_OK : ST_BAD_INDEX;
          OP_INSERT:            return (r.index < 16'd64) ? ST_OK : ST_BAD_INDEX;
          OP_DELETE, OP_LOOKUP: return ST_OK;
          OP_SWEEP:             return ST_OK;
          OP_INVALIDATE:        return (r.index < 16'd4 && which_ok) ? ST_OK : ST_BAD_INDEX;
          OP_TEACH:
            return (r.tbl == TBL_MAC) ? ST_BAD_OP : (r.index < 16'd4) ? ST_OK : ST_BAD_INDEX;
          OP_INSTALL:
            return (r.tbl == TBL_MAC) ? ST_BAD_OP : (r.index < 16'(PuntSlots)) ? ST_OK : ST_BAD_INDEX;
          default: return ST_BAD_OP;
        endcase
      end
      default: return ST_BAD_OP;
    endcase
  endfunction

  function automatic unit_e unit(input tbl_req_t r);
    if (check(r) != ST_OK) return ToNone;
    if (r.tbl == TBL_KEY) return ToKey;
    if (!(r.tbl inside {TBL_MAC, TBL_FLOW})) return ToRows;
    if (r.op == OP_INVALIDATE) return ToEpoch;
    if (r.op == OP_SWEEP) return ToSweep;
    if (r.op == OP_TEACH) return ToTeach;
    return (r.tbl == TBL_MAC) ? ToMac : ToFlow;
  endfunction

  // The learn unit's install is an INSERT into MAC that holds only while its epochs do.
  always_comb begin
    mac_row_t r;
    r         = '0;
    r.mac     = learn_i.sa;
    r.vvlan   = learn_i.vvlan;
    r.target  = 8'(learn_i.vport);
    learn_req = '{op: OP_INSERT, tbl: TBL_MAC, index: 16'(learn_i.inst), data: 192'(r)};
  end

  // So is what a frame teaches, by its slot.
  always_comb begin
    flow_row_t r;
    r          = '0;
    r.action   = FLOW_LOCAL;
    r.teacher  = TEACHER_LEARNED;
    r.pending  = 1'b1;
    r.port     = taught_port_i;
    taught_req = '{op: OP_INSTALL, tbl: TBL_FLOW, index: 16'(taught_slot_i), data: 192'(r)};
  end
  assign taught = !learn_valid_i && !tbl_req_valid_i;
  assign pick   = learn_valid_i ? learn_req : tbl_req_valid_i ? tbl_req_i : taught_req;

  // What the units say.
  logic         rows_done, mac_done, flow_done, flow_entry, mac_ready, flow_ready;
  logic [191:0] rows_row, mac_row, flow_row, key_row;
  logic [3:0]   mac_status, flow_status;
  logic [3:0]   teach_status;
  logic [79:0]  teach_row;
  logic         teach_go, teach_moves, teach_changes, waiting;
  logic         mac_guard, flow_guard, mac_age_busy, flow_age_busy, guard, age_busy;
  logic         mac_aging, flow_aging, mac_age_ok, flow_age_ok, mac_age_take, flow_age_take;

  assign is_mac    = req_q.tbl == TBL_MAC;
  // A clock late is soon enough: only a command moves an epoch, and one is long over when the next begins.
  logic mac_guard_q, flow_guard_q;
  always_ff @(posedge clk_i) {mac_guard_q, flow_guard_q} <= {mac_guard, flow_guard};
  assign guard    = (mac_guard_q && (is_mac || req_q.tbl == TBL_PORT)) ||
                    (flow_guard_q && (!is_mac || req_q.tbl == TBL_PORT));
  assign age_busy = mac_age_busy || flow_age_busy;
  assign changes   = !(req_q.op inside {OP_READ, OP_LOOKUP});
  // No frame uses the entry from the start: the answer does not wait until it is found, and is `ok` in any case.
  assign is_delete = req_q.op == OP_DELETE;

  always_comb begin
    unique case (unit_q)
      ToRows:  go = !(req_q.tbl == TBL_PORT && req_q.op == OP_WRITE && guard);
      ToEpoch: go = !guard;
      ToSweep: go = !age_busy;
      default: go = 1'b1;
    endcase
  end

  assign take            = (state_q == StIdle) && mac_ready && flow_ready && !mac_aging && !flow_aging;
  assign learn_ready_o   = take;
  assign tbl_req_ready_o = take && !learn_valid_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      learn_q <= 1'b0;
      taught_q <= 1'b0;
      teach_on_q <= 1'b0;
    end else begin
      if (teach_go && !req_q.index[1]) teach_on_q <= req_q.index[0];
      unique case (state_q)
        StIdle: begin
          learn_q  <= learn_valid_i;
          taught_q <= taught;
          if (take && (learn_valid_i || tbl_req_valid_i || taught_valid_i)) state_q <= StGo;
        end
        StGo: if (go) begin
          unique case (unit_q)
            ToRows:        state_q <= StRun;
            ToMac, ToFlow: state_q <= is_delete ? StDrain : StRun;
            ToEpoch, ToTeach: state_q <= StDrain;
            default:       state_q <= StRsp;
          endcase
        end
        StRun: begin
          if (rows_done) state_q <= StRsp;
          // Nobody waits for what is pending to count. What was refused is reported late.
          if (mac_done || flow_done)
            state_q <= (changes && !(taught_q && flow_status == ST_OK)) ? StDrain : StRsp;
        end
        StDrain: if (drain_q == '0) state_q <= StRsp;
        StRsp:   state_q <= (unit_q inside {ToMac, ToFlow} && is_delete) ? StLast : StIdle;
        default: if (gone_q) state_q <= StIdle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    drain_q <= (state_q == StDrain) ? drain_q - 5'd1 : Drain;
    if (state_q == StIdle) begin
      req_q    <= pick;
      core_q   <= tbl_core_i;
      unit_q   <= (taught && !teach_on_q) ? ToNone : unit(pick);
      status_q <= (taught && !teach_on_q) ? ST_DENIED : check(pick);
      data_q   <= '0;
      gone_q   <= 1'b0;
    end
    if (state_q == StGo && unit_q == ToKey && req_q.op == OP_READ) data_q <= key_row;
    if (state_q == StGo && unit_q == ToTeach && req_q.index[1])
      {status_q, data_q} <= {teach_status, 192'(teach_row)};
    if (rows_done) data_q <= rows_row;
    if (mac_done && !is_delete) {status_q, data_q} <= {mac_status, mac_row};
    if (flow_done && !is_delete) {status_q, data_q} <= {flow_status, flow_row};
    if (mac_done || flow_done) gone_q <= 1'b1;
  end

  assign tbl_rsp_valid_o = (state_q == StRsp) && !learn_q && !taught_q;
  assign tbl_rsp_o       = '{status: status_q, data: data_q};
  assign learn_done_o    = (state_q == StRsp) && learn_q;
  assign learn_status_o  = status_q;
  assign taught_done_o   = (state_q == StRsp) && taught_q;
  assign taught_status_o = status_q;
  assign busy_o          = (state_q != StIdle) || mac_aging || flow_aging;

  // Removals for age.
  assign quiet = (state_q == StIdle) ? !(tbl_req_valid_i || learn_valid_i || taught_valid_i)
                                     : (!changes || unit_q == ToSweep);
  logic [2:0] mac_aging_q, flow_aging_q;
  logic       mac_aged, flow_aged;
  assign mac_aging   = mac_aging_q != '0;
  assign flow_aging  = flow_aging_q != '0;
  assign mac_age_ok  = quiet && !flow_aging;
  assign flow_age_ok = quiet && !mac_aging && !mac_age_take;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      mac_aging_q  <= '0;
      flow_aging_q <= '0;
    end else begin
      mac_aging_q  <= mac_aging_q + 3'(mac_age_take) - 3'(mac_aged);
      flow_aging_q <= flow_aging_q + 3'(flow_age_take) - 3'(flow_aged);
    end
  end

  // Invalidations: by command, or because a vPort goes down.
  logic       down_mac, down_flow, epoch_go, delete_go;
  logic [1:0] scope;
  logic [5:0] which;
  assign epoch_go = (state_q == StGo) && go && (unit_q == ToEpoch);
  assign teach_go = (state_q == StGo) && (unit_q == ToTeach);
  assign teach_changes = teach_go && (!req_q.index[1] || teach_moves);
  assign delete_go = (state_q == StGo) && is_delete && (unit_q inside {ToMac, ToFlow});
  assign scope    = (unit_q == ToEpoch) ? req_q.index[1:0] : SCOPE_VPORT;
  assign which    = (unit_q == ToEpoch) ? req_q.data[5:0] : req_q.index[5:0];

  // The trace.
  logic                rows_trace;
  logic [4:0]          rows_clocks;
  tbl_chg_t            mac_chg, flow_chg;
  logic [FlowKeyW-1:0] flow_chg_key, key;
  // Epochs are read at 16 and 18; a delete's key misses at 2 from the next clock on, at 8 from the third.
  logic [4:0]          effect;
  assign effect = is_delete ? (is_mac ? 5'd21 : 5'd17) : is_mac ? 5'd7 : 5'd5;
  hp_tbl_trace u_trace (
    .clk_i, .rst_ni,
    .req_i       (req_q),
    .row_i       (rows_trace || epoch_go || delete_go || teach_changes),
    .row_clocks_i(rows_trace ? rows_clocks : effect),
    .row_key_i   (key),
    .mac_i       (mac_chg),
    .flow_i      (flow_chg),
    .flow_key_i  (flow_chg_key),
    .mac_aged_o  (mac_aged),
    .flow_aged_o (flow_aged),
    .trace_cmd_o
  );

  hp_row_tables #(.N_VF(N_VF)) u_rows (
    .clk_i, .rst_ni,
    .cmd_i         ((state_q == StGo) && go && (unit_q == ToRows)),
    .req_i         (req_q),
    .done_o        (rows_done),
    .done_row_o    (rows_row),
    .trace_o       (rows_trace),
    .trace_clocks_o(rows_clocks),
    .down_mac_o    (down_mac),
    .down_flow_o   (down_flow),
    .cfg_o, .vswitch_mask_o, .port_idx_i, .port_row_o,
    .vvmap_idx_i, .vvmap_valid_o, .vvmap_inst_o, .vvlan_idx_i, .vvlan_row_o, .meter_fresh_set_o,
    .group_idx_i, .group_row_o, .enabled_mask_o, .tag_mask_o, .reflect_mask_o,
    .promisc_mask_o, .allmulti_mask_o
  );

  logic [MacHandleW:0] mac_occupied;
  hp_mac_side #(.DEPTH(MAC_DEPTH)) u_mac (
    .clk_i, .rst_ni, .hash_seed_i, .now_i,
    .ready_o      (mac_ready),
    .da_key_i, .sa_key_i,
    .frame_inst_i (inst_16_i),
    .frame_src_i  (src_16_i),
    .frame_seen_o (learn_seen_o),
    .da_hit_o, .da_act_o, .sa_hit_o, .sa_act_o,
    .touch_i      (sa_touch_i),
    .cmd_i        ((state_q == StGo) && (unit_q == ToMac)),
    .cmd_op_i     (req_q.op),
    .cmd_index_i  (req_q.index),
    .cmd_key_i    (req_q.data[59:0]),
    .cmd_act_i    (req_q.data[73:64]),
    .cmd_check_i  (learn_q),
    .cmd_seen_i   (learn_i.seen),
    .cmd_late_i   (learn_i.late),
    .done_o       (mac_done),
    .done_status_o(mac_status),
    .done_row_o   (mac_row),
    .bump_i       ((epoch_go && is_mac) || down_mac),
    .scope_i      (scope),
    .which_i      (which),
    .guard_o      (mac_guard),
    .age_cmd_i    ((state_q == StGo) && go && (unit_q == ToSweep) && is_mac),
    .age_i        (req_q.data[15:0]),
    .age_busy_o   (mac_age_busy),
    .age_ok_i     (mac_age_ok),
    .age_take_o   (mac_age_take),
    .limit_we_i   (rows_trace && req_q.tbl == TBL_PORT),
    .limit_port_i (req_q.index[5:0]),
    .limit_i      (req_q.data[15:8]),
    .chg_o        (mac_chg),
    .count_o      (mac_count_o),
    .occupied_o   (mac_occupied)
  );
  assign mac_occupied_o = 16'(mac_occupied);

  if (HasFlow) begin : gen_flow
    logic [FlowKeyW-1:0]    read_key;
    logic [FlowHandleW-1:0] handle;
    logic [FlowHandleW:0]   occupied;

    hp_key_buffers u_keys (
      .clk_i,
      .core_i  (core_q),
      .we_i    ((state_q == StGo) && (unit_q == ToKey) && (req_q.op == OP_WRITE)),
      .index_i (req_q.index[1:0]),
      .row_i   (req_q.data),
      .row_o   (key_row),
      .key_we_i(flow_done && flow_entry && req_q.op == OP_READ),
      .key_i   (read_key),
      .key_o   (key)
    );
    hp_flow_side #(.DEPTH(FLOW_DEPTH), .PUNT_SLOTS(PuntSlots)) u_flow (
      .clk_i, .rst_ni, .hash_seed_i, .now_i,
      .ready_o        (flow_ready),
      .key_8_i        (flow_key_i),
      .mix_o          (flow_mix_o),
      .frame_inst_i   (inst_18_i),
      .frame_src_i    (src_18_i),
      .live_o         (flow_live_o),
      .act_o          (flow_act_o),
      .handle_o       (handle),
      .frame_teacher_o(flow_teacher_o),
      .frame_inst_o   (flow_inst_o),
      .frame_src_o    (flow_src_o),
      .touch_i        (flow_touch_i),
      .touch_handle_i (flow_touch_handle_i[FlowHandleW-1:0]),
      .punt_we_i, .punt_slot_i, .punt_key_i,
      .cmd_i          ((state_q == StGo) && (unit_q == ToFlow)),
      .cmd_op_i       (req_q.op),
      .cmd_index_i    (req_q.index),
      .cmd_data_i     (req_q.data[63:0]),
      .cmd_key_i      (key),
      .done_o         (flow_done),
      .done_status_o  (flow_status),
      .done_row_o     (flow_row),
      .done_entry_o   (flow_entry),
      .done_key_o     (read_key),
      .teach_i        (teach_go && req_q.index[1]),
      .teach_use_i    (req_q.index[0]),
      .teach_status_o (teach_status),
      .teach_changes_o(teach_moves),
      .teach_row_o    (teach_row),
      .waiting_o      (waiting),
      .bump_i         ((epoch_go && !is_mac) || down_flow),
      .scope_i        (scope),
      .which_i        (which),
      .guard_o        (flow_guard),
      .age_cmd_i      ((state_q == StGo) && go && (unit_q == ToSweep) && !is_mac),
      .age_i          (req_q.data[15:0]),
      .age_top_i      (req_q.data[17:16]),
      .age_busy_o     (flow_age_busy),
      .age_ok_i       (flow_age_ok),
      .age_take_o     (flow_age_take),
      .quota_we_i     (rows_trace && req_q.tbl == TBL_VVLAN),
      .quota_inst_i   (req_q.index[5:0]),
      .quota_i        (req_q.data[29:26]),
      .chg_o          (flow_chg),
      .chg_key_o      (flow_chg_key),
      .count_o        (flow_count_o),
      .occupied_o     (occupied)
    );
    assign flow_handle_o   = 16'(handle);
    assign flow_occupied_o = 16'(occupied);
  end else begin : gen_no_flow
    assign flow_ready      = 1'b1;
    assign flow_live_o     = 1'b0;
    assign flow_act_o      = '0;
    assign flow_handle_o   = '0;
    assign {flow_teacher_o, flow_inst_o, flow_src_o, flow_mix_o} = '0;
    assign {teach_status, teach_row, teach_moves, waiting} = '0;
    assign {flow_done, flow_status, flow_row, flow_entry, flow_guard, flow_age_busy} = '0;
    assign {flow_age_take, flow_chg, flow_chg_key, flow_count_o, flow_occupied_o, key_row, key} = '0;
    logic unused_flow;
    assign unused_flow = ^{flow_key_i, inst_18_i, src_18_i, flow_touch_i, punt_we_i, punt_slot_i,
                           punt_key_i, down_flow, flow_age_ok, core_q, flow_entry};
  end

  assign flows_waiting_o   = waiting;
  assign flow_new_o        = flow_chg.insert || flow_chg.revive;
  assign flow_new_handle_o = flow_chg.handle;

  logic unused_bits;
  assign unused_bits = ^{flow_touch_handle_i, learn_i};
endmodule
