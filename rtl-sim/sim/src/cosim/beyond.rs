// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The adjacent switch beyond the uplink: rules that change, a wire that loses, doubles and delays, restarts, and an
//! auditor who has nothing but the rules and the frames.
//!
//! ```text
//!  uplink of the NIC ──► wire ──► switch ──► wire ──► uplink of the NIC
//!  frames of others ─────────────────┘ └──► others: nobody looks
//! ```
//!
//! Frames keep their order on the wire. Those of the learning protocol may come later than what was sent behind them,
//! but overtake nothing.

use std::collections::{BTreeMap, VecDeque};

use hairpin_abi::peer::{AddressChange, AddressPlace, Envelope};
use hairpin_abi::row::MacKey;
use hairpin_abi::{FlowKey, MacAddr, PortId, UPLINK_TAGS, VPort, VVlan, Vlan};
use hairpin_adjacent_switch::auditor::Book;
use hairpin_adjacent_switch::fdb::Station;
use hairpin_adjacent_switch::nic_port::Timing;
use hairpin_adjacent_switch::switch::{PortSetup, Setup};
use hairpin_adjacent_switch::{Actions, EditId, Ending, Output, PortNo, RuleTable, Sent, Switch};
use hairpin_driver::Diagnostic;
use hairpin_driver::cli::DEFAULT_CLOCK_HZ;
use hairpin_driver::config::Config;
use hairpin_driver::config::switch::SwitchConfig;
use hairpin_eswitch::{Canonical, FrameKey, Tables, mark};

use super::Watch;
use super::frames::{self, Tenant, World};
use super::rules::{self, Author};
use crate::model::{Cycle, UPLINK};
use crate::nic::Nic;
use crate::promise::{self, Promises};
use crate::rng::Rng;

/// The port with the NIC.
pub(super) const NIC: PortNo = PortNo(0);
/// The port with everybody else.
pub(super) const OTHERS: PortNo = PortNo(1);
/// A port for copies.
pub(super) const MIRROR: PortNo = PortNo(2);
/// Ids of the frames that the switch sends begin here; bit 31 is that of frames from rings.
const IDS: u32 = 1 << 30;
/// Frames of the protocol that an outsider remembers.
const HEARD: usize = 64;
/// Frames of a marked one's signature that the auditor is asked about, besides one for each rule.
const TWINS: usize = 4;
/// Longest delay of a frame of the protocol, in ticks: 5 ms.
const LATE: usize = 781_250;

/// What a configuration with a switch came to, by its name.
pub(super) type Reached = BTreeMap<&'static str, u64>;

/// A frame on the wire, and where to.
#[derive(Clone, Debug)]
struct Carried {
    to: Option<PortNo>,
    frame: Vec<u8>,
}

/// A frame that the NIC switched by a learned entry, as the switch would have seen it.
#[derive(Debug)]
struct ShortCut {
    cycle: Cycle,
    frame: Vec<u8>,
}

/// The switch, the wire, and the auditor.
#[derive(Debug)]
pub(super) struct Beyond {
    rng: Rng,
    setup: Setup,
    peer: SwitchConfig,
    tenants: Vec<Tenant>,
    switch: Switch,
    /// Ticks that a frame is on its way.
    delay: u64,
    /// Percentage of frames of the protocol that are lost.
    loss: usize,
    /// By time of arrival, and in the order in which they were sent.
    wire: BTreeMap<(Cycle, u64), Carried>,
    sent: u64,
    next_id: u32,
    /// The rules after each edit.
    books: Vec<Book>,
    /// Edits under way, and which book each made.
    edits: BTreeMap<EditId, usize>,
    /// The oldest rules that a frame may still have been switched by.
    complete: usize,
    short_cuts: VecDeque<ShortCut>,
    author: Author,
    /// What an outsider has heard, and where it went.
    heard: VecDeque<Carried>,
    promises: Promises,
    reached: Reached,
    /// The first thing that the auditor found.
    pub(super) found: Option<(Cycle, String)>,
}

