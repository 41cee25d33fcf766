// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `[[flow]]`.

use std::collections::HashMap;
use std::net::IpAddr;

use hairpin_abi::{FlowKey, PortId, VVlan};
use toml::Spanned;

use super::value::{Section, mac, vvlan_id};
use super::{Names, Result};
use crate::config::raw::{RawFlow, RawName};
use crate::config::source::{Place, Source};
use crate::config::{FlowConfig, VvlanConfig};
use crate::flow::{FieldError, FlowFields, flow_row, parse_action, parse_ethertype, parse_proto};

pub(super) fn check_flows(
    source: &Source<'_>,
    names: &Names,
    raw: Vec<Spanned<RawFlow>>,
) -> Result<Vec<FlowConfig>> {
    let mut flows = Vec::with_capacity(raw.len());
    let mut seen: HashMap<FlowKey, usize> = HashMap::new();
    let mut used: HashMap<VVlan, u32> = HashMap::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let section = Section {
            source,
            name: format!("flow[{index}]"),
            span: raw.span(),
        };
        let (flow, vvlan) = check_flow(&section, names, raw.into_inner())?;
        if let Some(line) = seen.insert(flow.key, flow.place.line) {
            let message = format!("the flow in line {line} has the same key");
            return Err(source
                .error("duplicate-flow", &flow.place, message)
                .help("remove one of the two: a key has one action"));
        }
        let used = used.entry(flow.vvlan).or_default();
        *used += 1;
        let quota = if vvlan.flow_quota == 0 {
            0
        } else {
            1 << vvlan.flow_quota
        };
        if *used > quota {
            let message = format!(
                "V.VLAN {} has more flows than its flow-quota, {quota}",
                vvlan.id
            );
            return Err(source
                .error("too-many-flows", &flow.place, message)
                .help("raise flow-quota of the [[vvlan]], or remove flows"));
        }
        flows.push(flow);
    }
    Ok(flows)
}

fn check_flow<'a>(
    section: &Section<'_>,
    names: &'a Names,
    mut raw: RawFlow,
) -> Result<(FlowConfig, &'a VvlanConfig)> {
    let source = section.source;
    let number = section.required(
        "vvlan",
        raw.vvlan.take(),
        "add vvlan = N, the id of a [[vvlan]]",
    )?;
    let vvlan_place = section.place("vvlan", &number);
    let id = vvlan_id(source, &vvlan_place, *number.get_ref())?;
    let vvlan = names.vvlan(source, &vvlan_place, id)?;
    if !vvlan.cache {
        let message = format!("V.VLAN {id} does not use the flow cache");
        return Err(source
            .error("without-cache", &vvlan_place, message)
            .help("add cache = true to the [[vvlan]]"));
    }
    let places = Places::new(section, &raw);
    let error = |error: FieldError| {
        source
            .error(error.code, &places.of(section, error.field), error.message)
            .help(error.help)
    };
    let fields = check_fields(section, names, vvlan, &raw)?;
    let key = fields.key(id, vvlan.key_mask).map_err(error)?;
    let action = section.required("action", raw.action, "add action = \"drop\"")?;
    let place = section.place("action", &action);
    let action = parse_action(action.get_ref()).ok_or_else(|| {
        source
            .error(
                "bad-action",
                &place,
                format!("`{}` is no action", action.get_ref()),
            )
            .help("use \"local\", \"uplink\", \"drop\", \"punt\" or \"redirect\"")
    })?;
    let port = match &raw.port {
        Some(name) => {
            Some(names.member(source, &section.place("port", name), name.get_ref(), vvlan)?)
        }
        None => None,
    };
    let flow = FlowConfig {
        vvlan: id,
        key,
        row: flow_row(action, port).map_err(error)?,
        place: section.own_place(),
    };
    Ok((flow, vvlan))
}

