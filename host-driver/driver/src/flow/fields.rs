// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The fields of a flow's key: which there have to be, and what they may be.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hairpin_abi::{
    FlowAction, FlowKey, FlowRow, IpFields, KeyField, MacAddr, PortId, Teacher, VPort, VVlan,
};

use super::state::{FlowKeyState, ethertype_name, proto_name};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// Protocols whose ports, or type and code, are in the key.
const WITH_PORTS: [u8; 5] = [1, 6, 17, 58, 132];

/// The name of a field in `key-fields`.
pub fn field_name(field: KeyField) -> &'static str {
    match field {
        KeyField::SourcePort => "src",
        KeyField::Destination => "da",
        KeyField::Source => "sa",
        KeyField::EtherType => "ethertype",
        KeyField::IpSource => "ip-src",
        KeyField::IpDestination => "ip-dst",
        KeyField::Protocol => "proto",
        KeyField::L4Source => "sport",
        KeyField::L4Destination => "dport",
    }
}

/// The name of a field where a flow is written: `src` of `key-fields` is `from` there.
pub(crate) fn flow_field_name(field: KeyField) -> &'static str {
    match field {
        KeyField::SourcePort => "from",
        other => field_name(other),
    }
}

/// The fields in a key mask, by their names in `key-fields`.
pub fn mask_names(mask: u16) -> Vec<&'static str> {
    let fields = KeyField::ALL.iter().filter(|field| field.is_in(mask));
    fields.map(|field| field_name(*field)).collect()
}

/// The field of a name in `key-fields`.
pub fn parse_field(name: &str) -> Option<KeyField> {
    let mut fields = KeyField::ALL.iter();
    fields.find(|field| field_name(**field) == name).copied()
}

/// The fields of a flow's key, as far as they were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowFields {
    /// The port its frames come in by.
    pub from: Option<PortId>,
    /// Destination address.
    pub da: Option<MacAddr>,
    /// Source address.
    pub sa: Option<MacAddr>,
    /// EtherType behind the tenant's tags.
    pub ethertype: Option<u16>,
    /// IP source.
    pub ip_src: Option<IpAddr>,
    /// IP destination.
    pub ip_dst: Option<IpAddr>,
    /// IP protocol.
    pub proto: Option<u8>,
    /// L4 source port, or ICMP type.
    pub sport: Option<u16>,
    /// L4 destination port, or ICMP code.
    pub dport: Option<u16>,
}

