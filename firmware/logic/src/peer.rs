// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Learning from the adjacent switch: the NIC's end of the protocol at work on the tables, and the flows that
//! marked frames teach. What the protocol demands is in `hairpin_eswitch::peer`.

use hairpin_abi::admin::{AdminError, PeerSetup, PeerState};
use hairpin_abi::fw::{Event, EventCode};
use hairpin_abi::peer::{AddressChange, AddressPlace, KeyMask, PeerScope, Refusal};
use hairpin_abi::row::MacKey;
use hairpin_abi::{
    CfgRow, KeyField, MacRow, Mode, PortId, Scope, Status, Table, TableCommand, Target, Teacher,
    VPort, VVlanRow, Vlan,
};
use hairpin_eswitch::peer::{NicPeer, PeerTables};
use heapless::Vec;

use crate::control::{INSTANCES, Instances};
use crate::path::{Hold, Paths};
use crate::{BusFault, Control, TableBus};

/// The longest lease that is taken, whatever the switch grants: 60 s.
const MAX_LEASE_US: u64 = 60_000_000;
/// The firmware reads that much of a control frame.
pub const READABLE: usize = hairpin_abi::peer::MIN_READABLE;
/// The longest frame that the NIC sends to the switch: a HELLO with the mask of every V.VLAN.
pub const SENDABLE: usize = 40 + 36 + INSTANCES * 4 + 16;

/// Ticks of the nominal datapath clock, 156.25 MHz, as microseconds.
const fn micros(ticks: u64) -> u64 {
    ticks / 625 * 4 + ticks % 625 * 4 / 625
}

/// The first tick that [`micros`] gives this number.
const fn ticks(micros: u64) -> u64 {
    micros.saturating_mul(625).div_ceil(4)
}

/// State of the NIC's end.
#[derive(Debug)]
pub(crate) struct Peering {
    /// One, or none: an empty list is all zeros, an `Option` is not.
    nic: Vec<(NicPeer, PeerSetup, CfgRow), 1>,
    /// What the switch is told of the V.VLANs.
    masks: Vec<KeyMask, INSTANCES>,
    /// A V.VLAN has changed since.
    masks_old: bool,
    /// Marked frames teach.
    learning: bool,
    /// The host was told so.
    told: bool,
    /// When something is due.
    wake: u64,
    paths: Paths,
    invalidations: u32,
}

impl Peering {
    /// All zeros.
    pub(crate) const fn new() -> Self {
        Self {
            nic: Vec::new(),
            masks: Vec::new(),
            masks_old: false,
            learning: false,
            told: false,
            wake: 0,
            paths: Paths::new(),
            invalidations: 0,
        }
    }

    /// A V.VLAN has changed.
    pub(crate) fn vvlans_changed(&mut self) {
        self.masks_old = true;
    }
}

/// What the switch may do to the tables.
struct Hands<'a, B> {
    bus: &'a mut B,
    instances: &'a Instances,
    learning: &'a mut bool,
    paths: &'a mut Paths,
    invalidations: &'a mut u32,
}

impl<B: TableBus> PeerTables for Hands<'_, B> {
    fn set_learning(&mut self, on: bool) {
        // A bus that does not answer is told to the host by whoever looks next.
        let done = self.bus.set_teaching(on).is_ok();
        *self.learning = on && done;
    }

    /// A V.VLAN goes with all others: its own epoch would take the flows of the host as well. Frames that teach and
    /// were sent before the message have been installed before it came out of the punt store.
    fn forget(&mut self, scope: &PeerScope<'_>) -> bool {
        *self.invalidations = self.invalidations.saturating_add(1);
        match scope {
            PeerScope::All | PeerScope::VVlan(_) => {
                self.paths.forget();
                forget_all(self.bus).is_ok()
            }
            PeerScope::Signatures(list) => list.iter().all(|signature| {
                let Some(instance) = self.instances.find(signature.vvlan()) else {
                    return true;
                };
                let bus = &mut *self.bus;
                let remove = |vport: VPort, row: &VVlanRow, bus: &mut B| match bus
                    .flow_lookup(&signature.key_of(vport, row.key_mask))?
                {
                    Some((flow, _)) if flow.teacher == Teacher::Learned => bus.flow_delete_staged(),
                    _ => Ok(()),
                };
                bus.vvlan(instance)
                    .and_then(|row| {
                        let by_port = row.key_mask & KeyField::SourcePort.bit() != 0;
                        let vports = row
                            .members
                            .iter()
                            .take(if by_port { usize::MAX } else { 1 });
                        for vport in vports {
                            remove(vport, &row, bus)?;
                        }
                        Ok(())
                    })
                    .is_ok()
            }),
        }
    }

    fn address(&mut self, change: &AddressChange) -> bool {
        self.try_address(change).unwrap_or(false)
    }
}

