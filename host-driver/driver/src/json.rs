// SPDX-License-Identifier: Apache-2.0 OR MIT

//! JSON files with a version.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Diagnostic;

/// Version of every JSON document of this crate.
const VERSION: u64 = 1;

/// Reads a versioned document.
pub(crate) fn read_document<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, Diagnostic> {
    let bytes = fs::read(path).map_err(|error| {
        Diagnostic::new("unreadable-file", format!("cannot read {what}: {error}"))
            .file(path)
            .help("name a directory that a replay wrote: --report DIR")
    })?;
    let not_ours = |message: String, line: Option<usize>| {
        let mut diagnostic = Diagnostic::new("bad-report", message)
            .file(path)
            .help("run the replay again with this version of Hairpin");
        diagnostic.line = line;
        diagnostic
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|error| not_ours(format!("not JSON: {error}"), Some(error.line())))?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(VERSION) => {}
        Some(other) => {
            return Err(not_ours(
                format!("{what} of version {other}, expected {VERSION}"),
                None,
            ));
        }
        None => return Err(not_ours(format!("not {what}: it has no version"), None)),
    }
    serde_json::from_value(value).map_err(|error| not_ours(format!("not {what}: {error}"), None))
}

/// Writes a document, indented, with a newline at the end.
pub(crate) fn write_document<T: Serialize>(path: &Path, document: &T) -> Result<(), Diagnostic> {
    let cannot = |error: &dyn std::fmt::Display| {
        Diagnostic::new("unwritable-file", format!("cannot write: {error}")).file(path)
    };
    let mut text = serde_json::to_vec_pretty(document).map_err(|error| cannot(&error))?;
    text.push(b'\n');
    fs::write(path, text).map_err(|error| cannot(&error))
}
