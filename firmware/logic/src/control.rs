// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the firmware remembers.

use hairpin_abi::VVlan;
use hairpin_abi::ids::PortSet;
use hairpin_eswitch::learn::MoveLimit;

use crate::addresses::Addresses;

/// V.VLAN instances that the firmware can manage; a NIC may have fewer.
const INSTANCES: usize = hairpin_abi::VVLAN_INSTANCES as usize;

/// Learned addresses that may move at once, over all vPorts.
const MOVE_BURST: u16 = 64;
/// One more may move every 2^20 ticks, 6.7 ms at the nominal clock.
const MOVE_SHIFT: u32 = 20;

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
    /// Slots of the MAC table.
    pub mac_capacity: u16,
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
    pub(crate) addresses: Addresses,
    pub(crate) moves: MoveLimit,
    pub(crate) crash_test: bool,
}

impl Control {
    /// The state of a NIC without any V.VLAN or address, and without sizes: see
    /// [`init`](Self::init). It is all zeros, so that an image needs no initial value for it.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            limits: Limits {
                vports: 0,
                instances: 0,
                groups: 0,
                mac_capacity: 0,
            },
            instances: Instances::new(),
            addresses: Addresses::new(),
            moves: MoveLimit::new(0, 0),
            crash_test: false,
        }
    }

    /// Sets the sizes of the NIC; nothing is accepted before.
    pub fn init(&mut self, limits: Limits) {
        self.limits = limits;
        self.moves = MoveLimit::new(MOVE_BURST, MOVE_SHIFT);
    }

    /// Sets whether `CRASH_TEST` is obeyed.
    pub fn allow_crash_test(&mut self, allow: bool) {
        self.crash_test = allow;
    }

    /// The learned addresses.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }
}

impl Default for Control {
    fn default() -> Self {
        Self::new()
    }
}

/// An instance and what uses it.
#[derive(Clone, Copy, Debug)]
struct Instance {
    vvlan: Option<VVlan>,
    /// Static addresses of the V.VLAN, group addresses included.
    statics: u16,
}

/// Which V.VLAN uses which instance.
#[derive(Debug)]
pub(crate) struct Instances([Instance; INSTANCES]);

impl Instances {
    const fn new() -> Self {
        Self(
            [Instance {
                vvlan: None,
                statics: 0,
            }; INSTANCES],
        )
    }

    /// The instance of a V.VLAN.
    pub(crate) fn find(&self, vvlan: VVlan) -> Option<u8> {
        self.0
            .iter()
            .position(|instance| instance.vvlan == Some(vvlan))
            .map(|index| index as u8)
    }

    /// The lowest free instance below `limit`.
    pub(crate) fn free(&self, limit: u8) -> Option<u8> {
        let usable = self.0.iter().take(limit.into());
        usable
            .map(|instance| instance.vvlan)
            .position(|vvlan| vvlan.is_none())
            .map(|index| index as u8)
    }

    /// Gives an instance to a V.VLAN, or to none.
    pub(crate) fn assign(&mut self, instance: u8, vvlan: Option<VVlan>) {
        if let Some(slot) = self.0.get_mut(usize::from(instance)) {
            *slot = Instance { vvlan, statics: 0 };
        }
    }

    /// Number of static addresses of an instance.
    pub(crate) fn statics(&self, instance: u8) -> u16 {
        self.0
            .get(usize::from(instance))
            .map_or(0, |slot| slot.statics)
    }

    /// Counts a static address more.
    pub(crate) fn add_static(&mut self, instance: u8) {
        if let Some(slot) = self.0.get_mut(usize::from(instance)) {
            slot.statics = slot.statics.saturating_add(1);
        }
    }

    /// Counts a static address less.
    pub(crate) fn remove_static(&mut self, instance: u8) {
        if let Some(slot) = self.0.get_mut(usize::from(instance)) {
            slot.statics = slot.statics.saturating_sub(1);
        }
    }
}
