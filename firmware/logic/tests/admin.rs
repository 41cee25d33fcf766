// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Admin commands against the golden model's tables.

mod support;

use hairpin_abi::admin::{AdminError, Command, Crash, Flush};
use hairpin_abi::ids::PortSet;
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::{
    FlowAction, FlowRow, Invalidation, MacAddr, MacRow, Miss, Mode, PortRow, Role, Scope, Status,
    Table, TableCommand, Target, Teacher, VVlanRow,
};
use hairpin_nic_logic::Outcome;
use support::{
    FakeBus, Nic, VPORTS, cached, entry, flow, flow_add, group_row, in_use, key, row, to_vport,
    vlan, vport, vvlan,
};

fn set(id: u16, row: VVlanRow) -> Command {
    Command::VVlanSet { id: vvlan(id), row }
}

#[test]
fn a_vvlan_gets_an_instance_and_keeps_it() {
    let mut nic = Nic::new();
    assert_eq!(nic.add_vvlan(100, &[0, 1]), 0);
    assert_eq!(nic.add_vvlan(200, &[2]), 1);
    assert_eq!(nic.add_vvlan(100, &[0, 1, 3]), 0);
    assert_eq!(
        FakeBus::vvlan(&nic.bus, vvlan(100)),
        Some((0, in_use(100, row(&[0, 1, 3]))))
    );
    assert_eq!(
        FakeBus::vvlan(&nic.bus, vvlan(200)),
        Some((1, in_use(200, row(&[2]))))
    );
    // The row comes before the map: no frame sees the instance of another.
    assert!(matches!(nic.bus.changes[0], TableCommand::VVlan(0, _)));
    assert!(matches!(nic.bus.changes[1], TableCommand::VVmap(100, _)));
}

#[test]
fn instances_run_out_and_come_back() {
    let mut nic = Nic::new();
    for id in 1..=4 {
        nic.add_vvlan(id, &[0]);
    }
    assert_eq!(nic.run(set(5, row(&[0]))), Err(AdminError::NoInstance));
    assert_eq!(nic.run(Command::VVlanDel { id: vvlan(2) }), Ok(0));
    assert_eq!(nic.run(set(5, row(&[0]))), Ok(1));
    assert_eq!(FakeBus::vvlan(&nic.bus, vvlan(2)), None);
    assert_eq!(
        nic.run(Command::VVlanDel { id: vvlan(2) }),
        Err(AdminError::VvlanUnknown)
    );
}

#[test]
fn a_vvlan_row_is_checked() {
    let mut nic = Nic::new();
    let good = row(&[0, 7]);
    let pairs = [
        (Mode::Veb, Miss::Ignore, true),
        (Mode::Veb, Miss::External, false),
        (Mode::Veb, Miss::Slowpath, true),
        (Mode::Veb, Miss::Drop, true),
        (Mode::Vepa, Miss::Ignore, false),
        (Mode::Vepa, Miss::External, true),
        (Mode::Vepa, Miss::Slowpath, false),
        (Mode::Vepa, Miss::Drop, false),
        (Mode::Auto, Miss::Ignore, true),
        (Mode::Auto, Miss::External, true),
        (Mode::Auto, Miss::Slowpath, true),
        (Mode::Auto, Miss::Drop, true),
    ];
    for (mode, miss, legal) in pairs {
        let expected = if legal {
            Ok(0)
        } else {
            Err(AdminError::BadMode)
        };
        assert_eq!(
            nic.run(set(1, VVlanRow { mode, miss, ..good })),
            expected,
            "{mode} {miss}"
        );
    }
    let accept = |id| [None, Some(vlan(11)), None, Some(vlan(id))];
    let refused = [
        (
            VVlanRow {
                vlan: vlan(0),
                ..good
            },
            AdminError::BadVlan,
        ),
        (
            VVlanRow {
                vlan: vlan(4095),
                ..good
            },
            AdminError::BadVlan,
        ),
        (
            VVlanRow {
                accept: accept(0),
                ..good
            },
            AdminError::BadVlan,
        ),
        (
            VVlanRow {
                accept: accept(4095),
                ..good
            },
            AdminError::BadVlan,
        ),
        (
            VVlanRow {
                members: PortSet(1 << VPORTS),
                ..good
            },
            AdminError::BadVport,
        ),
        (
            VVlanRow {
                members: PortSet(1 << 63),
                ..good
            },
            AdminError::BadVport,
        ),
        (
            VVlanRow {
                vswitch: Some(vport(3)),
                ..good
            },
            AdminError::NotMember,
        ),
        (VVlanRow { acl: true, ..good }, AdminError::NoCache),
        (
            VVlanRow {
                key_mask: 1 << 9,
                ..good
            },
            AdminError::BadArgument,
        ),
    ];
    for (row, error) in refused {
        assert_eq!(nic.run(set(2, row)), Err(error), "{row:?}");
    }
    for row in [
        VVlanRow {
            accept: accept(4094),
            ..good
        },
        VVlanRow {
            vswitch: Some(vport(7)),
            ..good
        },
        VVlanRow {
            acl: true,
            cache: true,
            key_mask: 0x1ff,
            flow_quota: 15,
            ..good
        },
        VVlanRow {
            vlan: vlan(1),
            members: PortSet((1 << VPORTS) - 1),
            ..good
        },
    ] {
        assert!(nic.run(set(2, row)).is_ok(), "{row:?}");
    }
}

