// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `hairpin-sim`: the simulated NIC. `hairpin replay` runs it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hairpin_driver::Diagnostic;
use hairpin_driver::cli::{ReplayArgs, SimArgs};
use hairpin_sim::{bench, cosim, guests, host, race, recover, replay};

/// The Hairpin NIC, cycle-accurate.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play captures through the NIC
    Replay(ReplayArgs),
    /// Serve every PCI function on a vfio-user socket
    Sim(SimArgs),
    /// Compare random traffic in random configurations with the golden model
    Cosim(cosim::CosimArgs),
    /// Let invalidations run against frames at every distance
    Race(race::RaceArgs),
    /// Let the firmware fail under traffic and measure how the NIC comes back
    Recover(recover::RecoverArgs),
    /// Let one guest be hostile, or reset, beside others that are not
    Guests(guests::GuestsArgs),
    /// Measure header rate, latency and the speed of the simulation
    Bench(bench::BenchArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (result, json) = match &cli.command {
        Command::Replay(args) => (replay::run(args), args.json),
        Command::Sim(args) => (host::run(args), args.json),
        Command::Cosim(args) => (cosim::run(args), false),
        Command::Race(args) => (race::run(args), false),
        Command::Recover(args) => (recover::run(args), args.json),
        Command::Guests(args) => (guests::run(args), false),
        Command::Bench(args) => (bench::run(args), false),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match error.downcast_ref::<Diagnostic>() {
                Some(diagnostic) if json => {
                    // The document has string and number fields only: it always serializes.
                    println!(
                        "{}",
                        serde_json::to_string(&diagnostic.to_json()).unwrap_or_default()
                    );
                }
                _ => eprintln!("error: {error:#}"),
            }
            ExitCode::FAILURE
        }
    }
}
