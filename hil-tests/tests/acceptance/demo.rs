// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The demo's two tenants, end to end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::capture::{padded, read, read_timed, tagged, untag};
use crate::program::{Replay, demo_file, fresh};
use crate::{schema, test};

/// The ports of the demo, in the order in which equal time stamps play.
pub(crate) const PORTS: [&str; 6] = ["vf0", "vf1", "vf2", "vf3", "vf7", "uplink"];
/// V.VLAN, outer VLAN, vPorts and byte 4 of all MAC addresses of each tenant.
pub(crate) const TENANTS: [(u16, u16, [&str; 2], u8); 2] = [
    (100, 10, ["vf0", "vf1"], 0x0a),
    (200, 20, ["vf2", "vf3"], 0x0b),
];
/// "Served" in the inner tag: the DEI bit.
const SERVED: u16 = 1 << 12;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "demo: every frame is accounted for",
            every_frame_is_accounted_for,
        ),
        test("demo: cycles, latencies and time stamps agree", times_agree),
        test(
            "demo: no tenant sees a frame of the other",
            tenants_see_only_their_own,
        ),
        test(
            "demo: frames arrive as they were sent",
            frames_arrive_as_they_were_sent,
        ),
        test("demo: the documents match their schemas", documents_match),
        test(
            "demo: golden model and checker agree with the NIC",
            scoreboard_is_clean,
        ),
    ]
}

/// A replay of the demo and all that went in and came out.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) dir: PathBuf,
    pub(crate) report: Value,
    sent: BTreeMap<&'static str, Vec<Vec<u8>>>,
    received: BTreeMap<&'static str, Vec<Vec<u8>>>,
}

/// The replay that all tests look at. It runs once.
pub(crate) fn demo() -> Result<&'static Demo> {
    static DEMO: LazyLock<Result<Demo, String>> =
        LazyLock::new(|| run().map_err(|error| format!("the demo does not run: {error:#}")));
    DEMO.as_ref().map_err(|error| anyhow!("{error}"))
}

/// The command that replays the demo.
pub(crate) fn replay(dir: &std::path::Path) -> Replay {
    let replay = Replay::new(&demo_file("nic.toml"), dir);
    PORTS.iter().fold(replay, |replay, port| {
        replay.input(port, &demo_file(&format!("{port}.pcap")))
    })
}

fn run() -> Result<Demo> {
    let dir = fresh("demo")?;
    let run = replay(&dir).run()?.ok()?;
    ensure!(
        run.stdout.is_empty(),
        "printed without --json: {}",
        run.stdout
    );
    let mut demo = Demo {
        report: serde_json::from_slice(&fs::read(dir.join("report.json"))?)?,
        sent: BTreeMap::new(),
        received: BTreeMap::new(),
        dir,
    };
    for port in PORTS {
        let name = format!("{port}.pcap");
        let frames = read(&demo_file(&name))?;
        // On the link, every frame has 60 bytes; the recorder took some before they were padded.
        demo.sent
            .insert(port, frames.iter().map(|frame| padded(frame)).collect());
        demo.received.insert(port, read(&demo.dir.join(&name))?);
    }
    Ok(demo)
}

/// An entry of `frames` in the report.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) input: (&'a str, usize),
    pub(crate) decision: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) vvlan: Option<u64>,
    pub(crate) len: u64,
    pub(crate) out: Vec<(&'a str, usize)>,
    pub(crate) lost: Vec<(&'a str, &'a str)>,
}

/// The entries of `frames` in a report.
pub(crate) fn lines(report: &Value) -> Result<Vec<Line<'_>>> {
    array(report, "frames")?.iter().map(line).collect()
}

fn line(frame: &Value) -> Result<Line<'_>> {
    Ok(Line {
        input: (text(frame, "in")?, index(frame)?),
        decision: text(frame, "decision")?,
        reason: text(frame, "reason")?,
        vvlan: frame["vvlan"].as_u64(),
        len: frame["len"].as_u64().context("no len")?,
        out: array(frame, "out")?
            .iter()
            .map(|copy| Ok((text(copy, "port")?, index(copy)?)))
            .collect::<Result<_>>()?,
        lost: array(frame, "lost")?
            .iter()
            .map(|copy| Ok((text(copy, "port")?, text(copy, "reason")?)))
            .collect::<Result<_>>()?,
    })
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key]
        .as_str()
        .with_context(|| format!("no {key} in {value}"))
}

fn array<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key]
        .as_array()
        .with_context(|| format!("no {key} in {value}"))
}

fn index(value: &Value) -> Result<usize> {
    Ok(usize::try_from(
        value["index"].as_u64().context("no index")?,
    )?)
}

fn bytes(frames: &[Vec<u8>]) -> usize {
    frames.iter().map(Vec::len).sum()
}

