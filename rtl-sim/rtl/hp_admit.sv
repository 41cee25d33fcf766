// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Stage 2 of the pipeline: addresses, V.VLAN and tenant tags of a canonical frame, and every check that needs
// no V.VLAN row. Combinational; the first reason found is the frame's.

module hp_admit
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned DATA_W = 512
) (
  input  logic [DATA_W-1:0] cb_data_i,    // first beat
  input  hdr_t              h_i,
  input  port_row_t         port_row_i,
  output vlan_t             vvlan_o,      // also of a frame that has none: for the lookups
  output mac_t              da_o,
  output mac_t              sa_o,
  output hdr_t              h_o
);
  logic [15:0] t0, t1, t2, tenant_type;
  logic        tag0, tag1, tag2, tags_bad, reserved_da, reserved_type, spoofed;
  vlan_t       vid0;

  function automatic logic [15:0] be16(input logic [DATA_W-1:0] d, input int unsigned at);
    return {d[8*at +: 8], d[8*(at+1) +: 8]};
  endfunction
  function automatic logic is_tag(input logic [15:0] t, input logic [15:0] tpid);
    return (t inside {16'h8100, 16'h88A8, 16'h9100}) || (t == tpid);
  endfunction

  always_comb begin
    for (int unsigned i = 0; i < 6; i++) begin
      da_o[8*i +: 8] = cb_data_i[8*(5-i) +: 8];
      sa_o[8*i +: 8] = cb_data_i[8*(11-i) +: 8];
    end
    t0   = be16(cb_data_i, 12);
    t1   = be16(cb_data_i, 16);
    t2   = be16(cb_data_i, 20);
    vid0 = {cb_data_i[8*14 +: 4], cb_data_i[8*15 +: 8]};
    tag0 = is_tag(t0, h_i.tpid);
    tag1 = tag0 && is_tag(t1, h_i.tpid);
    tag2 = tag1 && is_tag(t2, h_i.tpid);
    tenant_type = tag1 ? t2 : tag0 ? t1 : t0;

    unique case (port_row_i.tags)
      2'd0:    tags_bad = tag0;
      2'd1:    tags_bad = tag0 && (tag1 || (t0 != 16'h8100) || (vid0 != '0));
      2'd2:    tags_bad = tag0 && (tag2 || (t0 != 16'h8100) || (tag1 && t1 != 16'h8100));
      default: tags_bad = 1'b0;
    endcase
    reserved_da   = da_o[47:4] == 44'h0180_C200_000;
    reserved_type = tenant_type inside {16'h8808, 16'h88B5};
    spoofed       = port_row_i.spoofchk && (sa_o != port_row_i.mac);

    if (h_i.w.meta.core) vvlan_o = h_i.w.meta.vvlan;
    else if (h_i.uplink || h_i.w.vswitch) vvlan_o = h_i.w.tag_vid;
    else vvlan_o = port_row_i.vvlan;
  end

  always_comb begin
    h_o          = h_i;
    h_o.vvlan    = vvlan_o;
    h_o.da_group = da_o[40];
    h_o.da_bcast = &da_o;
    h_o.tags     = tag2 ? 2'd3 : tag1 ? 2'd2 : tag0 ? 2'd1 : 2'd0;
    h_o.m_shift  = port_row_i.meter_shift;
    h_o.learning = port_row_i.learning;
    h_o.foreign  = h_i.vport && spoofed && port_row_i.trust;
    h_o.m_burst  = port_row_i.meter_burst;
    h_o.vv_ok    = 1'b1;

    if (h_i.w.meta.tomb) begin
      h_o.reason = h_i.w.meta.tomb_reason;
      h_o.vv_ok  = 1'b0;
    end else if (h_i.w.meta.direct) begin
      h_o.vv_ok = 1'b0;
    end else if (h_i.vport) begin
      if (!port_row_i.enabled) h_o.reason = RSN_PORT_DISABLED;
      else if (h_i.w.vswitch && !h_i.w.meta.core && !h_i.w.vsw_ok)
        h_o.reason = RSN_VSWITCH_TAG;
      else if (sa_o[40]) h_o.reason = RSN_SOURCE_GROUP;
      else if (spoofed && !port_row_i.trust) h_o.reason = RSN_SOURCE_MAC;
      else if (tags_bad) h_o.reason = RSN_TAG_NOT_ALLOWED;
      else if (reserved_da) h_o.reason = RSN_RESERVED_ADDRESS;
      else if (reserved_type) h_o.reason = RSN_RESERVED_ETHERTYPE;
      if (h_i.w.vswitch && !h_i.w.meta.core && !h_i.w.vsw_ok) h_o.vv_ok = 1'b0;
    end else if (h_i.uplink) begin
      if (h_i.w.is_pause) h_o.reason = RSN_MAC_CONTROL;
      else if (!h_i.w.outer_ok) begin
        h_o.reason  = h_i.w.is_lldp ? RSN_CONTROL : RSN_UNTAGGED;
        h_o.control = h_i.w.is_lldp;
      end
      else if (!h_i.w.inner_ok) h_o.reason = RSN_NO_VVLAN;
      else if (sa_o[40]) h_o.reason = RSN_SOURCE_GROUP;
      else if (reserved_da) h_o.reason = RSN_RESERVED_ADDRESS;
      else if (reserved_type) h_o.reason = RSN_RESERVED_ETHERTYPE;
      h_o.vv_ok = h_i.w.strip8;
    end else begin
      // The core may send uplink frames back only as tombstones.
      h_o.reason = RSN_PUNT_REFUSED;
      h_o.vv_ok  = 1'b0;
    end
    if (!h_o.vv_ok) h_o.vvlan = '0;
  end

  logic unused_bits;
  assign unused_bits = ^{cb_data_i, port_row_i};
endmodule
