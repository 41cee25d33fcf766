// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Queue pools, receive steering and addresses for a person.

use hairpin_driver::output::{FilterShow, MacPoolShow, PoolShow, RssShow};

use super::{Table, Text, fields, list};

/// Entries of an indirection table in a line.
const ENTRIES: usize = 16;

impl Text for PoolShow {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            "VF",
            "QUEUE PAIRS",
            "VECTORS",
            "LINK",
            "MAC",
            "MTU",
            "DRIVER",
            "NO BUFFER",
            "REFUSED",
            "OTHER VLAN",
            "MAX TX RATE",
            "INTERRUPT GAP",
        ]);
        for pool in &self.pools {
            let last = u16::from(pool.first) + u16::from(pool.pairs) - u16::from(pool.pairs > 0);
            let driver = match (pool.device_status, &pool.bad_queue) {
                (0, _) => "-".to_owned(),
                (status, None) => format!("{status:#04x}"),
                (status, Some(bad)) => {
                    format!("{status:#04x}, bad queue {}: {}", bad.queue, bad.reason)
                }
            };
            table.row([
                pool.vf.clone(),
                format!("{}-{last}", pool.first),
                pool.vectors.to_string(),
                if pool.link_up { "up" } else { "down" }.to_owned(),
                pool.mac.clone(),
                pool.mtu.to_string(),
                driver,
                pool.no_buffer.to_string(),
                pool.refused.to_string(),
                pool.filtered.to_string(),
                or_dash(pool.max_tx_rate, "Mb/s"),
                or_dash(pool.interrupt_gap_us.into(), "µs"),
            ]);
        }
        format!(
            "{}{} of {} queue pairs are free\n",
            table.finish(),
            self.free_pairs,
            self.queue_pairs
        )
    }
}

/// A number with its unit, if there is one.
fn or_dash(number: u32, unit: &str) -> String {
    match number {
        0 => "-".to_owned(),
        number => format!("{number} {unit}"),
    }
}

impl Text for FilterShow {
    fn text(&self) -> String {
        let mut table = Table::new(&["FILTER", "VF", "QUEUE", "PRIORITY", "FRAMES"]);
        for filter in &self.ethertype {
            table.row([
                format!("ethertype {}", filter.index),
                filter.vf.clone(),
                filter.queue.to_string(),
                "-".to_owned(),
                filter.text(),
            ]);
        }
        for filter in &self.five_tuple {
            table.row([
                filter.index.to_string(),
                filter.vf.clone(),
                filter.queue.to_string(),
                filter.priority.to_string(),
                filter.text(),
            ]);
        }
        table.finish()
    }
}

impl Text for RssShow {
    fn text(&self) -> String {
        let rss = &self.rss;
        let own = if rss.default { " (the default)" } else { "" };
        let queues: Vec<String> = (0..)
            .zip(&rss.priorities)
            .filter_map(|(priority, queue): (u8, _)| {
                queue.map(|queue| format!("{priority}:{queue}"))
            })
            .collect();
        let mut text = fields(&[
            ("VF", rss.vf.clone()),
            ("key", format!("{}{own}", rss.key)),
            ("types", list(&rss.types)),
            ("priorities", list(&queues)),
            (
                "table",
                match &rss.table {
                    None => "the queue pairs that the driver uses, in turn".to_owned(),
                    Some(table) => format!("{} entries", table.len()),
                },
            ),
        ]);
        for (row, entries) in rss
            .table
            .iter()
            .flat_map(|table| table.chunks(ENTRIES))
            .enumerate()
        {
            let entries: Vec<String> = entries.iter().map(|queue| format!("{queue:3}")).collect();
            text.push_str(&format!("{:5}: {}\n", row * ENTRIES, entries.join(" ")));
        }
        text
    }
}

impl Text for MacPoolShow {
    fn text(&self) -> String {
        self.macs.iter().map(|mac| format!("{mac}\n")).collect()
    }
}
