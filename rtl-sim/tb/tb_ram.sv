// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// RAM wrappers against an array: latency, hold, collisions on a small RAM so that they are frequent.

module tb_ram;
  import tb_pkg::*;

  localparam int unsigned Width = 40;
  localparam int unsigned Depth = 13;
  localparam int unsigned Clocks = 20000;
  localparam logic [Width-1:0] Poison = Width'(48'hDEADDEADDEAD);

  typedef logic [Width-1:0] word_t;
  typedef logic [3:0] addr_t;

  logic clk = 1'b0;
  always #5 clk = ~clk;

  // One write port, one read port: without and with forwarding.
  logic  we = 1'b0, re = 1'b0;
  addr_t waddr = '0, raddr = '0;
  word_t wdata = '0, rdata_plain, rdata_fwd;

  hp_ram_1r1w #(.WIDTH(Width), .DEPTH(Depth)) u_plain (
    .clk_i(clk), .we_i(we), .waddr_i(waddr), .wdata_i(wdata),
    .re_i(re), .raddr_i(raddr), .rdata_o(rdata_plain)
  );
  hp_ram_1r1w #(.WIDTH(Width), .DEPTH(Depth), .FORWARD(1'b1)) u_fwd (
    .clk_i(clk), .we_i(we), .waddr_i(waddr), .wdata_i(wdata),
    .re_i(re), .raddr_i(raddr), .rdata_o(rdata_fwd)
  );

  // Two full ports.
  logic  a_en = 1'b0, a_we = 1'b0, b_en = 1'b0, b_we = 1'b0, coll_a, coll_b;
  addr_t a_addr = '0, b_addr = '0;
  word_t a_wdata = '0, b_wdata = '0, a_rdata, b_rdata;

  hp_ram_tdp #(.WIDTH(Width), .DEPTH(Depth)) u_tdp (
    .clk_i(clk),
    .a_en_i(a_en), .a_we_i(a_we), .a_addr_i(a_addr), .a_wdata_i(a_wdata), .a_rdata_o(a_rdata),
    .coll_a_o(coll_a),
    .b_en_i(b_en), .b_we_i(b_we), .b_addr_i(b_addr), .b_wdata_i(b_wdata), .b_rdata_o(b_rdata),
    .coll_b_o(coll_b)
  );

  // Models: index 0 is the stage behind the address, 1 the output.
  word_t mem [Depth], tmem [Depth];
  word_t plain_m [2], fwd_m [2], a_m [2], b_m [2];
  bit    coll_a_m [2], coll_b_m [2];
  bit    known [2], a_known [2], b_known [2];
  int    collisions, a_collisions, b_collisions, both_collisions;

  task automatic check(input string what, input word_t got, input word_t want);
    if (got !== want) $fatal(1, "%s: got %h, want %h", what, got, want);
  endtask

  initial begin
    void'(seed_from_args("tb_ram"));
    for (int i = 0; i < Depth; i++) begin
      mem[i] = '0;
      tmem[i] = '0;
    end
    for (int i = 0; i < 2; i++) begin
      known[i] = 1'b0;
      a_known[i] = 1'b0;
      b_known[i] = 1'b0;
      coll_a_m[i] = 1'b0;
      coll_b_m[i] = 1'b0;
    end
    for (int n = 0; n < Clocks; n++) begin
      @(negedge clk);
      if (known[1]) check("1r1w", rdata_plain, plain_m[1]);
      if (known[1]) check("1r1w forward", rdata_fwd, fwd_m[1]);
      if (a_known[1]) check("tdp a", a_rdata, a_m[1]);
      if (b_known[1]) check("tdp b", b_rdata, b_m[1]);
      if (n > 3 && (coll_a != coll_a_m[1] || coll_b != coll_b_m[1]))
        $fatal(1, "tdp collision: got %b%b, want %b%b", coll_a, coll_b, coll_a_m[1], coll_b_m[1]);

      we = chance(60);
      re = chance(70);
      waddr = addr_t'(below(Depth));
      raddr = chance(30) ? waddr : addr_t'(below(Depth));
      wdata = {8'(rnd()), rnd()};
      a_en = chance(80);
      b_en = chance(80);
      a_we = chance(40);
      b_we = chance(40);
      a_addr = addr_t'(below(Depth));
      b_addr = chance(40) ? a_addr : addr_t'(below(Depth));
      a_wdata = {8'(rnd()), rnd()};
      b_wdata = {8'(rnd()), rnd()};

      // What the next edge does.
      known[1] = known[0];
      plain_m[1] = plain_m[0];
      fwd_m[1] = fwd_m[0];
      if (re) begin
        known[0] = 1'b1;
        plain_m[0] = mem[raddr];
        fwd_m[0] = mem[raddr];
        if (we && waddr == raddr) begin
          plain_m[0] = Poison;
          fwd_m[0] = wdata;
          collisions++;
        end
      end
      if (we) mem[waddr] = wdata;

      a_known[1] = a_known[0];
      b_known[1] = b_known[0];
      a_m[1] = a_m[0];
      b_m[1] = b_m[0];
      coll_a_m[1] = coll_a_m[0];
      coll_b_m[1] = coll_b_m[0];
      coll_a_m[0] = a_en && b_en && b_we && a_addr == b_addr;
      coll_b_m[0] = a_en && b_en && a_we && a_addr == b_addr;
      if (a_en && !a_we) begin
        a_known[0] = 1'b1;
        a_m[0] = coll_a_m[0] ? Poison : tmem[a_addr];
      end
      if (b_en && !b_we) begin
        b_known[0] = 1'b1;
        b_m[0] = coll_b_m[0] ? Poison : tmem[b_addr];
      end
      if (a_en && a_we) tmem[a_addr] = a_wdata;
      if (b_en && b_we) tmem[b_addr] = b_wdata;
      if (coll_a_m[0] && coll_b_m[0]) tmem[a_addr] = Poison;
      a_collisions += 32'(coll_a_m[0]);
      b_collisions += 32'(coll_b_m[0]);
      both_collisions += 32'(coll_a_m[0] && coll_b_m[0]);
    end
    if (collisions < 100 || a_collisions < 100 || b_collisions < 100 || both_collisions < 100)
      $fatal(1, "too few collisions");
    $display("PASS collisions: 1r1w %0d, tdp a %0d, b %0d, both %0d", collisions, a_collisions,
             b_collisions, both_collisions);
    $finish;
  end
endmodule
