// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The queues of the VFs, through which a replay's frames go.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::capture::{Pcap, frame, padded, read, tagged};
use crate::program::{Replay, fresh, hairpin};
use crate::refusal::{Refusal, refused};
use crate::{demo, schema, test};

const VM0: [u8; 6] = [2, 0, 0, 0, 0x0a, 0];
const VM1: [u8; 6] = [2, 0, 0, 0, 0x0a, 1];
/// Behind the vSwitch.
const BEHIND: [u8; 6] = [2, 0, 0, 0, 0x0a, 9];
/// The EtherType of `frame`, and another one.
const ETHERTYPE: u16 = 0x88b6;
const OTHER: [u8; 2] = [0x88, 0xb7];
/// Longest frame without tags of the NIC.
const LONGEST: usize = 9216;
/// Bytes of a full bucket of a limit.
const BUCKET: u64 = 16_384;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "rings: a filter and the hash choose the queue that a frame arrives in",
            queues,
        ),
        test(
            "rings: runts are padded, the longest frames arrive in one piece",
            lengths,
        ),
        test("rings: a frame too long or too short is refused", no_frame),
        test(
            "rings: a burst that a VF does not take in time is lost there, and counted",
            bursts,
        ),
        test("rings: a limit holds a VF back", limit),
        test("rings: a queue that is not there is refused", no_queue),
    ]
}

/// Two VMs and a vSwitch in one V.VLAN; `more` follows what is said of vf1.
fn config(name: &str, more: &str) -> Result<PathBuf> {
    let dir = fresh(&format!("rings-{name}"))?;
    let text = format!(
        "version = 1\n[[vvlan]]\nid = 100\nvlan = 10\n\
         [[vport]]\nname = \"vf0\"\nvvlan = 100\nmac = \"02:00:00:00:0a:00\"\nqueue-pairs = 1\n\
         [[vport]]\nname = \"vf7\"\nrole = \"vswitch\"\nvvlans = [100]\nqueue-pairs = 2\n\
         [[vport]]\nname = \"vf1\"\nvvlan = 100\nmac = \"02:00:00:00:0a:01\"\nqueue-pairs = 4\n{more}"
    );
    fs::write(dir.join("nic.toml"), text)?;
    Ok(dir)
}

/// Plays these captures; the report, and what the card was at the end.
fn play(dir: &std::path::Path, captures: Vec<(&str, Pcap)>) -> Result<(Value, Value)> {
    let out = dir.join("out");
    let mut replay = Replay::new(&dir.join("nic.toml"), &out);
    for (port, capture) in captures {
        let file = dir.join(format!("{port}.in.pcap"));
        capture.write(&file)?;
        replay = replay.input(port, &file);
    }
    replay.run()?.ok()?;
    let device: Value = serde_json::from_slice(&fs::read(out.join("device.json"))?)?;
    schema::validate("device", &device)?;
    Ok((schema::report(&out)?, device))
}

/// No frame was lost or refused at the rings of any VF.
fn nothing_lost(device: &Value) -> Result<()> {
    for pool in device["pools"].as_array().context("no pools")? {
        ensure!(
            pool["no_buffer"] == 0 && pool["refused"] == 0 && pool["device_status"] == 15,
            "{pool}"
        );
    }
    Ok(())
}

fn queues() -> Result<()> {
    let filter = format!("[[filter]]\nvport = \"vf1\"\nqueue = 2\nethertype = {ETHERTYPE:#x}\n");
    let spread = "[[rss]]\nvport = \"vf1\"\nqueues = [3]\n";
    let dir = config("queues", &(filter + spread))?;
    let mut vf0 = Pcap::ethernet();
    for n in 0..40_u8 {
        // IPv4 without options or payload is hashed; another EtherType is not.
        let mut bytes = frame(VM1, VM0, 60);
        match n % 3 {
            0 => {}
            1 => bytes[12..14].copy_from_slice(&OTHER),
            _ => {
                bytes[12..14].copy_from_slice(&[8, 0]);
                bytes[14..34].copy_from_slice(&[
                    0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, n, 10, 0, 0, 1,
                ]);
            }
        }
        vf0 = vf0.frame(&bytes);
    }
    let (report, device) = play(&dir, vec![("vf0", vf0)])?;
    nothing_lost(&device)?;
    let frames = report["frames"].as_array().context("no frames")?;
    ensure!(frames.len() == 40, "{} frames", frames.len());
    for line in frames {
        let queue = [2, 0, 3][line["index"].as_u64().context("no index")? as usize % 3];
        ensure!(
            line["out"][0]["port"] == "vf1" && line["out"][0]["queue"] == queue,
            "queue {queue} expected: {line}"
        );
    }
    let pairs = |vf: usize| &device["pools"][vf]["pairs"];
    ensure!(
        pairs(0) == 1 && pairs(1) == 4 && pairs(2) == 2,
        "{}",
        device["pools"]
    );
    let shown = hairpin([
        "--report",
        dir.join("out").to_str().context("no text")?,
        "--json",
        "pool",
        "show",
        "vf1",
    ])?;
    let shown = shown.ok()?.json()?;
    schema::validate("pool-show", &shown)?;
    ensure!(shown["pools"][0]["pairs"] == 4, "{shown}");
    Ok(())
}

