// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Calls of ABC, and what it prints.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};

use super::jobs::Method;

/// What became of the properties of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Those that fail, by their place in the file, and the clock in which they do.
    pub(crate) fails: BTreeMap<usize, u32>,
    /// The clauses of the invariant, if there is one.
    pub(crate) invariant: Option<String>,
}

/// The commands that decide all properties of a file.
pub(crate) fn script(file: &str, method: Method, seconds: u32) -> String {
    match method {
        Method::Unbounded => format!("read_aiger {file}; fold; scorr; pdr -a -T {seconds}"),
        Method::Bounded(clocks) => {
            format!("read_aiger {file}; fold; scorr; bmc3 -a -g -F {clocks} -T {seconds}")
        }
        Method::Reached(clocks) => {
            format!("read_aiger {file}; fold; bmc3 -a -F {clocks} -T {seconds}")
        }
    }
}

/// Understands what ABC printed for `count` properties; anything but a complete answer is an error.
pub(crate) fn answer(text: &str, count: usize, method: Method) -> Result<Answer> {
    let fails: BTreeMap<usize, u32> = text.lines().filter_map(failed).collect();
    let mut invariant = None;
    match method {
        Method::Unbounded => {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("Properties:"))
                .with_context(|| format!("no end of the proof:\n{text}"))?;
            let number = |what: &str| -> Option<usize> {
                let (_, rest) = line.split_once(&format!("{what} = "))?;
                rest.split('.').next()?.trim().parse().ok()
            };
            ensure!(
                number("All") == Some(count)
                    && number("Undecided") == Some(0)
                    && number("Disproved") == Some(fails.len()),
                "no answer for all of {count} properties:{line}"
            );
            invariant = text
                .lines()
                .find_map(|line| line.strip_prefix("Invariant "))
                .and_then(|line| line.split_once(": "))
                .map(|(_, rest)| rest.split(" (").next().unwrap_or(rest).to_owned());
        }
        Method::Bounded(clocks) | Method::Reached(clocks) => {
            let done = format!(" {clocks} frames.");
            let none = text.contains("No output asserted in") && fails.is_empty();
            let some = text.contains("Some outputs are SAT") && !fails.is_empty();
            let all = fails.len() == count;
            if !(all || ((none || some) && text.contains(&done))) {
                bail!("no answer for all of {clocks} clocks:\n{text}");
            }
        }
    }
    Ok(Answer { fails, invariant })
}

/// "Output 5 was asserted in frame  6 (solved 1 out of 9 outputs)."
fn failed(line: &str) -> Option<(usize, u32)> {
    let (output, rest) = line
        .strip_prefix("Output ")?
        .split_once(" was asserted in frame ")?;
    let frame = rest.trim_start().split([' ', '.']).next()?;
    Some((output.parse().ok()?, frame.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_understood() {
        let text = "Warning: The last output is interpreted as a constraint.\n\
                    Invariant F[8] : 167 clauses with 43 flops (out of 44) (cex = 0, ave = 12.23)\n\
                    Verification of invariant with 167 clauses was successful.  Time =     0.01 sec\n\
                    Properties:  All = 9. Proved = 9. Disproved = 0. Undecided = 0.   Time =     0.22 sec\n";
        let proof = answer(text, 9, Method::Unbounded).unwrap();
        assert!(proof.fails.is_empty());
        assert_eq!(
            proof.invariant.as_deref(),
            Some("167 clauses with 43 flops")
        );
        assert!(answer(text, 8, Method::Unbounded).is_err());
        let late = text.replace(
            "Proved = 9. Disproved = 0. Undecided = 0",
            "Proved = 8. Disproved = 0. Undecided = 1",
        );
        assert!(answer(&late, 9, Method::Unbounded).is_err());
        let wrong = text.replace("Proved = 9. Disproved = 0", "Proved = 8. Disproved = 1");
        assert!(answer(&wrong, 9, Method::Unbounded).is_err());
        let wrong =
            format!("Output 6 was asserted in frame  5 ( 5) (solved 1 out of 9 outputs).\n{wrong}");
        let wrong = answer(&wrong, 9, Method::Unbounded).unwrap();
        assert_eq!(wrong.fails, BTreeMap::from([(6, 5)]));
    }

    #[test]
    fn a_bounded_search_must_have_come_to_its_end() {
        let passed = "No output asserted in 20 frames. Resource limit reached (conf limit 0). Time =     2.15 sec\n";
        let method = Method::Bounded(20);
        assert!(answer(passed, 3, method).unwrap().fails.is_empty());
        assert!(answer(passed, 3, Method::Bounded(21)).is_err());
        let failed = "Output 5 was asserted in frame  6 (solved 1 out of 9 outputs).\n\
                      Some outputs are SAT (1 out of 9) after 20 frames.   Time =     0.02 sec\n";
        let answered = answer(failed, 9, method).unwrap();
        assert_eq!(answered.fails, BTreeMap::from([(5, 6)]));
        assert!(answer(&failed.replace("20", "13"), 9, method).is_err());
        assert!(answer("", 9, method).is_err());
    }
}
