// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compares everything the NIC does with the golden model.
//!
//! The trace is replayed in its order: table commands change the golden model, each frame is decided
//! again and every field compared, and each frame that leaves is compared byte for byte with
//! the copy that the golden model makes. What is expected and neither leaves nor is reported lost,
//! or leaves twice, or out of order, is a mismatch.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use hairpin_abi::row::MacKey;
use hairpin_abi::{FlowKey, MacRow, Op, PortId, Scope, Status, Table, VPort};

use crate::golden::{Expected, Golden};
use crate::model::{Cycle, UPLINK};
use crate::trace::{AppliedCommand, Decided, DecidedKind, Event, EventKind};

const CORE: u8 = 65;

/// Reason codes that the scoreboard itself has to know.
mod reason {
    use hairpin_abi::Reason;

    pub(super) const CONTROL: u8 = Reason::Control as u8;
    pub(super) const MAC_HIT: u8 = Reason::MacHit as u8;
    pub(super) const BAD_FRAME: u8 = Reason::BadFrame as u8;
    pub(super) const RUNT: u8 = Reason::Runt as u8;
    pub(super) const OVERSIZE: u8 = Reason::Oversize as u8;
    pub(super) const STORE_FULL: u8 = Reason::StoreFull as u8;
    pub(super) const RX_FULL: u8 = Reason::RxFull as u8;
    pub(super) const REPLICATION_FULL: u8 = Reason::ReplicationFull as u8;
    pub(super) const UPLINK_FULL: u8 = Reason::UplinkFull as u8;
    pub(super) const LEARN_BUSY: u8 = Reason::LearnBusy as u8;
}

/// A difference between NIC and golden model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// When.
    pub cycle: Cycle,
    /// What was compared.
    pub what: String,
    /// The golden model's.
    pub expected: String,
    /// The NIC's.
    pub actual: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cycle {}: {}", self.cycle, self.what)?;
        writeln!(f, "  expected {}", self.expected)?;
        write!(f, "  actual   {}", self.actual)
    }
}

/// Ticks in which the key of a flow is not handed over again, and at most so many more.
const AGAIN: u64 = (1 << 16) + (1 << 14);
/// Clocks after a key in which no other is.
const REST: u64 = 8;
/// Keys that wait for their install, from which on there is no room for another.
const KEYS: usize = 15;

/// A frame as it was put on a bus.
#[derive(Clone, Debug)]
struct Sent {
    id: u32,
    bytes: Rc<[u8]>,
    bad: bool,
    cycle: Cycle,
}

/// A frame that the firmware has.
#[derive(Clone, Debug)]
struct Punted {
    seq: u16,
    reason: u8,
    src: u8,
    vvlan: u16,
    canonical: Rc<[u8]>,
    origin: Option<u32>,
    /// A crash of the firmware may have taken it.
    doubtful: bool,
}

impl Punted {
    /// True if the firmware keeps it: it is its own, or a copy.
    fn is_kept(&self) -> bool {
        matches!(self.reason, reason::CONTROL | reason::MAC_HIT)
    }
}

/// A decided frame with copies on their way.
#[derive(Debug)]
struct Open {
    origin: Option<u32>,
    number: u64,
    entered: Cycle,
    expected: Rc<Expected>,
    /// vPorts still to come; bit 64 is the uplink.
    awaited: u128,
    group: bool,
    /// Sent by the firmware as it is; its bytes are not known here.
    direct: bool,
    punt: bool,
}

/// What became of an input frame, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The id it was queued with.
    pub id: u32,
    /// Its port.
    pub port: u8,
    /// Its first beat in.
    pub cycle: Cycle,
    /// Bytes on the bus.
    pub len: u32,
    /// Its V.VLAN.
    pub vvlan: Option<u16>,
    /// The first decision.
    pub kind: DecidedKind,
    /// Its reason.
    pub reason: u8,
    /// Copies that left: port, first beat.
    pub out: Vec<(u8, Cycle)>,
    /// Copies that did not: port, reason.
    pub lost: Vec<(u8, u8)>,
}

