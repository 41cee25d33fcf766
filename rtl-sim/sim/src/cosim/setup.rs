// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random configurations, as a person would write them: `nic.toml`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hairpin_abi::peer::{Mark, MarkField};

use super::frames::{Tenant, Vport, World};
use crate::rng::Rng;

/// A configuration and what frames need to know of it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The text of `nic.toml`.
    pub toml: String,
    /// Its ports and addresses.
    pub world: World,
}

struct VvlanDraft {
    id: u16,
    vlan: u16,
    accept: Vec<u16>,
    members: Vec<u8>,
    vswitch: bool,
    macs: Vec<[u8; 6]>,
    groups: Vec<[u8; 6]>,
}

/// Makes a configuration for a NIC with `n_vf` vPorts, with an adjacent switch if there must be one.
pub fn random(rng: &mut Rng, n_vf: u8, always_switch: bool) -> Setup {
    let mut text = "version = 1\n".to_owned();
    let reflects = always_switch || rng.percent(65);
    let independent = rng.percent(25);
    let tpid = *rng.pick(&[0x8100_u16, 0x88a8, 0x88a8, 0x9100, 0x9200]);
    let pcp = rng.below(8);
    let fixed = vlan(rng);
    let mode = if independent {
        "independent"
    } else {
        "piggy-back"
    };
    let _ = writeln!(
        text,
        "[uplink]\nvlan-mode = \"{mode}\"\ntpid = {tpid:#06x}\nreflects = {reflects}\npcp = {pcp}"
    );
    if independent {
        let _ = writeln!(text, "vlan = {fixed}");
    }
    let mark = mark(rng, pcp as u8, always_switch);
    let beyond = mark.is_some() && reflects && (always_switch || rng.percent(75));
    if let Some(mark) = mark.filter(|_| beyond) {
        switch(rng, &mut text, mark);
    }
    let mut vvlans = vvlans(
        rng,
        &mut text,
        (reflects, beyond),
        independent.then_some(fixed),
    );
    let vports = vports(rng, &mut text, n_vf, &mut vvlans);
    addresses(rng, &mut text, &vports, &mut vvlans);
    let world = World {
        tpid,
        reflects,
        mark,
        beyond,
        vvlans: vvlans
            .into_iter()
            .map(|v| {
                let outer = std::iter::once(v.vlan).chain(v.accept).collect();
                Tenant {
                    id: v.id,
                    outer,
                    macs: v.macs,
                    groups: v.groups,
                    roamers: (0..3).map(|_| mac(rng)).collect(),
                }
            })
            .collect(),
        vports,
    };
    Setup { toml: text, world }
}

fn vlan(rng: &mut Rng) -> u16 {
    rng.range(1, 4094) as u16
}

/// What the adjacent switch marks learning packets with, if it does. The NIC sends frames with priority `pcp`.
fn mark(rng: &mut Rng, pcp: u8, always: bool) -> Option<Mark> {
    if !always && rng.percent(15) {
        return None;
    }
    let field = *rng.pick(&[
        MarkField::OuterDei,
        MarkField::OuterPcp,
        MarkField::InnerPcp,
        MarkField::Dscp,
    ]);
    loop {
        let mask = rng.range(1, 63) as u8 & field.bits();
        let sent = match field {
            MarkField::OuterDei => 0,
            MarkField::OuterPcp | MarkField::InnerPcp => pcp,
            MarkField::Dscp => rng.next() as u8,
        };
        let (set, clear) = (rng.next() as u8 & mask, sent & mask);
        if let Some(mark) = Mark::new(field, mask, set, clear) {
            return Some(mark);
        }
    }
}

/// The adjacent switch speaks the learning protocol.
fn switch(rng: &mut Rng, text: &mut String, mark: Mark) {
    let (field, mask) = (mark.field().name(), mark.mask());
    let (set, clear) = (mark.set(), mark.clear());
    let (high, low) = (rng.next(), rng.next());
    let _ = writeln!(
        text,
        "[switch]\nmark = {{ field = \"{field}\", mask = {mask}, set = {set}, clear = {clear} }}\n\
         [[switch.key]]\nid = 1\nsecret = \"{high:016x}{low:016x}\""
    );
}

/// A locally administered unicast address.
pub(super) fn mac(rng: &mut Rng) -> [u8; 6] {
    let mut mac = [0; 6];
    rng.fill(&mut mac);
    mac[0] = mac[0] & 0xfc | 2;
    mac
}

fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|b| format!("{b:02x}")).join(":")
}

fn vvlans(
    rng: &mut Rng,
    text: &mut String,
    (reflects, beyond): (bool, bool),
    fixed: Option<u16>,
) -> Vec<VvlanDraft> {
    let mut ids = BTreeSet::new();
    let count = rng.range(1, 5);
    while ids.len() < count {
        ids.insert(vlan(rng));
    }
    let shared = vlan(rng);
    let mut drafts = Vec::new();
    for id in ids {
        let default = fixed.unwrap_or_else(|| if rng.percent(40) { shared } else { vlan(rng) });
        let mut accept = BTreeSet::new();
        if fixed.is_none() {
            for _ in 0..rng.below(5) {
                accept.insert(vlan(rng));
            }
            accept.remove(&default);
        }
        let pairs: &[(&str, &str)] = if beyond {
            &[
                ("veb", "ignore"),
                ("vepa", "external"),
                ("vepa", "external"),
                ("vepa", "external"),
                ("auto", "external"),
            ]
        } else if reflects {
            &[
                ("veb", "ignore"),
                ("veb", "ignore"),
                ("vepa", "external"),
                ("auto", "external"),
                ("auto", "ignore"),
            ]
        } else {
            &[("veb", "ignore"), ("auto", "ignore")]
        };
        let (mode, miss) = if rng.percent(6) {
            ("veb", "drop")
        } else {
            *rng.pick(pairs)
        };
        let _ = writeln!(
            text,
            "[[vvlan]]\nid = {id}\nmode = \"{mode}\"\nmiss = \"{miss}\""
        );
        if fixed.is_none() {
            let all: Vec<_> = std::iter::once(default)
                .chain(accept.iter().copied())
                .collect();
            let _ = writeln!(text, "vlan = {default}\naccept = {all:?}");
        }
        drafts.push(VvlanDraft {
            id,
            vlan: default,
            accept: accept.into_iter().collect(),
            members: Vec::new(),
            vswitch: false,
            macs: Vec::new(),
            groups: Vec::new(),
        });
    }
    drafts
}

