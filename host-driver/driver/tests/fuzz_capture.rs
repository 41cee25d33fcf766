// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Fuzzes the capture reader: it ends in whole frames that a port can carry, or in an error.

mod fuzz;

use std::path::Path;

use hairpin_driver::capture::{Capture, CaptureWriter, MAX_FRAME, MIN_FRAME, Timestamp};

const TOKENS: &[&[u8]] = &[
    &[0xa1, 0xb2, 0xc3, 0xd4],
    &[0xd4, 0xc3, 0xb2, 0xa1],
    &[0x4d, 0x3c, 0xb2, 0xa1],
    &[0x0a, 0x0d, 0x0d, 0x0a],
    &[0x4d, 0x3c, 0x2b, 0x1a],
    &[0x1a, 0x2b, 0x3c, 0x4d],
    &[1, 0, 0, 0],
    &[2, 0, 0, 0],
    &[3, 0, 0, 0],
    &[6, 0, 0, 0],
    &[9, 0, 1, 0, 0x89, 0, 0, 0],
    &[9, 0, 1, 0, 0x09, 0, 0, 0],
    &[14, 0, 8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[60, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff],
    &[0, 0, 0, 0],
];

#[test]
fn any_file_is_a_capture_or_one_clear_error() {
    let mut writer = CaptureWriter::new(Vec::new()).unwrap();
    for len in [14, 60, 61, 200] {
        writer
            .write(
                Timestamp::from_nanos(1_700_000_000_123_456_789),
                &vec![0x5a; len],
            )
            .unwrap();
    }
    let corpus = [
        writer.finish().unwrap(),
        include_bytes!("data/two-interfaces.pcapng").to_vec(),
        include_bytes!("data/big-endian.pcapng").to_vec(),
    ];
    for valid in &corpus {
        assert!(!Capture::parse(valid, 8).unwrap().frames.is_empty());
    }
    fuzz::run("capture", &corpus, TOKENS, |bytes| {
        match Capture::parse(bytes, 8) {
            Ok(capture) => {
                let lengths = MIN_FRAME..=MAX_FRAME + 8;
                assert!(
                    capture
                        .frames
                        .iter()
                        .all(|frame| lengths.contains(&frame.data.len()))
                );
                assert!(capture.frames.len() <= bytes.len() / 16);
            }
            Err(error) => {
                let diagnostic = error.into_diagnostic("--in vf0", Path::new("a.pcap"));
                assert!(diagnostic.help.is_some() && !diagnostic.message.is_empty());
            }
        }
    });
}
