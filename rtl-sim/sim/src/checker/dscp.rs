// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The DSCP of a tenant's packet, for the checker alone: it shares no code with what it checks.

/// Where the IP header begins, and whether it is one of IPv6; behind at most two tags.
fn header(frame: &[u8], outer: u16) -> Option<(usize, bool)> {
    let at16 = |at: usize| Some(u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?]));
    let mut at = 12;
    while at < 20 && [0x8100, 0x88a8, 0x9100, outer].contains(&at16(at)?) {
        at += 4;
    }
    let (ethertype, first) = (at16(at)?, *frame.get(at + 2)?);
    let (v6, len) = match (ethertype, first) {
        (0x0800, 0x45..=0x4f) => (false, usize::from(first & 15) * 4),
        (0x86dd, 0x60..=0x6f) => (true, 40),
        _ => return None,
    };
    (frame.len() >= at + 2 + len).then_some((at + 2, v6))
}

/// The DSCP of a frame without NIC tags.
pub(super) fn read(frame: &[u8], outer: u16) -> Option<u8> {
    let (at, v6) = header(frame, outer)?;
    let (high, low) = (frame[at], frame[at + 1]);
    Some(if v6 {
        (high & 15) << 2 | low >> 6
    } else {
        low >> 2
    })
}

/// True if `after` is `before` with those bits of the DSCP cleared, its checksum as right as it was, and nothing else.
pub(super) fn is_cleared(before: &[u8], after: &[u8], mask: u8, clear: u8, outer: u16) -> bool {
    let Some((at, v6)) = header(before, outer) else {
        return before == after;
    };
    let Some(dscp) = read(after, outer) else {
        return false;
    };
    let bits = if v6 { [0x0f, 0xc0] } else { [0, 0xfc] };
    let free = |n: usize| match n.checked_sub(at) {
        Some(n @ 0..2) => bits[n],
        Some(10 | 11) if !v6 => 0xff,
        _ => 0,
    };
    let others = before.len() == after.len()
        && (before.iter().zip(after).enumerate()).all(|(n, (a, b))| (a ^ b) & !free(n) == 0);
    let kept = read(before, outer).is_some_and(|old| old & !mask == dscp & !mask);
    // Ones' complement: sums are equal modulo 65535.
    let sum = |frame: &[u8]| {
        let words = frame[at..at + 20].chunks_exact(2);
        words
            .map(|w| u64::from(w[0]) << 8 | u64::from(w[1]))
            .sum::<u64>()
            % 0xffff
    };
    others && kept && dscp & mask == clear && (v6 || sum(before) == sum(after))
}

#[cfg(test)]
mod tests {
    use super::{is_cleared, read};

    /// An IPv4 header of RFC 1071's kind behind a tag.
    fn packet() -> Vec<u8> {
        let mut frame = vec![2; 12];
        frame.extend([0x12, 0x34, 0, 5, 8, 0]);
        frame.extend([
            0x45, 0x2a, 0, 40, 1, 2, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ]);
        frame.resize(60, 7);
        let sum: u32 = frame[18..38]
            .chunks(2)
            .map(|w| u32::from(w[0]) << 8 | u32::from(w[1]))
            .sum();
        let sum = !(((sum & 0xffff) + (sum >> 16)) as u16);
        frame[28..30].copy_from_slice(&sum.to_be_bytes());
        frame
    }

    #[test]
    fn only_the_bits_and_the_checksum_may_change() {
        let before = packet();
        assert_eq!(read(&before, 0x1234), Some(0x0a));
        assert_eq!(read(&before, 0x8100), None, "an unknown tag");
        let mut after = before.clone();
        // 0x2a becomes 0x22: the checksum grows by 8.
        after[19] = 0x22;
        assert!(!is_cleared(&before, &after, 3, 0, 0x1234), "checksum");
        let sum = u16::from_be_bytes([after[28], after[29]]) + 8;
        after[28..30].copy_from_slice(&sum.to_be_bytes());
        assert!(is_cleared(&before, &after, 3, 0, 0x1234));
        assert!(!is_cleared(&before, &after, 1, 1, 0x1234), "value");
        assert!(!is_cleared(&before, &after, 1, 0, 0x1234), "another bit");
        after[40] ^= 1;
        assert!(!is_cleared(&before, &after, 3, 0, 0x1234), "payload");
        assert!(!is_cleared(&before, &before, 3, 0, 0x1234), "still there");
    }
}
