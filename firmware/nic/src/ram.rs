// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The memory between the image and the stack, tested at boot, then guarded; and a mark that outlives
//! the run.

use core::ptr;

use hairpin_abi::fw::RestartCause;

/// Words of the unused area that the self-test tries.
const TEST_WORDS: usize = 64;
/// Stands in the lowest word of the stack's area. The stack grows down and reaches it last.
const GUARD: u32 = 0x6775_6172;

unsafe extern "C" {
    /// End of the static variables, from the linker script.
    static mut __euninit: u32;
    /// Words that outlive a reset of the core, from the linker script.
    static mut _life_mark: [u32; 4];
}

/// What a run of the firmware leaves for the next one. Memory that was never written does not look so.
const LIFE_MARK: [u32; 2] = [0x6861_6972, 0x7069_6e21];

/// The end of the run before, if the firmware has run with these tables since the memory was powered
/// up.
pub(crate) fn earlier_life() -> Option<RestartCause> {
    let mark = &raw const _life_mark;
    // SAFETY: the linker script keeps these words for the functions here.
    let [first, second, end, _] = unsafe { ptr::read_volatile(mark) };
    ([first, second] == LIFE_MARK)
        .then(|| RestartCause::from_code(end as u8).unwrap_or(RestartCause::Silent))
}

/// Marks that the firmware has run with these tables. It ends without a word unless it says so.
pub(crate) fn mark_life() {
    let [first, second] = LIFE_MARK;
    let mark = [first, second, RestartCause::Silent.code().into(), 0];
    // SAFETY: as above.
    unsafe { ptr::write_volatile(&raw mut _life_mark, mark) };
}

/// Leaves word of how this run ends.
pub(crate) fn mark_end(cause: RestartCause) {
    let end = (&raw mut _life_mark).cast::<u32>();
    // SAFETY: as above; the third word holds the end.
    unsafe { ptr::write_volatile(end.add(2), cause.code().into()) };
}

/// The memory right above the static variables; the linker script leaves at least 8 KiB there.
#[derive(Debug)]
pub(crate) struct UnusedRam(());

impl UnusedRam {
    /// Tests the area with patterns and their complements, then sets the guard word.
    ///
    /// # Errors
    ///
    /// `Err` when a word does not keep what was written to it.
    ///
    /// # Safety
    ///
    /// To be called once, early in `main`, when the stack holds a few hundred bytes.
    pub(crate) unsafe fn test() -> Result<Self, RamFault> {
        let base = &raw mut __euninit;
        for seed in [0x5555_5555_u32, 0xaaaa_aaaa, 0x0000_0000, 0xffff_ffff] {
            let pattern = |index: usize| seed ^ index as u32;
            for index in 0..TEST_WORDS {
                // SAFETY: inside the 8 KiB above the variables, far below the stack pointer.
                unsafe { ptr::write_volatile(base.add(index), pattern(index)) };
            }
            for index in 0..TEST_WORDS {
                // SAFETY: as above.
                if unsafe { ptr::read_volatile(base.add(index)) } != pattern(index) {
                    return Err(RamFault);
                }
            }
        }
        // SAFETY: as above.
        unsafe { ptr::write_volatile(base, GUARD) };
        Ok(Self(()))
    }

    /// Whether the stack has stayed inside its area.
    pub(crate) fn guard_intact(&self) -> bool {
        // SAFETY: the word was written by `test`; only an overflowing stack changes it.
        unsafe { ptr::read_volatile(&raw const __euninit) == GUARD }
    }
}

/// A word did not keep what was written to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RamFault;
