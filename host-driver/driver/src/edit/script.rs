// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Scripts of timed edits.
//!
//! ```text
//! # cycle after the first frame, then a command as on the command line
//! 20000  flow add vvlan 100 from vf0 da 02:00:00:00:0a:01 sa 02:00:00:00:0a:00 ethertype arp action drop
//! 90000  port set vf1 state disable
//! ```

use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches, Parser};

use super::{Edit, EditCommand};
use crate::Diagnostic;

/// Longest accepted script.
const MAX_BYTES: u64 = 1 << 24;

/// Edits and when they are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// In the order of the file, which is that of their cycles.
    pub edits: Vec<TimedEdit>,
    /// The file it came from.
    pub file: PathBuf,
}

/// An edit and when it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedEdit {
    /// Datapath cycles after the first frame.
    pub cycle: u64,
    /// What to do.
    pub edit: Edit,
    /// The same as it was written.
    pub text: String,
    /// Its line in the file.
    pub line: usize,
}

#[derive(Debug, Parser)]
#[command(
    name = "hairpin",
    no_binary_name = true,
    disable_help_subcommand = true
)]
struct Line {
    #[command(subcommand)]
    command: EditCommand,
}

impl Script {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn read(path: &Path) -> Result<Self, Diagnostic> {
        let cannot = |reason: String| {
            Diagnostic::new(
                "edits-unreadable",
                format!("cannot read the edits: {reason}"),
            )
            .field("--edits")
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
        let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
        Self::parse(&text, path)
    }

    /// Checks a script; `file` is named in errors.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Diagnostic> {
        let mut edits = Vec::new();
        timed_lines(text, file, |line| {
            let words: Vec<&str> = line.text.split_whitespace().collect();
            let edit = parse(&words).map_err(|mut diagnostic| {
                diagnostic.code = "bad-edit".to_owned();
                diagnostic.file(file).line(line.number)
            })?;
            edits.push(TimedEdit {
                cycle: line.cycle,
                edit,
                text: words.join(" "),
                line: line.number,
            });
            Ok(())
        })?;
        Ok(Self {
            edits,
            file: file.to_owned(),
        })
    }
}

/// A line of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedLine<'a> {
    /// Datapath cycles after the first frame.
    pub cycle: u64,
    /// What is behind them.
    pub text: &'a str,
    /// Its number.
    pub number: usize,
}

/// Hands the lines of a script over, one by one; `file` is named in errors.
///
/// # Errors
/// A line without a cycle, one that is due before the line above it, or what `each` finds wrong.
pub fn timed_lines<'a>(
    text: &'a str,
    file: &Path,
    mut each: impl FnMut(TimedLine<'a>) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    let mut before = TimedLine {
        cycle: 0,
        text: "",
        number: 0,
    };
    for (number, text) in (1..).zip(text.lines()) {
        let text = text.split('#').next().unwrap_or_default().trim();
        if text.is_empty() {
            continue;
        }
        let wrong = |code: &str, message: String, help: &str| {
            let error = Diagnostic::new(code, message).field("cycle").help(help);
            Err(error.file(file).line(number))
        };
        let (cycle, text) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let plain = cycle.bytes().all(|byte| byte.is_ascii_digit());
        let Some(at) = cycle.parse().ok().filter(|_| plain) else {
            let help = "begin the line with the cycle after the first frame: 20000";
            return wrong(
                "bad-edit",
                format!("`{cycle}` is no number of cycles"),
                help,
            );
        };
        let line = TimedLine {
            cycle: at,
            text: text.trim(),
            number,
        };
        if before.cycle > at {
            let message = format!("cycle {at} comes before that of line {}", before.number);
            return wrong("edit-order", message, "sort the lines by their cycle");
        }
        each(line)?;
        before = line;
    }
    Ok(())
}

