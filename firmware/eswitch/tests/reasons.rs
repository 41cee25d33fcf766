// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Every reason of the decision, reached by a frame of its own.

mod common;

use std::collections::BTreeSet;

use common::*;
use hairpin_abi::ids::PortSet;
use hairpin_abi::reason::ReasonSource;
use hairpin_abi::*;
use hairpin_eswitch::{Ingress, Kind};

struct Case {
    nic: Nic,
    ingress: Ingress,
    frame: Frame,
    kind: Kind,
    reason: Reason,
    targets: PortSet,
    /// A copy to the uplink, with this served bit.
    uplink: Option<bool>,
}

fn from_vf(number: u8) -> Ingress {
    Ingress::VPort(vf(number))
}

fn core(src: u8, nopunt: bool) -> Ingress {
    Ingress::Core {
        src: vf(src).into(),
        vvlan: Vlan::new(VVLAN_A).unwrap(),
        nopunt,
    }
}

fn drop(nic: Nic, ingress: Ingress, frame: Frame, reason: Reason) -> Case {
    Case {
        nic,
        ingress,
        frame,
        kind: Kind::Drop,
        reason,
        targets: PortSet::EMPTY,
        uplink: None,
    }
}

fn punt(nic: Nic, ingress: Ingress, frame: Frame, reason: Reason) -> Case {
    Case {
        kind: Kind::Punt,
        ..drop(nic, ingress, frame, reason)
    }
}

fn local(nic: Nic, ingress: Ingress, frame: Frame, reason: Reason, target: u8) -> Case {
    Case {
        kind: Kind::Local,
        targets: set(&[target]),
        ..drop(nic, ingress, frame, reason)
    }
}

fn uplink(nic: Nic, ingress: Ingress, frame: Frame, reason: Reason) -> Case {
    Case {
        kind: Kind::Uplink,
        uplink: Some(false),
        ..drop(nic, ingress, frame, reason)
    }
}

fn group(
    nic: Nic,
    ingress: Ingress,
    frame: Frame,
    reason: Reason,
    targets: &[u8],
    uplink: Option<bool>,
) -> Case {
    let case = drop(nic, ingress, frame, reason);
    Case {
        kind: Kind::Multicast,
        targets: set(targets),
        uplink,
        ..case
    }
}

