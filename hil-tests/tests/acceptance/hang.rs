// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A firmware that hangs: the watchdog says so, the datapath goes on, and the user is told.
//!
//! The fault is injected by `--crash-at`: the driver tells the firmware, through its mailbox, to stop.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::capture::{Pcap, frame, padded, read, tagged};
use crate::program::{Replay, Run, demo_file, fresh, hairpin};
use crate::refusal::error_code;
use crate::{schema, test};

/// When the firmware hangs.
const HANG: u64 = 60_000;
/// Clocks that the mailbox gets until the firmware has the command.
const SOON: u64 = 5_000;
const VM0: [u8; 6] = [2, 0, 0, 0, 0x0a, 0];
const VM1: [u8; 6] = [2, 0, 0, 0, 0x0a, 1];
/// Behind the vSwitch, and not yet learned when the firmware hangs.
const LATE: [u8; 6] = [2, 0, 0, 0, 0x0a, 7];
const BROADCAST: [u8; 6] = [0xff; 6];
const FRAMES: usize = 1000;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "hang: the datapath keeps switching while the firmware hangs",
            datapath_goes_on,
        ),
        test(
            "hang: what needs the firmware waits and goes nowhere",
            slow_path_waits,
        ),
        test(
            "hang: health show says hung, why, and what to do",
            health_says_so,
        ),
        test(
            "hang: the report says that the fault was injected",
            labelled,
        ),
        test("hang: a fault after the last frame is refused", too_late),
    ]
}

/// A replay in which the firmware hung.
#[derive(Debug)]
struct Hung {
    dir: std::path::PathBuf,
    run: Run,
    report: Value,
}

fn hung() -> Result<&'static Hung> {
    static HUNG: LazyLock<Result<Hung, String>> =
        LazyLock::new(|| replay().map_err(|error| format!("no replay: {error:#}")));
    HUNG.as_ref().map_err(|error| anyhow!("{error}"))
}

/// Two VMs talk all the time; late, somebody new behind the vSwitch calls everybody.
fn write_inputs(dir: &Path) -> Result<()> {
    let mut vf0 = Pcap::ethernet();
    for number in 0..FRAMES {
        let to = if number % 10 == 0 { BROADCAST } else { VM1 };
        vf0 = vf0.frame(&frame(to, VM0, 60 + number));
    }
    vf0.write(&dir.join("vf0.in.pcap"))?;
    let mut vf7 = Pcap::ethernet();
    // An earlier one, so that the firmware is seen to learn while it can.
    for (after, from) in [(1, [2, 0, 0, 0, 0x0a, 6]), (FRAMES / 2, LATE)] {
        let tagged = tagged(&frame(BROADCAST, from, 64), &[100]);
        vf7 = vf7.frame_at(after as u64, &tagged);
    }
    vf7.write(&dir.join("vf7.in.pcap"))
}

fn arguments(dir: &Path, out: &Path) -> Replay {
    Replay::new(&demo_file("nic.toml"), out)
        .input("vf0", &dir.join("vf0.in.pcap"))
        .input("vf7", &dir.join("vf7.in.pcap"))
}

fn replay() -> Result<Hung> {
    let top = fresh("hang")?;
    write_inputs(&top)?;
    let dir = top.join("out");
    let run = arguments(&top, &dir)
        .arg("--crash-at")
        .arg(HANG.to_string())
        .run()?
        .ok()?;
    let report: Value = serde_json::from_slice(&fs::read(dir.join("report.json"))?)?;
    Ok(Hung { dir, run, report })
}

fn frames(report: &Value) -> Result<&Vec<Value>> {
    report["frames"].as_array().context("no frames")
}

fn datapath_goes_on() -> Result<()> {
    let hung = hung()?;
    ensure!(
        hung.report["scoreboard"]["mismatches"] == 0,
        "{}",
        hung.report["scoreboard"]
    );
    ensure!(
        hung.report["firmware"]["state"] == "hung",
        "{}",
        hung.report["firmware"]
    );
    let (mut before, mut after) = (0, 0);
    let mut latencies: BTreeMap<bool, Vec<u64>> = BTreeMap::new();
    for line in frames(&hung.report)?
        .iter()
        .filter(|line| line["in"] == "vf0")
    {
        let index = line["index"].as_u64().context("no index")?;
        let out = line["out"].as_array().context("no out")?;
        // A broadcast goes to the VM, the vSwitch and the uplink; all else to the VM alone.
        let copies = if index % 10 == 0 { 3 } else { 1 };
        ensure!(out.len() == copies, "{copies} copies expected: {line}");
        let late = line["cycle"].as_u64().context("no cycle")? > HANG + SOON;
        *(if late { &mut after } else { &mut before }) += 1;
        let latency = out[0]["latency"].as_u64().context("no latency")?;
        latencies.entry(late).or_default().push(latency);
    }
    ensure!(
        before > FRAMES / 10 && after > FRAMES / 2,
        "{before} before, {after} after the hang"
    );
    let received = read(&hung.dir.join("vf1.pcap"))?;
    let sent = read(&hung.dir.join("../vf0.in.pcap"))?;
    for frame in &sent {
        ensure!(
            received.contains(&padded(frame)),
            "a frame of {} bytes is missing",
            frame.len()
        );
    }
    Ok(())
}

