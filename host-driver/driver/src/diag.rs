// SPDX-License-Identifier: Apache-2.0 OR MIT

//! One shape for every error a person sees: what is wrong, where, and how to fix it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A user-facing error: message, place and fix.
///
/// Its `Display` is the text for a person, [`Diagnostic::to_json`] the machine-readable form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Diagnostic {
    /// Stable kebab-case identifier of the kind of error.
    pub code: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The field, option or register it is about, as `vport[1].mac`.
    pub field: Option<Box<str>>,
    /// The file it was found in.
    pub file: Option<PathBuf>,
    /// The line in that file, counted from 1.
    pub line: Option<usize>,
    /// What to do about it.
    pub help: Option<Box<str>>,
}

impl Diagnostic {
    /// A new diagnostic without a place.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            field: None,
            file: None,
            line: None,
            help: None,
        }
    }

    /// Names the field it is about.
    #[must_use]
    pub fn field(mut self, field: impl Into<Box<str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Names the file.
    #[must_use]
    pub fn file(mut self, file: impl AsRef<Path>) -> Self {
        self.file = Some(file.as_ref().to_owned());
        self
    }

    /// Names the line.
    #[must_use]
    pub fn line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<Box<str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The JSON document of the command-line contract: `{"version":1,"error":{…}}`.
    pub fn to_json(&self) -> ErrorDocument {
        ErrorDocument {
            version: 1,
            error: self.clone(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// What a failing command prints with `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ErrorDocument {
    /// Version of this format, 1.
    pub version: u32,
    /// The error.
    pub error: Diagnostic,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_place_message_and_fix() {
        let diagnostic = Diagnostic::new("bad-vvlan", "V.VLAN 4095 is reserved")
            .field("vvlan[0].id")
            .file("nic.toml")
            .line(7)
            .help("use 1 to 4094");
        assert_eq!(
            diagnostic.to_string(),
            "nic.toml:7: vvlan[0].id: V.VLAN 4095 is reserved\n  help: use 1 to 4094"
        );
    }

    #[test]
    fn json_names_every_field_of_the_contract() {
        let json = serde_json::to_value(Diagnostic::new("io", "no such file").to_json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"version": 1, "error": {"code": "io", "message": "no such file",
                "field": null, "file": null, "line": null, "help": null}})
        );
    }
}
