// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The lists in bodies: items of fixed length, typed on the way out, bytes on the way in.

use core::marker::PhantomData;

use super::{put, word};
use crate::flow::{FlowKey, IpFields, KeyField};
use crate::ids::{MacAddr, PortId, VPort, VVlan};

/// An item of a list.
pub trait Item: Copy + Sized {
    /// Bytes of an item.
    const LEN: usize;

    /// Reads an item; `None` if it has a value that it cannot have.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// Writes an item into its bytes, which are zero.
    fn write(&self, out: &mut [u8]) -> Option<()>;
}

/// A list: of values to be sent, or of bytes that were received and checked.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a, T>(Source<'a, T>);

#[derive(Clone, Copy, Debug)]
enum Source<'a, T> {
    Typed(&'a [T]),
    Wire(&'a [u8], PhantomData<T>),
}

impl<'a, T: Item> Items<'a, T> {
    /// A list to be sent.
    #[must_use]
    pub const fn new(items: &'a [T]) -> Self {
        Self(Source::Typed(items))
    }

    /// A list that was received: exactly `count` items, each of them legal.
    pub(super) fn received(bytes: &'a [u8], count: usize) -> Option<Self> {
        if count.checked_mul(T::LEN)? != bytes.len() {
            return None;
        }
        bytes
            .chunks_exact(T::LEN)
            .try_for_each(|item| T::read(item).map(drop))?;
        Some(Self(Source::Wire(bytes, PhantomData)))
    }

    /// Items in the list.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Source::Typed(items) => items.len(),
            // A LEN of 0 does not exist; `checked_div` keeps the panic out of the image.
            Source::Wire(bytes, _) => bytes.len().checked_div(T::LEN).unwrap_or(0),
        }
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let (typed, wire): (&[T], &[u8]) = match self.0 {
            Source::Typed(items) => (items, &[]),
            Source::Wire(bytes, _) => (&[], bytes),
        };
        let wire = wire.chunks_exact(T::LEN).filter_map(T::read);
        typed.iter().copied().chain(wire)
    }

    pub(super) fn bytes(&self) -> usize {
        self.len().saturating_mul(T::LEN)
    }

    pub(super) fn write(&self, out: &mut [u8]) -> Option<()> {
        if out.len() != self.bytes() {
            return None;
        }
        let mut places = out.chunks_exact_mut(T::LEN);
        self.iter().try_for_each(|item| item.write(places.next()?))
    }
}

impl<T: Item + PartialEq> PartialEq for Items<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Item + Eq> Eq for Items<'_, T> {}

/// Which fields the NIC's keys have in a V.VLAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeyMask {
    /// The V.VLAN.
    pub vvlan: VVlan,
    /// Sum of [`KeyField::bit`]s.
    pub mask: u16,
}

impl Item for KeyMask {
    const LEN: usize = 4;

    fn read(bytes: &[u8]) -> Option<Self> {
        let mask = u16::from_be_bytes(word(bytes, 2)?);
        Some(Self {
            vvlan: VVlan::new(u16::from_be_bytes(word(bytes, 0)?))?,
            mask: Some(mask).filter(|mask| mask & !KeyField::MASK_ALL == 0)?,
        })
    }

    fn write(&self, out: &mut [u8]) -> Option<()> {
        put(out, 0, &self.vvlan.get().to_be_bytes())?;
        put(out, 2, &self.mask.to_be_bytes())
    }
}

/// A learned key, as the switch can name it: it does not know the NIC's vPorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Signature {
    vvlan: VVlan,
    key: FlowKey,
}

impl Signature {
    /// The signature of a key under a key mask. `None` if its V.VLAN cannot be one.
    #[must_use]
    pub fn new(key: &FlowKey, mask: u16) -> Option<Self> {
        Some(Self {
            vvlan: VVlan::try_from(key.vvlan).ok()?,
            key: key.masked(mask & !KeyField::SourcePort.bit()),
        })
    }

    /// Its V.VLAN.
    #[must_use]
    pub const fn vvlan(&self) -> VVlan {
        self.vvlan
    }

