// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cosim`: random configurations, random frames, random backpressure, changes in mid-traffic.
//!
//! Every part of a run follows from its seed and the number of the configuration, so that one
//! configuration can be run again by itself, with waves.
//!
//! A change takes the firmware thousands of clocks, a frame the NIC a few. So changes are made while the frames
//! of a batch come in, spread over as many clocks, and only as long as the pace leaves time for them.

mod beyond;
pub mod churn;
mod flows;
pub mod frames;
mod outside;
mod packets;
mod rules;
pub mod setup;
mod tally;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};
use clap::Args;
use hairpin_abi::peer::Envelope;
use hairpin_driver::Diagnostic;
use hairpin_driver::config::{Config, Plan};
use hairpin_driver::image::FirmwareImage;
use indicatif::{ProgressBar, ProgressStyle};

use crate::checker::Checker;
use crate::model::{Cycle, Level, Options, Patterns, UPLINK, Variant};
use crate::nic::{FIRMWARE, Nic, Observer, read_firmware};
use crate::replay::checker_of;
use crate::rng::Rng;
use crate::scoreboard::Left;
use crate::trace::AppliedCommand;
use beyond::Beyond;
use churn::Churn;
use frames::{Generator, canary};
use outside::Outside;
use tally::{Tally, tally};

/// Frames per configuration, if the number of configurations is not given.
const PER_CONFIG: u64 = 20_000;
/// Ticks of waves before and after the first difference.
const WAVES: u64 = 4000;
/// Code of the error when the model with waves is not that of the failed run.
const WRONG_TABLES: &str = "waves-of-other-tables";
/// Clocks per frame that go by with changes, of which each takes the firmware thousands of clocks.
const PACE: u64 = 120;
/// Such clocks of each configuration besides, however few its frames are.
const BASE: u64 = 2_000_000;
/// Frames between two crashes of the firmware, about.
const CRASHES: u64 = 15_000;
/// Frames of a run that must have reached everything that is to happen to the tables.
const LONG: u64 = 400_000;
/// Frames that are still sent after the first difference: a bug may show in several ways.
const AFTERMATH: u32 = 1000;
/// Entries of each table that are looked for at the end of a configuration.
const FOUND: usize = 16;
/// The longest jump over idle time: 215 ms. The firmware sweeps whenever it wakes, and seconds must pass in a few steps.
const JUMP: u64 = 1 << 25;
/// Looks, of up to 2000 ticks each, from one change at the switch to the next, about.
const EDITS: usize = 120;
/// Ticks in which the NIC has to take at least one of the frames that wait.
const STUCK: u64 = 1_000_000;

/// Arguments of `cosim`.
#[derive(Args, Clone, Debug)]
pub struct CosimArgs {
    /// Frames to send, over all configurations
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub frames: u64,
    /// Seed of everything
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Number of random configurations; one per 20000 frames if left out
    #[arg(long, value_name = "N")]
    pub configs: Option<u64>,
    /// An adjacent switch in every configuration, not in two of five
    #[arg(long)]
    pub switch: bool,
    /// Run only this one of the configurations
    #[arg(long, value_name = "INDEX")]
    pub only: Option<u64>,
    /// Configurations to run at the same time; all cores if left out
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Firmware image; the one built with this program if left out
    #[arg(long, value_name = "ELF")]
    pub firmware: Option<PathBuf>,
    /// Folder for the waves of a configuration that failed
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub waves_dir: PathBuf,
}

/// Frames inside the NIC, and what the checker says of those that come out.
#[derive(Debug)]
struct Watch {
    sent: HashMap<u32, (Vec<u8>, bool)>,
    checker: Checker,
    /// Frames whose canary and trace name different inputs.
    confused: u64,
    /// There is a switch beyond the uplink.
    beyond: bool,
    /// For it: frames inside the NIC, and where they came in, by their ids.
    inside: HashMap<u32, (u8, Vec<u8>)>,
    /// What has left by the uplink.
    left: Vec<(Cycle, Vec<u8>)>,
    /// What was switched by learned entries.
    short_cuts: Vec<(Cycle, Option<u32>)>,
}

impl Observer for Watch {
    fn input(&mut self, cycle: Cycle, port: u8, id: u32) {
        if let Some((bytes, broken)) = self.sent.remove(&id) {
            self.checker.input(id, port, &bytes, broken, cycle);
            if self.beyond {
                self.inside.insert(id, (port, bytes));
            }
        }
    }

    fn command(&mut self, cycle: Cycle, c: &AppliedCommand) {
        // `ok` and `updated`: carried out.
        if c.status <= 1 {
            self.checker
                .table_command(cycle, c.op, c.table, c.index, &c.data);
        }
    }

