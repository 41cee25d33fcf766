// SPDX-License-Identifier: Apache-2.0 OR MIT

//! From a configuration to the rows and commands of one NIC.

use hairpin_abi::admin::Command;
use hairpin_abi::row::MacKey;
use hairpin_abi::{
    CfgRow, GroupRow, MacRow, Miss, PortRow, Role, Target, VPort, VVlan, VVlanRow, Vlan,
};

use super::{Config, GroupConfig, Place, VportConfig, VvlanConfig};
use crate::{Capabilities, Diagnostic};

/// Everything to do, in order: times, V.VLANs, addresses, groups, flows; then the NIC's own row, which
/// lets the uplink in, and the vPorts last.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) steps: Vec<(Step, Place)>,
    pub(super) config: Config,
}

/// One change of the NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write the row of the whole NIC.
    Cfg(CfgRow),
    /// Ask the firmware.
    Admin(Command),
    /// Write a vPort's row.
    Port(VPort, PortRow),
}

impl Plan {
    /// Checks a configuration against what a NIC has room for.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn new(config: &Config, capabilities: &Capabilities) -> Result<Self, Diagnostic> {
        check_capabilities(config, capabilities)?;
        let ageing = Command::AgeingSet {
            mac: config.ageing_seconds.unwrap_or(0),
            flow: config.flow_idle_seconds.unwrap_or(0),
        };
        let top = |field: &str| Place {
            field: field.to_owned(),
            line: 1,
        };
        let mut steps = vec![(Step::Admin(ageing), top("ageing-time"))];
        for vvlan in &config.vvlans {
            let command = Command::VVlanSet {
                id: vvlan.id,
                row: vvlan_row(vvlan),
            };
            steps.push((Step::Admin(command), vvlan.place.clone()));
        }
        for entry in &config.fdb {
            let row = static_row(entry.vvlan, entry.mac, Target::VPort(entry.vport));
            steps.push((Step::Admin(Command::FdbAdd(row)), entry.place.clone()));
        }
        for (index, group) in (0..=u8::MAX).zip(&config.groups) {
            for command in group_commands(index, group) {
                steps.push((Step::Admin(command), group.place.clone()));
            }
        }
        for flow in &config.flows {
            let command = Command::FlowAdd {
                key: flow.key,
                row: flow.row,
            };
            steps.push((Step::Admin(command), flow.place.clone()));
        }
        let nic = CfgRow {
            tpid: config.uplink.tpid,
            reflects: config.uplink.reflects,
            pcp: config.uplink.pcp,
            mark: config.switch.as_ref().map(|switch| switch.mark),
        };
        steps.push((Step::Cfg(nic), top("uplink")));
        if let Some(switch) = &config.switch {
            let peer = Command::PeerSet(Some(switch.setup));
            steps.push((Step::Admin(peer), switch.place.clone()));
        }
        for vport in &config.vports {
            steps.push((
                Step::Port(vport.vport, port_row(vport)),
                vport.place.clone(),
            ));
        }
        Ok(Self {
            steps,
            config: config.clone(),
        })
    }

    /// What it will do, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().map(|(step, _)| step)
    }
}