/// A frame that left, for whoever wants to look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// The input frame it comes from; `None` for the firmware's own.
    pub origin: Option<u32>,
    /// When it entered the pipeline, for the last time.
    pub entered: Cycle,
}

/// Differences kept in full; all are counted.
const KEPT: usize = 16;

/// The scoreboard.
#[derive(Debug)]
pub struct Scoreboard {
    golden: Golden,
    queued: HashMap<u32, (Rc<[u8]>, bool)>,
    accepted: HashMap<u8, VecDeque<Sent>>,
    punted: VecDeque<Punted>,
    /// Punted frames to be counted once it is sure that they were not lost: number, instance, length.
    uncounted: Vec<(u64, Option<u8>, usize)>,
    open: HashMap<u16, Open>,
    fates: Option<HashMap<u32, Fate>>,
    order: Vec<u32>,
    /// Last frame out per port: unicast, group.
    last: HashMap<(u8, bool), u64>,
    number: u64,
    mismatches: Vec<Mismatch>,
    mismatch_count: u64,
    decided: u64,
    reasons: [u64; 64],
    losses: u64,
    outputs: u64,
    hits: u64,
    asked: u64,
    /// Commands that may change a table: operation, table, status.
    commands: BTreeMap<(u8, u8, u8), u64>,
    /// Invalidations: table, scope.
    invalidations: BTreeMap<(u8, u16), u64>,
    /// Addresses that were learned behind another vPort while they lived.
    moved: u64,
    /// Flows whose key was handed over, whoever sends it, and when it was the last time.
    told: HashMap<FlowKey, Cycle>,
    /// The last [`KEYS`] of them, whatever the flow.
    last_told: VecDeque<Cycle>,
    /// Frames that taught: the key was handed over, or not.
    taught: [u64; 2],
    /// The last decision used a learned entry, and how many did.
    learned: bool,
    learned_hits: u64,
    /// The input frame of the last decision.
    origin: Option<u32>,
}

impl Scoreboard {
    /// A scoreboard for a NIC fresh out of reset. `fates`: keep what became of every frame.
    #[must_use]
    pub fn new(golden: Golden, fates: bool) -> Self {
        Self {
            golden,
            queued: HashMap::new(),
            accepted: HashMap::new(),
            punted: VecDeque::new(),
            uncounted: Vec::new(),
            open: HashMap::new(),
            fates: fates.then(HashMap::new),
            order: Vec::new(),
            last: HashMap::new(),
            number: 0,
            mismatches: Vec::new(),
            mismatch_count: 0,
            decided: 0,
            reasons: [0; 64],
            losses: 0,
            outputs: 0,
            hits: 0,
            asked: 0,
            commands: BTreeMap::new(),
            invalidations: BTreeMap::new(),
            moved: 0,
            told: HashMap::new(),
            last_told: VecDeque::new(),
            taught: [0; 2],
            learned: false,
            learned_hits: 0,
            origin: None,
        }
    }

    /// A frame was queued for a port; `id` is not used by another one that is still queued.
    pub fn queue(&mut self, id: u32, bytes: &[u8], bad: bool) {
        self.queued.insert(id, (bytes.into(), bad));
    }

