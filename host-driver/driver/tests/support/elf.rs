// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A small ELF executable with a manifest and two log messages.

use hairpin_abi::manifest::{Manifest, SECTION};
use hairpin_driver::MAP_HASH;

/// What the core is to execute.
pub(crate) const CODE: [u32; 4] = [0x0000_0013, 0x0010_0073, 0xdead_beef, 0x0000_006f];
/// Where it is linked.
pub(crate) const CODE_ADDRESS: u32 = 0x80;
/// Index of the log message `value {=u32}`, level info.
pub(crate) const MESSAGE_VALUE: u16 = 1;
/// Index of the log message `bad thing {=bool}`, level error.
pub(crate) const MESSAGE_BAD: u16 = 2;

pub(crate) const BUILD_ID: u32 = 0x1234_5678;

/// The parts of an image that tests change.
pub(crate) struct Image {
    pub(crate) machine: u16,
    pub(crate) class: u8,
    pub(crate) kind: u16,
    pub(crate) address: u32,
    pub(crate) section: &'static str,
    pub(crate) manifest: Vec<u8>,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            machine: 243,
            class: 1,
            kind: 2,
            address: CODE_ADDRESS,
            section: SECTION,
            manifest: Manifest::new(MAP_HASH, BUILD_ID, 65536, 0)
                .to_bytes()
                .to_vec(),
        }
    }
}

struct Section {
    name: &'static str,
    kind: u32,
    data: Vec<u8>,
    link: u32,
    entry: u32,
}

impl Image {
    /// The bytes of the file.
    pub(crate) fn build(&self) -> Vec<u8> {
        let code: Vec<u8> = CODE.iter().flat_map(|word| word.to_le_bytes()).collect();
        let (symbols, strings) = symbols();
        let section = |name, kind, data| Section {
            name,
            kind,
            data,
            link: 0,
            entry: 0,
        };
        let mut sections = vec![
            section("", 0, Vec::new()),
            section(".text", 1, code),
            section(self.section, 1, self.manifest.clone()),
            section(".defmt", 1, vec![0; 4]),
            Section {
                name: ".symtab",
                kind: 2,
                data: symbols,
                link: 5,
                entry: 16,
            },
            section(".strtab", 3, strings),
        ];
        let mut names = vec![0];
        let mut name_offsets: Vec<usize> = Vec::new();
        for name in sections
            .iter()
            .map(|section| section.name)
            .chain([".shstrtab"])
        {
            name_offsets.push(names.len());
            names.extend_from_slice(name.as_bytes());
            names.push(0);
        }
        sections.push(section(".shstrtab", 3, names));

        let mut data_offset = 52 + 32;
        let mut headers: Vec<u32> = Vec::new();
        for (section, name) in sections.iter().zip(name_offsets) {
            headers.extend([name as u32, section.kind, 0, 0, data_offset]);
            headers.extend([section.data.len() as u32, section.link, 1, 4, section.entry]);
            data_offset += section.data.len() as u32;
        }
        let mut file = vec![0x7f, b'E', b'L', b'F', self.class, 1, 1];
        file.resize(16, 0);
        file.extend(self.kind.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        for word in [1, self.address, 52, data_offset, 0] {
            file.extend(word.to_le_bytes());
        }
        for half in [
            52,
            32,
            1,
            40,
            sections.len() as u16,
            sections.len() as u16 - 1,
        ] {
            file.extend(half.to_le_bytes());
        }
        let size = (CODE.len() * 4) as u32;
        for word in [1, 52 + 32, self.address, self.address, size, size, 5, 4] {
            file.extend(word.to_le_bytes());
        }
        file.extend(sections.iter().flat_map(|section| section.data.clone()));
        file.extend(headers.iter().flat_map(|word| word.to_le_bytes()));
        file
    }
}

/// The symbols that carry the log's formats, as `defmt` writes them.
fn symbols() -> (Vec<u8>, Vec<u8>) {
    let format = |tag: &str, data: &str| {
        format!(
            r#"{{"package":"t","tag":"{tag}","data":"{data}","disambiguator":"1","crate_name":"t"}}"#
        )
    };
    let entries = [
        ("_defmt_version_ = 4".to_owned(), 0, 0xfff1),
        ("_defmt_encoding_ = rzcobs".to_owned(), 0, 0xfff1),
        (
            format("defmt_info", "value {=u32}"),
            u32::from(MESSAGE_VALUE),
            3,
        ),
        (
            format("defmt_error", "bad thing {=bool}"),
            u32::from(MESSAGE_BAD),
            3,
        ),
    ];
    let mut symbols = vec![0; 16];
    let mut strings = vec![0];
    for (name, value, section) in entries {
        symbols.extend((strings.len() as u32).to_le_bytes());
        symbols.extend(value.to_le_bytes());
        symbols.extend(1_u32.to_le_bytes());
        symbols.extend([0x11, 0]);
        symbols.extend(u16::to_le_bytes(section));
        strings.extend_from_slice(name.as_bytes());
        strings.push(0);
    }
    (symbols, strings)
}

/// A log frame as the firmware would write it, separator included. Every group of seven bytes must hold
/// a zero, which the two messages above with small values do.
pub(crate) fn log_frame(message: u16, argument: &[u8]) -> Vec<u8> {
    let mut raw = message.to_le_bytes().to_vec();
    raw.extend_from_slice(argument);
    raw.resize(raw.len().next_multiple_of(7), 0);
    let mut frame = Vec::new();
    for group in raw.chunks(7) {
        let zeros = group
            .iter()
            .enumerate()
            .fold(0, |mask, (bit, byte)| mask | u8::from(*byte == 0) << bit);
        assert_ne!(zeros, 0, "this encoder is only for small values");
        frame.extend(group.iter().filter(|byte| **byte != 0));
        frame.push(zeros);
    }
    frame.push(0);
    frame
}
