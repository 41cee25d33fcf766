// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The replay window: which sequence numbers of a session came already.

/// What a window says about a sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Arrival {
    /// The highest so far.
    Newest,
    /// Overtaken by another, and new.
    Late,
    /// It came before.
    Replayed,
    /// Too old to know.
    TooOld,
}

/// The highest sequence number so far, and which of the [`Window::SIZE`] up to it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window {
    highest: u32,
    /// Bit n: `highest - n` came.
    came: u64,
}

impl Window {
    /// Sequence numbers that a window remembers.
    pub const SIZE: u32 = u64::BITS;

    /// A window that begins with a number: what is older is too old.
    #[must_use]
    pub const fn starting_at(sequence: u32) -> Self {
        Self {
            highest: sequence,
            came: u64::MAX,
        }
    }

    /// Notes a number and says whether it is new.
    #[must_use]
    pub fn note(&mut self, sequence: u32) -> Arrival {
        if let Some(ahead) = sequence.checked_sub(self.highest).filter(|n| *n > 0) {
            self.came = self.came.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = sequence;
            return Arrival::Newest;
        }
        let behind = self.highest.wrapping_sub(sequence);
        let Some(bit) = 1_u64.checked_shl(behind) else {
            return Arrival::TooOld;
        };
        if self.came & bit != 0 {
            return Arrival::Replayed;
        }
        self.came |= bit;
        Arrival::Late
    }
}
