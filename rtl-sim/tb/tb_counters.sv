// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_counters against a model: events on all seven sources in the same clocks, from sparse to
// every clock, over few addresses (hazards) or many. Reads under load must lie between the
// model's value at the request and at the answer; in silence they are exact, over the whole map.
// Under endless load a read must ask for a stall and then finish. A second reset clears
// everything.
//
// bench: -GN_VF=8
// bench: -GN_VF=64
// bench: -GN_VF=1

module tb_counters
  import hp_pkg::*;
#(
  parameter int unsigned N_VF = 8
);
  import tb_pkg::*;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  cnt_dec_t    dec = '0;
  cnt_out_t    out_host = '0, out_uplink = '0, out_core = '0;
  cnt_loss_t   loss_host = '0, loss_rep = '0, loss_other = '0;
  logic        rd_valid = 1'b0, rd_done, stall, ready;
  logic [15:0] rd_addr = '0;
  logic [63:0] rd_data;

  hp_counters #(.N_VF(N_VF)) u_dut (
    .clk_i(clk), .rst_ni(rst_n), .dec_i(dec), .out_host_i(out_host), .out_uplink_i(out_uplink),
    .out_core_i(out_core), .loss_host_i(loss_host), .loss_rep_i(loss_rep),
    .loss_other_i(loss_other),
    .cnt_rd_valid_i(rd_valid), .cnt_rd_addr_i(rd_addr), .cnt_rd_done_o(rd_done),
    .cnt_rd_data_o(rd_data), .stall_o(stall), .ready_o(ready)
  );

  longint unsigned model[65536];  // by address
  longint unsigned events, reads, stalls;
  int unsigned     density, spread, stall_age;
  bit              reading;
  int unsigned     read_addr;
  longint unsigned read_low;

  function automatic longint unsigned value(input int unsigned addr);
    return model[addr & 65535];
  endfunction

  task automatic add(input int unsigned addr, input int unsigned n);
    model[addr] = value(addr) + 64'(n);
    events++;
  endtask

  function automatic int unsigned drop_addr(input port_t p, input reason_t r);
    return 2 << 13 | 32'(p) << 6 | 32'(r);
  endfunction

  function automatic int unsigned vv_drop_addr(input logic [5:0] i, input reason_t r);
    return 3 << 13 | 32'(i) << 6 | 32'(r);
  endfunction

  function automatic port_t any_port(input bit local_only);
    int unsigned p;
    p = below((spread < N_VF + 2) ? spread : N_VF + 2);
    if (p < N_VF) return port_t'(p);
    return local_only ? port_t'(0) : port_t'(64 + p - N_VF);
  endfunction

  function automatic reason_t any_reason();
    return (spread < 8) ? reason_t'(44 + below(spread)) : reason_t'(below(64));
  endfunction

  function automatic cnt_out_t any_out(input port_t p);
    cnt_out_t o;
    o.valid = chance(density);
    o.port = p;
    o.len = len_t'(60 + below(9165));
    o.vvidx_valid = chance(80);
    o.vvidx = 6'(below(spread < 64 ? spread : 64));
    return o;
  endfunction

  function automatic cnt_loss_t any_loss(input port_t p, input reason_t r);
    cnt_loss_t l;
    l.valid = chance(density);
    l.port = p;
    l.vvidx_valid = chance(80);
    l.vvidx = 6'(below(spread < 64 ? spread : 64));
    l.reason = r;
    return l;
  endfunction

  task automatic count_out(input cnt_out_t o);
    if (o.valid) begin
      add({25'b0, o.port} * 4 + 2, 1);
      add({25'b0, o.port} * 4 + 3, 32'(o.len));
      if (o.vvidx_valid) begin
        add(1 << 13 | 32'(o.vvidx) * 4 + 2, 1);
        add(1 << 13 | 32'(o.vvidx) * 4 + 3, 32'(o.len));
      end
    end
  endtask

  task automatic count_loss(input cnt_loss_t l);
    if (l.valid) begin
      add(drop_addr(l.port, l.reason), 1);
      if (l.vvidx_valid) add(vv_drop_addr(l.vvidx, l.reason), 1);
    end
  endtask

  task automatic draw_events();
    dec.valid = chance(density);
    dec.count_in = chance(90);
    dec.src = any_port(1'b0);
    dec.len = len_t'(60 + below(9165));
    dec.frames = chance(95) ? 16'd1 : 16'(1 + below(65535));
    dec.vvidx_valid = chance(80);
    dec.vvidx = 6'(below(spread < 64 ? spread : 64));
    dec.drop = chance(50);
    dec.reason = any_reason();
    out_host = any_out(any_port(1'b1));
    out_uplink = any_out(PortUplink);
    out_core = any_out(PortCore);
    loss_host = any_loss(any_port(1'b1), hp_abi_pkg::RSN_RX_FULL);
    loss_rep = any_loss(any_port(1'b0), hp_abi_pkg::RSN_REPLICATION_FULL);
    if (chance(50)) loss_other = any_loss(PortUplink, hp_abi_pkg::RSN_UPLINK_FULL);
    else loss_other = any_loss(any_port(1'b0), hp_abi_pkg::RSN_LEARN_BUSY);
    if (dec.valid && dec.count_in) begin
      add({25'b0, dec.src} * 4, 32'(dec.frames));
      add({25'b0, dec.src} * 4 + 1, 32'(dec.len));
      if (dec.vvidx_valid) begin
        add(1 << 13 | 32'(dec.vvidx) * 4, 32'(dec.frames));
        add(1 << 13 | 32'(dec.vvidx) * 4 + 1, 32'(dec.len));
      end
    end
    if (dec.valid && dec.drop) begin
      add(drop_addr(dec.src, dec.reason), 32'(dec.frames));
      if (dec.vvidx_valid) add(vv_drop_addr(dec.vvidx, dec.reason), 32'(dec.frames));
    end
    count_out(out_host);
    count_out(out_uplink);
    count_out(out_core);
    count_loss(loss_host);
    count_loss(loss_rep);
    count_loss(loss_other);
  endtask

  task automatic silence();
    dec.valid = 1'b0;
    out_host.valid = 1'b0;
    out_uplink.valid = 1'b0;
    out_core.valid = 1'b0;
    loss_host.valid = 1'b0;
    loss_rep.valid = 1'b0;
    loss_other.valid = 1'b0;
  endtask

  // One clock. A stall stops the events 40 clocks later, as frames under way still arrive.
  task automatic step(input bit load);
    stall_age = stall ? stall_age + 1 : 0;
    if (stall_age == 1) stalls++;
    if (load && stall_age < 40) draw_events();
    else silence();
    @(negedge clk);
    rd_valid = 1'b0;
    if (rd_done) begin
      if (!reading) $fatal(1, "an answer without a request");
      if (rd_data < read_low || rd_data > value(read_addr))
        $fatal(1, "address %h: read %0d, model %0d to %0d", read_addr, rd_data, read_low,
               value(read_addr));
      reading = 1'b0;
      reads++;
    end
  endtask

  task automatic start_read(input int unsigned addr);
    reading = 1'b1;
    read_addr = addr;
    read_low = value(addr);
    rd_valid = 1'b1;
    rd_addr = 16'(addr);
  endtask

  task automatic read_exact(input int unsigned addr);
    int unsigned n;
    start_read(addr);
    n = 0;
    while (reading) begin
      step(1'b0);
      if (++n > 200) $fatal(1, "address %h: no answer in silence", addr);
    end
  endtask

  // Everything an address can hit, and addresses that hit nothing.
  task automatic read_all();
    for (int unsigned a = 0; a < 65536; a++) begin
      int unsigned b;
      b = a >> 13;
      if (b < 2 ? (a & 8191) < 280 : b < 4) begin
        if (model[a] != 0 || chance(10)) read_exact(a);
      end else if (chance(1)) read_exact(a);
    end
  endtask

  task automatic reset();
    rst_n = 1'b0;
    silence();
    reading = 1'b0;
    foreach (model[a]) model[a] = 0;
    repeat (3) @(negedge clk);
    if (!stall || ready) $fatal(1, "events welcome in reset");
    rst_n = 1'b1;
    while (!ready) begin
      if (!stall) $fatal(1, "no stall while the banks are cleared");
      @(negedge clk);
    end
    @(negedge clk);
  endtask

  initial begin
    void'(seed_from_args("tb_counters"));
    reset();
    for (int unsigned round = 0; round < 24; round++) begin
      case (round % 4)
        0: density = 100;
        1: density = 95;
        2: density = 50;
        default: density = 10;
      endcase
      case (round / 4 % 3)
        0: spread = 2;
        1: spread = 5;
        default: spread = 1000;
      endcase
      repeat (2500) begin
        if (!reading && chance(5)) begin
          case (below(4))
            0: start_read(32'(any_port(1'b0)) * 4 + below(4));
            1: start_read(1 << 13 | below(spread < 64 ? spread : 64) * 4 + below(4));
            2: start_read(drop_addr(any_port(1'b0), any_reason()));
            default: start_read(vv_drop_addr(6'(below(spread < 64 ? spread : 64)), any_reason()));
          endcase
        end
        step(1'b1);
      end
      while (reading) step(1'b0);
      repeat (4) step(1'b0);
      if (round % 8 == 7) read_all();
    end
    read_all();
    if (stalls == 0) $fatal(1, "full load never made a read ask for a stall");
    // Reset clears what the RAM still holds.
    begin
      int unsigned touched[$];
      foreach (model[a]) if (model[a] != 0) touched.push_back(a);
      reset();
      foreach (touched[i]) read_exact(touched[i]);
      repeat (200) begin
        density = 60;
        spread = 5;
        step(1'b1);
      end
      repeat (6) step(1'b0);
      foreach (touched[i]) read_exact(touched[i]);
    end
    $display("PASS %0d events, %0d reads, %0d stalls", events, reads, stalls);
    $finish;
  end
endmodule
