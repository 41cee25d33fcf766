// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_learn against a model: events in a row or far apart from few or many addresses, all three answers,
// answers to a wrong slot or while an install is busy, installs that end in every status, slots that refuse
// until their time is over or until they are needed. Every event must be counted as the model says; the
// order of those that wait and what they show must agree in every clock. The model is by slots, as the unit
// is: an event takes the lowest free one, else the lowest that refuses, and the time of one slot is looked at
// in each clock.

module tb_learn
  import hp_pkg::*;
  import hp_abi_pkg::*;
;
  import tb_pkg::*;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic [31:0]  now = 32'hFFFF_0000;   // the time wraps on the way
  learn_event_t ev = '0, shown;
  logic         valid, act = 1'b0, busy, req_valid, req_ready = 1'b0, done = 1'b0;
  logic         c_event, c_known, c_full, bump = 1'b0;
  logic [3:0]   slot, act_slot = '0, status, done_status = '0;
  logic [4:0]   waiting;
  logic [1:0]   verdict = '0;
  learn_req_t   req;

  hp_learn #(.N_VF(3), .SHARE(6)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .time_i(now), .bump_i(bump), .ev_i(ev), .valid_o(valid), .slot_o(slot), .event_o(shown),
    .waiting_o(waiting), .act_i(act), .act_slot_i(act_slot), .act_verdict_i(verdict), .busy_o(busy),
    .status_o(status), .req_valid_o(req_valid), .req_ready_i(req_ready), .req_o(req), .done_i(done),
    .done_status_i(done_status), .count_event_o(c_event), .count_suppressed_o(c_known),
    .count_no_slot_o(c_full)
  );

  typedef enum {Free, Waits, Installs, Refuses} state_e;
  state_e       slot_is[16];
  learn_event_t entry[16];
  logic [31:0]  since[16];
  int           order[$];
  int           scan, scan1, scan2, installing = -1, pick = -1, left = -1;
  logic [31:0]  since1;
  bit           refuse1, old2, over;
  int           waits[128];
  int unsigned  bumps, taken[16], lates;
  bit           late;
  bit           asked;
  learn_event_t stage[3];  // an event takes three clocks
  bit           meets[3];  // it is known
  int unsigned  events, known, full, shared, taken_over, installs, refusals, forgets, expired, statuses[16];

  function automatic bit alike(input learn_event_t a, input learn_event_t b);
    return a.vvlan == b.vvlan && a.sa == b.sa && a.vport == b.vport;
  endfunction

  task automatic look();
    if (valid != (order.size() != 0) || 32'(waiting) != order.size())
      $fatal(1, "%0d wait, model %0d", waiting, order.size());
    if (valid && (32'(slot) != order[0] || shown != entry[order[0]])) $fatal(1, "oldest is slot %0d, model %0d", slot, order[0]);
    if (busy != (installing >= 0)) $fatal(1, "busy %0d", busy);
    if (req_valid != (installing >= 0 && !asked)) $fatal(1, "request %0d", req_valid);
    if (req_valid) begin
      learn_event_t e = entry[installing];
      if (req != {e.vvlan, e.sa, e.vport, e.inst, e.seen, late}) $fatal(1, "request of slot %0d", installing);
    end
  endtask

  // What this clock does to the slots; the unit looks at all of it as it was when the clock began.
  task automatic step();
    state_e was[16] = slot_is;
    int     free = -1, refuses = -1;
    bit     room = pick >= 0;
    if (old2 && was[scan2] == Refuses) begin
      slot_is[scan2] = Free;
      expired++;
    end
    old2  = refuse1 && (now - since1) >= 32'h1_0000;
    scan2 = scan1;
    since1  = since[scan];
    refuse1 = was[scan] == Refuses;
    scan1   = scan;
    scan = (scan + 1) % 16;
    if (act && valid && act_slot == slot && installing < 0 && verdict != 2'd0) begin
      int at = order.pop_front();
      left = int'(entry[at].vport);
      case (verdict)
        LEARN_INSTALL: begin
          slot_is[at] = Installs;
          start_install = at;
          late = bumps / 64 - taken[at] >= 2;
          lates += 32'(late);
          installs++;
        end
        LEARN_REFUSE: begin
          slot_is[at] = Refuses;
          since[at] = now;
          refusals++;
        end
        default: begin
          slot_is[at] = Free;
          forgets++;
        end
      endcase
    end
    if (req_valid && req_ready) asked = 1'b1;
    if (done) begin
      slot_is[installing] = (done_status inside {ST_FULL, ST_QUOTA, ST_REFUSED}) ? Refuses : Free;
      since[installing] = now;
      installing = -1;
      asked      = 1'b0;
    end
    // The event meets the slots in its first clock, and later what those ahead of it take.
    meets[0] = 1'b0;
    foreach (was[i]) if (was[i] != Free && alike(entry[i], stage[0])) meets[0] = 1'b1;
    if (c_known != (stage[2].valid && meets[2])) $fatal(1, "suppressed %0d", c_known);
    if (c_event != (stage[2].valid && !meets[2] && room && !over)) $fatal(1, "event %0d", c_event);
    if (c_full != (stage[2].valid && !meets[2] && !(room && !over))) $fatal(1, "no slot %0d", c_full);
    known += 32'(c_known);
    full  += 32'(c_full && !room);
    shared += 32'(c_full && room);
    if (c_event) begin
      events++;
      taken_over += 32'(was[pick] == Refuses);
      slot_is[pick] = Waits;
      entry[pick] = stage[2];
      taken[pick] = bumps / 64;
      order.push_back(pick);
      for (int n = 0; n < 2; n++) if (alike(stage[2], stage[n])) meets[n] = 1'b1;
    end
    // The share is looked at in the second clock, with what is taken in it.
    if (c_event) waits[stage[2].vport]++;
    over = waits[stage[1].vport] >= 6;
    if (left >= 0) waits[left]--;
    left = -1;
    for (int i = 15; i >= 0; i--) begin
      if (c_event && i == pick) continue;
      if (was[i] == Free) free = i;
      if (was[i] == Refuses) refuses = i;
    end
    pick = (free >= 0) ? free : refuses;
    if (start_install >= 0) installing = start_install;
    start_install = -1;
    bumps += 32'(bump);
    stage[2] = stage[1];
    meets[2] = meets[1];
    stage[1] = stage[0];
    meets[1] = meets[0];
    stage[0] = ev;
  endtask

  int          start_install = -1;
  int unsigned pool, ev_rate, act_rate, bump_rate, wait_done;
  bit          in_table;
  task automatic drive();
    ev = '0;
    if (chance(ev_rate)) begin
      ev.valid      = 1'b1;
      ev.vvlan      = 12'(below(2));
      ev.sa         = 48'(below(pool)) * 48'h0101_0000_0101;
      ev.vport      = port_t'(below(3));
      ev.from_valid = chance(50);
      ev.from       = port_t'(below(64));
      ev.inst       = 6'(rnd());
      ev.seen       = mac_seen_t'(rnd());
    end
    bump      = chance(bump_rate);
    act       = chance(act_rate);
    act_slot  = chance(90) ? slot : 4'(rnd());
    verdict   = 2'(below(4));
    req_ready = chance(30) && !in_table;
    done      = 1'b0;
    if (in_table) begin
      wait_done--;
      if (wait_done == 0) begin
        done        = 1'b1;
        in_table    = 1'b0;
        done_status = 4'(below(10));
        statuses[done_status]++;
      end
    end else if (req_valid && req_ready) begin
      in_table  = 1'b1;
      wait_done = 1 + below(40);
    end
  endtask

  initial begin
    void'(seed_from_args("tb_learn"));
    foreach (stage[i]) stage[i] = '0;
    foreach (slot_is[i]) begin
      slot_is[i] = Free;
      entry[i] = '0;
    end
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    for (int unsigned round = 0; round < 60; round++) begin
      pool     = (round % 3 == 0) ? 3 : (round % 3 == 1) ? 12 : 100;
      ev_rate  = (round % 4 == 0) ? 100 : (round % 4 == 1) ? 30 : 3;
      act_rate = (round % 5 == 0) ? 0 : (round % 5 == 1) ? 2 : 40;
      bump_rate = (round % 2 == 0) ? 1 : 50;
      repeat (4000) begin
        drive();
        #1;
        look();
        step();
        @(negedge clk);
        now = now + 1 + (chance(1) ? 32'(below(3000)) : 32'd0);
      end
    end
    if (full == 0 || shared == 0 || lates == 0 || lates == installs || taken_over == 0 || known == 0 || installs == 0 || refusals == 0 || forgets == 0 ||
        expired == 0 || statuses[ST_OK] == 0 || statuses[ST_STALE] == 0 || statuses[ST_QUOTA] == 0)
      $fatal(1, "a case was never reached");
    $display("PASS %0d events, %0d suppressed, %0d without a slot, %0d taken over, %0d expired", events, known,
             full, taken_over, expired);
    $finish;
  end
endmodule
