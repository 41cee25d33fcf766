// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The thread that owns the NIC: it carries out what the others ask for, and lets the clock run while there is work.
//!
//! It waits for nothing but its queue, and for that only when the NIC is idle: time stands still meanwhile. Whoever
//! asks waits on a channel of its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};

use hairpin_driver::Diagnostic;
use nix::errno::Errno;

use super::function::Function;
use super::uplink::Uplink;
use crate::model::{CsrError, Cycle, RunMode, Stop, UPLINK};
use crate::nic::{FW_CTRL, Nic, Observer};
use crate::scoreboard::Left;

/// Clocks between two looks at the queue: a register access waits for so long.
const SLICE: u64 = 128;
/// Clocks that the firmware may be awake with nothing going on before the clock stops all the same.
const PATIENCE: u64 = 4_000_000;
/// Clocks that a function-level reset may take.
const RESET_LIMIT: u64 = 1_000_000;
/// Jobs that wait; then whoever asks waits.
const QUEUE: usize = 256;
/// Offset of the MSI-X table in a VF's BAR, and bytes of an entry.
const TABLE: u16 = 0x2000;
const ENTRY: u16 = 16;

/// What the NIC's thread is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    Read {
        function: u8,
        addr: u16,
        reply: Sender<Answer>,
    },
    /// Posted, as on PCIe.
    Write {
        function: u8,
        addr: u16,
        value: u32,
        strobes: u8,
    },
    /// Function-level reset of a VF.
    Reset { vf: u8, reply: Sender<Answer> },
    /// A VF's vector has somebody who listens, or not.
    Vector { vf: u8, vector: u16, on: bool },
    /// A VF's MSI-X is enabled, and masked as a whole.
    Msix { vf: u8, enabled: bool, masked: bool },
    /// A frame from the wire.
    Frame(Vec<u8>),
    /// Ends the thread.
    Stop,
}

/// What a register reads as, or that the NIC is there no more.
type Answer = u32;

/// The way to the NIC's thread.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    jobs: SyncSender<Job>,
}

impl Engine {
    /// A way, and its other end.
    pub(super) fn new() -> (Self, Receiver<Job>) {
        let (jobs, queue) = sync_channel(QUEUE);
        (Self { jobs }, queue)
    }

    /// Asks for something that has no answer.
    pub(super) fn post(&self, job: Job) -> Result<(), Errno> {
        self.jobs.send(job).map_err(|_| Errno::EIO)
    }

    fn ask(&self, job: impl FnOnce(Sender<Answer>) -> Job) -> Result<Answer, Errno> {
        let (reply, answer) = channel();
        self.post(job(reply))?;
        answer.recv().map_err(|_| Errno::EIO)
    }

    /// Reads a register of BAR 0.
    pub(super) fn read(&self, function: u8, addr: u16) -> Result<u32, Errno> {
        self.ask(|reply| Job::Read {
            function,
            addr,
            reply,
        })
    }

    /// Resets a VF, and waits until that is done.
    pub(super) fn reset(&self, vf: u8) -> Result<(), Errno> {
        self.ask(|reply| Job::Reset { vf, reply }).map(drop)
    }
}

/// Frames and what became of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Into the NIC, by port: VFs, then the uplink.
    pub(super) sent: Vec<u64>,
    /// Out of the NIC, likewise.
    pub(super) received: Vec<u64>,
}

/// The NIC and what it is asked.
pub(super) struct Machine {
    pub(super) nic: Nic,
    pub(super) functions: Arc<[Function]>,
    pub(super) ports: Ports,
    pub(super) jobs: Receiver<Job>,
    /// A bit per VF: reset, MSI-X enabled, MSI-X masked.
    flr: u64,
    enabled: u64,
    masked: u64,
    irq: bool,
    frames: u32,
    firmware_runs: bool,
}

/// Takes what leaves the NIC.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) uplink: Uplink,
    pub(super) counts: Counts,
}

impl Ports {
    pub(super) fn new(uplink: Uplink, vfs: usize) -> Self {
        let none = vec![0; vfs + 1];
        Self {
            uplink,
            counts: Counts {
                sent: none.clone(),
                received: none,
            },
        }
    }

    fn count(counts: &mut [u64], port: u8) {
        let last = counts.len() - 1;
        let at = if port == UPLINK {
            last
        } else {
            usize::from(port)
        };
        if let Some(count) = counts.get_mut(at) {
            *count += 1;
        }
    }
}

impl Observer for Ports {
    fn input(&mut self, _: Cycle, port: u8, _: u32) {
        Self::count(&mut self.counts.sent, port);
    }

    fn output(&mut self, cycle: Cycle, port: u8, bytes: &[u8], _: Left) {
        Self::count(&mut self.counts.received, port);
        if port == UPLINK {
            self.uplink.send(cycle, bytes);
        }
    }
}

impl Machine {
    pub(super) fn new(
        nic: Nic,
        functions: Arc<[Function]>,
        ports: Ports,
        jobs: Receiver<Job>,
        firmware_runs: bool,
    ) -> Self {
        Self {
            nic,
            functions,
            ports,
            jobs,
            flr: 0,
            enabled: 0,
            masked: 0,
            irq: false,
            frames: 0,
            firmware_runs,
        }
    }

