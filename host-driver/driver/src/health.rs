// SPDX-License-Identifier: Apache-2.0 OR MIT

//! How the firmware is.

use hairpin_abi::fw::FwState;
use hairpin_regs::pf_on;
use serde::{Deserialize, Serialize};

use crate::device::{Device, join};
use crate::error::Error;
use crate::report::FirmwareRun;
use crate::transport::Transport;

/// Clocks between the two looks that tell whether the heartbeat moves.
const HEARTBEAT_STEP: u32 = 4096;
/// Looks until a heartbeat counts as still.
const HEARTBEAT_LIMIT: u32 = 64;

/// The state of the firmware at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// Whether it runs.
    pub run: FirmwareRun,
    /// The state it reports.
    pub state: String,
    /// Detail of that state.
    pub code: u8,
    /// Whether the watchdog ran out since the core was started.
    pub hung: bool,
    /// Turns of its event loop so far.
    pub heartbeat: u32,
    /// Whether the heartbeat moved while it was watched, or the core sleeps with nothing to do.
    pub alive: bool,
    /// Core clocks from reset to ready.
    pub ready_cycles: u32,
    /// Times the core was started again.
    pub restarts: u32,
    /// Hash of the register map that the image reports, 16 hexadecimal digits.
    pub map_hash: String,
    /// Build of the image, 8 hexadecimal digits.
    pub build_id: String,
    /// Log frames that the firmware could not store.
    pub log_dropped: u32,
    /// Whether the uplink has a link.
    pub uplink_up: bool,
}

impl<T: Transport> Device<T> {
    /// Looks after the firmware. Lets some clocks pass, to see the heartbeat move.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn health(&mut self) -> Result<Health, Error> {
        let uplink_up = self.uplink_up()?;
        let alive = self.watch_heartbeat()?;
        let io = self.io();
        let regs = pf_on(&io);
        let firmware = regs.fw();
        let status = firmware.status().try_read()?;
        let state = FwState::from_code(status.state());
        let map_hash = join(
            firmware.map_hash_lo().try_read()?.value(),
            firmware.map_hash_hi().try_read()?.value(),
        );
        Ok(Health {
            run: match (status.hung(), state) {
                (true, _) => FirmwareRun::Hung,
                (false, Some(FwState::Ready)) => FirmwareRun::Running,
                (false, _) => FirmwareRun::Halted,
            },
            state: state_name(status.state()),
            code: status.code(),
            hung: status.hung(),
            heartbeat: firmware.heartbeat().try_read()?.value(),
            alive,
            ready_cycles: firmware.ready_cycles().try_read()?.value(),
            restarts: firmware.restarts().try_read()?.value(),
            map_hash: format!("{map_hash:016x}"),
            build_id: format!("{:08x}", firmware.build_id().try_read()?.value()),
            log_dropped: regs.log().dropped().try_read()?.value(),
            uplink_up,
        })
    }

    /// Whether the event loop turns, or waits for work.
    fn watch_heartbeat(&mut self) -> Result<bool, Error> {
        let io = self.io();
        let firmware = pf_on(&io).fw();
        let first = firmware.heartbeat().try_read()?.value();
        for _ in 0..HEARTBEAT_LIMIT {
            let status = firmware.status().try_read()?;
            let ready = status.state() == FwState::Ready.code();
            if !ready || status.hung() {
                return Ok(false);
            }
            if status.asleep() || firmware.heartbeat().try_read()?.value() != first {
                return Ok(true);
            }
            self.bus.wait(HEARTBEAT_STEP)?;
        }
        Ok(false)
    }
}

/// The name of a firmware state, or its number when it has none.
pub(crate) fn state_name(code: u8) -> String {
    FwState::from_code(code).map_or_else(
        || format!("unknown ({code})"),
        |state| state.name().to_owned(),
    )
}
