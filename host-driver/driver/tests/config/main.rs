// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Every way a configuration can be wrong has an error that names field, file, line and the fix.

mod cases;
mod flow_cases;
mod pool_cases;
mod steer_cases;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cases::{BASE, WRONG, WRONG_MORE};
use flow_cases::{FLOWS, WRONG_FLOWS};
use hairpin_abi::admin::Command;
use hairpin_abi::{FlowAction, KeyField, MacAddr, Miss, Mode, Role, Tags, Target};
use hairpin_driver::config::{Config, Plan, Step, VlanMode, VportConfig};
use hairpin_driver::mac_pool::MacPool;
use hairpin_driver::{Capabilities, Diagnostic};
use pool_cases::WRONG_POOLS;
use steer_cases::WRONG_STEERING;

const EXAMPLE: &str = include_str!("../data/nic.toml");

const NIC: Capabilities = Capabilities {
    vfs: 8,
    queue_pairs: 32,
    data_bytes: 64,
    mac_entries: 4096,
    vvlans: 64,
    groups: 256,
    flow_cache: true,
    flow_entries: 4096,
    virtqueues: false,
};

fn parse(text: &str) -> Result<Config, Diagnostic> {
    Config::parse(text, Path::new("nic.toml"))
}

/// The error of a configuration: at parsing, or against the NIC.
fn error(text: &str, nic: &Capabilities) -> Option<Diagnostic> {
    parse(text).and_then(|config| Plan::new(&config, nic)).err()
}

fn check(code: &str, field: &str, line: usize, text: &str) {
    let error = error(text, &NIC).unwrap_or_else(|| panic!("accepted, expected {code}:\n{text}"));
    let found = (
        error.code.as_str(),
        error.field.as_deref().unwrap_or(""),
        error.line,
    );
    if field.is_empty() {
        assert_eq!((found.0, found.2), (code, Some(line)), "{error}\n{text}");
    } else {
        assert_eq!(found, (code, field, Some(line)), "{error}\n{text}");
    }
    assert_eq!(
        error.file.as_deref(),
        Some(Path::new("nic.toml")),
        "{error}"
    );
    assert!(
        error.help.as_deref().is_some_and(|help| help.len() > 8),
        "no help: {error}"
    );
    assert!(error.message.len() > 8, "no message: {error}");
}

#[test]
fn every_error_names_field_file_line_and_fix() {
    for (code, field, line, text) in WRONG {
        check(code, field, *line, text);
    }
    let behind = WRONG_MORE.iter().chain(WRONG_POOLS).chain(WRONG_STEERING);
    for (code, field, line, text) in behind {
        check(code, field, *line, &format!("{BASE}{text}"));
    }
    for (code, field, line, text) in WRONG_FLOWS {
        check(code, field, *line, &format!("{FLOWS}{text}"));
    }
}

#[test]
fn auto_takes_an_address_from_the_pool() {
    let auto = |text: &str| {
        let vports = "[[vport]]\nname = \"vf3\"\nvvlan = 2\nmac = \"auto\"\n\
                      [[vport]]\nname = \"vf1\"\nvvlan = 1\nmac = \"auto\"\n";
        let config = parse(&format!("{BASE}{vports}{text}")).unwrap();
        let macs = |vport: &VportConfig| (vport.vport.get(), vport.mac.unwrap());
        let macs: BTreeMap<u8, MacAddr> = config.vports.iter().map(macs).collect();
        let fixed = config.fdb.iter().filter(|entry| entry.mac == macs[&3]);
        assert_eq!(fixed.count(), 1, "it is static");
        (macs[&1], macs[&3])
    };
    let base = MacAddr([0x00, 0x1b, 0x21, 0, 0, 1]);
    let section = "[mac-pool]\nbase = \"00:1b:21:00:00:01\"\n";
    let mut pool = MacPool::new(base, 0);
    let pool: Vec<MacAddr> = (0..5).map(|_| pool.take()).collect();
    assert_eq!(auto(section), (pool[1], pool[3]));
    let mut other = MacPool::new(base, 7);
    other.take();
    assert_eq!(auto(&format!("{section}seed = 7\n")).0, other.take());
    // Not one that the file has somewhere else.
    let taken = format!(
        "{section}[[fdb]]\nvvlan = 1\nport = \"vf0\"\nmac = \"{}\"\n",
        pool[1]
    );
    assert_eq!(auto(&taken), (pool[2], pool[4]));
}

