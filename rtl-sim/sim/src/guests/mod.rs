// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `guests`: what one VF's guest can do to the others, with the whole NIC and rings in host memory.
//!
//! Every access to memory is asked whether it was offered, every frame that arrives whether it is the next one, and
//! every decision of the NIC is compared with the golden model.

mod guest;
mod headers;
mod hostile;
mod memory;
mod reset;

use std::ops::Range;

use anyhow::{Result, bail, ensure};
use clap::Args;
use hairpin_driver::config::{Config, Plan};
use hairpin_driver::image::FirmwareImage;

use crate::model::{Bus, Cycle, Options, RunMode, Variant};
use crate::nic::{Blind, Nic, Observer, read_firmware};
use crate::scoreboard::Left;
use guest::Guest;
pub(crate) use guest::{CSUM, FEATURES};
use memory::Memories;

/// Arguments of `guests`.
#[derive(Args, Clone, Copy, Debug)]
pub struct GuestsArgs {
    /// States of the rings that the hostile guest makes
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub states: u32,
    /// Seed of everything
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only one part
    #[arg(long, value_enum)]
    pub only: Option<Part>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Random rings
    Rings,
    /// Function-level resets at every clock
    Resets,
    /// Headers of frames to send
    Headers,
}

/// Runs all parts.
///
/// # Errors
/// A guest noticed another one, or the NIC did something other than its golden model.
pub fn run(args: &GuestsArgs) -> Result<()> {
    let image = read_firmware(None)?;
    if args.only.is_none_or(|part| part == Part::Resets) {
        reset::run(&image, args.seed)?;
    }
    if args.only.is_none_or(|part| part == Part::Headers) {
        headers::run(&image, args.seed)?;
    }
    if args.only.is_none_or(|part| part == Part::Rings) {
        hostile::run(&image, args.seed, args.states)?;
    }
    Ok(())
}

/// VFs 0 and 1 of one tenant, the others of another.
fn config(vfs: u8) -> String {
    let mut text =
        "version = 1\n[[vvlan]]\nid = 200\nvlan = 20\n[[vvlan]]\nid = 100\nvlan = 10\n".to_owned();
    for vf in 0..vfs {
        let vvlan = if vf < 2 { 200 } else { 100 };
        text += &format!(
            "[[vport]]\nname = \"vf{vf}\"\nvvlan = {vvlan}\nmac = \"02:00:00:00:00:{vf:02x}\"\n"
        );
    }
    text
}

/// Bytes of the frames that guests send, without FCS.
pub(crate) const FRAME: usize = 60;

/// Frame `n` of a guest to another.
fn frame(from: u8, to: u8, n: u32) -> [u8; FRAME] {
    let mut frame = [from ^ 0x5a; FRAME];
    frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from]);
    frame[12..14].copy_from_slice(&0x9000_u16.to_be_bytes());
    frame[14..18].copy_from_slice(&n.to_be_bytes());
    frame
}

/// Frames that arrived at a guest.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    next: u32,
    got: u32,
    /// Those that are missing between others.
    missing: u32,
}

/// Clocks between two looks of the guests at their rings.
const LOOK: u64 = 16;

/// When frames left for the guests.
#[derive(Debug, Default)]
struct Out {
    first: Option<Cycle>,
    last: Cycle,
    count: u64,
}

impl Observer for Out {
    fn input(&mut self, _: Cycle, _: u8, _: u32) {}
    fn output(&mut self, cycle: Cycle, _: u8, _: &[u8], _: Left) {
        self.first.get_or_insert(cycle);
        self.last = cycle;
        self.count += 1;
    }
}

/// A NIC, and guests that send to each other in pairs.
pub(crate) struct Company {
    nic: Nic,
    memories: Memories,
    guests: Vec<Guest>,
    tallies: Vec<Tally>,
}

impl Company {
    /// Guests on these VFs, which accept `features`: number 0 and 1 send to each other, 2 and 3, and so on.
    ///
    /// # Errors
    /// The NIC or its firmware did not start.
    pub(crate) fn new(
        image: &FirmwareImage,
        variant: Variant,
        seed: u64,
        latency: u32,
        vfs: &[u8],
        features: u64,
    ) -> Result<Self> {
        let options = Options {
            variant,
            seed,
            rings: true,
            ..Options::default()
        };
        let mut nic = Nic::start(&options, image, false)?;
        let n_vf = nic.model().n_vf() as u8;
        let memories = Memories::new(n_vf.into());
        let bus = Bus {
            read_latency: latency,
            write_latency: latency / 2,
            seed,
            ..Bus::default()
        };
        nic.model().set_host(Box::new(memories.clone()), bus);
        let config = Config::parse(&config(n_vf), "guests".as_ref())?;
        let plan = Plan::new(&config, nic.device.capabilities())?;
        nic.device.apply(&plan)?;
        let queues = nic.device.plan_vfs(&config)?;
        nic.device.set_up_vfs(&queues)?;
        nic.play(&mut Blind, &mut |_| {})?;
        let mut guests = Vec::new();
        for &vf in vfs {
            let mut guest = Guest::new(&memories, vf, features);
            guest.start(&nic)?;
            guests.push(guest);
        }
        Ok(Self {
            nic,
            memories,
            tallies: vec![Tally::default(); guests.len()],
            guests,
        })
    }

