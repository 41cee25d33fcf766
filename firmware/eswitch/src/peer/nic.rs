// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The NIC's end: it obeys one switch, for as long as that one is heard.

use hairpin_abi::MacAddr;
use hairpin_abi::peer::{
    Ack, AckStatus, AddressChange, Body, Capabilities, Hello, KeyMask, Keys, Mark, PeerRole,
    PeerScope, Refusal,
};

use super::link::{Candidate, HelloEvent, Link, Received, Refused, Say};
use super::{HELLO_RETRY_US, HELLO_US, REPLY_GAP_US};

/// What the NIC's end does to the tables.
pub trait PeerTables {
    /// Whether marked frames teach. Off: learn events that wait are forgotten as well.
    fn set_learning(&mut self, on: bool);

    /// Removes learned entries, at least those of the scope, and what waits to be learned of it. Returns when
    /// no frame uses one of them any more, in flight or not; false if this scope cannot be done.
    fn forget(&mut self, scope: &PeerScope<'_>) -> bool;

    /// Changes a dynamic address, as far as the host's policy allows; false if it does not.
    fn address(&mut self, change: &AddressChange) -> bool;
}

/// HELLOs of which the NIC knows when it sent them.
const SENT: usize = 4;

/// The NIC's end of the learning protocol.
#[derive(Debug)]
pub struct NicPeer {
    link: Link,
    capabilities: Capabilities,
    max_frame: u16,
    max_lease_us: u64,
    /// Everything was invalidated in this session: marked frames may teach while the lease lasts.
    synchronised: bool,
    /// What the tables were told last.
    learning: bool,
    /// The switch answered the newest HELLO that was due.
    answered: bool,
    lease_end: Option<u64>,
    sent: [(u32, u64); SENT],
    next_hello: u64,
    next_reply: u64,
    last_address: Option<(u32, u16)>,
    /// The newest own HELLO of this session that the switch has answered.
    heard: u32,
    /// Every learned entry goes before anything else is done.
    flush: bool,
}

impl NicPeer {
    /// An end with a new session. It never keeps learned entries longer than `max_lease_us` after a HELLO.
    #[must_use]
    pub fn new(
        source: MacAddr,
        keys: Keys,
        mark: Mark,
        seed: [u8; 16],
        max_frame: u16,
        max_lease_us: u64,
    ) -> Self {
        Self {
            link: Link::new(PeerRole::Nic, source, keys, mark, seed),
            capabilities: Capabilities::SIGNATURES.and(Capabilities::ADDRESSES),
            max_frame,
            max_lease_us,
            synchronised: false,
            learning: false,
            answered: false,
            lease_end: None,
            sent: [(0, 0); SENT],
            next_hello: 0,
            next_reply: 0,
            last_address: None,
            heard: 0,
            flush: true,
        }
    }

    /// Begins a new session: after a change of the V.VLANs or their key masks, and when the lease has ended.
    pub fn restart(&mut self, tables: &mut impl PeerTables) {
        self.link.restart();
        self.sent = [(0, 0); SENT];
        self.heard = 0;
        self.next_hello = 0;
        self.desynchronise(tables);
    }

    /// Learning off, entries gone.
    fn desynchronise(&mut self, tables: &mut impl PeerTables) {
        (self.synchronised, self.lease_end, self.last_address) = (false, None, None);
        (self.learning, self.answered) = (false, false);
        tables.set_learning(false);
        // What a table cannot do now is tried again before the next frame.
        self.flush = !tables.forget(&PeerScope::All);
    }

    /// The counters of refused frames, and the session.
    #[must_use]
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// True while marked frames teach.
    #[must_use]
    pub fn is_learning(&self, now_us: u64) -> bool {
        self.synchronised && self.lease_end.is_some_and(|end| now_us < end)
    }

    /// Microseconds until learned entries must go; 0 without a lease.
    #[must_use]
    pub fn lease_left_us(&self, now_us: u64) -> u64 {
        self.lease_end.map_or(0, |end| end.saturating_sub(now_us))
    }

    /// Number of the newest own HELLO of this session that the switch has answered. The answer came behind everything
    /// that the switch had sent before.
    #[must_use]
    pub const fn heard(&self) -> u32 {
        self.heard
    }

    /// Writes a HELLO to the switch now: its length and its number, for [`heard`](Self::heard). `None` unless marked
    /// frames teach.
    pub fn probe(
        &mut self,
        now_us: u64,
        masks: &[KeyMask],
        out: &mut [u8],
    ) -> Option<(usize, u32)> {
        if !self.is_learning(now_us) {
            return None;
        }
        let len = self.hello(now_us, masks, None, out)?;
        let (sequence, _) = *self.sent.first()?;
        Some((len, sequence))
    }

    /// When [`poll`](Self::poll) has something to do.
    #[must_use]
    pub fn poll_at(&self) -> u64 {
        self.lease_end
            .map_or(self.next_hello, |end| end.min(self.next_hello))
    }

