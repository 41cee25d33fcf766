// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Queue pools and receive steering against windows of plain memory.

mod support;

use std::path::Path;

use hairpin_abi::{MacAddr, PortRow, VPort};
use hairpin_driver::config::Config;
use hairpin_driver::edit::{Edit, PortChange};
use hairpin_driver::pool::PoolChange;
use hairpin_driver::steer::{
    DEFAULT_KEY, EtherTypeFilter, Family, Filter, FilterPlace, HashTypes, KEY_BYTES, Prefix, Rss,
    RssChange, TABLE, TupleFilter,
};
use hairpin_driver::{Device, Diagnostic, Error, Transport, VfSettings};
use support::nic::FakeNic;
use support::nic::window::{POOLS, STEER};

fn nic() -> Device<FakeNic> {
    Device::probe(FakeNic::with_virtqueues()).unwrap()
}

fn vf(number: u8) -> VPort {
    VPort::new(number).unwrap()
}

fn pairs(pairs: u8) -> PoolChange {
    PoolChange {
        pairs: Some(pairs),
        ..PoolChange::default()
    }
}

/// The window's word; those of a VF's steering are behind its number.
fn word(device: &mut Device<FakeNic>, offset: u32) -> u32 {
    let words = &device.transport_mut().window.words;
    words.get(&offset).copied().unwrap_or(0)
}

fn field(error: &Diagnostic) -> &str {
    assert!(error.help.is_some(), "{error}");
    error.field.as_deref().unwrap_or_default()
}

fn tuple(number: u8, queue: u8) -> TupleFilter {
    TupleFilter {
        vf: vf(number),
        priority: 5,
        queue,
        family: Family::V4,
        src: Prefix {
            address: 0x0a00_0000,
            bits: 8,
        },
        dst: Prefix {
            address: 0x0a01_0203,
            bits: 32,
        },
        proto: Some(6),
        sport: None,
        dport: Some(443),
    }
}

#[test]
fn a_pool_is_given_changed_and_taken_away() {
    let mut nic = nic();
    let mac = MacAddr([2, 0, 0, 0, 0, 9]);
    let row = PortRow {
        enabled: true,
        mac,
        ..PortRow::DISABLED
    };
    nic.write_port(vf(3), &row).unwrap();
    nic.set_pool(vf(3), &pairs(4), false).unwrap();
    assert_eq!(word(&mut nic, POOLS + 3 * 64), 0x1004_0003);
    let pools = nic.pool_states().unwrap();
    let pool = &pools[0];
    assert_eq!((pools.len(), pool.vf.as_str()), (1, "vf3"));
    assert_eq!((pool.first, pool.pairs, pool.vectors), (0, 4, 16));
    assert_eq!((pool.mac.clone(), pool.link_up), (mac.to_string(), true));

    // One more, behind it; its vPort is off and has no address.
    let few = PoolChange {
        vectors: Some(3),
        ..pairs(2)
    };
    nic.set_pool(vf(0), &few, false).unwrap();
    assert_eq!(word(&mut nic, POOLS), 0x0302_0401);
    let error = nic
        .set_pool(
            vf(1),
            &PoolChange {
                first: Some(3),
                ..pairs(1)
            },
            false,
        )
        .unwrap_err();
    assert_eq!(field(&error), "first");

    // Growing moves it, after its reset.
    nic.set_pool(vf(3), &pairs(5), false).unwrap();
    assert_eq!(word(&mut nic, POOLS + 3 * 64), 0x1005_0603);
    assert!(nic.transport_mut().waited > 0, "the reset takes a while");
    nic.set_pool(vf(3), &pairs(0), false).unwrap();
    assert_eq!(nic.vf_settings(3).unwrap(), None);
    nic.set_pool(vf(3), &pairs(0), false).unwrap();
    assert!(nic.set_pool(vf(8), &pairs(1), false).is_err());
}

#[test]
fn a_driver_at_work_is_only_reset_by_force() {
    let mut nic = nic();
    nic.set_pool(vf(0), &pairs(4), false).unwrap();
    nic.transport_mut().window.words.insert(POOLS + 16, 0x0f);
    let error = nic.set_pool(vf(0), &pairs(8), false).unwrap_err();
    assert_eq!(
        (error.code.as_str(), field(&error)),
        ("vf-in-use", "--force")
    );
    assert_eq!(nic.vf_settings(0).unwrap().unwrap().pairs, 4);
    // Nothing to do is no reset.
    nic.set_pool(vf(0), &pairs(4), false).unwrap();
    nic.set_pool(vf(0), &pairs(8), true).unwrap();
    assert_eq!(nic.vf_settings(0).unwrap().unwrap().pairs, 8);
}

