// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a refused replay must look like.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::program::{Replay, Run, contents};
use crate::schema;

/// What one error has to say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) field: String,
    pub(crate) file: PathBuf,
    pub(crate) line: Option<usize>,
    /// Words of the message, what is wrong.
    pub(crate) says: String,
    /// Words of the help, how to mend it.
    pub(crate) fix: &'static str,
}

/// Replays into a folder below `dir` that is not there, and once more, as JSON, into one with a file
/// that `--force` would write over. Both must be refused, and nothing may be written.
pub(crate) fn refused(
    dir: &Path,
    replay: impl Fn(&Path) -> Replay,
    expected: &Refusal,
) -> Result<()> {
    let before = contents(dir)?;
    let run = replay(&dir.join("new")).run()?;
    as_text(&run, expected).with_context(|| format!("as text: {run:?}"))?;
    ensure!(contents(dir)? == before, "something was written: {:?}", dir);

    let used = dir.join("used");
    fs::create_dir_all(&used)?;
    fs::write(used.join("report.json"), "of an earlier run")?;
    let before = contents(dir)?;
    let run = replay(&used).arg("--force").arg("--json").run()?;
    as_json(&run, expected).with_context(|| format!("as JSON: {run:?}"))?;
    ensure!(
        contents(dir)? == before,
        "an earlier run was touched: {:?}",
        used
    );
    Ok(())
}

/// One error for a person: place, what is wrong, and how to mend it.
pub(crate) fn as_text(run: &Run, expected: &Refusal) -> Result<()> {
    check_run(run)?;
    ensure!(run.stdout.is_empty(), "printed on stdout");
    let place = match expected.line {
        Some(line) => format!("error: {}:{line}: ", expected.file.display()),
        None => format!("error: {}: ", expected.file.display()),
    };
    let rest = run
        .stderr
        .strip_prefix(&place)
        .with_context(|| format!("no {place:?}"))?;
    let field = format!("{}: ", expected.field);
    let rest = if expected.field.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix(&field)
    };
    let rest = rest.with_context(|| format!("no field {field:?}"))?;
    let (message, help) = rest.split_once("\n  help: ").context("no help")?;
    check_words(message, help, expected)
}

/// The same error for a program.
fn as_json(run: &Run, expected: &Refusal) -> Result<()> {
    check_run(run)?;
    ensure!(run.stderr.is_empty(), "printed on stderr");
    let document = run.json()?;
    schema::validate("error", &document)?;
    let error = &document["error"];
    ensure!(
        error["code"] == expected.code,
        "code {}, not {}",
        error["code"],
        expected.code
    );
    ensure!(
        error["file"].as_str().map(Path::new) == Some(&expected.file),
        "file {}",
        error["file"]
    );
    ensure!(
        error["line"].as_u64() == expected.line.map(|line| line as u64),
        "line {}",
        error["line"]
    );
    let field = error["field"].as_str().unwrap_or_default();
    ensure!(field == expected.field, "field {field:?}");
    let text = |key: &str| error[key].as_str().with_context(|| format!("no {key}"));
    check_words(text("message")?, text("help")?, expected)
}

fn check_words(message: &str, help: &str, expected: &Refusal) -> Result<()> {
    ensure!(
        message.contains(&expected.says),
        "{message:?} does not say {:?}",
        expected.says
    );
    ensure!(
        help.contains(expected.fix),
        "{help:?} does not say {:?}",
        expected.fix
    );
    Ok(())
}

/// Ended as a refusal, and not by an accident.
fn check_run(run: &Run) -> Result<()> {
    ensure!([1, 2].contains(&run.status), "exit status {}", run.status);
    let text = format!("{}{}", run.stdout, run.stderr);
    for accident in ["panicked", "RUST_BACKTRACE", "unwrap", "src/", "Error {"] {
        ensure!(!text.contains(accident), "says {accident:?}");
    }
    ensure!(
        run.stderr.matches("error:").count() <= 1,
        "more than one error"
    );
    Ok(())
}

/// Fails unless a JSON value is an error document with this code.
pub(crate) fn error_code(document: &Value, code: &str) -> Result<()> {
    schema::validate("error", document)?;
    ensure!(document["error"]["code"] == code, "{document}");
    Ok(())
}
