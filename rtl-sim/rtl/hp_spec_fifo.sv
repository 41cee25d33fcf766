// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Block RAM FIFO with commit and rollback, first-word-fall-through, one push and one pop per clock.
//
// Entries become visible when `commit_i` says so: it commits every entry pushed so far and the one pushed
// in the same cycle. `rollback_i` forgets all that is not committed, the entry pushed in the same cycle
// included (it wins over `commit_i`).
// Latency: with nothing stored, an entry pushed and committed in cycle t is at the output in t+1 (it
// goes around the RAM); otherwise 4 cycles from commit. Once a run of committed entries has begun to
// leave, it leaves without gaps: four output places cover the RAM's read latency.
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
  localparam int unsigned SkidW = $clog2(OutDepth);

  typedef logic [PtrW-1:0] ptr_t;

  ptr_t write_q, write_inc, fetch_q, commit_q, pop_q;
  logic fetch, may_bypass, bypass, land, land_d1_q, land_d2_q;
  logic [WIDTH-1:0] ram_rdata, land_data;

  // Write side.
  assign write_inc = write_q + ptr_t'(1);

  // Output places held, as a thermometer: bit n says that there are more than n entries. Entry 0
  // is in the head register, the others wait in distributed RAM behind it: a pop moves one
  // register and a pointer.
  logic [OutDepth-1:0] occ_q, occ_d;

  // Around the RAM: only when every older entry is already in an output place.
  assign may_bypass = (fetch_q == write_q) && !land_d1_q && !land_d2_q && !occ_q[OutDepth-1];
  assign bypass     = push_i && commit_i && !rollback_i && may_bypass;

  // Read side: an output place is reserved for each read under way.
  always_comb begin
    unique case ({land_d1_q, land_d2_q})
      2'b00:   fetch = !occ_q[OutDepth-1];
      2'b11:   fetch = !occ_q[OutDepth-3];
      default: fetch = !occ_q[OutDepth-2];
    endcase
    if (fetch_q == commit_q) fetch = 1'b0;
  end

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

  // Output places.
  (* ram_style = "distributed" *)
  logic [WIDTH-1:0] skid [OutDepth];
  logic [WIDTH-1:0] head_q;
  logic [SkidW-1:0] skid_wr_q, skid_rd_q;
  logic             head_free;

  assign land      = land_d2_q || bypass;
  assign land_data = land_d2_q ? ram_rdata : data_i;
  assign head_free = pop_i || !occ_q[0];
  assign data_o    = head_q;
  assign valid_o   = occ_q[0];
  assign count_o   = write_q - pop_q;

  always_comb begin
    unique case ({land, pop_i})
      2'b10:   occ_d = {occ_q[OutDepth-2:0], 1'b1};
      2'b01:   occ_d = {1'b0, occ_q[OutDepth-1:1]};
      default: occ_d = occ_q;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (head_free) head_q <= occ_q[1] ? skid[skid_rd_q] : land_data;
    if (land_d2_q || may_bypass) skid[skid_wr_q] <= land_data;  // whenever something may land
  end

  // `full_o` says now what write_q - pop_q == DEPTH will say; the late inputs only choose.
  logic full_by_push, full_committed;

  assign full_by_push   = write_inc == {~pop_q[PtrW-1], pop_q[PtrW-2:0]};
  assign full_committed = commit_q == {~pop_q[PtrW-1], pop_q[PtrW-2:0]};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q   <= '0;
      commit_q  <= '0;
      fetch_q   <= '0;
      pop_q     <= '0;
      occ_q     <= '0;
      skid_wr_q <= '0;
      skid_rd_q <= '0;
      land_d1_q <= 1'b0;
      land_d2_q <= 1'b0;
      full_o    <= 1'b0;
    end else begin
      if (rollback_i) write_q <= commit_q;
      else if (push_i) write_q <= write_inc;
      if (commit_i && !rollback_i) commit_q <= push_i ? write_inc : write_q;
      if (fetch || bypass) fetch_q <= fetch_q + 1'b1;
      if (pop_i) pop_q <= pop_q + 1'b1;
      occ_q <= occ_d;
      if (land && !(head_free && !occ_q[1])) skid_wr_q <= skid_wr_q + 1'b1;
      if (pop_i && occ_q[1]) skid_rd_q <= skid_rd_q + 1'b1;
      land_d1_q <= fetch;
      land_d2_q <= land_d1_q;
      full_o    <= !pop_i && (rollback_i ? full_committed : full_o || (push_i && full_by_push));
    end
  end

  `HP_ASSERT_INIT(Shape_A, WIDTH > 0 && DEPTH >= 8 && (DEPTH & (DEPTH - 1)) == 0)
  `HP_ASSERT(NoOverflow_A, !(push_i && full_o))
  `HP_ASSERT(NoUnderflow_A, !(pop_i && !valid_o))
  `HP_ASSERT(Conserved_A, (fetch_q - pop_q) ==
             ptr_t'($countones(occ_q)) + ptr_t'(land_d1_q) + ptr_t'(land_d2_q))
  `HP_ASSERT(FullCount_A, full_o == ((write_q - pop_q) == ptr_t'(DEPTH)))
endmodule
