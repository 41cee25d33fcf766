// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a replay sees while it runs.

use std::collections::{HashMap, VecDeque};

use hairpin_abi::MacAddr;
use hairpin_driver::report::{EditReport, HostEvent, Occupancy};
use hairpin_driver::{Device, Diagnostic};

use super::timeline::Shot;
use crate::checker::Checker;
use crate::golden::Golden;
use crate::model::{Cycle, UPLINK};
use crate::nic::Observer;
use crate::scoreboard::Left;
use crate::trace::RING;
use crate::transport::InProcess;
use crate::vfs::Arrived;

/// Ticks between two looks for events while the NIC is at work: the queue holds 16.
const SHORT_SLICE: u64 = 8192;
/// The same while nothing happens.
const LONG_SLICE: u64 = 1 << 20;

/// A frame that came out.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) port: u8,
    pub(super) cycle: Cycle,
    /// The shot that it is a copy of.
    pub(super) origin: Option<u32>,
    /// Of a VF: the queue pair whose buffers it arrived in. None if it found no buffer.
    pub(super) queue: Option<u8>,
    pub(super) bytes: Vec<u8>,
}

impl Out {
    /// Whether it is at its port's other end.
    pub(super) fn is_there(&self) -> bool {
        self.port == UPLINK || self.queue.is_some()
    }
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
    /// By VF: shots that its driver has yet to send, in their order.
    unsent: HashMap<u8, VecDeque<u32>>,
    /// By the running number of a frame from a ring: its shot.
    rings: Vec<Option<u32>>,
    /// Frames from a ring that are none of the shots, or not as they were.
    strange: u64,
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
            unsent: HashMap::new(),
            rings: Vec::new(),
            strange: 0,
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

    /// A shot was given to the driver of its VF.
    pub(super) fn given(&mut self, vf: u8, shot: u32) {
        self.unsent.entry(vf).or_default().push_back(shot);
    }

    /// The shot that an input was.
    pub(super) fn shot_of(&self, id: u32) -> Option<u32> {
        if id & RING == 0 {
            return Some(id);
        }
        self.rings.get((id & !RING) as usize).copied().flatten()
    }

    /// Notes which frames are in the receive buffers of VFs. Of frames with the same bytes the first ones are there.
    /// Returns how many of the buffers' frames the NIC never sent.
    pub(super) fn arrived(&mut self, arrived: &[Arrived]) -> u64 {
        let mut sent: HashMap<(u8, &[u8]), VecDeque<usize>> = HashMap::new();
        for (n, out) in self.out.iter().enumerate() {
            if !out.is_there() {
                sent.entry((out.port, &out.bytes)).or_default().push_back(n);
            }
        }
        let mut found = Vec::new();
        let mut strange = 0;
        for Arrived { vf, queue, bytes } in arrived {
            match sent
                .get_mut(&(*vf, &bytes[..]))
                .and_then(VecDeque::pop_front)
            {
                Some(n) => found.push((n, *queue)),
                None => strange += 1,
            }
        }
        for (n, queue) in found {
            self.out[n].queue = Some(queue);
        }
        strange
    }

    /// Shots that did not come out of the rings as they were put in: those that came otherwise, those that did not come.
    pub(super) fn not_sent(&self) -> u64 {
        let unsent: usize = self.unsent.values().map(VecDeque::len).sum();
        self.strange + unsent as u64
    }

    /// Frames for a VF that found no buffer.
    pub(super) fn without_buffer(&self, vf: u8) -> u64 {
        let lost = self
            .out
            .iter()
            .filter(|out| out.port == vf && !out.is_there());
        lost.count() as u64
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
        if id & RING != 0 {
            let shot = self.unsent.get_mut(&port).and_then(VecDeque::pop_front);
            // They are numbered as they come.
            self.rings.push(shot);
        }
        let shot = self.shot_of(id);
        if let Some((id, shot)) = shot.and_then(|id| Some((id, self.shots.get(id as usize)?))) {
            self.checker.input(id, port, &shot.bytes, false, cycle);
        }
    }

    fn sent(&mut self, _cycle: Cycle, _port: u8, id: u32, bytes: &[u8]) {
        let shot = self.shot_of(id).and_then(|id| self.shots.get(id as usize));
        if shot.is_none_or(|shot| shot.bytes != bytes) {
            self.strange += 1;
        }
    }

    fn output(&mut self, cycle: Cycle, port: u8, bytes: &[u8], left: Left) {
        self.busy = true;
        let origin = left.origin.and_then(|id| self.shot_of(id));
        if let Some(id) = origin {
            self.checker.output(id, port, bytes, cycle);
        }
        self.out.push(Out {
            port,
            cycle,
            origin,
            queue: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_without_a_buffer_is_found_and_so_is_one_that_nobody_sent() {
        let mut watch = Watch::new(Vec::new(), Checker::new());
        let sent: [(u8, &[u8]); 5] = [(1, b"a"), (1, b"b"), (1, b"a"), (2, b"b"), (UPLINK, b"c")];
        for (cycle, (port, bytes)) in (0..).zip(sent) {
            watch.out.push(Out {
                port,
                cycle,
                origin: None,
                queue: None,
                bytes: bytes.to_vec(),
            });
        }
        let arrived = |vf, queue, bytes: &[u8]| Arrived {
            vf,
            queue,
            bytes: bytes.to_vec(),
        };
        // Another queue's frames may be seen first.
        let strange = watch.arrived(&[
            arrived(1, 3, b"b"),
            arrived(1, 0, b"a"),
            arrived(2, 0, b"a"),
            arrived(2, 0, b"b"),
            arrived(2, 0, b"b"),
        ]);
        assert_eq!(strange, 2);
        let queues: Vec<_> = watch.out.iter().map(|out| out.queue).collect();
        assert_eq!(queues, [Some(0), Some(3), None, Some(0), None]);
        assert!(watch.out.last().unwrap().is_there());
        assert_eq!([1, 2].map(|vf| watch.without_buffer(vf)), [1, 0]);
    }

    #[test]
    fn frames_from_rings_are_the_shots_of_their_vf_in_order() {
        let shot = |port, n: u8| Shot {
            port,
            index: 0,
            cycle: 0,
            bytes: vec![n; 60],
        };
        let shots = vec![shot(1, 0), shot(2, 1), shot(1, 2)];
        let mut watch = Watch::new(shots, Checker::new());
        for (id, vf) in [(0, 1), (1, 2), (2, 1)] {
            watch.given(vf, id);
        }
        assert_eq!(watch.not_sent(), 3);
        for (n, (port, byte)) in (0..).zip([(2, 1), (1, 0), (1, 9), (3, 0)]) {
            watch.input(0, port, RING | n);
            watch.sent(0, port, RING | n, &[byte; 60]);
        }
        let shots = [0, 1, 2, 3, 4].map(|n| watch.shot_of(RING | n));
        assert_eq!(shots, [Some(1), Some(0), Some(2), None, None]);
        assert_eq!(watch.shot_of(7), Some(7));
        // One came with other bytes, one of a VF that had nothing to send.
        assert_eq!(watch.not_sent(), 2);
    }
}
