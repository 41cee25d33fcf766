// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The four messages.

use super::item::{AddressChange, Item, Items, KeyMask, Signature};
use super::mark::Mark;
use super::{HEADER_LEN, PeerKind, Refusal, TAG_LEN, put, word};
use crate::ids::VVlan;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Who is there.
    Hello(Hello<'a>),
    /// Learned entries must go.
    Invalidate(Invalidate<'a>),
    /// A transaction is done.
    Ack(Ack),
    /// Addresses for the NIC's table.
    Address(AddressUpdate<'a>),
}

/// What a NIC or a switch can do, as a sum of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Capabilities(pub u16);

impl Capabilities {
    /// Takes invalidations of named signatures.
    pub const SIGNATURES: Self = Self(1);
    /// Takes address updates.
    pub const ADDRESSES: Self = Self(2);

    /// True if all of these are there.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// HELLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// What the receiver must answer to prove that it is alive now.
    pub challenge: u64,
    /// The receiver's challenge; 0 if none was heard.
    pub answer: u64,
    /// Sequence number of the receiver's newest HELLO; 0 if none was heard.
    pub heard: u32,
    /// From the switch: milliseconds that learned entries may live on, counted from when the NIC sent HELLO
    /// number `heard`. 0 grants nothing. From the NIC: 0.
    pub lease_ms: u32,
    /// How learning packets are marked.
    pub mark: Mark,
    /// What the sender can do.
    pub capabilities: Capabilities,
    /// The longest control frame that the sender reads, at least [`MIN_READABLE`](super::MIN_READABLE).
    pub max_frame: u16,
    /// From the NIC: the V.VLANs that learn, and the fields of their keys. From the switch: none.
    pub masks: Items<'a, KeyMask>,
}

/// Bytes of a HELLO before its key masks.
const HELLO_LEN: usize = 36;

/// How far an INVALIDATE goes. It is never about anything but learned entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerScope<'a> {
    /// Every learned entry.
    All,
    /// Those of a V.VLAN.
    VVlan(VVlan),
    /// Those with these keys.
    Signatures(Items<'a, Signature>),
}

const SCOPE_ALL: u8 = 0;
const SCOPE_VVLAN: u8 = 1;
const SCOPE_SIGNATURES: u8 = 2;

/// INVALIDATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalidate<'a> {
    /// Names it in the acknowledgement; a message sent again has the same.
    pub transaction: u32,
    /// How far it goes.
    pub scope: PeerScope<'a>,
}

/// Bytes of an INVALIDATE before its signatures, and of an address update before its changes.
const LIST_LEN: usize = 8;

impl Invalidate<'_> {
    /// Signatures that fit into a frame of this length.
    #[must_use]
    pub const fn room(max_frame: usize) -> usize {
        room(max_frame, Signature::LEN)
    }
}

/// Items behind a list head that fit into a frame.
const fn room(max_frame: usize, item: usize) -> usize {
    let items = max_frame.saturating_sub(HEADER_LEN + LIST_LEN + TAG_LEN) / item;
    if items < 255 { items } else { 255 }
}

codes! {
    /// How a transaction ended.
    pub enum AckStatus {
        /// Done: no frame, in flight or not, uses what had to go.
        Done = 0, "done";
        /// The NIC cannot do that; a wider scope may work.
        Unsupported = 1, "unsupported";
    }
}

/// ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ack {
    /// Which transaction.
    pub transaction: u32,
    /// How it ended.
    pub status: AckStatus,
    /// Items of the message that the NIC's policy refused; only an address update has such.
    pub refused: u16,
}

/// Bytes of an ACK.
const ACK_LEN: usize = 8;

/// An address update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressUpdate<'a> {
    /// Names it in the acknowledgement; of two, the higher one is newer.
    pub transaction: u32,
    /// What is where.
    pub changes: Items<'a, AddressChange>,
}

impl AddressUpdate<'_> {
    /// Changes that fit into a frame of this length.
    #[must_use]
    pub const fn room(max_frame: usize) -> usize {
        room(max_frame, AddressChange::LEN)
    }
}

impl<'a> Body<'a> {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> PeerKind {
        match self {
            Self::Hello(_) => PeerKind::Hello,
            Self::Invalidate(_) => PeerKind::Invalidate,
            Self::Ack(_) => PeerKind::Ack,
            Self::Address(_) => PeerKind::Address,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Hello(hello) => HELLO_LEN.saturating_add(hello.masks.bytes()),
            Self::Invalidate(invalidate) => LIST_LEN.saturating_add(match &invalidate.scope {
                PeerScope::All | PeerScope::VVlan(_) => 0,
                PeerScope::Signatures(list) => list.bytes(),
            }),
            Self::Ack(_) => ACK_LEN,
            Self::Address(update) => LIST_LEN.saturating_add(update.changes.bytes()),
        }
    }

    pub(super) fn parse(kind: PeerKind, body: &'a [u8]) -> Result<Self, Refusal> {
        match kind {
            PeerKind::Hello => hello(body).map(Self::Hello),
            PeerKind::Invalidate => invalidate(body).map(Self::Invalidate),
            PeerKind::Ack => ack(body).map(Self::Ack),
            PeerKind::Address => {
                let (transaction, [0, count, 0, 0], list) = head(body)? else {
                    return Err(Refusal::BadField);
                };
                Ok(Self::Address(AddressUpdate {
                    transaction,
                    changes: items(list, count)?,
                }))
            }
        }
    }

