// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Control frames: what is built is read back, what was changed is refused, what is noise does no harm.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hairpin_abi::peer::*;
use hairpin_abi::{FlowKey, IpFields, KeyField, MacAddr, PortId, VPort, VVlan};
use proptest::collection::vec;
use proptest::prelude::*;

const KEY: Key = Key::new(*b"sixteen byte key");

/// A body with its lists.
#[derive(Clone, Debug)]
enum Owned {
    Hello(Vec<KeyMask>, [u64; 2], [u32; 2], Mark, u16, u16),
    All(u32),
    VVlan(u32, VVlan),
    Signatures(u32, Vec<Signature>),
    Ack(Ack),
    Address(u32, Vec<AddressChange>),
}

impl Owned {
    fn body(&self) -> Body<'_> {
        match self {
            Self::Hello(masks, [challenge, answer], [heard, lease_ms], mark, caps, max_frame) => {
                Body::Hello(Hello {
                    challenge: *challenge,
                    answer: *answer,
                    heard: *heard,
                    lease_ms: *lease_ms,
                    mark: *mark,
                    capabilities: Capabilities(*caps),
                    max_frame: *max_frame,
                    masks: Items::new(masks),
                })
            }
            Self::All(transaction) => invalidate(*transaction, PeerScope::All),
            Self::VVlan(transaction, id) => invalidate(*transaction, PeerScope::VVlan(*id)),
            Self::Signatures(transaction, list) => {
                invalidate(*transaction, PeerScope::Signatures(Items::new(list)))
            }
            Self::Ack(ack) => Body::Ack(*ack),
            Self::Address(transaction, list) => Body::Address(AddressUpdate {
                transaction: *transaction,
                changes: Items::new(list),
            }),
        }
    }
}

