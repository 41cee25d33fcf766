// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The rows of the tables: decoded, as people and code use them, and packed, as the bus carries them.

use crate::bits::{
    CfgBits, GroupBits, MacBits, MacSeenBits, PortBits, RxModeBits, VVlanBits, VVlanLastBits,
    VVlanMemberBits, VVmapBits, low, words,
};
use crate::flow::Seen;
use crate::ids::{MacAddr, PortSet, VPort, VVlan, Vlan};
use crate::peer::{Mark, MarkField};
use crate::table::RowWords;

pub use crate::bits::LAYOUTS;

codes! {
    /// Tenant tags that a vPort may send.
    pub enum Tags {
        /// No tag at all.
        None = 0, "none";
        /// At most one tag, TPID 0x8100 and VID 0.
        Priority = 1, "priority";
        /// At most two tags, each with TPID 0x8100.
        Vlans = 2, "vlans";
        /// Anything.
        All = 3, "all";
    }
}

codes! {
    /// Who switches between the vPorts of a V.VLAN.
    pub enum Mode {
        /// The NIC, by MAC address.
        Veb = 0, "veb";
        /// The adjacent switch.
        Vepa = 1, "vepa";
        /// Per packet and flow.
        Auto = 2, "auto";
    }
}

codes! {
    /// What happens to a frame that the flow cache does not know.
    pub enum Miss {
        /// The MAC table decides.
        Ignore = 0, "ignore";
        /// To the adjacent switch.
        External = 1, "external";
        /// To the firmware.
        Slowpath = 2, "slowpath";
        /// Dropped.
        Drop = 3, "drop";
    }
}

codes! {
    /// What is behind a vPort.
    pub enum Role {
        /// A virtual machine; one V.VLAN, no NIC tag.
        Vf = 0, "vf";
        /// A software switch; its frames carry the V.VLAN as a tag.
        Vswitch = 1, "vswitch";
    }
}

/// A row of `PORT`: one vPort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PortRow {
    /// Frames are taken from and given to this vPort.
    pub enabled: bool,
    /// What is behind it.
    pub role: Role,
    /// Only `mac` may be a source address, and with `trust` an address that leads to the vPort.
    pub spoofchk: bool,
    /// The guest may ask for more than its configuration.
    pub trust: bool,
    /// Source addresses are learned (vSwitch vPorts).
    pub learning: bool,
    /// Tenant tags it may send.
    pub tags: Tags,
    /// Frames may leave by the vSwitch vPort they came from.
    pub reflect: bool,
    /// Most addresses the firmware learns here.
    pub max_macs: u8,
    /// V.VLAN of a vf, as the row carries it; a [`VVlan`] when it is legal.
    pub vvlan: Vlan,
    /// MAC address of a vf.
    pub mac: MacAddr,
    /// Group meter: one token at every multiple of 2^shift ticks; 0 off, at most 63.
    pub meter_shift: u8,
    /// Group meter: most tokens.
    pub meter_burst: u8,
}

impl PortRow {
    /// A disabled vPort: the state after reset.
    pub const DISABLED: Self = Self {
        enabled: false,
        role: Role::Vf,
        spoofchk: false,
        trust: false,
        learning: false,
        tags: Tags::None,
        reflect: false,
        max_macs: 0,
        vvlan: Vlan::from_tci(0),
        mac: MacAddr([0; 6]),
        meter_shift: 0,
        meter_burst: 0,
    };

    /// Unpacks a row; unknown bits are ignored.
    #[must_use]
    pub fn from_words(row: &RowWords) -> Self {
        let bits = PortBits(low(row));
        Self {
            enabled: bits.enabled() != 0,
            role: if bits.vswitch() != 0 {
                Role::Vswitch
            } else {
                Role::Vf
            },
            spoofchk: bits.spoofchk() != 0,
            trust: bits.trust() != 0,
            learning: bits.learning() != 0,
            tags: Tags::from_code(bits.tags()).unwrap_or(Tags::None),
            reflect: bits.reflect() != 0,
            max_macs: bits.max_macs(),
            vvlan: Vlan::from_tci(bits.vvlan()),
            mac: MacAddr::from_u64(bits.mac()),
            meter_shift: bits.meter_shift(),
            meter_burst: bits.meter_burst(),
        }
    }

