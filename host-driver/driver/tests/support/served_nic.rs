// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The NIC of plain memory as a PF behind a socket.

use std::sync::{Arc, Mutex};

use hairpin_driver::Transport;

use crate::nic::FakeNic;
use crate::served::{INVALID, Served};

/// `port.TIME_LO`, which moves on with every look.
const TIME_LO: u64 = 0x010c;

/// The PF of a NIC that the test has too.
#[derive(Clone)]
pub(crate) struct ServedNic {
    pub(crate) nic: Arc<Mutex<FakeNic>>,
    /// Vendor and device.
    pub(crate) id: [u8; 4],
    ticks: u32,
}

impl ServedNic {
    pub(crate) fn new(nic: FakeNic) -> Self {
        Self {
            nic: Arc::new(Mutex::new(nic)),
            id: [0xf4, 0x1a, 0xf0, 0x10],
            ticks: 0,
        }
    }
}

impl Served for ServedNic {
    fn region(&self, index: u32) -> u64 {
        match index {
            0 => 0x1_0000,
            7 => 0x1000,
            _ => 0,
        }
    }
    fn read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), u32> {
        match (region, data.len()) {
            (0, 4) if offset == TIME_LO => {
                self.ticks += 100_000;
                data.copy_from_slice(&self.ticks.to_le_bytes());
            }
            (0, 4) => {
                let value = self.nic.lock().unwrap().read32(offset as u32);
                data.copy_from_slice(&value.map_err(|_| INVALID)?.to_le_bytes());
            }
            (7, len) if offset == 0 && len <= 4 => data.copy_from_slice(&self.id[..len]),
            (7, _) => data.fill(0),
            _ => return Err(INVALID),
        }
        Ok(())
    }
    fn write(&mut self, region: u32, offset: u64, data: &[u8]) -> Result<(), u32> {
        match (region, <[u8; 4]>::try_from(data)) {
            (0, Ok(word)) => {
                let mut nic = self.nic.lock().unwrap();
                let written = nic.write32(offset as u32, u32::from_le_bytes(word));
                written.map_err(|_| INVALID)
            }
            (7, _) => Ok(()),
            _ => Err(INVALID),
        }
    }
}
