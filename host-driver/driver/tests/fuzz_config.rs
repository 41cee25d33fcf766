// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Fuzzes the reader of `nic.toml`: it ends in a sound configuration or in an error with a place.

mod fuzz;

use std::path::Path;

use hairpin_driver::Capabilities;
use hairpin_driver::config::{Config, Plan};

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

const TOKENS: &[&[u8]] = &[
    b"[[vport]]\n",
    b"[[vvlan]]\n",
    b"[[fdb]]\n",
    b"[[group]]\n",
    b"[[flow]]\n",
    b"cache = true\n",
    b"key-fields = [\"src\"]\n",
    b"flow-quota = 4\n",
    b"from = \"uplink\"\n",
    b"action = \"drop\"\n",
    b"ethertype = \"arp\"\n",
    b"ip-src = \"fd00::1\"\n",
    b"[uplink]\n",
    b"name = \"vf1\"\n",
    b"vvlan = 100\n",
    b"vvlans = [100, 200]\n",
    b"role = \"vswitch\"\n",
    b"mac = \"02:00:00:00:00:03\"\n",
    b"mac = \"auto\"\n",
    b"[mac-pool]\n",
    b"base = \"00:1b:21:00:00:01\"\n",
    b"spoofchk = false\n",
    b"independent",
    b"reflects = true\n",
    b"vepa",
    b"auto",
    b"external",
    b"slowpath",
    b"4095",
    b"0x",
    b"-1",
    b"9223372036854775807",
    b"\"",
    b"'''",
    b"{",
    b"}",
    b"[",
    b"]",
    b"=",
    b"\n",
    b"#",
    b".",
    b"\xff",
    b"\xe2\x80\xa6",
    b"1e400",
    b"nan",
    b"1979-05-27T07:32:00Z",
];

#[test]
fn any_text_is_a_configuration_or_one_clear_error() {
    let corpus = [
        include_bytes!("data/nic.toml").to_vec(),
        b"version = 1\nuplink = { vlan-mode = \"independent\", vlan = 7 }\n[[vvlan]]\nid = 1\n"
            .to_vec(),
        b"version = 1\n".to_vec(),
    ];
    fuzz::run("config", &corpus, TOKENS, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let plan = Config::parse(text, Path::new("f.toml")).and_then(|config| {
            check_sound(&config);
            Plan::new(&config, &NIC)
        });
        if let Err(error) = plan {
            let lines = text.lines().count().max(1) + 1;
            assert!(
                error.line.is_some_and(|line| (1..=lines).contains(&line)),
                "{error:?}"
            );
            assert!(error.file.is_some() && error.help.is_some(), "{error:?}");
            assert!(
                error.field.is_some() || error.code == "config-syntax",
                "{error:?}"
            );
            assert!(!error.message.is_empty());
        }
    });
}

/// What must hold for every accepted configuration.
fn check_sound(config: &Config) {
    for entry in &config.fdb {
        assert!(!entry.mac.is_group());
        assert!(
            config
                .vvlan(entry.vvlan)
                .unwrap()
                .members
                .contains(entry.vport)
        );
    }
    for flow in &config.flows {
        let vvlan = config.vvlan(flow.vvlan).unwrap();
        assert!(vvlan.cache && flow.key.masked(vvlan.key_mask) == flow.key);
        for port in [flow.key.src, flow.row.port] {
            let vport = port.vport().filter(|vport| vport.get() != 0);
            assert!(vport.is_none_or(|vport| vvlan.members.contains(vport)));
        }
    }
    for group in &config.groups {
        assert!(group.mac.is_group());
        let members = config.vvlan(group.vvlan).unwrap().members;
        assert_eq!(group.members & members, group.members);
    }
    for vport in &config.vports {
        assert!(!vport.vvlans.is_empty() && (vport.mac.is_some() || !vport.spoofchk));
        for vvlan in &vport.vvlans {
            assert!(config.vvlan(*vvlan).unwrap().members.contains(vport.vport));
        }
    }
    for vvlan in &config.vvlans {
        assert!(vvlan.accept.len() <= 4);
        assert!(
            vvlan
                .vswitch
                .is_none_or(|vport| vvlan.members.contains(vport))
        );
    }
}