/// The places of the fields that are there.
struct Places(HashMap<&'static str, Place>);

impl Places {
    fn new(section: &Section<'_>, raw: &RawFlow) -> Self {
        let mut places = HashMap::new();
        let mut put = |key, place: Option<Place>| {
            places.extend(place.map(|place| (key, place)));
        };
        put(
            "from",
            raw.from.as_ref().map(|value| section.place("from", value)),
        );
        put(
            "da",
            raw.da.as_ref().map(|value| section.place("da", value)),
        );
        put(
            "sa",
            raw.sa.as_ref().map(|value| section.place("sa", value)),
        );
        put(
            "ethertype",
            raw.ethertype
                .as_ref()
                .map(|value| section.place("ethertype", value)),
        );
        put(
            "ip-src",
            raw.ip_src
                .as_ref()
                .map(|value| section.place("ip-src", value)),
        );
        put(
            "ip-dst",
            raw.ip_dst
                .as_ref()
                .map(|value| section.place("ip-dst", value)),
        );
        put(
            "proto",
            raw.proto
                .as_ref()
                .map(|value| section.place("proto", value)),
        );
        put(
            "sport",
            raw.sport
                .as_ref()
                .map(|value| section.place("sport", value)),
        );
        put(
            "dport",
            raw.dport
                .as_ref()
                .map(|value| section.place("dport", value)),
        );
        put(
            "port",
            raw.port.as_ref().map(|value| section.place("port", value)),
        );
        Self(places)
    }

    /// The place of a field, or where it would be.
    fn of(&self, section: &Section<'_>, field: &str) -> Place {
        let place = self.0.get(field).cloned();
        place.unwrap_or_else(|| section.missing_place(field))
    }
}

fn check_fields(
    section: &Section<'_>,
    names: &Names,
    vvlan: &VvlanConfig,
    raw: &RawFlow,
) -> Result<FlowFields> {
    let source = section.source;
    let address = |key: &str, value: &Option<Spanned<String>>| match value {
        Some(text) => mac(source, &section.place(key, text), text.get_ref()).map(Some),
        None => Ok(None),
    };
    Ok(FlowFields {
        from: match &raw.from {
            Some(name) if name.get_ref() == "uplink" => Some(PortId::Uplink),
            Some(name) => {
                let place = section.place("from", name);
                Some(names.member(source, &place, name.get_ref(), vvlan)?.into())
            }
            None => None,
        },
        da: address("da", &raw.da)?,
        sa: address("sa", &raw.sa)?,
        ethertype: named(
            section,
            "ethertype",
            raw.ethertype.as_ref(),
            parse_ethertype,
            |number| u16::try_from(number).ok(),
        )?,
        ip_src: ip(section, "ip-src", raw.ip_src.as_ref())?,
        ip_dst: ip(section, "ip-dst", raw.ip_dst.as_ref())?,
        proto: named(
            section,
            "proto",
            raw.proto.as_ref(),
            parse_proto,
            |number| u8::try_from(number).ok(),
        )?,
        sport: port_number(section, "sport", raw.sport.as_ref())?,
        dport: port_number(section, "dport", raw.dport.as_ref())?,
    })
}

/// A number that may have a name.
fn named<T>(
    section: &Section<'_>,
    key: &str,
    raw: Option<&Spanned<RawName>>,
    parse: impl Fn(&str) -> Option<T>,
    convert: impl Fn(i64) -> Option<T>,
) -> Result<Option<T>> {
    let Some(raw) = raw else { return Ok(None) };
    let (value, text) = match raw.get_ref() {
        RawName::Number(number) => (convert(*number), number.to_string()),
        RawName::Name(name) => (parse(name), name.clone()),
    };
    value.map(Some).ok_or_else(|| {
        let help = match key {
            "proto" => "use \"tcp\", \"udp\", \"icmp\", \"icmpv6\", \"sctp\" or 0 to 255",
            _ => "use \"ipv4\", \"ipv6\", \"arp\" or 0 to 0xffff",
        };
        let place = section.place(key, raw);
        let error = section
            .source
            .error("bad-flow-field", &place, format!("`{text}` is no {key}"));
        error.help(help)
    })
}

fn ip(section: &Section<'_>, key: &str, raw: Option<&Spanned<String>>) -> Result<Option<IpAddr>> {
    let Some(text) = raw else { return Ok(None) };
    let parsed: Option<IpAddr> = text.get_ref().parse().ok();
    parsed.map(Some).ok_or_else(|| {
        let message = format!("`{}` is no IP address", text.get_ref());
        let error = section
            .source
            .error("bad-flow-field", &section.place(key, text), message);
        error.help("write \"10.0.0.1\" or \"fd00::1\"")
    })
}

fn port_number(
    section: &Section<'_>,
    key: &str,
    raw: Option<&Spanned<i64>>,
) -> Result<Option<u16>> {
    let Some(raw) = raw else { return Ok(None) };
    let number = section.number(key, raw, 0..=i64::from(u16::MAX))?;
    Ok(u16::try_from(number).ok())
}
