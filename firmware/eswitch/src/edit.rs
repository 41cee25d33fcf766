// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a copy of a frame looks like when it leaves.

use hairpin_abi::{CfgRow, MIN_FRAME, PortId, UPLINK_TAGS, VSWITCH_TAG, Vlan};

use crate::Tables;
use crate::decision::{Decision, Kind};
use crate::frame::{Canonical, TPID_CTAG};

/// The dress of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Egress {
    /// To the core: the canonical frame, not padded.
    Core,
    /// The canonical frame: to a vf, or a direct frame.
    Plain,
    /// To a vSwitch vPort: with the V.VLAN as a tag.
    Vswitch {
        /// The V.VLAN.
        vvlan: Vlan,
    },
    /// To the uplink: with both NIC tags.
    Uplink {
        /// TPID and priority.
        cfg: CfgRow,
        /// Outer VLAN.
        outer: Vlan,
        /// The V.VLAN.
        vvlan: Vlan,
        /// The local members have been served.
        served: bool,
    },
}

impl Egress {
    /// The dress of the copy that a decision sends to a port; `None` if it sends none there.
    #[must_use]
    pub fn of(decision: &Decision, tables: &impl Tables, port: PortId) -> Option<Self> {
        if !decision.delivers_to(port) {
            return None;
        }
        Some(match (port, decision.vvlan) {
            (PortId::Core, _) => Self::Core,
            _ if decision.kind == Kind::Direct => Self::Plain,
            (PortId::VPort(vport), Some(vvlan)) if tables.port(vport).is_vswitch() => {
                Self::Vswitch { vvlan }
            }
            (PortId::Uplink, Some(vvlan)) => Self::Uplink {
                cfg: tables.config(),
                outer: decision.outer_vlan,
                vvlan,
                served: decision.served,
            },
            (PortId::VPort(_) | PortId::Uplink, _) => Self::Plain,
        })
    }

    /// The tag bytes behind the addresses; the length says how many count.
    fn tags(&self) -> ([u8; UPLINK_TAGS], usize) {
        let [p0, p1] = TPID_CTAG.to_be_bytes();
        match self {
            Self::Core | Self::Plain => ([0; UPLINK_TAGS], 0),
            Self::Vswitch { vvlan } => {
                let [t0, t1] = vvlan.get().to_be_bytes();
                ([p0, p1, t0, t1, 0, 0, 0, 0], VSWITCH_TAG)
            }
            Self::Uplink {
                cfg,
                outer,
                vvlan,
                served,
            } => {
                let pcp = u16::from(cfg.pcp & 7) << 13;
                let [o0, o1] = cfg.tpid.to_be_bytes();
                let [v0, v1] = (pcp | outer.get()).to_be_bytes();
                let [t0, t1] = (pcp | u16::from(*served) << 12 | vvlan.get()).to_be_bytes();
                ([o0, o1, v0, v1, p0, p1, t0, t1], UPLINK_TAGS)
            }
        }
    }

    /// Length of a copy on its bus.
    #[must_use]
    pub fn len(&self, canonical: usize) -> usize {
        match self {
            Self::Core => canonical,
            _ => canonical.saturating_add(self.tags().1).max(MIN_FRAME),
        }
    }
}

/// Writes a copy into a buffer and returns its length: addresses, tags, the rest, zeros up to the
/// shortest frame. `None`, with the buffer in no defined state, if it is too small.
pub fn write(frame: &Canonical<'_>, egress: &Egress, out: &mut [u8]) -> Option<usize> {
    let len = egress.len(frame.len());
    let (tags, tag_len) = egress.tags();
    let out = out.get_mut(..len)?;
    let rest = put(out, frame.addresses())?;
    let rest = put(rest, tags.get(..tag_len)?)?;
    put(rest, frame.rest())?.fill(0);
    Some(len)
}

/// Copies bytes to the front of a buffer and returns what is behind them.
fn put<'a>(out: &'a mut [u8], bytes: &[u8]) -> Option<&'a mut [u8]> {
    let (front, back) = out.split_at_mut_checked(bytes.len())?;
    front.copy_from_slice(bytes);
    Some(back)
}
