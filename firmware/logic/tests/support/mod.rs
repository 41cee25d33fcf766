// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A NIC of plain memory: the golden model's tables behind the firmware's table command bus.
#![allow(dead_code, reason = "each test binary uses its part")]

use hairpin_abi::admin::{AdminError, Command, decode_response};
use hairpin_abi::ids::PortSet;
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{
    GroupRow, MacAddr, MacRow, Miss, Mode, Op, PortRow, RowWords, Status, Table, TableCommand,
    Target, VPort, VVlan, VVlanRow, Vlan,
};
use hairpin_eswitch::Tables;
use hairpin_eswitch::model::Memory;
use hairpin_nic_logic::{BusFault, Control, Limits, Outcome, TableBus};

/// vPorts of the test NIC.
pub(crate) const VPORTS: u8 = 8;

/// The tables, and what was done to them.
pub(crate) struct FakeBus {
    pub(crate) memory: Memory,
    /// Slots of the MAC table, as READ shows them.
    slots: Vec<Option<MacKey>>,
    /// Commands that changed something.
    pub(crate) changes: Vec<TableCommand>,
    /// Commands that are answered before the bus falls silent.
    pub(crate) answers: Option<usize>,
}

impl FakeBus {
    pub(crate) fn new(mac_capacity: usize) -> Self {
        Self {
            memory: Memory::new(VPORTS),
            slots: vec![None; mac_capacity],
            changes: Vec::new(),
            answers: None,
        }
    }

    fn change(&mut self, command: &TableCommand) -> Status {
        let free = self.slots.iter().position(Option::is_none);
        match command {
            TableCommand::MacInsert(_, row) if self.memory.mac_row(&row.key).is_none() => {
                match free {
                    Some(slot) => self.slots[slot] = Some(row.key),
                    None => return Status::Full,
                }
            }
            TableCommand::MacDelete(key) => {
                self.slots
                    .iter_mut()
                    .filter(|slot| **slot == Some(*key))
                    .for_each(|s| *s = None);
            }
            _ => {}
        }
        // The hardware keeps one bit per vPort that it has.
        let command = &match *command {
            TableCommand::Group(index, row) => {
                TableCommand::Group(index, group_row(row.vports.0 & ((1 << VPORTS) - 1)))
            }
            command => command,
        };
        let status = self.memory.apply(command);
        if matches!(status, Status::Ok | Status::Updated) {
            self.changes.push(*command);
        }
        status
    }

    fn row(&self, table: Table, index: u16) -> Option<RowWords> {
        Some(match table {
            Table::Port => self.memory.port(VPort::new(index as u8)?).to_words(),
            Table::Cfg => self.memory.config().to_words(),
            Table::VVmap => {
                let instance = VVlan::new(index).and_then(|id| self.memory.vvlan(id));
                VVmapRow {
                    instance: instance.map(|(instance, _)| instance),
                }
                .to_words()
            }
            Table::VVlan => {
                // The model shows a row by the V.VLAN that leads to it.
                let mut ids = (1..=4094).filter_map(VVlan::new);
                ids.find_map(|id| {
                    let (instance, row) = self.memory.vvlan(id)?;
                    (u16::from(instance) == index).then(|| row.to_words())
                })?
            }
            Table::Group => self.memory.group(u8::try_from(index).ok()?).to_words(),
            Table::Flow | Table::Key => return None,
            Table::Mac => match self.slots.get(usize::from(index))? {
                Some(key) => self.memory.mac_row(key)?.to_words(),
                None => [0; 6],
            },
        })
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
        if let Some(command) = TableCommand::decode(op, table, index, row) {
            assert!(
                !matches!(command, TableCommand::Port(..) | TableCommand::Cfg(_)),
                "denied"
            );
            return Ok(self.change(&command));
        }
        let (status, answer) = match op {
            Op::Lookup => {
                let key = MacKey::from_words(row).expect("a legal key");
                match self.memory.mac_row(&key) {
                    Some(row) => (Status::Ok, row.to_words()),
                    None => (Status::NotFound, [0; 6]),
                }
            }
            Op::Read => match self.row(table, index) {
                Some(row) => (Status::Ok, row),
                None => (Status::BadIndex, [0; 6]),
            },
            _ => (Status::BadOp, [0; 6]),
        };
        *row = answer;
        Ok(status)
    }
}

