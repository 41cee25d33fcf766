// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Memory of guests, and what the NIC may do with it.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{HostMemory, Refused};

/// Bytes of a guest's memory, from address 0 on. Whatever is beyond is refused.
pub(super) const SIZE: usize = 0x14_0000;
/// What is in it where nobody has written.
const CANARY: u8 = 0xc5;

/// What the NIC may do with a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Nothing,
    Read,
    Write,
}

/// What the NIC did to a guest's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Deeds {
    /// Accesses beyond its end.
    pub(super) refused: u64,
    /// Accesses to places that its driver did not offer for them.
    pub(super) stray: u64,
    /// Accesses while the function was one that makes none.
    pub(super) unasked: u64,
}

/// The memory of one guest.
#[derive(Debug)]
pub(super) struct Memory {
    bytes: Vec<u8>,
    /// A mark per byte.
    offered: Vec<Offer>,
    /// Everything is offered, for everything: the guest wants to be hurt.
    pub(super) careless: bool,
    /// The function is reset, or was never set up.
    pub(super) silent: bool,
    pub(super) deeds: Deeds,
}

impl Memory {
    fn new() -> Self {
        Self {
            bytes: vec![CANARY; SIZE],
            offered: vec![Offer::Nothing; SIZE],
            careless: false,
            silent: true,
            deeds: Deeds::default(),
        }
    }

    fn range(&mut self, addr: u64, len: usize, offer: Offer) -> Result<Range<usize>, Refused> {
        if self.silent {
            self.deeds.unasked += 1;
        }
        let start = usize::try_from(addr).ok().filter(|at| *at < SIZE);
        let range = start.map(|at| at..at + len);
        let range = range.filter(|range| range.end <= SIZE);
        let Some(range) = range else {
            self.deeds.refused += 1;
            return Err(Refused);
        };
        let mut offered = self.offered[range.clone()].iter();
        if !self.careless && offered.any(|offered| *offered != offer) {
            self.deeds.stray += 1;
        }
        Ok(range)
    }

    /// Lets the NIC use a place so from now on.
    pub(super) fn offer(&mut self, at: usize, len: usize, offer: Offer) {
        self.offered[at..at + len].fill(offer);
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(super) fn read(&self, at: usize, len: usize) -> &[u8] {
        &self.bytes[at..at + len]
    }

    pub(super) fn read16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    pub(super) fn read32(&self, at: usize) -> u32 {
        u32::from(self.read16(at)) | u32::from(self.read16(at + 2)) << 16
    }
}

/// The memories of all VFs, behind the NIC's bus master; behind them one for functions that have none.
#[derive(Clone, Debug)]
pub(super) struct Memories(Arc<Mutex<Vec<Memory>>>);

impl Memories {
    pub(super) fn new(vfs: usize) -> Self {
        let all = (0..=vfs).map(|_| Memory::new()).collect();
        Self(Arc::new(Mutex::new(all)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the memory of a VF.
    pub(super) fn of<T>(&self, vf: u8, what: impl FnOnce(&mut Memory) -> T) -> T {
        what(&mut self.lock()[usize::from(vf)])
    }

    /// What the NIC did to all of them.
    pub(super) fn deeds(&self) -> Vec<Deeds> {
        self.lock().iter().map(|memory| memory.deeds).collect()
    }
}

impl HostMemory for Memories {
    fn read(&mut self, function: u8, addr: u64, data: &mut [u8]) -> Result<(), Refused> {
        let mut all = self.lock();
        let memory = of_function(&mut all, function).ok_or(Refused)?;
        let range = memory.range(addr, data.len(), Offer::Read)?;
        data.copy_from_slice(&memory.bytes[range]);
        Ok(())
    }

    fn write(&mut self, function: u8, addr: u64, data: &[u8]) -> Result<(), Refused> {
        let mut all = self.lock();
        let memory = of_function(&mut all, function).ok_or(Refused)?;
        let range = memory.range(addr, data.len(), Offer::Write)?;
        memory.bytes[range].copy_from_slice(data);
        Ok(())
    }
}

fn of_function(all: &mut [Memory], function: u8) -> Option<&mut Memory> {
    let last = all.len().checked_sub(1)?;
    let vf = usize::from(function).checked_sub(1).unwrap_or(last);
    all.get_mut(vf.min(last))
}
