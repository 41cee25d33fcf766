// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What must hold for any frame on any configuration.

mod common;

use std::collections::BTreeMap;

use common::*;
use hairpin_abi::ids::PortSet;
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::*;
use hairpin_eswitch::model::{Memory, Model, Traced};
use hairpin_eswitch::{Canonical, Decision, Egress, FrameKey, Ingress, Kind, Tables, edit};
use proptest::prelude::*;

fn vport() -> impl Strategy<Value = VPort> {
    (0..N_VF).prop_map(vf)
}

/// Few addresses, so that frames find entries.
fn address() -> impl Strategy<Value = MacAddr> {
    prop_oneof![
        12 => (0..10_u8).prop_map(mac),
        2 => Just(GROUP),
        2 => Just(RESIDENT),
        2 => Just(BROADCAST),
        1 => Just(STRANGER),
        1 => Just(MacAddr::NEAREST_BRIDGE),
        1 => any::<[u8; 6]>().prop_map(MacAddr),
    ]
}

fn vvlan_id() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(VVLAN_A), 4 => Just(VVLAN_B), 1 => 0..4096_u16]
}

fn port_row() -> impl Strategy<Value = PortRow> {
    let bits = any::<[bool; 4]>();
    let tags = prop::sample::select(Tags::ALL);
    (
        prop::bool::weighted(0.9),
        any::<bool>(),
        bits,
        tags,
        vvlan_id(),
        address(),
        0..4_u8,
        0..4_u8,
    )
        .prop_map(
            |(
                enabled,
                vswitch,
                [spoofchk, trust, learning, reflect],
                tags,
                vvlan,
                mac,
                shift,
                burst,
            )| PortRow {
                enabled,
                role: if vswitch { Role::Vswitch } else { Role::Vf },
                spoofchk: spoofchk && trust,
                trust,
                learning,
                tags,
                reflect,
                max_macs: burst,
                vvlan: Vlan::new(vvlan).unwrap(),
                mac,
                meter_shift: shift,
                meter_burst: burst,
            },
        )
}

fn vvlan_row() -> impl Strategy<Value = VVlanRow> {
    let misses = prop::sample::select(Miss::ALL);
    (misses, prop::option::of(vport()), any::<u8>(), 10..12_u16).prop_map(
        |(miss, vswitch, members, vlan)| VVlanRow {
            vswitch,
            members: PortSet(members.into()),
            ..VVlanRow::new(Vlan::new(vlan).unwrap(), Mode::Auto, miss)
        },
    )
}

fn mac_row() -> impl Strategy<Value = MacRow> {
    let id = prop_oneof![Just(VVLAN_A), Just(VVLAN_B)];
    let target = prop_oneof![
        4 => (0..64_u8).prop_map(|n| Target::VPort(vf(n % 9))),
        1 => (8..11_u8).prop_map(Target::Group),
    ];
    (id, address(), target, any::<bool>()).prop_map(|(id, mac, target, is_static)| MacRow {
        key: key(id, mac),
        target,
        is_static,
    })
}

fn command() -> impl Strategy<Value = TableCommand> {
    prop_oneof![
        2 => (0..N_VF, port_row()).prop_map(|(vf, row)| TableCommand::Port(vf.into(), row)),
        1 => any::<bool>().prop_map(|reflects| TableCommand::Cfg(CfgRow { tpid: TPID, reflects, pcp: 5, mark: None })),
        1 => (vvlan_id(), prop::option::of(0..4_u8))
            .prop_map(|(id, instance)| TableCommand::VVmap(id, VVmapRow { instance })),
        2 => (0..4_u16, vvlan_row()).prop_map(|(index, row)| TableCommand::VVlan(index, row)),
        1 => (8..11_u16, any::<u64>())
            .prop_map(|(index, bits)| TableCommand::Group(index, GroupRow { vports: PortSet(bits) })),
        1 => (0..N_VF, any::<bool>(), any::<bool>()).prop_map(|(port, promisc, allmulti)| {
            TableCommand::RxMode(RxModeRow::index(vf(port), 0), RxModeRow { key: None, promisc, allmulti })
        }),
        4 => mac_row().prop_map(|row| TableCommand::MacInsert(0, row)),
        1 => mac_row().prop_map(|row| TableCommand::MacDelete(row.key)),
    ]
}

