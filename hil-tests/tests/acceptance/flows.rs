// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Flows, learned addresses and edits of a NIC at work, with the real firmware.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::capture::{Pcap, frame};
use crate::program::{Replay, Run, fresh, hairpin};
use crate::refusal::error_code;
use crate::{schema, test};

const VM0: [u8; 6] = [2, 0, 0, 0, 0x0a, 0];
const VM1: [u8; 6] = [2, 0, 0, 0, 0x0a, 1];
/// Behind vf2, which nobody configured with an address.
const NEW: [u8; 6] = [2, 0, 0, 0, 0x0a, 0x22];
/// Behind the wire.
const FAR: [u8; 6] = [2, 0, 0, 0, 0x0f, 0x0f];

/// The flow of VM 0's frames to VM 1, as `flow add` takes it.
const TALK: &str = "vvlan 100 from vf0 da 02:00:00:00:0a:01 sa 02:00:00:00:0a:00 ethertype 0x88b6";

const CONFIG: &str = "version = 1
flow-idle-time = 2
ageing-time = 10
[[vvlan]]
id = 100
vlan = 10
cache = true
[[vport]]
name = \"vf0\"
vvlan = 100
mac = \"02:00:00:00:0a:00\"
[[vport]]
name = \"vf1\"
vvlan = 100
mac = \"02:00:00:00:0a:01\"
[[vport]]
name = \"vf2\"
vvlan = 100
spoofchk = false
max-macs = 2
";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "flows: a flow drops, redirects and sends to the wire while it is there",
            actions,
        ),
        test(
            "flows: those of the configuration act from the first frame on",
            configured,
        ),
        test("flows: a flow without frames is forgotten", idle),
        test(
            "flows: an address is learned on a vPort without a source check",
            learned,
        ),
        test("flows: more addresses than the quota are refused", quota),
        test(
            "flows: an edit that is refused is named, and the rest is played",
            refused,
        ),
        test(
            "flows: a wrong script is refused before the run",
            wrong_script,
        ),
        test("flows: ports and V.VLANs can be changed at work", policies),
    ]
}

/// A replay in a folder of its own.
struct Case {
    dir: PathBuf,
    replay: Replay,
}

impl Case {
    fn new(name: &str, config: &str) -> Result<Self> {
        let top = fresh(&format!("flows-{name}"))?;
        let path = top.join("nic.toml");
        fs::write(&path, config)?;
        let dir = top.join("out");
        let replay = Replay::new(&path, &dir);
        Ok(Self { dir, replay })
    }

    fn input(mut self, port: &str, capture: Pcap) -> Result<Self> {
        let path = self.dir.with_file_name(format!("{port}.in.pcap"));
        capture.write(&path)?;
        self.replay = self.replay.input(port, &path);
        Ok(self)
    }

    fn edits(mut self, script: &str) -> Result<Self> {
        let path = self.dir.with_file_name("edits");
        fs::write(&path, script)?;
        self.replay = self.replay.arg("--edits").arg(path);
        Ok(self)
    }

    fn arg(mut self, arg: &str) -> Self {
        self.replay = self.replay.arg(arg);
        self
    }

    fn report(&self) -> Result<Value> {
        schema::report(&self.dir)
    }

    fn run(&self) -> Result<Value> {
        self.replay.run()?.ok()?;
        self.report()
    }

    fn show(&self, args: &[&str]) -> Result<Run> {
        let dir = self.dir.to_str().context("path")?;
        hairpin([&["--report", dir], args].concat())?.ok()
    }
}

/// VM 0 talks to VM 1 every so many microseconds.
fn talk(frames: u64, micros: u64) -> Pcap {
    (0..frames).fold(Pcap::ethernet(), |pcap, n| {
        pcap.frame_at(1 + n * micros, &frame(VM1, VM0, 64))
    })
}

fn number(value: &Value) -> Result<u64> {
    value
        .as_u64()
        .with_context(|| format!("no number: {value}"))
}

