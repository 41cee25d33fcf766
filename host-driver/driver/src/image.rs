// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Firmware images: ELF files with a manifest.

use std::fs;
use std::io;
use std::path::Path;

use hairpin_abi::ABI_VERSION;
use hairpin_abi::manifest::{self, FLAG_CRASH_TEST, Manifest, ManifestError};
use hairpin_regs::MAP_HASH;
use object::elf::{EM_RISCV, ET_EXEC, FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{LittleEndian, elf};
use thiserror::Error;

use crate::Diagnostic;

/// Bytes of the soft core's memory, from address 0.
pub const MEMORY_BYTES: u64 = 64 * 1024;

/// Why a file is not a firmware image for this driver.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The file cannot be read.
    #[error("cannot read the firmware image: {0}")]
    Unreadable(#[source] io::Error),
    /// It is not an ELF file.
    #[error("not an ELF file")]
    NotElf,
    /// It ends too early.
    #[error("the image is truncated: {needed} bytes are needed, there are {len}")]
    Truncated {
        /// Bytes its headers ask for.
        needed: u64,
        /// Bytes there are.
        len: u64,
    },
    /// Its headers contradict themselves.
    #[error("the image is damaged: {0}")]
    Damaged(String),
    /// It is for another processor.
    #[error("the image is for another machine: {0}")]
    OtherMachine(String),
    /// It has no manifest.
    #[error(
        "the image has no section {}: it is not a Hairpin firmware",
        manifest::SECTION
    )]
    NoManifest,
    /// Its manifest is wrong.
    #[error("the image's manifest is wrong: {0}")]
    Manifest(#[source] ManifestError),
    /// It speaks another mailbox and table format.
    #[error("the image has ABI version {image}, this driver {driver}")]
    AbiMismatch {
        /// Of the image.
        image: u32,
        /// Ours.
        driver: u32,
    },
    /// It was built for another register map.
    #[error("the image was built for register map {image:016x}, this driver for {driver:016x}")]
    MapMismatch {
        /// Of the image.
        image: u64,
        /// Ours.
        driver: u64,
    },
    /// It does not fit into the core's memory.
    #[error("the image needs {needed} bytes of memory, the core has {available}")]
    TooLarge {
        /// What it needs.
        needed: u64,
        /// What there is.
        available: u64,
    },
}

impl ImageError {
    /// Its stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "image-unreadable",
            Self::NotElf => "image-not-elf",
            Self::Truncated { .. } => "image-truncated",
            Self::Damaged(_) => "image-damaged",
            Self::OtherMachine(_) => "image-other-machine",
            Self::NoManifest => "image-no-manifest",
            Self::Manifest(_) => "image-bad-manifest",
            Self::AbiMismatch { .. } => "image-abi-mismatch",
            Self::MapMismatch { .. } => "image-map-mismatch",
            Self::TooLarge { .. } => "image-too-large",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "check the path and its permissions",
            Self::NotElf | Self::NoManifest | Self::OtherMachine(_) | Self::Manifest(_) => {
                "name the ELF file of the NIC's firmware, hairpin-nic"
            }
            Self::Truncated { .. } | Self::Damaged(_) => "copy or build the image again",
            Self::AbiMismatch { .. } | Self::MapMismatch { .. } => {
                "use an image of the same release as this driver, or build it again"
            }
            Self::TooLarge { .. } => "build the image for this core's memory",
        }
    }

    /// The error as a person sees it.
    pub fn into_diagnostic(self, file: &Path) -> Diagnostic {
        Diagnostic::new(self.code(), self.to_string())
            .field("--firmware")
            .file(file)
            .help(self.help())
    }
}

/// A checked firmware image.
#[derive(Clone, Debug)]
pub struct FirmwareImage {
    elf: Vec<u8>,
    words: Vec<u32>,
    manifest: Manifest,
    /// Where the manifest is in `words`.
    manifest_at: usize,
}

impl FirmwareImage {
    /// Reads and checks an image.
    ///
    /// # Errors
    /// It is not an image that this driver may load.
    pub fn read(path: &Path) -> Result<Self, ImageError> {
        Self::parse(fs::read(path).map_err(ImageError::Unreadable)?)
    }

    /// Checks an image in memory.
    ///
    /// # Errors
    /// As [`FirmwareImage::read`].
    pub fn parse(elf: Vec<u8>) -> Result<Self, ImageError> {
        let header = check_header(&elf)?;
        let (manifest, address) = read_manifest(header, &elf)?;
        let words = read_memory(header, &elf)?;
        let needed = u64::from(manifest.memory_bytes);
        if needed > MEMORY_BYTES {
            return Err(ImageError::TooLarge {
                needed,
                available: MEMORY_BYTES,
            });
        }
        Ok(Self {
            words,
            manifest,
            manifest_at: address as usize / 4,
            elf,
        })
    }

    /// Has the firmware obey `CRASH_TEST`, to see what a NIC does without it.
    ///
    /// # Errors
    /// The manifest is not in the memory of the core, where the firmware could read it.
    pub fn allow_crash_test(&mut self) -> Result<(), ImageError> {
        let old = manifest_words(&self.manifest);
        self.manifest.flags |= FLAG_CRASH_TEST;
        let loaded = self.words.get_mut(self.manifest_at..).unwrap_or_default();
        match loaded.split_first_chunk_mut() {
            Some((words, _)) if *words == old => *words = manifest_words(&self.manifest),
            _ => return Err(ImageError::Damaged("its manifest is not loaded".to_owned())),
        }
        Ok(())
    }

