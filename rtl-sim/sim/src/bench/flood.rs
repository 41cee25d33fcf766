// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One VF floods the tables at line rate; what the others notice.
//!
//! The same traffic three times: alone, beside VFs that send as much as they can from one address each, and
//! beside the same VFs when every frame has an address and a flow key of its own. The second and the third
//! differ in what the tables have to do, and in nothing else: every frame of the others must go in and
//! come out in the same clock.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use hairpin_abi::admin::Command;
use hairpin_abi::counter::{CountedTable, CounterAddr, TableCounter};
use hairpin_abi::row::{MacKey, Target};
use hairpin_abi::{
    FlowAction, FlowKey, FlowRow, IpFields, MacAddr, PortId, Reason, Teacher, VPort, VVlan, Vlan,
};
use hairpin_driver::Error;

use super::{Bench, Figure};
use crate::cosim::frames::{canary, mark};
use crate::model::Cycle;
use crate::nic::{Blind, Nic, Observer};
use crate::scoreboard::Left;
use crate::trace::Decided;

/// The flood comes from vf6, in the V.VLAN of the others, and from vf7, in one with a flow cache and a quota;
/// it goes to vf5.
const CONFIG: &str = r#"
version = 1
[[vvlan]]
id = 100
vlan = 10
cache = true
key-fields = ["src", "da"]
[[vvlan]]
id = 200
vlan = 20
cache = true
key-fields = ["src", "sa", "da"]
flow-quota = 16
[[vport]]
name = "vf0"
vvlan = 100
mac = "02:00:00:00:00:00"
[[vport]]
name = "vf1"
vvlan = 100
mac = "02:00:00:00:00:01"
[[vport]]
name = "vf2"
vvlan = 100
spoofchk = false
max-macs = 255
[[vport]]
name = "vf3"
vvlan = 100
spoofchk = false
max-macs = 255
[[vport]]
name = "vf4"
vvlan = 200
mac = "02:00:00:00:00:04"
[[vport]]
name = "vf5"
vvlan = 100
mac = "02:00:00:00:00:05"
[[vport]]
name = "vf6"
vvlan = 100
spoofchk = false
max-macs = 64
[[vport]]
name = "vf7"
vvlan = 200
spoofchk = false
max-macs = 64
"#;

const VVLAN: u16 = 100;
const FLOODED: u16 = 200;
/// Flow entries that a V.VLAN may have in `FLOODED`, and flows that the host is asked for.
const QUOTA: usize = 16;
const ASKED: usize = 40;
/// Machines behind vf2 and vf3 each, and flows of the others.
const MACHINES: usize = 16;
const FLOWS: usize = 16;
/// Clocks between two frames of the others.
const APART: u64 = 24;
/// Every so many of their frames shows a new address.
const FRESH: u32 = 16;
/// Most new addresses.
const MOST_FRESH: u32 = 400;
/// Ids of the others' frames; the flood's come after them.
const FLOOD_IDS: u32 = 1 << 24;

/// What the flood is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flood {
    None,
    SameAddress,
    NewAddresses,
}

/// A frame of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    entered: Cycle,
    out: Cycle,
    port: u8,
}

/// What a run shows of the others.
#[derive(Debug, Default)]
struct Watch {
    /// Clocks are counted from here.
    start: Cycle,
    frames: HashMap<u32, Seen>,
    /// Decided frames of the flood.
    flood: u64,
    hits: u64,
}

impl Observer for Watch {
    fn input(&mut self, _: Cycle, _: u8, _: u32) {}

    fn output(&mut self, cycle: Cycle, port: u8, bytes: &[u8], left: Left) {
        if let Some(id) = canary(bytes).filter(|id| *id < FLOOD_IDS) {
            let seen = Seen {
                entered: left.entered - self.start,
                out: cycle - self.start,
                port,
            };
            self.frames.insert(id, seen);
        }
    }

    fn decided(&mut self, _: Cycle, d: &Decided) {
        self.flood += u64::from(d.src == 6 || d.src == 7);
        self.hits += u64::from(d.reason == Reason::FlowRedirect.code());
    }
}

struct Run {
    nic: Nic,
    watch: Watch,
    /// Clocks of the others' traffic.
    span: u64,
    /// New addresses that were shown, and that were learned at the end.
    shown: u32,
    learned: u32,
    /// Flows that the host was asked for and that the quota refused.
    refused: usize,
}

fn machine(port: u8, n: usize) -> MacAddr {
    MacAddr([2, 0x20, port, 0, 0, n as u8])
}

fn fresh(n: u32) -> MacAddr {
    let [_, b, c, d] = n.to_be_bytes();
    MacAddr([2, 0x40, 0, b, c, d])
}

fn flow_da(n: usize) -> MacAddr {
    MacAddr([2, 0x60, 0, 0, 0, n as u8])
}