/// Reason and receivers of the frames of a port that came between two cycles.
fn fates(report: &Value, port: &str, from: u64, to: u64) -> Result<Vec<(String, Vec<String>)>> {
    let mut fates = Vec::new();
    for line in report["frames"].as_array().context("no frames")? {
        if line["in"] == port && (from..to).contains(&number(&line["cycle"])?) {
            let out = line["out"].as_array().context("no out")?;
            let out = out
                .iter()
                .filter_map(|copy| copy["port"].as_str())
                .map(str::to_owned);
            let reason = line["reason"].as_str().context("no reason")?;
            fates.push((reason.to_owned(), out.collect()));
        }
    }
    Ok(fates)
}

/// All frames of vf0 between two cycles had this fate, and there were some.
fn all(report: &Value, from: u64, to: u64, reason: &str, receivers: &[&str]) -> Result<()> {
    let fates = fates(report, "vf0", from, to)?;
    ensure!(!fates.is_empty(), "no frame between {from} and {to}");
    for (why, out) in &fates {
        ensure!(
            why == reason && out == receivers,
            "{from} to {to}: {why} to {out:?}, not {reason} to {receivers:?}"
        );
    }
    Ok(())
}

/// When each edit was asked for and done.
fn spans(report: &Value) -> Result<Vec<(u64, u64)>> {
    let edits = report["edits"].as_array().context("no edits")?;
    edits
        .iter()
        .map(|edit| Ok((number(&edit["cycle"])?, number(&edit["done"])?)))
        .collect()
}

fn actions() -> Result<()> {
    let script = format!(
        "# one after the other\n100000 flow add {TALK} action drop\n300000 flow add {TALK} action redirect port vf2\n\
         500000 flow add {TALK} action uplink\n700000 flow add {TALK} action local\n900000 flow del {TALK}\n"
    );
    let case = Case::new("actions", CONFIG)?
        .input("vf0", talk(700, 10))?
        .edits(&script)?;
    let report = case.run()?;
    let [drop, redirect, uplink, local, gone] = spans(&report)?[..] else {
        bail!("five edits expected: {}", report["edits"]);
    };
    let one_frame = 60;
    all(&report, 0, drop.0 - one_frame, "mac-hit", &["vf1"])?;
    all(&report, drop.1, redirect.0 - one_frame, "flow-drop", &[])?;
    all(
        &report,
        redirect.1,
        uplink.0 - one_frame,
        "flow-redirect",
        &["vf2"],
    )?;
    all(
        &report,
        uplink.1,
        local.0 - one_frame,
        "flow-uplink",
        &["uplink"],
    )?;
    all(&report, local.1, gone.0 - one_frame, "flow-hit", &["vf1"])?;
    all(&report, gone.1, u64::MAX, "mac-hit", &["vf1"])?;
    let hits = number(&report["cache"]["100"]["hit_frames"])?;
    let misses = number(&report["cache"]["100"]["miss_frames"])?;
    ensure!(
        hits > 400 && hits + misses == 700,
        "{hits} hits, {misses} misses"
    );
    ensure!(
        report["tables"]["flow"]["entries"] == 0,
        "{}",
        report["tables"]
    );
    let occupancy = report["occupancy"].as_array().context("no occupancy")?;
    let flows: Vec<&Value> = occupancy.iter().map(|sample| &sample["flow"]).collect();
    ensure!(
        flows.contains(&&Value::from(1)) && flows.last() == Some(&&Value::from(0)),
        "{flows:?}"
    );
    let watch = case.show(&["-j", "stats", "--watch"])?.json()?;
    schema::validate("stats-watch", &watch)
}

