// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The served NIC, from the sockets: with our own little client, with the client of crate `vfio_user`, with crate
//! `virtio-drivers`, and with our driver.

mod asking;
mod checksums;
#[allow(dead_code, reason = "the tests of sessions use the rest")]
mod client;
mod frames;
mod independent;
mod limits;
mod messages;
mod protocol;
mod server;
mod steering;
