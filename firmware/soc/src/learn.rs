// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Addresses that the datapath has seen and does not know.

use hairpin_abi::LearnVerdict;

use hairpin_regs::core_view::components::hairpin_core::learn::event::Event;

use crate::regs::regs;

/// The oldest event, as its register shows it.
#[derive(Clone, Copy, Debug)]
pub struct Seen(Event);

impl Seen {
    /// Slot in the unit.
    #[inline]
    #[must_use]
    pub fn slot(self) -> u8 {
        self.0.slot()
    }

    /// vPort that sent the frame.
    #[inline]
    #[must_use]
    pub fn vport(self) -> u8 {
        self.0.vport()
    }

    /// vPort that has the address now, if one has.
    #[inline]
    #[must_use]
    pub fn from(self) -> Option<u8> {
        self.0.from_valid().then(|| self.0.from())
    }

    /// Events that wait, this one included.
    #[inline]
    #[must_use]
    pub fn waiting(self) -> u8 {
        self.0.waiting()
    }
}

/// The address of an event.
#[derive(Clone, Copy, Debug)]
pub struct SeenAddress {
    /// MAC address, first wire byte in bits 47 to 40.
    pub mac: u64,
    /// V.VLAN.
    pub vvlan: u16,
}

/// Takes learn events, oldest first. Each is answered.
#[derive(Debug)]
pub struct LearnUnit(());

impl LearnUnit {
    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// The oldest event, if there is one: one read.
    #[inline]
    pub fn event(&mut self) -> Option<Seen> {
        let event = regs().learn().event().read();
        event.valid().then_some(Seen(event))
    }

    /// The address of the oldest event.
    pub fn address(&mut self) -> SeenAddress {
        let learn = regs().learn();
        let low = learn.key0().read().mac();
        let high = learn.key1().read();
        SeenAddress {
            mac: u64::from(high.mac()) << 32 | u64::from(low),
            vvlan: high.vvlan(),
        }
    }

    /// Answers the oldest event, which is in that slot. Ignored while an install is under way.
    pub fn answer(&mut self, slot: u8, verdict: LearnVerdict) {
        regs().learn().act().write(|w| {
            w.set_slot(slot);
            w.set_verdict(verdict.code());
        });
    }

    /// Status code of the last install; `None` while it is under way.
    pub fn result(&mut self) -> Option<u8> {
        let result = regs().learn().result().read();
        (!result.busy()).then(|| result.status())
    }
}
