// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Guests that ask, guests that ask too much, and guests that go.

mod support;

use hairpin_abi::admin::Command;
use hairpin_abi::ids::PortSet;
use hairpin_abi::virtio::{CTRL_ERR, CTRL_OK, GuestVlans};
use hairpin_abi::{PortRow, Role, RxModeRow, Target, Vlan};
use hairpin_nic_logic::guest::{Answer, BUDGET, Budgets};
use proptest::prelude::*;
use support::{Nic, entry, key, mac, to_vport, vport};

const REFUSED: Answer = Answer {
    ack: CTRL_ERR,
    pairs: None,
    announced: false,
    vlans: None,
};
const DONE: Answer = Answer {
    ack: CTRL_OK,
    pairs: None,
    announced: false,
    vlans: None,
};
const PROMISC: u8 = 0;
const ALLMULTI: u8 = 1;

/// A NIC with vPorts 0 and 1 in V.VLAN 100; 1 is a trusted guest's, whose own address is `mac(1)`.
fn nic() -> Nic {
    let mut nic = Nic::new();
    nic.add_vvlan(100, &[0, 1]);
    for (port, trust) in [(0, false), (1, true)] {
        let row = PortRow {
            enabled: true,
            spoofchk: true,
            trust,
            max_macs: 5,
            vvlan: Vlan::from_tci(100),
            mac: mac(port),
            ..PortRow::DISABLED
        };
        nic.set_port(port, row);
        nic.run(to_vport(100, port, port)).unwrap();
    }
    nic
}

fn ask(nic: &mut Nic, port: u8, request: &[u8]) -> Answer {
    nic.control
        .guest_request(&mut nic.bus, vport(port), request, false, 4)
}

fn set_mac(nic: &mut Nic, port: u8, last: u8) -> Answer {
    let mut request = vec![1, 1];
    request.extend(mac(last).0);
    ask(nic, port, &request)
}

/// Unicast addresses, and one group address, as Linux sends them.
fn table(macs: &[u8]) -> Vec<u8> {
    let mut request = vec![1, 0, macs.len() as u8, 0, 0, 0];
    request.extend(macs.iter().flat_map(|last| mac(*last).0));
    request.extend([1, 0, 0, 0, 0x33, 0x33, 0, 0, 0, 1]);
    request
}

/// The guest's entries: those that are not the host's.
fn guests(nic: &Nic) -> Vec<(u8, Target)> {
    let rows = nic.bus.macs.values().map(|(row, _)| row);
    rows.filter(|row| row.key.mac.0[5] > 1)
        .inspect(|row| assert!(row.is_static, "it outlives a restart, and does not age"))
        .map(|row| (row.key.mac.0[5], row.target))
        .collect()
}

fn to_1(macs: &[u8]) -> Vec<(u8, Target)> {
    macs.iter()
        .map(|last| (*last, Target::VPort(vport(1))))
        .collect()
}

fn modes(nic: &Nic, port: u8) -> (bool, bool) {
    let row = nic.bus.rx_modes[usize::from(RxModeRow::index(vport(port), 0))];
    (row.promisc, row.allmulti)
}

#[test]
fn queue_pairs_are_set_up_to_what_the_pf_gave() {
    let mut nic = nic();
    for wanted in 1..=4 {
        let done = Answer {
            pairs: Some(wanted),
            ..DONE
        };
        assert_eq!(ask(&mut nic, 0, &[4, 0, wanted, 0]), done);
    }
    for wanted in [[0, 0], [5, 0], [1, 1]] {
        assert_eq!(ask(&mut nic, 0, &[4, 0, wanted[0], wanted[1]]), REFUSED);
    }
    let answer = nic
        .control
        .guest_request(&mut nic.bus, vport(0), &[4, 0, 1, 0], false, 0);
    assert_eq!(answer, REFUSED);
}

/// What promiscuous mode does to the VLANs.
fn vlans(change: GuestVlans, vlan: u16) -> Answer {
    Answer {
        vlans: Some((change, vlan)),
        ..DONE
    }
}

