// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Flows that are pending, by batches: all of a batch are taken into use in one clock, however many they are.
//
//   open ── close ──► closed ── use ──► in use ── a whole sweep ──► free again
//
// A new pending entry belongs to the open batch, of which the vPorts are kept. *Close*: it is the closed batch, and the
// next one is open; one that was closed and not used stays it. *Use*: the closed batch is in use; from then on its
// entries hit. Their mark is taken away by the sweep that `wash_o` asks for, and no batch is open again before.
// `forget_i`: all that is pending is dead, so there is no open flow, and nothing to use.

`include "hp_assert.svh"

module hp_flow_batches
  import hp_pkg::*;
  import hp_abi_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        add_i,       // an entry is pending in `batch_o`
  input  port_t       add_src_i,   // whose frames it is for ...
  input  logic        add_all_i,   // ... or anybody's
  output batch_t      batch_o,
  output logic [3:0]  in_use_o,    // by batch; a change counts from the next clock on

  input  logic        act_i,       // pulse
  input  logic        use_i,       // use, not close
  output logic [3:0]  status_o,
  output logic        changes_o,
  output logic [79:0] row_o,       // {number, vPorts} of the closed batch, or of the one that is closed now
  output logic        waiting_o,
  input  logic        forget_i,

  output logic        wash_o,
  input  logic        sweep_begin_i,
  input  logic        sweep_done_i
);
  typedef struct packed {
    logic [15:0] count;
    logic [63:0] vports;
  } flows_t;

  flows_t     open_q, closed_q;
  batch_t     batch_q, next, last_q;   // open, the one after it, closed
  logic       is_closed_q, some_q;
  logic [3:0] used_q, dirty_q, washing_q, done;

  assign next      = batch_q + 2'd1;
  assign changes_o = (status_o == ST_OK) && (use_i || !is_closed_q);
  always_comb begin
    if (is_closed_q) status_o = ST_OK;
    else if (use_i || !some_q) status_o = ST_NOT_FOUND;
    else status_o = dirty_q[next] ? ST_FULL : ST_OK;
  end
  assign row_o     = is_closed_q ? closed_q : open_q;
  assign waiting_o = some_q && !is_closed_q;
  assign batch_o   = batch_q;
  assign in_use_o  = used_q;

  // What a whole sweep has been at.
  assign done = sweep_done_i ? washing_q : '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      open_q      <= '0;
      batch_q     <= '0;
      is_closed_q <= 1'b0;
      some_q      <= 1'b0;
      used_q      <= '0;
      dirty_q     <= '0;
      washing_q   <= '0;
      wash_o      <= 1'b0;
    end else begin
      wash_o <= 1'b0;
      used_q  <= used_q & ~done;
      dirty_q <= dirty_q & ~done;
      if (sweep_begin_i) washing_q <= dirty_q;
      if (add_i) begin
        some_q       <= 1'b1;
        open_q.count <= open_q.count + 16'(open_q.count != '1);
        if (add_all_i) open_q.vports <= '1;
        else if (!add_src_i[PortW-1]) open_q.vports[add_src_i[5:0]] <= 1'b1;
      end
      if ((act_i && changes_o && !use_i) || forget_i) begin
        open_q <= '0;
        some_q <= 1'b0;
      end
      if (act_i && changes_o && !use_i) begin
        batch_q     <= next;
        is_closed_q <= 1'b1;
      end
      // Of a batch that is dead as a whole nothing is left to use.
      if ((act_i && changes_o && use_i) || (forget_i && is_closed_q)) begin
        is_closed_q     <= 1'b0;
        used_q[last_q]  <= 1'b1;
        dirty_q[last_q] <= 1'b1;
        wash_o          <= 1'b1;
      end
    end
    if (act_i && changes_o && !use_i) begin
      closed_q <= open_q;
      last_q   <= batch_q;
    end
  end

  `HP_ASSERT(Alone_A, 32'(add_i) + 32'(act_i) + 32'(forget_i) <= 1)
  `HP_ASSERT(Open_A, !used_q[batch_q] && !dirty_q[batch_q])
  `HP_ASSERT(Dirty_A, (used_q & ~dirty_q) == '0)
endmodule
