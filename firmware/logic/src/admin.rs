// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Admin commands. Each is one transaction: it is checked completely, against the NIC and against the
//! tables, before anything is written, and its writes are ordered so that the last of them makes it
//! visible. Only [`AdminError::Hardware`], tables that do not answer, can leave it half done.

use hairpin_abi::admin::{
    AdminError, Command, CommandWords, Crash, Flush, ResponseWords, encode_response,
};
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{
    GroupRow, MacRow, Miss, Mode, Scope, Status, Table, TableCommand, Target, VVlan, VVlanRow, Vlan,
};

use crate::{BusFault, Control, TableBus, validate};

/// What has to be done about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answer it with these words.
    Respond(ResponseWords),
    /// Fail, as the command asks.
    Crash(Crash),
}

impl Outcome {
    /// The answer's error code; success for a crash, which is not answered.
    #[must_use]
    pub fn error(&self) -> AdminError {
        match self {
            Self::Respond([code, ..]) => {
                AdminError::from_code(*code as u8).unwrap_or(AdminError::Unsupported)
            }
            Self::Crash(_) => AdminError::Ok,
        }
    }
}

impl From<BusFault> for AdminError {
    fn from(_: BusFault) -> Self {
        Self::Hardware
    }
}

impl Control {
    /// Obeys the words of a mailbox command at a time.
    pub fn execute(&mut self, bus: &mut impl TableBus, words: &CommandWords, time: u64) -> Outcome {
        let result = match Command::decode(words) {
            Ok(Command::CrashTest(crash)) if self.crash_test => return Outcome::Crash(crash),
            Ok(Command::PeerGet { page }) => self.peer_get(page, time),
            Ok(command) => self
                .obey(bus, command, time)
                .map(|value| [value, 0, 0, 0, 0, 0, 0]),
            Err(error) => Err(error),
        };
        Outcome::Respond(match result {
            Ok(values) => encode_response(AdminError::Ok, values),
            Err(error) => encode_response(error, [0; 7]),
        })
    }

    /// Returns the command's result, 0 if it has none.
    fn obey(
        &mut self,
        bus: &mut impl TableBus,
        command: Command,
        time: u64,
    ) -> Result<u32, AdminError> {
        match command {
            Command::Nop => Ok(0),
            Command::VVlanSet { id, row } => self.vvlan_set(bus, id, row),
            Command::VVlanDel { id } => self.vvlan_del(bus, id).map(|()| 0),
            Command::FdbAdd(row) => self.fdb_add(bus, row).map(|()| 0),
            Command::FdbDel(key) => self.fdb_del(bus, key).map(|()| 0),
            Command::GroupSet { index, row } => self.group_set(bus, index, row).map(|()| 0),
            Command::FdbFlush(what) => self.fdb_flush(bus, what).map(|()| 0),
            Command::FlowAdd { key, row } => self.flow_add(bus, &key, &row, time),
            Command::FlowDel(key) => self.flow_del(bus, &key).map(|()| 0),
            Command::FlowFlush(what) => self.flow_flush(bus, what).map(|()| 0),
            Command::AgeingSet { mac, flow } => self.ageing.set(mac, flow).map(|()| 0),
            Command::PeerSet(setup) => self.peer_set(bus, setup, time).map(|()| 0),
            Command::CrashTest(_) | Command::PeerGet { .. } => Err(AdminError::Denied),
        }
    }

    /// Returns the instance.
    fn vvlan_set(
        &mut self,
        bus: &mut impl TableBus,
        id: VVlan,
        row: VVlanRow,
    ) -> Result<u32, AdminError> {
        let row = VVlanRow {
            id: Some(id.into()),
            ..row
        };
        validate::vvlan_row(&row, &self.limits)?;
        if let Some(instance) = self.instances.find(id) {
            let old = bus.vvlan(instance)?;
            if old == row {
                return Ok(instance.into()); // the host sends its configuration again
            }
            if flows_change(&old, &row) {
                // No frame uses the cache while it changes hands: none finds an old entry by the new
                // key mask, and what is punted from here on has the new mask.
                let closed = VVlanRow {
                    cache: false,
                    ..row
                };
                bus.write(&TableCommand::VVlan(instance.into(), closed))?;
                bus.invalidate(Table::Flow, Scope::VVlan, instance)?;
            }
            bus.write(&TableCommand::VVlan(instance.into(), row))?;
            self.peering.vvlans_changed();
            return Ok(instance.into());
        }
        let instance = self
            .instances
            .free(self.limits.instances)
            .ok_or(AdminError::NoInstance)?;
        bus.write(&TableCommand::VVlan(instance.into(), row))?;
        let map = VVmapRow {
            instance: Some(instance),
        };
        bus.write(&TableCommand::VVmap(id.get(), map))?;
        self.instances.assign(instance, Some(id));
        self.peering.vvlans_changed();
        Ok(instance.into())
    }

