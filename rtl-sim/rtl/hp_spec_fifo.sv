// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Block RAM FIFO with commit and rollback, first-word-fall-through, one push and one pop per clock.
//
// Entries become visible when `commit_i` says so: it commits every entry pushed so far and the one pushed
// in the same cycle. `rollback_i` forgets all that is not committed, the entry pushed in the same cycle
// included (it wins over `commit_i`).
// Latency: with nothing stored, an entry pushed and committed in cycle t is at the output in t+1 (it
// goes around the RAM); otherwise 4 cycles from commit. Once a run of committed entries has begun to
// leave, it leaves without gaps: four output registers cover the RAM's read latency.
// A slot is free again when its entry is popped. A push while `full_o`, a pop while not `valid_o` are errors.

`include "hp_assert.svh"

module hp_spec_fifo #(
  parameter int unsigned WIDTH = 32,
  parameter int unsigned DEPTH = 512,  // a power of two
  localparam int unsigned PtrW = $clog2(DEPTH) + 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             push_i,
  input  logic [WIDTH-1:0] data_i,
  input  logic             commit_i,
  input  logic             rollback_i,
  output logic             full_o,

  input  logic             pop_i,
  output logic             valid_o,
  output logic [WIDTH-1:0] data_o,

  output logic [PtrW-1:0]  count_o     // entries stored, committed or not
);
  localparam int unsigned OutDepth = 4;
  localparam int unsigned OccW = $clog2(OutDepth + 1);

  typedef logic [PtrW-1:0] ptr_t;
  typedef logic [OccW-1:0] occ_t;

  ptr_t write_q, write_d, commit_q, commit_d, fetch_q, pop_q, pop_d;
  occ_t occ_q, occ_kept, occ_d;
  logic fetch, bypass, land, land_d1_q, land_d2_q;
  logic [WIDTH-1:0] ram_rdata, land_data;
  logic [WIDTH-1:0] out_q [OutDepth];

  // Write side.
  assign write_d  = rollback_i ? commit_q : write_q + ptr_t'(push_i);
  assign commit_d = (commit_i && !rollback_i) ? write_q + ptr_t'(push_i) : commit_q;

  // Around the RAM: only when every older entry is already in an output register.
  assign bypass = push_i && commit_i && !rollback_i && (fetch_q == write_q) &&
                  !land_d1_q && !land_d2_q && (occ_q < occ_t'(OutDepth));

  // Read side: an output register is reserved for each read under way.
  assign fetch = (fetch_q != commit_q) &&
                 (occ_q + occ_t'(land_d1_q) + occ_t'(land_d2_q) < occ_t'(OutDepth));

  hp_ram_1r1w #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH)
  ) u_ram (
    .clk_i,
    .we_i   (push_i),
    .waddr_i(write_q[PtrW-2:0]),
    .wdata_i(data_i),
    .re_i   (fetch),
    .raddr_i(fetch_q[PtrW-2:0]),
    .rdata_o(ram_rdata)
  );

  // Output registers; entry 0 is the head.
  assign land      = land_d2_q || bypass;
  assign land_data = land_d2_q ? ram_rdata : data_i;
  assign occ_kept  = occ_q - occ_t'(pop_i);
  assign occ_d     = occ_kept + occ_t'(land);
  assign pop_d     = pop_q + ptr_t'(pop_i);
  assign data_o    = out_q[0];
  assign valid_o   = occ_q != '0;
  assign count_o   = write_q - pop_q;

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < OutDepth; i++) begin
      if (land && occ_kept == occ_t'(i)) out_q[i] <= land_data;
      else if (pop_i && i < OutDepth - 1) out_q[i] <= out_q[(i + 1) % OutDepth];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q   <= '0;
      commit_q  <= '0;
      fetch_q   <= '0;
      pop_q     <= '0;
      occ_q     <= '0;
      land_d1_q <= 1'b0;
      land_d2_q <= 1'b0;
      full_o    <= 1'b0;
    end else begin
      write_q   <= write_d;
      commit_q  <= commit_d;
      fetch_q   <= fetch_q + ptr_t'(fetch || bypass);
      pop_q     <= pop_d;
      occ_q     <= occ_d;
      land_d1_q <= fetch;
      land_d2_q <= land_d1_q;
      full_o    <= (write_d - pop_d) == ptr_t'(DEPTH);
    end
  end

  `HP_ASSERT_INIT(Shape_A, WIDTH > 0 && DEPTH >= 8 && (DEPTH & (DEPTH - 1)) == 0)
  `HP_ASSERT(NoOverflow_A, !(push_i && full_o))
  `HP_ASSERT(NoUnderflow_A, !(pop_i && !valid_o))
  `HP_ASSERT(Conserved_A, (fetch_q - pop_q) ==
             ptr_t'(occ_q) + ptr_t'(land_d1_q) + ptr_t'(land_d2_q))
endmodule
