// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The NIC that fails and the traffic meanwhile.
//!
//! ```text
//!   V.VLAN 100  vf0, vf1: static; vf2, vf3: machines that the NIC learns; two flows of the host
//!   V.VLAN 200  vf4, vf5: static; vf6: machines that the NIC learns; vf7: a software switch
//! ```

use hairpin_driver::Diagnostic;

use super::watch::Watch;
use crate::cosim::frames::mark;
use crate::model::{Cycle, UPLINK};
use crate::nic::Nic;
use crate::rng::Rng;

/// The configuration.
pub(super) const CONFIG: &str = r#"
version = 1
[uplink]
tpid = 0x88a8
[[vvlan]]
id = 100
vlan = 10
cache = true
key-fields = ["src", "da"]
[[vvlan]]
id = 200
vlan = 20
[[vport]]
name = "vf0"
vvlan = 100
mac = "02:00:00:00:00:00"
[[vport]]
name = "vf1"
vvlan = 100
mac = "02:00:00:00:00:01"
[[vport]]
name = "vf2"
vvlan = 100
spoofchk = false
max-macs = 255
[[vport]]
name = "vf3"
vvlan = 100
spoofchk = false
[[vport]]
name = "vf4"
vvlan = 200
mac = "02:00:00:00:00:04"
[[vport]]
name = "vf5"
vvlan = 200
mac = "02:00:00:00:00:05"
[[vport]]
name = "vf6"
vvlan = 200
spoofchk = false
max-macs = 255
[[vport]]
name = "vf7"
role = "vswitch"
vvlans = [200]
max-macs = 255
[[flow]]
vvlan = 100
from = "vf0"
da = "02:0d:00:00:00:00"
action = "drop"
[[flow]]
vvlan = 100
from = "uplink"
da = "02:0e:00:00:00:00"
action = "redirect"
port = "vf1"
[[flow]]
vvlan = 100
from = "vf1"
da = "02:0f:00:00:00:00"
action = "punt"
"#;

/// V.VLANs, and the outer VLAN of each.
pub(super) const TENANTS: [(u16, u16); 2] = [(100, 10), (200, 20)];
const TPID: u16 = 0x88a8;
/// Machines behind each vPort that learns.
const MACHINES: usize = 8;
/// Clocks between two frames of the traffic; a run is so long.
const SLOT: usize = 32;
/// Clocks between two probes of learning.
const PROBE: u64 = 512;

/// Which part of the traffic a frame is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stream {
    /// Between vPorts, to static addresses.
    StaticLocal,
    /// From the wire to a static address.
    StaticFromWire,
    /// From a static address to the wire.
    StaticToWire,
    /// To machines whose address is learned.
    ToLearned,
    /// From those machines.
    FromLearned,
    /// To a machine that moves while the firmware is down.
    ToMover,
    /// From it.
    FromMover,
    /// From known and unknown machines behind the software switch.
    FromSwitch,
    /// From machines that nobody has seen.
    FromNew,
    /// A flow says: dropped.
    FlowDrop,
    /// A flow says where to.
    FlowRedirect,
    /// A flow says: to the firmware, which sends it on.
    FlowPunt,
    /// From one tenant to another.
    Foreign,
    /// Shows an address, to see whether it is learned.
    Show,
    /// Is sent to it.
    Ask,
}

impl Stream {
    /// What only static entries, or no entries, are needed for.
    pub(super) const STATIC: [Self; 3] =
        [Self::StaticLocal, Self::StaticFromWire, Self::StaticToWire];

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::StaticLocal => "static-local",
            Self::StaticFromWire => "static-from-wire",
            Self::StaticToWire => "static-to-wire",
            Self::ToLearned => "to-learned",
            Self::FromLearned => "from-learned",
            Self::ToMover => "to-mover",
            Self::FromMover => "from-mover",
            Self::FromSwitch => "from-vswitch",
            Self::FromNew => "from-new",
            Self::FlowDrop => "flow-drop",
            Self::FlowRedirect => "flow-redirect",
            Self::FlowPunt => "flow-punt",
            Self::Foreign => "foreign",
            Self::Show => "probe-show",
            Self::Ask => "probe-ask",
        }
    }
}

