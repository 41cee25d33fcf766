// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Wrong configurations, captures and arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::capture::{Pcap, frame};
use crate::program::{Replay, contents, demo_file, fresh, hairpin};
use crate::refusal::{Refusal, as_text, error_code, refused};
use crate::{Verdict, may_skip, test};

/// A change to the demo's configuration that makes it wrong.
struct Config {
    name: &'static str,
    /// What is replaced, and by what; the error must be in the line of the last of these words.
    from: &'static str,
    to: &'static str,
    at: &'static str,
    code: &'static str,
    field: &'static str,
    says: &'static str,
    fix: &'static str,
}

const CONFIGS: &[Config] = &[
    Config {
        name: "an unknown key",
        from: "spoofchk = true",
        to: "spoofcheck = true",
        at: "spoofcheck",
        code: "unknown-key",
        field: "vport[0].spoofcheck",
        says: "spoofcheck",
        fix: "spoofchk",
    },
    Config {
        name: "a duplicate vPort",
        from: "name = \"vf1\"",
        to: "name = \"vf0\" # again",
        at: "# again",
        code: "duplicate-vport",
        field: "vport[1].name",
        says: "vf0 is already there",
        fix: "once",
    },
    Config {
        name: "a duplicate MAC in a V.VLAN",
        from: "02:00:00:00:0a:01",
        to: "02:00:00:00:0A:00",
        at: "0A:00",
        code: "duplicate-mac",
        field: "vport[1].mac",
        says: "02:00:00:00:0a:00 is already in V.VLAN 100: vport[0].mac",
        fix: "once",
    },
    Config {
        name: "V.VLAN 0",
        from: "id = 100",
        to: "id = 0 # none",
        at: "# none",
        code: "bad-vvlan",
        field: "vvlan[0].id",
        says: "0 is not a V.VLAN ID",
        fix: "1 to 4094",
    },
    Config {
        name: "V.VLAN 4095",
        from: "id = 200",
        to: "id = 4095",
        at: "id = 4095",
        code: "bad-vvlan",
        field: "vvlan[1].id",
        says: "4095 is not a V.VLAN ID",
        fix: "1 to 4094",
    },
    Config {
        name: "a group MAC on a vPort",
        from: "02:00:00:00:0b:01",
        to: "03:00:00:00:0b:01",
        at: "03:00",
        code: "group-mac",
        field: "vport[3].mac",
        says: "03:00:00:00:0b:01 is a group address",
        fix: "unicast",
    },
    Config {
        name: "mode and miss that do not go together",
        from: "vlan = 10\nmode = \"veb\"",
        to: "vlan = 10\nmode = \"veb\"\nmiss = \"external\"",
        at: "miss = ",
        code: "mode-miss",
        field: "vvlan[0].miss",
        says: "external",
        fix: "ignore",
    },
    Config {
        name: "mode vepa beside a switch that does not reflect",
        from: "vlan = 20\nmode = \"veb\"",
        to: "vlan = 20\nmode = \"vepa\"",
        at: "mode = \"vepa\"",
        code: "needs-reflects",
        field: "vvlan[1].mode",
        says: "reflects is false",
        fix: "reflects = true",
    },
    Config {
        name: "more VFs than the NIC has",
        from: "name = \"vf3\"",
        to: "name = \"vf9\"",
        at: "vf9",
        code: "too-many-vfs",
        field: "vport[3].name",
        says: "8 VFs",
        fix: "vf7",
    },
    Config {
        name: "more VFs than any NIC has",
        from: "name = \"vf3\"",
        to: "name = \"vf64\"",
        at: "vf64",
        code: "too-many-vfs",
        field: "vport[3].name",
        says: "no NIC has a VF 64",
        fix: "vf63",
    },
    Config {
        name: "broken syntax",
        from: "spoofchk = false",
        to: "spoofchk = = false",
        at: "= = false",
        code: "config-syntax",
        field: "",
        says: "extra `=`",
        fix: "TOML",
    },
];

