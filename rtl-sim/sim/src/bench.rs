// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `bench`: figures in cycles, each from a run whose every output was compared with the golden model.

mod flood;
mod learn;
mod rings;
mod steer;
mod switch;

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use hairpin_abi::admin::Command;
use hairpin_abi::row::{MacKey, MacRow, Target};
use hairpin_abi::{MacAddr, VPort, VVlan};
use hairpin_driver::config::{Config, Plan};
use hairpin_driver::image::FirmwareImage;
use serde::Serialize;

use crate::model::{Cycle, Options, RunMode, UPLINK, Variant};
use crate::nic::{FW_CTRL, Nic, Observer, read_firmware};
use crate::race;
use crate::rng::Rng;
use crate::scoreboard::Left;

/// Four vPorts of one tenant beside an uplink.
const CONFIG: &str = "version = 1\n[uplink]\nreflects = false\ntpid = 0x88a8\n\
    [[vvlan]]\nid = 100\nvlan = 10\n\
    [[vport]]\nname = \"vf0\"\nvvlan = 100\nmac = \"02:00:00:00:00:00\"\n\
    [[vport]]\nname = \"vf1\"\nvvlan = 100\nmac = \"02:00:00:00:00:01\"\n\
    [[vport]]\nname = \"vf2\"\nvvlan = 100\nmac = \"02:00:00:00:00:02\"\n\
    [[vport]]\nname = \"vf3\"\nvvlan = 100\nmac = \"02:00:00:00:00:03\"\n";

/// Sizes with FCS, as everybody quotes them.
const SIZES: [usize; 8] = [64, 65, 128, 256, 512, 1024, 1280, 1518];

/// Arguments of `bench`.
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    /// Print the figures as JSON
    #[arg(short, long)]
    pub json: bool,
    /// Frames of the header-rate runs
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub frames: u32,
    /// Seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Take only the figures of this goal, for example P7
    #[arg(long, value_name = "GOAL")]
    pub only: Option<String>,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
struct Figure {
    id: &'static str,
    case: String,
    value: f64,
    unit: &'static str,
    goal: Option<String>,
    met: Option<bool>,
    method: String,
    seed: u64,
    peer: Option<String>,
}

#[derive(Debug, Serialize)]
struct Figures {
    version: u32,
    figures: Vec<Figure>,
}

/// Where frames go in and come out.
#[derive(Clone, Copy, Debug)]
enum Way {
    Local,
    ToUplink,
    FromUplink,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Local => "vf-to-vf",
            Self::ToUplink => "vf-to-uplink",
            Self::FromUplink => "uplink-to-vf",
        }
    }

    /// Frame `n`, of `size` bytes with FCS, and the port it goes in by.
    fn frame(self, n: u32, size: usize) -> (u8, Vec<u8>) {
        let from = (n % 4) as u8;
        let mut frame = vec![0x5a; size - 4];
        let (da, sa) = match self {
            Self::Local => (from ^ 1, from),
            Self::ToUplink => (0x80, from),
            Self::FromUplink => (from, 0x80),
        };
        frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, da, 2, 0, 0, 0, 0, sa]);
        frame[12..14].copy_from_slice(&0x9000_u16.to_be_bytes());
        frame[14..18].copy_from_slice(&n.to_be_bytes());
        match self {
            Self::FromUplink => {
                frame.splice(12..12, [0x88, 0xa8, 0, 10, 0x81, 0, 0, 100]);
                (UPLINK, frame)
            }
            Self::Local | Self::ToUplink => (from, frame),
        }
    }
}

/// Frame `n` of a mix: every direction, sizes from small to large, some broadcasts, some spoofed.
fn mixed(rng: &mut Rng, n: u32) -> (u8, Vec<u8>) {
    let size = *rng.pick(&[64, 64, 64, 65, 128, 256, 1518]);
    let way = *rng.pick(&[Way::Local, Way::Local, Way::ToUplink, Way::FromUplink]);
    let (port, mut frame) = way.frame(n, size);
    match rng.below(100) {
        0 => frame[..6].fill(0xff),
        1 => frame[11] ^= 0x40,
        _ => {}
    }
    (port, frame)
}

