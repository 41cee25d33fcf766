// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The switch: frames in, frames out, edits and when they are complete.

use std::collections::BTreeMap;

use hairpin_abi::peer::{AddressChange, Envelope, Mark, Signature};
use hairpin_abi::{FlowKey, MacAddr, Vlan};
use hairpin_eswitch::frame::field;
use hairpin_eswitch::mark;
use hairpin_eswitch::peer::Keys;
use serde::Serialize;

use crate::fdb::{Fdb, Learned, Station};
use crate::nic_port::{NicPort, Timing};
use crate::packet::{Packet, PortNo};
use crate::rules::{Actions, RuleEdit, RuleError, RuleTable, Way};

/// What a switch is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// TPID of the outer tag.
    pub tpid: u16,
    /// How learning packets are marked.
    pub mark: Mark,
    /// The switch's own address.
    pub address: MacAddr,
    /// Seconds after which an address that is not seen is forgotten.
    pub ageing_seconds: u32,
    /// Most addresses.
    pub addresses: usize,
    /// Times of the protocol.
    pub timing: Timing,
    /// The ports.
    pub ports: Vec<PortSetup>,
    /// Addresses that are fixed to a port.
    pub fixed: Vec<(Station, PortNo)>,
}

/// A port.
#[derive(Clone, Debug)]
pub struct PortSetup {
    /// Its name.
    pub name: String,
    /// Reflective relay: frames may leave by it that came in by it.
    pub reflects: bool,
    /// The keys of the NIC behind it, if it speaks the protocol.
    pub keys: Option<Keys>,
}

/// What was counted at a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortCounters {
    /// Frames in.
    pub in_frames: u64,
    /// Bytes in.
    pub in_bytes: u64,
    /// Frames out, control frames not counted.
    pub out_frames: u64,
    /// Bytes out, control frames not counted.
    pub out_bytes: u64,
    /// Frames that left marked.
    pub marked: u64,
    /// Frames that came in marked: the mark was taken off.
    pub marks_taken_off: u64,
    /// Denied by a rule.
    pub denied: u64,
    /// Shorter than its addresses and EtherType.
    pub short: u64,
    /// To a reserved address, and no control frame for this port.
    pub reserved: u64,
    /// From a group address.
    pub source_group: u64,
    /// From an address that is fixed to another port.
    pub spoofed: u64,
    /// To where it came from, without reflective relay.
    pub same_port: u64,
    /// Addresses that moved here.
    pub moved_here: u64,
    /// Addresses for which there was no room.
    pub not_learned: u64,
}

/// What was counted for a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleCounters {
    /// Frames that it decided about.
    pub frames: u64,
    /// Of them, those that left marked.
    pub marked: u64,
}

/// Why a frame leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Forwarded.
    Forwarded {
        /// With the mark.
        marked: bool,
    },
    /// A copy for a mirror.
    Mirror,
    /// A control frame of the switch's own.
    Control,
}

/// A frame to send. Those of one port must leave in their order, through one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// By this port.
    pub port: PortNo,
    /// Its bytes.
    pub frame: Vec<u8>,
    /// Why.
    pub sent: Sent,
}

/// Number of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct EditId(pub u64);

/// How an edit became complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// No NIC held anything of it.
    NothingCached,
    /// Every NIC has acknowledged.
    Acknowledged,
    /// A NIC did not answer: what it held has run out.
    Lapsed,
}

/// An edit that is complete: no frame is switched by what it contradicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// Which.
    pub edit: EditId,
    /// How.
    pub ending: Ending,
    /// Since when it was under way.
    pub begun_us: u64,
    /// When it became complete.
    pub complete_us: u64,
}

#[derive(Clone, Debug)]
struct Waiting {
    begun_us: u64,
    /// Ports that it waits for: up to which transaction, and how often the NIC had been given up.
    ports: BTreeMap<PortNo, (u32, u64)>,
    ending: Ending,
}

#[derive(Debug)]
struct Port {
    name: String,
    reflects: bool,
    nic: Option<NicPort>,
    counters: PortCounters,
}

/// The switch.
#[derive(Debug)]
pub struct Switch {
    tpid: u16,
    mark: Mark,
    ports: Vec<Port>,
    fdb: Fdb,
    table: RuleTable,
    /// By the names of the rules, those of the past too.
    rules: BTreeMap<String, RuleCounters>,
    otherwise: RuleCounters,
    edits: BTreeMap<EditId, Waiting>,
    next_edit: u64,
    completions: Vec<Completion>,
}

