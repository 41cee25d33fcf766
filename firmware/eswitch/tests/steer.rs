// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Receive steering: the published hashes, the order of the steps, and what is in a frame.

mod common;
#[path = "common/rss_vectors.rs"]
mod rss_vectors;

use std::net::{Ipv4Addr, Ipv6Addr};

use common::*;
use hairpin_eswitch::Canonical;
use hairpin_eswitch::steer::*;
use rss_vectors::{V4, V6};

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;
const GRE: u8 = 47;

/// A packet with ports in front of its payload, and its EtherType.
fn packet(proto: u8, src: &str, dst: &str, sport: u16, dport: u16) -> (u16, Vec<u8>) {
    let l4 = [sport.to_be_bytes(), dport.to_be_bytes(), [0; 2], [0; 2]].concat();
    if let (Ok(src), Ok(dst)) = (src.parse::<Ipv4Addr>(), dst.parse::<Ipv4Addr>()) {
        let header = [0x45, 0, 0, 28, 1, 2, 0x40, 0, 64, proto, 0, 0];
        let bytes = [&header[..], &src.octets(), &dst.octets(), &l4].concat();
        return (0x0800, bytes);
    }
    let address = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
    let header = [0x60, 0, 0, 0, 0, 8, proto, 64];
    (
        0x86dd,
        [&header[..], &address(src), &address(dst), &l4].concat(),
    )
}

/// The frame of a packet.
fn frame((ethertype, packet): &(u16, Vec<u8>)) -> Frame {
    let mut frame = Frame::new(mac(1), mac(0)).ethertype(*ethertype);
    frame.0.truncate(14);
    frame.0.extend(packet);
    frame.0.resize(frame.0.len().max(60), 0);
    frame
}

fn flow(frame: &Frame) -> Flow {
    Flow::of(&Canonical::new(&frame.0, 0).unwrap(), TPID)
}

fn sample(proto: u8) -> (u16, Vec<u8>) {
    packet(proto, "10.1.2.3", "192.168.250.4", 1000, 80)
}
fn sample6(proto: u8) -> (u16, Vec<u8>) {
    packet(proto, "2001:db8::7", "2001:db8::1", 1000, 80)
}

fn rss(types: u8) -> Rss {
    Rss {
        key: DEFAULT_KEY,
        types: HashTypes(types),
        short: false,
        table: std::array::from_fn(|i| i as u8),
    }
}

const FILTER: TupleFilter = TupleFilter {
    vf: match hairpin_abi::VPort::new(1) {
        Some(vf) => vf,
        None => unreachable!(),
    },
    priority: 3,
    queue: 2,
    family: Family::V4,
    src: Prefix {
        address: 0,
        bits: 0,
    },
    dst: Prefix {
        address: 0,
        bits: 0,
    },
    proto: None,
    sport: None,
    dport: None,
};

#[test]
fn published_hashes() {
    for (src, sport, dst, dport, plain, with_ports) in V4.into_iter().chain(V6) {
        for (proto, want) in [
            (GRE, plain),
            (TCP, with_ports),
            (UDP, with_ports),
            (SCTP, plain),
        ] {
            let flow = flow(&frame(&packet(proto, src, dst, sport, dport)));
            assert_eq!(
                rss(0x3f).hash(&flow.ip.unwrap()),
                Some(want),
                "{src} {proto}"
            );
            let (queue, step) = Filters {
                ethertypes: &[],
                tuples: &[],
            }
            .choose(vf(0), &VfRow::default(), &flow, 5);
            assert_eq!((u32::from(queue), step), (want % 128 % 5, Step::Hash(want)));
        }
    }
}

#[test]
fn hash_types_are_switched_one_by_one() {
    for (sample, shift) in [(sample as fn(u8) -> _, 0), (sample6, 3)] {
        let hash =
            |types: u8, proto| rss(types << shift).hash(&flow(&frame(&sample(proto))).ip.unwrap());
        let addresses = hash(1, GRE);
        assert!(addresses.is_some());
        assert_eq!(hash(6, GRE), None);
        for (proto, own, other) in [(TCP, 2, 4), (UDP, 4, 2)] {
            let ports = hash(own, proto);
            assert!(ports.is_some() && ports != addresses);
            assert_eq!(hash(own | 1, proto), ports);
            assert_eq!(hash(other, proto), None);
            assert_eq!(hash(other | 1, proto), addresses);
            assert_eq!(
                rss(!(7 << shift) & 0x3f).hash(&flow(&frame(&sample(proto))).ip.unwrap()),
                None
            );
        }
    }
}

