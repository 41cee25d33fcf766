// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Random histories: commands, learn events, punted frames and restarts against a reference that keeps
//! everything in maps, and commands made of any words.

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;

use hairpin_abi::admin::{AdminError, Command, Flush};
use hairpin_abi::row::MacKey;
use hairpin_abi::{
    FlowAction, FlowKey, FlowKeyWords, FlowRow, PortId, PortRow, Reason, Role, Target, Teacher,
};
use hairpin_nic_logic::learn::Learned;
use hairpin_nic_logic::punt::Punt;
use proptest::prelude::*;
use support::{
    INSTANCES, Nic, SharedBus, Unit, VPORTS, cached, flow, flow_add, key, mac, row, to_vport,
    vport, vvlan,
};

const CAPACITY: u16 = 12;
const MAX_MACS: u8 = 5;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// With the flow cache or without.
    Set(u16, bool),
    Del(u16),
    Add(u16, u8, u8),
    Remove(u16, u8),
    FlushMacs(Scope),
    /// A frame that the datapath shows, or one that it punts.
    Learn(u16, u8, u8),
    Punt(u16, u8, u8),
    /// V.VLAN, source, number, target, teacher.
    FlowAdd(u16, u8, u16, u8, u8),
    FlowDel(u16, u8, u16),
    FlushFlows(Scope),
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum Scope {
    All,
    VVlan(u16),
    VPort(u8),
    Teacher(u8),
}