    /// Guest `n` sends its next frame, if there is room.
    fn send(&mut self, n: usize) -> Result<bool> {
        let to = self.guests[n ^ 1].vf;
        let guest = &mut self.guests[n];
        if guest.room() == 0 {
            return Ok(false);
        }
        let next = guest.sent;
        guest.send(&frame(guest.vf, to, next))?;
        Ok(true)
    }

    /// Every guest looks at its rings; what came has to be what its partner sent, in order.
    fn poll(&mut self) -> Result<()> {
        self.poll_but(None)
    }

    /// All but one.
    fn poll_but(&mut self, but: Option<usize>) -> Result<()> {
        for n in (0..self.guests.len()).filter(|&n| Some(n) != but) {
            let from = self.guests[n ^ 1].vf;
            let guest = &mut self.guests[n];
            let (vf, tally) = (guest.vf, &mut self.tallies[n]);
            let mut wrong = None;
            guest.poll(&self.nic, |bytes| {
                let number = bytes.get(14..18).and_then(|b| b.try_into().ok());
                let number = number.map_or(u32::MAX, u32::from_be_bytes);
                if bytes != frame(from, vf, number) || number < tally.next {
                    wrong.get_or_insert_with(|| bytes.to_vec());
                    return;
                }
                tally.missing += number - tally.next;
                tally.next = number + 1;
                tally.got += 1;
            })?;
            if let Some(bytes) = wrong {
                bail!("vf{vf} got a frame that nobody sent it now: {bytes:02x?}");
            }
        }
        Ok(())
    }

    /// Waits until the NIC says so of resets.
    fn wait_flr(&mut self, flr: u64, on: bool) -> Result<()> {
        /// Clocks that a reset may take.
        const LIMIT: u64 = 20_000;
        let start = self.nic.now();
        while (self.nic.model().status().flr_done & flr != 0) != on {
            self.step(1, &mut Blind)?;
            ensure!(
                self.nic.now() < start + LIMIT,
                "a function-level reset does not end"
            );
        }
        Ok(())
    }

    fn step(&mut self, clocks: u64, observer: &mut dyn Observer) -> Result<()> {
        self.nic.step(clocks, RunMode::EXACT, observer)?;
        Ok(())
    }

    /// Nothing happened to memory that its owner did not ask for, and all decisions were right.
    fn check(&self, careless: Option<u8>) -> Result<()> {
        for (vf, deeds) in self.memories.deeds().into_iter().enumerate() {
            let refused = if careless == Some(vf as u8) {
                0
            } else {
                deeds.refused
            };
            ensure!(
                refused == 0 && deeds.stray == 0 && deeds.unasked == 0,
                "vf{vf}: {deeds:?}"
            );
        }
        if let Some(mismatch) = self.nic.scoreboard.mismatches().first() {
            bail!("{mismatch}");
        }
        Ok(())
    }

    /// Every guest sends as fast as its ring takes, until so many frames were delivered. Gives clocks for each, and the
    /// share that found no buffer.
    ///
    /// # Errors
    /// A frame was not the one that was sent.
    pub(crate) fn flood(&mut self, frames: u32) -> Result<(f64, f64)> {
        let warm = frames / 4;
        let mut out = Out::default();
        while self.got() < warm + frames {
            for n in 0..self.guests.len() {
                while self.send(n)? {}
            }
            self.poll()?;
            if self.got() < warm {
                self.step(LOOK, &mut Blind)?;
            } else {
                self.step(LOOK, &mut out)?;
            }
        }
        self.check(None)?;
        let first = out.first.unwrap_or(out.last);
        let per_frame = (out.last - first) as f64 / (out.count.max(2) - 1) as f64;
        let missing: u32 = self.tallies.iter().map(|tally| tally.missing).sum();
        Ok((
            per_frame,
            f64::from(missing) / f64::from(self.got() + missing),
        ))
    }

    /// Every frame sent to these guests has arrived; how many that is.
    fn all_there(&self, guests: Range<usize>) -> Result<u32> {
        let mut all = 0;
        for n in guests {
            let (got, sent) = (self.tallies[n].got, self.guests[n ^ 1].sent);
            let vf = self.guests[n].vf;
            ensure!(got == sent, "vf{vf} lost {} of {sent} frames", sent - got);
            all += got;
        }
        Ok(all)
    }

    fn got(&self) -> u32 {
        self.tallies.iter().map(|tally| tally.got).sum()
    }
}
