// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `apply`: from a configuration to a live NIC.

use std::fs::File;
use std::io::{self, Read, Write};

use hairpin_abi::admin::Command;
use hairpin_abi::{CfgRow, PortRow, VPort, VVlan};
use hairpin_driver::config::{Config, Plan};
use hairpin_driver::firmware::StartOptions;
use hairpin_driver::image::FirmwareImage;
use hairpin_driver::report::FirmwareRun;
use hairpin_driver::{Device, Diagnostic, PfBar};

use crate::args::{ApplyArgs, Global};
use crate::{firmware, nic};

/// Core clocks without a sign of life after which the watchdog calls the firmware hung.
const WATCHDOG: u32 = 1_000_000;

/// Runs it.
pub(crate) fn run(args: ApplyArgs, global: &Global) -> Result<(), Diagnostic> {
    let config = Config::read(&args.config)?;
    if args.dry_run && global.device.is_none() {
        say(global, &format!("{}: no errors", args.config.display()));
        return Ok(());
    }
    let mut device = nic::live(global)?;
    let plan = Plan::new(&config, device.capabilities())?;
    let vfs = device.plan_vfs(&config)?;
    if args.dry_run {
        let steps = plan.steps().count();
        let text = format!("{}: fits the NIC, {steps} steps", args.config.display());
        say(global, &text);
        return Ok(());
    }
    let configured = is_configured(&mut device)?;
    if configured && !args.replace {
        return Err(Diagnostic::new(
            "already-configured",
            "the NIC is configured already; a second configuration on top would be a mixture",
        )
        .field("--device")
        .help("put this one in its place with --replace, or change single things: `hairpin port set`, `fdb add` …"));
    }
    // Nothing is forwarded from here on until the configuration is in.
    close(&mut device)?;
    if device.health()?.run != FirmwareRun::Running {
        let (_, image) = firmware::read(args.firmware)?;
        start(&mut device, &image)?;
    }
    clear(&mut device)?;
    device.apply(&plan)?;
    device.set_up_vfs(&vfs)?;
    say(global, &format!("{}: applied", args.config.display()));
    Ok(())
}

/// Whether a NIC has a configuration. Without a vPort nothing is forwarded, whatever else there is.
fn is_configured(device: &mut Device<PfBar>) -> Result<bool, Diagnostic> {
    for vport in VPort::all().take(device.capabilities().vfs.into()) {
        if device.read_port(vport)? != PortRow::DISABLED {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Closes every vPort and the uplink.
fn close(device: &mut Device<PfBar>) -> Result<(), Diagnostic> {
    for vport in VPort::all().take(device.capabilities().vfs.into()) {
        if device.read_port(vport)? != PortRow::DISABLED {
            device.write_port(vport, &PortRow::DISABLED)?;
        }
    }
    Ok(device.write_cfg(&CfgRow::default())?)
}

/// Loads and starts the firmware.
fn start(device: &mut Device<PfBar>, image: &FirmwareImage) -> Result<(), Diagnostic> {
    device.load_firmware(image)?;
    let options = StartOptions {
        seeds: random()?,
        watchdog_cycles: WATCHDOG,
    };
    Ok(device.start_firmware(image, options)?)
}

/// Removes what an earlier configuration left in the firmware's tables; they survive its restart.
fn clear(device: &mut Device<PfBar>) -> Result<(), Diagnostic> {
    for vvlan in device.vvlan_states()? {
        if let Some(id) = VVlan::new(vvlan.id) {
            device.admin(&Command::VVlanDel { id })?;
        }
    }
    device.admin(&Command::PeerSet(None))?;
    Ok(())
}

/// Seeds of the tables' hashes. No tenant may know them.
fn random() -> Result<[u32; 4], Diagnostic> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| {
            Diagnostic::new("no-random", format!("cannot read /dev/urandom: {error}"))
        })?;
    let (words, _) = bytes.as_chunks::<4>();
    Ok(std::array::from_fn(|word| u32::from_le_bytes(words[word])))
}

/// A word for a person. There is no document: the exit status says it all.
fn say(global: &Global, text: &str) {
    if !global.json {
        let _ = writeln!(io::stderr(), "{text}");
    }
}
