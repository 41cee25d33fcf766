// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The golden model, in the terms of the trace.

use std::borrow::Cow;
use std::fmt::Display;
use std::rc::Rc;

use hairpin_abi::counter::CounterAddr;
use hairpin_abi::row::MacKey;
use hairpin_abi::{
    FlowKey, FlowKeyWords, Op, PortId, Reason, Status, Table, Target, Teacher, VPort, VVlan, Vlan,
};
use hairpin_eswitch::mark::take_off_packet;
use hairpin_eswitch::model::{Model, Traced};
use hairpin_eswitch::{
    CacheUse, Canonical, Decision, Egress, FrameKey, Ingress, Kind, Tables, edit,
};

use crate::model::{Cycle, UPLINK};
use crate::trace::{AppliedCommand, Decided, DecidedKind, Key};

/// Largest copy on any bus, with room.
const LARGEST: usize = 16384;

/// The golden model of one NIC.
#[derive(Debug)]
pub struct Golden {
    model: Model,
    buffer: Vec<u8>,
}

/// What the golden model decided about a frame.
#[derive(Debug)]
pub struct Expected {
    /// The frame's port.
    pub src: u8,
    /// vPorts that get a copy.
    pub targets: u64,
    /// The uplink gets one.
    pub to_uplink: bool,
    /// The firmware gets it.
    pub punt: bool,
    /// The V.VLAN.
    pub vvlan: Option<u16>,
    /// Its instance.
    pub instance: Option<u8>,
    /// The frame without NIC tags; empty where no copy is made.
    pub canonical: Rc<[u8]>,
    kind: DecidedKind,
    reason: u8,
    served: bool,
    len: usize,
    key: Option<Key>,
    flow: Option<u16>,
    /// It asked the flow cache.
    pub asked: bool,
    /// The entry that it found was learned from the adjacent switch.
    pub learned: bool,
    /// The flow that it teaches, as the V.VLAN's key mask leaves it.
    pub teaches: Option<FlowKey>,
    /// How each copy is dressed, fixed when the frame is decided.
    copies: Vec<(u8, Egress)>,
}

impl Golden {
    /// A NIC with so many VFs, out of reset.
    #[must_use]
    pub fn new(n_vf: u8) -> Self {
        Self {
            model: Model::new(n_vf),
            buffer: vec![0; LARGEST],
        }
    }

    /// The model itself.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Says how many places the MAC table and the flow cache have.
    pub fn set_capacity(&mut self, macs: usize, flows: usize) {
        self.model.tables.set_capacity(macs, flows);
    }

    /// Entries of a table that are alive, and with the dead ones that the NIC may not have swept.
    #[must_use]
    pub fn occupancy(&self, table: Table) -> (usize, usize) {
        self.model.tables.occupancy(table)
    }

    /// The NIC has swept a table.
    pub fn swept(&mut self, table: Table) {
        self.model.tables.swept(table);
    }

    /// NIC tag bytes on a port.
    #[must_use]
    pub fn tag_len(&self, port: u8) -> usize {
        match PortId::new(port) {
            Some(PortId::Uplink) => 8,
            Some(PortId::VPort(vport)) if self.model.tables.port(vport).is_vswitch() => 4,
            _ => 0,
        }
    }

    /// Applies a command of the trace.
    ///
    /// # Errors
    /// What it should have been answered.
    pub fn command(&mut self, cycle: Cycle, c: &AppliedCommand) -> Result<(), String> {
        let (Some(op), Some(table), Some(status)) = (
            Op::from_code(c.op),
            Table::from_code(c.table),
            Status::from_code(c.status),
        ) else {
            return Err("a known operation, table and status".to_owned());
        };
        self.model
            .replay(&Traced {
                op,
                table,
                index: c.index,
                data: c.data,
                key: FlowKeyWords(c.flow_key),
                status,
                time: cycle,
            })
            .map_err(|wrong| wrong.to_string())
    }

