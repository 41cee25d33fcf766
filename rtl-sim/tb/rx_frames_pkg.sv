// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Random words and frames that like corners, and the published test vectors, for tb_rx_steer. A
// frame is made in `fr` and `len` of rx_model_pkg.

package rx_frames_pkg;
  import tb_pkg::*;
  import rx_model_pkg::*;

  // Words for filters, and fields of frames: from small pools, so that they meet.
  function automatic logic [127:0] some_v6();
    logic [127:0] a = 128'h20010db8_00000001_00000000_00000000;
    if (chance(20)) a[127 - below(64)] ^= 1;
    if (chance(40)) a[below(64)] ^= 1;
    a[1:0] = 2'(below(3));
    return a;
  endfunction
  function automatic logic [31:0] some_v4();
    logic [31:0] a = 32'h0A01_0200;
    if (chance(20)) a[31 - below(16)] ^= 1;
    if (chance(40)) a[below(16)] ^= 1;
    a[1:0] = 2'(below(3));
    return a;
  endfunction
  function automatic logic [15:0] some_port();
    return chance(10) ? 16'(rnd()) : 16'(80 + below(3));
  endfunction
  function automatic logic [7:0] some_proto();
    case (below(10))
      0, 1, 2: return 6;
      3, 4, 5: return 17;
      6: return 132;
      7, 8: return chance(50) ? 1 : 58;      // type and code where others have a source port
      default: return chance(50) ? 47 : 8'(rnd());
    endcase
  endfunction
  function automatic logic [15:0] some_type();
    case (below(6))
      0: return 16'h0806;
      1: return 16'h88F7;
      2: return 16'h0800;
      3: return 16'h86DD;
      4: return 16'h9100;
      default: return 16'(rnd());
    endcase
  endfunction
  function automatic logic [31:0] filter_word(input int unsigned k);
    logic [31:0]  w;
    logic [127:0] a;
    w = rnd();
    a = some_v6();
    case (k)
      0, 4: return chance(50) ? some_v4() : a[31:0];
      1, 5: return a[63:32];
      2, 6: return a[95:64];
      3, 7: return a[127:96];
      8: return {some_port(), some_port()};
      9: begin
        w[29:28] = chance(3) ? 2'd0 : chance(20) ? 2'd3 : chance(50) ? 2'd1 : 2'd2;
        w[7:0]   = 8'(below(w[29:28] == 3 ? 2 : w[28] ? 34 : 131));
        w[15:8]  = 8'(below(w[29:28] == 3 ? 2 : w[28] ? 34 : 131));
        if (chance(60)) w[7:0] = chance(90) ? 0 : 255;
        if (chance(60)) w[15:8] = 0;
        w[23:16] = some_proto();
        for (int b = 24; b < 27; b++) w[b] = chance(30);
        return w;
      end
      10: begin
        w[31]    = chance(95);
        w[6:0]   = 7'(below(n_qp + (chance(5) ? 8 : 0)));
        w[14:8]  = 7'(below(n_vf < 3 ? n_vf : 3)) + (chance(4) ? 7'(n_vf) : 7'd0);
        if (chance(50)) w[18:16] = 3'(below(3));
        return w;
      end
      default: return w;
    endcase
  endfunction

  // Accesses to come.
  typedef struct packed {
    logic        we;
    logic [13:0] at;
    logic [31:0] w;
  } op_t;
  op_t ops [$];

  function automatic void op(input bit we, input int unsigned at, input logic [31:0] w);
    op_t o;
    o = {we, 14'(at), w};
    ops.push_back(o);
  endfunction

  function automatic int unsigned some_vf();
    return below(n_vf < 3 ? n_vf : 3);
  endfunction

  function automatic void write_filter(input int unsigned f);
    for (int unsigned k = 0; k < 11; k++) op(1, 'h800 + 64 * f + 4 * k, filter_word(k));
  endfunction

  function automatic void write_vf(input int unsigned vf);
    logic [31:0] w;
    op(1, 8, vf);
    if (chance(50)) for (int unsigned k = 0; k < 10; k++) op(1, 'h100 + 4 * k, rnd());
    if (chance(50)) begin
      for (int unsigned k = 0; k < 32; k++) begin
        for (int b = 0; b < 4; b++) w[8*b +: 8] = 8'(below(n_qp + (chance(10) ? 32 : 0)));
        op(1, 'h180 + 4 * k, w);
      end
    end
    for (int unsigned k = 10; k < 12; k++) begin
      for (int b = 0; b < 4; b++) w[8*b +: 8] = {chance(40), 7'(below(n_qp + (chance(20) ? 4 : 0)))};
      if (chance(60)) op(1, 'h100 + 4 * k, w);
    end
    w = rnd();
    w[0] = chance(70);
    if (chance(60)) w[13:8] = '1;
    op(1, 'h100 + 4 * 12, w);
  endfunction

  // Some words, then some reading.
  function automatic void some_ops();
    case (below(10))
      0, 1, 2: write_filter(below(n_filter));
      3: op(1, 'h800 + 64 * below(n_filter) + 4 * below(16), filter_word(below(11)));
      4: op(1, 'h40 + 4 * below(n_ethertype + 2),
            {chance(85), 7'(below(n_qp + 1)), 1'(rnd()), 7'(below(n_vf < 3 ? n_vf + 1 : 3)), some_type()});
      5: write_vf(chance(10) ? below(64) : some_vf());
      6: begin
        op(1, 8, some_vf());
        op(1, 'h100 + 4 * below(13), rnd());
      end
      7: op(1, 4, chance(50) ? 32'h8100 : chance(80) ? 32'h9200 : 32'(some_type()));
      default: ;
    endcase
    for (int unsigned n = 0; n < 6; n++) begin
      case (below(5))
        0: op(0, 4 * below(64), rnd());
        1: op(0, 'h100 + 4 * below(64), rnd());
        2: op(0, 4 * below(3072), rnd());
        default: op(0, 'h800 + 64 * below(n_filter) + 4 * (chance(50) ? 10 : below(16)), rnd());
      endcase
    end
  endfunction

  function automatic int unsigned put(input int unsigned at, input logic [127:0] x, input int unsigned bytes);
    for (int unsigned i = 0; i < bytes; i++) fr[at+i] = x[8*(bytes-1-i) +: 8];
    return at + bytes;
  endfunction

  function automatic int unsigned put16(input int unsigned at, input int unsigned x);
    return put(at, 128'(x), 2);
  endfunction

  // A frame into `fr` and `len`.
  function automatic void make_frame();
    int unsigned at, tags, header, l4, tail, room;
    logic [7:0]  proto;
    for (int i = 0; i < 160; i++) fr[i] = 8'(rnd());
    at   = 12;
    tags = chance(60) ? 0 : 1 + below(3);
    for (int unsigned t = 0; t < tags; t++) begin
      case (below(4))
        0, 1: at = put16(at, 'h8100);
        2: at = put16(at, chance(50) ? 'h88A8 : 'h9100);
        default: at = put16(at, 32'(tpid));
      endcase
      at += 2;
    end
    l4 = below(48);
    if (chance(15)) l4 = below(5);
    tail = chance(30) ? below(40) : 0;   // behind the packet, beside the padding
    case (below(8))
      0, 1, 2, 3: begin
        at     = put16(at, 'h0800);
        header = chance(60) ? 20 : 20 + 4 * below(11);
        if (chance(4)) header = 4 * below(5);
        room = (header < 20) ? 20 : header;
        fr[at]   = {chance(3) ? 4'(rnd()) : 4'd4, 4'(header / 4)};
        void'(put16(at + 2, room + l4 + (chance(4) ? 60 + tail : 0)));
        if (chance(3)) void'(put16(at + 2, below(24)));
        fr[at+6] = chance(85) ? 8'h40 : 8'(rnd());
        fr[at+7] = chance(95) ? 8'h00 : 8'(rnd());
        fr[at+9] = some_proto();
        void'(put(at + 12, 128'(some_v4()), 4));
        void'(put(at + 16, 128'(some_v4()), 4));
        void'(put16(at + room, 32'(some_port())));
        void'(put16(at + room + 2, 32'(some_port())));
        at += room + l4;
      end
      4, 5, 6: begin
        at     = put16(at, 'h86DD);
        fr[at] = {chance(3) ? 4'(rnd()) : 4'd6, 4'(rnd())};
        void'(put16(at + 4, l4 + (chance(4) ? 60 + tail : 0)));
        proto = some_proto();
        if (chance(15)) begin
          case (below(10))
            0: proto = 0;
            1: proto = 43;
            2: proto = 44;
            3: proto = 50;
            4: proto = 51;
            5: proto = 60;
            6: proto = 135;
            7: proto = 139;
            8: proto = 140;
            default: proto = 59;
          endcase
        end
        fr[at+6] = proto;
        void'(put(at + 8, some_v6(), 16));
        void'(put(at + 24, some_v6(), 16));
        void'(put16(at + 40, 32'(some_port())));
        void'(put16(at + 42, 32'(some_port())));
        at += 40 + l4;
      end
      default: at = put16(at, 32'(some_type())) + l4;
    endcase
    for (int unsigned i = at; i < at + tail; i++) fr[i] = 8'(rnd());
    len = at + tail;
    if (chance(6)) len = 60 + below(16);   // cut off anywhere
    if (len < 60) begin
      for (int unsigned i = len; i < 60; i++) fr[i] = 0;
      len = 60;
    end
    if (chance(3)) begin
      for (int unsigned i = len; i < 1600; i++) fr[i] = 8'(rnd());
      len = 1500 + below(100);
    end
  endfunction

  // A frame of the published flows: number 0 to 15, GRE (no ports) or TCP.
  function automatic logic [31:0] make_vector(input int unsigned n, output logic [287:0] data);
    logic [127:0] src, dst;
    logic [15:0]  sport, dport;
    logic [31:0]  plain, tcp;
    logic [351:0] all;
    bit           v6, with_ports;
    v6 = n >= 10;
    with_ports = n[0];
    case (n / 2)
      0: all = {128'h4209_95BB, 16'd2794, 128'hA18E_6450, 16'd1766, 64'h323e8fc2_51ccc178};
      1: all = {128'hC75C_6F02, 16'd14230, 128'h4145_8C53, 16'd4739, 64'hd718262a_c626b0ea};
      2: all = {128'h1813_C65F, 16'd12898, 128'h0C16_CFB8, 16'd38024, 64'hd2d0a5de_5c2b394a};
      3: all = {128'h261B_CD1E, 16'd48228, 128'hD18E_A306, 16'd2217, 64'h82989176_afc7327f};
      4: all = {128'h9927_A3BF, 16'd44251, 128'hCABC_7F02, 16'd1303, 64'h5d1809c5_10e828a2};
      5: all = {
           128'h3ffe2501_02001fff_00000000_00000007, 16'd2794, 128'h3ffe2501_02000003_00000000_00000001, 16'd1766,
           64'h2cc18cd5_40207d3d};
      6: all = {
           128'h3ffe0501_00080000_026097ff_fe40efab, 16'd14230, 128'hff020000_00000000_00000000_00000001, 16'd4739,
           64'h0f0c461c_dde51bbf};
      default: all = {
           128'h3ffe1900_45450003_0200f8ff_fe2167cf, 16'd44251, 128'hfe800000_00000000_0200f8ff_fe2167cf, 16'd38024,
           64'h4b61e985_02d1feef};
    endcase
    {src, sport, dst, dport, plain, tcp} = all;
    for (int unsigned i = 0; i < 160; i++) fr[i] = 8'd0;
    if (v6) begin
      void'(put(12, 128'h86DD_6000_0000_0014, 8));
      fr[20] = with_ports ? 8'd6 : 8'd47;
      void'(put(22, src, 16));
      void'(put(38, dst, 16));
      void'(put(54, {96'd0, sport, dport}, 4));
      len  = 74;
      data = {src, dst, 32'd0};
    end else begin
      void'(put(12, 128'h0800_4500_0028, 6));
      fr[23] = with_ports ? 8'd6 : 8'd47;
      void'(put(26, src, 4));
      void'(put(30, dst, 4));
      void'(put(34, {96'd0, sport, dport}, 4));
      len  = 60;
      data = {src[31:0], dst[31:0], 224'd0};
    end
    if (with_ports) data = data | (288'({sport, dport}) << (v6 ? 0 : 192));
    return with_ports ? tcp : plain;
  endfunction

  // A UDP frame of so many bytes.
  function automatic void make_steady(input int unsigned bytes);
    for (int unsigned i = 0; i < bytes; i++) fr[i] = 8'(rnd());
    void'(put(12, 128'h0800_4500, 4));
    void'(put16(16, bytes - 14));
    void'(put16(20, 0));
    fr[23] = 8'd17;
    len = bytes;
  endfunction
endpackage