#[test]
fn every_error_code_of_the_source_has_a_case() {
    let sources = [
        include_str!("../../src/config/check.rs"),
        include_str!("../../src/config/check/addresses.rs"),
        include_str!("../../src/config/check/cache.rs"),
        include_str!("../../src/config/check/flows.rs"),
        include_str!("../../src/config/check/mac_pool.rs"),
        include_str!("../../src/config/check/steer.rs"),
        include_str!("../../src/config/check/uplink.rs"),
        include_str!("../../src/config/check/value.rs"),
        include_str!("../../src/config/check/vport.rs"),
        include_str!("../../src/config/plan.rs"),
        include_str!("../../src/config/source.rs"),
        // What a flow's fields must not be; the file ends in its own tests.
        include_str!("../../src/flow/fields.rs")
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default(),
    ];
    let tested: BTreeSet<&str> = WRONG
        .iter()
        .chain(WRONG_MORE)
        .chain(WRONG_POOLS)
        .chain(WRONG_FLOWS)
        .chain(WRONG_STEERING)
        .map(|(code, ..)| *code)
        .chain(LIMITS.map(|(c, ..)| c))
        .chain(["config-unreadable"]) // has a test of its own: files, not text
        .collect();
    let kebab = |text: &&str| {
        text.contains('-')
            && !text.starts_with("--")
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    // Literals that are keys or values of the file, not codes.
    let keys = [
        "ageing-time",
        "flow-idle-time",
        "key-fields",
        "flow-quota",
        "mac-pool",
        "ip-src",
        "ip-dst",
        "vlan-mode",
        "piggy-back",
        "max-macs",
        "broadcast-burst",
        "broadcast-interval",
        "queue-pairs",
        "max-tx-rate",
        "interrupt-gap-us",
    ];
    let mut codes = 0;
    for literal in sources
        .iter()
        .flat_map(|source| source.split('"').skip(1).step_by(2))
    {
        if kebab(&literal) && !keys.contains(&literal) {
            assert!(tested.contains(literal), "no case for {literal}");
            codes += 1;
        }
    }
    assert!(codes > 30, "the sources are no longer understood: {codes}");
}

type Limit = fn(&mut Capabilities);

/// Limits of the NIC that the example exceeds when they are lowered.
const LIMITS: [(&str, &str, Limit); 5] = [
    ("needs-flow-cache", "vvlan[0].id", |nic| {
        nic.flow_cache = false;
    }),
    ("too-many-flows", "flow[1]", |nic| nic.flow_entries = 1),
    ("too-many-vvlans", "vvlan[1].id", |nic| nic.vvlans = 1),
    ("too-many-groups", "group[0].mac", |nic| nic.groups = 0),
    ("too-many-addresses", "vport[2].mac", |nic| {
        nic.mac_entries = 2;
    }),
];

#[test]
fn the_nic_must_have_room() {
    for (code, field, lower) in LIMITS {
        let mut nic = NIC;
        lower(&mut nic);
        let error = error(EXAMPLE, &nic).expect(code);
        assert_eq!(
            (error.code.as_str(), error.field.as_deref()),
            (code, Some(field)),
            "{error}"
        );
        assert!(error.line.is_some() && error.help.is_some(), "{error}");
    }
    let slowpath = "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\nmiss = \"slowpath\"\n";
    assert_eq!(error(slowpath, &NIC), None);
    let mut nic = NIC;
    nic.flow_cache = false;
    let error = error(slowpath, &nic).unwrap();
    assert_eq!(
        (error.code.as_str(), error.field.as_deref(), error.line),
        ("needs-flow-cache", Some("vvlan[0].miss"), Some(5))
    );
}

#[test]
fn the_example_means_what_it_says() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.ageing_seconds, Some(300));
    assert_eq!(config.uplink.vlan_mode, VlanMode::PiggyBack);
    assert_eq!((config.uplink.tpid, config.uplink.reflects), (0x88a8, true));
    let [tenant_a, tenant_b] = &config.vvlans[..] else {
        panic!("two V.VLANs")
    };
    assert_eq!((tenant_a.mode, tenant_a.miss), (Mode::Veb, Miss::Ignore));
    assert_eq!((tenant_b.mode, tenant_b.miss), (Mode::Vepa, Miss::External));
    assert_eq!(tenant_a.members.0, 0b1000_0011);
    assert_eq!(tenant_a.vswitch.map(|vport| vport.get()), Some(7));
    let vf0 = &config.vports[0];
    assert!(vf0.spoofchk && vf0.learning && vf0.enabled && !vf0.trust && !vf0.reflect);
    assert_eq!(
        (vf0.role, vf0.tags, vf0.max_macs),
        (Role::Vf, Tags::None, 16)
    );
    let meter = vf0.meter.unwrap();
    assert_eq!((meter.burst, meter.shift), (10, 20));
    assert!(!config.vports[1].enabled);
    let vf7 = &config.vports[3];
    assert!(vf7.role == Role::Vswitch && !vf7.spoofchk && vf7.reflect && vf7.mac.is_none());
    // Addresses of vPorts are static entries, then those of [[fdb]].
    assert_eq!(config.fdb.len(), 4);
    assert_eq!(config.groups[0].members.0, 0b11);
    assert_eq!(config.flow_idle_seconds, Some(30));
    assert!(tenant_a.cache && !tenant_b.cache);
    // A quota of 0 would allow no flow: unless told otherwise there is room for as many as any table has.
    assert_eq!(tenant_b.flow_quota, 15);
    assert_eq!(
        (tenant_a.flow_quota, tenant_a.key_mask),
        (10, KeyField::MASK_ALL & !0b10)
    );
    let [to_vf1, arp] = &config.flows[..] else {
        panic!("two flows")
    };
    assert_eq!(
        (to_vf1.row.action, to_vf1.row.port.get()),
        (FlowAction::Redirect, 1)
    );
    assert_eq!((to_vf1.key.ip.proto, to_vf1.key.ip.dport), (6, 80));
    assert_eq!(
        (arp.row.action, arp.key.ethertype),
        (FlowAction::Drop, 0x0806)
    );
}

