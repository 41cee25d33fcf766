// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Registers in the processor's own address space.

use core::convert::Infallible;

use peakrdl_rust::io::RawRegisterIO;
use peakrdl_rust::reg::RegInt;
use volatile_register::RW;

use crate::core_view::HairpinCore;

/// Where the soft core sees its peripherals.
pub const CORE_BASE: usize = 0x1000_0000;

/// The soft core's registers as the firmware uses them.
pub type CoreRegs = HairpinCore<'static, MmioIo>;

/// Volatile accesses by the processor itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct MmioIo;

impl RawRegisterIO for MmioIo {
    type Error = Infallible;

    unsafe fn try_read<T: RegInt>(&self, ptr: *const T) -> Result<T, Infallible> {
        // SAFETY: the caller vouches for the pointer; `RW<T>` has the layout of `T`.
        Ok(unsafe { (*ptr.cast::<RW<T>>()).read() })
    }

    unsafe fn try_write<T: RegInt>(&self, ptr: *mut T, value: T) -> Result<(), Infallible> {
        // SAFETY: the caller vouches for the pointer; `RW<T>` has the layout of `T`.
        unsafe { (*ptr.cast::<RW<T>>()).write(value) };
        Ok(())
    }
}

/// The soft core's registers at [`CORE_BASE`].
///
/// # Safety
///
/// Only on the NIC's soft core, and the caller answers for who else uses the same registers.
///
/// ```no_run
/// // SAFETY: this is the soft core, and nothing else uses the registers.
/// let regs = unsafe { hairpin_regs::core_regs() };
/// regs.fw().heartbeat().modify(|r| r.set_value(r.value().wrapping_add(1)));
/// let cycle = regs.timer().cycle().read().value();
/// # let _ = cycle;
/// ```
#[must_use]
pub const unsafe fn core_regs() -> CoreRegs {
    // SAFETY: the caller runs on the soft core, where the block lives at this address.
    unsafe { HairpinCore::from_ptr_with(CORE_BASE as *mut (), &MmioIo) }
}
