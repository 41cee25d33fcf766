// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The tables at boot and after a restart of the core, and what a tick does.

mod support;

use hairpin_abi::admin::{AdminError, Command};
use hairpin_abi::{
    FlowAction, FlowRow, Op, PortRow, RowWords, Status, Sweep, Table, TableCommand, Teach, Teacher,
    VVlanRow,
};
use hairpin_nic_logic::ageing::{MAX_SECONDS, PERIOD};
use hairpin_nic_logic::boot::Recovered;
use hairpin_nic_logic::{BusFault, TableBus};
use support::{
    FakeBus, INSTANCES, Nic, cached, entry, flow, flow_add, group_row, in_use, key, row, to_vport,
    vvlan,
};

const LOCAL: FlowRow = FlowRow::new(FlowAction::Local, Teacher::Policy);

#[test]
fn the_self_test_passes_and_leaves_nothing_behind() {
    let mut nic = Nic::new();
    assert_eq!(nic.control.test_tables(&mut nic.bus), Ok(()));
    assert!(nic.bus.changes.len() > 8);
    assert!(nic.bus.macs.is_empty() && nic.bus.flows.is_empty());
    assert_eq!(nic.bus.group(15), group_row(0));
    assert!(!nic.bus.instance(0).cache);
}

#[test]
fn the_self_test_sees_a_table_that_forgets() {
    /// What one table answers to one command is all zeros.
    struct Forgetful(FakeBus, Op, Table);
    impl TableBus for Forgetful {
        fn command(
            &mut self,
            op: Op,
            table: Table,
            index: u16,
            row: &mut RowWords,
        ) -> Result<Status, BusFault> {
            let status = self.0.command(op, table, index, row)?;
            if (op, table) == (self.1, self.2) {
                *row = [0; 6];
            }
            Ok(status)
        }
    }
    for (op, table) in [
        (Op::Read, Table::Group),
        (Op::Read, Table::Key),
        (Op::Lookup, Table::Mac),
        (Op::Lookup, Table::Flow),
    ] {
        let nic = Nic::new();
        let mut bus = Forgetful(nic.bus, op, table);
        assert_eq!(nic.control.test_tables(&mut bus), Err(BusFault), "{table}");
    }
    for answers in 0..30 {
        let mut nic = Nic::new();
        nic.bus.answers = Some(answers);
        assert_eq!(nic.control.test_tables(&mut nic.bus), Err(BusFault));
    }
}

/// Two V.VLANs with static, learned and flow entries of every teacher.
fn busy() -> Nic {
    let mut nic = Nic::new();
    for id in [100, 4094] {
        let instance = nic.set_vvlan(id, cached(&[0, 1])) as u16;
        let learning = PortRow {
            max_macs: 9,
            ..PortRow::DISABLED
        };
        nic.set_port(1, learning);
        nic.run(to_vport(id, 1, 0)).unwrap();
        let status = nic.bus.insert_mac(instance, entry(id, 2, 1, false));
        assert_eq!(status, Status::Ok);
        for teacher in [Teacher::Flow, Teacher::Policy] {
            let row = FlowRow::new(FlowAction::Local, teacher);
            let sport = teacher.code().into();
            nic.run(flow_add(flow(id, 0, sport), row)).unwrap();
        }
        let row = FlowRow::new(FlowAction::Local, Teacher::Learned);
        let learned = nic.bus.flow_insert(instance as u8, &flow(id, 0, 99), &row);
        assert_eq!(learned, Ok(Status::Ok));
    }
    nic
}

