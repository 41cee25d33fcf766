// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A guest's side of split virtqueues (virtio 1.2, 2.7), as plain as can be: not the project's driver, which
//! could share a misunderstanding with the NIC.

use std::collections::VecDeque;

use anyhow::{Result, bail, ensure};

use super::memory::{Memories, Memory, Offer};
use crate::nic::Nic;

/// Entries of a queue.
pub(super) const ENTRIES: u16 = 64;
/// Bytes of a buffer.
const BUFFER: usize = 2048;
/// Bytes of `virtio_net_hdr` with the number of buffers.
pub(super) const HEADER: usize = 12;
/// Clocks that a device may take for a reset.
const RESET: usize = 200_000;

/// CSUM.
pub(crate) const CSUM: u64 = 1;
/// GUEST_CSUM; and, with a control queue, CTRL_VLAN.
pub(super) const GUEST_CSUM: u64 = 1 << 1;
pub(super) const CTRL_VLAN: u64 = 1 << 19;
/// Features: MRG_RXBUF, EVENT_IDX, VERSION_1, ACCESS_PLATFORM; and for several queues CTRL_VQ, MQ.
pub(crate) const FEATURES: u64 = 1 << 15 | 1 << 29 | 1 << 32 | 1 << 33;
pub(super) const MANY_QUEUES: u64 = 1 << 17 | 1 << 22;
/// INDIRECT_DESC.
pub(super) const INDIRECT: u64 = 1 << 28;

/// Registers of the common configuration (4.1.4.3).
mod common {
    pub(super) const FEATURE_SELECT: u16 = 0x00;
    pub(super) const FEATURE: u16 = 0x04;
    pub(super) const DRIVER_FEATURE_SELECT: u16 = 0x08;
    pub(super) const DRIVER_FEATURE: u16 = 0x0c;
    pub(super) const STATUS: u16 = 0x14;
    pub(super) const QUEUE_SELECT: u16 = 0x16;
    pub(super) const QUEUE_SIZE: u16 = 0x18;
    pub(super) const QUEUE_ENABLE: u16 = 0x1c;
    pub(super) const QUEUE_ADDRESSES: u16 = 0x20;
}
const NOTIFY: u16 = 0x1000;

/// A function's registers, seen from its guest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers {
    function: u8,
}

impl Registers {
    pub(super) const fn new(vf: u8) -> Self {
        Self { function: vf + 1 }
    }

    pub(super) fn read(self, nic: &Nic, at: u16) -> Result<u32> {
        Ok(nic.model().csr_read(self.function, 0, at)?)
    }

    fn write(self, nic: &Nic, at: u16, bytes: u16, value: u32) -> Result<()> {
        let place = at % 4;
        let strobes = ((1_u8 << bytes) - 1) << place;
        let mut model = nic.model();
        Ok(model.csr_write_bytes(self.function, 0, at & !3, value << (8 * place), strobes)?)
    }

    pub(super) fn status(self, nic: &Nic) -> Result<u8> {
        Ok(self.read(nic, common::STATUS)? as u8)
    }

    pub(super) fn bell(self, nic: &Nic, queue: u16) -> Result<()> {
        self.write(nic, NOTIFY + 4 * queue, 2, queue.into())
    }

    /// Resets the device, and waits until that is done.
    pub(super) fn reset(self, nic: &Nic) -> Result<()> {
        self.write(nic, common::STATUS, 1, 0)?;
        for _ in 0..RESET {
            if self.status(nic)? == 0 {
                return Ok(());
            }
        }
        bail!("function {}: the reset does not end", self.function)
    }

    /// Accepts of `wanted` what is offered.
    pub(super) fn negotiate(self, nic: &Nic, wanted: u64) -> Result<u64> {
        for status in [1, 3] {
            self.write(nic, common::STATUS, 1, status)?;
        }
        let mut accepted = 0;
        for half in [0, 1] {
            self.write(nic, common::FEATURE_SELECT, 4, half)?;
            let offered = self.read(nic, common::FEATURE)?;
            let take = offered & (wanted >> (32 * half)) as u32;
            accepted |= u64::from(take) << (32 * half);
            self.write(nic, common::DRIVER_FEATURE_SELECT, 4, half)?;
            self.write(nic, common::DRIVER_FEATURE, 4, take)?;
        }
        self.write(nic, common::STATUS, 1, 11)?;
        ensure!(self.status(nic)? == 11, "features {accepted:#x} refused");
        Ok(accepted)
    }

