// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an acknowledgement promises: no frame is switched by an entry that its INVALIDATE named. Every entry that a
//! frame uses is one of the golden model's, or the scoreboard says so; here it is asked whether the golden model
//! still has one when the acknowledgement leaves.

use std::collections::BTreeMap;

use hairpin_abi::peer::{AckStatus, Body, Envelope, Keys, Mark, MarkField, PeerScope, Signature};
use hairpin_abi::{FlowKey, FlowRow, PortId, Teacher, VVlan, Vlan};
use hairpin_eswitch::Tables;

use crate::checker::MarkBits;
use crate::model::Cycle;
use crate::nic::Nic;

/// What an INVALIDATE is about.
#[derive(Clone, Debug)]
enum Named {
    All,
    VVlan(VVlan),
    Signatures(Vec<Signature>),
}

/// The INVALIDATEs that the switch has sent, until they are acknowledged.
#[derive(Debug)]
pub(crate) struct Promises {
    keys: Option<Keys>,
    open: BTreeMap<u32, Named>,
    kept: u64,
}

impl Promises {
    /// `keys` are those of the switch and the NIC.
    pub(crate) fn new(keys: Option<Keys>) -> Self {
        Self {
            keys,
            open: BTreeMap::new(),
            kept: 0,
        }
    }

    /// Acknowledgements that kept their promise.
    pub(crate) fn kept(&self) -> u64 {
        self.kept
    }

    fn body<'a>(&self, frame: &'a [u8]) -> Option<Body<'a>> {
        body(frame, &self.keys?)
    }

    /// The switch has sent a frame.
    pub(crate) fn sent(&mut self, frame: &[u8]) {
        let Some(Body::Invalidate(invalidate)) = self.body(frame) else {
            return;
        };
        let named = match invalidate.scope {
            PeerScope::All => Named::All,
            PeerScope::VVlan(vvlan) => Named::VVlan(vvlan),
            PeerScope::Signatures(list) => Named::Signatures(list.iter().collect()),
        };
        self.open.insert(invalidate.transaction, named);
    }

    /// The NIC has sent a frame. If it acknowledges an INVALIDATE, nothing of it may be left. Nobody has learned
    /// anything of it since: the switch does not mark it before it has this frame.
    pub(crate) fn ask(&mut self, frame: &[u8], cycle: Cycle, nic: &mut Nic) {
        let tables = &nic.scoreboard.golden().model().tables;
        let flows = tables.flows().map(|(key, entry)| (key, &entry.row));
        let mask = |vvlan| tables.vvlan(vvlan).map_or(0, |(_, row)| row.key_mask);
        if let Some(left) = self.left(frame, flows, mask) {
            let what = "learned entries behind an acknowledgement of their invalidation";
            nic.scoreboard.compare(cycle, what, 0, left as u64);
        }
    }

    /// The NIC has sent a frame. If it acknowledges something: that many learned entries are left of it.
    /// `mask` is the key mask of a V.VLAN.
    fn left<'a>(
        &mut self,
        frame: &[u8],
        flows: impl Iterator<Item = (&'a FlowKey, &'a FlowRow)>,
        mask: impl Fn(VVlan) -> u16,
    ) -> Option<usize> {
        let Some(Body::Ack(ack)) = self.body(frame) else {
            return None;
        };
        let named = self.open.remove(&ack.transaction)?;
        if ack.status != AckStatus::Done {
            return None;
        }
        let learned = flows.filter(|(_, row)| row.teacher == Teacher::Learned);
        let left = learned.filter(|(key, _)| match &named {
            Named::All => true,
            Named::VVlan(vvlan) => key.vvlan == Vlan::from(*vvlan),
            Named::Signatures(list) => list.iter().any(|signature| {
                let PortId::VPort(vport) = key.src else {
                    return false;
                };
                signature.key_of(vport, mask(signature.vvlan())) == **key
            }),
        });
        let left = left.count();
        self.kept += u64::from(left == 0);
        Some(left)
    }
}

/// What a frame of the protocol says, to somebody with its key.
pub(crate) fn body<'a>(frame: &'a [u8], keys: &Keys) -> Option<Body<'a>> {
    if !Envelope::is_one(frame) {
        return None;
    }
    let envelope = Envelope::parse(frame).ok()?;
    envelope.open(keys.find(envelope.header.key_id)?).ok()
}

/// A moment as the protocol counts it.
pub(crate) fn micros(cycle: Cycle, clock_hz: u64) -> u64 {
    let micros = u128::from(cycle) * 1_000_000 / u128::from(clock_hz);
    u64::try_from(micros).unwrap_or(u64::MAX)
}

