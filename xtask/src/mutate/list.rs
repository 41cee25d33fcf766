// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads a list of mutations, and what the co-simulation prints.
//!
//! ```text
//! [same-port-unchecked]
//! bug a unicast frame may go back to the vPort it came from
//! file hp_decide.sv
//! caught mismatch echo
//! -      end else if (same_12_q) begin
//! +      end else if (1'b0) begin
//! ```
//! Lines that start with `-` are the old text, those with `+` the new one, as they stand behind
//! that one character.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

/// What the co-simulation can report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Another decision, other bytes or another count than the golden model's.
    Mismatch,
    /// The independent checker: a frame outside its tenant.
    Leak,
    /// The independent checker: a second copy.
    Duplicate,
    /// The independent checker: a frame back at its sender.
    Echo,
    /// The independent checker: NIC tags of another tenant.
    Tags,
    /// The independent checker: not the bytes that were sent.
    Altered,
    /// The independent checker: a frame that nobody sent, or that was sent broken.
    Stranger,
    /// The independent checker: a flow to be learned from a frame that is no learning packet.
    Taught,
    /// An assertion of the RTL.
    Assertion,
    /// The NIC no longer answers.
    Stopped,
}

impl Verdict {
    /// With their names in the list, and what the summary calls them.
    const ALL: [(Self, &str, &str); 10] = [
        (Self::Mismatch, "mismatch", " mismatches"),
        (Self::Leak, "leak", " leaks"),
        (Self::Duplicate, "duplicate", " duplicates"),
        (Self::Echo, "echo", " echoes"),
        (Self::Tags, "tags", " wrong tags"),
        (Self::Altered, "altered", " altered"),
        (Self::Stranger, "stranger", " strangers"),
        (Self::Taught, "taught", " taught wrongly"),
        (Self::Assertion, "assertion", ""),
        (Self::Stopped, "stopped", ""),
    ];

    /// Its name in the list.
    pub(crate) fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(verdict, ..)| *verdict == self)
            .map_or("", |(_, word, _)| word)
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, name, _)| *name == word)
            .map(|(verdict, ..)| *verdict)
    }
}

/// One way to break the RTL, and what has to notice it.
#[derive(Clone, Debug)]
pub(crate) struct Mutation<V = Verdict> {
    pub(crate) name: String,
    /// What the change amounts to.
    pub(crate) bug: String,
    /// The source it is in.
    pub(crate) file: String,
    /// Every one of these has to be reported.
    pub(crate) caught_by: Vec<V>,
    old: Vec<String>,
    new: Vec<String>,
}

impl<V> Mutation<V> {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            bug: String::new(),
            file: String::new(),
            caught_by: Vec::new(),
            old: Vec::new(),
            new: Vec::new(),
        }
    }

    /// Changes the copy of the RTL in `rtl`.
    pub(crate) fn apply(&self, rtl: &Path) -> Result<()> {
        let path = rtl.join(&self.file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let text = self
            .change(&text)
            .with_context(|| format!("mutation `{}` in {}", self.name, self.file))?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Whether it could be applied.
    #[cfg(test)]
    pub(crate) fn check(&self, rtl: &Path) -> Result<()> {
        let text = fs::read_to_string(rtl.join(&self.file))?;
        self.change(&text)
            .map(drop)
            .with_context(|| format!("mutation `{}` in {}", self.name, self.file))
    }

    fn change(&self, text: &str) -> Result<String> {
        let lines: Vec<&str> = text.lines().collect();
        let places = lines.windows(self.old.len()).enumerate();
        let mut found = places.filter(|(_, lines)| *lines == self.old);
        let (Some((at, _)), None) = (found.next(), found.next()) else {
            bail!("the old text is not there exactly once");
        };
        let (before, after) = (&lines[..at], &lines[at + self.old.len()..]);
        let new = self.new.iter().map(String::as_str);
        let changed = before
            .iter()
            .copied()
            .chain(new)
            .chain(after.iter().copied());
        Ok(changed.map(|line| format!("{line}\n")).collect())
    }

    fn complete(self) -> Result<Self> {
        let Self {
            name, bug, file, ..
        } = &self;
        ensure!(
            ![name, bug, file].iter().any(|text| text.is_empty())
                && !self.caught_by.is_empty()
                && !self.old.is_empty(),
            "mutation `{name}` needs `bug`, `file`, `caught` and its old text"
        );
        ensure!(self.old != self.new, "mutation `{name}` changes nothing");
        Ok(self)
    }
}

/// Reads the co-simulation's list.
pub(crate) fn read(path: &Path) -> Result<Vec<Mutation>> {
    read_as(path, Verdict::from_word)
}

/// Reads a list; `from_word` understands what stands behind `caught`.
pub(crate) fn read_as<V>(
    path: &Path,
    from_word: impl Fn(&str) -> Option<V>,
) -> Result<Vec<Mutation<V>>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    parse(&text, from_word).with_context(|| path.display().to_string())
}

fn parse<V>(text: &str, from_word: impl Fn(&str) -> Option<V>) -> Result<Vec<Mutation<V>>> {
    let mut all: Vec<Mutation<V>> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let at = || format!("line {}: {line}", number + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            ensure!(!all.iter().any(|m| m.name == name), "{}: twice", at());
            all.push(Mutation::new(name));
            continue;
        }
        let current = all.last_mut().with_context(at)?;
        if let Some(old) = line.strip_prefix('-') {
            current.old.push(old.to_owned());
        } else if let Some(new) = line.strip_prefix('+') {
            current.new.push(new.to_owned());
        } else {
            match line.split_once(' ').with_context(at)? {
                ("bug", bug) => current.bug = bug.to_owned(),
                ("file", file) => current.file = file.to_owned(),
                ("caught", words) => {
                    let verdicts = words.split(' ').map(&from_word);
                    current.caught_by = verdicts.collect::<Option<_>>().with_context(at)?;
                }
                _ => bail!(at()),
            }
        }
    }
    all.into_iter().map(Mutation::complete).collect()
}

