// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Numbers that only have to be spread.

/// A xorshift generator.
#[derive(Debug)]
pub(crate) struct Random(u32);

impl Random {
    /// A generator that starts at a seed.
    pub(crate) const fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// A number below `limit`, or 0.
    pub(crate) fn below(&mut self, limit: u16) -> u16 {
        let mut state = if self.0 == 0 { 0x6861_6972 } else { self.0 };
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        self.0 = state;
        ((u64::from(state) * u64::from(limit)) >> 32) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_and_none_above() {
        for seed in [0, 1, 0xffff_ffff] {
            let mut random = Random::new(seed);
            let mut seen = [false; 10];
            for _ in 0..1000 {
                seen[usize::from(random.below(10))] = true;
            }
            assert_eq!(seen, [true; 10], "seed {seed}");
            assert_eq!(random.below(0), 0);
        }
    }
}
