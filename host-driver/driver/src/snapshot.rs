// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `device.json`: everything a NIC can be asked, at one moment.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use hairpin_abi::ids::PortSet;
use hairpin_abi::{
    CfgRow, KeyField, PortRow, RX_MODE_ROWS, Role, Seen, Target, VPort, VVlan, VVlanRow, Vlan,
};
use serde::{Deserialize, Serialize};

use crate::Diagnostic;
use crate::device::{Device, DeviceInfo};
use crate::error::Error;
use crate::flow::{FlowFields, mask_names};
pub use crate::flow::{FlowKeyState, FlowState};
use crate::health::Health;
use crate::log::LogLine;
use crate::pool::PoolState;
use crate::report::Tables;
use crate::switch::SwitchState;
use crate::tables::{FlowEntry, MacEntry};
use crate::transport::Transport;

/// File name of the snapshot inside a replay's output directory.
pub const SNAPSHOT_FILE: &str = "device.json";

/// Everything a NIC can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Snapshot {
    /// Version of this format, 1.
    pub version: u32,
    /// What the NIC is.
    pub info: DeviceInfo,
    /// How its firmware is.
    pub health: Health,
    /// The uplink.
    pub uplink: UplinkState,
    /// The adjacent switch; null if the firmware does not answer.
    #[serde(default)]
    pub switch: Option<SwitchState>,
    /// Every vPort of the NIC.
    pub ports: Vec<PortState>,
    /// Queues of the VFs that are enabled, and what became of their frames there.
    #[serde(default)]
    pub pools: Vec<PoolState>,
    /// The V.VLANs that are configured.
    pub vvlans: Vec<VvlanState>,
    /// The address table, sorted by V.VLAN and address.
    pub fdb: Vec<FdbState>,
    /// The flow cache, sorted by V.VLAN and key.
    #[serde(default)]
    pub flows: Vec<FlowState>,
    /// Fill of the tables, and what was done to them.
    #[serde(default)]
    pub tables: Tables,
    /// The firmware's log.
    pub log: Vec<LogLine>,
}

/// The uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UplinkState {
    /// TPID of the outer tag.
    pub tpid: u16,
    /// Priority of the tags.
    pub pcp: u8,
    /// Whether the adjacent switch relays frames back out of the port they came in by.
    pub reflects: bool,
}

/// A vPort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PortState {
    /// `vf0`, `vf1`, …
    pub name: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// `vf` or `vswitch`.
    pub role: String,
    /// Its V.VLANs.
    pub vvlans: Vec<u16>,
    /// Its address.
    pub mac: Option<String>,
    /// Whether it may only send from its own address.
    pub spoofchk: bool,
    /// Whether its guest may change its own filters.
    pub trust: bool,
    /// Whether addresses behind it are learned.
    pub learning: bool,
    /// Most addresses learned behind it.
    pub max_macs: u8,
    /// VLAN tags its guest may send: `none`, `priority`, `vlans` or `all`.
    pub tags: String,
    /// Whether frames between two VMs behind it are sent back to it.
    pub reflect: bool,
    /// Tokens of its group meter; absent when there is no limit.
    pub broadcast_burst: Option<u8>,
    /// Ticks per token of its group meter.
    pub broadcast_interval: Option<u64>,
    /// Most that its VF may send, in Mb/s; absent when there is no limit.
    #[serde(default)]
    pub max_tx_rate: Option<u32>,
    /// What its guest asked for and got; nothing without `trust`.
    #[serde(default)]
    pub asked: AskedState,
}

/// What a guest asked for on its control queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AskedState {
    /// It takes unicast frames that nobody in its V.VLAN takes.
    pub promiscuous: bool,
    /// It takes frames of every group in its V.VLAN.
    pub all_multicast: bool,
    /// Addresses beside the configured one.
    pub macs: Vec<String>,
}

