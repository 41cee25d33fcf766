// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Learning from the adjacent switch: the firmware against the other end of the protocol, frame by frame.

mod support;

use hairpin_abi::admin::{AdminError, Command, PeerSetup, PeerState, decode_response};
use hairpin_abi::fw::{Event, EventCode};
use hairpin_abi::ids::PortSet;
use hairpin_abi::peer::{
    AckStatus, AddressChange, AddressPlace, AddressUpdate, Body, Capabilities, Invalidate, Items,
    Key, KeyId, Keys, Mark, PeerRole, PeerScope, Refusal, Signature,
};
use hairpin_abi::{
    CfgRow, FlowAction, FlowKey, FlowRow, KeyField, MacAddr, Miss, Mode, PortRow, Status, Target,
    Teacher, VVlanRow,
};
use hairpin_eswitch::peer::{HelloEvent, Link, Received, Say};
use hairpin_nic_logic::Outcome;
use hairpin_nic_logic::path::Hold;
use hairpin_nic_logic::peer::SENDABLE;
use support::{Nic, cached, entry, flow, flow_add, mac, vport, vvlan};

const MILLI: u64 = 156_250;
const KEYS: Keys = Keys::one(KeyId(7), Key::new([0x5a; 16]));
const SETUP: PeerSetup = PeerSetup {
    source: MacAddr([2, 0, 0, 0, 0, 0x77]),
    keys: KEYS,
};

/// The transmit hold of a NIC.
#[derive(Default)]
struct Gate {
    held: PortSet,
    settled: bool,
    /// Every value that was set.
    history: Vec<PortSet>,
}

impl Hold for Gate {
    fn hold(&mut self, vports: PortSet) {
        self.held = vports;
        self.history.push(vports);
    }

    fn settled(&mut self) -> bool {
        self.settled
    }
}

/// A NIC, and the switch's end.
struct Pair {
    nic: Nic,
    gate: Gate,
    link: Link,
    told: Vec<EventCode>,
    /// The newest HELLO of the NIC that the switch heard.
    hellos: u32,
}

fn vepa(numbers: &[u8]) -> VVlanRow {
    VVlanRow {
        mode: Mode::Vepa,
        miss: Miss::External,
        ..cached(numbers)
    }
}

impl Pair {
    fn new() -> Self {
        let mut nic = Nic::new();
        nic.bus.cfg = CfgRow {
            reflects: true,
            mark: Some(Mark::DEFAULT),
            ..CfgRow::default()
        };
        nic.set_vvlan(100, vepa(&[0, 1, 2]));
        for (last, port) in [(1, 1), (200, 2)] {
            let row = entry(100, last, port, true);
            nic.run(Command::FdbAdd(row)).expect("a legal address");
        }
        let address = MacAddr([2, 0, 0, 0, 0, 0x88]);
        let link = Link::new(PeerRole::Switch, address, KEYS, Mark::DEFAULT, [3; 16]);
        Self {
            nic,
            gate: Gate {
                settled: true,
                ..Gate::default()
            },
            link,
            told: Vec::new(),
            hellos: 0,
        }
    }

    /// Both know each other, and marked frames teach.
    fn learning() -> Self {
        let mut pair = Self::new();
        assert_eq!(pair.nic.run(Command::PeerSet(Some(SETUP))), Ok(0));
        assert_eq!(pair.state(), PeerState::Searching);
        pair.turns(3);
        let ack = pair.invalidate(1, PeerScope::All);
        assert_eq!(ack, Some(AckStatus::Done));
        pair.turns(1);
        assert_eq!(pair.state(), PeerState::Learning);
        pair
    }

    fn page(&mut self, page: u8) -> [u32; 7] {
        let words = Command::PeerGet { page }.encode();
        let time = self.nic.time;
        match self.nic.control.execute(&mut self.nic.bus, &words, time) {
            Outcome::Respond(words) => decode_response(&words).expect("there is such a page"),
            crash => panic!("{crash:?}"),
        }
    }

    fn state(&mut self) -> PeerState {
        PeerState::from_code(self.page(0)[0] as u8).expect("a state")
    }

    /// The firmware turns; the frame that it sends.
    fn turn(&mut self) -> Option<Vec<u8>> {
        let mut out = [0; SENDABLE];
        let told = &mut self.told;
        let Nic {
            bus, control, time, ..
        } = &mut self.nic;
        let now = (*time, bus.flows_wait());
        if !control.peer_is_due(now.0, now.1) {
            return None;
        }
        let tell = |event: Event| told.push(event.code);
        let len = control.peer_turn(bus, &mut self.gate, now, &mut out, tell)?;
        Some(out[..len].to_vec())
    }

