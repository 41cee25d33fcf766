// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What guests asked for and got: more addresses, promiscuous and all-multicast mode.
//!
//! It is kept in `RXMODE`, which outlives a restart of the firmware, as the static entries of the addresses do. A
//! guest gets more than its configuration only while its vPort has `trust`, and as many addresses as `max-macs`
//! and the rows allow; an address that leads elsewhere is nobody's to take. A row is written before its entry
//! comes and after it went, so that there is no entry that no row knows of.

use hairpin_abi::row::MacKey;
use hairpin_abi::{
    MacAddr, MacRow, PortRow, RX_MODE_ROWS, Role, RxModeRow, Scope, Status, Table, TableCommand,
    Target, VPort, VVlan,
};

use crate::{BusFault, Control, TableBus};

/// A request that is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

impl From<BusFault> for Refused {
    fn from(_: BusFault) -> Self {
        Self
    }
}

/// The rows of a vPort; the first is about the guest's first address.
type Rows = [RxModeRow; RX_MODE_ROWS as usize];

fn keys(rows: &Rows) -> impl Iterator<Item = MacKey> {
    rows.iter().filter_map(|row| row.key)
}

/// The addresses of some rows that others do not have.
fn only_in(some: &Rows, others: &Rows) -> impl Iterator<Item = MacKey> {
    keys(some).filter(|key| !keys(others).any(|other| other == *key))
}

impl Control {
    /// Switches a mode.
    pub(crate) fn set_mode(
        &mut self,
        bus: &mut impl TableBus,
        vport: VPort,
        on: bool,
        change: impl FnOnce(&mut RxModeRow),
    ) -> Result<(), Refused> {
        if on && !bus.port(vport)?.trust {
            return Err(Refused);
        }
        let old = read_rows(bus, vport)?;
        let mut new = old;
        let [first, ..] = &mut new;
        change(first);
        self.change(bus, vport, &old, &new)
    }

    /// Sets a guest's first address; its configured one is always right.
    pub(crate) fn set_address(
        &mut self,
        bus: &mut impl TableBus,
        vport: VPort,
        mac: MacAddr,
    ) -> Result<(), Refused> {
        let port = bus.port(vport)?;
        let old = read_rows(bus, vport)?;
        let mut new = old;
        let [first, more @ ..] = &mut new;
        first.key = None;
        if mac != port.mac {
            let others = more.iter().filter(|row| row.key.is_some()).count();
            first.key = Some(key_of(&port, mac, others)?);
        }
        self.change(bus, vport, &old, &new)
    }

    /// Sets a guest's other addresses: all of them, or none.
    pub(crate) fn set_table(
        &mut self,
        bus: &mut impl TableBus,
        vport: VPort,
        wanted: impl Iterator<Item = MacAddr>,
    ) -> Result<(), Refused> {
        let port = bus.port(vport)?;
        let old = read_rows(bus, vport)?;
        let mut new = Rows::default();
        let ([first, more @ ..], [before, ..]) = (&mut new, &old);
        *first = *before;
        let mut others = usize::from(first.key.is_some());
        for mac in wanted.filter(|mac| *mac != port.mac) {
            let key = key_of(&port, mac, others)?;
            if !more.iter().any(|row| row.key == Some(key)) {
                let free = more.iter_mut().find(|row| row.key.is_none());
                free.ok_or(Refused)?.key = Some(key);
                others += 1;
            }
        }
        self.change(bus, vport, &old, &new)
    }

    /// Forgets what a guest asked for, and what it taught: its VF was reset.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the tables do not answer.
    pub fn guest_gone(&mut self, bus: &mut impl TableBus, vport: VPort) -> Result<(), BusFault> {
        if self.asked.contains(vport) {
            let old = read_rows(bus, vport)?;
            self.exchange(bus, vport, &old, &Rows::default())
                .map_err(|Refused| BusFault)?;
            self.asked = self.asked.without(vport);
        }
        bus.invalidate(Table::Mac, Scope::VPort, vport.get())
    }

    /// Clears `RXMODE` when the NIC has just been powered up.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the tables do not answer.
    pub fn clear_asked(&mut self, bus: &mut impl TableBus) -> Result<(), BusFault> {
        for index in 0..u16::from(self.limits.vports) * u16::from(RX_MODE_ROWS) {
            bus.write(&TableCommand::RxMode(index, RxModeRow::default()))?;
        }
        Ok(())
    }

