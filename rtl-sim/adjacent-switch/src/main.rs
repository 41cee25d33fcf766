// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `hairpin-switch`: the switch next to a Hairpin NIC, from the command line.

mod run;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use hairpin_adjacent_switch::config::Config;
use hairpin_driver::Diagnostic;
use hairpin_driver::config::source::read_text;
use run::Link;
use serde::Serialize;
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  hairpin-switch check rules.toml
  hairpin-switch run rules.toml --interface nic0=eth1 --tap up=hp0 --control /run/hairpin-switch.sock
  hairpin-switch edit --control /run/hairpin-switch.sock remove web

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

    /// Be the switch, on network interfaces
    #[command(after_help = "\
Ports without an interface are unplugged.

Examples:
  hairpin-switch run rules.toml --tap nic0=hp0 --tap up=hp1 --control /run/hairpin-switch.sock
  hairpin-switch run rules.toml --interface nic0=eth1 --interface up=eth2")]
    Run {
        /// The configuration
        #[arg(value_name = "CONFIG")]
        config: PathBuf,

        /// A port, and the TAP interface to make for it
        #[arg(long = "tap", value_name = "PORT=INTERFACE", value_parser = tap)]
        taps: Vec<(String, Link)>,

        /// A port, and the interface of this machine that it is: a card, a veth
        #[arg(long = "interface", value_name = "PORT=INTERFACE", value_parser = interface)]
        interfaces: Vec<(String, Link)>,

        /// Unix socket for live edits
        #[arg(long, value_name = "PATH")]
        control: Option<PathBuf>,
    },

    /// Change the rules of a running switch, and wait until the change is complete
    #[command(after_help = "\
Examples:
  hairpin-switch edit --control /run/hairpin-switch.sock add more.toml
  hairpin-switch edit --control /run/hairpin-switch.sock load all.toml
  hairpin-switch edit --control /run/hairpin-switch.sock remove web")]
    Edit {
        /// Its control socket
        #[arg(long, value_name = "PATH", env = "HAIRPIN_SWITCH_CONTROL")]
        control: PathBuf,

        #[command(subcommand)]
        edit: Edit,
    },

    /// What a running switch has counted, as JSON
    #[command(after_help = "Example:\n  hairpin-switch stats --control /run/hairpin-switch.sock")]
    Stats {
        /// Its control socket
        #[arg(long, value_name = "PATH", env = "HAIRPIN_SWITCH_CONTROL")]
        control: PathBuf,
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

#[derive(Debug, Subcommand)]
enum Edit {
    /// Rules more
    Add {
        /// A file with `[[rule]]` sections
        rules: PathBuf,
    },
    /// Rules of the same names become others
    Replace {
        /// A file with `[[rule]]` sections
        rules: PathBuf,
    },
    /// Every rule is new
    Load {
        /// A file with `[[rule]]` sections, and default
        rules: PathBuf,
    },
    /// A rule less
    Remove {
        /// Its name
        name: String,
    },
}

/// Reads `PORT=INTERFACE`.
fn link(text: &str) -> Result<(String, String), String> {
    let pair = text
        .split_once('=')
        .filter(|(port, interface)| !port.is_empty() && !interface.is_empty());
    let pair = pair.map(|(port, interface)| (port.to_owned(), interface.to_owned()));
    pair.ok_or_else(|| "write a port and an interface: nic0=hp0".to_owned())
}

fn tap(text: &str) -> Result<(String, Link), String> {
    link(text).map(|(port, name)| (port, Link::Tap(name)))
}

fn interface(text: &str) -> Result<(String, Link), String> {
    link(text).map(|(port, name)| (port, Link::Interface(name)))
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
        Command::Run {
            config,
            taps,
            interfaces,
            control,
        } => {
            let links = [taps.as_slice(), interfaces].concat();
            run::run(Config::read(config)?, &links, control.as_deref())
        }
        Command::Edit {
            control,
            edit: change,
        } => edit(control, change),
        Command::Stats { control } => {
            let stats = run::ask(control, &json!({"command": "stats"}))?;
            print(format!("{stats}\n").as_bytes())
        }
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

/// Sends an edit and waits until no NIC uses what it contradicts.
fn edit(control: &Path, edit: &Edit) -> Result<(), Diagnostic> {
    let text = |path: &Path| read_text(path, "RULES");
    let request = match edit {
        Edit::Add { rules } => json!({"command": "add", "rules": text(rules)?}),
        Edit::Replace { rules } => json!({"command": "replace", "rules": text(rules)?}),
        Edit::Load { rules } => json!({"command": "load", "rules": text(rules)?}),
        Edit::Remove { name } => json!({"command": "remove", "name": name}),
    };
    let answer = run::ask(control, &request)?;
    let edits = answer
        .get("edits")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for mut status in edits {
        while status.get("state").and_then(Value::as_str) == Some("under-way") {
            std::thread::sleep(Duration::from_millis(20));
            let id = status.get("edit").cloned().unwrap_or_default();
            let answer = run::ask(control, &json!({"command": "edit", "id": id}))?;
            status = answer
                .get("edits")
                .and_then(|edits| edits.get(0))
                .cloned()
                .unwrap_or_default();
        }
        print(format!("{status}\n").as_bytes())?;
    }
    Ok(())
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
