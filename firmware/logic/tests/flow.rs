// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Flow entries of the host: what may be added, which keys are stored, who goes when the cache is full,
//! and what a changed V.VLAN leaves.

mod support;

use hairpin_abi::admin::{AdminError, Command, Flush};
use hairpin_abi::{
    FlowAction, FlowKey, FlowRow, KeyField, Miss, Mode, PortId, Seen, TableCommand, Teacher,
    VVlanRow,
};
use hairpin_nic_logic::TableBus;
use support::{FakeBus, Nic, cached, flow, flow_add, members, row, vport, vvlan};

const LOCAL: FlowRow = FlowRow::new(FlowAction::Local, Teacher::Policy);

fn redirect(port: u8, teacher: Teacher) -> FlowRow {
    FlowRow {
        port: vport(port).into(),
        ..FlowRow::new(FlowAction::Redirect, teacher)
    }
}

fn nic() -> Nic {
    let mut nic = Nic::with_capacity(16, 8);
    nic.set_vvlan(100, cached(&[0, 1, 2]));
    nic
}

fn rows(nic: &Nic) -> Vec<FlowRow> {
    nic.bus.flows.values().map(|flow| flow.row).collect()
}

#[test]
fn a_flow_comes_and_goes() {
    let mut nic = nic();
    let key = flow(100, 0, 1000);
    let handle = nic.run(flow_add(key, redirect(1, Teacher::Flow)));
    let (found, seen) = nic.bus.flow_lookup(&key).unwrap().expect("it is there");
    assert_eq!(found, redirect(1, Teacher::Flow));
    assert_eq!(handle, Ok(seen.handle.into()));
    // The host sends its configuration again after a restart.
    assert_eq!(nic.run(flow_add(key, redirect(1, Teacher::Flow))), handle);
    assert_eq!(
        nic.run(flow_add(key, LOCAL)),
        handle,
        "a higher teacher replaces it"
    );
    assert_eq!(
        nic.run(flow_add(key, redirect(1, Teacher::Flow))),
        Err(AdminError::Refused)
    );
    assert_eq!(rows(&nic), [LOCAL]);
    assert_eq!(nic.run(Command::FlowDel(key)), Ok(0));
    assert!(nic.bus.flows.is_empty());
    assert_eq!(nic.run(Command::FlowDel(key)), Err(AdminError::NotFound));
}

#[test]
fn a_flow_has_to_make_sense() {
    let mut nic = nic();
    nic.add_vvlan(200, &[0, 1]);
    let key = flow(100, 0, 1);
    let from = |src| FlowKey { src, ..key };
    let row = |action, port| FlowRow {
        port,
        ..FlowRow::new(action, Teacher::Policy)
    };
    let to = |number: u8| PortId::VPort(vport(number));
    for (key, row, expected) in [
        (flow(300, 0, 1), LOCAL, AdminError::VvlanUnknown),
        (flow(200, 0, 1), LOCAL, AdminError::NoCache),
        (from(to(3)), LOCAL, AdminError::NotMember),
        (from(to(8)), LOCAL, AdminError::BadVport),
        (from(PortId::Core), LOCAL, AdminError::BadVport),
        (key, row(FlowAction::Redirect, to(3)), AdminError::NotMember),
        (key, row(FlowAction::Redirect, to(8)), AdminError::BadVport),
        (
            key,
            row(FlowAction::Redirect, PortId::Uplink),
            AdminError::BadTarget,
        ),
        (key, row(FlowAction::Local, to(3)), AdminError::NotMember),
        (key, row(FlowAction::Drop, to(1)), AdminError::BadTarget),
        (key, redirect(1, Teacher::Learned), AdminError::BadAction),
    ] {
        assert_eq!(
            nic.run(flow_add(key, row)),
            Err(expected),
            "{key:?} {row:?}"
        );
    }
    for (key, row) in [
        (from(PortId::Uplink), LOCAL),
        (key, row(FlowAction::Local, to(1))),
        (key, row(FlowAction::Redirect, to(0))),
        (key, row(FlowAction::Uplink, PortId::Uplink)),
        (key, row(FlowAction::Drop, PortId::Uplink)),
        (key, row(FlowAction::Punt, PortId::Uplink)),
    ] {
        assert!(nic.run(flow_add(key, row)).is_ok(), "{key:?} {row:?}");
    }
}

#[test]
fn keys_are_stored_after_the_mask() {
    let mut nic = Nic::new();
    let key_mask = KeyField::Destination.bit() | KeyField::Protocol.bit();
    nic.set_vvlan(
        100,
        VVlanRow {
            key_mask,
            ..cached(&[0])
        },
    );
    // The source port is not in the mask, so that it may be any.
    let key = flow(100, 5, 1000);
    assert!(nic.run(flow_add(key, LOCAL)).is_ok());
    let stored: Vec<_> = nic.bus.flows.keys().copied().collect();
    assert_eq!(stored, [key.masked(key_mask).to_words().0]);
    assert!(nic.run(flow_add(flow(100, 6, 2000), LOCAL)).is_ok());
    assert_eq!(nic.bus.flows.len(), 1, "the same flow");
    assert_eq!(nic.run(Command::FlowDel(flow(100, 7, 3000))), Ok(0));
    assert!(nic.bus.flows.is_empty());
}

