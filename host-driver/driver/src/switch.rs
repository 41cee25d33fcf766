// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What there is between the NIC and its adjacent switch.

use std::collections::BTreeMap;

use hairpin_abi::admin::{Command, PeerState};
use hairpin_abi::peer::Refusal;
use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::error::Error;
use crate::transport::Transport;

/// The session with the adjacent switch, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SwitchState {
    /// `off` without `[switch]` in the configuration, `searching` while the switch does not answer, `learning` while
    /// marked frames teach.
    pub state: String,
    /// Milliseconds until learned flows must go, unless the switch answers before.
    pub lease_ms: u32,
    /// Flows learned since the firmware started.
    pub learned: u32,
    /// Of them, those that changed to the short path.
    pub moved: u32,
    /// Those for which the switch did not answer in time: they stayed external until their next learning packet.
    pub late: u32,
    /// Those that wait for their change now.
    pub waiting: u32,
    /// Invalidations that were obeyed.
    pub invalidations: u32,
    /// Control frames that were not obeyed, by reason; reasons with a count of zero are left out.
    pub refused: BTreeMap<String, u32>,
}

impl<T: Transport> Device<T> {
    /// Asks the firmware about the adjacent switch.
    ///
    /// # Errors
    /// The NIC cannot be reached, or the firmware does not answer.
    pub fn switch_state(&mut self) -> Result<SwitchState, Error> {
        let [
            state,
            lease_ms,
            learned,
            moved,
            late,
            waiting,
            invalidations,
        ] = self.admin(&Command::PeerGet { page: 0 })?;
        let state = u8::try_from(state).ok().and_then(PeerState::from_code);
        let mut refused = BTreeMap::new();
        for (page, reasons) in (1..).zip(Refusal::ALL.chunks(7)) {
            let counts = self.admin(&Command::PeerGet { page })?;
            let counts = reasons.iter().zip(counts).filter(|(_, count)| *count != 0);
            refused.extend(counts.map(|(reason, count)| (reason.name().to_owned(), count)));
        }
        Ok(SwitchState {
            state: state.map_or("unknown", PeerState::name).to_owned(),
            lease_ms,
            learned,
            moved,
            late,
            waiting,
            invalidations,
            refused,
        })
    }
}
