// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What another program reads in the captures: tshark is the judge of tags and packets.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::demo::{PORTS, TENANTS, demo, lines, nic_tags};
use crate::program::demo_file;
use crate::{Verdict, may_skip};

const NO_TSHARK: &str = "tshark is not installed";

/// Fields of a packet that do not depend on the packets around it.
const PACKET: [&str; 26] = [
    "eth.dst",
    "eth.src",
    "ip.src",
    "ip.dst",
    "ip.id",
    "ip.len",
    "ip.checksum",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.plen",
    "arp.opcode",
    "arp.src.proto_ipv4",
    "arp.dst.proto_ipv4",
    "udp.srcport",
    "udp.dstport",
    "udp.checksum",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.len",
    "tcp.checksum",
    "icmp.type",
    "icmp.seq",
    "icmpv6.type",
    "dns.id",
];

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        may_skip(
            "tshark: the uplink carries VLAN, V.VLAN, then the original packet",
            || judge(&["uplink"]),
        ),
        may_skip(
            "tshark: a VM receives the original packet without the NIC's tags",
            || judge(&["vf0", "vf1", "vf2", "vf3"]),
        ),
        may_skip(
            "tshark: the vSwitch receives V.VLAN, then the original packet",
            || judge(&["vf7"]),
        ),
    ]
}

/// What tshark reads in a frame.
#[derive(Debug)]
struct Packet {
    vlans: String,
    served: String,
    tpid: String,
    protocols: Vec<String>,
    fields: Vec<String>,
    malformed: bool,
}

/// Has tshark read everything that left by these ports, and what it came from.
fn judge(ports: &[&str]) -> Result<Verdict> {
    if Command::new("tshark").arg("--version").output().is_err() {
        return Ok(Verdict::Skipped(NO_TSHARK));
    }
    let demo = demo()?;
    let mut sent = BTreeMap::new();
    for port in PORTS {
        sent.insert(port, decode(&demo_file(&format!("{port}.pcap")))?);
    }
    for port in ports {
        let received = decode(&demo.dir.join(format!("{port}.pcap")))?;
        let mut judged = 0;
        let mut packets = 0;
        for line in lines(&demo.report)? {
            for (_, index) in line.out.iter().filter(|(to, _)| to == port) {
                let actual = received
                    .get(*index)
                    .with_context(|| format!("{port}: too short"))?;
                let original = &sent[line.input.0][line.input.1];
                let place = format!("{port}, frame {index}: {actual:?}\n  from {original:?}");
                let vvlan = line.vvlan.context("no V.VLAN")?;
                let tenant = TENANTS.iter().find(|tenant| u64::from(tenant.0) == vvlan);
                let vlan = tenant.context("no tenant")?.1;
                let group = u8::from_str_radix(&actual.fields[0][..2], 16)? & 1;
                // The switch beside us does not reflect: group frames are switched here, and say so.
                let served = group.to_string();
                let (vlans, dei, layers) = match nic_tags(port) {
                    0 => (String::new(), String::new(), 0),
                    1 => (vvlan.to_string(), "0".to_owned(), 1),
                    _ => (format!("{vlan},{vvlan}"), format!("0,{served}"), 2),
                };
                ensure!(actual.vlans == vlans, "tags {vlans} expected: {place}");
                ensure!(actual.served == dei, "DEI {dei} expected: {place}");
                ensure!(
                    layers == 0 || actual.tpid == "0x8100",
                    "TPID 0x8100 expected: {place}"
                );
                ensure!(!actual.malformed, "malformed: {place}");
                let (tags, inside) = split(&actual.protocols);
                ensure!(tags == layers, "{layers} tags expected: {place}");
                ensure!(
                    inside == split(&original.protocols).1,
                    "another packet inside: {place}"
                );
                ensure!(actual.fields == original.fields, "other fields: {place}");
                packets += usize::from(actual.fields.iter().skip(2).any(|field| !field.is_empty()));
                judged += 1;
            }
        }
        ensure!(
            judged == received.len() && judged > 0,
            "{port}: {judged} of {}",
            received.len()
        );
        ensure!(
            packets > judged / 2,
            "{port}: only {packets} of {judged} frames hold IP or ARP"
        );
    }
    Ok(Verdict::Held)
}

/// The number of VLAN tags and the layers inside them, up to the transport: those above depend on the
/// packets before.
fn split(protocols: &[String]) -> (usize, Vec<&str>) {
    let tags = protocols.iter().filter(|layer| *layer == "vlan").count();
    let layers = protocols.iter().map(String::as_str);
    let mut inside: Vec<&str> = layers
        .filter(|layer| !["eth", "ethertype", "vlan"].contains(layer))
        .collect();
    let transport = ["tcp", "udp", "icmp", "icmpv6", "arp", "data"];
    if let Some(end) = inside.iter().position(|layer| transport.contains(layer)) {
        inside.truncate(end + 1);
    }
    (tags, inside)
}

fn decode(capture: &Path) -> Result<Vec<Packet>> {
    let mut tshark = Command::new("tshark");
    // No name resolution, no profile of the user, one line per frame.
    tshark.args([
        "-n",
        "-T",
        "fields",
        "-E",
        "occurrence=a",
        "-o",
        "tcp.desegment_tcp_streams:FALSE",
    ]);
    let tags = [
        "vlan.id",
        "vlan.dei",
        "eth.type",
        "frame.protocols",
        "_ws.malformed",
    ];
    for field in tags.iter().chain(&PACKET) {
        tshark.args(["-e", field]);
    }
    let output = tshark
        .arg("-r")
        .arg(capture)
        .output()
        .context("cannot run tshark")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "tshark: {errors}");
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(packet).collect()
}

fn packet(line: &str) -> Result<Packet> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [vlans, served, tpid, protocols, malformed, packet @ ..] = fields.as_slice() else {
        anyhow::bail!("tshark printed {line:?}");
    };
    Ok(Packet {
        vlans: (*vlans).to_owned(),
        served: (*served).to_owned(),
        tpid: (*tpid).to_owned(),
        protocols: protocols.split(':').map(str::to_owned).collect(),
        malformed: !malformed.is_empty(),
        fields: packet.iter().map(|field| (*field).to_owned()).collect(),
    })
}