/// A V.VLAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VvlanState {
    /// Its ID.
    pub id: u16,
    /// Its instance in the hardware.
    pub instance: u8,
    /// The outer VLAN it leaves on.
    pub vlan: u16,
    /// Every outer VLAN it is accepted on.
    pub accept: Vec<u16>,
    /// `veb`, `vepa` or `auto`.
    pub mode: String,
    /// `ignore`, `external`, `slowpath` or `drop`.
    pub miss: String,
    /// Its vPorts.
    pub members: Vec<String>,
    /// The vPort with the role `vswitch`.
    pub vswitch: Option<String>,
    /// Whether its frames are looked up in the flow cache.
    #[serde(default)]
    pub cache: bool,
    /// Fields of its flows' keys.
    #[serde(default)]
    pub key_fields: Vec<String>,
    /// Most flows it may have.
    #[serde(default)]
    pub flow_quota: u32,
}

/// An entry of the address table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FdbState {
    /// Its V.VLAN.
    pub vvlan: u16,
    /// The address.
    pub mac: String,
    /// The vPorts it leads to: one, or those of the group.
    pub ports: Vec<String>,
    /// The group's index, for group addresses.
    pub group: Option<u8>,
    /// Whether it was configured (`static`) or learned (`dynamic`).
    pub kind: FdbKind,
    /// Ticks of the datapath clock since it last sent, to within 2^21; null for a static one.
    #[serde(default)]
    pub idle_ticks: Option<u64>,
}

/// Where an address came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum FdbKind {
    /// Configured.
    Static,
    /// Learned.
    Dynamic,
}

impl Snapshot {
    /// Asks a NIC everything. `log` is what was read of the firmware's log so far.
    ///
    /// # Errors
    /// The NIC cannot be reached or answers nonsense.
    pub fn read<T: Transport>(device: &mut Device<T>, log: Vec<LogLine>) -> Result<Self, Error> {
        let vvlans = read_vvlans(device)?;
        let ports = read_ports(device, |_| Ok(vvlans.clone()))?;
        let uplink = device.uplink_state()?;
        let health = device.health()?;
        let switch = match health.cause() {
            None => device.switch_state().ok(),
            Some(_) => None,
        };
        Ok(Self {
            version: 1,
            info: device.info().clone(),
            health,
            switch,
            uplink,
            ports,
            pools: if device.capabilities().virtqueues {
                device.pool_states()?
            } else {
                Vec::new()
            },
            tables: device.table_counters()?,
            fdb: device.fdb_states()?,
            flows: read_flows(device, &vvlans)?,
            vvlans: vvlan_states(vvlans),
            log,
        })
    }

    /// Reads `DIR/device.json`.
    ///
    /// # Errors
    /// The file cannot be read, is not a snapshot, or has another version.
    pub fn read_file(dir: &Path) -> Result<Self, Diagnostic> {
        crate::json::read_document(&dir.join(SNAPSHOT_FILE), "a device snapshot")
    }

    /// Writes `DIR/device.json`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_file(&self, dir: &Path) -> Result<(), Diagnostic> {
        crate::json::write_document(&dir.join(SNAPSHOT_FILE), self)
    }
}

/// Parts of a snapshot, for those who want only that: reading all of it takes a live NIC a while.
impl<T: Transport> Device<T> {
    /// The uplink.
    ///
    /// # Errors
    /// The NIC cannot be reached or answers nonsense, here and below.
    pub fn uplink_state(&mut self) -> Result<UplinkState, Error> {
        let CfgRow {
            tpid,
            reflects,
            pcp,
            ..
        } = self.read_cfg()?;
        Ok(UplinkState {
            tpid,
            pcp,
            reflects,
        })
    }

    /// Every vPort.
    ///
    /// # Errors
    /// As above.
    pub fn port_states(&mut self) -> Result<Vec<PortState>, Error> {
        read_ports(self, read_vvlans)
    }

