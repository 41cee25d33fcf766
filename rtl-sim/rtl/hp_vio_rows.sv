// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The rows of hp_vio_regs: one of a VF, one of a queue, one of an MSI-X vector, read together with `re_i`, there two
// clocks later, and written where they were read from. After reset they are cleared, one of each per clock, until
// `ready_o`.

module hp_vio_rows
  import hp_vio_pkg::*, hp_vio_regs_pkg::*;
#(
  parameter int unsigned N_VF = 8,
  parameter int unsigned N_QP = 32,
  localparam int unsigned IdxW = (N_VF > 1) ? $clog2(N_VF) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  output logic            ready_o,

  input  logic            re_i,
  input  logic [IdxW-1:0] v_i,
  input  qid_t            q_i,
  input  logic [3:0]      e_i,           // a vector of `v_i`
  output vf_row_t         vf_o,
  output vq_row_t         vq_o,
  output msix_row_t       mx_o,
  input  writes_t         writes_i
);
  localparam int unsigned Queues  = 2 * N_QP + N_VF;     // those of pairs, then control queues
  localparam int unsigned Entries = N_VF * MaxVectors;
  localparam int unsigned Rows    = (Entries > Queues) ? Entries : Queues;
  localparam int unsigned QueueW  = $clog2(Queues);
  localparam int unsigned EntryW  = $clog2(Entries);
  localparam int unsigned ClearW  = $clog2(Rows);

  logic [ClearW-1:0] clear_q;
  logic [QueueW-1:0] queue;
  logic [EntryW-1:0] entry;
  logic              read, clear;

  assign queue = q_i[7] ? QueueW'(2 * N_QP) + QueueW'(q_i[6:0]) : QueueW'(q_i);
  assign entry = EntryW'({v_i, e_i});
  assign read  = rst_ni && re_i;
  assign clear = rst_ni && !ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      clear_q <= '0;
      ready_o <= 1'b0;
    end else if (!ready_o) begin
      clear_q <= clear_q + 1'b1;
      ready_o <= 32'(clear_q) == Rows - 1;
    end
  end

  hp_ram_1r1w #(.WIDTH($bits(vf_row_t)), .DEPTH(N_VF)) u_vf (
    .clk_i,
    .we_i   (clear ? 32'(clear_q) < N_VF : rst_ni && writes_i.vf_we),
    .waddr_i(clear ? clear_q[IdxW-1:0] : v_i),
    .wdata_i(clear ? '0 : writes_i.vf),
    .re_i   (read),
    .raddr_i(v_i),
    .rdata_o(vf_o)
  );

  hp_ram_1r1w #(.WIDTH($bits(vq_row_t)), .DEPTH(Queues)) u_vq (
    .clk_i,
    .we_i   (clear ? 32'(clear_q) < Queues : rst_ni && writes_i.vq_we),
    .waddr_i(clear ? clear_q[QueueW-1:0] : queue),
    .wdata_i(clear ? '0 : writes_i.vq),
    .re_i   (read),
    .raddr_i(queue),
    .rdata_o(vq_o)
  );

  hp_ram_1r1w #(.WIDTH($bits(msix_row_t)), .DEPTH(Entries)) u_mx (
    .clk_i,
    .we_i   (clear ? 32'(clear_q) < Entries : rst_ni && writes_i.mx_we),
    .waddr_i(clear ? clear_q[EntryW-1:0] : entry),
    .wdata_i(clear ? '0 : writes_i.mx),
    .re_i   (read),
    .raddr_i(entry),
    .rdata_o(mx_o)
  );
endmodule
