// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Flows whose key was handed over a short time ago: it is not again for 2^16 ticks (up to 2^14 more).
//
// A direct-mapped memory of 256 flows: index and tag are folded from the flow table's hash of the masked key,
// which nobody outside knows. That is the key as the frame brought it, from the uplink: flows that differ in the
// sender's vPort only count as one. A flow takes the place of another, which is then handed over once more. Once a
// frame is handed over, no other is for eight clocks: until then a look-up may not see what was written about it.
//
// The hash comes at stage 10; the memory is read at 18, compared at 20 and 21. The time is kept in few bits, so
// places that are too old are emptied in turn, in clocks that no frame needs. After reset all are, before any
// frame is handed over.

`include "hp_assert.svh"

module hp_flow_news #(
  localparam int unsigned UnitBits = 14,   // a unit of the time that is kept
  localparam int unsigned Units    = 4
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [31:0] time_i,

  input  logic [59:0] mix_i,       // stage 10
  input  logic        look_i,      // stage 18: the frame may turn out to teach
  input  logic        teaches_i,   // stage 22: it does
  input  logic        room_i,      // stage 22: there is a place for its key
  output logic        told_o       // stage 22: the key is handed over
);
  localparam int unsigned IdxW  = 8;
  localparam int unsigned TagW  = 23;
  localparam int unsigned TimeW = 12;
  localparam int unsigned HashW = IdxW + TagW;
  localparam int unsigned Chunk = 8;         // bits of a tag compared in the first of two clocks
  localparam int unsigned Chunks = (TagW + Chunk - 1) / Chunk;

  typedef logic [IdxW-1:0]  idx_t;
  typedef logic [TagW-1:0]  tag_t;
  typedef logic [TimeW-1:0] units_t;
  typedef struct packed {
    logic   valid;
    units_t at;
    tag_t   tag;
  } place_t;

  // All bits of the hash count: keys that differ a little may agree in half of them.
  logic [HashW-1:0] hash_11_q, hash_18, hash_20, hash_22;
  always_ff @(posedge clk_i) hash_11_q <= mix_i[HashW-1:0] ^ HashW'(mix_i[59:HashW]);
  hp_delay #(.WIDTH(HashW), .CYCLES(7)) u_18 (.clk_i, .rst_ni, .d_i(hash_11_q), .q_o(hash_18));
  hp_delay #(.WIDTH(HashW), .CYCLES(2)) u_20 (.clk_i, .rst_ni, .d_i(hash_18), .q_o(hash_20));
  hp_delay #(.WIDTH(HashW), .CYCLES(2)) u_22 (.clk_i, .rst_ni, .d_i(hash_20), .q_o(hash_22));

  // Emptying: a place is read, and two clocks after it was compared, written if it is too old and no frame
  // is read or written in that clock. A place that a frame may have taken meanwhile is looked at again.
  typedef enum logic [2:0] {StRead, StRam, StOut, StAge, StJudge, StEmpty} state_e;
  state_e state_q;
  logic   init_q, step;
  idx_t   scan_q;

  // Frames.
  logic              rest_q, known_q, recent_q, valid_21_q, put_q;
  logic [2:0]        wait_q;
  logic [Chunks-1:0] eq_21_q;
  units_t            now, age_21_q;
  idx_t              put_idx_q;
  place_t            put_place_q, place_20;
  logic              empty;

  assign now   = time_i[UnitBits +: TimeW];
  assign empty = init_q || (state_q == StEmpty && !look_i && !put_q && !rest_q);
  assign step  = empty || (state_q == StJudge && recent_q);

  hp_ram_1r1w #(.WIDTH($bits(place_t)), .DEPTH(2 ** IdxW)) u_ram (
    .clk_i,
    .we_i   (put_q || empty),
    .waddr_i(put_q ? put_idx_q : scan_q),
    .wdata_i(put_q ? put_place_q : '0),
    .re_i   (look_i || state_q == StRead),
    .raddr_i(look_i ? hash_18[IdxW-1:0] : scan_q),
    .rdata_o(place_20)
  );

  assign told_o = teaches_i && room_i && !known_q && !rest_q;

  always_ff @(posedge clk_i) begin
    for (int unsigned n = 0; n < Chunks; n++) begin
      eq_21_q[n] <= Chunk'((place_20.tag ^ hash_20[HashW-1:IdxW]) >> (n * Chunk)) == '0;
    end
    valid_21_q  <= place_20.valid;
    age_21_q    <= now - place_20.at;
    recent_q    <= !valid_21_q || age_21_q <= units_t'(Units);
    known_q     <= valid_21_q && (&eq_21_q) && age_21_q <= units_t'(Units);
    put_idx_q   <= hash_22[IdxW-1:0];
    put_place_q <= '{valid: 1'b1, at: now, tag: hash_22[HashW-1:IdxW]};
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      put_q  <= 1'b0;
      rest_q <= 1'b1;
      wait_q <= '0;
    end else begin
      put_q  <= told_o;
      rest_q <= told_o || wait_q != '0 || init_q;
      wait_q <= told_o ? '1 : (wait_q != '0) ? wait_q - 3'd1 : '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      init_q  <= 1'b1;
      scan_q  <= '0;
      state_q <= StRead;
    end else begin
      if (scan_q == '1) init_q <= 1'b0;
      scan_q <= scan_q + idx_t'(step);
      unique case (state_q)
        StRead:  if (!look_i && !init_q) state_q <= StRam;
        StRam:   state_q <= StOut;
        StOut:   state_q <= StAge;
        StAge:   state_q <= StJudge;
        StJudge: state_q <= (recent_q || rest_q) ? StRead : StEmpty;
        default: if (empty || rest_q) state_q <= StRead;
      endcase
    end
  end

  logic unused_bits;
  assign unused_bits = ^time_i;

  `HP_ASSERT(OneWrite_A, !(put_q && empty))
  `HP_ASSERT_INIT(Hash_A, HashW <= 60 && 60 <= 2 * HashW && Units < 2 ** TimeW)
endmodule
