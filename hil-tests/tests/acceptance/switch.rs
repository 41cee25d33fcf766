// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The NIC in `vepa` mode with the adjacent switch at its uplink.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::capture::{padded, read};
use crate::demo::{PORTS, demo};
use crate::program::{Replay, demo_file, fresh, root};
use crate::refusal::{Refusal, refused};
use crate::{schema, test};

/// The VMs, without those behind the vSwitch.
const VFS: [&str; 4] = ["vf0", "vf1", "vf2", "vf3"];
const SSH: u16 = 22;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "switch: by way of it every VM gets what it gets without, in order",
            the_long_way,
        ),
        test(
            "switch: what a rule denies arrives nowhere, all else does",
            denied,
        ),
        test(
            "switch: a rule that is added meanwhile holds from then on",
            edited,
        ),
        test(
            "switch: a script with a wrong line is refused before the run",
            wrong_script,
        ),
        test(
            "switch: a file without a port for the NIC is refused",
            no_nic_port,
        ),
        test(
            "switch: an uplink capture needs a port to come in by",
            no_outside_port,
        ),
    ]
}

fn example(name: &str) -> PathBuf {
    root().join("examples/vepa").join(name)
}

/// The demo's traffic with the switch of `rules`.
fn replay(rules: &Path, out: &Path) -> Replay {
    let replay = Replay::new(&example("nic.toml"), out)
        .arg("--switch")
        .arg(rules);
    PORTS.iter().fold(replay, |replay, port| {
        replay.input(port, &demo_file(&format!("{port}.pcap")))
    })
}

/// A folder, and in it `rules.toml` with this text.
fn with_rules(name: &str, text: &str) -> Result<(PathBuf, PathBuf)> {
    let dir = fresh(&format!("switch-{name}"))?;
    let rules = dir.join("rules.toml");
    fs::write(&rules, text)?;
    Ok((dir, rules))
}

/// The rules of the example, cut off before the first line that begins so.
fn up_to(line: &str) -> Result<String> {
    let text = fs::read_to_string(example("rules.toml"))?;
    let at = text.find(line).with_context(|| format!("no {line}"))?;
    Ok(text[..at].to_owned())
}

fn counted(frames: &[Vec<u8>]) -> BTreeMap<&[u8], u32> {
    let mut counted = BTreeMap::new();
    for frame in frames {
        *counted.entry(&frame[..]).or_default() += 1;
    }
    counted
}

/// Destination port of a TCP segment without tags, if it is one.
fn tcp_port(frame: &[u8]) -> Option<u16> {
    let at = match frame.get(12..14)? {
        [0x08, 0x00] if frame.get(23) == Some(&6) => 14 + 4 * usize::from(frame.get(14)? & 15),
        [0x86, 0xdd] if frame.get(20) == Some(&6) => 54,
        _ => return None,
    };
    let port = frame.get(at + 2..at + 4)?;
    Some(u16::from_be_bytes([port[0], port[1]]))
}

fn the_long_way() -> Result<()> {
    let (dir, rules) = with_rules("open", &up_to("[[rule]]")?)?;
    let out = dir.join("out");
    replay(&rules, &out).run()?.ok()?;
    let report = schema::report(&out)?;
    for port in ["vf0", "vf1", "vf2", "vf3", "vf7"] {
        let name = format!("{port}.pcap");
        let (direct, long) = (read(&demo()?.dir.join(&name))?, read(&out.join(&name))?);
        ensure!(!long.is_empty(), "{port} got nothing");
        ensure!(
            counted(&direct) == counted(&long),
            "{port} got {} frames, not the {} of the demo",
            long.len(),
            direct.len()
        );
    }
    // Both VMs of a tenant: what one gets of the other is in the order in which the other sent it.
    for (from, to) in [
        ("vf0", "vf1"),
        ("vf1", "vf0"),
        ("vf2", "vf3"),
        ("vf3", "vf2"),
    ] {
        let sent = read(&demo_file(&format!("{from}.pcap")))?;
        let own = sent[0][6..12].to_vec();
        let mut rest = sent.iter();
        let got = read(&out.join(format!("{to}.pcap")))?;
        let got: Vec<_> = got.iter().filter(|frame| frame[6..12] == own).collect();
        ensure!(got.len() > 100, "{to} got {} frames of {from}", got.len());
        for frame in got {
            ensure!(
                rest.any(|sent| padded(sent) == *frame),
                "{to} got a frame of {from} out of its order"
            );
        }
    }
    // No VM's frame was switched inside the NIC, and what came back is in the capture that says so.
    for line in report["frames"].as_array().context("no frames")? {
        let inside = line["decision"] == "local" && line["in"] != "uplink";
        ensure!(!inside, "switched inside: {line}");
    }
    let nic = &report["switch"]["ports"]["nic0"];
    ensure!(nic["out_frames"] == read(&out.join("uplink-in.pcap"))?.len());
    ensure!(nic["in_frames"] == read(&out.join("uplink.pcap"))?.len());
    let up = &report["switch"]["ports"]["up"];
    ensure!(up["out_frames"] == read(&out.join("switch-up.pcap"))?.len());
    Ok(())
}

