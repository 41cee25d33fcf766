// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Who forges, replays or spoofs gets a counter and nothing else.

mod common;

use common::nic::{ALL, Nic, masks};
use common::*;
use hairpin_abi::peer::*;
use hairpin_abi::{MacAddr, Vlan};
use hairpin_adjacent_switch::fdb::Station;
use hairpin_adjacent_switch::switch::Setup;
use hairpin_adjacent_switch::{Actions, Output, RuleEdit, RuleTable, Sent, Switch};
use hairpin_eswitch::mark;
use hairpin_eswitch::peer::{Keys, Link, Say};

struct World {
    switch: Switch,
    nic: Nic,
    now: u64,
    /// Every frame that was on the wire: to the NIC, and from it.
    heard: [Vec<Vec<u8>>; 2],
    cut: bool,
}

impl World {
    fn new(setup: &Setup) -> Self {
        let table = RuleTable::new(Vec::new(), Actions::ACCEPT).unwrap();
        let mut world = Self {
            switch: Switch::new(setup, table, [3; 16], 0),
            nic: Nic::new(keys(), Mark::DEFAULT, 5, masks(ALL)),
            now: 0,
            heard: [Vec::new(), Vec::new()],
            cut: false,
        };
        world.settle(Vec::new());
        assert!(world.nic.table.learning);
        world
    }

    fn settle(&mut self, mut out: Vec<Output>) {
        for _ in 0..50 {
            self.switch.poll(self.now, &mut out);
            let mut back: Vec<Vec<u8>> = self.nic.poll(self.now).into_iter().collect();
            for output in out.drain(..).filter(|output| output.port == NIC) {
                self.heard[0].push(output.frame.clone());
                back.extend(self.nic.receive(&output.frame, self.now));
            }
            if back.is_empty() {
                return;
            }
            for frame in back {
                self.heard[1].push(frame.clone());
                if !(self.cut && Envelope::is_one(&frame)) {
                    self.switch.receive(NIC, &frame, self.now, &mut out);
                }
            }
        }
        panic!("the two never fall silent");
    }

    fn send(&mut self, frame: &[u8]) {
        let mut out = Vec::new();
        self.switch.receive(NIC, frame, self.now, &mut out);
        self.settle(out);
    }

    /// A flow between two machines of the NIC is learned.
    fn learn(&mut self) -> Vec<u8> {
        let recipe = Recipe {
            vvlan: 100,
            sa: 0,
            da: 1,
            kind: Kind::V4(6),
            ..plain()
        };
        self.send(
            &Recipe {
                sa: 1,
                da: 0,
                ..recipe
            }
            .frame(),
        );
        self.send(&recipe.frame());
        assert!(self.nic.keeps(&recipe.frame()));
        recipe.frame()
    }

    fn refused_by_nic(&self, why: Refusal) -> u32 {
        self.nic.peer.link().refused(why)
    }

    fn refused_by_switch(&self, why: Refusal) -> u32 {
        self.switch.nic(NIC).unwrap().link().refused(why)
    }
}

fn plain() -> Recipe {
    Recipe {
        fragment: false,
        tenant_tag: false,
        marked: false,
        ..Recipe::random(&mut Rng(1))
    }
}

/// An end with a key of its own choice that pretends to be one of the two.
fn impostor(role: PeerRole, key: Key) -> Link {
    let source = MacAddr([2, 0, 0, 0, 0xee, 1]);
    Link::new(
        role,
        source,
        Keys::one(KeyId(1), key),
        Mark::DEFAULT,
        [0xee; 16],
    )
}

fn hello(link: &mut Link) -> Vec<u8> {
    let say = Say {
        lease_ms: 60_000,
        capabilities: Capabilities::default(),
        max_frame: 1518,
        masks: &[],
    };
    let mut frame = vec![0; MAX_LEN];
    let (len, _) = link.hello(&say, None, &mut frame).unwrap();
    frame.truncate(len);
    frame
}

/// A message with the right sessions and a fresh number, signed with a key.
fn forged(world: &World, role: PeerRole, body: &Body<'_>, key: &Key) -> Vec<u8> {
    let (own, other) = match role {
        PeerRole::Switch => (
            world.switch.nic(NIC).unwrap().link().session(),
            world.nic.peer.link().session(),
        ),
        PeerRole::Nic => (
            world.nic.peer.link().session(),
            world.switch.nic(NIC).unwrap().link().session(),
        ),
    };
    let header = Header {
        source: MacAddr([2; 6]),
        role,
        key_id: KeyId(1),
        sequence: 1_000_000,
        session: own,
        peer: other,
    };
    let mut frame = vec![0; MAX_LEN];
    let len = build(&mut frame, &header, body, key).unwrap();
    frame.truncate(len);
    frame
}