    pub(super) fn enable(self, nic: &Nic, queue: u16, size: u16, rings: [u64; 3]) -> Result<()> {
        self.write(nic, common::QUEUE_SELECT, 2, queue.into())?;
        self.write(nic, common::QUEUE_SIZE, 2, size.into())?;
        for (at, ring) in (common::QUEUE_ADDRESSES..).step_by(8).zip(rings) {
            self.write(nic, at, 4, ring as u32)?;
            self.write(nic, at + 4, 4, (ring >> 32) as u32)?;
        }
        self.write(nic, common::QUEUE_ENABLE, 2, 1)
    }

    /// A queue's size, whether it is enabled, and the words of its addresses.
    pub(super) fn queue(self, nic: &Nic, queue: u16) -> Result<[u32; 8]> {
        self.write(nic, common::QUEUE_SELECT, 2, queue.into())?;
        let mut words = [0; 8];
        for (word, at) in words.iter_mut().zip((common::QUEUE_SIZE..).step_by(4)) {
            *word = self.read(nic, at)?
                & if at < common::QUEUE_ADDRESSES {
                    0xffff
                } else {
                    u32::MAX
                };
        }
        Ok(words)
    }

    pub(super) fn start(self, nic: &Nic) -> Result<()> {
        self.write(nic, common::STATUS, 1, 15)
    }
}

/// Where the rings and buffers of a queue are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(usize);

impl Place {
    /// Queue `n` of a guest; there is room for eight.
    pub(super) const fn of(n: u16) -> Self {
        Self(n as usize * 0x2_8000)
    }

    pub(super) const fn descriptor(self, n: u16) -> usize {
        self.0 + 16 * n as usize
    }

    pub(super) const fn avail(self) -> usize {
        self.0 + 0x1000
    }

    pub(super) const fn used(self) -> usize {
        self.0 + 0x2000
    }

    pub(super) const fn buffer(self, n: u16) -> usize {
        self.0 + 0x8000 + BUFFER * n as usize
    }

    pub(super) const fn rings(self) -> [u64; 3] {
        [self.0 as u64, self.avail() as u64, self.used() as u64]
    }

    pub(super) fn write_descriptor(self, memory: &mut Memory, n: u16, words: (u64, u32, u16, u16)) {
        let (addr, len, flags, next) = words;
        let at = self.descriptor(n);
        memory.write(at, &addr.to_le_bytes());
        memory.write(at + 8, &len.to_le_bytes());
        memory.write(at + 12, &flags.to_le_bytes());
        memory.write(at + 14, &next.to_le_bytes());
    }
}

/// A queue of a well-behaved guest: descriptor *n* is always that of buffer *n*.
#[derive(Debug)]
struct Queue {
    number: u16,
    place: Place,
    /// How far the available and the used ring were written and read.
    avail: u16,
    told: u16,
    used: u16,
    free: VecDeque<u16>,
    /// By head: the buffers of a chain that the NIC has.
    chains: Vec<Vec<u16>>,
}

impl Queue {
    fn new(number: u16) -> Self {
        Self {
            number,
            place: Place::of(number),
            avail: 0,
            told: 0,
            used: 0,
            free: (0..ENTRIES).collect(),
            chains: vec![Vec::new(); usize::from(ENTRIES)],
        }
    }

    /// Clears the rings, and lets the NIC read what is the driver's and write the used one.
    fn clear(&self, memory: &mut Memory) {
        for at in [self.place.avail(), self.place.used()] {
            memory.write(at, &[0; 6 + 8 * ENTRIES as usize]);
        }
        let entries = usize::from(ENTRIES);
        memory.offer(self.place.descriptor(0), 16 * entries, Offer::Read);
        memory.offer(self.place.avail(), 6 + 2 * entries, Offer::Read);
        memory.offer(self.place.used(), 6 + 8 * entries, Offer::Write);
    }