    /// Replays one event. For an output frame, says where it is from.
    pub fn event(&mut self, event: &Event<'_>) -> Option<Left> {
        match &event.kind {
            EventKind::Input { port, id, sent } => {
                if let Some((bytes, bad)) = sent {
                    self.queue(*id, bytes, *bad);
                }
                self.input(event.cycle, *port, *id);
            }
            EventKind::Command(command) => {
                if ![Op::Read.code(), Op::Lookup.code()].contains(&command.op) {
                    let which = (command.op, command.table, command.status);
                    *self.commands.entry(which).or_default() += 1;
                }
                self.reached(command);
                if let Err(expected) = self.golden.command(event.cycle, command) {
                    let what = format!("table command {command:x?}");
                    let status = Status::from_code(command.status);
                    let status =
                        status.map_or_else(|| command.status.to_string(), |s| s.to_string());
                    self.differ(event.cycle, what, expected, status);
                }
            }
            EventKind::Taken { .. } | EventKind::Answered { .. } => {}
            EventKind::Decision(decided) => self.decision(event.cycle, decided),
            EventKind::Loss { seq, port, reason } => {
                self.loss(event.cycle, *seq, *port, *reason);
            }
            EventKind::Output { seq, port, bytes } => {
                return Some(self.output(event.cycle, *seq, *port, bytes));
            }
        }
        None
    }

    /// Counts what a command does that its operation does not say; it is not carried out yet.
    fn reached(&mut self, command: &AppliedCommand) {
        let is =
            |op: Op, status: Status| command.op == op.code() && command.status == status.code();
        if is(Op::Invalidate, Status::Ok) {
            let which = (command.table, command.index);
            *self.invalidations.entry(which).or_default() += 1;
        }
        if is(Op::Insert, Status::Updated)
            && command.table == Table::Mac.code()
            && let Some(row) = MacRow::from_words(&command.data)
        {
            let old = self.golden.model().tables.mac_row(&row.key);
            let from = old.filter(|old| !old.is_static && !row.is_static);
            self.moved += u64::from(from.is_some_and(|old| old.target != row.target));
        }
    }

    fn input(&mut self, cycle: Cycle, port: u8, id: u32) {
        match self.queued.remove(&id) {
            Some((bytes, bad)) => {
                self.accepted.entry(port).or_default().push_back(Sent {
                    id,
                    bytes,
                    bad,
                    cycle,
                });
            }
            None => self.differ(cycle, format!("input at port {port}"), "a queued frame", id),
        }
    }

    fn decision(&mut self, cycle: Cycle, d: &Decided) {
        self.number += 1;
        self.origin = None;
        self.learned = false;
        self.decided += u64::from(d.count.max(1));
        self.hits += u64::from(d.flow.is_some());
        self.reasons[usize::from(d.reason & 63)] += u64::from(d.count.max(1));
        if d.direct {
            self.direct(cycle, d);
            return;
        }
        let what = || format!("decision {} (frame from port {})", d.seq, d.src);
        let (origin, bytes) = if d.core {
            match self.take_punted(d) {
                Some(p) => (p.origin, p.canonical),
                None => {
                    self.differ(
                        cycle,
                        what(),
                        "a punted frame to come back",
                        format!("{d:x?}"),
                    );
                    return;
                }
            }
        } else {
            match self.take_input(cycle, d) {
                Some(sent) => (Some(sent.id), sent.bytes),
                None => return,
            }
        };
        self.origin = origin;
        let expected = Rc::new(self.golden.decide(d, &bytes));
        self.asked += u64::from(expected.asked);
        self.learned = expected.learned;
        self.learned_hits += u64::from(expected.learned);
        for (field, want, got) in expected.differences(d) {
            self.differ(cycle, format!("{}: {field}", what()), want, got);
        }
        if let (Some(fates), Some(id)) = (&mut self.fates, origin)
            && let Some(fate) = fates.get_mut(&id)
        {
            if d.core {
                // A frame that the firmware gave up ends as a drop at its source.
                if d.kind == DecidedKind::Drop {
                    fate.lost.push((d.src, d.reason));
                }
            } else {
                fate.kind = d.kind;
                fate.reason = d.reason;
                fate.vvlan = d.instance.map(|_| d.vvlan).or(expected.vvlan);
            }
        }
        self.teach(cycle, d, &expected);
        let punt = expected.punt || d.told;
        if punt {
            self.uncounted
                .push((self.number, expected.instance, expected.canonical.len()));
            self.punted.push_back(Punted {
                seq: d.seq,
                reason: d.reason,
                src: d.src,
                vvlan: d.vvlan,
                canonical: Rc::clone(&expected.canonical),
                origin,
                doubtful: false,
            });
        }
        let awaited = u128::from(expected.targets) | u128::from(expected.to_uplink) << UPLINK;
        let open = Open {
            origin,
            number: self.number,
            entered: cycle.saturating_sub(d.age.into()),
            awaited,
            group: d.kind == DecidedKind::Multicast,
            direct: false,
            punt,
            expected,
        };
        self.open(cycle, d.seq, open);
    }

