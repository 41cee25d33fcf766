// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The published schemas are those of the types, and what is printed validates against them.
//!
//! `HAIRPIN_WRITE_SCHEMAS=1 cargo test -p hairpin-cli --test schemas` writes them anew.

mod common;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use common::{json_output, report_dir};
use hairpin_abi::REASONS;
use hairpin_driver::report::{NO_BUFFER, Report};
use hairpin_driver::{ErrorDocument, output, snapshot::Snapshot};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

fn schema_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas")
}

fn schema<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    schema["title"] = json!(title);
    schema["$comment"] = json!("SPDX-License-Identifier: Apache-2.0 OR MIT");
    schema["properties"]["version"]["const"] = json!(1);
    let names: Vec<&str> = REASONS.iter().map(|reason| reason.name).collect();
    let lost = [&names[..], &[NO_BUFFER]].concat();
    for (kind, names) in [("FrameReport", names), ("Lost", lost)] {
        if let Some(reason) = schema.pointer_mut(&format!("/$defs/{kind}/properties/reason")) {
            reason["enum"] = json!(names);
        }
    }
    schema
}

/// Every published schema by file name.
fn schemas() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("report", schema::<Report>("report.json of hairpin replay")),
        (
            "device",
            schema::<Snapshot>("device.json of hairpin replay"),
        ),
        (
            "error",
            schema::<ErrorDocument>("Error of any hairpin command with --json"),
        ),
        (
            "dev-info",
            schema::<output::DevInfo>("hairpin --json dev info"),
        ),
        (
            "health-show",
            schema::<output::HealthShow>("hairpin --json health show"),
        ),
        (
            "switch-show",
            schema::<output::SwitchShow>("hairpin --json switch show"),
        ),
        (
            "port-show",
            schema::<output::PortShow>("hairpin --json port show"),
        ),
        (
            "vvlan-show",
            schema::<output::VvlanShow>("hairpin --json vvlan show"),
        ),
        (
            "fdb-show",
            schema::<output::FdbShow>("hairpin --json fdb show"),
        ),
        (
            "fdb-monitor",
            schema::<output::FdbMonitor>("hairpin --json fdb monitor"),
        ),
        (
            "flow-show",
            schema::<output::FlowShow>("hairpin --json flow show"),
        ),
        (
            "pool-show",
            schema::<output::PoolShow>("hairpin --json pool show"),
        ),
        (
            "filter-show",
            schema::<output::FilterShow>("hairpin --json filter show and filter add"),
        ),
        (
            "rss-show",
            schema::<output::RssShow>("hairpin --json rss show"),
        ),
        (
            "mac-pool",
            schema::<output::MacPoolShow>("hairpin --json mac pool"),
        ),
        ("log", schema::<output::Log>("hairpin --json log")),
        ("stats", schema::<output::Stats>("hairpin --json stats")),
        (
            "stats-watch",
            schema::<output::StatsWatch>("hairpin --json stats --watch"),
        ),
        ("top", schema::<output::Top>("hairpin --json top")),
    ])
}

