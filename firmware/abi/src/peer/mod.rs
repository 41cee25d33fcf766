// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Control frames between a NIC and its adjacent switch: one codec for both ends.
//!
//! ```text
//!  0            12     14       20        24        32     40
//!  ┌────┬────┬───────┬────────┬──────────┬─────────┬──────┬──────┬────────┬─────────┐
//!  │ DA │ SA │ 88 B5 │ header │ sequence │ session │ peer │ body │ tag 16 │ padding │
//!  └────┴────┴───────┴────────┴──────────┴─────────┴──────┴──────┴────────┴─────────┘
//!  └───────────────────────────── signed ─────────────────────────┘
//! ```
//!
//! [`Envelope::parse`] reads the header, [`Envelope::open`] checks the tag and then reads the body: nothing
//! of an unsigned body is looked at. [`build`] is the other direction. Whether a message is new, and of a
//! session that counts, is the session's business, not the codec's. No memory, no panic on any bytes.

mod auth;
mod body;
mod item;
mod mark;
mod window;

pub use auth::{Key, KeyId, Keys, TAG_LEN};
pub use body::{Ack, AckStatus, AddressUpdate, Body, Capabilities, Hello, Invalidate, PeerScope};
pub use item::{AddressChange, AddressPlace, Item, Items, KeyMask, Signature};
pub use mark::{Mark, MarkField};
pub use window::{Arrival, Window};

use crate::MIN_FRAME;
use crate::ids::MacAddr;

/// EtherType of control frames: local experimental EtherType 1 of IEEE 802.
pub const ETHERTYPE: u16 = 0x88b5;
/// Version of the layouts below; others are refused.
pub const VERSION: u8 = 1;
/// Bytes before the body.
pub const HEADER_LEN: usize = 40;
/// The longest control frame there is: no receiver has to take more.
pub const MAX_LEN: usize = 1518;
/// Every receiver reads control frames of this length: what the NIC shows its core of a frame.
pub const MIN_READABLE: usize = 128;

/// Where the header's fields are.
mod at {
    pub(super) const DESTINATION: usize = 0;
    pub(super) const SOURCE: usize = 6;
    pub(super) const ETHERTYPE: usize = 12;
    pub(super) const VERSION: usize = 14;
    pub(super) const KIND: usize = 15;
    pub(super) const LENGTH: usize = 16;
    pub(super) const ROLE: usize = 18;
    pub(super) const KEY_ID: usize = 19;
    pub(super) const SEQUENCE: usize = 20;
    pub(super) const SESSION: usize = 24;
    pub(super) const PEER: usize = 32;
}

codes! {
    /// What a control frame is.
    pub enum PeerKind {
        /// Who is there, since when, and with what: sessions, capabilities, lease.
        Hello = 1, "hello";
        /// Learned entries must go.
        Invalidate = 2, "invalidate";
        /// A transaction is done.
        Ack = 3, "ack";
        /// Addresses for the NIC's table.
        Address = 4, "address";
    }
}

codes! {
    /// Who sent a control frame. Nobody takes one of his own role, so a frame cannot be sent back.
    pub enum PeerRole {
        /// The NIC.
        Nic = 1, "nic";
        /// The adjacent switch.
        Switch = 2, "switch";
    }
}

codes! {
    /// Why a control frame was not obeyed; both ends count by it.
    pub enum Refusal {
        /// The frame ends before its message does.
        Truncated = 0, "truncated";
        /// Not our version.
        BadVersion = 1, "bad-version";
        /// No such message.
        BadKind = 2, "bad-kind";
        /// The length is not that of such a message.
        BadLength = 3, "bad-length";
        /// A field has a value that it cannot have.
        BadField = 4, "bad-field";
        /// Sent by somebody of the receiver's own role.
        WrongRole = 5, "wrong-role";
        /// Signed with a key that is not configured.
        UnknownKey = 6, "unknown-key";
        /// The tag is wrong: forged, damaged, or another key.
        BadTag = 7, "bad-tag";
        /// A HELLO of an unknown session that does not answer the receiver's challenge: a new peer, or a replay.
        Unproven = 8, "unproven";
        /// Of a session that is not the peer's current one.
        WrongSession = 9, "wrong-session";
        /// Meant for another session than the receiver's.
        WrongPeer = 10, "wrong-peer";
        /// This sequence number came before.
        Replayed = 11, "replayed";
        /// The sequence number is older than the window.
        TooOld = 12, "too-old";
        /// The receiver does not take this message from the other role.
        WrongDirection = 13, "wrong-direction";
        /// The peer marks frames in another way.
        MarkMismatch = 14, "mark-mismatch";
        /// An acknowledgement of nothing that is under way.
        UnknownTransaction = 15, "unknown-transaction";
        /// The key masks changed within a session.
        MaskChanged = 16, "mask-changed";
    }
}

impl Refusal {
    /// Number of reasons: the length of a table of counters.
    pub const COUNT: usize = Self::ALL.len();
}

/// The fields of every control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// The sender's address.
    pub source: MacAddr,
    /// The sender's role.
    pub role: PeerRole,
    /// The key that it is signed with.
    pub key_id: KeyId,
    /// Counts the sender's frames in its session, from 1.
    pub sequence: u32,
    /// The sender's session.
    pub session: u64,
    /// The receiver's session, as far as the sender knows it; 0 if it does not.
    pub peer: u64,
}

