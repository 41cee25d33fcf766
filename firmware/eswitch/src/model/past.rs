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
use hairpin_abi::{
    FlowKey, Invalidation, MAX_VF, PortId, Scope, Status, Table, VPort, VVLAN_INSTANCES,
};

/// Frames kept for an address: the oldest and the latest ones.
const FRAMES: usize = 8;
/// An event of a frame that was decided so shortly before an answer may come after it.
const SKEW: u64 = 64;
/// What has seen so many invalidations of its table, of whatever scope, may be stale.
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
    /// Invalidations that concern dynamic addresses, and learned flows.
    mac_moves: Moves,
    flow_moves: Moves,
    /// Frames that may have made an event, with their times; oldest first.
    shown: HashMap<(MacKey, VPort), VecDeque<(u64, u64)>>,
    /// Frames of the adjacent switch that the firmware was told of, by the masked key that they teach.
    told: HashMap<FlowKey, VecDeque<(u64, u64)>>,
    /// Addresses that the firmware may insert by itself, from punted frames or because the adjacent switch said so: those
    /// inserts carry no epochs.
    punted: HashSet<(MacKey, VPort)>,
    /// Places of the tables, if known.
    pub(super) capacity: Option<[usize; 2]>,
}

/// The last invalidations of each scope, of what is learned in one table.
#[derive(Clone, Debug)]
struct Moves {
    all: u64,
    instance: Box<[u64; VVLAN_INSTANCES as usize]>,
    vport: Box<[u64; MAX_VF]>,
    /// The last [`LATE`] of them, of whatever scope.
    last: VecDeque<u64>,
}

impl Moves {
    fn new() -> Self {
        Self {
            all: 0,
            instance: Box::new([0; VVLAN_INSTANCES as usize]),
            vport: Box::new([0; MAX_VF]),
            last: VecDeque::new(),
        }
    }

    fn invalidated(&mut self, order: u64, what: Invalidation) {
        if self.last.len() == LATE {
            self.last.pop_front();
        }
        self.last.push_back(order);
        let which = usize::from(what.which);
        let moved = match what.scope {
            // What is learned is the lowest teacher's.
            Scope::Teacher if what.which != 0 => None,
            Scope::All | Scope::Teacher => Some(&mut self.all),
            Scope::VVlan => self.instance.get_mut(which),
            Scope::VPort => self.vport.get_mut(which),
        };
        if let Some(moved) = moved {
            *moved = order;
        }
    }

    /// The last one that concerns something of a V.VLAN instance and a vPort.
    fn last(&self, instance: u8, vport: Option<VPort>) -> u64 {
        let of_instance = self.instance.get(usize::from(instance)).copied();
        let of_vport = vport.and_then(|vport| self.vport.get(vport.index()).copied());
        self.all.max(of_instance.max(of_vport).unwrap_or(0))
    }

    /// True if what a frame of so long ago made may be stale, whatever happened since.
    fn is_late(&self, order: u64) -> bool {
        self.last.len() == LATE && self.last.front() > Some(&order)
    }
}

/// Keeps a frame.
fn keep(frames: &mut VecDeque<(u64, u64)>, order: u64, time: u64) {
    if frames.len() == FRAMES {
        frames.remove(1);
    }
    frames.push_back((order, time));
}

impl Past {
    pub(super) fn new() -> Self {
        Self {
            order: 0,
            dead_macs: HashMap::new(),
            dead_flows: HashMap::new(),
            mac_moves: Moves::new(),
            flow_moves: Moves::new(),
            shown: HashMap::new(),
            told: HashMap::new(),
            punted: HashSet::new(),
            capacity: None,
        }
    }

    /// A frame of a learning vPort showed an address; `punted`: to the firmware.
    pub(super) fn show(&mut self, key: MacKey, vport: VPort, time: u64, punted: bool) {
        self.order += 1;
        if punted {
            self.said(key, vport);
        }
        keep(
            self.shown.entry((key, vport)).or_default(),
            self.order,
            time,
        );
    }

    /// The firmware knows of an address by itself.
    pub(super) fn said(&mut self, key: MacKey, vport: VPort) {
        self.punted.insert((key, vport));
    }

    /// The firmware was told of a frame that teaches a flow.
    pub(super) fn told(&mut self, key: FlowKey, time: u64) {
        self.order += 1;
        keep(self.told.entry(key).or_default(), self.order, time);
    }

    pub(super) fn invalidated(&mut self, table: Table, what: Invalidation) {
        self.order += 1;
        let moves = match table {
            Table::Mac => &mut self.mac_moves,
            _ => &mut self.flow_moves,
        };
        moves.invalidated(self.order, what);
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
        let moved = self.mac_moves.last(instance, Some(vport));
        let frames = self.shown.get(&(*key, vport));
        let first = frames.and_then(|frames| frames.front());
        let last = frames.and_then(|frames| frames.back());
        match status {
            // Some frame before the invalidation made the event, or one so long ago that nobody can tell.
            Status::Stale => {
                first.is_some_and(|(order, _)| *order < moved || self.mac_moves.is_late(*order))
            }
            // Some frame after it did, or the firmware looked at the frame itself.
            Status::Ok | Status::Updated => {
                self.punted.contains(&(*key, vport))
                    || last.is_some_and(|(order, _)| *order > moved)
            }
            _ => true,
        }
    }

    /// Whether an INSTALL of a learned flow may be answered this, as far as its epochs go.
    pub(super) fn may_install(&self, status: Status, key: &FlowKey, instance: u8) -> bool {
        let vport = match key.src {
            PortId::VPort(vport) => Some(vport),
            _ => None,
        };
        let frames = self.told.get(key);
        match status {
            Status::Stale => frames.and_then(VecDeque::front).is_some_and(|(order, _)| {
                let moved = self.flow_moves.last(instance, vport);
                *order < moved || self.flow_moves.is_late(*order)
            }),
            // A key without the vPort, which looks like vPort 0, does not care for its epoch.
            Status::Ok => frames
                .and_then(VecDeque::back)
                .is_some_and(|(order, _)| *order > self.flow_moves.last(instance, None)),
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
    use hairpin_abi::{FlowKeyWords, MacAddr, VVlan};

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
    fn a_flow_is_stale_if_and_only_if_its_epochs_moved_after_every_frame_that_taught_it() {
        for (scope, which, concerns) in [
            (Scope::All, 0, true),
            (Scope::Teacher, 0, true),
            (Scope::Teacher, 1, false),
            (Scope::VVlan, 5, true),
            (Scope::VVlan, 6, false),
            (Scope::VPort, 4, false),
        ] {
            let flow = FlowKey {
                src: key().1.into(),
                ..FlowKey::from_words(&FlowKeyWords::default()).unwrap()
            };
            let mut past = Past::new();
            let may = |past: &Past, status| past.may_install(status, &flow, 5);
            assert!(!may(&past, Status::Stale) && !may(&past, Status::Ok));
            past.told(flow, 10);
            past.invalidated(
                Table::Mac,
                Invalidation {
                    scope: Scope::All,
                    which: 0,
                },
            );
            assert!(may(&past, Status::Ok) && !may(&past, Status::Stale));
            past.invalidated(Table::Flow, Invalidation { scope, which });
            assert_eq!(may(&past, Status::Stale), concerns, "{scope} {which}");
            assert_eq!(may(&past, Status::Ok), !concerns, "{scope} {which}");
            past.told(flow, 20);
            assert_eq!(may(&past, Status::Stale), concerns);
            assert!(may(&past, Status::Ok) && may(&past, Status::Quota));
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
