// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Types shared by the blocks of the NIC. Layouts that software sees come from hp_abi_pkg (generated).

package hp_pkg;
  localparam int unsigned PortW = 7;
  localparam logic [PortW-1:0] PortUplink = 7'd64;
  localparam logic [PortW-1:0] PortCore = 7'd65;

  localparam int unsigned MinFrame = 60;
  localparam int unsigned MaxFrame = 9216;  // without NIC tags
  localparam int unsigned MaxVf = 64;

  typedef logic [PortW-1:0] port_t;
  typedef logic [47:0] mac_t;
  typedef logic [11:0] vlan_t;
  typedef logic [5:0] reason_t;
  typedef logic [13:0] len_t;
  typedef logic [15:0] seq_t;

  // Travels with a frame from the arbiter on; constant over the frame's beats.
  typedef struct packed {
    port_t       src;          // ingress port; the original vPort for frames re-injected by the core
    logic        core;         // came through the core ingress
    logic        nopunt;       // core: may not be punted again
    logic        direct;       // core: send to direct_port unedited, no lookup
    port_t       direct_port;
    vlan_t       vvlan;        // core: V.VLAN of a re-injected canonical frame
    logic [7:0]  slot;         // core: punt slot the frame came from
    logic        tomb;         // no frame, only a drop with tomb_reason
    reason_t     tomb_reason;
    logic [15:0] count;        // tomb: frames it stands for (1, or more after an overflow)
    len_t        len;          // bytes on the ingress bus, NIC tags included, saturating
    seq_t        seq;
  } frame_meta_t;

  // Decided frame on its way to the outputs; constant over the frame's beats.
  typedef struct packed {
    port_t              src;
    seq_t               seq;
    len_t               len;         // canonical length
    vlan_t              vvlan;
    logic [5:0]         vvidx;       // V.VLAN instance, for counters
    logic               vvidx_valid;
    logic               raw;         // no tags, no padding rules but the minimum (direct, control)
    logic               to_uplink;
    logic [15:0]        tpid;
    logic [2:0]         pcp;
    vlan_t              vlan;        // outer VLAN of the uplink copy
    logic               served;
    logic               to_host;     // one copy, to host_port
    port_t              host_port;
    logic               host_tag;    // that copy carries the V.VLAN tag
    logic               group;       // copies to targets, through the replicator
    logic [MaxVf-1:0]   targets;
    logic [MaxVf-1:0]   tag_mask;    // which targets carry the V.VLAN tag
    logic               to_core;     // punt, or a copy besides that of one vPort
    reason_t            reason;
  } egress_meta_t;

  typedef enum logic [2:0] {
    KindDrop      = 3'd0,
    KindLocal     = 3'd1,
    KindUplink    = 3'd2,
    KindMulticast = 3'd3,
    KindPunt      = 3'd4,
    KindDirect    = 3'd5
  } kind_e;

  typedef struct packed {
    logic         unkeyable;
    port_t        src;
    vlan_t        vvlan;
    mac_t         da;
    mac_t         sa;
    logic [15:0]  ethertype;
    logic         is_v6;
    logic [127:0] ip_src;
    logic [127:0] ip_dst;
    logic [7:0]   proto;
    logic [15:0]  sport;
    logic [15:0]  dport;
  } flow_key_t;

  localparam int unsigned FlowKeyW = $bits(flow_key_t) - 1;  // without `unkeyable`
  localparam int unsigned KeyMaskW = 9;

  typedef struct packed {
    logic             valid;
    frame_meta_t      meta;
    len_t             len;        // canonical length
    kind_e            kind;
    reason_t          reason;
    vlan_t            vvlan;
    logic [5:0]       vvidx;
    logic             vvidx_valid;
    logic             to_uplink;
    logic             served;
    logic [MaxVf-1:0] targets;    // vPorts that get a copy (one bit for unicast)
    logic [63:0]      time_q;     // time at the meter
    logic             key_valid;
    flow_key_t        key;
    logic             flow_hit;   // a flow was applied ...
    logic [15:0]      flow_handle;
    logic             told;       // the core gets a copy: a flow may be learned from it
  } trace_dec_t;

  typedef struct packed {
    logic         valid;
    logic [3:0]   op;
    logic [3:0]   tbl;
    logic [15:0]  index;
    logic [191:0] data;
    logic [3:0]   status;
    logic [FlowKeyW-1:0] flow_key;   // zero if it is not about a flow
  } trace_cmd_t;

  typedef struct packed {
    logic    valid;
    seq_t    seq;
    port_t   port;
    reason_t reason;
  } trace_loss_t;

  typedef struct packed {
    logic [3:0]   op;
    logic [3:0]   tbl;
    logic [15:0]  index;
    logic [191:0] data;
  } tbl_req_t;

  typedef struct packed {
    logic [3:0]   status;
    logic [191:0] data;
  } tbl_rsp_t;

  // What stands at the front of a frame as it came in.
  typedef struct packed {
    frame_meta_t meta;
    logic        vswitch;      // source is a vswitch vPort
    logic        is_pause;     // MAC control
    logic        is_lldp;      // DA is the nearest-bridge address
    logic        outer_ok;     // uplink: outer tag
    logic        inner_ok;     // uplink: V.VLAN tag
    logic        vsw_ok;       // vswitch: V.VLAN tag
    vlan_t       outer_vid;
    vlan_t       tag_vid;
    logic        served;
    logic        marked;       // uplink: the adjacent switch says that it is a learning packet
    logic        strip8;
    logic        strip4;
    len_t        len;          // canonical length
  } wire_hdr_t;

  // What a MAC table entry says.
  typedef struct packed {
    logic       is_static;
    logic       is_group;
    logic [7:0] target;      // vPort, or group index
  } mac_act_t;

  // Epochs: an entry lives while its copies equal the current numbers. The proofs use short ones.
