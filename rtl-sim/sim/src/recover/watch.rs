// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a run shows: who got what, which entries were used, when addresses are learned again.

use std::collections::{BTreeMap, HashMap};

use hairpin_abi::{Op, Reason, Scope, Table, Teacher};

use super::traffic::Stream;
use crate::checker::Checker;
use crate::cosim::frames::canary;
use crate::model::Cycle;
use crate::nic::Observer;
use crate::race::DEADLINE;
use crate::scoreboard::Left;
use crate::trace::{AppliedCommand, Decided};

/// A frame of the traffic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) stream: Stream,
    pub(super) to: Option<u8>,
}

/// The entries of the tables as the trace tells of them, to say of which time an entry is that a frame used.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Dynamic addresses: when each was inserted.
    macs: HashMap<(u16, u64), Cycle>,
    /// Flows of the teachers below policy, by handle.
    flows: HashMap<u16, Cycle>,
    /// The invalidation that the eSwitch took last, until the trace says of which teacher it is.
    taken: Option<(u8, Cycle)>,
    /// When the firmware last invalidated what it had learned: addresses, flows.
    ended: [Option<Cycle>; 2],
    /// Uses of entries of before the fault until they were invalidated, and of any that was invalidated.
    pub(super) early: u64,
    pub(super) stale: u64,
    /// The last fault.
    fault: Option<Cycle>,
}

impl Entries {
    /// The firmware fails: from here on nothing of before may outlast an invalidation.
    fn fault(&mut self, now: Cycle) {
        self.fault = Some(now);
    }

    fn taken(&mut self, cycle: Cycle, op: u8, table: u8, index: u16) {
        let by_teacher = (op, index) == (Op::Invalidate.code(), Scope::Teacher.code().into());
        self.taken = by_teacher.then_some((table, cycle));
    }

