// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A device whose transmit queue ends in its receive queue, for counting what drivers cost.

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../../tests/support/device_ring.rs"]
mod device_ring;

use device_ring::{Descriptor, DeviceRing};

pub(crate) use device_ring::Bus;

/// Frames of a batch, and bytes of one.
pub(crate) const BATCH: usize = 32;
const FRAME: usize = 60;
/// Bytes before a frame.
const HEADER: usize = 12;
/// Batches that are counted.
pub(crate) const BATCHES: u64 = 1000;
/// Entries of a queue.
pub(crate) const ENTRIES: u16 = 256;

/// The device: what is sent comes back.
pub(crate) struct Wire {
    rx: DeviceRing,
    tx: DeviceRing,
    bus: Bus,
    /// What the next frame is full of.
    next: u8,
}

impl Wire {
    /// The device of two queues: descriptors, available and used ring each.
    pub(crate) fn new(bus: Bus, rx: [u64; 3], tx: [u64; 3]) -> Self {
        let ring = |addresses| DeviceRing::new(bus.clone(), addresses, ENTRIES, true);
        Self {
            rx: ring(rx),
            tx: ring(tx),
            bus,
            next: 0,
        }
    }

    /// Puts a batch on its way.
    pub(crate) fn start(&mut self) {
        for n in 0..BATCH {
            self.receive(vec![n as u8; HEADER + FRAME]);
        }
        self.turn();
    }

    /// Sends back what was sent, each frame checked.
    pub(crate) fn turn(&mut self) {
        while let Some((head, chain)) = self.tx.take() {
            let bytes: Vec<u8> = chain
                .iter()
                .flat_map(|&(at, len, _): &Descriptor| self.bus.read(at, len))
                .collect();
            let same = bytes[HEADER..].iter().all(|byte| *byte == self.next);
            assert!(
                same && bytes.len() == HEADER + FRAME,
                "not frame {}: {bytes:?}",
                self.next
            );
            self.next = (self.next + 1) % BATCH as u8;
            self.tx.put(head, 0);
            self.receive(bytes);
        }
        self.tx.show();
        self.rx.show();
        self.tx.arm();
        self.rx.arm();
    }

    fn receive(&mut self, mut bytes: Vec<u8>) {
        bytes[10..12].copy_from_slice(&1_u16.to_le_bytes());
        let Some((head, chain)) = self.rx.take() else {
            panic!("the driver gave no buffer")
        };
        self.bus.write(chain[0].0, &bytes);
        self.rx.put(head, bytes.len() as u32);
    }
}
