// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The stash of a table: a ring of entries in registers, all of them visible. An entry pushed, or a place
// cleared, in cycle t shows in t+1. The oldest entry is at `head_o`; places that were cleared in the middle
// count as used until the head has passed them, one in two clocks.
//
// `room_o` and `head_valid_o` lag by up to three clocks behind a change and then err on the safe side.

`include "hp_assert.svh"

module hp_table_stash #(
  parameter int unsigned ENTRY_W = 73,   // {valid, ...}
  parameter int unsigned STASH = 8,
  localparam int unsigned PosW = $clog2(STASH),
  localparam int unsigned CountW = $clog2(STASH + 1)
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  input  logic                          push_i,
  input  logic [ENTRY_W-2:0]            data_i,
  input  logic [1:0]                    from_i,        // any two bits that go with it
  input  logic                          clear_i,
  input  logic [PosW-1:0]               clear_pos_i,

  output logic [STASH-1:0][ENTRY_W-1:0] stash_o,
  output logic [PosW-1:0]               head_o,
  output logic                          head_valid_o,
  output logic [1:0]                    head_from_o,
  output logic                          room_o        // two places or more are free
);
  logic [STASH-1:0]              valid_q;
  logic [STASH-1:0][ENTRY_W-2:0] data_q;
  logic [STASH-1:0][1:0]         from_q;
  logic [PosW-1:0]               head_q, tail_q;
  logic [CountW-1:0]             count_q;
  logic                          skip_q;

  function automatic logic [PosW-1:0] next(input logic [PosW-1:0] pos);
    return (32'(pos) == STASH - 1) ? '0 : pos + 1'b1;
  endfunction

  for (genvar p = 0; p < STASH; p++) begin : gen_place
    logic write;
    assign write      = push_i && (tail_q == PosW'(p));
    assign stash_o[p] = {valid_q[p], data_q[p]};
    always_ff @(posedge clk_i) begin
      if (write) data_q[p] <= data_i;
      if (write) from_q[p] <= from_i;
      if (!rst_ni) valid_q[p] <= 1'b0;
      else if (write) valid_q[p] <= 1'b1;
      else if (clear_i && clear_pos_i == PosW'(p)) valid_q[p] <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      head_q       <= '0;
      tail_q       <= '0;
      count_q      <= '0;
      skip_q       <= 1'b0;
      head_valid_o <= 1'b0;
      room_o       <= 1'b0;
    end else begin
      if (push_i) tail_q <= next(tail_q);
      if (skip_q) head_q <= next(head_q);
      count_q      <= count_q + CountW'(push_i) - CountW'(skip_q);
      skip_q       <= (count_q != '0) && !valid_q[head_q] && !skip_q;
      head_valid_o <= (count_q != '0) && valid_q[head_q] && !skip_q;
      room_o       <= !push_i && (count_q <= CountW'(STASH - 2));
    end
  end
  assign head_o = head_q;
  always_ff @(posedge clk_i) head_from_o <= from_q[head_q];

  `HP_ASSERT(NoOverflow_A, !push_i || 32'(count_q) < STASH)
  `HP_ASSERT(Clear_A, !clear_i || valid_q[clear_pos_i])
  `HP_ASSERT_INIT(Shape_A, STASH >= 3 && ENTRY_W > 1)
endmodule
