// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The NIC learns from the adjacent switch: with the real firmware, the real protocol, and rules that change.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::capture::{Pcap, padded, read, tagged};
use crate::program::{Replay, fresh, hairpin, root};
use crate::{schema, test};

const VF0: [u8; 6] = [2, 0, 0, 0, 0x0a, 0];
const VF1: [u8; 6] = [2, 0, 0, 0, 0x0a, 1];
/// EtherTypes of two flows from vf0 to vf1, and of one of a stranger.
const FLOWS: [u16; 2] = [0x0701, 0x0702];
const STRANGER: u16 = 0x0703;
/// Frames of each flow in a run that learns it, and in one that does not; one every 4 µs, both without a pause.
const FRAMES: u32 = 1500;
const FEW: u32 = 300;
const GAP_US: u64 = 4;
/// Frames of the stranger.
const FORGED: u32 = 200;
/// The second flow is denied from here on.
const EDIT: u64 = 700_000;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "learning: flows that never pause come to the short path in order, and a new rule ends one",
            a_rule_ends_a_flow,
        ),
        test(
            "learning: a mark in the DSCP works like one in a tag, and no frame keeps it",
            a_mark_in_the_dscp,
        ),
        test(
            "learning: from a switch with another key nothing is learned",
            another_key,
        ),
        test(
            "learning: marks of a stranger beyond the switch teach nothing",
            forged,
        ),
        test(
            "learning: what a VM forges is dropped and counted, and changes nothing",
            a_vm_forges,
        ),
        test(
            "learning: on the link itself, a session that was heard once teaches nothing when it is played again",
            a_session_again,
        ),
    ]
}

fn example(name: &str) -> Result<String> {
    Ok(fs::read_to_string(
        root().join("examples/learning").join(name),
    )?)
}

fn numbered(kind: u16, number: u32) -> Vec<u8> {
    let mut frame = [VF1, VF0].concat();
    frame.extend(kind.to_be_bytes());
    frame.extend(number.to_be_bytes());
    padded(&frame)
}

/// The EtherType and the number of a frame.
fn number(frame: &[u8]) -> (u16, u32) {
    let kind = u16::from_be_bytes([frame[12], frame[13]]);
    let number = [frame[14], frame[15], frame[16], frame[17]];
    (kind, u32::from_be_bytes(number))
}

/// vf0 sends two flows to vf1, which has said where it is.
fn traffic(dir: &Path, frames: u32, frame: fn(u16, u32) -> Vec<u8>) -> Result<()> {
    let mut hello = [VF0, VF1].concat();
    hello.extend([0x07, 0x00]);
    Pcap::ethernet()
        .frame_at(1, &padded(&hello))
        .write(&dir.join("vf1.pcap"))?;
    let mut vf0 = Pcap::ethernet();
    for number in 0..frames {
        for (kind, late) in FLOWS.into_iter().zip([0, GAP_US / 2]) {
            let time = 20 + u64::from(number) * GAP_US + late;
            vf0 = vf0.frame_at(time, &frame(kind, number));
        }
    }
    vf0.write(&dir.join("vf0.pcap"))
}

fn replay(dir: &Path, rules: &str, frames: u32) -> Result<(Replay, PathBuf)> {
    traffic(dir, frames, numbered)?;
    configured(dir, &example("nic.toml")?, rules)
}

/// The captures of [`traffic`] through a NIC and a switch.
fn configured(dir: &Path, nic: &str, rules: &str) -> Result<(Replay, PathBuf)> {
    fs::write(dir.join("nic.toml"), nic)?;
    fs::write(dir.join("rules.toml"), rules)?;
    let out = dir.join("out");
    let replay = Replay::new(&dir.join("nic.toml"), &out)
        .input("vf0", &dir.join("vf0.pcap"))
        .input("vf1", &dir.join("vf1.pcap"))
        .arg("--switch")
        .arg(dir.join("rules.toml"));
    Ok((replay, out))
}

/// `switch show` of what a replay left.
fn session(out: &Path) -> Result<Value> {
    let args = ["--report".as_ref(), out.as_os_str(), "--json".as_ref()];
    let show = ["switch", "show"].map(std::ffi::OsStr::new);
    let document = hairpin(args.into_iter().chain(show))?.ok()?.json()?;
    schema::validate("switch-show", &document)?;
    Ok(document["switch"].clone())
}

