// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Flow entries of the host. The table is in the hardware, under keys that are masked already; who
//! may go when it is full is decided here.

use hairpin_abi::admin::{AdminError, Flush};
use hairpin_abi::{FlowKey, FlowRow, Op, Scope, Seen, Status, Table, Teacher, VVlan, VVlanRow};

use crate::{BusFault, Control, TableBus, validate};

/// Places that are looked at when the table is full. If one entry in twenty may go, 96 of 100 samples
/// hold one.
const SAMPLE: u32 = 64;

/// An entry that may go.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    place: u16,
    row: FlowRow,
    age: u16,
}

impl Control {
    /// Adds an entry, or replaces one; its handle.
    pub(crate) fn flow_add(
        &mut self,
        bus: &mut impl TableBus,
        key: &FlowKey,
        row: &FlowRow,
        time: u64,
    ) -> Result<u32, AdminError> {
        let (instance, vvlan) = self.cached(bus, key)?;
        if !vvlan.cache {
            return Err(AdminError::NoCache);
        }
        validate::flow(key, row, &vvlan, &self.limits)?;
        let key = key.masked(vvlan.key_mask);
        let mut status = bus.flow_insert(instance, &key, row)?;
        if status == Status::Full && self.make_room(bus, row.teacher, time)? {
            status = bus.flow_insert(instance, &key, row)?;
        }
        self.health.status(status);
        match status {
            Status::Ok | Status::Updated => {}
            Status::Full => return Err(AdminError::TableFull),
            Status::Quota => return Err(AdminError::Quota),
            Status::Refused => return Err(AdminError::Refused),
            _ => return Err(AdminError::Hardware),
        }
        // An insert does not say where the entry went; its key is still in the key buffer.
        let (_, seen) = bus.flow_lookup_staged()?.ok_or(AdminError::Hardware)?;
        Ok(seen.handle.into())
    }

    /// Removes an entry.
    pub(crate) fn flow_del(
        &self,
        bus: &mut impl TableBus,
        key: &FlowKey,
    ) -> Result<(), AdminError> {
        let (_, vvlan) = self.cached(bus, key)?;
        bus.flow_lookup(&key.masked(vvlan.key_mask))?
            .ok_or(AdminError::NotFound)?;
        Ok(bus.flow_delete_staged()?)
    }

    /// Removes the entries of a scope, in one step.
    pub(crate) fn flow_flush(
        &self,
        bus: &mut impl TableBus,
        what: Flush,
    ) -> Result<(), AdminError> {
        let (scope, which) = match what {
            Flush::All => (Scope::All, 0),
            Flush::Teacher(teacher) => (Scope::Teacher, teacher.code()),
            Flush::VVlan(id) => {
                let instance = self.instances.find(id).ok_or(AdminError::VvlanUnknown)?;
                (Scope::VVlan, instance)
            }
            Flush::VPort(vport) => {
                validate::vport(vport, &self.limits)?;
                (Scope::VPort, vport.get())
            }
        };
        Ok(bus.invalidate(Table::Flow, scope, which)?)
    }

    /// The V.VLAN of a key.
    fn cached(&self, bus: &mut impl TableBus, key: &FlowKey) -> Result<(u8, VVlanRow), AdminError> {
        let id = VVlan::try_from(key.vvlan).map_err(|_| AdminError::BadVvlan)?;
        let instance = self.instances.find(id).ok_or(AdminError::VvlanUnknown)?;
        Ok((instance, bus.vvlan(instance)?))
    }

    /// Removes one entry of at most that teacher: of a random sample, one that is past its age before
    /// one that is not, a lower teacher before a higher one, the one that was unused for longest.
    /// Entries of a policy stay, whoever asks: traffic that a policy drops must not pass because
    /// another one came. False if the sample has nothing that may go.
    pub(crate) fn make_room(
        &mut self,
        bus: &mut impl TableBus,
        teacher: Teacher,
        time: u64,
    ) -> Result<bool, BusFault> {
        let now = Seen::stamp_of(time);
        let mut best: Option<Candidate> = None;
        for _ in 0..SAMPLE {
            let place = self.random.below(self.limits.flow_capacity);
            let Some(found) = candidate(bus, place, teacher, now)? else {
                continue;
            };
            let better = |best: &Candidate| self.rank(&found) > self.rank(best);
            if best.as_ref().is_none_or(better) {
                best = Some(found);
            }
        }
        let Some(best) = best else {
            return Ok(false);
        };
        // Reading the place again leaves its key in the key buffer. Entries move: what is there now
        // may be another one, and then it has to be one that may go as well.
        match candidate(bus, best.place, teacher, now)? {
            Some(_) => bus.flow_delete_staged().map(|()| true),
            None => Ok(false),
        }
    }

    /// The higher, the sooner it goes.
    fn rank(&self, entry: &Candidate) -> (bool, core::cmp::Reverse<Teacher>, u16) {
        let limit = self.ageing.flow();
        let aged = limit != 0 && entry.age >= limit;
        (aged, core::cmp::Reverse(entry.row.teacher), entry.age)
    }
}

/// The entry at a place, if it may go for one of that teacher.
fn candidate(
    bus: &mut impl TableBus,
    place: u16,
    teacher: Teacher,
    now: u16,
) -> Result<Option<Candidate>, BusFault> {
    let mut words = [0; 6];
    match bus.command(Op::Read, Table::Flow, place, &mut words)? {
        Status::Ok => {}
        _ => return Err(BusFault),
    }
    let row = FlowRow::from_response(&words);
    let row = row.filter(|row| row.teacher <= teacher && row.teacher != Teacher::Policy);
    Ok(row.map(|row| Candidate {
        place,
        row,
        age: now.wrapping_sub(Seen::of_flow(&words).stamp),
    }))
}