fn ingress_of_a_vport() -> Vec<Case> {
    use Reason::*;
    let nic = Nic::new;
    let f = Frame::new;
    let ok = || f(mac(1), mac(0));
    let tags = |tags| nic().port(0, |row| row.tags = tags);
    let group_source = MacAddr([3, 0, 0, 0, 0, 0]);
    vec![
        drop(nic(), from_vf(3), f(mac(1), mac(3)), PortDisabled),
        drop(
            nic().port(7, |row| row.enabled = false),
            from_vf(7),
            ok(),
            PortDisabled,
        ),
        drop(nic(), core(3, true), f(mac(1), mac(3)), PortDisabled),
        drop(nic(), from_vf(7), ok(), VswitchTag),
        drop(nic(), from_vf(7), ok().tag(0x88a8, VVLAN_A), VswitchTag),
        drop(
            nic().port(0, |row| row.spoofchk = false),
            from_vf(0),
            f(mac(1), group_source),
            SourceGroup,
        ),
        drop(nic(), from_vf(0), f(mac(1), mac(2)), SourceMac),
        drop(nic(), core(0, true), f(mac(1), mac(2)), SourceMac),
        drop(nic(), from_vf(0), ok().tag(0x8100, 0), TagNotAllowed),
        drop(nic(), from_vf(0), ok().tag(0x9100, 0), TagNotAllowed),
        drop(nic(), from_vf(0), ok().tag(TPID, 7), TagNotAllowed),
        local(
            tags(Tags::Priority),
            from_vf(0),
            ok().tag(0x8100, 0xe000),
            MacHit,
            1,
        ),
        drop(
            tags(Tags::Priority),
            from_vf(0),
            ok().tag(0x8100, 1),
            TagNotAllowed,
        ),
        drop(
            tags(Tags::Priority),
            from_vf(0),
            ok().tag(0x88a8, 0),
            TagNotAllowed,
        ),
        drop(
            tags(Tags::Priority),
            from_vf(0),
            ok().tag(0x8100, 0).tag(0x8100, 0),
            TagNotAllowed,
        ),
        local(
            tags(Tags::Vlans),
            from_vf(0),
            ok().tag(0x8100, 5).tag(0x8100, 6),
            MacHit,
            1,
        ),
        drop(
            tags(Tags::Vlans),
            from_vf(0),
            ok().tag(0x88a8, 5).tag(0x8100, 6),
            TagNotAllowed,
        ),
        drop(
            tags(Tags::Vlans),
            from_vf(0),
            ok().tag(0x8100, 5).tag(0x88a8, 6),
            TagNotAllowed,
        ),
        drop(
            tags(Tags::Vlans),
            from_vf(0),
            ok().tag(0x9100, 5).tag(0x8100, 6).tag(0x8100, 7),
            TagNotAllowed,
        ),
        local(
            tags(Tags::All),
            from_vf(0),
            ok().tag(0x9100, 5).tag(0x8100, 6).tag(TPID, 7),
            MacHit,
            1,
        ),
        drop(
            nic(),
            from_vf(0),
            f(MacAddr([1, 0x80, 0xc2, 0, 0, 0]), mac(0)),
            ReservedAddress,
        ),
        drop(
            nic(),
            from_vf(0),
            f(MacAddr([1, 0x80, 0xc2, 0, 0, 15]), mac(0)),
            ReservedAddress,
        ),
        drop(nic(), from_vf(0), ok().ethertype(0x8808), ReservedEthertype),
        drop(
            nic(),
            core(0, true),
            ok().ethertype(0x8808),
            ReservedEthertype,
        ),
        drop(
            tags(Tags::Vlans),
            from_vf(0),
            ok().ethertype(0x88b5).tag(0x8100, 1).tag(0x8100, 1),
            ReservedEthertype,
        ),
        drop(
            nic(),
            from_vf(7),
            f(mac(1), mac(7)).vswitch(300),
            VvlanUnknown,
        ),
        drop(
            nic(),
            from_vf(7),
            f(mac(1), mac(7)).vswitch(0),
            VvlanUnknown,
        ),
        drop(
            nic(),
            from_vf(7),
            f(mac(1), mac(7)).vswitch(4095),
            VvlanUnknown,
        ),
        drop(
            nic(),
            from_vf(7),
            f(mac(4), mac(7)).vswitch(VVLAN_B),
            IngressNotMember,
        ),
        drop(
            nic().port(0, |row| (row.meter_shift, row.meter_burst) = (4, 0)),
            from_vf(0),
            f(BROADCAST, mac(0)),
            Meter,
        ),
    ]
}

