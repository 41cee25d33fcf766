// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random rules for the adjacent switch, about frames that it has seen.

use hairpin_abi::Vlan;
use hairpin_adjacent_switch::auditor::Book;
use hairpin_adjacent_switch::rules::{IpMatch, Masked};
use hairpin_adjacent_switch::{Actions, Match, Packet, Rule, RuleEdit, Way};

use super::beyond::{MIRROR, NIC, OTHERS};
use crate::rng::Rng;

/// Frames that rules are made from.
const SEEN: usize = 48;
/// Rules from which on more are taken away than added.
const RULES: usize = 6;

/// Writes rules.
#[derive(Debug)]
pub(super) struct Author {
    rng: Rng,
    tpid: u16,
    seen: Vec<Vec<u8>>,
    /// Rules so far.
    named: u64,
}

impl Author {
    pub(super) fn new(rng: Rng, tpid: u16) -> Self {
        Self {
            rng,
            tpid,
            seen: Vec::new(),
            named: 0,
        }
    }

    /// A frame of the NIC.
    pub(super) fn look_at(&mut self, frame: &[u8]) {
        if self.seen.len() < SEEN {
            self.seen.push(frame.to_vec());
        } else {
            let at = self.rng.below(SEEN);
            self.seen[at] = frame.to_vec();
        }
    }

    /// A change of these rules.
    pub(super) fn edit(&mut self, book: &Book) -> RuleEdit {
        let count = book.rules.len();
        let name = book.rules.get(self.rng.below(count.max(1)));
        match (self.rng.below(10), name.map(|rule| rule.name.clone())) {
            (0..5, Some(name)) if count > RULES => RuleEdit::Remove(name),
            (0, Some(name)) => RuleEdit::Remove(name),
            (1, Some(name)) => RuleEdit::Replace(Rule {
                name,
                ..self.rule()
            }),
            (2 | 3, _) => RuleEdit::Load(Vec::new(), Actions::ACCEPT),
            (4, _) => {
                let otherwise = *self.rng.pick(&[Actions::ACCEPT, Actions::DENY]);
                let rules = (0..self.rng.range(1, 4)).map(|_| self.rule()).collect();
                RuleEdit::Load(rules, otherwise)
            }
            _ => RuleEdit::Add(self.rule()),
        }
    }

    /// A rule about some fields of a frame that was seen.
    fn rule(&mut self) -> Rule {
        self.named += 1;
        let mut matching = Match::default();
        let seen = self.seen.get(self.rng.below(self.seen.len().max(1)));
        let packet = seen.and_then(|frame| Packet::parse(NIC, frame, self.tpid));
        let rng = &mut self.rng;
        for _ in 0..rng.range(1, 3) {
            let Some((p, _)) = &packet else { break };
            let low = *rng.pick(&[u64::MAX >> 16, 0xffff_ffff_ff00, 1]);
            let half = *rng.pick(&[u16::MAX, 0xff00, 1]);
            match rng.below(17) {
                0 => matching.port = Some(*rng.pick(&[NIC, NIC, OTHERS])),
                1 => matching.vvlan = p.vvlan,
                2 => matching.vlan = p.vlan,
                3 => matching.pcp = p.pcp,
                4 | 5 => {
                    matching.da = Some(Masked::<u64>::some(p.da.to_u64(), low));
                }
                6 | 7 => {
                    matching.sa = Some(Masked::<u64>::some(p.sa.to_u64(), low));
                }
                8 => matching.ethertype = Some(p.ethertype),
                9 => matching.proto = p.ip.map(|ip| ip.proto),
                10 => {
                    let mask = *rng.pick(&[u128::MAX, u128::MAX << 8, 0]);
                    let source = rng.percent(50);
                    let address = p.ip.map(|ip| IpMatch {
                        is_v6: ip.is_v6,
                        address: Masked::<u128>::some(if source { ip.src } else { ip.dst }, mask),
                    });
                    if source {
                        matching.ip_src = address;
                    } else {
                        matching.ip_dst = address;
                    }
                }
                11 => matching.sport = p.l4.map(|l4| Masked::<u16>::some(l4.0, half)),
                12 => matching.dport = p.l4.map(|l4| Masked::<u16>::some(l4.1, half)),
                13 => {
                    matching.tcp_flags = p.tcp_flags.map(|flags| Masked::<u8>::some(flags, 0x12));
                }
                14 => matching.dscp = p.ip.map(|ip| ip.dscp),
                15 => matching.ttl = p.ip.map(|ip| ip.ttl),
                _ => matching.keyable = Some(rng.percent(70)),
            }
        }
        let actions = match rng.below(10) {
            0..5 => Actions::ACCEPT,
            5..8 => Actions::DENY,
            8 => Actions {
                mirror: Some(MIRROR),
                set_vlan: if rng.percent(50) { None } else { Vlan::new(30) },
                ..Actions::ACCEPT
            },
            _ => Actions {
                way: Way::Redirect(*rng.pick(&[NIC, OTHERS])),
                ..Actions::ACCEPT
            },
        };
        Rule {
            name: format!("rule-{}", self.named),
            priority: rng.below(4) as u32,
            matching,
            actions,
        }
    }
}
