// SPDX-License-Identifier: Apache-2.0 OR MIT
//! P11: instructions of the VF driver per packet, counted by callgrind in `examples/ring_cost.rs`.

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
            .args(["--example", "ring_cost"]))?;
        let mut command = ctx.command("valgrind");
        command.args(["--tool=callgrind", "--collect-atstart=no"]);
        // Two patterns that begin alike would be one to callgrind.
        for function in ["rx_batch", "tx_batch"] {
            command.arg(format!("--toggle-collect=*{function}*"));
        }
        let log = ctx.build_dir().join("callgrind.log");
        command.arg("--callgrind-out-file=/dev/null");
        command.arg(format!("--log-file={}", log.display()));
        let program = ctx.target("release/examples/ring_cost");
        let said = output(command.arg(program))?;
        let counted =
            std::fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))?;
        let first = |text: &str| text.split_whitespace().next()?.parse::<f64>().ok();
        let instructions = counted
            .split_once("Collected :")
            .and_then(|(_, rest)| first(rest));
        let packets = first(&said);
        let (Some(instructions), Some(packets)) = (instructions, packets) else {
            bail!("callgrind counted nothing: {counted}");
        };
        let value = instructions / packets;
        Ok(json!({
            "id": ID,
            "case": "RX + TX, batch 32",
            "value": value,
            "unit": "x86 instructions/packet",
            "goal": format!("≤ {GOAL}"),
            "met": value <= GOAL,
            "method": said.trim(),
            "seed": 0,
            "peer": null,
        }))
    })
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
}
