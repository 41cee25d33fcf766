// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the decision is asked, and what it answers.

use hairpin_abi::ids::PortSet;
use hairpin_abi::peer::Mark;
use hairpin_abi::{PortId, Reason, VPort, Vlan};

use crate::CacheUse;

/// Where a frame comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Ingress {
    /// From a vPort.
    VPort(VPort),
    /// From the wire.
    Uplink,
    /// A punted frame that the firmware sends on; canonical.
    Core {
        /// The port it first came from.
        src: PortId,
        /// Its V.VLAN.
        vvlan: Vlan,
        /// It may not be punted again.
        nopunt: bool,
    },
    /// A frame of the firmware's own.
    Direct {
        /// Where it goes.
        port: PortId,
    },
    /// No frame any more: an ingress store or the firmware ended it.
    Tombstone {
        /// The port it came from.
        src: PortId,
        /// Why.
        reason: Reason,
        /// The firmware ended it; it was counted in when it was punted.
        core: bool,
    },
}

impl Ingress {
    /// True if the frame comes through the core ingress: it is not counted in (again).
    #[must_use]
    pub const fn from_core(&self) -> bool {
        match self {
            Self::VPort(_) | Self::Uplink => false,
            Self::Core { .. } | Self::Direct { .. } => true,
            Self::Tombstone { core, .. } => *core,
        }
    }

    /// The port that the frame, and its counters, belong to.
    #[must_use]
    pub const fn port(&self) -> PortId {
        match self {
            Self::VPort(vport) => PortId::VPort(*vport),
            Self::Uplink => PortId::Uplink,
            Self::Core { src, .. } | Self::Tombstone { src, .. } => *src,
            Self::Direct { .. } => PortId::Core,
        }
    }
}

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// Nowhere.
    Drop,
    /// Unicast to one vPort.
    Local,
    /// Unicast to the uplink.
    Uplink,
    /// Group address.
    Multicast,
    /// To the firmware.
    Punt,
    /// From the firmware, as it is.
    Direct,
}

/// Where a frame goes, and what its copies look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decision {
    /// What happens to it.
    pub kind: Kind,
    /// Why.
    pub reason: Reason,
    /// vPorts that get a copy.
    pub targets: PortSet,
    /// The uplink gets a copy.
    pub to_uplink: bool,
    /// That copy says that the local members have been served.
    pub served: bool,
    /// The V.VLAN, if the frame came far enough to have one.
    pub vvlan: Option<Vlan>,
    /// The instance of the V.VLAN, if it is configured.
    pub instance: Option<u8>,
    /// What the flow cache had to do with it.
    pub cache: CacheUse,
    /// A flow may be learned from it: the core gets a copy, unless it had one of the same flow just before.
    pub teaches: bool,
    /// Default outer VLAN of the V.VLAN.
    pub outer_vlan: Vlan,
    /// NIC tag bytes behind the addresses of the frame that came in.
    pub strip: usize,
    /// A mark that the tenant's packet loses on its way through.
    pub unmark: Option<Mark>,
    /// Length of the canonical frame.
    pub len: usize,
}

impl Decision {
    pub(crate) const fn new(kind: Kind, reason: Reason, len: usize) -> Self {
        Self {
            kind,
            reason,
            targets: PortSet::EMPTY,
            to_uplink: false,
            served: false,
            vvlan: None,
            instance: None,
            cache: CacheUse::Unused,
            teaches: false,
            outer_vlan: Vlan::from_tci(0),
            strip: 0,
            unmark: None,
            len,
        }
    }

    /// True if a port gets a copy; the core gets punted frames, and whether it is told of one that teaches is not
    /// known here.
    #[must_use]
    pub fn delivers_to(&self, port: PortId) -> bool {
        match port {
            PortId::VPort(vport) => self.targets.contains(vport),
            PortId::Uplink => self.to_uplink,
            PortId::Core => self.kind == Kind::Punt,
        }
    }
}
