// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a report says, added up.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::{Decision, FrameReport, Report};

/// Frames and their bytes on the ingress bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    pub(super) frames: u64,
    pub(super) bytes: u64,
}

impl Traffic {
    pub(super) fn add(&mut self, bytes: u64) {
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// From whom to whom, in which V.VLAN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) vvlan: Option<u16>,
}

/// How often something was decided, and the first frame it was decided for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict<'a> {
    pub(super) traffic: Traffic,
    pub(super) example: &'a FrameReport,
}

/// A report, added up.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) pairs: BTreeMap<Pair<'a>, Traffic>,
    pub(super) verdicts: BTreeMap<(Decision, &'a str), Verdict<'a>>,
    /// Latencies of every copy by decision, sorted.
    pub(super) latency: BTreeMap<Decision, Vec<u64>>,
    /// Frames and copies that ended, by reason and port.
    pub(super) drops: BTreeMap<&'a str, BTreeMap<&'a str, u64>>,
    pub(super) copies: u64,
    /// Ports with traffic or a capture, vPorts by number, the uplink last.
    pub(super) ports: Vec<&'a str>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let mut facts = Self {
            pairs: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            latency: BTreeMap::new(),
            drops: BTreeMap::new(),
            copies: 0,
            ports: Vec::new(),
        };
        let mut ports: BTreeSet<&str> = report.ports.keys().map(String::as_str).collect();
        for frame in &report.frames {
            ports.insert(&frame.input);
            ports.extend(frame.out.iter().map(|copy| copy.port.as_str()));
            facts.frame(frame);
        }
        for (port, counters) in &report.ports {
            for (reason, count) in &counters.drops {
                facts.drops.entry(reason).or_default().insert(port, *count);
            }
        }
        for cycles in facts.latency.values_mut() {
            cycles.sort_unstable();
        }
        facts.ports = ports.into_iter().collect();
        facts.ports.sort_by_key(|name| port_order(name));
        facts
    }

    fn frame(&mut self, frame: &'a FrameReport) {
        let bytes = u64::from(frame.len);
        self.verdicts
            .entry((frame.decision, frame.reason.as_str()))
            .or_insert(Verdict {
                traffic: Traffic::default(),
                example: frame,
            })
            .traffic
            .add(bytes);
        for copy in &frame.out {
            self.copies += 1;
            let pair = Pair {
                from: &frame.input,
                to: &copy.port,
                vvlan: frame.vvlan,
            };
            self.pairs.entry(pair).or_default().add(bytes);
            self.latency
                .entry(frame.decision)
                .or_default()
                .push(copy.latency);
        }
    }

    /// Frames with a decision.
    pub(super) fn decided(&self, decision: Decision) -> u64 {
        self.verdicts
            .iter()
            .filter(|((other, _), _)| *other == decision)
            .map(|(_, verdict)| verdict.traffic.frames)
            .sum()
    }

    /// Frames and copies that ended at a port.
    pub(super) fn dropped_at(&self, port: &str) -> u64 {
        self.drops
            .values()
            .filter_map(|ports| ports.get(port))
            .sum()
    }

    /// Whole traffic between two ports, in all V.VLANs.
    pub(super) fn between(&self, from: &str, to: &str) -> Traffic {
        self.pairs
            .iter()
            .filter(|(pair, _)| pair.from == from && pair.to == to)
            .fold(Traffic::default(), |sum, (_, traffic)| Traffic {
                frames: sum.frames + traffic.frames,
                bytes: sum.bytes.saturating_add(traffic.bytes),
            })
    }

    /// The V.VLANs that had traffic, ascending.
    pub(super) fn vvlans(&self) -> BTreeSet<u16> {
        self.pairs.keys().filter_map(|pair| pair.vvlan).collect()
    }
}

/// vPorts by number, then everything else, then the uplink.
pub(super) fn port_order(name: &str) -> (u8, u64, String) {
    let number = name
        .strip_prefix("vf")
        .and_then(|digits| digits.parse().ok());
    match (number, name) {
        (Some(number), _) => (0, number, String::new()),
        (None, "uplink") => (2, 0, String::new()),
        (None, other) => (1, 0, other.to_owned()),
    }
}

/// The smallest value that a part of all values, in thousandths, does not exceed. `sorted` must be so.
pub(super) fn quantile(sorted: &[u64], thousandths: usize) -> u64 {
    let rank = (sorted.len() * thousandths).div_ceil(1000).max(1);
    sorted.get(rank - 1).or(sorted.last()).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occur() {
        let values: Vec<u64> = (1..=1000).collect();
        assert_eq!(quantile(&values, 500), 500);
        assert_eq!(quantile(&values, 990), 990);
        assert_eq!(quantile(&values, 1000), 1000);
        assert_eq!(quantile(&[7], 10), 7);
        assert_eq!(quantile(&[], 500), 0);
    }

    #[test]
    fn ports_stand_in_the_order_of_their_numbers() {
        let mut names = vec!["uplink", "vf10", "core", "vf2"];
        names.sort_by_key(|name| port_order(name));
        assert_eq!(names, ["vf2", "vf10", "core", "uplink"]);
    }
}
