// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Receive steering: which of a VF's queues a frame goes to.
//!
//! ```text
//!  frame ──► Flow ──► EtherType filters ──► priority ──► five-tuple filters ──► hash ──► queue 0
//! ```
//!
//! The first step that names a queue in use decides. `hp_rx_steer` does the same in hardware; what software writes
//! there is in [`words`]. Queues are counted within the VF's pool.

use hairpin_abi::{PortId, VPort, Vlan};

use crate::frame::{Canonical, TYPE_IPV4, TYPE_IPV6, word};
use crate::key::FrameKey;

pub mod words;

/// Bytes of a Toeplitz key.
pub const KEY_BYTES: usize = 40;
/// Entries of an indirection table.
pub const TABLE: usize = 128;
/// Entries of a short one.
pub const SHORT_TABLE: usize = 64;

/// The key that Microsoft publishes with its test vectors: that of a VF which has none of its own.
pub const DEFAULT_KEY: [u8; KEY_BYTES] = [
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
    0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
    0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
];

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// What the choice sees of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What stands behind at most two tags.
    pub ethertype: u16,
    /// Priority of the first tag.
    pub priority: Option<u8>,
    /// Addresses, if there is a sound IP header behind at most two tags.
    pub ip: Option<Ip>,
}

/// The IP fields of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// IPv6, not IPv4.
    pub is_v6: bool,
    /// Source address; IPv4 in the low 32 bits.
    pub src: u128,
    /// Destination address.
    pub dst: u128,
    /// What is in it. `None` in a fragment, behind an IPv6 extension header, or if L4 is cut off.
    pub proto: Option<u8>,
    /// Source and destination port of TCP, UDP and SCTP.
    pub ports: Option<(u16, u16)>,
}

impl Flow {
    /// Reads a frame as it goes to the host; `outer_tpid` is one more TPID that makes a tag.
    #[must_use]
    pub fn of(frame: &Canonical<'_>, outer_tpid: u16) -> Self {
        let tags = frame.tenant_tags(outer_tpid);
        let key = FrameKey::extract(PortId::ZERO, Vlan::default(), frame, outer_tpid);
        let fields = key.fields.ip;
        let ip = if tags.count > 2 || !matches!(tags.ethertype, TYPE_IPV4 | TYPE_IPV6) {
            None
        } else if key.unkeyable {
            addresses(frame, tags.ethertype_offset() + 2, tags.ethertype)
        } else {
            Some(Ip {
                is_v6: fields.is_v6,
                src: fields.src,
                dst: fields.dst,
                proto: Some(fields.proto),
                ports: matches!(fields.proto, TCP | UDP | SCTP)
                    .then_some((fields.sport, fields.dport)),
            })
        };
        Self {
            ethertype: tags.ethertype,
            priority: (tags.count > 0).then(|| frame.rest().get(2).map_or(0, |tci| tci >> 5)),
            ip,
        }
    }
}

/// The addresses of a packet that has no key, if its header is sound.
fn addresses(frame: &Canonical<'_>, offset: usize, ethertype: u16) -> Option<Ip> {
    let bytes = frame.rest().get(offset.checked_sub(12)?..)?;
    let room = frame.len().checked_sub(offset)?;
    let (version, first) = (bytes.first()? >> 4, bytes.first()?);
    let ip = |is_v6, src, dst| Ip {
        is_v6,
        src,
        dst,
        proto: None,
        ports: None,
    };
    if ethertype == TYPE_IPV4 {
        let (header, total) = (usize::from(first & 0xf) * 4, usize::from(word(bytes, 2)));
        let sound = version == 4 && header >= 20 && (header..=room).contains(&total);
        let at = |at| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?).into());
        sound.then_some(ip(false, at(12)?, at(16)?))
    } else {
        let sound = version == 6 && 40 + usize::from(word(bytes, 4)) <= room;
        let at = |at| Some(u128::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        sound.then_some(ip(true, at(8)?, at(24)?))
    }
}

/// Frames of an EtherType go to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtherTypeFilter {
    /// Whose frames.
    pub vf: VPort,
    /// The EtherType behind the tags.
    pub ethertype: u16,
    /// The queue.
    pub queue: u8,
}

