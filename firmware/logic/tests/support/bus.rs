// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The tables of the NIC in plain memory, with the rules that the hardware keeps. An invalidation
//! removes what it goes for at once: that is what epochs look like from outside.

use std::collections::BTreeMap;

use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{
    CfgRow, Closed, FlowKey, FlowKeyWords, FlowRow, GroupRow, Invalidation, MacRow, Op, PortId,
    PortRow, RX_MODE_ROWS, RowWords, RxModeRow, Scope, Seen, Status, Sweep, Table, TableCommand,
    Target, Teach, Teacher, VPort, VVlan, VVlanRow,
};
use hairpin_nic_logic::{BusFault, TableBus};

use super::{VPORTS, group_row};

/// Places behind the banks of a table.
const STASH: usize = 8;

/// A flow entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) row: FlowRow,
    pub(crate) instance: u16,
    pub(crate) stamp: u16,
}

/// Pending flows, and what a close says of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) said: Closed,
    keys: Vec<[u32; 14]>,
}

/// The tables, and what was done to them.
pub(crate) struct FakeBus {
    pub(crate) ports: [PortRow; 64],
    vvmap: Vec<VVmapRow>,
    vvlans: [RowWords; 64],
    groups: [GroupRow; 256],
    pub(crate) rx_modes: Vec<RxModeRow>,
    /// With the instance that each entry lives with.
    pub(crate) macs: BTreeMap<MacKey, (MacRow, u16)>,
    mac_places: Vec<Option<MacKey>>,
    pub(crate) flows: BTreeMap<[u32; 14], Flow>,
    flow_places: Vec<Option<[u32; 14]>>,
    keys: [RowWords; 3],
    pub(crate) cfg: CfgRow,
    /// The masked key and the instance of the frames in the punt store.
    pub(crate) slots: BTreeMap<u16, (FlowKey, u16)>,
    /// Frames that teach are installed.
    pub(crate) teaching: bool,
    pub(crate) open: Batch,
    pub(crate) closed: Option<Batch>,
    /// Old batches still have their marks: none can be closed.
    pub(crate) unwashed: bool,
    /// Now, for stamps.
    pub(crate) time: u64,
    /// Commands that changed something.
    pub(crate) changes: Vec<TableCommand>,
    /// Commands that are answered before the bus falls silent.
    pub(crate) answers: Option<usize>,
}

impl FakeBus {
    pub(crate) fn new(mac_capacity: usize, flow_capacity: usize) -> Self {
        Self {
            ports: [PortRow::DISABLED; 64],
            vvmap: vec![VVmapRow::default(); 4096],
            vvlans: [[0; 6]; 64],
            groups: [GroupRow::default(); 256],
            rx_modes: vec![RxModeRow::default(); usize::from(VPORTS) * usize::from(RX_MODE_ROWS)],
            macs: BTreeMap::new(),
            mac_places: vec![None; mac_capacity + STASH],
            flows: BTreeMap::new(),
            flow_places: vec![None; flow_capacity + STASH],
            keys: [[0; 6]; 3],
            cfg: CfgRow::default(),
            slots: BTreeMap::new(),
            teaching: false,
            open: Batch::default(),
            closed: None,
            unwashed: false,
            time: 0,
            changes: Vec::new(),
            answers: None,
        }
    }

    /// The instance of a V.VLAN and its row, as a frame finds them.
    pub(crate) fn vvlan(&self, id: VVlan) -> Option<(u8, VVlanRow)> {
        let instance = self.vvmap[usize::from(id.get())].instance?;
        Some((instance, self.instance(instance)))
    }

    /// The instance of a V.VLAN.
    pub(crate) fn vvlan_of(&self, id: VVlan) -> Option<u8> {
        FakeBus::vvlan(self, id).map(|(instance, _)| instance)
    }

    pub(crate) fn instance(&self, instance: u8) -> VVlanRow {
        VVlanRow::from_words(&self.vvlans[usize::from(instance)])
    }

    pub(crate) fn group(&self, index: u8) -> GroupRow {
        self.groups[usize::from(index)]
    }

