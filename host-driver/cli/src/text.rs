// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a person reads.

mod steer;
pub(crate) mod top;

use std::collections::BTreeMap;
use std::fmt::Write;

use hairpin_driver::output::{
    DevInfo, FdbMonitor, FdbShow, FlowShow, HealthShow, Log, PortShow, Source, Stats, StatsWatch,
    SwitchShow, VvlanShow,
};
use hairpin_driver::report::{Counters, FirmwareRun, TableFill, Tables};
use hairpin_driver::snapshot::{AskedState, FdbKind};

/// A document as text.
pub(crate) trait Text {
    /// Lines, each with its end.
    fn text(&self) -> String;
}

impl Text for DevInfo {
    fn text(&self) -> String {
        let nic = &self.device.capabilities;
        fields(&[
            (
                "register map",
                format!("{} (version {})", self.device.map_hash, self.device.version),
            ),
            ("build", self.device.build_id.clone()),
            ("VFs", nic.vfs.to_string()),
            ("queue pairs", nic.queue_pairs.to_string()),
            ("datapath", format!("{} bytes per clock", nic.data_bytes)),
            ("MAC entries", nic.mac_entries.to_string()),
            ("V.VLANs", nic.vvlans.to_string()),
            ("groups", nic.groups.to_string()),
            (
                "flow cache",
                if nic.flow_cache {
                    format!("{} flows", nic.flow_entries)
                } else {
                    "no".to_owned()
                },
            ),
            ("virtqueues", yes(nic.virtqueues).to_owned()),
            (
                "uplink",
                format!(
                    "tpid {:#06x}, pcp {}, {}",
                    self.uplink.tpid,
                    self.uplink.pcp,
                    if self.uplink.reflects {
                        "reflecting switch"
                    } else {
                        "no reflective relay"
                    }
                ),
            ),
            ("MAC table", fill(&self.tables.mac)),
            (
                "flow table",
                self.tables
                    .flow
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), fill),
            ),
        ])
    }
}

impl Text for HealthShow {
    fn text(&self) -> String {
        let health = &self.health;
        let verdict = match health.run {
            FirmwareRun::Running if health.alive => "running",
            FirmwareRun::Running => "NOT RESPONDING: the datapath keeps forwarding",
            FirmwareRun::Hung => "HUNG: the datapath keeps forwarding, nothing new is learned",
            FirmwareRun::Halted => "HALTED: the datapath keeps forwarding, nothing new is learned",
        };
        let mut lines = vec![("firmware", verdict.to_owned())];
        lines.extend(self.cause.clone().map(|cause| ("cause", cause)));
        lines.extend(self.help.clone().map(|help| ("next step", help)));
        lines.extend([
            ("state", format!("{} (code {})", health.state, health.code)),
            ("heartbeat", health.heartbeat.to_string()),
            (
                "ready after",
                format!("{} core cycles", health.ready_cycles),
            ),
            ("restarts", health.restarts.to_string()),
            ("register map", health.map_hash.clone()),
            ("build", health.build_id.clone()),
            ("log dropped", format!("{} frames", health.log_dropped)),
            (
                "uplink",
                if health.uplink_up { "up" } else { "down" }.to_owned(),
            ),
        ]);
        lines.extend(self.warnings.iter().map(|text| ("warning", text.clone())));
        fields(&lines)
    }
}

impl Text for SwitchShow {
    fn text(&self) -> String {
        let switch = &self.switch;
        let state = match switch.state.as_str() {
            "off" => "off: no [switch] in the configuration".to_owned(),
            "searching" => "searching: the switch does not answer, nothing is learned".to_owned(),
            other => other.to_owned(),
        };
        let refused = switch.refused.iter();
        let refused: Vec<String> = refused
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        fields(&[
            ("state", state),
            ("lease", format!("{} ms left", switch.lease_ms)),
            (
                "flows learned",
                format!(
                    "{}: {} on the short path, {} waiting, {} without an answer in time",
                    switch.learned, switch.moved, switch.waiting, switch.late
                ),
            ),
            ("invalidations", switch.invalidations.to_string()),
            (
                "refused",
                match refused.as_slice() {
                    [] => "none".to_owned(),
                    list => list.join(", "),
                },
            ),
        ])
    }
}

