// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A virtio-net device for tests, with the registers of a Hairpin VF. What it sends comes out at the other
//! device of its cable.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use hairpin_driver::memory::SharedMemory;

use crate::device_ring::{Bus, Descriptor, DeviceRing};
use crate::served::{INVALID, Served};

const HEADER: usize = 12;
const DRIVER_OK: u8 = 4;
const NEEDS_RESET: u8 = 0x40;

/// Frames on their way in one direction.
pub(crate) type Cable = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// What goes wrong on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// Does not take the features.
    Features,
    /// Queues have no entries: the PF gave none.
    NoQueues,
    /// Reads as all ones.
    Gone,
    /// Receives with an id that the driver never gave.
    BadId,
    /// Receives with a length beyond the buffer.
    BadLength,
    /// Receives shorter than a header.
    Short,
    /// Says that a frame is in more buffers than there are.
    BadCount,
    /// Refuses commands of the control queue.
    Control,
    /// Quarantines the first queue that is used.
    Quarantine,
}

#[derive(Clone, Debug, Default)]
struct Queue {
    size: u16,
    vector: u16,
    enabled: bool,
    addresses: [u64; 3],
    ring: Option<DeviceRing>,
    /// Buffers that were taken and not used yet.
    buffers: VecDeque<(u16, Vec<Descriptor>)>,
}

pub(crate) struct Net {
    pub(crate) offered: u64,
    pub(crate) mac: [u8; 6],
    pub(crate) mtu: u16,
    pub(crate) pairs: u16,
    pub(crate) vectors: u16,
    pub(crate) fault: Arc<Mutex<Fault>>,
    /// Checksums that the driver asked for.
    pub(crate) sums: Arc<Mutex<usize>>,
    pub(crate) out: Cable,
    pub(crate) input: Cable,
    pub(crate) doorbells: Arc<Mutex<u64>>,
    selects: [u32; 2],
    accepted: u64,
    status: u8,
    config_vector: u16,
    select: u16,
    queues: Vec<Queue>,
    bus: Bus,
    events: Vec<OwnedFd>,
    config: [u8; 256],
    active_pairs: u16,
    turn: u16,
}

pub(crate) const CSUM: u64 = 1;
/// MTU, MAC, MRG_RXBUF, STATUS, EVENT_IDX, VERSION_1, ACCESS_PLATFORM.
pub(crate) const ALL: u64 = 1 << 3 | 1 << 5 | 1 << 15 | 1 << 16 | 1 << 29 | 1 << 32 | 1 << 33;
pub(crate) const MRG_RXBUF: u64 = 1 << 15;
pub(crate) const EVENT_IDX: u64 = 1 << 29;
pub(crate) const MULTI: u64 = 1 << 17 | 1 << 22;

/// Completes a checksum: what is there counts, then it is replaced. Numbers modulo 65535, where 0 is 65535.
pub(crate) fn complete(frame: &mut [u8], start: usize, offset: usize) {
    let words = frame[start..].chunks(2);
    let sum = words.fold(0, |sum, word| {
        let low = word.get(1).copied().unwrap_or(0);
        (sum + u32::from(word[0]) * 256 + u32::from(low)) % 65535
    });
    let sum = (65535 - sum) as u16;
    frame[start + offset..][..2].copy_from_slice(&sum.to_be_bytes());
}

impl Net {
    pub(crate) fn new(offered: u64, out: &Cable, input: &Cable) -> Self {
        let mut config = [0; 256];
        config[..4].copy_from_slice(&[0xf4, 0x1a, 0x41, 0x10]);
        config[6] = 0x10;
        config[0x34] = 0x40;
        let windows = [
            (1, 0, 0x38),
            (3, 0x100, 1),
            (4, 0x200, 12),
            (2, 0x1000, 0x400),
        ];
        for (index, (kind, offset, len)) in windows.into_iter().enumerate() {
            let at = 0x40 + 0x18 * index;
            let next = if index == 3 { 0 } else { at as u8 + 0x18 };
            config[at..at + 5].copy_from_slice(&[9, next, 20, kind, 0]);
            config[at + 8..at + 12].copy_from_slice(&u32::to_le_bytes(offset));
            config[at + 12..at + 16].copy_from_slice(&u32::to_le_bytes(len));
            config[at + 16] = 4;
        }
        let mut net = Self {
            offered,
            mac: [2, 0, 0, 0, 0, 1],
            mtu: 1500,
            pairs: 1,
            vectors: 3,
            fault: Arc::default(),
            sums: Arc::default(),
            out: Arc::clone(out),
            input: Arc::clone(input),
            doorbells: Arc::default(),
            selects: [0; 2],
            accepted: 0,
            status: 0,
            config_vector: 0xffff,
            select: 0,
            queues: Vec::new(),
            bus: Bus::default(),
            events: Vec::new(),
            config,
            active_pairs: 1,
            turn: 0,
        };
        net.reset_queues();
        net
    }

