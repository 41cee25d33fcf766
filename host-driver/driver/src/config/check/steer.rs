// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `[[filter]]` and `[[rss]]`: the words of `hairpin filter add` and `hairpin rss set`.

use toml::Spanned;

use super::value::Section;
use super::{Names, Result};
use crate::Diagnostic;
use crate::config::raw::RawSteer;
use crate::config::source::{Place, Source};
use crate::config::{FilterConfig, RssConfig};
use crate::steer::parse::{filter_add, rss_set};

/// The key that names the VF.
const VPORT: &str = "vport";

pub(super) fn check_filters(
    source: &Source<'_>,
    names: &Names,
    raw: Vec<Spanned<RawSteer>>,
) -> Result<Vec<FilterConfig>> {
    let mut filters: Vec<FilterConfig> = Vec::with_capacity(raw.len());
    for (number, raw) in raw.into_iter().enumerate() {
        let name = format!("filter[{number}]");
        let (place, (filter, index)) = section(source, names, name, &raw, filter_add)?;
        filters.push(FilterConfig {
            filter,
            index,
            place,
        });
    }
    Ok(filters)
}

pub(super) fn check_rss(
    source: &Source<'_>,
    names: &Names,
    raw: Vec<Spanned<RawSteer>>,
) -> Result<Vec<RssConfig>> {
    let mut all: Vec<RssConfig> = Vec::with_capacity(raw.len());
    for (number, raw) in raw.into_iter().enumerate() {
        let name = format!("rss[{number}]");
        let (place, (vport, change)) = section(source, names, name, &raw, rss_set)?;
        if let Some(first) = all.iter().find(|rss| rss.vport == vport) {
            let message = format!("{vport} has one already, in line {}", first.place.line);
            return Err(source
                .error("duplicate-rss", &place, message)
                .help("configure the spreading of each VF once"));
        }
        all.push(RssConfig {
            vport,
            change,
            place,
        });
    }
    Ok(all)
}

/// Reads a section as a command; its place, and what it asks for.
fn section<T>(
    source: &Source<'_>,
    names: &Names,
    name: String,
    raw: &Spanned<RawSteer>,
    command: impl Fn(&str, &[String]) -> Result<T>,
) -> Result<(Place, T)> {
    let section = Section {
        source,
        name,
        span: raw.span(),
    };
    let here = source.place(section.name.clone(), &section.span);
    let keys = raw.get_ref();
    let Some(vport) = keys.get(VPORT) else {
        let place = source.place(format!("{}.{VPORT}", section.name), &section.span);
        return Err(source
            .error("missing-key", &place, "`vport` is missing")
            .help("add vport = \"vf0\": the VF whose frames it is about"));
    };
    let vf = vport.get_ref().word();
    if !names.vports.contains_key(&vf) {
        let known: Vec<&str> = names.vports.keys().map(String::as_str).collect();
        let place = section.place(VPORT, vport);
        return Err(source
            .error("unknown-port", &place, format!("there is no vPort `{vf}`"))
            .help(format!(
                "add a [[vport]] with this name, or use one of: {}",
                known.join(", ")
            )));
    }
    let mut words = Vec::new();
    for (key, value) in keys.iter().filter(|(key, _)| *key != VPORT) {
        words.extend([key.clone(), value.get_ref().word()]);
    }
    let edit = command(&vf, &words).map_err(|error| {
        // `filter add: src` is `filter[0].src` here.
        let key = error
            .field
            .as_deref()
            .and_then(|field| field.rsplit(": ").next());
        let key = key.unwrap_or_default();
        let place = match keys.get(key) {
            Some(value) => section.place(key, value),
            None => source.place(format!("{}.{key}", section.name), &section.span),
        };
        let wrong = source.error("bad-value", &place, error.message);
        Diagnostic {
            help: error.help,
            ..wrong
        }
    })?;
    Ok((here, edit))
}
