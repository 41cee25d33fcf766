// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Every command that shows something, on what the demo's replay left.

use std::ffi::OsStr;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::demo::demo;
use crate::program::{Run, hairpin};
use crate::refusal::error_code;
use crate::{schema, test};

/// A command, its schema, the lines that a person must see (as words in their order), and what the
/// JSON must have at these places.
struct Show {
    command: &'static [&'static str],
    schema: &'static str,
    lines: &'static [&'static str],
    json: &'static [(&'static str, &'static str)],
}

const SHOWS: &[Show] = &[
    Show {
        command: &["dev", "info"],
        schema: "dev-info",
        lines: &[
            "VFs 8",
            "datapath 64 bytes per clock",
            "MAC entries 4096",
            "flow cache 4096 flows",
            "uplink tpid 0x8100, pcp 0, no reflective relay",
        ],
        json: &[("/device/capabilities/vfs", "8"), ("/uplink/tpid", "33024")],
    },
    Show {
        command: &["port", "show"],
        schema: "port-show",
        lines: &[
            "PORT STATE ROLE VVLANS MAC SPOOFCHK TRUST LEARNING TAGS BROADCAST ASKED MAX TX RATE",
            "vf0 enabled vf 100 02:00:00:00:0a:00 on off max 16 none unlimited - -",
            "vf3 enabled vf 200 02:00:00:00:0b:01 on off max 16 none unlimited - -",
            "vf4 disabled vf - - off off off none unlimited - -",
            "vf7 enabled vswitch 100,200 - off off max 16 none unlimited - -",
        ],
        json: &[
            ("/ports/0/mac", "\"02:00:00:00:0a:00\""),
            ("/ports/7/role", "\"vswitch\""),
        ],
    },
    Show {
        command: &["port", "show", "vf2"],
        schema: "port-show",
        lines: &["vf2 enabled vf 200 02:00:00:00:0b:00 on off max 16 none unlimited - -"],
        json: &[("/ports/0/name", "\"vf2\""), ("/ports/1", "null")],
    },
    Show {
        command: &["vvlan", "show"],
        schema: "vvlan-show",
        lines: &[
            "VVLAN VLAN ACCEPT MODE MISS MEMBERS VSWITCH CACHE",
            "100 10 10 veb ignore vf0,vf1,vf7 vf7 off",
            "200 20 20 veb ignore vf2,vf3,vf7 vf7 off",
        ],
        json: &[("/vvlans/0/id", "100"), ("/vvlans/1/vlan", "20")],
    },
    Show {
        command: &["vvlan", "show", "200"],
        schema: "vvlan-show",
        lines: &["200 20 20 veb ignore vf2,vf3,vf7 vf7 off"],
        json: &[("/vvlans/0/id", "200"), ("/vvlans/1", "null")],
    },
    Show {
        command: &["fdb", "show"],
        schema: "fdb-show",
        lines: &[
            "VVLAN MAC PORT KIND",
            "100 02:00:00:00:0a:00 vf0 static",
            "100 02:00:00:00:0a:07 vf7 dynamic",
            "200 02:00:00:00:0b:01 vf3 static",
            "200 02:00:00:00:0b:07 vf7 dynamic",
        ],
        json: &[("/fdb/0/ports", "[\"vf0\"]"), ("/fdb/6", "null")],
    },
    Show {
        command: &["fdb", "show", "--vvlan", "100"],
        schema: "fdb-show",
        lines: &["100 02:00:00:00:0a:01 vf1 static"],
        json: &[("/fdb/2/kind", "\"dynamic\""), ("/fdb/3", "null")],
    },
    Show {
        command: &["health", "show"],
        schema: "health-show",
        lines: &[
            "firmware running",
            "state ready (code 0)",
            "restarts 0",
            "log dropped 0 frames",
            "uplink up",
        ],
        json: &[
            ("/health/run", "\"running\""),
            ("/health/alive", "true"),
            ("/cause", "null"),
        ],
    },
    Show {
        command: &["stats"],
        schema: "stats",
        lines: &[
            "IN FRAMES IN BYTES OUT FRAMES OUT BYTES DROPS",
            "MAC table: 6 of 4096 entries, 0 insertions found no room, 0 moved, 0 aged",
        ],
        json: &[("/tables/mac/entries", "6"), ("/tables/flow/entries", "0")],
    },
    Show {
        command: &["stats", "--watch", "--interval", "1000000"],
        schema: "stats-watch",
        lines: &["CYCLE IN OUT DROPPED LOST TO FIRMWARE ADDRESSES FLOWS"],
        json: &[("/interval", "1000000"), ("/samples/1/mac", "6")],
    },
    Show {
        command: &["fdb", "monitor"],
        schema: "fdb-monitor",
        lines: &["CYCLE EVENT PORT VVLAN MAC"],
        json: &[("/source", "\"replay\"")],
    },
    Show {
        command: &["flow", "show"],
        schema: "flow-show",
        lines: &["VVLAN FLOW ACTION TEACHER IDLE TICKS FRAMES BYTES"],
        json: &[("/flows", "[]")],
    },
];

