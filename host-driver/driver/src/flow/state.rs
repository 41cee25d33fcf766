// SPDX-License-Identifier: Apache-2.0 OR MIT

//! An entry of the flow cache as it is shown.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// An entry of the flow cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlowState {
    /// Its V.VLAN.
    pub vvlan: u16,
    /// What its frames have in common.
    pub key: FlowKeyState,
    /// What happens to them: `local`, `uplink`, `drop`, `punt` or `redirect`.
    pub action: String,
    /// The vPort it leads to, where it names one.
    pub port: Option<String>,
    /// Who made it: `learned`, `flow` (the host) or `policy`.
    pub teacher: String,
    /// Whether it is not in use yet.
    pub pending: bool,
    /// Number of the entry; its counters have it.
    pub handle: u16,
    /// Ticks of the datapath clock since its last hit, to within 2^21.
    pub idle_ticks: u64,
    /// Frames that hit it.
    pub frames: u64,
    /// Their bytes on the ingress bus.
    pub bytes: u64,
}

/// The fields of a flow's key; those that its V.VLAN does not ask for are null, and so are those that
/// its frames do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlowKeyState {
    /// The port its frames come in by.
    pub from: Option<String>,
    /// Destination address.
    pub da: Option<String>,
    /// Source address.
    pub sa: Option<String>,
    /// EtherType behind the tenant's tags.
    pub ethertype: Option<u16>,
    /// IP source.
    pub ip_src: Option<String>,
    /// IP destination.
    pub ip_dst: Option<String>,
    /// IP protocol.
    pub proto: Option<u8>,
    /// L4 source port, or ICMP type.
    pub sport: Option<u16>,
    /// L4 destination port, or ICMP code.
    pub dport: Option<u16>,
}

impl FlowKeyState {
    /// The fields there are, as `hairpin flow add` takes them.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let blank = if text.is_empty() { "" } else { " " };
                // Writing into a string does not fail.
                let _ = write!(text, "{blank}{name} {value}");
            }
        };
        put("from", self.from.clone());
        put("da", self.da.clone());
        put("sa", self.sa.clone());
        put("ethertype", self.ethertype.map(ethertype_name));
        put("ip-src", self.ip_src.clone());
        put("ip-dst", self.ip_dst.clone());
        put("proto", self.proto.map(proto_name));
        put("sport", self.sport.map(|port| port.to_string()));
        put("dport", self.dport.map(|port| port.to_string()));
        text
    }
}

/// EtherTypes that have a name here.
const ETHERTYPES: [(&str, u16); 3] = [("ipv4", 0x0800), ("arp", 0x0806), ("ipv6", 0x86dd)];
/// IP protocols that have a name here.
const PROTOS: [(&str, u8); 5] = [
    ("icmp", 1),
    ("tcp", 6),
    ("udp", 17),
    ("icmpv6", 58),
    ("sctp", 132),
];

/// An EtherType by its name, or in hexadecimal.
pub(crate) fn ethertype_name(number: u16) -> String {
    let known = ETHERTYPES.iter().find(|(_, known)| *known == number);
    known.map_or_else(|| format!("{number:#06x}"), |(name, _)| (*name).to_owned())
}

/// An EtherType of a name or a number.
pub fn parse_ethertype(text: &str) -> Option<u16> {
    let known = ETHERTYPES.iter().find(|(name, _)| *name == text);
    known.map_or_else(|| parse_number(text), |(_, number)| Some(*number))
}

/// An IP protocol by its name, or its number.
pub(crate) fn proto_name(number: u8) -> String {
    let known = PROTOS.iter().find(|(_, known)| *known == number);
    known.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}

/// An IP protocol of a name or a number.
pub fn parse_proto(text: &str) -> Option<u8> {
    let known = PROTOS.iter().find(|(name, _)| *name == text);
    known.map_or_else(
        || parse_number(text).and_then(|number| u8::try_from(number).ok()),
        |(_, number)| Some(*number),
    )
}

/// A number, hexadecimal after `0x`.
pub(crate) fn parse_number(text: &str) -> Option<u16> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // No sign, which `from_str_radix` would take.
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    plain
        .then(|| u16::from_str_radix(digits, radix).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read_back() {
        for number in [0x0800, 0x0806, 0x86dd, 0x88cc, 0, 0xffff] {
            assert_eq!(parse_ethertype(&ethertype_name(number)), Some(number));
        }
        for number in 0..=u8::MAX {
            assert_eq!(parse_proto(&proto_name(number)), Some(number));
        }
        for bad in ["", "+1", "0x", "0x+1", "65536", "tcp ", "-1", "1e3"] {
            assert_eq!(parse_number(bad), None, "{bad}");
        }
        assert_eq!(parse_proto("256"), None);
    }

    #[test]
    fn a_key_shows_the_fields_it_has() {
        let key = FlowKeyState {
            from: Some("vf0".to_owned()),
            ethertype: Some(0x0800),
            proto: Some(6),
            dport: Some(80),
            ..FlowKeyState::default()
        };
        assert_eq!(key.text(), "from vf0 ethertype ipv4 proto tcp dport 80");
        assert_eq!(FlowKeyState::default().text(), "");
    }
}
