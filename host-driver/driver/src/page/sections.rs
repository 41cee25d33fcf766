// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The parts of the page.

use hairpin_abi::REASONS;
use maud::{Markup, html};

use super::charts::{self, DECISIONS, Steps, decision_name};
use super::facts::{Facts, quantile};
use super::format::{bytes, count, duration, percent, short};
use super::picture;
use crate::flow::{ethertype_name, proto_name};
use crate::report::{Report, SwitchReport, TableFill};
use crate::snapshot::{FdbKind, FlowKeyState, FlowState, Snapshot};

/// Rows of a table that are shown at once; more are folded away.
const FOLD: usize = 16;
/// Most rows of any table; the files beside the page have the rest.
const MOST_ROWS: usize = 2000;

/// Everything below the key figures.
pub(super) fn all(report: &Report, snapshot: &Snapshot, facts: &Facts<'_>) -> Markup {
    html! {
        nav {
            a href="#ports" { "Ports" } a href="#decisions" { "Decisions" } a href="#latency" { "Latency" }
            a href="#tables" { "Tables" } a href="#flows" { "Flows" } a href="#addresses" { "Addresses" }
            a href="#firmware" { "Firmware" } a href="#checked" { "What was checked" }
        }
        section #ports {
            h2 { "Ports and traffic" }
            p.sub { "Copies that left, from the port a frame came in by to the port it left by. Bytes are those of the frame as it came in." }
            div.scroll { (picture::draw(report, snapshot, facts)) }
            details { summary { "The same as numbers" } div.scroll { (matrix(facts)) } }
        }
        section #decisions {
            h2 { "What was decided, and why" }
            p.sub { "One decision per frame, with one reason." }
            div.pair {
                div.scroll { (verdicts(report, facts)) }
                div { h3 { "Frames over time" } (charts::activity(report)) (decision_legend()) p.note { "x: cycle of the first beat in" } }
            }
            (drops(facts))
        }
        section #latency {
            h2 { "Latency" }
            p.sub {
                "Cycles from a frame's first beat in to the first beat of each of its copies out. A frame is stored whole before "
                "it is switched. Bars grow with the logarithm of the number of copies."
            }
            (latency(report, facts))
        }
        section #tables { (tables(report, snapshot)) }
        section #flows .long { (flows(report, snapshot)) }
        section #addresses .long { (addresses(report, snapshot)) }
        @if !report.edits.is_empty() { section #edits .long { (edits(report)) } }
        @if let Some(switch) = &report.switch { section #switch .long { (adjacent_switch(switch, report.clock_hz)) } }
        section #firmware .long { (firmware(report, snapshot)) }
        section #checked { (checked(report, snapshot)) }
    }
}

fn adjacent_switch(switch: &SwitchReport, clock_hz: u64) -> Markup {
    html! {
        h2 { "Adjacent switch" }
        p.sub {
            "The switch of " (switch.config) " at the uplink; the NIC is behind its port " (switch.nic) ". A frame takes "
            (count(switch.delay)) " cycles (" (duration(switch.delay, clock_hz)) ") through it and back."
        }
        div.scroll {
            table {
                tr { th { "Port" } th.n { "In" } th.n { "Out" } th.n { "Denied by a rule" } th.n { "Marked for the NIC to learn" } }
                @for (name, port) in &switch.ports {
                    tr {
                        td.nw { (name) }
                        td.n { (count(port.in_frames)) small { (bytes(port.in_bytes)) } }
                        td.n { (count(port.out_frames)) small { (bytes(port.out_bytes)) } }
                        td.n { (count(port.denied)) }
                        td.n { (count(port.marked)) }
                    }
                }
            }
        }
        @if !switch.rules.is_empty() {
            h3 style="margin-top:14px" { "Its rules, in the order in which they are asked" }
            div.scroll {
                table {
                    tr { th { "Rule" } th.n { "Priority" } th { "Action" } th.n { "Frames" } th.n { "Marked for the NIC to learn" } }
                    @for rule in &switch.rules {
                        tr {
                            td.nw { (rule.name.as_deref().unwrap_or("otherwise")) }
                            td.n { @if let Some(priority) = rule.priority { (priority) } }
                            td { (rule.action) }
                            td.n { (count(rule.frames)) }
                            td.n { (count(rule.marked)) }
                        }
                    }
                }
            }
        }
        @if !switch.edits.is_empty() {
            h3 style="margin-top:14px" { "Edits of its rules" }
            div.scroll {
                table {
                    tr { th.n { "In force from cycle" } th { "Edit" } th.n { "No NIC contradicts it from cycle" } }
                    @for edit in &switch.edits {
                        tr {
                            td.n { (count(edit.cycle)) }
                            td.mono { (edit.command) }
                            td.n { @if let Some(cycle) = edit.complete { (count(cycle)) } @else { "not yet" } }
                        }
                    }
                }
            }
        }
    }
}