fn configured() -> Result<()> {
    let flow = "[[flow]]\nvvlan = 100\nfrom = \"vf0\"\nda = \"02:00:00:00:0a:01\"\nsa = \"02:00:00:00:0a:00\"\nethertype = 0x88b6\n";
    let config = format!("{CONFIG}{flow}action = \"redirect\"\nport = \"vf2\"\n");
    let case = Case::new("configured", &config)?.input("vf0", talk(20, 10))?;
    let report = case.run()?;
    all(&report, 0, u64::MAX, "flow-redirect", &["vf2"])?;
    let text = case.show(&["flow", "show"])?.stdout;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = "100 from vf0 da 02:00:00:00:0a:01 sa 02:00:00:00:0a:00 ethertype 0x88b6 redirect port vf2 flow";
    ensure!(words.contains(line) && words.ends_with("20 1280"), "{text}");
    let flows = case
        .show(&["-j", "flow", "show", "--vvlan", "100", "--port", "vf2"])?
        .json()?;
    schema::validate("flow-show", &flows)?;
    ensure!(
        flows["flows"][0]["frames"] == 20 && flows["flows"][0]["teacher"] == "flow",
        "{flows}"
    );
    let none = case
        .show(&["-j", "flow", "show", "--port", "vf1"])?
        .json()?;
    ensure!(none["flows"] == Value::Array(Vec::new()), "{none}");
    let device: Value = serde_json::from_slice(&fs::read(case.dir.join("device.json"))?)?;
    schema::validate("device", &device)
}

/// Used every second it stays; unused for longer than `flow-idle-time` it goes.
fn idle() -> Result<()> {
    const SECOND: u64 = 1_000_000;
    let script = format!("0 flow add {TALK} action drop\n");
    let seconds = [1, 2, 3, 4, 9];
    let pcap = seconds.iter().fold(
        Pcap::ethernet().frame(&frame(VM1, VM0, 64)),
        |pcap, second| pcap.frame_at(second * SECOND, &frame(VM1, VM0, 64)),
    );
    let case = Case::new("idle", CONFIG)?
        .input("vf0", pcap)?
        .edits(&script)?
        .arg("--max-gap")
        .arg("none");
    let report = case.run()?;
    let reasons: Vec<String> = fates(&report, "vf0", 1000, u64::MAX)?
        .into_iter()
        .map(|(reason, _)| reason)
        .collect();
    ensure!(
        reasons
            == [
                "flow-drop",
                "flow-drop",
                "flow-drop",
                "flow-drop",
                "mac-hit"
            ],
        "{reasons:?}"
    );
    ensure!(
        report["tables"]["flow"]["aged"] == 1,
        "{}",
        report["tables"]
    );
    Ok(())
}

fn learned() -> Result<()> {
    // vf0 calls somebody nobody knows: to the wire. Then he speaks, and is found; he moves to nobody.
    let vf0 = (0..200).fold(Pcap::ethernet(), |pcap, n| {
        pcap.frame_at(1 + n * 10, &frame(NEW, VM0, 64))
    });
    let vf2 = Pcap::ethernet().frame_at(500, &frame(FAR, NEW, 64));
    let case = Case::new("learned", CONFIG)?
        .input("vf0", vf0)?
        .input("vf2", vf2)?;
    let report = case.run()?;
    let events = report["events"].as_array().context("no events")?;
    let event = events
        .iter()
        .find(|event| event["event"] == "learned")
        .context("nothing was learned")?;
    ensure!(
        event["port"] == "vf2" && event["vvlan"] == 100 && event["mac"] == "02:00:00:00:0a:22",
        "{event}"
    );
    let spoke = report["frames"]
        .as_array()
        .and_then(|frames| frames.iter().find(|frame| frame["in"] == "vf2"));
    let spoke = number(&spoke.context("vf2 sent nothing")?["cycle"])?;
    all(&report, 0, spoke, "unknown-uplink", &["uplink"])?;
    all(
        &report,
        number(&event["cycle"])?,
        u64::MAX,
        "mac-hit",
        &["vf2"],
    )?;
    let text = case.show(&["fdb", "show"])?.stdout;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        words.contains("100 02:00:00:00:0a:22 vf2 dynamic"),
        "{text}"
    );
    let monitor = case.show(&["fdb", "monitor"])?.stdout;
    ensure!(
        monitor.contains("learned") && monitor.contains("Recorded by a replay"),
        "{monitor}"
    );
    schema::validate(
        "fdb-monitor",
        &case.show(&["-j", "fdb", "monitor"])?.json()?,
    )
}

