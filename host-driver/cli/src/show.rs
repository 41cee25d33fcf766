// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Commands that show something.

use hairpin_driver::Diagnostic;
use hairpin_driver::health::warnings;
use hairpin_driver::output::{
    DevInfo, FdbMonitor, FdbShow, FlowShow, HealthShow, Log, PortShow, StatsWatch, SwitchShow,
    VERSION, VvlanShow,
};
use hairpin_driver::report::Report;
use serde::Serialize;

use crate::args::{Command, Dev, Fdb, Flow, Global, Health, Port, Switch, Vvlan};
use crate::nic::Nic;
use crate::text::Text;

/// Runs one of them.
pub(crate) fn run(command: &Command, global: &Global) -> Result<(), Diagnostic> {
    let mut nic = Nic::of(global)?;
    match command {
        Command::Dev(Dev::Info) => {
            let (device, uplink, tables) = nic.info()?;
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
            let mut ports = nic.ports()?;
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
            let mut vvlans = nic.vvlans()?;
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
            let mut fdb = nic.fdb()?;
            if let Some(id) = vvlan {
                known_vvlan(&mut nic, *id)?;
                fdb.retain(|entry| entry.vvlan == *id);
            }
            print(
                &FdbShow {
                    version: VERSION,
                    fdb,
                },
                global,
            )
        }
        Command::Fdb(Fdb::Monitor { vvlan }) => {
            let (source, mut events) = nic.events()?;
            events.retain(|event| vvlan.is_none_or(|id| event.vvlan == Some(id)));
            print(
                &FdbMonitor {
                    version: VERSION,
                    source,
                    events,
                },
                global,
            )
        }
        Command::Flow(Flow::Show { vvlan, port }) => {
            let mut flows = nic.flows()?;
            if let Some(id) = vvlan {
                known_vvlan(&mut nic, *id)?;
                flows.retain(|flow| flow.vvlan == *id);
            }
            if let Some(name) = port {
                let known = name == "uplink" || nic.ports()?.iter().any(|port| port.name == *name);
                found(known, "--port", &format!("there is no port `{name}`"))?;
                let is = |port: &Option<String>| port.as_ref() == Some(name);
                flows.retain(|flow| is(&flow.key.from) || is(&flow.port));
            }
            print(
                &FlowShow {
                    version: VERSION,
                    flows,
                },
                global,
            )
        }
        Command::Log { level, firmware } => {
            let mut log = nic.log(firmware.clone())?;
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
            let switch = nic.switch()?;
            print(
                &SwitchShow {
                    version: VERSION,
                    switch,
                },
                global,
            )
        }
        Command::Health(Health::Show) => {
            let (health, tables) = nic.health()?;
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
            if *watch {
                let report = recorded(&nic)?;
                if let Some(name) = port {
                    known_port(report.ports.contains_key(name), name)?;
                }
                let document = StatsWatch::of_report(&report, *interval, port.as_deref());
                return print(&document, global);
            }
            let stats = nic.stats(port.as_deref())?;
            if let Some(name) = port {
                known_port(!stats.ports.is_empty(), name)?;
            }
            print(&stats, global)
        }
        // The others were dealt with before.
        _ => Ok(()),
    }
}

/// What a replay recorded.
fn recorded(nic: &Nic) -> Result<Report, Diagnostic> {
    match nic {
        Nic::Report(dir) => Report::read(dir),
        Nic::Live(_) => Err(Diagnostic::new(
            "not-recorded",
            "a live NIC has counters, but no record of how they came about",
        )
        .field("--watch")
        .help("see `hairpin top`, or name a replay: --report DIR")),
    }
}

fn known_vvlan(nic: &mut Nic, id: u16) -> Result<(), Diagnostic> {
    let known = nic.vvlans()?.iter().any(|vvlan| vvlan.id == id);
    found(known, "--vvlan", &format!("there is no V.VLAN {id}"))
}

fn known_port(known: bool, name: &str) -> Result<(), Diagnostic> {
    found(known, "PORT", &format!("there is no port `{name}`"))
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
pub(crate) fn print<D: Serialize + Text>(document: &D, global: &Global) -> Result<(), Diagnostic> {
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
