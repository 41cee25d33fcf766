// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Frames that the datapath handed over.

use hairpin_abi::Reason;

use crate::regs::{mmio, regs};

/// The head frame of the punt store.
#[derive(Clone, Copy, Debug)]
pub struct Punted {
    /// Slot in the store.
    pub slot: u8,
    /// Port it came in by.
    pub src: u8,
    /// Reason code it was punted with.
    pub reason: u8,
    /// Its V.VLAN; 0 when it has none.
    pub vvlan: u16,
    /// Bytes of the canonical frame.
    pub len: u16,
}

/// Takes punted frames, oldest first. Every frame is sent on, refused or dropped.
#[derive(Debug)]
pub struct PuntPort(());

impl PuntPort {
    /// Bytes of the head frame that can be read.
    pub const WINDOW: usize = 128;

    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// The oldest frame, if there is one and the port can act on it.
    pub fn head(&mut self) -> Option<Punted> {
        let punt = regs().punt();
        let status = punt.status().read();
        if !status.valid() || status.busy() {
            return None;
        }
        let info0 = punt.info0().read();
        let info1 = punt.info1().read();
        Some(Punted {
            slot: info0.slot(),
            src: info0.src(),
            reason: info0.reason(),
            vvlan: info1.vvlan(),
            len: info1.len(),
        })
    }

    /// Copies the first bytes of the head frame. Past its length they mean nothing.
    pub fn read(&mut self, bytes: &mut [u8]) {
        let (words, rest) = bytes.as_chunks_mut::<4>();
        for (index, word) in words.iter_mut().take(Self::WINDOW / 4).enumerate() {
            *word = mmio::read_punt_window(index).to_le_bytes();
        }
        let last = mmio::read_punt_window(words.len()).to_le_bytes();
        for (to, from) in rest.iter_mut().zip(last) {
            *to = from;
        }
    }

    /// Whether the cache was full for a flow that a frame taught, and whether a V.VLAN had as many as it may; since the
    /// last look.
    pub fn not_installed(&mut self) -> (bool, bool) {
        let punt = regs().punt();
        let status = punt.status().read();
        let seen = (status.full(), status.quota());
        if seen != (false, false) {
            punt.ctrl().write(|w| w.set_seen(true));
        }
        seen
    }

    /// Drops the head frame, uncounted.
    pub fn pop(&mut self) {
        regs().punt().ctrl().write(|w| w.set_pop(true));
    }

    /// Sends the head frame through the decision once more, not to be punted again.
    pub fn forward(&mut self) {
        regs().punt().ctrl().write(|w| w.set_send_nopunt(true));
    }

    /// Refuses the head frame: the datapath counts it as dropped for that reason.
    pub fn refuse(&mut self, reason: Reason) {
        regs().punt().ctrl().write(|w| {
            w.set_send_tomb(true);
            w.set_tomb_reason(reason.code());
        });
    }
}