    /// The NIC gets a frame; its answer.
    fn give(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let mut out = [0; SENDABLE];
        let Nic {
            bus, control, time, ..
        } = &mut self.nic;
        let len = control.control_frame(bus, &frame[..frame.len().min(128)], *time, &mut out)?;
        Some(out[..len].to_vec())
    }

    fn hello(&mut self, to: Option<hairpin_eswitch::peer::Candidate>) -> Vec<u8> {
        let say = Say {
            lease_ms: 3000,
            capabilities: Capabilities::SIGNATURES,
            max_frame: 1518,
            masks: &[],
        };
        let mut out = [0; 1518];
        let (len, _) = self.link.hello(&say, to, &mut out).expect("it fits");
        out[..len].to_vec()
    }

    /// The switch gets a frame of the NIC, and answers until nobody has anything to say.
    fn answer(&mut self, frame: Vec<u8>) {
        use hairpin_eswitch::peer::Refused;
        let mut next = Some(frame);
        while let Some(frame) = next.take() {
            let to = match self.link.receive(&frame) {
                Ok(Received::Hello(_, HelloEvent::Late) | Received::Ack(_)) => break,
                Ok(Received::Hello(..)) => {
                    self.hellos += 1;
                    None
                }
                Err(Refused::Unproven(candidate)) => Some(candidate),
                other => panic!("the switch got {other:?}"),
            };
            let reply = self.hello(to);
            next = self.give(&reply);
        }
    }

    /// That many turns of the firmware, each of whose frames is answered.
    fn turns(&mut self, count: u32) {
        for _ in 0..count {
            if let Some(frame) = self.turn() {
                self.answer(frame);
            }
        }
    }

    fn command(&mut self, body: &Body<'_>) -> Option<AckStatus> {
        let mut out = [0; 1518];
        let len = self.link.seal(body, &mut out).expect("it fits");
        let answer = self.give(&out[..len])?;
        match self.link.receive(&answer) {
            Ok(Received::Ack(ack)) => Some(ack.status),
            other => panic!("no acknowledgement: {other:?}"),
        }
    }

    fn invalidate(&mut self, transaction: u32, scope: PeerScope<'_>) -> Option<AckStatus> {
        self.command(&Body::Invalidate(Invalidate { transaction, scope }))
    }

    /// A marked frame of vf1 to vf2, from that L4 source port, teaches.
    fn packet(&mut self, sport: u16) -> Status {
        self.packet_from(1, sport)
    }

    fn packet_from(&mut self, from: u8, sport: u16) -> Status {
        let Nic {
            bus, control, time, ..
        } = &mut self.nic;
        let status = bus.taught(&flow(100, from, sport), 0, vport(2));
        let (full, quota) = (status == Status::Full, status == Status::Quota);
        let result = control.not_installed(bus, full, quota, *time);
        assert_eq!(result, Ok(()));
        status
    }

    fn row(&self, key: &FlowKey) -> Option<FlowRow> {
        self.nic
            .bus
            .flows
            .get(&key.to_words().0)
            .map(|flow| flow.row)
    }

    fn pending(&self, sport: u16) -> Option<bool> {
        self.row(&flow(100, 1, sport)).map(|row| row.pending)
    }

    fn wait(&mut self, ticks: u64) {
        self.nic.time += ticks;
    }
}

#[test]
fn a_session_begins_and_marked_frames_teach() {
    let mut pair = Pair::new();
    assert_eq!(pair.nic.run(Command::PeerSet(Some(SETUP))), Ok(0));
    pair.packet(1000);
    assert_eq!(pair.pending(1000), None, "no session yet");

    let mut pair = Pair::learning();
    assert_eq!(pair.told, [EventCode::SwitchUp]);
    pair.packet(1000);
    assert_eq!(pair.pending(1000), Some(true));
    let row = pair.row(&flow(100, 1, 1000)).unwrap();
    assert_eq!(
        (row.teacher, row.action),
        (Teacher::Learned, FlowAction::Local)
    );
    assert_eq!(row.port, vport(2).into());
    pair.turn();
    let [_, lease, learned, moved, late, waiting, _] = pair.page(0);
    assert_eq!((learned, moved, late, waiting), (1, 0, 0, 1));
    assert_eq!(lease, 3000);
}