/// The upper bits of an address; none of them: any address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix {
    /// The address; an IPv4 address in the low 32 bits.
    pub address: u128,
    /// How many of its bits count.
    pub bits: u8,
}

impl Prefix {
    fn covers(self, address: u128, width: u32) -> bool {
        let rest = width.saturating_sub(self.bits.into());
        rest >= width || (self.address ^ address) << (128 - width) >> (128 - width) >> rest == 0
    }
}

/// What kind of packets a filter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// Both; the filter names no address.
    Any,
}

/// Packets of a flow, or of many, go to a queue. What is `None` may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TupleFilter {
    /// Whose frames.
    pub vf: VPort,
    /// 0 to 7: the highest wins.
    pub priority: u8,
    /// The queue.
    pub queue: u8,
    /// IPv4 or IPv6.
    pub family: Family,
    /// Source addresses.
    pub src: Prefix,
    /// Destination addresses.
    pub dst: Prefix,
    /// Protocol. A fragment, or what stands behind an extension header, has none.
    pub proto: Option<u8>,
    /// Source port of TCP, UDP or SCTP.
    pub sport: Option<u16>,
    /// Destination port.
    pub dport: Option<u16>,
}

impl TupleFilter {
    /// True if it is for this packet.
    #[must_use]
    pub fn matches(&self, vf: VPort, ip: &Ip) -> bool {
        let width = if ip.is_v6 { 128 } else { 32 };
        let family = match self.family {
            Family::V4 => !ip.is_v6,
            Family::V6 => ip.is_v6,
            Family::Any => true,
        };
        let (sport, dport) = ip.ports.unzip();
        let fits = |asked: Option<u16>, has| asked.is_none() || asked == has;
        self.vf == vf
            && family
            && self.src.covers(ip.src, width)
            && self.dst.covers(ip.dst, width)
            && (self.proto.is_none() || self.proto == ip.proto)
            && fits(self.sport, sport)
            && fits(self.dport, dport)
    }
}

/// What packets are hashed. A packet whose ports are not hashed is hashed over its addresses, if that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashTypes(pub u8);

impl HashTypes {
    /// IPv4: addresses.
    pub const IPV4: Self = Self(1);
    /// TCP over IPv4: addresses and ports.
    pub const TCP_IPV4: Self = Self(1 << 1);
    /// UDP over IPv4: addresses and ports.
    pub const UDP_IPV4: Self = Self(1 << 2);
    /// IPv6: addresses.
    pub const IPV6: Self = Self(1 << 3);
    /// TCP over IPv6: addresses and ports.
    pub const TCP_IPV6: Self = Self(1 << 4);
    /// UDP over IPv6: addresses and ports.
    pub const UDP_IPV6: Self = Self(1 << 5);
    /// All of them.
    pub const ALL: Self = Self(0x3f);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How a VF's packets are spread over its queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rss {
    /// The Toeplitz key.
    pub key: [u8; KEY_BYTES],
    /// What is hashed.
    pub types: HashTypes,
    /// Only the first 64 entries of the table are used.
    pub short: bool,
    /// A queue for each value of the hash's low bits.
    pub table: [u8; TABLE],
}

impl Rss {
    /// The hash of a packet, `None` if it has none.
    #[must_use]
    pub fn hash(&self, ip: &Ip) -> Option<u32> {
        let (addresses, tcp, udp) = if ip.is_v6 {
            (HashTypes::IPV6, HashTypes::TCP_IPV6, HashTypes::UDP_IPV6)
        } else {
            (HashTypes::IPV4, HashTypes::TCP_IPV4, HashTypes::UDP_IPV4)
        };
        let with_ports = match ip.proto {
            Some(TCP) => self.types.has(tcp),
            Some(UDP) => self.types.has(udp),
            _ => false,
        };
        let ports = ip.ports.filter(|_| with_ports);
        if ports.is_none() && !self.types.has(addresses) {
            return None;
        }
        let (sport, dport) = ports.unwrap_or_default();
        let (src, dst) = (ip.src.to_be_bytes(), ip.dst.to_be_bytes());
        let skip = if ip.is_v6 { 0 } else { 12 };
        // Zeros at the end, as ports that do not count leave them, add nothing.
        let input = (src.into_iter().skip(skip))
            .chain(dst.into_iter().skip(skip))
            .chain(sport.to_be_bytes())
            .chain(dport.to_be_bytes());
        Some(toeplitz(&self.key, input))
    }

