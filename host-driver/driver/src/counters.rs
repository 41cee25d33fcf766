// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The hardware's counters.

use std::collections::BTreeMap;

use hairpin_abi::counter::{
    CacheTraffic, CountedTable, CounterAddr, LearnCounter, TableCounter, Traffic,
};
use hairpin_abi::{FlowAction, Miss, PortId, REASONS, Reason, ReasonClass};
use hairpin_regs::pf_on;

use crate::device::{Device, join};
use crate::error::Error;
use crate::report::{CacheCounters, Counters, LearnCounters, TableFill, Tables};
use crate::snapshot::{FlowState, VvlanState};
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

    /// Reads what the flow cache did for a V.VLAN. `flows` are its entries.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn cache_counters(
        &mut self,
        vvlan: &VvlanState,
        flows: &[FlowState],
    ) -> Result<CacheCounters, Error> {
        let mut read = |what| self.read_counter(CounterAddr::cache(vvlan.instance, what));
        let mut counters = CacheCounters {
            hit_frames: read(CacheTraffic::HitFrames)?,
            hit_bytes: read(CacheTraffic::HitBytes)?,
            miss_frames: read(CacheTraffic::MissFrames)?,
            miss_bytes: read(CacheTraffic::MissBytes)?,
            kept_off_uplink_bytes: 0,
        };
        if vvlan.miss == Miss::External.name() {
            let sent = |flow: &&FlowState| {
                flow.vvlan == vvlan.id && flow.action == FlowAction::Uplink.name()
            };
            let sent: u64 = flows.iter().filter(sent).map(|flow| flow.bytes).sum();
            counters.kept_off_uplink_bytes = counters.hit_bytes.saturating_sub(sent);
        }
        Ok(counters)
    }

    /// Reads the frames and bytes that hit a flow entry.
    ///
    /// # Errors
    /// The NIC cannot be reached, or no entry can have this number.
    pub fn flow_counters(&mut self, handle: u16) -> Result<(u64, u64), Error> {
        let mut read = |what| match CounterAddr::flow(handle, what) {
            Some(address) => self.read_counter(address),
            None => Err(Error::Protocol(format!("flow entry number {handle}"))),
        };
        Ok((
            read(CacheTraffic::HitFrames)?,
            read(CacheTraffic::HitBytes)?,
        ))
    }

    /// Reads the fill of the tables, and what was done to them.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn table_counters(&mut self) -> Result<Tables, Error> {
        let capabilities = *self.capabilities();
        let mac = self.table_fill(CountedTable::Mac, capabilities.mac_entries)?;
        let flow = if capabilities.flow_cache {
            Some(self.table_fill(CountedTable::Flow, capabilities.flow_entries)?)
        } else {
            None
        };
        let mut learn = |what| self.read_counter(CounterAddr::learn(what));
        let learn = LearnCounters {
            events: learn(LearnCounter::Events)?,
            suppressed: learn(LearnCounter::Suppressed)?,
            no_slot: learn(LearnCounter::NoSlot)?,
            flow_events: learn(LearnCounter::FlowEvents)?,
            flow_suppressed: learn(LearnCounter::FlowSuppressed)?,
        };
        Ok(Tables { mac, flow, learn })
    }

    fn table_fill(&mut self, table: CountedTable, capacity: u16) -> Result<TableFill, Error> {
        let mut read = |what| self.read_counter(CounterAddr::table(table, what));
        Ok(TableFill {
            entries: read(TableCounter::Occupied)?,
            capacity: capacity.into(),
            insert_failed: read(TableCounter::Failed)?,
            inserts: read(TableCounter::Inserts)?,
            moves: read(TableCounter::Moves)?,
            aged: read(TableCounter::Aged)?,
            swept: read(TableCounter::Swept)?,
            invalidations: read(TableCounter::Invalidations)?,
            stale: read(TableCounter::Stale)?,
            quota: read(TableCounter::Quota)?,
            refused: read(TableCounter::Refused)?,
        })
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
