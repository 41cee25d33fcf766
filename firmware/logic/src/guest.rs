// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Requests of guests on their control queues (virtio 1.2, 5.1.6.5).
//!
//! A guest is not trusted: a request is done if it has exactly the form of the standard and the PF allows
//! it, else it is refused and changes nothing. Each vPort has a budget of requests; one that has spent it
//! waits, so that it cannot keep the firmware from the others.

use hairpin_abi::MAX_VF;
use hairpin_abi::ids::PortSet;
use hairpin_abi::virtio::{CTRL_ERR, CTRL_MQ_PAIRS_SET, CTRL_OK, CtrlClass};

/// Requests that a vPort may make at once; each tick allows one more.
pub const BUDGET: u8 = 16;
/// Bytes of the longest request that can be done.
pub const READABLE: usize = 4;

/// What to tell a guest, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Answer {
    /// The byte that it reads.
    pub ack: u8,
    /// Queue pairs that are in use from now on.
    pub pairs: Option<u8>,
}

impl Answer {
    const REFUSED: Self = Self {
        ack: CTRL_ERR,
        pairs: None,
    };
}

/// Answers a request: all of its bytes, or the first [`READABLE`] and `cut`. `pairs` is what the PF gave
/// the vPort.
#[must_use]
pub fn answer(request: &[u8], cut: bool, pairs: u8) -> Answer {
    match *request {
        [class, CTRL_MQ_PAIRS_SET, low, high]
            if !cut && CtrlClass::from_code(class) == Some(CtrlClass::Mq) =>
        {
            match u8::try_from(u16::from_le_bytes([low, high])) {
                Ok(wanted) if (1..=pairs).contains(&wanted) => Answer {
                    ack: CTRL_OK,
                    pairs: Some(wanted),
                },
                _ => Answer::REFUSED,
            }
        }
        _ => Answer::REFUSED,
    }
}

/// What each vPort has spent of its budget.
#[derive(Debug)]
pub struct Budgets {
    spent: [u8; MAX_VF],
}

impl Budgets {
    /// Nothing is spent.
    #[must_use]
    pub const fn new() -> Self {
        Self { spent: [0; MAX_VF] }
    }

    /// Counts a request; false if it was the vPort's last one for now.
    pub fn spend(&mut self, vport: u8) -> bool {
        let Some(spent) = self.spent.get_mut(usize::from(vport)) else {
            return true;
        };
        *spent = spent.saturating_add(1).min(BUDGET);
        *spent < BUDGET
    }

    /// Gives each vPort one request back: then each has one.
    pub fn tick(&mut self) {
        for spent in &mut self.spent {
            *spent = spent.saturating_sub(1);
        }
    }

    /// The vPorts that have something left.
    #[must_use]
    pub fn allowed(&self) -> PortSet {
        let ports = self.spent.iter().enumerate();
        PortSet(ports.fold(0, |set, (port, spent)| {
            set | u64::from(*spent < BUDGET) << port
        }))
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Self::new()
    }
}
