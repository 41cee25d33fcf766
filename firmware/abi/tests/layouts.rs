// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Rows and commands against the bit positions of the boundary document, and back.

use hairpin_abi::admin::{self, AdminError, Command, Crash, Flush, Opcode, PeerSetup};
use hairpin_abi::fw::{Event, EventCode};
use hairpin_abi::ids::PortSet;
use hairpin_abi::peer::{Key, KeyId, Keys, Mark, MarkField};
use hairpin_abi::row::{LAYOUTS, MacKey, VVmapRow};
use hairpin_abi::table::{Invalidation, Sweep};
use hairpin_abi::*;
use proptest::prelude::*;

fn vvlan() -> impl Strategy<Value = VVlan> {
    (1..=4094_u16).prop_map(|id| VVlan::new(id).unwrap())
}

fn vlan() -> impl Strategy<Value = Vlan> {
    (0..=4095_u16).prop_map(|id| Vlan::new(id).unwrap())
}

fn vport() -> impl Strategy<Value = VPort> {
    (0..64_u8).prop_map(|number| VPort::new(number).unwrap())
}

fn mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr)
}

fn vvlan_row() -> impl Strategy<Value = VVlanRow> {
    let modes = prop::sample::select(Mode::ALL);
    let misses = prop::sample::select(Miss::ALL);
    let accept = prop::array::uniform4(prop::option::of(vlan()));
    (
        vlan(),
        modes,
        misses,
        any::<[bool; 2]>(),
        prop::option::of(vport()),
        accept,
        any::<(u64, u16)>(),
        (0..16_u8, prop::option::of(vlan())),
    )
        .prop_map(
            |(
                vlan,
                mode,
                miss,
                [acl, cache],
                vswitch,
                accept,
                (members, key_mask),
                (flow_quota, id),
            )| VVlanRow {
                vlan,
                mode,
                miss,
                acl,
                cache,
                vswitch,
                accept,
                members: PortSet(members),
                key_mask,
                flow_quota,
                id,
            },
        )
}

fn port_id() -> impl Strategy<Value = PortId> {
    (0..66_u8).prop_map(|number| PortId::new(number).unwrap())
}

prop_compose! {
    fn flow_key()(
        src in port_id(),
        vvlan in vvlan(),
        (da, sa) in (mac(), mac()),
        ethertype in any::<u16>(),
        (is_v6, ip_src, ip_dst) in any::<(bool, u128, u128)>(),
        proto in prop_oneof![any::<u8>(), Just(1), Just(6), Just(58)],
        (sport, dport) in (prop_oneof![any::<u16>(), 0..10_u16, 126..132_u16], any::<u16>()),
    ) -> FlowKey {
        let ip = IpFields { is_v6, src: ip_src, dst: ip_dst, proto, sport, dport };
        FlowKey { src, vvlan: vvlan.into(), da, sa, ethertype, ip }
    }
}

prop_compose! {
    fn flow_row()(
        action in prop::sample::select(FlowAction::ALL),
        teacher in prop::sample::select(Teacher::ALL),
        pending in any::<bool>(),
        port in (0..65_u8).prop_map(|number| PortId::new(number).unwrap()),
    ) -> FlowRow {
        FlowRow { action, teacher, pending, port }
    }
}

fn flush() -> impl Strategy<Value = Flush> {
    prop_oneof![
        Just(Flush::All),
        prop::sample::select(Teacher::ALL).prop_map(Flush::Teacher),
        vvlan().prop_map(Flush::VVlan),
        vport().prop_map(Flush::VPort),
    ]
}

