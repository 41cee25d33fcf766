// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `race`: an invalidation of every scope against frames that use the entry, at every distance.
//!
//! Frames stand back to back while the firmware is asked to invalidate; so the command meets frames at
//! each stage of the pipeline. No frame that enters the pipeline `DEADLINE` clocks after the command
//! was taken, or later, may use the entry; and the command is not answered before every frame that
//! entered before it has left the pipeline with its last beat.

mod player;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use hairpin_abi::admin::{Command, Flush};
use hairpin_abi::row::MacKey;
use hairpin_abi::{
    FlowAction, FlowKey, FlowRow, IpFields, KeyField, MacAddr, MacRow, Op, PortId, Reason, Scope,
    Table, Target, Teacher, VPort, VVlan, Vlan,
};
use hairpin_driver::config::{Config, Plan, Step};
use hairpin_driver::image::FirmwareImage;

use crate::model::{Cycle, Options, UPLINK};
use crate::nic::{Nic, Observer, read_firmware};
use crate::rng::Rng;
use crate::scoreboard::Left;
use crate::trace::Decided;
use player::Issue;

/// Clocks after a command from which on nothing it invalidated is used.
pub(crate) const DEADLINE: i64 = 8;
/// Distances that have to occur, before and after the command.
const WINDOW: i64 = 40;
/// Frames of a burst: longer than the firmware needs to obey.
const BURST: u32 = 12_000;
/// The same for the program in its place.
const SHORT_BURST: u32 = 4000;
/// Bytes of a beat.
const BEAT: u32 = 64;
/// Bursts per case until every distance has occurred.
const PATIENCE: u32 = 40;

const VVLAN: u16 = 100;
const OUTER: u16 = 10;
const TPID: u16 = 0x88a8;
/// Behind vf0 and vf1, learned; and outside.
const LOCAL: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 0x10], [2, 0, 0, 0, 0, 0x11]];
const OUTSIDE: [u8; 6] = [2, 0, 0, 0, 0, 0x99];

/// Arguments of `race`.
#[derive(Args, Clone, Debug)]
pub struct RaceArgs {
    /// Seed of everything
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Bursts per case, at least
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub rounds: u32,
    /// Firmware image; the one built with this program if left out
    #[arg(long, value_name = "ELF")]
    pub firmware: Option<PathBuf>,
}

/// Who gives the command.
#[derive(Clone, Copy, Debug)]
enum Giver {
    /// The firmware, asked for this.
    Firmware(Command),
    /// A program in its place: the firmware invalidates these only when nothing can use them any more. The
    /// number is the second word of the command.
    Program(u32),
}

/// What is invalidated, and the frames that use it.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    giver: Giver,
    table: Table,
    /// `None`: one entry is removed.
    scope: Option<Scope>,
    /// Port of the frames.
    from: u8,
    /// The flow entry's action and port; `None`: the address of vf1 is what is used.
    flow: Option<(FlowAction, u8)>,
    /// The address is static.
    fixed: bool,
}

