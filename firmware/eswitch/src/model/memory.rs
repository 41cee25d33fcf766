// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The tables in plain memory.

use std::boxed::Box;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::vec::Vec;

use hairpin_abi::ids::PortSet;
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{
    CfgRow, FlowKey, FlowKeyWords, FlowRow, GROUPS, GroupRow, Invalidation, MAX_VF, MacRow, PortId,
    PortRow, RX_MODE_ROWS, RowWords, RxModeRow, Scope, Seen, Status, Sweep, Table, TableCommand,
    Target, Teach, VPort, VVLAN_INSTANCES, VVlan, VVlanRow,
};

use super::past::Past;
use crate::{FlowHit, Tables};

/// V.VLAN IDs of `VVMAP`.
const VVLAN_IDS: usize = 4096;

/// An entry of the MAC table or the flow cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<Row> {
    /// What it says.
    pub row: Row,
    /// Its number.
    pub handle: u16,
    /// The V.VLAN instance that it lives with.
    pub instance: u8,
    /// When it was last used or inserted, in stamp units.
    pub used: u64,
}

impl<Row> Entry<Row> {
    /// Stamp units since it was last used.
    #[must_use]
    pub fn idle(&self, time: u64) -> u64 {
        (time >> Seen::SHIFT).saturating_sub(self.used)
    }
}

/// Tables in plain memory.
#[derive(Clone, Debug)]
pub struct Memory {
    n_vf: u8,
    /// Now; stamps and ages come from it.
    pub time: u64,
    cfg: CfgRow,
    ports: Box<[PortRow; MAX_VF]>,
    enabled: PortSet,
    vvmap: Box<[VVmapRow; VVLAN_IDS]>,
    /// Words: a row is read back as it was written.
    vvlans: Box<[RowWords; VVLAN_INSTANCES as usize]>,
    groups: Box<[GroupRow; GROUPS as usize]>,
    rx_modes: Box<[RxModeRow; MAX_VF * RX_MODE_ROWS as usize]>,
    trusted: PortSet,
    macs: HashMap<MacKey, Entry<MacRow>>,
    flows: HashMap<FlowKey, Entry<FlowRow>>,
    /// Pending flows that a `TEACH` close was about.
    closed: HashSet<FlowKey>,
    /// The key that got a flow handle last.
    flow_keys: HashMap<u16, FlowKey>,
    /// The key buffer.
    staged: [RowWords; 3],
    pub(super) past: Past,
}

impl Memory {
    /// The tables after reset of a NIC with this many vPorts.
    #[must_use]
    pub fn new(n_vf: u8) -> Self {
        Self {
            n_vf,
            time: 0,
            cfg: CfgRow::default(),
            ports: Box::new([PortRow::DISABLED; MAX_VF]),
            enabled: PortSet::EMPTY,
            vvmap: Box::new([VVmapRow::default(); VVLAN_IDS]),
            vvlans: Box::new([[0; 6]; VVLAN_INSTANCES as usize]),
            groups: Box::new([GroupRow::default(); GROUPS as usize]),
            rx_modes: Box::new([RxModeRow::default(); MAX_VF * RX_MODE_ROWS as usize]),
            trusted: PortSet::EMPTY,
            macs: HashMap::new(),
            flows: HashMap::new(),
            closed: HashSet::new(),
            flow_keys: HashMap::new(),
            staged: [[0; 6]; 3],
            past: Past::new(),
        }
    }

    /// Says how many places the tables have, so that `full` can be judged.
    pub fn set_capacity(&mut self, macs: usize, flows: usize) {
        self.past.capacity = Some([macs, flows]);
    }

    /// Entries of `MAC` or `FLOW` that are alive, and with those that may not have been swept yet.
    #[must_use]
    pub fn occupancy(&self, table: Table) -> (usize, usize) {
        let live = match table {
            Table::Mac => self.macs.len(),
            _ => self.flows.len(),
        };
        (live, live + self.past.dead(table))
    }

    /// The NIC has swept all dead entries of `MAC` or `FLOW`.
    pub fn swept(&mut self, table: Table) {
        self.past.swept(table);
    }

    /// The MAC entries, in no order.
    pub fn macs(&self) -> impl Iterator<Item = &MacRow> {
        self.macs.values().map(|entry| &entry.row)
    }

    /// A MAC entry.
    #[must_use]
    pub fn mac_row(&self, key: &MacKey) -> Option<&MacRow> {
        self.macs.get(key).map(|entry| &entry.row)
    }

