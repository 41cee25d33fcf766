// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The table command bus, typed.

use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{
    Closed, FlowKey, FlowRow, Invalidation, MacRow, Op, PortRow, RowWords, Scope, Seen, Status,
    Sweep, Table, TableCommand, Teach, Teacher, VPort, VVlan, VVlanRow,
};

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

    /// Removes the entry of an address, if there is one. When it returns, no frame that is still under
    /// way has used it.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the hardware refuses, or does not answer.
    fn delete(&mut self, key: &MacKey) -> Result<(), BusFault> {
        self.write(&TableCommand::MacDelete(*key))
    }

    /// The instance that `VVMAP` gives a V.VLAN.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn vvmap(&mut self, id: VVlan) -> Result<Option<u8>, BusFault> {
        self.read(Table::VVmap, id.get())
            .map(|row| VVmapRow::from_words(&row).instance)
    }

    /// Makes every entry of a scope unusable; `which` is the teacher, V.VLAN instance or vPort. When
    /// it returns, no frame that is still under way has used one of them.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn invalidate(&mut self, table: Table, scope: Scope, which: u8) -> Result<(), BusFault> {
        self.write(&TableCommand::Invalidate(
            table,
            Invalidation { scope, which },
        ))
    }

    /// Starts the removal of dead entries, and of those up to a teacher that were not used for `age`
    /// stamp units.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn sweep(&mut self, table: Table, age: u16, teacher: Teacher) -> Result<(), BusFault> {
        self.write(&TableCommand::Sweep(table, Sweep { age, teacher }))
    }

    /// Puts a key into the key buffer, for the next flow command.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn stage(&mut self, key: &FlowKey) -> Result<(), BusFault> {
        TableCommand::stage(key)
            .iter()
            .try_for_each(|command| self.write(command))
    }

    /// Inserts a flow of a V.VLAN instance, or replaces its row. The key is masked already.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when no answer comes.
    fn flow_insert(
        &mut self,
        instance: u8,
        key: &FlowKey,
        row: &FlowRow,
    ) -> Result<Status, BusFault> {
        self.stage(key)?;
        self.apply(&TableCommand::FlowInsert(instance.into(), *row))
    }

    /// The entry of a masked key, if there is one.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the answer makes no sense, or none comes.
    fn flow_lookup(&mut self, key: &FlowKey) -> Result<Option<(FlowRow, Seen)>, BusFault> {
        self.stage(key)?;
        self.flow_lookup_staged()
    }

    /// The entry of the key in the key buffer, if there is one.
    ///
    /// # Errors
    ///
    /// As [`flow_lookup`](Self::flow_lookup).
    fn flow_lookup_staged(&mut self) -> Result<Option<(FlowRow, Seen)>, BusFault> {
        let mut row = [0; 6];
        match self.command(Op::Lookup, Table::Flow, 0, &mut row)? {
            Status::Ok => FlowRow::from_response(&row)
                .map(|flow| Some((flow, Seen::of_flow(&row))))
                .ok_or(BusFault),
            Status::NotFound => Ok(None),
            _ => Err(BusFault),
        }
    }

    /// Removes the entry of the key in the key buffer, as [`delete`](Self::delete) does.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete).
    fn flow_delete_staged(&mut self) -> Result<(), BusFault> {
        self.write(&TableCommand::FlowDelete)
    }

    /// Inserts the flow of a punt slot, and the flow of its answers if there is a row for them. The
    /// slot's key is masked, and it is mirrored, by the hardware; an entry that was invalidated since
    /// the frame was decided is `stale`.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when no answer comes.
    fn install(
        &mut self,
        slot: u8,
        forward: FlowRow,
        reverse: Option<FlowRow>,
    ) -> Result<Status, BusFault> {
        self.apply(&TableCommand::Install {
            slot: slot.into(),
            forward,
            reverse,
        })
    }

    /// Whether the hardware installs what the adjacent switch teaches.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn set_teaching(&mut self, on: bool) -> Result<(), BusFault> {
        self.write(&TableCommand::Teach(if on {
            Teach::On
        } else {
            Teach::Off
        }))
    }

    /// Closes the flows that are pending, so that [`use_closed`](Self::use_closed) is about them and no others. What was
    /// closed before and not used is closed still, and nothing else is. `None` if there are none, or not yet.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the hardware refuses, or does not answer.
    fn close(&mut self) -> Result<Option<Closed>, BusFault> {
        let mut row = [0; 6];
        match self.command(Op::Teach, Table::Flow, Teach::Close.code().into(), &mut row)? {
            Status::Ok => Ok(Some(Closed::from_words(&row))),
            // The entries of older batches still have their marks.
            Status::NotFound | Status::Full => Ok(None),
            _ => Err(BusFault),
        }
    }

    /// Takes the closed flows into use; false if none are closed any more.
    ///
    /// # Errors
    ///
    /// As [`close`](Self::close).
    fn use_closed(&mut self) -> Result<bool, BusFault> {
        match self.apply(&TableCommand::Teach(Teach::Use))? {
            Status::Ok => Ok(true),
            Status::NotFound => Ok(false),
            _ => Err(BusFault),
        }
    }
}