#[test]
fn an_outsider_without_the_key_changes_nothing() {
    let mut world = World::new(&setup(Mark::DEFAULT));
    let kept = world.learn();
    let wrong = Key::new([0x43; 16]);
    let all = Body::Invalidate(Invalidate {
        transaction: 99,
        scope: PeerScope::All,
    });
    let change = AddressChange {
        vvlan: vvlan(100),
        mac: mac(1),
        place: AddressPlace::Elsewhere,
    };
    let changes = [change];
    let address = Body::Address(AddressUpdate {
        transaction: 99,
        changes: Items::new(&changes),
    });
    for frame in [
        forged(&world, PeerRole::Switch, &all, &wrong),
        forged(&world, PeerRole::Switch, &address, &wrong),
        hello(&mut impostor(PeerRole::Switch, wrong)),
    ] {
        assert_eq!(world.nic.receive(&frame, world.now), None);
    }
    assert_eq!(world.refused_by_nic(Refusal::BadTag), 3);
    let ack = Body::Ack(Ack {
        transaction: 2,
        status: AckStatus::Done,
        refused: 0,
    });
    for frame in [
        forged(&world, PeerRole::Nic, &ack, &wrong),
        hello(&mut impostor(PeerRole::Nic, wrong)),
    ] {
        world.send(&frame);
    }
    assert_eq!(world.refused_by_switch(Refusal::BadTag), 2);
    assert!(
        world.nic.keeps(&kept) && world.nic.table.learning && world.nic.table.addresses.is_empty()
    );
    assert!(world.switch.nic(NIC).unwrap().is_synced());
}

#[test]
fn a_recorded_handshake_brings_no_old_session_back() {
    let mut world = World::new(&setup(Mark::DEFAULT));
    world.learn();
    let heard = world.heard.clone();
    // Both start again; then everything ever heard is played to both, many times.
    world.nic = Nic::new(keys(), Mark::DEFAULT, 6, masks(ALL));
    world.now += 4_000_000;
    world.settle(Vec::new());
    let kept = world.learn();
    let sessions = (
        world.nic.peer.link().session(),
        world.switch.nic(NIC).unwrap().link().session(),
    );
    for round in 0..20 {
        world.now += 15_000;
        for frame in heard[0]
            .iter()
            .chain(&heard[1])
            .filter(|frame| Envelope::is_one(frame))
        {
            // What comes back to a replay goes nowhere: it was the attacker who asked.
            let answer = world.nic.receive(frame, world.now);
            assert!(
                answer.is_none_or(
                    |answer| Envelope::parse(&answer).unwrap().kind() == PeerKind::Hello
                )
            );
            let mut out = Vec::new();
            world.switch.receive(NIC, frame, world.now, &mut out);
            let controls = out.iter().filter(|output| output.sent == Sent::Control);
            for control in controls {
                assert_eq!(
                    Envelope::parse(&control.frame).unwrap().kind(),
                    PeerKind::Hello,
                    "round {round}"
                );
            }
        }
        assert!(world.nic.keeps(&kept) && world.nic.table.learning);
        assert!(world.switch.nic(NIC).unwrap().is_synced());
    }
    let now = (
        world.nic.peer.link().session(),
        world.switch.nic(NIC).unwrap().link().session(),
    );
    assert_eq!(sessions, now);
    assert!(
        world.refused_by_nic(Refusal::WrongRole) > 0
            && world.refused_by_switch(Refusal::WrongRole) > 0
    );
    assert!(world.refused_by_switch(Refusal::Unproven) > 0);
    assert!(world.refused_by_switch(Refusal::WrongSession) > 0);
}

#[test]
fn a_replayed_acknowledgement_completes_no_edit() {
    let mut world = World::new(&setup(Mark::DEFAULT));
    let kept = world.learn();
    let edit = |world: &mut World, otherwise| {
        let mut out = Vec::new();
        let id = world
            .switch
            .edit(RuleEdit::Load(Vec::new(), otherwise), world.now, &mut out)
            .unwrap();
        world.settle(out);
        id
    };
    // One edit whose ACK the attacker records, and one whose ACK he keeps from arriving.
    edit(&mut world, Actions::DENY);
    assert_eq!(world.switch.take_completions().len(), 1);
    assert!(!world.nic.keeps(&kept));
    edit(&mut world, Actions::ACCEPT);
    world.switch.take_completions();
    world.learn();
    world.cut = true;
    let id = edit(&mut world, Actions::DENY);
    let recorded = world.heard[1].clone();
    let is_ack = |frame: &&Vec<u8>| {
        Envelope::is_one(frame) && Envelope::parse(frame).unwrap().kind() == PeerKind::Ack
    };
    let acks: Vec<Vec<u8>> = recorded.iter().filter(is_ack).cloned().collect();
    let (mine, old) = acks.split_last().unwrap();
    for ack in old {
        let mut out = Vec::new();
        world.switch.receive(NIC, ack, world.now, &mut out);
    }
    assert!(world.switch.is_under_way(id) && world.switch.take_completions().is_empty());
    assert!(world.refused_by_switch(Refusal::Replayed) > 0);
    // A well signed one of a transaction that nobody began.
    let ack = Body::Ack(Ack {
        transaction: 4711,
        status: AckStatus::Done,
        refused: 0,
    });
    let odd = forged(&world, PeerRole::Nic, &ack, &KEY);
    // It has a number far ahead, so the true one below is too old afterwards: a key in the wrong hands is one.
    let mut out = Vec::new();
    world.switch.receive(NIC, mine, world.now, &mut out);
    assert_eq!(
        world.switch.take_completions().len(),
        1,
        "the true one completes it"
    );
    world.switch.receive(NIC, &odd, world.now, &mut out);
    assert_eq!(world.refused_by_switch(Refusal::UnknownTransaction), 1);
}

