// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The served NIC, from the sockets.

mod client;
