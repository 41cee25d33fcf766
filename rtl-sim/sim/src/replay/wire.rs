// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is at the other end of the uplink: nothing but captures, or the adjacent switch.
//!
//! With a switch, what leaves by the uplink goes to it, what it sends by the NIC's port comes in by the uplink,
//! and the uplink's capture is what comes to the switch by its first other port. A frame is on its way for a
//! fixed number of cycles, so that the NIC can run as far ahead without knowing what comes back.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use hairpin_adjacent_switch::{Completion, Config, EditId, Output, PortNo, Stats, Switch};
use hairpin_driver::Diagnostic;
use hairpin_driver::report::{RuleEditReport, SwitchPort, SwitchReport, SwitchRule};

use super::Watch;
use super::rule_script::{self, TimedEdit};
use super::timeline::Shot;
use crate::model::{Cycle, UPLINK};
use crate::nic::{Nic, Observer};
use crate::promise::{Promises, micros};
use crate::rng::Rng;

/// The part of a seed that belongs to the switch.
const SEED_PART: u64 = 0x5317;

/// A switch that was read and fits beside the NIC.
#[derive(Debug)]
pub(super) struct SwitchFile {
    config: Config,
    /// The port that the NIC is behind.
    nic: PortNo,
    /// The first of the others.
    outside: Option<PortNo>,
    edits: Vec<TimedEdit>,
}

impl SwitchFile {
    pub(super) fn read(path: &Path, edits: Option<&Path>) -> Result<Self, Diagnostic> {
        let config = Config::read(path)?;
        let ports = || config.setup.ports.iter().zip(0..);
        let speaks = ports().filter(|(port, _)| port.keys.is_some());
        let reflects = ports().filter(|(port, _)| port.reflects);
        let mut found: Vec<usize> = speaks.map(|(_, number)| number).collect();
        if found.is_empty() {
            found = reflects.map(|(_, number)| number).collect();
        }
        let [nic] = found[..] else {
            let message = format!(
                "the NIC is behind one port of the switch, not {}",
                found.len()
            );
            return Err(Diagnostic::new("no-nic-port", message)
                .field("port")
                .file(path)
                .help("write nic = true, or reflects = true, at one [[port]]"));
        };
        let outside = ports()
            .map(|(_, number)| PortNo(number))
            .find(|port| *port != PortNo(nic));
        let edits = match edits {
            Some(edits) => rule_script::read(edits, &config)?,
            None => Vec::new(),
        };
        Ok(Self {
            config,
            nic: PortNo(nic),
            outside,
            edits,
        })
    }

    /// Whether the uplink's capture has a port to come in by.
    pub(super) fn has_outside(&self) -> bool {
        self.outside.is_some()
    }
}

/// The uplink's other end.
#[derive(Debug)]
pub(super) struct Wire(Option<Neighbour>);

/// A frame that the switch sent by one of its other ports.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) port: String,
    pub(super) cycle: Cycle,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug)]
struct Neighbour {
    switch: Switch,
    names: Vec<String>,
    nic: PortNo,
    outside: PortNo,
    delay: u64,
    clock_hz: u64,
    /// The uplink's capture, as far as it has not come to the switch yet.
    waiting: VecDeque<Shot>,
    /// Edits of the rules that are not due yet, and those that were.
    edits: VecDeque<TimedEdit>,
    edited: Vec<Edited>,
    /// Outputs of the NIC that were looked at.
    taken: usize,
    /// Frames sent to the NIC.
    sent: u64,
    out: Vec<Outside>,
    paused: Cycle,
    promises: Promises,
}

/// An edit that was made.
#[derive(Debug)]
struct Edited {
    ids: Vec<EditId>,
    report: RuleEditReport,
}

/// What comes to the switch.
#[derive(Debug)]
enum Arrival {
    Frame(PortNo, Vec<u8>),
    Edit(TimedEdit),
}

