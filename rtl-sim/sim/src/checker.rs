// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Who may receive what, judged without the golden model.
//!
//! The firmware and the golden model share code, so a mistake in it would be invisible to a
//! comparison of the two. This checker shares nothing with them: it knows who was in which V.VLAN and
//! when, what went in and what came out, and asks only the questions a tenant would ask. A change
//! of the configuration takes effect at some point between its request and its completion, so a
//! frame is judged by everything that was true at any time while it was inside the NIC.

mod dscp;

use std::collections::HashMap;
use std::fmt;

use crate::model::{Cycle, UPLINK};

/// What a vPort is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortKind {
    /// One tenant's interface; the NIC's tags are invisible to it.
    Vf {
        /// Its V.VLAN.
        vvlan: u16,
    },
    /// A software switch; its frames carry the V.VLAN as a tag.
    Vswitch {
        /// Frames may return to it.
        reflect: bool,
    },
}

/// A rule that an output frame broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// It reached a port outside its V.VLAN, or came from outside it.
    Leak,
    /// The receiver had it already.
    Duplicate,
    /// It came back to who sent it.
    Echo,
    /// Its tags are not those of its V.VLAN.
    Tags,
    /// It is not the frame that was sent.
    Altered,
    /// No such frame was ever sent, or it was sent broken.
    Stranger,
    /// The firmware was to learn a flow from a frame that is no learning packet.
    Taught,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leak => "leak",
            Self::Duplicate => "duplicate",
            Self::Echo => "echo",
            Self::Tags => "tags",
            Self::Altered => "altered",
            Self::Stranger => "stranger",
            Self::Taught => "taught",
        })
    }
}

/// An output frame that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// The frame's id at its input.
    pub id: u32,
    /// Where it came in.
    pub from: u8,
    /// Where it came out.
    pub to: u8,
    /// When it came out.
    pub cycle: Cycle,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            id,
            from,
            to,
            cycle,
        } = self;
        write!(
            f,
            "{rule}: frame {id} from port {from} at port {to} in cycle {cycle}"
        )
    }
}

/// Values and when they were true.
#[derive(Clone, Debug)]
struct History<T> {
    spans: Vec<(Cycle, Option<Cycle>, T)>,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { spans: Vec::new() }
    }
}

impl<T: PartialEq> History<T> {
    fn begin(&mut self, at: Cycle, value: T) {
        if !self
            .spans
            .iter()
            .any(|(_, end, v)| end.is_none() && *v == value)
        {
            self.spans.push((at, None, value));
        }
    }

    fn end(&mut self, at: Cycle, which: impl Fn(&T) -> bool) {
        for (_, end, value) in &mut self.spans {
            if end.is_none() && which(value) {
                *end = Some(at);
            }
        }
    }

    /// True of some value at some time from `from` to `to`.
    fn ever(&self, from: Cycle, to: Cycle, holds: impl Fn(&T) -> bool) -> bool {
        self.during(from, to).any(holds)
    }

    /// True of one value all the time from `from` to `to`.
    fn always(&self, from: Cycle, to: Cycle, holds: impl Fn(&T) -> bool) -> bool {
        self.spans
            .iter()
            .any(|(begin, end, v)| *begin <= from && end.is_none_or(|e| e >= to) && holds(v))
    }

    /// The values that were there at some time from `from` to `to`.
    fn during(&self, from: Cycle, to: Cycle) -> impl Iterator<Item = &T> {
        self.spans
            .iter()
            .filter(move |(begin, end, _)| *begin <= to && end.is_none_or(|e| e >= from))
            .map(|(_, _, value)| value)
    }

    fn forget(&mut self, before: Cycle) {
        self.spans
            .retain(|(_, end, _)| end.is_none_or(|e| e >= before));
    }
}

