// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The golden model's tables that change by themselves, against a model that keeps no structure at
//! all: a list of what happened, read again for each question.

mod common;

use common::*;
use hairpin_abi::counter::{CacheTraffic, CounterAddr};
use hairpin_abi::row::MacKey;
use hairpin_abi::*;
use hairpin_eswitch::model::{Model, Traced};
use hairpin_eswitch::{CacheUse, Ingress};
use proptest::prelude::*;

const INSTANCES: u8 = 3;

fn flow_key(n: u8) -> FlowKey {
    FlowKey {
        src: PortId::new(if n & 1 == 0 { n >> 1 & 3 } else { 64 }).unwrap(),
        vvlan: Vlan::new(VVLAN_A).unwrap(),
        da: mac(n >> 3),
        sa: mac(n),
        ethertype: 0x0800,
        ip: IpFields::default(),
    }
}

fn mac_key(n: u8) -> MacKey {
    key(VVLAN_A, mac(n))
}

/// A step of the history.
#[derive(Clone, Copy, Debug)]
enum Step {
    Flow(u8, FlowRow, u8),
    Mac(u8, Target, bool, u8),
    DropFlow(u8),
    DropMac(u8),
    Invalidate(Table, Invalidation),
    Down(u8),
    Up(u8),
    Close,
    Use,
}

fn invalidation() -> impl Strategy<Value = Invalidation> {
    (prop::sample::select(Scope::ALL), 0..4_u8)
        .prop_map(|(scope, which)| Invalidation { scope, which })
}