impl Scope {
    fn flush(self) -> Flush {
        match self {
            Self::All => Flush::All,
            Self::VVlan(id) => Flush::VVlan(vvlan(id)),
            Self::VPort(port) => Flush::VPort(vport(port)),
            Self::Teacher(teacher) => Flush::Teacher(Teacher::from_code(teacher).expect("0 to 2")),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let (id, last, port) = (1..7_u16, 0..10_u8, 0..VPORTS);
    let address = (id.clone(), last.clone(), port.clone());
    let scope = prop_oneof![
        Just(Scope::All),
        id.clone().prop_map(Scope::VVlan),
        port.clone().prop_map(Scope::VPort),
        (0..3_u8).prop_map(Scope::Teacher),
    ];
    let flows = (id.clone(), port.clone(), 0..3_u16, port.clone(), 0..3_u8);
    prop_oneof![
        4 => (id.clone(), any::<bool>()).prop_map(|(i, cache)| Step::Set(i, cache)),
        1 => id.clone().prop_map(Step::Del),
        5 => address.clone().prop_map(|(i, l, p)| Step::Add(i, l, p)),
        2 => (id.clone(), last).prop_map(|(i, l)| Step::Remove(i, l)),
        1 => scope.clone().prop_map(Step::FlushMacs),
        5 => address.clone().prop_map(|(i, l, p)| Step::Learn(i, l, p)),
        2 => address.prop_map(|(i, l, p)| Step::Punt(i, l, p)),
        6 => flows.prop_map(|(i, s, n, p, t)| Step::FlowAdd(i, s, n, p, t)),
        2 => (id, port, 0..3_u16).prop_map(|(i, s, n)| Step::FlowDel(i, s, n)),
        1 => scope.prop_map(Step::FlushFlows),
        1 => Just(Step::Restart),
    ]
}

/// V.VLAN, source vPort, number.
type Flow = (u16, u8, u16);

/// What should be in the tables.
#[derive(Default)]
struct Reference {
    /// With the flow cache or without.
    vvlans: BTreeMap<u16, bool>,
    /// vPort, static.
    macs: BTreeMap<(u16, u8), (u8, bool)>,
    /// Target, teacher.
    flows: BTreeMap<Flow, (u8, u8)>,
}

impl Reference {
    fn learned(&self, port: u8) -> usize {
        let mine = |entry: &&(u8, bool)| **entry == (port, false);
        self.macs.values().filter(mine).count()
    }

    fn full(&self) -> bool {
        self.macs.len() == usize::from(CAPACITY)
    }

    /// What the command answers; numbers of instances and handles are looked at elsewhere.
    fn step(&mut self, step: Step) -> Result<(), AdminError> {
        let known = |id| self.vvlans.contains_key(&id);
        match step {
            Step::Set(id, _) if !known(id) && self.vvlans.len() == usize::from(INSTANCES) => {
                return Err(AdminError::NoInstance);
            }
            Step::Set(id, cache) => {
                if self.vvlans.insert(id, cache) != Some(cache) {
                    self.flows.retain(|flow, _| flow.0 != id);
                }
            }
            Step::Del(id) => {
                let there = self.vvlans.remove(&id);
                there.ok_or(AdminError::VvlanUnknown)?;
                self.macs.retain(|mac, _| mac.0 != id);
                self.flows.retain(|flow, _| flow.0 != id);
            }
            Step::Add(id, ..) if !known(id) => return Err(AdminError::VvlanUnknown),
            Step::Add(id, last, port) => match self.macs.get(&(id, last)) {
                Some((holder, true)) if *holder == port => {}
                Some((_, true)) => return Err(AdminError::Exists),
                None if self.full() => return Err(AdminError::TableFull),
                _ => drop(self.macs.insert((id, last), (port, true))),
            },
            Step::Remove(id, last) => {
                let there = self.macs.remove(&(id, last));
                there.ok_or(AdminError::NotFound)?;
            }
            Step::FlushMacs(Scope::Teacher(_)) => return Err(AdminError::BadArgument),
            Step::FlushMacs(Scope::VVlan(id)) | Step::FlushFlows(Scope::VVlan(id))
                if !known(id) =>
            {
                return Err(AdminError::VvlanUnknown);
            }
            Step::FlushMacs(scope) => self.macs.retain(|mac, entry| {
                entry.1
                    || match scope {
                        Scope::VVlan(id) => mac.0 != id,
                        Scope::VPort(port) => entry.0 != port,
                        _ => false,
                    }
            }),
            Step::Learn(id, last, port) | Step::Punt(id, last, port) => {
                let quota = self.learned(port) >= usize::from(MAX_MACS);
                let allowed = match self.macs.get(&(id, last)) {
                    Some((holder, is_static)) => *holder != port && !is_static && !quota,
                    None => !quota && !self.full(),
                };
                if known(id) && allowed {
                    self.macs.insert((id, last), (port, false));
                }
            }
            Step::FlowAdd(id, ..) | Step::FlowDel(id, ..) if !known(id) => {
                return Err(AdminError::VvlanUnknown);
            }
            Step::FlowAdd(id, ..) if !self.vvlans[&id] => return Err(AdminError::NoCache),
            Step::FlowAdd(.., 0) => return Err(AdminError::BadAction),
            Step::FlowAdd(id, source, number, port, teacher) => {
                let flow = (id, source, number);
                if self.flows.get(&flow).is_some_and(|old| old.1 > teacher) {
                    return Err(AdminError::Refused);
                }
                self.flows.insert(flow, (port, teacher));
            }
            Step::FlowDel(id, source, number) => {
                let there = self.flows.remove(&(id, source, number));
                there.ok_or(AdminError::NotFound)?;
            }
            Step::FlushFlows(scope) => self.flows.retain(|flow, entry| match scope {
                Scope::All => false,
                Scope::VVlan(id) => flow.0 != id,
                Scope::VPort(port) => flow.1 != port && entry.0 != port,
                Scope::Teacher(teacher) => entry.1 != teacher,
            }),
            Step::Restart => {
                self.macs.retain(|_, entry| entry.1);
                self.flows
                    .retain(|_, entry| entry.1 == Teacher::Policy.code());
            }
        }
        Ok(())
    }
}

fn punt(id: u16, last: u8, port: u8) -> Punt {
    let [a, b, c, d, e, f] = mac(last).0;
    Punt {
        src: vport(port).into(),
        reason: Reason::Learn,
        vvlan: Some(vvlan(id)),
        header: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, a, b, c, d, e, f, 8, 6],
    }
}

fn learn(nic: &mut Nic, key: MacKey, port: u8) {
    let time = nic.time;
    if nic.bus.vvlan_of(key.vvlan).is_none() {
        return; // no frame of it passes the ingress checks
    }
    let shared = RefCell::new(&mut nic.bus);
    let mut unit = Unit::new(&shared);
    unit.latency = 2;
    unit.frame(key, vport(port));
    let mut bus = SharedBus(&shared);
    nic.control
        .learn_events(&mut unit, &mut bus, || time, |_| {});
}

fn run(nic: &mut Nic, step: Step) -> Result<(), AdminError> {
    let all: Vec<u8> = (0..VPORTS).collect();
    let command = match step {
        Step::Set(id, cache) => Command::VVlanSet {
            id: vvlan(id),
            row: if cache { cached(&all) } else { row(&all) },
        },
        Step::Del(id) => Command::VVlanDel { id: vvlan(id) },
        Step::Add(id, last, port) => to_vport(id, last, port),
        Step::Remove(id, last) => Command::FdbDel(key(id, last)),
        Step::FlushMacs(Scope::Teacher(_)) => {
            return nic
                .run_words(&[6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
                .map(drop);
        }
        Step::FlushMacs(scope) => Command::FdbFlush(scope.flush()),
        Step::Learn(id, last, port) => {
            learn(nic, key(id, last), port);
            return Ok(());
        }
        Step::Punt(id, last, port) => {
            let (_, learned) = nic
                .control
                .punted(&mut nic.bus, &punt(id, last, port), nic.time);
            assert_ne!(learned, None::<Learned>);
            return Ok(());
        }
        Step::FlowAdd(id, source, number, port, teacher) => {
            let row = FlowRow {
                port: vport(port).into(),
                ..FlowRow::new(
                    FlowAction::Redirect,
                    Teacher::from_code(teacher).expect("0 to 2"),
                )
            };
            flow_add(flow(id, source, number), row)
        }
        Step::FlowDel(id, source, number) => Command::FlowDel(flow(id, source, number)),
        Step::FlushFlows(scope) => Command::FlowFlush(scope.flush()),
        Step::Restart => {
            assert_eq!(nic.restart().refused, 0);
            return Ok(());
        }
    };
    nic.run(command).map(drop)
}

/// The tables as the reference has them.
fn macs(nic: &Nic) -> BTreeMap<(u16, u8), (u8, bool)> {
    let entry = |(key, (row, instance)): (&MacKey, &(_, u16))| {
        let row: &hairpin_abi::MacRow = row;
        let Target::VPort(port) = row.target else {
            unreachable!("no groups here")
        };
        let serves = nic.bus.vvlan_of(key.vvlan).map(u16::from);
        assert_eq!(
            serves,
            Some(*instance),
            "it lives with the instance of its V.VLAN"
        );
        ((key.vvlan.get(), key.mac.0[5]), (port.get(), row.is_static))
    };
    nic.bus.macs.iter().map(entry).collect()
}

fn flows(nic: &Nic) -> BTreeMap<Flow, (u8, u8)> {
    let number = |port: PortId| port.vport().expect("a vPort").get();
    let entry = |(key, flow): (&[u32; 14], &support::Flow)| {
        let key = FlowKey::from_words(&FlowKeyWords(*key)).expect("a legal key");
        let place = (key.vvlan.get(), number(key.src), key.ip.sport);
        (place, (number(flow.row.port), flow.row.teacher.code()))
    };
    nic.bus.flows.iter().map(entry).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn histories_agree_with_the_reference(steps in prop::collection::vec(step(), 1..200)) {
        let mut nic = Nic::with_capacity(CAPACITY, 512);
        for number in 0..VPORTS {
            nic.set_port(number, PortRow {
                enabled: true,
                role: Role::Vswitch,
                learning: true,
                max_macs: MAX_MACS,
                ..PortRow::DISABLED
            });
        }
        let mut reference = Reference::default();
        for step in steps {
            // Far apart, so that the limit of moves plays no part.
            nic.time += 1 << 32;
            let actual = run(&mut nic, step);
            prop_assert_eq!(actual, reference.step(step), "{:?}", step);
            prop_assert_eq!(&macs(&nic), &reference.macs, "{:?}", step);
            prop_assert_eq!(&flows(&nic), &reference.flows, "{:?}", step);
        }
    }

    #[test]
    fn a_full_cache_takes_flows_and_keeps_policies(
        adds in prop::collection::vec((0..40_u16, 1..3_u8), 1..120),
    ) {
        let mut nic = Nic::with_capacity(8, 8);
        nic.set_vvlan(100, cached(&[0]));
        for (number, teacher) in adds {
            nic.time += 1 << 22;
            nic.bus.time = nic.time;
            let before = nic.bus.flows.clone();
            let teacher = Teacher::from_code(teacher).expect("1 or 2");
            let row = FlowRow::new(FlowAction::Local, teacher);
            let key = flow(100, 0, number);
            let result = nic.run(flow_add(key, row));
            let after = &nic.bus.flows;
            let policies = |flows: &BTreeMap<_, support::Flow>| -> Vec<_> {
                let policy = |flow: &support::Flow| flow.row.teacher == Teacher::Policy;
                flows.iter().filter(|(_, flow)| policy(flow)).map(|(key, _)| *key).collect()
            };
            let kept = policies(&before).iter().all(|key| after.contains_key(key));
            prop_assert!(kept, "a policy is gone");
            match result {
                Ok(_) => prop_assert!(after.contains_key(&key.to_words().0)),
                // A sample of 64 misses three of eight once in 10^13 times.
                Err(AdminError::TableFull) => prop_assert!(policies(&before).len() > 5),
                Err(error) => prop_assert_eq!(error, AdminError::Refused),
            }
            prop_assert!(after.len() <= 8);
        }
    }

    #[test]
    fn any_words_are_answered(
        mut words in prop::array::uniform16(any::<u32>()),
        opcode in 0..13_u32,
        id in 0..6_u32,
    ) {
        let mut nic = Nic::new();
        nic.set_vvlan(1, cached(&[0, 1]));
        words[0] = opcode;
        words[1] = if matches!(opcode, 3 | 4 | 8 | 9) { words[1] } else { id };
        // `run_words` checks that an error has changed nothing.
        let _ = nic.run_words(&words);
    }
}