    /// What it was built for.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The words of the core's memory, from address 0.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// The ELF file, for debuggers and log decoders.
    pub fn elf(&self) -> &[u8] {
        &self.elf
    }
}

type Header = FileHeader32<LittleEndian>;

/// Checks that the file is a whole ELF executable for a 32-bit little-endian RISC-V.
fn check_header(elf: &[u8]) -> Result<&Header, ImageError> {
    let len = elf.len() as u64;
    if !elf.starts_with(&elf::ELFMAG) {
        return Err(ImageError::NotElf);
    }
    if let Some(class) = elf.get(4)
        && *class != elf::ELFCLASS32
    {
        return Err(ImageError::OtherMachine("not 32-bit".to_owned()));
    }
    if let Some(data) = elf.get(5)
        && *data != elf::ELFDATA2LSB
    {
        return Err(ImageError::OtherMachine("not little-endian".to_owned()));
    }
    let needed = size_of::<Header>() as u64;
    if len < needed {
        return Err(ImageError::Truncated { needed, len });
    }
    let header = Header::parse(elf).map_err(damaged)?;
    let machine = header.e_machine.get(LittleEndian);
    if machine != EM_RISCV {
        return Err(ImageError::OtherMachine(format!(
            "ELF machine {machine}, RISC-V is {EM_RISCV}"
        )));
    }
    if header.e_type.get(LittleEndian) != ET_EXEC {
        return Err(ImageError::Damaged("it is not linked".to_owned()));
    }
    let table = |offset: u32, entries: u16, size: u16| {
        u64::from(offset) + u64::from(entries) * u64::from(size)
    };
    let e = LittleEndian;
    let programs = table(
        header.e_phoff.get(e),
        header.e_phnum.get(e),
        header.e_phentsize.get(e),
    );
    let sections = table(
        header.e_shoff.get(e),
        header.e_shnum.get(e),
        header.e_shentsize.get(e),
    );
    let needed = programs.max(sections);
    if needed > len {
        return Err(ImageError::Truncated { needed, len });
    }
    Ok(header)
}

/// The manifest and its address in the core's memory.
fn read_manifest(header: &Header, elf: &[u8]) -> Result<(Manifest, u32), ImageError> {
    let sections = header.sections(LittleEndian, elf).map_err(damaged)?;
    let (_, section) = sections
        .section_by_name(LittleEndian, manifest::SECTION.as_bytes())
        .ok_or(ImageError::NoManifest)?;
    let bytes = section.data(LittleEndian, elf).map_err(damaged)?;
    let manifest = Manifest::parse(bytes).map_err(|error| match error {
        ManifestError::Machine { .. } => ImageError::OtherMachine(error.to_string()),
        error => ImageError::Manifest(error),
    })?;
    if manifest.abi_version != ABI_VERSION {
        return Err(ImageError::AbiMismatch {
            image: manifest.abi_version,
            driver: ABI_VERSION,
        });
    }
    if manifest.map_hash != MAP_HASH {
        return Err(ImageError::MapMismatch {
            image: manifest.map_hash,
            driver: MAP_HASH,
        });
    }
    Ok((manifest, section.sh_addr(LittleEndian)))
}

/// Lays the loadable segments out in memory; the gaps between them are zero.
fn read_memory(header: &Header, elf: &[u8]) -> Result<Vec<u32>, ImageError> {
    let e = LittleEndian;
    let mut memory: Vec<u8> = Vec::new();
    for segment in header.program_headers(e, elf).map_err(damaged)? {
        if segment.p_type(e) != PT_LOAD || segment.p_filesz(e) == 0 {
            continue;
        }
        let needed = u64::from(segment.p_offset(e)) + u64::from(segment.p_filesz(e));
        let bytes = segment.data(e, elf).map_err(|()| {
            let len = elf.len() as u64;
            ImageError::Truncated {
                needed: needed.max(len + 1),
                len,
            }
        })?;
        let start = u64::from(segment.p_paddr(e));
        let end = start + bytes.len() as u64;
        if end > MEMORY_BYTES {
            return Err(ImageError::TooLarge {
                needed: end,
                available: MEMORY_BYTES,
            });
        }
        let (start, end) = (start as usize, end as usize);
        if memory.len() < end {
            memory.resize(end.next_multiple_of(4), 0);
        }
        memory[start..end].copy_from_slice(bytes);
    }
    if memory.is_empty() {
        return Err(ImageError::Damaged("it has nothing to load".to_owned()));
    }
    let (words, _) = memory.as_chunks::<4>();
    Ok(words
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect())
}

fn manifest_words(manifest: &Manifest) -> [u32; manifest::LEN / 4] {
    let bytes = manifest.to_bytes();
    let mut words = [0; manifest::LEN / 4];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}

fn damaged(error: object::Error) -> ImageError {
    ImageError::Damaged(error.to_string())
}
