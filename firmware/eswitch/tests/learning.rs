// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Which frames teach a flow.

mod common;

use common::{BROADCAST, Frame, N_VF, Nic, RESIDENT, STRANGER, TPID, VVLAN_A, VVLAN_B, mac, vf};
use hairpin_abi::peer::{Mark, MarkField};
use hairpin_abi::{CfgRow, FlowAction, FlowRow, KeyField, Mode, PortId, TableCommand, Teacher};
use hairpin_eswitch::{Decision, Ingress};

const MARK: Mark = Mark::DEFAULT;

/// V.VLAN 100 has a flow cache, and an adjacent switch that reflects and marks.
fn nic(mark: Mark) -> Nic {
    let mut nic = Nic::new().vvlan(VVLAN_A, |row| {
        row.cache = true;
        row.mode = Mode::Vepa;
        row.key_mask = KeyField::MASK_ALL;
    });
    nic.apply(TableCommand::Cfg(CfgRow {
        tpid: TPID,
        reflects: true,
        pcp: 5,
        mark: Some(mark),
    }));
    nic
}

fn ask(nic: &mut Nic, ingress: Ingress, frame: &Frame) -> Decision {
    nic.model.decide(0, &ingress, &frame.0)
}

fn teaches(nic: &mut Nic, frame: &Frame) -> bool {
    ask(nic, Ingress::Uplink, frame).teaches
}

/// From vf0 to vf1, back from the switch with the mark.
fn lesson() -> Frame {
    Frame::new(mac(1), mac(0)).wire(10 | 1 << 12, VVLAN_A, false)
}

#[test]
fn a_marked_frame_between_vports_teaches_and_is_delivered_as_before() {
    let decision = ask(&mut nic(MARK), Ingress::Uplink, &lesson());
    assert!(decision.teaches);
    assert_eq!(decision.targets, common::set(&[1]));
    assert!(!decision.delivers_to(PortId::Core));
    // So does one that came in by the other outer VLAN, and one that says `served`.
    let other = Frame::new(mac(1), mac(0)).wire(11 | 1 << 12, VVLAN_A, true);
    assert!(teaches(&mut nic(MARK), &other));
}

#[test]
fn other_frames_teach_nothing() {
    let wire = |da, sa| Frame::new(da, sa).wire(10 | 1 << 12, VVLAN_A, false);
    let third = Frame::new(mac(1), mac(0))
        .tag(0x8100, 1)
        .tag(0x8100, 2)
        .tag(0x8100, 3)
        .wire(10 | 1 << 12, VVLAN_A, false);
    let frames = [
        Frame::new(mac(1), mac(0)).wire(10, VVLAN_A, false),
        wire(BROADCAST, mac(0)),
        wire(RESIDENT, mac(0)),
        // To the vSwitch, because nobody is known to have the address.
        wire(STRANGER, mac(0)),
        wire(mac(1), STRANGER),
        // Back to where it came from, to a vPort that is down, by a wrong outer VLAN, in another V.VLAN.
        wire(mac(0), mac(0)),
        wire(mac(3), mac(0)),
        Frame::new(mac(1), mac(0)).wire(20 | 1 << 12, VVLAN_A, false),
        Frame::new(mac(5), mac(4)).wire(20 | 1 << 12, VVLAN_B, false),
        third,
    ];
    for (number, frame) in frames.iter().enumerate() {
        assert!(!teaches(&mut nic(MARK), frame), "frame {number}");
    }
    // The same bytes from a vPort: it has no mark there.
    for vport in (0..N_VF).map(vf) {
        let ingress = Ingress::VPort(vport);
        assert!(!ask(&mut nic(MARK), ingress, &lesson()).teaches);
    }
}

#[test]
fn the_v_vlan_and_the_switch_have_to_be_ready_for_it() {
    assert!(!teaches(
        &mut nic(MARK).vvlan(VVLAN_A, |row| row.cache = false),
        &lesson()
    ));
    assert!(!teaches(
        &mut nic(MARK).vvlan(VVLAN_A, |row| row.mode = Mode::Veb),
        &lesson()
    ));
    // Nobody could ask the ACL.
    assert!(!teaches(
        &mut nic(MARK).vvlan(VVLAN_A, |row| row.acl = true),
        &lesson()
    ));
    // Without a mark, or one that does not reflect.
    assert!(!teaches(&mut nic(MARK).reflects(), &lesson()));
    let silent = CfgRow {
        tpid: TPID,
        reflects: false,
        pcp: 5,
        mark: Some(MARK),
    };
    let mut nic = nic(MARK);
    nic.apply(TableCommand::Cfg(silent));
    assert!(!teaches(&mut nic, &lesson()));
}

#[test]
fn a_frame_that_hits_teaches_nothing_new() {
    let frame = Frame::new(mac(1), mac(0));
    for pending in [false, true] {
        let row = FlowRow {
            pending,
            ..FlowRow::new(FlowAction::Local, Teacher::Flow)
        };
        let mut nic = nic(MARK).flow(PortId::Uplink, &frame, row);
        assert_eq!(teaches(&mut nic, &lesson()), pending);
    }
}

#[test]
fn every_field_of_the_tags_may_be_the_mark() {
    let frame = |outer: u16, inner: u16| {
        Frame::new(mac(1), mac(0))
            .tag(0x8100, VVLAN_A | inner)
            .tag(TPID, 10 | outer)
    };
    let outer = Mark::new(MarkField::OuterPcp, 6, 4, 2).unwrap();
    assert!(teaches(&mut nic(outer), &frame(0x8000, 0)));
    assert!(teaches(&mut nic(outer), &frame(0xa000, 0)));
    assert!(!teaches(&mut nic(outer), &frame(0xc000, 0)));
    let inner = Mark::new(MarkField::InnerPcp, 1, 0, 1).unwrap();
    assert!(teaches(&mut nic(inner), &frame(0xe000, 0xc000)));
    assert!(!teaches(&mut nic(inner), &frame(0, 0x2000)));
}

#[test]
fn a_mark_in_the_dscp_teaches_and_is_taken_off_whichever_way_a_frame_goes() {
    let dscp = Mark::new(MarkField::Dscp, 0x0c, 0x08, 0x04).unwrap();
    let mut packet = Frame::new(mac(1), mac(0)).ethertype(0x0800);
    packet.0[14..24].copy_from_slice(&[0x45, 0x08 << 2, 0, 46, 0, 0, 0, 0, 64, 99]);
    assert!(teaches(
        &mut nic(dscp),
        &packet.clone().wire(10, VVLAN_A, false)
    ));
    let unmark = |ingress, frame: &Frame| ask(&mut nic(dscp), ingress, frame).unmark;
    let core = Ingress::Core {
        src: vf(0).into(),
        vvlan: hairpin_abi::Vlan::from_tci(VVLAN_A),
        nopunt: true,
    };
    assert_eq!(
        unmark(Ingress::Uplink, &packet.clone().wire(10, VVLAN_A, false)),
        Some(dscp)
    );
    assert_eq!(unmark(Ingress::VPort(vf(0)), &packet), Some(dscp));
    assert_eq!(unmark(core, &packet), None, "it has lost it");
    assert_eq!(unmark(Ingress::Uplink, &packet), None, "not one of ours");
    packet.0[15] = 0x04 << 2;
    assert!(!teaches(&mut nic(dscp), &packet.wire(10, VVLAN_A, false)));
    assert_eq!(ask(&mut nic(MARK), Ingress::Uplink, &lesson()).unmark, None);
}
