// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The packed form of the rows, and the layouts that the SystemVerilog structs come from.

use crate::layout::Layout;
use crate::table::RowWords;

packed! {
    /// `PORT`, words 0 to 2.
    struct PortBits(u128) at word 0 {
        /// frames are taken from and given to this vPort
        u8, enabled, set_enabled: 0, 0;
        /// role: 0 vf, 1 vswitch (its frames carry the V.VLAN as a tag)
        u8, vswitch, set_vswitch: 1, 1;
        /// only `mac` may be a source address, with `trust` an address that leads here too
        u8, spoofchk, set_spoofchk: 2, 2;
        /// the guest may ask for more than its configuration
        u8, trust, set_trust: 3, 3;
        /// source addresses are learned (vswitch)
        u8, learning, set_learning: 4, 4;
        /// tenant tags allowed: 0 none, 1 priority, 2 vlans, 3 all
        u8, tags, set_tags: 6, 5;
        /// frames may leave by the vswitch vPort they came from
        u8, reflect, set_reflect: 7, 7;
        /// most addresses the firmware learns here
        u8, max_macs, set_max_macs: 15, 8;
        /// V.VLAN of a vf
        u16, vvlan, set_vvlan: 27, 16;
        /// MAC address of a vf
        u64, mac, set_mac: 79, 32;
        /// group meter: a token at every 2^shift ticks, 0 off
        u8, meter_shift, set_meter_shift: 85, 80;
        /// group meter: most tokens
        u8, meter_burst, set_meter_burst: 95, 88;
    }
}

packed! {
    /// `CFG`, words 0 and 1.
    struct CfgBits(u64) at word 0 {
        /// TPID of the outer tag
        u16, tpid, set_tpid: 15, 0;
        /// the adjacent switch relays back out of the same port
        u8, reflects, set_reflects: 16, 16;
        /// priority in both tags
        u8, pcp, set_pcp: 19, 17;
        /// field of the mark of learning packets: 0 outer DEI, 1 outer PCP, 2 inner PCP, 3 DSCP
        u8, mark_field, set_mark_field: 33, 32;
        /// its bits; 0: nothing is marked
        u8, mark_mask, set_mark_mask: 39, 34;
        /// their value on a learning packet
        u8, mark_set, set_mark_set: 45, 40;
        /// their value on every other frame
        u8, mark_clear, set_mark_clear: 51, 46;
    }
}

packed! {
    /// `VVMAP`, word 0.
    struct VVmapBits(u32) at word 0 {
        /// V.VLAN instance
        u8, inst, set_inst: 5, 0;
        /// the V.VLAN is configured
        u8, valid, set_valid: 31, 31;
    }
}

packed! {
    /// `VVLAN`, words 0 to 2.
    struct VVlanBits(u128) at word 0 {
        /// default outer VLAN
        u16, vlan, set_vlan: 11, 0;
        /// 0 veb, 1 vepa, 2 auto
        u8, mode, set_mode: 13, 12;
        /// miss action: 0 ignore, 1 external, 2 slowpath, 3 drop
        u8, miss, set_miss: 15, 14;
        /// an ACL is on
        u8, acl, set_acl: 16, 16;
        /// the flow cache is used
        u8, cache, set_cache: 17, 17;
        /// there is a vswitch vPort
        u8, vswitch_valid, set_vswitch_valid: 18, 18;
        /// the vswitch vPort
        u8, vswitch_port, set_vswitch_port: 25, 19;
        /// most flow entries: 0 none, else 2^n
        u8, flow_quota, set_flow_quota: 29, 26;
        /// another accepted outer VLAN
        u16, accept0, set_accept0: 43, 32;
        /// `accept0` is in use
        u8, accept0_valid, set_accept0_valid: 47, 47;
        /// another accepted outer VLAN
        u16, accept1, set_accept1: 59, 48;
        /// `accept1` is in use
        u8, accept1_valid, set_accept1_valid: 63, 63;
        /// another accepted outer VLAN
        u16, accept2, set_accept2: 75, 64;
        /// `accept2` is in use
        u8, accept2_valid, set_accept2_valid: 79, 79;
        /// another accepted outer VLAN
        u16, accept3, set_accept3: 91, 80;
        /// `accept3` is in use
        u8, accept3_valid, set_accept3_valid: 95, 95;
    }
}

packed! {
    /// `VVLAN`, words 3 and 4.
    struct VVlanMemberBits(u64) at word 3 {
        /// vPorts of the V.VLAN
        u64, members, set_members: 63, 0;
    }
}

