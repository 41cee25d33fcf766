// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Rows and commands against the bit positions of the boundary document, and back.

use hairpin_abi::admin::{self, AdminError, Command, Crash, Opcode};
use hairpin_abi::fw::{Event, EventCode};
use hairpin_abi::ids::PortSet;
use hairpin_abi::row::{LAYOUTS, MacKey, VVmapRow};
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
    )
        .prop_map(
            |(vlan, mode, miss, [acl, cache], vswitch, accept, (members, key_mask))| VVlanRow {
                vlan,
                mode,
                miss,
                acl,
                cache,
                vswitch,
                accept,
                members: PortSet(members),
                key_mask,
            },
        )
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
        vport().prop_map(|vport| Command::FdbFlush { vport }),
        prop::sample::select(Crash::ALL).prop_map(Command::CrashTest),
    ]
}

proptest! {
    #[test]
    fn admin_commands_come_back(command in command()) {
        prop_assert_eq!(Command::decode(&command.encode()), Ok(command));
    }

    #[test]
    fn any_admin_words_are_read_or_refused(words in any::<[u32; 16]>(), opcode in 0..9_u32) {
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
    fn table_commands_come_back(row in vvlan_row(), mac in mac_row(), index in any::<u16>()) {
        for command in [
            TableCommand::VVlan(index, row),
            TableCommand::VVmap(index, VVmapRow { instance: Some((index & 63) as u8) }),
            TableCommand::MacInsert(mac),
            TableCommand::mac_delete(mac.key.vvlan, mac.key.mac),
        ] {
            let (op, table, index, data) = command.encode();
            prop_assert_eq!(TableCommand::decode(op, table, index, &data), Some(command));
        }
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
                "CFG" => CfgRow::from_words(&row).to_words(),
                "GROUP" => GroupRow::from_words(&row).to_words(),
                // These have values that have no meaning; the round trip of their values is above.
                "VVMAP" | "VVLAN" | "MAC" => continue,
                table => panic!("no test for {table}"),
            };
            prop_assert_eq!(row, expected, "{}", layout.table);
        }
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
    };
    assert_eq!(cfg.to_words(), [0x88a8 | 1 << 16 | 5 << 17, 0, 0, 0, 0, 0]);
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
        ..VVlanRow::new(id(0xfed).unwrap(), Mode::Auto, Miss::Slowpath)
    };
    let expected = [
        0xfed | 2 << 12 | 2 << 14 | 1 << 16 | 1 << 18 | 0x2d << 19,
        0x123 | 1 << 15,
        0x456 | 1 << 15 | 0x789 << 16 | 1 << 31,
        0x89ab_cdef,
        0x0123_4567,
        0xbeef,
    ];
    assert_eq!(vvlan.to_words(), expected);

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
        (&[Opcode::FdbFlush.code().into(), 64], AdminError::BadVport),
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
    check!(counter::Bank, counter::Traffic);
}
