// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The tables at boot, and after a restart of the core, when they are in use.
//!
//! A restart flushes what the firmware has learned, because nobody watched over it meanwhile. V.VLANs,
//! static addresses and policies stay as they are, and their traffic passes without a break; which
//! instance serves which V.VLAN is read from the tables. What does not fit together is switched off.

use hairpin_abi::ids::PortSet;
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{
    FlowAction, FlowKey, FlowRow, GroupRow, IpFields, MacAddr, MacRow, PortId, Scope, Status,
    Table, TableCommand, Target, Teacher, VPort, VVlan, VVlanRow,
};

use crate::admin::{DYNAMIC, UNUSED, retire};
use crate::{BusFault, Control, TableBus};

/// Address that the self-test inserts and removes: locally administered, in a V.VLAN that is not
/// configured.
const SCRATCH_MAC: MacAddr = MacAddr([0x06, 0x48, 0x50, 0x49, 0x4e, 0x00]);
/// Patterns of the self-test, with both values of every bit.
const PATTERNS: [u64; 3] = [0x5aa5_0ff0_cc33_9669, !0x5aa5_0ff0_cc33_9669, 0];
/// Rows of `VVMAP`.
const VVMAP_ROWS: u16 = 4096;
/// Rows of `VVMAP` that the audit looks at in one tick.
const AUDIT_ROWS: u16 = 8;

/// What a restart found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Recovered {
    /// V.VLANs that go on.
    pub vvlans: u8,
    /// Instances that were switched off.
    pub refused: u8,
}

/// How far the audit of `VVMAP` has come.
#[derive(Debug)]
pub(crate) struct Audit {
    /// Rows left, from row 0 on.
    left: u16,
}

impl Audit {
    /// Nothing to look at.
    pub(crate) const fn done() -> Self {
        Self { left: 0 }
    }
}

impl Control {
    /// Takes over the tables of an earlier run of the firmware.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the tables do not answer.
    pub fn recover(&mut self, bus: &mut impl TableBus) -> Result<Recovered, BusFault> {
        bus.set_teaching(false)?;
        bus.invalidate(Table::Mac, Scope::Teacher, DYNAMIC)?;
        for teacher in [Teacher::Learned, Teacher::Flow] {
            bus.invalidate(Table::Flow, Scope::Teacher, teacher.code())?;
        }
        let mut recovered = Recovered::default();
        for instance in 0..self.limits.instances {
            let Some(vlan) = bus.vvlan(instance)?.id else {
                continue;
            };
            match VVlan::try_from(vlan) {
                Ok(id) if bus.vvmap(id)? == Some(instance) => {
                    self.instances.assign(instance, Some(id));
                    recovered.vvlans += 1;
                }
                // The run ended inside a command: frames do not get here, old entries must not
                // either.
                _ => {
                    retire(bus, instance)?;
                    recovered.refused += 1;
                }
            }
        }
        self.audit = Audit { left: VVMAP_ROWS };
        self.asked = self.limits.all_vports();
        Ok(recovered)
    }

    /// Looks at some rows of `VVMAP`: an ID that leads to an instance of another V.VLAN, or of none, is
    /// switched off. The firmware's own commands never leave one; a fault of the memory may.
    pub(crate) fn audit(&mut self, bus: &mut impl TableBus) -> Result<(), BusFault> {
        let first = VVMAP_ROWS - self.audit.left;
        let count = AUDIT_ROWS.min(self.audit.left);
        for row in first..first + count {
            let map = VVmapRow::from_words(&bus.read(Table::VVmap, row)?);
            let user = map.instance.map(|instance| self.instances.user(instance));
            if user.is_some_and(|user| user.is_none_or(|id| id.get() != row)) {
                bus.write(&TableCommand::VVmap(row, VVmapRow { instance: None }))?;
            }
            self.audit.left -= 1;
        }
        Ok(())
    }

    /// Tries the table command bus in a way that nobody notices: the key buffer, which is the core's
    /// own, is written and read back.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when an answer is not the right one.
    pub fn test_bus(&self, bus: &mut impl TableBus) -> Result<(), BusFault> {
        for pattern in PATTERNS {
            let (low, high) = (pattern as u32, (pattern >> 32) as u32);
            let words = [low, high, !low, !high, high, low];
            for index in [0, 1] {
                bus.write(&TableCommand::Key(index, words))?;
                expect(bus.read(Table::Key, index)? == words)?;
            }
        }
        Ok(())
    }

    /// Tries the tables while nothing is configured: a row is written and read back, an address and a
    /// flow are inserted, found, replaced, removed, and not found.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when an answer is not the right one.
    pub fn test_tables(&self, bus: &mut impl TableBus) -> Result<(), BusFault> {
        self.test_bus(bus)?;
        // No address leads to a group yet. A row holds as many bits as the NIC has vPorts.
        let scratch = self.limits.groups.saturating_sub(1);
        let all = self.limits.all_vports();
        for bits in PATTERNS {
            let row = GroupRow {
                vports: PortSet(bits) & all,
            };
            bus.write(&TableCommand::Group(scratch, row))?;
            expect(GroupRow::from_words(&bus.read(Table::Group, scratch)?) == row)?;
        }
        let vvlan = VVlan::new(4094).ok_or(BusFault)?;
        test_mac(bus, vvlan)?;
        test_flow(bus, vvlan)
    }
}

fn test_mac(bus: &mut impl TableBus, vvlan: VVlan) -> Result<(), BusFault> {
    let (first, second) = VPort::new(0).zip(VPort::new(63)).ok_or(BusFault)?;
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
    bus.delete(&key)?;
    expect(bus.lookup(&key)?.is_none())
}

fn test_flow(bus: &mut impl TableBus, vvlan: VVlan) -> Result<(), BusFault> {
    // No V.VLAN leads to the instance yet; it has to allow a flow.
    let row = VVlanRow {
        cache: true,
        flow_quota: 1,
        ..UNUSED
    };
    bus.write(&TableCommand::VVlan(0, row))?;
    let key = FlowKey {
        src: PortId::Uplink,
        vvlan: vvlan.into(),
        da: SCRATCH_MAC,
        sa: SCRATCH_MAC,
        ethertype: 0xffff,
        ip: IpFields::default(),
    };
    for (action, status) in [
        (FlowAction::Local, Status::Ok),
        (FlowAction::Drop, Status::Updated),
    ] {
        let row = FlowRow::new(action, Teacher::Policy);
        expect(bus.flow_insert(0, &key, &row)? == status)?;
        expect(
            bus.flow_lookup(&key)?
                .is_some_and(|(found, _)| found == row),
        )?;
    }
    bus.flow_delete_staged()?;
    expect(bus.flow_lookup(&key)?.is_none())?;
    bus.write(&TableCommand::VVlan(0, UNUSED))
}

fn expect(right: bool) -> Result<(), BusFault> {
    if right { Ok(()) } else { Err(BusFault) }
}
