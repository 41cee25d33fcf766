// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `rules.toml` as it is written: every value with its place, nothing checked but types.

use hairpin_driver::config::switch::{RawKey, RawMark};
use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawConfig {
    pub(super) version: Option<Spanned<i64>>,
    pub(super) address: Option<Spanned<String>>,
    pub(super) tpid: Option<Spanned<i64>>,
    pub(super) ageing_time: Option<Spanned<i64>>,
    pub(super) lease_ms: Option<Spanned<i64>>,
    pub(super) margin_ms: Option<Spanned<i64>>,
    pub(super) default: Option<Spanned<String>>,
    pub(super) mark: Option<Spanned<RawMark>>,
    #[serde(default)]
    pub(super) key: Vec<Spanned<RawKey>>,
    #[serde(default)]
    pub(super) port: Vec<Spanned<RawPort>>,
    #[serde(default)]
    pub(super) station: Vec<Spanned<RawStation>>,
    #[serde(default)]
    pub(super) rule: Vec<Spanned<RawRule>>,
}

/// A file with rules only: what an edit brings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRules {
    pub(super) default: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) rule: Vec<Spanned<RawRule>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPort {
    pub(super) name: Option<Spanned<String>>,
    pub(super) reflects: Option<bool>,
    pub(super) nic: Option<Spanned<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawStation {
    pub(super) port: Option<Spanned<String>>,
    pub(super) vlan: Option<Spanned<i64>>,
    pub(super) vvlan: Option<Spanned<i64>>,
    pub(super) mac: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRule {
    pub(super) name: Option<Spanned<String>>,
    pub(super) priority: Option<Spanned<i64>>,
    pub(super) port: Option<Spanned<String>>,
    pub(super) vvlan: Option<Spanned<i64>>,
    pub(super) vlan: Option<Spanned<i64>>,
    pub(super) pcp: Option<Spanned<i64>>,
    pub(super) da: Option<Spanned<String>>,
    pub(super) sa: Option<Spanned<String>>,
    pub(super) ethertype: Option<Spanned<RawName>>,
    pub(super) ip_src: Option<Spanned<String>>,
    pub(super) ip_dst: Option<Spanned<String>>,
    pub(super) proto: Option<Spanned<RawName>>,
    pub(super) sport: Option<Spanned<RawName>>,
    pub(super) dport: Option<Spanned<RawName>>,
    pub(super) tcp_flags: Option<Spanned<RawName>>,
    pub(super) dscp: Option<Spanned<i64>>,
    pub(super) ttl: Option<Spanned<i64>>,
    pub(super) keyable: Option<bool>,
    pub(super) action: Option<Spanned<String>>,
    pub(super) to: Option<Spanned<String>>,
    pub(super) mirror: Option<Spanned<String>>,
    pub(super) set_vlan: Option<Spanned<i64>>,
}

/// A number, or a text that means one.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number or a text")]
pub(super) enum RawName {
    Number(i64),
    Name(String),
}