fn decision_legend() -> Markup {
    html! {
        p.legend {
            @for decision in DECISIONS {
                span.key { i.{ "d-" (decision_name(decision)) } {} (decision_name(decision)) }
            }
        }
    }
}

fn matrix(facts: &Facts<'_>) -> Markup {
    html! {
        table.matrix {
            tr { th { "from \\ to" } @for to in &facts.ports { th { (to) } } th { "dropped" } }
            @for from in &facts.ports {
                tr {
                    th { (from) }
                    @for to in &facts.ports {
                        @let traffic = facts.between(from, to);
                        @if traffic.frames == 0 { td.none { "·" } } @else {
                            td { (count(traffic.frames)) small { (bytes(traffic.bytes)) } }
                        }
                    }
                    @let dropped = facts.dropped_at(from);
                    @if dropped == 0 { td.none { "·" } } @else { td.bad { (count(dropped)) } }
                }
            }
        }
    }
}

fn verdicts(report: &Report, facts: &Facts<'_>) -> Markup {
    let frames = report.frames.len() as u64;
    let mut rows: Vec<_> = facts.verdicts.iter().collect();
    rows.sort_by_key(|((decision, reason), verdict)| {
        let place = DECISIONS.iter().position(|other| other == decision);
        (place, std::cmp::Reverse(verdict.traffic.frames), *reason)
    });
    html! {
        table {
            tr { th { "Decision" } th { "Reason" } th.n { "Frames" } th.n { "Share" } th { "For example" } }
            @for ((decision, reason), verdict) in rows {
                tr {
                    td { span.chip.{ "c-" (decision_name(*decision)) } { (decision_name(*decision)) } }
                    td title=(reason_help(reason)) { (reason) }
                    td.n { (count(verdict.traffic.frames)) }
                    td.n { (percent(verdict.traffic.frames, frames)) }
                    td.nw { (verdict.example.input) " #" (verdict.example.index) }
                }
            }
        }
    }
}

fn reason_help(name: &str) -> &'static str {
    let found = REASONS.iter().find(|reason| reason.name == name);
    found.map_or("", |reason| reason.help)
}

fn drops(facts: &Facts<'_>) -> Markup {
    let most = facts
        .drops
        .values()
        .map(|ports| ports.values().sum::<u64>())
        .max();
    let Some(most) = most else {
        return html! { h3 { "Drops by reason" } p.note { "Nothing was dropped and nothing was lost." } };
    };
    let mut rows: Vec<_> = facts.drops.iter().collect();
    rows.sort_by_key(|(reason, ports)| (std::cmp::Reverse(ports.values().sum::<u64>()), **reason));
    html! {
        h3 style="margin-top:14px" { "Drops by reason" }
        p.note { "As the NIC counted them: frames that ended by decision, and copies that were lost after it." }
        div.scroll {
            table {
                tr { th { "Reason" } th.n { "Count" } th.grow {} th { "Where" } th { "Meaning" } }
                @for (reason, ports) in rows {
                    @let sum: u64 = ports.values().sum();
                    tr {
                        td.nw { (reason) }
                        td.n { (count(sum)) }
                        td.grow { span.bar.d-drop style=(format!("width:{:.1}%", sum as f64 * 100.0 / most as f64)) {} }
                        td { @for (n, (port, number)) in ports.iter().enumerate() { @if n > 0 { ", " } (port) " " (count(*number)) } }
                        td { (reason_help(reason)) }
                    }
                }
            }
        }
    }
}

