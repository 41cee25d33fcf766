// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the rules can see of a frame.

use hairpin_abi::peer::Signature;
use hairpin_abi::{FlowKey, MacAddr, PortId, UPLINK_TAGS, VVlan, Vlan};
use hairpin_eswitch::FrameKey;
use hairpin_eswitch::frame::{Canonical, TPID_CTAG, TYPE_IPV4, TYPE_IPV6, field, word};

/// A port of the switch, by its place in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortNo(pub usize);

/// The fields of a frame. What a frame does not have is `None`, and no rule on it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Where it came in.
    pub port: PortNo,
    /// VLAN of the first tag.
    pub vlan: Option<Vlan>,
    /// Priority of the first tag.
    pub pcp: Option<u8>,
    /// V.VLAN of the inner tag.
    pub vvlan: Option<VVlan>,
    /// Destination address.
    pub da: MacAddr,
    /// Source address.
    pub sa: MacAddr,
    /// EtherType behind the NIC's tags and at most two of the tenant's.
    pub ethertype: u16,
    /// The IP header.
    pub ip: Option<Ip>,
    /// L4 ports; ICMP: type and code.
    pub l4: Option<(u16, u16)>,
    /// Flags of TCP.
    pub tcp_flags: Option<u8>,
    /// Whether a NIC has an exact key for it.
    pub keyable: bool,
}

/// The fields of an IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// IPv6.
    pub is_v6: bool,
    /// Source.
    pub src: u128,
    /// Destination.
    pub dst: u128,
    /// Protocol, or next header.
    pub proto: u8,
    /// Differentiated services code point.
    pub dscp: u8,
    /// Time to live, or hop limit.
    pub ttl: u8,
}

const TCP: u8 = 6;
/// Protocols with L4 fields.
const WITH_PORTS: [u8; 5] = [1, TCP, 17, 58, 132];

impl Packet {
    /// Reads a frame; its NIC key too, if it came with both NIC tags. `None` if it is shorter than its
    /// addresses and EtherType.
    #[must_use]
    pub fn parse(port: PortNo, frame: &[u8], tpid: u16) -> Option<(Self, Option<FlowKey>)> {
        frame.get(..field::TYPE + 2)?;
        let first = word(frame, field::TYPE) == tpid;
        let both = first && word(frame, field::TYPE + 4) == TPID_CTAG;
        let canonical = Canonical::new(frame, if both { UPLINK_TAGS } else { 0 })?;
        let vvlan = both.then(|| Vlan::from_tci(word(frame, field::TYPE + 6)));
        // The NIC takes the key from the tenant's frame, whatever port of its own it came from.
        let key = FrameKey::extract(PortId::ZERO, vvlan.unwrap_or_default(), &canonical, tpid);
        let tci = first.then(|| word(frame, field::TYPE + 2));
        let mut packet = Self {
            port,
            vlan: tci.map(Vlan::from_tci),
            pcp: tci.map(|tci| (tci >> 13) as u8),
            vvlan: vvlan.and_then(|vlan| VVlan::try_from(vlan).ok()),
            da: key.fields.da,
            sa: key.fields.sa,
            ethertype: key.fields.ethertype,
            ip: None,
            l4: None,
            tcp_flags: None,
            keyable: !key.unkeyable,
        };
        let tags = canonical.tenant_tags(tpid);
        if tags.count <= 2 {
            let behind = 2 + 4 * usize::from(tags.count);
            packet.read_ip(canonical.rest().get(behind..).unwrap_or(&[]));
        }
        let has_ports = |ip: &Ip| packet.keyable && WITH_PORTS.contains(&ip.proto);
        if packet.ip.is_some_and(|ip| has_ports(&ip)) {
            packet.l4 = Some((key.fields.ip.sport, key.fields.ip.dport));
        }
        Some((packet, (both && packet.keyable).then_some(key.fields)))
    }

    /// The IP header, also that of a frame without a key, as far as it can be trusted.
    fn read_ip(&mut self, packet: &[u8]) {
        let byte = |at: usize| packet.get(at).copied().unwrap_or(0);
        let number = |at: usize, len: usize| {
            let bytes = packet.get(at..at + len)?;
            Some(
                bytes
                    .iter()
                    .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte)),
            )
        };
        let header = usize::from(byte(0) & 0xf) * 4;
        let (ip, l4) = match (self.ethertype, byte(0) >> 4) {
            (TYPE_IPV4, 4) if header >= 20 && packet.len() >= header => (
                Ip {
                    is_v6: false,
                    src: number(12, 4).unwrap_or(0),
                    dst: number(16, 4).unwrap_or(0),
                    proto: byte(9),
                    dscp: byte(1) >> 2,
                    ttl: byte(8),
                },
                header,
            ),
            (TYPE_IPV6, 6) if packet.len() >= 40 => (
                Ip {
                    is_v6: true,
                    src: number(8, 16).unwrap_or(0),
                    dst: number(24, 16).unwrap_or(0),
                    proto: byte(6),
                    dscp: (word(packet, 0) >> 6 & 0x3f) as u8,
                    ttl: byte(7),
                },
                40,
            ),
            _ => return,
        };
        self.ip = Some(ip);
        if ip.proto == TCP && self.keyable {
            self.tcp_flags = packet.get(l4 + 13).copied();
        }
    }

    /// A frame of a signature, as far as the NIC's key mask says what it looks like: only fields in the mask
    /// mean anything.
    #[must_use]
    pub fn of_signature(port: PortNo, signature: &Signature) -> Self {
        let key = signature.key();
        let is_ip = matches!(key.ethertype, TYPE_IPV4 | TYPE_IPV6);
        let l4 = is_ip && WITH_PORTS.contains(&key.ip.proto);
        Self {
            port,
            vlan: None,
            pcp: None,
            vvlan: Some(signature.vvlan()),
            da: key.da,
            sa: key.sa,
            ethertype: key.ethertype,
            ip: is_ip.then_some(Ip {
                is_v6: key.ethertype == TYPE_IPV6,
                src: key.ip.src,
                dst: key.ip.dst,
                proto: key.ip.proto,
                dscp: 0,
                ttl: 0,
            }),
            l4: l4.then_some((key.ip.sport, key.ip.dport)),
            tcp_flags: None,
            keyable: true,
        }
    }
}