/// What is wrong with the fields of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field: `from`, `da`, …
    pub field: &'static str,
    /// Kebab-case identifier of the kind of error.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl FlowFields {
    fn has(&self, field: KeyField) -> bool {
        match field {
            KeyField::SourcePort => self.from.is_some(),
            KeyField::Destination => self.da.is_some(),
            KeyField::Source => self.sa.is_some(),
            KeyField::EtherType => self.ethertype.is_some(),
            KeyField::IpSource => self.ip_src.is_some(),
            KeyField::IpDestination => self.ip_dst.is_some(),
            KeyField::Protocol => self.proto.is_some(),
            KeyField::L4Source => self.sport.is_some(),
            KeyField::L4Destination => self.dport.is_some(),
        }
    }

    /// Why frames of this flow do not have a field; `None` if they may have it.
    fn lacks(&self, field: KeyField) -> Option<String> {
        let ip = matches!(
            field,
            KeyField::IpSource
                | KeyField::IpDestination
                | KeyField::Protocol
                | KeyField::L4Source
                | KeyField::L4Destination
        );
        let l4 = matches!(field, KeyField::L4Source | KeyField::L4Destination);
        match (self.ethertype, self.proto) {
            (Some(other), _) if ip && !matches!(other, IPV4 | IPV6) => Some(format!(
                "frames with ethertype {} have none",
                ethertype_name(other)
            )),
            (_, Some(other)) if l4 && !WITH_PORTS.contains(&other) => Some(format!(
                "packets with proto {} have none",
                proto_name(other)
            )),
            _ => None,
        }
    }

    /// The key, for a V.VLAN whose keys have the fields of a mask.
    ///
    /// # Errors
    /// A field of the mask is missing, another is there, or two contradict each other.
    pub fn key(&self, vvlan: VVlan, mask: u16) -> Result<FlowKey, FieldError> {
        for field in KeyField::ALL {
            self.check(*field, vvlan, mask)?;
        }
        let is_v6 = self.is_v6()?;
        let ip = |address: Option<IpAddr>| match address {
            Some(IpAddr::V4(address)) => u128::from(u32::from(address)),
            Some(IpAddr::V6(address)) => u128::from(address),
            None => 0,
        };
        let key = FlowKey {
            src: self.from.unwrap_or(PortId::ZERO),
            vvlan: vvlan.into(),
            da: self.da.unwrap_or_default(),
            sa: self.sa.unwrap_or_default(),
            ethertype: self.ethertype.unwrap_or(0),
            ip: IpFields {
                is_v6,
                src: ip(self.ip_src),
                dst: ip(self.ip_dst),
                proto: self.proto.unwrap_or(0),
                sport: self.sport.unwrap_or(0),
                dport: self.dport.unwrap_or(0),
            },
        };
        Ok(key.masked(mask))
    }

    fn check(&self, field: KeyField, vvlan: VVlan, mask: u16) -> Result<(), FieldError> {
        let name = flow_field_name(field);
        let error = |code, message, help| {
            Err(FieldError {
                field: name,
                code,
                message,
                help,
            })
        };
        match (self.has(field), field.is_in(mask), self.lacks(field)) {
            (true, false, _) => error(
                "not-in-key",
                format!("`{name}` is not in the key of V.VLAN {vvlan}"),
                format!(
                    "remove it, or add \"{}\" to the V.VLAN's key-fields, which are: {}",
                    field_name(field),
                    mask_names(mask).join(", ")
                ),
            ),
            (true, true, Some(why)) => error(
                "contradiction",
                format!("`{name}` cannot be: {why}"),
                "remove it".to_owned(),
            ),
            (false, true, None) => error(
                "missing-field",
                format!("`{name}` is missing: it is in the key of V.VLAN {vvlan}"),
                format!(
                    "add it, or take \"{}\" out of the V.VLAN's key-fields",
                    field_name(field)
                ),
            ),
            _ => Ok(()),
        }
    }

    /// Whether its packets are IPv6.
    fn is_v6(&self) -> Result<bool, FieldError> {
        let of = |address: Option<IpAddr>| address.map(|address| address.is_ipv6());
        let by_type = match self.ethertype {
            Some(IPV4) => Some(false),
            Some(IPV6) => Some(true),
            _ => None,
        };
        let votes = [
            ("ethertype", by_type),
            ("ip-src", of(self.ip_src)),
            ("ip-dst", of(self.ip_dst)),
        ];
        let mut first = None;
        for (field, vote) in votes {
            match (first, vote) {
                (None, Some(vote)) => first = Some(vote),
                (Some(first), Some(vote)) if first != vote => {
                    let version = |v6| if v6 { "IPv6" } else { "IPv4" };
                    return Err(FieldError {
                        field,
                        code: "contradiction",
                        message: format!(
                            "`{field}` is {}, the flow is {}",
                            version(vote),
                            version(first)
                        ),
                        help: "use one version of IP in a flow".to_owned(),
                    });
                }
                _ => {}
            }
        }
        Ok(first.unwrap_or(false))
    }

    /// The fields of a key, for a V.VLAN whose keys have the fields of a mask.
    pub fn of(key: &FlowKey, mask: u16) -> Self {
        let ip = |value: u128| {
            if key.ip.is_v6 {
                IpAddr::V6(Ipv6Addr::from(value))
            } else {
                // The upper bits of an IPv4 key are zero.
                IpAddr::V4(Ipv4Addr::from(value as u32))
            }
        };
        let mut fields = Self::default();
        let typed = KeyField::EtherType.is_in(mask);
        fields.ethertype = typed.then_some(key.ethertype);
        fields.from = KeyField::SourcePort.is_in(mask).then_some(key.src);
        fields.da = KeyField::Destination.is_in(mask).then_some(key.da);
        fields.sa = KeyField::Source.is_in(mask).then_some(key.sa);
        let there =
            |fields: &Self, field: KeyField| field.is_in(mask) && fields.lacks(field).is_none();
        fields.ip_src = there(&fields, KeyField::IpSource).then(|| ip(key.ip.src));
        fields.ip_dst = there(&fields, KeyField::IpDestination).then(|| ip(key.ip.dst));
        fields.proto = there(&fields, KeyField::Protocol).then_some(key.ip.proto);
        fields.sport = there(&fields, KeyField::L4Source).then_some(key.ip.sport);
        fields.dport = there(&fields, KeyField::L4Destination).then_some(key.ip.dport);
        fields
    }

    /// The fields as they are shown.
    pub fn to_state(&self) -> FlowKeyState {
        FlowKeyState {
            from: self.from.map(|port| port.to_string()),
            da: self.da.map(|mac| mac.to_string()),
            sa: self.sa.map(|mac| mac.to_string()),
            ethertype: self.ethertype,
            ip_src: self.ip_src.map(|address| address.to_string()),
            ip_dst: self.ip_dst.map(|address| address.to_string()),
            proto: self.proto,
            sport: self.sport,
            dport: self.dport,
        }
    }
}