impl Beyond {
    /// The switch of a configuration, if it has one.
    pub(super) fn new(mut rng: Rng, config: &Config, world: &World) -> Option<Self> {
        let peer = config.switch.clone()?;
        let mut fixed = Vec::new();
        if rng.percent(75) {
            for entry in &config.fdb {
                let vlan = config.vvlans.iter().find(|v| v.id == entry.vvlan)?.vlan;
                let station = Station {
                    vlan: Some(vlan),
                    vvlan: Some(entry.vvlan),
                    mac: entry.mac,
                };
                fixed.push((station, NIC));
            }
        }
        let port = |name: &str, keys| PortSetup {
            name: name.to_owned(),
            reflects: name == "nic",
            keys,
        };
        let setup = Setup {
            tpid: config.uplink.tpid,
            mark: peer.mark,
            address: MacAddr([2, 0x48, 0x50, 0, 0, 1]),
            ageing_seconds: 300,
            addresses: 1000,
            timing: Timing {
                lease_ms: *rng.pick(&[300, 1000, 3000]),
                patience_us: *rng.pick(&[20_000, 1_000_000]),
                resend_us: *rng.pick(&[500, 2000, 20_000]),
                named: *rng.pick(&[2, 16]),
                ..Timing::default()
            },
            ports: vec![
                port("nic", Some(peer.setup.keys)),
                port("others", None),
                port("mirror", None),
            ],
            fixed,
        };
        let book = Book {
            rules: Vec::new(),
            otherwise: Actions::ACCEPT,
        };
        let reached = [
            "flows marked",
            "edits complete: nothing cached",
            "edits complete: acknowledged",
            "edits complete: lapsed",
            "promises of an acknowledgement kept",
            "restarts of the switch",
            "sessions of the NIC",
            "frames of the protocol lost",
            "frames of the protocol doubled",
            "frames of the protocol late",
            "frames of the protocol heard and sent again, or forged",
            "changes of addresses sent",
        ];
        let author = Author::new(Rng::new(rng.next()), setup.tpid);
        Some(Self {
            switch: start(&setup, &book, &mut rng, 0)?,
            delay: rng.range(200, 4000) as u64,
            loss: *rng.pick(&[0, 1, 5, 20, 50]),
            promises: Promises::new(Some(peer.setup.keys)),
            setup,
            peer,
            tenants: world.vvlans.clone(),
            rng,
            wire: BTreeMap::new(),
            sent: 0,
            next_id: IDS,
            books: vec![book],
            edits: BTreeMap::new(),
            complete: 0,
            short_cuts: VecDeque::new(),
            author,
            heard: VecDeque::new(),
            reached: reached.map(|name| (name, 0)).into(),
            found: None,
        })
    }

    /// What has happened, by its name.
    pub(super) fn reached(&self) -> Reached {
        let mut reached = self.reached.clone();
        let promises = reached.entry("promises of an acknowledgement kept");
        *promises.or_default() += self.promises.kept();
        *reached.entry("sessions of the NIC").or_default() += self.sessions();
        reached
    }

    fn sessions(&self) -> u64 {
        self.switch
            .nic(NIC)
            .map_or(0, |nic| nic.counters().sessions)
    }

    fn count(&mut self, what: &'static str) {
        *self.reached.entry(what).or_default() += 1;
    }

    /// True while a frame that is not the protocol's is on its way.
    pub(super) fn is_busy(&self) -> bool {
        let mut carried = self.wire.values();
        carried.any(|carried| !Envelope::is_one(&carried.frame))
    }

    /// True if the NIC may be taught.
    pub(super) fn is_synced(&self) -> bool {
        self.switch.nic(NIC).is_some_and(|nic| nic.is_synced())
    }

    /// A frame from somebody else will come to the switch.
    pub(super) fn arrives(&mut self, at: Cycle, frame: Vec<u8>) {
        self.carry(at, Some(OTHERS), frame);
    }

    fn carry(&mut self, at: Cycle, to: Option<PortNo>, frame: Vec<u8>) {
        self.sent += 1;
        self.wire.insert((at, self.sent), Carried { to, frame });
    }