#[test]
fn marks_come_from_the_switch_only() {
    let mut world = World::new(&setup(Mark::DEFAULT));
    // The machine's own mark on a frame that a rule denies, mirrors or sends elsewhere.
    let recipe = Recipe {
        vvlan: 100,
        sa: 0,
        da: 1,
        marked: true,
        kind: Kind::V4(17),
        ..plain()
    };
    world.send(
        &Recipe {
            sa: 1,
            da: 0,
            ..recipe
        }
        .frame(),
    );
    let edit = RuleEdit::Load(
        Vec::new(),
        Actions {
            mirror: Some(MIRROR),
            ..Actions::ACCEPT
        },
    );
    let mut out = Vec::new();
    world.switch.edit(edit, world.now, &mut out).unwrap();
    world.settle(out);
    let mut out = Vec::new();
    world
        .switch
        .receive(NIC, &recipe.frame(), world.now, &mut out);
    assert_eq!(out.len(), 2);
    assert!(
        out.iter()
            .all(|output| !mark::is_marked(&output.frame, Mark::DEFAULT, TPID))
    );
    assert!(world.switch.counters(NIC).unwrap().marks_taken_off >= 2);
    world.settle(out);
    assert!(!world.nic.keeps(&recipe.frame()));
    // A stranger on another port, with a mark and two addresses of the NIC.
    let mut out = Vec::new();
    world
        .switch
        .receive(OTHER, &recipe.frame(), world.now, &mut out);
    assert!(
        out.iter()
            .all(|output| !mark::is_marked(&output.frame, Mark::DEFAULT, TPID))
    );
    world.settle(out);
    assert!(world.nic.table.learned.is_empty());
}

#[test]
fn a_control_frame_on_a_port_without_a_nic_is_nobodys() {
    let mut world = World::new(&setup(Mark::DEFAULT));
    let frame = world.heard[1]
        .iter()
        .find(|frame| Envelope::is_one(frame))
        .unwrap()
        .clone();
    let mut out = Vec::new();
    world.switch.receive(OTHER, &frame, world.now, &mut out);
    assert!(out.is_empty());
    assert_eq!(world.switch.counters(OTHER).unwrap().reserved, 1);
}

#[test]
fn a_fixed_address_is_not_taken_and_a_free_one_takes_its_flows_along() {
    let mut setup = setup(Mark::DEFAULT);
    let station = Station {
        vlan: Vlan::new(10),
        vvlan: Some(vvlan(100)),
        mac: mac(1),
    };
    setup.fixed.push((station, NIC));
    let mut world = World::new(&setup);
    let kept = world.learn();
    let spoof = |sa| {
        Recipe {
            vvlan: 100,
            sa,
            da: 5,
            ..plain()
        }
        .frame()
    };
    let mut out = Vec::new();
    world.switch.receive(OTHER, &spoof(1), world.now, &mut out);
    assert!(out.is_empty() && world.switch.counters(OTHER).unwrap().spoofed == 1);
    assert!(world.nic.keeps(&kept));
    // Machine 0 is not fixed: it may move, and then nobody switches for it on old terms.
    world.switch.receive(OTHER, &spoof(0), world.now, &mut out);
    assert_eq!(world.switch.counters(OTHER).unwrap().moved_here, 1);
    world.settle(out);
    assert!(!world.nic.keeps(&kept));
}

#[test]
fn addresses_reach_the_nic_once_and_in_order() {
    let mut world = World::new(&setup(Mark::DEFAULT));
    let changes: Vec<AddressChange> = (0..20)
        .map(|n| AddressChange {
            vvlan: vvlan(100),
            mac: mac(n),
            place: AddressPlace::Vswitch,
        })
        .collect();
    let mut out = Vec::new();
    assert!(
        world
            .switch
            .update_addresses(NIC, &changes, world.now, &mut out)
    );
    assert!(
        !world
            .switch
            .update_addresses(OTHER, &changes, world.now, &mut out)
    );
    world.settle(out);
    assert_eq!(world.nic.table.addresses, changes);
}
