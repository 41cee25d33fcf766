// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The ends of the firmware: exceptions, interrupts that nobody enabled, panics that cannot be.

use core::panic::PanicInfo;

use hairpin_abi::fw::{FwState, RestartCause};
use hairpin_soc::FwStatus;
use riscv_rt::TrapFrame;

use crate::ram::mark_end;

/// Detail of state `panicked` when an interrupt came in; exceptions show their `mcause` (below 32).
const CODE_INTERRUPT: u8 = 0x80;

/// Every exception ends here: the state says which, and the watchdog, not fed any more, tells the host.
/// The datapath goes on without the firmware.
#[unsafe(export_name = "_dispatch_exception")]
extern "C" fn exception(frame: &TrapFrame, code: usize) -> ! {
    last_words(frame.ra, code as u8)
}

/// Interrupts are never enabled globally.
#[unsafe(export_name = "DefaultHandler")]
extern "C" fn interrupt() -> ! {
    last_words(0, CODE_INTERRUPT)
}

fn last_words(ra: usize, code: u8) -> ! {
    // SAFETY: this function never returns, so that what it interrupted never runs again.
    let mut status = unsafe { FwStatus::steal() };
    status.set_state(FwState::Panicked, code);
    mark_end(RestartCause::Trap);
    // SAFETY: as above.
    unsafe { hairpin_soc::log::recover() };
    defmt::error!(
        "trap: mcause {=u8}, mepc {=usize:#x}, ra {=usize:#x}, mtval {=usize:#x}",
        code,
        riscv::register::mepc::read(),
        ra,
        riscv::register::mtval::read(),
    );
    if let Some(address) = status.bus_fault() {
        defmt::error!("trap: no peripheral at {=u32:#x}", address);
    }
    loop {
        core::hint::spin_loop();
    }
}

/// The image links only if no panic can be reached: the function called here does not exist.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        #[link_name = "error: a panic is reachable in the firmware"]
        fn reachable() -> !;
    }
    // SAFETY: never linked, hence never called.
    unsafe { reachable() }
}
