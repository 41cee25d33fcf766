// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The switch's end of the learning protocol, for one port with a NIC behind it.
//!
//! ```text
//!             HELLO proves a new session              ACK of INVALIDATE all
//!  Unsynced ─────────────────────────────► Unsynced ───────────────────────► Synced: marks
//!     ▲                                   INVALIDATE all, again and again       │
//!     └──── the NIC has a new session, or its lease ended unheard ◄─────────────┘
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};

use hairpin_abi::peer::{
    Ack, AckStatus, AddressChange, AddressUpdate, Body, Capabilities, Hello, Invalidate, Items,
    KeyMask, Mark, PeerRole, PeerScope, Refusal, Signature,
};
use hairpin_abi::{MacAddr, VVlan, peer};
use hairpin_eswitch::peer::{
    Candidate, HELLO_US, HelloEvent, Keys, Link, REPLY_GAP_US, Received, Refused, Say,
};

/// Times and sizes of the protocol, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a NIC keeps what it has learned past its last answered HELLO.
    pub lease_ms: u32,
    /// What clocks and slowness may add to that.
    pub margin_us: u64,
    /// How long an acknowledgement may take before the lease is no longer renewed.
    pub patience_us: u64,
    /// Before a message is sent again the first time; doubles with each.
    pub resend_us: u64,
    /// The most that it doubles to.
    pub resend_max_us: u64,
    /// Signatures that are remembered by name.
    pub remember: usize,
    /// Signatures of a V.VLAN that are invalidated by name; more make it the V.VLAN.
    pub named: usize,
    /// V.VLANs that are invalidated one by one; more make it everything.
    pub vvlans: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease_ms: 3000,
            margin_us: 500_000,
            patience_us: 1_000_000,
            resend_us: 20_000,
            resend_max_us: 500_000,
            remember: 4096,
            named: 16,
            vvlans: 4,
        }
    }
}

impl Timing {
    fn lease_us(&self) -> u64 {
        u64::from(self.lease_ms) * 1000
    }
}

/// What is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    All,
    VVlan(VVlan),
    Signatures(Vec<Signature>),
    Addresses(Vec<AddressChange>),
}

#[derive(Clone, Debug)]
struct Transaction {
    what: What,
    begun_us: u64,
    resend_at: u64,
    interval_us: u64,
}

impl Transaction {
    fn invalidates(&self) -> bool {
        !matches!(self.what, What::Addresses(_))
    }

    fn covers(&self, signature: &Signature) -> bool {
        match &self.what {
            What::All => true,
            What::VVlan(vvlan) => *vvlan == signature.vvlan(),
            What::Signatures(list) => list.contains(signature),
            What::Addresses(_) => false,
        }
    }
}

/// What the NIC may hold of what was marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// What the switch remembers, in this session.
    Synced,
    /// Anything, of whatever session, until then; 0 once that has passed.
    Unsynced { gone_at: u64 },
}

/// Signatures that were marked in a V.VLAN.
#[derive(Debug, Default)]
struct Marked {
    signatures: HashSet<Signature>,
    /// Some were not written down.
    overflow: bool,
}

/// What was counted at a port with a NIC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NicCounters {
    /// Sessions of the NIC.
    pub sessions: u64,
    /// Times the NIC was given up: what it held was let run out.
    pub lapses: u64,
    /// INVALIDATEs begun.
    pub invalidations: u64,
    /// Messages sent again.
    pub resent: u64,
    /// Acknowledgements that ended something.
    pub acknowledged: u64,
    /// Changes of addresses that the NIC refused.
    pub addresses_refused: u64,
}

/// The switch's end for one port.
#[derive(Debug)]
pub struct NicPort {
    link: Link,
    timing: Timing,
    state: State,
    masks: HashMap<VVlan, u16>,
    announced: Vec<KeyMask>,
    capabilities: Capabilities,
    max_frame: usize,
    last_grant: Option<u64>,
    transactions: BTreeMap<u32, Transaction>,
    next_transaction: u32,
    addresses: Vec<AddressChange>,
    marked: HashMap<VVlan, Marked>,
    remembered: usize,
    next_hello: u64,
    next_reply: u64,
    counters: NicCounters,
}

/// Frames to send out of the port.
pub type Frames = Vec<Vec<u8>>;

