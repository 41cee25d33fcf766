// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Wrong configurations and captures, and what the error has to say.

use crate::capture::{Pcap, frame};

/// A change to the demo's configuration that makes it wrong.
pub(super) struct Config {
    pub(super) name: &'static str,
    /// What is replaced, and by what; the error must be in the line of the last of these words.
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) at: &'static str,
    pub(super) code: &'static str,
    pub(super) field: &'static str,
    pub(super) says: &'static str,
    pub(super) fix: &'static str,
}

pub(super) const CONFIGS: &[Config] = &[
    Config {
        name: "an unknown key",
        from: "spoofchk = true",
        to: "spoofcheck = true",
        at: "spoofcheck",
        code: "unknown-key",
        field: "vport[0].spoofcheck",
        says: "spoofcheck",
        fix: "spoofchk",
    },
    Config {
        name: "a duplicate vPort",
        from: "name = \"vf1\"",
        to: "name = \"vf0\" # again",
        at: "# again",
        code: "duplicate-vport",
        field: "vport[1].name",
        says: "vf0 is already there",
        fix: "once",
    },
    Config {
        name: "a duplicate MAC in a V.VLAN",
        from: "02:00:00:00:0a:01",
        to: "02:00:00:00:0A:00",
        at: "0A:00",
        code: "duplicate-mac",
        field: "vport[1].mac",
        says: "02:00:00:00:0a:00 is already in V.VLAN 100: vport[0].mac",
        fix: "once",
    },
    Config {
        name: "V.VLAN 0",
        from: "id = 100",
        to: "id = 0 # none",
        at: "# none",
        code: "bad-vvlan",
        field: "vvlan[0].id",
        says: "0 is not a V.VLAN ID",
        fix: "1 to 4094",
    },
    Config {
        name: "V.VLAN 4095",
        from: "id = 200",
        to: "id = 4095",
        at: "id = 4095",
        code: "bad-vvlan",
        field: "vvlan[1].id",
        says: "4095 is not a V.VLAN ID",
        fix: "1 to 4094",
    },
    Config {
        name: "a group MAC on a vPort",
        from: "02:00:00:00:0b:01",
        to: "03:00:00:00:0b:01",
        at: "03:00",
        code: "group-mac",
        field: "vport[3].mac",
        says: "03:00:00:00:0b:01 is a group address",
        fix: "unicast",
    },
    Config {
        name: "mode and miss that do not go together",
        from: "vlan = 10\nmode = \"veb\"",
        to: "vlan = 10\nmode = \"veb\"\nmiss = \"external\"",
        at: "miss = ",
        code: "mode-miss",
        field: "vvlan[0].miss",
        says: "external",
        fix: "ignore",
    },
    Config {
        name: "mode vepa beside a switch that does not reflect",
        from: "vlan = 20\nmode = \"veb\"",
        to: "vlan = 20\nmode = \"vepa\"",
        at: "mode = \"vepa\"",
        code: "needs-reflects",
        field: "vvlan[1].mode",
        says: "reflects is false",
        fix: "reflects = true",
    },
    Config {
        name: "more VFs than the NIC has",
        from: "name = \"vf3\"",
        to: "name = \"vf9\"",
        at: "vf9",
        code: "too-many-vfs",
        field: "vport[3].name",
        says: "8 VFs",
        fix: "vf7",
    },
    Config {
        name: "more VFs than any NIC has",
        from: "name = \"vf3\"",
        to: "name = \"vf64\"",
        at: "vf64",
        code: "too-many-vfs",
        field: "vport[3].name",
        says: "no NIC has a VF 64",
        fix: "vf63",
    },
    Config {
        name: "broken syntax",
        from: "spoofchk = false",
        to: "spoofchk = = false",
        at: "= = false",
        code: "config-syntax",
        field: "",
        says: "extra `=`",
        fix: "TOML",
    },
];

/// A capture that cannot be played.
pub(super) struct Capture {
    pub(super) name: &'static str,
    pub(super) bytes: fn() -> Vec<u8>,
    pub(super) code: &'static str,
    pub(super) says: &'static str,
    pub(super) fix: &'static str,
}

pub(super) const CAPTURES: &[Capture] = &[
    Capture {
        name: "a truncated capture",
        bytes: || {
            let mut bytes = Pcap::ethernet().frame(&hello(60)).frame(&hello(60)).bytes();
            bytes.truncate(bytes.len() - 7);
            bytes
        },
        code: "capture-truncated",
        says: "packet 1",
        fix: "whole packets",
    },
    Capture {
        name: "a capture cut in its header",
        bytes: || Pcap::ethernet().bytes()[..20].to_vec(),
        code: "capture-truncated",
        says: "the file header",
        fix: "",
    },
    Capture {
        name: "a snapped capture",
        bytes: || {
            Pcap::ethernet()
                .frame(&hello(60))
                .snapped(&hello(96), 1514)
                .bytes()
        },
        code: "capture-snapped",
        says: "packet 1 (number 2 in Wireshark) was snapped: 96 of 1514 bytes",
        fix: "tcpdump -s 0",
    },
    Capture {
        name: "a capture that is not Ethernet",
        // Linux cooked, as `tcpdump -i any` records.
        bytes: || Pcap::new(113).frame(&hello(60)).bytes(),
        code: "capture-not-ethernet",
        says: "is not Ethernet",
        fix: "Ethernet interface",
    },
    Capture {
        name: "an oversized frame",
        bytes: || Pcap::ethernet().frame(&hello(9217)).bytes(),
        code: "capture-oversized",
        says: "packet 0 (number 1 in Wireshark) is 9217 bytes long, the port carries at most 9216",
        fix: "TSO",
    },
    Capture {
        name: "a frame without an Ethernet header",
        bytes: || Pcap::ethernet().frame(&hello(60)).frame(&[2; 13]).bytes(),
        code: "capture-too-short",
        says: "packet 1 (number 2 in Wireshark) is 13 bytes long",
        fix: "editcap",
    },
    Capture {
        name: "a file that is no capture",
        bytes: || b"GIF89a, surely not a capture".to_vec(),
        code: "capture-unknown-format",
        says: "not a pcap or pcapng file",
        fix: "tcpdump -w",
    },
    Capture {
        name: "an empty file",
        bytes: Vec::new,
        code: "capture-unknown-format",
        says: "not a pcap or pcapng file",
        fix: "tcpdump -w",
    },
];

/// A frame that the demo's configuration lets pass.
pub(super) fn hello(len: usize) -> Vec<u8> {
    frame([2, 0, 0, 0, 0x0a, 1], [2, 0, 0, 0, 0x0a, 0], len)
}
