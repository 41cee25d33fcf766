// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Linker arguments, and the build id: a hash over the sources that end up in the image, so that
//! equal sources have equal ids wherever they are built.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Everything the image is built from, relative to this crate. The register map has its own hash.
const SOURCES: [&str; 7] = [
    "src",
    "memory.x",
    "../soc/src",
    "../logic/src",
    "../eswitch/src",
    "../abi/src",
    "../Cargo.lock",
];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    println!("cargo:rustc-link-search={}", root.display());
    for script in ["memory.x", "link.x", "defmt.x"] {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }

    let mut hash = Fnv::new();
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
        hash_tree(&root.join(source), &mut hash)?;
    }
    println!("cargo:rerun-if-env-changed=HAIRPIN_BUILD_ID");
    let id = env::var("HAIRPIN_BUILD_ID").unwrap_or_else(|_| format!("{:08x}", hash.fold()));
    println!("cargo:rustc-env=HAIRPIN_BUILD_ID={id}");
    Ok(())
}

fn hash_tree(path: &Path, hash: &mut Fnv) -> io::Result<()> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| hash_tree(entry, hash));
    }
    hash.add(path.file_name().unwrap_or_default().as_encoded_bytes());
    hash.add(&fs::read(path)?);
    Ok(())
}

/// FNV-1a: no dependency, and nothing here needs more.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    const fn fold(&self) -> u32 {
        (self.0 ^ (self.0 >> 32)) as u32
    }
}
