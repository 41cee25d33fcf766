// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A function-level reset at every clock of a transmission and of a reception.

use anyhow::{Result, ensure};
use hairpin_driver::image::FirmwareImage;

use super::guest::ENTRIES;
use super::memory::{Offer, SIZE};
use super::{CSUM, Company, FEATURES};
use crate::model::Variant;
use crate::nic::Blind;

/// Clocks after a transmission or reception is over that are tried as well.
const BEYOND: u64 = 32;
/// Clocks that a frame may take.
const LIMIT: u64 = 20_000;
/// Clocks in which nothing may happen after a reset.
const QUIET: u64 = 400;

/// Who is reset.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Sender,
    Receiver,
}

pub(super) fn run(image: &FirmwareImage, seed: u64) -> Result<()> {
    for (victim, features) in [
        (Victim::Sender, FEATURES),
        (Victim::Sender, FEATURES | CSUM),
        (Victim::Receiver, FEATURES),
    ] {
        // VFs 2 and 3 are bystanders.
        let mut company = Company::new(image, Variant::Check, seed, 20, &[0, 1, 2, 3], features)?;
        let length = company.exchange()?;
        let mut delivered = 0;
        for at in 0..length + BEYOND {
            delivered += u32::from(company.reset_at(victim, at)?);
        }
        company.check(None)?;
        let bystanders = company.all_there(2..4)?;
        let what = [" with checksums", ""][usize::from(!company.guests[0].sums)];
        println!(
            "seed {seed}: {victim:?}{what} reset at each of {} clocks of a transfer that takes {length}: no access later, all state zero, \
             {delivered} of the frames under way delivered, {} frames of bystanders, none lost",
            length + BEYOND,
            bystanders
        );
    }
    Ok(())
}

impl Company {
    /// Guest 0 sends guest 1 a frame: clocks until it is there.
    fn exchange(&mut self) -> Result<u64> {
        let before = self.tallies[1].got;
        ensure!(self.send(0)?, "no room");
        self.poll()?;
        let start = self.nic.now();
        while self.tallies[1].got == before {
            self.step(1, &mut Blind)?;
            self.poll()?;
            ensure!(self.nic.now() < start + LIMIT, "a frame does not arrive");
        }
        Ok(self.nic.now() - start)
    }

    /// Resets one of the two so many clocks after guest 0 has rung. Whether guest 1 got the frame nevertheless.
    fn reset_at(&mut self, victim: Victim, at: u64) -> Result<bool> {
        let (n, flr) = match victim {
            Victim::Sender => (0, 1),
            Victim::Receiver => (1, 2),
        };
        let vf = self.guests[n].vf;
        for bystander in [2, 3] {
            ensure!(self.send(bystander)?, "no room");
        }
        let before = self.tallies[1].got;
        ensure!(self.send(0)?, "no room");
        self.poll()?;
        self.step(at, &mut Blind)?;
        self.nic.model().set_functions(flr, 0, 0);
        self.wait_flr(flr, true)?;
        // From here on the function makes no access.
        self.memories.of(vf, |memory| {
            memory.silent = true;
            memory.offer(0, SIZE, Offer::Nothing);
        });
        self.step(QUIET, &mut Blind)?;
        self.nic.model().set_functions(0, 0, 0);
        self.wait_flr(flr, false)?;
        self.is_zero(n)?;
        self.step(QUIET, &mut Blind)?;
        let unasked = self.memories.of(vf, |memory| memory.deeds.unasked);
        ensure!(
            unasked == 0,
            "{victim:?} reset after {at} clocks: {unasked} accesses after it"
        );
        self.poll_but(Some(n))?;
        let delivered = self.tallies[1].got != before || self.guests[1].has_news();
        // That frame is there by now, or nobody will ever see it.
        self.tallies[1].next = self.guests[0].sent;
        self.guests[n].start(&self.nic)?;
        self.exchange()?;
        self.step(QUIET, &mut Blind)?;
        self.poll()?;
        Ok(delivered)
    }

    /// The guest's status and queues are those after power-up.
    fn is_zero(&self, n: usize) -> Result<()> {
        let registers = self.guests[n].registers;
        ensure!(registers.status(&self.nic)? == 0, "status after a reset");
        for queue in 0..2 {
            let [size, enable, rings @ ..] = registers.queue(&self.nic, queue)?;
            ensure!(
                size >= u32::from(ENTRIES) && enable == 0 && rings == [0; 6],
                "queue {queue} after a reset: {size} {enable} {rings:x?}"
            );
        }
        Ok(())
    }
}
