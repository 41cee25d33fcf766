// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the host sees of the firmware.

use hairpin_abi::fw::FwState;

use crate::regs::regs;

/// State, heartbeat and identity of the image, readable by the host.
#[derive(Debug)]
pub struct FwStatus(());

impl FwStatus {
    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// A second handle for the trap handler, which gets nothing passed.
    ///
    /// # Safety
    ///
    /// The context that owns the first handle must never run again.
    #[must_use]
    pub const unsafe fn steal() -> Self {
        Self::new()
    }

    /// Shows a state and its detail.
    pub fn set_state(&mut self, state: FwState, code: u8) {
        regs().fw().state().write(|w| {
            w.set_state(state.code());
            w.set_code(code);
        });
    }

    /// Shows what the image was built from.
    pub fn set_image(&mut self, map_hash: u64, build_id: u32) {
        let fw = regs().fw();
        fw.map_hash_lo().write(|w| w.set_value(map_hash as u32));
        fw.map_hash_hi()
            .write(|w| w.set_value((map_hash >> 32) as u32));
        fw.build_id().write(|w| w.set_value(build_id));
    }

    /// Shows that the event loop turns.
    pub fn set_heartbeat(&mut self, turns: u32) {
        regs().fw().heartbeat().write(|w| w.set_value(turns));
    }

    /// Address of the first data access that hit nothing, if there was one.
    #[must_use]
    pub fn bus_fault(&self) -> Option<u32> {
        let fault = regs().soc().fault().read();
        fault.valid().then(|| fault.addr() << 2)
    }
}
