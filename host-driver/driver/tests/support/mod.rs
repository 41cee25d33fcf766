// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A firmware image and a NIC, both made by hand. Each test uses a part of it.
#![allow(dead_code, reason = "every test binary uses another part")]

pub(crate) mod elf;
pub(crate) mod nic;
