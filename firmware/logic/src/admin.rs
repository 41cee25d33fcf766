// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Admin commands. Each is one transaction: it is checked completely, against the NIC and against the
//! tables, before anything is written, and its writes are ordered so that the last of them makes it
//! visible. Only [`AdminError::Hardware`], tables that do not answer, can leave it half done.

use hairpin_abi::admin::{
    AdminError, Command, CommandWords, Crash, Flush, ResponseWords, encode_response,
};
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{
    GroupRow, MacRow, Miss, Mode, Status, Table, TableCommand, Target, VPort, VVlan, VVlanRow, Vlan,
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
    /// Obeys the words of a mailbox command.
    pub fn execute(&mut self, bus: &mut impl TableBus, words: &CommandWords) -> Outcome {
        let result = match Command::decode(words) {
            Ok(Command::CrashTest(crash)) if self.crash_test => return Outcome::Crash(crash),
            Ok(command) => self.obey(bus, command),
            Err(error) => Err(error),
        };
        Outcome::Respond(match result {
            Ok(value) => encode_response(AdminError::Ok, [value, 0, 0, 0, 0, 0, 0]),
            Err(error) => encode_response(error, [0; 7]),
        })
    }

    /// Returns the command's result, 0 if it has none.
    fn obey(&mut self, bus: &mut impl TableBus, command: Command) -> Result<u32, AdminError> {
        match command {
            Command::Nop => Ok(0),
            Command::VVlanSet { id, row } => self.vvlan_set(bus, id, row),
            Command::VVlanDel { id } => self.vvlan_del(bus, id),
            Command::FdbAdd(row) => self.fdb_add(bus, row).map(|()| 0),
            Command::FdbDel(key) => self.fdb_del(bus, key).map(|()| 0),
            Command::GroupSet { index, row } => self.group_set(bus, index, row).map(|()| 0),
            Command::FdbFlush(Flush::VPort(vport)) => self.fdb_flush(bus, vport),
            Command::FdbFlush(_)
            | Command::FlowAdd { .. }
            | Command::FlowDel(_)
            | Command::FlowFlush(_)
            | Command::AgeingSet { .. } => Err(AdminError::Unsupported),
            Command::CrashTest(_) => Err(AdminError::Denied),
        }
    }

    /// Returns the instance.
    fn vvlan_set(
        &mut self,
        bus: &mut impl TableBus,
        id: VVlan,
        row: VVlanRow,
    ) -> Result<u32, AdminError> {
        validate::vvlan_row(&row, &self.limits)?;
        if let Some(instance) = self.instances.find(id) {
            bus.write(&TableCommand::VVlan(instance.into(), row))?;
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
        Ok(instance.into())
    }

    /// Returns the number of addresses removed. The V.VLAN stops first, then its addresses go, so that
    /// none of them can serve whoever gets the ID or the instance next.
    fn vvlan_del(&mut self, bus: &mut impl TableBus, id: VVlan) -> Result<u32, AdminError> {
        let instance = self.instances.find(id).ok_or(AdminError::VvlanUnknown)?;
        bus.write(&TableCommand::VVmap(id.get(), VVmapRow { instance: None }))?;
        let mut removed = 0;
        while let Some(key) = self.addresses.find_vvlan(id) {
            bus.delete(&key)?;
            self.addresses.remove(&key);
            removed += 1;
        }
        removed += self.remove_statics(bus, id, instance)?;
        bus.write(&TableCommand::VVlan(instance.into(), UNUSED))?;
        self.instances.assign(instance, None);
        Ok(removed)
    }

    /// Static addresses are not listed here: the table is searched for them, as long as some are left.
    fn remove_statics(
        &mut self,
        bus: &mut impl TableBus,
        id: VVlan,
        instance: u8,
    ) -> Result<u32, BusFault> {
        let mut removed = 0;
        for slot in 0..self.limits.mac_capacity {
            if self.instances.statics(instance) == 0 {
                break;
            }
            let entry = MacRow::from_response(&bus.read(Table::Mac, slot)?);
            if let Some(entry) = entry.filter(|entry| entry.key.vvlan == id) {
                bus.delete(&entry.key)?;
                self.instances.remove_static(instance);
                removed += 1;
            }
        }
        Ok(removed)
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
        let learned = match bus.lookup(&row.key)? {
            Some(entry) if entry.is_static => return Err(AdminError::Exists),
            entry => entry.is_some(),
        };
        let row = MacRow {
            is_static: true,
            ..row
        };
        match bus.apply(&TableCommand::MacInsert(instance.into(), row))? {
            Status::Ok | Status::Updated => {}
            Status::Full => return Err(AdminError::TableFull),
            _ => return Err(AdminError::Hardware),
        }
        if learned {
            self.addresses.remove(&row.key);
        }
        self.instances.add_static(instance);
        Ok(())
    }

    fn fdb_del(&mut self, bus: &mut impl TableBus, key: MacKey) -> Result<(), AdminError> {
        let entry = bus.lookup(&key)?.ok_or(AdminError::NotFound)?;
        if !bus.delete(&key)? {
            return Err(AdminError::Hardware);
        }
        if !entry.is_static {
            self.addresses.remove(&key);
        } else if let Some(instance) = self.instances.find(key.vvlan) {
            self.instances.remove_static(instance);
        }
        Ok(())
    }

    fn group_set(
        &mut self,
        bus: &mut impl TableBus,
        index: u8,
        row: GroupRow,
    ) -> Result<(), AdminError> {
        validate::group(index, &self.limits)?;
        validate::vports(row.vports, &self.limits)?;
        Ok(bus.write(&TableCommand::Group(index.into(), row))?)
    }

    /// Returns the number of addresses removed.
    fn fdb_flush(&mut self, bus: &mut impl TableBus, vport: VPort) -> Result<u32, AdminError> {
        validate::vport(vport, &self.limits)?;
        let mut removed = 0;
        while let Some(key) = self.addresses.find_vport(vport) {
            bus.delete(&key)?;
            self.addresses.remove(&key);
            removed += 1;
        }
        Ok(removed)
    }
}

/// The row of an instance that serves no V.VLAN.
const UNUSED: VVlanRow = VVlanRow::new(Vlan::from_tci(0), Mode::Veb, Miss::Ignore);
