// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The driver's own logic against a NIC of plain memory: good, faulty, hostile, pulled out.

mod support;

use std::io;
use std::path::Path;

use hairpin_abi::admin::Command;
use hairpin_abi::counter::CounterAddr;
use hairpin_abi::fw::{Event, EventCode};
use hairpin_abi::{Miss, Target, VPort, Vlan};
use hairpin_driver::config::{Config, Plan};
use hairpin_driver::edit::Script;
use hairpin_driver::firmware::StartOptions;
use hairpin_driver::image::FirmwareImage;
use hairpin_driver::report::FirmwareRun;
use hairpin_driver::snapshot::Snapshot;
use hairpin_driver::{Device, Diagnostic, Error, Transport};
use support::elf::{BUILD_ID, CODE, Image};
use support::nic::{FakeNic, Firmware, macs};

const OPTIONS: StartOptions = StartOptions {
    seeds: [1, 2, 3, 4],
    watchdog_cycles: 5000,
};

fn image() -> FirmwareImage {
    FirmwareImage::parse(Image::default().build()).unwrap()
}

fn config() -> Config {
    Config::parse(include_str!("data/nic.toml"), Path::new("nic.toml")).unwrap()
}

/// From the first register to the last.
fn whole_life<T: Transport>(transport: T) -> Result<Device<T>, Diagnostic> {
    let image = image();
    let mut device = Device::probe(transport)?;
    device.load_firmware(&image)?;
    device.start_firmware(&image, OPTIONS)?;
    let plan = Plan::new(&config(), device.capabilities())?;
    device.apply(&plan)?;
    device.health()?;
    device.read_counter(CounterAddr(7))?;
    Ok(device)
}

#[test]
fn a_good_nic_is_loaded_started_and_configured() {
    let mut device = whole_life(FakeNic::default()).unwrap();
    assert_eq!(device.info().version, "1.2");
    assert_eq!(device.info().build_id, "b111d000");
    let health = device.health().unwrap();
    assert_eq!(
        (health.run, health.alive, health.uplink_up),
        (FirmwareRun::Running, true, true)
    );
    assert_eq!(health.build_id, format!("{BUILD_ID:08x}"));
    assert_eq!(
        device.read_counter(CounterAddr(0x6007)).unwrap(),
        1 << 32 | 0x6007
    );
    let row = device.read_port(VPort::new(7).unwrap()).unwrap();
    assert!(row.enabled && row.is_vswitch());
    let nic = device.into_transport();
    let zeros = usize::try_from(support::elf::CODE_ADDRESS).unwrap() / 4;
    assert!(nic.memory[..zeros].iter().all(|word| *word == 0));
    assert_eq!(nic.memory[zeros..], CODE);
    assert_eq!(
        [0x52c, 0x530, 0x534, 0x538, 0x528].map(|at| nic.words[&at]),
        [1, 2, 3, 4, 5000]
    );
    assert_eq!(nic.ports.len(), 4);
    assert_eq!(nic.ageing, (300, 30));
    assert_eq!(nic.flows.len(), 2);
    assert_eq!(macs(&nic).len(), 5);
    assert!(matches!(macs(&nic)[4].target, Target::Group(0)));
}