#[test]
fn a_plan_enables_vports_last() {
    let config = parse(EXAMPLE).unwrap();
    let plan = Plan::new(&config, &NIC).unwrap();
    let steps: Vec<&Step> = plan.steps().collect();
    let rank = |step: &Step| match step {
        Step::Admin(Command::AgeingSet { .. }) => 0,
        Step::Admin(Command::VVlanSet { .. }) => 1,
        Step::Admin(Command::FdbAdd(row)) if matches!(row.target, Target::VPort(_)) => 2,
        Step::Admin(Command::FlowAdd { .. }) => 4,
        Step::Admin(_) => 3,
        Step::Cfg(_) => 5,
        Step::Port(..) => 6,
    };
    assert!(steps.is_sorted_by_key(|step| rank(step)), "{steps:?}");
    // The times, two V.VLANs, four addresses, a group with its entry, two flows, the NIC, four vPorts.
    assert_eq!(steps.len(), 1 + 2 + 4 + 2 + 2 + 1 + 4);
    assert_eq!(
        steps[0],
        &Step::Admin(Command::AgeingSet { mac: 300, flow: 30 })
    );
    let Step::Admin(Command::VVlanSet { row, .. }) = steps[1] else {
        panic!()
    };
    assert_eq!(
        (row.cache, row.flow_quota, row.key_mask),
        (true, 10, KeyField::MASK_ALL & !0b10)
    );
    assert_eq!(
        row.accept
            .iter()
            .flatten()
            .map(|vlan| vlan.get())
            .collect::<Vec<_>>(),
        [11, 12]
    );
    assert_eq!(row.vlan.get(), 10);
    let Some(Step::Port(vport, row)) = steps.last() else {
        panic!()
    };
    assert!(vport.get() == 7 && row.is_vswitch() && row.reflect && row.vvlan.get() == 0);
}

