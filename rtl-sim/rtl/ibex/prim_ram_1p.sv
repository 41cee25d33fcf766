// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Stands for Ibex's primitive: the RAM of the instruction cache, which Hairpin does not build.

module prim_ram_1p #(
  parameter int Width           = 32,
  parameter int Depth           = 128,
  parameter int DataBitsPerMask = 1,
  parameter     MemInitFile     = "",
  localparam int Aw             = $clog2(Depth)
) (
  input  logic                         clk_i,
  input  logic                         req_i,
  input  logic                         write_i,
  input  logic [Aw-1:0]                addr_i,
  input  logic [Width-1:0]             wdata_i,
  input  logic [Width-1:0]             wmask_i,
  output logic [Width-1:0]             rdata_o,
  input  prim_ram_1p_pkg::ram_1p_cfg_t cfg_i
);
  logic [Width-1:0] mem [Depth];

  always_ff @(posedge clk_i) begin
    if (req_i && write_i) mem[addr_i] <= (wdata_i & wmask_i) | (mem[addr_i] & ~wmask_i);
    if (req_i && !write_i) rdata_o <= mem[addr_i];
  end
endmodule
