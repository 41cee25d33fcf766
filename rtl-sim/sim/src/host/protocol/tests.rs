// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::*;
use crate::rng::Rng;

fn header(size: u32, flags: u32, number: u16) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[0] = 7;
    bytes[2..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..8].copy_from_slice(&size.to_le_bytes());
    bytes[8..12].copy_from_slice(&flags.to_le_bytes());
    bytes
}

#[test]
fn headers_that_leave_no_next_message_are_broken() {
    for size in [0, 15] {
        assert_eq!(Header::parse(&header(size, 0, 1)), Err(Broken::Short(size)));
    }
    for size in [MAX_MESSAGE as u32 + 1, u32::MAX] {
        assert_eq!(Header::parse(&header(size, 0, 1)), Err(Broken::Long(size)));
    }
    let reply = Header::parse(&header(16, 0x21, 1)).unwrap();
    assert!(reply.is_reply && reply.failed);
    let longest = Header::parse(&header(MAX_MESSAGE as u32, 0, 1)).unwrap();
    assert_eq!(longest.body, MAX_MESSAGE - HEADER);
}

#[test]
fn commands_that_are_none_have_an_error_each() {
    let command = |flags, number| Header::parse(&header(16, flags, number)).unwrap().command();
    assert_eq!(command(0, 13), Ok(Command::Reset));
    // 11 and 12 are ours to send; 14 and 15 are not offered.
    for number in [0, 11, 12, 14, 15, 16, 99, u16::MAX] {
        assert_eq!(command(0, number), Err(Errno::EOPNOTSUPP), "{number}");
    }
    for kind in 2..16 {
        assert_eq!(command(kind, 13), Err(Errno::EINVAL), "{kind}");
    }
    let silent = Header::parse(&header(16, 0x10, 13)).unwrap();
    assert!(silent.silent && silent.command() == Ok(Command::Reset));
}

