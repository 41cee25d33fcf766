// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Commands that show something.

use std::path::Path;

use hairpin_driver::Diagnostic;
use hairpin_driver::health::warnings;
use hairpin_driver::output::{
    DevInfo, FdbMonitor, FdbShow, FlowShow, HealthShow, Log, PortShow, Source, Stats, StatsWatch,
    SwitchShow, VERSION, VvlanShow,
};
use hairpin_driver::report::Report;
use hairpin_driver::snapshot::Snapshot;
use serde::Serialize;

use crate::args::{Command, Dev, Fdb, Flow, Global, Health, Port, Switch, Vvlan};
use crate::text::Text;

/// Runs one of them.
pub(crate) fn run(command: &Command, global: &Global) -> Result<(), Diagnostic> {
    let dir = report_dir(global)?;
    match command {
        Command::Dev(Dev::Info) => {
            let Snapshot {
                info: device,
                uplink,
                tables,
                ..
            } = Snapshot::read_file(dir)?;
            print(
                &DevInfo {
                    version: VERSION,
                    device,
                    uplink,
                    tables,
                },
                global,
            )
        }
        Command::Port(Port::Show { port }) => {
            let mut ports = Snapshot::read_file(dir)?.ports;
            if let Some(name) = port {
                ports.retain(|port| port.name == *name);
                found(
                    !ports.is_empty(),
                    "PORT",
                    &format!("there is no vPort `{name}`"),
                )?;
            }
            print(
                &PortShow {
                    version: VERSION,
                    ports,
                },
                global,
            )
        }
        Command::Vvlan(Vvlan::Show { id }) => {
            let mut vvlans = Snapshot::read_file(dir)?.vvlans;
            if let Some(id) = id {
                vvlans.retain(|vvlan| vvlan.id == *id);
                found(
                    !vvlans.is_empty(),
                    "ID",
                    &format!("there is no V.VLAN {id}"),
                )?;
            }
            print(
                &VvlanShow {
                    version: VERSION,
                    vvlans,
                },
                global,
            )
        }
        Command::Fdb(Fdb::Show { vvlan }) => {
            let mut snapshot = Snapshot::read_file(dir)?;
            if let Some(id) = vvlan {
                let known = snapshot.vvlans.iter().any(|vvlan| vvlan.id == *id);
                found(known, "--vvlan", &format!("there is no V.VLAN {id}"))?;
                snapshot.fdb.retain(|entry| entry.vvlan == *id);
            }
            print(
                &FdbShow {
                    version: VERSION,
                    fdb: snapshot.fdb,
                },
                global,
            )
        }
        Command::Fdb(Fdb::Monitor { vvlan }) => {
            let mut events = Report::read(dir)?.events;
            events.retain(|event| vvlan.is_none_or(|id| event.vvlan == Some(id)));
            print(
                &FdbMonitor {
                    version: VERSION,
                    source: Source::Replay,
                    events,
                },
                global,
            )
        }
        Command::Flow(Flow::Show { vvlan, port }) => {
            let mut snapshot = Snapshot::read_file(dir)?;
            if !snapshot.info.capabilities.flow_cache {
                return Err(
                    Diagnostic::new("needs-flow-cache", "this NIC has no flow cache")
                        .help("see `hairpin dev info` for what it has"),
                );
            }
            if let Some(id) = vvlan {
                let known = snapshot.vvlans.iter().any(|vvlan| vvlan.id == *id);
                found(known, "--vvlan", &format!("there is no V.VLAN {id}"))?;
                snapshot.flows.retain(|flow| flow.vvlan == *id);
            }
            if let Some(name) = port {
                let known =
                    name == "uplink" || snapshot.ports.iter().any(|port| port.name == *name);
                found(known, "--port", &format!("there is no port `{name}`"))?;
                let is = |port: &Option<String>| port.as_ref() == Some(name);
                snapshot
                    .flows
                    .retain(|flow| is(&flow.key.from) || is(&flow.port));
            }
            print(
                &FlowShow {
                    version: VERSION,
                    flows: snapshot.flows,
                },
                global,
            )
        }
        Command::Log { level } => {
            let mut log = Snapshot::read_file(dir)?.log;
            if let Some(least) = level {
                log.retain(|line| least.admits(line.level.as_deref()));
            }
            print(
                &Log {
                    version: VERSION,
                    log,
                },
                global,
            )
        }
        Command::Switch(Switch::Show) => {
            let switch = Snapshot::read_file(dir)?.switch.ok_or_else(|| {
                Diagnostic::new("no-answer", "the firmware does not answer")
                    .help("see `hairpin health show`")
            })?;
            print(
                &SwitchShow {
                    version: VERSION,
                    switch,
                },
                global,
            )
        }
        Command::Health(Health::Show) => {
            let Snapshot { health, tables, .. } = Snapshot::read_file(dir)?;
            print(
                &HealthShow {
                    version: VERSION,
                    cause: health.cause(),
                    help: health.help().map(str::to_owned),
                    warnings: warnings(&health, &tables),
                    health,
                },
                global,
            )
        }
        Command::Stats {
            port,
            watch,
            interval,
        } => {
            let report = Report::read(dir)?;
            if let Some(name) = port {
                let known = report.ports.contains_key(name);
                found(known, "PORT", &format!("there is no port `{name}`"))?;
            }
            if *watch {
                let document = StatsWatch::of_report(&report, *interval, port.as_deref());
                return print(&document, global);
            }
            let Report {
                mut ports,
                mut vvlans,
                mut cache,
                tables,
                ..
            } = report;
            if let Some(name) = port {
                ports.retain(|port, _| port == name);
                vvlans.clear();
                cache.clear();
            }
            print(
                &Stats {
                    version: VERSION,
                    ports,
                    vvlans,
                    cache,
                    tables,
                },
                global,
            )
        }
        // The others were dealt with before.
        _ => Ok(()),
    }
}

/// Where the report is.
fn report_dir(global: &Global) -> Result<&Path, Diagnostic> {
    match (&global.report, &global.device) {
        (Some(dir), None) => Ok(dir),
        (_, Some(device)) => Err(no_transport(device)),
        (None, None) => Err(Diagnostic::new("no-report", "nothing to show")
            .field("--report")
            .help(
                "name a directory that `hairpin replay` wrote: --report DIR, or set HAIRPIN_REPORT",
            )),
    }
}

/// A live NIC cannot be reached.
pub(crate) fn no_transport(device: &str) -> Diagnostic {
    Diagnostic::new(
        "no-transport",
        format!("cannot attach to {device}: this version has no transport to a live device"),
    )
    .field("--device")
    .help("show what a replay wrote instead: --report DIR, and no --device or HAIRPIN_DEVICE")
}

fn found(found: bool, field: &str, message: &str) -> Result<(), Diagnostic> {
    if found {
        return Ok(());
    }
    Err(Diagnostic::new("not-found", message)
        .field(field)
        .help("leave it out to see all there are"))
}

/// Prints a document as JSON or as text.
fn print<D: Serialize + Text>(document: &D, global: &Global) -> Result<(), Diagnostic> {
    if !global.json {
        return crate::print(document.text().as_bytes());
    }
    let json = if global.pretty {
        serde_json::to_string_pretty(document)
    } else {
        serde_json::to_string(document)
    };
    let mut json = json.map_err(|error| Diagnostic::new("internal", error.to_string()))?;
    json.push('\n');
    crate::print(json.as_bytes())
}
