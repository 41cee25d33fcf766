// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `[mac-pool]`: addresses for vPorts that name none.

use hairpin_abi::{MAX_VF, MacAddr};

use super::Result;
use super::value::{Section, unicast};
use crate::config::raw::RawConfig;
use crate::config::source::Source;
use crate::mac_pool::MacPool;

/// An address for each vPort there can be, by its number; none without a pool. No other `mac` of the file is among
/// them.
pub(super) fn auto_macs(source: &Source<'_>, raw: &RawConfig) -> Result<Vec<MacAddr>> {
    let Some(section_raw) = &raw.mac_pool else {
        return Ok(Vec::new());
    };
    let section = Section {
        source,
        name: "mac-pool".to_owned(),
        span: section_raw.span(),
    };
    let values = section_raw.get_ref();
    let text = section.required(
        "base",
        values.base.clone(),
        "add base = \"…\", the physical address of the card",
    )?;
    let base = unicast(source, &section.place("base", &text), text.get_ref())?;
    let seed = match &values.seed {
        Some(seed) => section.number("seed", seed, 0..=i64::MAX)?,
        None => 0,
    };
    let mut pool = MacPool::new(base, u64::try_from(seed).unwrap_or(0));
    let vports = raw.vport.iter().map(|vport| &vport.get_ref().mac);
    let fdb = raw.fdb.iter().map(|entry| &entry.get_ref().mac);
    for text in vports.chain(fdb).flatten() {
        // What is no address is found later.
        if let Ok(mac) = text.get_ref().parse() {
            pool.reserve(mac);
        }
    }
    Ok((0..MAX_VF).map(|_| pool.take()).collect())
}
