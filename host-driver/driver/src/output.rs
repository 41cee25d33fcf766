// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What `hairpin … --json` prints, one type per command.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::DeviceInfo;
use crate::health::Health;
use crate::log::LogLine;
use crate::pool::PoolState;
use crate::report::{CacheCounters, Counters, Decision, HostEvent, Report, Tables};
use crate::snapshot::{FdbState, FlowState, PortState, UplinkState, VvlanState};
use crate::steer::{EtherTypeFilterState, FilterRoom, RssState, TupleFilterState};
use crate::switch::SwitchState;

/// Version of these formats.
pub const VERSION: u32 = 1;

macro_rules! documents {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
            pub struct $name {
                /// Version of this format, 1.
                pub version: u32,
                $($(#[$field_meta])* pub $field: $type,)+
            }
        )+
    };
}

documents! {
    /// `dev info`.
    DevInfo {
        /// What the NIC is.
        device: DeviceInfo,
        /// Its uplink.
        uplink: UplinkState,
        /// Fill of its tables.
        tables: Tables,
    }
    /// `health show`.
    HealthShow {
        /// How the firmware is.
        health: Health,
        /// Why it does no work; null when it does.
        cause: Option<String>,
        /// What to do about it; null when there is nothing to do.
        help: Option<String>,
        /// What the tables have refused, and log and events have lost; nothing of it stops the firmware.
        warnings: Vec<String>,
    }
    /// `switch show`.
    SwitchShow {
        /// The adjacent switch, as the NIC sees it.
        switch: SwitchState,
    }
    /// `port show`.
    PortShow {
        /// The vPorts.
        ports: Vec<PortState>,
    }
    /// `vvlan show`.
    VvlanShow {
        /// The V.VLANs.
        vvlans: Vec<VvlanState>,
    }
    /// `fdb show`.
    FdbShow {
        /// The address table.
        fdb: Vec<FdbState>,
    }
    /// `fdb monitor`.
    FdbMonitor {
        /// Where the events come from: `replay`, which recorded them, or `device`, which had them waiting.
        source: Source,
        /// What the firmware told, in its order.
        events: Vec<HostEvent>,
    }
    /// `flow show`.
    FlowShow {
        /// The flow cache.
        flows: Vec<FlowState>,
    }
    /// `pool show`.
    PoolShow {
        /// Queue pairs of the NIC.
        queue_pairs: u8,
        /// Those of them that no VF has.
        free_pairs: u8,
        /// The VFs that are enabled.
        pools: Vec<PoolState>,
    }
    /// `filter show`, and `filter add` of what it added.
    FilterShow {
        /// How many there are room for.
        room: FilterRoom,
        /// EtherType filters, which go first.
        ethertype: Vec<EtherTypeFilterState>,
        /// Five-tuple filters.
        five_tuple: Vec<TupleFilterState>,
    }
    /// `rss show`.
    RssShow {
        /// How a VF's frames are spread over its queues.
        rss: RssState,
    }
    /// `mac pool`.
    MacPoolShow {
        /// The addresses, in their order.
        macs: Vec<String>,
    }
    /// `log`.
    Log {
        /// The firmware's log.
        log: Vec<LogLine>,
    }
    /// `stats`.
    Stats {
        /// Counters per port.
        ports: BTreeMap<String, Counters>,
        /// Counters per V.VLAN.
        vvlans: BTreeMap<String, Counters>,
        /// What the flow cache did, per V.VLAN that uses it.
        cache: BTreeMap<String, CacheCounters>,
        /// Fill of the tables, and what was done to them.
        tables: Tables,
    }
    /// `stats --watch`.
    StatsWatch {
        /// Where the samples come from: `replay`, which recorded them.
        source: Source,
        /// Cycles from sample to sample.
        interval: u64,
        /// In the order of time.
        samples: Vec<Sample>,
    }
    /// A look of `top`; one line of JSON each.
    Top {
        /// The NIC's time at its end, in datapath clocks.
        ticks: u64,
        /// Datapath clocks since the look before.
        interval: u64,
        /// What was counted in them, per port.
        ports: BTreeMap<String, Counters>,
        /// The same per V.VLAN; empty while the firmware does not answer.
        vvlans: BTreeMap<String, Counters>,
        /// Fill of the tables, and what was done to them since the NIC was started.
        tables: Tables,
        /// Why the firmware does no work; null when it does.
        cause: Option<String>,
        /// Whether the uplink has a link.
        uplink_up: bool,
    }
}

/// Where something comes from that changes over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The record of a replay.
    Replay,
    /// A live NIC.
    Device,
}

/// What happened in an interval, and how full the tables were at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sample {
    /// The end of the interval.
    pub cycle: u64,
    /// Frames that came in.
    pub in_frames: u64,
    /// Copies that left.
    pub out_frames: u64,
    /// Frames that were dropped by decision.
    pub dropped: u64,
    /// Copies that were lost after it.
    pub lost: u64,
    /// Frames that went to the firmware.
    pub punted: u64,
    /// Live entries of the address table.
    pub mac: u32,
    /// Live entries of the flow cache.
    pub flow: u32,
}

/// Most samples of a watch: a larger interval is taken instead.
pub const MOST_SAMPLES: u64 = 100_000;

impl StatsWatch {
    /// The samples of a replay, every `interval` cycles; `port` only counts what came in there.
    pub fn of_report(report: &Report, interval: u64, port: Option<&str>) -> Self {
        let interval = interval.max(report.cycles.div_ceil(MOST_SAMPLES)).max(1);
        let number = usize::try_from(report.cycles / interval + 1).unwrap_or(1);
        let mut samples = vec![Sample::default(); number];
        for (cycle, sample) in (1..).map(|n| n * interval).zip(&mut samples) {
            sample.cycle = cycle.min(report.cycles);
        }
        let at = |cycle: u64| {
            usize::try_from(cycle / interval)
                .unwrap_or(0)
                .min(number - 1)
        };
        for frame in report
            .frames
            .iter()
            .filter(|frame| port.is_none_or(|port| frame.input == port))
        {
            let sample = &mut samples[at(frame.cycle)];
            sample.in_frames += 1;
            sample.lost += frame.lost.len() as u64;
            sample.dropped += u64::from(frame.decision == Decision::Drop);
            sample.punted += u64::from(frame.decision == Decision::Punt);
            for copy in &frame.out {
                samples[at(copy.cycle)].out_frames += 1;
            }
        }
        let mut fill = report.occupancy.iter().peekable();
        let mut now = (0, 0);
        for sample in &mut samples {
            while let Some(change) = fill.next_if(|change| change.cycle < sample.cycle) {
                now = (change.mac, change.flow);
            }
            (sample.mac, sample.flow) = now;
        }
        Self {
            version: VERSION,
            source: Source::Replay,
            interval,
            samples,
        }
    }
}
