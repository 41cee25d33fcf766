// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The forwarding pipeline: one header per clock, never stalls, 22 clocks from `pl_*` to `eg_*`.
//
//   stage 0-2   own tags read and stripped (hp_strip)          hdr at 1, canonical beats at 2
//   stage 2     V.VLAN known; PORT row here; MAC and VVMAP lookups start; tenant checks
//   stage 4-6   VVMAP, then the VVLAN row
//   stage 6-8   membership, VLAN pair, meter
//   stage 8     the masked flow key (hp_key_path): flow lookup
//   stage 16    the MAC table answers; at 18 it is known what lives
//   stage 18    the flow cache answers; 18-22 the decision (hp_decide)
//   stage 22    decided frame, decision trace, counter and learn events
//
// The order of the checks and their reasons are those of `firmware/eswitch` (docs: "The decision, exactly").

`include "hp_assert.svh"

module hp_pipeline
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8,
  parameter int unsigned MAC_DEPTH = 1024,
  parameter int unsigned FLOW_DEPTH = 1024
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [63:0]       time_i,
  input  logic [127:0]      hash_seed_i,
  output logic [N_VF-1:0]   vswitch_mask_o,

  input  logic              pl_valid_i,
  input  logic              pl_sof_i,
  input  logic              pl_eof_i,
  input  logic [DATA_W-1:0] pl_data_i,
  input  frame_meta_t       pl_meta_i,

  output logic              eg_valid_o,
  output logic              eg_sof_o,
  output logic              eg_eof_o,
  output logic [DATA_W-1:0] eg_data_o,
  output egress_meta_t      eg_meta_o,

  input  logic              tbl_req_valid_i,
  output logic              tbl_req_ready_o,
  input  logic              tbl_core_i,
  input  tbl_req_t          tbl_req_i,
  output logic              tbl_rsp_valid_o,
  output tbl_rsp_t          tbl_rsp_o,

  // The firmware's side of learning (see hp_learn).
  output logic              learn_valid_o,
  output logic [3:0]        learn_slot_o,
  output learn_event_t      learn_event_o,
  output logic [4:0]        learn_waiting_o,
  input  logic              learn_act_i,
  input  logic [3:0]        learn_act_slot_i,
  input  logic [1:0]        learn_verdict_i,
  output logic              learn_busy_o,
  output logic [3:0]        learn_status_o,

  // A frame teaches a flow (see hp_punt_store).
  input  logic              taught_room_i,
  input  logic              taught_valid_i,
  input  logic [7:0]        taught_slot_i,
  input  port_t             taught_port_i,
  output logic              taught_done_o,
  output logic [3:0]        taught_status_o,
  output logic              flows_waiting_o,

  // The frame at `eg_*` a clock ago was put into this slot of the punt store.
  input  logic              punt_we_i,
  input  logic [7:0]        punt_slot_i,

  // Counters of the tables (see hp_table_counters).
  input  logic              cnt_rd_valid_i,
  input  logic [15:0]       cnt_rd_addr_i,
  output logic              cnt_rd_done_o,
  output logic [63:0]       cnt_rd_data_o,
  output logic              stall_o,
  output logic              ready_o,

  output cnt_dec_t          cnt_dec_o,
  output trace_dec_t        trace_dec_o,
  output trace_cmd_t        trace_cmd_o,
  output logic              busy_o
);
  localparam int unsigned LastStage = 22;
  localparam int unsigned DecStage = 18;   // the decision begins
  localparam int unsigned PortIdxW = (N_VF > 1) ? $clog2(N_VF) : 1;

  // Tables.
  cfg_row_t        cfg;
  logic [N_VF-1:0] enabled_mask, tag_mask, reflect_mask, meter_fresh_set, group_row;
  logic [N_VF-1:0] promisc_mask, allmulti_mask;
  port_row_t       port_row;
  vvlan_row_t      vvlan_row;
  logic            vvmap_valid, da_hit, sa_hit, tables_busy, sa_touch, flow_live, flow_new;
  logic [5:0]      vvmap_inst, inst_16, src_16;
  mac_act_t        da_act, sa_act;
  flow_act_t       flow_act;
  mac_seen_t       seen_17, seen_22;
  vlan_t           vvlan_2;
  mac_t            da_2, sa_2;
  logic [7:0]      group_idx;
  logic [FlowKeyW-1:0] masked_8;
  logic [59:0]     flow_mix;
  logic [15:0]     flow_handle_19, flow_handle_22, flow_new_handle, mac_occupied, flow_occupied;
  epoch_t [2:0]    flow_teacher_19, flow_teacher_22;
  epoch_t          flow_inst_19, flow_inst_22, flow_src_19, flow_src_22;
  tbl_count_t      mac_count, flow_count;
  logic            install_valid, install_ready, install_done, punt_we_q, flow_touch;
  logic [3:0]      install_status;
  learn_req_t      install;
  logic [7:0]      punt_slot_q;
  punt_key_t       punt_key_now_q, punt_key_q;

  hdr_t            h18, h22;   // headers at the decision's first and last stage

  hp_tables #(.N_VF(N_VF), .MAC_DEPTH(MAC_DEPTH), .FLOW_DEPTH(FLOW_DEPTH)) u_tables (
    .clk_i, .rst_ni, .hash_seed_i,
    .now_i              (time_i[STAMP_SHIFT +: 16]),
    .tbl_req_valid_i, .tbl_req_ready_o, .tbl_core_i, .tbl_req_i, .tbl_rsp_valid_o, .tbl_rsp_o,
    .learn_valid_i      (install_valid),
    .learn_ready_o      (install_ready),
    .learn_i            (install),
    .learn_done_o       (install_done),
    .learn_status_o     (install_status),
    .taught_valid_i, .taught_slot_i, .taught_port_i, .taught_done_o, .taught_status_o, .flows_waiting_o,
    .trace_cmd_o,
    .cfg_o              (cfg),
    .vswitch_mask_o,
    .port_idx_i         (pl_meta_i.src),
    .port_row_o         (port_row),
    .vvmap_idx_i        (vvlan_2),
    .vvmap_valid_o      (vvmap_valid),
    .vvmap_inst_o       (vvmap_inst),
    .da_key_i           ({vvlan_2, da_2}),
    .sa_key_i           ({vvlan_2, sa_2}),
    .vvlan_idx_i        (vvmap_inst),
    .vvlan_row_o        (vvlan_row),
    .meter_fresh_set_o  (meter_fresh_set),
    .flow_key_i         (masked_8),
    .flow_mix_o         (flow_mix),
    .inst_16_i          (inst_16),
    .src_16_i           (src_16),
    .learn_seen_o       (seen_17),
    .da_hit_o           (da_hit),
    .da_act_o           (da_act),
    .sa_hit_o           (sa_hit),
    .sa_act_o           (sa_act),
    .sa_touch_i         (sa_touch),
    .inst_18_i          (h18.vvidx),
    .src_18_i           (h18.uplink ? sa_act.target[5:0] : h18.w.meta.src[5:0]),
    .group_idx_i        (group_idx),
    .group_row_o        (group_row),
    .flow_live_o        (flow_live),
    .flow_act_o         (flow_act),
    .flow_handle_o      (flow_handle_19),
    .flow_teacher_o     (flow_teacher_19),
    .flow_inst_o        (flow_inst_19),
    .flow_src_o         (flow_src_19),
    .enabled_mask_o     (enabled_mask),
    .tag_mask_o         (tag_mask),
    .reflect_mask_o     (reflect_mask),
    .promisc_mask_o     (promisc_mask),
    .allmulti_mask_o    (allmulti_mask),
    .flow_touch_i       (flow_touch),
    .flow_touch_handle_i(flow_handle_22),
    .punt_we_i          (punt_we_q),
    .punt_slot_i        (punt_slot_q),
    .punt_key_i         (punt_key_q),
    .flow_new_o         (flow_new),
    .flow_new_handle_o  (flow_new_handle),
    .mac_count_o        (mac_count),
    .mac_occupied_o     (mac_occupied),
    .flow_count_o       (flow_count),
    .flow_occupied_o    (flow_occupied),
    .busy_o             (tables_busy)
  );

  // Own tags.
  logic              hdr_valid, cb_valid, cb_sof, cb_eof;
  wire_hdr_t         wire_hdr;
  logic [DATA_W-1:0] cb_data;
  hp_strip #(.DATA_W(DATA_W)) u_strip (
    .clk_i, .rst_ni, .pl_valid_i, .pl_sof_i, .pl_eof_i, .pl_data_i, .pl_meta_i,
    .vswitch_i  (vswitch_mask_o[pl_meta_i.src[PortIdxW-1:0]]),
    .cfg_i      (cfg),
    .hdr_valid_o(hdr_valid),
    .hdr_o      (wire_hdr),
    .cb_valid_o (cb_valid),
    .cb_sof_o   (cb_sof),
    .cb_eof_o   (cb_eof),
    .cb_data_o  (cb_data)
  );

  // Header stages: hN_q is the frame whose first beat is at stage N, hN_d what stage N makes of it.
  hdr_t                 h1, h2_q, h2_d, h3_q, h4_q, h4_d, h5_q, h6_q, h6_d, h7_q, h8_q, h8_d;
  logic [LastStage:2]   v_q;     // a header is at stage N; at stage 1: hdr_valid
  cfg_row_t             cfg_1_q, cfg_2_q, cfg_3_q;  // sampled at stage 0, travels along

  always_comb begin
    h1          = '0;
    h1.w        = wire_hdr;
    h1.tpid     = cfg_1_q.tpid;
    h1.pcp      = cfg_1_q.pcp;
    h1.reflects = cfg_1_q.reflects;
    h1.uplink   = !wire_hdr.meta.core && (wire_hdr.meta.src == PortUplink);
    h1.vport    = !wire_hdr.meta.src[PortW-1];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) v_q <= '0;
    else v_q <= {v_q[LastStage-1:2], hdr_valid};
  end
  always_ff @(posedge clk_i) begin
    cfg_1_q <= cfg;
    cfg_2_q <= cfg_1_q;
    cfg_3_q <= cfg_2_q;
    h2_q    <= h1;
    h3_q    <= h2_d;
    h4_q    <= h3_q;
    h5_q    <= h4_d;
    h6_q    <= h5_q;
    h7_q    <= h6_d;
    h8_q    <= h7_q;
  end

  // Stage 2: addresses, V.VLAN, tenant tags; checks that need no V.VLAN row.
  hp_admit #(.DATA_W(DATA_W)) u_admit (
    .cb_data_i (cb_data),
    .h_i       (h2_q),
    .port_row_i(port_row),
    .vvlan_o   (vvlan_2),
    .da_o      (da_2),
    .sa_o      (sa_2),
    .h_o       (h2_d)
  );

  // Stages 2 to 6: a mark in the DSCP.
  logic              dscp_marked_4;
  logic [DATA_W-1:0] cb6_data;
  hp_dscp #(.DATA_W(DATA_W)) u_dscp (
    .clk_i,
    .cb_sof_i  (cb_sof),
    .cb_data_i (cb_data),
    .v3_i      (v_q[3]),
    .h3_i      (h3_q),
    .cfg_3_i   (cfg_3_q),
    .marked_4_o(dscp_marked_4),
    .cb6_data_o(cb6_data)
  );

  // Stage 4: VVMAP. Stage 6: VVLAN row.
  logic member_6, pair_6;
  always_comb begin
    h4_d = h4_q;
    if (dscp_marked_4) h4_d.w.marked = 1'b1;
    h4_d.vvidx = vvmap_inst;
    h4_d.vvidx_valid = h4_q.vv_ok && vvmap_valid;
    if (h4_q.vv_ok && !vvmap_valid && h4_q.reason == '0) h4_d.reason = RSN_VVLAN_UNKNOWN;
    if (!h4_d.vvidx_valid) h4_d.vvidx = '0;
  end

  always_comb begin
    member_6 = vvlan_row.members[h6_q.w.meta.src[5:0]];
    pair_6   = (h6_q.w.outer_vid == vvlan_row.vlan) ||
               (vvlan_row.accept0_valid && h6_q.w.outer_vid == vvlan_row.accept0) ||
               (vvlan_row.accept1_valid && h6_q.w.outer_vid == vvlan_row.accept1) ||
               (vvlan_row.accept2_valid && h6_q.w.outer_vid == vvlan_row.accept2) ||
               (vvlan_row.accept3_valid && h6_q.w.outer_vid == vvlan_row.accept3);
    h6_d = h6_q;
    h6_d.out_vlan = vvlan_row.vlan;
    h6_d.miss     = vvlan_row.miss;
    h6_d.members  = vvlan_row.members;
    h6_d.cache    = vvlan_row.cache;
    h6_d.acl      = vvlan_row.acl;
    h6_d.veb      = vvlan_row.mode == MODE_VEB;
    h6_d.dflt_ok  = vvlan_row.vswitch_valid;
    h6_d.dflt     = vvlan_row.vswitch_port;
    h6_d.time_q   = time_i;
    if (h6_q.vv_ok && h6_q.reason == '0) begin
      if (h6_q.vport && !member_6) h6_d.reason = RSN_INGRESS_NOT_MEMBER;
      if (h6_q.uplink && !pair_6) h6_d.reason = RSN_VLAN_PAIR;
    end
  end

  // Stage 7: meter; its word comes at stage 8.
  logic        meter_ask, meter_refused;
  logic [47:0] epoch_7_q;
  always_ff @(posedge clk_i) epoch_7_q <= 48'(time_i >> h6_q.m_shift);
  assign meter_ask = v_q[7] && h7_q.vport && !h7_q.w.meta.core && h7_q.vv_ok &&
                     (h7_q.reason == '0) && h7_q.da_group && (h7_q.m_shift != '0);
  hp_meter #(.N_VF(N_VF)) u_meter (
    .clk_i, .rst_ni,
    .fresh_set_i(meter_fresh_set),
    .ask_i      (meter_ask),
    .port_i     (h7_q.w.meta.src),
    .epoch_i    (epoch_7_q),
    .burst_i    (h7_q.m_burst),
    .refused_o  (meter_refused)
  );
  // Stage 8: is there a flow key? If an ACL would need one, its absence is a miss action of its own.
  logic keyable_8;
  always_comb begin
    h8_d = h8_q;
    if (meter_refused) h8_d.reason = RSN_METER;
    h8_d.may_hit = h8_q.cache && keyable_8;
    if (h8_q.cache && h8_q.acl && !keyable_8)
      h8_d.miss = h8_q.reflects ? MISS_EXTERNAL : MISS_SLOWPATH;
  end

  // Nothing more becomes known of a header until the decision.
  hp_delay #(.WIDTH($bits(hdr_t)), .CYCLES(DecStage - 8)) u_hdr_wait (
    .clk_i, .rst_ni, .d_i(h8_d), .q_o(h18)
  );
  hp_delay #(.WIDTH($bits(hdr_t)), .CYCLES(LastStage - DecStage)) u_hdr_decide (
    .clk_i, .rst_ni, .d_i(h18), .q_o(h22)
  );

  // What a learn event or an INSTALL would need: the epochs in the clock in which the tables compared theirs.
  hp_delay #(.WIDTH(12), .CYCLES(8)) u_at_mac (
    .clk_i, .rst_ni, .d_i({h8_d.vvidx, h8_d.w.meta.src[5:0]}), .q_o({inst_16, src_16})
  );
  hp_delay #(.WIDTH($bits(mac_seen_t)), .CYCLES(LastStage - 17)) u_seen (
    .clk_i, .rst_ni, .d_i(seen_17), .q_o(seen_22)
  );
  hp_delay #(.WIDTH(16 + 40), .CYCLES(LastStage - 19)) u_flow_seen (
    .clk_i, .rst_ni, .d_i({flow_handle_19, flow_teacher_19, flow_inst_19, flow_src_19}),
    .q_o({flow_handle_22, flow_teacher_22, flow_inst_22, flow_src_22})
  );
  assign sa_touch = v_q[DecStage] && h18.vport && !h18.w.meta.tomb && !h18.w.meta.direct &&
                    (h18.reason == '0) && sa_hit && !sa_act.is_static && !sa_act.is_group &&
                    (sa_act.target == 8'(h18.w.meta.src));

  // Stages 18 to 22: the decision.
  dec_t dec;
  assign group_idx = da_act.target;
  hp_decide #(.N_VF(N_VF)) u_decide (
    .clk_i,
    .h_i           (h18),
    .da_hit_i      (da_hit),
    .da_act_i      (da_act),
    .sa_hit_i      (sa_hit),
    .sa_act_i      (sa_act),
    .flow_live_i   (flow_live),
    .flow_act_i    (flow_act),
    .enabled_mask_i(enabled_mask),
    .tag_mask_i    (tag_mask),
    .reflect_mask_i(reflect_mask),
    .promisc_mask_i(promisc_mask),
    .allmulti_mask_i(allmulti_mask),
    .group_row_i   (group_row),
    .dec_o         (dec)
  );

  // A learning packet: its key is handed over, unless that of this flow was just before.
  logic teaches, told;
  assign teaches = v_q[LastStage] && dec.teaches && (FLOW_DEPTH != 0);
  hp_flow_news u_news (
    .clk_i, .rst_ni,
    .time_i   (time_i[31:0]),
    .mix_i    (flow_mix),
    .look_i   (v_q[DecStage] && h18.w.marked),
    .teaches_i(teaches),
    .room_i   (taught_room_i),
    .told_o   (told)
  );

  // Stage 22. `dec` changes with each header, the frame needs it for all its beats.
  egress_meta_t eg_meta_d, eg_meta_q;

  always_comb begin
    eg_meta_d             = '0;
    eg_meta_d.src         = h22.w.meta.src;
    eg_meta_d.seq         = h22.w.meta.seq;
    eg_meta_d.len         = h22.w.len;
    eg_meta_d.vvlan       = h22.vvlan;
    eg_meta_d.vvidx       = h22.vvidx;
    eg_meta_d.vvidx_valid = h22.vvidx_valid;
    eg_meta_d.raw         = h22.w.meta.direct || h22.control;
    eg_meta_d.tpid        = h22.tpid;
    eg_meta_d.pcp         = h22.pcp;
    eg_meta_d.vlan        = h22.out_vlan;
    eg_meta_d.to_uplink   = dec.to_uplink;
    eg_meta_d.served      = dec.served;
    eg_meta_d.to_host     = dec.to_host;
    eg_meta_d.host_port   = dec.host_port;
    eg_meta_d.host_tag    = dec.host_tag && !h22.w.meta.direct;
    eg_meta_d.group       = dec.group;
    eg_meta_d.targets     = dec.group ? dec.targets : '0;
    eg_meta_d.tag_mask    = dec.tag_mask;
    eg_meta_d.to_core     = (dec.kind == KindPunt) || told;
    eg_meta_d.reason      = dec.reason;
  end
  always_ff @(posedge clk_i) if (v_q[LastStage]) eg_meta_q <= eg_meta_d;
  assign eg_meta_o = v_q[LastStage] ? eg_meta_d : eg_meta_q;

  // The frame itself waits for its decision: from stage 2 on.
  localparam int unsigned Wait = LastStage - 2;
  logic [Wait-1:0] cv_q, cs_q, ce_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) cv_q <= '0;
    else cv_q <= {cv_q[Wait-2:0], cb_valid};
    cs_q <= {cs_q[Wait-2:0], cb_sof};
    ce_q <= {ce_q[Wait-2:0], cb_eof};
  end
  hp_delay #(.WIDTH(DATA_W), .CYCLES(LastStage - 6)) u_data (
    .clk_i, .rst_ni, .d_i(cb6_data), .q_o(eg_data_o)
  );
  logic goes;
  assign goes       = eg_meta_o.to_uplink || eg_meta_o.to_host || eg_meta_o.group || eg_meta_o.to_core;
  assign eg_valid_o = cv_q[Wait-1] && goes;
  assign eg_sof_o   = cs_q[Wait-1];
  assign eg_eof_o   = ce_q[Wait-1];

  assign busy_o = pl_valid_i || hdr_valid || (|v_q) || cb_valid || (|cv_q) || tables_busy;

  // Flow key, beside the lookups.
  flow_key_t           key_22;
  logic [KeyMaskW-1:0] mask_22;
  hp_key_path #(.DATA_W(DATA_W), .LAST(LastStage)) u_key (
    .clk_i, .rst_ni,
    .cb_valid_i (cb_valid),
    .cb_sof_i   (cb_sof),
    .cb_data_i  (cb_data),
    .h3_i       (h3_q),
    .h4_i       (h4_q),
    .mask_i     (vvlan_row.key_mask[KeyMaskW-1:0]),
    .keyable_8_o(keyable_8),
    .masked_8_o (masked_8),
    .key_last_o (key_22),
    .mask_last_o(mask_22)
  );

  // A punted frame's key goes into its slot; the slot is known with the frame's last beat. What a learning packet
  // teaches is about the frames of the vPort that it came from in the first place.
  flow_key_t punt_flow_key;
  punt_key_t punt_key_d;
  always_comb begin
    punt_flow_key = key_22;
    if (told) punt_flow_key.src = dec.from;
  end
  assign punt_key_d = '{
    usable: h22.vvidx_valid && !key_22.unkeyable, key: punt_flow_key, mask: mask_22, inst: h22.vvidx,
    teacher: flow_teacher_22, e_inst: flow_inst_22, e_src: flow_src_22
  };
  always_ff @(posedge clk_i) begin
    if (v_q[LastStage]) punt_key_now_q <= punt_key_d;
    punt_we_q   <= punt_we_i && rst_ni;
    punt_slot_q <= punt_slot_i;
    punt_key_q  <= punt_key_now_q;
  end

  // Learning.
  learn_event_t learn_event;
  logic         learn_new, learn_again, learn_full;
  assign learn_event = '{
    valid: v_q[LastStage] && dec.learn, vvlan: h22.vvlan, sa: key_22.sa, vport: h22.w.meta.src,
    from_valid: dec.from_valid, from: dec.from, inst: h22.vvidx, seen: seen_22
  };
  hp_learn #(.N_VF(N_VF)) u_learn (
    .clk_i, .rst_ni,
    .time_i            (time_i[31:0]),
    .bump_i            (mac_count.invalidate),
    .ev_i              (learn_event),
    .valid_o           (learn_valid_o),
    .slot_o            (learn_slot_o),
    .event_o           (learn_event_o),
    .waiting_o         (learn_waiting_o),
    .act_i             (learn_act_i),
    .act_slot_i        (learn_act_slot_i),
    .act_verdict_i     (learn_verdict_i),
    .busy_o            (learn_busy_o),
    .status_o          (learn_status_o),
    .req_valid_o       (install_valid),
    .req_ready_i       (install_ready),
    .req_o             (install),
    .done_i            (install_done),
    .done_status_i     (install_status),
    .count_event_o     (learn_new),
    .count_suppressed_o(learn_again),
    .count_no_slot_o   (learn_full)
  );

  // Counters of the tables.
  assign flow_touch = v_q[LastStage] && dec.flow_hit;
  hp_table_counters #(.FLOW_DEPTH(FLOW_DEPTH)) u_counters (
    .clk_i, .rst_ni,
    .hit_i             (flow_touch),
    .miss_i            (v_q[LastStage] && dec.flow_miss),
    .handle_i          (flow_handle_22),
    .inst_i            (h22.vvidx),
    .len_i             (h22.w.meta.len),
    .new_i             (flow_new),
    .new_handle_i      (flow_new_handle),
    .mac_i             (mac_count),
    .mac_occupied_i    (mac_occupied),
    .flow_i            (flow_count),
    .flow_occupied_i   (flow_occupied),
    .learn_event_i     (learn_new),
    .learn_suppressed_i(learn_again),
    .learn_no_slot_i   (learn_full),
    .news_told_i       (told),
    .news_again_i      (teaches && !told),
    .rd_valid_i        (cnt_rd_valid_i),
    .rd_addr_i         (cnt_rd_addr_i),
    .rd_done_o         (cnt_rd_done_o),
    .rd_data_o         (cnt_rd_data_o),
    .stall_o,
    .ready_o
  );

  assign trace_dec_o = '{
    valid: v_q[LastStage], meta: h22.w.meta, len: h22.w.len, kind: dec.kind, reason: dec.reason,
    vvlan: h22.vvlan, vvidx: h22.vvidx, vvidx_valid: h22.vvidx_valid,
    to_uplink: dec.to_uplink, served: dec.served, targets: dec.targets, time_q: h22.time_q,
    key_valid: h22.vv_ok, key: key_22, flow_hit: dec.flow_hit,
    flow_handle: dec.flow_hit ? flow_handle_22 : '0, told: told
  };

  assign cnt_dec_o = '{
    valid: v_q[LastStage], count_in: !h22.w.meta.core, src: h22.w.meta.src, len: h22.w.meta.len,
    frames: h22.w.meta.tomb ? h22.w.meta.count : 16'd1,
    vvidx_valid: h22.vvidx_valid, vvidx: h22.vvidx,
    drop: dec.kind == KindDrop, reason: dec.reason
  };

  logic unused_bits;
  assign unused_bits = ^{cfg, cfg_1_q, cfg_2_q, port_row, vvlan_row, h18, h22, mask_22};
endmodule