fn mac_row() -> impl Strategy<Value = MacRow> {
    let target = prop_oneof![
        vport().prop_map(Target::VPort),
        any::<u8>().prop_map(Target::Group)
    ];
    (vvlan(), mac(), target, any::<bool>()).prop_map(|(vvlan, mac, target, is_static)| MacRow {
        key: MacKey { vvlan, mac },
        target,
        is_static,
    })
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Nop),
        (vvlan(), vvlan_row()).prop_map(|(id, row)| Command::VVlanSet { id, row }),
        vvlan().prop_map(|id| Command::VVlanDel { id }),
        mac_row().prop_map(Command::FdbAdd),
        mac_row().prop_map(|row| Command::FdbDel(row.key)),
        any::<(u8, u64)>().prop_map(|(index, bits)| Command::GroupSet {
            index,
            row: GroupRow {
                vports: PortSet(bits)
            }
        }),
        flush()
            .prop_filter("no teacher of addresses", |what| !matches!(
                what,
                Flush::Teacher(_)
            ))
            .prop_map(Command::FdbFlush),
        (flow_key(), flow_row()).prop_map(|(key, row)| Command::FlowAdd { key, row }),
        flow_key().prop_map(Command::FlowDel),
        flush().prop_map(Command::FlowFlush),
        any::<(u32, u32)>().prop_map(|(mac, flow)| Command::AgeingSet { mac, flow }),
        prop::sample::select(Crash::ALL).prop_map(Command::CrashTest),
        prop::option::of(peer_setup()).prop_map(Command::PeerSet),
        any::<u8>().prop_map(|page| Command::PeerGet { page }),
    ]
}

fn peer_setup() -> impl Strategy<Value = PeerSetup> {
    let key = || any::<(u8, [u8; 16])>().prop_map(|(id, key)| (KeyId(id), Key::new(key)));
    let keys = (key(), prop::option::of(key())).prop_map(|((id, key), other)| {
        let one = Keys::one(id, key);
        other.map_or(one, |(other, key)| match other == id {
            true => one,
            false => one.and(other, key),
        })
    });
    (1..1_u64 << 40, keys).prop_map(|(mac, keys)| PeerSetup {
        source: MacAddr::from_u64(mac),
        keys,
    })
}

