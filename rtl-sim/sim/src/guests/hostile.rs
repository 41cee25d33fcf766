// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A guest whose rings are whatever they please, beside two that work.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use hairpin_abi::virtio::QueueError;
use hairpin_driver::image::FirmwareImage;

use super::guest::{
    CSUM, CTRL_VLAN, ENTRIES, FEATURES, GUEST_CSUM, HEADER, INDIRECT, MANY_QUEUES, Place, Registers,
};
use super::memory::{Memory, SIZE};
use super::{Company, FRAME, LOOK, frame};
use crate::model::{Cycle, Variant};
use crate::nic::Blind;
use crate::rng::Rng;

/// The VF of the hostile guest; another tenant's than that of the bystanders.
const HOSTILE: u8 = 0;
/// Its queues: the first ones of its pool, and the control queue.
const QUEUES: [u16; 8] = [0, 1, 2, 3, 4, 5, 6, 8];
/// Clocks between two frames of a bystander.
const PACE: u64 = 64;
/// Clocks that the NIC gets to look at a set of rings.
const TIME: u64 = 160;
/// Clocks that the bystanders are measured alone.
const ALONE: u64 = 200_000;

pub(super) fn run(image: &FirmwareImage, seed: u64, states: u32) -> Result<()> {
    let mut company = Company::new(image, Variant::Check, seed, 64, &[2, 3], FEATURES)?;
    let mut attack = Attack {
        rng: Rng::new(seed),
        registers: Registers::new(HOSTILE),
        due: company.nic.now(),
        ends: BTreeMap::new(),
        states: 0,
        wild: Wild([0; 6]),
    };
    let start = company.nic.now();
    while company.nic.now() < start + ALONE {
        attack.tick(&mut company)?;
    }
    let alone = company.rate(start);
    company.memories.of(HOSTILE, |memory| {
        memory.silent = false;
        memory.careless = true;
        attack.letters(memory);
    });
    let (start, before) = (company.nic.now(), company.got());
    while attack.states < states {
        attack.round(&mut company)?;
    }
    let beside = f64::from(company.got() - before) / (company.nic.now() - start) as f64;
    attack.registers.reset(&company.nic)?;
    // The last frames arrive.
    company.step(ALONE / 100, &mut Blind)?;
    company.poll()?;
    company.check(Some(HOSTILE))?;
    let frames = company.all_there(0..2)?;
    let change = beside / alone - 1.0;
    println!(
        "seed {seed}: {} states of the rings of vf{HOSTILE} in {} clocks; {} queues stopped: {}",
        attack.states,
        company.nic.now() - start,
        attack.ends.values().sum::<u32>(),
        attack.reasons()
    );
    println!(
        "bystanders: {frames} frames, none lost, {:.3} per 1000 clocks ({:.3} alone, {:+.2} %); no access to memory that \
         was not offered",
        beside * 1000.0,
        alone * 1000.0,
        change * 100.0
    );
    ensure!(change.abs() <= 0.01, "bystanders were slowed down");
    Ok(())
}

impl Company {
    /// Frames per clock since then.
    fn rate(&self, since: Cycle) -> f64 {
        f64::from(self.got()) / (self.nic.now() - since) as f64
    }
}

/// How many of a hundred fields of each kind are anything.
#[derive(Clone, Copy, Debug)]
struct Wild([usize; 6]);

impl Wild {
    const INDEX: usize = 0;
    const HEAD: usize = 1;
    const ADDRESS: usize = 2;
    const LENGTH: usize = 3;
    const FLAGS: usize = 4;
    const NEXT: usize = 5;

    /// Those of one kind, or of all.
    fn new(rng: &mut Rng) -> Self {
        let share = *rng.pick(&[1, 5, 20, 60]);
        match rng.below(8) {
            kind @ 0..6 => {
                let mut wild = [0; 6];
                wild[kind] = share;
                Self(wild)
            }
            _ => Self([share; 6]),
        }
    }

    fn at(self, kind: usize, rng: &mut Rng) -> bool {
        rng.percent(self.0[kind])
    }
}

struct Attack {
    rng: Rng,
    registers: Registers,
    /// When the bystanders send next.
    due: Cycle,
    /// Codes of queues that were stopped.
    ends: BTreeMap<u8, u32>,
    states: u32,
    /// Of this round.
    wild: Wild,
}

impl Attack {
    /// The bystanders work for a moment.
    fn tick(&mut self, company: &mut Company) -> Result<()> {
        while company.nic.now() >= self.due {
            for n in 0..2 {
                company.send(n)?;
            }
            self.due += PACE;
        }
        company.poll()?;
        company.step(LOOK, &mut Blind)
    }

    /// Frames to the bystanders, some with an address of theirs as source, in all buffers.
    fn letters(&mut self, memory: &mut Memory) {
        for queue in 0..8 {
            for n in 0..ENTRIES {
                let at = Place::of(queue).buffer(n);
                let from = *self.rng.pick(&[HOSTILE, HOSTILE, 2, 3]);
                let to = *self.rng.pick(&[1, 2, 3]);
                let header = self.header();
                memory.write(at, &header);
                memory.write(at + HEADER, &frame(from, to, self.rng.next() as u32));
            }
        }
    }

