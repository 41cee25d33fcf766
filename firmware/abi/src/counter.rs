// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Addresses of the hardware counters: `bank[15:13]`, `index[12:0]`; each value is 64 bits.
//!
//! A counter is written by hardware and cleared by reset only. Bytes are bytes on that port's bus,
//! NIC tags and padding included. The out counters of a V.VLAN count copies that left anywhere.

use crate::ids::PortId;
use crate::reason::Reason;

codes! {
    /// A bank of counters.
    pub enum Bank {
        /// Frames and bytes per port; index: port * 4 + counter.
        Port = 0, "port";
        /// Frames and bytes per V.VLAN instance; index: instance * 4 + counter.
        VVlan = 1, "vvlan";
        /// Drops and losses per port; index: port * 64 + reason.
        PortDrop = 2, "port-drop";
        /// Drops and losses per V.VLAN instance; index: instance * 64 + reason.
        VVlanDrop = 3, "vvlan-drop";
        /// Hits per flow entry; index: handle * 2 + counter.
        Flow = 4, "flow";
        /// Hits and misses of the flow cache per V.VLAN instance; index: instance * 4 + counter.
        Cache = 5, "cache";
        /// The tables themselves; index: table * 16 + counter, 32 + learning counter.
        Tables = 6, "tables";
    }
}

codes! {
    /// What a traffic counter counts.
    pub enum Traffic {
        /// Frames that came in.
        InFrames = 0, "in_frames";
        /// Bytes that came in.
        InBytes = 1, "in_bytes";
        /// Frames that went out.
        OutFrames = 2, "out_frames";
        /// Bytes that went out.
        OutBytes = 3, "out_bytes";
    }
}

codes! {
    /// What a counter of the flow cache counts; a flow entry has the first two.
    pub enum CacheTraffic {
        /// Frames that hit.
        HitFrames = 0, "hit_frames";
        /// Bytes of frames that hit.
        HitBytes = 1, "hit_bytes";
        /// Frames that missed.
        MissFrames = 2, "miss_frames";
        /// Bytes of frames that missed.
        MissBytes = 3, "miss_bytes";
    }
}

codes! {
    /// What a counter of a table counts.
    pub enum TableCounter {
        /// Entries that have a place now; the one value here that also falls.
        Occupied = 0, "occupied";
        /// Entries inserted.
        Inserts = 1, "inserts";
        /// Inserts that found no place.
        Failed = 2, "failed";
        /// Entries moved to make place for others.
        Moves = 3, "moves";
        /// Entries removed because they were not used for long.
        Aged = 4, "aged";
        /// Entries removed after their invalidation.
        Swept = 5, "swept";
        /// Invalidations.
        Invalidations = 6, "invalidations";
        /// Inserts refused: invalidated meanwhile.
        Stale = 7, "stale";
        /// Inserts refused: as many entries as allowed.
        Quota = 8, "quota";
        /// Inserts refused: the key has an entry that may not be replaced.
        Refused = 9, "refused";
    }
}

codes! {
    /// What a counter of learning counts.
    pub enum LearnCounter {
        /// Learn events.
        Events = 0, "learn_events";
        /// Frames whose event was waiting already.
        Suppressed = 1, "learn_suppressed";
        /// Frames that found no place for their event.
        NoSlot = 2, "learn_no_slot";
        /// Learning packets handed to the firmware.
        FlowEvents = 3, "flow_learn_events";
        /// Learning packets of a flow that was handed over just before.
        FlowSuppressed = 4, "flow_learn_suppressed";
    }
}

codes! {
    /// A table with counters.
    pub enum CountedTable {
        /// MAC addresses.
        Mac = 0, "mac";
        /// Flow cache.
        Flow = 1, "flow";
    }
}

/// Address of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CounterAddr(pub u16);

impl CounterAddr {
    const fn new(bank: Bank, row: u8, columns: u16, column: u8) -> Self {
        Self((bank as u16) << 13 | (row as u16 * columns + column as u16))
    }

    /// A traffic counter of a port.
    #[must_use]
    pub const fn port(port: PortId, what: Traffic) -> Self {
        Self::new(Bank::Port, port.get(), 4, what as u8)
    }

    /// A traffic counter of a V.VLAN instance (0 to 63; higher bits are ignored).
    #[must_use]
    pub const fn vvlan(instance: u8, what: Traffic) -> Self {
        Self::new(Bank::VVlan, instance & 63, 4, what as u8)
    }