    /// Works until it is told to stop.
    ///
    /// # Errors
    /// The design stopped.
    pub(super) fn run(&mut self) -> Result<(), Diagnostic> {
        // Nothing is known of the time before: begin with the clock running.
        let mut idle = false;
        let mut awake = 0;
        loop {
            let mut next = if idle {
                self.jobs.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                self.jobs.try_recv()
            };
            loop {
                match next {
                    Ok(Job::Stop) | Err(TryRecvError::Disconnected) => return Ok(()),
                    Ok(job) => self.work(job)?,
                    Err(TryRecvError::Empty) => break,
                }
                awake = 0;
                next = self.jobs.try_recv();
            }
            let bored = awake >= PATIENCE || !self.firmware_runs;
            idle = self.step(true, bored)? == Stop::Idle;
            let status = self.nic.model().status();
            awake = if status.idle { awake + SLICE } else { 0 };
        }
    }

    /// Lets the clock run for a slice, or until nothing is left to do.
    fn step(&mut self, stop_idle: bool, ignore_core: bool) -> Result<Stop, Diagnostic> {
        let mode = RunMode {
            stop_idle,
            ignore_core,
            ..RunMode::EXACT
        };
        let stop = self.nic.step(SLICE, mode, &mut self.ports)?;
        self.interrupt_of_pf();
        Ok(stop)
    }

    /// The PF has one vector, and the NIC a line for it.
    fn interrupt_of_pf(&mut self) {
        let irq = self.nic.model().status().irq;
        if irq
            && !self.irq
            && let Some(pf) = self.functions.first()
        {
            pf.raise(0);
        }
        self.irq = irq;
    }

    fn work(&mut self, job: Job) -> Result<(), Diagnostic> {
        match job {
            Job::Read {
                function,
                addr,
                reply,
            } => {
                let read = self.nic.model().csr_read(function, 0, addr);
                // Whoever asked may have gone.
                let _ = reply.send(self.answered(read)?.unwrap_or(u32::MAX));
            }
            Job::Write {
                function,
                addr,
                value,
                strobes,
            } => self.write(function, addr, value, strobes)?,
            Job::Reset { vf, reply } => {
                self.reset(vf)?;
                let _ = reply.send(0);
            }
            Job::Vector { vf, vector, on } => self.vector(vf, vector, on)?,
            Job::Msix {
                vf,
                enabled,
                masked,
            } => {
                set(&mut self.enabled, vf, enabled);
                set(&mut self.masked, vf, masked);
                self.set_functions();
            }
            Job::Frame(bytes) => {
                let now = self.nic.now();
                self.nic.queue(UPLINK, self.frames, now, false, &bytes)?;
                self.frames = (self.frames + 1) & 0x7fff_ffff;
            }
            Job::Stop => {}
        }
        Ok(())
    }

    /// What came of an access; one that the NIC refused is nothing, as on PCIe.
    fn answered<T>(&self, result: Result<T, CsrError>) -> Result<Option<T>, Diagnostic> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(CsrError::Response) => Ok(None),
            Err(error) => {
                let why = self.nic.model().error();
                let why = why.unwrap_or_else(|| error.to_string());
                Err(Diagnostic::new("design-stopped", why)
                    .help("this is a defect of the NIC: report it"))
            }
        }
    }

    fn write(
        &mut self,
        function: u8,
        addr: u16,
        value: u32,
        strobes: u8,
    ) -> Result<(), Diagnostic> {
        let written = self
            .nic
            .model()
            .csr_write_bytes(function, 0, addr, value, strobes);
        self.answered(written)?;
        if function == 0 && addr == FW_CTRL && strobes & 1 != 0 {
            self.firmware_runs = value & 1 != 0;
            if !self.firmware_runs {
                self.nic.drain(&mut self.ports)?;
                self.nic.scoreboard.core_restarted();
            }
        }
        Ok(())
    }

    /// The entry of a vector in the MSI-X table.
    fn vector(&mut self, vf: u8, vector: u16, on: bool) -> Result<(), Diagnostic> {
        let function = vf + 1;
        let Some(address) = self
            .functions
            .get(usize::from(function))
            .map(Function::message_address)
        else {
            return Ok(());
        };
        let entry = TABLE + ENTRY * vector;
        let words = [
            address as u32,
            (address >> 32) as u32,
            vector.into(),
            u32::from(!on),
        ];
        for (addr, word) in (entry..).step_by(4).zip(words) {
            self.write(function, addr, word, 0xf)?;
        }
        Ok(())
    }

    fn set_functions(&mut self) {
        let mut model = self.nic.model();
        model.set_functions(self.flr, self.enabled, self.masked);
    }

    /// Resets a VF: asks, waits for the answer, takes the question back.
    fn reset(&mut self, vf: u8) -> Result<(), Diagnostic> {
        for on in [true, false] {
            set(&mut self.flr, vf, on);
            self.set_functions();
            let limit = self.nic.now() + RESET_LIMIT;
            while (self.nic.model().status().flr_done >> vf & 1 != 0) != on {
                if self.nic.now() > limit {
                    eprintln!("vf{vf}: the reset does not end");
                    break;
                }
                self.step(false, true)?;
            }
        }
        Ok(())
    }
}

fn set(bits: &mut u64, at: u8, on: bool) {
    let bit = 1u64.checked_shl(at.into()).unwrap_or(0);
    *bits = *bits & !bit | if on { bit } else { 0 };
}
