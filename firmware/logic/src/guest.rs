// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Requests of guests on their control queues (virtio 1.2, 5.1.6.5).
//!
//! A guest is not trusted: a request is done if it has exactly the form of the standard and the PF allows
//! it, else it is refused and changes nothing. Each vPort has a budget of requests; one that has spent it
//! waits, so that it cannot keep the firmware from the others.

use hairpin_abi::ids::PortSet;
use hairpin_abi::virtio::{
    CTRL_ANNOUNCE_ACK, CTRL_ERR, CTRL_MAC_ADDR_SET, CTRL_MAC_TABLE_SET, CTRL_MQ_PAIRS_SET, CTRL_OK,
    CTRL_RX_ALLMULTI, CTRL_RX_PROMISC, CTRL_VLAN_ADD, CTRL_VLAN_DEL, CtrlClass, GuestVlans,
};
use hairpin_abi::{MAX_VF, MacAddr, VPort};

use crate::rxmode::Refused;
use crate::{Control, TableBus};

/// Requests that a vPort may make at once; each tick allows one more.
pub const BUDGET: u8 = 16;
/// Bytes of a request that are read; a longer one is refused.
pub const READABLE: usize = 512;

/// What to tell a guest, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Answer {
    /// The byte that it reads.
    pub ack: u8,
    /// Queue pairs that are in use from now on.
    pub pairs: Option<u8>,
    /// It has announced itself, and need not be asked to any more.
    pub announced: bool,
    /// What changes in the VLANs that it takes, and which one is meant.
    pub vlans: Option<(GuestVlans, u16)>,
}

impl Answer {
    const REFUSED: Self = Self {
        ack: CTRL_ERR,
        pairs: None,
        announced: false,
        vlans: None,
    };
    const DONE: Self = Self {
        ack: CTRL_OK,
        pairs: None,
        announced: false,
        vlans: None,
    };
}

/// A request of the right form.
enum Request<'a> {
    /// Queue pairs in use.
    Pairs(u16),
    /// Unicast frames that nobody takes.
    Promisc(bool),
    /// Frames of every group.
    AllMulti(bool),
    /// The first address.
    Address(MacAddr),
    /// The other unicast addresses.
    Table(&'a [u8]),
    /// One of the VLANs that it takes.
    Vlan(GuestVlans, u16),
    /// It has announced itself.
    Announced,
}

/// VLANs that there are (IEEE 802.1Q, 9.6): 0xFFF is reserved.
const VLANS: u16 = 0xfff;

impl<'a> Request<'a> {
    fn parse(request: &'a [u8]) -> Option<Self> {
        let (&[class, command], data) = request.split_first_chunk()?;
        Some(match (CtrlClass::from_code(class)?, command, data) {
            (CtrlClass::Mq, CTRL_MQ_PAIRS_SET, &[low, high]) => {
                Self::Pairs(u16::from_le_bytes([low, high]))
            }
            (CtrlClass::Rx, CTRL_RX_PROMISC, &[on @ (0 | 1)]) => Self::Promisc(on == 1),
            (CtrlClass::Rx, CTRL_RX_ALLMULTI, &[on @ (0 | 1)]) => Self::AllMulti(on == 1),
            (CtrlClass::Mac, CTRL_MAC_ADDR_SET, data) => Self::Address(unicast(data)?),
            (CtrlClass::Mac, CTRL_MAC_TABLE_SET, data) => {
                let (table, groups) = list(data)?;
                let (groups, []) = list(groups)? else {
                    return None;
                };
                let group = |mac: &[u8]| mac.first().is_some_and(|byte| byte & 1 != 0);
                let right = table.chunks(6).all(|mac| unicast(mac).is_some())
                    && groups.chunks(6).all(group);
                right.then_some(Self::Table(table))?
            }
            (CtrlClass::Vlan, command @ (CTRL_VLAN_ADD | CTRL_VLAN_DEL), &[low, high]) => {
                let vlan = u16::from_le_bytes([low, high]);
                let change = match command {
                    CTRL_VLAN_ADD => GuestVlans::Add,
                    _ => GuestVlans::Remove,
                };
                (vlan < VLANS).then_some(Self::Vlan(change, vlan))?
            }
            (CtrlClass::Announce, CTRL_ANNOUNCE_ACK, []) => Self::Announced,
            _ => return None,
        })
    }
}

