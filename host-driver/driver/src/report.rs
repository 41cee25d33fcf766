// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `report.json`: what a replay did with every frame.
//!
//! The simulator writes it, the command line and everybody else read it. `index` counts from 0 in
//! the named port's capture; `cycle` is the datapath clock of a frame's first beat, `latency` the
//! cycles from the first beat in to the first beat out. A VF's beats are those between its rings and the switch.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Diagnostic;

/// File name of the report inside a replay's output directory.
pub const REPORT_FILE: &str = "report.json";

/// Why a copy is lost that left the NIC and found no buffer in the queue that it was for. The NIC counts it for the VF,
/// not among the drops of a port.
pub const NO_BUFFER: &str = "no-buffer";

/// A whole report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// Version of this format, 1.
    pub version: u32,
    /// Datapath clock that maps time stamps to cycles.
    pub clock_hz: u64,
    /// What was run.
    #[serde(default)]
    pub run: Run,
    /// Datapath cycles from the first to the last event.
    pub cycles: u64,
    /// The fault that was injected on purpose; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The adjacent switch at the uplink; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<SwitchReport>,
    /// Every input frame, in the order in which they were decided.
    pub frames: Vec<FrameReport>,
    /// Frames that the firmware sent by itself.
    pub injected: Vec<Injected>,
    /// Counters per port, as read from the NIC.
    pub ports: BTreeMap<String, Counters>,
    /// Counters per V.VLAN, as read from the NIC.
    pub vvlans: BTreeMap<String, Counters>,
    /// What the flow cache did, per V.VLAN that uses it.
    #[serde(default)]
    pub cache: BTreeMap<String, CacheCounters>,
    /// Fill of the tables at the end, and what was done to them.
    pub tables: Tables,
    /// Fill of the tables over time: one item at every change, the first at cycle 0.
    #[serde(default)]
    pub occupancy: Vec<Occupancy>,
    /// What the firmware told the host, in its order.
    #[serde(default)]
    pub events: Vec<HostEvent>,
    /// Edits of the script that was played, in their order.
    #[serde(default)]
    pub edits: Vec<EditReport>,
    /// What the comparison with the golden model found.
    pub scoreboard: Scoreboard,
    /// The firmware that ran.
    pub firmware: Firmware,
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Run {
    /// Name of the configuration's file.
    pub config: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Datapath clocks per clock of the soft core.
    pub core_ratio: u32,
}

/// The adjacent switch of a replay. `uplink-in.pcap` is what it sent to the NIC; frames from `uplink` are
/// counted in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SwitchReport {
    /// Name of its configuration's file.
    pub config: String,
    /// Datapath cycles that a frame takes through it and back.
    pub delay: u64,
    /// The port that the NIC is behind.
    pub nic: String,
    /// What it counted, by the names of its ports.
    pub ports: BTreeMap<String, SwitchPort>,
    /// Invalidations that the NIC has acknowledged. When each of the acknowledgements left, the golden model had nothing
    /// left of what was invalidated, or that is a mismatch.
    #[serde(default)]
    pub acknowledged: u64,
    /// Its rules in the order in which they are asked at the end; last, what happens to frames that none matches.
    #[serde(default)]
    pub rules: Vec<SwitchRule>,
    /// Edits of its rules, in their order.
    #[serde(default)]
    pub edits: Vec<RuleEditReport>,
}

/// A rule of the adjacent switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SwitchRule {
    /// Its name; null for the default.
    pub name: Option<String>,
    /// Its priority; null for the default.
    pub priority: Option<u32>,
    /// What it does: `accept, mirror to up`.
    pub action: String,
    /// Frames that it decided about.
    pub frames: u64,
    /// Of them, those that went back to the NIC as learning packets.
    pub marked: u64,
}

/// An edit of the adjacent switch's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleEditReport {
    /// From when on the new rules were in force.
    pub cycle: u64,
    /// The command.
    pub command: String,
    /// When no NIC used any more what they contradict, to the switch's next look; null if that was not yet so.
    pub complete: Option<u64>,
}

