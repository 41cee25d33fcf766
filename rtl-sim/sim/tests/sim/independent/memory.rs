// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Memory of a driver that only knows `Hal`: all that its VF can reach.

use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::slice;
use std::sync::{Mutex, OnceLock};

use hairpin_driver::memory::{PAGE, SharedMemory};
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

/// Pages of a driver's memory.
const PAGES: usize = 512;
/// Bytes of it.
pub(super) const LEN: u64 = (PAGES * PAGE) as u64;
/// What a device finds, or leaves, where nothing was written.
const UNTOUCHED: u8 = 0xa5;

/// `Hal` has no `self`: a driver is told apart by its number.
static MEMORIES: [OnceLock<Memory>; 8] = [const { OnceLock::new() }; 8];

/// The memory of one driver.
pub(super) struct Memory {
    memory: SharedMemory,
    file: OwnedFd,
    bus: u64,
    taken: Mutex<[bool; PAGES]>,
}

impl Memory {
    /// That of driver `number`, at bus addresses that no other driver has.
    pub(super) fn of(number: usize) -> &'static Self {
        MEMORIES[number].get_or_init(|| {
            let (memory, file) = SharedMemory::with_fd(PAGES * PAGE).unwrap();
            Self {
                memory,
                file,
                bus: (number as u64 + 1) << 32,
                taken: Mutex::new([false; PAGES]),
            }
        })
    }

    pub(super) fn file(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    pub(super) fn bus(&self) -> u64 {
        self.bus
    }

    /// Pages that are in use.
    pub(super) fn taken(&self) -> usize {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|taken| **taken).count()
    }

    /// Offset of consecutive pages, each full of `byte`.
    fn take(&self, pages: usize, byte: u8) -> usize {
        let mut taken = self.taken.lock().unwrap();
        let page = taken
            .windows(pages)
            .position(|window| !window.contains(&true))
            .expect("memory for the device");
        taken[page..page + pages].fill(true);
        self.memory.write(page * PAGE, &vec![byte; pages * PAGE]);
        page * PAGE
    }

    /// Gives pages back; their offset.
    fn give(&self, address: PhysAddr, pages: usize) -> usize {
        let offset = usize::try_from(address - self.bus).unwrap();
        let page = offset / PAGE;
        let mut taken = self.taken.lock().unwrap();
        assert!(taken[page..page + pages].iter().all(|taken| *taken));
        taken[page..page + pages].fill(false);
        offset
    }
}

/// The platform of driver `NUMBER`. Buffers are copied, as behind an IOMMU that is never opened for them.
pub(super) struct Host<const NUMBER: usize>;

// SAFETY: pages come from a mapping that is never removed, are zeroed, and belong to one caller until given back.
unsafe impl<const NUMBER: usize> Hal for Host<NUMBER> {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let memory = Memory::of(NUMBER);
        let offset = memory.take(pages, 0);
        let base = NonNull::new(memory.memory.as_ptr()).unwrap();
        // SAFETY: inside the mapping.
        (memory.bus + offset as u64, unsafe { base.add(offset) })
    }

    unsafe fn dma_dealloc(address: PhysAddr, _: NonNull<u8>, pages: usize) -> i32 {
        Memory::of(NUMBER).give(address, pages);
        0
    }

    unsafe fn mmio_phys_to_virt(_: PhysAddr, _: usize) -> NonNull<u8> {
        unreachable!("registers are messages")
    }

    unsafe fn share(buffer: NonNull<[u8]>, direction: BufferDirection) -> PhysAddr {
        let memory = Memory::of(NUMBER);
        let offset = memory.take(buffer.len().div_ceil(PAGE), UNTOUCHED);
        if direction != BufferDirection::DeviceToDriver {
            let start = buffer.as_ptr().cast::<u8>();
            // SAFETY: the caller's buffer, which nobody else accesses meanwhile.
            let bytes = unsafe { slice::from_raw_parts(start, buffer.len()) };
            memory.memory.write(offset, bytes);
        }
        memory.bus + offset as u64
    }

    unsafe fn unshare(address: PhysAddr, buffer: NonNull<[u8]>, direction: BufferDirection) {
        let memory = Memory::of(NUMBER);
        let offset = memory.give(address, buffer.len().div_ceil(PAGE));
        if direction != BufferDirection::DriverToDevice {
            let start = buffer.as_ptr().cast::<u8>();
            // SAFETY: the caller's buffer, which nobody else accesses meanwhile.
            let bytes = unsafe { slice::from_raw_parts_mut(start, buffer.len()) };
            memory.memory.read(offset, bytes);
        }
    }
}
