// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Changes that are checked against what the NIC has.

use hairpin_abi::VPort;

use super::{DEFAULT_KEY, Filter, FilterPlace, HashTypes, KEY_BYTES, Rss, TABLE, VfRow};
use crate::{Device, Diagnostic, Error, Transport};

/// A change of how a VF's frames are spread; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RssChange {
    /// The Toeplitz key.
    pub key: Option<[u8; KEY_BYTES]>,
    /// What is hashed.
    pub types: Option<HashTypes>,
    /// Indirection table, and whether only its first half is used.
    pub table: Option<([u8; TABLE], bool)>,
    /// Queues of priorities; `Some(None)` takes one away.
    pub priorities: [Option<Option<u8>>; 8],
}

impl RssChange {
    /// Whether it is about key, types or table.
    fn is_of_hash(&self) -> bool {
        self.key.is_some() || self.types.is_some() || self.table.is_some()
    }

    /// The row after it. A VF that has the default, and gets no table, gets one of so many pairs in turn.
    pub(crate) fn apply(&self, row: &VfRow, pairs: u8) -> VfRow {
        let mut row = *row;
        for (queue, change) in row.priorities.iter_mut().zip(self.priorities) {
            *queue = change.unwrap_or(*queue);
        }
        if self.is_of_hash() {
            let mut rss = row.rss.unwrap_or(Rss {
                key: DEFAULT_KEY,
                types: HashTypes::ALL,
                short: false,
                table: std::array::from_fn(|i| (i % usize::from(pairs.max(1))) as u8),
            });
            rss.key = self.key.unwrap_or(rss.key);
            rss.types = self.types.unwrap_or(rss.types);
            (rss.table, rss.short) = self.table.unwrap_or((rss.table, rss.short));
            row.rss = Some(rss);
        }
        row
    }
}

impl<T: Transport> Device<T> {
    /// Adds a filter at a place of its kind, over what is there, or at the first free one.
    ///
    /// # Errors
    /// There is no free place, no such VF or queue, or the NIC did not enable it.
    pub fn add_filter(
        &mut self,
        filter: &Filter,
        index: Option<u8>,
    ) -> Result<FilterPlace, Diagnostic> {
        let room = self.filter_room()?;
        self.check_queue("queue", filter.vf(), filter.queue())?;
        let (place, count): (fn(u8) -> FilterPlace, u8) = match filter {
            Filter::Tuple(_) => (FilterPlace::Tuple, room.five_tuple),
            Filter::EtherType(_) => (FilterPlace::EtherType, room.ethertype),
        };
        let at = match index {
            Some(index) => place(index),
            None => self.free_place(place, count)?,
        };
        self.write_filter(at, Some(filter)).map_err(|error| {
            let field = match error {
                Error::NoFilter { .. } => "index",
                _ => "queue",
            };
            Diagnostic::from(error).field(field)
        })?;
        Ok(at)
    }

    /// Removes a filter.
    ///
    /// # Errors
    /// There is none, or the NIC cannot be reached.
    pub fn del_filter(&mut self, place: FilterPlace) -> Result<(), Diagnostic> {
        let field = |error: Error| Diagnostic::from(error).field("index");
        if self.read_filter(place).map_err(field)?.is_none() {
            let message = format!("{place} is not in use");
            return Err(Diagnostic::new("not-found", message)
                .field("index")
                .help("use one that `hairpin filter show` shows"));
        }
        Ok(self.write_filter(place, None)?)
    }

    /// Changes how a VF's frames are spread over its queues; returns what holds then.
    ///
    /// # Errors
    /// There is no such VF or queue, or the NIC cannot be reached.
    pub fn set_rss(&mut self, vport: VPort, change: &RssChange) -> Result<VfRow, Diagnostic> {
        let before = self.read_steering(vport)?;
        let pairs = self.queues_of(vport)?;
        if change.is_of_hash() && change.table.is_none() && before.rss.is_none() {
            self.needs_pool(vport)?;
        }
        let after = change.apply(&before, pairs);
        let entries = change.table.iter().flat_map(|(table, _)| table);
        for queue in entries {
            self.check_queue("queues", vport, *queue)?;
        }
        for queue in change.priorities.iter().flatten().flatten() {
            self.check_queue("priority", vport, *queue)?;
        }
        if after.priorities != before.priorities {
            self.write_priorities(vport, &after.priorities)?;
        }
        if after.rss != before.rss {
            self.write_rss(vport, after.rss.as_ref())?;
        }
        Ok(after)
    }

