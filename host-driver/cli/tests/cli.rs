// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The program as a person uses it.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
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

#[test]
fn every_help_has_an_example() {
    let leaves: [&[&str]; 11] = [
        &[],
        &["replay"],
        &["dev", "info"],
        &["port", "show"],
        &["vvlan", "show"],
        &["fdb", "show"],
        &["log"],
        &["health", "show"],
        &["stats"],
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
    assert!(text(&["vvlan", "show", "100"]).contains("10,11   veb   ignore  vf0,vf1  vf1"));
    assert!(text(&["fdb", "show"]).contains("100    02:00:00:00:00:01  vf0   static"));
    assert!(text(&["dev", "info"]).contains("VFs           8"));
    assert!(text(&["health", "show"]).contains("firmware      running\n"));
    assert_eq!(
        text(&["log"]),
        "0.000012 INFO  ready\n0.000012 WARN  learning refused\n"
    );
    assert_eq!(text(&["log", "--level", "warn"]).lines().count(), 1);
    let stats = text(&["stats"]);
    assert!(
        stats.contains("source-mac 1") && stats.contains("5 of 4096 entries"),
        "{stats}"
    );
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
        &["-d", "pci/0000:01:00.0", "dev", "info"],
        1,
        &["no transport to a live device", "help:"],
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
fn replay_hands_everything_over_and_its_exit_status_back() {
    let dir = tempfile::tempdir().unwrap();
    let simulator = dir.path().join("hairpin-sim");
    fs::write(&simulator, "#!/bin/sh\necho \"$@\"\nexit 7\n").unwrap();
    fs::set_permissions(&simulator, fs::Permissions::from_mode(0o755)).unwrap();
    // A copy of the program, so that the simulator beside it is this one.
    let program = dir.path().join("hairpin");
    fs::copy(env!("CARGO_BIN_EXE_hairpin"), &program).unwrap();
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