    /// Puts a frame on the wire between switch and NIC.
    fn put(&mut self, now: Cycle, to: Option<PortNo>, frame: Vec<u8>) {
        let at = now + self.delay;
        if !Envelope::is_one(&frame) {
            if self.loss == 0 || !self.rng.percent(1) {
                self.carry(at, to, frame);
            }
            return;
        }
        if self.heard.len() == HEARD {
            self.heard.pop_front();
        }
        let (heard, mut copies) = (frame.clone(), 1);
        self.heard.push_back(Carried { to, frame: heard });
        if self.rng.percent(self.loss) {
            copies = 0;
            self.count("frames of the protocol lost");
        } else if self.rng.percent(self.loss.min(5)) {
            copies = 2;
            self.count("frames of the protocol doubled");
        }
        for _ in 0..copies {
            let late = self.rng.percent(self.loss);
            if late {
                self.count("frames of the protocol late");
            }
            let more = if late { self.rng.below(LATE) } else { 0 };
            self.carry(at + more as u64, to, frame.clone());
        }
    }

    /// Carries what has left the NIC to the switch, and what is there by now to where it goes. True if a frame was
    /// given to the NIC.
    pub(super) fn exchange(
        &mut self,
        nic: &mut Nic,
        watch: &mut Watch,
    ) -> Result<bool, Diagnostic> {
        for (cycle, origin) in std::mem::take(&mut watch.short_cuts) {
            let frame = match origin.and_then(|id| watch.inside.get(&id)) {
                // A key without the source port is also that of frames which the switch has sent.
                Some((UPLINK, _)) => continue,
                Some((port, bytes)) => self.as_sent(nic, *port, bytes),
                None => None,
            };
            match frame {
                Some(frame) => self.short_cuts.push_back(ShortCut { cycle, frame }),
                None => self.blame(cycle, "a learned entry for a frame of nobody"),
            }
        }
        for (cycle, frame) in std::mem::take(&mut watch.left) {
            self.promises.ask(&frame, cycle, nic);
            self.put(cycle, Some(NIC), frame);
        }
        let now = nic.now();
        let mut given = false;
        while let Some(first) = self.wire.first_entry().filter(|first| first.key().0 <= now) {
            let ((at, _), carried) = first.remove_entry();
            self.judge(at);
            match carried.to {
                None => given |= self.give(at.max(now), carried.frame, nic, watch)?,
                Some(port) => {
                    let mut out = Vec::new();
                    if port == NIC && self.key(&carried.frame).is_some() {
                        self.author.look_at(&carried.frame);
                    }
                    self.switch
                        .receive(port, &carried.frame, micros(at), &mut out);
                    self.send(at, out);
                }
            }
        }
        self.judge(now);
        if self.switch.poll_at() <= micros(now) {
            let mut out = Vec::new();
            self.switch.poll(micros(now), &mut out);
            self.send(now, out);
        }
        Ok(given)
    }

    /// A frame for the NIC, under an id of its own.
    fn give(
        &mut self,
        at: Cycle,
        mut frame: Vec<u8>,
        nic: &mut Nic,
        watch: &mut Watch,
    ) -> Result<bool, Diagnostic> {
        let id = self.next_id;
        if !Envelope::is_one(&frame) {
            // Only the id may differ from what the switch has decided about.
            let mut renamed = frame.clone();
            frames::mark(&mut renamed, id);
            if frames::canary(&frame).is_none() || self.key(&renamed) != self.key(&frame) {
                return Ok(false);
            }
            frame = renamed;
        }
        self.next_id += 1;
        nic.queue(UPLINK, id, at, false, &frame)?;
        let broken = !(60..=9216 + UPLINK_TAGS).contains(&frame.len());
        watch.sent.insert(id, (frame, broken));
        Ok(true)
    }

    /// The whole key of a frame on the wire, without the port, if it has one.
    fn key(&self, frame: &[u8]) -> Option<FlowKey> {
        let tci = frame.get(18..20)?;
        let vvlan = Vlan::from_tci(u16::from_be_bytes([tci[0], tci[1]]));
        let canonical = Canonical::new(frame, UPLINK_TAGS)?;
        let key = FrameKey::extract(PortId::ZERO, vvlan, &canonical, self.setup.tpid);
        (!key.unkeyable).then_some(key.fields)
    }

