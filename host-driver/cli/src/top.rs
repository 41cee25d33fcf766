// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `top`: what moves through a live NIC, again and again.

mod screen;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::thread;

use hairpin_abi::{PortId, VPort};
use hairpin_driver::output::{Top, VERSION};
use hairpin_driver::report::Counters;
use hairpin_driver::{Device, Diagnostic, PfBar};

use crate::args::{Global, TopArgs};
use crate::{nic, show};

/// Looks until it is told to end.
pub(crate) fn run(args: &TopArgs, global: &Global) -> Result<(), Diagnostic> {
    let batch = args.batch || global.json;
    if !batch && !io::stdout().is_terminal() {
        return Err(Diagnostic::new("no-terminal", "stdout is no terminal")
            .field("--batch")
            .help("`hairpin top --batch` prints text, `hairpin --json top` JSON"));
    }
    let mut looks = Looks::new(nic::live(global)?)?;
    let mut left = args.count.unwrap_or(u64::MAX);
    if !batch {
        let name = nic::name(global)?.to_string();
        return screen::run(&name, args.interval, left, || looks.look());
    }
    while left > 0 {
        thread::sleep(args.interval);
        show::print(&looks.look()?, global)?;
        left -= 1;
    }
    Ok(())
}

/// Counters by name.
type Counts = BTreeMap<String, Counters>;

/// A NIC, and what was counted at the last look.
struct Looks {
    device: Device<PfBar>,
    ticks: u64,
    ports: Counts,
    vvlans: Counts,
}

impl Looks {
    fn new(device: Device<PfBar>) -> Result<Self, Diagnostic> {
        let mut looks = Self {
            device,
            ticks: 0,
            ports: Counts::new(),
            vvlans: Counts::new(),
        };
        looks.look()?;
        Ok(looks)
    }

    /// What has happened since the last look.
    fn look(&mut self) -> Result<Top, Diagnostic> {
        let device = &mut self.device;
        let health = device.health()?;
        let mut ports = Counts::new();
        let vports = VPort::all().take(device.capabilities().vfs.into());
        let all = vports
            .map(PortId::VPort)
            .chain([PortId::Uplink, PortId::Core]);
        for port in all {
            ports.insert(port.to_string(), device.port_counters(port)?);
        }
        let mut vvlans = Counts::new();
        if health.cause().is_none() {
            for vvlan in device.vvlan_states()? {
                vvlans.insert(vvlan.id.to_string(), device.vvlan_counters(vvlan.instance)?);
            }
        }
        let ticks = device.time()?;
        let top = Top {
            version: VERSION,
            ticks,
            interval: ticks.saturating_sub(self.ticks),
            ports: since(&ports, &self.ports),
            vvlans: since(&vvlans, &self.vvlans),
            tables: device.table_counters()?,
            cause: health.cause(),
            uplink_up: health.uplink_up,
        };
        (self.ticks, self.ports, self.vvlans) = (ticks, ports, vvlans);
        Ok(top)
    }
}

fn since(now: &Counts, before: &Counts) -> Counts {
    let none = Counters::default();
    let of = |(name, counters): (&String, &Counters)| {
        let before = before.get(name).unwrap_or(&none);
        (name.clone(), counters.since(before))
    };
    now.iter().map(of).collect()
}
