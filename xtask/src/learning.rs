// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `demo --scenario learning`: the demo's traffic by way of the adjacent switch, once without the flow cache and once
//! with what the NIC learns from the switch. What it says about frames is worked out from the captures.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::build::{self, display};
use crate::capture;
use crate::ctx::{Ctx, run, stage};
use crate::demo::{self, PORTS, owned};
use crate::demo_report::{list, number, read, scoreboard_is_clean, text};
use crate::model::Models;

/// The demo's captures are played that often: their flows are short, and the NIC's firmware needs a millisecond or
/// two to learn one.
const ROUNDS: u64 = 3;
/// From round to round: longer than the captures.
const ROUND_US: u64 = 1_100_000_000;

/// What one run came to.
#[derive(Debug, Default)]
struct Ways {
    /// Bytes of frames on the uplink, both ways.
    uplink_bytes: u64,
    /// Cycles from VM to VM of the frames that stayed inside, and of those that came back from the switch.
    short: Vec<u64>,
    long: Vec<u64>,
    /// Frames that arrived before an older one of their flow.
    reordered: usize,
    /// Unicast frames between VMs that were delivered.
    delivered: usize,
}

/// The command `demo --scenario learning`.
pub(crate) fn run_all(ctx: &Ctx, as_json: bool) -> Result<()> {
    build::run_with(ctx, Models::Replay)?;
    let top = ctx.root.join("hairpin-demo/learning");
    let (without_dir, with_dir) = (top.join("without"), top.join("with"));
    let sent = ctx.build_dir().join("learning");
    fs::create_dir_all(&top)?;
    fs::create_dir_all(&sent)?;
    let mut inputs = Vec::new();
    for (port, path) in demo::inputs(ctx)? {
        let repeated = sent.join(format!("{port}.pcap"));
        capture::repeat(&path, &repeated, ROUNDS, ROUND_US)?;
        inputs.push((port, repeated));
    }
    let without = stage("traffic: every frame goes out to the switch", || {
        play(ctx, &inputs, "examples/vepa/nic.toml", &without_dir)
    })?;
    let with = stage(
        "traffic: the same, and the NIC learns from the switch",
        || play(ctx, &inputs, "examples/learning/nic.toml", &with_dir),
    )?;
    let document = document(&without, &with, &with_dir)?;
    if as_json {
        println!("{document}");
    } else {
        print(ctx, &without, &with, &with_dir)?;
    }
    verdict(&without, &with)
}

/// What both runs must have in common, and where they must differ.
fn verdict(without: &Ways, with: &Ways) -> Result<()> {
    ensure!(
        without.short.is_empty(),
        "a frame stayed inside without the cache"
    );
    ensure!(
        !with.short.is_empty(),
        "no frame stayed inside: nothing was learned"
    );
    ensure!(
        with.reordered == 0,
        "{} frames were reordered",
        with.reordered
    );
    ensure!(
        without.reordered == 0,
        "{} frames were reordered without the cache",
        without.reordered
    );
    ensure!(
        with.delivered == without.delivered,
        "{} frames arrived, {} without the cache",
        with.delivered,
        without.delivered
    );
    Ok(())
}

