// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs stages to the end even if one fails, and counts what passed.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::ctx::{line, stage};

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

/// The outcome of a row of stages.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    total: Count,
    failed: Vec<String>,
    only: Option<String>,
}

impl Tally {
    /// Runs only the stages whose name contains `only`.
    pub(crate) fn new(only: Option<String>) -> Self {
        Self {
            only,
            ..Self::default()
        }
    }

    /// Runs a stage that is itself one check.
    pub(crate) fn check(&mut self, name: &str, f: impl FnOnce() -> Result<()>) {
        self.count(name, || {
            f().map(|()| Count {
                passed: 1,
                failed: 0,
            })
        });
    }

    /// Runs a stage whose runner counts its own tests.
    pub(crate) fn count(&mut self, name: &str, f: impl FnOnce() -> Result<Count>) {
        if self
            .only
            .as_ref()
            .is_some_and(|only| !name.contains(only.as_str()))
        {
            return;
        }
        match stage(name, f) {
            Ok(count) => {
                self.total.passed += count.passed;
                self.total.failed += count.failed;
                if count.failed > 0 {
                    self.failed.push(format!("{name}: {} failed", count.failed));
                }
            }
            Err(error) => {
                eprintln!("    {error:#}");
                self.total.failed += 1;
                self.failed.push(format!("{name}: {error:#}"));
            }
        }
    }

    /// Prints the closing line; an error if anything failed.
    pub(crate) fn finish(self) -> Result<()> {
        for failure in &self.failed {
            eprintln!("FAILED {failure}");
        }
        println!("{} passed, {} failed", self.total.passed, self.total.failed);
        if self.total.failed > 0 {
            bail!(
                "{} of {} stages or tests failed",
                self.total.failed,
                self.total.passed + self.total.failed
            );
        }
        if self.total.passed == 0 {
            bail!("nothing was run");
        }
        Ok(())
    }
}

/// Runs a test runner, prints its summary lines (everything if it fails) and sums them up.
pub(crate) fn runner(command: &mut Command) -> Result<Count> {
    let name = line(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let stdout = child.stdout.take().context("no standard output")?;
    let mut count = Count::default();
    let mut other = Vec::new();
    for text in BufReader::new(stdout).split(b'\n') {
        let text = String::from_utf8_lossy(&text?).into_owned();
        match summary(&text) {
            Some(part) if part == Count::default() => {}
            Some(part) => {
                println!("    {}", text.trim());
                count.passed += part.passed;
                count.failed += part.failed;
            }
            None => other.push(text),
        }
    }
    let status = child.wait()?;
    if status.success() && count.failed == 0 {
        if count.passed == 0 {
            bail!("{name} ran no test");
        }
        return Ok(count);
    }
    for text in other {
        println!("    {text}");
    }
    if count.failed == 0 {
        bail!("{name} ended with {status}");
    }
    Ok(count)
}

/// What a summary line of libtest, or a verdict of an RTL bench, counts.
fn summary(text: &str) -> Option<Count> {
    if let Some(rest) = text.trim_start().strip_prefix("test result: ") {
        let number = |unit: &str| {
            let before = rest.split(unit).next()?;
            before.split_whitespace().last()?.parse().ok()
        };
        return Some(Count {
            passed: number(" passed")?,
            failed: number(" failed")?,
        });
    }
    match text.split_whitespace().next()? {
        "PASS" | "ok" => Some(Count {
            passed: 1,
            failed: 0,
        }),
        "FAIL" => Some(Count {
            passed: 0,
            failed: 1,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, runner, summary};
    use std::process::Command;

    fn shell(script: &str) -> anyhow::Result<Count> {
        runner(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn understands_the_runners() {
        let line = "test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(
            summary(line),
            Some(Count {
                passed: 5,
                failed: 2
            })
        );
        assert_eq!(
            summary("PASS tb_hp_fifo"),
            Some(Count {
                passed: 1,
                failed: 0
            })
        );
        assert_eq!(
            summary("FAIL tb_hp_fifo"),
            Some(Count {
                passed: 0,
                failed: 1
            })
        );
        assert_eq!(
            summary("ok   tb_fifo -GW=8"),
            Some(Count {
                passed: 1,
                failed: 0
            })
        );
        assert_eq!(summary("PASSABLE"), None);
    }

    #[test]
    fn a_runner_that_dies_or_runs_nothing_is_an_error() {
        assert!(shell("echo PASS a; exit 3").is_err());
        assert!(shell("true").is_err());
        assert_eq!(
            shell("echo PASS a; echo FAIL b; exit 1").unwrap(),
            Count {
                passed: 1,
                failed: 1
            }
        );
        assert_eq!(
            shell("echo PASS a; echo PASS b").unwrap(),
            Count {
                passed: 2,
                failed: 0
            }
        );
    }
}