#[test]
fn the_words_of_a_command_are_checked() {
    let mut nic = Nic::new();
    nic.add_vvlan(1, &[0]);
    for (words, error) in [
        (vec![14], AdminError::UnknownOpcode),
        (vec![0x101], AdminError::UnknownOpcode),
        (vec![1, 0], AdminError::BadVvlan),
        (vec![1, 4095], AdminError::BadVvlan),
        (vec![2, 0x1_0001], AdminError::BadVvlan),
        (vec![5, 256], AdminError::BadGroup),
        (vec![6, 3, 64], AdminError::BadVport),
        (vec![6, 1, 0], AdminError::BadArgument),
        (vec![10, 4], AdminError::BadArgument),
        (vec![7, 2], AdminError::BadArgument),
        (vec![12, 3], AdminError::BadArgument),
        (vec![12, 2, 1], AdminError::BadArgument),
        (vec![12, 1], AdminError::BadArgument),
        (vec![12, 1, 0, 0x100], AdminError::BadArgument),
        (vec![13, 9], AdminError::BadArgument),
    ] {
        let mut command = [0; 16];
        command[..words.len()].copy_from_slice(&words);
        assert_eq!(nic.run_words(&command), Err(error), "{words:x?}");
    }
}

#[test]
fn static_entries_come_and_go() {
    let mut nic = Nic::new();
    nic.add_vvlan(100, &[0, 1]);
    nic.add_vvlan(200, &[0, 1]);
    assert_eq!(nic.run(to_vport(100, 9, 1)), Ok(0));
    assert_eq!(
        nic.run(to_vport(200, 9, 0)),
        Ok(0),
        "another V.VLAN, another address"
    );
    assert_eq!(nic.target(100, 9), Some(Target::VPort(vport(1))));
    assert!(
        nic.bus
            .mac_row(&key(100, 9))
            .is_some_and(|row| row.is_static)
    );
    assert_eq!(nic.run(to_vport(100, 9, 0)), Err(AdminError::Exists));
    let before = nic.bus.changes.len();
    assert_eq!(nic.run(to_vport(100, 9, 1)), Ok(0), "the same once more");
    assert_eq!(nic.bus.changes.len(), before);
    assert_eq!(nic.run(Command::FdbDel(key(100, 9))), Ok(0));
    assert_eq!(nic.target(100, 9), None);
    assert_eq!(
        nic.run(Command::FdbDel(key(100, 9))),
        Err(AdminError::NotFound)
    );
    assert_eq!(nic.target(200, 9), Some(Target::VPort(vport(0))));
}

#[test]
fn an_entry_has_to_make_sense() {
    let mut nic = Nic::new();
    nic.add_vvlan(100, &[0, 1]);
    let entry = |id, mac, target| {
        let key = MacKey {
            vvlan: vvlan(id),
            mac,
        };
        Command::FdbAdd(MacRow {
            key,
            target,
            is_static: true,
        })
    };
    let unicast = support::mac(1);
    let group = MacAddr([0x01, 0, 0x5e, 0, 0, 1]);
    let to = |number| Target::VPort(vport(number));
    for (command, expected) in [
        (entry(100, group, to(0)), Err(AdminError::BadTarget)),
        (
            entry(100, MacAddr::BROADCAST, to(0)),
            Err(AdminError::BadTarget),
        ),
        (
            entry(100, MacAddr::BROADCAST, Target::Group(0)),
            Err(AdminError::BadTarget),
        ),
        (
            entry(100, unicast, Target::Group(0)),
            Err(AdminError::BadTarget),
        ),
        (entry(100, unicast, to(VPORTS)), Err(AdminError::BadVport)),
        (entry(100, unicast, to(63)), Err(AdminError::BadVport)),
        (
            entry(100, group, Target::Group(16)),
            Err(AdminError::BadGroup),
        ),
        (entry(101, unicast, to(0)), Err(AdminError::VvlanUnknown)),
        (entry(100, unicast, to(2)), Err(AdminError::NotMember)),
        (entry(100, unicast, to(1)), Ok(0)),
        (entry(100, group, Target::Group(15)), Ok(0)),
    ] {
        assert_eq!(nic.run(command), expected, "{command:?}");
    }
}