impl Text for PortShow {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            "PORT",
            "STATE",
            "ROLE",
            "VVLANS",
            "MAC",
            "SPOOFCHK",
            "TRUST",
            "LEARNING",
            "TAGS",
            "BROADCAST",
            "ASKED",
            "MAX TX RATE",
        ]);
        for port in &self.ports {
            let broadcast = match (port.broadcast_burst, port.broadcast_interval) {
                (Some(burst), Some(interval)) => format!("{burst}, 1 per {interval} ticks"),
                _ => "unlimited".to_owned(),
            };
            let learning = if port.learning {
                format!("max {}", port.max_macs)
            } else {
                "off".to_owned()
            };
            table.row([
                port.name.clone(),
                if port.enabled { "enabled" } else { "disabled" }.to_owned(),
                port.role.clone(),
                list(&port.vvlans),
                port.mac.clone().unwrap_or_else(|| "-".to_owned()),
                on(port.spoofchk).to_owned(),
                on(port.trust).to_owned(),
                learning,
                port.tags.clone(),
                broadcast,
                asked(&port.asked),
                port.max_tx_rate
                    .map_or_else(|| "-".to_owned(), |rate| format!("{rate} Mb/s")),
            ]);
        }
        table.finish()
    }
}

/// What a guest asked for.
fn asked(asked: &AskedState) -> String {
    let modes = [
        ("promiscuous", asked.promiscuous),
        ("all-multicast", asked.all_multicast),
    ];
    let modes = modes.into_iter().filter(|(_, on)| *on);
    let mut words: Vec<_> = modes.map(|(name, _)| name.to_owned()).collect();
    words.extend(asked.macs.iter().cloned());
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(" ")
    }
}

impl Text for VvlanShow {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            "VVLAN", "VLAN", "ACCEPT", "MODE", "MISS", "MEMBERS", "VSWITCH", "CACHE",
        ]);
        for vvlan in &self.vvlans {
            table.row([
                vvlan.id.to_string(),
                vvlan.vlan.to_string(),
                list(&vvlan.accept),
                vvlan.mode.clone(),
                vvlan.miss.clone(),
                list(&vvlan.members),
                vvlan.vswitch.clone().unwrap_or_else(|| "-".to_owned()),
                if vvlan.cache {
                    format!("{} max {}", list(&vvlan.key_fields), vvlan.flow_quota)
                } else {
                    "off".to_owned()
                },
            ]);
        }
        table.finish()
    }
}

impl Text for FdbShow {
    fn text(&self) -> String {
        let mut table = Table::new(&["VVLAN", "MAC", "PORT", "KIND"]);
        for entry in &self.fdb {
            table.row([
                entry.vvlan.to_string(),
                entry.mac.clone(),
                list(&entry.ports),
                match entry.kind {
                    FdbKind::Static => "static",
                    FdbKind::Dynamic => "dynamic",
                }
                .to_owned(),
            ]);
        }
        table.finish()
    }
}

impl Text for FdbMonitor {
    fn text(&self) -> String {
        let mut table = Table::new(&["CYCLE", "EVENT", "PORT", "VVLAN", "MAC"]);
        let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        for event in &self.events {
            table.row([
                event.cycle.to_string(),
                event.event.clone(),
                dash(event.port.clone()),
                dash(event.vvlan.map(|id| id.to_string())),
                dash(event.mac.clone()),
            ]);
        }
        let from = match self.source {
            Source::Replay => "Recorded by a replay; cycles count from its first frame.",
            Source::Device => "Taken from the NIC just now, oldest first.",
        };
        format!("{from}\n{}", table.finish())
    }
}

impl Text for FlowShow {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            "VVLAN",
            "FLOW",
            "ACTION",
            "TEACHER",
            "IDLE TICKS",
            "FRAMES",
            "BYTES",
        ]);
        for flow in &self.flows {
            let pending = if flow.pending { " (pending)" } else { "" };
            table.row([
                flow.vvlan.to_string(),
                flow.key.text(),
                match &flow.port {
                    Some(port) => format!("{} port {port}{pending}", flow.action),
                    None => format!("{}{pending}", flow.action),
                },
                flow.teacher.clone(),
                flow.idle_ticks.to_string(),
                flow.frames.to_string(),
                flow.bytes.to_string(),
            ]);
        }
        table.finish()
    }
}

impl Text for StatsWatch {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            "CYCLE",
            "IN",
            "OUT",
            "DROPPED",
            "LOST",
            "TO FIRMWARE",
            "ADDRESSES",
            "FLOWS",
        ]);
        for sample in &self.samples {
            table.row([
                sample.cycle.to_string(),
                sample.in_frames.to_string(),
                sample.out_frames.to_string(),
                sample.dropped.to_string(),
                sample.lost.to_string(),
                sample.punted.to_string(),
                sample.mac.to_string(),
                sample.flow.to_string(),
            ]);
        }
        format!(
            "Recorded by a replay; every {} cycles from its first frame.\n{}",
            self.interval,
            table.finish()
        )
    }
}

