// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Checked chains and their descriptors, in a slot per chain: written by the fetch, read by its
// consumer. Reads have a latency of two clocks and hold their value; a slot is read only while its
// chain is the consumer's, and so not written then.

module hp_vq_kept import hp_vq_pkg::*; #(
  parameter bit          TX = 1'b0,
  parameter int unsigned N_QP = 32,
  parameter int unsigned SEGS = 32,
  localparam int unsigned QW = (N_QP > 1) ? $clog2(N_QP) : 1,
  localparam int unsigned EW = $clog2(SEGS)
) (
  input  logic             clk_i,
  input  logic [QW-1:0]    q_i,
  input  logic [EW-1:0]    slot_i,
  input  logic             seg_we_i,
  input  logic [EW-1:0]    seg_n_i,          // its place in the slot
  input  seg_t             seg_i,
  input  logic             chain_we_i,
  input  chain_t           chain_i,

  input  logic             chain_re_i,
  input  logic [QW+EW-1:0] chain_addr_i,
  output chain_t           chain_o,
  input  logic             seg_re_i,
  input  logic [QW+EW-1:0] seg_addr_i,
  output seg_t             seg_o,

  // TX: the head of a chain, within the clock.
  input  logic [EW-1:0]    head_slot_i,
  output logic [7:0]       head_o
);
  localparam int unsigned Depth = 2 ** QW * SEGS;

  hp_ram_1r1w #(.WIDTH($bits(seg_t)), .DEPTH(Depth)) u_segs (
    .clk_i, .we_i(seg_we_i), .waddr_i({q_i, slot_i + seg_n_i}), .wdata_i(seg_i),
    .re_i(seg_re_i), .raddr_i(seg_addr_i), .rdata_o(seg_o)
  );

  hp_ram_1r1w #(.WIDTH($bits(chain_t)), .DEPTH(Depth)) u_chains (
    .clk_i, .we_i(chain_we_i), .waddr_i({q_i, slot_i}), .wdata_i(chain_i),
    .re_i(chain_re_i), .raddr_i(chain_addr_i), .rdata_o(chain_o)
  );

  if (TX) begin : gen_heads
    hp_vq_ctx #(.WIDTH(8), .DEPTH(Depth)) u_heads (
      .clk_i, .we_i(chain_we_i), .waddr_i({q_i, slot_i}), .wdata_i(chain_i.head),
      .raddr_i({q_i, head_slot_i}), .rdata_o(head_o)
    );
  end else begin : gen_no_heads
    logic unused_slot;
    assign unused_slot = ^head_slot_i;
    assign head_o = '0;
  end
endmodule