    fn command(&mut self, cycle: Cycle, c: &AppliedCommand) {
        let (Some(op), Some(table)) = (Op::from_code(c.op), Table::from_code(c.table)) else {
            return;
        };
        if c.status > 1 {
            return;
        }
        let [w0, w1, w2, ..] = c.data;
        let mac = (
            (w1 >> 16) as u16 & 0xfff,
            u64::from(w1 & 0xffff) << 32 | u64::from(w0),
        );
        match (op, table) {
            (Op::Insert, Table::Mac) if w2 >> 8 & 3 == 0 => {
                self.macs.insert(mac, cycle);
            }
            (Op::Insert | Op::Delete | Op::Sweep, Table::Mac) => {
                self.macs.remove(&mac);
            }
            (Op::Insert, Table::Flow) if w0 >> 3 & 3 != u32::from(Teacher::Policy.code()) => {
                self.flows.insert(c.index, cycle);
            }
            (Op::Insert, Table::Flow) => {
                self.flows.remove(&c.index);
            }
            (Op::Invalidate, _) => {
                let taken = self.taken.filter(|(of, _)| *of == c.table);
                let Some((_, taken)) = taken else { return };
                match (table, w0) {
                    (Table::Mac, 0) => self.ended[0] = Some(taken),
                    (Table::Flow, w0) if w0 == u32::from(Teacher::Flow.code()) => {
                        self.ended[1] = Some(taken);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn decided(&mut self, cycle: Cycle, d: &Decided) {
        let entered = cycle.saturating_sub(d.age.into());
        if let Some(inserted) = d.flow.and_then(|handle| self.flows.get(&handle)) {
            self.used(1, entered, *inserted);
        }
        let hit = [Reason::MacHit.code(), Reason::FlowHit.code()].contains(&d.reason);
        if let (true, Some(key)) = (hit, d.key)
            && let Some(inserted) = self.macs.get(&(d.vvlan, key.da))
        {
            self.used(0, entered, *inserted);
        }
    }

    /// A frame that entered then used an entry.
    fn used(&mut self, table: usize, entered: Cycle, inserted: Cycle) {
        let over = |ended: Cycle| inserted < ended && late(entered, ended);
        if self.ended[table].is_some_and(over) {
            self.stale += 1;
        } else if self
            .fault
            .is_some_and(|fault| inserted <= fault && fault <= entered)
        {
            self.early += 1;
        }
    }
}

/// Whether a frame entered so late that it may use nothing that was invalidated then.
fn late(entered: Cycle, ended: Cycle) -> bool {
    entered.cast_signed() - ended.cast_signed() >= DEADLINE
}

/// Copies of the static streams: what the worst of them waited, from the pipeline's entry to the first beat out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waits {
    pub(super) copies: u64,
    pub(super) sum: u64,
    pub(super) worst: u64,
}

/// Watches a run.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) checker: Checker,
    pub(super) entries: Entries,
    pub(super) frames: HashMap<u32, Sent>,
    bytes: HashMap<u32, Vec<u8>>,
    /// Frames whose canary and trace name different inputs.
    pub(super) confused: u64,
    /// From here on addresses are looked for that are learned again.
    pub(super) probing: Option<Cycle>,
    shown: BTreeMap<u64, Cycle>,
    /// The first frame that found one.
    pub(super) learned: Option<Cycle>,
    /// Static streams: with the firmware at work, and without it.
    pub(super) waits: [Waits; 2],
    pub(super) down: bool,
}

impl Watch {
    pub(super) fn new(checker: Checker) -> Self {
        Self {
            checker,
            entries: Entries::default(),
            frames: HashMap::new(),
            bytes: HashMap::new(),
            confused: 0,
            probing: None,
            shown: BTreeMap::new(),
            learned: None,
            waits: [Waits::default(); 2],
            down: false,
        }
    }

    /// The firmware fails now.
    pub(super) fn begin_fault(&mut self, now: Cycle) {
        self.entries.fault(now);
        self.down = true;
        self.probing = None;
        self.shown.clear();
        self.learned = None;
    }

    pub(super) fn sent(&mut self, id: u32, stream: Stream, to: Option<u8>, bytes: Vec<u8>) {
        self.frames.insert(id, Sent { stream, to });
        self.bytes.insert(id, bytes);
    }

    /// When the eSwitch took the last invalidation of what was learned, addresses and flows.
    pub(super) fn ended(&self) -> Option<Cycle> {
        let [macs, flows] = self.entries.ended;
        macs.max(flows)
    }
}

impl Observer for Watch {
    fn input(&mut self, cycle: Cycle, port: u8, id: u32) {
        if let Some(bytes) = self.bytes.remove(&id) {
            self.checker.input(id, port, &bytes, false, cycle);
        }
    }

    fn output(&mut self, cycle: Cycle, port: u8, bytes: &[u8], left: Left) {
        let Some(id) = canary(bytes) else {
            self.checker.stranger(port, cycle);
            return;
        };
        self.confused += u64::from(left.origin != Some(id));
        self.checker.output(id, port, bytes, cycle);
        let stream = self.frames.get(&id).map(|sent| sent.stream);
        if stream.is_some_and(|stream| Stream::STATIC.contains(&stream)) {
            let waits = &mut self.waits[usize::from(self.down)];
            let wait = cycle.saturating_sub(left.entered);
            waits.copies += 1;
            waits.sum += wait;
            waits.worst = waits.worst.max(wait);
        }
    }

    fn command(&mut self, cycle: Cycle, c: &AppliedCommand) {
        if c.status <= 1 {
            self.checker
                .table_command(cycle, c.op, c.table, c.index, &c.data);
        }
        self.entries.command(cycle, c);
    }

    fn taken(&mut self, cycle: Cycle, op: u8, table: u8, index: u16) {
        self.entries.taken(cycle, op, table, index);
    }

    fn decided(&mut self, cycle: Cycle, d: &Decided) {
        self.entries.decided(cycle, d);
        let (Some(since), Some(key)) = (self.probing, d.key) else {
            return;
        };
        if self.learned.is_some() || cycle < since {
            return;
        }
        if d.src == 2 {
            self.shown.entry(key.sa).or_insert(cycle);
        }
        if d.reason == Reason::MacHit.code() && self.shown.contains_key(&key.da) {
            self.learned = Some(cycle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{DecidedKind, Key};

    const DA: u64 = 0x0222_0000_0001;

    fn insert(table: Table, index: u16, w2: u32) -> AppliedCommand {
        AppliedCommand {
            op: Op::Insert.code(),
            table: table.code(),
            index,
            data: [DA as u32, 100 << 16 | (DA >> 32) as u32, w2, 0, 0, 0],
            flow_key: [0; 14],
            status: 0,
        }
    }

    fn invalidate(entries: &mut Entries, table: Table, teacher: u32, at: Cycle) {
        let scope = u16::from(Scope::Teacher.code());
        entries.taken(at, Op::Invalidate.code(), table.code(), scope);
        let mut command = insert(table, scope, 0);
        command.op = Op::Invalidate.code();
        command.data = [teacher, 0, 0, 0, 0, 0];
        entries.command(at + 1, &command);
    }

    fn hit(entries: &mut Entries, entered: Cycle, flow: Option<u16>) -> (u64, u64) {
        let decided = Decided {
            age: 20,
            seq: 0,
            src: 0,
            core: false,
            nopunt: false,
            direct: false,
            direct_port: 0,
            slot: 0,
            meta_vvlan: 0,
            tomb: false,
            tomb_reason: 0,
            count: 1,
            bus_len: 60,
            len: 60,
            kind: DecidedKind::Local,
            reason: match flow {
                Some(_) => Reason::FlowRedirect.code(),
                None => Reason::MacHit.code(),
            },
            vvlan: 100,
            instance: Some(0),
            to_uplink: false,
            served: false,
            targets: 4,
            time: 0,
            key: Some(Key {
                da: DA,
                ..Key::default()
            }),
            flow,
            told: false,
        };
        entries.decided(entered + 20, &decided);
        (entries.early, entries.stale)
    }

    #[test]
    fn an_address_of_before_the_fault_is_stale_once_it_was_invalidated() {
        let mut e = Entries::default();
        e.command(100, &insert(Table::Mac, 0, 2));
        assert_eq!(hit(&mut e, 150, None), (0, 0));
        e.fault(200);
        assert_eq!(hit(&mut e, 300, None), (1, 0));
        invalidate(&mut e, Table::Mac, 0, 400);
        assert_eq!(hit(&mut e, 407, None), (2, 0));
        assert_eq!(hit(&mut e, 408, None), (2, 1));
        // Learned again.
        e.command(500, &insert(Table::Mac, 0, 2));
        assert_eq!(hit(&mut e, 600, None), (2, 1));
        // What was learned since is of before the next invalidation.
        invalidate(&mut e, Table::Mac, 0, 700);
        assert_eq!(hit(&mut e, 800, None), (2, 2));
    }

    #[test]
    fn static_addresses_and_policies_go_on() {
        let mut e = Entries::default();
        e.command(100, &insert(Table::Mac, 0, 0x200));
        let mut policy = insert(Table::Flow, 7, 0);
        policy.data[0] = u32::from(Teacher::Policy.code()) << 3;
        e.command(100, &policy);
        e.fault(200);
        invalidate(&mut e, Table::Mac, 0, 400);
        invalidate(&mut e, Table::Flow, 1, 400);
        assert_eq!(hit(&mut e, 600, None), (0, 0));
        assert_eq!(hit(&mut e, 600, Some(7)), (0, 0));
    }

    #[test]
    fn a_flow_of_before_the_fault_is_stale_once_it_was_invalidated() {
        let mut e = Entries::default();
        let mut flow = insert(Table::Flow, 7, 0);
        flow.data[0] = u32::from(Teacher::Flow.code()) << 3;
        e.command(100, &flow);
        e.fault(200);
        // Of the other teacher, or the other table.
        invalidate(&mut e, Table::Flow, 0, 300);
        invalidate(&mut e, Table::Mac, 0, 300);
        assert_eq!(hit(&mut e, 400, Some(7)), (1, 0));
        invalidate(&mut e, Table::Flow, 1, 500);
        assert_eq!(hit(&mut e, 600, Some(7)), (1, 1));
    }
}