proptest! {
    /// A legal mark comes back, whatever else the row has; any other reads as none.
    #[test]
    fn marks_come_back(words in any::<RowWords>()) {
        let row = CfgRow::from_words(&words);
        prop_assert_eq!(CfgRow::from_words(&row.to_words()), row);
    }

    #[test]
    fn admin_commands_come_back(command in command()) {
        prop_assert_eq!(Command::decode(&command.encode()), Ok(command));
    }

    #[test]
    fn any_admin_words_are_read_or_refused(words in any::<[u32; 16]>(), opcode in 0..14_u32) {
        let mut words = words;
        words[0] = opcode;
        match Command::decode(&words) {
            Ok(command) => {
                prop_assert_eq!(u32::from(command.opcode().code()), opcode);
                prop_assert_eq!(Command::decode(&command.encode()), Ok(command));
            }
            Err(error) => prop_assert_ne!(error, AdminError::Ok),
        }
    }

    #[test]
    fn table_commands_come_back(
        row in vvlan_row(),
        mac in mac_row(),
        flow in flow_row(),
        reverse in prop::option::of(flow_row()),
        scope in prop::sample::select(Scope::ALL),
        (index, age, which) in any::<(u16, u16, u8)>(),
        (promisc, allmulti, keyed) in any::<(bool, bool, bool)>(),
    ) {
        let key = keyed.then_some(mac.key);
        let invalidation = Invalidation { scope, which };
        let sweep = Sweep { age, teacher: flow.teacher };
        for command in [
            TableCommand::VVlan(index, row),
            TableCommand::VVmap(index, VVmapRow { instance: Some((index & 63) as u8) }),
            TableCommand::RxMode(index, RxModeRow { key, promisc, allmulti }),
            TableCommand::MacInsert(index, mac),
            TableCommand::FlowInsert(index, flow),
            TableCommand::FlowDelete,
            TableCommand::Invalidate(Table::Mac, invalidation),
            TableCommand::Invalidate(Table::Flow, invalidation),
            TableCommand::Install { slot: index, forward: flow, reverse },
            TableCommand::Sweep(Table::Mac, sweep),
            TableCommand::Sweep(Table::Flow, sweep),
            TableCommand::Teach(Teach::Off),
            TableCommand::Teach(Teach::On),
            TableCommand::Teach(Teach::Close),
            TableCommand::Teach(Teach::Use),
            TableCommand::mac_delete(mac.key.vvlan, mac.key.mac),
        ] {
            let (op, table, index, data) = command.encode();
            prop_assert_eq!(TableCommand::decode(op, table, index, &data), Some(command));
        }
    }

    #[test]
    fn what_is_closed_survives_the_bus(vports in any::<u64>(), flows in any::<u16>()) {
        let closed = Closed { vports: PortSet(vports), flows };
        prop_assert_eq!(Closed::from_words(&closed.to_words()), closed);
    }

    /// Only bits of fields survive, and those exactly: the packing is what the layout says.
    #[test]
    fn rows_keep_the_bits_of_their_layout(words in any::<RowWords>()) {
        for layout in LAYOUTS {
            let mut mask = [0_u32; 6];
            for bit in layout.fields().flat_map(|field| field.lsb..=field.msb) {
                mask[bit / 32] |= 1 << (bit % 32);
            }
            let mut row = words;
            row.iter_mut().zip(mask).for_each(|(word, mask)| *word &= mask);
            let expected = match layout.table {
                "PORT" => PortRow::from_words(&row).to_words(),
                "GROUP" => GroupRow::from_words(&row).to_words(),
                // These have values that have no meaning; the round trip of their values is above.
                "CFG" | "VVMAP" | "VVLAN" | "MAC" | "FLOW" | "RXMODE" => continue,
                table => panic!("no test for {table}"),
            };
            prop_assert_eq!(row, expected, "{}", layout.table);
        }
    }

    #[test]
    fn flow_keys_come_back(key in flow_key(), mask in any::<u16>()) {
        for key in [key, key.masked(mask)] {
            let words = key.to_words();
            prop_assert_eq!(FlowKey::from_words(&words), Some(key));
            prop_assert_eq!(words.0[13] >> 12, 0);
            let commands = TableCommand::stage(&key).map(|command| command.encode());
            prop_assert_eq!(commands.map(|(op, table, index, _)| (op, table, index)),
                [0, 1, 2].map(|index| (Op::Write, Table::Key, index)));
            prop_assert_eq!(FlowKeyWords::from_rows(&commands.map(|(.., data)| data)), words);
        }
    }

    /// A mask keeps its fields and zeroes the others, field by field as the contract lists them.
    #[test]
    fn a_mask_keeps_its_fields(key in flow_key(), mask in any::<u16>()) {
        let masked = key.masked(mask);
        let bit = |bit: u16| u128::from(mask >> bit & 1);
        let fields = |key: &FlowKey| [
            key.src.get().into(), key.da.to_u64().into(), key.sa.to_u64().into(),
            key.ethertype.into(), key.ip.src, key.ip.dst, key.ip.proto.into(),
            key.ip.sport.into(), key.ip.dport.into(),
        ];
        for (n, (before, after)) in fields(&key).into_iter().zip(fields(&masked)).enumerate() {
            prop_assert_eq!(after, before * bit(n as u16), "bit {}", n);
        }
        prop_assert_eq!(masked.vvlan, key.vvlan);
        prop_assert_eq!(masked.ip.is_v6, key.ip.is_v6 && mask & 0x38 != 0);
        prop_assert_eq!(masked.masked(mask), masked);
        prop_assert_eq!(key.masked(KeyField::MASK_ALL), key);
    }

    /// The answer to an answer is the question, as far as the port it came from is known.
    #[test]
    fn a_mirror_of_a_mirror_is_the_key(key in flow_key(), port in port_id()) {
        let mirror = key.mirror(port);
        prop_assert_eq!(mirror.src, port);
        prop_assert_eq!((mirror.da, mirror.sa), (key.sa, key.da));
        prop_assert_eq!((mirror.ip.src, mirror.ip.dst), (key.ip.dst, key.ip.src));
        prop_assert_eq!(mirror.mirror(key.src), key);
    }

    #[test]
    fn responses_come_back(flow in flow_row(), mac in mac_row(), (stamp, handle) in any::<(u16, u16)>()) {
        let seen = Seen { stamp, handle };
        let words = flow.to_response(seen);
        prop_assert_eq!((FlowRow::from_response(&words), Seen::of_flow(&words)), (Some(flow), seen));
        let words = mac.to_response(seen);
        prop_assert_eq!((MacRow::from_response(&words), Seen::of_mac(&words)), (Some(mac), seen));
    }

    #[test]
    fn mac_addresses_come_back(mac in mac()) {
        prop_assert_eq!(mac.to_string().parse(), Ok(mac));
        prop_assert_eq!(MacAddr::from_u64(mac.to_u64()), mac);
    }

    #[test]
    fn any_text_is_an_address_or_not(text in "[0-9a-fA-F:.-]{0,20}") {
        if let Ok(mac) = text.parse::<MacAddr>() {
            prop_assert_eq!(mac.to_string(), text.to_lowercase().replace('-', ":"));
        }
    }

    #[test]
    fn events_come_back(mac in mac(), vvlan in vlan(), port in 0..66_u8) {
        let port = PortId::new(port).unwrap();
        for code in EventCode::ALL {
            let event = Event::address(*code, port, vvlan, mac);
            prop_assert_eq!(Event::decode(event.encode()), Some(event));
        }
    }
}