prop_compose! {
    fn flow_row()(
        action in prop::sample::select(FlowAction::ALL),
        teacher in prop::sample::select(Teacher::ALL),
        pending in any::<bool>(),
        port in prop_oneof![0..4_u8, Just(64)],
    ) -> FlowRow {
        FlowRow { action, teacher, pending, port: PortId::new(port).unwrap() }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let target = prop_oneof![
        4 => (0..4_u8).prop_map(|n| Target::VPort(vf(n))),
        1 => (0..4_u8).prop_map(Target::Group),
    ];
    let table = || prop::sample::select(vec![Table::Mac, Table::Flow]);
    prop_oneof![
        5 => (0..16_u8, flow_row(), 0..INSTANCES).prop_map(|(n, row, i)| Step::Flow(n, row, i)),
        5 => (0..8_u8, target, any::<bool>(), 0..INSTANCES)
            .prop_map(|(n, target, is_static, i)| Step::Mac(n, target, is_static, i)),
        1 => (0..16_u8).prop_map(Step::DropFlow),
        1 => (0..8_u8).prop_map(Step::DropMac),
        2 => (table(), invalidation()).prop_map(|(table, what)| Step::Invalidate(table, what)),
        1 => (0..4_u8).prop_map(Step::Down),
        1 => (0..4_u8).prop_map(Step::Up),
        2 => Just(Step::Close),
        2 => Just(Step::Use),
    ]
}

/// True if the step ends the life of a flow with this key, row and instance.
fn ends_flow(step: &Step, enabled: bool, n: u8, row: &FlowRow, instance: u8) -> bool {
    let key = flow_key(n);
    let of = |port: u8| key.src.get() == port || row.port.get() == port;
    match *step {
        Step::Invalidate(Table::Flow, Invalidation { scope, which }) => match scope {
            Scope::All => true,
            Scope::Teacher => row.teacher.code() == which,
            Scope::VVlan => instance == which,
            Scope::VPort => of(which),
        },
        Step::Down(port) => enabled && of(port),
        Step::DropFlow(m) => m == n,
        _ => false,
    }
}

fn ends_mac(
    step: &Step,
    enabled: bool,
    n: u8,
    target: Target,
    is_static: bool,
    instance: u8,
) -> bool {
    let of = |port: u8| !is_static && target == Target::VPort(vf(port));
    match *step {
        Step::Invalidate(Table::Mac, Invalidation { scope, which }) => match scope {
            Scope::All => true,
            Scope::Teacher => u8::from(is_static) == which,
            Scope::VVlan => instance == which,
            Scope::VPort => of(which),
        },
        Step::Down(port) => enabled && of(port),
        Step::DropMac(m) => m == n,
        _ => false,
    }
}

/// True if the vPort is enabled after these steps.
fn enabled_after(steps: &[Step], port: u8) -> bool {
    let last = steps.iter().rev().find_map(|step| match step {
        Step::Up(up) if *up == port => Some(true),
        Step::Down(down) if *down == port => Some(false),
        _ => None,
    });
    last.unwrap_or(false)
}

fn was_enabled(steps: &[Step], at: usize) -> bool {
    match steps[at] {
        Step::Down(port) => enabled_after(&steps[..at], port),
        _ => false,
    }
}

fn port_row(enabled: bool) -> PortRow {
    PortRow {
        enabled,
        learning: true,
        max_macs: 3,
        ..PortRow::DISABLED
    }
}

/// The commands of a step.
fn commands(step: Step) -> Vec<TableCommand> {
    match step {
        Step::Flow(n, row, instance) => {
            let mut all = TableCommand::stage(&flow_key(n)).to_vec();
            all.push(TableCommand::FlowInsert(instance.into(), row));
            all
        }
        Step::Mac(n, target, is_static, instance) => {
            let row = MacRow {
                key: mac_key(n),
                target,
                is_static,
            };
            vec![TableCommand::MacInsert(instance.into(), row)]
        }
        Step::DropFlow(n) => {
            let mut all = TableCommand::stage(&flow_key(n)).to_vec();
            all.push(TableCommand::FlowDelete);
            all
        }
        Step::DropMac(n) => vec![TableCommand::MacDelete(mac_key(n))],
        Step::Invalidate(table, what) => vec![TableCommand::Invalidate(table, what)],
        Step::Down(port) => vec![TableCommand::Port(port.into(), port_row(false))],
        Step::Up(port) => vec![TableCommand::Port(port.into(), port_row(true))],
        Step::Close => vec![TableCommand::Teach(Teach::Close)],
        Step::Use => vec![TableCommand::Teach(Teach::Use)],
    }
}

fn fresh() -> Model {
    let mut model = Model::new(4);
    for port in 0..4_u16 {
        model.apply(&TableCommand::Port(port, port_row(false)));
    }
    for instance in 0..INSTANCES {
        let row = VVlanRow {
            flow_quota: 2,
            ..VVlanRow::new(Vlan::default(), Mode::Auto, Miss::Ignore)
        };
        model.apply(&TableCommand::VVlan(instance.into(), row));
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// After any history, exactly those entries are there whose last insert was accepted and that no later
    /// step ended; what is accepted follows from what is there.
    #[test]
    fn what_lives_is_what_nothing_ended(steps in prop::collection::vec(step(), 0..60)) {
        let mut model = fresh();
        // Position of the last accepted insert.
        let mut flows: [Option<usize>; 16] = [None; 16];
        let mut macs: [Option<usize>; 8] = [None; 8];
        for at in 0..steps.len() {
            let lives_flow = |born: Option<usize>, n: u8| born.is_some_and(|born| {
                let Step::Flow(_, row, instance) = steps[born] else { unreachable!() };
                (born + 1..at).all(|i| !ends_flow(&steps[i], was_enabled(&steps, i), n, &row, instance))
            });
            let lives_mac = |born: Option<usize>, n: u8| born.is_some_and(|born| {
                let Step::Mac(_, target, is_static, instance) = steps[born] else { unreachable!() };
                (born + 1..at)
                    .all(|i| !ends_mac(&steps[i], was_enabled(&steps, i), n, target, is_static, instance))
            });
            let expected = match steps[at] {
                Step::Flow(n, row, instance) => {
                    let of_instance = (0..16).filter(|m| lives_flow(flows[usize::from(*m)], *m)
                        && matches!(steps[flows[usize::from(*m)].unwrap()], Step::Flow(_, _, i) if i == instance));
                    let count = of_instance.count();
                    let born = flows[usize::from(n)].filter(|born| lives_flow(Some(*born), n));
                    match born.map(|born| steps[born]) {
                        Some(Step::Flow(_, old, _)) if old.teacher > row.teacher || row.pending =>
                            Status::Refused,
                        Some(_) => Status::Updated,
                        None if count >= 4 => Status::Quota,
                        None => Status::Ok,
                    }
                }
                Step::Mac(n, target, is_static, _) => {
                    let dynamic_at = |m: u8| match macs[usize::from(m)] {
                        Some(born) if lives_mac(Some(born), m) => match steps[born] {
                            Step::Mac(_, at, false, _) => Some(at),
                            _ => None,
                        },
                        _ => None,
                    };
                    let others = (0..8).filter(|m| *m != n && dynamic_at(*m) == Some(target)).count();
                    let born = macs[usize::from(n)].filter(|born| lives_mac(Some(*born), n));
                    let old = born.map(|born| steps[born]);
                    let here = dynamic_at(n) == Some(target);
                    match old {
                        Some(Step::Mac(_, _, true, _)) if !is_static => Status::Refused,
                        _ if !is_static && !here && matches!(target, Target::VPort(_)) && others >= 3 =>
                            Status::Quota,
                        Some(_) => Status::Updated,
                        None => Status::Ok,
                    }
                }
                _ => Status::Ok,
            };
            let mut status = Status::Ok;
            for command in commands(steps[at]) {
                status = model.apply(&command);
            }
            prop_assert_eq!(status, expected, "step {} of {:?}", at, steps);
            if matches!(status, Status::Ok | Status::Updated) {
                match steps[at] {
                    Step::Flow(n, ..) => flows[usize::from(n)] = Some(at),
                    Step::Mac(n, ..) => macs[usize::from(n)] = Some(at),
                    _ => {}
                }
            }
            // Handles are those of one entry each.
            let mut handles: Vec<u16> = model.tables.flows().map(|(_, entry)| entry.handle).collect();
            handles.sort_unstable();
            handles.dedup();
            prop_assert_eq!(handles.len(), model.tables.flows().count());
        }
        // What was pending when it was closed is in use after the next use, and nothing else is.
        for (key, entry) in model.tables.flows() {
            let n = (0..16_u8).find(|n| flow_key(*n) == *key).unwrap();
            let born = flows[usize::from(n)].unwrap();
            let Step::Flow(_, row, _) = steps[born] else { unreachable!() };
            let closed = steps[born..].iter().position(|step| matches!(step, Step::Close));
            let used = closed.is_some_and(|closed|
                steps[born + closed..].iter().any(|step| matches!(step, Step::Use)));
            prop_assert_eq!(entry.row, FlowRow { pending: row.pending && !used, ..row });
        }
    }
}

/// A NIC in which vf0's frames to vf1 hit a flow with handle 40.
fn with_flow() -> (Nic, Frame, Traced) {
    let frame = Frame::new(mac(1), mac(0));
    let row = FlowRow::new(FlowAction::Local, Teacher::Flow);
    let mut nic = Nic::new().flow(vf(0).into(), &frame, row);
    let (key, _) = nic.model.tables.flows().next().unwrap();
    let key = *key;
    nic.model.tables.remove_flow(&key);
    let mut data = row.to_words();
    data[5] = 3;
    let insert = Traced {
        op: Op::Insert,
        table: Table::Flow,
        index: 40,
        data,
        key: key.to_words(),
        status: Status::Ok,
        time: 0,
    };
    assert_eq!(nic.model.replay(&insert), Ok(()));
    (nic, frame, insert)
}

#[test]
fn hits_and_misses_are_counted_where_they_belong() {
    let (mut nic, frame, insert) = with_flow();
    let flow = |nic: &Nic, what| nic.model.counters.get(CounterAddr::flow(40, what).unwrap());
    let cache = |nic: &Nic, what| nic.model.counters.get(CounterAddr::cache(3, what));
    let from = Ingress::VPort(vf(0));
    let decision = nic.model.receive(0, &from, &frame.0);
    assert_eq!(
        (decision.cache, decision.reason),
        (CacheUse::Hit(40), Reason::FlowHit)
    );
    let other = Frame::new(mac(2), mac(0));
    assert_eq!(nic.model.receive(0, &from, &other.0).cache, CacheUse::Miss);
    // Dropped before it asks, and in a V.VLAN that does not ask.
    let spoofed = Frame::new(mac(2), mac(5));
    assert_eq!(
        nic.model.receive(0, &from, &spoofed.0).cache,
        CacheUse::Unused
    );
    let elsewhere = Frame::new(mac(5), mac(4));
    let decision = nic.model.receive(0, &Ingress::VPort(vf(4)), &elsewhere.0);
    assert_eq!(decision.cache, CacheUse::Unused);
    // What the firmware sends on is counted too.
    let again = Ingress::Core {
        src: vf(0).into(),
        vvlan: Vlan::new(VVLAN_A).unwrap(),
        nopunt: true,
    };
    nic.model.receive(0, &again, &frame.0);
    use CacheTraffic::{HitBytes, HitFrames, MissBytes, MissFrames};
    assert_eq!([flow(&nic, HitFrames), flow(&nic, HitBytes)], [2, 120]);
    let counts = [HitFrames, HitBytes, MissFrames, MissBytes].map(|what| cache(&nic, what));
    assert_eq!(counts, [2, 120, 1, 60]);
    // An update keeps the counters; a new entry with the handle begins anew.
    let updated = Traced {
        status: Status::Updated,
        ..insert
    };
    assert_eq!(nic.model.replay(&updated), Ok(()));
    assert_eq!(flow(&nic, HitFrames), 2);
    let delete = Traced {
        op: Op::Delete,
        ..insert
    };
    assert_eq!(nic.model.replay(&delete), Ok(()));
    assert_eq!(nic.model.replay(&insert), Ok(()));
    assert_eq!([flow(&nic, HitFrames), flow(&nic, HitBytes)], [0, 0]);
    assert_eq!(cache(&nic, HitFrames), 2);
}

#[test]
fn a_traced_insert_is_followed_or_questioned() {
    let (nic, _, insert) = with_flow();
    let try_one = |traced: Traced| nic.model.clone().replay(&traced);
    let quota = nic.model.clone();
    assert_eq!(quota.tables.flows().count(), 1);
    // There already, and not with that handle.
    assert!(try_one(insert).is_err());
    let updated = Traced {
        status: Status::Updated,
        ..insert
    };
    assert!(try_one(updated).is_ok());
    assert!(
        try_one(Traced {
            index: 41,
            ..updated
        })
        .is_err()
    );
    // Another key may not take the handle, nor be `updated`.
    let mut other = insert;
    other.key.0[0] ^= 1;
    assert!(try_one(other).is_err());
    let other = Traced { index: 41, ..other };
    assert!(try_one(other).is_ok());
    let as_ = |status| Traced { status, ..other };
    assert!(try_one(as_(Status::Updated)).is_err());
    assert!(try_one(as_(Status::Refused)).is_err());
    assert!(try_one(as_(Status::Full)).is_ok());
    // There is room, and a flow that the host adds has no epochs to be stale.
    assert!(try_one(as_(Status::Quota)).is_err());
    assert!(try_one(as_(Status::Stale)).is_err());
    assert!(try_one(as_(Status::NotFound)).is_err());
    // A lower teacher may not replace it.
    let mut learned = insert;
    learned.data[0] = FlowRow::new(FlowAction::Drop, Teacher::Learned).to_word();
    assert!(
        try_one(Traced {
            status: Status::Updated,
            ..learned
        })
        .is_err()
    );
    assert!(
        try_one(Traced {
            status: Status::Refused,
            ..learned
        })
        .is_ok()
    );
    // More than the V.VLAN may have.
    let mut crowd = nic.model.clone();
    for n in 1..32 {
        let mut more = insert;
        more.key.0[0] = n;
        more.index = 100 + n as u16;
        assert_eq!(crowd.replay(&more), Ok(()));
    }
    let mut more = insert;
    more.key.0[0] = 99;
    more.index = 99;
    assert!(crowd.clone().replay(&more).is_err());
    let refused = Traced {
        status: Status::Quota,
        ..more
    };
    assert!(crowd.replay(&refused).is_ok());
    // Dead entries count until they are swept.
    let what = Invalidation {
        scope: Scope::Teacher,
        which: Teacher::Flow.code(),
    };
    crowd.apply(&TableCommand::Invalidate(Table::Flow, what));
    assert_eq!(crowd.tables.occupancy(Table::Flow), (0, 32));
    assert!(crowd.clone().replay(&more).is_ok());
    assert!(crowd.clone().replay(&refused).is_ok());
    crowd.tables.swept(Table::Flow);
    assert!(crowd.replay(&refused).is_err());
}

#[test]
fn nothing_ages_before_its_time() {
    const UNIT: u64 = 1 << Seen::SHIFT;
    let (nic, frame, insert) = with_flow();
    let sweep = |age: u32, teacher: u32, time: u64| Traced {
        op: Op::Sweep,
        data: [0, 0, 0, 0, 0, age | teacher << 16],
        time,
        ..insert
    };
    let flow = u32::from(Teacher::Flow.code());
    let try_one = |model: &Model, traced: Traced| model.clone().replay(&traced);
    assert!(try_one(&nic.model, sweep(10, flow, 10 * UNIT)).is_ok());
    assert!(try_one(&nic.model, sweep(10, flow, 8 * UNIT)).is_err());
    assert!(
        try_one(&nic.model, sweep(10, 0, 10 * UNIT)).is_err(),
        "a higher teacher"
    );
    assert!(
        try_one(&nic.model, sweep(0, flow, 10 * UNIT)).is_err(),
        "no age given"
    );
    // A hit makes it young again.
    let mut used = nic.model.clone();
    used.receive(7 * UNIT, &Ingress::VPort(vf(0)), &frame.0);
    assert!(try_one(&used, sweep(10, flow, 15 * UNIT)).is_err());
    assert!(try_one(&used, sweep(10, flow, 17 * UNIT)).is_ok());
    // Twice is once too often.
    assert!(used.replay(&sweep(10, flow, 17 * UNIT)).is_ok());
    assert!(used.replay(&sweep(10, flow, 17 * UNIT)).is_err());

    // Addresses: used as a source from their own vPort; static ones never.
    let mut model = nic.model;
    model.apply(&TableCommand::mac_delete(
        VVlan::new(VVLAN_A).unwrap(),
        mac(0),
    ));
    let row = MacRow {
        key: key(VVLAN_A, mac(0)),
        target: Target::VPort(vf(0)),
        is_static: false,
    };
    let mac_insert = Traced {
        table: Table::Mac,
        index: 77,
        data: row.to_words(),
        time: UNIT,
        ..insert
    };
    let mut crowded = model.clone();
    assert!(crowded.replay(&mac_insert).is_err(), "max_macs is 0");
    let mut port = PortRow::DISABLED;
    (port.enabled, port.max_macs, port.vvlan) = (true, 1, Vlan::new(VVLAN_A).unwrap());
    port.learning = true;
    model.apply(&TableCommand::Port(0, port));
    assert!(
        model.clone().replay(&mac_insert).is_err(),
        "no frame has shown it"
    );
    model.receive(UNIT, &Ingress::VPort(vf(0)), &frame.0);
    assert_eq!(model.clone().replay(&mac_insert), Ok(()));
    // What has moved since makes it stale, and nothing else does.
    let stale = Traced {
        status: Status::Stale,
        ..mac_insert
    };
    assert!(model.clone().replay(&stale).is_err());
    let mut moved = model.clone();
    let what = Invalidation {
        scope: Scope::VPort,
        which: 0,
    };
    moved.apply(&TableCommand::Invalidate(Table::Mac, what));
    assert!(moved.clone().replay(&mac_insert).is_err());
    assert!(moved.replay(&stale).is_ok());
    assert_eq!(model.replay(&mac_insert), Ok(()));
    let sweep_mac = |row: MacRow, time: u64| {
        let mut data = row.key.to_words();
        data[5] = 4;
        Traced {
            op: Op::Sweep,
            table: Table::Mac,
            data,
            time,
            ..insert
        }
    };
    assert!(try_one(&model, sweep_mac(row, 3 * UNIT)).is_err());
    assert!(try_one(&model, sweep_mac(row, 5 * UNIT)).is_ok());
    model.receive(3 * UNIT, &Ingress::VPort(vf(0)), &frame.0);
    assert!(try_one(&model, sweep_mac(row, 5 * UNIT)).is_err());
    let fixed = MacRow {
        key: key(VVLAN_A, mac(1)),
        ..row
    };
    assert!(
        try_one(&model, sweep_mac(fixed, 500 * UNIT)).is_err(),
        "a static one"
    );
}