`ifndef HP_EPOCH_W
`define HP_EPOCH_W 8
`endif
  typedef logic [`HP_EPOCH_W-1:0] epoch_t;

  typedef struct packed {
    epoch_t teacher;
    epoch_t inst;
    epoch_t port;            // of a dynamic entry's vPort
  } mac_seen_t;

  typedef struct packed {
    mac_seen_t  seen;
    logic [5:0] inst;        // V.VLAN instance it lives with
    mac_act_t   act;
  } mac_entry_t;

  // What a flow says.
  typedef struct packed {
    logic [2:0] action;
    logic [1:0] teacher;
    logic       pending;
    port_t      port;
  } flow_act_t;

  typedef struct packed {
    epoch_t teacher;
    epoch_t inst;
    epoch_t src;             // ingress vPort
    epoch_t port;            // vPort it leads to
  } flow_seen_t;

  // Pending flows are taken into use by batches: an entry is pending while its batch is not in use.
  typedef logic [1:0] batch_t;

  typedef struct packed {
    flow_seen_t seen;
    logic [5:0] inst;
    batch_t     batch;       // of a pending entry
    flow_act_t  act;
  } flow_entry_t;

  // The key of a punted frame, as INSTALL needs it.
  typedef struct packed {
    logic                usable;     // it has a V.VLAN and can be a key
    flow_key_t           key;
    logic [KeyMaskW-1:0] mask;
    logic [5:0]          inst;
    epoch_t [2:0]        teacher;
    epoch_t              e_inst;
    epoch_t              e_src;
  } punt_key_t;

  // A source address that a vPort showed: for the learn unit.
  typedef struct packed {
    logic       valid;
    vlan_t      vvlan;
    mac_t       sa;
    port_t      vport;
    logic       from_valid;   // it was known behind another vPort
    port_t      from;
    logic [5:0] inst;
    mac_seen_t  seen;
  } learn_event_t;

  // An install of the learn unit, as hp_tables takes it.
  typedef struct packed {
    vlan_t      vvlan;
    mac_t       sa;
    port_t      vport;
    logic [5:0] inst;
    mac_seen_t  seen;
    logic       late;   // too long ago to say whether they have moved
  } learn_req_t;

  // A change of the MAC table or the flow cache: at most one of the first six. A pulse.
  typedef struct packed {
    logic        insert;      // an entry became visible, with a handle of its own
    logic        update;      // the action of an entry was replaced
    logic        aged;
    logic        swept;       // a dead entry is gone; nobody could see it any more
    logic        refused;     // a command changed nothing; `status` says why
    logic        revive;      // with `update`: the old entry was dead
    logic [3:0]  status;
    logic [15:0] handle;
    logic [191:0] data;       // the row
  } tbl_chg_t;

  // Counter events of a table.
  typedef struct packed {
    logic chg_insert;
    logic chg_aged;
    logic chg_swept;
    logic full;
    logic stale;
    logic quota;
    logic refused;
    logic move;
    logic invalidate;
  } tbl_count_t;

  // A header on its way through the pipeline's stages.
  typedef struct packed {
    wire_hdr_t   w;
    logic        uplink;
    logic        vport;        // source is a vPort (re-injected frames too)
    logic        control;      // punt as it is
    logic [15:0] tpid;
    logic [2:0]  pcp;
    logic        reflects;
    logic        vv_ok;        // a V.VLAN was assigned
    vlan_t       vvlan;
    logic        vvidx_valid;
    logic [5:0]  vvidx;
    logic        da_group;
    logic        da_bcast;
    logic [1:0]  tags;         // tenant tags, 3 = more than two
    logic [5:0]  m_shift;
    logic [7:0]  m_burst;
    vlan_t       out_vlan;
    logic [1:0]  miss;
    logic        learning;     // the vPort's addresses are learned
    logic        foreign;      // trusted, and not from its own address: only from one that is a vPort's entry
    logic        cache;        // the V.VLAN uses the flow cache ...
    logic        may_hit;      // ... and the frame has a key
    logic        acl;
    logic        veb;          // mode veb: no learned flows
    logic [63:0] members;
    logic        dflt_ok;      // the V.VLAN has a vswitch vPort
    port_t       dflt;
    logic [63:0] time_q;
    reason_t     reason;       // 0 = no verdict yet
  } hdr_t;

  // What the decision says; one vPort in `targets` for a local unicast.
  typedef struct packed {
    kind_e            kind;
    reason_t          reason;
    logic             to_uplink;
    logic             served;
    logic             to_host;
    port_t            host_port;
    logic             host_tag;
    logic             group;
    logic [MaxVf-1:0] targets;
    logic [MaxVf-1:0] tag_mask;
    logic             flow_hit;
    logic             flow_miss;    // of a V.VLAN that uses the flow cache
    logic             teaches;      // a flow may be learned from it; its vPort is `from`
    logic             learn;        // its source address is news
    logic             from_valid;
    port_t            from;         // vPort of its source address
  } dec_t;

  // Counter events. A decision (in + drop), and one per frame that left or was lost.
  typedef struct packed {
    logic        valid;
    logic        count_in;     // not for frames that come back from the core
    port_t       src;
    len_t        len;          // bytes on the ingress bus
    logic [15:0] frames;
    logic        vvidx_valid;
    logic [5:0]  vvidx;
    logic        drop;
    reason_t     reason;
  } cnt_dec_t;

  typedef struct packed {
    logic       valid;
    port_t      port;
    len_t       len;           // bytes on the egress bus
    logic       vvidx_valid;
    logic [5:0] vvidx;
  } cnt_out_t;

  typedef struct packed {
    logic       valid;
    port_t      port;
    logic       vvidx_valid;
    logic [5:0] vvidx;
    reason_t    reason;
  } cnt_loss_t;

  // Index of a frame's last byte on the bus: `ins` words of tags inserted, padded.
  function automatic len_t bus_last(input len_t len, input logic [1:0] ins);
    len_t sum;
    logic short;
    sum   = len + ((ins == 2'd2) ? len_t'(7) : (ins == 2'd1) ? len_t'(3) : '1);
    short = (ins == 2'd2) ? len < len_t'(MinFrame - 8) :
            (ins == 2'd1) ? len < len_t'(MinFrame - 4) : len < len_t'(MinFrame);
    return short ? len_t'(MinFrame - 1) : sum;
  endfunction
endpackage
