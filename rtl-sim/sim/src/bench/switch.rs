// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Learning from the adjacent switch: from a marked frame to its entry, to the short path, and from an INVALIDATE to
//! its acknowledgement. Whole NIC, real firmware, real switch.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use hairpin_abi::peer::{Body, Key, KeyId, Keys, Mark};
use hairpin_abi::{MacAddr, Op, Status, Table};
use hairpin_adjacent_switch::nic_port::Timing;
use hairpin_adjacent_switch::rules::Masked;
use hairpin_adjacent_switch::switch::{PortSetup, Setup};
use hairpin_adjacent_switch::{
    Actions, Match, Output, PortNo, Rule, RuleEdit, RuleTable, Sent, Switch,
};
use hairpin_driver::cli::DEFAULT_CLOCK_HZ;

use super::{Bench, Figure};
use crate::model::{Cycle, Options, UPLINK};
use crate::nic::{Nic, Observer};
use crate::promise::{self, Promises, body};
use crate::scoreboard::Left;

/// Two vPorts of one tenant behind a switch.
const CONFIG: &str = "version = 1\n[uplink]\nreflects = true\ntpid = 0x8100\n\
    [switch]\n[[switch.key]]\nid = 1\nsecret = \"42424242424242424242424242424242\"\n\
    [[vvlan]]\nid = 100\nvlan = 10\nmode = \"vepa\"\nmiss = \"external\"\ncache = true\nflow-quota = 512\n\
    [[vport]]\nname = \"vf0\"\nvvlan = 100\nmac = \"02:00:00:00:00:00\"\n\
    [[vport]]\nname = \"vf1\"\nvvlan = 100\nmac = \"02:00:00:00:00:01\"\n";
const KEYS: Keys = Keys::one(KeyId(1), Key::new([0x42; 16]));
const NIC: PortNo = PortNo(0);
/// Clocks of a frame on the wire, and between two looks at it.
const WIRE: u64 = 200;
/// Clocks between two frames that teach, when each has the firmware for itself.
const APART: u64 = 400_000;
/// Flows, one after the other.
const FLOWS: u16 = 24;
/// Flows that begin at once, and clocks from one to the next: a bit less than a microsecond.
const MANY: u16 = 200;
const PACE: u64 = 150;
/// EtherTypes of the flows begin here.
const FIRST: u16 = 0x0700;
/// Clocks for a session, and for what an edit takes.
const PATIENCE: u64 = 4_000_000;

/// What happened when.
#[derive(Debug, Default)]
struct Times {
    /// Frames for the switch.
    left: Vec<(Cycle, Vec<u8>)>,
    told: Vec<Cycle>,
    installed: Vec<Cycle>,
    /// Keys of frames that were dealt with.
    answered: Vec<Cycle>,
    short_cuts: Vec<Cycle>,
    arrived: u64,
    /// INVALIDATEs by the id of their frame; and when they came in, by transaction.
    invalidates: HashMap<u32, u32>,
    began: HashMap<u32, Cycle>,
    /// Clocks from an INVALIDATE to its acknowledgement.
    acknowledged: Vec<u64>,
}

impl Observer for Times {
    fn input(&mut self, cycle: Cycle, _: u8, id: u32) {
        if let Some(transaction) = self.invalidates.remove(&id) {
            self.began.entry(transaction).or_insert(cycle);
        }
    }

    fn output(&mut self, cycle: Cycle, port: u8, bytes: &[u8], _: Left) {
        if port != UPLINK {
            self.arrived += 1;
            return;
        }
        if let Some(Body::Ack(ack)) = body(bytes, &KEYS)
            && let Some(began) = self.began.remove(&ack.transaction)
        {
            self.acknowledged.push(cycle - began);
        }
        self.left.push((cycle, bytes.to_vec()));
    }

    fn command(&mut self, cycle: Cycle, command: &crate::trace::AppliedCommand) {
        if (command.op, command.table) == (Op::Insert.code(), Table::Flow.code()) {
            self.answered.push(cycle);
            if command.status == Status::Ok.code() {
                self.installed.push(cycle);
            }
        }
    }

    fn told(&mut self, cycle: Cycle, _: Option<u32>) {
        self.told.push(cycle);
    }

    fn short_cut(&mut self, cycle: Cycle, _: Option<u32>) {
        self.short_cuts.push(cycle);
    }
}

fn frame(from: u8, to: u8, kind: u16) -> Vec<u8> {
    let mut frame = vec![0; 60];
    frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from]);
    frame[12..14].copy_from_slice(&kind.to_be_bytes());
    frame
}

/// NIC and switch.
struct Pair {
    nic: Nic,
    switch: Switch,
    times: Times,
    promises: Promises,
    next: u32,
    /// When the last frame of the switch comes in.
    last: Cycle,
}

