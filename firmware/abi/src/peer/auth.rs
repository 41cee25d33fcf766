// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The authenticator: SipHash-2-4 with 128 bits of output.

use core::fmt;

use siphasher::sip128::{Hash128, SipHasher24};

/// Bytes of a tag.
pub const TAG_LEN: usize = 16;

/// Which of the configured keys a message is signed with, so that keys can be changed one end at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeyId(pub u8);

/// A secret that both ends share. Neither `Debug` nor a log shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 16]);

impl Key {
    /// A key of its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for the command that hands it to the NIC.
    pub(crate) const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The tag of a message.
    #[must_use]
    pub fn tag(&self, message: &[u8]) -> [u8; TAG_LEN] {
        let Hash128 { h1, h2 } = self.hash(message);
        (u128::from(h2) << 64 | u128::from(h1)).to_le_bytes()
    }

    /// True if a tag is that of a message; takes the same time for every wrong tag.
    #[must_use]
    pub fn verify(&self, message: &[u8], tag: &[u8; TAG_LEN]) -> bool {
        self.hash(message) == Hash128::from(u128::from_le_bytes(*tag))
    }

    /// A number that nobody without the key can guess, from bytes that do not come again.
    #[must_use]
    pub fn nonce(&self, unique: &[u8]) -> u64 {
        self.hash(unique).h1
    }

    fn hash(&self, message: &[u8]) -> Hash128 {
        SipHasher24::new_with_key(&self.0).hash(message)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Key {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Key(secret)");
    }
}

/// The keys of an end: it signs with the first and takes both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Keys {
    sign: (KeyId, Key),
    other: Option<(KeyId, Key)>,
}

impl Keys {
    /// One key.
    #[must_use]
    pub const fn one(id: KeyId, key: Key) -> Self {
        Self {
            sign: (id, key),
            other: None,
        }
    }

    /// Takes another key too, while keys are being changed.
    #[must_use]
    pub const fn and(self, id: KeyId, key: Key) -> Self {
        Self {
            other: Some((id, key)),
            ..self
        }
    }

    /// The key that signs.
    #[must_use]
    pub const fn sign(&self) -> &(KeyId, Key) {
        &self.sign
    }

    /// The key that is taken too.
    #[must_use]
    pub const fn other(&self) -> Option<&(KeyId, Key)> {
        self.other.as_ref()
    }

    /// The key with this number.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<&Key> {
        let mut keys = [Some(&self.sign), self.other.as_ref()]
            .into_iter()
            .flatten();
        keys.find(|(known, _)| *known == id).map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    /// The first two of the vectors that the authors of SipHash publish: key 00 01 … 0f, messages of no byte
    /// and of one zero byte.
    #[test]
    fn tags_are_those_of_the_reference_implementation() {
        let key = Key::new(core::array::from_fn(|at| at as u8));
        let vectors: [(&[u8], [u8; 16]); 2] = [
            (
                &[],
                [
                    0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
                    0x55, 0x02, 0x93,
                ],
            ),
            (
                &[0],
                [
                    0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
                    0x22, 0xfc, 0x45,
                ],
            ),
        ];
        for (message, tag) in vectors {
            assert_eq!(key.tag(message), tag);
            assert!(key.verify(message, &tag));
            for bit in 0..128 {
                let mut wrong = tag;
                wrong[bit / 8] ^= 1 << (bit % 8);
                assert!(!key.verify(message, &wrong));
            }
        }
    }
}