fn vports(rng: &mut Rng, text: &mut String, n_vf: u8, vvlans: &mut [VvlanDraft]) -> Vec<Vport> {
    let mut vports = Vec::new();
    for port in 0..n_vf {
        if rng.percent(10) {
            continue;
        }
        let own = mac(rng);
        let tags = *rng.pick(&["none", "none", "priority", "vlans", "all"]);
        let state = *rng.pick(&["auto", "auto", "auto", "enable", "auto", "auto", "disable"]);
        let _ = writeln!(text, "[[vport]]\nname = \"vf{port}\"\ntags = \"{tags}\"");
        let _ = writeln!(text, "state = \"{state}\"");
        let free: Vec<usize> = (0..vvlans.len()).filter(|i| !vvlans[*i].vswitch).collect();
        let tenants: Vec<usize> = if rng.percent(25) && !free.is_empty() {
            free.into_iter()
                .enumerate()
                .filter(|(n, _)| *n == 0 || rng.percent(60))
                .map(|(_, i)| i)
                .collect()
        } else {
            Vec::new()
        };
        let vswitch = !tenants.is_empty();
        let tenants = if vswitch {
            tenants
        } else {
            vec![rng.below(vvlans.len())]
        };
        if vswitch {
            let ids: Vec<u16> = tenants.iter().map(|i| vvlans[*i].id).collect();
            let (reflect, learning) = (rng.percent(40), rng.percent(80));
            let max = *rng.pick(&[1, 1, 4, 16, 64, 255]);
            let _ = writeln!(
                text,
                "role = \"vswitch\"\nvvlans = {ids:?}\nreflect = {reflect}"
            );
            let _ = writeln!(
                text,
                "learning = {learning}\nmax-macs = {max}\nspoofchk = false"
            );
        } else {
            let spoofchk = rng.percent(60);
            let _ = writeln!(
                text,
                "vvlan = {}\nmac = \"{}\"",
                vvlans[tenants[0]].id,
                mac_text(own)
            );
            let _ = writeln!(text, "spoofchk = {spoofchk}");
        }
        if rng.percent(25) {
            let (burst, interval) = (rng.range(1, 30), 1_u64 << rng.range(4, 12));
            let _ = writeln!(
                text,
                "broadcast-burst = {burst}\nbroadcast-interval = {interval}"
            );
        }
        for i in &tenants {
            vvlans[*i].members.push(port);
            vvlans[*i].vswitch |= vswitch;
            if !vswitch {
                vvlans[*i].macs.push(own);
            }
        }
        // Machines behind a software switch: the firmware has to learn some of them.
        let macs = if vswitch {
            (0..6).map(|_| mac(rng)).collect()
        } else {
            vec![own]
        };
        vports.push(Vport {
            port,
            macs,
            tenants,
            vswitch,
        });
    }
    vports
}

/// Static addresses behind software switches, and groups.
fn addresses(rng: &mut Rng, text: &mut String, vports: &[Vport], vvlans: &mut [VvlanDraft]) {
    for vport in vports.iter().filter(|v| v.vswitch) {
        for address in &vport.macs {
            let i = *rng.pick(&vport.tenants);
            vvlans[i].macs.push(*address);
            if rng.percent(40) {
                let _ = writeln!(
                    text,
                    "[[fdb]]\nvvlan = {}\nmac = \"{}\"\nport = \"vf{}\"",
                    vvlans[i].id,
                    mac_text(*address),
                    vport.port
                );
            }
        }
    }
    for vvlan in vvlans.iter_mut().filter(|v| !v.members.is_empty()) {
        for _ in 0..rng.below(3) {
            let mut address = mac(rng);
            address[0] |= 1;
            let mut ports: Vec<u8> = Vec::new();
            for port in &vvlan.members {
                if rng.percent(60) {
                    ports.push(*port);
                }
            }
            if ports.is_empty() {
                ports.push(vvlan.members[0]);
            }
            let names: Vec<_> = ports.iter().map(|p| format!("vf{p}")).collect();
            let _ = writeln!(
                text,
                "[[group]]\nvvlan = {}\nmac = \"{}\"\nports = {names:?}",
                vvlan.id,
                mac_text(address)
            );
            vvlan.groups.push(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hairpin_driver::config::Config;

    #[test]
    fn every_seed_makes_a_legal_configuration() {
        for seed in 0..300 {
            let setup = random(&mut Rng::new(seed), 8, seed % 2 == 0);
            let config = Config::parse(&setup.toml, "nic.toml".as_ref());
            assert!(config.is_ok(), "seed {seed}: {config:?}\n{}", setup.toml);
        }
    }
}
