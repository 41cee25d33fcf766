// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where the registers and memory windows are.

use hairpin_regs::CoreRegs;

/// The registers of this core. Each handle of this crate touches its own block only, and each handle
/// exists once.
pub(crate) fn regs() -> CoreRegs {
    // SAFETY: this crate runs on the NIC's soft core only; the handles are the only users.
    unsafe { hairpin_regs::core_regs() }
}

/// Memory windows: words at an index. An index outside the window is ignored.
pub(crate) mod mmio {
    use volatile_register::{RO, WO};

    use super::regs;

    const PUNT_WORDS: usize = 32;
    const GUEST_WORDS: usize = 128;
    const INJECT_WORDS: usize = 512;
    const LOG_WORDS: u32 = 1024;

    /// A word of the head frame's window; 0 past its end.
    pub(crate) fn read_punt_window(index: usize) -> u32 {
        if index >= PUNT_WORDS {
            return 0;
        }
        let base = regs().punt_window().as_ptr().cast::<RO<u32>>();
        // SAFETY: the window has PUNT_WORDS words, readable at any time.
        unsafe { (*base.add(index)).read() }
    }

    /// A word of the guest's request; 0 past the window's end.
    pub(crate) fn read_guest_window(index: usize) -> u32 {
        if index >= GUEST_WORDS {
            return 0;
        }
        let base = regs().guest_window().as_ptr().cast::<RO<u32>>();
        // SAFETY: the window has GUEST_WORDS words, readable at any time.
        unsafe { (*base.add(index)).read() }
    }

    /// Writes a word of the inject buffer.
    pub(crate) fn write_inject_buffer(index: usize, word: u32) {
        if index < INJECT_WORDS {
            let base = regs().inject_buffer().as_ptr().cast::<WO<u32>>();
            // SAFETY: the buffer has INJECT_WORDS words, writable at any time.
            unsafe { (*base.add(index)).write(word) };
        }
    }

    /// Writes a word of the log ring; the index wraps around.
    pub(crate) fn write_log_ring(index: u32, word: u32) {
        let base = regs().log_ring().as_ptr().cast::<WO<u32>>();
        // SAFETY: the ring has LOG_WORDS words, writable at any time.
        unsafe { (*base.add((index % LOG_WORDS) as usize)).write(word) };
    }
}
