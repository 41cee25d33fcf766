// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Configuration of the receive steering: one access at a time. New beats are held back until no
// header is under way, so that every frame sees all of an access or nothing of it; then the access
// happens (`strobe_o`, one clock), and is answered four clocks later. 20 clocks in all at most.

`include "hp_assert.svh"

module hp_rx_cfg
  import hp_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_FILTER = 32,
  parameter int unsigned N_ETHERTYPE = 8,
  localparam int unsigned VfW  = (N_VF > 1) ? $clog2(N_VF) : 1,
  localparam int unsigned FltW = (N_FILTER > 1) ? $clog2(N_FILTER) : 1,
  localparam int unsigned EthW = (N_ETHERTYPE > 1) ? $clog2(N_ETHERTYPE) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            cfg_req_i,       // one clock
  input  logic            cfg_we_i,
  input  logic [13:0]     cfg_addr_i,      // byte offset
  input  logic [31:0]     cfg_wdata_i,
  output logic            cfg_ack_o,
  output logic [31:0]     cfg_rdata_o,

  output logic            hold_o,          // no new beat
  input  logic            busy_i,          // headers are under way

  output logic            we_o,            // these stay until the answer
  output logic [31:0]     wdata_o,
  output logic            eth_req_o,
  output logic [EthW-1:0] eth_idx_o,
  input  logic [31:0]     eth_rdata_i,
  output logic            flt_req_o,
  output logic [FltW-1:0] flt_idx_o,
  output logic [3:0]      flt_word_o,
  input  logic [31:0]     flt_rdata_i,
  output logic            vf_req_o,
  output logic [VfW-1:0]  vf_idx_o,
  output logic [5:0]      vf_word_o,
  input  logic [31:0]     vf_rdata_i,

  output logic [15:0]     tpid_o
);
  localparam logic [31:0] Sizes = {8'd0, 8'(N_VF), 8'(N_ETHERTYPE), 8'(N_FILTER)};

  logic [11:2] addr_q;
  logic        inside_q, held_q, strobe;
  logic [3:0]  after_q;
  logic [5:0]  select_q;
  logic        in_glob, in_eth, in_vf, in_flt, in_tpid, in_select;

  // What stands where.
  assign in_glob   = inside_q && addr_q[11:6] == 6'd0;
  assign in_tpid   = in_glob && addr_q[5:2] == 4'd1;
  assign in_select = in_glob && addr_q[5:2] == 4'd2;
  assign in_eth    = inside_q && addr_q[11:8] == 4'd0 && addr_q[7:6] != 2'd0 &&
                     32'(addr_q[7:2]) < 16 + N_ETHERTYPE;
  assign in_vf     = inside_q && addr_q[11:8] == 4'd1 && 32'(select_q) < N_VF;
  assign in_flt    = inside_q && addr_q[11] && 32'(addr_q[10:6]) < N_FILTER;

  assign eth_idx_o  = EthW'(addr_q[7:2] - 6'd16);
  assign flt_idx_o  = FltW'(addr_q[10:6]);
  assign flt_word_o = addr_q[5:2];
  assign vf_idx_o   = VfW'(select_q);
  assign vf_word_o  = addr_q[7:2];
  assign eth_req_o  = strobe && in_eth;
  assign flt_req_o  = strobe && in_flt;
  assign vf_req_o   = strobe && in_vf;

  // `held_q`: nothing was taken in the clock before.
  assign strobe = held_q && !busy_i && after_q == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      hold_o    <= 1'b0;
      held_q    <= 1'b0;
      after_q   <= '0;
      cfg_ack_o <= 1'b0;
      select_q  <= '0;
      tpid_o    <= 16'h8100;
    end else begin
      cfg_ack_o <= after_q[3];
      after_q   <= {after_q[2:0], strobe};
      held_q    <= hold_o && !after_q[3];
      if (cfg_req_i) hold_o <= 1'b1;
      else if (after_q[3]) hold_o <= 1'b0;
      if (strobe && we_o && in_tpid) tpid_o <= wdata_o[15:0];
      if (strobe && we_o && in_select) select_q <= wdata_o[5:0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (cfg_req_i) begin
      we_o     <= cfg_we_i;
      wdata_o  <= cfg_wdata_i;
      addr_q   <= cfg_addr_i[11:2];
      inside_q <= cfg_addr_i[13:12] == 2'd0;
    end
    if (after_q[3]) begin
      cfg_rdata_o <= in_eth ? eth_rdata_i : in_vf ? vf_rdata_i : in_flt ? flt_rdata_i :
                     in_tpid ? 32'(tpid_o) : in_select ? 32'(select_q) :
                     (in_glob && addr_q[5:2] == 4'd0) ? Sizes : '0;
    end
  end

  logic unused_addr;
  assign unused_addr = ^cfg_addr_i[1:0];

  `HP_ASSERT(OneAccess_A, !cfg_req_i || !hold_o)
endmodule