fn ingress_of_the_uplink() -> Vec<Case> {
    use Reason::*;
    let nic = Nic::new;
    let f = Frame::new;
    let ok = || f(mac(1), STRANGER);
    let wire = |frame: Frame| frame.wire(10, VVLAN_A, false);
    let group_source = MacAddr([3, 0, 0, 0, 0, 0]);
    vec![
        drop(nic(), Ingress::Uplink, ok().ethertype(0x8808), MacControl),
        drop(
            nic(),
            Ingress::Uplink,
            f(MacAddr::NEAREST_BRIDGE, STRANGER).ethertype(0x8808),
            MacControl,
        ),
        punt(
            nic(),
            Ingress::Uplink,
            f(MacAddr::NEAREST_BRIDGE, STRANGER).ethertype(0x88cc),
            Control,
        ),
        drop(nic(), Ingress::Uplink, ok(), Untagged),
        drop(
            nic(),
            Ingress::Uplink,
            ok().tag(0x8100, VVLAN_A).tag(0x8100, 10),
            Untagged,
        ),
        drop(nic(), Ingress::Uplink, ok().tag(TPID, 10), NoVvlan),
        drop(
            nic(),
            Ingress::Uplink,
            ok().tag(0x88a8, VVLAN_A).tag(TPID, 10),
            NoVvlan,
        ),
        drop(
            nic(),
            Ingress::Uplink,
            wire(f(mac(1), group_source)),
            SourceGroup,
        ),
        drop(
            nic(),
            Ingress::Uplink,
            wire(f(MacAddr::NEAREST_BRIDGE, STRANGER)),
            ReservedAddress,
        ),
        drop(
            nic(),
            Ingress::Uplink,
            wire(ok().ethertype(0x88b5)),
            ReservedEthertype,
        ),
        drop(
            nic(),
            Ingress::Uplink,
            ok().wire(10, 300, false),
            VvlanUnknown,
        ),
        drop(
            nic(),
            Ingress::Uplink,
            ok().wire(20, VVLAN_A, false),
            VlanPair,
        ),
        drop(
            nic(),
            Ingress::Uplink,
            ok().wire(0, VVLAN_A, false),
            VlanPair,
        ),
        local(
            nic(),
            Ingress::Uplink,
            ok().wire(0xe00b, VVLAN_A, true),
            MacHit,
            1,
        ),
    ]
}