#[test]
fn a_guest_takes_vlans_without_trust() {
    let mut nic = nic();
    let before = nic.bus.changes.len();
    for (request, want) in [
        ([2, 0, 0, 0], vlans(GuestVlans::Add, 0)),
        ([2, 0, 7, 0], vlans(GuestVlans::Add, 7)),
        ([2, 0, 0xfe, 0x0f], vlans(GuestVlans::Add, 0xffe)),
        ([2, 1, 7, 0], vlans(GuestVlans::Remove, 7)),
    ] {
        assert_eq!(ask(&mut nic, 0, &request), want);
    }
    assert_eq!(nic.bus.changes.len(), before, "no table knows of it");
}

#[test]
fn a_guest_that_has_announced_itself_need_not_any_more() {
    let done = Answer {
        announced: true,
        ..DONE
    };
    assert_eq!(ask(&mut nic(), 0, &[3, 0]), done);
}

#[test]
fn a_request_of_another_form_is_refused() {
    let mut nic = nic();
    let mut long = table(&[7]);
    long.push(0);
    let refused: [&[u8]; 24] = [
        &[3, 1],
        &[3, 0, 0],
        &[],
        &[4],
        &[4, 0],
        &[4, 0, 1],
        &[4, 0, 1, 0, 0],
        &[4, 1, 1, 0],
        &[9, 0, 1, 0],
        &[0, 0],
        &[0, 0, 2],
        &[0, 2, 1],
        &[2, 0, 7],
        &[2, 0, 7, 0, 0],
        &[2, 2, 7, 0],
        &[2, 0, 0xff, 0x0f],
        &[2, 1, 0, 0x10],
        &[1, 1, 2, 0, 0, 0, 0],
        &[1, 1, 3, 0, 0, 0, 0, 7],
        &[1, 1, 0, 0, 0, 0, 0, 0],
        &[1, 0, 0, 0, 0, 0],
        &[1, 0, 255, 255, 255, 255, 0, 0, 0, 0],
        &[1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 7],
        &long,
    ];
    for request in refused {
        assert_eq!(ask(&mut nic, 1, request), REFUSED, "{request:?}");
    }
    let cut = nic
        .control
        .guest_request(&mut nic.bus, vport(1), &table(&[7]), true, 4);
    assert_eq!(cut, REFUSED);
    assert_eq!(guests(&nic), []);
}

#[test]
fn without_trust_a_guest_has_what_it_is_configured_with() {
    let mut nic = nic();
    let before = nic.bus.changes.len();
    // What Linux asks for whenever an interface comes up.
    let listed = vlans(GuestVlans::Listed, 0);
    assert_eq!(ask(&mut nic, 0, &[0, PROMISC, 0]), listed);
    for request in [&[0, ALLMULTI, 0][..], &table(&[])] {
        assert_eq!(ask(&mut nic, 0, request), DONE, "{request:?}");
    }
    assert_eq!(set_mac(&mut nic, 0, 0), DONE);
    assert_eq!(ask(&mut nic, 0, &table(&[0])), DONE);
    for request in [&[0, PROMISC, 1][..], &[0, ALLMULTI, 1], &table(&[7])] {
        assert_eq!(ask(&mut nic, 0, request), REFUSED, "{request:?}");
    }
    assert_eq!(set_mac(&mut nic, 0, 7), REFUSED);
    assert_eq!(nic.bus.changes.len(), before);
}

#[test]
fn with_trust_addresses_lead_to_the_guest_until_it_wants_others() {
    let mut nic = nic();
    assert_eq!(set_mac(&mut nic, 1, 7), DONE);
    assert_eq!(ask(&mut nic, 1, &table(&[8, 9, 8, 7, 1])), DONE);
    assert_eq!(guests(&nic), to_1(&[7, 8, 9]));
    // One that is wanted twice stays as long as one wants it.
    assert_eq!(set_mac(&mut nic, 1, 6), DONE);
    assert_eq!(guests(&nic), to_1(&[6, 7, 8, 9]));
    assert_eq!(ask(&mut nic, 1, &table(&[9, 10])), DONE);
    assert_eq!(guests(&nic), to_1(&[6, 9, 10]));
    // Back to its own.
    assert_eq!(set_mac(&mut nic, 1, 1), DONE);
    assert_eq!(guests(&nic), to_1(&[9, 10]));
    assert_eq!(nic.target(100, 1), Some(Target::VPort(vport(1))));
}

