// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `top`: what moves through a live NIC, again and again.

mod screen;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::thread;

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
        let ports = nic::port_counters(device, None)?;
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
            interval: ticks.checked_sub(self.ticks).unwrap_or(ticks),
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

/// What has been counted since. Of what was not there, nobody knows when it was counted.
fn since(now: &Counts, before: &Counts) -> Counts {
    let of = |(name, counters): (&String, &Counters)| {
        let before = before.get(name).unwrap_or(counters);
        (name.clone(), counters.since(before))
    };
    now.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Counters, Counts, since};

    fn counts(name: &str, in_frames: u64, spoofed: u64) -> Counts {
        let counters = Counters {
            in_frames,
            drops: BTreeMap::from([("spoofed".to_owned(), spoofed)]),
            ..Counters::default()
        };
        Counts::from([(name.to_owned(), counters)])
    }

    #[test]
    fn only_what_was_counted_between_two_looks_is_shown() {
        let moved = &since(&counts("vf0", 12, 3), &counts("vf0", 5, 3))["vf0"];
        assert_eq!((moved.in_frames, moved.drops.len()), (7, 0));
        let anew = &since(&counts("vf0", 4, 1), &counts("vf0", 5, 3))["vf0"];
        assert_eq!((anew.in_frames, anew.drops["spoofed"]), (4, 1));
        let unseen = &since(&counts("100", 9, 2), &Counts::new())["100"];
        assert_eq!(*unseen, Counters::default());
    }
}