#[test]
fn a_flow_changes_its_path_behind_the_last_frame_of_the_long_one() {
    let mut pair = Pair::learning();
    pair.gate.settled = false;
    pair.packet(1000);
    assert_eq!(pair.turn(), None);
    assert_eq!(pair.gate.held, PortSet::one(vport(1)));
    assert!(
        pair.nic.control.peer_is_busy(),
        "asks the datapath again and again"
    );
    assert_eq!(
        pair.turn(),
        None,
        "frames that were let in are not decided yet"
    );
    pair.gate.settled = true;
    let hello = pair.turn().expect("a HELLO behind the last frame");
    assert!(!pair.nic.control.peer_is_busy());
    assert_eq!(pair.turn(), None);
    assert_eq!(
        pair.pending(1000),
        Some(true),
        "its answer may be behind a frame of the flow"
    );
    pair.packet(2000);
    assert_eq!(pair.pending(2000), Some(true), "learning goes on");
    pair.answer(hello);
    assert_eq!(pair.turn(), None);
    assert_eq!(pair.pending(1000), Some(false));
    assert_eq!(
        pair.pending(2000),
        Some(true),
        "the hold was not for this one"
    );
    assert_eq!(pair.gate.held, PortSet::EMPTY);
    assert_eq!(pair.turn(), None, "holds are apart");
    assert_eq!(pair.gate.held, PortSet::EMPTY);
    pair.wait(MILLI);
    pair.turns(3);
    assert_eq!(pair.pending(2000), Some(false));
    let one = PortSet::one(vport(1));
    let gone = PortSet::EMPTY;
    assert_eq!(pair.gate.history, [one, gone, one, gone]);
    assert_eq!(pair.page(0)[3..6], [2, 0, 0]);
}

#[test]
fn no_vport_is_held_for_more_than_a_third_of_the_time() {
    let mut pair = Pair::learning();
    pair.packet(1000);
    pair.turn();
    let hello = pair.turn().expect("a HELLO");
    // A slow switch.
    pair.wait(3 * MILLI / 2);
    pair.answer(hello);
    pair.turn();
    assert_eq!(pair.pending(1000), Some(false));
    pair.packet(2000);
    pair.wait(3 * MILLI - 1);
    pair.turns(3);
    assert_eq!(pair.pending(2000), Some(true));
    pair.wait(1);
    pair.turns(3);
    assert_eq!(pair.pending(2000), Some(false));
}

#[test]
fn a_flow_without_an_answer_stays_external() {
    let mut pair = Pair::learning();
    pair.packet(1000);
    assert_eq!(pair.turn(), None);
    assert!(pair.turn().is_some(), "HELLO, which gets lost");
    pair.wait(2 * MILLI);
    assert_eq!(pair.turn(), None);
    assert_eq!(pair.gate.held, PortSet::EMPTY, "the vPort goes on");
    assert_eq!(pair.pending(1000), Some(true));
    assert_eq!(pair.page(0)[3..6], [0, 1, 1]);
    // It is tried again, but not at once; and what comes meanwhile waits for its own turn.
    assert_eq!(pair.packet(1000), Status::Refused);
    assert_eq!(pair.packet(2000), Status::Ok);
    pair.wait(10 * MILLI);
    assert_eq!(pair.turn(), None);
    assert_eq!(pair.gate.held, PortSet::EMPTY);
    pair.wait(100 * MILLI);
    pair.turns(3);
    assert_eq!(pair.pending(1000), Some(false));
    assert_eq!(pair.pending(2000), Some(true));
    assert_eq!(pair.page(0)[2..6], [1, 1, 1, 0]);
    pair.wait(MILLI);
    pair.turns(3);
    assert_eq!(pair.pending(2000), Some(false));
    assert_eq!(pair.page(0)[2..6], [2, 2, 1, 0]);
}

#[test]
fn one_hold_serves_all_flows_that_wait() {
    const COUNT: u16 = 20;
    let mut pair = Pair::learning();
    for sport in 1..=COUNT {
        assert_eq!(pair.packet(sport), Status::Ok);
        assert_eq!(pair.packet_from(0, sport), Status::Ok);
    }
    let before = pair.nic.bus.changes.len();
    pair.turns(3);
    assert!((1..=COUNT).all(|sport| pair.pending(sport) == Some(false)));
    let both = PortSet::one(vport(0)).with(vport(1));
    assert_eq!(pair.gate.history, [both, PortSet::EMPTY]);
    assert_eq!(pair.nic.bus.changes.len() - before, 1, "one command");
    assert_eq!(
        pair.page(0)[2..6],
        [u32::from(2 * COUNT), u32::from(2 * COUNT), 0, 0]
    );
}

