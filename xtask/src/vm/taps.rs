// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The example `examples/tap/run.sh`: programs of this machine in network namespaces, on TAP interfaces of VFs.

use anyhow::{Context as _, Result, bail};

use crate::ctx::Ctx;
use crate::setup;
use crate::tally::{Count, Tally};

/// The example.
const SCRIPT: &str = "examples/tap/run.sh";
/// Its exit status when this machine lacks something; it has said what.
const CANNOT: i32 = 77;

/// Runs it, if this machine lets it.
pub(super) fn run_all(ctx: &Ctx, tally: &mut Tally) {
    let name = "taps: ping, iperf3 and curl between namespaces on two VFs, and to the wire";
    tally.count(name, || play(ctx));
}

fn play(ctx: &Ctx) -> Result<Count> {
    setup::namespaces()?;
    let mut command = ctx.command(ctx.root.join(SCRIPT));
    command
        .env("HAIRPIN", ctx.sim_bin("hairpin"))
        .env("HAIRPIN_FIRMWARE", ctx.firmware_elf());
    let status = command
        .status()
        .with_context(|| format!("cannot run {SCRIPT}"))?;
    match status.code() {
        Some(0) => Ok(Count {
            passed: 1,
            failed: 0,
        }),
        Some(CANNOT) => {
            eprintln!("    skipped");
            Ok(Count::default())
        }
        _ => bail!("{SCRIPT} ended with {status}"),
    }
}