/// When things happened.
#[derive(Clone, Debug, Default)]
struct Clock {
    first_in: Option<Cycle>,
    last_in: Cycle,
    last_out: Cycle,
    out: u64,
    /// From the pipeline's entry to the first beat out.
    latency: Vec<u64>,
    first_out: Option<Cycle>,
}

impl Observer for Clock {
    fn input(&mut self, cycle: Cycle, _: u8, _: u32) {
        self.first_in.get_or_insert(cycle);
        self.last_in = cycle;
    }

    fn output(&mut self, cycle: Cycle, _: u8, _: &[u8], left: Left) {
        self.first_out.get_or_insert(cycle);
        self.last_out = cycle;
        self.out += 1;
        self.latency.push(cycle.saturating_sub(left.entered));
    }
}

/// Runs the benchmarks and prints the figures.
///
/// # Errors
/// The NIC stopped, or did something other than its golden model.
pub fn run(args: &BenchArgs) -> Result<()> {
    let image = read_firmware(None)?;
    let mut bench = Bench {
        image,
        seed: args.seed,
        figures: Vec::new(),
    };
    let wanted = |id: &str| args.only.as_deref().is_none_or(|only| only == id);
    let all = [Way::Local, Way::ToUplink, Way::FromUplink];
    if wanted("P1") {
        for way in all {
            bench.rate("P1", way, 64, args.frames)?;
        }
        bench.mix(args.frames)?;
    }
    if wanted("P3") {
        for way in [Way::Local, Way::ToUplink] {
            for size in SIZES {
                bench.rate("P3", way, size, 4000)?;
            }
        }
    }
    if wanted("P4") {
        for way in all {
            bench.latency(way)?;
        }
    }
    if wanted("P7") {
        bench.learning()?;
    }
    if wanted("P7-flood") {
        bench.flooding(20_000)?;
    }
    if wanted("P10") {
        bench.invalidation()?;
    }
    if wanted("P8") {
        bench.switch()?;
    }
    if wanted("rings") {
        bench.rings()?;
    }
    if wanted("P12") {
        bench.steering()?;
    }
    if wanted("P14") {
        bench.speed()?;
    }
    ensure!(!bench.figures.is_empty(), "no figure of that goal");
    if args.json {
        let document = Figures {
            version: 1,
            figures: bench.figures,
        };
        println!("{}", serde_json::to_string(&document)?);
        return Ok(());
    }
    for f in &bench.figures {
        let goal = f.goal.as_deref().unwrap_or("no goal");
        println!(
            "{} {:<40} {:>12.4} {} ({goal}): {}",
            f.id, f.case, f.value, f.unit, f.method
        );
    }
    Ok(())
}

struct Bench {
    image: FirmwareImage,
    seed: u64,
    figures: Vec<Figure>,
}

impl Bench {
    fn nic(&self) -> Result<Nic> {
        self.nic_with(CONFIG)
    }

    fn nic_with(&self, config: &str) -> Result<Nic> {
        let options = Options {
            variant: Variant::Fast,
            seed: self.seed,
            ..Options::default()
        };
        let mut nic = Nic::start(&options, &self.image, false)?;
        let config = Config::parse(config, "bench".as_ref())?;
        let plan = Plan::new(&config, nic.device.capabilities())?;
        nic.device.apply(&plan)?;
        nic.play(&mut crate::nic::Blind, &mut |_| {})?;
        Ok(nic)
    }

    /// Cycles for each beat of the busiest bus, back to back.
    fn rate(&mut self, id: &'static str, way: Way, size: usize, frames: u32) -> Result<()> {
        let (nic, clock, ratio, per_frame) =
            self.flood(frames, |n| way.frame(n, size), |_| Ok(()))?;
        ensure!(
            clock.out == u64::from(frames),
            "{} of {frames} frames came out",
            clock.out
        );
        drop(nic);
        let (value, unit, goal) = if id == "P1" {
            (ratio, "cycles/beat", 1.0001)
        } else {
            (ratio * per_frame, "cycles/frame", per_frame * 1.0001)
        };
        self.rate_figure(
            id,
            format!("{} {size} B", way.name()),
            (value, unit, goal),
            frames,
            "",
        );
        Ok(())
    }

