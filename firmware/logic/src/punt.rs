// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Punted frames: what becomes of each, and the addresses learned from them.

use hairpin_abi::row::MacKey;
use hairpin_abi::{MacAddr, MacRow, PortId, Reason, Status, TableCommand, Target, VVlan};
use hairpin_eswitch::learn::{self, Request};

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
    /// The policy is against it.
    Policy(learn::Refusal),
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
    /// Decides about a punted frame at a time; for a `learn` punt it learns first. Returns what was
    /// learned, for the log and the host, with the verdict.
    pub fn punted(
        &mut self,
        bus: &mut impl TableBus,
        punt: &Punt,
        time: u64,
    ) -> (Verdict, Option<Learned>) {
        match punt.reason {
            Reason::Learn => {
                let learned = self.learn(bus, punt, time).unwrap_or_else(Learned::Refused);
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

    fn learn(
        &mut self,
        bus: &mut impl TableBus,
        punt: &Punt,
        time: u64,
    ) -> Result<Learned, Refusal> {
        let (vport, vvlan) = punt.src.vport().zip(punt.vvlan).ok_or(Refusal::Origin)?;
        let instance = self.instances.find(vvlan).ok_or(Refusal::Origin)?;
        let key = MacKey {
            vvlan,
            mac: source(&punt.header),
        };
        let row = bus.port(vport)?;
        let entry = bus.lookup(&key)?;
        let holder = match entry {
            Some(MacRow {
                target: Target::VPort(holder),
                ..
            }) => Some(bus.port(holder)?),
            _ => None,
        };
        let request = Request {
            key,
            vport,
            row: &row,
            learned: self.addresses.count(vport),
            known: entry.as_ref().map(|entry| (entry, holder.as_ref())),
        };
        match request.judge(&mut self.moves, time) {
            learn::Verdict::Learn(_) if self.addresses.is_full() => Err(Refusal::Full),
            learn::Verdict::Learn(row) => {
                install(bus, instance, row)?;
                self.addresses.add(key, vport);
                Ok(Learned::New)
            }
            learn::Verdict::Move(row, _) => {
                install(bus, instance, row)?;
                self.addresses.relocate(&key, vport);
                Ok(Learned::Moved)
            }
            learn::Verdict::Known => Ok(Learned::Known),
            learn::Verdict::Refuse(refusal) => Err(Refusal::Policy(refusal)),
        }
    }
}

fn install(bus: &mut impl TableBus, instance: u8, row: MacRow) -> Result<(), Refusal> {
    match bus.apply(&TableCommand::MacInsert(instance.into(), row))? {
        Status::Ok | Status::Updated => Ok(()),
        Status::Full => Err(Refusal::Full),
        _ => Err(Refusal::Hardware),
    }
}

/// The source address of a frame.
#[must_use]
pub fn source(header: &Header) -> MacAddr {
    let [_, _, _, _, _, _, a, b, c, d, e, f, _, _] = *header;
    MacAddr([a, b, c, d, e, f])
}
