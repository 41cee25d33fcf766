// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where a command gets its answers from: a live NIC, or what a replay left.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hairpin_abi::{MacAddr, PortId, VPort};
use hairpin_driver::health::Health;
use hairpin_driver::log::{LogLine, LogReader};
use hairpin_driver::output::{Source, Stats, VERSION};
use hairpin_driver::pool::PoolState;
use hairpin_driver::report::{Counters, HostEvent, Report, Tables};
use hairpin_driver::snapshot::{FdbState, FlowState, PortState, Snapshot, UplinkState, VvlanState};
use hairpin_driver::switch::SwitchState;
use hairpin_driver::{Device, DeviceInfo, DeviceName, Diagnostic, PfBar};

use crate::args::Global;
use crate::firmware;

/// A NIC.
pub(crate) enum Nic {
    /// A directory that a replay wrote.
    Report(PathBuf),
    /// One that is there.
    Live(Box<Device<PfBar>>),
}

impl Nic {
    /// The NIC that the options name. A device goes before a report.
    pub(crate) fn of(global: &Global) -> Result<Self, Diagnostic> {
        match (&global.device, &global.report) {
            (Some(_), _) => Ok(Self::Live(Box::new(live(global)?))),
            (None, Some(dir)) => Ok(Self::Report(dir.clone())),
            (None, None) => Err(Diagnostic::new("no-nic", "no NIC is named")
                .field("--device")
                .help(
                    "name a live one, -d vfio-user/DIR/pf0.sock or -d pci/0000:01:00.0 (or set HAIRPIN_DEVICE), \
                     or a directory that `hairpin replay` wrote: --report DIR",
                )),
        }
    }

    pub(crate) fn info(&mut self) -> Result<(DeviceInfo, UplinkState, Tables), Diagnostic> {
        Ok(match self {
            Self::Report(dir) => {
                let snapshot = Snapshot::read_file(dir)?;
                (snapshot.info, snapshot.uplink, snapshot.tables)
            }
            Self::Live(device) => (
                device.info().clone(),
                device.uplink_state()?,
                device.table_counters()?,
            ),
        })
    }

    pub(crate) fn ports(&mut self) -> Result<Vec<PortState>, Diagnostic> {
        match self {
            Self::Report(dir) => Ok(Snapshot::read_file(dir)?.ports),
            Self::Live(device) => Ok(device.port_states()?),
        }
    }

    /// The VFs that are enabled, and the queue pairs of all.
    pub(crate) fn pools(&mut self) -> Result<(Vec<PoolState>, u8), Diagnostic> {
        Ok(match self {
            Self::Report(dir) => {
                let snapshot = Snapshot::read_file(dir)?;
                (snapshot.pools, snapshot.info.capabilities.queue_pairs)
            }
            Self::Live(device) => (device.pool_states()?, device.capabilities().queue_pairs),
        })
    }

    pub(crate) fn vvlans(&mut self) -> Result<Vec<VvlanState>, Diagnostic> {
        match self {
            Self::Report(dir) => Ok(Snapshot::read_file(dir)?.vvlans),
            Self::Live(device) => Ok(device.vvlan_states()?),
        }
    }

    pub(crate) fn fdb(&mut self) -> Result<Vec<FdbState>, Diagnostic> {
        match self {
            Self::Report(dir) => Ok(Snapshot::read_file(dir)?.fdb),
            Self::Live(device) => Ok(device.fdb_states()?),
        }
    }

    /// The flow cache, if there is one.
    pub(crate) fn flows(&mut self) -> Result<Vec<FlowState>, Diagnostic> {
        let (has, flows) = match self {
            Self::Report(dir) => {
                let snapshot = Snapshot::read_file(dir)?;
                (snapshot.info.capabilities.flow_cache, snapshot.flows)
            }
            Self::Live(device) if device.capabilities().flow_cache => (true, device.flow_states()?),
            Self::Live(_) => (false, Vec::new()),
        };
        if has {
            return Ok(flows);
        }
        Err(
            Diagnostic::new("needs-flow-cache", "this NIC has no flow cache")
                .help("see `hairpin dev info` for what it has"),
        )
    }

    pub(crate) fn health(&mut self) -> Result<(Health, Tables), Diagnostic> {
        Ok(match self {
            Self::Report(dir) => {
                let snapshot = Snapshot::read_file(dir)?;
                (snapshot.health, snapshot.tables)
            }
            Self::Live(device) => (device.health()?, device.table_counters()?),
        })
    }

    pub(crate) fn switch(&mut self) -> Result<SwitchState, Diagnostic> {
        let state = match self {
            Self::Report(dir) => Snapshot::read_file(dir)?.switch,
            Self::Live(device) => match device.health()?.cause() {
                None => Some(device.switch_state()?),
                Some(_) => None,
            },
        };
        state.ok_or_else(|| {
            Diagnostic::new("no-answer", "the firmware does not answer")
                .help("see `hairpin health show`")
        })
    }