impl<B: TableBus> Hands<'_, B> {
    fn try_address(&mut self, change: &AddressChange) -> Result<bool, BusFault> {
        let Some(instance) = self.instances.find(change.vvlan) else {
            return Ok(false);
        };
        let row = self.bus.vvlan(instance)?;
        let key = MacKey {
            vvlan: change.vvlan,
            mac: change.mac,
        };
        let old = self.bus.lookup(&key)?;
        if old.is_some_and(|old| old.is_static) {
            return Ok(false);
        }
        let vport = match change.place {
            AddressPlace::VPort(vport) => Some(vport),
            AddressPlace::Vswitch => row.vswitch,
            AddressPlace::Elsewhere => {
                if old.is_some() {
                    self.bus.delete(&key)?;
                }
                return Ok(true);
            }
        };
        let Some(vport) = vport.filter(|vport| row.members.contains(*vport)) else {
            return Ok(false);
        };
        let target = Target::VPort(vport);
        if old.is_some_and(|old| old.target == target) {
            return Ok(true);
        }
        let port = self.bus.port(vport)?;
        if !(port.enabled && port.learning) {
            return Ok(false);
        }
        let entry = MacRow {
            key,
            target,
            is_static: false,
        };
        let status = self
            .bus
            .apply(&TableCommand::MacInsert(instance.into(), entry))?;
        Ok(matches!(status, Status::Ok | Status::Updated))
    }
}

pub(crate) fn forget_all(bus: &mut impl TableBus) -> Result<(), BusFault> {
    bus.invalidate(Table::Flow, Scope::Teacher, Teacher::Learned.code())
}

impl Control {
    /// Sets how to talk to the switch. The same setup again changes nothing, so that a configuration that is
    /// sent again does not end the session.
    pub(crate) fn peer_set(
        &mut self,
        bus: &mut impl TableBus,
        setup: Option<PeerSetup>,
        time: u64,
    ) -> Result<(), AdminError> {
        let cfg = CfgRow::from_words(&bus.read(Table::Cfg, 0)?);
        if setup.is_some() && cfg.mark.is_none() {
            return Err(AdminError::BadMark);
        }
        let now = self.peering.nic.first().map(|(_, now, cfg)| (*now, *cfg));
        if now == setup.map(|setup| (setup, cfg)) {
            return Ok(());
        }
        self.peering.nic.clear();
        self.peering.learning = false;
        self.peering.paths.forget();
        bus.set_teaching(false)?;
        forget_all(bus)?;
        let Some((setup, mark)) = setup.zip(cfg.mark) else {
            return Ok(());
        };
        let mut seed = [0; 16];
        let (random, now) = seed.split_at_mut(8);
        random.copy_from_slice(&self.peer_seed);
        now.copy_from_slice(&time.to_le_bytes());
        let peer = NicPeer::new(
            setup.source,
            setup.keys,
            mark,
            seed,
            READABLE as u16,
            MAX_LEASE_US,
        );
        // There is room: the list is empty.
        let _ = self.peering.nic.push((peer, setup, cfg));
        self.peering.masks = read_masks(&self.instances, bus)?;
        self.peering.masks_old = false;
        Ok(())
    }

    /// A page of what there is between NIC and switch.
    pub(crate) fn peer_get(&self, page: u8, time: u64) -> Result<[u32; 7], AdminError> {
        let peering = &self.peering;
        let now = micros(time);
        let nic = peering.nic.first().map(|(nic, ..)| nic);
        if page == 0 {
            let state = match nic {
                None => PeerState::Off,
                Some(nic) if nic.is_learning(now) => PeerState::Learning,
                Some(_) => PeerState::Searching,
            };
            let lease = nic.map_or(0, |nic| nic.lease_left_us(now)) / 1000;
            let [learned, moved, late, waiting] = peering.paths.counts();
            return Ok([
                state.code().into(),
                lease.try_into().unwrap_or(u32::MAX),
                learned,
                moved,
                late,
                waiting,
                peering.invalidations,
            ]);
        }
        let first = 7 * (usize::from(page) - 1);
        if first >= Refusal::COUNT {
            return Err(AdminError::BadArgument);
        }
        let mut counts = [0; 7];
        for (count, why) in counts.iter_mut().zip(Refusal::ALL.iter().skip(first)) {
            *count = nic.map_or(0, |nic| nic.link().refused(*why));
        }
        Ok(counts)
    }

