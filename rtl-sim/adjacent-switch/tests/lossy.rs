// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Edits over a control channel that loses, doubles and delays, with traffic, and with restarts of both ends. The
//! NIC's table is the judge: when an edit is reported complete, nothing in it contradicts the rules since.

mod common;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use common::nic::{ALL, Nic, masks};
use common::*;
use hairpin_abi::MacAddr;
use hairpin_abi::peer::{Envelope, Mark};
use hairpin_adjacent_switch::auditor::Book;
use hairpin_adjacent_switch::rules::Masked;
use hairpin_adjacent_switch::{
    Actions, EditId, Ending, Match, Output, Rule, RuleEdit, RuleTable, Switch,
};

/// One way of the wire, in microseconds.
const WIRE: u64 = 10;
/// Patience, lease and margin of the default timing, and a little for the wire.
const BOUND: u64 = 1_000_000 + 3_000_000 + 500_000 + 100_000;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: u64,
    order: u64,
    to_nic: bool,
    frame: Vec<u8>,
}

struct World {
    rng: Rng,
    loss: usize,
    now: u64,
    order: u64,
    wire: BinaryHeap<Reverse<Event>>,
    switch: Switch,
    nic: Nic,
    /// The rules after every edit.
    books: Vec<Book>,
    /// Edits under way: their version of the rules, and since when.
    edits: BTreeMap<EditId, (usize, u64)>,
    /// What no frame may contradict.
    complete: usize,
    endings: BTreeMap<&'static str, u64>,
    slowest: u64,
    kept: u64,
    key_mask: u16,
}

impl World {
    fn new(seed: u64, loss: usize, key_mask: u16) -> Self {
        let book = Book {
            rules: Vec::new(),
            otherwise: Actions::ACCEPT,
        };
        let mut world = Self {
            rng: Rng(seed),
            loss,
            now: 0,
            order: 0,
            wire: BinaryHeap::new(),
            switch: Self::switch(&book, seed, 0),
            nic: Nic::new(keys(), Mark::DEFAULT, seed, masks(key_mask)),
            books: vec![book],
            edits: BTreeMap::new(),
            complete: 0,
            endings: BTreeMap::new(),
            slowest: 0,
            kept: 0,
            key_mask,
        };
        world.teach_addresses();
        world
    }

