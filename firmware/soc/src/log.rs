// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The `defmt` logger: rzCOBS frames in a ring that the host reads while the core runs.
//!
//! A writer that waits for its reader would let a silent host stop the firmware, so this one never
//! does: the ring overwrites its oldest bytes, and the host sees from `HEAD`, the number of bytes ever
//! written, how many it missed. `HEAD` moves when a frame is complete. Bytes of an unfinished frame
//! may already stand in the ring ahead of `HEAD`; they are at most [`MAX_FRAME`], and a reader that
//! lags by more than the ring less that many bytes has to skip.

use core::cell::UnsafeCell;

use critical_section::RestoreState;

use crate::regs::{mmio, regs};

/// Most encoded bytes of one frame. The rest of a longer one is discarded, and it is counted.
pub const MAX_FRAME: u32 = 256;

/// Restarts the log after a trap: a frame that was being written is closed, a new one can start.
///
/// # Safety
///
/// The interrupted context must never run again.
pub unsafe fn recover() {
    // SAFETY: by the contract of this function nobody else is inside the logger any more.
    let logger = unsafe { &mut *LOGGER.0.get() };
    if logger.depth != 0 {
        logger.ring.push(0); // frame separator
        logger.ring.publish();
        logger.depth = 0;
        logger.encoder = defmt::Encoder::new();
    }
}

/// The end of the ring, kept as a word: the memory takes whole words only.
struct Ring {
    /// Bytes ever written, those not yet published included.
    head: u32,
    /// Bytes of the word at `head` so far.
    word: u32,
    /// Bytes of the current frame.
    frame: u32,
}

impl Ring {
    fn push(&mut self, byte: u8) {
        let lane = self.head % 4;
        if lane == 0 {
            self.word = 0;
        }
        self.word |= u32::from(byte) << (8 * lane);
        self.head = self.head.wrapping_add(1);
        if lane == 3 {
            mmio::write_log_ring(self.head.wrapping_sub(1) / 4, self.word);
        }
    }

    /// Takes the bytes of a frame, without the separator, up to the limit.
    fn push_frame(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.frame < MAX_FRAME - 1 {
                self.push(byte);
            }
            self.frame = self.frame.saturating_add(1);
        }
    }

    /// Shows everything up to here to the host.
    fn publish(&mut self) {
        if !self.head.is_multiple_of(4) {
            mmio::write_log_ring(self.head / 4, self.word);
        }
        regs().log().head().write(|w| w.set_value(self.head));
    }
}

struct State {
    ring: Ring,
    encoder: defmt::Encoder,
    /// Nested acquisitions. Only the outermost writes: a log line inside a log line is discarded.
    depth: u32,
    /// Frames discarded or cut.
    dropped: u32,
    restore: RestoreState,
}

struct Shared(UnsafeCell<State>);

// SAFETY: the state is reached only between `acquire` and `release`, which hold a critical section on
// the only hart, and in `recover`, whose caller guarantees that nobody else is in there.
unsafe impl Sync for Shared {}

static LOGGER: Shared = Shared(UnsafeCell::new(State {
    ring: Ring {
        head: 0,
        word: 0,
        frame: 0,
    },
    encoder: defmt::Encoder::new(),
    depth: 0,
    dropped: 0,
    restore: RestoreState::invalid(),
}));

#[defmt::global_logger]
struct RingLogger;

// SAFETY: see `Shared`; a nested acquisition inside the same context writes nothing.
unsafe impl defmt::Logger for RingLogger {
    fn acquire() {
        // SAFETY: released in `release`, which defmt calls once per `acquire`.
        let restore = unsafe { critical_section::acquire() };
        // SAFETY: inside the critical section.
        let state = unsafe { &mut *LOGGER.0.get() };
        state.depth = state.depth.saturating_add(1);
        if state.depth == 1 {
            state.restore = restore;
            state.ring.frame = 0;
            let ring = &mut state.ring;
            state.encoder.start_frame(|bytes| ring.push_frame(bytes));
        } else {
            state.dropped = state.dropped.saturating_add(1);
        }
    }

    unsafe fn flush() {
        // Waiting for the host is what this logger never does.
    }

    unsafe fn release() {
        // SAFETY: between `acquire` and `release`, hence inside the critical section.
        let state = unsafe { &mut *LOGGER.0.get() };
        if state.depth == 1 {
            let ring = &mut state.ring;
            state.encoder.end_frame(|bytes| ring.push_frame(bytes));
            if ring.frame > MAX_FRAME - 1 {
                ring.push(0); // the encoder's own separator was past the limit
                state.dropped = state.dropped.saturating_add(1);
            }
            state.ring.publish();
            if state.dropped != 0 {
                regs().log().dropped().write(|w| w.set_value(state.dropped));
            }
        }
        state.depth = state.depth.saturating_sub(1);
        if state.depth == 0 {
            // SAFETY: the state that `acquire` got at the outermost level.
            unsafe { critical_section::release(state.restore) };
        }
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: between `acquire` and `release`, hence inside the critical section.
        let state = unsafe { &mut *LOGGER.0.get() };
        if state.depth == 1 {
            let ring = &mut state.ring;
            state.encoder.write(bytes, |bytes| ring.push_frame(bytes));
        }
    }
}
