// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a guest asks for on its control queue, through driver, rings, firmware and tables.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hairpin_abi::{MacAddr, VPort};
use hairpin_driver::function::PciFunction;
use hairpin_driver::snapshot::AskedState;
use hairpin_driver::steer::SteerEdit;
use hairpin_driver::vfio_user::VfioUser;
use hairpin_driver::virtio::{Error, Options, Vf};
use hairpin_driver::{Device, PfBar};

use crate::frames::{CONFIG, LIMIT, MACS, frame, open, receive, send, take_with};
use crate::server::Server;

/// Addresses of nobody, and a group that was not configured.
const NEW: [u8; 6] = [2, 0, 0, 0, 0x0c, 1];
const MORE: [[u8; 6]; 2] = [[2, 0, 0, 0, 0x0c, 2], [2, 0, 0, 0, 0x0c, 3]];

fn macs(macs: &[[u8; 6]]) -> Vec<MacAddr> {
    macs.iter().map(|mac| MacAddr(*mac)).collect()
}

fn pf(server: &Server) -> Device<PfBar> {
    let function: Arc<dyn PciFunction> = Arc::new(VfioUser::open(&server.socket("pf0")).unwrap());
    function.enable().unwrap();
    Device::probe(PfBar::new(function)).unwrap()
}

/// VF 1 is trusted.
fn config() -> String {
    let own = "mac = \"02:00:00:00:0a:01\"\n";
    CONFIG.replace(own, &format!("{own}trust = true\n"))
}

fn asked(pf: &mut Device<PfBar>, vf: usize) -> AskedState {
    pf.port_states().unwrap().swap_remove(vf).asked
}

/// From another source than the VF's own.
fn from(source: &[u8; 6], to: &[u8; 6], number: u32) -> Vec<u8> {
    let mut bytes = frame(1, to, number, 80);
    bytes[6..12].copy_from_slice(source);
    bytes
}

/// All that comes until a frame with this number does.
fn until(vf: &mut Vf, last: &[u8]) -> Vec<Vec<u8>> {
    let mut seen = Vec::new();
    loop {
        seen.extend(receive(vf, 1));
        if seen.last().is_some_and(|bytes| bytes == last) {
            seen.pop();
            return seen;
        }
    }
}

fn is_refused(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Control { .. }))
}

#[test]
fn a_trusted_guest_gets_addresses_that_go_with_it() {
    let server = Server::start("", Some(&config()));
    let mut pf = pf(&server);
    let mut sender = open(&server, 0);
    let mut guest = open(&server, 1);
    assert_eq!(asked(&mut pf, 1), AskedState::default());

    // Not from an address that is not its own, nor to it.
    send(&mut guest, &from(&NEW, &MACS[0], 1));
    send(&mut sender, &frame(0, &NEW, 2, 80));
    guest.set_mac(MacAddr(NEW)).unwrap();
    guest.set_more_macs(&macs(&MORE)).unwrap();
    let mut want = macs(&[NEW, MORE[0], MORE[1]]);
    want.sort();
    let names: Vec<_> = want.iter().map(MacAddr::to_string).collect();
    assert_eq!(asked(&mut pf, 1).macs, names);

    let sent: Vec<_> = [&NEW, &MORE[0], &MORE[1], &MACS[1]]
        .map(|to| frame(0, to, 3, 80))
        .to_vec();
    for bytes in &sent {
        send(&mut sender, bytes);
    }
    assert_eq!(receive(&mut guest, 4), sent);
    let sent: Vec<_> = [&NEW, &MORE[1], &MACS[1]]
        .map(|source| from(source, &MACS[0], 4))
        .to_vec();
    for bytes in &sent {
        send(&mut guest, bytes);
    }
    assert_eq!(
        receive(&mut sender, 3),
        sent,
        "the first came before it asked"
    );

    // Somebody else's address, and more than there is room for: what it has stays.
    assert!(is_refused(&guest.set_mac(MacAddr(MACS[0]))));
    let many: Vec<_> = (0..8).map(|n| MacAddr([2, 0, 0, 0, 0x0d, n])).collect();
    assert!(is_refused(&guest.set_more_macs(&many)));
    assert_eq!(asked(&mut pf, 1).macs, names);

    // The next driver of the VF begins with what is configured.
    drop(guest);
    let mut guest = open(&server, 1);
    let start = Instant::now();
    while asked(&mut pf, 1) != AskedState::default() {
        assert!(start.elapsed() < LIMIT, "{:?}", asked(&mut pf, 1));
    }
    send(&mut sender, &frame(0, &NEW, 5, 80));
    let own = frame(0, &MACS[1], 6, 80);
    send(&mut sender, &own);
    assert_eq!(until(&mut guest, &own), Vec::<Vec<u8>>::new());
}

