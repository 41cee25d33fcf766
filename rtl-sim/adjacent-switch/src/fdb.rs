// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Which address is behind which port.

use std::collections::HashMap;

use hairpin_abi::{MacAddr, VVlan, Vlan};

use crate::packet::{Packet, PortNo};

/// An address of a VLAN and V.VLAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Station {
    /// The VLAN of the first tag.
    pub vlan: Option<Vlan>,
    /// The V.VLAN.
    pub vvlan: Option<VVlan>,
    /// The address.
    pub mac: MacAddr,
}

impl Station {
    /// An address seen from a frame.
    #[must_use]
    pub fn of(packet: &Packet, mac: MacAddr) -> Self {
        Self {
            vlan: packet.vlan,
            vvlan: packet.vvlan,
            mac,
        }
    }
}

/// What a source address taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// It was known there.
    Known,
    /// It is new.
    New,
    /// It was behind another port.
    Moved(PortNo),
    /// It is fixed to another port: the frame is not what it says.
    Spoofed,
    /// No room.
    Full,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    port: PortNo,
    /// `None`: fixed.
    seen_us: Option<u64>,
}

/// The address table.
#[derive(Clone, Debug)]
pub struct Fdb {
    entries: HashMap<Station, Entry>,
    capacity: usize,
    ageing_us: u64,
}

impl Fdb {
    /// An empty table.
    #[must_use]
    pub fn new(capacity: usize, ageing_us: u64) -> Self {
        Self {
            entries: HashMap::new(),
            capacity,
            ageing_us,
        }
    }

    /// Fixes an address to a port.
    pub fn fix(&mut self, station: Station, port: PortNo) {
        self.entries.insert(
            station,
            Entry {
                port,
                seen_us: None,
            },
        );
    }

    /// Learns a source address.
    pub fn learn(&mut self, station: Station, port: PortNo, now_us: u64) -> Learned {
        let seen_us = Some(now_us);
        if let Some(entry) = self.entries.get_mut(&station) {
            let from = entry.port;
            return match (entry.seen_us, from == port) {
                (None, true) => Learned::Known,
                (None, false) => Learned::Spoofed,
                (Some(_), true) => {
                    entry.seen_us = seen_us;
                    Learned::Known
                }
                (Some(_), false) => {
                    *entry = Entry { port, seen_us };
                    Learned::Moved(from)
                }
            };
        }
        if self.entries.len() >= self.capacity {
            self.age(now_us);
            if self.entries.len() >= self.capacity {
                return Learned::Full;
            }
        }
        self.entries.insert(station, Entry { port, seen_us });
        Learned::New
    }

    /// Where an address is.
    #[must_use]
    pub fn find(&self, station: &Station, now_us: u64) -> Option<PortNo> {
        let entry = self.entries.get(station)?;
        self.lives(entry, now_us).then_some(entry.port)
    }

    fn lives(&self, entry: &Entry, now_us: u64) -> bool {
        let seen = entry.seen_us;
        seen.is_none_or(|seen| now_us.saturating_sub(seen) < self.ageing_us)
    }

    /// Forgets what was not seen for long.
    pub fn age(&mut self, now_us: u64) {
        let ageing_us = self.ageing_us;
        self.entries.retain(|_, entry| {
            entry
                .seen_us
                .is_none_or(|seen| now_us.saturating_sub(seen) < ageing_us)
        });
    }

    /// Number of addresses.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
