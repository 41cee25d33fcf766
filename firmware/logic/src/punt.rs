// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Punted frames: what becomes of each, and the addresses learned from them.

use hairpin_abi::row::MacKey;
use hairpin_abi::{MacAddr, MacRow, PortId, PortRow, Reason, TableCommand, Target, VPort, VVlan};

use crate::learn::{Learned, Refusal};
use crate::{BusFault, Control, TableBus};

/// EtherType of LLDP.
const LLDP: [u8; 2] = [0x88, 0xcc];
/// EtherType of the adjacent switch's control frames.
const PEER: [u8; 2] = hairpin_abi::peer::ETHERTYPE.to_be_bytes();

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
    /// The adjacent switch, in Hairpin's own protocol.
    Peer,
    /// A control frame of another protocol.
    Other,
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
        match (punt.reason, punt.src) {
            (Reason::Learn, _) => {
                let learned = self
                    .learn_from(bus, punt, time)
                    .unwrap_or_else(Learned::Refused);
                self.health.learned(learned);
                let verdict = match learned {
                    Learned::Refused(_) => Verdict::Refuse(Reason::LearnRefused),
                    _ => Verdict::Forward,
                };
                (verdict, Some(learned))
            }
            (Reason::Control, _) => {
                let [.., high, low] = punt.header;
                let kind = match [high, low] {
                    LLDP => Consumed::Lldp,
                    PEER => Consumed::Peer,
                    _ => Consumed::Other,
                };
                (Verdict::Consume(kind), None)
            }
            // Nobody teaches flows from punted frames yet: the frame goes where it would have gone
            // without its punt. What came from the uplink cannot be decided once more.
            (Reason::MissSlowpath | Reason::FlowPunt, PortId::VPort(_)) => (Verdict::Forward, None),
            _ => (Verdict::Refuse(Reason::PuntRefused), None),
        }
    }

    /// Learns the source of a frame of a vSwitch. The quota, and that a static entry stays, are the
    /// hardware's to see to.
    fn learn_from(
        &mut self,
        bus: &mut impl TableBus,
        punt: &Punt,
        time: u64,
    ) -> Result<Learned, Refusal> {
        let (vport, vvlan) = punt.src.vport().zip(punt.vvlan).ok_or(Refusal::Origin)?;
        let instance = self.instances.find(vvlan).ok_or(Refusal::Origin)?;
        let row = MacRow {
            key: MacKey {
                vvlan,
                mac: source(&punt.header),
            },
            target: Target::VPort(vport),
            is_static: false,
        };
        if row.key.mac.is_group() || !learns(&bus.port(vport)?) {
            return Err(Refusal::Origin);
        }
        let moved = match bus.lookup(&row.key)? {
            Some(entry) if entry.target == row.target => return Ok(Learned::Known),
            Some(entry) if entry.is_static => return Err(Refusal::Static),
            Some(entry) => {
                if let Target::VPort(from) = entry.target {
                    self.may_move(bus, from, vport, time)?;
                }
                true
            }
            None => false,
        };
        let status = bus.apply(&TableCommand::MacInsert(instance.into(), row))?;
        let learned = Learned::from_status(status, moved);
        if !matches!(learned, Learned::Refused(_)) && !self.still_learns(bus, vport, &row.key)? {
            return Err(Refusal::Stale);
        }
        Ok(learned)
    }

    /// Takes an address back if its vPort has gone down while it was inserted: what the vPort had is
    /// invalidated by then, but not what came after.
    fn still_learns(
        &self,
        bus: &mut impl TableBus,
        vport: VPort,
        key: &MacKey,
    ) -> Result<bool, BusFault> {
        let learns = learns(&bus.port(vport)?);
        if !learns {
            bus.delete(key)?;
        }
        Ok(learns)
    }
}

fn learns(row: &PortRow) -> bool {
    row.enabled && row.learning
}

/// The source address of a frame.
#[must_use]
pub fn source(header: &Header) -> MacAddr {
    let [_, _, _, _, _, _, a, b, c, d, e, f, _, _] = *header;
    MacAddr([a, b, c, d, e, f])
}