#[test]
fn a_snapshot_shows_what_was_configured() {
    let mut device = whole_life(FakeNic::default()).unwrap();
    let snapshot = Snapshot::read(&mut device, Vec::new()).unwrap();
    assert_eq!(snapshot.ports.len(), 8);
    assert_eq!(snapshot.ports[7].vvlans, [100, 200]);
    assert_eq!(snapshot.ports[0].broadcast_interval, Some(1 << 20));
    assert_eq!(snapshot.ports[5].mac, None);
    assert_eq!(snapshot.vvlans.len(), 2);
    assert_eq!(snapshot.vvlans[0].accept, [10, 11, 12]);
    assert_eq!(snapshot.vvlans[0].members, ["vf0", "vf1", "vf7"]);
    assert_eq!(snapshot.fdb.len(), 5);
    assert!(
        snapshot
            .fdb
            .iter()
            .any(|entry| entry.ports == ["vf0", "vf1"] && entry.group == Some(0))
    );
    assert_eq!(
        (
            snapshot.uplink.tpid,
            snapshot.uplink.pcp,
            snapshot.uplink.reflects
        ),
        (0x88a8, 3, true)
    );
    let vvlan = &snapshot.vvlans[0];
    assert_eq!(
        (vvlan.cache, vvlan.flow_quota, vvlan.key_fields.len()),
        (true, 1024, 8)
    );
    assert!(!snapshot.vvlans[1].cache && snapshot.vvlans[1].key_fields.is_empty());
    // One of the flows is in the stash, and seen once although the stash is read twice.
    let [arp, web] = &snapshot.flows[..] else {
        panic!("{:?}", snapshot.flows)
    };
    assert_eq!(
        arp.key.text(),
        "from uplink sa 02:00:00:00:00:99 ethertype arp"
    );
    assert_eq!(
        web.key.text(),
        "from vf0 sa 02:00:00:00:00:01 ethertype ipv4 ip-src 10.0.0.1 ip-dst 10.0.0.2 proto tcp sport 40000 dport 80"
    );
    assert_eq!(
        (
            web.action.as_str(),
            web.port.as_deref(),
            web.teacher.as_str()
        ),
        ("redirect", Some("vf1"), "flow")
    );
    // The fake's counters are their addresses; its time is 0, the stamp two units before.
    assert_eq!(
        (web.handle, web.frames & 0xffff, web.bytes & 0xffff),
        (0, 0x8000, 0x8001)
    );
    assert_eq!(
        (arp.handle, arp.frames & 0xffff, arp.idle_ticks),
        (1, 0x8002, 2 << 21)
    );
    let tables = &snapshot.tables;
    assert_eq!(
        (
            tables.mac.capacity,
            tables.mac.entries & 0xffff,
            tables.mac.refused & 0xffff
        ),
        (8, 0xc000, 0xc009)
    );
    let flow = tables.flow.as_ref().unwrap();
    assert_eq!((flow.capacity, flow.aged & 0xffff), (4, 0xc014));
    assert_eq!(tables.learn.no_slot & 0xffff, 0xc022);
    let dir = tempfile::tempdir().unwrap();
    snapshot.write_file(dir.path()).unwrap();
    assert_eq!(Snapshot::read_file(dir.path()).unwrap(), snapshot);
}

#[test]
fn a_nic_at_work_can_be_edited() {
    let edit = |device: &mut Device<FakeNic>, text: &str| {
        let script = Script::parse(&format!("0 {text}"), Path::new("edits")).unwrap();
        device.edit(&script.edits[0].edit)
    };
    let mut device = whole_life(FakeNic::default()).unwrap();
    let dns = "vvlan 100 from vf1 sa 02:00:00:00:00:02 ethertype ipv6 ip-src fd00::1 ip-dst fd00::2 proto udp sport 1 dport 53";
    edit(&mut device, &format!("flow add {dns} action drop")).unwrap();
    assert_eq!(device.dump_flows().unwrap().len(), 3);
    edit(&mut device, &format!("flow del {dns}")).unwrap();
    assert_eq!(device.dump_flows().unwrap().len(), 2);
    edit(&mut device, "flow flush all").unwrap();
    assert!(device.dump_flows().unwrap().is_empty());
    edit(
        &mut device,
        "fdb add vvlan 200 mac 02:00:00:00:00:77 port vf2",
    )
    .unwrap();
    assert_eq!(device.dump_macs().unwrap().len(), 6);
    edit(&mut device, "fdb del vvlan 200 mac 02:00:00:00:00:77").unwrap();
    assert_eq!(device.dump_macs().unwrap().len(), 5);
    edit(
        &mut device,
        "port set vf7 state disable learning off max-macs 9",
    )
    .unwrap();
    let row = device.read_port(VPort::new(7).unwrap()).unwrap();
    assert!(!row.enabled && !row.learning && row.max_macs == 9 && row.is_vswitch() && row.reflect);
    edit(
        &mut device,
        "vvlan set 200 miss drop cache on key-fields da flow-quota 0",
    )
    .unwrap();
    let row = device.read_vvlan(1).unwrap();
    assert_eq!(
        (row.miss, row.cache, row.key_mask, row.flow_quota),
        (Miss::Drop, true, 2, 0)
    );
    assert!(
        row.members.contains(VPort::new(2).unwrap()),
        "what was not named stays"
    );
    edit(
        &mut device,
        "flow add vvlan 200 da 02:00:00:00:00:01 action punt",
    )
    .unwrap();
    edit(&mut device, "vvlan del 200").unwrap();

    let both = format!("flow add {dns} da 02:00:00:00:00:01 action drop");
    let wrong = [
        ("unknown-vvlan", "flow del vvlan 300 da 02:00:00:00:00:01"),
        ("unknown-vvlan", "vvlan set 200 miss drop"),
        ("missing-field", "flow add vvlan 100 from vf0 action drop"),
        ("not-in-key", both.as_str()),
    ];
    for (code, text) in wrong {
        let before = device.transport_mut().commands;
        let error = edit(&mut device, text).unwrap_err();
        assert_eq!(error.code, code, "{text}: {error}");
        assert!(error.help.is_some(), "{text}: {error}");
        assert_eq!(
            device.transport_mut().commands,
            before,
            "{text}: the firmware was asked"
        );
    }
    device.transport_mut().firmware = Firmware::Refuses(device.transport_mut().commands);
    assert_eq!(
        edit(&mut device, "flow flush all").unwrap_err().code,
        "admin-command"
    );
}

