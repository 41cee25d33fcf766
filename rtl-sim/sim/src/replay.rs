// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `replay`: captures in, captures and a report out.
//!
//! Everything that can be wrong with the arguments is found before the NIC is built, and nothing is
//! written before the run is over.

mod report;
mod rule_script;
mod script;
mod timeline;
mod watch;
mod wire;

use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Result, bail};
use hairpin_abi::{PortId, Role};
use hairpin_driver::Diagnostic;
use hairpin_driver::capture::{Capture, CaptureWriter};
use hairpin_driver::cli::ReplayArgs;
use hairpin_driver::config::{Config, Plan};
use hairpin_driver::edit::{Edit, Script, TimedEdit};
use hairpin_driver::image::FirmwareImage;
use hairpin_driver::page;
use hairpin_driver::report::Report;
use hairpin_driver::snapshot::Snapshot;
use indicatif::{ProgressBar, ProgressStyle};

use crate::checker::{Checker, PortKind};
use crate::model::{Bus, Cycle, Options, UPLINK, Variant};
use crate::nic::{FIRMWARE, Nic, read_firmware};
use crate::promise::bits_of;
use timeline::Timeline;
use watch::Watch;
use wire::{SwitchFile, Wire};

/// Ticks between the end of the configuration and the first frame.
const LEAD: u64 = 256;

/// A replay whose inputs have been read and found right.
#[derive(Debug)]
struct Replay<'a> {
    args: &'a ReplayArgs,
    config: Config,
    image: FirmwareImage,
    timeline: Timeline,
    script: Script,
    switch: Option<SwitchFile>,
}

/// What a run leaves behind.
struct Outcome {
    nic: Nic,
    watch: Watch,
    wire: Wire,
    snapshot: Snapshot,
    report: Report,
}

/// Runs a replay. What it prints goes to standard error, the report to standard output if asked for.
///
/// # Errors
/// A [`Diagnostic`] for what is wrong with the input; otherwise what is wrong with the NIC.
pub fn run(args: &ReplayArgs) -> Result<()> {
    let replay = Replay::read(args)?;
    let variant = if args.waves.is_some() {
        Variant::Trace
    } else {
        Variant::Check
    };
    let outcome = replay.run(variant, args.waves.as_deref())?;
    outcome.write(&replay)?;
    if args.json {
        println!("{}", serde_json::to_string(&outcome.report)?);
    }
    replay.verdict(&outcome)
}

impl<'a> Replay<'a> {
    fn read(args: &'a ReplayArgs) -> Result<Self, Diagnostic> {
        let config = Config::read(&args.config)?;
        let mut image = read_firmware(args.firmware.as_deref())?;
        let mut captures = Vec::new();
        for (at, input) in args.inputs.iter().enumerate() {
            let option = format!("--in {}", input.port);
            if args.inputs[..at]
                .iter()
                .any(|earlier| earlier.port == input.port)
            {
                return Err(
                    Diagnostic::new("duplicate-input", "this port has a capture already")
                        .field(option)
                        .file(&input.file)
                        .help("give each port one capture; merge files with `mergecap`"),
                );
            }
            let tags = tag_len(&config, input.port).ok_or_else(|| {
                Diagnostic::new("unknown-port", "the configuration has no such vPort")
                    .field(option.as_str())
                    .file(&args.config)
                    .help(format!("add a [[vport]] with name = \"{}\"", input.port))
            })?;
            let capture = Capture::read(&input.file, tags)
                .map_err(|e| e.into_diagnostic(option, &input.file))?;
            captures.push((input.port.get(), capture));
        }
        check_out(&args.out, args.force)?;
        if let Some(waves) = &args.waves {
            check_waves(waves)?;
        }
        let script = match &args.edits {
            Some(path) => Script::read(path)?,
            None => Script::default(),
        };
        let switch = match &args.switch {
            Some(path) => Some(read_switch(path, args)?),
            None => None,
        };
        let timeline = Timeline::new(captures, args.clock_hz, args.max_gap.0);
        if let Some(cycle) = args.crash_at {
            check_crash(cycle, &timeline)?;
            image.allow_crash_test().map_err(|e| {
                let path = args.firmware.as_deref().unwrap_or(Path::new(FIRMWARE));
                e.into_diagnostic(path)
            })?;
        }
        Ok(Self {
            args,
            config,
            image,
            timeline,
            script,
            switch,
        })
    }

