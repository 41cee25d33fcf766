// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What happened to the tables before, as far as the NIC's answers depend on it.
//!
//! An entry that was invalidated counts for the quotas until the NIC has swept it, which nobody sees; a learn
//! event carries the epochs of the frame that made it. So this keeps what may still be counted, and
//! which frames may have made an event: an answer that needs more than that is wrong, and so is one that
//! ignores what must be.

use std::boxed::Box;
use std::collections::{HashMap, HashSet, VecDeque};

use hairpin_abi::row::MacKey;
use hairpin_abi::{FlowKey, Invalidation, MAX_VF, Scope, Status, Table, VPort, VVLAN_INSTANCES};

/// Frames kept for an address: the oldest and the latest ones.
const FRAMES: usize = 8;
/// An event of a frame that was decided so shortly before an answer may come after it.
const SKEW: u64 = 64;
/// An event that has seen so many invalidations of its table, of whatever scope, may be stale.
const LATE: usize = 64;
/// A table that refuses an entry as `full` holds at least so many parts of `WHOLE`.
const FULL: usize = 3;
const WHOLE: usize = 4;

/// The NIC's past.
#[derive(Clone, Debug)]
pub(super) struct Past {
    /// Counts frames and invalidations in their order.
    order: u64,
    /// Entries that are dead and may not have been swept, and whose they were.
    dead_macs: HashMap<MacKey, Option<VPort>>,
    dead_flows: HashMap<FlowKey, u8>,
    /// The last invalidations that concern dynamic addresses.
    moved_all: u64,
    moved_instance: Box<[u64; VVLAN_INSTANCES as usize]>,
    moved_vport: Box<[u64; MAX_VF]>,
    /// The last [`LATE`] invalidations of the MAC table.
    moves: VecDeque<u64>,
    /// Frames that may have made an event, with their times; oldest first.
    shown: HashMap<(MacKey, VPort), VecDeque<(u64, u64)>>,
    /// Addresses that the firmware may insert by itself, from punted frames: those inserts carry no epochs.
    punted: HashSet<(MacKey, VPort)>,
    /// Places of the tables, if known.
    pub(super) capacity: Option<[usize; 2]>,
}

impl Past {
    pub(super) fn new() -> Self {
        Self {
            order: 0,
            dead_macs: HashMap::new(),
            dead_flows: HashMap::new(),
            moved_all: 0,
            moved_instance: Box::new([0; VVLAN_INSTANCES as usize]),
            moved_vport: Box::new([0; MAX_VF]),
            moves: VecDeque::new(),
            shown: HashMap::new(),
            punted: HashSet::new(),
            capacity: None,
        }
    }

    /// A frame of a learning vPort showed an address; `punted`: to the firmware.
    pub(super) fn show(&mut self, key: MacKey, vport: VPort, time: u64, punted: bool) {
        self.order += 1;
        if punted {
            self.punted.insert((key, vport));
        }
        let frames = self.shown.entry((key, vport)).or_default();
        if frames.len() == FRAMES {
            frames.remove(1);
        }
        frames.push_back((self.order, time));
    }

    pub(super) fn invalidated(&mut self, table: Table, what: Invalidation) {
        self.order += 1;
        if table != Table::Mac {
            return;
        }
        if self.moves.len() == LATE {
            self.moves.pop_front();
        }
        self.moves.push_back(self.order);
        let which = usize::from(what.which);
        let moved = match what.scope {
            Scope::Teacher if what.which != 0 => None,
            Scope::All | Scope::Teacher => Some(&mut self.moved_all),
            Scope::VVlan => self.moved_instance.get_mut(which),
            Scope::VPort => self.moved_vport.get_mut(which),
        };
        if let Some(moved) = moved {
            *moved = self.order;
        }
    }

    /// A MAC entry died; dynamic ones count for their vPort.
    pub(super) fn mac_died(&mut self, key: MacKey, counted: Option<VPort>) {
        self.dead_macs.insert(key, counted);
    }

    pub(super) fn flow_died(&mut self, key: FlowKey, instance: u8) {
        self.dead_flows.insert(key, instance);
    }

    /// An INSERT has taken the place of a dead entry, if there was one.
    pub(super) fn mac_inserted(&mut self, key: &MacKey) {
        self.dead_macs.remove(key);
    }

    pub(super) fn flow_inserted(&mut self, key: &FlowKey) {
        self.dead_flows.remove(key);
    }

    /// Dead entries that may count for a vPort, or for a V.VLAN's flows.
    pub(super) fn dead_of_vport(&self, vport: VPort) -> usize {
        let of = |counted: &&Option<VPort>| **counted == Some(vport);
        self.dead_macs.values().filter(of).count()
    }

    pub(super) fn dead_of_instance(&self, instance: u8) -> usize {
        let of = |counted: &&u8| **counted == instance;
        self.dead_flows.values().filter(of).count()
    }

    /// Dead entries that may be in a table.
    pub(super) fn dead(&self, table: Table) -> usize {
        match table {
            Table::Mac => self.dead_macs.len(),
            _ => self.dead_flows.len(),
        }
    }

    /// No dead entry is in a table any more.
    pub(super) fn swept(&mut self, table: Table) {
        match table {
            Table::Mac => self.dead_macs.clear(),
            _ => self.dead_flows.clear(),
        }
    }