/// A command as typed.
fn parse(words: &[&str]) -> Result<Edit, Diagnostic> {
    let usage = |error: &clap::Error| {
        let text = error.render().to_string();
        // The first paragraph says what is wrong; the rest is usage or help.
        let paragraph = text
            .lines()
            .take_while(|line| !line.is_empty())
            .map(str::trim);
        let message = paragraph.collect::<Vec<_>>().join(" ");
        let message = match error.kind() {
            clap::error::ErrorKind::DisplayHelp => "a script has no help",
            _ => message.trim_start_matches("error: "),
        };
        Diagnostic::new("usage", message)
            .field(words.first().copied().unwrap_or("command"))
            .help("a line is a cycle and a `flow`, `fdb`, `port` or `vvlan` command: see hairpin flow --help")
    };
    let matches = Line::command()
        .try_get_matches_from(words)
        .map_err(|error| usage(&error))?;
    let line = Line::from_arg_matches(&matches).map_err(|error| usage(&error))?;
    line.command.edit()
}

#[cfg(test)]
mod tests {
    use hairpin_abi::admin::Flush;
    use hairpin_abi::{FlowAction, Miss, PortId, Teacher, VPort, VVlan};

    use super::*;

    fn script(text: &str) -> Result<Script, Diagnostic> {
        Script::parse(text, Path::new("edits"))
    }

