// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Headers of frames to send: checksums at every place in the frame and outside of it, segmentation that nobody
//! offered, headers and frames cut anywhere. What has to come out of each is known, and how many are refused.

use std::collections::VecDeque;

use anyhow::{Result, bail, ensure};
use hairpin_driver::image::FirmwareImage;

use super::guest::HEADER;
use super::{CSUM, Company, FEATURES, FRAME, LOOK};
use crate::model::Variant;
use crate::nic::Blind;
use crate::rng::Rng;

/// Frames that are sent with and without CSUM.
const FRAMES: u32 = 3000;
/// Clocks in which the last ones have arrived.
const REST: u64 = 20_000;
/// The longest frame, without FCS; of the shortest only the Ethernet header is there.
const LONGEST: usize = 1514;
const ETHERNET: usize = 14;
/// Where the last two bytes of the source address are.
const SOURCE_END: usize = 10;
/// The sender; guest 1 receives.
const SENDER: usize = 0;

pub(super) fn run(image: &FirmwareImage, seed: u64) -> Result<()> {
    for features in [FEATURES | CSUM, FEATURES] {
        let mut company = Company::new(image, Variant::Check, seed, 20, &[0, 1, 2, 3], features)?;
        let mut rng = Rng::new(seed);
        let mut test = Headers {
            sums: features & CSUM != 0,
            ..Headers::default()
        };
        while company.guests[SENDER].sent < FRAMES {
            test.send(&mut company, &mut rng)?;
            test.step(&mut company)?;
        }
        let end = company.nic.now() + REST;
        while company.nic.now() < end {
            test.step(&mut company)?;
        }
        let left = test.expected.len();
        ensure!(left == 0, "{left} frames did not arrive");
        let refused = company
            .nic
            .device
            .vf_status(company.guests[SENDER].vf)?
            .refused;
        ensure!(
            refused == test.refused,
            "{refused} frames refused, not {}",
            test.refused
        );
        let done = company.guests[SENDER].done;
        ensure!(done == FRAMES, "{done} of {FRAMES} chains came back");
        company.check(None)?;
        let bystanders = company.all_there(2..4)?;
        println!(
            "seed {seed}: {FRAMES} headers {} CSUM: {} sums, {refused} frames refused, {} arrived as they must, {} with a source \
             that a sum had made did not; {bystanders} frames of bystanders, none lost",
            if test.sums { "with" } else { "without" },
            test.summed,
            test.arrived,
            test.forged
        );
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Headers {
    sums: bool,
    /// Frames that must come, in this order.
    expected: VecDeque<Vec<u8>>,
    arrived: u32,
    summed: u32,
    refused: u32,
    forged: u32,
}

impl Headers {
    /// Everybody works for a moment.
    fn step(&mut self, company: &mut Company) -> Result<()> {
        company.poll_but(Some(1))?;
        let mut wrong = None;
        company.guests[1].poll(&company.nic, |bytes| {
            let due = self.expected.pop_front();
            if due.as_deref() == Some(bytes) {
                self.arrived += 1;
            } else {
                wrong.get_or_insert_with(|| (bytes.to_vec(), due));
            }
        })?;
        if let Some((came, due)) = wrong {
            bail!("came: {came:02x?}\ndue: {due:02x?}");
        }
        company.step(LOOK, &mut Blind)
    }

    /// The sender's next frame, if there is room; now and then one of the bystanders'.
    fn send(&mut self, company: &mut Company, rng: &mut Rng) -> Result<()> {
        if rng.percent(20) {
            company.send(2)?;
            company.send(3)?;
        }
        // What the receiver has not given back yet must fit into its buffers.
        if company.guests[SENDER].room() < 4 || self.expected.len() > 30 {
            return Ok(());
        }
        let longest = if rng.percent(60) { 100 } else { LONGEST };
        let len = rng.range(ETHERNET, longest);
        let mut frame: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
        let (from, to) = (company.guests[SENDER].vf, company.guests[1].vf);
        frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from]);
        frame[12..14].copy_from_slice(&0x9000_u16.to_be_bytes());
        let header = self.header(rng, &frame);
        let bytes = [&header[..], &frame[..]].concat();
        company.guests[SENDER].send_pieces(&cut(&bytes, rng))
    }

    /// A header for a frame; what must become of that.
    fn header(&mut self, rng: &mut Rng, frame: &[u8]) -> [u8; HEADER] {
        let len = frame.len();
        let mut header = [0; HEADER];
        header.fill_with(|| rng.next() as u8);
        let mut due = frame.to_vec();
        let mut arrives = true;
        let ask = |header: &mut [u8; HEADER], start: usize, place: usize| {
            header[0] |= 1;
            header[6..8].copy_from_slice(&(start as u16).to_le_bytes());
            header[8..10].copy_from_slice(&((place - start) as u16).to_le_bytes());
        };
        header[0] &= !1;
        header[1] = 0;
        let kind = rng.below(100);
        match kind {
            // Behind the addresses and the EtherType.
            0..60 if len >= ETHERNET + 2 => {
                let place = rng.range(ETHERNET, len - 2);
                let start = rng.range(0, place);
                ask(&mut header, start, place);
                if self.sums {
                    complete(&mut due, start, place);
                    self.summed += 1;
                }
            }
            // The switch looks at what was written, not at what it was before.
            60..65 => {
                ask(&mut header, SOURCE_END - 4, SOURCE_END);
                if self.sums {
                    let before = due.clone();
                    complete(&mut due, SOURCE_END - 4, SOURCE_END);
                    arrives = due == before;
                    self.forged += u32::from(!arrives);
                }
            }
            // One byte, or any number, behind the end; or over the end of 16 bits back into the frame.
            65..70 => {
                ask(&mut header, rng.below(len), len - 1);
                arrives = !self.sums;
                self.refused += u32::from(self.sums);
            }
            70..75 => {
                let place = rng.range(len - 1, 0xffff);
                ask(&mut header, rng.below(len), place);
                arrives = !self.sums;
                self.refused += u32::from(self.sums);
            }
            75..80 => {
                ask(&mut header, 0xffff, 0x1_0000 + rng.below(len));
                arrives = !self.sums;
                self.refused += u32::from(self.sums);
            }
            80..85 => {
                header[0] |= rng.below(2) as u8;
                header[1] = 1 + rng.below(255) as u8;
                arrives = !self.sums;
                self.refused += u32::from(self.sums);
            }
            // Asks for nothing, whatever the rest says; without CSUM nothing of it counts.
            _ if !self.sums => header[1] = rng.next() as u8,
            _ => {}
        }
        if arrives {
            due.resize(len.max(FRAME), 0);
            self.expected.push_back(due);
        }
        header
    }
}

/// Cuts a header and a frame: behind the header, in it, nowhere, or anywhere.
fn cut(bytes: &[u8], rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut cuts = match rng.below(4) {
        0 => vec![HEADER],
        1 => vec![1, HEADER],
        2 => vec![],
        _ => (0..rng.range(1, 3))
            .map(|_| 1 + rng.below(bytes.len() - 1))
            .collect(),
    };
    cuts.push(bytes.len());
    cuts.sort_unstable();
    cuts.dedup();
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let pieces = starts
        .zip(&cuts)
        .map(|(from, to)| bytes[from..*to].to_vec());
    pieces.collect()
}

/// Writes the checksum of `frame[start..]` at `place`, whose bytes before count: numbers modulo 65535, where 0 is 65535.
fn complete(frame: &mut [u8], start: usize, place: usize) {
    let words = frame[start..].chunks(2);
    let sum = words.fold(0, |sum, word| {
        let low = word.get(1).copied().unwrap_or(0);
        (sum + u32::from(word[0]) * 256 + u32::from(low)) % 65535
    });
    let sum = (65535 - sum) as u16;
    frame[place..place + 2].copy_from_slice(&sum.to_be_bytes());
}