    fn told(&mut self, cycle: Cycle, origin: Option<u32>) {
        self.checker.told(origin, cycle);
    }

    fn short_cut(&mut self, cycle: Cycle, origin: Option<u32>) {
        if self.beyond {
            self.short_cuts.push((cycle, origin));
        }
    }

    fn output(&mut self, cycle: Cycle, port: u8, bytes: &[u8], left: Left) {
        if self.beyond && port == UPLINK {
            self.left.push((cycle, bytes.to_vec()));
            if Envelope::is_one(bytes) && left.origin.is_none() {
                return;
            }
        }
        match canary(bytes) {
            Some(id) => {
                self.confused += u64::from(left.origin != Some(id));
                self.checker.output(id, port, bytes, cycle);
            }
            None => self.checker.stranger(port, cycle),
        }
    }
}

/// Runs the co-simulation and prints what came of it.
///
/// # Errors
/// Any difference, leak, duplicate, echo, or a NIC that stopped.
pub fn run(args: &CosimArgs) -> Result<()> {
    let mut image = read_firmware(args.firmware.as_deref())?;
    let path = args.firmware.as_deref().unwrap_or(Path::new(FIRMWARE));
    image
        .allow_crash_test()
        .map_err(|e| e.into_diagnostic(path))?;
    let configs = args
        .configs
        .unwrap_or(args.frames.div_ceil(PER_CONFIG))
        .max(1);
    let per_config = args.frames.div_ceil(configs);
    let list: Vec<u64> = args
        .only
        .map_or_else(|| (0..configs).collect(), |one| vec![one]);
    let next = AtomicU64::new(0);
    let results = Mutex::new(Vec::new());
    // On standard error, and only where somebody looks.
    let progress = ProgressBar::new(list.len() as u64).with_style(ProgressStyle::with_template(
        "{bar:30} {pos} of {len} configurations, {elapsed}",
    )?);
    let jobs = args
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, list.len()) {
            scope.spawn(|| {
                while let Some(index) = list.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let run = Run {
                        seed: args.seed,
                        index: *index,
                        frames: per_config,
                        switch: args.switch,
                    };
                    let result = run.go(&image, None);
                    progress.inc(1);
                    if let Ok(mut results) = results.lock() {
                        results.push((*index, result));
                    }
                }
            });
        }
    });
    progress.finish_and_clear();
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    summary(args, configs, per_config, &image, results)
}

fn summary(
    args: &CosimArgs,
    configs: u64,
    per_config: u64,
    image: &FirmwareImage,
    results: Vec<(u64, Result<Tally, Diagnostic>)>,
) -> Result<()> {
    let mut total = Tally::default();
    let mut failed = 0;
    for (index, result) in results {
        let run = Run {
            seed: args.seed,
            index,
            frames: per_config,
            switch: args.switch,
        };
        let at = match result {
            Ok(tally) => {
                total.add(&tally);
                tally.failed().then(|| tally.first.unwrap_or_default())
            }
            Err(error) => Some((u64::MAX, error.to_string())),
        };
        let Some((cycle, text)) = at else { continue };
        failed += 1;
        println!("seed {} configuration {index} failed: {text}", args.seed);
        if failed == 1 {
            let file = args
                .waves_dir
                .join(format!("cosim-{}-{index}.fst", args.seed));
            // The same run again: it ends as it did before, now with waves.
            match run.go(image, Some((&file, cycle))) {
                Err(error) if error.code == WRONG_TABLES => println!("no waves: {error}"),
                _ => println!("waves around it: {}", file.display()),
            }
        }
    }
    print!("{}", tally::text(args.seed, configs, &total));
    if failed != 0 {
        bail!(
            "{failed} of {configs} configurations failed; run one again with --seed {} --frames {} \
             --configs {configs}{} --only INDEX",
            args.seed,
            args.frames,
            if args.switch { " --switch" } else { "" }
        );
    }
    let unreached = total.unreached();
    if args.frames >= LONG && args.only.is_none() && !unreached.is_empty() {
        bail!("a run of this size must reach {}", unreached.join(", "));
    }
    Ok(())
}

/// One configuration of a run.
#[derive(Clone, Copy, Debug)]
struct Run {
    seed: u64,
    index: u64,
    frames: u64,
    switch: bool,
}