    /// The key that a NIC with this key mask has for frames of a vPort.
    #[must_use]
    pub fn key_of(&self, vport: VPort, mask: u16) -> FlowKey {
        FlowKey {
            src: vport.into(),
            ..self.key
        }
        .masked(mask)
    }

    /// The key, with vPort 0 for the source port.
    #[must_use]
    pub const fn key(&self) -> &FlowKey {
        &self.key
    }
}

/// Flags of a signature.
const IS_V6: u8 = 1;

impl Item for Signature {
    const LEN: usize = 56;

    fn read(bytes: &[u8]) -> Option<Self> {
        let [reserved, flags] = word(bytes, 0)?;
        if reserved != 0 || flags & !IS_V6 != 0 || bytes.get(19) != Some(&0) {
            return None;
        }
        let half = |at| Some(u16::from_be_bytes(word(bytes, at)?));
        let vvlan = VVlan::new(half(2)?)?;
        Some(Self {
            vvlan,
            key: FlowKey {
                src: PortId::ZERO,
                vvlan: vvlan.into(),
                da: MacAddr(word(bytes, 4)?),
                sa: MacAddr(word(bytes, 10)?),
                ethertype: half(16)?,
                ip: IpFields {
                    is_v6: flags & IS_V6 != 0,
                    proto: bytes.get(18).copied()?,
                    sport: half(20)?,
                    dport: half(22)?,
                    src: u128::from_be_bytes(word(bytes, 24)?),
                    dst: u128::from_be_bytes(word(bytes, 40)?),
                },
            },
        })
    }

    fn write(&self, out: &mut [u8]) -> Option<()> {
        let FlowKey {
            da,
            sa,
            ethertype,
            ip,
            ..
        } = self.key;
        put(out, 1, &[if ip.is_v6 { IS_V6 } else { 0 }])?;
        put(out, 2, &self.vvlan.get().to_be_bytes())?;
        put(out, 4, &da.0)?;
        put(out, 10, &sa.0)?;
        put(out, 16, &ethertype.to_be_bytes())?;
        put(out, 18, &[ip.proto])?;
        put(out, 20, &ip.sport.to_be_bytes())?;
        put(out, 22, &ip.dport.to_be_bytes())?;
        put(out, 24, &ip.src.to_be_bytes())?;
        put(out, 40, &ip.dst.to_be_bytes())
    }
}

/// Where the switch says an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AddressPlace {
    /// Behind a vPort.
    VPort(VPort),
    /// Behind the V.VLAN's one vPort with a software switch.
    Vswitch,
    /// Not in this NIC: a dynamic entry for it must go.
    Elsewhere,
}

impl AddressPlace {
    const VSWITCH: u8 = 0xfe;
    const ELSEWHERE: u8 = 0xff;
}

/// A change of the NIC's address table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AddressChange {
    /// The V.VLAN.
    pub vvlan: VVlan,
    /// The address of a station.
    pub mac: MacAddr,
    /// Where it is.
    pub place: AddressPlace,
}

impl Item for AddressChange {
    const LEN: usize = 10;

    fn read(bytes: &[u8]) -> Option<Self> {
        let [place, 0] = word(bytes, 2)? else {
            return None;
        };
        let place = match place {
            AddressPlace::VSWITCH => AddressPlace::Vswitch,
            AddressPlace::ELSEWHERE => AddressPlace::Elsewhere,
            number => AddressPlace::VPort(VPort::new(number)?),
        };
        Some(Self {
            vvlan: VVlan::new(u16::from_be_bytes(word(bytes, 0)?))?,
            place,
            mac: Some(MacAddr(word(bytes, 4)?)).filter(|mac| !mac.is_group())?,
        })
    }

    fn write(&self, out: &mut [u8]) -> Option<()> {
        let place = match self.place {
            AddressPlace::VPort(vport) => vport.get(),
            AddressPlace::Vswitch => AddressPlace::VSWITCH,
            AddressPlace::Elsewhere => AddressPlace::ELSEWHERE,
        };
        put(out, 0, &self.vvlan.get().to_be_bytes())?;
        put(out, 2, &[place])?;
        put(out, 4, &self.mac.0)
    }
}