    /// Packs the row.
    #[must_use]
    pub fn to_words(&self) -> RowWords {
        let mut bits = PortBits(0);
        bits.set_enabled(self.enabled.into());
        bits.set_vswitch(self.role.code());
        bits.set_spoofchk(self.spoofchk.into());
        bits.set_trust(self.trust.into());
        bits.set_learning(self.learning.into());
        bits.set_tags(self.tags.code());
        bits.set_reflect(self.reflect.into());
        bits.set_max_macs(self.max_macs);
        bits.set_vvlan(self.vvlan.get());
        bits.set_mac(self.mac.to_u64());
        bits.set_meter_shift(self.meter_shift);
        bits.set_meter_burst(self.meter_burst);
        words(bits.0)
    }

    /// True if its frames carry the V.VLAN as a tag.
    #[must_use]
    pub fn is_vswitch(&self) -> bool {
        self.role == Role::Vswitch
    }
}

impl Default for PortRow {
    fn default() -> Self {
        Self::DISABLED
    }
}

/// The row of `CFG`: the whole NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CfgRow {
    /// TPID of the outer tag.
    pub tpid: u16,
    /// The adjacent switch relays back out of the same port.
    pub reflects: bool,
    /// Priority in both tags, 0 to 7.
    pub pcp: u8,
    /// How the adjacent switch marks learning packets; `None`: it does not.
    pub mark: Option<Mark>,
}

impl CfgRow {
    /// Unpacks a row; unknown bits are ignored.
    #[must_use]
    pub fn from_words(row: &RowWords) -> Self {
        let bits = CfgBits(low(row) as u64);
        Self {
            tpid: bits.tpid(),
            reflects: bits.reflects() != 0,
            pcp: bits.pcp(),
            mark: MarkField::from_code(bits.mark_field()).and_then(|field| {
                Mark::new(field, bits.mark_mask(), bits.mark_set(), bits.mark_clear())
            }),
        }
    }

    /// Packs the row.
    #[must_use]
    pub fn to_words(&self) -> RowWords {
        let mut bits = CfgBits(0);
        bits.set_tpid(self.tpid);
        bits.set_reflects(self.reflects.into());
        bits.set_pcp(self.pcp);
        if let Some(mark) = self.mark {
            bits.set_mark_field(mark.field().code());
            bits.set_mark_mask(mark.mask());
            bits.set_mark_set(mark.set());
            bits.set_mark_clear(mark.clear());
        }
        words(bits.0.into())
    }
}

impl Default for CfgRow {
    /// The state after reset: TPID 0x8100, no reflecting switch, priority 0.
    fn default() -> Self {
        Self {
            tpid: 0x8100,
            reflects: false,
            pcp: 0,
            mark: None,
        }
    }
}

/// A row of `VVMAP`: the instance of a V.VLAN ID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VVmapRow {
    /// The instance, 0 to 63; `None`: the V.VLAN is not configured.
    pub instance: Option<u8>,
}

impl VVmapRow {
    /// Unpacks a row; unknown bits are ignored.
    #[must_use]
    pub fn from_words(row: &RowWords) -> Self {
        let bits = VVmapBits(row[0]);
        Self {
            instance: (bits.valid() != 0).then(|| bits.inst()),
        }
    }

    /// Packs the row.
    #[must_use]
    pub fn to_words(&self) -> RowWords {
        let mut bits = VVmapBits(0);
        if let Some(instance) = self.instance {
            bits.set_inst(instance);
            bits.set_valid(1);
        }
        words(bits.0.into())
    }
}

/// A row of `VVLAN`: one V.VLAN instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VVlanRow {
    /// Default outer VLAN.
    pub vlan: Vlan,
    /// Who switches.
    pub mode: Mode,
    /// Miss action.
    pub miss: Miss,
    /// An ACL is on.
    pub acl: bool,
    /// The flow cache is used.
    pub cache: bool,
    /// The V.VLAN's vSwitch vPort.
    pub vswitch: Option<VPort>,
    /// More outer VLANs that are accepted.
    pub accept: [Option<Vlan>; 4],
    /// vPorts of the V.VLAN.
    pub members: PortSet,
    /// Fields of the flow cache's key; see [`KeyField`](crate::flow::KeyField).
    pub key_mask: u16,
    /// Most flow entries: 0 none, else 2^n; at most 15.
    pub flow_quota: u8,
    /// The V.VLAN that has the instance; `None`: nobody.
    pub id: Option<Vlan>,
}

impl VVlanRow {
    /// A row without members.
    #[must_use]
    pub const fn new(vlan: Vlan, mode: Mode, miss: Miss) -> Self {
        Self {
            vlan,
            mode,
            miss,
            acl: false,
            cache: false,
            vswitch: None,
            accept: [None; 4],
            members: PortSet::EMPTY,
            key_mask: 0,
            flow_quota: 0,
            id: None,
        }
    }

