// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Numbers as people read them.

/// Digits in groups of three.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            // A narrow blank that does not break.
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A count in a few characters: 950, 12.3k, 4.5M.
pub(super) fn short(number: u64) -> String {
    let scaled = |unit: f64, suffix: char| {
        let value = number as f64 / unit;
        if value < 100.0 {
            format!("{}{suffix}", at(value))
        } else {
            format!("{value:.0}{suffix}")
        }
    };
    match number {
        0..10_000 => count(number),
        10_000..1_000_000 => scaled(1e3, 'k'),
        1_000_000..1_000_000_000 => scaled(1e6, 'M'),
        _ => scaled(1e9, 'G'),
    }
}

/// Bytes with a decimal unit.
pub(super) fn bytes(number: u64) -> String {
    let value = number as f64;
    match number {
        0..1000 => format!("{number} B"),
        1000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// How long so many cycles take.
pub(super) fn duration(cycles: u64, clock_hz: u64) -> String {
    let nanos = cycles as f64 * 1e9 / clock_hz.max(1) as f64;
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.1} µs", n / 1e3),
        n if n < 1e9 => format!("{:.1} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

/// A part of a whole in percent.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let value = part as f64 * 100.0 / whole.max(1) as f64;
    match value {
        v if part == 0 || v >= 99.95 => format!("{v:.0} %"),
        v if v < 0.1 => "< 0.1 %".to_owned(),
        v => format!("{v:.1} %"),
    }
}

/// Where an axis from 0 to `max` gets its marks: about `wanted` of them, at round numbers.
pub(super) fn ticks(max: u64, wanted: u64) -> Vec<u64> {
    let rough = max.max(1).div_ceil(wanted.max(1));
    let power = 10_u64.pow(rough.ilog10());
    let step = [1, 2, 5, 10]
        .into_iter()
        .filter_map(|factor: u64| factor.checked_mul(power))
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    (0..=max / step).map(|n| n * step).collect()
}

/// A coordinate: enough digits for a picture, no more.
pub(super) fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shortened() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(short(12_345), "12.3k");
        assert_eq!(short(4_500_000_000), "4.5G");
        assert_eq!(short(u64::MAX), "18446744074G");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(2_500_000), "2.5 MB");
        assert_eq!(percent(1, 0), "100 %");
        assert_eq!(percent(1, 100_000), "< 0.1 %");
        assert_eq!(percent(0, 7), "0 %");
        assert_eq!(percent(1, 3), "33.3 %");
    }

    #[test]
    fn cycles_become_time() {
        assert_eq!(duration(24, 156_250_000), "154 ns");
        assert_eq!(duration(156_250_000, 156_250_000), "1.00 s");
        assert!(!duration(1, 0).is_empty());
    }

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks(10, 5), [0, 2, 4, 6, 8, 10]);
        assert_eq!(ticks(0, 5), [0]);
        assert_eq!(
            ticks(2_777_736, 6),
            [0, 500_000, 1_000_000, 1_500_000, 2_000_000, 2_500_000]
        );
        for max in [1, 3, 99, 4096, u64::MAX] {
            let ticks = ticks(max, 6);
            assert!(
                ticks.len() <= 8 && ticks.iter().all(|tick| *tick <= max),
                "{max}"
            );
        }
    }
}
