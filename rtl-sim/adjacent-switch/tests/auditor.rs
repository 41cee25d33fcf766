// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Random rules, edits and frames, on a wire that loses nothing: what the switch does to every frame, and what the
//! NIC may do itself, is what the auditor says.

mod common;

use std::collections::HashSet;

use common::nic::{ALL, Nic, local, masks};
use common::*;
use hairpin_abi::FlowKey;
use hairpin_abi::peer::{Mark, MarkField};
use hairpin_adjacent_switch::auditor::Book;
use hairpin_adjacent_switch::{Actions, Ending, Output, RuleEdit, RuleTable, Sent, Switch, Way};
use hairpin_eswitch::mark;

struct World {
    switch: Switch,
    nic: Nic,
    now: u64,
}

impl World {
    fn new(mark: Mark, key_mask: u16, seed: u64) -> Self {
        let table = RuleTable::new(Vec::new(), Actions::ACCEPT).unwrap();
        let mut world = Self {
            switch: Switch::new(
                &setup(mark),
                table,
                seed.to_le_bytes().repeat(2).try_into().unwrap(),
                0,
            ),
            nic: Nic::new(keys(), mark, seed, masks(key_mask)),
            now: 0,
        };
        world.settle(Vec::new());
        // Everybody has said something, so that addresses are known.
        for vvlan in [100, 200] {
            for sa in 0..6 {
                let recipe = Recipe {
                    vvlan,
                    sa,
                    da: 9,
                    ..Recipe::random(&mut Rng(1))
                };
                let mut out = Vec::new();
                let port = if sa < LOCAL { NIC } else { OTHER };
                world.switch.receive(
                    port,
                    &Recipe {
                        marked: false,
                        ..recipe
                    }
                    .frame(),
                    world.now,
                    &mut out,
                );
                world.settle(out);
            }
        }
        world
    }

    /// Carries frames between the two until both are silent.
    fn settle(&mut self, mut out: Vec<Output>) {
        loop {
            self.switch.poll(self.now, &mut out);
            let mut back: Vec<Vec<u8>> = self.nic.poll(self.now).into_iter().collect();
            for output in out.drain(..).filter(|output| output.port == NIC) {
                back.extend(self.nic.receive(&output.frame, self.now));
            }
            if back.is_empty() {
                return;
            }
            for frame in back {
                self.switch.receive(NIC, &frame, self.now, &mut out);
            }
        }
    }
}

/// One run; returns frames kept inside, frames marked, edits.
fn run(seed: u64, mark: Mark, key_mask: u16, steps: usize) -> (u64, u64, u64) {
    let mut rng = Rng(seed);
    let mut world = World::new(mark, key_mask, seed);
    assert!(world.nic.table.learning && world.switch.nic(NIC).unwrap().is_synced());
    let mut book = Book {
        rules: Vec::new(),
        otherwise: Actions::ACCEPT,
    };
    let mut pool: Vec<(Option<FlowKey>, Vec<u8>)> = Vec::new();
    let mut recipes: Vec<Recipe> = Vec::new();
    let mut checked = HashSet::new();
    let (mut kept, mut marked, mut edits) = (0, 0, 0);
    for step in 0..steps {
        world.now += 100;
        if rng.percent(3) {
            edits += 1;
            let edit = random_edit(&mut rng, &book, step);
            book.edit(&edit);
            let mut out = Vec::new();
            let id = world
                .switch
                .edit(edit, world.now, &mut out)
                .expect("a legal edit");
            world.settle(out);
            let complete = world.switch.take_completions();
            assert!(
                complete
                    .iter()
                    .any(|done| done.edit == id && done.ending != Ending::Lapsed)
            );
            checked.clear();
            for (key, frame) in &world.nic.table.learned {
                assert!(
                    book.accepts_only(NIC, frame),
                    "seed {seed}, step {step}: {key:?} survived"
                );
            }
        }
        let recipe = match recipes.len() {
            0..50 => Recipe::random(&mut rng),
            n if rng.percent(60) => recipes[n - 1 - rng.below(50)],
            _ => Recipe::random(&mut rng),
        };
        recipes.push(recipe);
        let mut frame = recipe.frame();
        mark::put(&mut frame, mark, TPID, recipe.marked);
        let mut plain = frame.clone();
        mark::put(&mut plain, mark, TPID, false);
        let says = book.says(NIC, &plain);
        let from = local(mac(recipe.sa)).unwrap();
        pool.push((world.nic.table.key(&plain, from), plain.clone()));
        if pool.len() > 3000 {
            pool.swap_remove(rng.below(3000));
        }
        if world.nic.keeps(&plain) {
            kept += 1;
            assert_eq!(
                says,
                Actions::ACCEPT,
                "seed {seed}, step {step}: {recipe:?} {:?}",
                book.rules
            );
            continue;
        }
        let mut out = Vec::new();
        world.switch.receive(NIC, &frame, world.now, &mut out);
        check(&world, &book, says, &recipe, &plain, &out, step);
        let taught = out
            .iter()
            .find(|output| output.sent == Sent::Forwarded { marked: true });
        if let Some(taught) = taught {
            marked += 1;
            let key = world
                .nic
                .table
                .key(&taught.frame, from)
                .expect("a marked frame has a key");
            if checked.insert(key) {
                // Every other frame that the NIC would then keep.
                for (_, other) in pool.iter().filter(|(other, _)| *other == Some(key)) {
                    assert!(
                        book.accepts_only(NIC, other),
                        "seed {seed}, step {step}: {recipe:?} {:?}",
                        book.rules
                    );
                }
            }
        }
        world.settle(out);
    }
    (kept, marked, edits)
}

