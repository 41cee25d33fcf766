// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Captures: time stamps of every resolution, and every file that cannot be played.

use std::path::Path;

use hairpin_driver::capture::{Capture, CaptureWriter, MAX_FRAME, MIN_FRAME, Timestamp};

/// pcap, little or big endian.
fn pcap(magic: u32, link_type: u32, packets: &[(u32, u32, u32, Vec<u8>)], big: bool) -> Vec<u8> {
    let word = |value: u32| {
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let half = |value: u16| {
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let mut file = word(magic).to_vec();
    file.extend(half(2));
    file.extend(half(4));
    for value in [0, 0, 65535, link_type] {
        file.extend(word(value));
    }
    for (seconds, fraction, original, data) in packets {
        for value in [*seconds, *fraction, data.len() as u32, *original] {
            file.extend(word(value));
        }
        file.extend(data);
    }
    file
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = (body.len() + 12) as u32;
    [
        &kind.to_le_bytes()[..],
        &len.to_le_bytes(),
        &body,
        &len.to_le_bytes(),
    ]
    .concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]))
}

/// An interface with `if_tsresol`, if given.
fn interface(link_type: u32, resolution: Option<u8>) -> Vec<u8> {
    let mut body = words(&[link_type, 0]);
    if let Some(resolution) = resolution {
        body.extend([9, 0, 1, 0, resolution, 0, 0, 0, 0, 0, 0, 0]);
    }
    block(1, &body)
}

fn packet(interface: u32, ticks: u64, original: u32, data: &[u8]) -> Vec<u8> {
    let mut body = words(&[
        interface,
        (ticks >> 32) as u32,
        ticks as u32,
        data.len() as u32,
        original,
    ]);
    body.extend(data);
    block(6, &body)
}

fn frame(len: usize) -> Vec<u8> {
    (0..len).map(|at| at as u8).collect()
}

fn times(file: &[u8]) -> Vec<u64> {
    let capture = Capture::parse(file, 0).unwrap();
    capture
        .frames
        .iter()
        .map(|frame| frame.time.nanos)
        .collect()
}

fn code(file: &[u8]) -> &'static str {
    let error = Capture::parse(file, 0).map(|_| ()).unwrap_err();
    let diagnostic = error.into_diagnostic("--in vf0", Path::new("a.pcap"));
    assert!(diagnostic.help.is_some_and(|help| help.len() > 8));
    Capture::parse(file, 0).map(|_| ()).unwrap_err().code()
}

#[test]
fn pcap_in_microseconds_and_nanoseconds_and_both_byte_orders() {
    let packets = [(1_700_000_000, 123_456, 60, frame(60))];
    for big in [false, true] {
        assert_eq!(
            times(&pcap(0xa1b2_c3d4, 1, &packets, big)),
            [1_700_000_000_123_456_000]
        );
        assert_eq!(
            times(&pcap(0xa1b2_3c4d, 1, &packets, big)),
            [1_700_000_000_000_123_456]
        );
    }
}

#[test]
fn pcapng_time_stamps_follow_if_tsresol() {
    let ticks = 1_700_000_000_123_456;
    let cases = [
        (None, ticks, 1_700_000_000_123_456_000),
        (Some(6), ticks, 1_700_000_000_123_456_000),
        (Some(9), ticks * 1000 + 789, 1_700_000_000_123_456_789),
        (Some(0), 1_700_000_000, 1_700_000_000_000_000_000),
        (Some(3), 1_700_000_000_123, 1_700_000_000_123_000_000),
        // Binary: 2^-20 seconds.
        (
            Some(0x80 | 20),
            (1_700_000_000 << 20) + (1 << 19),
            1_700_000_000_500_000_000,
        ),
    ];
    for (resolution, ticks, nanos) in cases {
        let file = [
            section(),
            interface(1, resolution),
            packet(0, ticks, 60, &frame(60)),
        ]
        .concat();
        assert_eq!(times(&file), [nanos], "{resolution:?}");
    }
}

#[test]
fn pcapng_interfaces_have_their_own_resolution() {
    let file = [
        section(),
        interface(1, Some(6)),
        interface(1, Some(9)),
        packet(1, 5_000_000_001, 60, &frame(60)),
        packet(0, 5_000_001, 60, &frame(60)),
    ]
    .concat();
    assert_eq!(times(&file), [5_000_000_001, 5_000_001_000]);
}

#[test]
fn frames_of_a_sending_host_are_padded() {
    let capture =
        Capture::parse(&pcap(0xa1b2_c3d4, 1, &[(0, 0, 42, frame(42))], false), 0).unwrap();
    let data = &capture.frames[0].data;
    assert_eq!(data.len(), MIN_FRAME);
    assert_eq!(data[..42], frame(42));
    assert!(data[42..].iter().all(|byte| *byte == 0));
    assert_eq!(capture.start(), Some(Timestamp::default()));
}