    /// A MAC entry with all that is known of it.
    #[must_use]
    pub fn mac_entry(&self, key: &MacKey) -> Option<&Entry<MacRow>> {
        self.macs.get(key)
    }

    /// The MAC entries with all that is known of them, in no order.
    pub fn mac_entries(&self) -> impl Iterator<Item = (&MacKey, &Entry<MacRow>)> {
        self.macs.iter()
    }

    /// The flow entries, in no order.
    pub fn flows(&self) -> impl Iterator<Item = (&FlowKey, &Entry<FlowRow>)> {
        self.flows.iter()
    }

    /// A flow entry by its masked key.
    #[must_use]
    pub fn flow_entry(&self, key: &FlowKey) -> Option<&Entry<FlowRow>> {
        self.flows.get(key)
    }

    /// The key buffer; `None` if it holds no key.
    #[must_use]
    pub fn staged(&self) -> Option<FlowKey> {
        FlowKey::from_words(&FlowKeyWords::from_rows(&self.staged))
    }

    /// Dynamic addresses of a vPort.
    #[must_use]
    pub fn dynamic_macs(&self, vport: VPort) -> usize {
        self.macs()
            .filter(|row| !row.is_static && row.target == Target::VPort(vport))
            .count()
    }

    /// Flow entries that live with a V.VLAN instance.
    #[must_use]
    pub fn flows_of(&self, instance: u8) -> usize {
        let of = |entry: &&Entry<FlowRow>| entry.instance == instance;
        self.flows.values().filter(of).count()
    }

    /// Whether a MAC entry may be inserted, and how it would be answered. No table is ever full here.
    #[must_use]
    pub fn judge_mac(&self, row: &MacRow) -> Status {
        let old = self.macs.get(&row.key).map(|entry| entry.row);
        if let (false, Target::VPort(vport)) = (row.is_static, row.target) {
            let counted = old.is_some_and(|old| !old.is_static && old.target == row.target);
            let quota = usize::from(self.port(vport).max_macs);
            if old.is_some_and(|old| old.is_static) {
                return Status::Refused;
            }
            if !counted && self.dynamic_macs(vport) >= quota {
                return Status::Quota;
            }
        } else if !row.is_static && old.is_some_and(|old| old.is_static) {
            return Status::Refused;
        }
        match old {
            None => Status::Ok,
            Some(_) => Status::Updated,
        }
    }

    /// Whether a flow entry may be inserted, and how it would be answered. One that is pending takes nobody's place.
    #[must_use]
    pub fn judge_flow(&self, instance: u8, key: &FlowKey, row: &FlowRow) -> Status {
        match self.flows.get(key) {
            Some(old) if old.row.teacher > row.teacher || row.pending => Status::Refused,
            Some(_) => Status::Updated,
            None if self.flows_of(instance) >= self.max_flows(instance) => Status::Quota,
            None => Status::Ok,
        }
    }

    /// The flow quota of a V.VLAN instance.
    #[must_use]
    pub fn max_flows(&self, instance: u8) -> usize {
        let row = self.vvlans.get(usize::from(instance));
        let quota = row.map_or(0, |row| VVlanRow::from_words(row).max_flows());
        usize::try_from(quota).unwrap_or(usize::MAX)
    }

    /// Puts a MAC entry in, whatever [`Memory::judge_mac`] says.
    pub fn put_mac(&mut self, instance: u8, handle: u16, row: MacRow) {
        let used = self.stamp();
        self.past.mac_inserted(&row.key);
        self.macs.insert(
            row.key,
            Entry {
                row,
                handle,
                instance,
                used,
            },
        );
    }

    /// Puts a flow entry in, whatever [`Memory::judge_flow`] says.
    pub fn put_flow(&mut self, instance: u8, handle: u16, key: FlowKey, row: FlowRow) {
        self.flow_keys.insert(handle, key);
        self.past.flow_inserted(&key);
        self.closed.remove(&key);
        let used = self.stamp();
        self.flows.insert(
            key,
            Entry {
                row,
                handle,
                instance,
                used,
            },
        );
    }

    /// A `TEACH`, whether there is anything that it is about or not: pending flows are closed, or those that are, used.
    pub fn teach(&mut self, what: Teach) {
        match what {
            Teach::Off | Teach::On => {}
            Teach::Close => {
                let pending = self.flows.iter().filter(|(_, entry)| entry.row.pending);
                self.closed = pending.map(|(key, _)| *key).collect();
            }
            Teach::Use => {
                for key in self.closed.drain() {
                    if let Some(entry) = self.flows.get_mut(&key) {
                        entry.row.pending = false;
                    }
                }
            }
        }
    }

