// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Punted frames against tables that keep the hardware's rules.

mod support;

use hairpin_abi::admin::Command;
use hairpin_abi::row::MacKey;
use hairpin_abi::{MacAddr, PortId, PortRow, Reason, Role, RowWords, Status, Table, VVlan};
use hairpin_nic_logic::learn::{Learned, Refusal};
use hairpin_nic_logic::punt::{Consumed, Punt, Verdict};
use hairpin_nic_logic::{BusFault, TableBus};
use support::{FakeBus, Nic, entry, key, mac, to_vport, vport, vvlan};

const VSWITCH: PortRow = PortRow {
    enabled: true,
    role: Role::Vswitch,
    learning: true,
    max_macs: 4,
    ..PortRow::DISABLED
};

fn frame(reason: Reason, src: PortId, id: u16, last: u8) -> Punt {
    let [a, b, c, d, e, f] = mac(last).0;
    Punt {
        src,
        reason,
        vvlan: VVlan::new(id),
        header: [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, a, b, c, d, e, f, 0x08, 0x06,
        ],
    }
}

/// V.VLANs 100 and 200 with two learning vSwitch vPorts, 6 and 7.
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
    assert_eq!(learn(&mut nic, 7, 200, 1, 0), Learned::New);
    // Each lives with the instance of its V.VLAN.
    assert_eq!(nic.bus.macs[&key(100, 1)], (entry(100, 1, 7, false), 0));
    assert_eq!(nic.bus.macs[&key(200, 1)], (entry(200, 1, 7, false), 1));
    let before = nic.bus.changes.len();
    assert_eq!(learn(&mut nic, 7, 100, 1, 0), Learned::Known);
    assert_eq!(nic.bus.changes.len(), before);
}

#[test]
fn the_rules_are_kept() {
    let refused = Learned::Refused;
    let mut nic = nic();
    for last in 0..4 {
        assert_eq!(learn(&mut nic, 7, 100, last, 0), Learned::New);
    }
    assert_eq!(learn(&mut nic, 7, 100, 9, 0), refused(Refusal::Quota));
    for row in [
        PortRow {
            learning: false,
            ..VSWITCH
        },
        PortRow {
            enabled: false,
            ..VSWITCH
        },
    ] {
        nic.set_port(6, row);
        assert_eq!(learn(&mut nic, 6, 100, 9, 0), refused(Refusal::Origin));
    }
    nic.set_port(6, VSWITCH);
    nic.run(to_vport(100, 10, 0)).unwrap();
    assert_eq!(learn(&mut nic, 6, 100, 10, 0), refused(Refusal::Static));
    assert_eq!(learn(&mut nic, 6, 300, 1, 0), refused(Refusal::Origin));
    let uplink = frame(Reason::Learn, PortId::Uplink, 100, 1);
    let (verdict, _) = nic.control.punted(&mut nic.bus, &uplink, 0);
    assert_eq!(verdict, Verdict::Refuse(Reason::LearnRefused));
    let mut group = frame(Reason::Learn, vport(6).into(), 100, 1);
    group.header[6] |= 1;
    let (verdict, _) = nic.control.punted(&mut nic.bus, &group, 0);
    assert_eq!(verdict, Verdict::Refuse(Reason::LearnRefused));
    // The host hears of the quota.
    let told: Vec<_> = nic.tick().iter().map(|event| event.code.name()).collect();
    assert_eq!(told, ["quota"]);
}

#[test]
fn an_address_moves_between_learning_vports_and_not_too_fast() {
    let mut nic = nic();
    assert_eq!(learn(&mut nic, 7, 100, 1, 0), Learned::New);
    let mut moves = 0;
    let refused = loop {
        let port = if moves % 2 == 0 { 6 } else { 7 };
        match learn(&mut nic, port, 100, 1, 0) {
            Learned::Moved => moves += 1,
            other => break other,
        }
        assert_eq!(nic.target(100, 1), Some(entry(100, 1, port, false).target));
        assert!(moves < 10_000, "no limit");
    };
    assert_eq!(refused, Learned::Refused(Refusal::MoveRate));
    assert_eq!(learn(&mut nic, 6, 100, 1, 1 << 20), Learned::Moved);
    nic.set_port(
        6,
        PortRow {
            learning: false,
            ..VSWITCH
        },
    );
    let pinned = learn(&mut nic, 7, 100, 1, 1 << 40);
    assert_eq!(pinned, Learned::Refused(Refusal::Pinned));
}