    pub(crate) fn mac_row(&self, key: &MacKey) -> Option<MacRow> {
        self.macs.get(key).map(|(row, _)| *row)
    }

    /// Dynamic entries that lead to a vPort.
    pub(crate) fn learned(&self, vport: VPort) -> usize {
        let target = Target::VPort(vport);
        let mine = |row: &MacRow| !row.is_static && row.target == target;
        self.macs.values().filter(|(row, _)| mine(row)).count()
    }

    /// The key in the key buffer.
    fn staged(&self) -> [u32; 14] {
        FlowKeyWords::from_rows(&self.keys).0
    }

    /// Writes a row as a fault of the memory would, or the firmware that ran before.
    pub(crate) fn corrupt_vvmap(&mut self, id: u16, instance: Option<u8>) {
        self.vvmap[usize::from(id)] = VVmapRow { instance };
    }

    pub(crate) fn corrupt_vvlan(&mut self, instance: u8, row: &VVlanRow) {
        self.vvlans[usize::from(instance)] = row.to_words();
    }

    /// An INSERT of a MAC entry, as the hardware does it.
    pub(crate) fn insert_mac(&mut self, instance: u16, row: MacRow) -> Status {
        let old = self.mac_row(&row.key);
        if let (false, Target::VPort(vport)) = (row.is_static, row.target) {
            if old.is_some_and(|old| old.is_static) {
                return Status::Refused;
            }
            let has = old.is_some_and(|old| old.target == row.target);
            if !has && self.learned(vport) >= self.ports[vport.index()].max_macs.into() {
                return Status::Quota;
            }
        }
        if old.is_none() {
            if self.macs.len() + STASH == self.mac_places.len() {
                return Status::Full;
            }
            // New entries are in the stash, as long as it has room.
            let free = self.mac_places.iter().rposition(Option::is_none);
            self.mac_places[free.expect("a place")] = Some(row.key);
        }
        self.macs.insert(row.key, (row, instance));
        if old.is_some() {
            Status::Updated
        } else {
            Status::Ok
        }
    }

    fn insert_flow(&mut self, instance: u16, row: FlowRow) -> Status {
        let key = self.staged();
        let old = self.flows.get(&key).copied();
        if old.is_some_and(|old| old.row.teacher > row.teacher || row.pending) {
            return Status::Refused;
        }
        let used = self.flows.values().filter(|flow| flow.instance == instance);
        let quota = self.instance(instance as u8).max_flows() as usize;
        if old.is_none() && used.count() >= quota {
            return Status::Quota;
        }
        if old.is_none() {
            if self.flows.len() + STASH == self.flow_places.len() {
                return Status::Full;
            }
            let free = self.flow_places.iter().position(Option::is_none);
            self.flow_places[free.expect("a place")] = Some(key);
        }
        if row.pending {
            assert_eq!(row.teacher, Teacher::Learned, "no other is pending");
            let src = FlowKey::from_words(&FlowKeyWords(key)).expect("a key").src;
            let Batch { said, keys } = &mut self.open;
            said.flows += 1;
            said.vports = src
                .vport()
                .map_or(said.vports, |vport| said.vports.with(vport));
            keys.push(key);
        }
        let stamp = Seen::stamp_of(self.time);
        self.flows.insert(
            key,
            Flow {
                row,
                instance,
                stamp,
            },
        );
        if old.is_some() {
            Status::Updated
        } else {
            Status::Ok
        }
    }

    /// A frame to a vPort teaches a flow of a V.VLAN instance, by its masked key.
    pub(crate) fn taught(&mut self, key: &FlowKey, instance: u16, to: VPort) -> Status {
        if !self.teaching {
            return Status::Denied;
        }
        let own = std::mem::replace(&mut self.keys, key.to_words().rows());
        let row = FlowRow {
            pending: true,
            port: to.into(),
            ..FlowRow::new(hairpin_abi::FlowAction::Local, Teacher::Learned)
        };
        let status = self.insert_flow(instance, row);
        self.keys = own;
        status
    }

