// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Firmware images that must not be loaded.

use std::fs;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::program::{Replay, demo_file, fresh, root};
use crate::refusal::{Refusal, refused};
use crate::{Verdict, may_skip, test};

/// Where words are in the manifest, after its magic.
const MANIFEST: &[u8] = b"HPFW";
const ABI_VERSION: usize = 4;
const MACHINE: usize = 8;
const MAP_HASH: usize = 16;
/// Where the machine is in an ELF header, and one of another make.
const E_MACHINE: usize = 18;
const EM_ARM: u8 = 40;
const EI_CLASS: usize = 4;

/// A way to spoil an image.
type Spoil = fn(&mut Vec<u8>) -> Result<()>;

/// Name, how it is spoilt, code, what the error says, how to mend it.
const IMAGES: &[(&str, Spoil, &str, &str, &str)] = &[
    (
        "for another processor",
        |elf| {
            elf[E_MACHINE] = EM_ARM;
            Ok(())
        },
        "image-other-machine",
        "for another machine: ELF machine 40, RISC-V is 243",
        "hairpin-nic",
    ),
    (
        "for a 64-bit processor",
        |elf| {
            elf[EI_CLASS] = 2;
            Ok(())
        },
        "image-other-machine",
        "for another machine: not 32-bit",
        "hairpin-nic",
    ),
    (
        "for another core by its manifest",
        |elf| manifest_byte(elf, MACHINE, |_| 9),
        "image-other-machine",
        "machine 9",
        "hairpin-nic",
    ),
    (
        "truncated",
        |elf| {
            elf.truncate(elf.len() / 2);
            Ok(())
        },
        "image-truncated",
        "the image is truncated",
        "copy or build the image again",
    ),
    (
        "one byte short",
        |elf| {
            elf.pop();
            Ok(())
        },
        "image-truncated",
        "the image is truncated",
        "copy or build the image again",
    ),
    (
        "for another register map",
        |elf| manifest_byte(elf, MAP_HASH, |byte| byte ^ 1),
        "image-map-mismatch",
        "built for register map",
        "same release",
    ),
    (
        "with another ABI",
        |elf| manifest_byte(elf, ABI_VERSION, |byte| byte ^ 0x40),
        "image-abi-mismatch",
        "ABI version",
        "same release",
    ),
    (
        "without a manifest's magic",
        |elf| manifest_byte(elf, 0, |_| b'X'),
        "image-bad-manifest",
        "manifest magic",
        "hairpin-nic",
    ),
    (
        "that is empty",
        |elf| {
            elf.clear();
            Ok(())
        },
        "image-not-elf",
        "not an ELF file",
        "hairpin-nic",
    ),
];

pub(crate) fn tests() -> Vec<Trial> {
    let wrong = IMAGES.iter().map(|image| {
        test(format!("firmware: an image {} is refused", image.0), || {
            refuse(image)
        })
    });
    wrong
        .chain([
            test(
                "firmware: an image that is not there is refused",
                refuse_missing,
            ),
            may_skip(
                "firmware: the core itself finds another register map",
                || {
                    Ok(Verdict::Skipped(
                        "needs an image compiled for another register map; the build makes none",
                    ))
                },
            ),
        ])
        .collect()
}

/// Changes a byte of the manifest in an ELF file.
fn manifest_byte(elf: &mut [u8], offset: usize, change: fn(u8) -> u8) -> Result<()> {
    let starts: Vec<usize> = elf
        .windows(MANIFEST.len())
        .enumerate()
        .filter_map(|(at, window)| (window == MANIFEST).then_some(at))
        .collect();
    let [start] = starts[..] else {
        anyhow::bail!("the manifest is not once in the image: {starts:?}");
    };
    let byte = elf.get_mut(start + offset).context("the manifest is cut")?;
    *byte = change(*byte);
    Ok(())
}

fn refuse(
    (name, spoil, code, says, fix): &(&str, Spoil, &'static str, &str, &'static str),
) -> Result<()> {
    let dir = fresh(&format!("firmware-{}", name.replace(' ', "-")))?;
    let image = root().join(".build/firmware/hairpin-nic.elf");
    let mut elf = fs::read(&image).with_context(|| format!("{}", image.display()))?;
    let original = elf.clone();
    spoil(&mut elf)?;
    ensure!(elf != original, "the image is as good as before");
    let file = dir.join("wrong.elf");
    fs::write(&file, elf)?;
    let expected = Refusal {
        code,
        field: "--firmware".to_owned(),
        file: file.clone(),
        says: (*says).to_owned(),
        fix,
        ..Refusal::default()
    };
    let replay = |out: &std::path::Path| {
        Replay::new(&demo_file("nic.toml"), out)
            .input("vf0", &demo_file("vf0.pcap"))
            .arg("--firmware")
            .arg(&file)
    };
    refused(&dir, replay, &expected)
}

fn refuse_missing() -> Result<()> {
    let dir = fresh("firmware-missing")?;
    let file = dir.join("missing.elf");
    let expected = Refusal {
        code: "image-unreadable",
        field: "--firmware".to_owned(),
        file: file.clone(),
        says: "No such file".to_owned(),
        fix: "check the path",
        ..Refusal::default()
    };
    let replay = |out: &std::path::Path| {
        Replay::new(&demo_file("nic.toml"), out)
            .input("vf0", &demo_file("vf0.pcap"))
            .arg("--firmware")
            .arg(&file)
    };
    refused(&dir, replay, &expected)
}