#[derive(Clone, Debug)]
struct Input {
    port: u8,
    cycle: Cycle,
    vvlan: Option<u16>,
    outer: u16,
    /// Both TCIs, of a frame from the uplink.
    tci: (u16, u16),
    canonical: Vec<u8>,
    broken: bool,
    /// Receivers so far, bit 64 is the uplink.
    seen: u128,
}

#[derive(Clone, Debug, Default)]
struct Vvlan {
    members: History<u8>,
    /// Outer VLAN of frames to the uplink.
    outer: History<u16>,
    /// Outer VLANs of frames from the uplink.
    accepted: History<u16>,
}

/// Bits that make a learning packet of a frame from the uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkBits {
    /// Of outer and inner TCI.
    Tci {
        /// Which bits count.
        mask: (u16, u16),
        /// What they are.
        value: (u16, u16),
    },
    /// Of the packet's DSCP, which every frame loses.
    Dscp {
        /// Which bits count.
        mask: u8,
        /// What they are.
        set: u8,
        /// What they are when a frame leaves.
        clear: u8,
    },
}

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    ports: HashMap<u8, PortKind>,
    tpid: History<u16>,
    mark: History<MarkBits>,
    vvlans: HashMap<u16, Vvlan>,
    owners: HashMap<(u16, [u8; 6]), History<u8>>,
    /// As the NIC says that it learned them.
    learned: HashMap<(u16, [u8; 6]), History<u8>>,
    inputs: HashMap<u32, Input>,
    violations: Vec<Violation>,
    counts: HashMap<Rule, u64>,
    outputs: u64,
}

/// Violations kept in full; all are counted.
const KEPT: usize = 16;

impl Checker {
    /// A checker of a NIC without configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what a vPort is, for good.
    pub fn port(&mut self, port: u8, kind: PortKind) {
        self.ports.insert(port, kind);
    }

    /// A change of the outer TPID: asked for at `begin`, complete at `end`.
    pub fn tpid(&mut self, begin: Cycle, end: Cycle, tpid: u16) {
        self.tpid.end(end, |old| *old != tpid);
        self.tpid.begin(begin, tpid);
    }

    /// A change of the mark of learning packets.
    pub fn mark(&mut self, begin: Cycle, end: Cycle, bits: Option<MarkBits>) {
        self.mark.end(end, |old| Some(*old) != bits);
        if let Some(bits) = bits {
            self.mark.begin(begin, bits);
        }
    }

    /// A new or changed V.VLAN.
    pub fn vvlan(
        &mut self,
        (begin, end): (Cycle, Cycle),
        id: u16,
        outer: u16,
        accept: &[u16],
        members: u64,
    ) {
        let vvlan = self.vvlans.entry(id).or_default();
        vvlan.outer.end(end, |old| *old != outer);
        vvlan.outer.begin(begin, outer);
        vvlan
            .accepted
            .end(end, |old| *old != outer && !accept.contains(old));
        for vlan in accept.iter().chain([&outer]) {
            vvlan.accepted.begin(begin, *vlan);
        }
        vvlan.members.end(end, |port| members >> port & 1 == 0);
        for port in (0..64).filter(|port| members >> port & 1 != 0) {
            vvlan.members.begin(begin, port);
        }
    }

    /// A V.VLAN goes away: asked for at `begin`, complete at `end`.
    pub fn remove_vvlan(&mut self, (begin, end): (Cycle, Cycle), id: u16) {
        if let Some(vvlan) = self.vvlans.get_mut(&id) {
            vvlan.members.end(end, |_| true);
            vvlan.outer.end(end, |_| true);
            vvlan.accepted.end(end, |_| true);
        }
        for ((vvlan, _), history) in &mut self.owners {
            if *vvlan == id {
                history.end(begin, |_| true);
            }
        }
    }

    /// An address belongs to a vPort, surely from `at` on.
    pub fn own(&mut self, at: Cycle, vvlan: u16, mac: [u8; 6], port: u8) {
        self.owners.entry((vvlan, mac)).or_default().begin(at, port);
    }