    /// Flows are pending that were not closed.
    pub(crate) fn flows_wait(&self) -> bool {
        self.open.said.flows != 0 && self.closed.is_none()
    }

    fn teach(&mut self, what: Teach) -> (Status, RowWords) {
        match what {
            Teach::Off | Teach::On => self.teaching = what == Teach::On,
            Teach::Close => {
                if self.closed.is_none() {
                    if self.open.said.flows == 0 {
                        return (Status::NotFound, [0; 6]);
                    }
                    if self.unwashed {
                        return (Status::Full, [0; 6]);
                    }
                    self.closed = Some(std::mem::take(&mut self.open));
                }
                let said = self.closed.as_ref().expect("closed").said;
                return (Status::Ok, said.to_words());
            }
            Teach::Use => {
                let Some(batch) = self.closed.take() else {
                    return (Status::NotFound, [0; 6]);
                };
                for key in batch.keys {
                    // One that went and came again belongs to another batch.
                    if let Some(flow) = self.flows.get_mut(&key)
                        && !self.open.keys.contains(&key)
                    {
                        flow.row.pending = false;
                    }
                }
            }
        }
        (Status::Ok, [0; 6])
    }

    fn invalidate(&mut self, table: Table, what: Invalidation) {
        let Invalidation { scope, which } = what;
        let learned = Teacher::Learned.code();
        if table == Table::Flow
            && (scope == Scope::All || scope == Scope::Teacher && which == learned)
        {
            (self.open, self.closed) = (Batch::default(), None);
        }
        let vport = VPort::new(which);
        match table {
            Table::Mac => self.macs.retain(|_, (row, instance)| match scope {
                Scope::All => false,
                Scope::Teacher => u8::from(row.is_static) != which,
                Scope::VVlan => *instance != which.into(),
                Scope::VPort => row.is_static || Some(row.target) != vport.map(Target::VPort),
            }),
            Table::Flow => self.flows.retain(|key, flow| match scope {
                Scope::All => false,
                Scope::Teacher => flow.row.teacher.code() != which,
                Scope::VVlan => flow.instance != which.into(),
                Scope::VPort => {
                    let key = FlowKey::from_words(&FlowKeyWords(*key)).expect("a legal key");
                    let port = vport.map(PortId::VPort);
                    Some(key.src) != port && Some(flow.row.port) != port
                }
            }),
            _ => unreachable!("denied"),
        }
        self.tidy();
    }

    fn sweep(&mut self, table: Table, sweep: Sweep) {
        if table == Table::Flow && sweep.age != 0 {
            let now = Seen::stamp_of(self.time);
            let young = |flow: &Flow| now.wrapping_sub(flow.stamp) < sweep.age;
            self.flows
                .retain(|_, flow| flow.row.teacher > sweep.teacher || young(flow));
            self.tidy();
        }
    }

    /// Frees the places of entries that are gone.
    fn tidy(&mut self) {
        for place in &mut self.mac_places {
            *place = place.filter(|key| self.macs.contains_key(key));
        }
        for place in &mut self.flow_places {
            *place = place.filter(|key| self.flows.contains_key(key));
        }
    }

    fn change(&mut self, command: &TableCommand) -> Status {
        match *command {
            TableCommand::Port(..) | TableCommand::Cfg(_) => panic!("denied: {command:?}"),
            TableCommand::VVmap(index, row) => self.vvmap[usize::from(index)] = row,
            TableCommand::VVlan(index, row) => self.vvlans[usize::from(index)] = row.to_words(),
            TableCommand::Group(index, row) => {
                // The hardware keeps one bit per vPort that it has.
                self.groups[usize::from(index)] = group_row(row.vports.0 & ((1 << VPORTS) - 1));
            }
            TableCommand::RxMode(index, row) => self.rx_modes[usize::from(index)] = row,
            TableCommand::MacInsert(instance, row) => return self.insert_mac(instance, row),
            TableCommand::MacDelete(key) => {
                if self.macs.remove(&key).is_some() {
                    self.tidy();
                }
            }
            TableCommand::FlowInsert(instance, row) => return self.insert_flow(instance, row),
            TableCommand::FlowDelete => {
                let key = self.staged();
                if self.flows.remove(&key).is_some() {
                    self.tidy();
                }
            }
            TableCommand::Key(index, words) => self.keys[usize::from(index)] = words,
            TableCommand::Invalidate(table, what) => self.invalidate(table, what),
            TableCommand::Sweep(table, sweep) => self.sweep(table, sweep),
            TableCommand::Install { slot, forward, .. } => {
                let Some((key, instance)) = self.slots.get(&slot).copied() else {
                    return Status::Stale;
                };
                self.keys = key.to_words().rows();
                return self.insert_flow(instance, forward);
            }
            TableCommand::Teach(what) => return self.teach(what).0,
        }
        Status::Ok
    }

