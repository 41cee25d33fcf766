// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The report of a replay, put together from what was seen and what the NIC counted.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use hairpin_abi::VVlan;
use hairpin_driver::config::Config;
use hairpin_driver::report::{
    CopyKind, Decision, Firmware, FrameReport, Injected, Lost, NO_BUFFER, OutCopy, Report, Run,
};
use hairpin_driver::snapshot::Snapshot;
use hairpin_driver::{Diagnostic, report};

use super::watch::Out;
use super::{Replay, Watch, Wire};
use crate::golden::name;
use crate::model::{Cycle, UPLINK};
use crate::nic::Nic;
use crate::scoreboard::Fate;
use crate::trace::DecidedKind;

/// The V.VLANs of the configuration and their instances in the NIC.
pub(super) fn instances(nic: &mut Nic, config: &Config) -> Result<Vec<(VVlan, u8)>, Diagnostic> {
    let mut found = Vec::new();
    for vvlan in &config.vvlans {
        if let Some(instance) = nic.device.read_vvmap(vvlan.id)?.instance {
            found.push((vvlan.id, instance));
        }
    }
    Ok(found)
}

/// Builds the report. Cycles count from `start`.
pub(super) fn build(
    replay: &Replay<'_>,
    nic: &mut Nic,
    (watch, wire): (&Watch, &Wire),
    snapshot: &Snapshot,
    instances: &[(VVlan, u8)],
    end: Cycle,
) -> Result<Report, Diagnostic> {
    let mut ports = BTreeMap::new();
    for port in replay.ports() {
        ports.insert(port.to_string(), nic.device.port_counters(port)?);
    }
    let mut vvlans = BTreeMap::new();
    let mut cache = BTreeMap::new();
    for (id, instance) in instances {
        vvlans.insert(id.to_string(), nic.device.vvlan_counters(*instance)?);
    }
    for vvlan in snapshot.vvlans.iter().filter(|vvlan| vvlan.cache) {
        let counters = nic.device.cache_counters(vvlan, &snapshot.flows)?;
        cache.insert(vvlan.id.to_string(), counters);
    }
    let start = watch.start;
    let (copies, injected) = copies(watch);
    let frames = nic
        .scoreboard
        .take_fates()
        .into_iter()
        .filter_map(|fate| frame(&fate, watch, &copies))
        .collect();
    Ok(Report {
        version: 1,
        clock_hz: replay.args.clock_hz,
        run: Run {
            config: file_name(&replay.args.config),
            seed: replay.args.seed,
            core_ratio: replay.args.core_ratio,
        },
        cycles: end.saturating_sub(start),
        fault: replay
            .args
            .crash_at
            .map(|cycle| format!("the firmware was told to hang at cycle {cycle}")),
        switch: replay
            .args
            .switch
            .as_ref()
            .and_then(|path| wire.report(file_name(path))),
        frames,
        injected,
        ports,
        vvlans,
        cache,
        tables: snapshot.tables.clone(),
        occupancy: watch.occupancy.clone(),
        events: watch.events.clone(),
        edits: watch.edits.clone(),
        scoreboard: report::Scoreboard {
            frames: nic.scoreboard.decided(),
            mismatches: nic.scoreboard.mismatch_count() + watch.checker.total(),
        },
        firmware: Firmware {
            map_hash: snapshot.health.map_hash.clone(),
            build_id: snapshot.health.build_id.clone(),
            state: snapshot.health.run,
        },
    })
}

/// The name without its folders, so that a report does not depend on where it was made.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// A copy that left the NIC, and its index in its port's capture if it is there.
type Copy<'a> = (&'a Out, Option<u64>);

/// The copies of each input, and the frames of the firmware's own.
fn copies(watch: &Watch) -> (HashMap<u32, Vec<Copy<'_>>>, Vec<Injected>) {
    let mut next: HashMap<u8, u64> = HashMap::new();
    let mut copies: HashMap<u32, Vec<Copy<'_>>> = HashMap::new();
    let mut injected = Vec::new();
    for out in &watch.out {
        let index = out.is_there().then(|| {
            let next = next.entry(out.port).or_default();
            *next += 1;
            *next - 1
        });
        match (out.origin, index) {
            (Some(id), index) => copies.entry(id).or_default().push((out, index)),
            (None, Some(index)) => injected.push(Injected {
                port: port_name(out.port),
                index,
                cycle: watch.report_cycle(out.cycle),
                reason: "injected".to_owned(),
            }),
            // The counter of the VF has it.
            (None, None) => {}
        }
    }
    (copies, injected)
}

fn frame(fate: &Fate, watch: &Watch, copies: &HashMap<u32, Vec<Copy<'_>>>) -> Option<FrameReport> {
    let id = watch.shot_of(fate.id)?;
    let shot = watch.shots.get(id as usize)?;
    let copies = || copies.get(&id).into_iter().flatten();
    let there = copies().filter_map(|(out, index)| {
        Some(OutCopy {
            port: port_name(out.port),
            index: (*index)?,
            cycle: watch.report_cycle(out.cycle),
            latency: out.cycle - fate.cycle,
            kind: CopyKind::Forward,
            queue: out.queue,
        })
    });
    let lost = fate
        .lost
        .iter()
        .map(|(port, reason)| (*port, name(*reason)));
    let missed = copies().filter(|(_, index)| index.is_none());
    let missed = missed.map(|(out, _)| (out.port, NO_BUFFER.to_owned()));
    Some(FrameReport {
        input: port_name(fate.port),
        index: shot.index,
        cycle: watch.report_cycle(fate.cycle),
        len: fate.len,
        vvlan: fate.vvlan,
        decision: match fate.kind {
            DecidedKind::Drop => Decision::Drop,
            DecidedKind::Local | DecidedKind::Direct => Decision::Local,
            DecidedKind::Uplink => Decision::Uplink,
            DecidedKind::Multicast => Decision::Multicast,
            DecidedKind::Punt => Decision::Punt,
        },
        reason: name(fate.reason),
        out: there.collect(),
        lost: lost
            .chain(missed)
            .map(|(port, reason)| Lost {
                port: port_name(port),
                reason,
            })
            .collect(),
    })
}

fn port_name(port: u8) -> String {
    match port {
        UPLINK => "uplink".to_owned(),
        vf => format!("vf{vf}"),
    }
}
