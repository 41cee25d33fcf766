// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a person reads.

use std::collections::BTreeMap;
use std::fmt::Write;

use hairpin_driver::output::{DevInfo, FdbShow, HealthShow, Log, PortShow, Stats, VvlanShow};
use hairpin_driver::report::{Counters, FirmwareRun};
use hairpin_driver::snapshot::FdbKind;

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
            ("flow cache", yes(nic.flow_cache).to_owned()),
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
        fields(&lines)
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
            ]);
        }
        table.finish()
    }
}

impl Text for VvlanShow {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            "VVLAN", "VLAN", "ACCEPT", "MODE", "MISS", "MEMBERS", "VSWITCH",
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
        let mac = &self.tables.mac;
        let _ = writeln!(
            text,
            "\nMAC table: {} of {} entries, {} insertions found no room",
            mac.entries, mac.capacity, mac.insert_failed
        );
        text
    }
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
