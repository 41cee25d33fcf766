// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The example of the guide's page "Program the PF from Rust".

use std::path::Path;

use hairpin_abi::admin::Command;
use hairpin_abi::row::MacKey;
use hairpin_abi::{MacAddr, MacRow, PortId, Target, VPort, VVlan};
use hairpin_driver::config::{Config, Plan};
use hairpin_driver::{DeviceName, Diagnostic};

/// Configures a NIC, moves an address and closes a vPort; returns a line for each port that dropped frames.
pub fn program(device: &str, config: &Path) -> Result<Vec<String>, Diagnostic> {
    // vfio-user/DIR/pf0.sock is a simulator, pci/0000:01:00.0 is hardware.
    let name: DeviceName = device
        .parse()
        .map_err(|what: String| Diagnostic::new("usage", what))?;
    let mut nic = name.open_pf(None)?;
    println!(
        "register map {}, {} VFs",
        nic.info().map_hash,
        nic.capabilities().vfs
    );

    // A whole configuration: all of it or nothing. The firmware must run: `hairpin apply` starts it.
    let config = Config::read(config)?;
    let plan = Plan::new(&config, nic.capabilities())?;
    nic.apply(&plan)?;

    // A command to the firmware, which owns the tables that change: an address is behind vf0 now.
    let (vf0, vf1) = (VPort::new(0), VPort::new(1));
    if let (Some(vf0), Some(vvlan)) = (vf0, VVlan::new(100)) {
        let key = MacKey {
            vvlan,
            mac: MacAddr([0x02, 0, 0, 0, 0x0a, 0x07]),
        };
        let target = Target::VPort(vf0);
        nic.admin(&Command::FdbAdd(MacRow {
            key,
            target,
            is_static: true,
        }))?;
    }

    // A row that the host owns: read, change, write. No frame sees half of it.
    if let Some(vf1) = vf1 {
        let mut row = nic.read_port(vf1)?;
        row.enabled = false;
        nic.write_port(vf1, &row)?;
    }

    // Counters are the hardware's, 64 bits, by reason.
    let mut lines = Vec::new();
    for vport in VPort::all().take(nic.capabilities().vfs.into()) {
        let counters = nic.port_counters(PortId::VPort(vport))?;
        for (reason, count) in counters.drops {
            lines.push(format!("{vport}: {count} x {reason}"));
        }
    }
    Ok(lines)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, device, config] = &args[..] else {
        eprintln!("usage: program DEVICE nic.toml");
        std::process::exit(2);
    };
    match program(device, config.as_ref()) {
        Ok(lines) => lines.iter().for_each(|line| println!("{line}")),
        // Says what is wrong, where, and what to do.
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}
