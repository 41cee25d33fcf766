// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `nic.toml` as it is written: every value with its place, nothing checked but types.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::switch::RawSwitch;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawConfig {
    pub(super) version: Option<Spanned<i64>>,
    pub(super) ageing_time: Option<Spanned<i64>>,
    pub(super) flow_idle_time: Option<Spanned<i64>>,
    pub(super) uplink: Option<RawUplink>,
    pub(super) switch: Option<Spanned<RawSwitch>>,
    pub(super) mac_pool: Option<Spanned<RawMacPool>>,
    #[serde(default)]
    pub(super) vvlan: Vec<Spanned<RawVvlan>>,
    #[serde(default)]
    pub(super) vport: Vec<Spanned<RawVport>>,
    #[serde(default)]
    pub(super) fdb: Vec<Spanned<RawFdb>>,
    #[serde(default)]
    pub(super) group: Vec<Spanned<RawGroup>>,
    #[serde(default)]
    pub(super) flow: Vec<Spanned<RawFlow>>,
    #[serde(default)]
    pub(super) filter: Vec<Spanned<RawSteer>>,
    #[serde(default)]
    pub(super) rss: Vec<Spanned<RawSteer>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawUplink {
    pub(super) vlan_mode: Option<Spanned<VlanMode>>,
    pub(super) vlan: Option<Spanned<i64>>,
    pub(super) tpid: Option<Spanned<i64>>,
    pub(super) reflects: Option<bool>,
    pub(super) pcp: Option<Spanned<i64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawMacPool {
    pub(super) base: Option<Spanned<String>>,
    pub(super) seed: Option<Spanned<i64>>,
}

/// Whether V.VLANs ride on VLANs of their own or all on one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VlanMode {
    /// Each V.VLAN names its outer VLAN; one VLAN may carry several.
    #[default]
    PiggyBack,
    /// One fixed VLAN carries all V.VLANs.
    Independent,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawVvlan {
    pub(super) id: Option<Spanned<i64>>,
    pub(super) vlan: Option<Spanned<i64>>,
    pub(super) accept: Option<Spanned<Vec<Spanned<i64>>>>,
    pub(super) mode: Option<Spanned<RawMode>>,
    pub(super) miss: Option<Spanned<RawMiss>>,
    pub(super) cache: Option<bool>,
    pub(super) key_fields: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) flow_quota: Option<Spanned<i64>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawMode {
    #[default]
    Veb,
    Vepa,
    Auto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawMiss {
    Ignore,
    External,
    Slowpath,
    Drop,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawVport {
    pub(super) name: Option<Spanned<String>>,
    pub(super) role: Option<Spanned<RawRole>>,
    pub(super) vvlan: Option<Spanned<i64>>,
    pub(super) vvlans: Option<Spanned<Vec<Spanned<i64>>>>,
    pub(super) mac: Option<Spanned<String>>,
    pub(super) spoofchk: Option<Spanned<bool>>,
    pub(super) trust: Option<bool>,
    pub(super) learning: Option<bool>,
    pub(super) max_macs: Option<Spanned<i64>>,
    pub(super) tags: Option<RawTags>,
    pub(super) state: Option<RawState>,
    pub(super) reflect: Option<Spanned<bool>>,
    pub(super) broadcast_burst: Option<Spanned<i64>>,
    pub(super) broadcast_interval: Option<Spanned<i64>>,
    pub(super) queue_pairs: Option<Spanned<i64>>,
    pub(super) vectors: Option<Spanned<i64>>,
    pub(super) max_tx_rate: Option<Spanned<i64>>,
    pub(super) interrupt_gap_us: Option<Spanned<i64>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawRole {
    #[default]
    Vf,
    Vswitch,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawTags {
    #[default]
    None,
    Priority,
    Vlans,
    All,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawState {
    #[default]
    Auto,
    Enable,
    Disable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFdb {
    pub(super) vvlan: Option<Spanned<i64>>,
    pub(super) mac: Option<Spanned<String>>,
    pub(super) port: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawGroup {
    pub(super) vvlan: Option<Spanned<i64>>,
    pub(super) mac: Option<Spanned<String>>,
    pub(super) ports: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFlow {
    pub(super) vvlan: Option<Spanned<i64>>,
    pub(super) from: Option<Spanned<String>>,
    pub(super) da: Option<Spanned<String>>,
    pub(super) sa: Option<Spanned<String>>,
    pub(super) ethertype: Option<Spanned<RawName>>,
    pub(super) ip_src: Option<Spanned<String>>,
    pub(super) ip_dst: Option<Spanned<String>>,
    pub(super) proto: Option<Spanned<RawName>>,
    pub(super) sport: Option<Spanned<i64>>,
    pub(super) dport: Option<Spanned<i64>>,
    pub(super) action: Option<Spanned<String>>,
    pub(super) port: Option<Spanned<String>>,
}

/// A number, or the name of one.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number or a name")]
pub(super) enum RawName {
    Number(i64),
    Name(String),
}

/// A section whose keys and values are the words of a command.
pub(super) type RawSteer = BTreeMap<String, Spanned<RawWord>>;

/// A word of a command.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number, a text, or a list of them")]
pub(super) enum RawWord {
    Number(i64),
    Text(String),
    List(Vec<RawWord>),
}

impl RawWord {
    /// As it would be typed.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(words) => {
                let words: Vec<_> = words.iter().map(Self::word).collect();
                words.join(",")
            }
        }
    }
}
