// SPDX-License-Identifier: Apache-2.0 OR MIT
//! P11: instructions of the VF driver per packet, counted by callgrind in `examples/ring_cost.rs`.

use std::fs;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::ctx::{Ctx, output, run, stage};
use crate::setup::{self, Need};

/// What the goals list calls it.
pub(crate) const ID: &str = "P11";
/// Instructions for a packet received and sent in a batch of 32.
const GOAL: f64 = 40.0;

/// Counts, and gives the figure as `hairpin-sim bench --json` would.
pub(crate) fn figure(ctx: &Ctx) -> Result<Value> {
    setup::run_all(ctx, Need::Callgrind)?;
    stage("bench: the VF driver's instructions, by callgrind", || {
        run(ctx
            .cargo()
            .args([
                "build",
                "--quiet",
                "--release",
                "--package",
                "hairpin-driver",
            ])
            .args(["--example", "ring_cost", "--example", "peer_cost"]))?;
        // Two patterns that begin alike would be one to callgrind.
        let (value, said) = count(ctx, "ring_cost", &["rx_batch", "tx_batch"])?;
        let (peer, peer_said) = count(ctx, "peer_cost", &["peer_batch"])?;
        Ok(json!({
            "id": ID,
            "case": "RX + TX, batch 32",
            "value": value,
            "unit": "x86 instructions/packet",
            "goal": format!("≤ {GOAL}"),
            "met": value <= GOAL,
            "method": said,
            "seed": 0,
            "peer": format!("{peer:.1} by crate virtio-drivers, VirtIONetRaw, on the same rings: {peer_said}"),
        }))
    })
}

/// Instructions per packet that an example spends in some functions, and what it said.
fn count(ctx: &Ctx, example: &str, functions: &[&str]) -> Result<(f64, String)> {
    let mut command = ctx.command("valgrind");
    command.args(["--tool=callgrind", "--collect-atstart=no"]);
    for function in functions {
        command.arg(format!("--toggle-collect=*{function}*"));
    }
    fs::create_dir_all(ctx.build_dir())?;
    let log = ctx.build_dir().join("callgrind.log");
    command.arg("--callgrind-out-file=/dev/null");
    command.arg(format!("--log-file={}", log.display()));
    let program = ctx.target(&format!("release/examples/{example}"));
    let said = output(command.arg(program))?;
    let counted = fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))?;
    let first = |text: &str| text.split_whitespace().next()?.parse::<f64>().ok();
    let instructions = counted
        .split_once("Collected :")
        .and_then(|(_, rest)| first(rest));
    let (Some(instructions), Some(packets)) = (instructions, first(&said)) else {
        bail!("callgrind counted nothing in {example}: {counted}");
    };
    Ok((instructions / packets, said.trim().to_owned()))
}

/// Prints it like the others.
pub(crate) fn print(figure: &Value) {
    let text = |name: &str| figure[name].as_str().unwrap_or_default().to_owned();
    println!(
        "{ID} {:<40} {:>12.4} {} ({}): {}",
        text("case"),
        figure["value"].as_f64().unwrap_or_default(),
        text("unit"),
        text("goal"),
        text("method")
    );
    println!("    beside it: {}", text("peer"));
}
