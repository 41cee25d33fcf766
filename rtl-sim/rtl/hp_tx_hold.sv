// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Keeps frames of some vPorts back, for the firmware: a vPort whose bit is set asks for no grant. What is granted
// comes in as ever, and so does what was offered and not taken yet.
//
// `settled_o` falls with `set_i` (the mask is a new one) and rises when every host frame granted until the
// new mask held has been decided: frames are decided in the order of their grants, so it is enough to count.

`include "hp_assert.svh"

module hp_tx_hold
  import hp_pkg::*;
#(
  parameter int unsigned N_VF = 8
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            set_i,       // pulse, with the new mask
  input  logic [N_VF-1:0] hold_i,
  output logic            settled_o,

  input  logic [N_VF-1:0] host_req_i,
  output logic [N_VF-1:0] host_req_o,
  input  logic            offered_i,   // a grant is offered ...
  input  logic            taken_i,     // ... and taken
  input  cnt_dec_t        dec_i        // a frame is decided
);
  localparam int unsigned CountW = 24;
  typedef logic [CountW-1:0] count_t;

  logic [N_VF-1:0] hold_q;
  logic            set_q, decided_q;
  logic [15:0]     frames_q;
  count_t          open_q, open_d, left_q, left_d, gone;

  assign host_req_o = host_req_i & ~hold_q;

  // `open`: granted and not decided. `left`: those of them that the last mask waits for.
  assign gone   = decided_q ? count_t'(frames_q) : '0;
  assign open_d = open_q + count_t'(taken_i) - gone;
  always_comb begin
    if (set_q) left_d = open_d + count_t'(offered_i && !taken_i);
    else left_d = (left_q > gone) ? left_q - gone : '0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      hold_q    <= '0;
      set_q     <= 1'b0;
      decided_q <= 1'b0;
      open_q    <= '0;
      left_q    <= '0;
      settled_o <= 1'b0;
    end else begin
      hold_q    <= hold_i;
      set_q     <= set_i;
      decided_q <= dec_i.valid && dec_i.count_in && !dec_i.src[PortW-1];
      open_q    <= open_d;
      left_q    <= left_d;
      settled_o <= !set_i && !set_q && left_q == '0;
    end
    frames_q <= dec_i.frames;
  end

  logic unused_dec;
  assign unused_dec = ^dec_i;

  `HP_ASSERT(Granted_A, gone <= open_q)
endmodule