/// The row of a flow that the host adds.
///
/// # Errors
/// `redirect` needs a vPort to lead to, and nothing else takes one.
pub fn flow_row(action: FlowAction, port: Option<VPort>) -> Result<FlowRow, FieldError> {
    let row = FlowRow::new(action, Teacher::Flow);
    match (action, port) {
        (FlowAction::Redirect, Some(vport)) => Ok(FlowRow {
            port: vport.into(),
            ..row
        }),
        (FlowAction::Redirect, None) => Err(FieldError {
            field: "port",
            code: "missing-field",
            message: "`redirect` needs the vPort that the flow goes to".to_owned(),
            help: "add it: port vf0".to_owned(),
        }),
        (_, Some(_)) => Err(FieldError {
            field: "port",
            code: "contradiction",
            message: format!("`{action}` takes no port"),
            help: "remove it, or use the action redirect".to_owned(),
        }),
        (_, None) => Ok(row),
    }
}

/// The action of a name.
pub fn parse_action(name: &str) -> Option<FlowAction> {
    let mut actions = FlowAction::ALL.iter();
    actions.find(|action| action.name() == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u16 = KeyField::MASK_ALL;

    fn vvlan() -> VVlan {
        VVlan::new(100).unwrap()
    }

    fn tcp() -> FlowFields {
        FlowFields {
            from: Some(PortId::Uplink),
            da: Some(MacAddr([2, 0, 0, 0, 0, 1])),
            sa: Some(MacAddr([2, 0, 0, 0, 0, 2])),
            ethertype: Some(IPV4),
            ip_src: Some(IpAddr::from([10, 0, 0, 1])),
            ip_dst: Some(IpAddr::from([10, 0, 0, 2])),
            proto: Some(6),
            sport: Some(1234),
            dport: Some(80),
        }
    }

    #[test]
    fn a_key_is_what_was_said_and_is_read_back() {
        let key = tcp().key(vvlan(), ALL).unwrap();
        assert_eq!(
            (key.src, key.vvlan.get(), key.ethertype),
            (PortId::Uplink, 100, IPV4)
        );
        assert_eq!(
            (key.ip.src, key.ip.dst, key.ip.is_v6),
            (0x0a00_0001, 0x0a00_0002, false)
        );
        assert_eq!((key.ip.proto, key.ip.sport, key.ip.dport), (6, 1234, 80));
        assert_eq!(FlowFields::of(&key, ALL), tcp());

        let v6 = FlowFields {
            ethertype: Some(IPV6),
            ip_src: Some("fd00::1".parse().unwrap()),
            ip_dst: Some("fd00::2".parse().unwrap()),
            proto: Some(89),
            sport: None,
            dport: None,
            ..tcp()
        };
        let key = v6.key(vvlan(), ALL).unwrap();
        assert!(key.ip.is_v6 && key.ip.dst & 0xff == 2);
        assert_eq!(FlowFields::of(&key, ALL), v6);

        let arp = FlowFields {
            ethertype: Some(0x0806),
            ip_src: None,
            ip_dst: None,
            proto: None,
            sport: None,
            dport: None,
            ..tcp()
        };
        let key = arp.key(vvlan(), ALL).unwrap();
        assert_eq!(key.ip, IpFields::default());
        assert_eq!(FlowFields::of(&key, ALL), arp);
    }

    #[test]
    fn the_mask_says_which_fields_there_must_be() {
        for field in KeyField::ALL {
            let without = ALL & !field.bit();
            let error = tcp().key(vvlan(), without).unwrap_err();
            assert_eq!(
                (error.code, error.field),
                ("not-in-key", flow_field_name(*field))
            );
            let mut fields = tcp();
            match field {
                KeyField::SourcePort => fields.from = None,
                KeyField::Destination => fields.da = None,
                KeyField::Source => fields.sa = None,
                KeyField::EtherType => fields.ethertype = None,
                KeyField::IpSource => fields.ip_src = None,
                KeyField::IpDestination => fields.ip_dst = None,
                KeyField::Protocol => fields.proto = None,
                KeyField::L4Source => fields.sport = None,
                KeyField::L4Destination => fields.dport = None,
            }
            let error = fields.key(vvlan(), ALL).unwrap_err();
            assert_eq!(
                (error.code, error.field),
                ("missing-field", flow_field_name(*field))
            );
            let key = fields.key(vvlan(), without).unwrap();
            assert_eq!(FlowFields::of(&key, without), fields);
        }
    }

    #[test]
    fn contradictions_are_found() {
        let wrong = [
            (
                "ip-src",
                FlowFields {
                    ethertype: Some(0x0806),
                    ..tcp()
                },
            ),
            (
                "sport",
                FlowFields {
                    proto: Some(89),
                    ..tcp()
                },
            ),
            (
                "ip-src",
                FlowFields {
                    ethertype: Some(IPV6),
                    ..tcp()
                },
            ),
            (
                "ip-dst",
                FlowFields {
                    ip_dst: Some("fd00::1".parse().unwrap()),
                    ..tcp()
                },
            ),
        ];
        for (field, fields) in wrong {
            let error = fields.key(vvlan(), ALL).unwrap_err();
            assert_eq!(
                (error.code, error.field),
                ("contradiction", field),
                "{error}"
            );
        }
        let vf3 = VPort::new(3);
        assert_eq!(
            flow_row(FlowAction::Redirect, None).unwrap_err().code,
            "missing-field"
        );
        assert_eq!(
            flow_row(FlowAction::Drop, vf3).unwrap_err().code,
            "contradiction"
        );
        let row = flow_row(FlowAction::Redirect, vf3).unwrap();
        assert_eq!((row.port.vport(), row.teacher), (vf3, Teacher::Flow));
        assert_eq!(
            flow_row(FlowAction::Uplink, None).unwrap().port,
            PortId::Uplink
        );
    }

    #[test]
    fn names_are_unique_and_read_back() {
        for field in KeyField::ALL {
            assert_eq!(parse_field(field_name(*field)), Some(*field));
        }
        for action in FlowAction::ALL {
            assert_eq!(parse_action(action.name()), Some(*action));
        }
        assert_eq!((parse_field("from"), parse_action("forward")), (None, None));
        assert_eq!(mask_names(0b1_0000_0001), ["src", "dport"]);
    }
}
