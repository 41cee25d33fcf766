// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The table window: what the host may write, and all that it may read.

use hairpin_abi::{
    CfgRow, GroupRow, MacRow, Op, PortRow, RowWords, Status, Table, VPort, VVlan, VVlanRow,
    VVmapRow,
};
use hairpin_regs::pf_on;

use crate::device::{Device, offset_of};
use crate::error::Error;
use crate::transport::Transport;

/// Valid bit in word 2 of a `MAC` row.
const MAC_VALID: u32 = 1 << 31;

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
        Ok(CfgRow::from_words(&self.read_row(Table::Cfg, 0, 1)?))
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

    /// Reads a slot of the address table; `None` when it is free.
    ///
    /// # Errors
    /// The NIC cannot be reached, has no such slot, or the slot holds an impossible entry.
    pub fn read_mac_slot(&mut self, slot: u16) -> Result<Option<MacRow>, Error> {
        let words = self.read_row(Table::Mac, slot, 3)?;
        if words[2] & MAC_VALID == 0 {
            return Ok(None);
        }
        MacRow::from_response(&words)
            .map(Some)
            .ok_or_else(|| Error::Protocol(format!("MAC slot {slot} holds {:08x?}", &words[..3])))
    }

    /// Every valid entry of the address table.
    ///
    /// # Errors
    /// As [`Device::read_mac_slot`].
    pub fn dump_macs(&mut self) -> Result<Vec<MacRow>, Error> {
        let slots = self.capabilities().mac_entries;
        (0..slots)
            .filter_map(|slot| self.read_mac_slot(slot).transpose())
            .collect()
    }

    fn write_row(&mut self, table: Table, index: u16, row: &RowWords) -> Result<(), Error> {
        let io = self.io();
        self.write_words(offset_of(pf_on(&io).tbl().data0().as_ptr()), row)?;
        self.command(Op::Write, table, index)
    }

    /// Reads the first `len` words of a row; the others are 0.
    fn read_row(&mut self, table: Table, index: u16, len: usize) -> Result<RowWords, Error> {
        self.command(Op::Read, table, index)?;
        let io = self.io();
        let mut row = RowWords::default();
        let words = row.get_mut(..len).unwrap_or_default();
        self.read_into(offset_of(pf_on(&io).tbl().rsp0().as_ptr()), words)?;
        Ok(row)
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