fn unicast() -> Vec<Case> {
    use Reason::*;
    let nic = Nic::new;
    let f = Frame::new;
    let up = |da, sa| f(da, sa).wire(10, VVLAN_A, false);
    let miss = |miss| nic().vvlan(VVLAN_A, |row| row.miss = miss);
    let reflect = || {
        nic()
            .entry(mac(7), Target::VPort(vf(7)))
            .port(7, |row| row.reflect = true)
    };
    vec![
        drop(miss(Miss::Drop), from_vf(0), f(mac(1), mac(0)), MissDrop),
        drop(miss(Miss::Drop), core(0, true), f(mac(1), mac(0)), MissDrop),
        drop(
            miss(Miss::Drop),
            Ingress::Uplink,
            up(mac(1), STRANGER),
            MissDrop,
        ),
        drop(
            miss(Miss::Drop),
            Ingress::Uplink,
            up(mac(1), mac(0)),
            MissDrop,
        ),
        local(
            miss(Miss::Drop).reflects(),
            Ingress::Uplink,
            up(mac(1), mac(0)),
            MacHit,
            1,
        ),
        punt(
            miss(Miss::Slowpath),
            from_vf(0),
            f(mac(1), mac(0)),
            MissSlowpath,
        ),
        punt(
            miss(Miss::Slowpath),
            core(0, false),
            f(mac(1), mac(0)),
            MissSlowpath,
        ),
        local(
            miss(Miss::Slowpath),
            core(0, true),
            f(mac(1), mac(0)),
            MacHit,
            1,
        ),
        punt(
            miss(Miss::Slowpath),
            Ingress::Uplink,
            up(mac(1), STRANGER),
            MissSlowpath,
        ),
        local(
            miss(Miss::Slowpath).reflects(),
            Ingress::Uplink,
            up(mac(1), mac(0)),
            MacHit,
            1,
        ),
        punt(
            nic(),
            from_vf(7),
            f(STRANGER, mac(7)).vswitch(VVLAN_A),
            Learn,
        ),
        punt(
            nic(),
            from_vf(7),
            f(RESIDENT, mac(7)).vswitch(VVLAN_A),
            Learn,
        ),
        punt(
            nic().entry(mac(7), Target::Group(1)),
            from_vf(7),
            f(STRANGER, mac(7)).vswitch(VVLAN_A),
            Learn,
        ),
        punt(nic(), core(7, false), f(BROADCAST, mac(7)), Learn),
        local(
            nic(),
            from_vf(7),
            f(mac(1), mac(7)).vswitch(VVLAN_A),
            MacHit,
            1,
        ),
        uplink(nic(), core(7, true), f(STRANGER, mac(7)), UnknownUplink),
        uplink(
            miss(Miss::External),
            from_vf(0),
            f(mac(1), mac(0)),
            MissExternal,
        ),
        uplink(
            miss(Miss::External),
            from_vf(0),
            f(mac(0), mac(0)),
            MissExternal,
        ),
        uplink(nic(), from_vf(0), f(STRANGER, mac(0)), UnknownUplink),
        uplink(
            nic().entry(STRANGER, Target::Group(1)),
            from_vf(0),
            f(STRANGER, mac(0)),
            UnknownUplink,
        ),
        local(nic(), from_vf(0), f(mac(1), mac(0)), MacHit, 1),
        local(
            miss(Miss::External),
            Ingress::Uplink,
            up(mac(1), STRANGER),
            MacHit,
            1,
        ),
        local(
            nic(),
            Ingress::Uplink,
            up(STRANGER, MacAddr([2, 9, 9, 9, 9, 9])),
            DefaultVswitch,
            7,
        ),
        drop(
            nic(),
            Ingress::Uplink,
            f(STRANGER, MacAddr([2, 9, 9, 9, 9, 9])).wire(20, VVLAN_B, false),
            UnknownUnicast,
        ),
        drop(nic(), from_vf(0), f(mac(0), mac(0)), SamePort),
        drop(nic(), Ingress::Uplink, up(mac(0), mac(0)), SamePort),
        drop(
            nic().reflects(),
            Ingress::Uplink,
            up(mac(0), mac(0)),
            SamePort,
        ),
        local(
            reflect(),
            from_vf(7),
            f(mac(7), mac(7)).vswitch(VVLAN_A),
            MacHit,
            7,
        ),
        local(
            reflect().reflects(),
            Ingress::Uplink,
            up(mac(7), mac(7)),
            MacHit,
            7,
        ),
        drop(reflect(), Ingress::Uplink, up(mac(7), mac(7)), SourceLocal),
        drop(
            nic().port(0, |row| row.reflect = true),
            from_vf(0),
            f(mac(0), mac(0)),
            SamePort,
        ),
        drop(nic(), Ingress::Uplink, up(mac(1), mac(0)), SourceLocal),
        drop(nic(), Ingress::Uplink, up(STRANGER, mac(0)), SourceLocal),
        drop(nic(), from_vf(0), f(mac(3), mac(0)), EgressNotMember),
        drop(
            nic().entry(STRANGER, Target::VPort(vf(4))),
            from_vf(0),
            f(STRANGER, mac(0)),
            EgressNotMember,
        ),
        drop(
            nic().entry(STRANGER, Target::VPort(vf(60))),
            Ingress::Uplink,
            up(STRANGER, MacAddr([2, 9, 9, 9, 9, 9])),
            EgressNotMember,
        ),
        drop(
            nic().port(7, |row| row.enabled = false),
            Ingress::Uplink,
            up(STRANGER, mac(8)),
            EgressNotMember,
        ),
    ]
}

