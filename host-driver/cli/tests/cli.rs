// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The program as a person uses it.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::{hairpin, report_dir, snapshot};
use hairpin_driver::MAP_HASH;
use hairpin_driver::report::FirmwareRun;

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn help(args: &[&str]) -> String {
    stdout(&hairpin(Path::new("/nonexistent"), args))
}

#[test]
fn version_names_the_register_map() {
    assert!(help(&["--version"]).contains(&format!("register map {MAP_HASH:016x}")));
}

/// Run where none of their files and devices are, all fail for that and not because they are wrong usage.
#[test]
fn every_command_of_the_guide_is_understood() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/guide");
    let mut found = 0;
    for page in fs::read_dir(guide).unwrap() {
        let page = fs::read_to_string(page.unwrap().path()).unwrap();
        let blocks = page.split("```").skip(1).step_by(2);
        for block in blocks.filter_map(|block| block.strip_prefix("sh\n")) {
            for line in block.replace("\\\n", " ").lines() {
                let line = line.strip_prefix("target/sim/").unwrap_or(line);
                let Some(words) = line.strip_prefix("hairpin ") else {
                    continue;
                };
                let words = words.split_whitespace();
                let args: Vec<_> = words.take_while(|word| *word != "#").collect();
                // A server in the background needs no file.
                if args.last() == Some(&"&") {
                    continue;
                }
                let output = hairpin(Path::new("/nonexistent"), &args);
                assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
                found += 1;
            }
        }
    }
    assert!(found > 30, "{found} commands");
}

#[test]
fn every_help_has_an_example() {
    let leaves: [&[&str]; 34] = [
        &[],
        &["replay"],
        &["sim"],
        &["dev", "info"],
        &["port", "show"],
        &["vvlan", "show"],
        &["port", "set"],
        &["vvlan", "set"],
        &["vvlan", "del"],
        &["fdb", "show"],
        &["fdb", "monitor"],
        &["fdb", "add"],
        &["fdb", "del"],
        &["fdb", "flush"],
        &["flow", "show"],
        &["flow", "add"],
        &["flow", "del"],
        &["flow", "flush"],
        &["pool", "show"],
        &["pool", "set"],
        &["filter", "show"],
        &["filter", "add"],
        &["filter", "del"],
        &["rss", "show"],
        &["rss", "set"],
        &["rss", "del"],
        &["mac", "pool"],
        &["log"],
        &["health", "show"],
        &["stats"],
        &["apply"],
        &["tap"],
        &["completions"],
        &["man"],
    ];
    for command in leaves {
        let text = help(&[command, &["--help"]].concat());
        assert!(text.contains("Example"), "{command:?}");
        assert!(text.contains("hairpin "), "{command:?}");
    }
}

#[test]
fn a_person_sees_tables() {
    let dir = report_dir();
    let text = |args: &[&str]| stdout(&hairpin(dir.path(), args));
    let ports = text(&["port", "show"]);
    assert!(ports.starts_with("PORT  STATE    ROLE"), "{ports}");
    assert_eq!(ports.lines().count(), 3);
    assert_eq!(text(&["port", "show", "vf1"]).lines().count(), 2);
    let pools = text(&["pool", "show"]);
    assert!(pools.contains("28 of 32"), "{pools}");
    assert_eq!(text(&["pool", "show", "vf0"]), pools);
    assert!(
        text(&["vvlan", "show", "100"])
            .contains("10,11   veb   ignore  vf0,vf1  vf1      src,da max 1024")
    );
    assert!(text(&["fdb", "show"]).contains("100    02:00:00:00:00:01  vf0   static"));
    assert!(text(&["dev", "info"]).contains("VFs           8"));
    assert!(text(&["health", "show"]).contains("firmware      running\n"));
    assert_eq!(
        text(&["log"]),
        "0.000012 INFO  ready\n0.000012 WARN  learning refused\n"
    );
    assert_eq!(text(&["log", "--level", "warn"]).lines().count(), 1);
    let stats = text(&["stats"]);
    for part in [
        "source-mac 1",
        "MAC table: 5 of 4096 entries",
        "vvlan 100   7     700",
        "2 beyond a quota",
    ] {
        assert!(stats.contains(part), "{part}: {stats}");
    }
    let health = text(&["health", "show"]);
    assert!(
        health.contains("warning       address table: 2 insertions were beyond a quota"),
        "{health}"
    );
    assert!(
        health.contains("warning       events: 3 were lost"),
        "{health}"
    );
    assert!(text(&["dev", "info"]).contains("flow cache    4096 flows\n"));
}

