// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A report directory as a replay leaves it, and the program run on it.
#![allow(dead_code, reason = "every test binary uses another part")]

use std::path::Path;
use std::process::{Command, Output};

use hairpin_driver::health::Health;
use hairpin_driver::log::LogLine;
use hairpin_driver::pool::PoolState;
use hairpin_driver::report::{
    CacheCounters, CopyKind, Counters, Decision, EditReport, Firmware, FirmwareRun, FrameReport,
    HostEvent, LearnCounters, Lost, Occupancy, OutCopy, Report, Run, Scoreboard, TableFill, Tables,
};
use hairpin_driver::snapshot::{
    AskedState, FdbKind, FdbState, FlowKeyState, FlowState, PortState, Snapshot, UplinkState,
    VvlanState,
};
use hairpin_driver::switch::SwitchState;
use hairpin_driver::{Capabilities, DeviceInfo, Diagnostic};
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
        run: Run {
            config: "nic.toml".to_owned(),
            seed: 1,
            core_ratio: 5,
        },
        cycles: 4096,
        fault: None,
        switch: None,
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
                    queue: Some(0),
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
        cache: [("100".to_owned(), cache())].into(),
        tables: tables(),
        occupancy: vec![
            occupancy(0, 4, 0),
            occupancy(100, 5, 0),
            occupancy(2100, 5, 1),
        ],
        events: vec![
            event(120, "learned", Some(100)),
            event(900, "moved", Some(100)),
            event(901, "aged", Some(200)),
        ],
        edits: vec![EditReport {
            cycle: 2000,
            done: 2100,
            command: "flow flush vvlan 7".to_owned(),
            error: Some(Diagnostic::new("unknown-vvlan", "there is no V.VLAN 7").field("vvlan")),
        }],
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
                flow_cache: true,
                flow_entries: 4096,
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
            events_lost: 3,
            uplink_up: true,
        },
        switch: Some(SwitchState {
            state: "learning".to_owned(),
            lease_ms: 2400,
            learned: 2,
            moved: 1,
            late: 0,
            waiting: 1,
            invalidations: 1,
            refused: [("replayed".to_owned(), 3)].into(),
        }),
        uplink: UplinkState {
            tpid: 0x8100,
            pcp: 0,
            reflects: false,
        },
        ports: vec![port("vf0", "vf"), port("vf1", "vswitch")],
        pools: vec![pool()],
        vvlans: vec![VvlanState {
            id: 100,
            instance: 0,
            vlan: 10,
            accept: vec![10, 11],
            mode: "veb".to_owned(),
            miss: "ignore".to_owned(),
            members: vec!["vf0".to_owned(), "vf1".to_owned()],
            vswitch: Some("vf1".to_owned()),
            cache: true,
            key_fields: vec!["src".to_owned(), "da".to_owned()],
            flow_quota: 1024,
        }],
        fdb: vec![FdbState {
            vvlan: 100,
            mac: "02:00:00:00:00:01".to_owned(),
            ports: vec!["vf0".to_owned()],
            group: None,
            kind: FdbKind::Static,
            idle_ticks: None,
        }],
        flows: vec![flow("vf0", None), flow("uplink", Some("vf1"))],
        tables: tables(),
        log: vec![log("info", "ready"), log("warn", "learning refused")],
    }
}

fn pool() -> PoolState {
    PoolState {
        vf: "vf0".to_owned(),
        first: 0,
        pairs: 4,
        vectors: 16,
        link_up: true,
        mac: "02:00:00:00:00:01".to_owned(),
        mtu: 1500,
        speed: 100_000,
        max_tx_rate: 0,
        interrupt_gap_us: 0,
        device_status: 15,
        bad_queue: None,
        features: "0000000320000021".to_owned(),
        no_buffer: 2,
        refused: 0,
        filtered: 5,
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
        asked: AskedState::default(),
        max_tx_rate: None,
    }
}

fn cache() -> CacheCounters {
    CacheCounters {
        hit_frames: 7,
        hit_bytes: 700,
        miss_frames: 2,
        miss_bytes: 120,
        kept_off_uplink_bytes: 700,
    }
}

fn tables() -> Tables {
    let fill = TableFill {
        entries: 5,
        capacity: 4096,
        moves: 1,
        ..TableFill::default()
    };
    Tables {
        mac: TableFill { quota: 2, ..fill },
        flow: Some(TableFill { entries: 1, ..fill }),
        learn: LearnCounters {
            events: 3,
            suppressed: 9,
            no_slot: 0,
            flow_events: 1,
            flow_suppressed: 4,
        },
    }
}

fn occupancy(cycle: u64, mac: u32, flow: u32) -> Occupancy {
    Occupancy { cycle, mac, flow }
}

fn event(cycle: u64, event: &str, vvlan: Option<u16>) -> HostEvent {
    HostEvent {
        cycle,
        event: event.to_owned(),
        port: Some("vf1".to_owned()),
        vvlan,
        mac: Some("02:00:00:00:00:07".to_owned()),
    }
}

fn flow(from: &str, redirect: Option<&str>) -> FlowState {
    FlowState {
        vvlan: 100,
        key: FlowKeyState {
            from: Some(from.to_owned()),
            da: Some("02:00:00:00:00:01".to_owned()),
            ..FlowKeyState::default()
        },
        action: redirect.map_or("drop", |_| "redirect").to_owned(),
        port: redirect.map(str::to_owned),
        teacher: "flow".to_owned(),
        pending: false,
        handle: 3,
        idle_ticks: 1 << 21,
        frames: 7,
        bytes: 700,
    }
}