#[test]
fn limits_are_changed_while_a_driver_is_at_work() {
    let mut nic = nic();
    let set = |vport: u8, rate| Edit::PortSet {
        vport: vf(vport),
        change: PortChange {
            max_tx_rate: Some(rate),
            ..PortChange::default()
        },
    };
    let error = nic.edit(&set(3, 1000)).unwrap_err();
    assert_eq!(
        (error.code.as_str(), field(&error)),
        ("no-pool", "max-tx-rate")
    );
    assert!(nic.edit(&set(8, 1000)).is_err(), "there is no VF 8");
    nic.set_pool(vf(3), &pairs(4), false).unwrap();
    let before = nic.vf_settings(3).unwrap().unwrap();
    assert_eq!((before.max_tx_rate, before.interrupt_gap_us), (0, 0));
    nic.transport_mut()
        .window
        .words
        .insert(POOLS + 3 * 64 + 16, 0x0f);
    let waited = nic.transport_mut().waited;

    nic.edit(&set(3, 1000)).unwrap();
    let gap = PoolChange {
        interrupt_gap_us: Some(20),
        ..PoolChange::default()
    };
    nic.set_pool(vf(3), &gap, false).unwrap();
    assert_eq!(word(&mut nic, POOLS + 3 * 64 + 36), 13_421_773);
    assert_eq!(word(&mut nic, POOLS + 3 * 64 + 40), 49);
    assert_eq!(word(&mut nic, POOLS + 36), 0, "of no other VF");
    assert_eq!(nic.transport_mut().waited, waited, "no reset");
    let limited = VfSettings {
        max_tx_rate: 1000,
        interrupt_gap_us: 20,
        ..before
    };
    assert_eq!(nic.vf_settings(3).unwrap(), Some(limited));
    let pools = nic.pool_states().unwrap();
    assert_eq!(
        (pools[0].max_tx_rate, pools[0].interrupt_gap_us),
        (1000, 20)
    );
    let ports = nic.port_states().unwrap();
    assert_eq!(
        (ports[3].max_tx_rate, ports[0].max_tx_rate),
        (Some(1000), None)
    );

    // A new pool keeps them; so does another change of the vPort.
    nic.set_pool(vf(3), &pairs(2), true).unwrap();
    let change = PortChange {
        enabled: Some(true),
        ..PortChange::default()
    };
    nic.edit(&Edit::PortSet {
        vport: vf(3),
        change,
    })
    .unwrap();
    let after = nic.vf_settings(3).unwrap().unwrap();
    assert_eq!((after.max_tx_rate, after.interrupt_gap_us), (1000, 20));
    nic.edit(&set(3, 0)).unwrap();
    assert_eq!(nic.port_states().unwrap()[3].max_tx_rate, None);
}

#[test]
fn a_configuration_sets_limits_and_takes_them_away() {
    let mut nic = nic();
    let text = |more: &str| {
        format!(
            "version = 1\n[[vvlan]]\nid = 100\nvlan = 5\n\
             [[vport]]\nname = \"vf0\"\nvvlan = 100\nspoofchk = false\n{more}"
        )
    };
    let mut limits = |more: &str| {
        let config = Config::parse(&text(more), Path::new("nic.toml")).unwrap();
        let plan = nic.plan_vfs(&config).unwrap();
        nic.set_up_vfs(&plan).unwrap();
        let waited = nic.transport_mut().waited;
        let settings = nic.vf_settings(0).unwrap().unwrap();
        (settings.max_tx_rate, settings.interrupt_gap_us, waited)
    };
    assert_eq!(limits(""), (0, 0, 0));
    let all = "max-tx-rate = 2500\ninterrupt-gap-us = 50\n";
    // Without a reset of the VF.
    assert_eq!(limits(all), (2500, 50, 0));
    assert_eq!(limits("max-tx-rate = 0\n"), (0, 0, 0));
}

