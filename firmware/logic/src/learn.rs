// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Learn events: the addresses that the datapath sees and does not know, or knows elsewhere.
//!
//! This is the firmware's hot path. The hardware has checked that the vPort may learn, suppresses
//! repeats, keeps the quota and refuses what it cannot install; an event that nobody has to hear of
//! costs one read and one write. Two kinds take longer, both limited: a move, which has to be allowed,
//! and an event that the host is told of.

use hairpin_abi::fw::{Event, EventCode};
use hairpin_abi::row::MacKey;
use hairpin_abi::{LearnVerdict as Verdict, MAX_VF, Status, VPort, Vlan};
use hairpin_eswitch::learn::MoveLimit;

use crate::{BusFault, Control, TableBus};

/// Events answered in one turn, so that commands are not kept waiting.
const EVENTS_PER_TURN: u32 = 64;
/// Addresses that may move to a vPort at once.
const MOVE_BURST: u16 = 16;
/// One more may move every 2^20 ticks, 6.7 ms at the nominal clock.
const MOVE_SHIFT: u32 = 20;
/// Reads of the result before an install counts as lost.
const MAX_POLLS: u32 = 1000;
/// Reads of the result that a sample of it is worth.
const SAMPLE_POLLS: u32 = 8;

/// The oldest event of the learn unit, as cheap to pass as its register.
pub trait LearnEvent: Copy {
    /// Its slot in the unit.
    fn slot(self) -> u8;
    /// The vPort that sent the frame; `None` if there is no such vPort.
    fn vport(self) -> Option<VPort>;
    /// Whether another vPort has the address now.
    fn moves(self) -> bool;
    /// The vPort that has the address now, if there is such a vPort.
    fn from(self) -> Option<VPort>;
}

/// The learn unit of the datapath.
pub trait LearnPort {
    /// Its events.
    type Event: LearnEvent;
    /// The oldest event, if one waits.
    fn event(&mut self) -> Option<Self::Event>;
    /// The address of the oldest event; `None` if its V.VLAN is none.
    fn key(&mut self) -> Option<MacKey>;
    /// Answers the oldest event, which is in that slot. While an install is busy, nothing happens and
    /// the event stays.
    fn answer(&mut self, slot: u8, verdict: Verdict);
    /// How the last install ended; `None` while it is busy.
    fn result(&mut self) -> Option<Status>;
}

/// What became of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Learned {
    /// It leads to the vPort now.
    New,
    /// It led to another vPort before.
    Moved,
    /// It led to this vPort already: a frame before this one taught it.
    Known,
    /// It is not learned.
    Refused(Refusal),
}

/// Why an address is not learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// Not from a vPort that may learn, or not in a V.VLAN that is configured.
    Origin,
    /// The vPort that has it may not learn: nobody takes the address away.
    Pinned,
    /// Addresses move too fast.
    MoveRate,
    /// The vPort has as many addresses as it may.
    Quota,
    /// The address is a static entry.
    Static,
    /// The MAC table has no room.
    Full,
    /// What the frame was decided by has changed since.
    Stale,
    /// The tables do not answer.
    Hardware,
}

impl From<BusFault> for Refusal {
    fn from(_: BusFault) -> Self {
        Self::Hardware
    }
}

impl Learned {
    /// What the status of an INSERT means; `moved` if the address was known elsewhere.
    pub(crate) const fn from_status(status: Status, moved: bool) -> Self {
        match status {
            Status::Ok | Status::Updated if moved => Self::Moved,
            Status::Ok | Status::Updated => Self::New,
            Status::Full => Self::Refused(Refusal::Full),
            Status::Quota => Self::Refused(Refusal::Quota),
            Status::Refused => Self::Refused(Refusal::Static),
            Status::Stale => Self::Refused(Refusal::Stale),
            _ => Self::Refused(Refusal::Hardware),
        }
    }

    /// What the host is told, if anything.
    #[must_use]
    pub const fn code(self) -> Option<EventCode> {
        match self {
            Self::New => Some(EventCode::Learned),
            Self::Moved => Some(EventCode::Moved),
            Self::Refused(_) => Some(EventCode::LearnRefused),
            Self::Known => None,
        }
    }
}

