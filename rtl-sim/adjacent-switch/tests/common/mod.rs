// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the tests share: random frames and rules, and a NIC.

#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod nic;

use hairpin_abi::peer::{Key, KeyId, Mark};
use hairpin_abi::{MacAddr, VVlan, Vlan};
use hairpin_adjacent_switch::nic_port::Timing;
use hairpin_adjacent_switch::rules::{IpMatch, Masked};
use hairpin_adjacent_switch::switch::{PortSetup, Setup};
use hairpin_adjacent_switch::{Actions, Match, PortNo, Rule, Way};
use hairpin_eswitch::peer::Keys;

pub(crate) const TPID: u16 = 0x8100;
/// The port with the NIC.
pub(crate) const NIC: PortNo = PortNo(0);
/// A port with machines of their own.
pub(crate) const OTHER: PortNo = PortNo(1);
/// A port for copies.
pub(crate) const MIRROR: PortNo = PortNo(2);
pub(crate) const KEY: Key = Key::new([0x42; 16]);

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// The seed of a test, printed: `HAIRPIN_SEED` or 1.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("HAIRPIN_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(1);
    println!("seed {seed}");
    seed
}

pub(crate) fn keys() -> Keys {
    Keys::one(KeyId(1), KEY)
}

pub(crate) fn setup(mark: Mark) -> Setup {
    let port = |name: &str, reflects, keys| PortSetup {
        name: name.to_owned(),
        reflects,
        keys,
    };
    Setup {
        tpid: TPID,
        mark,
        address: MacAddr([2, 0, 0, 0, 0xff, 1]),
        ageing_seconds: 300,
        addresses: 1000,
        timing: Timing::default(),
        ports: vec![
            port("nic0", true, Some(keys())),
            port("p1", false, None),
            port("p2", false, None),
        ],
        fixed: Vec::new(),
    }
}

pub(crate) fn vvlan(id: u16) -> VVlan {
    VVlan::new(id).unwrap()
}

/// The address of a machine: 0 to 3 behind the NIC, 4 and 5 elsewhere.
pub(crate) fn mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0x0a, n])
}

pub(crate) const LOCAL: u8 = 4;

/// What a frame is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipe {
    pub(crate) vvlan: u16,
    pub(crate) sa: u8,
    pub(crate) da: u8,
    pub(crate) kind: Kind,
    pub(crate) src: u8,
    pub(crate) dst: u8,
    pub(crate) sport: u16,
    pub(crate) dport: u16,
    pub(crate) flags: u8,
    pub(crate) dscp: u8,
    pub(crate) ttl: u8,
    pub(crate) fragment: bool,
    pub(crate) tenant_tag: bool,
    pub(crate) marked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Arp,
    V4(u8),
    V6(u8),
}

impl Recipe {
    /// A frame from a machine behind the NIC.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let proto = rng.pick(&[6, 6, 17, 1, 47]);
        let kind = match rng.below(10) {
            0 => Kind::Arp,
            1 | 2 => Kind::V6(if proto == 1 { 58 } else { proto }),
            _ => Kind::V4(proto),
        };
        let sa = rng.below(LOCAL.into()) as u8;
        Self {
            vvlan: rng.pick(&[100, 100, 200]),
            sa,
            da: (usize::from(sa) + 1 + rng.below(5)) as u8 % 6,
            kind,
            src: rng.below(3) as u8,
            dst: rng.below(3) as u8,
            sport: rng.pick(&[8, 1024, 1025]),
            dport: rng.pick(&[0, 22, 80, 443]),
            flags: rng.pick(&[0x02, 0x10, 0x12, 0x04]),
            dscp: rng.pick(&[0, 0, 0, 46]),
            ttl: rng.pick(&[64, 64, 1]),
            fragment: rng.percent(3),
            tenant_tag: rng.percent(5),
            marked: rng.percent(5),
        }
    }

    pub(crate) fn frame(&self) -> Vec<u8> {
        let outer: u16 = if self.vvlan == 100 { 10 } else { 20 };
        let dei = if self.marked { 0x1000 } else { 0 };
        let mut frame = [mac(self.da).0, mac(self.sa).0].concat();
        let half = |frame: &mut Vec<u8>, value: u16| frame.extend(value.to_be_bytes());
        for value in [TPID, outer | dei, 0x8100, self.vvlan] {
            half(&mut frame, value);
        }
        if self.tenant_tag {
            frame.extend([0x81, 0, 0, 7]);
        }
        let l4 = |proto: u8, frame: &mut Vec<u8>| match proto {
            1 | 58 => frame.extend([self.sport as u8, self.dport as u8, 0, 0, 0, 1, 0, 1]),
            _ => {
                frame.extend(self.sport.to_be_bytes());
                frame.extend(self.dport.to_be_bytes());
                frame.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, self.flags, 1, 1, 0, 0, 0, 0]);
            }
        };
        match self.kind {
            Kind::Arp => {
                half(&mut frame, 0x0806);
                frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
                frame.extend([9; 20]);
            }
            Kind::V4(proto) => {
                half(&mut frame, 0x0800);
                let ip = frame.len();
                frame.extend([
                    0x45,
                    self.dscp << 2,
                    0,
                    60,
                    0,
                    1,
                    if self.fragment { 0x20 } else { 0 },
                    0,
                ]);
                // One of the sources has an address that a key without IP has, too.
                let net = if self.src == 2 {
                    [0; 4]
                } else {
                    [10, 0, 0, self.src]
                };
                frame.extend([self.ttl, proto, 0, 0]);
                frame.extend(net);
                frame.extend([10, 0, 1, self.dst]);
                l4(proto, &mut frame);
                frame.resize(ip + 60, 0);
            }
            Kind::V6(proto) => {
                half(&mut frame, 0x86dd);
                let class = self.dscp << 2;
                frame.extend([0x60 | class >> 4, class << 4, 0, 0, 0, 20, proto, self.ttl]);
                for low in [self.src, self.dst] {
                    frame.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, low]);
                }
                let end = frame.len() + 20;
                l4(proto, &mut frame);
                frame.resize(end, 0);
            }
        }
        let len = frame.len().max(60);
        frame.resize(len, 0);
        frame
    }
}

