// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Frames on the wire: fields, NIC tags, tenant tags.
//!
//! A frame is never copied to take its tags off: [`Canonical`] is a view of two slices.

use hairpin_abi::{MAX_FRAME, MIN_FRAME, MacAddr, Reason};

/// Offsets in a frame.
pub mod field {
    /// Destination address.
    pub const DESTINATION: usize = 0;
    /// Source address.
    pub const SOURCE: usize = 6;
    /// First TPID or EtherType; NIC tags stand here.
    pub const TYPE: usize = 12;
}

/// TPID of a VLAN tag; the TPID of every V.VLAN tag.
pub const TPID_CTAG: u16 = 0x8100;
/// TPID of a service tag.
pub const TPID_STAG: u16 = 0x88a8;
/// TPID of a service tag in older switches.
pub const TPID_QINQ: u16 = 0x9100;
/// EtherType of IPv4.
pub const TYPE_IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub const TYPE_IPV6: u16 = 0x86dd;
/// EtherType of MAC control frames (pause).
pub const TYPE_MAC_CONTROL: u16 = 0x8808;
/// EtherType of Hairpin's control frames.
pub const TYPE_HAIRPIN: u16 = 0x88b5;

/// The two bytes at an offset, big-endian; bytes past the end read as zero.
#[must_use]
pub fn word(bytes: &[u8], at: usize) -> u16 {
    let byte = |at| u16::from(bytes.get(at).copied().unwrap_or(0));
    byte(at) << 8 | byte(at.saturating_add(1))
}

/// True if a tag with this TPID is recognised as a VLAN tag; `outer` is the programmed outer TPID.
#[must_use]
pub const fn is_tag(tpid: u16, outer: u16) -> bool {
    matches!(tpid, TPID_CTAG | TPID_STAG | TPID_QINQ) || tpid == outer
}

/// Checks the length of a frame on a bus as the ingress stores do.
///
/// # Errors
/// [`Reason::Runt`] or [`Reason::Oversize`].
pub const fn check_length(bytes: usize, nic_tags: usize) -> Result<(), Reason> {
    if bytes < MIN_FRAME {
        Err(Reason::Runt)
    } else if bytes > MAX_FRAME + nic_tags {
        Err(Reason::Oversize)
    } else {
        Ok(())
    }
}

/// A tenant's frame: a frame on a bus without the NIC tags behind its addresses.
#[derive(Clone, Copy, Debug)]
pub struct Canonical<'a> {
    addresses: &'a [u8; field::TYPE],
    rest: &'a [u8],
    len: usize,
}

impl<'a> Canonical<'a> {
    /// The view of a frame whose NIC tags are `strip` bytes long. `None` if the frame ends before them.
    #[must_use]
    pub fn new(frame: &'a [u8], strip: usize) -> Option<Self> {
        let (addresses, rest) = frame.split_first_chunk()?;
        let rest = rest.get(strip..)?;
        Some(Self {
            addresses,
            rest,
            len: field::TYPE + rest.len(),
        })
    }

    /// The view of the first bytes of a frame of that length, which has no NIC tags any more. Its tags and its key
    /// are in the first 128 bytes.
    #[must_use]
    pub fn head(bytes: &'a [u8], len: usize) -> Option<Self> {
        let bytes = bytes.get(..len).unwrap_or(bytes);
        Some(Self {
            len,
            ..Self::new(bytes, 0)?
        })
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never true: the addresses are always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Destination and source address, as they stand.
    #[must_use]
    pub fn addresses(&self) -> &'a [u8; field::TYPE] {
        self.addresses
    }

    /// The bytes behind the addresses, as far as they are there: tenant tags, EtherType, payload.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Destination address.
    #[must_use]
    pub fn destination(&self) -> MacAddr {
        let [a, b, c, d, e, f, ..] = *self.addresses;
        MacAddr([a, b, c, d, e, f])
    }

    /// Source address.
    #[must_use]
    pub fn source(&self) -> MacAddr {
        let [.., a, b, c, d, e, f] = *self.addresses;
        MacAddr([a, b, c, d, e, f])
    }

    /// The tenant's tags.
    #[must_use]
    pub fn tenant_tags(&self, outer_tpid: u16) -> TenantTags {
        let [t0, t1, t2] = [0, 4, 8].map(|at| word(self.rest, at));
        let [tag0, tag1, tag2] = [t0, t1, t2].map(|tpid| is_tag(tpid, outer_tpid));
        let (count, ethertype) = match (tag0, tag1, tag2) {
            (false, ..) => (0, t0),
            (true, false, _) => (1, t1),
            (true, true, false) => (2, t2),
            (true, true, true) => (3, t2),
        };
        TenantTags {
            count,
            tpids: [t0, t1],
            vid: word(self.rest, 2) & 0xfff,
            ethertype,
        }
    }
}

/// The tags of a tenant's frame, as far as the NIC reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantTags {
    /// Number of tags: 0, 1, 2, or 3 for more than two.
    pub count: u8,
    /// TPIDs of the first two; something else where there is no tag.
    tpids: [u16; 2],
    /// VLAN ID of the first.
    vid: u16,
    /// What stands behind at most two tags: the EtherType, or the TPID of a third tag.
    pub ethertype: u16,
}

impl TenantTags {
    /// True if a vPort with this setting may send them.
    #[must_use]
    pub fn allowed(&self, setting: hairpin_abi::Tags) -> bool {
        use hairpin_abi::Tags;
        let [first, second] = self.tpids.map(|tpid| tpid == TPID_CTAG);
        match (setting, self.count) {
            (Tags::All, _) | (_, 0) => true,
            (Tags::None, _) => false,
            (Tags::Priority, count) => count == 1 && first && self.vid == 0,
            (Tags::Vlans, count) => first && (count == 1 || (count == 2 && second)),
        }
    }

    /// Bytes before the EtherType of the canonical frame.
    #[must_use]
    pub fn ethertype_offset(&self) -> usize {
        field::TYPE + 4 * usize::from(self.count.min(2))
    }
}
