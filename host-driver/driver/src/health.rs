// SPDX-License-Identifier: Apache-2.0 OR MIT

//! How the firmware is.

use hairpin_abi::fw::{FwState, SelfTest};
use hairpin_regs::pf_on;
use serde::{Deserialize, Serialize};

use crate::device::{Device, join};
use crate::error::Error;
use crate::report::{FirmwareRun, Tables};
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
    /// Events that were lost because nobody took them, saturating.
    #[serde(default)]
    pub events_lost: u16,
    /// Whether the uplink has a link.
    pub uplink_up: bool,
}

/// Detail of state `panicked`: an interrupt that nobody enabled, and a stack that has left its area.
const CODE_INTERRUPT: u8 = 0x80;
const CODE_STACK: u8 = 0x81;

impl Health {
    /// Why the firmware does no work, in a sentence; `None` when it does.
    pub fn cause(&self) -> Option<String> {
        let state = |of: FwState| self.state == of.name();
        if state(FwState::MapMismatch) {
            return Some(format!(
                "the firmware was built for register map {}, the hardware has another",
                self.map_hash
            ));
        }
        if state(FwState::SelfTestFailed) {
            let test = SelfTest::from_code(self.code).map_or("unknown", SelfTest::name);
            return Some(format!("the self-test at boot failed: {test}"));
        }
        if state(FwState::Panicked) {
            return Some(match self.code {
                CODE_STACK => "the firmware's stack has overflowed".to_owned(),
                CODE_INTERRUPT => "an interrupt came that nobody had enabled".to_owned(),
                code => format!("the core took exception {code} ({})", exception_name(code)),
            });
        }
        match self.run {
            FirmwareRun::Hung => Some(format!(
                "the watchdog ran out: the firmware stopped feeding it after {} turns of its event loop",
                self.heartbeat
            )),
            FirmwareRun::Running if !self.alive => {
                Some("the event loop stands still, and the watchdog has not run out yet".to_owned())
            }
            FirmwareRun::Running => None,
            FirmwareRun::Halted => {
                Some("the firmware was not started, or is still booting".to_owned())
            }
        }
    }

    /// What to do about the cause.
    pub fn help(&self) -> Option<&'static str> {
        self.cause()?;
        if self.state == FwState::MapMismatch.name() {
            return Some("load an image of the same release as the hardware");
        }
        Some(
            "see the end of `hairpin log` for what it did last, then load and start the firmware again",
        )
    }
}

/// What tables, log and events had to refuse or lose, a sentence each.
pub fn warnings(health: &Health, tables: &Tables) -> Vec<String> {
    let named = [
        ("address table", Some(&tables.mac)),
        ("flow cache", tables.flow.as_ref()),
    ];
    let mut warnings = Vec::new();
    for (name, fill) in named
        .into_iter()
        .filter_map(|(name, fill)| Some((name, fill?)))
    {
        let counted = [
            (fill.insert_failed, "insertions found no room"),
            (fill.quota, "insertions were beyond a quota"),
            (
                fill.stale,
                "insertions came after what they depend on had changed",
            ),
        ];
        let counted = counted.into_iter().filter(|(count, _)| *count > 0);
        warnings.extend(counted.map(|(count, what)| format!("{name}: {count} {what}")));
    }
    if tables.learn.no_slot > 0 {
        warnings.push(format!(
            "learning: {} addresses found no free slot",
            tables.learn.no_slot
        ));
    }
    if health.log_dropped > 0 {
        warnings.push(format!("log: {} frames did not fit", health.log_dropped));
    }
    if health.events_lost > 0 {
        warnings.push(format!(
            "events: {} were lost because nobody took them",
            health.events_lost
        ));
    }
    warnings
}

/// An exception of the RISC-V core by its `mcause`.
fn exception_name(code: u8) -> &'static str {
    match code {
        0 => "instruction address misaligned",
        1 => "instruction access fault",
        2 => "illegal instruction",
        3 => "breakpoint",
        4 => "load address misaligned",
        5 => "load access fault",
        6 => "store address misaligned",
        7 => "store access fault",
        8 | 11 => "environment call",
        _ => "unknown",
    }
}

impl<T: Transport> Device<T> {
    /// Whether the watchdog has run out since the core was started.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn firmware_hung(&mut self) -> Result<bool, Error> {
        Ok(pf_on(&self.io()).fw().status().try_read()?.hung())
    }

    /// Whether the firmware needs a restart: it hangs, or has stopped by itself. One read; until the watchdog
    /// has run out, a firmware that hangs looks like one that works.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn firmware_failed(&mut self) -> Result<bool, Error> {
        let status = pf_on(&self.io()).fw().status().try_read()?;
        Ok(status.hung() || status.state() != FwState::Ready.code())
    }

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
            events_lost: regs.ev().status().try_read()?.lost(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn health(run: FirmwareRun, state: FwState, code: u8, alive: bool) -> Health {
        Health {
            run,
            state: state.name().to_owned(),
            code,
            hung: run == FirmwareRun::Hung,
            heartbeat: 7,
            alive,
            ready_cycles: 1,
            restarts: 0,
            map_hash: "0123456789abcdef".to_owned(),
            build_id: "00000000".to_owned(),
            log_dropped: 0,
            events_lost: 0,
            uplink_up: true,
        }
    }

    #[test]
    fn every_failure_has_a_cause_and_a_next_step() {
        use FirmwareRun::{Halted, Hung, Running};
        let failures = [
            (Hung, FwState::Ready, 0, "after 7 turns"),
            (
                Hung,
                FwState::Panicked,
                2,
                "exception 2 (illegal instruction)",
            ),
            (Hung, FwState::Panicked, CODE_STACK, "stack has overflowed"),
            (
                Halted,
                FwState::Panicked,
                CODE_INTERRUPT,
                "an interrupt came",
            ),
            (
                Halted,
                FwState::MapMismatch,
                0,
                "register map 0123456789abcdef",
            ),
            (Halted, FwState::SelfTestFailed, 3, "failed: timer"),
            (Halted, FwState::SelfTestFailed, 99, "failed: unknown"),
            (Halted, FwState::Reset, 0, "not started"),
            (Running, FwState::Ready, 0, "stands still"),
        ];
        for (run, state, code, says) in failures {
            let health = health(run, state, code, false);
            let cause = health.cause().unwrap();
            assert!(cause.contains(says), "{health:?}: {cause}");
            assert!(health.help().unwrap().contains("load"), "{health:?}");
        }
        let well = health(Running, FwState::Ready, 0, true);
        assert_eq!((well.cause(), well.help()), (None, None));
    }

    #[test]
    fn what_was_refused_is_said_and_nothing_else() {
        let well = health(FirmwareRun::Running, FwState::Ready, 0, true);
        assert!(warnings(&well, &Tables::default()).is_empty());
        let mut tables = Tables::default();
        tables.mac.quota = 3;
        tables.flow = Some(crate::report::TableFill {
            insert_failed: 2,
            ..Default::default()
        });
        tables.learn.no_slot = 1;
        let lossy = Health {
            events_lost: 4,
            log_dropped: 5,
            ..well
        };
        let said = warnings(&lossy, &tables);
        assert_eq!(said.len(), 5, "{said:?}");
        assert!(
            said[0].starts_with("address table: 3") && said[1].starts_with("flow cache: 2"),
            "{said:?}"
        );
    }
}
