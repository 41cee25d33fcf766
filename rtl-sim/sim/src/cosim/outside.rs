// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The uplink's other end, with a switch or without.

use hairpin_driver::Diagnostic;

use super::beyond::Beyond;
use super::frames::Shot;
use super::{JUMP, Watch};
use crate::model::{Cycle, UPLINK};
use crate::nic::Nic;
use crate::rng::Rng;

/// Jumps in which NIC and switch may find each other before the frames of a batch come.
const MEETINGS: usize = 3;
/// Ticks between two looks at what is on the way to or from the switch.
const WIRE: u64 = 1000;

/// What is beyond the uplink: nothing that answers, or the adjacent switch.
#[derive(Debug)]
pub(super) struct Outside(pub(super) Option<Beyond>);

impl Outside {
    /// A frame for a port, or for the switch.
    pub(super) fn shoot(
        &mut self,
        nic: &mut Nic,
        watch: &mut Watch,
        id: u32,
        at: Cycle,
        shot: Shot,
        broken: bool,
    ) -> Result<(), Diagnostic> {
        if let (UPLINK, Some(beyond)) = (shot.port, &mut self.0) {
            // No switch passes on what it could not read to its end.
            if !shot.bad {
                beyond.arrives(at, shot.bytes);
            }
            return Ok(());
        }
        nic.queue(shot.port, id, at, shot.bad, &shot.bytes)?;
        watch.sent.insert(id, (shot.bytes, broken));
        Ok(())
    }

    pub(super) fn exchange(
        &mut self,
        nic: &mut Nic,
        watch: &mut Watch,
    ) -> Result<bool, Diagnostic> {
        match &mut self.0 {
            Some(beyond) => beyond.exchange(nic, watch),
            None => Ok(false),
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.0.as_ref().is_some_and(Beyond::is_busy)
    }

    /// The auditor has found something.
    pub(super) fn fails(&self) -> bool {
        self.0.as_ref().is_some_and(|beyond| beyond.found.is_some())
    }

    /// Something happens at the switch, if there is one.
    pub(super) fn step(&mut self, nic: &mut Nic, watch: &mut Watch) -> Result<(), Diagnostic> {
        match &mut self.0 {
            Some(beyond) => beyond.step(nic, watch),
            None => Ok(()),
        }
    }

    /// Plays everything to its end.
    pub(super) fn settle(&mut self, nic: &mut Nic, watch: &mut Watch) -> Result<(), Diagnostic> {
        loop {
            nic.play(watch, &mut |_| {})?;
            self.exchange(nic, watch)?;
            if nic.model().status().queued != 0 {
                continue;
            }
            if !self.is_busy() {
                return Ok(());
            }
            nic.run_for(WIRE, watch)?;
        }
    }

    /// Lets time pass in which nobody sends but the firmware and the switch.
    pub(super) fn skip(
        &mut self,
        ticks: u64,
        nic: &mut Nic,
        watch: &mut Watch,
    ) -> Result<(), Diagnostic> {
        let end = nic.now() + ticks;
        let step = if self.0.is_some() { JUMP } else { ticks };
        while nic.now() < end {
            nic.skip(step.min(end - nic.now()), watch)?;
            self.settle(nic, watch)?;
        }
        Ok(())
    }

    /// Some time for NIC and switch to find each other, if they have not.
    pub(super) fn meet(
        &mut self,
        rng: &mut Rng,
        nic: &mut Nic,
        watch: &mut Watch,
    ) -> Result<(), Diagnostic> {
        for _ in 0..MEETINGS {
            if self.0.as_ref().is_none_or(Beyond::is_synced) {
                break;
            }
            self.skip(rng.range(1 << 18, JUMP as usize) as u64, nic, watch)?;
        }
        Ok(())
    }
}
