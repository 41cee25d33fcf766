// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Learn events against a learn unit with 16 slots.

mod support;

use std::cell::RefCell;

use hairpin_abi::fw::{Event, EventCode};
use hairpin_abi::row::MacKey;
use hairpin_abi::{LearnVerdict, MacAddr, PortRow};
use support::{Nic, Seen, SharedBus, Unit, entry, key, to_vport, vport, vvlan};

const LEARNING: PortRow = PortRow {
    enabled: true,
    learning: true,
    max_macs: 255,
    ..PortRow::DISABLED
};

fn nic() -> Nic {
    let mut nic = Nic::with_capacity(4096, 8);
    nic.add_vvlan(100, &[0, 1, 2, 3]);
    for number in 0..4 {
        nic.set_port(number, LEARNING);
    }
    nic
}

/// Addresses 0 to 65535.
fn nth(number: u16) -> MacKey {
    let [high, low] = number.to_be_bytes();
    MacKey {
        vvlan: vvlan(100),
        mac: MacAddr([2, 0, 0, 1, high, low]),
    }
}

/// Lets the firmware serve the unit; how many events it answered, and what the host is told.
fn serve(
    control: &mut hairpin_nic_logic::Control,
    unit: &mut Unit<'_>,
    time: u64,
) -> (u32, Vec<Event>) {
    let mut told = Vec::new();
    let mut bus = SharedBus(unit.bus);
    let answered = control.learn_events(unit, &mut bus, || time, |event| told.push(event));
    (answered, told)
}

fn codes(told: &[Event]) -> Vec<EventCode> {
    told.iter().map(|event| event.code).collect()
}

#[test]
fn an_address_is_learned_and_told() {
    let mut nic = nic();
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    unit.latency = 5;
    assert!(unit.frame(key(100, 1), vport(2)));
    let (answered, told) = serve(&mut nic.control, &mut unit, 0);
    assert_eq!(answered, 1);
    let learned = Event::address(
        EventCode::Learned,
        vport(2).into(),
        support::vlan(100),
        support::mac(1),
    );
    assert_eq!(told, [learned]);
    assert_eq!(serve(&mut nic.control, &mut unit, 0), (0, vec![]));
    assert_eq!(nic.bus.mac_row(&key(100, 1)), Some(entry(100, 1, 2, false)));
}

#[test]
fn events_that_nobody_hears_of_cost_two_accesses() {
    let mut nic = nic();
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    let mut number = 0;
    let mut told = 0;
    // The first events are told, until there were enough of them.
    let mut run = |control: &mut _, unit: &mut Unit<'_>| {
        for _ in 0..16 {
            assert!(unit.frame(nth(number), vport((number % 4) as u8)));
            number += 1;
        }
        unit.accesses = 0;
        let (answered, events) = serve(control, unit, 0);
        assert_eq!(answered, 16);
        told += events.len();
        unit.accesses
    };
    let slow = run(&mut nic.control, &mut unit);
    for _ in 0..20 {
        // And one read that finds no event, one of the last result.
        assert_eq!(run(&mut nic.control, &mut unit), 2 * 16 + 2);
    }
    assert!(slow > 4 * 16);
    assert_eq!(told, 16);
    assert_eq!(unit.waiting(), 0);
    for number in 0..21 * 16 {
        let row = nic.bus.mac_row(&nth(number)).expect("it is learned");
        assert_eq!(row.target, entry(100, 0, (number % 4) as u8, false).target);
    }
    // Each tick allows one event more.
    nic.tick();
    nic.tick();
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    for number in 1000..1010 {
        unit.frame(nth(number), vport(0));
    }
    assert_eq!(serve(&mut nic.control, &mut unit, 0).1.len(), 2);
}

#[test]
fn nothing_is_lost_while_an_install_is_busy() {
    for latency in [1, 2, 3, 7] {
        let mut nic = nic();
        let shared = RefCell::new(&mut nic.bus);
        let mut unit = Unit::new(&shared);
        unit.latency = latency;
        for number in 0..16 {
            unit.frame(nth(number), vport(0));
        }
        // More than the firmware tells of, with answers that come too early for the unit.
        for number in 16..200 {
            while !unit.frame(nth(number), vport(0)) {
                serve(&mut nic.control, &mut unit, 0);
            }
        }
        while unit.waiting() != 0 {
            serve(&mut nic.control, &mut unit, 0);
        }
        assert_eq!(nic.bus.macs.len(), 200, "latency {latency}");
    }
}

