// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the firmware decides, without the hardware: admin commands, punted frames, the state of the
//! tables at boot. The image (`firmware/nic`) gives it a table command bus and does what it says;
//! tests give it plain memory.
//!
//! The tables live in the hardware and are not shadowed. Kept here is only what cannot be looked up
//! there: which instance serves which V.VLAN, and the addresses that were learned, because they are
//! flushed by vPort.
#![no_std]
#![forbid(unsafe_code)]

pub mod addresses;
pub mod admin;
pub mod boot;
pub mod bus;
mod control;
pub mod punt;
mod validate;

pub use admin::Outcome;
pub use bus::{BusFault, TableBus};
pub use control::{Control, Limits};
