// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Changes of steering from words, of a command or of a configuration.

use hairpin_abi::VPort;

use super::values::{
    parse_key, parse_prefix, parse_priorities, parse_queue, parse_queues, parse_small, parse_table,
    parse_types,
};
use super::{EtherTypeFilter, Family, Filter, Prefix, RssChange, TupleFilter};
use crate::Diagnostic;
use crate::flow::{parse_ethertype, parse_number, parse_proto};
use crate::words::{VPORT, Words, parse_vport, wrong};

pub(crate) type Result<T> = std::result::Result<T, Diagnostic>;

/// Keys that make a five-tuple filter.
const TUPLE_KEYS: [&str; 7] = [
    "src", "dst", "family", "proto", "sport", "dport", "priority",
];

/// A filter of a VF, and its place if it is named.
pub(crate) fn filter_add(vf: &str, words: &[String]) -> Result<(Filter, Option<u8>)> {
    const COMMAND: &str = "filter add";
    const QUEUE: &str = "0 to 127";
    let vf = vport(COMMAND, vf)?;
    let known = [&["queue", "index", "ethertype"][..], &TUPLE_KEYS].concat();
    let words = Words::new(COMMAND, words, &known)?;
    let queue = words.need("queue", QUEUE, parse_queue)?;
    let index = words.get("index", "the number of a filter", parse_small)?;
    let ethertype = words.get(
        "ethertype",
        "ipv4, ipv6, arp or a number: 0x88f7",
        parse_ethertype,
    )?;
    let filter = match ethertype {
        Some(ethertype) => {
            if let Some(key) = TUPLE_KEYS.iter().find(|key| words.has(key)) {
                let message = format!("an EtherType filter has no `{key}`");
                return Err(words.error(key, message).help(
                    "leave it out, or leave `ethertype` out to filter by addresses, protocol and ports",
                ));
            }
            Filter::EtherType(EtherTypeFilter {
                vf,
                ethertype,
                queue,
            })
        }
        None => Filter::Tuple(tuple(&words, vf, queue)?),
    };
    Ok((filter, index))
}

fn tuple(words: &Words<'_>, vf: VPort, queue: u8) -> Result<TupleFilter> {
    const PREFIX: &str = "an address, or one with a prefix: 10.1.2.3, 10.0.0.0/8, fd00::/64";
    const PORT: &str = "0 to 65535";
    let src = words.get("src", PREFIX, parse_prefix)?;
    let dst = words.get("dst", PREFIX, parse_prefix)?;
    let asked = words.get("family", "ipv4, ipv6 or any", |name| match name {
        "ipv4" => Some(Family::V4),
        "ipv6" => Some(Family::V6),
        "any" => Some(Family::Any),
        _ => None,
    })?;
    let mut family = asked;
    for (key, prefix) in [("src", src), ("dst", dst)] {
        let Some((own, _)) = prefix else { continue };
        if family.is_some_and(|family| family != own) {
            let message = format!("`{key}` is of another family than the rest of the filter");
            return Err(words
                .error(key, message)
                .help("use IPv4 or IPv6 addresses, not both, and leave `family` out"));
        }
        family = Some(own);
    }
    let filter = TupleFilter {
        vf,
        priority: words
            .get("priority", "0 to 7", |text| {
                parse_small(text).filter(|priority| *priority < 8)
            })?
            .unwrap_or(0),
        queue,
        family: family.unwrap_or(Family::Any),
        src: src.map_or(Prefix::default(), |(_, prefix)| prefix),
        dst: dst.map_or(Prefix::default(), |(_, prefix)| prefix),
        proto: words.get(
            "proto",
            "tcp, udp, icmp, icmpv6, sctp or 0 to 255",
            parse_proto,
        )?,
        sport: words.get("sport", PORT, parse_number)?,
        dport: words.get("dport", PORT, parse_number)?,
    };
    let ports = [("sport", filter.sport), ("dport", filter.dport)];
    if let (Some(proto), Some((key, _))) = (
        filter.proto.filter(|proto| !matches!(proto, 6 | 17 | 132)),
        ports.iter().find(|(_, port)| port.is_some()),
    ) {
        let message = format!("protocol {proto} has no ports");
        return Err(words
            .error(key, message)
            .help("use proto tcp, udp or sctp, or leave the ports out"));
    }
    if filter.proto.is_none() && ports.iter().all(|(_, port)| port.is_none()) && family.is_none() {
        return Err(words
            .error("src", "the filter does not say which frames".to_owned())
            .help("add src, dst, proto, sport, dport or family, or ethertype"));
    }
    Ok(filter)
}

/// How a VF's frames are spread.
pub(crate) fn rss_set(vf: &str, words: &[String]) -> Result<(VPort, RssChange)> {
    const COMMAND: &str = "rss set";
    let vport = vport(COMMAND, vf)?;
    let known = ["key", "types", "queues", "table", "priority"];
    let words = Words::new(COMMAND, words, &known)?;
    let queues = words.get(
        "queues",
        "queues with commas between: 0,1,2,3",
        parse_queues,
    )?;
    let table = words.get("table", "128 or 64 queues with commas between", parse_table)?;
    if queues.is_some() && table.is_some() {
        return Err(words
            .error("table", "`queues` makes the table already".to_owned())
            .help("give one of the two"));
    }
    Ok((
        vport,
        RssChange {
            key: words.get("key", "40 bytes in hexadecimal, 80 digits", parse_key)?,
            types: words.get(
                "types",
                "default, none, or of ipv4,tcp4,udp4,ipv6,tcp6,udp6",
                parse_types,
            )?,
            table: queues.or(table),
            priorities: words
                .get(
                    "priority",
                    "PRIORITY:QUEUE with commas between, 3:1,5:0, or none",
                    parse_priorities,
                )?
                .unwrap_or_default(),
        },
    ))
}

/// A VF that a command names.
pub(crate) fn vport(command: &'static str, name: &str) -> Result<VPort> {
    parse_vport(name).ok_or_else(|| {
        wrong(command, "VF", format!("`{name}` is no VF")).help(format!("use {VPORT}"))
    })
}