/// A capture that cannot be played.
struct Capture {
    name: &'static str,
    bytes: fn() -> Vec<u8>,
    code: &'static str,
    says: &'static str,
    fix: &'static str,
}

const CAPTURES: &[Capture] = &[
    Capture {
        name: "a truncated capture",
        bytes: || {
            let mut bytes = Pcap::ethernet().frame(&hello(60)).frame(&hello(60)).bytes();
            bytes.truncate(bytes.len() - 7);
            bytes
        },
        code: "capture-truncated",
        says: "packet 1",
        fix: "whole packets",
    },
    Capture {
        name: "a capture cut in its header",
        bytes: || Pcap::ethernet().bytes()[..20].to_vec(),
        code: "capture-truncated",
        says: "the file header",
        fix: "",
    },
    Capture {
        name: "a snapped capture",
        bytes: || {
            Pcap::ethernet()
                .frame(&hello(60))
                .snapped(&hello(96), 1514)
                .bytes()
        },
        code: "capture-snapped",
        says: "packet 1 (number 2 in Wireshark) was snapped: 96 of 1514 bytes",
        fix: "tcpdump -s 0",
    },
    Capture {
        name: "a capture that is not Ethernet",
        // Linux cooked, as `tcpdump -i any` records.
        bytes: || Pcap::new(113).frame(&hello(60)).bytes(),
        code: "capture-not-ethernet",
        says: "is not Ethernet",
        fix: "Ethernet interface",
    },
    Capture {
        name: "an oversized frame",
        bytes: || Pcap::ethernet().frame(&hello(9217)).bytes(),
        code: "capture-oversized",
        says: "packet 0 (number 1 in Wireshark) is 9217 bytes long, the port carries at most 9216",
        fix: "TSO",
    },
    Capture {
        name: "a frame without an Ethernet header",
        bytes: || Pcap::ethernet().frame(&hello(60)).frame(&[2; 13]).bytes(),
        code: "capture-too-short",
        says: "packet 1 (number 2 in Wireshark) is 13 bytes long",
        fix: "editcap",
    },
    Capture {
        name: "a file that is no capture",
        bytes: || b"GIF89a, surely not a capture".to_vec(),
        code: "capture-unknown-format",
        says: "not a pcap or pcapng file",
        fix: "tcpdump -w",
    },
    Capture {
        name: "an empty file",
        bytes: Vec::new,
        code: "capture-unknown-format",
        says: "not a pcap or pcapng file",
        fix: "tcpdump -w",
    },
];

pub(crate) fn tests() -> Vec<Trial> {
    let configs = CONFIGS
        .iter()
        .map(|case| test(format!("bad input: {}", case.name), || config(case)));
    let captures = CAPTURES
        .iter()
        .map(|case| test(format!("bad input: {}", case.name), || capture(case)));
    let others = [
        test(
            "bad input: a configuration that is not there",
            missing_config,
        ),
        test("bad input: a capture that is not there", missing_capture),
        may_skip(
            "bad input: a capture that may not be read",
            forbidden_capture,
        ),
        test("bad input: waves where no file can be", waves_nowhere),
        test(
            "bad input: a folder in place of a capture",
            folder_as_capture,
        ),
        test(
            "bad input: a capture for a vPort that is not configured",
            unconfigured_port,
        ),
        test("bad input: two captures for one port", two_captures),
        test("bad input: a folder that is not empty", full_folder),
        test("bad input: a file in place of the folder", file_as_folder),
        test("bad input: a folder below a file", folder_below_a_file),
        test("bad input: wrong usage", wrong_usage),
    ];
    configs.chain(captures).chain(others).collect()
}

/// A frame that the demo's configuration lets pass.
fn hello(len: usize) -> Vec<u8> {
    frame([2, 0, 0, 0, 0x0a, 1], [2, 0, 0, 0, 0x0a, 0], len)
}

