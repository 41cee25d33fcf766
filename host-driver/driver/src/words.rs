// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `key value key value …`, as in iproute2.

use std::net::IpAddr;

use hairpin_abi::{MacAddr, PortId, VPort, VVlan};

use crate::Diagnostic;

type Result<T> = std::result::Result<T, Diagnostic>;

/// The words of a command, in pairs.
pub(crate) struct Words<'a> {
    command: &'static str,
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    /// Pairs the words. Each key may be there once and must be one of `known`.
    pub(crate) fn new(command: &'static str, words: &'a [String], known: &[&str]) -> Result<Self> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for pair in words.chunks(2) {
            let key = pair[0].as_str();
            if !known.contains(&key) {
                return Err(
                    wrong(command, key, format!("`{key}` is no key of `{command}`"))
                        .help(format!("its keys are: {}", known.join(", "))),
                );
            }
            if pairs.iter().any(|(other, _)| *other == key) {
                return Err(
                    wrong(command, key, format!("`{key}` is there twice")).help("give it once")
                );
            }
            let Some(value) = pair.get(1) else {
                return Err(wrong(command, key, format!("`{key}` has no value"))
                    .help(format!("write: {command} … {key} VALUE")));
            };
            pairs.push((key, value));
        }
        Ok(Self { command, pairs })
    }

    /// Whether a key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.pairs.iter().any(|(other, _)| *other == key)
    }

    /// An error about a key.
    pub(crate) fn error(&self, key: &str, message: String) -> Diagnostic {
        wrong(self.command, key, message)
    }

    /// A value, if it is there.
    pub(crate) fn get<T>(
        &self,
        key: &str,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some((_, text)) = self.pairs.iter().find(|(other, _)| *other == key) else {
            return Ok(None);
        };
        match parse(text) {
            Some(value) => Ok(Some(value)),
            None => Err(self
                .error(key, format!("`{text}` is no {key}"))
                .help(format!("use {what}"))),
        }
    }

    /// A value that must be there.
    pub(crate) fn need<T>(
        &self,
        key: &str,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        self.get(key, what, parse)?.ok_or_else(|| {
            self.error(key, format!("`{}` needs `{key}`", self.command))
                .help(format!("add: {key} {what}"))
        })
    }

    pub(crate) fn vvlan(&self) -> Result<VVlan> {
        self.need("vvlan", VVLAN, parse_vvlan)
    }

    pub(crate) fn mac(&self, key: &str) -> Result<Option<MacAddr>> {
        self.get(key, MAC, parse_mac)
    }

    pub(crate) fn ip(&self, key: &str) -> Result<Option<IpAddr>> {
        self.get(key, "an address: 10.0.0.1 or fd00::1", |text| {
            text.parse().ok()
        })
    }

    pub(crate) fn switch(&self, key: &str) -> Result<Option<bool>> {
        self.get(key, "on or off", |text| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        })
    }
}

pub(crate) const VVLAN: &str = "1 to 4094";
pub(crate) const MAC: &str = "six hexadecimal bytes: 02:00:00:00:00:01";
pub(crate) const VPORT: &str = "vf0 to vf63";

/// An error about a word of a command.
pub(crate) fn wrong(command: &str, word: &str, message: String) -> Diagnostic {
    Diagnostic::new("usage", message).field(format!("{command}: {word}"))
}

/// A plain number that is not greater.
pub(crate) fn parse_up_to(text: &str, most: u32) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number <= most)
}

pub(crate) fn parse_vvlan(text: &str) -> Option<VVlan> {
    text.parse().ok().and_then(VVlan::new)
}

pub(crate) fn parse_vport(text: &str) -> Option<VPort> {
    parse_port(text).and_then(PortId::vport)
}

pub(crate) fn parse_mac(text: &str) -> Option<MacAddr> {
    let mac: MacAddr = text.parse().ok()?;
    (mac != MacAddr::default()).then_some(mac)
}

/// The port of a name, `vf0` to `vf63` or `uplink`.
pub fn parse_port(name: &str) -> Option<PortId> {
    if name == "uplink" {
        return Some(PortId::Uplink);
    }
    let vport = name.strip_prefix("vf")?.parse().ok().and_then(VPort::new)?;
    // One name per port: no `vf01`, no `vf+1`.
    (vport.to_string() == name).then_some(PortId::VPort(vport))
}