/// Frames as tenants, the wire and attackers send them.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let tag = (
        prop::sample::select(vec![0x8100, TPID, 0x9100, 0x88a8]),
        0..4096_u16,
        any::<bool>(),
    );
    let ethertype =
        prop::sample::select(vec![0x0800, 0x86dd, 0x0806, 0x8808, 0x88b5, 0x88cc, 0x8100]);
    let wire = prop::option::of((
        prop::sample::select(vec![10, 11, 20_u16]),
        vvlan_id(),
        any::<bool>(),
    ));
    let vswitch = prop::option::weighted(0.3, vvlan_id());
    let payload = prop::collection::vec(any::<u8>(), 46..120);
    (
        address(),
        address(),
        prop::collection::vec(tag, 0..4),
        ethertype,
        wire,
        vswitch,
        payload,
    )
        .prop_map(|(da, sa, tags, ethertype, wire, vswitch, payload)| {
            let mut frame = Frame(vec![]);
            frame.0.extend(da.0);
            frame.0.extend(sa.0);
            frame.0.extend(u16::to_be_bytes(ethertype));
            frame.0.extend(payload);
            for (tpid, vid, dei) in tags.into_iter().filter(|(_, vid, _)| vid % 3 == 0) {
                frame = frame.tag(tpid, vid | u16::from(dei) << 12);
            }
            match (wire, vswitch) {
                (_, Some(vvlan)) => frame.vswitch(vvlan),
                (Some((outer, vvlan, served)), None) => frame.wire(outer, vvlan, served),
                (None, None) => frame,
            }
            .0
        })
}

fn ingress() -> impl Strategy<Value = Ingress> {
    prop_oneof![
        3 => vport().prop_map(Ingress::VPort),
        3 => Just(Ingress::Uplink),
        1 => (vport(), vvlan_id(), any::<bool>()).prop_map(|(src, vvlan, nopunt)| Ingress::Core {
            src: src.into(),
            vvlan: Vlan::new(vvlan).unwrap(),
            nopunt,
        }),
    ]
}

fn nic(commands: &[TableCommand]) -> Model {
    let mut model = Nic::new().model;
    for command in commands {
        model.apply(command);
    }
    model
}

/// What may be in the flow cache for a frame: key mask, row.
fn flow() -> impl Strategy<Value = Option<(u16, FlowRow)>> {
    let action = prop::sample::select(FlowAction::ALL);
    let teacher = prop::sample::select(Teacher::ALL);
    let port = prop_oneof![9 => 0..9_u8, 1 => Just(64)];
    let row = (action, teacher, prop::bool::weighted(0.1), port).prop_map(
        |(action, teacher, pending, port)| FlowRow {
            action,
            teacher,
            pending,
            port: PortId::new(port).unwrap(),
        },
    );
    prop::option::of((any::<u16>(), row))
}

/// Puts a flow for the frame into the cache of its V.VLAN, if it has one.
fn add_flow(model: &mut Model, ingress: &Ingress, frame: &[u8], flow: Option<(u16, FlowRow)>) {
    let decision = model.clone().decide(0, ingress, frame);
    let (Some((mask, row)), Some(vlan), Some(canonical)) =
        (flow, decision.vvlan, Canonical::new(frame, decision.strip))
    else {
        return;
    };
    let id = VVlan::try_from(vlan).ok();
    if let Some((instance, vvlan)) = id.and_then(|id| model.tables.vvlan(id)) {
        let vvlan = VVlanRow {
            cache: true,
            key_mask: mask,
            ..vvlan
        };
        model.apply(&TableCommand::VVlan(instance.into(), vvlan));
        let key = FrameKey::extract(ingress.port(), vlan, &canonical, TPID);
        model
            .tables
            .put_flow(instance, 5, key.fields.masked(mask), row);
    }
}

