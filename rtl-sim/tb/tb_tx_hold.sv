// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_tx_hold with hp_host_sched, a source of frames and a NIC that decides them in their order after any time, one
// by one or, as tombstones, several at once; frames of the uplink and of the core are decided in between. From the
// clock after a new mask no vPort of it is offered a grant, but for one that was offered before. `settled` is never true
// before all that was granted until then has been decided, and always soon after. The others get on.
//
// bench: -GN_VF=8
// bench: -GN_VF=3

module tb_tx_hold #(
  parameter int unsigned N_VF = 8
);
  import tb_pkg::*;
  import hp_pkg::*;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic            set = 1'b0, settled, grant_valid, grant_ready = 1'b0;
  logic [N_VF-1:0] hold = '0, req = '0, req_out;
  port_t           grant_vport;
  cnt_dec_t        dec = '0;

  hp_tx_hold #(.N_VF(N_VF)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .set_i(set), .hold_i(hold), .settled_o(settled),
    .host_req_i(req), .host_req_o(req_out), .offered_i(grant_valid), .taken_i(grant_valid && grant_ready), .dec_i(dec)
  );
  hp_host_sched #(.DATA_W(512), .N_VF(N_VF)) u_sched (
    .clk_i(clk), .rst_ni(rst_n), .host_req_i(req_out), .host_grant_valid_o(grant_valid),
    .host_grant_ready_i(grant_ready), .host_grant_vport_o(grant_vport), .beat_i(1'b0), .beat_vport_i('0)
  );

  int unsigned waiting [N_VF], granted, decided, target, sets, slow, kept_offers, others, ready_rate, decide_rate;
  bit          pending, was_offered;
  port_t       was_vport;
  int          since_set, since_done;
  logic [N_VF-1:0] in_force;

  task automatic step();
    bit offered;
    set = 1'b0;
    if (since_set > 3 && chance(3)) begin
      hold = chance(20) ? '0 : N_VF'(rnd());
      set  = 1'b1;
    end
    for (int unsigned v = 0; v < N_VF; v++) begin
      if (chance(20)) waiting[v]++;
      req[v] = waiting[v] != 0;
    end
    grant_ready = chance(ready_rate);
    dec = '0;
    if (chance(decide_rate)) begin
      dec.valid    = 1'b1;
      dec.frames   = 16'd1;
      dec.count_in = chance(80);
      dec.src      = chance(20) ? PortUplink : port_t'(below(N_VF));
      if (dec.count_in && dec.src != PortUplink) begin
        if (granted == decided) dec.valid = 1'b0;
        else begin
          dec.frames = 16'(1 + (chance(20) ? below(granted - decided) : 0));
          decided += 32'(dec.frames);
        end
      end
    end
    #4;
    offered = grant_valid;
    if (offered && in_force[grant_vport[$clog2(N_VF)-1:0]]) begin
      if (!(was_offered && was_vport == grant_vport)) $fatal(1, "vPort %0d is kept back and gets a grant", grant_vport);
      kept_offers++;
    end
    if (offered && grant_ready) begin
      granted++;
      waiting[grant_vport[$clog2(N_VF)-1:0]]--;
      others += 32'(in_force != '0);
    end
    // What counts is what was granted when the mask held for a clock, and what was offered in it.
    if (since_set == 0) target = granted + 32'(offered && !grant_ready);
    if (pending && settled) begin
      if (decided < target || since_set == 0) $fatal(1, "settled with %0d of %0d decided", decided, target);
      pending = 1'b0;
    end
    since_done = (decided >= target) ? since_done + 1 : 0;
    if (pending && since_done > 8) $fatal(1, "not settled with %0d of %0d decided", decided, target);
    if (!pending && !settled) $fatal(1, "no longer settled");
    was_offered = offered && !grant_ready;
    was_vport   = grant_vport;
    since_set++;
    @(negedge clk);
    in_force = hold;
    if (set) begin
      sets++;
      slow += 32'(pending);
      pending    = 1'b1;
      since_set  = 0;
      since_done = 0;
    end
  endtask

  initial begin
    void'(seed_from_args("tb_tx_hold"));
    for (int unsigned v = 0; v < N_VF; v++) waiting[v] = 0;
    since_set = 10;
    pending   = 1'b1;
    target    = 0;
    in_force  = '0;
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);
    for (int unsigned round = 0; round < 200; round++) begin
      ready_rate  = (round % 3 == 0) ? 100 : (round % 3 == 1) ? 30 : 5;
      decide_rate = (round % 4 == 0) ? 100 : (round % 4 == 1) ? 40 : (round % 4 == 2) ? 10 : 60;
      repeat (1000) step();
    end
    if (sets < 1000 || slow == 0 || kept_offers == 0 || others == 0 || decided < 1000)
      $fatal(1, "a case was never reached: %0d %0d %0d %0d %0d", sets, slow, kept_offers, others, decided);
    $display("PASS %0d masks, %0d replaced before they settled, %0d old offers, %0d grants to others", sets, slow,
             kept_offers, others);
    $finish;
  end
endmodule
