// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The tables that forwarding reads, behind the table command bus.
//
// Lookups never stall; the stage (cycle after the arbiter's register) at which each table is read is
// fixed: PORT and CFG 0, VVMAP 2, VVLAN 4, MAC 2 (answer at 18), GROUP 18. Rows come two cycles later.
// A command changes one table at one place in the frame order; `trace_cmd_o` reports it aligned with the
// frames' decisions (cycle 22), and the response comes when every earlier frame has been decided.

`include "hp_assert.svh"

module hp_tables
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  parameter int unsigned MAC_DEPTH = 1024
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic [127:0]    hash_seed_i,

  input  logic            tbl_req_valid_i,
  output logic            tbl_req_ready_o,
  input  tbl_req_t        tbl_req_i,
  output logic            tbl_rsp_valid_o,
  output tbl_rsp_t        tbl_rsp_o,
  output trace_cmd_t      trace_cmd_o,

  // Stage 0.
  output cfg_row_t        cfg_o,
  output logic [N_VF-1:0] vswitch_mask_o,
  input  port_t           port_idx_i,
  output port_row_t       port_row_o,       // stage 2
  // Stage 2.
  input  vlan_t           vvmap_idx_i,
  output logic            vvmap_valid_o,    // stage 4
  output logic [5:0]      vvmap_inst_o,
  input  logic [59:0]     da_key_i,
  input  logic [59:0]     sa_key_i,
  output logic            da_hit_o,         // stage 18
  output mac_act_t        da_act_o,
  output logic            sa_hit_o,
  output mac_act_t        sa_act_o,
  // Stage 4.
  input  logic [5:0]      vvlan_idx_i,
  output vvlan_row_t      vvlan_row_o,      // stage 6
  // Stage 7: the vPort's PORT row was written since; cleared by the meter.
  output logic [N_VF-1:0] meter_fresh_set_o,
  // Stage 18.
  input  logic [7:0]      group_idx_i,
  output logic [N_VF-1:0] group_row_o,      // stage 20
  // Stage 19: what the target checks need of every vPort.
  output logic [N_VF-1:0] enabled_mask_o,
  output logic [N_VF-1:0] tag_mask_o,
  output logic [N_VF-1:0] reflect_mask_o,

  output logic            busy_o
);
  // A command's life: t counts clocks since it was taken.
  localparam logic [4:0] TCfg    = 5'd0;   // registers read at stage 0 change here ...
  localparam logic [4:0] TStrobe = 5'd1;   // ... and RAMs here, in the same place of the frame order
  localparam logic [4:0] TRead   = 5'd3;
  localparam logic [4:0] TMeter  = 5'd7;
  localparam logic [4:0] TMasks  = 5'd19;
  localparam logic [4:0] TRsp    = 5'd27;

  typedef enum logic [1:0] {StIdle, StRun, StMac, StRsp} state_e;

  state_e       state_q;
  logic [4:0]   t_q;
  tbl_req_t     req_q;
  logic [3:0]   status_q;
  logic [191:0] rdata_q;

  logic is_mac, is_read, is_write, in_range, wr_strobe, any_strobe;
  logic mac_ready, mac_rsp_valid, mac_entry_valid, mac_chg_bank, mac_chg_update;
  logic [3:0]  mac_status;
  logic [59:0] mac_rsp_key;
  mac_act_t    mac_rsp_act;

  // Rows as the lookups and the command port see them.
  localparam int unsigned PortIdxW = (N_VF > 1) ? $clog2(N_VF) : 1;
  localparam int unsigned PortRowW = 96;
  port_row_t           port_wr;
  logic [PortRowW-1:0] port_rd, port_row;
  logic [PortIdxW-1:0] port_cmd_idx;
  logic                port_change;
  logic [6:0]          vvmap_row, vvmap_rd;
  logic [175:0]        vvlan_row, vvlan_rd;
  logic [N_VF-1:0]     group_rd;

  function automatic logic [3:0] check(input logic [3:0] op, input logic [3:0] tbl,
                                       input logic [15:0] index);
    logic rw;
    rw = op inside {OP_READ, OP_WRITE};
    unique case (tbl)
      TBL_PORT:  return !rw ? ST_BAD_OP : (index < 16'(N_VF)) ? ST_OK : ST_BAD_INDEX;
      TBL_CFG:   return !rw ? ST_BAD_OP : (index == '0) ? ST_OK : ST_BAD_INDEX;
      TBL_VVMAP: return !rw ? ST_BAD_OP : (index < 16'd4096) ? ST_OK : ST_BAD_INDEX;
      TBL_VVLAN: return !rw ? ST_BAD_OP : (index < 16'd64) ? ST_OK : ST_BAD_INDEX;
      TBL_GROUP: return !rw ? ST_BAD_OP : (index < 16'd256) ? ST_OK : ST_BAD_INDEX;
      TBL_MAC:
        if (op == OP_READ) return (32'(index) < 4 * MAC_DEPTH) ? ST_OK : ST_BAD_INDEX;
        else return (op inside {OP_INSERT, OP_DELETE, OP_LOOKUP}) ? ST_OK : ST_BAD_OP;
      default: return ST_BAD_OP;
    endcase
  endfunction

  assign is_mac     = req_q.tbl == TBL_MAC;
  assign is_read    = req_q.op == OP_READ;
  assign is_write   = req_q.op == OP_WRITE;
  assign in_range   = status_q == ST_OK;
  assign any_strobe = (state_q == StRun) && in_range && !is_mac && (t_q == TStrobe);
  assign wr_strobe  = any_strobe && is_write;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      t_q     <= '0;
    end else begin
      unique case (state_q)
        StIdle: begin
          t_q <= '0;
          if (tbl_req_valid_i) state_q <= StRun;
        end
        StRun: begin
          t_q <= t_q + 5'd1;
          if (is_mac && in_range && t_q == TStrobe && mac_ready) state_q <= StMac;
          if (t_q == TRsp) state_q <= StRsp;
        end
        StMac: if (mac_rsp_valid) begin
          state_q <= StRun;
          t_q     <= TStrobe + 5'd1;
        end
        default: state_q <= StIdle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StIdle) begin
      req_q    <= tbl_req_i;
      status_q <= check(tbl_req_i.op, tbl_req_i.tbl, tbl_req_i.index);
      rdata_q  <= '0;
    end
    if (state_q == StRun && t_q == TRead && in_range && is_read && !is_mac) begin
      unique case (req_q.tbl)
        TBL_PORT:  rdata_q <= 192'(port_rd);
        TBL_CFG:   rdata_q <= 192'(cfg_o);
        TBL_VVMAP: rdata_q <= {160'd0, vvmap_rd[6], 25'd0, vvmap_rd[5:0]};
        TBL_VVLAN: rdata_q <= 192'(vvlan_rd);
        default:   rdata_q <= 192'(group_rd);
      endcase
    end
    if (state_q == StMac && mac_rsp_valid) begin
      status_q <= mac_status;
      rdata_q  <= {96'd0, mac_entry_valid, 21'd0, mac_rsp_act,
                   4'd0, mac_rsp_key[59:48], mac_rsp_key[47:32], mac_rsp_key[31:0]};
    end
  end

  assign tbl_req_ready_o = state_q == StIdle;
  assign tbl_rsp_valid_o = state_q == StRsp;
  assign tbl_rsp_o       = '{status: status_q, data: rdata_q};
  assign busy_o          = state_q != StIdle;

  // One change is on its way to the trace at a time: count down to the decision stage.
  logic [4:0] tr_cnt_q;
  logic       tr_valid_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tr_cnt_q   <= '0;
      tr_valid_q <= 1'b0;
    end else begin
      if (wr_strobe) begin
        unique case (req_q.tbl)
          TBL_PORT, TBL_CFG: tr_cnt_q <= 5'd21;
          TBL_VVMAP:         tr_cnt_q <= 5'd19;
          TBL_VVLAN:         tr_cnt_q <= 5'd17;
          default:           tr_cnt_q <= 5'd3;
        endcase
      end else if (mac_chg_bank) begin
        tr_cnt_q <= 5'd17;
      end else if (mac_chg_update) begin
        tr_cnt_q <= 5'd12;   // one early: an update precedes its frame, an INSERT is read as following it
      end else if (tr_cnt_q != '0) begin
        tr_cnt_q <= tr_cnt_q - 5'd1;
      end
      tr_valid_q <= tr_cnt_q == 5'd1;
    end
  end
  assign trace_cmd_o = '{
    valid: tr_valid_q, op: req_q.op, tbl: req_q.tbl, index: req_q.index, data: req_q.data,
    status: status_q
  };

  // PORT, with the bits that are needed for all vPorts at once kept in registers as well.
  assign port_wr      = port_row_t'(req_q.data);
  assign port_cmd_idx = req_q.index[PortIdxW-1:0];
  assign port_change  = (state_q == StRun) && in_range && is_write && (req_q.tbl == TBL_PORT);

  hp_index_table #(.WIDTH(PortRowW), .DEPTH(2 ** PortIdxW)) u_port (
    .clk_i,
    .idx_i    (port_idx_i[PortIdxW-1:0]),
    .row_o    (port_row),
    .cmd_en_i (any_strobe && req_q.tbl == TBL_PORT),
    .cmd_we_i (is_write),
    .cmd_idx_i(port_cmd_idx),
    .cmd_row_i(req_q.data[PortRowW-1:0]),
    .cmd_row_o(port_rd)
  );
  assign port_row_o = port_row_t'(192'(port_row));

  always_ff @(posedge clk_i) begin
    meter_fresh_set_o <= '0;
    if (!rst_ni) begin
      vswitch_mask_o <= '0;
      enabled_mask_o <= '0;
      tag_mask_o     <= '0;
      reflect_mask_o <= '0;
      meter_fresh_set_o <= '1;
    end else if (port_change) begin
      if (t_q == TCfg) vswitch_mask_o[port_cmd_idx] <= port_wr.vswitch;
      if (t_q == TMeter) meter_fresh_set_o[port_cmd_idx] <= 1'b1;
      if (t_q == TMasks) begin
        enabled_mask_o[port_cmd_idx] <= port_wr.enabled;
        tag_mask_o[port_cmd_idx]     <= port_wr.vswitch;
        reflect_mask_o[port_cmd_idx] <= port_wr.vswitch && port_wr.reflect;
      end
    end
  end

  // CFG.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) cfg_o <= cfg_row_t'(192'h8100);
    else if (state_q == StRun && in_range && is_write && req_q.tbl == TBL_CFG && t_q == TCfg)
      cfg_o <= cfg_row_t'(192'(req_q.data[19:0]));
  end

  // VVMAP, VVLAN, GROUP.
  hp_index_table #(.WIDTH(7), .DEPTH(4096)) u_vvmap (
    .clk_i,
    .idx_i    (vvmap_idx_i),
    .row_o    (vvmap_row),
    .cmd_en_i (any_strobe && req_q.tbl == TBL_VVMAP),
    .cmd_we_i (is_write),
    .cmd_idx_i(req_q.index[11:0]),
    .cmd_row_i({req_q.data[31], req_q.data[5:0]}),
    .cmd_row_o(vvmap_rd)
  );
  assign vvmap_valid_o = vvmap_row[6];
  assign vvmap_inst_o  = vvmap_row[5:0];

  hp_index_table #(.WIDTH(176), .DEPTH(64)) u_vvlan (
    .clk_i,
    .idx_i    (vvlan_idx_i),
    .row_o    (vvlan_row),
    .cmd_en_i (any_strobe && req_q.tbl == TBL_VVLAN),
    .cmd_we_i (is_write),
    .cmd_idx_i(req_q.index[5:0]),
    .cmd_row_i(req_q.data[175:0]),
    .cmd_row_o(vvlan_rd)
  );
  assign vvlan_row_o = vvlan_row_t'(192'(vvlan_row));

  hp_index_table #(.WIDTH(N_VF), .DEPTH(256)) u_group (
    .clk_i,
    .idx_i    (group_idx_i),
    .row_o    (group_row_o),
    .cmd_en_i (any_strobe && req_q.tbl == TBL_GROUP),
    .cmd_we_i (is_write),
    .cmd_idx_i(req_q.index[7:0]),
    .cmd_row_i(req_q.data[N_VF-1:0]),
    .cmd_row_o(group_rd)
  );

  hp_mac_table #(.DEPTH(MAC_DEPTH), .ACT_W($bits(mac_act_t))) u_mac (
    .clk_i,
    .rst_ni,
    .seed_i           (hash_seed_i),
    .da_key_i,
    .sa_key_i,
    .da_hit_o         (da_hit_10),
    .da_act_o         (da_act_10),
    .sa_hit_o         (sa_hit_10),
    .sa_act_o         (sa_act_10),
    .req_valid_i      (state_q == StRun && is_mac && in_range && t_q == TStrobe),
    .req_ready_o      (mac_ready),
    .req_op_i         (req_q.op),
    .req_index_i      (req_q.index),
    .req_key_i        (req_q.data[59:0]),
    .req_act_i        (req_q.data[73:64]),
    .rsp_valid_o      (mac_rsp_valid),
    .rsp_status_o     (mac_status),
    .rsp_entry_valid_o(mac_entry_valid),
    .rsp_key_o        (mac_rsp_key),
    .rsp_act_o        (mac_rsp_act),
    .chg_bank_o       (mac_chg_bank),
    .chg_update_o     (mac_chg_update)
  );

  // The MAC answers wait for the decision.
  logic     da_hit_10, sa_hit_10;
  mac_act_t da_act_10, sa_act_10;
  hp_delay #(.WIDTH(2 + 2 * $bits(mac_act_t)), .CYCLES(8)) u_mac_wait (
    .clk_i, .rst_ni,
    .d_i({da_hit_10, da_act_10, sa_hit_10, sa_act_10}),
    .q_o({da_hit_o, da_act_o, sa_hit_o, sa_act_o})
  );

  logic unused_row;
  assign unused_row = ^{port_idx_i, port_wr};

  `HP_ASSERT(OneTrace_A, tr_cnt_q == '0 || !(wr_strobe || mac_chg_bank || mac_chg_update))
  `HP_ASSERT_INIT(NumVf_A, N_VF >= 1 && N_VF <= MaxVf)
endmodule