/// The members of the V.VLAN that a frame was decided in.
fn members(model: &Model, decision: &Decision) -> PortSet {
    let id = decision.vvlan.and_then(|vlan| VVlan::try_from(vlan).ok());
    id.and_then(|id| model.tables.vvlan(id))
        .map_or(PortSet::EMPTY, |(_, row)| row.members)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_copy_is_for_an_enabled_member_and_not_an_echo(
        commands in prop::collection::vec(command(), 0..40),
        ingress in ingress(),
        frame in frame(),
        flow in flow(),
        time in 0..64_u64,
    ) {
        let mut model = nic(&commands);
        add_flow(&mut model, &ingress, &frame, flow);
        let decision = model.decide(time, &ingress, &frame);
        let members = members(&model, &decision);
        for target in decision.targets.iter() {
            let row = model.tables.port(target);
            prop_assert!(row.enabled && members.contains(target), "{decision:?}");
            let reflects = row.is_vswitch() && row.reflect && decision.kind == Kind::Local;
            prop_assert!(ingress.port() != PortId::VPort(target) || reflects, "echo: {decision:?}");
        }
        if let Some(src) = ingress.port().vport() && decision.reason.class() == ReasonClass::Deliver {
            prop_assert!(members.contains(src), "from a stranger: {decision:?}");
        }
        prop_assert!(!(ingress == Ingress::Uplink && decision.to_uplink), "back to the wire");
        let delivers = decision.to_uplink || !decision.targets.is_empty();
        match decision.kind {
            Kind::Drop => prop_assert!(!delivers && matches!(decision.reason.class(), ReasonClass::Drop)),
            Kind::Punt => prop_assert!(!delivers && decision.reason.class() == ReasonClass::Punt),
            Kind::Local => prop_assert!(decision.targets.len() == 1 && !decision.to_uplink),
            Kind::Uplink => prop_assert!(decision.targets.is_empty() && delivers && !decision.served),
            Kind::Multicast => prop_assert!(delivers),
            Kind::Direct => prop_assert!(false, "only the firmware's own"),
        }
    }

    /// A frame of a local vPort that a reflecting switch returns reaches each member once: served by
    /// the NIC, or by the return, not both.
    #[test]
    fn a_reflected_group_frame_reaches_each_member_once(
        commands in prop::collection::vec(command(), 0..20),
        src in 0..3_u8,
        da in prop::sample::select(vec![BROADCAST, GROUP, RESIDENT]),
        external in any::<bool>(),
    ) {
        let mut model = nic(&commands);
        let id = VVlan::new(VVLAN_A).unwrap();
        let row = VVlanRow {
            members: PortSet(0b1000_0111),
            ..VVlanRow::new(Vlan::new(10).unwrap(), Mode::Auto, if external { Miss::External } else { Miss::Ignore })
        };
        let port = |number: u8| PortRow {
            enabled: true, spoofchk: true, mac: mac(number), vvlan: id.into(), ..PortRow::DISABLED
        };
        for command in [
            TableCommand::Cfg(CfgRow { tpid: TPID, reflects: true, pcp: 0, mark: None }),
            TableCommand::VVmap(VVLAN_A, VVmapRow { instance: Some(3) }),
            TableCommand::VVlan(3, row),
            TableCommand::Port(src.into(), port(src)),
            TableCommand::MacInsert(0, MacRow {
                key: key(VVLAN_A, mac(src)), target: Target::VPort(vf(src)), is_static: true,
            }),
        ] {
            model.apply(&command);
        }
        let frame = Frame::new(da, mac(src)).0;
        let first = model.decide(0, &Ingress::VPort(vf(src)), &frame);
        prop_assert_eq!(first.kind, Kind::Multicast);
        let canonical = Canonical::new(&frame, first.strip).unwrap();
        let egress = Egress::of(&first, &model.tables, PortId::Uplink).unwrap();
        let mut wire = [0; 128];
        let len = edit::write(&canonical, &egress, &mut wire).unwrap();
        let second = model.decide(0, &Ingress::Uplink, &wire[..len]);
        prop_assert!((first.targets & second.targets).is_empty(), "twice: {first:?} {second:?}");
        let (_, row) = model.tables.vvlan(id).unwrap();
        let base = match model.tables.mac(&key(VVLAN_A, da)) {
            Some(Target::Group(index)) if da != BROADCAST => {
                model.tables.group(index).vports | model.tables.all_multicast()
            }
            _ => row.members,
        };
        let expected = (base & row.members & model.tables.enabled()).without(vf(src));
        prop_assert_eq!(first.targets | second.targets, expected, "{:?} {:?}", first, second);
    }

    /// What leaves, taken apart again, is what came in.
    #[test]
    fn edit_and_strip_round_trip(
        commands in prop::collection::vec(command(), 0..20),
        ingress in ingress(),
        frame in frame(),
        flow in flow(),
    ) {
        let mut model = nic(&commands);
        add_flow(&mut model, &ingress, &frame, flow);
        let decision = model.decide(0, &ingress, &frame);
        let canonical = Canonical::new(&frame, decision.strip).unwrap();
        prop_assert_eq!(canonical.len(), decision.len);
        prop_assert_eq!(canonical.len() + decision.strip, frame.len());
        let mut out = [0xee; 256];
        for port in (0..=65).filter_map(PortId::new) {
            let Some(egress) = Egress::of(&decision, &model.tables, port) else {
                prop_assert!(!decision.delivers_to(port));
                continue;
            };
            let len = edit::write(&canonical, &egress, &mut out).unwrap();
            prop_assert_eq!(len, egress.len(canonical.len()));
            let strip = match egress {
                Egress::Core | Egress::Plain => 0,
                Egress::Vswitch { vvlan } => {
                    prop_assert_eq!(&out[12..16], &[[0x81, 0x00], vvlan.get().to_be_bytes()].concat()[..]);
                    4
                }
                Egress::Uplink { outer, vvlan, served, .. } => {
                    let outer = 5 << 13 | outer.get();
                    let inner = 5 << 13 | u16::from(served) << 12 | vvlan.get();
                    let tags = [TPID, outer, 0x8100, inner].map(u16::to_be_bytes).concat();
                    prop_assert_eq!(&out[12..20], &tags[..]);
                    8
                }
            };
            let again = Canonical::new(&out[..len], strip).unwrap();
            prop_assert_eq!(again.addresses(), canonical.addresses());
            prop_assert_eq!(&again.rest()[..canonical.rest().len()], canonical.rest());
            prop_assert!(again.rest()[canonical.rest().len()..].iter().all(|byte| *byte == 0));
            prop_assert!(len >= MIN_FRAME || egress == Egress::Core);
            prop_assert_eq!(edit::write(&canonical, &egress, &mut out[..len - 1]), None);
        }
    }

    #[test]
    fn any_bytes_are_decided(
        commands in prop::collection::vec(command(), 0..10),
        ingress in ingress(),
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut model = nic(&commands);
        let decision = model.decide(0, &ingress, &bytes);
        prop_assert!(decision.len <= bytes.len());
        for strip in [0, 4, 8] {
            if let Some(frame) = Canonical::new(&bytes, strip) {
                let _ = FrameKey::extract(ingress.port(), Vlan::default(), &frame, TPID);
            }
        }
    }

    /// The model's tables against plain maps of what was written last.
    #[test]
    fn tables_hold_what_was_written_last(commands in prop::collection::vec(command(), 0..200)) {
        let mut memory = Memory::new(N_VF);
        let mut macs: BTreeMap<MacKey, MacRow> = BTreeMap::new();
        let mut ports: BTreeMap<u16, PortRow> = BTreeMap::new();
        let mut vvmap: BTreeMap<u16, VVmapRow> = BTreeMap::new();
        let mut vvlans: BTreeMap<u16, VVlanRow> = BTreeMap::new();
        for command in &commands {
            // Dynamic entries come and go with other things: tests/flows.rs.
            let command = &match *command {
                TableCommand::MacInsert(instance, row) =>
                    TableCommand::MacInsert(instance, MacRow { is_static: true, ..row }),
                command => command,
            };
            let expected = match command {
                TableCommand::MacInsert(_, row) => match macs.insert(row.key, *row) {
                    None => Status::Ok,
                    Some(_) => Status::Updated,
                },
                TableCommand::MacDelete(key) => { macs.remove(key); Status::Ok }
                TableCommand::Port(index, row) => { ports.insert(*index, *row); Status::Ok }
                TableCommand::VVmap(index, row) => { vvmap.insert(*index, *row); Status::Ok }
                TableCommand::VVlan(index, row) => { vvlans.insert(*index, *row); Status::Ok }
                TableCommand::Cfg(_) | TableCommand::Group(..) | TableCommand::RxMode(..) => Status::Ok,
                other => unreachable!("{other:?} is not generated here"),
            };
            prop_assert_eq!(memory.apply(command), expected);
        }
        let mut found: Vec<_> = memory.macs().copied().collect();
        found.sort_by_key(|row| row.key);
        prop_assert_eq!(found, macs.into_values().collect::<Vec<_>>());
        let enabled: PortSet =
            ports.iter().filter(|(_, row)| row.enabled).map(|(index, _)| vf(*index as u8)).collect();
        prop_assert_eq!(memory.enabled(), enabled);
        for (index, row) in ports {
            prop_assert_eq!(memory.port(vf(index as u8)), row);
        }
        let ids = vvmap.keys().copied().chain([1, 4094]);
        for id in ids.filter_map(VVlan::new) {
            let instance = vvmap.get(&id.get()).and_then(|row| row.instance);
            let blank = VVlanRow::new(Vlan::default(), Mode::Veb, Miss::Ignore);
            let row = instance.map(|i| (i, vvlans.get(&i.into()).copied().unwrap_or(blank)));
            prop_assert_eq!(memory.vvlan(id), row);
        }
    }
}

