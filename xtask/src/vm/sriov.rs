// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SR-IOV by the kernel, and the token between the user of a PF and those of its VFs. vfio-user hides SR-IOV from a
//! guest, so this is with an 82576 that QEMU emulates: `hairpin` gets as far as to see that it is no NIC of ours.

use anyhow::{Context as _, Result, ensure};

use super::fetch::Kit;
use super::guest::Guest;
use super::{image, vfio};
use crate::ctx::Ctx;
use crate::tally::Tally;

const PF: &str = "0000:01:00.0";
const TOKEN: &str = "6e8d7a54-2f0b-4f1e-9a53-0c7d5b1e2f3a";
const OTHER: &str = "6e8d7a54-2f0b-4f1e-9a53-0c7d5b1e2f3b";
/// Codes of errors: the device was opened, and is another one; it could not be opened.
const OPENED: &str = "not-hairpin";
const REFUSED: &str = "no-device";

/// Runs everything.
pub(super) fn run_all(ctx: &Ctx, kit: &Kit, tally: &mut Tally) {
    tally.check(
        "sriov: VFs of a PF under VFIO open with its token and not without",
        || tokens(ctx, kit),
    );
}

fn tokens(ctx: &Ctx, kit: &Kit) -> Result<()> {
    let image = image::make(ctx, kit, "vfio", &vfio::contents(ctx)?)?;
    let devices = [
        "-device",
        "pcie-root-port,id=port1,chassis=1",
        "-device",
        "igb,bus=port1",
    ];
    let plan = vfio::plan(&image, "igb", devices.map(str::to_owned).into());
    let mut guest = Guest::start(kit, &kit.dir.join("sriov"), &plan)?;
    guest.wait()?;
    guest.run(&vfio::give_to_vfio(PF))?;
    guest.run("echo 1 >/sys/module/vfio_pci/parameters/enable_sriov")?;
    guest.run(&format!("echo 2 >/sys/bus/pci/devices/{PF}/sriov_numvfs"))?;
    let link = format!("basename $(readlink /sys/bus/pci/devices/{PF}/virtfn1)");
    let vf = guest.run(&link).context("no VF was made")?;

    let open =
        |guest: &mut Guest, address: &str, token: Option<&str>, expected: &str| -> Result<()> {
            let token = token
                .map(|token| format!("--vf-token {token}"))
                .unwrap_or_default();
            let line = format!("hairpin -d pci/{address} {token} --json dev info");
            let (status, said) = guest.attempt(&line, std::time::Duration::from_secs(60))?;
            ensure!(
                status == 1 && said.contains(expected),
                "`{line}`: status {status}, {said}"
            );
            Ok(())
        };
    open(&mut guest, PF, Some(TOKEN), OPENED)?;
    open(&mut guest, &vf, None, REFUSED)?;
    open(&mut guest, &vf, Some(OTHER), REFUSED)?;
    open(&mut guest, &vf, Some(TOKEN), OPENED)
}
