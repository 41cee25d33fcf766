// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the driver can read, against the golden model.

use hairpin_abi::admin::Command;
use hairpin_abi::counter::{
    CacheTraffic, CountedTable, CounterAddr, LearnCounter, TableCounter, Traffic,
};
use hairpin_abi::{PortId, REASONS, ReasonClass, Table, VPort};
use hairpin_driver::report::Counters;
use hairpin_driver::{Diagnostic, Error};

use super::{Nic, Observer};

/// Counters of a table that the trace tells.
const TRACED: [TableCounter; 6] = [
    TableCounter::Inserts,
    TableCounter::Failed,
    TableCounter::Aged,
    TableCounter::Stale,
    TableCounter::Quota,
    TableCounter::Refused,
];
/// Reads of a counter that changes meanwhile.
const TRIES: u32 = 16;

impl Nic {
    /// Compares every counter of the ports and of these V.VLAN instances with the golden model.
    /// Only right when nothing is inside the NIC.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn compare_counters(&mut self, instances: &[u8]) -> Result<(), Error> {
        let vfs = usize::from(self.device.capabilities().vfs);
        let vports = VPort::all().take(vfs).map(PortId::VPort);
        for port in vports.chain([PortId::Uplink, PortId::Core]) {
            let actual = self.device.port_counters(port)?;
            self.compare(
                &port.to_string(),
                &actual,
                |what| CounterAddr::port(port, what),
                |reason| CounterAddr::port_drop(port, reason),
            );
        }
        for instance in instances {
            let actual = self.device.vvlan_counters(*instance)?;
            self.compare(
                &format!("V.VLAN instance {instance}"),
                &actual,
                |what| CounterAddr::vvlan(*instance, what),
                |reason| CounterAddr::vvlan_drop(*instance, reason),
            );
        }
        Ok(())
    }

    /// Compares what the flow cache and the tables have counted, as far as the trace tells it: per V.VLAN
    /// instance, per live flow entry, per table. Only right when nothing is inside the NIC.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn compare_table_counters(
        &mut self,
        instances: &[u8],
        observer: &mut dyn Observer,
    ) -> Result<(), Diagnostic> {
        let mut all = Vec::new();
        for instance in instances {
            for what in CacheTraffic::ALL {
                let name = format!("flow cache of V.VLAN instance {instance} {what}");
                all.push((name, CounterAddr::cache(*instance, *what)));
            }
        }
        let tables = &self.scoreboard.golden().model().tables;
        let mut handles: Vec<u16> = tables.flows().map(|(_, entry)| entry.handle).collect();
        handles.sort_unstable();
        for handle in handles {
            for what in [CacheTraffic::HitFrames, CacheTraffic::HitBytes] {
                let addr = CounterAddr::flow(handle, what);
                all.extend(addr.map(|addr| (format!("flow entry {handle} {what}"), addr)));
            }
        }
        for what in [LearnCounter::FlowEvents, LearnCounter::FlowSuppressed] {
            all.push((what.to_string(), CounterAddr::learn(what)));
        }
        for table in CountedTable::ALL {
            for what in TRACED {
                let addr = CounterAddr::table(*table, what);
                all.push((format!("table {table} {what}"), addr));
            }
        }
        for (name, addr) in all {
            // Again, if the firmware has changed it meanwhile, as a sweep does.
            let mut tries = TRIES;
            let (expected, value) = loop {
                self.drain(observer)?;
                let expected = self.scoreboard.golden().counter(addr);
                let value = self.device.read_counter(addr)?;
                self.drain(observer)?;
                tries -= 1;
                if tries == 0 || self.scoreboard.golden().counter(addr) == expected {
                    break (expected, value);
                }
            };
            let now = self.now();
            self.scoreboard.compare(now, &name, expected, value);
        }
        Ok(())
    }

    /// Compares how many entries the tables hold with the golden model, which knows of dead ones until the
    /// NIC has swept them. Only right when nothing is inside the NIC.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn compare_occupancy(&mut self, observer: &mut dyn Observer) -> Result<(), Diagnostic> {
        for (counted, table) in [
            (CountedTable::Mac, Table::Mac),
            (CountedTable::Flow, Table::Flow),
        ] {
            let before = self.scoreboard.commands_total();
            let addr = CounterAddr::table(counted, TableCounter::Occupied);
            let value = self.device.read_counter(addr)?;
            self.drain(observer)?;
            if self.scoreboard.commands_total() == before {
                let now = self.now();
                self.scoreboard.occupied(now, table, value);
            }
        }
        Ok(())
    }

    /// Deletes some of the entries that the golden model has: the NIC must find each of them. Nothing may come in
    /// meanwhile.
    ///
    /// # Errors
    /// The NIC does not answer as it must.
    pub fn find_entries(
        &mut self,
        most: usize,
        observer: &mut dyn Observer,
    ) -> Result<(), Diagnostic> {
        self.drain(observer)?;
        let tables = &self.scoreboard.golden().model().tables;
        let macs = tables
            .mac_entries()
            .map(|(key, entry)| (entry.handle, Command::FdbDel(*key)));
        let flows = tables
            .flows()
            .map(|(key, entry)| (entry.handle, Command::FlowDel(*key)));
        for mut all in [macs.collect::<Vec<_>>(), flows.collect()] {
            all.sort_unstable_by_key(|(handle, _)| *handle);
            let apart = all.len().div_ceil(most).max(1);
            for (handle, delete) in all.into_iter().step_by(apart) {
                let answer = self.device.admin(&delete);
                self.drain(observer)?;
                let tables = &self.scoreboard.golden().model().tables;
                let still = match &delete {
                    Command::FdbDel(key) => tables.mac_row(key).is_some(),
                    Command::FlowDel(key) => tables.flow_entry(key).is_some(),
                    _ => false,
                };
                match answer {
                    Ok(_) => {}
                    // It may have aged since.
                    Err(Error::Admin { .. }) if !still => {}
                    Err(Error::Admin { reason, .. }) => {
                        let now = self.now();
                        let what = format!("{delete:?}, the entry of handle {handle}: {reason}");
                        self.scoreboard.compare(now, &what, 1, 0);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    fn compare(
        &mut self,
        whose: &str,
        actual: &Counters,
        traffic: impl Fn(Traffic) -> CounterAddr,
        dropped: impl Fn(hairpin_abi::Reason) -> CounterAddr,
    ) {
        let now = self.now();
        let read = [
            actual.in_frames,
            actual.in_bytes,
            actual.out_frames,
            actual.out_bytes,
        ];
        for (what, value) in Traffic::ALL.iter().zip(read) {
            let expected = self.scoreboard.golden().counter(traffic(*what));
            self.scoreboard
                .compare(now, &format!("{whose} {what}"), expected, value);
        }
        for info in REASONS {
            if matches!(info.class, ReasonClass::Drop | ReasonClass::Loss) {
                let expected = self.scoreboard.golden().counter(dropped(info.reason));
                let value = actual.drops.get(info.name).copied().unwrap_or(0);
                self.scoreboard
                    .compare(now, &format!("{whose} {}", info.name), expected, value);
            }
        }
    }
}