impl Wire {
    /// The NIC's time 0 of the traffic is `start`.
    pub(super) fn new(
        file: Option<&SwitchFile>,
        args: &hairpin_driver::cli::ReplayArgs,
        shots: &[Shot],
        start: Cycle,
    ) -> Self {
        Self(file.map(|file| {
            let mut rng = Rng::part(args.seed, SEED_PART);
            let (high, low) = (rng.next(), rng.next());
            let seed = (u128::from(high) << 64 | u128::from(low)).to_le_bytes();
            let setup = &file.config.setup;
            let uplink = shots.iter().filter(|shot| shot.port == UPLINK).cloned();
            Neighbour {
                switch: Switch::new(setup, file.config.table.clone(), seed, 0),
                names: setup.ports.iter().map(|port| port.name.clone()).collect(),
                nic: file.nic,
                outside: file.outside.unwrap_or(file.nic),
                delay: args.switch_delay,
                clock_hz: args.clock_hz,
                waiting: uplink
                    .map(|shot| Shot {
                        cycle: start + shot.cycle,
                        ..shot
                    })
                    .collect(),
                edits: file
                    .edits
                    .iter()
                    .map(|edit| TimedEdit {
                        cycle: start + edit.cycle,
                        ..edit.clone()
                    })
                    .collect(),
                edited: Vec::new(),
                taken: 0,
                sent: 0,
                out: Vec::new(),
                paused: 0,
                promises: Promises::new(setup.ports.get(file.nic.0).and_then(|port| port.keys)),
            }
        }))
    }

    /// True if the uplink's capture comes in by way of a switch.
    pub(super) fn has_switch(&self) -> bool {
        self.0.is_some()
    }

    /// Runs to a moment, frames going in and out meanwhile.
    pub(super) fn run_to(
        &mut self,
        until: Cycle,
        nic: &mut Nic,
        watch: &mut Watch,
    ) -> Result<(), Diagnostic> {
        let Some(neighbour) = &mut self.0 else {
            return nic.run_to(until, watch);
        };
        while nic.now() < until {
            neighbour.step(until, nic, watch)?;
        }
        Ok(())
    }

    /// Plays everything to its end. `progress` is told the number of frames that still wait.
    pub(super) fn play(
        &mut self,
        nic: &mut Nic,
        watch: &mut Watch,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Diagnostic> {
        let Some(neighbour) = &mut self.0 else {
            return nic.play(watch, progress).map(|_| ());
        };
        loop {
            loop {
                let queued = nic.queued() + neighbour.waiting.len() as u64;
                progress(queued);
                if queued == 0 && neighbour.edits.is_empty() {
                    break;
                }
                neighbour.step(Cycle::MAX, nic, watch)?;
            }
            nic.play(watch, progress)?;
            neighbour.exchange(nic, watch)?;
            if nic.queued() == 0 {
                return Ok(());
            }
        }
    }

    /// What left by the switch's other ports.
    pub(super) fn outside(&self) -> &[Outside] {
        self.0.as_ref().map_or(&[], |neighbour| &neighbour.out)
    }

    /// The names of the switch's other ports.
    pub(super) fn outside_names(&self) -> Vec<&str> {
        let Some(neighbour) = &self.0 else {
            return Vec::new();
        };
        let names = neighbour.names.iter().enumerate();
        let names = names.filter(|(number, _)| PortNo(*number) != neighbour.nic);
        names.map(|(_, name)| name.as_str()).collect()
    }

    /// What the switch has counted.
    pub(super) fn report(&self, config: String) -> Option<SwitchReport> {
        let neighbour = self.0.as_ref()?;
        let mut ports = BTreeMap::new();
        for (number, name) in neighbour.names.iter().enumerate() {
            let counted = neighbour
                .switch
                .counters(PortNo(number))
                .unwrap_or_default();
            let port = SwitchPort {
                in_frames: counted.in_frames,
                in_bytes: counted.in_bytes,
                out_frames: counted.out_frames,
                out_bytes: counted.out_bytes,
                marked: counted.marked,
                denied: counted.denied,
            };
            ports.insert(name.clone(), port);
        }
        Some(SwitchReport {
            config,
            delay: neighbour.delay,
            nic: neighbour.names.get(neighbour.nic.0)?.clone(),
            ports,
            acknowledged: neighbour.promises.kept(),
            rules: Stats::of(&neighbour.switch)
                .by_rule
                .into_iter()
                .map(|rule| SwitchRule {
                    name: rule.name,
                    priority: rule.priority,
                    action: rule.action,
                    frames: rule.counters.frames,
                    marked: rule.counters.marked,
                })
                .collect(),
            edits: neighbour
                .edited
                .iter()
                .map(|edited| edited.report.clone())
                .collect(),
        })
    }
}

impl Neighbour {
    /// As far as nothing can come back that is not known yet.
    fn step(&mut self, until: Cycle, nic: &mut Nic, watch: &mut Watch) -> Result<(), Diagnostic> {
        let now = nic.now();
        nic.advance(until.min(now + self.delay), watch)?;
        self.exchange(nic, watch)?;
        let now = nic.now();
        if now - self.paused >= watch.slice() {
            self.paused = now;
            watch.pause(now, &mut nic.device)?;
        }
        Ok(())
    }

