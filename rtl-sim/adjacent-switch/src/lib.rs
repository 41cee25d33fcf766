// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The switch next to a Hairpin NIC.
//!
//! ```text
//!  frame ─► mark off ─► Packet ─► RuleTable::decide ─► Fdb ─► mark on? ─► out
//!                          │                             │       ▲
//!                          └► Fdb::learn ── moved ──┐    │       │ RuleTable::is_for_the_nic
//!  edit ─► RuleTable::edited ─────────────────────► NicPort ─────┘
//!                                                    INVALIDATE, resend, ACK, lease
//! ```
//!
//! | Module | Does |
//! |---|---|
//! | [`packet`] | reads what rules can see |
//! | [`rules`] | decides, and says what a NIC may decide itself |
//! | [`fdb`] | addresses |
//! | [`nic_port`] | the learning protocol, for one port |
//! | [`switch`] | all of it; edits and when they are complete |
//! | [`config`] | `rules.toml` |
//! | [`control`] | live edits: requests and answers |
//! | [`stats`] | counters as JSON |
//! | [`auditor`] | for tests: what the rules say, from a frame's bytes alone |
//!
//! The switch has no clock and no wire: time, in microseconds, and frames are arguments. Two runs with the same
//! arguments are the same.
#![forbid(unsafe_code)]

pub mod auditor;
pub mod config;
pub mod control;
pub mod fdb;
pub mod nic_port;
pub mod packet;
pub mod rules;
pub mod stats;
pub mod switch;

pub use config::Config;
pub use packet::{Packet, PortNo};
pub use rules::{Actions, Match, Rule, RuleEdit, RuleTable, Way};
pub use stats::Stats;
pub use switch::{Completion, EditId, Ending, Output, Sent, Switch};
