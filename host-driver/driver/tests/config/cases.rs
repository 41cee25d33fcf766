// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Wrong configurations and their errors.

/// Code, field, line and text of a wrong configuration. Line 1 is always `version = 1`.
pub(crate) const WRONG: &[(&str, &str, usize, &str)] = &[
    ("config-syntax", "", 2, "version = 1\nageing-time = = 3\n"),
    ("config-syntax", "version", 2, "version = 1\nversion = 1\n"),
    (
        "unknown-key",
        "agieng-time",
        2,
        "version = 1\nagieng-time = 300\n",
    ),
    (
        "unknown-key",
        "uplink.mtu",
        3,
        "version = 1\n[uplink]\nmtu = 9000\n",
    ),
    (
        "unknown-key",
        "vport[0].colour",
        5,
        "version = 1\n\n[[vport]]\nname = \"vf0\"\ncolour = 1\n",
    ),
    (
        "unknown-key",
        "vport[1].Mac",
        5,
        "version = 1\n[[vport]]\nname = \"vf0\"\n[[vport]]\nMac = 1\n",
    ),
    (
        "bad-value",
        "ageing-time",
        2,
        "version = 1\nageing-time = \"long\"\n",
    ),
    (
        "bad-value",
        "vvlan[0].mode",
        5,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\nmode = \"vebb\"\n",
    ),
    ("bad-value", "vvlan", 2, "version = 1\nvvlan = 3\n"),
    (
        "bad-value",
        "vport[0].vvlans[1]",
        4,
        "version = 1\n[[vport]]\nname = \"vf0\"\nvvlans = [1, \"x\"]\n",
    ),
    ("missing-key", "version", 1, "ageing-time = 300\n"),
    ("bad-version", "version", 1, "version = 2\n"),
    (
        "bad-ageing-time",
        "ageing-time",
        2,
        "version = 1\nageing-time = 9\n",
    ),
    (
        "bad-ageing-time",
        "ageing-time",
        2,
        "version = 1\nageing-time = -1\n",
    ),
    (
        "bad-ageing-time",
        "ageing-time",
        2,
        "version = 1\nageing-time = 801\n",
    ),
    (
        "bad-flow-idle-time",
        "flow-idle-time",
        3,
        "version = 1\n\nflow-idle-time = -1\n",
    ),
    (
        "bad-flow-idle-time",
        "flow-idle-time",
        2,
        "version = 1\nflow-idle-time = 801\n",
    ),
    (
        "without-cache",
        "vvlan[0].key-fields",
        5,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\nkey-fields = [\"da\"]\n",
    ),
    (
        "without-cache",
        "vvlan[0].flow-quota",
        6,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\ncache = false\nflow-quota = 4\n",
    ),
    (
        "bad-key-fields",
        "vvlan[0].key-fields[1]",
        6,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\ncache = true\nkey-fields = [\"da\", \"from\"]\n",
    ),
    (
        "bad-key-fields",
        "vvlan[0].key-fields",
        6,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\ncache = true\nkey-fields = []\n",
    ),
    (
        "duplicate-key-field",
        "vvlan[0].key-fields[2]",
        6,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\ncache = true\nkey-fields = [\"da\", \"sa\", \"da\"]\n",
    ),
    (
        "bad-flow-quota",
        "vvlan[0].flow-quota",
        6,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\ncache = true\nflow-quota = 1\n",
    ),
    (
        "bad-flow-quota",
        "vvlan[0].flow-quota",
        6,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\ncache = true\nflow-quota = 65536\n",
    ),
    (
        "bad-tpid",
        "uplink.tpid",
        3,
        "version = 1\n[uplink]\ntpid = 0x0800\n",
    ),
    (
        "bad-tpid",
        "uplink.tpid",
        3,
        "version = 1\n[uplink]\ntpid = 65536\n",
    ),
    (
        "bad-pcp",
        "uplink.pcp",
        3,
        "version = 1\n[uplink]\npcp = 8\n",
    ),
    (
        "vlan-not-allowed",
        "uplink.vlan",
        3,
        "version = 1\n[uplink]\nvlan = 5\n",
    ),
    (
        "missing-key",
        "uplink.vlan",
        3,
        "version = 1\n[uplink]\nvlan-mode = \"independent\"\n",
    ),
    (
        "bad-vlan",
        "uplink.vlan",
        4,
        "version = 1\n[uplink]\nvlan-mode = \"independent\"\nvlan = 0\n",
    ),
    (
        "vlan-not-allowed",
        "vvlan[0].vlan",
        4,
        "version = 1\nuplink = { vlan-mode = \"independent\", vlan = 7 }\n[[vvlan]]\nvlan = 3\nid = 9\n",
    ),
    (
        "vlan-not-allowed",
        "vvlan[0].accept",
        4,
        "version = 1\nuplink = { vlan-mode = \"independent\", vlan = 7 }\n[[vvlan]]\naccept = [3]\nid = 9\n",
    ),
    (
        "missing-key",
        "vvlan[0].vlan",
        2,
        "version = 1\n[[vvlan]]\nid = 1\n",
    ),
    (
        "missing-key",
        "vvlan[0].id",
        2,
        "version = 1\n[[vvlan]]\nvlan = 1\n",
    ),
    (
        "bad-vvlan",
        "vvlan[0].id",
        3,
        "version = 1\n[[vvlan]]\nid = 0\nvlan = 1\n",
    ),
    (
        "bad-vvlan",
        "vvlan[0].id",
        3,
        "version = 1\n[[vvlan]]\nid = 4095\nvlan = 1\n",
    ),
    (
        "bad-vvlan",
        "vvlan[0].id",
        3,
        "version = 1\n[[vvlan]]\nid = -1\nvlan = 1\n",
    ),
    (
        "bad-vlan",
        "vvlan[0].vlan",
        4,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 4095\n",
    ),
    (
        "bad-vlan",
        "vvlan[0].accept[1]",
        5,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\naccept = [2, 0]\n",
    ),
    (
        "duplicate-vlan",
        "vvlan[0].accept[2]",
        5,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\naccept = [1, 2, 1]\n",
    ),
    (
        "too-many-accept",
        "vvlan[0].accept",
        5,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\naccept = [1, 2, 3, 4, 5, 6]\n",
    ),
    (
        "duplicate-vvlan",
        "vvlan[1].id",
        6,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\n[[vvlan]]\nid = 1\nvlan = 2\n",
    ),
    (
        "mode-miss",
        "vvlan[0].miss",
        5,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\nmiss = \"external\"\n",
    ),
    (
        "mode-miss",
        "vvlan[0].miss",
        6,
        "version = 1\n[uplink]\nreflects = true\n[[vvlan]]\nid = 1\nmiss = \"ignore\"\nmode = \"vepa\"\nvlan = 1\n",
    ),
    (
        "needs-reflects",
        "vvlan[0].mode",
        5,
        "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\nmode = \"vepa\"\n",
    ),
    (
        "needs-reflects",
        "vvlan[0].miss",
        5,
        "version = 1\n[[vvlan]]\nid = 1\nmode = \"auto\"\nmiss = \"external\"\nvlan = 1\n",
    ),
    (
        "missing-key",
        "vport[0].name",
        2,
        "version = 1\n[[vport]]\nvvlan = 1\n",
    ),
    (
        "bad-vport-name",
        "vport[0].name",
        3,
        "version = 1\n[[vport]]\nname = \"eth0\"\n",
    ),
    (
        "bad-vport-name",
        "vport[0].name",
        3,
        "version = 1\n[[vport]]\nname = \"vf01\"\n",
    ),
    (
        "too-many-vfs",
        "vport[0].name",
        3,
        "version = 1\n[[vport]]\nname = \"vf64\"\n",
    ),
    (
        "too-many-vfs",
        "vport[0].name",
        3,
        "version = 1\n[[vport]]\nname = \"vf99999999999999999999\"\n",
    ),
];

/// The same, after two V.VLANs (1 and 2, lines 2 to 7) and the vPort vf0 in V.VLAN 1 with MAC
/// 02:00:00:00:00:01 (lines 8 to 11).
pub(crate) const WRONG_MORE: &[(&str, &str, usize, &str)] = &[
    (
        "too-many-vfs",
        "vport[1].name",
        13,
        "[[vport]]\nname = \"vf8\"\nvvlan = 1\nspoofchk = false\n",
    ),
    (
        "duplicate-vport",
        "vport[1].name",
        13,
        "[[vport]]\nname = \"vf0\"\nvvlan = 2\n",
    ),
    (
        "missing-key",
        "vport[1].vvlan",
        12,
        "[[vport]]\nname = \"vf1\"\n",
    ),
    (
        "unknown-vvlan",
        "vport[1].vvlan",
        14,
        "[[vport]]\nname = \"vf1\"\nvvlan = 3\n",
    ),
    (
        "bad-vvlan",
        "vport[1].vvlan",
        14,
        "[[vport]]\nname = \"vf1\"\nvvlan = 4095\n",
    ),
    (
        "wrong-role",
        "vport[1].vvlans",
        14,
        "[[vport]]\nname = \"vf1\"\nvvlans = [1]\n",
    ),
    (
        "wrong-role",
        "vport[1].reflect",
        14,
        "[[vport]]\nname = \"vf1\"\nreflect = true\nvvlan = 1\n",
    ),
    (
        "wrong-role",
        "vport[1].vvlan",
        14,
        "[[vport]]\nname = \"vf1\"\nvvlan = 1\nrole = \"vswitch\"\n",
    ),
    (
        "missing-key",
        "vport[1].vvlans",
        12,
        "[[vport]]\nname = \"vf1\"\nrole = \"vswitch\"\n",
    ),
    (
        "missing-key",
        "vport[1].vvlans",
        14,
        "[[vport]]\nname = \"vf1\"\nvvlans = []\nrole = \"vswitch\"\n",
    ),
    (
        "duplicate-vvlan",
        "vport[1].vvlans[1]",
        14,
        "[[vport]]\nname = \"vf1\"\nvvlans = [1, 1]\nrole = \"vswitch\"\n",
    ),
    (
        "unknown-vvlan",
        "vport[1].vvlans[0]",
        14,
        "[[vport]]\nname = \"vf1\"\nvvlans = [9]\nrole = \"vswitch\"\n",
    ),
    (
        "two-vswitches",
        "vport[2].name",
        17,
        "[[vport]]\nname = \"vf1\"\nvvlans = [1]\nrole = \"vswitch\"\n[[vport]]\nname = \"vf2\"\nvvlans = [2, 1]\nrole = \"vswitch\"\n",
    ),
    (
        "mac-required",
        "vport[1].mac",
        12,
        "[[vport]]\nname = \"vf1\"\nvvlan = 1\n",
    ),
    (
        "mac-required",
        "vport[1].spoofchk",
        15,
        "[[vport]]\nname = \"vf1\"\nvvlan = 1\nspoofchk = true\n",
    ),
    (
        "bad-mac",
        "vport[1].mac",
        15,
        "[[vport]]\nname = \"vf1\"\nvvlan = 1\nmac = \"02:00:00\"\n",
    ),
    (
        "bad-mac",
        "vport[1].mac",
        15,
        "[[vport]]\nname = \"vf1\"\nvvlan = 1\nmac = \"00:00:00:00:00:00\"\n",
    ),
    (
        "group-mac",
        "vport[1].mac",
        15,
        "[[vport]]\nname = \"vf1\"\nvvlan = 1\nmac = \"03:00:00:00:00:01\"\n",
    ),
    (
        "duplicate-mac",
        "vport[1].mac",
        15,
        "[[vport]]\nname = \"vf1\"\nvvlan = 1\nmac = \"02-00-00-00-00-01\"\n",
    ),
    (
        "bad-max-macs",
        "vport[1].max-macs",
        14,
        "[[vport]]\nname = \"vf1\"\nmax-macs = 256\nspoofchk = false\nvvlan = 1\n",
    ),
    (
        "bad-max-macs",
        "vport[1].max-macs",
        14,
        "[[vport]]\nname = \"vf1\"\nmax-macs = 0\nspoofchk = false\nvvlan = 1\n",
    ),
    (
        "missing-key",
        "vport[1].broadcast-burst",
        14,
        "[[vport]]\nname = \"vf1\"\nbroadcast-burst = 5\nvvlan = 1\n",
    ),
    (
        "missing-key",
        "vport[1].broadcast-interval",
        14,
        "[[vport]]\nname = \"vf1\"\nbroadcast-interval = 8\nvvlan = 1\n",
    ),
    (
        "bad-broadcast-burst",
        "vport[1].broadcast-burst",
        14,
        "[[vport]]\nname = \"vf1\"\nbroadcast-burst = 0\nbroadcast-interval = 8\nvvlan = 1\n",
    ),
    (
        "bad-broadcast-interval",
        "vport[1].broadcast-interval",
        15,
        "[[vport]]\nname = \"vf1\"\nbroadcast-burst = 1\nbroadcast-interval = 6\nvvlan = 1\n",
    ),
    (
        "bad-broadcast-interval",
        "vport[1].broadcast-interval",
        15,
        "[[vport]]\nname = \"vf1\"\nbroadcast-burst = 1\nbroadcast-interval = 1\nvvlan = 1\n",
    ),
    (
        "missing-key",
        "fdb[0].vvlan",
        12,
        "[[fdb]]\nmac = \"02:00:00:00:00:09\"\nport = \"vf0\"\n",
    ),
    (
        "missing-key",
        "fdb[0].mac",
        12,
        "[[fdb]]\nvvlan = 1\nport = \"vf0\"\n",
    ),
    (
        "missing-key",
        "fdb[0].port",
        12,
        "[[fdb]]\nvvlan = 1\nmac = \"02:00:00:00:00:09\"\n",
    ),
    (
        "unknown-port",
        "fdb[0].port",
        15,
        "[[fdb]]\nvvlan = 1\nmac = \"02:00:00:00:00:09\"\nport = \"vf3\"\n",
    ),
    (
        "unknown-vvlan",
        "fdb[0].vvlan",
        13,
        "[[fdb]]\nvvlan = 3\nmac = \"02:00:00:00:00:09\"\nport = \"vf0\"\n",
    ),
    (
        "not-a-member",
        "fdb[0].port",
        15,
        "[[fdb]]\nvvlan = 2\nmac = \"02:00:00:00:00:09\"\nport = \"vf0\"\n",
    ),
    (
        "group-mac",
        "fdb[0].mac",
        14,
        "[[fdb]]\nvvlan = 1\nmac = \"01:00:5e:00:00:09\"\nport = \"vf0\"\n",
    ),
    (
        "duplicate-mac",
        "fdb[0].mac",
        14,
        "[[fdb]]\nvvlan = 1\nmac = \"02:00:00:00:00:01\"\nport = \"vf0\"\n",
    ),
    (
        "bad-group-mac",
        "group[0].mac",
        14,
        "[[group]]\nvvlan = 1\nmac = \"02:00:00:00:00:09\"\nports = [\"vf0\"]\n",
    ),
    (
        "bad-group-mac",
        "group[0].mac",
        14,
        "[[group]]\nvvlan = 1\nmac = \"ff:ff:ff:ff:ff:ff\"\nports = [\"vf0\"]\n",
    ),
    (
        "bad-group-mac",
        "group[0].mac",
        14,
        "[[group]]\nvvlan = 1\nmac = \"01:80:c2:00:00:0e\"\nports = [\"vf0\"]\n",
    ),
    (
        "duplicate-mac",
        "group[1].mac",
        18,
        "[[group]]\nvvlan = 1\nmac = \"01:00:5e:00:00:09\"\nports = [\"vf0\"]\n[[group]]\nvvlan = 1\nmac = \"01:00:5e:00:00:09\"\nports = [\"vf0\"]\n",
    ),
    (
        "empty-group",
        "group[0].ports",
        15,
        "[[group]]\nvvlan = 1\nmac = \"01:00:5e:00:00:09\"\nports = []\n",
    ),
    (
        "duplicate-port",
        "group[0].ports[1]",
        15,
        "[[group]]\nvvlan = 1\nmac = \"01:00:5e:00:00:09\"\nports = [\"vf0\", \"vf0\"]\n",
    ),
    (
        "unknown-port",
        "group[0].ports[0]",
        15,
        "[[group]]\nvvlan = 1\nmac = \"01:00:5e:00:00:09\"\nports = [\"uplink\"]\n",
    ),
    (
        "missing-key",
        "group[0].ports",
        12,
        "[[group]]\nvvlan = 1\nmac = \"01:00:5e:00:00:09\"\n",
    ),
];

pub(crate) const BASE: &str = "version = 1\n[[vvlan]]\nid = 1\nvlan = 1\n[[vvlan]]\nid = 2\nvlan = 2\n\
                    [[vport]]\nname = \"vf0\"\nvvlan = 1\nmac = \"02:00:00:00:00:01\"\n";

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
    ("unknown-port", "flow[0].from", 21, "vvlan = 1\nfrom = \"vf5\"\n"),
    ("unknown-port", "flow[0].from", 21, "vvlan = 1\nfrom = \"core\"\n"),
    ("not-a-member", "flow[0].from", 21, "vvlan = 1\nfrom = \"vf1\"\n"),
    ("bad-mac", "flow[0].da", 21, "vvlan = 1\nda = \"02:00\"\n"),
    ("bad-mac", "flow[0].sa", 21, "vvlan = 1\nsa = \"00:00:00:00:00:00\"\n"),
    ("bad-flow-field", "flow[0].ethertype", 21, "vvlan = 1\nethertype = \"ip\"\n"),
    ("bad-flow-field", "flow[0].ethertype", 21, "vvlan = 1\nethertype = 65536\n"),
    ("bad-value", "flow[0].ethertype", 21, "vvlan = 1\nethertype = true\n"),
    ("bad-flow-field", "flow[0].proto", 21, "vvlan = 1\nproto = 256\n"),
    ("bad-flow-field", "flow[0].ip-src", 21, "vvlan = 1\nip-src = \"10.0.0.0/8\"\n"),
    ("bad-sport", "flow[0].sport", 21, "vvlan = 1\nsport = -1\n"),
    ("missing-field", "flow[0].from", 19, "vvlan = 1\nethertype = \"arp\"\naction = \"drop\"\n"),
    ("not-in-key", "flow[0].da", 22, "vvlan = 1\nfrom = \"vf0\"\nda = \"02:00:00:00:00:01\"\nethertype = \"arp\"\n"),
    ("contradiction", "flow[0].proto", 23, "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\nproto = \"tcp\"\n"),
    (
        "contradiction",
        "flow[0].ip-dst",
        24,
        "vvlan = 1\nfrom = \"uplink\"\nethertype = \"ipv4\"\nip-src = \"10.0.0.1\"\nip-dst = \"fd00::1\"\n\
         proto = 89\n",
    ),
    ("missing-key", "flow[0].action", 19, "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\n"),
    ("bad-action", "flow[0].action", 23, "vvlan = 1\nfrom = \"vf0\"\nethertype = \"arp\"\naction = \"forward\"\n"),
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
