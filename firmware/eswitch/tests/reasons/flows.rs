// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What entries of the flow cache do to frames, and when they do nothing.

use hairpin_abi::*;
use hairpin_eswitch::Ingress;

use super::*;

const fn row(action: FlowAction) -> FlowRow {
    FlowRow::new(action, Teacher::Flow)
}

fn redirect(port: u8) -> FlowRow {
    FlowRow {
        port: PortId::new(port).unwrap(),
        ..row(FlowAction::Redirect)
    }
}

/// A frame of vf0, and the NIC with a flow for it.
fn out(da: MacAddr, row: FlowRow, miss: Miss) -> (Nic, Ingress, Frame) {
    let frame = Frame::new(da, mac(0));
    let nic = Nic::new().vvlan(VVLAN_A, |row| row.miss = miss);
    (nic.flow(vf(0).into(), &frame, row), from_vf(0), frame)
}

/// A frame from the uplink, and the NIC with a flow for it.
fn back(da: MacAddr, sa: MacAddr, row: FlowRow, miss: Miss) -> (Nic, Ingress, Frame) {
    let frame = Frame::new(da, sa);
    let nic = Nic::new().vvlan(VVLAN_A, |row| row.miss = miss);
    let nic = nic.flow(PortId::Uplink, &frame, row);
    (nic, Ingress::Uplink, frame.wire(10, VVLAN_A, false))
}

pub(super) fn hits() -> Vec<Case> {
    use FlowAction::{Drop, Local, Punt, Uplink};
    use Reason::*;
    let refuse = |(nic, ingress, frame), reason| drop(nic, ingress, frame, reason);
    let firmware = |(nic, ingress, frame), reason| punt(nic, ingress, frame, reason);
    let wire = |(nic, ingress, frame), reason| uplink(nic, ingress, frame, reason);
    let to = |(nic, ingress, frame), reason, port| local(nic, ingress, frame, reason, port);
    let again = |(nic, _, frame): (Nic, Ingress, Frame), nopunt| (nic, core(0, nopunt), frame);
    let reflecting =
        |(nic, ingress, frame): (Nic, Ingress, Frame)| (nic.reflects(), ingress, frame);
    let (local_row, drop_row, punt_row, wire_row) = (row(Local), row(Drop), row(Punt), row(Uplink));
    let mut cases = vec![
        refuse(out(mac(1), drop_row, Miss::Ignore), FlowDrop),
        refuse(out(BROADCAST, drop_row, Miss::Ignore), FlowDrop),
        refuse(back(mac(1), STRANGER, drop_row, Miss::Ignore), FlowDrop),
        // Also what comes back from a switch that reflects.
        refuse(
            reflecting(back(mac(1), mac(0), drop_row, Miss::Drop)),
            FlowDrop,
        ),
        firmware(out(mac(1), punt_row, Miss::Drop), FlowPunt),
        firmware(again(out(mac(1), punt_row, Miss::Drop), false), FlowPunt),
        to(again(out(mac(1), punt_row, Miss::Drop), true), FlowHit, 1),
        firmware(back(mac(1), STRANGER, punt_row, Miss::Drop), FlowPunt),
        wire(out(mac(1), wire_row, Miss::Drop), FlowUplink),
        wire(out(BROADCAST, wire_row, Miss::Ignore), FlowUplink),
        refuse(back(mac(1), STRANGER, wire_row, Miss::Ignore), SamePort),
        to(out(mac(1), redirect(2), Miss::Drop), FlowRedirect, 2),
        to(out(BROADCAST, redirect(2), Miss::Ignore), FlowRedirect, 2),
        to(
            back(STRANGER, mac(9), redirect(2), Miss::Drop),
            FlowRedirect,
            2,
        ),
        refuse(out(mac(1), redirect(0), Miss::Ignore), SamePort),
        refuse(out(mac(1), redirect(3), Miss::Ignore), EgressNotMember),
        refuse(out(mac(1), redirect(4), Miss::Ignore), EgressNotMember),
        refuse(out(mac(1), redirect(64), Miss::Ignore), EgressNotMember),
        refuse(back(mac(1), mac(0), redirect(0), Miss::Ignore), SamePort),
        refuse(back(mac(1), mac(0), redirect(1), Miss::Ignore), SourceLocal),
        to(
            reflecting(back(mac(1), mac(0), redirect(1), Miss::Drop)),
            FlowRedirect,
            1,
        ),
        to(out(mac(1), local_row, Miss::Drop), FlowHit, 1),
        to(out(mac(1), local_row, Miss::External), FlowHit, 1),
        to(out(mac(1), local_row, Miss::Slowpath), FlowHit, 1),
        to(
            back(mac(1), STRANGER, local_row, Miss::Slowpath),
            FlowHit,
            1,
        ),
        to(
            back(STRANGER, mac(9), local_row, Miss::Drop),
            DefaultVswitch,
            7,
        ),
        wire(out(STRANGER, local_row, Miss::Drop), UnknownUplink),
        refuse(out(mac(0), local_row, Miss::External), SamePort),
    ];
    let (nic, ingress, frame) = out(BROADCAST, local_row, Miss::External);
    cases.push(group(
        nic,
        ingress,
        frame,
        GroupLocal,
        &[1, 2, 7],
        Some(true),
    ));
    let (nic, ingress, frame) = back(GROUP, STRANGER, local_row, Miss::Drop);
    cases.push(group(
        nic,
        ingress,
        frame,
        GroupMembers,
        &[0, 1, 2, 7],
        None,
    ));
    // A software switch's unknown machine is learned first.
    let frame = Frame::new(BROADCAST, mac(7));
    let nic = Nic::new().flow(vf(7).into(), &frame, local_row);
    cases.push(punt(nic, from_vf(7), frame.vswitch(VVLAN_A), Learn));
    // The V.VLAN's mask decides what a key is.
    let mask = KeyField::Destination.bit();
    let mut nic = Nic::new().vvlan(VVLAN_A, |row| {
        (row.cache, row.key_mask, row.flow_quota) = (true, mask, 1);
    });
    let full = FlowKey {
        src: vf(2).into(),
        vvlan: Vlan::new(VVLAN_A).unwrap(),
        da: mac(1),
        sa: mac(2),
        ethertype: 0x0800,
        ip: IpFields {
            is_v6: true,
            src: 1,
            dst: 2,
            proto: 6,
            sport: 3,
            dport: 4,
        },
    };
    for command in TableCommand::stage(&full.masked(mask)) {
        nic.apply(command);
    }
    nic.apply(TableCommand::FlowInsert(3, drop_row));
    cases.push(drop(nic, from_vf(0), Frame::new(mac(1), mac(0)), FlowDrop));
    cases
}

