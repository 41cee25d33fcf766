// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `recover`: the firmware fails under traffic, and how the NIC comes back is measured.
//!
//! Each NIC has two tenants, static and learned addresses, and flows of the host. While frames pass, the
//! firmware traps, hangs, or does so again and again while it restarts; the host notices, loads and starts
//! it, and sends the configuration again. A run ends well when a frame finds an address that was
//! learned after that. Every frame is compared with the golden model and judged by the
//! checker; that no entry is used after it was invalidated is asked once more from the trace alone.

mod output;
mod run;
mod traffic;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use hairpin_driver::Diagnostic;

use crate::nic::{FIRMWARE, read_firmware};
use run::Ran;

/// Runs of one NIC, one after the other.
const PER_NIC: u64 = 10;

/// Arguments of `recover`.
#[derive(Args, Clone, Debug)]
pub struct RecoverArgs {
    /// Seed of everything
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Runs of each fault
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub runs: u64,
    /// Only this fault
    #[arg(long, value_name = "FAULT")]
    pub only: Option<Fault>,
    /// Only this one of the NICs, each of which has ten runs
    #[arg(long, value_name = "INDEX")]
    pub nic: Option<u64>,
    /// Datapath clocks per clock of the soft core
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub core_ratio: u32,
    /// Core clocks without a sign of life after which the firmware counts as hung
    #[arg(long, value_name = "CLOCKS", default_value_t = 100_000)]
    pub watchdog: u32,
    /// NICs at the same time; all cores if left out
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Firmware image; the one built with this program if left out
    #[arg(long, value_name = "ELF")]
    pub firmware: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(short, long)]
    pub json: bool,
}

/// How the firmware fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// An illegal instruction: the firmware says so itself.
    Trap = 1,
    /// An endless loop: the watchdog says so.
    Hang = 2,
    /// A trap, and some restarts that fail as well.
    Storm = 3,
}

impl Fault {
    const ALL: [Self; 3] = [Self::Trap, Self::Hang, Self::Storm];

    const fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Hang => "hang",
            Self::Storm => "storm",
        }
    }
}

/// Lets the firmware fail and prints how the NIC came back.
///
/// # Errors
/// A NIC that did not come back, a difference, a rule broken, an entry used after its end.
pub fn run(args: &RecoverArgs) -> Result<()> {
    let mut image = read_firmware(args.firmware.as_deref())?;
    let path = args.firmware.as_deref().unwrap_or(Path::new(FIRMWARE));
    image
        .allow_crash_test()
        .map_err(|e| e.into_diagnostic(path))?;
    let faults: Vec<Fault> = match args.only {
        Some(one) => vec![one],
        None => Fault::ALL.to_vec(),
    };
    let runs = args.runs.max(1);
    let numbers = match args.nic {
        Some(one) => one..one + 1,
        None => 0..runs.div_ceil(PER_NIC),
    };
    let list: Vec<(Fault, u64)> = faults
        .iter()
        .flat_map(|fault| numbers.clone().map(|number| (*fault, number)))
        .collect();
    let next = AtomicU64::new(0);
    let results = Mutex::new(Vec::new());
    let jobs = args
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, list.len()) {
            scope.spawn(|| {
                while let Some((fault, number)) =
                    list.get(next.fetch_add(1, Ordering::Relaxed) as usize)
                {
                    let runs = runs.saturating_sub(number * PER_NIC).min(PER_NIC);
                    let result = run::run(args, *fault, *number, runs, &image);
                    if let Ok(mut results) = results.lock() {
                        results.push((*fault, *number, result));
                    }
                }
            });
        }
    });
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(fault, number, _)| (*fault, *number));
    let failed = failures(&results);
    for text in &failed {
        eprintln!("seed {} {text}", args.seed);
    }
    let mut figures = Vec::new();
    for fault in faults {
        let of = results.iter().filter(|(of, ..)| *of == fault);
        let ran: Vec<&Ran> = of.filter_map(|(.., result)| result.as_ref().ok()).collect();
        figures.push(output::figures(fault, &ran));
    }
    output::print(args, &figures)?;
    match failed.len() {
        0 => Ok(()),
        number => bail!(
            "{number} of {} NICs failed; run one again with --seed {} --runs {runs} --only FAULT --nic INDEX",
            results.len(),
            args.seed
        ),
    }
}

/// Every NIC that did not end as it must, for a person.
fn failures(results: &[(Fault, u64, Result<Ran, Diagnostic>)]) -> Vec<String> {
    let wrong = |result: &Result<Ran, Diagnostic>| match result {
        Err(error) => Some(error.to_string()),
        Ok(ran) if (ran.mismatches, ran.broken, ran.stale) == (0, 0, 0) => None,
        Ok(ran) => Some(format!(
            "{} mismatches, {} rules broken, {} uses of dead entries; {}",
            ran.mismatches,
            ran.broken,
            ran.stale,
            ran.first.as_deref().unwrap_or_default()
        )),
    };
    let text = |(fault, number, result): &(Fault, u64, _)| {
        let wrong = wrong(result)?;
        Some(format!("{} NIC {number}: {wrong}", fault.name()))
    };
    results.iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nic_comes_back_from_every_fault() {
        let args = RecoverArgs {
            seed: 11,
            runs: 1,
            only: None,
            nic: None,
            core_ratio: 2,
            watchdog: 100_000,
            jobs: None,
            firmware: None,
            json: true,
        };
        let result = run(&args);
        assert!(result.is_ok(), "seed 11: {result:?}");
    }

    #[test]
    fn a_use_of_a_dead_entry_fails_the_run() {
        let bad = Ran {
            stale: 1,
            ..Ran::default()
        };
        let good = Ran {
            early: 1,
            ..Ran::default()
        };
        let lost = Diagnostic::new("not-learned", "no address was learned again");
        let results = [
            (Fault::Trap, 0, Ok(good)),
            (Fault::Hang, 1, Ok(bad)),
            (Fault::Storm, 2, Err(lost)),
        ];
        let failed = failures(&results);
        assert_eq!(failed.len(), 2);
        assert!(failed[0].starts_with("hang NIC 1: 0 mismatches, 0 rules broken, 1 use"));
    }
}
