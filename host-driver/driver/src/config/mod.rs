// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `nic.toml`: the configuration of a whole NIC.
//!
//! ```text
//! text ──► Config::parse ──► Config ──► Plan::new(config, capabilities) ──► Plan ──► Device::apply
//!          syntax, types,               what this NIC has room for           rows and commands
//!          values, references
//! ```
//!
//! Everything that can be refused is refused before the first register is written. Every error is a
//! [`Diagnostic`] that names field, file, line and the fix.

mod apply;
mod check;
mod plan;
mod raw;
pub mod source;
pub mod switch;
mod vfs;

use std::path::{Path, PathBuf};

use hairpin_abi::ids::PortSet;
use hairpin_abi::{FlowKey, FlowRow, MacAddr, Miss, Mode, Role, Tags, VPort, VVlan, Vlan};

use self::source::{Place, Source};
use crate::Diagnostic;
use crate::steer::{Filter, RssChange};

pub use plan::{Plan, Step};
pub use raw::VlanMode;
pub use vfs::VfPlan;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Seconds after which an unused dynamic address is forgotten; `None` is never.
    pub ageing_seconds: Option<u32>,
    /// Seconds after which an unused flow is forgotten; `None` is never.
    pub flow_idle_seconds: Option<u32>,
    /// The uplink.
    pub uplink: Uplink,
    /// How the NIC learns from the adjacent switch, if it does.
    pub switch: Option<switch::SwitchConfig>,
    /// The V.VLANs, in the order of the file.
    pub vvlans: Vec<VvlanConfig>,
    /// The vPorts, in the order of the file.
    pub vports: Vec<VportConfig>,
    /// Static addresses: those of the vPorts first, then `[[fdb]]`.
    pub fdb: Vec<FdbConfig>,
    /// Multicast groups.
    pub groups: Vec<GroupConfig>,
    /// Flows.
    pub flows: Vec<FlowConfig>,
    /// Filters that send frames to queues.
    pub filters: Vec<FilterConfig>,
    /// How frames are spread over queues, by VF.
    pub rss: Vec<RssConfig>,
    /// The file it came from.
    pub file: PathBuf,
}

/// The uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// How V.VLANs ride on VLANs.
    pub vlan_mode: VlanMode,
    /// TPID of the outer tag.
    pub tpid: u16,
    /// Priority of the outer and inner tag.
    pub pcp: u8,
    /// Whether the adjacent switch relays frames back out of the port they came in by.
    pub reflects: bool,
}

/// A V.VLAN.
#[derive(Clone, Debug)]
pub struct VvlanConfig {
    /// Its ID.
    pub id: VVlan,
    /// The outer VLAN it leaves on.
    pub vlan: Vlan,
    /// More outer VLANs it is accepted on.
    pub accept: Vec<Vlan>,
    /// How it is switched.
    pub mode: Mode,
    /// What a miss in the flow cache does.
    pub miss: Miss,
    /// Whether its frames are looked up in the flow cache.
    pub cache: bool,
    /// Fields of its flows' keys.
    pub key_mask: u16,
    /// Most flows it may have: 0 for none at all, else 2 to the power of this many.
    pub flow_quota: u8,
    /// Its vPorts.
    pub members: PortSet,
    /// The one vPort with the role `vswitch`, if it has one.
    pub vswitch: Option<VPort>,
    place: Place,
    miss_place: Place,
}

/// A vPort.
#[derive(Clone, Debug)]
pub struct VportConfig {
    /// Its number, that of its VF.
    pub vport: VPort,
    /// A VM of its own, or a software switch.
    pub role: Role,
    /// Its V.VLANs: exactly one for the role `vf`.
    pub vvlans: Vec<VVlan>,
    /// Its address.
    pub mac: Option<MacAddr>,
    /// Whether it may only send from its own address.
    pub spoofchk: bool,
    /// Whether its guest may change its own filters.
    pub trust: bool,
    /// Whether addresses behind it are learned.
    pub learning: bool,
    /// Most addresses learned behind it.
    pub max_macs: u8,
    /// VLAN tags its guest may send.
    pub tags: Tags,
    /// Whether it is switched on.
    pub enabled: bool,
    /// `vswitch` only: whether frames between two VMs behind it are sent back to it.
    pub reflect: bool,
    /// Limit of group frames.
    pub meter: Option<Meter>,
    /// Queue pairs of its VF; an equal share if it is left out.
    pub queue_pairs: Option<u8>,
    /// MSI-X vectors of its VF.
    pub vectors: Option<u8>,
    /// Most that its VF may send, in Mb/s; 0 is no limit.
    pub max_tx_rate: u32,
    /// Least pause between two interrupts of a vector for frames, in microseconds; 0 is none.
    pub interrupt_gap_us: u16,
    place: Place,
    mac_place: Place,
    pairs_place: Place,
}

/// A limit of group frames: a bucket of tokens, filled at a fixed rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Tokens in a full bucket.
    pub burst: u8,
    /// One token is added every 2 to the power of this many ticks of the datapath clock.
    pub shift: u8,
}

/// A static address.
#[derive(Clone, Debug)]
pub struct FdbConfig {
    /// Its V.VLAN.
    pub vvlan: VVlan,
    /// The address.
    pub mac: MacAddr,
    /// Where it is.
    pub vport: VPort,
    place: Place,
}

/// A multicast group.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// Its V.VLAN.
    pub vvlan: VVlan,
    /// Its address.
    pub mac: MacAddr,
    /// The vPorts that receive it.
    pub members: PortSet,
    place: Place,
}

/// A flow.
#[derive(Clone, Debug)]
pub struct FlowConfig {
    /// Its V.VLAN.
    pub vvlan: VVlan,
    /// What its frames have in common.
    pub key: FlowKey,
    /// What happens to them.
    pub row: FlowRow,
    place: Place,
}

/// A filter.
#[derive(Clone, Debug)]
pub struct FilterConfig {
    /// Which frames, and their queue.
    pub filter: Filter,
    /// Its place among those of its kind, if it was named.
    pub index: Option<u8>,
    place: Place,
}

/// How the frames of a VF are spread over its queues.
#[derive(Clone, Debug)]
pub struct RssConfig {
    /// The VF.
    pub vport: VPort,
    /// What is not the default.
    pub change: RssChange,
    place: Place,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and fix.
    pub fn read(path: &Path) -> Result<Self, Diagnostic> {
        let text = source::read_text(path, "--config")?;
        Self::parse(&text, path)
    }

    /// Checks a configuration; `file` is named in errors.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and fix.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Diagnostic> {
        let source = Source::new(file, text);
        check::check(&source, source.parse()?)
    }

    /// The V.VLAN with this ID.
    pub fn vvlan(&self, id: VVlan) -> Option<&VvlanConfig> {
        self.vvlans.iter().find(|vvlan| vvlan.id == id)
    }

    /// The vPort with this number.
    pub fn vport(&self, vport: VPort) -> Option<&VportConfig> {
        self.vports.iter().find(|config| config.vport == vport)
    }
}
