// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A NIC of plain memory behind the firmware's table command bus and learn unit.
#![allow(dead_code, reason = "each test binary uses its part")]

mod bus;
mod learn;

use hairpin_abi::admin::{AdminError, Command, decode_response};
use hairpin_abi::fw::Event;
use hairpin_abi::ids::PortSet;
use hairpin_abi::row::MacKey;
use hairpin_abi::{
    FlowKey, FlowRow, GroupRow, IpFields, KeyField, MacAddr, MacRow, Miss, Mode, PortId, PortRow,
    Target, VPort, VVlan, VVlanRow, Vlan,
};
use hairpin_nic_logic::{Control, Limits, Outcome};

#[allow(unused_imports, reason = "each test binary uses its part")]
pub(crate) use {
    bus::{FakeBus, Flow},
    learn::{Seen, SharedBus, Unit},
};

/// vPorts of the test NIC.
pub(crate) const VPORTS: u8 = 8;
/// V.VLAN instances of the test NIC.
pub(crate) const INSTANCES: u8 = 4;

/// A NIC with firmware.
pub(crate) struct Nic {
    pub(crate) bus: FakeBus,
    pub(crate) control: Control,
    pub(crate) limits: Limits,
    pub(crate) time: u64,
}

impl Nic {
    pub(crate) fn new() -> Self {
        Self::with_capacity(64, 64)
    }

    pub(crate) fn with_capacity(mac_capacity: u16, flow_capacity: u16) -> Self {
        Self {
            bus: FakeBus::new(mac_capacity.into(), flow_capacity.into()),
            control: firmware(limits(mac_capacity, flow_capacity)),
            limits: limits(mac_capacity, flow_capacity),
            time: 0,
        }
    }

    /// The firmware starts again, the tables stay.
    pub(crate) fn restart(&mut self) -> hairpin_nic_logic::boot::Recovered {
        self.control = firmware(self.limits);
        self.control.recover(&mut self.bus).expect("tables answer")
    }

    /// Obeys a command; the first result on success. An error must not have changed anything.
    pub(crate) fn run(&mut self, command: Command) -> Result<u32, AdminError> {
        self.run_words(&command.encode())
    }

    pub(crate) fn run_words(&mut self, words: &[u32; 16]) -> Result<u32, AdminError> {
        let before = self.bus.changes.len();
        let outcome = self.control.execute(&mut self.bus, words, self.time);
        let Outcome::Respond(words) = outcome else {
            panic!("crashes: {outcome:?}")
        };
        let result = decode_response(&words).map(|[first, ..]| first);
        if let Err(error) = result
            && error != AdminError::Hardware
        {
            assert_eq!(
                self.bus.changes.len(),
                before,
                "{error} has changed something"
            );
        }
        result
    }

    /// A millisecond passes; what the host is told.
    pub(crate) fn tick(&mut self) -> Vec<Event> {
        self.time += 156_250;
        self.bus.time = self.time;
        let mut told = Vec::new();
        let tell = |event| told.push(event);
        let result = self.control.tick(&mut self.bus, self.time, tell);
        assert_eq!(result, Ok(()));
        told
    }

    /// A V.VLAN with these members.
    pub(crate) fn add_vvlan(&mut self, id: u16, members: &[u8]) -> u32 {
        self.set_vvlan(id, row(members))
    }

    pub(crate) fn set_vvlan(&mut self, id: u16, row: VVlanRow) -> u32 {
        self.run(Command::VVlanSet { id: vvlan(id), row })
            .expect("a legal V.VLAN")
    }

    /// The host's row of a vPort.
    pub(crate) fn set_port(&mut self, number: u8, row: PortRow) {
        self.bus.ports[usize::from(number)] = row;
    }

    pub(crate) fn target(&self, id: u16, last: u8) -> Option<Target> {
        self.bus.mac_row(&key(id, last)).map(|row| row.target)
    }
}

fn limits(mac_capacity: u16, flow_capacity: u16) -> Limits {
    Limits {
        vports: VPORTS,
        instances: INSTANCES,
        groups: 16,
        mac_capacity,
        flow_capacity,
    }
}

fn firmware(limits: Limits) -> Control {
    let mut control = Control::new();
    control.init(limits, 1, 1);
    control
}

pub(crate) fn vvlan(id: u16) -> VVlan {
    VVlan::new(id).expect("1 to 4094")
}

pub(crate) fn vport(number: u8) -> VPort {
    VPort::new(number).expect("below 64")
}

pub(crate) fn vlan(id: u16) -> Vlan {
    Vlan::new(id).expect("12 bits")
}

pub(crate) fn mac(last: u8) -> MacAddr {
    MacAddr([0x02, 0, 0, 0, 0, last])
}

pub(crate) fn key(id: u16, last: u8) -> MacKey {
    MacKey {
        vvlan: vvlan(id),
        mac: mac(last),
    }
}

pub(crate) fn members(numbers: &[u8]) -> PortSet {
    numbers.iter().map(|number| vport(*number)).collect()
}

pub(crate) fn row(numbers: &[u8]) -> VVlanRow {
    VVlanRow {
        members: members(numbers),
        ..VVlanRow::new(vlan(10), Mode::Veb, Miss::Ignore)
    }
}

/// A V.VLAN that uses the flow cache, with every field in the key and a high quota.
pub(crate) fn cached(numbers: &[u8]) -> VVlanRow {
    VVlanRow {
        cache: true,
        flow_quota: 15,
        key_mask: KeyField::MASK_ALL,
        ..row(numbers)
    }
}

/// As the table holds it.
pub(crate) fn in_use(id: u16, row: VVlanRow) -> VVlanRow {
    VVlanRow {
        id: Some(vlan(id)),
        ..row
    }
}

pub(crate) fn group_row(bits: u64) -> GroupRow {
    GroupRow {
        vports: PortSet(bits),
    }
}

pub(crate) fn to_vport(id: u16, last: u8, port: u8) -> Command {
    Command::FdbAdd(entry(id, last, port, false))
}

pub(crate) fn entry(id: u16, last: u8, port: u8, is_static: bool) -> MacRow {
    MacRow {
        key: key(id, last),
        target: Target::VPort(vport(port)),
        is_static,
    }
}

/// A flow of TCP from a vPort, told apart by its L4 source port.
pub(crate) fn flow(id: u16, from: u8, sport: u16) -> FlowKey {
    FlowKey {
        src: vport(from).into(),
        vvlan: vlan(id),
        da: mac(200),
        sa: mac(from),
        ethertype: 0x0800,
        ip: IpFields {
            is_v6: false,
            src: 0x0a00_0001,
            dst: 0x0a00_0002,
            proto: 6,
            sport,
            dport: 80,
        },
    }
}

pub(crate) fn flow_add(key: FlowKey, row: FlowRow) -> Command {
    Command::FlowAdd { key, row }
}

pub(crate) fn uplink() -> PortId {
    PortId::Uplink
}
