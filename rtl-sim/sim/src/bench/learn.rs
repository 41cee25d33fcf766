// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How fast addresses are learned, from the frame that shows one to its entry.

use anyhow::{Result, bail};
use hairpin_abi::counter::{CounterAddr, LearnCounter};
use hairpin_abi::{Op, Status, Table};

use super::{Bench, Figure};
use crate::model::{Cycle, Options};
use crate::nic::{Nic, Observer};
use crate::scoreboard::Left;

/// vPorts that learn.
const VPORTS: u32 = 8;
/// Addresses, fewer than the quotas of all vPorts together.
const ADDRESSES: u32 = 2000;
/// Clocks in a microsecond at 156.25 MHz.
const MICROSECOND: u64 = 156;
/// Clocks between two new addresses that the firmware cannot keep up with.
const FLOOD: u64 = 32;

/// Eight vPorts of one tenant that learn.
fn config() -> String {
    let vport = |n| {
        format!(
            "[[vport]]\nname = \"vf{n}\"\nvvlan = 100\nlearning = true\nmax-macs = 255\n\
             spoofchk = false\n"
        )
    };
    let vports: String = (0..VPORTS).map(vport).collect();
    format!("version = 1\n[uplink]\nreflects = false\n[[vvlan]]\nid = 100\nvlan = 10\n{vports}")
}

/// A frame from address `n`, to nobody here.
fn frame(n: u32) -> Vec<u8> {
    let [a, b, c, d] = n.to_be_bytes();
    let mut frame = vec![0; 60];
    frame[..14].copy_from_slice(&[2, 0xff, 0, 0, 0, 0, 2, 1, a, b, c, d, 0x90, 0]);
    frame
}

/// When addresses were inserted.
#[derive(Debug, Default)]
struct Inserts(Vec<Cycle>);

impl Observer for Inserts {
    fn input(&mut self, _: Cycle, _: u8, _: u32) {}

    fn output(&mut self, _: Cycle, _: u8, _: &[u8], _: Left) {}

    fn command(&mut self, cycle: Cycle, command: &crate::trace::AppliedCommand) {
        let insert = (Op::Insert.code(), Table::Mac.code(), Status::Ok.code());
        if (command.op, command.table, command.status) == insert {
            self.0.push(cycle);
        }
    }
}

impl Bench {
    /// Learning at one address in a microsecond, and as fast as it goes.
    pub(super) fn learning(&mut self) -> Result<()> {
        self.learning_paced()?;
        self.learning_flooded()
    }

    fn learning_paced(&mut self) -> Result<()> {
        // Each address comes eight times in a row: all but the first are repeats.
        const FRAMES: u32 = 8;
        let ratio = Options::default().core_ratio;
        let (mut nic, inserts) = self.show(ADDRESSES, MICROSECOND, FRAMES)?;
        let events = nic
            .device
            .read_counter(CounterAddr::learn(LearnCounter::Events))?;
        let lost = nic
            .device
            .read_counter(CounterAddr::learn(LearnCounter::NoSlot))?;
        let count = inserts.0.len() as u64;
        let learned = count as f64 / f64::from(ADDRESSES);
        self.learn_figure(
            "learned, one new address per microsecond",
            (learned, "share", ">=1"),
            learned >= 1.0,
            format!(
                "{ADDRESSES} addresses on {VPORTS} vPorts, {FRAMES} frames each, {MICROSECOND} clocks \
                 apart; {ratio} datapath clocks per core clock; {events} events, {lost} found no \
                 slot; outputs compared"
            ),
        );
        let repeats = f64::from(ADDRESSES * (FRAMES - 1));
        let suppressed = 1.0 - events.saturating_sub(ADDRESSES.into()) as f64 / repeats;
        self.learn_figure(
            "repeats that make no event",
            (suppressed, "share", ">=0.999"),
            suppressed >= 0.999,
            "the same run".to_owned(),
        );
        Ok(())
    }

    fn learning_flooded(&mut self) -> Result<()> {
        const GOAL: f64 = 34.0;
        let ratio = Options::default().core_ratio;
        let (_nic, inserts) = self.show(ADDRESSES * 6, FLOOD, 1)?;
        // The host is told of the first ones; at the end one vPort after the other has all it may.
        let steady = inserts.0.get(100..1100).unwrap_or(&[]);
        let (Some(first), Some(last)) = (steady.first(), steady.last()) else {
            bail!("{} addresses learned", inserts.0.len());
        };
        let each = (last - first) as f64 / (steady.len() - 1) as f64 / f64::from(ratio);
        self.learn_figure(
            "each address of a flood",
            (each, "core clocks", "<=34"),
            each <= GOAL,
            format!(
                "a new address every {FLOOD} clocks, {} installed one after the other; {ratio} \
                 datapath clocks per core clock; outputs compared",
                steady.len()
            ),
        );
        Ok(())
    }

    /// Shows addresses, so many clocks apart, each in so many frames back to back.
    fn show(&self, addresses: u32, apart: u64, frames: u32) -> Result<(Nic, Inserts)> {
        let mut nic = self.nic_with(&config())?;
        let start = nic.now() + 1000;
        for n in 0..addresses {
            for again in 0..frames {
                let at = start + u64::from(n) * apart;
                let port = (n % VPORTS) as u8;
                nic.queue(port, n * frames + again, at, false, &frame(n))?;
            }
        }
        let mut inserts = Inserts::default();
        nic.play(&mut inserts, &mut |_| {})?;
        self.check(&nic)?;
        Ok((nic, inserts))
    }

    fn learn_figure(
        &mut self,
        case: &str,
        (value, unit, goal): (f64, &'static str, &str),
        met: bool,
        method: String,
    ) {
        self.figures.push(Figure {
            id: "P7",
            case: case.to_owned(),
            value,
            unit,
            goal: Some(goal.to_owned()),
            met: Some(met),
            method,
            seed: self.seed,
            peer: None,
        });
    }
}