    /// Decides about a frame of the trace and counts it in.
    pub fn decide(&mut self, d: &Decided, bytes: &[u8]) -> Expected {
        let src = PortId::new(d.src).unwrap_or(PortId::Core);
        let ingress = match (d.tomb, d.core, src) {
            (true, ..) => Ingress::Tombstone {
                src,
                reason: Reason::from_code(d.tomb_reason).unwrap_or(Reason::PuntRefused),
                core: d.core,
            },
            (_, true, _) => Ingress::Core {
                src,
                vvlan: Vlan::from_tci(d.meta_vvlan),
                nopunt: d.nopunt,
            },
            (_, _, PortId::VPort(vport)) => Ingress::VPort(vport),
            _ => Ingress::Uplink,
        };
        let decision = self.model.decide(d.time, &ingress, bytes);
        let (frames, on_bus) = (u64::from(d.count.max(1)), u64::from(d.bus_len));
        self.model
            .counters
            .decided(&ingress, &decision, frames, on_bus);
        self.expected(d, &decision, bytes)
    }

    fn expected(&self, d: &Decided, decision: &Decision, bytes: &[u8]) -> Expected {
        let tables = &self.model.tables;
        let mut bytes = Cow::Borrowed(bytes);
        if let Some(mark) = decision.unmark {
            take_off_packet(bytes.to_mut(), mark, decision.strip, tables.config().tpid);
        }
        let canonical = Canonical::new(&bytes, decision.strip).filter(|_| !d.tomb);
        let whole = canonical
            .as_ref()
            .zip(decision.vvlan)
            .map(|(frame, vvlan)| {
                let src = PortId::new(d.src).unwrap_or(PortId::Core);
                FrameKey::extract(src, vvlan, frame, tables.config().tpid)
            });
        let key = whole.as_ref().map(key);
        let vvlan = decision.vvlan.and_then(|vlan| VVlan::try_from(vlan).ok());
        let row = vvlan.and_then(|vvlan| tables.vvlan(vvlan));
        let masked = whole
            .zip(row)
            .map(|(key, (_, row))| key.fields.masked(row.key_mask));
        let flow = match decision.cache {
            CacheUse::Hit(handle) => Some(handle),
            CacheUse::Unused | CacheUse::Miss => None,
        };
        let found = flow.and(masked).and_then(|key| tables.flow_entry(&key));
        let copies = (0..=UPLINK)
            .filter_map(|port| {
                let id = PortId::new(port)?;
                Some((port, Egress::of(decision, tables, id)?))
            })
            .collect::<Vec<_>>();
        let punt = decision.kind == Kind::Punt;
        let to_core = punt || d.told;
        let canonical: Rc<[u8]> = match canonical {
            Some(frame) if to_core || !copies.is_empty() => {
                [frame.addresses().as_slice(), frame.rest()].concat().into()
            }
            _ => Rc::new([]),
        };
        Expected {
            src: d.src,
            targets: decision.targets.0,
            to_uplink: decision.to_uplink,
            punt,
            vvlan: decision.vvlan.map(Vlan::get),
            instance: decision.instance,
            canonical,
            kind: kind(decision.kind),
            reason: decision.reason.code(),
            served: decision.served,
            len: decision.len,
            key,
            flow,
            asked: decision.cache != CacheUse::Unused,
            learned: found.is_some_and(|entry| entry.row.teacher == Teacher::Learned),
            teaches: whole.zip(row).filter(|_| decision.teaches).and_then(
                |(FrameKey { fields, .. }, (_, row))| {
                    // The flow is one of the vPort whose address the frame comes from.
                    let (vvlan, mac) = (vvlan?, fields.sa);
                    let Some(Target::VPort(vport)) = tables.mac(&MacKey { vvlan, mac }) else {
                        return None;
                    };
                    let src = vport.into();
                    Some(FlowKey { src, ..fields }.masked(row.key_mask))
                },
            ),
            copies,
        }
    }

    /// The copy of a frame for one port.
    #[must_use]
    pub fn copy_for(&mut self, expected: &Expected, port: u8) -> &[u8] {
        let dress = expected
            .copies
            .iter()
            .find(|(p, _)| *p == port)
            .map(|(_, dress)| dress);
        let written = dress.and_then(|dress| {
            let frame = Canonical::new(&expected.canonical, 0)?;
            edit::write(&frame, dress, &mut self.buffer)
        });
        &self.buffer[..written.unwrap_or(0)]
    }

    /// The adjacent switch tells the firmware where an address is.
    pub fn said(&mut self, key: MacKey, vport: VPort) {
        self.model.said(key, vport);
    }

    /// A frame has taught a flow; `told`: the firmware got a copy.
    pub fn taught(&mut self, flow: FlowKey, time: u64, told: bool) {
        self.model.taught(flow, time, told);
    }