    /// Most flow entries of the V.VLAN.
    #[must_use]
    pub const fn max_flows(&self) -> u32 {
        match self.flow_quota {
            0 => 0,
            shift => 1 << (shift & 15),
        }
    }

    /// True if the V.VLAN is accepted on this outer VLAN.
    #[must_use]
    pub fn accepts(&self, outer: Vlan) -> bool {
        outer == self.vlan || self.accept.contains(&Some(outer))
    }

    /// Unpacks a row. Unknown bits are ignored; mode 3 reads as `auto`; a vSwitch port above 63 reads
    /// as none.
    #[must_use]
    pub fn from_words(row: &RowWords) -> Self {
        let bits = VVlanBits(low(row));
        let members = VVlanMemberBits(u64::from(row[3]) | u64::from(row[4]) << 32);
        let last = VVlanLastBits(row[5]);
        let accept = |valid: u8, id: u16| (valid != 0).then(|| Vlan::from_tci(id));
        Self {
            vlan: Vlan::from_tci(bits.vlan()),
            mode: Mode::from_code(bits.mode()).unwrap_or(Mode::Auto),
            miss: Miss::from_code(bits.miss()).unwrap_or(Miss::Drop),
            acl: bits.acl() != 0,
            cache: bits.cache() != 0,
            vswitch: VPort::new(bits.vswitch_port()).filter(|_| bits.vswitch_valid() != 0),
            accept: [
                accept(bits.accept0_valid(), bits.accept0()),
                accept(bits.accept1_valid(), bits.accept1()),
                accept(bits.accept2_valid(), bits.accept2()),
                accept(bits.accept3_valid(), bits.accept3()),
            ],
            members: PortSet(members.members()),
            key_mask: last.key_mask(),
            flow_quota: bits.flow_quota(),
            id: (last.used() != 0).then(|| Vlan::from_tci(last.id())),
        }
    }

    /// Packs the row.
    #[must_use]
    pub fn to_words(&self) -> RowWords {
        let mut bits = VVlanBits(0);
        bits.set_vlan(self.vlan.get());
        bits.set_mode(self.mode.code());
        bits.set_miss(self.miss.code());
        bits.set_acl(self.acl.into());
        bits.set_cache(self.cache.into());
        if let Some(vport) = self.vswitch {
            bits.set_vswitch_valid(1);
            bits.set_vswitch_port(vport.get());
        }
        bits.set_flow_quota(self.flow_quota);
        let id = |slot: Option<Vlan>| slot.map_or(0, Vlan::get);
        let [a, b, c, d] = self.accept;
        bits.set_accept0(id(a));
        bits.set_accept0_valid(a.is_some().into());
        bits.set_accept1(id(b));
        bits.set_accept1_valid(b.is_some().into());
        bits.set_accept2(id(c));
        bits.set_accept2_valid(c.is_some().into());
        bits.set_accept3(id(d));
        bits.set_accept3_valid(d.is_some().into());
        let [w0, w1, w2, ..] = words(bits.0);
        let mut members = VVlanMemberBits(0);
        members.set_members(self.members.0);
        let mut last = VVlanLastBits(0);
        last.set_key_mask(self.key_mask);
        last.set_id(id(self.id));
        last.set_used(self.id.is_some().into());
        [
            w0,
            w1,
            w2,
            members.0 as u32,
            (members.0 >> 32) as u32,
            last.0,
        ]
    }
}

/// A row of `GROUP`: the vPorts of a group address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GroupRow {
    /// Its vPorts.
    pub vports: PortSet,
}

impl GroupRow {
    /// Unpacks a row; unknown bits are ignored.
    #[must_use]
    pub fn from_words(row: &RowWords) -> Self {
        let bits = GroupBits(u64::from(row[0]) | u64::from(row[1]) << 32);
        Self {
            vports: PortSet(bits.bitmap()),
        }
    }

    /// Packs the row.
    #[must_use]
    pub fn to_words(&self) -> RowWords {
        let mut bits = GroupBits(0);
        bits.set_bitmap(self.vports.0);
        words(bits.0.into())
    }
}

/// Rows of `RXMODE` that a vPort has; its first has the modes as well.
pub const RX_MODE_ROWS: u8 = 8;

