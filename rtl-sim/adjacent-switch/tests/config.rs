// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `rules.toml` and requests: what is accepted, and how each mistake is named.

use std::path::Path;

use hairpin_abi::peer::{Mark, MarkField};
use hairpin_adjacent_switch::config::Config;
use hairpin_adjacent_switch::control::Control;
use hairpin_adjacent_switch::{Actions, Switch};

const TEXT: &str = include_str!("data.toml");

fn parse(text: &str) -> Result<Config, hairpin_driver::Diagnostic> {
    Config::parse(text, Path::new("rules.toml"))
}

#[test]
fn a_whole_configuration_is_read() {
    let config = parse(TEXT).unwrap();
    let names: Vec<&str> = config
        .table
        .rules()
        .iter()
        .map(|rule| rule.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["syn", "no-telnet"],
        "in the order of their priorities"
    );
    assert_eq!(
        config.setup.mark,
        Mark::new(MarkField::Dscp, 1, 1, 0).unwrap()
    );
    assert!(config.setup.ports[0].reflects && config.setup.ports[0].keys.is_some());
    assert!(!config.setup.ports[1].reflects && config.setup.ports[1].keys.is_none());
    assert_eq!(config.setup.fixed.len(), 1);
    assert_eq!(config.table.rules()[1].actions, Actions::DENY);
}

/// The configuration in the guide, and that of the example.
#[test]
fn examples_are_valid() {
    let guide = include_str!("../../../docs/src/guide/switch.md");
    let block = guide.split("```toml\n").nth(2).unwrap();
    for text in [
        block.split("```").next().unwrap(),
        include_str!("../../../examples/learning/rules.toml"),
        include_str!("../../../examples/vepa/rules.toml"),
    ] {
        let config = parse(text);
        assert!(config.is_ok(), "{config:?}");
    }
}

#[test]
fn every_mistake_names_field_line_and_fix() {
    let cases = [
        ("version = 1", "version = 2", "bad-version", "version"),
        (
            "default = \"accept\"",
            "default = \"allow\"",
            "bad-default",
            "default",
        ),
        (
            "default = \"accept\"",
            "defualt = \"accept\"",
            "unknown-key",
            "defualt",
        ),
        (
            "field = \"dscp\"",
            "field = \"inner-dei\"",
            "bad-mark",
            "mark.field",
        ),
        ("set = 1", "set = 0", "bad-mark", "mark"),
        ("mask = 1", "mask = 99", "bad-mask", "mark.mask"),
        ("0c0d0e0f", "", "bad-secret", "key[0].secret"),
        ("id = 1", "id = 300", "bad-id", "key[0].id"),
        (
            "name = \"up\"",
            "name = \"nic0\"",
            "bad-name",
            "port[1].name",
        ),
        (
            "name = \"up\"",
            "name = \"../up\"",
            "bad-name",
            "port[1].name",
        ),
        (
            "port = \"nic0\"",
            "port = \"nic9\"",
            "unknown-port",
            "station[0].port",
        ),
        (
            "02:00:00:00:0a:01",
            "03:00:00:00:0a:01",
            "bad-mac",
            "station[0].mac",
        ),
        (
            "proto = \"tcp\"",
            "proto = \"tpc\"",
            "bad-rule-field",
            "rule[0].proto",
        ),
        (
            "dport = 23",
            "dport = 70000",
            "bad-rule-field",
            "rule[0].dport",
        ),
        (
            "10.0.0.0/8",
            "10.0.0.0/33",
            "bad-rule-field",
            "rule[1].ip-src",
        ),
        (
            "0x02/0x12",
            "0x02/0x100",
            "bad-rule-field",
            "rule[1].tcp-flags",
        ),
        (
            "ff:ff:ff:00:00:00\"",
            "ff\"",
            "bad-rule-field",
            "rule[1].da",
        ),
        (
            "action = \"deny\"",
            "action = \"drop\"",
            "bad-action",
            "rule[0].action",
        ),
        (
            "action = \"deny\"",
            "action = \"redirect\"",
            "missing-key",
            "rule[0].action",
        ),
        (
            "action = \"deny\"",
            "action = \"deny\"\nto = \"up\"",
            "contradiction",
            "rule[0].to",
        ),
        (
            "mirror = \"up\"",
            "mirror = \"down\"",
            "unknown-port",
            "rule[1].mirror",
        ),
        (
            "name = \"syn\"",
            "name = \"no-telnet\"",
            "duplicate-rule",
            "rule[1]",
        ),
        (
            "vvlan = 100\nproto",
            "vvlan = 4095\nproto",
            "bad-vvlan",
            "rule[0].vvlan",
        ),
        (
            "[[key]]\nid = 1\nsecret = \"000102030405060708090a0b0c0d0e0f\"",
            "",
            "missing-key",
            "port[0].nic",
        ),
    ];
    for (old, new, code, field) in cases {
        assert!(TEXT.contains(old), "{old}");
        let error = parse(&TEXT.replacen(old, new, 1)).expect_err(new);
        assert_eq!(
            (error.code.as_str(), error.field.as_deref()),
            (code, Some(field)),
            "{error}"
        );
        assert!(
            error.line.is_some() && error.help.is_some() && error.file.is_some(),
            "{error:?}"
        );
        assert!(
            !error.to_string().contains("00010203"),
            "a secret is not repeated"
        );
    }
}