#[test]
fn a_full_table_takes_no_more_and_loses_nothing() {
    let mut nic = Nic::with_capacity(2, 2);
    nic.add_vvlan(1, &[0]);
    assert_eq!(nic.run(to_vport(1, 1, 0)), Ok(0));
    assert_eq!(nic.run(to_vport(1, 2, 0)), Ok(0));
    assert_eq!(nic.run(to_vport(1, 3, 0)), Err(AdminError::TableFull));
    assert_eq!(nic.run(Command::VVlanDel { id: vvlan(1) }), Ok(0));
    nic.add_vvlan(1, &[0]);
    assert_eq!(nic.run(to_vport(1, 3, 0)), Ok(0));
}

#[test]
fn a_removed_vvlan_leaves_nothing_behind() {
    let mut nic = Nic::new();
    for id in [100, 200] {
        nic.set_vvlan(id, cached(&[0, 1]));
        for last in 0..20 {
            nic.run(to_vport(id, last, 0)).unwrap();
            let local = FlowRow::new(FlowAction::Local, Teacher::Policy);
            nic.run(flow_add(flow(id, 1, last.into()), local)).unwrap();
        }
    }
    let before = nic.bus.changes.len();
    assert_eq!(nic.run(Command::VVlanDel { id: vvlan(100) }), Ok(0));
    assert!(nic.bus.macs.keys().all(|key| key.vvlan == vvlan(200)));
    assert_eq!(nic.bus.macs.len(), 20);
    assert_eq!(nic.bus.flows.len(), 20);
    // The V.VLAN stops before its entries go, and their number does not matter.
    let of_instance = |table| {
        let what = Invalidation {
            scope: Scope::VVlan,
            which: 0,
        };
        TableCommand::Invalidate(table, what)
    };
    let [stop, macs, flows, row] = nic.bus.changes[before..] else {
        panic!("{:?}", &nic.bus.changes[before..])
    };
    assert_eq!(stop, TableCommand::VVmap(100, VVmapRow { instance: None }));
    assert_eq!(macs, of_instance(Table::Mac));
    assert_eq!(flows, of_instance(Table::Flow));
    assert!(matches!(row, TableCommand::VVlan(0, row) if row.id.is_none()));
}

#[test]
fn dynamic_entries_are_flushed_by_scope() {
    let fill = || {
        let mut nic = Nic::new();
        for id in [100, 200] {
            nic.add_vvlan(id, &[0, 1, 2]);
            let instance = u16::from(id == 200);
            for last in 0..9 {
                nic.set_port(
                    last % 3,
                    PortRow {
                        max_macs: 9,
                        ..PortRow::DISABLED
                    },
                );
                let status = nic
                    .bus
                    .insert_mac(instance, entry(id, last, last % 3, last >= 6));
                assert_eq!(status, Status::Ok);
            }
        }
        nic
    };
    let left = |nic: &Nic, id| {
        let of = |key: &MacKey| (key.vvlan == vvlan(id)).then_some(key.mac.0[5]);
        nic.bus.macs.keys().filter_map(of).collect::<Vec<_>>()
    };
    let statics = [6, 7, 8];
    let all = [0, 1, 2, 3, 4, 5, 6, 7, 8];

    let mut nic = fill();
    assert_eq!(nic.run(Command::FdbFlush(Flush::All)), Ok(0));
    assert_eq!(
        (left(&nic, 100), left(&nic, 200)),
        (statics.into(), statics.into())
    );
    let mut nic = fill();
    assert_eq!(nic.run(Command::FdbFlush(Flush::VVlan(vvlan(200)))), Ok(0));
    assert_eq!(
        (left(&nic, 100), left(&nic, 200)),
        (all.into(), statics.into())
    );
    assert_eq!(
        nic.run(Command::FdbFlush(Flush::VVlan(vvlan(300)))),
        Err(AdminError::VvlanUnknown)
    );
    let mut nic = fill();
    let before = nic.bus.changes.len();
    assert_eq!(nic.run(Command::FdbFlush(Flush::VPort(vport(1)))), Ok(0));
    assert_eq!(nic.bus.changes.len(), before + 1, "one step");
    let others = [0, 2, 3, 5, 6, 7, 8];
    assert_eq!(
        (left(&nic, 100), left(&nic, 200)),
        (others.into(), others.into())
    );
    assert_eq!(
        nic.run(Command::FdbFlush(Flush::VPort(vport(8)))),
        Err(AdminError::BadVport)
    );
}