    /// An address belongs to nobody, possibly from `at` on.
    pub fn disown(&mut self, at: Cycle, vvlan: u16, mac: [u8; 6]) {
        if let Some(history) = self.owners.get_mut(&(vvlan, mac)) {
            history.end(at, |_| true);
        }
    }

    /// The NIC changed its tables: what it learns is who owns an address as long as it says so. Only
    /// changes that were carried out; `data` as the table command bus carries it.
    pub fn table_command(&mut self, at: Cycle, op: u8, table: u8, index: u16, data: &[u32; 6]) {
        const WRITE: u8 = 1;
        const INSERT: u8 = 3;
        const DELETE: u8 = 4;
        const INVALIDATE: u8 = 6;
        const SWEEP: u8 = 8;
        const PORT: u8 = 0;
        const MAC: u8 = 5;
        let [w0, w1, w2, ..] = *data;
        match (op, table) {
            (WRITE, PORT) if w0 & 1 == 0 => self.unlearn(at, |port| u16::from(port) == index),
            (INSERT | DELETE | SWEEP, MAC) => {
                let [_, _, a, b] = w1.to_be_bytes();
                let [c, d, e, f] = w0.to_be_bytes();
                let key = ((w1 >> 16) as u16 & 0xfff, [a, b, c, d, e, f]);
                let history = self.learned.entry(key).or_default();
                history.end(at, |_| true);
                let (group, fixed) = (w2 >> 8 & 1 != 0, w2 >> 9 & 1 != 0);
                if op == INSERT && !group && !fixed {
                    history.begin(at, w2 as u8);
                }
            }
            (INVALIDATE, MAC) if index == 3 => self.unlearn(at, |port| u32::from(port) == w0),
            (INVALIDATE, MAC) => self.unlearn(at, |_| true),
            _ => {}
        }
    }

    fn unlearn(&mut self, at: Cycle, of: impl Fn(u8) -> bool) {
        for history in self.learned.values_mut() {
            history.end(at, |port| of(*port));
        }
    }

    /// A frame went in. `broken`: it must never come out.
    pub fn input(&mut self, id: u32, port: u8, bytes: &[u8], broken: bool, cycle: Cycle) {
        let (vvlan, outer, canonical) = match self.ports.get(&port) {
            None if port == UPLINK && bytes.len() >= 20 && tpid_at(bytes, 16) == 0x8100 => {
                (Some(vid_at(bytes, 18)), vid_at(bytes, 14), strip(bytes, 8))
            }
            Some(PortKind::Vf { vvlan }) => (Some(*vvlan), 0, bytes.to_vec()),
            Some(PortKind::Vswitch { .. }) if bytes.len() >= 16 && tpid_at(bytes, 12) == 0x8100 => {
                (Some(vid_at(bytes, 14)), 0, strip(bytes, 4))
            }
            _ => (None, 0, bytes.to_vec()),
        };
        let tci = match bytes.get(14..20) {
            Some(tags) if port == UPLINK => (tpid_at(tags, 0), tpid_at(tags, 4)),
            _ => (0, 0),
        };
        self.inputs.insert(
            id,
            Input {
                port,
                cycle,
                vvlan,
                outer,
                tci,
                canonical,
                broken,
                seen: 0,
            },
        );
    }

    /// A frame came out, and says that it is input `id`. Returns what is wrong with it.
    pub fn output(&mut self, id: u32, port: u8, bytes: &[u8], cycle: Cycle) -> Option<Rule> {
        self.outputs += 1;
        let (from, rule) = self.judge(id, port, bytes, cycle);
        Some(self.broken(rule?, id, from, port, cycle))
    }

    fn broken(&mut self, rule: Rule, id: u32, from: u8, to: u8, cycle: Cycle) -> Rule {
        *self.counts.entry(rule).or_default() += 1;
        if self.violations.len() < KEPT {
            self.violations.push(Violation {
                rule,
                id,
                from,
                to,
                cycle,
            });
        }
        rule
    }