    /// A frame that teaches is told of, unless one of its flow, or any other, was just before, or so many that their keys
    /// may still wait; no other frame is.
    fn teach(&mut self, cycle: Cycle, d: &Decided, expected: &Expected) {
        let Some(flow) = expected.teaches else {
            if d.told {
                let what = format!("decision {}: its key is handed over", d.seq);
                self.differ(cycle, what, false, true);
            }
            return;
        };
        self.golden.taught(flow, d.time, d.told);
        self.taught[usize::from(!d.told)] += 1;
        // What is remembered is the key as the frame brought it: from the uplink, whoever sends it.
        let brought = FlowKey {
            src: PortId::Uplink,
            ..flow
        };
        if d.told {
            self.told.insert(brought, cycle);
            if self.last_told.len() == KEYS {
                self.last_told.pop_front();
            }
            self.last_told.push_back(cycle);
            return;
        }
        let within = |then: Option<Cycle>, ticks| then.is_some_and(|then| cycle - then <= ticks);
        let last = &self.last_told;
        let again = within(self.told.get(&brought).copied(), AGAIN);
        let close = within(last.back().copied(), REST);
        let crowd = last.len() == KEYS && within(last.front().copied(), AGAIN);
        if !(again || close || crowd) {
            let what = format!("decision {}: its key is handed over", d.seq);
            self.differ(cycle, what, true, false);
        }
    }

    fn open(&mut self, cycle: Cycle, seq: u16, open: Open) {
        if open.awaited == 0 && !open.punt {
            return;
        }
        if let Some(old) = self.open.insert(seq, open)
            && old.awaited != 0
        {
            self.differ(
                cycle,
                format!("copies of frame {seq}"),
                "all out by now",
                ports(old.awaited),
            );
        }
    }

    fn direct(&mut self, cycle: Cycle, d: &Decided) {
        let expected = Rc::new(Expected::direct(d));
        for (field, want, got) in expected.differences(d) {
            self.differ(cycle, format!("direct frame {}: {field}", d.seq), want, got);
        }
        let open = Open {
            origin: None,
            number: self.number,
            entered: cycle.saturating_sub(d.age.into()),
            awaited: 1 << d.direct_port,
            group: false,
            direct: true,
            punt: false,
            expected,
        };
        self.open(cycle, d.seq, open);
    }

    /// The input frame of a decision; a tombstone may stand for several.
    fn take_input(&mut self, cycle: Cycle, d: &Decided) -> Option<Sent> {
        let count = if d.tomb { d.count.max(1) } else { 1 };
        let mut last = None;
        for _ in 0..count {
            let Some(sent) = self.accepted.entry(d.src).or_default().pop_front() else {
                self.differ(
                    cycle,
                    format!("decision {}", d.seq),
                    "an input frame",
                    format!("{d:x?}"),
                );
                return None;
            };
            if d.tomb {
                let right = self.dead(&sent, d.src, d.tomb_reason);
                if !right {
                    let what = format!(
                        "death of a frame of {} bytes at port {}",
                        sent.bytes.len(),
                        d.src
                    );
                    self.differ(cycle, what, "its own fault", d.tomb_reason);
                }
            } else {
                if sent.bad {
                    self.differ(
                        cycle,
                        format!("decision {}", d.seq),
                        "no bad frame",
                        sent.id,
                    );
                }
                if sent.bytes.len() != usize::from(d.bus_len) {
                    let what = format!("length of frame {} on its bus", d.seq);
                    self.differ(cycle, what, sent.bytes.len(), d.bus_len);
                }
            }
            if let Some(fates) = &mut self.fates {
                self.order.push(sent.id);
                fates.insert(
                    sent.id,
                    Fate {
                        id: sent.id,
                        port: d.src,
                        cycle: sent.cycle,
                        len: sent.bytes.len() as u32,
                        vvlan: None,
                        kind: d.kind,
                        reason: d.reason,
                        out: Vec::new(),
                        lost: Vec::new(),
                    },
                );
            }
            last = Some(sent);
        }
        last
    }

