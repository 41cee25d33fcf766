// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Keeps frames of vPorts back.

use hairpin_abi::ids::PortSet;

use crate::regs::regs;

/// Keeps back what vPorts send, so that a flow can change its path without its frames overtaking each other.
///
/// What a vPort was granted before still comes in. When the core is stopped or hangs, nobody is kept back.
#[derive(Debug)]
pub struct TxHold(());

impl TxHold {
    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// Keeps back the vPorts of a set, and nobody else.
    pub fn set(&mut self, vports: PortSet) {
        let tx = regs().tx();
        tx.hold0().write(|w| w.set_vports(vports.0 as u32));
        tx.hold1().write(|w| w.set_vports((vports.0 >> 32) as u32));
    }

    /// True if every frame that was granted before the last [`TxHold::set`] has been decided.
    #[must_use]
    pub fn settled(&self) -> bool {
        regs().tx().state().read().settled()
    }
}