    /// Back to the default for a VF: hash and priorities.
    ///
    /// # Errors
    /// There is no such VF, or the NIC cannot be reached.
    pub fn del_rss(&mut self, vport: VPort) -> Result<(), Error> {
        self.write_rss(vport, None)?;
        self.write_priorities(vport, &[None; 8])
    }

    /// The first place that is not in use.
    fn free_place(
        &mut self,
        place: fn(u8) -> FilterPlace,
        count: u8,
    ) -> Result<FilterPlace, Diagnostic> {
        for index in 0..count {
            if self.read_filter(place(index))?.is_none() {
                return Ok(place(index));
            }
        }
        let message = format!("all {count} filters of this kind are in use");
        Err(Diagnostic::new("filters-full", message)
            .field("index")
            .help("remove one: hairpin filter show, hairpin filter del"))
    }

    /// Fails if it is not known how many queues a VF has.
    fn needs_pool(&mut self, vport: VPort) -> Result<(), Diagnostic> {
        if self.vf_settings(vport.get())?.is_some() {
            return Ok(());
        }
        let message = format!("{vport} has no pool yet whose queues could make the table");
        Err(Diagnostic::new("no-pool", message)
            .field("queues")
            .help(format!(
                "say which ones: queues 0,1,2,3; or first: hairpin pool set {vport} pairs 4"
            )))
    }

    /// Queue pairs that a VF has: those of its pool, or those that it could have as long as it has none.
    fn queues_of(&mut self, vport: VPort) -> Result<u8, Error> {
        let settings = self.vf_settings(vport.get())?;
        Ok(settings.map_or(self.capabilities().queue_pairs, |pool| pool.pairs))
    }

    fn check_queue(&mut self, field: &str, vport: VPort, queue: u8) -> Result<(), Diagnostic> {
        let has = self
            .queues_of(vport)
            .map_err(|error| Diagnostic::from(error).field("VF"))?;
        if queue < has {
            return Ok(());
        }
        let message = format!("{vport} has no queue {queue}: its pool has {has} queue pairs");
        Err(Diagnostic::new("bad-queue", message)
            .field(field)
            .help(format!(
                "use 0 to {}, or give it more: hairpin pool set {vport} pairs N",
                has.saturating_sub(1)
            )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let row = VfRow {
            priorities: [Some(1), Some(2), None, None, None, None, None, None],
            rss: None,
        };
        let mut change = RssChange::default();
        change.priorities[1] = Some(None);
        change.priorities[3] = Some(Some(0));
        let after = change.apply(&row, 4);
        let want = [Some(1), None, None, Some(0), None, None, None, None];
        assert_eq!((after.priorities, after.rss), (want, None));

        // The default, but for the types.
        let types = RssChange {
            types: Some(HashTypes::IPV4),
            ..RssChange::default()
        };
        let rss = types.apply(&row, 3).rss.unwrap();
        assert_eq!(
            (rss.key, rss.types, rss.short),
            (DEFAULT_KEY, HashTypes::IPV4, false)
        );
        assert_eq!(rss.table[..7], [0, 1, 2, 0, 1, 2, 0]);

        let key = RssChange {
            key: Some([7; KEY_BYTES]),
            table: Some(([1; TABLE], true)),
            ..RssChange::default()
        };
        let own = VfRow {
            rss: Some(rss),
            ..row
        };
        let after = key.apply(&own, 8);
        let want = Rss {
            key: [7; KEY_BYTES],
            types: HashTypes::IPV4,
            short: true,
            table: [1; TABLE],
        };
        assert_eq!((after.rss, after.priorities), (Some(want), row.priorities));
    }
}