impl Run {
    fn go(self, image: &FirmwareImage, waves: Option<(&Path, Cycle)>) -> Result<Tally, Diagnostic> {
        let mut rng = Rng::part(self.seed, self.index);
        let small = rng.percent(50);
        let mut options = Options {
            variant: match (waves, small) {
                (Some(_), _) => Variant::Trace,
                (None, true) => Variant::Small,
                (None, false) => Variant::Check,
            },
            seed: rng.next(),
            core_ratio: *rng.pick(&[1, 1, 1, 2, 2, 2, 3, 5]),
            jump_limit: JUMP,
            ..Options::default()
        };
        if let Some((file, cycle)) = waves {
            options.waves = Some(file.to_owned());
            options.waves_from = cycle.saturating_sub(WAVES);
            options.waves_until = cycle.saturating_add(WAVES);
        }
        let mut nic = Nic::start(&options, image, false)?;
        // A stand-in for several variants has whatever tables it has.
        if waves.is_some() && nic.model().is_small() != small {
            let which = if small { "small" } else { "full" };
            let text =
                format!("the model with waves does not have the tables of this run: {which}");
            return Err(Diagnostic::new(WRONG_TABLES, text).help(format!(
                "HAIRPIN_WAVES={which} cargo xtask build, and once more"
            )));
        }
        let setup = setup::random(&mut rng, nic.device.capabilities().vfs, self.switch);
        let name = format!("seed {} configuration {}", self.seed, self.index);
        let config = Config::parse(&setup.toml, Path::new(&name))?;
        let plan = Plan::new(&config, nic.device.capabilities())?;
        nic.device.apply(&plan)?;
        let churn = Churn::new(Rng::new(rng.next()), &plan, setup.world.mark);
        let beyond = Beyond::new(Rng::new(rng.next()), &config, &setup.world);
        let mut watch = Watch {
            sent: HashMap::new(),
            checker: checker_of(&config),
            confused: 0,
            beyond: beyond.is_some(),
            inside: HashMap::new(),
            left: Vec::new(),
            short_cuts: Vec::new(),
        };
        let mut players = Players {
            churn,
            generator: Generator::new(Rng::new(rng.next()), setup.world),
            outside: Outside(beyond),
        };
        nic.drain(&mut watch)?;
        players.churn.enliven(&mut nic, &mut watch.checker)?;

        let instances: Vec<u8> = (0..plan.steps().count().min(64) as u8).collect();
        let end = self
            .traffic(&mut rng, &mut nic, image, &mut players, &mut watch)
            .and_then(|()| Ok(nic.compare_counters(&instances)?))
            .and_then(|()| nic.compare_table_counters(&instances, &mut watch))
            .and_then(|()| nic.find_entries(FOUND, &mut watch))
            .and_then(|()| tally::reached(&mut nic, &players.churn));
        let mut tally = tally(&nic, &watch, &players);
        tally.small = u64::from(small);
        match end {
            Ok(reached) => tally.reached = reached,
            Err(error) => {
                let (cycle, before) = tally.first.unwrap_or((nic.now(), String::new()));
                tally.first = Some((cycle, format!("{before}\n{error}").trim_start().to_owned()));
                tally.stopped = true;
            }
        }
        Ok(tally)
    }

