// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `[[vport]]`.

use hairpin_abi::{MAX_VF, MacAddr, Role, Tags, VPort, VVlan};
use toml::Spanned;

use super::value::{Section, unicast, vvlan_id};
use super::{Names, Result};
use crate::config::raw::{RawRole, RawState, RawTags, RawVport};
use crate::config::source::{Place, Source};
use crate::config::{Meter, VportConfig};
use crate::vf::{MOST_GAP_US, MOST_RATE, MOST_VECTORS};

const DEFAULT_MAX_MACS: u8 = 16;
/// Most queue pairs that any NIC has.
const MOST_PAIRS: u8 = 127;
/// The `mac` of a vPort that takes one from the pool.
const AUTO: &str = "auto";

pub(super) fn check_vports(
    source: &Source<'_>,
    names: &mut Names,
    raw: Vec<Spanned<RawVport>>,
) -> Result<Vec<VportConfig>> {
    let mut vports = Vec::with_capacity(raw.len());
    for (index, raw) in raw.into_iter().enumerate() {
        let section = Section {
            source,
            name: format!("vport[{index}]"),
            span: raw.span(),
        };
        vports.push(check_vport(&section, names, raw.into_inner())?);
    }
    Ok(vports)
}

fn check_vport(section: &Section<'_>, names: &mut Names, mut raw: RawVport) -> Result<VportConfig> {
    let source = section.source;
    let name = section.required("name", raw.name.take(), "add name = \"vf0\"")?;
    let place = section.place("name", &name);
    let vport = parse_name(source, &place, name.get_ref())?;
    if let Some((_, first)) = names.vports.get(name.get_ref()) {
        return Err(source
            .error(
                "duplicate-vport",
                &place,
                format!(
                    "vPort {} is already there, in line {}",
                    name.get_ref(),
                    first.line
                ),
            )
            .help("configure each vPort once"));
    }
    let role = match raw.role.take().map(Spanned::into_inner).unwrap_or_default() {
        RawRole::Vf => Role::Vf,
        RawRole::Vswitch => Role::Vswitch,
    };
    let vvlans = match role {
        Role::Vf => vec![vf_vvlan(section, names, &mut raw)?],
        Role::Vswitch => vswitch_vvlans(section, names, &mut raw)?,
    };
    join(section, names, vport, role, &vvlans, &place)?;
    if let Some(mac) = raw.mac.as_mut().filter(|mac| mac.get_ref() == AUTO) {
        let place = section.place("mac", mac);
        *mac.get_mut() = auto_mac(source, &place, names, vport)?.to_string();
    }
    let config = check_values(section, raw, vport, role, vvlans, place.clone())?;
    names.vports.insert(name.into_inner(), (vport, place));
    Ok(config)
}

/// The address of a vPort that asks for one.
fn auto_mac(source: &Source<'_>, place: &Place, names: &Names, vport: VPort) -> Result<MacAddr> {
    let macs = &names.auto_macs;
    macs.get(usize::from(vport.get())).copied().ok_or_else(|| {
        source
            .error(
                "no-mac-pool",
                place,
                "\"auto\" takes an address from a pool, and there is none",
            )
            .help("add [mac-pool] with base = \"…\", the physical address of the card")
    })
}

/// The number of a vPort from its name, `vf0` to `vf63`.
fn parse_name(source: &Source<'_>, place: &Place, name: &str) -> Result<VPort> {
    let digits = name.strip_prefix("vf").filter(|digits| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        plain && !digits.is_empty() && (*digits == "0" || !digits.starts_with('0'))
    });
    let Some(digits) = digits else {
        return Err(source
            .error(
                "bad-vport-name",
                place,
                format!("`{name}` is not the name of a vPort"),
            )
            .help("use \"vf0\", \"vf1\", …: the vPort of that VF"));
    };
    digits.parse().ok().and_then(VPort::new).ok_or_else(|| {
        source
            .error("too-many-vfs", place, format!("no NIC has a VF {digits}"))
            .help(format!("use \"vf0\" to \"vf{}\"", MAX_VF - 1))
    })
}

