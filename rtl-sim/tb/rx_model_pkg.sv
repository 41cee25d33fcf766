// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Receive steering as docs/src/architecture/virtio.md says it, byte by byte, for tb_rx_steer: the
// words that software wrote, and the queue that follows from them for a frame.

package rx_model_pkg;
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
endpackage
