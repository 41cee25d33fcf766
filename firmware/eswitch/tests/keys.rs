// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Flow keys of packets built by hand.

mod common;

use std::net::{Ipv4Addr, Ipv6Addr};

use common::*;
use hairpin_abi::{PortId, Vlan};
use hairpin_eswitch::key::{FlowKey, IpFields};
use hairpin_eswitch::{Canonical, FrameKey};

const SRC4: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);
const DST4: Ipv4Addr = Ipv4Addr::new(192, 168, 250, 4);
const SRC6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 3, 4, 5, 6);
const DST6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0xaaaa, 0xbbbb, 0xcccc, 0xdddd);
const L4: [u8; 8] = [0x11, 0x22, 0x33, 0x44, 5, 6, 7, 8];

/// An IPv4 packet with its header length, total length and fragment field.
fn ipv4(options: usize, proto: u8, l4: &[u8]) -> Vec<u8> {
    let header = 20 + 4 * options;
    let total = (header + l4.len()) as u16;
    let [t0, t1] = total.to_be_bytes();
    let mut packet = vec![
        0x40 | (header / 4) as u8,
        0,
        t0,
        t1,
        1,
        2,
        0x40,
        0,
        64,
        proto,
        0,
        0,
    ];
    packet.extend(SRC4.octets());
    packet.extend(DST4.octets());
    packet.extend(vec![0xaa; 4 * options]);
    packet.extend(l4);
    packet
}

fn ipv6(next: u8, l4: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 1, 2, 3, 0, l4.len() as u8, next, 64];
    packet.extend(SRC6.octets());
    packet.extend(DST6.octets());
    packet.extend(l4);
    packet
}

fn frame(ethertype: u16, packet: &[u8]) -> Frame {
    let mut frame = Frame::new(mac(1), mac(0)).ethertype(ethertype);
    frame.0.truncate(14);
    frame.0.extend(packet);
    frame
}

fn extract(frame: &Frame) -> FrameKey {
    let canonical = Canonical::new(&frame.0, 0).unwrap();
    FrameKey::extract(PortId::Uplink, Vlan::new(100).unwrap(), &canonical, TPID)
}

fn fields4(proto: u8, sport: u16, dport: u16) -> IpFields {
    let [src, dst] = [SRC4, DST4].map(|address| u32::from(address).into());
    IpFields {
        is_v6: false,
        src,
        dst,
        proto,
        sport,
        dport,
    }
}

fn fields6(proto: u8, sport: u16, dport: u16) -> IpFields {
    IpFields {
        is_v6: true,
        src: SRC6.into(),
        dst: DST6.into(),
        proto,
        sport,
        dport,
    }
}

fn assert_key(frame: &Frame, ip: IpFields, ethertype: u16) {
    let expected = FrameKey {
        unkeyable: false,
        fields: FlowKey {
            src: PortId::Uplink,
            vvlan: Vlan::new(100).unwrap(),
            da: mac(1),
            sa: mac(0),
            ethertype,
            ip,
        },
    };
    assert_eq!(extract(frame), expected);
}

fn assert_unkeyable(frame: &Frame, why: &str) {
    let key = extract(frame);
    assert!(
        key.unkeyable && key.fields.ip == IpFields::default(),
        "{why}: {key:?}"
    );
    assert_eq!((key.fields.da, key.fields.sa), (mac(1), mac(0)));
}

#[test]
fn ports_of_tcp_udp_and_sctp() {
    for proto in [6, 17, 132] {
        assert_key(
            &frame(0x0800, &ipv4(0, proto, &L4)),
            fields4(proto, 0x1122, 0x3344),
            0x0800,
        );
        assert_key(
            &frame(0x86dd, &ipv6(proto, &L4)),
            fields6(proto, 0x1122, 0x3344),
            0x86dd,
        );
    }
}

#[test]
fn options_are_skipped() {
    for options in 0..=10 {
        assert_key(
            &frame(0x0800, &ipv4(options, 6, &L4)),
            fields4(6, 0x1122, 0x3344),
            0x0800,
        );
    }
}

