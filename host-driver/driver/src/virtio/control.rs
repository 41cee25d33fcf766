// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The control queue: what a VF's driver asks for (virtio 1.2, 5.1.6.5). The firmware of the NIC answers, as the PF
//! allows.

use std::time::{Duration, Instant};

use hairpin_abi::MacAddr;
use hairpin_abi::virtio::{
    CTRL_ANNOUNCE_ACK, CTRL_MAC_ADDR_SET, CTRL_MAC_TABLE_SET, CTRL_MQ_PAIRS_SET, CTRL_OK,
    CTRL_RX_ALLMULTI, CTRL_RX_PROMISC, CTRL_VLAN_ADD, CTRL_VLAN_DEL, CtrlClass,
};

use super::error::Error;
use super::registers::{Doorbell, Registers};
use super::ring::{Ring, Segment};
use super::vf::LOOK;
use crate::function::DmaMemory;

/// How long a command may take: a simulated NIC on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    Pairs(u16),
    Promiscuous(bool),
    AllMulticast(bool),
    Mac(MacAddr),
    Macs(&'a [MacAddr]),
    /// Whether a VLAN is taken.
    Vlan(u16, bool),
    Announced,
}

impl Request<'_> {
    /// Class, command and data, as the device reads them.
    fn bytes(self) -> Vec<u8> {
        let (class, command, data) = match self {
            Self::Pairs(pairs) => (
                CtrlClass::Mq,
                CTRL_MQ_PAIRS_SET,
                pairs.to_le_bytes().to_vec(),
            ),
            Self::Promiscuous(on) => (CtrlClass::Rx, CTRL_RX_PROMISC, vec![on.into()]),
            Self::AllMulticast(on) => (CtrlClass::Rx, CTRL_RX_ALLMULTI, vec![on.into()]),
            Self::Mac(mac) => (CtrlClass::Mac, CTRL_MAC_ADDR_SET, mac.0.to_vec()),
            Self::Macs(macs) => {
                let mut data = (macs.len() as u32).to_le_bytes().to_vec();
                data.extend(macs.iter().flat_map(|mac| mac.0));
                // Group addresses: none.
                data.extend([0; 4]);
                (CtrlClass::Mac, CTRL_MAC_TABLE_SET, data)
            }
            Self::Vlan(vlan, on) => {
                let command = if on { CTRL_VLAN_ADD } else { CTRL_VLAN_DEL };
                (CtrlClass::Vlan, command, vlan.to_le_bytes().to_vec())
            }
            Self::Announced => (CtrlClass::Announce, CTRL_ANNOUNCE_ACK, Vec::new()),
        };
        [vec![class.code(), command], data].concat()
    }

    /// For an error: "the VF refused ...".
    fn name(self) -> String {
        match self {
            Self::Pairs(pairs) => format!("to use {pairs} queue pairs"),
            Self::Promiscuous(on) => format!("promiscuous mode {}", switch(on)),
            Self::AllMulticast(on) => format!("all-multicast mode {}", switch(on)),
            Self::Mac(mac) => format!("the address {mac}"),
            Self::Macs(macs) => format!("{} more addresses", macs.len()),
            Self::Vlan(vlan, on) => format!("to take VLAN {vlan}: {}", switch(on)),
            Self::Announced => "to hear that it was announced".to_owned(),
        }
    }
}

const fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// The control queue of a VF. One command is under way at a time.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) ring: Ring<()>,
    pub(super) doorbell: Doorbell,
    pub(super) memory: DmaMemory,
    /// Where the command and its answer are in the memory.
    pub(super) command: usize,
    pub(super) queue: u16,
}

impl Control {
    /// Bytes that a command may have.
    const LONGEST: usize = 512;
    /// Bytes of a command and its answer.
    pub(super) const LEN: usize = Self::LONGEST + 8;

    pub(super) fn ask(&mut self, registers: &Registers, request: Request<'_>) -> Result<(), Error> {
        let refused = || Error::Control {
            request: request.name(),
        };
        let bytes = request.bytes();
        if bytes.len() > Self::LONGEST {
            return Err(refused());
        }
        let (memory, at) = (self.memory.memory(), self.command);
        let answer_at = at + Self::LONGEST;
        memory.write(at, &bytes);
        memory.write(answer_at, &[0xff]);
        let segment = |at, len, writable| Segment {
            bus: self.memory.bus(at),
            len,
            writable,
        };
        let chain = [
            segment(at, bytes.len() as u32, false),
            segment(answer_at, 1, true),
        ];
        if self.ring.add(&chain, ()).is_err() {
            return Err(refused());
        }
        if self.ring.publish() {
            registers.ring(self.doorbell)?;
        }
        let start = Instant::now();
        let queue = self.queue;
        let failed = |source| Error::Queue { queue, source };
        while self.ring.pop().map_err(failed)?.is_none() {
            if start.elapsed() > PATIENCE {
                return Err(refused());
            }
            registers.function().pause(LOOK)?;
        }
        let mut answer = [0xff];
        memory.read(answer_at, &mut answer);
        if answer == [CTRL_OK] {
            Ok(())
        } else {
            Err(refused())
        }
    }
}