/// How fast addresses move, to each vPort for itself: a vPort that claims the addresses of others does
/// not slow down the moves of the rest.
#[derive(Debug)]
pub(crate) struct Moves([MoveLimit; MAX_VF]);

impl Moves {
    /// All zeros: nothing moves.
    pub(crate) const fn none() -> Self {
        Self([MoveLimit::new(0, 0); MAX_VF])
    }

    /// Lets addresses move.
    pub(crate) fn allow(&mut self) {
        for limit in &mut self.0 {
            *limit = MoveLimit::new(MOVE_BURST, MOVE_SHIFT);
        }
    }

    fn take(&mut self, to: VPort, time: u64) -> bool {
        let limit = self.0.get_mut(to.index());
        limit.is_some_and(|limit| limit.take(time))
    }
}

impl Control {
    /// Answers the events that wait, up to a limit; the number of answers. `now` is the time, `tell`
    /// queues an event for the host: it is asked for as many as [`Control::tick`] allows.
    pub fn learn_events(
        &mut self,
        port: &mut impl LearnPort,
        bus: &mut impl TableBus,
        now: impl Fn() -> u64,
        mut tell: impl FnMut(Event),
    ) -> u32 {
        let mut answered = 0;
        let mut quiet = self.tells == 0;
        while answered < EVENTS_PER_TURN
            && let Some(event) = port.event()
        {
            answered += 1;
            if quiet && !event.moves() {
                port.answer(event.slot(), Verdict::Install);
            } else {
                if !self.learn_with_care(port, bus, event, &now, &mut tell) {
                    return answered;
                }
                quiet = self.tells == 0;
            }
        }
        // One result for many installs: what goes wrong often is seen soon, and the hardware counts
        // the rest.
        if answered != 0
            && let Ok(status) = wait(port, SAMPLE_POLLS)
        {
            self.health.status(status);
        }
        answered
    }

    /// Answers an event with all the care that a few events can have; false if the hardware does not
    /// go on.
    #[inline(never)]
    fn learn_with_care<P: LearnPort>(
        &mut self,
        port: &mut P,
        bus: &mut impl TableBus,
        event: P::Event,
        now: &impl Fn() -> u64,
        tell: &mut impl FnMut(Event),
    ) -> bool {
        // Read first: once answered, the registers show the next event.
        let Some((key, vport)) = port.key().zip(event.vport()) else {
            port.answer(event.slot(), Verdict::Forget);
            return true;
        };
        let learned = self
            .learn(port, bus, event, vport, now)
            .unwrap_or_else(Learned::Refused);
        self.health.learned(learned);
        if let Some(code) = learned.code()
            && let Some(left) = self.tells.checked_sub(1)
        {
            self.tells = left;
            tell(Event::address(
                code,
                vport.into(),
                Vlan::from(key.vvlan),
                key.mac,
            ));
        }
        learned != Learned::Refused(Refusal::Hardware)
    }

    fn learn<P: LearnPort>(
        &mut self,
        port: &mut P,
        bus: &mut impl TableBus,
        event: P::Event,
        vport: VPort,
        now: &impl Fn() -> u64,
    ) -> Result<Learned, Refusal> {
        // An answer is ignored while an install is busy, and its result would be taken for this one's.
        wait(port, MAX_POLLS)?;
        if let Some(from) = event.from()
            && let Err(refusal) = self.may_move(bus, from, vport, now())
        {
            port.answer(event.slot(), Verdict::Refuse);
            return Err(refusal);
        }
        port.answer(event.slot(), Verdict::Install);
        let status = wait(port, MAX_POLLS)?;
        Ok(Learned::from_status(status, event.moves()))
    }

    /// Whether an address may leave a vPort for another one.
    pub(crate) fn may_move(
        &mut self,
        bus: &mut impl TableBus,
        from: VPort,
        to: VPort,
        time: u64,
    ) -> Result<(), Refusal> {
        if !self.moves.take(to, time) {
            return Err(Refusal::MoveRate);
        }
        if bus.port(from)?.learning {
            Ok(())
        } else {
            Err(Refusal::Pinned)
        }
    }
}

/// Waits until no install is busy; how the last one ended.
fn wait(port: &mut impl LearnPort, polls: u32) -> Result<Status, BusFault> {
    for _ in 0..polls {
        if let Some(status) = port.result() {
            return Ok(status);
        }
    }
    Err(BusFault)
}
