// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A NIC with two tenants, and frames for it.
//!
//! | V.VLAN | instance | outer VLANs | vPorts |
//! |---|---|---|---|
//! | 100 | 3 | 10, 11 | vf0, vf1, vf2, vf3 (disabled), vf7 (vSwitch) |
//! | 200 | 4 | 20 | vf4, vf5, vf6 (disabled) |
//!
//! vf*n* has address 02:00:00:00:00:0*n*; all but vf7's and vf6's are in the MAC table.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use hairpin_abi::ids::PortSet;
use hairpin_abi::row::{MacKey, VVmapRow};
use hairpin_abi::*;
use hairpin_eswitch::model::Model;

pub const N_VF: u8 = 8;
pub const TPID: u16 = 0x88a8;
/// An address behind nobody.
pub const STRANGER: MacAddr = MacAddr([2, 0xff, 0, 0, 0, 1]);
/// A group address without an entry.
pub const GROUP: MacAddr = MacAddr([0x33, 0x33, 0, 0, 0, 1]);
/// A group address with an entry in V.VLAN 100: vf1, vf3 and, wrongly, vf4.
pub const RESIDENT: MacAddr = MacAddr([1, 0, 0x5e, 0, 0, 9]);
pub const BROADCAST: MacAddr = MacAddr::BROADCAST;
pub const VVLAN_A: u16 = 100;
pub const VVLAN_B: u16 = 200;

pub fn vf(number: u8) -> VPort {
    VPort::new(number).unwrap()
}

pub fn mac(vf: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, vf])
}

pub fn key(vvlan: u16, mac: MacAddr) -> MacKey {
    MacKey {
        vvlan: VVlan::new(vvlan).unwrap(),
        mac,
    }
}

pub fn set(vfs: &[u8]) -> PortSet {
    vfs.iter().map(|number| vf(*number)).collect()
}

pub struct Nic {
    pub model: Model,
}

impl Nic {
    pub fn new() -> Self {
        let mut nic = Self {
            model: Model::new(N_VF),
        };
        nic.apply(TableCommand::Cfg(CfgRow {
            tpid: TPID,
            reflects: false,
            pcp: 5,
            mark: None,
        }));
        let row = |vlan, vswitch, members: &[u8]| VVlanRow {
            vswitch,
            members: set(members),
            ..VVlanRow::new(Vlan::new(vlan).unwrap(), Mode::Veb, Miss::Ignore)
        };
        let accept = [Vlan::new(11), None, None, None];
        let a = VVlanRow {
            accept,
            ..row(10, Some(vf(7)), &[0, 1, 2, 3, 7])
        };
        nic.apply(TableCommand::VVlan(3, a));
        nic.apply(TableCommand::VVlan(4, row(20, None, &[4, 5, 6])));
        nic.apply(TableCommand::VVmap(VVLAN_A, VVmapRow { instance: Some(3) }));
        nic.apply(TableCommand::VVmap(VVLAN_B, VVmapRow { instance: Some(4) }));
        for number in 0..N_VF {
            let vvlan = if (4..7).contains(&number) {
                VVLAN_B
            } else {
                VVLAN_A
            };
            let vswitch = number == 7;
            let row = PortRow {
                enabled: number != 3 && number != 6,
                role: if vswitch { Role::Vswitch } else { Role::Vf },
                spoofchk: !vswitch,
                learning: vswitch,
                vvlan: Vlan::new(vvlan).unwrap(),
                mac: mac(number),
                ..PortRow::DISABLED
            };
            nic.apply(TableCommand::Port(number.into(), row));
            if number < 6 {
                nic.learn(vvlan, mac(number), Target::VPort(vf(number)));
            }
        }
        nic.apply(TableCommand::Group(
            9,
            GroupRow {
                vports: set(&[1, 3, 4]),
            },
        ));
        nic.learn(VVLAN_A, RESIDENT, Target::Group(9));
        nic
    }

    pub fn apply(&mut self, command: TableCommand) {
        assert_eq!(self.model.apply(&command), Status::Ok, "{command:?}");
    }