/// Frames of a flow that arrived at vf1, in their order.
fn arrived(out: &Path, kind: u16) -> Result<Vec<u32>> {
    let frames = read(&out.join("vf1.pcap"))?;
    let frames = frames.iter().map(|frame| number(frame));
    let frames = frames.filter(|(of, _)| *of == kind);
    Ok(frames.map(|(_, number)| number).collect())
}

/// Cycles at which frames of a flow came in that a learned entry kept inside.
fn inside(report: &Value, kind: u16) -> Result<Vec<u64>> {
    let mut cycles = Vec::new();
    for line in report["frames"].as_array().context("no frames")? {
        if line["in"] != "vf0" || line["reason"] != "flow-hit" {
            continue;
        }
        let index = line["index"].as_u64().context("no index")? as usize;
        if FLOWS[index % 2] == kind {
            cycles.push(line["cycle"].as_u64().context("no cycle")?);
        }
    }
    Ok(cycles)
}

fn a_rule_ends_a_flow() -> Result<()> {
    let dir = fresh("learning-rule")?;
    let rules = example("rules.toml")?;
    let (replay, out) = replay(&dir, &rules, FRAMES)?;
    let deny = format!(
        "[[rule]]\nname = \"no-more\"\npriority = 20\nethertype = {}\naction = \"deny\"\n",
        FLOWS[1]
    );
    fs::write(dir.join("deny.toml"), deny)?;
    fs::write(dir.join("edits"), format!("{EDIT} add deny.toml\n"))?;
    replay
        .arg("--switch-edits")
        .arg(dir.join("edits"))
        .run()?
        .ok()?;
    let report = schema::report(&out)?;

    // The first flow: all of it, in order, most of it inside.
    let all: Vec<u32> = (0..FRAMES).collect();
    ensure!(
        arrived(&out, FLOWS[0])? == all,
        "frames were lost or reordered"
    );
    let short = inside(&report, FLOWS[0])?.len();
    ensure!(
        short > FRAMES as usize / 3,
        "only {short} frames took the short path"
    );

    // The second one: in order, as far as it came; inside too, but never after the edit was complete.
    let edit = &report["switch"]["edits"][0];
    let complete = edit["complete"]
        .as_u64()
        .context("the edit did not complete")?;
    let got = arrived(&out, FLOWS[1])?;
    ensure!(
        all.starts_with(&got),
        "frames were lost or reordered before the rule"
    );
    ensure!(got.len() < all.len(), "the rule never held");
    let short = inside(&report, FLOWS[1])?;
    ensure!(!short.is_empty(), "nothing of it was ever inside");
    ensure!(
        short.iter().all(|cycle| *cycle <= complete),
        "an entry was used after the edit was complete at {complete}"
    );

    let session = session(&out)?;
    ensure!(session["state"] == "learning", "{session}");
    ensure!(session["moved"].as_u64() >= Some(2), "{session}");
    // The session began with one, the edit was another. What they promise is compared with the golden model, see
    // `acknowledged` in the report.
    ensure!(session["invalidations"].as_u64() >= Some(2), "{session}");
    let acknowledged = report["switch"]["acknowledged"].as_u64();
    ensure!(acknowledged >= Some(2), "{acknowledged:?} acknowledgements");
    Ok(())
}

/// Bit of the DSCP that is the mark.
const MARK: u8 = 0x04;

/// A UDP packet of a flow, from port `flow`; its DSCP is the number's low bits.
fn packet(flow: u16, number: u32) -> Vec<u8> {
    let mut frame = [VF1, VF0].concat();
    let tos = (number as u8 & 0x3f) << 2;
    frame.extend([8, 0, 0x45, tos, 0, 46, 1, 2, 0, 0, 64, 17, 0, 0]);
    frame.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    let sum = !sum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend(flow.to_be_bytes());
    frame.extend([0, 9, 0, 26, 0, 0]);
    frame.extend(number.to_be_bytes());
    padded(&frame)
}

/// The Internet checksum's sum: 0xffff over a header with a right one.
fn sum(header: &[u8]) -> u16 {
    let words = header
        .chunks(2)
        .map(|w| u32::from(w[0]) << 8 | u32::from(w[1]));
    let sum: u32 = words.sum();
    ((sum & 0xffff) + (sum >> 16)) as u16
}