#[test]
fn independent_mode_carries_all_vvlans_on_one_vlan() {
    let text = "version = 1\nuplink = { vlan-mode = \"independent\", vlan = 7 }\n\
                [[vvlan]]\nid = 1\n[[vvlan]]\nid = 2\n";
    let config = parse(text).unwrap();
    assert!(
        config
            .vvlans
            .iter()
            .all(|vvlan| vvlan.vlan.get() == 7 && vvlan.accept.is_empty())
    );
}

#[test]
fn an_unreadable_or_binary_file_is_one_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let missing = Config::read(&dir.path().join("none.toml")).unwrap_err();
    assert_eq!(missing.code, "config-unreadable");
    assert!(missing.file.is_some() && missing.help.is_some());
    let binary = dir.path().join("binary.toml");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(Config::read(&binary).unwrap_err().code, "config-unreadable");
    assert_eq!(
        Config::read(dir.path()).unwrap_err().code,
        "config-unreadable"
    );
}

#[test]
fn the_guide_shows_valid_configurations_and_true_errors() {
    let guide = include_str!("../../../../docs/src/guide/config.md");
    let behind_a_switch = include_str!("../../../../docs/src/guide/switch.md");
    let first = behind_a_switch.split("```toml\n").nth(1).unwrap();
    let block = first.split("```").next().unwrap();
    let plan = parse(block).and_then(|config| Plan::new(&config, &NIC));
    assert!(plan.is_ok(), "{plan:?}");
    let mut shown = 0;
    for block in guide
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
    {
        let plan = parse(block).and_then(|config| Plan::new(&config, &NIC));
        assert!(plan.is_ok(), "{plan:?}");
        shown += 1;
    }
    assert_eq!(shown, 4);
    let text = format!("{BASE}[[vport]]\nname = \"vf1\"\nvvlan = 1\nmac = \"02:00:00:00:00:01\"\n");
    let error = error(&text, &NIC).unwrap();
    // The guide's example, but for lines and IDs.
    let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    let shown = guide
        .split("error: ")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    assert_eq!(shape(shown.trim_end()), shape(&error.to_string()));
}

#[test]
fn every_key_is_in_the_guide() {
    let guide = include_str!("../../../../docs/src/guide/config.md");
    let raw = include_str!("../../src/config/raw.rs");
    let switch = include_str!("../../src/config/switch.rs");
    let switch = switch.split_once("pub struct RawMark").unwrap().1;
    let switch = switch.split_once("fn check_switch").unwrap().0;
    let mut keys = 0;
    let lines = raw
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub(super) "));
    let of_switch = switch
        .lines()
        .filter(|line| line.contains(": Option<") || line.contains(": Vec<"));
    let of_switch = of_switch.map(|line| line.trim().trim_start_matches("pub "));
    for line in lines.chain(of_switch) {
        if let Some((field, _)) = line.split_once(": ") {
            let key = field.replace('_', "-");
            let heading = ["vvlan", "vport", "fdb", "group", "flow", "filter", "rss"]
                .map(|name| format!("[[{name}]]"));
            let known = guide.contains(&format!("`{key}`"))
                || heading.contains(&format!("[[{key}]]"))
                || guide.contains(&format!("`[{key}]`"));
            assert!(known, "{key}");
            keys += 1;
        }
    }
    assert!(keys > 30, "{keys}");
}

#[test]
fn the_demo_s_configuration_is_valid() {
    let config = parse(include_str!("../../../../examples/demo/nic.toml")).unwrap();
    let plan = Plan::new(&config, &NIC);
    assert!(plan.is_ok(), "{plan:?}");
}
