// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// All traffic counters: 64 bits, hardware-written, cleared by reset only. Every event source has
// its own RAM banks, so each may fire in every clock; a counter that several sources feed lives
// in parts, and the read port adds them. Address: {bank[15:13], index[12:0]}
//   bank 0 ports           index = port*4     + {in_frames, in_bytes, out_frames, out_bytes}
//   bank 1 V.VLANs         index = instance*4 + the same
//   bank 2 port drops      index = port*64     + reason
//   bank 3 V.VLAN drops    index = instance*64 + reason
// Any other address reads as zero here; hp_table_counters has banks 4 to 6.
//
// A read (`cnt_rd_valid_i`, a pulse; one at a time) takes a clock without events in each bank it
// needs. `stall_o` asks for no new frames: while the banks are cleared after reset, and when a
// read has waited for `Patience` clocks, so that endless full load cannot hide the counters.

`include "hp_assert.svh"

module hp_counters
  import hp_pkg::*;
#(
  parameter int unsigned N_VF = 8
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  cnt_dec_t    dec_i,
  input  cnt_out_t    out_host_i,
  input  cnt_out_t    out_uplink_i,
  input  cnt_out_t    out_core_i,
  input  cnt_loss_t   loss_host_i,     // rx-full
  input  cnt_loss_t   loss_rep_i,      // replication-full
  input  cnt_loss_t   loss_other_i,    // uplink-full or learn-busy

  input  logic        cnt_rd_valid_i,
  input  logic [15:0] cnt_rd_addr_i,
  output logic        cnt_rd_done_o,
  output logic [63:0] cnt_rd_data_o,

  output logic        stall_o,
  output logic        ready_o
);
  import hp_abi_pkg::RSN_LEARN_BUSY;
  import hp_abi_pkg::RSN_RX_FULL;
  import hp_abi_pkg::RSN_REPLICATION_FULL;
  import hp_abi_pkg::RSN_UPLINK_FULL;

  localparam int unsigned Ports     = N_VF + 2;
  localparam int unsigned Instances = 64;
  localparam int unsigned Reasons   = 64;
  localparam int unsigned IndexW    = 13;
  localparam int unsigned IncW      = 16;
  localparam int unsigned Patience  = 256;

  // Banks. Those before `TwoLanes` count {bytes, frames}, the others frames.
  localparam int unsigned InPort       = 0;
  localparam int unsigned InVv         = 1;
  localparam int unsigned OutHostPort  = 2;
  localparam int unsigned OutHostVv    = 3;
  localparam int unsigned OutUplinkVv  = 4;
  localparam int unsigned OutCoreVv    = 5;
  localparam int unsigned TwoLanes     = 6;
  localparam int unsigned DropPort     = 6;
  localparam int unsigned DropVv       = 7;
  localparam int unsigned LossHostPort = 8;
  localparam int unsigned LossHostVv   = 9;
  localparam int unsigned LossRepPort  = 10;
  localparam int unsigned LossRepVv    = 11;
  localparam int unsigned LossOthPort  = 12;  // {learn-busy, port}
  localparam int unsigned LossOthVv    = 13;
  localparam int unsigned Banks        = 14;
  localparam int unsigned BankW        = $clog2(Banks);

  function automatic int unsigned bank_depth(input int unsigned b);
    case (b)
      InPort, LossRepPort:       return Ports;
      OutHostPort, LossHostPort: return N_VF;
      DropPort:                  return Ports * Reasons;
      DropVv:                    return Instances * Reasons;
      LossOthPort:               return 2 * Ports;
      LossOthVv:                 return 2 * Instances;
      default:                   return Instances;
    endcase
  endfunction

  // vPorts first, then uplink and core.
  function automatic logic port_exists(input port_t p);
    return 32'(p) < N_VF || p == PortUplink || p == PortCore;
  endfunction

  function automatic logic [IndexW-1:0] port_index(input port_t p);
    return p[6] ? IndexW'(N_VF) + IndexW'(p[0]) : IndexW'(p);
  endfunction

  // Events, a clock later than they come.
  cnt_dec_t  dec_q;
  cnt_out_t  out_host_q, out_uplink_q, out_core_q;
  cnt_loss_t loss_host_q, loss_rep_q, loss_other_q;

  always_ff @(posedge clk_i) begin
    dec_q        <= dec_i;
    out_host_q   <= out_host_i;
    out_uplink_q <= out_uplink_i;
    out_core_q   <= out_core_i;
    loss_host_q  <= loss_host_i;
    loss_rep_q   <= loss_rep_i;
    loss_other_q <= loss_other_i;
    if (!rst_ni) begin
      dec_q.valid        <= 1'b0;
      out_host_q.valid   <= 1'b0;
      out_uplink_q.valid <= 1'b0;
      out_core_q.valid   <= 1'b0;
      loss_host_q.valid  <= 1'b0;
      loss_rep_q.valid   <= 1'b0;
      loss_other_q.valid <= 1'b0;
    end
  end

  logic [Banks-1:0]             ev_valid, rd_req, rd_done, bank_ready;
  logic [Banks-1:0][IndexW-1:0] ev_index, rd_index, rd_index_d;
  logic [Banks-1:0][2*IncW-1:0] ev_inc;
  logic [Banks-1:0][127:0]      rd_data;
  logic                         oth_learn;

  assign oth_learn = loss_other_q.reason == RSN_LEARN_BUSY;

  always_comb begin
    ev_valid = '0;
    ev_index = '0;
    for (int b = 0; b < int'(Banks); b++) ev_inc[b] = {IncW'(0), IncW'(1)};

    ev_valid[InPort]   = dec_q.valid && dec_q.count_in && port_exists(dec_q.src);
    ev_index[InPort]   = port_index(dec_q.src);
    ev_inc[InPort]     = {IncW'(dec_q.len), dec_q.frames};
    ev_valid[InVv]     = dec_q.valid && dec_q.count_in && dec_q.vvidx_valid;
    ev_index[InVv]     = IndexW'(dec_q.vvidx);
    ev_inc[InVv]       = {IncW'(dec_q.len), dec_q.frames};
    ev_valid[DropPort] = dec_q.valid && dec_q.drop && port_exists(dec_q.src);
    ev_index[DropPort] = IndexW'({port_index(dec_q.src), dec_q.reason});
    ev_inc[DropPort]   = {IncW'(0), dec_q.frames};
    ev_valid[DropVv]   = dec_q.valid && dec_q.drop && dec_q.vvidx_valid;
    ev_index[DropVv]   = IndexW'({dec_q.vvidx, dec_q.reason});
    ev_inc[DropVv]     = {IncW'(0), dec_q.frames};

    ev_valid[OutHostPort] = out_host_q.valid && 32'(out_host_q.port) < N_VF;
    ev_index[OutHostPort] = IndexW'(out_host_q.port);
    ev_inc[OutHostPort]   = {IncW'(out_host_q.len), IncW'(1)};
    ev_valid[OutHostVv]   = out_host_q.valid && out_host_q.vvidx_valid;
    ev_index[OutHostVv]   = IndexW'(out_host_q.vvidx);
    ev_inc[OutHostVv]     = {IncW'(out_host_q.len), IncW'(1)};
    ev_valid[OutUplinkVv] = out_uplink_q.valid && out_uplink_q.vvidx_valid;
    ev_index[OutUplinkVv] = IndexW'(out_uplink_q.vvidx);
    ev_inc[OutUplinkVv]   = {IncW'(out_uplink_q.len), IncW'(1)};
    ev_valid[OutCoreVv]   = out_core_q.valid && out_core_q.vvidx_valid;
    ev_index[OutCoreVv]   = IndexW'(out_core_q.vvidx);
    ev_inc[OutCoreVv]     = {IncW'(out_core_q.len), IncW'(1)};

    ev_valid[LossHostPort] = loss_host_q.valid && 32'(loss_host_q.port) < N_VF;
    ev_index[LossHostPort] = IndexW'(loss_host_q.port);
    ev_valid[LossHostVv]   = loss_host_q.valid && loss_host_q.vvidx_valid;
    ev_index[LossHostVv]   = IndexW'(loss_host_q.vvidx);
    ev_valid[LossRepPort]  = loss_rep_q.valid && port_exists(loss_rep_q.port);
    ev_index[LossRepPort]  = port_index(loss_rep_q.port);
    ev_valid[LossRepVv]    = loss_rep_q.valid && loss_rep_q.vvidx_valid;
    ev_index[LossRepVv]    = IndexW'(loss_rep_q.vvidx);
    ev_valid[LossOthPort]  = loss_other_q.valid && port_exists(loss_other_q.port);
    ev_index[LossOthPort]  = port_index(loss_other_q.port) + (oth_learn ? IndexW'(Ports) : '0);
    ev_valid[LossOthVv]    = loss_other_q.valid && loss_other_q.vvidx_valid;
    ev_index[LossOthVv]    = IndexW'({oth_learn, loss_other_q.vvidx});
  end

  for (genvar b = 0; b < int'(Banks); b++) begin : gen_bank
    localparam int unsigned Depth  = bank_depth(b);
    localparam int unsigned Lanes  = (b < int'(TwoLanes)) ? 2 : 1;
    localparam int unsigned BIndex = (Depth > 1) ? $clog2(Depth) : 1;
    logic [Lanes*64-1:0] data;
    logic                unused;

    hp_count_bank #(
      .DEPTH(Depth),
      .LANES(Lanes),
      .INC_W(IncW)
    ) u_bank (
      .clk_i,
      .rst_ni,
      .ready_o   (bank_ready[b]),
      .ev_valid_i(ev_valid[b]),
      .ev_index_i(ev_index[b][BIndex-1:0]),
      .ev_inc_i  (ev_inc[b][Lanes*IncW-1:0]),
      .ev_clear_i(1'b0),
      .rd_req_i  (rd_req[b]),
      .rd_index_i(rd_index[b][BIndex-1:0]),
      .rd_done_o (rd_done[b]),
      .rd_data_o (data)
    );

    assign rd_data[b] = 128'(data);
    assign unused     = ^{ev_index[b], ev_inc[b], rd_index[b]};
  end

  // Ports that are one source each need no RAM.
  logic [63:0] uplink_frames_q, uplink_bytes_q, core_frames_q, core_bytes_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      uplink_frames_q <= '0;
      uplink_bytes_q  <= '0;
      core_frames_q   <= '0;
      core_bytes_q    <= '0;
    end else begin
      if (out_uplink_q.valid) begin
        uplink_frames_q <= uplink_frames_q + 64'd1;
        uplink_bytes_q  <= uplink_bytes_q + 64'(out_uplink_q.len);
      end
      if (out_core_q.valid) begin
        core_frames_q <= core_frames_q + 64'd1;
        core_bytes_q  <= core_bytes_q + 64'(out_core_q.len);
      end
    end
  end

  logic unused;
  assign unused = ^{out_uplink_q, out_core_q, loss_host_q, loss_rep_q, ev_inc, ev_index};

  // What an address needs: a set of banks, an index in each, one of two lanes.
  logic [15:0]      addr_q;
  logic [Banks-1:0] need;
  port_t            port;
  logic [5:0]       instance_id, reason;
  logic             lane, is_out, is_drop;
  logic [63:0]      direct;

  assign is_drop     = addr_q[14];
  assign reason      = addr_q[5:0];
  assign port        = is_drop ? addr_q[12:6] : addr_q[8:2];
  assign instance_id = is_drop ? addr_q[11:6] : addr_q[7:2];
  assign lane        = addr_q[0] && !is_drop;
  assign is_out      = addr_q[1];

  always_comb begin
    need   = '0;
    direct = '0;
    unique case (addr_q[15:13])
      3'd0: if (addr_q[12:9] == '0 && port_exists(port)) begin
        need[InPort]      = !is_out;
        need[OutHostPort] = is_out && 32'(port) < N_VF;
        if (is_out && port == PortUplink) direct = lane ? uplink_bytes_q : uplink_frames_q;
        if (is_out && port == PortCore)   direct = lane ? core_bytes_q : core_frames_q;
      end
      3'd1: if (addr_q[12:8] == '0) begin
        need[InVv]        = !is_out;
        need[OutHostVv]   = is_out;
        need[OutUplinkVv] = is_out;
        need[OutCoreVv]   = is_out;
      end
      3'd2: if (port_exists(port)) begin
        need[DropPort]     = 1'b1;
        need[LossHostPort] = reason == RSN_RX_FULL && 32'(port) < N_VF;
        need[LossRepPort]  = reason == RSN_REPLICATION_FULL;
        need[LossOthPort]  = reason == RSN_LEARN_BUSY || reason == RSN_UPLINK_FULL;
      end
      3'd3: if (!addr_q[12]) begin
        need[DropVv]     = 1'b1;
        need[LossHostVv] = reason == RSN_RX_FULL;
        need[LossRepVv]  = reason == RSN_REPLICATION_FULL;
        need[LossOthVv]  = reason == RSN_LEARN_BUSY || reason == RSN_UPLINK_FULL;
      end
      default: ;
    endcase
  end

  always_comb begin
    for (int b = 0; b < int'(Banks); b++) rd_index_d[b] = IndexW'(instance_id);
    rd_index_d[InPort]       = port_index(port);
    rd_index_d[OutHostPort]  = IndexW'(port);
    rd_index_d[DropPort]     = IndexW'({port_index(port), reason});
    rd_index_d[DropVv]       = IndexW'({instance_id, reason});
    rd_index_d[LossHostPort] = IndexW'(port);
    rd_index_d[LossRepPort]  = port_index(port);
    rd_index_d[LossOthPort]  = port_index(port) + (reason == RSN_LEARN_BUSY ? IndexW'(Ports) : '0);
    rd_index_d[LossOthVv]    = IndexW'({reason == RSN_LEARN_BUSY, instance_id});
  end

  // The read: bank after bank.
  typedef enum logic [1:0] {Idle, Start, Walk} read_e;
  read_e                       read_q;
  logic [BankW-1:0]            bank_q;
  logic [$clog2(Patience):0]   waited_q;
  logic [63:0]                 part_q;
  logic                        step, add_q, end_q;
  logic [Banks-1:0]            need_q;             // of the address, from `Start` on

  assign step = !need_q[bank_q] || rd_done[bank_q];

  always_comb begin
    rd_req = '0;
    rd_req[bank_q] = read_q == Walk && need_q[bank_q];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_q        <= Idle;
      waited_q      <= '0;
      end_q         <= 1'b0;
      cnt_rd_done_o <= 1'b0;
    end else begin
      end_q         <= 1'b0;
      cnt_rd_done_o <= end_q;
      unique case (read_q)
        Idle: if (cnt_rd_valid_i) read_q <= Start;
        Start: read_q <= Walk;
        default: if (step && 32'(bank_q) == Banks - 1) begin
          read_q <= Idle;
          end_q  <= 1'b1;
        end
      endcase
      if (read_q != Walk) waited_q <= '0;
      else if (32'(waited_q) < Patience) waited_q <= waited_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    need_q   <= need;
    rd_index <= rd_index_d;
    if (read_q == Idle && cnt_rd_valid_i) addr_q <= cnt_rd_addr_i;
    if (read_q == Start) begin
      bank_q        <= '0;
      cnt_rd_data_o <= direct;
    end
    if (read_q == Walk && step) bank_q <= bank_q + 1'b1;
    // A part is added in the clock after it came.
    add_q  <= read_q == Walk && rd_done[bank_q] && need_q[bank_q];
    part_q <= lane ? rd_data[bank_q][127:64] : rd_data[bank_q][63:0];
    if (add_q) cnt_rd_data_o <= cnt_rd_data_o + part_q;
  end

  always_ff @(posedge clk_i) begin
    ready_o <= rst_ni && (&bank_ready);
    stall_o <= !rst_ni || !(&bank_ready) || 32'(waited_q) == Patience;
  end

  `HP_ASSERT_INIT(Ports_A, N_VF >= 1 && N_VF <= MaxVf)
  `HP_ASSERT(OneRead_A, !cnt_rd_valid_i || read_q == Idle)
  `HP_ASSERT(SourcePort_A, !dec_i.valid || port_exists(dec_i.src))
  `HP_ASSERT(HostPort_A, !out_host_i.valid || 32'(out_host_i.port) < N_VF)
  `HP_ASSERT(HostReason_A, !loss_host_i.valid || loss_host_i.reason == RSN_RX_FULL)
  `HP_ASSERT(RepReason_A, !loss_rep_i.valid || loss_rep_i.reason == RSN_REPLICATION_FULL)
  `HP_ASSERT(OtherReason_A, !loss_other_i.valid || loss_other_i.reason == RSN_LEARN_BUSY ||
             loss_other_i.reason == RSN_UPLINK_FULL)
endmodule