fn invalidate(transaction: u32, scope: PeerScope<'_>) -> Body<'_> {
    Body::Invalidate(Invalidate { transaction, scope })
}

fn vvlans() -> impl Strategy<Value = VVlan> {
    (1_u16..4095).prop_map(|id| VVlan::new(id).unwrap())
}

fn masks() -> impl Strategy<Value = u16> {
    0..=KeyField::MASK_ALL
}

fn marks() -> impl Strategy<Value = Mark> {
    (0..4_usize, any::<[u8; 3]>()).prop_filter_map("no mark", |(field, [mask, set, clear])| {
        let field = MarkField::ALL[field];
        let mask = mask & field.bits();
        Mark::new(field, mask, set & mask, clear & mask)
    })
}

prop_compose! {
    fn signatures()(
        vvlan in vvlans(), da in any::<[u8; 6]>(), sa in any::<[u8; 6]>(), ethertype in any::<u16>(),
        is_v6 in any::<bool>(), src in any::<u128>(), dst in any::<u128>(), proto in any::<u8>(),
        sport in any::<u16>(), dport in any::<u16>(), mask in masks(),
    ) -> Signature {
        let ip = IpFields { is_v6, src, dst, proto, sport, dport };
        let key = FlowKey {
            src: PortId::Uplink, vvlan: vvlan.into(), da: MacAddr(da), sa: MacAddr(sa), ethertype, ip,
        };
        Signature::new(&key, mask).unwrap()
    }
}

fn changes() -> impl Strategy<Value = AddressChange> {
    (vvlans(), any::<[u8; 6]>(), 0_u8..66).prop_map(|(vvlan, mut mac, place)| {
        mac[0] &= 0xfe;
        AddressChange {
            vvlan,
            mac: MacAddr(mac),
            place: match VPort::new(place) {
                Some(vport) => AddressPlace::VPort(vport),
                None if place == 64 => AddressPlace::Vswitch,
                None => AddressPlace::Elsewhere,
            },
        }
    })
}

fn bodies() -> impl Strategy<Value = Owned> {
    let key_mask = (vvlans(), masks()).prop_map(|(vvlan, mask)| KeyMask { vvlan, mask });
    prop_oneof![
        (
            vec(key_mask, 0..=64),
            any::<[u64; 2]>(),
            any::<[u32; 2]>(),
            marks(),
            any::<u16>(),
            128_u16..
        )
            .prop_map(|(masks, nonces, numbers, mark, caps, max)| {
                Owned::Hello(masks, nonces, numbers, mark, caps, max)
            }),
        any::<u32>().prop_map(Owned::All),
        (any::<u32>(), vvlans()).prop_map(|(transaction, id)| Owned::VVlan(transaction, id)),
        (any::<u32>(), vec(signatures(), 1..=25)).prop_map(|(n, list)| Owned::Signatures(n, list)),
        (any::<u32>(), any::<bool>(), any::<u16>()).prop_map(|(transaction, done, refused)| {
            let status = if done {
                AckStatus::Done
            } else {
                AckStatus::Unsupported
            };
            Owned::Ack(Ack {
                transaction,
                status,
                refused,
            })
        }),
        (any::<u32>(), vec(changes(), 0..=144)).prop_map(|(n, list)| Owned::Address(n, list)),
    ]
}

prop_compose! {
    fn headers()(
        source in any::<[u8; 6]>(), nic in any::<bool>(), key in any::<u8>(), sequence in any::<u32>(),
        session in any::<u64>(), peer in any::<u64>(),
    ) -> Header {
        let role = if nic { PeerRole::Nic } else { PeerRole::Switch };
        Header { source: MacAddr(source), role, key_id: KeyId(key), sequence, session, peer }
    }
}

fn built(header: &Header, body: &Body<'_>) -> Vec<u8> {
    let mut buffer = vec![0xee; MAX_LEN];
    let len = build(&mut buffer, header, body, &KEY).expect("it fits");
    assert!(buffer[len..].iter().all(|byte| *byte == 0xee));
    buffer.truncate(len);
    buffer
}

proptest! {
    #[test]
    fn what_is_built_is_read_back(header in headers(), owned in bodies()) {
        let body = owned.body();
        let frame = built(&header, &body);
        prop_assert!((60..=MAX_LEN).contains(&frame.len()) && Envelope::is_one(&frame));
        let envelope = Envelope::parse(&frame).unwrap();
        prop_assert_eq!((envelope.header, envelope.kind()), (header, body.kind()));
        prop_assert_eq!(envelope.open(&KEY), Ok(body));
        let other = Key::new(*b"another byte key");
        prop_assert_eq!(envelope.open(&other), Err(Refusal::BadTag));
    }

    #[test]
    fn padding_is_not_looked_at_and_everything_else_is_signed(
        header in headers(), owned in bodies(), at in any::<prop::sample::Index>(), bit in 0_u8..8,
    ) {
        let mut frame = built(&header, &owned.body());
        let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
        frame.resize(frame.len() + 9, 0x55);
        frame[end..].fill(0xaa);
        prop_assert_eq!(Envelope::parse(&frame).unwrap().open(&KEY), Ok(owned.body()));
        let at = at.index(end);
        frame[at] ^= 1_u8 << bit;
        let read = Envelope::parse(&frame).and_then(|envelope| envelope.open(&KEY).map(drop));
        prop_assert!(!Envelope::is_one(&frame) || read.is_err(), "byte {at}, bit {bit}");
    }

    #[test]
    fn a_frame_that_ends_early_is_truncated(header in headers(), owned in bodies(), cut in 0..1500_usize) {
        let frame = built(&header, &owned.body());
        let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
        let cut = cut % end;
        prop_assert_eq!(Envelope::parse(&frame[..cut]).map(drop), Err(Refusal::Truncated));
        let mut small = vec![0; frame.len() - 1];
        prop_assert_eq!(build(&mut small, &header, &owned.body(), &KEY), None);
    }

    #[test]
    fn a_window_knows_what_came(steps in vec((0_u32..100, any::<bool>()), 1..300)) {
        let mut window = Window::starting_at(1000);
        let (mut highest, mut came) = (1000_u32, BTreeSet::from([1000]));
        for (step, ahead) in steps {
            let sequence = if ahead { highest + step / 4 } else { highest.saturating_sub(step) };
            let arrival = window.note(sequence);
            let expected = match sequence {
                n if n > highest => Arrival::Newest,
                n if highest - n >= Window::SIZE => Arrival::TooOld,
                n if n < 1000 || came.contains(&n) => Arrival::Replayed,
                _ => Arrival::Late,
            };
            prop_assert_eq!(arrival, expected, "{} after {}", sequence, highest);
            came.insert(sequence);
            highest = highest.max(sequence);
        }
    }

    #[test]
    fn a_signature_gives_the_keys_of_every_vport(signature in signatures(), mask in masks(), vport in 0_u8..64) {
        let vport = VPort::new(vport).unwrap();
        let frame = FlowKey { src: vport.into(), ..*signature.key() };
        let named = Signature::new(&frame, mask).unwrap();
        prop_assert_eq!(named.key_of(vport, mask), frame.masked(mask));
        prop_assert_eq!(named.key().src, PortId::ZERO);
    }
}

#[test]
fn lists_fill_frames_and_no_more() {
    assert_eq!(Invalidate::room(MIN_READABLE), 1);
    assert_eq!(Invalidate::room(MAX_LEN), 25);
    assert_eq!(AddressUpdate::room(MIN_READABLE), 6);
    assert_eq!(AddressUpdate::room(MAX_LEN), 145);
    let header = Header {
        source: MacAddr([2; 6]),
        role: PeerRole::Switch,
        key_id: KeyId(0),
        sequence: 1,
        session: 2,
        peer: 3,
    };
    let change = AddressChange {
        vvlan: VVlan::new(7).unwrap(),
        mac: MacAddr([2; 6]),
        place: AddressPlace::Vswitch,
    };
    let mut buffer = [0; 2000];
    let mut length = |count| {
        let list = vec![change; count];
        let body = Owned::Address(9, list);
        build(&mut buffer, &header, &body.body(), &KEY)
    };
    assert_eq!(length(6), Some(124));
    assert_eq!(length(145), Some(1514));
    assert_eq!(length(146), None);
}

#[test]
fn the_bytes_are_those_of_the_protocol_page() {
    let header = Header {
        source: MacAddr([2, 0, 0, 0, 0, 1]),
        role: PeerRole::Switch,
        key_id: KeyId(4),
        sequence: 0x0102_0304,
        session: 0x1112_1314_1516_1718,
        peer: 0x2122_2324_2526_2728,
    };
    let frame = built(
        &header,
        &invalidate(7, PeerScope::VVlan(VVlan::new(100).unwrap())),
    );
    let expected = [
        0x01, 0x80, 0xc2, 0, 0, 0x0e, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 1, 2, 0, 50, 2, 4, 1, 2, 3, 4,
        0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
        0x28, 0, 0, 0, 7, 1, 0, 0, 100,
    ];
    assert_eq!(frame[..48], expected);
    assert_eq!(frame.len(), 64);
}

/// After a change of a number or a layout: bump `peer::VERSION`, then write both here.
#[test]
fn a_change_bumps_the_version() {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut item = |name: &str, code: u8| {
        for byte in name.bytes().chain([0, code]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    PeerKind::ALL.iter().for_each(|x| item(x.name(), x.code()));
    PeerRole::ALL.iter().for_each(|x| item(x.name(), x.code()));
    MarkField::ALL.iter().for_each(|x| item(x.name(), x.code()));
    AckStatus::ALL.iter().for_each(|x| item(x.name(), x.code()));
    let lengths = [KeyMask::LEN, Signature::LEN, AddressChange::LEN, HEADER_LEN];
    lengths.iter().for_each(|len| item("len", *len as u8));
    assert_eq!((VERSION, hash), (1, 0x9d94_987a_786e_417b));
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Runs for `HAIRPIN_FUZZ_SECONDS` (default 1) from `HAIRPIN_FUZZ_SEED`. Half of the inputs get a right tag
/// after they were changed, so that the bodies are read as well.
#[test]
fn fuzz_the_codec() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("HAIRPIN_FUZZ_SEED").unwrap_or(1);
    let end = Instant::now() + Duration::from_secs(number("HAIRPIN_FUZZ_SECONDS").unwrap_or(1));
    let mut rng = Rng(seed);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let corpus: Vec<Vec<u8>> = (0..200)
        .map(|_| {
            let pair = (headers(), bodies());
            let tree = pair.new_tree(&mut runner).expect("a message");
            let (header, owned) = proptest::strategy::ValueTree::current(&tree);
            built(&header, &owned.body())
        })
        .collect();
    let (mut runs, mut read, mut refused) = (0_u64, 0_u64, [0_u64; Refusal::COUNT]);
    while Instant::now() < end {
        let mut frame = corpus[rng.below(corpus.len())].clone();
        for _ in 0..rng.below(4) {
            let at = rng.below(frame.len());
            match rng.below(5) {
                0 => frame.truncate(at),
                1 => frame.extend(std::iter::repeat_n(rng.next() as u8, rng.below(80))),
                2 if at < frame.len() => frame[at] = [0, 1, 0x7f, 0xff][rng.below(4)],
                _ if at < frame.len() => frame[at] ^= 1_u8 << rng.below(8),
                _ => {}
            }
        }
        if rng.below(2) == 0 && frame.len() > HEADER_LEN + TAG_LEN {
            let length = (frame.len() - 14) as u16;
            frame[16..18].copy_from_slice(&length.to_be_bytes());
            frame[..6].copy_from_slice(&MacAddr::NEAREST_BRIDGE.0);
            frame[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
            let (signed, tag) = frame
                .split_last_chunk_mut::<TAG_LEN>()
                .expect("long enough");
            *tag = KEY.tag(signed);
        }
        let opened = Envelope::parse(&frame).and_then(|envelope| {
            envelope.open(&KEY).map(|body| {
                let header = envelope.header;
                let mut again = vec![0; MAX_LEN];
                let len = build(&mut again, &header, &body, &KEY).expect("what was read fits");
                let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
                assert_eq!(
                    again[12..end.min(len)],
                    frame[12..end],
                    "seed {seed}, run {runs}"
                );
            })
        });
        runs += 1;
        match opened {
            Ok(()) => read += 1,
            Err(refusal) => refused[usize::from(refusal.code())] += 1,
        }
    }
    println!("seed {seed}: {runs} runs, {read} read, refused {refused:?}");
    assert!(read > 0 && refused[..=7].iter().filter(|count| **count > 0).count() >= 6);
}
