// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The table window: what the host may write, and all that it may read.

use std::collections::{BTreeMap, HashMap};

use hairpin_abi::counter::{CountedTable, CounterAddr, TableCounter};
use hairpin_abi::{
    CfgRow, FlowKey, FlowKeyWords, FlowRow, GroupRow, MacRow, Op, PortRow, RowWords, RxModeRow,
    Seen, Status, Table, VPort, VVlan, VVlanRow, VVmapRow,
};
use hairpin_regs::pf_on;

use crate::device::{Device, offset_of};
use crate::error::Error;
use crate::transport::Transport;

/// Valid bit in word 2 of a `MAC` row and word 0 of a `FLOW` row.
const VALID: u32 = 1 << 31;
/// Places of a table's stash, behind those of its banks.
const STASH: u16 = 8;

/// An entry of the address table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacEntry {
    /// Key and target.
    pub row: MacRow,
    /// When it was last used, and its number.
    pub seen: Seen,
}

/// An entry of the flow cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowEntry {
    /// Its key.
    pub key: FlowKey,
    /// What happens to its frames.
    pub row: FlowRow,
    /// When it was last used, and its number.
    pub seen: Seen,
}

/// The places of a table with so many slots in its banks. The stash comes first and once more at the
/// end, because entries pass through it when they move.
fn places(slots: u16) -> impl Iterator<Item = u16> {
    let stash = slots..slots.saturating_add(STASH);
    stash.clone().chain(0..slots).chain(stash)
}

impl<T: Transport> Device<T> {
    /// Writes a vPort's row.
    ///
    /// # Errors
    /// The NIC cannot be reached or refuses the row.
    pub fn write_port(&mut self, vport: VPort, row: &PortRow) -> Result<(), Error> {
        self.write_row(Table::Port, vport.get().into(), &row.to_words())
    }

    /// Writes the configuration of the whole NIC.
    ///
    /// # Errors
    /// The NIC cannot be reached or refuses the row.
    pub fn write_cfg(&mut self, row: &CfgRow) -> Result<(), Error> {
        self.write_row(Table::Cfg, 0, &row.to_words())
    }

    /// Reads a vPort's row.
    ///
    /// # Errors
    /// The NIC cannot be reached or there is no such vPort.
    pub fn read_port(&mut self, vport: VPort) -> Result<PortRow, Error> {
        Ok(PortRow::from_words(&self.read_row(
            Table::Port,
            vport.get().into(),
            3,
        )?))
    }

