// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `demo`: plays the recorded traffic of two tenants through the whole NIC.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::build::{self, display};
use crate::capture::{self, Untagged};
use crate::ctx::{Ctx, output, run, stage};
use crate::demo_report;
use crate::learning;
use crate::model::Models;

/// Ports that have a capture, in the order in which equal time stamps play.
pub(crate) const PORTS: [&str; 6] = ["vf0", "vf1", "vf2", "vf3", "vf7", "uplink"];

/// All captures together stay below this.
const MAX_BYTES: u64 = 1_500_000;

/// A tenant of the demo: its V.VLAN, outer VLAN and the VFs of its VMs.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) name: &'static str,
    pub(crate) vvlan: u16,
    pub(crate) vlan: u16,
    vfs: [&'static str; 2],
}

/// As in `examples/demo/nic.toml`; written here a second time on purpose, since the demo judges the NIC.
pub(crate) const TENANTS: [Tenant; 2] = [
    Tenant {
        name: "A",
        vvlan: 100,
        vlan: 10,
        vfs: ["vf0", "vf1"],
    },
    Tenant {
        name: "B",
        vvlan: 200,
        vlan: 20,
        vfs: ["vf2", "vf3"],
    },
];

/// The demo's folder and its captures, all there and small.
pub(crate) fn inputs(ctx: &Ctx) -> Result<Vec<(&'static str, PathBuf)>> {
    let dir = ctx.root.join("examples/demo");
    for name in ["nic.toml", "record.sh"] {
        if !dir.join(name).is_file() {
            bail!("no {}", dir.join(name).display());
        }
    }
    let mut bytes = 0;
    let mut found = Vec::new();
    for port in PORTS {
        let path = dir.join(format!("{port}.pcap"));
        if capture::read(&path)?.is_empty() {
            bail!("{} is empty", path.display());
        }
        bytes += fs::metadata(&path)?.len();
        found.push((port, path));
    }
    if bytes > MAX_BYTES {
        bail!("the captures have {bytes} bytes, more than {MAX_BYTES}");
    }
    Ok(found)
}

/// What `demo` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// Two tenants, switched inside the NIC
    Tenants,
    /// The same traffic by way of the adjacent switch, and what the NIC learns from it
    Learning,
}

/// The command `demo`.
pub(crate) fn run_scenario(ctx: &Ctx, scenario: Scenario, json: bool) -> Result<()> {
    match scenario {
        Scenario::Tenants if json => bail!("--json goes with --scenario learning"),
        Scenario::Tenants => run_all(ctx),
        Scenario::Learning => learning::run_all(ctx, json),
    }
}

fn run_all(ctx: &Ctx) -> Result<()> {
    let built = build::run_with(ctx, Models::Replay)?;
    let out = ctx.root.join("hairpin-demo");
    stage(
        "traffic: two tenants' captures through the NIC, cycle by cycle",
        || replay(ctx, &out),
    )?;
    println!("\nBuilt");
    for line in built {
        println!("  {line}");
    }
    demo_report::print(&out)?;
    let origins = origins(ctx, &out)?;
    origins.print();
    println!("\nLook further");
    let dir = display(ctx, &out);
    println!("  report for people {dir}/report.html (open it in a browser)");
    println!("  captures          {dir}/<port>.pcap (wireshark {dir}/uplink.pcap)");
    println!("  report            {dir}/report.json, {dir}/device.json");
    println!("  what went in      examples/demo/ (recorded by examples/demo/record.sh)");
    origins.verdict()
}

/// What `test` asks of the demo: nothing foreign delivered, and tags that another program understands.
pub(crate) fn verify(ctx: &Ctx) -> Result<()> {
    let out = ctx.build_dir().join("test/demo");
    replay(ctx, &out)?;
    demo_report::scoreboard_is_clean(&demo_report::read(&out)?)?;
    let origins = origins(ctx, &out)?;
    origins.print();
    origins.verdict()?;
    if !out.join("report.html").is_file() {
        bail!("no page for people in {}", out.display());
    }
    tshark_reads_tags(ctx, &out)
}

fn replay(ctx: &Ctx, out: &Path) -> Result<()> {
    let inputs = inputs(ctx)?;
    let mut hairpin = ctx.command(ctx.sim_bin("hairpin"));
    hairpin
        .args([
            "replay",
            "--config",
            "examples/demo/nic.toml",
            "--force",
            "--out",
        ])
        .arg(out);
    hairpin.arg("--firmware").arg(ctx.firmware_elf());
    for (port, path) in inputs {
        hairpin
            .arg("--in")
            .arg(format!("{port}={}", path.display()));
    }
    run(&mut hairpin)
}

/// A tenant's frame without the NIC's tags, and whose it is.
pub(crate) fn owned(port: &str, frame: &[u8]) -> Option<(usize, Vec<u8>)> {
    let tags = match port {
        "uplink" => 2,
        "vf7" => 1,
        _ => 0,
    };
    let Untagged { vlans, frame } = capture::untag(frame, tags)?;
    let tenant = TENANTS.iter().position(|tenant| match vlans.as_slice() {
        [] => tenant.vfs.contains(&port),
        [vvlan] => *vvlan == tenant.vvlan,
        [vlan, vvlan, ..] => *vvlan == tenant.vvlan && *vlan == tenant.vlan,
    })?;
    Some((tenant, frame))
}

