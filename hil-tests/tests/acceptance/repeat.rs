// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The same input gives the same output, bit for bit; waves change nothing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::capture::{Pcap, frame};
use crate::demo::{demo, replay};
use crate::program::{Replay, contents, demo_file, fresh};
use crate::test;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "repeat: two runs leave the same files",
            two_runs_are_the_same,
        ),
        test(
            "repeat: waves are written and change nothing",
            waves_change_nothing,
        ),
    ]
}

/// File names and contents, without the folder.
fn files(dir: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let named = contents(dir)?.into_iter().filter_map(|(path, bytes)| {
        Some((path.file_name()?.to_string_lossy().into_owned(), bytes?))
    });
    Ok(named.collect())
}

fn differing(a: &[(String, Vec<u8>)], b: &[(String, Vec<u8>)]) -> Vec<String> {
    let only = |a: &[(String, Vec<u8>)], b: &[(String, Vec<u8>)]| -> Vec<String> {
        a.iter()
            .filter(|file| !b.contains(file))
            .map(|file| file.0.clone())
            .collect()
    };
    [only(a, b), only(b, a)].concat()
}

fn two_runs_are_the_same() -> Result<()> {
    let dir = fresh("repeat")?;
    let run = replay(&dir).arg("--json").run()?.ok()?;
    let (first, second) = (files(&demo()?.dir)?, files(&dir)?);
    let different = differing(&first, &second);
    ensure!(different.is_empty(), "two runs differ in {different:?}");
    ensure!(
        first.len() == 9,
        "six captures, two documents and a page expected: {}",
        first.len()
    );
    let written: Value = serde_json::from_slice(&fs::read(dir.join("report.json"))?)?;
    ensure!(
        run.json()? == written,
        "--json prints another report than it writes"
    );
    Ok(())
}

fn waves_change_nothing() -> Result<()> {
    let dir = fresh("waves")?;
    let (vf0, vf1) = ([2, 0, 0, 0, 0x0a, 0], [2, 0, 0, 0, 0x0a, 1]);
    let capture = dir.join("in.pcap");
    let frames = Pcap::ethernet()
        .frame(&frame(vf1, vf0, 60))
        .frame(&frame([0xff; 6], vf0, 1514));
    frames.write(&capture)?;
    let waves = dir.join("run.fst");
    let (plain, traced) = (dir.join("plain"), dir.join("traced"));
    let replay = |out: &Path| Replay::new(&demo_file("nic.toml"), out).input("vf0", &capture);
    replay(&plain).run()?.ok()?;
    replay(&traced).arg("--waves").arg(&waves).run()?.ok()?;
    let different = differing(&files(&plain)?, &files(&traced)?);
    ensure!(different.is_empty(), "waves change {different:?}");
    let bytes = fs::read(&waves).context("no waves")?;
    check_fst(&bytes).context("the waves are no FST file")
}

/// Reads the header of an FST file and walks through its blocks.
fn check_fst(bytes: &[u8]) -> Result<()> {
    const HEADER: u8 = 0;
    const VALUES: [u8; 3] = [1, 5, 8];
    const GEOMETRY: u8 = 3;
    const HIERARCHY: [u8; 3] = [4, 6, 7];
    let number = |at: usize| -> Result<u64> {
        let bytes = bytes.get(at..at + 8).context("cut short")?;
        Ok(u64::from_be_bytes(bytes.try_into()?))
    };
    ensure!(
        bytes.first() == Some(&HEADER) && number(1)? == 329,
        "no header"
    );
    let e: [u8; 8] = bytes.get(25..33).context("cut short")?.try_into()?;
    ensure!(
        [f64::from_le_bytes(e), f64::from_be_bytes(e)].contains(&std::f64::consts::E),
        "no mark of the byte order"
    );
    ensure!(
        number(17)? > number(9)?,
        "ends at {}, starts at {}",
        number(17)?,
        number(9)?
    );
    ensure!(number(49)? > 1000, "only {} signals", number(49)?);
    let mut kinds = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        kinds.push(bytes[at]);
        at += 1 + usize::try_from(number(at + 1)?)?;
    }
    ensure!(at == bytes.len(), "the last block is cut");
    ensure!(
        kinds.iter().any(|kind| VALUES.contains(kind)),
        "no values: blocks {kinds:?}"
    );
    ensure!(kinds.contains(&GEOMETRY), "no geometry: blocks {kinds:?}");
    ensure!(
        kinds.iter().any(|kind| HIERARCHY.contains(kind)),
        "no names: blocks {kinds:?}"
    );
    Ok(())
}