/// What the adjacent switch counted at a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SwitchPort {
    /// Frames in.
    pub in_frames: u64,
    /// Bytes in.
    pub in_bytes: u64,
    /// Frames out, without the switch's own.
    pub out_frames: u64,
    /// Bytes out, without those of the switch's own frames.
    pub out_bytes: u64,
    /// Frames out that the NIC may learn from.
    pub marked: u64,
    /// Frames in that a rule denied.
    pub denied: u64,
}

/// One input frame and its fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrameReport {
    /// The port it came in by: `vf0`, `uplink`.
    #[serde(rename = "in")]
    pub input: String,
    /// Its place in that port's capture.
    pub index: u64,
    /// First beat in.
    pub cycle: u64,
    /// Bytes on the ingress bus.
    pub len: u32,
    /// Its V.VLAN; absent when it was dropped before it had one.
    pub vvlan: Option<u16>,
    /// What was decided.
    pub decision: Decision,
    /// Why: a name from the table of reasons.
    pub reason: String,
    /// Copies that left the NIC.
    pub out: Vec<OutCopy>,
    /// Copies that were lost after the decision.
    pub lost: Vec<Lost>,
}

/// Where a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// To one vPort.
    Local,
    /// To the uplink.
    Uplink,
    /// A group address, any number of copies.
    Multicast,
    /// To the firmware; its later copies are the frame's `out`.
    Punt,
    /// Nowhere.
    Drop,
}

/// A copy that left the NIC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutCopy {
    /// The port it left by.
    pub port: String,
    /// Its place in that port's output capture.
    pub index: u64,
    /// First beat out.
    pub cycle: u64,
    /// Cycles since the first beat in.
    pub latency: u64,
    /// Forwarded, or a mirror's copy.
    pub kind: CopyKind,
    /// Queue pair of the VF in whose buffers it arrived; absent at the uplink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u8>,
}

/// Why a copy exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CopyKind {
    /// The frame itself.
    Forward,
    /// A mirror session's copy.
    Mirror,
}

/// A copy that was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Lost {
    /// The port it did not reach.
    pub port: String,
    /// Why.
    pub reason: String,
}

/// A frame that the firmware sent by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Injected {
    /// The port it left by.
    pub port: String,
    /// Its place in that port's output capture.
    pub index: u64,
    /// First beat out.
    pub cycle: u64,
    /// What it is.
    pub reason: String,
}

/// Counters of a port or a V.VLAN. Bytes include NIC tags and padding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counters {
    /// Frames in.
    pub in_frames: u64,
    /// Bytes in.
    pub in_bytes: u64,
    /// Frames out.
    pub out_frames: u64,
    /// Bytes out.
    pub out_bytes: u64,
    /// Frames or copies that ended here, by reason; reasons with a count of zero are left out.
    pub drops: BTreeMap<String, u64>,
}

impl Counters {
    /// What has been counted since `before`. What has started anew since, counts from there.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let drops = self.drops.iter().map(|(reason, count)| {
            let then = before.drops.get(reason).copied().unwrap_or(0);
            (reason.clone(), since(*count, then))
        });
        Self {
            in_frames: since(self.in_frames, before.in_frames),
            in_bytes: since(self.in_bytes, before.in_bytes),
            out_frames: since(self.out_frames, before.out_frames),
            out_bytes: since(self.out_bytes, before.out_bytes),
            drops: drops.filter(|(_, count)| *count != 0).collect(),
        }
    }
}

fn since(now: u64, before: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

/// What the flow cache did for a V.VLAN. Bytes are those of the ingress bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CacheCounters {
    /// Frames that an entry decided about.
    pub hit_frames: u64,
    /// Their bytes.
    pub hit_bytes: u64,
    /// Frames that no entry decided about.
    pub miss_frames: u64,
    /// Their bytes.
    pub miss_bytes: u64,
    /// Bytes of `hit_bytes` that would have gone to the adjacent switch without an entry; on the wire each of them would
    /// have come back as well, if the switch had accepted it. 0 if misses do not go there. Entries that have the action
    /// `uplink` at the end do not count.
    #[serde(default)]
    pub kept_off_uplink_bytes: u64,
}

