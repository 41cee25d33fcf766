// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Step 3 of the decision: what the flow cache says about a frame.

use hairpin_abi::row::MacKey;
use hairpin_abi::{
    CfgRow, FlowAction, FlowRow, Miss, Mode, PortId, Target, Teacher, VPort, VVlan, VVlanRow,
};

use crate::frame::Canonical;
use crate::{FrameKey, Tables};

/// What the flow cache had to do with a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CacheUse {
    /// Nothing: the V.VLAN does not use it, or the frame did not come so far.
    #[default]
    Unused,
    /// No entry is for the frame.
    Miss,
    /// The entry with this handle is.
    Hit(u16),
}

/// A live entry of the flow cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FlowHit {
    /// Its handle.
    pub handle: u16,
    /// Its row.
    pub row: FlowRow,
}

/// What happens next to a frame that asked the flow cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// No entry: this miss action.
    Miss(Miss),
    /// The MAC table decides, without a miss action.
    Local,
    /// To the uplink.
    Uplink,
    /// Dropped.
    Drop,
    /// To the firmware.
    Punt,
    /// To this port, which may be none that can be redirected to.
    Redirect(PortId),
}

impl Next {
    /// The miss action that the rest of the decision sees.
    pub(crate) const fn miss(self) -> Miss {
        match self {
            Self::Miss(miss) => miss,
            _ => Miss::Ignore,
        }
    }
}

/// A frame in a V.VLAN.
pub(crate) struct Asked<'a, 'f> {
    pub(crate) src: PortId,
    pub(crate) id: VVlan,
    pub(crate) row: &'a VVlanRow,
    pub(crate) frame: &'a Canonical<'f>,
    /// It may not be punted (again).
    pub(crate) nopunt: bool,
}

impl Asked<'_, '_> {
    /// Asks the flow cache.
    pub(crate) fn ask(&self, tables: &impl Tables, cfg: CfgRow) -> (CacheUse, Next) {
        if !self.row.cache {
            return (CacheUse::Unused, Next::Miss(self.row.miss));
        }
        let key = FrameKey::extract(self.src, self.id.into(), self.frame, cfg.tpid);
        if key.unkeyable {
            // What an ACL might forbid goes to somebody who can read it.
            let miss = match (self.row.acl, cfg.reflects) {
                (false, _) => self.row.miss,
                (true, true) => Miss::External,
                (true, false) => Miss::Slowpath,
            };
            return (CacheUse::Miss, Next::Miss(miss));
        }
        let entry = tables.flow(&key.fields.masked(self.row.key_mask));
        match entry.filter(|entry| self.counts(&entry.row)) {
            Some(FlowHit { handle, row }) => (CacheUse::Hit(handle), self.next(&row)),
            None => (CacheUse::Miss, Next::Miss(self.row.miss)),
        }
    }

    /// True if an entry that was found is a hit.
    fn counts(&self, row: &FlowRow) -> bool {
        let by_address = self.frame.destination().is_group() || self.row.mode == Mode::Veb;
        !(row.pending || by_address && row.teacher == Teacher::Learned)
    }

    /// The vPort that the frame's source address belongs to.
    pub(crate) fn source(&self, tables: &impl Tables) -> Option<VPort> {
        let mac = self.frame.source();
        match tables.mac(&MacKey {
            vvlan: self.id,
            mac,
        }) {
            Some(Target::VPort(vport)) => Some(vport),
            None | Some(Target::Group(_)) => None,
        }
    }

    /// True if a learning packet that a vPort gets by its address teaches a flow: an entry could be made of it that
    /// the frames of a vPort hit.
    pub(crate) fn teaches(&self, tables: &impl Tables, cfg: CfgRow) -> bool {
        let unkeyable =
            || FrameKey::extract(self.src, self.id.into(), self.frame, cfg.tpid).unkeyable;
        self.row.cache
            && self.row.mode != Mode::Veb
            && !self.row.acl
            && !self.frame.destination().is_group()
            && self.source(tables).is_some()
            && !unkeyable()
    }

    fn next(&self, row: &FlowRow) -> Next {
        match row.action {
            FlowAction::Local => Next::Local,
            FlowAction::Punt if self.nopunt => Next::Local,
            FlowAction::Punt => Next::Punt,
            FlowAction::Uplink => Next::Uplink,
            FlowAction::Drop => Next::Drop,
            FlowAction::Redirect => Next::Redirect(row.port),
        }
    }
}
