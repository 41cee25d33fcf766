// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Table commands as the NIC says that it carried them out.

use core::fmt;
use std::format;
use std::string::{String, ToString};

use hairpin_abi::row::MacKey;
use hairpin_abi::{
    FlowKey, FlowKeyWords, FlowRow, MacRow, Op, RowWords, Status, Sweep, Table, TableCommand,
    Target, Teacher,
};

use super::{Entry, Model};
use crate::Tables;

/// A command of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Operation.
    pub op: Op,
    /// Table.
    pub table: Table,
    /// Row; of an INSERT, the handle.
    pub index: u16,
    /// Data. Word 5 holds the V.VLAN instance of an INSERT, and word 0 of the command of a SWEEP.
    pub data: RowWords,
    /// Key of a command on `FLOW`.
    pub key: FlowKeyWords,
    /// What was answered.
    pub status: Status,
    /// When.
    pub time: u64,
}

/// What is wrong with a command of the trace: what had to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Wrong {}

fn wrong(text: impl Into<String>) -> Wrong {
    Wrong(text.into())
}

impl Model {
    /// Applies a traced command as the NIC did it. What only the NIC can know is believed as far as it can be:
    /// that a nearly full table is full, that dead entries still count for a quota, that one of several
    /// frames made a learn event and something moved under it since. Commands that change nothing, and those the NIC refused as `denied` or `bad-op`, are accepted.
    ///
    /// # Errors
    /// [`Wrong`] if the NIC cannot do what it did; the model has then followed the NIC as far as it can.
    pub fn replay(&mut self, traced: &Traced) -> Result<(), Wrong> {
        self.tables.time = self.tables.time.max(traced.time);
        if matches!(traced.status, Status::Denied | Status::BadOp) {
            return Ok(());
        }
        self.counters
            .commanded(traced.op, traced.table, traced.status);
        match (traced.op, traced.table) {
            (Op::Insert, Table::Mac) => self.replay_mac(traced),
            (Op::Insert, Table::Flow) => self.replay_flow(traced),
            (Op::Delete, Table::Flow) => {
                self.tables.remove_flow(&flow_key(traced)?);
                same(Status::Ok, traced.status)
            }
            (Op::Sweep, _) => self.replay_sweep(traced),
            // Its inserts are traced one by one.
            (Op::Install, _) => Ok(()),
            (Op::Invalidate, _) if traced.status != Status::Ok => {
                Err(wrong(Status::Ok.to_string()))
            }
            _ => {
                let Traced {
                    op,
                    table,
                    index,
                    data,
                    ..
                } = traced;
                match TableCommand::decode(*op, *table, *index, data) {
                    // The buffers of host and core are not told apart.
                    None | Some(TableCommand::Key(..)) => Ok(()),
                    Some(command) => same(self.apply(&command), traced.status),
                }
            }
        }
    }

    fn replay_mac(&mut self, traced: &Traced) -> Result<(), Wrong> {
        let row = MacRow::from_words(&traced.data).ok_or_else(|| wrong("a MAC row"))?;
        let old = self.tables.mac_entry(&row.key).copied();
        let expected = self.tables.judge_mac(&row);
        let taken = self
            .tables
            .mac_entries()
            .any(|(other, entry)| *other != row.key && entry.handle == traced.index);
        let table = &self.tables;
        let (mut may_be_quota, mut epochs) = (false, true);
        if let (Target::VPort(vport), false) = (row.target, row.is_static) {
            let quota = usize::from(table.port(vport).max_macs);
            let counted = table.dynamic_macs(vport) + table.past.dead_of_vport(vport);
            may_be_quota = counted >= quota;
            epochs = table
                .past
                .may_answer(traced.status, &row.key, vport, instance(traced));
            self.tables.past.answered(&row.key, vport, traced.time);
        }
        let verdict = self
            .insert(traced, expected, old.as_ref(), taken, may_be_quota)
            .and(fresh(epochs, traced.status));
        if inserted(traced.status) {
            self.tables.put_mac(instance(traced), traced.index, row);
        }
        verdict
    }

