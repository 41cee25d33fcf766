// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The Hairpin NIC in a process: the Verilated RTL, what plays traffic through it, and what judges it.
//!
//! ```text
//!   captures / random frames ──► model ──► ordered log ──► trace ──► scoreboard ── golden model
//!                                  ▲                         └─────► checker ───── configuration only
//!         hairpin-driver ── transport
//! ```
//!
//! Everything per clock happens in C++ behind [`model`]; Rust queues frames, lets the clock run, and
//! reads the log. The [`scoreboard`] compares every decision, copy, loss and counter with the golden
//! model; the [`checker`] asks, without sharing a line with it, whether a tenant saw what it must not.

pub mod bench;
pub mod checker;
pub mod cosim;
pub mod golden;
pub mod guests;
pub mod host;
pub mod model;
pub mod nic;
mod promise;
pub mod race;
pub mod recover;
pub mod replay;
pub mod rng;
pub mod scoreboard;
pub mod trace;
pub mod transport;
pub mod vfs;
