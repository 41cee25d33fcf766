// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Edits of the NIC while it works: those of `--edits`, and the fault of `--crash-at`.

use anyhow::Result;
use hairpin_abi::admin::Crash;
use hairpin_driver::Diagnostic;
use hairpin_driver::edit::{Edit, TimedEdit};
use hairpin_driver::report::{EditReport, Report};

use super::{Replay, Watch, Wire};
use crate::model::Cycle;
use crate::nic::Nic;

/// Plays both until the last of them is done; frames go in and out meanwhile.
pub(super) fn play(
    replay: &Replay<'_>,
    nic: &mut Nic,
    watch: &mut Watch,
    wire: &mut Wire,
    start: Cycle,
) -> Result<(), Diagnostic> {
    let mut crash = replay.args.crash_at;
    for timed in &replay.script.edits {
        if let Some(cycle) = crash.take_if(|cycle| *cycle <= timed.cycle) {
            hang(nic, watch, wire, start + cycle)?;
        }
        wire.run_to(start + timed.cycle, nic, watch)?;
        edit(timed, nic, watch)?;
    }
    match crash {
        Some(cycle) => hang(nic, watch, wire, start + cycle),
        None => Ok(()),
    }
}

fn hang(nic: &mut Nic, watch: &mut Watch, wire: &mut Wire, at: Cycle) -> Result<(), Diagnostic> {
    wire.run_to(at, nic, watch)?;
    Ok(nic.device.crash_test(Crash::Hang)?)
}

/// Asks for an edit and waits until it is done or refused.
fn edit(timed: &TimedEdit, nic: &mut Nic, watch: &mut Watch) -> Result<(), Diagnostic> {
    let begin = nic.now();
    let error = nic.device.edit(&timed.edit).err();
    let end = nic.now();
    if error.is_none() {
        tell_checker(&timed.edit, watch, begin, end);
    }
    watch.edits.push(EditReport {
        cycle: watch.report_cycle(begin),
        done: watch.report_cycle(end),
        command: timed.text.clone(),
        error,
    });
    nic.drain(watch)
}

/// What an edit changes of who may receive what.
fn tell_checker(edit: &Edit, watch: &mut Watch, begin: Cycle, end: Cycle) {
    let checker = &mut watch.checker;
    match edit {
        Edit::FdbAdd { vvlan, mac, vport } => checker.own(end, vvlan.get(), mac.0, vport.get()),
        Edit::FdbDel { vvlan, mac } => checker.disown(begin, vvlan.get(), mac.0),
        Edit::VvlanDel(id) => checker.remove_vvlan((begin, end), id.get()),
        // Flows and policies choose among those that may receive; they do not add any.
        Edit::FlowAdd { .. }
        | Edit::FlowDel { .. }
        | Edit::FlowFlush(_)
        | Edit::FdbFlush(_)
        | Edit::PortSet { .. }
        | Edit::VvlanSet { .. } => {}
    }
}

/// Says so if an edit was refused.
pub(super) fn verdict(replay: &Replay<'_>, report: &Report) -> Result<(), Diagnostic> {
    let refused = report.edits.iter().zip(&replay.script.edits);
    let refused = refused.filter_map(|(done, asked)| Some((done.error.as_ref()?, asked)));
    let mut refused: Vec<(&Diagnostic, &TimedEdit)> = refused.collect();
    for (error, asked) in &refused {
        eprintln!("edit in line {}: {}: {error}", asked.line, asked.text);
    }
    match (refused.len(), refused.pop()) {
        (number, Some((_, last))) => {
            let message = format!("{number} of {} edits were refused", report.edits.len());
            Err(Diagnostic::new("edit-refused", message)
                .field("--edits")
                .file(&replay.script.file)
                .line(last.line)
                .help("captures and report are written: see `edits` in report.json"))
        }
        _ => Ok(()),
    }
}