fn cases() -> Vec<Case> {
    let vport = |n: u8| VPort::new(n).map_or(Flush::All, Flush::VPort);
    let vvlan = VVlan::new(VVLAN).map_or(Flush::All, Flush::VVlan);
    let flow = |name, command, scope, from, action, port| Case {
        name,
        giver: Giver::Firmware(command),
        table: Table::Flow,
        scope,
        from,
        flow: Some((action, port)),
        fixed: false,
    };
    let mac = |name, giver, scope, fixed| Case {
        name,
        giver,
        table: Table::Mac,
        scope,
        from: UPLINK,
        flow: None,
        fixed,
    };
    let flush = |name, what, scope, from, action, port| {
        flow(
            name,
            Command::FlowFlush(what),
            Some(scope),
            from,
            action,
            port,
        )
    };
    let macs = |what| Giver::Firmware(Command::FdbFlush(what));
    let (drop, local, redirect) = (FlowAction::Drop, FlowAction::Local, FlowAction::Redirect);
    let taught = Flush::Teacher(Teacher::Flow);
    let one_flow = Command::FlowDel(key(UPLINK));
    let one_mac = mac_key().map_or(Command::Nop, Command::FdbDel);
    vec![
        flow("flow, entry", one_flow, None, UPLINK, redirect, 1),
        flush("flow, all", Flush::All, Scope::All, UPLINK, drop, UPLINK),
        flush(
            "flow, teacher",
            taught,
            Scope::Teacher,
            UPLINK,
            local,
            UPLINK,
        ),
        flush("flow, V.VLAN", vvlan, Scope::VVlan, UPLINK, redirect, 1),
        flush(
            "flow, ingress vPort",
            vport(0),
            Scope::VPort,
            0,
            redirect,
            1,
        ),
        flush(
            "flow, target vPort",
            vport(1),
            Scope::VPort,
            UPLINK,
            redirect,
            1,
        ),
        mac("mac, entry", Giver::Firmware(one_mac), None, false),
        mac(
            "mac, dynamic",
            macs(Flush::All),
            Some(Scope::Teacher),
            false,
        ),
        mac("mac, vPort", macs(vport(1)), Some(Scope::VPort), false),
        mac("mac, all", Giver::Program(0), Some(Scope::All), true),
        mac("mac, static", Giver::Program(1), Some(Scope::Teacher), true),
        // The first instance serves the only V.VLAN.
        mac("mac, V.VLAN", Giver::Program(0), Some(Scope::VVlan), true),
    ]
}

/// A frame of a burst.
#[derive(Clone, Copy, Debug)]
struct Seen {
    entered: Cycle,
    gone: Cycle,
    used: bool,
}

/// Watches one burst.
#[derive(Debug)]
struct Watch {
    case: Case,
    frames: Vec<Seen>,
    taken: Option<Cycle>,
    answered: Option<Cycle>,
    /// The command that was taken last is the one.
    open: bool,
}

impl Observer for Watch {
    fn input(&mut self, _: Cycle, _: u8, _: u32) {}
    fn output(&mut self, _: Cycle, _: u8, _: &[u8], _: Left) {}

    fn taken(&mut self, cycle: Cycle, op: u8, table: u8, index: u16) {
        let this = match self.case.scope {
            Some(scope) => op == Op::Invalidate.code() && index == u16::from(scope.code()),
            None => op == Op::Delete.code(),
        };
        self.open = this && table == self.case.table.code() && self.taken.is_none();
        if self.open {
            self.taken = Some(cycle);
        }
    }

    fn answered(&mut self, cycle: Cycle, _: u8) {
        if std::mem::take(&mut self.open) {
            self.answered = Some(cycle);
        }
    }

    fn decided(&mut self, cycle: Cycle, d: &Decided) {
        if d.src == self.case.from && !d.core {
            let beats = u32::from(d.bus_len).div_ceil(BEAT).max(1);
            self.frames.push(Seen {
                entered: cycle.saturating_sub(d.age.into()),
                gone: cycle + u64::from(beats - 1),
                used: match self.case.flow {
                    Some(_) => d.flow.is_some(),
                    None => d.reason == Reason::MacHit.code(),
                },
            });
        }
    }
}

/// What the bursts of a case have shown.
#[derive(Debug, Default)]
struct Findings {
    bursts: u32,
    /// Distances of frames from the command, in clocks.
    distances: BTreeSet<i64>,
    /// The last distance at which the entry was still used.
    last_use: Option<i64>,
    /// Clocks from command to answer.
    answer: BTreeMap<u64, u32>,
}

impl Findings {
    fn complete(&self) -> bool {
        (-WINDOW..=WINDOW).all(|distance| self.distances.contains(&distance))
    }

