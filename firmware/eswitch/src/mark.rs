// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The mark of learning packets: in frames on the wire, which have both NIC tags, and in the tenant's packet.

use hairpin_abi::UPLINK_TAGS;
use hairpin_abi::peer::{Mark, MarkField};

use crate::frame::{Canonical, TPID_CTAG, TYPE_IPV4, TYPE_IPV6, field, word};

/// Where the inner tag begins.
const INNER: usize = field::TYPE + 4;

/// True if a frame carries the mark.
#[must_use]
pub fn is_marked(frame: &[u8], mark: Mark, outer_tpid: u16) -> bool {
    value(frame, mark.field(), outer_tpid).is_some_and(|value| mark.is_set_in(value))
}

/// Sets the mark of a frame, or clears it; false if the frame does not have the field, and is as it was.
/// The checksum of an IPv4 header is kept as right, or as wrong, as it is.
pub fn put(frame: &mut [u8], mark: Mark, outer_tpid: u16, marked: bool) -> bool {
    let Some(old) = value(frame, mark.field(), outer_tpid) else {
        return false;
    };
    let new = mark.put(old, marked);
    write(frame, mark.field(), outer_tpid, new).is_some()
}

/// Sets the DSCP of the packet in a frame to what it is without a mark; `strip` bytes of NIC tags stand behind the
/// addresses. Frames without an IP header stay as they are.
pub fn take_off_packet(frame: &mut [u8], mark: Mark, strip: usize, outer_tpid: u16) {
    if let Some(packet) = packet(frame, strip, outer_tpid) {
        let clear = mark.put(packet.dscp(frame), false);
        packet.set_dscp(frame, clear);
    }
}

/// The value of a field.
fn value(frame: &[u8], of: MarkField, outer_tpid: u16) -> Option<u8> {
    if word(frame, field::TYPE) != outer_tpid || word(frame, INNER) != TPID_CTAG {
        return None;
    }
    let tag = |at: usize| frame.get(at + 2).copied();
    match of {
        MarkField::OuterDei => tag(field::TYPE).map(|tci| tci >> 4 & 1),
        MarkField::OuterPcp => tag(field::TYPE).map(|tci| tci >> 5),
        MarkField::InnerPcp => tag(INNER).map(|tci| tci >> 5),
        MarkField::Dscp => Some(packet(frame, UPLINK_TAGS, outer_tpid)?.dscp(frame)),
    }
}

/// Writes the value of a field that is there.
fn write(frame: &mut [u8], of: MarkField, outer_tpid: u16, value: u8) -> Option<()> {
    let byte = |frame: &mut [u8], at: usize, mask: u8, bits: u8| {
        let byte = frame.get_mut(at)?;
        *byte = *byte & !mask | bits & mask;
        Some(())
    };
    match of {
        MarkField::OuterDei => byte(frame, field::TYPE + 2, 0x10, value << 4),
        MarkField::OuterPcp => byte(frame, field::TYPE + 2, 0xe0, value << 5),
        MarkField::InnerPcp => byte(frame, INNER + 2, 0xe0, value << 5),
        MarkField::Dscp => packet(frame, UPLINK_TAGS, outer_tpid)?.set_dscp(frame, value),
    }
}

fn store(frame: &mut [u8], at: usize, value: u16) -> Option<()> {
    frame
        .get_mut(at..)?
        .first_chunk_mut()
        .map(|bytes| *bytes = value.to_be_bytes())
}

/// The IP header of a frame.
struct Packet {
    at: usize,
    v6: bool,
}

impl Packet {
    /// Where the DSCP is in the header's first word.
    const fn shift(&self) -> u32 {
        if self.v6 { 6 } else { 2 }
    }

    fn dscp(&self, frame: &[u8]) -> u8 {
        (word(frame, self.at) >> self.shift() & 0x3f) as u8
    }

    fn set_dscp(&self, frame: &mut [u8], value: u8) -> Option<()> {
        let old = word(frame, self.at);
        let mask = 0x3f << self.shift();
        let new = old & !mask | u16::from(value) << self.shift() & mask;
        store(frame, self.at, new)?;
        if !self.v6 {
            // RFC 1624, equation 3.
            let checksum = self.at + 10;
            let sum = u32::from(!word(frame, checksum)) + u32::from(!old) + u32::from(new);
            let sum = (sum & 0xffff) + (sum >> 16);
            let sum = (sum & 0xffff) + (sum >> 16);
            store(frame, checksum, !(sum as u16))?;
        }
        Some(())
    }
}

fn packet(frame: &[u8], strip: usize, outer_tpid: u16) -> Option<Packet> {
    let tags = Canonical::new(frame, strip)?.tenant_tags(outer_tpid);
    let at = tags.ethertype_offset() + strip + 2;
    let first = frame.get(at).copied()?;
    let (v6, header) = match (tags.ethertype, first >> 4, first & 0xf) {
        (TYPE_IPV4, 4, words @ 5..) => (false, usize::from(words) * 4),
        (TYPE_IPV6, 6, _) => (true, 40),
        _ => return None,
    };
    frame.get(at..at + header)?;
    Some(Packet { at, v6 })
}