fn config(case: &Config) -> Result<()> {
    let dir = fresh(&format!("config-{}", case.name.replace(' ', "-")))?;
    let demo = fs::read_to_string(demo_file("nic.toml"))?;
    let text = demo.replacen(case.from, case.to, 1);
    ensure!(text != demo, "the demo does not say {:?}", case.from);
    let line = text.lines().position(|line| line.contains(case.at));
    let file = dir.join("nic.toml");
    fs::write(&file, text)?;
    let expected = Refusal {
        code: case.code,
        field: case.field.to_owned(),
        file: file.clone(),
        line: Some(line.context("no such line")? + 1),
        says: case.says.to_owned(),
        fix: case.fix,
    };
    refused(
        &dir,
        |out| Replay::new(&file, out).input("vf0", &demo_file("vf0.pcap")),
        &expected,
    )
}

fn capture(case: &Capture) -> Result<()> {
    let dir = fresh(&format!("capture-{}", case.name.replace(' ', "-")))?;
    let file = dir.join("in.pcap");
    fs::write(&file, (case.bytes)())?;
    refused(
        &dir,
        |out| play(out, &file),
        &about_capture(case.code, &file, case.says, case.fix),
    )
}

/// Plays a capture into vf0 of the demo.
fn play(out: &Path, file: &Path) -> Replay {
    Replay::new(&demo_file("nic.toml"), out).input("vf0", file)
}

fn about_capture(code: &'static str, file: &Path, says: &str, fix: &'static str) -> Refusal {
    Refusal {
        code,
        field: "--in vf0".to_owned(),
        file: file.to_owned(),
        line: None,
        says: says.to_owned(),
        fix,
    }
}

fn missing_config() -> Result<()> {
    let dir = fresh("missing-config")?;
    let file = dir.join("missing.toml");
    let expected = Refusal {
        code: "config-unreadable",
        field: "--config".to_owned(),
        file: file.clone(),
        line: None,
        says: "No such file".to_owned(),
        fix: "check the path",
    };
    refused(
        &dir,
        |out| Replay::new(&file, out).input("vf0", &demo_file("vf0.pcap")),
        &expected,
    )
}

fn missing_capture() -> Result<()> {
    let dir = fresh("missing-capture")?;
    let file = dir.join("missing.pcap");
    let expected = about_capture(
        "capture-unreadable",
        &file,
        "No such file",
        "check the path",
    );
    refused(&dir, |out| play(out, &file), &expected)
}

fn forbidden_capture() -> Result<Verdict> {
    let dir = fresh("forbidden-capture")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0))?;
    if fs::read(&file).is_ok() {
        return Ok(Verdict::Skipped("this user may read every file"));
    }
    let run = play(&dir.join("out"), &file).run()?;
    let expected = about_capture(
        "capture-unreadable",
        &file,
        "Permission denied",
        "permissions",
    );
    as_text(&run, &expected).with_context(|| format!("{run:?}"))?;
    ensure!(!dir.join("out").exists(), "something was written");
    Ok(Verdict::Held)
}

fn waves_nowhere() -> Result<()> {
    let dir = fresh("waves-nowhere")?;
    let input = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&input)?;
    let file = dir.join("missing/run.fst");
    let expected = Refusal {
        code: "waves-unwritable",
        field: "--waves".to_owned(),
        file: file.clone(),
        line: None,
        says: "No such file".to_owned(),
        fix: "a folder that exists",
    };
    refused(
        &dir,
        |out| play(out, &input).arg("--waves").arg(&file),
        &expected,
    )
}

fn folder_as_capture() -> Result<()> {
    let dir = fresh("folder-as-capture")?;
    let expected = about_capture(
        "capture-unreadable",
        &dir,
        "Is a directory",
        "check the path",
    );
    refused(&dir, |out| play(out, &dir), &expected)
}

fn unconfigured_port() -> Result<()> {
    let dir = fresh("unconfigured-port")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let expected = Refusal {
        code: "unknown-port",
        field: "--in vf5".to_owned(),
        file: demo_file("nic.toml"),
        line: None,
        says: "no such vPort".to_owned(),
        fix: "add a [[vport]] with name = \"vf5\"",
    };
    let replay = |out: &Path| Replay::new(&demo_file("nic.toml"), out).input("vf5", &file);
    refused(&dir, replay, &expected)
}

