// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the PF sets and sees of its VFs' virtio devices.

use hairpin_abi::MacAddr;

use crate::device::Device;
use crate::error::Error;
use crate::transport::Transport;

/// Offset of the first VF's words in BAR 0 of the PF, and bytes from VF to VF.
const WINDOW: u32 = 0x8000;
const STRIDE: u32 = 64;

/// Offset of the words with the limits in those of a VF: 9 and 10.
const LIMITS: u32 = 36;
/// Where word 11 is.
const FILTERED: u32 = 44;

/// The nominal datapath clock. What is set per second is set per clock of this.
pub(crate) const CLOCK_HZ: u64 = 156_250_000;
/// Parts of a byte per clock in a rate.
const RATE_UNIT: u64 = 1 << 24;
/// Clocks per Mb/s that make a byte.
const RATE_CLOCKS: u64 = CLOCK_HZ * 8 / 1_000_000;
/// Clocks in a tick of an interrupt gap, and most ticks.
const GAP_TICK: u64 = 64;
const MOST_TICKS: u64 = (1 << 12) - 1;
/// Highest limit of what a VF sends, in Mb/s.
pub(crate) const MOST_RATE: u32 = ((1 << 32) * RATE_CLOCKS / RATE_UNIT - 1) as u32;
/// Longest pause between two interrupts of a vector, in microseconds.
pub(crate) const MOST_GAP_US: u16 = (MOST_TICKS * GAP_TICK * 1_000_000 / CLOCK_HZ) as u16;

const ENABLE: u32 = 1;
const LINK_UP: u32 = 1 << 1;
/// Its guest is to announce itself, and has not said yet that it did.
const ANNOUNCE: u32 = 1 << 2;
const BAD_QUEUE: u32 = 1 << 24;

/// Bits of the device status and of the features (virtio 1.2, 2.1 and 5.1.3).
const DRIVER_OK: u8 = 4;
const GUEST_ANNOUNCE: u64 = 1 << 21;

/// Clocks between two looks at a VF that is being reset, and looks until it counts as dead: it waits for what host
/// memory was asked.
const RESET_POLL: (u32, u32) = (64, 1 << 14);
/// Most MSI-X vectors of a VF.
pub(crate) const MOST_VECTORS: u8 = 16;
/// Speed that a VF's driver is told unless told otherwise, in Mb/s.
const SPEED: u32 = 100_000;
/// Largest frame of a VF without its Ethernet header, unless told otherwise.
const MTU: u16 = 1500;

/// The virtio device of a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VfSettings {
    /// Whether its driver sees a link.
    pub link_up: bool,
    /// First queue pair of its pool.
    pub first_pair: u8,
    /// Queue pairs in its pool.
    pub pairs: u8,
    /// MSI-X vectors.
    pub vectors: u8,
    /// The address that its driver is told.
    pub mac: MacAddr,
    /// Largest frame without its Ethernet header.
    pub mtu: u16,
    /// Speed that its driver is told, in Mb/s.
    pub speed: u32,
    /// Most that it may send, in Mb/s of whole frames; 0: no limit.
    pub max_tx_rate: u32,
    /// Least pause between two interrupts of a vector for frames, in microseconds; 0: none.
    pub interrupt_gap_us: u16,
}

impl VfSettings {
    /// Those of a VF with all vectors and the usual MTU and speed.
    #[must_use]
    pub fn new(vf: u8, mac: Option<MacAddr>, link_up: bool, first_pair: u8, pairs: u8) -> Self {
        Self {
            link_up,
            first_pair,
            pairs,
            vectors: MOST_VECTORS,
            mac: mac.unwrap_or(Self::default_mac(vf)),
            mtu: MTU,
            speed: SPEED,
            max_tx_rate: 0,
            interrupt_gap_us: 0,
        }
    }

    /// The address of a VF whose vPort has none: a locally administered one, of its number.
    #[must_use]
    pub const fn default_mac(vf: u8) -> MacAddr {
        MacAddr([0x02, b'h', b'p', 0, 0, vf])
    }

    /// Words 0 to 3.
    fn words(&self) -> [u32; 4] {
        let pool = u32::from(self.first_pair & 0x7f) << 8 | u32::from(self.pairs & 0x7f) << 16;
        let link = if self.link_up { LINK_UP } else { 0 };
        let mac = self.mac.to_u64();
        [
            ENABLE | link | pool | u32::from(self.vectors) << 24,
            mac as u32,
            (mac >> 32) as u32 | u32::from(self.mtu) << 16,
            self.speed,
        ]
    }