/// A NIC with firmware.
pub(crate) struct Nic {
    pub(crate) bus: FakeBus,
    pub(crate) control: Control,
}

impl Nic {
    pub(crate) fn new() -> Self {
        Self::with_capacity(64)
    }

    pub(crate) fn with_capacity(mac_capacity: u16) -> Self {
        let mut control = Control::new();
        control.init(Limits {
            vports: VPORTS,
            instances: 4,
            groups: 16,
            mac_capacity,
        });
        Self {
            bus: FakeBus::new(mac_capacity.into()),
            control,
        }
    }

    /// Obeys a command; the first result on success. An error must not have changed anything.
    pub(crate) fn run(&mut self, command: Command) -> Result<u32, AdminError> {
        self.run_words(&command.encode())
    }

    pub(crate) fn run_words(&mut self, words: &[u32; 16]) -> Result<u32, AdminError> {
        let before = self.bus.changes.len();
        let outcome = self.control.execute(&mut self.bus, words);
        let Outcome::Respond(words) = outcome else {
            panic!("crashes: {outcome:?}")
        };
        let result = decode_response(&words).map(|[first, ..]| first);
        if let Err(error) = result
            && error != AdminError::Hardware
        {
            assert_eq!(
                self.bus.changes.len(),
                before,
                "{error} has changed something"
            );
        }
        result
    }

    /// A V.VLAN with these members.
    pub(crate) fn add_vvlan(&mut self, id: u16, members: &[u8]) -> u32 {
        self.run(Command::VVlanSet {
            id: vvlan(id),
            row: row(members),
        })
        .expect("a legal V.VLAN")
    }

    /// The host's row of a vPort.
    pub(crate) fn set_port(&mut self, number: u8, row: PortRow) {
        let status = self
            .bus
            .memory
            .apply(&TableCommand::Port(number.into(), row));
        assert_eq!(status, Status::Ok);
    }

    pub(crate) fn target(&self, id: u16, last: u8) -> Option<Target> {
        self.bus.memory.mac(&key(id, last))
    }
}

pub(crate) fn vvlan(id: u16) -> VVlan {
    VVlan::new(id).expect("1 to 4094")
}

pub(crate) fn vport(number: u8) -> VPort {
    VPort::new(number).expect("below 64")
}

pub(crate) fn vlan(id: u16) -> Vlan {
    Vlan::new(id).expect("12 bits")
}

pub(crate) fn mac(last: u8) -> MacAddr {
    MacAddr([0x02, 0, 0, 0, 0, last])
}

pub(crate) fn key(id: u16, last: u8) -> MacKey {
    MacKey {
        vvlan: vvlan(id),
        mac: mac(last),
    }
}

pub(crate) fn members(numbers: &[u8]) -> PortSet {
    numbers.iter().map(|number| vport(*number)).collect()
}

pub(crate) fn row(numbers: &[u8]) -> VVlanRow {
    VVlanRow {
        members: members(numbers),
        ..VVlanRow::new(vlan(10), Mode::Veb, Miss::Ignore)
    }
}

pub(crate) fn group_row(bits: u64) -> GroupRow {
    GroupRow {
        vports: PortSet(bits),
    }
}

pub(crate) fn to_vport(id: u16, last: u8, port: u8) -> Command {
    let target = Target::VPort(vport(port));
    Command::FdbAdd(MacRow {
        key: key(id, last),
        target,
        is_static: false,
    })
}
