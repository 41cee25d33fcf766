// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A PCI function, whatever leads to it.
//!
//! | Transport | Module | Function |
//! |---|---|---|
//! | a socket of a simulator | [`vfio_user`](crate::vfio_user) | `vfio-user/PATH` |
//! | the kernel's VFIO | [`vfio`](crate::vfio) | `pci/0000:01:00.0` |
//!
//! [`PciFunction`] is all that a driver above needs: the [PF's](crate::Device) registers through
//! [`PfBar`](crate::PfBar), and the [VF driver](crate::virtio).

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};

use crate::memory::{Atomic, SharedMemory, Words};

/// Width of an access to a BAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 8 bits.
    Byte = 1,
    /// 16 bits.
    Half = 2,
    /// 32 bits.
    Word = 4,
}

/// A PCI function.
///
/// Methods take `&self`, so that several queues can share it between threads. Nothing that a function
/// answers is trusted by those above.
pub trait PciFunction: Send + Sync + fmt::Debug {
    /// Reads configuration space.
    ///
    /// # Errors
    /// The access did not complete.
    fn config_read(&self, offset: u16, data: &mut [u8]) -> io::Result<()>;

    /// Writes configuration space.
    ///
    /// # Errors
    /// The access did not complete.
    fn config_write(&self, offset: u16, data: &[u8]) -> io::Result<()>;

    /// Bytes of a BAR; 0 when there is none.
    fn bar_len(&self, bar: u8) -> u64;

    /// Reads from a BAR, little-endian.
    ///
    /// # Errors
    /// The place is not inside and aligned, or the access did not complete.
    fn bar_read(&self, bar: u8, offset: u64, width: Width) -> io::Result<u32>;

    /// Writes to a BAR, little-endian.
    ///
    /// # Errors
    /// The place is not inside and aligned, or the access did not complete.
    fn bar_write(&self, bar: u8, offset: u64, width: Width, value: u32) -> io::Result<()>;

    /// Memory that the function can read and write, zeroed, at least so long.
    ///
    /// # Errors
    /// There is not so much, or the function cannot be given access to it.
    fn dma_memory(&self, len: usize) -> io::Result<DmaMemory>;

    /// MSI-X vectors that it has.
    fn vectors(&self) -> u16;

    /// Connects its first `count` MSI-X vectors, replacing earlier ones.
    ///
    /// # Errors
    /// It has not so many, or they cannot be connected.
    fn interrupts(&self, count: u16) -> io::Result<Vec<Interrupt>>;

    /// Resets the function.
    ///
    /// # Errors
    /// It has no reset, or that failed.
    fn reset(&self) -> io::Result<()>;

    /// Lets time pass between two looks at what the function has written, or a register of it. A real one works
    /// meanwhile; one in this process runs here, for as long as its clock needs, whatever `time` says.
    ///
    /// # Errors
    /// The function cannot run on.
    fn pause(&self, time: Duration) -> io::Result<()> {
        thread::sleep(time);
        Ok(())
    }
}

impl dyn PciFunction {
    /// Lets the function answer accesses to its BARs and reach memory.
    ///
    /// # Errors
    /// Configuration space cannot be reached.
    pub fn enable(&self) -> io::Result<()> {
        const COMMAND: u16 = 4;
        const MEMORY_AND_MASTER: u16 = 0b110;
        let mut command = [0; 2];
        self.config_read(COMMAND, &mut command)?;
        let enabled = u16::from_le_bytes(command) | MEMORY_AND_MASTER;
        self.config_write(COMMAND, &enabled.to_le_bytes())
    }

