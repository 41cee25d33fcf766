// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `check`: what can be said about the tree without running it.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::ctx::{Ctx, output, run};
use crate::setup::{FirmwareRust, Need};
use crate::tally::Tally;
use crate::{build, demo, docs, setup, syn, test};

pub(crate) fn run_all(ctx: &Ctx, args: &test::Args) -> Result<()> {
    setup::run_all(ctx, Need::Everything)?;
    let mut tally = Tally::new(args.only.clone());
    tally.check("licences: every file says under which", || licences(ctx));
    tally.check(
        "docs: every page is in the summary, every link leads somewhere",
        || docs::links(&ctx.root),
    );
    tally.check("demo: configuration and captures are complete", || {
        demo::inputs(ctx).map(drop)
    });
    tally.check("format: host and firmware", || {
        run(ctx.cargo().args(["fmt", "--all", "--check"]))?;
        let mut firmware = ctx.cargo();
        run(firmware
            .current_dir(ctx.root.join("firmware"))
            .args(["fmt", "--all", "--check"]))
    });
    tally.check("rtl: verilator lint, all warnings", || lint(ctx));
    tally.check("rtl: slang reads it, as for synthesis", || {
        syn::elaborate(ctx)
    });
    tally.check("registers: generated files are current", || {
        build::generate_regs(ctx, true)
    });
    tally.check("abi: generated files are current", || {
        build::generate_abi(ctx, true)
    });
    tally.check("clippy: host", || {
        let mut cargo = ctx.cargo();
        cargo.args([
            "clippy",
            "--quiet",
            "--profile",
            "sim",
            "--workspace",
            "--all-targets",
        ]);
        run(cargo.args(["--", "--deny", "warnings"]))
    });
    tally.check("clippy: firmware", || {
        if setup::firmware_rust(ctx)? == FirmwareRust::Debian {
            eprintln!(
                "    skipped: no clippy for Debian's compiler, which builds the firmware here"
            );
            return Ok(());
        }
        let mut cargo = build::firmware_cargo(ctx)?;
        cargo.args(["clippy", "--quiet", "--release", "--workspace"]);
        run(cargo.args(["--", "--deny", "warnings"]))
    });
    tally.check("rustdoc: no warnings", || {
        let mut cargo = ctx.cargo();
        cargo.env("RUSTDOCFLAGS", "--deny warnings");
        run(cargo.args([
            "doc",
            "--quiet",
            "--profile",
            "sim",
            "--workspace",
            "--no-deps",
        ]))
    });
    tally.finish()
}

/// Lints the synthesizable RTL; the soft core's foreign sources are waived by file in its list.
fn lint(ctx: &Ctx) -> Result<()> {
    let mut verilator = ctx.command("verilator");
    verilator.args([
        "--lint-only",
        "-Wall",
        "--assert",
        "-f",
        "rtl-sim/rtl/ibex/ibex.f",
        "-f",
        "rtl-sim/rtl/hairpin.f",
    ]);
    run(verilator.args(["--top-module", "hp_card"]))
}

const HEADER: &str = "SPDX-License-Identifier: Apache-2.0 OR MIT";

/// Formats that have no comments, and the licences themselves.
const NO_HEADER: &[&str] = &[
    ".json",
    ".lock",
    ".pcap",
    ".png",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];

fn licences(ctx: &Ctx) -> Result<()> {
    let files = output(ctx.command("git").args(["ls-files", "--cached"]))?;
    let mut missing = Vec::new();
    for name in files
        .lines()
        .filter(|name| !NO_HEADER.iter().any(|end| name.ends_with(end)))
    {
        let path = ctx.root.join(name);
        if !path.is_file() || TEST_INPUTS.iter().any(|dir| name.contains(dir)) {
            continue;
        }
        let bytes = fs::read(&path).with_context(|| format!("cannot read {name}"))?;
        if !says_licence(&bytes) {
            missing.push(name);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "no \"{HEADER}\" in the first lines of:\n      {}",
        missing.join("\n      ")
    )
}

/// Raw inputs of tests, which must stay as they are.
const TEST_INPUTS: [&str; 2] = ["/tests/cases/", "/tests/data/"];

/// The header may come after a `#!` line or an XML declaration, not later.
fn says_licence(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes)
        .lines()
        .take(3)
        .any(|line| line.contains(HEADER))
}

#[cfg(test)]
mod tests {
    use super::says_licence;

    #[test]
    fn the_header_must_be_on_top() {
        assert!(says_licence(
            b"#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0 OR MIT\n"
        ));
        assert!(!says_licence(
            b"\n\n\n\n// SPDX-License-Identifier: Apache-2.0 OR MIT\n"
        ));
        assert!(!says_licence(b"// SPDX-License-Identifier: GPL-2.0\n"));
    }
}