#[test]
fn a_restart_flushes_what_was_learned_and_keeps_the_rest() {
    let mut nic = busy();
    let before = nic.bus.changes.len();
    let expected = Recovered {
        vvlans: 2,
        refused: 0,
    };
    assert_eq!(nic.restart(), expected);
    let macs: Vec<_> = nic.bus.macs.keys().copied().collect();
    assert_eq!(macs, [key(100, 1), key(4094, 1)]);
    assert_eq!(nic.bus.teachers(), [Teacher::Policy; 2]);
    // V.VLANs are not even written: their frames pass without a break.
    let changes = &nic.bus.changes[before..];
    assert_eq!(changes.len(), 4, "{changes:?}");
    // Nothing more is installed before what was learned is gone.
    assert_eq!(changes[0], TableCommand::Teach(Teach::Off));
    for change in &changes[1..] {
        assert!(matches!(change, TableCommand::Invalidate(..)), "{change:?}");
    }
    // The bus can be tried, and nobody notices.
    let changes = nic.bus.changes.len();
    assert_eq!(nic.control.test_bus(&mut nic.bus), Ok(()));
    assert_eq!(nic.bus.changes.len(), changes);

    // The host sends its configuration again: the instances are the same, and nothing changes.
    let before = nic.bus.changes.len();
    assert_eq!(nic.set_vvlan(4094, cached(&[0, 1])), 1);
    assert_eq!(nic.run(to_vport(100, 1, 0)), Ok(0));
    assert_eq!(nic.bus.changes.len(), before);
    assert!(nic.run(flow_add(flow(100, 0, 2), LOCAL)).is_ok());
    assert_eq!(nic.bus.macs.len(), 2);
    assert_eq!(nic.bus.flows.len(), 2);
    assert_eq!(nic.run(to_vport(100, 1, 1)), Err(AdminError::Exists));
    // A V.VLAN that comes new gets an instance that is free.
    assert_eq!(nic.add_vvlan(200, &[0]), 2);
    assert_eq!(nic.run(Command::VVlanDel { id: vvlan(100) }), Ok(0));
    assert!(nic.bus.macs.keys().all(|key| key.vvlan == vvlan(4094)));
}

#[test]
fn a_restart_ends_a_command_that_was_half_done() {
    // V.VLAN 100 was being removed, V.VLAN 300 was being added.
    let mut nic = busy();
    nic.bus.answers = Some(1);
    assert_eq!(
        nic.run(Command::VVlanDel { id: vvlan(100) }),
        Err(AdminError::Hardware)
    );
    nic.bus.answers = Some(1);
    let set = Command::VVlanSet {
        id: vvlan(300),
        row: row(&[0]),
    };
    assert_eq!(nic.run(set), Err(AdminError::Hardware));
    nic.bus.answers = None;
    let expected = Recovered {
        vvlans: 1,
        refused: 2,
    };
    assert_eq!(nic.restart(), expected);
    for id in [100, 300] {
        assert_eq!(FakeBus::vvlan(&nic.bus, vvlan(id)), None);
    }
    for instance in [0, 2] {
        assert_eq!(nic.bus.instance(instance).id, None);
        assert!(nic.bus.instance(instance).members.is_empty());
        let lives = |with: u16| with == u16::from(instance);
        assert!(!nic.bus.macs.values().any(|(_, with)| lives(*with)));
        assert!(!nic.bus.flows.values().any(|flow| lives(flow.instance)));
    }
    // Both instances can be given out again, and V.VLAN 4094 has what it had.
    assert_eq!(nic.add_vvlan(300, &[0]), 0);
    assert_eq!(nic.add_vvlan(400, &[0]), 2);
    assert_eq!(nic.target(4094, 1), Some(entry(4094, 1, 0, true).target));
}

#[test]
fn a_key_mask_that_was_changing_leaves_no_entry_of_the_old_one() {
    for answers in 0..4 {
        let mut nic = busy();
        let row = VVlanRow {
            key_mask: 0xff,
            ..cached(&[0, 1])
        };
        nic.bus.answers = Some(answers);
        let set = Command::VVlanSet {
            id: vvlan(100),
            row,
        };
        assert_eq!(nic.run(set), Err(AdminError::Hardware), "{answers}");
        nic.bus.answers = None;
        nic.restart();
        nic.set_vvlan(100, row);
        let left: Vec<_> = nic.bus.flows.values().map(|flow| flow.instance).collect();
        assert_eq!(left, [1], "{answers}");
    }
}

#[test]
fn what_does_not_fit_together_is_switched_off() {
    let mut nic = busy();
    // Two rows claim one ID; an ID leads to the row of another, one to a row of nobody.
    nic.bus.corrupt_vvlan(2, &in_use(100, row(&[0, 1, 2])));
    nic.bus.corrupt_vvmap(500, Some(1));
    nic.bus.corrupt_vvmap(501, Some(3));
    let expected = Recovered {
        vvlans: 2,
        refused: 1,
    };
    assert_eq!(nic.restart(), expected);
    assert_eq!(
        FakeBus::vvlan(&nic.bus, vvlan(100)).map(|(i, _)| i),
        Some(0)
    );
    assert_eq!(nic.bus.instance(2).id, None);
    // The map is looked through little by little.
    let wrong = |nic: &Nic| [500, 501].map(|id| FakeBus::vvlan(&nic.bus, vvlan(id)).is_some());
    assert_eq!(wrong(&nic), [true, true]);
    for _ in 0..4096 / 8 {
        nic.tick();
    }
    assert_eq!(wrong(&nic), [false, false]);
    let right = [100, 4094].map(|id| FakeBus::vvlan(&nic.bus, vvlan(id)).map(|(i, _)| i));
    assert_eq!(right, [Some(0), Some(1)]);
    // Then it ends.
    let before = nic.bus.changes.len();
    nic.bus.corrupt_vvmap(500, Some(1));
    (0..100).for_each(|_| drop(nic.tick()));
    assert_eq!(nic.bus.changes.len(), before);
}

