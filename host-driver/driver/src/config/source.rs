// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The text of a configuration, and how errors find their place in it.

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use crate::Diagnostic;

/// Longest accepted file; a real one is far below.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a configuration file.
///
/// # Errors
/// It cannot be read, is too long or is not UTF-8; `option` is what named it.
pub fn read_text(path: &Path, option: &str) -> Result<String, Diagnostic> {
    let cannot = |reason: String| {
        Diagnostic::new(
            "config-unreadable",
            format!("cannot read the configuration: {reason}"),
        )
        .field(option)
        .file(path)
        .help("check the path and its permissions; the file must be UTF-8 text")
    };
    let size = std::fs::metadata(path)
        .map_err(|error| cannot(error.to_string()))?
        .len();
    if size > MAX_BYTES {
        return Err(cannot(format!(
            "{size} bytes, at most {MAX_BYTES} are read"
        )));
    }
    std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))
}

/// Where a value stands: its name and its bytes.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its dotted name.
    pub field: String,
    /// Its line, from 1.
    pub line: usize,
}

/// The text, and the file it came from.
#[derive(Debug)]
pub struct Source<'a> {
    file: PathBuf,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// A text; `file` is named in errors.
    pub fn new(file: &Path, text: &'a str) -> Self {
        Self {
            file: file.to_owned(),
            text,
        }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The place of a value.
    pub fn place(&self, field: impl Into<String>, span: &Range<usize>) -> Place {
        Place {
            field: field.into(),
            line: self.line(span.start),
        }
    }

    /// An error at a place.
    pub fn error(&self, code: &str, place: &Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, message)
            .field(place.field.as_str())
            .file(&self.file)
            .line(place.line)
    }

    /// Reads the text into types, whose values are [`Spanned`].
    ///
    /// # Errors
    /// It is not TOML, has an unknown key or a value of the wrong type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let diagnostic = Diagnostic::new("config-syntax", error.message())
                .file(&self.file)
                .line(self.line_of(&error))
                .help("the file must be TOML 1.0: https://toml.io");
            // What the parser stumbled over is a field only if it is a key.
            match error.span().and_then(|span| self.text.get(span)) {
                Some(text) if text.starts_with(char::is_alphanumeric) => {
                    diagnostic.field(first_line(text))
                }
                _ => diagnostic,
            }
        })?;
        T::deserialize(Deserializer::from(document.clone()))
            .map_err(|error| self.type_error(&document, &error))
    }

    /// An unknown key or a value of the wrong type.
    fn type_error(&self, document: &Spanned<DeTable<'_>>, error: &toml::de::Error) -> Diagnostic {
        let mut field = String::new();
        if let Some(span) = error.span() {
            path_to(document.get_ref(), &span, &mut field);
        }
        let message = error.message();
        let unknown = message.strip_prefix("unknown field ");
        let (code, message, help) = match unknown.and_then(|rest| rest.split_once(", ")) {
            Some((key, expected)) => {
                let key = match key.trim_matches('`') {
                    "" => "\"\"",
                    key => key,
                };
                let expected = expected.trim_start_matches("expected one of ");
                if !field.ends_with(key) {
                    push_key(&mut field, key);
                }
                (
                    "unknown-key",
                    format!("unknown key `{key}`"),
                    format!("remove it, or use one of the keys there are: {expected}"),
                )
            }
            None => (
                "bad-value",
                message.to_owned(),
                "see the configuration guide for the values of this key".to_owned(),
            ),
        };
        let mut diagnostic = Diagnostic::new(code, message)
            .file(&self.file)
            .line(self.line_of(error))
            .help(help);
        if !field.is_empty() {
            diagnostic = diagnostic.field(field);
        }
        diagnostic
    }

    fn line_of(&self, error: &toml::de::Error) -> usize {
        self.line(error.span().map_or(0, |span| span.start))
    }

    fn line(&self, offset: usize) -> usize {
        let before = self
            .text
            .as_bytes()
            .get(..offset)
            .unwrap_or(self.text.as_bytes());
        1 + before.iter().filter(|&&byte| byte == b'\n').count()
    }
}

/// A table of the file: its name and where it stands.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// The text.
    pub source: &'a Source<'a>,
    /// Its dotted name.
    pub name: String,
    /// Its bytes.
    pub span: Range<usize>,
}

impl Section<'_> {
    /// The place of one of its keys.
    pub fn place<T>(&self, key: &str, value: &Spanned<T>) -> Place {
        self.source
            .place(format!("{}.{key}", self.name), &value.span())
    }

    /// The place of an element of one of its arrays.
    pub fn element<T>(&self, key: &str, index: usize, value: &Spanned<T>) -> Place {
        self.source
            .place(format!("{}.{key}[{index}]", self.name), &value.span())
    }

    /// The place where a key that is not there would be.
    pub fn missing_place(&self, key: &str) -> Place {
        self.source
            .place(format!("{}.{key}", self.name), &self.span)
    }

    /// The place of the section itself.
    pub fn own_place(&self) -> Place {
        self.source.place(&self.name, &self.span)
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// It is not.
    pub fn required<T>(
        &self,
        key: &str,
        value: Option<Spanned<T>>,
        help: &str,
    ) -> Result<Spanned<T>, Diagnostic> {
        value.ok_or_else(|| {
            self.source
                .error(
                    "missing-key",
                    &self.missing_place(key),
                    format!("`{key}` is missing"),
                )
                .help(help)
        })
    }

    /// A number in a range.
    ///
    /// # Errors
    /// It is outside.
    pub fn number(
        &self,
        key: &str,
        value: &Spanned<i64>,
        range: RangeInclusive<i64>,
    ) -> Result<i64, Diagnostic> {
        let number = *value.get_ref();
        if range.contains(&number) {
            return Ok(number);
        }
        Err(self
            .source
            .error(
                &format!("bad-{key}"),
                &self.place(key, value),
                format!("{number} is out of range"),
            )
            .help(format!("use {} to {}", range.start(), range.end())))
    }
}

/// The dotted name of the innermost key or value that holds `span`.
fn path_to(table: &DeTable<'_>, span: &Range<usize>, path: &mut String) {
    for (key, value) in table.iter() {
        if holds(&key.span(), span) {
            push_key(path, key.get_ref());
            return;
        }
        if reaches(value, span) {
            push_key(path, key.get_ref());
            path_into(value, span, path);
            return;
        }
    }
}

fn path_into(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &mut String) {
    match value.get_ref() {
        DeValue::Table(table) => path_to(table, span, path),
        DeValue::Array(array) => {
            for (index, item) in array.iter().enumerate() {
                if reaches(item, span) {
                    path.push_str(&format!("[{index}]"));
                    path_into(item, span, path);
                    return;
                }
            }
        }
        _ => {}
    }
}

/// Whether `span` lies in a value. The span of a `[table]` is its header only, so its contents are
/// asked too.
fn reaches(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    if holds(&value.span(), span) {
        return true;
    }
    match value.get_ref() {
        DeValue::Table(table) => table
            .iter()
            .any(|(key, value)| holds(&key.span(), span) || reaches(value, span)),
        DeValue::Array(array) => array.iter().any(|item| reaches(item, span)),
        _ => false,
    }
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn push_key(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