fn latency(report: &Report, facts: &Facts<'_>) -> Markup {
    let clock = report.clock_hz;
    html! {
        @if facts.latency.is_empty() { p.note { "Nothing left the NIC." } }
        div.pair {
            @for decision in DECISIONS {
                @if let Some(sorted) = facts.latency.get(&decision) {
                    @let quantiles = [("min", 0), ("median", 500), ("99 %", 990), ("max", 1000)];
                    div {
                        h3 { span.chip.{ "c-" (decision_name(decision)) } { (decision_name(decision)) } " " (count(sorted.len() as u64)) " copies" }
                        (charts::histogram(decision, sorted, clock))
                        p.legend {
                            @for (name, thousandths) in quantiles {
                                @let value = quantile(sorted, thousandths);
                                span { (name) " " b { (count(value)) } " (" (duration(value, clock)) ")" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn tables(report: &Report, snapshot: &Snapshot) -> Markup {
    let marks = || -> Vec<(u64, String)> {
        let edits = report.edits.iter();
        edits
            .map(|edit| (edit.cycle, format!("{}: {}", edit.cycle, edit.command)))
            .collect()
    };
    let over_time = |of: fn(&crate::report::Occupancy) -> u32| {
        let samples = report.occupancy.iter();
        samples
            .map(|sample| (sample.cycle, u64::from(of(sample))))
            .collect::<Vec<_>>()
    };
    let chart = |name: &str, class: &str, fill: &TableFill, points: Vec<(u64, u64)>| {
        let steps = Steps {
            label: name,
            class,
            points,
            end: report.cycles,
            capacity: fill.capacity,
            marks: marks(),
        };
        html! {
            div {
                h3 { (name) ": " (count(fill.entries)) " of " (count(fill.capacity)) " entries at the end" }
                @if report.occupancy.is_empty() { p.note { "Not recorded." } } @else { (steps.draw()) }
            }
        }
    };
    let tables = &report.tables;
    let learn = &tables.learn;
    html! {
        h2 { "Tables" }
        p.sub {
            "Live entries at every change, as the trace has them; x: cycle."
            @if !report.edits.is_empty() { " Dashed lines: edits of the script." }
        }
        div.pair {
            (chart("Address table", "t-mac", &tables.mac, over_time(|sample| sample.mac)))
            @if let Some(flow) = &tables.flow {
                (chart("Flow cache", "t-flow", flow, over_time(|sample| sample.flow)))
            }
        }
        div.scroll {
            table style="margin-top:12px" {
                tr {
                    th { "Table" } th.n { "Fill" } th.n { "Inserts" } th.n { "No room" } th.n { "Moved" } th.n { "Aged" } th.n { "Swept" }
                    th.n { "Invalidations" } th.n { "Too late" } th.n { "Quota" } th.n { "Refused" }
                }
                (fill_row("addresses", &tables.mac))
                @if let Some(flow) = &tables.flow { (fill_row("flows", flow)) }
            }
        }
        p.note style="margin-top:8px" {
            "Learning: " (count(learn.events)) " unknown addresses handed to the firmware, " (count(learn.suppressed))
            " repeats suppressed, " (count(learn.no_slot)) " without a free slot. " (count(learn.flow_events)) " learning packets handed to it, " (count(learn.flow_suppressed))
            " repeats suppressed."
            @if tables.flow.is_none() { " This NIC has no flow cache." }
        }
        @if !report.cache.is_empty() {
            div.scroll {
                table {
                    tr { th { "Flow cache of" } th.n { "Hits" } th.n { "Bytes" } th.n { "Misses" } th.n { "Bytes" } th.n { "Hit rate" } th.n { "Kept off the uplink" } th { "Miss action" } }
                    @for (id, cache) in &report.cache {
                        tr {
                            td { "V.VLAN " (id) }
                            td.n { (count(cache.hit_frames)) } td.n { (bytes(cache.hit_bytes)) }
                            td.n { (count(cache.miss_frames)) } td.n { (bytes(cache.miss_bytes)) }
                            td.n { (percent(cache.hit_frames, cache.hit_frames + cache.miss_frames)) }
                            td.n { (bytes(cache.kept_off_uplink_bytes)) }
                            td { (snapshot.vvlans.iter().find(|vvlan| vvlan.id.to_string() == *id).map_or("", |vvlan| &vvlan.miss)) }
                        }
                    }
                }
            }
        }
    }
}

fn fill_row(name: &str, fill: &TableFill) -> Markup {
    html! {
        tr {
            td { (name) }
            td.n { (percent(fill.entries, fill.capacity)) }
            @for number in [fill.inserts, fill.insert_failed, fill.moves, fill.aged, fill.swept,
                            fill.invalidations, fill.stale, fill.quota, fill.refused] {
                td.n { (count(number)) }
            }
        }
    }
}

/// A long table: the first rows at once, the others folded.
fn folded(header: &Markup, rows: &[Markup], what: &str) -> Markup {
    let table =
        |rows: &[Markup]| html! { div.scroll { table { (header) @for row in rows { (row) } } } };
    let shown = &rows[..rows.len().min(MOST_ROWS)];
    html! {
        (table(&shown[..shown.len().min(FOLD)]))
        @if shown.len() > FOLD {
            details { summary { (count((shown.len() - FOLD) as u64)) " more " (what) } (table(&shown[FOLD..])) }
        }
        @if rows.len() > MOST_ROWS {
            p.note { (count((rows.len() - MOST_ROWS) as u64)) " more " (what) " are in the files beside this page." }
        }
    }
}

fn flows(report: &Report, snapshot: &Snapshot) -> Markup {
    let header = html! {
        tr {
            th { "V.VLAN" } th { "Key" } th { "Action" } th { "Teacher" }
            th.n { "Last hit" } th.n { "Frames" } th.n { "Bytes" }
        }
    };
    let mut sorted: Vec<&FlowState> = snapshot.flows.iter().collect();
    sorted.sort_by_key(|flow| std::cmp::Reverse(flow.frames));
    let rows: Vec<Markup> = sorted
        .into_iter()
        .map(|flow| {
            html! {
                tr {
                    td { (flow.vvlan) }
                    td { (flow_key(&flow.key)) }
                    td.nw { (flow.action) @if let Some(port) = &flow.port { " to " (port) } @if flow.pending { " (pending)" } }
                    td { (flow.teacher) }
                    td.n { (ago(flow.idle_ticks, report.clock_hz)) }
                    td.n { (count(flow.frames)) }
                    td.n { (bytes(flow.bytes)) }
                }
            }
        })
        .collect();
    html! {
        h2 { "Flows" }
        @if snapshot.info.capabilities.flow_cache {
            p.sub { "Entries of the flow cache at the end, the busiest first. A key has the fields that its V.VLAN asks for." }
            @if rows.is_empty() { p.note { "None." } } @else { (folded(&header, &rows, "flows")) }
        } @else {
            p.note { "This NIC has no flow cache." }
        }
    }
}

/// A flow's key in two lines: what the packets say, and where they come from.
fn flow_key(key: &FlowKeyState) -> Markup {
    let end = |address: &Option<String>, port: Option<u16>| match (address, port) {
        (Some(address), Some(port)) if address.contains(':') => format!("[{address}]:{port}"),
        (Some(address), Some(port)) => format!("{address}:{port}"),
        (Some(address), None) => address.clone(),
        (None, Some(port)) => format!("port {port}"),
        (None, None) => "any".to_owned(),
    };
    let network = [
        key.ip_src.is_some(),
        key.ip_dst.is_some(),
        key.sport.is_some(),
        key.dport.is_some(),
    ];
    let mac = |address: &Option<String>| address.clone().unwrap_or_else(|| "any".to_owned());
    html! {
        @if let Some(proto) = key.proto { (proto_name(proto)) " " }
        @else if let Some(ethertype) = key.ethertype { (ethertype_name(ethertype)) " " }
        @if network.contains(&true) {
            (end(&key.ip_src, key.sport)) " → " (end(&key.ip_dst, key.dport))
        }
        @if key.from.is_some() || key.sa.is_some() || key.da.is_some() {
            br;
            small {
                @if let Some(from) = &key.from { "from " (from) " " }
                @if key.sa.is_some() || key.da.is_some() { (mac(&key.sa)) " → " (mac(&key.da)) }
            }
        }
    }
}

/// How long ago the last hit was. Stamps are coarse.
fn ago(ticks: u64, clock_hz: u64) -> Markup {
    html! {
        @if ticks == 0 { "just now" } @else { (duration(ticks, clock_hz)) " ago" }
    }
}

fn addresses(report: &Report, snapshot: &Snapshot) -> Markup {
    let header = html! { tr { th { "V.VLAN" } th { "Address" } th { "Leads to" } th { "Kind" } } };
    let rows: Vec<Markup> = snapshot
        .fdb
        .iter()
        .map(|entry| {
            html! {
                tr {
                    td { (entry.vvlan) } td.mono { (entry.mac) } td { (entry.ports.join(", ")) }
                    td { @match entry.kind { FdbKind::Static => "static", FdbKind::Dynamic => "learned" } }
                }
            }
        })
        .collect();
    let header_events = html! { tr { th.n { "Cycle" } th { "Event" } th { "Port" } th { "V.VLAN" } th { "Address" } } };
    let dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let events: Vec<Markup> = report
        .events
        .iter()
        .map(|event| {
            html! {
                tr {
                    td.n { (count(event.cycle)) } td { (event.event) } td { (dash(event.port.clone())) }
                    td { (dash(event.vvlan.map(|id| id.to_string()))) } td.mono { (dash(event.mac.clone())) }
                }
            }
        })
        .collect();
    html! {
        h2 { "Addresses" }
        div.pair {
            div {
                h3 { "At the end" }
                @if rows.is_empty() { p.note { "None." } } @else { (folded(&header, &rows, "addresses")) }
            }
            div {
                h3 { "What the firmware reported" }
                @if events.is_empty() { p.note { "Nothing." } } @else { (folded(&header_events, &events, "events")) }
            }
        }
    }
}

fn edits(report: &Report) -> Markup {
    html! {
        h2 { "Edits" }
        p.sub { "The script that was played beside the traffic." }
        div.scroll {
            table {
                tr { th.n { "Cycle" } th.n { "Took" } th { "Command" } th { "Result" } }
                @for edit in &report.edits {
                    tr {
                        td.n { (count(edit.cycle)) }
                        td.n { (count(edit.done.saturating_sub(edit.cycle))) }
                        td.mono { (edit.command) }
                        td { @match &edit.error { None => "done", Some(error) => { span.bad { (error.message) } } } }
                    }
                }
            }
        }
    }
}

fn firmware(report: &Report, snapshot: &Snapshot) -> Markup {
    let health = &snapshot.health;
    html! {
        h2 { "Firmware" }
        @match health.cause() {
            None => p.sub {
                "Running; ready " (count(health.ready_cycles.into())) " core cycles after reset, " (count(health.restarts.into())) " restarts, "
                (count(health.heartbeat.into())) " turns of its event loop."
            },
            Some(cause) => p.bad { (cause) ". The datapath keeps forwarding." },
        }
        div.log {
            @for line in snapshot.log.iter().take(MOST_ROWS) {
                @let level = line.level.as_deref().unwrap_or("");
                div {
                    span.t { (line.time.as_deref().unwrap_or("")) }
                    span.warn[level == "warn"].error[level == "error"] { (level) }
                    span { (line.message) }
                }
            }
        }
        @if health.log_dropped > 0 { p.note { (health.log_dropped) " log frames did not fit." } }
        p.note style="margin-top:8px" {
            "Register map " code { (report.firmware.map_hash) } ", build " code { (report.firmware.build_id) } ". Times are ticks of the datapath clock since reset."
        }
    }
}

fn checked(report: &Report, snapshot: &Snapshot) -> Markup {
    let mark = |good: bool| if good { "ok" } else { "no" };
    let clean = report.scoreboard.mismatches == 0;
    let refused = report
        .edits
        .iter()
        .filter(|edit| edit.error.is_some())
        .count();
    let nic = &snapshot.info.capabilities;
    html! {
        h2 { "What was checked" }
        ul.checks {
            li.{ (mark(clean)) } {
                (count(report.scoreboard.frames)) " decisions, and every byte of every copy, against the golden model: "
                (count(report.scoreboard.mismatches)) " mismatches"
            }
            li.{ (mark(clean)) } { "every counter of every port and V.VLAN against the golden model" }
            li.{ (mark(clean)) } {
                "every copy by a checker that shares no code with the model: no leak between V.VLANs, no duplicate, no echo, "
                "tags as configured, bytes unchanged"
            }
            li.{ (mark(health_good(report, snapshot))) } {
                "the firmware: "
                @match snapshot.health.cause() { None => "alive at the end", Some(cause) => (cause) }
            }
            @if !report.edits.is_empty() {
                li.{ (mark(refused == 0)) } { (count(report.edits.len() as u64)) " edits, " (refused) " of them refused" }
            }
        }
        dl {
            dt { "NIC" }
            dd {
                (nic.vfs) " VFs, " (short(nic.mac_entries.into())) " addresses, "
                @if nic.flow_cache { (short(nic.flow_entries.into())) " flows, " }
                (nic.vvlans) " V.VLANs, " (nic.groups) " groups"
            }
            dt { "Soft core" } dd { "1 clock per " (report.run.core_ratio) " of the datapath" }
            dt { "Hardware" } dd { "build " code { (snapshot.info.build_id) } ", register map " code { (snapshot.info.map_hash) } }
        }
    }
}

/// A firmware that was told to fail may.
fn health_good(report: &Report, snapshot: &Snapshot) -> bool {
    report.fault.is_some() || snapshot.health.cause().is_none()
}