    /// As many queues as there are pairs, and a control queue.
    fn reset_queues(&mut self) {
        let queue = Queue {
            size: 256,
            vector: 0xffff,
            ..Queue::default()
        };
        self.queues = vec![queue; 2 * usize::from(self.pairs) + 1];
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    fn load(&mut self, offset: u64) -> u8 {
        let byte = |value: u64, first: u64| value.to_le_bytes()[(offset - first) as usize];
        let queue = self
            .queues
            .get(usize::from(self.select))
            .cloned()
            .unwrap_or_default();
        let size = match self.fault() {
            Fault::NoQueues => 0,
            _ => queue.size,
        };
        match offset {
            0x00..0x04 => byte(self.selects[0].into(), 0),
            0x04..0x08 => byte(
                self.offered >> (32 * (self.selects[0] & 1)) & 0xffff_ffff,
                4,
            ),
            0x10..0x12 => byte(self.config_vector.into(), 0x10),
            0x12..0x14 => byte(self.queues.len() as u64, 0x12),
            0x14 => self.status,
            0x15 => 9,
            0x16..0x18 => byte(self.select.into(), 0x16),
            0x18..0x1a => byte(size.into(), 0x18),
            0x1a..0x1c => byte(queue.vector.into(), 0x1a),
            0x1c..0x1e => byte(queue.enabled.into(), 0x1c),
            0x1e..0x20 => byte(self.select.into(), 0x1e),
            0x200..0x206 => self.mac[(offset - 0x200) as usize],
            0x206..0x208 => byte(1, 0x206),
            0x208..0x20a => byte(self.pairs.into(), 0x208),
            0x20a..0x20c => byte(self.mtu.into(), 0x20a),
            _ => 0,
        }
    }

    fn store(&mut self, offset: u64, data: &[u8]) {
        let mut bytes = [0; 8];
        bytes[..data.len()].copy_from_slice(data);
        let value = u64::from_le_bytes(bytes);
        let select = usize::from(self.select);
        match offset {
            0x00 => self.selects[0] = value as u32,
            0x08 => self.selects[1] = value as u32,
            0x0c => {
                let shift = 32 * (self.selects[1] & 1);
                self.accepted &= !(0xffff_ffff << shift);
                self.accepted |= value << shift;
            }
            0x10 => self.config_vector = self.vector(value),
            0x14 => self.set_status(value as u8),
            0x16 => self.select = value as u16,
            0x18 => self.queues[select].size = value as u16,
            0x1a => self.queues[select].vector = self.vector(value),
            0x1c => self.enable(),
            0x20..0x38 => {
                let address = &mut self.queues[select].addresses[(offset as usize - 0x20) / 8];
                let shift = 8 * (offset % 8);
                *address = *address & !(0xffff_ffff << shift) | value << shift;
            }
            0x1000.. => {
                assert_eq!((offset - 0x1000) / 4, value, "doorbell of another queue");
                *self.doorbells.lock().unwrap() += 1;
                self.work();
            }
            _ => {}
        }
    }

    fn vector(&self, value: u64) -> u16 {
        if value < self.vectors.into() {
            value as u16
        } else {
            0xffff
        }
    }

    fn set_status(&mut self, status: u8) {
        if status == 0 {
            self.accepted = 0;
            self.status = 0;
            self.active_pairs = 1;
            self.reset_queues();
            return;
        }
        let refused = self.fault() == Fault::Features || self.accepted & !self.offered != 0;
        self.status = if refused { status & !8 } else { status };
    }

    fn enable(&mut self) {
        let event_idx = self.accepted & EVENT_IDX != 0;
        let queue = &mut self.queues[usize::from(self.select)];
        queue.enabled = true;
        let ring = DeviceRing::new(self.bus.clone(), queue.addresses, queue.size, event_idx);
        queue.ring = Some(ring);
    }

    fn signal(&mut self, vector: u16) {
        if let Some(event) = self.events.get(usize::from(vector)) {
            rustix::io::write(event, &1u64.to_ne_bytes()).unwrap();
        }
    }

    /// Sends what is to be sent, and receives what came.
    pub(crate) fn work(&mut self) {
        let works = self.status & (DRIVER_OK | NEEDS_RESET) == DRIVER_OK;
        if !works || self.fault() == Fault::Gone {
            return;
        }
        if self.fault() == Fault::Quarantine {
            self.status |= NEEDS_RESET;
            return self.signal(self.config_vector);
        }
        for index in 0..self.queues.len() {
            let Some(mut ring) = self.queues[index].ring.take() else {
                continue;
            };
            if index + 1 == self.queues.len() {
                self.control(&mut ring);
            } else if index % 2 == 0 {
                self.receive(index, &mut ring);
            } else {
                self.transmit(&mut ring);
            }
            if ring.show() {
                self.signal(self.queues[index].vector);
            }
            self.queues[index].ring = Some(ring);
        }
    }

    fn transmit(&mut self, ring: &mut DeviceRing) {
        loop {
            while let Some((head, chain)) = ring.take() {
                assert!(chain.iter().all(|(.., writable)| !writable));
                let bytes: Vec<u8> = chain
                    .iter()
                    .flat_map(|(address, len, _)| self.bus.read(*address, *len))
                    .collect();
                let (header, mut frame) = (&bytes[..HEADER], bytes[HEADER..].to_vec());
                if self.accepted & CSUM != 0 && header[0] == 1 {
                    let word = |at| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
                    let (start, offset) = (word(6), word(8));
                    assert_eq!(header[1..6], [0; 5]);
                    assert_eq!(header[10..], [0; 2]);
                    complete(&mut frame, start, offset);
                    *self.sums.lock().unwrap() += 1;
                } else {
                    assert_eq!(header, [0; HEADER]);
                }
                self.out.lock().unwrap().push_back(frame);
                ring.put(head, 0);
            }
            if !ring.arm() {
                return;
            }
        }
    }

    fn receive(&mut self, index: usize, ring: &mut DeviceRing) {
        let mut buffers = std::mem::take(&mut self.queues[index].buffers);
        loop {
            while let Some(buffer) = ring.take() {
                buffers.push_back(buffer);
            }
            if !ring.arm() {
                break;
            }
        }
        let mergeable = self.accepted & MRG_RXBUF != 0;
        loop {
            // Pairs take turns.
            if index as u16 / 2 != self.turn % self.active_pairs {
                break;
            }
            let Some(frame) = self.input.lock().unwrap().pop_front() else {
                break;
            };
            self.turn += 1;
            let mut bytes = [&[0; HEADER], &frame[..]].concat();
            let mut used = Vec::new();
            let mut written = 0;
            while written < bytes.len() {
                let Some((head, chain)) = buffers.pop_front() else {
                    break;
                };
                let room: u32 = chain.iter().map(|(_, len, _)| len).sum();
                let len = (bytes.len() - written).min(room as usize);
                used.push((head, chain, written, len));
                written += len;
            }
            if written < bytes.len() || (used.len() > 1 && !mergeable) {
                // No buffer: lost.
                continue;
            }
            let count = match self.fault() {
                Fault::BadCount => 77,
                _ => used.len() as u16,
            };
            bytes[10..12].copy_from_slice(&count.to_le_bytes());
            for (head, chain, from, len) in used {
                let mut at = from;
                for (address, room, writable) in chain {
                    assert!(writable);
                    let end = (at + room as usize).min(from + len);
                    self.bus.write(address, &bytes[at..end]);
                    at = end;
                }
                match self.fault() {
                    Fault::BadId => ring.put(999, len as u32),
                    Fault::BadLength => ring.put(head, 1 << 20),
                    Fault::Short => ring.put(head, 3),
                    _ => ring.put(head, len as u32),
                }
            }
        }
        self.queues[index].buffers = buffers;
    }

    fn control(&mut self, ring: &mut DeviceRing) {
        while let Some((head, chain)) = ring.take() {
            let [(command, 4, false), (answer, 1, true)] = chain[..] else {
                panic!("{chain:?}");
            };
            let command = self.bus.read(command, 4);
            assert_eq!(command[..2], [4, 0]);
            let refused = self.fault() == Fault::Control;
            if !refused {
                self.active_pairs = u16::from_le_bytes([command[2], command[3]]);
            }
            self.bus.write(answer, &[refused.into()]);
            ring.put(head, 1);
        }
        ring.arm();
    }
}

impl Served for Net {
    fn region(&self, index: u32) -> u64 {
        match index {
            0 => 0x4000,
            7 => 256,
            _ => 0,
        }
    }
    fn read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), u32> {
        let gone = self.fault() == Fault::Gone;
        for (at, byte) in (offset..).zip(data) {
            *byte = match region {
                _ if gone => 0xff,
                0 => self.load(at),
                7 => self.config[at as usize],
                _ => return Err(INVALID),
            };
        }
        Ok(())
    }
    fn write(&mut self, region: u32, offset: u64, data: &[u8]) -> Result<(), u32> {
        match region {
            0 => self.store(offset, data),
            7 => self.config[offset as usize..offset as usize + data.len()].copy_from_slice(data),
            _ => return Err(INVALID),
        }
        Ok(())
    }
    fn vectors(&self) -> u32 {
        self.vectors.into()
    }
    fn map(&mut self, bus: u64, len: u64, file: OwnedFd) {
        let memory = SharedMemory::map(file, len as usize).unwrap();
        self.bus.0.push((bus, Arc::new(memory)));
    }
    fn unmap(&mut self, bus: u64, _: u64) {
        assert_eq!(
            self.status & DRIVER_OK,
            0,
            "memory of a live device is taken away"
        );
        self.bus.0.retain(|(start, _)| *start != bus);
    }
    fn irqs(&mut self, start: u32, files: Vec<OwnedFd>) {
        self.events.truncate(start as usize);
        self.events.extend(files);
    }
    fn idle(&mut self) {
        self.work();
    }
}