#[test]
fn the_audit_spares_a_vvlan_that_comes_meanwhile() {
    let mut nic = busy();
    nic.restart();
    (0..10).for_each(|_| drop(nic.tick()));
    nic.add_vvlan(3000, &[0]);
    (0..4096 / 8).for_each(|_| drop(nic.tick()));
    assert!(FakeBus::vvlan(&nic.bus, vvlan(3000)).is_some());
}

#[test]
fn a_restart_reports_tables_that_do_not_answer() {
    for answers in 0..3 + usize::from(INSTANCES) {
        let mut nic = busy();
        nic.bus.answers = Some(answers);
        assert_eq!(
            nic.control.recover(&mut nic.bus),
            Err(BusFault),
            "{answers}"
        );
    }
}

/// The sweeps so far.
fn sweeps(nic: &Nic) -> Vec<(Table, Sweep)> {
    let sweep = |command: &TableCommand| match command {
        TableCommand::Sweep(table, sweep) => Some((*table, *sweep)),
        _ => None,
    };
    nic.bus.changes.iter().filter_map(sweep).collect()
}

#[test]
fn both_tables_are_swept_about_once_a_second() {
    let mut nic = Nic::new();
    nic.run(Command::AgeingSet { mac: 10, flow: 2 }).unwrap();
    let start = nic.time;
    while nic.time - start < 5 * PERIOD {
        nic.tick();
    }
    let sweep = |age, teacher| Sweep { age, teacher };
    let expected = [
        (Table::Mac, sweep(746, Teacher::Learned)),
        (Table::Flow, sweep(150, Teacher::Flow)),
    ];
    let done = sweeps(&nic);
    assert_eq!(done[..2], expected);
    assert!((10..=12).contains(&done.len()), "{}", done.len());
}

#[test]
fn ageing_can_be_set_and_has_limits() {
    let mut nic = Nic::new();
    nic.tick();
    assert_eq!(sweeps(&nic).len(), 1, "the default, one table at a time");
    nic.time += PERIOD / 2;
    nic.tick();
    assert_eq!(sweeps(&nic).len(), 2);
    for (mac, flow) in [(MAX_SECONDS + 1, 0), (0, MAX_SECONDS + 1), (u32::MAX, 1)] {
        let result = nic.run(Command::AgeingSet { mac, flow });
        assert_eq!(result, Err(AdminError::BadArgument));
    }
    for (mac, flow, count) in [(0, 0, 0), (1, 0, 1), (0, MAX_SECONDS, 1)] {
        assert_eq!(nic.run(Command::AgeingSet { mac, flow }), Ok(0));
        let before = sweeps(&nic).len();
        for _ in 0..2 {
            nic.time += PERIOD / 2;
            nic.tick();
        }
        assert_eq!(sweeps(&nic).len() - before, count);
    }
}

#[test]
fn flows_age_but_policies_do_not() {
    let mut nic = Nic::new();
    nic.set_vvlan(100, cached(&[0]));
    nic.run(Command::AgeingSet { mac: 0, flow: 2 }).unwrap();
    for teacher in [Teacher::Flow, Teacher::Policy] {
        let row = FlowRow::new(FlowAction::Local, teacher);
        let sport = teacher.code().into();
        nic.run(flow_add(flow(100, 0, sport), row)).unwrap();
    }
    let wait = |nic: &mut Nic| {
        for _ in 0..4 {
            nic.time += PERIOD / 2; // 1.7 s in all
            nic.tick();
        }
        nic.bus.teachers()
    };
    assert_eq!(wait(&mut nic).len(), 2);
    assert_eq!(wait(&mut nic), [Teacher::Policy]);
}
