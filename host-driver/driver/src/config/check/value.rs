// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Single values: numbers in a range, identifiers, addresses.

use std::ops::{Range, RangeInclusive};

use hairpin_abi::{MacAddr, VVlan, Vlan};
use toml::Spanned;

use super::Result;
use crate::config::source::{Place, Source};

/// A table of the file: its name and where it stands.
pub(super) struct Section<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) name: String,
    pub(super) span: Range<usize>,
}

impl Section<'_> {
    /// The place of one of its keys.
    pub(super) fn place<T>(&self, key: &str, value: &Spanned<T>) -> Place {
        self.source
            .place(format!("{}.{key}", self.name), &value.span())
    }

    /// The place of an element of one of its arrays.
    pub(super) fn element<T>(&self, key: &str, index: usize, value: &Spanned<T>) -> Place {
        self.source
            .place(format!("{}.{key}[{index}]", self.name), &value.span())
    }

    /// The place where a key that is not there would be.
    pub(super) fn missing_place(&self, key: &str) -> Place {
        self.source
            .place(format!("{}.{key}", self.name), &self.span)
    }

    /// The place of the section itself.
    pub(super) fn own_place(&self) -> Place {
        self.source.place(&self.name, &self.span)
    }

    /// A value that must be there.
    pub(super) fn required<T>(
        &self,
        key: &str,
        value: Option<Spanned<T>>,
        help: &str,
    ) -> Result<Spanned<T>> {
        value.ok_or_else(|| {
            self.source
                .error(
                    "missing-key",
                    &self.missing_place(key),
                    format!("`{key}` is missing"),
                )
                .help(help)
        })
    }

    /// A number in a range.
    pub(super) fn number(
        &self,
        key: &str,
        value: &Spanned<i64>,
        range: RangeInclusive<i64>,
    ) -> Result<i64> {
        let number = *value.get_ref();
        if range.contains(&number) {
            return Ok(number);
        }
        Err(self
            .source
            .error(
                &format!("bad-{key}"),
                &self.place(key, value),
                format!("{number} is out of range"),
            )
            .help(format!("use {} to {}", range.start(), range.end())))
    }
}

/// A V.VLAN ID.
pub(super) fn vvlan_id(source: &Source<'_>, place: &Place, number: i64) -> Result<VVlan> {
    u16::try_from(number)
        .ok()
        .and_then(VVlan::new)
        .ok_or_else(|| {
            source
                .error("bad-vvlan", place, format!("{number} is not a V.VLAN ID"))
                .help("use 1 to 4094; 0 and 4095 are reserved")
        })
}

/// An outer VLAN.
pub(super) fn vlan_id(source: &Source<'_>, place: &Place, number: i64) -> Result<Vlan> {
    u16::try_from(number)
        .ok()
        .filter(|id| (1..=4094).contains(id))
        .and_then(Vlan::new)
        .ok_or_else(|| {
            source
                .error("bad-vlan", place, format!("{number} is not a VLAN ID"))
                .help("use 1 to 4094; 0 and 4095 are reserved")
        })
}

/// A MAC address of any kind but all zeros.
pub(super) fn mac(source: &Source<'_>, place: &Place, text: &str) -> Result<MacAddr> {
    let mac: MacAddr = text.parse().map_err(|_| {
        source
            .error("bad-mac", place, format!("`{text}` is not a MAC address"))
            .help("write six hexadecimal bytes: \"02:00:00:00:00:01\"")
    })?;
    if mac == MacAddr([0; 6]) {
        return Err(source
            .error("bad-mac", place, "the all-zero address belongs to nobody")
            .help("choose a locally administered address: \"02:00:00:00:00:01\""));
    }
    Ok(mac)
}

/// The address of one station.
pub(super) fn unicast(source: &Source<'_>, place: &Place, text: &str) -> Result<MacAddr> {
    let address = mac(source, place, text)?;
    if address.is_group() {
        return Err(source
            .error("group-mac", place, format!("{address} is a group address"))
            .help("use a unicast address: the lowest bit of its first byte is 0"));
    }
    Ok(address)
}
