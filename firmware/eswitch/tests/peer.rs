// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The two ends of the learning protocol: handshake, replays, lease; and the mark in frames.

mod common;

use common::*;
use hairpin_abi::peer::*;
use hairpin_abi::{MacAddr, VVlan};
use hairpin_eswitch::mark;
use hairpin_eswitch::peer::*;
use proptest::prelude::*;

const KEY: Key = Key::new([7; 16]);
const NIC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const SWITCH: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

/// What the NIC's end did.
#[derive(Debug, Default)]
struct Log {
    learning: bool,
    forgotten: Vec<&'static str>,
    addresses: usize,
}

impl PeerTables for Log {
    fn set_learning(&mut self, on: bool) {
        self.learning = on;
    }

    fn forget(&mut self, scope: &PeerScope<'_>) -> bool {
        self.forgotten.push(match scope {
            PeerScope::All => "all",
            PeerScope::VVlan(_) => "vvlan",
            PeerScope::Signatures(_) => "signatures",
        });
        true
    }

    fn address(&mut self, change: &AddressChange) -> bool {
        self.addresses += 1;
        change.place != AddressPlace::Vswitch
    }
}

/// A NIC and one end of a switch, without the switch.
struct Pair {
    nic: NicPeer,
    tables: Log,
    switch: Link,
    masks: Vec<KeyMask>,
    now: u64,
}

fn switch(seed: u8) -> Link {
    Link::new(
        PeerRole::Switch,
        SWITCH,
        Keys::one(KeyId(1), KEY),
        Mark::DEFAULT,
        [seed; 16],
    )
}

impl Pair {
    fn new() -> Self {
        let keys = Keys::one(KeyId(1), KEY);
        let vvlan = VVlan::new(100).unwrap();
        Self {
            nic: NicPeer::new(NIC, keys, Mark::DEFAULT, [1; 16], 128, 3_000_000),
            tables: Log::default(),
            switch: switch(2),
            masks: vec![KeyMask { vvlan, mask: 0x1ff }],
            now: 0,
        }
    }

    fn poll(&mut self) -> Option<Vec<u8>> {
        let mut out = [0; MAX_LEN];
        let len = self
            .nic
            .poll(self.now, &self.masks, &mut self.tables, &mut out)?;
        Some(out[..len].to_vec())
    }

    fn nic_gets(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let mut out = [0; MAX_LEN];
        let answer = self
            .nic
            .receive(frame, self.now, &self.masks, &mut self.tables, &mut out);
        answer.map(|len| out[..len].to_vec())
    }

    fn hello(&mut self, lease_ms: u32, to: Option<Candidate>) -> Vec<u8> {
        let mut out = [0; MAX_LEN];
        let say = Say {
            lease_ms,
            capabilities: Capabilities::default(),
            max_frame: 1518,
            masks: &[],
        };
        let (len, _) = self.switch.hello(&say, to, &mut out).unwrap();
        out[..len].to_vec()
    }

    fn seal(&mut self, body: &Body<'_>) -> Vec<u8> {
        let mut out = [0; MAX_LEN];
        let len = self.switch.seal(body, &mut out).unwrap();
        out[..len].to_vec()
    }

    /// The handshake; returns every frame of it, those to the NIC first.
    fn meet(&mut self) -> [Vec<Vec<u8>>; 2] {
        let first = self.poll().expect("a HELLO is due");
        let Err(Refused::Unproven(candidate)) = self.switch.receive(&first) else {
            panic!("a new NIC is a candidate");
        };
        let reply = self.hello(0, Some(candidate));
        let second = self.nic_gets(&reply).expect("the answer proves the NIC");
        assert!(matches!(
            self.switch.receive(&second),
            Ok(Received::Hello(_, HelloEvent::Adopted))
        ));
        let lease = self.hello(3000, None);
        assert_eq!(self.nic_gets(&lease), None);
        let all = self.invalidate(1, PeerScope::All);
        let ack = self.nic_gets(&all).expect("an acknowledgement");
        assert!(
            matches!(self.switch.receive(&ack), Ok(Received::Ack(ack)) if ack.transaction == 1)
        );
        [vec![reply, lease, all], vec![first, second, ack]]
    }