#[test]
fn a_running_switch_is_edited_by_requests() {
    let config = parse(TEXT).unwrap();
    let mut switch = Switch::new(&config.setup, config.table, [1; 16], 0);
    let mut control = Control::default();
    let mut out = Vec::new();
    let mut ask = |switch: &mut Switch, line: &str, now| {
        let answer = control.answer(switch, line, now, &mut out);
        serde_json::from_str::<serde_json::Value>(&answer).expect("JSON")
    };
    let add =
        r#"{"command":"add","rules":"[[rule]]\nname = \"web\"\ndport = 80\naction = \"deny\""}"#;
    // The NIC may still hold what a switch before this one has taught.
    let answer = ask(&mut switch, add, 10);
    assert_eq!(answer["edits"][0]["state"], "under-way");
    let id = answer["edits"][0]["edit"].as_u64().unwrap();
    assert_eq!(switch.table().rules().len(), 3);
    assert_eq!(ask(&mut switch, add, 11)["error"]["code"], "bad-edit");
    let mut frames = Vec::new();
    switch.poll(3_499_999, &mut frames);
    let edit = format!(r#"{{"command":"edit","id":{id}}}"#);
    assert_eq!(
        ask(&mut switch, &edit, 3_499_999)["edits"][0]["state"],
        "under-way"
    );
    switch.poll(3_500_000, &mut frames);
    let answer = ask(&mut switch, &edit, 3_500_001);
    assert_eq!(answer["edits"][0]["ending"], "lapsed");
    assert_eq!(answer["edits"][0]["took_us"], 3_499_990);
    assert_eq!(
        ask(
            &mut switch,
            r#"{"command":"remove","name":"web"}"#,
            3_500_002
        )["edits"][0]["ending"],
        "nothing-cached"
    );
    for (line, code) in [
        ("", "bad-request"),
        (r#"{"command":"fly"}"#, "bad-request"),
        (r#"{"command":"remove","name":"web"}"#, "bad-edit"),
        (r#"{"command":"edit","id":99}"#, "unknown-edit"),
        (
            r#"{"command":"add","rules":"default = \"deny\""}"#,
            "contradiction",
        ),
        (
            r#"{"command":"add","rules":"[[rule]]\nname = \"x\"\naction = \"deny\"\nport = \"q\""}"#,
            "unknown-port",
        ),
    ] {
        assert_eq!(
            ask(&mut switch, line, 3_500_003)["error"]["code"],
            code,
            "{line}"
        );
    }
    let load = r#"{"command":"load","rules":"default = \"deny\""}"#;
    assert_eq!(
        ask(&mut switch, load, 3_500_004)["edits"][0]["state"],
        "complete"
    );
    assert_eq!(
        (switch.table().rules().len(), switch.table().otherwise()),
        (0, Actions::DENY)
    );
    let stats = ask(&mut switch, r#"{"command":"stats"}"#, 3_500_005);
    assert_eq!(stats["ports"]["nic0"]["nic"]["synchronised"], false);
    assert!(stats["ports"]["up"]["nic"].is_null());
}
