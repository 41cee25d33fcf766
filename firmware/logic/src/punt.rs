// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Punted frames: what becomes of each, and the addresses learned from them.

use hairpin_abi::row::MacKey;
use hairpin_abi::{MacAddr, MacRow, PortId, Reason, Status, TableCommand, Target, VPort, VVlan};

use crate::{BusFault, Control, TableBus};

/// EtherType of LLDP.
const LLDP: [u8; 2] = [0x88, 0xcc];

/// The first bytes of a canonical frame: addresses and EtherType.
pub type Header = [u8; 14];

/// A frame at the head of the punt store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Punt {
    /// Port it came in by.
    pub src: PortId,
    /// Why it was punted.
    pub reason: Reason,
    /// Its V.VLAN, if it has one.
    pub vvlan: Option<VVlan>,
    /// Its first bytes.
    pub header: Header,
}

/// What to do with a punted frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it through the decision once more.
    Forward,
    /// Let the datapath drop it for this reason.
    Refuse(Reason),
    /// It was for the firmware.
    Consume(Consumed),
}

/// A frame that was for the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Consumed {
    /// LLDP of the adjacent switch.
    Lldp,
    /// A control frame of another protocol.
    Other,
}

/// What came of a `learn` punt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Learned {
    /// The address leads to the vPort now.
    New,
    /// It led to another vPort before.
    Moved,
    /// It led to this vPort already: a frame before this one taught it.
    Known,
    /// It is not learned.
    Refused(Refusal),
}

/// Why an address is not learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// Not from a vPort, or not in a V.VLAN that is configured.
    Origin,
    /// A group address.
    Group,
    /// The vPort may not learn.
    NotAllowed,
    /// The vPort has as many addresses as it may.
    Quota,
    /// The address is statically another port's.
    Static,
    /// No room in the MAC table or in the list of learned addresses.
    Full,
    /// The tables do not answer.
    Hardware,
}

impl From<BusFault> for Refusal {
    fn from(_: BusFault) -> Self {
        Self::Hardware
    }
}

impl Control {
    /// Decides about a punted frame; for a `learn` punt it learns first. Returns what was learned, for
    /// the log and the host, with the verdict.
    pub fn punted(&mut self, bus: &mut impl TableBus, punt: &Punt) -> (Verdict, Option<Learned>) {
        match punt.reason {
            Reason::Learn => {
                let learned = self.learn(bus, punt).unwrap_or_else(Learned::Refused);
                let verdict = match learned {
                    Learned::Refused(_) => Verdict::Refuse(Reason::LearnRefused),
                    _ => Verdict::Forward,
                };
                (verdict, Some(learned))
            }
            Reason::Control => {
                let [.., high, low] = punt.header;
                let kind = if [high, low] == LLDP {
                    Consumed::Lldp
                } else {
                    Consumed::Other
                };
                (Verdict::Consume(kind), None)
            }
            // There is no flow cache to fill: the slow path has nothing to offer.
            _ => (Verdict::Refuse(Reason::PuntRefused), None),
        }
    }

    fn learn(&mut self, bus: &mut impl TableBus, punt: &Punt) -> Result<Learned, Refusal> {
        let (vport, vvlan) = punt.src.vport().zip(punt.vvlan).ok_or(Refusal::Origin)?;
        self.instances.find(vvlan).ok_or(Refusal::Origin)?;
        let key = MacKey {
            vvlan,
            mac: source(&punt.header),
        };
        if key.mac.is_group() {
            return Err(Refusal::Group);
        }
        let entry = bus.lookup(&key)?;
        if entry.is_some_and(|entry| entry.target == Target::VPort(vport)) {
            return Ok(Learned::Known);
        }
        if entry.is_some_and(|entry| entry.is_static) {
            return Err(Refusal::Static);
        }
        self.may_learn(bus, vport)?;
        if entry.is_none() && self.addresses.is_full() {
            return Err(Refusal::Full);
        }
        let row = MacRow {
            key,
            target: Target::VPort(vport),
            is_static: false,
        };
        match bus.apply(&TableCommand::MacInsert(row))? {
            Status::Ok | Status::Updated => {}
            Status::Full => return Err(Refusal::Full),
            _ => return Err(Refusal::Hardware),
        }
        if self.addresses.relocate(&key, vport) {
            return Ok(Learned::Moved);
        }
        self.addresses.add(key, vport);
        Ok(Learned::New)
    }

    fn may_learn(&mut self, bus: &mut impl TableBus, vport: VPort) -> Result<(), Refusal> {
        let port = bus.port(vport)?;
        if !port.learning {
            return Err(Refusal::NotAllowed);
        }
        if self.addresses.count(vport) >= u16::from(port.max_macs) {
            return Err(Refusal::Quota);
        }
        Ok(())
    }
}

/// The source address of a frame.
#[must_use]
pub fn source(header: &Header) -> MacAddr {
    let [_, _, _, _, _, _, a, b, c, d, e, f, _, _] = *header;
    MacAddr([a, b, c, d, e, f])
}
