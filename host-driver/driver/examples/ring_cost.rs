// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Forwards frames in batches of 32 from the receive to the transmit ring of a VF in memory, whose device is the
//! tests' own. `cargo xtask bench --only P11` counts the driver's instructions in it with callgrind.

#[path = "support/wire.rs"]
mod wire;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hairpin_driver::function::{DmaMemory, Interrupt, PciFunction, Width};
use hairpin_driver::memory::SharedMemory;
use hairpin_driver::virtio::{Options, Vf};
use wire::{BATCH, BATCHES, Bus, ENTRIES, Wire};

/// MRG_RXBUF, EVENT_IDX, VERSION_1, ACCESS_PLATFORM.
const FEATURES: u64 = 1 << 15 | 1 << 29 | 1 << 32 | 1 << 33;

/// What the driver has written into the registers, and the memory that it gave.
#[derive(Debug, Default)]
struct State {
    common: Vec<u8>,
    queues: [[u64; 3]; 2],
    bus: Bus,
    next: u64,
}

/// A virtio-net function without anything behind it.
#[derive(Debug, Default)]
struct Function {
    state: Mutex<State>,
    reads: AtomicU64,
    doorbells: AtomicU64,
}

impl Function {
    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PciFunction for Function {
    fn config_read(&self, offset: u16, data: &mut [u8]) -> io::Result<()> {
        let mut config = [0; 256];
        config[..4].copy_from_slice(&[0xf4, 0x1a, 0x41, 0x10]);
        (config[6], config[0x34]) = (0x10, 0x40);
        for (n, (kind, from, len)) in [(1, 0, 0x38), (4, 0x200, 12), (2, 0x1000, 0x400)]
            .into_iter()
            .enumerate()
        {
            let at = 0x40 + 0x18 * n;
            let next = if n == 2 { 0 } else { at as u8 + 0x18 };
            config[at..at + 5].copy_from_slice(&[9, next, 20, kind, 0]);
            config[at + 8..at + 12].copy_from_slice(&u32::to_le_bytes(from));
            config[at + 12..at + 16].copy_from_slice(&u32::to_le_bytes(len));
            config[at + 16] = 4;
        }
        let from = usize::from(offset);
        data.copy_from_slice(&config[from..from + data.len()]);
        Ok(())
    }

    fn config_write(&self, _: u16, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn bar_len(&self, _: u8) -> u64 {
        0x2000
    }

    fn bar_read(&self, _: u8, offset: u64, width: Width) -> io::Result<u32> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.with(|state| {
            let select = state.common.first().copied().unwrap_or(0);
            Ok(match offset {
                0x04 => (FEATURES >> (32 * u32::from(select))) as u32,
                0x12 => 2,
                0x18 => ENTRIES.into(),
                0x1e => u32::from(state.common.get(0x16).copied().unwrap_or(0)),
                _ => {
                    let at = offset as usize..offset as usize + width as usize;
                    let bytes = state.common.get(at).unwrap_or(&[]);
                    bytes
                        .iter()
                        .rev()
                        .fold(0, |word, &b| word << 8 | u32::from(b))
                }
            })
        })
    }

    fn bar_write(&self, _: u8, offset: u64, width: Width, value: u32) -> io::Result<()> {
        if offset >= 0x1000 {
            self.doorbells.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        self.with(|state| {
            state.common.resize(0x400, 0);
            let at = offset as usize..offset as usize + width as usize;
            state.common[at].copy_from_slice(&value.to_le_bytes()[..width as usize]);
            if offset == 0x1c {
                let word = |at: usize| {
                    let bytes = state.common[at..at + 8].iter().rev();
                    bytes.fold(0, |word, &b| word << 8 | u64::from(b))
                };
                let rings = [0x20, 0x28, 0x30].map(word);
                state.queues[usize::from(state.common[0x16] & 1)] = rings;
            }
        });
        Ok(())
    }

    fn dma_memory(&self, len: usize) -> io::Result<DmaMemory> {
        let memory = Arc::new(SharedMemory::local(len));
        let bus = self.with(|state| {
            state.next += 1 << 32;
            state.bus.0.push((state.next, Arc::clone(&memory)));
            state.next
        });
        Ok(DmaMemory::new(memory, bus, None))
    }

    fn vectors(&self) -> u16 {
        0
    }

    fn interrupts(&self, _: u16) -> io::Result<Vec<Interrupt>> {
        Ok(Vec::new())
    }

    fn reset(&self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let function = Arc::new(Function::default());
    let options = Options {
        interrupts: false,
        ..Options::default()
    };
    let mut vf = Vf::open(Arc::clone(&function) as Arc<dyn PciFunction>, &options)?;
    let (bus, [rx, tx]) = function.with(|state| (state.bus.clone(), state.queues));
    let mut wire = Wire::new(bus, rx, tx);
    wire.start();
    let pair = &mut vf.pairs()[0];
    let mut frames = Vec::with_capacity(BATCH);
    let reads = function.reads.load(Ordering::Relaxed);
    let bells = function.doorbells.load(Ordering::Relaxed);
    for _ in 0..BATCHES {
        let got = pair.rx_batch(&mut frames, BATCH)?;
        let sent = pair.tx_batch(&mut frames)?;
        if (got, sent) != (BATCH, BATCH) {
            return Err(format!("{got} received, {sent} sent").into());
        }
        wire.turn();
    }
    println!(
        "{} packets received and sent, {} register reads, {} notifications in {BATCHES} batches",
        BATCHES * BATCH as u64,
        function.reads.load(Ordering::Relaxed) - reads,
        function.doorbells.load(Ordering::Relaxed) - bells
    );
    Ok(())
}
