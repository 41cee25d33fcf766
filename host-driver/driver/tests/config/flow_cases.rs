// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Wrong flows and their errors.

/// After a V.VLAN 1 with the flow cache, keys of port, EtherType, both IP addresses, protocol and both L4 ports, at
/// most four flows (lines 2 to 7), a V.VLAN 2 without (8 to 10), and vPorts vf0 in 1 and vf1 in 2 (11 to 18); `[[flow]]` is
/// line 19.
pub(crate) const FLOWS: &str = "version = 1
[[vvlan]]
id = 1
vlan = 1
cache = true
key-fields = [\"src\", \"ethertype\", \"ip-src\", \"ip-dst\", \"proto\", \"sport\", \"dport\"]
flow-quota = 4
[[vvlan]]
id = 2
vlan = 2
[[vport]]
name = \"vf0\"
vvlan = 1
spoofchk = false
[[vport]]
name = \"vf1\"
vvlan = 2
spoofchk = false
[[flow]]
";

/// Code, field, line and the keys of a wrong flow.
pub(crate) const WRONG_FLOWS: &[(&str, &str, usize, &str)] = &[
    ("missing-key", "flow[0].vvlan", 19, "action = \"drop\"\n"),
    ("bad-vvlan", "flow[0].vvlan", 20, "vvlan = 0\n"),
    ("unknown-vvlan", "flow[0].vvlan", 20, "vvlan = 3\n"),
    ("without-cache", "flow[0].vvlan", 20, "vvlan = 2\n"),
    ("unknown-key", "flow[0].mask", 21, "vvlan = 1\nmask = 3\n"),
    (
        "unknown-port",
        "flow[0].from",
        21,
        "vvlan = 1\nfrom = \"vf5\"\n",
    ),
    (
        "unknown-port",
        "flow[0].from",
        21,
        "vvlan = 1\nfrom = \"core\"\n",
    ),
    (
        "not-a-member",
        "flow[0].from",
        21,
        "vvlan = 1\nfrom = \"vf1\"\n",
    ),
    ("bad-mac", "flow[0].da", 21, "vvlan = 1\nda = \"02:00\"\n"),
    (
        "bad-mac",
        "flow[0].sa",
        21,
        "vvlan = 1\nsa = \"00:00:00:00:00:00\"\n",
    ),
    (
        "bad-flow-field",
        "flow[0].ethertype",
        21,
        "vvlan = 1\nethertype = \"ip\"\n",
    ),
    (
        "bad-flow-field",
        "flow[0].ethertype",
        21,
        "vvlan = 1\nethertype = 65536\n",
    ),
    (
        "bad-value",
        "flow[0].ethertype",
        21,
        "vvlan = 1\nethertype = true\n",
    ),
    (
        "bad-flow-field",
        "flow[0].proto",
        21,
        "vvlan = 1\nproto = 256\n",
    ),
    (
        "bad-flow-field",
        "flow[0].ip-src",
        21,
        "vvlan = 1\nip-src = \"10.0.0.0/8\"\n",
    ),
    ("bad-sport", "flow[0].sport", 21, "vvlan = 1\nsport = -1\n"),
    (
        "missing-field",
        "flow[0].from",
        19,
        "vvlan = 1\nethertype = \"arp\"\naction = \"drop\"\n",
    ),
    (
        "not-in-key",
        "flow[0].da",
        22,
        "vvlan = 1\nfrom = \"vf0\"\nda = \"02:00:00:00:00:01\"\nethertype = \"arp\"\n",
    ),
    (
        "contradiction",
        "flow[0].proto",
        23,
        "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\nproto = \"tcp\"\n",
    ),
    (
        "contradiction",
        "flow[0].ip-dst",
        24,
        "vvlan = 1\nfrom = \"uplink\"\nethertype = \"ipv4\"\nip-src = \"10.0.0.1\"\nip-dst = \"fd00::1\"\n\
         proto = 89\n",
    ),
    (
        "missing-key",
        "flow[0].action",
        19,
        "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\n",
    ),
    (
        "bad-action",
        "flow[0].action",
        23,
        "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\naction = \"forward\"\n",
    ),
    (
        "missing-field",
        "flow[0].port",
        19,
        "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\naction = \"redirect\"\n",
    ),
    (
        "not-a-member",
        "flow[0].port",
        24,
        "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\naction = \"redirect\"\nport = \"vf1\"\n",
    ),
    (
        "contradiction",
        "flow[0].port",
        24,
        "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\naction = \"drop\"\nport = \"vf0\"\n",
    ),
    (
        "duplicate-flow",
        "flow[1]",
        24,
        "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\naction = \"drop\"\n[[flow]]\nvvlan = 1\nfrom = \"vf0\"\n\
         ethertype = 0x0806\naction = \"local\"\n",
    ),
    (
        "too-many-flows",
        "flow[4]",
        40,
        "vvlan = 1\nfrom = \"vf0\"\nethertype = 1\naction = \"drop\"\n[[flow]]\nvvlan = 1\nfrom = \"vf0\"\n\
         ethertype = 2\naction = \"drop\"\n[[flow]]\nvvlan = 1\nfrom = \"vf0\"\nethertype = 3\naction = \"drop\"\n\
         [[flow]]\nvvlan = 1\nfrom = \"vf0\"\nethertype = 4\naction = \"drop\"\n\n[[flow]]\nvvlan = 1\n\
         from = \"vf0\"\nethertype = 5\naction = \"drop\"\n",
    ),
];