    /// A header: none, one that may ask for a checksum in the frame, or anything.
    fn header(&mut self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        if self.rng.percent(60) {
            let anything = [self.rng.next().to_le_bytes(), self.rng.next().to_le_bytes()];
            for (to, from) in header.iter_mut().zip(anything.into_iter().flatten()) {
                *to = from;
            }
        }
        if self.rng.percent(60) {
            header[0] |= 1;
            header[1] = 0;
            header[6..10].copy_from_slice(&[
                self.rng.below(FRAME) as u8,
                0,
                self.rng.below(8) as u8,
                0,
            ]);
        }
        header
    }

    /// Sets the device up, fills all rings with something, rings, and looks what becomes of it.
    fn round(&mut self, company: &mut Company) -> Result<()> {
        let registers = self.registers;
        self.wild = Wild::new(&mut self.rng);
        if self.rng.percent(6) {
            company.nic.model().set_functions(1, 0, 0);
            company.wait_flr(1, true)?;
            company.nic.model().set_functions(0, 0, 0);
            company.wait_flr(1, false)?;
        }
        registers.reset(&company.nic)?;
        let mut wanted = FEATURES | MANY_QUEUES;
        for feature in [INDIRECT, CSUM, GUEST_CSUM, CTRL_VLAN] {
            if self.rng.percent(70) {
                wanted |= feature;
            }
        }
        registers.negotiate(&company.nic, wanted)?;
        self.tick(company)?;
        for (n, queue) in (0..).zip(QUEUES) {
            company.memories.of(HOSTILE, |memory| {
                self.rings(memory, Place::of(n), queue, None);
            });
            registers.enable(&company.nic, queue, ENTRIES, Place::of(n).rings())?;
            self.tick(company)?;
        }
        registers.start(&company.nic)?;
        for queue in QUEUES {
            registers.bell(&company.nic, queue)?;
        }
        self.states += QUEUES.len() as u32;
        let until = company.nic.now() + TIME;
        while company.nic.now() < until {
            self.tick(company)?;
            if self.rng.percent(20) {
                // While the NIC reads them.
                let n = self.rng.below(QUEUES.len()) as u16;
                company.memories.of(HOSTILE, |memory| {
                    let then = memory.read16(Place::of(n).avail() + 2);
                    self.rings(memory, Place::of(n), QUEUES[usize::from(n)], Some(then));
                });
            }
        }
        if let Some((code, _)) = company.nic.device.vf_status(HOSTILE)?.bad_queue {
            *self.ends.entry(code).or_default() += 1;
        }
        Ok(())
    }

    /// A state of a queue's rings; `then`: what was available before.
    fn rings(&mut self, memory: &mut Memory, place: Place, queue: u16, then: Option<u16>) {
        let receives = queue.is_multiple_of(2) && queue < 8;
        for n in 0..ENTRIES {
            let words = self.descriptor(place, n, receives);
            place.write_descriptor(memory, n, words);
        }
        let avail = if self.wild.at(Wild::INDEX, &mut self.rng) {
            self.rng.next() as u16
        } else {
            let more = if then.is_some() { 4 } else { ENTRIES.into() };
            then.unwrap_or(0)
                .wrapping_add(self.rng.range(0, more) as u16)
        };
        memory.write(place.avail(), &(self.rng.next() as u16 & 1).to_le_bytes());
        memory.write(place.avail() + 2, &avail.to_le_bytes());
        for n in 0..=usize::from(ENTRIES) {
            let head = if self.wild.at(Wild::HEAD, &mut self.rng) {
                self.rng.next() as u16
            } else {
                self.rng.below(ENTRIES.into()) as u16
            };
            memory.write(place.avail() + 4 + 2 * n, &head.to_le_bytes());
        }
        memory.write(place.used(), &[0; 6 + 8 * ENTRIES as usize]);
    }

    fn descriptor(&mut self, place: Place, n: u16, receives: bool) -> (u64, u32, u16, u16) {
        let (wild, rng) = (self.wild, &mut self.rng);
        let addr = if wild.at(Wild::ADDRESS, rng) {
            let any = rng.next();
            *rng.pick(&[
                0,
                any,
                any % SIZE as u64,
                SIZE as u64 - any % 64,
                u64::MAX - any % 4096,
            ])
        } else {
            place.buffer(n) as u64
        };
        let len = if wild.at(Wild::LENGTH, rng) {
            let any = rng.next() as u32;
            *rng.pick(&[
                0,
                1,
                11,
                12,
                4096,
                0xffff,
                0x1_0000,
                u32::MAX,
                any,
                any % 0x1_0000,
            ])
        } else if receives {
            2048
        } else {
            (HEADER + FRAME) as u32
        };
        let flags = if wild.at(Wild::FLAGS, rng) {
            let any = rng.next() as u16;
            *rng.pick(&[0, 1, 2, 3, 4, 6, 7, any])
        } else {
            let chained = u16::from(rng.percent(10));
            // Now and then with a table of descriptors behind it.
            let indirect = if rng.below(400) == 0 { 4 } else { 0 };
            (chained | if receives { 2 } else { 0 }) | indirect
        };
        let next = if wild.at(Wild::NEXT, rng) {
            rng.next() as u16
        } else {
            (n + 1) % ENTRIES
        };
        (addr, len, flags, next)
    }

    /// Why queues were stopped.
    fn reasons(&self) -> String {
        let name = |code: u8| QueueError::from_code(code).map_or("?", QueueError::name);
        let each = self.ends.iter();
        let each = each.map(|(&code, count)| format!("{} {count}", name(code)));
        each.collect::<Vec<_>>().join(", ")
    }
}