pub(crate) fn tests() -> Vec<Trial> {
    let shows = SHOWS.iter().map(|case| {
        test(format!("show: hairpin {}", case.command.join(" ")), || {
            show(case)
        })
    });
    let others = [
        test(
            "show: the counters are those of the report",
            stats_are_the_report_s,
        ),
        test("show: hairpin log", log),
        test("show: the events name what was learned", events),
        test("show: what is not there is one clear error", not_there),
        test(
            "show: the version names the register map of the NIC",
            version,
        ),
    ];
    shows.chain(others).collect()
}

fn on_demo(args: &[&str]) -> Result<Run> {
    let dir = demo()?.dir.as_os_str();
    let args = args.iter().map(OsStr::new);
    hairpin([OsStr::new("--report"), dir].into_iter().chain(args))
}

/// The words of a line, without its columns.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn show(case: &Show) -> Result<()> {
    let run = on_demo(case.command)?.ok()?;
    ensure!(run.stderr.is_empty(), "{}", run.stderr);
    let lines: Vec<String> = run.stdout.lines().map(words).collect();
    for line in case.lines {
        ensure!(
            lines.iter().any(|found| found == line),
            "no {line:?} in\n{}",
            run.stdout
        );
    }
    let run = on_demo(&[&["--json"], case.command].concat())?.ok()?;
    let document = run.json()?;
    schema::validate(case.schema, &document)?;
    for (place, expected) in case.json {
        let expected: Value = serde_json::from_str(expected)?;
        let found = document.pointer(place).unwrap_or(&Value::Null);
        ensure!(*found == expected, "{place} is {found}, not {expected}");
    }
    let pretty = on_demo(&[case.command, &["--json", "--pretty"]].concat())?.ok()?;
    ensure!(
        pretty.stdout.lines().count() > 1,
        "not indented: {}",
        pretty.stdout
    );
    ensure!(
        serde_json::from_str::<Value>(&pretty.stdout)? == document,
        "--pretty changes it"
    );
    Ok(())
}

fn stats_are_the_report_s() -> Result<()> {
    let report = &demo()?.report;
    let document = on_demo(&["-j", "stats"])?.ok()?.json()?;
    for part in ["ports", "vvlans", "tables"] {
        ensure!(
            document[part] == report[part],
            "{part}: {} and {}",
            document[part],
            report[part]
        );
    }
    let document = on_demo(&["-j", "stats", "vf1"])?.ok()?.json()?;
    ensure!(
        document["ports"] == json!({"vf1": report["ports"]["vf1"]}),
        "{document}"
    );
    let counters = &report["ports"]["vf1"];
    let drops = counters["drops"].as_object().context("no drops")?;
    ensure!(!drops.is_empty(), "the demo's forger was not stopped");
    let text = on_demo(&["stats", "vf1"])?.ok()?.stdout;
    for (reason, count) in drops {
        ensure!(
            text.contains(&format!("{reason} {count}")),
            "no {reason} {count} in\n{text}"
        );
    }
    Ok(())
}