#[test]
fn a_turn_ends() {
    struct Endless(u32);
    impl hairpin_nic_logic::learn::LearnPort for Endless {
        type Event = Seen;
        fn event(&mut self) -> Option<Seen> {
            Some(Seen {
                slot: 3,
                vport: vport(1),
                from: None,
            })
        }
        fn key(&mut self) -> Option<MacKey> {
            Some(key(100, 1))
        }
        fn answer(&mut self, slot: u8, verdict: LearnVerdict) {
            assert_eq!((slot, verdict), (3, LearnVerdict::Install));
            self.0 += 1;
        }
        fn result(&mut self) -> Option<hairpin_abi::Status> {
            None // busy for ever
        }
    }
    let mut nic = nic();
    let mut unit = Endless(0);
    let answered = nic
        .control
        .learn_events(&mut unit, &mut nic.bus, || 0, |_| {});
    // An install that never ends stops the turn; so do many events.
    assert_eq!((answered, unit.0), (1, 0));
    let shared = RefCell::new(&mut nic.bus);
    let mut ready = Unit::new(&shared);
    for number in 0..40 {
        ready.frame(nth(number), vport(0));
        serve(&mut nic.control, &mut ready, 0);
    }
    let mut bus = SharedBus(&shared);
    let answered = nic.control.learn_events(&mut unit, &mut bus, || 0, |_| {});
    assert_eq!(answered, unit.0);
    assert!((16..1000).contains(&answered));
}

#[test]
fn the_quota_is_the_hardwares_and_the_host_hears_of_it() {
    let mut nic = nic();
    nic.set_port(
        1,
        PortRow {
            max_macs: 3,
            ..LEARNING
        },
    );
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    for number in 0..5 {
        unit.frame(nth(number), vport(1));
    }
    unit.frame(nth(100), vport(2));
    let (_, told) = serve(&mut nic.control, &mut unit, 0);
    let (learned, refused) = (EventCode::Learned, EventCode::LearnRefused);
    assert_eq!(
        codes(&told),
        [learned, learned, learned, refused, refused, learned]
    );
    // Repeats of what was refused make no event.
    unit.frame(nth(3), vport(1));
    assert_eq!(unit.waiting(), 0);
    assert_eq!(nic.bus.learned(vport(1)), 3);
    assert_eq!(codes(&nic.tick()), [EventCode::Quota]);
}

#[test]
fn a_flood_over_the_quota_shows_in_the_health() {
    let mut nic = nic();
    nic.set_port(
        1,
        PortRow {
            max_macs: 3,
            ..LEARNING
        },
    );
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    unit.latency = 3;
    // Nobody is told of any address from here on.
    for number in 5000..5016 {
        unit.frame(nth(number), vport(3));
    }
    serve(&mut nic.control, &mut unit, 0);
    for number in 0..200 {
        assert!(unit.frame(nth(number), vport(1)), "refused slots are free");
        if unit.waiting() == 10 {
            let (_, told) = serve(&mut nic.control, &mut unit, 0);
            assert_eq!(told, []);
        }
    }
    // Others learn as before.
    unit.frame(nth(1000), vport(2));
    serve(&mut nic.control, &mut unit, 0);
    assert_eq!(nic.bus.learned(vport(1)), 3);
    assert_eq!(nic.bus.learned(vport(2)), 1);
    assert_eq!(codes(&nic.tick()), [EventCode::Quota]);
    // Told once.
    let told: Vec<_> = (0..1000).flat_map(|_| nic.tick()).collect();
    assert_eq!(codes(&told), []);
}