    pub fn learn(&mut self, vvlan: u16, mac: MacAddr, target: Target) {
        let row = MacRow {
            key: key(vvlan, mac),
            target,
            is_static: true,
        };
        self.apply(TableCommand::MacInsert(0, row));
    }

    pub fn port(mut self, number: u8, change: impl FnOnce(&mut PortRow)) -> Self {
        use hairpin_eswitch::Tables;
        let mut row = self.model.tables.port(vf(number));
        change(&mut row);
        self.apply(TableCommand::Port(number.into(), row));
        self
    }

    pub fn vvlan(mut self, id: u16, change: impl FnOnce(&mut VVlanRow)) -> Self {
        use hairpin_eswitch::Tables;
        let (instance, mut row) = self.model.tables.vvlan(VVlan::new(id).unwrap()).unwrap();
        change(&mut row);
        self.apply(TableCommand::VVlan(instance.into(), row));
        self
    }

    pub fn reflects(mut self) -> Self {
        self.apply(TableCommand::Cfg(CfgRow {
            tpid: TPID,
            reflects: true,
            pcp: 5,
            mark: None,
        }));
        self
    }

    /// A V.VLAN 100 with flow cache, every field in its key, and a flow for a frame from `src`.
    pub fn flow(mut self, src: PortId, frame: &Frame, row: FlowRow) -> Self {
        use hairpin_eswitch::{Canonical, FrameKey, Tables};
        let (instance, mut vvlan) = self
            .model
            .tables
            .vvlan(VVlan::new(VVLAN_A).unwrap())
            .unwrap();
        vvlan.cache = true;
        vvlan.mode = if vvlan.mode == Mode::Veb {
            Mode::Auto
        } else {
            vvlan.mode
        };
        vvlan.key_mask = KeyField::MASK_ALL;
        vvlan.flow_quota = 5;
        self.apply(TableCommand::VVlan(instance.into(), vvlan));
        let frame = Canonical::new(&frame.0, 0).unwrap();
        let key = FrameKey::extract(src, Vlan::new(VVLAN_A).unwrap(), &frame, TPID);
        for command in TableCommand::stage(&key.fields) {
            self.apply(command);
        }
        self.apply(TableCommand::FlowInsert(instance.into(), row));
        self
    }

    /// What the guest of a vPort asked for, promiscuous and all-multicast, and whether it is trusted.
    pub fn asked(mut self, number: u8, [promisc, allmulti]: [bool; 2], trust: bool) -> Self {
        let row = RxModeRow {
            key: None,
            promisc,
            allmulti,
        };
        self.apply(TableCommand::RxMode(RxModeRow::index(vf(number), 0), row));
        self.port(number, |row| row.trust = trust)
    }

    pub fn entry(mut self, mac: MacAddr, target: Target) -> Self {
        self.learn(VVLAN_A, mac, target);
        self
    }
}

/// A frame as it stands on a bus.
#[derive(Clone)]
pub struct Frame(pub Vec<u8>);

impl Frame {
    /// 60 bytes with an EtherType that means nothing.
    pub fn new(da: MacAddr, sa: MacAddr) -> Self {
        let mut bytes = [da.0, sa.0].concat();
        bytes.extend([0x12, 0x34]);
        bytes.extend((0..46).map(|i| i as u8));
        Self(bytes)
    }

    /// Two bytes after the addresses.
    pub fn ethertype(mut self, ethertype: u16) -> Self {
        self.0[12..14].copy_from_slice(&ethertype.to_be_bytes());
        self
    }

    /// A tag behind the addresses.
    pub fn tag(mut self, tpid: u16, tci: u16) -> Self {
        let tag = [tpid.to_be_bytes(), tci.to_be_bytes()].concat();
        self.0.splice(12..12, tag);
        self
    }

    /// The tag of the vSwitch vPort.
    pub fn vswitch(self, vvlan: u16) -> Self {
        self.tag(0x8100, vvlan)
    }

    /// The tags of the uplink.
    pub fn wire(self, outer: u16, vvlan: u16, served: bool) -> Self {
        self.tag(0x8100, vvlan | u16::from(served) << 12)
            .tag(TPID, outer)
    }
}