/// A rule on random fields, from the same values that frames have.
pub(crate) fn random_rule(rng: &mut Rng, name: usize) -> Rule {
    let mut matching = Match::default();
    let some = |rng: &mut Rng, percent| rng.percent(percent);
    if some(rng, 25) {
        matching.vvlan = Some(vvlan(rng.pick(&[100, 200])));
    }
    if some(rng, 10) {
        matching.port = Some(rng.pick(&[NIC, OTHER]));
    }
    if some(rng, 20) {
        let value = mac(rng.below(6) as u8).to_u64();
        let mask = rng.pick(&[u64::MAX >> 16, u64::MAX << 1, 1]);
        matching.da = Some(Masked::<u64>::some(value, mask));
    }
    if some(rng, 20) {
        let value = mac(rng.below(6) as u8).to_u64();
        matching.sa = Some(Masked::<u64>::some(value, u64::MAX >> 16));
    }
    if some(rng, 20) {
        matching.ethertype = Some(rng.pick(&[0x0800, 0x86dd, 0x0806]));
    }
    let address = |rng: &mut Rng| {
        let low = rng.below(3) as u128;
        if rng.percent(70) {
            let mask = rng.pick(&[0xffff_ffff, 0xffff_0000, 0]);
            let net = rng.pick(&[0x0a00_0000, 0x0a00_0100]);
            IpMatch {
                is_v6: false,
                address: Masked::<u128>::some(net | low, mask),
            }
        } else {
            let address = 0xfd_u128 << 120 | low;
            IpMatch {
                is_v6: true,
                address: Masked::<u128>::exact(address),
            }
        }
    };
    if some(rng, 15) {
        matching.ip_src = Some(address(rng));
    }
    if some(rng, 15) {
        matching.ip_dst = Some(address(rng));
    }
    if some(rng, 20) {
        matching.proto = Some(rng.pick(&[6, 17, 1, 47]));
    }
    if some(rng, 10) {
        matching.sport = Some(Masked::<u16>::some(
            rng.pick(&[8, 1024, 1025]),
            rng.pick(&[0xffff, 0xfffe]),
        ));
    }
    if some(rng, 20) {
        matching.dport = Some(Masked::<u16>::some(
            rng.pick(&[0, 22, 80, 443]),
            rng.pick(&[0xffff, 0xff00]),
        ));
    }
    if some(rng, 4) {
        matching.tcp_flags = Some(Masked::<u8>::some(2, rng.pick(&[2, 0x12])));
    }
    if some(rng, 3) {
        matching.dscp = Some(46);
    }
    if some(rng, 3) {
        matching.ttl = Some(1);
    }
    if some(rng, 3) {
        matching.vlan = Vlan::new(rng.pick(&[10, 20]));
    }
    if some(rng, 3) {
        matching.pcp = Some(0);
    }
    if some(rng, 6) {
        matching.keyable = Some(rng.percent(50));
    }
    let actions = match rng.below(10) {
        0..5 => Actions::ACCEPT,
        5 | 6 => Actions::DENY,
        7 => Actions {
            mirror: Some(MIRROR),
            ..Actions::ACCEPT
        },
        8 => Actions {
            set_vlan: Vlan::new(30),
            ..Actions::ACCEPT
        },
        _ => Actions {
            way: Way::Redirect(rng.pick(&[NIC, OTHER])),
            ..Actions::ACCEPT
        },
    };
    Rule {
        name: format!("rule-{name}"),
        priority: rng.below(4) as u32,
        matching,
        actions,
    }
}
