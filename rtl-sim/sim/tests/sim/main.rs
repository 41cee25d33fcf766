// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The served NIC, from the sockets: with our own little client, with the client of crate `vfio_user`, and with
//! the driver.

mod client;
mod frames;
mod protocol;
mod server;
