// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// hp_flow_key: random keys and masks, every field against the contract ("Flow keys"): a field stays whole or
// is zero, mirroring comes first, and mirroring the mirrored key gives the key back.

module tb_flow_key
  import hp_pkg::*;
;
  import tb_pkg::*;

  flow_key_t           key, key2;
  logic [KeyMaskW-1:0] mask;
  logic                mirror;
  port_t               port;
  logic [FlowKeyW-1:0] out, back;

  hp_flow_key u_dut (.key_i(key), .mask_i(mask), .mirror_i(mirror), .port_i(port), .key_o(out));
  assign key2 = flow_key_t'({1'b0, out});
  hp_flow_key u_back (.key_i(key2), .mask_i('1), .mirror_i(1'b1), .port_i(key.src), .key_o(back));

  int unsigned icmp, echoes, plain;

  function automatic logic [15:0] answer(input logic [7:0] proto, input logic [15:0] sport,
                                         input logic [15:0] dport);
    case ({proto, sport})
      {8'd1, 16'd8}:    return 16'd0;
      {8'd1, 16'd0}:    return 16'd8;
      {8'd58, 16'd128}: return 16'd129;
      {8'd58, 16'd129}: return 16'd128;
      default:          return (proto == 8'd1 || proto == 8'd58) ? sport : dport;
    endcase
  endfunction

  task automatic expect_field(input logic [127:0] got, input logic [127:0] want, input bit kept,
                              input string what);
    if (got != (kept ? want : '0)) $fatal(1, "%s is %h, want %h, kept %0d", what, got, want, kept);
  endtask

  task automatic check();
    bit m, types;
    m = mirror;
    types = key.proto == 8'd1 || key.proto == 8'd58;
    expect_field(128'(key2.src), m ? 128'(port) : 128'(key.src), mask[0], "source port");
    expect_field(128'(key2.vvlan), 128'(key.vvlan), 1'b1, "V.VLAN");
    expect_field(128'(key2.da), m ? 128'(key.sa) : 128'(key.da), mask[1], "DA");
    expect_field(128'(key2.sa), m ? 128'(key.da) : 128'(key.sa), mask[2], "SA");
    expect_field(128'(key2.ethertype), 128'(key.ethertype), mask[3], "EtherType");
    expect_field(128'(key2.is_v6), 128'(key.is_v6), |mask[5:3], "is_v6");
    expect_field(key2.ip_src, m ? key.ip_dst : key.ip_src, mask[4], "IP source");
    expect_field(key2.ip_dst, m ? key.ip_src : key.ip_dst, mask[5], "IP destination");
    expect_field(128'(key2.proto), 128'(key.proto), mask[6], "protocol");
    expect_field(128'(key2.sport), m ? 128'(answer(key.proto, key.sport, key.dport)) : 128'(key.sport),
                 mask[7], "L4 source");
    expect_field(128'(key2.dport), (m && !types) ? 128'(key.sport) : 128'(key.dport), mask[8],
                 "L4 destination");
    if (m && (&mask) && back != key[FlowKeyW-1:0]) $fatal(1, "%h mirrored twice is %h", key, back);
    icmp   += 32'(types);
    plain  += 32'(!types);
    echoes += 32'(types && key2.sport != key.sport);
  endtask

  initial begin
    void'(seed_from_args("tb_flow_key"));
    for (int unsigned n = 0; n < 40000; n++) begin
      for (int unsigned i = 0; i < $bits(key); i += 32) key = {key[$bits(key)-33:0], rnd()};
      case (below(4))
        0: key.proto = 8'd1;
        1: key.proto = 8'd58;
        2: key.proto = 8'd6;
        default: ;
      endcase
      if (chance(60)) key.sport = chance(50) ? 16'(8 * below(2)) : 16'(128 + below(2));
      mask   = chance(30) ? '1 : KeyMaskW'(rnd());
      mirror = chance(50);
      port   = chance(20) ? PortUplink : port_t'(below(64));
      #1;
      check();
    end
    if (icmp == 0 || echoes == 0 || plain == 0) $fatal(1, "a case was never reached");
    $display("PASS %0d ICMP, %0d echoes, %0d others", icmp, echoes, plain);
    $finish;
  end
endmodule
