// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The table command bus: one command at a time, from the host's window or the firmware's.

use crate::flow::{FlowKey, FlowKeyWords, FlowRow, Scope, Teacher};
use crate::ids::{MacAddr, PortSet, VVlan};
use crate::row::{CfgRow, GroupRow, MacKey, MacRow, PortRow, RxModeRow, VVlanRow, VVmapRow};

/// Data of a command or response, word 0 first.
pub type RowWords = [u32; 6];

codes! {
    /// Operation of a table command.
    pub enum Op {
        /// Write the row at an index.
        Write = 1, "write";
        /// Read the row at an index.
        Read = 2, "read";
        /// Insert by key, or replace the action of a key that is there.
        Insert = 3, "insert";
        /// Delete by key.
        Delete = 4, "delete";
        /// Look up by key.
        Lookup = 5, "lookup";
        /// Make every entry of a scope unusable; index: scope, word 0: which one.
        Invalidate = 6, "invalidate";
        /// Insert the key of a punted frame and its mirror; index: punt slot, words 0 and 1: rows.
        Install = 7, "install";
        /// Remove dead entries and those that were not used for long.
        Sweep = 8, "sweep";
        /// What the adjacent switch teaches; index: [`Teach`].
        Teach = 9, "teach";
    }
}

codes! {
    /// What a `TEACH` does.
    pub enum Teach {
        /// Frames that teach are left to the firmware.
        Off = 0, "off";
        /// Frames that teach are installed, pending.
        On = 1, "on";
        /// What is pending now is what the next `USE` is about; answers with its vPorts and its number.
        Close = 2, "close";
        /// What the last `CLOSE` was about is in use.
        Use = 3, "use";
    }
}

/// What a `CLOSE` answers: the flows that the next `USE` is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Closed {
    /// Whose frames they are.
    pub vports: PortSet,
    /// How many have been installed.
    pub flows: u16,
}

impl Closed {
    /// Unpacks an answer.
    #[must_use]
    pub const fn from_words(row: &RowWords) -> Self {
        let [low, high, flows, ..] = *row;
        Self {
            vports: PortSet((high as u64) << 32 | low as u64),
            flows: flows as u16,
        }
    }

    /// Packs an answer.
    #[must_use]
    pub const fn to_words(self) -> RowWords {
        let PortSet(vports) = self.vports;
        [
            vports as u32,
            (vports >> 32) as u32,
            self.flows as u32,
            0,
            0,
            0,
        ]
    }
}

codes! {
    /// A table of the eSwitch.
    pub enum Table {
        /// vPorts; index: vPort.
        Port = 0, "port";
        /// Configuration of the whole NIC; index: 0.
        Cfg = 1, "cfg";
        /// V.VLAN ID to instance; index: V.VLAN ID.
        VVmap = 2, "vvmap";
        /// V.VLAN instances; index: 0 to 63.
        VVlan = 3, "vvlan";
        /// Groups of vPorts; index: 0 to 255.
        Group = 4, "group";
        /// MAC addresses; by key, READ index: bank * depth + slot, then the stash.
        Mac = 5, "mac";
        /// Flow cache; by the key in `key`, READ index: bank * depth + slot, then the stash.
        Flow = 6, "flow";
        /// Key of the next flow command, and of the last one that found an entry; index: 0 to 2.
        Key = 7, "key";
        /// What guests asked for; index: 8 * vPort + row.
        RxMode = 8, "rxmode";
    }
}

codes! {
    /// Status of a table response.
    pub enum Status {
        /// Done.
        Ok = 0, "ok";
        /// The key was there, its action is replaced.
        Updated = 1, "updated";
        /// No free place for the key.
        Full = 2, "full";
        /// The key is not there.
        NotFound = 3, "not-found";
        /// This master may not do that.
        Denied = 4, "denied";
        /// The table has no such row.
        BadIndex = 5, "bad-index";
        /// The table has no such operation.
        BadOp = 6, "bad-op";
        /// What was seen with the key has been invalidated since.
        Stale = 7, "stale";
        /// The vPort has as many addresses, or the V.VLAN as many flows, as it may.
        Quota = 8, "quota";
        /// The key is a static entry, or one of a higher teacher.
        Refused = 9, "refused";
    }
}