    fn switch(book: &Book, seed: u64, now: u64) -> Switch {
        let table = RuleTable::new(book.rules.clone(), book.otherwise).unwrap();
        let mut bytes = [0x77; 16];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..].copy_from_slice(&now.to_le_bytes());
        Switch::new(&setup(Mark::DEFAULT), table, bytes, now)
    }

    fn teach_addresses(&mut self) {
        for vvlan in [100, 200] {
            for sa in 0..6 {
                let recipe = Recipe {
                    vvlan,
                    sa,
                    da: 9,
                    marked: false,
                    ..Recipe::random(&mut Rng(1))
                };
                let port = if sa < LOCAL { NIC } else { OTHER };
                let mut out = Vec::new();
                self.switch
                    .receive(port, &recipe.frame(), self.now, &mut out);
            }
        }
    }

    /// Puts a frame on the wire. Data keeps its order and arrives; a control frame may be lost, doubled, and
    /// come later than what was sent after it, but overtakes nothing.
    fn send(&mut self, to_nic: bool, frame: &[u8]) {
        let mut copies = 1;
        if Envelope::is_one(frame) {
            copies = match self.rng.below(100) {
                n if n < self.loss => 0,
                n if n < self.loss + 5 => 2,
                _ => 1,
            };
        }
        for _ in 0..copies {
            let late = Envelope::is_one(frame) && self.rng.percent(self.loss.max(5));
            let delay = if late { self.rng.next() % 30_000 } else { 0 };
            self.order += 1;
            self.wire.push(Reverse(Event {
                at: self.now + WIRE + delay,
                order: self.order,
                to_nic,
                frame: frame.to_vec(),
            }));
        }
    }

    fn emit(&mut self, out: Vec<Output>) {
        for output in out.into_iter().filter(|output| output.port == NIC) {
            self.send(true, &output.frame);
        }
        self.collect();
    }

    /// Looks at the edits that the switch says are complete.
    fn collect(&mut self) {
        for done in self.switch.take_completions() {
            let (version, begun) = self
                .edits
                .remove(&done.edit)
                .expect("an edit of ours, once");
            assert!(version > self.complete, "edits complete in their order");
            self.complete = version;
            self.slowest = self.slowest.max(self.now - begun);
            let name = match done.ending {
                Ending::NothingCached => "nothing cached",
                Ending::Acknowledged => "acknowledged",
                Ending::Lapsed => "lapsed",
            };
            *self.endings.entry(name).or_default() += 1;
            for (key, frame) in &self.nic.table.learned {
                assert!(
                    self.may_keep(frame),
                    "reported complete early ({name}): {key:?}"
                );
            }
        }
        for (_, begun) in self.edits.values() {
            assert!(
                self.now - begun <= BOUND,
                "an edit takes {} us",
                self.now - begun
            );
        }
    }

    /// True if some state of the rules since the last complete edit accepts a frame and does nothing else.
    fn may_keep(&self, frame: &[u8]) -> bool {
        self.books[self.complete..]
            .iter()
            .any(|book| book.accepts_only(NIC, frame))
    }

    /// Lets time pass.
    fn run_until(&mut self, end: u64) {
        loop {
            let wire = self.wire.peek().map_or(u64::MAX, |event| event.0.at);
            let next = wire
                .min(self.switch.poll_at())
                .min(self.nic.peer.poll_at())
                .max(self.now);
            if next > end {
                self.now = end;
                return;
            }
            self.now = next;
            if wire == next
                && let Some(Reverse(event)) = self.wire.pop()
            {
                if event.to_nic {
                    let answer = self.nic.receive(&event.frame, self.now);
                    answer
                        .into_iter()
                        .for_each(|frame| self.send(false, &frame));
                } else {
                    let mut out = Vec::new();
                    self.switch.receive(NIC, &event.frame, self.now, &mut out);
                    self.emit(out);
                }
                continue;
            }
            let hello = self.nic.poll(self.now);
            hello.into_iter().for_each(|frame| self.send(false, &frame));
            let mut out = Vec::new();
            self.switch.poll(self.now, &mut out);
            self.emit(out);
        }
    }

    /// A machine behind the NIC sends.
    fn traffic(&mut self, recipe: &Recipe) {
        let frame = Recipe {
            marked: false,
            ..*recipe
        }
        .frame();
        if self.nic.keeps(&frame) {
            self.kept += 1;
            assert!(
                self.may_keep(&frame),
                "{recipe:?} contradicts a complete edit"
            );
        } else {
            self.send(false, &frame);
        }
    }

    fn edit(&mut self, edit: RuleEdit) {
        let mut book = self.books.last().expect("there is one").clone();
        book.edit(&edit);
        self.books.push(book);
        let mut out = Vec::new();
        let id = self
            .switch
            .edit(edit, self.now, &mut out)
            .expect("a legal edit");
        self.edits.insert(id, (self.books.len() - 1, self.now));
        self.emit(out);
    }

    /// The firmware starts again: nothing learned, a new session.
    fn restart_nic(&mut self) {
        let seed = self.rng.next();
        self.nic = Nic::new(keys(), Mark::DEFAULT, seed, masks(self.key_mask));
    }

    /// The switch starts again, with the rules as they are; what it had not reported, it never will.
    fn restart_switch(&mut self) {
        let book = self.books.last().expect("there is one").clone();
        self.switch = Self::switch(&book, self.rng.next(), self.now);
        self.edits.clear();
        self.teach_addresses();
    }
}

/// Edits that switch between accepting and denying what runs.
fn next_edit(rng: &mut Rng, book: &Book, n: usize) -> RuleEdit {
    let count = book.rules.len();
    match rng.below(10) {
        0..4 if count > 6 => RuleEdit::Remove(book.rules[rng.below(count)].name.clone()),
        4 if count > 0 => {
            let name = book.rules[rng.below(count)].name.clone();
            RuleEdit::Replace(Rule {
                name,
                ..random_rule(rng, n)
            })
        }
        5..8 => RuleEdit::Load(Vec::new(), Actions::ACCEPT),
        _ => RuleEdit::Add(random_rule(rng, n)),
    }
}

/// A rule against the machine that sent a frame.
fn deny(frame: &[u8], n: usize) -> Rule {
    let sa = MacAddr(frame[6..12].try_into().expect("a whole frame"));
    let matching = Match {
        sa: Some(Masked::<u64>::some(sa.to_u64(), u64::MAX >> 16)),
        ..Match::default()
    };
    Rule {
        name: format!("deny-{n}"),
        priority: 9,
        matching,
        actions: Actions::DENY,
    }
}

