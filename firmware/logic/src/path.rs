// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The path change of learned flows, in order.
//!
//! ```text
//!  installed, pending ─► closed, vPorts held ─► their frames are decided ─► HELLO ─► the switch has answered ─► in use, let go
//! ```
//!
//! The HELLO goes out behind the last frame of the flows that went to the switch, and its answer comes back behind that
//! frame: the link and the switch keep their order. So when the answer is here, no frame of the flows is under way on the
//! long path, and the next takes the short one. Without an answer in time the vPorts go on, and the flows stay external.
//!
//! Which flows are meant, the hardware knows: those that were pending when they were closed, and no others. So it costs
//! the same for one flow as for a thousand, and learning goes on meanwhile.

use hairpin_abi::Closed;
use hairpin_abi::ids::PortSet;

use crate::TableBus;

/// Longest hold, in ticks: 2 ms.
const HOLD: u64 = 312_500;
/// From hold to hold: 1 ms, or twice as long as the hold took, so that no vPort is held for more than a third of the
/// time; 100 ms after one without an answer.
const GAP: u64 = 156_250;
/// See [`GAP`].
const GAP_UNANSWERED: u64 = 100 * GAP;
/// Until the hardware is asked again, if it can close nothing now.
const RETRY: u64 = GAP / 4;

/// Keeps frames of vPorts back.
pub trait Hold {
    /// The vPorts that send nothing from now on.
    fn hold(&mut self, vports: PortSet);

    /// True once every frame that was let in before has been decided.
    fn settled(&mut self) -> bool;
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
    /// A hold was without an answer: its flows are still closed.
    Again = 3,
}

/// Flows on their way from the long path to the short one.
#[derive(Debug)]
pub(crate) struct Paths {
    /// How many flows the hold is for.
    flows: u16,
    step: Step,
    /// They are gone.
    gone: bool,
    /// When a hold ends, or the next may begin.
    until: u64,
    sequence: u32,
    learned: u32,
    moved: u32,
    late: u32,
}

impl Paths {
    /// All zeros.
    pub(crate) const fn new() -> Self {
        Self {
            flows: 0,
            step: Step::Idle,
            gone: false,
            until: 0,
            sequence: 0,
            learned: 0,
            moved: 0,
            late: 0,
        }
    }

    /// Flows that a hold was for, that moved, that did not in time, and that a hold is for now.
    pub(crate) fn counts(&self) -> [u32; 4] {
        [self.learned, self.moved, self.late, self.flows.into()]
    }

    /// The entries are gone.
    pub(crate) fn forget(&mut self) {
        self.gone = self.step != Step::Idle;
        self.flows = 0;
    }

    /// True while vPorts are held.
    fn holds(&self) -> bool {
        matches!(self.step, Step::Holding | Step::Waiting)
    }

    /// True while the datapath is asked.
    pub(crate) fn is_holding(&self) -> bool {
        self.step == Step::Holding
    }

    /// Whether a hold might begin.
    pub(crate) fn may_begin(&self, time: u64) -> bool {
        self.step == Step::Idle && time >= self.until
    }

    /// Whether [`turn`](Self::turn) has something to do, with flows that `wait` or none.
    pub(crate) fn is_due(&self, time: u64, wait: bool) -> bool {
        match self.step {
            Step::Idle => wait && time >= self.until,
            Step::Again => self.gone || time >= self.until,
            Step::Holding | Step::Waiting => true,
        }
    }

    /// Ends a hold.
    pub(crate) fn stop(&mut self, hold: &mut impl Hold) {
        if self.holds() {
            hold.hold(PortSet::EMPTY);
        }
        (self.step, self.gone, self.flows) = (Step::Idle, false, 0);
    }

    /// One step, with flows that `wait` or none. `heard` is the newest HELLO that the switch has answered; `probe` writes one, and returns its length and
    /// its number. What the tables do not do now is tried again.
    pub(crate) fn turn(
        &mut self,
        bus: &mut impl TableBus,
        hold: &mut impl Hold,
        (time, wait): (u64, bool),
        heard: u32,
        probe: impl FnOnce() -> Option<(usize, u32)>,
    ) -> Option<usize> {
        match self.step {
            _ if self.gone => self.end(hold, time, GAP),
            Step::Idle | Step::Again if !self.is_due(time, wait) => {}
            Step::Idle | Step::Again => self.begin(bus, hold, time),
            Step::Waiting if heard >= self.sequence => {
                if bus.use_closed().unwrap_or(false) {
                    self.moved = self.moved.saturating_add(self.flows.into());
                }
                let begun = self.until.saturating_sub(HOLD);
                let took = time.saturating_sub(begun);
                self.end(hold, time, GAP.max(2 * took));
            }
            _ if time >= self.until => {
                self.late = self.late.saturating_add(self.flows.into());
                let flows = self.flows;
                self.end(hold, time, GAP_UNANSWERED);
                (self.step, self.flows) = (Step::Again, flows);
            }
            Step::Holding if hold.settled() => {
                let (len, sequence) = probe()?;
                (self.step, self.sequence) = (Step::Waiting, sequence);
                return Some(len);
            }
            Step::Holding | Step::Waiting => {}
        }
        None
    }

    fn begin(&mut self, bus: &mut impl TableBus, hold: &mut impl Hold, time: u64) {
        let Ok(Some(Closed { vports, flows })) = bus.close() else {
            self.step = Step::Idle;
            self.until = time.saturating_add(RETRY);
            return;
        };
        if self.step == Step::Idle {
            self.learned = self.learned.saturating_add(flows.into());
        }
        self.flows = flows;
        hold.hold(vports);
        self.until = time.saturating_add(HOLD);
        self.step = Step::Holding;
    }

    fn end(&mut self, hold: &mut impl Hold, time: u64, gap: u64) {
        self.stop(hold);
        self.until = time.saturating_add(gap);
    }
}
