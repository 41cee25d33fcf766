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

use std::path::PathBuf;
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
        let dir = tempfile::tempdir().unwrap();
        let served = ServedNic::new(FakeNic::default());
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