fn denied() -> Result<()> {
    let dir = fresh("switch-denied")?;
    let out = dir.join("out");
    replay(&example("rules.toml"), &out).run()?.ok()?;
    let report = schema::report(&out)?;
    let ports = &report["switch"]["ports"];
    let denied = |name: &str| ports[name]["denied"].as_u64().context("no count");
    ensure!(denied("nic0")? > 0, "nothing was denied: {ports}");
    let mut missing = 0;
    for port in VFS {
        let name = format!("{port}.pcap");
        let (direct, got) = (read(&demo()?.dir.join(&name))?, read(&out.join(&name))?);
        let of_b = port >= "vf2";
        let may = |frame: &&Vec<u8>| !(of_b && tcp_port(frame) == Some(SSH));
        let wanted: Vec<Vec<u8>> = direct.iter().filter(may).cloned().collect();
        ensure!(counted(&wanted) == counted(&got), "{port}: {}", got.len());
        missing += direct.len() - got.len();
    }
    ensure!(missing > 10, "only {missing} frames were denied");
    Ok(())
}

/// Half of the traffic passes without the rule, the other half with it.
fn edited() -> Result<()> {
    let rules = fs::read_to_string(example("rules.toml"))?;
    let (dir, open) = with_rules("edited", &up_to("[[rule]]")?)?;
    let rule = rules.find("[[rule]]").context("no rule")?;
    fs::write(dir.join("more.toml"), &rules[rule..])?;
    fs::write(dir.join("edits"), "# half-way\n1300000 add more.toml\n")?;
    let out = dir.join("out");
    let replay = replay(&open, &out)
        .arg("--switch-edits")
        .arg(dir.join("edits"));
    replay.run()?.ok()?;
    let report = schema::report(&out)?;
    let edit = &report["switch"]["edits"][0];
    ensure!(
        edit["cycle"] == 1_300_000
            && edit["command"] == "add more.toml"
            && edit["complete"].is_u64(),
        "{edit}"
    );
    let (mut before, mut after) = (0, 0);
    for port in ["vf2", "vf3"] {
        let ssh = |dir: &Path| -> Result<Vec<Vec<u8>>> {
            let frames = read(&dir.join(format!("{port}.pcap")))?;
            let ssh = frames.into_iter().filter(|f| tcp_port(f) == Some(SSH));
            Ok(ssh.collect())
        };
        let (all, got) = (ssh(&demo()?.dir)?, ssh(&out)?);
        ensure!(all.starts_with(&got), "{port} got others than the first");
        before += got.len();
        after += all.len() - got.len();
    }
    ensure!(before > 0, "the rule held from the beginning");
    ensure!(after > 0, "the rule never held");
    Ok(())
}

fn wrong_script() -> Result<()> {
    let (dir, rules) = with_rules("script", &fs::read_to_string(example("rules.toml"))?)?;
    let script = dir.join("edits");
    fs::write(&script, "10 remove no-ssh-for-b\n20 remove no-ssh-for-b\n")?;
    let expected = Refusal {
        code: "bad-switch-edit",
        field: "rules".to_owned(),
        file: script.clone(),
        line: Some(2),
        says: "no rule `no-ssh-for-b`".to_owned(),
        fix: "hairpin-switch check",
    };
    let replay = |out: &Path| {
        replay(&rules, out)
            .arg("--switch-edits")
            .arg(script.clone())
    };
    refused(&dir, replay, &expected)
}

fn no_nic_port() -> Result<()> {
    let two = up_to("[[port]]")?
        + "[[port]]\nname = \"a\"\nreflects = true\n[[port]]\nname = \"b\"\nreflects = true\n";
    let (dir, rules) = with_rules("two", &two)?;
    let expected = Refusal {
        code: "no-nic-port",
        field: "port".to_owned(),
        file: rules.clone(),
        line: None,
        says: "not 2".to_owned(),
        fix: "nic = true",
    };
    refused(&dir, |out| replay(&rules, out), &expected)
}

fn no_outside_port() -> Result<()> {
    let one = up_to("[[port]]")? + "[[port]]\nname = \"nic0\"\nreflects = true\n";
    let (dir, rules) = with_rules("one", &one)?;
    let expected = Refusal {
        code: "no-outside-port",
        field: "--in uplink".to_owned(),
        file: rules.clone(),
        line: None,
        says: "another port".to_owned(),
        fix: "add a [[port]]",
    };
    refused(&dir, |out| replay(&rules, out), &expected)
}
