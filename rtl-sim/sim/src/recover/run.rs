// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A NIC at work, its faults, and the host that brings it back.

use std::collections::BTreeMap;
use std::path::Path;

use hairpin_abi::admin::Crash;
use hairpin_abi::{REASONS, Reason, ReasonClass};
use hairpin_driver::Diagnostic;
use hairpin_driver::config::{Config, Plan, Step};
use hairpin_driver::image::FirmwareImage;

use super::traffic::{CONFIG, Stream, TENANTS, Traffic};
use super::watch::{Waits, Watch};
use super::{Fault, RecoverArgs};
use crate::golden::name;
use crate::model::{Cycle, Options, UPLINK};
use crate::nic::Nic;
use crate::replay::checker_of;
use crate::rng::Rng;
use crate::scoreboard::Fate;
use crate::trace::DecidedKind;

/// Clocks between two looks of the host at its firmware.
const POLL: u64 = 1024;
/// Traffic that is queued before the host loads the firmware, starts it, and sends a command: for each datapath
/// clock of a core clock, and once.
const LOAD: (u64, u64) = (96_000, 120_000);
const BOOT: (u64, u64) = (65_000, 40_000);
const COMMAND: (u64, u64) = (20_000, 20_000);
/// Traffic before the fault, in clocks.
const BEFORE: (usize, usize) = (20_000, 60_000);
/// Core clocks of a boot that a storm cuts short, at most.
const CUT: usize = 40_000;
/// Restarts of a storm that fail.
const STORM: (usize, usize) = (2, 5);
/// Clocks after the last command of the host in which addresses have to be learned.
const PATIENCE: u64 = 400_000;

/// A moment of the recovery: its name, and when it was.
type Phase = (&'static str, fn(&Times) -> u64);

/// When things happened, in clocks from the fault.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// The host saw that the firmware had failed; of a storm, for the last time.
    pub(super) noticed: u64,
    /// What had been learned was invalidated.
    pub(super) invalidated: u64,
    /// The firmware was ready.
    pub(super) ready: u64,
    /// The configuration was there again.
    pub(super) configured: u64,
    /// A frame found an address that was learned after that.
    pub(super) recovered: u64,
}

impl Times {
    pub(super) const PHASES: [Phase; 5] = [
        ("noticed", |t| t.noticed),
        ("invalidated", |t| t.invalidated),
        ("ready", |t| t.ready),
        ("configured", |t| t.configured),
        ("recovered", |t| t.recovered),
    ];
}

/// What became of the frames of a stream between fault and recovery.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) frames: u64,
    /// Came out where they belong.
    pub(super) arrived: u64,
    /// Came out at the uplink instead, because their address was not known.
    pub(super) elsewhere: u64,
    /// Came out nowhere, by reason.
    pub(super) lost: BTreeMap<String, u64>,
}

/// What the faults of one NIC came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Ran {
    /// Of each fault.
    pub(super) times: Vec<Times>,
    pub(super) restarts: u64,
    /// Between each fault and its recovery, taken together.
    pub(super) streams: BTreeMap<Stream, Outcome>,
    /// Uses of what was learned before a fault until it was invalidated; uses of what was invalidated.
    pub(super) early: u64,
    pub(super) stale: u64,
    /// Copies of the static streams with the firmware at work, and without it.
    pub(super) waits: [Waits; 2],
    pub(super) frames: u64,
    pub(super) mismatches: u64,
    pub(super) broken: u64,
    pub(super) first: Option<String>,
}

struct Bench<'a> {
    args: &'a RecoverArgs,
    nic: Nic,
    watch: Watch,
    traffic: Traffic,
    steps: Vec<Step>,
    image: &'a FirmwareImage,
    rng: Rng,
    restarts: u64,
}

