// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The flow cache: keys as the bus carries them, rows, and who may change what.

use crate::bits::{FlowBits, FlowSeenBits, MacSeenBits, words};
use crate::ids::{MacAddr, PortId, Vlan};
use crate::table::RowWords;

codes! {
    /// What an invalidation goes for.
    pub enum Scope {
        /// Every entry.
        All = 0, "all";
        /// The entries of a teacher; `MAC`: 0 dynamic, 1 static.
        Teacher = 1, "teacher";
        /// The entries of a V.VLAN; on the bus: of its instance.
        VVlan = 2, "vvlan";
        /// The entries that come from a vPort or lead to it.
        VPort = 3, "vport";
    }
}

codes! {
    /// Who made a flow entry. A higher teacher's entry is never replaced by a lower one.
    pub enum Teacher {
        /// The data path taught it.
        Learned = 0, "learned";
        /// The host added it.
        Flow = 1, "flow";
        /// A policy says so.
        Policy = 2, "policy";
    }
}

codes! {
    /// What happens to the frames of a flow.
    pub enum FlowAction {
        /// The MAC table decides, without a miss action.
        Local = 0, "local";
        /// To the uplink.
        Uplink = 1, "uplink";
        /// Dropped.
        Drop = 2, "drop";
        /// To the firmware.
        Punt = 3, "punt";
        /// To the vPort that the entry names, whatever the address.
        Redirect = 4, "redirect";
    }
}

codes! {
    /// The firmware's answer to a learn event.
    pub enum LearnVerdict {
        /// Insert the address.
        Install = 1, "install";
        /// Do not; suppress repeats for a while.
        Refuse = 2, "refuse";
        /// Do not; the next frame may ask again.
        Forget = 3, "forget";
    }
}

codes! {
    /// A field of the flow key; its number is its bit in a V.VLAN's key mask.
    pub enum KeyField {
        /// Source port.
        SourcePort = 0, "source-port";
        /// Destination address.
        Destination = 1, "destination";
        /// Source address.
        Source = 2, "source";
        /// EtherType behind the tenant's tags.
        EtherType = 3, "ethertype";
        /// IP source.
        IpSource = 4, "ip-source";
        /// IP destination.
        IpDestination = 5, "ip-destination";
        /// IP protocol.
        Protocol = 6, "protocol";
        /// L4 source port; ICMP type.
        L4Source = 7, "l4-source";
        /// L4 destination port; ICMP code.
        L4Destination = 8, "l4-destination";
    }
}

impl KeyField {
    /// The mask of every field.
    pub const MASK_ALL: u16 = (1 << Self::ALL.len()) - 1;

    /// Its bit in a key mask.
    #[must_use]
    pub const fn bit(self) -> u16 {
        1 << self.code()
    }

    /// True if a key mask keeps it.
    #[must_use]
    pub const fn is_in(self, mask: u16) -> bool {
        mask & self.bit() != 0
    }
}

/// Everything the flow cache may match on. An IPv4 address is in the low 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FlowKey {
    /// Ingress port.
    pub src: PortId,
    /// V.VLAN.
    pub vvlan: Vlan,
    /// Destination address.
    pub da: MacAddr,
    /// Source address.
    pub sa: MacAddr,
    /// EtherType behind at most two tenant tags.
    pub ethertype: u16,
    /// IP fields.
    pub ip: IpFields,
}

/// The IP and L4 fields of a key; all zero if the frame is not IP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct IpFields {
    /// IPv6, not IPv4.
    pub is_v6: bool,
    /// Source address.
    pub src: u128,
    /// Destination address.
    pub dst: u128,
    /// Protocol, or next header.
    pub proto: u8,
    /// Source port; ICMP: type.
    pub sport: u16,
    /// Destination port; ICMP: code.
    pub dport: u16,
}

/// ICMP types that the mirror exchanges: echo request and reply.
const ECHO: [(u8, u16, u16); 2] = [(1, 8, 0), (58, 128, 129)];

impl FlowKey {
    /// Bits of the packed key.
    pub const BITS: usize = 428;

