// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel's VFIO: a guest with an emulated IOMMU has the PF and VFs, and `hairpin` in it drives them.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::fetch::Kit;
use super::guest::{Guest, Plan, served_function};
use super::image::{self, Contents};
use super::nic::Nic;
use crate::ctx::Ctx;
use crate::tally::Tally;

/// VFs that the guest has beside the PF.
const VFS: usize = 2;
const CONFIG: &str = "examples/vms/nic.toml";

type Step = fn(&mut World<'_>) -> Result<()>;

const STEPS: [(&str, Step); 2] = [
    ("vfio: each function is alone in its IOMMU group", groups),
    ("vfio: vfio-pci takes the functions", bind),
];

/// Runs everything.
pub(super) fn run_all(ctx: &Ctx, kit: &Kit, tally: &mut Tally) {
    let mut world = None;
    tally.check("vfio: a guest with an IOMMU, the PF and VFs starts", || {
        world = Some(World::start(ctx, kit)?);
        Ok(())
    });
    let Some(mut world) = world else { return };
    for (name, step) in STEPS {
        tally.check(name, || {
            let result = step(&mut world);
            if result.is_err() {
                world.nic.show_log();
            }
            result
        });
    }
}

struct World<'a> {
    guest: Guest,
    nic: Nic<'a>,
}

/// What is in the image of guests that run `hairpin`.
pub(super) fn contents(ctx: &Ctx) -> Result<Contents> {
    let mut contents = Contents {
        modules: vec!["vfio_pci", "vfio_iommu_type1"],
        files: vec![
            ("hairpin-nic.elf".to_owned(), ctx.firmware_elf()),
            ("nic.toml".to_owned(), ctx.root.join(CONFIG)),
        ],
    };
    contents.program("bin/hairpin", &ctx.sim_bin("hairpin"))?;
    Ok(contents)
}

/// QEMU's IOMMU, with what vfio-user needs of it.
pub(super) const IOMMU: [&str; 2] = ["-device", "intel-iommu,intremap=on,caching-mode=on"];

impl<'a> World<'a> {
    fn start(ctx: &'a Ctx, kit: &Kit) -> Result<Self> {
        let logs = kit.dir.join("vfio");
        let image = image::make(ctx, kit, "vfio", &contents(ctx)?)?;
        let nic = Nic::start(ctx, &logs, Path::new(CONFIG), VFS)?;
        let mut qemu: Vec<String> = IOMMU.map(str::to_owned).into();
        qemu.extend(served_function(1, &nic.pf()));
        for vf in 0..VFS {
            qemu.extend(served_function(2 + vf, &nic.vf(vf)));
        }
        let plan = Plan {
            name: "host",
            image: &image,
            memory_mib: 512,
            cpus: 1,
            kernel: "intel_iommu=on",
            qemu,
        };
        let mut guest = Guest::start(kit, &logs, &plan)?;
        guest.wait()?;
        Ok(Self { guest, nic })
    }
}

/// The function behind a root port: bus numbers go up with the ports.
fn address(index: usize) -> String {
    format!("0000:{:02x}:00.0", index + 1)
}

fn groups(world: &mut World<'_>) -> Result<()> {
    for index in 0..=VFS {
        let address = address(index);
        let said = world.guest.run(&format!(
            "ls /sys/bus/pci/devices/{address}/iommu_group/devices"
        ))?;
        ensure!(said == address, "in the group of {address}: {said}");
    }
    Ok(())
}

fn bind(world: &mut World<'_>) -> Result<()> {
    for index in 0..=VFS {
        let address = address(index);
        let said = world.guest.run(&format!(
            "cd /sys/bus/pci/devices/{address}; echo vfio-pci >driver_override; \
             echo {address} >/sys/bus/pci/drivers_probe; basename $(readlink driver); cat vendor device"
        ))?;
        let facts: Vec<_> = said.lines().collect();
        let device = if index == 0 { "0x10f0" } else { "0x1041" };
        ensure!(
            facts == ["vfio-pci", "0x1af4", device],
            "{address}: {facts:?}"
        );
        world.guest.run("ls /dev/vfio").context("no VFIO groups")?;
    }
    Ok(())
}