/// Fill of the tables, and what was done to them since reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tables {
    /// The address table.
    pub mac: TableFill,
    /// The flow cache; null when the NIC has none.
    #[serde(default)]
    pub flow: Option<TableFill>,
    /// Learning of addresses.
    #[serde(default)]
    pub learn: LearnCounters,
}

/// Fill of one table, and what was done to it since reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TableFill {
    /// Entries in use; those that are dead and not yet swept are among them.
    pub entries: u64,
    /// Entries there are.
    pub capacity: u64,
    /// Insertions that found no room.
    pub insert_failed: u64,
    /// Insertions that were done.
    #[serde(default)]
    pub inserts: u64,
    /// Entries that were moved to make room.
    #[serde(default)]
    pub moves: u64,
    /// Entries that were removed because nobody used them.
    #[serde(default)]
    pub aged: u64,
    /// Entries that were removed after they had been invalidated.
    #[serde(default)]
    pub swept: u64,
    /// Invalidations.
    #[serde(default)]
    pub invalidations: u64,
    /// Insertions that came too late: what they depend on had changed.
    #[serde(default)]
    pub stale: u64,
    /// Insertions beyond a quota.
    #[serde(default)]
    pub quota: u64,
    /// Insertions that would have replaced an entry of a higher rank.
    #[serde(default)]
    pub refused: u64,
}

/// Learning of addresses since reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LearnCounters {
    /// Unknown source addresses that were handed to the firmware.
    pub events: u64,
    /// Frames whose address had been handed over already.
    pub suppressed: u64,
    /// Unknown source addresses that found no free slot.
    pub no_slot: u64,
    /// Learning packets of the adjacent switch that were handed to the firmware.
    #[serde(default)]
    pub flow_events: u64,
    /// Learning packets of a flow that had been handed over just before.
    #[serde(default)]
    pub flow_suppressed: u64,
}

/// Fill of the tables at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Occupancy {
    /// When.
    pub cycle: u64,
    /// Live entries of the address table.
    pub mac: u32,
    /// Live entries of the flow cache.
    pub flow: u32,
}

/// What the firmware told the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostEvent {
    /// When the driver read it.
    pub cycle: u64,
    /// What happened: `learned`, `moved`, …
    pub event: String,
    /// Where; null if at no port.
    pub port: Option<String>,
    /// In which V.VLAN; null if in none.
    pub vvlan: Option<u16>,
    /// The address it happened to; null if to none.
    pub mac: Option<String>,
}

/// An edit of the script that was played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditReport {
    /// When it was asked for.
    pub cycle: u64,
    /// When the NIC had done or refused it.
    pub done: u64,
    /// The command.
    pub command: String,
    /// Why it was refused; null if it was done.
    pub error: Option<Diagnostic>,
}

/// What the comparison with the golden model found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scoreboard {
    /// Frames compared.
    pub frames: u64,
    /// Differences: 0, or the NIC is wrong.
    pub mismatches: u64,
}

/// The firmware that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Firmware {
    /// Hash of the register map it was built for, 16 hexadecimal digits.
    pub map_hash: String,
    /// Its build, 8 hexadecimal digits.
    pub build_id: String,
    /// Its state at the end.
    pub state: FirmwareRun,
}

/// Whether the firmware runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum FirmwareRun {
    /// Ready, and it feeds the watchdog.
    Running,
    /// The watchdog ran out.
    Hung,
    /// Not started, or it stopped by itself.
    Halted,
}

impl Report {
    /// Reads `DIR/report.json`.
    ///
    /// # Errors
    /// The file cannot be read, is not a report, or has another version.
    pub fn read(dir: &Path) -> Result<Self, Diagnostic> {
        crate::json::read_document(&dir.join(REPORT_FILE), "a replay report")
    }

    /// Writes `DIR/report.json`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), Diagnostic> {
        crate::json::write_document(&dir.join(REPORT_FILE), self)
    }
}
