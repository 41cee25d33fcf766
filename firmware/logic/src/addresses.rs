// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The learned addresses, in the order they came. The MAC table itself is in the hardware; this list
//! says which of its entries the firmware may take back.

use hairpin_abi::row::MacKey;
use hairpin_abi::{MAX_VF, MacAddr, VPort, VVlan};
use heapless::Vec;

/// Most addresses that can be learned at a time, over all vPorts. When the list is full, the firmware
/// refuses to learn more.
pub const MAX_LEARNED: usize = 1024;

/// A learned address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Learned {
    mac: MacAddr,
    vvlan: VVlan,
    vport: VPort,
}

impl Learned {
    const fn key(&self) -> MacKey {
        MacKey {
            vvlan: self.vvlan,
            mac: self.mac,
        }
    }
}

/// Every learned address, and how many each vPort has.
#[derive(Debug)]
pub struct Addresses {
    list: Vec<Learned, MAX_LEARNED>,
    counts: [u16; MAX_VF],
}

impl Addresses {
    /// No address.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            list: Vec::new(),
            counts: [0; MAX_VF],
        }
    }

    /// Number of addresses.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True if nothing is learned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// True if no more fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.list.is_full()
    }

    /// Number of addresses of a vPort.
    #[must_use]
    pub fn count(&self, vport: VPort) -> u16 {
        self.counts.get(vport.index()).copied().unwrap_or(0)
    }

    /// Remembers an address that was not there. False, and nothing happens, if the list is full.
    pub fn add(&mut self, key: MacKey, vport: VPort) -> bool {
        let entry = Learned {
            mac: key.mac,
            vvlan: key.vvlan,
            vport,
        };
        let added = self.list.push(entry).is_ok();
        if added && let Some(count) = self.counts.get_mut(vport.index()) {
            *count += 1;
        }
        added
    }

    /// Moves an address to another vPort; false if it is not there.
    pub fn relocate(&mut self, key: &MacKey, to: VPort) -> bool {
        let Some(entry) = self.list.iter_mut().find(|entry| entry.key() == *key) else {
            return false;
        };
        let from = entry.vport;
        entry.vport = to;
        self.uncount(from);
        if let Some(count) = self.counts.get_mut(to.index()) {
            *count += 1;
        }
        true
    }

    /// Forgets an address; false if it was not there.
    pub fn remove(&mut self, key: &MacKey) -> bool {
        let found = self.list.iter().position(|entry| entry.key() == *key);
        found.is_some_and(|index| self.remove_at(index))
    }

    /// Some address of a vPort.
    #[must_use]
    pub fn find_vport(&self, vport: VPort) -> Option<MacKey> {
        self.list
            .iter()
            .rev()
            .find(|entry| entry.vport == vport)
            .map(Learned::key)
    }

    /// Some address of a V.VLAN.
    #[must_use]
    pub fn find_vvlan(&self, vvlan: VVlan) -> Option<MacKey> {
        self.list
            .iter()
            .rev()
            .find(|entry| entry.vvlan == vvlan)
            .map(Learned::key)
    }

    fn remove_at(&mut self, index: usize) -> bool {
        if index >= self.list.len() {
            return false;
        }
        let removed = self.list.swap_remove(index);
        self.uncount(removed.vport);
        true
    }

    fn uncount(&mut self, vport: VPort) {
        if let Some(count) = self.counts.get_mut(vport.index()) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Default for Addresses {
    fn default() -> Self {
        Self::new()
    }
}
