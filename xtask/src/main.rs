// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The one developer command: `cargo xtask <what>`.
//!
//! It depends on no other crate of the workspace, so that it builds in seconds on a bare machine and
//! can fetch what the others need. Every stage says what it does and how long it took; every command
//! may be run again at once.

mod build;
mod callgrind;
mod capture;
mod check;
mod ctx;
mod demo;
mod demo_report;
mod docs;
mod formal;
mod learning;
mod model;
mod mutate;
mod setup;
mod syn;
mod syn_netlist;
mod tally;
mod test;
mod vm;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::ctx::Ctx;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Build, run, test and measure Hairpin")]
struct Args {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Install what the build needs (Debian packages, pinned Python tools, Rust target)
    Setup,
    /// Build firmware, simulation models and the programs `hairpin` and `hairpin-sim`
    Build,
    /// Play two tenants' recorded traffic through the whole NIC and explain what happened
    #[command(after_help = "\
Examples:
  cargo xtask demo
  cargo xtask demo --scenario learning
  cargo xtask demo --scenario learning --json")]
    Demo {
        /// What to show
        #[arg(long, value_enum, default_value = "tenants")]
        scenario: demo::Scenario,
        /// Print what came out as JSON on standard output (scenario `learning`)
        #[arg(long)]
        json: bool,
    },
    /// Run every test: unit, RTL benches, co-simulation, whole NIC
    Test(test::TestArgs),
    /// Boot a small stock Linux guest in this terminal, with VFs of a simulated NIC
    #[command(after_help = "\
Examples:
  hairpin sim --socket-dir nic --config examples/vms/nic.toml
  cargo xtask vm nic/vf0.sock")]
    Vm(vm::Args),
    /// Format, lints, generated files, documentation, licence headers; quick
    Check(test::Args),
    /// Generate everything that comes from the register maps
    Regs {
        /// Compare with what is checked in instead of writing
        #[arg(long)]
        check: bool,
    },
    /// Measure the NIC in the simulator
    Bench {
        /// Print the figures as JSON on standard output
        #[arg(long)]
        json: bool,
        /// Take only the figures of this goal, for example P10
        #[arg(long)]
        only: Option<String>,
    },
    /// Break the RTL in one place at a time and show that the co-simulation notices
    Mutate(mutate::Args),
    /// Prove the properties in `rtl-sim/formal`, and show that mutated designs break them
    Formal(formal::Args),
    /// Synthesise, place and route for ECP5; print clock and area
    Syn(syn::Args),
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let ctx = Ctx::find()?;
    match &args.command {
        What::Setup => setup::run_all(&ctx, setup::Need::Everything),
        What::Build => build::run_all(&ctx).map(drop),
        What::Demo { scenario, json } => demo::run_scenario(&ctx, *scenario, *json),
        What::Test(args) => test::run_all(&ctx, args),
        What::Vm(args) => vm::interactive(&ctx, args),
        What::Check(args) => check::run_all(&ctx, args),
        What::Regs { check } => build::regs(&ctx, *check),
        What::Bench { json, only } => build::bench(&ctx, *json, only.as_deref()),
        What::Mutate(args) => mutate::run_all(&ctx, args),
        What::Formal(args) => formal::run_all(&ctx, args),
        What::Syn(args) => syn::run_all(&ctx, args),
    }
}