    fn run(&self, variant: Variant, waves: Option<&Path>) -> Result<Outcome, Diagnostic> {
        let options = Options {
            variant,
            seed: self.args.seed,
            core_ratio: self.args.core_ratio,
            rings: true,
            // Limits of VFs count clocks, those of idle time as well.
            jump_limit: if self.has_limits() {
                0
            } else {
                Options::default().jump_limit
            },
            waves: waves.map(Path::to_owned),
            ..Options::default()
        };
        let mut nic = Nic::start(&options, &self.image, true)?;
        nic.quickly(|nic| self.set_up(nic))?;
        let mut watch = Watch::new(self.timeline.shots.clone(), checker_of(&self.config));
        nic.poll_log()?;
        nic.drain(&mut watch)?;

        let start = nic.now() + LEAD;
        watch.begin(start, nic.scoreboard.golden());
        let mut wire = Wire::new(self.switch.as_ref(), self.args, &self.timeline.shots, start);
        for (id, shot) in (0..).zip(&self.timeline.shots) {
            let cycle = start + shot.cycle;
            if shot.port != UPLINK {
                watch.given(shot.port, id);
                nic.send(shot.port, cycle, shot.bytes.clone());
            } else if !wire.has_switch() {
                nic.queue(UPLINK, id, cycle, false, &shot.bytes)?;
            }
        }
        script::play(self, &mut nic, &mut watch, &mut wire, start)?;
        let bar = progress_bar(self.timeline.shots.len() as u64);
        wire.play(&mut nic, &mut watch, &mut |waiting| {
            bar.set_position(bar.length().unwrap_or(0).saturating_sub(waiting));
        })?;
        bar.finish_and_clear();
        let end = nic.now();
        watch.take_events(end, &mut nic.device)?;
        nic.poll_log()?;

        let instances = report::instances(&mut nic, &self.config)?;
        let snapshot = nic.quickly(|nic| {
            let numbers: Vec<u8> = instances.iter().map(|(_, instance)| *instance).collect();
            nic.compare_counters(&numbers)?;
            nic.drain(&mut watch)?;
            self.compare_rings(nic, &mut watch)?;
            let log = nic.log_lines().to_vec();
            Ok(Snapshot::read(&mut nic.device, log)?)
        })?;
        nic.drain(&mut watch)?;
        let seen = (&watch, &wire);
        let report = report::build(self, &mut nic, seen, &snapshot, &instances, end)?;
        Ok(Outcome {
            nic,
            watch,
            wire,
            snapshot,
            report,
        })
    }

    /// Configures the NIC, and starts the drivers of its VFs.
    fn set_up(&self, nic: &mut Nic) -> Result<(), Diagnostic> {
        let plan = Plan::new(&self.config, nic.device.capabilities())?;
        let queues = nic.device.plan_vfs(&self.config)?;
        nic.device.apply(&plan)?;
        nic.device.set_up_vfs(&queues)?;
        // Nothing is measured there, and every clock that memory takes has to be simulated.
        let bus = Bus {
            read_latency: 0,
            write_latency: 0,
            ..Bus::default()
        };
        nic.open_vfs(&self.vfs(), bus)
    }

    /// Compares what is in the receive buffers with what the NIC sent to them, and what it sent with what was put
    /// into the rings.
    fn compare_rings(&self, nic: &mut Nic, watch: &mut Watch) -> Result<(), Diagnostic> {
        let end = nic.now();
        let strangers = watch.arrived(&nic.take_arrived()?);
        let mut same = |what: &str, expected: u64, actual: u64| {
            nic.scoreboard.compare(end, what, expected, actual);
        };
        same("frames in receive buffers that nobody sent", 0, strangers);
        same("frames in rings that were not sent", 0, watch.not_sent());
        for vf in self.vfs() {
            let status = nic.device.vf_status(vf)?;
            let mut same = |what: &str, expected: u64, actual: u32| {
                let what = format!("vf{vf}: {what}");
                nic.scoreboard.compare(end, &what, expected, actual.into());
            };
            same(
                "frames without a buffer",
                watch.without_buffer(vf),
                status.no_buffer,
            );
            same("frames that the rings refused", 0, status.refused);
        }
        Ok(())
    }