    /// Judges a burst.
    fn add(&mut self, watch: &Watch) -> Result<()> {
        self.bursts += 1;
        let name = watch.case.name;
        let (Some(taken), Some(answered)) = (watch.taken, watch.answered) else {
            bail!("{name}: the firmware did not invalidate within the burst");
        };
        *self.answer.entry(answered - taken).or_default() += 1;
        for frame in &watch.frames {
            let distance = frame.entered.cast_signed() - taken.cast_signed();
            if (-WINDOW..=WINDOW).contains(&distance) {
                self.distances.insert(distance);
            }
            ensure!(
                !frame.used || distance < DEADLINE,
                "{name}: a frame that entered {distance} clocks after the command used the entry \
                 (cycle {taken})"
            );
            ensure!(
                distance >= 0 || frame.gone <= answered,
                "{name}: answered in cycle {answered}, but a frame that entered {} clocks before the \
                 command left in cycle {}",
                -distance,
                frame.gone
            );
            if frame.used {
                self.last_use = self.last_use.max(Some(distance));
            }
        }
        let used = |frame: &&Seen| frame.used;
        let early = watch.frames.iter().filter(|f| f.entered + 100 < taken);
        let unused = early.clone().filter(|f| !f.used).count();
        ensure!(
            early.clone().any(|f| f.used) && unused == 0,
            "{name}: the entry was not in use before the command ({unused} frames, {} used)",
            watch.frames.iter().filter(used).count()
        );
        Ok(())
    }
}

/// Runs the races and prints what they came to.
///
/// # Errors
/// An entry that was used too long, an answer too soon, a distance that did not occur.
pub fn run(args: &RaceArgs) -> Result<()> {
    let image = read_firmware(args.firmware.as_deref())?;
    for found in figures(args.seed, args.rounds, &image)? {
        let Raced {
            name,
            bursts,
            unused_from,
            answered,
            ..
        } = found;
        println!(
            "{name:<20} {bursts} bursts, every distance from -{WINDOW} to {WINDOW}; not used by frames that enter \
             {unused_from} clocks after the command, or later; answered after {} to {} clocks",
            answered.0, answered.1
        );
    }
    Ok(())
}

/// What the bursts of one case came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raced {
    pub(crate) name: &'static str,
    pub(crate) bursts: u32,
    /// No frame that enters so many clocks after the command, or later, uses the entry.
    pub(crate) unused_from: i64,
    /// Clocks from the command to its answer, least and most.
    pub(crate) answered: (u64, u64),
}

/// Runs the races.
pub(crate) fn figures(seed: u64, rounds: u32, image: &FirmwareImage) -> Result<Vec<Raced>> {
    let mut all = Vec::new();
    for (number, case) in (0..).zip(cases()) {
        let mut rng = Rng::part(seed, number);
        let found = race(case, rounds, image, &mut rng)
            .map_err(|error| error.context(format!("seed {seed} case {number}")))?;
        let (least, most) = (found.answer.keys().next(), found.answer.keys().last());
        all.push(Raced {
            name: case.name,
            bursts: found.bursts,
            // Every distance occurred, and in each burst some frame used the entry.
            unused_from: found.last_use.map_or(-WINDOW, |last| last + 1),
            answered: (
                least.copied().unwrap_or_default(),
                most.copied().unwrap_or_default(),
            ),
        });
    }
    Ok(all)
}

