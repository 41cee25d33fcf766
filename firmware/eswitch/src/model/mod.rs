// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The golden model: tables in plain memory that change by table commands, meters, counters.
//!
//! The simulator replays the NIC's trace through a [`Model`]: [`Model::replay`] for each table command,
//! [`Model::decide`] for each frame, [`Counters`] for what the NIC says it counted.

mod counters;
mod memory;
mod past;
mod replay;

pub use counters::Counters;
pub use memory::{Entry, Memory};
pub use replay::{Traced, Wrong};

use hairpin_abi::row::MacKey;
use hairpin_abi::{FlowKey, PortId, Status, TableCommand, VPort, VVlan};

use crate::{CacheUse, Canonical, Decision, Ingress, Kind, Meters, Tables, decide};

/// The golden model of a NIC.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its tables.
    pub tables: Memory,
    /// Its meters.
    pub meters: Meters,
    /// What it has counted.
    pub counters: Counters,
}

impl Model {
    /// A NIC with this many vPorts, after reset.
    #[must_use]
    pub fn new(n_vf: u8) -> Self {
        Self {
            tables: Memory::new(n_vf),
            meters: Meters::new(),
            counters: Counters::new(),
        }
    }

    /// Applies a change as the NIC would.
    pub fn apply(&mut self, command: &TableCommand) -> Status {
        let status = self.tables.apply(command);
        if let (TableCommand::Port(index, _), Status::Ok) = (command, status)
            && let Some(vport) = u8::try_from(*index).ok().and_then(VPort::new)
        {
            self.meters.refill(vport);
        }
        status
    }

    /// Decides about a frame as it stands on its bus, and notes what it used; see [`decide()`].
    pub fn decide(&mut self, time: u64, ingress: &Ingress, frame: &[u8]) -> Decision {
        self.tables.time = self.tables.time.max(time);
        let decision = decide(&self.tables, &mut self.meters, time, ingress, frame);
        if let CacheUse::Hit(handle) = decision.cache {
            self.tables.touch_flow(handle);
        }
        let passed = matches!(decision.kind, Kind::Local | Kind::Uplink | Kind::Multicast);
        self.show(time, ingress, &decision, frame);
        // What the NIC must have seen; a frame that was dropped late or punted may have counted too.
        if let (true, Ingress::VPort(vport)) = (passed, ingress)
            && let Some(vvlan) = decision.vvlan.and_then(|id| VVlan::try_from(id).ok())
            && let Some(canonical) = Canonical::new(frame, decision.strip)
        {
            let mac = canonical.source();
            self.tables.touch_mac(&MacKey { vvlan, mac }, *vport);
        }
        decision
    }

    /// Notes a frame that may be why its source address is learned.
    fn show(&mut self, time: u64, ingress: &Ingress, decision: &Decision, frame: &[u8]) {
        let vport = match ingress {
            Ingress::VPort(vport)
            | Ingress::Core {
                src: PortId::VPort(vport),
                ..
            } => *vport,
            _ => return,
        };
        let vvlan = decision.vvlan.and_then(|id| VVlan::try_from(id).ok());
        let canonical = Canonical::new(frame, decision.strip);
        let punted = decision.kind == Kind::Punt;
        let may_teach = punted || self.tables.port(vport).learning;
        if let (true, Some(vvlan), Some(canonical)) = (may_teach, vvlan, canonical) {
            let mac = canonical.source();
            self.tables
                .past
                .show(MacKey { vvlan, mac }, vport, time, punted);
        }
    }

    /// A frame of the adjacent switch has taught a flow, by its masked key; `told`: the firmware got a copy.
    pub fn taught(&mut self, flow: FlowKey, time: u64, told: bool) {
        self.counters.taught(told);
        if told {
            self.tables.past.told(flow, time);
        }
    }

    /// The adjacent switch tells the firmware where an address is.
    pub fn said(&mut self, key: MacKey, vport: VPort) {
        self.tables.past.said(key, vport);
    }

    /// Decides about a frame and counts it in, and out of the NIC if it is dropped.
    pub fn receive(&mut self, time: u64, ingress: &Ingress, frame: &[u8]) -> Decision {
        let decision = self.decide(time, ingress, frame);
        self.counters
            .decided(ingress, &decision, 1, frame.len() as u64);
        decision
    }
}
