// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Receive steering: which of a VF's queues a frame goes to.
//!
//! ```text
//!  hairpin filter …, rss …  ─► FilterEdit, RssEdit (clap) ─► Filter, RssChange ─► Device ─► words
//! ```
//!
//! The rules and the layout of the words are those of [`hairpin_eswitch::steer`], whose types are used here.

mod change;
#[cfg(feature = "cli")]
mod command;
pub(crate) mod parse;
mod state;
mod values;

use std::fmt;

use hairpin_abi::VPort;
use hairpin_eswitch::steer::words;
pub use hairpin_eswitch::steer::{
    DEFAULT_KEY, EtherTypeFilter, Family, HashTypes, KEY_BYTES, Prefix, Rss, SHORT_TABLE, TABLE,
    TupleFilter, VfRow,
};

pub use change::RssChange;
#[cfg(feature = "cli")]
pub use command::{FilterEdit, PoolEdit, RssEdit, SteerEdit};
pub use state::{EtherTypeFilterState, FilterRoom, RssState, TupleFilterState, hash_type_names};

use crate::{Device, Error, Transport};

/// Words of a key, of the queues of the priorities and of an indirection table.
const KEY_WORDS: usize = KEY_BYTES / 4;
const TABLE_WORDS: usize = TABLE / 4;

/// Frames that go to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// By addresses, protocol and ports.
    Tuple(TupleFilter),
    /// By EtherType.
    EtherType(EtherTypeFilter),
}

impl Filter {
    /// Whose frames.
    #[must_use]
    pub fn vf(&self) -> VPort {
        match self {
            Self::Tuple(filter) => filter.vf,
            Self::EtherType(filter) => filter.vf,
        }
    }

    /// Their queue.
    #[must_use]
    pub fn queue(&self) -> u8 {
        match self {
            Self::Tuple(filter) => filter.queue,
            Self::EtherType(filter) => filter.queue,
        }
    }
}

/// The place of a filter among those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilterPlace {
    /// A five-tuple filter.
    Tuple(u8),
    /// An EtherType filter.
    EtherType(u8),
}

impl fmt::Display for FilterPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tuple(index) => write!(f, "filter {index}"),
            Self::EtherType(index) => write!(f, "EtherType filter {index}"),
        }
    }
}

impl<T: Transport> Device<T> {
    /// How many filters there are room for.
    ///
    /// # Errors
    /// The NIC cannot be reached or has no steering, here and below.
    pub fn filter_room(&mut self) -> Result<FilterRoom, Error> {
        if !self.capabilities().virtqueues {
            return Err(Error::NoSteering);
        }
        let [sizes] = self.read_words(words::SIZES.into())?;
        let (five_tuple, ethertype) = (sizes as u8, (sizes >> 8) as u8);
        let (most_tuples, most_ethertypes) = words::MOST;
        for (what, value, most) in [
            ("its five-tuple filters", five_tuple, most_tuples),
            ("its EtherType filters", ethertype, most_ethertypes),
        ] {
            if value > most {
                let value = value.into();
                return Err(Error::BadCapability { what, value });
            }
        }
        Ok(FilterRoom {
            five_tuple,
            ethertype,
        })
    }

    /// Reads a filter; `None` if it is not enabled.
    ///
    /// # Errors
    /// As above, or it has no such filter.
    pub fn read_filter(&mut self, place: FilterPlace) -> Result<Option<Filter>, Error> {
        let at = self.filter_words(place)?;
        self.read_filter_at(place, at)
    }

    /// Writes a filter over whatever is there, or disables it. No frame sees half of it.
    ///
    /// # Errors
    /// As above, or the NIC did not enable it.
    pub fn write_filter(
        &mut self,
        place: FilterPlace,
        filter: Option<&Filter>,
    ) -> Result<(), Error> {
        let at = self.filter_words(place)?;
        self.write_filter_at(place, at, filter)?;
        if self.read_filter_at(place, at)?.as_ref() == filter {
            return Ok(());
        }
        let what = place.to_string();
        Err(Error::NotEnabled { what })
    }

    /// Writes many filters, and only then looks whether the NIC enabled them: reads take long.
    ///
    /// # Errors
    /// As above.
    pub fn write_filters(
        &mut self,
        filters: &[(FilterPlace, Option<Filter>)],
    ) -> Result<(), Error> {
        for (place, filter) in filters {
            self.write_filter_at(*place, words_of(*place), filter.as_ref())?;
        }
        for (place, filter) in filters {
            let enabling = match place {
                FilterPlace::Tuple(_) => words_of(*place) + LAST,
                FilterPlace::EtherType(_) => words_of(*place),
            };
            let [word] = self.read_words(enabling)?;
            if (word & words::ENABLE != 0) != filter.is_some() {
                let what = place.to_string();
                return Err(Error::NotEnabled { what });
            }
        }
        Ok(())
    }