    /// The V.VLAN stops first, then its entries go, so that none of them can serve whoever gets the ID
    /// or the instance next.
    fn vvlan_del(&mut self, bus: &mut impl TableBus, id: VVlan) -> Result<(), AdminError> {
        let instance = self.instances.find(id).ok_or(AdminError::VvlanUnknown)?;
        bus.write(&TableCommand::VVmap(id.get(), VVmapRow { instance: None }))?;
        retire(bus, instance)?;
        self.instances.assign(instance, None);
        self.peering.vvlans_changed();
        Ok(())
    }

    fn fdb_add(&mut self, bus: &mut impl TableBus, row: MacRow) -> Result<(), AdminError> {
        validate::entry(&row, &self.limits)?;
        let instance = self
            .instances
            .find(row.key.vvlan)
            .ok_or(AdminError::VvlanUnknown)?;
        if let Target::VPort(vport) = row.target
            && !bus.vvlan(instance)?.members.contains(vport)
        {
            return Err(AdminError::NotMember);
        }
        let row = MacRow {
            is_static: true,
            ..row
        };
        match bus.lookup(&row.key)? {
            // The host sends its configuration again after a restart.
            Some(entry) if entry == row => {
                if let Target::VPort(vport) = row.target {
                    self.adopt(bus, vport, row.key)?;
                }
                return Ok(());
            }
            Some(entry) if entry.is_static => return Err(AdminError::Exists),
            _ => {}
        }
        let status = bus.apply(&TableCommand::MacInsert(instance.into(), row))?;
        self.health.status(status);
        match status {
            Status::Ok | Status::Updated => Ok(()),
            Status::Full => Err(AdminError::TableFull),
            _ => Err(AdminError::Hardware),
        }
    }

    fn fdb_del(&self, bus: &mut impl TableBus, key: MacKey) -> Result<(), AdminError> {
        bus.lookup(&key)?.ok_or(AdminError::NotFound)?;
        Ok(bus.delete(&key)?)
    }

    fn group_set(
        &self,
        bus: &mut impl TableBus,
        index: u8,
        row: GroupRow,
    ) -> Result<(), AdminError> {
        validate::group(index, &self.limits)?;
        validate::vports(row.vports, &self.limits)?;
        Ok(bus.write(&TableCommand::Group(index.into(), row))?)
    }

    /// Removes dynamic entries: all of them or those of a vPort in one step.
    fn fdb_flush(&self, bus: &mut impl TableBus, what: Flush) -> Result<(), AdminError> {
        match what {
            Flush::All => bus.invalidate(Table::Mac, Scope::Teacher, DYNAMIC)?,
            Flush::VPort(vport) => {
                validate::vport(vport, &self.limits)?;
                bus.invalidate(Table::Mac, Scope::VPort, vport.get())?;
            }
            Flush::VVlan(id) => {
                self.instances.find(id).ok_or(AdminError::VvlanUnknown)?;
                self.flush_vvlan(bus, id)?;
            }
            Flush::Teacher(_) => return Err(AdminError::BadArgument),
        }
        Ok(())
    }

    /// Removes the dynamic entries of a V.VLAN one by one: its epoch is that of its static entries as
    /// well. Entries move while they are searched, so that the search ends when it has found none.
    fn flush_vvlan(&self, bus: &mut impl TableBus, id: VVlan) -> Result<(), AdminError> {
        for _ in 0..FLUSH_PASSES {
            let mut found = false;
            for place in 0..self.limits.mac_capacity + STASH {
                let entry = MacRow::from_response(&bus.read(Table::Mac, place)?);
                if let Some(entry) = entry.filter(|entry| entry.key.vvlan == id && !entry.is_static)
                {
                    bus.delete(&entry.key)?;
                    found = true;
                }
            }
            if !found {
                return Ok(());
            }
        }
        Err(AdminError::Hardware)
    }
}

/// Teacher of dynamic MAC entries, in an invalidation.
pub(crate) const DYNAMIC: u8 = 0;

/// Places of a table behind its banks.
const STASH: u16 = 8;
/// Most searches for the dynamic entries of a V.VLAN. Nothing is learned meanwhile, and the second
/// finds few.
const FLUSH_PASSES: u32 = 8;

/// The row of an instance that serves no V.VLAN.
pub(crate) const UNUSED: VVlanRow = VVlanRow::new(Vlan::from_tci(0), Mode::Veb, Miss::Ignore);

/// Empties an instance whose V.VLAN is off.
pub(crate) fn retire(bus: &mut impl TableBus, instance: u8) -> Result<(), BusFault> {
    bus.invalidate(Table::Mac, Scope::VVlan, instance)?;
    bus.invalidate(Table::Flow, Scope::VVlan, instance)?;
    bus.write(&TableCommand::VVlan(instance.into(), UNUSED))
}

/// Whether flow entries that were right under the old row may be wrong under the new one. A vPort that
/// is not a member any more must not find its old entries when it comes back. A V.VLAN that begins to
/// use the cache has no entries, unless the firmware was restarted right when it ended to.
fn flows_change(old: &VVlanRow, new: &VVlanRow) -> bool {
    let rules = |row: &VVlanRow| (row.key_mask, row.mode, row.acl, row.cache);
    let changed = rules(old) != rules(new) || !(old.members - new.members).is_empty();
    (old.cache || new.cache) && changed
}
