// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What guests get that asked for more than their own address.

use hairpin_abi::*;
use hairpin_eswitch::Ingress;

use super::*;

/// vPorts of V.VLAN B, which has no vSwitch: 4, 5, and 6, which is disabled.
pub(super) fn cases() -> Vec<Case> {
    use Reason::*;
    let nic = Nic::new;
    let f = Frame::new;
    let nobody = MacAddr([2, 9, 9, 9, 9, 9]);
    let up = |sa| f(nobody, sa).wire(20, VVLAN_B, false);
    let listen = |number| nic().asked(number, [true, false], true);
    let both = || listen(4).asked(5, [true, false], true);
    let foreign = || nic().port(0, |row| row.trust = true);
    let from = || f(mac(1), STRANGER);
    vec![
        group(
            listen(4),
            Ingress::Uplink,
            up(STRANGER),
            Promiscuous,
            &[4],
            None,
        ),
        group(
            both().asked(6, [true, false], true),
            Ingress::Uplink,
            up(STRANGER),
            Promiscuous,
            &[4, 5],
            None,
        ),
        // Not trusted, or of another V.VLAN, or it asked for groups only.
        drop(
            nic().asked(4, [true, false], false),
            Ingress::Uplink,
            up(STRANGER),
            UnknownUnicast,
        ),
        drop(listen(0), Ingress::Uplink, up(STRANGER), UnknownUnicast),
        drop(
            nic().asked(4, [false, true], true),
            Ingress::Uplink,
            up(STRANGER),
            UnknownUnicast,
        ),
        // Not what it sent itself.
        drop(
            listen(4).reflects(),
            Ingress::Uplink,
            up(mac(4)),
            UnknownUnicast,
        ),
        group(
            both().reflects(),
            Ingress::Uplink,
            up(mac(4)),
            Promiscuous,
            &[5],
            None,
        ),
        drop(both(), Ingress::Uplink, up(mac(4)), SourceLocal),
        // A vSwitch knows better.
        local(
            listen(1),
            Ingress::Uplink,
            f(nobody, STRANGER).wire(10, VVLAN_A, false),
            DefaultVswitch,
            7,
        ),
        uplink(listen(4), from_vf(5), f(nobody, mac(5)), UnknownUplink),
        local(both(), from_vf(5), f(mac(4), mac(5)), MacHit, 4),
        // A group has members 1, 3 and 4; 3 is disabled, 4 of another V.VLAN.
        group(
            nic().asked(2, [false, true], true),
            from_vf(0),
            f(RESIDENT, mac(0)),
            GroupLocal,
            &[1, 2],
            Some(true),
        ),
        group(
            nic().asked(2, [true, false], true),
            from_vf(0),
            f(RESIDENT, mac(0)),
            GroupLocal,
            &[1],
            Some(true),
        ),
        group(
            nic().asked(2, [false, true], false),
            from_vf(0),
            f(RESIDENT, mac(0)),
            GroupLocal,
            &[1],
            Some(true),
        ),
        // A trusted vPort sends from the addresses that lead to it.
        local(
            foreign().entry(STRANGER, Target::VPort(vf(0))),
            from_vf(0),
            from(),
            MacHit,
            1,
        ),
        drop(foreign(), from_vf(0), from(), SourceMac),
        drop(
            foreign().entry(STRANGER, Target::VPort(vf(2))),
            from_vf(0),
            from(),
            SourceMac,
        ),
        drop(
            foreign().entry(STRANGER, Target::Group(9)),
            from_vf(0),
            from(),
            SourceMac,
        ),
        drop(
            nic().entry(STRANGER, Target::VPort(vf(0))),
            from_vf(0),
            from(),
            SourceMac,
        ),
        drop(
            foreign().vvlan(VVLAN_A, |row| row.members = row.members.without(vf(0))),
            from_vf(0),
            from(),
            IngressNotMember,
        ),
    ]
}