fn published(name: &str) -> Value {
    let path = schema_dir().join(format!("{name}.schema.json"));
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

fn validate(name: &str, document: &Value) {
    let schema = published(name);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

fn is_valid(name: &str, document: &Value) -> bool {
    jsonschema::is_valid(&published(name), document)
}

#[test]
fn published_schemas_are_current() {
    let write = env::var_os("HAIRPIN_WRITE_SCHEMAS").is_some();
    for (name, schema) in schemas() {
        if write {
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            fs::write(schema_dir().join(format!("{name}.schema.json")), text).unwrap();
        }
        assert_eq!(
            published(name),
            schema,
            "{name}: write it anew, see the top of this test"
        );
    }
}

#[test]
fn everything_printed_validates() {
    let dir = report_dir();
    let commands: [(&str, &[&str]); 14] = [
        ("dev-info", &["dev", "info"]),
        ("health-show", &["health", "show"]),
        ("switch-show", &["switch", "show"]),
        ("port-show", &["port", "show"]),
        ("port-show", &["port", "show", "vf1"]),
        ("vvlan-show", &["vvlan", "show"]),
        ("fdb-show", &["fdb", "show"]),
        ("fdb-show", &["fdb", "show", "--vvlan", "100"]),
        ("fdb-monitor", &["fdb", "monitor"]),
        ("flow-show", &["flow", "show"]),
        (
            "mac-pool",
            &["mac", "pool", "--base", "00:1b:21:00:00:01", "--count", "3"],
        ),
        ("log", &["log"]),
        ("stats", &["stats"]),
        ("stats-watch", &["stats", "--watch"]),
    ];
    for (schema, command) in commands {
        let (status, document) = json_output(dir.path(), command);
        assert_eq!(status, 0, "{command:?}: {document}");
        validate(schema, &document);
    }
}

#[test]
fn errors_validate() {
    let dir = report_dir();
    let failing: [(i32, &[&str]); 7] = [
        (1, &["port", "show", "vf9"]),
        (1, &["--report", "/nonexistent", "stats"]),
        (1, &["--device", "pci/0000:01:00.0", "dev", "info"]),
        (1, &["flow", "flush", "all"]),
        (2, &["flow", "add", "colour", "red"]),
        (2, &["port", "blow"]),
        (2, &["replay", "--config", "nic.toml"]),
    ];
    for (expected, command) in failing {
        let (status, document) = json_output(dir.path(), command);
        assert_eq!(status, expected, "{command:?}: {document}");
        validate("error", &document);
    }
}

#[test]
fn report_and_device_files_validate() {
    let dir = report_dir();
    for (schema, file) in [("report", "report.json"), ("device", "device.json")] {
        let document: Value =
            serde_json::from_slice(&fs::read(dir.path().join(file)).unwrap()).unwrap();
        validate(schema, &document);
        // None of the keys may be left out, and the version is fixed.
        for key in document.as_object().unwrap().keys() {
            let mut broken = document.clone();
            broken.as_object_mut().unwrap().remove(key);
            assert!(!is_valid(schema, &broken), "{file} without {key}");
        }
        let mut broken = document.clone();
        broken["version"] = json!(2);
        assert!(!is_valid(schema, &broken));
        let mut extended = document;
        extended["later"] = json!(true);
        assert!(is_valid(schema, &extended), "keys may be added to {file}");
    }
    let mut report: Value =
        serde_json::from_slice(&fs::read(dir.path().join("report.json")).unwrap()).unwrap();
    report["frames"][0]["reason"] = json!("because");
    assert!(!is_valid("report", &report), "a reason nobody knows");
}

/// The report that the contract shows.
#[test]
fn the_contract_s_own_example_validates() {
    let fill = json!({"entries":0,"capacity":4096,"insert_failed":0,"inserts":0,"moves":0,"aged":0,"swept":0,
     "invalidations":0,"stale":0,"quota":0,"refused":0});
    let example = json!({"version":1,"clock_hz":156250000,"run":{"config":"nic.toml","seed":1,"core_ratio":5},"cycles":0,
     "frames":[{"in":"vf0","index":0,"cycle":0,"len":60,"vvlan":100,"decision":"local","reason":"mac-hit",
       "out":[{"port":"vf1","index":0,"cycle":9,"latency":9,"kind":"forward"}],
       "lost":[{"port":"vf2","reason":"rx-full"}]}],
     "injected":[{"port":"uplink","index":0,"cycle":0,"reason":"hello"}],
     "ports":{"vf0":{"in_frames":0,"in_bytes":0,"out_frames":0,"out_bytes":0,"drops":{}}},
     "vvlans":{"100":{"in_frames":0,"in_bytes":0,"out_frames":0,"out_bytes":0,"drops":{}}},
     "cache":{"100":{"hit_frames":0,"hit_bytes":0,"miss_frames":0,"miss_bytes":0,"kept_off_uplink_bytes":0}},
     "tables":{"mac":fill,"flow":null,"learn":{"events":0,"suppressed":0,"no_slot":0,"flow_events":0,"flow_suppressed":0}},
     "occupancy":[{"cycle":0,"mac":4,"flow":0}],
     "events":[{"cycle":7,"event":"learned","port":"vf7","vvlan":100,"mac":"02:00:00:00:0a:07"}],
     "edits":[{"cycle":5,"done":9,"command":"flow flush all","error":null}],
     "scoreboard":{"frames":0,"mismatches":0},
     "firmware":{"map_hash":"0","build_id":"0","state":"running"}});
    validate("report", &example);
    let report: Report = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(serde_json::to_value(report).unwrap(), example);
}