fn check_capabilities(config: &Config, nic: &Capabilities) -> Result<(), Diagnostic> {
    let error = |code, place: &Place, message: String| {
        Diagnostic::new(code, message)
            .field(place.field.as_str())
            .file(&config.file)
            .line(place.line)
    };
    if let Some(vport) = config
        .vports
        .iter()
        .find(|vport| vport.vport.get() >= nic.vfs)
    {
        let message = format!(
            "{} does not exist: the NIC has {} VFs",
            vport.vport, nic.vfs
        );
        return Err(error("too-many-vfs", &vport.place, message)
            .help(format!("use vf0 to vf{}", nic.vfs.saturating_sub(1))));
    }
    if !nic.flow_cache {
        needs_no_flow_cache(config)?;
    }
    let addresses = || {
        let fdb = config.fdb.iter().map(|entry| &entry.place);
        fdb.chain(config.groups.iter().map(|group| &group.place))
    };
    let limits: [(&str, &str, usize, Option<&Place>); 4] = [
        (
            "too-many-vvlans",
            "V.VLANs",
            nic.vvlans.into(),
            config
                .vvlans
                .get(usize::from(nic.vvlans))
                .map(|vvlan| &vvlan.place),
        ),
        (
            "too-many-groups",
            "groups",
            nic.groups.into(),
            config
                .groups
                .get(usize::from(nic.groups))
                .map(|group| &group.place),
        ),
        (
            "too-many-addresses",
            "addresses",
            nic.mac_entries.into(),
            addresses().nth(nic.mac_entries.into()),
        ),
        (
            "too-many-flows",
            "flows",
            nic.flow_entries.into(),
            config
                .flows
                .get(usize::from(nic.flow_entries))
                .map(|flow| &flow.place),
        ),
    ];
    for (code, what, limit, first_beyond) in limits {
        if let Some(place) = first_beyond {
            let message = format!("more {what} than the NIC has room for: {limit}");
            return Err(error(code, place, message).help(format!("configure at most {limit}")));
        }
    }
    Ok(())
}

/// What a NIC without a flow cache cannot do.
fn needs_no_flow_cache(config: &Config) -> Result<(), Diagnostic> {
    let slowpath = config
        .vvlans
        .iter()
        .find(|vvlan| vvlan.miss == Miss::Slowpath);
    let cache = config.vvlans.iter().find(|vvlan| vvlan.cache);
    let (place, message, help) = match (slowpath, cache) {
        (Some(vvlan), _) => (
            &vvlan.miss_place,
            "miss = \"slowpath\" needs a flow cache, which this NIC does not have",
            "use miss = \"ignore\" or \"drop\"",
        ),
        (None, Some(vvlan)) => (
            &vvlan.place,
            "cache = true needs a flow cache, which this NIC does not have",
            "remove cache, key-fields, flow-quota and [[flow]]",
        ),
        (None, None) => return Ok(()),
    };
    Err(Diagnostic::new("needs-flow-cache", message)
        .field(place.field.as_str())
        .file(&config.file)
        .line(place.line)
        .help(help))
}

fn vvlan_row(vvlan: &VvlanConfig) -> VVlanRow {
    let mut row = VVlanRow::new(vvlan.vlan, vvlan.mode, vvlan.miss);
    row.vswitch = vvlan.vswitch;
    row.members = vvlan.members;
    row.cache = vvlan.cache;
    row.key_mask = vvlan.key_mask;
    row.flow_quota = vvlan.flow_quota;
    for (slot, vlan) in row.accept.iter_mut().zip(&vvlan.accept) {
        *slot = Some(*vlan);
    }
    row
}

fn group_commands(index: u8, group: &GroupConfig) -> [Command; 2] {
    let row = GroupRow {
        vports: group.members,
    };
    let entry = static_row(group.vvlan, group.mac, Target::Group(index));
    [Command::GroupSet { index, row }, Command::FdbAdd(entry)]
}

fn static_row(vvlan: VVlan, mac: hairpin_abi::MacAddr, target: Target) -> MacRow {
    MacRow {
        key: MacKey { vvlan, mac },
        target,
        is_static: true,
    }
}

fn port_row(vport: &VportConfig) -> PortRow {
    let own_vvlan = match (vport.role, vport.vvlans.first()) {
        (Role::Vf, Some(vvlan)) => Vlan::from(*vvlan),
        _ => Vlan::default(),
    };
    PortRow {
        enabled: vport.enabled,
        role: vport.role,
        spoofchk: vport.spoofchk,
        trust: vport.trust,
        learning: vport.learning,
        tags: vport.tags,
        reflect: vport.reflect,
        max_macs: vport.max_macs,
        vvlan: own_vvlan,
        mac: vport.mac.unwrap_or_default(),
        meter_shift: vport.meter.map_or(0, |meter| meter.shift),
        meter_burst: vport.meter.map_or(0, |meter| meter.burst),
    }
}
