// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The two ends of the learning protocol, as far as they are alike, and the NIC's end of it.
//!
//! ```text
//!  frame ─► Link::receive ─► who sent it, is it new, of which session ─► NicPeer (firmware)
//!           counts what it refuses                                      or the adjacent switch
//! ```
//!
//! Time is an argument, in microseconds of any clock that never goes back. Nothing here has memory of its
//! own; what an attacker sends changes counters only.

mod link;
mod nic;

pub use hairpin_abi::peer::Keys;
pub use link::{Candidate, HelloEvent, Link, Received, Refused, Say};
pub use nic::{NicPeer, PeerTables};

/// From HELLO to HELLO while all is well.
pub const HELLO_US: u64 = 1_000_000;
/// From HELLO to HELLO while the other end does not answer.
pub const HELLO_RETRY_US: u64 = 200_000;
/// Least time between two answers to HELLOs that prove nothing.
pub const REPLY_GAP_US: u64 = 10_000;
