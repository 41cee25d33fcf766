// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The handles, given out once.

use core::cell::Cell;

use critical_section::Mutex;

use crate::{
    Events, FwStatus, GuestPort, Identity, Injector, LearnUnit, Mailbox, PuntPort, TablePort,
    Timer, TxHold, Watchdog,
};

static TAKEN: Mutex<Cell<bool>> = Mutex::new(Cell::new(false));

/// Every peripheral of the core.
#[derive(Debug)]
pub struct Peripherals {
    /// Sizes of the NIC, map hash, seeds.
    pub identity: Identity,
    /// Time and the wake-up deadline.
    pub timer: Timer,
    /// The watchdog.
    pub watchdog: Watchdog,
    /// State shown to the host.
    pub status: FwStatus,
    /// Commands of the host.
    pub mailbox: Mailbox,
    /// The eSwitch's tables.
    pub tables: TablePort,
    /// Learn events.
    pub learn: LearnUnit,
    /// Punted frames.
    pub punt: PuntPort,
    /// Frames of the firmware's own.
    pub inject: Injector,
    /// Frames of vPorts that wait.
    pub hold: TxHold,
    /// Requests of guests.
    pub guests: GuestPort,
    /// Wake-up sources and events to the host.
    pub events: Events,
}

impl Peripherals {
    /// All handles on the first call, `None` on every other.
    #[must_use]
    pub fn take() -> Option<Self> {
        let first = critical_section::with(|token| !TAKEN.borrow(token).replace(true));
        first.then(|| Self {
            identity: Identity::new(),
            timer: Timer::new(),
            watchdog: Watchdog::new(),
            status: FwStatus::new(),
            mailbox: Mailbox::new(),
            tables: TablePort::new(),
            learn: LearnUnit::new(),
            punt: PuntPort::new(),
            inject: Injector::new(),
            hold: TxHold::new(),
            guests: GuestPort::new(),
            events: Events::new(),
        })
    }
}