#[test]
fn flows_are_flushed_by_scope() {
    let fill = || {
        let mut nic = Nic::new();
        nic.set_vvlan(100, cached(&[0, 1, 2]));
        nic.set_vvlan(200, cached(&[0, 1, 2]));
        for id in [100, 200] {
            for teacher in [Teacher::Flow, Teacher::Policy] {
                let sport = u16::from(teacher.code());
                nic.run(flow_add(flow(id, 0, sport), redirect(1, teacher)))
                    .unwrap();
                nic.run(flow_add(flow(id, 2, sport), redirect(2, teacher)))
                    .unwrap();
            }
        }
        assert_eq!(nic.bus.flows.len(), 8);
        nic
    };
    for (what, left) in [
        (Flush::All, 0),
        (Flush::Teacher(Teacher::Flow), 4),
        (Flush::Teacher(Teacher::Learned), 8),
        (Flush::VVlan(vvlan(100)), 4),
        (Flush::VPort(vport(0)), 4),
        (Flush::VPort(vport(1)), 4),
        (Flush::VPort(vport(3)), 8),
    ] {
        let mut nic = fill();
        let before = nic.bus.changes.len();
        assert_eq!(nic.run(Command::FlowFlush(what)), Ok(0));
        assert_eq!(nic.bus.flows.len(), left, "{what:?}");
        assert_eq!(nic.bus.changes.len(), before + 1, "{what:?} is one step");
    }
    let mut nic = fill();
    for (what, error) in [
        (Flush::VVlan(vvlan(300)), AdminError::VvlanUnknown),
        (Flush::VPort(vport(8)), AdminError::BadVport),
    ] {
        assert_eq!(nic.run(Command::FlowFlush(what)), Err(error));
    }
}

/// Sets when an entry was last used, in stamp units before now.
fn use_before(bus: &mut FakeBus, key: &FlowKey, units: u16) {
    let stamp = Seen::stamp_of(bus.time).wrapping_sub(units);
    bus.flows
        .get_mut(&key.to_words().0)
        .expect("an entry")
        .stamp = stamp;
}

#[test]
fn a_full_cache_gives_up_what_was_unused_for_longest() {
    let mut nic = nic();
    nic.time = 1 << 40;
    nic.bus.time = nic.time;
    // The sample is random, but long enough to see all of eight places.
    for sport in 0..8 {
        let key = flow(100, 0, sport);
        nic.run(flow_add(key, redirect(1, Teacher::Flow))).unwrap();
        use_before(&mut nic.bus, &key, 100 + sport);
    }
    let oldest = flow(100, 0, 7);
    assert!(
        nic.run(flow_add(flow(100, 0, 100), redirect(1, Teacher::Flow)))
            .is_ok()
    );
    assert_eq!(nic.bus.flow_lookup(&oldest), Ok(None));
    assert_eq!(nic.bus.flows.len(), 8);
    assert!(nic.bus.flow_lookup(&flow(100, 0, 100)).unwrap().is_some());
}

#[test]
fn a_policy_is_never_given_up() {
    let mut nic = nic();
    for sport in 0..8 {
        nic.run(flow_add(flow(100, 0, sport), LOCAL)).unwrap();
    }
    for row in [redirect(1, Teacher::Flow), LOCAL] {
        assert_eq!(
            nic.run(flow_add(flow(100, 0, 100), row)),
            Err(AdminError::TableFull)
        );
    }
    assert_eq!(rows(&nic), [LOCAL; 8]);
    // The host hears of it at the next tick, and not again for a while.
    let codes = |nic: &mut Nic| {
        nic.tick()
            .iter()
            .map(|event| event.code.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&mut nic), ["table-full"]);
    assert_eq!(codes(&mut nic), [""; 0]);
}

#[test]
fn an_entry_past_its_age_goes_before_a_lower_teacher() {
    for (age, aged_goes) in [(74, false), (76, true)] {
        let mut nic = nic();
        nic.time = 1 << 40;
        nic.bus.time = nic.time;
        nic.run(Command::AgeingSet { mac: 0, flow: 1 }).unwrap();
        let learned = flow(100, 0, 0);
        nic.run(flow_add(learned, redirect(1, Teacher::Flow)))
            .unwrap();
        let entry = nic.bus.flows.get_mut(&learned.to_words().0).unwrap();
        entry.row.teacher = Teacher::Learned;
        use_before(&mut nic.bus, &learned, 10);
        for sport in 1..8 {
            nic.run(flow_add(flow(100, 0, sport), redirect(1, Teacher::Flow)))
                .unwrap();
        }
        let flow_taught = flow(100, 0, 3);
        use_before(&mut nic.bus, &flow_taught, age);
        nic.run(flow_add(flow(100, 0, 100), LOCAL)).unwrap();
        let there = |nic: &mut Nic, key| nic.bus.flow_lookup(&key).unwrap().is_some();
        assert_eq!(there(&mut nic, learned), aged_goes, "age {age}");
        assert_eq!(there(&mut nic, flow_taught), !aged_goes, "age {age}");
        assert_eq!(nic.bus.flows.len(), 8);
    }
}

