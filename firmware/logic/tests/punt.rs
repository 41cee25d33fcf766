// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Punted frames, and the life of learned addresses.

mod support;

use hairpin_abi::admin::{AdminError, Command, Flush};
use hairpin_abi::{MacRow, PortId, PortRow, Reason, Role, Target};
use hairpin_eswitch::learn;
use hairpin_nic_logic::addresses::MAX_LEARNED;
use hairpin_nic_logic::punt::{Consumed, Learned, Punt, Refusal, Verdict};
use support::{Nic, key, mac, to_vport, vport, vvlan};

const VSWITCH: PortRow = PortRow {
    enabled: true,
    role: Role::Vswitch,
    learning: true,
    max_macs: 4,
    ..PortRow::DISABLED
};

fn frame(reason: Reason, src: PortId, id: u16, last: u8) -> Punt {
    let [a, b, c, d, e, f] = mac(last).0;
    let header = [0x02, 0xff, 0, 0, 0, 1, a, b, c, d, e, f, 0x08, 0x00];
    Punt {
        src,
        reason,
        vvlan: hairpin_abi::VVlan::new(id),
        header,
    }
}

/// A NIC with V.VLAN 100 and 200, and vSwitch vPorts 6 and 7 in both.
fn nic() -> Nic {
    let mut nic = Nic::new();
    nic.add_vvlan(100, &[0, 6, 7]);
    nic.add_vvlan(200, &[6, 7]);
    nic.set_port(6, VSWITCH);
    nic.set_port(7, VSWITCH);
    nic
}

fn learn(nic: &mut Nic, port: u8, id: u16, last: u8, time: u64) -> Learned {
    let punt = frame(Reason::Learn, vport(port).into(), id, last);
    let (verdict, learned) = nic.control.punted(&mut nic.bus, &punt, time);
    let learned = learned.expect("a learn punt");
    let expected = match learned {
        Learned::Refused(_) => Verdict::Refuse(Reason::LearnRefused),
        _ => Verdict::Forward,
    };
    assert_eq!(verdict, expected);
    learned
}

#[test]
fn an_address_is_learned_once() {
    let mut nic = nic();
    assert_eq!(learn(&mut nic, 7, 100, 1, 0), Learned::New);
    assert_eq!(nic.target(100, 1), Some(Target::VPort(vport(7))));
    assert!(
        nic.bus
            .memory
            .mac_row(&key(100, 1))
            .is_some_and(|row| !row.is_static)
    );
    assert_eq!(learn(&mut nic, 7, 100, 1, 0), Learned::Known);
    assert_eq!(learn(&mut nic, 7, 200, 1, 0), Learned::New);
    assert_eq!(nic.control.addresses().count(vport(7)), 2);
}

#[test]
fn the_policy_is_asked() {
    let refused = |refusal| Learned::Refused(Refusal::Policy(refusal));
    let mut nic = nic();
    for last in 0..4 {
        assert_eq!(learn(&mut nic, 7, 100, last, 0), Learned::New);
    }
    assert_eq!(
        learn(&mut nic, 7, 100, 9, 0),
        refused(learn::Refusal::Quota)
    );
    nic.set_port(
        6,
        PortRow {
            learning: false,
            ..VSWITCH
        },
    );
    assert_eq!(
        learn(&mut nic, 6, 100, 9, 0),
        refused(learn::Refusal::NotLearning)
    );
    nic.run(to_vport(100, 10, 0)).unwrap();
    nic.set_port(6, VSWITCH);
    assert_eq!(
        learn(&mut nic, 6, 100, 10, 0),
        refused(learn::Refusal::Static)
    );
    assert_eq!(
        learn(&mut nic, 0, 300, 1, 0),
        Learned::Refused(Refusal::Origin)
    );
    let uplink = frame(Reason::Learn, PortId::Uplink, 100, 1);
    let (verdict, _) = nic.control.punted(&mut nic.bus, &uplink, 0);
    assert_eq!(verdict, Verdict::Refuse(Reason::LearnRefused));
}

#[test]
fn an_address_moves_with_its_count_and_not_too_fast() {
    let mut nic = nic();
    assert_eq!(learn(&mut nic, 7, 100, 1, 0), Learned::New);
    let mut moves = 0;
    let refused = loop {
        let port = if moves % 2 == 0 { 6 } else { 7 };
        match learn(&mut nic, port, 100, 1, 0) {
            Learned::Moved => moves += 1,
            other => break other,
        }
        assert_eq!(nic.target(100, 1), Some(Target::VPort(vport(port))));
        assert_eq!(nic.control.addresses().count(vport(port)), 1);
        assert_eq!(nic.control.addresses().count(vport(13 - port)), 0);
        assert!(moves < 10_000, "no limit");
    };
    assert_eq!(
        refused,
        Learned::Refused(Refusal::Policy(learn::Refusal::MoveRate))
    );
    assert_eq!(nic.control.addresses().len(), 1);
}

#[test]
fn a_full_table_refuses_and_counts_nothing() {
    let mut nic = Nic::with_capacity(2);
    nic.add_vvlan(100, &[7]);
    nic.set_port(7, VSWITCH);
    assert_eq!(learn(&mut nic, 7, 100, 1, 0), Learned::New);
    assert_eq!(learn(&mut nic, 7, 100, 2, 0), Learned::New);
    assert_eq!(
        learn(&mut nic, 7, 100, 3, 0),
        Learned::Refused(Refusal::Full)
    );
    assert_eq!(nic.control.addresses().count(vport(7)), 2);
}