    /// Counts a copy out.
    pub fn count_output(&mut self, port: u8, instance: Option<u8>, bytes: usize) {
        if let Some(port) = PortId::new(port) {
            self.model.counters.left(port, instance, bytes as u64);
        }
    }

    /// Counts a loss.
    pub fn count_loss(&mut self, port: u8, instance: Option<u8>, reason: u8) {
        if let (Some(port), Some(reason)) = (PortId::new(port), Reason::from_code(reason)) {
            self.model.counters.lost(port, instance, reason);
        }
    }

    /// The value of a counter.
    #[must_use]
    pub fn counter(&self, addr: CounterAddr) -> u64 {
        self.model.counters.get(addr)
    }
}

impl Expected {
    /// A frame of the firmware's own.
    #[must_use]
    pub fn direct(d: &Decided) -> Self {
        Self {
            src: d.src,
            targets: if d.direct_port < UPLINK {
                1 << d.direct_port
            } else {
                0
            },
            to_uplink: d.direct_port == UPLINK,
            punt: false,
            vvlan: None,
            instance: None,
            canonical: Rc::new([]),
            kind: DecidedKind::Direct,
            reason: Reason::Injected.code(),
            served: false,
            len: usize::from(d.len),
            key: None,
            flow: None,
            asked: false,
            learned: false,
            teaches: None,
            copies: Vec::new(),
        }
    }

    /// Every field in which the NIC's decision differs: name, expected, actual.
    #[must_use]
    pub fn differences(&self, d: &Decided) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        let mut field = |name, equal: bool, want: &dyn Display, got: &dyn Display| {
            if !equal {
                found.push((name, want.to_string(), got.to_string()));
            }
        };
        let text = |kind: DecidedKind| format!("{kind:?}").to_lowercase();
        field("kind", self.kind == d.kind, &text(self.kind), &text(d.kind));
        field(
            "reason",
            self.reason == d.reason,
            &name(self.reason),
            &name(d.reason),
        );
        let set = |bits: u64| format!("{bits:#x}");
        field(
            "targets",
            self.targets == d.targets,
            &set(self.targets),
            &set(d.targets),
        );
        field(
            "uplink copy",
            self.to_uplink == d.to_uplink,
            &self.to_uplink,
            &d.to_uplink,
        );
        if self.to_uplink && d.to_uplink {
            field("served", self.served == d.served, &self.served, &d.served);
        }
        if let Some(vvlan) = self.vvlan {
            field("V.VLAN", vvlan == d.vvlan, &vvlan, &d.vvlan);
        }
        let instance = |i: Option<u8>| i.map_or("none".to_owned(), |i| i.to_string());
        field(
            "instance",
            self.instance == d.instance,
            &instance(self.instance),
            &instance(d.instance),
        );
        if self.kind != DecidedKind::Drop {
            field("length", self.len == usize::from(d.len), &self.len, &d.len);
        }
        let handle = |flow: Option<u16>| flow.map_or("none".to_owned(), |h| h.to_string());
        field(
            "flow entry",
            self.flow == d.flow,
            &handle(self.flow),
            &handle(d.flow),
        );
        if let (Some(want), Some(got)) = (&self.key, &d.key) {
            field(
                "key",
                want == got,
                &format!("{want:x?}"),
                &format!("{got:x?}"),
            );
        }
        found
    }
}

/// The name of a reason code.
#[must_use]
pub fn name(reason: u8) -> String {
    Reason::from_code(reason).map_or_else(|| format!("reason {reason}"), |r| r.name().to_owned())
}

fn kind(kind: Kind) -> DecidedKind {
    match kind {
        Kind::Drop => DecidedKind::Drop,
        Kind::Local => DecidedKind::Local,
        Kind::Uplink => DecidedKind::Uplink,
        Kind::Multicast => DecidedKind::Multicast,
        Kind::Punt => DecidedKind::Punt,
        Kind::Direct => DecidedKind::Direct,
    }
}

fn key(frame: &FrameKey) -> Key {
    let key = &frame.fields;
    Key {
        unkeyable: frame.unkeyable,
        src: key.src.get(),
        vvlan: key.vvlan.get(),
        da: key.da.to_u64(),
        sa: key.sa.to_u64(),
        ethertype: key.ethertype,
        is_v6: key.ip.is_v6,
        ip_src: key.ip.src,
        ip_dst: key.ip.dst,
        proto: key.ip.proto,
        sport: key.ip.sport,
        dport: key.ip.dport,
    }
}