    fn mac_response(&self, key: Option<MacKey>) -> RowWords {
        key.and_then(|key| self.mac_row(&key))
            .map_or([0; 6], |row| row.to_words())
    }

    /// The response about a flow, whose key goes to the key buffer.
    fn flow_response(&mut self, key: Option<[u32; 14]>) -> RowWords {
        let Some((key, flow)) = key.and_then(|key| Some((key, *self.flows.get(&key)?))) else {
            return [0; 6];
        };
        self.keys = FlowKeyWords(key).rows();
        let place = self
            .flow_places
            .iter()
            .position(|place| *place == Some(key));
        let handle = place.expect("a place") as u32;
        let seen = u32::from(flow.stamp) | handle << 16;
        [flow.row.to_word(), seen, 0, 0, 0, 0]
    }

    fn read(&mut self, table: Table, index: u16) -> Option<RowWords> {
        let at = usize::from(index);
        Some(match table {
            Table::Port => self.ports.get(at)?.to_words(),
            Table::VVmap => self.vvmap.get(at)?.to_words(),
            Table::VVlan => *self.vvlans.get(at)?,
            Table::Group => self.groups.get(at)?.to_words(),
            Table::RxMode => self.rx_modes.get(at)?.to_words(),
            Table::Mac => self.mac_response(*self.mac_places.get(at)?),
            Table::Flow => {
                let key = *self.flow_places.get(at)?;
                self.flow_response(key)
            }
            Table::Key => *self.keys.get(at)?,
            Table::Cfg => self.cfg.to_words(),
        })
    }

    fn lookup(&mut self, table: Table, row: &RowWords) -> RowWords {
        match table {
            Table::Mac => self.mac_response(MacKey::from_words(row)),
            Table::Flow => {
                let key = self.staged();
                self.flow_response(Some(key))
            }
            _ => unreachable!("no lookup in {table}"),
        }
    }

    /// The dynamic entries' teacher and the others', for tests of what was invalidated.
    pub(crate) fn teachers(&self) -> Vec<Teacher> {
        self.flows.values().map(|flow| flow.row.teacher).collect()
    }
}

impl TableBus for FakeBus {
    fn command(
        &mut self,
        op: Op,
        table: Table,
        index: u16,
        row: &mut RowWords,
    ) -> Result<Status, BusFault> {
        if let Some(left) = &mut self.answers {
            *left = left.checked_sub(1).ok_or(BusFault)?;
        }
        if op == Op::Teach && index == Teach::Close.code().into() {
            let (status, answer) = self.teach(Teach::Close);
            *row = answer;
            return Ok(status);
        }
        if let Some(command) = TableCommand::decode(op, table, index, row) {
            let status = self.change(&command);
            let staging = matches!(command, TableCommand::Key(..));
            if matches!(status, Status::Ok | Status::Updated) && !staging {
                self.changes.push(command);
            }
            return Ok(status);
        }
        let (status, answer) = match op {
            Op::Lookup => match self.lookup(table, row) {
                [0, 0, 0, 0, 0, 0] => (Status::NotFound, [0; 6]),
                row => (Status::Ok, row),
            },
            Op::Read => match self.read(table, index) {
                Some(row) => (Status::Ok, row),
                None => (Status::BadIndex, [0; 6]),
            },
            _ => (Status::BadOp, [0; 6]),
        };
        *row = answer;
        Ok(status)
    }
}