/// A frame before it is sent.
struct Draft {
    stream: Stream,
    port: u8,
    /// Where it belongs; `None`: nowhere.
    to: Option<u8>,
    da: [u8; 6],
    sa: [u8; 6],
    tags: Vec<u16>,
}

/// Makes the traffic.
#[derive(Debug)]
pub(super) struct Traffic {
    rng: Rng,
    next: u32,
    /// When the next frame is due.
    at: Cycle,
    /// Where the machine that moves is.
    mover: u8,
    new: usize,
    probes: usize,
}

fn vf(n: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, n]
}

fn machine(kind: u8, n: usize) -> [u8; 6] {
    [2, kind, 0, 0, (n >> 8) as u8, n as u8]
}

fn wire(tenant: usize) -> Vec<u16> {
    let (id, outer) = TENANTS[tenant];
    vec![TPID, outer, 0x8100, id]
}

/// An address outside.
fn outside(n: usize) -> [u8; 6] {
    machine(0x99, n)
}

/// Kinds of addresses: behind vf2, vf6 and vf7, moving, new, probes.
const BEHIND_2: u8 = 0x22;
const BEHIND_6: u8 = 0x26;
const BEHIND_7: u8 = 0x27;
const MOVING: u8 = 0x33;
const NEW: u8 = 0x44;
const PROBED: u8 = 0x55;

impl Traffic {
    pub(super) fn new(rng: Rng, at: Cycle) -> Self {
        Self {
            rng,
            next: 0,
            at,
            mover: 2,
            new: 0,
            probes: 0,
        }
    }

    /// Up to when there is traffic.
    pub(super) fn end(&self) -> Cycle {
        self.at
    }

    /// From now on the machine sends from the other vPort.
    pub(super) fn move_machine(&mut self) {
        self.mover = 5 - self.mover;
    }

    /// Queues all frames that are due before then.
    pub(super) fn until(
        &mut self,
        then: Cycle,
        nic: &mut Nic,
        watch: &mut Watch,
    ) -> Result<(), Diagnostic> {
        while self.at < then {
            let draft = self.draft();
            self.send(&draft, self.at, nic, watch)?;
            self.at += self.rng.range(1, 2 * SLOT - 1) as u64;
        }
        Ok(())
    }

    /// Shows a new address now and asks for it later. Returns when the next probe may be sent.
    pub(super) fn probe(&mut self, nic: &mut Nic, watch: &mut Watch) -> Result<Cycle, Diagnostic> {
        let address = machine(PROBED, self.probes);
        self.probes += 1;
        let now = nic.now();
        let draft = |stream, port, to, da, sa| Draft {
            stream,
            port,
            to: Some(to),
            da,
            sa,
            tags: Vec::new(),
        };
        let show = draft(Stream::Show, 2, 0, vf(0), address);
        self.send(&show, now, nic, watch)?;
        for part in 1..=2 {
            let ask = draft(Stream::Ask, 1, 2, address, vf(1));
            self.send(&ask, now + part * PROBE / 2, nic, watch)?;
        }
        Ok(now + PROBE)
    }