impl Text for Log {
    fn text(&self) -> String {
        self.log.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    }
}

impl Text for Stats {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            "",
            "IN FRAMES",
            "IN BYTES",
            "OUT FRAMES",
            "OUT BYTES",
            "DROPS",
        ]);
        for (name, counters) in by_number(&self.ports) {
            table.row(counter_row(name.clone(), counters));
        }
        for (id, counters) in by_number(&self.vvlans) {
            table.row(counter_row(format!("vvlan {id}"), counters));
        }
        let mut text = table.finish();
        if !self.cache.is_empty() {
            let mut table = Table::new(&[
                "FLOW CACHE",
                "HITS",
                "BYTES",
                "MISSES",
                "BYTES",
                "KEPT OFF THE UPLINK",
            ]);
            for (id, cache) in by_number(&self.cache) {
                table.row([
                    format!("vvlan {id}"),
                    cache.hit_frames.to_string(),
                    cache.hit_bytes.to_string(),
                    cache.miss_frames.to_string(),
                    cache.miss_bytes.to_string(),
                    format!("{} bytes", cache.kept_off_uplink_bytes),
                ]);
            }
            text.push('\n');
            text.push_str(&table.finish());
        }
        text.push('\n');
        text.push_str(&tables(&self.tables));
        text
    }
}

/// A line per table: how full it is, and what was done to it.
fn tables(tables: &Tables) -> String {
    let mut text = format!("MAC table: {}\n", fill(&tables.mac));
    if let Some(flow) = &tables.flow {
        let _ = writeln!(text, "flow table: {}", fill(flow));
    }
    let learn = &tables.learn;
    let _ = writeln!(
        text,
        "learning: {} addresses offered, {} repeats suppressed, {} found no free slot",
        learn.events, learn.suppressed, learn.no_slot
    );
    text
}

fn fill(fill: &TableFill) -> String {
    let mut text = format!(
        "{} of {} entries, {} insertions found no room, {} moved, {} aged",
        fill.entries, fill.capacity, fill.insert_failed, fill.moves, fill.aged
    );
    for (count, what) in [
        (fill.quota, "beyond a quota"),
        (fill.stale, "too late"),
        (fill.refused, "refused"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

/// Names in the order that a person expects: vf2 before vf10.
fn by_number<T>(map: &BTreeMap<String, T>) -> Vec<(&String, &T)> {
    let mut sorted: Vec<_> = map.iter().collect();
    sorted.sort_by_key(|(name, _)| {
        let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
        (word, name[word.len()..].parse::<u64>().ok())
    });
    sorted
}

fn counter_row(name: String, counters: &Counters) -> [String; 6] {
    let drops: Vec<String> = counters
        .drops
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    [
        name,
        counters.in_frames.to_string(),
        counters.in_bytes.to_string(),
        counters.out_frames.to_string(),
        counters.out_bytes.to_string(),
        if drops.is_empty() {
            "-".to_owned()
        } else {
            drops.join(", ")
        },
    ]
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn on(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

fn list<T: ToString>(values: &[T]) -> String {
    if values.is_empty() {
        return "-".to_owned();
    }
    values
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// Names and values, aligned.
fn fields(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    fields
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "{name:width$}  {value}");
            text
        })
}

/// Columns, each as wide as its widest cell.
struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    fn new(header: &[&str; N]) -> Self {
        Self {
            rows: vec![header.map(str::to_owned)],
        }
    }

    fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    fn finish(self) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].len())
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        self.rows.iter().fold(String::new(), |mut text, row| {
            let cells: Vec<String> = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            let _ = writeln!(text, "{}", cells.join("  ").trim_end());
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_as_numbers() {
        let names = ["1000", "200", "uplink", "vf10", "vf2"];
        let map = names.map(|name| (name.to_owned(), ())).into();
        let sorted: Vec<_> = by_number(&map).into_iter().map(|(name, ())| name).collect();
        assert_eq!(sorted, ["200", "1000", "uplink", "vf2", "vf10"]);
    }

    #[test]
    fn columns_line_up_and_lines_have_no_blanks_at_the_end() {
        let mut table = Table::new(&["A", "LONG", "C"]);
        table.row(["long cell".to_owned(), "x".to_owned(), String::new()]);
        assert_eq!(table.finish(), "A          LONG  C\nlong cell  x\n");
        assert_eq!(
            fields(&[("a", "1".into()), ("bcd", "2".into())]),
            "a    1\nbcd  2\n"
        );
        assert_eq!(list::<u16>(&[]), "-");
        assert_eq!(list(&[1, 2]), "1,2");
    }
}