#[test]
fn fields_do_not_overlap_and_fit_their_words() {
    for layout in LAYOUTS {
        let mut next = 0;
        for field in layout.fields() {
            assert!(
                field.lsb >= next && field.msb >= field.lsb,
                "{} {}",
                layout.table,
                field.name
            );
            next = field.msb + 1;
        }
        assert!(
            next <= 32 * layout.words && next > 32 * (layout.words - 1),
            "{}",
            layout.table
        );
    }
}

/// The positions of the boundary document, written out again by hand.
#[test]
fn rows_stand_where_the_contract_says() {
    let port = PortRow {
        enabled: true,
        role: Role::Vswitch,
        spoofchk: false,
        trust: true,
        learning: false,
        tags: Tags::Vlans,
        reflect: true,
        max_macs: 0x5a,
        vvlan: Vlan::new(0xabc).unwrap(),
        mac: "02:13:24:35:46:57".parse().unwrap(),
        meter_shift: 0x2a,
        meter_burst: 0xc3,
    };
    let w0 = 1 | 1 << 1 | 1 << 3 | 2 << 5 | 1 << 7 | 0x5a << 8 | 0xabc << 16;
    assert_eq!(
        port.to_words(),
        [w0, 0x2435_4657, 0x0213 | 0x2a << 16 | 0xc3 << 24, 0, 0, 0]
    );
    assert_eq!(PortRow::from_words(&port.to_words()), port);

    let cfg = CfgRow {
        tpid: 0x88a8,
        reflects: true,
        pcp: 5,
        mark: Mark::new(MarkField::InnerPcp, 6, 4, 2),
    };
    let mark = 2 | 6 << 2 | 4 << 8 | 2 << 14;
    assert_eq!(
        cfg.to_words(),
        [0x88a8 | 1 << 16 | 5 << 17, mark, 0, 0, 0, 0]
    );
    assert_eq!(CfgRow::from_words(&cfg.to_words()), cfg);
    let vvmap = VVmapRow {
        instance: Some(0x2b),
    };
    assert_eq!(vvmap.to_words(), [0x2b | 1 << 31, 0, 0, 0, 0, 0]);

    let id = |id| Vlan::new(id);
    let vvlan = VVlanRow {
        acl: true,
        cache: false,
        vswitch: VPort::new(0x2d),
        accept: [id(0x123), None, id(0x456), id(0x789)],
        members: PortSet(0x0123_4567_89ab_cdef),
        key_mask: 0xbeef,
        flow_quota: 0xb,
        id: id(0xa5c),
        ..VVlanRow::new(id(0xfed).unwrap(), Mode::Auto, Miss::Slowpath)
    };
    let expected = [
        0xfed | 2 << 12 | 2 << 14 | 1 << 16 | 1 << 18 | 0x2d << 19 | 0xb << 26,
        0x123 | 1 << 15,
        0x456 | 1 << 15 | 0x789 << 16 | 1 << 31,
        0x89ab_cdef,
        0x0123_4567,
        0xbeef | 0xa5c << 16 | 1 << 31,
    ];
    assert_eq!(vvlan.to_words(), expected);

    let mode = RxModeRow {
        key: Some(MacKey {
            vvlan: VVlan::new(0xabc).unwrap(),
            mac: MacAddr([0x02, 0x11, 0x22, 0x33, 0x44, 0x55]),
        }),
        promisc: true,
        allmulti: true,
    };
    assert_eq!(mode.to_words(), [0x2233_4455, 0x8abc_0211, 3, 0, 0, 0]);
    assert_eq!(
        RxModeRow::from_words(&[0x55, 0x0abc_0211, 2, 0, 0, 0]).key,
        None
    );
    assert_eq!(RxModeRow::index(VPort::new(63).unwrap(), 7), 511);
    let group = GroupRow {
        vports: PortSet(0x0123_4567_89ab_cdef),
    };
    assert_eq!(group.to_words(), [0x89ab_cdef, 0x0123_4567, 0, 0, 0, 0]);

    let key = MacKey {
        vvlan: VVlan::new(0x9ab).unwrap(),
        mac: port.mac,
    };
    let mac = MacRow {
        key,
        target: Target::Group(0x7e),
        is_static: true,
    };
    let w2 = 0x7e | 1 << 8 | 1 << 9 | 1 << 31;
    assert_eq!(
        mac.to_words(),
        [0x2435_4657, 0x0213 | 0x9ab << 16, w2, 0, 0, 0]
    );
    assert_eq!(MacRow::from_response(&mac.to_words()), Some(mac));
    assert_eq!(
        MacRow::from_response(&[0x2435_4657, 0x0213 | 0x9ab << 16, 0x17e, 0, 0, 0]),
        None
    );
    let seen = Seen {
        stamp: 0x1234,
        handle: 0x5678,
    };
    assert_eq!(mac.to_response(seen)[2..], [w2, 0x5678_1234, 0, 0]);

    let flow = FlowRow {
        pending: true,
        port: PortId::new(0x2b).unwrap(),
        ..FlowRow::new(FlowAction::Redirect, Teacher::Policy)
    };
    let w0 = 4 | 2 << 3 | 1 << 5 | 0x2b << 8 | 1 << 31;
    assert_eq!(flow.to_words(), [w0, 0, 0, 0, 0, 0]);
    assert_eq!(flow.to_response(seen), [w0, 0x5678_1234, 0, 0, 0, 0]);
    assert_eq!(
        FlowRow::from_response(&[w0 & !(1 << 31), 0, 0, 0, 0, 0]),
        None
    );
    for word in [5, 3 << 3, 65 << 8] {
        assert_eq!(FlowRow::from_word(word), None);
    }
}

