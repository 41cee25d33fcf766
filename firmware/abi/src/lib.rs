// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Numbers and layouts that the firmware, the host driver and the RTL of Hairpin share.
//!
//! This crate is their one source. `abi-gen` (feature `gen`) writes the SystemVerilog package
//! `hp_abi_pkg` and the reference pages of the book from the tables here; a check in CI fails when
//! they differ. [`ABI_VERSION`] is bumped whenever a number or a layout changes; a test pins
//! [`fingerprint`] so that nobody forgets.
//!
//! | Module | Holds |
//! |---|---|
//! | [`ids`] | newtypes for ports, V.VLANs, VLANs, MAC addresses |
//! | [`reason`] | why a frame was delivered, punted, dropped or lost |
//! | [`table`] | the table command bus: operations, tables, statuses, commands |
//! | [`flow`] | keys and rows of the flow cache, teachers, scopes, learning |
//! | [`row`] | the rows of the tables, decoded and packed |
//! | [`counter`] | addresses of the hardware counters |
//! | [`admin`] | the admin mailbox between host and firmware |
//! | [`fw`] | firmware states and events |
//! | [`manifest`] | the section of a firmware image that says what it was built for |
//! | [`peer`] | control frames between a NIC and its adjacent switch; they have a version of their own |
#![no_std]
#![forbid(unsafe_code)]

#[macro_use]
mod codes;
#[macro_use]
pub mod layout;

pub mod admin;
mod bits;
pub mod counter;
mod fingerprint;
pub mod flow;
pub mod fw;
pub mod ids;
pub mod manifest;
pub mod peer;
pub mod reason;
pub mod row;
pub mod table;
pub mod virtio;

pub use fingerprint::fingerprint;
pub use flow::{
    FlowAction, FlowKey, FlowKeyWords, FlowRow, IpFields, KeyField, LearnVerdict, Scope, Seen,
    Teacher,
};
pub use ids::{MacAddr, PortId, VPort, VVlan, Vlan};
pub use reason::{REASONS, Reason, ReasonClass};
pub use row::{
    CfgRow, GroupRow, MacRow, Miss, Mode, PortRow, RX_MODE_ROWS, Role, RxModeRow, Tags, Target,
    VVlanRow, VVmapRow,
};
pub use table::{Closed, Invalidation, Op, RowWords, Status, Sweep, Table, TableCommand, Teach};

/// Version of everything in this crate that firmware, host and hardware must agree on.
pub const ABI_VERSION: u32 = 7;

/// Most vPorts a NIC may have; bitmaps of vPorts are 64 bits wide.
pub const MAX_VF: usize = 64;
/// V.VLAN instances of a NIC.
pub const VVLAN_INSTANCES: u16 = 64;
/// Group rows of a NIC.
pub const GROUPS: u16 = 256;
/// Shortest frame on any bus (the FCS is not on it).
pub const MIN_FRAME: usize = 60;
/// Longest frame on a bus, NIC tags not counted.
pub const MAX_FRAME: usize = 9216;
/// Bytes of the NIC tag on a vSwitch vPort.
pub const VSWITCH_TAG: usize = 4;
/// Bytes of the two NIC tags on the uplink.
pub const UPLINK_TAGS: usize = 8;
/// Reason codes are below this.
pub const REASON_CODES: usize = 64;