#[test]
fn a_full_table_refuses() {
    let mut nic = Nic::with_capacity(2, 2);
    nic.add_vvlan(100, &[7]);
    nic.set_port(7, VSWITCH);
    assert_eq!(learn(&mut nic, 7, 100, 1, 0), Learned::New);
    assert_eq!(learn(&mut nic, 7, 100, 2, 0), Learned::New);
    let refused = Learned::Refused(Refusal::Full);
    assert_eq!(learn(&mut nic, 7, 100, 3, 0), refused);
    assert_eq!(nic.bus.macs.len(), 2);
}

#[test]
fn a_vport_that_goes_down_meanwhile_keeps_no_address() {
    /// The host disables vPort 7 right before the insert reaches the table.
    struct Race(FakeBus);
    impl TableBus for Race {
        fn command(
            &mut self,
            op: hairpin_abi::Op,
            table: Table,
            index: u16,
            row: &mut RowWords,
        ) -> Result<Status, BusFault> {
            if op == hairpin_abi::Op::Insert {
                self.0.ports[7].enabled = false;
            }
            self.0.command(op, table, index, row)
        }
    }
    let nic = nic();
    let (mut bus, mut control) = (Race(nic.bus), nic.control);
    let punt = frame(Reason::Learn, vport(7).into(), 100, 1);
    let (verdict, learned) = control.punted(&mut bus, &punt, 0);
    assert_eq!(verdict, Verdict::Refuse(Reason::LearnRefused));
    assert_eq!(learned, Some(Learned::Refused(Refusal::Stale)));
    assert!(bus.0.macs.is_empty());
}

#[test]
fn a_learned_address_goes_with_the_entry_or_the_vvlan() {
    let mut nic = nic();
    learn(&mut nic, 7, 100, 1, 0);
    learn(&mut nic, 7, 100, 2, 0);
    learn(&mut nic, 7, 200, 1, 0);
    nic.run(to_vport(100, 9, 0)).unwrap();
    assert_eq!(nic.run(Command::FdbDel(key(100, 1))), Ok(0));
    assert_eq!(nic.bus.learned(vport(7)), 2);
    assert_eq!(nic.run(Command::VVlanDel { id: vvlan(100) }), Ok(0));
    let left: Vec<_> = nic.bus.macs.keys().copied().collect();
    assert_eq!(left, [key(200, 1)]);
}

#[test]
fn other_punts_are_consumed_forwarded_or_refused() {
    let mut nic = nic();
    let before = nic.bus.changes.len();
    let mut lldp = frame(Reason::Control, PortId::Uplink, 0, 1);
    lldp.header[12..].copy_from_slice(&[0x88, 0xcc]);
    let mut check = |punt: &Punt, expected| {
        let verdict = nic.control.punted(&mut nic.bus, punt, 0);
        assert_eq!(verdict, (expected, None), "{punt:?}");
    };
    check(&lldp, Verdict::Consume(Consumed::Lldp));
    let other = frame(Reason::Control, PortId::Uplink, 0, 1);
    check(&other, Verdict::Consume(Consumed::Other));
    let refused = Verdict::Refuse(Reason::PuntRefused);
    for reason in [Reason::MissSlowpath, Reason::FlowPunt] {
        check(&frame(reason, vport(0).into(), 100, 1), Verdict::Forward);
        // The decision takes no frame of the uplink from the core.
        check(&frame(reason, PortId::Uplink, 100, 1), refused);
    }
    check(&frame(Reason::MacHit, vport(0).into(), 100, 1), refused);
    check(&frame(Reason::MacHit, PortId::Uplink, 100, 1), refused);
    assert_eq!(nic.bus.changes.len(), before);
}

#[test]
fn a_silent_bus_refuses_the_frame() {
    // The vPort, the address, the insert, the vPort again.
    for answers in 0..4 {
        let mut nic = nic();
        nic.bus.answers = Some(answers);
        let refused = Learned::Refused(Refusal::Hardware);
        assert_eq!(learn(&mut nic, 7, 100, 1, 0), refused, "{answers}");
        nic.bus.answers = None;
        let again = learn(&mut nic, 7, 100, 1, 0);
        let inserted = answers == 3;
        assert_eq!(
            again,
            if inserted {
                Learned::Known
            } else {
                Learned::New
            }
        );
    }
}

#[test]
fn the_source_is_behind_the_destination() {
    let header = frame(Reason::Learn, vport(7).into(), 100, 5).header;
    let key = MacKey {
        vvlan: vvlan(100),
        mac: MacAddr([2, 0, 0, 0, 0, 5]),
    };
    assert_eq!(hairpin_nic_logic::punt::source(&header), key.mac);
}