#[test]
fn no_more_addresses_than_max_macs_and_nobody_elses() {
    let mut nic = nic();
    assert_eq!(ask(&mut nic, 1, &table(&[7, 8, 9, 10, 11])), DONE);
    let all = to_1(&[7, 8, 9, 10, 11]);
    assert_eq!(set_mac(&mut nic, 1, 12), REFUSED);
    assert_eq!(ask(&mut nic, 1, &table(&[7, 8, 9, 10, 11, 12])), REFUSED);
    assert_eq!(guests(&nic), all);
    // The neighbour's own, one that it was seen with, and a group's.
    nic.bus.insert_mac(0, entry(100, 13, 0, false));
    for taken in [0, 13] {
        assert_eq!(ask(&mut nic, 1, &table(&[7, taken])), REFUSED);
        assert_eq!(set_mac(&mut nic, 1, taken), REFUSED);
    }
    nic.bus.macs.remove(&key(100, 13));
    assert_eq!(guests(&nic), all);
    nic.bus.ports[1].max_macs = 255;
    assert_eq!(
        ask(&mut nic, 1, &table(&[21, 22, 23, 24, 25, 26, 27])),
        DONE
    );
    assert_eq!(
        ask(&mut nic, 1, &table(&[21, 22, 23, 24, 25, 26, 27, 28])),
        REFUSED,
        "there is a row for each"
    );
    assert_eq!(set_mac(&mut nic, 1, 20), DONE);
    assert_eq!(guests(&nic).len(), 8);
}

#[test]
fn a_full_table_changes_nothing() {
    let mut nic = nic();
    assert_eq!(ask(&mut nic, 1, &table(&[7, 8])), DONE);
    let mut last = 100;
    while nic.run(to_vport(100, last, 0)).is_ok() {
        last += 1;
    }
    let (macs, rows) = (nic.bus.macs.clone(), nic.bus.rx_modes.clone());
    assert_eq!(ask(&mut nic, 1, &table(&[8, 9, 10])), REFUSED);
    assert_eq!((&nic.bus.macs, &nic.bus.rx_modes), (&macs, &rows));
    assert_eq!(ask(&mut nic, 1, &table(&[8, 9])), DONE, "as many as before");
}

#[test]
fn no_address_in_a_vvlan_that_is_not_there_or_has_it_not_as_a_member() {
    let mut nic = nic();
    nic.add_vvlan(200, &[0]);
    for vvlan in [200, 300] {
        nic.bus.ports[1].vvlan = Vlan::from_tci(vvlan);
        let before = nic.bus.changes.len();
        assert_eq!(set_mac(&mut nic, 1, 7), REFUSED);
        assert_eq!(ask(&mut nic, 1, &table(&[7])), REFUSED);
        assert_eq!(nic.bus.changes.len(), before);
    }
}

#[test]
fn a_software_switch_asks_for_no_addresses() {
    let mut nic = nic();
    nic.bus.ports[1].role = Role::Vswitch;
    assert_eq!(set_mac(&mut nic, 1, 7), REFUSED);
    assert_eq!(ask(&mut nic, 1, &table(&[7])), REFUSED);
    assert_eq!(
        ask(&mut nic, 1, &[0, PROMISC, 1]),
        vlans(GuestVlans::All, 0)
    );
}

#[test]
fn what_a_guest_asked_for_goes_with_its_vf() {
    let mut nic = nic();
    assert_eq!(set_mac(&mut nic, 1, 7), DONE);
    assert_eq!(ask(&mut nic, 1, &table(&[8, 9])), DONE);
    assert_eq!(
        ask(&mut nic, 1, &[0, PROMISC, 1]),
        vlans(GuestVlans::All, 0)
    );
    assert_eq!(ask(&mut nic, 1, &[0, ALLMULTI, 1]), DONE);
    assert_eq!(modes(&nic, 1), (true, true));
    // The modes are no reason to lose the address.
    assert_eq!(guests(&nic), to_1(&[7, 8, 9]));
    nic.bus.insert_mac(0, entry(100, 30, 1, false));
    nic.bus.insert_mac(0, entry(100, 31, 0, false));

    // The firmware that forgets is another one than the firmware that was asked.
    nic.restart();
    assert_eq!(guests(&nic), to_1(&[7, 8, 9]));
    assert_eq!(modes(&nic, 1), (true, true));
    nic.bus.insert_mac(0, entry(100, 30, 1, false));
    nic.bus.insert_mac(0, entry(100, 31, 0, false));
    nic.control.guest_gone(&mut nic.bus, vport(1)).unwrap();
    assert_eq!(modes(&nic, 1), (false, false));
    assert!(
        nic.bus
            .rx_modes
            .iter()
            .all(|row| *row == RxModeRow::default())
    );
    for (last, port) in [
        (0, Some(0)),
        (1, Some(1)),
        (7, None),
        (30, None),
        (31, Some(0)),
    ] {
        let target = port.map(|port| Target::VPort(vport(port)));
        assert_eq!(nic.target(100, last), target, "{last}");
    }
}