impl Pair {
    fn new(nic: Nic, seed: u64) -> Result<Self> {
        let port = |name: &str, keys| PortSetup {
            name: name.to_owned(),
            reflects: name == "nic",
            keys,
        };
        let setup = Setup {
            tpid: 0x8100,
            mark: Mark::DEFAULT,
            address: MacAddr([2, 0x48, 0x50, 0, 0, 1]),
            ageing_seconds: 300,
            addresses: 100,
            timing: Timing::default(),
            ports: vec![port("nic", Some(KEYS)), port("others", None)],
            fixed: Vec::new(),
        };
        let table = RuleTable::new(Vec::new(), Actions::ACCEPT)?;
        let seed = u128::from(seed).to_le_bytes();
        let now = nic.now();
        let mut pair = Self {
            nic,
            switch: Switch::new(&setup, table, seed, micros(now)),
            times: Times::default(),
            promises: Promises::new(Some(KEYS)),
            next: 0,
            last: 0,
        };
        // Each says where it is.
        for from in [0, 1] {
            pair.send(from, pair.nic.now(), &frame(from, 0xff, FIRST - 1))?;
        }
        let mut left = PATIENCE / WIRE;
        while left != 0 && !pair.switch.nic(NIC).is_some_and(|nic| nic.is_synced()) {
            pair.run(WIRE)?;
            left -= 1;
        }
        ensure!(left != 0, "NIC and switch did not find each other");
        pair.times = Times::default();
        Ok(pair)
    }

    fn send(&mut self, port: u8, at: Cycle, frame: &[u8]) -> Result<u32> {
        self.next += 1;
        self.nic.queue(port, self.next, at, false, frame)?;
        Ok(self.next)
    }

    /// Some clocks, in which frames go to the switch and come back, as far apart as they went.
    fn run(&mut self, clocks: u64) -> Result<()> {
        let until = self.nic.now() + clocks;
        while self.nic.now() < until {
            self.nic.run_for(WIRE, &mut self.times)?;
            for (cycle, frame) in std::mem::take(&mut self.times.left) {
                let mut out = Vec::new();
                self.promises.ask(&frame, cycle, &mut self.nic);
                self.switch.receive(NIC, &frame, micros(cycle), &mut out);
                self.deliver(out, cycle + 2 * WIRE)?;
            }
            let mut out = Vec::new();
            self.switch.poll(micros(self.nic.now()), &mut out);
            self.deliver(out, self.nic.now() + WIRE)?;
        }
        Ok(())
    }

    fn deliver(&mut self, out: Vec<Output>, at: Cycle) -> Result<()> {
        self.last = self.last.max(at);
        let at = self.last;
        for output in out.into_iter().filter(|output| output.port == NIC) {
            if output.sent == Sent::Control {
                self.promises.sent(&output.frame);
            }
            let transaction = match body(&output.frame, &KEYS) {
                Some(Body::Invalidate(invalidate)) => Some(invalidate.transaction),
                _ => None,
            };
            let id = self.send(UPLINK, at, &output.frame)?;
            if let Some(transaction) = transaction {
                self.times.invalidates.insert(id, transaction);
            }
        }
        Ok(())
    }

    /// Makes an edit; the clocks from its INVALIDATE, as it comes in, to the acknowledgement.
    fn edit(&mut self, edit: RuleEdit) -> Result<u64> {
        let mut out = Vec::new();
        self.switch
            .edit(edit, micros(self.nic.now()), &mut out)
            .context("an edit")?;
        self.deliver(out, self.nic.now() + WIRE)?;
        self.times.acknowledged.clear();
        self.run(PATIENCE / 4)?;
        let [clocks] = self.times.acknowledged[..] else {
            anyhow::bail!("{} acknowledgements", self.times.acknowledged.len());
        };
        Ok(clocks)
    }
}

fn micros(cycle: Cycle) -> u64 {
    promise::micros(cycle, DEFAULT_CLOCK_HZ)
}

/// A rule that denies an EtherType.
fn deny(name: &str, kind: u16) -> Rule {
    Rule {
        name: name.to_owned(),
        priority: 9,
        matching: Match {
            ethertype: Some(kind),
            ..Match::default()
        },
        actions: Actions::DENY,
    }
}

/// A rule that denies everything from vf0.
fn deny_sender() -> Rule {
    let mac = MacAddr([2, 0, 0, 0, 0, 0]).to_u64();
    Rule {
        matching: Match {
            sa: Some(Masked::<u64>::some(mac, u64::MAX >> 16)),
            ..Match::default()
        },
        ..deny("sender", 0)
    }
}