#[test]
fn an_untrusted_guest_gets_nothing_more() {
    let server = Server::start("", Some(&config()));
    let mut guest = open(&server, 0);
    guest.set_mac(MacAddr(MACS[0])).unwrap();
    guest.set_more_macs(&[]).unwrap();
    guest.set_promiscuous(false).unwrap();
    assert!(is_refused(&guest.set_mac(MacAddr(NEW))));
    assert!(is_refused(&guest.set_more_macs(&macs(&MORE))));
    assert!(is_refused(&guest.set_promiscuous(true)));
    assert!(is_refused(&guest.set_all_multicast(true)));
}

#[test]
fn modes_are_seen_and_end_with_the_trust() {
    let server = Server::start("", Some(&config()));
    let mut pf = pf(&server);
    let mut guest = open(&server, 1);
    guest.set_promiscuous(true).unwrap();
    guest.set_all_multicast(true).unwrap();
    let both = AskedState {
        promiscuous: true,
        all_multicast: true,
        macs: Vec::new(),
    };
    assert_eq!(asked(&mut pf, 1), both);
    guest.set_promiscuous(false).unwrap();
    assert!(!asked(&mut pf, 1).promiscuous);
    let vport = VPort::new(1).unwrap();
    let mut row = pf.read_port(vport).unwrap();
    row.trust = false;
    pf.write_port(vport, &row).unwrap();
    assert!(is_refused(&guest.set_promiscuous(true)));
}

/// With a tag of 802.1Q in front of the EtherType.
fn tagged(bytes: &[u8], tci: u16) -> Vec<u8> {
    let (addresses, rest) = bytes.split_at(12);
    [addresses, &[0x81, 0], &tci.to_be_bytes(), rest].concat()
}

#[test]
fn a_guest_gets_the_vlans_that_it_asked_for() {
    let tags = "mac = \"02:00:00:00:0a:0";
    let config = config().replace(tags, &format!("tags = \"vlans\"\n{tags}"));
    let server = Server::start("", Some(&config));
    let mut pf = pf(&server);
    let mut sender = open(&server, 0);
    assert!(matches!(sender.set_vlan(7, true), Err(Error::NotOffered)));
    let options = Options {
        vlan_filter: true,
        ..Options::default()
    };
    let connect = || VfioUser::open(&server.socket("vf1")).unwrap();
    let mut guest = take_with(connect(), &options);
    let mut filtered = 0;
    let mut number = 0;
    // Sends a frame of each VLAN, with a priority, and one without; asserts which of them come.
    let mut come = |guest: &mut Vf, want: &[u16]| {
        number += 1;
        for vlan in [0, 7, 8, 39, 4094] {
            send(
                &mut sender,
                &tagged(&frame(0, &MACS[1], number, 80), 5 << 13 | vlan),
            );
        }
        let last = frame(0, &MACS[1], number, 80);
        send(&mut sender, &last);
        let want: Vec<_> = want
            .iter()
            .map(|vlan| tagged(&last, 5 << 13 | vlan))
            .collect();
        assert_eq!(until(guest, &last), want);
        filtered += 5 - want.len() as u32;
        assert_eq!(pf.vf_status(1).unwrap().filtered, filtered);
    };
    come(&mut guest, &[0]);
    guest.set_vlan(7, true).unwrap();
    guest.set_vlan(4094, true).unwrap();
    come(&mut guest, &[0, 7, 4094]);
    guest.set_vlan(7, false).unwrap();
    guest.set_vlan(8, true).unwrap();
    come(&mut guest, &[0, 8, 4094]);
    guest.set_promiscuous(true).unwrap();
    come(&mut guest, &[0, 7, 8, 39, 4094]);
    guest.set_promiscuous(false).unwrap();
    come(&mut guest, &[0, 8, 4094]);
    assert!(is_refused(&guest.set_vlan(4095, true)));

    // The next driver begins with none; one that does not filter gets all.
    drop(guest);
    let mut guest = take_with(connect(), &options);
    come(&mut guest, &[0]);
    drop(guest);
    let mut guest = take_with(connect(), &Options::default());
    come(&mut guest, &[0, 7, 8, 39, 4094]);
}

#[test]
fn a_guest_is_asked_to_announce_itself() {
    let server = Server::start("", Some(&config()));
    let mut pf = pf(&server);
    let announce = SteerEdit::Announce(VPort::new(0).unwrap());
    let error = pf.steer(&announce).unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.field.as_deref()),
        ("cannot-announce", Some("VF"))
    );
    let mut guest = open(&server, 0);
    assert!(!guest.is_to_announce().unwrap());
    pf.steer(&announce).unwrap();
    assert!(guest.is_to_announce().unwrap());
    let wake = guest.wait(&[], Duration::from_secs(10)).unwrap();
    assert!(wake.config, "the change of the configuration interrupts");
    guest.announced().unwrap();
    assert!(!guest.is_to_announce().unwrap());
}