#[test]
fn a_pool_that_does_not_come_about_is_an_error() {
    let mut nic = nic();
    nic.transport_mut().window.is_stubborn = true;
    let error = nic.set_pool(vf(0), &pairs(4), false).unwrap_err();
    assert_eq!(
        (error.code.as_str(), field(&error)),
        ("not-enabled", "pairs")
    );
}

#[test]
fn filters_are_written_read_back_and_removed() {
    let mut nic = nic();
    nic.set_pool(vf(0), &pairs(4), false).unwrap();
    let filter = tuple(0, 2);
    let place = nic.add_filter(&Filter::Tuple(filter), None).unwrap();
    assert_eq!(place, FilterPlace::Tuple(0));
    for (i, want) in (0..).zip(filter.words()) {
        assert_eq!(word(&mut nic, STEER + 0x800 + 4 * i), want, "word {i}");
    }
    // At a place of its own, then the first that is free, and over one that is there.
    let any = TupleFilter {
        priority: 0,
        family: Family::Any,
        src: Prefix::default(),
        dst: Prefix::default(),
        ..filter
    };
    let mut add = |filter, index| nic.add_filter(&Filter::Tuple(filter), index).unwrap();
    assert_eq!(add(any, Some(2)), FilterPlace::Tuple(2));
    assert_eq!(add(any, None), FilterPlace::Tuple(1));
    assert_eq!(add(tuple(7, 31), Some(0)), FilterPlace::Tuple(0));
    let ethertype = EtherTypeFilter {
        vf: vf(0),
        ethertype: 0x88f7,
        queue: 1,
    };
    let ethertype = Filter::EtherType(ethertype);
    let place = nic.add_filter(&ethertype, None).unwrap();
    assert_eq!(place, FilterPlace::EtherType(0));
    assert_eq!(word(&mut nic, STEER + 0x40), 0x8100_88f7);
    let filters = nic.filters().unwrap();
    let want = [
        (FilterPlace::Tuple(0), Filter::Tuple(tuple(7, 31))),
        (FilterPlace::Tuple(1), Filter::Tuple(any)),
        (FilterPlace::Tuple(2), Filter::Tuple(any)),
        (FilterPlace::EtherType(0), ethertype),
    ];
    assert_eq!(filters, want);

    nic.del_filter(FilterPlace::EtherType(0)).unwrap();
    nic.del_filter(FilterPlace::Tuple(1)).unwrap();
    assert_eq!(nic.filters().unwrap().len(), 2);
    for gone in [FilterPlace::EtherType(0), FilterPlace::Tuple(4)] {
        let error = nic.del_filter(gone).unwrap_err();
        assert_eq!(field(&error), "index", "{error}");
    }
}

#[test]
fn filters_that_cannot_be_are_refused() {
    let mut nic = nic();
    nic.set_pool(vf(0), &pairs(4), false).unwrap();
    let mut refused = |filter, index| {
        let error = nic.add_filter(&Filter::Tuple(filter), index).unwrap_err();
        (error.code.clone(), field(&error).to_owned())
    };
    let of = |code: &str, field: &str| (code.to_owned(), field.to_owned());
    assert_eq!(refused(tuple(0, 4), None), of("bad-queue", "queue"));
    assert_eq!(refused(tuple(1, 32), None), of("bad-queue", "queue"));
    assert_eq!(refused(tuple(8, 0), None), of("no-vf", "VF"));
    assert_eq!(refused(tuple(0, 0), Some(4)), of("no-filter", "index"));
    // What the NIC does not enable.
    let long = TupleFilter {
        src: Prefix {
            address: 0,
            bits: 33,
        },
        ..tuple(0, 0)
    };
    assert_eq!(refused(long, None), of("not-enabled", "queue"));
    for _ in 0..4 {
        nic.add_filter(&Filter::Tuple(tuple(0, 0)), None).unwrap();
    }
    let error = nic
        .add_filter(&Filter::Tuple(tuple(0, 0)), None)
        .unwrap_err();
    assert_eq!(
        (error.code.as_str(), field(&error)),
        ("filters-full", "index")
    );
    // A NIC that reports more filters than there is room for.
    struct Liar(FakeNic);
    impl Transport for Liar {
        fn read32(&mut self, offset: u32) -> std::io::Result<u32> {
            if offset == STEER {
                return Ok(0x0008_0821);
            }
            self.0.read32(offset)
        }
        fn write32(&mut self, offset: u32, value: u32) -> std::io::Result<()> {
            self.0.write32(offset, value)
        }
        fn wait(&mut self, cycles: u32) -> std::io::Result<()> {
            self.0.wait(cycles)
        }
    }
    let mut liar = Device::probe(Liar(FakeNic::with_virtqueues())).unwrap();
    assert!(matches!(
        liar.filters(),
        Err(Error::BadCapability { value: 33, .. })
    ));
    let mut none = Device::probe(FakeNic::default()).unwrap();
    assert!(matches!(none.filters(), Err(Error::NoSteering)));
    assert!(matches!(none.read_steering(vf(0)), Err(Error::NoSteering)));
    assert!(matches!(none.pool_states(), Err(Error::NoVf { vf: 0 })));
}