fn random_edit(rng: &mut Rng, book: &Book, step: usize) -> RuleEdit {
    let count = book.rules.len();
    match rng.below(10) {
        0..4 if count > 0 => RuleEdit::Remove(book.rules[rng.below(count)].name.clone()),
        4 | 5 if count > 0 => {
            let name = book.rules[rng.below(count)].name.clone();
            RuleEdit::Replace(hairpin_adjacent_switch::Rule {
                name,
                ..random_rule(rng, step)
            })
        }
        6 => {
            let rules = (0..rng.below(4))
                .map(|n| random_rule(rng, step * 10 + n))
                .collect();
            RuleEdit::Load(
                rules,
                if rng.percent(80) {
                    Actions::ACCEPT
                } else {
                    Actions::DENY
                },
            )
        }
        _ => RuleEdit::Add(random_rule(rng, step * 10)),
    }
}

/// Everything that left is what the rules say.
fn check(
    world: &World,
    book: &Book,
    says: Actions,
    recipe: &Recipe,
    plain: &[u8],
    out: &[Output],
    step: usize,
) {
    let why = || format!("step {step}: {recipe:?} {:?}", book.rules);
    let to = |port| out.iter().filter(move |output| output.port == port);
    let mirrors = out
        .iter()
        .filter(|output| output.sent == Sent::Mirror)
        .count();
    assert_eq!(mirrors, usize::from(says.mirror.is_some()), "{}", why());
    let forwarded: Vec<&Output> = out
        .iter()
        .filter(|output| matches!(output.sent, Sent::Forwarded { .. }))
        .collect();
    let at_home = recipe.da < LOCAL;
    match says.way {
        Way::Deny => assert!(forwarded.is_empty(), "{}", why()),
        Way::Redirect(port) => {
            assert!(forwarded.len() == 1 && to(port).count() == 1, "{}", why());
        }
        // Its VLAN is another one now, where nobody is known: to everybody.
        Way::Accept if says.set_vlan.is_some() => assert_eq!(forwarded.len(), 3, "{}", why()),
        Way::Accept => {
            let port = if at_home { NIC } else { OTHER };
            assert!(
                forwarded.len() == 1 && forwarded[0].port == port,
                "{}",
                why()
            );
        }
    }
    for output in forwarded {
        let is_marked = output.sent == Sent::Forwarded { marked: true };
        assert!(
            !is_marked || (output.port == NIC && at_home && says == Actions::ACCEPT),
            "{}",
            why()
        );
        assert_eq!(
            mark::is_marked(&output.frame, world.nic.mark, TPID),
            is_marked
        );
        let mut frame = output.frame.clone();
        mark::put(&mut frame, world.nic.mark, TPID, false);
        if let Some(vlan) = says.set_vlan {
            let [high, low] = vlan.get().to_be_bytes();
            assert_eq!([frame[14] & 0xf, frame[15]], [high, low]);
        } else {
            assert_eq!(frame, plain, "only the mark may change");
        }
    }
}

#[test]
fn the_switch_and_the_nic_do_what_the_rules_say() {
    let seed = seed();
    let dscp = Mark::new(MarkField::Dscp, 0x03, 1, 0).unwrap();
    let pcp = Mark::new(MarkField::InnerPcp, 7, 5, 0).unwrap();
    let runs = [
        (Mark::DEFAULT, ALL),
        (Mark::DEFAULT, ALL & !1),
        (dscp, 0b1_0110_1111),
        (pcp, 0b0_0000_0111),
        (Mark::DEFAULT, 0b1_0100_1000),
        (Mark::DEFAULT, 0b0_0011_1000),
        (Mark::DEFAULT, 0b1_1100_0000),
        (Mark::DEFAULT, 0b1_0000_0000),
        (Mark::DEFAULT, 0b0_0001_0000),
        (Mark::DEFAULT, 0),
    ];
    let mut total = (0, 0, 0);
    for (n, (mark, key_mask)) in runs.into_iter().enumerate() {
        for part in 0..3 {
            let (kept, marked, edits) =
                run(seed * 1000 + n as u64 * 10 + part, mark, key_mask, 2500);
            println!(
                "mask {key_mask:#05x}: {kept} frames kept inside, {marked} marked, {edits} edits"
            );
            total = (total.0 + kept, total.1 + marked, total.2 + edits);
        }
    }
    assert!(
        total.0 > 5_000 && total.1 > 2_000 && total.2 > 1_000,
        "it must get somewhere: {total:?}"
    );
}
