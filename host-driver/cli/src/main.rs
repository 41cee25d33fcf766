// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `hairpin`: the command line of the Hairpin eSwitch.
//!
//! | Module | Does |
//! |---|---|
//! | `args` | what can be typed |
//! | `nic` | a live NIC, or what a replay left of one |
//! | `show` | selects what a command shows |
//! | `steer` | queue pools and receive steering of a live NIC, addresses for VFs |
//! | `apply` | configures a live NIC |
//! | `tap` | bridges a VF to an interface of the kernel |
//! | `top` | what moves through a live NIC, again and again |
//! | `text` | prints it for a person |
//! | `replay` | hands over to `hairpin-sim` |
//! | `pages` | completions and manual pages |

mod apply;
mod args;
mod firmware;
mod nic;
mod pages;
mod replay;
mod show;
mod steer;
mod tap;
mod text;
mod top;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use hairpin_driver::Diagnostic;
use hairpin_driver::edit::Edit;

use args::{Cli, Command, Global};
use nic::Nic;

/// Code of an error about the command line itself.
const USAGE: &str = "usage";

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.global.json;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error, json);
            ExitCode::from(if error.code == USAGE { 2 } else { 1 })
        }
    }
}

fn run(cli: Cli) -> Result<(), Diagnostic> {
    if let Some(command) = cli.command.edit() {
        return edit(&command.edit()?, &cli.global);
    }
    match cli.command {
        Command::Replay(args) => replay::run(*args, cli.global.json),
        Command::Sim(args) => replay::serve(args, cli.global.json),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { out } => pages::man(out.as_deref()),
        Command::Apply(args) => apply::run(args, &cli.global),
        Command::Tap(args) => tap::run(&args, &cli.global),
        Command::Top(args) => top::run(&args, &cli.global),
        Command::Pool(command) => steer::pool(command, &cli.global),
        Command::Filter(command) => steer::filter(command, &cli.global),
        Command::Rss(command) => steer::rss(command, &cli.global),
        Command::Mac(command) => steer::mac(command, &cli.global),
        command => show::run(&command, &cli.global),
    }
}

/// Makes a change. What a replay left cannot be changed.
fn edit(edit: &Edit, global: &Global) -> Result<(), Diagnostic> {
    match Nic::of(global)? {
        Nic::Live(mut device) => device.edit(edit),
        Nic::Report(dir) => Err(
            Diagnostic::new("read-only", "what a replay left cannot be changed")
                .file(dir)
                .help(
                    "change a live NIC, -d DEVICE, or play it beside traffic: hairpin replay … --edits FILE, \
                     with lines `CYCLE COMMAND`",
                ),
        ),
    }
}

/// Ends after a command line that makes no sense, or after `--help` and `--version`.
fn usage(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args()
        .skip(1)
        .any(|arg| arg == "-j" || arg == "--json");
    let informative = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if wants_json && !informative {
        let text = error.render().to_string();
        // The first paragraph says what is wrong; the rest is usage.
        let paragraph = text.lines().take_while(|line| !line.is_empty());
        let message = paragraph.map(str::trim).collect::<Vec<_>>().join(" ");
        let message = message.trim_start_matches("error: ");
        report(
            &Diagnostic::new(USAGE, message).help("see hairpin --help"),
            true,
        );
    } else {
        // A closed pipe must not turn help into a failure.
        let _ = error.print();
    }
    ExitCode::from(if informative { 0 } else { 2 })
}

/// An error: for a person on stderr, for a program as JSON on stdout.
fn report(error: &Diagnostic, json: bool) {
    if json && let Ok(text) = serde_json::to_string(&error.to_json()) {
        let _ = writeln!(io::stdout(), "{text}");
    } else {
        let _ = writeln!(io::stderr(), "error: {error}");
    }
}

/// Writes to stdout. A reader that has seen enough (`| head`) is no error.
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