    /// The V.VLANs that are configured.
    ///
    /// # Errors
    /// As above.
    pub fn vvlan_states(&mut self) -> Result<Vec<VvlanState>, Error> {
        Ok(vvlan_states(read_vvlans(self)?))
    }

    /// The address table, sorted by V.VLAN and address.
    ///
    /// # Errors
    /// As above.
    pub fn fdb_states(&mut self) -> Result<Vec<FdbState>, Error> {
        let now = Seen::stamp_of(self.time()?);
        read_fdb(self, now)
    }

    /// The flow cache, sorted by V.VLAN and key.
    ///
    /// # Errors
    /// As above.
    pub fn flow_states(&mut self) -> Result<Vec<FlowState>, Error> {
        let vvlans = read_vvlans(self)?;
        read_flows(self, &vvlans)
    }
}

/// A V.VLAN with its instance and row.
type Instance = (VVlan, u8, VVlanRow);

fn vvlan_states(vvlans: Vec<Instance>) -> Vec<VvlanState> {
    vvlans
        .into_iter()
        .map(|(id, instance, row)| vvlan_state(id, instance, &row))
        .collect()
}

/// Every vPort. The V.VLANs are only needed if there is one that serves several.
fn read_ports<T: Transport>(
    device: &mut Device<T>,
    vvlans: impl FnOnce(&mut Device<T>) -> Result<Vec<Instance>, Error>,
) -> Result<Vec<PortState>, Error> {
    let mut rows = Vec::new();
    let has = *device.capabilities();
    for vport in VPort::all().take(has.vfs.into()) {
        let settings = if has.virtqueues {
            device.vf_settings(vport.get())?
        } else {
            None
        };
        let limit = settings.map_or(0, |settings| settings.max_tx_rate);
        rows.push((vport, device.read_port(vport)?, limit));
    }
    let vvlans = if rows.iter().any(|(_, row, _)| row.role == Role::Vswitch) {
        vvlans(device)?
    } else {
        Vec::new()
    };
    let mut states = Vec::new();
    for (vport, row, limit) in rows {
        let mut state = port_state(vport, &row, limit, &vvlans);
        if row.trust {
            state.asked = asked_state(device, vport)?;
        }
        states.push(state);
    }
    Ok(states)
}

/// Every V.VLAN that is configured.
fn read_vvlans<T: Transport>(device: &mut Device<T>) -> Result<Vec<Instance>, Error> {
    let mut vvlans = Vec::new();
    for instance in 0..device.capabilities().vvlans {
        let row = device.read_vvlan(instance)?;
        let id = row.id.and_then(|id| VVlan::try_from(id).ok());
        // An instance counts if its V.VLAN leads to it.
        if let Some(id) = id
            && device.read_vvmap(id)?.instance == Some(instance)
        {
            vvlans.push((id, instance, row));
        }
    }
    vvlans.sort_by_key(|(id, ..)| *id);
    Ok(vvlans)
}

fn read_fdb<T: Transport>(device: &mut Device<T>, now: u16) -> Result<Vec<FdbState>, Error> {
    let entries = device.dump_macs()?;
    let mut groups: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    let mut states = Vec::with_capacity(entries.len());
    for MacEntry { row, seen } in entries {
        let (ports, group) = match row.target {
            Target::VPort(vport) => (vec![vport.to_string()], None),
            Target::Group(index) => {
                let known = match groups.entry(index) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(free) => {
                        free.insert(names(device.read_group(index.into())?.vports))
                    }
                };
                (known.clone(), Some(index))
            }
        };
        states.push(FdbState {
            vvlan: row.key.vvlan.get(),
            mac: row.key.mac.to_string(),
            ports,
            group,
            kind: if row.is_static {
                FdbKind::Static
            } else {
                FdbKind::Dynamic
            },
            idle_ticks: (!row.is_static).then(|| idle(now, seen.stamp)),
        });
    }
    Ok(states)
}

