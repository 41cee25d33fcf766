// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The learn unit: 16 slots before the tables of a [`FakeBus`].

use std::cell::RefCell;

use hairpin_abi::row::MacKey;
use hairpin_abi::{LearnVerdict, MacRow, Op, RowWords, Status, Table, Target, VPort};
use hairpin_nic_logic::learn::{LearnEvent, LearnPort};
use hairpin_nic_logic::{BusFault, TableBus};

use super::FakeBus;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Refusing,
}

/// A slot: what was seen, and the number of the event.
#[derive(Clone, Copy, Debug)]
struct Slot {
    key: MacKey,
    vport: VPort,
    from: Option<VPort>,
    number: u64,
    state: State,
}

/// The unit and the tables that it installs into, for the firmware that holds both.
pub(crate) struct Unit<'a> {
    pub(crate) bus: &'a RefCell<&'a mut FakeBus>,
    slots: [Option<Slot>; 16],
    next: u64,
    status: Status,
    /// Reads of the result for which an install is busy.
    pub(crate) latency: u32,
    busy: u32,
    /// An install comes too late from here on.
    pub(crate) stale: bool,
    /// Registers read and written.
    pub(crate) accesses: u32,
    /// Every answer that was taken.
    pub(crate) answers: Vec<(MacKey, LearnVerdict)>,
}

impl<'a> Unit<'a> {
    pub(crate) fn new(bus: &'a RefCell<&'a mut FakeBus>) -> Self {
        Self {
            bus,
            slots: [None; 16],
            next: 0,
            status: Status::Ok,
            latency: 0,
            busy: 0,
            stale: false,
            accesses: 0,
            answers: Vec::new(),
        }
    }

    /// A frame with that source; false if no slot is free for its event.
    pub(crate) fn frame(&mut self, key: MacKey, vport: VPort) -> bool {
        let entry = self.bus.borrow().mac_row(&key);
        let from = match entry.map(|row| (row.is_static, row.target)) {
            Some((true, _) | (_, Target::Group(_))) => return true,
            Some((_, Target::VPort(from))) if from == vport => return true,
            Some((_, Target::VPort(from))) => Some(from),
            None => None,
        };
        let mut same = self.slots.iter().flatten();
        if same.any(|slot| slot.key == key && slot.vport == vport) {
            return true;
        }
        let refusing = |slot: &Option<Slot>| slot.is_some_and(|slot| slot.state == State::Refusing);
        let free = self.slots.iter().position(Option::is_none);
        let Some(free) = free.or_else(|| self.slots.iter().position(refusing)) else {
            return false;
        };
        self.slots[free] = Some(Slot {
            key,
            vport,
            from,
            number: self.next,
            state: State::Waiting,
        });
        self.next += 1;
        true
    }

    /// Events that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.slots
            .iter()
            .flatten()
            .filter(|slot| slot.state == State::Waiting)
            .count()
    }

    fn oldest(&self) -> Option<(usize, Slot)> {
        let slots = self.slots.iter().enumerate();
        slots
            .filter_map(|(index, slot)| Some((index, (*slot)?)))
            .filter(|(_, slot)| slot.state == State::Waiting)
            .min_by_key(|(_, slot)| slot.number)
    }

    fn pass(&mut self) {
        self.accesses += 1;
        self.busy = self.busy.saturating_sub(1);
    }
}

/// What the event register shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) slot: u8,
    pub(crate) vport: VPort,
    pub(crate) from: Option<VPort>,
    pub(crate) waiting: u8,
}

impl LearnEvent for Seen {
    fn slot(self) -> u8 {
        self.slot
    }

    fn vport(self) -> Option<VPort> {
        Some(self.vport)
    }

    fn moves(self) -> bool {
        self.from.is_some()
    }

    fn from(self) -> Option<VPort> {
        self.from
    }

    fn waiting(self) -> u8 {
        self.waiting
    }
}

impl LearnPort for Unit<'_> {
    type Event = Seen;

    fn event(&mut self) -> Option<Seen> {
        self.pass();
        let waiting = self.waiting() as u8;
        self.oldest().map(|(index, slot)| Seen {
            waiting,
            slot: index as u8,
            vport: slot.vport,
            from: slot.from,
        })
    }

    fn key(&mut self) -> Option<MacKey> {
        self.pass();
        self.oldest().map(|(_, slot)| slot.key)
    }

    fn answer(&mut self, slot: u8, verdict: LearnVerdict) {
        self.pass();
        if self.busy != 0 {
            return;
        }
        let (index, event) = self.oldest().expect("an event to answer");
        assert_eq!(index, usize::from(slot), "the answer is for another slot");
        self.answers.push((event.key, verdict));
        let refusing = Some(Slot {
            state: State::Refusing,
            ..event
        });
        self.slots[index] = match verdict {
            LearnVerdict::Forget => None,
            LearnVerdict::Refuse => refusing,
            LearnVerdict::Install => {
                self.busy = self.latency;
                self.status = self.install(&event);
                match self.status {
                    Status::Full | Status::Quota | Status::Refused => refusing,
                    _ => None,
                }
            }
        };
    }

    fn result(&mut self) -> Option<Status> {
        self.pass();
        (self.busy == 0).then_some(self.status)
    }
}

impl Unit<'_> {
    fn install(&self, event: &Slot) -> Status {
        if self.stale {
            return Status::Stale;
        }
        let bus = &mut **self.bus.borrow_mut();
        let Some((instance, _)) = FakeBus::vvlan(bus, event.key.vvlan) else {
            return Status::Stale;
        };
        let row = MacRow {
            key: event.key,
            target: Target::VPort(event.vport),
            is_static: false,
        };
        bus.insert_mac(instance.into(), row)
    }
}

/// The table command bus that the firmware uses beside the unit.
pub(crate) struct SharedBus<'a>(pub(crate) &'a RefCell<&'a mut FakeBus>);

impl TableBus for SharedBus<'_> {
    fn command(
        &mut self,
        op: Op,
        table: Table,
        index: u16,
        row: &mut RowWords,
    ) -> Result<Status, BusFault> {
        self.0.borrow_mut().command(op, table, index, row)
    }
}
