// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a NIC counts.

use std::boxed::Box;
use std::vec;

use hairpin_abi::counter::{
    CacheTraffic, CountedTable, CounterAddr, LearnCounter, TableCounter, Traffic,
};
use hairpin_abi::{Op, PortId, Reason, Status, Table};

use crate::{CacheUse, Decision, Ingress, Kind};

/// The counters of a NIC.
#[derive(Clone, Debug)]
pub struct Counters {
    values: Box<[u64]>,
}

impl Counters {
    /// All zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            values: vec![0; 1 << 16].into_boxed_slice(),
        }
    }

    /// The value of a counter.
    #[must_use]
    pub fn get(&self, addr: CounterAddr) -> u64 {
        self.values.get(usize::from(addr.0)).copied().unwrap_or(0)
    }

    fn add(&mut self, addr: CounterAddr, amount: u64) {
        if let Some(value) = self.values.get_mut(usize::from(addr.0)) {
            *value = value.wrapping_add(amount);
        }
    }

    /// Counts a decision. `frames` and `bytes` are what the frame on the ingress bus stands for: a
    /// tombstone may stand for several frames. What comes through the core ingress is not counted in;
    /// if it is dropped, the drop is counted.
    pub fn decided(&mut self, ingress: &Ingress, decision: &Decision, frames: u64, bytes: u64) {
        let port = ingress.port();
        if !ingress.from_core() {
            self.add(CounterAddr::port(port, Traffic::InFrames), frames);
            self.add(CounterAddr::port(port, Traffic::InBytes), bytes);
            if let Some(instance) = decision.instance {
                self.add(CounterAddr::vvlan(instance, Traffic::InFrames), frames);
                self.add(CounterAddr::vvlan(instance, Traffic::InBytes), bytes);
            }
        }
        if decision.kind == Kind::Drop {
            self.dropped(port, decision.instance, decision.reason, frames);
        }
        self.cached(decision, bytes);
    }

    /// Counts what the flow cache had to do with a frame, wherever the frame came from.
    fn cached(&mut self, decision: &Decision, bytes: u64) {
        use CacheTraffic::{HitBytes, HitFrames, MissBytes, MissFrames};
        let (frames_of, bytes_of) = match decision.cache {
            CacheUse::Unused => return,
            CacheUse::Miss => (MissFrames, MissBytes),
            CacheUse::Hit(handle) => {
                for (what, amount) in [(HitFrames, 1), (HitBytes, bytes)] {
                    if let Some(addr) = CounterAddr::flow(handle, what) {
                        self.add(addr, amount);
                    }
                }
                (HitFrames, HitBytes)
            }
        };
        if let Some(instance) = decision.instance {
            self.add(CounterAddr::cache(instance, frames_of), 1);
            self.add(CounterAddr::cache(instance, bytes_of), bytes);
        }
    }

    /// Counts a frame that teaches, and whether the core was told.
    pub fn taught(&mut self, told: bool) {
        let what = if told {
            LearnCounter::FlowEvents
        } else {
            LearnCounter::FlowSuppressed
        };
        self.add(CounterAddr::learn(what), 1);
    }

    /// Counts a command on `MAC` or `FLOW`, as far as its answer tells what to count.
    pub fn commanded(&mut self, op: Op, table: Table, status: Status) {
        let table = match table {
            Table::Mac => CountedTable::Mac,
            Table::Flow => CountedTable::Flow,
            _ => return,
        };
        let what = match (op, status) {
            (Op::Insert, Status::Ok) => TableCounter::Inserts,
            (Op::Insert, Status::Full) => TableCounter::Failed,
            (Op::Insert, Status::Stale) => TableCounter::Stale,
            (Op::Insert, Status::Quota) => TableCounter::Quota,
            (Op::Insert, Status::Refused) => TableCounter::Refused,
            (Op::Sweep, Status::Ok) => TableCounter::Aged,
            _ => return,
        };
        self.add(CounterAddr::table(table, what), 1);
    }

    /// The handle of a flow is given out: its counters begin at zero.
    pub fn begin_flow(&mut self, handle: u16) {
        for what in [CacheTraffic::HitFrames, CacheTraffic::HitBytes] {
            let value = CounterAddr::flow(handle, what)
                .and_then(|addr| self.values.get_mut(usize::from(addr.0)));
            if let Some(value) = value {
                *value = 0;
            }
        }
    }

    /// Counts a copy that left: its bytes on that port's bus.
    pub fn left(&mut self, port: PortId, instance: Option<u8>, bytes: u64) {
        self.add(CounterAddr::port(port, Traffic::OutFrames), 1);
        self.add(CounterAddr::port(port, Traffic::OutBytes), bytes);
        if let Some(instance) = instance {
            self.add(CounterAddr::vvlan(instance, Traffic::OutFrames), 1);
            self.add(CounterAddr::vvlan(instance, Traffic::OutBytes), bytes);
        }
    }

    /// Counts a loss after the decision, at the port that the contract names for its reason.
    pub fn lost(&mut self, port: PortId, instance: Option<u8>, reason: Reason) {
        self.dropped(port, instance, reason, 1);
    }

    fn dropped(&mut self, port: PortId, instance: Option<u8>, reason: Reason, frames: u64) {
        self.add(CounterAddr::port_drop(port, reason), frames);
        if let Some(instance) = instance {
            self.add(CounterAddr::vvlan_drop(instance, reason), frames);
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}