/// Fails unless a counter of the NIC is what was counted here.
fn same(whose: &str, counters: &Value, counter: &str, counted: usize) -> Result<()> {
    ensure!(
        counters[counter].as_u64() == Some(counted as u64),
        "{whose} {counter}: the NIC says {}, the captures {counted}",
        counters[counter]
    );
    Ok(())
}

fn every_frame_is_accounted_for() -> Result<()> {
    let demo = demo()?;
    let lines = lines(&demo.report)?;
    let mut inputs = BTreeSet::new();
    let mut outputs = BTreeSet::new();
    let mut drops: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for line in &lines {
        ensure!(inputs.insert(line.input), "twice in the report: {line:?}");
        for out in &line.out {
            ensure!(
                outputs.insert(*out),
                "two frames say they left as {out:?}: {line:?}"
            );
        }
        if line.decision == "drop" {
            ensure!(
                line.out.is_empty() && line.lost.is_empty(),
                "dropped and yet sent: {line:?}"
            );
            *drops
                .entry(line.input.0)
                .or_default()
                .entry(line.reason)
                .or_default() += 1;
        } else {
            ensure!(line.out.len() + line.lost.len() > 0, "vanished: {line:?}");
        }
        for (port, reason) in &line.lost {
            *drops.entry(port).or_default().entry(reason).or_default() += 1;
        }
    }
    for frame in array(&demo.report, "injected")? {
        let out = (text(frame, "port")?, index(frame)?);
        ensure!(
            outputs.insert(out),
            "two frames say they left as {out:?}: {frame}"
        );
    }
    for port in PORTS {
        let (sent, received) = (&demo.sent[port], &demo.received[port]);
        ensure!(!sent.is_empty() && !received.is_empty(), "{port} is idle");
        let all = |set: &BTreeSet<(&str, usize)>, frames: &[Vec<u8>]| {
            let of_port: Vec<usize> = set
                .iter()
                .filter(|(name, _)| *name == port)
                .map(|(_, index)| *index)
                .collect();
            of_port == (0..frames.len()).collect::<Vec<_>>()
        };
        ensure!(
            all(&inputs, sent),
            "the report misses frames that went into {port}"
        );
        ensure!(
            all(&outputs, received),
            "the report misses frames that left by {port}"
        );
        let counters = &demo.report["ports"][port];
        same(port, counters, "in_frames", sent.len())?;
        same(port, counters, "in_bytes", bytes(sent))?;
        same(port, counters, "out_frames", received.len())?;
        same(port, counters, "out_bytes", bytes(received))?;
        let counted = serde_json::to_value(drops.get(port).cloned().unwrap_or_default())?;
        ensure!(
            counters["drops"] == counted,
            "{port}: drops {}, counted {counted}",
            counters["drops"]
        );
    }
    for (vvlan, ..) in TENANTS {
        let own = || {
            lines
                .iter()
                .filter(move |line| line.vvlan == Some(vvlan.into()))
        };
        let counters = &demo.report["vvlans"][vvlan.to_string()];
        let left = || own().flat_map(|line| &line.out);
        let whose = format!("V.VLAN {vvlan}");
        same(&whose, counters, "in_frames", own().count())?;
        same(
            &whose,
            counters,
            "in_bytes",
            usize::try_from(own().map(|line| line.len).sum::<u64>())?,
        )?;
        // A frame for the firmware leaves by the port to the core, without tags.
        let punted = || own().filter(|line| line.decision == "punt");
        same(
            &whose,
            counters,
            "out_frames",
            left().count() + punted().count(),
        )?;
        let outside: usize = left()
            .map(|(port, index)| demo.received[port][*index].len())
            .sum();
        let inside: usize = punted()
            .map(|line| line.len as usize - 4 * nic_tags(line.input.0))
            .sum();
        same(&whose, counters, "out_bytes", outside + inside)?;
    }
    Ok(())
}

/// A copy leaves `latency` cycles after its frame came, and its capture has that moment in nanoseconds.
fn times_agree() -> Result<()> {
    let demo = demo()?;
    let clock = demo.report["clock_hz"].as_u64().context("no clock")?;
    let mut start = u64::MAX;
    let mut stamps = BTreeMap::new();
    for port in PORTS {
        let name = format!("{port}.pcap");
        for (time, _) in read_timed(&demo_file(&name))? {
            start = start.min(time);
        }
        stamps.insert(port, read_timed(&demo.dir.join(&name))?);
    }
    for frame in array(&demo.report, "frames")? {
        let cycle = |value: &Value| value["cycle"].as_u64().context("no cycle");
        for copy in array(frame, "out")? {
            let latency = copy["latency"].as_u64().context("no latency")?;
            ensure!(
                latency > 0 && cycle(copy)? == cycle(frame)? + latency,
                "{frame}"
            );
            let expected = start + cycle(copy)? * 1_000_000_000 / clock;
            let stamp = stamps[text(copy, "port")?][index(copy)?].0;
            ensure!(
                stamp == expected,
                "stamp {stamp}, expected {expected}: {frame}"
            );
        }
    }
    Ok(())
}

