// SPDX-License-Identifier: Apache-2.0 OR MIT

//! How the driver reaches the registers of a NIC.

use std::cell::RefCell;
use std::io;

use hairpin_regs::Bus;

/// Access to BAR 0 of the physical function.
///
/// The driver above it is the same for every transport. It trusts nothing it reads; a transport only
/// has to pass accesses on and report those that failed.
pub trait Transport {
    /// Reads the register at a byte offset, a multiple of 4.
    ///
    /// # Errors
    /// The access did not complete. A NIC that is gone may as well answer with all ones.
    fn read32(&mut self, offset: u32) -> io::Result<u32>;

    /// Writes the register at a byte offset, a multiple of 4.
    ///
    /// # Errors
    /// The access did not complete.
    fn write32(&mut self, offset: u32, value: u32) -> io::Result<()>;

    /// Lets at least `cycles` clocks of the datapath pass. Polling loops call it between two reads:
    /// a simulator advances its clock here, a real NIC sleeps.
    ///
    /// # Errors
    /// The NIC cannot run on.
    fn wait(&mut self, cycles: u32) -> io::Result<()>;
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn read32(&mut self, offset: u32) -> io::Result<u32> {
        (**self).read32(offset)
    }

    fn write32(&mut self, offset: u32, value: u32) -> io::Result<()> {
        (**self).write32(offset, value)
    }

    fn wait(&mut self, cycles: u32) -> io::Result<()> {
        (**self).wait(cycles)
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn read32(&mut self, offset: u32) -> io::Result<u32> {
        (**self).read32(offset)
    }

    fn write32(&mut self, offset: u32, value: u32) -> io::Result<()> {
        (**self).write32(offset, value)
    }

    fn wait(&mut self, cycles: u32) -> io::Result<()> {
        (**self).wait(cycles)
    }
}

/// Offset of the identification block's first register, which never reads as all ones.
const MAGIC_OFFSET: u32 = 0;

/// What a NIC that is gone reads as.
const ALL_ONES: u32 = u32::MAX;

/// A transport as the bus of the typed registers. It notices a NIC that is gone.
pub(crate) struct TransportBus<T>(RefCell<T>);

impl<T: Transport> TransportBus<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self(RefCell::new(transport))
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }

    pub(crate) fn wait(&self, cycles: u32) -> io::Result<()> {
        self.0.borrow_mut().wait(cycles)
    }
}

impl<T: Transport> Bus for TransportBus<T> {
    type Error = io::Error;

    fn read32(&self, addr: u32) -> io::Result<u32> {
        let mut transport = self.0.borrow_mut();
        let value = transport.read32(addr)?;
        // All ones may be data; only a magic number of all ones means that nobody answers.
        if value == ALL_ONES && transport.read32(MAGIC_OFFSET)? == ALL_ONES {
            return Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "the device is gone",
            ));
        }
        Ok(value)
    }

    fn write32(&self, addr: u32, value: u32) -> io::Result<()> {
        self.0.borrow_mut().write32(addr, value)
    }
}
