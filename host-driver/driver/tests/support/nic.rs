// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A NIC of plain memory: enough of the PF BAR for the driver's own logic.

use std::collections::BTreeMap;
use std::io;

use hairpin_abi::admin::{AdminError, Command, CommandWords, Flush, encode_response};
use hairpin_abi::row::MacKey;
use hairpin_abi::{FlowKey, MacRow, Op, RowWords, Seen, Status, Table, VVlan};
use hairpin_driver::{MAP_HASH, Transport};
use window::Window;

#[path = "window.rs"]
pub(crate) mod window;

const MAGIC: u32 = 0x00;
const TBL: u32 = 0x200;
const MBOX: u32 = 0x300;
const CNT: u32 = 0x400;
const FW: u32 = 0x500;
const LOG: u32 = 0x600;
const EV: u32 = 0x700;
const RING: u32 = 0x4000;
const CAP2: u32 = 0x1c;
const VIRTQUEUES: u32 = 2;
const CAP3: u32 = 0x24;
/// Slots in the banks of both tables; the stash is behind them.
const MAC_SLOTS: u16 = 8;
const FLOW_SLOTS: u16 = 4;
const STASH: u16 = 8;

/// What the fake firmware does with commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Firmware {
    /// Obeys.
    Good,
    /// Refuses the n-th command, counted from 0.
    Refuses(usize),
    /// Does not answer.
    Silent,
    /// Does not answer, and the watchdog notices.
    Hung,
    /// Answers with a number nobody knows.
    Nonsense,
    /// Stops at boot with a self-test error.
    BadBoot,
}

pub(crate) struct FakeNic {
    pub(crate) words: BTreeMap<u32, u32>,
    pub(crate) memory: Vec<u32>,
    pub(crate) ports: BTreeMap<u16, RowWords>,
    pub(crate) cfg: RowWords,
    pub(crate) vvlans: BTreeMap<u16, RowWords>,
    pub(crate) macs: Vec<(MacKey, RowWords)>,
    pub(crate) groups: BTreeMap<u16, RowWords>,
    pub(crate) flows: Vec<(FlowKey, RowWords)>,
    /// The host's key buffer.
    pub(crate) key: [RowWords; 3],
    /// Seconds until an address and a flow are forgotten.
    pub(crate) ageing: (u32, u32),
    pub(crate) events: Vec<[u32; 2]>,
    pub(crate) firmware: Firmware,
    pub(crate) commands: usize,
    pub(crate) log: Vec<u8>,
    /// Pools and receive steering, of a NIC with virtqueues.
    pub(crate) window: Window,
    /// Register accesses left until the NIC is pulled out.
    pub(crate) accesses_left: Option<usize>,
    pub(crate) accesses: usize,
    pub(crate) waited: u64,
}

impl Default for FakeNic {
    fn default() -> Self {
        let words = BTreeMap::from([
            (MAGIC, 0x4e49_5048),
            (0x04, 0x0001_0002),
            (0x08, MAP_HASH as u32),
            (0x0c, (MAP_HASH >> 32) as u32),
            (0x10, 0xb111_d000),
            (0x14, 8 | 32 << 8 | 64 << 16),
            (0x18, u32::from(MAC_SLOTS) | 4 << 16 | 2 << 24),
            (CAP2, 1),
            (CAP3, u32::from(FLOW_SLOTS)),
            (0x100, 1),
        ]);
        Self {
            words,
            memory: Vec::new(),
            ports: BTreeMap::new(),
            cfg: RowWords::default(),
            vvlans: BTreeMap::new(),
            macs: Vec::new(),
            groups: BTreeMap::new(),
            flows: Vec::new(),
            key: [RowWords::default(); 3],
            ageing: (0, 0),
            events: Vec::new(),
            firmware: Firmware::Good,
            commands: 0,
            log: Vec::new(),
            window: Window::default(),
            accesses_left: None,
            accesses: 0,
            waited: 0,
        }
    }
}

impl FakeNic {
    /// One with virtqueues.
    pub(crate) fn with_virtqueues() -> Self {
        let mut nic = Self::default();
        nic.words.insert(CAP2, VIRTQUEUES | 1);
        nic
    }

