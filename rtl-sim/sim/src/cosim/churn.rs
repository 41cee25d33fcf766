// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Changes of the configuration while traffic flows.

use std::collections::BTreeMap;

use hairpin_abi::admin::Command;
use hairpin_abi::ids::PortSet;
use hairpin_abi::peer::Mark;
use hairpin_abi::row::MacKey;
use hairpin_abi::{
    CfgRow, FlowKey, GroupRow, MacAddr, MacRow, PortRow, Tags, Target, VPort, VVlan, VVlanRow, Vlan,
};
use hairpin_driver::config::{Plan, Step};
use hairpin_driver::{Diagnostic, Error};

use super::flows::learning;
use super::frames::Shot;
use super::setup::mac;
use crate::checker::Checker;
use crate::nic::Nic;
use crate::promise::bits_of;
use crate::rng::Rng;

/// Walks over a large address table in one configuration.
const WALKS: u32 = 2;

/// The configuration as it stands.
#[derive(Clone, Debug)]
pub struct Churn {
    pub(super) rng: Rng,
    pub(super) cfg: CfgRow,
    /// How the NIC talks to the adjacent switch, if it does.
    pub(super) peer: Option<Command>,
    /// The mark, when there is one.
    pub(super) mark: Option<Mark>,
    pub(super) ports: Vec<(VPort, PortRow)>,
    pub(super) vvlans: Vec<(VVlan, VVlanRow)>,
    /// Their members at the start: nobody else ever joins.
    natives: Vec<PortSet>,
    pub(super) macs: Vec<MacRow>,
    pub(super) groups: Vec<(u8, GroupRow)>,
    /// Whole keys of flows that were added.
    pub(super) flows: Vec<FlowKey>,
    /// Frames whose flow was added.
    pub(super) hot: Vec<Shot>,
    /// How often the firmware was made to walk the whole address table.
    walks: u32,
    /// How often a table was filled.
    pub(super) filled: u32,
    /// Changes made, and changes the firmware refused.
    pub done: u64,
    /// Changes that the firmware refused.
    /// By command and reason.
    pub refused: BTreeMap<(String, String), u64>,
    /// Crashes of the firmware.
    pub crashes: u64,
}

impl Churn {
    /// Starts from a plan that was applied.
    #[must_use]
    pub fn new(rng: Rng, plan: &Plan, mark: Option<Mark>) -> Self {
        let mut churn = Self {
            rng,
            cfg: CfgRow::default(),
            peer: None,
            mark,
            ports: Vec::new(),
            vvlans: Vec::new(),
            natives: Vec::new(),
            macs: Vec::new(),
            groups: Vec::new(),
            flows: Vec::new(),
            hot: Vec::new(),
            walks: 0,
            filled: 0,
            done: 0,
            refused: BTreeMap::new(),
            crashes: 0,
        };
        for step in plan.steps() {
            match step {
                Step::Cfg(row) => churn.cfg = *row,
                Step::Port(vport, row) => churn.ports.push((*vport, *row)),
                Step::Admin(Command::VVlanSet { id, row }) => {
                    churn.vvlans.push((*id, *row));
                    churn.natives.push(row.members);
                }
                Step::Admin(Command::FdbAdd(row)) => churn.macs.push(*row),
                Step::Admin(Command::GroupSet { index, row }) => churn.groups.push((*index, *row)),
                Step::Admin(peer @ Command::PeerSet(_)) => churn.peer = Some(*peer),
                Step::Admin(_) => {}
            }
        }
        churn
    }

    /// Frames that are known to find a flow, as long as nobody takes it away.
    #[must_use]
    pub fn hot(&self) -> &[Shot] {
        &self.hot
    }