/// Everything that a run reported.
pub(crate) fn verdicts(output: &str) -> Vec<Verdict> {
    let counts = output
        .lines()
        .find(|line| line.contains(" mismatches, "))
        .unwrap_or_default();
    let counted = |what: &str| {
        !what.is_empty()
            && counts
                .split(", ")
                .any(|part| part.strip_suffix(what).is_some_and(|count| count != "0"))
    };
    let mut verdicts: Vec<Verdict> = Verdict::ALL
        .iter()
        .filter(|(.., what)| counted(what))
        .map(|(verdict, ..)| *verdict)
        .collect();
    let failed = output.lines().any(|line| line.contains(" failed: "));
    if output.contains("HP_ASSERT") {
        verdicts.push(Verdict::Assertion);
    } else if failed && verdicts.is_empty() {
        verdicts.push(Verdict::Stopped);
    }
    verdicts
}

/// The first difference that a run reported, without its place in the run.
pub(crate) fn first_difference(output: &str) -> String {
    let Some((_, rest)) = output.split_once(" failed: ") else {
        return String::new();
    };
    let end = rest.find("\nwaves around it").unwrap_or(rest.len());
    rest[..end].trim_end().to_owned()
}

/// Frames that were decided.
pub(crate) fn frames(output: &str) -> u64 {
    output
        .lines()
        .find_map(|line| {
            line.split_once(" frames in, ")?
                .0
                .rsplit(' ')
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# a comment\n[one]\nbug it breaks\nfile a.sv\ncaught mismatch leak\n\
                        -  x = 1;\n+  x = 2;\n+  y = 3;\n\n[two]\nbug b\nfile b.sv\ncaught assertion\n-z\n";

    #[test]
    fn a_list_is_read_and_applied_once() {
        let list = parse(LIST, Verdict::from_word).unwrap();
        assert_eq!(list.len(), 2);
        let one = &list[0];
        assert_eq!((one.name.as_str(), one.bug.as_str()), ("one", "it breaks"));
        assert_eq!(one.caught_by, [Verdict::Mismatch, Verdict::Leak]);
        assert_eq!(
            one.change("  x = 1;\nb\n").unwrap(),
            "  x = 2;\n  y = 3;\nb\n"
        );
        assert_eq!(list[1].change("a\nz\nb\n").unwrap(), "a\nb\n");
        for wrong in ["a\n", "  x = 1;\n  x = 1;\n", "  x = 1; \n", "   x = 1;\n"] {
            assert!(one.change(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_list_is_refused() {
        for wrong in [
            "bug x\n",
            "[a]\nbug x\nfile f\ncaught bad-luck\n-x\n",
            "[a]\nbug x\nfile f\ncaught leak\n",
            "[a]\nfile f\ncaught leak\n-x\n",
            "[a]\nbug x\nfile f\ncaught leak\n-x\n+x\n",
            "[a]\nbug x\nfile f\ncaught leak\n-x\n[a]\nbug x\nfile f\ncaught leak\n-x\n",
        ] {
            assert!(parse(wrong, Verdict::from_word).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_repository_s_list_fits_its_rtl() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let list = read(&root.join("rtl-sim/mutations/list.txt")).unwrap();
        assert!(list.len() >= 12);
        for mutation in list {
            let text = fs::read_to_string(root.join("rtl-sim/rtl").join(&mutation.file)).unwrap();
            mutation
                .change(&text)
                .unwrap_or_else(|e| panic!("{}: {e}", mutation.name));
        }
    }

    #[test]
    fn reports_are_understood() {
        let failed = "seed 1 configuration 3 failed: cycle 9: decision\n  expected a\n  actual   b\n\
                      waves around it: x.fst\n\
                      seed 1: 10 configurations, 120 frames in, 99 out, 3 lost, 4 changes (0 refused), 9 clocks\n\
                      2 mismatches, 10 leaks, 0 duplicates, 0 echoes, 0 wrong tags, 0 altered, 0 strangers, 0 taught wrongly\n";
        assert_eq!(verdicts(failed), [Verdict::Mismatch, Verdict::Leak]);
        assert_eq!(frames(failed), 120);
        assert_eq!(
            first_difference(failed),
            "cycle 9: decision\n  expected a\n  actual   b"
        );
        let asserted = "seed 1 configuration 0 failed: cycle 9: HP_ASSERT failed: hp.nic: A\n\
                        0 mismatches, 0 leaks, 0 duplicates, 0 echoes, 0 wrong tags, 0 altered, 0 strangers, 0 taught wrongly\n";
        assert_eq!(verdicts(asserted), [Verdict::Assertion]);
        let hung = asserted.replace("HP_ASSERT failed: hp.nic: A", "no answer");
        assert_eq!(verdicts(&hung), [Verdict::Stopped]);
        let passed = failed.split_once("seed 1: ").unwrap().1;
        let passed = passed
            .replace("2 mis", "0 mis")
            .replace("10 leaks", "0 leaks");
        assert!(verdicts(&passed).is_empty());
        assert_eq!(first_difference(&passed), "");
    }
}
