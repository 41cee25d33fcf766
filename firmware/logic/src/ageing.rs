// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Entries that nobody uses: a sweep of each table about once a second. One table at a time: a second
//! sweep would wait for the first one, and what is learned with it.

use hairpin_abi::admin::AdminError;
use hairpin_abi::{Seen, Table, Teacher};

use crate::{BusFault, TableBus};

/// Ticks of the nominal datapath clock in a second.
const TICKS_PER_SECOND: u64 = 156_250_000;
/// Ticks from sweep to sweep of a table, 0.86 s at the nominal clock.
pub const PERIOD: u64 = 1 << 27;
/// Longest ageing time in seconds. A stamp has 16 bits and wraps after 879 s: an entry must be swept
/// before it looks young again.
pub const MAX_SECONDS: u32 = 800;
/// Ageing time of both tables until the host sets one.
const DEFAULT_SECONDS: u32 = 300;

/// How long entries stay without use, in stamp units; 0: for ever.
#[derive(Debug)]
pub(crate) struct Ageing {
    mac: u16,
    flow: u16,
    /// When the next sweep is due.
    next: u64,
    /// It is that of the flow cache.
    flow_next: bool,
}

impl Ageing {
    /// All zeros: nothing ages.
    pub(crate) const fn never() -> Self {
        Self {
            mac: 0,
            flow: 0,
            next: 0,
            flow_next: false,
        }
    }

    /// Sets what holds until the host says otherwise.
    pub(crate) fn init(&mut self) {
        self.mac = units(DEFAULT_SECONDS);
        self.flow = units(DEFAULT_SECONDS);
    }

    /// Sets both times, in seconds.
    pub(crate) fn set(&mut self, mac: u32, flow: u32) -> Result<(), AdminError> {
        if mac > MAX_SECONDS || flow > MAX_SECONDS {
            return Err(AdminError::BadArgument);
        }
        self.mac = units(mac);
        self.flow = units(flow);
        Ok(())
    }

    /// The age at which flow entries go.
    pub(crate) const fn flow(&self) -> u16 {
        self.flow
    }

    /// Starts the sweep that is due.
    pub(crate) fn sweep(&mut self, bus: &mut impl TableBus, time: u64) -> Result<(), BusFault> {
        if time < self.next {
            return Ok(());
        }
        self.next = time.saturating_add(PERIOD / 2);
        let flow = self.flow_next;
        self.flow_next = !flow;
        // Entries of a policy stay until they are removed.
        let (table, age, teacher) = if flow {
            (Table::Flow, self.flow, Teacher::Flow)
        } else {
            (Table::Mac, self.mac, Teacher::Learned)
        };
        match age {
            0 => Ok(()),
            _ => bus.sweep(table, age, teacher),
        }
    }
}

/// Stamp units of some seconds, at most [`MAX_SECONDS`]; rounded up, so that a second is not never.
fn units(seconds: u32) -> u16 {
    let ticks = u64::from(seconds) * TICKS_PER_SECOND;
    u16::try_from(ticks.div_ceil(1 << Seen::SHIFT)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_stamp_units() {
        assert_eq!(units(0), 0);
        assert_eq!(units(1), 75);
        assert_eq!(units(300), 22_352);
        // The longest age and a few sweeps fit into what a stamp can tell apart.
        let sweeps = 8 * (PERIOD >> Seen::SHIFT) as u16;
        assert!(units(MAX_SECONDS).checked_add(sweeps).is_some());
    }
}