    /// Whether a dynamic address may be answered this, as far as its epochs go.
    pub(super) fn may_answer(
        &self,
        status: Status,
        key: &MacKey,
        vport: VPort,
        instance: u8,
    ) -> bool {
        let of_instance = self.moved_instance.get(usize::from(instance));
        let moved = [of_instance, self.moved_vport.get(vport.index())];
        let moved = moved
            .into_iter()
            .flatten()
            .fold(self.moved_all, |a, b| a.max(*b));
        let frames = self.shown.get(&(*key, vport));
        let first = frames.and_then(|frames| frames.front());
        let last = frames.and_then(|frames| frames.back());
        match status {
            // Some frame before the invalidation made the event, or one so long ago that nobody can tell.
            Status::Stale => first.is_some_and(|(order, _)| {
                let late = self.moves.len() == LATE && self.moves.front() > Some(order);
                *order < moved || late
            }),
            // Some frame after it did, or the firmware looked at the frame itself.
            Status::Ok | Status::Updated => {
                self.punted.contains(&(*key, vport))
                    || last.is_some_and(|(order, _)| *order > moved)
            }
            _ => true,
        }
    }

    /// An event of that address was answered: it is gone, and what made it with it.
    pub(super) fn answered(&mut self, key: &MacKey, vport: VPort, time: u64) {
        if let Some(frames) = self.shown.get_mut(&(*key, vport)) {
            frames.retain(|(_, at)| at + SKEW >= time);
        }
    }

    /// Whether a table with so many live entries may be full, or have room for one more.
    pub(super) fn may_be_full(&self, table: Table, live: usize, full: bool) -> bool {
        let Some([macs, flows]) = self.capacity else {
            return true;
        };
        let places = if table == Table::Mac { macs } else { flows };
        if full {
            WHOLE * (live + self.dead(table)) >= FULL * places
        } else {
            live < places
        }
    }
}

#[cfg(test)]
mod tests {
    use hairpin_abi::{MacAddr, VVlan};

    use super::*;

    fn key() -> (MacKey, VPort) {
        let vvlan = VVlan::new(100).unwrap();
        let mac = MacAddr([2, 0, 0, 0, 0, 1]);
        (MacKey { vvlan, mac }, VPort::new(3).unwrap())
    }

    fn invalidate(past: &mut Past, scope: Scope, which: u8) {
        past.invalidated(Table::Mac, Invalidation { scope, which });
    }

    #[test]
    fn an_install_is_stale_if_and_only_if_its_epochs_moved_after_every_frame() {
        for (scope, which, concerns) in [
            (Scope::All, 0, true),
            (Scope::Teacher, 0, true),
            (Scope::Teacher, 1, false),
            (Scope::VVlan, 5, true),
            (Scope::VVlan, 6, false),
            (Scope::VPort, 3, true),
            (Scope::VPort, 4, false),
        ] {
            let (mac, vport) = key();
            let mut past = Past::new();
            let may = |past: &Past, status| past.may_answer(status, &mac, vport, 5);
            assert!(!may(&past, Status::Stale) && !may(&past, Status::Ok));
            past.show(mac, vport, 10, false);
            assert!(may(&past, Status::Ok) && !may(&past, Status::Stale));
            invalidate(&mut past, scope, which);
            assert_eq!(may(&past, Status::Stale), concerns, "{scope} {which}");
            assert_eq!(may(&past, Status::Ok), !concerns, "{scope} {which}");
            // One frame after it: nobody knows which of the two made the event.
            past.show(mac, vport, 20, false);
            assert_eq!(may(&past, Status::Stale), concerns);
            assert!(may(&past, Status::Updated));
            past.answered(&mac, vport, 20 + SKEW + 1);
            assert!(!may(&past, Status::Stale) && !may(&past, Status::Ok));
        }
    }

    #[test]
    fn an_event_that_waits_for_long_may_be_stale() {
        let (mac, vport) = key();
        let mut past = Past::new();
        past.show(mac, vport, 10, false);
        for n in 1..=LATE {
            assert!(!past.may_answer(Status::Stale, &mac, vport, 5), "{n}");
            invalidate(&mut past, Scope::VVlan, 6);
        }
        assert!(past.may_answer(Status::Stale, &mac, vport, 5));
        assert!(past.may_answer(Status::Ok, &mac, vport, 5));
    }

    #[test]
    fn what_the_firmware_inserts_by_itself_is_never_stale() {
        let (mac, vport) = key();
        let mut past = Past::new();
        past.show(mac, vport, 10, true);
        invalidate(&mut past, Scope::All, 0);
        assert!(past.may_answer(Status::Ok, &mac, vport, 5));
    }

    #[test]
    fn dead_entries_count_until_they_are_swept_or_taken_over() {
        let (mac, vport) = key();
        let mut past = Past::new();
        past.mac_died(mac, Some(vport));
        assert_eq!((past.dead_of_vport(vport), past.dead(Table::Mac)), (1, 1));
        past.mac_inserted(&mac);
        assert_eq!(past.dead_of_vport(vport), 0);
        past.mac_died(mac, None);
        assert_eq!((past.dead_of_vport(vport), past.dead(Table::Mac)), (0, 1));
        past.swept(Table::Mac);
        assert_eq!(past.dead(Table::Mac), 0);
    }

    #[test]
    fn only_a_full_table_is_full() {
        let mut past = Past::new();
        assert!(past.may_be_full(Table::Mac, 0, true));
        past.capacity = Some([256, 64]);
        assert!(!past.may_be_full(Table::Mac, 191, true));
        assert!(past.may_be_full(Table::Mac, 192, true));
        assert!(past.may_be_full(Table::Flow, 63, false));
        assert!(!past.may_be_full(Table::Flow, 64, false));
        past.mac_died(key().0, None);
        assert!(past.may_be_full(Table::Mac, 191, true));
    }
}
