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
    }
}