    /// The firmware's log: of a live NIC what its ring holds, decoded against the image that it runs.
    pub(crate) fn log(&mut self, image: Option<PathBuf>) -> Result<Vec<LogLine>, Diagnostic> {
        let device = match self {
            Self::Report(dir) => return Ok(Snapshot::read_file(dir)?.log),
            Self::Live(device) => device,
        };
        let (path, image) = firmware::read(image)?;
        let running = device.health()?.build_id;
        let given = format!("{:08x}", image.manifest().build_id);
        if running != given {
            let message = format!("the NIC runs build {running}, this is build {given}");
            return Err(Diagnostic::new("other-firmware", message)
                .field("--firmware")
                .file(path)
                .help("name the image that the NIC was started with: lines are numbers in it"));
        }
        match LogReader::new(&image) {
            Some(mut reader) => Ok(reader.poll(device)?),
            None => Ok(Vec::new()),
        }
    }

    /// What the firmware told: all that a replay recorded, or what waits in a live NIC.
    pub(crate) fn events(&mut self) -> Result<(Source, Vec<HostEvent>), Diagnostic> {
        let device = match self {
            Self::Report(dir) => return Ok((Source::Replay, Report::read(dir)?.events)),
            Self::Live(device) => device,
        };
        let events = device.take_events()?;
        let now = device.time()?;
        let known: BTreeMap<u32, MacAddr> = if events.iter().all(|event| event.mac_low == 0) {
            BTreeMap::new()
        } else {
            let macs = device.dump_macs()?;
            macs.iter()
                .map(|entry| {
                    let MacAddr([_, _, low @ ..]) = entry.row.key.mac;
                    (u32::from_be_bytes(low), entry.row.key.mac)
                })
                .collect()
        };
        let shown = |event| HostEvent::new(now, event, |low| known.get(&low).copied());
        Ok((Source::Device, events.iter().map(shown).collect()))
    }

    /// Every counter, or those of one port.
    pub(crate) fn stats(&mut self, only: Option<&str>) -> Result<Stats, Diagnostic> {
        let mut stats = match self {
            Self::Report(dir) => {
                let Report {
                    ports,
                    vvlans,
                    cache,
                    tables,
                    ..
                } = Report::read(dir)?;
                Stats {
                    version: VERSION,
                    ports,
                    vvlans,
                    cache,
                    tables,
                }
            }
            Self::Live(device) => live_stats(device, only)?,
        };
        if let Some(name) = only {
            stats.ports.retain(|port, _| port == name);
            stats.vvlans.clear();
            stats.cache.clear();
        }
        Ok(stats)
    }
}

/// Opens the device that is named.
pub(crate) fn live(global: &Global) -> Result<Device<PfBar>, Diagnostic> {
    name(global)?.open_pf(global.vf_token)
}

/// The device that is named.
pub(crate) fn name(global: &Global) -> Result<DeviceName, Diagnostic> {
    global.device.clone().ok_or_else(|| {
        Diagnostic::new("no-nic", "this needs a live NIC, and none is named")
            .field("--device")
            .help("-d vfio-user/DIR/pf0.sock or -d pci/0000:01:00.0, or set HAIRPIN_DEVICE")
    })
}

/// Counters of every port, or of one.
pub(crate) fn port_counters(
    device: &mut Device<PfBar>,
    only: Option<&str>,
) -> Result<BTreeMap<String, Counters>, Diagnostic> {
    let vports = VPort::all().take(device.capabilities().vfs.into());
    let mut ports = BTreeMap::new();
    for port in vports
        .map(PortId::VPort)
        .chain([PortId::Uplink, PortId::Core])
    {
        let name = port.to_string();
        if only.is_none_or(|only| only == name) {
            ports.insert(name, device.port_counters(port)?);
        }
    }
    Ok(ports)
}

fn live_stats(device: &mut Device<PfBar>, only: Option<&str>) -> Result<Stats, Diagnostic> {
    let ports = port_counters(device, only)?;
    let (mut vvlans, mut cache) = (BTreeMap::new(), BTreeMap::new());
    if only.is_none() {
        let has_cache = device.capabilities().flow_cache;
        let states = device.vvlan_states()?;
        let flows = if has_cache && states.iter().any(|vvlan| vvlan.cache) {
            device.flow_states()?
        } else {
            Vec::new()
        };
        for vvlan in states {
            let id = vvlan.id.to_string();
            vvlans.insert(id.clone(), device.vvlan_counters(vvlan.instance)?);
            if vvlan.cache {
                cache.insert(id, device.cache_counters(&vvlan, &flows)?);
            }
        }
    }
    Ok(Stats {
        version: VERSION,
        ports,
        vvlans,
        cache,
        tables: device.table_counters()?,
    })
}
