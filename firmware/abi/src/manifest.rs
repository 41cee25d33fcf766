// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The section of a firmware image that says what it was built for.
//!
//! The image places a [`Manifest`] in ELF section [`SECTION`]; the loader parses that section before
//! it lets the core run. Layout, little-endian: magic, ABI version, machine, flags, map hash (two
//! words), build id, memory size, in bytes.

use core::fmt;

/// Name of the ELF section.
pub const SECTION: &str = ".hairpin.manifest";
/// `HPFW`, as bytes of a file.
pub const MAGIC: u32 = u32::from_le_bytes(*b"HPFW");
/// Bytes of a manifest.
pub const LEN: usize = 32;

codes! {
    /// What a firmware image runs on.
    pub enum Machine {
        /// The NIC's soft core: Ibex, rv32imc.
        NicIbex = 1, "hairpin-nic ibex rv32imc";
    }
}

/// Flag: `CRASH_TEST` is compiled in.
pub const FLAG_CRASH_TEST: u32 = 1;

/// What an image was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Manifest {
    magic: u32,
    /// [`ABI_VERSION`](crate::ABI_VERSION) of the build.
    pub abi_version: u32,
    machine: u32,
    /// Sum of the flags.
    pub flags: u32,
    /// Hash of the register map.
    pub map_hash: u64,
    /// Build id.
    pub build_id: u32,
    /// Bytes of memory the image needs from address 0 on, stack included.
    pub memory_bytes: u32,
}

impl Manifest {
    /// The manifest of an image for the NIC's soft core.
    #[must_use]
    pub const fn new(map_hash: u64, build_id: u32, memory_bytes: u32, flags: u32) -> Self {
        Self {
            magic: MAGIC,
            abi_version: crate::ABI_VERSION,
            machine: Machine::NicIbex as u32,
            flags,
            map_hash,
            build_id,
            memory_bytes,
        }
    }

    /// Parses the bytes of the section. Bytes after the manifest are ignored.
    ///
    /// # Errors
    /// [`ManifestError`] says what is wrong. The ABI version and the map hash are the caller's to
    /// compare.
    pub fn parse(section: &[u8]) -> Result<Self, ManifestError> {
        let (bytes, _) = section
            .split_first_chunk::<LEN>()
            .ok_or(ManifestError::Truncated { len: section.len() })?;
        let (words, _) = bytes.as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or(0);
        let manifest = Self {
            magic: next(),
            abi_version: next(),
            machine: next(),
            flags: next(),
            map_hash: u64::from(next()) | u64::from(next()) << 32,
            build_id: next(),
            memory_bytes: next(),
        };
        if manifest.magic != MAGIC {
            return Err(ManifestError::Magic {
                found: manifest.magic,
            });
        }
        if manifest.machine != Machine::NicIbex as u32 {
            return Err(ManifestError::Machine {
                found: manifest.machine,
            });
        }
        Ok(manifest)
    }

    /// The bytes of the section.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LEN] {
        let words = [
            self.magic,
            self.abi_version,
            self.machine,
            self.flags,
            self.map_hash as u32,
            (self.map_hash >> 32) as u32,
            self.build_id,
            self.memory_bytes,
        ];
        let mut bytes = [0; LEN];
        for (chunk, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *chunk = word.to_le_bytes();
        }
        bytes
    }
}

/// Why bytes are not a manifest for this NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestError {
    /// The section is too short.
    Truncated {
        /// Its length.
        len: usize,
    },
    /// It does not begin with [`MAGIC`].
    Magic {
        /// What it begins with.
        found: u32,
    },
    /// The image is for another machine.
    Machine {
        /// Which.
        found: u32,
    },
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { len } => write!(f, "manifest of {len} bytes, {LEN} needed"),
            Self::Magic { found } => {
                write!(f, "manifest magic {found:#010x}, {MAGIC:#010x} needed")
            }
            Self::Machine { found } => {
                write!(
                    f,
                    "image for machine {found}, {} ({}) needed",
                    Machine::NicIbex.code(),
                    Machine::NicIbex
                )
            }
        }
    }
}

impl core::error::Error for ManifestError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_repr_c_and_parses_back() {
        assert_eq!(size_of::<Manifest>(), LEN);
        assert_eq!(core::mem::offset_of!(Manifest, map_hash), 16);
        let manifest = Manifest::new(0x0123_4567_89ab_cdef, 42, 65536, FLAG_CRASH_TEST);
        let bytes = manifest.to_bytes();
        assert_eq!(&bytes[..4], b"HPFW");
        assert_eq!(&bytes[16..24], 0x0123_4567_89ab_cdef_u64.to_le_bytes());
        assert_eq!(Manifest::parse(&bytes), Ok(manifest));
    }

    #[test]
    fn refuses_what_is_not_for_this_nic() {
        let good = Manifest::new(1, 2, 3, 0).to_bytes();
        assert_eq!(
            Manifest::parse(&good[..31]),
            Err(ManifestError::Truncated { len: 31 })
        );
        let mut bytes = good;
        bytes[0] = b'X';
        assert!(matches!(
            Manifest::parse(&bytes),
            Err(ManifestError::Magic { .. })
        ));
        let mut bytes = good;
        bytes[8] = 2;
        assert_eq!(
            Manifest::parse(&bytes),
            Err(ManifestError::Machine { found: 2 })
        );
    }
}
