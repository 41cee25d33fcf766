// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Changes of a NIC that is at work.
//!
//! ```text
//!  hairpin flow add …  ─┐
//!                       ├─► EditCommand (clap) ─► Edit ─► Device::edit ─► rows and commands
//!  a line of a script  ─┘
//! ```
//!
//! A script is what `hairpin replay --edits` plays: one command per line, after the cycle in which it is
//! due.

mod command;
mod run;
mod script;

use hairpin_abi::admin::Flush;
use hairpin_abi::{FlowRow, MacAddr, Miss, Mode, Tags, VPort, VVlan};

use crate::flow::FlowFields;

pub use command::{EditCommand, FdbEdit, FlowEdit, PortEdit, VvlanEdit};
pub use script::{Script, TimedEdit, TimedLine, timed_lines};

/// A change of a NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Add a flow, or replace it.
    FlowAdd {
        /// Its V.VLAN.
        vvlan: VVlan,
        /// What its frames have in common.
        fields: FlowFields,
        /// What happens to them.
        row: FlowRow,
    },
    /// Remove a flow.
    FlowDel {
        /// Its V.VLAN.
        vvlan: VVlan,
        /// What its frames have in common.
        fields: FlowFields,
    },
    /// Remove many flows.
    FlowFlush(Flush),
    /// Add a static address.
    FdbAdd {
        /// Its V.VLAN.
        vvlan: VVlan,
        /// The address.
        mac: MacAddr,
        /// Where it is.
        vport: VPort,
    },
    /// Remove an address.
    FdbDel {
        /// Its V.VLAN.
        vvlan: VVlan,
        /// The address.
        mac: MacAddr,
    },
    /// Forget learned addresses.
    FdbFlush(Flush),
    /// Change the policy of a vPort.
    PortSet {
        /// The vPort.
        vport: VPort,
        /// What to change.
        change: PortChange,
    },
    /// Change how a V.VLAN is switched.
    VvlanSet {
        /// The V.VLAN.
        id: VVlan,
        /// What to change.
        change: VvlanChange,
    },
    /// Remove a V.VLAN.
    VvlanDel(VVlan),
}

/// A change of a vPort's policy; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortChange {
    /// Whether it is switched on. The driver of its VF sees that as its link.
    pub enabled: Option<bool>,
    /// Its address.
    pub mac: Option<MacAddr>,
    /// Whether it may only send from its own address.
    pub spoofchk: Option<bool>,
    /// Whether its guest may change its own filters.
    pub trust: Option<bool>,
    /// Whether addresses behind it are learned.
    pub learning: Option<bool>,
    /// Most addresses learned behind it.
    pub max_macs: Option<u8>,
    /// VLAN tags its guest may send.
    pub tags: Option<Tags>,
    /// Most that its VF may send, in Mb/s; 0 is no limit.
    pub max_tx_rate: Option<u32>,
}

/// A change of a V.VLAN; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VvlanChange {
    /// What a miss in the flow cache does.
    pub miss: Option<Miss>,
    /// How it is switched.
    pub mode: Option<Mode>,
    /// Whether its frames are looked up in the flow cache.
    pub cache: Option<bool>,
    /// Most flows it may have, as the row has it.
    pub flow_quota: Option<u8>,
    /// Fields of its flows' keys.
    pub key_mask: Option<u16>,
}