/// Which entries an `INVALIDATE` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Invalidation {
    /// How far it goes.
    pub scope: Scope,
    /// The teacher, V.VLAN instance or vPort; 0 with [`Scope::All`].
    pub which: u8,
}

/// What a `SWEEP` removes besides dead entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sweep {
    /// Entries that were not used for this many stamp units; 0: only dead ones.
    pub age: u16,
    /// Entries of this teacher and lower ones age; `MAC`: no meaning, dynamic entries age.
    pub teacher: Teacher,
}

impl Sweep {
    /// Packs it into word 0.
    #[must_use]
    pub fn to_word(self) -> u32 {
        u32::from(self.age) | u32::from(self.teacher.code()) << 16
    }

    /// Unpacks word 0; `None` if there is no such teacher.
    #[must_use]
    pub fn from_word(word: u32) -> Option<Self> {
        Some(Self {
            age: word as u16,
            teacher: Teacher::from_code((word >> 16 & 3) as u8)?,
        })
    }
}

/// A table command that may change a table, typed. Reads are not changes; see [`Op`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableCommand {
    /// Write a row of `PORT`.
    Port(u16, PortRow),
    /// Write `CFG`.
    Cfg(CfgRow),
    /// Write a row of `VVMAP`.
    VVmap(u16, VVmapRow),
    /// Write a row of `VVLAN`.
    VVlan(u16, VVlanRow),
    /// Write a row of `GROUP`.
    Group(u16, GroupRow),
    /// Write a row of `RXMODE`.
    RxMode(u16, RxModeRow),
    /// Insert or replace a MAC entry that lives with a V.VLAN instance.
    MacInsert(u16, MacRow),
    /// Delete a MAC entry.
    MacDelete(MacKey),
    /// Insert or replace the flow of the key buffer; it lives with a V.VLAN instance.
    FlowInsert(u16, FlowRow),
    /// Delete the flow of the key buffer.
    FlowDelete,
    /// Write a third of the key buffer.
    Key(u16, RowWords),
    /// Make entries of `MAC` or `FLOW` unusable.
    Invalidate(Table, Invalidation),
    /// Insert the flow of a punt slot, and its mirror.
    Install {
        /// The punt slot.
        slot: u16,
        /// Row of the frame's own direction.
        forward: FlowRow,
        /// Row of the other direction; `None`: no mirror.
        reverse: Option<FlowRow>,
    },
    /// Remove entries of `MAC` or `FLOW` that are of no use.
    Sweep(Table, Sweep),
    /// What the adjacent switch teaches.
    Teach(Teach),
}

impl TableCommand {
    /// A deletion of the entry of `{vvlan, mac}`.
    #[must_use]
    pub const fn mac_delete(vvlan: VVlan, mac: MacAddr) -> Self {
        Self::MacDelete(MacKey { vvlan, mac })
    }

    /// The three commands that put a key into the key buffer.
    #[must_use]
    pub fn stage(key: &FlowKey) -> [Self; 3] {
        let rows = key.to_words().rows();
        [0, 1, 2].map(|index: u16| {
            let row = rows.get(usize::from(index)).copied().unwrap_or_default();
            Self::Key(index, row)
        })
    }