    /// The drop counter of a port for a reason.
    #[must_use]
    pub const fn port_drop(port: PortId, reason: Reason) -> Self {
        Self::new(Bank::PortDrop, port.get(), 64, reason as u8)
    }

    /// The drop counter of a V.VLAN instance (0 to 63; higher bits are ignored) for a reason.
    #[must_use]
    pub const fn vvlan_drop(instance: u8, reason: Reason) -> Self {
        Self::new(Bank::VVlanDrop, instance & 63, 64, reason as u8)
    }
}

impl CounterAddr {
    const fn at(bank: Bank, index: u16) -> Self {
        Self((bank as u16) << 13 | index & 0x1fff)
    }

    /// Hits of a flow entry; `None` if its handle is too high or a flow entry has no such counter.
    #[must_use]
    pub const fn flow(handle: u16, what: CacheTraffic) -> Option<Self> {
        match what {
            CacheTraffic::HitFrames | CacheTraffic::HitBytes if handle < 1 << 12 => {
                Some(Self::at(Bank::Flow, handle * 2 + what as u16))
            }
            _ => None,
        }
    }

    /// A flow cache counter of a V.VLAN instance (0 to 63; higher bits are ignored).
    #[must_use]
    pub const fn cache(instance: u8, what: CacheTraffic) -> Self {
        Self::new(Bank::Cache, instance & 63, 4, what as u8)
    }

    /// A counter of a table.
    #[must_use]
    pub const fn table(table: CountedTable, what: TableCounter) -> Self {
        Self::new(Bank::Tables, table as u8, 16, what as u8)
    }

    /// A counter of learning.
    #[must_use]
    pub const fn learn(what: LearnCounter) -> Self {
        Self::new(Bank::Tables, 2, 16, what as u8)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn addresses_do_not_overlap() {
        let mut seen = BTreeSet::new();
        for port in (0..=PortId::CORE).filter_map(PortId::new) {
            for what in Traffic::ALL {
                assert!(seen.insert(CounterAddr::port(port, *what)));
            }
            for reason in Reason::ALL {
                assert!(seen.insert(CounterAddr::port_drop(port, *reason)));
            }
        }
        for instance in 0..64 {
            for what in Traffic::ALL {
                assert!(seen.insert(CounterAddr::vvlan(instance, *what)));
            }
            for reason in Reason::ALL {
                assert!(seen.insert(CounterAddr::vvlan_drop(instance, *reason)));
            }
            for what in CacheTraffic::ALL {
                assert!(seen.insert(CounterAddr::cache(instance, *what)));
            }
        }
        for handle in 0..4096 {
            let what = [CacheTraffic::HitFrames, CacheTraffic::HitBytes];
            for addr in what.map(|what| CounterAddr::flow(handle, what)) {
                assert!(seen.insert(addr.unwrap()));
            }
        }
        for table in CountedTable::ALL {
            for what in TableCounter::ALL {
                assert!(seen.insert(CounterAddr::table(*table, *what)));
            }
        }
        for what in LearnCounter::ALL {
            assert!(seen.insert(CounterAddr::learn(*what)));
        }
    }

    #[test]
    fn addresses_follow_the_contract() {
        assert_eq!(
            CounterAddr::port(PortId::Uplink, Traffic::OutBytes).0,
            64 * 4 + 3
        );
        assert_eq!(CounterAddr::vvlan(5, Traffic::InFrames).0, 0x2000 + 20);
        assert_eq!(
            CounterAddr::port_drop(PortId::Core, Reason::Meter).0,
            0x4000 + 65 * 64 + 26
        );
        assert_eq!(
            CounterAddr::vvlan_drop(63, Reason::RxFull).0,
            0x6000 + 63 * 64 + 44
        );
        let flow = |handle, what| CounterAddr::flow(handle, what).map(|addr| addr.0);
        assert_eq!(flow(5, CacheTraffic::HitBytes), Some(0x8000 + 11));
        assert_eq!(flow(4096, CacheTraffic::HitBytes), None);
        assert_eq!(flow(5, CacheTraffic::MissFrames), None);
        assert_eq!(
            CounterAddr::cache(63, CacheTraffic::MissBytes).0,
            0xa000 + 63 * 4 + 3
        );
        assert_eq!(
            CounterAddr::table(CountedTable::Flow, TableCounter::Refused).0,
            0xc000 + 16 + 9
        );
        assert_eq!(CounterAddr::learn(LearnCounter::NoSlot).0, 0xc000 + 34);
    }
}
