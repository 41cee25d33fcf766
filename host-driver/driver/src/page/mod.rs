// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `report.html`: the report of a replay for people.
//!
//! One file that needs nothing else: no script, no network, no font. It reads in light and dark, on a
//! phone and on paper. Everything in it comes from a [`Report`] and a [`Snapshot`], and everything that
//! came from a file or the wire is escaped.
//!
//! | Module | Makes |
//! |---|---|
//! | `facts` | sums and quantiles of the frames |
//! | `picture` | ports and the traffic between them |
//! | `charts` | histograms and curves |
//! | `sections` | the parts of the page |
//! | `format` | numbers for people |

mod charts;
mod facts;
mod format;
mod picture;
mod sections;

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Diagnostic;
use crate::report::Report;
use crate::snapshot::Snapshot;
use facts::{Facts, quantile};
use format::{count, duration, percent};

/// File name of the page inside a replay's output directory.
pub const PAGE_FILE: &str = "report.html";

const STYLE: &str = include_str!("style.css");

/// No script, nothing from elsewhere, whatever a browser might find in the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page of a report.
pub fn render(report: &Report, snapshot: &Snapshot) -> String {
    let facts = Facts::new(report);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(concat!("Hairpin ", env!("CARGO_PKG_VERSION")));
                title { "Hairpin replay: " (report.run.config) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (heading(report, snapshot))
                    (tiles(report, &facts))
                    (sections::all(report, snapshot, &facts))
                    footer {
                        "Hairpin " (env!("CARGO_PKG_VERSION")) ", register map "
                        code { (snapshot.info.map_hash) } ". The whole story, frame by frame: "
                        code { (crate::report::REPORT_FILE) } "; the NIC at the end: "
                        code { (crate::snapshot::SNAPSHOT_FILE) } "; what left each port: " code { "PORT.pcap" } "."
                    }
                }
            }
        }
    }
    .into_string()
}

/// Writes the page into a replay's directory.
///
/// # Errors
/// The file cannot be written.
pub fn write(report: &Report, snapshot: &Snapshot, dir: &Path) -> Result<(), Diagnostic> {
    let path = dir.join(PAGE_FILE);
    std::fs::write(&path, render(report, snapshot)).map_err(|error| {
        Diagnostic::new("unwritable-file", format!("cannot write: {error}")).file(&path)
    })
}

fn heading(report: &Report, snapshot: &Snapshot) -> Markup {
    let clean = report.scoreboard.mismatches == 0;
    let mhz = report.clock_hz as f64 / 1e6;
    html! {
        header {
            div {
                h1 { "Replay" @if !report.run.config.is_empty() { " of " (report.run.config) } }
                span.soft {
                    (count(report.cycles)) " cycles, " (duration(report.cycles, report.clock_hz)) " at "
                    (format!("{mhz}")) " MHz, " (snapshot.info.capabilities.data_bytes) " bytes per clock · seed "
                    (report.run.seed)
                    @if let Some(fault) = &report.fault { " · fault injection: " (fault) }
                }
            }
            @if clean {
                span.badge.ok { "✓ equal to the golden model" }
            } @else {
                span.badge.no { "✗ " (count(report.scoreboard.mismatches)) " mismatches with the golden model" }
            }
        }
    }
}

