// SPDX-License-Identifier: Apache-2.0 OR MIT

//! How fast addresses may move.
//!
//! The hardware checks the rest: a static entry never moves, and a vPort has at most `max_macs` dynamic
//! addresses.

/// How fast addresses may move to a vPort: a token bucket.
#[derive(Clone, Copy, Debug)]
pub struct MoveLimit {
    burst: u16,
    shift: u32,
    tokens: u16,
    period: u64,
}

impl MoveLimit {
    /// At most `burst` moves at once, and one more every 2^`shift` ticks.
    #[must_use]
    pub const fn new(burst: u16, shift: u32) -> Self {
        Self {
            burst,
            shift,
            tokens: burst,
            period: 0,
        }
    }

    /// Whether an address may move now, which takes a token.
    #[must_use]
    pub fn take(&mut self, time: u64) -> bool {
        let period = time.checked_shr(self.shift).unwrap_or(0);
        let gained = period
            .saturating_sub(self.period)
            .saturating_add(self.tokens.into());
        self.period = self.period.max(period);
        self.tokens = u16::try_from(gained).unwrap_or(u16::MAX).min(self.burst);
        match self.tokens.checked_sub(1) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_no_faster_than_the_limit() {
        let mut limit = MoveLimit::new(2, 4);
        let taken: [bool; 5] = [0, 1, 2, 16, 17].map(|time| limit.take(time));
        assert_eq!(taken, [true, true, false, true, false]);
        assert_eq!(
            [1000, 1000, 1000].map(|time| limit.take(time)),
            [true, true, false]
        );
    }
}
