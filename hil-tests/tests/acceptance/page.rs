// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `report.html` of the demo: read as a browser would find it, beside the numbers of `report.json`.

use std::fs;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::demo::demo;
use crate::test;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("page: it needs nothing from anywhere", self_contained),
        test("page: its numbers are those of the report", numbers),
    ]
}

fn page() -> Result<String> {
    let path = demo()?.dir.join("report.html");
    fs::read_to_string(&path).with_context(|| format!("{}", path.display()))
}

fn self_contained() -> Result<()> {
    let page = page()?;
    ensure!(
        page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"),
        "not a whole page"
    );
    for foreign in ["http:", "https:", "src=", "url(", "@import", "javascript:"] {
        ensure!(!page.contains(foreign), "{foreign}");
    }
    for tag in page
        .split('<')
        .skip(1)
        .filter_map(|tag| tag.split('>').next())
    {
        let name = tag.split(' ').next().unwrap_or_default();
        ensure!(
            !["script", "link", "iframe", "object", "img", "form"].contains(&name),
            "<{tag}>"
        );
        ensure!(
            !tag.contains(" onload") && !tag.contains(" onclick"),
            "<{tag}>"
        );
    }
    ensure!(page.contains("default-src 'none'"), "no policy");
    Ok(())
}

fn numbers() -> Result<()> {
    let demo = demo()?;
    // Digits are grouped by a narrow blank.
    let page = page()?.replace('\u{202f}', "");
    let frames = demo.report["frames"].as_array().context("no frames")?;
    let copies: usize = frames
        .iter()
        .filter_map(|frame| frame["out"].as_array())
        .map(Vec::len)
        .sum();
    for (number, what) in [(frames.len(), "frames in"), (copies, "copies out")] {
        let tile = format!("<b>{number}</b><span>{what}</span>");
        ensure!(page.contains(&tile), "no {tile}");
    }
    let pair = |from: &str, to: &str| {
        let out = |frame: &&serde_json::Value| {
            frame["out"]
                .as_array()
                .is_some_and(|out| out.iter().any(|copy| copy["port"] == to))
        };
        frames
            .iter()
            .filter(|frame| frame["in"] == from)
            .filter(out)
            .count()
    };
    for (from, to, vvlan) in [
        ("vf0", "vf1", 100),
        ("uplink", "vf3", 200),
        ("vf7", "uplink", 100),
    ] {
        let start = format!("{from} to {to}, V.VLAN {vvlan}: ");
        ensure!(page.contains(&start), "no arrow from {from} to {to}");
    }
    let label = format!("vf0 to vf1, V.VLAN 100: {} frames, ", pair("vf0", "vf1"));
    ensure!(page.contains(&label), "no {label:?}");
    // Nothing between the tenants.
    ensure!(
        pair("vf0", "vf2") == 0 && !page.contains("vf0 to vf2") && !page.contains("vf3 to vf1"),
        "a leak"
    );
    let hash = demo.report["firmware"]["map_hash"]
        .as_str()
        .context("no map hash")?;
    ensure!(
        page.contains(hash) && page.contains("equal to the golden model"),
        "no verdict"
    );
    Ok(())
}