/// `flow_key_t` of the RTL, least significant field first, written out by hand.
#[test]
fn flow_keys_stand_where_the_contract_says() {
    let key = FlowKey {
        src: PortId::new(0x41).unwrap(),
        vvlan: Vlan::new(0xabc).unwrap(),
        da: "02:13:24:35:46:57".parse().unwrap(),
        sa: "12:23:34:45:56:67".parse().unwrap(),
        ethertype: 0x86dd,
        ip: IpFields {
            is_v6: true,
            src: 0x0123_4567_89ab_cdef_1032_5476_98ba_dcfe,
            dst: 0xfedc_ba98_7654_3210_efcd_ab89_6745_2301,
            proto: 0x84,
            sport: 0xfee1,
            dport: 0xdead,
        },
    };
    let bit = |words: &FlowKeyWords, at: usize| words.0[at / 32] >> (at % 32) & 1;
    let field = |lsb: usize, width: usize| {
        let words = key.to_words();
        (0..width).fold(0, |value, n| value | u128::from(bit(&words, lsb + n)) << n)
    };
    assert_eq!(field(0, 16), 0xdead);
    assert_eq!(field(16, 16), 0xfee1);
    assert_eq!(field(32, 8), 0x84);
    assert_eq!(field(40, 128), key.ip.dst);
    assert_eq!(field(168, 128), key.ip.src);
    assert_eq!(field(296, 1), 1);
    assert_eq!(field(297, 16), 0x86dd);
    assert_eq!(field(313, 48), 0x1223_3445_5667);
    assert_eq!(field(361, 48), 0x0213_2435_4657);
    assert_eq!(field(409, 12), 0xabc);
    assert_eq!(field(421, 7), 0x41);
    assert_eq!(421 + 7, FlowKey::BITS);
    // An echo request and its reply; anything else of ICMP keeps its type.
    let icmp = |proto, sport| {
        let ip = IpFields {
            proto,
            sport,
            dport: 3,
            ..key.ip
        };
        let mirror = FlowKey { ip, ..key }.mirror(PortId::Uplink);
        (mirror.ip.sport, mirror.ip.dport)
    };
    assert_eq!(
        [icmp(1, 8), icmp(1, 0), icmp(1, 3)],
        [(0, 3), (8, 3), (3, 3)]
    );
    assert_eq!(
        [icmp(58, 128), icmp(58, 129), icmp(58, 8)],
        [(129, 3), (128, 3), (8, 3)]
    );
    assert_eq!(icmp(6, 8), (3, 8));
}

