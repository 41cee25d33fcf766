// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The words of the receive steering as the PF writes them, with their offsets in its BAR 0.
//!
//! A filter, and a VF's own key, is written from its first word to its last: the last one enables it, and any other
//! one disables it. A value that makes no sense leaves it disabled, which reading the last word shows.

use super::{EtherTypeFilter, Family, KEY_BYTES, Rss, TABLE, TupleFilter};

/// Numbers of filters and VFs, read only: five-tuple filters in bits 7:0, EtherType filters in 15:8, VFs in 23:16.
pub const SIZES: u16 = 0x9000;
/// One more TPID that makes a tag.
pub const TPID: u16 = 0x9004;
/// The VF whose words are at [`VF`].
pub const SELECT: u16 = 0x9008;
/// EtherType filters, a word each.
pub const ETHERTYPES: u16 = 0x9040;
/// Key, 10 words.
pub const VF: u16 = 0x9100;
/// Queues of the priorities, 2 words.
pub const PRIORITIES: u16 = 0x9128;
/// What is hashed, and whether the key and the table count.
pub const RSS: u16 = 0x9130;
/// Indirection table, 32 words.
pub const INDIRECTION: u16 = 0x9180;
/// Five-tuple filters, [`TUPLE_STRIDE`] bytes each.
pub const TUPLES: u16 = 0x9800;
/// From a five-tuple filter to the next.
pub const TUPLE_STRIDE: u16 = 64;

/// Words of a five-tuple filter.
pub const TUPLE_WORDS: usize = 11;

const ENABLE: u32 = 1 << 31;

impl EtherTypeFilter {
    /// Its word; zero is a filter that is not enabled.
    #[must_use]
    pub fn word(&self) -> u32 {
        ENABLE
            | u32::from(self.queue) << 24
            | u32::from(self.vf.get()) << 16
            | u32::from(self.ethertype)
    }
}

impl TupleFilter {
    /// Its words.
    #[must_use]
    pub fn words(&self) -> [u32; TUPLE_WORDS] {
        let quarter = |address: u128, i: u32| (address >> (32 * i)) as u32;
        let bit = |set: bool, bit: u32| u32::from(set) << bit;
        let (src, dst) = (self.src.address, self.dst.address);
        let compare = u32::from(self.src.bits)
            | u32::from(self.dst.bits) << 8
            | u32::from(self.proto.unwrap_or(0)) << 16
            | bit(self.proto.is_some(), 24)
            | bit(self.sport.is_some(), 25)
            | bit(self.dport.is_some(), 26)
            | bit(self.family != Family::V6, 28)
            | bit(self.family != Family::V4, 29);
        let last = ENABLE
            | u32::from(self.priority & 7) << 16
            | u32::from(self.vf.get()) << 8
            | u32::from(self.queue & 0x7f);
        [
            quarter(src, 0),
            quarter(src, 1),
            quarter(src, 2),
            quarter(src, 3),
            quarter(dst, 0),
            quarter(dst, 1),
            quarter(dst, 2),
            quarter(dst, 3),
            u32::from(self.dport.unwrap_or(0)) << 16 | u32::from(self.sport.unwrap_or(0)),
            compare,
            last,
        ]
    }
}

impl Rss {
    /// The words of the key.
    #[must_use]
    pub fn key_words(&self) -> [u32; KEY_BYTES / 4] {
        words(&self.key)
    }

    /// The words of the indirection table.
    #[must_use]
    pub fn table_words(&self) -> [u32; TABLE / 4] {
        words(&self.table)
    }

    /// The word that makes key and table count.
    #[must_use]
    pub fn word(&self) -> u32 {
        u32::from(self.types.0 & 0x3f) << 8 | u32::from(self.short) << 1 | 1
    }
}

/// The words of the queues of the priorities.
#[must_use]
pub fn priorities(queues: &[Option<u8>; 8]) -> [u32; 2] {
    words(&queues.map(|queue| queue.map_or(0, |queue| queue | 0x80)))
}

/// Bytes in their order, the first one in the lowest bits.
fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u32; WORDS] {
    let (chunks, _) = bytes.as_chunks::<4>();
    core::array::from_fn(|i| chunks.get(i).map_or(0, |chunk| u32::from_le_bytes(*chunk)))
}
