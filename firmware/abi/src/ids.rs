// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Newtypes of the identifiers, with checked constructors.

use core::fmt;
use core::ops::{BitAnd, BitOr, Sub};
use core::str::FromStr;

/// A text or number that is not a legal identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InvalidId {
    /// Not six hexadecimal octets.
    MacAddr,
    /// Not a V.VLAN ID, 1 to 4094.
    VVlan,
    /// Not a vPort, 0 to 63.
    VPort,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MacAddr => "not a MAC address (six hexadecimal octets, like 02:00:00:00:00:01)",
            Self::VVlan => "not a V.VLAN ID (1 to 4094)",
            Self::VPort => "not a vPort (0 to 63)",
        })
    }
}

impl core::error::Error for InvalidId {}

/// A vPort, 0 to 63: the port of the virtual function with that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VPort(u8);

impl VPort {
    /// The vPort of a number below 64.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 64 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Its number as an index of a table with 64 rows.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Every vPort, ascending.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..64).map(Self)
    }
}

impl TryFrom<u8> for VPort {
    type Error = InvalidId;

    fn try_from(number: u8) -> Result<Self, InvalidId> {
        Self::new(number).ok_or(InvalidId::VPort)
    }
}

impl fmt::Display for VPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vf{}", self.0)
    }
}

/// A port of the eSwitch: a vPort, the uplink or the core. 7 bits on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PortId {
    /// The vPort of a virtual function; numbers 0 to 63.
    VPort(VPort),
    /// The wire; number 64.
    Uplink,
    /// The firmware; number 65.
    Core,
}

impl PortId {
    /// vPort 0, which is also what a masked source port of a flow key reads as.
    pub const ZERO: Self = Self::VPort(VPort(0));
    /// Number of the uplink.
    pub const UPLINK: u8 = 64;
    /// Number of the core.
    pub const CORE: u8 = 65;

    /// The port of a number.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            Self::UPLINK => Some(Self::Uplink),
            Self::CORE => Some(Self::Core),
            _ => match VPort::new(number) {
                Some(vport) => Some(Self::VPort(vport)),
                None => None,
            },
        }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::VPort(vport) => vport.get(),
            Self::Uplink => Self::UPLINK,
            Self::Core => Self::CORE,
        }
    }

    /// The vPort, if it is one.
    #[must_use]
    pub const fn vport(self) -> Option<VPort> {
        match self {
            Self::VPort(vport) => Some(vport),
            Self::Uplink | Self::Core => None,
        }
    }
}

impl From<VPort> for PortId {
    fn from(vport: VPort) -> Self {
        Self::VPort(vport)
    }
}

impl fmt::Display for PortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VPort(vport) => vport.fmt(f),
            Self::Uplink => f.write_str("uplink"),
            Self::Core => f.write_str("core"),
        }
    }
}

/// A 12-bit VLAN ID as a tag carries it, 0 and 4095 included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Vlan(u16);

impl Vlan {
    /// The VLAN of a number below 4096.
    #[must_use]
    pub const fn new(id: u16) -> Option<Self> {
        if id < 4096 { Some(Self(id)) } else { None }
    }

    /// The VLAN ID in a tag control word (the priority and DEI bits are ignored).
    #[must_use]
    pub const fn from_tci(tci: u16) -> Self {
        Self(tci & 0xfff)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Vlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A V.VLAN ID, 1 to 4094: the tenant's network, unique in a NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VVlan(u16);

impl VVlan {
    /// The V.VLAN of a number from 1 to 4094.
    #[must_use]
    pub const fn new(id: u16) -> Option<Self> {
        if matches!(id, 1..=4094) {
            Some(Self(id))
        } else {
            None
        }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl From<VVlan> for Vlan {
    fn from(vvlan: VVlan) -> Self {
        Self(vvlan.0)
    }
}

impl TryFrom<u16> for VVlan {
    type Error = InvalidId;

    fn try_from(id: u16) -> Result<Self, InvalidId> {
        Self::new(id).ok_or(InvalidId::VVlan)
    }
}

impl TryFrom<Vlan> for VVlan {
    type Error = InvalidId;

    fn try_from(vlan: Vlan) -> Result<Self, InvalidId> {
        Self::try_from(vlan.0)
    }
}

impl fmt::Display for VVlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A MAC address, in wire order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// The broadcast address.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// The nearest-bridge group address, where LLDP and ECP go.
    pub const NEAREST_BRIDGE: Self = Self([0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e]);

    /// The address of a number whose bits 47 to 40 are the first wire byte; higher bits are ignored.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = number.to_be_bytes();
        Self([a, b, c, d, e, f])
    }

    /// The address as a number, first wire byte in bits 47 to 40.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// True for multicast and broadcast addresses.
    #[must_use]
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// True for the broadcast address.
    #[must_use]
    pub const fn is_broadcast(self) -> bool {
        self.to_u64() == Self::BROADCAST.to_u64()
    }

    /// True for 01-80-C2-00-00-00 to 01-80-C2-00-00-0F, which bridges do not forward.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        self.to_u64() >> 4 == 0x0180_c200_0000 >> 4
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddr {
    type Err = InvalidId;

    /// Reads six octets of two hexadecimal digits, separated by `:` or `-`.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut parts = text.split(separator);
        let mut octets = [0; 6];
        for octet in &mut octets {
            let part = parts.next().ok_or(InvalidId::MacAddr)?;
            if part.len() != 2 || !part.bytes().all(|c| c.is_ascii_hexdigit()) {
                return Err(InvalidId::MacAddr);
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| InvalidId::MacAddr)?;
        }
        match parts.next() {
            None => Ok(Self(octets)),
            Some(_) => Err(InvalidId::MacAddr),
        }
    }
}

/// A set of vPorts: a bitmap with vPort n in bit n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PortSet(pub u64);

impl PortSet {
    /// No vPort.
    pub const EMPTY: Self = Self(0);

    /// The set with one vPort.
    #[must_use]
    pub const fn one(vport: VPort) -> Self {
        Self(1 << vport.get())
    }

    /// True if the vPort is in the set.
    #[must_use]
    pub const fn contains(self, vport: VPort) -> bool {
        self.0 & Self::one(vport).0 != 0
    }

    /// True if no vPort is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Number of vPorts in the set.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The set without a vPort.
    #[must_use]
    pub const fn without(self, vport: VPort) -> Self {
        Self(self.0 & !Self::one(vport).0)
    }

    /// The set with a vPort more.
    #[must_use]
    pub const fn with(self, vport: VPort) -> Self {
        Self(self.0 | Self::one(vport).0)
    }

    /// The vPorts in the set, ascending.
    pub fn iter(self) -> impl Iterator<Item = VPort> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let vport = VPort::new(left.trailing_zeros() as u8)?;
            left &= left.wrapping_sub(1);
            Some(vport)
        })
    }
}

impl FromIterator<VPort> for PortSet {
    fn from_iter<I: IntoIterator<Item = VPort>>(vports: I) -> Self {
        vports.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl BitAnd for PortSet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for PortSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Sub for PortSet {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}
