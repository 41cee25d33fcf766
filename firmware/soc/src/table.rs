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

    /// Runs one command to its end.
    ///
    /// # Errors
    ///
    /// [`TableFault`] when no answer comes.
    pub fn command(
        &mut self,
        op: Op,
        table: Table,
        index: u16,
        data: &RowWords,
    ) -> Result<(Status, RowWords), TableFault> {
        let tbl = regs().tbl();
        let [d0, d1, d2, d3, d4, d5] = *data;
        tbl.data0().write(|w| w.set_value(d0));
        tbl.data1().write(|w| w.set_value(d1));
        tbl.data2().write(|w| w.set_value(d2));
        tbl.data3().write(|w| w.set_value(d3));
        tbl.data4().write(|w| w.set_value(d4));
        tbl.data5().write(|w| w.set_value(d5));
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
            return Ok((status, self.response()));
        }
        Err(TableFault)
    }

    fn response(&self) -> RowWords {
        let tbl = regs().tbl();
        [
            tbl.rsp0().read().value(),
            tbl.rsp1().read().value(),
            tbl.rsp2().read().value(),
            tbl.rsp3().read().value(),
            tbl.rsp4().read().value(),
            tbl.rsp5().read().value(),
        ]
    }

    /// The key of the MAC table's hashes. It survives a restart of the core.
    #[must_use]
    pub fn hash_seeds(&self) -> [u32; 4] {
        let tbl = regs().tbl();
        [
            tbl.hash_seed0().read().value(),
            tbl.hash_seed1().read().value(),
            tbl.hash_seed2().read().value(),
            tbl.hash_seed3().read().value(),
        ]
    }

    /// Sets the key of the MAC table's hashes. The table has to be empty.
    pub fn set_hash_seeds(&mut self, seeds: &[u32; 4]) {
        let tbl = regs().tbl();
        let [s0, s1, s2, s3] = *seeds;
        tbl.hash_seed0().write(|w| w.set_value(s0));
        tbl.hash_seed1().write(|w| w.set_value(s1));
        tbl.hash_seed2().write(|w| w.set_value(s2));
        tbl.hash_seed3().write(|w| w.set_value(s3));
    }
}
