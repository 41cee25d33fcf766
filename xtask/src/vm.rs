// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `test --vm` and `vm`: stock virtual machines on the simulated NIC. Processors are emulated, so that it runs
//! anywhere. Programs of this machine, on TAP interfaces, are tested here too.

mod cpio;
mod fetch;
mod guest;
mod image;
mod nic;
mod sriov;
mod taps;
mod tenants;
mod vfio;

use std::iter;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::build;
use crate::ctx::{Ctx, run};
use crate::model::Models;
use crate::tally::Tally;
use fetch::Kit;
use guest::Plan;
use image::Contents;
use nic::Nic;

/// Arguments of `cargo xtask vm`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Sockets of the functions that it gets, for example nic/vf0.sock
    sockets: Vec<PathBuf>,
    /// Memory in MiB
    #[arg(long, default_value_t = 256)]
    memory: u32,
}

/// The command `test --vm`.
pub(crate) fn test(ctx: &Ctx, only: Option<&str>) -> Result<()> {
    build::run_with(ctx, Models::Replay)?;
    let mut tally = Tally::new(None);
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    if wanted("taps") {
        taps::run_all(ctx, &mut tally);
    }
    if !["vms", "vfio", "sriov"].into_iter().any(wanted) {
        return tally.finish();
    }
    let kit = fetch::kit(ctx)?;
    if wanted("vms") {
        tenants::run_all(ctx, &kit, &mut tally);
    }
    if wanted("vfio") {
        vfio::run_all(ctx, &kit, &mut tally);
    }
    if wanted("sriov") {
        sriov::run_all(ctx, &kit, &mut tally);
    }
    tally.finish()
}

/// The command `vm`: a guest with a shell in this terminal.
pub(crate) fn interactive(ctx: &Ctx, args: &Args) -> Result<()> {
    let kit = fetch::kit(ctx)?;
    let image = guest_image(ctx, &kit)?;
    let numbered = (1..).zip(&args.sockets);
    let plan = Plan {
        name: "guest",
        image: &image,
        memory_mib: args.memory,
        cpus: 1,
        kernel: "quiet",
        qemu: numbered
            .flat_map(|(index, socket)| guest::served_function(index, socket))
            .collect(),
    };
    let mut qemu = guest::command(&kit, &plan);
    qemu.args(["-serial", "mon:stdio"]);
    eprintln!("    {}", typed(&qemu));
    eprintln!("    Ctrl-A X ends it");
    run(&mut qemu)
}

/// A NIC and its guests.
trait World {
    fn nic(&self) -> &Nic<'_>;
}

/// Starts a world and tries things in it, in order; later ones may build on earlier ones.
fn play<W: World>(
    tally: &mut Tally,
    beginning: &str,
    start: impl FnOnce() -> Result<W>,
    steps: impl IntoIterator<Item = (&'static str, impl FnOnce(&mut W) -> Result<()>)>,
) {
    let mut world = None;
    tally.check(beginning, || {
        world = Some(start()?);
        Ok(())
    });
    let Some(mut world) = world else { return };
    for (name, step) in steps {
        tally.check(name, || {
            let result = step(&mut world);
            if result.is_err() {
                world.nic().show_log();
            }
            result
        });
    }
}

/// A command as it can be typed.
fn typed(command: &Command) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./=,:+".contains(char);
    let words = iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| match word.to_string_lossy() {
        word if word.chars().all(plain) => word.into_owned(),
        word => format!("'{}'", word.replace('\'', r"'\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The image of a guest that has a VF: Debian's own driver, nothing of ours.
fn guest_image(ctx: &Ctx, kit: &Kit) -> Result<PathBuf> {
    let contents = Contents {
        modules: vec!["virtio_pci", "virtio_net", "8021q"],
        ..Contents::default()
    };
    image::make(ctx, kit, "guest", &contents)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::typed;

    #[test]
    fn words_are_quoted_where_a_shell_would_split_them() {
        let mut command = Command::new("./qemu");
        command.args(["-m", "256", r#"{"bus":"a"}"#, "it's"]);
        assert_eq!(typed(&command), r#"./qemu -m 256 '{"bus":"a"}' 'it'\''s'"#);
    }
}
