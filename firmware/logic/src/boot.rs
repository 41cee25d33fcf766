// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The tables at boot: emptied if an earlier run of the firmware used them, and tried.

use hairpin_abi::ids::PortSet;
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{GroupRow, MacAddr, MacRow, Status, Table, TableCommand, Target, VPort, VVlan};

use crate::{BusFault, Control, TableBus};

/// Address that the self-test inserts and removes: locally administered, in a V.VLAN that is not
/// configured.
const SCRATCH_MAC: MacAddr = MacAddr([0x06, 0x48, 0x50, 0x49, 0x4e, 0x00]);

impl Control {
    /// Empties the tables after a restart of the core: first no V.VLAN is served any more, then the
    /// addresses go. The host sends its configuration again.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the tables do not answer.
    pub fn clear_tables(&mut self, bus: &mut impl TableBus) -> Result<(), BusFault> {
        for id in 0..4096 {
            bus.write(&TableCommand::VVmap(id, VVmapRow { instance: None }))?;
        }
        for slot in 0..self.limits.mac_capacity {
            if let Some(entry) = MacRow::from_response(&bus.read(Table::Mac, slot)?) {
                bus.delete(&entry.key)?;
            }
        }
        Ok(())
    }

    /// Tries the table command bus while nothing is configured: a row is written and read back, an
    /// address is inserted, found, replaced, removed, and not found.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when an answer is not the right one.
    pub fn test_tables(&self, bus: &mut impl TableBus) -> Result<(), BusFault> {
        // No address leads to a group yet. A row holds as many bits as the NIC has vPorts.
        let scratch = self.limits.groups.saturating_sub(1);
        let all = self.limits.all_vports();
        for bits in [0x5aa5_0ff0_cc33_9669, !0x5aa5_0ff0_cc33_9669, 0] {
            let row = GroupRow {
                vports: PortSet(bits) & all,
            };
            bus.write(&TableCommand::Group(scratch, row))?;
            expect(GroupRow::from_words(&bus.read(Table::Group, scratch)?) == row)?;
        }

        let (Some(vvlan), Some(first), Some(second)) =
            (VVlan::new(4094), VPort::new(0), VPort::new(63))
        else {
            return Err(BusFault);
        };
        let key = MacKey {
            vvlan,
            mac: SCRATCH_MAC,
        };
        for (vport, status) in [(first, Status::Ok), (second, Status::Updated)] {
            let row = MacRow {
                key,
                target: Target::VPort(vport),
                is_static: true,
            };
            expect(bus.apply(&TableCommand::MacInsert(0, row))? == status)?;
            expect(bus.lookup(&key)? == Some(row))?;
        }
        expect(bus.delete(&key)?)?;
        expect(bus.lookup(&key)?.is_none())
    }
}

fn expect(right: bool) -> Result<(), BusFault> {
    if right { Ok(()) } else { Err(BusFault) }
}