    /// Words 9 and 10: what can be changed at any time, and its driver does not see.
    fn limits(&self) -> [u32; 2] {
        let rate = (u64::from(self.max_tx_rate) * RATE_UNIT + RATE_CLOCKS / 2) / RATE_CLOCKS;
        let clocks = u64::from(self.interrupt_gap_us) * CLOCK_HZ;
        let ticks = clocks.div_ceil(GAP_TICK * 1_000_000);
        [
            u32::try_from(rate).unwrap_or(u32::MAX),
            ticks.min(MOST_TICKS) as u32,
        ]
    }

    /// The settings of words 0 to 3, 9 and 10; `None` if the VF is not enabled.
    fn from_words(words: [u32; 4], limits: [u32; 2]) -> Option<Self> {
        let [pool, low, high, speed] = words;
        let [rate, ticks] = limits;
        let rate = (u64::from(rate) * RATE_CLOCKS + RATE_UNIT / 2) / RATE_UNIT;
        let gap = u64::from(ticks) * GAP_TICK * 1_000_000 / CLOCK_HZ;
        // What is less than the unit is still a limit.
        let at_least_one = |value: u64, word: u32| value.max(u64::from(word != 0));
        (pool & ENABLE != 0).then(|| Self {
            link_up: pool & LINK_UP != 0,
            first_pair: (pool >> 8) as u8 & 0x7f,
            pairs: (pool >> 16) as u8 & 0x7f,
            vectors: (pool >> 24) as u8,
            mac: MacAddr::from_u64(u64::from(high & 0xffff) << 32 | u64::from(low)),
            mtu: (high >> 16) as u16,
            speed,
            max_tx_rate: at_least_one(rate, limits[0]) as u32,
            interrupt_gap_us: at_least_one(gap, ticks) as u16,
        })
    }
}

/// What the NIC tells of a VF's virtio device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VfStatus {
    /// Device status, as its driver set it.
    pub device_status: u8,
    /// Code and number of its first bad queue, if there is one.
    pub bad_queue: Option<(u8, u8)>,
    /// Features that its driver accepted.
    pub features: u64,
    /// Frames that found no buffer.
    pub no_buffer: u32,
    /// Frames that were too short or too long to send, or whose header asked for what is not done.
    pub refused: u32,
    /// Frames of VLANs that its driver did not ask for.
    pub filtered: u32,
}

impl<T: Transport> Device<T> {
    /// Sets up the virtio device of a VF, or takes it away. Taking it away is a reset of it, complete when this
    /// returns. Pool and vectors of one that is set up do not change.
    ///
    /// # Errors
    /// The NIC cannot be reached, has no virtqueues, or not this VF.
    pub fn set_vf(&mut self, vf: u8, settings: Option<&VfSettings>) -> Result<(), Error> {
        let base = self.vf_words(vf)?;
        match settings {
            None => {
                self.write_words(base, &[0])?;
                let (step, limit) = RESET_POLL;
                self.poll_slowly("reset of a VF", step, limit, || {
                    let [word] = self.read_words(base)?;
                    Ok(word & ENABLE == 0)
                })
            }
            Some(settings) => {
                // The word that enables it comes last.
                self.set_vf_limits(vf, settings)?;
                let [first, rest @ ..] = settings.words();
                self.write_words(base + 4, &rest)?;
                self.write_words(base, &[first])
            }
        }
    }

    /// Sets what a VF may send and how often it interrupts. Neither its driver nor its frames notice the change itself.
    ///
    /// # Errors
    /// As [`Device::set_vf`].
    pub fn set_vf_limits(&mut self, vf: u8, settings: &VfSettings) -> Result<(), Error> {
        let base = self.vf_words(vf)?;
        self.write_words(base + LIMITS, &settings.limits())
    }

    /// How the virtio device of a VF is set up; `None` if it is not.
    ///
    /// # Errors
    /// As [`Device::set_vf`].
    pub fn vf_settings(&mut self, vf: u8) -> Result<Option<VfSettings>, Error> {
        let base = self.vf_words(vf)?;
        let words = self.read_words(base)?;
        Ok(VfSettings::from_words(
            words,
            self.read_words(base + LIMITS)?,
        ))
    }