#[test]
fn replies_carry_id_command_and_error() {
    let asked = Header::parse(&header(16, 0, 9)).unwrap();
    let good = asked.reply(Ok(b"abcd"));
    assert_eq!(good[..12], [7, 0, 9, 0, 20, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(good[12..], [0, 0, 0, 0, b'a', b'b', b'c', b'd']);
    let bad = asked.reply(Err(Errno::EINVAL));
    assert_eq!(bad[4..], [16, 0, 0, 0, 0x21, 0, 0, 0, 22, 0, 0, 0]);
}

#[test]
fn a_version_is_agreed_on_in_no_more_words_than_the_client_used() {
    let hello = |text: &[u8]| version(&[&[0, 0, 1, 0], text].concat());
    for text in [
        &b""[..],
        b"{}\0",
        b"{\"capabilities\":{}}\0",
        b"{\"capabilities\":{\"max_msg_fds\":12345678}}\0",
        b"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,\"pgsizes\":4096}}\0",
    ] {
        let reply = hello(text).unwrap();
        assert_eq!(reply[..4], [0, 0, 1, 0]);
        assert!(reply.len() <= 4 + text.len());
        if let Some((last, json)) = reply[4..].split_last() {
            assert_eq!(*last, 0);
            let value: serde_json::Value = serde_json::from_slice(json).unwrap();
            assert!(value.is_object());
        }
    }
    for bad in [
        &b"\0"[..],
        b"{}",
        b"{\0",
        b"[]\0",
        b"1\0",
        b"{}\0\0",
        b"\xff\0",
    ] {
        assert_eq!(hello(bad), Err(Errno::EINVAL), "{bad:?}");
    }
    for (theirs, spoken) in [(0, 0), (1, 1), (2, 1), (255, 1)] {
        assert_eq!(version(&[0, 0, theirs, 0]), Ok(vec![0, 0, spoken, 0]));
    }
    for short in 0..4 {
        assert_eq!(version(&[0; 4][..short]), Err(Errno::EINVAL));
    }
    assert_eq!(version(&[1, 0, 0, 0]), Err(Errno::EPROTONOSUPPORT));
}

#[test]
fn payloads_have_exactly_their_length() {
    let map = [&words(&[32, 3])[..], &[0; 24]].concat();
    assert!(DmaMap::parse(&map).is_ok());
    for len in [0, 31] {
        assert_eq!(DmaMap::parse(&map[..len]), Err(Errno::EINVAL));
    }
    assert_eq!(
        DmaMap::parse(&[&map[..], &[0]].concat()),
        Err(Errno::EINVAL)
    );
    for (argsz, flags) in [(31, 3), (32, 4), (32, u32::MAX)] {
        let map = [&words(&[argsz, flags])[..], &[0; 24]].concat();
        assert_eq!(DmaMap::parse(&map), Err(Errno::EINVAL));
    }
    assert_eq!(info_index(&words(&[16, 0, 2, 0]), 16), Ok(2));
    assert_eq!(info_index(&words(&[15, 0, 2, 0]), 16), Err(Errno::EINVAL));
    assert_eq!(info_index(&words(&[16, 0, 2]), 16), Err(Errno::EINVAL));
    assert_eq!(device_info(&words(&[16, 0, 0, 0])), Ok(()));
    assert_eq!(device_info(&words(&[0, 0, 0, 0])), Err(Errno::EINVAL));
    assert_eq!(device_info(&[]), Err(Errno::EINVAL));
}

#[test]
fn unmap_means_a_range_or_all() {
    let unmap = |argsz, flags, address: u64, size: u64| {
        let mut body = words(&[argsz, flags]);
        body.extend(address.to_le_bytes());
        body.extend(size.to_le_bytes());
        DmaUnmap::parse(&body)
    };
    let range = DmaUnmap::Range {
        address: 0,
        size: u64::MAX,
    };
    assert_eq!(unmap(24, 0, 0, u64::MAX), Ok(range));
    assert_eq!(unmap(24, 2, 0, 0), Ok(DmaUnmap::All));
    assert_eq!(unmap(24, 2, 0, 1), Err(Errno::EINVAL));
    assert_eq!(unmap(24, 0, 4096, 0), Err(Errno::EINVAL));
    assert_eq!(unmap(23, 0, 0, 1), Err(Errno::EINVAL));
    assert_eq!(unmap(24, 1, 0, 1), Err(Errno::EOPNOTSUPP));
    assert_eq!(DmaUnmap::parse(&[0; 23]), Err(Errno::EINVAL));
}

#[test]
fn interrupts_stay_in_their_range() {
    let vectors = |index| [0, 0, 16, 0, 0].get(index as usize).copied();
    let set = |flags, index, start, count, more: &[u8]| {
        let body = [&words(&[20, flags, index, start, count])[..], more].concat();
        SetIrqs::parse(&body, vectors).map(|irqs| irqs.action)
    };
    assert_eq!(set(0x24, 2, 0, 16, &[]), Ok(IrqAction::Trigger));
    assert_eq!(set(0x21, 2, 0, 0, &[]), Ok(IrqAction::Trigger));
    assert_eq!(set(0x22, 2, 3, 2, &[0, 1]), Ok(IrqAction::Trigger));
    assert_eq!(set(0x09, 2, 0, 1, &[]), Ok(IrqAction::Mask));
    for (flags, index, start, count, more) in [
        (0x24, 2, 0, 17, &[][..]),
        (0x24, 2, 16, 1, &[]),
        (0x24, 2, u32::MAX, 2, &[]),
        (0x24, 2, 1, u32::MAX, &[]),
        (0x24, 0, 0, 1, &[]),
        (0x24, 5, 0, 0, &[]),
        (0x22, 2, 3, 2, &[1]),
        (0x21, 2, 3, 2, &[1]),
        (0x27, 2, 0, 1, &[]),
        (0x38, 2, 0, 1, &[]),
        (0x04, 2, 0, 1, &[]),
        (0x20, 2, 0, 1, &[]),
        (0x124, 2, 0, 1, &[]),
    ] {
        let result = set(flags, index, start, count, more);
        assert_eq!(
            result,
            Err(Errno::EINVAL),
            "{flags:#x} {index} {start} {count}"
        );
    }
    assert!(SetIrqs::parse(&[0; 19], vectors).is_err());
}

#[test]
fn region_accesses_have_as_many_bytes_as_they_say() {
    let body = |count: u32, data: &[u8]| [&[0; 8][..], &words(&[7, count]), data].concat();
    assert!(RegionAccess::parse(&body(4, &[]), false).is_ok());
    assert!(RegionAccess::parse(&body(4, &[0]), false).is_err());
    assert!(RegionAccess::parse(&body(MAX_DATA as u32 + 1, &[]), false).is_err());
    assert!(RegionAccess::parse(&body(u32::MAX, &[]), false).is_err());
    assert!(RegionAccess::parse(&body(4, &[0; 4]), true).is_ok());
    for len in [0, 3, 5] {
        assert!(RegionAccess::parse(&body(4, &vec![0; len]), true).is_err());
    }
    assert!(RegionAccess::parse(&[0; 15], true).is_err());
}

#[test]
fn random_bytes_are_never_more_than_an_error() {
    let seed = 3;
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    for _ in 0..20_000 {
        let mut bytes = vec![0; rng.below(64)];
        rng.fill(&mut bytes);
        // Small numbers reach deeper.
        for byte in &mut bytes {
            if rng.percent(60) {
                *byte &= 0x27;
            }
        }
        let _ = version(&bytes);
        let _ = DmaMap::parse(&bytes);
        let _ = DmaUnmap::parse(&bytes);
        let _ = device_info(&bytes);
        let _ = info_index(&bytes, 32);
        let _ = SetIrqs::parse(&bytes, |index| Some(index * 16));
        if let Ok(access) = RegionAccess::parse(&bytes, true) {
            assert_eq!(access.data.len(), access.count as usize);
        }
        if let Ok(head) = <&[u8; HEADER]>::try_from(&bytes[..]) {
            let _ = Header::parse(head).map(|header| header.command());
        }
    }
}