#[test]
fn what_goes_on_going_wrong_is_told_now_and_then() {
    let mut nic = nic();
    nic.set_port(
        1,
        PortRow {
            max_macs: 0,
            ..LEARNING
        },
    );
    let mut told = Vec::new();
    let start = nic.time;
    for number in 0..1000 {
        let shared = RefCell::new(&mut nic.bus);
        let mut unit = Unit::new(&shared);
        unit.frame(nth(number), vport(1));
        serve(&mut nic.control, &mut unit, 0);
        told.extend(nic.tick());
    }
    let periods = ((nic.time - start) / hairpin_nic_logic::health::PERIOD) as usize;
    assert!(
        (periods..=periods + 1).contains(&told.len()),
        "{}",
        told.len()
    );
    assert!(periods > 5);
}

#[test]
fn late_installs_are_stale() {
    let mut nic = nic();
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    unit.stale = true;
    unit.frame(nth(1), vport(1));
    let (_, told) = serve(&mut nic.control, &mut unit, 0);
    assert_eq!(codes(&told), [EventCode::LearnRefused]);
    // The next frame may ask again.
    unit.stale = false;
    unit.frame(nth(1), vport(1));
    assert_eq!(unit.waiting(), 1);
    serve(&mut nic.control, &mut unit, 0);
    assert!(nic.bus.mac_row(&nth(1)).is_some());
    assert_eq!(codes(&nic.tick()), [EventCode::Stale]);
}

#[test]
fn moves_are_limited_for_each_vport() {
    let mut nic = nic();
    for last in 0..200 {
        let status = nic.bus.insert_mac(0, entry(100, last, 0, false));
        assert_eq!(status, hairpin_abi::Status::Ok);
    }
    nic.run(to_vport(100, 250, 0)).unwrap();
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    // vPort 1 claims the addresses of vPort 0.
    for last in 0..100 {
        unit.frame(key(100, last), vport(1));
        serve(&mut nic.control, &mut unit, 0);
    }
    let stolen = unit.bus.borrow().learned(vport(1));
    assert!((1..50).contains(&stolen), "{stolen}");
    // That does not keep vPort 2 from taking over what moved there.
    unit.frame(key(100, 150), vport(2));
    serve(&mut nic.control, &mut unit, 0);
    assert_eq!(unit.bus.borrow().learned(vport(2)), 1);
    // Later one more may move.
    unit.frame(key(100, 120), vport(1));
    unit.frame(key(100, 121), vport(1));
    let (answered, _) = serve(&mut nic.control, &mut unit, 1 << 20);
    assert_eq!(answered, 2);
    assert_eq!(unit.bus.borrow().learned(vport(1)), stolen + 1);
    // A static address makes no event at all.
    unit.frame(key(100, 250), vport(1));
    assert_eq!(unit.waiting(), 0);
}

#[test]
fn nobody_takes_an_address_from_a_vport_that_does_not_learn() {
    let mut nic = nic();
    nic.bus.insert_mac(0, entry(100, 1, 0, false));
    nic.set_port(
        0,
        PortRow {
            learning: false,
            ..LEARNING
        },
    );
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    unit.frame(key(100, 1), vport(1));
    let (_, told) = serve(&mut nic.control, &mut unit, 0);
    assert_eq!(codes(&told), [EventCode::LearnRefused]);
    assert_eq!(unit.answers, [(key(100, 1), LearnVerdict::Refuse)]);
    assert_eq!(nic.bus.mac_row(&key(100, 1)), Some(entry(100, 1, 0, false)));
}

#[test]
fn a_refusal_waits_for_the_install_before_it() {
    let mut nic = nic();
    nic.bus.insert_mac(0, entry(100, 1, 0, false));
    nic.set_port(
        0,
        PortRow {
            learning: false,
            ..LEARNING
        },
    );
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    unit.latency = 20;
    // Nobody is told of any address from here on.
    for number in 0..16 {
        unit.frame(nth(number), vport(3));
    }
    serve(&mut nic.control, &mut unit, 0);
    unit.answers.clear();
    unit.frame(nth(100), vport(1));
    unit.frame(key(100, 1), vport(1));
    let (answered, _) = serve(&mut nic.control, &mut unit, 0);
    assert_eq!(answered, 2);
    let expected = [
        (nth(100), LearnVerdict::Install),
        (key(100, 1), LearnVerdict::Refuse),
    ];
    assert_eq!(unit.answers, expected);
}