impl Switch {
    /// A switch that starts now. `seed` must not come again with the same keys.
    #[must_use]
    pub fn new(setup: &Setup, table: RuleTable, seed: [u8; 16], now_us: u64) -> Self {
        let port = |(number, port): (usize, &PortSetup)| {
            let nic = port.keys.map(|keys| {
                let mut seed = seed;
                // One seed for all: each port gets its own numbers.
                let own = (number as u64).to_le_bytes();
                seed.iter_mut()
                    .zip(own)
                    .for_each(|(byte, own)| *byte ^= own);
                NicPort::new(setup.address, keys, setup.mark, seed, setup.timing, now_us)
            });
            Port {
                name: port.name.clone(),
                reflects: port.reflects,
                nic,
                counters: PortCounters::default(),
            }
        };
        let mut fdb = Fdb::new(setup.addresses, u64::from(setup.ageing_seconds) * 1_000_000);
        setup
            .fixed
            .iter()
            .for_each(|(station, port)| fdb.fix(*station, *port));
        Self {
            tpid: setup.tpid,
            mark: setup.mark,
            ports: setup.ports.iter().enumerate().map(port).collect(),
            fdb,
            table,
            rules: BTreeMap::new(),
            otherwise: RuleCounters::default(),
            edits: BTreeMap::new(),
            next_edit: 1,
            completions: Vec::new(),
        }
    }

    /// The rules in force.
    #[must_use]
    pub fn table(&self) -> &RuleTable {
        &self.table
    }

    /// What was counted for the rule of this name, or for frames that no rule matched.
    #[must_use]
    pub fn rule_counters(&self, name: Option<&str>) -> RuleCounters {
        match name {
            Some(name) => self.rules.get(name).copied().unwrap_or_default(),
            None => self.otherwise,
        }
    }

    /// The addresses.
    #[must_use]
    pub fn fdb(&self) -> &Fdb {
        &self.fdb
    }

    /// The names of the ports.
    pub fn port_names(&self) -> impl Iterator<Item = &str> {
        self.ports.iter().map(|port| port.name.as_str())
    }

    /// What was counted at a port.
    #[must_use]
    pub fn counters(&self, port: PortNo) -> Option<PortCounters> {
        self.ports.get(port.0).map(|port| port.counters)
    }

    /// The protocol's end at a port.
    #[must_use]
    pub fn nic(&self, port: PortNo) -> Option<&NicPort> {
        self.ports.get(port.0)?.nic.as_ref()
    }

    /// Edits that are not complete.
    #[must_use]
    pub fn edits_under_way(&self) -> usize {
        self.edits.len()
    }

    /// True if an edit is not complete yet.
    #[must_use]
    pub fn is_under_way(&self, edit: EditId) -> bool {
        self.edits.contains_key(&edit)
    }

    /// The edits that became complete since this was asked last.
    pub fn take_completions(&mut self) -> Vec<Completion> {
        std::mem::take(&mut self.completions)
    }

    /// Changes the rules. They are in force at once; the edit is complete when no NIC uses what it contradicts.
    ///
    /// # Errors
    /// The table cannot be changed that way. Nothing has changed.
    pub fn edit(
        &mut self,
        edit: RuleEdit,
        now_us: u64,
        out: &mut Vec<Output>,
    ) -> Result<EditId, RuleError> {
        self.table = self.table.edited(edit)?;
        let id = EditId(self.next_edit);
        self.next_edit += 1;
        let mut waiting = Waiting {
            begun_us: now_us,
            ports: BTreeMap::new(),
            ending: Ending::NothingCached,
        };
        for (number, port) in self.ports.iter_mut().enumerate() {
            let Some(nic) = &mut port.nic else { continue };
            let number = PortNo(number);
            let table = &self.table;
            let stays = |signature: &Signature, mask| {
                table.is_for_the_nic(&Packet::of_signature(number, signature), mask)
            };
            let mut frames = Vec::new();
            let up_to = nic.invalidate(None, stays, now_us, &mut frames);
            waiting.ports.insert(number, (up_to, nic.counters().lapses));
            control(number, frames, out);
        }
        self.edits.insert(id, waiting);
        self.finish_edits(now_us);
        Ok(id)
    }

