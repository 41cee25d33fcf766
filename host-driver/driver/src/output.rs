// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What `hairpin … --json` prints, one type per command.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::DeviceInfo;
use crate::health::Health;
use crate::log::LogLine;
use crate::report::{Counters, Tables};
use crate::snapshot::{FdbState, PortState, UplinkState, VvlanState};

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
    }
    /// `health show`.
    HealthShow {
        /// How the firmware is.
        health: Health,
        /// Why it does no work; null when it does.
        cause: Option<String>,
        /// What to do about it; null when there is nothing to do.
        help: Option<String>,
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
        /// Fill of the tables.
        tables: Tables,
    }
}