fn groups() -> Vec<Case> {
    use Reason::*;
    let nic = Nic::new;
    let f = Frame::new;
    let up = |da, sa, served| f(da, sa).wire(10, VVLAN_A, served);
    let external = || {
        nic()
            .reflects()
            .vvlan(VVLAN_A, |row| row.miss = Miss::External)
    };
    vec![
        group(
            nic(),
            from_vf(0),
            f(BROADCAST, mac(0)),
            GroupLocal,
            &[1, 2, 7],
            Some(true),
        ),
        group(
            nic(),
            from_vf(0),
            f(GROUP, mac(0)),
            GroupLocal,
            &[1, 2, 7],
            Some(true),
        ),
        group(
            nic(),
            from_vf(0),
            f(RESIDENT, mac(0)),
            GroupLocal,
            &[1],
            Some(true),
        ),
        group(
            nic(),
            from_vf(1),
            f(RESIDENT, mac(1)),
            GroupLocal,
            &[],
            Some(true),
        ),
        group(
            nic(),
            core(7, true),
            f(BROADCAST, mac(7)),
            GroupLocal,
            &[0, 1, 2],
            Some(true),
        ),
        group(
            nic().reflects(),
            from_vf(0),
            f(BROADCAST, mac(0)),
            GroupLocal,
            &[1, 2, 7],
            Some(true),
        ),
        group(
            nic().reflects(),
            from_vf(0),
            f(RESIDENT, mac(0)),
            GroupLocal,
            &[1],
            Some(true),
        ),
        group(
            nic().reflects(),
            from_vf(0),
            f(GROUP, mac(0)),
            GroupUplink,
            &[],
            Some(false),
        ),
        group(
            external(),
            from_vf(0),
            f(BROADCAST, mac(0)),
            GroupUplink,
            &[],
            Some(false),
        ),
        group(
            external(),
            from_vf(0),
            f(RESIDENT, mac(0)),
            GroupUplink,
            &[],
            Some(false),
        ),
        group(
            nic().entry(BROADCAST, Target::Group(9)),
            from_vf(0),
            f(BROADCAST, mac(0)),
            GroupLocal,
            &[1, 2, 7],
            Some(true),
        ),
        group(
            nic(),
            Ingress::Uplink,
            up(BROADCAST, STRANGER, false),
            GroupMembers,
            &[0, 1, 2, 7],
            None,
        ),
        group(
            nic(),
            Ingress::Uplink,
            up(GROUP, STRANGER, true),
            GroupMembers,
            &[0, 1, 2, 7],
            None,
        ),
        group(
            nic(),
            Ingress::Uplink,
            up(RESIDENT, STRANGER, true),
            GroupMembers,
            &[1],
            None,
        ),
        group(
            nic().entry(STRANGER, Target::Group(9)),
            Ingress::Uplink,
            up(RESIDENT, STRANGER, true),
            GroupMembers,
            &[1],
            None,
        ),
        drop(
            nic(),
            Ingress::Uplink,
            up(BROADCAST, mac(0), false),
            SourceLocal,
        ),
        drop(
            nic().reflects(),
            Ingress::Uplink,
            up(BROADCAST, mac(0), true),
            AlreadyServed,
        ),
        group(
            nic().reflects(),
            Ingress::Uplink,
            up(GROUP, mac(0), false),
            GroupReturn,
            &[1, 2, 7],
            None,
        ),
        drop(
            nic().reflects(),
            Ingress::Uplink,
            up(RESIDENT, mac(1), false),
            NoReceiver,
        ),
        drop(
            nic().port(1, |row| row.enabled = false),
            Ingress::Uplink,
            up(RESIDENT, STRANGER, false),
            NoReceiver,
        ),
    ]
}

fn firmware_and_stores() -> Vec<Case> {
    let f = || Frame::new(mac(1), mac(0));
    let nic = Nic::new;
    let mut cases = vec![
        Case {
            kind: Kind::Direct,
            targets: set(&[4]),
            ..drop(
                nic(),
                Ingress::Direct { port: vf(4).into() },
                f(),
                Reason::Injected,
            )
        },
        Case {
            kind: Kind::Direct,
            uplink: Some(false),
            ..drop(
                nic(),
                Ingress::Direct {
                    port: PortId::Uplink,
                },
                f(),
                Reason::Injected,
            )
        },
        drop(
            nic(),
            Ingress::Core {
                src: PortId::Uplink,
                vvlan: Vlan::new(VVLAN_A).unwrap(),
                nopunt: true,
            },
            f(),
            Reason::PuntRefused,
        ),
        drop(nic(), from_vf(0), Frame(f().0[..59].to_vec()), Reason::Runt),
        drop(nic(), Ingress::Uplink, Frame(Vec::new()), Reason::Runt),
    ];
    for info in REASONS {
        let core = info.source == ReasonSource::Firmware;
        if info.class == ReasonClass::Drop && (core || info.source == ReasonSource::Ingress) {
            let ingress = Ingress::Tombstone {
                src: vf(0).into(),
                reason: info.reason,
                core,
            };
            cases.push(drop(nic(), ingress, f(), info.reason));
        }
    }
    cases
}

