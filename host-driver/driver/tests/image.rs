// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Firmware images: what is loaded, and everything that is refused.

mod support;

use hairpin_abi::manifest::Manifest;
use hairpin_driver::MAP_HASH;
use hairpin_driver::image::{FirmwareImage, ImageError};
use support::elf::{BUILD_ID, CODE, Image};

fn parse(image: &Image) -> Result<FirmwareImage, ImageError> {
    FirmwareImage::parse(image.build())
}

fn code(image: &Image) -> &'static str {
    parse(image).map(|_| ()).unwrap_err().code()
}

#[test]
fn a_good_image_is_laid_out_in_memory() {
    let image = parse(&Image::default()).unwrap();
    assert_eq!(image.manifest().build_id, BUILD_ID);
    assert_eq!(image.words().len(), 0x80 / 4 + CODE.len());
    assert_eq!(image.words()[0x80 / 4..], CODE);
}

#[test]
fn other_files_are_refused_by_name() {
    let refuse = |bytes: &[u8]| {
        FirmwareImage::parse(bytes.to_vec())
            .map(|_| ())
            .unwrap_err()
            .code()
    };
    assert_eq!(refuse(b""), "image-not-elf");
    assert_eq!(refuse(b"#!/bin/sh\n"), "image-not-elf");
    assert_eq!(refuse(b"\x7fELF"), "image-truncated");
    assert_eq!(
        code(&Image {
            machine: 62,
            ..Image::default()
        }),
        "image-other-machine"
    );
    assert_eq!(
        code(&Image {
            class: 2,
            ..Image::default()
        }),
        "image-other-machine"
    );
    assert_eq!(
        code(&Image {
            kind: 1,
            ..Image::default()
        }),
        "image-damaged"
    );
    assert_eq!(
        code(&Image {
            section: ".other",
            ..Image::default()
        }),
        "image-no-manifest"
    );
    assert_eq!(
        code(&Image {
            address: 65530,
            ..Image::default()
        }),
        "image-too-large"
    );
    assert_eq!(
        code(&Image {
            address: 0xffff_fff0,
            ..Image::default()
        }),
        "image-too-large"
    );
}

#[test]
fn other_manifests_are_refused_by_name() {
    let with = |manifest: Vec<u8>| {
        code(&Image {
            manifest,
            ..Image::default()
        })
    };
    let good = || {
        Manifest::new(MAP_HASH, BUILD_ID, 65536, 0)
            .to_bytes()
            .to_vec()
    };
    assert_eq!(with(good()[..8].to_vec()), "image-bad-manifest");
    assert_eq!(
        with(Manifest::new(!MAP_HASH, 1, 65536, 0).to_bytes().to_vec()),
        "image-map-mismatch"
    );
    assert_eq!(
        with(Manifest::new(MAP_HASH, 1, 65540, 0).to_bytes().to_vec()),
        "image-too-large"
    );
    let mut manifest = good();
    manifest[4] ^= 0x80;
    assert_eq!(with(manifest), "image-abi-mismatch");
    let mut manifest = good();
    manifest[8] = 9;
    assert_eq!(with(manifest), "image-other-machine");
    let mut manifest = good();
    manifest[0] = 0;
    assert_eq!(with(manifest), "image-bad-manifest");
}

#[test]
fn every_truncation_is_an_error() {
    let whole = Image::default().build();
    for len in 0..whole.len() {
        let error = FirmwareImage::parse(whole[..len].to_vec())
            .map(|_| ())
            .unwrap_err();
        let expected = if len < 4 {
            "image-not-elf"
        } else {
            "image-truncated"
        };
        assert_eq!(
            error.code(),
            expected,
            "{len} of {} bytes: {error}",
            whole.len()
        );
        assert!(!error.help().is_empty());
    }
}

#[test]
fn every_flipped_byte_is_survived() {
    let whole = Image::default().build();
    for at in 0..whole.len() {
        for flip in [0xff, 0x80, 0x01] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            let _ = FirmwareImage::parse(bytes);
        }
    }
}

#[test]
fn a_missing_file_is_a_diagnostic() {
    let path = std::path::Path::new("/nonexistent/hairpin-nic.elf");
    let diagnostic = FirmwareImage::read(path)
        .map(|_| ())
        .unwrap_err()
        .into_diagnostic(path);
    assert_eq!(
        (diagnostic.code.as_str(), diagnostic.file.as_deref()),
        ("image-unreadable", Some(path))
    );
    assert!(diagnostic.help.is_some());
}

#[test]
fn a_crash_test_needs_a_manifest_in_memory() {
    let mut image = FirmwareImage::parse(Image::default().build()).unwrap();
    let words = image.words().to_vec();
    // The small image of these tests does not load its manifest.
    assert_eq!(
        image.allow_crash_test().unwrap_err().code(),
        "image-damaged"
    );
    assert_eq!(image.words(), words);
}
