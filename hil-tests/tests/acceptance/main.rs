// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Acceptance tests: the programs as a user runs them, with the real firmware on the real NIC.
//!
//! | Module | Asks |
//! |---|---|
//! | `demo` | does every frame of the demo arrive, unchanged, where it may, and is it accounted for |
//! | `tags` | does tshark read the tags as configured |
//! | `repeat` | is the same input the same output, with waves too |
//! | `rings` | do frames go through the queues of the VFs, as configured, and none gets lost |
//! | `flows` | does a flow do what it says, as long as it is there, and are addresses learned and forgotten |
//! | `live` | do commands change and show a card that runs, and is wrong input refused there too |
//! | `page` | is the page for people whole, on its own, and true |
//! | `switch` | in `vepa` mode: does the adjacent switch decide, and does every frame take the long way and arrive |
//! | `learning` | does the NIC learn from the switch what the rules allow, in order, and forget it when they change |
//! | `firmware` | are wrong images refused |
//! | `hang` | does the datapath outlive the firmware, and does the user learn of it |
//! | `bad_input` | is wrong input refused with one clear error, and nothing written |
//! | `show` | do all commands show what the replay left |
//!
//! Nothing here shares code with the programs: captures, tags and reports are read a second time. The
//! programs are taken from `HAIRPIN_BIN_DIR`, else from profile `sim`; `cargo xtask test` builds them.
//! What the runs leave stays below the target directory, in `tmp/acceptance`.

mod bad_input;
mod capture;
mod demo;
mod firmware;
mod flows;
mod hang;
mod learning;
mod live;
mod page;
mod program;
mod refusal;
mod repeat;
mod rings;
mod schema;
mod show;
mod switch;
mod tags;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// How a test ends if it does not fail.
enum Verdict {
    /// It held.
    Held,
    /// It could not be asked here; the reason.
    Skipped(&'static str),
}

/// A test that always runs.
fn test(
    name: impl Into<String>,
    run: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
) -> Trial {
    may_skip(name, || run().map(|()| Verdict::Held))
}

/// A test that may find that it cannot run.
fn may_skip(
    name: impl Into<String>,
    run: impl FnOnce() -> anyhow::Result<Verdict> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, || match run() {
        Ok(Verdict::Held) => Ok(Completion::Completed),
        Ok(Verdict::Skipped(reason)) => Ok(Completion::ignored_with(reason)),
        Err(error) => Err(Failed::from(format!("{error:#}"))),
    })
}

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let tests = [
        demo::tests(),
        tags::tests(),
        repeat::tests(),
        rings::tests(),
        firmware::tests(),
        hang::tests(),
        flows::tests(),
        switch::tests(),
        learning::tests(),
        live::tests(),
        page::tests(),
        bad_input::tests(),
        show::tests(),
    ];
    libtest_mimic::run(&args, tests.into_iter().flatten().collect()).exit_code()
}
