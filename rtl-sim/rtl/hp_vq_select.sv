// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Chooses the receive queue of a frame: a hash over its addresses and ports, spread over the VF's
// queue pairs in use. It sees the first beat only: with 512 bits that is IPv4 and IPv6 with ports
// (TCP and UDP without options; not of fragments), with narrower ones the MAC addresses and
// EtherType. Latency 2 clocks, one frame per clock, no backpressure.

module hp_vq_select import hp_pkg::*, hp_vio_pkg::*; #(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF = 8
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  vf_pairs_t [N_VF-1:0]  vf_pairs_i,

  input  logic                  valid_i,
  input  logic [DATA_W-1:0]     data_i,      // first beat
  input  port_t                 vport_i,
  input  len_t                  len_i,

  output logic                  valid_o,
  output logic                  some_o,      // the VF has a pair in use
  output qp_t                   pair_o,
  output port_t                 vport_o,
  output len_t                  len_o
);
  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned VW = (N_VF > 1) ? $clog2(N_VF) : 1;
  localparam int unsigned HashBytes = 64;

  // Bytes of the header that count, the others zero.
  logic [8*HashBytes-1:0] head, masked;
  logic [15:0]            ethertype;
  logic                   is_v4, is_v6, ports;

  always_comb begin
    head = '0;
    for (int unsigned i = 0; i < HashBytes && i < Bytes; i++) head[i*8+:8] = data_i[i*8+:8];
    ethertype = {head[12*8+:8], head[13*8+:8]};
    is_v4 = ethertype == 16'h0800 && Bytes >= 64;
    is_v6 = ethertype == 16'h86DD && Bytes >= 64;
    if (is_v4) begin
      ports = head[14*8+:8] == 8'h45 && (head[23*8+:8] == 8'd6 || head[23*8+:8] == 8'd17) &&
              head[20*8+:6] == '0 && head[21*8+:8] == '0;
    end else begin
      ports = head[20*8+:8] == 8'd6 || head[20*8+:8] == 8'd17;
    end
    masked = '0;
    for (int unsigned i = 0; i < HashBytes; i++) begin
      if (is_v4 ? i >= 26 && (i < 34 || (ports && i < 38)) :
          is_v6 ? i >= 22 && (i < 54 || (ports && i < 58)) : i < 14) begin
        masked[i*8+:8] = head[i*8+:8];
      end
    end
  end

  // Words of 16 bits, turned and folded: every bit of the hash depends on all of them.
  logic [15:0] turned, hash;

  always_comb begin
    turned = '0;
    for (int unsigned i = 0; i < HashBytes / 2; i++) begin
      turned = {turned[10:0], turned[15:11]} ^ masked[i*16+:16];
    end
    hash = turned ^ {turned[8:0], turned[15:9]} ^ {turned[3:0], turned[15:4]};
  end

  logic        valid_q;
  logic [15:0] hash_q;
  vf_pairs_t   pairs_q;
  port_t       vport_q;
  len_t        len_q;
  logic [22:0] product;

  assign product = 23'(hash_q) * 23'(pairs_q.count);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      valid_o <= 1'b0;
    end else begin
      valid_q <= valid_i;
      valid_o <= valid_q;
    end
    hash_q  <= hash;
    pairs_q <= vf_pairs_i[vport_i[VW-1:0]];
    if (32'(vport_i) >= N_VF) pairs_q <= '0;
    vport_q <= vport_i;
    len_q   <= len_i;
    pair_o  <= pairs_q.base + qp_t'(product[22:16]);
    some_o  <= pairs_q.count != '0;
    vport_o <= vport_q;
    len_o   <= len_q;
  end

  logic unused_low;
  assign unused_low = ^product[15:0];
endmodule