#[test]
fn a_static_entry_replaces_a_learned_one() {
    let mut nic = Nic::new();
    nic.add_vvlan(100, &[0, 7]);
    nic.set_port(
        7,
        PortRow {
            max_macs: 1,
            ..PortRow::DISABLED
        },
    );
    assert_eq!(nic.bus.insert_mac(0, entry(100, 1, 7, false)), Status::Ok);
    assert_eq!(nic.run(to_vport(100, 1, 0)), Ok(0));
    assert_eq!(nic.bus.mac_row(&key(100, 1)), Some(entry(100, 1, 0, true)));
    // To the same vPort it changes as well: it stays from now on.
    assert_eq!(nic.bus.insert_mac(0, entry(100, 2, 7, false)), Status::Ok);
    assert_eq!(nic.run(to_vport(100, 2, 7)), Ok(0));
    assert_eq!(nic.run(Command::FdbFlush(Flush::VPort(vport(7)))), Ok(0));
    assert_eq!(nic.bus.mac_row(&key(100, 2)), Some(entry(100, 2, 7, true)));
}

#[test]
fn groups_are_set() {
    let mut nic = Nic::new();
    let set = |index, bits| Command::GroupSet {
        index,
        row: group_row(bits),
    };
    assert_eq!(nic.run(set(15, 0x81)), Ok(0));
    assert_eq!(nic.bus.group(15), group_row(0x81));
    assert_eq!(nic.run(set(16, 1)), Err(AdminError::BadGroup));
    assert_eq!(nic.run(set(0, 0x100)), Err(AdminError::BadVport));
}

#[test]
fn a_crash_is_refused_unless_allowed() {
    let mut nic = Nic::new();
    let command = Command::CrashTest(Crash::Hang);
    assert_eq!(nic.run(command), Err(AdminError::Denied));
    nic.control.allow_crash_test(true);
    let outcome = nic.control.execute(&mut nic.bus, &command.encode(), 0);
    assert_eq!(outcome, Outcome::Crash(Crash::Hang));
    assert_eq!(outcome.error(), AdminError::Ok);
}

#[test]
fn a_silent_bus_is_an_error_and_nothing_is_remembered() {
    // Whatever step the tables fail at, the command can be repeated.
    for answers in 0..2 {
        let mut nic = Nic::new();
        nic.bus.answers = Some(answers);
        assert_eq!(nic.run(set(1, row(&[0]))), Err(AdminError::Hardware));
        assert_eq!(FakeBus::vvlan(&nic.bus, vvlan(1)), None);
        nic.bus.answers = None;
        assert_eq!(nic.run(set(1, row(&[0]))), Ok(0));
    }
    for answers in 0..3 {
        let mut nic = Nic::new();
        nic.add_vvlan(1, &[0]);
        nic.bus.answers = Some(answers);
        assert_eq!(nic.run(to_vport(1, 1, 0)), Err(AdminError::Hardware));
        assert_eq!(nic.target(1, 1), None);
        nic.bus.answers = None;
        assert_eq!(nic.run(to_vport(1, 1, 0)), Ok(0));
    }
    for answers in 0..4 {
        let mut nic = Nic::new();
        nic.add_vvlan(1, &[0]);
        nic.run(to_vport(1, 1, 0)).unwrap();
        nic.bus.answers = Some(answers);
        let first = nic.run(Command::VVlanDel { id: vvlan(1) });
        nic.bus.answers = None;
        assert_eq!(first, Err(AdminError::Hardware));
        assert!(nic.run(Command::VVlanDel { id: vvlan(1) }).is_ok());
        assert_eq!(nic.target(1, 1), None);
        assert_eq!(FakeBus::vvlan(&nic.bus, vvlan(1)), None);
    }
}

#[test]
fn a_nic_with_64_vports_has_no_vport_too_many() {
    let mut nic = Nic::new();
    let limits = hairpin_nic_logic::Limits {
        vports: 64,
        instances: 64,
        groups: 256,
        mac_capacity: 64,
        flow_capacity: 64,
    };
    nic.control.init(limits, 0, 0);
    let all = VVlanRow {
        members: PortSet(u64::MAX),
        ..row(&[])
    };
    assert_eq!(nic.run(set(1, all)), Ok(0));
    assert_eq!(nic.run(to_vport(1, 1, 63)), Ok(0));
    let port = PortRow {
        role: Role::Vswitch,
        ..PortRow::DISABLED
    };
    assert!(port.is_vswitch());
}