#[test]
fn the_hash_of_a_vf_is_its_own() {
    let mut nic = nic();
    nic.set_pool(vf(2), &pairs(4), false).unwrap();
    nic.set_pool(vf(3), &pairs(4), false).unwrap();
    let mut change = RssChange {
        key: Some(std::array::from_fn(|i| i as u8)),
        types: Some(HashTypes::TCP_IPV4),
        ..RssChange::default()
    };
    change.priorities[3] = Some(Some(1));
    let row = nic.set_rss(vf(2), &change).unwrap();
    let rss = Rss {
        key: std::array::from_fn(|i| i as u8),
        types: HashTypes::TCP_IPV4,
        short: false,
        table: std::array::from_fn(|i| (i % 4) as u8),
    };
    assert_eq!((row.rss, row.priorities[3]), (Some(rss), Some(1)));
    assert_eq!(nic.read_steering(vf(2)).unwrap(), row);
    let at = |offset| (2 << 16) | (STEER + offset);
    for (offset, want) in [
        (0x100, 0x0302_0100),
        (0x128, 0x8100_0000),
        (0x12c, 0),
        (0x130, 0x0201),
        (0x180, 0x0302_0100),
    ] {
        assert_eq!(word(&mut nic, at(offset)), want, "{offset:#x}");
    }
    // Another VF has nothing of it.
    let other = nic.read_steering(vf(3)).unwrap();
    assert_eq!((other.rss, other.priorities), (None, [None; 8]));

    // Only a priority: the default hash stays.
    let mut priority = RssChange::default();
    priority.priorities[7] = Some(Some(3));
    assert_eq!(nic.set_rss(vf(3), &priority).unwrap().rss, None);

    let queue = RssChange {
        table: Some(([4; TABLE], false)),
        ..RssChange::default()
    };
    assert_eq!(field(&nic.set_rss(vf(2), &queue).unwrap_err()), "queues");
    priority.priorities[0] = Some(Some(4));
    assert_eq!(
        field(&nic.set_rss(vf(2), &priority).unwrap_err()),
        "priority"
    );

    nic.del_rss(vf(2)).unwrap();
    assert_eq!(nic.read_steering(vf(2)).unwrap(), Default::default());
    assert_eq!(nic.read_steering(vf(3)).unwrap().priorities[7], Some(3));
    // What is there but does not count is no base: the published key is.
    let types = RssChange {
        types: Some(HashTypes::IPV6),
        ..RssChange::default()
    };
    assert_eq!(
        nic.set_rss(vf(2), &types).unwrap().rss.unwrap().key,
        DEFAULT_KEY
    );
    nic.transport_mut().window.is_stubborn = true;
    let key = RssChange {
        key: Some([0; KEY_BYTES]),
        ..RssChange::default()
    };
    assert_eq!(nic.set_rss(vf(2), &key).unwrap_err().code, "not-enabled");
    assert!(nic.set_rss(vf(8), &key).is_err());
    let error = nic.set_rss(vf(5), &key).unwrap_err();
    assert_eq!((error.code.as_str(), field(&error)), ("no-pool", "queues"));
}