#[test]
fn icmp_type_and_code_stand_in_the_ports() {
    for proto in [1, 58] {
        assert_key(
            &frame(0x0800, &ipv4(0, proto, &L4)),
            fields4(proto, 0x11, 0x22),
            0x0800,
        );
        assert_key(
            &frame(0x86dd, &ipv6(proto, &L4)),
            fields6(proto, 0x11, 0x22),
            0x86dd,
        );
    }
}

#[test]
fn other_protocols_have_no_ports() {
    for proto in [2, 47, 89, 255] {
        assert_key(
            &frame(0x0800, &ipv4(0, proto, &[])),
            fields4(proto, 0, 0),
            0x0800,
        );
        assert_key(
            &frame(0x86dd, &ipv6(proto, &L4)),
            fields6(proto, 0, 0),
            0x86dd,
        );
    }
}

#[test]
fn other_ethertypes_are_keyable() {
    assert_key(&frame(0x0806, &[0; 46]), IpFields::default(), 0x0806);
}

#[test]
fn at_most_two_tenant_tags_are_skipped() {
    let packet = frame(0x0800, &ipv4(0, 17, &L4));
    let tagged = packet.tag(0x9100, 1);
    assert_key(&tagged, fields4(17, 0x1122, 0x3344), 0x0800);
    let tagged = tagged.tag(TPID, 2);
    assert_key(&tagged, fields4(17, 0x1122, 0x3344), 0x0800);
    let tagged = tagged.tag(0x8100, 3);
    assert_unkeyable(&tagged, "three tags");
    assert_eq!(extract(&tagged).fields.ethertype, 0x9100);
}

#[test]
fn malformed_ipv4_has_no_key() {
    let change = |at: usize, value: u8| {
        let mut packet = ipv4(0, 6, &L4);
        packet[at] = value;
        packet.resize(46, 0);
        frame(0x0800, &packet)
    };
    for (at, value, why) in [
        (0, 0x65, "version"),
        (0, 0x44, "header of 16 bytes"),
        (3, 19, "total length in the header"),
        (3, 47, "total length past the frame"),
        (6, 0x20, "more fragments"),
        (6, 0x01, "offset, high bits"),
        (7, 0x01, "offset, low bits"),
        (3, 23, "three bytes of TCP"),
        (0, 0x47, "header longer than the packet"),
    ] {
        assert_unkeyable(&change(at, value), why);
    }
    assert_key(&change(6, 0x80), fields4(6, 0x1122, 0x3344), 0x0800);
    assert_key(&change(3, 24), fields4(6, 0x1122, 0x3344), 0x0800);
    for end in 0..20 {
        assert_unkeyable(&frame(0x0800, &ipv4(0, 6, &L4)[..end]), "truncated");
    }
    assert_unkeyable(
        &frame(0x0800, &ipv4(10, 2, &[])[..59]),
        "options past the frame",
    );
}

#[test]
fn malformed_ipv6_has_no_key() {
    for next in [0, 43, 44, 50, 51, 60, 135, 139, 140] {
        assert_unkeyable(&frame(0x86dd, &ipv6(next, &L4)), "extension header");
    }
    let mut packet = ipv6(6, &L4);
    packet[0] = 0x45;
    assert_unkeyable(&frame(0x86dd, &packet), "version");
    assert_unkeyable(&frame(0x86dd, &ipv6(17, &L4[..3])), "three bytes of UDP");
    for end in 0..48 {
        assert_unkeyable(&frame(0x86dd, &ipv6(6, &L4)[..end]), "truncated");
    }
    let mut padded = ipv6(6, &L4);
    padded.extend([0; 20]);
    assert_key(&frame(0x86dd, &padded), fields6(6, 0x1122, 0x3344), 0x86dd);
}

#[test]
fn padding_is_part_of_the_frame_but_not_of_the_packet() {
    let mut packet = ipv4(0, 17, &L4[..3]);
    packet.resize(46, 0);
    assert_unkeyable(&frame(0x0800, &packet), "padding is not UDP");
}
