// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Every reason of the decision, reached by a frame of its own.

#[path = "../common/mod.rs"]
mod common;
mod flows;
mod forwarding;
mod ingress;
mod listens;

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
        ingress::ingress_of_a_vport(),
        ingress::ingress_of_the_uplink(),
        listens::cases(),
        forwarding::unicast(),
        forwarding::groups(),
        flows::hits(),
        flows::misses(),
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