    /// The table's entry for a hash.
    #[must_use]
    pub fn entry(&self, hash: u32) -> u8 {
        let entries = if self.short { SHORT_TABLE } else { TABLE };
        let index = hash as usize % entries;
        self.table.get(index).copied().unwrap_or(0)
    }
}

/// The Toeplitz hash: each set bit of the input, from the first one on, adds the 32 bits of the key at its place. The
/// key is followed by zeros.
#[must_use]
pub fn toeplitz(key: &[u8; KEY_BYTES], input: impl IntoIterator<Item = u8>) -> u32 {
    let [a, b, c, d, rest @ ..] = key;
    let mut window = u32::from_be_bytes([*a, *b, *c, *d]);
    let mut hash = 0;
    for (byte, next) in input
        .into_iter()
        .zip(rest.iter().copied().chain(core::iter::repeat(0)))
    {
        for bit in (0..8).rev() {
            if byte >> bit & 1 != 0 {
                hash ^= window;
            }
            window = window << 1 | u32::from(next >> bit & 1);
        }
    }
    hash
}

/// What is set for one VF beside the filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VfRow {
    /// Queues of the priorities of a tag.
    pub priorities: [Option<u8>; 8],
    /// `None`: the default key, all types, and entry *i* is *i* modulo the pairs in use.
    pub rss: Option<Rss>,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The EtherType filter with this number.
    EtherType(usize),
    /// The tag's priority.
    Priority,
    /// The five-tuple filter with this number.
    Tuple(usize),
    /// This hash.
    Hash(u32),
    /// Nothing.
    Zero,
}

/// The filters, by number. `None`: not enabled.
#[derive(Clone, Copy, Debug)]
pub struct Filters<'a> {
    /// EtherType filters: the lowest number wins.
    pub ethertypes: &'a [Option<EtherTypeFilter>],
    /// Five-tuple filters: the highest priority wins, then the lowest number.
    pub tuples: &'a [Option<TupleFilter>],
}

impl Filters<'_> {
    /// The queue of a frame for a VF with so many pairs in use, and why. With none in use it is queue 0 too.
    #[must_use]
    pub fn choose(&self, vf: VPort, row: &VfRow, flow: &Flow, pairs: u8) -> (u8, Step) {
        let ethertype = || {
            let mut found = numbered(self.ethertypes)
                .filter(|(_, filter)| filter.vf == vf && filter.ethertype == flow.ethertype);
            found.next().map(|(i, f)| (f.queue, Step::EtherType(i)))
        };
        let priority = || {
            let queue = row.priorities.get(usize::from(flow.priority?)).copied()??;
            Some((queue, Step::Priority))
        };
        let tuple = || {
            let ip = flow.ip?;
            numbered(self.tuples)
                .filter(|(_, filter)| filter.matches(vf, &ip))
                .min_by_key(|(i, filter)| (core::cmp::Reverse(filter.priority), *i))
                .map(|(i, filter)| (filter.queue, Step::Tuple(i)))
        };
        let hash = || {
            let standard = Rss {
                key: DEFAULT_KEY,
                types: HashTypes::ALL,
                short: false,
                table: core::array::from_fn(|i| (i % usize::from(pairs).max(1)) as u8),
            };
            let rss = row.rss.as_ref().unwrap_or(&standard);
            let hash = rss.hash(&flow.ip?)?;
            Some((rss.entry(hash), Step::Hash(hash)))
        };
        let in_use = |(queue, _): &(u8, Step)| *queue < pairs;
        (ethertype().filter(in_use))
            .or_else(|| priority().filter(in_use))
            .or_else(|| tuple().filter(in_use))
            .or_else(|| hash().filter(in_use))
            .unwrap_or((0, Step::Zero))
    }
}

/// Filters that are enabled, with their numbers.
fn numbered<T: Copy>(filters: &[Option<T>]) -> impl Iterator<Item = (usize, T)> {
    let all = filters.iter().enumerate();
    all.filter_map(|(i, filter)| Some((i, (*filter)?)))
}
