// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The watchdog.

use crate::regs::regs;

/// Declares the core hung when it is not fed; its time is set by the host.
#[derive(Debug)]
pub struct Watchdog(());

impl Watchdog {
    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// Restarts the watchdog's time.
    pub fn feed(&mut self) {
        regs().wdt().feed().write(|w| w.set_feed(true));
    }
}
