// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A NIC as far as the protocol sees it: the firmware's end, and a table that the tests can look into.

use std::collections::HashMap;

use hairpin_abi::peer::{AddressChange, Envelope, KeyMask, MAX_LEN, Mark, PeerScope};
use hairpin_abi::{FlowKey, KeyField, MacAddr, PortId, UPLINK_TAGS, VPort, Vlan};
use hairpin_eswitch::frame::{Canonical, word};
use hairpin_eswitch::peer::{Keys, NicPeer, PeerTables};
use hairpin_eswitch::{FrameKey, mark};

use super::{LOCAL, TPID, mac};

/// What the NIC has learned: the key, and the frame that taught it, mark taken off.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) learned: HashMap<FlowKey, Vec<u8>>,
    pub(crate) learning: bool,
    pub(crate) masks: Vec<KeyMask>,
    pub(crate) addresses: Vec<AddressChange>,
    /// Takes no named signatures.
    pub(crate) coarse: bool,
}

impl Table {
    fn mask(&self, vvlan: Vlan) -> Option<u16> {
        let entry = self
            .masks
            .iter()
            .find(|entry| Vlan::from(entry.vvlan) == vvlan);
        entry.map(|entry| entry.mask)
    }

    /// The key of a frame for a vPort, if it has one.
    pub(crate) fn key(&self, frame: &[u8], vport: VPort) -> Option<FlowKey> {
        let vvlan = Vlan::from_tci(word(frame, 18));
        let canonical = Canonical::new(frame, UPLINK_TAGS)?;
        let key = FrameKey::extract(vport.into(), vvlan, &canonical, TPID);
        let mask = self.mask(vvlan)?;
        (!key.unkeyable).then(|| key.fields.masked(mask))
    }
}

impl PeerTables for Table {
    fn set_learning(&mut self, on: bool) {
        self.learning = on;
    }

    fn forget(&mut self, scope: &PeerScope<'_>) -> bool {
        match scope {
            PeerScope::All => self.learned.clear(),
            PeerScope::VVlan(vvlan) => self.learned.retain(|key, _| key.vvlan != (*vvlan).into()),
            PeerScope::Signatures(_) if self.coarse => return false,
            PeerScope::Signatures(list) => {
                for signature in list.iter() {
                    let mask = self.mask(signature.vvlan().into()).unwrap_or(0);
                    for vport in VPort::all() {
                        self.learned.remove(&signature.key_of(vport, mask));
                    }
                }
            }
        }
        true
    }

    fn address(&mut self, change: &AddressChange) -> bool {
        self.addresses.push(*change);
        true
    }
}

pub(crate) struct Nic {
    pub(crate) peer: NicPeer,
    pub(crate) table: Table,
    pub(crate) mark: Mark,
}

impl Nic {
    pub(crate) fn new(keys: Keys, mark: Mark, seed: u64, masks: Vec<KeyMask>) -> Self {
        let mut bytes = [0x11; 16];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            peer: NicPeer::new(
                MacAddr([2, 0, 0, 0, 0, 1]),
                keys,
                mark,
                bytes,
                128,
                3_000_000,
            ),
            table: Table {
                learned: HashMap::new(),
                learning: false,
                masks,
                addresses: Vec::new(),
                coarse: false,
            },
            mark,
        }
    }

    pub(crate) fn poll(&mut self, now: u64) -> Option<Vec<u8>> {
        let mut out = vec![0; MAX_LEN];
        let masks = self.table.masks.clone();
        let len = self.peer.poll(now, &masks, &mut self.table, &mut out)?;
        out.truncate(len);
        Some(out)
    }

    /// A frame from the wire: what goes back out.
    pub(crate) fn receive(&mut self, frame: &[u8], now: u64) -> Option<Vec<u8>> {
        if Envelope::is_one(frame) {
            // The core sees that much of a frame.
            let seen = &frame[..frame.len().min(128)];
            let mut out = vec![0; MAX_LEN];
            let masks = self.table.masks.clone();
            let len = self
                .peer
                .receive(seen, now, &masks, &mut self.table, &mut out)?;
            out.truncate(len);
            return Some(out);
        }
        let marked = mark::is_marked(frame, self.mark, TPID);
        let vport = |mac: MacAddr| local(mac);
        let canonical = Canonical::new(frame, UPLINK_TAGS)?;
        let both = (vport(canonical.source()), vport(canonical.destination()));
        if let (true, true, (Some(from), Some(_))) = (marked, self.table.learning, both)
            && let Some(key) = self.table.key(frame, from)
        {
            let mut plain = frame.to_vec();
            mark::put(&mut plain, self.mark, TPID, false);
            self.table.learned.insert(key, plain);
        }
        None
    }

    /// True if a frame of a machine would stay inside.
    pub(crate) fn keeps(&self, frame: &[u8]) -> bool {
        let canonical = Canonical::new(frame, UPLINK_TAGS).expect("a whole frame");
        let from = local(canonical.source()).expect("a machine of this NIC");
        let key = self.table.key(frame, from);
        key.is_some_and(|key| self.table.learned.contains_key(&key))
    }
}

/// The vPort of a machine.
pub(crate) fn local(address: MacAddr) -> Option<VPort> {
    let number = (0..LOCAL).find(|n| mac(*n) == address)?;
    VPort::new(number)
}

pub(crate) fn masks(mask: u16) -> Vec<KeyMask> {
    let ids = [100, 200].map(super::vvlan);
    ids.map(|vvlan| KeyMask { vvlan, mask }).to_vec()
}

/// Every field of a key.
pub(crate) const ALL: u16 = KeyField::MASK_ALL;

/// Any port: keys without the source port have this one.
pub(crate) const ANY: PortId = PortId::ZERO;