    /// Whether a frame may die at the entrance for this reason.
    fn dead(&self, sent: &Sent, port: u8, why: u8) -> bool {
        let max = 9216 + self.golden.tag_len(port);
        match why {
            reason::BAD_FRAME => sent.bad,
            reason::RUNT => sent.bytes.len() < 60,
            reason::OVERSIZE => sent.bytes.len() > max,
            // The host is held back instead.
            reason::STORE_FULL => port == UPLINK,
            _ => false,
        }
    }

    /// The punted frame that comes back: the firmware works in order, and keeps control frames.
    fn take_punted(&mut self, d: &Decided) -> Option<Punted> {
        while let Some(p) = self.punted.pop_front() {
            let this = p.src == d.src && p.vvlan == d.meta_vvlan && (d.tomb || same_frame(&p, d));
            if p.is_kept() || p.doubtful && !this {
                continue;
            }
            return this.then_some(p);
        }
        None
    }

    fn loss(&mut self, cycle: Cycle, seq: u16, port: u8, why: u8) {
        self.losses += 1;
        self.reasons[usize::from(why & 63)] += 1;
        let what = format!("loss of frame {seq} at port {port}, reason {why}");
        let Some(open) = self.open.get_mut(&seq) else {
            self.differ(cycle, what, "a copy on its way", "none");
            return;
        };
        const LOCAL: u128 = u64::MAX as u128;
        // The firmware's copy of a frame that a vPort got.
        let mut copy = false;
        let gone = match why {
            reason::RX_FULL if port < 64 => open.awaited & 1 << port,
            reason::REPLICATION_FULL if open.group && port == open.expected.src => {
                open.awaited & LOCAL
            }
            reason::UPLINK_FULL if port == UPLINK => open.awaited & 1 << UPLINK,
            reason::LEARN_BUSY if open.punt && port == open.expected.src => {
                open.punt = false;
                // The latest with this number: older ones have long been taken.
                if let Some(at) = self.punted.iter().rposition(|p| p.seq == seq) {
                    self.punted.remove(at);
                }
                copy = !open.expected.punt;
                let number = open.number;
                self.uncounted.retain(|(n, ..)| *n != number);
                1 << CORE
            }
            _ => 0,
        };
        open.awaited &= !gone;
        let (left, origin, instance) = (open.awaited, open.origin, open.expected.instance);
        if left == 0 && !open.punt {
            self.open.remove(&seq);
        }
        if gone == 0 {
            self.differ(cycle, what, "one of the copies on their way", ports(left));
            return;
        }
        self.golden.count_loss(port, instance, why);
        if let Some(fate) = origin.and_then(|id| self.fates.as_mut()?.get_mut(&id))
            && !copy
        {
            let lost_at = |p: u8| gone >> p & 1 != 0;
            if why == reason::REPLICATION_FULL {
                fate.lost
                    .extend((0..64).filter(|p| lost_at(*p)).map(|p| (p, why)));
            } else {
                fate.lost.push((port, why));
            }
        }
    }

