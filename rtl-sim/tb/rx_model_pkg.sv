// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Receive steering as docs/src/architecture/virtio.md says it, byte by byte, for tb_rx_steer: a frame maker that
// likes corners, the words that software wrote, and the queue that follows from both.

package rx_model_pkg;
  import tb_pkg::*;

  // The frame at hand.
  logic [7:0]  fr [4096];
  int unsigned len;

  // What was configured.
  int unsigned  n_vf, n_qp, n_filter, n_ethertype;
  logic [15:0]  tpid;
  int unsigned  sel;
  logic [31:0]  eth [48];
  logic [31:0]  flt [32][11];
  bit           flt_sound [32];       // word 9 makes sense, and was written since the reset
  bit           flt_on [32];
  logic [31:0]  row [64][13];
  bit           pcp_set [64][2];
  bit           rss_on [64];
  logic [31:0]  tbl [64][32];
  int unsigned  base [64], count [64];

  int unsigned steps [string];        // how often something came about

  localparam logic [319:0] MsKey =
      320'h6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa;

  function automatic void clear_model();    // RAM at power-up
    for (int i = 0; i < 32; i++) for (int k = 0; k < 11; k++) flt[i][k] = '0;
    for (int v = 0; v < 64; v++) begin
      for (int k = 0; k < 13; k++) row[v][k] = '0;
      for (int k = 0; k < 32; k++) tbl[v][k] = '0;
    end
  endfunction

  function automatic void reset_model();
    tpid = 16'h8100;
    sel  = 0;
    for (int i = 0; i < 48; i++) eth[i] = '0;
    for (int i = 0; i < 32; i++) begin
      flt_on[i] = 0;
      flt_sound[i] = 0;
    end
    for (int v = 0; v < 64; v++) begin
      rss_on[v]  = 0;
      pcp_set[v] = '{0, 0};
    end
  endfunction

  // A word written at an offset from 0x9000, and what is read there.
  function automatic void write_model(input int unsigned at, input logic [31:0] w);
    int unsigned i, k, longest;
    if (at == 4) tpid = w[15:0];
    else if (at == 8) sel = 32'(w[5:0]);
    else if (at >= 'h40 && at < 'h40 + 4 * n_ethertype) begin
      i = (at - 'h40) / 4;
      eth[i] = w & 32'hFF7F_FFFF;
      if (32'(w[22:16]) >= n_vf || 32'(w[30:24]) >= n_qp) eth[i][31] = 0;
    end else if (at >= 'h100 && at < 'h200 && sel < n_vf) begin
      k = (at - 'h100) / 4;
      if (k >= 32) tbl[sel][k-32] = w & 32'h7F7F7F7F;
      else if (k < 13) begin
        row[sel][k] = w;
        if (k < 10) rss_on[sel] = 0;
        else if (k < 12) begin
          pcp_set[sel][k-10] = 1;
          for (int b = 0; b < 4; b++) if (32'(w[8*b +: 7]) >= n_qp) row[sel][k][8*b+7] = 0;
        end else rss_on[sel] = w[0];
      end
    end else if (at >= 'h800 && at < 'h800 + 64 * n_filter) begin
      i = (at - 'h800) / 64;
      k = (at % 64) / 4;
      if (k < 11) flt[i][k] = w;
      flt_on[i] = 0;
      if (k == 9) begin
        longest = !w[29] ? 32 : !w[28] ? 128 : 0;
        flt_sound[i] = w[29:28] != 0 && 32'(w[7:0]) <= longest && 32'(w[15:8]) <= longest;
      end
      if (k == 10) flt_on[i] = w[31] && flt_sound[i] && 32'(w[6:0]) < n_qp && 32'(w[14:8]) < n_vf;
    end
  endfunction

  function automatic logic [31:0] read_model(input int unsigned at);
    int unsigned i, k;
    logic [31:0] w;
    if (at == 0) return {8'd0, 8'(n_vf), 8'(n_ethertype), 8'(n_filter)};
    if (at == 4) return 32'(tpid);
    if (at == 8) return sel;
    if (at >= 'h40 && at < 'h40 + 4 * n_ethertype) return eth[(at - 'h40) / 4];
    if (at >= 'h100 && at < 'h200 && sel < n_vf) begin
      k = (at - 'h100) / 4;
      if (k >= 32) return tbl[sel][k-32];
      if (k == 12) return (row[sel][12] & 32'h3F02) | 32'(rss_on[sel]);
      if (k >= 10 && k < 12) return pcp_set[sel][k-10] ? row[sel][k] : 0;
      if (k < 10) return row[sel][k];
    end
    if (at >= 'h800 && at < 'h800 + 64 * n_filter) begin
      i = (at - 'h800) / 64;
      k = (at % 64) / 4;
      if (k < 11) begin
        w = flt[i][k];
        if (k == 10) w[31] = flt_on[i];
        return w;
      end
    end
    return 0;
  endfunction

  // The hash, as the textbook has it: the key slides along the input bit by bit.
  function automatic logic [31:0] toeplitz(input logic [319:0] key, input logic [287:0] data, input int bits);
    logic [31:0] h = 0;
    for (int i = 0; i < bits; i++) begin
      if (data[287 - i]) h ^= key[319:288];
      key = key << 1;
    end
    return h;
  endfunction

  function automatic logic [15:0] two(input int unsigned at);
    return {fr[at], fr[at+1]};
  endfunction
  function automatic bit is_tag(input int unsigned at);
    logic [15:0] t;
    t = two(at);
    return (t inside {16'h8100, 16'h88A8, 16'h9100}) || t == tpid;
  endfunction
  function automatic logic [127:0] number(input int unsigned at, input int unsigned bytes);
    logic [127:0] x = 0;
    for (int unsigned i = 0; i < bytes; i++) x = {x[119:0], fr[at+i]};
    return x;
  endfunction
  function automatic bit prefix_is(input logic [127:0] a, input logic [127:0] b, input int unsigned prefix,
                                   input int unsigned width);
    if (prefix == 0) return 1;
    return (a >> (width - prefix)) == (b >> (width - prefix));
  endfunction

  // The queue of the frame, within its VF's pool.
  function automatic int unsigned queue_of(input int unsigned vf);
    int unsigned at, tags, l3, room, header, total, best, level, n, entry;
    logic [15:0] et;
    int unsigned pcp;
    logic [7:0]  proto;
    bit          ip, v6, whole, ports, found, with_ports, hashed;
    logic [127:0] src, dst;
    logic [15:0] sport, dport;
    logic [319:0] key;
    logic [287:0] data;
    logic [5:0]  types;
    logic [31:0] w, hash;

    n = count[vf];
    // Tags.
    at   = 12;
    tags = 0;
    while (tags < 3 && is_tag(at)) begin
      if (tags == 0) pcp = 32'(fr[at+2][7:5]);
      tags++;
      at += 4;
    end
    et = (tags == 3) ? two(20) : two(at);
    l3 = at + 2;
    room = len - l3;

    // IP.
    ip = 0; v6 = 0; whole = 0; ports = 0; proto = 0; sport = 0; dport = 0; src = 0; dst = 0;
    if (tags < 3 && et == 16'h0800) begin
      header = 4 * 32'(fr[l3][3:0]);
      total  = 32'(two(l3 + 2));
      ip     = fr[l3][7:4] == 4 && header >= 20 && header <= room && total >= header && total <= room;
      whole  = ip && !fr[l3+6][5] && {fr[l3+6][4:0], fr[l3+7]} == 0;
      proto  = fr[l3+9];
      src    = number(l3 + 12, 4);
      dst    = number(l3 + 16, 4);
    end else if (tags < 3 && et == 16'h86DD) begin
      v6     = 1;
      header = 40;
      total  = 40 + 32'(two(l3 + 4));
      ip     = fr[l3][7:4] == 6 && room >= 40 && total <= room;
      proto  = fr[l3+6];
      whole  = ip && !(proto inside {0, 43, 44, 50, 51, 60, 135, 139, 140});
      src    = number(l3 + 8, 16);
      dst    = number(l3 + 24, 16);
    end
    if (whole && (proto inside {1, 6, 17, 58, 132}) && total - header < 4) begin
      whole = 0;
      steps["truncated"]++;
    end
    if (ip && !whole) steps["addresses only"]++;
    ports = whole && (proto inside {6, 17, 132});
    if (ports) begin
      sport = two(l3 + header);
      dport = two(l3 + header + 2);
    end

    // 1: EtherType.
    for (int unsigned i = 0; i < n_ethertype; i++) begin
      if (eth[i][31] && 32'(eth[i][22:16]) == vf && eth[i][15:0] == et) begin
        if (32'(eth[i][30:24]) < n) begin
          steps["ethertype"]++;
          return 32'(eth[i][30:24]);
        end
        steps["ethertype not in use"]++;
        break;
      end
    end
    // 2: priority.
    if (tags > 0 && pcp_set[vf][pcp / 4]) begin
      w = row[vf][10 + pcp / 4] >> (8 * (pcp % 4));
      if (w[7]) begin
        if (32'(w[6:0]) < n) begin
          steps["priority"]++;
          return 32'(w[6:0]);
        end
        steps["priority not in use"]++;
      end
    end
    // 3: five-tuple.
    found = 0;
    level = 0;
    best  = 0;
    for (int unsigned i = 0; i < n_filter; i++) begin
      if (flt_on[i] && ip && 32'(flt[i][10][14:8]) == vf && flt[i][9][v6 ? 29 : 28] &&
          prefix_is(src, v6 ? {flt[i][3], flt[i][2], flt[i][1], flt[i][0]} : 128'(flt[i][0]),
                    32'(flt[i][9][7:0]), v6 ? 128 : 32) &&
          prefix_is(dst, v6 ? {flt[i][7], flt[i][6], flt[i][5], flt[i][4]} : 128'(flt[i][4]),
                    32'(flt[i][9][15:8]), v6 ? 128 : 32) &&
          (!flt[i][9][24] || (whole && proto == flt[i][9][23:16])) &&
          (!flt[i][9][25] || (ports && sport == flt[i][8][15:0])) &&
          (!flt[i][9][26] || (ports && dport == flt[i][8][31:16]))) begin
        if (found) steps["several filters"]++;
        if (!found || 32'(flt[i][10][18:16]) > level) begin
          found = 1;
          best  = i;
          level = 32'(flt[i][10][18:16]);
        end
      end
    end
    if (found) begin
      if (32'(flt[best][10][6:0]) < n) begin
        steps[v6 ? "filter v6" : "filter v4"]++;
        if (!whole) steps["filter, addresses only"]++;
        return 32'(flt[best][10][6:0]);
      end
      steps["filter not in use"]++;
    end
    // 4: hash.
    key = MsKey;
    types = '1;
    if (rss_on[vf]) begin
      for (int unsigned i = 0; i < 40; i++) key[319 - 8*i -: 8] = row[vf][i/4][8*(i%4) +: 8];
      types = row[vf][12][13:8];
    end
    with_ports = ports && ((proto == 6 && types[v6 ? 4 : 1]) || (proto == 17 && types[v6 ? 5 : 2]));
    hashed     = ip && (with_ports || types[v6 ? 3 : 0]);
    if (hashed) begin
      if (v6) begin
        data = {src, dst, sport, dport};
        hash = toeplitz(key, data, with_ports ? 288 : 256);
      end else begin
        data = {src[31:0], dst[31:0], sport, dport, 192'd0};
        hash = toeplitz(key, data, with_ports ? 96 : 64);
      end
      if (!rss_on[vf]) begin
        entry = (n == 0) ? 0 : (hash % 128) % n;
      end else begin
        entry = hash % (row[vf][12][1] ? 64 : 128);
        entry = 32'(tbl[vf][entry / 4][8*(entry % 4) +: 7]);
      end
      if (entry < n) begin
        steps[rss_on[vf] ? "hash" : "default hash"]++;
        if (with_ports) steps[v6 ? "hash v6 ports" : "hash v4 ports"]++;
        else steps[v6 ? "hash v6 addresses" : "hash v4 addresses"]++;
        return entry;
      end
      steps["entry not in use"]++;
    end
    // 5.
    steps[ip ? "zero for IP" : "zero"]++;
    return 0;
  endfunction

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
      7: return chance(50) ? 1 : 58;
      8: return 47;
      default: return 8'(rnd());
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
        if (chance(50)) w[7:0] = chance(90) ? 0 : 255;
        if (chance(50)) w[15:8] = 0;
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
    bit           v6, with_ports;
    v6 = n >= 10;
    with_ports = n[0];
    case (n / 2)
      0: {src, sport, dst, dport, plain, tcp} = {128'h4209_95BB, 16'd2794, 128'hA18E_6450, 16'd1766, 64'h323e8fc2_51ccc178};
      1: {src, sport, dst, dport, plain, tcp} = {128'hC75C_6F02, 16'd14230, 128'h4145_8C53, 16'd4739, 64'hd718262a_c626b0ea};
      2: {src, sport, dst, dport, plain, tcp} = {128'h1813_C65F, 16'd12898, 128'h0C16_CFB8, 16'd38024, 64'hd2d0a5de_5c2b394a};
      3: {src, sport, dst, dport, plain, tcp} = {128'h261B_CD1E, 16'd48228, 128'hD18E_A306, 16'd2217, 64'h82989176_afc7327f};
      4: {src, sport, dst, dport, plain, tcp} = {128'h9927_A3BF, 16'd44251, 128'hCABC_7F02, 16'd1303, 64'h5d1809c5_10e828a2};
      5: {src, sport, dst, dport, plain, tcp} = {
           128'h3ffe2501_02001fff_00000000_00000007, 16'd2794, 128'h3ffe2501_02000003_00000000_00000001, 16'd1766,
           64'h2cc18cd5_40207d3d};
      6: {src, sport, dst, dport, plain, tcp} = {
           128'h3ffe0501_00080000_026097ff_fe40efab, 16'd14230, 128'hff020000_00000000_00000000_00000001, 16'd4739,
           64'h0f0c461c_dde51bbf};
      default: {src, sport, dst, dport, plain, tcp} = {
           128'h3ffe1900_45450003_0200f8ff_fe2167cf, 16'd44251, 128'hfe800000_00000000_0200f8ff_fe2167cf, 16'd38024,
           64'h4b61e985_02d1feef};
    endcase
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
