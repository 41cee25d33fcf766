// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a replay sees while it runs.

use std::collections::HashMap;

use hairpin_abi::MacAddr;
use hairpin_driver::report::{EditReport, HostEvent, Occupancy};
use hairpin_driver::{Device, Diagnostic};

use super::timeline::Shot;
use crate::checker::Checker;
use crate::golden::Golden;
use crate::model::Cycle;
use crate::nic::Observer;
use crate::scoreboard::Left;
use crate::transport::InProcess;

/// Ticks between two looks for events while the NIC is at work: the queue holds 16.
const SHORT_SLICE: u64 = 8192;
/// The same while nothing happens.
const LONG_SLICE: u64 = 1 << 20;

/// A frame that came out.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) port: u8,
    pub(super) cycle: Cycle,
    pub(super) origin: Option<u32>,
    pub(super) bytes: Vec<u8>,
}

/// Collects what comes out and what changes, and has it checked.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) shots: Vec<Shot>,
    pub(super) checker: Checker,
    pub(super) out: Vec<Out>,
    /// Cycle 0 of the report in the NIC's time.
    pub(super) start: Cycle,
    pub(super) occupancy: Vec<Occupancy>,
    pub(super) events: Vec<HostEvent>,
    pub(super) edits: Vec<EditReport>,
    /// Source addresses of all frames by their last four bytes; `None` where two share them.
    sources: HashMap<u32, Option<MacAddr>>,
    /// Ticks until the next look, and whether something happened since the last.
    slice: u64,
    busy: bool,
}

impl Watch {
    pub(super) fn new(shots: Vec<Shot>, checker: Checker) -> Self {
        let mut sources: HashMap<u32, Option<MacAddr>> = HashMap::new();
        for shot in &shots {
            if let Some(mac) = shot
                .bytes
                .get(6..12)
                .and_then(|sa| <[u8; 6]>::try_from(sa).ok())
            {
                let mac = MacAddr(mac);
                sources
                    .entry(mac.to_u64() as u32)
                    .and_modify(|known| *known = known.filter(|other| *other == mac))
                    .or_insert(Some(mac));
            }
        }
        Self {
            shots,
            checker,
            out: Vec::new(),
            start: 0,
            occupancy: Vec::new(),
            events: Vec::new(),
            edits: Vec::new(),
            sources,
            slice: SHORT_SLICE,
            busy: false,
        }
    }

    /// The first frame goes in at `start`.
    pub(super) fn begin(&mut self, start: Cycle, golden: &Golden) {
        self.start = start;
        self.occupancy.clear();
        self.fill(start, golden);
    }

    /// The id of the next frame that is added to `shots`.
    pub(super) fn next_id(&self) -> u32 {
        u32::try_from(self.shots.len()).unwrap_or(u32::MAX)
    }

    /// A cycle as the report counts it.
    pub(super) fn report_cycle(&self, cycle: Cycle) -> u64 {
        cycle.saturating_sub(self.start)
    }

    /// Takes what the firmware has told since the last look.
    pub(super) fn take_events(
        &mut self,
        now: Cycle,
        device: &mut Device<InProcess>,
    ) -> Result<(), Diagnostic> {
        let cycle = self.report_cycle(now);
        let known = |low| self.sources.get(&low).copied().flatten();
        for event in device.take_events()? {
            self.events.push(HostEvent::new(cycle, &event, known));
        }
        Ok(())
    }

    fn fill(&mut self, cycle: Cycle, golden: &Golden) {
        let tables = &golden.model().tables;
        let sample = Occupancy {
            cycle: self.report_cycle(cycle),
            mac: u32::try_from(tables.mac_entries().count()).unwrap_or(u32::MAX),
            flow: u32::try_from(tables.flows().count()).unwrap_or(u32::MAX),
        };
        match self.occupancy.last_mut() {
            Some(last) if (last.mac, last.flow) == (sample.mac, sample.flow) => {}
            Some(last) if last.cycle == sample.cycle => *last = sample,
            _ => self.occupancy.push(sample),
        }
    }
}

impl Observer for Watch {
    fn input(&mut self, cycle: Cycle, port: u8, id: u32) {
        self.busy = true;
        if let Some(shot) = self.shots.get(id as usize) {
            self.checker.input(id, port, &shot.bytes, false, cycle);
        }
    }

    fn output(&mut self, cycle: Cycle, port: u8, bytes: &[u8], left: Left) {
        self.busy = true;
        let origin = left.origin;
        if let Some(id) = origin {
            self.checker.output(id, port, bytes, cycle);
        }
        self.out.push(Out {
            port,
            cycle,
            origin,
            bytes: bytes.to_vec(),
        });
    }

    fn tables(&mut self, cycle: Cycle, golden: &Golden) {
        self.busy = true;
        self.fill(cycle, golden);
    }

    fn pause(&mut self, now: Cycle, device: &mut Device<InProcess>) -> Result<(), Diagnostic> {
        self.take_events(now, device)?;
        self.slice = if std::mem::take(&mut self.busy) {
            SHORT_SLICE
        } else {
            (self.slice * 2).min(LONG_SLICE)
        };
        Ok(())
    }

    fn slice(&self) -> u64 {
        self.slice
    }
}