#[test]
fn a_batch_that_the_hardware_cannot_close_yet_is_closed_later() {
    let mut pair = Pair::learning();
    pair.nic.bus.unwashed = true;
    pair.packet(1000);
    pair.turns(3);
    assert_eq!(pair.gate.history, []);
    pair.nic.bus.unwashed = false;
    pair.turns(3);
    assert_eq!(pair.gate.history, [], "not at once");
    pair.wait(MILLI / 4);
    pair.turns(3);
    assert_eq!(pair.pending(1000), Some(false));
}

#[test]
fn a_flow_that_goes_and_comes_again_in_a_hold_waits_for_the_next() {
    let mut pair = Pair::learning();
    pair.packet(1000);
    pair.packet(2000);
    pair.turn();
    assert_ne!(pair.gate.held, PortSet::EMPTY);
    let signature = Signature::new(&flow(100, 1, 1000), KeyField::MASK_ALL).unwrap();
    let list = [signature];
    let scope = PeerScope::Signatures(Items::new(&list));
    assert_eq!(pair.invalidate(2, scope), Some(AckStatus::Done));
    assert_eq!(pair.packet(1000), Status::Ok);
    pair.turns(2);
    assert_eq!(pair.pending(1000), Some(true));
    assert_eq!(pair.pending(2000), Some(false));
}

#[test]
fn a_full_cache_makes_room_for_what_is_learned() {
    let mut pair = Pair::learning();
    let mut sport = 0;
    let full = loop {
        sport += 1;
        match pair.packet(sport) {
            Status::Ok => {}
            status => break status,
        }
    };
    assert_eq!(full, Status::Full);
    // The flow comes again, soon.
    assert_eq!(pair.packet(sport), Status::Ok);
    assert_eq!(pair.pending(sport), Some(true));
}

#[test]
fn an_invalidation_takes_what_was_learned_and_nothing_else() {
    let policy = flow(100, 1, 9);
    let drop = FlowRow::new(FlowAction::Drop, Teacher::Policy);
    for scope in 0..3 {
        let mut pair = Pair::learning();
        pair.nic.run(flow_add(policy, drop)).expect("a legal flow");
        pair.packet(1000);
        pair.packet(2000);
        let signature = Signature::new(&flow(100, 1, 1000), KeyField::MASK_ALL).unwrap();
        let list = [signature];
        let scope = match scope {
            0 => PeerScope::All,
            1 => PeerScope::VVlan(vvlan(100)),
            _ => PeerScope::Signatures(Items::new(&list)),
        };
        let named = matches!(scope, PeerScope::Signatures(_));
        assert_eq!(pair.invalidate(2, scope), Some(AckStatus::Done));
        assert_eq!(pair.pending(1000), None);
        assert_eq!(pair.pending(2000), named.then_some(true));
        assert_eq!(pair.row(&policy), Some(drop));
        // What is gone is not taken into use.
        pair.turns(3);
        assert_eq!(pair.pending(1000), None);
        assert_eq!(pair.pending(2000), named.then_some(false));
    }
}

#[test]
fn an_entry_of_the_host_stands() {
    let mut pair = Pair::learning();
    let host = FlowRow::new(FlowAction::Drop, Teacher::Policy);
    pair.nic
        .run(flow_add(flow(100, 1, 1000), host))
        .expect("a legal flow");
    assert_eq!(pair.packet(1000), Status::Refused);
    assert_eq!(
        pair.row(&flow(100, 1, 1000)),
        Some(host),
        "the host's word stands"
    );
}

#[test]
fn a_lease_that_ends_takes_all_that_was_learned() {
    let mut pair = Pair::learning();
    pair.packet(1000);
    pair.turns(3);
    assert_eq!(pair.pending(1000), Some(false));
    pair.wait(2999 * MILLI);
    // The HELLO that is due is lost.
    assert!(pair.turn().is_some());
    assert_eq!(pair.pending(1000), Some(false));
    pair.wait(MILLI);
    assert!(pair.turn().is_some(), "a HELLO of a new session");
    pair.turn();
    assert_eq!(pair.pending(1000), None);
    assert_eq!(pair.state(), PeerState::Searching);
    assert_eq!(pair.told, [EventCode::SwitchUp, EventCode::SwitchLost]);
    pair.packet(1000);
    assert_eq!(pair.pending(1000), None);
}