#[test]
fn quotas_are_powers_of_two() {
    let row = VVlanRow::new(Vlan::default(), Mode::Veb, Miss::Ignore);
    let quota = |flow_quota| VVlanRow { flow_quota, ..row }.max_flows();
    assert_eq!([0, 1, 7, 15].map(quota), [0, 2, 128, 32768]);
}

#[test]
fn admin_refuses_what_has_no_meaning() {
    let decode = |words: &[u32]| {
        let mut all = [0; 16];
        all[..words.len()].copy_from_slice(words);
        Command::decode(&all)
    };
    let set = u32::from(Opcode::VVlanSet.code());
    let add = u32::from(Opcode::FdbAdd.code());
    let flush = u32::from(Opcode::FdbFlush.code());
    // `high`: bits 428 to 400 of the key, V.VLAN from bit 9 and source port from bit 21 on.
    let with_key = |high: u64, row: u32| {
        let mut words = [0; 16];
        words[0] = Opcode::FlowAdd.code().into();
        let bits = high << 16;
        (words[13], words[14]) = (bits as u32, (bits >> 32) as u32);
        words[15] = row;
        words
    };
    for (words, error) in [
        (&[99][..], AdminError::UnknownOpcode),
        (&[0x101], AdminError::UnknownOpcode),
        (&[set, 0], AdminError::BadVvlan),
        (&[set, 4095], AdminError::BadVvlan),
        (&[set, 1, 3 << 12], AdminError::BadMode),
        (&[set, 1, 1 << 18 | 64 << 19], AdminError::BadVport),
        (
            &[Opcode::VVlanDel.code().into(), 0x1_0001],
            AdminError::BadVvlan,
        ),
        (&[add, 0, 0, 0], AdminError::BadVvlan),
        (&[add, 0, 1 << 16, 64], AdminError::BadVport),
        (
            &[Opcode::FdbDel.code().into(), 0, 4095 << 16],
            AdminError::BadVvlan,
        ),
        (&[Opcode::GroupSet.code().into(), 256], AdminError::BadGroup),
        (&[flush, 3, 64], AdminError::BadVport),
        (&[flush, 2, 0], AdminError::BadVvlan),
        (&[flush, 1, 0], AdminError::BadArgument),
        (&[flush, 4, 0], AdminError::BadArgument),
        (
            &[Opcode::FlowFlush.code().into(), 1, 3],
            AdminError::BadArgument,
        ),
        (&with_key(1 << 9, 5), AdminError::BadAction),
        (&with_key(1 << 9, 3 << 3), AdminError::BadAction),
        (&with_key(1 << 9, 65 << 8), AdminError::BadTarget),
        (&with_key(0, 0), AdminError::BadVvlan),
        (&with_key(1 << 9 | 66 << 21, 0), AdminError::BadVport),
        (
            &[Opcode::CrashTest.code().into(), 2],
            AdminError::BadArgument,
        ),
    ] {
        assert_eq!(decode(words), Err(error), "{words:x?}");
    }
}