#[test]
fn the_list_of_learned_addresses_has_an_end() {
    let mut nic = Nic::with_capacity(4096);
    nic.add_vvlan(1, &[0, 1, 2, 3, 4, 5, 6, 7]);
    nic.add_vvlan(2, &[0, 1, 2, 3, 4, 5, 6, 7]);
    let mut learned = 0;
    'all: for id in [1, 2] {
        for port in 0..8 {
            nic.set_port(
                port,
                PortRow {
                    max_macs: 255,
                    ..VSWITCH
                },
            );
            for last in 0..127 {
                let punt = frame(Reason::Learn, vport(port).into(), id, last);
                let mut header = punt.header;
                header[7] = port;
                let punt = Punt { header, ..punt };
                match nic.control.punted(&mut nic.bus, &punt, 0) {
                    (Verdict::Forward, Some(Learned::New)) => learned += 1,
                    (_, Some(Learned::Refused(Refusal::Full))) => break 'all,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert_eq!(learned, MAX_LEARNED);
    assert!(nic.control.addresses().is_full());
}

#[test]
fn learned_addresses_are_flushed_by_vport() {
    let mut nic = nic();
    for last in 0..3 {
        learn(&mut nic, 7, 100, last, 0);
        learn(&mut nic, 6, 200, last, 0);
    }
    nic.run(to_vport(100, 50, 7)).unwrap();
    assert_eq!(nic.run(Command::FdbFlush(Flush::VPort(vport(7)))), Ok(3));
    assert_eq!(nic.control.addresses().count(vport(7)), 0);
    assert_eq!(nic.control.addresses().count(vport(6)), 3);
    assert_eq!(
        nic.target(100, 50),
        Some(Target::VPort(vport(7))),
        "a static one stays"
    );
    assert_eq!(nic.target(100, 0), None);
    assert_eq!(nic.run(Command::FdbFlush(Flush::VPort(vport(7)))), Ok(0));
    assert_eq!(
        nic.run(Command::FdbFlush(Flush::VPort(vport(8)))),
        Err(AdminError::BadVport)
    );
}

#[test]
fn a_static_entry_replaces_a_learned_one() {
    let mut nic = nic();
    learn(&mut nic, 7, 100, 1, 0);
    assert_eq!(nic.run(to_vport(100, 1, 0)), Ok(0));
    assert_eq!(nic.control.addresses().count(vport(7)), 0);
    let expected = MacRow {
        key: key(100, 1),
        target: Target::VPort(vport(0)),
        is_static: true,
    };
    assert_eq!(nic.bus.memory.mac_row(&key(100, 1)), Some(&expected));
    assert_eq!(nic.run(Command::FdbFlush(Flush::VPort(vport(7)))), Ok(0));
    assert_eq!(nic.bus.memory.mac_row(&key(100, 1)), Some(&expected));
}

#[test]
fn a_learned_address_goes_with_the_entry_or_the_vvlan() {
    let mut nic = nic();
    learn(&mut nic, 7, 100, 1, 0);
    learn(&mut nic, 7, 100, 2, 0);
    learn(&mut nic, 7, 200, 1, 0);
    nic.run(to_vport(100, 9, 0)).unwrap();
    assert_eq!(nic.run(Command::FdbDel(key(100, 1))), Ok(0));
    assert_eq!(nic.control.addresses().count(vport(7)), 2);
    assert_eq!(nic.run(Command::VVlanDel { id: vvlan(100) }), Ok(2));
    assert_eq!(nic.control.addresses().count(vport(7)), 1);
    assert_eq!(
        nic.bus.memory.macs().map(|row| row.key).collect::<Vec<_>>(),
        [key(200, 1)]
    );
}

#[test]
fn other_punts_are_consumed_or_refused() {
    let mut nic = nic();
    let mut lldp = frame(Reason::Control, PortId::Uplink, 0, 1);
    lldp.header[12..].copy_from_slice(&[0x88, 0xcc]);
    let verdict = |nic: &mut Nic, punt: &Punt| nic.control.punted(&mut nic.bus, punt, 0);
    assert_eq!(
        verdict(&mut nic, &lldp),
        (Verdict::Consume(Consumed::Lldp), None)
    );
    let other = frame(Reason::Control, PortId::Uplink, 0, 1);
    assert_eq!(
        verdict(&mut nic, &other),
        (Verdict::Consume(Consumed::Other), None)
    );
    let before = nic.bus.changes.len();
    for reason in [Reason::MissSlowpath, Reason::MacHit] {
        let punt = frame(reason, vport(0).into(), 100, 1);
        assert_eq!(
            verdict(&mut nic, &punt),
            (Verdict::Refuse(Reason::PuntRefused), None)
        );
    }
    assert_eq!(nic.bus.changes.len(), before);
}

#[test]
fn a_silent_bus_refuses_the_frame() {
    for answers in 0..3 {
        let mut nic = nic();
        nic.bus.answers = Some(answers);
        assert_eq!(
            learn(&mut nic, 7, 100, 1, 0),
            Learned::Refused(Refusal::Hardware)
        );
        assert!(nic.control.addresses().is_empty());
        nic.bus.answers = None;
        assert_eq!(learn(&mut nic, 7, 100, 1, 0), Learned::New);
    }
}
