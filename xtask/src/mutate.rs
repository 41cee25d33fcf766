// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `mutate`: breaks the RTL in one place at a time and shows that the co-simulation notices.
//!
//! The mutations are in `rtl-sim/mutations`; [`list`] reads them. Each one is applied to a copy of the
//! RTL below `.build/mutate`, Verilated and linked like the real one, and `hairpin-sim cosim` runs over
//! it, one configuration after the other, until one of them reports what the mutation says it must.
//! A build that breaks, a program that crashes and a report of another kind are failures. The RTL
//! as it is has to pass the same run first.

pub(crate) mod list;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::ctx::{Ctx, run, stage};
use crate::model::{self, Place};
use crate::setup::{self, Need};
use list::{Mutation, Verdict};

/// Seed of the configurations and of their traffic.
const SEED: u64 = 1;
/// Random configurations, and the frames of each.
const CONFIGS: u64 = 10;
const FRAMES: u64 = 4000;

/// Arguments of `cargo xtask mutate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these mutations; all if left out
    names: Vec<String>,
}

/// What a run of the co-simulation came to.
#[derive(Debug)]
struct Outcome {
    /// Everything that was reported; none if the run passed.
    verdicts: Vec<Verdict>,
    /// The first difference, in the simulator's words.
    first: String,
    /// The configuration that ended the run.
    config: u64,
    /// Frames decided until then.
    frames: u64,
}

/// Folders of one run.
struct Bench<'a> {
    ctx: &'a Ctx,
    dir: PathBuf,
    ibex: PathBuf,
}

