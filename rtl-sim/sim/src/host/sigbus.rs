// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Survives a client that makes a file shorter which it has given to us as memory.
//!
//! An access behind the new end of the file raises SIGBUS. The handler puts an empty page of our own there, and
//! the access goes on: the client has lost that memory, and nobody else notices.

#![allow(unsafe_code, reason = "a signal handler")]

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// Mappings at one time.
const MAPPINGS: usize = 1024;
const PAGE: usize = 4096;

static STARTS: [AtomicUsize; MAPPINGS] = [const { AtomicUsize::new(0) }; MAPPINGS];
static LENS: [AtomicUsize; MAPPINGS] = [const { AtomicUsize::new(0) }; MAPPINGS];

/// Takes SIGBUS; once is enough.
pub(super) fn install() -> io::Result<()> {
    static ONCE: Once = Once::new();
    let mut result = Ok(());
    ONCE.call_once(|| {
        let action = SigAction::new(
            SigHandler::SigAction(handler),
            SaFlags::SA_SIGINFO,
            SigSet::empty(),
        );
        // SAFETY: the handler calls nothing that a signal handler may not.
        result = unsafe { sigaction(Signal::SIGBUS, &action) }.map(drop);
    });
    Ok(result?)
}

/// A mapping that the handler is to mend.
pub(super) fn add(start: usize, len: usize) -> io::Result<()> {
    for (place, size) in STARTS.iter().zip(&LENS) {
        if place.load(Ordering::SeqCst) == 0 {
            size.store(0, Ordering::SeqCst);
            if place
                .compare_exchange(0, start, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
            {
                size.store(len, Ordering::SeqCst);
                return Ok(());
            }
        }
    }
    Err(io::Error::other("too many files are mapped"))
}

/// A mapping that is going away.
pub(super) fn remove(start: usize) {
    for (place, size) in STARTS.iter().zip(&LENS) {
        if place.load(Ordering::SeqCst) == start {
            size.store(0, Ordering::SeqCst);
            place.store(0, Ordering::SeqCst);
        }
    }
}

fn is_ours(address: usize) -> bool {
    STARTS.iter().zip(&LENS).any(|(start, len)| {
        let start = start.load(Ordering::SeqCst);
        start != 0 && address.wrapping_sub(start) < len.load(Ordering::SeqCst)
    })
}

extern "C" fn handler(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid `siginfo_t`, and for SIGBUS it has an address.
    let address = unsafe { (*info).si_addr() }.addr();
    if is_ours(address) {
        let page = address & !(PAGE - 1);
        // SAFETY: the page is in a mapping of ours that the file no longer backs; an empty one takes its place.
        let mended = unsafe {
            libc::mmap(
                page as *mut libc::c_void,
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if mended != libc::MAP_FAILED {
            return;
        }
    }
    // Not ours: the access is repeated, and ends the program as it would have without us.
    // SAFETY: resets a signal to its default; async-signal-safe.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
}