    fn output(&mut self, cycle: Cycle, seq: u16, port: u8, bytes: &[u8]) -> Left {
        self.outputs += 1;
        let what = || format!("frame {seq} out of port {port}");
        let Some(open) = self
            .open
            .get_mut(&seq)
            .filter(|o| o.awaited >> port & 1 != 0)
        else {
            self.differ(cycle, what(), "no copy", format!("{} bytes", bytes.len()));
            let origin = self.open.get(&seq).and_then(|o| o.origin);
            return Left {
                origin,
                entered: cycle,
            };
        };
        open.awaited &= !(1 << port);
        let left = Left {
            origin: open.origin,
            entered: open.entered,
        };
        let (expected, number) = (Rc::clone(&open.expected), open.number);
        let class = (port, open.group && port != UPLINK);
        let direct = open.direct;
        if open.awaited == 0 && !open.punt {
            self.open.remove(&seq);
        }
        let last = self.last.entry(class).or_default();
        let before = std::mem::replace(last, number);
        if before > number {
            self.differ(
                cycle,
                format!("order at port {port}"),
                format!("after {before}"),
                number,
            );
        }
        if !direct {
            let want = self.golden.copy_for(&expected, port);
            if want != bytes {
                let want = hex(want);
                self.differ(cycle, what(), want, hex(bytes));
            }
        }
        self.golden
            .count_output(port, expected.instance, bytes.len());
        if let Some(fate) = left.origin.and_then(|id| self.fates.as_mut()?.get_mut(&id)) {
            fate.out.push((port, cycle));
        }
        left
    }

    fn differ(
        &mut self,
        cycle: Cycle,
        what: String,
        expected: impl fmt::Display,
        actual: impl fmt::Display,
    ) {
        self.mismatch_count += 1;
        if self.mismatches.len() < KEPT {
            self.mismatches.push(Mismatch {
                cycle,
                what,
                expected: expected.to_string(),
                actual: actual.to_string(),
            });
        }
    }

    /// Nothing is inside the NIC any more: nothing may be missing. `core_alive`: the firmware has
    /// taken what was punted.
    pub fn settle(&mut self, now: Cycle, core_alive: bool) {
        for (_, instance, len) in self.uncounted.drain(..) {
            self.golden.count_output(CORE, instance, len);
        }
        let mut late: Vec<_> = self
            .open
            .drain()
            .filter(|(_, open)| open.awaited != 0)
            .map(|(seq, open)| (open.number, seq, open.awaited))
            .collect();
        late.sort_unstable();
        for (_, seq, awaited) in late {
            self.differ(
                now,
                format!("copies of frame {seq}"),
                "all out",
                ports(awaited),
            );
        }
        let waiting: usize = self.accepted.values().map(VecDeque::len).sum();
        if waiting != 0 {
            self.differ(
                now,
                "input frames without a decision".to_owned(),
                0,
                waiting,
            );
            self.accepted.clear();
        }
        if core_alive {
            let kept = self
                .punted
                .iter()
                .filter(|p| !p.is_kept() && !p.doubtful)
                .count();
            if kept != 0 {
                self.differ(
                    now,
                    "punted frames that did not come back".to_owned(),
                    0,
                    kept,
                );
            }
            self.punted.clear();
        }
    }

    /// The firmware runs anew: what it had may be gone, what waited for it may not.
    pub fn core_restarted(&mut self) {
        for punted in &mut self.punted {
            punted.doubtful = true;
        }
    }

    /// Compares one counter of the NIC with the golden model's.
    pub fn compare(&mut self, now: Cycle, what: &str, expected: u64, actual: u64) {
        if expected != actual {
            self.differ(now, what.to_owned(), expected, actual);
        }
    }

    /// The NIC counts so many entries in a table, dead ones included.
    pub fn occupied(&mut self, now: Cycle, table: Table, counted: u64) {
        let (live, most) = self.golden.occupancy(table);
        let counted = usize::try_from(counted).unwrap_or(usize::MAX);
        if counted == live {
            self.golden.swept(table);
        }
        if !(live..=most).contains(&counted) {
            let what = format!("entries of {table}");
            self.differ(now, what, format!("{live} to {most}"), counted);
        }
    }