    /// Says whether the NIC was right; if it was not, runs again with waves.
    fn verdict(&self, outcome: &Outcome) -> Result<()> {
        self.compare(outcome)?;
        script::verdict(self, &outcome.report)?;
        match (&outcome.report.fault, outcome.snapshot.health.cause()) {
            (None, None) => Ok(()),
            (None, Some(cause)) => Err(Diagnostic::new("firmware-failed", cause)
                .help("captures and report are written: see `hairpin --report DIR health show`")
                .into()),
            (Some(fault), cause) => {
                let cause = cause.unwrap_or_else(|| "the firmware did not mind".to_owned());
                eprintln!("fault injection: {fault}\n  result: {cause}");
                Ok(())
            }
        }
    }

    fn compare(&self, outcome: &Outcome) -> Result<()> {
        let scoreboard = &outcome.nic.scoreboard;
        let checker = &outcome.watch.checker;
        let (mismatches, broken) = (scoreboard.mismatch_count(), checker.total());
        if mismatches == 0 && broken == 0 {
            return Ok(());
        }
        eprintln!(
            "seed {}: {mismatches} mismatches, {broken} rules broken",
            self.args.seed
        );
        for mismatch in scoreboard.mismatches() {
            eprintln!("{mismatch}");
        }
        for violation in checker.violations() {
            eprintln!("{violation}");
        }
        if self.args.waves.is_none() {
            let waves = self.args.out.join("mismatch.fst");
            self.run(Variant::Trace, Some(&waves))?;
            eprintln!("waves of the same run: {}", waves.display());
        }
        bail!("the NIC does not do what its golden model does")
    }
}

impl Outcome {
    fn write(&self, replay: &Replay<'_>) -> Result<(), Diagnostic> {
        let dir = &replay.args.out;
        let failed = |path: &Path, e: std::io::Error| {
            Diagnostic::new("out-unwritable", format!("cannot write: {e}"))
                .field("--out")
                .file(path)
                .help("name a folder that you may write")
        };
        fs::create_dir_all(dir).map_err(|e| failed(dir, e))?;
        let capture = |name: &str, frames: &mut dyn Iterator<Item = (Cycle, &[u8])>| {
            let path = dir.join(format!("{name}.pcap"));
            let mut write = || {
                let mut capture = CaptureWriter::create(&path)?;
                for (cycle, bytes) in &mut *frames {
                    let cycle = self.watch.report_cycle(cycle);
                    capture.write(replay.timeline.stamp(cycle), bytes)?;
                }
                capture.finish().map(|_| ())
            };
            write().map_err(|e| failed(&path, e))
        };
        for port in replay.ports() {
            let out = self.watch.out.iter();
            let out = out.filter(|out| out.port == port.get() && out.is_there());
            let mut frames = out.map(|out| (out.cycle, &out.bytes[..]));
            capture(&port.to_string(), &mut frames)?;
        }
        if replay.switch.is_some() {
            let first = replay.timeline.shots.len();
            let shots = self.watch.shots.iter().skip(first);
            let mut frames = shots.map(|shot| (self.watch.start + shot.cycle, &shot.bytes[..]));
            capture("uplink-in", &mut frames)?;
        }
        for name in self.wire.outside_names() {
            let out = self.wire.outside().iter().filter(|out| out.port == name);
            let mut frames = out.map(|out| (out.cycle, &out.bytes[..]));
            capture(&format!("switch-{name}"), &mut frames)?;
        }
        self.report.write(dir)?;
        self.snapshot.write_file(dir)?;
        page::write(&self.report, &self.snapshot, dir)
    }
}

impl Replay<'_> {
    /// Whether it is limited what a VF sends, from the start or by an edit.
    fn has_limits(&self) -> bool {
        let limits = |edit: &TimedEdit| match &edit.edit {
            Edit::PortSet { change, .. } => change.max_tx_rate.is_some_and(|rate| rate != 0),
            _ => false,
        };
        let vports = &self.config.vports;
        vports.iter().any(|vport| vport.max_tx_rate != 0) || self.script.edits.iter().any(limits)
    }

    /// The VFs that have a vPort: first those with a capture, in the order in which equal time stamps play.
    fn vfs(&self) -> Vec<u8> {
        let inputs = self.args.inputs.iter().map(|input| input.port.get());
        let vports = self.config.vports.iter().map(|vport| vport.vport.get());
        let mut vfs: Vec<u8> = Vec::new();
        for vf in inputs.chain(vports) {
            if vf != UPLINK && !vfs.contains(&vf) {
                vfs.push(vf);
            }
        }
        vfs
    }

    /// Every port there is: those of the configuration and the uplink.
    fn ports(&self) -> Vec<PortId> {
        let vports = self.config.vports.iter().map(|v| PortId::VPort(v.vport));
        let mut ports: Vec<_> = vports.chain([PortId::Uplink]).collect();
        ports.sort_by_key(|port| port.get());
        ports
    }
}

