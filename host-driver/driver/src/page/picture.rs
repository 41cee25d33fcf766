// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The NIC as a picture: vPorts above, the wire below, one arrow per pair of ports and V.VLAN.
//!
//! Arrows between vPorts turn inside the NIC. A wider turn lies deeper, and the ends at a vPort are
//! ordered so that turns nest instead of crossing: near ones outside, the wire in the middle.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::facts::{Facts, Pair, Traffic, port_order};
use super::format::{at, bytes, count, short};
use crate::report::Report;
use crate::snapshot::{PortState, Snapshot};

/// Most vPorts drawn; those with the most traffic.
const MOST_PORTS: usize = 12;
const PITCH: f64 = 148.0;
const BOX_WIDTH: f64 = 134.0;
const BOX_HEIGHT: f64 = 84.0;
/// Lower edge of the boxes, where arrows begin and end.
const EDGE: f64 = BOX_HEIGHT + 1.0;
/// Depth between two turns of one pair of ports.
const TURN: f64 = 17.0;
const FIRST_TURN: f64 = 30.0;
const LINE: f64 = 15.0;

/// An arrow between two vPorts.
struct Turn<'a> {
    pair: &'a Pair<'a>,
    traffic: Traffic,
    from: usize,
    to: usize,
    depth: f64,
}

/// An end of an arrow at a vPort; `key` orders the ends from left to right.
struct End {
    arrow: usize,
    starts: bool,
    key: (u8, f64),
}

/// Draws it. The note says what was left out.
pub(super) fn draw(report: &Report, snapshot: &Snapshot, facts: &Facts<'_>) -> Markup {
    let shown = shown_ports(facts);
    let place: BTreeMap<&str, usize> = shown.iter().enumerate().map(|(n, p)| (*p, n)).collect();
    let colours = colours(snapshot, facts);
    let most = facts.pairs.values().map(|t| t.frames).max().unwrap_or(1);
    let turns = turns(facts, &place);
    let wires: Vec<(&Pair<'_>, Traffic, usize)> = facts
        .pairs
        .iter()
        .filter_map(|(pair, traffic)| {
            let port = match (pair.from, pair.to) {
                ("uplink", port) | (port, "uplink") => port,
                _ => return None,
            };
            Some((pair, *traffic, *place.get(port)?))
        })
        .collect();
    let pins = pins(&turns, &wires, shown.len());
    let deepest = turns.iter().map(|turn| turn.depth).fold(0.0, f64::max);
    let bottom = EDGE + deepest + 34.0;
    let rows = (0..shown.len())
        .map(|port| wires.iter().filter(|wire| wire.2 == port).count())
        .max()
        .unwrap_or(0);
    let wire_height = 30.0 + LINE * rows as f64;
    let width = PITCH * shown.len().max(2) as f64;
    let height = bottom + 26.0 + wire_height;
    let colour = |pair: &Pair<'_>| {
        pair.vvlan
            .and_then(|id| colours.get(&id))
            .copied()
            .unwrap_or(7)
    };
    html! {
        svg.picture role="img" viewBox=(format!("-8 -2 {} {}", at(width + 16.0), at(height + 6.0)))
            style=(format!("min-width:{}px", at(width * 0.85)))
            aria-label="vPorts, the NIC and the wire, with the traffic between each two of them" {
            rect.nic x="-6" y=(at(EDGE - 9.0)) width=(at(width + 12.0)) height=(at(bottom - EDGE + 15.0)) rx="10" {}
            text.nicname transform=(format!("translate(8 {}) rotate(-90)", at(bottom - 6.0))) { "Hairpin" }
            rect.wire x="-6" y=(at(bottom + 24.0)) width=(at(width + 12.0)) height=(at(wire_height)) rx="10" {}
            (wire_label(report, facts, bottom + 24.0 + wire_height - 10.0))
            @for (n, (pair, traffic, port)) in wires.iter().enumerate() {
                (wire(pair, *traffic, most, colour(pair), pins[&(turns.len() + n, pair.from != "uplink")], bottom + 24.0))
                (wire_text(pair, *traffic, colour(pair), *port,
                    bottom + 42.0 + LINE * wires[..n].iter().filter(|other| other.2 == *port).count() as f64))
            }
            @for (n, turn) in turns.iter().enumerate() {
                (turn_arrow(turn, most, colour(turn.pair), pins[&(n, true)], pins[&(n, false)]))
            }
            @for (n, turn) in turns.iter().enumerate() {
                (turn_text(turn, colour(turn.pair), pins[&(n, true)], pins[&(n, false)]))
            }
            @for (n, name) in shown.iter().enumerate() {
                (port_box(n, name, snapshot, report, facts, &colours))
            }
        }
        p.legend {
            @for (vvlan, colour) in &colours {
                span.key { i.{ "v" (colour % 8) } {} "V.VLAN " (vvlan) }
            }
            span.key { "line width: frames; label: frames and bytes" }
        }
        @let left_out = facts.ports.iter().filter(|name| **name != "uplink").count() - shown.len();
        @if left_out > 0 {
            p.note { "The " (shown.len()) " vPorts with the most traffic are drawn; " (left_out) " more are in the table." }
        }
    }
}