    /// Makes one random change and tells the checker.
    ///
    /// # Errors
    /// The NIC did not answer as it must.
    pub fn step(
        &mut self,
        nic: &mut Nic,
        checker: &mut Checker,
        recent: &[Shot],
    ) -> Result<(), Diagnostic> {
        self.done += 1;
        let begin = nic.now();
        // The sixth makes the firmware walk the whole address table.
        match self
            .rng
            .weighted(&[180, 170, 140, 70, 40, 4, 200, 150, 40, 8])
        {
            0 => self.port(nic)?,
            1 => self.vvlan(nic, checker, begin)?,
            2 => self.address(nic, checker, begin)?,
            3 => self.group(nic)?,
            4 => {
                self.cfg.pcp = self.rng.below(8) as u8;
                let mark = self.mark.filter(|_| self.rng.percent(80));
                self.set_mark(nic, checker, mark)?;
                // It counts for the NIC's end from then on.
                if let Some(peer) = self.peer.filter(|_| self.rng.percent(70)) {
                    self.admin(nic, &peer)?;
                }
            }
            5 => self.remove(nic, checker, begin)?,
            6 => self.flow(nic, recent)?,
            7 => self.flush(nic)?,
            8 => self.ageing(nic)?,
            _ => self.fill(nic, checker, begin)?,
        }
        Ok(())
    }

    /// Writes `CFG` with a mark, or none.
    pub(super) fn set_mark(
        &mut self,
        nic: &mut Nic,
        checker: &mut Checker,
        mark: Option<Mark>,
    ) -> Result<(), Diagnostic> {
        let begin = nic.now();
        self.cfg.mark = mark;
        nic.device.write_cfg(&self.cfg)?;
        checker.mark(begin, nic.now(), mark.map(bits_of));
        Ok(())
    }

