// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads classic pcap files, as far as the demo's own summary needs it.
//!
//! The product's reader is another one, in `hairpin-driver`; that this one shares no code with it makes
//! the demo's statements about the captures independent.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// The frames of a capture, in order.
pub(crate) fn read(path: &Path) -> Result<Vec<Vec<u8>>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    frames(&bytes).with_context(|| format!("{} is no capture", path.display()))
}

fn frames(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    const HEADER: usize = 24;
    const RECORD: usize = 16;
    let magic = word(bytes, 0, u32::from_le_bytes).context("shorter than a header")?;
    let decode = match magic {
        0xa1b2_c3d4 | 0xa1b2_3c4d => u32::from_le_bytes,
        0xd4c3_b2a1 | 0x4d3c_b2a1 => u32::from_be_bytes,
        _ => bail!("unknown magic {magic:#x}"),
    };
    let mut at = HEADER;
    let mut out = Vec::new();
    while at < bytes.len() {
        let kept = word(bytes, at + 8, decode).context("truncated record")?;
        let real = word(bytes, at + 12, decode).context("truncated record")?;
        if kept != real {
            bail!("frame {} was cut from {real} to {kept} bytes", out.len());
        }
        let start = at + RECORD;
        let end = start + usize::try_from(kept)?;
        out.push(bytes.get(start..end).context("truncated frame")?.to_vec());
        at = end;
    }
    Ok(out)
}

fn word(bytes: &[u8], at: usize, decode: fn([u8; 4]) -> u32) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(decode)
}

/// Writes the capture at `from` to `to`, several times in a row; each time begins `micros` after the one before.
pub(crate) fn repeat(from: &Path, to: &Path, times: u64, micros: u64) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    let (head, records) = bytes
        .split_at_checked(24)
        .context("shorter than a header")?;
    let per_micro = match word(head, 0, u32::from_le_bytes) {
        Some(0xa1b2_c3d4) => 1,
        Some(0xa1b2_3c4d) => 1000,
        _ => bail!("{} is not of a little-endian machine", from.display()),
    };
    let per_second = 1_000_000 * per_micro;
    let mut out = head.to_vec();
    for round in 0..times {
        let mut at = 0;
        while at < records.len() {
            let field =
                |offset| word(records, at + offset, u32::from_le_bytes).context("truncated record");
            let (seconds, parts, kept) = (field(0)?, field(4)?, field(8)?);
            let time =
                u64::from(seconds) * per_second + u64::from(parts) + round * micros * per_micro;
            out.extend(u32::try_from(time / per_second)?.to_le_bytes());
            out.extend(u32::try_from(time % per_second)?.to_le_bytes());
            let end = at + 16 + usize::try_from(kept)?;
            out.extend(records.get(at + 8..end).context("truncated frame")?);
            at = end;
        }
    }
    fs::write(to, out).with_context(|| format!("cannot write {}", to.display()))
}

/// A tag of the NIC in front of a tenant's frame, taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Untagged {
    /// VLAN IDs, outermost first.
    pub(crate) vlans: Vec<u16>,
    /// The tenant's frame, padded to 60 bytes.
    pub(crate) frame: Vec<u8>,
}

/// Takes `tags` VLAN tags off a frame; `None` if it has fewer.
pub(crate) fn untag(frame: &[u8], tags: usize) -> Option<Untagged> {
    let body = 12 + 4 * tags;
    let vlans = frame
        .get(12..body)?
        .chunks_exact(4)
        .map(|tag| match tag {
            [0x81 | 0x88 | 0x91, _, high, low] => Some(u16::from_be_bytes([high & 0x0f, *low])),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    let mut plain = [&frame[..12], &frame[body..]].concat();
    plain.resize(plain.len().max(60), 0);
    Some(Untagged {
        vlans,
        frame: plain,
    })
}

#[cfg(test)]
mod tests {
    use super::{frames, untag};

    fn capture(frame: &[u8], kept: u32) -> Vec<u8> {
        let mut bytes = 0xa1b2_3c4d_u32.to_le_bytes().to_vec();
        bytes.extend([0; 20]);
        bytes.extend([0; 8]);
        bytes.extend(kept.to_le_bytes());
        bytes.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
        bytes.extend(frame);
        bytes
    }

    #[test]
    fn reads_what_was_written() {
        assert_eq!(frames(&capture(&[7; 60], 60)).unwrap(), [vec![7; 60]]);
    }

    #[test]
    fn refuses_cut_frames_and_files() {
        assert!(frames(&capture(&[7; 60], 20)).is_err());
        let whole = capture(&[7; 60], 60);
        assert!(frames(&whole[..whole.len() - 1]).is_err());
        assert!(frames(b"GIF89a, surely no capture").is_err());
    }

    #[test]
    fn takes_tags_off_and_pads() {
        let mut frame = vec![2; 12];
        frame.extend([0x81, 0, 0, 10, 0x81, 0, 0x10, 100, 8, 0, 1, 2, 3]);
        let plain = untag(&frame, 2).unwrap();
        assert_eq!(plain.vlans, [10, 100]);
        assert_eq!(plain.frame.len(), 60);
        assert_eq!(plain.frame[12..17], [8, 0, 1, 2, 3]);
        assert_eq!(untag(&plain.frame, 1), None);
    }
}
