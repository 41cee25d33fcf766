// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Live edits: one JSON request per line, one JSON answer per line. Who carries the lines is not said here.
//!
//! ```text
//! {"command":"add","rules":"[[rule]]\nname = \"web\"\ndport = 80\naction = \"deny\""}
//! {"version":1,"edits":[{"edit":1,"state":"under-way","ending":null,"took_us":null}]}
//! {"command":"edit","id":1}
//! {"version":1,"edits":[{"edit":1,"state":"complete","ending":"acknowledged","took_us":412}]}
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use hairpin_driver::{Diagnostic, ErrorDocument};
use serde::{Deserialize, Serialize};

use crate::config::{NewRules, PortNames, parse_rules};
use crate::rules::{RuleEdit, RuleError};
use crate::stats::{Stats, VERSION};
use crate::switch::{Completion, EditId, Ending, Output, Switch};

/// Complete edits that are remembered.
const REMEMBERED: usize = 1024;
/// The longest request.
pub const MAX_REQUEST: usize = 1 << 20;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Rules more, one edit each.
    Add {
        /// `[[rule]]` sections.
        rules: String,
    },
    /// Rules of the same names become others, one edit each.
    Replace {
        /// `[[rule]]` sections.
        rules: String,
    },
    /// Every rule is new, in one edit; `default` too, if it is there.
    Load {
        /// `default` and `[[rule]]` sections.
        rules: String,
    },
    /// A rule less.
    Remove {
        /// Its name.
        name: String,
    },
    /// How far an edit is.
    Edit {
        /// Its number.
        id: u64,
    },
    /// Counters and state.
    Stats {},
}

/// Whether an edit is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditState {
    /// A NIC may still use what it contradicts.
    UnderWay,
    /// No NIC does.
    Complete,
}

/// How far an edit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct EditStatus {
    /// Which.
    pub edit: EditId,
    /// Whether it is complete.
    pub state: EditState,
    /// How it became so; null before.
    pub ending: Option<Ending>,
    /// How long that took; null before.
    pub took_us: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Edits {
    version: u32,
    edits: Vec<EditStatus>,
}

/// Answers requests, and remembers how edits ended.
#[derive(Debug, Default)]
pub struct Control {
    complete: BTreeMap<EditId, Completion>,
}

impl Control {
    /// Answers a line.
    pub fn answer(
        &mut self,
        switch: &mut Switch,
        line: &str,
        now_us: u64,
        out: &mut Vec<Output>,
    ) -> String {
        let answer = self.obey(switch, line, now_us, out);
        let json = match answer {
            Ok(json) => Ok(json),
            Err(error) => serde_json::to_string::<ErrorDocument>(&error.to_json()),
        };
        // Strings and numbers always serialize.
        json.unwrap_or_default()
    }

    fn obey(
        &mut self,
        switch: &mut Switch,
        line: &str,
        now_us: u64,
        out: &mut Vec<Output>,
    ) -> Result<String, Diagnostic> {
        if line.len() > MAX_REQUEST {
            return Err(Diagnostic::new("bad-request", "the request is too long"));
        }
        let request: Request = serde_json::from_str(line).map_err(|error| {
            Diagnostic::new("bad-request", error.to_string())
                .help("send one JSON object per line: {\"command\":\"stats\"}")
        })?;
        let names = PortNames::new(switch.port_names());
        let rules = |text: &str| parse_rules(text, Path::new("request"), &names);
        let edits = match request {
            Request::Stats {} => {
                return Ok(serde_json::to_string(&Stats::of(switch)).unwrap_or_default());
            }
            Request::Edit { id } => {
                self.remember(switch);
                let status = self.status(switch, EditId(id));
                let known = status.ok_or_else(|| {
                    Diagnostic::new("unknown-edit", format!("there is no edit {id}")).field("id")
                })?;
                return Ok(document(vec![known]));
            }
            Request::Add { rules: text } => {
                let NewRules { rules, otherwise } = rules(&text)?;
                no_default(otherwise.is_some())?;
                rules.into_iter().map(RuleEdit::Add).collect()
            }
            Request::Replace { rules: text } => {
                let NewRules { rules, otherwise } = rules(&text)?;
                no_default(otherwise.is_some())?;
                rules.into_iter().map(RuleEdit::Replace).collect()
            }
            Request::Load { rules: text } => {
                let NewRules { rules, otherwise } = rules(&text)?;
                let otherwise = otherwise.unwrap_or(switch.table().otherwise());
                vec![RuleEdit::Load(rules, otherwise)]
            }
            Request::Remove { name } => vec![RuleEdit::Remove(name)],
        };
        self.apply(switch, edits, now_us, out)
    }

    /// Does all of the edits, or none.
    fn apply(
        &mut self,
        switch: &mut Switch,
        edits: Vec<RuleEdit>,
        now_us: u64,
        out: &mut Vec<Output>,
    ) -> Result<String, Diagnostic> {
        let wrong = |error: RuleError| {
            let help = match &error {
                RuleError::Exists(_) => "use another name, or the command replace",
                RuleError::Unknown(_) => "the command stats says how many rules there are",
            };
            Diagnostic::new("bad-edit", error.to_string())
                .field("rules")
                .help(help)
        };
        let mut trial = switch.table().clone();
        for edit in &edits {
            trial = trial.edited(edit.clone()).map_err(wrong)?;
        }
        let mut ids = Vec::with_capacity(edits.len());
        for edit in edits {
            ids.push(switch.edit(edit, now_us, out).map_err(wrong)?);
        }
        self.remember(switch);
        let statuses = ids.into_iter().filter_map(|id| self.status(switch, id));
        Ok(document(statuses.collect()))
    }

    /// Notes which edits have become complete.
    pub fn remember(&mut self, switch: &mut Switch) {
        let done = switch.take_completions().into_iter();
        self.complete.extend(done.map(|done| (done.edit, done)));
        while self.complete.len() > REMEMBERED {
            self.complete.pop_first();
        }
    }

    fn status(&self, switch: &Switch, edit: EditId) -> Option<EditStatus> {
        let done = self.complete.get(&edit);
        if done.is_none() && !switch.is_under_way(edit) {
            return None;
        }
        Some(EditStatus {
            edit,
            state: if done.is_some() {
                EditState::Complete
            } else {
                EditState::UnderWay
            },
            ending: done.map(|done| done.ending),
            took_us: done.map(|done| done.complete_us - done.begun_us),
        })
    }
}

fn document(edits: Vec<EditStatus>) -> String {
    let document = Edits {
        version: VERSION,
        edits,
    };
    serde_json::to_string(&document).unwrap_or_default()
}

fn no_default(is_there: bool) -> Result<(), Diagnostic> {
    if is_there {
        return Err(
            Diagnostic::new("contradiction", "only `load` takes `default`")
                .field("rules.default")
                .help("remove it, or use the command load"),
        );
    }
    Ok(())
}