/// From every length to the longest, to a VF and to the vSwitch with its tag.
fn lengths() -> Result<()> {
    let dir = config("lengths", "")?;
    let lengths = (14..=64).chain([1500, 2036, 2037, 4084, LONGEST - 1, LONGEST]);
    let lengths: Vec<usize> = lengths.collect();
    let (mut vf0, mut vf7) = (Pcap::ethernet(), Pcap::ethernet());
    for len in &lengths {
        vf0 = vf0.frame(&frame(VM1, VM0, *len));
        vf7 = vf7.frame(&tagged(&frame(VM0, BEHIND, *len), &[100]));
    }
    let (_, device) = play(&dir, vec![("vf0", vf0), ("vf7", vf7)])?;
    nothing_lost(&device)?;
    for (port, to, from) in [("vf1", VM1, VM0), ("vf0", VM0, BEHIND)] {
        let got = read(&dir.join("out").join(format!("{port}.pcap")))?;
        let sent = lengths.iter().map(|len| padded(&frame(to, from, *len)));
        ensure!(got == sent.collect::<Vec<_>>(), "{port} got something else");
    }
    Ok(())
}

fn no_frame() -> Result<()> {
    let dir = config("no-frame", "")?;
    for (len, code, says, fix) in [
        (
            13,
            "capture-too-short",
            "13 bytes long, too short",
            "editcap",
        ),
        (
            LONGEST + 1,
            "capture-oversized",
            "9217 bytes long, the port carries at most 9216",
            "ethtool -K",
        ),
    ] {
        let file = dir.join(format!("{len}.pcap"));
        let bytes = [&VM1[..], &VM0, &[0; LONGEST]].concat();
        Pcap::ethernet().frame(&bytes[..len]).write(&file)?;
        let expected = Refusal {
            code,
            field: "--in vf0".to_owned(),
            file: file.clone(),
            line: None,
            says: says.to_owned(),
            fix,
        };
        let replay =
            |out: &std::path::Path| Replay::new(&dir.join("nic.toml"), out).input("vf0", &file);
        refused(&dir, replay, &expected)?;
        fs::remove_dir_all(dir.join("used"))?;
    }
    Ok(())
}

/// All frames are due at once: those to send wait, and whoever gets more than its queue takes loses the rest, counted.
fn bursts() -> Result<()> {
    const FRAMES: usize = 400;
    let dir = config("bursts", "")?;
    let burst = |bytes: Vec<u8>| (0..FRAMES).fold(Pcap::ethernet(), |p, _| p.frame_at(1, &bytes));
    let captures = vec![
        ("vf0", burst(frame(VM1, VM0, 60))),
        ("vf1", burst(frame(VM0, VM1, 1500))),
        ("uplink", burst(tagged(&frame(VM1, BEHIND, 60), &[10, 100]))),
    ];
    let (report, device) = play(&dir, captures)?;
    let lines = demo::lines(&report)?;
    ensure!(lines.len() == 3 * FRAMES, "{} frames", lines.len());
    let mut lost = 0;
    for line in &lines {
        ensure!(line.out.len() + line.lost.len() == 1, "{line:?}");
        for (port, reason) in &line.lost {
            ensure!(*port == "vf1" && *reason == "no-buffer", "{line:?}");
            lost += 1;
        }
    }
    let counted = &device["pools"][1]["no_buffer"];
    ensure!(
        lost > 0 && *counted == lost,
        "{lost} lost, counted {counted}"
    );
    let got = read(&dir.join("out/vf1.pcap"))?.len();
    ensure!(
        got + lost == 2 * FRAMES,
        "{got} in the capture, {lost} lost"
    );
    // What one VM sends it receives as fast.
    ensure!(read(&dir.join("out/vf0.pcap"))?.len() == FRAMES);
    Ok(())
}

fn limit() -> Result<()> {
    const FRAMES: u64 = 40;
    const LEN: u64 = 1514;
    // 0.8 bytes a clock.
    let dir = config("limit", "")?;
    let file = dir.join("nic.toml");
    let text = fs::read_to_string(&file)?;
    let limited = text.replacen("queue-pairs = 1", "queue-pairs = 1\nmax-tx-rate = 1000", 1);
    fs::write(&file, limited)?;
    let burst = (0..FRAMES).fold(Pcap::ethernet(), |p, _| {
        p.frame_at(1, &frame(VM1, VM0, LEN as usize))
    });
    let (report, device) = play(&dir, vec![("vf0", burst)])?;
    nothing_lost(&device)?;
    let cycles = report["frames"].as_array().context("no frames")?;
    let cycles: Option<Vec<u64>> = cycles.iter().map(|line| line["cycle"].as_u64()).collect();
    let cycles = cycles.context("no cycle")?;
    ensure!(cycles.len() == FRAMES as usize, "{} frames", cycles.len());
    let took = cycles[cycles.len() - 1] - cycles[0];
    // The last one goes when there is something in the bucket again.
    let least = ((FRAMES - 1) * LEN - BUCKET) * 10 / 8 - LEN;
    ensure!(
        (least..least + 5 * LEN).contains(&took),
        "{FRAMES} frames took {took} cycles, expected {least}"
    );
    Ok(())
}

fn no_queue() -> Result<()> {
    let filter = format!("[[filter]]\nvport = \"vf1\"\nqueue = 4\nethertype = {ETHERTYPE:#x}\n");
    let dir = config("no-queue", &filter)?;
    let vf0 = dir.join("vf0.pcap");
    Pcap::ethernet().frame(&frame(VM1, VM0, 60)).write(&vf0)?;
    let file = dir.join("nic.toml");
    let text = fs::read_to_string(&file)?;
    let line = text.lines().position(|line| line == "[[filter]]");
    let expected = Refusal {
        code: "bad-queue",
        field: "filter[0].queue".to_owned(),
        file: file.clone(),
        line: Some(line.context("no filter")? + 1),
        says: "vf1 has no queue 4: it has 4 queue pairs".to_owned(),
        fix: "queue-pairs = N",
    };
    refused(
        &dir,
        |out| Replay::new(&file, out).input("vf0", &vf0),
        &expected,
    )
}