fn two_captures() -> Result<()> {
    let dir = fresh("two-captures")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let expected = about_capture("duplicate-input", &file, "already", "one capture");
    refused(&dir, |out| play(out, &file).input("vf0", &file), &expected)
}

/// Without `--force`, a folder with something in it stays as it is; with it, the replay runs.
fn full_folder() -> Result<()> {
    let dir = fresh("full-folder")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let out = dir.join("out");
    fs::create_dir(&out)?;
    fs::write(out.join("mine.txt"), "mine")?;
    let before = contents(&dir)?;
    let run = play(&out, &file).run()?;
    let expected = Refusal {
        code: "out-not-empty",
        field: "--out".to_owned(),
        file: out.clone(),
        line: None,
        says: "not empty".to_owned(),
        fix: "--force",
    };
    as_text(&run, &expected).with_context(|| format!("{run:?}"))?;
    let run = play(&out, &file).arg("--json").run()?;
    ensure!(run.status == 1, "{run:?}");
    error_code(&run.json()?, "out-not-empty")?;
    ensure!(contents(&dir)? == before, "something was written");
    play(&out, &file).arg("--force").run()?.ok()?;
    ensure!(out.join("report.json").is_file(), "no report with --force");
    ensure!(
        fs::read(out.join("mine.txt"))? == b"mine",
        "--force took more than it writes"
    );
    Ok(())
}

fn file_as_folder() -> Result<()> {
    let dir = fresh("file-as-folder")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let before = contents(&dir)?;
    let run = play(&file, &file).arg("--force").arg("--json").run()?;
    ensure!(run.status == 1, "{run:?}");
    error_code(&run.json()?, "out-unusable")?;
    ensure!(contents(&dir)? == before, "something was written");
    Ok(())
}

/// Found before the replay, not after it.
fn folder_below_a_file() -> Result<()> {
    let dir = fresh("folder-below-a-file")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let below_a_file = file.join("out");
    let expected = Refusal {
        code: "out-unusable",
        field: "--out".to_owned(),
        file: below_a_file.clone(),
        line: None,
        says: "cannot use the folder".to_owned(),
        fix: "name a folder",
    };
    let run = play(&below_a_file, &file).run()?;
    as_text(&run, &expected).with_context(|| format!("{run:?}"))
}

/// The command line itself: status 2, and JSON if asked for.
fn wrong_usage() -> Result<()> {
    let wrong: [(&[&str], &str); 6] = [
        (&["replay"], "--config <FILE>"),
        (
            &["replay", "--config", "n.toml", "--out", "x"],
            "--in <PORT=FILE>",
        ),
        (
            &[
                "replay",
                "--config",
                "n.toml",
                "--in",
                "core=a.pcap",
                "--out",
                "x",
            ],
            "vf0 to vf63 or uplink",
        ),
        (
            &["replay", "--config", "n.toml", "--in", "vf0", "--out", "x"],
            "vf0=a.pcap",
        ),
        (
            &[
                "replay",
                "--config",
                "n.toml",
                "--in",
                "vf0=a",
                "--out",
                "x",
                "--max-gap",
                "few",
            ],
            "a number of cycles or \"none\"",
        ),
        (&["port", "paint"], "'paint'"),
    ];
    for (args, says) in wrong {
        let run = hairpin(args)?;
        ensure!(
            run.status == 2 && run.stdout.is_empty(),
            "{args:?}: {run:?}"
        );
        ensure!(run.stderr.starts_with("error: "), "{args:?}: {run:?}");
        let run = hairpin([args, &["-j"]].concat())?;
        ensure!(run.status == 2, "{args:?}: {run:?}");
        let document = run.json()?;
        error_code(&document, "usage").with_context(|| format!("{args:?}"))?;
        let message = document["error"]["message"].as_str().unwrap_or_default();
        ensure!(
            message.contains(says),
            "{args:?}: {message:?} does not say {says:?}"
        );
    }
    Ok(())
}