/// The address that came in time is learned, the later one is not, and its frame went nowhere.
fn slow_path_waits() -> Result<()> {
    let hung = hung()?;
    let lines: Vec<&Value> = frames(&hung.report)?
        .iter()
        .filter(|line| line["in"] == "vf7")
        .collect();
    let [early, late] = lines[..] else {
        anyhow::bail!("two frames expected: {lines:?}");
    };
    ensure!(
        early["cycle"].as_u64() < Some(HANG),
        "too late for the firmware: {early}"
    );
    ensure!(
        late["cycle"].as_u64() > Some(HANG + SOON),
        "too early for the hang: {late}"
    );
    for line in [early, late] {
        ensure!(
            line["decision"] == "punt" && line["reason"] == "learn",
            "{line}"
        );
    }
    ensure!(early["out"].as_array().map(Vec::len) == Some(3), "{early}");
    ensure!(
        late["out"] == serde_json::json!([]),
        "a hung firmware sent a frame on: {late}"
    );
    let fdb = on(hung, &["--json", "fdb", "show", "--vvlan", "100"])?.json()?;
    let learned = |mac: &str| {
        fdb["fdb"]
            .as_array()
            .is_some_and(|fdb| fdb.iter().any(|entry| entry["mac"] == mac))
    };
    ensure!(
        learned("02:00:00:00:0a:06"),
        "not learned before the hang: {fdb}"
    );
    ensure!(
        !learned("02:00:00:00:0a:07"),
        "learned by a hung firmware: {fdb}"
    );
    Ok(())
}

fn on(hung: &Hung, args: &[&str]) -> Result<Run> {
    let dir = hung.dir.to_str().context("no text")?;
    hairpin([&["--report", dir], args].concat())?.ok()
}

fn health_says_so() -> Result<()> {
    let hung = hung()?;
    let text = on(hung, &["health", "show"])?.stdout;
    let line = |name: &str| -> Result<&str> {
        let line = text.lines().find(|line| line.starts_with(name));
        line.with_context(|| format!("no {name:?} in\n{text}"))
    };
    ensure!(line("firmware ")?.contains("HUNG"), "{text}");
    ensure!(
        line("firmware ")?.contains("the datapath keeps forwarding"),
        "{text}"
    );
    ensure!(line("cause ")?.contains("the watchdog ran out"), "{text}");
    ensure!(
        line("next step ")?.contains("load and start the firmware again"),
        "{text}"
    );
    let document = on(hung, &["--json", "health", "show"])?.json()?;
    schema::validate("health-show", &document)?;
    let health = &document["health"];
    ensure!(
        health["run"] == "hung" && health["hung"] == true,
        "{document}"
    );
    ensure!(health["alive"] == false, "{document}");
    for key in ["cause", "help"] {
        let words = document[key]
            .as_str()
            .with_context(|| format!("no {key}: {document}"))?;
        ensure!(
            text.contains(words),
            "the text does not say {words:?}:\n{text}"
        );
    }
    // The next step leads somewhere: the log ends with what stopped it.
    let log = on(hung, &["log"])?.stdout;
    let last = log.lines().last().context("no log")?;
    ensure!(last.contains("CrashTest"), "the log ends with {last:?}");
    Ok(())
}

fn labelled() -> Result<()> {
    let hung = hung()?;
    schema::validate("report", &hung.report)?;
    let fault = format!("the firmware was told to hang at cycle {HANG}");
    ensure!(hung.report["fault"] == fault, "{}", hung.report["fault"]);
    ensure!(
        hung.run
            .stderr
            .contains(&format!("fault injection: {fault}")),
        "{:?}",
        hung.run
    );
    let demo = &crate::demo::demo()?.report;
    ensure!(
        demo.get("fault").is_none(),
        "a fault in a run without one: {}",
        demo["fault"]
    );
    Ok(())
}

fn too_late() -> Result<()> {
    let dir = fresh("hang-late")?;
    write_inputs(&dir)?;
    let out = dir.join("out");
    let run = arguments(&dir, &out)
        .arg("--crash-at")
        .arg("1000000000")
        .arg("--json")
        .run()?;
    ensure!(run.status == 1, "{run:?}");
    error_code(&run.json()?, "late-crash")?;
    ensure!(!out.exists(), "something was written");
    Ok(())
}