/// A row of `RXMODE`: what a guest asked for and got. What holds is that and `trust` of the vPort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RxModeRow {
    /// An address, and the V.VLAN that it is in.
    pub key: Option<MacKey>,
    /// It takes unicast frames that nobody takes; in a vPort's first row.
    pub promisc: bool,
    /// It takes frames of every group; in a vPort's first row.
    pub allmulti: bool,
}

impl RxModeRow {
    /// The index of a vPort's row, 0 to [`RX_MODE_ROWS`] - 1.
    #[must_use]
    pub const fn index(vport: VPort, row: u8) -> u16 {
        vport.get() as u16 * RX_MODE_ROWS as u16 + row as u16
    }

    /// Unpacks a row; unknown bits are ignored, and an address in no legal V.VLAN is none.
    #[must_use]
    pub fn from_words(row: &RowWords) -> Self {
        let bits = RxModeBits(low(row));
        let key = VVlan::new(bits.vvlan()).map(|vvlan| MacKey {
            vvlan,
            mac: MacAddr::from_u64(bits.mac()),
        });
        Self {
            key: key.filter(|_| bits.valid() != 0),
            promisc: bits.promisc() != 0,
            allmulti: bits.allmulti() != 0,
        }
    }

    /// Packs the row.
    #[must_use]
    pub fn to_words(&self) -> RowWords {
        let mut bits = RxModeBits(0);
        if let Some(key) = self.key {
            bits.set_mac(key.mac.to_u64());
            bits.set_vvlan(key.vvlan.get());
            bits.set_valid(1);
        }
        bits.set_promisc(self.promisc.into());
        bits.set_allmulti(self.allmulti.into());
        words(bits.0)
    }
}

/// The key of a MAC entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MacKey {
    /// The V.VLAN.
    pub vvlan: VVlan,
    /// The address.
    pub mac: MacAddr,
}

impl MacKey {
    /// Unpacks a key. `None` if its V.VLAN is not 1 to 4094.
    #[must_use]
    pub fn from_words(row: &RowWords) -> Option<Self> {
        let bits = MacBits(low(row));
        Some(Self {
            vvlan: VVlan::new(bits.vvlan())?,
            mac: MacAddr::from_u64(bits.mac()),
        })
    }

    /// Packs the key.
    #[must_use]
    pub fn to_words(&self) -> RowWords {
        let mut bits = MacBits(0);
        bits.set_mac(self.mac.to_u64());
        bits.set_vvlan(self.vvlan.get());
        words(bits.0)
    }
}

/// Where a MAC entry leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Target {
    /// To a vPort.
    VPort(VPort),
    /// To the row of `GROUP` with this index.
    Group(u8),
}

/// A row of `MAC`: an entry of the address table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MacRow {
    /// Its key.
    pub key: MacKey,
    /// Where it leads.
    pub target: Target,
    /// It never moves and never ages.
    pub is_static: bool,
}

impl MacRow {
    /// Unpacks an entry to insert. `None` if the V.VLAN is not 1 to 4094 or the vPort above 63. The
    /// valid bit is not looked at.
    #[must_use]
    pub fn from_words(row: &RowWords) -> Option<Self> {
        let bits = MacBits(low(row));
        let target = if bits.is_group() != 0 {
            Target::Group(bits.target())
        } else {
            Target::VPort(VPort::new(bits.target())?)
        };
        Some(Self {
            key: MacKey::from_words(row)?,
            target,
            is_static: bits.is_static() != 0,
        })
    }

    /// Unpacks a response: `None` if there is no entry.
    #[must_use]
    pub fn from_response(row: &RowWords) -> Option<Self> {
        if MacBits(low(row)).valid() == 0 {
            None
        } else {
            Self::from_words(row)
        }
    }

    /// Packs the entry, valid bit set.
    #[must_use]
    pub fn to_words(&self) -> RowWords {
        let mut bits = MacBits(low(&self.key.to_words()));
        match self.target {
            Target::VPort(vport) => bits.set_target(vport.get()),
            Target::Group(index) => {
                bits.set_target(index);
                bits.set_is_group(1);
            }
        }
        bits.set_is_static(self.is_static.into());
        bits.set_valid(1);
        words(bits.0)
    }

    /// Packs a response.
    #[must_use]
    pub fn to_response(&self, seen: Seen) -> RowWords {
        let mut bits = MacSeenBits(0);
        bits.set_stamp(seen.stamp);
        bits.set_handle(seen.handle);
        let [a, b, c, ..] = self.to_words();
        [a, b, c, bits.0, 0, 0]
    }
}