    #[test]
    fn every_command_can_be_written() {
        let text = "\n# nothing\n5 flow add vvlan 100 from uplink da 02:00:00:00:00:01 proto udp action drop\n\
                    5\tflow add vvlan 1 ip-src fd00::1 ethertype 0x86dd action redirect port vf3 # to vf3\n\
                    6 flow del vvlan 100 sport 0x10\n7 flow flush teacher learned\n8 flow flush all\n\
                    9 fdb add vvlan 100 mac 02:00:00:00:00:01 port vf1\n10 fdb del vvlan 100 mac 02:00:00:00:00:01\n\
                    11 fdb flush port vf1\n12 port set vf1 state disable max-macs 3 tags vlans learning off\n\
                    13 vvlan set 100 miss drop cache on flow-quota 1024 key-fields src,da\n14 vvlan del 100\n";
        let script = script(text).unwrap();
        assert_eq!(script.edits.len(), 11);
        let lines: Vec<usize> = script.edits.iter().map(|edit| edit.line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
        let Edit::FlowAdd { vvlan, fields, row } = &script.edits[0].edit else {
            panic!()
        };
        assert_eq!(
            (vvlan.get(), fields.from, fields.proto),
            (100, Some(PortId::Uplink), Some(17))
        );
        assert_eq!(
            (row.action, row.teacher, row.port),
            (FlowAction::Drop, Teacher::Flow, PortId::Uplink)
        );
        let Edit::FlowAdd { row, .. } = &script.edits[1].edit else {
            panic!()
        };
        assert_eq!(row.port.vport(), VPort::new(3));
        assert_eq!(script.edits[1].text.split(' ').next_back(), Some("vf3"));
        assert_eq!(
            script.edits[3].edit,
            Edit::FlowFlush(Flush::Teacher(Teacher::Learned))
        );
        let Edit::PortSet { change, .. } = &script.edits[8].edit else {
            panic!()
        };
        assert_eq!(
            (
                change.enabled,
                change.max_macs,
                change.learning,
                change.trust
            ),
            (Some(false), Some(3), Some(false), None)
        );
        let Edit::VvlanSet { change, .. } = &script.edits[9].edit else {
            panic!()
        };
        assert_eq!(
            (change.miss, change.flow_quota, change.key_mask),
            (Some(Miss::Drop), Some(10), Some(3))
        );
        assert_eq!(
            script.edits[10].edit,
            Edit::VvlanDel(VVlan::new(100).unwrap())
        );
    }

    #[test]
    fn the_words_of_ip_link() {
        let words = "5 port set vf3 mac 02:00:00:00:0a:03 spoofchk on trust off state auto max-tx-rate 1000";
        let Edit::PortSet { vport, change } = script(words).unwrap().edits[0].edit else {
            panic!()
        };
        let want = crate::edit::PortChange {
            enabled: Some(true),
            mac: Some(hairpin_abi::MacAddr([2, 0, 0, 0, 10, 3])),
            spoofchk: Some(true),
            trust: Some(false),
            max_tx_rate: Some(1000),
            ..crate::edit::PortChange::default()
        };
        assert_eq!((vport.get(), change), (3, want));
        for (words, instead) in [
            ("5 port set vf3 vlan 100", "`vvlan` of vf3 in nic.toml"),
            (
                "5 port set vf3 max_tx_rate 1000",
                "port set vf3 max-tx-rate",
            ),
            ("5 port set vf3 min_tx_rate 10", "limit the others"),
            ("5 port set vf3 max-tx-rate 320000", "0 to 319999"),
            ("5 port set vf3 query_rss on", "hairpin rss show vf3"),
        ] {
            let error = script(words).unwrap_err();
            assert!(error.help.unwrap().contains(instead), "{words}");
        }
    }

    #[test]
    fn every_error_has_a_line_a_field_and_a_fix() {
        let wrong = [
            ("bad-edit", "flow flush all"),
            ("bad-edit", "+5 flow flush all"),
            ("bad-edit", "5"),
            ("bad-edit", "5 flow"),
            ("bad-edit", "5 replay --config x"),
            ("bad-edit", "5 flow --help"),
            ("bad-edit", "5 flow add"),
            ("bad-edit", "5 flow add vvlan 100"),
            ("bad-edit", "5 flow add vvlan 100 action"),
            ("bad-edit", "5 flow add vvlan 100 action drop port vf1"),
            ("bad-edit", "5 flow add vvlan 100 action redirect"),
            ("bad-edit", "5 flow add vvlan 0 action drop"),
            ("bad-edit", "5 flow add action drop"),
            ("bad-edit", "5 flow add vvlan 1 vvlan 2 action drop"),
            ("bad-edit", "5 flow add vvlan 1 colour red action drop"),
            ("bad-edit", "5 flow add vvlan 1 from core action drop"),
            (
                "bad-edit",
                "5 flow add vvlan 1 da 00:00:00:00:00:00 action drop",
            ),
            ("bad-edit", "5 flow add vvlan 1 ip-src 10.0.0 action drop"),
            ("bad-edit", "5 flow del vvlan 1 action drop"),
            ("bad-edit", "5 flow flush vvlan 1 port vf1"),
            ("bad-edit", "5 flow flush everything"),
            ("bad-edit", "5 fdb flush teacher learned"),
            ("bad-edit", "5 fdb add vvlan 1 mac 02:00:00:00:00:01"),
            ("bad-edit", "5 port set vf64 state enable"),
            ("bad-edit", "5 port set vf1"),
            ("bad-edit", "5 port set vf1 max-macs 0"),
            ("bad-edit", "5 port set vf1 mac 01:00:5e:00:00:01"),
            ("bad-edit", "5 port set vf1 state up"),
            ("bad-edit", "5 port set vf1 vlan 100"),
            ("bad-edit", "5 port set vf1 trust on max_tx_rate 1000"),
            ("bad-edit", "5 port set vf1 min_tx_rate 0"),
            ("bad-edit", "5 vvlan set 1 flow-quota 3"),
            ("bad-edit", "5 vvlan set 1 key-fields src,src"),
            ("bad-edit", "5 vvlan del 4095"),
            ("edit-order", "5 flow flush all\n4 flow flush all"),
        ];
        for (code, text) in wrong {
            let error = script(text).expect_err(text);
            assert_eq!(error.code, code, "{text}: {error}");
            assert_eq!(error.line, Some(text.lines().count()), "{text}");
            assert!(
                error.file.is_some() && error.field.is_some() && error.help.is_some(),
                "{text}: {error:?}"
            );
            assert!(
                error.message.len() > 8 && !error.message.contains('\n'),
                "{text}: {error:?}"
            );
        }
    }
}