    fn invalidate(&mut self, transaction: u32, scope: PeerScope<'_>) -> Vec<u8> {
        self.seal(&Body::Invalidate(Invalidate { transaction, scope }))
    }
}

#[test]
fn learning_begins_after_everything_was_invalidated_in_the_new_session() {
    let mut pair = Pair::new();
    assert!(!pair.tables.learning);
    pair.meet();
    assert!(pair.tables.learning && pair.nic.is_learning(pair.now));
    assert_eq!(pair.switch.peer_session(), Some(pair.nic.link().session()));
    assert_eq!(pair.nic.link().peer_session(), Some(pair.switch.session()));
}

#[test]
fn replays_change_nothing_and_are_counted() {
    let mut pair = Pair::new();
    let [to_nic, to_switch] = pair.meet();
    let done = pair.tables.forgotten.len();
    for frame in &to_nic {
        assert_eq!(pair.nic_gets(frame), None);
    }
    for frame in &to_switch {
        assert!(pair.switch.receive(frame).is_err());
    }
    // Each end's own frames, sent back to it.
    for frame in &to_switch {
        assert_eq!(pair.nic_gets(frame), None);
    }
    assert_eq!(pair.tables.forgotten.len(), done);
    assert_eq!(pair.nic.link().refused(Refusal::WrongRole), 3);
    assert_eq!(pair.nic.link().refused(Refusal::Replayed), 3);
    // The first HELLO was for no session, the others came before.
    assert_eq!(pair.switch.refused(Refusal::WrongPeer), 1);
    assert_eq!(pair.switch.refused(Refusal::Replayed), 2);
    assert!(pair.tables.learning);
}

#[test]
fn frames_of_an_old_session_do_not_bring_it_back() {
    let mut pair = Pair::new();
    let [mut to_nic, to_switch] = pair.meet();
    pair.switch = switch(3);
    pair.now += 10 * REPLY_GAP_US;
    let hello = pair.hello(0, None);
    let reply = pair
        .nic_gets(&hello)
        .expect("the NIC challenges the new switch");
    assert!(
        pair.tables.learning,
        "a HELLO that proves nothing changes nothing"
    );
    // The NIC answers the challenge of this session's switch, so the switch adopts it at once.
    assert!(matches!(
        pair.switch.receive(&reply),
        Ok(Received::Hello(_, HelloEvent::Adopted))
    ));
    let proof = pair.hello(3000, None);
    assert!(pair.nic_gets(&proof).is_some() && !pair.tables.learning);
    let all = pair.invalidate(1, PeerScope::All);
    assert!(pair.nic_gets(&all).is_some() && pair.tables.learning);
    to_nic.extend([hello, proof, all]);
    let (session, forgotten) = (pair.nic.link().session(), pair.tables.forgotten.len());
    for frame in &to_nic {
        pair.now += 2 * REPLY_GAP_US;
        if let Some(answer) = pair.nic_gets(frame) {
            let envelope = Envelope::parse(&answer).unwrap();
            assert_eq!(envelope.kind(), PeerKind::Hello, "at most a challenge");
        }
        assert!(pair.tables.learning);
    }
    for frame in &to_switch {
        assert!(pair.switch.receive(frame).is_err());
    }
    assert_eq!(pair.nic.link().session(), session);
    assert_eq!(pair.nic.link().peer_session(), Some(pair.switch.session()));
    assert_eq!(pair.tables.forgotten.len(), forgotten);
}

