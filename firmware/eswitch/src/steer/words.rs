// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The words of the receive steering as the PF writes them, with their offsets in its BAR 0.
//!
//! A filter, and a VF's own key, is written from its first word to its last: the last one enables it, and any other
//! one disables it. A value that makes no sense leaves it disabled, which reading the last word shows.

use hairpin_abi::VPort;

use super::{EtherTypeFilter, Family, HashTypes, KEY_BYTES, Prefix, Rss, TABLE, TupleFilter};

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

/// In the word of an EtherType filter, and in the last one of a five-tuple filter: it is enabled.
pub const ENABLE: u32 = 1 << 31;
/// In the word at [`RSS`]: the VF's own key and table count.
pub const RSS_ENABLE: u32 = 1;
/// Most five-tuple filters and EtherType filters that there is room for.
pub const MOST: (u8, u8) = (32, 48);

impl EtherTypeFilter {
    /// Its word; zero is a filter that is not enabled.
    #[must_use]
    pub fn word(&self) -> u32 {
        ENABLE
            | u32::from(self.queue) << 24
            | u32::from(self.vf.get()) << 16
            | u32::from(self.ethertype)
    }

    /// The filter of a word; `None` if it is not enabled.
    #[must_use]
    pub fn from_word(word: u32) -> Option<Self> {
        let vf = VPort::new((word >> 16) as u8 & 0x7f)?;
        (word & ENABLE != 0).then_some(Self {
            vf,
            ethertype: word as u16,
            queue: (word >> 24) as u8 & 0x7f,
        })
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

    /// The filter of its words; `None` if it is not enabled.
    #[must_use]
    pub fn from_words(words: &[u32; TUPLE_WORDS]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, ports, compare, last] = *words;
        let address = |quarters: [u32; 4]| {
            let upper = |sum: u128, quarter: &u32| sum << 32 | u128::from(*quarter);
            quarters.iter().rev().fold(0, upper)
        };
        let bit = |bit: u32| compare >> bit & 1 != 0;
        let family = match (bit(28), bit(29)) {
            (true, false) => Family::V4,
            (false, true) => Family::V6,
            (true, true) => Family::Any,
            (false, false) => return None,
        };
        let vf = VPort::new((last >> 8) as u8 & 0x7f)?;
        (last & ENABLE != 0).then_some(Self {
            vf,
            priority: (last >> 16) as u8 & 7,
            queue: last as u8 & 0x7f,
            family,
            src: Prefix {
                address: address([a, b, c, d]),
                bits: compare as u8,
            },
            dst: Prefix {
                address: address([e, f, g, h]),
                bits: (compare >> 8) as u8,
            },
            proto: bit(24).then_some((compare >> 16) as u8),
            sport: bit(25).then_some(ports as u16),
            dport: bit(26).then_some((ports >> 16) as u16),
        })
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
        u32::from(self.types.0 & 0x3f) << 8 | u32::from(self.short) << 1 | RSS_ENABLE
    }

    /// A VF's own hash configuration of its words; `None` if the default holds.
    #[must_use]
    pub fn from_words(
        word: u32,
        key: &[u32; KEY_BYTES / 4],
        table: &[u32; TABLE / 4],
    ) -> Option<Self> {
        (word & RSS_ENABLE != 0).then(|| Self {
            key: bytes(key),
            types: HashTypes((word >> 8) as u8 & 0x3f),
            short: word & 2 != 0,
            table: bytes::<TABLE, { TABLE / 4 }>(table).map(|queue| queue & 0x7f),
        })
    }
}

/// The words of the queues of the priorities.
#[must_use]
pub fn priorities(queues: &[Option<u8>; 8]) -> [u32; 2] {
    words(&queues.map(|queue| queue.map_or(0, |queue| queue | 0x80)))
}

/// The queues of the priorities of their words.
#[must_use]
pub fn priorities_of(words: &[u32; 2]) -> [Option<u8>; 8] {
    bytes(words).map(|byte: u8| (byte & 0x80 != 0).then_some(byte & 0x7f))
}

/// Bytes in their order, the first one in the lowest bits.
fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u32; WORDS] {
    let (chunks, _) = bytes.as_chunks::<4>();
    core::array::from_fn(|i| chunks.get(i).map_or(0, |chunk| u32::from_le_bytes(*chunk)))
}

/// The bytes of words.
fn bytes<const BYTES: usize, const WORDS: usize>(words: &[u32; WORDS]) -> [u8; BYTES] {
    core::array::from_fn(|i| {
        let word = words.get(i / 4).copied().unwrap_or(0);
        (word >> (8 * (i % 4))) as u8
    })
}
