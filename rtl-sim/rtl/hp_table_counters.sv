// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Counters of the tables and of who uses them, read like those of hp_counters and by the same addresses:
//   bank 4 flow entries   index = handle*2   + {frames, bytes}, zero when the handle is given out
//   bank 5 V.VLANs        index = instance*4 + {hit_frames, hit_bytes, miss_frames, miss_bytes}
//   bank 6 tables         index = table*16   + n (TBLCNT_*), 32 + n (LEARNCNT_*)
// Any other address reads as zero.
//
// A read takes a clock without events in its bank. Clearing a flow's counters takes such a clock too, or the
// flow's first hit. `stall_o` asks for no new frames: while the banks are cleared after reset, when a read
// waited for `Patience` clocks, or when a cleared handle still waits as the next one comes.

`include "hp_assert.svh"

module hp_table_counters
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned FLOW_DEPTH = 1024     // 0: no flow cache
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // A frame that asked the flow cache.
  input  logic        hit_i,
  input  logic        miss_i,
  input  logic [15:0] handle_i,
  input  logic [5:0]  inst_i,
  input  len_t        len_i,

  input  logic        new_i,           // a flow's handle was given out
  input  logic [15:0] new_handle_i,
  input  tbl_count_t  mac_i,
  input  logic [15:0] mac_occupied_i,
  input  tbl_count_t  flow_i,
  input  logic [15:0] flow_occupied_i,
  input  logic        learn_event_i,
  input  logic        learn_suppressed_i,
  input  logic        learn_no_slot_i,
  input  logic        news_told_i,     // a learning packet was handed over ...
  input  logic        news_again_i,    // ... or was not, because its flow just was

  input  logic        rd_valid_i,
  input  logic [15:0] rd_addr_i,
  output logic        rd_done_o,
  output logic [63:0] rd_data_o,
  output logic        stall_o,
  output logic        ready_o
);
  localparam int unsigned Patience = 256;
  localparam int unsigned Handles  = (FLOW_DEPTH > 0) ? 4 * FLOW_DEPTH : 1;
  localparam int unsigned HandleW  = (FLOW_DEPTH > 0) ? $clog2(Handles) : 1;

  // The read.
  typedef enum logic [1:0] {StIdle, StStart, StWait} read_e;
  read_e       read_q;
  logic [15:0] addr_q;
  logic [$clog2(Patience):0] waited_q;
  logic        at_flow, at_cache, at_tables, at_level;
  logic        flow_done, cache_done, table_done, flow_ready, cache_ready, table_ready, clear_waits;
  logic [127:0] flow_data, cache_data;
  logic [63:0] table_data, level;

  assign at_flow   = (addr_q[15:13] == CNT_FLOW) && (32'(addr_q[12:1]) < Handles) && FLOW_DEPTH != 0;
  assign at_cache  = (addr_q[15:13] == CNT_CACHE) && (addr_q[12:8] == '0);
  assign at_tables = (addr_q[15:13] == CNT_TABLES) && (addr_q[12:6] == '0);
  assign at_level  = at_tables && (addr_q[3:0] == TBLCNT_OCCUPIED) && !addr_q[5];
  assign level     = addr_q[4] ? 64'(flow_occupied_i) : 64'(mac_occupied_i);

  always_ff @(posedge clk_i) begin
    rd_done_o <= 1'b0;
    if (!rst_ni) begin
      read_q   <= StIdle;
      waited_q <= '0;
    end else begin
      waited_q <= (read_q != StWait) ? '0 : (32'(waited_q) < Patience) ? waited_q + 1'b1 : waited_q;
      unique case (read_q)
        StIdle: if (rd_valid_i) read_q <= StStart;
        StStart: begin
          read_q    <= (at_flow || at_cache || (at_tables && !at_level)) ? StWait : StIdle;
          rd_done_o <= !(at_flow || at_cache || (at_tables && !at_level));
        end
        default: if (flow_done || cache_done || table_done) begin
          read_q    <= StIdle;
          rd_done_o <= 1'b1;
        end
      endcase
    end
    if (read_q == StIdle) addr_q <= rd_addr_i;
    if (read_q == StStart) rd_data_o <= at_level ? level : '0;
    if (flow_done) rd_data_o <= addr_q[0] ? flow_data[127:64] : flow_data[63:0];
    if (cache_done) rd_data_o <= addr_q[0] ? cache_data[127:64] : cache_data[63:0];
    if (table_done) rd_data_o <= table_data;
  end

  // Bank 4. A handle that was given out waits in a queue until its counters are zero.
  if (FLOW_DEPTH != 0) begin : gen_flow
    localparam int unsigned Queue = 4;
    logic [Queue-1:0]              wait_q;
    logic [Queue-1:0][HandleW-1:0] wait_handle_q;
    logic [Queue-1:0]              first, take;
    logic [HandleW-1:0]            handle;
    logic                          ev, clear;

    // Entries shift down as those before them leave; the oldest is 0.
    always_comb begin
      for (int unsigned i = 0; i < Queue; i++) first[i] = wait_q[i] && (wait_handle_q[i] == handle_i[HandleW-1:0]);
      take   = hit_i ? first : Queue'(wait_q[0]);
      ev     = hit_i || wait_q[0];
      clear  = |take;
      handle = hit_i ? handle_i[HandleW-1:0] : wait_handle_q[0];
    end

    logic [Queue-1:0]              keep, wait_d;
    logic [Queue-1:0][HandleW-1:0] wait_handle_d;
    always_comb begin
      int unsigned n;
      keep          = wait_q & ~take;
      wait_d        = '0;
      wait_handle_d = wait_handle_q;
      n             = 0;
      for (int unsigned i = 0; i < Queue; i++) begin
        if (keep[i]) begin
          wait_d[n]        = 1'b1;
          wait_handle_d[n] = wait_handle_q[i];
          n++;
        end
      end
      if (new_i && flow_ready && n < Queue) begin
        wait_d[n]        = 1'b1;
        wait_handle_d[n] = new_handle_i[HandleW-1:0];
      end
    end
    always_ff @(posedge clk_i) begin
      if (!rst_ni) wait_q <= '0;
      else wait_q <= wait_d;
      wait_handle_q <= wait_handle_d;
    end
    assign clear_waits = wait_q[1];

    hp_count_bank #(.DEPTH(Handles), .LANES(2), .INC_W(14)) u_bank (
      .clk_i, .rst_ni,
      .ready_o   (flow_ready),
      .ev_valid_i(ev),
      .ev_index_i(handle),
      .ev_inc_i  (hit_i ? {len_i, 14'd1} : 28'd0),
      .ev_clear_i(clear),
      .rd_req_i  (read_q == StWait && at_flow),
      .rd_index_i(addr_q[HandleW:1]),
      .rd_done_o (flow_done),
      .rd_data_o (flow_data)
    );
    `HP_ASSERT(ClearRoom_A, !(new_i && (&keep)))
  end else begin : gen_no_flow
    assign {flow_done, flow_data, clear_waits} = '0;
    assign flow_ready = 1'b1;
    logic unused_flow;
    assign unused_flow = new_i;
  end

  // Bank 5.
  hp_count_bank #(.DEPTH(128), .LANES(2), .INC_W(14)) u_cache (
    .clk_i, .rst_ni,
    .ready_o   (cache_ready),
    .ev_valid_i(hit_i || miss_i),
    .ev_index_i({inst_i, miss_i}),
    .ev_inc_i  ({len_i, 14'd1}),
    .ev_clear_i(1'b0),
    .rd_req_i  (read_q == StWait && at_cache),
    .rd_index_i(addr_q[7:1]),
    .rd_done_o (cache_done),
    .rd_data_o (cache_data)
  );

  // Bank 6: events gather in small counters, which are emptied in turn.
  localparam int unsigned Sources = 64;
  localparam int unsigned GatherW = $clog2(Sources) + 1;
  logic [Sources-1:0] pulse;
  logic [5:0]         turn_q;
  logic [GatherW-1:0] gather_q [Sources];
  logic [GatherW-1:0] given_q;          // to the bank, with its index
  logic [5:0]         given_index_q;

  function automatic logic [15:0] of_table(input tbl_count_t c);
    logic [15:0] p;
    p                       = '0;
    p[TBLCNT_INSERTS]       = c.chg_insert;
    p[TBLCNT_FAILED]        = c.full;
    p[TBLCNT_MOVES]         = c.move;
    p[TBLCNT_AGED]          = c.chg_aged;
    p[TBLCNT_SWEPT]         = c.chg_swept;
    p[TBLCNT_INVALIDATIONS] = c.invalidate;
    p[TBLCNT_STALE]         = c.stale;
    p[TBLCNT_QUOTA]         = c.quota;
    p[TBLCNT_REFUSED]       = c.refused;
    return p;
  endfunction

  always_comb begin
    pulse = '0;
    pulse[15:0]  = of_table(mac_i);
    pulse[31:16] = of_table(flow_i);
    pulse[{2'b10, LEARNCNT_LEARN_EVENTS}]     = learn_event_i;
    pulse[{2'b10, LEARNCNT_LEARN_SUPPRESSED}] = learn_suppressed_i;
    pulse[{2'b10, LEARNCNT_LEARN_NO_SLOT}]    = learn_no_slot_i;
    pulse[{2'b10, LEARNCNT_FLOW_LEARN_EVENTS}]     = news_told_i;
    pulse[{2'b10, LEARNCNT_FLOW_LEARN_SUPPRESSED}] = news_again_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) turn_q <= '0;
    else turn_q <= turn_q + 6'd1;
    given_q       <= (rst_ni && table_ready) ? gather_q[turn_q] : '0;
    given_index_q <= turn_q;
    for (int unsigned i = 0; i < Sources; i++) begin
      if (!rst_ni) gather_q[i] <= '0;
      else if (table_ready && turn_q == 6'(i)) gather_q[i] <= GatherW'(pulse[i]);
      else gather_q[i] <= gather_q[i] + GatherW'(pulse[i]);
    end
  end

  hp_count_bank #(.DEPTH(Sources), .LANES(1), .INC_W(GatherW)) u_tables (
    .clk_i, .rst_ni,
    .ready_o   (table_ready),
    .ev_valid_i(given_q != '0),
    .ev_index_i(given_index_q),
    .ev_inc_i  (given_q),
    .ev_clear_i(1'b0),
    .rd_req_i  (read_q == StWait && at_tables),
    .rd_index_i(addr_q[5:0]),
    .rd_done_o (table_done),
    .rd_data_o (table_data)
  );

  logic unused_bits;
  assign unused_bits = ^{handle_i, new_handle_i};

  logic all_ready;
  assign all_ready = flow_ready && cache_ready && table_ready;
  always_ff @(posedge clk_i) begin
    ready_o <= rst_ni && all_ready;
    stall_o <= !rst_ni || !all_ready || clear_waits || 32'(waited_q) == Patience;
  end

  `HP_ASSERT(OneOutcome_A, !(hit_i && miss_i))
  `HP_ASSERT(OneRead_A, !rd_valid_i || read_q == StIdle)
endmodule