/// A control frame whose header was read and whose tag was not checked yet.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The header.
    pub header: Header,
    kind: PeerKind,
    signed: &'a [u8],
    body: &'a [u8],
    tag: &'a [u8; TAG_LEN],
}

impl<'a> Envelope<'a> {
    /// True if a frame is a control frame: untagged, to the nearest bridge, of our EtherType.
    #[must_use]
    pub fn is_one(frame: &[u8]) -> bool {
        let destination = frame.get(at::DESTINATION..at::SOURCE);
        destination == Some(MacAddr::NEAREST_BRIDGE.0.as_slice())
            && word::<2>(frame, at::ETHERTYPE) == Some(ETHERTYPE.to_be_bytes())
    }

    /// Reads the header of a frame for which [`is_one`](Self::is_one) is true.
    ///
    /// # Errors
    /// `Truncated`, `BadVersion`, `BadKind`, `BadLength`, `BadField` (role).
    pub fn parse(frame: &'a [u8]) -> Result<Self, Refusal> {
        let (header, _) = frame
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(Refusal::Truncated)?;
        let byte = |at: usize| header.get(at).copied().unwrap_or(0);
        if byte(at::VERSION) != VERSION {
            return Err(Refusal::BadVersion);
        }
        let kind = PeerKind::from_code(byte(at::KIND)).ok_or(Refusal::BadKind)?;
        let length = usize::from(u16::from_be_bytes(
            word(header, at::LENGTH).unwrap_or_default(),
        ));
        let end = at::VERSION.saturating_add(length);
        if !(HEADER_LEN + TAG_LEN..=MAX_LEN).contains(&end) {
            return Err(Refusal::BadLength);
        }
        let message = frame.get(..end).ok_or(Refusal::Truncated)?;
        let (signed, tag) = message
            .split_last_chunk::<TAG_LEN>()
            .ok_or(Refusal::BadLength)?;
        let body = signed.get(HEADER_LEN..).ok_or(Refusal::BadLength)?;
        Ok(Self {
            header: Header {
                source: MacAddr(word(header, at::SOURCE).unwrap_or_default()),
                role: PeerRole::from_code(byte(at::ROLE)).ok_or(Refusal::BadField)?,
                key_id: KeyId(byte(at::KEY_ID)),
                sequence: u32::from_be_bytes(word(header, at::SEQUENCE).unwrap_or_default()),
                session: u64::from_be_bytes(word(header, at::SESSION).unwrap_or_default()),
                peer: u64::from_be_bytes(word(header, at::PEER).unwrap_or_default()),
            },
            kind,
            signed,
            body,
            tag,
        })
    }

    /// What the message says it is.
    #[must_use]
    pub fn kind(&self) -> PeerKind {
        self.kind
    }

    /// Checks the tag, then reads the body.
    ///
    /// # Errors
    /// `BadTag`; with a right tag `BadLength` and `BadField`.
    pub fn open(&self, key: &Key) -> Result<Body<'a>, Refusal> {
        if !key.verify(self.signed, self.tag) {
            return Err(Refusal::BadTag);
        }
        Body::parse(self.kind, self.body)
    }
}

/// Writes a control frame and returns its length, zeros up to the shortest frame included. `None`, with
/// the buffer in no defined state, if it is too small or the frame would be longer than [`MAX_LEN`].
#[must_use]
pub fn build(buffer: &mut [u8], header: &Header, body: &Body<'_>, key: &Key) -> Option<usize> {
    let body_len = body.len();
    let end = HEADER_LEN.checked_add(body_len)?.checked_add(TAG_LEN)?;
    if end > MAX_LEN {
        return None;
    }
    let frame = end.max(MIN_FRAME);
    let out = buffer.get_mut(..frame)?;
    out.fill(0);
    put(out, at::DESTINATION, &MacAddr::NEAREST_BRIDGE.0)?;
    put(out, at::SOURCE, &header.source.0)?;
    put(out, at::ETHERTYPE, &ETHERTYPE.to_be_bytes())?;
    put(out, at::VERSION, &[VERSION, body.kind().code()])?;
    let length = u16::try_from(end.checked_sub(at::VERSION)?).ok()?;
    put(out, at::LENGTH, &length.to_be_bytes())?;
    put(out, at::ROLE, &[header.role.code(), header.key_id.0])?;
    put(out, at::SEQUENCE, &header.sequence.to_be_bytes())?;
    put(out, at::SESSION, &header.session.to_be_bytes())?;
    put(out, at::PEER, &header.peer.to_be_bytes())?;
    let message = out.get_mut(..end)?;
    let (signed, tag) = message.split_last_chunk_mut::<TAG_LEN>()?;
    body.write(signed.get_mut(HEADER_LEN..)?)?;
    *tag = key.tag(signed);
    Some(frame)
}

/// The bytes at an offset.
fn word<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Writes bytes at an offset.
fn put(out: &mut [u8], at: usize, bytes: &[u8]) -> Option<()> {
    let out = out.get_mut(at..)?.get_mut(..bytes.len())?;
    out.copy_from_slice(bytes);
    Some(())
}