/// The vPorts to draw, in the order of their numbers.
fn shown_ports<'a>(facts: &Facts<'a>) -> Vec<&'a str> {
    let mut busy: Vec<(u64, &str)> = facts
        .ports
        .iter()
        .filter(|name| **name != "uplink")
        .map(|name| {
            let touches = |pair: &Pair<'_>| pair.from == *name || pair.to == *name;
            let pairs = facts.pairs.iter().filter(|(pair, _)| touches(pair));
            (pairs.map(|(_, traffic)| traffic.frames).sum(), *name)
        })
        .collect();
    busy.sort_by_key(|(frames, name)| (std::cmp::Reverse(*frames), port_order(name)));
    let mut shown: Vec<&str> = busy
        .into_iter()
        .take(MOST_PORTS)
        .map(|(_, name)| name)
        .collect();
    shown.sort_by_key(|name| port_order(name));
    shown
}

/// A colour per V.VLAN, those of the configuration first.
fn colours(snapshot: &Snapshot, facts: &Facts<'_>) -> BTreeMap<u16, usize> {
    let configured: BTreeSet<u16> = snapshot.vvlans.iter().map(|vvlan| vvlan.id).collect();
    let others = facts.vvlans();
    let all = configured.iter().chain(others.difference(&configured));
    all.enumerate().map(|(n, id)| (*id, n)).collect()
}

/// The arrows between vPorts and how deep they lie.
fn turns<'a>(facts: &'a Facts<'a>, place: &BTreeMap<&str, usize>) -> Vec<Turn<'a>> {
    let mut turns: Vec<Turn<'_>> = facts
        .pairs
        .iter()
        .filter_map(|(pair, traffic)| {
            Some(Turn {
                pair,
                traffic: *traffic,
                from: *place.get(pair.from)?,
                to: *place.get(pair.to)?,
                depth: 0.0,
            })
        })
        .collect();
    let ends = |turn: &Turn<'_>| (turn.from.min(turn.to), turn.from.max(turn.to));
    turns.sort_by_key(|turn| (ends(turn), turn.from > turn.to, turn.pair.vvlan));
    let mut most = 1_usize;
    let mut rank = Vec::with_capacity(turns.len());
    for (n, turn) in turns.iter().enumerate() {
        let earlier = turns[..n]
            .iter()
            .filter(|other| ends(other) == ends(turn))
            .count();
        most = most.max(earlier + 1);
        rank.push(earlier);
    }
    let step = TURN * most as f64 + 9.0;
    for (turn, rank) in turns.iter_mut().zip(rank) {
        let distance = turn.from.abs_diff(turn.to).max(1);
        turn.depth = FIRST_TURN + step * (distance - 1) as f64 + TURN * rank as f64;
    }
    turns
}