pub(crate) fn run_all(ctx: &Ctx, args: &Args) -> Result<()> {
    let all = list::read(&ctx.root.join("rtl-sim/mutations/list.txt"))?;
    for name in &args.names {
        ensure!(
            all.iter().any(|mutation| mutation.name == *name),
            "no mutation `{name}`: the list has {}",
            all.iter()
                .map(|m| m.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let chosen = all
        .iter()
        .filter(|mutation| args.names.is_empty() || args.names.contains(&mutation.name));

    setup::run_all(ctx, Need::Everything)?;
    stage("firmware: the soft core's image", || {
        crate::build::firmware(ctx)
    })?;
    let bench = Bench {
        ctx,
        dir: ctx.build_dir().join("mutate"),
        ibex: ctx.ibex()?,
    };
    stage("as it is: the RTL passes", || {
        let outcome = bench.try_out(None)?;
        ensure!(
            outcome.verdicts.is_empty(),
            "the RTL fails without any mutation, in configuration {}: {}",
            outcome.config,
            outcome.first
        );
        eprintln!("    {} frames, no difference", outcome.frames);
        Ok(())
    })?;

    let mut rows = Vec::new();
    let mut failed = 0;
    for mutation in chosen {
        let start = Instant::now();
        let result = stage(&format!("{}: {}", mutation.name, mutation.bug), || {
            let outcome = bench.try_out(Some(mutation))?;
            judge(mutation, &outcome)?;
            Ok(outcome)
        });
        let caught = match result {
            Ok(outcome) => {
                eprintln!("    {}", outcome.first.replace('\n', "\n    "));
                format!(
                    "{} | {} | {}",
                    words(&outcome.verdicts),
                    outcome.frames,
                    outcome.config
                )
            }
            Err(error) => {
                eprintln!("    FAILED {}: {error:#}", mutation.name);
                failed += 1;
                "**not caught** | |".to_owned()
            }
        };
        rows.push(format!(
            "| `{}` | `{}` | {} | {caught} | {:.0} |",
            mutation.name,
            mutation.file,
            mutation.bug,
            start.elapsed().as_secs_f64()
        ));
    }
    println!(
        "| Mutation | In | The bug | Caught by | Frames | Configuration of seed {SEED} | Seconds with build |"
    );
    println!("|---|---|---|---|--:|--:|--:|");
    for row in &rows {
        println!("{row}");
    }
    println!("{} passed, {failed} failed", rows.len() - failed);
    ensure!(failed == 0, "{failed} mutations were not caught");
    Ok(())
}

/// Whether what was reported is what the mutation must be caught by.
fn judge(mutation: &Mutation, outcome: &Outcome) -> Result<()> {
    ensure!(
        !outcome.verdicts.is_empty(),
        "survived {} frames of {CONFIGS} configurations",
        outcome.frames
    );
    let missing: Vec<Verdict> = mutation
        .caught_by
        .iter()
        .filter(|must| !outcome.verdicts.contains(must))
        .copied()
        .collect();
    ensure!(
        missing.is_empty(),
        "noticed by {}, not by {}: {}",
        words(&outcome.verdicts),
        words(&missing),
        outcome.first
    );
    Ok(())
}

fn words(verdicts: &[Verdict]) -> String {
    let words: Vec<_> = verdicts.iter().map(|verdict| verdict.word()).collect();
    words.join(", ")
}

impl Bench<'_> {
    /// Builds the simulator over the mutated RTL and runs the configurations until one fails.
    fn try_out(&self, mutation: Option<&Mutation>) -> Result<Outcome> {
        let rtl = self.dir.join("rtl");
        copy(&self.ctx.root.join("rtl-sim/rtl"), &rtl)?;
        if let Some(mutation) = mutation {
            mutation.apply(&rtl)?;
        }
        let start = Instant::now();
        let program = self.build(&rtl)?;
        eprintln!("    built in {:.1} s", start.elapsed().as_secs_f64());

        let mut frames = 0;
        for config in 0..CONFIGS {
            let outcome = self.cosim(&program, config)?;
            frames += outcome.frames;
            if !outcome.verdicts.is_empty() || config == CONFIGS - 1 {
                return Ok(Outcome { frames, ..outcome });
            }
        }
        bail!("no configuration to run")
    }

    /// The simulator over the RTL in `rtl`.
    fn build(&self, rtl: &Path) -> Result<PathBuf> {
        let models = self.dir.join("model");
        model::build_changed(Place {
            root: &self.ctx.root,
            ibex: &self.ibex,
            rtl,
            out: &models,
        })?;
        // Its own folder: the programs there must never be taken for the real ones.
        let target = self.dir.join("target");
        run(self
            .ctx
            .cargo()
            .args([
                "build",
                "--quiet",
                "--profile",
                "sim",
                "--package",
                "hairpin-sim",
            ])
            .env("HAIRPIN_MODELS", &models)
            .env("CARGO_TARGET_DIR", &target)
            // The Rust part is the same each time.
            .env("CARGO_INCREMENTAL", "1"))?;
        Ok(target.join("sim/hairpin-sim"))
    }

    /// One configuration.
    fn cosim(&self, program: &Path, config: u64) -> Result<Outcome> {
        let output = Command::new(program)
            .current_dir(&self.dir)
            .arg("cosim")
            .args(["--seed", &SEED.to_string()])
            .args(["--configs", &CONFIGS.to_string()])
            .args(["--frames", &(CONFIGS * FRAMES).to_string()])
            .args(["--only", &config.to_string()])
            .arg("--firmware")
            .arg(self.ctx.firmware_elf())
            .output()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let outcome = Outcome {
            verdicts: list::verdicts(&text),
            first: list::first_difference(&text),
            config,
            frames: list::frames(&text),
        };
        // Only its own verdict counts: 0 and none, or 1 and at least one.
        match (output.status.code(), outcome.verdicts.is_empty()) {
            (Some(0), true) | (Some(1), false) => Ok(outcome),
            _ => bail!(
                "hairpin-sim ended with {} and no verdict\n{text}{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
}

/// Makes `to` a copy of the folder `from`.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("removing {}", to.display()))?;
    }
    fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let source = entry?.path();
        let target = to.join(source.file_name().unwrap_or_default());
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("copying {}", source.display()))?;
        }
    }
    Ok(())
}