    /// The same for a mix of everything, while tables change.
    fn mix(&mut self, frames: u32) -> Result<()> {
        let mut rng = Rng::new(self.seed);
        let mut commands = 0_u32;
        let (vvlan, vport) = VVlan::new(100)
            .zip(VPort::new(3))
            .context("CONFIG has both")?;
        let row = MacRow {
            key: MacKey {
                vvlan,
                mac: MacAddr([2, 0, 0, 0, 9, 9]),
            },
            target: Target::VPort(vport),
            is_static: true,
        };
        let (nic, _, ratio, _) = self.flood(
            frames,
            |n| mixed(&mut rng, n),
            |nic| {
                let change = if commands.is_multiple_of(2) {
                    Command::FdbAdd(row)
                } else {
                    Command::FdbDel(row.key)
                };
                commands += 1;
                nic.device.admin(&change)?;
                Ok(())
            },
        )?;
        ensure!(
            nic.scoreboard.losses() == 0,
            "{} copies lost",
            nic.scoreboard.losses()
        );
        let with = format!("; {commands} table commands meanwhile, nothing lost");
        self.rate_figure(
            "P1",
            "all directions, sizes, broadcasts, drops".to_owned(),
            (ratio, "cycles/beat", 1.0001),
            frames,
            &with,
        );
        Ok(())
    }

    /// Plays frames back to back; `meanwhile` is called every thousand clocks. Gives cycles for each
    /// beat of the busiest bus, and the beats of a frame.
    fn flood(
        &self,
        frames: u32,
        mut frame: impl FnMut(u32) -> (u8, Vec<u8>),
        mut meanwhile: impl FnMut(&mut Nic) -> Result<()>,
    ) -> Result<(Nic, Clock, f64, f64)> {
        /// Frames in the queues at once.
        const CHUNK: u32 = 20_000;
        let mut nic = self.nic()?;
        let mut clock = Clock::default();
        let before = nic.model().status();
        let mut sent = 0;
        while sent < frames {
            let until = frames.min(sent + CHUNK);
            for n in sent..until {
                let (port, bytes) = frame(n);
                nic.queue(port, n, 0, false, &bytes)?;
            }
            sent = until;
            // The next chunk is there before this one is gone: no gap between them.
            while sent < frames && nic.model().status().queued > u64::from(CHUNK / 2) {
                nic.run_for(1000, &mut clock)?;
                meanwhile(&mut nic)?;
            }
        }
        nic.play(&mut clock, &mut |_| {})?;
        self.check(&nic)?;
        let after = nic.model().status();
        let beats_in =
            after.host_in_beats + after.wire_in_beats - before.host_in_beats - before.wire_in_beats;
        let beats_out = (after.host_out_beats - before.host_out_beats)
            .max(after.wire_out_beats - before.wire_out_beats);
        let beats = beats_in.max(beats_out);
        let last_beats = beats_out / u64::from(frames);
        let cycles = clock.last_out + last_beats - clock.first_out.unwrap_or(0);
        Ok((
            nic,
            clock,
            cycles as f64 / beats as f64,
            beats as f64 / f64::from(frames),
        ))
    }