#[test]
fn a_fragment_is_hashed_over_its_addresses() {
    let whole = flow(&frame(&sample(TCP))).ip.unwrap();
    for field in [[0x20, 0], [0, 1], [0x3f, 0xff]] {
        let mut fragment = sample(TCP);
        fragment.1[6..8].copy_from_slice(&field);
        let ip = flow(&frame(&fragment)).ip.unwrap();
        assert_eq!(
            (ip.src, ip.dst, ip.proto, ip.ports),
            (whole.src, whole.dst, None, None)
        );
        assert_eq!(rss(2).hash(&ip), None);
        assert_eq!(rss(3).hash(&ip), rss(1).hash(&whole));
    }
}

#[test]
fn extension_headers_and_cut_packets_keep_their_addresses() {
    for next in [0, 43, 44, 50, 51, 60, 135, 139, 140] {
        let ip = flow(&frame(&sample6(next))).ip.unwrap();
        assert_eq!((ip.proto, ip.ports), (None, None), "{next}");
        assert!(ip.is_v6 && rss(8).hash(&ip).is_some());
    }
    let mut cut = sample(UDP);
    cut.1[3] = 23;
    assert_eq!(flow(&frame(&cut)).ip.unwrap().proto, None);
    // No sound header, no addresses: version, header length, total length.
    for (at, value) in [(0, 0x55), (0, 0x44), (0, 0x4f), (3, 19), (3, 200)] {
        let mut bad = sample(UDP);
        bad.1[at] = value;
        assert_eq!(flow(&frame(&bad)).ip, None, "byte {at} is {value:#x}");
    }
    for (at, value) in [(0, 0x40), (5, 60)] {
        let mut bad = sample6(UDP);
        bad.1[at] = value;
        assert_eq!(flow(&frame(&bad)).ip, None, "byte {at} is {value:#x}");
    }
}

#[test]
fn tags_are_skipped_and_the_first_has_the_priority() {
    let plain = frame(&sample(TCP));
    assert_eq!(flow(&plain).priority, None);
    let one = plain.tag(0x8100, 0xa123);
    assert_eq!(
        (flow(&one).priority, flow(&one).ip.is_some()),
        (Some(5), true)
    );
    let two = one.tag(TPID, 0x2fff);
    assert_eq!(
        (flow(&two).priority, flow(&two).ip.is_some()),
        (Some(1), true)
    );
    let three = two.tag(0x9100, 0xe000);
    let seen = flow(&three);
    assert_eq!(
        (seen.priority, seen.ethertype, seen.ip),
        (Some(7), 0x8100, None)
    );
}

#[test]
fn the_steps_in_their_order() {
    let tagged = flow(&frame(&sample(TCP)).tag(0x8100, 0x6001));
    let mut ethertypes = [
        None,
        Some(EtherTypeFilter {
            vf: vf(1),
            ethertype: 0x0800,
            queue: 5,
        }),
    ];
    let mut tuples = [Some(FILTER)];
    let mut row = VfRow {
        rss: Some(rss(0x3f)),
        ..VfRow::default()
    };
    row.rss.as_mut().unwrap().table = [1; TABLE];
    row.priorities[3] = Some(4);
    let choose = |e: &[_], t: &[_], row: &VfRow, vf, pairs| {
        Filters {
            ethertypes: e,
            tuples: t,
        }
        .choose(vf, row, &tagged, pairs)
    };
    assert_eq!(
        choose(&ethertypes, &tuples, &row, vf(1), 6),
        (5, Step::EtherType(1))
    );
    // Not in use: the next step.
    assert_eq!(
        choose(&ethertypes, &tuples, &row, vf(1), 5),
        (4, Step::Priority)
    );
    assert_eq!(
        choose(&ethertypes, &tuples, &row, vf(1), 4),
        (2, Step::Tuple(0))
    );
    assert!(matches!(
        choose(&ethertypes, &tuples, &row, vf(1), 2),
        (1, Step::Hash(_))
    ));
    assert_eq!(
        choose(&ethertypes, &tuples, &row, vf(1), 1),
        (0, Step::Zero)
    );
    assert_eq!(
        choose(&ethertypes, &tuples, &row, vf(1), 0),
        (0, Step::Zero)
    );
    // Another VF's filters do not count, its row does.
    assert_eq!(
        choose(&ethertypes, &tuples, &row, vf(2), 6),
        (4, Step::Priority)
    );
    // Not there: the next step too.
    ethertypes[1] = None;
    assert_eq!(
        choose(&ethertypes, &tuples, &row, vf(1), 6),
        (4, Step::Priority)
    );
    row.priorities[3] = None;
    assert_eq!(
        choose(&ethertypes, &tuples, &row, vf(1), 6),
        (2, Step::Tuple(0))
    );
    tuples[0] = None;
    assert!(matches!(
        choose(&ethertypes, &tuples, &row, vf(1), 6),
        (1, Step::Hash(_))
    ));
}

