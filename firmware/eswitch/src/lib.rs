// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The forwarding rules of Hairpin, stated once.
//!
//! ```text
//!  frame ──► frame::Canonical ──► decide() ──► Decision ──► edit::write() ──► bytes per receiver
//!            NIC tags off         │   ▲
//!                                 ▼   │ Tables, Meters, time
//!                            key::FrameKey
//! ```
//!
//! The firmware uses this crate for the frames that reach it, and with feature `std` its `model` is
//! the golden model that the simulator compares the RTL with: one set of rules, two users. It has
//! no hardware, no clock and no memory of its own: tables come through [`Tables`], time is an argument.
//! Any bytes are legal input; nothing here panics.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

pub mod cache;
pub mod decide;
pub mod decision;
pub mod edit;
pub mod frame;
pub mod key;
pub mod learn;
pub mod mark;
pub mod meter;
#[cfg(feature = "std")]
pub mod model;
pub mod peer;
pub mod steer;
pub mod tables;

pub use cache::{CacheUse, FlowHit};
pub use decide::decide;
pub use decision::{Decision, Ingress, Kind};
pub use edit::Egress;
pub use frame::Canonical;
pub use key::FrameKey;
pub use meter::Meters;
pub use tables::Tables;
