// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Addresses for VFs whose owner names none.

use std::collections::HashSet;

use hairpin_abi::MacAddr;
use siphasher::sip::SipHasher24;

/// Bits of the first byte of an address: local, and a group's.
const LOCAL: u8 = 2;
const GROUP: u8 = 1;

/// A pool of addresses that look random: local ones of one station, derived from a physical address. The same physical
/// address and seed give the same addresses in the same order, each once.
///
/// ```
/// # use hairpin_driver::mac_pool::MacPool;
/// # use hairpin_abi::MacAddr;
/// let mut pool = MacPool::new(MacAddr([0x00, 0x1b, 0x21, 0, 0, 1]), 7);
/// let first = pool.take();
/// pool.reserve(MacAddr([0x02, 0, 0, 0, 0, 1])); // never given out from here on
/// assert_ne!(pool.take(), first);
/// ```
#[derive(Clone, Debug)]
pub struct MacPool {
    hasher: SipHasher24,
    base: MacAddr,
    counter: u64,
    taken: HashSet<MacAddr>,
}

impl MacPool {
    /// The pool of a physical address. It never gives that out.
    #[must_use]
    pub fn new(base: MacAddr, seed: u64) -> Self {
        Self {
            hasher: SipHasher24::new_with_keys(seed, u64::from_le_bytes(*b"vMACpool")),
            base,
            counter: 0,
            taken: HashSet::from([base]),
        }
    }

    /// Keeps an address that is somebody's already. Returns whether it was free.
    pub fn reserve(&mut self, mac: MacAddr) -> bool {
        self.taken.insert(mac)
    }

    /// The next address.
    pub fn take(&mut self) -> MacAddr {
        // There are 2^46: it ends soon.
        loop {
            let mac = self.candidate(self.counter);
            self.counter = self.counter.wrapping_add(1);
            if self.taken.insert(mac) {
                return mac;
            }
        }
    }

    /// The address of a number, whether it is free or not.
    fn candidate(&self, number: u64) -> MacAddr {
        let mut message = [0; 14];
        let (base, counter) = message.split_at_mut(6);
        base.copy_from_slice(&self.base.0);
        counter.copy_from_slice(&number.to_le_bytes());
        let mut mac = MacAddr::from_u64(self.hasher.hash(&message));
        mac.0[0] = mac.0[0] & !GROUP | LOCAL;
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: MacAddr = MacAddr([0x00, 0x1b, 0x21, 0, 0, 1]);

    #[test]
    fn a_hundred_thousand_addresses_are_different_local_and_no_groups() {
        let mut pool = MacPool::new(BASE, 1);
        let mut seen = HashSet::new();
        let mut bits = [0u32; 48];
        for _ in 0..100_000 {
            let mac = pool.take();
            assert!(seen.insert(mac), "{mac} twice");
            assert_eq!(mac.0[0] & 3, LOCAL, "{mac}");
            for (bit, count) in (0..).zip(&mut bits) {
                *count += u32::from(mac.to_u64() >> bit & 1 != 0);
            }
        }
        for (bit, count) in (0..48).zip(bits) {
            let expected = match bit {
                40 => 0..=0,
                41 => 100_000..=100_000,
                _ => 49_000..=51_000,
            };
            assert!(expected.contains(&count), "bit {bit}: {count}");
        }
    }

    #[test]
    fn seed_and_physical_address_make_the_pool() {
        let take = |base, seed| {
            let mut pool = MacPool::new(base, seed);
            [pool.take(), pool.take(), pool.take()]
        };
        assert_eq!(take(BASE, 1), take(BASE, 1));
        assert_ne!(take(BASE, 1), take(BASE, 2));
        let other = MacAddr([0x00, 0x1b, 0x21, 0, 0, 2]);
        assert_ne!(take(BASE, 1), take(other, 1));
    }

    #[test]
    fn addresses_of_others_are_never_given_out() {
        let mut pool = MacPool::new(BASE, 1);
        let wanted: Vec<MacAddr> = (0..10).map(|_| pool.take()).collect();
        let mut pool = MacPool::new(BASE, 1);
        for mac in wanted.iter().step_by(2) {
            assert!(pool.reserve(*mac));
            assert!(!pool.reserve(*mac));
        }
        let left: Vec<MacAddr> = wanted.iter().skip(1).step_by(2).copied().collect();
        let got: Vec<MacAddr> = (0..5).map(|_| pool.take()).collect();
        assert_eq!(got, left);
        // An address that was given out is taken too.
        assert!(!pool.reserve(got[0]) && !pool.reserve(BASE));
    }
}