    fn put(&mut self, memory: &mut Memory, n: u16, len: u32, writable: bool) {
        self.put_chain(memory, &[(n, len)], writable);
    }

    /// A chain of buffers, of each the first bytes.
    fn put_chain(&mut self, memory: &mut Memory, pieces: &[(u16, u32)], writable: bool) {
        let offer = if writable { Offer::Write } else { Offer::Read };
        let nexts = pieces.iter().skip(1).map(|(next, _)| Some(*next));
        for ((n, len), next) in pieces.iter().zip(nexts.chain([None])) {
            let buffer = self.place.buffer(*n);
            let flags = u16::from(next.is_some()) | if writable { 2 } else { 0 };
            let words = (buffer as u64, *len, flags, next.unwrap_or(0));
            self.place.write_descriptor(memory, *n, words);
            memory.offer(buffer, *len as usize, offer);
        }
        let Some((n, _)) = pieces.first() else {
            return;
        };
        self.chains[usize::from(*n)] = pieces.iter().map(|(n, _)| *n).collect();
        let slot = self.place.avail() + 4 + 2 * usize::from(self.avail % ENTRIES);
        memory.write(slot, &n.to_le_bytes());
        self.avail = self.avail.wrapping_add(1);
        memory.write(self.place.avail() + 2, &self.avail.to_le_bytes());
    }

    /// What the NIC gave back: the buffer, and the bytes in it.
    fn take(&mut self, memory: &mut Memory) -> Option<(u16, u32)> {
        if memory.read16(self.place.used() + 2) == self.used {
            return None;
        }
        let slot = self.place.used() + 4 + 8 * usize::from(self.used % ENTRIES);
        let (n, len) = (memory.read32(slot), memory.read32(slot + 4));
        self.used = self.used.wrapping_add(1);
        for n in self.chains.get(n as usize).into_iter().flatten() {
            memory.offer(self.place.buffer(*n), BUFFER, Offer::Nothing);
        }
        Some((u16::try_from(n).unwrap_or(u16::MAX), len))
    }

    /// Whether the NIC wants to hear of what was put since the last time (2.7.10).
    fn must_tell(&mut self, memory: &Memory) -> bool {
        let event = memory.read16(self.place.used() + 4 + 8 * usize::from(ENTRIES));
        let (old, new) = (self.told, self.avail);
        self.told = new;
        new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
    }
}

/// Asks in the header before a frame for the checksum from byte 14 on, and changes the last two bytes so that it is what
/// they were. In numbers modulo 65535: what is there plus what comes is 0.
fn ask(bytes: &mut [u8]) -> Result<()> {
    const START: usize = 14;
    let place = bytes.len() - 2;
    let offset = (place - HEADER - START) as u16;
    ensure!(offset.is_multiple_of(2), "a frame of an odd length");
    let words = bytes[HEADER + START..].as_chunks::<2>().0.iter();
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    let field = (65535 - sum % 65535) as u16;
    bytes[place..].copy_from_slice(&field.to_be_bytes());
    bytes[0] = 1;
    bytes[6..8].copy_from_slice(&(START as u16).to_le_bytes());
    bytes[8..10].copy_from_slice(&offset.to_le_bytes());
    Ok(())
}

/// A well-behaved guest with one queue pair, on a VF of its own.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) vf: u8,
    pub(super) registers: Registers,
    /// Features that it accepts if they are offered.
    features: u64,
    /// It accepted CSUM.
    pub(super) sums: bool,
    memories: Memories,
    rx: Queue,
    tx: Queue,
    /// Frames given to the NIC, and those that it gave back.
    pub(super) sent: u32,
    pub(super) done: u32,
}

impl Guest {
    pub(super) fn new(memories: &Memories, vf: u8, features: u64) -> Self {
        Self {
            vf,
            features,
            sums: false,
            registers: Registers::new(vf),
            memories: memories.clone(),
            rx: Queue::new(0),
            tx: Queue::new(1),
            sent: 0,
            done: 0,
        }
    }

