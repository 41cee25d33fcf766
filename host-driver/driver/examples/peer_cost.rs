// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What `ring_cost` does, by the virtio-net driver of crate `virtio-drivers` on the same device. Its buffers are
//! the device's too: nothing is copied.

#[path = "support/wire.rs"]
mod wire;

use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use hairpin_driver::memory::{PAGE, SharedMemory};
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{BufferDirection, Error, Hal, PhysAddr};
use wire::{BATCH, BATCHES, Bus, ENTRIES, Wire};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// VERSION_1, EVENT_IDX.
const FEATURES: u64 = 1 << 32 | 1 << 29;
/// Where the device sees the memory.
const BUS: u64 = 1 << 32;
/// Bytes of a buffer, and of all memory: rings in front, a buffer for every entry of a queue behind.
const BUFFER: usize = 2048;
const RINGS: usize = 16 * PAGE;
const BUFFERS: usize = ENTRIES as usize;

static MEMORY: OnceLock<Arc<SharedMemory>> = OnceLock::new();
static TAKEN: AtomicUsize = AtomicUsize::new(0);

fn memory() -> &'static Arc<SharedMemory> {
    MEMORY.get_or_init(|| Arc::new(SharedMemory::local(RINGS + BUFFERS * BUFFER)))
}

fn buffer(number: usize) -> &'static mut [u8] {
    assert!(number < BUFFERS);
    // SAFETY: inside the memory, which is never freed; whoever calls has the buffer, and neither the device nor
    // anything else uses it meanwhile: all of it is one thread.
    unsafe {
        let start = memory().as_ptr().add(RINGS + number * BUFFER);
        std::slice::from_raw_parts_mut(start, BUFFER)
    }
}

struct Host;

// SAFETY: pages are zeroed, given out once and never freed.
unsafe impl Hal for Host {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let offset = TAKEN.fetch_add(pages * PAGE, Ordering::Relaxed);
        assert!(offset + pages * PAGE <= RINGS);
        // SAFETY: inside the memory.
        let start = unsafe { memory().as_ptr().add(offset) };
        let start = NonNull::new(start).expect("memory has an address");
        (BUS + offset as u64, start)
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(_: PhysAddr, _: usize) -> NonNull<u8> {
        unreachable!("there are no registers")
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        let offset = buffer.as_ptr() as *mut u8 as usize - memory().as_ptr() as usize;
        BUS + offset as u64
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}

/// Registers that are not there; counts notifications.
#[derive(Default)]
struct Registers {
    status: u32,
    bells: Arc<AtomicUsize>,
    rx: Arc<OnceLock<[u64; 3]>>,
    tx: Arc<OnceLock<[u64; 3]>>,
}

impl Transport for Registers {
    fn device_type(&self) -> DeviceType {
        DeviceType::Network
    }
    fn read_device_features(&mut self) -> u64 {
        FEATURES
    }
    fn write_driver_features(&mut self, features: u64) {
        assert_eq!(features, FEATURES);
    }
    fn max_queue_size(&mut self, _: u16) -> u32 {
        ENTRIES.into()
    }
    fn notify(&mut self, _: u16) {
        self.bells.fetch_add(1, Ordering::Relaxed);
    }
    fn get_status(&self) -> DeviceStatus {
        DeviceStatus::from_bits_retain(self.status)
    }
    fn set_status(&mut self, status: DeviceStatus) {
        self.status = status.bits();
    }
    fn set_guest_page_size(&mut self, _: u32) {}
    fn requires_legacy_layout(&self) -> bool {
        false
    }
    fn queue_set(&mut self, queue: u16, _: u32, desc: u64, avail: u64, used: u64) {
        let place = if queue == 0 { &self.rx } else { &self.tx };
        place.set([desc, avail, used]).expect("set once");
    }
    fn queue_unset(&mut self, _: u16) {}
    fn queue_used(&mut self, _: u16) -> bool {
        false
    }
    fn ack_interrupt(&mut self) -> InterruptStatus {
        InterruptStatus::empty()
    }
    fn read_config_generation(&self) -> u32 {
        0
    }
    fn read_config_space<T: FromBytes + IntoBytes>(&self, _: usize) -> Result<T, Error> {
        Ok(T::new_zeroed())
    }
    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        _: usize,
        _: T,
    ) -> Result<(), Error> {
        Err(Error::Unsupported)
    }
}

/// The driver, and the buffer of each of its tokens.
struct Forwarder {
    net: VirtIONetRaw<Host, Registers, { ENTRIES as usize }>,
    receiving: [usize; BUFFERS],
    sending: [(usize, usize); BUFFERS],
}

impl Forwarder {
    fn give(&mut self, number: usize) -> Result<(), Error> {
        // SAFETY: nobody uses it until it is completed.
        let token = unsafe { self.net.receive_begin(buffer(number)) }?;
        self.receiving[usize::from(token)] = number;
        Ok(())
    }

    /// Receives and sends a batch; takes back what was sent, and gives it to the device again.
    #[inline(never)]
    fn peer_batch(&mut self) -> Result<usize, Error> {
        let mut batch = [(0, 0); BATCH];
        let mut count = 0;
        while let Some(token) = self.net.poll_receive() {
            let number = self.receiving[usize::from(token)];
            // SAFETY: the buffer that was given with this token.
            let (header, len) = unsafe { self.net.receive_complete(token, buffer(number)) }?;
            batch[count] = (number, header + len);
            count += 1;
        }
        while let Some(token) = self.net.poll_transmit() {
            let (number, len) = self.sending[usize::from(token)];
            // SAFETY: the buffer that was sent with this token.
            unsafe { self.net.transmit_complete(token, &buffer(number)[..len]) }?;
            self.give(number)?;
        }
        for &(number, len) in &batch[..count] {
            let bytes = &mut buffer(number)[..len];
            self.net.fill_buffer_header(bytes)?;
            // SAFETY: nobody uses it until it is completed.
            let token = unsafe { self.net.transmit_begin(bytes) }?;
            self.sending[usize::from(token)] = (number, len);
        }
        Ok(count)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registers = Registers::default();
    let bells = Arc::clone(&registers.bells);
    let (rx, tx) = (Arc::clone(&registers.rx), Arc::clone(&registers.tx));
    let mut forwarder = Forwarder {
        net: VirtIONetRaw::new(registers)?,
        receiving: [0; BUFFERS],
        sending: [(0, 0); BUFFERS],
    };
    for number in 0..BUFFERS {
        forwarder.give(number)?;
    }
    let bus = Bus(vec![(BUS, Arc::clone(memory()))]);
    let (Some(rx), Some(tx)) = (rx.get(), tx.get()) else {
        return Err("the driver made no queues".into());
    };
    let mut wire = Wire::new(bus, *rx, *tx);
    wire.start();
    let before = bells.load(Ordering::Relaxed);
    for _ in 0..BATCHES {
        let count = forwarder.peer_batch()?;
        if count != BATCH {
            return Err(format!("{count} received").into());
        }
        wire.turn();
    }
    println!(
        "{} packets received and sent, {} notifications in {BATCHES} batches",
        BATCHES * BATCH as u64,
        bells.load(Ordering::Relaxed) - before
    );
    Ok(())
}