/// Where every delivered frame came from: found by comparing bytes, all captures against all.
#[derive(Debug, Default, PartialEq, Eq)]
struct Origins {
    /// `[sender][receiver]`, frames delivered.
    delivered: [[usize; 2]; 2],
    /// Delivered frames that nobody sent.
    unknown: usize,
}

fn origins(ctx: &Ctx, out: &Path) -> Result<Origins> {
    let mut sent = Vec::new();
    for (port, path) in inputs(ctx)? {
        sent.extend(
            capture::read(&path)?
                .iter()
                .filter_map(|frame| owned(port, frame)),
        );
    }
    let mut received = Vec::new();
    for port in PORTS {
        for frame in capture::read(&out.join(format!("{port}.pcap")))? {
            received.push(owned(port, &frame).with_context(|| {
                format!("a frame that left at {port} belongs to no tenant: {frame:02x?}")
            })?);
        }
    }
    Ok(compare(sent, &received))
}

fn compare(mut sent: Vec<(usize, Vec<u8>)>, received: &[(usize, Vec<u8>)]) -> Origins {
    sent.sort();
    let was_sent = |tenant: usize, frame: &Vec<u8>| {
        sent.binary_search_by(|(owner, bytes)| (*owner, bytes).cmp(&(tenant, frame)))
            .is_ok()
    };
    let mut origins = Origins::default();
    for (tenant, frame) in received {
        let other = 1 - tenant;
        if was_sent(*tenant, frame) {
            origins.delivered[*tenant][*tenant] += 1;
        } else if was_sent(other, frame) {
            origins.delivered[other][*tenant] += 1;
        } else {
            origins.unknown += 1;
        }
    }
    origins
}

impl Origins {
    fn print(&self) {
        println!("\nIsolation, from the bytes of the captures alone");
        for (from, row) in self.delivered.iter().enumerate() {
            for (to, frames) in row.iter().enumerate() {
                let (from, to) = (TENANTS[from].name, TENANTS[to].name);
                println!("  frames of tenant {from} seen by tenant {to}  {frames:>8}");
            }
        }
        println!("  frames that nobody sent              {:>8}", self.unknown);
    }

    fn verdict(&self) -> Result<()> {
        let [[own_a, a_to_b], [b_to_a, own_b]] = self.delivered;
        if own_a == 0 || own_b == 0 {
            bail!("a tenant got nothing at all: {self:?}");
        }
        if a_to_b + b_to_a + self.unknown > 0 {
            bail!("frames went where they must not: {self:?}");
        }
        Ok(())
    }
}

/// Another program must see outer VLAN, V.VLAN, then the original packet, on every uplink frame.
fn tshark_reads_tags(ctx: &Ctx, out: &Path) -> Result<()> {
    let mut tshark = ctx.command("tshark");
    tshark.arg("-r").arg(out.join("uplink.pcap"));
    tshark.args([
        "-T",
        "fields",
        "-e",
        "vlan.id",
        "-e",
        "frame.protocols",
        "-e",
        "_ws.malformed",
    ]);
    let text = output(&mut tshark)?;
    let mut frames = 0;
    let mut packets = 0;
    for line in text.lines() {
        let mut fields = line.split('\t');
        let tags = fields.next().unwrap_or_default();
        if !TENANTS
            .iter()
            .any(|tenant| tags == format!("{},{}", tenant.vlan, tenant.vvlan))
        {
            bail!("tshark reads the tags of uplink frame {frames} as \"{tags}\"");
        }
        let protocols = fields.next().unwrap_or_default();
        let inside = protocols.strip_prefix("eth:ethertype:vlan:ethertype:vlan:");
        let inside =
            inside.with_context(|| format!("tshark reads frame {frames} as {protocols}"))?;
        packets += usize::from(inside.contains(":ip"));
        frames += 1;
    }
    let captured = capture::read(&out.join("uplink.pcap"))?.len();
    if frames != captured || packets == 0 {
        bail!("tshark read {frames} of {captured} uplink frames, {packets} of them IP");
    }
    println!("    tshark: {frames} uplink frames, tags as configured, {packets} with IP inside");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Origins, compare, owned};

    #[test]
    fn a_foreign_frame_is_found() {
        let sent = vec![(0, vec![1]), (1, vec![2]), (0, vec![3])];
        let received = [(0, vec![1]), (1, vec![2]), (1, vec![3]), (1, vec![4])];
        let origins = compare(sent, &received);
        assert_eq!(
            origins,
            Origins {
                delivered: [[1, 1], [0, 1]],
                unknown: 1
            }
        );
        assert!(origins.verdict().is_err());
        let origins = compare(
            vec![(0, vec![1]), (1, vec![2])],
            &[(0, vec![1]), (1, vec![2])],
        );
        assert!(origins.verdict().is_ok());
    }

    #[test]
    fn tags_name_the_tenant() {
        let mut frame = vec![2; 12];
        frame.extend([0x81, 0, 0, 20, 0x81, 0, 0x10, 200, 8, 0]);
        assert_eq!(owned("uplink", &frame).unwrap().0, 1);
        frame[15] = 10;
        assert_eq!(owned("uplink", &frame), None);
        assert_eq!(owned("vf3", &[0; 60]).unwrap().0, 1);
    }
}
