// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Edits of the switch's rules, at given times. All of them are read and tried before the run.
//!
//! ```text
//! # cycle after the first frame, then as `hairpin-switch edit`; files are looked for beside this one
//! 1000000  add more.toml
//! 2000000  remove no-telnet
//! ```

use std::path::Path;

use hairpin_adjacent_switch::config::parse_rules;
use hairpin_adjacent_switch::{Config, RuleEdit, RuleTable};
use hairpin_driver::Diagnostic;
use hairpin_driver::config::source::read_text;
use hairpin_driver::edit::timed_lines;

/// An edit and when it is due.
#[derive(Clone, Debug)]
pub(super) struct TimedEdit {
    /// Cycles after the first frame.
    pub(super) cycle: u64,
    /// As it was written.
    pub(super) text: String,
    /// What it does, one after the other.
    pub(super) edits: Vec<RuleEdit>,
}

/// Reads a script for the switch of `config`.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub(super) fn read(path: &Path, config: &Config) -> Result<Vec<TimedEdit>, Diagnostic> {
    let text = read_text(path, "--switch-edits")?;
    let mut table = config.table.clone();
    let mut script = Vec::new();
    timed_lines(&text, path, |line| {
        let wrong = |field: &str, message: String, help: &str| {
            Diagnostic::new("bad-switch-edit", message)
                .field(field)
                .file(path)
                .line(line.number)
                .help(help)
        };
        let words: Vec<&str> = line.text.split_whitespace().collect();
        let &[command, what] = &words[..] else {
            return Err(wrong(
                "command",
                "a command and what it is about are expected".to_owned(),
                "for example: 20000 add more.toml",
            ));
        };
        let edits = edits(command, what, path, config, &table)?.ok_or_else(|| {
            let message = format!("there is no command `{command}`");
            wrong("command", message, "use add, replace, load or remove")
        })?;
        for edit in &edits {
            table = table.edited(edit.clone()).map_err(|error| {
                let help = "see which rules there are by then: hairpin-switch check";
                wrong("rules", error.to_string(), help)
            })?;
        }
        script.push(TimedEdit {
            cycle: line.cycle,
            text: words.join(" "),
            edits,
        });
        Ok(())
    })?;
    Ok(script)
}

/// What a command does; nothing if there is no such command.
fn edits(
    command: &str,
    what: &str,
    script: &Path,
    config: &Config,
    table: &RuleTable,
) -> Result<Option<Vec<RuleEdit>>, Diagnostic> {
    if command == "remove" {
        return Ok(Some(vec![RuleEdit::Remove(what.to_owned())]));
    }
    if !["add", "replace", "load"].contains(&command) {
        return Ok(None);
    }
    let file = script.with_file_name(what);
    let new = parse_rules(&read_text(&file, command)?, &file, &config.port_names())?;
    if command == "load" {
        let otherwise = new.otherwise.unwrap_or(table.otherwise());
        return Ok(Some(vec![RuleEdit::Load(new.rules, otherwise)]));
    }
    if new.otherwise.is_some() {
        let message = "only `load` changes what happens to frames that no rule matches";
        return Err(Diagnostic::new("bad-switch-edit", message)
            .field("default")
            .file(&file)
            .help("take it out, or use load"));
    }
    let edit = if command == "add" {
        RuleEdit::Add
    } else {
        RuleEdit::Replace
    };
    Ok(Some(new.rules.into_iter().map(edit).collect()))
}