    /// The command as the bus carries it: operation, table, index, data.
    #[must_use]
    pub fn encode(&self) -> (Op, Table, u16, RowWords) {
        let word = |word| [word, 0, 0, 0, 0, 0];
        match self {
            Self::Port(index, row) => (Op::Write, Table::Port, *index, row.to_words()),
            Self::Cfg(row) => (Op::Write, Table::Cfg, 0, row.to_words()),
            Self::VVmap(index, row) => (Op::Write, Table::VVmap, *index, row.to_words()),
            Self::VVlan(index, row) => (Op::Write, Table::VVlan, *index, row.to_words()),
            Self::Group(index, row) => (Op::Write, Table::Group, *index, row.to_words()),
            Self::RxMode(index, row) => (Op::Write, Table::RxMode, *index, row.to_words()),
            Self::MacInsert(instance, row) => (Op::Insert, Table::Mac, *instance, row.to_words()),
            Self::MacDelete(key) => (Op::Delete, Table::Mac, 0, key.to_words()),
            Self::FlowInsert(instance, row) => (Op::Insert, Table::Flow, *instance, row.to_words()),
            Self::FlowDelete => (Op::Delete, Table::Flow, 0, word(0)),
            Self::Key(index, words) => (Op::Write, Table::Key, *index, *words),
            Self::Invalidate(table, what) => {
                let scope = what.scope.code().into();
                (Op::Invalidate, *table, scope, word(what.which.into()))
            }
            Self::Install {
                slot,
                forward,
                reverse,
            } => {
                let reverse = reverse.map_or(0, |row| row.to_word());
                let data = [forward.to_word(), reverse, 0, 0, 0, 0];
                (Op::Install, Table::Flow, *slot, data)
            }
            Self::Sweep(table, sweep) => (Op::Sweep, *table, 0, word(sweep.to_word())),
            Self::Teach(what) => (Op::Teach, Table::Flow, what.code().into(), word(0)),
        }
    }

    /// The command of a bus transfer. `None` when it changes nothing (a read, a lookup), names an
    /// operation the table does not have, or carries a key or row without a meaning.
    #[must_use]
    pub fn decode(op: Op, table: Table, index: u16, data: &RowWords) -> Option<Self> {
        let [first, second, ..] = *data;
        Some(match (op, table) {
            (Op::Write, Table::Port) => Self::Port(index, PortRow::from_words(data)),
            (Op::Write, Table::Cfg) => Self::Cfg(CfgRow::from_words(data)),
            (Op::Write, Table::VVmap) => Self::VVmap(index, VVmapRow::from_words(data)),
            (Op::Write, Table::VVlan) => Self::VVlan(index, VVlanRow::from_words(data)),
            (Op::Write, Table::Group) => Self::Group(index, GroupRow::from_words(data)),
            (Op::Write, Table::RxMode) => Self::RxMode(index, RxModeRow::from_words(data)),
            (Op::Write, Table::Key) => Self::Key(index, *data),
            (Op::Insert, Table::Mac) => Self::MacInsert(index, MacRow::from_words(data)?),
            (Op::Insert, Table::Flow) => Self::FlowInsert(index, FlowRow::from_words(data)?),
            (Op::Delete, Table::Mac) => Self::MacDelete(MacKey::from_words(data)?),
            (Op::Delete, Table::Flow) => Self::FlowDelete,
            (Op::Invalidate, Table::Mac | Table::Flow) => Self::Invalidate(
                table,
                Invalidation {
                    scope: u8::try_from(index).ok().and_then(Scope::from_code)?,
                    which: first as u8,
                },
            ),
            (Op::Install, Table::Flow) => Self::Install {
                slot: index,
                forward: FlowRow::from_word(first)?,
                reverse: match second >> 31 {
                    0 => None,
                    _ => Some(FlowRow::from_word(second)?),
                },
            },
            (Op::Sweep, Table::Mac | Table::Flow) => Self::Sweep(table, Sweep::from_word(first)?),
            (Op::Teach, Table::Flow) => {
                Self::Teach(u8::try_from(index).ok().and_then(Teach::from_code)?)
            }
            _ => return None,
        })
    }
}

/// The thirds of the key buffer as the bus carries them.
impl FlowKeyWords {
    /// Rows of `KEY` 0 to 2.
    #[must_use]
    pub fn rows(&self) -> [RowWords; 3] {
        let mut rows = [[0; 6]; 3];
        for (to, from) in rows.as_flattened_mut().iter_mut().zip(self.0) {
            *to = from;
        }
        rows
    }

    /// The words of rows 0 to 2; what is past the key is ignored.
    #[must_use]
    pub fn from_rows(rows: &[RowWords; 3]) -> Self {
        let mut words = Self::default();
        for (to, from) in words.0.iter_mut().zip(rows.as_flattened()) {
            *to = *from;
        }
        words
    }
}
