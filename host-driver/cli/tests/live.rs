// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The program on a live NIC: one of plain memory, behind a socket.

#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "../../driver/tests/support/elf.rs"]
mod elf;
#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "../../driver/tests/support/nic.rs"]
mod nic;
#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "../../driver/tests/support/served.rs"]
mod served;
#[path = "../../driver/tests/support/served_nic.rs"]
mod served_nic;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hairpin_abi::fw::{Event, EventCode};
use hairpin_abi::{MacAddr, PortId, VPort, Vlan};
use nic::FakeNic;
use served_nic::ServedNic;
use tempfile::TempDir;

/// A NIC that is served, and the files of its user.
struct World {
    dir: TempDir,
    served: ServedNic,
}

impl World {
    fn new() -> Self {
        Self::of(FakeNic::default())
    }

    fn of(nic: FakeNic) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let served = ServedNic::new(nic);
        let clone = served.clone();
        served::listen(&dir.path().join("pf0.sock"), move || clone.clone());
        let image = elf::Image::default().build();
        std::fs::write(dir.path().join("fw.elf"), image).unwrap();
        let config = include_str!("../../driver/tests/data/nic.toml");
        std::fs::write(dir.path().join("nic.toml"), config).unwrap();
        Self { dir, served }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_hairpin"))
            .args(args)
            .current_dir(self.dir.path())
            .env_remove("HAIRPIN_REPORT")
            .env(
                "HAIRPIN_DEVICE",
                format!("vfio-user/{}", self.path("pf0.sock").display()),
            )
            .env("HAIRPIN_FIRMWARE", self.path("fw.elf"))
            .output()
            .unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is printed, with single spaces.
    fn words(&self, args: &[&str]) -> String {
        self.ok(args)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// What is printed as JSON, which is as its schema says.
    fn json(&self, schema: &str, args: &[&str]) -> serde_json::Value {
        let text = self.ok(&[&["--json"], args].concat());
        let document = serde_json::from_str(&text).unwrap();
        let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
        let schema = std::fs::read(schemas.join(format!("{schema}.schema.json"))).unwrap();
        let schema = serde_json::from_slice(&schema).unwrap();
        if let Err(error) = jsonschema::validate(&schema, &document) {
            panic!("{args:?}: {error}");
        }
        document
    }

    fn fails(&self, args: &[&str], parts: &[&str]) {
        let output = self.run(args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{args:?}: {output:?}"
        );
        for part in parts {
            assert!(text.contains(part), "{args:?}: {text}");
        }
    }
}

/// What the guide says of pools, filters, hashes and limits, word by word, on the card of "Your first VM".
#[test]
fn the_examples_of_the_guide_work_one_after_the_other() {
    let world = World::of(FakeNic::with_virtqueues());
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/vms/nic.toml");
    world.ok(&["apply", "--config", config]);
    let mut done = 0;
    for line in include_str!("../../../docs/src/guide/cli.md").lines() {
        let args: Vec<_> = line.split_whitespace().take_while(|w| *w != "#").collect();
        if let ["hairpin", args @ ..] = &args[..]
            && let ["pool" | "filter" | "rss" | "port", ..] = args
        {
            world.ok(args);
            done += 1;
        }
    }
    assert!(done > 8, "{done} examples");
}

#[test]
fn a_nic_is_configured_shown_and_changed() {
    let world = World::new();
    world.ok(&["apply", "--config", "nic.toml", "--dry-run"]);
    assert!(world.served.nic.lock().unwrap().is_blank());
    let health = world.ok(&["health", "show"]);
    assert!(health.contains("HALTED"), "{health}");
    world.ok(&["apply", "--config", "nic.toml"]);
    assert!(!world.served.nic.lock().unwrap().memory.is_empty());

    let info = world.ok(&["dev", "info"]);
    assert!(
        info.contains("build         b111d000") && info.contains("tpid 0x88a8, pcp 3"),
        "{info}"
    );
    assert!(
        world
            .ok(&["health", "show"])
            .contains("firmware      running\n")
    );
    let ports = world.words(&["port", "show", "vf0"]);
    assert!(
        ports.contains("vf0 enabled vf 100 02:00:00:00:00:01"),
        "{ports}"
    );
    let vvlans = world.words(&["vvlan", "show"]);
    assert!(vvlans.contains("100 10 10,11,12 veb ignore"), "{vvlans}");
    assert!(world.ok(&["vvlan", "show", "200"]).lines().count() == 2);
    assert!(world.ok(&["fdb", "show", "--vvlan", "100"]).lines().count() > 2);
    assert!(world.ok(&["flow", "show"]).lines().count() > 1);
    let stats = world.ok(&["--json", "stats", "vf3"]);
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(stats["ports"].as_object().unwrap().len(), 1);
    assert!(stats["ports"]["vf3"]["in_frames"].is_u64());

    world.ok(&["port", "set", "vf1", "state", "enable", "max-macs", "9"]);
    assert!(world.ok(&["port", "show", "vf1"]).contains("enabled"));
    world.ok(&[
        "fdb",
        "add",
        "vvlan",
        "100",
        "mac",
        "02:00:00:00:0a:09",
        "port",
        "vf0",
    ]);
    assert!(world.ok(&["fdb", "show"]).contains("02:00:00:00:0a:09"));
    world.ok(&["vvlan", "del", "200"]);
    assert!(!world.ok(&["vvlan", "show"]).contains("200"));

    // A second configuration has to be asked for.
    world.fails(
        &["apply", "--config", "nic.toml"],
        &["configured already", "--replace"],
    );
    world.ok(&["apply", "--config", "nic.toml", "--replace"]);
    assert!(world.ok(&["vvlan", "show"]).contains("200"));
    assert!(!world.ok(&["port", "show", "vf1"]).contains("enabled"));
}

fn split(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn top_prints_look_after_look() {
    let world = World::new();
    world.ok(&["apply", "--config", "nic.toml"]);
    let text = world.ok(&["top", "--batch", "--count", "2", "--interval", "0.01"]);
    assert_eq!(text.matches("IN FRAMES").count(), 2, "{text}");
    for part in [
        "vf0",
        "uplink",
        "vvlan 100",
        "firmware running",
        "MAC table: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let look = world.json("top", &["top", "--count", "1", "--interval", "0.01"]);
    assert!(look["ports"]["vf0"]["drops"].is_object(), "{look}");
    world.fails(&["top"], &["no terminal", "--batch"]);
    world.fails(&["top", "--interval", "0"], &["0.01 to 3600"]);
    world.fails(&["top", "--batch", "--count", "0"], &["--count"]);
}

#[test]
fn pools_and_steering_of_a_live_nic() {
    let world = World::of(FakeNic::with_virtqueues());
    world.ok(&["apply", "--config", "nic.toml"]);
    let pools = world.json("pool-show", &["pool", "show"]);
    assert_eq!(pools["queue_pairs"], 32);
    let all = pools["pools"].as_array().unwrap();
    assert_eq!(
        (all.len(), &all[0]["vf"], &all[0]["pairs"]),
        (4, &"vf0".into(), &4.into())
    );
    world.ok(&split("pool set vf0 pairs 2 vectors 3"));
    world.ok(&split("pool set vf2 pairs 2"));
    let text = world.words(&["pool", "show"]);
    assert!(
        text.contains("vf0 0-1 3 up 02:00:00:00:00:01 1500 - 0 0")
            && text.contains("vf1 4-7 16 down")
            && text.contains("vf2 8-9 16 up")
            && text.ends_with("20 of 32 queue pairs are free"),
        "{text}"
    );
    world.fails(
        &["pool", "show", "vf3"],
        &["has no pool", "hairpin pool set vf3"],
    );
    // Limits, with a driver at work or without.
    let row = |world: &World, command: &str, name: &str| {
        let text = world.words(&[command, "show", name]);
        (text.contains("1000 Mb/s"), text.contains("20 µs"))
    };
    assert_eq!(row(&world, "port", "vf0"), (false, false));
    world.ok(&split("port set vf0 max-tx-rate 1000"));
    world.ok(&split("pool set vf0 interrupt-gap-us 20"));
    assert_eq!(row(&world, "port", "vf0"), (true, false));
    assert_eq!(row(&world, "pool", "vf0"), (true, true));
    assert_eq!(row(&world, "pool", "vf1"), (false, false));
    let ports = world.json("port-show", &["port", "show"]);
    assert_eq!(ports["ports"][0]["max_tx_rate"], 1000);
    assert!(ports["ports"][1]["max_tx_rate"].is_null());
    let pools = world.json("pool-show", &["pool", "show", "vf0"]);
    let pool = &pools["pools"][0];
    assert_eq!(
        (&pool["max_tx_rate"], &pool["interrupt_gap_us"]),
        (&1000.into(), &20.into())
    );
    for (command, says) in [
        ("port set vf0 max-tx-rate 320000", "0 to 319999"),
        ("port set vf0 max-tx-rate fast", "in Mb/s"),
        ("port set vf0 min_tx_rate 5", "guaranteed"),
        ("port set vf3 max-tx-rate 5", "pool set vf3 pairs 1"),
        ("port set vf9 max-tx-rate 5", "no VF 9"),
        ("pool set vf0 interrupt-gap-us 1678", "0 to 1677"),
        ("pool set vf3 interrupt-gap-us 20", "has no pool yet"),
    ] {
        world.fails(&split(command), &[says]);
    }

    // A driver sits down at vf0.
    let status = |value| {
        let mut nic = world.served.nic.lock().unwrap();
        nic.window.words.insert(nic::window::POOLS + 16, value);
    };
    status(0x0104_024f);
    let text = world.words(&["pool", "show", "vf0"]);
    assert!(text.contains("0x4f, bad queue 4: head"), "{text}");
    world.json("pool-show", &["pool", "show", "vf0"]);
    world.fails(
        &split("pool set vf0 pairs 4"),
        &["--force: the driver of vf0 is at work"],
    );
    world.ok(&split("pool set vf0 pairs 4 --force"));

    let add = "filter add vf0 queue 2 priority 5 src 10.0.0.0/8 dst 10.1.2.3 proto tcp dport 443";
    let added = world.json("filter-show", &split(add));
    let filter = &added["five_tuple"][0];
    assert_eq!(
        (&filter["index"], &filter["src"]),
        (&0.into(), &"10.0.0.0/8".into())
    );
    let text = world.words(&split("filter add vf0 queue 1 ethertype 0x88f7"));
    assert!(
        text.contains("ethertype 0 vf0 1 - ethertype 0x88f7"),
        "{text}"
    );
    world.ok(&split(
        "filter add vf2 queue 0 src fd00::/64 sport 53 index 3",
    ));
    let text = world.words(&["filter", "show"]);
    let v4 = "0 vf0 2 5 family ipv4 src 10.0.0.0/8 dst 10.1.2.3 proto tcp dport 443";
    assert!(
        text.contains(v4) && text.contains("3 vf2 0 0 family ipv6 src fd00::/64 sport 53"),
        "{text}"
    );
    // What is shown can be typed again.
    let (_, frames) = v4.split_once("family").unwrap();
    let again = world.words(&split(&format!(
        "filter add vf0 queue 2 priority 5 index 0 family{frames}"
    )));
    assert!(again.contains(v4), "{again}");
    assert_eq!(world.ok(&["filter", "show", "vf2"]).lines().count(), 2);
    world.fails(
        &split("filter add vf0 queue 4 proto tcp"),
        &["queue: vf0 has no queue 4"],
    );
    world.fails(
        &split("filter add vf0 queue 1"),
        &["filter add: src", "help: add src"],
    );
    world.ok(&split("filter del ethertype 0"));
    world.ok(&split("filter del 3"));
    world.fails(&split("filter del 3"), &["filter 3 is not in use"]);
    world.json("filter-show", &["filter", "show"]);

    let rss = world.json("rss-show", &["rss", "show", "vf0"]);
    assert_eq!(
        (&rss["rss"]["default"], &rss["rss"]["table"]),
        (&true.into(), &().into())
    );
    world.ok(&split(
        "rss set vf0 queues 0,3 types tcp4,ipv6 priority 5:1",
    ));
    let rss = world.json("rss-show", &["rss", "show", "vf0"]);
    assert_eq!(rss["rss"]["types"], serde_json::json!(["tcp4", "ipv6"]));
    assert_eq!(
        (&rss["rss"]["table"][1], &rss["rss"]["priorities"][5]),
        (&3.into(), &1.into())
    );
    let text = world.words(&["rss", "show", "vf0"]);
    assert!(
        text.contains("types tcp4,ipv6 priorities 5:1 table 128 entries 0: 0 3 0 3"),
        "{text}"
    );
    world.ok(&["rss", "del", "vf0"]);
    assert!(world.ok(&["rss", "show", "vf0"]).contains("(the default)"));

    // A vPort's address and state are what the driver of its VF is told.
    world.ok(&split("port set vf0 mac 02:00:00:00:0a:77 state disable"));
    let text = world.words(&["pool", "show", "vf0"]);
    assert!(text.contains("down 02:00:00:00:0a:77"), "{text}");
    let fdb = world.words(&["fdb", "show", "--vvlan", "100"]);
    assert!(
        fdb.contains("02:00:00:00:0a:77 vf0 static") && !fdb.contains("02:00:00:00:00:01"),
        "{fdb}"
    );
    world.fails(
        &split("port set vf1 mac 02:00:00:00:0a:77"),
        &[
            "mac: 02:00:00:00:0a:77 is a static address in V.VLAN 100 already",
            "fdb show --vvlan 100",
        ],
    );
    // The entry that stood in the way is still there, and vf1 has its own.
    let fdb = world.words(&["fdb", "show", "--vvlan", "100"]);
    assert!(
        fdb.contains("02:00:00:00:0a:77 vf0 static")
            && fdb.contains("02:00:00:00:00:02 vf1 static"),
        "{fdb}"
    );
    world.ok(&split("port set vf0 state auto trust on spoofchk on"));
    assert!(
        world
            .words(&["pool", "show", "vf0"])
            .contains("up 02:00:00:00:0a:77")
    );
    world.fails(
        &split("port set vf0 vlan 10"),
        &["port set: vlan", "in nic.toml"],
    );
}

#[test]
fn log_and_events_of_a_live_nic() {
    let world = World::new();
    world.ok(&["apply", "--config", "nic.toml"]);
    {
        let mut nic = world.served.nic.lock().unwrap();
        nic.log
            .extend(elf::log_frame(elf::MESSAGE_VALUE, &7u32.to_le_bytes()));
        nic.log.extend(elf::log_frame(elf::MESSAGE_BAD, &[1]));
        let vf0 = PortId::VPort(VPort::new(0).unwrap());
        let mac = MacAddr([2, 0, 0, 0, 0, 1]);
        let learned = Event::address(EventCode::Learned, vf0, Vlan::from_tci(100), mac);
        nic.events.push(learned.encode());
    }
    let log = world.ok(&["log"]);
    assert!(
        log.contains("value 7") && log.contains("bad thing true"),
        "{log}"
    );
    assert_eq!(world.ok(&["log", "--level", "error"]).lines().count(), 1);
    let events = world.ok(&["fdb", "monitor"]);
    assert!(
        events.starts_with("Taken from the NIC just now"),
        "{events}"
    );
    assert!(
        events.contains("learned") && events.contains("02:00:00:00:00:01"),
        "{events}"
    );
    // They were taken.
    assert_eq!(world.ok(&["fdb", "monitor"]).lines().count(), 2);
    world.fails(&["stats", "--watch"], &["no record", "--report DIR"]);
    // Lines are numbers in the image that runs, not in any.
    let image = elf::Image {
        manifest: hairpin_abi::manifest::Manifest::new(hairpin_driver::MAP_HASH, 99, 65536, 0)
            .to_bytes()
            .to_vec(),
        ..elf::Image::default()
    };
    std::fs::write(world.path("other.elf"), image.build()).unwrap();
    world.fails(
        &["log", "--firmware", "other.elf"],
        &["runs build 12345678", "this is build 00000063"],
    );
}

#[test]
fn what_cannot_be_attached_says_what_to_do() {
    let world = World::new();
    let device = |name: &str| format!("vfio-user/{}", world.path(name).display());
    let nowhere = device("vf7.sock");
    world.fails(
        &["-d", &nowhere, "dev", "info"],
        &["cannot attach to", "hairpin sim --socket-dir"],
    );
    world.fails(
        &["-d", "usb/1", "dev", "info"],
        &["pci/0000:01:00.0 or vfio-user/PATH"],
    );
    world.fails(
        &["-d", "pci/ffff:ff:1f.7", "dev", "info"],
        &["there is no PCI function", "lspci"],
    );
    world.fails(
        &["tap", "vf7", "--name", "tap7"],
        &["cannot attach to", "vf7.sock"],
    );
    world.fails(&["tap", "vf7", "--name", "a/b"], &["1 to 15 letters"]);
    world.fails(&["tap", "pf0", "--name", "tap7"], &["vf0 to vf63"]);

    // Other functions than the PF of a Hairpin NIC.
    for (id, says) in [
        ([0xf4, 0x1a, 0x41, 0x10], "is a VF of a NIC"),
        ([0x86, 0x80, 0x01, 0x00], "8086:0001, not a Hairpin NIC"),
        ([0xff; 4], "ffff:ffff"),
    ] {
        let mut other = ServedNic::new(FakeNic::default());
        other.id = id;
        let name = format!("{:02x}.sock", id[0]);
        served::listen(&world.path(&name), move || other.clone());
        world.fails(&["-d", &device(&name), "port", "show"], &[says, "help: "]);
    }
    // A NIC that is pulled out.
    world.served.nic.lock().unwrap().accesses_left = Some(20);
    world.fails(&["health", "show"], &["the device is gone"]);
}
