// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Random histories: commands and learn punts against a reference that keeps everything in maps, and
//! commands made of any words.

mod support;

use std::collections::BTreeMap;

use hairpin_abi::admin::{AdminError, Command, Flush};
use hairpin_abi::row::MacKey;
use hairpin_abi::{PortRow, Reason, Role, Target, VPort};
use hairpin_nic_logic::punt::{Learned, Punt};
use proptest::prelude::*;
use support::{Nic, VPORTS, key, mac, row, to_vport, vport, vvlan};

const INSTANCES: usize = 4;
const CAPACITY: u16 = 12;
const MAX_MACS: u8 = 5;

#[derive(Clone, Copy, Debug)]
enum Step {
    Set(u16),
    Del(u16),
    Add(u16, u8, u8),
    Remove(u16, u8),
    Flush(u8),
    Learn(u16, u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let (id, last, port) = (1..7_u16, 0..10_u8, 0..VPORTS);
    prop_oneof![
        2 => id.clone().prop_map(Step::Set),
        1 => id.clone().prop_map(Step::Del),
        5 => (id.clone(), last.clone(), port.clone()).prop_map(|(i, l, p)| Step::Add(i, l, p)),
        2 => (id.clone(), last.clone()).prop_map(|(i, l)| Step::Remove(i, l)),
        1 => port.clone().prop_map(Step::Flush),
        5 => (id, last, port).prop_map(|(i, l, p)| Step::Learn(i, l, p)),
    ]
}

/// What should be in the tables.
#[derive(Default)]
struct Reference {
    vvlans: Vec<u16>,
    macs: BTreeMap<MacKey, (VPort, bool)>,
}

impl Reference {
    fn learned(&self, port: VPort) -> usize {
        self.macs
            .values()
            .filter(|entry| **entry == (port, false))
            .count()
    }

    fn remove_if(&mut self, test: impl Fn(&MacKey, &(VPort, bool)) -> bool) -> u32 {
        let before = self.macs.len();
        self.macs.retain(|key, entry| !test(key, entry));
        (before - self.macs.len()) as u32
    }

    fn full(&self) -> bool {
        self.macs.len() == usize::from(CAPACITY)
    }

    /// What the command answers; the instance of a V.VLAN is looked at elsewhere.
    fn step(&mut self, step: Step) -> Result<Option<u32>, AdminError> {
        match step {
            Step::Set(id) if self.vvlans.contains(&id) => Ok(None),
            Step::Set(_) if self.vvlans.len() == INSTANCES => Err(AdminError::NoInstance),
            Step::Set(id) => {
                self.vvlans.push(id);
                Ok(None)
            }
            Step::Del(id) if !self.vvlans.contains(&id) => Err(AdminError::VvlanUnknown),
            Step::Del(id) => {
                self.vvlans.retain(|other| *other != id);
                Ok(Some(self.remove_if(|key, _| key.vvlan == vvlan(id))))
            }
            Step::Add(id, ..) if !self.vvlans.contains(&id) => Err(AdminError::VvlanUnknown),
            Step::Add(id, last, port) => match self.macs.get(&key(id, last)) {
                Some((_, true)) => Err(AdminError::Exists),
                None if self.full() => Err(AdminError::TableFull),
                _ => {
                    self.macs.insert(key(id, last), (vport(port), true));
                    Ok(Some(0))
                }
            },
            Step::Remove(id, last) => match self.macs.remove(&key(id, last)) {
                Some(_) => Ok(Some(0)),
                None => Err(AdminError::NotFound),
            },
            Step::Flush(port) => Ok(Some(
                self.remove_if(|_, entry| *entry == (vport(port), false)),
            )),
            Step::Learn(id, last, port) => {
                let (key, port) = (key(id, last), vport(port));
                let quota = self.learned(port) >= usize::from(MAX_MACS);
                let allowed = match self.macs.get(&key) {
                    Some((holder, is_static)) => *holder == port || (!is_static && !quota),
                    None => !quota && !self.full(),
                };
                if self.vvlans.contains(&id) && allowed {
                    self.macs
                        .entry(key)
                        .and_modify(|entry| entry.0 = port)
                        .or_insert((port, false));
                    Ok(None)
                } else {
                    Err(AdminError::Denied)
                }
            }
        }
    }
}

fn run(nic: &mut Nic, step: Step, time: u64) -> Result<Option<u32>, AdminError> {
    let all: Vec<u8> = (0..VPORTS).collect();
    match step {
        Step::Set(id) => nic
            .run(Command::VVlanSet {
                id: vvlan(id),
                row: row(&all),
            })
            .map(|_| None),
        Step::Del(id) => nic.run(Command::VVlanDel { id: vvlan(id) }).map(Some),
        Step::Add(id, last, port) => nic.run(to_vport(id, last, port)).map(Some),
        Step::Remove(id, last) => nic.run(Command::FdbDel(key(id, last))).map(Some),
        Step::Flush(port) => nic
            .run(Command::FdbFlush(Flush::VPort(vport(port))))
            .map(Some),
        Step::Learn(id, last, port) => {
            let [a, b, c, d, e, f] = mac(last).0;
            let header = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, a, b, c, d, e, f, 8, 6];
            let src = vport(port).into();
            let punt = Punt {
                src,
                reason: Reason::Learn,
                vvlan: Some(vvlan(id)),
                header,
            };
            match nic.control.punted(&mut nic.bus, &punt, time) {
                (_, Some(Learned::Refused(_))) => Err(AdminError::Denied),
                _ => Ok(None),
            }
        }
    }
}

proptest! {
    #[test]
    fn histories_agree_with_the_reference(steps in prop::collection::vec(step(), 1..200)) {
        let mut nic = Nic::with_capacity(CAPACITY);
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
        for (index, step) in steps.into_iter().enumerate() {
            // Far apart, so that the limit of moves plays no part.
            let actual = run(&mut nic, step, (index as u64) << 32);
            prop_assert_eq!(actual, reference.step(step), "{:?}", step);
            let macs: BTreeMap<_, _> = nic.bus.memory.macs()
                .map(|row| match row.target {
                    Target::VPort(port) => (row.key, (port, row.is_static)),
                    Target::Group(_) => unreachable!("no groups here"),
                })
                .collect();
            prop_assert_eq!(&macs, &reference.macs, "{:?}", step);
            for number in 0..VPORTS {
                let count = nic.control.addresses().count(vport(number));
                prop_assert_eq!(usize::from(count), reference.learned(vport(number)));
            }
        }
    }

    #[test]
    fn any_words_are_answered(
        mut words in prop::array::uniform16(any::<u32>()),
        opcode in 0..9_u32,
        id in 0..6_u32,
    ) {
        let mut nic = Nic::new();
        nic.add_vvlan(1, &[0, 1]);
        words[0] = opcode;
        words[1] = if opcode == 3 || opcode == 4 { words[1] } else { id };
        // `run_words` checks that an error has changed nothing.
        let _ = nic.run_words(&words);
    }
}