    /// True if the firmware did it.
    pub(super) fn admin(&mut self, nic: &mut Nic, command: &Command) -> Result<bool, Diagnostic> {
        match nic.device.admin(command) {
            Ok(_) => Ok(true),
            Err(Error::Admin {
                command, reason, ..
            }) => {
                *self.refused.entry((command, reason)).or_default() += 1;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Several at once: the host writes these rows itself, which takes no time.
    fn port(&mut self, nic: &mut Nic) -> Result<(), Diagnostic> {
        if self.ports.is_empty() {
            return Ok(());
        }
        if self.rng.percent(25) {
            // Off and on again, often: each time some frame is the last one before.
            let (vport, mut row) = *self.rng.pick(&self.ports);
            for _ in 0..2 * self.rng.range(2, 10) {
                row.enabled = !row.enabled;
                nic.device.write_port(vport, &row)?;
            }
            return Ok(());
        }
        for _ in 0..self.rng.range(1, 6) {
            let at = self.rng.below(self.ports.len());
            let (vport, row) = &mut self.ports[at];
            match self.rng.below(7) {
                0 => row.enabled = !row.enabled,
                1 => {
                    row.spoofchk = !row.spoofchk;
                    row.trust ^= row.spoofchk;
                }
                2 => row.tags = *self.rng.pick(Tags::ALL),
                3 => {
                    row.meter_shift = *self.rng.pick(&[0, 0, 3, 6, 10]);
                    row.meter_burst = self.rng.below(40) as u8;
                }
                4 => learning(&mut self.rng, row),
                _ => row.enabled = true,
            }
            nic.device.write_port(*vport, row)?;
        }
        Ok(())
    }

    fn vvlan(
        &mut self,
        nic: &mut Nic,
        checker: &mut Checker,
        begin: u64,
    ) -> Result<(), Diagnostic> {
        if self.vvlans.is_empty() {
            return Ok(());
        }
        let at = self.rng.below(self.vvlans.len());
        let (id, mut row) = self.vvlans[at];
        match self.rng.below(6) {
            4 => row = self.cached(row),
            5 => row.cache = !row.cache,
            0 => {
                // Some of its own vPorts.
                let keep = PortSet(self.rng.next());
                row.members = self.natives[at] & keep;
            }
            1 => row.members = self.natives[at],
            2 => row.vlan = Vlan::from_tci(self.rng.range(1, 4094) as u16),
            _ => {
                let slot = self.rng.below(row.accept.len());
                row.accept[slot] = self
                    .rng
                    .percent(50)
                    .then(|| Vlan::from_tci(self.rng.range(1, 4094) as u16));
            }
        }
        self.set_vvlan(nic, checker, begin, at, id, row)
    }

    pub(super) fn set_vvlan(
        &mut self,
        nic: &mut Nic,
        checker: &mut Checker,
        begin: u64,
        at: usize,
        id: VVlan,
        row: VVlanRow,
    ) -> Result<(), Diagnostic> {
        if self.admin(nic, &Command::VVlanSet { id, row })? {
            let accept: Vec<u16> = row.accept.iter().flatten().map(|v| v.get()).collect();
            let span = (begin, nic.now());
            checker.vvlan(span, id.get(), row.vlan.get(), &accept, row.members.0);
            self.vvlans[at].1 = row;
        }
        Ok(())
    }

    fn address(
        &mut self,
        nic: &mut Nic,
        checker: &mut Checker,
        begin: u64,
    ) -> Result<(), Diagnostic> {
        if self.macs.is_empty() || self.rng.percent(50) {
            let (Some((id, _)), Some((vport, _))) =
                (self.vvlans.first().copied(), self.ports.last().copied())
            else {
                return Ok(());
            };
            let key = MacKey {
                vvlan: id,
                mac: MacAddr(mac(&mut self.rng)),
            };
            let row = MacRow {
                key,
                target: Target::VPort(vport),
                is_static: true,
            };
            if self.admin(nic, &Command::FdbAdd(row))? {
                checker.own(nic.now(), id.get(), key.mac.0, vport.get());
                self.macs.push(row);
            }
            return Ok(());
        }
        let at = self.rng.below(self.macs.len());
        let row = self.macs[at];
        // Away, and back again later or at once.
        if self.admin(nic, &Command::FdbDel(row.key))? {
            checker.disown(begin, row.key.vvlan.get(), row.key.mac.0);
            if self.rng.percent(70) && self.admin(nic, &Command::FdbAdd(row))? {
                if let Target::VPort(vport) = row.target {
                    checker.own(nic.now(), row.key.vvlan.get(), row.key.mac.0, vport.get());
                }
            } else {
                self.macs.swap_remove(at);
            }
        }
        Ok(())
    }

    fn group(&mut self, nic: &mut Nic) -> Result<(), Diagnostic> {
        if self.groups.is_empty() {
            return Ok(());
        }
        let at = self.rng.below(self.groups.len());
        let (index, _) = self.groups[at];
        let row = GroupRow {
            vports: PortSet(self.rng.next() & 0xff),
        };
        self.admin(nic, &Command::GroupSet { index, row })?;
        Ok(())
    }

    /// True if the firmware may be made to walk the whole address table once more; of a large one that takes
    /// millions of its clocks.
    pub(super) fn may_walk(&mut self, nic: &Nic) -> bool {
        self.walks += 1;
        self.walks <= WALKS || nic.model().is_small()
    }

    /// Takes a V.VLAN away and sets it again.
    fn remove(
        &mut self,
        nic: &mut Nic,
        checker: &mut Checker,
        begin: u64,
    ) -> Result<(), Diagnostic> {
        if self.vvlans.is_empty() || !self.may_walk(nic) {
            return Ok(());
        }
        let at = self.rng.below(self.vvlans.len());
        let (id, row) = self.vvlans[at];
        if self.admin(nic, &Command::VVlanDel { id })? {
            checker.remove_vvlan((begin, nic.now()), id.get());
            self.macs.retain(|mac| mac.key.vvlan != id);
        }
        let begin = nic.now();
        self.set_vvlan(nic, checker, begin, at, id, row)
    }
}
