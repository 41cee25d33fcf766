// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A report directory as a replay leaves it, and the program run on it.
#![allow(dead_code, reason = "every test binary uses another part")]

use std::path::Path;
use std::process::{Command, Output};

use hairpin_driver::health::Health;
use hairpin_driver::log::LogLine;
use hairpin_driver::report::{
    CopyKind, Counters, Decision, Firmware, FirmwareRun, FrameReport, Lost, OutCopy, Report,
    Scoreboard, TableFill, Tables,
};
use hairpin_driver::snapshot::{FdbKind, FdbState, PortState, Snapshot, UplinkState, VvlanState};
use hairpin_driver::{Capabilities, DeviceInfo};
use tempfile::TempDir;

/// A directory with `report.json` and `device.json`.
pub(crate) fn report_dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    report().write(dir.path()).unwrap();
    snapshot(FirmwareRun::Running)
        .write_file(dir.path())
        .unwrap();
    dir
}

/// Runs `hairpin` with a report directory and nothing of the caller's environment.
pub(crate) fn hairpin(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hairpin"))
        .args(args)
        .env_remove("HAIRPIN_DEVICE")
        .env("HAIRPIN_REPORT", dir)
        .output()
        .unwrap()
}

/// Exit status and JSON document of a command with `--json`.
pub(crate) fn json_output(dir: &Path, args: &[&str]) -> (i32, serde_json::Value) {
    let output = hairpin(dir, &[&["--json"], args].concat());
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {output:?}"));
    (output.status.code().unwrap(), document)
}

pub(crate) fn report() -> Report {
    let counters = Counters {
        in_frames: 2,
        in_bytes: 120,
        out_frames: 1,
        out_bytes: 68,
        drops: [("source-mac".to_owned(), 1)].into(),
    };
    Report {
        version: 1,
        clock_hz: 156_250_000,
        cycles: 4096,
        fault: None,
        frames: vec![
            FrameReport {
                input: "vf0".to_owned(),
                index: 0,
                cycle: 10,
                len: 60,
                vvlan: Some(100),
                decision: Decision::Local,
                reason: "mac-hit".to_owned(),
                out: vec![OutCopy {
                    port: "vf1".to_owned(),
                    index: 0,
                    cycle: 30,
                    latency: 20,
                    kind: CopyKind::Forward,
                }],
                lost: vec![Lost {
                    port: "vf2".to_owned(),
                    reason: "rx-full".to_owned(),
                }],
            },
            FrameReport {
                input: "vf0".to_owned(),
                index: 1,
                cycle: 12,
                len: 60,
                vvlan: None,
                decision: Decision::Drop,
                reason: "source-mac".to_owned(),
                out: Vec::new(),
                lost: Vec::new(),
            },
        ],
        injected: Vec::new(),
        ports: [
            ("uplink".to_owned(), Counters::default()),
            ("vf0".to_owned(), counters.clone()),
        ]
        .into(),
        vvlans: [("100".to_owned(), counters)].into(),
        tables: Tables {
            mac: TableFill {
                entries: 5,
                capacity: 4096,
                insert_failed: 0,
            },
        },
        scoreboard: Scoreboard {
            frames: 2,
            mismatches: 0,
        },
        firmware: Firmware {
            map_hash: "0123456789abcdef".to_owned(),
            build_id: "89abcdef".to_owned(),
            state: FirmwareRun::Running,
        },
    }
}

pub(crate) fn snapshot(run: FirmwareRun) -> Snapshot {
    let log = |level: &str, message: &str| LogLine {
        time: Some("0.000012".to_owned()),
        level: Some(level.to_owned()),
        message: message.to_owned(),
        module: None,
        file: None,
        line: None,
    };
    Snapshot {
        version: 1,
        info: DeviceInfo {
            version: "1.0".to_owned(),
            map_hash: "0123456789abcdef".to_owned(),
            build_id: "00000001".to_owned(),
            capabilities: Capabilities {
                vfs: 8,
                queue_pairs: 32,
                data_bytes: 64,
                mac_entries: 4096,
                vvlans: 64,
                groups: 256,
                flow_cache: false,
                virtqueues: false,
            },
        },
        health: Health {
            run,
            state: "ready".to_owned(),
            code: 0,
            hung: run == FirmwareRun::Hung,
            heartbeat: 17,
            alive: run == FirmwareRun::Running,
            ready_cycles: 5000,
            restarts: 0,
            map_hash: "0123456789abcdef".to_owned(),
            build_id: "89abcdef".to_owned(),
            log_dropped: 0,
            uplink_up: true,
        },
        uplink: UplinkState {
            tpid: 0x8100,
            pcp: 0,
            reflects: false,
        },
        ports: vec![port("vf0", "vf"), port("vf1", "vswitch")],
        vvlans: vec![VvlanState {
            id: 100,
            instance: 0,
            vlan: 10,
            accept: vec![10, 11],
            mode: "veb".to_owned(),
            miss: "ignore".to_owned(),
            members: vec!["vf0".to_owned(), "vf1".to_owned()],
            vswitch: Some("vf1".to_owned()),
        }],
        fdb: vec![FdbState {
            vvlan: 100,
            mac: "02:00:00:00:00:01".to_owned(),
            ports: vec!["vf0".to_owned()],
            group: None,
            kind: FdbKind::Static,
        }],
        log: vec![log("info", "ready"), log("warn", "learning refused")],
    }
}

fn port(name: &str, role: &str) -> PortState {
    PortState {
        name: name.to_owned(),
        enabled: true,
        role: role.to_owned(),
        vvlans: vec![100],
        mac: Some("02:00:00:00:00:01".to_owned()),
        spoofchk: true,
        trust: false,
        learning: true,
        max_macs: 16,
        tags: "none".to_owned(),
        reflect: false,
        broadcast_burst: None,
        broadcast_interval: None,
    }
}