fn quota() -> Result<()> {
    let sender = |n: u8| [2, 0, 0, 1, 0, n];
    let vf2 = (1..=4).fold(Pcap::ethernet(), |pcap, n| {
        pcap.frame_at(u64::from(n) * 300, &frame(FAR, sender(n), 64))
    });
    let case = Case::new("quota", CONFIG)?.input("vf2", vf2)?;
    let report = case.run()?;
    let fdb = case.show(&["-j", "fdb", "show"])?.json()?;
    let entries = fdb["fdb"].as_array().context("no table")?;
    let learned = entries
        .iter()
        .filter(|entry| entry["kind"] == "dynamic")
        .count();
    ensure!(learned == 2, "max-macs is 2, learned are {learned}: {fdb}");
    let events = report["events"].as_array().context("no events")?;
    let refused = events
        .iter()
        .filter(|event| event["event"] == "learn-refused" && event["port"] == "vf2");
    ensure!(refused.count() == 2, "two refusals expected: {events:?}");
    // Its frames are forwarded all the same.
    ensure!(
        fates(&report, "vf2", 0, u64::MAX)?
            .iter()
            .all(|(_, out)| out == &["uplink"]),
        "a frame is missing"
    );
    Ok(())
}

fn refused() -> Result<()> {
    let script = format!(
        "1000 vvlan set 300 miss drop\n2000 fdb add vvlan 100 mac 02:00:00:00:0a:01 port vf0\n3000 flow add {TALK} sport 1 action drop\n\
         4000 flow add {TALK} action drop\n"
    );
    let case = Case::new("refused", CONFIG)?
        .input("vf0", talk(300, 10))?
        .edits(&script)?;
    let run = case.replay.run()?;
    ensure!(
        run.status == 1 && run.stderr.contains("3 of 4 edits were refused"),
        "{run:?}"
    );
    ensure!(
        run.stderr
            .contains("edit in line 1: vvlan set 300 miss drop"),
        "{run:?}"
    );
    let report = case.report()?;
    let edits = report["edits"].as_array().context("no edits")?;
    let codes: Vec<Option<&str>> = edits
        .iter()
        .map(|edit| edit["error"]["code"].as_str())
        .collect();
    let expected = [
        Some("unknown-vvlan"),
        Some("admin-command"),
        Some("contradiction"),
        None,
    ];
    ensure!(codes == expected, "{codes:?}");
    let done = spans(&report)?[3].1;
    all(&report, done, u64::MAX, "flow-drop", &[])
}

fn wrong_script() -> Result<()> {
    let case = Case::new("wrong-script", CONFIG)?
        .input("vf0", talk(3, 10))?
        .edits("10 flow flush all\n\n20 flow add vvlan 100 action explode\n")?
        .arg("--json");
    let run = case.replay.run()?;
    ensure!(run.status == 1, "{run:?}");
    let error = run.json()?;
    error_code(&error, "bad-edit")?;
    ensure!(
        error["error"]["line"] == 3 && error["error"]["field"] == "flow add: action",
        "{error}"
    );
    ensure!(!case.dir.exists(), "something was written");
    Ok(())
}

fn policies() -> Result<()> {
    let script = "100000 vvlan set 100 miss drop\n250000 vvlan set 100 cache off miss ignore\n400000 port set vf1 state disable\n\
                  550000 port set vf1 state enable\n";
    let case = Case::new("policies", CONFIG)?
        .input("vf0", talk(480, 10))?
        .edits(script)?;
    let report = case.run()?;
    let [drop, ignore, down, up] = spans(&report)?[..] else {
        bail!("four edits expected: {}", report["edits"]);
    };
    let one_frame = 60;
    all(&report, drop.1, ignore.0 - one_frame, "miss-drop", &[])?;
    all(&report, ignore.1, down.0 - one_frame, "mac-hit", &["vf1"])?;
    all(&report, down.1, up.0 - one_frame, "egress-not-member", &[])?;
    all(&report, up.1, u64::MAX, "mac-hit", &["vf1"])
}