#[test]
fn a_quota_is_the_vvlans_own() {
    let mut nic = nic();
    nic.set_vvlan(
        300,
        VVlanRow {
            flow_quota: 0,
            ..cached(&[0])
        },
    );
    assert_eq!(
        nic.run(flow_add(flow(300, 0, 4), LOCAL)),
        Err(AdminError::Quota)
    );
    nic.set_vvlan(
        200,
        VVlanRow {
            flow_quota: 2,
            ..cached(&[0, 1])
        },
    );
    for sport in 0..4 {
        nic.run(flow_add(flow(200, 0, sport), LOCAL)).unwrap();
    }
    assert_eq!(
        nic.run(flow_add(flow(200, 0, 4), LOCAL)),
        Err(AdminError::Quota)
    );
    assert!(nic.run(flow_add(flow(100, 0, 4), LOCAL)).is_ok());
    assert_eq!(nic.bus.flows.len(), 5);
}

#[test]
fn a_changed_vvlan_drops_the_flows_that_may_be_wrong() {
    let old = cached(&[0, 1, 2]);
    let mode = VVlanRow {
        mode: Mode::Auto,
        ..old
    };
    for (new, kept) in [
        (old, true),
        (
            VVlanRow {
                miss: Miss::Drop,
                ..old
            },
            true,
        ),
        (
            VVlanRow {
                members: members(&[0, 1, 2, 3]),
                ..old
            },
            true,
        ),
        (
            VVlanRow {
                members: members(&[0, 1]),
                ..old
            },
            false,
        ),
        (
            VVlanRow {
                key_mask: 0xff,
                ..old
            },
            false,
        ),
        (mode, false),
        (VVlanRow { acl: true, ..old }, false),
        (
            VVlanRow {
                cache: false,
                ..old
            },
            false,
        ),
    ] {
        let mut nic = nic();
        nic.set_vvlan(200, old);
        nic.run(flow_add(flow(100, 0, 1), LOCAL)).unwrap();
        nic.run(flow_add(flow(200, 0, 1), LOCAL)).unwrap();
        let before = nic.bus.changes.len();
        nic.set_vvlan(100, new);
        let left: Vec<_> = nic.bus.flows.values().map(|flow| flow.instance).collect();
        assert_eq!(left.contains(&0), kept, "{new:?}");
        assert!(left.contains(&1), "of the other V.VLAN");
        assert_eq!(
            FakeBus::vvlan(&nic.bus, vvlan(100)).unwrap().1,
            support::in_use(100, new)
        );
        let [closed, invalidated, ..] = nic.bus.changes[before..] else {
            assert!(kept);
            continue;
        };
        // No frame finds an old entry by the new mask, nor is punted with the old one afterwards.
        assert!(
            matches!(closed, TableCommand::VVlan(0, row) if !row.cache && row.key_mask == new.key_mask)
        );
        assert!(matches!(invalidated, TableCommand::Invalidate(..)));
    }
}

#[test]
fn an_install_names_the_slot_and_both_rows() {
    struct Recorder(Vec<(u8, u16, [u32; 6])>);
    impl TableBus for Recorder {
        fn command(
            &mut self,
            op: hairpin_abi::Op,
            _: hairpin_abi::Table,
            index: u16,
            row: &mut [u32; 6],
        ) -> Result<hairpin_abi::Status, hairpin_nic_logic::BusFault> {
            self.0.push((op.code(), index, *row));
            Ok(hairpin_abi::Status::Stale)
        }
    }
    let mut bus = Recorder(Vec::new());
    let forward = redirect(1, Teacher::Learned);
    let status = bus.install(9, forward, Some(LOCAL));
    assert_eq!(status, Ok(hairpin_abi::Status::Stale));
    assert_eq!(
        bus.install(10, forward, None),
        Ok(hairpin_abi::Status::Stale)
    );
    assert_eq!(
        bus.0,
        [
            (7, 9, [forward.to_word(), LOCAL.to_word(), 0, 0, 0, 0]),
            (7, 10, [forward.to_word(), 0, 0, 0, 0, 0]),
        ]
    );
}

#[test]
fn a_silent_bus_is_an_error() {
    // A row, three thirds of the key, the insert, the lookup.
    for answers in 0..6 {
        let mut nic = nic();
        nic.bus.answers = Some(answers);
        let result = nic.run(flow_add(flow(100, 0, 1), LOCAL));
        assert_eq!(result, Err(AdminError::Hardware), "{answers}");
    }
    let mut nic = nic();
    nic.bus.answers = Some(6);
    assert!(nic.run(flow_add(flow(100, 0, 1), LOCAL)).is_ok());
    assert_eq!(row(&[0]).key_mask, 0);
}
