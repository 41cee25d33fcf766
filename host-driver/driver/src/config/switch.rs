// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a NIC and its adjacent switch must agree on: the mark of learning packets, and keys. `nic.toml` and the
//! switch's `rules.toml` say it in the same words.

use hairpin_abi::MacAddr;
use hairpin_abi::admin::PeerSetup;
use hairpin_abi::peer::{Key, KeyId, Keys, Mark, MarkField};
use serde::Deserialize;
use toml::Spanned;

use super::Uplink;
use super::source::{Place, Section, Source};
use crate::Diagnostic;

type Result<T> = std::result::Result<T, Diagnostic>;

/// Own address in control frames, unless told otherwise.
const ADDRESS: MacAddr = MacAddr([0x02, 0x48, 0x50, 0, 0, 2]);

/// How the NIC learns from the adjacent switch.
#[derive(Clone, Debug)]
pub struct SwitchConfig {
    /// What the firmware needs.
    pub setup: PeerSetup,
    /// How learning packets are marked.
    pub mark: Mark,
    pub(super) place: Place,
}

/// A mark as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawMark {
    field: Option<Spanned<String>>,
    mask: Option<Spanned<i64>>,
    set: Option<Spanned<i64>>,
    clear: Option<Spanned<i64>>,
}

/// A key as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawKey {
    id: Option<Spanned<i64>>,
    secret: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSwitch {
    address: Option<Spanned<String>>,
    mark: Option<Spanned<RawMark>>,
    #[serde(default)]
    key: Vec<Spanned<RawKey>>,
}

/// Checks `[switch]`.
pub(super) fn check_switch(
    source: &Source<'_>,
    uplink: &Uplink,
    raw: Spanned<RawSwitch>,
) -> Result<SwitchConfig> {
    let section = Section {
        source,
        name: "switch".to_owned(),
        span: raw.span(),
    };
    let raw = raw.into_inner();
    if !uplink.reflects {
        let message = "a switch that does not relay back teaches nothing";
        return Err(source
            .error("no-reflective-relay", &section.own_place(), message)
            .help("set reflects = true in [uplink], or remove [switch]"));
    }
    let source_address = match &raw.address {
        None => ADDRESS,
        Some(text) => {
            let mac = text.get_ref().parse::<MacAddr>().ok();
            let mac = mac.filter(|mac| !mac.is_group() && mac.to_u64() != 0);
            mac.ok_or_else(|| {
                source
                    .error(
                        "bad-address",
                        &section.place("address", text),
                        format!("`{}` is no address of a station", text.get_ref()),
                    )
                    .help("write it like 02:48:50:00:00:02")
            })?
        }
    };
    let mark_place = match &raw.mark {
        Some(mark) => section.place("mark", mark),
        None => section.own_place(),
    };
    // What the NIC sends in every frame, field by field.
    let sent = |field| match field {
        MarkField::OuterDei | MarkField::Dscp => 0,
        MarkField::OuterPcp | MarkField::InnerPcp => uplink.pcp,
    };
    let mark = match raw.mark {
        None => Mark::DEFAULT,
        Some(mark) => {
            let name = mark.get_ref().field.as_ref();
            let field = MarkField::ALL
                .iter()
                .find(|known| name.is_some_and(|name| known.name() == name.get_ref()));
            let clear = field.map_or(0, |field| sent(*field));
            check_mark(source, "switch.mark", mark, clear)?
        }
    };
    let clear = sent(mark.field()) & mark.mask();
    // The DSCP is the tenant's: the NIC sets it to whatever `clear` says.
    if mark.field() != MarkField::Dscp && mark.clear() != clear {
        return Err(source
            .error(
                "bad-mark",
                &mark_place,
                format!(
                    "the NIC sends {clear} in these bits, so `clear` cannot be {}",
                    mark.clear()
                ),
            )
            .help(format!("set clear = {clear}, or another pcp in [uplink]")));
    }
    let keys = check_keys(source, "switch.key", raw.key)?.ok_or_else(|| {
        source
            .error(
                "missing-key",
                &section.missing_place("key"),
                "a switch that nobody can tell from others is not believed",
            )
            .help("add [[switch.key]] with id and secret, the same as in the switch's rules.toml")
    })?;
    Ok(SwitchConfig {
        setup: PeerSetup {
            source: source_address,
            keys,
        },
        mark,
        place: section.own_place(),
    })
}