#[test]
fn a_lease_ends_when_it_is_not_renewed_however_late_a_renewal_comes() {
    let mut pair = Pair::new();
    pair.meet();
    pair.now = 1_000_000;
    let hello = pair.poll().expect("a HELLO is due");
    assert!(pair.switch.receive(&hello).is_ok());
    let held_back = pair.hello(3000, None);
    pair.now = 2_999_999;
    pair.poll();
    assert!(pair.tables.learning);
    // Somebody held the renewal back: it counts from when the NIC had asked, not from when it comes.
    assert_eq!(pair.nic_gets(&held_back), None);
    pair.now = 3_999_999;
    pair.poll();
    assert!(pair.tables.learning);
    pair.now = 4_000_000;
    let session = pair.nic.link().session();
    let hello = pair.hello(3000, None);
    let forgotten = pair.tables.forgotten.len();
    pair.nic_gets(&hello);
    assert!(!pair.tables.learning && pair.tables.forgotten.len() > forgotten);
    assert_ne!(
        pair.nic.link().session(),
        session,
        "the old session cannot go on"
    );
    assert_eq!(pair.nic.link().refused(Refusal::Unproven), 1);
}

#[test]
fn a_hello_without_a_grant_renews_nothing() {
    let mut pair = Pair::new();
    pair.meet();
    for step in 1..=3 {
        pair.now = step * 999_999;
        if let Some(hello) = pair.poll() {
            assert!(pair.switch.receive(&hello).is_ok());
            let answer = pair.hello(0, None);
            pair.nic_gets(&answer);
        }
    }
    assert!(pair.tables.learning);
    pair.now = 3_000_000;
    pair.poll();
    assert!(!pair.tables.learning);
}

#[test]
fn each_end_takes_only_what_the_other_may_send() {
    let mut pair = Pair::new();
    pair.meet();
    let ack = Body::Ack(Ack {
        transaction: 1,
        status: AckStatus::Done,
        refused: 0,
    });
    let wrong = pair.seal(&ack);
    assert_eq!(pair.nic_gets(&wrong), None);
    assert_eq!(pair.nic.link().refused(Refusal::WrongDirection), 1);
    let other = Link::new(
        PeerRole::Switch,
        SWITCH,
        Keys::one(KeyId(9), KEY),
        Mark::DEFAULT,
        [2; 16],
    );
    let mut twin = std::mem::replace(&mut pair.switch, other);
    let hello = pair.hello(0, None);
    assert_eq!(pair.nic_gets(&hello), None);
    assert_eq!(pair.nic.link().refused(Refusal::UnknownKey), 1);
    twin.refuse(Refusal::BadTag);
    assert_eq!(twin.refused(Refusal::BadTag), 1);
    let dscp = Mark::new(MarkField::Dscp, 0x3f, 1, 0).unwrap();
    pair.switch = Link::new(
        PeerRole::Switch,
        SWITCH,
        Keys::one(KeyId(1), KEY),
        dscp,
        [4; 16],
    );
    let hello = pair.hello(0, None);
    assert_eq!(pair.nic_gets(&hello), None);
    assert_eq!(pair.nic.link().refused(Refusal::MarkMismatch), 1);
    assert!(pair.tables.learning);
}

#[test]
fn both_keys_are_taken_while_keys_are_changed() {
    let new = Key::new([8; 16]);
    let mut pair = Pair::new();
    let keys = Keys::one(KeyId(1), KEY).and(KeyId(2), new);
    pair.nic = NicPeer::new(NIC, keys, Mark::DEFAULT, [1; 16], 128, 3_000_000);
    let keys = Keys::one(KeyId(2), new).and(KeyId(1), KEY);
    pair.switch = Link::new(PeerRole::Switch, SWITCH, keys, Mark::DEFAULT, [5; 16]);
    pair.meet();
    assert!(pair.tables.learning);
}

#[test]
fn an_address_update_is_done_once_and_acknowledged_each_time() {
    let mut pair = Pair::new();
    pair.meet();
    let vvlan = VVlan::new(100).unwrap();
    let change = |place| AddressChange {
        vvlan,
        mac: NIC,
        place,
    };
    let changes = [
        change(AddressPlace::Vswitch),
        change(AddressPlace::Elsewhere),
    ];
    let update = |transaction| {
        Body::Address(AddressUpdate {
            transaction,
            changes: Items::new(&changes),
        })
    };
    for _ in 0..3 {
        let frame = pair.seal(&update(5));
        let ack = pair.nic_gets(&frame).expect("an acknowledgement");
        let Ok(Received::Ack(ack)) = pair.switch.receive(&ack) else {
            panic!("no acknowledgement");
        };
        assert_eq!((ack.transaction, ack.refused), (5, 1));
    }
    assert_eq!(pair.tables.addresses, 2);
    let old = pair.seal(&update(4));
    assert_eq!(pair.nic_gets(&old), None);
    assert_eq!(pair.tables.addresses, 2);
}

