// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Where a frame goes, and why. Stage 18 (MAC answers) to stage 22 (`dec_o`), one header per clock.
//
// The rules are steps 12 to 17 of "The decision, exactly" (docs) and the flow cache's before them, stated
// for software in `firmware/eswitch`. A frame that already has a reason keeps it.

`include "hp_assert.svh"

module hp_decide
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned N_VF = 8
) (
  input  logic            clk_i,
  input  hdr_t            h_i,               // stage 18
  input  logic            da_hit_i,
  input  mac_act_t        da_act_i,
  input  logic            sa_hit_i,
  input  mac_act_t        sa_act_i,
  input  logic            flow_live_i,       // stage 19: an entry that lives has the key
  input  flow_act_t       flow_act_i,
  input  logic [N_VF-1:0] enabled_mask_i,    // stage 19
  input  logic [N_VF-1:0] tag_mask_i,
  input  logic [N_VF-1:0] reflect_mask_i,
  input  logic [N_VF-1:0] promisc_mask_i,
  input  logic [N_VF-1:0] allmulti_mask_i,
  input  logic [N_VF-1:0] group_row_i,       // stage 20
  output dec_t            dec_o              // stage 22
);
  localparam int unsigned IdxW = (N_VF > 1) ? $clog2(N_VF) : 1;

  // What the later stages still need of a header.
  typedef struct packed {
    logic            decided;     // reason is final
    reason_t         reason;
    logic            tomb;
    logic            direct;
    logic            control;
    port_t           direct_port;
    port_t           src;
    logic            uplink;
    logic            reflects;
    logic            served;
    logic            external;
    logic            da_group;
    logic            da_bcast;
    logic [N_VF-1:0] members;
    logic            d_vport;     // DA known as a vPort
    logic            d_group;     // DA known as a group
    logic            s_exists;    // uplink frame whose SA is a vPort of ours
    port_t           s_port;
    logic            a_known;     // SA known as a vPort
    logic            punt;
    logic            nopunt;
    logic            miss_drop;   // what a miss of the flow cache does
    logic            miss_punt;
    logic            learn_punt;  // rule 13
    logic            reached;     // the flow cache was asked
    logic            cache;
    logic            may_hit;
    logic            no_learned;  // learned flows do not count
    logic            news;        // the source address may be learned
    logic            teaches;     // so may the flow, if the MAC table delivers it
    logic            flow_hit;
    logic            flow_up;     // a flow sends it to the uplink ...
    logic            redirect;    // ... or to `target`
    logic            local_ok;    // a unicast target exists here
    port_t           target;
    logic            defaulted;
  } work_t;

  // Stage 18 -> 19: what is known of DA and SA; what a miss would do.
  work_t w19_d, w19_q;
  logic  returning;

  always_comb begin
    w19_d             = '0;
    w19_d.reason      = h_i.reason;
    w19_d.tomb        = h_i.w.meta.tomb;
    w19_d.direct      = h_i.w.meta.direct && !h_i.w.meta.tomb;
    w19_d.control     = h_i.control;
    w19_d.direct_port = h_i.w.meta.direct_port;
    w19_d.src         = h_i.w.meta.src;
    w19_d.uplink      = h_i.uplink;
    w19_d.reflects    = h_i.reflects;
    w19_d.served      = h_i.w.served;
    w19_d.external    = h_i.miss == MISS_EXTERNAL;
    w19_d.da_group    = h_i.da_group;
    w19_d.da_bcast    = h_i.da_bcast;
    w19_d.members     = h_i.members[N_VF-1:0];
    w19_d.d_vport     = da_hit_i && !da_act_i.is_group;
    w19_d.d_group     = da_hit_i && da_act_i.is_group;
    w19_d.s_exists    = h_i.uplink && sa_hit_i && !sa_act_i.is_group;
    w19_d.s_port      = sa_act_i.target[PortW-1:0];
    w19_d.a_known     = sa_hit_i && !sa_act_i.is_group;
    if (h_i.foreign && !w19_d.direct && h_i.reason == '0 && !(w19_d.a_known && w19_d.s_port == h_i.w.meta.src))
      w19_d.reason = RSN_SOURCE_MAC;
    w19_d.decided     = w19_d.direct || (w19_d.reason != '0);

    w19_d.nopunt      = h_i.w.meta.nopunt;
    w19_d.reached     = !w19_d.decided;
    w19_d.cache       = h_i.cache;
    w19_d.may_hit     = h_i.may_hit;
    w19_d.no_learned  = h_i.da_group || h_i.veb;
    w19_d.news        = h_i.vport && h_i.learning && !w19_d.decided &&
                        (!sa_hit_i || (w19_d.a_known && !sa_act_i.is_static &&
                                       sa_act_i.target[PortW-1:0] != h_i.w.meta.src));

    w19_d.teaches     = h_i.w.marked && w19_d.s_exists && h_i.may_hit && !h_i.acl && !w19_d.no_learned;

    returning        = w19_d.s_exists && h_i.reflects;
    w19_d.punt       = w19_d.decided && h_i.control;
    w19_d.miss_drop  = h_i.miss == MISS_DROP && !returning;
    w19_d.miss_punt  = h_i.miss == MISS_SLOWPATH && !returning && !h_i.w.meta.nopunt;
    w19_d.learn_punt = h_i.vport && h_i.w.vswitch && !h_i.w.meta.nopunt && !w19_d.a_known &&
                       (h_i.da_group || !w19_d.d_vport);

    w19_d.local_ok  = w19_d.d_vport || (h_i.uplink && h_i.dflt_ok);
    w19_d.defaulted = !w19_d.d_vport;
    w19_d.target    = w19_d.d_vport ? da_act_i.target[PortW-1:0] : h_i.dflt;
  end
  always_ff @(posedge clk_i) w19_q <= w19_d;

  // Stage 19 -> 20: the flow, or the miss action.
  work_t w20_d, w20_q;
  logic  f_hit, as_local;

  assign f_hit = w19_q.may_hit && !w19_q.decided && flow_live_i && !flow_act_i.pending &&
                 !(flow_act_i.teacher == TEACHER_LEARNED && w19_q.no_learned);

  always_comb begin
    w20_d          = w19_q;
    w20_d.flow_hit = f_hit;
    as_local       = 1'b0;
    if (f_hit) begin
      w20_d.external = 1'b0;
      unique case (flow_act_i.action)
        FLOW_DROP: begin
          w20_d.decided = 1'b1;
          w20_d.reason  = RSN_FLOW_DROP;
        end
        FLOW_PUNT: begin
          if (!w19_q.nopunt) begin
            w20_d.decided = 1'b1;
            w20_d.punt    = 1'b1;
            w20_d.reason  = RSN_FLOW_PUNT;
          end else begin
            as_local = 1'b1;
          end
        end
        FLOW_UPLINK: begin
          w20_d.flow_up = !w19_q.uplink;
          if (w19_q.uplink) begin
            w20_d.decided = 1'b1;
            w20_d.reason  = RSN_SAME_PORT;
          end
        end
        FLOW_REDIRECT: begin
          w20_d.redirect = !flow_act_i.port[PortW-1];
          w20_d.target   = flow_act_i.port;
          if (flow_act_i.port[PortW-1]) begin
            w20_d.decided = 1'b1;
            w20_d.reason  = RSN_EGRESS_NOT_MEMBER;
          end
        end
        default: as_local = 1'b1;
      endcase
    end else if (!w19_q.decided && w19_q.miss_drop) begin
      w20_d.decided = 1'b1;
      w20_d.reason  = RSN_MISS_DROP;
    end else if (!w19_q.decided && w19_q.miss_punt) begin
      w20_d.decided = 1'b1;
      w20_d.punt    = 1'b1;
      w20_d.reason  = RSN_MISS_SLOWPATH;
    end else begin
      as_local = !w19_q.decided;
    end
    if (as_local && w19_q.learn_punt) begin
      w20_d.decided = 1'b1;
      w20_d.punt    = 1'b1;
      w20_d.reason  = RSN_LEARN;
    end
  end

  // A unicast target against source, S and membership, for the MAC table's and the flow's at once.
  // Masks are sampled here.
  logic            redirect, same_20_q, member_20_q, uni_up_20_q;
  logic [1:0]      same, member;
  logic [N_VF-1:0] enabled_20_q, tag_20_q, promisc_20_q, allmulti_20_q, allowed;

  function automatic logic has(input logic [N_VF-1:0] mask, input port_t t);
    return (t < PortW'(N_VF)) && mask[t[IdxW-1:0]];
  endfunction
  function automatic logic is_self(input port_t t, input port_t src, input logic s_exists,
                                   input port_t s_port);
    return (t == src) || (s_exists && t == s_port);
  endfunction

  assign allowed  = enabled_mask_i & w19_q.members;
  assign same     = {!has(reflect_mask_i, flow_act_i.port) &&
                     is_self(flow_act_i.port, w19_q.src, w19_q.s_exists, w19_q.s_port),
                     !has(reflect_mask_i, w19_q.target) &&
                     is_self(w19_q.target, w19_q.src, w19_q.s_exists, w19_q.s_port)};
  assign member   = {has(allowed, flow_act_i.port), has(allowed, w19_q.target)};
  assign redirect = f_hit && flow_act_i.action == FLOW_REDIRECT;

  always_ff @(posedge clk_i) begin
    w20_q        <= w20_d;
    same_20_q    <= same[redirect];
    member_20_q  <= member[redirect];
    uni_up_20_q  <= !w19_q.uplink && ((w19_q.external && !f_hit) || !w19_q.d_vport);
    enabled_20_q <= enabled_mask_i;
    tag_20_q     <= tag_mask_i;
    promisc_20_q  <= promisc_mask_i;
    allmulti_20_q <= allmulti_mask_i;
  end

  // Stage 20 -> 21: the group's receivers, and both verdicts.
  work_t           w21_q;
  logic [N_VF-1:0] base, listens, src_bit, s_bit, copies_21_q, tag_21_q;
  logic            spread_21_d, spread_21_q;       // unknown unicast goes to who listens
  logic            grp_local, up_21_d, up_21_q, served_21_d, served_21_q;
  reason_t         verdict, verdict_21_q;
  logic            drop_21_d, drop_21_q;

  always_comb begin
    src_bit = '0;
    s_bit   = '0;
    for (int unsigned i = 0; i < N_VF; i++) begin
      src_bit[i] = !w20_q.uplink && (w20_q.src == PortW'(i));
      s_bit[i]   = w20_q.s_exists && (w20_q.s_port == PortW'(i));
    end
    base = w20_q.members;
    if (w20_q.d_group && !w20_q.da_bcast) base = base & (group_row_i | allmulti_20_q);
    base    = base & enabled_20_q & ~src_bit & ~s_bit;
    listens = w20_q.members & promisc_20_q & enabled_20_q & ~s_bit;

    grp_local   = !w20_q.external && (w20_q.da_bcast || w20_q.d_group || !w20_q.reflects);
    verdict     = w20_q.reason;
    drop_21_d   = 1'b0;
    up_21_d     = 1'b0;
    served_21_d = 1'b0;
    spread_21_d = 1'b0;

    if (w20_q.decided) begin
      drop_21_d = !w20_q.punt && !w20_q.direct;
      base      = '0;
      if (w20_q.direct) verdict = RSN_INJECTED;
    end else if (w20_q.flow_up) begin
      up_21_d = 1'b1;
      base    = '0;
      verdict = RSN_FLOW_UPLINK;
    end else if (w20_q.da_group && !w20_q.redirect) begin
      if (!w20_q.uplink) begin
        up_21_d     = 1'b1;
        served_21_d = grp_local;
        verdict     = grp_local ? RSN_GROUP_LOCAL : RSN_GROUP_UPLINK;
        if (!grp_local) base = '0;
      end else if (!w20_q.s_exists) begin
        verdict = RSN_GROUP_MEMBERS;
      end else if (!w20_q.reflects) begin
        verdict   = RSN_SOURCE_LOCAL;
        drop_21_d = 1'b1;
      end else if (w20_q.served) begin
        verdict   = RSN_ALREADY_SERVED;
        drop_21_d = 1'b1;
      end else begin
        verdict = RSN_GROUP_RETURN;
      end
    end else begin
      base = '0;
      if (uni_up_20_q && !w20_q.redirect) begin
        up_21_d = 1'b1;
        verdict = w20_q.external ? RSN_MISS_EXTERNAL : RSN_UNKNOWN_UPLINK;
      end else if (!w20_q.local_ok && !w20_q.redirect) begin
        verdict     = (listens == '0) ? RSN_UNKNOWN_UNICAST :
                      (w20_q.s_exists && !w20_q.reflects) ? RSN_SOURCE_LOCAL : RSN_PROMISCUOUS;
        drop_21_d   = verdict != RSN_PROMISCUOUS;
        spread_21_d = !drop_21_d;
        base        = listens;
      end else if (same_20_q) begin
        verdict   = RSN_SAME_PORT;
        drop_21_d = 1'b1;
      end else if (w20_q.s_exists && !w20_q.reflects) begin
        verdict   = RSN_SOURCE_LOCAL;
        drop_21_d = 1'b1;
      end else if (!member_20_q) begin
        verdict   = RSN_EGRESS_NOT_MEMBER;
        drop_21_d = 1'b1;
      end else begin
        verdict = w20_q.redirect ? RSN_FLOW_REDIRECT : w20_q.defaulted ? RSN_DEFAULT_VSWITCH :
                  w20_q.flow_hit ? RSN_FLOW_HIT : RSN_MAC_HIT;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    w21_q        <= w20_q;
    copies_21_q  <= drop_21_d ? '0 : base;
    tag_21_q     <= tag_20_q;
    up_21_q      <= up_21_d;
    served_21_q  <= served_21_d;
    verdict_21_q <= verdict;
    drop_21_q    <= drop_21_d;
    spread_21_q  <= spread_21_d;
  end

  // Stage 21 -> 22.
  dec_t dec_d;
  logic empty, is_group, is_uni_local;
  assign empty        = copies_21_q == '0;
  assign is_group     = spread_21_q || (!w21_q.decided && w21_q.da_group && !w21_q.redirect && !w21_q.flow_up);
  assign is_uni_local = !w21_q.decided && !is_group && !up_21_q && !drop_21_q;

  always_comb begin
    dec_d          = '0;
    dec_d.reason   = verdict_21_q;
    dec_d.tag_mask = MaxVf'(tag_21_q);
    dec_d.flow_hit   = w21_q.flow_hit;
    dec_d.flow_miss  = w21_q.reached && w21_q.cache && !w21_q.flow_hit;
    dec_d.teaches    = w21_q.teaches && is_uni_local && verdict_21_q == RSN_MAC_HIT;
    dec_d.learn      = w21_q.news && !w21_q.punt;
    dec_d.from_valid = w21_q.a_known;
    dec_d.from       = w21_q.s_port;
    if (w21_q.direct) begin
      dec_d.kind      = KindDirect;
      dec_d.to_uplink = w21_q.direct_port == PortUplink;
      dec_d.to_host   = w21_q.direct_port < PortW'(N_VF);
      dec_d.host_port = w21_q.direct_port;
      if (dec_d.to_host) dec_d.targets[w21_q.direct_port[5:0]] = 1'b1;
    end else if (w21_q.punt) begin
      dec_d.kind = KindPunt;
    end else if (drop_21_q) begin
      dec_d.kind = KindDrop;
    end else if (is_group && empty && !up_21_q) begin
      dec_d.kind   = KindDrop;
      dec_d.reason = RSN_NO_RECEIVER;
    end else if (is_group) begin
      dec_d.kind      = KindMulticast;
      dec_d.group     = !empty;
      dec_d.targets   = MaxVf'(copies_21_q);
      dec_d.to_uplink = up_21_q;
      dec_d.served    = served_21_q;
    end else if (is_uni_local) begin
      dec_d.kind      = KindLocal;
      dec_d.to_host   = 1'b1;
      dec_d.host_port = w21_q.target;
      dec_d.host_tag  = tag_21_q[w21_q.target[IdxW-1:0]];
      dec_d.targets[w21_q.target[5:0]] = 1'b1;
    end else begin
      dec_d.kind      = KindUplink;
      dec_d.to_uplink = 1'b1;
    end
  end
  always_ff @(posedge clk_i) dec_o <= dec_d;

  logic unused_bits;
  assign unused_bits = ^{h_i, da_act_i, sa_act_i, w21_q};

endmodule