fn race(case: Case, rounds: u32, image: &FirmwareImage, rng: &mut Rng) -> Result<Findings> {
    let options = Options {
        seed: rng.next(),
        core_ratio: *rng.pick(&[1, 2, 3]),
        ..Options::default()
    };
    let mut nic = start(&options, image)?;
    let mut found = Findings::default();
    let mut id = 0;
    while found.bursts < rounds || !found.complete() {
        ensure!(
            found.bursts < PATIENCE,
            "{}: {} of the distances did not occur",
            case.name,
            2 * WINDOW + 1 - found.distances.len() as i64
        );
        let mut watch = Watch {
            case,
            frames: Vec::new(),
            taken: None,
            answered: None,
            open: false,
        };
        match case.giver {
            Giver::Firmware(_) => {
                // Both addresses are learned (again) from a frame each.
                for (port, mac) in (0..).zip(LOCAL) {
                    let bytes = frame(OUTSIDE, mac, &[], 60);
                    nic.queue(port, id, nic.now(), false, &bytes)?;
                    id += 1;
                }
            }
            Giver::Program(_) => player::start(&mut nic, &insert(case.fixed)?, &mut watch)?,
        }
        nic.play(&mut watch, &mut |_| {})?;
        if let Some((action, port)) = case.flow {
            let row = FlowRow {
                port: PortId::new(port).unwrap_or(PortId::Uplink),
                ..FlowRow::new(action, Teacher::Flow)
            };
            nic.device.admin(&Command::FlowAdd {
                key: key(case.from),
                row,
            })?;
            nic.play(&mut watch, &mut |_| {})?;
        }
        // What led here is not part of it.
        watch.frames.clear();
        (watch.taken, watch.answered, watch.open) = (None, None, false);
        let begin = nic.now() + rng.below(200) as u64;
        let long = rng.percent(30);
        let burst = match case.giver {
            Giver::Firmware(_) => BURST,
            Giver::Program(_) => SHORT_BURST,
        };
        for _ in 0..burst {
            // One beat each, or now and then more.
            let len = if long { rng.range(52, 400) } else { 52 };
            let bytes = if case.from == UPLINK {
                frame(LOCAL[1], OUTSIDE, &[TPID, OUTER, 0x8100, VVLAN], len + 8)
            } else {
                frame(OUTSIDE, LOCAL[0], &[], len + 8)
            };
            nic.queue(case.from, id, begin, false, &bytes)?;
            id += 1;
        }
        match case.giver {
            Giver::Firmware(command) => {
                nic.device.admin(&command)?;
            }
            Giver::Program(which) => {
                let issue = Issue {
                    turns: rng.range(100, 200) as u32,
                    op: Op::Invalidate,
                    table: case.table,
                    index: case.scope.map_or(0, |scope| scope.code().into()),
                    data: vec![which],
                };
                player::start(&mut nic, &issue, &mut watch)?;
            }
        }
        nic.play(&mut watch, &mut |_| {})?;
        found.add(&watch)?;
        let differences = nic.scoreboard.mismatch_count();
        ensure!(
            differences == 0,
            "{}: {differences} mismatches, the first: {:?}",
            case.name,
            nic.scoreboard.mismatches().first()
        );
    }
    Ok(found)
}

/// A NIC with one V.VLAN that has a flow cache, and two vPorts that learn.
fn start(options: &Options, image: &FirmwareImage) -> Result<Nic> {
    let mut nic = Nic::start(options, image, false)?;
    let text = format!(
        "version = 1\n[uplink]\ntpid = {TPID:#06x}\nreflects = false\n\
         [[vvlan]]\nid = {VVLAN}\nvlan = {OUTER}\nmode = \"auto\"\nmiss = \"ignore\"\n\
         [[vport]]\nname = \"vf0\"\nvvlan = {VVLAN}\nmac = \"02:00:00:00:01:00\"\nspoofchk = false\n\
         [[vport]]\nname = \"vf1\"\nvvlan = {VVLAN}\nmac = \"02:00:00:00:01:01\"\nspoofchk = false\n"
    );
    let config = Config::parse(&text, Path::new("race"))?;
    let plan = Plan::new(&config, nic.device.capabilities())?;
    nic.device.apply(&plan)?;
    for step in plan.steps() {
        match step {
            Step::Port(vport, row) => {
                let mut row = *row;
                (row.learning, row.max_macs) = (true, 8);
                nic.device.write_port(*vport, &row)?;
            }
            Step::Admin(Command::VVlanSet { id, row }) => {
                let mut row = *row;
                (row.cache, row.flow_quota) = (true, 6);
                row.key_mask = KeyField::MASK_ALL;
                nic.device.admin(&Command::VVlanSet { id: *id, row })?;
            }
            _ => {}
        }
    }
    Ok(nic)
}