#[test]
fn what_the_host_adds_is_the_hosts() {
    let mut nic = nic();
    assert_eq!(ask(&mut nic, 1, &table(&[7, 8])), DONE);
    nic.run(to_vport(100, 7, 1)).unwrap();
    nic.control.guest_gone(&mut nic.bus, vport(1)).unwrap();
    assert_eq!(guests(&nic), to_1(&[7]));
    // One that leads to another vPort by now is not the guest's to take along.
    assert_eq!(ask(&mut nic, 1, &table(&[8])), DONE);
    nic.run(Command::FdbDel(key(100, 8))).unwrap();
    nic.run(to_vport(100, 8, 0)).unwrap();
    nic.control.guest_gone(&mut nic.bus, vport(1)).unwrap();
    assert_eq!(nic.target(100, 8), Some(Target::VPort(vport(0))));
}

#[test]
fn addresses_go_with_the_trust_and_with_the_vvlan() {
    let lose: [fn(&mut PortRow); 2] = [
        |row| row.trust = false,
        |row| row.vvlan = Vlan::from_tci(200),
    ];
    for lose in lose {
        let mut nic = nic();
        nic.add_vvlan(200, &[0, 1]);
        assert_eq!(ask(&mut nic, 1, &table(&[7])), DONE);
        nic.tick();
        assert_eq!(guests(&nic), to_1(&[7]));
        lose(&mut nic.bus.ports[1]);
        nic.tick();
        nic.tick();
        assert_eq!(guests(&nic), []);
    }
}

proptest! {
    /// Whatever a guest says: never more than it has or may have, nothing done that is refused, and no address that
    /// leads to somebody else.
    #[test]
    fn no_request_gets_more_than_it_may(
        requests in proptest::collection::vec(any_request(), 1..12), trust: bool
    ) {
        let mut nic = nic();
        nic.bus.ports[1].trust = trust;
        for request in requests {
            let (macs, rows) = (nic.bus.macs.clone(), nic.bus.rx_modes.clone());
            let answer = ask(&mut nic, 1, &request);
            prop_assert!(answer.pairs.is_none_or(|n| (1..=4).contains(&n)));
            prop_assert!(answer.ack == CTRL_OK || answer == REFUSED);
            if answer.ack == CTRL_ERR {
                prop_assert_eq!((&nic.bus.macs, &nic.bus.rx_modes), (&macs, &rows));
            }
            for (row, _) in nic.bus.macs.values() {
                let own = row.key.mac == mac(0) || row.key.mac == mac(1);
                prop_assert!(own || trust && row.target == Target::VPort(vport(1)));
            }
            prop_assert!(nic.bus.macs.len() <= 2 + 5);
        }
        nic.control.guest_gone(&mut nic.bus, vport(1)).unwrap();
        prop_assert_eq!(nic.bus.macs.len(), 2);
    }
}

fn any_request() -> impl Strategy<Value = Vec<u8>> {
    let macs = proptest::collection::vec(0..12_u8, 0..7);
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        macs.prop_map(|macs| table(&macs)),
        (0..12_u8).prop_map(|last| [&[1, 1][..], &mac(last).0].concat()),
        (0..3_u8, 0..3_u8).prop_map(|(command, on)| vec![0, command, on]),
    ]
}

#[test]
fn a_flood_uses_up_its_own_budget_only() {
    let mut budgets = Budgets::new();
    let (five, six) = (vport(5), vport(6));
    for n in 1..=BUDGET {
        assert_eq!(budgets.spend(five), n < BUDGET);
    }
    assert_eq!(budgets.allowed(), PortSet(!(1 << 5)));
    assert!(budgets.spend(six));
    budgets.tick();
    assert_eq!(budgets.allowed().0, u64::MAX);
    assert!(!budgets.spend(five), "one a tick");
    for _ in 0..BUDGET {
        budgets.tick();
    }
    assert!(budgets.spend(five));
}
