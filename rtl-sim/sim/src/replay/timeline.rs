// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From time stamps to cycles and back.

use hairpin_driver::capture::{Capture, Timestamp};

const NANOS: u128 = 1_000_000_000;

/// A frame to play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shot {
    /// Its port.
    pub(super) port: u8,
    /// Its place in that port's capture.
    pub(super) index: u64,
    /// When, counted from the first frame.
    pub(super) cycle: u64,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// Every frame of every capture, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timeline {
    pub(super) shots: Vec<Shot>,
    start: Timestamp,
    clock_hz: u64,
}

impl Timeline {
    /// Merges captures. Equal stamps keep the order of `captures`; a stamp that goes back inside a file
    /// counts as the one before it, because a port keeps its order. Gaps above `max_gap` are cut to it.
    pub(super) fn new(captures: Vec<(u8, Capture)>, clock_hz: u64, max_gap: Option<u64>) -> Self {
        let mut frames = Vec::new();
        for (order, (port, capture)) in captures.into_iter().enumerate() {
            let mut latest = Timestamp::default();
            for (index, frame) in (0..).zip(capture.frames) {
                latest = latest.max(frame.time);
                frames.push((latest, order, index, port, frame.data));
            }
        }
        frames.sort_by_key(|(time, order, index, ..)| (*time, *order, *index));
        let start = frames
            .first()
            .map_or_else(Timestamp::default, |frame| frame.0);
        let (mut shots, mut before, mut cut) = (Vec::new(), 0, 0);
        for (time, _, index, port, bytes) in frames {
            let nanos = u128::from(time.nanos - start.nanos);
            let at = (nanos * u128::from(clock_hz) / NANOS).min(u128::from(u64::MAX / 2)) as u64;
            let gap = at - before;
            cut += max_gap.map_or(0, |max| gap.saturating_sub(max));
            before = at;
            shots.push(Shot {
                port,
                index,
                cycle: at - cut,
                bytes,
            });
        }
        Self {
            shots,
            start,
            clock_hz,
        }
    }

    /// The time stamp of a cycle.
    pub(super) fn stamp(&self, cycle: u64) -> Timestamp {
        let nanos = u128::from(cycle) * NANOS / u128::from(self.clock_hz);
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Timestamp::from_nanos(self.start.nanos.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hairpin_driver::capture::Frame;

    fn capture(times: &[u64]) -> Capture {
        let frame = |nanos: &u64| Frame {
            time: Timestamp::from_nanos(*nanos),
            data: vec![0; 60],
        };
        Capture {
            frames: times.iter().map(frame).collect(),
        }
    }

    fn order(t: &Timeline) -> Vec<(u8, u64, u64)> {
        t.shots.iter().map(|s| (s.port, s.index, s.cycle)).collect()
    }

    #[test]
    fn equal_stamps_keep_the_order_of_the_inputs() {
        let t = Timeline::new(
            vec![(3, capture(&[100, 200])), (1, capture(&[100, 150]))],
            1_000_000_000,
            None,
        );
        assert_eq!(order(&t), [(3, 0, 0), (1, 0, 0), (1, 1, 50), (3, 1, 100)]);
    }

    #[test]
    fn long_gaps_are_cut_and_short_ones_kept() {
        let t = Timeline::new(
            vec![(0, capture(&[0, 10, 1000, 1010]))],
            1_000_000_000,
            Some(100),
        );
        assert_eq!(order(&t), [(0, 0, 0), (0, 1, 10), (0, 2, 110), (0, 3, 120)]);
    }

    #[test]
    fn a_stamp_that_goes_back_does_not_reorder_its_port() {
        let t = Timeline::new(vec![(0, capture(&[50, 10, 60]))], 1_000_000_000, None);
        assert_eq!(order(&t), [(0, 0, 0), (0, 1, 0), (0, 2, 10)]);
    }

    #[test]
    fn stamps_count_from_the_first_input() {
        let t = Timeline::new(vec![(0, capture(&[1_000, 2_000]))], 156_250_000, None);
        assert_eq!(t.stamp(0).nanos, 1_000);
        assert_eq!(t.stamp(156_250_000).nanos, 1_000_001_000);
    }
}
