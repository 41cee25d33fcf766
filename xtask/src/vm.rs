// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `test --vm`: stock virtual machines on the simulated NIC. Processors are emulated, so that it runs anywhere.

mod cpio;
mod fetch;
mod guest;
mod image;
mod nic;
mod tenants;

use anyhow::Result;

use crate::build;
use crate::ctx::Ctx;
use crate::model::Models;
use crate::tally::Tally;

/// The command `test --vm`.
pub(crate) fn run_all(ctx: &Ctx, only: Option<&str>) -> Result<()> {
    build::run_with(ctx, Models::Replay)?;
    let kit = fetch::kit(ctx)?;
    let mut tally = Tally::new(None);
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    if wanted("vms") {
        tenants::run_all(ctx, &kit, &mut tally);
    }
    tally.finish()
}