impl NicPort {
    /// An end that has just started, and knows nothing of what the NIC holds.
    #[must_use]
    pub fn new(
        source: MacAddr,
        keys: Keys,
        mark: Mark,
        seed: [u8; 16],
        timing: Timing,
        now_us: u64,
    ) -> Self {
        Self {
            link: Link::new(PeerRole::Switch, source, keys, mark, seed),
            timing,
            state: State::Unsynced {
                gone_at: now_us + timing.lease_us() + timing.margin_us,
            },
            masks: HashMap::new(),
            announced: Vec::new(),
            capabilities: Capabilities::default(),
            max_frame: peer::MIN_READABLE,
            last_grant: None,
            transactions: BTreeMap::new(),
            next_transaction: 1,
            addresses: Vec::new(),
            marked: HashMap::new(),
            remembered: 0,
            next_hello: now_us,
            next_reply: 0,
            counters: NicCounters::default(),
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> NicCounters {
        self.counters
    }

    /// Session and refused frames.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// True if the NIC is known and holds nothing that the switch does not know of.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.state == State::Synced
    }

    /// Invalidations without an acknowledgement.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.invalidations().count()
    }

    /// Signatures that were marked and not invalidated since.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.remembered
    }

    /// The fields of the NIC's keys in a V.VLAN.
    #[must_use]
    pub fn key_mask(&self, vvlan: VVlan) -> Option<u16> {
        self.masks.get(&vvlan).copied()
    }

    fn invalidations(&self) -> impl Iterator<Item = (&u32, &Transaction)> {
        self.transactions
            .iter()
            .filter(|(_, transaction)| transaction.invalidates())
    }

    /// True if frames of a signature may be marked; then it is written down.
    pub fn mark(&mut self, signature: &Signature) -> bool {
        let suspended = |port: &Self| {
            let mut all = port.transactions.values();
            all.any(|transaction| transaction.covers(signature))
        };
        if !self.is_synced() || suspended(self) {
            return false;
        }
        let marked = self.marked.entry(signature.vvlan()).or_default();
        if marked.overflow || marked.signatures.contains(signature) {
            return true;
        }
        if self.remembered >= self.timing.remember {
            marked.overflow = true;
        } else {
            marked.signatures.insert(*signature);
            self.remembered += 1;
        }
        true
    }

    /// Invalidates what was marked and must not be any more: signatures that `stays` is false for, and V.VLANs
    /// of which not all is known. Only in one V.VLAN, if one is named. Returns what an edit has to wait for; see
    /// [`blocks`](Self::blocks).
    pub fn invalidate(
        &mut self,
        only: Option<VVlan>,
        stays: impl Fn(&Signature, u16) -> bool,
        now_us: u64,
        out: &mut Frames,
    ) -> u32 {
        let mut whole = Vec::new();
        let mut named = Vec::new();
        for (vvlan, marked) in &self.marked {
            if only.is_some_and(|only| only != *vvlan) {
                continue;
            }
            let mask = self.masks.get(vvlan).copied().unwrap_or(0);
            let gone = marked
                .signatures
                .iter()
                .filter(|signature| !stays(signature, mask));
            let gone: Vec<Signature> = gone.copied().collect();
            let by_name = self.capabilities.has(Capabilities::SIGNATURES);
            if marked.overflow || gone.len() > self.timing.named || !(by_name || gone.is_empty()) {
                whole.push(*vvlan);
            } else {
                named.extend(gone);
            }
        }
        // The order of a hash map is no order to send in.
        whole.sort_unstable();
        named.sort_unstable_by_key(|signature| signature.key().to_words().0);
        if whole.len() > self.timing.vvlans {
            self.forget_marked();
            self.begin(What::All, now_us, out);
        } else {
            for vvlan in whole {
                let marked = self.marked.remove(&vvlan).unwrap_or_default();
                self.remembered -= marked.signatures.len();
                self.begin(What::VVlan(vvlan), now_us, out);
            }
            for list in named.chunks(Invalidate::room(self.max_frame).max(1)) {
                for signature in list {
                    let marked = self.marked.get_mut(&signature.vvlan());
                    if marked.is_some_and(|marked| marked.signatures.remove(signature)) {
                        self.remembered -= 1;
                    }
                }
                self.begin(What::Signatures(list.to_vec()), now_us, out);
            }
        }
        self.next_transaction - 1
    }

    fn forget_marked(&mut self) {
        self.marked.clear();
        self.remembered = 0;
    }

    /// True while the NIC may still use what was invalidated up to a transaction.
    #[must_use]
    pub fn blocks(&self, up_to: u32, now_us: u64) -> bool {
        match self.state {
            State::Unsynced { gone_at } => now_us < gone_at,
            State::Synced => self.invalidations().any(|(id, _)| *id <= up_to),
        }
    }

    /// Tells the NIC where addresses are. Later changes of the same address come later.
    pub fn update_addresses(&mut self, changes: &[AddressChange], now_us: u64, out: &mut Frames) {
        self.addresses.extend(changes);
        self.next_addresses(now_us, out);
    }

    fn next_addresses(&mut self, now_us: u64, out: &mut Frames) {
        let busy = self
            .transactions
            .values()
            .any(|transaction| !transaction.invalidates());
        let able = self.is_synced() && self.capabilities.has(Capabilities::ADDRESSES);
        if busy || !able || self.addresses.is_empty() {
            return;
        }
        let count = AddressUpdate::room(self.max_frame).clamp(1, self.addresses.len());
        let changes = self.addresses.drain(..count).collect();
        self.begin(What::Addresses(changes), now_us, out);
    }

    fn begin(&mut self, what: What, now_us: u64, out: &mut Frames) {
        let id = self.next_transaction;
        self.next_transaction += 1;
        let transaction = Transaction {
            what,
            begun_us: now_us,
            resend_at: now_us + self.timing.resend_us,
            interval_us: self.timing.resend_us,
        };
        if transaction.invalidates() {
            self.counters.invalidations += 1;
        }
        self.send(id, &transaction.what, out);
        self.transactions.insert(id, transaction);
    }

    fn send(&mut self, transaction: u32, what: &What, out: &mut Frames) {
        let invalidate = |scope| Body::Invalidate(Invalidate { transaction, scope });
        let body = match what {
            What::All => invalidate(PeerScope::All),
            What::VVlan(vvlan) => invalidate(PeerScope::VVlan(*vvlan)),
            What::Signatures(list) => invalidate(PeerScope::Signatures(Items::new(list))),
            What::Addresses(list) => Body::Address(AddressUpdate {
                transaction,
                changes: Items::new(list),
            }),
        };
        let mut frame = vec![0; peer::MAX_LEN];
        if let Some(len) = self.link.seal(&body, &mut frame) {
            frame.truncate(len);
            out.push(frame);
        }
    }

    /// Obeys a control frame that came in by the port.
    pub fn receive(&mut self, frame: &[u8], now_us: u64, out: &mut Frames) {
        match self.link.receive(frame) {
            Ok(Received::Hello(hello, HelloEvent::Adopted)) => self.adopt(&hello, now_us, out),
            Ok(Received::Hello(hello, HelloEvent::Newest)) => {
                if hello.masks.iter().eq(self.announced.iter().copied()) {
                    self.hello(None, now_us, out);
                } else {
                    self.link.refuse(Refusal::MaskChanged);
                }
            }
            Ok(Received::Ack(ack)) => self.acknowledge(ack, now_us, out),
            Err(Refused::Unproven(candidate)) if now_us >= self.next_reply => {
                self.next_reply = now_us + REPLY_GAP_US;
                self.hello(Some(candidate), now_us, out);
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// The NIC has a new session: whatever the old one held, everything is invalidated.
    fn adopt(&mut self, hello: &Hello<'_>, now_us: u64, out: &mut Frames) {
        self.counters.sessions += 1;
        self.announced = hello.masks.iter().collect();
        let masks = self.announced.iter().map(|entry| (entry.vvlan, entry.mask));
        self.masks = masks.collect();
        self.capabilities = hello.capabilities;
        self.max_frame = usize::from(hello.max_frame).min(peer::MAX_LEN);
        self.desynchronise(self.entries_gone_at(now_us));
        self.hello(None, now_us, out);
        self.begin(What::All, now_us, out);
    }

    /// When the NIC has nothing left of what it may hold now, whatever becomes of it.
    fn entries_gone_at(&self, now_us: u64) -> u64 {
        let grant_ends = |at: u64| at + self.timing.lease_us() + self.timing.margin_us;
        match self.state {
            State::Unsynced { gone_at } => gone_at,
            State::Synced => self.last_grant.map_or(now_us, grant_ends),
        }
    }

    fn desynchronise(&mut self, gone_at: u64) {
        self.state = State::Unsynced { gone_at };
        let unfinished = std::mem::take(&mut self.transactions).into_values();
        let mut changes: Vec<AddressChange> = unfinished
            .filter_map(|transaction| match transaction.what {
                What::Addresses(changes) => Some(changes),
                _ => None,
            })
            .flatten()
            .collect();
        changes.append(&mut self.addresses);
        self.addresses = changes;
        self.forget_marked();
    }

    fn acknowledge(&mut self, ack: Ack, now_us: u64, out: &mut Frames) {
        let Some(transaction) = self.transactions.get_mut(&ack.transaction) else {
            self.link.refuse(Refusal::UnknownTransaction);
            return;
        };
        if ack.status == AckStatus::Unsupported {
            // The same number: who waits for it waits for the wider scope.
            if !transaction.invalidates() {
                self.transactions.remove(&ack.transaction);
                self.next_addresses(now_us, out);
            } else if transaction.what != What::All {
                transaction.what = What::All;
                self.forget_marked();
                self.send(ack.transaction, &What::All, out);
            }
            return;
        }
        let all = transaction.what == What::All;
        self.counters.acknowledged += 1;
        self.counters.addresses_refused += u64::from(ack.refused);
        self.transactions.remove(&ack.transaction);
        if all {
            // It was sent after every earlier one, and went at least as far.
            let done = ack.transaction;
            self.transactions
                .retain(|id, transaction| *id > done || !transaction.invalidates());
            self.state = State::Synced;
        }
        self.next_addresses(now_us, out);
    }

    fn hello(&mut self, to: Option<Candidate>, now_us: u64, out: &mut Frames) {
        let begun = self
            .invalidations()
            .map(|(_, transaction)| transaction.begun_us);
        let patient = begun
            .min()
            .is_none_or(|begun| now_us < begun + self.timing.patience_us);
        let grants = to.is_none() && self.link.peer_session().is_some() && patient;
        let say = Say {
            lease_ms: if grants { self.timing.lease_ms } else { 0 },
            capabilities: Capabilities::default(),
            max_frame: peer::MAX_LEN as u16,
            masks: &[],
        };
        let mut frame = vec![0; peer::MAX_LEN];
        if let Some((len, _)) = self.link.hello(&say, to, &mut frame) {
            frame.truncate(len);
            out.push(frame);
            if grants {
                self.last_grant = Some(now_us);
            }
        }
    }

    /// When [`poll`](Self::poll) has something to do.
    #[must_use]
    pub fn poll_at(&self) -> u64 {
        let resend = self
            .transactions
            .values()
            .map(|transaction| transaction.resend_at)
            .min();
        let hello = self
            .link
            .peer_session()
            .is_none()
            .then_some(self.next_hello);
        let gone = match self.state {
            State::Unsynced { gone_at } => Some(gone_at).filter(|at| *at != 0),
            State::Synced => None,
        };
        let times = [resend, hello, gone, self.given_up_at()];
        times.into_iter().flatten().min().unwrap_or(u64::MAX)
    }

    /// When the NIC is given up, unless it answers before.
    fn given_up_at(&self) -> Option<u64> {
        let begun = self
            .invalidations()
            .map(|(_, transaction)| transaction.begun_us)
            .min()?;
        let patience = begun + self.timing.patience_us;
        Some(patience.max(self.entries_gone_at(patience)))
    }

    /// Sends again what was not acknowledged, gives up a silent NIC, looks for a new one.
    pub fn poll(&mut self, now_us: u64, out: &mut Frames) {
        if matches!(self.state, State::Unsynced { gone_at } if gone_at <= now_us) {
            self.state = State::Unsynced { gone_at: 0 };
        }
        let spent = self.link.is_exhausted();
        if self.given_up_at().is_some_and(|at| now_us >= at) || spent {
            let gone_at = if spent {
                self.entries_gone_at(now_us)
            } else {
                now_us
            };
            self.counters.lapses += 1;
            self.desynchronise(gone_at);
            self.link.restart();
            self.next_hello = now_us;
        }
        let due: Vec<u32> = self
            .transactions
            .iter()
            .filter(|(_, transaction)| transaction.resend_at <= now_us)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(transaction) = self.transactions.get_mut(&id) else {
                continue;
            };
            transaction.interval_us = (transaction.interval_us * 2).min(self.timing.resend_max_us);
            transaction.resend_at = now_us + transaction.interval_us;
            let what = transaction.what.clone();
            self.counters.resent += 1;
            self.send(id, &what, out);
        }
        if self.link.peer_session().is_none() && self.next_hello <= now_us {
            self.next_hello = now_us + HELLO_US;
            self.hello(None, now_us, out);
        }
    }
}