    /// Takes to the switch what has come to it, and to the NIC what it answers.
    fn exchange(&mut self, nic: &mut Nic, watch: &mut Watch) -> Result<(), Diagnostic> {
        let now = nic.now();
        let left = watch.out.get(self.taken..).unwrap_or(&[]).iter();
        let left = left.filter(|out| out.port == UPLINK);
        let mut arrived: Vec<_> = left
            .map(|out| (out.cycle, Arrival::Frame(self.nic, out.bytes.clone())))
            .collect();
        self.taken = watch.out.len();
        while let Some(shot) = self.waiting.pop_front_if(|shot| shot.cycle <= now) {
            arrived.push((shot.cycle, Arrival::Frame(self.outside, shot.bytes)));
        }
        while let Some(edit) = self.edits.pop_front_if(|edit| edit.cycle <= now) {
            arrived.push((edit.cycle, Arrival::Edit(edit)));
        }
        arrived.sort_by_key(|(cycle, _)| *cycle);
        for (cycle, arrival) in &arrived {
            if let Arrival::Frame(port, frame) = arrival
                && *port == self.nic
            {
                self.promises.ask(frame, *cycle, nic);
            }
        }
        for (cycle, arrival) in arrived {
            let mut out = Vec::new();
            let time = self.micros(cycle, watch);
            match arrival {
                Arrival::Frame(port, frame) => {
                    self.switch.receive(port, &frame, time, &mut out);
                }
                Arrival::Edit(edit) => self.edit(edit, time, watch, &mut out)?,
            }
            self.send(cycle, out, nic, watch)?;
        }
        let time = self.micros(now, watch);
        if self.switch.poll_at() <= time {
            let mut out = Vec::new();
            self.switch.poll(time, &mut out);
            self.send(now, out, nic, watch)?;
        }
        let cycle = watch.report_cycle(now);
        for completion in self.switch.take_completions() {
            self.complete(&completion, cycle);
        }
        Ok(())
    }

    fn edit(
        &mut self,
        edit: TimedEdit,
        time: u64,
        watch: &Watch,
        out: &mut Vec<Output>,
    ) -> Result<(), Diagnostic> {
        let mut ids = Vec::new();
        for edit in edit.edits {
            // It was tried on the same table when the script was read.
            let made = self.switch.edit(edit, time, out);
            ids.push(made.map_err(|error| Diagnostic::new("bad-switch-edit", error.to_string()))?);
        }
        self.edited.push(Edited {
            ids,
            report: RuleEditReport {
                cycle: watch.report_cycle(edit.cycle),
                command: edit.text,
                complete: None,
            },
        });
        Ok(())
    }

    fn complete(&mut self, completion: &Completion, cycle: u64) {
        for edited in &mut self.edited {
            let before = edited.ids.len();
            edited.ids.retain(|id| *id != completion.edit);
            if edited.ids.is_empty() && before != 0 {
                edited.report.complete = Some(cycle);
            }
        }
    }

    fn send(
        &mut self,
        cycle: Cycle,
        out: Vec<Output>,
        nic: &mut Nic,
        watch: &mut Watch,
    ) -> Result<(), Diagnostic> {
        let there = cycle + self.delay;
        for Output { port, frame, .. } in out {
            if port == self.nic {
                self.promises.sent(&frame);
                let shot = Shot {
                    port: UPLINK,
                    index: self.sent,
                    cycle: watch.report_cycle(there),
                    bytes: frame,
                };
                self.sent += 1;
                nic.queue(UPLINK, watch.next_id(), there, false, &shot.bytes)?;
                watch.shots.push(shot);
            } else if let Some(name) = self.names.get(port.0) {
                self.out.push(Outside {
                    port: name.clone(),
                    cycle: there,
                    bytes: frame,
                });
            }
        }
        Ok(())
    }

    /// The switch's time, from the first frame on.
    fn micros(&self, cycle: Cycle, watch: &Watch) -> u64 {
        micros(watch.report_cycle(cycle), self.clock_hz)
    }
}
