// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A V.VLAN's use of the flow cache.

use hairpin_abi::KeyField;
use toml::Spanned;

use super::Result;
use super::value::Section;
use crate::flow::{mask_names, parse_field, quota_code};

/// The largest quota: as many flows as any table has.
const NO_LIMIT: u8 = 15;

/// How a V.VLAN uses the flow cache.
pub(super) struct Cache {
    pub(super) on: bool,
    pub(super) key_mask: u16,
    pub(super) quota: u8,
}

pub(super) fn check_cache(
    section: &Section<'_>,
    on: Option<bool>,
    key_fields: Option<Spanned<Vec<Spanned<String>>>>,
    quota: Option<&Spanned<i64>>,
) -> Result<Cache> {
    let on = on.unwrap_or(false);
    let unused = |key: &str, place| {
        let message = format!("`{key}` means nothing without the flow cache");
        let error = section.source.error("without-cache", &place, message);
        Err(error.help("add cache = true to this V.VLAN, or remove the key"))
    };
    match (&key_fields, quota) {
        (Some(fields), _) if !on => {
            return unused("key-fields", section.place("key-fields", fields));
        }
        (_, Some(quota)) if !on => return unused("flow-quota", section.place("flow-quota", quota)),
        _ => {}
    }
    Ok(Cache {
        on,
        key_mask: match key_fields {
            Some(fields) => check_key_fields(section, fields)?,
            None => KeyField::MASK_ALL,
        },
        quota: match quota {
            Some(quota) => check_quota(section, quota)?,
            None => NO_LIMIT,
        },
    })
}

fn check_key_fields(section: &Section<'_>, fields: Spanned<Vec<Spanned<String>>>) -> Result<u16> {
    let source = section.source;
    let place = section.place("key-fields", &fields);
    let mut mask = 0;
    for (index, name) in fields.into_inner().into_iter().enumerate() {
        let place = section.element("key-fields", index, &name);
        let name = name.get_ref();
        let Some(field) = parse_field(name) else {
            let known = mask_names(KeyField::MASK_ALL).join("\", \"");
            return Err(source
                .error(
                    "bad-key-fields",
                    &place,
                    format!("`{name}` is no field of a flow's key"),
                )
                .help(format!("the fields are: \"{known}\"")));
        };
        if field.is_in(mask) {
            return Err(source
                .error(
                    "duplicate-key-field",
                    &place,
                    format!("`{name}` is already in the list"),
                )
                .help("name each field once"));
        }
        mask |= field.bit();
    }
    if mask == 0 {
        return Err(source
            .error(
                "bad-key-fields",
                &place,
                "a key without fields would be one flow for everything",
            )
            .help("name at least one field, or leave the key out to have all"));
    }
    Ok(mask)
}

fn check_quota(section: &Section<'_>, quota: &Spanned<i64>) -> Result<u8> {
    let flows = *quota.get_ref();
    u32::try_from(flows)
        .ok()
        .and_then(quota_code)
        .ok_or_else(|| {
            section
                .source
                .error(
                    "bad-flow-quota",
                    &section.place("flow-quota", quota),
                    format!("{flows} flows is not a quota"),
                )
                .help("use a power of two from 2 to 32768, or 0 for no flows at all")
        })
}