    /// Looks at one vPort whose guest asked for something: addresses go when it is not trusted any more, or in
    /// another V.VLAN.
    pub(crate) fn review_asked(&mut self, bus: &mut impl TableBus) -> Result<(), BusFault> {
        let behind = self.asked.iter().find(|vport| vport.get() > self.reviewed);
        let Some(vport) = behind.or_else(|| self.asked.iter().next()) else {
            return Ok(());
        };
        self.reviewed = vport.get();
        let port = bus.port(vport)?;
        let old = read_rows(bus, vport)?;
        let mut new = old;
        for row in &mut new {
            row.key = row
                .key
                .filter(|key| port.trust && port.vvlan == key.vvlan.into());
        }
        if new == Rows::default() {
            self.asked = self.asked.without(vport);
        }
        self.exchange(bus, vport, &old, &new)
            .map_err(|Refused| BusFault)
    }

    /// An address of a guest becomes one of the host's.
    pub(crate) fn adopt(
        &mut self,
        bus: &mut impl TableBus,
        vport: VPort,
        key: MacKey,
    ) -> Result<(), BusFault> {
        if !self.asked.contains(vport) {
            return Ok(());
        }
        for (n, row) in (0..).zip(read_rows(bus, vport)?) {
            if row.key == Some(key) {
                let row = RxModeRow { key: None, ..row };
                bus.write(&TableCommand::RxMode(RxModeRow::index(vport, n), row))?;
            }
        }
        Ok(())
    }

    /// Changes what a guest has: all of it, or nothing.
    fn change(
        &mut self,
        bus: &mut impl TableBus,
        vport: VPort,
        old: &Rows,
        new: &Rows,
    ) -> Result<(), Refused> {
        for key in only_in(new, old) {
            let instance = self.instances.find(key.vvlan).ok_or(Refused)?;
            if !bus.vvlan(instance)?.members.contains(vport) {
                return Err(Refused);
            }
            let leads = bus.lookup(&key)?.map(|entry| entry.target);
            if leads.is_some_and(|target| target != Target::VPort(vport)) {
                return Err(Refused);
            }
        }
        if old == new {
            return Ok(());
        }
        self.asked = self.asked.with(vport);
        self.exchange(bus, vport, old, new).or_else(|refused| {
            // The MAC table is full. What was there before had room.
            self.exchange(bus, vport, new, old)?;
            Err(refused)
        })
    }

    fn exchange(
        &self,
        bus: &mut impl TableBus,
        vport: VPort,
        old: &Rows,
        new: &Rows,
    ) -> Result<(), Refused> {
        let target = Target::VPort(vport);
        for key in only_in(old, new) {
            if bus
                .lookup(&key)?
                .is_some_and(|entry| entry.target == target)
            {
                bus.delete(&key)?;
            }
        }
        for ((n, old), new) in (0..).zip(old).zip(new) {
            if old != new {
                bus.write(&TableCommand::RxMode(RxModeRow::index(vport, n), *new))?;
            }
        }
        for key in only_in(new, old) {
            let instance = self.instances.find(key.vvlan).ok_or(Refused)?;
            let row = MacRow {
                key,
                target,
                is_static: true,
            };
            match bus.apply(&TableCommand::MacInsert(instance.into(), row))? {
                Status::Ok | Status::Updated => {}
                _ => return Err(Refused),
            }
        }
        Ok(())
    }
}

/// The key of an address that a guest may have beside so many others.
fn key_of(port: &PortRow, mac: MacAddr, others: usize) -> Result<MacKey, Refused> {
    let may = port.trust && port.role == Role::Vf && others < usize::from(port.max_macs);
    let vvlan = VVlan::try_from(port.vvlan).ok().filter(|_| may);
    Ok(MacKey {
        vvlan: vvlan.ok_or(Refused)?,
        mac,
    })
}

fn read_rows(bus: &mut impl TableBus, vport: VPort) -> Result<Rows, BusFault> {
    let mut rows = Rows::default();
    for (n, row) in (0..).zip(&mut rows) {
        *row = RxModeRow::from_words(&bus.read(Table::RxMode, RxModeRow::index(vport, n))?);
    }
    Ok(rows)
}
