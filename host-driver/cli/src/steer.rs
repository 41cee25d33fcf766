// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Queue pools, those of a report too, and receive steering of a live NIC, and addresses for its VFs.

use hairpin_abi::VPort;
use hairpin_driver::Diagnostic;
use hairpin_driver::config::Config;
use hairpin_driver::mac_pool::MacPool;
use hairpin_driver::output::{FilterShow, MacPoolShow, PoolShow, RssShow, VERSION};
use hairpin_driver::steer::{
    EtherTypeFilterState, Filter, FilterPlace, FilterRoom, RssState, SteerEdit, TupleFilterState,
};

use crate::args::{Filter as FilterCommand, Global, Mac, Pool, Rss};
use crate::nic::{Nic, live};
use crate::show::print;

/// `pool`.
pub(crate) fn pool(command: Pool, global: &Global) -> Result<(), Diagnostic> {
    let only = match command {
        Pool::Edit(edit) => return change(edit.edit()?, global),
        Pool::Show { vf } => vf,
    };
    let mut nic = Nic::of(global)?;
    let (mut pools, queue_pairs) = nic.pools()?;
    let taken = pools
        .iter()
        .fold(0_u8, |sum, pool| sum.saturating_add(pool.pairs));
    if let Some(vf) = only {
        if let Nic::Live(device) = &mut nic {
            device.vf_settings(vf)?;
        }
        let name = format!("vf{vf}");
        pools.retain(|pool| pool.vf == name);
        if pools.is_empty() {
            let message = format!("{name} is not enabled: it has no pool");
            return Err(Diagnostic::new("not-found", message)
                .field("VF")
                .help(format!("give it one: hairpin pool set {name} pairs 4")));
        }
    }
    let document = PoolShow {
        version: VERSION,
        queue_pairs,
        free_pairs: queue_pairs.saturating_sub(taken),
        pools,
    };
    print(&document, global)
}

/// `filter`.
pub(crate) fn filter(command: FilterCommand, global: &Global) -> Result<(), Diagnostic> {
    let only = match command {
        FilterCommand::Edit(edit) => return change(edit.edit()?, global),
        FilterCommand::Show { vf } => vf,
    };
    let mut device = live(global)?;
    if let Some(vf) = only {
        device.vf_settings(vf)?;
    }
    let mut filters = device.filters()?;
    filters.retain(|(_, filter)| only.is_none_or(|vf| filter.vf().get() == vf));
    print(&shown(device.filter_room()?, &filters), global)
}

/// `rss`.
pub(crate) fn rss(command: Rss, global: &Global) -> Result<(), Diagnostic> {
    let vf = match command {
        Rss::Edit(edit) => return change(edit.edit()?, global),
        Rss::Show { vf } => vf,
    };
    let mut device = live(global)?;
    let vport = VPort::new(vf).ok_or(hairpin_driver::Error::NoVf { vf })?;
    let row = device.read_steering(vport)?;
    let document = RssShow {
        version: VERSION,
        rss: RssState::new(vport, &row),
    };
    print(&document, global)
}

/// `mac`.
pub(crate) fn mac(command: Mac, global: &Global) -> Result<(), Diagnostic> {
    let Mac::Pool {
        base,
        count,
        seed,
        config,
    } = command;
    let mut pool = MacPool::new(base, seed);
    if let Some(path) = config {
        let config = Config::read(&path)?;
        let vports = config.vports.iter().filter_map(|vport| vport.mac);
        for mac in vports.chain(config.fdb.iter().map(|entry| entry.mac)) {
            pool.reserve(mac);
        }
    }
    let document = MacPoolShow {
        version: VERSION,
        macs: (0..count).map(|_| pool.take().to_string()).collect(),
    };
    print(&document, global)
}

/// Makes a change.
fn change(edit: SteerEdit, global: &Global) -> Result<(), Diagnostic> {
    let mut device = live(global)?;
    let place = device.steer(&edit)?;
    if let (Some(place), SteerEdit::FilterAdd { filter, .. }) = (place, edit) {
        print(&shown(device.filter_room()?, &[(place, filter)]), global)?;
    }
    Ok(())
}

fn shown(room: FilterRoom, filters: &[(FilterPlace, Filter)]) -> FilterShow {
    let (mut ethertype, mut five_tuple) = (Vec::new(), Vec::new());
    for (place, filter) in filters {
        let (FilterPlace::Tuple(index) | FilterPlace::EtherType(index)) = *place;
        match filter {
            Filter::Tuple(filter) => five_tuple.push(TupleFilterState::new(index, filter)),
            Filter::EtherType(filter) => ethertype.push(EtherTypeFilterState::new(index, filter)),
        }
    }
    FilterShow {
        version: VERSION,
        room,
        ethertype,
        five_tuple,
    }
}