#[test]
fn of_several_filters_the_highest_priority_then_the_lowest_number() {
    let flow = flow(&frame(&sample(TCP)));
    let filter = |priority, queue| {
        Some(TupleFilter {
            priority,
            queue,
            ..FILTER
        })
    };
    let choose = |tuples: &[_]| {
        Filters {
            ethertypes: &[],
            tuples,
        }
        .choose(vf(1), &VfRow::default(), &flow, 8)
    };
    assert_eq!(
        choose(&[filter(1, 1), filter(6, 2), filter(6, 3)]),
        (2, Step::Tuple(1))
    );
    // The winner's queue is not in use: no other filter gets a chance.
    let (_, step) = choose(&[filter(1, 1), filter(6, 9), filter(6, 3)]);
    assert!(matches!(step, Step::Hash(_)));
    // Of EtherType filters the lowest number.
    let ethertypes = [3, 4].map(|queue| {
        Some(EtherTypeFilter {
            vf: vf(1),
            ethertype: 0x0800,
            queue,
        })
    });
    let all = Filters {
        ethertypes: &ethertypes,
        tuples: &[],
    };
    assert_eq!(
        all.choose(vf(1), &VfRow::default(), &flow, 8),
        (3, Step::EtherType(0))
    );
}

#[test]
fn what_a_filter_asks_for() {
    let tcp = flow(&frame(&sample(TCP))).ip.unwrap();
    let tcp6 = flow(&frame(&sample6(TCP))).ip.unwrap();
    let icmp = flow(&frame(&sample(1))).ip.unwrap();
    let mut fragment = sample(TCP);
    fragment.1[6] = 0x20;
    let fragment = flow(&frame(&fragment)).ip.unwrap();
    let hits =
        |filter: TupleFilter| [tcp, tcp6, icmp, fragment].map(|ip| filter.matches(vf(1), &ip));
    let (v4, any) = (
        FILTER,
        TupleFilter {
            family: Family::Any,
            ..FILTER
        },
    );
    assert_eq!(hits(v4), [true, false, true, true]);
    assert_eq!(
        hits(TupleFilter {
            family: Family::V6,
            ..FILTER
        }),
        [false, true, false, false]
    );
    assert_eq!(hits(any), [true; 4]);
    assert_eq!(
        hits(TupleFilter {
            proto: Some(TCP),
            ..any
        }),
        [true, true, false, false]
    );
    assert_eq!(
        hits(TupleFilter {
            dport: Some(80),
            ..any
        }),
        [true, true, false, false]
    );
    assert_eq!(
        hits(TupleFilter {
            sport: Some(1000),
            ..any
        }),
        [true, true, false, false]
    );
    assert_eq!(
        hits(TupleFilter {
            sport: Some(1001),
            ..any
        }),
        [false; 4]
    );
    // ICMP has a type where the others have a port: it is none.
    assert_eq!(
        hits(TupleFilter {
            sport: Some(3),
            proto: Some(1),
            ..v4
        }),
        [false; 4]
    );
    for bits in 0..=32 {
        let flip = |bit: u8| Prefix {
            address: tcp.src ^ 1 << (31 - bit),
            bits,
        };
        assert!(
            hits(TupleFilter {
                src: Prefix {
                    address: tcp.src,
                    bits
                },
                ..v4
            })[0]
        );
        for bit in 0..32 {
            assert_eq!(
                hits(TupleFilter {
                    src: flip(bit),
                    ..v4
                })[0],
                bit >= bits,
                "{bit} of /{bits}"
            );
        }
    }
    let v6 = TupleFilter {
        family: Family::V6,
        ..FILTER
    };
    for bits in 0..=128 {
        let flip = |bit: u8| Prefix {
            address: tcp6.dst ^ 1 << (127 - bit),
            bits,
        };
        for bit in 0..128 {
            assert_eq!(
                hits(TupleFilter {
                    dst: flip(bit),
                    ..v6
                })[1],
                bit >= bits,
                "{bit} of /{bits}"
            );
        }
    }
}