/// The addresses of a list, and what is behind it.
fn list(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = data.split_first_chunk()?;
    let bytes = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    rest.split_at_checked(bytes.checked_mul(6)?)
}

fn unicast(bytes: &[u8]) -> Option<MacAddr> {
    let mac = MacAddr(<[u8; 6]>::try_from(bytes).ok()?);
    (!mac.is_group() && mac.to_u64() != 0).then_some(mac)
}

impl Control {
    /// Does a request, or refuses it: all of its bytes, or the first [`READABLE`] and `cut`. `pairs` is
    /// what the PF gave the vPort.
    pub fn guest_request(
        &mut self,
        bus: &mut impl TableBus,
        vport: VPort,
        request: &[u8],
        cut: bool,
        pairs: u8,
    ) -> Answer {
        let Some(request) = Request::parse(request).filter(|_| !cut) else {
            return Answer::REFUSED;
        };
        let mut answer = Answer::DONE;
        let done = match request {
            Request::Pairs(wanted) => match u8::try_from(wanted) {
                Ok(wanted) if (1..=pairs).contains(&wanted) => {
                    answer.pairs = Some(wanted);
                    Ok(())
                }
                _ => Err(Refused),
            },
            Request::Announced => {
                answer.announced = true;
                Ok(())
            }
            // Its tenant's own frames: no question of trust.
            Request::Vlan(change, vlan) => {
                answer.vlans = Some((change, vlan));
                Ok(())
            }
            Request::Promisc(on) => {
                let change = if on {
                    GuestVlans::All
                } else {
                    GuestVlans::Listed
                };
                answer.vlans = Some((change, 0));
                self.set_mode(bus, vport, on, |row| row.promisc = on)
            }
            Request::AllMulti(on) => self.set_mode(bus, vport, on, |row| row.allmulti = on),
            Request::Address(mac) => self.set_address(bus, vport, mac),
            Request::Table(macs) => self.set_table(bus, vport, macs.chunks(6).filter_map(unicast)),
        };
        match done {
            Ok(()) => answer,
            Err(Refused) => Answer::REFUSED,
        }
    }
}

/// What each vPort has spent of its budget.
#[derive(Debug)]
pub struct Budgets {
    spent: [u8; MAX_VF],
    /// The vPorts that have spent something: a tick is cheap while no guest asks.
    in_debt: PortSet,
}

impl Budgets {
    /// Nothing is spent.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            spent: [0; MAX_VF],
            in_debt: PortSet::EMPTY,
        }
    }

    /// Counts a request; false if it was the vPort's last one for now.
    pub fn spend(&mut self, vport: VPort) -> bool {
        let Some(spent) = self.spent.get_mut(usize::from(vport.get())) else {
            return false;
        };
        *spent = spent.saturating_add(1).min(BUDGET);
        self.in_debt = self.in_debt.with(vport);
        *spent < BUDGET
    }

    /// Gives each vPort one request back: then each has one.
    pub fn tick(&mut self) {
        for vport in self.in_debt.iter() {
            if let Some(spent) = self.spent.get_mut(usize::from(vport.get())) {
                *spent = spent.saturating_sub(1);
                if *spent == 0 {
                    self.in_debt = self.in_debt.without(vport);
                }
            }
        }
    }

    /// The vPorts that have something left.
    #[must_use]
    pub fn allowed(&self) -> PortSet {
        let broke = |vport: &VPort| self.spent.get(usize::from(vport.get())) == Some(&BUDGET);
        self.in_debt
            .iter()
            .filter(broke)
            .fold(PortSet(!0), PortSet::without)
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Self::new()
    }
}