/// What a mark is for the checker.
pub(crate) fn bits_of(mark: Mark) -> MarkBits {
    let (mask, set) = (u16::from(mark.mask()), u16::from(mark.set()));
    let tci = |outer: u32, inner: u32| MarkBits::Tci {
        mask: (
            mask.checked_shl(outer).unwrap_or(0),
            mask.checked_shl(inner).unwrap_or(0),
        ),
        value: (
            set.checked_shl(outer).unwrap_or(0),
            set.checked_shl(inner).unwrap_or(0),
        ),
    };
    const NOT: u32 = 16;
    match mark.field() {
        MarkField::OuterDei => tci(12, NOT),
        MarkField::OuterPcp => tci(13, NOT),
        MarkField::InnerPcp => tci(NOT, 13),
        MarkField::Dscp => MarkBits::Dscp {
            mask: mark.mask(),
            set: mark.set(),
            clear: mark.clear(),
        },
    }
}

#[cfg(test)]
mod tests {
    use hairpin_abi::peer::{Ack, Header, Invalidate, Items, Key, KeyId, PeerRole, build};
    use hairpin_abi::{FlowAction, IpFields, KeyField, MacAddr, VPort};

    use super::*;

    const KEYS: Keys = Keys::one(KeyId(1), Key::new([7; 16]));

    fn frame(role: PeerRole, body: &Body<'_>) -> Vec<u8> {
        let header = Header {
            source: MacAddr([2, 0, 0, 0, 0, 1]),
            role,
            key_id: KeyId(1),
            sequence: 1,
            session: 1,
            peer: 2,
        };
        let mut out = vec![0; 1518];
        let (_, key) = KEYS.sign();
        let len = build(&mut out, &header, body, key).unwrap();
        out.truncate(len);
        out
    }

    fn flow(vport: u8, ethertype: u16) -> FlowKey {
        FlowKey {
            src: PortId::VPort(VPort::new(vport).unwrap()),
            vvlan: Vlan::new(100).unwrap(),
            da: MacAddr([2, 0, 0, 0, 0, 2]),
            sa: MacAddr([2, 0, 0, 0, 0, 3]),
            ethertype,
            ip: IpFields::default(),
        }
    }

    /// The entries of a scope that are left when its acknowledgement leaves.
    fn left(
        scope: PeerScope<'_>,
        status: AckStatus,
        flows: &[(FlowKey, FlowRow)],
    ) -> Option<usize> {
        let mut promises = Promises::new(Some(KEYS));
        let invalidate = Body::Invalidate(Invalidate {
            transaction: 5,
            scope,
        });
        promises.sent(&frame(PeerRole::Switch, &invalidate));
        let ack = Body::Ack(Ack {
            transaction: 5,
            status,
            refused: 0,
        });
        let ack = frame(PeerRole::Nic, &ack);
        let flows = || flows.iter().map(|(key, row)| (key, row));
        let left = promises.left(&ack, flows(), |_| KeyField::MASK_ALL);
        assert_eq!(promises.left(&ack, flows(), |_| 0), None, "only once");
        left
    }

    #[test]
    fn an_entry_that_is_left_is_found() {
        let learned = FlowRow::new(FlowAction::Local, Teacher::Learned);
        let host = FlowRow::new(FlowAction::Drop, Teacher::Policy);
        let flows = [
            (flow(1, 7), learned),
            (flow(2, 8), learned),
            (flow(3, 7), host),
        ];
        let named = [Signature::new(&flow(0, 8), KeyField::MASK_ALL).unwrap()];
        let other = [Signature::new(&flow(0, 9), KeyField::MASK_ALL).unwrap()];
        let id = |id| VVlan::new(id).unwrap();
        let done = |scope| left(scope, AckStatus::Done, &flows);
        assert_eq!(done(PeerScope::All), Some(2));
        assert_eq!(done(PeerScope::VVlan(id(100))), Some(2));
        assert_eq!(done(PeerScope::VVlan(id(101))), Some(0));
        assert_eq!(done(PeerScope::Signatures(Items::new(&named))), Some(1));
        assert_eq!(done(PeerScope::Signatures(Items::new(&other))), Some(0));
        assert_eq!(left(PeerScope::All, AckStatus::Unsupported, &flows), None);
        assert_eq!(left(PeerScope::All, AckStatus::Done, &flows[2..]), Some(0));
    }
}
