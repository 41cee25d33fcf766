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
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

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
            format!(", {}", duration(quantile(sorted, thousandths), report.clock_hz))
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