    /// The firmware got a copy of a frame that it may learn a flow from, which may be input `id`.
    pub fn told(&mut self, id: Option<u32>, cycle: Cycle) -> Option<Rule> {
        let input = id.and_then(|id| self.inputs.get(&id));
        let right = input.is_some_and(|input| {
            let (outer, inner) = input.tci;
            let marked = |bits: &MarkBits| match *bits {
                MarkBits::Tci { mask, value } => {
                    (outer & mask.0, inner & mask.1) == value && mask != (0, 0)
                }
                MarkBits::Dscp { mask, set, .. } => {
                    self.tpid.during(input.cycle, cycle).any(|tpid| {
                        dscp::read(&input.canonical, *tpid).is_some_and(|dscp| dscp & mask == set)
                    })
                }
            };
            let accepted = |vvlan: &Vvlan| {
                vvlan
                    .accepted
                    .ever(input.cycle, cycle, |vlan| *vlan == input.outer)
            };
            input.port == UPLINK
                && !input.broken
                && input.canonical.first().is_some_and(|byte| byte & 1 == 0)
                && input
                    .vvlan
                    .is_some_and(|id| self.vvlans.get(&id).is_some_and(accepted))
                && self.mark.ever(input.cycle, cycle, marked)
        });
        (!right).then(|| self.broken(Rule::Taught, id.unwrap_or(u32::MAX), UPLINK, 65, cycle))
    }

    /// A frame came out that says nothing about where it is from.
    pub fn stranger(&mut self, port: u8, cycle: Cycle) {
        self.output(u32::MAX, port, &[], cycle);
    }

    fn judge(&mut self, id: u32, port: u8, bytes: &[u8], now: Cycle) -> (u8, Option<Rule>) {
        let reflects_to = |p| self.ports.get(&p) == Some(&PortKind::Vswitch { reflect: true });
        let may_return = reflects_to(port);
        let Some(input) = self.inputs.get_mut(&id) else {
            return (u8::MAX, Some(Rule::Stranger));
        };
        let from = input.port;
        let began = input.cycle;
        let duplicate = input.seen >> port & 1 != 0;
        input.seen |= 1 << port;
        if input.broken {
            return (from, Some(Rule::Stranger));
        }
        let Some((id, vvlan)) = input.vvlan.and_then(|v| Some((v, self.vvlans.get(&v)?))) else {
            return (from, Some(Rule::Leak));
        };
        let member = |p: u8| vvlan.members.ever(began, now, |m| *m == p);
        let entered = if from == UPLINK {
            vvlan.accepted.ever(began, now, |v| *v == input.outer)
        } else {
            member(from)
        };
        let left = port == UPLINK || member(port);
        if !entered || !left {
            return (from, Some(Rule::Leak));
        }
        if duplicate {
            return (from, Some(Rule::Duplicate));
        }
        let sender = input
            .canonical
            .get(6..12)
            .and_then(|sa| <[u8; 6]>::try_from(sa).ok());
        let owner_of_source = |p: u8| {
            sender
                .map(|sa| [self.owners.get(&(id, sa)), self.learned.get(&(id, sa))])
                .is_some_and(|known| {
                    let mut known = known.into_iter().flatten();
                    known.any(|h| h.always(began, now, |owner| *owner == p))
                })
        };
        if (port == from || from == UPLINK && owner_of_source(port)) && !may_return {
            return (from, Some(Rule::Echo));
        }
        let tag_len = match self.ports.get(&port) {
            None => 8,
            Some(PortKind::Vf { .. }) => 0,
            Some(PortKind::Vswitch { .. }) => 4,
        };
        if bytes.len() < 60 {
            return (from, Some(Rule::Altered));
        }
        let tags_right = match tag_len {
            8 => {
                self.tpid.ever(began, now, |t| *t == tpid_at(bytes, 12))
                    && vvlan.outer.ever(began, now, |v| *v == vid_at(bytes, 14))
                    && tpid_at(bytes, 16) == 0x8100
                    && vid_at(bytes, 18) == id
            }
            4 => tpid_at(bytes, 12) == 0x8100 && vid_at(bytes, 14) == id,
            _ => true,
        };
        if !tags_right {
            return (from, Some(Rule::Tags));
        }
        let body = strip(bytes, tag_len);
        let sent = &input.canonical;
        let expected = sent.len().max(60 - tag_len);
        let padded = body.len() == expected && body[sent.len()..].iter().all(|b| *b == 0);
        let unmarked = |bits: &MarkBits| match *bits {
            MarkBits::Tci { .. } => false,
            MarkBits::Dscp { mask, clear, .. } => (self.tpid.during(began, now))
                .any(|tpid| dscp::is_cleared(sent, &body[..sent.len()], mask, clear, *tpid)),
        };
        let changes = |bits: &MarkBits| match *bits {
            MarkBits::Tci { .. } => false,
            MarkBits::Dscp { mask, clear, .. } => (self.tpid.during(began, now))
                .all(|tpid| dscp::read(sent, *tpid).is_some_and(|dscp| dscp & mask != clear)),
        };
        let same = padded
            && (self.mark.ever(began, now, unmarked)
                || body.starts_with(sent) && !self.mark.always(began, now, changes));
        (from, (!same).then_some(Rule::Altered))
    }

