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
                let otherwise = *self
                    .rng
                    .pick(&[Actions::ACCEPT, Actions::ACCEPT, Actions::DENY]);
                let rules = (0..self.rng.range(1, 4)).map(|_| self.rule()).collect();
                RuleEdit::Load(rules, otherwise)
            }
            _ => RuleEdit::Add(self.rule()),
        }
    }

    /// A rule about some fields of a frame that was seen; what no key has may have any value.
    fn rule(&mut self) -> Rule {
        self.named += 1;
        let mut matching = Match::default();
        let seen = self.seen.get(self.rng.below(self.seen.len().max(1)));
        let packet = seen.and_then(|frame| Packet::parse(NIC, frame, self.tpid));
        let rng = &mut self.rng;
        for _ in 0..*rng.pick(&[1, 1, 2, 3]) {
            let Some((p, _)) = &packet else { break };
            let low = *rng.pick(&[u64::MAX >> 16, 0xffff_ffff_ff00, 1]);
            let half = *rng.pick(&[u16::MAX, 0xff00, 1]);
            match rng.below(17) {
                0 => matching.port = Some(*rng.pick(&[NIC, NIC, OTHERS])),
                1 => matching.vvlan = p.vvlan,
                2 => matching.vlan = p.vlan,
                3 => matching.pcp = Some(rng.below(8) as u8),
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
                    let flags = rng.next() as u8;
                    matching.tcp_flags = p.tcp_flags.map(|_| Masked::<u8>::some(flags, 0x12));
                }
                14 => matching.dscp = p.ip.map(|_| rng.below(64) as u8),
                15 => matching.ttl = p.ip.map(|_| *rng.pick(&[1, 64])),
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

/// Changes a frame with both NIC tags so that it matches, as far as its kind goes: tags, addresses, and the fields of
/// IP and L4.
pub(super) fn meet(matching: &Match, frame: &mut [u8]) {
    let mut ip = 20;
    while matches!(half(frame, ip), 0x8100 | 0x88a8 | 0x9100) && ip < 28 {
        ip += 4;
    }
    let v6 = half(frame, ip) == 0x86dd;
    ip += 2;
    let words = usize::from(frame.get(ip).copied().unwrap_or(0) & 0xf);
    let l4 = if v6 { ip + 40 } else { ip + 4 * words };
    let mut put = |at: usize, len: usize, value: u128, mask: u128| {
        let Some(field) = frame.get_mut(at..at + len) else {
            return;
        };
        for (n, byte) in field.iter_mut().rev().enumerate() {
            let (value, mask) = ((value >> (8 * n)) as u8, (mask >> (8 * n)) as u8);
            *byte = *byte & !mask | value & mask;
        }
    };
    if let Some(da) = matching.da {
        put(0, 6, da.value.into(), da.mask.into());
    }
    if let Some(sa) = matching.sa {
        put(6, 6, sa.value.into(), sa.mask.into());
    }
    if let Some(vlan) = matching.vlan {
        put(14, 2, vlan.get().into(), 0xfff);
    }
    if let Some(pcp) = matching.pcp {
        put(14, 1, u128::from(pcp) << 5, 0xe0);
    }
    let (class, class_mask, source, len) = if v6 {
        (0, 0x0fc0, 8, 16)
    } else {
        (1, 0xfc, 12, 4)
    };
    if let Some(dscp) = matching.dscp {
        let (bytes, shift) = if v6 { (2, 6) } else { (1, 2) };
        put(ip + class, bytes, u128::from(dscp) << shift, class_mask);
    }
    if let Some(ttl) = matching.ttl {
        put(ip + if v6 { 7 } else { 8 }, 1, ttl.into(), 0xff);
    }
    for (want, at) in [(matching.ip_src, source), (matching.ip_dst, source + len)] {
        if let Some(want) = want.filter(|want| want.is_v6 == v6) {
            put(ip + at, len, want.address.value, want.address.mask);
        }
    }
    if let Some(sport) = matching.sport {
        put(l4, 2, sport.value.into(), sport.mask.into());
    }
    if let Some(dport) = matching.dport {
        put(l4 + 2, 2, dport.value.into(), dport.mask.into());
    }
    if let Some(flags) = matching.tcp_flags {
        put(l4 + 13, 1, flags.value.into(), flags.mask.into());
    }
}

fn half(frame: &[u8], at: usize) -> u16 {
    frame
        .get(at..at + 2)
        .map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with both NIC tags and a TCP segment, of which every field follows from `n`.
    fn frame(v6: bool, n: u8) -> Vec<u8> {
        let mut frame = vec![n; 90];
        frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, n, 2, 0, 0, 0, 1, n]);
        frame[12..20].copy_from_slice(&[0x81, 0, n << 5, 10, 0x81, 0, 0, 100]);
        if v6 {
            frame[20..22].copy_from_slice(&[0x86, 0xdd]);
            frame[22..29].copy_from_slice(&[0x60 | n & 15, n << 4, 0, 0, 0, 20, 6]);
        } else {
            frame[20..26].copy_from_slice(&[8, 0, 0x45, n << 2, 0, 40]);
            frame[28..30].fill(0);
            frame[31] = 6;
        }
        frame
    }

    #[test]
    fn a_frame_that_meets_a_rule_is_one_that_the_auditor_says_it_is_for() {
        for v6 in [false, true] {
            let mut author = Author::new(Rng::new(7), 0x8100);
            author.look_at(&frame(v6, 5));
            let mut met = 0;
            for n in 0..2000 {
                let rule = author.rule();
                let elsewhere = rule.matching.port == Some(OTHERS);
                if elsewhere || rule.matching.keyable == Some(false) {
                    continue;
                }
                let mut twin = frame(v6, n as u8 & 7);
                meet(&rule.matching, &mut twin);
                let actions = rule.actions;
                let otherwise = if actions == Actions::DENY {
                    Actions::ACCEPT
                } else {
                    Actions::DENY
                };
                let book = Book {
                    rules: vec![rule],
                    otherwise,
                };
                assert_eq!(book.says(NIC, &twin), actions, "{book:?} {twin:02x?}");
                met += 1;
            }
            assert!(met > 1000, "{met}");
        }
    }
}