    /// Ends the lease when it is time, and says HELLO when it is time: the length of a frame to send.
    pub fn poll(
        &mut self,
        now_us: u64,
        masks: &[KeyMask],
        tables: &mut impl PeerTables,
        out: &mut [u8],
    ) -> Option<usize> {
        self.check_lease(now_us, tables);
        if now_us < self.next_hello {
            return None;
        }
        let interval = if self.answered {
            HELLO_US
        } else {
            HELLO_RETRY_US
        };
        self.next_hello = now_us.saturating_add(interval);
        self.answered = false;
        self.hello(now_us, masks, None, out)
    }

    /// A lease that has ended ends the session, before anything can renew it.
    fn check_lease(&mut self, now_us: u64, tables: &mut impl PeerTables) {
        let lapsed = self.lease_end.is_some_and(|end| now_us >= end);
        if lapsed || self.link.is_exhausted() {
            self.restart(tables);
        } else if self.flush {
            self.desynchronise(tables);
        }
    }

    /// Tells the tables whether marked frames teach, if that has changed.
    fn tell_learning(&mut self, now_us: u64, tables: &mut impl PeerTables) {
        let learning = self.is_learning(now_us);
        if learning != self.learning {
            self.learning = learning;
            tables.set_learning(learning);
        }
    }

    fn hello(
        &mut self,
        now_us: u64,
        masks: &[KeyMask],
        to: Option<Candidate>,
        out: &mut [u8],
    ) -> Option<usize> {
        let say = Say {
            lease_ms: 0,
            capabilities: self.capabilities,
            max_frame: self.max_frame,
            masks,
        };
        let (len, sequence) = self.link.hello(&say, to, out)?;
        self.sent.rotate_right(1);
        if let Some(newest) = self.sent.first_mut() {
            *newest = (sequence, now_us);
        }
        Some(len)
    }

    /// Obeys a control frame: the length of a frame to send back.
    pub fn receive(
        &mut self,
        frame: &[u8],
        now_us: u64,
        masks: &[KeyMask],
        tables: &mut impl PeerTables,
        out: &mut [u8],
    ) -> Option<usize> {
        self.check_lease(now_us, tables);
        let received = match self.link.receive(frame) {
            Ok(received) => received,
            Err(Refused::Unproven(candidate)) if now_us >= self.next_reply => {
                self.next_reply = now_us.saturating_add(REPLY_GAP_US);
                return self.hello(now_us, masks, Some(candidate), out);
            }
            Err(_) => return None,
        };
        let ack = match received {
            Received::Hello(hello, HelloEvent::Adopted) => {
                self.desynchronise(tables);
                self.renew(&hello);
                self.tell_learning(now_us, tables);
                self.next_hello = now_us.saturating_add(HELLO_RETRY_US);
                return self.hello(now_us, masks, None, out);
            }
            Received::Hello(hello, HelloEvent::Newest) => {
                self.renew(&hello);
                self.tell_learning(now_us, tables);
                return None;
            }
            Received::Invalidate(invalidate) => {
                let done = tables.forget(&invalidate.scope);
                if done && invalidate.scope == PeerScope::All {
                    self.flush = false;
                    self.synchronised = true;
                    self.tell_learning(now_us, tables);
                }
                Ack {
                    transaction: invalidate.transaction,
                    status: if done {
                        AckStatus::Done
                    } else {
                        AckStatus::Unsupported
                    },
                    refused: 0,
                }
            }
            Received::Address(update) => {
                let refused = match self.last_address {
                    // It was done; its acknowledgement was lost.
                    Some((last, refused)) if last == update.transaction => refused,
                    Some((last, _)) if last > update.transaction => {
                        self.link.refuse(Refusal::UnknownTransaction);
                        return None;
                    }
                    _ => {
                        let changes = update.changes.iter();
                        let refused = changes.filter(|change| !tables.address(change)).count();
                        refused.try_into().unwrap_or(u16::MAX)
                    }
                };
                self.last_address = Some((update.transaction, refused));
                Ack {
                    transaction: update.transaction,
                    status: AckStatus::Done,
                    refused,
                }
            }
            Received::Hello(..) | Received::Ack(_) => return None,
        };
        self.link.seal(&Body::Ack(ack), out)
    }

    /// Learned entries may live on, counted from when the HELLO was sent that the switch has heard.
    fn renew(&mut self, hello: &Hello<'_>) {
        self.heard = self.heard.max(hello.heard);
        self.answered |= self
            .sent
            .first()
            .is_some_and(|(sequence, _)| *sequence == hello.heard);
        let sent = self
            .sent
            .iter()
            .find(|(sequence, _)| *sequence == hello.heard);
        let Some((_, sent_us)) = sent.filter(|(sequence, _)| *sequence != 0) else {
            return;
        };
        if hello.lease_ms == 0 {
            return;
        }
        let lease_us = u64::from(hello.lease_ms)
            .saturating_mul(1000)
            .min(self.max_lease_us);
        let end = sent_us.saturating_add(lease_us);
        self.lease_end = Some(self.lease_end.map_or(end, |old| old.max(end)));
    }
}
