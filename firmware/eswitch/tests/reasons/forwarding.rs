// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where accepted frames go.

use hairpin_abi::*;
use hairpin_eswitch::Ingress;

use super::*;

pub(super) fn unicast() -> Vec<Case> {
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

pub(super) fn groups() -> Vec<Case> {
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
