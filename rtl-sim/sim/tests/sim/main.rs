// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The served NIC, from the sockets: with our own little client, with the client of crate `vfio_user`, with crate
//! `virtio-drivers`, and with our driver.

mod client;
mod frames;
mod independent;
mod protocol;
mod server;
mod steering;
