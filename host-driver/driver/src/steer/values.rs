// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Values of the steering as they are typed.

use std::net::IpAddr;

use super::state::hash_type;
use super::{Family, HashTypes, KEY_BYTES, Prefix, SHORT_TABLE, TABLE};

/// An address, or the first bits of many: `10.1.2.3`, `10.0.0.0/8`, `fd00::/64`.
pub(super) fn parse_prefix(text: &str) -> Option<(Family, Prefix)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(parse_small(bits)?)),
        None => (text, None),
    };
    let (family, width, address) = match address.parse().ok()? {
        IpAddr::V4(address) => (Family::V4, 32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (Family::V6, 128, u128::from(address)),
    };
    let bits = bits.unwrap_or(width);
    let rest = u32::from(width.checked_sub(bits)?);
    // What is behind the prefix does not count.
    let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
    let address = address & mask;
    Some((family, Prefix { address, bits }))
}

/// A number without a sign.
pub(super) fn parse_small(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// The number of a queue.
pub(super) fn parse_queue(text: &str) -> Option<u8> {
    parse_small(text).filter(|queue| *queue < 128)
}

/// A key: 80 hexadecimal digits, with colons between the bytes or none.
pub(super) fn parse_key(text: &str) -> Option<[u8; KEY_BYTES]> {
    let digits: String = if text.contains(':') {
        let bytes: Vec<&str> = text.split(':').collect();
        let whole = bytes.iter().all(|byte| byte.len() == 2);
        whole.then(|| bytes.concat())?
    } else {
        text.to_owned()
    };
    let digits: Vec<u32> = (digits.chars())
        .map(|digit| digit.to_digit(16))
        .collect::<Option<_>>()?;
    let (bytes, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = bytes.iter().map(|[a, b]| (a << 4 | b) as u8).collect();
    bytes.try_into().ok().filter(|_| rest.is_empty())
}

/// Types of packets: `default`, `none` or names with commas between.
pub(super) fn parse_types(text: &str) -> Option<HashTypes> {
    match text {
        "default" => Some(HashTypes::ALL),
        "none" => Some(HashTypes(0)),
        names => {
            let bits = names.split(',').try_fold(0, |bits: u8, name| {
                let HashTypes(bit) = hash_type(name)?;
                (bits & bit == 0).then_some(bits | bit)
            })?;
            Some(HashTypes(bits))
        }
    }
}

/// A table of all queues named, in turn.
pub(super) fn parse_queues(text: &str) -> Option<([u8; TABLE], bool)> {
    let queues = queue_list(text)?;
    let entry = |i: usize| queues.get(i % queues.len()).copied().unwrap_or(0);
    (queues.len() <= TABLE).then(|| (std::array::from_fn(entry), false))
}

/// A table, entry by entry: all of it, or its first half, which is all that is used then.
pub(super) fn parse_table(text: &str) -> Option<([u8; TABLE], bool)> {
    let queues = queue_list(text)?;
    let short = queues.len() == SHORT_TABLE;
    let entry = |i: usize| queues.get(i % queues.len()).copied().unwrap_or(0);
    (short || queues.len() == TABLE).then(|| (std::array::from_fn(entry), short))
}

/// Queues of priorities: `3:1,5:0`, `3:none`, or `none` for no priority at all.
pub(super) fn parse_priorities(text: &str) -> Option<[Option<Option<u8>>; 8]> {
    if text == "none" {
        return Some([Some(None); 8]);
    }
    let mut priorities = [None; 8];
    for pair in text.split(',') {
        let (priority, queue) = pair.split_once(':')?;
        let place = priorities.get_mut(usize::from(parse_small(priority)?))?;
        let queue = match queue {
            "none" => None,
            queue => Some(parse_queue(queue)?),
        };
        if place.replace(queue).is_some() {
            return None;
        }
    }
    Some(priorities)
}

/// Queues with commas between, at least one.
fn queue_list(text: &str) -> Option<Vec<u8>> {
    text.split(',').map(parse_queue).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        let v4 = |address, bits| Some((Family::V4, Prefix { address, bits }));
        let v6 = |address, bits| Some((Family::V6, Prefix { address, bits }));
        let top = 0xfd00_u128 << 112;
        for (text, want) in [
            ("10.1.2.3", v4(0x0a01_0203, 32)),
            ("10.0.0.0/8", v4(0x0a00_0000, 8)),
            ("10.1.2.3/8", v4(0x0a00_0000, 8)),
            ("0.0.0.0/0", v4(0, 0)),
            ("fd00::1", v6(top | 1, 128)),
            ("fd00::1/64", v6(top, 64)),
            ("::/0", v6(0, 0)),
        ] {
            assert_eq!(parse_prefix(text), want, "{text}");
        }
        for bad in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "::/129",
            "/8",
            "any",
        ] {
            assert_eq!(parse_prefix(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys() {
        let plain: String = (0..40).map(|byte| format!("{byte:02x}")).collect();
        let want: [u8; KEY_BYTES] = std::array::from_fn(|i| i as u8);
        assert_eq!(parse_key(&plain), Some(want));
        let colons: Vec<String> = (0..40).map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(parse_key(&colons.join(":")), Some(want));
        for bad in [
            &plain[1..],
            &plain[2..],
            &format!("{plain}0"),
            &format!("{plain}00"),
            "",
            "xy",
        ] {
            assert_eq!(parse_key(bad), None, "{bad}");
        }
        assert_eq!(parse_key(&"0:00".repeat(20)), None);
    }

    #[test]
    fn types_tables_and_priorities() {
        assert_eq!(parse_types("default"), Some(HashTypes(0x3f)));
        assert_eq!(parse_types("none"), Some(HashTypes(0)));
        assert_eq!(parse_types("tcp4,udp6"), Some(HashTypes(0b10_0010)));
        for bad in ["", "tcp", "tcp4,tcp4", "tcp4,", "default,tcp4"] {
            assert_eq!(parse_types(bad), None, "{bad}");
        }
        let (table, short) = parse_queues("3,1,2").unwrap();
        assert_eq!(
            (&table[..4], table[127], short),
            (&[3, 1, 2, 3][..], 1, false)
        );
        assert_eq!(parse_queues(""), None);
        assert_eq!(parse_queues("1,128"), None);
        assert_eq!(parse_queues(&vec!["1"; 129].join(",")), None);
        assert_eq!(
            parse_table(&vec!["5"; 64].join(",")),
            Some(([5; TABLE], true))
        );
        assert_eq!(
            parse_table(&vec!["5"; 128].join(",")),
            Some(([5; TABLE], false))
        );
        assert_eq!(parse_table(&vec!["5"; 63].join(",")), None);
        let mut want = [None; 8];
        want[3] = Some(Some(1));
        want[7] = Some(None);
        assert_eq!(parse_priorities("3:1,7:none"), Some(want));
        assert_eq!(parse_priorities("none"), Some([Some(None); 8]));
        for bad in ["", "3", "8:1", "3:128", "3:1,3:2", "3:1,", "-1:2"] {
            assert_eq!(parse_priorities(bad), None, "{bad}");
        }
    }
}