fn a_mark_in_the_dscp() -> Result<()> {
    let dir = fresh("learning-dscp")?;
    let dscp = |name| -> Result<String> {
        let text = example(name)?;
        let tag = "mark = { field = \"outer-dei\" }";
        ensure!(text.contains(tag), "{name} has another mark");
        let mark = format!("mark = {{ field = \"dscp\", mask = {MARK}, set = {MARK} }}");
        Ok(text.replace(tag, &mark))
    };
    traffic(&dir, FRAMES, packet)?;
    let (replay, out) = configured(&dir, &dscp("nic.toml")?, &dscp("rules.toml")?)?;
    replay.run()?.ok()?;
    let report = schema::report(&out)?;
    for flow in FLOWS {
        let short = inside(&report, flow)?.len();
        ensure!(
            short > FRAMES as usize / 3,
            "{short} frames on the short path"
        );
        let arrived: Vec<_> = read(&out.join("vf1.pcap"))?
            .into_iter()
            .filter(|frame| frame[12..14] == [8, 0] && frame[34..36] == flow.to_be_bytes())
            .collect();
        ensure!(arrived.len() == FRAMES as usize, "{} frames", arrived.len());
        for (number, frame) in (0..).zip(&arrived) {
            let mut sent = packet(flow, number);
            let dscp = sent[15] & !(MARK << 2);
            ensure!(
                frame[15] == dscp,
                "frame {number}: DSCP {:#x}",
                frame[15] >> 2
            );
            ensure!(sum(&frame[14..34]) == 0xffff, "frame {number}: checksum");
            sent[15] = dscp;
            sent[24..26].copy_from_slice(&frame[24..26]);
            ensure!(*frame == sent, "frame {number} was changed elsewhere");
        }
    }
    Ok(())
}

fn another_key() -> Result<()> {
    let dir = fresh("learning-key")?;
    let rules = example("rules.toml")?;
    let at = rules.find("secret = \"").context("no secret")? + "secret = \"".len();
    let rules = format!("{}{}{}", &rules[..at], "00".repeat(16), &rules[at + 32..]);
    let (replay, out) = replay(&dir, &rules, FEW)?;
    replay.run()?.ok()?;
    let report = schema::report(&out)?;
    let all: Vec<u32> = (0..FEW).collect();
    for kind in FLOWS {
        ensure!(arrived(&out, kind)? == all, "the long way loses frames");
        ensure!(inside(&report, kind)?.is_empty(), "something was learned");
    }
    let session = session(&out)?;
    ensure!(session["state"] == "searching", "{session}");
    ensure!(session["learned"] == 0, "{session}");
    ensure!(
        session["refused"]["bad-tag"].as_u64() > Some(0),
        "{session}"
    );
    Ok(())
}

/// A host behind the switch's other port sends marked frames as if it were vf0, and control frames.
fn forged() -> Result<()> {
    let dir = fresh("learning-forged")?;
    // The switch does not relay the frames of vf0 itself to where it could mark them.
    let rules = example("rules.toml")?
        + "[[rule]]\nname = \"flags\"\npriority = 30\ntcp-flags = \"0x02/0x12\"\naction = \"deny\"\n";
    let (replay, out) = replay(&dir, &rules, FEW)?;
    let mut outside = Pcap::ethernet();
    for number in 0..FORGED {
        // DEI of the outer tag: the mark.
        let marked = tagged(&numbered(STRANGER, number), &[10 | 1 << 12, 100]);
        outside = outside.frame_at(100 + u64::from(number) * 10, &marked);
        let mut control = vec![0x01, 0x80, 0xc2, 0, 0, 0x0e];
        control.extend([2, 0, 0, 0, 0, 0x66, 0x88, 0xb5, 1, 2]);
        control.resize(100, number as u8);
        outside = outside.frame_at(105 + u64::from(number) * 10, &control);
    }
    outside.write(&dir.join("uplink.pcap"))?;
    replay
        .input("uplink", &dir.join("uplink.pcap"))
        .run()?
        .ok()?;
    let report = schema::report(&out)?;
    // They came through: they are from an address of ours, to another. Only the mark is gone.
    let all: Vec<u32> = (0..FORGED).collect();
    ensure!(
        arrived(&out, STRANGER)? == all,
        "the forged frames did not arrive"
    );
    ensure!(report["tables"]["learn"]["flow_events"] == 0, "{report}");
    let session = session(&out)?;
    ensure!(session["state"] == "learning", "{session}");
    ensure!(session["learned"] == 0, "{session}");
    Ok(())
}