fn frame(da: [u8; 6], sa: [u8; 6], tags: &[u16], len: usize) -> Vec<u8> {
    let mut bytes = [da, sa].concat();
    bytes.extend(tags.iter().flat_map(|word| word.to_be_bytes()));
    bytes.extend([0x12, 0x34]);
    bytes.resize(len, 0);
    bytes
}

/// The address of vf1.
fn mac_key() -> Option<MacKey> {
    Some(MacKey {
        vvlan: VVlan::new(VVLAN)?,
        mac: MacAddr(LOCAL[1]),
    })
}

/// The command that teaches it.
fn insert(fixed: bool) -> Result<Issue> {
    let row = MacRow {
        key: mac_key().context("a V.VLAN")?,
        target: Target::VPort(VPort::new(1).context("a vPort")?),
        is_static: fixed,
    };
    Ok(Issue {
        turns: 0,
        op: Op::Insert,
        table: Table::Mac,
        index: 0,
        data: row.to_words()[..3].to_vec(),
    })
}

/// The key of the burst's frames.
fn key(from: u8) -> FlowKey {
    let (da, sa) = if from == UPLINK {
        (LOCAL[1], OUTSIDE)
    } else {
        (OUTSIDE, LOCAL[0])
    };
    FlowKey {
        src: PortId::new(from).unwrap_or(PortId::Uplink),
        vvlan: Vlan::from_tci(VVLAN),
        da: MacAddr(da),
        sa: MacAddr(sa),
        ethertype: 0x1234,
        ip: IpFields::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(frames: &[(i64, bool, u64)], answered: Cycle) -> Watch {
        let mut all = vec![Seen {
            entered: 800,
            gone: 822,
            used: true,
        }];
        all.extend(frames.iter().map(|(distance, used, stay)| {
            let entered = 1000_u64.strict_add_signed(*distance);
            Seen {
                entered,
                gone: entered + stay,
                used: *used,
            }
        }));
        Watch {
            case: cases()[1],
            frames: all,
            taken: Some(1000),
            answered: Some(answered),
            open: false,
        }
    }

    #[test]
    fn a_late_use_and_an_early_answer_are_found() {
        let judge = |watch: &Watch| Findings::default().add(watch);
        assert!(
            judge(&burst(
                &[(-1, true, 22), (7, true, 22), (8, false, 22)],
                1021
            ))
            .is_ok()
        );
        assert!(judge(&burst(&[(8, true, 22)], 1040)).is_err());
        assert!(judge(&burst(&[(-1, true, 22)], 1020)).is_err());
        assert!(judge(&burst(&[(-1, true, 150)], 1100)).is_err());
        assert!(judge(&burst(&[(-300, false, 22)], 1040)).is_err());
        let mut missing = burst(&[], 1040);
        missing.taken = None;
        assert!(judge(&missing).is_err());
    }

    #[test]
    fn a_removed_entry_may_be_used_until_the_answer() {
        let one = |frames: &[(i64, bool, u64)]| {
            let mut watch = burst(frames, 1030);
            watch.case = cases()[0];
            Findings::default().add(&watch)
        };
        assert!(one(&[(-1, true, 150), (30, true, 22), (31, false, 22)]).is_ok());
        assert!(one(&[(31, true, 22)]).is_err());
    }

    #[test]
    fn every_distance_has_to_occur() {
        let mut found = Findings::default();
        let frames: Vec<_> = (-40..=40).map(|d| (d, d < 0, 22)).collect();
        assert!(found.add(&burst(&frames[1..], 1040)).is_ok());
        assert!(!found.complete());
        assert!(found.add(&burst(&frames, 1040)).is_ok());
        assert!(found.complete());
        assert_eq!(found.last_use, Some(-1));
    }
}