fn run(seed: u64, loss: usize, edits: usize, key_mask: u16) {
    let mut world = World::new(seed, loss, key_mask);
    world.run_until(20_000_000);
    let (mut reported, mut restarts) = (0, 0);
    for n in 0..edits {
        let mut rng = Rng(world.rng.next());
        for _ in 0..4 + rng.below(8) {
            let recipe = Recipe::random(&mut Rng(rng.below(40) as u64));
            world.traffic(&recipe);
            let pause = world.now + rng.next() % 200;
            world.run_until(pause);
        }
        match rng.below(1000) {
            0..4 => {
                world.restart_nic();
                restarts += 1;
            }
            4..6 => {
                // What is lost with the switch is not an edit that failed to converge.
                reported += world.edits.len();
                world.restart_switch();
                restarts += 1;
            }
            _ => {}
        }
        let book = world.books.last().expect("there is one").clone();
        let edit = match world.nic.table.learned.values().min() {
            // Something that the NIC has must go.
            Some(frame) if rng.percent(50) => RuleEdit::Add(deny(frame, n)),
            _ => next_edit(&mut rng, &book, n),
        };
        world.edit(edit);
        // One in four does not wait for the one before.
        let patience = if rng.percent(25) {
            rng.next() % 5_000
        } else {
            8_000_000
        };
        let end = world.now + patience;
        while !world.edits.is_empty() && world.now < end {
            let step = end.min(world.now + 2_000);
            if rng.percent(30) {
                let recipe = Recipe::random(&mut Rng(rng.below(40) as u64));
                world.traffic(&recipe);
            }
            world.run_until(step);
        }
    }
    let end = world.now + BOUND;
    world.run_until(end);
    assert!(world.edits.is_empty(), "every edit converges");
    reported += world.endings.values().sum::<u64>() as usize;
    assert_eq!(reported, edits);
    let nic = world.switch.nic(NIC).unwrap();
    println!(
        "loss {loss} %: {edits} edits, {:?}, slowest {} ms, {} frames kept inside, {restarts} restarts; last switch: {:?}",
        world.endings,
        world.slowest / 1000,
        world.kept,
        nic.counters(),
    );
    assert!(world.kept > 0 && world.endings.contains_key("acknowledged"));
}

#[test]
fn every_edit_converges_and_none_is_reported_early() {
    let seed = seed();
    let edits = std::env::var("HAIRPIN_EDITS")
        .ok()
        .and_then(|text| text.parse().ok());
    let edits = edits.unwrap_or(1700);
    for (n, loss) in [1, 5, 10, 20, 35, 50].into_iter().enumerate() {
        let key_mask = if n % 2 == 0 { ALL } else { 0b1_0110_1110 };
        run(seed * 100 + n as u64, loss, edits, key_mask);
    }
}

#[test]
fn a_silent_nic_holds_an_edit_for_the_lease_and_no_longer() {
    let mut world = World::new(7, 0, ALL);
    world.run_until(20_000_000);
    let recipe = Recipe {
        vvlan: 100,
        sa: 0,
        da: 1,
        fragment: false,
        ..Recipe::random(&mut Rng(3))
    };
    world.traffic(&recipe);
    world.run_until(world.now + 1000);
    assert!(world.nic.keeps(&recipe.frame()));
    // From here on nothing of the NIC's control frames arrives.
    world.loss = 100;
    let begun = world.now;
    world.edit(RuleEdit::Load(Vec::new(), Actions::DENY));
    while !world.edits.is_empty() {
        let next = world.now + 10_000;
        world.run_until(next);
        if world.nic.keeps(&recipe.frame()) {
            assert!(
                !world.edits.is_empty(),
                "complete while the NIC still has it"
            );
        }
    }
    let took = world.now - begun;
    assert_eq!(world.endings.get("lapsed"), Some(&1));
    assert!((2_400_000..=BOUND).contains(&took), "{took}");
    assert!(world.nic.table.learned.is_empty());
    // It comes back, and learns again when it is allowed.
    world.loss = 0;
    world.edit(RuleEdit::Load(Vec::new(), Actions::ACCEPT));
    world.run_until(world.now + 3_000_000);
    world.traffic(&recipe);
    world.run_until(world.now + 1000);
    assert!(world.nic.keeps(&recipe.frame()));
}

#[test]
fn a_nic_that_takes_no_names_is_told_to_forget_everything() {
    let mut world = World::new(9, 0, ALL);
    world.nic.table.coarse = true;
    world.run_until(20_000_000);
    let recipe = Recipe {
        vvlan: 100,
        sa: 0,
        da: 1,
        fragment: false,
        ..Recipe::random(&mut Rng(3))
    };
    world.traffic(&recipe);
    world.run_until(world.now + 1000);
    assert!(world.nic.keeps(&recipe.frame()));
    world.edit(RuleEdit::Load(Vec::new(), Actions::DENY));
    assert_eq!(world.edits.len(), 1);
    world.run_until(world.now + 1000);
    assert!(world.edits.is_empty() && world.nic.table.learned.is_empty());
    assert_eq!(world.endings.get("acknowledged"), Some(&1));
}