/// Checks a mark; `clear` is the value of all other frames, unless the mark says so itself, and as far as the mask has its
/// bits.
///
/// # Errors
/// What is wrong, with its place and fix.
pub fn check_mark(
    source: &Source<'_>,
    name: &str,
    raw: Spanned<RawMark>,
    clear: u8,
) -> Result<Mark> {
    let section = Section {
        source,
        name: name.to_owned(),
        span: raw.span(),
    };
    let raw = raw.into_inner();
    let field = section.required("field", raw.field, "add field = \"outer-dei\"")?;
    let known = MarkField::ALL
        .iter()
        .find(|known| known.name() == field.get_ref());
    let known = *known.ok_or_else(|| {
        let help = if field.get_ref() == "inner-dei" {
            "the inner DEI says `served`; use \"outer-dei\", \"outer-pcp\", \"inner-pcp\" or \"dscp\""
        } else {
            "use \"outer-dei\", \"outer-pcp\", \"inner-pcp\" or \"dscp\""
        };
        let message = format!("`{}` cannot carry the mark", field.get_ref());
        source.error("bad-mark", &section.place("field", &field), message).help(help)
    })?;
    let bits = i64::from(known.bits());
    let value = |key: &str, value: &Option<Spanned<i64>>, default: i64| match value {
        Some(value) => section.number(key, value, 0..=bits),
        None => Ok(default),
    };
    let mask = value("mask", &raw.mask, bits)?;
    let (set, clear) = (
        value("set", &raw.set, mask)?,
        value("clear", &raw.clear, i64::from(clear) & mask)?,
    );
    Mark::new(known, mask as u8, set as u8, clear as u8).ok_or_else(|| {
        source
            .error(
                "bad-mark",
                &section.own_place(),
                "no frame can be told from another by this mark",
            )
            .help("`set` and `clear` must differ, and have no bits outside `mask`, which is not 0")
    })
}

/// Checks keys: none, one or two.
///
/// # Errors
/// What is wrong, with its place and fix.
pub fn check_keys(
    source: &Source<'_>,
    name: &str,
    raw: Vec<Spanned<RawKey>>,
) -> Result<Option<Keys>> {
    let mut found: Vec<(KeyId, Key)> = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let section = Section {
            source,
            name: format!("{name}[{index}]"),
            span: raw.span(),
        };
        let raw = raw.into_inner();
        let id = section.required("id", raw.id, "add id = 1, the same at NIC and switch")?;
        let id = KeyId(section.number("id", &id, 0..=255)? as u8);
        let secret = section.required(
            "secret",
            raw.secret,
            "add secret = \"…\": 32 hexadecimal digits",
        )?;
        let bytes = hex(secret.get_ref()).ok_or_else(|| {
            // The secret itself is not repeated.
            source
                .error(
                    "bad-secret",
                    &section.place("secret", &secret),
                    "this is no secret",
                )
                .help("write 32 hexadecimal digits: openssl rand -hex 16")
        })?;
        if found.len() == 2 || found.iter().any(|(known, _)| *known == id) {
            return Err(source
                .error(
                    "too-many-keys",
                    &section.own_place(),
                    "there may be two keys, with different ids",
                )
                .help("remove one: the first signs, the second is taken too"));
        }
        found.push((id, Key::new(bytes)));
    }
    Ok(match found.as_slice() {
        [] => None,
        [(id, key)] => Some(Keys::one(*id, *key)),
        [(id, key), (other, second), ..] => Some(Keys::one(*id, *key).and(*other, *second)),
    })
}

fn hex(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
