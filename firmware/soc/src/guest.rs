// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Requests of guests on their control queues.

use hairpin_abi::ids::PortSet;
use hairpin_abi::virtio::GuestVlans;

use crate::regs::{mmio, regs};

/// The request whose turn it is.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// vPort that asks.
    pub vport: u8,
    /// Bytes that can be read.
    pub len: u16,
    /// It had more bytes than can be read.
    pub cut: bool,
    /// Queue pairs that it may use.
    pub pairs: u8,
    tag: u8,
}

/// Takes requests and answers them.
#[derive(Debug)]
pub struct GuestPort(());

impl GuestPort {
    /// Bytes of a request that can be read.
    pub const WINDOW: usize = 512;

    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// The request whose turn it is, if there is one.
    pub fn request(&mut self) -> Option<Request> {
        let guest = regs().guest();
        let request = guest.request().read();
        request.valid().then(|| Request {
            vport: request.vport(),
            len: request.len(),
            cut: request.cut(),
            pairs: guest.info().read().pairs(),
            tag: request.tag(),
        })
    }

    /// Copies the first bytes of the request. Past its length they mean nothing.
    pub fn read(&mut self, bytes: &mut [u8]) {
        for (index, to) in bytes.chunks_mut(4).take(Self::WINDOW / 4).enumerate() {
            let word = mmio::read_guest_window(index).to_le_bytes();
            for (to, from) in to.iter_mut().zip(word) {
                *to = from;
            }
        }
    }

    /// Answers a request. If the guest was reset meanwhile the hardware ignores the answer.
    pub fn answer(
        &mut self,
        request: &Request,
        ack: u8,
        pairs: Option<u8>,
        announced: bool,
        vlans: Option<(GuestVlans, u16)>,
    ) {
        let (change, vlan) = vlans.map_or((0, 0), |(change, vlan)| (change.code(), vlan));
        regs().guest().answer().write(|w| {
            w.set_ack(ack);
            w.set_pairs(pairs.unwrap_or(0));
            w.set_announced(announced);
            w.set_vlan_op(change);
            w.set_vid(vlan);
            w.set_tag(request.tag);
        });
    }

    /// vPorts whose VF was reset since [`forget`](Self::forget).
    pub fn gone(&self) -> PortSet {
        let guest = regs().guest();
        let (low, high) = (guest.gone0().read().vports(), guest.gone1().read().vports());
        PortSet(u64::from(high) << 32 | u64::from(low))
    }

    /// Takes a vPort out of those that are gone; before what its guest asked for is forgotten.
    pub fn forget(&mut self, vport: u8) {
        regs().guest().forget().write(|w| w.set_vport(vport));
    }

    /// The vPorts whose requests are shown; those of the others wait.
    pub fn allow(&mut self, PortSet(vports): PortSet) {
        let guest = regs().guest();
        guest.allow0().write(|w| w.set_vports(vports as u32));
        guest
            .allow1()
            .write(|w| w.set_vports((vports >> 32) as u32));
    }
}
