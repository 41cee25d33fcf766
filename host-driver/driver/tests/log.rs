// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The firmware's log: whole, overrun, garbled, after a restart.

mod support;

use hairpin_driver::Device;
use hairpin_driver::image::FirmwareImage;
use hairpin_driver::log::{LogLine, LogReader};
use support::elf::{Image, MESSAGE_BAD, MESSAGE_VALUE, log_frame};
use support::nic::FakeNic;

fn start() -> (Device<FakeNic>, LogReader) {
    let image = FirmwareImage::parse(Image::default().build()).unwrap();
    (
        Device::probe(FakeNic::default()).unwrap(),
        LogReader::new(&image).unwrap(),
    )
}

fn value(number: u32) -> Vec<u8> {
    log_frame(MESSAGE_VALUE, &number.to_le_bytes())
}

fn messages(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.message.as_str()).collect()
}

#[test]
fn lines_come_out_as_they_went_in() {
    let (mut device, mut log) = start();
    assert!(log.poll(&mut device).unwrap().is_empty());
    device.transport_mut().log.extend(value(7));
    device
        .transport_mut()
        .log
        .extend(log_frame(MESSAGE_BAD, &[1]));
    let lines = log.poll(&mut device).unwrap();
    assert_eq!(messages(&lines), ["value 7", "bad thing true"]);
    assert_eq!(lines[0].level.as_deref(), Some("info"));
    assert_eq!(lines[1].to_string(), "ERROR bad thing true");
    assert!(log.poll(&mut device).unwrap().is_empty());
}

#[test]
fn a_frame_may_arrive_in_pieces_and_wrap_around_the_ring() {
    let (mut device, mut log) = start();
    let mut seen = Vec::new();
    let frames: Vec<u8> = (0..3000).flat_map(value).collect();
    for piece in frames.chunks(37) {
        device.transport_mut().log.extend(piece);
        seen.extend(log.poll(&mut device).unwrap());
    }
    let expected: Vec<String> = (0..3000).map(|number| format!("value {number}")).collect();
    assert_eq!(messages(&seen), expected);
}

#[test]
fn an_overrun_loses_the_oldest_lines_and_says_so() {
    let (mut device, mut log) = start();
    device.transport_mut().log.extend((0..3000).flat_map(value));
    let lines = log.poll(&mut device).unwrap();
    assert!(lines[0].message.starts_with("log gap: "), "{:?}", lines[0]);
    assert_eq!(lines.last().unwrap().message, "value 2999");
    let first: u32 = lines[1]
        .message
        .strip_prefix("value ")
        .unwrap()
        .parse()
        .unwrap();
    let expected: Vec<String> = (first..3000)
        .map(|number| format!("value {number}"))
        .collect();
    assert_eq!(messages(&lines[1..]), expected);
}

#[test]
fn garbage_costs_one_line_not_the_rest() {
    let (mut device, mut log) = start();
    let log_bytes = &mut device.transport_mut().log;
    log_bytes.extend([0x55, 0xaa, 0x01, 0x00]);
    log_bytes.extend(log_frame(MESSAGE_BAD, &[9]));
    log_bytes.extend(log_frame(77, &[]));
    log_bytes.extend(value(1));
    let lines = log.poll(&mut device).unwrap();
    assert_eq!(lines.last().unwrap().message, "value 1");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.message.starts_with("log gap: "))
            .count(),
        lines.len() - 1
    );
    assert!(lines.len() >= 3, "{lines:?}");
}

#[test]
fn every_byte_string_is_survived() {
    let (mut device, mut log) = start();
    let mut state = 0x1234_5678_9abc_def1_u64;
    for _ in 0..200 {
        let noise = std::iter::from_fn(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Zeros often, so that frames are short and many.
            Some(if state & 0x700 == 0 {
                0
            } else {
                (state >> 32) as u8 & 0x1f
            })
        });
        device.transport_mut().log.extend(noise.take(500));
        log.poll(&mut device).unwrap();
    }
    device.transport_mut().log.push(0);
    device.transport_mut().log.extend(value(3));
    assert_eq!(
        log.poll(&mut device).unwrap().last().unwrap().message,
        "value 3"
    );
}

#[test]
fn a_restarted_core_starts_a_new_log() {
    let (mut device, mut log) = start();
    device.transport_mut().log.extend((0..20).flat_map(value));
    log.poll(&mut device).unwrap();
    device.transport_mut().log = value(99);
    let lines = log.poll(&mut device).unwrap();
    assert_eq!(
        messages(&lines),
        ["log gap: the core was started again", "value 99"]
    );
}