#[test]
fn every_reason_is_given_where_it_should() {
    let mut reached = BTreeSet::new();
    let groups_of_cases = [
        ingress_of_a_vport(),
        ingress_of_the_uplink(),
        unicast(),
        groups(),
        firmware_and_stores(),
    ];
    for (group, cases) in groups_of_cases.into_iter().enumerate() {
        for (number, mut case) in cases.into_iter().enumerate() {
            let decision = case.nic.model.decide(0, &case.ingress, &case.frame.0);
            let context = format!(
                "group {group} case {number}: {:?} {decision:?}",
                case.ingress
            );
            assert_eq!(
                (decision.kind, decision.reason),
                (case.kind, case.reason),
                "{context}"
            );
            assert_eq!(decision.targets, case.targets, "{context}");
            assert_eq!(
                decision.to_uplink.then_some(decision.served),
                case.uplink,
                "{context}"
            );
            reached.insert(decision.reason);
        }
    }
    let decidable: BTreeSet<_> = REASONS
        .iter()
        .filter(|r| r.source != ReasonSource::Egress)
        .map(|r| r.reason)
        .collect();
    assert_eq!(
        reached, decidable,
        "left: reached, right: all that are decided"
    );
}

#[test]
fn the_vvlan_is_known_as_soon_as_it_can_be_read() {
    let decide = |ingress, frame: Frame| {
        let decision = Nic::new().model.decide(0, &ingress, &frame.0);
        (
            decision.vvlan.map(Vlan::get),
            decision.instance,
            decision.strip,
            decision.len,
        )
    };
    let f = || Frame::new(mac(1), mac(3));
    assert_eq!(decide(from_vf(3), f()), (Some(100), Some(3), 0, 60));
    assert_eq!(
        decide(from_vf(7), f().vswitch(200)),
        (Some(200), Some(4), 4, 60)
    );
    assert_eq!(
        decide(from_vf(7), f().vswitch(300)),
        (Some(300), None, 4, 60)
    );
    assert_eq!(decide(from_vf(7), f()), (None, None, 0, 60));
    assert_eq!(
        decide(Ingress::Uplink, f().wire(99, 200, true)),
        (Some(200), Some(4), 8, 60)
    );
    assert_eq!(decide(Ingress::Uplink, f()), (None, None, 0, 60));
}

#[test]
fn a_meter_token_is_taken_only_by_a_group_frame_that_passed_every_check_before() {
    let mut nic = Nic::new().port(0, |row| (row.meter_shift, row.meter_burst) = (63, 1));
    let mut reason = |ingress, frame: Frame| nic.model.decide(7, &ingress, &frame.0).reason;
    assert_eq!(
        reason(from_vf(0), Frame::new(mac(1), mac(0))),
        Reason::MacHit
    );
    assert_eq!(
        reason(from_vf(0), Frame::new(BROADCAST, mac(1))),
        Reason::SourceMac
    );
    assert_eq!(
        reason(core(0, true), Frame::new(BROADCAST, mac(0))),
        Reason::GroupLocal
    );
    assert_eq!(
        reason(from_vf(0), Frame::new(BROADCAST, mac(0))),
        Reason::GroupLocal
    );
    assert_eq!(
        reason(from_vf(0), Frame::new(BROADCAST, mac(0))),
        Reason::Meter
    );
    let mut nic = nic.port(0, |_| {});
    let decision = nic
        .model
        .decide(7, &from_vf(0), &Frame::new(GROUP, mac(0)).0);
    assert_eq!(
        decision.reason,
        Reason::GroupLocal,
        "a written row fills the bucket"
    );
}
