// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Host driver of the Hairpin eSwitch.
//!
//! ```text
//!  nic.toml ─► config ─► plan ─┐                                ┌─► report.json, report.html (report, page)
//!                              ▼                                ├─► device.json   (snapshot)
//!  hairpin-nic ─► image ─► Device<T: Transport> ◄─► registers   └─► the firmware's log (log)
//!                              ▲  tables, mailbox, counters,
//!                              │  firmware, health
//!  captures ─► capture         Transport: the simulator in this process, or
//!                              PfBar on a PciFunction: vfio_user, vfio ◄── virtio::Vf
//! ```
//!
//! The driver trusts nothing that a device returns: values are checked, loops are bounded, and
//! registers that read all ones mean that the device is gone. Nothing here panics on bad input; every
//! error can become a [`Diagnostic`], which names the place and the fix.
//!
//! A whole life of a NIC:
//!
//! ```no_run
//! # use std::path::Path;
//! # use hairpin_driver::{Device, Diagnostic, Transport};
//! # use hairpin_driver::config::{Config, Plan};
//! # use hairpin_driver::firmware::StartOptions;
//! # use hairpin_driver::image::FirmwareImage;
//! # fn run(transport: impl Transport, seeds: [u32; 4]) -> Result<(), Diagnostic> {
//! let config = Config::read(Path::new("nic.toml"))?;
//! let elf = Path::new("hairpin-nic.elf");
//! let image = FirmwareImage::read(elf).map_err(|error| error.into_diagnostic(elf))?;
//! let mut device = Device::probe(transport)?;
//! let plan = Plan::new(&config, device.capabilities())?;
//! device.load_firmware(&image)?;
//! device.start_firmware(&image, StartOptions { seeds, watchdog_cycles: 1_000_000 })?;
//! device.apply(&plan)?;
//! # Ok(())
//! # }
//! ```

pub mod capture;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
mod counters;
mod device;
mod diag;
#[cfg(feature = "cli")]
pub mod edit;
mod error;
mod events;
pub mod firmware;
pub mod flow;
pub mod function;
pub mod health;
pub mod image;
mod json;
pub mod log;
pub mod mac_pool;
mod mailbox;
pub mod memory;
mod open;
pub mod output;
#[cfg(feature = "page")]
pub mod page;
mod pf_bar;
pub mod pool;
pub mod report;
pub mod snapshot;
pub mod steer;
pub mod switch;
mod tables;
mod transport;
mod vf;
pub mod vfio;
pub mod vfio_user;
pub mod virtio;
#[cfg_attr(
    not(feature = "cli"),
    allow(dead_code, unreachable_pub, reason = "for commands")
)]
mod words;

pub use device::{Capabilities, Device, DeviceInfo};
pub use diag::{Diagnostic, ErrorDocument};
pub use error::Error;
pub use open::DeviceName;
pub use pf_bar::PfBar;
pub use tables::{FlowEntry, MacEntry};
pub use transport::Transport;
pub use vf::{VfSettings, VfStatus};

/// Hash of the register map this driver was built for.
pub const MAP_HASH: u64 = hairpin_regs::MAP_HASH;

/// What the guide's page shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/guide/program.md")]
struct ProgramPage;