    /// A control frame of the switch, or of somebody who says so: the length of the answer in `out`.
    pub fn control_frame(
        &mut self,
        bus: &mut impl TableBus,
        frame: &[u8],
        time: u64,
        out: &mut [u8; SENDABLE],
    ) -> Option<usize> {
        let Self {
            peering, instances, ..
        } = self;
        let (nic, ..) = peering.nic.first_mut()?;
        peering.wake = 0;
        let mut hands = Hands {
            bus,
            instances,
            learning: &mut peering.learning,
            paths: &mut peering.paths,
            invalidations: &mut peering.invalidations,
        };
        nic.receive(frame, micros(time), &peering.masks, &mut hands, out)
    }

    /// Whether [`peer_turn`](Self::peer_turn) has something to do, with flows that `wait` for a hold or none.
    #[must_use]
    pub fn peer_is_due(&self, time: u64, wait: bool) -> bool {
        let peering = &self.peering;
        peering.paths.is_due(time, wait)
            || peering.told != peering.learning
            || !peering.nic.is_empty() && (peering.masks_old || time >= peering.wake)
    }

    /// Does what is due between NIC and switch: HELLO, the end of a lease, flows that
    /// change their path, if some `wait`. The length of a frame for the switch in `out`; `tell` queues an event for the host.
    pub fn peer_turn(
        &mut self,
        bus: &mut impl TableBus,
        hold: &mut impl Hold,
        (time, wait): (u64, bool),
        out: &mut [u8; SENDABLE],
        mut tell: impl FnMut(Event),
    ) -> Option<usize> {
        let Self {
            peering, instances, ..
        } = self;
        let Some((nic, ..)) = peering.nic.first_mut() else {
            peering.paths.stop(hold);
            tell_change(&mut peering.told, false, &mut tell);
            return None;
        };
        let now = micros(time);
        let mut hands = Hands {
            bus,
            instances,
            learning: &mut peering.learning,
            paths: &mut peering.paths,
            invalidations: &mut peering.invalidations,
        };
        if peering.masks_old
            && let Ok(masks) = read_masks(hands.instances, hands.bus)
        {
            peering.masks_old = false;
            if masks != peering.masks {
                peering.masks = masks;
                nic.restart(&mut hands);
            }
        }
        if let Some(len) = nic.poll(now, &peering.masks, &mut hands, out) {
            return Some(len);
        }
        let Hands {
            bus,
            paths,
            learning,
            ..
        } = hands;
        tell_change(&mut peering.told, *learning, &mut tell);
        peering.wake = ticks(nic.poll_at());
        paths.turn(bus, hold, (time, wait), nic.heard(), || {
            nic.probe(now, &peering.masks, out)
        })
    }

    /// True if [`peer_turn`](Self::peer_turn) waits for the datapath and must be called again at once.
    #[must_use]
    pub fn peer_is_busy(&self) -> bool {
        self.peering.paths.is_holding()
    }

    /// Whether flows that begin to wait are served at once.
    #[must_use]
    pub fn serves_flows(&self, time: u64) -> bool {
        !self.peering.nic.is_empty() && self.peering.paths.may_begin(time)
    }

    /// Flows that frames taught were not installed, because the cache was full or a V.VLAN had as many as it may. Their next
    /// frames that teach come soon.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the tables do not answer.
    pub fn not_installed(
        &mut self,
        bus: &mut impl TableBus,
        full: bool,
        quota: bool,
        time: u64,
    ) -> Result<(), BusFault> {
        if quota {
            self.health.status(Status::Quota);
        }
        if full {
            self.health.status(Status::Full);
            self.make_room(bus, Teacher::Learned, time)?;
        }
        Ok(())
    }
}

/// Tells the host when learning begins and ends.
fn tell_change(told: &mut bool, learning: bool, tell: &mut impl FnMut(Event)) {
    if *told != learning {
        *told = learning;
        tell(Event {
            code: if learning {
                EventCode::SwitchUp
            } else {
                EventCode::SwitchLost
            },
            port: PortId::Uplink,
            vvlan: Vlan::from_tci(0),
            mac_low: 0,
        });
    }
}

/// Whether marked frames of a V.VLAN teach. What an ACL of the NIC itself would say is not known: with one, nothing is
/// learned. The hardware says the same.
fn teaches(row: &VVlanRow) -> bool {
    row.cache && row.mode != Mode::Veb && !row.acl
}

/// The key masks of the V.VLANs in which marked frames teach.
fn read_masks(
    instances: &Instances,
    bus: &mut impl TableBus,
) -> Result<Vec<KeyMask, INSTANCES>, BusFault> {
    let mut masks = Vec::new();
    for (instance, vvlan) in instances.users() {
        let row = bus.vvlan(instance)?;
        if teaches(&row) {
            let mask = KeyMask {
                vvlan,
                mask: row.key_mask,
            };
            // There is room for every instance.
            let _ = masks.push(mask);
        }
    }
    Ok(masks)
}