pub(super) fn misses() -> Vec<Case> {
    use Reason::*;
    let drop_row = row(FlowAction::Drop);
    let hit = || out(mac(1), drop_row, Miss::Ignore);
    let vvlan = |change: fn(&mut VVlanRow)| {
        let (nic, ingress, frame) = hit();
        local(nic.vvlan(VVLAN_A, change), ingress, frame, MacHit, 1)
    };
    let with = |row| {
        let (nic, ingress, frame) = out(mac(1), row, Miss::Ignore);
        local(nic, ingress, frame, MacHit, 1)
    };
    let learned = FlowRow::new(FlowAction::Drop, Teacher::Learned);
    // A cut IPv4 header has no key.
    let cut = || Frame::new(mac(1), mac(0)).ethertype(0x0800);
    let acl = |acl: bool, miss: Miss| {
        let nic = Nic::new().flow(vf(0).into(), &cut(), drop_row);
        nic.vvlan(VVLAN_A, |row| (row.acl, row.miss) = (acl, miss))
    };
    let up = || cut().wire(10, VVLAN_A, false);
    let from_local = || {
        let frame = Frame::new(mac(1), mac(2)).ethertype(0x0800);
        frame.wire(10, VVLAN_A, false)
    };
    let (nic, ingress, _) = hit();
    let mut cases = vec![
        vvlan(|row| row.cache = false),
        vvlan(|row| row.key_mask = 0),
        with(FlowRow {
            pending: true,
            ..drop_row
        }),
        // Another source address, another flow.
        local(
            nic.port(0, |row| row.spoofchk = false),
            ingress,
            Frame::new(mac(1), mac(9)),
            MacHit,
            1,
        ),
        punt(acl(true, Miss::Ignore), from_vf(0), cut(), MissSlowpath),
        punt(acl(true, Miss::Drop), from_vf(0), cut(), MissSlowpath),
        local(acl(true, Miss::Ignore), core(0, true), cut(), MacHit, 1),
        uplink(
            acl(true, Miss::Ignore).reflects(),
            from_vf(0),
            cut(),
            MissExternal,
        ),
        punt(
            acl(true, Miss::Ignore),
            Ingress::Uplink,
            from_local(),
            MissSlowpath,
        ),
        local(
            acl(true, Miss::Ignore).reflects(),
            Ingress::Uplink,
            from_local(),
            MacHit,
            1,
        ),
        local(acl(false, Miss::Ignore), from_vf(0), cut(), MacHit, 1),
        drop(acl(false, Miss::Drop), from_vf(0), cut(), MissDrop),
        drop(acl(false, Miss::Drop), Ingress::Uplink, up(), MissDrop),
    ];
    // What was learned does not count for group addresses, nor where the NIC switches by address.
    let (nic, ingress, frame) = out(mac(1), learned, Miss::Ignore);
    cases.push(drop(nic, ingress, frame, FlowDrop));
    let (nic, ingress, frame) = out(mac(1), learned, Miss::Ignore);
    let nic = nic.vvlan(VVLAN_A, |row| row.mode = Mode::Veb);
    cases.push(local(nic, ingress, frame, MacHit, 1));
    let (nic, ingress, frame) = out(mac(1), drop_row, Miss::Ignore);
    let nic = nic.vvlan(VVLAN_A, |row| row.mode = Mode::Veb);
    cases.push(drop(nic, ingress, frame, FlowDrop));
    let (nic, ingress, frame) = out(BROADCAST, learned, Miss::Ignore);
    cases.push(group(
        nic,
        ingress,
        frame,
        GroupLocal,
        &[1, 2, 7],
        Some(true),
    ));
    cases
}
