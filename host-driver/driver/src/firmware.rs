// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Loading and starting the firmware.

use hairpin_abi::fw::FwState;
use hairpin_regs::{Bus, pf_on};

use crate::device::{Device, offset_of};
use crate::error::Error;
use crate::health::state_name;
use crate::image::FirmwareImage;
use crate::transport::Transport;

/// Clocks between two looks at a booting firmware.
const POLL_CYCLES: u32 = 1024;
/// Looks until the firmware counts as not starting: 33 million clocks; a restart clears every table first.
const POLL_LIMIT: u32 = 32768;

/// What the host gives the firmware on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartOptions {
    /// Seeds of the address table's hashes. Secret and random on a real NIC, so that no tenant can
    /// choose addresses that collide.
    pub seeds: [u32; 4],
    /// Core clocks without a sign of life after which the watchdog calls the firmware hung; 0 is never.
    pub watchdog_cycles: u32,
}

impl<T: Transport> Device<T> {
    /// Stops the core and writes an image into its memory.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn load_firmware(&mut self, image: &FirmwareImage) -> Result<(), Error> {
        let io = self.io();
        let firmware = pf_on(&io).fw();
        firmware.ctrl().try_write(|ctrl| ctrl.set_run(false))?;
        firmware
            .load_addr()
            .try_write(|address| address.set_value(0))?;
        // The address moves on by itself.
        let data = offset_of(firmware.load_data().as_ptr());
        for word in image.words() {
            self.bus.write32(data, *word)?;
        }
        let end = u32::try_from(image.words().len() * 4).unwrap_or(u32::MAX);
        let reached = firmware.load_addr().try_read()?.value();
        if reached != end {
            return Err(Error::Protocol(format!(
                "{reached} of {end} bytes of the image were taken"
            )));
        }
        Ok(())
    }

    /// Starts the loaded firmware and waits until it is ready.
    ///
    /// # Errors
    /// The NIC cannot be reached, or the firmware stops, hangs, or is not the one that was loaded.
    pub fn start_firmware(
        &mut self,
        image: &FirmwareImage,
        options: StartOptions,
    ) -> Result<(), Error> {
        let io = self.io();
        let firmware = pf_on(&io).fw();
        self.write_words(offset_of(firmware.seed0().as_ptr()), &options.seeds)?;
        firmware
            .wdt_cycles()
            .try_write(|cycles| cycles.set_value(options.watchdog_cycles))?;
        firmware.ctrl().try_write(|ctrl| ctrl.set_run(true))?;
        self.poll_slowly("firmware ready", POLL_CYCLES, POLL_LIMIT, || {
            let status = firmware.status().try_read()?;
            match FwState::from_code(status.state()) {
                Some(FwState::Ready) => Ok(true),
                Some(FwState::Reset | FwState::Booting) if status.hung() => {
                    Err(Error::FirmwareHung)
                }
                Some(FwState::Reset | FwState::Booting) => Ok(false),
                _ => Err(Error::FirmwareFailed {
                    state: state_name(status.state()),
                    code: status.code(),
                }),
            }
        })?;
        let running = firmware.build_id().try_read()?.value();
        let loaded = image.manifest().build_id;
        if running != loaded {
            return Err(Error::Protocol(format!(
                "build {running:08x} runs, {loaded:08x} was loaded"
            )));
        }
        Ok(())
    }

    /// Holds the core in reset.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn stop_firmware(&mut self) -> Result<(), Error> {
        Ok(pf_on(&self.io())
            .fw()
            .ctrl()
            .try_write(|ctrl| ctrl.set_run(false))?)
    }
}