/// NIC tags on a port of the demo.
pub(crate) fn nic_tags(port: &str) -> usize {
    match port {
        "uplink" => 2,
        "vf7" => 1,
        _ => 0,
    }
}

/// Whose a frame is by port and tags, and the frame as its VM knows it.
fn owned(port: &str, frame: &[u8]) -> Result<(usize, Vec<u8>)> {
    let (tags, frame) = untag(frame, nic_tags(port))?;
    let ids: Vec<u16> = tags.iter().map(|tag| tag & 0xfff).collect();
    let tenant = TENANTS
        .iter()
        .position(|(vvlan, vlan, ports, _)| match ids[..] {
            [] => ports.contains(&port),
            [inner] => inner == *vvlan,
            [outer, inner, ..] => outer == *vlan && inner == *vvlan,
        });
    Ok((
        tenant.with_context(|| format!("{port}: nobody's tags {ids:?}"))?,
        padded(&frame),
    ))
}

/// From the bytes of the captures alone; the report is not asked.
fn tenants_see_only_their_own() -> Result<()> {
    let demo = demo()?;
    let mut sent = BTreeSet::new();
    for (port, frames) in &demo.sent {
        // What comes in with tags that are no tenant's belongs to nobody, and must not come out.
        sent.extend(frames.iter().filter_map(|frame| owned(port, frame).ok()));
    }
    let mut delivered = [0; 2];
    for (port, frames) in &demo.received {
        for (at, frame) in frames.iter().enumerate() {
            let (tenant, frame) = owned(port, frame)?;
            let source = frame[10];
            ensure!(
                source == TENANTS[tenant].3,
                "{port}, frame {at}: sent by {:02x?}, an address of another tenant",
                &frame[6..12]
            );
            ensure!(
                sent.contains(&(tenant, frame)),
                "{port}, frame {at}: nobody of that tenant has sent it"
            );
            delivered[tenant] += 1;
        }
    }
    ensure!(
        delivered.iter().all(|frames| *frames > 500),
        "hardly anything arrived: {delivered:?}"
    );
    Ok(())
}

fn frames_arrive_as_they_were_sent() -> Result<()> {
    let demo = demo()?;
    let mut compared = 0;
    for line in lines(&demo.report)? {
        let (from, index) = line.input;
        let (_, frame) = untag(&demo.sent[from][index], nic_tags(from)).or_else(|error| {
            if line.out.is_empty() {
                Ok((Vec::new(), Vec::new()))
            } else {
                Err(error)
            }
        })?;
        for (to, index) in &line.out {
            let tenant = TENANTS
                .iter()
                .find(|tenant| line.vvlan == Some(tenant.0.into()));
            let (vvlan, vlan, ..) = tenant.with_context(|| format!("no tenant: {line:?}"))?;
            // The switch beside us does not reflect: group frames are switched here, and say so.
            let served = if frame[0] & 1 == 1 { SERVED } else { 0 };
            let tags = [*vlan, *vvlan | served];
            let expected = match nic_tags(to) {
                0 => padded(&frame),
                1 => padded(&tagged(&frame, &[*vvlan])),
                _ => padded(&tagged(&frame, &tags)),
            };
            let actual = &demo.received[to][*index];
            // Beyond the frame itself there may be nothing but padding.
            ensure!(
                *actual == expected,
                "{line:?}\n  expected {expected:02x?}\n  actual   {actual:02x?}"
            );
            compared += 1;
        }
    }
    let left: usize = demo.received.values().map(Vec::len).sum();
    ensure!(compared == left, "{compared} of {left} frames compared");
    Ok(())
}

fn documents_match() -> Result<()> {
    let demo = demo()?;
    schema::validate("report", &demo.report)?;
    let device = serde_json::from_slice(&fs::read(demo.dir.join("device.json"))?)?;
    schema::validate("device", &device)
}

fn scoreboard_is_clean() -> Result<()> {
    let demo = demo()?;
    let scoreboard = &demo.report["scoreboard"];
    let sent: usize = demo.sent.values().map(Vec::len).sum();
    ensure!(scoreboard["mismatches"] == 0, "{scoreboard}");
    ensure!(
        scoreboard["frames"].as_u64() >= Some(sent as u64),
        "{sent} went in: {scoreboard}"
    );
    ensure!(
        demo.report["firmware"]["state"] == "running",
        "{}",
        demo.report["firmware"]
    );
    Ok(())
}