    /// The key after a V.VLAN's key mask.
    #[must_use]
    pub fn masked(&self, mask: u16) -> Self {
        let keep = |field: KeyField| field.is_in(mask);
        let ip = |field: KeyField, value: u128| if keep(field) { value } else { 0 };
        let l4 = |field: KeyField, value: u16| if keep(field) { value } else { 0 };
        let mac = |field: KeyField, value: MacAddr| {
            if keep(field) {
                value
            } else {
                MacAddr::default()
            }
        };
        let typed = [
            KeyField::EtherType,
            KeyField::IpSource,
            KeyField::IpDestination,
        ];
        Self {
            src: if keep(KeyField::SourcePort) {
                self.src
            } else {
                PortId::ZERO
            },
            vvlan: self.vvlan,
            da: mac(KeyField::Destination, self.da),
            sa: mac(KeyField::Source, self.sa),
            ethertype: l4(KeyField::EtherType, self.ethertype),
            ip: IpFields {
                is_v6: self.ip.is_v6 && typed.into_iter().any(keep),
                src: ip(KeyField::IpSource, self.ip.src),
                dst: ip(KeyField::IpDestination, self.ip.dst),
                proto: if keep(KeyField::Protocol) {
                    self.ip.proto
                } else {
                    0
                },
                sport: l4(KeyField::L4Source, self.ip.sport),
                dport: l4(KeyField::L4Destination, self.ip.dport),
            },
        }
    }

    /// The key of the answers to this one's frames when those leave by `port`.
    #[must_use]
    pub fn mirror(&self, port: PortId) -> Self {
        let (sport, dport) = match self.ip.proto {
            1 | 58 => (self.echo().unwrap_or(self.ip.sport), self.ip.dport),
            _ => (self.ip.dport, self.ip.sport),
        };
        Self {
            src: port,
            da: self.sa,
            sa: self.da,
            ip: IpFields {
                src: self.ip.dst,
                dst: self.ip.src,
                sport,
                dport,
                ..self.ip
            },
            ..*self
        }
    }

    /// The ICMP type of the answer, if this is an echo message.
    fn echo(&self) -> Option<u16> {
        let (_, request, reply) = ECHO.iter().find(|(proto, ..)| *proto == self.ip.proto)?;
        match self.ip.sport {
            sport if sport == *request => Some(*reply),
            sport if sport == *reply => Some(*request),
            _ => None,
        }
    }

    /// Packs the key: in words, because the core has no wider registers.
    #[must_use]
    pub fn to_words(&self) -> FlowKeyWords {
        let mut words = FlowKeyWords::default();
        let mut at = 0;
        let mut put = |value: u32, bits: usize| {
            let wide = u64::from(value & low_bits(bits)) << (at % 32);
            let (_, rest) = words.0.split_at_mut_checked(at / 32).unwrap_or_default();
            for (word, part) in rest.iter_mut().zip([wide as u32, (wide >> 32) as u32]) {
                *word |= part;
            }
            at += bits;
        };
        put(self.ip.dport.into(), 16);
        put(self.ip.sport.into(), 16);
        put(self.ip.proto.into(), 8);
        for address in [self.ip.dst, self.ip.src] {
            for word in address.to_le_bytes().as_chunks::<4>().0 {
                put(u32::from_le_bytes(*word), 32);
            }
        }
        put(self.ip.is_v6.into(), 1);
        put(self.ethertype.into(), 16);
        for mac in [self.sa, self.da] {
            let mac = mac.to_u64();
            put(mac as u32, 32);
            put((mac >> 32) as u32, 16);
        }
        put(self.vvlan.get().into(), 12);
        put(self.src.get().into(), 7);
        words
    }

    /// Unpacks a key. `None` if its source port is none; the bits past the key are ignored.
    #[must_use]
    pub fn from_words(words: &FlowKeyWords) -> Option<Self> {
        let mut at = 0;
        let mut take = |bits: usize| {
            let word = |index| words.0.get(index).copied().unwrap_or(0);
            let wide = u64::from(word(at / 32)) | u64::from(word(at / 32 + 1)) << 32;
            let value = (wide >> (at % 32)) as u32 & low_bits(bits);
            at += bits;
            value
        };
        let (dport, sport, proto) = (take(16) as u16, take(16) as u16, take(8) as u8);
        let mut address = || {
            let mut bytes = [0; 16];
            for word in bytes.as_chunks_mut::<4>().0 {
                *word = take(32).to_le_bytes();
            }
            u128::from_le_bytes(bytes)
        };
        let (dst, src) = (address(), address());
        let (is_v6, ethertype) = (take(1) == 1, take(16) as u16);
        let mut mac = || MacAddr::from_u64(u64::from(take(32)) | u64::from(take(16)) << 32);
        let (sa, da) = (mac(), mac());
        Some(Self {
            vvlan: Vlan::from_tci(take(12) as u16),
            src: PortId::new(take(7) as u8)?,
            da,
            sa,
            ethertype,
            ip: IpFields {
                is_v6,
                src,
                dst,
                proto,
                sport,
                dport,
            },
        })
    }
}

