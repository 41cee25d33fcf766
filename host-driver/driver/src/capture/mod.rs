// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Packet captures: pcap and pcapng in, pcap out.
//!
//! A capture is only played if every frame in it is exactly what was on the link: snapped packets,
//! other link types and frames that no Hairpin port can carry are errors, not warnings. One thing
//! is mended: captures taken on a sending host hold frames from before the network card padded
//! them, so frames shorter than [`MIN_FRAME`] bytes are padded
//! with zeros to it.

mod reader;
mod writer;

pub use reader::{Capture, CaptureError, Frame};
pub use writer::CaptureWriter;

pub use hairpin_abi::{MAX_FRAME, MIN_FRAME};

/// A point in time, in nanoseconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Nanoseconds since the epoch.
    pub nanos: u64,
}

impl Timestamp {
    /// The time so many nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self { nanos }
    }
}
