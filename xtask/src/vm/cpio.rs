// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Archives of the form that Linux unpacks as its first file system (cpio, "newc").

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_755;

/// An archive that grows.
#[derive(Debug, Default)]
pub(crate) struct Cpio {
    bytes: Vec<u8>,
    directories: BTreeSet<String>,
    entries: u32,
}

impl Cpio {
    /// Adds an executable file; the directories above it come along. `path` has no leading slash.
    pub(crate) fn file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        for (at, _) in path.match_indices('/') {
            self.directory(&path[..at])?;
        }
        self.entry(path, FILE, content)
    }

    fn directory(&mut self, path: &str) -> Result<()> {
        if self.directories.insert(path.to_owned()) {
            self.entry(path, DIRECTORY, &[])?;
        }
        Ok(())
    }

    /// The archive's bytes.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, &[])?;
        Ok(self.bytes)
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let too_large = || format!("{path} is too large for an archive");
        let size = u32::try_from(content.len()).with_context(too_large)?;
        let name_size = u32::try_from(path.len() + 1).with_context(too_large)?;
        self.entries += 1;
        // inode, mode, user, group, links, time, size, device (4 numbers), length of the name, checksum
        let header = [
            self.entries,
            mode,
            0,
            0,
            1,
            0,
            size,
            0,
            0,
            0,
            0,
            name_size,
            0,
        ];
        self.bytes.extend(b"070701");
        for number in header {
            self.bytes.extend(format!("{number:08x}").bytes());
        }
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Cpio;

    #[test]
    fn names_and_contents_are_aligned_and_directories_come_first_and_once() {
        let mut cpio = Cpio::default();
        cpio.file("lib/m/a", b"12345").unwrap();
        cpio.file("lib/m/b", b"").unwrap();
        let bytes = cpio.finish().unwrap();
        let mut at = 0;
        let mut seen = Vec::new();
        while at < bytes.len() {
            assert_eq!(&bytes[at..at + 6], b"070701");
            let field = |index: usize| {
                let text = &bytes[at + 6 + index * 8..][..8];
                usize::from_str_radix(std::str::from_utf8(text).unwrap(), 16).unwrap()
            };
            let (size, name) = (field(6), field(11));
            let path = std::str::from_utf8(&bytes[at + 110..][..name - 1]).unwrap();
            let content = (at + 110 + name).next_multiple_of(4);
            seen.push((path.to_owned(), bytes[content..content + size].to_vec()));
            at = (content + size).next_multiple_of(4);
        }
        let names: Vec<_> = seen.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(names, ["lib", "lib/m", "lib/m/a", "lib/m/b", "TRAILER!!!"]);
        assert_eq!(seen[2].1, b"12345");
    }
}