fn log() -> Result<()> {
    let text = on_demo(&["log"])?.ok()?.stdout;
    for part in [
        "boot: ready after",
        "INFO",
        "set V.VLAN 100: Ok",
        "add 02:00:00:00:0a:00 to V.VLAN 100: Ok",
    ] {
        ensure!(text.contains(part), "no {part:?} in\n{text}");
    }
    let document = on_demo(&["-j", "log"])?.ok()?.json()?;
    schema::validate("log", &document)?;
    let lines = document["log"].as_array().context("no log")?;
    ensure!(
        lines.len() == text.lines().count(),
        "{} lines and\n{text}",
        lines.len()
    );
    let loud = on_demo(&["log", "--level", "warn"])?.ok()?.stdout;
    ensure!(!loud.contains("INFO"), "--level warn shows\n{loud}");
    Ok(())
}

fn events() -> Result<()> {
    let text = on_demo(&["fdb", "monitor"])?.ok()?.stdout;
    for (vvlan, mac) in [(100, "02:00:00:00:0a:07"), (200, "02:00:00:00:0b:07")] {
        let line = format!("learned vf7 {vvlan} {mac}");
        let found = text.lines().map(words).any(|found| found.ends_with(&line));
        ensure!(found, "no {line:?} in\n{text}");
    }
    let document = on_demo(&["-j", "fdb", "monitor", "--vvlan", "200"])?
        .ok()?
        .json()?;
    let events = document["events"].as_array().context("no events")?;
    ensure!(
        events.len() == 1 && events[0]["event"] == "learned",
        "{document}"
    );
    Ok(())
}

fn not_there() -> Result<()> {
    let missing: [(&[&str], &str, &str); 6] = [
        (
            &["port", "show", "vf8"],
            "not-found",
            "there is no vPort `vf8`",
        ),
        (
            &["vvlan", "show", "300"],
            "not-found",
            "there is no V.VLAN 300",
        ),
        (
            &["fdb", "show", "--vvlan", "1"],
            "not-found",
            "there is no V.VLAN 1",
        ),
        (&["stats", "vf5"], "not-found", "there is no port `vf5`"),
        (
            &["--device", "pci/0000:01:00.0", "port", "show"],
            "no-device",
            "pci/0000:01:00.0",
        ),
        (
            &["--report", "/nonexistent", "health", "show"],
            "unreadable-file",
            "/nonexistent",
        ),
    ];
    for (args, code, says) in missing {
        let run = on_demo_unless_named(args)?;
        ensure!(
            run.status == 1 && run.stdout.is_empty(),
            "{args:?}: {run:?}"
        );
        ensure!(run.stderr.starts_with("error: "), "{args:?}: {run:?}");
        ensure!(
            run.stderr.contains(says) && run.stderr.contains("help: "),
            "{args:?}: {run:?}"
        );
        let run = on_demo_unless_named(&[args, &["-j"]].concat())?;
        ensure!(run.status == 1, "{args:?}: {run:?}");
        error_code(&run.json()?, code).with_context(|| format!("{args:?}"))?;
    }
    Ok(())
}

fn on_demo_unless_named(args: &[&str]) -> Result<Run> {
    if args.contains(&"--report") {
        hairpin(args)
    } else {
        on_demo(args)
    }
}

fn version() -> Result<()> {
    let text = hairpin(["--version"])?.ok()?.stdout;
    let hash = demo()?.report["firmware"]["map_hash"]
        .as_str()
        .context("no map hash")?;
    ensure!(text.contains(hash), "{text} does not name {hash}");
    Ok(())
}
