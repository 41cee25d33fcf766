// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The table command bus, typed.

use hairpin_abi::row::MacKey;
use hairpin_abi::{MacRow, Op, PortRow, RowWords, Status, Table, TableCommand, VPort, VVlanRow};

/// The hardware did not answer a table command, or not with a status that the command can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BusFault;

/// The firmware's end of the table command bus.
pub trait TableBus {
    /// Runs one command to its end. `row` is its data; a READ or LOOKUP leaves its answer there, in
    /// place, because the core's time goes into copies.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when no answer comes.
    fn command(
        &mut self,
        op: Op,
        table: Table,
        index: u16,
        row: &mut RowWords,
    ) -> Result<Status, BusFault>;

    /// Changes a table.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when no answer comes.
    fn apply(&mut self, change: &TableCommand) -> Result<Status, BusFault> {
        let (op, table, index, mut row) = change.encode();
        self.command(op, table, index, &mut row)
    }

    /// Changes a table in a way that the hardware has no reason to refuse.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when it does, or does not answer.
    fn write(&mut self, change: &TableCommand) -> Result<(), BusFault> {
        match self.apply(change)? {
            Status::Ok => Ok(()),
            _ => Err(BusFault),
        }
    }

    /// The row at an index.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the hardware has no such row, or does not answer.
    fn read(&mut self, table: Table, index: u16) -> Result<RowWords, BusFault> {
        let mut row = [0; 6];
        match self.command(Op::Read, table, index, &mut row)? {
            Status::Ok => Ok(row),
            _ => Err(BusFault),
        }
    }

    /// The row of a vPort.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn port(&mut self, vport: VPort) -> Result<PortRow, BusFault> {
        self.read(Table::Port, vport.get().into())
            .map(|row| PortRow::from_words(&row))
    }

    /// The row of a V.VLAN instance.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn vvlan(&mut self, instance: u8) -> Result<VVlanRow, BusFault> {
        self.read(Table::VVlan, instance.into())
            .map(|row| VVlanRow::from_words(&row))
    }

    /// The entry of an address, if there is one.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the answer makes no sense, or none comes.
    fn lookup(&mut self, key: &MacKey) -> Result<Option<MacRow>, BusFault> {
        let mut row = key.to_words();
        match self.command(Op::Lookup, Table::Mac, 0, &mut row)? {
            Status::Ok => MacRow::from_response(&row).map(Some).ok_or(BusFault),
            Status::NotFound => Ok(None),
            _ => Err(BusFault),
        }
    }

    /// Removes the entry of an address; false if there was none.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the hardware refuses, or does not answer.
    fn delete(&mut self, key: &MacKey) -> Result<bool, BusFault> {
        match self.apply(&TableCommand::MacDelete(*key))? {
            Status::Ok => Ok(true),
            Status::NotFound => Ok(false),
            _ => Err(BusFault),
        }
    }
}