fn own(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

fn frame(da: MacAddr, sa: MacAddr, id: u32) -> Vec<u8> {
    let mut bytes = [da.0, sa.0].concat();
    bytes.extend([0x90, 0]);
    bytes.resize(60, 0);
    mark(&mut bytes, id);
    bytes
}

fn key(vvlan: u16, src: u8, da: MacAddr, sa: MacAddr) -> FlowKey {
    FlowKey {
        src: PortId::new(src).unwrap_or(PortId::Uplink),
        vvlan: Vlan::from_tci(vvlan),
        da,
        sa,
        ethertype: 0x9000,
        ip: IpFields::default(),
    }
}

/// Frame `n` of the others, and the port it comes in by.
fn other(n: u32) -> (u8, Vec<u8>) {
    let k = n as usize / 8;
    let (port, da, sa) = match n % 8 {
        _ if n % FRESH == FRESH - 1 => {
            let new = (n / FRESH) % MOST_FRESH;
            (2 + (new % 2) as u8, own(0), fresh(new))
        }
        0 => (0, own(1), own(0)),
        1 => (0, machine(2, k % MACHINES), own(0)),
        2 => (1, machine(3, k % MACHINES), own(1)),
        3 => (1, flow_da(k % FLOWS), own(1)),
        4 => (2, own(0), machine(2, k % MACHINES)),
        5 => (3, own(1), machine(3, k % MACHINES)),
        6 => (3, machine(2, (k + 1) % MACHINES), machine(3, k % MACHINES)),
        _ => (1, own(0), own(1)),
    };
    (port, frame(da, sa, n))
}

impl Bench {
    /// The three runs, `frames` of the others in each.
    pub(super) fn flooding(&mut self, frames: u32) -> Result<()> {
        let quiet = self.flooded(Flood::None, frames)?;
        let same = self.flooded(Flood::SameAddress, frames)?;
        let mut new = self.flooded(Flood::NewAddresses, frames)?;
        ensure!(
            new.watch.flood == same.watch.flood,
            "the floods differ: {} and {} frames",
            new.watch.flood,
            same.watch.flood
        );
        let rate = new.watch.flood as f64 / new.span as f64;
        let method = format!(
            "{frames} frames of vf0 to vf3 in {} clocks beside {} of vf6 and vf7 ({rate:.2} per clock), each with \
             an address and a flow key of its own; outputs compared",
            new.span, new.watch.flood
        );
        let differ = |id: &u32| same.watch.frames.get(id) != new.watch.frames.get(id);
        let different = (0..frames).filter(differ).count();
        self.flood_figure(
            "frames that another clock or port sees than beside a flood from one address",
            (different as f64, "frames"),
            Some(("<=0", different == 0)),
            &method,
        );
        for (name, run) in [
            ("alone", &quiet),
            ("beside a flood from one address", &same),
            ("beside a flood of addresses", &new),
        ] {
            let mut waits: Vec<u64> = run
                .watch
                .frames
                .values()
                .map(|f| f.out - f.entered)
                .collect();
            waits.sort_unstable();
            for (what, percent) in [("p50", 50), ("p99", 99), ("worst", 100)] {
                let at = (waits.len() * percent).div_ceil(100).saturating_sub(1);
                self.flood_figure(
                    &format!("pipeline entry to first beat out {name}, {what}"),
                    (waits.get(at).copied().unwrap_or(0) as f64, "cycles"),
                    None,
                    &method,
                );
            }
        }
        let (there, of) = new.entries_left();
        self.flood_figure(
            "entries of the others that are there after the flood",
            (there as f64 / of as f64, "share"),
            Some((">=1", there == of)),
            &format!("{of} addresses and flows; {method}"),
        );
        self.flood_figure(
            "new addresses of the others that were learned during the flood",
            (f64::from(new.learned) / f64::from(new.shown), "share"),
            None,
            &format!(
                "{} addresses, {} of them alone; {method}",
                new.shown, quiet.learned
            ),
        );
        for (name, table, least) in [
            ("addresses", CountedTable::Mac, 1),
            ("flows", CountedTable::Flow, new.refused as u64),
        ] {
            let addr = CounterAddr::table(table, TableCounter::Quota);
            let counted = new.nic.device.read_counter(addr)?;
            let traced = new.nic.scoreboard.golden().counter(addr);
            let right = counted == traced && counted >= least;
            self.flood_figure(
                &format!("inserts of {name} that the quota refused, as counted"),
                (counted as f64, "inserts"),
                Some(("as traced", right)),
                &method,
            );
        }
        Ok(())
    }

    fn flooded(&self, flood: Flood, frames: u32) -> Result<Run> {
        let mut nic = self.nic_with(CONFIG)?;
        // The machines are known and the flows are there before anything is measured.
        let mut id = FLOOD_IDS;
        for port in [2, 3] {
            for n in 0..MACHINES {
                // Far enough apart for the firmware.
                let at = nic.now() + 2000 * n as u64;
                nic.queue(port, id, at, false, &frame(own(0), machine(port, n), id))?;
                id += 1;
            }
        }
        nic.play(&mut Blind, &mut |_| {})?;
        let row = |action, port| FlowRow {
            port: PortId::new(port).unwrap_or(PortId::Uplink),
            ..FlowRow::new(action, Teacher::Flow)
        };
        for n in 0..FLOWS {
            nic.device.admin(&Command::FlowAdd {
                key: key(VVLAN, 1, flow_da(n), own(1)),
                row: row(FlowAction::Redirect, 2),
            })?;
        }
        nic.play(&mut Blind, &mut |_| {})?;

        let start = nic.now() + 1000;
        let mut watch = Watch {
            start,
            ..Watch::default()
        };
        for n in 0..frames {
            let (port, bytes) = other(n);
            nic.queue(port, n, start + u64::from(n) * APART, false, &bytes)?;
        }
        let span = u64::from(frames) * APART;
        if flood != Flood::None {
            // Together one frame in each clock, from before to after.
            for n in 0..(span / 2) as u32 {
                for (port, to) in [(6, own(5)), (7, own(4))] {
                    let number = if flood == Flood::NewAddresses { n } else { 0 };
                    let [a, b, c, d] = number.to_be_bytes();
                    let sa = MacAddr([2, 0x80 | port, a, b, c, d]);
                    nic.queue(port, id, start, false, &frame(to, sa, id))?;
                    id += 1;
                }
            }
        }
        // Meanwhile the host adds flows for frames of the flood, until the quota and beyond.
        nic.run_for(span / 4, &mut watch)?;
        let mut refused = 0;
        if flood == Flood::NewAddresses {
            for n in 0..ASKED {
                let sa = MacAddr([2, 0x87, 0, 0, 0, n as u8]);
                let key = key(FLOODED, 7, own(4), sa);
                match nic.device.admin(&Command::FlowAdd {
                    key,
                    row: row(FlowAction::Local, 64),
                }) {
                    Ok(_) => {}
                    Err(Error::Admin { .. }) => refused += 1,
                    Err(error) => return Err(error.into()),
                }
            }
            ensure!(
                refused == ASKED - QUOTA,
                "the quota refused {refused} of {ASKED} flows"
            );
        }
        nic.play(&mut watch, &mut |_| {})?;
        nic.compare_table_counters(&[0, 1], &mut watch)?;
        self.check(&nic)?;
        ensure!(
            watch.frames.len() == frames as usize,
            "{} of {frames} frames came out",
            watch.frames.len()
        );
        let shown = (frames / FRESH).min(MOST_FRESH);
        let tables = &nic.scoreboard.golden().model().tables;
        let vvlan = VVlan::new(VVLAN).context("a V.VLAN")?;
        let known = |n: &u32| {
            let mac = fresh(*n);
            tables.mac_row(&MacKey { vvlan, mac }).is_some()
        };
        let learned = (0..shown).filter(known).count() as u32;
        Ok(Run {
            nic,
            watch,
            span,
            shown,
            learned,
            refused,
        })
    }

    fn flood_figure(
        &mut self,
        case: &str,
        (value, unit): (f64, &'static str),
        goal: Option<(&str, bool)>,
        method: &str,
    ) {
        self.figures.push(Figure {
            id: "P7-flood",
            case: case.to_owned(),
            value,
            unit,
            goal: goal.map(|(goal, _)| goal.to_owned()),
            met: goal.map(|(_, met)| met),
            method: method.to_owned(),
            seed: self.seed,
            peer: None,
        });
    }
}

impl Run {
    /// How many of the others' machines and flows lead where they did, and of how many.
    fn entries_left(&self) -> (usize, usize) {
        let tables = &self.nic.scoreboard.golden().model().tables;
        let at_home = |port: u8, n: usize| {
            let (Some(vvlan), Some(vport)) = (VVlan::new(VVLAN), VPort::new(port)) else {
                return false;
            };
            let mac = machine(port, n);
            let row = tables.mac_row(&MacKey { vvlan, mac });
            row.is_some_and(|row| row.target == Target::VPort(vport))
        };
        let machines = (0..MACHINES).flat_map(|n| [(2, n), (3, n)]);
        let machines = machines.filter(|(port, n)| at_home(*port, *n)).count();
        let of_others = tables.flows().filter(|(key, _)| key.vvlan.get() == VVLAN);
        (machines + of_others.count(), 2 * MACHINES + FLOWS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nic::read_firmware;

    #[test]
    fn a_flood_of_addresses_is_nobody_elses_matter() {
        let mut bench = Bench {
            image: read_firmware(None).unwrap(),
            seed: 3,
            figures: Vec::new(),
        };
        bench.flooding(6000).unwrap();
        for figure in &bench.figures {
            assert_ne!(figure.met, Some(false), "seed 3: {figure:?}");
        }
        assert!(bench.figures.len() > 10);
    }
}
