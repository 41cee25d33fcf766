// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The table command bus: one command at a time, from the host's window or the firmware's.

use crate::ids::{MacAddr, VVlan};
use crate::row::{CfgRow, GroupRow, MacKey, MacRow, PortRow, VVlanRow, VVmapRow};

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
        /// MAC addresses; by key, READ index: bank * depth + slot.
        Mac = 5, "mac";
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
    }
}

/// A change of one table, typed. Reads are not changes; see [`Op`].
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
    /// Insert or replace a MAC entry.
    MacInsert(MacRow),
    /// Delete a MAC entry.
    MacDelete(MacKey),
}

impl TableCommand {
    /// A deletion of the entry of `{vvlan, mac}`.
    #[must_use]
    pub const fn mac_delete(vvlan: VVlan, mac: MacAddr) -> Self {
        Self::MacDelete(MacKey { vvlan, mac })
    }

    /// The command as the bus carries it: operation, table, index, data.
    #[must_use]
    pub fn encode(&self) -> (Op, Table, u16, RowWords) {
        match self {
            Self::Port(index, row) => (Op::Write, Table::Port, *index, row.to_words()),
            Self::Cfg(row) => (Op::Write, Table::Cfg, 0, row.to_words()),
            Self::VVmap(index, row) => (Op::Write, Table::VVmap, *index, row.to_words()),
            Self::VVlan(index, row) => (Op::Write, Table::VVlan, *index, row.to_words()),
            Self::Group(index, row) => (Op::Write, Table::Group, *index, row.to_words()),
            Self::MacInsert(row) => (Op::Insert, Table::Mac, 0, row.to_words()),
            Self::MacDelete(key) => (Op::Delete, Table::Mac, 0, key.to_words()),
        }
    }

    /// The command of a bus transfer. `None` when it changes nothing (a read, a lookup), names an
    /// operation the table does not have, or carries a key with an illegal V.VLAN.
    #[must_use]
    pub fn decode(op: Op, table: Table, index: u16, data: &RowWords) -> Option<Self> {
        Some(match (op, table) {
            (Op::Write, Table::Port) => Self::Port(index, PortRow::from_words(data)),
            (Op::Write, Table::Cfg) => Self::Cfg(CfgRow::from_words(data)),
            (Op::Write, Table::VVmap) => Self::VVmap(index, VVmapRow::from_words(data)),
            (Op::Write, Table::VVlan) => Self::VVlan(index, VVlanRow::from_words(data)),
            (Op::Write, Table::Group) => Self::Group(index, GroupRow::from_words(data)),
            (Op::Insert, Table::Mac) => Self::MacInsert(MacRow::from_words(data)?),
            (Op::Delete, Table::Mac) => Self::MacDelete(MacKey::from_words(data)?),
            _ => return None,
        })
    }
}
