// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Everything that can be wrong with a configuration whatever NIC it is for.

mod addresses;
mod cache;
mod flows;
mod mac_pool;
mod steer;
mod uplink;
mod value;
mod vport;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use hairpin_abi::{MacAddr, VPort, VVlan};
use toml::Spanned;

use super::raw::RawConfig;
use super::source::{Place, Source};
use super::switch::check_switch;
use super::{Config, VvlanConfig};
use crate::Diagnostic;

type Result<T> = std::result::Result<T, Diagnostic>;

/// Seconds of `ageing-time`: from the least of IEEE 802.1Q to the most that the hardware's stamps can tell.
const AGEING: RangeInclusive<i64> = 10..=800;
/// Seconds of `flow-idle-time`; the hardware sweeps about once a second.
const FLOW_IDLE: RangeInclusive<i64> = 1..=800;
/// Seconds of both, unless told otherwise.
const DEFAULT_SECONDS: i64 = 300;

/// Checks a whole file, section by section.
pub(super) fn check(source: &Source<'_>, raw: RawConfig) -> Result<Config> {
    check_version(source, &raw)?;
    let ageing_seconds = check_seconds(source, "ageing-time", raw.ageing_time.as_ref(), AGEING)?;
    let flow_idle_seconds = check_seconds(
        source,
        "flow-idle-time",
        raw.flow_idle_time.as_ref(),
        FLOW_IDLE,
    )?;
    let auto_macs = mac_pool::auto_macs(source, &raw)?;
    let uplink = uplink::check_uplink(source, raw.uplink.unwrap_or_default())?;
    let switch = raw
        .switch
        .map(|raw| check_switch(source, &uplink.config, raw))
        .transpose()?;
    let vvlans = uplink::check_vvlans(source, &uplink, raw.vvlan)?;
    let mut names = Names::new(vvlans, auto_macs);
    let vports = vport::check_vports(source, &mut names, raw.vport)?;
    let mut addresses = addresses::Addresses::new(source, &names, &vports);
    addresses.add_vports()?;
    let fdb = addresses.add_fdb(raw.fdb)?;
    let groups = addresses.check_groups(raw.group)?;
    let flows = flows::check_flows(source, &names, raw.flow)?;
    let filters = steer::check_filters(source, &names, raw.filter)?;
    let rss = steer::check_rss(source, &names, raw.rss)?;
    Ok(Config {
        ageing_seconds,
        flow_idle_seconds,
        uplink: uplink.config,
        switch,
        vvlans: names.vvlans,
        vports,
        fdb,
        groups,
        flows,
        filters,
        rss,
        file: source.file().to_owned(),
    })
}

fn check_version(source: &Source<'_>, raw: &RawConfig) -> Result<()> {
    const HELP: &str = "the first line must be: version = 1";
    match &raw.version {
        None => {
            let place = source.place("version", &(0..0));
            Err(source
                .error("missing-key", &place, "`version` is missing")
                .help(HELP))
        }
        Some(version) if *version.get_ref() == 1 => Ok(()),
        Some(version) => {
            let place = source.place("version", &version.span());
            let message = format!("version {} is not known", version.get_ref());
            Err(source.error("bad-version", &place, message).help(HELP))
        }
    }
}

/// A time after which something is forgotten; 0 is never.
fn check_seconds(
    source: &Source<'_>,
    key: &str,
    raw: Option<&Spanned<i64>>,
    range: RangeInclusive<i64>,
) -> Result<Option<u32>> {
    let seconds = raw.map_or(DEFAULT_SECONDS, |raw| *raw.get_ref());
    if seconds == 0 {
        return Ok(None);
    }
    match (range.contains(&seconds), raw) {
        (false, Some(raw)) => {
            let message = format!("{seconds} seconds is out of range");
            Err(source
                .error(
                    &format!("bad-{key}"),
                    &source.place(key, &raw.span()),
                    message,
                )
                .help(format!(
                    "use {} to {} seconds, or 0 for never",
                    range.start(),
                    range.end()
                )))
        }
        _ => Ok(u32::try_from(seconds).ok()),
    }
}

/// V.VLANs and vPorts by the names that other sections use.
struct Names {
    vvlans: Vec<VvlanConfig>,
    vports: BTreeMap<String, (VPort, Place)>,
    /// The addresses of vPorts that ask for one, by their numbers; none without a pool.
    auto_macs: Vec<MacAddr>,
}

impl Names {
    fn new(vvlans: Vec<VvlanConfig>, auto_macs: Vec<MacAddr>) -> Self {
        Self {
            vvlans,
            vports: BTreeMap::new(),
            auto_macs,
        }
    }

    /// The V.VLAN with an ID, or an error that lists those there are.
    fn vvlan_mut(
        &mut self,
        source: &Source<'_>,
        place: &Place,
        id: VVlan,
    ) -> Result<&mut VvlanConfig> {
        let known: Vec<String> = self
            .vvlans
            .iter()
            .map(|vvlan| vvlan.id.to_string())
            .collect();
        self.vvlans
            .iter_mut()
            .find(|vvlan| vvlan.id == id)
            .ok_or_else(|| {
                let help = if known.is_empty() {
                    format!("add a [[vvlan]] with id = {id}")
                } else {
                    format!(
                        "add a [[vvlan]] with id = {id}, or use one there is: {}",
                        known.join(", ")
                    )
                };
                source
                    .error("unknown-vvlan", place, format!("there is no V.VLAN {id}"))
                    .help(help)
            })
    }

    fn vvlan(&self, source: &Source<'_>, place: &Place, id: VVlan) -> Result<&VvlanConfig> {
        self.vvlans
            .iter()
            .find(|vvlan| vvlan.id == id)
            .ok_or_else(|| {
                source
                    .error("unknown-vvlan", place, format!("there is no V.VLAN {id}"))
                    .help(format!("add a [[vvlan]] with id = {id}"))
            })
    }

    /// The vPort with a name, as a member of a V.VLAN.
    fn member(
        &self,
        source: &Source<'_>,
        place: &Place,
        name: &str,
        vvlan: &VvlanConfig,
    ) -> Result<VPort> {
        let Some((vport, declared)) = self.vports.get(name) else {
            let known: Vec<&str> = self.vports.keys().map(String::as_str).collect();
            return Err(source
                .error("unknown-port", place, format!("there is no vPort `{name}`"))
                .help(format!(
                    "add a [[vport]] with this name, or use one of: {}",
                    known.join(", ")
                )));
        };
        if !vvlan.members.contains(*vport) {
            return Err(source
                .error(
                    "not-a-member",
                    place,
                    format!(
                        "vPort {name} (line {}) is not in V.VLAN {}",
                        declared.line, vvlan.id
                    ),
                )
                .help("name a vPort of this V.VLAN, or put the vPort into it"));
        }
        Ok(*vport)
    }
}