const CONFIG: &str = "version = 1
[[vvlan]]
id = 1
vlan = 1
[[vport]]
name = \"vf0\"
vvlan = 1
mac = \"02:00:00:00:00:01\"
queue-pairs = 6
vectors = 7
[[vport]]
name = \"vf3\"
vvlan = 1
mac = \"02:00:00:00:00:02\"
[[filter]]
vport = \"vf0\"
queue = 5
proto = \"tcp\"
dport = 443
[[filter]]
vport = \"vf3\"
queue = 1
ethertype = \"arp\"
index = 1
[[filter]]
vport = \"vf3\"
queue = 3
src = \"10.0.0.0/8\"
index = 0
[[rss]]
vport = \"vf0\"
types = [\"tcp4\", \"ipv4\"]
queues = [4, 5]
priority = \"7:3\"
";

fn config(text: &str) -> Config {
    Config::parse(text, Path::new("nic.toml")).unwrap()
}

#[test]
fn a_configuration_gives_vfs_their_queues_filters_and_hashes() {
    let mut nic = nic();
    // What is there and not asked for goes.
    nic.set_pool(vf(7), &pairs(4), false).unwrap();
    nic.add_filter(&Filter::Tuple(tuple(7, 0)), Some(3))
        .unwrap();
    let change = RssChange {
        types: Some(HashTypes::IPV6),
        ..RssChange::default()
    };
    nic.set_rss(vf(7), &change).unwrap();
    let plan = nic.plan_vfs(&config(CONFIG)).unwrap();
    nic.set_up_vfs(&plan).unwrap();
    let pools = nic.pool_states().unwrap();
    let pools: Vec<_> = (pools.iter())
        .map(|pool| (pool.vf.as_str(), pool.first, pool.pairs, pool.vectors))
        .collect();
    assert_eq!(pools, [("vf0", 0, 6, 7), ("vf3", 6, 4, 16)]);
    let filters = nic.filters().unwrap();
    let queues: Vec<_> = (filters.iter())
        .map(|(place, filter)| (*place, filter.vf(), filter.queue()))
        .collect();
    let want = [
        (FilterPlace::Tuple(0), vf(3), 3),
        (FilterPlace::Tuple(1), vf(0), 5),
        (FilterPlace::EtherType(1), vf(3), 1),
    ];
    assert_eq!(queues, want);
    let row = nic.read_steering(vf(0)).unwrap();
    let rss = row.rss.unwrap();
    assert_eq!(
        (rss.key, rss.table[..3].to_vec()),
        (DEFAULT_KEY, vec![4, 5, 4])
    );
    assert_eq!(row.priorities[7], Some(3));
    for other in [3, 7] {
        assert_eq!(nic.read_steering(vf(other)).unwrap(), Default::default());
    }
    // Once more is no change, and resets nobody.
    let waited = nic.transport_mut().waited;
    nic.set_up_vfs(&plan).unwrap();
    assert_eq!(nic.transport_mut().waited, waited);
}

#[test]
fn a_configuration_that_does_not_fit_the_queues_is_refused_before_anything_is_written() {
    let mut nic = nic();
    let before = nic.transport_mut().window.words.clone();
    for (from, to, code, wrong, line) in [
        (
            "pairs = 6",
            "pairs = 29",
            "too-many-queues",
            "vport[1].name",
            12,
        ),
        (
            "pairs = 6",
            "pairs = 33",
            "too-many-queues",
            "vport[0].queue-pairs",
            9,
        ),
        ("queue = 5", "queue = 6", "bad-queue", "filter[0].queue", 15),
        ("queue = 3", "queue = 4", "bad-queue", "filter[2].queue", 25),
        (
            "index = 1",
            "index = 2",
            "filters-full",
            "filter[1].index",
            20,
        ),
        ("[4, 5]", "[4, 6]", "bad-queue", "rss[0].queues", 30),
        ("7:3", "7:6", "bad-queue", "rss[0].priority", 30),
    ] {
        let text = CONFIG.replacen(from, to, 1);
        let error = nic.plan_vfs(&config(&text)).unwrap_err();
        assert_eq!(
            (error.code.as_str(), field(&error), error.line),
            (code, wrong, Some(line)),
            "{error}"
        );
    }
    assert_eq!(nic.transport_mut().window.words, before);
    // A NIC without virtqueues forwards all the same.
    let mut plain = Device::probe(FakeNic::default()).unwrap();
    let plan = plain.plan_vfs(&config(CONFIG)).unwrap();
    plain.set_up_vfs(&plan).unwrap();
}
