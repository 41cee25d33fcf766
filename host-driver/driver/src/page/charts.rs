// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Charts: histograms and steps over time.

use maud::{Markup, html};

use super::format::{at, count, duration, short, ticks};
use crate::report::{Decision, Report};

const WIDTH: f64 = 640.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;

/// Decisions in the order in which they are stacked and listed.
pub(super) const DECISIONS: [Decision; 5] = [
    Decision::Local,
    Decision::Uplink,
    Decision::Multicast,
    Decision::Punt,
    Decision::Drop,
];

/// The name of a decision, as in `report.json`.
pub(super) fn decision_name(decision: Decision) -> &'static str {
    match decision {
        Decision::Local => "local",
        Decision::Uplink => "uplink",
        Decision::Multicast => "multicast",
        Decision::Punt => "punt",
        Decision::Drop => "drop",
    }
}

/// Bars of a histogram: first value, last value, how many.
type Bar = (u64, u64, u64);

/// Widest range of values that still gets one bar per value.
const PER_VALUE: u64 = 56;
/// Bars per factor of ten where bars grow.
const PER_DECADE: f64 = 12.0;

/// Puts sorted values into bars: one per value where few suffice, else growing ones.
fn bars(sorted: &[u64]) -> (Vec<Bar>, bool) {
    let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else {
        return (Vec::new(), false);
    };
    let grows = high - low > PER_VALUE;
    let bar_of = |value: u64| {
        if grows {
            ((value.max(1) as f64).log10() * PER_DECADE).floor() as u64
        } else {
            value - low
        }
    };
    let mut found: Vec<Bar> = Vec::new();
    let mut current = None;
    for &value in sorted {
        let bar = bar_of(value);
        match (current, found.last_mut()) {
            (Some(same), Some(last)) if same == bar => {
                last.1 = value;
                last.2 += 1;
            }
            _ => found.push((value, value, 1)),
        }
        current = Some(bar);
    }
    (found, grows)
}

/// How often each latency occurred, the number on a logarithmic scale.
pub(super) fn histogram(decision: Decision, sorted: &[u64], clock_hz: u64) -> Markup {
    let (found, grows) = bars(sorted);
    let height = 132.0;
    let base = height - 26.0;
    let most = found.iter().map(|bar| bar.2).max().unwrap_or(1);
    let y = |n: u64| base - (base - TOP) * (1.0 + n as f64).ln() / (1.0 + most as f64).ln();
    let (low, high) = match (sorted.first(), sorted.last()) {
        (Some(low), Some(high)) => (*low, *high),
        _ => return html! {},
    };
    let (first, last) = if grows {
        let edge = |value: u64| (value.max(1) as f64).log10() * PER_DECADE;
        (edge(low).floor(), edge(high).floor() + 1.0)
    } else {
        // A few values around, so that a narrow histogram does not become one wide bar.
        let spare = 24_u64.saturating_sub(high - low) / 2;
        (
            low.saturating_sub(spare) as f64,
            (high + spare) as f64 + 1.0,
        )
    };
    let scale = (WIDTH - LEFT - RIGHT) / (last - first);
    let x = |value: f64| LEFT + (value - first) * scale;
    let place = |value: u64| {
        if grows {
            ((value.max(1) as f64).log10() * PER_DECADE).floor()
        } else {
            value as f64
        }
    };
    let marks: Vec<(f64, u64)> = if grows {
        let values = (0..20).flat_map(|power| [1, 2, 5].map(|n| n * 10_u64.pow(power.min(18))));
        let on_axis = |value: u64| (value as f64).log10() * PER_DECADE;
        values
            .map(|value| (on_axis(value), value))
            .filter(|(at, _)| (first..=last).contains(at))
            .collect()
    } else {
        let step = ticks((last - first) as u64, 8).get(1).copied().unwrap_or(1);
        let begin = (first as u64).div_ceil(step) * step;
        (0..10)
            .map(|n| begin + n * step)
            .filter(|value| (*value as f64) < last)
            .map(|value| (value as f64 + 0.5, value))
            .collect()
    };
    html! {
        svg.chart role="img" viewBox=(format!("0 0 {WIDTH} {height}"))
            aria-label=(format!("Latencies of {} copies", decision_name(decision))) {
            @for power in 0..=most.max(1).ilog10() {
                @let value = 10_u64.pow(power);
                line.grid x1=(LEFT) x2=(at(WIDTH - RIGHT)) y1=(at(y(value))) y2=(at(y(value))) {}
                text.tick.end x=(at(LEFT - 6.0)) y=(at(y(value) + 3.5)) { (short(value)) }
            }
            @for bar in &found {
                rect.{ "d-" (decision_name(decision)) } x=(at(x(place(bar.0)) + 0.5))
                    width=(at((scale - 1.0).max(0.8))) y=(at(y(bar.2))) height=(at((base - y(bar.2)).max(0.5))) {
                    title {
                        @if bar.0 == bar.1 { (count(bar.0)) } @else { (count(bar.0)) " to " (count(bar.1)) }
                        " cycles (" (duration(bar.0, clock_hz)) "): " (count(bar.2)) " copies"
                    }
                }
            }
            line.axis x1=(LEFT) x2=(at(WIDTH - RIGHT)) y1=(at(base)) y2=(at(base)) {}
            @for (value, number) in &marks {
                line.axis x1=(at(x(*value))) x2=(at(x(*value))) y1=(at(base)) y2=(at(base + 4.0)) {}
                text.tick.mid x=(at(x(*value))) y=(at(base + 16.0)) { (short(*number)) }
            }
        }
    }
}

