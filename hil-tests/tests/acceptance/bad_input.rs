// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Wrong configurations, captures and arguments.

mod cases;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::capture::Pcap;
use crate::program::{Replay, contents, demo_file, fresh, hairpin};
use crate::refusal::{Refusal, as_text, error_code, refused};
use crate::{Verdict, may_skip, test};
use cases::{CAPTURES, CONFIGS, Capture, Config, hello};

pub(crate) fn tests() -> Vec<Trial> {
    let configs = CONFIGS
        .iter()
        .map(|case| test(format!("bad input: {}", case.name), || config(case)));
    let captures = CAPTURES
        .iter()
        .map(|case| test(format!("bad input: {}", case.name), || capture(case)));
    let others = [
        test(
            "bad input: a configuration that is not there",
            missing_config,
        ),
        test("bad input: a capture that is not there", missing_capture),
        may_skip(
            "bad input: a capture that may not be read",
            forbidden_capture,
        ),
        test("bad input: waves where no file can be", waves_nowhere),
        test(
            "bad input: a folder in place of a capture",
            folder_as_capture,
        ),
        test(
            "bad input: a capture for a vPort that is not configured",
            unconfigured_port,
        ),
        test("bad input: two captures for one port", two_captures),
        test("bad input: a folder that is not empty", full_folder),
        test("bad input: a file in place of the folder", file_as_folder),
        test("bad input: a folder below a file", folder_below_a_file),
        test("bad input: wrong usage", wrong_usage),
    ];
    configs.chain(captures).chain(others).collect()
}

fn config(case: &Config) -> Result<()> {
    let dir = fresh(&format!("config-{}", case.name.replace(' ', "-")))?;
    let demo = fs::read_to_string(demo_file("nic.toml"))?;
    let text = demo.replacen(case.from, case.to, 1);
    ensure!(text != demo, "the demo does not say {:?}", case.from);
    let line = text.lines().position(|line| line.contains(case.at));
    let file = dir.join("nic.toml");
    fs::write(&file, text)?;
    let expected = Refusal {
        code: case.code,
        field: case.field.to_owned(),
        file: file.clone(),
        line: Some(line.context("no such line")? + 1),
        says: case.says.to_owned(),
        fix: case.fix,
    };
    refused(
        &dir,
        |out| Replay::new(&file, out).input("vf0", &demo_file("vf0.pcap")),
        &expected,
    )
}

fn capture(case: &Capture) -> Result<()> {
    let dir = fresh(&format!("capture-{}", case.name.replace(' ', "-")))?;
    let file = dir.join("in.pcap");
    fs::write(&file, (case.bytes)())?;
    refused(
        &dir,
        |out| play(out, &file),
        &about_capture(case.code, &file, case.says, case.fix),
    )
}

/// Plays a capture into vf0 of the demo.
fn play(out: &Path, file: &Path) -> Replay {
    Replay::new(&demo_file("nic.toml"), out).input("vf0", file)
}

fn about_capture(code: &'static str, file: &Path, says: &str, fix: &'static str) -> Refusal {
    Refusal {
        code,
        field: "--in vf0".to_owned(),
        file: file.to_owned(),
        line: None,
        says: says.to_owned(),
        fix,
    }
}

fn missing_config() -> Result<()> {
    let dir = fresh("missing-config")?;
    let file = dir.join("missing.toml");
    let expected = Refusal {
        code: "config-unreadable",
        field: "--config".to_owned(),
        file: file.clone(),
        line: None,
        says: "No such file".to_owned(),
        fix: "check the path",
    };
    refused(
        &dir,
        |out| Replay::new(&file, out).input("vf0", &demo_file("vf0.pcap")),
        &expected,
    )
}

fn missing_capture() -> Result<()> {
    let dir = fresh("missing-capture")?;
    let file = dir.join("missing.pcap");
    let expected = about_capture(
        "capture-unreadable",
        &file,
        "No such file",
        "check the path",
    );
    refused(&dir, |out| play(out, &file), &expected)
}

fn forbidden_capture() -> Result<Verdict> {
    let dir = fresh("forbidden-capture")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000))?;
    if fs::read(&file).is_ok() {
        return Ok(Verdict::Skipped("this user may read every file"));
    }
    let run = play(&dir.join("out"), &file).run()?;
    let expected = about_capture(
        "capture-unreadable",
        &file,
        "Permission denied",
        "permissions",
    );
    as_text(&run, &expected).with_context(|| format!("{run:?}"))?;
    ensure!(!dir.join("out").exists(), "something was written");
    Ok(Verdict::Held)
}

fn waves_nowhere() -> Result<()> {
    let dir = fresh("waves-nowhere")?;
    let input = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&input)?;
    let file = dir.join("missing/run.fst");
    let expected = Refusal {
        code: "waves-unwritable",
        field: "--waves".to_owned(),
        file: file.clone(),
        line: None,
        says: "No such file".to_owned(),
        fix: "a folder that exists",
    };
    refused(
        &dir,
        |out| play(out, &input).arg("--waves").arg(&file),
        &expected,
    )
}

