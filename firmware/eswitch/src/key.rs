// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The key of a frame for the flow cache.

use hairpin_abi::{PortId, Vlan};

pub use hairpin_abi::{FlowKey, IpFields};

use crate::frame::{Canonical, TYPE_IPV4, TYPE_IPV6, field, word};

/// What the parser makes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameKey {
    /// The frame has no key: the IP and L4 fields are zero.
    pub unkeyable: bool,
    /// Its fields.
    pub fields: FlowKey,
}

/// The frame has no key.
struct Unkeyable;

impl FrameKey {
    /// The key of a canonical frame.
    #[must_use]
    pub fn extract(src: PortId, vvlan: Vlan, frame: &Canonical<'_>, outer_tpid: u16) -> Self {
        let tags = frame.tenant_tags(outer_tpid);
        let ip = match (tags.count, tags.ethertype) {
            (3.., _) => Err(Unkeyable),
            (_, ethertype @ (TYPE_IPV4 | TYPE_IPV6)) => {
                let behind = 2 + 4 * usize::from(tags.count);
                let packet = Packet {
                    bytes: frame.rest().get(behind..).unwrap_or(&[]),
                    len: frame.len().saturating_sub(field::TYPE + behind),
                };
                if ethertype == TYPE_IPV4 {
                    ipv4(&packet)
                } else {
                    ipv6(&packet)
                }
            }
            _ => Ok(IpFields::default()),
        };
        Self {
            unkeyable: ip.is_err(),
            fields: FlowKey {
                src,
                vvlan,
                da: frame.destination(),
                sa: frame.source(),
                ethertype: tags.ethertype,
                ip: ip.unwrap_or_default(),
            },
        }
    }
}

/// An IP packet, padding included, of which the last bytes may not be there.
struct Packet<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl<'a> Packet<'a> {
    /// What stands behind the header of a packet that says where it ends.
    fn payload(&self, header: usize, end: usize) -> Result<&'a [u8], Unkeyable> {
        if end > self.len {
            return Err(Unkeyable);
        }
        let here = self.bytes.get(..end).unwrap_or(self.bytes);
        here.get(header..).ok_or(Unkeyable)
    }
}

fn ipv4(packet: &Packet<'_>) -> Result<IpFields, Unkeyable> {
    let bytes = packet.bytes;
    let [first, ..] = *bytes else {
        return Err(Unkeyable);
    };
    let header = usize::from(first & 0xf) * 4;
    let total = usize::from(word(bytes, 2));
    let fragment = word(bytes, 6) & 0x3fff; // more-fragments and offset
    if first >> 4 != 4 || header < 20 || total < header || fragment != 0 {
        return Err(Unkeyable);
    }
    let payload = packet.payload(header, total)?;
    let (proto, src, dst) = (
        byte(bytes, 9),
        number::<4>(bytes, 12).map(u32::from_be_bytes)?,
        number::<4>(bytes, 16).map(u32::from_be_bytes)?,
    );
    let (sport, dport) = ports(proto, payload)?;
    Ok(IpFields {
        is_v6: false,
        src: src.into(),
        dst: dst.into(),
        proto,
        sport,
        dport,
    })
}

fn ipv6(packet: &Packet<'_>) -> Result<IpFields, Unkeyable> {
    const HEADER: usize = 40;
    let bytes = packet.bytes;
    let payload = packet.payload(HEADER, HEADER + usize::from(word(bytes, 4)))?;
    let proto = byte(bytes, 6);
    if byte(bytes, 0) >> 4 != 6 || matches!(proto, 0 | 43 | 44 | 50 | 51 | 60 | 135 | 139 | 140) {
        return Err(Unkeyable);
    }
    let (src, dst) = (
        number::<16>(bytes, 8).map(u128::from_be_bytes)?,
        number::<16>(bytes, 24).map(u128::from_be_bytes)?,
    );
    let (sport, dport) = ports(proto, payload)?;
    Ok(IpFields {
        is_v6: true,
        src,
        dst,
        proto,
        sport,
        dport,
    })
}

/// The L4 fields of a protocol from the bytes of its packet.
fn ports(proto: u8, l4: &[u8]) -> Result<(u16, u16), Unkeyable> {
    let [a, b, c, d] = match proto {
        1 | 6 | 17 | 58 | 132 => number::<4>(l4, 0)?,
        _ => return Ok((0, 0)),
    };
    Ok(match proto {
        1 | 58 => (a.into(), b.into()),
        _ => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
    })
}

fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Unkeyable> {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or(Unkeyable)
}
