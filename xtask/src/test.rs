// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `test`: everything that can fail, bottom up.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::ctx::{Ctx, line, run};
use crate::tally::{Tally, runner};
use crate::{build, demo, syn, vm};

/// Arguments of `cargo xtask test` and `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only the stages whose name contains this
    #[arg(long)]
    pub(crate) only: Option<String>,
}

/// Arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    stages: Args,
    /// Run the tests with virtual machines instead: stock Linux guests on the simulated NIC
    #[arg(long)]
    vm: bool,
}

/// The co-simulation that every run repeats, and one in which every configuration has an adjacent switch.
const COSIM: [&str; 6] = ["--frames", "24000", "--configs", "6", "--seed", "1"];
const SWITCH: [&str; 7] = [
    "--switch",
    "--frames",
    "12000",
    "--configs",
    "3",
    "--seed",
    "31",
];

pub(crate) fn run_all(ctx: &Ctx, args: &TestArgs) -> Result<()> {
    if args.vm {
        return vm::test(ctx, args.stages.only.as_deref());
    }
    build::run_all(ctx)?;
    let mut tally = Tally::new(args.stages.only.clone());
    tally.check("registers: generated files are current", || {
        build::generate_regs(ctx, true)
    });
    tally.check("abi: generated files are current", || {
        build::generate_abi(ctx, true)
    });
    tally.check("rtl: slang reads it, as for synthesis", || {
        syn::elaborate(ctx)
    });
    tally.count("host: unit tests and documentation tests", || {
        let mut cargo = ctx.cargo();
        cargo.args(["test", "--quiet", "--profile", "sim", "--workspace"]);
        runner(cargo.args(["--exclude", "hairpin-hil-tests"]))
    });
    tally.count("rtl: self-checking benches", || {
        runner(ctx.command("sh").arg("rtl-sim/tb/run.sh"))
    });
    // Two simulators at once: one alone leaves much of the second core idle.
    tally.check(
        "co-simulation: RTL against the golden model; with the adjacent switch, every frame audited",
        || {
            let [mut alone, mut switch] = ["cosim", "cosim"].map(|what| simulator(ctx, what));
            side_by_side(alone.args(COSIM), switch.args(SWITCH))
        },
    );
    tally.check(
        "races and guests: invalidations at every distance, resets at every clock, hostile rings",
        || {
            let [mut race, mut guests] = ["race", "guests"].map(|what| simulator(ctx, what));
            guests.args(["--states", "400"]);
            side_by_side(&mut race, &mut guests)
        },
    );
    tally.check(
        "demo: every delivered frame is one that was sent, tshark reads the tags",
        || demo::verify(ctx),
    );
    tally.count("whole NIC: hil-tests on the simulated NIC", || {
        let mut cargo = ctx.cargo();
        cargo.args([
            "test",
            "--quiet",
            "--profile",
            "sim",
            "--package",
            "hairpin-hil-tests",
        ]);
        runner(&mut cargo)
    });
    tally.finish()
}

/// The simulator with one of its commands.
fn simulator(ctx: &Ctx, what: &str) -> Command {
    let mut command = ctx.command(ctx.sim_bin("hairpin-sim"));
    command.arg(what);
    command
}

/// Runs two commands at once, both to their end.
fn side_by_side(first: &mut Command, second: &mut Command) -> Result<()> {
    let mut child = second
        .spawn()
        .with_context(|| format!("cannot run {}", line(second)))?;
    let first = run(first);
    let status = child.wait()?;
    first?;
    ensure!(status.success(), "{} ended with {status}", line(second));
    Ok(())
}