#[test]
fn responses_carry_an_error_or_results() {
    let results = [1, 2, 3, 4, 5, 6, 7];
    let words = admin::encode_response(AdminError::Ok, results);
    assert_eq!(admin::decode_response(&words), Ok(results));
    for error in &AdminError::ALL[1..] {
        let words = admin::encode_response(*error, [0; 7]);
        assert_eq!(admin::decode_response(&words), Err(*error));
    }
    assert_eq!(
        admin::decode_response(&[u32::MAX; 8]),
        Err(AdminError::Unsupported)
    );
}

#[test]
fn identifiers_check_their_range() {
    assert_eq!(
        [0, 1, 4094, 4095].map(|id| VVlan::new(id).is_some()),
        [false, true, true, false]
    );
    assert_eq!(
        [0, 4095, 4096].map(|id| Vlan::new(id).is_some()),
        [true, true, false]
    );
    assert_eq!(
        [63, 64].map(|vport| VPort::new(vport).is_some()),
        [true, false]
    );
    assert_eq!(
        [63, 64, 65, 66].map(|port| PortId::new(port).is_some()),
        [true, true, true, false]
    );
    let reserved = |text: &str| text.parse::<MacAddr>().unwrap().is_reserved();
    assert!(reserved("01:80:c2:00:00:00") && reserved("01-80-C2-00-00-0F"));
    assert!(!reserved("01:80:c2:00:00:10") && !reserved("01:80:c2:00:01:00"));
    assert!(MacAddr::NEAREST_BRIDGE.is_group() && !MacAddr::NEAREST_BRIDGE.is_broadcast());
}

/// Names and numbers of a list are unique, whatever list.
#[test]
fn lists_have_unique_names_and_codes() {
    macro_rules! check {
        ($($list:ty),+) => { $(
            for (i, a) in <$list>::ALL.iter().enumerate() {
                assert!(<$list>::ALL[i + 1..].iter().all(|b| a.code() != b.code() && a.name() != b.name()));
                assert_eq!(<$list>::from_code(a.code()), Some(*a));
                assert!(!a.help().is_empty() && !a.help().starts_with(' '));
            }
        )+ };
    }
    check!(
        Op, Table, Status, Reason, Tags, Mode, Miss, Role, Opcode, AdminError, Crash
    );
    check!(fw::FwState, fw::SelfTest, EventCode);
    check!(FlowAction, KeyField, LearnVerdict, Scope, Teacher);
    check!(counter::Bank, counter::Traffic, counter::CacheTraffic);
    check!(
        counter::CountedTable,
        counter::LearnCounter,
        counter::TableCounter
    );
}
