// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The virtio devices of the VFs that a configuration has vPorts for, and which of their queues frames go to.

use hairpin_abi::VPort;

use super::Config;
use super::source::Place;
use crate::steer::{Filter, FilterPlace, FilterRoom, VfRow};
use crate::vf::VfSettings;
use crate::{Capabilities, Device, Diagnostic, Error, Transport};

/// Devices, filters and spreading of all VFs: what the NIC has room for.
#[derive(Clone, Debug)]
pub struct VfPlan {
    /// By VF; none without a vPort.
    settings: Vec<Option<VfSettings>>,
    /// Every place for a filter.
    filters: Vec<(FilterPlace, Option<Filter>)>,
    /// By VF.
    rows: Vec<(VPort, VfRow)>,
}

impl VfPlan {
    /// Every place for a filter, and what is to be there.
    #[must_use]
    pub fn filters(&self) -> &[(FilterPlace, Option<Filter>)] {
        &self.filters
    }
}

/// Pools of queues: those that are named one behind the other, in the order of the VFs; if none is, equal shares.
fn settings(config: &Config, has: &Capabilities) -> Result<Vec<Option<VfSettings>>, Diagnostic> {
    let share = has.queue_pairs / has.vfs.max(1);
    let is_named = config
        .vports
        .iter()
        .any(|vport| vport.queue_pairs.is_some());
    let mut next = 0;
    let mut all = Vec::new();
    for vf in 0..has.vfs {
        let vport = config.vports.iter().find(|vport| vport.vport.get() == vf);
        let Some(vport) = vport else {
            all.push(None);
            continue;
        };
        let pairs = vport.queue_pairs.unwrap_or(share);
        let first = if is_named { next } else { vf * share };
        let end = first.saturating_add(pairs);
        if end > has.queue_pairs {
            let message = format!(
                "its {pairs} queue pairs do not fit: the NIC has {}, and VFs before it have {first}",
                has.queue_pairs
            );
            return Err(error(config, "too-many-queues", &vport.pairs_place, "", message)
                .help("give queue-pairs = N to more vPorts, or smaller ones; without it a VF has an equal share"));
        }
        next = end;
        let mut settings = VfSettings::new(vf, vport.mac, vport.enabled, first, pairs);
        settings.vectors = vport.vectors.unwrap_or(settings.vectors);
        settings.max_tx_rate = vport.max_tx_rate;
        settings.interrupt_gap_us = vport.interrupt_gap_us;
        all.push(Some(settings));
    }
    Ok(all)
}

fn error(config: &Config, code: &str, place: &Place, key: &str, message: String) -> Diagnostic {
    Diagnostic::new(code, message)
        .field(format!("{}{key}", place.field))
        .file(&config.file)
        .line(place.line)
}

/// Queue pairs of a VF.
fn pairs_of(settings: &[Option<VfSettings>], vport: VPort) -> u8 {
    let settings = settings.get(usize::from(vport.get())).copied().flatten();
    settings.map_or(0, |settings| settings.pairs)
}

/// Fails if a VF has no such queue.
fn check_queue(
    config: &Config,
    settings: &[Option<VfSettings>],
    vport: VPort,
    queue: u8,
    (place, key): (&Place, &str),
) -> Result<(), Diagnostic> {
    let pairs = pairs_of(settings, vport);
    if queue < pairs {
        return Ok(());
    }
    let message = format!("{vport} has no queue {queue}: it has {pairs} queue pairs");
    Err(error(config, "bad-queue", place, key, message)
        .help("use a lower one, or give its [[vport]] more: queue-pairs = N"))
}