    /// Writes the body into its bytes, which are zero.
    pub(super) fn write(&self, out: &mut [u8]) -> Option<()> {
        match self {
            Self::Hello(hello) => {
                put(out, 0, &hello.challenge.to_be_bytes())?;
                put(out, 8, &hello.answer.to_be_bytes())?;
                put(out, 16, &hello.heard.to_be_bytes())?;
                put(out, 20, &hello.lease_ms.to_be_bytes())?;
                put(out, 24, &hello.mark.to_bytes())?;
                put(out, 28, &hello.capabilities.0.to_be_bytes())?;
                put(out, 30, &hello.max_frame.to_be_bytes())?;
                let count = u16::try_from(hello.masks.len()).ok()?;
                put(out, 32, &count.to_be_bytes())?;
                hello.masks.write(out.get_mut(HELLO_LEN..)?)
            }
            Self::Invalidate(Invalidate { transaction, scope }) => {
                put(out, 0, &transaction.to_be_bytes())?;
                match scope {
                    PeerScope::All => put(out, 4, &[SCOPE_ALL, 0]),
                    PeerScope::VVlan(vvlan) => {
                        put(out, 4, &[SCOPE_VVLAN, 0])?;
                        put(out, 6, &vvlan.get().to_be_bytes())
                    }
                    PeerScope::Signatures(list) => {
                        put(out, 4, &[SCOPE_SIGNATURES, u8::try_from(list.len()).ok()?])?;
                        list.write(out.get_mut(LIST_LEN..)?)
                    }
                }
            }
            Self::Ack(ack) => {
                put(out, 0, &ack.transaction.to_be_bytes())?;
                put(out, 4, &[ack.status.code(), 0])?;
                put(out, 6, &ack.refused.to_be_bytes())
            }
            Self::Address(update) => {
                put(out, 0, &update.transaction.to_be_bytes())?;
                put(out, 4, &[0, u8::try_from(update.changes.len()).ok()?])?;
                update.changes.write(out.get_mut(LIST_LEN..)?)
            }
        }
    }
}

/// Transaction, four bytes, and the list behind them.
fn head(body: &[u8]) -> Result<(u32, [u8; 4], &[u8]), Refusal> {
    let (head, list) = body
        .split_first_chunk::<LIST_LEN>()
        .ok_or(Refusal::BadLength)?;
    let [a, b, c, d, rest @ ..] = *head;
    Ok((u32::from_be_bytes([a, b, c, d]), rest, list))
}

fn items<T: Item>(list: &[u8], count: u8) -> Result<Items<'_, T>, Refusal> {
    if usize::from(count).saturating_mul(T::LEN) != list.len() {
        return Err(Refusal::BadLength);
    }
    Items::received(list, count.into()).ok_or(Refusal::BadField)
}

fn hello(body: &[u8]) -> Result<Hello<'_>, Refusal> {
    let (head, list) = body
        .split_first_chunk::<HELLO_LEN>()
        .ok_or(Refusal::BadLength)?;
    let half = |at| word(head, at).map(u16::from_be_bytes).unwrap_or_default();
    let long = |at| word(head, at).map(u32::from_be_bytes).unwrap_or_default();
    let wide = |at| word(head, at).map(u64::from_be_bytes).unwrap_or_default();
    let count = usize::from(half(32));
    if count.saturating_mul(KeyMask::LEN) != list.len() {
        return Err(Refusal::BadLength);
    }
    let mark = word(head, 24).and_then(Mark::from_bytes);
    let max_frame = half(30);
    if half(34) != 0 || usize::from(max_frame) < super::MIN_READABLE {
        return Err(Refusal::BadField);
    }
    Ok(Hello {
        challenge: wide(0),
        answer: wide(8),
        heard: long(16),
        lease_ms: long(20),
        mark: mark.ok_or(Refusal::BadField)?,
        capabilities: Capabilities(half(28)),
        max_frame,
        masks: Items::received(list, count).ok_or(Refusal::BadField)?,
    })
}

fn invalidate(body: &[u8]) -> Result<Invalidate<'_>, Refusal> {
    let (transaction, [scope, count, vvlan @ ..], list) = head(body)?;
    let vvlan = u16::from_be_bytes(vvlan);
    let scope = match (scope, count, vvlan) {
        (SCOPE_ALL, 0, 0) if list.is_empty() => PeerScope::All,
        (SCOPE_VVLAN, 0, id) if list.is_empty() => {
            PeerScope::VVlan(VVlan::new(id).ok_or(Refusal::BadField)?)
        }
        (SCOPE_ALL | SCOPE_VVLAN, 0, _) if !list.is_empty() => return Err(Refusal::BadLength),
        (SCOPE_SIGNATURES, 1.., 0) => PeerScope::Signatures(items(list, count)?),
        _ => return Err(Refusal::BadField),
    };
    Ok(Invalidate { transaction, scope })
}

fn ack(body: &[u8]) -> Result<Ack, Refusal> {
    let (transaction, [status, reserved, refused @ ..], []) = head(body)? else {
        return Err(Refusal::BadLength);
    };
    if reserved != 0 {
        return Err(Refusal::BadField);
    }
    Ok(Ack {
        transaction,
        status: AckStatus::from_code(status).ok_or(Refusal::BadField)?,
        refused: u16::from_be_bytes(refused),
    })
}