    /// Takes a MAC entry out.
    pub fn remove_mac(&mut self, key: &MacKey) -> Option<Entry<MacRow>> {
        self.macs.remove(key)
    }

    /// Takes a flow entry out.
    pub fn remove_flow(&mut self, key: &FlowKey) -> Option<Entry<FlowRow>> {
        self.flows.remove(key)
    }

    /// A frame from `vport` used the address as its source.
    pub fn touch_mac(&mut self, key: &MacKey, vport: VPort) {
        let used = self.stamp();
        if let Some(entry) = self.macs.get_mut(key)
            && !entry.row.is_static
            && entry.row.target == Target::VPort(vport)
        {
            entry.used = used;
        }
    }

    /// A frame hit the flow with this handle.
    pub fn touch_flow(&mut self, handle: u16) {
        let used = self.stamp();
        if let Some(key) = self.flow_keys.get(&handle)
            && let Some(entry) = self.flows.get_mut(key)
            && entry.handle == handle
        {
            entry.used = used;
        }
    }

    fn stamp(&self) -> u64 {
        self.time >> Seen::SHIFT
    }

    /// Takes out every entry of `MAC` or `FLOW` that an invalidation is about.
    pub fn invalidate(&mut self, table: Table, what: Invalidation) {
        let Invalidation { scope, which } = what;
        let past = &mut self.past;
        past.invalidated(table, what);
        match table {
            Table::Mac => self.macs.retain(|key, entry| {
                let teacher = u8::from(entry.row.is_static);
                let vport = match entry.row.target {
                    Target::VPort(vport) if !entry.row.is_static => Some(vport),
                    _ => None,
                };
                let dies = match scope {
                    Scope::All => true,
                    Scope::Teacher => teacher == which,
                    Scope::VVlan => entry.instance == which,
                    Scope::VPort => vport.is_some_and(|vport| vport.get() == which),
                };
                if dies {
                    past.mac_died(*key, vport);
                }
                !dies
            }),
            Table::Flow => self.flows.retain(|key, entry| {
                let by = |port: PortId| port.vport().is_some_and(|vport| vport.get() == which);
                let dies = match scope {
                    Scope::All => true,
                    Scope::Teacher => entry.row.teacher.code() == which,
                    Scope::VVlan => entry.instance == which,
                    Scope::VPort => by(key.src) || by(entry.row.port),
                };
                if dies {
                    past.flow_died(*key, entry.instance);
                }
                !dies
            }),
            _ => {}
        }
    }

    /// Takes out every entry of `MAC` or `FLOW` that is too old.
    pub fn sweep(&mut self, table: Table, sweep: Sweep) {
        let time = self.time;
        let old = |idle: u64| sweep.age != 0 && idle >= sweep.age.into();
        match table {
            Table::Mac => self
                .macs
                .retain(|_, entry| entry.row.is_static || !old(entry.idle(time))),
            Table::Flow => self
                .flows
                .retain(|_, entry| entry.row.teacher > sweep.teacher || !old(entry.idle(time))),
            _ => {}
        }
    }