    /// Vendor and device.
    ///
    /// # Errors
    /// Configuration space cannot be reached.
    pub fn id(&self) -> io::Result<(u16, u16)> {
        let mut id = [0; 4];
        self.config_read(0, &mut id)?;
        let [a, b, c, d] = id;
        Ok((u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
    }
}

/// Memory and the address by which a device knows it.
#[derive(Clone)]
pub struct DmaMemory {
    memory: Arc<SharedMemory>,
    bus: u64,
    /// Takes the device's access away when the last one goes.
    mapped: Option<Arc<dyn Send + Sync>>,
}

impl fmt::Debug for DmaMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DmaMemory")
            .field("len", &self.memory.len())
            .field("bus", &format_args!("{:#x}", self.bus))
            .field("mapped", &self.mapped.is_some())
            .finish()
    }
}

impl DmaMemory {
    /// Memory that a device knows at `bus`; when `mapped` is dropped it no longer does.
    #[must_use]
    pub fn new(memory: Arc<SharedMemory>, bus: u64, mapped: Option<Arc<dyn Send + Sync>>) -> Self {
        Self {
            memory,
            bus,
            mapped,
        }
    }

    /// The memory.
    #[must_use]
    #[inline]
    pub fn memory(&self) -> &SharedMemory {
        &self.memory
    }

    /// An array in it.
    pub(crate) fn words<A: Atomic>(&self, offset: usize, count: usize) -> Words<A> {
        Words::new(Arc::clone(&self.memory), offset, count)
    }

    /// The device's address of a byte of it.
    #[must_use]
    #[inline]
    pub fn bus(&self, offset: usize) -> u64 {
        self.bus.wrapping_add(offset as u64)
    }
}

/// Bus addresses that were not given out yet. They are never given out again: there are 2^64.
#[derive(Debug)]
pub(crate) struct BusAddresses(u64);

impl Default for BusAddresses {
    fn default() -> Self {
        // Above the addresses that a PC keeps for interrupts.
        Self(1 << 32)
    }
}

impl BusAddresses {
    /// So many consecutive ones, aligned to large pages.
    pub(crate) fn take(&mut self, len: usize) -> io::Result<u64> {
        let start = self.0;
        self.0 = (start.checked_add(len as u64))
            .and_then(|end| end.checked_next_multiple_of(2 << 20))
            .ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(start)
    }
}

/// An MSI-X vector, as an event that can be waited for.
#[derive(Debug)]
pub struct Interrupt(OwnedFd);

impl Interrupt {
    /// One that nobody raises yet.
    ///
    /// # Errors
    /// Too many files are open.
    pub fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(rustix::event::eventfd(0, flags)?))
    }

    /// Whether it was raised since it was asked last.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn take(&self) -> io::Result<bool> {
        let mut count = [0; 8];
        match rustix::io::read(&self.0, &mut count) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl From<OwnedFd> for Interrupt {
    /// The interrupt of an event file that does not block.
    fn from(file: OwnedFd) -> Self {
        Self(file)
    }
}

impl AsFd for Interrupt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until one of the files can be read, or the time is over; tells which can.
///
/// # Errors
/// They cannot be waited for.
pub fn wait_readable(files: &[BorrowedFd<'_>], timeout: Duration) -> io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> = files
        .iter()
        .map(|file| PollFd::from_borrowed_fd(*file, PollFlags::IN))
        .collect();
    let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
    match rustix::event::poll(&mut polled, Some(&timeout)) {
        Ok(_) => {}
        // A signal: to the caller as if the time were over.
        Err(rustix::io::Errno::INTR) => return Ok(vec![false; files.len()]),
        Err(error) => return Err(error.into()),
    }
    Ok(polled
        .iter()
        .map(|file| !file.revents().is_empty())
        .collect())
}

/// Fails unless an access is inside a BAR and aligned to its width.
pub(crate) fn check_access(len: u64, offset: u64, width: Width) -> io::Result<()> {
    let bytes = width as u64;
    let inside = offset.checked_add(bytes).is_some_and(|end| end <= len);
    if inside && offset.is_multiple_of(bytes) {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{offset:#x} is no place for {bytes} bytes in a BAR of {len:#x}"),
    ))
}