    fn write_filter_at(
        &mut self,
        place: FilterPlace,
        at: u32,
        filter: Option<&Filter>,
    ) -> Result<(), Error> {
        match (place, filter) {
            (FilterPlace::EtherType(_), None) => self.write_words(at, &[0])?,
            (FilterPlace::Tuple(_), None) => self.write_words(at + LAST, &[0])?,
            (FilterPlace::EtherType(_), Some(Filter::EtherType(filter))) => {
                self.write_words(at, &[filter.word()])?;
            }
            // The first word disables what was there, the last one enables it.
            (FilterPlace::Tuple(_), Some(Filter::Tuple(filter))) => {
                self.write_words(at, &filter.words())?;
            }
            (_, Some(_)) => {
                let what = format!("{place}: it is of another kind");
                return Err(Error::NotEnabled { what });
            }
        }
        Ok(())
    }

    /// The filters that are enabled, in their order.
    ///
    /// # Errors
    /// As above.
    pub fn filters(&mut self) -> Result<Vec<(FilterPlace, Filter)>, Error> {
        let room = self.filter_room()?;
        let mut filters = Vec::new();
        for place in room.places() {
            if let Some(filter) = self.read_filter_at(place, words_of(place))? {
                filters.push((place, filter));
            }
        }
        Ok(filters)
    }

    /// What is set for a VF beside the filters.
    ///
    /// # Errors
    /// As above, or it has no such VF.
    pub fn read_steering(&mut self, vport: VPort) -> Result<VfRow, Error> {
        self.select_steering(vport)?;
        let priorities = self.read_words(words::PRIORITIES.into())?;
        let [word] = self.read_words(words::RSS.into())?;
        let rss = if word & words::RSS_ENABLE == 0 {
            None
        } else {
            let key: [u32; KEY_WORDS] = self.read_words(words::VF.into())?;
            let table: [u32; TABLE_WORDS] = self.read_words(words::INDIRECTION.into())?;
            Rss::from_words(word, &key, &table)
        };
        Ok(VfRow {
            priorities: words::priorities_of(&priorities),
            rss,
        })
    }

    /// Gives a VF a hash configuration of its own, or the default. Until all of it is there the default holds.
    ///
    /// # Errors
    /// As above, or the NIC did not enable it.
    pub fn write_rss(&mut self, vport: VPort, rss: Option<&Rss>) -> Result<(), Error> {
        self.select_steering(vport)?;
        let word = match rss {
            None => 0,
            Some(rss) => {
                self.write_words(words::VF.into(), &rss.key_words())?;
                self.write_words(words::INDIRECTION.into(), &rss.table_words())?;
                rss.word()
            }
        };
        self.write_words(words::RSS.into(), &[word])?;
        let [back] = self.read_words(words::RSS.into())?;
        if back & words::RSS_ENABLE == word & words::RSS_ENABLE {
            return Ok(());
        }
        let what = format!("the hash of {vport}");
        Err(Error::NotEnabled { what })
    }

    /// Sets the queues of a VF's priorities.
    ///
    /// # Errors
    /// As above.
    pub fn write_priorities(
        &mut self,
        vport: VPort,
        queues: &[Option<u8>; 8],
    ) -> Result<(), Error> {
        self.select_steering(vport)?;
        self.write_words(words::PRIORITIES.into(), &words::priorities(queues))
    }

    fn read_filter_at(&mut self, place: FilterPlace, at: u32) -> Result<Option<Filter>, Error> {
        match place {
            FilterPlace::EtherType(_) => {
                let [word] = self.read_words(at)?;
                Ok(EtherTypeFilter::from_word(word).map(Filter::EtherType))
            }
            FilterPlace::Tuple(_) => {
                // Most are not enabled, and every read of a live NIC takes a while.
                let [last] = self.read_words(at + LAST)?;
                if last & words::ENABLE == 0 {
                    return Ok(None);
                }
                let filter = self.read_words(at)?;
                Ok(TupleFilter::from_words(&filter).map(Filter::Tuple))
            }
        }
    }

    /// Where the words of a filter are that the NIC has.
    fn filter_words(&mut self, place: FilterPlace) -> Result<u32, Error> {
        let room = self.filter_room()?;
        let (index, count) = match place {
            FilterPlace::Tuple(index) => (index, room.five_tuple),
            FilterPlace::EtherType(index) => (index, room.ethertype),
        };
        if index < count {
            return Ok(words_of(place));
        }
        Err(Error::NoFilter {
            filter: place,
            count,
        })
    }

    /// Puts the words of a VF into the window.
    fn select_steering(&mut self, vport: VPort) -> Result<(), Error> {
        if !self.capabilities().virtqueues {
            return Err(Error::NoSteering);
        }
        let vf = vport.get();
        if vf >= self.capabilities().vfs {
            return Err(Error::NoVf { vf });
        }
        self.write_words(words::SELECT.into(), &[vf.into()])
    }
}

/// From the first word of a five-tuple filter to the one that enables it.
const LAST: u32 = 4 * (words::TUPLE_WORDS as u32 - 1);

/// Where the words of a filter are.
fn words_of(place: FilterPlace) -> u32 {
    match place {
        FilterPlace::Tuple(index) => {
            u32::from(words::TUPLES) + u32::from(words::TUPLE_STRIDE) * u32::from(index)
        }
        FilterPlace::EtherType(index) => u32::from(words::ETHERTYPES) + 4 * u32::from(index),
    }
}
