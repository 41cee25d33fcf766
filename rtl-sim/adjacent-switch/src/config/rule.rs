// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `[[rule]]`.

use std::net::IpAddr;

use hairpin_abi::{MacAddr, VVlan, Vlan};
use hairpin_driver::config::source::{Section, Source};
use hairpin_driver::flow::{parse_ethertype, parse_proto};
use toml::Spanned;

use super::raw::{RawName, RawRule};
use super::{PortNames, Result};
use crate::rules::{Actions, IpMatch, Masked, Match, Rule, Way};

pub(super) fn check_rules(
    source: &Source<'_>,
    ports: &PortNames,
    raw: Vec<Spanned<RawRule>>,
) -> Result<Vec<Rule>> {
    let mut rules: Vec<Rule> = Vec::with_capacity(raw.len());
    for (index, raw) in raw.into_iter().enumerate() {
        let section = Section {
            source,
            name: format!("rule[{index}]"),
            span: raw.span(),
        };
        let rule = check_rule(&section, ports, raw.get_ref())?;
        if rules.iter().any(|known| known.name == rule.name) {
            let message = format!("there is a rule `{}` already", rule.name);
            return Err(source
                .error("duplicate-rule", &section.own_place(), message)
                .help("give every rule its own name"));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn check_rule(section: &Section<'_>, ports: &PortNames, raw: &RawRule) -> Result<Rule> {
    let name = section.required("name", raw.name.as_ref().map(clone), "add name = \"web\"")?;
    let priority = match &raw.priority {
        Some(value) => section.number("priority", value, 0..=i64::from(u32::MAX))? as u32,
        None => 0,
    };
    Ok(Rule {
        name: name.into_inner(),
        priority,
        matching: check_match(section, ports, raw)?,
        actions: check_actions(section, ports, raw)?,
    })
}

fn clone<T: Clone>(value: &Spanned<T>) -> Spanned<T> {
    Spanned::new(value.span(), value.get_ref().clone())
}

fn check_match(section: &Section<'_>, ports: &PortNames, raw: &RawRule) -> Result<Match> {
    let port = raw.port.as_ref();
    let number = |key: &str, value: &Option<Spanned<i64>>, least: i64, most: i64| match value {
        Some(value) => section.number(key, value, least..=most).map(Some),
        None => Ok(None),
    };
    let byte = |number: Option<i64>| number.map(|number| number as u8);
    let half = |number: Option<i64>| number.map(|number| number as u16);
    Ok(Match {
        port: port
            .map(|name| ports.find(section, "port", name))
            .transpose()?,
        vvlan: half(number("vvlan", &raw.vvlan, 1, 4094)?).and_then(VVlan::new),
        vlan: half(number("vlan", &raw.vlan, 0, 4095)?).and_then(Vlan::new),
        pcp: byte(number("pcp", &raw.pcp, 0, 7)?),
        da: mac(section, "da", raw.da.as_ref())?,
        sa: mac(section, "sa", raw.sa.as_ref())?,
        ethertype: named(
            section,
            "ethertype",
            raw.ethertype.as_ref(),
            0xffff,
            parse_ethertype,
        )?,
        ip_src: ip(section, "ip-src", raw.ip_src.as_ref())?,
        ip_dst: ip(section, "ip-dst", raw.ip_dst.as_ref())?,
        proto: named(section, "proto", raw.proto.as_ref(), 0xff, |text| {
            parse_proto(text).map(u16::from)
        })?
        .map(|proto| proto as u8),
        sport: masked(section, "sport", raw.sport.as_ref(), 0xffff)?,
        dport: masked(section, "dport", raw.dport.as_ref(), 0xffff)?,
        tcp_flags: masked(section, "tcp-flags", raw.tcp_flags.as_ref(), 0xff)?
            .map(|flags| Masked::<u8>::some(flags.value as u8, flags.mask as u8)),
        dscp: byte(number("dscp", &raw.dscp, 0, 63)?),
        ttl: byte(number("ttl", &raw.ttl, 0, 255)?),
        keyable: raw.keyable,
    })
}

fn check_actions(section: &Section<'_>, ports: &PortNames, raw: &RawRule) -> Result<Actions> {
    let source = section.source;
    let action = raw.action.as_ref().map(clone);
    let action = section.required("action", action, "add action = \"accept\"")?;
    let place = section.place("action", &action);
    let way = match (action.get_ref().as_str(), &raw.to) {
        ("redirect", Some(to)) => Way::Redirect(ports.find(section, "to", to)?),
        ("redirect", None) => {
            let error = source.error("missing-key", &place, "`redirect` needs a port to go to");
            return Err(error.help("add to = \"p1\""));
        }
        ("accept" | "deny", Some(to)) => {
            let place = section.place("to", to);
            let error = source.error(
                "contradiction",
                &place,
                format!("`{}` takes no `to`", action.get_ref()),
            );
            return Err(error.help("remove it, or use action = \"redirect\""));
        }
        ("accept", None) => Way::Accept,
        ("deny", None) => Way::Deny,
        (other, _) => {
            let error = source.error("bad-action", &place, format!("`{other}` is no action"));
            return Err(error.help("use \"accept\", \"deny\" or \"redirect\""));
        }
    };
    let set_vlan = match &raw.set_vlan {
        Some(value) => Vlan::new(section.number("set-vlan", value, 1..=4094)? as u16),
        None => None,
    };
    let mirror = raw
        .mirror
        .as_ref()
        .map(|name| ports.find(section, "mirror", name))
        .transpose()?;
    Ok(Actions {
        way,
        mirror,
        set_vlan,
    })
}

fn bad<T>(
    section: &Section<'_>,
    key: &str,
    value: &Spanned<T>,
    text: &str,
    help: &str,
) -> hairpin_driver::Diagnostic {
    let place = section.place(key, value);
    section
        .source
        .error("bad-rule-field", &place, format!("`{text}` is no {key}"))
        .help(help)
}

/// An address, or an address and the bits that count.
fn mac(
    section: &Section<'_>,
    key: &str,
    raw: Option<&Spanned<String>>,
) -> Result<Option<Masked<u64>>> {
    let Some(raw) = raw else { return Ok(None) };
    let (value, mask) = match raw.get_ref().split_once('/') {
        Some((value, mask)) => (value, mask),
        None => (raw.get_ref().as_str(), "ff:ff:ff:ff:ff:ff"),
    };
    match (value.parse::<MacAddr>(), mask.parse::<MacAddr>()) {
        (Ok(value), Ok(mask)) => Ok(Some(Masked::<u64>::some(value.to_u64(), mask.to_u64()))),
        _ => Err(bad(
            section,
            key,
            raw,
            raw.get_ref(),
            "write \"02:00:00:00:00:01\", or with the bits that count \"02:00:00:00:00:00/ff:ff:ff:00:00:00\"",
        )),
    }
}

/// An address, or an address and the length of a prefix.
fn ip(section: &Section<'_>, key: &str, raw: Option<&Spanned<String>>) -> Result<Option<IpMatch>> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.get_ref();
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text.as_str(), None),
    };
    let parsed = address.parse().ok().and_then(|address| {
        let (is_v6, value, bits) = match address {
            IpAddr::V4(address) => (false, u128::from(u32::from(address)), 32_u32),
            IpAddr::V6(address) => (true, u128::from(address), 128),
        };
        let length = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
        let rest = bits.checked_sub(length)?;
        let ones = u128::MAX >> (128 - bits);
        let mask = ones & u128::MAX.checked_shl(rest).unwrap_or(0);
        Some(IpMatch {
            is_v6,
            address: Masked::<u128>::some(value, mask),
        })
    });
    let help = "write \"10.0.0.1\", \"10.0.0.0/8\" or \"fd00::/64\"";
    parsed
        .map(Some)
        .ok_or_else(|| bad(section, key, raw, text, help))
}

/// A number that may have a name.
fn named(
    section: &Section<'_>,
    key: &str,
    raw: Option<&Spanned<RawName>>,
    most: u16,
    parse: impl Fn(&str) -> Option<u16>,
) -> Result<Option<u16>> {
    let Some(raw) = raw else { return Ok(None) };
    let (value, text) = match raw.get_ref() {
        RawName::Number(number) => (u16::try_from(*number).ok(), number.to_string()),
        RawName::Name(name) => (parse(name), name.clone()),
    };
    let help = match key {
        "proto" => "use \"tcp\", \"udp\", \"icmp\", \"icmpv6\", \"sctp\" or 0 to 255",
        _ => "use \"ipv4\", \"ipv6\", \"arp\" or 0 to 0xffff",
    };
    let value = value.filter(|value| *value <= most);
    value
        .map(Some)
        .ok_or_else(|| bad(section, key, raw, &text, help))
}

/// A number, or `value/mask`.
fn masked(
    section: &Section<'_>,
    key: &str,
    raw: Option<&Spanned<RawName>>,
    most: u16,
) -> Result<Option<Masked<u16>>> {
    let Some(raw) = raw else { return Ok(None) };
    let number = |text: &str| {
        let parsed = match text.strip_prefix("0x") {
            Some(digits) => u16::from_str_radix(digits, 16),
            None => text.parse(),
        };
        parsed.ok().filter(|number| *number <= most)
    };
    let (pair, text) = match raw.get_ref() {
        RawName::Number(value) => (
            u16::try_from(*value)
                .ok()
                .filter(|value| *value <= most)
                .map(|value| (value, most)),
            value.to_string(),
        ),
        RawName::Name(text) => (
            text.split_once('/')
                .and_then(|(value, mask)| Some((number(value)?, number(mask)?))),
            text.clone(),
        ),
    };
    let masked = pair.map(|(value, mask)| Masked::<u16>::some(value, mask));
    masked.map(Some).ok_or_else(|| {
        let help = format!("write a number up to {most}, or value and mask: \"0x02/0x12\"");
        bad(section, key, raw, &text, &help)
    })
}