#[test]
fn flows_and_events_are_shown_and_selected() {
    let dir = report_dir();
    let text = |args: &[&str]| stdout(&hairpin(dir.path(), args));
    let flows = text(&["flow", "show"]);
    let first = "100    from vf0 da 02:00:00:00:00:01     drop               flow     2097152     7       700";
    assert!(flows.contains(first), "{flows}");
    assert!(flows.contains("redirect port vf1"), "{flows}");
    assert_eq!(flows.lines().count(), 3);
    assert_eq!(
        text(&["flow", "show", "--vvlan", "100", "--port", "vf1"])
            .lines()
            .count(),
        2
    );
    assert_eq!(text(&["flow", "show", "--port", "vf0"]).lines().count(), 2);
    let events = text(&["fdb", "monitor"]);
    assert!(events.starts_with("Recorded by a replay"), "{events}");
    assert!(
        events.contains("900    moved    vf1   100    02:00:00:00:00:07"),
        "{events}"
    );
    assert_eq!(
        text(&["fdb", "monitor", "--vvlan", "200"]).lines().count(),
        3
    );
}

#[test]
fn stats_can_be_watched() {
    let dir = report_dir();
    let text = stdout(&hairpin(
        dir.path(),
        &["stats", "--watch", "--interval", "1000"],
    ));
    assert!(
        text.starts_with("Recorded by a replay; every 1000 cycles"),
        "{text}"
    );
    let rows: Vec<Vec<u64>> = text
        .lines()
        .skip(2)
        .map(|line| {
            line.split_whitespace()
                .map(|word| word.parse().unwrap())
                .collect()
        })
        .collect();
    // Two frames in the first thousand cycles, one of them dropped; a flow in the third.
    assert_eq!(rows[0], [1000, 2, 1, 1, 1, 0, 5, 0]);
    assert_eq!(rows[2], [3000, 0, 0, 0, 0, 0, 5, 1]);
    assert_eq!((rows.len(), rows[4][0]), (5, 4096));
    let only = stdout(&hairpin(dir.path(), &["stats", "uplink", "--watch"]));
    assert!(
        only.lines()
            .nth(2)
            .is_some_and(|line| line.starts_with("4096   0   0")),
        "{only}"
    );
    let output = hairpin(dir.path(), &["stats", "--interval", "1000"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_change_is_checked_and_then_needs_a_live_nic() {
    let dir = report_dir();
    let failing = |args: &[&str], status: i32, says: &str| {
        let output = hairpin(dir.path(), args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{args:?}: {text}");
        assert!(
            text.contains(says) && (status == 2 || text.contains("help: ")),
            "{args:?}: {text}"
        );
    };
    failing(&["flow", "flush", "all"], 1, "cannot be changed");
    failing(
        &["port", "set", "vf1", "state", "disable"],
        1,
        "--edits FILE",
    );
    failing(&["flow", "flush", "everything"], 2, "one scope");
    failing(
        &["flow", "add", "vvlan", "100", "action", "explode"],
        2,
        "`explode` is no action",
    );
    failing(&["flow", "add"], 2, "KEY VALUE");
    failing(&["vvlan", "set", "100", "cache", "maybe"], 2, "on or off");
    let output = Command::new(env!("CARGO_BIN_EXE_hairpin"))
        .args([
            "-j",
            "-d",
            "pci/ffff:ff:1f.7",
            "fdb",
            "del",
            "vvlan",
            "1",
            "mac",
            "02:00:00:00:00:01",
        ])
        .env_remove("HAIRPIN_REPORT")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("\"no-device\""),
        "{output:?}"
    );
}

#[test]
fn a_nic_without_a_flow_cache_says_so() {
    let dir = report_dir();
    let mut plain = snapshot(FirmwareRun::Running);
    plain.info.capabilities.flow_cache = false;
    plain.write_file(dir.path()).unwrap();
    let output = hairpin(dir.path(), &["flow", "show"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no flow cache"));
    let stats = stdout(&hairpin(dir.path(), &["dev", "info"]));
    assert!(stats.contains("flow cache    no\n"), "{stats}");
}

#[test]
fn what_an_older_version_wrote_is_still_read() {
    let dir = report_dir();
    let strip = |file: &str, keys: &[&str]| {
        let path = dir.path().join(file);
        let mut document: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for key in keys {
            assert!(
                document.as_object_mut().unwrap().remove(*key).is_some(),
                "{key}"
            );
        }
        fs::write(&path, document.to_string()).unwrap();
    };
    strip(
        "report.json",
        &["run", "cache", "occupancy", "events", "edits"],
    );
    strip("device.json", &["flows", "tables"]);
    for command in [
        &["stats"][..],
        &["fdb", "monitor"],
        &["flow", "show"],
        &["dev", "info"],
    ] {
        stdout(&hairpin(dir.path(), command));
    }
}

#[test]
fn a_hung_firmware_is_called_so() {
    let dir = report_dir();
    snapshot(FirmwareRun::Hung).write_file(dir.path()).unwrap();
    let text = stdout(&hairpin(dir.path(), &["health", "show"]));
    assert!(
        text.contains("HUNG") && text.contains("the datapath keeps forwarding"),
        "{text}"
    );
    assert!(
        text.contains("cause         the watchdog ran out") && text.contains("next step     see"),
        "{text}"
    );
}

#[test]
fn errors_go_to_stderr_with_place_and_fix() {
    let dir = tempfile::tempdir().unwrap();
    let failing = |args: &[&str], status: i32, parts: &[&str]| {
        let output = hairpin(dir.path(), args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{args:?}: {text}");
        assert!(output.stdout.is_empty());
        for part in parts {
            assert!(text.contains(part), "{args:?}: {text}");
        }
    };
    failing(&["stats"], 1, &["report.json", "cannot read", "help:"]);
    failing(
        &["-d", "pci/ffff:ff:1f.7", "dev", "info"],
        1,
        &["there is no PCI function", "help:"],
    );
    failing(&["port"], 2, &["Usage"]);
    failing(&["log", "--level", "loud"], 2, &["loud"]);
    fs::write(dir.path().join("report.json"), "{\"version\":9}").unwrap();
    failing(&["stats"], 1, &["version 9, expected 1"]);
    fs::write(
        dir.path().join("report.json"),
        "{\"version\":1,\n\"cycles\":}",
    )
    .unwrap();
    failing(&["stats"], 1, &["report.json:2", "not JSON"]);
    fs::write(dir.path().join("device.json"), "{\"version\":1}").unwrap();
    failing(&["port", "show"], 1, &["missing field"]);
}

#[test]
fn no_report_is_explained() {
    let output = Command::new(env!("CARGO_BIN_EXE_hairpin"))
        .args(["port", "show"])
        .env_remove("HAIRPIN_REPORT")
        .env_remove("HAIRPIN_DEVICE")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--report DIR"));
}

#[test]
fn json_is_one_line_or_pretty() {
    let dir = report_dir();
    assert_eq!(
        stdout(&hairpin(dir.path(), &["-j", "fdb", "show"]))
            .lines()
            .count(),
        1
    );
    assert!(
        stdout(&hairpin(dir.path(), &["-j", "-p", "fdb", "show"]))
            .lines()
            .count()
            > 5
    );
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]);
        for command in ["replay", "vvlan", "health", "stats"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    assert!(help(&["man"]).contains(".TH hairpin 1"));
    let dir = tempfile::tempdir().unwrap();
    help(&["man", "--out", dir.path().to_str().unwrap()]);
    assert!(dir.path().join("hairpin-replay.1").is_file());
    assert!(dir.path().join("hairpin-port-show.1").is_file());
    let output = hairpin(dir.path(), &["man", "--out", "/nonexistent"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn replay_and_sim_hand_everything_over_and_the_exit_status_back() {
    let dir = tempfile::tempdir().unwrap();
    let simulator = dir.path().join("hairpin-sim");
    let program = dir.path().join("hairpin");
    // A copy of the program, so that the simulator beside it is this one. A child writes both: a file that this
    // process has open for writing could still be so in what another test starts meanwhile, and cannot be run.
    let written = Command::new("sh")
        .args([
            "-c",
            r#"cp "$0" "$1" && printf '#!/bin/sh\necho "$@"\nexit 7\n' > "$2" && chmod 755 "$2""#,
            env!("CARGO_BIN_EXE_hairpin"),
        ])
        .args([&program, &simulator])
        .status()
        .unwrap();
    assert!(written.success());
    let args = [
        "-j",
        "replay",
        "--config",
        "n.toml",
        "--in",
        "vf0=a b.pcap",
        "--out",
        "o",
        "--force",
    ];
    let output = Command::new(&program).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let passed = String::from_utf8_lossy(&output.stdout);
    for part in [
        "replay --config n.toml --in vf0=a b.pcap --out o",
        "--json",
        "--force",
        "--max-gap 2000",
    ] {
        assert!(passed.contains(part), "{passed}");
    }
    let sim = ["-j", "sim", "--socket-dir", "d", "--uplink", "tap:hp0"];
    let output = Command::new(&program).args(sim).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let passed = String::from_utf8_lossy(&output.stdout);
    for part in ["sim --socket-dir d --uplink tap:hp0", "--json"] {
        assert!(passed.contains(part), "{passed}");
    }
    fs::remove_file(&simulator).unwrap();
    let output = Command::new(&program)
        .args(args)
        .env("PATH", "")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("no-simulator"),
        "{output:?}"
    );
}