    /// Whether nothing is configured.
    pub(crate) fn is_blank(&self) -> bool {
        self.ports.values().all(|row| *row == RowWords::default())
            && self.cfg == RowWords::default()
            && self.vvlans.is_empty()
            && self.macs.is_empty()
            && self.flows.is_empty()
            && self.groups.values().all(|row| *row == RowWords::default())
    }

    fn gone(&mut self) -> bool {
        self.accesses += 1;
        match &mut self.accesses_left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    fn block<const N: usize>(&self, base: u32) -> [u32; N] {
        std::array::from_fn(|index| {
            self.words
                .get(&(base + 4 * index as u32))
                .copied()
                .unwrap_or(0)
        })
    }

    fn put(&mut self, base: u32, words: &[u32]) {
        for (index, word) in words.iter().enumerate() {
            self.words.insert(base + 4 * index as u32, *word);
        }
    }

    fn table(&mut self, command: u32) {
        let (op, table) = (
            Op::from_code(command as u8 & 15),
            Table::from_code(command as u8 >> 4),
        );
        let index = (command >> 16) as u16;
        let data: RowWords = self.block(TBL);
        let mut answer = RowWords::default();
        let status = match (op, table) {
            (Some(Op::Write), Some(Table::Port)) if index < 8 => {
                self.ports.insert(index, data);
                Status::Ok
            }
            (Some(Op::Write), Some(Table::Cfg)) => {
                self.cfg = data;
                Status::Ok
            }
            (Some(Op::Read), Some(Table::Mac)) if index >= MAC_SLOTS + STASH => Status::BadIndex,
            (Some(Op::Read), Some(Table::Flow)) if index >= FLOW_SLOTS + STASH => Status::BadIndex,
            (Some(Op::Read), Some(table)) => {
                if let (Table::Flow, Some((key, _))) = (table, self.flow(index)) {
                    self.key = key.to_words().rows();
                }
                answer = self.row(table, index);
                Status::Ok
            }
            _ => Status::Denied,
        };
        self.put(TBL + 0x20, &answer);
        self.put(TBL + 0x1c, &[u32::from(status.code()) << 4]);
    }

    /// The flow at a place. The newest is in the stash.
    fn flow(&self, place: u16) -> Option<(FlowKey, RowWords)> {
        let newest = self.flows.len().checked_sub(1)?;
        let at = match usize::from(place) {
            _ if place == FLOW_SLOTS => newest,
            slot if place < FLOW_SLOTS && slot < newest => slot,
            _ => return None,
        };
        self.flows.get(at).copied()
    }

    fn row(&self, table: Table, index: u16) -> RowWords {
        let instance = |id: u16| self.vvlans.keys().position(|vvlan| *vvlan == id);
        match table {
            Table::Port => self.ports.get(&index).copied().unwrap_or_default(),
            Table::Cfg => self.cfg,
            Table::VVmap => match instance(index) {
                Some(instance) => [instance as u32 | 1 << 31, 0, 0, 0, 0, 0],
                None => RowWords::default(),
            },
            Table::VVlan => self
                .vvlans
                .values()
                .nth(index.into())
                .copied()
                .unwrap_or_default(),
            Table::RxMode => RowWords::default(),
            Table::Group => self.groups.get(&index).copied().unwrap_or_default(),
            Table::Mac => self
                .macs
                .get(usize::from(index))
                .map(|(_, row)| *row)
                .unwrap_or_default(),
            Table::Flow => self.flow(index).map(|(_, row)| row).unwrap_or_default(),
            Table::Key => self
                .key
                .get(usize::from(index))
                .copied()
                .unwrap_or_default(),
        }
    }

    fn doorbell(&mut self, seq: u32) {
        self.put(MBOX + 0x44, &[seq & 0xffff]);
        let number = self.commands;
        self.commands += 1;
        let answer = match self.firmware {
            Firmware::Silent | Firmware::BadBoot => return,
            Firmware::Hung => {
                self.put(FW + 0x0c, &[2 | 1 << 16]);
                return;
            }
            Firmware::Nonsense => 999,
            Firmware::Refuses(n) if n == number => AdminError::TableFull.code().into(),
            _ => self.obey().code().into(),
        };
        let mut words = encode_response(AdminError::Ok, [0; 7]);
        words[0] = answer;
        self.put(MBOX + 0x48, &words);
        self.put(MBOX + 0x44, &[seq & 0xffff | 1 << 16]);
    }

    fn obey(&mut self) -> AdminError {
        let words: CommandWords = self.block(MBOX);
        match Command::decode(&words) {
            Ok(Command::VVlanSet { id, mut row }) => {
                row.id = Some(id.into());
                self.vvlans.insert(id.get(), row.to_words());
            }
            Ok(Command::VVlanDel { id }) => {
                self.vvlans.remove(&id.get());
            }
            Ok(Command::FdbAdd(row)) => match self.macs.iter().find(|(key, _)| *key == row.key) {
                None => self.macs.push((row.key, row.to_words())),
                Some((_, words)) if *words == row.to_words() => {}
                Some(_) => return AdminError::Exists,
            },
            Ok(Command::FdbDel(key)) => {
                let before = self.macs.len();
                self.macs.retain(|(other, _)| *other != key);
                if self.macs.len() == before {
                    return AdminError::NotFound;
                }
            }
            Ok(Command::GroupSet { index, row }) => {
                self.groups.insert(index.into(), row.to_words());
            }
            Ok(Command::FlowAdd { key, row }) => {
                let seen = Seen {
                    stamp: 0xfffe,
                    handle: self.flows.len() as u16,
                };
                self.flows.push((key, row.to_response(seen)));
            }
            Ok(Command::FlowDel(key)) => self.flows.retain(|(other, _)| *other != key),
            Ok(Command::FlowFlush(Flush::All)) => self.flows.clear(),
            Ok(Command::AgeingSet { mac, flow }) => self.ageing = (mac, flow),
            Ok(_) => {}
            Err(error) => return error,
        }
        AdminError::Ok
    }
}

impl Transport for FakeNic {
    fn read32(&mut self, offset: u32) -> io::Result<u32> {
        if self.gone() {
            return Ok(u32::MAX);
        }
        Ok(match offset {
            window::POOLS..window::END => self.window.read(offset),
            RING.. => {
                // Byte n of the log is at n modulo 4096; the newest one with that place is there.
                let at = (offset - RING) as usize;
                let byte = |place: usize| {
                    let rounds = (self.log.len() + 4095 - place) / 4096;
                    rounds
                        .checked_sub(1)
                        .map_or(0, |round| self.log[round * 4096 + place])
                };
                u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)])
            }
            LOG => self.log.len() as u32,
            EV => self.events.len() as u32,
            0x704 | 0x708 => {
                let word = (offset as usize - 0x704) / 4;
                self.events.first().map_or(0, |event| event[word])
            }
            _ => self.words.get(&offset).copied().unwrap_or(0),
        })
    }

    fn write32(&mut self, offset: u32, value: u32) -> io::Result<()> {
        if self.gone() {
            return Ok(());
        }
        if (window::POOLS..window::END).contains(&offset) {
            self.window.write(offset, value);
            return Ok(());
        }
        self.words.insert(offset, value);
        const TBL_CMD: u32 = TBL + 0x18;
        const DOORBELL: u32 = MBOX + 0x40;
        const EV_POP: u32 = EV + 0x0c;
        const LOAD_DATA: u32 = FW + 0x08;
        match offset {
            TBL_CMD => self.table(value),
            DOORBELL => self.doorbell(value),
            EV_POP => drop(self.events.drain(..self.events.len().min(1))),
            CNT => self.put(CNT + 8, &[value, 1]),
            LOAD_DATA => {
                self.memory.push(value);
                let next = self.words[&(FW + 4)] + 4;
                self.put(FW + 4, &[next]);
            }
            FW if value == 1 => {
                let state = if self.firmware == Firmware::BadBoot {
                    4 | 2 << 8
                } else {
                    2 | 1 << 17
                };
                self.put(FW + 0x0c, &[state]);
                self.put(FW + 0x1c, &[super::elf::BUILD_ID]);
            }
            _ => {}
        }
        Ok(())
    }

    fn wait(&mut self, cycles: u32) -> io::Result<()> {
        self.waited += u64::from(cycles);
        Ok(())
    }
}

/// The entries of the fake NIC's address table.
pub(crate) fn macs(nic: &FakeNic) -> Vec<MacRow> {
    nic.macs
        .iter()
        .filter_map(|(_, row)| MacRow::from_response(row))
        .collect()
}

/// A V.VLAN ID that is known to be legal.
pub(crate) fn vvlan(id: u16) -> VVlan {
    VVlan::new(id).expect("legal")
}
