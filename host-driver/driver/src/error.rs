// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::io;

use hairpin_abi::admin::AdminError;
use hairpin_abi::{Op, Status, Table};
use thiserror::Error;

use crate::Diagnostic;
use crate::image::ImageError;
use crate::steer::FilterPlace;

/// What can go wrong between the driver and a NIC.
#[derive(Debug, Error)]
pub enum Error {
    /// A register access failed.
    #[error("register access failed: {0}")]
    Bus(#[source] io::Error),
    /// Nobody answers any more.
    #[error("the device is gone: its registers read all ones")]
    Gone,
    /// There is something else behind the BAR.
    #[error("not a Hairpin NIC: magic number {found:#010x}, expected {expected:#010x}")]
    NotHairpin {
        /// What the magic number reads as.
        found: u32,
        /// What it should be.
        expected: u32,
    },
    /// The NIC has another register map.
    #[error("the NIC has register map {device:016x}, this driver was built for {driver:016x}")]
    MapMismatch {
        /// Hash of the NIC's map.
        device: u64,
        /// Hash of ours.
        driver: u64,
    },
    /// A capability makes no sense.
    #[error("the NIC reports {what} = {value}, which cannot be")]
    BadCapability {
        /// Which.
        what: &'static str,
        /// What it reads as.
        value: u32,
    },
    /// The firmware image cannot be used.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The firmware stopped on its way to ready.
    #[error("the firmware did not start: state {state}, code {code}")]
    FirmwareFailed {
        /// The state it stopped in.
        state: String,
        /// Detail of the state.
        code: u8,
    },
    /// The watchdog found the firmware hung.
    #[error("the firmware hangs: the watchdog ran out")]
    FirmwareHung,
    /// Something took longer than it ever should.
    #[error("no answer within {cycles} cycles: {what}")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        cycles: u64,
    },
    /// A table command was refused.
    #[error("table command {op} {table}[{index}] failed: {status}")]
    Table {
        /// The operation.
        op: Op,
        /// The table.
        table: Table,
        /// The row.
        index: u16,
        /// The status the NIC gave.
        status: Status,
    },
    /// The firmware refused an admin command.
    #[error("the firmware refused {command}: {reason}")]
    Admin {
        /// The command.
        command: String,
        /// The error's name, or its number when it has none.
        reason: String,
        /// The error, if it has a name.
        error: Option<AdminError>,
    },
    /// The NIC has no virtio device for this VF.
    #[error("the NIC has no VF {vf} with virtqueues")]
    NoVf {
        /// The VF.
        vf: u8,
    },
    /// The NIC has no receive steering.
    #[error("the NIC has no receive steering: it has no virtqueues")]
    NoSteering,
    /// The NIC has no filter of this number.
    #[error("the NIC has no {filter}: it has {count}")]
    NoFilter {
        /// The filter.
        filter: FilterPlace,
        /// How many of its kind there are.
        count: u8,
    },
    /// The NIC did not enable what was set.
    #[error("the NIC did not enable {what}")]
    NotEnabled {
        /// What.
        what: String,
    },
    /// The NIC answered what it must not.
    #[error("the NIC answered nonsense: {0}")]
    Protocol(String),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotConnected => Self::Gone,
            _ => Self::Bus(error),
        }
    }
}

impl Error {
    /// Its stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Bus(_) => "bus",
            Self::Gone => "device-gone",
            Self::NotHairpin { .. } => "not-hairpin",
            Self::MapMismatch { .. } => "map-mismatch",
            Self::BadCapability { .. } => "bad-capability",
            Self::Image(error) => error.code(),
            Self::FirmwareFailed { .. } => "firmware-failed",
            Self::FirmwareHung => "firmware-hung",
            Self::Timeout { .. } => "timeout",
            Self::Table { .. } => "table-command",
            Self::Admin { .. } => "admin-command",
            Self::NoVf { .. } => "no-vf",
            Self::NoSteering => "no-steering",
            Self::NoFilter { .. } => "no-filter",
            Self::NotEnabled { .. } => "not-enabled",
            Self::Protocol(_) => "device-protocol",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Bus(_) | Self::Gone => {
                "check that the NIC is there and powered, then attach again"
            }
            Self::NotHairpin { .. } => "name the physical function of a Hairpin NIC",
            Self::MapMismatch { .. } => "use the driver and the hardware of one release",
            Self::BadCapability { .. } | Self::Protocol(_) => {
                "the NIC or its connection is faulty; reset it and report this"
            }
            Self::Image(error) => error.help(),
            Self::FirmwareFailed { .. } => "read `hairpin log`, and load an image of this release",
            Self::FirmwareHung => "read `hairpin log`, then load and start the firmware again",
            Self::Timeout { .. } => {
                "see `hairpin health show`; reset the NIC if it does not recover"
            }
            Self::NoVf { .. } | Self::NoSteering => "see `hairpin dev info` for what the NIC has",
            Self::NoFilter { .. } => "see `hairpin filter show` for how many there are",
            Self::NotEnabled { .. } => {
                "name a VF and a queue that `hairpin dev info` and `hairpin pool show` show"
            }
            Self::Table { .. } | Self::Admin { .. } => {
                "nothing of this command took effect; correct the configuration and apply it again"
            }
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self::new(error.code(), error.to_string()).help(error.help())
    }
}