#[test]
fn a_nic_without_a_flow_cache_has_no_flows() {
    let mut nic = FakeNic::default();
    nic.words.insert(0x1c, 0);
    nic.words.insert(0x24, 0);
    let mut device = Device::probe(nic).unwrap();
    assert!(device.dump_flows().unwrap().is_empty());
    assert_eq!(device.table_counters().unwrap().flow, None);
    for text in [
        "0 flow flush all",
        "0 flow add vvlan 1 action drop",
        "0 vvlan set 1 cache on",
    ] {
        let script = Script::parse(text, Path::new("edits")).unwrap();
        let error = device.edit(&script.edits[0].edit).unwrap_err();
        assert_eq!(error.code, "needs-flow-cache", "{text}: {error}");
    }
    assert_eq!(device.into_transport().commands, 0);
}

#[test]
fn events_are_taken_once_and_in_order() {
    let event = |code, vport| Event {
        code,
        port: VPort::new(vport).unwrap().into(),
        vvlan: Vlan::from_tci(100),
        mac_low: 7,
    };
    let events = [event(EventCode::Learned, 1), event(EventCode::Moved, 2)];
    let nic = FakeNic {
        events: vec![events[0].encode(), [0xff, 0], events[1].encode()],
        ..FakeNic::default()
    };
    let mut device = Device::probe(nic).unwrap();
    assert_eq!(
        device.take_events().unwrap(),
        events,
        "what nobody knows is left out"
    );
    assert!(device.take_events().unwrap().is_empty());
    device.transport_mut().events = vec![events[0].encode(); 1000];
    let taken = device.take_events().unwrap().len();
    assert!(
        taken > 0 && taken < 1000,
        "a flood of {taken} events holds the driver"
    );
}

#[test]
fn something_else_behind_the_bar_is_named() {
    let with = |offset, value| {
        let mut nic = FakeNic::default();
        nic.words.insert(offset, value);
        Device::probe(nic).map(|_| ()).unwrap_err()
    };
    assert!(matches!(
        with(0, 0x8086_1572),
        Error::NotHairpin {
            found: 0x8086_1572,
            ..
        }
    ));
    assert!(matches!(with(8, 7), Error::MapMismatch { .. }));
    assert!(matches!(
        with(0x14, 0),
        Error::BadCapability {
            what: "CAP0.n_vf",
            value: 0
        }
    ));
    assert!(matches!(
        with(0x14, 65 | 64 << 16),
        Error::BadCapability {
            what: "CAP0.n_vf",
            ..
        }
    ));
    assert!(matches!(
        with(0x24, 0),
        Error::BadCapability {
            what: "CAP3.flow_capacity",
            ..
        }
    ));
    assert!(matches!(
        with(0x18, 15 << 24 | 1 | 1 << 16),
        Error::BadCapability { .. }
    ));
}

#[test]
fn all_ones_mean_gone_only_when_nobody_answers() {
    let mut nic = FakeNic::default();
    nic.words.insert(0x10, u32::MAX);
    assert_eq!(Device::probe(nic).unwrap().info().build_id, "ffffffff");
    let gone = FakeNic {
        accesses_left: Some(0),
        ..FakeNic::default()
    };
    assert!(matches!(Device::probe(gone), Err(Error::Gone)));
}

#[test]
fn a_nic_pulled_out_at_any_point_is_a_clean_error() {
    let accesses = whole_life(FakeNic::default())
        .unwrap()
        .into_transport()
        .accesses;
    assert!(accesses > 300, "{accesses}");
    for left in 0..accesses - 1 {
        let nic = FakeNic {
            accesses_left: Some(left),
            ..FakeNic::default()
        };
        // A write into the void goes unnoticed; the next read does not.
        let Err(error) = whole_life(nic) else {
            panic!("not noticed after {left} accesses")
        };
        assert_eq!(error.code, "device-gone", "after {left} accesses: {error}");
        assert!(error.help.is_some());
    }
}

#[test]
fn a_refused_command_leaves_nothing_behind() {
    let commands = 1 + 2 + 4 + 2 + 2;
    for refused in 0..commands {
        let nic = FakeNic {
            firmware: Firmware::Refuses(refused),
            ..FakeNic::default()
        };
        let image = image();
        let mut device = Device::probe(nic).unwrap();
        device.load_firmware(&image).unwrap();
        device.start_firmware(&image, OPTIONS).unwrap();
        let plan = Plan::new(&config(), device.capabilities()).unwrap();
        let error = device.apply(&plan).unwrap_err();
        assert_eq!(error.code, "admin-command", "{error}");
        assert!(error.message.contains("table-full"), "{error}");
        assert!(
            error.file.is_some() && error.line.is_some() && error.field.is_some(),
            "{error}"
        );
        let nic = device.into_transport();
        assert!(nic.is_blank(), "after command {refused}");
        assert!(nic.ports.is_empty(), "no vPort may have been touched");
    }
}

