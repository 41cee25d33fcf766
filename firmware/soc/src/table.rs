// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The core's window on the table command bus.

use hairpin_abi::{Op, RowWords, Status, Table};

use crate::regs::regs;

/// Polls before a command counts as lost. One takes some tens of datapath clocks.
const MAX_POLLS: u32 = 10_000;

/// The window does not answer, or answers with a status that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub struct TableFault;

/// Issues table commands, one at a time.
#[derive(Debug)]
pub struct TablePort(());

impl TablePort {
    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// Runs one command to its end. `row` is its data; a READ or LOOKUP leaves its answer there.
    ///
    /// # Errors
    ///
    /// [`TableFault`] when no answer comes.
    pub fn command(
        &mut self,
        op: Op,
        table: Table,
        index: u16,
        row: &mut RowWords,
    ) -> Result<Status, TableFault> {
        let tbl = regs().tbl();
        let (sent, answered) = words(op, table);
        for (index, word) in row.iter().enumerate().take(sent) {
            self.write_data(index, *word);
        }
        tbl.cmd().write(|w| {
            w.set_op(op.code());
            w.set_tbl(table.code());
            w.set_index(index);
        });
        for _ in 0..MAX_POLLS {
            let status = tbl.status().read();
            if status.busy() {
                continue;
            }
            let status = Status::from_code(status.code()).ok_or(TableFault)?;
            if answered != 0 {
                for (index, word) in row.iter_mut().enumerate() {
                    *word = if index < answered {
                        self.response(index)
                    } else {
                        0
                    };
                }
            }
            return Ok(status);
        }
        Err(TableFault)
    }

    fn write_data(&mut self, index: usize, word: u32) {
        let tbl = regs().tbl();
        match index {
            0 => tbl.data0().write(|w| w.set_value(word)),
            1 => tbl.data1().write(|w| w.set_value(word)),
            2 => tbl.data2().write(|w| w.set_value(word)),
            3 => tbl.data3().write(|w| w.set_value(word)),
            4 => tbl.data4().write(|w| w.set_value(word)),
            _ => tbl.data5().write(|w| w.set_value(word)),
        }
    }

    fn response(&self, index: usize) -> u32 {
        let tbl = regs().tbl();
        match index {
            0 => tbl.rsp0().read().value(),
            1 => tbl.rsp1().read().value(),
            2 => tbl.rsp2().read().value(),
            3 => tbl.rsp3().read().value(),
            4 => tbl.rsp4().read().value(),
            _ => tbl.rsp5().read().value(),
        }
    }

    /// Sets the key of the tables' hashes. The tables have to be empty.
    pub fn set_hash_seeds(&mut self, seeds: &[u32; 4]) {
        let tbl = regs().tbl();
        let [s0, s1, s2, s3] = *seeds;
        tbl.hash_seed0().write(|w| w.set_value(s0));
        tbl.hash_seed1().write(|w| w.set_value(s1));
        tbl.hash_seed2().write(|w| w.set_value(s2));
        tbl.hash_seed3().write(|w| w.set_value(s3));
    }
}

/// Words that mean something, of a command's data and of its answer; the others are not transferred,
/// which saves most of the time of a command.
const fn words(op: Op, table: Table) -> (usize, usize) {
    let row = match table {
        Table::VVmap => 1,
        Table::Cfg | Table::Group | Table::Flow => 2,
        // Stamp and handle of an entry, word 3, are of no use to the firmware.
        Table::Port | Table::Mac | Table::RxMode => 3,
        Table::VVlan | Table::Key => 6,
    };
    match (op, table) {
        (Op::Read, _) => (0, row),
        (Op::Teach, _) => (0, 3),
        // The keys of flows are in the key buffer.
        (Op::Lookup, Table::Flow) => (0, row),
        (Op::Delete, Table::Flow) => (0, 0),
        (Op::Lookup, _) => (row, row),
        (Op::Insert, Table::Flow) | (Op::Invalidate | Op::Sweep, _) => (1, 0),
        (Op::Install, _) => (2, 0),
        (Op::Write | Op::Insert | Op::Delete, _) => (row, 0),
    }
}
