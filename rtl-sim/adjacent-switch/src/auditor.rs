// SPDX-License-Identifier: Apache-2.0 OR MIT

//! An auditor for tests: what the rules say about a frame, worked out from its bytes without the switch's parser or
//! matcher: the rules in the order in which they were written, every field by itself, the best match kept.

use crate::{Actions, PortNo, Rule, RuleEdit};

/// The rules as they stood at one moment.
#[derive(Clone, Debug)]
pub struct Book {
    /// In the order in which they were written.
    pub rules: Vec<Rule>,
    /// What happens to frames that none matches.
    pub otherwise: Actions,
}

impl Book {
    /// Changes them. The edit must be one that the switch takes.
    pub fn edit(&mut self, edit: &RuleEdit) {
        match edit {
            RuleEdit::Add(rule) => self.rules.push(rule.clone()),
            RuleEdit::Remove(name) => self.rules.retain(|rule| rule.name != *name),
            RuleEdit::Replace(rule) => {
                self.rules.retain(|old| old.name != rule.name);
                self.rules.push(rule.clone());
            }
            RuleEdit::Load(rules, otherwise) => {
                self.rules.clone_from(rules);
                self.otherwise = *otherwise;
            }
        }
    }

    /// What must happen to a frame that comes in with both NIC tags.
    #[must_use]
    pub fn says(&self, port: PortNo, frame: &[u8]) -> Actions {
        let mut best: Option<&Rule> = None;
        for rule in &self.rules {
            let better = best.is_none_or(|best| rule.priority > best.priority);
            if better && matches(rule, port, frame) {
                best = Some(rule);
            }
        }
        best.map_or(self.otherwise, |rule| rule.actions)
    }

    /// True if a NIC may switch it itself.
    #[must_use]
    pub fn accepts_only(&self, port: PortNo, frame: &[u8]) -> bool {
        self.says(port, frame) == Actions::ACCEPT
    }
}

fn be(frame: &[u8], at: usize, len: usize) -> Option<u128> {
    let bytes = frame.get(at..at + len)?;
    let mut number = 0;
    for byte in bytes {
        number = number * 256 + u128::from(*byte);
    }
    Some(number)
}

fn matches(rule: &Rule, port: PortNo, frame: &[u8]) -> bool {
    let want = &rule.matching;
    // A field that a frame has no room for is one that it does not have: see below.
    let number = |at, len| be(frame, at, len).unwrap_or(0);
    let there = |at: usize, len: usize| at + len <= frame.len();
    // Tenant tags, at most two.
    let mut at = 20;
    let mut tags = 0;
    while tags < 2 && [0x8100, 0x88a8, 0x9100, number(12, 2)].contains(&number(at, 2)) {
        (at, tags) = (at + 4, tags + 1);
    }
    let ethertype = number(at, 2);
    let ip = at + 2;
    let version = number(ip, 1) >> 4;
    let v4 = ethertype == 0x0800 && version == 4 && there(ip, 20);
    let v6 = ethertype == 0x86dd && version == 6 && there(ip, 40);
    let proto = if v4 {
        Some(number(ip + 9, 1))
    } else if v6 {
        Some(number(ip + 6, 1))
    } else {
        None
    };
    let fragment = v4 && number(ip + 6, 2) & 0x3fff != 0;
    let extension = v6 && [0, 43, 44, 50, 51, 60, 135, 139, 140].contains(&proto.unwrap_or(0));
    let keyable = !fragment && !extension;
    let l4 = if v4 {
        ip + 4 * (number(ip, 1) & 15) as usize
    } else {
        ip + 40
    };
    let (source, destination, dscp, ttl) = if v4 {
        (
            number(ip + 12, 4),
            number(ip + 16, 4),
            number(ip + 1, 1) / 4,
            number(ip + 8, 1),
        )
    } else if v6 {
        (
            number(ip + 8, 16),
            number(ip + 24, 16),
            number(ip, 2) / 64 % 64,
            number(ip + 7, 1),
        )
    } else {
        (0, 0, 0, 0)
    };
    let ports = match proto {
        Some(6 | 17 | 132) if keyable => Some((number(l4, 2), number(l4 + 2, 2))),
        Some(1 | 58) if keyable => Some((number(l4, 1), number(l4 + 1, 1))),
        _ => None,
    };
    let mut all = true;
    if let Some(p) = want.port {
        all &= p == port;
    }
    if let Some(vvlan) = want.vvlan {
        all &= u128::from(vvlan.get()) == number(18, 2) % 4096;
    }
    if let Some(vlan) = want.vlan {
        all &= u128::from(vlan.get()) == number(14, 2) % 4096;
    }
    if let Some(pcp) = want.pcp {
        all &= u128::from(pcp) == number(14, 1) >> 5;
    }
    if let Some(da) = want.da {
        all &= number(0, 6) & u128::from(da.mask) == u128::from(da.value);
    }
    if let Some(sa) = want.sa {
        all &= number(6, 6) & u128::from(sa.mask) == u128::from(sa.value);
    }
    if let Some(want) = want.ethertype {
        all &= ethertype == u128::from(want);
    }
    for (want, have) in [(want.ip_src, source), (want.ip_dst, destination)] {
        if let Some(want) = want {
            all &= if want.is_v6 { v6 } else { v4 };
            all &= have & want.address.mask == want.address.value;
        }
    }
    if let Some(want) = want.proto {
        all &= proto == Some(want.into());
    }
    if let Some(want) = want.sport {
        all &= ports.is_some_and(|ports| ports.0 & u128::from(want.mask) == u128::from(want.value));
    }
    if let Some(want) = want.dport {
        all &= ports.is_some_and(|ports| ports.1 & u128::from(want.mask) == u128::from(want.value));
    }
    if let Some(want) = want.tcp_flags {
        all = all
            && proto == Some(6)
            && keyable
            && there(l4 + 13, 1)
            && number(l4 + 13, 1) & u128::from(want.mask) == u128::from(want.value);
    }
    if let Some(want) = want.dscp {
        all &= (v4 || v6) && dscp == u128::from(want);
    }
    if let Some(want) = want.ttl {
        all &= (v4 || v6) && ttl == u128::from(want);
    }
    if let Some(want) = want.keyable {
        all &= keyable == want;
    }
    all
}
