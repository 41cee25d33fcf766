// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Changes of what the NIC learns and remembers by itself, and of the flow cache.

use hairpin_abi::admin::{Command, Crash, Flush};
use hairpin_abi::{
    FlowAction, FlowKey, FlowRow, IpFields, KeyField, MacAddr, Miss, PortId, PortRow, Role, Target,
    Teacher, VPort, VVlanRow, Vlan,
};
use hairpin_driver::Diagnostic;
use hairpin_eswitch::model::Model;
use hairpin_eswitch::{CacheUse, Canonical, FrameKey, Ingress, decide};

use super::churn::Churn;
use super::frames::Shot;
use super::setup::mac;
use crate::checker::Checker;
use crate::model::UPLINK;
use crate::nic::Nic;
use crate::rng::Rng;

/// Flows that are taken away or changed later.
const KEPT: usize = 64;
/// Frames whose flow was added and that come again.
const HOT: usize = 12;
/// Flows that are added at once to make them hit.
const WARM: usize = 4;
/// Flows that are added to a small table until it is full: more than it holds, by a few.
const FILL: usize = 90;
/// How often it is filled in one configuration: each takes as long as the changes of thousands of frames.
const FILLS: u32 = 3;
/// Clocks after which a slow firmware is not asked to add more.
const FILL_CLOCKS: u64 = 2_500_000;

impl Churn {
    /// Turns on what the configuration leaves off: flow caches, learning, the mark.
    ///
    /// # Errors
    /// The NIC did not answer as it must.
    pub fn enliven(&mut self, nic: &mut Nic, checker: &mut Checker) -> Result<(), Diagnostic> {
        for at in 0..self.vvlans.len() {
            if self.rng.percent(if self.peer.is_some() { 95 } else { 70 }) {
                let (id, row) = self.vvlans[at];
                let row = self.cached(row);
                let begin = nic.now();
                self.set_vvlan(nic, checker, begin, at, id, row)?;
            }
        }
        let mark = self.mark;
        self.set_mark(nic, checker, mark)?;
        for at in 0..self.ports.len() {
            let (vport, mut row) = self.ports[at];
            learning(&mut self.rng, &mut row);
            nic.device.write_port(vport, &row)?;
            self.ports[at].1 = row;
        }
        Ok(())
    }

    /// A V.VLAN with a flow cache. What the adjacent switch is to teach must come to it: mostly, the miss action stays.
    pub(super) fn cached(&mut self, mut row: VVlanRow) -> VVlanRow {
        let bit = KeyField::bit;
        let stays = if self.peer.is_some() { 95 } else { 60 };
        let rng = &mut self.rng;
        row.cache = true;
        row.key_mask = match rng.below(5) {
            0 | 1 => KeyField::MASK_ALL,
            2 => bit(KeyField::SourcePort) | bit(KeyField::Destination) | bit(KeyField::Source),
            3 => bit(KeyField::Destination),
            _ => rng.next() as u16 & KeyField::MASK_ALL,
        };
        row.flow_quota = *rng.pick(&[0, 2, 6, 6, 7, 10, 15]);
        if !rng.percent(stays) {
            row.miss = *rng.pick(&[Miss::Ignore, Miss::Slowpath, Miss::Slowpath, Miss::Drop]);
        }
        row
    }

    /// Adds, changes and removes flows of frames that come again.
    pub(super) fn flow(&mut self, nic: &mut Nic, recent: &[Shot]) -> Result<(), Diagnostic> {
        for _ in 0..self.rng.range(1, 8) {
            let fresh = self.rng.percent(80) || self.flows.is_empty();
            let (key, shot) = if fresh {
                match self.key_in_use(nic, recent) {
                    Some((key, shot)) => (key, Some(shot)),
                    None => return Ok(()),
                }
            } else {
                (*self.rng.pick(&self.flows), None)
            };
            if !fresh && self.rng.percent(50) {
                self.admin(nic, &Command::FlowDel(key))?;
                self.flows.retain(|known| *known != key);
                continue;
            }
            let row = self.row_for(&key);
            if self.admin(nic, &Command::FlowAdd { key, row })? && fresh {
                keep(&mut self.rng, &mut self.flows, KEPT, key);
                if let Some(shot) = shot
                    && !self.hot.contains(&shot)
                {
                    keep(&mut self.rng, &mut self.hot, HOT, shot);
                }
            }
        }
        Ok(())
    }

