// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Sessions, freshness and authentication, the same at both ends.

use hairpin_abi::MacAddr;
use hairpin_abi::peer::{
    Ack, AddressUpdate, Arrival, Body, Capabilities, Envelope, Header, Hello, Invalidate, Items,
    KeyMask, Keys, Mark, PeerRole, Refusal, Window, build,
};

/// The other end, once it has proved that it is alive.
#[derive(Clone, Copy, Debug)]
struct Peer {
    session: u64,
    window: Window,
    /// What it wants answered.
    challenge: u64,
    /// Its newest HELLO.
    heard: u32,
}

/// A sender of a well signed HELLO that proved nothing yet. It gets one answer, and no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    session: u64,
    challenge: u64,
    sequence: u32,
}

/// Why a frame was not obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It deserves no answer.
    For(Refusal),
    /// [`Refusal::Unproven`]: a HELLO to this one lets it prove itself.
    Unproven(Candidate),
}

/// What a HELLO did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelloEvent {
    /// The other end has a new session. What was agreed in an old one is void.
    Adopted,
    /// The session goes on, and this is its newest HELLO.
    Newest,
    /// The session goes on; this HELLO was overtaken by a newer one.
    Late,
}

/// A frame that counts.
#[derive(Clone, Copy, Debug)]
pub enum Received<'a> {
    /// HELLO, and what it did.
    Hello(Hello<'a>, HelloEvent),
    /// INVALIDATE.
    Invalidate(Invalidate<'a>),
    /// ACK.
    Ack(Ack),
    /// Address update.
    Address(AddressUpdate<'a>),
}

/// What an end says about itself in HELLO.
#[derive(Clone, Copy, Debug)]
pub struct Say<'a> {
    /// See [`Hello::lease_ms`].
    pub lease_ms: u32,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The longest control frame that it reads.
    pub max_frame: u16,
    /// See [`Hello::masks`].
    pub masks: &'a [KeyMask],
}

/// One end of the protocol.
#[derive(Debug)]
pub struct Link {
    role: PeerRole,
    source: MacAddr,
    keys: Keys,
    mark: Mark,
    seed: [u8; 16],
    nonces: u64,
    session: u64,
    challenge: u64,
    sequence: u32,
    peer: Option<Peer>,
    refused: [u32; Refusal::COUNT],
}

impl Link {
    /// An end with a new session. `seed` must not come again with the same keys: random bytes, or a number
    /// of the start beside them.
    #[must_use]
    pub fn new(role: PeerRole, source: MacAddr, keys: Keys, mark: Mark, seed: [u8; 16]) -> Self {
        let mut link = Self {
            role,
            source,
            keys,
            mark,
            seed,
            nonces: 0,
            session: 0,
            challenge: 0,
            sequence: 0,
            peer: None,
            refused: [0; Refusal::COUNT],
        };
        link.restart();
        link
    }

    /// Begins a new session: the other end is unknown, and all that it still sends is void.
    pub fn restart(&mut self) {
        self.session = self.nonce();
        self.challenge = self.nonce();
        self.sequence = 0;
        self.peer = None;
    }

    /// A number that did not come before, is not 0 and that nobody guesses.
    fn nonce(&mut self) -> u64 {
        self.nonces = self.nonces.wrapping_add(1);
        let mut unique = [0; 25];
        let (seed, rest) = unique.split_at_mut(16);
        seed.copy_from_slice(&self.seed);
        if let Some((count, role)) = rest.split_first_chunk_mut::<8>() {
            *count = self.nonces.to_le_bytes();
            role.fill(self.role.code());
        }
        self.keys.sign().1.nonce(&unique).max(1)
    }

    /// The own session.
    #[must_use]
    pub const fn session(&self) -> u64 {
        self.session
    }

    /// The session of the other end, once it is known.
    #[must_use]
    pub fn peer_session(&self) -> Option<u64> {
        self.peer.map(|peer| peer.session)
    }

    /// True when the session has no sequence numbers left and must end.
    #[must_use]
    pub const fn is_exhausted(&self) -> bool {
        self.sequence == u32::MAX
    }

    /// Frames refused for a reason.
    #[must_use]
    pub fn refused(&self, why: Refusal) -> u32 {
        let count = self.refused.get(usize::from(why.code()));
        count.copied().unwrap_or(0)
    }

    /// Counts a frame that the owner of the link refuses.
    pub fn refuse(&mut self, why: Refusal) {
        if let Some(count) = self.refused.get_mut(usize::from(why.code())) {
            *count = count.saturating_add(1);
        }
    }

    /// Reads a control frame. Whatever is refused is counted, and changes nothing else.
    ///
    /// # Errors
    /// Why it is not obeyed.
    pub fn receive<'a>(&mut self, frame: &'a [u8]) -> Result<Received<'a>, Refused> {
        let result = self.check(frame);
        match result {
            Err(Refused::For(why)) => self.refuse(why),
            Err(Refused::Unproven(_)) => self.refuse(Refusal::Unproven),
            Ok(_) => {}
        }
        result
    }

    fn check<'a>(&mut self, frame: &'a [u8]) -> Result<Received<'a>, Refused> {
        let envelope = Envelope::parse(frame).map_err(Refused::For)?;
        let header = envelope.header;
        if header.role == self.role {
            return Err(Refused::For(Refusal::WrongRole));
        }
        let key = self.keys.find(header.key_id);
        let key = key.ok_or(Refused::For(Refusal::UnknownKey))?;
        let body = envelope.open(key).map_err(Refused::For)?;
        match (body, self.role) {
            (Body::Hello(hello), _) => {
                let event = self.hello_received(&header, &hello)?;
                Ok(Received::Hello(hello, event))
            }
            (Body::Invalidate(invalidate), PeerRole::Nic) => self
                .in_session(&header)
                .map(|_| Received::Invalidate(invalidate)),
            (Body::Address(update), PeerRole::Nic) => {
                self.in_session(&header).map(|_| Received::Address(update))
            }
            (Body::Ack(ack), PeerRole::Switch) => {
                self.in_session(&header).map(|_| Received::Ack(ack))
            }
            _ => Err(Refused::For(Refusal::WrongDirection)),
        }
    }

    /// True sessions, and a sequence number that did not come before.
    fn in_session(&mut self, header: &Header) -> Result<Arrival, Refused> {
        let session = self.session;
        let peer = self.peer.as_mut();
        let peer = peer.filter(|peer| peer.session == header.session);
        let peer = peer.ok_or(Refused::For(Refusal::WrongSession))?;
        if header.peer != session {
            return Err(Refused::For(Refusal::WrongPeer));
        }
        match peer.window.note(header.sequence) {
            Arrival::Replayed => Err(Refused::For(Refusal::Replayed)),
            Arrival::TooOld => Err(Refused::For(Refusal::TooOld)),
            fresh => Ok(fresh),
        }
    }

    fn hello_received(
        &mut self,
        header: &Header,
        hello: &Hello<'_>,
    ) -> Result<HelloEvent, Refused> {
        if hello.mark != self.mark {
            return Err(Refused::For(Refusal::MarkMismatch));
        }
        if self.peer_session() == Some(header.session) {
            let arrival = self.in_session(header)?;
            let peer = self.peer.as_mut();
            let newest =
                peer.filter(|peer| arrival == Arrival::Newest && header.sequence > peer.heard);
            return Ok(match newest {
                Some(peer) => {
                    (peer.challenge, peer.heard) = (hello.challenge, header.sequence);
                    HelloEvent::Newest
                }
                None => HelloEvent::Late,
            });
        }
        if header.peer != self.session || hello.answer != self.challenge {
            return Err(Refused::Unproven(Candidate {
                session: header.session,
                challenge: hello.challenge,
                sequence: header.sequence,
            }));
        }
        self.peer = Some(Peer {
            session: header.session,
            window: Window::starting_at(header.sequence),
            challenge: hello.challenge,
            heard: header.sequence,
        });
        self.challenge = self.nonce();
        Ok(HelloEvent::Adopted)
    }

    /// Writes a HELLO, to a candidate or to the known other end. Returns its length and its sequence number.
    pub fn hello(
        &mut self,
        say: &Say<'_>,
        to: Option<Candidate>,
        out: &mut [u8],
    ) -> Option<(usize, u32)> {
        let known = self.peer.map(|peer| Candidate {
            session: peer.session,
            challenge: peer.challenge,
            sequence: peer.heard,
        });
        let to = to.or(known);
        let body = Body::Hello(Hello {
            challenge: self.challenge,
            answer: to.map_or(0, |to| to.challenge),
            heard: to.map_or(0, |to| to.sequence),
            lease_ms: say.lease_ms,
            mark: self.mark,
            capabilities: say.capabilities,
            max_frame: say.max_frame,
            masks: Items::new(say.masks),
        });
        let len = self.write(&body, to.map_or(0, |to| to.session), out)?;
        Some((len, self.sequence))
    }

    /// Writes any other message to the known other end. `None` if there is none.
    pub fn seal(&mut self, body: &Body<'_>, out: &mut [u8]) -> Option<usize> {
        let peer = self.peer?.session;
        self.write(body, peer, out)
    }

    fn write(&mut self, body: &Body<'_>, peer: u64, out: &mut [u8]) -> Option<usize> {
        self.sequence = self.sequence.checked_add(1)?;
        let (key_id, key) = *self.keys.sign();
        let header = Header {
            source: self.source,
            role: self.role,
            key_id,
            sequence: self.sequence,
            session: self.session,
            peer,
        };
        build(out, &header, body, &key)
    }
}
