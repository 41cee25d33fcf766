// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The virtio devices of the VFs that a configuration has vPorts for.

use super::Config;
use crate::vf::VfSettings;
use crate::{Device, Diagnostic, Transport};

impl<T: Transport> Device<T> {
    /// Gives every VF that has a vPort a virtio device with an equal share of the queues, and takes those of the
    /// others away. One that is there as it should be is left alone: a change of it is a reset of it, for its
    /// guest too. Nothing on a NIC without virtqueues.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn set_up_vfs(&mut self, config: &Config) -> Result<(), Diagnostic> {
        let has = *self.capabilities();
        if !has.virtqueues {
            return Ok(());
        }
        let pairs = has.queue_pairs / has.vfs;
        for vf in 0..has.vfs {
            let mut vports = config.vports.iter();
            let vport = vports.find(|vport| vport.vport.get() == vf);
            let settings =
                vport.map(|vport| VfSettings::new(vf, vport.mac, vport.enabled, vf * pairs, pairs));
            if !self.vf_is(vf, settings.as_ref())? {
                // Not while its old queues are in use.
                self.set_vf(vf, None)?;
                if settings.is_some() {
                    self.set_vf(vf, settings.as_ref())?;
                }
            }
        }
        Ok(())
    }
}