    /// Applies a change. An INSERT never finds the table full here: see [`Model::replay`]. There are no
    /// punt slots: an INSTALL is `bad-index`.
    ///
    /// [`Model::replay`]: crate::model::Model::replay
    pub fn apply(&mut self, command: &TableCommand) -> Status {
        match command {
            TableCommand::Port(index, row) => {
                let vport = u8::try_from(*index).ok().filter(|vf| *vf < self.n_vf);
                match vport.and_then(VPort::new) {
                    Some(vport) => self.write_port(vport, *row),
                    None => return Status::BadIndex,
                }
            }
            TableCommand::Cfg(row) => self.cfg = *row,
            TableCommand::VVmap(index, row) => return put(&mut *self.vvmap, *index, *row),
            TableCommand::VVlan(index, row) => {
                return put(&mut *self.vvlans, *index, row.to_words());
            }
            TableCommand::Group(index, row) => return put(&mut *self.groups, *index, *row),
            TableCommand::RxMode(index, row) => {
                let rows = usize::from(self.n_vf) * usize::from(RX_MODE_ROWS);
                return put(
                    self.rx_modes.get_mut(..rows).unwrap_or_default(),
                    *index,
                    *row,
                );
            }
            TableCommand::Key(index, words) => return put(&mut self.staged, *index, *words),
            TableCommand::MacInsert(instance, row) => {
                let status = self.judge_mac(row);
                let old = self.macs.get(&row.key).map(|entry| entry.handle);
                let handle = old.unwrap_or_else(|| free(&self.macs));
                if matches!(status, Status::Ok | Status::Updated) {
                    self.put_mac((*instance & 63) as u8, handle, *row);
                }
                return status;
            }
            TableCommand::FlowInsert(instance, row) => {
                let instance = (*instance & 63) as u8;
                let Some(key) = self.staged() else {
                    return Status::BadIndex;
                };
                let status = self.judge_flow(instance, &key, row);
                let old = self.flows.get(&key).map(|entry| entry.handle);
                let handle = old.unwrap_or_else(|| free(&self.flows));
                if matches!(status, Status::Ok | Status::Updated) {
                    self.put_flow(instance, handle, key, *row);
                }
                return status;
            }
            TableCommand::MacDelete(key) => drop(self.remove_mac(key)),
            TableCommand::FlowDelete => {
                if let Some(key) = self.staged() {
                    self.remove_flow(&key);
                }
            }
            TableCommand::Invalidate(table, what) => self.invalidate(*table, *what),
            TableCommand::Install { .. } => return Status::BadIndex,
            TableCommand::Sweep(table, sweep) => self.sweep(*table, *sweep),
            TableCommand::Teach(what) => self.teach(*what),
        }
        Status::Ok
    }

    /// The trusted vPorts whose guests asked for a mode.
    fn asked(&self, mode: impl Fn(&RxModeRow) -> bool) -> PortSet {
        let first = |vport: &VPort| {
            let row = self.rx_modes.get(usize::from(RxModeRow::index(*vport, 0)));
            row.is_some_and(&mode)
        };
        VPort::all().filter(first).collect::<PortSet>() & self.trusted
    }

    /// A vPort that goes down takes with it what leads to it and what comes from it.
    fn write_port(&mut self, vport: VPort, row: PortRow) {
        if self.enabled.contains(vport) && !row.enabled {
            let what = Invalidation {
                scope: Scope::VPort,
                which: vport.get(),
            };
            self.invalidate(Table::Mac, what);
            self.invalidate(Table::Flow, what);
        }
        self.enabled = if row.enabled {
            self.enabled.with(vport)
        } else {
            self.enabled.without(vport)
        };
        self.trusted = if row.trust {
            self.trusted.with(vport)
        } else {
            self.trusted.without(vport)
        };
        if let Some(slot) = self.ports.get_mut(vport.index()) {
            *slot = row;
        }
    }
}

fn put<T>(rows: &mut [T], index: u16, row: T) -> Status {
    match rows.get_mut(usize::from(index)) {
        Some(slot) => {
            *slot = row;
            Status::Ok
        }
        None => Status::BadIndex,
    }
}

/// The lowest handle that no entry has.
fn free<Key: Eq + Hash, Row>(entries: &HashMap<Key, Entry<Row>>) -> u16 {
    let mut used: Vec<u16> = entries.values().map(|entry| entry.handle).collect();
    used.sort_unstable();
    let mut free = 0;
    for handle in used {
        if handle == free {
            free += 1;
        }
    }
    free
}

impl Tables for Memory {
    fn config(&self) -> CfgRow {
        self.cfg
    }

    fn port(&self, vport: VPort) -> PortRow {
        self.ports.get(vport.index()).copied().unwrap_or_default()
    }

    fn vvlan(&self, id: VVlan) -> Option<(u8, VVlanRow)> {
        let instance = self.vvmap.get(usize::from(id.get()))?.instance?;
        let row = self.vvlans.get(usize::from(instance))?;
        Some((instance, VVlanRow::from_words(row)))
    }

    fn mac(&self, key: &MacKey) -> Option<Target> {
        self.mac_row(key).map(|row| row.target)
    }

    fn flow(&self, key: &FlowKey) -> Option<FlowHit> {
        let entry = self.flows.get(key)?;
        Some(FlowHit {
            handle: entry.handle,
            row: entry.row,
        })
    }

    fn group(&self, index: u8) -> GroupRow {
        self.groups
            .get(usize::from(index))
            .copied()
            .unwrap_or_default()
    }

    fn promiscuous(&self) -> PortSet {
        self.asked(|row| row.promisc)
    }

    fn all_multicast(&self) -> PortSet {
        self.asked(|row| row.allmulti)
    }

    fn enabled(&self) -> PortSet {
        self.enabled
    }
}