#[test]
fn rows_that_do_not_exist_are_refused() {
    let mut memory = Memory::new(N_VF);
    let blank = VVlanRow::new(Vlan::default(), Mode::Veb, Miss::Ignore);
    for command in [
        TableCommand::Port(N_VF.into(), PortRow::DISABLED),
        TableCommand::Port(256, PortRow::DISABLED),
        TableCommand::VVmap(4096, VVmapRow::default()),
        TableCommand::VVlan(64, blank),
        TableCommand::Group(256, GroupRow::default()),
        TableCommand::RxMode(8 * u16::from(N_VF), RxModeRow::default()),
    ] {
        assert_eq!(memory.apply(&command), Status::BadIndex, "{command:?}");
    }
}

#[test]
fn a_traced_status_is_followed_or_questioned() {
    let mut model = Model::new(N_VF);
    let row = MacRow {
        key: key(VVLAN_A, mac(1)),
        target: Target::VPort(vf(1)),
        is_static: true,
    };
    let traced = |command: TableCommand, status| {
        let (op, table, index, data) = command.encode();
        Traced {
            op,
            table,
            index,
            data,
            key: FlowKeyWords::default(),
            status,
            time: 0,
        }
    };
    let insert = |status| traced(TableCommand::MacInsert(0, row), status);
    let delete = |status| traced(TableCommand::MacDelete(row.key), status);
    assert!(model.replay(&insert(Status::Full)).is_ok());
    assert_eq!(model.tables.mac_row(&row.key), None);
    assert!(model.clone().replay(&insert(Status::Updated)).is_err());
    assert!(model.clone().replay(&delete(Status::Ok)).is_ok());
    assert!(model.replay(&insert(Status::Ok)).is_ok());
    assert_eq!(model.tables.mac_row(&row.key), Some(&row));
    assert!(model.clone().replay(&insert(Status::Full)).is_err());
    assert!(model.clone().replay(&insert(Status::Ok)).is_err());
    assert!(model.clone().replay(&delete(Status::NotFound)).is_err());
    assert!(model.replay(&delete(Status::Denied)).is_ok());
    assert_eq!(model.tables.mac_row(&row.key), Some(&row));
    let lookup = Traced {
        op: Op::Lookup,
        ..delete(Status::NotFound)
    };
    assert!(model.replay(&lookup).is_ok());
    assert!(model.replay(&delete(Status::Ok)).is_ok());
    assert_eq!(model.tables.mac_row(&row.key), None);
}
