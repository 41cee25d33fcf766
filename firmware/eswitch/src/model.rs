// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The golden model: tables in plain memory that change by table commands, meters, counters.
//!
//! The simulator replays the NIC's trace through a [`Model`]: [`Model::replay`] for each table command,
//! [`Model::decide`] for each frame, [`Counters`] for what the NIC says it counted.

use std::boxed::Box;
use std::collections::HashMap;
use std::vec;

use hairpin_abi::counter::{CounterAddr, Traffic};
use hairpin_abi::ids::PortSet;
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{
    CfgRow, GROUPS, GroupRow, MAX_VF, MacRow, Op, PortId, PortRow, Reason, RowWords, Status, Table,
    TableCommand, Target, VPort, VVLAN_INSTANCES, VVlan, VVlanRow,
};

use crate::{Decision, Ingress, Kind, Meters, Tables, decide};

/// V.VLAN IDs of `VVMAP`.
const VVLAN_IDS: usize = 4096;

/// Tables in plain memory.
#[derive(Clone, Debug)]
pub struct Memory {
    n_vf: u8,
    cfg: CfgRow,
    ports: Box<[PortRow; MAX_VF]>,
    enabled: PortSet,
    vvmap: Box<[VVmapRow; VVLAN_IDS]>,
    /// Words: a row is read back as it was written.
    vvlans: Box<[RowWords; VVLAN_INSTANCES as usize]>,
    groups: Box<[GroupRow; GROUPS as usize]>,
    macs: HashMap<MacKey, MacRow>,
}

impl Memory {
    /// The tables after reset of a NIC with this many vPorts.
    #[must_use]
    pub fn new(n_vf: u8) -> Self {
        Self {
            n_vf,
            cfg: CfgRow::default(),
            ports: Box::new([PortRow::DISABLED; MAX_VF]),
            enabled: PortSet::EMPTY,
            vvmap: Box::new([VVmapRow::default(); VVLAN_IDS]),
            vvlans: Box::new([[0; 6]; VVLAN_INSTANCES as usize]),
            groups: Box::new([GroupRow::default(); GROUPS as usize]),
            macs: HashMap::new(),
        }
    }

    /// The MAC entries, in no order.
    pub fn macs(&self) -> impl Iterator<Item = &MacRow> {
        self.macs.values()
    }

    /// A MAC entry.
    #[must_use]
    pub fn mac_row(&self, key: &MacKey) -> Option<&MacRow> {
        self.macs.get(key)
    }

    /// Applies a change. An INSERT never finds the table full here: see [`Model::replay`].
    pub fn apply(&mut self, command: &TableCommand) -> Status {
        fn put<T>(rows: &mut [T], index: u16, row: T) -> Status {
            match rows.get_mut(usize::from(index)) {
                Some(slot) => {
                    *slot = row;
                    Status::Ok
                }
                None => Status::BadIndex,
            }
        }
        match command {
            TableCommand::Port(index, row) => {
                let vport = u8::try_from(*index).ok().filter(|vf| *vf < self.n_vf);
                let Some(vport) = vport.and_then(VPort::new) else {
                    return Status::BadIndex;
                };
                self.enabled = if row.enabled {
                    self.enabled.with(vport)
                } else {
                    self.enabled.without(vport)
                };
                put(&mut *self.ports, *index, *row)
            }
            TableCommand::Cfg(row) => {
                self.cfg = *row;
                Status::Ok
            }
            TableCommand::VVmap(index, row) => put(&mut *self.vvmap, *index, *row),
            TableCommand::VVlan(index, row) => put(&mut *self.vvlans, *index, row.to_words()),
            TableCommand::Group(index, row) => put(&mut *self.groups, *index, *row),
            TableCommand::MacInsert(_, row) => match self.macs.insert(row.key, *row) {
                None => Status::Ok,
                Some(_) => Status::Updated,
            },
            TableCommand::MacDelete(key) => match self.macs.remove(key) {
                None => Status::NotFound,
                Some(_) => Status::Ok,
            },
            _ => Status::BadOp,
        }
    }
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
        self.macs.get(key).map(|row| row.target)
    }

    fn group(&self, index: u8) -> GroupRow {
        self.groups
            .get(usize::from(index))
            .copied()
            .unwrap_or_default()
    }

    fn enabled(&self) -> PortSet {
        self.enabled
    }
}

/// A table command that the NIC answered as it cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongStatus {
    /// What it answered.
    pub actual: Status,
    /// What it had to answer.
    pub expected: Status,
}

impl core::fmt::Display for WrongStatus {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "table command answered {}, expected {}",
            self.actual, self.expected
        )
    }
}

impl core::error::Error for WrongStatus {}

/// The golden model of a NIC.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its tables.
    pub tables: Memory,
    /// Its meters.
    pub meters: Meters,
    /// What it has counted.
    pub counters: Counters,
}

impl Model {
    /// A NIC with this many vPorts, after reset.
    #[must_use]
    pub fn new(n_vf: u8) -> Self {
        Self {
            tables: Memory::new(n_vf),
            meters: Meters::new(),
            counters: Counters::new(),
        }
    }

    /// Applies a change as the NIC would.
    pub fn apply(&mut self, command: &TableCommand) -> Status {
        let status = self.tables.apply(command);
        if let (TableCommand::Port(index, _), Status::Ok) = (command, status)
            && let Some(vport) = u8::try_from(*index).ok().and_then(VPort::new)
        {
            self.meters.refill(vport);
        }
        status
    }

    /// Applies a traced command with the status it had. A full MAC table is the NIC's to find, so an
    /// INSERT of a new key may be `full` and then changes nothing. Commands that change nothing, and
    /// those the NIC refused as `denied` or `bad-op`, are accepted as they are.
    ///
    /// # Errors
    /// [`WrongStatus`] if the NIC's status is impossible; the model has then gone its own way.
    pub fn replay(
        &mut self,
        op: Op,
        table: Table,
        index: u16,
        data: &RowWords,
        actual: Status,
    ) -> Result<(), WrongStatus> {
        let Some(command) = TableCommand::decode(op, table, index, data) else {
            return Ok(());
        };
        match (command, actual) {
            (_, Status::Denied | Status::BadOp) => return Ok(()),
            (TableCommand::MacInsert(_, row), Status::Full)
                if self.tables.mac_row(&row.key).is_none() =>
            {
                return Ok(());
            }
            _ => {}
        }
        let expected = self.apply(&command);
        if expected == actual {
            Ok(())
        } else {
            Err(WrongStatus { actual, expected })
        }
    }

    /// Decides about a frame as it stands on its bus; see [`decide()`].
    pub fn decide(&mut self, time: u64, ingress: &Ingress, frame: &[u8]) -> Decision {
        decide(&self.tables, &mut self.meters, time, ingress, frame)
    }

    /// Decides about a frame and counts it in, and out of the NIC if it is dropped.
    pub fn receive(&mut self, time: u64, ingress: &Ingress, frame: &[u8]) -> Decision {
        let decision = self.decide(time, ingress, frame);
        self.counters
            .decided(ingress, &decision, 1, frame.len() as u64);
        decision
    }
}

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
