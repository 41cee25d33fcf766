// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Classic pcap files, as far as these tests need them. Shares nothing with the product's reader.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

const NANOSECONDS: u32 = 0xa1b2_3c4d;
const HEADER: usize = 24;
const RECORD: usize = 16;
/// Shortest frame on a bus.
pub(crate) const MIN_FRAME: usize = 60;

/// The frames of a capture, in order.
pub(crate) fn read(path: &Path) -> Result<Vec<Vec<u8>>> {
    Ok(read_timed(path)?
        .into_iter()
        .map(|(_, frame)| frame)
        .collect())
}

/// The frames of a capture with their times in nanoseconds.
pub(crate) fn read_timed(path: &Path) -> Result<Vec<(u64, Vec<u8>)>> {
    let bytes = fs::read(path).with_context(|| format!("{}", path.display()))?;
    frames(&bytes).with_context(|| format!("{}", path.display()))
}

fn frames(bytes: &[u8]) -> Result<Vec<(u64, Vec<u8>)>> {
    let word = |at: usize| -> Result<u32> {
        let word = bytes.get(at..at + 4).context("cut short")?;
        Ok(u32::from_le_bytes(word.try_into()?))
    };
    ensure!(word(0)? == NANOSECONDS, "not a nanosecond capture");
    ensure!(word(20)? == 1, "not Ethernet");
    let mut frames = Vec::new();
    let mut at = HEADER;
    while at < bytes.len() {
        let time = u64::from(word(at)?) * 1_000_000_000 + u64::from(word(at + 4)?);
        let len = word(at + 8)?;
        ensure!(len == word(at + 12)?, "frame {} is snapped", frames.len());
        let start = at + RECORD;
        at = start + len as usize;
        frames.push((time, bytes.get(start..at).context("cut short")?.to_vec()));
    }
    Ok(frames)
}

/// A capture in the making.
#[derive(Debug)]
pub(crate) struct Pcap {
    bytes: Vec<u8>,
    /// Microseconds of the latest frame.
    time: u64,
}

impl Pcap {
    pub(crate) fn new(link_type: u32) -> Self {
        let mut bytes = NANOSECONDS.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(262_144_u32.to_le_bytes());
        bytes.extend(link_type.to_le_bytes());
        Self { bytes, time: 0 }
    }

    pub(crate) fn ethernet() -> Self {
        Self::new(1)
    }

    /// Adds a frame, a microsecond after the one before.
    pub(crate) fn frame(self, bytes: &[u8]) -> Self {
        let len = bytes.len();
        self.snapped(bytes, len)
    }

    /// Adds a frame at so many microseconds.
    pub(crate) fn frame_at(mut self, micros: u64, bytes: &[u8]) -> Self {
        self.time = micros - 1;
        self.frame(bytes)
    }

    /// Adds a frame of which only these bytes were kept.
    pub(crate) fn snapped(mut self, kept: &[u8], real: usize) -> Self {
        self.time += 1;
        for word in [
            1_700_000_000 + self.time / 1_000_000,
            self.time % 1_000_000 * 1000,
            kept.len() as u64,
            real as u64,
        ] {
            self.bytes.extend(&word.to_le_bytes()[..4]);
        }
        self.bytes.extend(kept);
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn write(self, path: &Path) -> Result<()> {
        fs::write(path, self.bytes).with_context(|| format!("{}", path.display()))
    }
}

/// A frame of the demo on a vPort: from one VM of a tenant to another, IEEE local experimental EtherType.
pub(crate) fn frame(to: [u8; 6], from: [u8; 6], len: usize) -> Vec<u8> {
    let mut frame = [to, from].concat();
    frame.extend([0x88, 0xb6]);
    frame.extend((0..=u8::MAX).cycle().take(len.saturating_sub(frame.len())));
    frame
}

/// Fills a frame up with zeros to what a bus carries.
pub(crate) fn padded(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame.resize(frame.len().max(MIN_FRAME), 0);
    frame
}

/// A frame without the tags of the NIC, and their 16-bit contents, outermost first.
pub(crate) fn untag(frame: &[u8], tags: usize) -> Result<(Vec<u16>, Vec<u8>)> {
    let body = 12 + 4 * tags;
    let mut contents = Vec::new();
    for tag in frame
        .get(12..body)
        .context("too short for its tags")?
        .chunks_exact(4)
    {
        ensure!(tag[..2] == [0x81, 0x00], "no tag but {tag:02x?}");
        contents.push(u16::from_be_bytes([tag[2], tag[3]]));
    }
    Ok((contents, [&frame[..12], &frame[body..]].concat()))
}

/// A frame with these tags behind its source address.
pub(crate) fn tagged(frame: &[u8], tags: &[u16]) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12);
    let mut out = addresses.to_vec();
    for tag in tags {
        out.extend([0x81, 0x00]);
        out.extend(tag.to_be_bytes());
    }
    out.extend(rest);
    out
}
