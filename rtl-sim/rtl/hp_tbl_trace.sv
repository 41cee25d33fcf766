// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Table changes in the order of the frames: each is reported in the clock in which the first frame that sees
// it is decided (stage 22). Three sources: commands on tables read by index, invalidations and deletes (`row_*`,
// with the clocks from the pulse to that decision), the MAC table and the flow cache. Their owner keeps reports apart:
// no two may come out in the same clock.
//
// In silicon only `*_aged_o` is used, which tells that a removal for age has been reported.

`include "hp_assert.svh"

module hp_tbl_trace
  import hp_pkg::*;
  import hp_abi_pkg::*;
(
  input  logic                clk_i,
  input  logic                rst_ni,

  input  tbl_req_t            req_i,         // the command under way
  input  logic                row_i,
  input  logic [4:0]          row_clocks_i,  // 1 to 22
  input  logic [FlowKeyW-1:0] row_key_i,     // of a flow that is deleted
  input  tbl_chg_t            mac_i,
  input  tbl_chg_t            flow_i,
  input  logic [FlowKeyW-1:0] flow_key_i,

  output logic                mac_aged_o,
  output logic                flow_aged_o,
  output trace_cmd_t          trace_cmd_o
);
  // A key is presented at stage 2 (MAC) or 8 (flow). A change is seen by keys presented up to 9 or 6 clocks
  // before it, a new action by those up to 2 more.
  localparam int unsigned MacClocks     = 22 - 2 - 9;
  localparam int unsigned FlowClocks    = 22 - 8 - 6;
  localparam int unsigned UpdateEarlier = 2;

  typedef struct packed {
    logic [3:0]          op;
    logic [15:0]         index;
    logic [191:0]        data;
    logic [3:0]          status;
    logic [FlowKeyW-1:0] flow_key;
  } report_t;

  report_t mac_new, flow_new;
  assign mac_new  = '{op: mac_i.aged ? OP_SWEEP : OP_INSERT, data: mac_i.data, status: mac_i.status,
                      index: mac_i.aged ? 16'd0 : mac_i.refused ? req_i.index : mac_i.handle, flow_key: '0};
  assign flow_new = '{op: flow_i.aged ? OP_SWEEP : OP_INSERT, data: flow_i.data, status: flow_i.status,
                      index: flow_i.aged ? 16'd0 : flow_i.refused ? req_i.index : flow_i.handle,
                      flow_key: flow_key_i};

  logic [22:1] row_q;
  logic [MacClocks:1] mac_q;
  logic [FlowClocks:1] flow_q;
  logic        mac_push, flow_push, mac_full, flow_full, mac_valid, flow_valid;
  report_t     mac_head, flow_head;
  logic [2:0]  mac_count, flow_count;

  assign mac_push  = mac_i.insert || mac_i.update || mac_i.aged || mac_i.refused;
  assign flow_push = flow_i.insert || flow_i.update || flow_i.aged || flow_i.refused;

  // Bit n: n more clocks from now; the pulse itself is n + 1 clocks before.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_q  <= '0;
      mac_q  <= '0;
      flow_q <= '0;
    end else begin
      row_q  <= row_q >> 1;
      mac_q  <= mac_q >> 1;
      flow_q <= flow_q >> 1;
      if (row_i) row_q[row_clocks_i] <= 1'b1;
      if (mac_push) mac_q[mac_i.update ? MacClocks - UpdateEarlier : MacClocks] <= 1'b1;
      if (flow_push) flow_q[flow_i.update ? FlowClocks - UpdateEarlier : FlowClocks] <= 1'b1;
    end
  end

  hp_fifo #(.WIDTH($bits(report_t)), .DEPTH(4)) u_mac (
    .clk_i, .rst_ni, .push_i(mac_push), .data_i(mac_new), .full_o(mac_full),
    .pop_i(mac_q[1]), .valid_o(mac_valid), .data_o(mac_head), .count_o(mac_count)
  );
  hp_fifo #(.WIDTH($bits(report_t)), .DEPTH(4)) u_flow (
    .clk_i, .rst_ni, .push_i(flow_push), .data_i(flow_new),
    .full_o(flow_full), .pop_i(flow_q[1]), .valid_o(flow_valid), .data_o(flow_head),
    .count_o(flow_count)
  );

  always_comb begin
    trace_cmd_o       = '0;
    trace_cmd_o.valid = row_q[1] || mac_q[1] || flow_q[1];
    if (row_q[1]) begin
      trace_cmd_o.op       = req_i.op;
      trace_cmd_o.tbl      = req_i.tbl;
      trace_cmd_o.index    = req_i.index;
      trace_cmd_o.data     = req_i.data;
      trace_cmd_o.status   = ST_OK;
      trace_cmd_o.flow_key = row_key_i;
    end else begin
      trace_cmd_o.tbl = mac_q[1] ? TBL_MAC : TBL_FLOW;
      {trace_cmd_o.op, trace_cmd_o.index, trace_cmd_o.data, trace_cmd_o.status,
       trace_cmd_o.flow_key} = mac_q[1] ? mac_head : flow_head;
    end
  end
  assign mac_aged_o  = mac_q[1] && mac_head.op == OP_SWEEP;
  assign flow_aged_o = flow_q[1] && flow_head.op == OP_SWEEP;

  logic unused_bits;
  assign unused_bits = ^{mac_count, flow_count, mac_valid, flow_valid, mac_full, flow_full, mac_i, flow_i};

  `HP_ASSERT(OneReport_A, 32'(row_q[1]) + 32'(mac_q[1]) + 32'(flow_q[1]) <= 1)
  `HP_ASSERT(MacRoom_A, !(mac_push && mac_full))
  `HP_ASSERT(FlowRoom_A, !(flow_push && flow_full))
  `HP_ASSERT(Heads_A, !(mac_q[1] && !mac_valid) && !(flow_q[1] && !flow_valid))
endmodule
