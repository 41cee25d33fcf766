// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `hairpin-switch`: the switch next to a Hairpin NIC, from the command line.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use hairpin_adjacent_switch::config::Config;
use hairpin_driver::Diagnostic;
use serde::Serialize;

const EXAMPLES: &str = "\
Examples:
  hairpin-switch check rules.toml
  hairpin-switch --json check rules.toml

Exit status: 0 done, 1 failed, 2 wrong usage.";

/// The switch next to a Hairpin NIC
#[derive(Debug, Parser)]
#[command(name = "hairpin-switch", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    /// Print JSON on stdout, errors too
    #[arg(short, long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a configuration: what is wrong with it, or in which order its rules are asked
    #[command(after_help = "\
Examples:
  hairpin-switch check rules.toml
  hairpin-switch --json check rules.toml")]
    Check {
        /// The configuration
        #[arg(value_name = "CONFIG")]
        config: PathBuf,
    },

    /// Print the completion script of a shell
    #[command(
        after_help = "Example:\n  hairpin-switch completions bash > /etc/bash_completion.d/hairpin-switch"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },

    /// Print the manual page
    #[command(after_help = "Example:\n  hairpin-switch man | man -l -")]
    Man,
}

/// What `check` says.
#[derive(Debug, Serialize)]
struct Checked {
    version: u32,
    ports: Vec<String>,
    /// In the order in which they are asked.
    rules: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if cli.json
                && let Ok(text) = serde_json::to_string(&error.to_json())
            {
                let _ = writeln!(io::stdout(), "{text}");
            } else {
                let _ = writeln!(io::stderr(), "error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Diagnostic> {
    match &cli.command {
        Command::Check { config } => check(&Config::read(config)?, cli.json),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "hairpin-switch", &mut script);
            print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|error| {
                Diagnostic::new(
                    "unwritable-output",
                    format!("cannot write the page: {error}"),
                )
            })?;
            print(&page)
        }
    }
}

fn check(config: &Config, json: bool) -> Result<(), Diagnostic> {
    let ports: Vec<String> = config
        .setup
        .ports
        .iter()
        .map(|port| port.name.clone())
        .collect();
    let rules: Vec<String> = config
        .table
        .rules()
        .iter()
        .map(|rule| rule.name.clone())
        .collect();
    let text = if json {
        let checked = Checked {
            version: 1,
            ports,
            rules,
        };
        serde_json::to_string(&checked).unwrap_or_default()
    } else {
        format!(
            "{} ports, {} rules, asked in this order: {}",
            ports.len(),
            rules.len(),
            rules.join(", ")
        )
    };
    print(format!("{text}\n").as_bytes())
}

/// Writes to stdout. A reader that has seen enough is no error.
fn print(text: &[u8]) -> Result<(), Diagnostic> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Diagnostic::new(
            "unwritable-output",
            format!("cannot write to stdout: {error}"),
        )),
        _ => Ok(()),
    }
}
