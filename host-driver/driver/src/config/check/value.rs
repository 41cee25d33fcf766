// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Single values: numbers in a range, identifiers, addresses.

use hairpin_abi::{MacAddr, VVlan, Vlan};

use super::Result;
pub(super) use crate::config::source::Section;
use crate::config::source::{Place, Source};

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
