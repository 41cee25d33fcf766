// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The path change of learned flows, in order.
//!
//! ```text
//!  learned, pending ─► hold the vPort ─► its frames are decided ─► HELLO ─► the switch has answered ─► in use, let go
//! ```
//!
//! The HELLO goes out behind the last frame of the flow that went to the switch, and its answer comes back behind that
//! frame: the link and the switch keep their order. So when the answer is here, no frame of the flow is under way on the
//! long path, and the next takes the short one. Without an answer in time the vPort goes on, and the flow stays external.

use hairpin_abi::ids::PortSet;
use hairpin_abi::{FlowKey, FlowRow, Status, TableCommand, Teacher, VPort};
use heapless::Vec;

use crate::{BusFault, TableBus};

/// Flows that wait for their path change.
const FLOWS: usize = 16;
/// Longest hold, in ticks: 2 ms.
const HOLD: u64 = 312_500;
/// From hold to hold: 1 ms, or twice as long as the hold took, so that no vPort is held for more than a third of the
/// time; 100 ms after one without an answer.
const GAP: u64 = 156_250;
/// See [`GAP`].
const GAP_UNANSWERED: u64 = 100 * GAP;

/// Keeps frames of vPorts back.
pub trait Hold {
    /// The vPorts that send nothing from now on.
    fn hold(&mut self, vports: PortSet);

    /// True once every frame that was let in before has been decided.
    fn settled(&mut self) -> bool;
}

/// A flow that is learned but not in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Its masked key.
    pub(crate) key: FlowKey,
    /// Instance of its V.VLAN.
    pub(crate) instance: u8,
    /// Who sends it.
    pub(crate) vport: VPort,
}

/// How far the change has come; 0 is the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Step {
    Idle = 0,
    /// Frames that were let in before are still on their way to the decision.
    Holding = 1,
    /// HELLO `sequence` is under way.
    Waiting = 2,
}

/// Flows on their way from the long path to the short one.
#[derive(Debug)]
pub(crate) struct Paths {
    /// None is added while a vPort is held.
    waiting: Vec<Flow, FLOWS>,
    step: Step,
    /// When a hold ends, or the next may begin.
    until: u64,
    sequence: u32,
    moved: u32,
    late: u32,
}

impl Paths {
    /// All zeros.
    pub(crate) const fn new() -> Self {
        Self {
            waiting: Vec::new(),
            step: Step::Idle,
            until: 0,
            sequence: 0,
            moved: 0,
            late: 0,
        }
    }

    /// Flows that moved, that did not in time, and that wait.
    pub(crate) fn counts(&self) -> [u32; 3] {
        [self.moved, self.late, self.waiting.len() as u32]
    }

    /// Adds a flow. If there is no room, its next learning packet tries again.
    pub(crate) fn add(&mut self, flow: Flow) {
        if !self.waiting.contains(&flow) {
            let _ = self.waiting.push(flow);
        }
    }

    /// The entries are gone.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// True unless a vPort is held.
    pub(crate) fn is_idle(&self) -> bool {
        self.step == Step::Idle
    }

    /// True while the datapath is asked.
    pub(crate) fn is_holding(&self) -> bool {
        self.step == Step::Holding
    }

    /// Whether [`turn`](Self::turn) has something to do. A hold begins when no more frames of the switch wait
    /// (`more`), so that it serves the flows of all of them; with a full list at once.
    pub(crate) fn is_due(&self, time: u64, more: bool) -> bool {
        let begins = !self.waiting.is_empty() && !more || self.waiting.is_full();
        self.step != Step::Idle || begins && time >= self.until
    }

    /// Ends a hold.
    pub(crate) fn stop(&mut self, hold: &mut impl Hold) {
        if self.step != Step::Idle {
            self.step = Step::Idle;
            hold.hold(PortSet::EMPTY);
        }
    }

    /// One step. `heard` is the newest HELLO that the switch has answered; `probe` writes one, and returns its length and
    /// its number.
    pub(crate) fn turn(
        &mut self,
        bus: &mut impl TableBus,
        hold: &mut impl Hold,
        time: u64,
        heard: u32,
        probe: impl FnOnce() -> Option<(usize, u32)>,
    ) -> Option<usize> {
        match self.step {
            Step::Idle if self.waiting.is_empty() || time < self.until => None,
            Step::Idle => {
                let vports = self.waiting.iter().map(|flow| flow.vport);
                hold.hold(vports.fold(PortSet::EMPTY, PortSet::with));
                self.until = time.saturating_add(HOLD);
                self.step = Step::Holding;
                None
            }
            _ if self.waiting.is_empty() => {
                self.end(hold, time, GAP);
                None
            }
            Step::Waiting if heard >= self.sequence => {
                let moved = self.waiting.iter();
                let moved = moved.filter(|flow| activate(bus, flow).unwrap_or(false));
                self.moved = self.moved.saturating_add(moved.count() as u32);
                self.forget();
                let begun = self.until.saturating_sub(HOLD);
                let took = time.saturating_sub(begun);
                self.end(hold, time, GAP.max(2 * took));
                None
            }
            _ if time >= self.until => {
                self.late = self.late.saturating_add(self.waiting.len() as u32);
                self.forget();
                self.end(hold, time, GAP_UNANSWERED);
                None
            }
            Step::Holding if hold.settled() => {
                let (len, sequence) = probe()?;
                (self.step, self.sequence) = (Step::Waiting, sequence);
                Some(len)
            }
            Step::Holding | Step::Waiting => None,
        }
    }

    fn end(&mut self, hold: &mut impl Hold, time: u64, gap: u64) {
        self.stop(hold);
        self.until = time.saturating_add(gap);
    }
}

/// Takes an entry into use, if it is still there.
fn activate(bus: &mut impl TableBus, flow: &Flow) -> Result<bool, BusFault> {
    match bus.flow_lookup(&flow.key)? {
        Some((row, _)) if row.teacher == Teacher::Learned && row.pending => {
            let row = FlowRow {
                pending: false,
                ..row
            };
            // Its key is still in the key buffer.
            let status = bus.apply(&TableCommand::FlowInsert(flow.instance.into(), row))?;
            Ok(status == Status::Updated)
        }
        _ => Ok(false),
    }
}