    /// Tells the NIC behind a port where addresses are. False if there is no NIC.
    pub fn update_addresses(
        &mut self,
        port: PortNo,
        changes: &[AddressChange],
        now_us: u64,
        out: &mut Vec<Output>,
    ) -> bool {
        let nic = self
            .ports
            .get_mut(port.0)
            .and_then(|port| port.nic.as_mut());
        let Some(nic) = nic else { return false };
        let mut frames = Vec::new();
        nic.update_addresses(changes, now_us, &mut frames);
        control(port, frames, out);
        true
    }

    /// Takes the edits off the list that no NIC blocks any more.
    fn finish_edits(&mut self, now_us: u64) {
        let ports = &self.ports;
        let completions = &mut self.completions;
        self.edits.retain(|edit, waiting| {
            waiting.ports.retain(|port, (up_to, lapses)| {
                let Some(nic) = ports.get(port.0).and_then(|port| port.nic.as_ref()) else {
                    return false;
                };
                let blocks = nic.blocks(*up_to, now_us);
                if blocks && waiting.ending == Ending::NothingCached {
                    waiting.ending = Ending::Acknowledged;
                }
                if !blocks && waiting.ending != Ending::NothingCached {
                    let lapsed = nic.counters().lapses != *lapses || !nic.is_synced();
                    if lapsed {
                        waiting.ending = Ending::Lapsed;
                    }
                }
                blocks
            });
            if waiting.ports.is_empty() {
                completions.push(Completion {
                    edit: *edit,
                    ending: waiting.ending,
                    begun_us: waiting.begun_us,
                    complete_us: now_us,
                });
            }
            !waiting.ports.is_empty()
        });
    }

    /// When [`poll`](Self::poll) has something to do.
    #[must_use]
    pub fn poll_at(&self) -> u64 {
        let nics = self.ports.iter().filter_map(|port| port.nic.as_ref());
        nics.map(NicPort::poll_at).min().unwrap_or(u64::MAX)
    }

    /// Sends again what was not acknowledged, and ends what has waited long enough.
    pub fn poll(&mut self, now_us: u64, out: &mut Vec<Output>) {
        for (number, port) in self.ports.iter_mut().enumerate() {
            if let Some(nic) = &mut port.nic {
                let mut frames = Vec::new();
                nic.poll(now_us, &mut frames);
                control(PortNo(number), frames, out);
            }
        }
        self.finish_edits(now_us);
    }

    /// A frame came in by a port.
    pub fn receive(&mut self, port: PortNo, frame: &[u8], now_us: u64, out: &mut Vec<Output>) {
        let Some(ingress) = self.ports.get_mut(port.0) else {
            return;
        };
        ingress.counters.in_frames += 1;
        ingress.counters.in_bytes += frame.len() as u64;
        if Envelope::is_one(frame)
            && let Some(nic) = &mut ingress.nic
        {
            let mut frames = Vec::new();
            nic.receive(frame, now_us, &mut frames);
            control(port, frames, out);
            self.finish_edits(now_us);
            return;
        }
        let mut frame = frame.to_vec();
        if mark::is_marked(&frame, self.mark, self.tpid) {
            ingress.counters.marks_taken_off += 1;
        }
        mark::put(&mut frame, self.mark, self.tpid, false);
        let Some((packet, key)) = Packet::parse(port, &frame, self.tpid) else {
            ingress.counters.short += 1;
            return;
        };
        if packet.da.is_reserved() {
            ingress.counters.reserved += 1;
            return;
        }
        if packet.sa.is_group() {
            ingress.counters.source_group += 1;
            return;
        }
        let station = Station::of(&packet, packet.sa);
        match self.fdb.learn(station, port, now_us) {
            Learned::Spoofed => {
                ingress.counters.spoofed += 1;
                return;
            }
            Learned::Full => ingress.counters.not_learned += 1,
            Learned::Moved(_) => {
                ingress.counters.moved_here += 1;
                self.moved(&station, now_us, out);
            }
            Learned::Known | Learned::New => {}
        }
        self.forward(&packet, key.as_ref(), frame, now_us, out);
    }

    /// What NICs were told about an address is not true any more.
    fn moved(&mut self, station: &Station, now_us: u64, out: &mut Vec<Output>) {
        if station.vvlan.is_none() {
            return;
        }
        for (number, port) in self.ports.iter_mut().enumerate() {
            let Some(nic) = &mut port.nic else { continue };
            let stays = |signature: &Signature, _| {
                let key = signature.key();
                let named = key.da == station.mac || key.sa == station.mac;
                !named
            };
            let mut frames = Vec::new();
            nic.invalidate(station.vvlan, stays, now_us, &mut frames);
            control(PortNo(number), frames, out);
        }
    }

