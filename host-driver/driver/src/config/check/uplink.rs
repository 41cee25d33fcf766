// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `[uplink]` and `[[vvlan]]`.

use std::collections::BTreeMap;

use hairpin_abi::ids::PortSet;
use hairpin_abi::{Miss, Mode, VVlan, Vlan};
use toml::Spanned;

use super::Result;
use super::cache::check_cache;
use super::value::{Section, vlan_id, vvlan_id};
use crate::config::raw::{RawMiss, RawMode, RawUplink, RawVvlan, VlanMode};
use crate::config::source::{Place, Source};
use crate::config::{Uplink, VvlanConfig};

/// Outer VLANs of a V.VLAN beside its default.
const ACCEPT_SLOTS: usize = 4;

/// EtherTypes that cannot be a TPID: they have a meaning of their own in the parser.
const NOT_TPIDS: [u16; 6] = [0x0800, 0x0806, 0x86dd, 0x8808, 0x88b5, 0x88cc];

/// The checked uplink, and what the V.VLANs need of it.
pub(super) struct CheckedUplink {
    pub(super) config: Uplink,
    vlan: Option<Vlan>,
}

pub(super) fn check_uplink(source: &Source<'_>, raw: RawUplink) -> Result<CheckedUplink> {
    let span = raw.vlan_mode.as_ref().map_or(0..0, Spanned::span);
    let section = Section {
        source,
        name: "uplink".to_owned(),
        span,
    };
    let vlan_mode = raw.vlan_mode.map(Spanned::into_inner).unwrap_or_default();
    let vlan = match (vlan_mode, raw.vlan) {
        (VlanMode::PiggyBack, None) => None,
        (VlanMode::PiggyBack, Some(vlan)) => {
            return Err(source
                .error(
                    "vlan-not-allowed",
                    &section.place("vlan", &vlan),
                    "`vlan` is for vlan-mode \"independent\" only",
                )
                .help("remove it and give each [[vvlan]] its `vlan`, or set vlan-mode = \"independent\""));
        }
        (VlanMode::Independent, None) => {
            return Err(source
                .error(
                    "missing-key",
                    &section.missing_place("vlan"),
                    "vlan-mode \"independent\" needs the one VLAN that carries all V.VLANs",
                )
                .help("add vlan = 1 to 4094 to [uplink]"));
        }
        (VlanMode::Independent, Some(vlan)) => Some(vlan_id(
            source,
            &section.place("vlan", &vlan),
            *vlan.get_ref(),
        )?),
    };
    Ok(CheckedUplink {
        config: Uplink {
            vlan_mode,
            tpid: check_tpid(&section, raw.tpid.as_ref())?,
            pcp: match &raw.pcp {
                Some(pcp) => u8::try_from(section.number("pcp", pcp, 0..=7)?).unwrap_or(0),
                None => 0,
            },
            reflects: raw.reflects.unwrap_or(false),
        },
        vlan,
    })
}

fn check_tpid(section: &Section<'_>, raw: Option<&Spanned<i64>>) -> Result<u16> {
    let Some(raw) = raw else { return Ok(0x8100) };
    let number = *raw.get_ref();
    u16::try_from(number)
        .ok()
        .filter(|tpid| *tpid >= 0x0600 && !NOT_TPIDS.contains(tpid))
        .ok_or_else(|| {
            section
                .source
                .error(
                    "bad-tpid",
                    &section.place("tpid", raw),
                    format!("{number:#06x} cannot be the TPID of a VLAN tag"),
                )
                .help("use 0x8100, 0x88a8, 0x9100, or another EtherType from 0x0600 that no protocol here uses")
        })
}

pub(super) fn check_vvlans(
    source: &Source<'_>,
    uplink: &CheckedUplink,
    raw: Vec<Spanned<RawVvlan>>,
) -> Result<Vec<VvlanConfig>> {
    let mut seen: BTreeMap<VVlan, Place> = BTreeMap::new();
    let mut vvlans = Vec::with_capacity(raw.len());
    for (index, raw) in raw.into_iter().enumerate() {
        let section = Section {
            source,
            name: format!("vvlan[{index}]"),
            span: raw.span(),
        };
        let vvlan = check_vvlan(&section, uplink, raw.into_inner())?;
        if let Some(first) = seen.insert(vvlan.id, vvlan.place.clone()) {
            return Err(source
                .error(
                    "duplicate-vvlan",
                    &vvlan.place,
                    format!(
                        "V.VLAN {} is already there, in line {}",
                        vvlan.id, first.line
                    ),
                )
                .help("give each [[vvlan]] its own id"));
        }
        vvlans.push(vvlan);
    }
    Ok(vvlans)
}