    /// Reads the configuration of the whole NIC.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn read_cfg(&mut self) -> Result<CfgRow, Error> {
        Ok(CfgRow::from_words(&self.read_row(Table::Cfg, 0, 2)?))
    }

    /// The instance of a V.VLAN, if it has one.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn read_vvmap(&mut self, vvlan: VVlan) -> Result<VVmapRow, Error> {
        Ok(VVmapRow::from_words(&self.read_row(
            Table::VVmap,
            vvlan.get(),
            1,
        )?))
    }

    /// Reads a V.VLAN instance.
    ///
    /// # Errors
    /// The NIC cannot be reached or has no such instance.
    pub fn read_vvlan(&mut self, instance: u8) -> Result<VVlanRow, Error> {
        Ok(VVlanRow::from_words(&self.read_row(
            Table::VVlan,
            instance.into(),
            6,
        )?))
    }

    /// Reads a group.
    ///
    /// # Errors
    /// The NIC cannot be reached or has no such group.
    pub fn read_group(&mut self, index: u16) -> Result<GroupRow, Error> {
        Ok(GroupRow::from_words(&self.read_row(
            Table::Group,
            index,
            2,
        )?))
    }

    /// Reads a row of what the guest of a vPort asked for, 0 to [`RX_MODE_ROWS`] - 1.
    ///
    /// [`RX_MODE_ROWS`]: hairpin_abi::RX_MODE_ROWS
    ///
    /// # Errors
    /// The NIC cannot be reached or has no such row.
    pub fn read_rx_mode(&mut self, vport: VPort, row: u8) -> Result<RxModeRow, Error> {
        Ok(RxModeRow::from_words(&self.read_row(
            Table::RxMode,
            RxModeRow::index(vport, row),
            3,
        )?))
    }

    /// Reads a place of the address table; `None` when it is free.
    ///
    /// # Errors
    /// The NIC cannot be reached, has no such place, or the place holds an impossible entry.
    pub fn read_mac_place(&mut self, place: u16) -> Result<Option<MacEntry>, Error> {
        // Most places are free, and every read of a live NIC takes a while.
        self.command(Op::Read, Table::Mac, place)?;
        let [valid] = self.read_words(self.response() + 8)?;
        if valid & VALID == 0 {
            return Ok(None);
        }
        let mut words = RowWords::default();
        let [first, second] = self.read_words(self.response())?;
        let [seen] = self.read_words(self.response() + 12)?;
        words[..4].copy_from_slice(&[first, second, valid, seen]);
        let row = MacRow::from_response(&words).ok_or_else(|| {
            Error::Protocol(format!("MAC place {place} holds {:08x?}", &words[..3]))
        })?;
        Ok(Some(MacEntry {
            row,
            seen: Seen::of_mac(&words),
        }))
    }

    /// Every valid entry of the address table, by key.
    ///
    /// Entries move while the table is at work: one that does so at the wrong moment may be missed.
    ///
    /// # Errors
    /// As [`Device::read_mac_place`].
    pub fn dump_macs(&mut self) -> Result<Vec<MacEntry>, Error> {
        let slots = self.capabilities().mac_entries;
        let mut found = BTreeMap::new();
        if self.is_empty(CountedTable::Mac)? {
            return Ok(Vec::new());
        }
        for place in places(slots) {
            if let Some(entry) = self.read_mac_place(place)? {
                found.insert(entry.row.key, entry);
            }
        }
        Ok(found.into_values().collect())
    }

    /// Reads a place of the flow cache; `None` when it is free.
    ///
    /// # Errors
    /// The NIC cannot be reached, has no such place, or the place holds an impossible entry.
    pub fn read_flow_place(&mut self, place: u16) -> Result<Option<FlowEntry>, Error> {
        let mut words = self.read_row(Table::Flow, place, 1)?;
        if words[0] & VALID == 0 {
            return Ok(None);
        }
        [words[1]] = self.read_words(self.response() + 4)?;
        let mut rows = [RowWords::default(); 3];
        for (index, row) in (0..).zip(&mut rows) {
            *row = self.read_row(Table::Key, index, 6)?;
        }
        let key = FlowKey::from_words(&FlowKeyWords::from_rows(&rows));
        let row = FlowRow::from_response(&words);
        let (Some(key), Some(row)) = (key, row) else {
            let message = format!(
                "flow place {place} holds {:08x?}, key {rows:08x?}",
                &words[..2]
            );
            return Err(Error::Protocol(message));
        };
        Ok(Some(FlowEntry {
            key,
            row,
            seen: Seen::of_flow(&words),
        }))
    }

    /// Every valid entry of the flow cache. None on a NIC without one; see [`Device::dump_macs`].
    ///
    /// # Errors
    /// As [`Device::read_flow_place`].
    pub fn dump_flows(&mut self) -> Result<Vec<FlowEntry>, Error> {
        let slots = self.capabilities().flow_entries;
        let mut found = HashMap::new();
        if slots > 0 && !self.is_empty(CountedTable::Flow)? {
            for place in places(slots) {
                if let Some(entry) = self.read_flow_place(place)? {
                    found.insert(entry.key, entry);
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// Whether a table has no entry. A table is thousands of places, and a live NIC takes a while for each.
    fn is_empty(&mut self, table: CountedTable) -> Result<bool, Error> {
        Ok(self.read_counter(CounterAddr::table(table, TableCounter::Occupied))? == 0)
    }

    fn write_row(&mut self, table: Table, index: u16, row: &RowWords) -> Result<(), Error> {
        let io = self.io();
        self.write_words(offset_of(pf_on(&io).tbl().data0().as_ptr()), row)?;
        self.command(Op::Write, table, index)
    }

    /// Reads the first `len` words of a row; the others are 0.
    fn read_row(&mut self, table: Table, index: u16, len: usize) -> Result<RowWords, Error> {
        self.command(Op::Read, table, index)?;
        let mut row = RowWords::default();
        let words = row.get_mut(..len).unwrap_or_default();
        self.read_into(self.response(), words)?;
        Ok(row)
    }

    /// Where the answer to a table command is.
    fn response(&self) -> u32 {
        offset_of(pf_on(&self.io()).tbl().rsp0().as_ptr())
    }

    /// Runs one command to its end.
    fn command(&mut self, op: Op, table: Table, index: u16) -> Result<(), Error> {
        let io = self.io();
        let window = pf_on(&io).tbl();
        window.cmd().try_write(|command| {
            command.set_op(op.code());
            command.set_tbl(table.code());
            command.set_index(index);
        })?;
        let mut code = 0;
        self.poll("table command", || {
            let status = window.status().try_read()?;
            code = status.code();
            Ok(!status.busy())
        })?;
        match Status::from_code(code) {
            Some(Status::Ok | Status::Updated) => Ok(()),
            Some(status) => Err(Error::Table {
                op,
                table,
                index,
                status,
            }),
            None => Err(Error::Protocol(format!("table status {code}"))),
        }
    }
}