impl Bench {
    /// What a flow that is learned costs, and what it costs to forget it.
    pub(super) fn switch(&mut self) -> Result<()> {
        let mut pair = Pair::new(self.nic_with(CONFIG)?, self.seed)?;
        let ratio = Options::default().core_ratio;

        // Each flow alone: a frame that is marked on its way back, and frames until one takes the short way.
        let (mut to_entry, mut to_short) = (Vec::new(), Vec::new());
        for kind in FIRST..FIRST + FLOWS {
            pair.times = Times::default();
            let now = pair.nic.now();
            for n in 0..40 {
                pair.send(0, now + n * APART / 40, &frame(0, 1, kind))?;
            }
            pair.run(APART)?;
            let times = &pair.times;
            let told = *times.told.first().context("no learning packet")?;
            let entry = *times.installed.first().context("no entry")?;
            let short = *times.short_cuts.first().context("no short path")?;
            ensure!(
                times.arrived == 40,
                "{} of 40 frames arrived",
                times.arrived
            );
            to_entry.push(entry - told);
            to_short.push(short - told);
        }
        let method = format!(
            "{FLOWS} flows, one after the other; {ratio} datapath clocks per core clock; outputs compared"
        );
        for (which, place) in [("median", FLOWS / 2), ("worst", FLOWS - 1)] {
            let of = |clocks: &mut Vec<u64>| {
                clocks.sort_unstable();
                clocks[usize::from(place)] as f64
            };
            let case = format!("learned: a marked frame's decision to its entry, {which}");
            let entry = of(&mut to_entry) / f64::from(ratio);
            self.switch_figure("P8", &case, "core clocks", entry, Some(100.0), &method);
            let case = format!("learned: the same to the first frame on the short path, {which}");
            let short = of(&mut to_short);
            self.switch_figure("P8", &case, "cycles", short, None, &method);
        }

        // Many flows at once.
        pair.times = Times::default();
        let now = pair.nic.now();
        // In the order of time: a port's frames wait for each other.
        for n in 0..40 {
            for flow in 0..MANY {
                let at = now + (n * u64::from(MANY) + u64::from(flow)) * PACE;
                pair.send(0, at, &frame(0, 1, FIRST + FLOWS + flow))?;
            }
        }
        pair.run(40 * u64::from(MANY) * PACE + APART)?;
        let times = &pair.times;
        let first = *times.told.first().context("no learning packet")?;
        let installed = times.installed.len();
        let last = *times.installed.last().context("no entry")?;
        ensure!(
            installed == usize::from(MANY) && times.arrived == 40 * u64::from(MANY),
            "{installed} of {MANY} flows learned, {} frames arrived",
            times.arrived
        );
        let each = (last - first) as f64 / f64::from(MANY);
        // Keys are dealt with in their order. Those that waited came faster than that.
        ensure!(
            times.told.len() == times.answered.len(),
            "{} keys, {} answers",
            times.told.len(),
            times.answered.len()
        );
        let next = times.told.iter().skip(1).zip(times.answered.windows(2));
        let spans = next.filter_map(|(told, pair)| match pair {
            [before, after] if told < before => Some(after - before),
            _ => None,
        });
        let mut spans: Vec<u64> = spans.collect();
        spans.sort_unstable();
        let of = |percent: usize| {
            spans.get((spans.len() * percent / 100).min(spans.len().saturating_sub(1)))
        };
        let method = format!(
            "{MANY} flows of one vPort, one every {PACE} clocks, faster behind a hold; {ratio} datapath clocks per core clock; \
             outputs compared"
        );
        for (which, percent) in [("median", 50), ("99 %", 99)] {
            let span = *of(percent).context("no key waited")? as f64;
            let case = format!(
                "learned: a flow when others wait, {which} of {}",
                spans.len()
            );
            self.switch_figure("P7", &case, "cycles", span, Some(156.25), &method);
        }
        let case = "learned: each of many new flows, holds of their vPort included";
        self.switch_figure("P7", case, "cycles", each, None, &method);

        // What is forgotten, from the first beat of the INVALIDATE to that of the ACK.
        let one = pair
            .edit(RuleEdit::Add(deny("one", FIRST)))?
            .max(pair.edit(RuleEdit::Add(deny("another", FIRST + 1)))?);
        // Of so many, the switch names the V.VLAN.
        let whole = pair.edit(RuleEdit::Add(deny_sender()))?;
        let method = format!(
            "first beat in to first beat out; {ratio} datapath clocks per core clock; nothing left of it when it leaves; \
             outputs compared"
        );
        for (case, clocks) in [
            ("INVALIDATE of a signature to its ACK, worst of 2", one),
            ("INVALIDATE of a V.VLAN to its ACK", whole),
        ] {
            self.switch_figure("P10", case, "cycles", clocks as f64, None, &method);
        }
        pair.nic.play(&mut pair.times, &mut |_| {})?;
        ensure!(
            pair.nic.scoreboard.mismatch_count() == 0,
            "{:?}",
            pair.nic.scoreboard.mismatches()
        );
        ensure!(
            pair.promises.kept() == 4,
            "{} promises",
            pair.promises.kept()
        );
        Ok(())
    }

    fn switch_figure(
        &mut self,
        id: &'static str,
        case: &str,
        unit: &'static str,
        value: f64,
        goal: Option<f64>,
        method: &str,
    ) {
        self.figures.push(Figure {
            id,
            case: case.to_owned(),
            value,
            unit,
            goal: goal.map(|goal| format!("<={goal}")),
            met: goal.map(|goal| value <= goal),
            method: method.to_owned(),
            seed: self.seed,
            peer: None,
        });
    }
}