    /// Sends the frames and changes the configuration meanwhile, until something has been wrong for a while.
    fn traffic(
        self,
        rng: &mut Rng,
        nic: &mut Nic,
        image: &FirmwareImage,
        players: &mut Players,
        watch: &mut Watch,
    ) -> Result<(), Diagnostic> {
        let Players {
            churn,
            generator,
            outside,
        } = players;
        let mut next = 0;
        let mut wrong_since = None;
        // Of a short configuration, two in five crash.
        let apart = (5 * self.frames / 2).clamp(1, 2 * CRASHES);
        let mut crash_from = rng.below(apart as usize) as u32;
        let mut pace = Pace::new(nic, self.frames);
        while u64::from(next) < self.frames {
            let most = (self.frames / 10).clamp(1, 1000);
            let left = (self.frames - u64::from(next)).min(most) as usize;
            let count = rng.range(1, left.max(2)).min(left);
            pace.frames(count);
            // Some changes while nothing moves, most of them below, under traffic.
            if pace.room(nic) && rng.percent(40) {
                for _ in 0..rng.range(1, 3) {
                    churn.step(nic, &mut watch.checker, generator.recent())?;
                }
                churn.warm(nic, generator.recent())?;
            }
            let before = nic.model().status().clocks;
            outside.meet(rng, nic, watch)?;
            pace.from += nic.model().status().clocks - before;
            nic.model().set_patterns(&patterns(rng));
            // Now and then so many new addresses that a small table is full.
            let flood = nic.model().is_small() && rng.percent(5);
            if flood {
                churn.open(nic)?;
            }
            // At once, or over as many clocks as changes take, evenly or in clumps that fill the pipeline.
            let clumped = rng.percent(50);
            let spread = *rng.pick(match (flood, pace.room(nic)) {
                (true, _) => &[200],
                (_, true) => &[0, 1, 3, 12, 60, 400, 1000, 1000],
                (_, false) => &[0, 0, 1, 3, 12, 60],
            });
            let mut at = nic.now();
            for _ in 0..count {
                let shot = if flood && rng.percent(80) {
                    generator.stranger(next)
                } else {
                    generator.shot(next, churn.hot())
                };
                let vswitch = generator
                    .world()
                    .vports
                    .iter()
                    .any(|v| v.port == shot.port && v.vswitch);
                at += match clumped {
                    true if rng.percent(80) => rng.range(0, 3),
                    true => rng.range(0, 5 * spread),
                    false => rng.range(0, spread),
                } as u64;
                let broken = shot.broken(vswitch);
                outside.shoot(nic, watch, next, at, shot, broken)?;
                next += 1;
            }
            let longest = *rng.pick(&[100, 500, 2000]);
            let (mut queued, mut since) = (u64::MAX, nic.now());
            loop {
                let given = outside.exchange(nic, watch)?;
                let now = nic.model().status();
                if now.queued == 0 && !outside.is_busy() {
                    break;
                }
                if now.queued < queued || now.queued == 0 || given {
                    (queued, since) = (now.queued, now.now);
                } else if now.now - since > STUCK {
                    let what = format!("{queued} frames wait and none was taken in {STUCK} clocks");
                    return Err(Diagnostic::new("stuck", what));
                }
                nic.run_for(rng.range(50, longest) as u64, watch)?;
                if rng.below(EDITS) == 0 {
                    outside.step(nic, watch)?;
                }
                if crash_from < next {
                    let soon = if rng.percent(30) { CRASHES / 3 } else { apart };
                    crash_from = next + rng.below(soon as usize) as u32;
                    let before = nic.model().status().clocks;
                    churn.crash(nic, &mut watch.checker)?;
                    nic.run_for(rng.range(100, 6000) as u64, watch)?;
                    nic.restart(image, watch)?;
                    churn.restore(nic, &mut watch.checker)?;
                    pace.from += nic.model().status().clocks - before;
                } else if !flood && pace.room(nic) && rng.percent(60) {
                    if rng.percent(30) {
                        churn.warm(nic, generator.recent())?;
                    } else {
                        churn.step(nic, &mut watch.checker, generator.recent())?;
                    }
                }
            }
            outside.settle(nic, watch)?;
            nic.compare_occupancy(watch)?;
            // With a switch, each step of it is a conversation.
            let pauses = if outside.0.is_some() { 5 } else { 20 };
            if rng.percent(pauses) {
                // Long enough for some entries to age.
                let before = nic.model().status().clocks;
                outside.skip(rng.range(1 << 22, 1 << 29) as u64, nic, watch)?;
                pace.from += nic.model().status().clocks - before;
            }
            watch.checker.settle(nic.now());
            nic.poll_log()?;
            watch.inside.clear();
            if nic.scoreboard.mismatch_count() != 0 || watch.checker.total() != 0 || outside.fails()
            {
                let since = *wrong_since.get_or_insert(next);
                if next - since >= AFTERMATH {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Who makes things happen.
#[derive(Debug)]
struct Players {
    churn: Churn,
    generator: Generator,
    outside: Outside,
}

/// How much of a configuration's time goes by with changes.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Clocks of the model that do not count.
    from: u64,
    /// Clocks for each frame.
    each: u64,
    frames: u64,
}

impl Pace {
    fn new(nic: &Nic, frames: u64) -> Self {
        Self {
            from: nic.model().status().clocks,
            each: PACE + BASE / frames.max(1),
            frames: 0,
        }
    }

    /// So many frames more are about to be sent.
    fn frames(&mut self, count: usize) {
        self.frames += count as u64;
    }

    /// There is time for a change.
    fn room(&self, nic: &Nic) -> bool {
        nic.model().status().clocks - self.from < self.each * self.frames
    }
}

/// Ready and gap patterns, often none at all.
fn patterns(rng: &mut Rng) -> Patterns {
    let mut level = |often: usize| {
        if rng.percent(often) {
            Level::ALWAYS
        } else {
            Level(rng.range(9_000, 65_000) as u32)
        }
    };
    let (wire_ready, host_ready, rx_ready) = (level(60), level(60), level(60));
    let (grant_ready, host_valid, wire_valid) = (level(70), level(70), level(70));
    Patterns {
        wire_ready,
        host_ready,
        rx_ready,
        grant_ready,
        host_valid,
        wire_valid,
        seed: rng.next(),
        hold: *rng.pick(&[1, 1, 4, 30, 300]),
        rx_mask: if rng.percent(80) {
            u64::MAX
        } else {
            rng.next()
        },
    }
}
