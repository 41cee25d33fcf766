// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `build`, `regs` and `bench`: everything that makes or starts the programs.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::callgrind;
use crate::ctx::{Ctx, output, run, stage};
use crate::model::{self, Models};
use crate::setup::{self, FirmwareRust, Need, TARGET};

/// Builds all that the demo and the tests run; returns what a person may want to know about it.
pub(crate) fn run_all(ctx: &Ctx) -> Result<Vec<String>> {
    run_with(ctx, Models::All)
}

/// The same with only some of the models.
pub(crate) fn run_with(ctx: &Ctx, models: Models) -> Result<Vec<String>> {
    setup::run_all(ctx, Need::Everything)?;
    let image = stage("firmware: the soft core's image", || firmware(ctx))?;
    stage("models: the RTL, by Verilator", || {
        model::build_models(&ctx.root, &ctx.ibex()?, models)
    })?;
    stage("programs: hairpin and hairpin-sim", || programs(ctx))?;
    let mut built = vec![image];
    built.extend(["hairpin", "hairpin-sim"].map(|name| display(ctx, &ctx.sim_bin(name))));
    Ok(built)
}

/// Builds the firmware, proves that no panic can be reached; returns a line about its size.
pub(crate) fn firmware(ctx: &Ctx) -> Result<String> {
    let mut cargo = firmware_cargo(ctx)?;
    run(cargo.args(["build", "--release", "--quiet", "--package", "hairpin-nic"]))?;
    let built = firmware_target_dir(ctx)
        .join(TARGET)
        .join("release/hairpin-nic");
    let image = ctx.firmware_elf();
    fs::create_dir_all(ctx.build_dir().join("firmware"))?;
    fs::copy(&built, &image)
        .with_context(|| format!("no firmware image at {}", built.display()))?;
    let mut proof = ctx.command("bash");
    let verdict = output(proof.arg("firmware/check-panic-free.sh").arg(&image))?;
    Ok(format!("{}: {}", display(ctx, &image), verdict.trim()))
}

/// `cargo` for the firmware workspace, with the compiler that `setup` found or installed.
pub(crate) fn firmware_cargo(ctx: &Ctx) -> Result<Command> {
    let mut cargo = match setup::firmware_rust(ctx)? {
        FirmwareRust::Rustup => ctx.cargo(),
        FirmwareRust::Debian => {
            let mut cargo = ctx.command("/usr/bin/cargo");
            cargo
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTC", "/usr/bin/rustc")
                .env("CARGO_UNSTABLE_BUILD_STD", "core")
                .env("PATH", path_with_linker(ctx)?);
            cargo
        }
    };
    cargo
        .current_dir(ctx.root.join("firmware"))
        .env("CARGO_TARGET_DIR", firmware_target_dir(ctx))
        .env("CARGO_BUILD_TARGET", TARGET);
    Ok(cargo)
}

fn firmware_target_dir(ctx: &Ctx) -> PathBuf {
    ctx.root.join("firmware/target")
}

/// `PATH` with the pinned toolchain's `rust-lld` on it.
fn path_with_linker(ctx: &Ctx) -> Result<std::ffi::OsString> {
    let sysroot = output(ctx.command("rustc").args(["--print", "sysroot"]))?;
    let version = output(ctx.command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc -vV names no host")?;
    let mut dirs = vec![
        PathBuf::from(sysroot.trim())
            .join("lib/rustlib")
            .join(host)
            .join("bin"),
    ];
    dirs.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    Ok(env::join_paths(dirs)?)
}

fn programs(ctx: &Ctx) -> Result<()> {
    run(ctx
        .cargo()
        .args(["build", "--quiet", "--profile", "sim"])
        .args(["--package", "hairpin-cli", "--package", "hairpin-sim"]))
}

/// Generates what comes from the register maps, or compares it with what is checked in.
pub(crate) fn regs(ctx: &Ctx, check: bool) -> Result<()> {
    setup::run_all(ctx, Need::Everything)?;
    let name = if check {
        "registers: compare"
    } else {
        "registers: generate"
    };
    stage(name, || generate_regs(ctx, check))
}

/// The register generator.
pub(crate) fn generate_regs(ctx: &Ctx, check: bool) -> Result<()> {
    let mut command = ctx.command(ctx.venv_bin("python3"));
    command.arg("register-maps/generate.py");
    if check {
        command.arg("--check");
    }
    run(&mut command)
}

/// The generator of reason codes, table rows and command numbers.
pub(crate) fn generate_abi(ctx: &Ctx, check: bool) -> Result<()> {
    let mut cargo = ctx.cargo();
    cargo.args([
        "run",
        "--quiet",
        "--package",
        "hairpin-abi",
        "--features",
        "gen",
    ]);
    cargo.args(["--bin", "abi-gen"]);
    if check {
        cargo.args(["--", "--check"]);
    }
    run(&mut cargo)
}

/// Runs the simulator's measurements, and counts the driver's instructions.
pub(crate) fn bench(ctx: &Ctx, json: bool, only: Option<&str>) -> Result<()> {
    let mut document = json!({"version": 1, "figures": []});
    if only != Some(callgrind::ID) {
        run_all(ctx)?;
        stage("bench", || {
            let mut command = ctx.command(ctx.sim_bin("hairpin-sim"));
            command.arg("bench");
            if let Some(only) = only {
                command.args(["--only", only]);
            }
            if json {
                document = serde_json::from_str(&output(command.arg("--json"))?)?;
                Ok(())
            } else {
                run(&mut command)
            }
        })?;
    }
    if only.is_none_or(|only| only == callgrind::ID) {
        let figure = callgrind::figure(ctx)?;
        if !json {
            callgrind::print(&figure);
        } else if let Some(figures) = document["figures"].as_array_mut() {
            figures.push(figure);
        }
    }
    if json {
        println!("{document}");
    }
    Ok(())
}

/// A path as a person in the checkout would type it.
pub(crate) fn display(ctx: &Ctx, path: &std::path::Path) -> String {
    path.strip_prefix(&ctx.root)
        .unwrap_or(path)
        .display()
        .to_string()
}
