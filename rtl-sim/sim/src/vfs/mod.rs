// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The VFs of a NIC in this process, each with a host that sends frames at given times and takes what arrives.
//!
//! ```text
//!  due frames ─► transmit ring ─► hp_virtio ─► NIC ─► hp_virtio ─► receive buffers ─► Arrived
//!                └────── the VF driver of hairpin-driver, polling ─────────┘
//! ```
//!
//! A driver looks at its rings between two runs of the clock, so the clock stands still for it: it is as fast as it
//! needs to be, and the NIC sees its register accesses and its memory alone.

mod function;

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex};

use hairpin_driver::Diagnostic;
use hairpin_driver::virtio::{Error, Frame, Options, Vf};

use crate::model::{Bus, Cycle, Model};
pub(crate) use function::lock;
use function::{Function, Memory};

/// Clocks between two looks of the drivers at their rings while a frame waits for a place, or the PF's driver uses the
/// clock; what comes meanwhile fits into their buffers.
const LOOK: u64 = 512;
/// Bytes of the model's log after which they look: of the shortest frames, these are a third of a queue's buffers.
const NEWS: usize = 8192;
/// Clocks between two questions whether a device that does not give a frame back is still well.
const CHECK: u64 = 1 << 18;
/// Frames that are taken out of a queue at once.
const BATCH: usize = 256;

/// A frame that arrived in a VF's receive buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The VF.
    pub vf: u8,
    /// Its queue pair.
    pub queue: u8,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A VF and its driver.
#[derive(Debug)]
struct Host {
    number: u8,
    vf: Vf,
    /// Frames to send, in the order of time.
    due: VecDeque<(Cycle, Vec<u8>)>,
    /// Those whose time has come and that found no place in the ring yet.
    ready: Vec<Frame>,
}

impl Host {
    /// Sends what is due, takes what came and what was sent; whether there was anything.
    fn look(&mut self, now: Cycle, arrived: &mut Vec<Arrived>) -> Result<bool, Error> {
        while let Some((_, bytes)) = self.due.pop_front_if(|(cycle, _)| *cycle <= now) {
            match self.vf.pool().frame_of(&bytes) {
                Some(frame) => self.ready.push(frame),
                None => {
                    // All buffers are under way.
                    self.due.push_front((now, bytes));
                    break;
                }
            }
        }
        let in_flight = self.in_flight();
        let sent = self.vf.tx_batch(&mut self.ready)?;
        let mut busy = sent > 0 || self.in_flight() < in_flight;
        let mut frames = Vec::new();
        for (queue, pair) in (0..).zip(self.vf.pairs()) {
            while pair.rx_batch(&mut frames, BATCH)? > 0 {
                busy = true;
                arrived.extend(frames.drain(..).map(|frame| Arrived {
                    vf: self.number,
                    queue,
                    bytes: frame.to_vec(),
                }));
            }
        }
        Ok(busy)
    }

    /// Frames in the ring that the device has not given back.
    fn in_flight(&mut self) -> u16 {
        self.vf.pairs().first().map_or(0, |pair| pair.in_flight())
    }

    /// Frames that are not in the ring yet.
    fn waiting(&self) -> usize {
        self.due.len() + self.ready.len()
    }

    /// When the next frame is to be put into the ring.
    fn next(&self, now: Cycle) -> Cycle {
        match self.due.front() {
            _ if !self.ready.is_empty() => now + LOOK,
            Some((cycle, _)) if *cycle <= now => now + LOOK,
            Some((cycle, _)) => *cycle,
            None => Cycle::MAX,
        }
    }
}

/// The VFs of a NIC.
#[derive(Debug, Default)]
pub struct Vfs {
    hosts: Vec<Host>,
    /// When one of them has something to do, when they looked last, and when they looked after their devices.
    next: Cycle,
    looked: Cycle,
    checked: Cycle,
    arrived: Vec<Arrived>,
}

impl Vfs {
    /// Starts the drivers of VFs that the PF has set up. They use all the queue pairs that they get, and send by the first.
    ///
    /// # Errors
    /// A VF does not do as it should.
    pub(crate) fn open(
        model: &Arc<Mutex<Model>>,
        vfs: &[u8],
        bus: Bus,
    ) -> Result<Self, Diagnostic> {
        let memory = Memory::default();
        lock(model).set_host(Box::new(memory.clone()), bus);
        let options = Options {
            queue_pairs: u16::MAX,
            interrupts: false,
            ..Options::default()
        };
        let mut hosts = Vec::new();
        for &number in vfs {
            let function = Function::new(number, Arc::clone(model), memory.clone());
            let vf = Vf::open(Arc::new(function), &options).map_err(|e| failed(number, e))?;
            hosts.push(Host {
                number,
                vf,
                due: VecDeque::new(),
                ready: Vec::new(),
            });
        }
        Ok(Self {
            hosts,
            ..Self::default()
        })
    }

    /// Has a VF send a frame when `cycle` has come. Frames of a VF are sent in the order of these calls.
    pub(crate) fn send(&mut self, vf: u8, cycle: Cycle, bytes: Vec<u8>) {
        self.next = self.next.min(cycle);
        if let Some(host) = self.hosts.iter_mut().find(|host| host.number == vf) {
            host.due.push_back((cycle, bytes));
        }
    }

    /// Frames that are not in a ring yet.
    pub(crate) fn waiting(&self) -> usize {
        self.hosts.iter().map(Host::waiting).sum()
    }

    /// Whether a device has not given back a frame that it got.
    pub(crate) fn in_flight(&mut self) -> bool {
        self.hosts.iter_mut().any(|host| host.in_flight() > 0)
    }

    /// When they have to look at their rings, and at the latest after how many bytes of the log. Never without a driver.
    pub(crate) fn next(&self) -> (Cycle, usize) {
        if self.hosts.is_empty() {
            return (Cycle::MAX, usize::MAX);
        }
        (self.next, NEWS)
    }

    /// Whether they should look now, if nobody looks at the log.
    pub(crate) fn is_time(&self, now: Cycle) -> bool {
        !self.hosts.is_empty() && now >= self.next.min(self.looked + LOOK)
    }

    /// All of them look at their rings; whether there was anything.
    ///
    /// # Errors
    /// A device is gone or broke the rules.
    pub(crate) fn look(&mut self, now: Cycle) -> Result<bool, Diagnostic> {
        let mut busy = false;
        let check = now >= self.checked + CHECK;
        for host in &mut self.hosts {
            let look = host.look(now, &mut self.arrived);
            busy |= look.map_err(|e| failed(host.number, e))?;
            if check && host.in_flight() > 0 {
                host.vf.check().map_err(|e| failed(host.number, e))?;
            }
        }
        if check {
            self.checked = now;
        }
        let next = self.hosts.iter().map(|host| host.next(now)).min();
        (self.next, self.looked) = (next.unwrap_or(Cycle::MAX), now);
        Ok(busy)
    }

    /// What has arrived since the last call; frames of a queue in their order.
    pub(crate) fn take_arrived(&mut self) -> Vec<Arrived> {
        mem::take(&mut self.arrived)
    }
}

fn failed(vf: u8, error: Error) -> Diagnostic {
    let error = Diagnostic::from(error);
    Diagnostic {
        message: format!("the driver of vf{vf}: {}", error.message),
        ..error
    }
}