/// The one V.VLAN of a vPort with the role `vf`.
fn vf_vvlan(section: &Section<'_>, names: &Names, raw: &mut RawVport) -> Result<VVlan> {
    let source = section.source;
    if let Some(vvlans) = &raw.vvlans {
        return Err(source
            .error(
                "wrong-role",
                &section.place("vvlans", vvlans),
                "`vvlans` is for role \"vswitch\"",
            )
            .help("use vvlan = N, or add role = \"vswitch\""));
    }
    if let Some(reflect) = &raw.reflect {
        return Err(source
            .error(
                "wrong-role",
                &section.place("reflect", reflect),
                "`reflect` is for role \"vswitch\"",
            )
            .help("remove it, or add role = \"vswitch\""));
    }
    let vvlan = section.required(
        "vvlan",
        raw.vvlan.take(),
        "add vvlan = N, the id of a [[vvlan]]",
    )?;
    let place = section.place("vvlan", &vvlan);
    let id = vvlan_id(source, &place, *vvlan.get_ref())?;
    names.vvlan(source, &place, id)?;
    Ok(id)
}

/// The V.VLANs of a vPort with the role `vswitch`.
fn vswitch_vvlans(section: &Section<'_>, names: &Names, raw: &mut RawVport) -> Result<Vec<VVlan>> {
    let source = section.source;
    if let Some(vvlan) = &raw.vvlan {
        return Err(source
            .error(
                "wrong-role",
                &section.place("vvlan", vvlan),
                "`vvlan` is for role \"vf\"",
            )
            .help("use vvlans = [N, …], or remove role = \"vswitch\""));
    }
    let list = section.required("vvlans", raw.vvlans.take(), "add vvlans = [N, …]")?;
    let list_place = section.place("vvlans", &list);
    let mut vvlans = Vec::new();
    for (index, number) in list.into_inner().into_iter().enumerate() {
        let place = section.element("vvlans", index, &number);
        let id = vvlan_id(source, &place, *number.get_ref())?;
        names.vvlan(source, &place, id)?;
        if vvlans.contains(&id) {
            return Err(source
                .error(
                    "duplicate-vvlan",
                    &place,
                    format!("V.VLAN {id} is already in the list"),
                )
                .help("name each V.VLAN once"));
        }
        vvlans.push(id);
    }
    if vvlans.is_empty() {
        return Err(source
            .error(
                "missing-key",
                &list_place,
                "a vswitch vPort needs at least one V.VLAN",
            )
            .help("add vvlans = [N, …], or remove the vPort"));
    }
    Ok(vvlans)
}

/// Makes the vPort a member of its V.VLANs.
fn join(
    section: &Section<'_>,
    names: &mut Names,
    vport: VPort,
    role: Role,
    vvlans: &[VVlan],
    place: &Place,
) -> Result<()> {
    let source = section.source;
    for id in vvlans {
        let vvlan = names.vvlan_mut(source, place, *id)?;
        vvlan.members = vvlan.members.with(vport);
        if role != Role::Vswitch {
            continue;
        }
        if let Some(first) = vvlan.vswitch {
            return Err(source
                .error(
                    "two-vswitches",
                    place,
                    format!("V.VLAN {id} already has the vswitch vPort {first}"),
                )
                .help("a V.VLAN has at most one: take it out of the `vvlans` of one of the two"));
        }
        vvlan.vswitch = Some(vport);
    }
    Ok(())
}