/// An axis of cycles below a chart.
fn cycle_axis(end: u64, base: f64, x: impl Fn(u64) -> f64) -> Markup {
    html! {
        line.axis x1=(LEFT) x2=(at(WIDTH - RIGHT)) y1=(at(base)) y2=(at(base)) {}
        @for tick in ticks(end, 6) {
            line.axis x1=(at(x(tick))) x2=(at(x(tick))) y1=(at(base)) y2=(at(base + 4.0)) {}
            text.tick.mid x=(at(x(tick))) y=(at(base + 16.0)) { (short(tick)) }
        }
    }
}

/// Frames over time, stacked by decision.
pub(super) fn activity(report: &Report) -> Markup {
    const BUCKETS: usize = 96;
    let end = report.cycles.max(1);
    let bucket = |cycle: u64| {
        let n = u128::from(cycle.min(end - 1)) * BUCKETS as u128 / u128::from(end);
        usize::try_from(n).unwrap_or(0).min(BUCKETS - 1)
    };
    let mut counts = vec![[0_u64; DECISIONS.len()]; BUCKETS];
    for frame in &report.frames {
        let kind = DECISIONS
            .iter()
            .position(|decision| *decision == frame.decision);
        if let Some(kind) = kind {
            counts[bucket(frame.cycle)][kind] += 1;
        }
    }
    let most = counts
        .iter()
        .map(|kinds| kinds.iter().sum::<u64>())
        .max()
        .unwrap_or(0);
    let height = 168.0;
    let base = height - 26.0;
    let marks = ticks(most, 4);
    let scale = (base - TOP) / most.max(1) as f64;
    let wide = (WIDTH - LEFT - RIGHT) / BUCKETS as f64;
    let x = |cycle: u64| LEFT + (WIDTH - LEFT - RIGHT) * cycle as f64 / end as f64;
    html! {
        svg.chart role="img" viewBox=(format!("0 0 {WIDTH} {height}")) aria-label="Frames over time by decision" {
            @for mark in &marks {
                @let y = base - *mark as f64 * scale;
                line.grid x1=(LEFT) x2=(at(WIDTH - RIGHT)) y1=(at(y)) y2=(at(y)) {}
                text.tick.end x=(at(LEFT - 6.0)) y=(at(y + 3.5)) { (short(*mark)) }
            }
            @for (n, kinds) in counts.iter().enumerate() {
                @for (kind, decision) in DECISIONS.iter().enumerate() {
                    @let below: u64 = kinds[..kind].iter().sum();
                    @if kinds[kind] > 0 {
                        rect.{ "d-" (decision_name(*decision)) } x=(at(LEFT + wide * n as f64 + 0.4))
                            width=(at(wide - 0.8)) y=(at(base - (below + kinds[kind]) as f64 * scale))
                            height=(at((kinds[kind] as f64 * scale).max(0.6))) {
                            title { (count(kinds[kind])) " " (decision_name(*decision)) }
                        }
                    }
                }
            }
            (cycle_axis(end, base, x))
        }
    }
}

/// A line that steps, and marks over it.
pub(super) struct Steps<'a> {
    /// What it shows, for people who cannot see it.
    pub(super) label: &'a str,
    /// Class of the line.
    pub(super) class: &'a str,
    /// Cycle and value, ascending.
    pub(super) points: Vec<(u64, u64)>,
    /// The last cycle.
    pub(super) end: u64,
    /// The value that cannot be exceeded.
    pub(super) capacity: u64,
    /// Moments to be marked, and what they are.
    pub(super) marks: Vec<(u64, String)>,
}