fn check_vvlan(
    section: &Section<'_>,
    uplink: &CheckedUplink,
    raw: RawVvlan,
) -> Result<VvlanConfig> {
    let source = section.source;
    let id = section.required("id", raw.id, "add id = 1 to 4094")?;
    let place = section.place("id", &id);
    let id = vvlan_id(source, &place, *id.get_ref())?;
    let (vlan, accept) = check_outer_vlans(section, uplink, raw.vlan, raw.accept)?;
    let miss_place = match (&raw.miss, &raw.mode) {
        (Some(miss), _) => section.place("miss", miss),
        (None, Some(mode)) => section.place("mode", mode),
        (None, None) => section.own_place(),
    };
    let mode = raw.mode.map(Spanned::into_inner).unwrap_or_default();
    let miss = match (raw.miss.map(Spanned::into_inner), mode) {
        (Some(miss), _) => miss,
        (None, RawMode::Vepa) => RawMiss::External,
        (None, _) => RawMiss::Ignore,
    };
    check_mode(source, &miss_place, mode, miss, uplink.config.reflects)?;
    let cache = check_cache(section, raw.cache, raw.key_fields, raw.flow_quota.as_ref())?;
    Ok(VvlanConfig {
        id,
        vlan,
        accept,
        mode: match mode {
            RawMode::Veb => Mode::Veb,
            RawMode::Vepa => Mode::Vepa,
            RawMode::Auto => Mode::Auto,
        },
        miss: match miss {
            RawMiss::Ignore => Miss::Ignore,
            RawMiss::External => Miss::External,
            RawMiss::Slowpath => Miss::Slowpath,
            RawMiss::Drop => Miss::Drop,
        },
        cache: cache.on,
        key_mask: cache.key_mask,
        flow_quota: cache.quota,
        members: PortSet::EMPTY,
        vswitch: None,
        place,
        miss_place,
    })
}

/// The default outer VLAN and the others that are accepted.
fn check_outer_vlans(
    section: &Section<'_>,
    uplink: &CheckedUplink,
    vlan: Option<Spanned<i64>>,
    accept: Option<Spanned<Vec<Spanned<i64>>>>,
) -> Result<(Vlan, Vec<Vlan>)> {
    let source = section.source;
    let not_independent = |place: &Place, key: &str| {
        source
            .error(
                "vlan-not-allowed",
                place,
                format!("`{key}` is not for vlan-mode \"independent\": all V.VLANs ride on [uplink] vlan"),
            )
            .help("remove it, or set vlan-mode = \"piggy-back\" in [uplink]")
    };
    if let Some(fixed) = uplink.vlan {
        if let Some(vlan) = &vlan {
            return Err(not_independent(&section.place("vlan", vlan), "vlan"));
        }
        if let Some(accept) = &accept {
            return Err(not_independent(&section.place("accept", accept), "accept"));
        }
        return Ok((fixed, Vec::new()));
    }
    let vlan = section.required(
        "vlan",
        vlan,
        "add the outer VLAN it rides on: vlan = 1 to 4094",
    )?;
    let default = vlan_id(source, &section.place("vlan", &vlan), *vlan.get_ref())?;
    let mut more: Vec<Vlan> = Vec::new();
    let Some(accept) = accept else {
        return Ok((default, more));
    };
    let accept_place = section.place("accept", &accept);
    let mut default_seen = false;
    for (index, number) in accept.into_inner().into_iter().enumerate() {
        let place = section.element("accept", index, &number);
        let id = vlan_id(source, &place, *number.get_ref())?;
        let again = if id == default {
            default_seen
        } else {
            more.contains(&id)
        };
        if again {
            return Err(source
                .error(
                    "duplicate-vlan",
                    &place,
                    format!("VLAN {id} is already in the list"),
                )
                .help("name each VLAN once"));
        }
        if id == default {
            default_seen = true;
        } else {
            more.push(id);
        }
    }
    if more.len() > ACCEPT_SLOTS {
        return Err(source
            .error(
                "too-many-accept",
                &accept_place,
                format!("{} outer VLANs beside the default", more.len()),
            )
            .help(format!(
                "a V.VLAN is accepted on its default and at most {ACCEPT_SLOTS} more"
            )));
    }
    Ok((default, more))
}

/// The pairs of mode and miss action that mean something.
fn check_mode(
    source: &Source<'_>,
    place: &Place,
    mode: RawMode,
    miss: RawMiss,
    reflects: bool,
) -> Result<()> {
    let illegal =
        |message: &str, help: &str| Err(source.error("mode-miss", place, message).help(help));
    match (mode, miss) {
        (RawMode::Veb, RawMiss::External) => illegal(
            "mode \"veb\" switches here, so its misses cannot go external",
            "use miss = \"ignore\" or \"drop\", or mode = \"vepa\" or \"auto\"",
        ),
        (RawMode::Vepa, miss) if miss != RawMiss::External => illegal(
            "mode \"vepa\" sends every miss to the adjacent switch",
            "use miss = \"external\" or leave it out, or use mode = \"veb\" or \"auto\"",
        ),
        (RawMode::Vepa | RawMode::Auto, RawMiss::External) if !reflects => Err(source
            .error(
                "needs-reflects",
                place,
                "frames sent to the adjacent switch would not come back: [uplink] reflects is false",
            )
            .help("set reflects = true in [uplink] if the switch has reflective relay, or use mode = \"veb\"")),
        _ => Ok(()),
    }
}