#[test]
fn a_short_table_and_a_long_one() {
    let mut rss = rss(0x3f);
    assert_eq!(rss.entry(0xffff_ffff), 127);
    rss.short = true;
    assert_eq!(rss.entry(0xffff_ffff), 63);
}

#[test]
fn words_as_the_hardware_reads_them() {
    let ethertype = EtherTypeFilter {
        vf: vf(3),
        ethertype: 0x88f7,
        queue: 9,
    };
    assert_eq!(ethertype.word(), 0x8903_88f7);
    let filter = TupleFilter {
        family: Family::V6,
        src: Prefix {
            address: 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
            bits: 64,
        },
        dst: Prefix {
            address: 1,
            bits: 128,
        },
        proto: Some(TCP),
        dport: Some(0x1234),
        ..FILTER
    };
    let want = [
        0xccdd_eeff,
        0x8899_aabb,
        0x4455_6677,
        0x0011_2233,
        1,
        0,
        0,
        0,
        0x1234_0000,
        0x2506_8040,
        0x8003_0102,
    ];
    assert_eq!(filter.words(), want);
    let any = TupleFilter {
        family: Family::Any,
        sport: Some(5),
        ..FILTER
    };
    assert_eq!(any.words()[8..10], [5, 0x3200_0000]);
    assert_eq!(
        (rss(0x3f).word(), rss(0x3f).key_words()[0]),
        (0x3f01, 0xda56_5a6d)
    );
    assert_eq!(rss(1).table_words()[31], 0x7f7e_7d7c);
    assert_eq!(
        Rss {
            short: true,
            ..rss(1)
        }
        .word(),
        0x0103
    );
    let mut queues = [None; 8];
    queues[1] = Some(2);
    queues[7] = Some(0);
    assert_eq!(words::priorities(&queues), [0x8200, 0x8000_0000]);
}

#[test]
fn words_are_read_back() {
    let ethertype = EtherTypeFilter {
        vf: vf(63),
        ethertype: 0x88f7,
        queue: 0x7f,
    };
    let back = EtherTypeFilter::from_word;
    assert_eq!(back(ethertype.word()), Some(ethertype));
    assert_eq!(back(ethertype.word() & !words::ENABLE), None);
    let filters = [
        FILTER,
        TupleFilter {
            vf: vf(63),
            priority: 7,
            queue: 0x7f,
            family: Family::V6,
            src: Prefix {
                address: 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
                bits: 128,
            },
            dst: Prefix {
                address: u128::MAX,
                bits: 1,
            },
            proto: Some(0),
            sport: Some(0xffff),
            dport: Some(0),
        },
        TupleFilter {
            family: Family::Any,
            sport: Some(0),
            ..FILTER
        },
    ];
    for filter in filters {
        let mut words = filter.words();
        assert_eq!(TupleFilter::from_words(&words), Some(filter));
        words[10] &= !words::ENABLE;
        assert_eq!(TupleFilter::from_words(&words), None);
    }
    assert_eq!(TupleFilter::from_words(&[u32::MAX; 11]), None, "no such VF");
    let own = Rss {
        short: true,
        ..rss(0x15)
    };
    let back = |word| Rss::from_words(word, &own.key_words(), &own.table_words());
    assert_eq!(back(own.word()), Some(own));
    assert_eq!(back(own.word() & !words::RSS_ENABLE), None);
    let queues = [
        Some(0),
        None,
        Some(0x7f),
        None,
        None,
        Some(1),
        None,
        Some(3),
    ];
    assert_eq!(words::priorities_of(&words::priorities(&queues)), queues);
}