/// NIC tag bytes on a port; `None` for a vPort that the configuration does not have.
fn tag_len(config: &Config, port: PortId) -> Option<usize> {
    match port {
        PortId::Uplink => Some(8),
        PortId::VPort(vport) => match config.vport(vport)?.role {
            Role::Vf => Some(0),
            Role::Vswitch => Some(4),
        },
        PortId::Core => None,
    }
}

/// The switch beside the NIC; the uplink's capture needs a port of its own there.
fn read_switch(path: &Path, args: &ReplayArgs) -> Result<SwitchFile, Diagnostic> {
    let switch = SwitchFile::read(path, args.switch_edits.as_deref())?;
    let uplink = args.inputs.iter().any(|input| input.port == PortId::Uplink);
    if uplink && !switch.has_outside() {
        let message = "the uplink's capture comes in by another port of the switch than the NIC's";
        return Err(Diagnostic::new("no-outside-port", message)
            .field("--in uplink")
            .file(path)
            .help("add a [[port]], or leave this capture out"));
    }
    Ok(switch)
}

/// The firmware has to fail while there is traffic, or nothing could be seen of it.
fn check_crash(cycle: u64, timeline: &Timeline) -> Result<(), Diagnostic> {
    let last = timeline.shots.last().map_or(0, |shot| shot.cycle);
    if cycle <= last {
        return Ok(());
    }
    let message = format!("the last frame goes in at cycle {last}");
    Err(Diagnostic::new("late-crash", message)
        .field("--crash-at")
        .help("name that cycle or an earlier one"))
}

/// Found before the run: the model can only stop when it cannot write.
fn check_waves(file: &Path) -> Result<(), Diagnostic> {
    let new = !file.exists();
    match fs::OpenOptions::new().append(true).create(true).open(file) {
        Ok(_) => {
            if new {
                // Only tried out; a leftover would be worse than a failure that the run finds again.
                let _ = fs::remove_file(file);
            }
            Ok(())
        }
        Err(e) => Err(
            Diagnostic::new("waves-unwritable", format!("cannot write the waves: {e}"))
                .field("--waves")
                .file(file)
                .help("name a file in a folder that exists and that you may write"),
        ),
    }
}

fn check_out(dir: &Path, force: bool) -> Result<(), Diagnostic> {
    let problem = |code: &str, message: String, help: &str| {
        Err(Diagnostic::new(code, message)
            .field("--out")
            .file(dir)
            .help(help))
    };
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(empty) if empty || force => Ok(()),
        Ok(_) => problem(
            "out-not-empty",
            "the folder is not empty".to_owned(),
            "name another one, or write over it with --force",
        ),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => problem(
            "out-unusable",
            format!("cannot use the folder: {e}"),
            "name a folder",
        ),
    }
}

/// What the checker has to know, from the configuration alone.
pub(crate) fn checker_of(config: &Config) -> Checker {
    let mut checker = Checker::new();
    checker.tpid(0, 0, config.uplink.tpid);
    let mark = config.switch.as_ref().map(|switch| bits_of(switch.mark));
    checker.mark(0, 0, mark);
    for vport in &config.vports {
        let kind = match (vport.role, vport.vvlans.first()) {
            (Role::Vf, Some(vvlan)) => PortKind::Vf { vvlan: vvlan.get() },
            _ => PortKind::Vswitch {
                reflect: vport.reflect,
            },
        };
        checker.port(vport.vport.get(), kind);
    }
    for vvlan in &config.vvlans {
        let accept: Vec<u16> = vvlan.accept.iter().map(|vlan| vlan.get()).collect();
        checker.vvlan(
            (0, 0),
            vvlan.id.get(),
            vvlan.vlan.get(),
            &accept,
            vvlan.members.0,
        );
    }
    for entry in &config.fdb {
        checker.own(0, entry.vvlan.get(), entry.mac.0, entry.vport.get());
    }
    checker
}

/// A progress bar for people; nothing where nobody looks.
fn progress_bar(frames: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} frames, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(frames).with_style(style)
}
