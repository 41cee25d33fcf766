// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Completions and manual pages, made from the arguments themselves.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use hairpin_driver::Diagnostic;

use crate::args::Cli;

/// Prints the completion script of a shell.
pub(crate) fn completions(shell: Shell) -> Result<(), Diagnostic> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hairpin", &mut script);
    crate::print(&script)
}

/// Prints the main page, or writes one page per command into a directory.
pub(crate) fn man(out: Option<&Path>) -> Result<(), Diagnostic> {
    let command = Cli::command();
    let Some(dir) = out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|error| {
                Diagnostic::new(
                    "unwritable-output",
                    format!("cannot write the page: {error}"),
                )
            })?;
        return crate::print(&page);
    };
    clap_mangen::generate_to(command, dir).map_err(|error| {
        Diagnostic::new(
            "unwritable-file",
            format!("cannot write the pages: {error}"),
        )
        .field("--out")
        .file(dir)
        .help("name a directory that exists")
    })
}