/// Each filter at its place: first those that name one.
fn filters(
    config: &Config,
    settings: &[Option<VfSettings>],
    room: FilterRoom,
) -> Result<Vec<(FilterPlace, Option<Filter>)>, Diagnostic> {
    let mut places: Vec<_> = room.places().map(|place| (place, None)).collect();
    let named = config
        .filters
        .iter()
        .filter(|filter| filter.index.is_some());
    let others = config
        .filters
        .iter()
        .filter(|filter| filter.index.is_none());
    for wanted in named.chain(others) {
        let filter = &wanted.filter;
        let queue = (&wanted.place, ".queue");
        check_queue(config, settings, filter.vf(), filter.queue(), queue)?;
        let fits = |place| match (place, filter) {
            (FilterPlace::Tuple(index), Filter::Tuple(_))
            | (FilterPlace::EtherType(index), Filter::EtherType(_)) => {
                wanted.index.is_none_or(|wanted| wanted == index)
            }
            _ => false,
        };
        let free = places
            .iter_mut()
            .find(|(place, there)| there.is_none() && fits(*place));
        let Some((_, there)) = free else {
            let message = format!(
                "there is no such place for a filter, or none is free: the NIC has {} five-tuple and {} EtherType filters",
                room.five_tuple, room.ethertype
            );
            return Err(
                error(config, "filters-full", &wanted.place, ".index", message)
                    .help("leave index out, or configure fewer filters"),
            );
        };
        *there = Some(*filter);
    }
    Ok(places)
}

fn rows(
    config: &Config,
    settings: &[Option<VfSettings>],
    vports: impl Iterator<Item = VPort>,
) -> Result<Vec<(VPort, VfRow)>, Diagnostic> {
    let none = VfRow::default();
    let mut rows = Vec::new();
    for vport in vports {
        let Some(wanted) = config.rss.iter().find(|rss| rss.vport == vport) else {
            rows.push((vport, none));
            continue;
        };
        let table = wanted.change.table.iter().flat_map(|(table, _)| table);
        let priorities = wanted.change.priorities.iter().flatten().flatten();
        for (queue, key) in (table.map(|queue| (queue, ".queues")))
            .chain(priorities.map(|queue| (queue, ".priority")))
        {
            check_queue(config, settings, vport, *queue, (&wanted.place, key))?;
        }
        let row = wanted.change.apply(&none, pairs_of(settings, vport));
        rows.push((vport, row));
    }
    Ok(rows)
}

impl<T: Transport> Device<T> {
    /// Checks what a configuration asks for its VFs against what this NIC has. Nothing is asked of one without
    /// virtqueues.
    ///
    /// # Errors
    /// The first thing that does not fit, or the NIC cannot be reached.
    pub fn plan_vfs(&mut self, config: &Config) -> Result<VfPlan, Diagnostic> {
        let has = *self.capabilities();
        if !has.virtqueues {
            return Ok(VfPlan {
                settings: Vec::new(),
                filters: Vec::new(),
                rows: Vec::new(),
            });
        }
        let settings = settings(config, &has)?;
        let filters = filters(config, &settings, self.filter_room()?)?;
        let vports = VPort::all().take(has.vfs.into());
        let rows = rows(config, &settings, vports)?;
        Ok(VfPlan {
            settings,
            filters,
            rows,
        })
    }

    /// Gives every VF that has a vPort its virtio device, and takes those of the others away; then filters and
    /// spreading are as planned, and no others. A VF that is there as it should be is left alone: a change of it
    /// is a reset of it, for its guest too.
    ///
    /// # Errors
    /// The NIC cannot be reached, or did not enable what it was told to.
    pub fn set_up_vfs(&mut self, plan: &VfPlan) -> Result<(), Diagnostic> {
        let mut changed = Vec::new();
        for (vf, settings) in (0..).zip(&plan.settings) {
            if !self.vf_is(vf, settings.as_ref())? {
                // Not while its old queues are in use, nor while another has those that it is to get.
                self.set_vf(vf, None)?;
                changed.push((vf, settings));
            } else if let Some(settings) = settings {
                self.set_vf_limits(vf, settings)?;
            }
        }
        for (vf, settings) in changed {
            if settings.is_some() {
                self.set_vf(vf, settings.as_ref())?;
            }
            if !self.vf_is(vf, settings.as_ref())? {
                let what = format!("the queues of vf{vf}");
                return Err(Error::NotEnabled { what }.into());
            }
        }
        self.write_filters(&plan.filters)?;
        for (vport, row) in &plan.rows {
            self.write_rss(*vport, row.rss.as_ref())?;
            self.write_priorities(*vport, &row.priorities)?;
        }
        Ok(())
    }
}