    /// Whether the virtio device of a VF is set up so, or not at all. Its limits do not count.
    ///
    /// # Errors
    /// As [`Device::set_vf`].
    pub fn vf_is(&mut self, vf: u8, settings: Option<&VfSettings>) -> Result<bool, Error> {
        let mut words: [u32; 4] = self.read_words(self.vf_words(vf)?)?;
        words[0] &= !ANNOUNCE;
        Ok(match settings {
            None => words[0] & ENABLE == 0,
            Some(settings) => words == settings.words(),
        })
    }

    /// Asks the guest of a VF to announce itself; true if its driver can.
    ///
    /// # Errors
    /// As [`Device::set_vf`].
    pub fn announce_vf(&mut self, vf: u8) -> Result<bool, Error> {
        let base = self.vf_words(vf)?;
        let [word] = self.read_words(base)?;
        let status = self.vf_status(vf)?;
        let can = word & ENABLE != 0
            && status.device_status & DRIVER_OK != 0
            && status.features & GUEST_ANNOUNCE != 0;
        if can {
            self.write_words(base, &[word | ANNOUNCE])?;
        }
        Ok(can)
    }

    /// Reads what has become of the virtio device of a VF.
    ///
    /// # Errors
    /// As [`Device::set_vf`].
    pub fn vf_status(&mut self, vf: u8) -> Result<VfStatus, Error> {
        let base = self.vf_words(vf)?;
        let [status, low, high, no_buffer, refused] = self.read_words(base + 16)?;
        let [filtered] = self.read_words(base + FILTERED)?;
        let bad = (status & BAD_QUEUE != 0).then_some(((status >> 8) as u8, (status >> 16) as u8));
        Ok(VfStatus {
            device_status: status as u8,
            bad_queue: bad,
            features: u64::from(high) << 32 | u64::from(low),
            no_buffer,
            refused,
            filtered,
        })
    }

    /// Where the words of a VF are.
    fn vf_words(&self, vf: u8) -> Result<u32, Error> {
        let has = self.capabilities();
        if !has.virtqueues || vf >= has.vfs {
            return Err(Error::NoVf { vf });
        }
        Ok(WINDOW + STRIDE * u32::from(vf))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_boundary() {
        let settings = VfSettings {
            link_up: true,
            first_pair: 12,
            pairs: 4,
            vectors: 16,
            mac: MacAddr([0x02, 0x11, 0x22, 0x33, 0x44, 0x55]),
            mtu: 1500,
            speed: 100_000,
            max_tx_rate: 1000,
            interrupt_gap_us: 20,
        };
        let mac = settings.mac.to_u64();
        let words = [
            0x1004_0c03,
            mac as u32,
            1500 << 16 | (mac >> 32) as u32,
            100_000,
        ];
        assert_eq!(settings.words(), words);
        // 0.8 bytes per clock; 3125 clocks are 48.8 ticks.
        let limits = [13_421_773, 49];
        assert_eq!(settings.limits(), limits);
        assert_eq!(VfSettings::from_words(words, limits), Some(settings));
        assert_eq!(
            VfSettings::from_words([words[0] & !1, 1, 1, 1], limits),
            None
        );
        assert_eq!(mac, 0x0211_2233_4455, "first byte of the wire on top");
    }

    #[test]
    fn limits_read_back_as_they_were_set() {
        let settings = VfSettings::new(0, None, true, 0, 1);
        assert_eq!(settings.limits(), [0, 0]);
        assert_eq!((MOST_RATE, MOST_GAP_US), (319_999, 1677));
        for (rate, gap) in (1..=MOST_RATE).zip((1..=MOST_GAP_US).cycle()) {
            let limited = VfSettings {
                max_tx_rate: rate,
                interrupt_gap_us: gap,
                ..settings
            };
            let limits = limited.limits();
            assert_eq!(
                VfSettings::from_words(limited.words(), limits),
                Some(limited)
            );
            // Never shorter than was asked for, by less than a tick longer.
            let clocks = u64::from(limits[1]) * GAP_TICK * 1_000_000;
            let wanted = u64::from(gap) * CLOCK_HZ;
            assert!((wanted..wanted + GAP_TICK * 1_000_000).contains(&clocks));
        }
        // What another program set is shown as a limit.
        let odd = VfSettings::from_words(settings.words(), [1, 1]).unwrap();
        assert_eq!((odd.max_tx_rate, odd.interrupt_gap_us), (1, 1));
    }

    #[test]
    fn every_vf_has_an_address_of_its_own() {
        let [a, b] = [0, 1].map(VfSettings::default_mac);
        assert_ne!(a, b);
        assert_eq!(a.0[0] & 3, 2, "local, and no group");
    }
}
