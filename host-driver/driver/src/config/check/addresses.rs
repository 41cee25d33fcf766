// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Addresses: those of the vPorts, `[[fdb]]` and `[[group]]`.

use std::collections::BTreeMap;

use hairpin_abi::ids::PortSet;
use hairpin_abi::{MacAddr, VVlan};
use toml::Spanned;

use super::value::{Section, mac, unicast, vvlan_id};
use super::{Names, Result};
use crate::config::raw::{RawFdb, RawGroup};
use crate::config::source::{Place, Source};
use crate::config::{FdbConfig, GroupConfig, VportConfig};

/// Addresses so far, each once per V.VLAN.
pub(super) struct Addresses<'a> {
    source: &'a Source<'a>,
    names: &'a Names,
    vports: &'a [VportConfig],
    seen: BTreeMap<(VVlan, MacAddr), Place>,
    fdb: Vec<FdbConfig>,
}

impl<'a> Addresses<'a> {
    pub(super) fn new(source: &'a Source<'a>, names: &'a Names, vports: &'a [VportConfig]) -> Self {
        Self {
            source,
            names,
            vports,
            seen: BTreeMap::new(),
            fdb: Vec::new(),
        }
    }

    /// A vPort's own address is static in each of its V.VLANs.
    pub(super) fn add_vports(&mut self) -> Result<()> {
        for config in self.vports {
            let Some(mac) = config.mac else { continue };
            for &vvlan in &config.vvlans {
                let place = config.mac_place.clone();
                self.claim(vvlan, mac, &place)?;
                self.fdb.push(FdbConfig {
                    vvlan,
                    mac,
                    vport: config.vport,
                    place,
                });
            }
        }
        Ok(())
    }

    /// `[[fdb]]`; returns all static addresses.
    pub(super) fn add_fdb(&mut self, raw: Vec<Spanned<RawFdb>>) -> Result<Vec<FdbConfig>> {
        for (index, raw) in raw.into_iter().enumerate() {
            let section = Section {
                source: self.source,
                name: format!("fdb[{index}]"),
                span: raw.span(),
            };
            let raw = raw.into_inner();
            let (vvlan, members) = self.section_vvlan(&section, raw.vvlan)?;
            let text = section.required("mac", raw.mac, "add mac = \"02:…\"")?;
            let place = section.place("mac", &text);
            let mac = unicast(self.source, &place, text.get_ref())?;
            self.claim(vvlan, mac, &place)?;
            let port = section.required("port", raw.port, "add port = \"vf0\"")?;
            let port_place = section.place("port", &port);
            let vport = self
                .names
                .member(self.source, &port_place, port.get_ref(), members)?;
            self.fdb.push(FdbConfig {
                vvlan,
                mac,
                vport,
                place,
            });
        }
        Ok(std::mem::take(&mut self.fdb))
    }

    /// `[[group]]`.
    pub(super) fn check_groups(&mut self, raw: Vec<Spanned<RawGroup>>) -> Result<Vec<GroupConfig>> {
        let mut groups = Vec::with_capacity(raw.len());
        for (index, raw) in raw.into_iter().enumerate() {
            let section = Section {
                source: self.source,
                name: format!("group[{index}]"),
                span: raw.span(),
            };
            groups.push(self.check_group(&section, raw.into_inner())?);
        }
        Ok(groups)
    }

    fn check_group(&mut self, section: &Section<'_>, raw: RawGroup) -> Result<GroupConfig> {
        let (vvlan, config) = self.section_vvlan(section, raw.vvlan)?;
        let text = section.required("mac", raw.mac, "add mac = \"01:00:5e:…\" or \"33:33:…\"")?;
        let place = section.place("mac", &text);
        let address = mac(self.source, &place, text.get_ref())?;
        check_group_address(self.source, &place, address)?;
        self.claim(vvlan, address, &place)?;
        let ports = section.required("ports", raw.ports, "add ports = [\"vf0\", …]")?;
        let ports_place = section.place("ports", &ports);
        let mut members = PortSet::EMPTY;
        for (index, port) in ports.into_inner().into_iter().enumerate() {
            let place = section.element("ports", index, &port);
            let vport = self
                .names
                .member(self.source, &place, port.get_ref(), config)?;
            if members.contains(vport) {
                return Err(self
                    .source
                    .error(
                        "duplicate-port",
                        &place,
                        format!("{vport} is already in the list"),
                    )
                    .help("name each vPort once"));
            }
            members = members.with(vport);
        }
        if members.is_empty() {
            return Err(self
                .source
                .error(
                    "empty-group",
                    &ports_place,
                    "a group needs at least one vPort",
                )
                .help("add vPorts of its V.VLAN, or remove the group"));
        }
        Ok(GroupConfig {
            vvlan,
            mac: address,
            members,
            place,
        })
    }

    /// The V.VLAN an entry is in.
    fn section_vvlan(
        &self,
        section: &Section<'_>,
        raw: Option<Spanned<i64>>,
    ) -> Result<(VVlan, &'a crate::config::VvlanConfig)> {
        let number = section.required("vvlan", raw, "add vvlan = N, the id of a [[vvlan]]")?;
        let place = section.place("vvlan", &number);
        let id = vvlan_id(self.source, &place, *number.get_ref())?;
        Ok((id, self.names.vvlan(self.source, &place, id)?))
    }

    /// An address may stand for one thing in a V.VLAN.
    fn claim(&mut self, vvlan: VVlan, mac: MacAddr, place: &Place) -> Result<()> {
        let Some(first) = self.seen.insert((vvlan, mac), place.clone()) else {
            return Ok(());
        };
        Err(self
            .source
            .error(
                "duplicate-mac",
                place,
                format!(
                    "{mac} is already in V.VLAN {vvlan}: {} in line {}",
                    first.field, first.line
                ),
            )
            .help("an address may be in a V.VLAN once; the `mac` of a vPort needs no [[fdb]]"))
    }
}

/// Addresses that a `[[group]]` can have.
fn check_group_address(source: &Source<'_>, place: &Place, address: MacAddr) -> Result<()> {
    let (message, help) = if !address.is_group() {
        (
            "is a unicast address",
            "use a group address here, or [[fdb]] for one station",
        )
    } else if address.is_broadcast() {
        (
            "is the broadcast address: it reaches all members by itself",
            "remove this group",
        )
    } else if address.is_reserved() {
        (
            "is reserved for bridges and never forwarded",
            "use another group address",
        )
    } else {
        return Ok(());
    };
    Err(source
        .error("bad-group-mac", place, format!("{address} {message}"))
        .help(help))
}
