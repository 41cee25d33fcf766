// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tells a person what `report.json` of a replay says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The report of a replay.
pub(crate) fn read(dir: &Path) -> Result<Value> {
    json(&dir.join("report.json"))
}

fn json(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// Every frame was compared with the golden model, and none differed.
pub(crate) fn scoreboard_is_clean(report: &Value) -> Result<()> {
    let (frames, mismatches) = (
        number(report, "/scoreboard/frames")?,
        number(report, "/scoreboard/mismatches")?,
    );
    if frames == 0 || mismatches != 0 {
        bail!("scoreboard: {frames} frames compared, {mismatches} mismatches");
    }
    Ok(())
}

/// Prints the tables.
pub(crate) fn print(dir: &Path) -> Result<()> {
    let report = read(dir)?;
    let frames = list(&report, "/frames")?;
    ports(&report)?;
    reasons(frames)?;
    latency(frames)?;
    firmware(&json(&dir.join("device.json"))?)?;
    events(&report)?;
    println!("\nChecked");
    println!(
        "  {} frames against the golden model, {} mismatches, {} cycles at {} MHz",
        number(&report, "/scoreboard/frames")?,
        number(&report, "/scoreboard/mismatches")?,
        number(&report, "/cycles")?,
        number(&report, "/clock_hz")? / 1_000_000,
    );
    scoreboard_is_clean(&report)
}

fn ports(report: &Value) -> Result<()> {
    println!("\nPorts             sent         bytes      received         bytes       dropped");
    let ports = report
        .pointer("/ports")
        .and_then(Value::as_object)
        .context("no ports")?;
    for (name, port) in ports {
        let drops = port
            .pointer("/drops")
            .and_then(Value::as_object)
            .context("no drops")?;
        let dropped: u64 = drops.values().filter_map(Value::as_u64).sum();
        println!(
            "  {name:<8} {:>11} {:>13} {:>13} {:>13} {dropped:>13}",
            number(port, "/in_frames")?,
            number(port, "/in_bytes")?,
            number(port, "/out_frames")?,
            number(port, "/out_bytes")?,
        );
    }
    Ok(())
}

/// How often a decision was taken, and the first frame it was taken for.
struct Example<'a> {
    count: usize,
    frame: &'a Value,
}

fn reasons(frames: &[Value]) -> Result<()> {
    let mut table = BTreeMap::<(&str, &str), Example<'_>>::new();
    for frame in frames {
        let key = (text(frame, "/decision")?, text(frame, "/reason")?);
        table
            .entry(key)
            .or_insert(Example { count: 0, frame })
            .count += 1;
    }
    println!("\nDecision   why                   frames   for example");
    for ((decision, reason), Example { count, frame }) in table {
        let to = list(frame, "/out")?
            .iter()
            .map(|copy| text(copy, "/port"))
            .collect::<Result<Vec<_>>>()?;
        let to = if to.is_empty() {
            "nowhere".into()
        } else {
            to.join(", ")
        };
        let from = text(frame, "/in")?;
        let index = number(frame, "/index")?;
        println!("  {decision:<10}{reason:<19} {count:>7}   {from} frame {index} to {to}");
    }
    Ok(())
}

fn latency(frames: &[Value]) -> Result<()> {
    let mut table = BTreeMap::<&str, Vec<u64>>::new();
    for frame in frames {
        for copy in list(frame, "/out")? {
            let cycles = number(copy, "/latency")?;
            table
                .entry(text(frame, "/decision")?)
                .or_default()
                .push(cycles);
        }
    }
    println!(
        "\nLatency in cycles, first beat in to first beat out (the whole frame is stored first)"
    );
    println!("             copies       min    median       max");
    for (decision, mut cycles) in table {
        cycles.sort_unstable();
        let median = cycles[cycles.len() / 2];
        println!(
            "  {decision:<9}{:>8} {:>9} {median:>9} {:>9}",
            cycles.len(),
            cycles[0],
            cycles[cycles.len() - 1]
        );
    }
    Ok(())
}

/// The lines that the soft core wrote itself, and how it is.
fn firmware(device: &Value) -> Result<()> {
    println!("\nFirmware log");
    for line in list(device, "/log")? {
        let part = |name| line.get(name).and_then(Value::as_str).unwrap_or_default();
        println!(
            "  {:>12} {:<5} {}",
            part("time"),
            part("level"),
            text(line, "/message")?
        );
    }
    println!(
        "  firmware is {}, was ready {} core cycles after reset",
        text(device, "/health/state")?,
        number(device, "/health/ready_cycles")?
    );
    Ok(())
}

/// What the firmware told the host.
fn events(report: &Value) -> Result<()> {
    println!("\nFirmware events");
    for event in list(report, "/events")? {
        let part = |name| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let vvlan = event.get("vvlan").and_then(Value::as_u64);
        let vvlan = vvlan.map_or_else(String::new, |id| format!(" in V.VLAN {id}"));
        println!(
            "  {:>12} {:<8} {} {}{vvlan}",
            number(event, "/cycle")?,
            part("event"),
            part("mac"),
            part("port"),
        );
    }
    Ok(())
}

pub(crate) fn number(value: &Value, path: &str) -> Result<u64> {
    value
        .pointer(path)
        .and_then(Value::as_u64)
        .with_context(|| format!("report: no number {path}"))
}

pub(crate) fn text<'a>(value: &'a Value, path: &str) -> Result<&'a str> {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .with_context(|| format!("report: no text {path}"))
}

pub(crate) fn list<'a>(value: &'a Value, path: &str) -> Result<&'a [Value]> {
    let list = value.pointer(path).and_then(Value::as_array);
    list.map(Vec::as_slice)
        .with_context(|| format!("report: no list {path}"))
}
