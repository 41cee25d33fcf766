// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Frames of the firmware's own.

use hairpin_abi::{MIN_FRAME, PortId};

use crate::regs::{mmio, regs};

/// Why a frame could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub enum InjectError {
    /// The frame before is still being sent.
    Busy,
    /// Shorter than a frame or longer than the buffer.
    Length,
}

/// Sends whole frames to a port, as they are.
#[derive(Debug)]
pub struct Injector(());

impl Injector {
    /// Bytes of the buffer.
    pub const BUFFER: usize = 2048;

    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// Starts sending `frame` to `port`, unedited.
    ///
    /// # Errors
    ///
    /// See [`InjectError`]; nothing is sent then.
    pub fn send(&mut self, port: PortId, frame: &[u8]) -> Result<(), InjectError> {
        if !(MIN_FRAME..=Self::BUFFER).contains(&frame.len()) {
            return Err(InjectError::Length);
        }
        let inject = regs().inject();
        if inject.status().read().busy() {
            return Err(InjectError::Busy);
        }
        let (words, rest) = frame.as_chunks::<4>();
        for (index, word) in words.iter().enumerate() {
            mmio::write_inject_buffer(index, u32::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 4];
            for (to, from) in word.iter_mut().zip(rest) {
                *to = *from;
            }
            mmio::write_inject_buffer(words.len(), u32::from_le_bytes(word));
        }
        inject.ctrl().write(|w| {
            w.set_len(frame.len() as u16);
            w.set_direct_port(port.get());
            w.set_start(true);
        });
        Ok(())
    }
}
