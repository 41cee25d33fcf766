// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The hardware's counters.

use std::collections::BTreeMap;

use hairpin_abi::counter::{CounterAddr, Traffic};
use hairpin_abi::{PortId, REASONS, Reason, ReasonClass};
use hairpin_regs::pf_on;

use crate::device::{Device, join};
use crate::error::Error;
use crate::report::Counters;
use crate::transport::Transport;

impl<T: Transport> Device<T> {
    /// Reads one counter.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn read_counter(&mut self, address: CounterAddr) -> Result<u64, Error> {
        let io = self.io();
        let window = pf_on(&io).cnt();
        window.addr().try_write(|register| {
            register.set_bank((address.0 >> 13) as u8);
            register.set_index(address.0 & 0x1fff);
        })?;
        self.poll("counter read", || Ok(!window.status().try_read()?.busy()))?;
        Ok(join(
            window.value_lo().try_read()?.value(),
            window.value_hi().try_read()?.value(),
        ))
    }

    /// Reads the counters of a port.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn port_counters(&mut self, port: PortId) -> Result<Counters, Error> {
        self.counters(
            |traffic| CounterAddr::port(port, traffic),
            |reason| CounterAddr::port_drop(port, reason),
        )
    }

    /// Reads the counters of a V.VLAN instance.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn vvlan_counters(&mut self, instance: u8) -> Result<Counters, Error> {
        self.counters(
            |traffic| CounterAddr::vvlan(instance, traffic),
            |reason| CounterAddr::vvlan_drop(instance, reason),
        )
    }

    fn counters(
        &mut self,
        traffic: impl Fn(Traffic) -> CounterAddr,
        dropped: impl Fn(Reason) -> CounterAddr,
    ) -> Result<Counters, Error> {
        let mut drops = BTreeMap::new();
        for info in REASONS {
            if !matches!(info.class, ReasonClass::Drop | ReasonClass::Loss) {
                continue;
            }
            let count = self.read_counter(dropped(info.reason))?;
            if count != 0 {
                drops.insert(info.name.to_owned(), count);
            }
        }
        Ok(Counters {
            in_frames: self.read_counter(traffic(Traffic::InFrames))?,
            in_bytes: self.read_counter(traffic(Traffic::InBytes))?,
            out_frames: self.read_counter(traffic(Traffic::OutFrames))?,
            out_bytes: self.read_counter(traffic(Traffic::OutBytes))?,
            drops,
        })
    }
}