    fn send(&mut self, now: Cycle, out: Vec<Output>) {
        for done in self.switch.take_completions() {
            let Some(book) = self.edits.remove(&done.edit) else {
                continue;
            };
            self.complete = self.complete.max(book);
            self.count(match done.ending {
                Ending::NothingCached => "edits complete: nothing cached",
                Ending::Acknowledged => "edits complete: acknowledged",
                Ending::Lapsed => "edits complete: lapsed",
            });
        }
        for output in out.into_iter().filter(|output| output.port == NIC) {
            match output.sent {
                Sent::Control => self.promises.sent(&output.frame),
                Sent::Forwarded { marked: true } => self.audit_mark(now, &output.frame),
                Sent::Forwarded { .. } | Sent::Mirror => {}
            }
            self.put(now, None, output.frame);
        }
    }

    fn blame(&mut self, cycle: Cycle, what: &str) {
        self.found
            .get_or_insert((cycle, format!("auditor: {what}")));
    }

    /// Frames that the NIC switched before a moment: rules that were in force then, or from which no edit that was
    /// complete then had led away, must have accepted them.
    fn judge(&mut self, before: Cycle) {
        while let Some(cut) = self.short_cuts.pop_front_if(|cut| cut.cycle < before) {
            let mut books = self.books[self.complete..].iter();
            if !books.any(|book| book.accepts_only(NIC, &cut.frame)) {
                let what = format!("a complete edit is violated by {:02x?}", cut.frame);
                self.blame(cut.cycle, &what);
            }
        }
    }

    /// Whatever has the key of a marked frame, under the NIC's mask, must be accepted.
    fn audit_mark(&mut self, now: Cycle, frame: &[u8]) {
        self.count("flows marked");
        let mut plain = frame.to_vec();
        mark::put(&mut plain, self.peer.mark, self.setup.tpid, false);
        let Some(key) = self.key(&plain) else {
            return self.blame(now, &format!("a mark without a key: {frame:02x?}"));
        };
        let known = VVlan::try_from(key.vvlan).ok();
        let known = known.and_then(|vvlan| self.switch.nic(NIC)?.key_mask(vvlan));
        let Some(mask) = known else {
            return self.blame(now, &format!("a mark without a mask: {frame:02x?}"));
        };
        let book = self.books.last().map_or(&[][..], |book| &book.rules);
        let mut twins = vec![plain.clone(); book.len() + TWINS];
        // One for each rule, the others by chance.
        for (twin, rule) in twins.iter_mut().zip(book) {
            rules::meet(&rule.matching, twin);
        }
        let by_chance = twins.len() - TWINS;
        for (n, twin) in twins[by_chance..].iter_mut().enumerate() {
            for _ in 0..n {
                self.bend(twin);
            }
        }
        for twin in twins {
            let same = self.key(&twin).map(|twin| twin.masked(mask)) == Some(key.masked(mask));
            let book = self.books.last().filter(|_| same);
            if book.is_some_and(|book| !book.accepts_only(NIC, &twin)) {
                self.blame(now, &format!("marked, but not for the NIC: {twin:02x?}"));
            }
        }
    }

    /// Changes one byte of the headers.
    fn bend(&mut self, frame: &mut [u8]) {
        let end = frame.len().min(80);
        let at = match self.rng.below(4) {
            // Behind the addresses and the tags; priority and VLAN.
            0..3 => self.rng.range(20, end),
            _ => *self.rng.pick(&[14, 15, 18]),
        };
        if let Some(byte) = frame.get_mut(at) {
            *byte ^= 1 << self.rng.below(8);
        }
    }

    /// A frame of a vPort as it would have left by the uplink.
    fn as_sent(&self, nic: &Nic, port: u8, bytes: &[u8]) -> Option<Vec<u8>> {
        let tables = &nic.scoreboard.golden().model().tables;
        let row = tables.port(VPort::new(port)?);
        let (tags, tci) = match row.role {
            hairpin_abi::Role::Vf => (0, row.vvlan.get()),
            hairpin_abi::Role::Vswitch => {
                let tci = bytes.get(14..16)?;
                (4, u16::from_be_bytes([tci[0], tci[1]]))
            }
        };
        let (_, vvlan) = tables.vvlan(VVlan::try_from(Vlan::from_tci(tci)).ok()?)?;
        let mut frame = bytes.get(..12)?.to_vec();
        for half in [self.setup.tpid, vvlan.vlan.get(), 0x8100, tci] {
            frame.extend(half.to_be_bytes());
        }
        frame.extend(bytes.get(12 + tags..)?);
        Some(frame)
    }

