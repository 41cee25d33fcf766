// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the firmware decides, without the hardware: admin commands, learn events, punted frames,
//! ageing, the state of the tables at boot. The image (`firmware/nic`) gives it a table command bus and
//! a learn unit and does what it says; tests give it plain memory.
//!
//! The tables live in the hardware and are not shadowed, and neither is what they hold: the hardware
//! keeps the quotas, and a whole scope of entries goes in one step. Kept here is only which instance
//! serves which V.VLAN, and that is read back from the tables after a restart.
//!
//! | Module | Does |
//! |---|---|
//! | [`admin`] | obeys the host's commands; flow entries apart |
//! | [`ageing`] | starts the sweeps |
//! | [`boot`] | tables at boot and after a restart |
//! | [`bus`] | the table command bus, typed |
//! | [`guest`] | answers requests of guests |
//! | [`health`] | tells the host what went wrong |
//! | [`learn`] | answers learn events |
//! | [`path`] | moves learned flows to the short path |
//! | [`peer`] | learns from the adjacent switch |
//! | [`punt`] | decides about punted frames |
//! | `rxmode` | keeps what guests asked for |
#![no_std]
#![forbid(unsafe_code)]

pub mod admin;
pub mod ageing;
pub mod boot;
pub mod bus;
mod control;
mod flow;
pub mod guest;
pub mod health;
pub mod learn;
pub mod path;
pub mod peer;
pub mod punt;
mod random;
mod rxmode;
mod validate;

pub use admin::Outcome;
pub use bus::{BusFault, TableBus};
pub use control::{Control, Limits};