fn folder_as_capture() -> Result<()> {
    let dir = fresh("folder-as-capture")?;
    let expected = about_capture(
        "capture-unreadable",
        &dir,
        "Is a directory",
        "check the path",
    );
    refused(&dir, |out| play(out, &dir), &expected)
}

fn unconfigured_port() -> Result<()> {
    let dir = fresh("unconfigured-port")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let expected = Refusal {
        code: "unknown-port",
        field: "--in vf5".to_owned(),
        file: demo_file("nic.toml"),
        line: None,
        says: "no such vPort".to_owned(),
        fix: "add a [[vport]] with name = \"vf5\"",
    };
    let replay = |out: &Path| Replay::new(&demo_file("nic.toml"), out).input("vf5", &file);
    refused(&dir, replay, &expected)
}

fn two_captures() -> Result<()> {
    let dir = fresh("two-captures")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let expected = about_capture("duplicate-input", &file, "already", "one capture");
    refused(&dir, |out| play(out, &file).input("vf0", &file), &expected)
}

/// Without `--force`, a folder with something in it stays as it is; with it, the replay runs.
fn full_folder() -> Result<()> {
    let dir = fresh("full-folder")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let out = dir.join("out");
    fs::create_dir(&out)?;
    fs::write(out.join("mine.txt"), "mine")?;
    let before = contents(&dir)?;
    let run = play(&out, &file).run()?;
    let expected = Refusal {
        code: "out-not-empty",
        field: "--out".to_owned(),
        file: out.clone(),
        line: None,
        says: "not empty".to_owned(),
        fix: "--force",
    };
    as_text(&run, &expected).with_context(|| format!("{run:?}"))?;
    let run = play(&out, &file).arg("--json").run()?;
    ensure!(run.status == 1, "{run:?}");
    error_code(&run.json()?, "out-not-empty")?;
    ensure!(contents(&dir)? == before, "something was written");
    play(&out, &file).arg("--force").run()?.ok()?;
    ensure!(out.join("report.json").is_file(), "no report with --force");
    ensure!(
        fs::read(out.join("mine.txt"))? == b"mine",
        "--force took more than it writes"
    );
    Ok(())
}

fn file_as_folder() -> Result<()> {
    let dir = fresh("file-as-folder")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let before = contents(&dir)?;
    let run = play(&file, &file).arg("--force").arg("--json").run()?;
    ensure!(run.status == 1, "{run:?}");
    error_code(&run.json()?, "out-unusable")?;
    ensure!(contents(&dir)? == before, "something was written");
    Ok(())
}

/// Found before the replay, not after it.
fn folder_below_a_file() -> Result<()> {
    let dir = fresh("folder-below-a-file")?;
    let file = dir.join("in.pcap");
    Pcap::ethernet().frame(&hello(60)).write(&file)?;
    let below_a_file = file.join("out");
    let expected = Refusal {
        code: "out-unusable",
        field: "--out".to_owned(),
        file: below_a_file.clone(),
        line: None,
        says: "cannot use the folder".to_owned(),
        fix: "name a folder",
    };
    let run = play(&below_a_file, &file).run()?;
    as_text(&run, &expected).with_context(|| format!("{run:?}"))
}

/// The command line itself: status 2, and JSON if asked for.
fn wrong_usage() -> Result<()> {
    let wrong: [(&[&str], &str); 6] = [
        (&["replay"], "--config <FILE>"),
        (
            &["replay", "--config", "n.toml", "--out", "x"],
            "--in <PORT=FILE>",
        ),
        (
            &[
                "replay",
                "--config",
                "n.toml",
                "--in",
                "core=a.pcap",
                "--out",
                "x",
            ],
            "vf0 to vf63 or uplink",
        ),
        (
            &["replay", "--config", "n.toml", "--in", "vf0", "--out", "x"],
            "vf0=a.pcap",
        ),
        (
            &[
                "replay",
                "--config",
                "n.toml",
                "--in",
                "vf0=a",
                "--out",
                "x",
                "--max-gap",
                "few",
            ],
            "a number of cycles or \"none\"",
        ),
        (&["port", "paint"], "'paint'"),
    ];
    for (args, says) in wrong {
        let run = hairpin(args)?;
        ensure!(
            run.status == 2 && run.stdout.is_empty(),
            "{args:?}: {run:?}"
        );
        ensure!(run.stderr.starts_with("error: "), "{args:?}: {run:?}");
        let run = hairpin([args, &["-j"]].concat())?;
        ensure!(run.status == 2, "{args:?}: {run:?}");
        let document = run.json()?;
        error_code(&document, "usage").with_context(|| format!("{args:?}"))?;
        let message = document["error"]["message"].as_str().unwrap_or_default();
        ensure!(
            message.contains(says),
            "{args:?}: {message:?} does not say {says:?}"
        );
    }
    Ok(())
}