/// Most steps that are drawn; of more, the largest of its neighbourhood.
const MOST_STEPS: usize = 1200;

impl Steps<'_> {
    pub(super) fn draw(&self) -> Markup {
        let end = self.end.max(1);
        let top = self.points.iter().map(|point| point.1).max().unwrap_or(0);
        // The limit is shown where it is near; else the line would lie on the ground.
        let near = top > 0 && top * 2 >= self.capacity;
        let most = if near { self.capacity } else { top }.max(4);
        let height = 168.0;
        let base = height - 26.0;
        let x = |cycle: u64| LEFT + (WIDTH - LEFT - RIGHT) * cycle.min(end) as f64 / end as f64;
        let y = |value: u64| base - (base - TOP) * value as f64 / (most as f64 * 1.06);
        let line = self.path(&x, &y);
        let area = format!("{line} V{} H{} Z", at(base), at(x(0)));
        html! {
            svg.chart role="img" viewBox=(format!("0 0 {WIDTH} {height}")) aria-label=(self.label) {
                @for mark in ticks(most, 4) {
                    line.grid x1=(LEFT) x2=(at(WIDTH - RIGHT)) y1=(at(y(mark))) y2=(at(y(mark))) {}
                    text.tick.end x=(at(LEFT - 6.0)) y=(at(y(mark) + 3.5)) { (short(mark)) }
                }
                @if near {
                    line.limit x1=(LEFT) x2=(at(WIDTH - RIGHT)) y1=(at(y(self.capacity))) y2=(at(y(self.capacity))) {}
                }
                path.area.{ (self.class) } d=(area) {}
                path.line.{ (self.class) } d=(line) {}
                @for (cycle, what) in &self.marks {
                    g {
                        title { (what) }
                        line.mark x1=(at(x(*cycle))) x2=(at(x(*cycle))) y1=(at(TOP)) y2=(at(base)) {}
                        circle.mark cx=(at(x(*cycle))) cy=(at(TOP)) r="3.5" {}
                    }
                }
                (cycle_axis(end, base, x))
            }
        }
    }

    fn path(&self, x: &dyn Fn(u64) -> f64, y: &dyn Fn(u64) -> f64) -> String {
        let chunk = self.points.len().div_ceil(MOST_STEPS).max(1);
        let mut points = self.points.chunks(chunk).filter_map(|some| {
            let largest = some.iter().map(|point| point.1).max()?;
            Some((some.first()?.0, largest))
        });
        let (cycle, value) = points.next().unwrap_or((0, 0));
        let mut path = format!("M{} {}", at(x(cycle)), at(y(value)));
        let mut last = value;
        for (cycle, value) in points {
            path.push_str(&format!(" H{} V{}", at(x(cycle)), at(y(value))));
            last = value;
        }
        // The last value, whatever its neighbourhood was.
        if let Some((_, value)) = self.points.last().filter(|point| point.1 != last) {
            path.push_str(&format!(" V{}", at(y(*value))));
        }
        path.push_str(&format!(" H{}", at(x(self.end))));
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_hold_every_value_once() {
        for sorted in [
            vec![],
            vec![5],
            vec![19, 19, 23, 45],
            (1..5000).collect::<Vec<u64>>(),
        ] {
            let (found, _) = bars(&sorted);
            assert_eq!(
                found.iter().map(|bar| bar.2).sum::<u64>(),
                sorted.len() as u64
            );
            assert!(found.is_sorted_by(|a, b| a.1 < b.0), "{found:?}");
        }
        assert!(!bars(&[19, 45]).1 && bars(&[19, 46_000]).1);
    }

    #[test]
    fn a_picture_of_anything_is_a_picture() {
        for sorted in [vec![0], vec![0, u64::MAX], vec![1, 2, 3]] {
            let text = histogram(Decision::Local, &sorted, 1).into_string();
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
        let steps = Steps {
            label: "x",
            class: "t-mac",
            points: (0..5000).map(|n| (n, n % 7)).collect(),
            end: 0,
            capacity: 4,
            marks: vec![(9, "<mark>".to_owned())],
        };
        let text = steps.draw().into_string();
        assert!(
            text.contains("&lt;mark&gt;") && !text.contains("NaN"),
            "{text}"
        );
        assert!(text.matches(" H").count() < 2 * MOST_STEPS + 20);
    }
}