    /// Adds the flows of some frames that come again and miss, so that most of those hit.
    ///
    /// # Errors
    /// The NIC did not answer as it must.
    pub fn warm(&mut self, nic: &mut Nic, recent: &[Shot]) -> Result<(), Diagnostic> {
        for _ in 0..WARM {
            let Some((key, shot)) = self.key_in_use(nic, recent) else {
                return Ok(());
            };
            if use_of(nic.scoreboard.golden().model(), &shot) != CacheUse::Miss {
                return Ok(());
            }
            let row = self.row_for(&key);
            if !self.admin(nic, &Command::FlowAdd { key, row })? {
                self.hot.retain(|hot| *hot != shot);
            } else if !self.hot.contains(&shot) {
                keep(&mut self.rng, &mut self.hot, HOT, shot);
            }
        }
        Ok(())
    }

    /// Adds flows until a small table is full, and more: of policies, which nothing pushes out, and of the host,
    /// which make room for each other.
    pub(super) fn fill(
        &mut self,
        nic: &mut Nic,
        checker: &mut Checker,
        begin: u64,
    ) -> Result<(), Diagnostic> {
        if self.vvlans.is_empty() || !nic.model().is_small() || self.filled == FILLS {
            return Ok(());
        }
        self.filled += 1;
        let at = self.rng.below(self.vvlans.len());
        let (id, mut row) = self.vvlans[at];
        (row.cache, row.key_mask, row.flow_quota) = (true, KeyField::MASK_ALL, 15);
        self.set_vvlan(nic, checker, begin, at, id, row)?;
        let teacher = *self.rng.pick(&[Teacher::Flow, Teacher::Policy]);
        for _ in 0..FILL {
            let key = FlowKey {
                src: PortId::Uplink,
                vvlan: id.into(),
                da: MacAddr(mac(&mut self.rng)),
                sa: MacAddr(mac(&mut self.rng)),
                ethertype: 0x9000,
                ip: IpFields::default(),
            };
            let row = FlowRow::new(FlowAction::Drop, teacher);
            self.admin(nic, &Command::FlowAdd { key, row })?;
            if nic.now() - begin > FILL_CLOCKS {
                break;
            }
        }
        if self.rng.percent(70) {
            self.admin(nic, &Command::FlowFlush(Flush::Teacher(teacher)))?;
        }
        Ok(())
    }

    /// Lets every vPort learn as many addresses as it likes.
    ///
    /// # Errors
    /// The NIC did not answer as it must.
    pub fn open(&mut self, nic: &mut Nic) -> Result<(), Diagnostic> {
        for (vport, row) in &mut self.ports {
            (row.enabled, row.learning, row.spoofchk, row.max_macs) = (true, true, false, 255);
            nic.device.write_port(*vport, row)?;
        }
        Ok(())
    }

    /// Makes entries of some scope go, in one of the two tables.
    pub(super) fn flush(&mut self, nic: &mut Nic) -> Result<(), Diagnostic> {
        let what = match self.rng.below(4) {
            0 => Flush::All,
            1 => Flush::Teacher(*self.rng.pick(Teacher::ALL)),
            2 if !self.vvlans.is_empty() => Flush::VVlan(self.rng.pick(&self.vvlans).0),
            _ if !self.ports.is_empty() => Flush::VPort(self.rng.pick(&self.ports).0),
            _ => return Ok(()),
        };
        let command = match what {
            Flush::Teacher(_) => Command::FlowFlush(what),
            _ if self.rng.percent(50) => Command::FlowFlush(what),
            Flush::VVlan(_) if !self.may_walk(nic) => Command::FlowFlush(what),
            _ => Command::FdbFlush(what),
        };
        self.admin(nic, &command).map(|_| ())
    }

    /// Sets limits that some idle time in between exceeds.
    pub(super) fn ageing(&mut self, nic: &mut Nic) -> Result<(), Diagnostic> {
        let limits = [0, 1, 1, 2, 4];
        let (mac, flow) = (*self.rng.pick(&limits), *self.rng.pick(&limits));
        self.admin(nic, &Command::AgeingSet { mac, flow })
            .map(|_| ())
    }