/// That many low bits, 1 to 32.
const fn low_bits(count: usize) -> u32 {
    u32::MAX >> (32 - count)
}

/// A packed [`FlowKey`]: `flow_key_t` without `unkeyable`, bit 0 in bit 0 of word 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FlowKeyWords(pub [u32; 14]);

/// A row of `FLOW`: what happens to the frames of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FlowRow {
    /// What happens.
    pub action: FlowAction,
    /// Who made the entry.
    pub teacher: Teacher,
    /// Not in use yet: a lookup that finds it is a miss.
    pub pending: bool,
    /// Where the frames go, as far as it is known: a vPort that the entry lives with, or
    /// [`PortId::Uplink`] for the uplink and for none. The source port of the mirrored key.
    pub port: PortId,
}

impl FlowRow {
    /// A row in use that leads to no vPort.
    #[must_use]
    pub const fn new(action: FlowAction, teacher: Teacher) -> Self {
        Self {
            action,
            teacher,
            pending: false,
            port: PortId::Uplink,
        }
    }

    /// Unpacks word 0. `None` if it has no such action, teacher or port; the valid bit is not looked at.
    #[must_use]
    pub fn from_word(word: u32) -> Option<Self> {
        let bits = FlowBits(word);
        Some(Self {
            action: FlowAction::from_code(bits.action())?,
            teacher: Teacher::from_code(bits.teacher())?,
            pending: bits.pending() != 0,
            port: PortId::new(bits.port()).filter(|port| *port != PortId::Core)?,
        })
    }

    /// Unpacks a row to insert; see [`FlowRow::from_word`].
    #[must_use]
    pub fn from_words(row: &RowWords) -> Option<Self> {
        Self::from_word(row[0])
    }

    /// Unpacks a response: `None` if there is no entry.
    #[must_use]
    pub fn from_response(row: &RowWords) -> Option<Self> {
        if FlowBits(row[0]).valid() == 0 {
            None
        } else {
            Self::from_words(row)
        }
    }

    /// Packs word 0, valid bit set.
    #[must_use]
    pub fn to_word(&self) -> u32 {
        let mut bits = FlowBits(0);
        bits.set_action(self.action.code());
        bits.set_teacher(self.teacher.code());
        bits.set_pending(self.pending.into());
        bits.set_port(self.port.get());
        bits.set_valid(1);
        bits.0
    }

    /// Packs the row, valid bit set.
    #[must_use]
    pub fn to_words(&self) -> RowWords {
        words(self.to_word().into())
    }

    /// Packs a response.
    #[must_use]
    pub fn to_response(&self, seen: Seen) -> RowWords {
        let mut bits = FlowSeenBits(0);
        bits.set_stamp(seen.stamp);
        bits.set_handle(seen.handle);
        [self.to_word(), bits.0, 0, 0, 0, 0]
    }
}

/// What a response says about an entry besides its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Seen {
    /// When it was last used: bits 36 to 21 of the time.
    pub stamp: u16,
    /// Its number; its counters are there.
    pub handle: u16,
}

impl Seen {
    /// Ticks of the datapath clock in one stamp unit, as a shift.
    pub const SHIFT: u32 = 21;

    /// The stamp of a time.
    #[must_use]
    pub const fn stamp_of(time: u64) -> u16 {
        (time >> Self::SHIFT) as u16
    }

    /// From a response of `MAC`.
    #[must_use]
    pub fn of_mac(row: &RowWords) -> Self {
        let bits = MacSeenBits(row[3]);
        Self {
            stamp: bits.stamp(),
            handle: bits.handle(),
        }
    }

    /// From a response of `FLOW`.
    #[must_use]
    pub fn of_flow(row: &RowWords) -> Self {
        let bits = FlowSeenBits(row[1]);
        Self {
            stamp: bits.stamp(),
            handle: bits.handle(),
        }
    }
}
