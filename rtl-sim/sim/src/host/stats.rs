// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a served NIC has done, for `--stats-json`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::engine::Ports;
use super::function::Function;
use crate::nic::Nic;

/// What a served NIC has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Version of this format, 1.
    pub version: u32,
    /// Ticks of the NIC's clock.
    pub cycles: u64,
    /// By port: `vf0`, …, `uplink`.
    pub ports: BTreeMap<String, PortStats>,
    /// Frames that left by an uplink that leads nowhere, or found no room there.
    pub uplink_dropped: u64,
    /// By function: `pf0`, `vf0`, ….
    pub functions: BTreeMap<String, FunctionStats>,
    /// Bursts of all functions.
    pub dma: DmaStats,
    /// The golden model's opinion.
    pub scoreboard: ScoreboardStats,
}

/// Frames of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortStats {
    /// Into the NIC.
    pub in_frames: u64,
    /// Out of the NIC.
    pub out_frames: u64,
}

/// What a function did beyond its BAR.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FunctionStats {
    /// Interrupts.
    pub interrupts: u64,
    /// Accesses to memory that it may not make.
    pub dma_faults: u64,
    /// Accesses that it made while it may make none (Bus Master off).
    pub dma_silenced: u64,
    /// Frames that found no buffer.
    pub no_buffer: u32,
    /// Frames that were too short or too long to send, or whose header asked for what is not done.
    pub refused: u32,
}

/// Bursts on the bus to host memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DmaStats {
    /// Reads.
    pub reads: u64,
    /// Writes, interrupts included.
    pub writes: u64,
    /// Those of both that were refused.
    pub refused: u64,
}

/// What the golden model saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScoreboardStats {
    /// Frames decided.
    pub frames: u64,
    /// Copies lost after their decision: the receiver had no buffer, or the uplink no room.
    pub lost: u64,
    /// Differences.
    pub mismatches: u64,
}

impl Stats {
    pub(super) fn new(nic: &mut Nic, functions: &[Function], ports: &Ports) -> Self {
        let status = nic.model().status();
        let counts = &ports.counts;
        let last = counts.sent.len().saturating_sub(1);
        let name = |port| match port {
            port if port == last => "uplink".to_owned(),
            port => format!("vf{port}"),
        };
        let frames = counts.sent.iter().zip(&counts.received).enumerate();
        let ports_stats = frames.map(|(port, (&in_frames, &out_frames))| {
            let stats = PortStats {
                in_frames,
                out_frames,
            };
            (name(port), stats)
        });
        let function_stats = functions.iter().map(|function| {
            let [interrupts, dma_faults, dma_silenced] = function.counts();
            // A NIC that has stopped has no more to tell.
            let status = function.vf().and_then(|vf| nic.device.vf_status(vf).ok());
            let stats = FunctionStats {
                interrupts,
                dma_faults,
                dma_silenced,
                no_buffer: status.map_or(0, |status| status.no_buffer),
                refused: status.map_or(0, |status| status.refused),
            };
            (function.name(), stats)
        });
        Self {
            version: 1,
            cycles: status.now,
            ports: ports_stats.collect(),
            uplink_dropped: ports.uplink.dropped(),
            functions: function_stats.collect(),
            dma: DmaStats {
                reads: status.dma_reads,
                writes: status.dma_writes,
                refused: status.dma_refused,
            },
            scoreboard: ScoreboardStats {
                frames: nic.scoreboard.decided(),
                lost: nic.scoreboard.losses(),
                mismatches: nic.scoreboard.mismatch_count(),
            },
        }
    }
}