    /// Changes the rules, tells the NIC of an address, starts the switch again, or lets an outsider do something.
    pub(super) fn step(&mut self, nic: &mut Nic, watch: &mut Watch) -> Result<(), Diagnostic> {
        self.exchange(nic, watch)?;
        let now = nic.now();
        let mut out = Vec::new();
        match self.rng.below(100) {
            0..2 => self.restart(now),
            2..17 => self.forge(now),
            17..25 => {
                if let Some(change) = self.address() {
                    let (vvlan, mac) = (change.vvlan, change.mac);
                    let tables = &nic.scoreboard.golden().model().tables;
                    let vport = match change.place {
                        AddressPlace::VPort(vport) => Some(vport),
                        AddressPlace::Vswitch => {
                            tables.vvlan(vvlan).and_then(|(_, row)| row.vswitch)
                        }
                        AddressPlace::Elsewhere => None,
                    };
                    if let Some(vport) = vport {
                        nic.scoreboard.said(MacKey { vvlan, mac }, vport);
                    }
                    self.switch
                        .update_addresses(NIC, &[change], micros(now), &mut out);
                    self.count("changes of addresses sent");
                }
            }
            _ => self.edit(now, &mut out)?,
        }
        self.send(now, out);
        Ok(())
    }

    /// The rules stay; what the switch knew of the NIC, and which edits were under way, does not.
    fn restart(&mut self, now: Cycle) {
        self.reached = self.reached();
        self.count("restarts of the switch");
        self.edits.clear();
        self.promises = Promises::new(Some(self.peer.setup.keys));
        if let Some(book) = self.books.last()
            && let Some(switch) = start(&self.setup, book, &mut self.rng, micros(now))
        {
            self.switch = switch;
        }
    }

    /// Somebody on the link sends what was said once, to either end, with another bit or not.
    fn forge(&mut self, now: Cycle) {
        if self.heard.is_empty() {
            return;
        }
        let at = self.rng.below(self.heard.len());
        let mut forged = self.heard[at].clone();
        if self.rng.percent(20) {
            forged.to = match forged.to {
                None => Some(NIC),
                Some(_) => None,
            };
        }
        if self.rng.percent(50) {
            // Behind the EtherType, or it would be no frame of the protocol.
            let byte = self.rng.range(14, forged.frame.len() - 1);
            forged.frame[byte] ^= 1 << self.rng.below(8);
        }
        self.count("frames of the protocol heard and sent again, or forged");
        self.carry(now + self.delay, forged.to, forged.frame);
    }

    fn address(&mut self) -> Option<AddressChange> {
        let tenant = self
            .tenants
            .get(self.rng.below(self.tenants.len()))?
            .clone();
        let known = self.rng.percent(30);
        let macs = if known { &tenant.macs } else { &tenant.roamers };
        let mac = *macs.get(self.rng.below(macs.len()))?;
        let place = match self.rng.below(8) {
            n @ 0..4 => AddressPlace::VPort(VPort::new(n as u8)?),
            4 => AddressPlace::Vswitch,
            _ => AddressPlace::Elsewhere,
        };
        Some(AddressChange {
            vvlan: VVlan::new(tenant.id)?,
            mac: MacAddr(mac),
            place,
        })
    }

    fn edit(&mut self, now: Cycle, out: &mut Vec<Output>) -> Result<(), Diagnostic> {
        let Some(mut book) = self.books.last().cloned() else {
            return Ok(());
        };
        let edit = self.author.edit(&book);
        book.edit(&edit);
        self.books.push(book);
        let id = self.switch.edit(edit, micros(now), out);
        let id = id.map_err(|error| Diagnostic::new("bad-switch-edit", error.to_string()))?;
        self.edits.insert(id, self.books.len() - 1);
        Ok(())
    }
}

fn start(setup: &Setup, book: &Book, rng: &mut Rng, now_us: u64) -> Option<Switch> {
    let table = RuleTable::new(book.rules.clone(), book.otherwise).ok()?;
    let seed = u128::from(rng.next()) << 64 | u128::from(rng.next());
    Some(Switch::new(setup, table, seed.to_le_bytes(), now_us))
}

/// The NIC's clock as the protocol counts it.
fn micros(cycle: Cycle) -> u64 {
    promise::micros(cycle, DEFAULT_CLOCK_HZ)
}
