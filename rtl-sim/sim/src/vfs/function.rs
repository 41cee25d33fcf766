// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A VF of a model in this process, and the memory that it reaches.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hairpin_driver::function::{DmaMemory, Interrupt, PciFunction, Width};
use hairpin_driver::memory::SharedMemory;

use crate::host::config_space::{ConfigSpace, Kind, SIZE};
use crate::model::{CsrError, HostMemory, Model, Refused, RunMode};

/// Clocks of a pause.
const PAUSE: u64 = 256;
/// The first bus address, and what others are aligned to.
const BUS: u64 = 1 << 32;
const ALIGN: u64 = 1 << 21;

/// Locks; what a thread that panicked left is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Memory that one function reaches.
#[derive(Debug)]
struct Region {
    function: u8,
    bus: u64,
    memory: Arc<SharedMemory>,
}

/// The memory of all drivers. A function reaches what was made for it, and nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<Vec<Region>>>);

impl Memory {
    fn add(&self, function: u8, len: usize) -> DmaMemory {
        let memory = Arc::new(SharedMemory::local(len));
        let mut regions = lock(&self.0);
        let bus = regions.last().map_or(BUS, |last| {
            (last.bus + last.memory.len() as u64).next_multiple_of(ALIGN)
        });
        regions.push(Region {
            function,
            bus,
            memory: Arc::clone(&memory),
        });
        DmaMemory::new(memory, bus, None)
    }

    fn access(
        &self,
        function: u8,
        addr: u64,
        len: usize,
        access: impl FnOnce(&SharedMemory, usize),
    ) -> Result<(), Refused> {
        let regions = lock(&self.0);
        let inside = |region: &Region| {
            let at = usize::try_from(addr.checked_sub(region.bus)?).ok()?;
            let fits = at.checked_add(len)? <= region.memory.len();
            (region.function == function && fits).then_some(at)
        };
        let found = regions
            .iter()
            .find_map(|region| Some((region, inside(region)?)));
        let (region, at) = found.ok_or(Refused)?;
        access(&region.memory, at);
        Ok(())
    }
}

impl HostMemory for Memory {
    fn read(&mut self, function: u8, addr: u64, data: &mut [u8]) -> Result<(), Refused> {
        self.access(function, addr, data.len(), |memory, at| {
            memory.read(at, data);
        })
    }

    fn write(&mut self, function: u8, addr: u64, data: &[u8]) -> Result<(), Refused> {
        self.access(function, addr, data.len(), |memory, at| {
            memory.write(at, data);
        })
    }
}

/// A VF. Its driver polls: it has no vectors.
#[derive(Debug)]
pub(super) struct Function {
    number: u8,
    model: Arc<Mutex<Model>>,
    memory: Memory,
    config: Mutex<ConfigSpace>,
}

impl Function {
    pub(super) fn new(vf: u8, model: Arc<Mutex<Model>>, memory: Memory) -> Self {
        Self {
            number: vf + 1,
            model,
            memory,
            config: Mutex::new(ConfigSpace::new(Kind::Vf)),
        }
    }

    /// Word and first byte in it of an access to BAR 0.
    fn place(&self, bar: u8, offset: u64, width: Width) -> io::Result<(u16, u32)> {
        let bytes = width as u64;
        let inside = offset
            .checked_add(bytes)
            .is_some_and(|end| end <= self.bar_len(bar));
        match u16::try_from(offset) {
            Ok(offset) if inside && u64::from(offset).is_multiple_of(bytes) => {
                Ok((offset & !3, u32::from(offset & 3)))
            }
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn failed(model: &Model, error: CsrError) -> io::Error {
        match model.error() {
            Some(stopped) => io::Error::other(format!("the design stopped at {stopped}")),
            None => io::Error::other(error),
        }
    }
}

/// Where an access to configuration space is.
fn config_place(offset: u16, len: usize) -> io::Result<usize> {
    let offset = usize::from(offset);
    match offset + len {
        end if end <= SIZE => Ok(offset),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

impl PciFunction for Function {
    fn config_read(&self, offset: u16, data: &mut [u8]) -> io::Result<()> {
        lock(&self.config).read(config_place(offset, data.len())?, data);
        Ok(())
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> io::Result<()> {
        lock(&self.config).write(config_place(offset, data.len())?, data);
        Ok(())
    }

    fn bar_len(&self, bar: u8) -> u64 {
        match bar {
            0 => Kind::Vf.layout().bar.into(),
            _ => 0,
        }
    }

    fn bar_read(&self, bar: u8, offset: u64, width: Width) -> io::Result<u32> {
        let (addr, byte) = self.place(bar, offset, width)?;
        let mut model = lock(&self.model);
        let word = model.csr_read(self.number, bar, addr);
        let word = word.map_err(|error| Self::failed(&model, error))?;
        Ok(word >> (8 * byte) & u32::MAX >> (32 - 8 * width as u32))
    }

    fn bar_write(&self, bar: u8, offset: u64, width: Width, value: u32) -> io::Result<()> {
        let (addr, byte) = self.place(bar, offset, width)?;
        let strobes = ((1 << width as u8) - 1) << byte;
        let mut model = lock(&self.model);
        let written = model.csr_write_bytes(self.number, bar, addr, value << (8 * byte), strobes);
        written.map_err(|error| Self::failed(&model, error))
    }

    fn dma_memory(&self, len: usize) -> io::Result<DmaMemory> {
        Ok(self.memory.add(self.number, len))
    }

    fn vectors(&self) -> u16 {
        0
    }

    fn interrupts(&self, _count: u16) -> io::Result<Vec<Interrupt>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn reset(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn pause(&self, _time: Duration) -> io::Result<()> {
        let mut model = lock(&self.model);
        let until = model.now() + PAUSE;
        let run = model.run(until, RunMode::EXACT, usize::MAX);
        run.map(drop).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_reaches_its_own_memory_only() {
        let memory = Memory::default();
        let (one, two) = (memory.add(1, 100), memory.add(2, 5000));
        let mut host = memory;
        assert_eq!(host.write(1, one.bus(8), b"mine"), Ok(()));
        assert_eq!(host.write(2, two.bus(8), b"his"), Ok(()));
        let mut bytes = [0; 4];
        one.memory().read(8, &mut bytes);
        assert_eq!(&bytes, b"mine");
        assert_eq!(host.read(1, one.bus(8), &mut bytes), Ok(()));
        let end = one.memory().len();
        for (function, addr) in [
            (2, one.bus(8)),
            (1, two.bus(8)),
            (1, one.bus(end - 3)),
            (1, one.bus(0) - 1),
            (1, u64::MAX),
            (0, one.bus(8)),
        ] {
            assert_eq!(host.read(function, addr, &mut bytes), Err(Refused));
        }
    }
}
