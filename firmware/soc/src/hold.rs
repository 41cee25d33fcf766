// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Frames of vPorts that wait.

use hairpin_abi::ids::PortSet;

use crate::regs::regs;

/// Keeps frames of vPorts back. A reset of the core lets all of them go.
#[derive(Debug)]
pub struct TxHold(());

impl TxHold {
    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// The vPorts that send nothing from now on; all others do.
    pub fn set(&mut self, PortSet(vports): PortSet) {
        let tx = regs().tx();
        tx.hold1().write(|w| w.set_vports((vports >> 32) as u32));
        tx.hold0().write(|w| w.set_vports(vports as u32));
    }

    /// True once every frame that the host was granted before has been decided.
    #[must_use]
    pub fn settled(&mut self) -> bool {
        regs().tx().state().read().settled()
    }
}