/// Ticks since a stamp, which wraps.
fn idle(now: u16, stamp: u16) -> u64 {
    u64::from(now.wrapping_sub(stamp)) << Seen::SHIFT
}

fn read_flows<T: Transport>(
    device: &mut Device<T>,
    vvlans: &[Instance],
) -> Result<Vec<FlowState>, Error> {
    let now = Seen::stamp_of(device.time()?);
    let mut states = Vec::new();
    for FlowEntry { key, row, seen } in device.dump_flows()? {
        let vvlan = vvlans.iter().find(|(id, ..)| Vlan::from(*id) == key.vvlan);
        let (frames, bytes) = device.flow_counters(seen.handle)?;
        states.push(FlowState {
            vvlan: key.vvlan.get(),
            key: FlowFields::of(
                &key,
                vvlan.map_or(KeyField::MASK_ALL, |(.., row)| row.key_mask),
            )
            .to_state(),
            action: row.action.name().to_owned(),
            port: row.port.vport().map(|vport| vport.to_string()),
            teacher: row.teacher.name().to_owned(),
            pending: row.pending,
            handle: seen.handle,
            idle_ticks: idle(now, seen.stamp),
            frames,
            bytes,
        });
    }
    states.sort_by(|a, b| (a.vvlan, &a.key).cmp(&(b.vvlan, &b.key)));
    Ok(states)
}

fn port_state(vport: VPort, row: &PortRow, limit: u32, vvlans: &[Instance]) -> PortState {
    let metered = row.meter_shift != 0;
    PortState {
        name: vport.to_string(),
        enabled: row.enabled,
        role: row.role.name().to_owned(),
        vvlans: match row.role {
            Role::Vf => VVlan::try_from(row.vvlan)
                .ok()
                .map(VVlan::get)
                .into_iter()
                .collect(),
            Role::Vswitch => vvlans
                .iter()
                .filter(|(_, _, vvlan)| vvlan.members.contains(vport))
                .map(|(id, ..)| id.get())
                .collect(),
        },
        mac: (row.mac != hairpin_abi::MacAddr::default()).then(|| row.mac.to_string()),
        spoofchk: row.spoofchk,
        trust: row.trust,
        learning: row.learning,
        max_macs: row.max_macs,
        tags: row.tags.name().to_owned(),
        reflect: row.reflect,
        broadcast_burst: metered.then_some(row.meter_burst),
        broadcast_interval: metered.then_some(1 << (row.meter_shift & 63)),
        asked: AskedState::default(),
        max_tx_rate: (limit != 0).then_some(limit),
    }
}

fn asked_state<T: Transport>(device: &mut Device<T>, vport: VPort) -> Result<AskedState, Error> {
    let mut asked = AskedState::default();
    for n in 0..RX_MODE_ROWS {
        let row = device.read_rx_mode(vport, n)?;
        asked.promiscuous |= row.promisc;
        asked.all_multicast |= row.allmulti;
        asked.macs.extend(row.key.map(|key| key.mac.to_string()));
    }
    asked.macs.sort();
    asked.macs.dedup();
    Ok(asked)
}

fn vvlan_state(id: VVlan, instance: u8, row: &VVlanRow) -> VvlanState {
    let accept = std::iter::once(row.vlan).chain(row.accept.iter().flatten().copied());
    VvlanState {
        id: id.get(),
        instance,
        vlan: row.vlan.get(),
        accept: accept.map(Vlan::get).collect(),
        mode: row.mode.name().to_owned(),
        miss: row.miss.name().to_owned(),
        members: names(row.members),
        vswitch: row.vswitch.map(|vport| vport.to_string()),
        cache: row.cache,
        key_fields: mask_names(if row.cache { row.key_mask } else { 0 })
            .into_iter()
            .map(str::to_owned)
            .collect(),
        flow_quota: row.max_flows(),
    }
}

fn names(vports: PortSet) -> Vec<String> {
    vports.iter().map(|vport| vport.to_string()).collect()
}