    /// The golden model as it is now.
    #[must_use]
    pub fn golden(&self) -> &Golden {
        &self.golden
    }

    /// The adjacent switch tells the firmware where an address is.
    pub fn said(&mut self, key: MacKey, vport: VPort) {
        self.golden.said(key, vport);
    }

    /// Frames decided.
    #[must_use]
    pub fn decided(&self) -> u64 {
        self.decided
    }

    /// Frames that left.
    #[must_use]
    pub fn outputs(&self) -> u64 {
        self.outputs
    }

    /// Copies lost after their decision.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.losses
    }

    /// How often each reason was given.
    #[must_use]
    pub fn reasons(&self) -> &[u64; 64] {
        &self.reasons
    }

    /// Frames that hit a flow entry.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// Frames that asked the flow cache.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// Commands that may change a table: how often each operation, table and status came.
    #[must_use]
    pub fn commands(&self) -> &BTreeMap<(u8, u8, u8), u64> {
        &self.commands
    }

    /// How many invalidations of a scope came.
    #[must_use]
    pub fn invalidations(&self, table: Table, scope: Scope) -> u64 {
        let which = (table.code(), u16::from(scope.code()));
        self.invalidations.get(&which).copied().unwrap_or(0)
    }

    /// How many living addresses were learned behind another vPort.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// The input frame of the last decision, if it has one.
    #[must_use]
    pub fn origin(&self) -> Option<u32> {
        self.origin
    }

    /// The last decision used an entry that was learned from the adjacent switch.
    #[must_use]
    pub fn by_learned(&self) -> bool {
        self.learned
    }

    /// Frames that used such an entry.
    #[must_use]
    pub fn learned_hits(&self) -> u64 {
        self.learned_hits
    }

    /// Frames that taught: those that the firmware got a copy of, and the others.
    #[must_use]
    pub fn taught(&self) -> (u64, u64) {
        let [told, again] = self.taught;
        (told, again)
    }

    /// How many such commands came.
    #[must_use]
    pub fn commands_total(&self) -> u64 {
        self.commands.values().sum()
    }

    /// Differences found.
    #[must_use]
    pub fn mismatch_count(&self) -> u64 {
        self.mismatch_count
    }

    /// The first differences.
    #[must_use]
    pub fn mismatches(&self) -> &[Mismatch] {
        &self.mismatches
    }

    /// What became of the frames, in the order of their decisions.
    #[must_use]
    pub fn take_fates(&mut self) -> Vec<Fate> {
        let Some(fates) = &mut self.fates else {
            return Vec::new();
        };
        std::mem::take(&mut self.order)
            .iter()
            .filter_map(|id| fates.remove(id))
            .collect()
    }
}

/// True if a re-injected frame is the punted one, as far as the trace shows.
fn same_frame(p: &Punted, d: &Decided) -> bool {
    let addresses = |at: usize| {
        let bytes = p.canonical.get(at..at + 6).unwrap_or_default();
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    p.canonical.len() == usize::from(d.bus_len)
        && d.key
            .is_none_or(|key| key.da == addresses(0) && key.sa == addresses(6))
}

fn ports(bits: u128) -> String {
    let names: Vec<_> = (0..128_u8)
        .filter(|p| bits >> p & 1 != 0)
        .map(|p| {
            if p == UPLINK {
                "uplink".to_owned()
            } else {
                format!("vf{p}")
            }
        })
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(" ")
    }
}

/// The first bytes of a frame.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{} bytes:", bytes.len());
    for byte in bytes.iter().take(80) {
        let _ = write!(text, " {byte:02x}");
    }
    if bytes.len() > 80 {
        text.push_str(" …");
    }
    text
}