    fn replay_flow(&mut self, traced: &Traced) -> Result<(), Wrong> {
        let key = flow_key(traced)?;
        let row = FlowRow::from_words(&traced.data).ok_or_else(|| wrong("a FLOW row"))?;
        let old = self.tables.flow_entry(&key).copied();
        let expected = self.tables.judge_flow(instance(traced), &key, &row);
        let taken = self
            .tables
            .flows()
            .any(|(other, entry)| *other != key && entry.handle == traced.index);
        let at = instance(traced);
        let counted = self.tables.flows_of(at) + self.tables.past.dead_of_instance(at);
        let may_be_quota = counted >= self.tables.max_flows(at);
        // Learned flows come from a frame that the firmware was told of; what is there is only changed.
        let epochs = match (row.teacher, traced.status) {
            (Teacher::Learned, status) => self.tables.past.may_install(status, &key, at),
            (_, status) => status != Status::Stale,
        };
        let verdict = self
            .insert(traced, expected, old.as_ref(), taken, may_be_quota)
            .and(fresh(epochs, traced.status));
        if inserted(traced.status) {
            self.tables
                .put_flow(instance(traced), traced.index, key, row);
        }
        if traced.status == Status::Ok {
            self.counters.begin_flow(traced.index);
        }
        verdict
    }

    /// Checks the answer to an INSERT that had to be answered `expected` if only live entries counted.
    fn insert<Row>(
        &self,
        traced: &Traced,
        expected: Status,
        old: Option<&Entry<Row>>,
        taken: bool,
        may_be_quota: bool,
    ) -> Result<(), Wrong> {
        let (live, _) = self.tables.occupancy(traced.table);
        let room = |full| self.tables.past.may_be_full(traced.table, live, full);
        let actual = traced.status;
        let believed = match actual {
            Status::Ok => actual == expected && room(false),
            Status::Updated | Status::Refused => actual == expected,
            Status::Full => old.is_none() && expected == Status::Ok && room(true),
            // Entries that are dead and not yet swept count.
            Status::Quota => {
                let may_come = matches!(expected, Status::Ok | Status::Updated);
                expected == Status::Quota || may_come && may_be_quota
            }
            // Whether it may be is another question.
            Status::Stale => true,
            _ => false,
        };
        if !believed {
            return Err(wrong(expected.to_string()));
        }
        if inserted(actual) && (taken || old.is_some_and(|old| old.handle != traced.index)) {
            return Err(wrong("a handle of its own"));
        }
        Ok(())
    }

    /// One entry went for its age.
    fn replay_sweep(&mut self, traced: &Traced) -> Result<(), Wrong> {
        let sweep = Sweep::from_word(traced.data[5]).ok_or_else(|| wrong("a teacher"))?;
        let (may_go, idle) = if traced.table == Table::Mac {
            let key = MacKey::from_words(&traced.data).ok_or_else(|| wrong("a MAC key"))?;
            let entry = self.tables.remove_mac(&key);
            let entry = entry.ok_or_else(|| wrong("an entry that is there"))?;
            (!entry.row.is_static, entry.idle(traced.time))
        } else {
            let entry = self.tables.remove_flow(&flow_key(traced)?);
            let entry = entry.ok_or_else(|| wrong("an entry that is there"))?;
            let may_go = entry.row.teacher <= sweep.teacher;
            (may_go, entry.idle(traced.time))
        };
        // The NIC takes its stamps a few clocks later than the trace says.
        if !may_go || sweep.age == 0 || idle + 1 < sweep.age.into() {
            let age = sweep.age;
            return Err(wrong(format!(
                "an entry that may age, unused for {age} units, not {idle}"
            )));
        }
        Ok(())
    }
}

/// What the epochs say to an answer.
fn fresh(agree: bool, status: Status) -> Result<(), Wrong> {
    match (agree, status) {
        (true, _) => Ok(()),
        (false, Status::Stale) => Err(wrong("an epoch that has not moved")),
        (false, _) => Err(wrong("stale")),
    }
}

fn inserted(status: Status) -> bool {
    matches!(status, Status::Ok | Status::Updated)
}

fn instance(traced: &Traced) -> u8 {
    (traced.data[5] & 63) as u8
}

fn flow_key(traced: &Traced) -> Result<FlowKey, Wrong> {
    FlowKey::from_words(&traced.key).ok_or_else(|| wrong("a flow key"))
}

fn same(expected: Status, actual: Status) -> Result<(), Wrong> {
    if expected == actual {
        Ok(())
    } else {
        Err(wrong(expected.to_string()))
    }
}