/// Ports and their captures.
type Inputs = [(&'static str, PathBuf)];

fn play(ctx: &Ctx, inputs: &Inputs, config: &str, out: &Path) -> Result<Ways> {
    let mut hairpin = ctx.command(ctx.sim_bin("hairpin"));
    hairpin.args([
        "replay",
        "--config",
        config,
        "--switch",
        "examples/learning/rules.toml",
    ]);
    hairpin.args(["--force", "--json", "--out"]).arg(out);
    hairpin.arg("--firmware").arg(ctx.firmware_elf());
    for (port, path) in inputs {
        hairpin
            .arg("--in")
            .arg(format!("{port}={}", path.display()));
    }
    run(hairpin.stdout(std::process::Stdio::null()))?;
    scoreboard_is_clean(&read(out)?)?;
    ways(inputs, out)
}

/// A frame of a VM that may still arrive: when it was sent, and as which of its sender's frames.
type Sent = (u64, u64);

fn ways(inputs: &Inputs, out: &Path) -> Result<Ways> {
    let report = read(out)?;
    let frames = list(&report, "/frames")?;
    let mut captures = HashMap::new();
    for (port, path) in inputs.iter().filter(|(port, _)| *port != "uplink") {
        captures.insert(*port, capture::read(path)?);
    }
    let mut sent: HashMap<(usize, Vec<u8>), VecDeque<Sent>> = HashMap::new();
    let mut arrived = Vec::new();
    let mut outputs: HashMap<&str, Vec<Vec<u8>>> = HashMap::new();
    for port in PORTS.iter().filter(|port| **port != "uplink") {
        outputs.insert(port, capture::read(&out.join(format!("{port}.pcap")))?);
    }
    for frame in frames {
        let from = text(frame, "/in")?;
        let (index, cycle) = (number(frame, "/index")?, number(frame, "/cycle")?);
        if let Some(capture) = captures.get(from) {
            let bytes = capture
                .get(usize::try_from(index)?)
                .context("no such frame")?;
            if let Some(frame) = owned(from, bytes).filter(|(_, frame)| frame[0] & 1 == 0) {
                sent.entry(frame).or_default().push_back((cycle, index));
            }
        }
        for copy in list(frame, "/out")? {
            let port = text(copy, "/port")?;
            let Some(output) = outputs.get(port) else {
                continue;
            };
            let index = usize::try_from(number(copy, "/index")?)?;
            let bytes = output.get(index).context("no such output")?;
            if let Some(frame) = owned(port, bytes).filter(|(_, frame)| frame[0] & 1 == 0) {
                arrived.push((number(copy, "/cycle")?, from != "uplink", frame));
            }
        }
    }
    arrived.sort_by_key(|(cycle, ..)| *cycle);
    let uplink = |what| number(&report, &format!("/ports/uplink/{what}"));
    let mut ways = Ways {
        uplink_bytes: uplink("in_bytes")? + uplink("out_bytes")?,
        ..Ways::default()
    };
    let mut newest: HashMap<(usize, Vec<u8>), u64> = HashMap::new();
    for (cycle, inside, (tenant, frame)) in arrived {
        let key = (tenant, flow(&frame));
        // What a host outside has sent is nobody's here.
        let Some((from, index)) = sent.get_mut(&(tenant, frame)).and_then(VecDeque::pop_front)
        else {
            continue;
        };
        ways.delivered += 1;
        let took = cycle
            .checked_sub(from)
            .context("a frame arrived before it was sent")?;
        if inside {
            &mut ways.short
        } else {
            &mut ways.long
        }
        .push(took);
        let before = newest.entry(key).or_insert(index);
        ways.reordered += usize::from(*before > index);
        *before = index.max(*before);
    }
    if ways.delivered == 0 {
        bail!("no frame of a VM arrived at another");
    }
    Ok(ways)
}

/// What frames of one flow have in common, as in the NIC's key: addresses, EtherType, IP addresses, protocol, ports; of
/// ICMP its type and code.
fn flow(frame: &[u8]) -> Vec<u8> {
    let part = |from: usize, to: usize| frame.get(from..to).unwrap_or(&[]);
    let mut flow = part(0, 14).to_vec();
    let (head, l4) = match part(12, 14) {
        [0x08, 0x00] => (part(23, 24), 14 + 4 * usize::from(frame[14] & 15)),
        [0x86, 0xdd] => (part(20, 21), 54),
        _ => return flow,
    };
    flow.extend(head);
    flow.extend(if l4 == 54 { part(22, 54) } else { part(26, 34) });
    match head {
        [6 | 17] => flow.extend(part(l4, l4 + 4)),
        [1 | 58] => flow.extend(part(l4, l4 + 2)),
        _ => {}
    }
    flow
}

fn median(cycles: &[u64]) -> Option<u64> {
    let mut sorted = cycles.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[expect(clippy::cast_precision_loss, reason = "some hundred frames")]
fn share(ways: &Ways) -> f64 {
    ways.short.len() as f64 / ways.delivered as f64
}

fn learned(dir: &Path) -> Result<Vec<Value>> {
    let device: Value = serde_json::from_str(&fs::read_to_string(dir.join("device.json"))?)?;
    let flows = list(&device, "/flows")?;
    let learned = flows.iter().filter(|flow| flow["teacher"] == "learned");
    Ok(learned.cloned().collect())
}

fn document(without: &Ways, with: &Ways, dir: &Path) -> Result<Value> {
    let report = read(dir)?;
    let device: Value = serde_json::from_str(&fs::read_to_string(dir.join("device.json"))?)?;
    Ok(json!({
        "version": 1,
        "uplink_bytes": {"without": without.uplink_bytes, "with": with.uplink_bytes},
        "shortcut_share": share(with),
        "reordered": with.reordered,
        "delivered": {"without": without.delivered, "with": with.delivered},
        "latency_cycles": {
            "short": median(&with.short), "long": median(&with.long), "without": median(&without.long),
        },
        "rules": report["switch"]["rules"],
        "learned": learned(dir)?,
        "switch": device["switch"],
    }))
}

fn print(ctx: &Ctx, without: &Ways, with: &Ways, dir: &Path) -> Result<()> {
    let report = read(dir)?;
    println!("\nBy way of the switch        cache off     cache on");
    println!(
        "  bytes on the uplink     {:>11}  {:>11}",
        without.uplink_bytes, with.uplink_bytes
    );
    println!(
        "  frames from VM to VM    {:>11}  {:>11}",
        without.delivered, with.delivered
    );
    println!(
        "  of them inside the NIC  {:>11}  {:>11}  {:.1} %",
        without.short.len(),
        with.short.len(),
        100.0 * share(with)
    );
    println!(
        "  frames reordered        {:>11}  {:>11}",
        without.reordered, with.reordered
    );
    let cycles =
        |cycles: &[u64]| median(cycles).map_or("-".to_owned(), |cycles| format!("{cycles} cycles"));
    println!("\nFrom VM to VM, median");
    println!("  inside the NIC          {:>11}", cycles(&with.short));
    println!("  out and back            {:>11}", cycles(&with.long));
    println!("\nRules of the switch          priority     frames     marked  action");
    for rule in list(&report, "/switch/rules")? {
        let name = rule["name"].as_str().unwrap_or("otherwise");
        let priority = rule["priority"]
            .as_u64()
            .map_or(String::new(), |priority| priority.to_string());
        let (frames, marked) = (number(rule, "/frames")?, number(rule, "/marked")?);
        println!(
            "  {name:<26} {priority:>8} {frames:>10} {marked:>10}  {}",
            text(rule, "/action")?
        );
    }
    let flows = learned(dir)?;
    let mut by_vvlan: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for flow in &flows {
        by_vvlan
            .entry(number(flow, "/vvlan")?)
            .or_default()
            .push(flow);
    }
    println!(
        "\nLearned: {} flows. The busiest of each V.VLAN",
        flows.len()
    );
    for (vvlan, mut flows) in by_vvlan {
        flows.sort_by_key(|flow| std::cmp::Reverse(flow["bytes"].as_u64()));
        for flow in flows.iter().take(4) {
            let key = &flow["key"];
            let part = |name: &str| {
                key[name]
                    .as_str()
                    .map_or_else(|| key[name].to_string(), str::to_owned)
            };
            println!(
                "  {vvlan}  {} {} {}:{} > {}:{}  {} frames, {} bytes",
                part("from"),
                part("proto"),
                part("ip_src"),
                part("sport"),
                part("ip_dst"),
                part("dport"),
                number(flow, "/frames")?,
                number(flow, "/bytes")?,
            );
        }
    }
    println!("\nLook further");
    let dir = display(ctx, dir);
    println!("  report for people {dir}/report.html (open it in a browser)");
    println!("  all that was learned: target/sim/hairpin --report {dir} flow show");
    println!("  the session: target/sim/hairpin --report {dir} switch show");
    println!("  configuration and rules: examples/learning/");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::flow;

    #[test]
    fn ports_tell_flows_apart() {
        let mut frame = vec![0; 60];
        frame[12..15].copy_from_slice(&[8, 0, 0x45]);
        frame[23] = 6;
        let first = flow(&frame);
        frame[40] = 1;
        assert_eq!(flow(&frame), first, "a sequence number");
        frame[37] = 1;
        assert_ne!(flow(&frame), first, "a port");
    }
}