    fn forward(
        &mut self,
        packet: &Packet,
        key: Option<&FlowKey>,
        mut frame: Vec<u8>,
        now_us: u64,
        out: &mut Vec<Output>,
    ) {
        let (rule, actions) = self.table.decide(packet);
        self.count(rule).frames += 1;
        if let Some(mirror) = actions.mirror {
            self.send(mirror, frame.clone(), Sent::Mirror, out);
        }
        if let Some(vlan) = actions.set_vlan {
            set_vlan(&mut frame, self.tpid, vlan);
        }
        let target = match actions.way {
            Way::Deny => {
                self.counters_of(packet.port).denied += 1;
                return;
            }
            Way::Redirect(port) => Some(port),
            Way::Accept if packet.da.is_group() => None,
            Way::Accept => {
                let station = Station {
                    vlan: actions.set_vlan.or(packet.vlan),
                    ..Station::of(packet, packet.da)
                };
                self.fdb.find(&station, now_us)
            }
        };
        let Some(target) = target else {
            let ports = self.ports.iter().enumerate();
            let ports =
                ports.filter(|(number, port)| PortNo(*number) != packet.port || port.reflects);
            let targets: Vec<PortNo> = ports.map(|(number, _)| PortNo(number)).collect();
            for target in targets {
                self.send(
                    target,
                    frame.clone(),
                    Sent::Forwarded { marked: false },
                    out,
                );
            }
            return;
        };
        let reflects = self.ports.get(target.0).is_some_and(|port| port.reflects);
        if target == packet.port && !reflects {
            self.counters_of(packet.port).same_port += 1;
            return;
        }
        let marked = target == packet.port
            && actions == Actions::ACCEPT
            && key.is_some_and(|key| self.may_mark(packet, key))
            && mark::put(&mut frame, self.mark, self.tpid, true);
        self.count(rule).marked += u64::from(marked);
        self.send(target, frame, Sent::Forwarded { marked }, out);
    }

    fn may_mark(&mut self, packet: &Packet, key: &FlowKey) -> bool {
        let nic = self
            .ports
            .get_mut(packet.port.0)
            .and_then(|port| port.nic.as_mut());
        let (Some(nic), Some(vvlan)) = (nic, packet.vvlan) else {
            return false;
        };
        let Some(mask) = nic.key_mask(vvlan) else {
            return false;
        };
        self.table.is_for_the_nic(packet, mask)
            && Signature::new(key, mask).is_some_and(|signature| nic.mark(&signature))
    }

    fn count(&mut self, rule: Option<usize>) -> &mut RuleCounters {
        let Some(rule) = rule.and_then(|at| self.table.rules().get(at)) else {
            return &mut self.otherwise;
        };
        self.rules.entry(rule.name.clone()).or_default()
    }

    fn counters_of(&mut self, port: PortNo) -> &mut PortCounters {
        &mut self.ports[port.0].counters
    }

    fn send(&mut self, port: PortNo, frame: Vec<u8>, sent: Sent, out: &mut Vec<Output>) {
        if let Some(egress) = self.ports.get_mut(port.0) {
            egress.counters.out_frames += 1;
            egress.counters.out_bytes += frame.len() as u64;
            egress.counters.marked += u64::from(sent == Sent::Forwarded { marked: true });
            out.push(Output { port, frame, sent });
        }
    }
}

fn control(port: PortNo, frames: Vec<Vec<u8>>, out: &mut Vec<Output>) {
    let outputs = frames.into_iter().map(|frame| Output {
        port,
        frame,
        sent: Sent::Control,
    });
    out.extend(outputs);
}

/// Changes the VLAN of the first tag, if there is one.
fn set_vlan(frame: &mut [u8], tpid: u16, vlan: Vlan) {
    if hairpin_eswitch::frame::word(frame, field::TYPE) != tpid {
        return;
    }
    if let Some([high, low]) = frame
        .get_mut(field::TYPE + 2..)
        .and_then(|tci| tci.first_chunk_mut())
    {
        let [vlan_high, vlan_low] = vlan.get().to_be_bytes();
        (*high, *low) = (*high & 0xf0 | vlan_high, vlan_low);
    }
}
