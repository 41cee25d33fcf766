// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Time, delays, and the deadline that wakes the core.

use embedded_hal::delay::DelayNs;

use crate::regs::regs;

/// Nanoseconds per [`TICKS_PER`] ticks of the nominal datapath clock, 156.25 MHz.
const NANOS_PER: u64 = 32;
/// See [`NANOS_PER`].
const TICKS_PER: u64 = 5;

/// Time in ticks of the datapath clock, core cycles, and one deadline.
#[derive(Debug)]
pub struct Timer(());

impl Timer {
    /// Ticks of the nominal datapath clock in a millisecond.
    pub const TICKS_PER_MILLI: u32 = 156_250;

    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// Ticks of the datapath clock since reset.
    #[must_use]
    pub fn now(&self) -> u64 {
        Self::timestamp()
    }

    /// The time for log lines, which have no handle. Not for interrupt handlers: the halves of the time
    /// are read one after the other.
    #[must_use]
    pub fn timestamp() -> u64 {
        let timer = regs().timer();
        let low = timer.time_lo().read().value(); // latches the high half
        let high = timer.time_hi().read().value();
        (u64::from(high) << 32) | u64::from(low)
    }

    /// Core clocks since the core left reset, modulo 2^32.
    #[must_use]
    pub fn cycle(&self) -> u32 {
        regs().timer().cycle().read().value()
    }

    /// Sets the deadline, `ticks` (at most 2^31) from now; the timer event is cleared and comes then.
    pub fn set_deadline(&mut self, ticks: u32) {
        let timer = regs().timer();
        let at = timer.time_lo().read().value().wrapping_add(ticks);
        timer.cmp().write(|w| w.set_value(at));
        timer.ctrl().write(|w| w.set_enable(true));
    }
}

impl DelayNs for Timer {
    /// Waits at least `ns` at the nominal datapath clock.
    fn delay_ns(&mut self, ns: u32) {
        let ticks = (u64::from(ns) * TICKS_PER).div_ceil(NANOS_PER);
        let start = self.now();
        while self.now().wrapping_sub(start) <= ticks {}
    }
}
