// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Checks of ingress, vPorts and uplink.

use hairpin_abi::*;
use hairpin_eswitch::Ingress;

use super::*;

pub(super) fn ingress_of_a_vport() -> Vec<Case> {
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

pub(super) fn ingress_of_the_uplink() -> Vec<Case> {
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
