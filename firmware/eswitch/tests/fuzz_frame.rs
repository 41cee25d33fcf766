// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Fuzzes the parser, the decision and the editor with bytes.
//!
//! Runs for `HAIRPIN_FUZZ_SECONDS` (default 1). Mutates frames that reach new places, judged by reason,
//! key and tag count. An input that fails is written to `tests/crashes/`, which the second test replays.

mod common;

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::*;
use hairpin_abi::*;
use hairpin_eswitch::{Canonical, Egress, FrameKey, Ingress, Kind, edit};

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn crashes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crashes")
}

/// The NICs that inputs are run on; the first byte of an input picks one and its ingress.
fn nics() -> Vec<Nic> {
    let tags = |tags| {
        (0..N_VF).fold(Nic::new(), |nic, n| {
            nic.port(n, |row| (row.tags, row.spoofchk) = (tags, false))
        })
    };
    let reflect = tags(Tags::Vlans)
        .reflects()
        .port(7, |row| row.reflect = true);
    let external = tags(Tags::Priority)
        .reflects()
        .vvlan(VVLAN_A, |row| row.miss = Miss::External);
    vec![Nic::new(), tags(Tags::All), reflect, external]
}

/// Runs one input; returns what it reached.
fn run(nics: &mut [Nic], input: &[u8]) -> (Reason, u16, u8) {
    let [choice, frame @ ..] = input else {
        return (Reason::Runt, 0, 0);
    };
    let count = nics.len();
    let nic = &mut nics[usize::from(choice >> 4) % count];
    let ingress = match choice & 15 {
        n @ 0..8 => Ingress::VPort(vf(n)),
        n @ 8..11 => Ingress::Core {
            src: vf([0, 7, 3][usize::from(n) - 8]).into(),
            vvlan: Vlan::new(VVLAN_A).unwrap(),
            nopunt: n == 9,
        },
        _ => Ingress::Uplink,
    };
    let decision = nic.model.receive(0, &ingress, frame);
    let Some(canonical) = Canonical::new(frame, decision.strip) else {
        assert_eq!(decision.reason, Reason::Runt);
        return (decision.reason, 0, 0);
    };
    assert_eq!(decision.len, canonical.len());
    let key = FrameKey::extract(
        ingress.port(),
        decision.vvlan.unwrap_or_default(),
        &canonical,
        TPID,
    );
    let mut out = vec![0xee; frame.len() + MIN_FRAME + UPLINK_TAGS];
    for port in (0..=65).filter_map(PortId::new) {
        if let Some(egress) = Egress::of(&decision, &nic.model.tables, port) {
            let len =
                edit::write(&canonical, &egress, &mut out).expect("the buffer is large enough");
            assert!(out[..12] == frame[..12] && out[len..].iter().all(|byte| *byte == 0xee));
            out.fill(0xee);
        }
    }
    let delivers = decision.to_uplink || !decision.targets.is_empty();
    assert_eq!(delivers, decision.reason.class() == ReasonClass::Deliver);
    assert_eq!(
        decision.kind == Kind::Drop,
        decision.reason.class() == ReasonClass::Drop
    );
    let shape = u8::from(key.unkeyable)
        | u8::from(key.fields.ip.is_v6) << 1
        | u8::from(key.fields.ip.proto != 0) << 2;
    (
        decision.reason,
        key.fields.ethertype & 0xff00,
        shape | canonical.tenant_tags(TPID).count << 4,
    )
}

fn mutate(rng: &mut Rng, seed: &[u8]) -> Vec<u8> {
    const WORDS: [u16; 12] = [
        0x8100, 0x88a8, 0x9100, 0x0800, 0x86dd, 0x8808, 0x88b5, 100, 200, 10, 0x4500, 0x6000,
    ];
    let mut input = seed.to_vec();
    for _ in 0..=rng.below(4) {
        let at = rng.below(input.len());
        match rng.below(6) {
            0 if at < input.len() => input[at] = rng.next() as u8,
            1 if at < input.len() => input[at] ^= 1 << rng.below(8),
            2 => input.truncate(at),
            3 => {
                let fill = rng.next() as u8;
                input.extend((0..rng.below(64)).map(|i| fill.wrapping_add(i as u8)));
            }
            4 => {
                let word = WORDS[rng.below(WORDS.len())].to_be_bytes();
                input.splice(at..at, word);
            }
            _ if at + 1 < input.len() => {
                input[at..at + 2].copy_from_slice(&WORDS[rng.below(WORDS.len())].to_be_bytes());
            }
            _ => {}
        }
    }
    input.truncate(10_000);
    input
}

#[test]
fn fuzz_the_parser_and_the_decision() {
    let seconds = std::env::var("HAIRPIN_FUZZ_SECONDS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    let seed = std::env::var("HAIRPIN_FUZZ_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut rng, mut nics, mut runs) = (Rng(seed), nics(), 0_u64);
    let mut corpus: Vec<Vec<u8>> = Vec::new();
    for (choice, frame) in [
        (0, Frame::new(mac(1), mac(0))),
        (0, Frame::new(BROADCAST, mac(0)).ethertype(0x0800)),
        (
            0x11,
            Frame::new(mac(0), mac(1)).ethertype(0x86dd).tag(0x8100, 0),
        ),
        (7, Frame::new(mac(1), mac(7)).vswitch(VVLAN_A)),
        (15, Frame::new(mac(1), STRANGER).wire(10, VVLAN_A, false)),
        (0x2f, Frame::new(GROUP, mac(0)).wire(10, VVLAN_A, false)),
        (9, Frame::new(BROADCAST, mac(7))),
        (0, Frame::new(MacAddr::NEAREST_BRIDGE, mac(0))),
        (
            15,
            Frame::new(MacAddr::NEAREST_BRIDGE, STRANGER).ethertype(0x88cc),
        ),
    ] {
        corpus.push([vec![choice], frame.0].concat());
    }
    let (mut seen, mut reasons) = (HashSet::new(), BTreeMap::new());
    while Instant::now() < end {
        for _ in 0..256 {
            let pick = rng.below(corpus.len());
            let input = mutate(&mut rng, &corpus[pick]);
            let reached = catch_unwind(AssertUnwindSafe(|| run(&mut nics, &input)));
            let Ok(reached) = reached else {
                let path = crashes().join(format!("{:016x}", rng.next()));
                std::fs::create_dir_all(crashes()).expect("a folder for the crash");
                std::fs::write(&path, &input).expect("room for the crash");
                panic!("seed {seed}, run {runs}: input kept as {}", path.display());
            };
            runs += 1;
            *reasons.entry(reached.0.name()).or_insert(0_u64) += 1;
            if seen.insert(reached) {
                corpus.push(input);
            }
        }
    }
    println!(
        "seed {seed}: {runs} runs, corpus {}, reasons {reasons:?}",
        corpus.len()
    );
    assert!(
        reasons.len() >= 15,
        "the fuzzer does not get anywhere: {reasons:?}"
    );
}

#[test]
fn old_crashes_stay_fixed() {
    let Ok(folder) = std::fs::read_dir(crashes()) else {
        return;
    };
    for entry in folder {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_some() {
            continue; // a note about the inputs, not one of them
        }
        let input = std::fs::read(&path).expect("a readable crash");
        println!("{}", path.display());
        run(&mut nics(), &input);
    }
}