#[test]
fn the_mailbox_does_not_wait_for_ever() {
    let admin = |firmware| {
        let mut device = Device::probe(FakeNic {
            firmware,
            ..FakeNic::default()
        })
        .unwrap();
        let result = device.admin(&Command::Nop);
        (result, device.into_transport().waited)
    };
    assert!(matches!(admin(Firmware::Good), (Ok(_), 0)));
    let (silent, waited) = admin(Firmware::Silent);
    assert!(
        matches!(silent, Err(Error::Timeout { cycles, .. }) if cycles == waited),
        "{silent:?}"
    );
    assert!(matches!(
        admin(Firmware::Hung),
        (Err(Error::FirmwareHung), 0)
    ));
    let (nonsense, _) = admin(Firmware::Nonsense);
    assert!(matches!(nonsense, Err(Error::Admin { reason, .. }) if reason == "error 999"));
}

#[test]
fn an_old_answer_is_not_taken_for_a_new_one() {
    let mut nic = FakeNic::default();
    // The answer to command 65535 is still there, and the number wraps.
    nic.words.insert(0x344, 0xffff | 1 << 16);
    let mut device = Device::probe(nic).unwrap();
    device.admin(&Command::Nop).unwrap();
    device.admin(&Command::Nop).unwrap();
    assert_eq!(device.into_transport().words[&0x344], 1 | 1 << 16);
}

#[test]
fn firmware_that_stops_at_boot_says_where() {
    let image = image();
    let nic = FakeNic {
        firmware: Firmware::BadBoot,
        ..FakeNic::default()
    };
    let mut device = Device::probe(nic).unwrap();
    device.load_firmware(&image).unwrap();
    let error = device.start_firmware(&image, OPTIONS).unwrap_err();
    assert!(
        matches!(&error, Error::FirmwareFailed { state, code: 2 } if state == "self-test-failed")
    );
    assert_eq!(device.health().unwrap().run, FirmwareRun::Halted);
    device.transport_mut().words.insert(0x50c, 2 | 1 << 16);
    let health = device.health().unwrap();
    assert_eq!(
        (health.run, health.hung, health.alive),
        (FirmwareRun::Hung, true, false)
    );
}

#[test]
fn a_heartbeat_that_stands_still_is_seen() {
    let mut nic = FakeNic::default();
    nic.words.insert(0x50c, 2);
    let mut device = Device::probe(nic).unwrap();
    let health = device.health().unwrap();
    assert_eq!((health.run, health.alive), (FirmwareRun::Running, false));
}

#[test]
fn the_host_window_is_refused_by_name() {
    let mut device = Device::probe(FakeNic::default()).unwrap();
    let error = device
        .write_port(VPort::new(9).unwrap(), &Default::default())
        .unwrap_err();
    assert!(
        error.to_string().contains("write port[9] failed: denied"),
        "{error}"
    );
}

/// Answers every read with the next number of a random sequence, but identifies itself well.
struct Hostile {
    state: u64,
    good: FakeNic,
}

impl Transport for Hostile {
    fn read32(&mut self, offset: u32) -> io::Result<u32> {
        if offset < 0x100 {
            return self.good.read32(offset);
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        Ok((self.state >> 16) as u32)
    }

    fn write32(&mut self, _offset: u32, _value: u32) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, _cycles: u32) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_nic_that_lies_gets_errors_not_panics() {
    let image = image();
    let plan_for = |device: &Device<Hostile>| Plan::new(&config(), device.capabilities()).unwrap();
    for seed in 1..200 {
        let hostile = Hostile {
            state: seed << 32 | 0x7f4a_7c15,
            good: FakeNic::default(),
        };
        let mut device = Device::probe(hostile).unwrap();
        assert!(device.load_firmware(&image).is_err(), "seed {seed}");
        // Any of these may succeed by chance; none may panic or fail to end.
        let plan = plan_for(&device);
        let _ = device.start_firmware(&image, OPTIONS);
        let _ = device.apply(&plan);
        let _ = device.health();
        let _ = device.read_counter(CounterAddr(0));
        let _ = device.dump_macs();
        let _ = device.dump_flows();
        let _ = device.table_counters();
        let _ = device.take_events();
        let _ = Snapshot::read(&mut device, Vec::new());
        let _ = device.time();
        let mut log = hairpin_driver::log::LogReader::new(&image).unwrap();
        let _ = log.poll(&mut device);
        let _ = log.poll(&mut device);
    }
}
