// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the firmware tells the host without being asked: its state and its events.

use crate::ids::{MacAddr, PortId, Vlan};

codes! {
    /// State of the firmware, 4 bits.
    pub enum FwState {
        /// The core is held in reset, or has not begun.
        Reset = 0, "reset";
        /// Booting.
        Booting = 1, "booting";
        /// At work.
        Ready = 2, "ready";
        /// Stopped: built for another register map.
        MapMismatch = 3, "map-mismatch";
        /// Stopped: the self-test failed.
        SelfTestFailed = 4, "self-test-failed";
        /// Stopped: panicked or trapped; the code says where.
        Panicked = 5, "panicked";
    }
}

codes! {
    /// What the self-test found wrong; the code beside [`FwState::SelfTestFailed`].
    pub enum SelfTest {
        /// Memory does not hold a pattern.
        Ram = 1, "ram";
        /// The table command bus does not answer as expected.
        Tables = 2, "tables";
        /// The timer stands still.
        Timer = 3, "timer";
    }
}

codes! {
    /// Kind of an event.
    pub enum EventCode {
        /// The firmware is ready.
        Ready = 1, "ready";
        /// An address was learned.
        Learned = 2, "learned";
        /// A learned address moved to another vPort.
        Moved = 3, "moved";
        /// An address was not learned.
        LearnRefused = 4, "learn-refused";
        /// A control frame came from the uplink.
        Control = 5, "control";
        /// A learned address was not seen for long and is forgotten.
        Aged = 6, "aged";
        /// A vPort or V.VLAN has as many entries as it may.
        Quota = 7, "quota";
        /// A table had no place for an entry.
        TableFull = 8, "table-full";
        /// A flow entry was removed because it was not used for long.
        FlowAged = 9, "flow-aged";
        /// An address or a flow came too late: what it was seen with was invalidated.
        Stale = 10, "stale";
        /// The firmware runs again; `DATA1`: cause 7:0, V.VLANs that go on 15:8, V.VLANs refused 23:16.
        Restarted = 11, "restarted";
        /// The tables did not answer, or not as they should.
        TableFault = 12, "table-fault";
        /// The adjacent switch answers: learning from it begins.
        SwitchUp = 13, "switch-up";
        /// The adjacent switch does not answer any more, or began anew: what was learned from it is gone.
        SwitchLost = 14, "switch-lost";
    }
}

codes! {
    /// How the firmware ended before it was started again.
    pub enum RestartCause {
        /// Without a word: it hung, or the host stopped it.
        Silent = 0, "silent";
        /// By an exception.
        Trap = 1, "trap";
        /// Its stack had left its area.
        Stack = 2, "stack";
    }
}

/// An entry of the host's event queue.
///
/// `DATA0`: code `[7:0]`, port `[14:8]`, V.VLAN `[27:16]`; `DATA1`: the low 32 bits of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Event {
    /// What happened.
    pub code: EventCode,
    /// Where.
    pub port: PortId,
    /// In which V.VLAN; 0 if in none.
    pub vvlan: Vlan,
    /// The low 32 bits of the address it happened to; 0 if to none.
    pub mac_low: u32,
}

impl Event {
    /// An event about an address.
    #[must_use]
    pub fn address(code: EventCode, port: PortId, vvlan: Vlan, mac: MacAddr) -> Self {
        Self {
            code,
            port,
            vvlan,
            mac_low: mac.to_u64() as u32,
        }
    }

    /// The event after a restart of the firmware.
    #[must_use]
    pub const fn restarted(cause: RestartCause, vvlans: u8, refused: u8) -> Self {
        Self {
            code: EventCode::Restarted,
            port: PortId::Core,
            vvlan: Vlan::from_tci(0),
            mac_low: u32::from_le_bytes([cause.code(), vvlans, refused, 0]),
        }
    }

    /// The two words of the queue.
    #[must_use]
    pub fn encode(&self) -> [u32; 2] {
        let word = u32::from(self.code.code())
            | u32::from(self.port.get()) << 8
            | u32::from(self.vvlan.get()) << 16;
        [word, self.mac_low]
    }

    /// The event of two words; `None` if its code or port is unknown.
    #[must_use]
    pub fn decode(words: [u32; 2]) -> Option<Self> {
        let [code, port, ..] = words[0].to_le_bytes();
        Some(Self {
            code: EventCode::from_code(code)?,
            port: PortId::new(port & 0x7f)?,
            vvlan: Vlan::from_tci((words[0] >> 16) as u16),
            mac_low: words[1],
        })
    }
}
