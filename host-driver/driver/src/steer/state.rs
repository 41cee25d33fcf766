// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The steering as it is shown.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use hairpin_abi::VPort;
use serde::{Deserialize, Serialize};

use super::{
    DEFAULT_KEY, EtherTypeFilter, Family, FilterPlace, HashTypes, Prefix, SHORT_TABLE, TupleFilter,
    VfRow,
};
use crate::flow::{ethertype_name, proto_name};

/// How many filters there are room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FilterRoom {
    /// Five-tuple filters.
    pub five_tuple: u8,
    /// EtherType filters.
    pub ethertype: u8,
}

impl FilterRoom {
    /// Every place of a filter.
    pub(crate) fn places(self) -> impl Iterator<Item = FilterPlace> {
        let tuples = (0..self.five_tuple).map(FilterPlace::Tuple);
        tuples.chain((0..self.ethertype).map(FilterPlace::EtherType))
    }
}

/// A five-tuple filter; what is null may be anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TupleFilterState {
    /// Its number; of equal priorities the lowest wins.
    pub index: u8,
    /// Whose frames: `vf0`, `vf1`, …
    pub vf: String,
    /// The queue they go to.
    pub queue: u8,
    /// 0 to 7: the highest wins.
    pub priority: u8,
    /// `ipv4`, `ipv6` or `any`.
    pub family: String,
    /// Source addresses, as `10.0.0.0/8`.
    pub src: Option<String>,
    /// Destination addresses.
    pub dst: Option<String>,
    /// IP protocol.
    pub proto: Option<u8>,
    /// Source port.
    pub sport: Option<u16>,
    /// Destination port.
    pub dport: Option<u16>,
}

impl TupleFilterState {
    /// A filter as it is shown.
    #[must_use]
    pub fn new(index: u8, filter: &TupleFilter) -> Self {
        Self {
            index,
            vf: filter.vf.to_string(),
            queue: filter.queue,
            priority: filter.priority,
            family: family_name(filter.family).to_owned(),
            src: prefix_text(filter.family, filter.src),
            dst: prefix_text(filter.family, filter.dst),
            proto: filter.proto,
            sport: filter.sport,
            dport: filter.dport,
        }
    }

    /// What it asks for, as `hairpin filter add` takes it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("family {}", self.family);
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                // Writing into a string does not fail.
                let _ = write!(text, " {name} {value}");
            }
        };
        put("src", self.src.clone());
        put("dst", self.dst.clone());
        put("proto", self.proto.map(proto_name));
        put("sport", self.sport.map(|port| port.to_string()));
        put("dport", self.dport.map(|port| port.to_string()));
        text
    }
}

/// An EtherType filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EtherTypeFilterState {
    /// Its number; the lowest wins.
    pub index: u8,
    /// Whose frames: `vf0`, `vf1`, …
    pub vf: String,
    /// The queue they go to.
    pub queue: u8,
    /// The EtherType behind at most two tags.
    pub ethertype: u16,
}

impl EtherTypeFilterState {
    /// A filter as it is shown.
    #[must_use]
    pub fn new(index: u8, filter: &EtherTypeFilter) -> Self {
        Self {
            index,
            vf: filter.vf.to_string(),
            queue: filter.queue,
            ethertype: filter.ethertype,
        }
    }

    /// What it asks for, as `hairpin filter add` takes it.
    #[must_use]
    pub fn text(&self) -> String {
        format!("ethertype {}", ethertype_name(self.ethertype))
    }
}

/// How a VF's frames are spread over its queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RssState {
    /// `vf0`, `vf1`, …
    pub vf: String,
    /// Whether it has the default: no key, types and table of its own.
    pub default: bool,
    /// The Toeplitz key, 80 hexadecimal digits.
    pub key: String,
    /// What is hashed.
    pub types: Vec<String>,
    /// The indirection table. Null is the default: entry *i* is *i* modulo the pairs in use.
    pub table: Option<Vec<u8>>,
    /// The queues of priorities 0 to 7; null where there is none.
    pub priorities: Vec<Option<u8>>,
}

impl RssState {
    /// A VF's steering as it is shown.
    #[must_use]
    pub fn new(vport: VPort, row: &VfRow) -> Self {
        let (key, types) = match &row.rss {
            Some(rss) => (&rss.key, rss.types),
            None => (&DEFAULT_KEY, HashTypes::ALL),
        };
        Self {
            vf: vport.to_string(),
            default: row.rss.is_none(),
            key: key.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
            types: hash_type_names(types)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            table: row.rss.as_ref().map(|rss| {
                let (short, whole) = (&rss.table[..SHORT_TABLE], &rss.table[..]);
                if rss.short { short } else { whole }.to_vec()
            }),
            priorities: row.priorities.to_vec(),
        }
    }
}

/// Types of packets that can be hashed, by their names.
const HASH_TYPES: [(&str, HashTypes); 6] = [
    ("ipv4", HashTypes::IPV4),
    ("tcp4", HashTypes::TCP_IPV4),
    ("udp4", HashTypes::UDP_IPV4),
    ("ipv6", HashTypes::IPV6),
    ("tcp6", HashTypes::TCP_IPV6),
    ("udp6", HashTypes::UDP_IPV6),
];

/// The names of types.
#[must_use]
pub fn hash_type_names(types: HashTypes) -> Vec<&'static str> {
    let on = HASH_TYPES.iter().filter(|(_, bit)| types.0 & bit.0 != 0);
    on.map(|(name, _)| *name).collect()
}

/// The type of a name.
pub(super) fn hash_type(name: &str) -> Option<HashTypes> {
    let known = HASH_TYPES.iter().find(|(known, _)| *known == name);
    known.map(|(_, bit)| *bit)
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
        Family::Any => "any",
    }
}

/// Addresses as they are written; `None` if they may be any.
fn prefix_text(family: Family, prefix: Prefix) -> Option<String> {
    if prefix.bits == 0 {
        return None;
    }
    let (address, width) = match family {
        // The upper bits do not count.
        Family::V4 => (Ipv4Addr::from(prefix.address as u32).to_string(), 32),
        _ => (Ipv6Addr::from(prefix.address).to_string(), 128),
    };
    Some(if prefix.bits == width {
        address
    } else {
        format!("{address}/{}", prefix.bits)
    })
}
