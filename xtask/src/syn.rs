// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `syn`.
use crate::ctx::{Ctx, run, stage};
use crate::setup::{self, Need};
use anyhow::Result;

/// Arguments of `cargo xtask syn`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Place and route with this many seeds; the worst clock counts
    #[arg(long, default_value_t = 1)]
    seeds: u32,
}

pub(crate) fn run_all(ctx: &Ctx, args: &Args) -> Result<()> {
    setup::run_all(ctx, Need::Synthesis)?;
    stage("synthesis", || {
        run(ctx
            .command("bash")
            .arg("rtl-sim/syn/run.sh")
            .arg(args.seeds.to_string()))
    })
}
