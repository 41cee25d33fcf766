// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a command may say, as far as the command and the sizes of the NIC tell.

use hairpin_abi::admin::AdminError;
use hairpin_abi::ids::PortSet;
use hairpin_abi::{
    FlowAction, FlowKey, FlowRow, KeyField, MacRow, Miss, Mode, PortId, Target, Teacher, VPort,
    VVlanRow, Vlan,
};

use crate::Limits;

/// A vPort that the NIC has.
pub(crate) fn vport(vport: VPort, limits: &Limits) -> Result<(), AdminError> {
    if vport.get() < limits.vports {
        Ok(())
    } else {
        Err(AdminError::BadVport)
    }
}

/// vPorts that the NIC has.
pub(crate) fn vports(vports: PortSet, limits: &Limits) -> Result<(), AdminError> {
    if (vports - limits.all_vports()).is_empty() {
        Ok(())
    } else {
        Err(AdminError::BadVport)
    }
}

/// A group row that the NIC has.
pub(crate) fn group(index: u8, limits: &Limits) -> Result<(), AdminError> {
    if u16::from(index) < limits.groups {
        Ok(())
    } else {
        Err(AdminError::BadGroup)
    }
}

/// The row of a V.VLAN.
///
/// Whether the uplink reflects is not looked at here: `CFG` is the host's, which may write it before
/// or after the V.VLANs.
pub(crate) fn vvlan_row(row: &VVlanRow, limits: &Limits) -> Result<(), AdminError> {
    if row.acl && !row.cache {
        return Err(AdminError::NoCache); // an ACL is kept there
    }
    if row.key_mask & !KeyField::MASK_ALL != 0 {
        return Err(AdminError::BadArgument);
    }
    let mut vlans = core::iter::once(row.vlan).chain(row.accept.into_iter().flatten());
    if !vlans.all(is_usable) {
        return Err(AdminError::BadVlan);
    }
    match (row.mode, row.miss) {
        (Mode::Veb, Miss::Ignore | Miss::Slowpath | Miss::Drop)
        | (Mode::Vepa, Miss::External)
        | (Mode::Auto, _) => {}
        _ => return Err(AdminError::BadMode),
    }
    vports(row.members, limits)?;
    match row.vswitch {
        Some(port) if !row.members.contains(port) => Err(AdminError::NotMember),
        _ => Ok(()),
    }
}

/// A static entry.
pub(crate) fn entry(row: &MacRow, limits: &Limits) -> Result<(), AdminError> {
    match row.target {
        Target::VPort(_) if row.key.mac.is_group() => Err(AdminError::BadTarget),
        // Broadcast frames go to all members, whatever the table says.
        Target::Group(_) if !row.key.mac.is_group() || row.key.mac.is_broadcast() => {
            Err(AdminError::BadTarget)
        }
        Target::VPort(port) => vport(port, limits),
        Target::Group(index) => group(index, limits),
    }
}

/// A flow entry of the host in a V.VLAN. A source port that the key mask takes out may be anything.
pub(crate) fn flow(
    key: &FlowKey,
    row: &FlowRow,
    vvlan: &VVlanRow,
    limits: &Limits,
) -> Result<(), AdminError> {
    let member = |port: VPort| {
        vport(port, limits)?;
        if vvlan.members.contains(port) {
            Ok(())
        } else {
            Err(AdminError::NotMember)
        }
    };
    if row.teacher == Teacher::Learned || row.pending {
        return Err(AdminError::BadAction);
    }
    match key.src {
        _ if !KeyField::SourcePort.is_in(vvlan.key_mask) => {}
        PortId::VPort(port) => member(port)?,
        PortId::Uplink => {}
        PortId::Core => return Err(AdminError::BadVport),
    }
    match (row.action, row.port) {
        (FlowAction::Redirect | FlowAction::Local, PortId::VPort(port)) => member(port),
        (FlowAction::Redirect, _) | (_, PortId::VPort(_) | PortId::Core) => {
            Err(AdminError::BadTarget)
        }
        (_, PortId::Uplink) => Ok(()),
    }
}

fn is_usable(vlan: Vlan) -> bool {
    matches!(vlan.get(), 1..=4094)
}
