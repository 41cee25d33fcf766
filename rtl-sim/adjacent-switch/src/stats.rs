// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What `--json` shows of a switch.

use std::collections::BTreeMap;

use hairpin_abi::peer::Refusal;
use serde::Serialize;

use crate::nic_port::NicPort;
use crate::packet::PortNo;
use crate::rules::{Rule, Way};
use crate::switch::{PortCounters, RuleCounters, Switch};

/// Version of this format.
pub const VERSION: u32 = 1;

/// Counters and state of a switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Version of this format, 1.
    pub version: u32,
    /// By the ports' names.
    pub ports: BTreeMap<String, PortStats>,
    /// Addresses known.
    pub addresses: usize,
    /// Rules.
    pub rules: usize,
    /// The rules in the order in which they are asked; last, what happens to frames that none matches.
    pub by_rule: Vec<RuleStats>,
    /// Edits that are not complete.
    pub edits_under_way: usize,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleStats {
    /// Its name; null for the default.
    pub name: Option<String>,
    /// Its priority; null for the default.
    pub priority: Option<u32>,
    /// What it does: `accept, mirror to up`.
    pub action: String,
    /// Frames.
    #[serde(flatten)]
    pub counters: RuleCounters,
}

impl RuleStats {
    fn of(switch: &Switch, rule: Option<&Rule>) -> Self {
        let name = rule.map(|rule| rule.name.as_str());
        let actions = rule.map_or(switch.table().otherwise(), |rule| rule.actions);
        let port = |port: PortNo| switch.port_names().nth(port.0).unwrap_or("?").to_owned();
        let mut action = match actions.way {
            Way::Accept => "accept".to_owned(),
            Way::Deny => "deny".to_owned(),
            Way::Redirect(to) => format!("redirect to {}", port(to)),
        };
        if let Some(vlan) = actions.set_vlan {
            action += &format!(", set-vlan {}", vlan.get());
        }
        if let Some(to) = actions.mirror {
            action += &format!(", mirror to {}", port(to));
        }
        Self {
            name: name.map(str::to_owned),
            priority: rule.map(|rule| rule.priority),
            action,
            counters: switch.rule_counters(name),
        }
    }
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortStats {
    /// Frames.
    #[serde(flatten)]
    pub counters: PortCounters,
    /// The NIC behind it; null if there is none.
    pub nic: Option<NicStats>,
}

/// A NIC, as its switch sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NicStats {
    /// It is known, and frames for it are marked.
    pub synchronised: bool,
    /// Signatures that were marked and not invalidated since.
    pub signatures: usize,
    /// Invalidations without an acknowledgement.
    pub under_way: usize,
    /// Sessions of the NIC.
    pub sessions: u64,
    /// Times it was given up.
    pub lapses: u64,
    /// INVALIDATEs begun.
    pub invalidations: u64,
    /// Messages sent again.
    pub resent: u64,
    /// Acknowledgements that ended something.
    pub acknowledged: u64,
    /// Changes of addresses that it refused.
    pub addresses_refused: u64,
    /// Control frames refused, by reason.
    pub refused: BTreeMap<&'static str, u32>,
}

impl NicStats {
    fn of(nic: &NicPort) -> Self {
        let counters = nic.counters();
        let refused = Refusal::ALL
            .iter()
            .map(|why| (why.name(), nic.link().refused(*why)));
        Self {
            synchronised: nic.is_synced(),
            signatures: nic.remembered(),
            under_way: nic.under_way(),
            sessions: counters.sessions,
            lapses: counters.lapses,
            invalidations: counters.invalidations,
            resent: counters.resent,
            acknowledged: counters.acknowledged,
            addresses_refused: counters.addresses_refused,
            refused: refused.filter(|(_, count)| *count > 0).collect(),
        }
    }
}

impl Stats {
    /// The state of a switch.
    #[must_use]
    pub fn of(switch: &Switch) -> Self {
        let ports = switch.port_names().enumerate().map(|(number, name)| {
            let number = PortNo(number);
            let stats = PortStats {
                counters: switch.counters(number).unwrap_or_default(),
                nic: switch.nic(number).map(NicStats::of),
            };
            (name.to_owned(), stats)
        });
        let rules = switch.table().rules().iter().map(Some).chain([None]);
        Self {
            version: VERSION,
            ports: ports.collect(),
            addresses: switch.fdb().len(),
            rules: switch.table().rules().len(),
            by_rule: rules.map(|rule| RuleStats::of(switch, rule)).collect(),
            edits_under_way: switch.edits_under_way(),
        }
    }
}
