// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Typed registers of the Hairpin NIC, generated from the SystemRDL sources of this folder.
//!
//! [`pf`] is the PF BAR as the host sees it, [`core_view`] the soft core's own peripherals. The same
//! generated accessors work over two backends:
//!
//! * [`BusIo`]: a bus whose accesses can fail (a PCI function behind VFIO, a socket, a simulator).
//!   Only the `try_*` accessors exist there.
//! * `MmioIo` (feature `mmio`): registers in the processor's own address space, on
//!   `volatile-register`. It cannot fail: `read`, `write` and `modify`.
//!
//! ```
//! # use core::cell::Cell;
//! use hairpin_regs::{Bus, BusIo, MAP_HASH, pf_on};
//!
//! struct OneWord(Cell<u32>);
//! impl Bus for OneWord {
//!     type Error = std::io::Error;
//!     fn read32(&self, _addr: u32) -> std::io::Result<u32> {
//!         Ok(self.0.get())
//!     }
//!     fn write32(&self, _addr: u32, value: u32) -> std::io::Result<()> {
//!         self.0.set(value);
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let io = BusIo::new(OneWord(Cell::new(0)));
//! let regs = pf_on(&io);
//! regs.fw().ctrl().try_write(|w| w.set_run(true))?;
//! assert!(regs.fw().ctrl().try_read()?.run());
//! # assert_ne!(MAP_HASH, 0);
//! # Ok(())
//! # }
//! ```
#![no_std]

mod bus;
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
#[rustfmt::skip]
mod generated;
#[cfg(feature = "mmio")]
mod mmio;

pub use bus::{Bus, BusIo, core_on, pf_on};
pub use generated::{MAP_HASH, core_view, pf};
#[cfg(feature = "mmio")]
pub use mmio::{CORE_BASE, CoreRegs, MmioIo, core_regs};
pub use peakrdl_rust::mem::Memory;