#[test]
fn another_setup_or_another_v_vlan_is_a_new_session() {
    let mut pair = Pair::learning();
    pair.packet(1000);
    assert_eq!(pair.nic.run(Command::PeerSet(Some(SETUP))), Ok(0));
    assert_eq!(pair.state(), PeerState::Learning, "the same setup again");
    assert_eq!(pair.pending(1000), Some(true));
    pair.nic.set_vvlan(200, vepa(&[3, 4]));
    assert!(pair.turn().is_some(), "a HELLO with both V.VLANs");
    assert_eq!(pair.state(), PeerState::Searching);
    assert_eq!(pair.pending(1000), None);

    let mut pair = Pair::learning();
    pair.packet(1000);
    pair.turn();
    assert_eq!(pair.gate.held, PortSet::one(vport(1)));
    assert_eq!(pair.nic.run(Command::PeerSet(None)), Ok(0));
    pair.turn();
    assert_eq!(pair.gate.held, PortSet::EMPTY);
    assert_eq!(pair.pending(1000), None);
    assert_eq!(pair.state(), PeerState::Off);
    assert_eq!(pair.told, [EventCode::SwitchUp, EventCode::SwitchLost]);
}

#[test]
fn a_setup_needs_a_mark() {
    let mut pair = Pair::new();
    pair.nic.bus.cfg.mark = None;
    let result = pair.nic.run(Command::PeerSet(Some(SETUP)));
    assert_eq!(result, Err(AdminError::BadMark));
    assert_eq!(pair.state(), PeerState::Off);
}

#[test]
fn forged_and_repeated_frames_are_counted_and_do_nothing() {
    let mut pair = Pair::learning();
    pair.packet(1000);
    let mut out = [0; 1518];
    let body = Body::Invalidate(Invalidate {
        transaction: 9,
        scope: PeerScope::All,
    });
    let len = pair.link.seal(&body, &mut out).unwrap();
    let mut forged = out[..len].to_vec();
    forged[44] ^= 1;
    assert_eq!(pair.give(&forged), None);
    assert_eq!(pair.pending(1000), Some(true));
    assert!(pair.give(&out[..len]).is_some());
    assert_eq!(pair.pending(1000), None);
    pair.packet(1000);
    assert_eq!(pair.give(&out[..len]), None, "a replay");
    assert_eq!(pair.pending(1000), Some(true));
    let counts: Vec<u32> = (1..=3).flat_map(|page| pair.page(page)).collect();
    for why in Refusal::ALL {
        let expected = u32::from(matches!(why, Refusal::BadTag | Refusal::Replayed));
        assert_eq!(counts[usize::from(why.code())], expected, "{why}");
    }
}

#[test]
fn the_switch_says_where_addresses_are_as_far_as_policy_lets_it() {
    let mut pair = Pair::learning();
    pair.nic.set_port(
        0,
        PortRow {
            enabled: true,
            learning: true,
            max_macs: 1,
            ..PortRow::DISABLED
        },
    );
    let change = |last, place| AddressChange {
        vvlan: vvlan(100),
        mac: mac(last),
        place,
    };
    let to = |number| AddressPlace::VPort(vport(number));
    // A free place; the quota; a static address; a vPort that does not learn; one of another tenant.
    let changes = [
        change(50, to(0)),
        change(51, to(0)),
        change(1, to(0)),
        change(52, to(2)),
        change(53, to(5)),
    ];
    let update = |transaction, changes| {
        Body::Address(AddressUpdate {
            transaction,
            changes: Items::new(changes),
        })
    };
    assert_eq!(pair.command(&update(2, &changes)), Some(AckStatus::Done));
    let target = |pair: &Pair, last| pair.nic.target(100, last);
    assert_eq!(target(&pair, 50), Some(Target::VPort(vport(0))));
    for last in [51, 52, 53] {
        assert_eq!(target(&pair, last), None);
    }
    assert_eq!(target(&pair, 1), Some(Target::VPort(vport(1))));
    let gone = [
        change(50, AddressPlace::Elsewhere),
        change(1, AddressPlace::Elsewhere),
    ];
    assert_eq!(pair.command(&update(3, &gone)), Some(AckStatus::Done));
    assert_eq!(target(&pair, 50), None);
    assert_eq!(target(&pair, 1), Some(Target::VPort(vport(1))), "static");
}