packed! {
    /// `VVLAN`, word 5.
    struct VVlanLastBits(u32) at word 5 {
        /// fields of the flow cache's key
        u16, key_mask, set_key_mask: 15, 0;
        /// V.VLAN ID of the instance
        u16, id, set_id: 27, 16;
        /// the instance is in use
        u8, used, set_used: 31, 31;
    }
}

packed! {
    /// `GROUP`, words 0 and 1.
    struct GroupBits(u64) at word 0 {
        /// vPorts of the group
        u64, bitmap, set_bitmap: 63, 0;
    }
}

packed! {
    /// `MAC`, words 0 to 2.
    struct MacBits(u128) at word 0 {
        /// key: address
        u64, mac, set_mac: 47, 0;
        /// key: V.VLAN
        u16, vvlan, set_vvlan: 59, 48;
        /// vPort, or group index
        u8, target, set_target: 71, 64;
        /// `target` is a group
        u8, is_group, set_is_group: 72, 72;
        /// never moves, never ages
        u8, is_static, set_is_static: 73, 73;
        /// the entry is there (responses)
        u8, valid, set_valid: 95, 95;
    }
}

packed! {
    /// `MAC`, word 3.
    struct MacSeenBits(u32) at word 3 {
        /// last use: bits 36:21 of the time (responses)
        u16, stamp, set_stamp: 15, 0;
        /// number of the entry (responses)
        u16, handle, set_handle: 31, 16;
    }
}

packed! {
    /// `FLOW`, word 0.
    struct FlowBits(u32) at word 0 {
        /// 0 local, 1 uplink, 2 drop, 3 punt, 4 redirect
        u8, action, set_action: 2, 0;
        /// 0 learned, 1 flow, 2 policy
        u8, teacher, set_teacher: 4, 3;
        /// not in use yet: a miss
        u8, pending, set_pending: 5, 5;
        /// vPort it leads to, 64: none
        u8, port, set_port: 14, 8;
        /// the entry is there (responses)
        u8, valid, set_valid: 31, 31;
    }
}

packed! {
    /// `FLOW`, word 1.
    struct FlowSeenBits(u32) at word 1 {
        /// last use: bits 36:21 of the time (responses)
        u16, stamp, set_stamp: 15, 0;
        /// number of the entry (responses)
        u16, handle, set_handle: 31, 16;
    }
}

packed! {
    /// `RXMODE`, words 0 to 2.
    struct RxModeBits(u128) at word 0 {
        /// an address that the guest asked for
        u64, mac, set_mac: 47, 0;
        /// the V.VLAN that it is in
        u16, vvlan, set_vvlan: 59, 48;
        /// the guest asked for the address, and got it
        u8, valid, set_valid: 63, 63;
        /// first row of a vPort: it takes unicast frames that nobody takes
        u8, promisc, set_promisc: 64, 64;
        /// first row of a vPort: it takes frames of every group
        u8, allmulti, set_allmulti: 65, 65;
    }
}

/// The layouts, by table.
pub const LAYOUTS: &[Layout] = &[
    Layout {
        table: "PORT",
        name: "port_row_t",
        words: 3,
        parts: &[PortBits::FIELDS],
    },
    Layout {
        table: "CFG",
        name: "cfg_row_t",
        words: 2,
        parts: &[CfgBits::FIELDS],
    },
    Layout {
        table: "VVMAP",
        name: "vvmap_row_t",
        words: 1,
        parts: &[VVmapBits::FIELDS],
    },
    Layout {
        table: "VVLAN",
        name: "vvlan_row_t",
        words: 6,
        parts: &[
            VVlanBits::FIELDS,
            VVlanMemberBits::FIELDS,
            VVlanLastBits::FIELDS,
        ],
    },
    Layout {
        table: "GROUP",
        name: "group_row_t",
        words: 2,
        parts: &[GroupBits::FIELDS],
    },
    Layout {
        table: "MAC",
        name: "mac_row_t",
        words: 4,
        parts: &[MacBits::FIELDS, MacSeenBits::FIELDS],
    },
    Layout {
        table: "FLOW",
        name: "flow_row_t",
        words: 2,
        parts: &[FlowBits::FIELDS, FlowSeenBits::FIELDS],
    },
    Layout {
        table: "RXMODE",
        name: "rxmode_row_t",
        words: 3,
        parts: &[RxModeBits::FIELDS],
    },
];

/// Words 0 to 2, or fewer, as a number.
pub(crate) const fn low(words: &RowWords) -> u128 {
    words[0] as u128 | (words[1] as u128) << 32 | (words[2] as u128) << 64
}

const fn word(bits: u128, index: u32) -> u32 {
    (bits >> (32 * index)) as u32
}

/// A row of words 0 to 2.
pub(crate) const fn words(bits: u128) -> RowWords {
    [word(bits, 0), word(bits, 1), word(bits, 2), 0, 0, 0]
}