fn checksum(header: &[u8]) -> u16 {
    let words = header
        .chunks_exact(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum = words.sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    (sum + (sum >> 16)) as u16
}

proptest! {
    #[test]
    fn a_mark_changes_its_bits_only_and_keeps_the_checksum(
        field in 0..4_usize, bits in any::<[u8; 3]>(), tos in any::<u8>(), v6 in any::<bool>(),
        tags in 0..3_usize, noise in any::<[u8; 12]>(),
    ) {
        let field = MarkField::ALL[field];
        let mask = bits[0] & field.bits();
        let Some(m) = Mark::new(field, mask, bits[1] & mask, bits[2] & mask) else {
            return Ok(());
        };
        let ethertype: u16 = if v6 { 0x86dd } else { 0x0800 };
        let mut frame = [[2; 12].as_slice(), &[0x81, 0, 0x50, 10, 0x81, 0, 0xb0, 100]].concat();
        (0..tags).for_each(|_| frame.extend([0x81, 0, 0, 5]));
        frame.extend(ethertype.to_be_bytes());
        let ip = frame.len();
        if v6 {
            frame.extend([0x60 | tos >> 4, tos << 4, 3, 4, 0, 8, 17, 9]);
            frame.extend([9; 40]);
        } else {
            frame.extend([0x45, tos, 0, 28, 1, 2, 0, 0, 64, 17, 0, 0]);
            frame.extend(&noise[..8]);
            let sum = !checksum(&frame[ip..ip + 20]);
            frame[ip + 10..ip + 12].copy_from_slice(&sum.to_be_bytes());
            frame.extend([9; 20]);
        }
        let before = frame.clone();
        prop_assert!(mark::put(&mut frame, m, 0x8100, true));
        prop_assert!(mark::is_marked(&frame, m, 0x8100));
        let differ = |frame: &[u8]| -> u32 {
            let pairs = before.iter().zip(frame).enumerate();
            let pairs = pairs.filter(|(at, _)| v6 || !(ip + 10..ip + 12).contains(at));
            pairs.map(|(_, (a, b))| (a ^ b).count_ones()).sum()
        };
        prop_assert!(differ(&frame) <= mask.count_ones());
        if !v6 {
            prop_assert_eq!(checksum(&frame[ip..ip + 20]), 0xffff);
        }
        prop_assert!(mark::put(&mut frame, m, 0x8100, false));
        prop_assert!(!mark::is_marked(&frame, m, 0x8100) && differ(&frame) <= mask.count_ones());
        let rest = frame.clone();
        prop_assert!(mark::put(&mut frame, m, 0x8100, false));
        prop_assert_eq!(&rest, &frame);
        if field == MarkField::Dscp {
            // The NIC does the same to the frame without its tags.
            let mut plain = [&before[..12], &before[20..]].concat();
            mark::take_off_packet(&mut plain, m, 0, 0x8100);
            prop_assert_eq!(&frame[20..], &plain[12..]);
        }
    }

    #[test]
    fn any_bytes_have_a_mark_or_none(bytes in prop::collection::vec(any::<u8>(), 0..90), field in 0..4_usize) {
        let m = Mark::new(MarkField::ALL[field], 1, 1, 0).unwrap();
        let mut frame = bytes.clone();
        let there = mark::put(&mut frame, m, 0x8100, true);
        prop_assert_eq!(there, mark::is_marked(&frame, m, 0x8100));
        prop_assert!(there || frame == bytes);
    }
}

#[test]
fn frames_without_the_nic_tags_have_no_mark() {
    let mut frame = Frame::new(mac(1), mac(0)).0;
    assert!(!mark::put(&mut frame, Mark::DEFAULT, 0x8100, true));
}