    /// Forgets frames and finished history; only right when nothing is inside the NIC.
    pub fn settle(&mut self, now: Cycle) {
        self.inputs.clear();
        self.tpid.forget(now);
        self.mark.forget(now);
        for vvlan in self.vvlans.values_mut() {
            vvlan.members.forget(now);
            vvlan.outer.forget(now);
            vvlan.accepted.forget(now);
        }
        for owners in [&mut self.owners, &mut self.learned] {
            owners.retain(|_, history| {
                history.forget(now);
                !history.spans.is_empty()
            });
        }
    }

    /// Output frames judged.
    #[must_use]
    pub fn outputs(&self) -> u64 {
        self.outputs
    }

    /// How often a rule was broken.
    #[must_use]
    pub fn count(&self, rule: Rule) -> u64 {
        self.counts.get(&rule).copied().unwrap_or(0)
    }

    /// How often any rule was broken.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The first violations.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

fn tpid_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn vid_at(bytes: &[u8], at: usize) -> u16 {
    tpid_at(bytes, at) & 0xfff
}

/// The frame without `len` bytes after its source address.
fn strip(bytes: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() - len);
    out.extend_from_slice(&bytes[..12]);
    out.extend_from_slice(&bytes[12 + len..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 6] = [2, 0, 0, 0, 0, 1];

    /// Tenant 100 on vPorts 0, 1 and 7 (vswitch), tenant 200 on 2.
    fn checker() -> Checker {
        let mut c = Checker::new();
        for (port, vvlan) in [(0, 100), (1, 100), (2, 200)] {
            c.port(port, PortKind::Vf { vvlan });
        }
        c.port(7, PortKind::Vswitch { reflect: false });
        c.tpid(0, 0, 0x88a8);
        c.vvlan((0, 0), 100, 10, &[11], 0b1000_0011);
        c.vvlan((0, 0), 200, 10, &[], 0b0000_0100);
        c
    }

    fn frame(len: usize) -> Vec<u8> {
        let mut f = vec![0x55; len];
        f[6..12].copy_from_slice(&A);
        f
    }

    fn tagged(f: &[u8], tags: &[u16]) -> Vec<u8> {
        let mut out = f[..12].to_vec();
        for t in tags {
            out.extend(t.to_be_bytes());
        }
        out.extend(&f[12..]);
        out
    }

    #[test]
    fn frames_inside_a_tenant_pass_once_to_each_receiver() {
        let mut c = checker();
        let f = frame(60);
        c.input(1, 0, &f, false, 5);
        assert_eq!(c.output(1, 1, &f, 9), None);
        assert_eq!(c.output(1, 7, &tagged(&f, &[0x8100, 100]), 9), None);
        assert_eq!(
            c.output(
                1,
                UPLINK,
                &tagged(&f, &[0x88a8, 10, 0x8100, 0x1000 | 100]),
                9
            ),
            None
        );
        assert_eq!(c.output(1, 1, &f, 10), Some(Rule::Duplicate));
        assert_eq!(c.output(1, 0, &f, 10), Some(Rule::Echo));
        assert_eq!(c.output(1, 2, &f, 10), Some(Rule::Leak));
        assert_eq!(c.total(), 3);
    }

    #[test]
    fn a_learned_address_is_its_ports_until_the_nic_forgets_it() {
        let insert = [0x0000_0001, 0x0064_0200, 1, 0, 0, 0];
        let forget: [(u8, u8, u16, [u32; 6]); 6] = [
            (4, 5, 0, insert),
            (8, 5, 0, insert),
            (3, 5, 0, [insert[0], insert[1], 7, 0, 0, 0]),
            (6, 5, 0, [0; 6]),
            (6, 5, 3, [1, 0, 0, 0, 0, 0]),
            (1, 0, 1, [0; 6]),
        ];
        let keep: [(u8, u8, u16, [u32; 6]); 4] = [
            (6, 6, 0, [0; 6]),
            (6, 5, 3, [2, 0, 0, 0, 0, 0]),
            (1, 0, 1, [1, 0, 0, 0, 0, 0]),
            (4, 5, 0, [insert[0] + 1, insert[1], 0, 0, 0, 0]),
        ];
        let all = forget.map(|c| (c, None)).into_iter();
        for ((op, table, index, data), rule) in all.chain(keep.map(|c| (c, Some(Rule::Echo)))) {
            let mut c = checker();
            let back = tagged(&frame(100), &[0x88a8, 10, 0x8100, 100]);
            c.table_command(3, 3, 5, 0, &insert);
            c.table_command(5, op, table, index, &data);
            c.input(1, UPLINK, &back, false, 9);
            assert_eq!(
                c.output(1, 1, &frame(100), 20),
                rule,
                "{op} {table} {index}"
            );
            // Another port never had it.
            c.input(2, UPLINK, &back, false, 9);
            assert_eq!(c.output(2, 0, &frame(100), 20), None);
        }
        // In flight when it was forgotten: nobody can tell.
        let mut c = checker();
        let back = tagged(&frame(100), &[0x88a8, 10, 0x8100, 100]);
        c.table_command(3, 3, 5, 0, &insert);
        c.input(1, UPLINK, &back, false, 9);
        c.table_command(12, 6, 5, 0, &[0; 6]);
        assert_eq!(c.output(1, 1, &frame(100), 20), None);
    }

    #[test]
    fn tags_and_bytes_are_judged() {
        let mut c = checker();
        let f = frame(100);
        for id in 1..6 {
            c.input(id, 0, &f, false, 5);
        }
        let uplink = |tags: &[u16]| tagged(&f, tags);
        assert_eq!(
            c.output(1, UPLINK, &uplink(&[0x8100, 10, 0x8100, 100]), 9),
            Some(Rule::Tags)
        );
        assert_eq!(
            c.output(2, UPLINK, &uplink(&[0x88a8, 11, 0x8100, 100]), 9),
            Some(Rule::Tags)
        );
        assert_eq!(
            c.output(3, UPLINK, &uplink(&[0x88a8, 10, 0x8100, 200]), 9),
            Some(Rule::Tags)
        );
        assert_eq!(c.output(4, 1, &frame(101), 9), Some(Rule::Altered));
        let mut wrong = f;
        wrong[50] ^= 1;
        assert_eq!(c.output(5, 1, &wrong, 9), Some(Rule::Altered));
    }

    #[test]
    fn uplink_frames_need_an_accepted_pair_and_do_not_return_to_their_sender() {
        let mut c = checker();
        c.own(0, 100, A, 1);
        let f = frame(60);
        c.input(1, UPLINK, &tagged(&f, &[0x88a8, 11, 0x8100, 100]), false, 5);
        assert_eq!(c.output(1, 0, &f, 9), None);
        assert_eq!(c.output(1, 1, &f, 9), Some(Rule::Echo));
        c.input(2, UPLINK, &tagged(&f, &[0x88a8, 12, 0x8100, 100]), false, 5);
        assert_eq!(c.output(2, 0, &f, 9), Some(Rule::Leak));
        c.input(3, UPLINK, &f, false, 5);
        assert_eq!(c.output(3, 0, &f, 9), Some(Rule::Leak));
    }

    #[test]
    fn a_member_that_left_may_only_finish_what_was_inside() {
        let mut c = checker();
        let f = frame(60);
        c.input(1, 0, &f, false, 5);
        c.vvlan((6, 20), 100, 10, &[], 0b1000_0001);
        assert_eq!(c.output(1, 1, &f, 25), None);
        c.input(2, 0, &f, false, 21);
        assert_eq!(c.output(2, 1, &f, 30), Some(Rule::Leak));
    }

    #[test]
    fn only_marked_unicast_frames_of_the_uplink_teach() {
        let mut c = checker();
        let bits = |value| MarkBits::Tci {
            mask: (0, 0xe000),
            value: (0, value),
        };
        c.mark(0, 0, Some(bits(0x6000)));
        let mut group = frame(60);
        group[0] = 1;
        let mut unicast = frame(60);
        unicast[0] = 2;
        let uplink = |f: &[u8], outer, tci| tagged(f, &[0x88a8, outer, 0x8100, tci]);
        c.input(1, UPLINK, &uplink(&unicast, 10, 0x6000 | 100), false, 5);
        c.input(2, UPLINK, &uplink(&unicast, 10, 0x4000 | 100), false, 5);
        c.input(3, UPLINK, &uplink(&group, 10, 0x6000 | 100), false, 5);
        c.input(4, UPLINK, &uplink(&unicast, 12, 0x6000 | 100), false, 5);
        c.input(5, 0, &uplink(&unicast, 10, 0x6000 | 100), false, 5);
        c.input(6, UPLINK, &uplink(&unicast, 10, 0x6000 | 100), true, 5);
        assert_eq!(c.told(Some(1), 9), None);
        for id in [Some(2), Some(3), Some(4), Some(5), Some(6), Some(7), None] {
            assert_eq!(c.told(id, 9), Some(Rule::Taught), "{id:?}");
        }
        c.mark(10, 20, None);
        c.input(8, UPLINK, &uplink(&unicast, 10, 0x6000 | 100), false, 15);
        c.input(9, UPLINK, &uplink(&unicast, 10, 0x6000 | 100), false, 21);
        assert_eq!(c.told(Some(8), 30), None);
        assert_eq!(c.told(Some(9), 30), Some(Rule::Taught));
    }

    #[test]
    fn broken_and_unknown_frames_never_come_out() {
        let mut c = checker();
        let f = frame(60);
        c.input(1, 0, &f, true, 5);
        assert_eq!(c.output(1, 1, &f, 9), Some(Rule::Stranger));
        assert_eq!(c.output(2, 1, &f, 9), Some(Rule::Stranger));
        c.stranger(1, 9);
        assert_eq!(c.count(Rule::Stranger), 3);
    }

    #[test]
    fn short_frames_come_out_padded_with_zeros_only() {
        let mut c = checker();
        let short = tagged(&frame(56), &[0x8100, 100]);
        c.input(1, 7, &short, false, 5);
        let mut out = frame(56);
        out.resize(60, 0);
        assert_eq!(c.output(1, 0, &out, 9), None);
        out[59] = 1;
        assert_eq!(c.output(1, 1, &out, 9), Some(Rule::Altered));
    }
}