    fn send(
        &mut self,
        draft: &Draft,
        at: Cycle,
        nic: &mut Nic,
        watch: &mut Watch,
    ) -> Result<(), Diagnostic> {
        let mut bytes = [draft.da, draft.sa].concat();
        bytes.extend(draft.tags.iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend([0x90, 0]);
        let len = 60 + 2 * draft.tags.len() + *self.rng.pick(&[0, 0, 4, 68, 452, 1454]);
        bytes.resize(len, 0x5a);
        mark(&mut bytes, self.next);
        nic.queue(draft.port, self.next, at, false, &bytes)?;
        watch.sent(self.next, draft.stream, draft.to, bytes);
        self.next += 1;
        Ok(())
    }

    fn draft(&mut self) -> Draft {
        let n = self.rng.below(MACHINES);
        let plain = |stream, port: u8, to: Option<u8>, da, sa| Draft {
            stream,
            port,
            to,
            da,
            sa,
            tags: Vec::new(),
        };
        let tagged = |draft: Draft, tags| Draft { tags, ..draft };
        match self
            .rng
            .weighted(&[20, 10, 10, 16, 16, 6, 6, 6, 1, 3, 3, 2, 6])
        {
            0 if self.rng.percent(50) => plain(Stream::StaticLocal, 0, Some(1), vf(1), vf(0)),
            0 => plain(Stream::StaticLocal, 4, Some(5), vf(5), vf(4)),
            1 => {
                let draft = plain(Stream::StaticFromWire, UPLINK, Some(0), vf(0), outside(n));
                tagged(draft, wire(0))
            }
            2 => plain(Stream::StaticToWire, 5, Some(UPLINK), outside(n), vf(5)),
            3 if self.rng.percent(50) => {
                plain(Stream::ToLearned, 0, Some(2), machine(BEHIND_2, n), vf(0))
            }
            3 => plain(Stream::ToLearned, 4, Some(6), machine(BEHIND_6, n), vf(4)),
            4 if self.rng.percent(50) => {
                plain(Stream::FromLearned, 2, Some(0), vf(0), machine(BEHIND_2, n))
            }
            4 => plain(Stream::FromLearned, 6, Some(4), vf(4), machine(BEHIND_6, n)),
            5 => plain(
                Stream::ToMover,
                1,
                Some(self.mover),
                machine(MOVING, 0),
                vf(1),
            ),
            6 => plain(
                Stream::FromMover,
                self.mover,
                Some(1),
                vf(1),
                machine(MOVING, 0),
            ),
            7 => {
                // Most are known; each unknown one is for the firmware.
                let n = if self.rng.percent(90) {
                    n
                } else {
                    self.rng.below(200)
                };
                let draft = plain(Stream::FromSwitch, 7, Some(4), vf(4), machine(BEHIND_7, n));
                tagged(draft, vec![0x8100, TENANTS[1].0])
            }
            8 => {
                self.new = (self.new + 1) % 128;
                plain(Stream::FromNew, 6, Some(5), vf(5), machine(NEW, self.new))
            }
            9 => plain(Stream::FlowDrop, 0, None, [2, 0x0d, 0, 0, 0, 0], vf(0)),
            10 => {
                let da = [2, 0x0e, 0, 0, 0, 0];
                let draft = plain(Stream::FlowRedirect, UPLINK, Some(1), da, outside(n));
                tagged(draft, wire(0))
            }
            11 => plain(
                Stream::FlowPunt,
                1,
                Some(UPLINK),
                [2, 0x0f, 0, 0, 0, 0],
                vf(1),
            ),
            _ => self.foreign(n),
        }
    }

    /// A frame that must reach nobody of the other tenant, whatever its addresses say.
    fn foreign(&mut self, n: usize) -> Draft {
        let plain = |port, da, sa| Draft {
            stream: Stream::Foreign,
            port,
            to: None,
            da,
            sa,
            tags: Vec::new(),
        };
        match self.rng.below(5) {
            0 => plain(0, vf(5), vf(0)),
            1 => plain(4, machine(BEHIND_2, n), vf(4)),
            2 => plain(2, machine(BEHIND_6, n), machine(BEHIND_2, n)),
            3 => {
                // The inner tag of one tenant on the outer VLAN of the other.
                let tags = vec![TPID, TENANTS[1].1, 0x8100, TENANTS[0].0];
                Draft {
                    tags,
                    ..plain(UPLINK, vf(0), outside(n))
                }
            }
            _ => {
                let tags = vec![0x8100, TENANTS[0].0];
                Draft {
                    tags,
                    ..plain(7, vf(0), machine(BEHIND_7, n))
                }
            }
        }
    }
}