/// vf1 sends frames of the protocol, marked frames with the tags of the link, and frames with the address of vf0.
fn a_vm_forges() -> Result<()> {
    let dir = fresh("learning-vm")?;
    let rules = example("rules.toml")?;
    let (replay, out) = replay(&dir, &rules, FRAMES)?;
    let mut hello = [VF0, VF1].concat();
    hello.extend([0x07, 0x00]);
    let mut vf1 = Pcap::ethernet().frame_at(1, &padded(&hello));
    for number in 0..FORGED {
        let at = 100 + u64::from(number) * 20;
        let mut control = vec![0x01, 0x80, 0xc2, 0, 0, 0x0e];
        control.extend(VF1);
        control.extend([0x88, 0xb5, 1, number as u8]);
        control.resize(100, number as u8);
        // From vf0, to itself.
        let spoofed = [&VF0, &numbered(STRANGER, number)[6..]].concat();
        let own = [&VF0, &VF1[..], &numbered(STRANGER, number)[12..]].concat();
        let marked = tagged(&own, &[10 | 1 << 12, 100]);
        vf1 = vf1
            .frame_at(at, &control)
            .frame_at(at + 5, &spoofed)
            .frame_at(at + 10, &marked);
    }
    vf1.write(&dir.join("vf1.pcap"))?;
    replay.run()?.ok()?;
    let report = schema::report(&out)?;

    let drops = &report["ports"]["vf1"]["drops"];
    for (reason, count) in [
        ("reserved-address", FORGED),
        ("source-mac", FORGED),
        ("tag-not-allowed", FORGED),
    ] {
        ensure!(drops[reason] == count, "{reason}: {drops}");
    }
    ensure!(
        arrived(&out, STRANGER)?.is_empty(),
        "a forged frame arrived"
    );
    // The flows of vf0 are learned and in order, as if nobody had tried.
    let all: Vec<u32> = (0..FRAMES).collect();
    for kind in FLOWS {
        ensure!(arrived(&out, kind)? == all, "frames were lost or reordered");
        let short = inside(&report, kind)?.len();
        ensure!(short > FRAMES as usize / 3, "only {short} frames inside");
    }
    let session = session(&out)?;
    ensure!(session["state"] == "learning", "{session}");
    ensure!(session["learned"] == 2, "{session}");
    // The first HELLO of the switch, which is for no session: it came before the one that answers the NIC's, or after
    // it. Nothing else.
    let firsts = ["unproven", "wrong-peer"].map(|why| serde_json::json!({why: 1}));
    ensure!(firsts.contains(&session["refused"]), "{session}");
    Ok(())
}

/// Everything that a switch has sent to a NIC, with its signatures and marks, comes to a NIC with the same keys whose
/// session is another, and no switch is there.
fn a_session_again() -> Result<()> {
    let heard = fresh("learning-heard")?;
    let (replay, out) = replay(&heard, &example("rules.toml")?, FRAMES)?;
    replay.run()?.ok()?;
    ensure!(session(&out)?["learned"] == 2, "nothing to be heard");

    let dir = fresh("learning-again")?;
    let again = dir.join("out");
    traffic(&dir, FEW, numbered)?;
    Replay::new(&root().join("examples/learning/nic.toml"), &again)
        .input("vf0", &dir.join("vf0.pcap"))
        .input("vf1", &dir.join("vf1.pcap"))
        .input("uplink", &out.join("uplink-in.pcap"))
        .arg("--seed")
        .arg("2")
        .run()?
        .ok()?;
    let report = schema::report(&again)?;
    // The marked frames came as far as the firmware.
    let events = report["tables"]["learn"]["flow_events"].as_u64();
    ensure!(events > Some(0), "{events:?} marked frames");
    for kind in FLOWS {
        ensure!(inside(&report, kind)?.is_empty(), "something was learned");
    }
    let session = session(&again)?;
    ensure!(session["state"] == "searching", "{session}");
    ensure!(session["learned"] == 0, "{session}");
    let refused = session["refused"].as_object().context("no refusals")?;
    let refused: u64 = refused.values().filter_map(Value::as_u64).sum();
    ensure!(refused > 0, "{session}");
    Ok(())
}
