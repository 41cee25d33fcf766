// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `rules.toml`: ports, keys and rules. Every error names field, file, line and the fix.

mod raw;
mod rule;

use std::collections::BTreeMap;
use std::path::Path;

use hairpin_abi::peer::{Keys, Mark};
use hairpin_abi::{MacAddr, VVlan, Vlan};
use hairpin_driver::Diagnostic;
use hairpin_driver::config::source::{Section, Source, read_text};
use hairpin_driver::config::switch::{check_keys, check_mark};
use toml::Spanned;

use crate::fdb::Station;
use crate::nic_port::Timing;
use crate::packet::PortNo;
use crate::rules::{Actions, Rule, RuleTable};
use crate::switch::{PortSetup, Setup};
use raw::{RawConfig, RawPort, RawRules, RawStation};

type Result<T> = std::result::Result<T, Diagnostic>;

/// Addresses that the switch has room for.
const ADDRESSES: usize = 16_384;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Everything but the rules.
    pub setup: Setup,
    /// The rules.
    pub table: RuleTable,
}

/// Rules that an edit brings, and what happens to frames that none matches, if that is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRules {
    /// The rules, in the order of the text.
    pub rules: Vec<Rule>,
    /// What happens otherwise.
    pub otherwise: Option<Actions>,
}

/// The ports by name.
#[derive(Clone, Debug, Default)]
pub struct PortNames(BTreeMap<String, PortNo>);

impl PortNames {
    /// The names of ports, in their order.
    pub fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let names = names.enumerate();
        Self(
            names
                .map(|(number, name)| (name.to_owned(), PortNo(number)))
                .collect(),
        )
    }

    fn find(&self, section: &Section<'_>, key: &str, name: &Spanned<String>) -> Result<PortNo> {
        self.0.get(name.get_ref()).copied().ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            section
                .source
                .error(
                    "unknown-port",
                    &section.place(key, name),
                    format!("there is no port `{}`", name.get_ref()),
                )
                .help(format!(
                    "add a [[port]] with this name, or use one of: {}",
                    known.join(", ")
                ))
        })
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and fix.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read_text(path, "CONFIG")?, path)
    }

    /// Checks a configuration; `file` is named in errors.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and fix.
    pub fn parse(text: &str, file: &Path) -> Result<Self> {
        let source = Source::new(file, text);
        check(&source, source.parse()?)
    }

    /// The ports by name.
    pub fn port_names(&self) -> PortNames {
        PortNames::new(self.setup.ports.iter().map(|port| port.name.as_str()))
    }
}

/// Reads rules that an edit brings.
///
/// # Errors
/// The first thing that is wrong, with its place and fix.
pub fn parse_rules(text: &str, file: &Path, ports: &PortNames) -> Result<NewRules> {
    let source = Source::new(file, text);
    let raw: RawRules = source.parse()?;
    let otherwise = raw
        .default
        .as_ref()
        .map(|text| otherwise(&source, text))
        .transpose()?;
    let rules = rule::check_rules(&source, ports, raw.rule)?;
    Ok(NewRules { rules, otherwise })
}

fn check(source: &Source<'_>, raw: RawConfig) -> Result<Config> {
    let top = Section {
        source,
        name: String::new(),
        span: 0..0,
    };
    let at = |key: &str, span: &std::ops::Range<usize>| source.place(key, span);
    match &raw.version {
        Some(version) if *version.get_ref() == 1 => {}
        other => {
            let span = other.as_ref().map_or(0..0, Spanned::span);
            let message = match other {
                None => "`version` is missing".to_owned(),
                Some(version) => format!("version {} is not known", version.get_ref()),
            };
            let error = source.error("bad-version", &at("version", &span), message);
            return Err(error.help("the first line must be: version = 1"));
        }
    }
    let number = |key: &str,
                  raw: &Option<Spanned<i64>>,
                  default: i64,
                  range: std::ops::RangeInclusive<i64>| match raw {
        Some(value) if !range.contains(value.get_ref()) => Err(source
            .error(
                &format!("bad-{key}"),
                &at(key, &value.span()),
                format!("{} is out of range", value.get_ref()),
            )
            .help(format!("use {} to {}", range.start(), range.end()))),
        Some(value) => Ok(*value.get_ref()),
        None => Ok(default),
    };
    let tpid = number("tpid", &raw.tpid, 0x8100, 0x0600..=0xffff)? as u16;
    let timing = Timing {
        lease_ms: number("lease-ms", &raw.lease_ms, 3000, 1000..=60_000)? as u32,
        margin_us: number("margin-ms", &raw.margin_ms, 500, 100..=10_000)? as u64 * 1000,
        ..Timing::default()
    };
    let ageing_seconds = number("ageing-time", &raw.ageing_time, 300, 10..=1_000_000)? as u32;
    let address = match &raw.address {
        Some(text) => station_mac(source, &at("address", &text.span()), text.get_ref())?,
        None => MacAddr([0x02, 0x48, 0x50, 0, 0, 1]),
    };
    let mark = match raw.mark {
        Some(mark) => check_mark(source, "mark", mark, 0)?,
        None => Mark::DEFAULT,
    };
    let keys = check_keys(source, "key", raw.key)?;
    let ports = check_ports(source, keys, raw.port)?;
    let names = PortNames::new(ports.iter().map(|port| port.name.as_str()));
    let fixed = raw.station.into_iter().enumerate();
    let fixed = fixed
        .map(|(index, raw)| check_station(source, &names, index, raw))
        .collect::<Result<_>>()?;
    let otherwise = match &raw.default {
        Some(text) => otherwise(source, text)?,
        None => Actions::ACCEPT,
    };
    let rules = rule::check_rules(source, &names, raw.rule)?;
    let table = RuleTable::new(rules, otherwise).map_err(|error| {
        source
            .error("duplicate-rule", &top.own_place(), error.to_string())
            .help("give every rule its own name")
    })?;
    Ok(Config {
        setup: Setup {
            tpid,
            mark,
            address,
            ageing_seconds,
            addresses: ADDRESSES,
            timing,
            ports,
            fixed,
        },
        table,
    })
}