/// The values that concern this vPort alone.
fn check_values(
    section: &Section<'_>,
    raw: RawVport,
    vport: VPort,
    role: Role,
    vvlans: Vec<VVlan>,
    place: Place,
) -> Result<VportConfig> {
    let source = section.source;
    let meter = check_meter(section, &raw)?;
    let small = |key, raw: &Option<Spanned<i64>>, most: u8| -> Result<Option<u8>> {
        let number = raw
            .as_ref()
            .map(|raw| section.number(key, raw, 1..=most.into()));
        Ok(number
            .transpose()?
            .and_then(|number| u8::try_from(number).ok()))
    };
    let queue_pairs = small("queue-pairs", &raw.queue_pairs, MOST_PAIRS)?;
    let vectors = small("vectors", &raw.vectors, MOST_VECTORS)?;
    let limit = |key, raw: &Option<Spanned<i64>>, most: u32| -> Result<u32> {
        let number = raw
            .as_ref()
            .map(|raw| section.number(key, raw, 0..=most.into()));
        let number = number.transpose()?.unwrap_or_default();
        Ok(u32::try_from(number).unwrap_or(most))
    };
    let max_tx_rate = limit("max-tx-rate", &raw.max_tx_rate, MOST_RATE)?;
    let gap = limit(
        "interrupt-gap-us",
        &raw.interrupt_gap_us,
        MOST_GAP_US.into(),
    )?;
    let pairs_place = match &raw.queue_pairs {
        Some(pairs) => section.place("queue-pairs", pairs),
        None => place.clone(),
    };
    // Many addresses live behind a vswitch vPort, so its source check is off unless asked for.
    let spoofchk_place = raw
        .spoofchk
        .as_ref()
        .map(|value| section.place("spoofchk", value));
    let spoofchk = raw.spoofchk.map_or(role == Role::Vf, Spanned::into_inner);
    let mac_place = match &raw.mac {
        Some(mac) => section.place("mac", mac),
        None => section.missing_place("mac"),
    };
    let mac = match &raw.mac {
        Some(mac) => Some(unicast(source, &mac_place, mac.get_ref())?),
        None if spoofchk => {
            let place = spoofchk_place.unwrap_or(mac_place);
            return Err(source
                .error(
                    "mac-required",
                    &place,
                    "`spoofchk` is on and there is no `mac` to check against",
                )
                .help("add mac = \"02:…\", or set spoofchk = false"));
        }
        None => None,
    };
    let max_macs = match &raw.max_macs {
        Some(max) => u8::try_from(section.number("max-macs", max, 1..=255)?).unwrap_or(u8::MAX),
        None => DEFAULT_MAX_MACS,
    };
    Ok(VportConfig {
        vport,
        role,
        vvlans,
        mac,
        spoofchk,
        trust: raw.trust.unwrap_or(false),
        learning: raw.learning.unwrap_or(true),
        max_macs,
        tags: match raw.tags.unwrap_or_default() {
            RawTags::None => Tags::None,
            RawTags::Priority => Tags::Priority,
            RawTags::Vlans => Tags::Vlans,
            RawTags::All => Tags::All,
        },
        enabled: raw.state.unwrap_or_default() != RawState::Disable,
        reflect: raw.reflect.is_some_and(Spanned::into_inner),
        meter,
        queue_pairs,
        vectors,
        max_tx_rate,
        interrupt_gap_us: u16::try_from(gap).unwrap_or(MOST_GAP_US),
        place,
        mac_place,
        pairs_place,
    })
}

/// `broadcast-burst` and `broadcast-interval`: both or none.
fn check_meter(section: &Section<'_>, raw: &RawVport) -> Result<Option<Meter>> {
    let incomplete = |there: &str, place: &Place, missing: &str, help: &str| {
        Err(section
            .source
            .error(
                "missing-key",
                place,
                format!("`{there}` needs `{missing}` beside it"),
            )
            .help(help))
    };
    let (burst, interval) = match (&raw.broadcast_burst, &raw.broadcast_interval) {
        (None, None) => return Ok(None),
        (Some(burst), Some(interval)) => (burst, interval),
        (Some(burst), None) => {
            let place = section.place("broadcast-burst", burst);
            let help = "add broadcast-interval = ticks per token, a power of two";
            return incomplete("broadcast-burst", &place, "broadcast-interval", help);
        }
        (None, Some(interval)) => {
            let place = section.place("broadcast-interval", interval);
            let help = "add broadcast-burst = tokens, 1 to 255";
            return incomplete("broadcast-interval", &place, "broadcast-burst", help);
        }
    };
    let burst = u8::try_from(section.number("broadcast-burst", burst, 1..=255)?).unwrap_or(u8::MAX);
    let ticks = *interval.get_ref();
    let shift = u64::try_from(ticks)
        .ok()
        .filter(|ticks| *ticks >= 2 && ticks.is_power_of_two())
        .and_then(|ticks| u8::try_from(ticks.trailing_zeros()).ok());
    match shift {
        Some(shift) => Ok(Some(Meter { burst, shift })),
        None => Err(section
            .source
            .error(
                "bad-broadcast-interval",
                &section.place("broadcast-interval", interval),
                format!("{ticks} ticks is not a power of two from 2"),
            )
            .help("use 2, 4, 8, … ticks of the datapath clock per token")),
    }
}