    fn rate_figure(
        &mut self,
        id: &'static str,
        case: String,
        (value, unit, goal): (f64, &'static str, f64),
        frames: u32,
        with: &str,
    ) {
        self.figures.push(Figure {
            id,
            case,
            value,
            unit,
            goal: Some(format!("<={goal}")),
            met: Some(value <= goal),
            method: format!(
                "{frames} frames back to back, first to last beat out; outputs compared{with}"
            ),
            seed: self.seed,
            peer: None,
        });
    }

    /// Latency of single frames through an idle NIC.
    fn latency(&mut self, way: Way) -> Result<()> {
        let mut nic = self.nic()?;
        let mut clock = Clock::default();
        let mut through = Vec::new();
        for n in 0..32 {
            let (port, frame) = way.frame(n, 64);
            let mut one = Clock::default();
            nic.queue(port, n, nic.now() + 100, false, &frame)?;
            nic.play(&mut one, &mut |_| {})?;
            through.push(one.first_out.unwrap_or(0) - one.first_in.unwrap_or(0));
            clock.out += one.out;
            clock.latency.extend(one.latency);
        }
        self.check(&nic)?;
        ensure!(clock.out == 32, "{} of 32 frames came out", clock.out);
        for (what, values, goal) in [
            ("pipeline entry to first beat out", &clock.latency, Some(24)),
            ("first beat in to first beat out", &through, None),
        ] {
            let worst = values.iter().copied().max().unwrap_or(0);
            self.figures.push(Figure {
                id: "P4",
                case: format!("{} 64 B, {what}", way.name()),
                value: worst as f64,
                unit: "cycles",
                goal: goal.map(|g| format!("<={g}")),
                met: goal.map(|g| worst <= g),
                method: "worst of 32 frames through an idle NIC; outputs compared".to_owned(),
                seed: self.seed,
                peer: None,
            });
        }
        Ok(())
    }

    /// How long an entry is used after it was invalidated, and when that is answered.
    fn invalidation(&mut self) -> Result<()> {
        /// Of the pipeline, and what may be added to them.
        const DEPTH: u64 = 24;
        const MORE: u64 = 8;
        const ROUNDS: u32 = 4;
        for raced in race::figures(self.seed, ROUNDS, &self.image)? {
            let method = format!(
                "{} bursts of frames back to back that use it, at every distance around the command; core at \
                 1:1 to 1:3; outputs compared",
                raced.bursts
            );
            let (_, most) = raced.answered;
            let used = raced.unused_from;
            let cases = [
                (
                    "clocks until no frame that enters uses it",
                    used as f64,
                    race::DEADLINE.cast_unsigned(),
                    used <= race::DEADLINE,
                ),
                (
                    "clocks until the answer",
                    most as f64,
                    DEPTH + MORE,
                    most <= DEPTH + MORE,
                ),
            ];
            for (what, value, goal, met) in cases {
                self.figures.push(Figure {
                    id: "P10",
                    case: format!("{}: {what}", raced.name),
                    value,
                    unit: "cycles",
                    goal: Some(format!("<={goal}")),
                    met: Some(met),
                    method: method.clone(),
                    seed: self.seed,
                    peer: None,
                });
            }
        }
        Ok(())
    }

    /// Clocks simulated per second.
    fn speed(&mut self) -> Result<()> {
        const CLOCKS: u64 = 400_000;
        let nic = self.nic()?;
        let start = nic.now();
        let asleep = {
            let timer = Instant::now();
            nic.model()
                .run(start + CLOCKS, RunMode::EXACT, usize::MAX)?;
            CLOCKS as f64 / timer.elapsed().as_secs_f64()
        };
        // A core that boots is busy.
        let mut nic = nic;
        nic.device.stop_firmware()?;
        nic.device.load_firmware(&self.image)?;
        nic.model().csr_write(0, 0, FW_CTRL, 1)?;
        let (timer, start) = (Instant::now(), nic.now());
        nic.model()
            .run(start + CLOCKS / 4, RunMode::EXACT, usize::MAX)?;
        let busy = (CLOCKS / 4) as f64 / timer.elapsed().as_secs_f64();
        for (case, value) in [
            ("whole NIC, core asleep", asleep),
            ("whole NIC, core busy", busy),
        ] {
            self.figures.push(Figure {
                id: "P14",
                case: case.to_owned(),
                value,
                unit: "clocks/s",
                goal: Some(">=500000".to_owned()),
                met: Some(value >= 500_000.0),
                method: "datapath idle, one thread, this machine as it is now".to_owned(),
                seed: self.seed,
                peer: None,
            });
        }
        Ok(())
    }

    fn check(&self, nic: &Nic) -> Result<()> {
        let mismatches = nic.scoreboard.mismatch_count();
        ensure!(
            mismatches == 0,
            "{mismatches} mismatches: {:?}",
            nic.scoreboard.mismatches()
        );
        Ok(())
    }
}