#[test]
fn the_longest_frame_depends_on_the_nic_tags() {
    let file = |len| pcap(0xa1b2_c3d4, 1, &[(0, 0, len as u32, frame(len))], false);
    assert!(Capture::parse(&file(MAX_FRAME), 0).is_ok());
    assert_eq!(code(&file(MAX_FRAME + 1)), "capture-oversized");
    assert!(Capture::parse(&file(MAX_FRAME + 8), 8).is_ok());
    assert!(Capture::parse(&file(MAX_FRAME + 9), 8).is_err());
}

#[test]
fn what_cannot_be_played_is_named() {
    assert_eq!(code(b""), "capture-unknown-format");
    assert_eq!(
        code(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"),
        "capture-unknown-format"
    );
    assert_eq!(
        code(&pcap(0xa1b2_c3d4, 113, &[], false)),
        "capture-not-ethernet"
    );
    let snapped = [(0, 0, 1500, frame(96))];
    assert_eq!(
        code(&pcap(0xa1b2_c3d4, 1, &snapped, false)),
        "capture-snapped"
    );
    assert_eq!(
        code(&pcap(0xa1b2_c3d4, 1, &[(0, 0, 10, frame(10))], false)),
        "capture-too-short"
    );
    assert_eq!(
        code(&pcap(
            0xa1b2_c3d4,
            1,
            &[(0, 1_000_000, 60, frame(60))],
            false
        )),
        "capture-malformed"
    );
    assert_eq!(
        code(&pcap(0xa1b2_c3d4, 1, &[(0, 0, 59, frame(60))], false)),
        "capture-malformed"
    );

    let ng = |blocks: &[Vec<u8>]| code(&[section(), blocks.concat()].concat());
    assert_eq!(
        ng(&[interface(101, None), packet(0, 0, 60, &frame(60))]),
        "capture-not-ethernet"
    );
    assert_eq!(
        ng(&[interface(1, None), packet(0, 0, 1500, &frame(60))]),
        "capture-snapped"
    );
    assert_eq!(
        ng(&[interface(1, None), packet(1, 0, 60, &frame(60))]),
        "capture-malformed"
    );
    assert_eq!(ng(&[packet(0, 0, 60, &frame(60))]), "capture-malformed");
    let simple = [words(&[60]), frame(60)].concat();
    assert_eq!(
        ng(&[interface(1, None), block(3, &simple)]),
        "capture-bad-timestamp"
    );
    assert_eq!(
        ng(&[interface(1, Some(0)), packet(0, u64::MAX, 60, &frame(60))]),
        "capture-bad-timestamp"
    );
    // An interface that is never used may be anything.
    let other = [
        section(),
        interface(1, None),
        interface(113, None),
        packet(0, 1, 60, &frame(60)),
    ];
    assert_eq!(times(&other.concat()), [1000]);
}

#[test]
fn every_truncation_is_an_error() {
    let packets = [(0, 0, 60, frame(60)), (1, 0, 61, frame(61))];
    let whole = pcap(0xa1b2_c3d4, 1, &packets, false);
    let ends = [24, 24 + 76];
    for len in 4..whole.len() {
        if !ends.contains(&len) {
            assert_eq!(code(&whole[..len]), "capture-truncated", "{len} bytes");
        }
    }
    let blocks = [
        section(),
        interface(1, Some(9)),
        packet(0, 0, 60, &frame(60)),
    ];
    let whole = blocks.concat();
    let ends = [blocks[0].len(), blocks[0].len() + blocks[1].len()];
    for len in 4..whole.len() {
        if !ends.contains(&len) {
            assert_eq!(code(&whole[..len]), "capture-truncated", "{len} bytes");
        }
    }
}

#[test]
fn an_unreadable_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("none.pcap"), dir.path().to_owned()] {
        let error = Capture::read(&path, 0).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), "capture-unreadable");
    }
}

#[test]
fn what_is_written_is_read_back() {
    let mut writer = CaptureWriter::new(Vec::new()).unwrap();
    let frames: Vec<_> = [60, 61, 1514, MAX_FRAME + 8].map(frame).into();
    for (at, data) in frames.iter().enumerate() {
        writer
            .write(
                Timestamp::from_nanos(1_700_000_000_000_000_007 + at as u64),
                data,
            )
            .unwrap();
    }
    let file = writer.finish().unwrap();
    // Nanoseconds, little endian, version 2.4, Ethernet.
    assert_eq!(file[..8], [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0]);
    assert_eq!(file[20..24], [1, 0, 0, 0]);
    let capture = Capture::parse(&file, 8).unwrap();
    assert_eq!(capture.frames.len(), frames.len());
    for (at, (read, written)) in capture.frames.iter().zip(&frames).enumerate() {
        assert_eq!(
            (&read.data, read.time.nanos),
            (written, 1_700_000_000_000_000_007 + at as u64)
        );
    }
    let mut writer = CaptureWriter::new(Vec::new()).unwrap();
    let late = Timestamp::from_nanos(u64::MAX);
    assert!(
        writer.write(late, &frame(60)).is_err(),
        "past the end of the format"
    );
}
