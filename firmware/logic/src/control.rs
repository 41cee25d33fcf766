// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the firmware remembers, and what it does now and then.

use hairpin_abi::VVlan;
use hairpin_abi::fw::Event;
use hairpin_abi::ids::PortSet;

use crate::ageing::Ageing;
use crate::boot::Audit;
use crate::health::Health;
use crate::learn::Moves;
use crate::peer::Peering;
use crate::random::Random;
use crate::{BusFault, TableBus};

/// V.VLAN instances that the firmware can manage; a NIC may have fewer.
pub(crate) const INSTANCES: usize = hairpin_abi::VVLAN_INSTANCES as usize;
/// Most events about addresses that the host is told at once; each tick allows one more.
const TELLS: u8 = 16;

/// Sizes of the NIC, as its capability registers state them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// vPorts.
    pub vports: u8,
    /// V.VLAN instances.
    pub instances: u8,
    /// Group rows.
    pub groups: u16,
    /// Places of the MAC table, its stash not counted.
    pub mac_capacity: u16,
    /// Places of the flow cache, its stash not counted.
    pub flow_capacity: u16,
}

impl Limits {
    /// Every vPort that the NIC has.
    #[must_use]
    pub fn all_vports(&self) -> PortSet {
        // Shifting by 64 or more leaves no bit: then every vPort exists.
        PortSet(!u64::MAX.checked_shl(self.vports.into()).unwrap_or(0))
    }
}

/// The firmware's state beside the tables.
#[derive(Debug)]
pub struct Control {
    pub(crate) limits: Limits,
    pub(crate) instances: Instances,
    pub(crate) moves: Moves,
    pub(crate) ageing: Ageing,
    pub(crate) health: Health,
    pub(crate) audit: Audit,
    pub(crate) random: Random,
    pub(crate) peering: Peering,
    /// Random bytes of the host for the sessions with the switch.
    pub(crate) peer_seed: [u8; 8],
    /// Events about addresses that the host may be told now.
    pub(crate) tells: u8,
    pub(crate) crash_test: bool,
    /// vPorts whose guests may have asked for something.
    pub(crate) asked: PortSet,
    /// The one of them that was looked at last.
    pub(crate) reviewed: u8,
}

impl Control {
    /// The state of a NIC without any V.VLAN, and without sizes: see [`init`](Self::init). It is all
    /// zeros, so that an image needs no initial value for it.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            limits: Limits {
                vports: 0,
                instances: 0,
                groups: 0,
                mac_capacity: 0,
                flow_capacity: 0,
            },
            instances: Instances::new(),
            moves: Moves::none(),
            ageing: Ageing::never(),
            health: Health::new(),
            audit: Audit::done(),
            random: Random::new(0),
            peering: Peering::new(),
            peer_seed: [0; 8],
            tells: 0,
            crash_test: false,
            asked: PortSet::EMPTY,
            reviewed: 0,
        }
    }

    /// Sets the sizes of the NIC; nothing is accepted before. `seed` decides which flow entries are
    /// looked at when the cache is full, `peer_seed` begins the sessions with the switch.
    pub fn init(&mut self, limits: Limits, seed: u32, peer_seed: u64) {
        self.limits = limits;
        self.moves.allow();
        self.ageing.init();
        self.random = Random::new(seed);
        self.peer_seed = peer_seed.to_le_bytes();
        self.tells = TELLS;
    }

    /// Sets whether `CRASH_TEST` is obeyed.
    pub fn allow_crash_test(&mut self, allow: bool) {
        self.crash_test = allow;
    }

    /// What is done every millisecond or so: sweeps and health events when they are due, a bit of the
    /// audit after a restart, a look at what a guest asked for, and one event more about addresses for the host.
    ///
    /// # Errors
    ///
    /// [`BusFault`] when the tables do not answer.
    pub fn tick(
        &mut self,
        bus: &mut impl TableBus,
        time: u64,
        tell: impl FnMut(Event),
    ) -> Result<(), BusFault> {
        self.tells = TELLS.min(self.tells.saturating_add(1));
        self.health.tell(time, tell);
        self.ageing.sweep(bus, time)?;
        self.review_asked(bus)?;
        self.audit(bus)
    }
}

impl Default for Control {
    fn default() -> Self {
        Self::new()
    }
}

/// Which V.VLAN uses which instance.
#[derive(Debug)]
pub(crate) struct Instances([Option<VVlan>; INSTANCES]);

impl Instances {
    const fn new() -> Self {
        Self([None; INSTANCES])
    }

    /// The instance of a V.VLAN.
    pub(crate) fn find(&self, vvlan: VVlan) -> Option<u8> {
        let found = self.0.iter().position(|user| *user == Some(vvlan));
        found.map(|index| index as u8)
    }

    /// The lowest free instance below `limit`.
    pub(crate) fn free(&self, limit: u8) -> Option<u8> {
        let mut usable = self.0.iter().take(limit.into());
        usable.position(Option::is_none).map(|index| index as u8)
    }

    /// The instances in use.
    pub(crate) fn users(&self) -> impl Iterator<Item = (u8, VVlan)> {
        (0..)
            .zip(self.0)
            .filter_map(|(instance, user)| Some((instance, user?)))
    }

    /// The V.VLAN that uses an instance.
    pub(crate) fn user(&self, instance: u8) -> Option<VVlan> {
        self.0.get(usize::from(instance)).copied().flatten()
    }

    /// Gives an instance to a V.VLAN, or to none.
    pub(crate) fn assign(&mut self, instance: u8, vvlan: Option<VVlan>) {
        if let Some(user) = self.0.get_mut(usize::from(instance)) {
            *user = vvlan;
        }
    }
}