/// Lets the firmware of a NIC fail so often, and waits each time until all is as before.
pub(super) fn run(
    args: &RecoverArgs,
    fault: Fault,
    number: u64,
    faults: u64,
    image: &FirmwareImage,
) -> Result<Ran, Diagnostic> {
    let mut rng = Rng::part(args.seed ^ (fault as u64) << 32, number);
    let options = Options {
        seed: rng.next(),
        core_ratio: args.core_ratio,
        ..Options::default()
    };
    let mut nic = Nic::start_watched(&options, image, true, args.watchdog)?;
    let config = Config::parse(CONFIG, Path::new("recover"))?;
    let plan = Plan::new(&config, nic.device.capabilities())?;
    nic.device.apply(&plan)?;
    let mut watch = Watch::new(checker_of(&config));
    nic.drain(&mut watch)?;
    let traffic = Traffic::new(Rng::new(rng.next()), nic.now() + 100);
    let mut bench = Bench {
        args,
        nic,
        watch,
        traffic,
        steps: plan.steps().cloned().collect(),
        image,
        rng,
        restarts: 0,
    };
    let spans = (0..faults)
        .map(|_| bench.fault(fault))
        .collect::<Result<Vec<_>, _>>()?;
    bench.finish(&spans)
}

impl Bench<'_> {
    /// Traffic for so many clocks.
    fn pass(&mut self, clocks: u64) -> Result<(), Diagnostic> {
        self.queue(clocks)?;
        self.nic.run_for(clocks, &mut self.watch)
    }

    fn queue(&mut self, clocks: u64) -> Result<(), Diagnostic> {
        let then = self.nic.now() + clocks;
        self.traffic.until(then, &mut self.nic, &mut self.watch)
    }

    /// Traffic for as long as the host will need.
    fn queue_for(&mut self, (each, once): (u64, u64)) -> Result<(), Diagnostic> {
        self.queue(each * u64::from(self.args.core_ratio) + once)
    }

    /// No moment may have been without traffic.
    fn wet(&mut self) -> Result<(), Diagnostic> {
        if self.traffic.end() > self.nic.now() {
            return Ok(());
        }
        Err(Diagnostic::new(
            "dry",
            "the traffic did not last as long as what the host did",
        ))
    }

    /// A fault and all that follows; when it was, and the times from there.
    fn fault(&mut self, fault: Fault) -> Result<(Cycle, Times), Diagnostic> {
        let before = self.rng.range(BEFORE.0, BEFORE.1) as u64;
        let queued = self.traffic.end().saturating_sub(self.nic.now());
        self.pass(before.max(queued))?;

        let begin = self.nic.now();
        self.watch.begin_fault(begin);
        self.traffic.move_machine();
        self.crash(match fault {
            Fault::Trap | Fault::Storm => Crash::Trap,
            Fault::Hang => Crash::Hang,
        })?;
        if fault == Fault::Storm {
            for _ in 0..self.rng.range(STORM.0, STORM.1) {
                self.storm()?;
            }
        }
        let since = |at: Cycle| at.saturating_sub(begin);
        let noticed = since(self.nic.now());
        self.reload()?;
        self.launch()?;
        let ready = since(self.nic.now());
        self.configure(self.steps.len())?;
        let configured = self.nic.now();
        let invalidated = self.watch.ended().unwrap_or(0);
        self.watch.probing = Some(configured);
        let recovered = loop {
            if let Some(learned) = self.watch.learned {
                break learned;
            }
            if self.nic.now() > configured + PATIENCE {
                return Err(Diagnostic::new(
                    "not-learned",
                    "no address was learned again",
                ));
            }
            let next = self.traffic.probe(&mut self.nic, &mut self.watch)?;
            let clocks = next - self.nic.now();
            self.pass(clocks)?;
        };
        self.watch.down = false;
        let times = Times {
            noticed,
            invalidated: since(invalidated),
            ready,
            configured: since(configured),
            recovered: since(recovered),
        };
        Ok((begin, times))
    }

    /// Fails, and passes traffic until the host has noticed.
    fn crash(&mut self, crash: Crash) -> Result<(), Diagnostic> {
        self.queue(2 * POLL)?;
        self.nic.device.crash_test(crash)?;
        while !self.nic.device.firmware_failed()? {
            self.pass(POLL)?;
        }
        Ok(())
    }

    fn reload(&mut self) -> Result<(), Diagnostic> {
        self.restarts += 1;
        self.queue_for(LOAD)?;
        self.nic.reload(self.image, &mut self.watch)?;
        self.wet()
    }

    fn launch(&mut self) -> Result<(), Diagnostic> {
        self.queue_for(BOOT)?;
        self.nic.launch(self.image, &mut self.watch)?;
        self.wet()
    }

    /// Sends the first steps of the configuration again.
    fn configure(&mut self, steps: usize) -> Result<(), Diagnostic> {
        for at in 0..steps {
            self.queue_for(COMMAND)?;
            match &self.steps[at] {
                Step::Cfg(row) => self.nic.device.write_cfg(row)?,
                Step::Admin(command) => self.nic.device.admin(command).map(|_| ())?,
                Step::Port(vport, row) => self.nic.device.write_port(*vport, row)?,
            }
            self.wet()?;
        }
        self.nic.drain(&mut self.watch)
    }

    /// One more restart that fails: within its boot, or while the host sends the configuration.
    fn storm(&mut self) -> Result<(), Diagnostic> {
        self.reload()?;
        if self.rng.percent(60) {
            let clocks = self.rng.below(CUT) as u64 * u64::from(self.args.core_ratio);
            self.queue(clocks)?;
            return self.nic.launch_for(clocks, self.image, &mut self.watch);
        }
        self.launch()?;
        let some = self.rng.below(self.steps.len());
        self.configure(some)?;
        self.crash(Crash::Trap)
    }

    /// Lets the NIC come to rest, and judges.
    fn finish(mut self, spans: &[(Cycle, Times)]) -> Result<Ran, Diagnostic> {
        self.nic.play(&mut self.watch, &mut |_| {})?;
        let instances: Vec<u8> = (0..TENANTS.len() as u8).collect();
        self.nic.compare_counters(&instances)?;
        self.nic
            .compare_table_counters(&instances, &mut self.watch)?;
        let mut streams: BTreeMap<Stream, Outcome> = BTreeMap::new();
        let fates = self.nic.scoreboard.take_fates();
        let meanwhile = |fate: &&Fate| {
            let within = |(begin, times): &(Cycle, Times)| {
                (*begin..begin + times.recovered).contains(&fate.cycle)
            };
            spans.iter().any(within)
        };
        for fate in fates.iter().filter(meanwhile) {
            let Some(sent) = self.watch.frames.get(&fate.id) else {
                continue;
            };
            let outcome = streams.entry(sent.stream).or_default();
            outcome.frames += 1;
            let out = |port: u8| fate.out.iter().any(|(to, _)| *to == port);
            if sent.to.is_some_and(out) {
                outcome.arrived += 1;
            } else if out(UPLINK) {
                outcome.elsewhere += 1;
            } else {
                *outcome.lost.entry(why(fate)).or_default() += 1;
            }
        }
        let scoreboard = &self.nic.scoreboard;
        let checker = &self.watch.checker;
        let difference = scoreboard.mismatches().first().map(ToString::to_string);
        let violation = checker.violations().first().map(ToString::to_string);
        Ok(Ran {
            times: spans.iter().map(|(_, times)| *times).collect(),
            restarts: self.restarts,
            streams,
            early: self.watch.entries.early,
            stale: self.watch.entries.stale,
            waits: self.watch.waits,
            frames: scoreboard.decided(),
            mismatches: scoreboard.mismatch_count() + self.watch.confused,
            broken: checker.total(),
            first: difference.or(violation),
        })
    }
}

/// Why a frame came out nowhere, or at a vPort that it was not for.
fn why(fate: &Fate) -> String {
    if let Some((_, reason)) = fate.lost.first() {
        return name(*reason);
    }
    if !fate.out.is_empty() {
        return "to a former vPort".to_owned();
    }
    match fate.kind {
        DecidedKind::Punt => format!("{}, gone with the firmware", name(fate.reason)),
        _ => name(fate.reason),
    }
}

/// Whether a frame with that reason is lost, and not refused by a rule.
pub(super) fn is_loss(reason: &str) -> bool {
    let info = REASONS.iter().find(|info| info.name == reason);
    info.is_none_or(|info| info.class == ReasonClass::Loss || info.reason == Reason::StoreFull)
}
