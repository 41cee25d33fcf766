// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The figures of many runs, for people and as JSON.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::run::{Ran, Times, is_loss};
use super::traffic::Stream;
use super::{Fault, RecoverArgs};

/// A figure over all runs of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Spread {
    p50: u64,
    p99: u64,
    worst: u64,
}

/// What became of a stream between fault and recovery, all runs together.
#[derive(Clone, Debug, Default, Serialize)]
struct StreamFigures {
    frames: u64,
    arrived: u64,
    to_uplink_instead: u64,
    not_delivered: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct WaitFigures {
    copies: u64,
    mean: f64,
    worst: u64,
}

/// The figures of a fault.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    fault: &'static str,
    runs: usize,
    restarts: u64,
    /// Clocks of the datapath from the fault to each phase.
    cycles: BTreeMap<&'static str, Spread>,
    streams: BTreeMap<&'static str, StreamFigures>,
    /// Frames that a store had no room for, or that went with the firmware.
    lost: BTreeMap<String, u64>,
    /// Of the static streams alone.
    static_frames: u64,
    static_arrived: u64,
    static_wait_before: WaitFigures,
    static_wait_meanwhile: WaitFigures,
    old_entries_used_until_invalidated: u64,
    dead_entries_used: u64,
    frames: u64,
    mismatches: u64,
    rules_broken: u64,
}

#[derive(Debug, Serialize)]
struct Document<'a> {
    version: u32,
    seed: u64,
    core_ratio: u32,
    watchdog_core_clocks: u32,
    faults: &'a [Figures],
}

/// Nearest rank.
fn spread(mut values: Vec<u64>) -> Spread {
    values.sort_unstable();
    let rank = |percent: usize| {
        let at = (values.len() * percent).div_ceil(100).saturating_sub(1);
        values.get(at).copied().unwrap_or(0)
    };
    Spread {
        p50: rank(50),
        p99: rank(99),
        worst: values.last().copied().unwrap_or(0),
    }
}

/// Sums up the runs of a fault.
pub(super) fn figures(fault: Fault, ran: &[&Ran]) -> Figures {
    let cycles = Times::PHASES
        .iter()
        .map(|(name, of)| {
            let times = ran.iter().flat_map(|r| &r.times);
            (*name, spread(times.map(of).collect()))
        })
        .collect();
    let mut streams: BTreeMap<&'static str, StreamFigures> = BTreeMap::new();
    let mut lost: BTreeMap<String, u64> = BTreeMap::new();
    let (mut static_frames, mut static_arrived) = (0, 0);
    for (stream, outcome) in ran.iter().flat_map(|r| &r.streams) {
        let sum = streams.entry(stream.name()).or_default();
        sum.frames += outcome.frames;
        sum.arrived += outcome.arrived;
        sum.to_uplink_instead += outcome.elsewhere;
        for (why, count) in &outcome.lost {
            *sum.not_delivered.entry(why.clone()).or_default() += count;
            if is_loss(why) {
                *lost.entry(why.clone()).or_default() += count;
            }
        }
        if Stream::STATIC.contains(stream) {
            static_frames += outcome.frames;
            static_arrived += outcome.arrived;
        }
    }
    let sum = |of: fn(&Ran) -> u64| ran.iter().map(|r| of(r)).sum();
    let waits = |down: usize| {
        let copies: u64 = ran.iter().map(|r| r.waits[down].copies).sum();
        let clocks: u64 = ran.iter().map(|r| r.waits[down].sum).sum();
        WaitFigures {
            copies,
            mean: clocks as f64 / copies.max(1) as f64,
            worst: ran.iter().map(|r| r.waits[down].worst).max().unwrap_or(0),
        }
    };
    Figures {
        fault: fault.name(),
        runs: ran.iter().map(|r| r.times.len()).sum(),
        restarts: sum(|r| r.restarts),
        cycles,
        streams,
        lost,
        static_frames,
        static_arrived,
        static_wait_before: waits(0),
        static_wait_meanwhile: waits(1),
        old_entries_used_until_invalidated: sum(|r| r.early),
        dead_entries_used: sum(|r| r.stale),
        frames: sum(|r| r.frames),
        mismatches: sum(|r| r.mismatches),
        rules_broken: sum(|r| r.broken),
    }
}

/// Prints the figures of all faults.
pub(super) fn print(args: &RecoverArgs, faults: &[Figures]) -> Result<()> {
    if args.json {
        let document = Document {
            version: 1,
            seed: args.seed,
            core_ratio: args.core_ratio,
            watchdog_core_clocks: args.watchdog,
            faults,
        };
        println!("{}", serde_json::to_string(&document)?);
        return Ok(());
    }
    println!(
        "seed {}: {} datapath clocks per core clock, watchdog of {} core clocks; all times in datapath \
         clocks from the fault",
        args.seed, args.core_ratio, args.watchdog
    );
    for f in faults {
        text(f);
    }
    Ok(())
}

fn text(f: &Figures) {
    println!("{}: {} runs, {} restarts", f.fault, f.runs, f.restarts);
    for (name, _) in Times::PHASES {
        let Spread { p50, p99, worst } = f.cycles.get(name).copied().unwrap_or_default();
        println!("  {name:<12} p50 {p50:>9}  p99 {p99:>9}  worst {worst:>9}");
    }
    println!(
        "  static addresses: {} of {} frames arrived; pipeline entry to first beat out, mean and worst: {:.2} and {} \
         before, {:.2} and {} meanwhile",
        f.static_arrived,
        f.static_frames,
        f.static_wait_before.mean,
        f.static_wait_before.worst,
        f.static_wait_meanwhile.mean,
        f.static_wait_meanwhile.worst
    );
    println!("  lost: {}", list(&f.lost));
    for (name, s) in &f.streams {
        println!(
            "  {name:<16} {} frames, {} arrived, {} to the uplink instead; not delivered: {}",
            s.frames,
            s.arrived,
            s.to_uplink_instead,
            list(&s.not_delivered)
        );
    }
    println!(
        "  entries of before the fault: used {} times until they were invalidated, {} times after",
        f.old_entries_used_until_invalidated, f.dead_entries_used
    );
    println!(
        "  {} frames decided, {} mismatches, {} rules broken",
        f.frames, f.mismatches, f.rules_broken
    );
}

fn list(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let texts: Vec<String> = counts.iter().map(|(why, n)| format!("{why} {n}")).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_the_nearest_rank() {
        let s = spread((1..=200).rev().collect());
        assert_eq!((s.p50, s.p99, s.worst), (100, 198, 200));
        assert_eq!(
            spread(vec![7]),
            Spread {
                p50: 7,
                p99: 7,
                worst: 7
            }
        );
        assert_eq!(spread(Vec::new()), Spread::default());
    }
}
