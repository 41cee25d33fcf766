// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the image says of itself, for the loader and at run time.

use core::ptr;

use hairpin_abi::manifest::{FLAG_CRASH_TEST, Manifest};

/// Hash over the sources of the image; see `build.rs`.
pub(crate) const BUILD_ID: u32 = parse_hex(env!("HAIRPIN_BUILD_ID"));

/// Bytes of the core's memory, from `memory.x`.
const MEMORY_BYTES: u32 = 64 * 1024;

const FLAGS: u32 = if cfg!(feature = "crash-test") {
    FLAG_CRASH_TEST
} else {
    0
};

/// In memory, where the loader may set a flag before it lets the core run.
#[used]
#[unsafe(link_section = ".hairpin.manifest")]
static MANIFEST: Manifest = Manifest::new(hairpin_regs::MAP_HASH, BUILD_ID, MEMORY_BYTES, FLAGS);

/// Whether the image, or whoever loaded it, allows `CRASH_TEST`.
pub(crate) fn allows_crash_test() -> bool {
    // SAFETY: reads a static of this image. Volatile, because the loader may have changed it.
    let flags = unsafe { ptr::read_volatile(&raw const MANIFEST.flags) };
    flags & FLAG_CRASH_TEST != 0
}

#[expect(
    clippy::panic,
    reason = "at compile time: the function is only called for a constant"
)]
const fn parse_hex(text: &str) -> u32 {
    match u32::from_str_radix(text, 16) {
        Ok(number) => number,
        Err(_) => panic!("HAIRPIN_BUILD_ID: up to eight hexadecimal digits"),
    }
}
