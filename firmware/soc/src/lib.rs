// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The peripherals of the NIC's soft core.
//!
//! Each peripheral is an owned, zero-sized handle. [`Peripherals::take`] gives all of them out once;
//! after that they are passed to whoever needs them, so that two parts of the firmware cannot drive
//! the same registers unnoticed. The registers themselves are typed by `hairpin-regs`, which is
//! generated from the register map; all memory-mapped access goes through its volatile backend.
//!
//! | Handle | Drives |
//! |---|---|
//! | [`Identity`] | sizes of the NIC, map hash, seeds from the host |
//! | [`Timer`] | datapath time, core cycles, the wake-up deadline; [`embedded_hal::delay::DelayNs`] |
//! | [`Watchdog`] | the watchdog, fed |
//! | [`FwStatus`] | what the host sees of the firmware |
//! | [`Mailbox`] | commands of the host and answers to it |
//! | [`TablePort`] | the eSwitch's table command bus |
//! | [`LearnUnit`] | addresses the datapath does not know |
//! | [`PuntPort`] | frames the datapath handed over |
//! | [`Injector`] | frames of the firmware's own |
//! | [`TxHold`] | frames of vPorts that wait |
//! | [`GuestPort`] | requests of guests |
//! | [`Events`] | what wakes the core, and events to the host |
//!
//! [`log`](mod@log) is the `defmt` logger: it writes into a ring that the host reads and never waits.
#![no_std]

mod events;
mod guest;
mod hold;
mod identity;
mod inject;
mod learn;
pub mod log;
mod mailbox;
mod peripherals;
mod punt;
mod regs;
mod status;
mod table;
mod timer;
mod watchdog;

pub use events::{Events, HostEventLost, Pending};
pub use guest::{GuestPort, Request};
pub use hold::TxHold;
pub use identity::Identity;
pub use inject::{InjectError, Injector};
pub use learn::{LearnUnit, Seen, SeenAddress};
pub use mailbox::{Command, Mailbox};
pub use peripherals::Peripherals;
pub use punt::{PuntPort, Punted};
pub use status::FwStatus;
pub use table::{TableFault, TablePort};
pub use timer::Timer;
pub use watchdog::Watchdog;