/// Where each arrow begins (`true`) and ends (`false`), by its number; wires follow the turns.
fn pins(
    turns: &[Turn<'_>],
    wires: &[(&Pair<'_>, Traffic, usize)],
    ports: usize,
) -> BTreeMap<(usize, bool), f64> {
    let mut ends: Vec<Vec<End>> = (0..ports).map(|_| Vec::new()).collect();
    for (arrow, turn) in turns.iter().enumerate() {
        for (starts, own, other) in [(true, turn.from, turn.to), (false, turn.to, turn.from)] {
            let key = if other < own {
                (0, turn.depth)
            } else {
                (2, -turn.depth)
            };
            ends[own].push(End { arrow, starts, key });
        }
    }
    for (n, (pair, _, port)) in wires.iter().enumerate() {
        ends[*port].push(End {
            arrow: turns.len() + n,
            starts: pair.from != "uplink",
            key: (1, n as f64),
        });
    }
    let mut pins = BTreeMap::new();
    for (port, mut ends) in ends.into_iter().enumerate() {
        ends.sort_by(|a, b| a.key.0.cmp(&b.key.0).then(a.key.1.total_cmp(&b.key.1)));
        let gap = (BOX_WIDTH - 16.0) / ends.len().max(1) as f64;
        for (n, end) in ends.iter().enumerate() {
            let x = left(port) + 8.0 + gap * (n as f64 + 0.5);
            pins.insert((end.arrow, end.starts), x);
        }
    }
    pins
}

fn left(port: usize) -> f64 {
    PITCH * port as f64 + (PITCH - BOX_WIDTH) / 2.0
}

fn stroke(traffic: Traffic, most: u64) -> String {
    at(1.1 + 5.0 * (traffic.frames as f64 / most.max(1) as f64).sqrt())
}

fn title(pair: &Pair<'_>, traffic: Traffic) -> String {
    let vvlan = pair
        .vvlan
        .map_or(String::new(), |id| format!(", V.VLAN {id}"));
    format!(
        "{} to {}{vvlan}: {} frames, {}",
        pair.from,
        pair.to,
        count(traffic.frames),
        bytes(traffic.bytes)
    )
}

fn label(traffic: Traffic) -> String {
    format!("{} · {}", short(traffic.frames), bytes(traffic.bytes))
}

/// A triangle with its tip at a point.
fn head(x: f64, y: f64, up: bool, wide: f64, colour: usize) -> Markup {
    let (half, back) = (2.6 + wide / 2.0, if up { 8.0 } else { -8.0 });
    let points = format!(
        "{},{} {},{} {},{}",
        at(x),
        at(y),
        at(x - half),
        at(y + back),
        at(x + half),
        at(y + back)
    );
    html! { polygon.head.{ "v" (colour % 8) } points=(points) {} }
}

fn turn_arrow(turn: &Turn<'_>, most: u64, colour: usize, from: f64, to: f64) -> Markup {
    // A cubic curve reaches three quarters of the depth of its control points.
    let deep = EDGE + turn.depth * 4.0 / 3.0;
    let tip = EDGE + 7.0;
    let path = format!(
        "M{} {} C{} {} {} {} {} {}",
        at(from),
        at(EDGE),
        at(from),
        at(deep),
        at(to),
        at(deep - 4.0),
        at(to),
        at(tip)
    );
    let width = stroke(turn.traffic, most);
    html! {
        g {
            title { (title(turn.pair, turn.traffic)) }
            path.flow.{ "v" (colour % 8) } d=(path) stroke-width=(width) {}
            (head(to, EDGE, true, width.parse().unwrap_or(1.0), colour))
        }
    }
}

fn turn_text(turn: &Turn<'_>, colour: usize, from: f64, to: f64) -> Markup {
    let y = EDGE + turn.depth + 3.5;
    let arrow = if turn.from < turn.to { "→" } else { "←" };
    let text = format!("{arrow} {}", label(turn.traffic));
    let (middle, wide) = ((from + to) / 2.0, 6.1 * text.chars().count() as f64 + 4.0);
    html! {
        g {
            title { (title(turn.pair, turn.traffic)) }
            rect.plate x=(at(middle - wide / 2.0)) y=(at(y - 10.5)) width=(at(wide)) height="14" rx="4" {}
            text.amount.{ "v" (colour % 8) } x=(at(middle)) y=(at(y)) { (text) }
        }
    }
}

fn wire(pair: &Pair<'_>, traffic: Traffic, most: u64, colour: usize, x: f64, end: f64) -> Markup {
    let width = stroke(traffic, most);
    let (begin, down) = (EDGE, pair.from != "uplink");
    let (y1, y2) = if down {
        (begin, end - 7.0)
    } else {
        (begin + 7.0, end)
    };
    html! {
        g {
            title { (title(pair, traffic)) }
            path.flow.{ "v" (colour % 8) } d=(format!("M{0} {1} V{2}", at(x), at(y1), at(y2))) stroke-width=(width) {}
            (head(x, if down { end } else { begin }, !down, width.parse().unwrap_or(1.0), colour))
        }
    }
}

fn wire_text(pair: &Pair<'_>, traffic: Traffic, colour: usize, port: usize, y: f64) -> Markup {
    let x = left(port) + BOX_WIDTH / 2.0;
    let arrow = if pair.from == "uplink" { "↑" } else { "↓" };
    html! {
        text.amount.{ "v" (colour % 8) } x=(at(x)) y=(at(y)) {
            title { (title(pair, traffic)) }
            (arrow) " " (label(traffic))
        }
    }
}

fn wire_label(report: &Report, facts: &Facts<'_>, y: f64) -> Markup {
    let uplink = report.ports.get("uplink").cloned().unwrap_or_default();
    let dropped = facts.dropped_at("uplink");
    html! {
        text.portname x="6" y=(at(y)) {
            "uplink"
            tspan.small dx="10" {
                "sent in " (short(uplink.in_frames)) " · received " (short(uplink.out_frames))
            }
            @if dropped > 0 { tspan.small.bad dx="8" { (short(dropped)) " dropped" } }
        }
    }
}

fn port_box(
    n: usize,
    name: &str,
    snapshot: &Snapshot,
    report: &Report,
    facts: &Facts<'_>,
    colours: &BTreeMap<u16, usize>,
) -> Markup {
    let x = left(n);
    let state: Option<&PortState> = snapshot.ports.iter().find(|port| port.name == name);
    let counters = report.ports.get(name).cloned().unwrap_or_default();
    let vvlans = state.map_or(&[][..], |port| &port.vvlans);
    let part = (BOX_WIDTH - 2.0) / vvlans.len().max(1) as f64;
    let dropped = facts.dropped_at(name);
    let enabled = state.is_none_or(|port| port.enabled);
    html! {
        g.port.off[!enabled] {
            rect.box x=(at(x)) y="0" width=(at(BOX_WIDTH)) height=(at(BOX_HEIGHT)) rx="7" {}
            @for (k, id) in vvlans.iter().enumerate() {
                rect.band.{ "v" (colours.get(id).copied().unwrap_or(7) % 8) }
                    x=(at(x + 1.0 + part * k as f64)) y="1" width=(at(part)) height="5" {}
            }
            text.portname x=(at(x + 9.0)) y="24" {
                (name)
                tspan.small dx="7" {
                    @match state {
                        Some(port) if !port.enabled => "disabled",
                        Some(port) if port.role == "vswitch" => "vSwitch",
                        _ => "VM",
                    }
                }
            }
            text.small x=(at(x + 9.0)) y="40" {
                @match state.and_then(|port| port.mac.as_deref()) {
                    Some(mac) => (mac),
                    None => { @if vvlans.is_empty() { "no V.VLAN" } @else { "any address" } },
                }
            }
            text.small x=(at(x + 9.0)) y="57" {
                "sent " (short(counters.in_frames)) " · got " (short(counters.out_frames))
            }
            @if dropped > 0 {
                text.small.bad x=(at(x + 9.0)) y="73" { (short(dropped)) " dropped" }
            }
        }
    }
}
