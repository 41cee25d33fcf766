// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What NIC this core sits in.

use crate::regs::regs;

/// Sizes of the NIC, hash of its register map, seeds from the host.
#[derive(Debug)]
pub struct Identity(());

impl Identity {
    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// Hash of the register map that the hardware was built with.
    #[must_use]
    pub fn map_hash(&self) -> u64 {
        let id = regs().id();
        let low = id.map_hash_lo().read().value();
        let high = id.map_hash_hi().read().value();
        (u64::from(high) << 32) | u64::from(low)
    }

    /// Number of virtual functions, hence of vPorts.
    #[must_use]
    pub fn vports(&self) -> u8 {
        regs().id().cap0().read().n_vf()
    }

    /// Number of V.VLAN instances.
    #[must_use]
    pub fn vvlan_instances(&self) -> u8 {
        regs().id().cap1().read().vvlan_instances()
    }

    /// Number of slots of the MAC table.
    #[must_use]
    pub fn mac_capacity(&self) -> u16 {
        regs().id().cap1().read().mac_capacity()
    }

    /// Number of slots of the flow cache.
    #[must_use]
    pub fn flow_capacity(&self) -> u16 {
        regs().id().cap2().read().flow_capacity()
    }

    /// Number of rows of the group table.
    #[must_use]
    pub fn groups(&self) -> u16 {
        // The field has four bits, so that the shift is at most 15.
        1 << regs().id().cap1().read().group_log2()
    }

    /// Random words from the host.
    #[must_use]
    pub fn seeds(&self) -> [u32; 4] {
        let id = regs().id();
        [
            id.seed0().read().value(),
            id.seed1().read().value(),
            id.seed2().read().value(),
            id.seed3().read().value(),
        ]
    }
}