    /// Crashes the firmware. Whatever it did with its tables: nobody relies on an address any more.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn crash(&mut self, nic: &mut Nic, checker: &mut Checker) -> Result<(), Diagnostic> {
        self.crashes += 1;
        let begin = nic.now();
        for row in &self.macs {
            checker.disown(begin, row.key.vvlan.get(), row.key.mac.0);
        }
        Ok(nic.device.crash_test(*self.rng.pick(Crash::ALL))?)
    }

    /// The whole configuration again, as the host sends it to a firmware that starts anew.
    ///
    /// # Errors
    /// The NIC did not answer as it must.
    pub fn restore(&mut self, nic: &mut Nic, checker: &mut Checker) -> Result<(), Diagnostic> {
        self.flows.clear();
        for at in 0..self.vvlans.len() {
            let (id, row) = self.vvlans[at];
            let begin = nic.now();
            self.set_vvlan(nic, checker, begin, at, id, row)?;
        }
        for (index, row) in self.groups.clone() {
            self.admin(nic, &Command::GroupSet { index, row })?;
        }
        let mut there = Vec::new();
        for row in std::mem::take(&mut self.macs) {
            if self.admin(nic, &Command::FdbAdd(row))? {
                if let Target::VPort(vport) = row.target {
                    checker.own(nic.now(), row.key.vvlan.get(), row.key.mac.0, vport.get());
                }
                there.push(row);
            }
        }
        self.macs = there;
        nic.device.write_cfg(&self.cfg)?;
        if let Some(peer) = self.peer {
            self.admin(nic, &peer)?;
        }
        for (vport, row) in &self.ports {
            nic.device.write_port(*vport, row)?;
        }
        Ok(())
    }

    /// A frame that comes again and gets as far as the flow cache, and its key. Those that had a flow which is
    /// gone come first.
    fn key_in_use(&mut self, nic: &Nic, recent: &[Shot]) -> Option<(FlowKey, Shot)> {
        let model = nic.scoreboard.golden().model();
        self.hot
            .retain(|shot| use_of(model, shot) != CacheUse::Unused);
        let cold = self
            .hot
            .iter()
            .find(|shot| use_of(model, shot) == CacheUse::Miss);
        if let Some(shot) = cold.cloned()
            && let Some(key) = self.key_of(&shot)
        {
            return Some((key, shot));
        }
        let mut found = None;
        for _ in 0..if recent.is_empty() { 0 } else { 12 } {
            let shot = self.rng.pick(recent).clone();
            let Some(key) = self.key_of(&shot) else {
                continue;
            };
            let misses = use_of(model, &shot) == CacheUse::Miss;
            found = Some((key, shot));
            if misses {
                break;
            }
        }
        found
    }

    /// The flow key of a frame, if it has one.
    fn key_of(&self, shot: &Shot) -> Option<FlowKey> {
        let src = PortId::new(shot.port)?;
        let tci = |at: usize| {
            let bytes = shot.bytes.get(at..at + 2)?;
            Some(Vlan::from_tci(u16::from_be_bytes([bytes[0], bytes[1]])))
        };
        let (strip, vvlan) = if shot.port == UPLINK {
            (8, tci(18)?)
        } else {
            let (_, row) = self.ports.iter().find(|(v, _)| v.get() == shot.port)?;
            match row.role {
                Role::Vswitch => (4, tci(14)?),
                Role::Vf => (0, row.vvlan),
            }
        };
        let frame = Canonical::new(&shot.bytes, strip)?;
        let key = FrameKey::extract(src, vvlan, &frame, self.cfg.tpid);
        (!key.unkeyable).then_some(key.fields)
    }

    fn row_for(&mut self, key: &FlowKey) -> FlowRow {
        let action = *self.rng.pick(FlowAction::ALL);
        let teacher = *self
            .rng
            .pick(&[Teacher::Flow, Teacher::Flow, Teacher::Policy]);
        let members = self
            .vvlans
            .iter()
            .find(|(id, _)| Vlan::from(*id) == key.vvlan)
            .map_or(0, |(_, row)| row.members.0);
        let likely: Vec<u8> = (0..64).filter(|port| members >> port & 1 != 0).collect();
        let vport = if likely.is_empty() || self.rng.percent(10) {
            self.rng.below(8) as u8
        } else {
            *self.rng.pick(&likely)
        };
        let named = action == FlowAction::Redirect || self.rng.percent(20);
        let port = VPort::new(vport).filter(|_| named && action != FlowAction::Uplink);
        FlowRow {
            port: port.map_or(PortId::Uplink, PortId::VPort),
            ..FlowRow::new(action, teacher)
        }
    }
}

/// Puts one in, in the place of another if there are enough.
fn keep<T>(rng: &mut Rng, list: &mut Vec<T>, most: usize, one: T) {
    if list.len() == most {
        let at = rng.below(most);
        list.swap_remove(at);
    }
    list.push(one);
}

/// How far a frame would get if it came now.
fn use_of(model: &Model, shot: &Shot) -> CacheUse {
    let ingress = match VPort::new(shot.port) {
        Some(vport) if shot.port != UPLINK => Ingress::VPort(vport),
        _ => Ingress::Uplink,
    };
    let mut meters = model.meters.clone();
    let time = model.tables.time;
    decide(&model.tables, &mut meters, time, &ingress, &shot.bytes).cache
}

/// A vPort whose addresses are learned, or not.
pub(super) fn learning(rng: &mut Rng, row: &mut PortRow) {
    row.learning = rng.percent(65);
    if row.role == Role::Vf && row.learning {
        row.spoofchk = rng.percent(10);
    }
    row.max_macs = *rng.pick(&[0, 1, 2, 4, 16, 255, 255]);
}
