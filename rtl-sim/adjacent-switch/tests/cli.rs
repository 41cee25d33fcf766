// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `hairpin-switch` as a process.

#[path = "common/process.rs"]
mod process;

use process::{Running, json, switch, text};

const RULES: &str = "version = 1\n[[port]]\nname = \"a\"\n[[port]]\nname = \"b\"\n";

#[test]
fn check_says_what_is_wrong_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.toml");
    std::fs::write(&file, include_str!("data.toml")).unwrap();
    let good = switch(&["--json", "check", text(&file)]);
    assert!(good.status.success());
    assert_eq!(
        json(&good)["rules"],
        serde_json::json!(["syn", "no-telnet"])
    );
    std::fs::write(
        &file,
        "version = 1\n[[port]]\nname = \"a\"\n[[rule]]\nname = \"x\"\naction = \"maybe\"\n",
    )
    .unwrap();
    let bad = switch(&["--json", "check", text(&file)]);
    assert_eq!(bad.status.code(), Some(1));
    let error = &json(&bad)["error"];
    assert_eq!(
        (&error["field"], &error["line"]),
        (&"rule[0].action".into(), &6.into())
    );
    let bad = switch(&["check", text(&file)]);
    assert!(bad.stdout.is_empty() && String::from_utf8_lossy(&bad.stderr).contains("help:"));
    assert_eq!(switch(&["chek"]).status.code(), Some(2));
    for args in [["completions", "bash"].as_slice(), &["man"], &["--help"]] {
        let output = switch(args);
        assert!(
            output.status.success() && output.stdout.len() > 500,
            "{args:?}"
        );
    }
}

#[test]
fn a_running_switch_takes_edits_and_tells_its_counters() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (rules, more, socket) = (at("rules.toml"), at("more.toml"), at("control"));
    std::fs::write(&rules, RULES).unwrap();
    std::fs::write(
        &more,
        "[[rule]]\nname = \"web\"\ndport = 80\naction = \"deny\"\n",
    )
    .unwrap();
    let control = ["--control", text(&socket)];
    let nobody = switch(&[&["--json", "stats"], control.as_slice()].concat());
    assert_eq!(json(&nobody)["error"]["code"], "control-socket");
    let _running = Running::start(
        &[&["run", text(&rules)], control.as_slice()].concat(),
        &socket,
    );
    let edit = |rest: &[&str]| switch(&[&["--json", "edit"], control.as_slice(), rest].concat());
    let added = edit(&["add", text(&more)]);
    assert_eq!(json(&added)["state"], "complete");
    let again = edit(&["add", text(&more)]);
    assert_eq!(
        (again.status.code(), &json(&again)["error"]["code"]),
        (Some(1), &"bad-edit".into())
    );
    let stats = json(&switch(&[&["stats"], control.as_slice()].concat()));
    assert_eq!(
        (&stats["rules"], &stats["edits_under_way"]),
        (&1.into(), &0.into())
    );
    assert!(edit(&["remove", "web"]).status.success());
}
