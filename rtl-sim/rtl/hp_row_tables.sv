// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The tables read by index, and their commands.
//
// Lookups never stall; the stage at which each table is read is fixed: PORT and CFG 0, VVMAP 2, VVLAN 4,
// GROUP 18; rows come two cycles later. Of RXMODE frames see the modes only, at 19. A command (`cmd_i`, a
// pulse with `req_i`, which then stays put) changes one table at one place in the frame order: every bit of
// it that is kept in registers changes as the first frame that sees it passes. `done_o` comes when every
// earlier frame has been decided.

`include "hp_assert.svh"

module hp_row_tables
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned N_VF = 8
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            cmd_i,
  input  tbl_req_t        req_i,
  output logic            done_o,
  output logic [191:0]    done_row_o,
  output logic            trace_o,          // a write, `trace_clocks_o` before the first decision with it
  output logic [4:0]      trace_clocks_o,
  output logic            down_mac_o,       // the vPort goes down: the clock before MAC answers (stage 16) ...
  output logic            down_flow_o,      // ... and the flow's (18) are for frames that see it

  // Stage 0.
  output cfg_row_t        cfg_o,
  output logic [N_VF-1:0] vswitch_mask_o,
  input  port_t           port_idx_i,
  output port_row_t       port_row_o,       // stage 2
  // Stage 2.
  input  vlan_t           vvmap_idx_i,
  output logic            vvmap_valid_o,    // stage 4
  output logic [5:0]      vvmap_inst_o,
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
  output logic [N_VF-1:0] promisc_mask_o,   // asked for by the guest, and trusted
  output logic [N_VF-1:0] allmulti_mask_o
);
  // A command's life: t counts clocks. A register that stage s reads changes at the end of TStrobe + s - 1.
  localparam logic [4:0] TCfg    = 5'd0;
  localparam logic [4:0] TStrobe = 5'd1;   // RAMs change here
  localparam logic [4:0] TRead   = 5'd3;
  localparam logic [4:0] TMeter  = 5'd7;
  localparam logic [4:0] TMac    = 5'd16;
  localparam logic [4:0] TFlow   = 5'd18;
  localparam logic [4:0] TMasks  = 5'd19;
  localparam logic [4:0] TDone   = 5'd24;

  localparam int unsigned PortIdxW = (N_VF > 1) ? $clog2(N_VF) : 1;
  localparam int unsigned PortRowW = 96;
  localparam int unsigned ModeRows = RXMODE_ROWS * N_VF;
  localparam int unsigned ModeIdxW = $clog2(ModeRows);

  logic                run_q, is_write, strobe, wr_strobe, port_change;
  logic [4:0]          t_q;
  port_row_t           port_wr;
  logic [PortRowW-1:0] port_rd, port_row;
  logic [PortIdxW-1:0] port_idx;
  logic [6:0]          vvmap_row, vvmap_rd;
  logic [191:0]        vvlan_row, vvlan_rd;
  logic [N_VF-1:0]     group_rd;
  logic [63:0]         mode_rd;
  rxmode_row_t         mode_wr;
  logic [1:0]          mode_bits;
  logic [ModeIdxW-1:0] mode_idx;
  logic [N_VF-1:0]     trust_q, promisc_q, allmulti_q;

  assign is_write  = req_i.op == OP_WRITE;
  assign strobe    = rst_ni && run_q && (t_q == TStrobe);
  assign wr_strobe = strobe && is_write;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      run_q <= 1'b0;
      t_q   <= '0;
    end else if (cmd_i) begin
      run_q <= 1'b1;
      t_q   <= '0;
    end else if (run_q) begin
      t_q <= t_q + 5'd1;
      if (done_o) run_q <= 1'b0;
    end
    if (run_q && t_q == TRead) begin
      unique case (req_i.tbl)
        TBL_PORT:  done_row_o <= 192'(port_rd);
        TBL_CFG:   done_row_o <= 192'(cfg_o);
        TBL_VVMAP: done_row_o <= {160'd0, vvmap_rd[6], 25'd0, vvmap_rd[5:0]};
        TBL_VVLAN: done_row_o <= vvlan_rd;
        TBL_RXMODE: done_row_o <= {126'd0, mode_bits, mode_rd};
        default:   done_row_o <= 192'(group_rd);
      endcase
    end
    if (is_write) done_row_o <= '0;
  end
  assign done_o = run_q && (t_q == (is_write ? TDone : TRead + 5'd1));

  assign trace_o = wr_strobe;
  always_comb begin
    unique case (req_i.tbl)
      TBL_PORT, TBL_CFG: trace_clocks_o = 5'd22;
      TBL_VVMAP:         trace_clocks_o = 5'd20;
      TBL_VVLAN:         trace_clocks_o = 5'd18;
      default:           trace_clocks_o = 5'd4;
    endcase
  end

  // PORT, with the bits that are needed for all vPorts at once kept in registers as well.
  assign port_wr     = port_row_t'(req_i.data);
  assign port_idx    = req_i.index[PortIdxW-1:0];
  assign port_change = run_q && is_write && (req_i.tbl == TBL_PORT);

  hp_index_table #(.WIDTH(PortRowW), .DEPTH(2 ** PortIdxW)) u_port (
    .clk_i,
    .idx_i    (port_idx_i[PortIdxW-1:0]),
    .row_o    (port_row),
    .cmd_en_i (strobe && req_i.tbl == TBL_PORT),
    .cmd_we_i (is_write),
    .cmd_idx_i(port_idx),
    .cmd_row_i(req_i.data[PortRowW-1:0]),
    .cmd_row_o(port_rd)
  );
  assign port_row_o = port_row_t'(192'(port_row));

  always_ff @(posedge clk_i) begin
    meter_fresh_set_o <= '0;
    if (!rst_ni) begin
      vswitch_mask_o    <= '0;
      enabled_mask_o    <= '0;
      tag_mask_o        <= '0;
      reflect_mask_o    <= '0;
      trust_q           <= '0;
      meter_fresh_set_o <= '1;
    end else if (port_change) begin
      if (t_q == TCfg) vswitch_mask_o[port_idx] <= port_wr.vswitch;
      if (t_q == TMeter) meter_fresh_set_o[port_idx] <= 1'b1;
      if (t_q == TMasks) begin
        enabled_mask_o[port_idx] <= port_wr.enabled;
        tag_mask_o[port_idx]     <= port_wr.vswitch;
        reflect_mask_o[port_idx] <= port_wr.vswitch && port_wr.reflect;
        trust_q[port_idx]        <= port_wr.trust;
      end
    end
  end
  assign down_mac_o  = port_change && (t_q == TMac) && enabled_mask_o[port_idx] && !port_wr.enabled;
  assign down_flow_o = port_change && (t_q == TFlow) && enabled_mask_o[port_idx] && !port_wr.enabled;

  // CFG.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) cfg_o <= cfg_row_t'(192'h8100);
    else if (run_q && is_write && req_i.tbl == TBL_CFG && t_q == TCfg)
      cfg_o <= cfg_row_t'(192'({req_i.data[51:32], 12'd0, req_i.data[19:0]}));
  end

  // VVMAP, VVLAN, GROUP.
  hp_index_table #(.WIDTH(7), .DEPTH(4096)) u_vvmap (
    .clk_i,
    .idx_i    (vvmap_idx_i),
    .row_o    (vvmap_row),
    .cmd_en_i (strobe && req_i.tbl == TBL_VVMAP),
    .cmd_we_i (is_write),
    .cmd_idx_i(req_i.index[11:0]),
    .cmd_row_i({req_i.data[31], req_i.data[5:0]}),
    .cmd_row_o(vvmap_rd)
  );
  assign vvmap_valid_o = vvmap_row[6];
  assign vvmap_inst_o  = vvmap_row[5:0];

  hp_index_table #(.WIDTH(192), .DEPTH(64)) u_vvlan (
    .clk_i,
    .idx_i    (vvlan_idx_i),
    .row_o    (vvlan_row),
    .cmd_en_i (strobe && req_i.tbl == TBL_VVLAN),
    .cmd_we_i (is_write),
    .cmd_idx_i(req_i.index[5:0]),
    .cmd_row_i(req_i.data),
    .cmd_row_o(vvlan_rd)
  );
  assign vvlan_row_o = vvlan_row_t'(vvlan_row);

  hp_index_table #(.WIDTH(N_VF), .DEPTH(256)) u_group (
    .clk_i,
    .idx_i    (group_idx_i),
    .row_o    (group_row_o),
    .cmd_en_i (strobe && req_i.tbl == TBL_GROUP),
    .cmd_we_i (is_write),
    .cmd_idx_i(req_i.index[7:0]),
    .cmd_row_i(req_i.data[N_VF-1:0]),
    .cmd_row_o(group_rd)
  );

  // RXMODE: addresses for the firmware, modes for the frames.
  assign mode_wr  = rxmode_row_t'(req_i.data);
  assign mode_idx = req_i.index[ModeIdxW-1:0];

  hp_ram_1r1w #(.WIDTH(64), .DEPTH(ModeRows)) u_mode (
    .clk_i,
    .we_i   (wr_strobe && req_i.tbl == TBL_RXMODE),
    .waddr_i(mode_idx),
    .wdata_i(req_i.data[63:0]),
    .re_i   (strobe && !is_write),
    .raddr_i(mode_idx),
    .rdata_o(mode_rd)
  );

  always_comb begin
    mode_bits = '0;
    for (int unsigned v = 0; v < N_VF; v++) begin
      if (32'(mode_idx) == RXMODE_ROWS * v) mode_bits = {allmulti_q[v], promisc_q[v]};
    end
  end
  always_ff @(posedge clk_i) begin
    for (int unsigned v = 0; v < N_VF; v++) begin
      if (!rst_ni) {allmulti_q[v], promisc_q[v]} <= '0;
      else if (wr_strobe && req_i.tbl == TBL_RXMODE && 32'(mode_idx) == RXMODE_ROWS * v)
        {allmulti_q[v], promisc_q[v]} <= {mode_wr.allmulti, mode_wr.promisc};
    end
  end
  assign promisc_mask_o  = promisc_q & trust_q;
  assign allmulti_mask_o = allmulti_q & trust_q;

  logic unused_row;
  assign unused_row = ^{port_idx_i, port_wr, mode_wr, req_i};

  `HP_ASSERT(OneCommand_A, !cmd_i || !run_q)
  `HP_ASSERT_INIT(NumVf_A, N_VF >= 1 && N_VF <= MaxVf)
endmodule