    /// Sets the device up from the start, all receive buffers in its hands.
    pub(super) fn start(&mut self, nic: &Nic) -> Result<()> {
        self.registers.reset(nic)?;
        self.sums = self.registers.negotiate(nic, self.features)? & CSUM != 0;
        (self.rx, self.tx) = (Queue::new(0), Queue::new(1));
        self.memories.of(self.vf, |memory| {
            memory.silent = false;
            self.rx.clear(memory);
            self.tx.clear(memory);
            while let Some(n) = self.rx.free.pop_front() {
                self.rx.put(memory, n, BUFFER as u32, true);
            }
        });
        for queue in [&self.rx, &self.tx] {
            self.registers
                .enable(nic, queue.number, ENTRIES, queue.place.rings())?;
        }
        self.registers.start(nic)
    }

    /// Whether a frame waits that it has not seen yet.
    pub(super) fn has_news(&self) -> bool {
        let used = |memory: &mut Memory| memory.read16(self.rx.place.used() + 2);
        self.memories.of(self.vf, used) != self.rx.used
    }

    /// Buffers that are free to send.
    pub(super) fn room(&self) -> usize {
        self.tx.free.len()
    }

    /// Puts a frame into the transmit ring; nobody is told yet. With CSUM its last two bytes are what a checksum makes
    /// of others.
    pub(super) fn send(&mut self, frame: &[u8]) -> Result<()> {
        let mut bytes = [&[0; HEADER], frame].concat();
        if self.sums {
            ask(&mut bytes)?;
        }
        self.send_pieces(&[bytes])
    }

    /// Puts a header and a frame into the transmit ring, a buffer for each piece of them.
    pub(super) fn send_pieces(&mut self, pieces: &[Vec<u8>]) -> Result<()> {
        let room = self.room();
        ensure!(pieces.len() <= room, "vf{}: no room", self.vf);
        let buffers: Vec<u16> = self.tx.free.drain(..pieces.len()).collect();
        self.memories.of(self.vf, |memory| {
            let mut chain = Vec::new();
            for (n, bytes) in buffers.iter().zip(pieces) {
                memory.write(self.tx.place.buffer(*n), bytes);
                chain.push((*n, bytes.len() as u32));
            }
            self.tx.put_chain(memory, &chain, false);
        });
        self.sent += 1;
        Ok(())
    }

    /// Takes what came, gives the buffers back, and rings where that is wanted.
    pub(super) fn poll(&mut self, nic: &Nic, mut came: impl FnMut(&[u8])) -> Result<()> {
        let (vf, rx, tx) = (self.vf, &mut self.rx, &mut self.tx);
        let mut done = 0;
        let bells = self.memories.of(vf, |memory| {
            while let Some((n, len)) = rx.take(memory) {
                ensure!(n < ENTRIES, "vf{vf}: buffer {n} is none");
                let len = len as usize;
                ensure!(
                    (HEADER..=BUFFER).contains(&len),
                    "vf{vf}: {len} bytes received"
                );
                let at = rx.place.buffer(n);
                ensure!(memory.read16(at + 10) == 1, "vf{vf}: a frame in pieces");
                came(memory.read(at + HEADER, len - HEADER));
                rx.put(memory, n, BUFFER as u32, true);
            }
            while let Some((n, _)) = tx.take(memory) {
                ensure!(n < ENTRIES, "vf{vf}: buffer {n} is none");
                let chain = std::mem::take(&mut tx.chains[usize::from(n)]);
                ensure!(!chain.is_empty(), "vf{vf}: buffer {n} was not sent");
                tx.free.extend(chain);
                done += 1;
            }
            Ok([rx.must_tell(memory), tx.must_tell(memory)])
        })?;
        self.done += done;
        for (queue, bell) in [(0, bells[0]), (1, bells[1])] {
            if bell {
                self.registers.bell(nic, queue)?;
            }
        }
        Ok(())
    }
}