fn otherwise(source: &Source<'_>, text: &Spanned<String>) -> Result<Actions> {
    match text.get_ref().as_str() {
        "accept" => Ok(Actions::ACCEPT),
        "deny" => Ok(Actions::DENY),
        other => Err(source
            .error(
                "bad-default",
                &source.place("default", &text.span()),
                format!("`{other}` is no default"),
            )
            .help("use \"accept\" or \"deny\"")),
    }
}

fn check_ports(
    source: &Source<'_>,
    keys: Option<Keys>,
    raw: Vec<Spanned<RawPort>>,
) -> Result<Vec<PortSetup>> {
    let mut ports: Vec<PortSetup> = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let section = Section {
            source,
            name: format!("port[{index}]"),
            span: raw.span(),
        };
        let raw = raw.into_inner();
        let name = section.required("name", raw.name, "add name = \"nic0\"")?;
        // Files and interfaces are named after ports.
        let plain = |name: &str| {
            let good = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            !name.is_empty() && name.chars().all(good)
        };
        let taken = ports.iter().any(|port| port.name == *name.get_ref());
        if taken || !plain(name.get_ref()) {
            let message = format!("`{}` cannot be the name of this port", name.get_ref());
            return Err(source
                .error("bad-name", &section.place("name", &name), message)
                .help("give every port a name of its own, of letters, digits, `-` and `_`"));
        }
        let is_nic = raw.nic.as_ref().is_some_and(|nic| *nic.get_ref());
        if let (Some(nic), true, None) = (&raw.nic, is_nic, keys) {
            return Err(source
                .error(
                    "missing-key",
                    &section.place("nic", nic),
                    "a port with a NIC needs a [[key]]",
                )
                .help("add [[key]] with id = 1 and secret = \"…\", the same as at the NIC"));
        }
        ports.push(PortSetup {
            name: name.into_inner(),
            reflects: raw.reflects.unwrap_or(is_nic),
            keys: keys.filter(|_| is_nic),
        });
    }
    if ports.is_empty() {
        let place = source.place("port", &(0..0));
        return Err(source
            .error("missing-key", &place, "there is no port")
            .help("add a [[port]] with name = \"nic0\""));
    }
    Ok(ports)
}

fn station_mac(
    source: &Source<'_>,
    place: &hairpin_driver::config::source::Place,
    text: &str,
) -> Result<MacAddr> {
    let mac: Option<MacAddr> = text.parse().ok().filter(|mac: &MacAddr| !mac.is_group());
    mac.ok_or_else(|| {
        source
            .error("bad-mac", place, format!("`{text}` is not the address of a station"))
            .help("write six hexadecimal bytes, the lowest bit of the first one 0: \"02:00:00:00:00:01\"")
    })
}

fn check_station(
    source: &Source<'_>,
    names: &PortNames,
    index: usize,
    raw: Spanned<RawStation>,
) -> Result<(Station, PortNo)> {
    let section = Section {
        source,
        name: format!("station[{index}]"),
        span: raw.span(),
    };
    let raw = raw.into_inner();
    let port = section.required("port", raw.port, "add port = \"nic0\"")?;
    let mac = section.required("mac", raw.mac, "add mac = \"02:00:00:00:00:01\"")?;
    let vlan = |key: &str, raw: &Option<Spanned<i64>>| match raw {
        Some(value) => section
            .number(key, value, 1..=4094)
            .map(|id| Some(id as u16)),
        None => Ok(None),
    };
    let station = Station {
        vlan: vlan("vlan", &raw.vlan)?.and_then(Vlan::new),
        vvlan: vlan("vvlan", &raw.vvlan)?.and_then(VVlan::new),
        mac: station_mac(source, &section.place("mac", &mac), mac.get_ref())?,
    };
    Ok((station, names.find(&section, "port", &port)?))
}
