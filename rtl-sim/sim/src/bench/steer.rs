// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What it takes to configure the queues of all VFs.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use hairpin_driver::config::{Config, Plan};

use super::{Bench, Figure};
use crate::model::{Options, Variant};
use crate::nic::Nic;

/// Most register reads for each filter.
const GOAL: f64 = 1.0;

/// A vPort and a hash for every VF, and as many filters as there is room for.
fn config(vfs: u8, tuples: u8, ethertypes: u8) -> Result<String> {
    let mut text = "version = 1\n[[vvlan]]\nid = 100\nvlan = 10\n".to_owned();
    for vf in 0..vfs {
        write!(
            text,
            "[[vport]]\nname = \"vf{vf}\"\nvvlan = 100\nmac = \"02:00:00:00:00:{vf:02x}\"\n\
             [[rss]]\nvport = \"vf{vf}\"\nqueues = [0, 1, 2, 3]\n"
        )?;
    }
    for n in 0..tuples {
        let (vf, queue) = (n % vfs, n % 4);
        write!(
            text,
            "[[filter]]\nvport = \"vf{vf}\"\nqueue = {queue}\nsrc = \"10.{n}.0.0/16\"\ndst = \"10.1.2.{n}\"\n\
             proto = \"tcp\"\nsport = {n}\ndport = 443\npriority = {}\n",
            n % 8
        )?;
    }
    for n in 0..ethertypes {
        let (vf, queue) = (n % vfs, n % 4);
        let ethertype = 0x8900 + u16::from(n);
        write!(
            text,
            "[[filter]]\nvport = \"vf{vf}\"\nqueue = {queue}\nethertype = {ethertype}\n"
        )?;
    }
    Ok(text)
}

impl Bench {
    /// Register reads per filter, when all that there is room for are written.
    pub(super) fn steering(&mut self) -> Result<()> {
        let options = Options {
            variant: Variant::Fast,
            seed: self.seed,
            rings: true,
            ..Options::default()
        };
        let mut nic = Nic::start(&options, &self.image, false)?;
        let (vfs, room) = (nic.device.capabilities().vfs, nic.device.filter_room()?);
        let text = config(vfs, room.five_tuple, room.ethertype)?;
        let config = Config::parse(&text, "bench".as_ref())?;
        let plan = Plan::new(&config, nic.device.capabilities())?;
        nic.device.apply(&plan)?;
        let queues = nic.device.plan_vfs(&config)?;
        let reads = nic.device.transport_mut().reads();
        nic.device.write_filters(queues.filters())?;
        let of_filters = nic.device.transport_mut().reads() - reads;
        let start = nic.now();
        nic.device.set_up_vfs(&queues)?;
        let (all, clocks) = (
            nic.device.transport_mut().reads() - reads - of_filters,
            nic.now() - start,
        );
        let there = nic.device.filters()?;
        let wanted = queues.filters();
        let same = there
            .iter()
            .map(|(place, filter)| (*place, Some(*filter)))
            .eq(wanted.iter().copied());
        ensure!(same, "the NIC has other filters: {there:?}");
        let value = of_filters as f64 / wanted.len() as f64;
        self.figures.push(Figure {
            id: "P12",
            case: format!("{} filters of {vfs} VFs", wanted.len()),
            value,
            unit: "register reads/filter",
            goal: Some(format!("≤ {GOAL}")),
            met: Some(value <= GOAL),
            method: format!(
                "each read back whole afterwards; pools, filters and hashes of all VFs: {all} reads, {clocks} clocks"
            ),
            seed: self.seed,
            peer: None,
        });
        Ok(())
    }
}
