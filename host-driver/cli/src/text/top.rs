// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A look of `top` as text, and its parts for a screen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hairpin_driver::cli::DEFAULT_CLOCK_HZ;
use hairpin_driver::output::Top;
use hairpin_driver::report::Counters;

use super::{Table, Text, by_number, tables};

/// Columns of the table of ports and V.VLANs; what is counted is counted per second.
pub(crate) const COLUMNS: [&str; 6] = [
    "",
    "IN FRAMES",
    "IN BITS",
    "OUT FRAMES",
    "OUT BITS",
    "DROPS",
];

impl Text for Top {
    fn text(&self) -> String {
        let mut table = Table::new(&COLUMNS);
        for row in rows(self) {
            table.row(row);
        }
        let mut text = format!("{}\n{}", state(self), table.finish());
        let drops = drops(self);
        if !drops.is_empty() {
            let _ = writeln!(text, "dropped: {}", drops.join(", "));
        }
        text + &tables(&self.tables) + "\n"
    }
}

/// When it was, and how the NIC is.
pub(crate) fn state(top: &Top) -> String {
    let seconds = |ticks: u64| ticks as f64 / DEFAULT_CLOCK_HZ as f64;
    format!(
        "{:.6} s; rates per second, of the last {:.6} s; uplink {}; {}",
        seconds(top.ticks),
        seconds(top.interval),
        if top.uplink_up { "up" } else { "DOWN" },
        match &top.cause {
            None => "firmware running".to_owned(),
            Some(cause) => format!("FIRMWARE: {cause}"),
        }
    )
}

/// A row per port, then per V.VLAN.
pub(crate) fn rows(top: &Top) -> Vec<[String; 6]> {
    let ports = by_number(&top.ports).into_iter();
    let ports = ports.map(|(name, counters)| (name.clone(), counters));
    let vvlans = by_number(&top.vvlans).into_iter();
    let vvlans = vvlans.map(|(id, counters)| (format!("vvlan {id}"), counters));
    let row = |(name, counters): (String, &Counters)| {
        let Counters {
            in_frames,
            in_bytes,
            out_frames,
            out_bytes,
            drops,
        } = counters;
        let rate = |count: u64| rate(count, top.interval);
        [
            name,
            rate(*in_frames),
            rate(in_bytes * 8),
            rate(*out_frames),
            rate(out_bytes * 8),
            rate(drops.values().sum()),
        ]
    };
    ports.chain(vvlans).map(row).collect()
}

/// Why frames were dropped, at all ports, and how often per second; the most frequent reason first.
pub(crate) fn drops(top: &Top) -> Vec<String> {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, count) in top.ports.values().flat_map(|counters| &counters.drops) {
        *all.entry(reason).or_default() += count;
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let text = |(reason, count)| format!("{reason} {}", rate(count, top.interval));
    all.into_iter().map(text).collect()
}

/// So many in so many datapath clocks, per second.
fn rate(count: u64, interval: u64) -> String {
    if count == 0 {
        return "-".to_owned();
    }
    let mut value = count as f64 * DEFAULT_CLOCK_HZ as f64 / interval.max(1) as f64;
    let mut units = ["", " k", " M", " G", " T"].into_iter();
    let mut unit = units.next().unwrap_or("");
    for larger in units {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, larger);
    }
    let digits = if unit.is_empty() || value >= 100.0 {
        0
    } else {
        1
    };
    format!("{value:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_a_unit_that_fits() {
        let second = DEFAULT_CLOCK_HZ;
        for (count, text) in [
            (0, "-"),
            (7, "7"),
            (999, "999"),
            (1_234, "1.2 k"),
            (148_809_523, "149 M"),
            (99_900_000_000, "99.9 G"),
        ] {
            assert_eq!(rate(count, second), text);
        }
        assert_eq!(rate(5, second / 10), "50");
        assert_ne!(rate(5, 0), "", "a clock that stands is no division by zero");
    }
}
