// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_flow_news against a model: frames of few or many flows, in a row or far apart, some of which teach. One that is
// told of was not within the last 2^16 ticks, nor was any other within eight clocks; one that is not was, or
// another was. Flows share places only by chance, which the model knows: it makes the hashes. Time goes by in
// clocks, and now and then in leaps, long enough for a place to be emptied before its time comes round.

module tb_flow_news;
  import tb_pkg::*;

  localparam int unsigned Flows = 600;
  localparam int unsigned Depth = 12;            // clocks from hash to answer
  localparam longint      Least = 1 << 16, Most = (1 << 16) + (1 << 14);
  localparam int unsigned Rest  = 8;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  longint      now = 64'h7FFF_0000;              // the unit's 32 bits wrap on the way
  logic [59:0] mix = '0;
  logic        look = 1'b0, teaches = 1'b0, room = 1'b1, told;

  hp_flow_news u_dut (
    .clk_i(clk), .rst_ni(rst_n), .time_i(now[31:0]), .mix_i(mix), .look_i(look), .teaches_i(teaches), .room_i(room), .told_o(told)
  );

  typedef struct packed {
    int   flow;                                  // none: negative
    logic look;
    logic teaches;
  } frame_t;
  frame_t      line [Depth+1];
  logic [59:0] mix_of [Flows];
  int          place_of [Flows];
  longint      told_at [Flows];                  // negative: never, or another took its place
  longint      clock, last_told;
  int          owner [256];
  int unsigned tolds, agains, rests, evicted, late, crowds, rooms, rate, pool, looks, hurry, first_told;

  function automatic int unsigned place(input logic [59:0] m);
    return int'(8'(m[30:0] ^ {2'd0, m[59:31]}));
  endfunction

  task automatic step();
    frame_t f;
    longint since;
    f.flow    = chance(rate) ? int'(below(pool)) : -1;
    f.look    = f.flow >= 0 && chance(looks);
    f.teaches = f.look && chance(70);
    line[0]   = f;
    mix       = (f.flow < 0) ? {28'(rnd()), rnd()} : mix_of[f.flow];
    look      = line[8].look;
    teaches   = line[12].teaches;
    room      = chance(rooms);
    #4;
    f = line[12];
    if (told && !(teaches && room)) $fatal(1, "told of a frame that does not teach, or without room");
    if (teaches) begin
      since = (told_at[f.flow] < 0) ? Most + 1 : now - told_at[f.flow];
      if (told) begin
        if (since < Least) $fatal(1, "flow %0d is told of again after %0d ticks", f.flow, since);
        if (clock - last_told <= longint'(Rest)) $fatal(1, "told again after %0d clocks", clock - last_told);
        if (tolds == 0) first_told = 32'(clock);
        tolds++;
        late += 32'(told_at[f.flow] >= 0);
        if (owner[place_of[f.flow]] >= 0 && owner[place_of[f.flow]] != f.flow) begin
          evicted += 32'(now - told_at[owner[place_of[f.flow]]] < Least);
          told_at[owner[place_of[f.flow]]] = -1;
        end
        owner[place_of[f.flow]] = f.flow;
        told_at[f.flow] = now;
        last_told       = clock;
      end else if (since <= Most) begin
        agains++;
      end else if (!room) begin
        crowds++;
      end else begin
        // The places are emptied after reset first.
        if (clock - last_told > longint'(Rest) && clock > 260) $fatal(1, "flow %0d is not told of after %0d ticks", f.flow, since);
        rests++;
      end
    end
    for (int n = Depth; n > 0; n--) line[n] = line[n-1];
    @(negedge clk);
    clock++;
    now++;
  endtask

  task automatic drain();
    rate = 0;
    repeat (Depth + 2) step();
  endtask

  initial begin
    void'(seed_from_args("tb_flow_news"));
    foreach (owner[i]) owner[i] = -1;
    foreach (mix_of[i]) begin
      // Some differ from another in one bit only.
      mix_of[i]   = (i % 4 == 3) ? mix_of[i-1] ^ (60'd1 << below(60)) : {28'(rnd()), rnd()};
      place_of[i] = int'(place(mix_of[i]));
      told_at[i]  = -1;
    end
    for (int n = 0; n <= Depth; n++) line[n] = {-32'd1, 2'b00};
    last_told = -1000;
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    for (int unsigned round = 0; round < 240; round++) begin
      rate  = (round % 3 == 0) ? 100 : (round % 3 == 1) ? 40 : 2;
      pool  = (round % 4 == 0) ? 2 : (round % 4 == 1) ? 40 : Flows;
      looks = (round % 5 == 0) ? 100 : 60;
      rooms = (round % 2 == 0) ? 100 : 50;
      hurry = below(4);
      repeat (3000) step();
      drain();
      // A leap: about as long as a flow rests, or so long that the time kept comes round.
      case (hurry)
        0: now = now + longint'(below(1 << 16));
        1: now = now + Least + longint'(below(1 << 14));
        2: begin
          now = now + (longint'(1) << 25);
          repeat (1800) step();
          now = now + (longint'(1) << 25);
        end
        default: ;
      endcase
    end
    if (first_told < 250 || tolds < 1000 || agains < 1000 || rests == 0 || evicted == 0 || late == 0 || crowds == 0)
      $fatal(1, "a case was never reached: first %0d, %0d %0d %0d %0d %0d", first_told, tolds, agains, rests, evicted, late);
    $display("PASS %0d told, %0d again, %0d too soon after another, %0d took a place, %0d told once more", tolds, agains,
             rests, evicted, late);
    $finish;
  end
endmodule
