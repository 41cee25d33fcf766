// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the PF sets and sees of its VFs' virtio devices.

use hairpin_abi::MacAddr;

use crate::device::Device;
use crate::error::Error;
use crate::transport::Transport;

/// Offset of the first VF's words in BAR 0 of the PF, and bytes from VF to VF.
const WINDOW: u32 = 0x8000;
const STRIDE: u32 = 64;

const ENABLE: u32 = 1;
const LINK_UP: u32 = 1 << 1;
const BAD_QUEUE: u32 = 1 << 24;

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

    /// The settings of words 0 to 3; `None` if the VF is not enabled.
    fn from_words(words: [u32; 4]) -> Option<Self> {
        let [pool, low, high, speed] = words;
        (pool & ENABLE != 0).then(|| Self {
            link_up: pool & LINK_UP != 0,
            first_pair: (pool >> 8) as u8 & 0x7f,
            pairs: (pool >> 16) as u8 & 0x7f,
            vectors: (pool >> 24) as u8,
            mac: MacAddr::from_u64(u64::from(high & 0xffff) << 32 | u64::from(low)),
            mtu: (high >> 16) as u16,
            speed,
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
                let [first, rest @ ..] = settings.words();
                self.write_words(base + 4, &rest)?;
                self.write_words(base, &[first])
            }
        }
    }

    /// How the virtio device of a VF is set up; `None` if it is not.
    ///
    /// # Errors
    /// As [`Device::set_vf`].
    pub fn vf_settings(&mut self, vf: u8) -> Result<Option<VfSettings>, Error> {
        let words = self.read_words(self.vf_words(vf)?)?;
        Ok(VfSettings::from_words(words))
    }

    /// Whether the virtio device of a VF is set up so, or not at all.
    ///
    /// # Errors
    /// As [`Device::set_vf`].
    pub fn vf_is(&mut self, vf: u8, settings: Option<&VfSettings>) -> Result<bool, Error> {
        let words: [u32; 4] = self.read_words(self.vf_words(vf)?)?;
        Ok(match settings {
            None => words[0] & ENABLE == 0,
            Some(settings) => words == settings.words(),
        })
    }

    /// Reads what has become of the virtio device of a VF.
    ///
    /// # Errors
    /// As [`Device::set_vf`].
    pub fn vf_status(&mut self, vf: u8) -> Result<VfStatus, Error> {
        let base = self.vf_words(vf)?;
        let [status, low, high, no_buffer, refused] = self.read_words(base + 16)?;
        let bad = (status & BAD_QUEUE != 0).then_some(((status >> 8) as u8, (status >> 16) as u8));
        Ok(VfStatus {
            device_status: status as u8,
            bad_queue: bad,
            features: u64::from(high) << 32 | u64::from(low),
            no_buffer,
            refused,
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
        };
        let mac = settings.mac.to_u64();
        let words = [
            0x1004_0c03,
            mac as u32,
            1500 << 16 | (mac >> 32) as u32,
            100_000,
        ];
        assert_eq!(settings.words(), words);
        assert_eq!(VfSettings::from_words(words), Some(settings));
        assert_eq!(VfSettings::from_words([words[0] & !1, 1, 1, 1]), None);
        assert_eq!(mac, 0x0211_2233_4455, "first byte of the wire on top");
    }

    #[test]
    fn every_vf_has_an_address_of_its_own() {
        let [a, b] = [0, 1].map(VfSettings::default_mac);
        assert_ne!(a, b);
        assert_eq!(a.0[0] & 3, 2, "local, and no group");
    }
}
