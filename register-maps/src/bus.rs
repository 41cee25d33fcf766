// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Registers behind a bus whose accesses can fail.

use core::{mem::transmute_copy, ptr};

use peakrdl_rust::io::RawRegisterIO;
use peakrdl_rust::reg::RegInt;

use crate::core_view::HairpinCore;
use crate::pf::HairpinPf;

/// A bus of 32-bit words, addressed by byte offset from the start of the register block.
pub trait Bus {
    /// Why an access failed.
    type Error;

    /// Reads the word at `addr`.
    ///
    /// # Errors
    ///
    /// When the bus cannot do the access.
    fn read32(&self, addr: u32) -> Result<u32, Self::Error>;

    /// Writes the word at `addr`.
    ///
    /// # Errors
    ///
    /// When the bus cannot do the access.
    fn write32(&self, addr: u32, value: u32) -> Result<(), Self::Error>;
}

impl<B: Bus + ?Sized> Bus for &B {
    type Error = B::Error;

    fn read32(&self, addr: u32) -> Result<u32, Self::Error> {
        (**self).read32(addr)
    }

    fn write32(&self, addr: u32, value: u32) -> Result<(), Self::Error> {
        (**self).write32(addr, value)
    }
}

/// Lets the generated accessors use a [`Bus`].
#[derive(Clone, Copy, Debug)]
pub struct BusIo<B>(B);

impl<B: Bus> BusIo<B> {
    /// Accessors over `bus`.
    pub const fn new(bus: B) -> Self {
        Self(bus)
    }

    /// The bus, for accesses to windows and memories.
    pub const fn bus(&self) -> &B {
        &self.0
    }
}

// Every register and memory of both maps has an access width of 32 bits; another one does not compile.
impl<B: Bus> RawRegisterIO for BusIo<B> {
    type Error = B::Error;

    unsafe fn try_read<T: RegInt>(&self, ptr: *const T) -> Result<T, B::Error> {
        const { assert!(size_of::<T>() == 4) };
        let word = self.0.read32(offset(ptr.addr()))?;
        // SAFETY: `T` is a primitive integer, as large as `u32`.
        Ok(unsafe { transmute_copy(&word) })
    }

    unsafe fn try_write<T: RegInt>(&self, ptr: *mut T, value: T) -> Result<(), B::Error> {
        const { assert!(size_of::<T>() == 4) };
        // SAFETY: `T` is a primitive integer, as large as `u32`.
        let word = unsafe { transmute_copy(&value) };
        self.0.write32(offset(ptr.addr()), word)
    }
}

/// Pointers of a bus block are offsets from a null base, at most 64 KiB.
const fn offset(addr: usize) -> u32 {
    addr as u32
}

/// The PF BAR over `io`. Nothing is dereferenced: every access goes to the bus.
pub const fn pf_on<B: Bus>(io: &BusIo<B>) -> HairpinPf<'_, BusIo<B>> {
    // SAFETY: `BusIo` uses pointers as offsets only.
    unsafe { HairpinPf::from_ptr_with(ptr::null_mut(), io) }
}

/// The soft core's view over `io`, for tests and debuggers that reach it over a bus.
pub const fn core_on<B: Bus>(io: &BusIo<B>) -> HairpinCore<'_, BusIo<B>> {
    // SAFETY: `BusIo` uses pointers as offsets only.
    unsafe { HairpinCore::from_ptr_with(ptr::null_mut(), io) }
}
