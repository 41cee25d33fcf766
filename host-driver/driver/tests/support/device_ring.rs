// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The device's side of a split virtqueue, for tests. It shares no code with the driver's side, and keeps to
//! the rules unless it is told not to.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::fence;

use hairpin_driver::memory::SharedMemory;

/// Memory that a device was given: where it is on the bus, and the memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bus(pub(crate) Vec<(u64, Arc<SharedMemory>)>);

impl Bus {
    /// The memory at an address, and the offset in it; a device without it would cause a bus error.
    fn at(&self, address: u64, len: usize) -> (&SharedMemory, usize) {
        let found = self.0.iter().find_map(|(start, memory)| {
            let offset = usize::try_from(address.checked_sub(*start)?).ok()?;
            (offset + len <= memory.len()).then_some((&**memory, offset))
        });
        found.unwrap_or_else(|| panic!("DMA of {len} bytes at {address:#x}, which is not mapped"))
    }

    pub(crate) fn read(&self, address: u64, len: u32) -> Vec<u8> {
        let mut data = vec![0; len as usize];
        let (memory, offset) = self.at(address, data.len());
        memory.read(offset, &mut data);
        data
    }

    pub(crate) fn write(&self, address: u64, data: &[u8]) {
        let (memory, offset) = self.at(address, data.len());
        memory.write(offset, data);
    }

    fn load16(&self, address: u64) -> u16 {
        let (memory, offset) = self.at(address, 2);
        memory.load16(offset, Acquire)
    }

    fn store16(&self, address: u64, value: u16) {
        let (memory, offset) = self.at(address, 2);
        memory.store16(offset, value, Release);
    }

    fn load32(&self, address: u64) -> u32 {
        let (memory, offset) = self.at(address, 4);
        memory.load32(offset, Relaxed)
    }
}

/// A descriptor: address, length, whether the device writes.
pub(crate) type Descriptor = (u64, u32, bool);

/// A queue as the device sees it.
#[derive(Clone, Debug)]
pub(crate) struct DeviceRing {
    pub(crate) bus: Bus,
    /// Descriptors, available ring, used ring.
    pub(crate) addresses: [u64; 3],
    pub(crate) size: u16,
    pub(crate) event_idx: bool,
    pub(crate) taken: u16,
    pub(crate) put: u16,
    signalled: u16,
}

impl DeviceRing {
    pub(crate) fn new(bus: Bus, addresses: [u64; 3], size: u16, event_idx: bool) -> Self {
        let ring = Self {
            bus,
            addresses,
            size,
            event_idx,
            taken: 0,
            put: 0,
            signalled: 0,
        };
        ring.arm();
        ring
    }

    /// The next available chain: its head and its descriptors.
    pub(crate) fn take(&mut self) -> Option<(u16, Vec<Descriptor>)> {
        let [desc, avail, _] = self.addresses;
        let index = self.bus.load16(avail + 2);
        let ahead = index.wrapping_sub(self.taken);
        assert!(
            ahead <= self.size,
            "{ahead} chains in {} entries",
            self.size
        );
        if ahead == 0 {
            return None;
        }
        let slot = u64::from(self.taken % self.size);
        let head = self.bus.load16(avail + 4 + 2 * slot);
        self.taken = self.taken.wrapping_add(1);
        let mut chain = Vec::new();
        let mut at = head;
        loop {
            assert!(
                at < self.size && chain.len() < self.size.into(),
                "bad chain"
            );
            let entry = desc + 16 * u64::from(at);
            let address =
                u64::from(self.bus.load32(entry)) | u64::from(self.bus.load32(entry + 4)) << 32;
            let flags = self.bus.load16(entry + 12);
            chain.push((address, self.bus.load32(entry + 8), flags & 2 != 0));
            if flags & 1 == 0 {
                return Some((head, chain));
            }
            at = self.bus.load16(entry + 14);
        }
    }

    /// Puts a chain into the used ring, not yet visible.
    pub(crate) fn put(&mut self, head: u16, len: u32) {
        let [_, _, used] = self.addresses;
        self.write_used(
            used + 4 + 8 * u64::from(self.put % self.size),
            head.into(),
            len,
        );
        self.put = self.put.wrapping_add(1);
    }

    /// Shows what was put; true if the driver wants an interrupt.
    pub(crate) fn show(&mut self) -> bool {
        let [_, avail, used] = self.addresses;
        self.bus.store16(used + 2, self.put);
        fence(SeqCst);
        let old = std::mem::replace(&mut self.signalled, self.put);
        if !self.event_idx {
            return self.put != old && self.bus.load16(avail) & 1 == 0;
        }
        let event = self.bus.load16(avail + 4 + 2 * u64::from(self.size));
        // Whether one of the chains from `old` on has the index that is waited for.
        (0..self.put.wrapping_sub(old)).any(|n| old.wrapping_add(n) == event)
    }

    /// Asks for a notification at the next chain. True if there is one already.
    pub(crate) fn arm(&self) -> bool {
        let [_, avail, used] = self.addresses;
        if self.event_idx {
            let at = used + 4 + 8 * u64::from(self.size);
            self.bus.store16(at, self.taken);
        } else {
            self.bus.store16(used, 0);
        }
        fence(SeqCst);
        self.bus.load16(avail + 2) != self.taken
    }

    /// Wants no notifications.
    pub(crate) fn disarm(&self) {
        let [_, _, used] = self.addresses;
        if self.event_idx {
            let at = used + 4 + 8 * u64::from(self.size);
            self.bus.store16(at, self.taken.wrapping_sub(1));
        } else {
            self.bus.store16(used, 1);
        }
    }

    /// Writes 16 bits of the used ring's index, whatever the rules say.
    pub(crate) fn forge_index(&self, index: u16) {
        self.bus.store16(self.addresses[2] + 2, index);
    }

    /// Writes an entry of the used ring, whatever the rules say.
    pub(crate) fn forge_entry(&self, slot: u16, id: u32, len: u32) {
        let entry = self.addresses[2] + 4 + 8 * u64::from(slot % self.size);
        self.write_used(entry, id, len);
    }

    /// Writes an entry at once, as the driver reads it.
    fn write_used(&self, entry: u64, id: u32, len: u32) {
        let words = u64::from(id) | u64::from(len) << 32;
        self.bus.write(entry, &words.to_le_bytes());
    }

    /// Writes 16 bits anywhere in the queue's memory.
    pub(crate) fn scribble(&self, offset: u64, value: u16) {
        self.bus.store16(self.addresses[0] + offset, value);
    }

    /// Bytes of the queue's memory.
    pub(crate) fn len(&self) -> u64 {
        self.addresses[2] + 6 + 8 * u64::from(self.size) - self.addresses[0]
    }
}

/// Random numbers from a seed (xorshift).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below a limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}