fn tiles(report: &Report, facts: &Facts<'_>) -> Markup {
    use crate::report::Decision::{Drop, Local, Punt};
    let frames = report.frames.len() as u64;
    let local = facts.latency.get(&Local);
    let lost: usize = report.frames.iter().map(|frame| frame.lost.len()).sum();
    let in_cycles = |thousandths| {
        local.map_or_else(
            || "–".to_owned(),
            |sorted| format!("{} cycles", count(quantile(sorted, thousandths))),
        )
    };
    let in_time = |thousandths| {
        local.map_or_else(String::new, |sorted| {
            format!(
                ", {}",
                duration(quantile(sorted, thousandths), report.clock_hz)
            )
        })
    };
    let tile = |value: String, what: String| html! { div.tile { b { (value) } span { (what) } } };
    html! {
        div.tiles {
            (tile(count(frames), "frames in".to_owned()))
            (tile(count(facts.copies), "copies out".to_owned()))
            (tile(in_cycles(500), format!("local latency, median{}", in_time(500))))
            (tile(in_cycles(990), format!("local latency, 99 %{}", in_time(990))))
            (tile(count(facts.decided(Drop)), format!("dropped by decision, {}", percent(facts.decided(Drop), frames))))
            (tile(count(lost as u64), "copies lost after it".to_owned()))
            (tile(count(facts.decided(Punt)), "to the firmware".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A report with one frame of each sort, and names that would be markup.
    fn documents(evil: &str) -> (Report, Snapshot) {
        let counters = json!({"in_frames": 1, "in_bytes": 60, "out_frames": 1, "out_bytes": 60, "drops": {evil: 3}});
        let fill = json!({"entries": 2, "capacity": 4, "insert_failed": 1});
        let report = json!({
            "version": 1, "clock_hz": 156_250_000, "run": {"config": evil, "seed": 7, "core_ratio": 5}, "cycles": 1000,
            "fault": evil,
            "switch": {"config": evil, "delay": 156, "nic": evil,
                       "ports": {evil: {"in_frames": 1, "in_bytes": 60, "out_frames": 1, "out_bytes": 60, "marked": 0, "denied": 1}},
                       "edits": [{"cycle": 5, "command": evil, "complete": null}]},
            "frames": [
                {"in": "vf0", "index": 0, "cycle": 0, "len": 60, "vvlan": 100, "decision": "local", "reason": "mac-hit",
                 "out": [{"port": "vf1", "index": 0, "cycle": 24, "latency": 24, "kind": "forward"},
                         {"port": "uplink", "index": 0, "cycle": 90_000, "latency": 90_000, "kind": "forward"}],
                 "lost": []},
                {"in": evil, "index": 0, "cycle": 999, "len": 60, "vvlan": null, "decision": "drop", "reason": evil, "out": [],
                 "lost": [{"port": evil, "reason": evil}]}],
            "injected": [], "ports": {"vf0": counters, evil: counters}, "vvlans": {},
            "cache": {evil: {"hit_frames": 1, "hit_bytes": 1, "miss_frames": 0, "miss_bytes": 0}},
            "tables": {"mac": fill, "flow": fill},
            "occupancy": [{"cycle": 0, "mac": 1, "flow": 0}, {"cycle": 500, "mac": 2, "flow": 2}],
            "events": [{"cycle": 5, "event": evil, "port": evil, "vvlan": 100, "mac": evil}],
            "edits": [{"cycle": 5, "done": 9, "command": evil,
                       "error": {"code": "x", "message": evil, "field": null, "file": null, "line": null, "help": null}}],
            "scoreboard": {"frames": 2, "mismatches": 0},
            "firmware": {"map_hash": evil, "build_id": evil, "state": "running"}});
        let snapshot = json!({
            "version": 1,
            "info": {"version": evil, "map_hash": evil, "build_id": evil, "capabilities": {"vfs": 8, "queue_pairs": 1,
                     "data_bytes": 64, "mac_entries": 4, "vvlans": 64, "groups": 1, "flow_cache": true, "flow_entries": 4,
                     "virtqueues": false}},
            "health": {"run": "running", "state": evil, "code": 0, "hung": false, "heartbeat": 1, "alive": true,
                       "ready_cycles": 1, "restarts": 0, "map_hash": evil, "build_id": evil, "log_dropped": 1, "uplink_up": true},
            "uplink": {"tpid": 0x8100, "pcp": 0, "reflects": false},
            "ports": [{"name": "vf0", "enabled": true, "role": evil, "vvlans": [100], "mac": evil, "spoofchk": true,
                       "trust": false, "learning": true, "max_macs": 1, "tags": evil, "reflect": false,
                       "broadcast_burst": null, "broadcast_interval": null}],
            "vvlans": [{"id": 100, "instance": 0, "vlan": 10, "accept": [10], "mode": evil, "miss": evil, "members": [evil],
                        "vswitch": null}],
            "fdb": [{"vvlan": 100, "mac": evil, "ports": [evil], "group": null, "kind": "dynamic"}],
            "flows": [{"vvlan": 100, "key": {"from": evil, "da": evil, "sa": null, "ethertype": 2048, "ip_src": evil, "ip_dst": null,
                       "proto": 6, "sport": 1, "dport": 2}, "action": evil, "port": evil, "teacher": evil, "pending": true,
                       "handle": 1, "idle_ticks": 9, "frames": 3, "bytes": 4}],
            "log": [{"time": evil, "level": evil, "message": evil, "module": null, "file": null, "line": null}]});
        (
            serde_json::from_value(report).unwrap(),
            serde_json::from_value(snapshot).unwrap(),
        )
    }

    #[test]
    fn nothing_that_came_from_outside_is_markup() {
        let evil = "<script>alert('x')</script>\"&";
        let (report, snapshot) = documents(evil);
        let page = render(&report, &snapshot);
        assert!(!page.contains("<script"), "{page}");
        assert!(
            page.matches("&lt;script&gt;").count() > 20,
            "the page shows little: {page}"
        );
        // In an attribute it cannot end the quotes.
        assert!(!page.contains("</script>\"&"));
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let (report, snapshot) = documents("plain");
        let page = render(&report, &snapshot);
        for foreign in [
            "http:",
            "https:",
            "src=",
            "url(",
            "@import",
            "<script",
            "<link",
            "<iframe",
            "javascript:",
        ] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert!(
            page.contains("Content-Security-Policy") && page.contains("prefers-color-scheme: dark")
        );
        assert!(page.contains("@media print") && page.contains("width=device-width"));
    }

    #[test]
    fn every_element_is_closed() {
        let (report, snapshot) = documents("plain");
        let page = render(&report, &snapshot);
        let mut open = Vec::new();
        for tag in page
            .split('<')
            .skip(1)
            .filter_map(|rest| rest.split('>').next())
        {
            let name = tag.split([' ', '\n']).next().unwrap_or_default();
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{tag}"),
                None if ["!DOCTYPE", "meta", "br"].contains(&name) => {}
                None => open.push(name),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn an_empty_replay_has_a_page() {
        let (mut report, mut snapshot) = documents("plain");
        report.frames.clear();
        report.ports.clear();
        report.occupancy.clear();
        report.cycles = 0;
        report.clock_hz = 0;
        report.scoreboard.mismatches = 2;
        snapshot.vvlans.clear();
        snapshot.info.capabilities.flow_cache = false;
        let page = render(&report, &snapshot);
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
        assert!(page.contains("2 mismatches") && page.contains("no flow cache"));
    }
}
