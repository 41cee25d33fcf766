// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the decision reads.

use hairpin_abi::ids::PortSet;
use hairpin_abi::row::MacKey;
use hairpin_abi::{CfgRow, FlowKey, GroupRow, PortRow, Target, VPort, VVlan, VVlanRow};

use crate::FlowHit;

/// The tables of an eSwitch, as of one point in time.
pub trait Tables {
    /// The configuration of the whole NIC.
    fn config(&self) -> CfgRow;

    /// A vPort; [`PortRow::DISABLED`] if the NIC does not have it.
    fn port(&self, vport: VPort) -> PortRow;

    /// The instance (0 to 63) and row of a V.VLAN; `None` if it is not configured.
    fn vvlan(&self, id: VVlan) -> Option<(u8, VVlanRow)>;

    /// Where a MAC address leads; `None` if it is not known.
    fn mac(&self, key: &MacKey) -> Option<Target>;

    /// The flow cache's live entry for a masked key.
    fn flow(&self, key: &FlowKey) -> Option<FlowHit>;

    /// The vPorts of a group.
    fn group(&self, index: u8) -> GroupRow;

    /// vPorts that take unicast frames from the uplink that nobody takes: their guests asked for it, and are trusted.
    fn promiscuous(&self) -> PortSet;

    /// vPorts that take frames of every group of their V.VLAN: likewise.
    fn all_multicast(&self) -> PortSet;

    /// The enabled vPorts.
    fn enabled(&self) -> PortSet {
        VPort::all()
            .filter(|vport| self.port(*vport).enabled)
            .collect()
    }
}
