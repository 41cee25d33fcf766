// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the host has to hear of, although nobody asked: tables without room, quotas that are used up,
//! installs that came too late. Each kind is told at most once in [`PERIOD`].

use hairpin_abi::fw::{Event, EventCode};
use hairpin_abi::{PortId, Status, Vlan};

use crate::learn::{Learned, Refusal};

/// Ticks between two events of a kind, 107 ms at the nominal clock.
pub const PERIOD: u64 = 1 << 24;

/// The kinds, by the status that shows them.
const KINDS: [(Status, EventCode); 3] = [
    (Status::Full, EventCode::TableFull),
    (Status::Quota, EventCode::Quota),
    (Status::Stale, EventCode::Stale),
];

/// What has happened since the host was told.
#[derive(Debug)]
pub(crate) struct Health {
    /// Statuses that were seen, as bits.
    seen: u32,
    /// When the host is told next.
    next: u64,
}

impl Health {
    pub(crate) const fn new() -> Self {
        Self { seen: 0, next: 0 }
    }

    /// Notes a status.
    pub(crate) fn status(&mut self, status: Status) {
        self.seen |= 1 << status.code();
    }

    /// Notes what became of an address.
    pub(crate) fn learned(&mut self, learned: Learned) {
        match learned {
            Learned::Refused(Refusal::Full) => self.status(Status::Full),
            Learned::Refused(Refusal::Quota) => self.status(Status::Quota),
            Learned::Refused(Refusal::Stale) => self.status(Status::Stale),
            _ => {}
        }
    }

    /// Tells the host, if it is time.
    pub(crate) fn tell(&mut self, time: u64, mut tell: impl FnMut(Event)) {
        if time < self.next {
            return;
        }
        let seen = core::mem::take(&mut self.seen);
        for (_, code) in KINDS
            .into_iter()
            .filter(|(status, _)| seen & 1 << status.code() != 0)
        {
            self.next = time.saturating_add(PERIOD);
            tell(Event {
                code,
                port: PortId::Core,
                vvlan: Vlan::from_tci(0),
                mac_low: 0,
            });
        }
    }
}
